//! What is published, with all that readers and browsers ask of it.

use std::io::Read;

use super::sent;

const FEEDS: [(&str, &str); 3] = [
    ("/feed/feed.xml", "application/atom+xml; charset=utf-8"),
    ("/feed/rss.xml", "application/rss+xml; charset=utf-8"),
    ("/feed/feed.json", "application/feed+json; charset=utf-8"),
];

#[test]
fn feeds_are_served_at_their_addresses_and_asked_again_are_a_304() {
    let (project, served) = sent("");
    for (path, media_type) in FEEDS {
        let file = std::fs::read(project.join(&format!("public{path}"))).expect("a feed");
        let got = served.get(path, &[]);
        assert_eq!((got.status, got.header("content-type"), &got.body), (200, media_type, &file));
        assert_eq!(got.header("cache-control"), "public, max-age=300");
        assert_eq!(got.header("vary"), "Accept-Encoding");
        assert_eq!(got.header("accept-ranges"), "bytes");
        let (etag, modified) = (got.header("etag").to_string(), got.header("last-modified").to_string());
        assert!(etag.starts_with('"') && etag.len() == 34, "{etag}");

        let head = served.ask("HEAD", path, &[], b"");
        assert_eq!((head.status, head.header("etag"), head.body.len()), (200, etag.as_str(), 0));
        assert_eq!(head.header("content-length"), file.len().to_string());

        for condition in [
            ("If-None-Match", etag.as_str()),
            ("If-None-Match", &format!("\"other\", W/{etag}")),
            ("If-None-Match", "*"),
            ("If-Modified-Since", &modified),
        ] {
            let again = served.get(path, &[condition]);
            assert_eq!((again.status, again.body.len()), (304, 0), "{condition:?}");
            assert_eq!((again.header("etag"), again.header("cache-control")), (etag.as_str(), "public, max-age=300"));
            assert_eq!((again.header("content-type"), again.header("vary")), ("", "Accept-Encoding"));
        }
        let other = served.get(path, &[("If-None-Match", "\"other\""), ("If-Modified-Since", &modified)]);
        assert_eq!((other.status, other.body), (200, file));
    }
}

#[test]
fn packed_bytes_unpack_to_the_file_and_have_an_etag_of_their_own() {
    let (project, served) = sent("");
    for (path, _) in FEEDS {
        let file = std::fs::read(project.join(&format!("public{path}"))).expect("a feed");
        let plain = served.get(path, &[]).header("etag").to_string();
        for (asked, coding) in [("gzip, deflate", "gzip"), ("gzip, br", "br"), ("br;q=0, *", "gzip")] {
            let got = served.get(path, &[("Accept-Encoding", asked)]);
            assert_eq!((got.status, got.header("content-encoding")), (200, coding), "{asked}");
            let etag = got.header("etag").to_string();
            assert_eq!(etag, format!("{}-{coding}\"", plain.trim_end_matches('"')));
            let mut unpacked = Vec::new();
            match coding {
                "gzip" => {
                    flate2::read::GzDecoder::new(&got.body[..]).read_to_end(&mut unpacked).expect("gzip");
                }
                _ => brotli::BrotliDecompress(&mut &got.body[..], &mut unpacked).expect("Brotli"),
            }
            assert_eq!(unpacked, file);
            assert!(got.body.len() * 2 < file.len());
            let again = served.get(path, &[("Accept-Encoding", asked), ("If-None-Match", &etag)]);
            assert_eq!(
                (again.status, again.header("etag"), again.header("content-encoding")),
                (304, etag.as_str(), "")
            );
            let head = served.ask("HEAD", path, &[("Accept-Encoding", asked)], b"");
            assert_eq!(head.header("content-length"), got.body.len().to_string());
        }
    }
}

#[test]
fn a_single_range_is_a_part_of_the_plain_file() {
    let (project, served) = sent("");
    let file = std::fs::read(project.join("public/feed/feed.xml")).expect("a feed");
    let end = file.len();
    let etag = served.get("/feed/feed.xml", &[]).header("etag").to_string();
    for (range, first, last) in [("bytes=0-9", 0, 9), ("bytes=100-", 100, end - 1), ("bytes=-7", end - 7, end - 1)] {
        let got = served.get("/feed/feed.xml", &[("Range", range), ("Accept-Encoding", "br"), ("If-Range", &etag)]);
        assert_eq!((got.status, got.header("content-encoding")), (206, ""), "{range}");
        assert_eq!(got.header("content-range"), format!("bytes {first}-{last}/{end}"));
        assert_eq!(got.body, file[first..=last]);
    }
    let beyond = served.get("/feed/feed.xml", &[("Range", "bytes=99999999-")]);
    assert_eq!((beyond.status, beyond.header("content-range")), (416, format!("bytes */{end}").as_str()));
    for headers in [&[("Range", "bytes=0-1,5-6")][..], &[("Range", "bytes=0-9"), ("If-Range", "\"other\"")]] {
        let got = served.get("/feed/feed.xml", headers);
        assert_eq!((got.status, got.body.len()), (200, end));
    }
}

#[test]
fn a_new_build_is_served_at_once() {
    let (project, served) = sent("");
    let before = served.get("/feed/feed.xml", &[]);
    project.write("posts/deux.md", "---\ntitle: Une deuxième\ndate: 2026-02-20\n---\nEncore.\n");
    assert_eq!(served.get("/feed/feed.xml", &[]).header("etag"), before.header("etag"));
    project.ok(&["build"]);
    let etag = before.header("etag");
    let after = served.get("/feed/feed.xml", &[("If-None-Match", etag)]);
    assert_eq!(after.status, 200);
    assert!(after.text().contains("Une deuxième") && !before.text().contains("Une deuxième"));
    project.remove("public/feed/feed.xml");
    assert_eq!(served.get("/feed/feed.xml", &[]).status, 404);
}

#[test]
fn letters_pages_pictures_and_events_are_served_and_nothing_else_is() {
    let (project, served) = sent("");
    project.write("public/letters/pictures/0a1b.jpg", b"\xff\xd8\xff");
    project.write("public/letters/events/fete.ics", "BEGIN:VCALENDAR\r\n");
    let page = served.get("/letters/news-1.html", &[]);
    assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"));
    assert!(
        page.text().contains("Du nouveau") && page.header("content-security-policy").contains("default-src 'none'")
    );
    assert!(!page.header("content-security-policy").contains("script-src"));
    let picture = served.get("/letters/pictures/0a1b.jpg", &[("Accept-Encoding", "gzip")]);
    assert_eq!((picture.header("content-type"), picture.header("vary")), ("image/jpeg", ""));
    assert_eq!(picture.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(served.get("/letters/events/fete.ics", &[]).header("content-type"), "text/calendar; charset=utf-8");

    project.write("public/index.html", "the site's own");
    project.write("public/feed/.feed.xml.crieur-1", "half");
    project.write("public/letters/.secret.html", "hidden");
    project.write("public/letters/other-1.html", "a newsletter without pages");
    for path in [
        "/index.html",
        "/feed/",
        "/feed",
        "/feed/.feed.xml.crieur-1",
        "/letters/.secret.html",
        "/letters/other-1.html",
        "/letters/news-2.html",
        "/../config/crieur.yaml",
        "/feed/../../config/crieur.yaml",
        "/feed/%2e%2e/%2e%2e/var/crieur.db",
        "/..%2f..%2fvar/keys/key",
        "/feed%2f..%2ffeed/feed.xml",
        "//feed/feed.xml",
        "/feed/feed.xml%00",
        "/feed/feed.xml/",
        "/%ff",
    ] {
        let got = served.get(path, &[]);
        assert_eq!((got.status, got.text().as_str()), (404, "There is nothing here.\n"), "{path}");
    }
    for method in ["PUT", "DELETE", "OPTIONS", "POST", "PATCH"] {
        let got = served.ask(method, "/feed/feed.xml", &[], b"");
        assert_eq!((got.status, got.header("allow")), (405, "GET, HEAD"), "{method}");
    }
}

#[test]
fn every_answer_says_what_browsers_may_do_with_it_and_none_sets_a_cookie() {
    let (_project, served) = sent("");
    for path in [
        "/",
        "/web.css",
        "/web.svg",
        "/healthz",
        "/readyz",
        "/robots.txt",
        "/feed/feed.xml",
        "/letters/news-1.html",
        "/leave/x",
        "/back/x",
        "/nothing",
    ] {
        let got = served.get(path, &[]);
        assert!(got.header("content-security-policy").starts_with("default-src 'none'"), "{path}: {got:?}");
        assert!(path.starts_with("/letters") || !got.header("content-security-policy").contains("unsafe"), "{path}");
        assert_eq!(got.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(got.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!((got.header("set-cookie"), got.header("server")), ("", ""), "{path}");
    }
    assert_eq!(served.get("/healthz", &[]).text(), "ok\n");
    assert_eq!(served.get("/readyz", &[]).text(), "ready\n");
}
