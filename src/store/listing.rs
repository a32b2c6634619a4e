//! Who is on the lists: people with their newsletters, a page at a time, by whatever is asked for.

use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::newsletters::moment;
use super::recipients::{Addressee, Basis};
use super::{Result, Store};

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
    pub async fn list_recipients(
        &mut self,
        newsletter: Option<&str>,
        after: (&str, &str),
        limit: i64,
    ) -> Result<Vec<Listed>> {
        let filter = Filter { newsletter: newsletter.map(str::to_string), ..Filter::default() };
        self.list_people(&filter, after, limit).await
    }

    /// People with their newsletters, by address then newsletter: the `limit` that follow `after`. Empty: no more.
    pub async fn list_people(&mut self, filter: &Filter, after: (&str, &str), limit: i64) -> Result<Vec<Listed>> {
        if filter.state == Some(Standing::Unconfirmed) {
            return self.list_unconfirmed(filter, after, limit).await;
        }
        let mut conditions = vec!["(r.email > $1 OR (r.email = $1 AND s.newsletter > $2))".to_string()];
        let mut values = Vec::new();
        let mut add = |condition: &str, value: Option<String>| {
            if let Some(value) = value {
                values.push(value);
                conditions.push(condition.replace("{}", &format!("${}", values.len() + 3)));
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
             WHERE {} ORDER BY r.email, s.newsletter LIMIT $3",
            conditions.join(" AND ")
        );
        let mut query = sqlx::query(sqlx::AssertSqlSafe(text)).bind(after.0).bind(after.1).bind(limit);
        for value in values {
            query = query.bind(value);
        }
        query.fetch_all(&mut self.connection).await?.iter().map(read).collect()
    }

    /// The same of those who asked and have not confirmed; each once a newsletter, however often they asked.
    async fn list_unconfirmed(&mut self, filter: &Filter, after: (&str, &str), limit: i64) -> Result<Vec<Listed>> {
        if filter.tag.is_some() || filter.basis.as_deref() == Some("mission") {
            return Ok(Vec::new());
        }
        let rows = sqlx::query(
            "SELECT recipient, email, newsletter, MAX(asked_at) FROM signups
             WHERE (email > $1 OR (email = $1 AND newsletter > $2)) AND (newsletter = $3 OR $3 = '')
                AND (LOWER(email) LIKE $4 OR $4 = '')
             GROUP BY recipient, email, newsletter ORDER BY email, newsletter LIMIT $5",
        )
        .bind(after.0)
        .bind(after.1)
        .bind(filter.newsletter.as_deref().unwrap_or(""))
        .bind(filter.domain.as_ref().map(|domain| format!("%@{}", domain.to_lowercase())).unwrap_or_default())
        .bind(limit)
        .fetch_all(&mut self.connection)
        .await?;
        rows.iter()
            .map(|row| {
                let asked = moment(row.try_get(3)?);
                let fields = "{}".to_string();
                Ok(Listed {
                    addressee: Addressee { id: row.try_get(0)?, email: row.try_get(1)?, name: None, fields },
                    basis: Basis { kind: "consent".to_string(), proof: None },
                    tags: Vec::new(),
                    added: asked,
                    newsletter: row.try_get(2)?,
                    state: "unconfirmed".to_string(),
                    since: asked,
                    topics: None,
                    suppressed: None,
                })
            })
            .collect()
    }
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
