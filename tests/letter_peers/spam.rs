//! SpamAssassin's local rules read the letter.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{has_program, letters, peer_or_skip};

/// What the first relay on the way adds, and without which a letter looks hand-made.
const RECEIVED: &str = "Received: from lettre.example.org (localhost [127.0.0.1])\r\n\tby relais.example.org (Postfix) with ESMTPS id 4XyZ1k2Lm3z9\r\n\t\
                        for <destinataire@example.org>; Mon,  2 Mar 2026 09:00:02 +0100 (CET)\r\n";

/// No memory of other mail, and no point for a way that is all our own: a stranger's server knows neither.
const PREFERENCES: &str = "use_bayes 0\nuse_txrep 0\ndns_available no\nscore ALL_TRUSTED 0\n";

/// The score, and the rules that were hit with theirs.
fn score(letter: &[u8]) -> (f64, String) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("prefs"), PREFERENCES).expect("preferences");
    let mut command = Command::new("spamassassin");
    command
        .args(["--local", "--test-mode", "--prefspath"])
        .arg(folder.path().join("prefs"))
        .env("HOME", folder.path());
    let mut running = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("spamassassin starts");
    let mut input = running.stdin.take().expect("its input");
    input.write_all(RECEIVED.as_bytes()).expect("written");
    input.write_all(letter).expect("written");
    drop(input);
    let output = running.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let analysis = said.rsplit("Content analysis details:").next().unwrap_or_default().to_string();
    let points =
        analysis.trim_start().trim_start_matches('(').split(' ').next().and_then(|points| points.parse().ok());
    (points.unwrap_or_else(|| panic!("no score: {said}")), analysis)
}

#[test]
fn spamassassin_scores_a_letter_under_one_in_every_theme_and_mode() {
    let test = "spamassassin_scores_a_letter_under_one_in_every_theme_and_mode";
    if !peer_or_skip(test, "spamassassin", has_program("spamassassin", "--version")) {
        return;
    }
    let advert = b"From: Winner <x@example.org>\r\nSubject: FREE MONEY\r\n\r\nXJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\r\n";
    assert!(score(advert).0 > 100.0, "its own test mail is known");
    for theme in letters::THEMES {
        for to in ["file:config/people.sample.csv", "liste@example.org"] {
            let project = letters::sample(theme);
            let newsletter = project.read("config/newsletters/referents.yaml");
            let newsletter = newsletter.replace("to: file:config/people.sample.csv", &format!("to: {to}"));
            project.write("config/newsletters/referents.yaml", newsletter);
            let letter =
                letters::compose(if to.starts_with("file") { "spam-personal" } else { "spam-list" }, theme, project);
            let bytes = std::fs::read(letter.path("eml")).expect("a letter");
            assert_eq!(String::from_utf8_lossy(&bytes).contains("List-Unsubscribe"), to.starts_with("file"));
            let (points, analysis) = score(&bytes);
            println!("{}: {points}\n{analysis}", letter.name);
            assert!(points < 1.0, "{}: {points} points\n{analysis}", letter.name);
        }
    }
}
