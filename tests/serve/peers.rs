//! Feed readers and curl as they ask for feeds: the right bytes at first, a 304 ever after.

use std::process::Command;

use super::sent;
use crate::support::{has_program, peer_or_skip};

#[test]
fn curl_gets_the_right_bytes_packed_or_not_and_a_304_the_second_time() {
    if !peer_or_skip(
        "curl_gets_the_right_bytes_packed_or_not_and_a_304_the_second_time",
        "curl",
        has_program("curl", "--version"),
    ) {
        return;
    }
    let (project, served) = sent("");
    let file = std::fs::read(project.join("public/feed/feed.xml")).expect("a feed");
    let (out, etag) = (project.join("out"), project.join("etag"));
    let curl = |arguments: &[&str]| {
        let _ = std::fs::remove_file(&out);
        let ran = Command::new("curl")
            .args(["--silent", "--noproxy", "*", "--max-time", "20", "--write-out", "%{http_code}", "--output"])
            .arg(&out)
            .args(arguments)
            .arg(served.url("/feed/feed.xml"))
            .output()
            .expect("curl");
        (String::from_utf8_lossy(&ran.stdout).into_owned(), std::fs::read(&out).unwrap_or_default())
    };
    assert_eq!(curl(&[]), ("200".to_string(), file.clone()));
    assert_eq!(curl(&["--compressed"]), ("200".to_string(), file.clone()));
    for coding in ["gzip", "br"] {
        let header = format!("Accept-Encoding: {coding}");
        let (status, bytes) = curl(&["--header", &header]);
        assert_eq!(status, "200");
        assert!(bytes.len() * 2 < file.len(), "{coding}");
        // Unpacked by curl itself, which refuses what it was not given packed as it says.
        assert_eq!(curl(&["--compressed", "--header", &header]), ("200".to_string(), file.clone()), "{coding}");
    }
    let etag = etag.to_str().expect("a path");
    for more in [&[][..], &["--compressed"]] {
        assert_eq!(curl(&[&["--etag-save", etag], more].concat()).0, "200");
        assert_eq!(curl(&[&["--etag-compare", etag], more].concat()), ("304".to_string(), Vec::new()));
    }
    let path = project.join("public/feed/feed.xml");
    assert_eq!(curl(&["--time-cond", path.to_str().expect("a path")]).0, "304");
    assert_eq!(curl(&["--range", "10-19"]), ("206".to_string(), file[10..20].to_vec()));
}

/// Reads a feed twice, the second time with what the first one gave.
const FEEDPARSER: &str = r#"
import feedparser, sys
first = feedparser.parse(sys.argv[1])
assert first.status == 200 and len(first.entries) == 1, (first.get("status"), first.get("bozo_exception"))
assert not first.bozo, first.bozo_exception
for second in (feedparser.parse(sys.argv[1], etag=first.etag),
               feedparser.parse(sys.argv[1], modified=first.modified)):
    assert second.status == 304 and not second.entries, second.status
"#;

#[test]
fn feedparser_gets_a_304_the_second_time() {
    let name = "feedparser_gets_a_304_the_second_time";
    let is_there =
        Command::new("python3").args(["-c", "import feedparser"]).output().is_ok_and(|out| out.status.success());
    if !peer_or_skip(name, "feedparser (Python)", is_there) {
        return;
    }
    let (_project, served) = sent("");
    for path in ["/feed/feed.xml", "/feed/rss.xml"] {
        let out = Command::new("python3")
            .args(["-c", FEEDPARSER, &served.url(path)])
            .env("no_proxy", "127.0.0.1")
            .output()
            .expect("python3");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    }
}

#[test]
fn newsboat_reads_the_feed_and_is_told_that_nothing_changed() {
    let name = "newsboat_reads_the_feed_and_is_told_that_nothing_changed";
    if !peer_or_skip(name, "newsboat", has_program("newsboat", "--version")) {
        return;
    }
    let (project, served) = sent("");
    let folder = project.join("newsboat");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::write(folder.join("urls"), format!("{}\n", served.url("/feed/feed.xml"))).expect("its feeds");
    std::fs::write(folder.join("config"), "use-proxy no\n").expect("its settings");
    let newsboat = |log: &str| {
        let out = Command::new("newsboat")
            .arg("--config-file")
            .arg(folder.join("config"))
            .arg("--url-file")
            .arg(folder.join("urls"))
            .arg("--cache-file")
            .arg(folder.join("cache.db"))
            .args(["--log-level", "6", "--log-file"])
            .arg(folder.join(log))
            .args(["-x", "reload", "print-unread"])
            .env("HOME", &folder)
            .env("no_proxy", "127.0.0.1")
            .output()
            .expect("newsboat");
        let log = std::fs::read(folder.join(log)).unwrap_or_default();
        (String::from_utf8_lossy(&out.stdout).into_owned(), String::from_utf8_lossy(&log).into_owned())
    };
    let (printed, first) = newsboat("first.log");
    assert!(printed.contains("1 unread"), "{printed}");
    // It keeps a feed's ETag from the second time on.
    newsboat("second.log");
    let (printed, third) = newsboat("third.log");
    assert!(printed.contains("1 unread"), "{printed}");
    let brought = "<feed xmlns=";
    assert!(first.contains(brought) && !third.contains(brought), "{third}");
}

#[test]
fn rss2email_mails_an_item_once_and_gets_a_304_the_second_time() {
    let name = "rss2email_mails_an_item_once_and_gets_a_304_the_second_time";
    if !peer_or_skip(name, "rss2email", has_program("r2e", "--version")) {
        return;
    }
    let (project, served) = sent("");
    let folder = project.join("rss2email");
    for part in ["new", "cur", "tmp"] {
        std::fs::create_dir_all(folder.join("INBOX").join(part)).expect("a Maildir");
    }
    let settings =
        format!("[DEFAULT]\nto = ana@example.org\nemail-protocol = maildir\nmaildir-path = {}\n", folder.display());
    std::fs::write(folder.join("config"), settings).expect("its settings");
    let r2e = |arguments: &[&str]| {
        let out = Command::new("r2e")
            .arg("-c")
            .arg(folder.join("config"))
            .arg("-d")
            .arg(folder.join("data.json"))
            .arg("-VVV")
            .args(arguments)
            .env("HOME", &folder)
            .env("no_proxy", "127.0.0.1")
            .output()
            .expect("r2e");
        let mailed = std::fs::read_dir(folder.join("INBOX/new")).expect("a Maildir").count();
        (String::from_utf8_lossy(&out.stderr).into_owned(), mailed)
    };
    r2e(&["add", "site", &served.url("/feed/feed.xml")]);
    let (first, mailed) = r2e(&["run"]);
    assert!(first.contains("HTTP status 200") && mailed == 1, "{mailed}: {first}");
    let (second, mailed) = r2e(&["run"]);
    assert!(second.contains("HTTP status 304") && mailed == 1, "{mailed}: {second}");
}
