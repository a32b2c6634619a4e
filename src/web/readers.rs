//! Counts who fetches the feeds: in memory at once, and in the database each minute and at the end, as totals of the day.
//!
//! Promises: a request costs a look into a table of what was seen this minute, and never waits for the database; what could
//! not be written is kept for the next time, within bounds; no address is looked at, and no user agent leaves the memory of the
//! minute.
//!
//! BUGS: a fetch counts for the day on which it is written, at most a minute later; one minute is lost where the process is
//! killed. Where the database's answer to a writing is lost, its fetches may count twice.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::header::{self, HeaderMap};

use super::Service;
use super::agents::{self, Agent};
use crate::store::daily;
use crate::store::readers::Reader;

/// How many different user agents of a feed are told apart in a minute.
const AGENTS: usize = 1000;
/// How many totals wait for a database that is away.
const WAITING: usize = 5000;

/// What was seen of a user agent in this minute.
struct Seen {
    agent: Agent,
    fetches: i64,
}

/// By feed and user agent.
type Minute = HashMap<String, HashMap<Vec<u8>, Seen>>;

#[derive(Default)]
pub struct Readers {
    minute: Mutex<Minute>,
    /// What could not be written yet.
    waiting: Mutex<Vec<Reader>>,
}

impl Readers {
    /// A feed was served, or found to be what the reader has.
    pub fn saw(&self, feed: &str, headers: &HeaderMap) {
        let said = headers.get(header::USER_AGENT).map_or(&b""[..], |said| said.as_bytes());
        let mut minute = self.minute.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(agents) = minute.get_mut(feed) else {
            let seen = Seen { agent: agents::read(said), fetches: 1 };
            minute.insert(feed.to_string(), HashMap::from([(said.to_vec(), seen)]));
            return;
        };
        if let Some(seen) = agents.get_mut(said) {
            seen.fetches += 1;
            return;
        }
        let said = if agents.len() < AGENTS { said } else { b"" };
        let seen = agents.entry(said.to_vec()).or_insert_with(|| Seen { agent: agents::read(said), fetches: 0 });
        seen.fetches += 1;
    }

    /// What is to be written, of that day; the minute begins anew.
    fn take(&self, day: i64) -> Vec<Reader> {
        let minute = std::mem::take(&mut *self.minute.lock().unwrap_or_else(PoisonError::into_inner));
        let mut totals: BTreeMap<(String, i64, String, String), Reader> = BTreeMap::new();
        let mut add = |one: Reader| {
            let key = (one.feed.clone(), one.day, one.reader.clone(), one.source.clone());
            match totals.get_mut(&key) {
                Some(total) => {
                    total.fetches += one.fetches;
                    total.subscribers = total.subscribers.max(one.subscribers);
                }
                None => {
                    totals.insert(key, one);
                }
            }
        };
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
            .into_iter()
            .for_each(&mut add);
        for (feed, agents) in minute {
            for seen in agents.into_values() {
                let Agent { name, source, subscribers, is_known } = seen.agent;
                let (feed, fetches) = (feed.clone(), seen.fetches);
                add(Reader { feed, day, reader: name, source, subscribers, fetches, is_known });
            }
        }
        totals.into_values().take(WAITING).collect()
    }

    /// Writes what was counted, and tells whether it is written.
    pub async fn write(&self, service: &Service) -> bool {
        let counted = Arc::new(self.take(daily::day(service.clock.now())));
        if counted.is_empty() {
            return true;
        }
        let adding = counted.clone();
        let added = service
            .stores
            .with(move |store| {
                let adding = adding.clone();
                Box::pin(async move { store.add_readers(&adding).await })
            })
            .await;
        if let Err(error) = &added {
            (service.log)(&format!("the feeds' readers are counted, and not written yet: {error}"));
            self.waiting.lock().unwrap_or_else(PoisonError::into_inner).extend(counted.iter().cloned());
        }
        added.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn from(said: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::USER_AGENT, HeaderValue::from_str(said).unwrap())])
    }

    #[test]
    fn a_minute_becomes_the_most_of_a_service_and_the_sum_of_fetches() {
        let readers = Readers::default();
        for said in ["Feedly/1.0 (40 subscribers)", "Feedly/1.0 (42 subscribers)", "curl/8", "curl/7", "curl/8"] {
            readers.saw("feed.xml", &from(said));
        }
        readers.saw("feed.xml", &HeaderMap::new());
        readers.saw("other.xml", &from("curl/8"));
        let told = readers.take(9);
        let told: Vec<_> =
            told.iter().map(|one| (one.feed.as_str(), one.reader.as_str(), one.subscribers, one.fetches)).collect();
        let expected = [
            ("feed.xml", "Feedly", 42, 2),
            ("feed.xml", "curl", 0, 3),
            ("feed.xml", "others", 0, 1),
            ("other.xml", "curl", 0, 1),
        ];
        assert_eq!(told, expected);
        assert_eq!(readers.take(9), []);
    }

    #[test]
    fn any_number_of_user_agents_takes_a_bounded_place() {
        let readers = Readers::default();
        for n in 0..5000 {
            readers.saw("feed.xml", &from(&format!("program-{n}/1")));
        }
        let told = readers.take(9);
        assert_eq!(told.len(), AGENTS + 1);
        assert_eq!(told.iter().map(|one| one.fetches).sum::<i64>(), 5000);
    }
}
