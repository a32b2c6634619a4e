//! Past letters in the web service.

use std::io::Read;
use std::process::Command;

use serde_json::json;

use super::pages::is_good;
use crate::archive::{project, three};
use crate::support::preview::Tab;
use crate::support::project::Project;
use crate::support::rules::complaints;
use crate::support::served::{self, Served};
use crate::support::{has_program, peer_or_skip, postgres};

/// The project with three letters sent, whose service has an address.
fn sent(more: &str, database: Option<&str>) -> (Project, Served) {
    let mut project = project(more);
    let port = served::free_port();
    let mut config = project.read("config/crieur.yaml");
    config.push_str(&format!("web:\n  listen: 127.0.0.1:{port}\n  url: http://127.0.0.1:{port}/\n"));
    if let Some(database) = database {
        config.push_str(&format!("database: {database}\n"));
    }
    project.write("config/crieur.yaml", config);
    let people = project.join("people.csv");
    project.ok(&["recipients", "import", people.to_str().expect("a path")]);
    three(&mut project);
    let served = Served::of(&project);
    (project, served)
}

#[test]
fn past_letters_are_pages_with_their_neighbours_and_a_feed_on_both_stores() {
    let test = "past_letters_are_pages_with_their_neighbours_and_a_feed_on_both_stores";
    for database in [Some(None), postgres::database(test).map(Some)].into_iter().flatten() {
        let (project, served) = sent("", database.as_deref());
        let own = served.url("");
        let index = served.get("/archive/", &[]).text();
        assert!(
            index.contains("<a href=\"news/\">La &lt;lettre&gt;</a>") && index.contains("<a href=\"../\">"),
            "{index}"
        );
        let list = served.get("/archive/news/", &[]);
        assert_eq!((list.status, list.header("content-type")), (200, "text/html; charset=utf-8"));
        assert!(
            list.text().contains(&format!("<link rel=\"canonical\" href=\"{own}archive/news/\">")),
            "{}",
            list.text()
        );
        let page = served.get("/archive/news/2/", &[]);
        assert_eq!((page.status, page.header("cache-control")), (200, "public, max-age=300"));
        let policy = page.header("content-security-policy").to_string();
        assert!(
            policy.contains("style-src 'self' 'unsafe-inline'") && policy.contains("default-src 'none'"),
            "{policy}"
        );
        assert_eq!((page.header("set-cookie"), page.header("x-robots-tag")), ("", ""));
        let text = page.text();
        for told in [
            format!("<link rel=\"canonical\" href=\"{own}archive/news/2/\">"),
            "<link rel=\"prev\" href=\"../1/\">".to_string(),
            "<link rel=\"next\" href=\"../3/\">".to_string(),
            "<a href=\"../../../\">".to_string(),
            "Deuxième".to_string(),
        ] {
            assert!(text.contains(&told), "{told}: {text}");
        }
        for secret in ["Ana", "Bo Exemple", "@example.org?", "leave%20"] {
            assert!(!text.contains(secret), "{secret}");
        }
        let feed = served.get("/archive/news/feed.xml", &[]);
        assert_eq!(feed.header("content-type"), "application/atom+xml; charset=utf-8");
        assert_eq!(complaints(&feed.text()), Vec::<String>::new());
        assert!(
            feed.text().contains(&format!("<link href=\"{own}archive/news/3/\" rel=\"alternate\"")),
            "{}",
            feed.text()
        );
        // Every picture that the page and the feed show is there.
        let first = served.get("/archive/news/1/", &[]).text();
        let names: Vec<&str> = first
            .split(['"', ' '])
            .filter(|part| {
                [".webp", ".png", ".jpg"].iter().any(|ending| part.ends_with(ending)) && !part.contains('/')
            })
            .collect();
        assert_eq!(names.len(), 3, "{names:?}");
        for name in names {
            let got = served.get(&format!("/archive/news/1/{name}"), &[]);
            assert_eq!(got.status, 200, "{name}");
            assert_eq!(got.header("cache-control"), "public, max-age=31536000, immutable");
            assert!(image::load_from_memory(&got.body).is_ok(), "{name}");
            // Of another letter, it is not.
            assert_eq!(served.get(&format!("/archive/news/2/{name}"), &[]).status, 404, "{name}");
            assert!(name.ends_with("webp") || feed.text().contains(&format!("{own}archive/news/1/{name}")), "{name}");
        }
        // The same as files, but for the way home, whose address is the site's.
        project.json(&["archive", "--url", &format!("{own}archive/")], 0);
        for path in ["news/1/", "news/2/", "news/"] {
            let file = project.read(&format!("public/archive/{path}index.html"));
            let up = "../".repeat(path.split('/').count());
            let file = file.replace(
                "<a href=\"https://www.example.org/\"><img src=\"",
                &format!("<a href=\"{up}\"><img src=\""),
            );
            assert_eq!(file, served.get(&format!("/archive/{path}"), &[]).text(), "{path}");
        }
        assert_eq!(project.read("public/archive/news/feed.xml"), feed.text());
    }
}

#[test]
fn a_page_is_made_once_and_asked_for_again_costs_nothing() {
    let (project, served) = sent("", None);
    let paths = ["/archive/", "/archive/news/", "/archive/news/1/", "/archive/news/feed.xml"];
    let first: Vec<_> = paths.iter().map(|path| served.get(path, &[])).collect();
    for (path, first) in paths.iter().zip(&first) {
        let etag = first.header("etag");
        assert!(etag.starts_with('"') && !first.header("last-modified").is_empty(), "{path}");
        let again = served.get(path, &[("If-None-Match", etag)]);
        assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, etag), "{path}");
        let since = served.get(path, &[("If-Modified-Since", first.header("last-modified"))]);
        assert_eq!(since.status, 304, "{path}");
        let head = served.ask("HEAD", path, &[], b"");
        assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
        assert_eq!(head.header("content-length"), first.body.len().to_string(), "{path}");
        let packed = served.get(path, &[("Accept-Encoding", "gzip")]);
        assert_eq!((packed.header("content-encoding"), packed.header("vary")), ("gzip", "Accept-Encoding"), "{path}");
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut plain).expect("gzip");
        assert_eq!(plain, first.body, "{path}");
        assert_eq!(served.get(path, &[("Accept-Encoding", "br")]).header("content-encoding"), "br", "{path}");
        assert_eq!(served.post(path, "text/plain", "x").status, 405, "{path}");
    }
    if !peer_or_skip(
        "a_page_is_made_once_and_asked_for_again_costs_nothing",
        "sqlite3",
        has_program("sqlite3", "--version"),
    ) {
        return;
    }
    // What it was made from is gone, and the page is there.
    let database = project.join("var/crieur.db");
    let done = Command::new("sqlite3").arg(&database).arg("PRAGMA busy_timeout=5000; DELETE FROM variants;").output();
    assert!(done.expect("sqlite3").status.success());
    for (path, first) in paths.iter().zip(&first) {
        assert_eq!(served.get(path, &[]).body, first.body, "{path}");
    }
    // One that nobody had asked for cannot be made any more.
    assert_eq!(served.get("/archive/news/2/", &[]).status, 404);
}

#[test]
fn nothing_is_at_any_other_address_and_nothing_of_what_is_closed() {
    let (mut project, served) = sent("", None);
    for path in [
        "/archive/other/",
        "/archive/news/4/",
        "/archive/news/0/",
        "/archive/news/01/",
        "/archive/news/-1/",
        "/archive/news/99999999999999999999/",
        "/archive/news/page-1/",
        "/archive/news/page-2/",
        "/archive/news/feed-1.xml",
        "/archive/news/feed-0.xml",
        "/archive/news/1/index.html",
        "/archive/news/1/x.png",
        "/archive/news/1/../2/",
        "/archive/news/1//",
        "/archive/news//",
        "/archive//",
        "/archive/%ff/",
        "/archive/news/1/a/b.png",
        "/archive/news/one/",
        "/archive/.crieur-archive",
    ] {
        let got = served.get(path, &[]);
        assert_eq!((got.status, got.text().as_str()), (404, "There is nothing here.\n"), "{path}");
    }
    for (path, whole) in
        [("/archive", "/archive/"), ("/archive/news", "/archive/news/"), ("/archive/news/1", "/archive/news/1/")]
    {
        let got = served.get(path, &[]);
        assert_eq!((got.status, got.header("location")), (308, whole), "{path}");
    }
    let home = served.get("/", &[]).text();
    assert!(home.contains("<a href=\"/archive/news/3/\">") && home.contains("<a href=\"/archive/news/\">"), "{home}");
    drop(served);

    // Unlisted: whoever has the address.
    let open = project.read("config/newsletters/news.yaml");
    project.write("config/newsletters/news.yaml", format!("{open}archive: unlisted\n"));
    let served = Served::of(&project);
    let home = served.get("/", &[]).text();
    assert!(home.contains("La &lt;lettre&gt;") && !home.contains("/archive/news/") && !home.contains("n°"), "{home}");
    assert!(!served.get("/archive/", &[]).text().contains("La &lt;lettre&gt;"));
    for path in ["/archive/news/", "/archive/news/1/", "/archive/news/feed.xml"] {
        let got = served.get(path, &[]);
        assert_eq!((got.status, got.header("x-robots-tag")), (200, "noindex"), "{path}");
        assert_eq!(got.text().contains("content=\"noindex\""), !path.ends_with("xml"), "{path}");
    }
    drop(served);

    // Nobody: not the archive, and not the page that stands on the site from before.
    project.write("config/newsletters/news.yaml", format!("{open}archive: none\n"));
    let served = Served::of(&project);
    assert!(project.join("public/letters/news-1.html").exists());
    for path in
        ["/archive/news", "/archive/news/", "/archive/news/1/", "/archive/news/feed.xml", "/letters/news-1.html"]
    {
        assert_eq!(served.get(path, &[]).status, 404, "{path}");
    }
    drop(served);

    // A list in a file is nobody else's business, and one that was held or given up has nothing to show.
    project.write("config/newsletters/news.yaml", open.replace("to: recipients", "to: file:people.csv"));
    assert!(!Served::of(&project).get("/", &[]).text().contains("La &lt;lettre&gt;"));
    project.write("config/newsletters/news.yaml", &open);
    project.write("posts/fin.md", "---\ntitle: Fin\ndate: 2026-03-21\n---\nTexte.\n");
    project.write("config/newsletters/news.yaml", format!("{open}approve: yes\n"));
    project.at("2026-03-22T08:00:00Z");
    project.json(&["run"], 0);
    let served = Served::of(&project);
    assert_eq!(served.get("/archive/news/4/", &[]).status, 404);
    assert!(!served.get("/archive/news/", &[]).text().contains("Fin"));
    project.ok(&["cancel", "news", "4"]);
    drop(served);
    assert_eq!(Served::of(&project).get("/archive/news/4/", &[]).status, 404);
}

#[test]
fn below_a_path_the_archive_leads_to_itself_and_home() {
    let (project, served) = sent("", None);
    drop(served);
    let config = project.read("config/crieur.yaml");
    let url =
        config.lines().find_map(|line| line.strip_prefix("  url: http://127")).expect("its address").to_string();
    project.write("config/crieur.yaml", config.replace(&url, &format!("{url}lettre/")));
    let served = Served::of(&project);
    for before in ["", "/lettre"] {
        assert_eq!(served.get(&format!("{before}/archive/news"), &[]).header("location"), "/lettre/archive/news/");
        let page = served.get(&format!("{before}/archive/news/1/"), &[]).text();
        assert!(page.contains(&format!("href=\"{}archive/news/1/\"", served.url("/lettre/"))), "{page}");
    }
    assert!(served.get("/lettre/", &[]).text().contains("<a href=\"/lettre/archive/news/3/\">"));
}

#[test]
fn the_pages_are_accessible_and_fit_any_screen_and_paper() {
    let test = "the_pages_are_accessible_and_fit_any_screen_and_paper";
    for theme in ["plain", "dsfr"] {
        let (_project, served) = sent(&format!("theme: {theme}\n"), None);
        let Some(mut tab) = Tab::open(test, &served.url("/archive/news/")) else { return };
        is_good(&mut tab, &format!("archive-list-{theme}"));
        drop(tab);
        for (path, page) in [
            ("/archive/", "archive-index"),
            ("/archive/news/1/", "archive-letter"),
            ("/archive/news/2/", "archive-letter-2"),
        ] {
            let mut tab = Tab::open(test, &served.url(path)).expect("a tab");
            is_good(&mut tab, &format!("{page}-{theme}"));
            assert_eq!(tab.complaints(), json!([]), "{path}");
            assert_eq!(tab.value("document.cookie"), json!(""));
            if page.contains("letter") {
                // No rule of the frame reaches the letter, and its pictures show.
                let shown = tab.value("[...document.images].every((one) => one.complete && one.naturalWidth > 0)");
                assert_eq!(shown, json!(true), "{path}");
                let inside = "getComputedStyle(document.querySelector('main .sheet')).fontFamily !== getComputedStyle(document.body).fontFamily";
                assert_eq!(tab.value(inside), json!(true), "{path}");
            }
        }
        let mut tab = Tab::open(test, &served.url("/archive/news/2/")).expect("a tab");
        super::pages::reach(&mut tab, "a[rel=next]");
        tab.press("Enter");
        tab.wait("location.pathname === '/archive/news/3/'");
    }
}
