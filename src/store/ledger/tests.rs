use super::*;
use crate::store::editions::State;
use crate::store::freeze::Audience;
use crate::store::freeze::tests::edition;
use crate::store::recipients::tests::{person, take};
use crate::store::tests::{empty, wait};

async fn frozen(store: &mut Store, people: i64) -> i64 {
    take(store, false, (0..people).map(person).collect()).await;
    store.freeze(&edition(1), Audience::Subscribed).await.unwrap().unwrap()
}

fn begin(recipient: i64) -> Begin {
    Begin { recipient, connection: 0, message_id: format!("<{recipient}@example.org>") }
}

fn settled(recipient: i64, verdict: Verdict) -> Settled {
    Settled { recipient, email: person(recipient).email, verdict, reply: "words".to_string() }
}

#[test]
fn the_ledger_balances_whatever_the_outcomes() {
    wait(async {
        let (_folder, mut store) = empty().await;
        let id = frozen(&mut store, 6).await;
        let now = moment(6000);
        let claimed = store.claim(id, "w", now, 100).await.unwrap();
        assert_eq!(claimed.len(), 6);
        let begins: Vec<Begin> = (0..5).map(begin).collect();
        let committed = store.settle(id, "w", &[], &begins, now).await.unwrap();
        assert_eq!(committed, Committed { begun: vec![true; 5], going_on: true });
        let outcomes = [
            settled(0, Verdict::Accepted),
            settled(1, Verdict::Refused { suppress: true }),
            settled(2, Verdict::Deferred { next_try: moment(6060) }),
            settled(3, Verdict::Uncertain { next_try: None }),
            settled(4, Verdict::Untried { next_try: now }),
        ];
        store.settle(id, "w", &outcomes, &[], now).await.unwrap();
        let counts = store.counts(id).await.unwrap();
        assert!(counts.balance());
        assert_eq!(
            (counts.eligible, counts.accepted, counts.refused, counts.uncertain, counts.pending, counts.deferred),
            (6, 1, 1, 1, 3, 1)
        );
        assert!(!store.finish_if_done(id, now).await.unwrap());
        assert!(store.suppression(1).await.unwrap().is_some());
    });
}

#[test]
fn no_body_starts_for_somebody_who_left_after_the_claim() {
    wait(async {
        let (_folder, mut store) = empty().await;
        let id = frozen(&mut store, 2).await;
        store.claim(id, "w", moment(6000), 100).await.unwrap();
        store.leave(0, Some("a"), moment(6001)).await.unwrap();
        let committed = store.settle(id, "w", &[], &[begin(0), begin(1)], moment(6002)).await.unwrap();
        assert_eq!(committed.begun, vec![false, true]);
        assert_eq!(store.counts(id).await.unwrap().suppressed, 1);
    });
}

#[test]
fn what_a_dead_process_held_is_free_and_what_it_was_sending_is_uncertain() {
    wait(async {
        let (_folder, mut store) = empty().await;
        let id = frozen(&mut store, 3).await;
        store.claim(id, "dead", moment(6000), 100).await.unwrap();
        store.settle(id, "dead", &[], &[begin(0)], moment(6000)).await.unwrap();
        assert_eq!(store.recover(moment(7000)).await.unwrap(), 1);
        let counts = store.counts(id).await.unwrap();
        assert_eq!((counts.uncertain, counts.pending), (1, 2));
        for times in 1..=3 {
            let resent = store.resend_uncertain(id, moment(7000)).await.unwrap();
            assert_eq!(resent, u64::from(times <= 2), "an uncertain row is sent again at most twice");
            store.claim(id, "dead", moment(7000), 100).await.unwrap();
            store.settle(id, "dead", &[], &[begin(0)], moment(7000)).await.unwrap();
            store.recover(moment(7000)).await.unwrap();
        }
    });
}

#[test]
fn a_stopped_edition_begins_nothing_and_an_edition_is_done_once_all_is_settled() {
    wait(async {
        let (_folder, mut store) = empty().await;
        let id = frozen(&mut store, 1).await;
        store.claim(id, "w", moment(6000), 100).await.unwrap();
        assert!(store.move_edition(id, &[State::Sending], State::Held, Some("stopped")).await.unwrap());
        let committed = store.settle(id, "w", &[], &[begin(0)], moment(6000)).await.unwrap();
        assert_eq!(committed, Committed { begun: vec![false], going_on: false });
        assert_eq!(store.counts(id).await.unwrap().pending, 1, "stopping suppresses nobody");
        assert!(store.move_edition(id, &[State::Held], State::Sending, None).await.unwrap());
        store.settle(id, "w", &[], &[begin(0)], moment(6000)).await.unwrap();
        store.settle(id, "w", &[settled(0, Verdict::Accepted)], &[], moment(6000)).await.unwrap();
        assert!(store.finish_if_done(id, moment(6001)).await.unwrap());
    });
}

#[test]
fn refusals_that_were_ours_are_taken_back_with_their_suppressions() {
    wait(async {
        let (_folder, mut store) = empty().await;
        let id = frozen(&mut store, 1).await;
        store.claim(id, "w", moment(6000), 100).await.unwrap();
        store.settle(id, "w", &[], &[begin(0)], moment(6000)).await.unwrap();
        let refused = settled(0, Verdict::Refused { suppress: true });
        store.settle(id, "w", &[refused], &[], moment(6000)).await.unwrap();
        assert_eq!(store.first_outcomes(id).await.unwrap(), Some((0, 1)));
        store.take_refusals_back(id, moment(6000)).await.unwrap();
        assert_eq!(store.counts(id).await.unwrap().pending, 1);
        assert_eq!(store.suppression(0).await.unwrap(), None);
        store.release_brakes(id).await.unwrap();
        assert_eq!(store.first_outcomes(id).await.unwrap(), None);
    });
}
