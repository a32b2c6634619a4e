//! Two services on one database server: what is done at one is done.

use std::time::{Duration, Instant};

use super::joining::{confirmation, subscribe};
use super::leaving::is_out;
use super::{sent, state, way_out};
use crate::support::postgres;
use crate::support::project::Project;
use crate::support::remembered;
use crate::support::served::Served;

/// The same project on another machine: its folder and its keys, without the letters.
fn elsewhere(project: &Project) -> Project {
    let other = Project::empty();
    for folder in ["config", "feeds", "posts", "public", "var/keys"] {
        other.copy(&project.join(folder), folder);
    }
    other
}

fn at_another_port(project: &Project) -> Served {
    Served::by(project.command(&["-v", "serve", "--listen", "127.0.0.1:0"]))
}

#[test]
fn what_is_done_at_one_of_two_services_is_done_at_both() {
    const TEST: &str = "what_is_done_at_one_of_two_services_is_done_at_both";
    let Some(database) = postgres::database(TEST) else { return };
    let (project, mut one) = sent(&format!("database: {database}\n"));
    let mut there = elsewhere(&project);
    there.at("2026-03-01T08:00:00Z");
    let mut two = at_another_port(&there);
    let letters = project.letters("var/outbox");
    let path = |name: &str| way_out(&letters, &format!("{name}@example.org"));

    // Left at one, known at the other; the token that undoes is made at one and works at the other.
    for (first, second, name) in [(&one, &two, "ana"), (&two, &one, "bo")] {
        let left = first.one_click(&path(name));
        is_out(&left);
        assert!(second.get(&path(name), &[]).text().contains("est déjà retirée"));
        is_out(&second.one_click(&path(name)));
        let undo = left.between("action=\"", "\"");
        assert_eq!(second.get(&undo, &[]).status, 200);
        assert_eq!(second.post(&undo, "text/plain", "").status, 200);
        assert_eq!(state(&project, &format!("{name}@example.org"), "news"), "subscribed");
        assert!(!first.get(&path(name), &[]).text().contains("est déjà retirée"));
    }

    // The same person at both at once: left, once.
    std::thread::scope(|scope| {
        let path = path("cy");
        let both: Vec<_> = [&one, &two].into_iter().cycle().take(16).collect();
        let answers: Vec<_> = both
            .into_iter()
            .map(|served| {
                scope.spawn({
                    let path = path.clone();
                    move || served.one_click(&path)
                })
            })
            .collect();
        answers.into_iter().for_each(|answer| is_out(&answer.join().expect("an answer")));
    });
    assert_eq!(state(&project, "cy@example.org", "news"), "left");

    // One is gone: the other goes on, and so do the letters.
    one.kill();
    is_out(&two.one_click(&path("di")));
    one = Served::of(&project);
    assert!(one.get(&path("di"), &[]).text().contains("est déjà retirée"));
    project.write("posts/deux.md", "---\ntitle: Deux\ndate: 2026-03-01\n---\nDeux.\n");
    project.ok(&["run"]);
    assert_eq!(project.letters("var/outbox").len(), 4 + 2);
    assert_eq!((one.stop(), two.stop()), (Some(0), Some(0)));
}

#[test]
fn two_services_confirm_for_each_other_and_limit_confirmations_together() {
    const TEST: &str = "two_services_confirm_for_each_other_and_limit_confirmations_together";
    let Some(database) = postgres::database(TEST) else { return };
    let limits = "  confirmations: { per_address: 2/d, per_network: 1000/d }\n";
    let (project, mut one) = sent(&format!("{limits}database: {database}\n"));
    let mut there = elsewhere(&project);
    there.at("2026-03-01T08:00:00Z");
    let mut two = at_another_port(&there);
    let letters = |folder: &Project| folder.letters("var/outbox").len();
    let before = letters(&project);
    // Five times at each, by turns: two letters in all. Either service brings them on their way.
    for served in [&one, &two].into_iter().cycle().take(10) {
        assert_eq!(subscribe(&project, served, "eve@example.org").status, 200);
    }
    let deadline = Instant::now() + Duration::from_secs(60);
    while letters(&project) + letters(&there) < before + 2 {
        assert!(Instant::now() < deadline, "no letter");
        std::thread::sleep(Duration::from_millis(20));
    }
    // The outbox is empty.
    while remembered::ask(&project, "SELECT CAST(COUNT(*) AS TEXT) FROM outbox") != [["0"]] {
        assert!(Instant::now() < deadline, "a letter waits");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(letters(&project) + letters(&there), before + 2);
    let mut all = project.letters("var/outbox");
    all.extend(there.letters("var/outbox"));
    let confirmation =
        all.iter().find(|letter| letter.contains("eve@example.org")).map(|letter| confirmation(letter));
    let path = confirmation.expect("a confirmation");
    // The form's time was told by one, the letter written by either: both read them.
    let page = one.get("/subscribe/news", &[]);
    assert_eq!(page.status, 200);
    for served in [&one, &two] {
        assert_eq!(served.get(&path, &[]).status, 200);
    }
    assert_eq!(two.post(&path, "text/plain", "").status, 200);
    assert_eq!(one.post(&path, "text/plain", "").status, 200);
    assert_eq!(state(&project, "eve@example.org", "news"), "subscribed");
    assert_eq!((one.stop(), two.stop()), (Some(0), Some(0)));
}
