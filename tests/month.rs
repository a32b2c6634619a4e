//! A month in the life of a real site, commit by commit, with the documented workflow's own steps: what its list receives.

mod site;

use std::net::TcpListener;

use crate::support::flow::Event;
use crate::support::smtp::{Abilities, Act, PASSWORD, Peer};
use crate::support::sympa::Sympa;
use crate::support::{corpora, has_program, peer_or_skip};
use site::{HOURLY, LIST, MEMORY, REPLY_TO, Site};

/// Posts that are there when it begins.
const BEFORE: [&str; 4] = [
    "lettres-information/lettre-5.md",
    "podcasts/referents/episode-1-les-impacts/episode-1-les-impacts.md",
    "videos/microtrottoir/episode1.md",
    "videos/serie-referents/episode-1-le-reseau/episode-1-le-reseau.md",
];
const WEEK: &str = "actus/semaine NumEco 2026";

#[test]
fn a_month_of_a_real_site_is_told_to_its_list_once_and_in_order() {
    let test = "a_month_of_a_real_site_is_told_to_its_list_once_and_in_order";
    let Some(corpora) = corpora() else {
        println!("skipped: {test} needs the corpora");
        return;
    };
    if !(peer_or_skip(test, "python3", has_program("python3", "--version"))
        && peer_or_skip(test, "jq", has_program("jq", "--version")))
    {
        return;
    }
    let mut site = Site::new(&corpora, &BEFORE);
    begins(&mut site);
    items_are_added_and_one_is_edited_within_the_hour(&mut site);
    two_runs_of_the_same_second_send_one_letter(&mut site);
    one_is_moved_and_edited_and_nobody_is_told_again(&mut site);
    events_that_would_be_over_too_soon_go_out_of_turn(&mut site);
    fifty_seven_at_once_are_held_until_a_person_has_looked(&mut site);
    what_the_editor_rearranged_and_merged_is_what_goes(&mut site);
    a_relay_that_is_down_for_a_day_delays_the_letter_by_that_day(&mut site);
    nothing_happens_in_a_quiet_time(&mut site);
    the_list_has_these_letters_and_each_post_once(&mut site);
    nobodys_address_and_no_secret_can_be_read(&site);
    a_real_list_server_passes_each_letter_on_to_its_members(&site, test);
}

fn begins(site: &mut Site) {
    site.goes_well(&Event::Push, "2026-02-27T09:00:00Z");
    assert_eq!((site.subjects(), site.pulls()), (vec![], vec![]), "what is there counts as announced");
}

fn items_are_added_and_one_is_edited_within_the_hour(site: &mut Site) {
    site.add(&format!("{WEEK}/semainenumeco2026.md"), |text| text);
    site.add(&format!("{WEEK}/econumia19mars.md"), |text| text);
    site.commit("Two posts");
    site.goes_well(&Event::Push, "2026-03-02T10:00:00Z");
    assert_eq!(site.pulls(), [("crieur/newsletter-1".into(), true)]);
    site.change(&format!("posts/{WEEK}/econumia19mars.md"), "Formation éconumia :", "Formation Éconumia,");
    site.commit("A slip");
    site.goes_well(&Event::Push, "2026-03-02T10:20:00Z");
    let offered = site.forge.file("crieur/newsletter-1", "editions/newsletter-1.md").expect("the offered file");
    assert!(offered.contains("Formation Éconumia,") && !offered.contains("éconumia :"), "{offered}");
    // A quarter past eight in Paris: the hour of the letter is nine.
    site.goes_well(&HOURLY, "2026-03-04T07:17:00Z");
    assert_eq!(site.subjects(), [""; 0]);
}

fn two_runs_of_the_same_second_send_one_letter(site: &mut Site) {
    // The forge lets a second run wait; these two do not know of each other.
    let now = "2026-03-04T08:17:00Z";
    let forge = &site.forge;
    let runs = std::thread::scope(|scope| {
        let running = [(); 2].map(|()| scope.spawn(|| forge.github(&HOURLY, now)));
        running.map(|run| run.join().expect("a run"))
    });
    for run in &runs {
        run.went_well();
        site.took(run);
    }
    assert_eq!(site.subjects().len(), 1, "{}", runs.each_ref().map(|run| run.log()).concat());
    assert_eq!(site.letters()[0].shows(), ["econumia19mars", "semainenumeco2026"]);
    assert!(site.letters()[0].text.contains("Formation Éconumia,"), "{}", site.letters()[0].text);
    let page = site.forge.page("letters/newsletter-1.html").expect("the letter's page");
    assert!(page.contains("Formation Éconumia,"), "{page}");
    // Nobody merged its pull request, and it went by the timetable. Merged all the same, it changes nothing.
    site.forge.merge("crieur/newsletter-1");
    site.goes_well(&Event::Push, "2026-03-04T12:00:00Z");
    assert_eq!(site.subjects().len(), 1);
}

fn one_is_moved_and_edited_and_nobody_is_told_again(site: &mut Site) {
    let before = site.entry("econumia19mars");
    let (from, to) = (format!("posts/{WEEK}/econumia19mars.md"), "posts/actus/formations/atelier-econumia.md");
    let text = std::fs::read_to_string(site.editor.join(&from)).expect("the post");
    site.write(to, &(text + "\nIl reste des places.\n"));
    std::fs::remove_file(site.editor.join(from)).expect("the post");
    site.commit("Another address");
    site.goes_well(&Event::Push, "2026-03-05T09:00:00Z");
    assert_eq!(site.entry("atelier-econumia"), before, "the feeds' readers know it by its id");
    site.goes_well(&HOURLY, "2026-03-11T08:17:00Z");
    assert_eq!((site.subjects().len(), site.pulls().len()), (1, 1));
}

fn events_that_would_be_over_too_soon_go_out_of_turn(site: &mut Site) {
    let event = |start: &str, end: &str| {
        let times = format!("\nstart: {start}\nend: {end}\ntags:");
        move |text: String| text.replacen("\ntags:", &times, 1)
    };
    let webinar = event("2026-03-16T11:00:00+01:00", "2026-03-16T12:00:00+01:00");
    site.add(&format!("{WEEK}/16mars-webinaire-culture.md"), webinar);
    site.add(
        &format!("{WEEK}/17mars-event-meae-dinum.md"),
        event("2026-03-17T09:00:00+01:00", "2026-03-17T12:30:00+01:00"),
    );
    site.commit("Two events, before the next Wednesday");
    let run = site.goes_well(&Event::Push, "2026-03-12T14:00:00Z");
    let letters = site.letters();
    assert_eq!(letters.len(), 2, "{}", run.log());
    assert_eq!(letters[1].shows(), ["16mars-webinaire-culture", "17mars-event-meae-dinum"]);
    assert!(letters[1].text.contains("C’est bientôt, et avant notre prochaine lettre."), "{}", letters[1].text);
}

fn fifty_seven_at_once_are_held_until_a_person_has_looked(site: &mut Site) {
    let body = site.corpus("lettres-information/lettre-6.md");
    let body = body.splitn(3, "---").nth(2).expect("a body");
    for number in 1..=57 {
        let text = format!(
            "---\ntitle: Archive {number}\ndate: 2025-{:02}-{:02}\n---\n{body}\nN° {number}.\n",
            number % 12 + 1,
            number % 28 + 1
        );
        site.write(&format!("posts/archives/archive-{number}.md"), &text);
    }
    site.commit("The old site's posts");
    site.goes_well(&Event::Push, "2026-03-13T10:00:00Z");
    let letters = site.subjects();
    // The clock of the forge is late.
    let run = site.run(&HOURLY, "2026-03-18T08:31:00Z");
    assert_eq!(run.job("publish").conclusion, "failure", "the run is red");
    let said = run.log();
    for words in [
        "57 new items at once, and surge is 15: look whether a migration made old ones new, then resume or cancel",
        "then: crieur resume newsletter 3, or crieur cancel newsletter 3",
    ] {
        assert!(said.contains(words), "{said}");
    }
    assert_eq!(site.subjects(), letters);
    // Somebody looks, where they write their posts.
    site.forge.pull(&site.editor.clone());
    let ran = site.person("2026-03-18T09:40:00Z", &["status"]);
    assert_eq!(ran.status, 1, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("newsletter n° 3") && ran.stdout.contains("57 new items"), "{}", ran.stdout);
    let ran = site.person("2026-03-18T09:41:00Z", &["cancel", "newsletter", "3"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
    assert_eq!(
        site.forge.git(&site.editor, &["status", "--porcelain"]),
        "",
        "it is pushed to the memory's branch alone"
    );
    let run = site.goes_well(&HOURLY, "2026-03-18T10:17:00Z");
    assert_eq!(site.subjects(), letters, "{}", run.log());
    assert_eq!(site.pulls().pop(), Some(("crieur/newsletter-3".into(), true)));
    // Merged though it is cancelled, it stays so: what follows would show it.
    site.forge.merge("crieur/newsletter-3");
}

fn what_the_editor_rearranged_and_merged_is_what_goes(site: &mut Site) {
    let (branch, file) = ("crieur/newsletter-4", "editions/newsletter-4.md");
    let letters = site.subjects();
    site.approve("file");
    site.add("videos/microtrottoir/episode2.md", |text| text);
    site.add("videos/paroles-d-experts/Experts-S2E1-Verdier/Experts-S2E1-Verdier.md", |text| text);
    site.add("podcasts/referents/saison2-episode1-IA-Tatot/s2e1_fabienne_tatot.md", |text| text);
    site.commit("Three posts, and from now on a person lets a letter go");
    let run = site.goes_well(&Event::Push, "2026-03-20T10:00:00Z");
    let pull = site.forge.pulls().pop().expect("a pull request");
    assert_eq!((pull.head.as_str(), pull.open, pull.comments.len()), (branch, true, 1), "{}", run.log());
    // The editor puts the podcast first, under a subject and with words of their own, and lets an episode wait.
    let edited = site.rearrange(branch, file, |text| {
        let line = |part: &str| {
            text.lines().find(|line| line.starts_with("- [") && line.contains(part)).expect("a line").to_string()
        };
        let (podcast, episode, talk) = (line("s2e1_fabienne_tatot"), line("episode2"), line("Experts-S2E1"));
        let rest = text.replacen(&format!("{podcast}\n"), "", 1).replacen(&format!("{talk}\n"), "", 1);
        let ours = format!(
            "Bonjour. Ce mois-ci, on écoute.\n\n{podcast} : à écouter d’abord\n{talk}\n{}",
            episode.replacen("- [", "- plus tard [", 1)
        );
        rest.replacen(&episode, &ours, 1)
    });
    let event = Event::PullRequest { number: pull.number, head: branch.into(), fork: false };
    site.goes_well(&event, "2026-03-23T09:00:00Z");
    let comment = &site.forge.pulls().pop().expect("a pull request").comments[0];
    let at = |stem: &str| comment.find(&format!("/{stem}/"));
    assert!(at("s2e1_fabienne_tatot") < at("Experts-S2E1-Verdier"), "{edited}\n{comment}");
    // Something comes in later: it is added at the end, and waits.
    site.add("lettres-information/lettre-6.md", |text| text);
    site.commit("One more");
    site.goes_well(&Event::Push, "2026-03-24T09:00:00Z");
    let offered = site.forge.file(branch, file).expect("the offered file");
    assert!(offered.starts_with(&edited) && offered.contains("- plus tard [Lettre #6]"), "{offered}");
    // The timetable does not let it go: nobody has merged it.
    let run = site.goes_well(&HOURLY, "2026-03-25T08:17:00Z");
    assert_eq!(site.subjects(), letters, "{}", run.log());
    assert!(run.log().contains("waits for editions/newsletter-4.md"), "{}", run.log());
    site.forge.merge(branch);
    let run = site.goes_well(&Event::Push, "2026-03-26T12:00:00Z");
    let sent = site.letters().split_off(letters.len());
    assert_eq!(sent.len(), 1, "{}", run.log());
    assert_eq!(sent[0].shows(), ["s2e1_fabienne_tatot", "Experts-S2E1-Verdier"]);
    assert!(
        sent[0].text.contains("Ce mois-ci, on écoute.") && sent[0].text.contains("à écouter d’abord"),
        "{}",
        sent[0].text
    );
    // What waited is in the next one.
    let pull = site.forge.pulls().pop().expect("a pull request");
    assert_eq!((pull.head.as_str(), pull.open), ("crieur/newsletter-5", true));
    let offered = site.forge.file("crieur/newsletter-5", "editions/newsletter-5.md").expect("the offered file");
    assert!(offered.contains("/lettre-6/") && offered.contains("/episode2/"), "{offered}");
    site.forge.close(pull.number);
}

fn a_relay_that_is_down_for_a_day_delays_the_letter_by_that_day(site: &mut Site) {
    let letters = site.subjects();
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = closed.local_addr().expect("an address").port();
    drop(closed);
    site.approve("no");
    site.send_by(&format!("smtp://127.0.0.1:{port}"));
    site.commit("By the relay, and by the timetable again");
    site.goes_well(&Event::Push, "2026-03-27T09:00:00Z");
    // Since Sunday it is summer time: nine o’clock in Paris is an hour earlier by the forge's clock.
    for now in ["2026-04-01T07:17:00Z", "2026-04-01T18:17:00Z"] {
        let run = site.goes_well(&HOURLY, now);
        assert!(run.log().contains("newsletter n° 5: waits for the mail server"), "{}", run.log());
        assert_eq!(site.subjects(), letters);
    }
    // After a day somebody should look.
    let run = site.run(&HOURLY, "2026-04-02T07:17:00Z");
    assert_eq!(run.job("publish").conclusion, "failure", "{}", run.log());
    assert!(run.log().contains("newsletter n° 5, frozen on 2026-04-01 09:17, cannot leave"), "{}", run.log());
    let listener = TcpListener::bind(("127.0.0.1", port)).expect("the same port");
    let relay = Peer::on(listener, Abilities::offering(&["AUTH PLAIN"]), |_| Act::Usual);
    let run = site.goes_well(&HOURLY, "2026-04-02T09:17:00Z");
    let received = relay.received();
    assert_eq!(received.len(), 1, "{}", run.log());
    assert_eq!(received[0].recipient, LIST);
    // What the relay does with it.
    std::fs::write(site.forge.join("list/new/from-the-relay"), &received[0].letter).expect("a letter");
    site.goes_well(&HOURLY, "2026-04-02T10:17:00Z");
    assert_eq!((relay.received().len(), site.subjects().len()), (1, letters.len() + 1));
    assert_eq!(site.letters().pop().map(|letter| letter.shows()), Some(vec!["lettre-6".into(), "episode2".into()]));
}

fn nothing_happens_in_a_quiet_time(site: &mut Site) {
    let (letters, commits, pulls) = (site.subjects(), site.memory(), site.pulls());
    for now in ["2026-04-05T18:17:00Z", "2026-04-07T18:17:00Z"] {
        site.goes_well(&HOURLY, now);
    }
    assert_eq!(site.memory(), commits, "who has nothing to say says nothing");
    for now in ["2026-04-08T07:17:00Z", "2026-04-08T08:17:00Z"] {
        site.goes_well(&HOURLY, now);
    }
    assert_eq!(site.memory().len(), commits.len() + 1, "that the Wednesday passed with nothing to tell, once");
    assert_eq!((site.subjects(), site.pulls()), (letters, pulls));
}

fn the_list_has_these_letters_and_each_post_once(site: &mut Site) {
    let letters = site.letters();
    let told: Vec<(&str, Vec<String>)> =
        letters.iter().map(|letter| (letter.subject.as_str(), letter.shows())).collect();
    let posts = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    assert_eq!(
        told,
        [
            (
                "La lettre n° 1 : 19 mars - Formation Éconumia, feuille de route NumEco, le…",
                posts(&["econumia19mars", "semainenumeco2026"])
            ),
            (
                "Bientôt : 16 mars - Webinaire : faites le ménage dans vos espaces de…",
                posts(&["16mars-webinaire-culture", "17mars-event-meae-dinum"])
            ),
            (
                "La lettre n° 4 : Saison 2 Épisode #1 : quelle finalité à l'usage de l'IA ?",
                posts(&["s2e1_fabienne_tatot", "Experts-S2E1-Verdier"])
            ),
            ("La lettre n° 5 : Lettre #6", posts(&["lettre-6", "episode2"])),
        ]
    );
    let ran = site.person("2026-04-08T12:00:00Z", &["--json", "status"]);
    let status: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let editions = status["editions"].as_array().expect("editions");
    let states: Vec<_> = editions
        .iter()
        .map(|one| (one["number"].as_u64(), one["state"].as_str(), one["accepted"].as_u64()))
        .collect();
    let state = |number, state, accepted| (Some(number), Some(state), Some(accepted));
    assert_eq!(
        states,
        [
            state(1, "done", 1),
            state(2, "done", 1),
            state(3, "cancelled", 0),
            state(4, "done", 1),
            state(5, "done", 1)
        ]
    );
    // What the memory says happened to letters: nothing else did.
    let happened: Vec<String> =
        site.memory().into_iter().filter(|subject| subject.starts_with("newsletter n°")).collect();
    let sent = |number: u32| ["frozen", "sending", "accepted"].map(|what| format!("newsletter n° {number}: {what}"));
    let held = ["held", "cancelled"].map(|what| format!("newsletter n° 3: {what}"));
    let down = ["sending", "pending"].map(|what| format!("newsletter n° 5: {what}"));
    let [frozen, sending, accepted] = sent(5);
    let fifth = [&[frozen][..], &down, &down, &down, &[sending, accepted]].concat();
    assert_eq!(happened, [&sent(1)[..], &sent(2), &held, &sent(4), &fifth].concat());
}

fn nobodys_address_and_no_secret_can_be_read(site: &Site) {
    let history = site.forge.git(&site.forge.join("repository.git"), &["log", "--patch", "--text", MEMORY]);
    let pages: String = site.pages.iter().map(String::as_str).collect();
    assert!(history.contains("newsletter-4") && pages.contains("Éconumia") && site.logs.contains("57 new items"));
    for secret in [LIST, "lists.example.org", PASSWORD, "lettre@", "ada@example.org"] {
        for (name, text) in [("the branch", &history), ("the logs", &site.logs), ("the pages", &pages)] {
            let line = text.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{name} hold {secret}: {}", line.unwrap_or_default());
        }
    }
    // Whoever reads the letter may write to the team: it says so, and so does its page.
    assert!(pages.contains(REPLY_TO) && !site.logs.contains(REPLY_TO));
}

fn a_real_list_server_passes_each_letter_on_to_its_members(site: &Site, test: &str) {
    let Some(sympa) = Sympa::start(test) else { return };
    let (name, sender) = (LIST.split('@').next().expect("a name"), "lettre@letters.example.org");
    let members = ["ana@example.org", "bo@example.org", "chloe@example.org"];
    sympa.list(name, sender, "s/^send .*/send newsletter/; /^custom_subject/d", "", &members);
    let mut sent = Vec::new();
    for entry in std::fs::read_dir(site.forge.join("list/new")).expect("the list's Maildir") {
        let letter = std::fs::read_to_string(entry.expect("an entry").path()).expect("a letter");
        sent.push(letter.replace("\r\n", "\n"));
    }
    for letter in &sent {
        sympa.receive(LIST, sender, letter);
    }
    let id = |letter: &str| {
        let ids = letter.lines().filter_map(|line| line.strip_prefix("Message-ID: "));
        ids.map(str::to_string).next().unwrap_or_default()
    };
    let passed = sympa
        .passed(|passed| passed.letter.contains("\nFrom: ") && id(&passed.letter).contains("@letters."), sent.len());
    for letter in &sent {
        let mut same = passed.iter().filter(|passed| id(&passed.letter) == id(letter));
        let passed = same.next().unwrap_or_else(|| panic!("{} did not come", id(letter)));
        assert!(same.next().is_none() && passed.recipients.len() == members.len(), "{:?}", passed.recipients);
        assert!(passed.letter.contains(&format!("\nList-Id: <{name}.lists.example.org>\n")));
        assert_eq!(
            passed.letter.split_once("\n\n").map(|(_, body)| body),
            letter.split_once("\n\n").map(|(_, body)| body)
        );
    }
}
