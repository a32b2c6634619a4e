//! A long list is imported beside `crieur serve`: nobody waits for it, and it may be killed.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crieur::secrets::Secrets;
use crieur::web::token::confirm;

use super::{project, state};
use crate::support::project::Project;
use crate::support::remembered;
use crate::support::served::Served;
use crate::support::stores::{Place, on_both_stores};

on_both_stores! {
    an_import_that_is_killed_and_done_again_ends_like_one_in_one_go,
}

/// When people asked to be subscribed.
const ASKED: &str = "2026-03-01T07:00:00Z";

/// A list of so many people.
fn write_list(project: &Project, name: &str, people: std::ops::Range<usize>) {
    let rows: String = people.map(|n| format!("l{n:06}@example.org,L {n}\n")).collect();
    project.write(name, format!("email,name\n{rows}"));
}

fn start(project: &Project, list: &str) -> Child {
    let path = project.join(list);
    let mut command = project.command(&["--quiet", "recipients", "import", path.to_str().expect("a path"), "--sync"]);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("started")
}

#[test]
fn whoever_confirms_while_a_long_list_is_imported_waits_for_a_part_of_it_at_most() {
    let (project, _) = project("");
    let secrets = Secrets::load(&project.join("var/keys"), None).expect("a key").expect("a key");
    let asked: chrono::DateTime<chrono::Utc> = ASKED.parse().expect("a moment");
    let asked = asked.timestamp();
    let address = |number: usize| format!("w{number}@example.org");
    for number in 0..200 {
        let (recipient, address) = (secrets.recipient_id(&address(number)), address(number));
        let columns = "newsletter, recipient, asked_at, email, consent, consent_version, network";
        let row = format!("('news', {recipient}, {asked}, '{address}', 'Oui', '1', '')");
        remembered::tell(&project, &format!("INSERT INTO signups ({columns}) VALUES {row}"));
    }
    let served = Served::of(&project);
    write_list(&project, "long.csv", 0..120_000);
    let began = Instant::now();
    let mut import = start(&project, "long.csv");
    let (mut confirmed, mut longest) = (0, Duration::ZERO);
    while import.try_wait().expect("a state").is_none() && confirmed < 200 {
        let recipient = secrets.recipient_id(&address(confirmed));
        let pressed = Instant::now();
        let path = format!("/confirm/{}", confirm(&secrets, "join", "news", recipient, asked));
        let got = served.post(&path, "application/x-www-form-urlencoded", "");
        assert_eq!(got.status, 200, "{}", got.text());
        longest = longest.max(pressed.elapsed());
        confirmed += 1;
        std::thread::sleep(Duration::from_millis(150));
    }
    assert!(import.wait().expect("ended").success());
    println!("{confirmed} confirmed in {:?}, the longest waited {longest:?}", began.elapsed());
    assert!(longest < Duration::from_secs(5), "somebody waited {longest:?}");
    assert!(confirmed > 3, "the import took {:?} only", began.elapsed());
    let subscribed = remembered::ask(
        &project,
        "SELECT state, CAST(COUNT(*) AS TEXT) FROM subscriptions WHERE newsletter = 'news' GROUP BY state ORDER BY state",
    );
    // Who confirmed stands in no list, and stays; the four of the first list do not.
    assert_eq!(subscribed, [["retired", "4"], ["subscribed", &(120_000 + confirmed).to_string()]]);
    assert_eq!(state(&project, &address(0), "news"), "subscribed");
    let verified = project.ok(&["recipients", "history", "--verify"]);
    assert!(verified.contains("the chain holds"), "{verified}");
}

/// All that an import leaves behind, but for its number and the histories' order and keys.
fn left_behind(project: &Project) -> Vec<Vec<Vec<String>>> {
    let texts = [
        "SELECT email, COALESCE(name, ''), fields, basis, tags, CAST(added_at AS TEXT), CAST(updated_at AS TEXT)
         FROM recipients ORDER BY email",
        "SELECT r.email, s.newsletter, s.state, s.source, CAST(s.since AS TEXT) FROM subscriptions s
         JOIN recipients r ON r.id = s.recipient ORDER BY r.email, s.newsletter",
        "SELECT newsletter, CAST(day AS TEXT), CAST(joined AS TEXT), CAST(gone AS TEXT) FROM daily ORDER BY newsletter, day",
        "SELECT r.email, CAST(COUNT(*) AS TEXT) FROM history h JOIN recipients r ON r.id = h.recipient
         JOIN person_keys k ON k.recipient = r.id GROUP BY r.email ORDER BY r.email",
        "SELECT CAST(COUNT(*) AS TEXT) FROM subscriptions",
        "SELECT CAST(COUNT(*) AS TEXT) FROM person_keys",
        "SELECT CAST(COUNT(*) AS TEXT) FROM history WHERE recipient >= 0",
    ];
    let verified = project.ok(&["recipients", "history", "--verify"]);
    assert!(verified.contains("the chain holds"), "{verified}");
    texts.map(|text| remembered::ask(project, text)).to_vec()
}

fn an_import_that_is_killed_and_done_again_ends_like_one_in_one_go(place: Place) {
    const PEOPLE: usize = 45_000;
    let mut ended = Vec::new();
    for kills in [0, 2] {
        let (mut project, _) = project(&place.line());
        project.at("2026-03-02T08:00:00Z");
        // Some are known already: they stay, left, or are not on the list any more.
        write_list(&project, "before.csv", PEOPLE - 500..PEOPLE + 700);
        let path = project.join("before.csv");
        project.ok(&["recipients", "import", path.to_str().expect("a path")]);
        project.ok(&["recipients", "remove", &format!("l{:06}@example.org", PEOPLE - 7)]);
        project.ok(&["recipients", "erase", &format!("l{:06}@example.org", PEOPLE - 8), "--yes"]);
        project.at("2026-03-03T08:00:00Z");
        write_list(&project, "long.csv", 0..PEOPLE);
        for kill in 1..=kills {
            let mut import = start(&project, "long.csv");
            let wanted = 1200 + kill * 10_000;
            let deadline = Instant::now() + Duration::from_secs(120);
            loop {
                let count = remembered::ask(&project, "SELECT CAST(COUNT(*) AS TEXT) FROM subscriptions");
                if count[0][0].parse::<usize>().expect("a number") > wanted {
                    break;
                }
                assert!(import.try_wait().expect("a state").is_none(), "it ended before it was killed");
                assert!(Instant::now() < deadline, "it takes too long");
                std::thread::sleep(Duration::from_millis(5));
            }
            import.kill().expect("killed");
            import.wait().expect("ended");
            let retired = "SELECT CAST(COUNT(*) AS TEXT) FROM subscriptions WHERE state = 'retired'";
            assert_eq!(remembered::ask(&project, retired), [["0"]], "somebody was retired before the list's end");
        }
        assert!(start(&project, "long.csv").wait().expect("ended").success());
        ended.push(left_behind(&project));
    }
    let (whole, killed) = (&ended[0], &ended[1]);
    assert_eq!(whole[0].len(), PEOPLE + 700 + 4 - 1);
    for (whole, killed) in whole.iter().zip(killed) {
        let different = whole.iter().zip(killed).find(|(one, other)| one != other);
        assert_eq!((different, whole.len()), (None, killed.len()));
    }
}
