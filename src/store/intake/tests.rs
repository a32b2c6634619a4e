use super::*;
use crate::store::newsletters::moment;
use crate::store::recipients::tests::{intake, person};
use crate::store::tests::{Place, on_both_stores, wait};

on_both_stores! {
    each_way_to_be_named_by_a_list_is_told_as_it_is_written,
    two_imports_at_once_retire_nobody_of_each_other,
    whoever_is_added_by_hand_during_an_import_is_not_retired_by_it,
    a_part_is_whole_with_its_sums_and_its_history,
}

async fn take(store: &mut Store, intake: &Intake, people: Vec<Newcomer>) -> Taken {
    let mut people = Some(people);
    store.take_in(intake, || people.take().unwrap_or_default()).await.unwrap()
}

async fn state(store: &mut Store, recipient: i64) -> Option<String> {
    let standing = store.standing(recipient).await.unwrap();
    standing.into_iter().find(|(newsletter, ..)| newsletter == "a").map(|(_, state, _)| state)
}

fn each_way_to_be_named_by_a_list_is_told_as_it_is_written(place: Place) {
    wait(async {
        let mut store = place.open().await;
        let mut number = 0;
        for before in [None, Some("subscribed"), Some("left"), Some("retired")] {
            for (says_left, revive) in [(false, false), (true, false), (false, true)] {
                number += 1;
                let newcomer = Newcomer { left: says_left, ..person(number).into() };
                if let Some(before) = before {
                    take(&mut store, &intake(), vec![person(number).into()]).await;
                    sqlx::query("UPDATE subscriptions SET state = $1 WHERE recipient = $2")
                        .bind(before)
                        .bind(number)
                        .execute(&mut store.connection)
                        .await
                        .unwrap();
                }
                let taken = take(&mut store, &Intake { revive, ..intake() }, vec![newcomer]).await;
                let after = state(&mut store, number).await.unwrap();
                let (expected, told) = match (before, says_left, revive) {
                    (None, true, _) => ("left", taken.left),
                    (None, false, _) => ("subscribed", taken.added),
                    (Some("subscribed"), ..) => ("subscribed", taken.unchanged),
                    (Some("retired"), true, _) => ("retired", taken.unchanged),
                    (Some("left"), _, false) => ("left", taken.left),
                    _ => ("subscribed", taken.added),
                };
                assert_eq!((after.as_str(), told), (expected, 1), "{before:?} {says_left} {revive}");
                assert_eq!(taken.added + taken.updated + taken.unchanged + taken.left, 1);
            }
        }
    });
}

fn two_imports_at_once_retire_nobody_of_each_other(place: Place) {
    wait(async {
        let mut store = place.open().await;
        take(&mut store, &intake(), vec![person(1).into(), person(2).into(), person(3).into()]).await;
        let one = take(&mut store, &intake(), vec![person(1).into()]).await;
        let other = take(&mut store, &intake(), vec![person(2).into()]).await;
        assert!(one.import < other.import);
        // The first goes on with somebody whom the second has named.
        let intake = intake();
        let mut late = Desk::new(store.is_postgres(), &intake, one);
        let mut transaction = store.write().await.unwrap();
        late.take(&mut transaction, &[person(2).into()]).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(store.retire_missing(&intake, one.import).await.unwrap(), 1);
        assert_eq!(state(&mut store, 2).await.as_deref(), Some("subscribed"));
        assert_eq!(store.retire_missing(&intake, other.import).await.unwrap(), 1);
        assert_eq!(state(&mut store, 1).await.as_deref(), Some("retired"));
        assert_eq!(state(&mut store, 2).await.as_deref(), Some("subscribed"));
        assert_eq!(state(&mut store, 3).await.as_deref(), Some("retired"));
    });
}

fn whoever_is_added_by_hand_during_an_import_is_not_retired_by_it(place: Place) {
    wait(async {
        let mut store = place.open().await;
        let under_way = take(&mut store, &intake(), vec![person(1).into()]).await;
        take(&mut store, &Intake { source: "add", ..intake() }, vec![person(2).into()]).await;
        assert_eq!(store.retire_missing(&intake(), under_way.import).await.unwrap(), 0);
        let next = take(&mut store, &intake(), vec![person(1).into()]).await;
        assert_eq!(store.retire_missing(&intake(), next.import).await.unwrap(), 1);
        assert_eq!(state(&mut store, 2).await.as_deref(), Some("retired"));
    });
}

fn a_part_is_whole_with_its_sums_and_its_history(place: Place) {
    wait(async {
        let mut store = place.open().await;
        let number = store.number_import(&intake()).await.unwrap();
        let mut taken = Taken { import: number, ..Taken::default() };
        let people: Vec<Newcomer> = (0..3500).map(|id| person(id).into()).collect();
        // As far as an import came that was killed.
        let done = store.take_part(&intake(), &mut taken, &people[..2600]).await.unwrap();
        assert!(done >= STATEMENT && taken.added == done as u64);
        let verified = store.verify_history(None).await.unwrap();
        assert_eq!((verified.entries, verified.fault), (done as i64, None));
        assert_eq!(store.daily().await.unwrap()[0].joined, done as i64);
        // The whole list, once more.
        let later = Intake { now: moment(2000), ..intake() };
        let again = take(&mut store, &later, people).await;
        assert_eq!((again.added, again.unchanged), (3500 - done as u64, done as u64));
        assert_eq!(store.retire_missing(&later, again.import).await.unwrap(), 0);
        let verified = store.verify_history(None).await.unwrap();
        assert_eq!((verified.entries, verified.fault), (3500, None));
        assert_eq!(store.daily().await.unwrap().iter().map(|day| day.joined).sum::<i64>(), 3500);
        assert_eq!(store.history_of(2).await.unwrap().len(), 1);
    });
}
