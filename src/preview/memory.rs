//! What the database knows, looked at without changing it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use crate::announce::{Known, readers};
use crate::config::{Audience, Backlog, Config, Newsletter};
use crate::item::Item;
use crate::item::identity::Lock;
use crate::project::LOCK_PATH;
use crate::store::newsletters::{Announcement, How};
use crate::store::{Database, Store, StoreError};

/// All that the next letters depend on besides the project's files.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The ids that the database kept.
    pub ids: Option<Lock>,
    /// The fingerprint of the key that it was used with.
    pub key: Option<String>,
    newsletters: HashMap<String, Remembered>,
}

/// What is remembered of one newsletter.
#[derive(Clone, Debug)]
pub struct Remembered {
    /// `None`: it was never seen.
    pub announced: Option<HashMap<String, Announcement>>,
    /// Scheduled moments up to here were seen to.
    pub considered: Option<DateTime<Utc>>,
    /// The next edition's.
    pub number: u64,
    /// How many people are on the list, where the database says it.
    pub recipients: Option<u64>,
    /// What its readers chose of its topics.
    choices: Vec<String>,
}

impl Memory {
    /// Reads the database if there is one; none is made.
    pub async fn read(config: &Config) -> Result<Memory, StoreError> {
        let looked = match Store::look(&Database::of(config)?).await {
            // An editor may be on a train: the letter is shown all the same.
            Err(error) if error.is_unreachable_branch() => None,
            looked => looked?,
        };
        let Some(mut store) = looked else {
            let mut memory = Memory::default();
            for newsletter in config.newsletters.iter().filter(|newsletter| !newsletter.topics.is_empty()) {
                let choices = readers::choices(None, config, newsletter).await?;
                memory.newsletters.insert(newsletter.name.clone(), Remembered { choices, ..unseen(newsletter) });
            }
            return Ok(memory);
        };
        let mut memory = Memory {
            ids: Some(Lock::parse(&store.items_text().await?, LOCK_PATH).0),
            key: store.key_fingerprint().await?,
            newsletters: HashMap::new(),
        };
        for newsletter in &config.newsletters {
            let name = &newsletter.name;
            let seen = store.newsletter(name).await?;
            let announced = match seen {
                Some(_) => Some(store.announcements(name).await?),
                None => None,
            };
            let first = i64::try_from(newsletter.first_number).unwrap_or(1);
            let number = store.next_number(name, first).await?.unsigned_abs();
            let considered = seen.map(|seen| seen.considered);
            let recipients = match newsletter.to {
                Audience::Recipients => {
                    Some(store.count_readers(name, &newsletter.segment, &[]).await?.unsigned_abs())
                }
                _ => None,
            };
            let choices = readers::choices(Some(&mut store), config, newsletter).await?;
            let remembered = Remembered { announced, considered, number, recipients, choices };
            memory.newsletters.insert(name.clone(), remembered);
        }
        store.close().await?;
        Ok(memory)
    }

    pub fn of(&self, newsletter: &Newsletter) -> Remembered {
        self.newsletters.get(&newsletter.name).cloned().unwrap_or_else(|| unseen(newsletter))
    }
}

fn unseen(newsletter: &Newsletter) -> Remembered {
    let number = newsletter.first_number;
    Remembered { announced: None, considered: None, number, recipients: None, choices: Vec::new() }
}

impl Remembered {
    /// What the newsletter must not announce by itself any more.
    pub fn known(&self, newsletter: &Newsletter, items: &[Item]) -> Known {
        let announced = self.announced.iter().flatten();
        let shown = announced.filter(|(_, one)| one.how == How::Announced).map(|(id, _)| id.clone()).collect();
        Known { ids: self.ids(newsletter, items), shown, choices: self.choices.clone(), ..Known::default() }
    }

    fn ids(&self, newsletter: &Newsletter, items: &[Item]) -> HashSet<String> {
        match &self.announced {
            Some(announced) => announced.keys().cloned().collect(),
            // What is there when it begins counts as announced; what is held until its date is not there yet.
            None if newsletter.backlog == Backlog::Skip => {
                items.iter().filter(|item| item.held_until.is_none()).map(|item| item.id.clone()).collect()
            }
            None => HashSet::new(),
        }
    }
}
