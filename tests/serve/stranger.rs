//! What a stranger is told, what a page makes of a hostile title, and what the log says of people.

use std::io::Write;

use scraper::{Html, Selector};

use super::joining::{confirmation, fill_in, leave_token, new_letters, read, subscribe};
use super::{managing, project, sent, state, way_out};
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
const HOSTILE: &str = "</title></h1></li><script>alert(1)</script><img src=x onerror=alert(2)><brought-in id=brought>\" onfocus=alert(3) brought=\"' {{site.title}} &lt;b> \u{202e}é";

fn hostile() -> (Project, Served) {
    let (project, _) = project("");
    let quoted = serde_json::to_string(HOSTILE).expect("a string");
    let config = project.read("config/crieur.yaml");
    project.write(
        "config/crieur.yaml",
        config.replace("title: Le site", &format!("title: {quoted}\n  description: {quoted}")),
    );
    project.write(
        "config/newsletters/monthly.yaml",
        "title: Le mois\nfrom: lettre@example.org\nto: recipients\nleave: web\nschedule: 0 9 1 * *\n",
    );
    for name in ["news", "other", "monthly"] {
        let file = format!("config/newsletters/{name}.yaml");
        let text = project.read(&file);
        let title = text.lines().find(|line| line.starts_with("title: ")).expect("a title").to_string();
        project.write(&file, text.replace(&title, &format!("title: {quoted}")));
    }
    let topics = ["films", "sons"]
        .map(|name| format!("  - {{ name: {name}, title: {quoted}, select: {{ tags: [{name}] }} }}\n"));
    let news = project.read("config/newsletters/news.yaml");
    project.write("config/newsletters/news.yaml", format!("{news}consent: {quoted}\ntopics:\n{}", topics.concat()));
    project.write(
        "feeds/site.yaml",
        format!("title: {quoted}\ndescription: {quoted}\noutputs: {{ atom: feed/feed.xml }}\n"),
    );
    project
        .write("posts/un.md", format!("---\ntitle: {quoted}\ndate: 2026-02-01\ndescription: {quoted}\n---\nUn.\n"));
    let people = format!("email,name\ncy@example.org,{}\n", HOSTILE.replace(['"', ','], ""));
    project.write("people.csv", people);
    project.ok(&[
        "recipients",
        "import",
        "--newsletter",
        "news",
        project.join("people.csv").to_str().expect("a path"),
    ]);
    let served = Served::of(&project);
    let ran = project.crieur(&["run"]);
    assert_eq!(project.letters("var/outbox").len(), 4, "{}", ran.stderr);
    (project, served)
}

/// Nothing in the page runs, and no element is there that a title brought, nor an attribute.
fn brings_nothing(html: &Html, what: &str) {
    for element in html.select(&Selector::parse("*").expect("a selector")) {
        let name = element.value().name();
        let brought = matches!(name, "script" | "iframe" | "object" | "embed" | "base" | "brought-in");
        assert!(!brought, "{what}: <{name}>");
        for (attribute, value) in element.value().attrs() {
            assert!(!attribute.starts_with("on") && !attribute.contains("brought"), "{what}: {attribute}=");
            assert!(!value.trim_start().to_ascii_lowercase().starts_with("javascript:"), "{what}: {value}");
        }
        assert!(element.attr("id") != Some("brought"), "{what}: an element of the title's");
        assert!(element.attr("src") != Some("x"), "{what}: a picture of the title's");
    }
}

const FORM: &str = "application/x-www-form-urlencoded";

/// Every page that there is, by what it says.
fn every_page(project: &Project, served: &Served) -> Vec<(&'static str, Got)> {
    let letters = project.letters("var/outbox");
    let ana = way_out(&letters, "ana@example.org");
    let get = |path: &str| served.get(path, &[]);
    let post = |path: &str, fields: &str| served.post(path, FORM, fields);
    let newest = |before: usize| new_letters(project, before, 1).remove(0);
    let mut pages = vec![
        ("first", get("/")),
        ("letter", get("/letters/news-1.html")),
        ("archive", get("/archive/")),
        ("letters", get("/archive/news/")),
        ("past letter", get("/archive/news/1/")),
        ("leave", get(&ana)),
    ];
    let left = served.one_click(&ana);
    let undo = left.between("action=\"/back/", "\"");
    pages.push(("left", left));
    pages.push(("left before", get(&ana)));
    pages.push(("back", get(&format!("/back/{undo}"))));
    pages.push(("came back", post(&format!("/back/{undo}"), "")));

    let before = project.letters("var/outbox").len();
    pages.push(("newsletters", get("/subscribe")));
    pages.push(("form", get("/subscribe/news")));
    let typed = "email=%22%3E%3Cbrought-in+brought=%22&name=%3Cscript%3Ealert(1)%3C/script%3E";
    pages.push(("form again", post("/subscribe/news", typed)));
    pages.push(("asked", fill_in(project, served, &[("email", "eve@example.org"), ("topic", "films")])));
    let asked = confirmation(&newest(before));
    pages.push(("confirm", get(&asked)));
    pages.push(("confirmed", post(&asked, "")));
    served.one_click(&format!("/leave/{}", leave_token(project, "eve@example.org")));
    pages.push(("confirmed too late", get(&asked)));

    pages.push(("own page, asked for", get("/manage")));
    pages.push(("own page, asked for again", post("/manage", typed)));
    let own = managing::asked(project, served, "bo@example.org");
    pages.push(("own page on its way", post("/manage", "email=nobody%40example.org")));
    pages.push(("own page", get(&own)));
    for (what, fields) in [
        ("topics", "do=topics&newsletter=news&topic=films"),
        ("no topic", "do=topics&newsletter=news"),
        ("joined", "do=join&newsletter=monthly&instead=news"),
        ("left there", "do=leave&newsletter=monthly"),
        ("wrong address", "do=address&email=%22%3E%3Cbrought-in+brought=%22"),
    ] {
        pages.push((what, post(&own, fields)));
    }
    let there = managing::asked_to_move(project, served, &own, "bo.new@example.org");
    pages.push(("another address", get(&there)));
    let before = project.letters("var/outbox").len();
    pages.push(("moved", post(&there, "")));
    newest(before);
    pages.push(("moved before", get(&there)));
    pages.push(("own page too late", get(&own)));
    let own = managing::asked(project, served, "bo.new@example.org");
    pages.push(("erase", get(&format!("{own}/erase"))));
    pages.push(("erased", post(&format!("{own}/erase"), "")));
    pages.push(("moved too late", get(&there)));

    pages.push(("status", get(&status(project))));
    pages.push(("unknown", get("/leave/x")));
    pages.push(("too late", get("/back/x")));
    pages
}

#[test]
fn a_title_full_of_html_shows_as_text_on_every_page() {
    let (project, served) = hostile();
    let pages = every_page(&project, &served);
    for (what, got) in &pages {
        assert!(got.header("content-type").starts_with("text/html"), "{what}: {}", got.status);
        let html = Html::parse_document(&got.text());
        brings_nothing(&html, what);
        // As it was written, to whoever reads.
        let words: String = html.root_element().text().collect();
        let shown = words.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains(HOSTILE), "{what}: {shown}");
    }
    assert_eq!(state(&project, "ana@example.org", "news"), "subscribed");
    // The letters that the pages sent.
    let letters = project.letters("var/outbox");
    assert!(letters.len() >= 9, "{}", letters.len());
    for letter in &letters {
        let (subject, text, html) = read(letter);
        brings_nothing(&Html::parse_document(&html), &subject);
        assert!(text.contains("<script>alert(1)</script>") && text.contains("{{site.title}}"), "{text}");
    }
    // Feeds' titles have no markup that a reader could take for such; a letter is in its entry as HTML.
    for path in ["/archive/news/feed.xml", "/feed/feed.xml"] {
        let got = served.get(path, &[]);
        let feed = atom_syndication::Feed::read_from(&got.body[..]).expect("a feed");
        let entry = &feed.entries()[0];
        let title = feed.title().as_str();
        assert!(title.contains("‹script›alert(1)‹/script›") && title.contains("{{site.title}}"), "{path}: {title}");
        for title in [title, entry.title().as_str()] {
            assert!(title.contains("‹script›") && !title.contains('<'), "{path}: {title}");
        }
        let content = entry.content().and_then(|content| content.value()).expect("content");
        brings_nothing(&Html::parse_fragment(content), path);
    }
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
