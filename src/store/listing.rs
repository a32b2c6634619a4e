//! Who is on the lists: people with their newsletters, by whatever is asked for, sorted by their addresses.
//!
//! No index is kept for this: it would cost every import a third of its time. The database sorts when somebody asks, a million people
//! on its disk.
//!
//! BUGS: on SQLite the log cannot shrink as long as somebody reads a list: a pager that shows half of one.

use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::newsletters::moment;
use super::recipients::{Addressee, Basis};
use super::{Result, Store, StoreError};

/// How many people are given at a time.
const PAGE: usize = 1000;

/// One person on one newsletter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub addressee: Addressee,
    pub basis: Basis,
    pub tags: Vec<String>,
    pub added: DateTime<Utc>,
    pub newsletter: String,
    /// `subscribed`, `left`, `retired`, `unconfirmed`.
    pub state: String,
    pub since: DateTime<Utc>,
    /// `None`: everything.
    pub topics: Option<String>,
    /// Why no letter may go there: `bounce`, `soft-bounce`, `complaint`.
    pub suppressed: Option<String>,
}

/// Whom to list; everybody by default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub newsletter: Option<String>,
    pub state: Option<Standing>,
    pub tag: Option<String>,
    /// `consent` or `mission`.
    pub basis: Option<String>,
    /// Of the address, as it is mailed.
    pub domain: Option<String>,
}

/// How somebody stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Subscribed,
    Left,
    Retired,
    /// Whatever the subscription says, no letter goes there.
    Suppressed,
    /// Asked to be subscribed on the web, and has not confirmed.
    Unconfirmed,
}

impl Standing {
    fn condition(self) -> &'static str {
        match self {
            Standing::Subscribed => {
                "s.state = 'subscribed' AND NOT EXISTS (SELECT 1 FROM suppressions y WHERE y.recipient = r.id)"
            }
            Standing::Left => "s.state = 'left'",
            Standing::Retired => "s.state = 'retired'",
            Standing::Suppressed => "x.reason IS NOT NULL",
            // They are no recipients yet.
            Standing::Unconfirmed => "1 = 0",
        }
    }
}

impl Store {
    /// The people of a newsletter, or of all, as [`Store::list_people`] gives them.
    pub async fn list_recipients(&mut self, newsletter: Option<&str>) -> Result<Vec<Listed>> {
        let filter = Filter { newsletter: newsletter.map(str::to_string), ..Filter::default() };
        let mut all = Vec::new();
        self.list_people(&filter, |people| {
            all.extend(people);
            Ok::<(), StoreError>(())
        })
        .await?;
        Ok(all)
    }

    /// Gives people with their newsletters to `each`, by address then newsletter, up to a thousand at a time.
    pub async fn list_people<E: From<StoreError>>(
        &mut self,
        filter: &Filter,
        mut each: impl FnMut(Vec<Listed>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let (text, values) = match filter.state {
            Some(Standing::Unconfirmed) if filter.tag.is_some() || filter.basis.as_deref() == Some("mission") => {
                return Ok(());
            }
            Some(Standing::Unconfirmed) => unconfirmed(filter),
            _ => known(filter),
        };
        let read = if filter.state == Some(Standing::Unconfirmed) { read_unconfirmed } else { read };
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
        for value in values {
            query = query.bind(value);
        }
        let mut rows = query.fetch(&mut self.connection);
        let mut people = Vec::new();
        while let Some(row) = rows.try_next().await.map_err(StoreError::from)? {
            people.push(read(&row)?);
            if people.len() == PAGE {
                each(std::mem::take(&mut people))?;
            }
        }
        if people.is_empty() { Ok(()) } else { each(people) }
    }
}

/// The statement that lists people, and its values.
fn known(filter: &Filter) -> (String, Vec<String>) {
    let mut conditions = vec!["1 = 1".to_string()];
    let mut values = Vec::new();
    let mut add = |condition: &str, value: Option<String>| {
        if let Some(value) = value {
            values.push(value);
            conditions.push(condition.replace("{}", &format!("${}", values.len())));
        }
    };
    add("s.newsletter = {}", filter.newsletter.clone());
    add("REPLACE(r.tags, {}, '') <> r.tags", filter.tag.as_ref().map(|tag| format!(" {tag} ")));
    add("r.basis = {}", filter.basis.clone());
    add("LOWER(r.email) LIKE {}", filter.domain.as_ref().map(|domain| format!("%@{}", domain.to_lowercase())));
    conditions.extend(filter.state.map(|state| state.condition().to_string()));
    let text = format!(
        "SELECT r.id, r.email, r.name, r.fields, r.basis, r.proof, r.tags, r.added_at, s.newsletter, s.state, s.since,
            s.topics, x.reason
         FROM recipients r JOIN subscriptions s ON s.recipient = r.id LEFT JOIN suppressions x ON x.recipient = r.id
         WHERE {} ORDER BY r.email, s.newsletter",
        conditions.join(" AND ")
    );
    (text, values)
}

/// The same of those who asked and have not confirmed; each once a newsletter, however often they asked.
fn unconfirmed(filter: &Filter) -> (String, Vec<String>) {
    let text = "SELECT recipient, email, newsletter, MAX(asked_at) FROM signups
         WHERE (newsletter = $1 OR $1 = '') AND (LOWER(email) LIKE $2 OR $2 = '')
         GROUP BY recipient, email, newsletter ORDER BY email, newsletter";
    let domain = filter.domain.as_ref().map(|domain| format!("%@{}", domain.to_lowercase()));
    (text.to_string(), vec![filter.newsletter.clone().unwrap_or_default(), domain.unwrap_or_default()])
}

fn read_unconfirmed(row: &AnyRow) -> Result<Listed> {
    let asked = moment(row.try_get(3)?);
    Ok(Listed {
        addressee: Addressee { id: row.try_get(0)?, email: row.try_get(1)?, name: None, fields: "{}".to_string() },
        basis: Basis { kind: "consent".to_string(), proof: None },
        tags: Vec::new(),
        added: asked,
        newsletter: row.try_get(2)?,
        state: "unconfirmed".to_string(),
        since: asked,
        topics: None,
        suppressed: None,
    })
}

fn read(row: &AnyRow) -> Result<Listed> {
    let tags: String = row.try_get(6)?;
    Ok(Listed {
        addressee: Addressee {
            id: row.try_get(0)?,
            email: row.try_get(1)?,
            name: row.try_get(2)?,
            fields: row.try_get(3)?,
        },
        basis: Basis { kind: row.try_get(4)?, proof: row.try_get(5)? },
        tags: tags.split_whitespace().map(str::to_string).collect(),
        added: moment(row.try_get(7)?),
        newsletter: row.try_get(8)?,
        state: row.try_get(9)?,
        since: moment(row.try_get(10)?),
        topics: row.try_get(11)?,
        suppressed: row.try_get(12)?,
    })
}
