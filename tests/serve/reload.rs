//! SIGHUP: the configuration and the keys read anew, without a request lost.

use std::io::{Read, Write};
use std::time::Duration;

use super::{project, sent, state, way_out};
use crate::support::served::{self, Served};
use crate::support::stores::{Place, on_both_stores};

on_both_stores! {
    a_changed_configuration_is_served_after_a_sighup_and_a_broken_one_never,
}

fn a_changed_configuration_is_served_after_a_sighup_and_a_broken_one_never(place: Place) {
    let (project, mut served) = sent(&place.line());
    let letters = project.letters("var/outbox");
    let path = |name: &str| way_out(&letters, &format!("{name}@example.org"));
    let newsletter = project.read("config/newsletters/news.yaml");
    let title = |words: &str| newsletter.replace("La lettre d’exemple", words);
    project.write("config/newsletters/news.yaml", title("La lettre renommée"));
    project.write("feeds/new.yaml", "title: Un autre flux\noutputs: { atom: feed/other.xml }\n");
    project.ok(&["build"]);
    assert!(served.get(&path("ana"), &[]).text().contains("La lettre d’exemple"));
    assert_eq!(served.get("/feed/other.xml", &[]).status, 404);

    // Who has begun to ask is answered by what was before.
    let mut early = served.connect();
    let (request, rest) =
        ("POST ", format!("{} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n", path("di")));
    early.write_all(request.as_bytes()).expect("a beginning");
    early.write_all(rest.as_bytes()).expect("its header");
    std::thread::sleep(Duration::from_millis(300));
    served.reload();
    served.says("configuration and keys were read anew");
    early.write_all(b"ab").expect("its body");
    let mut answer = String::new();
    early.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("La lettre d’exemple"), "{answer}");
    assert_eq!(state(&project, "di@example.org", "news"), "left");
    assert!(served.get(&path("ana"), &[]).text().contains("La lettre renommée"));
    assert!(served.get("/", &[]).text().contains("La lettre renommée"));
    assert_eq!(served.get("/feed/other.xml", &[]).status, 200);

    // An error in any file: refused whole, and told with its place.
    let config = project.read("config/crieur.yaml");
    project.write("config/newsletters/news.yaml", format!("{}shedule: x\n", title("La lettre cassée")));
    project.write("config/crieur.yaml", config.replace("title: Le site", "title: Le site cassé"));
    served.reload();
    served.says("goes on with what was before");
    let said = served.said();
    assert!(said.contains("config/newsletters/news.yaml:") && said.contains("shedule"), "{said}");
    let page = served.get(&path("ana"), &[]).text();
    assert!(page.contains("La lettre renommée") && !page.contains("cassé"), "{page}");
    project.write("config/crieur.yaml", "site: [\n");
    served.reload();
    served.says_times("goes on with what was before", 2);
    assert_eq!(served.get(&path("ana"), &[]).status, 200);

    // What cannot change while it runs is said.
    project.write("config/newsletters/news.yaml", title("La lettre rétablie"));
    let elsewhere = format!("127.0.0.1:{}", served::free_port());
    let listen = config.lines().find(|line| line.starts_with("  listen: ")).expect("where it listens");
    let moved = config.replace(listen, &format!("  listen: {elsewhere}"));
    let moved: String =
        moved.lines().filter(|line| !line.starts_with("database:")).map(|line| format!("{line}\n")).collect();
    project.write("config/crieur.yaml", format!("{moved}database: sqlite:var/other.db\n"));
    served.reload();
    served.says_times("were read anew", 2);
    let said = served.said();
    assert!(said.contains("`web.listen` changed") && said.contains("`database` changed"), "{said}");
    assert_eq!(served.one_click(&path("ana")).status, 200);
    project.write("config/crieur.yaml", &config);
    assert_eq!(state(&project, "ana@example.org", "news"), "left");

    // Another project's key is refused, and so is none.
    let key = project.read("var/keys/key");
    project.write("var/keys/key", format!("{}\n", "ab".repeat(32)));
    served.reload();
    served.says("the first key is another one");
    project.remove("var/keys/key");
    served.reload();
    served.says("the file of keys is gone");
    assert!(!project.join("var/keys/key").exists());
    project.write("var/keys/key", key);
    assert_eq!(served.one_click(&path("bo")).status, 200);
    assert_eq!(state(&project, "bo@example.org", "news"), "left");
    assert_eq!(served.stop(), Some(0));
}

#[test]
fn no_request_is_lost_while_it_is_told_to_read_anew_again_and_again() {
    let (project, _) = project("");
    let served = Served::of(&project);
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..60 {
                served.reload();
                std::thread::sleep(Duration::from_millis(15));
            }
            over.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        let mut asked = 0;
        while !over.load(std::sync::atomic::Ordering::Relaxed) {
            assert_eq!(served.get("/", &[]).status, 200);
            asked += 1;
        }
        assert!(asked > 20, "{asked}");
    });
    served.says("were read anew");
}
