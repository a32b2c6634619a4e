//! A newsletter's readers by their tags and by what they chose of its topics: who they are, and what each choice gets of an
//! edition.
//!
//! Promises: one statement lists a whole edition's readers, whatever their number; whoever chose what the edition did not
//! know of yet gets everything, so that nobody is missed.

use std::collections::btree_map;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{AnyConnection, Row};

use super::freeze::NewEdition;
use super::history::{self, Entry, What};
use super::{Places, Result, Store};
use crate::config::Segment;

/// What a subscription `s` wants of an edition: its topics, and what was received before it; `NULL`: everything.
pub(super) const CHOICE: &str =
    "CASE WHEN s.carried IS NULL THEN s.topics ELSE TRIM(COALESCE(s.topics, '') || ' ' || s.carried) END";

/// No letter, for nothing in it is of their topics.
const NOTHING: i64 = -1;

/// What those get who chose the same topics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// As the database keeps it: sorted names with single spaces between them.
    pub topics: String,
    /// `None`: nothing is in it for them, and no letter goes to them.
    pub variant: Option<i64>,
}

impl Store {
    /// The distinct choices of a newsletter's readers, each with how many made it, the most frequent first. Who chose nothing
    /// gets everything, and is not among them.
    pub async fn choices(&mut self, newsletter: &str, segment: &Segment) -> Result<Vec<(String, u64)>> {
        let mut places = Places::new(self.is_postgres());
        let text = format!(
            "SELECT {CHOICE}, COUNT(*) FROM subscriptions s JOIN recipients r ON r.id = s.recipient
             WHERE s.newsletter = {} AND s.state = 'subscribed' AND (s.topics IS NOT NULL OR s.carried IS NOT NULL){}
             GROUP BY {CHOICE}",
            places.one(),
            condition(segment, &mut places)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(newsletter);
        for tag in values(segment) {
            query = query.bind(tag);
        }
        let rows = query.fetch_all(&mut self.connection).await?;
        let mut choices = Vec::with_capacity(rows.len());
        for row in &rows {
            let count: i64 = row.try_get(1)?;
            choices.push((row.try_get(0)?, count.unsigned_abs()));
        }
        // Here, for databases do not agree on the order of texts.
        choices.sort_by(|(a, many), (b, more): &(String, u64)| more.cmp(many).then_with(|| a.cmp(b)));
        Ok(choices)
    }

    /// The items that each choice names as received, by the choice; those that name none are left out.
    pub async fn received(&mut self, choices: &[String]) -> Result<BTreeMap<String, BTreeSet<String>>> {
        let mut received = BTreeMap::new();
        let mut read: BTreeMap<(i64, i64), Vec<String>> = BTreeMap::new();
        for choice in choices {
            let mut items = BTreeSet::new();
            for (edition, variant) in carried(choice) {
                if let btree_map::Entry::Vacant(place) = read.entry((edition, variant)) {
                    let content: Option<String> =
                        sqlx::query_scalar("SELECT content FROM variants WHERE edition = $1 AND variant = $2")
                            .bind(edition)
                            .bind(variant)
                            .fetch_optional(&mut self.connection)
                            .await?;
                    let content: Value =
                        content.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
                    let ids = content["items"].as_array().into_iter().flatten().filter_map(Value::as_str);
                    place.insert(ids.map(str::to_string).collect());
                }
                items.extend(read.get(&(edition, variant)).into_iter().flatten().cloned());
            }
            if !items.is_empty() {
                received.insert(choice.clone(), items);
            }
        }
        Ok(received)
    }

    /// What somebody chose of a newsletter's topics, from now on; `None`: everything. Tells whether it is another choice than before;
    /// nobody chooses who is not subscribed.
    pub async fn choose(
        &mut self,
        recipient: i64,
        newsletter: &str,
        topics: Option<&str>,
        source: &str,
        now: DateTime<Utc>,
    ) -> Result<bool> {
        let mut transaction = self.write().await?;
        let changed = sqlx::query(
            "UPDATE subscriptions SET topics = $1 WHERE newsletter = $2 AND recipient = $3 AND state = 'subscribed'
                AND COALESCE(topics, '') <> COALESCE($1, '')",
        )
        .bind(topics)
        .bind(newsletter)
        .bind(recipient)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        if changed > 0 {
            // Everything is a choice too, and it is written down as one.
            let entry = Entry { topics: topics.or(Some("")), ..Entry::new(recipient, What::Topics, source, now) };
            history::append(&mut transaction, &[entry.on(newsletter)]).await?;
        }
        transaction.commit().await?;
        Ok(changed > 0)
    }

    /// How many people of a segment a newsletter would go to now, but for those who chose one of `without`.
    pub async fn count_readers(&mut self, newsletter: &str, segment: &Segment, without: &[&str]) -> Result<i64> {
        let mut places = Places::new(self.is_postgres());
        let newsletter_place = places.one();
        let mut condition = condition(segment, &mut places);
        if !without.is_empty() {
            let wanted: Vec<String> = without.iter().map(|_| places.one()).collect();
            condition.push_str(&format!(" AND ({CHOICE} IS NULL OR {CHOICE} NOT IN ({}))", wanted.join(",")));
        }
        let text = format!(
            "SELECT COUNT(*) FROM subscriptions s JOIN recipients r ON r.id = s.recipient
             WHERE s.newsletter = {newsletter_place} AND s.state = 'subscribed'{condition}"
        );
        let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(text)).bind(newsletter);
        for tag in values(segment) {
            query = query.bind(tag);
        }
        for topics in without {
            query = query.bind(*topics);
        }
        Ok(query.fetch_one(&mut self.connection).await?)
    }
}

/// The editions that a choice names as received, with their variants.
pub fn carried(choice: &str) -> Vec<(i64, i64)> {
    let named = choice.split(' ').find_map(|word| word.strip_prefix('!')).unwrap_or_default();
    let one = |text: &str| {
        let (edition, variant) = text.split_once('.')?;
        Some((edition.parse().ok()?, variant.parse().ok()?))
    };
    named.split(',').filter_map(one).collect()
}

/// What whoever came from another newsletter received there counts for one letter, and is forgotten with the next.
async fn forget_carried(connection: &mut AnyConnection, edition: &NewEdition) -> Result<()> {
    sqlx::query(
        "UPDATE subscriptions SET carried = NULL WHERE newsletter = $1 AND carried IS NOT NULL
            AND since <= (SELECT MAX(composed_at) FROM editions WHERE newsletter = $1 AND composed_at < $2)",
    )
    .bind(&edition.newsletter)
    .bind(edition.composed.timestamp())
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps what each choice gets of an edition.
pub(super) async fn write_shares(connection: &mut AnyConnection, id: i64, shares: &[Share]) -> Result<()> {
    for share in shares {
        sqlx::query("INSERT INTO shares (edition, topics, variant) VALUES ($1, $2, $3)")
            .bind(id)
            .bind(&share.topics)
            .bind(share.variant.unwrap_or(NOTHING))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Lists whoever is subscribed to the edition's newsletter and of the segment, each with the variant of their choice. Tells
/// whether anybody would be listed if their topics did not matter.
pub(super) async fn list_subscribed(
    connection: &mut AnyConnection,
    postgres: bool,
    id: i64,
    edition: &NewEdition,
    segment: &Segment,
) -> Result<bool> {
    let mut places = Places::new(postgres);
    let by_topics = !edition.shares.is_empty();
    let variant = if by_topics { "COALESCE(h.variant, 0)" } else { "0" };
    let head = format!(
        "INSERT INTO deliveries (edition, recipient, email, name, fields, variant, state, attempts, uncertain,
            next_try, updated_at)
         SELECT CAST({} AS BIGINT), r.id, r.email, r.name, r.fields, {variant}, 'pending', 0, 0,
            CAST({} AS BIGINT), CAST({} AS BIGINT)
         FROM recipients r JOIN subscriptions s ON s.recipient = r.id",
        places.one(),
        places.one(),
        places.one()
    );
    let join = match by_topics {
        true => format!(" LEFT JOIN shares h ON h.edition = {} AND h.topics = {CHOICE}", places.one()),
        false => String::new(),
    };
    let of_them = format!(" WHERE s.newsletter = {} AND s.state = 'subscribed'", places.one());
    let of_segment = condition(segment, &mut places);
    let wanted = if by_topics { " AND COALESCE(h.variant, 0) >= 0" } else { "" };
    let text = format!("{head}{join}{of_them}{of_segment}{wanted} ORDER BY r.id");
    let composed = edition.composed.timestamp();
    let mut query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(id).bind(composed).bind(composed);
    if by_topics {
        query = query.bind(id);
    }
    query = query.bind(&edition.newsletter);
    for tag in values(segment) {
        query = query.bind(tag);
    }
    let listed = query.execute(&mut *connection).await?.rows_affected();
    forget_carried(connection, edition).await?;
    if listed > 0 || !by_topics {
        return Ok(listed > 0);
    }
    let mut places = Places::new(postgres);
    let text = format!(
        "SELECT s.recipient FROM recipients r JOIN subscriptions s ON s.recipient = r.id
         WHERE s.newsletter = {} AND s.state = 'subscribed'{} LIMIT 1",
        places.one(),
        condition(segment, &mut places)
    );
    let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(text)).bind(&edition.newsletter);
    for tag in values(segment) {
        query = query.bind(tag);
    }
    let somebody: Option<i64> = query.fetch_optional(connection).await?;
    Ok(somebody.is_some())
}

/// What a person `r` must be to belong to a segment; [`values`] are its values, in their order.
pub(super) fn condition(segment: &Segment, places: &mut Places) -> String {
    let mut text = String::new();
    if !segment.tags.is_empty() {
        let one_of: Vec<String> =
            segment.tags.iter().map(|_| format!("REPLACE(r.tags, {}, '') <> r.tags", places.one())).collect();
        text.push_str(&format!(" AND ({})", one_of.join(" OR ")));
    }
    for _ in &segment.not_tags {
        text.push_str(&format!(" AND REPLACE(r.tags, {}, '') = r.tags", places.one()));
    }
    text
}

/// A tag as it stands among others: between spaces.
pub(super) fn values(segment: &Segment) -> impl Iterator<Item = String> {
    segment.tags.iter().chain(&segment.not_tags).map(|tag| format!(" {tag} "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::freeze::Audience;
    use crate::store::freeze::tests::edition;
    use crate::store::newsletters::moment;
    use crate::store::recipients::tests::{person, take};
    use crate::store::tests::{Place, on_both_stores, wait};

    on_both_stores! {
        each_reader_is_listed_with_the_variant_of_their_topics,
        an_edition_that_no_reader_wanted_is_remembered_and_one_for_nobody_is_not,
        only_people_of_the_segment_are_readers,
        a_choice_is_written_down_once_and_nobody_chooses_who_is_not_subscribed,
    }

    async fn choose(store: &mut Store, recipient: i64, topics: &str) {
        assert!(store.choose(recipient, "a", Some(topics), "page", moment(200)).await.unwrap());
    }

    async fn tag(store: &mut Store, recipient: i64, tags: &str) {
        sqlx::query("UPDATE recipients SET tags = $1 WHERE id = $2")
            .bind(tags)
            .bind(recipient)
            .execute(&mut store.connection)
            .await
            .unwrap();
    }

    fn share(topics: &str, variant: Option<i64>) -> Share {
        Share { topics: topics.to_string(), variant }
    }

    async fn listed(store: &mut Store, id: i64) -> Vec<(i64, i64)> {
        let rows = sqlx::query("SELECT recipient, variant FROM deliveries WHERE edition = $1 ORDER BY recipient")
            .bind(id)
            .fetch_all(&mut store.connection)
            .await
            .unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    fn each_reader_is_listed_with_the_variant_of_their_topics(place: Place) {
        wait(async {
            let mut store = place.open().await;
            take(&mut store, false, (1..=7).map(person).collect()).await;
            for (recipient, topics) in [(2, "x"), (3, "y"), (4, "x y"), (5, "z"), (6, "x"), (7, "unheard")] {
                choose(&mut store, recipient, topics).await;
            }
            let choices = store.choices("a", &Segment::default()).await.unwrap();
            let shown: Vec<(&str, u64)> = choices.iter().map(|(topics, many)| (topics.as_str(), *many)).collect();
            assert_eq!(shown, [("x", 2), ("unheard", 1), ("x y", 1), ("y", 1), ("z", 1)]);
            let shares = vec![share("x", Some(1)), share("x y", Some(0)), share("y", Some(2)), share("z", None)];
            let new = NewEdition { shares, variants: ["0", "1", "2"].map(str::to_string).to_vec(), ..edition(1) };
            let id = store.freeze(&new, Audience::Subscribed).await.unwrap().unwrap();
            let expected = [(1, 0), (2, 1), (3, 2), (4, 0), (6, 1), (7, 0)];
            assert_eq!(listed(&mut store, id).await, expected);
            let counts = store.counts(id).await.unwrap();
            assert!(counts.balance() && counts.eligible == 6);
            assert_eq!(store.count_readers("a", &Segment::default(), &["z"]).await.unwrap(), 6);
            // Frozen anew, each has what the new choice gives.
            choose(&mut store, 5, "x").await;
            choose(&mut store, 1, "z").await;
            assert!(store.refreeze(id, &new, Audience::Subscribed).await.unwrap());
            let expected = [(2, 1), (3, 2), (4, 0), (5, 1), (6, 1), (7, 0)];
            assert_eq!(listed(&mut store, id).await, expected);
        });
    }

    fn an_edition_that_no_reader_wanted_is_remembered_and_one_for_nobody_is_not(place: Place) {
        wait(async {
            let mut store = place.open().await;
            let new = NewEdition { shares: vec![share("x", None)], ..edition(1) };
            assert_eq!(store.freeze(&new, Audience::Subscribed).await.unwrap(), None);
            take(&mut store, false, vec![person(1)]).await;
            choose(&mut store, 1, "x").await;
            let id = store.freeze(&new, Audience::Subscribed).await.unwrap().unwrap();
            assert_eq!(store.counts(id).await.unwrap().eligible, 0);
            assert!(store.finish_if_done(id, moment(6000)).await.unwrap());
            assert_eq!(store.announced("a").await.unwrap().len(), 2);
        });
    }

    fn a_choice_is_written_down_once_and_nobody_chooses_who_is_not_subscribed(place: Place) {
        wait(async {
            let mut store = place.open().await;
            take(&mut store, false, vec![person(1), person(2)]).await;
            store.leave(2, Some("a"), moment(150)).await.unwrap();
            for (recipient, topics, changes) in [
                (1, None, false),
                (1, Some("x"), true),
                (1, Some("x"), false),
                (1, None, true),
                (2, Some("x"), false),
                (3, Some("x"), false),
            ] {
                let changed = store.choose(recipient, "a", topics, "page", moment(200)).await.unwrap();
                assert_eq!(changed, changes, "{recipient} {topics:?}");
            }
            let said = store.history_of(1).await.unwrap().into_iter().filter_map(|entry| entry.said);
            let topics: Vec<_> =
                said.filter(|said| said.what == What::Topics).filter_map(|said| said.topics).collect();
            assert_eq!(topics, ["x", ""]);
        });
    }

    fn only_people_of_the_segment_are_readers(place: Place) {
        wait(async {
            let mut store = place.open().await;
            take(&mut store, false, (1..=5).map(person).collect()).await;
            for (recipient, tags) in
                [(1, " elu "), (2, " elu test "), (3, " presse referent "), (4, " elus "), (5, "")]
            {
                tag(&mut store, recipient, tags).await;
            }
            let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
            for (number, tags, not_tags, expected) in [
                (1, &["elu", "referent"][..], &["test"][..], &[1, 3][..]),
                (2, &[], &["elu"], &[3, 4, 5]),
                (3, &["test"], &[], &[2]),
            ] {
                let segment = Segment { tags: names(tags), not_tags: names(not_tags) };
                let id = store.freeze(&edition(number), Audience::Segment(&segment)).await.unwrap().unwrap();
                let people: Vec<i64> = listed(&mut store, id).await.into_iter().map(|(person, _)| person).collect();
                assert_eq!(people, expected, "{segment:?}");
                let counted = store.count_readers("a", &segment, &[]).await.unwrap();
                assert_eq!(counted, i64::try_from(expected.len()).unwrap());
            }
            let nobody = Segment { tags: names(&["personne"]), not_tags: Vec::new() };
            assert_eq!(store.freeze(&edition(4), Audience::Segment(&nobody)).await.unwrap(), None);
        });
    }
}
