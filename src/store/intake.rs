//! Taking people in, a million as well as one: in parts that keep nobody waiting, in flat memory.
//!
//! People are written in the order of their numbers, some thousands at a time, and best when they come so: numbers are hashes, and
//! in their order each index grows along itself. One statement looks up a thousand people, a few more write what is new about
//! them, and what became of each is written down ([`history`]). A part is a transaction of about a second at most; then others have
//! their turn.
//!
//! Promises: whoever left, or was erased, stays away; no mission takes the place of a consent; who is subscribed keeps the
//! topics that they chose. Each part is whole, with its sums and its history: what ends half-way may be done again from its
//! beginning, and ends like what went through at once. Whom an import names bears its number, and is not retired by it.

mod desk;
mod merge;

use std::time::Instant;

use super::history::{Entry, Strand, What};
use super::recipients::{Intake, Newcomer, Taken};
use super::turn::{HELD, Turn};
use super::{Alone, Result, Store, daily, erase, history, read_meta, write_meta};
use desk::Desk;

/// How many people are sorted together: a few megabytes of them.
const CHUNK: usize = 20_000;
/// How many one statement writes.
const STATEMENT: usize = 1000;
/// How many are retired at a time.
const PART: i64 = 5000;
/// The number of the last import, in `meta`.
const LAST: &str = "import";

impl Store {
    /// Takes people in: `next` gives them in batches until it gives an empty one. Of one address given twice, the last word
    /// counts.
    pub async fn take_in<P: Into<Newcomer>>(
        &mut self,
        intake: &Intake,
        mut next: impl FnMut() -> Vec<P>,
    ) -> Result<Taken> {
        let mut taken = Taken { import: self.number_import(intake).await?, ..Taken::default() };
        let mut turn = Turn::default();
        loop {
            // Nobody waits for us while we wait for the list.
            let mut chunk: Vec<Newcomer> = Vec::new();
            let mut is_last = false;
            while !is_last && chunk.len() < CHUNK {
                let batch = next();
                is_last = batch.is_empty();
                chunk.extend(batch.into_iter().map(Into::into));
            }
            let mut people = in_order(&mut chunk);
            while !people.is_empty() {
                turn.give_way(self).await?;
                let done = self.take_part(intake, &mut taken, people).await?;
                people = people.get(done..).unwrap_or_default();
                turn.ends();
            }
            if is_last {
                break;
            }
        }
        turn.over(self).await?;
        Ok(taken)
    }

    /// The number of this import; of one person that is added by hand, that of the last one: an import that is under way and did not
    /// name them does not retire them.
    async fn number_import(&mut self, intake: &Intake) -> Result<i64> {
        let mut transaction = self.write_alone(Alone::Numbering).await?;
        let last: i64 = match read_meta(&mut transaction, LAST).await?.and_then(|text| text.parse().ok()) {
            Some(last) => last,
            None => {
                sqlx::query_scalar("SELECT COALESCE(MAX(import), 0) FROM subscriptions")
                    .fetch_one(&mut *transaction)
                    .await?
            }
        };
        let number = if intake.source == "add" { last } else { last + 1 };
        write_meta(&mut transaction, LAST, &number.to_string()).await?;
        transaction.commit().await?;
        Ok(number)
    }

    /// Takes people in, in one transaction, until it took long enough. Tells how many.
    async fn take_part(&mut self, intake: &Intake, taken: &mut Taken, people: &[Newcomer]) -> Result<usize> {
        let began = Instant::now();
        let postgres = self.is_postgres();
        let mut transaction = self.write_alone(Alone::Numbering).await?;
        if postgres {
            // What the planner knows of tables may be from when they were empty: it would walk through all of them each time.
            for text in ["seqscan", "bitmapscan", "hashjoin", "mergejoin", "material"] {
                sqlx::query(sqlx::AssertSqlSafe(format!("SET LOCAL enable_{text} = off")))
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        let mut desk = Desk::new(postgres, intake, *taken);
        let mut strand = None;
        let mut done = 0;
        for some in people.chunks(STATEMENT) {
            desk.take(&mut transaction, some).await?;
            done += some.len();
            if desk.said.len() > STATEMENT / 4 {
                let strand = match &mut strand {
                    Some(strand) => strand,
                    none => none.insert(Strand::begin()?),
                };
                strand.write(&mut transaction, postgres, &desk.entries()).await?;
                desk.said.clear();
            }
            if began.elapsed() > HELD {
                break;
            }
        }
        let added = (desk.taken.added - taken.added).cast_signed();
        daily::count(&mut transaction, &intake.newsletter, intake.now, added, 0).await?;
        match strand {
            None => history::append(&mut transaction, &desk.entries()).await?,
            Some(mut strand) => {
                strand.write(&mut transaction, postgres, &desk.entries()).await?;
                strand.tie(&mut transaction).await?;
            }
        }
        // On PostgreSQL somebody may have been erased meanwhile; whoever is erased from here on waits for our commit.
        let ends = (people.first(), people.get(done - 1));
        if let (true, (Some(first), Some(last))) = (postgres, ends) {
            erase::forget_erased(&mut transaction, (first.addressee.id, last.addressee.id)).await?;
        }
        let now = desk.taken;
        transaction.commit().await?;
        *taken = now;
        Ok(done)
    }

    /// Retires whoever is subscribed to a newsletter and was not named by that import, nor by a later one; who subscribed by the page
    /// stands in no file, and stays. Tells how many.
    pub async fn retire_missing(&mut self, intake: &Intake, import: i64) -> Result<u64> {
        let postgres = self.is_postgres();
        let mut turn = Turn::default();
        let (mut retired, mut after) = (0, -1);
        loop {
            turn.give_way(self).await?;
            // In parts, for who is retired is written down; along the numbers, so that each part begins where the last ended.
            let mut transaction = self.write().await?;
            let people: Vec<i64> = sqlx::query_scalar(
                "UPDATE subscriptions SET state = 'retired', since = $1
                 WHERE newsletter = $2 AND recipient IN
                    (SELECT recipient FROM subscriptions WHERE newsletter = $2 AND recipient > $3
                        AND state = 'subscribed' AND source <> 'web' AND import < $4 ORDER BY recipient LIMIT $5)
                 RETURNING recipient",
            )
            .bind(intake.now.timestamp())
            .bind(&intake.newsletter)
            .bind(after)
            .bind(import)
            .bind(PART)
            .fetch_all(&mut *transaction)
            .await?;
            after = people.iter().copied().max().unwrap_or(after);
            if people.is_empty() {
                break;
            }
            retired += people.len() as u64;
            let gone = i64::try_from(people.len()).unwrap_or_default();
            let said =
                |recipient| Entry::new(recipient, What::Retired, intake.source, intake.now).on(&intake.newsletter);
            let entries: Vec<Entry<'_>> = people.into_iter().map(said).collect();
            let mut strand = Strand::begin()?;
            strand.write(&mut transaction, postgres, &entries).await?;
            daily::count(&mut transaction, &intake.newsletter, intake.now, 0, gone).await?;
            strand.tie(&mut transaction).await?;
            transaction.commit().await?;
            turn.ends();
        }
        turn.over(self).await?;
        Ok(retired)
    }
}

/// Sorts people by number. Neither database touches a row twice in one statement: of equal ones the last stays.
fn in_order(people: &mut Vec<Newcomer>) -> &[Newcomer] {
    people.reverse();
    people.sort_by_key(|person| person.addressee.id);
    people.dedup_by_key(|person| person.addressee.id);
    people
}

#[cfg(test)]
mod tests;
