//! The operator's page and metrics: who may see them, what they say, how they look.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::pages::is_good;
use super::{sent, way_out};
use crate::support::peer_or_skip;
use crate::support::preview::Tab;
use crate::support::project::Project;
use crate::support::rich;
use crate::support::served::{Got, Served, free_port};
use crate::support::stores::{Place, on_both_stores};

/// The address that `status --token` prints, below the service's, and the token.
fn token(project: &Project) -> (String, String) {
    let told = project.json(&["status", "--token"], 0);
    let token = told["token"].as_str().expect("a token").to_string();
    assert!(told["url"].as_str().expect("an address").ends_with(&format!("/status/{token}")));
    (format!("/status/{token}"), token)
}

/// As a stranger sees it: byte for byte what is at an address where there is nothing.
fn is_nothing(served: &Served, got: &Got, asked: &str) {
    let nothing = served.get("/nothing/such", &[]);
    let plain = |got: &Got| {
        let headers: Vec<_> = got.headers.iter().filter(|(name, _)| name != "date").cloned().collect();
        (got.status, headers, got.body.clone())
    };
    assert_eq!(plain(got), plain(&nothing), "{asked}");
    assert_eq!(got.status, 404);
}

#[test]
fn how_things_stand_is_shown_to_whoever_has_the_token_and_to_nobody_else() {
    let (project, served) = sent("");
    let (path, token) = token(&project);
    let bearer = format!("Bearer {token}");
    let with_token = [("Authorization", bearer.as_str())];
    for (asked, headers) in
        [(path.as_str(), &[][..]), ("/status", &with_token), (&path.to_uppercase().replace("STATUS", "status"), &[])]
    {
        let got = served.get(asked, headers);
        assert_eq!((got.status, got.header("content-type")), (200, "text/html; charset=utf-8"), "{asked}");
        assert_eq!(got.header("cache-control"), "private, no-store");
        assert!(got.header("content-security-policy").contains("style-src 'self'"));
        assert_eq!((got.header("set-cookie"), got.header("referrer-policy")), ("", "no-referrer"));
        let page = got.text();
        assert!(page.contains("Tableau de bord") && page.contains("La lettre d’exemple"), "{page}");
        assert!(!page.contains("style=") && !page.contains("<style") && !page.contains("<script"), "{page}");
        assert!(!page.contains("@example.org"), "{page}");
    }
    for (asked, headers) in [(format!("/metrics/{token}"), &[][..]), ("/metrics".to_string(), &with_token)] {
        let got = served.get(&asked, headers);
        assert_eq!((got.status, got.header("content-type")), (200, "text/plain; version=0.0.4; charset=utf-8"));
    }
    let letters = project.letters("var/outbox");
    let leaving = way_out(&letters, "ana@example.org").replace("/leave/", "/status/");
    let mut changed = path.clone();
    changed.replace_range(path.len() - 1.., if path.ends_with('a') { "b" } else { "a" });
    for asked in [
        "/status",
        "/status/",
        "/metrics",
        "/metrics/x",
        &path[..path.len() - 1],
        &format!("{path}a"),
        &changed,
        &leaving,
    ] {
        is_nothing(&served, &served.get(asked, &[]), asked);
    }
    for wrong in ["Bearer", "Bearer x", "Basic x", &format!("Basic {token}"), "\u{e9}"] {
        is_nothing(&served, &served.get("/metrics", &[("Authorization", wrong)]), wrong);
    }
    // Through a proxy that says so: not from here, whatever it says.
    for proxied in
        [("X-Forwarded-For", "127.0.0.1"), ("Forwarded", "for=127.0.0.1"), ("Via", "1.1 x"), ("X-Real-IP", "::1")]
    {
        is_nothing(&served, &served.get(&path, &[proxied]), proxied.0);
    }
    assert_eq!(served.ask("POST", &path, &[], b"").status, 405);
    assert_eq!(served.ask("HEAD", &path, &[], b"").body, b"");
    assert!(!served.said().contains(&token), "{}", served.said());
}

#[test]
fn it_can_be_open_to_all_who_have_the_token_or_shown_to_nobody() {
    for (access, status) in [("open", 200), ("none", 404)] {
        let port = free_port();
        let project = rich::project(
            "en",
            &format!("web:\n  listen: 127.0.0.1:{port}\n  url: http://127.0.0.1:{port}/\n  status: {access}\n"),
        );
        project.ok(&["status"]);
        let served = Served::of(&project);
        let (path, _) = token(&project);
        assert_eq!(served.get(&path, &[("X-Forwarded-For", "192.0.2.1")]).status, status, "{access}");
        is_nothing(&served, &served.get("/status/aaaaaaaaaaaaaaaaaaaa", &[("X-Forwarded-For", "192.0.2.1")]), access);
    }
    let project = rich::project("en", "web:\n  status: perhaps\n");
    let ran = project.crieur(&["status"]);
    assert!(
        ran.status == 2 && ran.stderr.contains("crieur.yaml:") && ran.stderr.contains("perhaps"),
        "{}",
        ran.stderr
    );
}

/// A project on this kind of store, filled, and the address of its database.
fn filled(place: &Place, language: &str) -> (Project, String) {
    let port = free_port();
    let line = place.line();
    let project = rich::project(language, &format!("{line}web:\n  listen: 127.0.0.1:{port}\n"));
    project.crieur(&["status"]);
    let address = match line.trim().strip_prefix("database: ") {
        Some(address) => address.to_string(),
        None => format!("sqlite://{}", project.join("var/crieur.db").display()),
    };
    rich::fill(&address);
    (project, address)
}

on_both_stores! {
    the_page_the_file_and_the_metrics_tell_the_same_and_move_with_the_delivery,
    who_reads_the_feeds_is_counted_over_two_services_without_an_address,
}

/// The samples of a text for Prometheus, by name and labels; refuses what the format does not allow.
fn samples(text: &str) -> std::collections::BTreeMap<String, f64> {
    let mut samples = std::collections::BTreeMap::new();
    let (mut family, mut helped) = (String::new(), std::collections::BTreeSet::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            family = rest.split(' ').next().expect("a name").to_string();
            assert!(helped.insert(family.clone()) && rest.len() > family.len() + 10, "{line}");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert_eq!(name, family);
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(kind == "counter" || kind == "gauge", "{line}");
        } else {
            let (name, value) = line.rsplit_once(' ').expect("a value");
            assert_eq!(name.split('{').next(), Some(family.as_str()), "{line}");
            assert!(samples.insert(name.to_string(), value.parse().expect("a number")).is_none(), "twice: {line}");
        }
    }
    assert!(text.ends_with('\n'));
    samples
}

fn the_page_the_file_and_the_metrics_tell_the_same_and_move_with_the_delivery(place: Place) {
    let (project, address) = filled(&place, "en");
    let served = Served::of(&project);
    let (path, token) = token(&project);
    let got = served.get(&path, &[]);
    assert_eq!((got.header("refresh"), served.get(&format!("{path}?still"), &[]).header("refresh")), ("5", ""));
    let page = got.text();
    // `status --json` says the numbers, the page and the metrics say them again.
    let editions = project.json(&["status"], 1)["editions"].as_array().expect("editions").clone();
    let last = editions.iter().find(|one| one["newsletter"] == "news" && one["number"] == 24).expect("the last one");
    let number = |name: &str| last[name].as_i64().expect("a number");
    let waiting = number("pending") - number("deferred");
    let told = format!(
        "no. 24: {} accepted, {} refused, {} suppressed, {} uncertain, {} deferred, {waiting} waiting",
        number("accepted"),
        number("refused"),
        number("suppressed"),
        number("uncertain"),
        number("deferred"),
    );
    for name in ["accepted", "refused", "suppressed", "uncertain", "deferred"] {
        assert!(number(name) > 0, "{last}");
    }
    assert!(page.contains(&told), "{told}: {page}");
    assert!(page.contains("La lettre de l’équipe no. 3 is held.") && page.contains("crieur resume equipe 3"));
    assert!(page.contains("grand.example.org") && page.contains("other domains"));
    assert!(!page.contains("chez-"), "a domain of few people is named");
    assert!(!page.contains("p1@") && !page.contains("@grand"));
    let metrics = samples(&served.get(&format!("/metrics/{token}"), &[]).text());
    let of = |state: &str| {
        let sum = |one: &Value| if one["newsletter"] == "news" { one[state].as_i64().unwrap_or(0) } else { 0 };
        editions.iter().map(sum).sum::<i64>() as f64
    };
    for state in ["accepted", "refused", "suppressed", "uncertain", "deferred"] {
        let name = format!("crieur_deliveries{{newsletter=\"news\",state=\"{state}\"}}");
        assert_eq!(metrics[&name], of(state), "{name}");
    }
    assert_eq!(metrics["crieur_editions{newsletter=\"news\",state=\"sending\"}"], 1.0);
    assert_eq!(metrics["crieur_database_up"], 1.0);
    let grown =
        metrics["crieur_joined_total{newsletter=\"news\"}"] - metrics["crieur_left_total{newsletter=\"news\"}"];
    assert_eq!(metrics["crieur_subscribers{newsletter=\"news\"}"], grown);
    assert!(metrics["crieur_feed_subscribers{feed=\"site\",reader=\"Feedly\"}"] > 118.0);
    assert_eq!(metrics["crieur_http_requests_total{kind=\"status\",status=\"200\"}"], 2.0);

    let file = project.join("out/status.html");
    let ran = project.crieur(&["status", "--html", file.to_str().expect("a path")]);
    assert_eq!(ran.status, 1, "one edition is held: {}", ran.stderr);
    let written = project.read("out/status.html");
    assert!(written.contains(&told) && written.contains("<style>"));
    for outside in ["<link", "<script", "src=", "url(http", "@import", "https://"] {
        assert!(!written.contains(outside), "{outside}");
    }
    let before = std::fs::metadata(&file).expect("the file").modified().expect("a time");
    project.crieur(&["status", "--html", file.to_str().expect("a path")]);
    assert_eq!(std::fs::metadata(&file).expect("the file").modified().expect("a time"), before);

    // The rest of the letters goes: the bar moves, and then the page rests.
    rich::change(&address, "UPDATE deliveries SET state = 'accepted' WHERE state = 'pending'");
    let deadline = Instant::now() + Duration::from_secs(60);
    let all = number("accepted") + number("pending");
    let moved = format!("no. 24: {},{:03} accepted, ", all / 1000, all % 1000);
    loop {
        let got = served.get(&path, &[]);
        let page = got.text();
        if page.contains(&moved) {
            assert_eq!(got.header("refresh"), "", "nothing is under way any more");
            break;
        }
        assert!(Instant::now() < deadline, "{moved}: {page}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

fn who_reads_the_feeds_is_counted_over_two_services_without_an_address(place: Place) {
    let port = free_port();
    let project = rich::project("en", &format!("{}web:\n  listen: 127.0.0.1:{port}\n", place.line()));
    project.ok(&["build"]);
    project.crieur(&["status"]);
    let mut first = Served::of(&project);
    let mut second = Served::by(project.command(&["-v", "serve", "--listen", "127.0.0.1:0"]));
    let feedly = |count: u32| format!("Feedly/1.0 (+http://feedly.example.org/; {count} subscribers; feed-id=7)");
    for (served, said, times) in [
        (&first, feedly(40), 2),
        (&second, feedly(42), 1),
        (&first, "curl/8.1 secret-words".to_string(), 2),
        (&second, "curl/8.2".to_string(), 3),
    ] {
        let etag = served.get("/feed/feed.xml", &[("User-Agent", &said)]).header("etag").to_string();
        for _ in 1..times {
            let again = served.get("/feed/feed.xml", &[("User-Agent", &said), ("If-None-Match", &etag)]);
            assert_eq!(again.status, 304);
        }
    }
    assert_eq!(first.get("/feed/none.xml", &[("User-Agent", "Feedly/1.0 (99 subscribers)")]).status, 404);
    // SIGTERM: what was counted is written.
    assert_eq!((first.stop(), second.stop()), (Some(0), Some(0)));
    let served = Served::of(&project);
    let (path, token) = token(&project);
    let metrics = samples(&served.get(&format!("/metrics/{token}"), &[]).text());
    assert_eq!(metrics["crieur_feed_subscribers{feed=\"site\",reader=\"Feedly\"}"], 42.0);
    let page = served.get(&path, &[]).text();
    assert!(page.contains("42 subscribers reported by reading services, 5 fetches by other programs"), "{page}");
    assert!(page.contains("<th scope=\"row\">curl</th><td>–</td><td>5</td>"), "{page}");
    assert!(!page.contains("secret-words"));
    if let Ok(bytes) = std::fs::read(project.join("var/crieur.db")) {
        assert!(!bytes.windows(12).any(|part| part == b"secret-words" || part == b"127.0.0.1"));
    }
}

/// Reads the text as Prometheus' own library for Python does.
const PROMETHEUS: &str = "
import sys
from prometheus_client.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(sys.stdin.read()))
assert all(family.documentation and family.type in ('counter', 'gauge') for family in families), families
print(len(families), sum(len(family.samples) for family in families))
";

#[test]
fn prometheus_reads_every_metric() {
    let test = "prometheus_reads_every_metric";
    let there = Command::new("python3")
        .args(["-c", "import prometheus_client"])
        .output()
        .is_ok_and(|ran| ran.status.success());
    if !peer_or_skip(test, "prometheus-client (PyPI)", there) {
        return;
    }
    let (project, _) = filled(&Place::sqlite(), "fr");
    let served = Served::of(&project);
    let (_, token) = token(&project);
    served.get("/", &[]);
    let text = served.get(&format!("/metrics/{token}"), &[]).text();
    let mut python = Command::new("python3")
        .args(["-c", PROMETHEUS])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python");
    python.stdin.take().expect("its input").write_all(text.as_bytes()).expect("read");
    let ran = python.wait_with_output().expect("an end");
    let counted = format!("{} {}", text.matches("# TYPE").count(), samples(&text).len());
    assert_eq!((ran.status.success(), String::from_utf8_lossy(&ran.stdout).trim()), (true, counted.as_str()));
}

/// Every plot is a picture with a name, and its numbers are in a table.
fn has_its_tables(tab: &mut Tab, plots: u64) {
    let nameless = "[...document.querySelectorAll('main svg:not([aria-hidden], .stretched)')].filter((svg) => svg.getAttribute('role') !== 'img' \
        || !svg.querySelector('title')?.textContent).length";
    assert_eq!(tab.value(nameless), json!(0));
    assert_eq!(tab.value("document.querySelectorAll('figure').length"), json!(plots));
    assert_eq!(tab.value("[...document.querySelectorAll('figure')].every((figure) => figure.querySelector('details table tbody tr'))"), json!(true));
}

#[test]
fn the_page_is_accessible_on_every_screen_full_and_empty() {
    let test = "the_page_is_accessible_on_every_screen_full_and_empty";
    for (language, full) in [("fr", true), ("en", true), ("fr", false)] {
        let port = free_port();
        let project = match full {
            true => filled(&Place::sqlite(), language).0,
            false => rich::project(language, &format!("web:\n  listen: 127.0.0.1:{port}\n")),
        };
        project.crieur(&["status"]);
        let served = Served::of(&project);
        let (path, _) = token(&project);
        let Some(mut tab) = Tab::open(test, &served.url(&format!("{path}?still"))) else { return };
        let page = format!("status-{language}-{}", if full { "full" } else { "empty" });
        is_good(&mut tab, &page);
        has_its_tables(&mut tab, if full { 8 } else { 0 });
        assert_eq!(tab.complaints(), json!([]));
        if full {
            tab.value("document.querySelectorAll('details').forEach((details) => { details.open = true }) || 0");
            is_good(&mut tab, &format!("{page}-open"));
        }
        // The file is the same page.
        let file = project.join("status.html");
        project.crieur(&["status", "--html", file.to_str().expect("a path")]);
        let mut tab = Tab::open(test, &format!("file://{}", file.display())).expect("a second tab");
        is_good(&mut tab, &format!("{page}-file"));
        assert_eq!(tab.complaints(), json!([]));
    }
}

#[test]
#[ignore = "writes docs/status-*.png: run it by name when the page changes, and look at what it drew"]
fn draw_the_pictures_of_the_status_page() {
    let (project, _) = filled(&Place::sqlite(), "fr");
    let served = Served::of(&project);
    let (path, _) = token(&project);
    for (name, width, dark) in [("desktop", 1280, false), ("phone", 390, true)] {
        let mut tab = Tab::open("the pictures", &served.url(&path)).expect("Chromium");
        tab.size(width, 800);
        tab.dark(dark);
        let path = format!("{}/docs/status-{name}.png", env!("CARGO_MANIFEST_DIR"));
        tab.screenshot(Path::new(&path));
        let packed = Command::new("pngquant").args(["--force", "--ext", ".png", "64", &path]).status();
        assert!(packed.is_ok_and(|status| status.success()), "pngquant is needed");
    }
}
