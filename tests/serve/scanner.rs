//! A mail scanner, which fetches every link of every letter, and a mail provider, which takes its reader out (RFC 8058) as such
//! do: through a reverse proxy, with this and that form of the same request.

use std::cell::OnceCell;
use std::collections::BTreeSet;
use std::io::Write;
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use mail_parser::MessageParser;
use scraper::{Html, Selector};

use super::joining::{new_letters, subscribe};
use super::leaving::{in_the_middle_of_a_delivery, is_out};
use super::managing::{asked, asked_to_move};
use super::{project, sent, state, way_out};
use crate::support::nginx::Nginx;
use crate::support::project::Project;
use crate::support::served::{self, Got, Served};
use crate::support::stores::{Place, on_both_stores};
use crate::support::{has_program, remembered};

on_both_stores! {
    a_scanner_that_fetches_every_link_of_every_letter_changes_nothing,
    a_mail_provider_takes_its_reader_out_through_nginx,
    a_mail_provider_takes_its_reader_out_through_nginx_in_the_middle_of_a_delivery,
}

/// Every address in a message: in its header, in its plain part as words, in its HTML as attributes.
pub fn links(letter: &str) -> BTreeSet<String> {
    let message = MessageParser::default().parse(letter.as_bytes()).expect("a message");
    let mut links = BTreeSet::new();
    let text = |text: &str, links: &mut BTreeSet<String>| {
        for word in text.split(|c: char| c.is_whitespace() || "<>\"'(),;".contains(c)) {
            if word.starts_with("http://") || word.starts_with("https://") {
                links.insert(word.trim_end_matches(['.', ':', '!', '?']).to_string());
            }
        }
    };
    for (_, value) in message.headers_raw() {
        text(value, &mut links);
    }
    for part in 0..message.text_body_count() {
        text(&message.body_text(part).expect("a plain part"), &mut links);
    }
    for part in 0..message.html_body_count() {
        let html = message.body_html(part).expect("an HTML part");
        text(&html, &mut links);
        links.extend(attributes(&html));
    }
    links
}

/// What a page's or a letter's elements name.
fn attributes(html: &str) -> Vec<String> {
    let html = Html::parse_document(html);
    let mut found = Vec::new();
    for (selector, name) in
        [("[href]", "href"), ("[src]", "src"), ("[action]", "action"), ("[background]", "background")]
    {
        let selector = Selector::parse(selector).expect("a selector");
        found.extend(html.select(&selector).filter_map(|element| element.attr(name)).map(str::to_string));
    }
    found
}

/// Fetches each address of the service that these letters name, and what those pages name, as a scanner does. Gives how many
/// it fetched.
pub fn scan(served: &Served, letters: &[String]) -> usize {
    let service = served.url("");
    let path = |link: &String| match link.strip_prefix(&service) {
        Some(path) => Some(format!("/{path}")),
        None => link.starts_with('/').then(|| link.clone()),
    };
    let mut paths: BTreeSet<String> =
        letters.iter().flat_map(|letter| links(letter)).filter_map(|link| path(&link)).collect();
    let named = paths.len();
    for at in paths.clone() {
        let page = served.get(&at, &[]).text();
        paths.extend(attributes(&page).iter().filter_map(path));
    }
    let agent = ("User-Agent", "Mozilla/5.0 (compatible; ExampleScanner/1.0; +https://scanner.example.org/)");
    for at in &paths {
        for (method, headers) in [
            ("GET", vec![agent]),
            ("HEAD", vec![agent]),
            ("GET", vec![agent, ("Sec-Purpose", "prefetch;prerender"), ("Purpose", "prefetch")]),
            ("OPTIONS", vec![agent]),
            ("PROPFIND", vec![agent]),
        ] {
            let got = served.ask(method, at, &headers, b"");
            assert!((200..500).contains(&got.status), "{method} {at}: {}", got.status);
            assert_eq!((got.header("set-cookie"), got.header("location")), ("", ""), "{method} {at}");
        }
    }
    named
}

fn a_scanner_that_fetches_every_link_of_every_letter_changes_nothing(place: Place) {
    let (project, served) = sent(&place.line());
    // Of somebody who has left, too; of whoever asks to be on the list, is on it already, asks for their own page, for another
    // address, and has moved to one.
    is_out(&served.one_click(&way_out(&project.letters("var/outbox"), "di@example.org")));
    for address in ["eve@example.org", "bo@example.org"] {
        let before = project.letters("var/outbox").len();
        assert_eq!(subscribe(&project, &served, address).status, 200);
        new_letters(&project, before, 1);
    }
    let own = asked(&project, &served, "ana@example.org");
    let not_yet = asked_to_move(&project, &served, &own, "ana.new@example.org");
    let theirs = asked(&project, &served, "cy@example.org");
    let there = asked_to_move(&project, &served, &theirs, "cy.new@example.org");
    let before = project.letters("var/outbox").len();
    assert_eq!(served.post(&there, "text/plain", "").status, 200);
    new_letters(&project, before, 1);
    let letters = project.letters("var/outbox");
    let all: BTreeSet<String> = letters.iter().flat_map(|letter| links(letter)).collect();
    for path in [&own, &not_yet, &theirs, &there] {
        assert!(all.contains(&served.url(path)), "{path}: {all:?}");
    }
    assert!(all.iter().any(|link| link.contains("/confirm/")));
    while remembered::ask(&project, "SELECT CAST(COUNT(*) AS TEXT) FROM outbox") != [["0"]] {
        std::thread::sleep(Duration::from_millis(20));
    }
    let before = remembered::all(&project, &["readers"]);
    assert!(before.len() > 15, "{before:?}");
    for _ in 0..2 {
        let named = scan(&served, &letters);
        assert!(named >= 9, "{named}");
    }
    assert_eq!(before, remembered::all(&project, &["readers"]));
}

/// The one-click request of RFC 8058 in forms that HTTP allows, by name.
fn requests(path: &str) -> Vec<(&'static str, Vec<u8>)> {
    let request = |headers: &str, body: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: lettre.example.org\r\nConnection: close\r\n{headers}\r\n{body}")
            .into_bytes()
    };
    let form = "List-Unsubscribe=One-Click";
    let urlencoded = "Content-Type: application/x-www-form-urlencoded\r\n";
    let multipart = "--FormBoundaryjWmhtjORrn\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--FormBoundaryjWmhtjORrn--\r\n";
    vec![
        (
            "urlencoded",
            request(
                &format!(
                    "{urlencoded}Content-Length: 26\r\nUser-Agent: Mozilla/5.0 (via example-mail)\r\nAccept-Encoding: gzip,deflate,br\r\n"
                ),
                form,
            ),
        ),
        (
            "multipart",
            request(
                &format!(
                    "Content-Type: multipart/form-data; boundary=FormBoundaryjWmhtjORrn\r\nContent-Length: {}\r\n",
                    multipart.len()
                ),
                multipart,
            ),
        ),
        (
            "chunked, nobody's",
            request(&format!("{urlencoded}Transfer-Encoding: chunked\r\n"), &format!("1a\r\n{form}\r\n0\r\n\r\n")),
        ),
        (
            "odd agent",
            request(
                &format!(
                    "{urlencoded}Content-Length: 26\r\nUser-Agent: \"><script>'/{}\u{e9}\r\nAccept: */*;q=0\r\n",
                    "x".repeat(900)
                ),
                form,
            ),
        ),
        (
            "of another charset",
            request(
                "Content-Type: Application/X-WWW-Form-URLEncoded; charset=\"utf-16\"\r\nContent-Length: 26\r\n",
                form,
            ),
        ),
        (
            "with a line end",
            request(&format!("{urlencoded}Content-Length: 28\r\n"), "List-Unsubscribe=One-Click\r\n"),
        ),
        ("without a type", request("Content-Length: 26\r\n", form)),
        ("empty", request("Content-Length: 0\r\n", "")),
        (
            "from elsewhere",
            request(
                &format!(
                    "{urlencoded}Content-Length: 26\r\nOrigin: null\r\nReferer: https://mail.example.org/\r\nSec-Fetch-Site: cross-site\r\n"
                ),
                form,
            ),
        ),
        (
            "of HTTP/1.0",
            format!(
                "POST {path} HTTP/1.0\r\nHost: lettre.example.org\r\n{urlencoded}Content-Length: 26\r\n\r\n{form}"
            )
            .into_bytes(),
        ),
    ]
}

fn send(port: u16, request: &[u8]) -> Got {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a bound");
    stream.write_all(request).expect("a request");
    served::read(stream)
}

/// So many more people on the list.
fn more_people(project: &Project, count: usize) {
    let list: String = (0..count).map(|number| format!("q{number:02}@example.org,\n")).collect();
    project.write("more.csv", format!("email,name\n{list}"));
    project.ok(&["recipients", "import", project.join("more.csv").to_str().expect("a path")]);
}

fn a_mail_provider_takes_its_reader_out_through_nginx(place: Place) {
    let (project, port) = project(&place.line());
    let Some(nginx) = Nginx::before("a_mail_provider_takes_its_reader_out_through_nginx", port) else { return };
    more_people(&project, 24);
    let config = project.read("config/crieur.yaml");
    let (here, proxied) =
        (format!("url: http://127.0.0.1:{port}/"), format!("url: http://127.0.0.1:{}/", nginx.port));
    project.write("config/crieur.yaml", config.replace(&here, &proxied));
    let served = Served::of(&project);
    // The question whether readers can leave goes through the proxy, too.
    project.ok(&["run"]);
    let letters = project.letters("var/outbox");
    assert!(letters.iter().all(|letter| letter.replace("\n ", "").contains(&format!(":{}/leave/", nginx.port))));
    let mut people = (0..).map(|number| format!("q{number:02}@example.org"));
    for port in [nginx.port, served.port] {
        for at in 0..requests("").len() {
            let address = people.next().expect("somebody");
            let (name, request) = requests(&way_out(&letters, &address)).swap_remove(at);
            for _ in 0..2 {
                let got = send(port, &request);
                is_out(&got);
                assert!(got.header("content-type").starts_with("text/html"), "{name}");
            }
            assert_eq!(state(&project, &address, "news"), "left", "{name}");
        }
    }
    if has_program("curl", "--version") {
        for form in [["--data", "List-Unsubscribe=One-Click"], ["--form", "List-Unsubscribe=One-Click"]] {
            let address = people.next().expect("somebody");
            let out = Command::new("curl")
                .args([
                    "--silent",
                    "--noproxy",
                    "*",
                    "--max-time",
                    "20",
                    "--header",
                    "Expect: 100-continue",
                    "--write-out",
                    "%{http_code} %{num_redirects}",
                ])
                .args(form)
                .arg(format!("http://127.0.0.1:{}{}", nginx.port, way_out(&letters, &address)))
                .output()
                .expect("curl");
            assert!(String::from_utf8_lossy(&out.stdout).ends_with("200 0"), "{form:?}");
            assert_eq!(state(&project, &address, "news"), "left", "{form:?}");
        }
    }
    assert_eq!(state(&project, "ana@example.org", "news"), "subscribed");
}

fn a_mail_provider_takes_its_reader_out_through_nginx_in_the_middle_of_a_delivery(place: Place) {
    let nginx = OnceCell::new();
    let is_there = || Nginx::before("a_mail_provider_takes_its_reader_out_through_nginx_in_the_middle", 1).is_some();
    if !is_there() {
        return;
    }
    in_the_middle_of_a_delivery(place, |served, number, path| {
        let nginx = nginx.get_or_init(|| Nginx::before("in_the_middle_of_a_delivery", served.port).expect("nginx"));
        // By turns urlencoded and multipart.
        send(nginx.port, &requests(path)[number % 2].1)
    });
}
