use super::*;
use crate::store::newsletters::moment;
use crate::store::tests::{Place, on_both_stores, wait};

async fn add(store: &mut Store, entries: &[Entry<'_>]) {
    let mut transaction = store.write().await.unwrap();
    append(&mut transaction, entries).await.unwrap();
    transaction.commit().await.unwrap();
}

fn entry(recipient: i64, what: What, at: i64) -> Entry<'static> {
    Entry::new(recipient, what, "operator", moment(at)).on("news")
}

async fn run(store: &mut Store, text: &'static str) {
    sqlx::query(text).execute(&mut store.connection).await.unwrap();
}

/// The chain has three entries, then a strand of 600 is tied, then one more.
async fn filled(place: &Place) -> Store {
    let mut store = place.open().await;
    let postgres = store.is_postgres();
    add(&mut store, &[entry(1, What::Added, 10), entry(2, What::Added, 10)]).await;
    add(&mut store, &[entry(1, What::Left, 20)]).await;
    let mut transaction = store.write().await.unwrap();
    let mut strand = Strand::begin().unwrap();
    let many: Vec<_> = (0..600).map(|recipient| entry(recipient, What::Imported, 30)).collect();
    strand.write(&mut transaction, postgres, &many).await.unwrap();
    strand.tie(&mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
    add(&mut store, &[entry(1, What::Left, 40)]).await;
    store
}

on_both_stores! {
    each_person_has_a_history_of_their_own,
    a_change_anywhere_shows_where_it_is,
    an_end_that_was_cut_off_shows,
    a_chain_made_anew_shows_against_a_head_noted_before,
    whoever_lost_the_key_has_lost_the_history_and_the_chain_holds,
    an_entry_that_was_rolled_back_was_never_there,
    two_at_once_queue_at_the_end_of_the_chain,
}

fn each_person_has_a_history_of_their_own(place: Place) {
    wait(async {
        let mut store = filled(&place).await;
        let told = store.history_of(1).await.unwrap();
        let told: Vec<_> = told.into_iter().map(|one| one.said.unwrap()).map(|said| (said.what, said.at)).collect();
        let expected = [(What::Added, 10), (What::Left, 20), (What::Imported, 30), (What::Left, 40)];
        assert_eq!(told, expected.map(|(what, at)| (what, moment(at))));
        assert_eq!(store.history_of(2).await.unwrap().len(), 2);
        assert_eq!(store.history_of(9999).await.unwrap(), []);

        let full = Entry {
            basis: Some("consent"),
            proof: Some("a form"),
            consent_version: Some("2"),
            wording: Some("Yes, please."),
            topics: Some("a b"),
            note: Some("é"),
            ..entry(7000, What::Confirmed, 50)
        };
        add(&mut store, std::slice::from_ref(&full)).await;
        let told = store.history_of(7000).await.unwrap();
        let said = told[0].said.clone().unwrap();
        assert_eq!(serde_json::to_value(&full).unwrap(), serde_json::to_value(&said).unwrap());
        let verified = store.verify_history(None).await.unwrap();
        assert_eq!((verified.entries, verified.head.sequence, verified.fault), (605, 6, None));
    });
}

fn a_change_anywhere_shows_where_it_is(place: Place) {
    wait(async {
        let mut store = filled(&place).await;
        let changes = [
            ("UPDATE history SET recipient = 2 WHERE strand = 0 AND sequence = 3", true, 3),
            ("UPDATE history SET sealed = 'AAAA' || sealed WHERE strand = 0 AND sequence = 1", true, 1),
            ("DELETE FROM history WHERE strand = 0 AND sequence = 2", true, 2),
            ("DELETE FROM history WHERE strand <> 0 AND sequence = 600", false, 600),
            ("UPDATE history SET recipient = 5 WHERE strand <> 0 AND sequence = 500", false, 500),
            ("DELETE FROM history WHERE strand <> 0 AND sequence = 1", false, 1),
        ];
        for (text, in_chain, sequence) in changes {
            run(&mut store, text).await;
            let fault = store.verify_history(None).await.unwrap().fault.unwrap();
            assert_eq!((fault.strand == 0, fault.sequence), (in_chain, sequence), "{text}: {fault:?}");
            store.close().await.unwrap();
            // From the beginning, for the next one.
            let mut again = place.open().await;
            for text in
                ["DELETE FROM history", "DELETE FROM person_keys", "UPDATE history_head SET sequence = 0, hash = ''"]
            {
                sqlx::query(text).execute(&mut again.connection).await.unwrap();
            }
            again.close().await.unwrap();
            store = filled(&place).await;
            assert_eq!(store.verify_history(None).await.unwrap().fault, None);
        }
    });
}

fn an_end_that_was_cut_off_shows(place: Place) {
    wait(async {
        let mut store = filled(&place).await;
        run(&mut store, "DELETE FROM history WHERE strand = 0 AND sequence = 5").await;
        let fault = store.verify_history(None).await.unwrap().fault.unwrap();
        assert_eq!((fault.strand, fault.sequence), (0, 5));
        run(&mut store, "UPDATE history_head SET sequence = 4").await;
        let fault = store.verify_history(None).await.unwrap().fault.unwrap();
        assert_eq!((fault.strand, fault.sequence), (0, 4), "the head has another hash");
    });
}

fn a_chain_made_anew_shows_against_a_head_noted_before(place: Place) {
    wait(async {
        let mut store = filled(&place).await;
        let noted = store.history_head().await.unwrap();
        add(&mut store, &[entry(3, What::Left, 60)]).await;
        assert_eq!(store.verify_history(Some(&noted)).await.unwrap().fault, None);
        for text in
            ["DELETE FROM history", "DELETE FROM person_keys", "UPDATE history_head SET sequence = 0, hash = ''"]
        {
            sqlx::query(text).execute(&mut store.connection).await.unwrap();
        }
        let gone = store.verify_history(Some(&noted)).await.unwrap().fault.unwrap();
        assert_eq!(gone.sequence, noted.sequence);
        let other: Vec<_> = (0..7).map(|recipient| entry(recipient, What::Added, 10)).collect();
        add(&mut store, &other).await;
        assert_eq!(store.verify_history(None).await.unwrap().fault, None, "it holds in itself");
        let other = store.verify_history(Some(&noted)).await.unwrap().fault.unwrap();
        assert_eq!((other.sequence, other.why), (5, "its hash is another one than was noted"));
    });
}

fn whoever_lost_the_key_has_lost_the_history_and_the_chain_holds(place: Place) {
    wait(async {
        let mut store = filled(&place).await;
        run(&mut store, "DELETE FROM person_keys WHERE recipient = 1").await;
        let told = store.history_of(1).await.unwrap();
        assert_eq!((told.len(), told.iter().filter(|one| one.said.is_some()).count()), (4, 0));
        assert_eq!(store.verify_history(None).await.unwrap().fault, None);
        add(&mut store, &[entry(1, What::Confirmed, 70)]).await;
        let told = store.history_of(1).await.unwrap();
        assert_eq!(told.iter().filter(|one| one.said.is_some()).count(), 1, "with a new key");
    });
}

fn an_entry_that_was_rolled_back_was_never_there(place: Place) {
    wait(async {
        let mut store = filled(&place).await;
        let head = store.history_head().await.unwrap();
        let mut transaction = store.write().await.unwrap();
        append(&mut transaction, &[entry(8000, What::Added, 80)]).await.unwrap();
        transaction.rollback().await.unwrap();
        assert_eq!(store.history_head().await.unwrap(), head);
        assert_eq!(store.history_of(8000).await.unwrap(), []);
        assert_eq!(store.verify_history(None).await.unwrap().fault, None);
    });
}

fn two_at_once_queue_at_the_end_of_the_chain(place: Place) {
    async fn many(place: &Place, from: i64) {
        let mut store = place.open().await;
        for recipient in from..from + 40 {
            add(&mut store, &[entry(recipient % 7, What::Left, recipient)]).await;
        }
    }
    wait(async {
        futures_util::future::join3(many(&place, 0), many(&place, 100), many(&place, 200)).await;
        let mut store = place.open().await;
        let verified = store.verify_history(None).await.unwrap();
        assert_eq!((verified.entries, verified.head.sequence, verified.fault), (120, 120, None));
    });
}
