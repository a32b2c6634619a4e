//! What is remembered of newsletters, for the commands that only look: the database's memory, or, where there is none,
//! what the editions' files in the repository tell.
//!
//! BUGS: without a database, and with `backlog: skip`, an item counts as new if it is younger than all that an earlier
//! file names: nothing else says when it came.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::office::{material, runtime};
use super::report;
use crate::announce::{Known, press, readers, sheet};
use crate::config::{Backlog, Config, Newsletter};
use crate::digest::edition_file::Release;
use crate::item::identity::Lock;
use crate::project::{LOCK_PATH, Project};
use crate::store::editions::State;
use crate::store::{Database, Store};

/// What the database knows, if there is one.
#[derive(Default)]
pub struct Remembered {
    has_database: bool,
    /// Of the newsletters that were seen.
    begun: Vec<(String, Known)>,
    numbers: Vec<(String, u64)>,
    /// How many people are subscribed.
    people: Vec<(String, u64)>,
    /// What readers chose of the topics, where there are any.
    choices: Vec<(String, Vec<String>)>,
    /// Of the editions that wait and that nobody has: the newsletter, the number, and what is known but for it.
    waiting: Vec<(String, u64, Known)>,
    pub ids: Option<Lock>,
}

/// Where one newsletter stands.
pub struct Standing {
    pub known: Known,
    /// The next edition's.
    pub number: u64,
    /// It was never seen: with `backlog: skip`, all that is there counts as known.
    pub begins: bool,
}

/// Reads the database if there is one; none is made.
pub fn read(config: &Config) -> anyhow::Result<Remembered> {
    let database = Database::of(config)?;
    runtime()?.block_on(async {
        let looked = match Store::look(&database).await {
            Err(error) if error.is_unreachable_branch() => {
                report::line(format_args!(
                    "{database} cannot be asked, so what was announced is not known here: {error}"
                ));
                None
            }
            looked => looked?,
        };
        let Some(mut store) = looked else {
            let mut remembered = Remembered::default();
            for newsletter in &config.newsletters {
                let chosen = readers::choices(None, config, newsletter).await?;
                remembered.choices.push((newsletter.name.clone(), chosen));
            }
            return Ok(remembered);
        };
        if store.is_stale() {
            report::line(format_args!("{database} could not be asked: this is what it said last"));
        }
        let mut remembered = Remembered { has_database: true, ..Remembered::default() };
        for newsletter in &config.newsletters {
            let name = &newsletter.name;
            if store.newsletter(name).await?.is_some() {
                remembered.begun.push((name.clone(), Known::of(&mut store, config, newsletter).await?));
            }
            let first = i64::try_from(newsletter.first_number)?;
            let number = store.next_number(name, first).await?;
            remembered.numbers.push((name.clone(), number.unsigned_abs()));
            let people = store.count_readers(name, &newsletter.segment, &[]).await?;
            remembered.people.push((name.clone(), people.unsigned_abs()));
            let chosen = readers::choices(Some(&mut store), config, newsletter).await?;
            remembered.choices.push((name.clone(), chosen));
        }
        for edition in store.open_editions().await? {
            if edition.state == State::Composed && edition.is_untouched() {
                let ids = store.announced_but_by(&edition.newsletter, edition.id).await?;
                let shown = store.shown(&edition.newsletter, Some(edition.id)).await?;
                let known = Known { ids, shown, ..Known::default() };
                remembered.waiting.push((edition.newsletter.clone(), edition.number.unsigned_abs(), known));
            }
        }
        remembered.ids = Some(Lock::parse(&store.items_text().await?, LOCK_PATH).0);
        store.close().await?;
        Ok(remembered)
    })
}

impl Remembered {
    /// What a newsletter must not announce again; `None`: no database has seen it.
    pub fn known(&self, newsletter: &Newsletter) -> Option<Known> {
        of(&self.begun, newsletter).cloned()
    }

    /// Its next edition's number, as the database tells it.
    pub fn number(&self, newsletter: &Newsletter) -> u64 {
        of(&self.numbers, newsletter).copied().unwrap_or(newsletter.first_number)
    }

    /// What the newsletter's readers chose of its topics, the most frequent choice first.
    pub fn choices(&self, newsletter: &Newsletter) -> &[String] {
        of(&self.choices, newsletter).map(Vec::as_slice).unwrap_or_default()
    }

    fn with_choices(&self, known: Known, newsletter: &Newsletter) -> Known {
        Known { choices: self.choices(newsletter).to_vec(), ..known }
    }

    /// How many people are subscribed to it, and of its segment.
    pub fn people(&self, newsletter: &Newsletter) -> Option<u64> {
        of(&self.people, newsletter).copied()
    }

    /// Where a newsletter stands before its next edition.
    pub fn of(&self, project: &Project, newsletter: &Newsletter, now: DateTime<Utc>) -> Standing {
        if !self.has_database {
            let standing = by_files(project, newsletter, now);
            return Standing { known: self.with_choices(standing.known, newsletter), ..standing };
        }
        let number = self.number(newsletter);
        match self.known(newsletter) {
            Some(known) => Standing { known, number, begins: false },
            None => {
                let known = self.with_choices(at_the_beginning(project, newsletter), newsletter);
                Standing { known, number, begins: true }
            }
        }
    }

    /// Where it stands before the edition that a person can still rearrange: one that waits and that nobody has, else the
    /// next.
    pub fn of_draft(&self, project: &Project, newsletter: &Newsletter, now: DateTime<Utc>) -> Standing {
        match self.waiting.iter().find(|(name, ..)| *name == newsletter.name) {
            Some((_, number, known)) => {
                let known = self.with_choices(known.clone(), newsletter);
                Standing { known, number: *number, begins: false }
            }
            None => self.of(project, newsletter, now),
        }
    }
}

/// What a list by newsletters says of this one.
fn of<'a, T>(list: &'a [(String, T)], newsletter: &Newsletter) -> Option<&'a T> {
    list.iter().find(|(name, _)| *name == newsletter.name).map(|(_, value)| value)
}

fn at_the_beginning(project: &Project, newsletter: &Newsletter) -> Known {
    match newsletter.backlog {
        Backlog::Announce => Known::default(),
        Backlog::Skip => project.items.iter().map(|item| item.id.clone()).collect::<HashSet<_>>().into(),
    }
}

/// The last file is the next edition's, unless it says that it has gone; what those before it named is known, but for
/// what they let wait.
fn by_files(project: &Project, newsletter: &Newsletter, now: DateTime<Utc>) -> Standing {
    let mut known = Known::default();
    let mut number = newsletter.first_number;
    let mut earlier = 0;
    let mut later: HashSet<String> = HashSet::new();
    let numbers = sheet::numbers(&project.config, &newsletter.name);
    for (index, one) in numbers.iter().enumerate() {
        let Some(Ok(source)) = sheet::source(&project.config, &newsletter.name, *one) else { continue };
        let nothing = Known::default();
        let input = press::input(material(project), newsletter, &nothing, *one, now);
        let (file, _) = sheet::parse(&source, &input, &nothing.shown);
        let went = match file.release {
            Release::Now => true,
            Release::At(moment) => moment <= now,
            Release::No => false,
        };
        number = *one;
        if index + 1 == numbers.len() && !went {
            break;
        }
        number = one + 1;
        earlier += 1;
        let waits = |id: &str| file.later.iter().any(|later| later == id);
        known.ids.extend(file.mentioned().into_iter().filter(|id| !waits(id)).map(str::to_string));
        later.extend(file.later.iter().cloned());
        known.shown.extend(file.plan.items().map(|item| item.id.clone()));
    }
    let begins = earlier == 0;
    if begins {
        known = at_the_beginning(project, newsletter);
    } else if newsletter.backlog == Backlog::Skip {
        let named = project.items.iter().filter(|item| known.ids.contains(&item.id)).map(|item| item.published);
        let last = named.max();
        let old = project.items.iter().filter(|item| Some(item.published) <= last && !later.contains(&item.id));
        let old: Vec<String> = old.map(|item| item.id.clone()).collect();
        known.ids.extend(old);
    }
    Standing { known, number, begins }
}
