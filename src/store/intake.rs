//! Taking people in, a million as well as one: in one transaction, in flat memory.
//!
//! People are written in the order of their numbers, some tens of thousands at a time: numbers are hashes, and each page of
//! an index is then met once a chunk instead of once a person. Two statements write a few hundred people; what became of
//! them is counted before and after, not person by person.

use sqlx::{AnyConnection, Row};

use super::history::{Entry, Strand, What};
use super::recipients::{Addressee, Intake, Taken};
use super::{Alone, Places, Result, Store, daily, storable};

/// How many people are sorted together: a few megabytes of them.
const CHUNK: usize = 20_000;
/// How many one statement writes.
const STATEMENT: usize = 250;
/// How many are retired at a time.
const PART: i64 = 5000;

impl Store {
    /// Takes people in, in one transaction: `next` gives them in batches until it gives an empty one. Of one address given
    /// twice, the last word counts.
    pub async fn take_in(&mut self, intake: &Intake, mut next: impl FnMut() -> Vec<Addressee>) -> Result<Taken> {
        let postgres = self.is_postgres();
        let mut transaction = self.write_alone(Alone::Numbering).await?;
        let last: Option<i64> =
            sqlx::query_scalar("SELECT MAX(import) FROM subscriptions").fetch_one(&mut *transaction).await?;
        let import = last.unwrap_or(0) + 1;
        let before = Sums::of(&mut transaction, &intake.newsletter, import).await?;
        let mut written = 0;
        let mut chunk = Vec::new();
        loop {
            let batch = next();
            let is_last = batch.is_empty();
            chunk.extend(batch);
            if is_last || chunk.len() >= CHUNK {
                for people in in_order(&mut chunk).chunks(STATEMENT) {
                    written += write_people(&mut transaction, postgres, intake, people).await?;
                    subscribe(&mut transaction, postgres, intake, import, people).await?;
                }
                chunk.clear();
            }
            if is_last {
                break;
            }
        }
        let after = Sums::of(&mut transaction, &intake.newsletter, import).await?;
        let taken = after.since(&before, written);
        daily::count(&mut transaction, &intake.newsletter, intake.now, taken.added.cast_signed(), 0).await?;
        transaction.commit().await?;
        Ok(taken)
    }

    /// Retires whoever is subscribed to a newsletter and was not in its last import; who subscribed by the page stands in no file, and
    /// stays. Tells how many.
    pub async fn retire_missing(&mut self, intake: &Intake) -> Result<u64> {
        let postgres = self.is_postgres();
        let mut transaction = self.write().await?;
        let mut strand = Strand::begin()?;
        let mut retired = 0;
        loop {
            // In parts, for who is retired is written down.
            let people: Vec<i64> = sqlx::query_scalar(
                "UPDATE subscriptions SET state = 'retired', since = $1
                 WHERE newsletter = $2 AND recipient IN
                    (SELECT recipient FROM subscriptions WHERE newsletter = $2 AND state = 'subscribed' AND source <> 'web'
                        AND import < (SELECT MAX(import) FROM subscriptions WHERE newsletter = $2) LIMIT $3)
                 RETURNING recipient",
            )
            .bind(intake.now.timestamp())
            .bind(&intake.newsletter)
            .bind(PART)
            .fetch_all(&mut *transaction)
            .await?;
            if people.is_empty() {
                break;
            }
            retired += people.len() as u64;
            let said =
                |recipient| Entry::new(recipient, What::Retired, intake.source, intake.now).on(&intake.newsletter);
            let entries: Vec<Entry<'_>> = people.into_iter().map(said).collect();
            strand.write(&mut transaction, postgres, &entries).await?;
        }
        daily::count(&mut transaction, &intake.newsletter, intake.now, 0, retired.cast_signed()).await?;
        strand.tie(&mut transaction).await?;
        transaction.commit().await?;
        Ok(retired)
    }
}

/// Sorts people by number. Neither database touches a row twice in one statement: of equal ones the last stays.
fn in_order(people: &mut Vec<Addressee>) -> &[Addressee] {
    people.reverse();
    people.sort_by_key(|person| person.id);
    people.dedup_by_key(|person| person.id);
    people
}

/// Writes people, or what is new about them. Tells how many rows it touched.
async fn write_people(
    connection: &mut AnyConnection,
    postgres: bool,
    intake: &Intake,
    people: &[Addressee],
) -> Result<u64> {
    let mut places = Places::new(postgres);
    let text = format!(
        "INSERT INTO recipients (basis, proof, added_at, updated_at, id, email, name, fields)
         SELECT {}, {}, {}, {}, v.column1, v.column2, v.column3, v.column4 FROM (VALUES {}) AS v WHERE 1 = 1
         ON CONFLICT (id) DO UPDATE SET email = excluded.email, name = COALESCE(excluded.name, recipients.name),
            fields = CASE WHEN excluded.fields = '{{}}' THEN recipients.fields ELSE excluded.fields END,
            updated_at = excluded.updated_at
         WHERE recipients.email <> excluded.email
            OR COALESCE(recipients.name, '') <> COALESCE(excluded.name, recipients.name, '')
            OR (recipients.fields <> excluded.fields AND excluded.fields <> '{{}}')",
        places.one(),
        places.one(),
        places.one(),
        places.one(),
        places.rows(people.len(), 4)
    );
    let now = intake.now.timestamp();
    let mut query = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(&intake.basis.kind)
        .bind(intake.basis.proof.as_deref())
        .bind(now)
        .bind(now);
    for person in people {
        query = query
            .bind(person.id)
            .bind(&person.email)
            .bind(person.name.as_deref().map(|name| storable(name).into_owned()))
            .bind(&person.fields);
    }
    Ok(query.execute(connection).await?.rows_affected())
}

async fn subscribe(
    connection: &mut AnyConnection,
    postgres: bool,
    intake: &Intake,
    import: i64,
    people: &[Addressee],
) -> Result<()> {
    let mut places = Places::new(postgres);
    let text = format!(
        "INSERT INTO subscriptions (newsletter, state, source, import, since, recipient)
         SELECT {}, 'subscribed', {}, {}, {}, v.column1 FROM (VALUES {}) AS v WHERE 1 = 1
         ON CONFLICT (newsletter, recipient) DO UPDATE SET import = excluded.import,
            since = CASE WHEN subscriptions.state = 'retired' THEN excluded.since ELSE subscriptions.since END,
            state = CASE WHEN subscriptions.state = 'left' AND {} = 0 THEN 'left' ELSE 'subscribed' END",
        places.one(),
        places.one(),
        places.one(),
        places.one(),
        places.rows(people.len(), 1),
        i64::from(intake.revive)
    );
    let mut query = sqlx::query(sqlx::AssertSqlSafe(text))
        .bind(&intake.newsletter)
        .bind(intake.source)
        .bind(import)
        .bind(intake.now.timestamp());
    for person in people {
        query = query.bind(person.id);
    }
    query.execute(connection).await?;
    Ok(())
}

/// How a newsletter's people stand.
struct Sums {
    /// People, of whatever newsletter.
    people: i64,
    listed: i64,
    left: i64,
    retired: i64,
    /// Of those that this import named.
    named: i64,
    named_left: i64,
}

impl Sums {
    async fn of(connection: &mut AnyConnection, newsletter: &str, import: i64) -> Result<Sums> {
        let row = sqlx::query(
            "SELECT (SELECT COUNT(*) FROM recipients), COUNT(*),
                COALESCE(CAST(SUM(CASE WHEN state = 'left' THEN 1 ELSE 0 END) AS BIGINT), 0),
                COALESCE(CAST(SUM(CASE WHEN state = 'retired' THEN 1 ELSE 0 END) AS BIGINT), 0),
                COALESCE(CAST(SUM(CASE WHEN import = $1 THEN 1 ELSE 0 END) AS BIGINT), 0),
                COALESCE(CAST(SUM(CASE WHEN import = $1 AND state = 'left' THEN 1 ELSE 0 END) AS BIGINT), 0)
             FROM subscriptions WHERE newsletter = $2",
        )
        .bind(import)
        .bind(newsletter)
        .fetch_one(connection)
        .await?;
        Ok(Sums {
            people: row.try_get(0)?,
            listed: row.try_get(1)?,
            left: row.try_get(2)?,
            retired: row.try_get(3)?,
            named: row.try_get(4)?,
            named_left: row.try_get(5)?,
        })
    }

    /// What an import did that touched `written` people's rows.
    fn since(&self, before: &Sums, written: u64) -> Taken {
        let added = self.listed - before.listed + (before.retired - self.retired) + (before.left - self.left);
        let known = (self.named - added - self.named_left).max(0).unsigned_abs();
        let updated = written.saturating_sub((self.people - before.people).unsigned_abs()).min(known);
        Taken {
            added: added.unsigned_abs(),
            updated,
            unchanged: known - updated,
            left: self.named_left.unsigned_abs(),
            retired: 0,
        }
    }
}
