//! What a person asks of the ledger, and says about it: why somebody did or did not get an edition, and what became of a
//! delivery that was cut off.
//!
//! Promises: whoever has moved is told what went to their earlier addresses, too.
//!
//! BUGS: why somebody is on no list of an edition is told by their topics, tags and letters as they are now, and by the segment
//! as it is configured now: what was changed since tells another story.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use sqlx::Row;

use super::newsletters::moment;
use super::{Places, Result, Store, shares};
use crate::config::Segment;

/// The state of a delivery of which nothing is known any more but what the edition's totals say, if it was one at all.
pub const NOT_KEPT: &str = "not kept";

/// One delivery, as `explain` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explained {
    pub newsletter: String,
    pub number: i64,
    pub edition_state: String,
    pub state: String,
    pub attempts: i64,
    pub uncertain: i64,
    pub next_try: DateTime<Utc>,
    pub updated: DateTime<Utc>,
    pub reply: Option<String>,
    pub message_id: Option<String>,
    /// Where it went, if that is an address that its person had before.
    pub earlier: Option<String>,
}

/// Why an edition has no letter for somebody who was subscribed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Nothing in it is of the topics that they chose.
    Topics(String),
    /// They had received what is in it for them, in letters of these newsletters.
    Received(Vec<String>),
    /// They do not belong to its newsletter's segment.
    Segment,
}

/// An edition that has no letter for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    pub newsletter: String,
    pub number: i64,
    pub why: Why,
}

impl Store {
    /// A person's word on an uncertain delivery: it was sent, or it is to be sent again. Tells whether it was uncertain.
    pub async fn resolve(&mut self, edition: i64, recipient: i64, sent: bool, now: DateTime<Utc>) -> Result<bool> {
        let (state, reply) =
            if sent { ("accepted", "a person said: sent") } else { ("pending", "a person said: send it again") };
        let resolved = sqlx::query(
            "UPDATE deliveries SET state = $1, reply = $2, next_try = $3, updated_at = $3
             WHERE edition = $4 AND recipient = $5 AND state = 'uncertain'",
        )
        .bind(state)
        .bind(reply)
        .bind(now.timestamp())
        .bind(edition)
        .bind(recipient)
        .execute(&mut self.connection)
        .await?;
        Ok(resolved.rows_affected() > 0)
    }

    /// The people of an edition whose deliveries stand in `state`: number and address, by address.
    pub async fn deliveries_in(&mut self, edition: i64, state: &str) -> Result<Vec<(i64, String)>> {
        let rows =
            sqlx::query("SELECT recipient, email FROM deliveries WHERE edition = $1 AND state = $2 AND email <> '' ORDER BY email")
                .bind(edition)
                .bind(state)
                .fetch_all(&mut self.connection)
                .await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }

    /// The editions of newsletters that somebody is on which had no letter for them, oldest first. `segments`: the newsletters', by name.
    pub async fn passed_over(
        &mut self,
        recipient: i64,
        segments: &BTreeMap<String, Segment>,
    ) -> Result<Vec<PassedOver>> {
        let mut outside = BTreeSet::new();
        for (newsletter, segment) in segments {
            if !self.belongs(recipient, segment).await? {
                outside.insert(newsletter);
            }
        }
        let received = self.received_by(recipient).await?;
        let rows = sqlx::query(
            "SELECT e.newsletter, e.number, h.topics, COALESCE(s.topics, '') FROM editions e
             JOIN subscriptions s ON s.newsletter = e.newsletter AND s.recipient = $1
             LEFT JOIN shares h ON h.edition = e.id AND h.variant < 0
             WHERE ((s.state = 'subscribed' AND s.since <= e.composed_at)
                OR (s.state <> 'subscribed' AND s.since > e.composed_at))
                AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.edition = e.id AND d.recipient = $1)
             ORDER BY e.composed_at, e.id, h.topics",
        )
        .bind(recipient)
        .fetch_all(&mut self.connection)
        .await?;
        let mut passed_over: Vec<PassedOver> = Vec::new();
        for row in &rows {
            let (newsletter, number): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
            let (choice, topics): (Option<String>, String) = (row.try_get(2)?, row.try_get(3)?);
            let why = match choice {
                _ if outside.contains(&newsletter) => Some(Why::Segment),
                Some(choice) => why(&choice, &topics, &received),
                None => None,
            };
            // One edition has a row for each choice that it had nothing for.
            let is_known =
                passed_over.last().is_some_and(|last| last.newsletter == newsletter && last.number == number);
            if let Some(why) = why.filter(|_| !is_known) {
                passed_over.push(PassedOver { newsletter, number, why });
            }
        }
        Ok(passed_over)
    }

    /// The same of a newsletter whose list is a file, for somebody who stands in it: whether they belong to its segment, and what they
    /// chose.
    pub async fn passed_over_in_file(
        &mut self,
        recipient: i64,
        newsletter: &str,
        belongs: bool,
        topics: Option<&str>,
    ) -> Result<Vec<PassedOver>> {
        let rows = sqlx::query(
            "SELECT e.number, h.topics FROM editions e
             LEFT JOIN shares h ON h.edition = e.id AND h.variant < 0 AND h.topics = $1
             WHERE e.newsletter = $2
                AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.edition = e.id AND d.recipient = $3)
             ORDER BY e.composed_at, e.id",
        )
        .bind(topics.unwrap_or(""))
        .bind(newsletter)
        .bind(recipient)
        .fetch_all(&mut self.connection)
        .await?;
        let mut passed_over = Vec::new();
        for row in &rows {
            let chosen: Option<String> = row.try_get(1)?;
            let why = if belongs { chosen.map(Why::Topics) } else { Some(Why::Segment) };
            let number = row.try_get(0)?;
            passed_over.extend(why.map(|why| PassedOver { newsletter: newsletter.to_string(), number, why }));
        }
        Ok(passed_over)
    }

    /// Whether somebody belongs to a segment.
    async fn belongs(&mut self, recipient: i64, segment: &Segment) -> Result<bool> {
        let mut places = Places::new(self.is_postgres());
        let text = format!(
            "SELECT r.id FROM recipients r WHERE r.id = {}{}",
            places.one(),
            shares::condition(segment, &mut places)
        );
        let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(text)).bind(recipient);
        for tag in shares::values(segment) {
            query = query.bind(tag);
        }
        let found: Option<i64> = query.fetch_optional(&mut self.connection).await?;
        Ok(found.is_some())
    }

    /// What somebody got, at any address: the newsletter of each edition, by the edition and its variant.
    async fn received_by(&mut self, recipient: i64) -> Result<BTreeMap<(i64, i64), String>> {
        let rows = sqlx::query(
            "SELECT d.edition, d.variant, e.newsletter FROM deliveries d JOIN editions e ON e.id = d.edition
             WHERE (d.recipient = $1 OR d.recipient IN (SELECT recipient FROM moved WHERE to_recipient = $1))
                AND d.state IN ('accepted', 'sending', 'uncertain')",
        )
        .bind(recipient)
        .fetch_all(&mut self.connection)
        .await?;
        rows.iter().map(|row| Ok(((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?))).collect()
    }

    /// The address that somebody moved to from this one, and when.
    pub async fn moved_to(&mut self, recipient: i64) -> Result<Option<(String, DateTime<Utc>)>> {
        let row = sqlx::query(
            "SELECT r.email, m.at FROM moved m JOIN recipients r ON r.id = m.to_recipient
             WHERE m.recipient = $1 AND NOT EXISTS (SELECT 1 FROM recipients WHERE id = $1)",
        )
        .bind(recipient)
        .fetch_optional(&mut self.connection)
        .await?;
        row.map(|row| Ok((row.try_get(0)?, moment(row.try_get(1)?)))).transpose()
    }

    /// What became of each edition for one person, at each address that they had, oldest first; `None` as the delivery: they were
    /// not on its list.
    pub async fn explain(&mut self, recipient: i64) -> Result<Vec<(String, i64, Option<Explained>)>> {
        let rows = sqlx::query(
            "SELECT e.newsletter, e.number, e.state, d.state, COALESCE(d.attempts, 0), COALESCE(d.uncertain, 0),
                COALESCE(d.next_try, 0), COALESCE(d.updated_at, COALESCE(e.reduced_at, 0)), d.reply, d.message_id,
                CASE WHEN e.reduced_at IS NULL THEN 0 ELSE 1 END,
                CASE WHEN d.recipient <> $1 THEN d.email END
             FROM editions e LEFT JOIN (
                SELECT o.* FROM deliveries o JOIN (
                    SELECT CAST($1 AS BIGINT) AS number UNION SELECT recipient FROM moved WHERE to_recipient = $1
                ) own ON own.number = o.recipient
             ) d ON d.edition = e.id
             ORDER BY e.composed_at, e.id, d.updated_at, d.recipient",
        )
        .bind(recipient)
        .fetch_all(&mut self.connection)
        .await?;
        rows.iter()
            .map(|row| {
                let (newsletter, number): (String, i64) = (row.try_get(0)?, row.try_get(1)?);
                let state: Option<String> = row.try_get(3)?;
                let reduced: i64 = row.try_get(10)?;
                let state = state.or((reduced == 1).then(|| NOT_KEPT.to_string()));
                let explained = match state {
                    None => None,
                    Some(state) => Some(Explained {
                        newsletter: newsletter.clone(),
                        number,
                        edition_state: row.try_get(2)?,
                        state,
                        attempts: row.try_get(4)?,
                        uncertain: row.try_get(5)?,
                        next_try: moment(row.try_get(6)?),
                        updated: moment(row.try_get(7)?),
                        reply: row.try_get(8)?,
                        message_id: row.try_get(9)?,
                        earlier: row.try_get(11)?,
                    }),
                };
                Ok((newsletter, number, explained))
            })
            .collect()
    }
}

/// Why whoever chose these topics and has received this gets nothing of an edition that has nothing for `choice`; `None`: it is
/// not their choice.
fn why(choice: &str, topics: &str, received: &BTreeMap<(i64, i64), String>) -> Option<Why> {
    let names = choice.split(' ').filter(|word| !word.starts_with('!')).collect::<Vec<_>>().join(" ");
    if names != topics {
        return None;
    }
    let carried = shares::carried(choice);
    if carried.is_empty() {
        return Some(Why::Topics(names));
    }
    let through: Option<BTreeSet<&String>> = carried.iter().map(|letter| received.get(letter)).collect();
    through.map(|through| Why::Received(through.into_iter().cloned().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::freeze::tests::edition;
    use crate::store::freeze::{Audience, NewEdition};
    use crate::store::moving::Moved;
    use crate::store::outbox::tests::letter;
    use crate::store::recipients::tests::{person, take};
    use crate::store::shares::Share;
    use crate::store::tests::{Place, on_both_stores, wait};

    on_both_stores! {
        an_edition_tells_why_it_has_no_letter_for_a_subscriber,
        whoever_moved_is_told_what_went_to_the_earlier_address,
    }

    fn over(number: i64, why: Why) -> PassedOver {
        PassedOver { newsletter: "a".to_string(), number, why }
    }

    async fn run(store: &mut Store, text: &'static str) {
        sqlx::query(text).execute(&mut store.connection).await.unwrap();
    }

    fn an_edition_tells_why_it_has_no_letter_for_a_subscriber(place: Place) {
        wait(async {
            let mut store = place.open().await;
            take(&mut store, false, (1..=5).map(person).collect()).await;
            let other = NewEdition { newsletter: "b".to_string(), ..edition(1) };
            let mut people = Some(vec![person(1), person(2)]);
            let told = Audience::These(&mut || people.take().unwrap_or_default());
            let told = store.freeze(&other, told).await.unwrap().unwrap();
            run(&mut store, "UPDATE deliveries SET state = 'accepted' WHERE recipient = 1").await;
            let carried = format!("!{told}.0");
            sqlx::query("UPDATE subscriptions SET carried = $1 WHERE newsletter = 'a' AND recipient = 1")
                .bind(&carried)
                .execute(&mut store.connection)
                .await
                .unwrap();
            assert!(store.choose(3, "a", Some("x"), "page", moment(2000)).await.unwrap());
            run(&mut store, "UPDATE recipients SET tags = ' elu ' WHERE id <> 4").await;
            let elu = Segment { tags: vec!["elu".to_string()], not_tags: Vec::new() };
            let segments = BTreeMap::from([("a".to_string(), elu.clone())]);
            let none = |topics: &str| Share { topics: topics.to_string(), variant: None };
            let new = NewEdition { shares: vec![none(&carried), none("x")], ..edition(1) };
            store.freeze(&new, Audience::Segment(&elu)).await.unwrap().unwrap();
            let received = Why::Received(vec!["b".to_string()]);
            // The same once another edition has followed: what was carried is forgotten by then.
            for last in [1, 2] {
                for (recipient, expected) in [
                    (1, vec![over(1, received.clone())]),
                    (2, vec![]),
                    (3, vec![over(1, Why::Topics("x".to_string()))]),
                    (4, (1..=last).map(|number| over(number, Why::Segment)).collect()),
                    (5, vec![]),
                    (9, vec![]),
                ] {
                    assert_eq!(store.passed_over(recipient, &segments).await.unwrap(), expected, "{recipient}");
                }
                let next = NewEdition { composed: moment(6000), ..edition(2) };
                if last == 1 {
                    store.freeze(&next, Audience::Segment(&elu)).await.unwrap().unwrap();
                }
            }
            // Whoever came later was on no list.
            run(&mut store, "UPDATE subscriptions SET since = 5500 WHERE newsletter = 'a'").await;
            assert_eq!(store.passed_over(1, &segments).await.unwrap(), []);
            assert_eq!(store.passed_over(4, &segments).await.unwrap(), [over(2, Why::Segment)]);
        });
    }

    fn whoever_moved_is_told_what_went_to_the_earlier_address(place: Place) {
        wait(async {
            let mut store = place.open().await;
            take(&mut store, false, vec![person(1), person(2)]).await;
            store.freeze(&edition(1), Audience::Subscribed).await.unwrap().unwrap();
            run(&mut store, "UPDATE deliveries SET state = 'accepted'").await;
            // On to a second address, and to a third.
            for (from, to, at) in [(1, 11, 6000), (11, 21, 7000)] {
                store.ask_to_move(from, &letter(to, at), &[]).await.unwrap();
                let moved = store.move_person((from, to), moment(at), &letter(from, at + 1), moment(at + 10)).await;
                assert_eq!(moved.unwrap(), Moved::Done);
            }
            let next = NewEdition { composed: moment(8000), ..edition(2) };
            store.freeze(&next, Audience::Subscribed).await.unwrap().unwrap();
            let told = async |store: &mut Store, recipient| {
                let all = store.explain(recipient).await.unwrap();
                let one = |(_, number, became): (String, i64, Option<Explained>)| {
                    (number, became.map(|one| (one.state, one.earlier)))
                };
                all.into_iter().map(one).collect::<Vec<_>>()
            };
            let earlier = Some("p0000001@example.org".to_string());
            let (accepted, pending) = ("accepted".to_string(), "pending".to_string());
            let expected = [(1, Some((accepted.clone(), earlier))), (2, Some((pending, None)))];
            assert_eq!(told(&mut store, 21).await, expected);
            assert_eq!(told(&mut store, 1).await, [(1, Some((accepted, None))), (2, None)]);
            assert_eq!(told(&mut store, 11).await, [(1, None), (2, None)]);
            let there = |at| Some(("p21@example.org".to_string(), moment(at)));
            assert_eq!(store.moved_to(1).await.unwrap(), there(6010));
            assert_eq!(store.moved_to(11).await.unwrap(), there(7010));
            assert_eq!((store.moved_to(21).await.unwrap(), store.moved_to(2).await.unwrap()), (None, None));
        });
    }
}
