//! What the page is made of, read from the database.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::config::{Audience, Config};
use crate::store::daily::{self, Daily};
use crate::store::editions::{Counts, Edition, State};
use crate::store::readers::Reader;
use crate::store::replies::Replies;
use crate::store::{self, Store};

/// Of editions of the last so many days the replies by domain are told; where there is none, of the last one.
pub const REPLIES_OF: TimeDelta = TimeDelta::days(90);
/// So far back goes what is told of feeds' readers, in days.
pub const READERS_OF: i64 = 90;

/// A newsletter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub name: String,
    pub title: String,
    /// Its people are in the database, so that it is known how many there are.
    pub has_people: bool,
}

/// A feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub name: String,
    pub title: String,
    /// Of its files.
    pub paths: Vec<String>,
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Rows {
    pub now: DateTime<Utc>,
    pub zone: Tz,
    /// The site's, BCP 47.
    pub language: String,
    pub site: String,
    pub letters: Vec<Letter>,
    pub feeds: Vec<Source>,
    /// Oldest first.
    pub editions: Vec<Edition>,
    pub daily: Vec<Daily>,
    pub subscribed: Vec<(String, i64)>,
    /// Asked to be on a newsletter, and not confirmed yet.
    pub asking: Vec<(String, i64)>,
    /// How often nothing left in answer to a form.
    pub unanswered: Vec<(String, i64)>,
    pub replies: Vec<Replies>,
    pub suppressed: Vec<(String, i64)>,
    pub readers: Vec<Reader>,
}

impl Rows {
    /// What a configuration says, before anything is known.
    pub fn empty(config: &Config, now: DateTime<Utc>) -> Rows {
        let letter = |one: &crate::config::Newsletter| Letter {
            name: one.name.clone(),
            title: one.title.clone(),
            has_people: matches!(one.to, Audience::Recipients),
        };
        let feed = |one: &crate::config::FeedConfig| Source {
            name: one.name.clone(),
            title: if one.title.is_empty() { one.name.clone() } else { one.title.clone() },
            paths: [&one.outputs.atom, &one.outputs.rss, &one.outputs.json]
                .into_iter()
                .flatten()
                .map(|path| path.trim_start_matches('/').to_string())
                .collect(),
        };
        Rows {
            now,
            zone: config.site.time_zone,
            language: config.site.language.clone(),
            site: config.site.title.clone(),
            letters: config.newsletters.iter().map(letter).collect(),
            feeds: config.feeds.iter().map(feed).collect(),
            editions: Vec::new(),
            daily: Vec::new(),
            subscribed: Vec::new(),
            asking: Vec::new(),
            unanswered: Vec::new(),
            replies: Vec::new(),
            suppressed: Vec::new(),
            readers: Vec::new(),
        }
    }

    /// Looks, and changes nothing.
    pub async fn read(store: &mut Store, config: &Config, now: DateTime<Utc>) -> store::Result<Rows> {
        let rows = Rows::empty(config, now).again(store, now).await?;
        let last = rows.editions.last().map_or(now, |edition| edition.composed);
        Ok(Rows { replies: store.replies(last.min(now - REPLIES_OF)).await?, ..rows })
    }

    /// What may have changed since: all but the replies and the sums of editions that are done, which a long ledger makes
    /// slow to read.
    pub async fn again(&self, store: &mut Store, now: DateTime<Utc>) -> store::Result<Rows> {
        let is_settled = |edition: &&Edition| {
            let counts = &edition.counts;
            edition.state == State::Done && counts.pending == 0 && counts.uncertain == 0
        };
        let settled = self.editions.iter().filter(is_settled);
        let known: HashMap<i64, Counts> = settled.map(|edition| (edition.id, edition.counts.clone())).collect();
        let (asking, unanswered) = store.asking().await?;
        Ok(Rows {
            now,
            asking,
            unanswered,
            editions: store.editions_again(&known).await?,
            daily: store.daily().await?,
            subscribed: store.subscribed().await?,
            suppressed: store.suppressed().await?,
            readers: store.readers(daily::day(now) - READERS_OF).await?,
            ..self.clone()
        })
    }
}
