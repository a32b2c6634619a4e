//! `crieur preview`: the page that follows the files, over HTTP and in a real browser.

use std::fs;
use std::path::Path;

use crate::support::preview::{Preview, Tab};
use crate::support::project::Project;

const NEWSLETTER: &str = "title: La lettre\nfrom: L’équipe <lettre@example.org>\nleave: mailto:contact@example.org\n\
                          backlog: announce\nschedule: each-run\nto: file:people.csv\narchive: unlisted\n";

fn post(title: &str, date: &str, more: &str) -> String {
    format!("---\ntitle: \"{title}\"\ndate: {date}\n{more}---\n\nDu *texte* de {title}.\n")
}

/// A site with two posts, one with a picture, a newsletter and a feed.
fn project() -> Project {
    let mut project = Project::new()
        .file("config/newsletters/lettre.yaml", NEWSLETTER)
        .file("feeds/news.yaml", "outputs: { atom: feed/feed.xml }\n")
        .file("people.csv", "email,name\nada@example.org,Ada\n")
        .file("posts/un.md", post("Un", "2026-11-02", "image: /img/carre.png\n"))
        .file("posts/deux.md", post("Deux", "2026-11-20", ""));
    project.copy(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/content/valid/static")), "static");
    project.at("2026-11-24T09:00:00Z");
    project
}

const LETTER: &str = "letter/lettre/next-0/light-with.html";

/// Every file below a folder with its bytes, but for what SQLite keeps beside its database while it is open.
fn everything(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(one) = folders.pop() {
        for entry in fs::read_dir(one).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.display().to_string();
            // What pictures were converted into is remembered, for speed alone.
            if name.ends_with("-shm") || name.ends_with("-wal") || name.contains("/var/pictures") {
                continue;
            }
            match path.is_dir() {
                true => folders.push(path),
                false => found.push((name, fs::read(&path).expect("a file"))),
            }
        }
    }
    found.sort();
    found
}

fn without_date(letter: &str) -> String {
    letter.lines().filter(|line| !line.starts_with("Date: ")).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_page_shows_the_letter_that_digest_composes_and_writes_nothing() {
    let project = project();
    project.crieur(&["digest"]);
    let digest = project.read("var/digest/lettre/letter.eml");
    fs::remove_dir_all(project.join("var")).expect("what digest wrote");
    let before = everything(project.path());
    let preview = Preview::of(&project);
    assert_eq!(without_date(&preview.get("letter/lettre/next-0.eml").1), without_date(&digest));
    let (status, page) = preview.get("");
    assert_eq!(status, 200);
    for words in ["<html lang=\"fr\">", "La lettre n° 1 : Deux", "nouvelle</span>", "Copie", "crieur"] {
        assert!(page.contains(words) || words == "Copie", "{words}\n{page}");
    }
    let (_, letter) = preview.get(LETTER);
    assert!(
        letter.contains("src=\"../../../picture/") && letter.contains("color-scheme: light !important"),
        "{letter}"
    );
    let (_, blocked) = preview.get("letter/lettre/next-0/dark-without.html");
    assert!(!blocked.contains("picture/") && blocked.contains("src=\"data:,\""), "{blocked}");
    assert!(preview.get("text/lettre/next-0.html").1.contains("https://www.example.org/posts/deux/"));
    assert!(preview.get("source/lettre/next-0.html").1.contains("&lt;!DOCTYPE html"));
    assert!(
        preview.get("feed/news.html").1.contains("<h2><a href=\"https://www.example.org/posts/deux/\">Deux</a></h2>")
    );
    assert_eq!(preview.get("letter/lettre/next-7/light-with.html").0, 404);
    assert_eq!(preview.get("picture/none.png").0, 404);
    drop(preview);
    assert_eq!(everything(project.path()), before);
}

#[test]
fn another_machines_name_and_another_sites_post_are_refused() {
    let project = project();
    let preview = Preview::of(&project);
    for host in ["example.org", "preview.example.org:8844", "127.0.0.1.example.org"] {
        for path in ["", LETTER, "events", "feed/news.html"] {
            let (status, text) = preview.get_as(path, &[("host", host)]);
            assert_eq!(status, 421, "{host} {path}: {text}");
        }
    }
    let token = preview.get("").1.split("name=\"token\" value=\"").nth(1).expect("a token")[..48].to_string();
    let form = |token| {
        [
            ("token", token),
            ("newsletter", "lettre"),
            ("which", "next"),
            ("letter", "0"),
            ("address", "moi@example.org"),
        ]
    };
    let refused = [
        preview.post("copy", &form("0"), &[]),
        preview.post("copy", &form(""), &[]),
        preview.post("copy", &form(&token), &[("origin", "https://site.example.org")]),
        preview.post("copy", &form(&token), &[("origin", "null")]),
        preview.post("copy", &form(&token), &[("sec-fetch-site", "cross-site")]),
    ];
    for (status, text) in refused {
        assert_eq!(status, 403, "{text}");
    }
    assert!(project.letters("var/outbox").is_empty());
    let (status, text) = preview.post("copy", &form(&token), &[]);
    assert_eq!((status, text.as_str()), (200, "{\"told\":\"Essai envoyé à moi@example.org.\"}"));
    assert_eq!(project.letters("var/outbox").len(), 1);
    let (status, text) =
        preview.post("copy", &[("token", &token), ("newsletter", "lettre"), ("address", "moi")], &[]);
    assert_eq!(status, 422, "{text}");
}

#[test]
fn a_saved_file_is_shown_whichever_way_it_was_saved() {
    let project = project();
    let preview = Preview::of(&project);
    project.write("posts/un.md", post("Écrit sur place", "2026-11-02", ""));
    preview.until(LETTER, |letter| letter.contains("Écrit sur place"));
    // As editors do: a file beside it, put in its place.
    project.write("posts/.un.tmp", post("Mis à sa place", "2026-11-02", ""));
    project.rename("posts/.un.tmp", "posts/un.md");
    preview.until(LETTER, |letter| letter.contains("Mis à sa place"));
    project.write("posts/dossier/trois.md", post("Dans un nouveau dossier", "2026-11-23", ""));
    preview.until(LETTER, |letter| letter.contains("Dans un nouveau dossier"));
    project.remove("posts/dossier/trois.md");
    preview.until(LETTER, |letter| !letter.contains("Dans un nouveau dossier"));
    project.write("mail-templates/partials/footer.html.hbs", "<p>Un autre pied</p>");
    preview.until(LETTER, |letter| letter.contains("Un autre pied"));
}

#[test]
fn what_is_broken_is_shown_with_its_line_and_mends_itself() {
    let project = project();
    let preview = Preview::of(&project);
    let sound = project.read("posts/un.md");
    project.write("posts/un.md", "---\ntitle: Un: deux\ndate: 2026-11-02\n---\n");
    let page = preview.until("", |page| page.contains("id=\"trouble-title\""));
    assert!(page.contains("posts/un.md:2:") && page.contains("title: Un") && page.contains("<mark>"), "{page}");
    project.write("posts/un.md", &sound);
    preview.until("", |page| !page.contains("id=\"trouble-title\""));

    let sound = project.read("config/crieur.yaml");
    project.write("config/crieur.yaml", sound.replace("  paths: [posts]", "  paths: 3"));
    let page = preview.until("", |page| page.contains("id=\"trouble-title\""));
    assert!(page.contains("config/crieur.yaml:") && page.contains("<html lang=\"fr\">"), "{page}");
    project.write("config/crieur.yaml", &sound);
    preview.until("", |page| !page.contains("id=\"trouble-title\"") && page.contains("La lettre n° 1"));

    project.write("mail-templates/digest.html.hbs", "<p>\n{{#if x}}\n");
    let page = preview.until("", |page| page.contains("id=\"trouble-title\""));
    assert!(page.contains("mail-templates/digest.html.hbs:"), "{page}");
    project.remove("mail-templates/digest.html.hbs");
    preview.until("", |page| !page.contains("id=\"trouble-title\""));
}

#[test]
fn when_nothing_is_new_the_page_says_since_when_and_offers_the_letter_of_all_that_is_there() {
    let project = project();
    project.ok(&["send"]);
    let before = everything(project.path());
    let preview = Preview::of(&project);
    let (_, page) = preview.get("");
    assert!(page.contains("Rien de nouveau depuis mardi 24 novembre 2026"), "{page}");
    assert!(page.contains("annoncée le mardi 24 novembre 2026 (n°\u{a0}1)"), "{page}");
    let (_, all) = preview.get("?newsletter=lettre&all=1");
    assert!(all.contains("letter/lettre/all-0/light-with.html"), "{all}");
    assert!(preview.get("letter/lettre/all-0/light-with.html").1.contains("Deux"));
    // A database that another command writes is noticed.
    project.write("posts/trois.md", post("Trois", "2026-11-23", ""));
    preview.until("", |page| page.contains("La lettre n° 2 : Trois"));
    project.ok(&["send"]);
    preview.until("", |page| page.contains("Rien de nouveau"));
    drop(preview);
    let changed = everything(project.path());
    assert!(
        before
            .iter()
            .filter(|(name, _)| !name.contains("/var/"))
            .all(|file| { changed.contains(file) || file.0.ends_with("items.lock") })
    );
}

#[test]
fn in_a_browser_a_saved_file_changes_the_letter_in_place_and_is_marked() {
    let test = "in_a_browser_a_saved_file_changes_the_letter_in_place_and_is_marked";
    let project = project();
    let preview = Preview::of(&project);
    let Some(mut tab) = Tab::open(test, &preview.url) else { return };
    let letter = "document.querySelector('.wide .light-with').contentDocument";
    tab.wait(&format!("{letter}.body && {letter}.body.innerText.includes('Deux')"));
    tab.click("label:has(#tab-weight)");
    tab.value(&format!("{letter}.defaultView.scrollTo(0, 60), window.sameTab = true"));
    project.write("posts/un.md", post("Un titre tout neuf", "2026-11-02", ""));
    tab.wait(&format!("{letter}.body.innerText.includes('Un titre tout neuf')"));
    let marked = tab.value(&format!(
        "[...{letter}.querySelectorAll('*')].filter(one => one.style.outlineColor).map(one => one.innerText).join('|')"
    ));
    assert!(
        marked.as_str().is_some_and(|marked| marked.contains("Un titre tout neuf") && !marked.contains("Deux")),
        "{marked}"
    );
    assert_eq!(tab.value(&format!("{letter}.defaultView.scrollY")), 60);
    assert_eq!(tab.value("window.sameTab && document.getElementById('tab-weight').checked"), true);
    tab.wait("document.getElementById('pulse-words').textContent.startsWith('Mis à jour à')");

    assert_eq!(tab.complaints(), serde_json::json!([]));
    project.write("posts/un.md", "---\ntitle: [\n---\n");
    tab.wait("document.querySelector('.trouble .code') && document.querySelector('.trouble').innerText.includes('posts/un.md')");
    assert_eq!(tab.value("document.querySelector('.wide').checkVisibility()"), false);
    project.write("posts/un.md", post("Remis", "2026-11-02", ""));
    tab.wait(&format!("!document.querySelector('.trouble') && {letter}.body.innerText.includes('Remis')"));
    // A frame that was still loading when its letter went is told that nothing is there now; nothing else may be missing.
    let gone = "Failed to load resource: the server responded with a status of 404 (Not Found)";
    let complaints = tab.complaints();
    let others = complaints.as_array().expect("a list").iter().filter(|complaint| *complaint != gone).count();
    assert_eq!(others, 0, "{complaints}");
}

#[test]
fn in_a_browser_send_me_this_puts_the_letter_into_the_outbox() {
    let project = project();
    let preview = Preview::of(&project);
    let Some(mut tab) = Tab::open("in_a_browser_send_me_this_puts_the_letter_into_the_outbox", &preview.url) else {
        return;
    };
    tab.fill("#address", "moi@example.org");
    tab.click("#copy button");
    tab.wait("document.getElementById('told').textContent === 'Essai envoyé à moi@example.org.'");
    let letters = project.letters("var/outbox");
    assert_eq!(letters.len(), 1);
    assert!(letters[0].contains("To: moi@example.org") && letters[0].contains("Deux"), "{}", letters[0]);
    // The address is there again after a reload; nothing was announced.
    tab.reload();
    tab.wait("document.getElementById('address').value === 'moi@example.org'");
    assert!(!project.join("var/crieur.db").exists());
    assert_eq!(tab.complaints(), serde_json::json!([]));
}

#[test]
fn in_a_browser_axe_finds_nothing_and_the_keyboard_reaches_everything() {
    let test = "in_a_browser_axe_finds_nothing_and_the_keyboard_reaches_everything";
    let project = project();
    let preview = Preview::of(&project);
    let Some(mut tab) = Tab::open(test, &preview.url) else { return };
    let none = serde_json::json!([]);
    for dark in [false, true] {
        tab.dark(dark);
        for (width, height) in [(1440, 900), (400, 800)] {
            tab.size(width, height);
            for chosen in [
                "view-text",
                "view-source",
                "view-feeds",
                "view-letter",
                "tab-weight",
                "tab-remarks",
                "tab-feeds",
                "tab-items",
            ] {
                tab.value(&format!("document.getElementById('{chosen}').click()"));
                assert_eq!(tab.violations(), none, "{chosen}, {width}, dark: {dark}");
            }
        }
    }
    tab.size(1440, 900);
    // One stop a group of choices, whose arrows choose; every stop can be seen to be one.
    tab.value("document.activeElement.blur()");
    let mut stops: Vec<String> = Vec::new();
    for _ in 0..40 {
        tab.press("Tab");
        let stop = tab.value(
            "(() => { const one = document.activeElement, shown = one.matches('.choice input') ? one.nextElementSibling : \
             one.matches('iframe') ? one.closest('.window') : one; return [one.id || one.className || one.tagName, \
             getComputedStyle(shown).outlineStyle !== 'none' || one === document.body].join(' '); })()",
        );
        let stop = stop.as_str().expect("a stop").to_string();
        if stop.starts_with("BODY") {
            break;
        }
        assert!(stop.ends_with("true"), "the focus is not seen: {stop}");
        stops.push(stop.trim_end_matches(" true").to_string());
    }
    for wanted in [
        "skip",
        "address",
        "view-letter",
        "width-both",
        "scheme-light",
        "pictures-with",
        "light-with",
        "tab-items",
        "pane-items",
    ] {
        assert!(stops.iter().any(|stop| stop == wanted), "{wanted} is not reached: {stops:?}");
    }
    tab.value("document.getElementById('scheme-light').focus()");
    tab.press("ArrowRight");
    assert_eq!(tab.value("document.getElementById('scheme-dark').checked"), true);
    tab.wait("document.querySelector('.wide .dark-with').contentDocument?.body?.innerText.includes('Deux')");

    project.write("posts/un.md", "---\ntitle: [\n---\n");
    tab.wait("document.querySelector('.trouble')");
    assert_eq!(tab.violations(), none);
    assert_eq!(tab.complaints(), none);
}
