//! `kill -9` around the pushes of a memory in a branch: no letter is lost without trace, none goes twice without *uncertain* in
//! the state, and the state's text can always be read.
//!
//! `CRIEUR_TEST_KILLS` says how often (a few dozen unless it is set), `CRIEUR_TEST_SEED` repeats a run's moments.

use std::process::Stdio;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use crate::support::origin::{Origin, command, crieur, write};
use crate::support::random::Random;

fn edition(origin: &Origin, now: DateTime<Utc>, number: usize) -> Option<Value> {
    let ran = crieur(&origin.editor(), &now.to_rfc3339(), &["--json", "status"]);
    assert!(ran.status < 2, "the state can be read: {}", ran.stderr);
    let status: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    status["editions"].as_array().expect("editions").iter().find(|one| one["number"] == number).cloned()
}

#[test]
fn killed_around_the_pushes_a_letter_is_never_lost_nor_doubled_without_trace() {
    let kills: usize = std::env::var("CRIEUR_TEST_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let mut random = Random::seeded("killed_around_the_pushes");
    let origin = Origin::site("");
    let clone = origin.clone("runner");
    let mut now: DateTime<Utc> = "2026-03-02T08:00:00Z".parse().expect("a moment");
    // How long one whole run takes here.
    let began = Instant::now();
    assert_eq!(crieur(&clone, &now.to_rfc3339(), &["run"]).status, 0);
    let whole = began.elapsed();
    let (mut killed, mut number, mut twice, mut uncertain) = (0, 1, 0, 0);
    let started = Instant::now();
    while killed < kills {
        assert!(started.elapsed() < Duration::from_secs(900), "{killed} kills only");
        number += 1;
        write(
            &clone,
            &format!("posts/{number}.md"),
            &format!("---\ntitle: Post {number}\ndate: 2026-03-01\n---\nTexte.\n"),
        );
        // Some runs of this letter are killed, at any moment.
        for _ in 0..1 + random.below(3) {
            now += TimeDelta::minutes(5);
            let mut run = command(&clone, &now.to_rfc3339(), &["run"]);
            let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started");
            std::thread::sleep(whole.mul_f64(1.3 * random.fraction()));
            run.kill().expect("killed");
            killed += usize::from(run.wait().expect("ended").code().is_none());
        }
        // The hours after it: each run knows nothing but the branch.
        for _ in 0..4 {
            now += TimeDelta::hours(1);
            let ran = crieur(&clone, &now.to_rfc3339(), &["run"]);
            assert!(ran.status < 2, "{}", ran.stderr);
        }
        let edition = edition(&origin, now, number).expect("a run that was let be has frozen it");
        let subject = format!("Post {number}");
        let letters = origin.letters().iter().filter(|letter| letter.contains(&subject)).count();
        let history = origin.said(&format!("editions/news-{number}/edition.yaml"));
        let left_uncertain: usize = history
            .lines()
            .find_map(|line| line.trim().strip_prefix("uncertain: "))
            .and_then(|count| count.parse().ok())
            .expect("the count of unknown outcomes");
        assert!(letters >= 1 || edition["uncertain"] == 1, "lost without trace: {edition}\n{history}");
        assert!(letters <= 1 + left_uncertain, "{letters} letters, and uncertain {left_uncertain} times\n{history}");
        twice += letters.saturating_sub(1);
        uncertain += left_uncertain;
    }
    println!(
        "{killed} kills, {number} letters in {:.0} s: lost 0, twice {twice}, uncertain {uncertain} times",
        started.elapsed().as_secs_f64()
    );
}
