//! The pages in Chromium, without a script of ours: by keyboard alone, by axe-core, at phone and desktop width, in light and dark.

use serde_json::{Value, json};

use super::joining::{confirmation, new_letters};
use super::{project, sent, state, way_out};
use crate::support::preview::Tab;
use crate::support::served::Served;

/// Nothing wrong at any width, in light or dark, and nothing beyond the screen's side.
pub fn is_good(tab: &mut Tab, page: &str) {
    for (width, height) in [(320, 640), (360, 740), (1280, 800)] {
        tab.size(width, height);
        for dark in [false, true] {
            tab.dark(dark);
            assert_eq!(tab.violations(), json!([]), "{page} at {width}, dark: {dark}");
            let beyond = tab.value("document.documentElement.scrollWidth > innerWidth");
            assert_eq!(beyond, Value::Bool(false), "{page} is wider than {width}");
        }
        if let Ok(folder) = std::env::var("CRIEUR_TEST_SCREENSHOTS") {
            let file = format!("{folder}/{page}-{width}.png");
            tab.dark(width == 320);
            tab.screenshot(std::path::Path::new(&file));
            tab.dark(false);
        }
    }
    let small =
        "[...document.querySelectorAll('button')].some((button) => button.getBoundingClientRect().height < 44)";
    assert_eq!(tab.value(small), Value::Bool(false), "{page}: a button too small for a thumb");
    assert_eq!(tab.value("document.scripts.length"), json!(0), "{page}");
}

/// Presses Tab until this has the focus, and looks whether one sees it.
pub fn reach(tab: &mut Tab, selector: &str) {
    for _ in 0..20 {
        tab.press("Tab");
        if tab.value(&format!("document.activeElement.matches({})", json!(selector))) == Value::Bool(true) {
            let outline = tab.value("getComputedStyle(document.activeElement).outlineStyle");
            assert_eq!(outline, json!("solid"), "{selector}: the focus is not seen");
            return;
        }
    }
    panic!("{selector} cannot be reached by keyboard");
}

#[test]
fn a_person_leaves_and_comes_back_by_keyboard_and_every_page_is_accessible() {
    let (project, served) = sent("");
    let letters = project.letters("var/outbox");
    let test = "a_person_leaves_and_comes_back_by_keyboard_and_every_page_is_accessible";
    let path = way_out(&letters, "ana@example.org");
    let Some(mut tab) = Tab::open(test, &served.url(&path)) else { return };
    let title =
        |tab: &mut Tab| tab.value("document.querySelector('h1').innerText").as_str().unwrap_or("").to_string();
    assert!(title(&mut tab).starts_with("Ne plus recevoir"));
    is_good(&mut tab, "leave");
    assert_eq!(tab.value("document.documentElement.lang"), json!("fr"));
    reach(&mut tab, "main form button");
    tab.press("Enter");
    tab.wait("document.querySelector('h1')?.innerText.startsWith('Vous ne recevrez plus')");
    assert_eq!(state(&project, "ana@example.org", "news"), "left");
    is_good(&mut tab, "left");
    reach(&mut tab, ".aside button");
    tab.press(" ");
    tab.wait("document.querySelector('h1')?.innerText.startsWith('Vous recevez à nouveau')");
    assert_eq!(state(&project, "ana@example.org", "news"), "subscribed");
    is_good(&mut tab, "back");
    reach(&mut tab, "header a");
    tab.press("Enter");
    tab.wait("location.pathname === '/'");
    is_good(&mut tab, "home");
    assert_eq!(tab.complaints(), json!([]));
    assert_eq!(tab.value("document.cookie"), json!(""));
    for (path, page) in [("/leave/x", "unknown"), ("/back/x", "late")] {
        let mut tab = Tab::open(test, &served.url(path)).expect("a second tab");
        is_good(&mut tab, page);
    }
}

#[test]
fn a_person_subscribes_and_confirms_by_keyboard_and_every_page_is_accessible() {
    let (project, _) = project("");
    let topics = "topics:\n  - { name: evenements, title: Événements, select: { tags: [événement] } }\n  \
                  - { name: videos, title: Vidéos et <sons>, select: { tags: [vidéo] } }\n";
    project.write("config/newsletters/news.yaml", project.read("config/newsletters/news.yaml") + topics);
    let served = Served::of(&project);
    let test = "a_person_subscribes_and_confirms_by_keyboard_and_every_page_is_accessible";
    let Some(mut tab) = Tab::open(test, &served.url("/subscribe")) else { return };
    is_good(&mut tab, "subscribe-list");
    reach(&mut tab, "main a[href='/subscribe/news']");
    tab.press("Enter");
    tab.wait("location.pathname === '/subscribe/news'");
    is_good(&mut tab, "subscribe");
    assert_eq!(tab.value("document.querySelector('#website').tabIndex"), json!(-1));
    assert_eq!(tab.value("document.querySelector('.trap').offsetWidth"), json!(1), "nobody sees it");
    std::thread::sleep(std::time::Duration::from_millis(2500));

    // A mistake: what is wrong is read first, and leads to its field, where the rest is as it was.
    tab.fill("#email", "eve.example.org");
    tab.fill("#name", "Ève");
    reach(&mut tab, "input[value=videos]");
    tab.press(" ");
    reach(&mut tab, "#send");
    tab.press("Enter");
    tab.wait("document.title.startsWith('Erreur')");
    tab.wait("document.activeElement.className === 'errors'");
    is_good(&mut tab, "subscribe-mistake");
    reach(&mut tab, ".errors a");
    tab.press("Enter");
    tab.wait("document.activeElement.id === 'email'");
    let said = tab.value("document.querySelector('#email-error').innerText");
    assert!(said.as_str().is_some_and(|said| said.starts_with("Cette adresse")), "{said}");
    let kept = "[document.querySelector('#name').value, [...document.querySelectorAll('[name=topic]')].map((box) => box.checked)]";
    assert_eq!(tab.value(kept), json!(["Ève", [true, false]]));
    tab.fill("#email", "eve@example.org");
    reach(&mut tab, "#send");
    tab.press(" ");
    tab.wait("document.querySelector('h1')?.innerText.startsWith('Regardez votre courrier')");
    is_good(&mut tab, "asked");

    let path = confirmation(&new_letters(&project, 0, 1)[0]);
    let mut tab = Tab::open(test, &served.url(&path)).expect("a second tab");
    is_good(&mut tab, "confirm");
    let shown = tab.value("document.querySelector('main').innerText");
    assert!(shown.as_str().is_some_and(|shown| shown.contains("Sujets choisis\u{a0}: Événements.")), "{shown}");
    reach(&mut tab, "main form button");
    tab.press("Enter");
    tab.wait("document.querySelector('h1')?.innerText.startsWith('Vous recevrez')");
    assert_eq!(state(&project, "eve@example.org", "news"), "subscribed");
    is_good(&mut tab, "confirmed");
    assert_eq!((tab.complaints(), tab.value("document.cookie")), (json!([]), json!("")));
    served.one_click(&format!("/leave/{}", super::joining::leave_token(&project, "eve@example.org")));
    let mut tab = Tab::open(test, &served.url(&path)).expect("a third tab");
    is_good(&mut tab, "confirm-late");
}

#[test]
fn the_first_page_says_what_there_is_in_text() {
    let (_project, served) = sent("");
    let got = served.get("/", &[]);
    assert_eq!((got.status, got.header("content-type")), (200, "text/html; charset=utf-8"));
    let page = got.text();
    for told in [
        "<html lang=\"fr\">",
        "La lettre d’exemple",
        "Dès qu’il y a du nouveau",
        "Dernière lettre\u{a0}: n°\u{a0}1, dimanche 1er mars 2026",
        "<a href=\"/archive/news/1/\">",
        "<a href=\"/archive/news/\">Lire les lettres passées</a>",
        "Tout &lt;le&gt; site",
        "<a href=\"https://www.example.org/feed/feed.xml\" type=\"application/atom+xml\">",
        "<a href=\"https://www.example.org/feed/feed.json\" type=\"application/feed+json\">",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("@example.org") && !page.contains("noindex"), "{page}");
    // A list in a file, whose letters are nobody else's to read.
    assert!(!page.contains("L’autre"), "{page}");
    assert_eq!(served.get("/letters/news-1.html", &[]).status, 200);
}

#[test]
fn an_english_site_speaks_english_and_a_service_below_a_path_names_it() {
    let (project, _) = project("");
    let config = project.read("config/crieur.yaml").replace("language: fr", "language: en");
    let url =
        config.lines().find_map(|line| line.strip_prefix("  url: http://127")).expect("its address").to_string();
    project.write("config/crieur.yaml", config.replace(&url, &format!("{url}lettre/")));
    let served = Served::of(&project);
    project.ok(&["run"]);
    let letters = project.letters("var/outbox");
    let path = way_out(&letters, "ana@example.org");
    // The proxy takes the path away, or leaves it.
    for before in ["", "/lettre"] {
        let page = served.get(&format!("{before}{path}"), &[]).text();
        assert!(page.contains("Stop receiving “La lettre d’exemple”?"), "{page}");
        assert!(
            page.contains(&format!("action=\"/lettre{path}\"")) && page.contains("href=\"/lettre/web.css\""),
            "{page}"
        );
        assert_eq!(served.get(&format!("{before}/feed/feed.xml"), &[]).status, 200);
        assert!(served.get(&format!("{before}/"), &[]).text().contains("As soon as there is news"));
    }
    assert!(served.one_click(&format!("/lettre{path}")).text().contains("You will receive"));
    assert_eq!(state(&project, "ana@example.org", "news"), "left");
}

#[test]
fn a_person_manages_and_erases_by_keyboard_and_every_page_is_accessible() {
    let (project, _) = project("");
    let topics = "topics:\n  - { name: evenements, title: Événements, select: { tags: [événement] } }\n  \
                  - { name: videos, title: Vidéos, select: { tags: [vidéo] } }\n";
    project.write("config/newsletters/news.yaml", project.read("config/newsletters/news.yaml") + topics);
    project.write(
        "config/newsletters/monthly.yaml",
        "title: Le mois\nfrom: lettre@example.org\nto: recipients\nleave: web\nschedule: 0 9 1 * *\n",
    );
    let served = Served::of(&project);
    let test = "a_person_manages_and_erases_by_keyboard_and_every_page_is_accessible";
    let Some(mut tab) = Tab::open(test, &served.url("/manage")) else { return };
    is_good(&mut tab, "manage-ask");
    reach(&mut tab, "#email");
    tab.press("x");
    tab.press("Enter");
    tab.wait("document.querySelector('.errors')");
    is_good(&mut tab, "manage-ask-wrong");
    tab.value("document.querySelector('#email').value = 'ana@example.org'");
    reach(&mut tab, "main form button");
    tab.press("Enter");
    tab.wait("document.querySelector('h1')?.innerText.startsWith('Regardez votre courrier')");
    is_good(&mut tab, "manage-asked");
    let letter = new_letters(&project, 0, 1).remove(0);
    let path = super::managing::link(&letter, "/manage/");
    let mut tab = Tab::open(test, &served.url(&path)).expect("a second tab");
    is_good(&mut tab, "manage");
    reach(&mut tab, "input[value=evenements]");
    tab.press(" ");
    reach(&mut tab, "main form button");
    tab.press("Enter");
    tab.wait("document.querySelector('[role=status]')");
    assert_eq!(tab.value("document.querySelectorAll('input[type=checkbox]:checked').length"), json!(1));
    is_good(&mut tab, "manage-done");
    reach(&mut tab, "a[href$='/erase']");
    tab.press("Enter");
    tab.wait("location.pathname.endsWith('/erase')");
    is_good(&mut tab, "manage-erase");
    reach(&mut tab, "main form button");
    tab.press("Enter");
    tab.wait("document.querySelector('h1')?.innerText.startsWith('Vos données sont effacées')");
    is_good(&mut tab, "manage-erased");
    assert_eq!(state(&project, "ana@example.org", "news"), "unknown");
    assert_eq!((tab.complaints(), tab.value("document.cookie")), (json!([]), json!("")));
}
