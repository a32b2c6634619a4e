use std::collections::BTreeSet;

use super::*;
use crate::store::freeze::Audience;
use crate::store::freeze::tests::edition;
use crate::store::ledger::{Begin, Desk, Settled, Verdict};
use crate::store::listing::{Filter, Listed, Standing};
use crate::store::recipients::tests::{intake, person, take};
use crate::store::recipients::{Addressee, Intake};
use crate::store::tests::{Place, on_both_stores, wait};

const EMAIL: &str = "ysolde.kerguelen@example.org";
const NAME: &str = "Ysolde Kerguelen";

fn ysolde() -> Addressee {
    let fields = r#"{"ville":"Kerguelen-sur-Mer"}"#.to_string();
    Addressee { id: 7, email: EMAIL.to_string(), name: Some(NAME.to_string()), fields }
}

/// Every value of every table, as text.
async fn dump(store: &mut Store) -> String {
    let tables: &str = match store.is_postgres() {
        true => {
            "SELECT CAST(table_name AS TEXT) FROM information_schema.tables WHERE table_schema = current_schema()"
        }
        false => "SELECT name FROM sqlite_master WHERE type = 'table'",
    };
    let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut store.connection).await.unwrap();
    assert!(tables.len() > 15, "{tables:?}");
    let mut all = String::new();
    for table in tables {
        let columns = match store.is_postgres() {
            true => format!(
                "SELECT CAST(column_name AS TEXT) FROM information_schema.columns
                 WHERE table_schema = current_schema() AND table_name = '{table}'"
            ),
            false => format!("SELECT name FROM pragma_table_info('{table}')"),
        };
        let columns: Vec<String> =
            sqlx::query_scalar(sqlx::AssertSqlSafe(columns)).fetch_all(&mut store.connection).await.unwrap();
        for column in columns {
            let text = format!("SELECT COALESCE(CAST({column} AS TEXT), '') FROM {table}");
            let values: Vec<String> =
                sqlx::query_scalar(sqlx::AssertSqlSafe(text)).fetch_all(&mut store.connection).await.unwrap();
            all.push_str(&format!("{table}.{column}: {}\n", values.join("|")));
        }
    }
    all
}

/// Subscribed, written to, refused, reported on, left.
async fn filled(place: &Place) -> Store {
    let mut store = place.open().await;
    take(&mut store, false, (0..6).map(person).chain([ysolde()]).collect()).await;
    for number in 1..=5 {
        let edition = crate::store::freeze::NewEdition { number, ..edition(number) };
        store.freeze(&edition, Audience::Subscribed).await.unwrap().unwrap();
    }
    for text in [
        "UPDATE deliveries SET state = 'accepted', message_id = '<aa7@example.org>' WHERE edition = 1 AND recipient = 7",
        "UPDATE deliveries SET state = 'refused', reply = '550 no ysolde.kerguelen@example.org here'
         WHERE edition = 2 AND recipient = 7",
        "UPDATE deliveries SET state = 'uncertain', uncertain = 1 WHERE edition = 4 AND recipient = 7",
        "UPDATE deliveries SET state = 'claimed', worker = '3' WHERE edition = 5 AND recipient = 7",
        "INSERT INTO returned (mark, edition, recipient, kind, policy, lifted, words, at)
         VALUES ('mark of the report', 1, 7, 'hard', 0, 0, 'no ysolde.kerguelen@example.org', 6000)",
        "INSERT INTO suppressions (recipient, email, reason, reply, edition, at)
         VALUES (7, 'ysolde.kerguelen@example.org', 'bounce', 'no', 1, 6000)",
        "INSERT INTO signups (newsletter, recipient, asked_at, email, name, consent, consent_version, network)
         VALUES ('b', 7, 6000, 'ysolde.kerguelen@example.org', 'Ysolde', 'yes', '1', 'n')",
        "INSERT INTO outbox (id, newsletter, kind, recipient, email, details, asked_at, expires_at, next_try, attempts)
         VALUES (1, 'b', 'confirm', 7, 'ysolde.kerguelen@example.org', '{}', 6000, 7000, 6000, 0)",
    ] {
        sqlx::query(text).execute(&mut store.connection).await.unwrap();
    }
    store
}

on_both_stores! {
    nothing_is_left_of_whoever_is_erased_but_the_hash,
    no_list_takes_in_whoever_was_erased,
    a_letter_on_its_way_is_cleaned_up_once_it_has_arrived,
    whoever_was_erased_comes_back_by_their_own_word,
    erasing_somebody_unknown_keeps_them_away,
    whoever_is_erased_during_an_import_is_gone_when_both_are_done,
}

fn nothing_is_left_of_whoever_is_erased_but_the_hash(place: Place) {
    wait(async {
        let mut store = filled(&place).await;
        let before = dump(&mut store).await;
        assert!(before.contains(EMAIL) && before.contains(NAME) && before.contains("Kerguelen-sur-Mer"));
        let mut counts = Vec::new();
        for edition in 1..=5 {
            counts.push(store.counts(edition).await.unwrap());
        }
        let erased = store.erase(7, moment(9000)).await.unwrap();
        assert_eq!(erased, Erased { was_known: true, deliveries: 5, under_way: 0 });

        let after = dump(&mut store).await.to_lowercase();
        for word in ["ysolde", "kerguelen", "aa7@", "mark of"] {
            assert!(!after.contains(word), "{word}: {after}");
        }
        let alone: Vec<&str> = after
            .lines()
            .filter_map(|line| line.split_once(": "))
            .filter(|(column, _)| column.ends_with(".recipient") || column.ends_with(".id"))
            .filter(|(_, values)| values.split('|').any(|value| value == "7"))
            .map(|(column, _)| column)
            .collect();
        assert_eq!(BTreeSet::from_iter(alone), BTreeSet::from(["erased.recipient", "history.recipient"]));
        for (edition, before) in (1..).zip(counts) {
            let now = store.counts(edition).await.unwrap();
            assert!(now.balance());
            assert_eq!(now.eligible, before.eligible);
            assert_eq!(now.accepted, before.accepted);
            assert_eq!(now.refused, before.refused);
            assert_eq!(now.reports, before.reports);
            let stopped = i64::from(edition >= 3);
            assert_eq!(now.suppressed, before.suppressed + stopped, "edition {edition}");
            assert_eq!(now.uncertain, 0);
        }
        let told = store.history_of(7).await.unwrap();
        assert!(told.len() >= 2 && told.iter().all(|one| one.said.is_none()));
        assert_eq!(store.verify_history(None).await.unwrap().fault, None);
        assert_eq!(store.erased_since(7).await.unwrap(), Some(moment(9000)));
        assert_eq!(store.subscribed().await.unwrap(), [("a".to_string(), 6)]);
        let grown: i64 = store.daily().await.unwrap().iter().map(|day| day.joined - day.gone).sum();
        assert_eq!(grown, 6);
        // Nothing brings a letter to nobody.
        store.take_refusals_back(2, moment(9100)).await.unwrap();
        assert_eq!(store.resend_uncertain(4, moment(9100)).await.unwrap(), 0);
        assert_eq!(store.counts(2).await.unwrap().refused, 1);
        assert!(store.deliveries_in(2, "refused").await.unwrap().is_empty());
        store.close().await.unwrap();

        if let Some(path) = place.database.path() {
            let mut bytes = std::fs::read(path).unwrap();
            bytes.extend(std::fs::read(path.with_extension("db-wal")).unwrap_or_default());
            let text = String::from_utf8_lossy(&bytes).to_lowercase();
            for word in ["ysolde", "kerguelen"] {
                assert!(!text.contains(word), "the file still holds {word}");
            }
        }
    });
}

async fn unconfirmed(store: &mut Store) -> Vec<Listed> {
    let filter = Filter { state: Some(Standing::Unconfirmed), ..Filter::default() };
    let mut all = Vec::new();
    let each = |people| {
        all.extend(people);
        Ok::<(), StoreError>(())
    };
    store.list_people(&filter, each).await.unwrap();
    all
}

fn no_list_takes_in_whoever_was_erased(place: Place) {
    wait(async {
        let mut store = filled(&place).await;
        let listed = unconfirmed(&mut store).await;
        assert_eq!((listed.len(), listed[0].addressee.email.as_str()), (1, EMAIL));
        store.erase(7, moment(9000)).await.unwrap();
        assert!(unconfirmed(&mut store).await.is_empty());
        let taken = take(&mut store, true, (0..6).map(person).chain([ysolde()]).collect()).await;
        assert_eq!((taken.erased, taken.unchanged, taken.retired), (1, 6, 0));
        assert!(!dump(&mut store).await.contains(EMAIL));
        let again = Intake { source: "add", revive: true, ..intake() };
        let mut people = Some(vec![ysolde()]);
        let taken = store.take_in(&again, || people.take().unwrap_or_default()).await.unwrap();
        assert_eq!((taken.erased, taken.added), (1, 0), "a word of its own is needed");
        // A file that an edition goes to names them still.
        let mut people = Some(vec![person(1), ysolde()]);
        let mut next = || people.take().unwrap_or_default();
        let id = store.freeze(&edition(9), Audience::These(&mut next)).await.unwrap().unwrap();
        assert_eq!(store.counts(id).await.unwrap().eligible, 1);
        // The old letter's link.
        assert_eq!(store.leave(7, Some("a"), moment(9200)).await.unwrap(), 0);
        let left = store.leave_from_page(7, "a", moment(9200)).await.unwrap();
        assert_eq!((left.since, left.can_be_undone), (moment(9000), false));
        assert!(store.standing(7).await.unwrap().is_empty());

        let word = Intake { revive_erased: true, ..again };
        let mut people = Some(vec![ysolde()]);
        let taken = store.take_in(&word, || people.take().unwrap_or_default()).await.unwrap();
        assert_eq!((taken.erased, taken.added), (0, 1));
        assert_eq!(store.erased_since(7).await.unwrap(), None);
    });
}

fn a_letter_on_its_way_is_cleaned_up_once_it_has_arrived(place: Place) {
    wait(async {
        let mut store = filled(&place).await;
        let worker = store.hire("test").await.unwrap().id.to_string();
        let desk = Desk { edition: 3, newsletter: "a", worker: &worker, now: moment(8000) };
        let begin = |recipient| Begin { recipient, connection: 0, message_id: format!("<{recipient}@example.org>") };
        sqlx::query("DELETE FROM suppressions").execute(&mut store.connection).await.unwrap();
        store.claim(3, &worker, moment(8000), 100, &[]).await.unwrap();
        assert_eq!(store.settle(desk, &[], &[begin(7)]).await.unwrap().begun, [true]);

        let erased = store.erase(7, moment(9000)).await.unwrap();
        assert_eq!((erased.deliveries, erased.under_way), (4, 1));
        assert_eq!(store.sweep_erased(moment(9001)).await.unwrap(), 0, "it is still under way");
        // The server's answer puts it off: it is not tried again.
        let put_off = Verdict::Deferred { next_try: moment(9002) };
        let words = format!("450 later, {EMAIL}");
        let settled = Settled { recipient: 7, email: EMAIL.to_string(), verdict: put_off, reply: words };
        store.settle(desk, &[settled], &[]).await.unwrap();
        let claimed = store.claim(3, &worker, moment(9100), 100, &[]).await.unwrap();
        assert!(claimed.iter().any(|one| one.recipient == 7));
        assert_eq!(store.settle(desk, &[], &[begin(7)]).await.unwrap().begun, [false], "no body starts");
        assert_eq!(store.sweep_erased(moment(9200)).await.unwrap(), 1);
        assert!(!dump(&mut store).await.contains("ysolde"));
        assert_eq!(store.counts(3).await.unwrap().suppressed, 1);
        assert_eq!(store.sweep_erased(moment(9300)).await.unwrap(), 0);
    });
}

fn whoever_was_erased_comes_back_by_their_own_word(place: Place) {
    wait(async {
        let mut store = filled(&place).await;
        store.erase(7, moment(9000)).await.unwrap();
        let mut transaction = store.write().await.unwrap();
        assert!(welcome_again(&mut transaction, 7).await.unwrap());
        assert!(!welcome_again(&mut transaction, 7).await.unwrap());
        transaction.commit().await.unwrap();
        let taken = take(&mut store, false, vec![ysolde()]).await;
        assert_eq!((taken.erased, taken.added), (0, 1));
        let told = store.history_of(7).await.unwrap();
        assert_eq!(told.iter().filter(|one| one.said.is_some()).count(), 1, "what was before stays unreadable");
    });
}

fn erasing_somebody_unknown_keeps_them_away(place: Place) {
    wait(async {
        let mut store = filled(&place).await;
        let erased = store.erase(77, moment(9000)).await.unwrap();
        assert_eq!(erased, Erased { was_known: false, deliveries: 0, under_way: 0 });
        assert_eq!(take(&mut store, false, vec![person(77)]).await.erased, 1);
    });
}

fn whoever_is_erased_during_an_import_is_gone_when_both_are_done(place: Place) {
    let database = place.database.clone();
    let erase = move || wait(async { Store::open(&database).await.unwrap().erase(7, moment(9000)).await.unwrap() });
    wait(async {
        let mut store = filled(&place).await;
        let mut erasing = None;
        let mut batches = 0;
        let next = || {
            batches += 1;
            match batches {
                // So many are written at once, uncommitted.
                1 => (100..20_100).map(person).chain([ysolde(), person(8)]).collect(),
                2 => {
                    erasing = Some(std::thread::spawn(erase.clone()));
                    std::thread::sleep(std::time::Duration::from_millis(700));
                    vec![person(9)]
                }
                _ => Vec::new(),
            }
        };
        let import = Intake { newsletter: "b".to_string(), ..intake() };
        assert_eq!(store.take_in(&import, next).await.unwrap().added, 20_003);
        erasing.unwrap().join().unwrap();
        assert!(!dump(&mut store).await.contains("ysolde"));
        assert!(store.standing(7).await.unwrap().is_empty());
        assert!(store.history_of(7).await.unwrap().iter().all(|entry| entry.said.is_none()));
        assert_eq!(store.verify_history(None).await.unwrap().fault, None);
        assert_eq!(store.count_subscribed("b").await.unwrap(), 20_002);
    });
}
