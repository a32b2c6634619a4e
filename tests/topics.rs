//! Topics and segments: who gets which part of a letter, as it arrives.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use crieur::store::{Database, Store};

use crate::support::project::Project;
use crate::support::stores::{Place, on_both_stores};

const START: &str = "2026-03-01T08:00:00Z";
/// The key that the Message-ID and the way out depend on.
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";

fn newsletter(to: &str, more: &str) -> String {
    format!(
        "title: La lettre\nfrom: La rédaction <lettre@example.org>\nto: {to}\nleave: mailto:partir@example.org\n\
         schedule: each-run\nbacklog: announce\ntopics:\n  \
         - {{ name: evenements, title: Événements, select: {{ tags: [événement] }} }}\n  \
         - {{ name: videos, title: Vidéos, select: {{ tags: [vidéo] }} }}\n  \
         - {{ name: breves, title: Brèves, select: {{ tags: [brève] }} }}\n{more}"
    )
}

fn item(title: &str, date: &str, tags: &str) -> String {
    format!("---\ntitle: {title}\ndate: {date}\ntags: [{tags}]\n---\nDu nouveau dans {title}.\n")
}

/// A site with an event, a video and an event that was filmed.
fn site(newsletter: String) -> Project {
    let mut project = Project::new()
        .file("config/newsletters/news.yaml", newsletter)
        .file("var/keys/key", KEY)
        .file("posts/fete.md", item("Fête", "2026-02-01", "événement"))
        .file("posts/film.md", item("Film", "2026-02-02", "vidéo"))
        .file("posts/captation.md", item("Captation", "2026-02-03", "événement, vidéo"));
    // What lies open is refused.
    let key = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(project.join("var/keys/key"), key).expect("a key of our own");
    project.at(START);
    project
}

/// The titles that each person's letters show, a letter after the other, with its subject's.
fn received(project: &Project) -> BTreeMap<String, Vec<String>> {
    let mut received: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for letter in project.letters("var/outbox") {
        let parsed = mail_parser::MessageParser::default().parse(letter.as_bytes()).expect("a letter");
        let to = parsed.to().and_then(|to| to.first()).and_then(|to| to.address()).expect("an address");
        let (text, html) = (parsed.body_text(0).expect("text"), parsed.body_html(0).expect("HTML"));
        let titles = ["Captation", "Film", "Fête", "Info"].into_iter().filter(|title| {
            let words = format!("Du nouveau dans {title}.");
            assert_eq!(text.contains(&words), html.contains(&words), "{title} in both parts or none: {to}");
            text.contains(&words)
        });
        let titles: Vec<&str> = titles.collect();
        let subject = parsed.subject().expect("a subject");
        assert!(subject.ends_with(titles[0]), "{subject} {titles:?}");
        received.entry(to.to_string()).or_default().push(titles.join(" "));
    }
    received
}

/// The database of the project, to choose in.
fn choose(project: &Project, place: &str, choices: &[(&str, Option<&str>)]) {
    let database = Database::parse(project.path(), place, None).expect("an address");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut store = Store::open(&database).await.expect("the database");
        let people = store.list_recipients(None).await.expect("people");
        for (email, topics) in choices {
            let person =
                people.iter().find(|person| person.addressee.email == *email).expect("a person").addressee.id;
            let now = START.parse().expect("a time");
            assert!(store.choose(person, "news", *topics, "page", now).await.expect("chosen"));
        }
        store.close().await.expect("closed");
    });
}

on_both_stores! {
    each_reader_gets_one_letter_with_what_is_of_their_topics,
    an_edition_that_waits_follows_what_its_readers_choose,
}

const PEOPLE: [&str; 5] = ["tout", "evenements", "videos", "deux", "breves"];

/// Five people: without a choice, with one topic, with another, with two, and with one of which there is nothing.
fn with_people(place: &Place, more: &str) -> (Project, String) {
    let project = site(newsletter("recipients", more));
    let config = project.read("config/crieur.yaml");
    let line = place.line();
    project.write("config/crieur.yaml", format!("{config}{line}"));
    let database = line.trim().strip_prefix("database: ").unwrap_or("sqlite:var/crieur.db").to_string();
    for name in PEOPLE {
        project.ok(&["recipients", "add", &format!("{name}@example.org")]);
    }
    let choices = [
        ("evenements@example.org", Some("evenements")),
        ("videos@example.org", Some("videos")),
        ("deux@example.org", Some("evenements videos")),
        ("breves@example.org", Some("breves")),
    ];
    choose(&project, &database, &choices);
    (project, database)
}

fn titles(people: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let of = |titles: &[&str]| titles.iter().map(|titles| titles.to_string()).collect();
    people.iter().map(|(name, titles)| (format!("{name}@example.org"), of(titles))).collect()
}

fn each_reader_gets_one_letter_with_what_is_of_their_topics(place: Place) {
    let (mut project, _) = with_people(&place, "");
    let dry = project.json(&["send", "--dry-run"], 0);
    assert_eq!(dry["editions"][0]["eligible"], 4, "{dry}");
    let shown = project.json(&["digest"], 0);
    let shown = &shown["editions"][0];
    assert_eq!(shown["no_letter_for"], serde_json::json!(["breves"]));
    let parts: Vec<_> = shown["parts"].as_array().expect("parts").iter().map(|part| &part["file"]).collect();
    assert_eq!(parts, ["letter.evenements.html", "letter.videos.html"], "{shown}");
    let check = project.crieur(&["check"]);
    assert!(check.stderr.contains("news: 3 different letters, by the topics that readers chose"), "{}", check.stderr);

    let printed = project.json(&["run"], 0);
    let edition = &printed["editions"][0];
    assert_eq!(
        (&edition["state"], &edition["eligible"], &edition["accepted"]),
        (&"done".into(), &4.into(), &4.into())
    );
    assert_eq!(edition["items"].as_array().map(Vec::len), Some(3));
    let first = [
        ("tout", &["Captation Film Fête"][..]),
        ("evenements", &["Captation Fête"]),
        ("videos", &["Captation Film"]),
        ("deux", &["Captation Film Fête"]),
    ];
    assert_eq!(received(&project), titles(&first));
    let said = project.ok(&["explain", "breves@example.org"]);
    assert!(said.contains("news n° 1: nothing in it is of the topics chosen (breves)"), "{said}");
    let said = project.json(&["explain", "breves@example.org"], 0);
    assert_eq!(said["editions"][0]["nothing_for_topics"], "breves");
    let page = project.read("public/letters/news-1.html");
    assert!(["Captation", "Film", "Fête"].iter().all(|title| page.contains(&format!("Du nouveau dans {title}."))));

    // What belongs to no topic is for everybody.
    project.write("posts/info.md", item("Info", "2026-03-01", "autre"));
    project.at("2026-03-02T08:00:00Z");
    assert_eq!(project.json(&["run"], 0)["editions"][0]["eligible"], 5);
    let second = PEOPLE.map(|name| match first.iter().find(|(one, _)| *one == name) {
        Some((_, first)) => (name, vec![first[0], "Info"]),
        None => (name, vec!["Info"]),
    });
    let second: Vec<(&str, &[&str])> = second.iter().map(|(name, titles)| (*name, &titles[..])).collect();
    assert_eq!(received(&project), titles(&second));
    let by_id: Vec<String> = project
        .letters("var/outbox")
        .iter()
        .filter_map(|letter| letter.lines().find(|line| line.starts_with("Message-ID:")).map(str::to_string))
        .collect();
    let distinct: std::collections::BTreeSet<&String> = by_id.iter().collect();
    assert_eq!((by_id.len(), distinct.len()), (9, 9));
}

fn an_edition_that_waits_follows_what_its_readers_choose(place: Place) {
    let more = "schedule: \"0 9 2 * *\"\npreview_to: [redaction@example.org]\n";
    let (mut project, database) = with_people(&place, "");
    let file = project.read("config/newsletters/news.yaml").replace("schedule: each-run\n", more);
    project.write("config/newsletters/news.yaml", file);
    project.at("2026-03-01T07:00:00Z");
    project.ok(&["run"]);
    project.at("2026-03-01T09:00:00Z");
    project.ok(&["run"]);
    let ahead = received(&project);
    assert_eq!(ahead, titles(&[("redaction", &["Captation Film Fête"])]), "the whole letter is seen ahead");
    let changes = [("tout@example.org", Some("breves")), ("breves@example.org", Some("videos"))];
    choose(&project, &database, &changes);
    project.at("2026-03-01T10:00:00Z");
    project.ok(&["run"]);
    assert_eq!(received(&project), ahead, "nothing of what it says has changed");
    project.at("2026-03-02T08:00:00Z");
    let printed = project.json(&["run"], 0);
    assert_eq!((&printed["editions"][0]["state"], &printed["editions"][0]["accepted"]), (&"done".into(), &4.into()));
    let expected = titles(&[
        ("redaction", &["Captation Film Fête"]),
        ("evenements", &["Captation Fête"]),
        ("videos", &["Captation Film"]),
        ("deux", &["Captation Film Fête"]),
        ("breves", &["Captation Film"]),
    ]);
    assert_eq!(received(&project), expected);
}

/// A list in a file, with columns for tags and topics.
fn with_file(more: &str) -> Project {
    site(newsletter("file:config/people.csv", more)).file(
        "config/people.csv",
        "email,name,tags,topics\ndestinataire@example.org,Prénom Nom,elu,evenements\ntout@example.org,Tout,\"elu, presse\",\n\
         hors@example.org,Hors,presse,\nrien@example.org,Rien,elu,breves\ntest@example.org,Test,elu test,videos\n",
    )
}

#[test]
fn what_digest_shows_of_a_part_is_what_send_sends() {
    let project = with_file("segment: { tags: [elu], not_tags: [test] }\n");
    project.write("var/digest/news/letter.videos.html", "an earlier one");
    let shown = project.json(&["digest"], 0);
    assert_eq!(shown["editions"][0]["weight"]["carbon"]["recipients"], 3, "{shown}");
    assert!(!project.join("var/digest/news/letter.videos.html").exists());
    let part = project.read("var/digest/news/letter.evenements.eml").replace("\r\n", "\n");
    project.ok(&["send"]);
    let expected = [("destinataire", &["Captation Fête"][..]), ("tout", &["Captation Film Fête"])];
    assert_eq!(received(&project), titles(&expected));
    let letters = project.letters("var/outbox");
    let sent = letters.iter().find(|letter| letter.contains("destinataire@example.org")).expect("theirs");
    assert_eq!(sent.replace("\r\n", "\n").trim_end(), part.trim_end());
    // Why the others have none.
    for (name, why) in [
        ("rien", "nothing in it is of the topics chosen (breves)"),
        ("hors", "outside the newsletter's segment"),
        ("test", "outside the newsletter's segment"),
        ("inconnu", "was not on its list when it was frozen"),
    ] {
        let said = project.ok(&["explain", &format!("{name}@example.org")]);
        assert!(said.contains(&format!("  news n° 1: {why}\n")), "{said}");
    }
}

#[test]
fn a_letter_that_no_reader_wanted_is_done_and_stops_nothing() {
    let project = with_file("segment: { tags: [elu], not_tags: [test] }\n");
    let list = "email,tags,topics\nrien@example.org,elu,breves\n";
    project.write("config/people.csv", list);
    let file = project.read("config/newsletters/news.yaml").replace("each-run", "each-item");
    project.write("config/newsletters/news.yaml", file);
    project.write("posts/zeta.md", item("Info", "2026-02-20", "brève"));
    let printed = project.json(&["run"], 0);
    let editions = printed["editions"].as_array().expect("editions");
    let shown: Vec<_> = editions.iter().map(|edition| (&edition["state"], edition["eligible"].as_i64())).collect();
    let done = &serde_json::Value::from("done");
    assert_eq!(shown, [(done, Some(0)), (done, Some(0)), (done, Some(0)), (done, Some(1))], "{printed}");
    assert_eq!(received(&project), titles(&[("rien", &["Info"])]));
    assert_eq!(project.json(&["run"], 0)["editions"], serde_json::json!([]));
}

#[test]
fn a_part_of_an_arranged_edition_keeps_a_persons_words() {
    let project = with_file("approve: file\nsegment: { tags: [elu] }\n");
    project.write(
        "editions/news-1.md",
        "---\nnewsletter: news\nnumber: 1\nsend: now\n---\n\nQuelques mots pour commencer.\n\n## Les rendez-vous\n\n- [Fête](/posts/fete/)\n\n\
         ## À voir\n\n- [Film](/posts/film/)\n- [Captation](/posts/captation/)\n",
    );
    let printed = project.json(&["run"], 0);
    assert_eq!(printed["editions"][0]["accepted"], 3, "{printed}");
    let letters = project.letters("var/outbox");
    let of = |name: &str| {
        let letter = letters.iter().find(|letter| letter.contains(&format!("{name}@example.org"))).expect("a letter");
        let parsed = mail_parser::MessageParser::default().parse(letter.as_bytes()).expect("a letter");
        parsed.body_text(0).expect("text").into_owned()
    };
    for name in ["destinataire", "tout", "test"] {
        assert!(of(name).contains("Quelques mots pour commencer."), "{name}");
    }
    let has = |name: &str, words: &str| of(name).contains(words);
    assert!(has("destinataire", "Les rendez-vous") && has("destinataire", "À voir"));
    assert!(has("destinataire", "Captation") && !has("destinataire", "Film"));
    assert!(has("test", "Film") && !has("test", "Les rendez-vous"), "nothing is left under that heading");
}
