use super::*;
use crate::store::editions::State;
use crate::store::freeze::Audience;
use crate::store::freeze::tests::edition;
use crate::store::recipients::tests::{person, take};
use crate::store::tests::{Place, on_both_stores, wait};
use crate::store::workers::Buried;

async fn frozen(store: &mut Store, people: i64) -> i64 {
    take(store, false, (0..people).map(person).collect()).await;
    store.freeze(&edition(1), Audience::Subscribed).await.unwrap().unwrap()
}

fn begin(recipient: i64) -> Begin {
    Begin { recipient, connection: 0, message_id: format!("<{recipient}@example.org>") }
}

/// A worker, by what rows name it.
async fn employed(store: &mut Store) -> String {
    // Its lock is let go, and nobody looks for the dead here.
    store.hire("test").await.unwrap().id.to_string()
}

fn desk(edition: i64, worker: &str, now: DateTime<Utc>) -> Desk<'_> {
    Desk { edition, newsletter: "a", worker, now }
}

fn settled(recipient: i64, verdict: Verdict) -> Settled {
    Settled { recipient, email: person(recipient).email, verdict, reply: "words".to_string() }
}

on_both_stores! {
    the_ledger_balances_whatever_the_outcomes,
    no_body_starts_for_somebody_who_left_after_the_claim,
    what_a_dead_worker_held_is_free_and_what_it_was_sending_is_uncertain,
    a_stopped_edition_begins_nothing_and_an_edition_is_done_once_all_is_settled,
    refusals_that_were_ours_are_taken_back_with_their_suppressions,
    an_envelope_that_is_refused_counts_as_a_try_and_one_that_was_not_tried_does_not,
    a_worker_that_was_given_up_begins_nothing_and_settles_nothing,
    rows_of_a_domain_that_takes_no_more_stay_where_they_are,
    slots_are_kept_together_and_begin_anew_after_a_pause,
}

fn the_ledger_balances_whatever_the_outcomes(place: Place) {
    wait(async {
        let mut store = place.open().await;
        let id = frozen(&mut store, 6).await;
        let w = employed(&mut store).await;
        let now = moment(6000);
        let claimed = store.claim(id, &w, now, 100, &[]).await.unwrap();
        assert_eq!(claimed.len(), 6);
        let begins: Vec<Begin> = (0..5).map(begin).collect();
        let committed = store.settle(desk(id, &w, now), &[], &begins).await.unwrap();
        assert_eq!(committed, Committed { begun: vec![true; 5], going_on: true, employed: true });
        let outcomes = [
            settled(0, Verdict::Accepted),
            settled(1, Verdict::Refused { suppress: true }),
            settled(2, Verdict::Deferred { next_try: moment(6060) }),
            settled(3, Verdict::Uncertain { next_try: None }),
            settled(4, Verdict::Untried { next_try: now }),
        ];
        store.settle(desk(id, &w, now), &outcomes, &[]).await.unwrap();
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

fn no_body_starts_for_somebody_who_left_after_the_claim(place: Place) {
    wait(async {
        let mut store = place.open().await;
        let id = frozen(&mut store, 2).await;
        let w = employed(&mut store).await;
        store.claim(id, &w, moment(6000), 100, &[]).await.unwrap();
        store.leave(0, Some("a"), moment(6001)).await.unwrap();
        let committed = store.settle(desk(id, &w, moment(6002)), &[], &[begin(0), begin(1)]).await.unwrap();
        assert_eq!(committed.begun, vec![false, true]);
        assert_eq!(store.counts(id).await.unwrap().suppressed, 1);
    });
}

fn what_a_dead_worker_held_is_free_and_what_it_was_sending_is_uncertain(place: Place) {
    wait(async {
        let mut store = place.open().await;
        let id = frozen(&mut store, 3).await;
        for times in 0..=3 {
            let resent = store.resend_uncertain(id, moment(7000)).await.unwrap();
            assert_eq!(resent, u64::from((1..=2).contains(&times)), "an uncertain row is sent again at most twice");
            let worker = store.hire("dead").await.unwrap();
            let w = worker.id.to_string();
            store.claim(id, &w, moment(7000), 100, &[]).await.unwrap();
            store.settle(desk(id, &w, moment(7000)), &[], &[begin(0)]).await.unwrap();
            drop(worker);
            let buried = store.bury_dead(None, moment(7000)).await.unwrap();
            assert_eq!(buried, Buried { freed: 2, uncertain: u64::from(times < 3) });
            let counts = store.counts(id).await.unwrap();
            assert_eq!((counts.uncertain, counts.pending), (1, 2));
        }
    });
}

fn a_stopped_edition_begins_nothing_and_an_edition_is_done_once_all_is_settled(place: Place) {
    wait(async {
        let mut store = place.open().await;
        let id = frozen(&mut store, 1).await;
        let w = employed(&mut store).await;
        store.claim(id, &w, moment(6000), 100, &[]).await.unwrap();
        assert!(store.move_edition(id, &[State::Sending], State::Held, Some("stopped")).await.unwrap());
        let committed = store.settle(desk(id, &w, moment(6000)), &[], &[begin(0)]).await.unwrap();
        assert_eq!(committed, Committed { begun: vec![false], going_on: false, employed: true });
        assert_eq!(store.counts(id).await.unwrap().pending, 1, "stopping suppresses nobody");
        assert!(store.move_edition(id, &[State::Held], State::Sending, None).await.unwrap());
        store.settle(desk(id, &w, moment(6000)), &[], &[begin(0)]).await.unwrap();
        store.settle(desk(id, &w, moment(6000)), &[settled(0, Verdict::Accepted)], &[]).await.unwrap();
        assert!(store.finish_if_done(id, moment(6001)).await.unwrap());
    });
}

fn refusals_that_were_ours_are_taken_back_with_their_suppressions(place: Place) {
    wait(async {
        let mut store = place.open().await;
        let id = frozen(&mut store, 1).await;
        let w = employed(&mut store).await;
        store.claim(id, &w, moment(6000), 100, &[]).await.unwrap();
        store.settle(desk(id, &w, moment(6000)), &[], &[begin(0)]).await.unwrap();
        let refused = settled(0, Verdict::Refused { suppress: true });
        store.settle(desk(id, &w, moment(6000)), &[refused], &[]).await.unwrap();
        assert_eq!(store.first_outcomes(id).await.unwrap(), Some((0, 1)));
        store.take_refusals_back(id, moment(6000)).await.unwrap();
        assert_eq!(store.counts(id).await.unwrap().pending, 1);
        assert_eq!(store.suppression(0).await.unwrap(), None);
        store.release_brakes(id).await.unwrap();
        assert_eq!(store.first_outcomes(id).await.unwrap(), None);
    });
}

fn an_envelope_that_is_refused_counts_as_a_try_and_one_that_was_not_tried_does_not(place: Place) {
    wait(async {
        let mut store = place.open().await;
        let id = frozen(&mut store, 3).await;
        let w = employed(&mut store).await;
        store.claim(id, &w, moment(6000), 100, &[]).await.unwrap();
        let outcomes = [
            settled(0, Verdict::Refused { suppress: false }),
            settled(1, Verdict::Deferred { next_try: moment(6060) }),
            settled(2, Verdict::Untried { next_try: moment(6000) }),
        ];
        store.settle(desk(id, &w, moment(6000)), &outcomes, &[]).await.unwrap();
        let counts = store.counts(id).await.unwrap();
        assert_eq!((counts.refused, counts.pending, counts.deferred), (1, 2, 1));
        let again = store.claim(id, &w, moment(9000), 100, &[]).await.unwrap();
        let tried: Vec<_> = again.iter().map(|row| (row.recipient, row.attempts, row.first_try)).collect();
        assert_eq!(tried.len(), 2);
        assert!(tried.contains(&(1, 1, Some(moment(6000)))) && tried.contains(&(2, 0, None)), "{tried:?}");
    });
}

fn a_worker_that_was_given_up_begins_nothing_and_settles_nothing(place: Place) {
    wait(async {
        let mut store = place.open().await;
        let id = frozen(&mut store, 2).await;
        store.claim(id, "4711", moment(6000), 100, &[]).await.unwrap();
        let committed = store.settle(desk(id, "4711", moment(6000)), &[], &[begin(0)]).await.unwrap();
        assert_eq!(committed, Committed { begun: vec![false], going_on: true, employed: false });
        let accepted = settled(0, Verdict::Accepted);
        store.settle(desk(id, "another", moment(6000)), &[accepted], &[]).await.unwrap();
        assert_eq!(store.counts(id).await.unwrap().pending, 2);
    });
}

fn rows_of_a_domain_that_takes_no_more_stay_where_they_are(place: Place) {
    wait(async {
        let mut store = place.open().await;
        let id = frozen(&mut store, 3).await;
        let full = ["example.org".to_string()];
        assert!(store.claim(id, "1", moment(6000), 100, &full).await.unwrap().is_empty());
        let elsewhere = ["ample.org".to_string()];
        assert_eq!(store.claim(id, "1", moment(6000), 100, &elsewhere).await.unwrap().len(), 3);
    });
}

fn slots_are_kept_together_and_begin_anew_after_a_pause(place: Place) {
    wait(async {
        let mut store = place.open().await;
        assert_eq!(store.reserve("", 3, 100, 1_000_000).await.unwrap(), 1_000_000);
        assert_eq!(store.reserve("", 1, 100, 1_000_010).await.unwrap(), 1_000_300);
        assert_eq!(store.reserve("example.org", 1, 100, 1_000_010).await.unwrap(), 1_000_010);
        assert_eq!(store.reserve("", 1, 100, 2_000_000).await.unwrap(), 2_000_000);
        // A clock that was set back by two days.
        assert_eq!(store.reserve("", 1, 100, 2_000_000 - 2 * 86_400_000).await.unwrap(), 2_000_000 - 2 * 86_400_000);
    });
}

#[test]
fn rows_are_found_by_their_keys_however_many_there_are() {
    const BY_KEY: &str = "(edition=? AND recipient=?)";
    const BY_TIME: &str = "deliveries_pending (edition=? AND next_try<?)";
    wait(async {
        let place = Place::sqlite();
        let mut store = place.open().await;
        let settling = [1, 2, 16].map(|rows| (settle::text(rows), vec![BY_KEY]));
        let claiming = [0, 2].map(|domains| (super::claim_text(domains, ""), vec![BY_KEY, BY_TIME]));
        for (text, wanted) in settling.into_iter().chain(claiming) {
            let text = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
            let rows = sqlx::query(text).fetch_all(&mut store.connection).await.unwrap();
            let plan: Vec<String> = rows.iter().map(|row| row.try_get(3).unwrap()).collect();
            let found = plan.iter().filter(|step| step.contains(" deliveries ")).collect::<Vec<_>>();
            let matches = |(step, end): (&String, &str)| step.ends_with(end);
            assert!(found.len() == wanted.len() && found.iter().copied().zip(wanted).all(matches), "{plan:#?}");
        }
    });
}
