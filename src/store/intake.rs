//! Taking people in, a million as well as one: in one transaction, in flat memory.
//!
//! People are written in the order of their numbers, some tens of thousands at a time: numbers are hashes, and each page of
//! an index is then met once a chunk instead of once a person. Two statements look up a few hundred people, two write
//! what is new about them, and what became of each is written down ([`history`]).
//!
//! Promises: whoever left, or was erased, stays away; no mission takes the place of a consent; who is subscribed keeps the
//! topics that they chose.

mod merge;

use std::collections::{BTreeSet, HashMap};

use sqlx::{AnyConnection, Row};

use super::history::{Entry, Strand, What};
use super::recipients::{Basis, Intake, Newcomer, Taken};
use super::{Alone, Places, Result, Store, daily, erase, history};
use merge::{Person, merged};

/// How many people are sorted together: a few megabytes of them.
const CHUNK: usize = 20_000;
/// How many one statement writes.
const STATEMENT: usize = 250;
/// How many are retired at a time.
const PART: i64 = 5000;

impl Store {
    /// Takes people in, in one transaction: `next` gives them in batches until it gives an empty one. Of one address given
    /// twice, the last word counts.
    pub async fn take_in<P: Into<Newcomer>>(
        &mut self,
        intake: &Intake,
        mut next: impl FnMut() -> Vec<P>,
    ) -> Result<Taken> {
        let postgres = self.is_postgres();
        let mut transaction = self.write_alone(Alone::Numbering).await?;
        let last: Option<i64> =
            sqlx::query_scalar("SELECT MAX(import) FROM subscriptions").fetch_one(&mut *transaction).await?;
        if postgres {
            // What the planner knows of tables may be from when they were empty: it would walk through all of them each time.
            sqlx::query("SET LOCAL enable_seqscan = off").execute(&mut *transaction).await?;
        }
        let mut desk =
            Desk { postgres, intake, import: last.unwrap_or(0) + 1, taken: Taken::default(), said: Vec::new() };
        let mut strand = None;
        let mut chunk: Vec<Newcomer> = Vec::new();
        loop {
            let batch = next();
            let is_last = batch.is_empty();
            chunk.extend(batch.into_iter().map(Into::into));
            if is_last || chunk.len() >= CHUNK {
                for people in in_order(&mut chunk).chunks(STATEMENT) {
                    desk.take(&mut transaction, people).await?;
                    if desk.said.len() > STATEMENT {
                        let strand = match &mut strand {
                            Some(strand) => strand,
                            none => none.insert(Strand::begin()?),
                        };
                        strand.write(&mut transaction, postgres, &desk.entries()).await?;
                        desk.said.clear();
                    }
                }
                chunk.clear();
            }
            if is_last {
                break;
            }
        }
        let (added, taken) = (desk.taken.added.cast_signed(), desk.taken);
        daily::count(&mut transaction, &intake.newsletter, intake.now, added, 0).await?;
        match strand {
            None => history::append(&mut transaction, &desk.entries()).await?,
            Some(mut strand) => {
                strand.write(&mut transaction, postgres, &desk.entries()).await?;
                strand.tie(&mut transaction).await?;
            }
        }
        // On PostgreSQL somebody may have been erased meanwhile; whoever is erased from here on waits for our commit.
        if postgres {
            erase::forget_erased(&mut transaction).await?;
        }
        transaction.commit().await?;
        Ok(taken)
    }

    /// Retires whoever is subscribed to a newsletter and was not in its last import; who subscribed by the page stands in no file, and
    /// stays. Tells how many.
    pub async fn retire_missing(&mut self, intake: &Intake) -> Result<u64> {
        let postgres = self.is_postgres();
        let mut transaction = self.write().await?;
        let last: Option<i64> = sqlx::query_scalar("SELECT MAX(import) FROM subscriptions WHERE newsletter = $1")
            .bind(&intake.newsletter)
            .fetch_one(&mut *transaction)
            .await?;
        let mut strand = Strand::begin()?;
        let (mut retired, mut after) = (0, -1);
        loop {
            // In parts, for who is retired is written down; along the numbers, so that each part begins where the last ended.
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
            .bind(last.unwrap_or(0))
            .bind(PART)
            .fetch_all(&mut *transaction)
            .await?;
            after = people.iter().copied().max().unwrap_or(after);
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
fn in_order(people: &mut Vec<Newcomer>) -> &[Newcomer] {
    people.reverse();
    people.sort_by_key(|person| person.addressee.id);
    people.dedup_by_key(|person| person.addressee.id);
    people
}

/// An import under way.
struct Desk<'a> {
    postgres: bool,
    intake: &'a Intake,
    import: i64,
    taken: Taken,
    /// What is not written down yet.
    said: Vec<Said>,
}

struct Said {
    recipient: i64,
    what: What,
    basis: Option<Basis>,
    topics: Option<String>,
}

/// What the database knows of somebody.
struct Known {
    person: Option<Person>,
    /// On this newsletter.
    state: Option<String>,
    erased: bool,
}

impl Desk<'_> {
    /// A statement's worth of people, in the order of their numbers.
    async fn take(&mut self, connection: &mut AnyConnection, people: &[Newcomer]) -> Result<()> {
        let mut known = self.look_up(connection, people).await?;
        let mut changed = Vec::new();
        let mut welcome = Vec::with_capacity(people.len());
        for newcomer in people {
            let id = newcomer.addressee.id;
            let Some(known) = known.get_mut(&id) else { continue };
            if known.erased && !self.intake.revive_erased {
                self.taken.erased += 1;
                continue;
            }
            let before = known.person.clone();
            let after = merged(self.intake, newcomer, before.as_ref());
            if before.as_ref().is_some_and(|before| before.basis != after.basis) {
                self.say(id, What::Basis, Some(&after.basis), None);
            }
            if before.as_ref() != Some(&after) {
                changed.push((id, after.clone()));
            }
            known.person = Some(after);
            welcome.push((newcomer, before));
        }
        write_people(connection, self.postgres, self.intake, &changed).await?;
        let changed: BTreeSet<i64> = changed.into_iter().map(|(id, _)| id).collect();
        let states = self.subscribe(connection, &welcome).await?;
        for (newcomer, before) in welcome {
            let id = newcomer.addressee.id;
            let Some(known) = known.get(&id) else { continue };
            let state = states.get(&id).map(String::as_str);
            match (known.state.as_deref(), state) {
                (before, Some("left")) => {
                    self.taken.left += 1;
                    if before.is_none() {
                        self.say(id, What::Left, None, None);
                    }
                }
                (Some("subscribed"), _) if before.is_some() && changed.contains(&id) => self.taken.updated += 1,
                (Some("subscribed"), _) | (_, Some("retired")) => self.taken.unchanged += 1,
                _ => {
                    self.taken.added += 1;
                    let what = if self.intake.source == "add" { What::Added } else { What::Imported };
                    let basis = known.person.as_ref().map(|person| &person.basis);
                    let topics = self.topics(newcomer).map(str::to_string);
                    self.say(id, what, basis, topics);
                }
            }
        }
        Ok(())
    }

    fn topics<'b>(&'b self, newcomer: &'b Newcomer) -> Option<&'b str> {
        newcomer.topics.as_deref().or(self.intake.topics.as_deref())
    }

    fn say(&mut self, recipient: i64, what: What, basis: Option<&Basis>, topics: Option<String>) {
        self.said.push(Said { recipient, what, basis: basis.cloned(), topics });
    }

    /// What is to be written down.
    fn entries(&self) -> Vec<Entry<'_>> {
        let source = if self.intake.source == "add" { "operator" } else { self.intake.source };
        let mut entries = Vec::with_capacity(self.said.len());
        for said in &self.said {
            entries.push(Entry {
                basis: said.basis.as_ref().map(|basis| basis.kind.as_str()),
                proof: said.basis.as_ref().and_then(|basis| basis.proof.as_deref()),
                topics: said.topics.as_deref(),
                ..Entry::new(said.recipient, said.what, source, self.intake.now).on(&self.intake.newsletter)
            });
        }
        entries
    }

    /// What is known of people. Each row is found by a key, whatever the planner thinks of the tables.
    async fn look_up(&self, connection: &mut AnyConnection, people: &[Newcomer]) -> Result<HashMap<i64, Known>> {
        let mut places = Places::new(self.postgres);
        let text = format!(
            "SELECT v.column1, (SELECT s.state FROM subscriptions s WHERE s.newsletter = {} AND s.recipient = v.column1),
                (SELECT e.at FROM erased e WHERE e.recipient = v.column1) FROM (VALUES {}) AS v",
            places.one(),
            places.rows(people.len(), 1)
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(&self.intake.newsletter);
        for newcomer in people {
            query = query.bind(newcomer.addressee.id);
        }
        let mut known = HashMap::with_capacity(people.len());
        for row in query.fetch_all(&mut *connection).await? {
            let erased: Option<i64> = row.try_get(2)?;
            known.insert(row.try_get(0)?, Known { person: None, state: row.try_get(1)?, erased: erased.is_some() });
        }
        let mut places = Places::new(self.postgres);
        let text = format!(
            "SELECT id, email, name, fields, basis, proof, tags FROM recipients WHERE id IN {}",
            places.rows(1, people.len())
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
        for newcomer in people {
            query = query.bind(newcomer.addressee.id);
        }
        for row in query.fetch_all(connection).await? {
            let person = Person {
                email: row.try_get(1)?,
                name: row.try_get(2)?,
                fields: row.try_get(3)?,
                basis: Basis { kind: row.try_get(4)?, proof: row.try_get(5)? },
                tags: row.try_get(6)?,
            };
            if let Some(known) = known.get_mut(&row.try_get::<i64, _>(0)?) {
                known.person = Some(person);
            }
        }
        Ok(known)
    }

    /// Subscribes people, but for those who left. Gives how each stands now.
    async fn subscribe(
        &self,
        connection: &mut AnyConnection,
        people: &[(&Newcomer, Option<Person>)],
    ) -> Result<HashMap<i64, String>> {
        let mut states = HashMap::with_capacity(people.len());
        if people.is_empty() {
            return Ok(states);
        }
        if self.intake.revive_erased {
            for (newcomer, _) in people {
                erase::welcome_again(connection, newcomer.addressee.id).await?;
            }
        }
        let mut places = Places::new(self.postgres);
        // Whom the list says to have left stays as they are where they are known, and a word on topics is for newcomers.
        let text = format!(
            "INSERT INTO subscriptions (newsletter, source, import, since, recipient, state, topics)
             SELECT {}, {}, {}, {}, v.column1, v.column2, v.column3 FROM (VALUES {}) AS v WHERE 1 = 1
             ON CONFLICT (newsletter, recipient) DO UPDATE SET
                import = CASE WHEN excluded.state = 'left' THEN subscriptions.import ELSE excluded.import END,
                since = CASE WHEN subscriptions.state = 'retired' AND excluded.state <> 'left'
                    THEN excluded.since ELSE subscriptions.since END,
                topics = CASE WHEN subscriptions.state = 'subscribed' AND {explicit} = 0
                    THEN subscriptions.topics ELSE excluded.topics END,
                state = CASE WHEN excluded.state = 'left' OR (subscriptions.state = 'left' AND {revive} = 0)
                    THEN subscriptions.state ELSE 'subscribed' END
             RETURNING recipient, state",
            places.one(),
            places.one(),
            places.one(),
            places.one(),
            places.rows(people.len(), 3),
            revive = i64::from(self.intake.revive),
            explicit = i64::from(self.intake.source == "add" && self.intake.topics.is_some()),
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(&self.intake.newsletter)
            .bind(self.intake.source)
            .bind(self.import)
            .bind(self.intake.now.timestamp());
        for (newcomer, _) in people {
            let state = if newcomer.left { "left" } else { "subscribed" };
            query = query.bind(newcomer.addressee.id).bind(state).bind(self.topics(newcomer));
        }
        for row in query.fetch_all(&mut *connection).await? {
            states.insert(row.try_get(0)?, row.try_get(1)?);
        }
        for (newcomer, _) in people {
            if let Some(reason) = &newcomer.suppressed {
                suppress(connection, self.intake, newcomer, reason).await?;
            }
        }
        Ok(states)
    }
}

/// Writes people, or what is new about them.
async fn write_people(
    connection: &mut AnyConnection,
    postgres: bool,
    intake: &Intake,
    people: &[(i64, Person)],
) -> Result<()> {
    if people.is_empty() {
        return Ok(());
    }
    let mut places = Places::new(postgres);
    let text = format!(
        "INSERT INTO recipients (added_at, updated_at, id, email, name, fields, basis, proof, tags)
         SELECT {}, {}, v.column1, v.column2, v.column3, v.column4, v.column5, v.column6, v.column7
         FROM (VALUES {}) AS v WHERE 1 = 1
         ON CONFLICT (id) DO UPDATE SET email = excluded.email, name = excluded.name, fields = excluded.fields,
            basis = excluded.basis, proof = excluded.proof, tags = excluded.tags, updated_at = excluded.updated_at",
        places.one(),
        places.one(),
        places.rows(people.len(), 7)
    );
    let now = intake.now.timestamp();
    let mut query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(now).bind(now);
    for (id, person) in people {
        query = query
            .bind(*id)
            .bind(&person.email)
            .bind(person.name.as_deref())
            .bind(&person.fields)
            .bind(&person.basis.kind)
            .bind(person.basis.proof.as_deref())
            .bind(&person.tags);
    }
    query.execute(connection).await?;
    Ok(())
}

/// A list says that letters to somebody came back, or that they complained, elsewhere.
async fn suppress(connection: &mut AnyConnection, intake: &Intake, newcomer: &Newcomer, reason: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO suppressions (recipient, email, reason, reply, edition, at) VALUES ($1, $2, $3, NULL, NULL, $4)
         ON CONFLICT (recipient) DO NOTHING",
    )
    .bind(newcomer.addressee.id)
    .bind(&newcomer.addressee.email)
    .bind(reason)
    .bind(intake.now.timestamp())
    .execute(connection)
    .await?;
    Ok(())
}
