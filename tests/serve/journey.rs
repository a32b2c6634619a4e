//! The whole way of a reader, in Chromium and by keyboard alone: the first page, the form, the letter that asks, the page that
//! confirms, the next letter, the way out and back, what is held, and the end of it. With scripts and without, on a phone and
//! on a desk.

use serde_json::{Value, json};

use super::joining::{new_letters, read};
use super::pages::reach;
use super::{project, state, way_out};
use crate::support::preview::Tab;
use crate::support::project::Project;
use crate::support::served::Served;

/// A browser, and how it is used.
struct Reader {
    name: &'static str,
    scripts: bool,
    size: (u32, u32),
    dark: bool,
}

const READERS: [Reader; 4] = [
    Reader { name: "phone", scripts: true, size: (360, 740), dark: false },
    Reader { name: "desk", scripts: true, size: (1280, 800), dark: true },
    Reader { name: "phone-without-scripts", scripts: false, size: (360, 740), dark: true },
    Reader { name: "desk-without-scripts", scripts: false, size: (1280, 800), dark: false },
];

#[test]
fn a_reader_goes_the_whole_way_by_keyboard() {
    let test = "a_reader_goes_the_whole_way_by_keyboard";
    let (project, _) = project("");
    let config = project.read("config/newsletters/news.yaml");
    let topics = "topics:\n  - { name: outils, title: Outils, select: { tags: [outils] } }\n  \
                  - { name: rencontres, title: Rencontres, select: { tags: [rencontres] } }\n";
    project.write("config/newsletters/news.yaml", format!("{config}{topics}"));
    let served = Served::of(&project);
    project.ok(&["run"]);
    for (number, reader) in (2..).zip(&READERS) {
        let Some(mut tab) = Tab::open_with(test, &served.url("/"), reader.scripts) else { return };
        go(&project, &served, &mut tab, reader, number);
    }
}

fn go(project: &Project, served: &Served, tab: &mut Tab, reader: &Reader, number: u32) {
    tab.size(reader.size.0, reader.size.1);
    tab.dark(reader.dark);
    let address = format!("{}@example.org", reader.name);
    let before = project.letters("var/outbox").len();

    // In.
    look(tab, reader, "home");
    reach(tab, "a[href='/subscribe/news']");
    tab.press("Enter");
    tab.wait("location.pathname === '/subscribe/news' && document.querySelector('#email')");
    look(tab, reader, "subscribe");
    reach(tab, "#send");
    tab.press("Enter");
    // What is wrong is said first.
    tab.wait("document.activeElement?.getAttribute('role') === 'alert'");
    look(tab, reader, "subscribe-again");
    reach(tab, "#email");
    tab.write(&address);
    reach(tab, "#name");
    tab.write("Camille Exemple");
    // Nobody types this faster.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    tab.press("Enter");
    says(tab, "Regardez votre courrier");
    look(tab, reader, "asked");
    assert_eq!(state(project, &address, "news"), "unknown");

    // Confirmed from the letter that asks.
    let asking = new_letters(project, before, 1).remove(0);
    tab.go(&link(&asking, "/confirm/"));
    says(tab, "Recevoir «\u{a0}La lettre d’exemple\u{a0}»");
    look(tab, reader, "confirm");
    assert_eq!(state(project, &address, "news"), "unknown", "a page that is opened changes nothing");
    reach(tab, "main form button");
    tab.press("Enter");
    says(tab, "Vous recevrez «\u{a0}La lettre d’exemple\u{a0}»");
    look(tab, reader, "confirmed");
    assert_eq!(state(project, &address, "news"), "subscribed");

    // The next letter comes, and lets out and back.
    project.write(
        &format!("posts/{}.md", reader.name),
        format!(
            "---\ntitle: Pour {}\ndate: 2026-02-{:02}\ntags: [outils]\n---\nDu nouveau.\n",
            reader.name,
            number + 10
        ),
    );
    project.ok(&["run"]);
    let letters: Vec<String> = project
        .letters("var/outbox")
        .into_iter()
        .filter(|letter| letter.contains(&format!("Pour {}", reader.name)))
        .collect();
    let path = way_out(&letters, &address);
    tab.go(&served.url(&path));
    says(tab, "Ne plus recevoir");
    reach(tab, "main form button");
    tab.press("Enter");
    says(tab, "Vous ne recevrez plus");
    assert_eq!(state(project, &address, "news"), "left");
    reach(tab, ".aside button");
    tab.press(" ");
    says(tab, "Vous recevez à nouveau");
    assert_eq!(state(project, &address, "news"), "subscribed");

    // What is held, and the end of it.
    let before = project.letters("var/outbox").len();
    tab.go(&served.url("/manage"));
    look(tab, reader, "manage-ask");
    reach(tab, "input[type=email]");
    tab.write(&address);
    std::thread::sleep(std::time::Duration::from_millis(2100));
    tab.press("Enter");
    says(tab, "Regardez votre courrier");
    let letter = new_letters(project, before, 1).remove(0);
    tab.go(&link(&letter, "/manage/"));
    tab.wait("document.querySelector('input[value=rencontres]')");
    look(tab, reader, "manage");
    reach(tab, "input[value=rencontres]");
    tab.press(" ");
    reach(tab, "fieldset + button");
    tab.press("Enter");
    tab.wait("document.querySelector('[role=status]')?.textContent.includes('sont enregistrés')");
    assert_eq!(tab.value("document.querySelector('input[value=rencontres]').checked"), Value::Bool(false));
    look(tab, reader, "managed");
    reach(tab, "a[href$='/erase']");
    tab.press("Enter");
    says(tab, "Effacer toutes vos données");
    look(tab, reader, "erase");
    reach(tab, "main form button");
    tab.press("Enter");
    says(tab, "Vos données sont effacées");
    look(tab, reader, "erased");
    assert_eq!(state(project, &address, "news"), "unknown");
    assert_eq!(tab.value("document.cookie"), json!(""));
    let complaints = tab.complaints();
    // The browser tells of the form that came back.
    let others = complaints
        .as_array()
        .expect("a list")
        .iter()
        .filter(|words| !words.as_str().is_some_and(|words| words.contains("422")));
    assert_eq!(others.count(), 0, "{complaints}");
}

/// The address of a letter's link.
fn link(letter: &str, path: &str) -> String {
    let (_, text, _) = read(letter);
    let words = text.split_whitespace().find(|word| word.contains(path));
    words.unwrap_or_else(|| panic!("no {path}: {text}")).to_string()
}

fn says(tab: &mut Tab, heading: &str) {
    tab.wait(&format!("document.querySelector('h1')?.textContent.startsWith({})", json!(heading)));
}

/// Nothing wrong with the page as this reader sees it; it is drawn where that is asked for.
fn look(tab: &mut Tab, reader: &Reader, page: &str) {
    // axe-core is a script itself.
    if reader.scripts {
        assert_eq!(tab.violations(), json!([]), "{page} for {}", reader.name);
    }
    let beyond = tab.value("document.documentElement.scrollWidth > innerWidth");
    assert_eq!(beyond, Value::Bool(false), "{page} is wider than a {}", reader.name);
    if let Ok(folder) = std::env::var("CRIEUR_TEST_SCREENSHOTS") {
        tab.screenshot(&std::path::Path::new(&folder).join(format!("{page}-{}.png", reader.name)));
    }
}
