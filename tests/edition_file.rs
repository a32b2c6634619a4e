//! An edition as a file: drafted, rearranged, approved by its `send`, seen ahead, followed until it goes.

use serde_json::{Value, json};

use crate::support::project::{Project, Ran};

const NEWSLETTER: &str = "title: La lettre\nfrom: L’équipe <lettre@example.org>\nleave: mailto:contact@example.org\n\
                          backlog: announce\nto: file:people.csv\narchive: unlisted\nschedule: \"0 9 1 * *\"\n";

fn post(title: &str, date: &str) -> String {
    format!("---\ntitle: \"{title}\"\ndate: {date}\n---\n\nDu *texte* de {title}.\n")
}

/// A site with four posts and a newsletter with these keys besides; its first `run` was a month ago.
fn project(more: &str) -> Project {
    let mut project = Project::new()
        .file("config/newsletters/lettre.yaml", format!("{NEWSLETTER}{more}"))
        .file("people.csv", "email,name\nada@example.org,Ada\nbob@example.org,\n");
    for (stem, day) in [("un", 2), ("deux", 5), ("trois", 9), ("quatre", 12)] {
        project.write(&format!("posts/{stem}.md"), post(&format!("Le {stem}"), &format!("2026-10-{day:02}")));
    }
    project.at("2026-10-15T09:00:00Z");
    project.ok(&["run"]);
    project.at("2026-10-20T09:00:00Z");
    project
}

/// Puts another text in the place of one that the file holds.
fn edit(project: &Project, path: &str, from: &str, to: &str) {
    let text = project.read(path);
    assert!(text.contains(from), "{from:?} is not in\n{text}");
    project.write(path, text.replacen(from, to, 1));
}

fn outbox(project: &Project) -> usize {
    project.letters("var/outbox").len()
}

fn run(project: &mut Project, now: &str) -> Ran {
    let ran = project.at(now).crieur(&["run"]);
    assert_eq!(ran.status, 0, "{}\n{}", ran.stdout, ran.stderr);
    ran
}

fn editions(project: &Project) -> Vec<Value> {
    project.json(&["status"], 0)["editions"].as_array().expect("a list").clone()
}

/// The parts of a letter, decoded.
fn parts(letter: &str) -> (String, String) {
    let message = mail_parser::MessageParser::default().parse(letter.as_bytes()).expect("a message");
    let part = |text: Option<std::borrow::Cow<'_, str>>| text.expect("a part").replace("\r\n", "\n");
    (part(message.body_html(0)), part(message.body_text(0)))
}

/// That these stand in a text, one after the other.
fn in_order(text: &str, wanted: &[&str]) {
    let mut at = 0;
    for one in wanted {
        match text[at..].find(one) {
            Some(found) => at += found + one.len(),
            None => panic!("{one:?} does not stand after the ones before it in\n{text}"),
        }
    }
}

const FILE: &str = "editions/lettre-1.md";

#[test]
fn an_edition_goes_when_its_file_says_so_and_as_it_says() {
    let mut project = project("approve: file\n");
    // No file: that is said when the timetable's moment has come, and nothing is wrong.
    assert!(!run(&mut project, "2026-10-20T09:00:00Z").stderr.contains("waits"));
    let ran = run(&mut project, "2026-11-01T08:00:00Z");
    assert!(
        ran.stderr.contains("lettre n° 1: waits for editions/lettre-1.md: `crieur draft lettre` writes it"),
        "{}",
        ran.stderr
    );
    assert!(!run(&mut project, "2026-11-01T08:10:00Z").stderr.contains("waits"), "once a moment");

    let drafted = project.json(&["draft", "lettre"], 0);
    assert_eq!(
        (&drafted["path"], &drafted["number"], &drafted["state"]),
        (&json!(FILE), &json!(1), &json!("written"))
    );
    assert_eq!(drafted["items"].as_array().map(Vec::len), Some(4));
    assert_eq!(project.json(&["draft", "lettre"], 0)["state"], "unchanged");
    insta::assert_snapshot!("a_draft", project.read(FILE));
    let ran = run(&mut project, "2026-11-02T09:00:00Z");
    assert!(ran.stderr.contains("lettre n° 1: waits: editions/lettre-1.md says `send: no`"), "{}", ran.stderr);

    // A person deletes one, lets one wait, retitles one, and adds what is no item.
    edit(&project, FILE, "- [Le quatre](https://www.example.org/posts/quatre/)\n", "");
    edit(&project, FILE, "- [Le trois]", "- plus tard [Le trois]");
    edit(&project, FILE, "- [Le deux](https://www.example.org/posts/deux/)\n", "");
    edit(
        &project,
        FILE,
        "- [Le un]",
        "## 📺 À voir\n\n- [Le *deux* d’abord](/posts/deux/) : mes mots\n- [Ailleurs](https://other.example.org/)\n\n- [Le un]",
    );
    project.write("posts/cinq.md", post("Le cinq", "2026-11-02"));
    let shown = project.json(&["digest", "lettre"], 0);
    let titles = |shown: &Value| -> Vec<String> {
        let items = shown["editions"][0]["items"].as_array().expect("a list");
        items.iter().map(|item| item["title"].as_str().unwrap_or_default().to_string()).collect()
    };
    assert_eq!(titles(&shown), ["Le deux d’abord", "Le un"]);
    assert_eq!(shown["editions"][0]["problems"][0]["code"], "edition-came-in");

    edit(&project, FILE, "send: no ", "send: 2026-11-10 ");
    let ran = run(&mut project, "2026-11-10T07:59:00Z");
    assert!(ran.stderr.contains("waits until 2026-11-10 09:00, as editions/lettre-1.md says"), "{}", ran.stderr);
    assert_eq!(outbox(&project), 0);
    let ran = run(&mut project, "2026-11-10T08:00:00Z");
    assert!(ran.stderr.contains("1 item came in since this edition was drafted: Le cinq"), "{}", ran.stderr);
    assert_eq!(outbox(&project), 2);
    let (html, text) = parts(&project.letters("var/outbox")[0]);
    in_order(&html, &["À voir", "Le deux d’abord", "mes mots", "https://other.example.org/", "Le un"]);
    in_order(&text, &["À voir", "Le deux d’abord", "mes mots", "Ailleurs", "https://other.example.org/", "Le un"]);
    for absent in ["Le trois", "Le quatre", "Le cinq"] {
        assert!(!html.contains(absent), "{absent}");
    }

    // Its file says nothing any more; what waited and what came in are new, what was deleted never is again.
    run(&mut project, "2026-11-10T09:00:00Z");
    assert_eq!(outbox(&project), 2);
    let drafted = project.json(&["draft", "lettre"], 0);
    let offered: Vec<&str> =
        drafted["items"].as_array().expect("a list").iter().filter_map(|item| item["title"].as_str()).collect();
    assert_eq!((&drafted["number"], offered), (&json!(2), vec!["Le cinq", "Le trois"]));
    // A repeat is a person's choice.
    edit(&project, "editions/lettre-2.md", "- [Le trois]", "- [Rappel : le deux](/posts/deux/)\n- [Le trois]");
    edit(&project, "editions/lettre-2.md", "send: no ", "send: now ");
    run(&mut project, "2026-11-11T09:00:00Z");
    assert_eq!(outbox(&project), 4);
    let second = &editions(&project)[1];
    assert_eq!(second["items"].as_array().map(Vec::len), Some(3));
    assert!(project.ok(&["draft", "lettre"]).contains("nothing is new"));
}

#[test]
fn what_came_in_is_added_as_lines_that_wait_and_nothing_else_changes() {
    let project = project("approve: file\n");
    project.ok(&["draft", "lettre"]);
    edit(&project, FILE, "- [Le quatre]", "Bonjour   à tous.\n\n* 🎓 [Le QUATRE]");
    let before = project.read(FILE);
    project.write("posts/cinq.md", post("Le cinq", "2026-10-19"));
    let added = project.json(&["draft", "lettre"], 0);
    assert_eq!((&added["state"], &added["items"][0]["title"]), (&json!("added"), &json!("Le cinq")));
    let after = project.read(FILE);
    assert!(after.starts_with(&before));
    in_order(
        &after[before.len()..],
        &["## À proposer", "- plus tard [Le cinq](https://www.example.org/posts/cinq/)", "<!--", "/posts/cinq/\n-->"],
    );
    assert_eq!(project.json(&["draft", "lettre"], 0)["state"], "unchanged");
    edit(&project, FILE, "- plus tard [Le cinq]", "- [Le cinq]");
    let shown = project.json(&["digest"], 0);
    assert_eq!(shown["editions"][0]["items"].as_array().map(Vec::len), Some(5));
    assert_eq!(shown["editions"][0]["problems"], json!([]));
}

#[test]
fn an_edition_from_which_everything_was_taken_is_no_letter() {
    let mut project = project("approve: file\n");
    project.ok(&["draft", "lettre"]);
    let text = project.read(FILE);
    let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("- ")).collect();
    project.write(FILE, kept.join("\n").replace("send: no ", "send: now "));
    run(&mut project, "2026-10-21T09:00:00Z");
    assert_eq!((outbox(&project), editions(&project).len()), (0, 0));
    // Declined for good, though no edition says so.
    project.remove(FILE);
    assert_eq!(project.json(&["digest"], 0)["editions"][0]["items"], json!([]));
}

#[test]
fn a_file_with_mistakes_is_never_sent_and_check_names_each_with_its_line() {
    let mut project = project("approve: file\n");
    project.write(
        FILE,
        "---\nnewsletter: lettre\nnumber: 2\nsend: bientôt\nsubjet: x\n---\n\n## 📺\n\n<!-- lines -->\n\n\
         - [Le un](/posts/un/)\n- [Encore](https://www.example.org/posts/un)\n- [Nulle part](/posts/sept/)\n\
         - [Quoi](javascript:alert(1))\n- ![Une image](a.png)\n- later [Ailleurs](https://other.example.org/)\n\n\
         <table><tr><td>x</td></tr></table>\n",
    );
    let ran = project.crieur(&["check"]);
    assert_eq!(ran.status, 1);
    insta::assert_snapshot!("mistakes", ran.stderr);
    // Somebody wanted it to go: they have to look, whatever they wrote.
    for send in ["send: bientôt", "send: now", "send: 2026-10-01"] {
        edit(&project, FILE, "send: bientôt", send);
        let ran = project.crieur(&["run"]);
        assert_eq!((ran.status, outbox(&project)), (1, 0), "{}", ran.stderr);
        assert!(ran.stderr.contains("editions/lettre-1.md:3:9"), "{}", ran.stderr);
        edit(&project, FILE, send, "send: bientôt");
    }
    // A person who is at work may leave it half done.
    edit(&project, FILE, "send: bientôt", "send: no");
    let ran = run(&mut project, "2026-10-21T09:00:00Z");
    assert!(
        ran.stderr.contains("has 9 mistakes (`crieur check` shows them); 3 items are not in it"),
        "{}",
        ran.stderr
    );
    assert_eq!(project.crieur(&["draft", "lettre"]).status, 1, "it adds nothing to a file that it cannot read");
}

#[test]
fn with_a_timetable_a_file_is_used_and_may_keep_its_edition() {
    let mut project = project("approve: no\n");
    project.ok(&["draft", "lettre"]);
    edit(&project, FILE, "- [Le quatre](https://www.example.org/posts/quatre/)\n", "");
    let ran = run(&mut project, "2026-11-01T08:00:00Z");
    assert!(ran.stderr.contains("says `send: no`"), "{}", ran.stderr);
    edit(&project, FILE, "send: no ", "send: 2026-11-03 ");
    let ran = run(&mut project, "2026-11-02T08:00:00Z");
    assert!(ran.stderr.contains("waits until 2026-11-03 09:00"), "{}", ran.stderr);
    run(&mut project, "2026-11-03T08:00:00Z");
    assert_eq!(outbox(&project), 2);
    assert_eq!(editions(&project)[0]["items"].as_array().map(Vec::len), Some(3));
}

/// The letters to one address.
fn to<'l>(letters: &'l [String], address: &str) -> Vec<&'l String> {
    letters.iter().filter(|letter| header(letter, "To").is_some_and(|to| to.contains(address))).collect()
}

fn header<'l>(letter: &'l str, name: &str) -> Option<&'l str> {
    letter.lines().take_while(|line| !line.is_empty()).find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

#[test]
fn a_frozen_letter_is_seen_ahead_and_follows_its_items_until_its_moment() {
    let mut project = project("preview_to: [redaction@example.org]\npreview_before: 24h\n");
    run(&mut project, "2026-10-31T07:59:00Z");
    assert_eq!(outbox(&project), 0);
    let ran = run(&mut project, "2026-10-31T08:00:00Z");
    assert!(ran.stderr.contains("frozen: it goes by itself on 2026-11-01 09:00"), "{}", ran.stderr);
    assert!(ran.stderr.contains("preview to redaction@example.org"), "{}", ran.stderr);
    let edition = &editions(&project)[0];
    assert_eq!((&edition["state"], &edition["send_at"]), (&json!("composed"), &json!("2026-11-01T08:00:00Z")));
    assert!(project.ok(&["status"]).contains("goes by itself on 2026-11-01 09:00"));
    run(&mut project, "2026-10-31T09:00:00Z");
    assert_eq!(outbox(&project), 1, "once");

    // What came in waits for the next letter; what it shows is followed.
    project.write("posts/cinq.md", post("Le cinq", "2026-10-31"));
    run(&mut project, "2026-10-31T10:00:00Z");
    assert_eq!(outbox(&project), 1);
    project.write("posts/un.md", post("Le un, corrigé", "2026-10-02"));
    let ran = run(&mut project, "2026-10-31T12:00:00Z");
    assert!(ran.stderr.contains("its file or its items changed: frozen anew"), "{}", ran.stderr);
    assert_eq!(outbox(&project), 2);

    // Stopped, it stays; resumed before its moment, it waits for it again.
    project.ok(&["stop", "lettre", "1"]);
    assert_eq!(project.crieur(&["run"]).status, 1);
    project.ok(&["resume", "lettre", "1"]);
    assert_eq!(editions(&project)[0]["state"], "composed");
    run(&mut project, "2026-11-01T07:59:00Z");
    assert_eq!(outbox(&project), 2);
    // Who joins the list before it goes is on it.
    project.write("people.csv", "email,name\nada@example.org,Ada\nbob@example.org,\neve@example.org,\n");
    run(&mut project, "2026-11-01T08:00:00Z");
    let letters = project.letters("var/outbox");
    assert_eq!(letters.len(), 5);
    assert_eq!(editions(&project)[0]["state"], "done");
    let ahead = to(&letters, "redaction@example.org");
    let arrived = to(&letters, "bob@example.org");
    assert_eq!((ahead.len(), arrived.len()), (2, 1));
    let seen = ahead.iter().find(|letter| parts(letter).0.contains("corrigé")).expect("the second preview");
    assert_eq!(header(seen, "X-Crieur-Preview"), Some("lettre 1"));
    assert_eq!(header(arrived[0], "X-Crieur-Preview"), None);
    assert_ne!(header(seen, "Message-ID"), header(arrived[0], "Message-ID"));
    for name in ["Subject", "From", "Date", "List-Id"] {
        assert_eq!(header(seen, name), header(arrived[0], name), "{name}");
    }
    // Another person's way out is all that differs.
    let without_leave = |letter: &str| {
        let (html, text) = parts(letter);
        let keep = |part: String| -> Vec<String> {
            part.lines()
                .filter(|line| !line.contains("mailto:") && !line.contains("leave"))
                .map(str::to_string)
                .collect()
        };
        (keep(html), keep(text))
    };
    assert_eq!(without_leave(seen), without_leave(arrived[0]));
    let next = project.json(&["digest"], 0);
    assert_eq!(next["editions"][0]["items"][0]["title"], "Le cinq");
}

#[test]
fn with_the_file_as_approval_its_day_is_the_moment_and_its_word_may_change() {
    let mut project = project("approve: file\npreview_to: [redaction@example.org]\n");
    project.ok(&["draft", "lettre"]);
    edit(&project, FILE, "send: no ", "send: 2026-11-10 ");
    assert!(run(&mut project, "2026-11-08T09:00:00Z").stderr.contains("waits until 2026-11-10 09:00"));
    run(&mut project, "2026-11-09T08:00:00Z");
    assert_eq!(outbox(&project), 1);
    // The person who sees it rearranges it: `draft` still means this edition.
    assert_eq!(project.json(&["draft", "lettre"], 0)["number"], 1);
    edit(&project, FILE, "- [Le quatre]", "- 📺 [Le quatre, mieux dit]");
    edit(&project, FILE, "send: 2026-11-10 ", "send: no ");
    let ran = run(&mut project, "2026-11-10T09:00:00Z");
    assert!(ran.stderr.contains("lettre n° 1: waits: editions/lettre-1.md says `send: no`"), "{}", ran.stderr);
    assert!(project.ok(&["status"]).contains("waits: editions/lettre-1.md says `send: no`"));
    assert_eq!(outbox(&project), 1);
    // A mistake keeps it, too.
    edit(&project, FILE, "send: no ", "send: nao ");
    assert_eq!((project.crieur(&["run"]).status, outbox(&project)), (1, 1));
    edit(&project, FILE, "send: nao ", "send: now ");
    run(&mut project, "2026-11-10T09:10:00Z");
    assert_eq!(outbox(&project), 4, "the preview just before, then two people");
    let letters = project.letters("var/outbox");
    assert!(parts(to(&letters, "ada@example.org")[0]).0.contains("Le quatre, mieux dit"));
    assert_eq!(editions(&project)[0]["state"], "done");
}

#[test]
fn what_nobody_got_can_be_given_up_and_is_new_again_or_declined() {
    for (arguments, left) in [(&["cancel", "lettre", "1", "--release"][..], 4), (&["cancel", "lettre", "1"], 0)] {
        let mut project = project("preview_to: [redaction@example.org]\n");
        run(&mut project, "2026-10-31T08:00:00Z");
        project.ok(arguments);
        run(&mut project, "2026-11-01T08:00:00Z");
        assert_eq!(outbox(&project), 1, "only the preview");
        let items = project.json(&["digest"], 0)["editions"][0]["items"].as_array().map(Vec::len);
        assert_eq!(items, Some(left));
    }
}

#[test]
fn with_approve_yes_the_preview_leaves_at_the_freezing_and_nothing_more_by_itself() {
    let mut project = project("approve: yes\npreview_to: [redaction@example.org]\n");
    run(&mut project, "2026-11-01T08:00:00Z");
    run(&mut project, "2026-11-01T08:10:00Z");
    assert_eq!(outbox(&project), 1);
    project.write("posts/un.md", post("Le un, corrigé", "2026-10-02"));
    run(&mut project, "2026-11-01T08:20:00Z");
    assert_eq!(outbox(&project), 2, "seen again: it changed");
    project.ok(&["approve", "lettre", "1"]);
    run(&mut project, "2026-11-01T08:30:00Z");
    assert_eq!(outbox(&project), 4);
}

#[test]
fn without_a_database_the_files_are_the_memory() {
    let mut project = Project::new()
        .file("config/newsletters/lettre.yaml", format!("{NEWSLETTER}approve: file\n"))
        .file("posts/un.md", post("Le un", "2026-10-02"))
        .file("posts/deux.md", post("Le deux", "2026-10-05"))
        .file("posts/trois.md", post("Le trois", "2026-10-09"));
    project.at("2026-10-20T09:00:00Z");
    project.ok(&["draft", "lettre"]);
    edit(&project, FILE, "- [Le deux]", "- plus tard [Le deux]");
    edit(&project, FILE, "- [Le trois](https://www.example.org/posts/trois/)\n", "");
    assert_eq!(project.json(&["draft", "lettre"], 0)["number"], 1, "nothing says that it has gone");
    edit(&project, FILE, "send: no ", "send: 2026-10-20 09:00 ");
    let drafted = project.json(&["draft", "lettre"], 0);
    assert_eq!(drafted["number"], 2);
    let offered: Vec<&str> =
        drafted["items"].as_array().expect("a list").iter().filter_map(|item| item["title"].as_str()).collect();
    assert_eq!(offered, ["Le deux"]);
    assert!(!project.join("var").exists(), "nothing is remembered elsewhere");
}

#[test]
fn preview_keys_are_checked() {
    let project = project("");
    let more = "preview_to: [redaction, a@example.org]\npreview_before: bientôt\n";
    project.write("config/newsletters/lettre.yaml", format!("{NEWSLETTER}{more}"));
    let problems = project.json(&["check"], 1)["problems"].clone();
    let told: Vec<(&str, u64)> = problems
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|problem| Some((problem["message"].as_str()?, problem["line"].as_u64()?)))
        .collect();
    assert_eq!(told, [("`redaction` is not a mail address", 8), ("`bientôt` is not a length of time", 9)]);
}

/// What the first users' team wrote by hand, from a draft of what was on their site: a replacement for some of the draft's
/// lines, given by the words that each holds.
fn arrange(project: &Project, path: &str, edits: &[(&str, &str)]) {
    assert!(edits.len() <= 10, "a person has five minutes");
    for (words, replacement) in edits {
        let text = project.read(path);
        let mut lines = text.lines().map(str::to_string).collect::<Vec<_>>();
        let wanted = |line: &String| line.contains(words) && !line.starts_with("http");
        let line = lines.iter().position(wanted).unwrap_or_else(|| panic!("{words:?} is not in\n{text}"));
        lines[line] = replacement.to_string();
        project.write(path, lines.join("\n") + "\n");
    }
}

/// Every mark and its words, in this order, in both parts.
fn comes_out_whole(letter: &str, entries: &[(&str, &str)]) {
    let (html, text) = parts(letter);
    let html = html
        .replace(['\u{a0}', '\u{202f}', '\n'], " ")
        .replace("&nbsp;", " ")
        .replace("&#x27;", "'")
        .replace("&#39;", "'")
        .replace("&quot;", "\"");
    let text = text.replace(['\u{a0}', '\u{202f}', '\n'], " ");
    let text = text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    for whole in [&html, &text] {
        let flat: Vec<&str> =
            entries.iter().flat_map(|(mark, words)| [*mark, *words]).filter(|w| !w.is_empty()).collect();
        in_order(whole, &flat);
    }
    // The mark is drawn, and not read out.
    for (mark, words) in entries.iter().filter(|(mark, _)| !mark.is_empty()) {
        assert!(html.contains(&format!("aria-hidden=\"true\">{mark}</span>")), "{mark} {words}");
    }
}

#[test]
fn letters_as_the_first_users_wrote_them_by_hand_come_out_whole_from_a_draft_and_ten_edits() {
    let Some(corpora) = crate::support::corpora() else {
        println!("skipped: letters_as_the_first_users_wrote_them_by_hand needs the corpora");
        return;
    };
    let mut project = Project::empty()
        .file(
            "config/crieur.yaml",
            "site:\n  url: https://ecoresponsable.numerique.gouv.fr/\n  title: Numérique écoresponsable\n  language: fr\n  \
             time_zone: Europe/Paris\ncontent:\n  paths: [posts, videos]\n  permalink: /posts/{stem}/\n  dates_in: UTC\n  \
             future: hold\n  static: static\n  variables: { metadata: _data/metadata.json }\nmail:\n  \
             transport: maildir:var/outbox\n",
        )
        .file(
            "config/newsletters/lettre.yaml",
            "title: La lettre\nfrom: L’équipe <lettre@example.org>\nleave: mailto:contact@example.org\nto: file:people.csv\narchive: unlisted\n\
             schedule: \"0 9 1 * *\"\napprove: file\nbacklog: skip\nfirst_number: 5\n",
        )
        .file("people.csv", "email,name\nada@example.org,Ada\n");
    for folder in ["posts", "_data", "static"] {
        project.copy(&corpora.join("minumeco").join(folder), folder);
    }
    project.copy(&corpora.join("minumeco-2026/posts/videos/microtrottoir"), "videos");
    let posts = "https://ecoresponsable.numerique.gouv.fr/posts";
    project.at("2024-12-01T09:00:00Z");
    project.crieur(&["run"]);

    project.at("2025-01-29T09:00:00Z");
    assert_eq!(project.crieur(&["draft", "lettre"]).status, 0);
    let line = |mark: &str, title: &str, stem: &str| format!("* {mark}[{title}]({posts}/{stem}/)");
    arrange(
        &project,
        "editions/lettre-5.md",
        &[
            (
                "[Épisode #1 : Micro Trottoir]",
                &[
                    "## Sommaire\n".to_string(),
                    line("", "La MiNumEco fait peau neuve, un site plus simple et plus sobre !", "mise-a-jour-site") + " 🖥️",
                    "\n### Formations\n".to_string(),
                ]
                .join("\n"),
            ),
            (
                "[Formation du 12 février]",
                &[
                    line("🎓💻 ", "Module MOOC - bases du numérique responsable - pour tout agent", "parcours-formation-numeco-module-1"),
                    line("🎓🏫 ", "Formation 12 février, Paris : écoconception de services numériques", "2025-02-12-formation"),
                    line("🎓🎲 ", "Formation 12 mars, Paris : découvrir Econumia", "formations2024T4"),
                ]
                .join("\n"),
            ),
            ("[Bonne année", ""),
            ("[Maintenance Site]", "### Études et documents de références\n"),
            (
                "[Référentiel de compétences]",
                &[
                    line("📚🎓 ", "Référentiel de compétences Numérique Responsable dans le secteur public", "referentiel-competences-beta"),
                    "* 📚[Les chiffres de l'impact du numérique, mise à jour nov 2024 - Ademe](https://ademe.example.org/chiffres)".to_string(),
                    "* 📚 Mise à jour de la PCR SI ".to_string(),
                ]
                .join("\n"),
            ),
            (
                "[Module 1",
                &[
                    "### En vidéos\n".to_string(),
                    "* 📺 [Qu’est-ce que l’écoconception de services numériques ?](https://videos.example.org/ecoconception)".to_string(),
                    "* 📺 [Replay Designer éthiques](https://videos.example.org/designers)".to_string(),
                    "* 📺 Replay feuilles de routes numérique responsables pour les collectivités".to_string(),
                    line("📺 ", "\"Micro-trottoir #1\" - L'impact du numérique", "episode1"),
                ]
                .join("\n"),
            ),
            ("send: no", "send: now"),
        ],
    );
    let ran = project.crieur(&["run"]);
    assert_eq!(outbox(&project), 1, "{}", ran.stderr);
    comes_out_whole(
        &project.letters("var/outbox")[0],
        &[
            ("", "Sommaire"),
            ("🖥️", "La MiNumEco fait peau neuve, un site plus simple et plus sobre !"),
            ("", "Formations"),
            ("🎓💻", "Module MOOC - bases du numérique responsable - pour tout agent"),
            ("🎓🏫", "Formation 12 février, Paris : écoconception de services numériques"),
            ("🎓🎲", "Formation 12 mars, Paris : découvrir Econumia"),
            ("", "Études et documents de références"),
            ("📚🎓", "Référentiel de compétences Numérique Responsable dans le secteur public"),
            ("📚", "Les chiffres de l'impact du numérique, mise à jour nov 2024 - Ademe"),
            ("📚", "Mise à jour de la PCR SI"),
            ("", "En vidéos"),
            ("📺", "Qu’est-ce que l’écoconception de services numériques ?"),
            ("📺", "Replay Designer éthiques"),
            ("📺", "Replay feuilles de routes numérique responsables pour les collectivités"),
            ("📺", "\"Micro-trottoir #1\" - L'impact du numérique"),
        ],
    );

    project.at("2025-02-28T09:00:00Z");
    let drafted = project.crieur(&["--json", "draft", "lettre"]);
    assert_eq!(drafted.status, 0, "{}", drafted.stderr);
    arrange(
        &project,
        "editions/lettre-6.md",
        &[
            (
                "[Épisode #2 : Micro Trottoir]",
                &[
                    "## Sommaire\n".to_string(),
                    line("📺 ", "\"Micro-trottoir #2\" - mieux comprendre les impacts numériques de notre quotidien !", "episode2"),
                    "* 🤖 [la \"Coalition for Sustainable AI\" initiée par la France](https://coalition.example.org/)".to_string(),
                    "* 📒 La MiNumEco sur les Réseaux en 2014".to_string(),
                    line("👩🎨 ", "Une nouvelle charte graphique pour la MiNumEco", "mise-a-jour-site"),
                    "* ☁️ [\"Cloud et empreinte environnementale : une fausse bonne idée ?\"](https://cloud.example.org/)".to_string(),
                    "* 📁 [Fiche-outil pour des achats éco-responsables](https://achats.example.org/fiche.pdf) (de la Direction des Achats de l'État (DAE))".to_string(),
                    "* 🚀 [Participez à la Semaine NumEco, du 10 au 15 mars prochains](/semaine-numeco/) : Demandez le programme !".to_string(),
                ]
                .join("\n"),
            ),
            ("send: no", "send: now"),
        ],
    );
    let ran = project.crieur(&["run"]);
    let letters = project.letters("var/outbox");
    assert_eq!(letters.len(), 2, "{}", ran.stderr);
    let sixth = letters.iter().find(|letter| parts(letter).1.contains("Coalition")).expect("the sixth letter");
    comes_out_whole(
        sixth,
        &[
            ("", "Sommaire"),
            ("📺", "\"Micro-trottoir #2\" - mieux comprendre les impacts numériques de notre quotidien !"),
            ("🤖", "la \"Coalition for Sustainable AI\" initiée par la France"),
            ("📒", "La MiNumEco sur les Réseaux en 2014"),
            ("👩🎨", "Une nouvelle charte graphique pour la MiNumEco"),
            ("☁️", "\"Cloud et empreinte environnementale : une fausse bonne idée ?\""),
            ("📁", "Fiche-outil pour des achats éco-responsables"),
            ("", "(de la Direction des Achats de l'État (DAE))"),
            ("🚀", "Participez à la Semaine NumEco, du 10 au 15 mars prochains"),
            ("", "Demandez le programme !"),
        ],
    );
    let html = parts(sixth).0;
    assert!(html.contains("https://ecoresponsable.numerique.gouv.fr/semaine-numeco/"), "{html}");
}
