//! The state, and the tables of the database that a command works on.
//!
//! An edition that another run is sending (`sending` in the branch) belongs to the worker [`ELSEWHERE`], whose lock this process
//! holds: nobody here takes it for dead before its time is over.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use data_encoding::BASE64;
use sqlx::{AnyConnection, Row};

use super::state::{Announced, Delivery, Edition, Newsletter, Picture, State, Suppressed};
use crate::store::newsletters::moment;
use crate::store::{Result, StoreError};

/// The worker that stands for all runs on other machines.
pub const ELSEWHERE: i64 = 1;

/// What an edition waits for whose newsletter names no list any more.
const NO_LIST: &str = "its newsletter's file is gone, or names no list's address: put it back and resume, or cancel";

/// To whom each newsletter goes: its number in the ledger, and the address.
pub type Lists = BTreeMap<String, (i64, String)>;

/// Writes the state into an empty database. Says whether another run is sending.
pub async fn fill(connection: &mut AnyConnection, state: &State, lists: &Lists) -> Result<bool> {
    for line in &state.items {
        sqlx::query("INSERT INTO items (line) VALUES ($1) ON CONFLICT (line) DO NOTHING")
            .bind(line)
            .execute(&mut *connection)
            .await?;
    }
    // Ids are this database's own: in the order in which editions were composed.
    let mut order: Vec<&(String, i64)> = state.editions.keys().collect();
    order.sort_by_key(|key| (state.editions[*key].composed, (*key).clone()));
    let ids: BTreeMap<&(String, i64), i64> = order.iter().copied().zip(1..).collect();
    for (name, newsletter) in &state.newsletters {
        fill_newsletter(connection, name, newsletter, &ids, lists).await?;
    }
    let mut elsewhere = false;
    for (key, edition) in &state.editions {
        elsewhere |= edition.delivery.state == "sending";
        fill_edition(connection, ids[key], key, edition, lists).await?;
    }
    for (name, picture) in &state.pictures {
        sqlx::query("INSERT INTO pictures (name, media_type, content, keep_until) VALUES ($1, $2, $3, $4)")
            .bind(name)
            .bind(&picture.media_type)
            .bind(BASE64.encode(&picture.content))
            .bind(picture.until.timestamp())
            .execute(&mut *connection)
            .await?;
    }
    if elsewhere {
        sqlx::query(
            "INSERT INTO workers (id, name, lease_until, wanted, connections) VALUES ($1, 'another run', $2, 0, 0)",
        )
        .bind(ELSEWHERE)
        .bind(i64::MAX)
        .execute(&mut *connection)
        .await?;
    }
    Ok(elsewhere)
}

async fn fill_newsletter(
    connection: &mut AnyConnection,
    name: &str,
    newsletter: &Newsletter,
    ids: &BTreeMap<&(String, i64), i64>,
    lists: &Lists,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO newsletters (name, started_at, considered_at, waiting_since, brake) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(name)
    .bind(newsletter.started.timestamp())
    .bind(newsletter.considered.timestamp())
    .bind(newsletter.waiting_since.map(|moment| moment.timestamp()))
    .bind(newsletter.brake.as_deref())
    .execute(&mut *connection)
    .await?;
    let id = |number: Option<i64>| number.and_then(|number| ids.get(&(name.to_string(), number)).copied());
    for (item, announced) in &newsletter.announced {
        sqlx::query("INSERT INTO announced (newsletter, item, how, edition, at) VALUES ($1, $2, $3, $4, $5)")
            .bind(name)
            .bind(item)
            .bind(&announced.how)
            .bind(id(announced.edition))
            .bind(announced.at.timestamp())
            .execute(&mut *connection)
            .await?;
    }
    if let (Some(suppressed), Some((recipient, email))) = (&newsletter.suppressed, lists.get(name)) {
        sqlx::query(
            "INSERT INTO suppressions (recipient, email, reason, reply, edition, at) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (recipient) DO NOTHING",
        )
        .bind(*recipient)
        .bind(email)
        .bind(&suppressed.reason)
        .bind(suppressed.reply.as_deref())
        .bind(id(suppressed.edition))
        .bind(suppressed.at.timestamp())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

async fn fill_edition(
    connection: &mut AnyConnection,
    id: i64,
    (newsletter, number): &(String, i64),
    edition: &Edition,
    lists: &Lists,
) -> Result<()> {
    let list = lists.get(newsletter);
    let stranded = list.is_none() && matches!(edition.state.as_str(), "composed" | "sending");
    let (state, reason) = match stranded {
        true => ("held", Some(NO_LIST)),
        false => (edition.state.as_str(), edition.reason.as_deref()),
    };
    let seconds = |moment: Option<DateTime<Utc>>| moment.map(|moment| moment.timestamp());
    sqlx::query(
        "INSERT INTO editions (id, newsletter, number, state, reason, brakes, items, content, composed_at, finished_at,
            send_at, previewed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .bind(id)
    .bind(newsletter)
    .bind(*number)
    .bind(state)
    .bind(reason)
    .bind(i64::from(edition.brakes))
    .bind(serde_json::to_string(&edition.items)?)
    .bind(&edition.letter)
    .bind(edition.composed.timestamp())
    .bind(seconds(edition.finished))
    .bind(seconds(edition.send_at))
    .bind(seconds(edition.previewed))
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
    let delivery = &edition.delivery;
    let (recipient, email) = list.map_or((0, ""), |(recipient, email)| (*recipient, email.as_str()));
    sqlx::query(
        "INSERT INTO deliveries (edition, recipient, email, fields, variant, state, worker, attempts, uncertain, first_try,
            next_try, updated_at, reply)
         VALUES ($1, $2, $3, '{}', 0, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(id)
    .bind(recipient)
    .bind(email)
    .bind(&delivery.state)
    .bind((delivery.state == "sending").then(|| ELSEWHERE.to_string()))
    .bind(delivery.attempts)
    .bind(delivery.uncertain)
    .bind(seconds(delivery.first_try))
    .bind(delivery.next_try.timestamp())
    .bind(delivery.since.timestamp())
    .bind(delivery.reply.as_deref())
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// The state that the database holds.
pub async fn read(connection: &mut AnyConnection, lists: &Lists) -> Result<State> {
    let mut items: Vec<String> = sqlx::query_scalar("SELECT line FROM items").fetch_all(&mut *connection).await?;
    items.sort_unstable();
    let mut state = State { items, ..State::default() };
    let rows = sqlx::query("SELECT name, started_at, considered_at, waiting_since, brake FROM newsletters")
        .fetch_all(&mut *connection)
        .await?;
    for row in rows {
        let name: String = row.try_get(0)?;
        let waiting_since: Option<i64> = row.try_get(3)?;
        let newsletter = Newsletter {
            started: moment(row.try_get(1)?),
            considered: moment(row.try_get(2)?),
            waiting_since: waiting_since.map(moment),
            brake: row.try_get(4)?,
            suppressed: match lists.get(&name) {
                Some((recipient, _)) => suppressed(connection, *recipient).await?,
                None => None,
            },
            announced: announced(connection, &name).await?,
        };
        state.newsletters.insert(name, newsletter);
    }
    read_editions(connection, &mut state).await?;
    let rows =
        sqlx::query("SELECT name, media_type, content, keep_until FROM pictures").fetch_all(connection).await?;
    for row in rows {
        let text: String = row.try_get(2)?;
        let content = BASE64.decode(text.as_bytes()).map_err(|error| StoreError::Content(error.to_string()))?;
        let picture = Picture { media_type: row.try_get(1)?, until: moment(row.try_get(3)?), content };
        state.pictures.insert(row.try_get(0)?, picture);
    }
    Ok(state)
}

async fn read_editions(connection: &mut AnyConnection, state: &mut State) -> Result<()> {
    let rows = sqlx::query(
        "SELECT e.newsletter, e.number, e.state, e.reason, e.brakes, e.items, e.content, e.composed_at, e.finished_at,
            e.send_at, e.previewed_at, d.state, d.updated_at, d.attempts, d.uncertain, d.first_try, d.next_try, d.reply, e.id
         FROM editions e JOIN deliveries d ON d.edition = e.id",
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in rows {
        let maybe = |index: usize| row.try_get::<Option<i64>, _>(index).map(|seconds| seconds.map(moment));
        let brakes: i64 = row.try_get(4)?;
        let items: String = row.try_get(5)?;
        let delivery: String = row.try_get(11)?;
        let variants = sqlx::query_scalar("SELECT content FROM variants WHERE edition = $1 ORDER BY variant")
            .bind(row.try_get::<i64, _>(18)?)
            .fetch_all(&mut *connection)
            .await?;
        let edition = Edition {
            state: row.try_get(2)?,
            reason: row.try_get(3)?,
            composed: moment(row.try_get(7)?),
            send_at: maybe(9)?,
            previewed: maybe(10)?,
            finished: maybe(8)?,
            brakes: brakes != 0,
            delivery: Delivery {
                // What this process has claimed and not begun is nobody's.
                state: if delivery == "claimed" { "pending".to_string() } else { delivery },
                since: moment(row.try_get(12)?),
                attempts: row.try_get(13)?,
                uncertain: row.try_get(14)?,
                first_try: maybe(15)?,
                next_try: moment(row.try_get(16)?),
                reply: row.try_get(17)?,
            },
            items: serde_json::from_str(&items)?,
            letter: row.try_get(6)?,
            variants,
        };
        state.editions.insert((row.try_get(0)?, row.try_get(1)?), edition);
    }
    Ok(())
}

async fn announced(connection: &mut AnyConnection, newsletter: &str) -> Result<BTreeMap<String, Announced>> {
    let rows = sqlx::query(
        "SELECT a.item, a.how, e.number, a.at FROM announced a LEFT JOIN editions e ON e.id = a.edition
         WHERE a.newsletter = $1",
    )
    .bind(newsletter)
    .fetch_all(connection)
    .await?;
    let mut all = BTreeMap::new();
    for row in rows {
        let one = Announced { how: row.try_get(1)?, edition: row.try_get(2)?, at: moment(row.try_get(3)?) };
        all.insert(row.try_get(0)?, one);
    }
    Ok(all)
}

async fn suppressed(connection: &mut AnyConnection, recipient: i64) -> Result<Option<Suppressed>> {
    let row = sqlx::query(
        "SELECT s.reason, s.reply, e.number, s.at FROM suppressions s LEFT JOIN editions e ON e.id = s.edition
         WHERE s.recipient = $1",
    )
    .bind(recipient)
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Suppressed {
        reason: row.try_get(0)?,
        reply: row.try_get(1)?,
        edition: row.try_get(2)?,
        at: moment(row.try_get(3)?),
    }))
}
