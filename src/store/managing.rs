//! What people see and do about themselves on the page that a mailed link opens.
//!
//! Promises: whether a link leaves tells nothing to whoever asks for one: known or not, it is one transaction that ends on
//! the disk. [`held`](Store::held) is everything that the database has of a person, whatever table it lies in.
//!
//! BUGS: an address that complained gets no link: its person asks the operator.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection, Row};

use super::moving::has_complained;
use super::newsletters::moment;
use super::outbox::{self, Limit, Waiting};
use super::signups::{Confirmed, Signup};
use super::{Alone, Result, Store, signups};

/// How somebody stands with a newsletter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    pub newsletter: String,
    /// `subscribed`, `left`, `retired`.
    pub state: String,
    pub since: DateTime<Utc>,
    /// `None`: everything.
    pub topics: Option<String>,
}

/// Somebody, as their own page shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub email: String,
    pub name: Option<String>,
    pub subscriptions: Vec<Subscription>,
    /// Why no letter of a newsletter goes there: `bounce`, `refused`, `complaint`.
    pub suppressed: Option<String>,
}

impl Store {
    /// Keeps the letter with the link for whoever is known, as far as limits allow. It comes from the first of `newsletters` that
    /// they are on, else from the one that it names.
    pub async fn ask_to_manage(&mut self, letter: &Waiting, newsletters: &[String], limits: &[Limit]) -> Result<()> {
        let mut transaction = self.write_alone(Alone::Asking).await?;
        let may = outbox::allows(&mut transaction, limits, letter.asked).await?;
        let email = address(&mut transaction, letter.recipient).await?;
        let complained = has_complained(&mut transaction, letter.recipient).await?;
        let own: Vec<String> =
            sqlx::query_scalar("SELECT newsletter FROM subscriptions WHERE recipient = $1 ORDER BY newsletter")
                .bind(letter.recipient)
                .fetch_all(&mut *transaction)
                .await?;
        let email = email.filter(|_| may && !complained);
        let unanswered = email.is_none();
        let newsletter = newsletters.iter().find(|one| own.contains(one)).unwrap_or(&letter.newsletter).clone();
        let email = email.unwrap_or_else(|| letter.email.clone());
        // Done and undone where no letter leaves: it takes as long.
        let mut part = transaction.begin().await?;
        outbox::put(&mut part, &Waiting { email, newsletter, ..letter.clone() }).await?;
        outbox::count(&mut part, limits, letter.asked).await?;
        signups::end(part, !unanswered).await?;
        outbox::count_unanswered(&mut transaction, &letter.newsletter, letter.asked, unanswered).await?;
        Ok(transaction.commit().await?)
    }

    /// Somebody by their number; `None`: nobody of that number is known.
    pub async fn person(&mut self, recipient: i64) -> Result<Option<Person>> {
        let Some(email) = address(&mut self.connection, recipient).await? else { return Ok(None) };
        let name: Option<Option<String>> = sqlx::query_scalar("SELECT name FROM recipients WHERE id = $1")
            .bind(recipient)
            .fetch_optional(&mut self.connection)
            .await?;
        let rows = sqlx::query(
            "SELECT newsletter, state, since, topics FROM subscriptions WHERE recipient = $1 ORDER BY newsletter",
        )
        .bind(recipient)
        .fetch_all(&mut self.connection)
        .await?;
        let subscriptions = rows
            .iter()
            .map(|row| {
                Ok(Subscription {
                    newsletter: row.try_get(0)?,
                    state: row.try_get(1)?,
                    since: moment(row.try_get(2)?),
                    topics: row.try_get(3)?,
                })
            })
            .collect::<Result<_>>()?;
        let suppressed = signups::suppressed(&mut self.connection, recipient).await?;
        Ok(Some(Person { email, name: name.flatten(), subscriptions, suppressed }))
    }

    /// Subscribes whoever has shown that the address is theirs.
    pub async fn join_at_once(&mut self, signup: &Signup) -> Result<Confirmed> {
        let mut transaction = self.write().await?;
        signups::keep(&mut transaction, signup).await?;
        transaction.commit().await?;
        self.confirm(&signup.newsletter, signup.recipient, signup.asked, signup.asked).await
    }

    /// Everything that is held about somebody, under the address that they have now and those that they had before.
    pub async fn held(&mut self, recipient: i64) -> Result<Value> {
        let mut all = Map::new();
        let earlier = self.earlier_addresses(recipient).await?;
        let mut numbers = vec![recipient];
        numbers.extend(&earlier);
        for (name, text, columns) in TABLES {
            let mut rows = Vec::new();
            for number in &numbers {
                let found = sqlx::query(*text).bind(*number).fetch_all(&mut self.connection).await?;
                for row in &found {
                    rows.push(of_row(row, columns)?);
                }
            }
            all.insert(name.to_string(), rows.into());
        }
        let mut history = Vec::new();
        for number in numbers {
            for entry in self.history_of(number).await? {
                let mut said = match entry.said {
                    Some(said) => serde_json::to_value(said)?,
                    None => json!({}),
                };
                if let Some(at) = said["at"].as_i64() {
                    said["at"] = written(at);
                }
                history.push(said);
            }
        }
        all.insert("history".to_string(), history.into());
        Ok(all.into())
    }
}

/// What a column holds.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Moment,
    Json,
    /// Names between spaces.
    Names,
}

use Kind::{Json, Moment, Names, Number, Text};

type Table = (&'static str, &'static str, &'static [(&'static str, Kind)]);

const TABLES: &[Table] = &[
    (
        "person",
        "SELECT email, name, fields, tags, basis, proof, added_at, updated_at FROM recipients WHERE id = $1",
        &[
            ("address", Text), ("name", Text), ("fields", Json), ("tags", Names), ("basis", Text), ("proof", Text),
            ("added", Moment), ("updated", Moment),
        ],
    ),
    (
        "subscriptions",
        "SELECT newsletter, state, source, since, topics FROM subscriptions WHERE recipient = $1 ORDER BY newsletter",
        &[("newsletter", Text), ("state", Text), ("source", Text), ("since", Moment), ("topics", Names)],
    ),
    (
        "suppressions",
        "SELECT email, reason, reply, at FROM suppressions WHERE recipient = $1",
        &[("address", Text), ("reason", Text), ("reply", Text), ("at", Moment)],
    ),
    (
        "deliveries",
        "SELECT e.newsletter, e.number, d.email, d.name, d.fields, d.state, d.attempts, d.updated_at, d.reply, d.message_id
         FROM deliveries d JOIN editions e ON e.id = d.edition WHERE d.recipient = $1 ORDER BY e.composed_at, e.id",
        &[
            ("newsletter", Text), ("number", Number), ("address", Text), ("name", Text), ("fields", Json), ("state", Text),
            ("attempts", Number), ("at", Moment), ("reply", Text), ("message_id", Text),
        ],
    ),
    (
        "returned",
        "SELECT e.newsletter, e.number, r.kind, r.words, r.at FROM returned r JOIN editions e ON e.id = r.edition
         WHERE r.recipient = $1 ORDER BY r.at, r.mark",
        &[("newsletter", Text), ("number", Number), ("kind", Text), ("words", Text), ("at", Moment)],
    ),
    (
        "asked",
        "SELECT newsletter, asked_at, email, name, topics, consent, consent_version FROM signups WHERE recipient = $1
         ORDER BY asked_at, newsletter",
        &[
            ("newsletter", Text), ("at", Moment), ("address", Text), ("name", Text), ("topics", Names), ("wording", Text),
            ("consent_version", Text),
        ],
    ),
    (
        "moves_asked",
        "SELECT asked_at, email FROM moves WHERE recipient = $1 ORDER BY asked_at, to_recipient",
        &[("at", Moment), ("address", Text)],
    ),
    (
        "letters_waiting",
        "SELECT newsletter, kind, email, asked_at, expires_at FROM outbox WHERE recipient = $1 ORDER BY asked_at, id",
        &[("newsletter", Text), ("kind", Text), ("address", Text), ("at", Moment), ("until", Moment)],
    ),
    ("moved", "SELECT at FROM moved WHERE recipient = $1", &[("at", Moment)]),
];

fn of_row(row: &AnyRow, columns: &[(&str, Kind)]) -> Result<Value> {
    let mut value = Map::new();
    for (place, (name, kind)) in columns.iter().enumerate() {
        let said: Value = match kind {
            Number => row.try_get::<Option<i64>, _>(place)?.into(),
            Moment => row.try_get::<Option<i64>, _>(place)?.map_or(Value::Null, written),
            Text => row.try_get::<Option<String>, _>(place)?.into(),
            Json => {
                let text: Option<String> = row.try_get(place)?;
                text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
            }
            Names => {
                let text: Option<String> = row.try_get(place)?;
                text.map_or(Value::Null, |text| text.split_whitespace().collect::<Vec<_>>().into())
            }
        };
        value.insert(name.to_string(), said);
    }
    Ok(value.into())
}

fn written(seconds: i64) -> Value {
    moment(seconds).to_rfc3339_opts(chrono::SecondsFormat::Secs, true).into()
}

/// The address of whoever is known: of the people, or of the last letter to somebody from a file.
async fn address(connection: &mut AnyConnection, recipient: i64) -> Result<Option<String>> {
    let known: Option<String> = sqlx::query_scalar("SELECT email FROM recipients WHERE id = $1")
        .bind(recipient)
        .fetch_optional(&mut *connection)
        .await?;
    // Both are asked, whatever the first says: it takes as long.
    let written: Option<String> = sqlx::query_scalar(
        "SELECT email FROM deliveries WHERE recipient = $1 AND NOT EXISTS (SELECT 1 FROM moved WHERE recipient = $1)
         ORDER BY edition DESC LIMIT 1",
    )
    .bind(recipient)
    .fetch_optional(connection)
    .await?;
    Ok(known.or(written))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::outbox::tests::letter;
    use crate::store::recipients::tests::{person, take};
    use crate::store::tests::{Place, on_both_stores, wait};

    on_both_stores! {
        a_link_leaves_for_whoever_is_known_and_has_not_complained,
        everything_that_is_held_is_told,
    }

    fn a_link_leaves_for_whoever_is_known_and_has_not_complained(place: Place) {
        wait(async {
            let mut store = place.open().await;
            take(&mut store, false, vec![person(1), person(2)]).await;
            sqlx::query("INSERT INTO suppressions (recipient, email, reason, at) VALUES (2, 'p', 'complaint', 1)")
                .execute(&mut store.connection)
                .await
                .unwrap();
            for recipient in [1, 2, 3] {
                let letter = Waiting { newsletter: "z".to_string(), ..letter(recipient, 100) };
                store.ask_to_manage(&letter, &["a".to_string()], &[]).await.unwrap();
            }
            let letters = store.take_letters(moment(200), chrono::TimeDelta::days(1)).await.unwrap();
            let shown: Vec<_> = letters.iter().map(|one| (one.recipient, &*one.newsletter, &*one.email)).collect();
            assert_eq!(shown, [(1, "a", "p0000001@example.org")], "to the address that is kept, not the one typed");
        });
    }

    fn everything_that_is_held_is_told(place: Place) {
        wait(async {
            let mut store = place.open().await;
            take(&mut store, false, vec![person(1)]).await;
            store.choose(1, "a", Some("x y"), "page", moment(150)).await.unwrap();
            let held = store.held(1).await.unwrap();
            assert_eq!(held["person"][0]["address"], "p0000001@example.org");
            assert_eq!(held["subscriptions"][0]["topics"], json!(["x", "y"]));
            assert_eq!(held["history"].as_array().unwrap().last().unwrap()["what"], "topics");
            for (name, ..) in TABLES {
                assert!(held[*name].is_array(), "{name}");
            }
            let person = store.person(1).await.unwrap().unwrap();
            assert_eq!(person.subscriptions[0].topics.as_deref(), Some("x y"));
            assert_eq!(store.person(9).await.unwrap(), None);
        });
    }
}
