//! A newsletter's next edition: whether there is one, and what stands in its way.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::frozen::Frozen;
use super::press::{self, Known};
use super::{AnnounceError, Material, online, pages, pictures, sheet};
use crate::config::{Approve, Audience as To, Backlog, Newsletter};
use crate::digest::Composed;
use crate::mail::letter::Head;
use crate::mail::way_out;
use crate::people::People;
use crate::problem::{Problem, Problems};
use crate::schedule::{Due, due};
use crate::secrets::Secrets;
use crate::store::Store;
use crate::store::editions::State;
use crate::store::freeze::{Audience, NewEdition};
use crate::store::newsletters::Memory;
use crate::store::recipients::Addressee;

/// Who asks for the next edition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The cron job: only when it is due.
    BySchedule,
    /// A person: now.
    ByPerson,
    /// A person who only wants to know: nothing is frozen.
    DryRun,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    NotDue {
        next: Option<DateTime<Utc>>,
    },
    NothingNew,
    /// Nobody is on the list: nothing is remembered.
    Nobody,
    /// These do not answer yet.
    WaitsForPages {
        missing: Vec<String>,
    },
    /// It cannot be composed, or must not leave.
    Impossible,
    /// Frozen, in this state, with the reason where a person should look.
    Frozen {
        number: i64,
        items: usize,
        state: State,
        reason: Option<String>,
    },
    /// What a dry run would freeze, and to how many people it would go.
    Would {
        number: i64,
        items: Vec<String>,
        state: State,
        reason: Option<String>,
        eligible: i64,
    },
}

/// Composes and freezes a newsletter's next edition, or each of them (`each-item`), where nothing stands in the way.
/// Problems are added to `problems`.
pub async fn next(
    store: &mut Store,
    secrets: &Secrets,
    material: Material<'_>,
    newsletter: &Newsletter,
    asked: Asked,
    now: DateTime<Utc>,
    problems: &mut Problems,
) -> Result<Vec<Next>, AnnounceError> {
    let memory = store.newsletter(&newsletter.name).await?;
    let backlog = if memory.is_none() { backlog(material, newsletter) } else { Vec::new() };
    if memory.is_none() && asked != Asked::DryRun {
        store.start_newsletter(&newsletter.name, &backlog, now).await?;
    }
    let memory = memory.unwrap_or(Memory { considered: now, waiting_since: None, brake: None });
    let mut later = None;
    if asked == Asked::BySchedule
        && memory.waiting_since.is_none()
        && let Due::Later { next } = due(newsletter, material.config.site.time_zone, memory.considered, now)
    {
        later = Some(next);
        if newsletter.urgent.is_none() {
            return Ok(vec![Next::NotDue { next }]);
        }
    }
    let mut known = Known::of(store, &newsletter.name).await?;
    known.ids.extend(backlog);
    let number = store.next_number(&newsletter.name, i64::try_from(newsletter.first_number).unwrap_or(1)).await?;
    let mut desk = Desk { store, secrets, material, newsletter, asked, now, memory, problems, urgent: None };
    if let Some(next) = later {
        let urgent = desk.urgent(&known, number, next).await?;
        return Ok(vec![urgent.unwrap_or(Next::NotDue { next })]);
    }
    let Some(editions) = desk.compose(&known, number) else { return Ok(vec![Next::Impossible]) };
    if editions.is_empty() {
        desk.consider().await?;
        return Ok(vec![Next::NothingNew]);
    }
    let mut found = Vec::new();
    for composed in editions {
        let next = desk.edition(composed).await?;
        let goes_on = matches!(next, Next::Frozen { .. } | Next::Would { .. });
        found.push(next);
        if !goes_on {
            break;
        }
    }
    Ok(found)
}

/// What is there before a newsletter begins, and counts as announced. Whatever the selection says today: an item that is
/// there is no news tomorrow because the selection grew. What is held until its date has not been published yet.
fn backlog(material: Material<'_>, newsletter: &Newsletter) -> Vec<String> {
    match newsletter.backlog {
        Backlog::Announce => Vec::new(),
        Backlog::Skip => {
            material.items.iter().filter(|item| item.held_until.is_none()).map(|item| item.id.clone()).collect()
        }
    }
}

/// One newsletter on the desk.
struct Desk<'a> {
    store: &'a mut Store,
    secrets: &'a Secrets,
    material: Material<'a>,
    newsletter: &'a Newsletter,
    asked: Asked,
    now: DateTime<Utc>,
    memory: Memory,
    problems: &'a mut Problems,
    /// A letter out of turn: how many items are new, its own among them.
    urgent: Option<usize>,
}

impl Desk<'_> {
    /// The short letter of events that cannot wait for the letter of `next`, where there are any. No scheduled moment counts
    /// as considered with it, and while its pages do not answer it is simply asked for again.
    async fn urgent(
        &mut self,
        known: &Known,
        number: i64,
        next: Option<DateTime<Utc>>,
    ) -> Result<Option<Next>, AnnounceError> {
        let (material, newsletter) = (self.material, self.newsletter);
        let Some(soon) = newsletter.urgent else { return Ok(None) };
        let number = number.unsigned_abs();
        let Some(composed) = press::urgent(material, newsletter, known, number, self.now, (soon, next)) else {
            return Ok(None);
        };
        let mut composed = match composed {
            Ok(composed) => composed,
            Err(problems) => {
                self.problems.extend(problems);
                return Ok(Some(Next::Impossible));
            }
        };
        self.problems.extend(std::mem::take(&mut composed.problems));
        if newsletter.approve == Approve::File || sheet::exists(material.config, newsletter, number) {
            // The next number is the file's: a person decides what stands in it, and when it goes.
            for item in &composed.items {
                let message =
                    format!("“{}” would be over before the next letter: nobody has announced it", item.title);
                let help = format!(
                    "let editions/{}-{number}.md hold it (`crieur draft {}` writes it) and say `send: now`",
                    newsletter.name, newsletter.name
                );
                self.problems.push(Problem::warning("urgent-event", message).help(help).in_file(&newsletter.file));
            }
            return Ok(None);
        }
        self.urgent = Some(press::count_new(material, newsletter, known, self.now));
        self.edition(composed).await.map(Some)
    }

    /// The editions that are new, in their order; `None`: they cannot be composed.
    fn compose(&mut self, known: &Known, number: i64) -> Option<Vec<Composed>> {
        match press::letters(self.material, self.newsletter, known, number.unsigned_abs(), self.now) {
            Ok(mut editions) => {
                for edition in &mut editions {
                    self.problems.extend(std::mem::take(&mut edition.problems));
                }
                Some(editions)
            }
            Err(problems) => {
                self.problems.extend(problems);
                None
            }
        }
    }

    /// Freezes one edition, where nothing stands in its way.
    async fn edition(&mut self, composed: Composed) -> Result<Next, AnnounceError> {
        let newsletter = self.newsletter;
        let way_out = way_out::check(self.material.config, newsletter);
        let list = crate::config::people::check(self.material.config, newsletter);
        let refused = way_out.has_errors() || list.has_errors();
        self.problems.extend(way_out);
        self.problems.extend(list);
        if refused {
            return Ok(Next::Impossible);
        }
        let (mut state, mut reason) = self.brakes(&composed);
        if state != State::Held
            && let Some(limit) = newsletter.wait_for_pages
        {
            let missing = pages::missing(self.material, &composed);
            if !missing.is_empty() && self.urgent.is_some() {
                return Ok(Next::WaitsForPages { missing });
            }
            if !missing.is_empty() {
                let since = match self.asked {
                    Asked::DryRun => self.memory.waiting_since.unwrap_or(self.now),
                    _ => self.store.wait_for_pages(&newsletter.name, self.now).await?,
                };
                if self.now - since < limit {
                    return Ok(Next::WaitsForPages { missing });
                }
                state = State::Held;
                reason = Some(format!("{} did not answer in time", missing.join(", ")));
            }
        }
        self.freeze(composed, state, reason).await
    }

    /// What holds an edition before anything of it is sent.
    fn brakes(&self, composed: &Composed) -> (State, Option<String>) {
        let (new, surge) = (self.urgent.unwrap_or(composed.counted.len()), self.newsletter.surge);
        if new > surge {
            let reason = format!(
                "{new} new items at once, and surge is {surge}: look whether a migration made old ones new, then resume or cancel"
            );
            return (State::Held, Some(reason));
        }
        if let Some(reason) = &self.memory.brake {
            return (State::Held, Some(reason.clone()));
        }
        match self.newsletter.approve {
            Approve::No => (State::Sending, None),
            Approve::Yes => (State::Composed, Some("waits for `crieur approve`".to_string())),
            Approve::File => {
                let reason = "waits for its edition's file, which this version does not read: write `approve: yes`";
                (State::Held, Some(reason.to_string()))
            }
        }
    }

    async fn freeze(
        &mut self,
        composed: Composed,
        state: State,
        reason: Option<String>,
    ) -> Result<Next, AnnounceError> {
        let config = self.material.config;
        let items: Vec<String> = composed.items.iter().map(|item| item.id.clone()).collect();
        let count = items.len();
        let number = i64::try_from(composed.number).unwrap_or(1);
        if self.asked == Asked::DryRun {
            let eligible = self.eligible().await?;
            return Ok(Next::Would { number, items, state, reason, eligible });
        }
        // What the letter links to is there before it leaves.
        online::write_events(self.material, self.now, &config.root.join(&config.publish.out))?;
        let (counted, declined) = (composed.counted.clone(), composed.declined.clone());
        let pictures = pictures::kept(&composed.pictures);
        let frozen = Frozen { head: Head::new(config, self.newsletter, self.now), composed };
        let (content, variants) = frozen.to_json()?;
        let edition = NewEdition {
            newsletter: self.newsletter.name.clone(),
            number,
            state,
            reason: reason.clone(),
            items,
            counted,
            declined,
            content,
            variants,
            pictures,
            pictures_until: self.now + config.pictures.keep,
            composed: self.now,
            send_at: None,
            // Never goes back: one out of turn leaves it where it was.
            considered: if self.urgent.is_some() { self.memory.considered } else { self.now },
        };
        let frozen = match &self.newsletter.to {
            To::Recipients => self.store.freeze(&edition, Audience::Subscribed).await?,
            To::Address(address) => {
                let mut list = vec![Addressee {
                    id: self.secrets.recipient_id(address),
                    email: address.clone(),
                    name: None,
                    fields: "{}".to_string(),
                }];
                self.store.freeze(&edition, Audience::These(&mut || std::mem::take(&mut list))).await?
            }
            To::File(file) => {
                let mut people = match People::open(&config.root, Path::new(file), self.secrets) {
                    Ok(people) => people,
                    Err(problem) => {
                        self.problems.push(*problem);
                        return Ok(Next::Impossible);
                    }
                };
                let frozen = self.store.freeze(&edition, Audience::These(&mut || people.next_batch())).await?;
                self.problems.extend(people.problems);
                frozen
            }
        };
        if frozen.is_none() {
            let problem = Problem::warning("nobody", format!("nobody is on the list of {}", self.newsletter.name))
                .help(format!("add people: `crieur recipients import FILE --newsletter {}`", self.newsletter.name));
            self.problems.push(problem.in_file(&self.newsletter.file));
            self.consider().await?;
            return Ok(Next::Nobody);
        }
        Ok(Next::Frozen { number, items: count, state, reason })
    }

    /// How many people are on the list now.
    async fn eligible(&mut self) -> Result<i64, AnnounceError> {
        Ok(match &self.newsletter.to {
            To::Recipients => self.store.count_subscribed(&self.newsletter.name).await?,
            To::Address(_) => 1,
            To::File(file) => {
                let mut count = 0;
                if let Ok(mut people) = People::open(&self.material.config.root, Path::new(file), self.secrets) {
                    loop {
                        let batch = people.next_batch();
                        if batch.is_empty() {
                            break;
                        }
                        count += i64::try_from(batch.len()).unwrap_or(0);
                    }
                }
                count
            }
        })
    }

    /// The newsletter's moments up to now are seen to.
    async fn consider(&mut self) -> Result<(), AnnounceError> {
        if self.asked != Asked::DryRun && self.urgent.is_none() {
            self.store.consider(&self.newsletter.name, self.now).await?;
        }
        Ok(())
    }
}
