use super::*;
use crate::store::bounces::Returned;
use crate::store::newsletters::moment;
use crate::store::outbox::tests::limit;
use crate::store::recipients::tests::{person, take};
use crate::store::tests::{Place, on_both_stores, wait};

pub(in crate::store) fn signup(recipient: i64, asked: i64) -> Signup {
    Signup {
        newsletter: "a".to_string(),
        recipient,
        email: format!("p{recipient:07}@example.org"),
        name: Some("Ana".to_string()),
        topics: None,
        instead_of: None,
        consent: "I agree.".to_string(),
        consent_version: "v1".to_string(),
        network: "n".to_string(),
        asked: moment(asked),
    }
}

async fn ask(store: &mut Store, signup: &Signup, limits: &[Limit]) -> Option<String> {
    let expires = signup.asked + TimeDelta::days(7);
    let id = signup.asked.timestamp() * 1000 + signup.recipient;
    let letters = Letters { id, confirm: "confirm", expires, already: "subscribed" };
    store.ask_to_join(signup, &letters, limits).await.unwrap();
    let taken = store.take_letters(signup.asked, TimeDelta::days(9)).await.unwrap();
    assert!(taken.len() < 2 && taken.iter().all(|letter| letter.recipient == signup.recipient));
    taken.into_iter().next().map(|letter| letter.kind)
}

on_both_stores! {
    whoever_confirms_is_subscribed_once_and_it_is_written_down,
    who_stands_how_gets_which_letter,
    limits_hold_for_all_letters_together,
    whoever_does_not_confirm_is_forgotten,
    two_who_confirm_at_once_write_it_down_once,
}

fn whoever_confirms_is_subscribed_once_and_it_is_written_down(place: Place) {
    wait(async {
        let mut store = place.open().await;
        let topics = Some("events videos".to_string());
        let first = Signup { topics: topics.clone(), ..signup(1, 100) };
        assert_eq!(ask(&mut store, &first, &[]).await.as_deref(), Some("confirm"));
        ask(&mut store, &Signup { name: None, ..signup(1, 200) }, &[]).await;
        assert_eq!(store.signup("a", 1, moment(100)).await.unwrap(), Some(first));
        assert!(!store.is_subscribed("a", 1).await.unwrap());
        assert_eq!(store.confirm("a", 1, moment(150), moment(300)).await.unwrap(), Confirmed::Gone);
        assert_eq!(store.confirm("b", 1, moment(100), moment(300)).await.unwrap(), Confirmed::Gone);
        for _ in 0..2 {
            assert_eq!(store.confirm("a", 1, moment(100), moment(300)).await.unwrap(), Confirmed::Subscribed);
        }
        // The other letter's link does no more than the first did.
        assert_eq!(store.signup("a", 1, moment(200)).await.unwrap(), None);
        assert_eq!(store.confirm("a", 1, moment(200), moment(400)).await.unwrap(), Confirmed::Subscribed);
        let listed = store.list_recipients(Some("a")).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].addressee.name.as_deref(), listed[0].basis.kind.as_str()), (Some("Ana"), "consent"));
        assert_eq!(listed[0].basis.proof.as_deref(), Some("v1 (1970-01-01T00:01:40Z)"));
        let history = store.history_of(1).await.unwrap();
        let said: Vec<_> = history.into_iter().filter_map(|entry| entry.said).collect();
        assert_eq!(said.iter().map(|said| said.what).collect::<Vec<_>>(), [What::Asked, What::Confirmed]);
        assert_eq!((said[0].at, said[1].at), (moment(100), moment(300)));
        assert_eq!(said[1].wording.as_deref(), Some("I agree."));
        assert_eq!(said[1].topics, topics);
        // Whoever has left is not brought back by a link that was pressed before.
        store.leave_from_page(1, "a", moment(500)).await.unwrap();
        assert_eq!(store.confirm("a", 1, moment(100), moment(600)).await.unwrap(), Confirmed::Gone);
        assert!(!store.is_subscribed("a", 1).await.unwrap());
    });
}

fn who_stands_how_gets_which_letter(place: Place) {
    wait(async {
        let mut store = place.open().await;
        take(&mut store, false, (1..=5).map(person).collect()).await;
        store.leave(2, Some("a"), moment(10)).await.unwrap();
        for (recipient, kind) in [(3, "hard"), (4, "complaint")] {
            let report = Returned {
                edition: 1,
                recipient,
                kind,
                policy: false,
                words: "5.1.1".to_string(),
                mark: kind.to_string(),
                may_suppress: true,
            };
            let email = format!("p{recipient:07}@example.org");
            store.note_returned(&report, &email, moment(20)).await.unwrap();
        }
        for (recipient, kind) in
            [(1, Some("subscribed")), (2, Some("confirm")), (3, Some("confirm")), (4, None), (9, Some("confirm"))]
        {
            let asked = signup(recipient, 100 + recipient);
            assert_eq!(ask(&mut store, &asked, &[]).await.as_deref(), kind, "{recipient}");
        }
        let subscribed = store.confirm("a", 3, moment(103), moment(200)).await.unwrap();
        assert_eq!(subscribed, Confirmed::Subscribed);
        assert_eq!(store.suppression(3).await.unwrap(), None);
        assert_eq!(store.confirm("a", 2, moment(102), moment(200)).await.unwrap(), Confirmed::Subscribed);
        assert!(store.is_subscribed("a", 2).await.unwrap());
        // A complaint that came between asking and confirming is the stronger word.
        ask(&mut store, &signup(5, 300), &[]).await;
        sqlx::query("DELETE FROM subscriptions WHERE recipient = 5").execute(&mut store.connection).await.unwrap();
        ask(&mut store, &signup(5, 301), &[]).await;
        sqlx::query("INSERT INTO suppressions (recipient, email, reason, at) VALUES (5, 'x', 'complaint', 1)")
            .execute(&mut store.connection)
            .await
            .unwrap();
        assert_eq!(store.confirm("a", 5, moment(301), moment(400)).await.unwrap(), Confirmed::Complained);
        assert!(store.suppression(5).await.unwrap().is_some());
    });
}

fn limits_hold_for_all_letters_together(place: Place) {
    wait(async {
        let mut store = place.open().await;
        take(&mut store, false, vec![person(1)]).await;
        let limits = [limit("address", 2, 86_400)];
        let mut letters = Vec::new();
        for at in 0..4 {
            letters.push(ask(&mut store, &signup(1, 100 + at), &limits).await.is_some());
        }
        assert_eq!(letters, [true, true, false, false]);
        let unanswered: i64 = sqlx::query_scalar("SELECT count FROM unanswered WHERE newsletter = 'a' AND day = 0")
            .fetch_one(&mut store.connection)
            .await
            .unwrap();
        assert_eq!(unanswered, 2);
        assert!(ask(&mut store, &signup(1, 100 + 86_401), &limits).await.is_some());
    });
}

fn whoever_does_not_confirm_is_forgotten(place: Place) {
    wait(async {
        let mut store = place.open().await;
        ask(&mut store, &signup(1, 100), &[]).await;
        ask(&mut store, &signup(2, 200), &[]).await;
        assert_eq!(store.forget_unconfirmed(moment(150)).await.unwrap(), 1);
        assert_eq!(store.confirm("a", 1, moment(100), moment(300)).await.unwrap(), Confirmed::Gone);
        assert_eq!(store.confirm("a", 2, moment(200), moment(300)).await.unwrap(), Confirmed::Subscribed);
        assert_eq!(store.list_recipients(None).await.unwrap().len(), 1);
    });
}

fn two_who_confirm_at_once_write_it_down_once(place: Place) {
    wait(async {
        let (mut one, mut two) = (place.open().await, place.open().await);
        ask(&mut one, &signup(1, 100), &[]).await;
        let (first, second) = futures_util::future::join(
            one.confirm("a", 1, moment(100), moment(300)),
            two.confirm("a", 1, moment(100), moment(300)),
        )
        .await;
        assert_eq!((first.unwrap(), second.unwrap()), (Confirmed::Subscribed, Confirmed::Subscribed));
        assert_eq!(one.history_of(1).await.unwrap().len(), 2);
    });
}
