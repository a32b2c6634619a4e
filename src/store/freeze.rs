//! Freezing: an edition, its variants and its list of people appear whole, or not at all.

use chrono::{DateTime, Utc};
use sqlx::AnyConnection;

use super::editions::State;
use super::newsletters::{How, announce};
use super::pictures::{self, KeptPicture};
use super::recipients::Addressee;
use super::shares::{self, Share};
use super::{Alone, Places, Result, Store, storable};
use crate::config::Segment;

/// An edition about to be frozen.
#[derive(Clone, Debug)]
pub struct NewEdition {
    pub newsletter: String,
    pub number: i64,
    pub state: State,
    /// Why it is held, or what it waits for.
    pub reason: Option<String>,
    /// Ids, as shown.
    pub items: Vec<String>,
    /// Every id that counts as announced with it.
    pub counted: Vec<String>,
    /// Ids that a person crossed out of it.
    pub declined: Vec<String>,
    /// JSON.
    pub content: String,
    /// JSON, each.
    pub variants: Vec<String>,
    /// What each choice of topics gets; who made none of them gets the first variant.
    pub shares: Vec<Share>,
    /// Kept with it, though items and files change.
    pub pictures: Vec<KeptPicture>,
    /// For this long.
    pub pictures_until: DateTime<Utc>,
    pub composed: DateTime<Utc>,
    /// Composed ahead: it goes by itself then.
    pub send_at: Option<DateTime<Utc>>,
    /// The newsletter's moments up to here are seen to with it.
    pub considered: DateTime<Utc>,
}

/// Who an edition goes to.
pub enum Audience<'a> {
    /// Whoever is subscribed to its newsletter.
    Subscribed,
    /// Of those, whoever belongs to a segment.
    Segment(&'a Segment),
    /// These, in batches until an empty one; who left its newsletter is taken out.
    These(&'a mut dyn FnMut() -> Vec<Addressee>),
    /// The same, each batch sorted by the variant that its people get.
    Sorted(&'a mut dyn FnMut() -> Vec<(i64, Vec<Addressee>)>),
}

/// How many people one statement lists.
const PEOPLE: usize = 250;

impl Store {
    /// Freezes an edition with its list: all of it, or nothing. Gives its id, or `None` when there is nobody to send to
    /// (and then nothing is remembered).
    pub async fn freeze(&mut self, edition: &NewEdition, audience: Audience<'_>) -> Result<Option<i64>> {
        let postgres = self.is_postgres();
        let mut transaction = self.write_alone(Alone::Numbering).await?;
        let last: Option<i64> =
            sqlx::query_scalar("SELECT MAX(id) FROM editions").fetch_one(&mut *transaction).await?;
        let id = last.unwrap_or(0) + 1;
        if !write_all(&mut transaction, postgres, id, edition, audience).await? {
            transaction.rollback().await?;
            return Ok(None);
        }
        transaction.commit().await?;
        Ok(Some(id))
    }

    /// Freezes an edition anew, its list too, in the place of what was frozen as `id`; what was not shown any more is new
    /// again. Says whether it did: not once anybody was tried, and not for nobody.
    pub async fn refreeze(&mut self, id: i64, edition: &NewEdition, audience: Audience<'_>) -> Result<bool> {
        let postgres = self.is_postgres();
        let mut transaction = self.write_alone(Alone::Numbering).await?;
        let touched: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) + (SELECT COUNT(*) FROM totals WHERE edition = $1) FROM deliveries
             WHERE edition = $1 AND (attempts > 0 OR state NOT IN ('pending', 'suppressed'))",
        )
        .bind(id)
        .fetch_one(&mut *transaction)
        .await?;
        if touched > 0 {
            return Ok(false);
        }
        for text in [
            "DELETE FROM deliveries WHERE edition = $1",
            "DELETE FROM variants WHERE edition = $1",
            "DELETE FROM shares WHERE edition = $1",
            "DELETE FROM announced WHERE edition = $1",
            "DELETE FROM editions WHERE id = $1",
        ] {
            sqlx::query(text).bind(id).execute(&mut *transaction).await?;
        }
        if !write_all(&mut transaction, postgres, id, edition, audience).await? {
            transaction.rollback().await?;
            return Ok(false);
        }
        transaction.commit().await?;
        Ok(true)
    }
}

/// An edition, its variants, its list and what it announces; `false`: nobody is on the list.
async fn write_all(
    transaction: &mut AnyConnection,
    postgres: bool,
    id: i64,
    edition: &NewEdition,
    audience: Audience<'_>,
) -> Result<bool> {
    write_edition(transaction, id, edition).await?;
    shares::write_shares(transaction, id, &edition.shares).await?;
    let somebody = match audience {
        Audience::Subscribed => {
            shares::list_subscribed(transaction, postgres, id, edition, &Segment::default()).await?
        }
        Audience::Segment(segment) => shares::list_subscribed(transaction, postgres, id, edition, segment).await?,
        Audience::These(next) => {
            list_these(transaction, postgres, id, edition, &mut || one_variant(next())).await?;
            has_list(transaction, id).await?
        }
        Audience::Sorted(next) => {
            // There may be people for whom nothing is in it.
            list_these(transaction, postgres, id, edition, next).await? || has_list(transaction, id).await?
        }
    };
    if !somebody {
        return Ok(false);
    }
    sqlx::query(
        "UPDATE deliveries SET state = 'suppressed', reply = 'the address is suppressed'
             WHERE edition = $1 AND recipient IN (SELECT recipient FROM suppressions)",
    )
    .bind(id)
    .execute(&mut *transaction)
    .await?;
    pictures::keep(transaction, &edition.pictures, edition.pictures_until).await?;
    let name = &edition.newsletter;
    announce(transaction, name, &edition.items, How::Announced, Some(id), edition.composed).await?;
    announce(transaction, name, &edition.counted, How::Counted, Some(id), edition.composed).await?;
    announce(transaction, name, &edition.declined, How::Declined, Some(id), edition.composed).await?;
    sqlx::query(
        "UPDATE newsletters SET considered_at = CASE WHEN considered_at < $1 THEN $1 ELSE considered_at END,
                waiting_since = NULL, brake = NULL
             WHERE name = $2",
    )
    .bind(edition.considered.timestamp())
    .bind(name)
    .execute(&mut *transaction)
    .await?;
    Ok(true)
}

async fn write_edition(connection: &mut AnyConnection, id: i64, edition: &NewEdition) -> Result<()> {
    sqlx::query(
        "INSERT INTO editions (id, newsletter, number, state, reason, brakes, items, content, composed_at, send_at)
         VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $8, $9)",
    )
    .bind(id)
    .bind(&edition.newsletter)
    .bind(edition.number)
    .bind(edition.state.as_str())
    .bind(edition.reason.as_deref())
    .bind(serde_json::to_string(&edition.items)?)
    .bind(&edition.content)
    .bind(edition.composed.timestamp())
    .bind(edition.send_at.map(|moment| moment.timestamp()))
    .execute(&mut *connection)
    .await?;
    for (variant, content) in (0i64..).zip(&edition.variants) {
        sqlx::query("INSERT INTO variants (edition, variant, content) VALUES ($1, $2, $3)")
            .bind(id)
            .bind(variant)
            .bind(content)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// People who all get the first variant; none of them: the end.
fn one_variant(people: Vec<Addressee>) -> Vec<(i64, Vec<Addressee>)> {
    if people.is_empty() { Vec::new() } else { vec![(0, people)] }
}

async fn has_list(connection: &mut AnyConnection, id: i64) -> Result<bool> {
    let listed: Option<i64> = sqlx::query_scalar("SELECT recipient FROM deliveries WHERE edition = $1 LIMIT 1")
        .bind(id)
        .fetch_optional(connection)
        .await?;
    Ok(listed.is_some())
}

/// Lists people in batches. Tells whether there were batches, were they of nobody.
async fn list_these(
    connection: &mut AnyConnection,
    postgres: bool,
    id: i64,
    edition: &NewEdition,
    next: &mut dyn FnMut() -> Vec<(i64, Vec<Addressee>)>,
) -> Result<bool> {
    let mut batches = false;
    loop {
        let sorted = next();
        if sorted.is_empty() {
            break;
        }
        batches = true;
        for (variant, people) in &sorted {
            for batch in people.chunks(PEOPLE) {
                list_batch(connection, postgres, id, edition, (*variant, batch)).await?;
            }
        }
    }
    sqlx::query(
        "DELETE FROM deliveries WHERE edition = $1 AND EXISTS
            (SELECT 1 FROM subscriptions s
             WHERE s.newsletter = $2 AND s.recipient = deliveries.recipient AND s.state = 'left')",
    )
    .bind(id)
    .bind(&edition.newsletter)
    .execute(&mut *connection)
    .await?;
    // A file may still name them.
    sqlx::query("DELETE FROM deliveries WHERE edition = $1 AND recipient IN (SELECT recipient FROM erased)")
        .bind(id)
        .execute(connection)
        .await?;
    Ok(batches)
}

async fn list_batch(
    connection: &mut AnyConnection,
    postgres: bool,
    id: i64,
    edition: &NewEdition,
    (variant, people): (i64, &[Addressee]),
) -> Result<()> {
    let mut places = Places::new(postgres);
    let text = format!(
        "INSERT INTO deliveries (edition, next_try, updated_at, variant, state, attempts, uncertain,
            recipient, email, name, fields)
         SELECT {}, {}, {}, {variant}, 'pending', 0, 0, v.column1, v.column2, v.column3, v.column4
         FROM (VALUES {}) AS v WHERE 1 = 1 ON CONFLICT (edition, recipient) DO NOTHING",
        places.one(),
        places.one(),
        places.one(),
        places.rows(people.len(), 4)
    );
    let composed = edition.composed.timestamp();
    let mut query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(id).bind(composed).bind(composed);
    for person in people {
        query = query
            .bind(person.id)
            .bind(&person.email)
            .bind(person.name.as_deref().map(|name| storable(name).into_owned()))
            .bind(&person.fields);
    }
    query.execute(connection).await?;
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::store::newsletters::moment;
    use crate::store::recipients::tests::{person, take};
    use crate::store::tests::{Place, on_both_stores, wait};

    pub(crate) fn edition(number: i64) -> NewEdition {
        NewEdition {
            newsletter: "a".to_string(),
            number,
            state: State::Sending,
            reason: None,
            items: vec!["one".to_string()],
            counted: vec!["one".to_string(), "two".to_string()],
            declined: Vec::new(),
            content: "{}".to_string(),
            variants: vec!["\"v\"".to_string()],
            shares: Vec::new(),
            pictures: Vec::new(),
            pictures_until: moment(5000),
            composed: moment(5000),
            send_at: None,
            considered: moment(4000),
        }
    }

    on_both_stores! {
        an_edition_is_frozen_with_its_list_and_its_items_count_as_announced,
        people_of_a_file_are_listed_once_and_those_who_left_are_not,
        an_edition_for_nobody_is_not_remembered,
    }

    fn an_edition_is_frozen_with_its_list_and_its_items_count_as_announced(place: Place) {
        wait(async {
            let mut store = place.open().await;
            store.start_newsletter("a", &[], moment(100)).await.unwrap();
            take(&mut store, false, (0..1001).map(person).collect()).await;
            store.leave(3, Some("a"), moment(1)).await.unwrap();
            let id = store.freeze(&edition(1), Audience::Subscribed).await.unwrap().unwrap();
            let counts = store.counts(id).await.unwrap();
            assert_eq!((counts.eligible, counts.pending), (1000, 1000));
            assert!(counts.balance());
            assert_eq!(store.announced("a").await.unwrap().len(), 2);
            assert_eq!(store.newsletter("a").await.unwrap().unwrap().considered, moment(4000));
            assert_eq!(store.next_number("a", 1).await.unwrap(), 2);
            assert_eq!(store.next_number("a", 40).await.unwrap(), 40);
            assert_eq!(store.content(id).await.unwrap(), ("{}".to_string(), vec!["\"v\"".to_string()]));
        });
    }

    fn people_of_a_file_are_listed_once_and_those_who_left_are_not(place: Place) {
        wait(async {
            let mut store = place.open().await;
            store.leave(2, Some("a"), moment(1)).await.unwrap();
            let mut people = Some(vec![person(1), person(2), person(1), person(4)]);
            let mut next = || people.take().unwrap_or_default();
            let id = store.freeze(&edition(1), Audience::These(&mut next)).await.unwrap().unwrap();
            assert_eq!(store.counts(id).await.unwrap().eligible, 2);
        });
    }

    fn an_edition_for_nobody_is_not_remembered(place: Place) {
        wait(async {
            let mut store = place.open().await;
            assert_eq!(store.freeze(&edition(1), Audience::Subscribed).await.unwrap(), None);
            assert!(store.editions().await.unwrap().is_empty());
            assert!(store.announced("a").await.unwrap().is_empty());
        });
    }
}
