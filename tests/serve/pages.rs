//! The pages in Chromium, without a script of ours: by keyboard alone, by axe-core, at phone and desktop width, in light and dark.

use serde_json::{Value, json};

use super::{project, sent, state, way_out};
use crate::support::preview::Tab;
use crate::support::served::Served;

/// Nothing wrong at any width, in light or dark, and nothing beyond the screen's side.
fn is_good(tab: &mut Tab, page: &str) {
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
fn reach(tab: &mut Tab, selector: &str) {
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
fn the_first_page_says_what_there_is_in_text() {
    let (project, served) = sent("");
    let got = served.get("/", &[]);
    assert_eq!((got.status, got.header("content-type")), (200, "text/html; charset=utf-8"));
    let page = got.text();
    for told in [
        "<html lang=\"fr\">",
        "La lettre d’exemple",
        "Dès qu’il y a du nouveau",
        "Dernière lettre\u{a0}: n°\u{a0}1, dimanche 1er mars 2026",
        "<a href=\"/letters/news-1.html\">",
        "L’autre &lt;lettre&gt;",
        "Chaque mois",
        "Tout &lt;le&gt; site",
        "<a href=\"https://www.example.org/feed/feed.xml\" type=\"application/atom+xml\">",
        "<a href=\"https://www.example.org/feed/feed.json\" type=\"application/feed+json\">",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("@example.org") && !page.contains("noindex"), "{page}");
    assert_eq!(served.get("/letters/news-1.html", &[]).status, 200);
    drop(served);

    // Where the page is gone, nothing leads to it.
    project.remove("public/letters/news-1.html");
    let served = Served::of(&project);
    let page = served.get("/", &[]).text();
    assert!(page.contains("n°\u{a0}1") && !page.contains("/letters/"), "{page}");
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
