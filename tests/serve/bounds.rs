//! What the service bears: slow clients, large requests, a database that is away, the end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::{sent, way_out};
use crate::support::served::{self, Served};

/// The slowest of a few requests.
fn slowest(served: &Served) -> Duration {
    let ask = |_| {
        let began = Instant::now();
        assert_eq!(served.get("/feed/feed.xml", &[]).status, 200);
        began.elapsed()
    };
    (0..20).map(ask).max().expect("some")
}

/// Whether the other side has closed.
fn is_closed(stream: &mut TcpStream, within: Duration) -> bool {
    stream.set_read_timeout(Some(within)).expect("a bound");
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => !matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut),
    }
}

#[test]
fn hundreds_of_idle_and_slow_clients_hold_nobody_else_and_are_sent_away() {
    let (_project, served) = sent("");
    slowest(&served);
    let mut idle: Vec<TcpStream> = (0..300).map(|_| served.connect()).collect();
    for stream in &mut idle[..20] {
        // Asks once, and stays.
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").expect("a request");
    }
    let mut slow: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = served.connect();
            stream.write_all(b"GET /feed/feed.xml HTTP/1.1\r\nHost: x\r\nX-Slow: ").expect("half a header");
            stream
        })
        .collect();
    // Bodies that never come.
    let mut bodies: Vec<TcpStream> = (0..50)
        .map(|_| {
            let mut stream = served.connect();
            stream
                .write_all(b"POST /leave/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nList")
                .expect("a start");
            stream
        })
        .collect();
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(3) {
        let took = slowest(&served);
        assert!(took < Duration::from_secs(1), "{took:?} with slow clients");
        for stream in &mut slow {
            // A byte now and then does not give a client more time.
            let _ = stream.write_all(b"a");
        }
    }
    let deadline = Instant::now() + Duration::from_secs(25);
    for stream in idle.iter_mut().chain(&mut slow).chain(&mut bodies) {
        let left = deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(50));
        assert!(is_closed(stream, left), "a slow client is still there");
    }
    assert_eq!(served.get("/healthz", &[]).status, 200);
}

#[test]
fn where_all_places_are_taken_whoever_has_been_waited_for_longest_makes_room() {
    let (project, _) = super::project("");
    // So few files that 64 connections are all there can be.
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -n 160; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_crieur"), "-C"]);
    command.arg(project.path()).arg("serve");
    let served = Served::by(command);
    let mut idle: Vec<TcpStream> = (0..200).map(|_| served.connect()).collect();
    for _ in 0..30 {
        assert_eq!(served.get("/healthz", &[]).status, 200);
    }
    assert!(is_closed(&mut idle[0], Duration::from_secs(1)));
    let last = idle.last_mut().expect("one");
    last.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("a request");
    assert_eq!(served::read(idle.pop().expect("one")).status, 200, "the youngest was let in");
}

#[test]
fn what_is_too_large_is_refused_in_a_word() {
    let (_project, served) = sent("");
    let long = "a".repeat(20_000);
    assert_eq!(served.get(&format!("/{long}"), &[]).status, 431);
    assert_eq!(served.get("/", &[("X-Long", &long)]).status, 431);
    let many: Vec<(String, String)> = (0..100).map(|n| (format!("X-{n}"), "a".to_string())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(served.get("/", &many).status, 431);
    let body = "a".repeat(70_000);
    assert_eq!(served.post("/leave/x", "text/plain", &body).status, 413);
    for garbage in [
        "\r\n\r\n\r\n",
        "\u{1}\u{2}\u{3}\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\n: x\r\n\r\n",
    ] {
        let mut stream = served.connect();
        stream.write_all(garbage.as_bytes()).expect("bytes");
        stream.shutdown(std::net::Shutdown::Write).expect("an end");
        let got = served::read(stream);
        assert!(matches!(got.status, 0 | 400), "{garbage:?}: {got:?}");
        assert_eq!(got.text(), "", "{garbage:?}");
    }
    assert_eq!(served.get("/healthz", &[]).status, 200);
}

#[test]
fn a_database_that_is_away_is_told_to_the_operator_and_not_to_a_stranger() {
    let (project, served) = sent("");
    let path = way_out(&project.letters("var/outbox"), "ana@example.org");
    // Its tables gone, which no request expects.
    let away = Away::take(&project.join("var/crieur.db"));
    for got in [served.get(&path, &[]), served.one_click(&path)] {
        assert_eq!((got.status, got.header("retry-after")), (503, "60"), "{}", got.text());
        for told in ["subscriptions", "no such table", "SELECT", "crieur.db", "example.org"] {
            assert!(!got.text().contains(told), "{told}: {}", got.text());
        }
    }
    assert_eq!(served.get("/readyz", &[]).status, 503);
    assert_eq!(served.get("/", &[]).status, 200);
    assert_eq!(served.get("/feed/feed.xml", &[]).status, 200);
    drop(away);
    assert_eq!(served.get("/readyz", &[]).status, 200, "it is there again, and found again");
    let said = served.said();
    assert!(said.contains("a reader could not be served"), "{said}");
    let token = path.trim_start_matches("/leave/");
    for secret in ["ana@", "bo@", token] {
        assert!(!said.contains(secret), "{said}");
    }
}

/// Tables of another name; dropped, they have their own again.
struct Away(std::path::PathBuf);

impl Away {
    fn take(path: &std::path::Path) -> Away {
        alter(
            path,
            "ALTER TABLE subscriptions RENAME TO subscriptions_away; ALTER TABLE newsletters RENAME TO newsletters_away",
        );
        Away(path.to_path_buf())
    }
}

impl Drop for Away {
    fn drop(&mut self) {
        alter(
            &self.0,
            "ALTER TABLE subscriptions_away RENAME TO subscriptions; ALTER TABLE newsletters_away RENAME TO newsletters",
        );
    }
}

fn alter(path: &std::path::Path, text: &'static str) {
    use sqlx::{ConnectOptions, Connection};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        sqlx::any::install_default_drivers();
        let address = format!("sqlite://{}?mode=rw", path.display());
        let options: sqlx::any::AnyConnectOptions = address.parse().expect("an address");
        let mut connection = options.connect().await.expect("a connection");
        sqlx::raw_sql(text).execute(&mut connection).await.expect("altered");
        connection.close().await.expect("closed");
    });
}

#[test]
fn sigterm_lets_what_is_under_way_end_and_takes_nothing_new() {
    let (project, mut served) = sent("");
    let path = way_out(&project.letters("var/outbox"), "ana@example.org");
    let idle = served.connect();
    let mut under_way = served.connect();
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 26\r\n\r\nList-Unsubscribe=");
    under_way.write_all(head.as_bytes()).expect("a start");
    std::thread::sleep(Duration::from_millis(300));
    served.terminate();
    std::thread::sleep(Duration::from_millis(500));
    assert!(TcpStream::connect(("127.0.0.1", served.port)).is_err(), "nobody new is taken");
    under_way.write_all(b"One-Click").expect("the rest");
    let got = served::read(under_way);
    assert_eq!(got.status, 200);
    drop(idle);
    assert_eq!(served.stop(), Some(0));
    assert_eq!(super::state(&project, "ana@example.org", "news"), "left");
}
