//! A statement's worth of people: what is known of them, what a list says, and what that changes.

use std::collections::HashMap;

use sqlx::{AnyConnection, Row};

use super::merge::{Person, merged};
use crate::store::history::{Entry, What};
use crate::store::recipients::{Basis, Intake, Newcomer, Taken};
use crate::store::{Places, Result, erase};

/// A part of an import under way.
pub struct Desk<'a> {
    postgres: bool,
    intake: &'a Intake,
    pub taken: Taken,
    /// What is not written down yet.
    pub said: Vec<Said>,
}

pub struct Said {
    recipient: i64,
    what: What,
    basis: Option<Basis>,
    topics: Option<String>,
}

/// What the database knows of somebody.
#[derive(Default)]
struct Known {
    person: Option<Person>,
    /// On this newsletter.
    state: Option<String>,
    erased: bool,
}

/// Somebody who may be taken in.
struct Welcome<'a> {
    newcomer: &'a Newcomer,
    /// On this newsletter, until now.
    state: Option<String>,
    was_known: bool,
    is_changed: bool,
    person: Person,
}

impl<'a> Desk<'a> {
    pub fn new(postgres: bool, intake: &'a Intake, taken: Taken) -> Desk<'a> {
        Desk { postgres, intake, taken, said: Vec::new() }
    }

    /// Takes people in, in the order of their numbers.
    pub async fn take(&mut self, connection: &mut AnyConnection, people: &[Newcomer]) -> Result<()> {
        let mut known = self.look_up(connection, people).await?;
        let mut welcome = Vec::with_capacity(people.len());
        for newcomer in people {
            let id = newcomer.addressee.id;
            let before = known.remove(&id).unwrap_or_default();
            if before.erased && !self.intake.revive_erased {
                self.taken.erased += 1;
                continue;
            }
            let person = merged(self.intake, newcomer, before.person.as_ref());
            if before.person.as_ref().is_some_and(|before| before.basis != person.basis) {
                self.say(id, What::Basis, Some(&person.basis), None);
            }
            let is_changed = before.person.as_ref() != Some(&person);
            let was_known = before.person.is_some();
            welcome.push(Welcome { newcomer, state: before.state, was_known, is_changed, person });
        }
        self.write_people(connection, &welcome).await?;
        let states = self.subscribe(connection, &welcome).await?;
        for one in &welcome {
            let id = one.newcomer.addressee.id;
            let after = states.get(&id).map_or_else(|| self.state_after(one), String::as_str);
            match (one.state.as_deref(), after) {
                (before, "left") => {
                    self.taken.left += 1;
                    if before.is_none() {
                        self.say(id, What::Left, None, None);
                    }
                }
                (Some("subscribed"), _) if one.was_known && one.is_changed => self.taken.updated += 1,
                (Some("subscribed"), _) | (_, "retired") => self.taken.unchanged += 1,
                _ => {
                    self.taken.added += 1;
                    let what = if self.intake.source == "add" { What::Added } else { What::Imported };
                    let topics = self.topics(one.newcomer).map(str::to_string);
                    self.say(id, what, Some(&one.person.basis), topics);
                }
            }
        }
        Ok(())
    }

    /// How a subscription stands behind [`subscribe`](Self::subscribe), if nobody else changed it since it was looked up.
    fn state_after<'b>(&self, one: &'b Welcome<'_>) -> &'b str {
        match one.state.as_deref() {
            Some(state) if one.newcomer.left || (state == "left" && !self.intake.revive) => state,
            None if one.newcomer.left => "left",
            _ => "subscribed",
        }
    }

    fn topics<'b>(&'b self, newcomer: &'b Newcomer) -> Option<&'b str> {
        newcomer.topics.as_deref().or(self.intake.topics.as_deref())
    }

    fn say(&mut self, recipient: i64, what: What, basis: Option<&Basis>, topics: Option<String>) {
        self.said.push(Said { recipient, what, basis: basis.cloned(), topics });
    }

    /// What is to be written down.
    pub fn entries(&self) -> Vec<Entry<'_>> {
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

    /// What is known of people; of most, in a first import, nothing. Each row is found by a key, whatever the planner thinks of
    /// the tables.
    async fn look_up(&self, connection: &mut AnyConnection, people: &[Newcomer]) -> Result<HashMap<i64, Known>> {
        let mut places = Places::new(self.postgres);
        let text = format!(
            "SELECT v.column1, r.email, r.name, r.fields, r.basis, r.proof, r.tags, s.state, e.at
             FROM (VALUES {}) AS v LEFT JOIN recipients r ON r.id = v.column1
             LEFT JOIN subscriptions s ON s.newsletter = {} AND s.recipient = v.column1
             LEFT JOIN erased e ON e.recipient = v.column1
             WHERE r.id IS NOT NULL OR s.recipient IS NOT NULL OR e.recipient IS NOT NULL",
            places.rows(people.len(), 1),
            places.one(),
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
        for newcomer in people {
            query = query.bind(newcomer.addressee.id);
        }
        let rows = query.bind(&self.intake.newsletter).fetch_all(connection).await?;
        let mut known = HashMap::with_capacity(rows.len());
        for row in &rows {
            let email: Option<String> = row.try_get(1)?;
            let person = match email {
                None => None,
                Some(email) => Some(Person {
                    email,
                    name: row.try_get(2)?,
                    fields: row.try_get(3)?,
                    basis: Basis { kind: row.try_get(4)?, proof: row.try_get(5)? },
                    tags: row.try_get(6)?,
                }),
            };
            let erased: Option<i64> = row.try_get(8)?;
            known.insert(row.try_get(0)?, Known { person, state: row.try_get(7)?, erased: erased.is_some() });
        }
        Ok(known)
    }

    /// Subscribes people, but for those who left. Gives how each stands now, where somebody else may have changed it meanwhile.
    async fn subscribe(
        &self,
        connection: &mut AnyConnection,
        people: &[Welcome<'_>],
    ) -> Result<HashMap<i64, String>> {
        if people.is_empty() {
            return Ok(HashMap::new());
        }
        if self.intake.revive_erased {
            for one in people {
                erase::welcome_again(connection, one.newcomer.addressee.id).await?;
            }
        }
        let mut places = Places::new(self.postgres);
        // Whom the list says to have left stays as they are where they are known, and a word on topics is for newcomers.
        let text = format!(
            "INSERT INTO subscriptions (newsletter, source, import, since, recipient, state, topics)
             SELECT {}, {}, {}, {}, v.column1, v.column2, v.column3 FROM (VALUES {}) AS v WHERE 1 = 1
             ON CONFLICT (newsletter, recipient) DO UPDATE SET
                import = CASE WHEN excluded.state = 'left' OR subscriptions.import > excluded.import
                    THEN subscriptions.import ELSE excluded.import END,
                since = CASE WHEN subscriptions.state = 'retired' AND excluded.state <> 'left'
                    THEN excluded.since ELSE subscriptions.since END,
                topics = CASE WHEN subscriptions.state = 'subscribed' AND {explicit} = 0
                    THEN subscriptions.topics ELSE excluded.topics END,
                state = CASE WHEN excluded.state = 'left' OR (subscriptions.state = 'left' AND {revive} = 0)
                    THEN subscriptions.state ELSE 'subscribed' END
             {returning}",
            places.one(),
            places.one(),
            places.one(),
            places.one(),
            places.rows(people.len(), 3),
            revive = i64::from(self.intake.revive),
            explicit = i64::from(self.intake.source == "add" && self.intake.topics.is_some()),
            // SQLite has nobody else who writes, and each row that it gives costs.
            returning = if self.postgres { "RETURNING recipient, state" } else { "" },
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text))
            .bind(&self.intake.newsletter)
            .bind(self.intake.source)
            .bind(self.taken.import)
            .bind(self.intake.now.timestamp());
        for one in people {
            let state = if one.newcomer.left { "left" } else { "subscribed" };
            query = query.bind(one.newcomer.addressee.id).bind(state).bind(self.topics(one.newcomer));
        }
        let rows = query.fetch_all(&mut *connection).await?;
        let mut states = HashMap::with_capacity(rows.len());
        for row in &rows {
            states.insert(row.try_get(0)?, row.try_get(1)?);
        }
        for one in people {
            if let Some(reason) = &one.newcomer.suppressed {
                suppress(connection, self.intake, one.newcomer, reason).await?;
            }
        }
        Ok(states)
    }

    /// Writes people, or what is new about them.
    async fn write_people(&self, connection: &mut AnyConnection, people: &[Welcome<'_>]) -> Result<()> {
        let count = people.iter().filter(|one| one.is_changed).count();
        if count == 0 {
            return Ok(());
        }
        let mut places = Places::new(self.postgres);
        let text = format!(
            "INSERT INTO recipients (added_at, updated_at, id, email, name, fields, basis, proof, tags)
             SELECT {}, {}, v.column1, v.column2, v.column3, v.column4, v.column5, v.column6, v.column7
             FROM (VALUES {}) AS v WHERE 1 = 1
             ON CONFLICT (id) DO UPDATE SET email = excluded.email, name = excluded.name, fields = excluded.fields,
                basis = excluded.basis, proof = excluded.proof, tags = excluded.tags, updated_at = excluded.updated_at",
            places.one(),
            places.one(),
            places.rows(count, 7)
        );
        let now = self.intake.now.timestamp();
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(now).bind(now);
        for one in people.iter().filter(|one| one.is_changed) {
            let person = &one.person;
            query = query
                .bind(one.newcomer.addressee.id)
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
