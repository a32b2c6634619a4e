//! A database that cannot be written any more, in the middle of a delivery: it stops with a clear error, and goes on afterwards
//! with nobody missed.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::posted::{edition, to_people};
use crate::support::smtp::{Act, Peer, Received, Step};
use crate::support::{is_root, peer_or_skip, postgres};

const PEOPLE: usize = 1500;
const CONNECTIONS: usize = 4;

/// A small disk in memory, mounted on a folder.
struct Disk(PathBuf);

impl Disk {
    fn mount(folder: &Path, megabytes: usize) -> Option<Disk> {
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "crieur-test"]).arg(folder).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Disk(folder.to_path_buf()))
    }

    /// Leaves room for so many bytes.
    fn fill_up_to(&self, left: usize) {
        let ballast = self.0.join("ballast");
        let mut size = 0;
        let mut file = fs::File::create(&ballast).expect("a file");
        let page = [7u8; 4096];
        while std::io::Write::write_all(&mut file, &page).is_ok() {
            size += page.len();
        }
        file.set_len(size.saturating_sub(left) as u64).expect("shorter");
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("ballast")).expect("the ballast");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Everybody got it, at most so many letters too many, and those under one Message-ID.
fn check(received: &[Received], people: usize, most_twice: usize) -> usize {
    let mut ids: HashMap<&str, Vec<&str>> = HashMap::new();
    for one in received {
        let id = one.letter.lines().find_map(|line| line.strip_prefix("Message-ID: ")).expect("a Message-ID");
        ids.entry(&one.recipient).or_default().push(id);
    }
    assert_eq!(ids.len(), people, "missed: {}", people - ids.len());
    for (person, ids) in ids {
        assert!(ids.iter().all(|id| *id == ids[0]), "{person}: {ids:?}");
    }
    let twice = received.len() - people;
    assert!(twice <= most_twice, "{twice} letters too many, {most_twice} may be");
    twice
}

#[test]
fn a_full_disk_stops_the_delivery_with_a_clear_error_and_nobody_is_missed_when_there_is_room_again() {
    const TEST: &str =
        "a_full_disk_stops_the_delivery_with_a_clear_error_and_nobody_is_missed_when_there_is_room_again";
    if !peer_or_skip(TEST, "root, who may mount", is_root()) {
        return;
    }
    let peer = Peer::start(|_| Act::Usual);
    let project =
        to_people(&format!("smtp://127.0.0.1:{}", peer.port), 1, &format!("  connections: {CONNECTIONS}\n"), "");
    // The state moves to the small disk before anything is sent.
    fs::rename(project.join("var"), project.join("before")).expect("moved");
    fs::create_dir(project.join("var")).expect("a folder");
    let disk = Disk::mount(&project.join("var"), 16);
    if !peer_or_skip(TEST, "a machine that lets root mount", disk.is_some()) {
        return;
    }
    let disk = disk.expect("mounted");
    let copied = Command::new("cp").arg("-a").args([project.join("before/."), project.join("var")]).status();
    assert!(copied.expect("cp runs").success());
    let list: String = (0..PEOPLE).map(|number| format!("p{number}@example.org\n")).collect();
    project.write("people.csv", format!("email\n{list}"));
    project.ok(&["recipients", "import", &project.join("people.csv").to_string_lossy()]);
    let newsletter = project.read("config/newsletters/news.yaml");
    project.write("config/newsletters/news.yaml", format!("{newsletter}approve: yes\n"));
    project.ok(&["run"]);
    project.ok(&["approve", "news", "1"]);

    let mut stops = 0;
    let mut reached = Vec::new();
    // Each time a little more room: it stops somewhere else.
    for left in [400_000, 900_000, 1_600_000] {
        disk.fill_up_to(left);
        let ran = project.crieur(&["run", "--stage", "send"]);
        disk.make_room();
        reached.push(peer.received().len());
        if ran.status == 0 {
            continue;
        }
        stops += 1;
        assert_eq!(ran.status, 2, "{}", ran.stderr);
        assert!(ran.stderr.contains("error: ") && ran.stderr.contains("full"), "{}", ran.stderr);
        assert!(ran.stderr.contains("news n° 1"), "it says what it was at: {}", ran.stderr);
        let now = edition(&project, 0);
        assert_eq!(now["eligible"], PEOPLE, "{now}");
    }
    assert!(stops >= 2, "the disk was never full: {reached:?}");
    assert!(reached[0] < PEOPLE, "it was full in the middle: {reached:?}");
    project.ok(&["run"]);
    let now = edition(&project, 0);
    assert_eq!((&now["state"], &now["accepted"]), (&Value::from("done"), &Value::from(PEOPLE)), "{now}");
    let twice = check(&peer.received(), PEOPLE, stops * CONNECTIONS);
    println!("{TEST}: {stops} stops at {reached:?}, missed 0, twice {twice}");
}

#[test]
fn a_database_that_may_hold_no_more_pages_stops_the_delivery_and_nobody_is_missed() {
    const TEST: &str = "a_database_that_may_hold_no_more_pages_stops_the_delivery_and_nobody_is_missed";
    // The kernel's own limit on a file's size: writing beyond it fails, as on a disk with a quota.
    let peer = Peer::start(|_| Act::Usual);
    let mail = format!("  connections: {CONNECTIONS}\n");
    let project = to_people(&format!("smtp://127.0.0.1:{}", peer.port), PEOPLE, &mail, "approve: yes\n");
    project.ok(&["run"]);
    project.ok(&["approve", "news", "1"]);
    let mut command = Command::new("sh");
    // SIGXFSZ is ignored, so that the write answers instead of killing; 600 blocks of 512 bytes hold some of the log.
    command.args(["-c", "trap '' XFSZ; ulimit -f 600; exec \"$0\" \"$@\""]);
    let plain = project.command(&["run", "--stage", "send"]);
    command.arg(plain.get_program()).args(plain.get_args());
    let output = command.output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("error: ") && said.contains("news n° 1"), "{said}");
    let reached = peer.received().len();
    assert!(reached > 0 && reached < PEOPLE, "in the middle: {reached}\n{said}");
    let now = edition(&project, 0);
    assert_eq!(now["eligible"], PEOPLE, "{now}");
    project.ok(&["run"]);
    assert_eq!(edition(&project, 0)["state"], "done");
    let twice = check(&peer.received(), PEOPLE, CONNECTIONS);
    println!("{TEST}: stopped at {reached}, missed 0, twice {twice}");
}

#[test]
fn a_database_server_that_goes_away_stops_the_delivery_with_a_clear_error_and_nobody_is_missed_when_it_is_back() {
    const TEST: &str =
        "a_database_server_that_goes_away_stops_the_delivery_with_a_clear_error_and_nobody_is_missed_when_it_is_back";
    let Some(database) = postgres::database(TEST) else { return };
    let name = database.rsplit('/').next().expect("a name").to_string();
    let peer = Peer::start(|_| Act::Usual);
    let mail = format!("  connections: {CONNECTIONS}\ndatabase: {database}\n");
    let project = to_people(&format!("smtp://127.0.0.1:{}", peer.port), 300, &mail, "");
    let (seen, address, gone) = (peer.clone(), database.clone(), std::sync::OnceLock::new());
    peer.order(move |step| {
        if matches!(step, Step::Body { .. }) && seen.received().len() >= 100 {
            // Nobody else's connections are let in, and those that there are end.
            gone.get_or_init(|| {
                let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
                postgres::ask(&address, &format!("ALTER DATABASE {name} CONNECTION LIMIT 0"));
                postgres::ask(&address, cut);
            });
        }
        Act::Usual
    });
    let ran = project.crieur(&["run"]);
    assert_eq!(ran.status, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("error: ") && ran.stderr.contains("news n° 1"), "{}", ran.stderr);
    let reached = peer.received().len();
    assert!((100..300).contains(&reached), "in the middle: {reached}");
    let ran = project.crieur(&["run"]);
    assert_eq!(ran.status, 2, "still gone: {}", ran.stderr);
    assert!(ran.stderr.contains("error: ") && ran.stderr.contains("database"), "{}", ran.stderr);
    assert_eq!(peer.received().len(), reached);

    let name = database.rsplit('/').next().expect("a name");
    postgres::ask(&database, &format!("ALTER DATABASE {name} CONNECTION LIMIT -1"));
    peer.order(|_| Act::Usual);
    project.ok(&["run"]);
    let now = edition(&project, 0);
    assert_eq!((&now["state"], &now["accepted"]), (&Value::from("done"), &Value::from(300)), "{now}");
    let twice = check(&peer.received(), 300, CONNECTIONS);
    println!("{TEST}: stopped at {reached}, missed 0, twice {twice}");
}

#[test]
fn a_database_that_another_program_holds_for_a_while_only_delays_the_delivery() {
    let peer = Peer::start(|_| Act::Usual);
    let project = to_people(&format!("smtp://127.0.0.1:{}", peer.port), 200, "  connections: 4\n", "");
    let database = project.join("var/crieur.db");
    let seen = peer.clone();
    let holder = std::sync::OnceLock::new();
    peer.order(move |step| {
        if matches!(step, Step::Body { .. }) && seen.received().len() == 50 {
            holder.get_or_init(|| {
                // Holds the database for writing, as a copy or a repair does.
                let script = "import sqlite3,sys,time\nc=sqlite3.connect(sys.argv[1],isolation_level=None,timeout=60)\n\
                              c.execute('BEGIN IMMEDIATE')\nprint('held',flush=True)\ntime.sleep(3)\nc.execute('ROLLBACK')\n";
                let mut python = Command::new("python3");
                python.arg("-c").arg(script).arg(&database).stdout(std::process::Stdio::piped());
                let mut child = python.spawn().expect("python3 starts");
                let mut said = String::new();
                let output = child.stdout.take().expect("its output");
                std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut said).expect("a line");
                assert_eq!(said, "held\n");
                std::thread::spawn(move || child.wait());
            });
        }
        Act::Usual
    });
    project.ok(&["run"]);
    let now = edition(&project, 0);
    assert_eq!((&now["state"], &now["accepted"]), (&Value::from("done"), &Value::from(200)), "{now}");
    assert_eq!(check(&peer.received(), 200, 0), 0);
}
