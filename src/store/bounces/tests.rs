use super::*;
use crate::store::freeze::Audience;
use crate::store::freeze::tests::edition;
use crate::store::ledger::{Begin, Desk, Settled, Verdict};
use crate::store::recipients::tests::{person, take};
use crate::store::tests::{Place, on_both_stores, wait};

const DAY: i64 = 86_400;

/// Edition `number`, accepted for `people` people at that second.
async fn delivered(store: &mut Store, number: i64, people: i64, at: i64) -> i64 {
    let new = crate::store::freeze::NewEdition { counted: vec![], declined: vec![], ..edition(number) };
    let id = store.freeze(&new, Audience::Subscribed).await.unwrap().unwrap();
    let worker = store.hire("test").await.unwrap().id.to_string();
    let desk = Desk { edition: id, newsletter: "a", worker: &worker, now: moment(at) };
    let claimed = store.claim(id, &worker, moment(at.max(6000)), 1000, &[]).await.unwrap();
    assert_eq!(claimed.len() as i64, people);
    let begins: Vec<Begin> = claimed
        .iter()
        .map(|one| Begin {
            recipient: one.recipient,
            connection: 0,
            message_id: format!("<{number}.{}@x>", one.recipient),
        })
        .collect();
    store.settle(desk, &[], &begins).await.unwrap();
    let settled: Vec<Settled> = claimed
        .iter()
        .map(|one| Settled {
            recipient: one.recipient,
            email: one.email.clone(),
            verdict: Verdict::Accepted,
            reply: "250 ok".to_string(),
        })
        .collect();
    store.settle(desk, &settled, &[]).await.unwrap();
    id
}

fn report(edition: i64, recipient: i64, kind: &'static str) -> Returned {
    Returned {
        edition,
        recipient,
        kind,
        policy: false,
        words: "550 5.1.1 no".to_string(),
        mark: format!("{edition} {recipient} {kind}"),
        may_suppress: true,
    }
}

async fn note(store: &mut Store, report: &Returned, at: i64) -> Noted {
    store.note_returned(report, "p@example.org", moment(at)).await.unwrap()
}

async fn reason(store: &mut Store, recipient: i64) -> Option<String> {
    store.suppression(recipient).await.unwrap().map(|(reason, ..)| reason)
}

on_both_stores! {
    a_hard_return_and_a_complaint_suppress_at_once_and_the_ledger_stays_as_it_is,
    a_person_brings_an_address_back_and_what_came_back_before_counts_no_more,
    five_in_a_row_over_ten_days_suppress_in_whatever_order_they_are_read,
    a_mass_refused_by_policy_suppresses_nobody_not_even_those_told_first,
    a_delivery_is_found_by_its_number_and_by_its_message_id,
}

fn a_hard_return_and_a_complaint_suppress_at_once_and_the_ledger_stays_as_it_is(place: Place) {
    wait(async {
        let mut store = place.open().await;
        take(&mut store, false, (0..4).map(person).collect()).await;
        let id = delivered(&mut store, 1, 4, 6000).await;
        assert_eq!(note(&mut store, &report(id, 0, "hard"), 7000).await, Noted::Suppressed);
        assert_eq!(note(&mut store, &report(id, 0, "hard"), 7001).await, Noted::Known);
        assert_eq!(note(&mut store, &report(id, 1, "complaint"), 7000).await, Noted::Suppressed);
        assert_eq!(note(&mut store, &report(id, 2, "delayed"), 7000).await, Noted::Counted);
        assert_eq!(note(&mut store, &report(id, 2, "soft"), 7000).await, Noted::Counted);
        let list = Returned { may_suppress: false, ..report(id, 3, "hard") };
        assert_eq!(note(&mut store, &list, 7000).await, Noted::Counted);
        assert_eq!(reason(&mut store, 0).await.as_deref(), Some("bounce"));
        assert_eq!(reason(&mut store, 1).await.as_deref(), Some("complaint"));
        assert_eq!((reason(&mut store, 2).await, reason(&mut store, 3).await), (None, None));
        // The stronger word.
        assert_eq!(note(&mut store, &report(id, 0, "complaint"), 7000).await, Noted::Suppressed);
        assert_eq!(reason(&mut store, 0).await.as_deref(), Some("complaint"));

        let counts = store.counts(id).await.unwrap();
        assert!(counts.balance());
        assert_eq!((counts.accepted, counts.refused), (4, 0));
        assert_eq!(counts.reports, Sums { returned: 3, hard: 2, policy: 0, complaints: 2 });
        let told = store.told(0).await.unwrap();
        assert_eq!(told.iter().map(|one| one.kind.as_str()).collect::<Vec<_>>(), ["complaint", "hard"]);

        let id = store.freeze(&edition(2), Audience::Subscribed).await.unwrap().unwrap();
        assert_eq!(store.counts(id).await.unwrap().suppressed, 2, "for every edition to come");
    });
}

fn a_person_brings_an_address_back_and_what_came_back_before_counts_no_more(place: Place) {
    wait(async {
        let mut store = place.open().await;
        take(&mut store, false, vec![person(0)]).await;
        for number in 1..=6 {
            let id = delivered(&mut store, number, 1, number * 3 * DAY).await;
            let noted = note(&mut store, &report(id, 0, "soft"), number * 3 * DAY + 60).await;
            match number {
                5 => {
                    assert_eq!(noted, Noted::Suppressed);
                    assert!(store.lift_suppression(0, moment(9)).await.unwrap());
                    assert!(!store.lift_suppression(0, moment(9)).await.unwrap());
                }
                _ => assert_eq!(noted, Noted::Counted, "{number}"),
            }
        }
        assert_eq!(reason(&mut store, 0).await, None);
    });
}

fn five_in_a_row_over_ten_days_suppress_in_whatever_order_they_are_read(place: Place) {
    wait(async {
        let mut store = place.open().await;
        take(&mut store, false, vec![person(0)]).await;
        let mut ids = Vec::new();
        for number in 1..=5 {
            ids.push(delivered(&mut store, number, 1, number * 3 * DAY).await);
        }
        for (read, number) in [4, 1, 0, 2, 3].into_iter().enumerate() {
            let noted = note(&mut store, &report(ids[number], 0, "soft"), 16 * DAY).await;
            let expected = if read == 4 { Noted::Suppressed } else { Noted::Counted };
            assert_eq!(noted, expected);
            // Twice for one letter is one.
            let second = Returned { mark: format!("second {number}"), ..report(ids[number], 0, "soft") };
            assert_eq!(note(&mut store, &second, 16 * DAY).await, Noted::Counted);
        }
        assert_eq!(reason(&mut store, 0).await.as_deref(), Some("soft-bounce"));
    });
}

#[test]
fn a_letter_that_arrived_in_between_begins_the_row_anew() {
    let letters = |marks: &str, hours: i64| -> Vec<Letter> {
        let count = marks.len() as i64;
        let letter = |(index, mark)| Letter {
            accepted: moment(100 * DAY - (count - 1 - index as i64) * hours * 3600),
            came_back: mark == 'x',
        };
        let mut letters: Vec<Letter> = marks.chars().enumerate().map(letter).collect();
        letters.reverse();
        letters
    };
    for (marks, hours, days_later, given_up) in [
        ("xxxxx", 60, 0, true),
        ("xxxxx", 59, 0, false),
        ("xxxx", 240, 0, false),
        ("oxxxxx", 60, 0, true),
        ("xxoxxx", 240, 0, false),
        ("xxxxoxxxx", 240, 0, false),
        ("xxxxxxxxxxxx", 24, 0, true),
        // Accepted just now: it may come back yet. Days later, it has arrived.
        ("xxxxxo", 60, 0, true),
        ("xxxxxo", 60, 5, false),
        ("xxxxxoo", 60, 3, false),
        ("", 1, 0, false),
    ] {
        let now = moment((100 + days_later) * DAY);
        assert_eq!(in_a_row(&letters(marks, hours), now), given_up, "{marks}, {hours} h, {days_later} days");
    }
}

fn a_mass_refused_by_policy_suppresses_nobody_not_even_those_told_first(place: Place) {
    wait(async {
        let mut store = place.open().await;
        take(&mut store, false, (0..20).map(person).collect()).await;
        for number in 1..=4 {
            let id = delivered(&mut store, number, 20, number * 3 * DAY).await;
            for recipient in 0..2 {
                note(&mut store, &report(id, recipient, "soft"), number * 3 * DAY).await;
            }
        }
        let id = delivered(&mut store, 5, 20, 15 * DAY).await;
        let mut given_up = Vec::new();
        for recipient in 0..5 {
            let refused = Returned { policy: true, ..report(id, recipient, "soft") };
            given_up.push(note(&mut store, &refused, 15 * DAY).await == Noted::Suppressed);
        }
        // Nobody knew yet that so many would come.
        assert_eq!(given_up, [true, true, false, false, false]);
        assert_eq!(reason(&mut store, 0).await, None);
        assert_eq!(reason(&mut store, 1).await, None);
        let counts = store.counts(id).await.unwrap();
        assert!(counts.reports.refused_by_policy(counts.accepted));
        // The row goes on where it stood: neither longer by that edition nor broken by it.
        let id = delivered(&mut store, 6, 20, 18 * DAY).await;
        assert_eq!(note(&mut store, &report(id, 0, "soft"), 18 * DAY).await, Noted::Suppressed);
        assert_eq!(note(&mut store, &report(id, 2, "soft"), 18 * DAY).await, Noted::Counted);
    });
}

fn a_delivery_is_found_by_its_number_and_by_its_message_id(place: Place) {
    wait(async {
        let mut store = place.open().await;
        take(&mut store, false, (0..2).map(person).collect()).await;
        let id = delivered(&mut store, 1, 2, 6000).await;
        let sent = store.sent(id, 1).await.unwrap().unwrap();
        assert_eq!((sent.newsletter.as_str(), sent.email), ("a", person(1).email));
        assert_eq!(store.sent_as("<1.1@x>", 1).await.unwrap().unwrap().edition, id);
        assert_eq!(store.sent_as("<1.1@x>", 0).await.unwrap(), None);
        assert_eq!(store.sent(id, 9).await.unwrap(), None);
    });
}
