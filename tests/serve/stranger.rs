//! What a stranger is told, what a page makes of a hostile title, and what the log says of people.

use std::io::Write;

use scraper::{Html, Selector};

use super::joining::{confirmation, new_letters, subscribe};
use super::{project, sent, state, way_out};
use crate::support::project::Project;
use crate::support::served::{self, Got, Served};

/// Every kind of address, with the letters' ways out.
fn paths(letters: &[String]) -> Vec<String> {
    let mut paths: Vec<String> = [
        "/",
        "/healthz",
        "/readyz",
        "/readyz?proof=x",
        "/web.css",
        "/web.svg",
        "/robots.txt",
        "/feed/feed.xml",
        "/feed/rss.xml",
        "/feed/feed.json",
        "/letters/news-1.html",
        "/letters/news-99.html",
        "/leave/x",
        "/leave/",
        "/back/x",
        "/nothing/here",
        "/../config/crieur.yaml",
        "/%2e%2e/config/crieur.yaml",
        "/config/crieur.yaml",
        "/var/keys/key",
        "/var/crieur.db",
        "//",
        "/.git/config",
        "/subscribe",
        "/subscribe/news",
        "/subscribe/nothing",
        "/confirm/x",
        "/manage",
        "/manage/x",
        "/archive/news/",
        "/archive/news/1/",
        "/status",
        "/metrics",
        "/leave",
        "/favicon.ico",
    ]
    .map(str::to_string)
    .into();
    for name in ["ana", "bo"] {
        paths.push(way_out(letters, &format!("{name}@example.org")));
    }
    paths
}

fn is_guarded(got: &Got, what: &str) {
    assert!(got.status >= 200 && got.status < 500, "{what}: {}", got.status);
    assert_eq!((got.header("set-cookie"), got.header("server"), got.header("x-powered-by")), ("", "", ""), "{what}");
    assert_eq!(got.header("referrer-policy"), "no-referrer", "{what}");
    assert_eq!(got.header("x-content-type-options"), "nosniff", "{what}");
    let policy = got.header("content-security-policy");
    let directives: Vec<&str> = policy.split(';').map(str::trim).collect();
    for needed in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
        assert!(directives.contains(&needed), "{what}: {policy}");
    }
    assert!(!policy.contains("script-src") && !policy.contains("unsafe-eval"), "{what}: {policy}");
    // A letter's page alone has its styles in its elements.
    let inline: Vec<&&str> = directives.iter().filter(|directive| directive.contains("unsafe-inline")).collect();
    assert!(inline.iter().all(|directive| directive.starts_with("style-src")), "{what}: {policy}");
    assert!(inline.is_empty() || what.contains("/letters/") || what.contains("/archive/"), "{what}: {policy}");
}

#[test]
fn every_answer_bears_its_policies_and_no_cookie() {
    let (project, served) = sent("");
    let letters = project.letters("var/outbox");
    let mut asked = 0;
    let mut paths = paths(&letters);
    paths.extend([status(&project), status(&project).replace("status", "metrics")]);
    for path in paths {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"] {
            let got = served.ask(method, &path, &[("Cookie", "session=x"), ("Accept-Encoding", "br")], b"a=b");
            // What does not even have the form of a request is answered without a word.
            if got.status == 400 && got.body.is_empty() {
                continue;
            }
            is_guarded(&got, &format!("{method} {path}"));
            asked += 1;
        }
    }
    assert!(asked > 150, "{asked}");
    let etag = served.get("/feed/feed.xml", &[]).header("etag").to_string();
    let got = served.get("/feed/feed.xml", &[("If-None-Match", &etag)]);
    assert_eq!(got.status, 304);
    is_guarded(&got, "304");
    let got = served.get("/feed/feed.xml", &[("Range", "bytes=999999999-")]);
    assert_eq!(got.status, 416);
    is_guarded(&got, "416");
    let got = served.post("/leave/x", "text/plain", &"x".repeat(70 * 1024));
    assert_eq!(got.status, 413);
    is_guarded(&got, "413");
}

/// The operator's page.
fn status(project: &Project) -> String {
    let told = project.json(&["status", "--token"], 0);
    format!("/status/{}", told["token"].as_str().expect("a token"))
}

/// A title as somebody would write it who wants to be more than text.
const HOSTILE: &str = "</title></h1><script>alert(1)</script><img src=x onerror=alert(2)>\" onfocus=alert(3) x=\"' {{site.title}} &lt;b> \u{202e}é";

fn hostile() -> (Project, Served) {
    let (project, _) = project("");
    let quoted = serde_json::to_string(HOSTILE).expect("a string");
    let config = project.read("config/crieur.yaml");
    project.write(
        "config/crieur.yaml",
        config.replace("title: Le site", &format!("title: {quoted}\n  description: {quoted}")),
    );
    for name in ["news", "other"] {
        let file = format!("config/newsletters/{name}.yaml");
        let text = project.read(&file);
        let title = text.lines().find(|line| line.starts_with("title: ")).expect("a title").to_string();
        project.write(&file, text.replace(&title, &format!("title: {quoted}")));
    }
    project.write(
        "feeds/site.yaml",
        format!("title: {quoted}\ndescription: {quoted}\noutputs: {{ atom: feed/feed.xml }}\n"),
    );
    project
        .write("posts/un.md", format!("---\ntitle: {quoted}\ndate: 2026-02-01\ndescription: {quoted}\n---\nUn.\n"));
    project
        .write("people.csv", format!("email,name\nana@example.org,{}\n", HOSTILE.replace(['"', ',', '<', '>'], "")));
    let served = Served::of(&project);
    let ran = project.crieur(&["run"]);
    assert_eq!(project.letters("var/outbox").len(), 4, "{}", ran.stderr);
    (project, served)
}

/// Nothing in the page runs, and the title is there as text.
fn is_text(got: &Got, what: &str) {
    let page = got.text();
    let html = Html::parse_document(&page);
    for element in html.select(&Selector::parse("*").expect("a selector")) {
        let name = element.value().name();
        assert!(!matches!(name, "script" | "iframe" | "object" | "embed" | "base"), "{what}: <{name}>");
        for (attribute, value) in element.value().attrs() {
            assert!(!attribute.starts_with("on"), "{what}: {attribute}=");
            assert!(!value.trim_start().to_ascii_lowercase().starts_with("javascript:"), "{what}: {value}");
        }
        assert!(element.attr("src") != Some("x"), "{what}: a picture of the title's");
    }
}

#[test]
fn a_title_full_of_html_shows_as_text_on_every_page() {
    let (project, served) = hostile();
    let letters = project.letters("var/outbox");
    let ana = way_out(&letters, "ana@example.org");
    let mut pages = vec![("first", served.get("/", &[])), ("letter", served.get("/letters/news-1.html", &[]))];
    pages.push(("leave", served.get(&ana, &[])));
    let left = served.one_click(&ana);
    let undo = left.between("action=\"/back/", "\"");
    pages.push(("left", left));
    pages.push(("left before", served.get(&ana, &[])));
    pages.push(("back", served.get(&format!("/back/{undo}"), &[])));
    pages.push(("came back", served.post(&format!("/back/{undo}"), "text/plain", "")));
    let before = project.letters("var/outbox").len();
    pages.push(("newsletters", served.get("/subscribe", &[])));
    pages.push(("form", served.get("/subscribe/news", &[])));
    let typed = "email=nobody&name=%3Cscript%3Ealert(1)%3C/script%3E";
    pages.push(("form again", served.post("/subscribe/news", "application/x-www-form-urlencoded", typed)));
    pages.push(("asked", subscribe(&project, &served, "eve@example.org")));
    let asked = confirmation(&new_letters(&project, before, 1)[0]);
    pages.push(("confirm", served.get(&asked, &[])));
    pages.push(("confirmed", served.post(&asked, "text/plain", "")));
    pages.push(("status", served.get(&status(&project), &[])));
    pages.push(("unknown", served.get("/leave/x", &[])));
    pages.push(("too late", served.get("/back/x", &[])));
    for (what, got) in &pages {
        assert!(got.header("content-type").starts_with("text/html"), "{what}");
        is_text(got, what);
        // As it was written, to whoever reads.
        let html = Html::parse_document(&got.text());
        let words: String = html.root_element().text().collect();
        assert!(words.contains("<script>alert(1)</script>"), "{what}: {words}");
    }
    assert_eq!(state(&project, "ana@example.org", "news"), "subscribed");
}

#[test]
fn the_log_of_all_that_happens_names_nobody() {
    let (project, _) = project("");
    let config = project.read("config/crieur.yaml");
    let mut served = Served::by(project.command(&["-v", "serve", "--with-schedule"]));
    served.says("4 of 4 accepted");
    let letters = project.letters("var/outbox");
    let ana = way_out(&letters, "ana@example.org");
    for path in [&ana, &ana.to_uppercase(), "/leave/x", "/back/x", "/subscribe/news?email=ana@example.org"] {
        served.get(path, &[("User-Agent", "ana@example.org"), ("Referer", "https://ana@example.org/")]);
        served.post(path, "application/x-www-form-urlencoded", "email=ana%40example.org&name=Ana");
    }
    let operator = status(&project);
    assert_eq!(served.get(&operator, &[]).status, 200);
    let before = project.letters("var/outbox").len();
    assert_eq!(subscribe(&project, &served, "eve@example.org").status, 200);
    let asked = confirmation(&new_letters(&project, before, 1)[0]);
    assert_eq!(served.post(&asked, "text/plain", "").status, 200);
    let mut garbage = served.connect();
    garbage.write_all(b"ana@example.org\r\n\r\n").expect("sent");
    served::read(garbage);
    // A configuration that is refused is told with the lines that name the operator's addresses, and no reader's.
    project.write("config/crieur.yaml", config.replace("web:", "  bounces_to: nobody@\nweb:"));
    served.reload();
    served.says("goes on with what was before");
    project.write("config/crieur.yaml", &config);
    // The database is away: the operator is told that it is.
    project.rename("var/crieur.db", "var/away.db");
    std::fs::create_dir(project.join("var/crieur.db")).expect("a folder in its place");
    served.one_click(&way_out(&letters, "bo@example.org"));
    std::fs::remove_dir(project.join("var/crieur.db")).expect("removed");
    project.rename("var/away.db", "var/crieur.db");
    assert_eq!(served.stop(), Some(0));
    let said = served.said();
    for name in ["ana", "bo", "cy", "di", "eve"] {
        assert!(!said.contains(&format!("{name}@")), "{said}");
    }
    for name in ["ana", "bo"] {
        let token = way_out(&letters, &format!("{name}@example.org"));
        assert!(!said.to_lowercase().contains(&token[7..20]), "{said}");
    }
    assert!(!said.contains(&operator[8..]), "{said}");
    assert!(!said.contains("%40") && !said.contains("/leave/") && !said.contains("/confirm/"), "{said}");
}
