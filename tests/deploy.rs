//! The set-ups of `docs/deploy.md` with machines of one's own, as they are written there: its files are written, its commands
//! typed, its units' and crontabs' lines executed.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::documented::{Block, blocks, typed, under};
use crate::support::http::Server;
use crate::support::origin::{Origin, crieur, write};
use crate::support::project::{Project, Ran};
use crate::support::smtp::{Act, Peer, Step};
use crate::support::{has_program, letters, peer_or_skip};

const DOCUMENT: &str = "docs/deploy.md";
const ONE: &str = "One machine";
const ADDRESS: &str = "https://www.example.org/editions";
const PEOPLE: &str = "email,name\nana@example.org,Ana\nbo@example.org,Bo\n";

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Types a line in a project's folder, `crieur` and `fetch-editions` where they were installed. It is then `now`.
fn type_in(project: &Project, now: &str, line: &str, input: &[u8]) -> Ran {
    let programs = tempfile::tempdir().expect("a folder");
    let wrapper = format!("#!/bin/sh\nexec {} --now {now} \"$@\"\n", env!("CARGO_BIN_EXE_crieur"));
    std::fs::write(programs.path().join("crieur"), wrapper).expect("a program");
    crate::support::postfix::make_executable(&programs.path().join("crieur"));
    let script = repository("docs/deploy/fetch-editions");
    std::os::unix::fs::symlink(script, programs.path().join("fetch-editions")).expect("a link");
    let path = format!("{}:{}", programs.path().display(), std::env::var("PATH").unwrap_or_default());
    let mut child = Command::new("sh")
        .args(["-c", line])
        .current_dir(project.path())
        .env("PATH", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("sh runs");
    // One that reads nothing may have gone.
    let _ = std::io::Write::write_all(&mut child.stdin.take().expect("its input"), input);
    Ran::from(child.wait_with_output().expect("it ends"))
}

/// The documented files, whose first line says where they stand.
fn write_documented(project: &Path, blocks: &[Block], heading: &str, folder: &str, change: impl Fn(&str) -> String) {
    for text in under(blocks, heading, "yaml") {
        let path = text.strip_prefix("# ").and_then(|text| text.split([',', '\n']).next()).expect("its place");
        let path = path.strip_prefix(folder).unwrap_or_else(|| panic!("{path} is not in {folder}"));
        write(project, path, &change(text));
    }
}

/// The value of a unit's (or a drop-in's) last setting of this name.
fn setting<'a>(unit: &'a str, name: &str) -> &'a str {
    let mut values = unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    values.next_back().unwrap_or_else(|| panic!("no {name}: {unit}"))
}

/// The command of a crontab's line.
fn cron(line: &str) -> String {
    let words: Vec<&str> = line.trim().splitn(6, ' ').collect();
    assert!(words[..5].iter().all(|word| word.chars().all(|c| c.is_ascii_digit() || "*/,-".contains(c))), "{line}");
    words[5].to_string()
}

fn item(title: &str, date: &str) -> String {
    format!("---\ntitle: {title}\ndate: {date}\n---\nDu nouveau de {title}.\n")
}

/// The repository's side: fresh clones that remember nothing but its branch, and the site as it was published last.
struct Site {
    origin: Origin,
    published: tempfile::TempDir,
    server: Server,
    runs: usize,
    number: usize,
}

impl Site {
    fn new(blocks: &[Block]) -> Site {
        let origin = Origin::with(&[("posts/avant.md", &item("Avant", "2026-02-01"))]);
        origin.configure("maildir:var/outbox", "");
        write_documented(&origin.editor(), blocks, "The repository", "", str::to_string);
        origin.commit("A letter");
        let published = tempfile::tempdir().expect("a folder");
        let server = Server::of(published.path());
        Site { origin, published, server, runs: 0, number: 0 }
    }

    /// What the workflow does: build, publish, send. Gives the clone that it worked in.
    fn ci(&mut self, now: &str) -> PathBuf {
        self.runs += 1;
        let clone = self.origin.clone(&format!("run-{}", self.runs));
        let run = |stage: &str| {
            let ran = crieur(&clone, now, &["run", "--stage", stage]);
            assert_eq!(ran.status, 0, "{stage}: {}", ran.stderr);
        };
        run("build");
        let status = Command::new("cp").arg("-r").arg(clone.join("public/.")).arg(self.published.path()).status();
        assert!(status.expect("cp runs").success());
        run("send");
        clone
    }

    /// A week's news, its edition drafted and merged, and the run that this starts.
    fn week(&mut self, title: &str, monday: &str) {
        self.number += 1;
        let (editor, file) = (self.origin.editor(), format!("editions/lettre-{}.md", self.number));
        write(&editor, &format!("posts/{title}.md"), &item(title, monday));
        let ran = crieur(&editor, &format!("{monday}T07:00:00Z"), &["draft", "lettre"]);
        assert_eq!(ran.status, 0, "{}", ran.stderr);
        let draft = std::fs::read_to_string(editor.join(&file)).expect("a draft");
        write(&editor, &file, &draft.replace("send: no ", "send: now "));
        self.origin.commit("The letter");
        self.ci(&format!("{monday}T08:05:00Z"));
    }
}

fn machine(blocks: &[Block], peer: &Peer) -> Project {
    let machine = Project::empty();
    write_documented(machine.path(), blocks, "The machine", "/srv/lettre/", |text| {
        let changed = text.replace("127.0.0.1:25", &format!("127.0.0.1:{}", peer.port));
        assert!(text.contains("people.csv") || changed != text);
        changed
    });
    machine.write("people.csv", PEOPLE);
    let as_root = typed(blocks, "The machine", '#').join("\n");
    let made = as_root.lines().find(|line| line.starts_with("install -d ")).expect("folders are made");
    for folder in made.split(' ').filter_map(|word| word.strip_prefix("/srv/lettre/")) {
        std::fs::create_dir_all(machine.join(folder)).expect("a folder");
    }
    machine
}

#[test]
fn an_edition_that_the_ci_composed_is_fetched_and_sent_once_from_inside() {
    const TEST: &str = "an_edition_that_the_ci_composed_is_fetched_and_sent_once_from_inside";
    if !peer_or_skip(TEST, "curl", has_program("curl", "--version")) {
        return;
    }
    let blocks = blocks(DOCUMENT);
    let mut site = Site::new(&blocks);
    let peer = Peer::start(|_| Act::Usual);
    let machine = machine(&blocks, &peer);
    let local = |line: &str| {
        let line =
            line.replace("/usr/local/bin/", "").replace("/srv/lettre", machine.path().to_str().expect("a path"));
        line.replace(ADDRESS, site.server.url("editions").as_str())
    };
    let by_hand: Vec<String> = typed(&blocks, "The machine", '$').iter().map(|line| local(line)).collect();
    let fetch = by_hand.last().expect("a command").clone();
    let by_systemd = local(setting(under(&blocks, "The machine", "ini")[0], "ExecStart"));
    let by_cron = local(&cron(under(&blocks, "The machine", "cron")[0]));
    let by_ssh = local(under(&blocks, "The machine", "text")[0].split('"').nth(1).expect("a command"));

    // Set up before there is an edition.
    site.ci("2026-03-01T08:00:00Z");
    for line in &by_hand {
        let ran = type_in(&machine, "2026-03-01T08:10:00Z", line, b"");
        assert_eq!(ran.status, 0, "{line}: {}{}", ran.stdout, ran.stderr);
    }
    site.week("Un", "2026-03-02");
    let file = "editions/lettre-1.edition.json";
    let edition = std::fs::read(site.published.path().join(file)).expect("the edition is on the site");

    let ran = type_in(&machine, "2026-03-02T09:15:00Z", &by_systemd, b"");
    assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""));
    let received = peer.received();
    let mut people: Vec<&str> = received.iter().map(|one| one.recipient.as_str()).collect();
    people.sort_unstable();
    assert_eq!(people, ["ana@example.org", "bo@example.org"]);
    for one in &received {
        assert!(
            one.letter.contains("List-Unsubscribe: <mailto:partir@example.org?subject=leave%20"),
            "{}",
            one.letter
        );
    }

    // Whoever calls it again, and whatever brings the file a second time.
    for (line, input) in [(&fetch, b"".as_slice()), (&by_systemd, b""), (&by_cron, b""), (&by_ssh, &edition)] {
        let ran = type_in(&machine, "2026-03-02T10:00:00Z", line, input);
        assert_eq!(ran.status, 0, "{line}: {}", ran.stderr);
    }
    // The database is lost: what was sent is still known.
    std::fs::rename(machine.join("var"), machine.join("lost")).expect("it was there");
    assert_eq!(type_in(&machine, "2026-03-02T10:15:00Z", &fetch, b"").status, 0);
    assert_eq!(peer.received().len(), 2);
    let _ = std::fs::remove_dir_all(machine.join("var"));
    std::fs::rename(machine.join("lost"), machine.join("var")).expect("it is there again");

    // One of the people is put off: the next call tries them again, and nobody else.
    peer.order(|step| match step {
        Step::Rcpt(line) if line.contains("bo@") => Act::Say("451 4.3.0 later".to_string()),
        _ => Act::Usual,
    });
    site.week("Deux", "2026-03-09");
    assert_eq!(type_in(&machine, "2026-03-09T09:15:00Z", &by_cron, b"").status, 0);
    assert_eq!(peer.received().len(), 3);
    peer.order(|_| Act::Usual);
    assert_eq!(type_in(&machine, "2026-03-09T09:30:00Z", &by_cron, b"").status, 0);
    let recipients: Vec<String> = peer.received().into_iter().skip(2).map(|one| one.recipient).collect();
    assert_eq!(recipients, ["ana@example.org", "bo@example.org"]);

    // By SSH, the file arrives before the clock strikes.
    site.week("Trois", "2026-03-16");
    let edition = std::fs::read(site.published.path().join("editions/lettre-3.edition.json")).expect("an edition");
    for line in [&by_ssh, &by_cron] {
        let ran = type_in(&machine, "2026-03-16T09:15:00Z", line, &edition);
        assert_eq!(ran.status, 0, "{line}: {}", ran.stderr);
    }
    assert_eq!(peer.received().len(), 6);
}

#[test]
fn what_goes_wrong_between_the_site_and_the_machine_sends_nothing_and_mends_itself() {
    const TEST: &str = "what_goes_wrong_between_the_site_and_the_machine_sends_nothing_and_mends_itself";
    if !peer_or_skip(TEST, "curl", has_program("curl", "--version")) {
        return;
    }
    let blocks = blocks(DOCUMENT);
    let mut site = Site::new(&blocks);
    let peer = Peer::start(|_| Act::Usual);
    site.ci("2026-03-01T08:00:00Z");
    site.week("Un", "2026-03-02");
    let fetch = typed(&blocks, "The machine", '$').pop().expect("a command");
    let fetch = fetch.replace(ADDRESS, &site.server.url("editions"));

    // A machine that comes later sends nothing of what was there, and says so.
    let machine = machine(&blocks, &peer);
    let ran = type_in(&machine, "2026-03-02T12:00:00Z", &fetch, b"");
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("not sent: lettre-1.edition.json"), "{}", ran.stderr);

    // Cut short on its way: refused whole, and fetched again.
    site.week("Deux", "2026-03-09");
    let file = site.published.path().join("editions/lettre-2.edition.json");
    let whole = std::fs::read(&file).expect("an edition");
    for broken in [&whole[..whole.len() / 2], b"<html>Please log in</html>"] {
        std::fs::write(&file, broken).expect("a file");
        let ran = type_in(&machine, "2026-03-09T12:00:00Z", &fetch, b"");
        assert_eq!(ran.status, 2, "{}", ran.stderr);
    }
    std::fs::remove_file(&file).expect("it was there");
    assert_eq!(type_in(&machine, "2026-03-09T12:10:00Z", &fetch, b"").status, 1, "curl's 404 is said");
    let list = site.published.path().join("editions/editions.txt");
    let names = std::fs::read_to_string(&list).expect("a list");
    std::fs::write(&list, format!("../../people.csv\n/etc/passwd\n$(touch x)-1.edition.json\n{names}"))
        .expect("a file");
    std::fs::write(&file, &whole).expect("a file");
    assert!(peer.received().is_empty());
    let ran = type_in(&machine, "2026-03-09T12:15:00Z", &fetch, b"");
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(peer.received().len(), 2);
    let kept = std::fs::read_dir(machine.join("incoming/sent")).expect("a folder");
    let mut kept: Vec<String> = kept.map(|entry| entry.expect("one").file_name().to_string_lossy().into()).collect();
    kept.sort();
    assert_eq!(kept, ["lettre-1.edition.json", "lettre-2.edition.json"]);
    assert!(!machine.join("x").exists());

    // The site is away, or its list is: said, and tried again.
    std::fs::remove_file(&list).expect("it was there");
    assert_eq!(type_in(&machine, "2026-03-09T13:00:00Z", &fetch, b"").status, 1);
}

#[test]
fn one_machine_runs_as_it_is_written() {
    const TEST: &str = "one_machine_runs_as_it_is_written";
    let blocks = blocks(DOCUMENT);
    let unit = std::fs::read_to_string(repository("docs/deploy/crieur.service")).expect("the unit");
    let sample = letters::sample("plain");
    let there = setting(&unit, "WorkingDirectory");
    assert_eq!(setting(&unit, "ReadWritePaths"), there, "its own folder is all that it may write to");
    let local =
        |line: &str| line.replace("/usr/local/bin/", "").replace(there, sample.path().to_str().expect("a path"));
    let now = "2026-03-02T08:00:00Z";
    let by_hand: Vec<String> = typed(&blocks, ONE, '$').iter().map(|line| local(line)).collect();
    assert_eq!(by_hand[..3], ["crieur check", "crieur send --dry-run", "crieur run"]);
    for line in &by_hand[..2] {
        let ran = type_in(&sample, now, line, b"");
        assert_eq!(ran.status, 0, "{line}: {}", ran.stderr);
    }
    assert!(sample.letters("var/outbox").is_empty() && !sample.join("public").exists(), "nothing was done yet");
    let ran = type_in(&sample, now, &by_hand[2], b"");
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    let first = sample.letters("var/outbox");
    assert!(!first.is_empty() && sample.join("public/feed").is_dir());

    let (by_systemd, by_cron) = (local(setting(&unit, "ExecStart")), local(&cron(under(&blocks, ONE, "cron")[0])));
    sample.write("sample/posts/2026-03-03-nouvelle.md", item("Nouvelle", "2026-03-03"));
    for line in [&by_systemd, &by_cron] {
        let ran = type_in(&sample, "2026-03-03T08:00:00Z", line, b"");
        assert_eq!((ran.status, ran.stdout.as_str(), ran.stderr.as_str()), (0, "", ""), "{line} is quiet");
    }
    assert_eq!(sample.letters("var/outbox").len(), 2 * first.len(), "the news is sent once, whoever calls");

    // The copy knows what was sent.
    if !peer_or_skip(TEST, "sqlite3", has_program("sqlite3", "--version")) {
        return;
    }
    for line in &by_hand[3..] {
        let ran = type_in(&sample, "2026-03-03T08:00:00Z", line, b"");
        assert_eq!(ran.status, 0, "{line}: {}{}", ran.stdout, ran.stderr);
    }
    std::fs::rename(sample.join("var/copy.db"), sample.join("var/crieur.db")).expect("a copy was made");
    for leftover in ["var/crieur.db-wal", "var/crieur.db-shm"] {
        let _ = std::fs::remove_file(sample.join(leftover));
    }
    assert_eq!(type_in(&sample, "2026-03-03T08:15:00Z", &by_systemd, b"").status, 0);
    assert_eq!(sample.letters("var/outbox").len(), 2 * first.len());
}

#[test]
fn the_units_are_sound_and_let_little_happen() {
    const TEST: &str = "the_units_are_sound_and_let_little_happen";
    if !peer_or_skip(TEST, "systemd-analyze", has_program("systemd-analyze", "--version")) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["crieur.service", "crieur.timer"] {
        let unit = std::fs::read_to_string(repository("docs/deploy").join(name)).expect("a unit");
        // It must name a program that is there.
        let unit = unit.replace("/usr/local/bin/crieur", env!("CARGO_BIN_EXE_crieur"));
        std::fs::write(folder.path().join(name), unit).expect("a file");
    }
    let analyze = |arguments: &[&str]| {
        let ran = Command::new("systemd-analyze").args(arguments).current_dir(folder.path()).output();
        Ran::from(ran.expect("systemd-analyze runs"))
    };
    let ran = analyze(&["verify", "--recursive-errors=no", "./crieur.service", "./crieur.timer"]);
    assert_eq!((ran.status, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    // Twenty tenths of ten: systemd's own word for it is OK.
    let ran = analyze(&["security", "--offline=yes", "--threshold=20", "./crieur.service"]);
    assert_eq!(ran.status, 0, "{}{}", ran.stdout, ran.stderr);
}
