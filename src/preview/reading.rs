//! The project read once more: every newsletter's next letters, why their items are in them, and the feeds.
//!
//! Promises: the letters are those that `send` would send at this moment (`announce::press`); nothing is written; a project
//! that cannot be read is a value, too: its problems.
//!
//! BUGS: everything is read and composed anew at each change; half a thousand posts take less than a tenth of a second.

use std::sync::OnceLock;

use chrono::{DateTime, Utc};

use super::documents;
use super::memory::{Memory, Remembered};
use super::pictures::Pictures;
use super::sheet::Sheet;
use super::words::Words;
use crate::announce::choice::{Choice, choices};
use crate::announce::sheet::Sheet as EditionFile;
use crate::announce::{Material, press};
use crate::config::{Config, Newsletter};
use crate::feed::{self, Feed};
use crate::problem::{Problem, Problems};
use crate::project::Project;
use crate::schedule::{Due, due};
use crate::secrets::Secrets;

/// One reading of the project.
pub struct Reading {
    /// Counts the readings that differ, from 1.
    pub version: u64,
    pub now: DateTime<Utc>,
    pub desk: Result<Desk, Problems>,
}

/// What a project that can be read shows.
pub struct Desk {
    pub project: Project,
    pub memory: Memory,
    pub pictures: Pictures,
    /// In the configuration's order.
    pub newsletters: Vec<Letters>,
    /// In the configuration's order.
    pub feeds: Vec<Feed>,
    /// Of the bodies that feeds show.
    pub feed_problems: Problems,
    secrets: Secrets,
    now: DateTime<Utc>,
}

/// One newsletter's next letters.
pub struct Letters {
    /// None: nothing is new; with a letter an item, one each. An error: they cannot be composed.
    pub next: Result<Vec<Sheet>, Problems>,
    pub choices: Vec<Choice>,
    pub remembered: Remembered,
    pub due: Due,
    /// What the next edition's file says, if there is one that counts.
    pub file: Option<EditionFile>,
    /// How many items are new.
    pub new: usize,
    /// The letter as if nobody had been told of anything: made when it is first looked at.
    all: OnceLock<Result<Vec<Sheet>, Problems>>,
}

/// Which of a newsletter's letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Next,
    /// As if nobody had been told of anything.
    All,
}

impl Reading {
    /// Reads everything. `memory` is what the database knows; `Err`: why it cannot be read.
    pub fn new(
        version: u64,
        config: Result<(Config, Problems), Problems>,
        memory: Result<Memory, Problem>,
        now: DateTime<Utc>,
    ) -> Reading {
        let desk = config.and_then(|(config, problems)| Desk::new(config, problems, memory, now));
        Reading { version, now, desk }
    }

    /// Everything that is shown, as one number: two readings with the same one look alike.
    pub fn fingerprint(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        match &self.desk {
            Err(problems) => {
                hasher.update(format!("{problems:?}").as_bytes());
            }
            Ok(desk) => {
                let problems = (&desk.project.problems, &desk.feed_problems);
                hasher.update(format!("{problems:?}").as_bytes());
                for letters in &desk.newsletters {
                    hasher.update(
                        format!("{:?}{:?}{:?}{:?}", letters.choices, letters.due, letters.new, letters.file)
                            .as_bytes(),
                    );
                    match &letters.next {
                        Err(problems) => {
                            hasher.update(format!("{problems:?}").as_bytes());
                        }
                        Ok(sheets) => sheets.iter().for_each(|sheet| {
                            for part in [&sheet.subject, &sheet.html, &sheet.text] {
                                hasher.update(part.as_bytes());
                            }
                            hasher.update(format!("{:?}", sheet.problems).as_bytes());
                            for picture in &sheet.pictures {
                                hasher.update(format!("{:?}{:?}", picture.url, picture.bytes).as_bytes());
                            }
                        }),
                    }
                }
                for feed in &desk.feeds {
                    hasher.update(format!("{:?}{:?}", feed.title, feed.description).as_bytes());
                    for entry in &feed.entries {
                        let when = (&entry.id, entry.published, entry.updated, &entry.picture);
                        hasher.update(format!("{when:?}").as_bytes());
                        hasher.update(entry.title.as_bytes());
                        hasher.update(entry.summary.as_deref().unwrap_or_default().as_bytes());
                        hasher.update(entry.content_html.as_deref().unwrap_or_default().as_bytes());
                    }
                }
            }
        }
        hasher.finalize()
    }
}

impl Desk {
    fn new(
        config: Config,
        problems: Problems,
        memory: Result<Memory, Problem>,
        now: DateTime<Utc>,
    ) -> Result<Desk, Problems> {
        let memory = memory.map_err(|problem| Problems(vec![problem]))?;
        let secrets =
            Secrets::look(&config).map_err(|error| Problems(vec![Problem::error("secrets", error.to_string())]))?;
        // Before the first letter there may be no key; the stand-in's way out needs one that nothing else has.
        let secrets = secrets.unwrap_or_else(|| Secrets::from_bytes([0; 32]));
        let project = Project::of(config, problems, now, memory.ids.as_ref())?;
        let pictures = Pictures::new(&project.config, &project.items);
        let (newsletters, (feeds, feed_problems)) = rayon::join(
            || {
                let of = |newsletter| Letters::new(&project, newsletter, &memory, &secrets, &pictures, now);
                project.config.newsletters.iter().map(of).collect()
            },
            || feed::build_all(&project.config, &project.items, &project.renderer),
        );
        Ok(Desk { project, memory, pictures, newsletters, feeds, feed_problems, secrets, now })
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    pub fn config(&self) -> &Config {
        &self.project.config
    }

    /// A newsletter with its letters, by its name.
    pub fn newsletter(&self, name: &str) -> Option<(&Newsletter, &Letters)> {
        self.config().newsletters.iter().zip(&self.newsletters).find(|(newsletter, _)| newsletter.name == name)
    }

    /// A newsletter's letters: the next ones, or the one of its newest items, as if they were all new.
    pub fn sheets<'a>(
        &'a self,
        newsletter: &Newsletter,
        letters: &'a Letters,
        which: Which,
    ) -> &'a Result<Vec<Sheet>, Problems> {
        match which {
            Which::Next => &letters.next,
            Which::All => letters.all.get_or_init(|| self.as_if_new(newsletter, letters)),
        }
    }

    /// A feed as a reader shows it, by its name. `up` leads from its address to the page's folder.
    pub fn feed_document(&self, name: &str, up: &str) -> Option<String> {
        let config = self.config();
        let (_, feed) = config.feeds.iter().zip(&self.feeds).find(|(config, _)| config.name == name)?;
        let words = Words::of(&config.site.language);
        let language = &self.project.templates.language;
        Some(documents::feed(feed, &words, language, config.site.time_zone, &self.pictures, up))
    }

    fn as_if_new(&self, newsletter: &Newsletter, letters: &Letters) -> Result<Vec<Sheet>, Problems> {
        let composed = press::as_if_new(material(&self.project), newsletter, letters.remembered.number, self.now)?;
        let sheet = Sheet::new(
            &self.project,
            newsletter,
            composed,
            &self.secrets,
            &self.pictures,
            letters.remembered.recipients,
            self.now,
        );
        Ok(sheet.into_iter().collect())
    }
}

impl Letters {
    fn new(
        project: &Project,
        newsletter: &Newsletter,
        memory: &Memory,
        secrets: &Secrets,
        pictures: &Pictures,
        now: DateTime<Utc>,
    ) -> Letters {
        let remembered = memory.of(newsletter);
        let known = remembered.known(newsletter, &project.items);
        let material = material(project);
        let press::Pressed { letters: composed, sheet: file, .. } =
            press::press(material, newsletter, &known, remembered.number, now);
        let announced = remembered.announced.as_ref();
        let (items, passed_over) = (&project.items, &project.passed_over);
        let none = Vec::new();
        let choices = choices(newsletter, items, passed_over, composed.as_ref().unwrap_or(&none), announced, now);
        let next = composed.map(|composed| {
            let recipients = remembered.recipients;
            let sheet = |composed| Sheet::new(project, newsletter, composed, secrets, pictures, recipients, now);
            composed.into_iter().filter_map(sheet).collect()
        });
        Letters {
            next,
            choices,
            due: due(newsletter, project.config.site.time_zone, remembered.considered.unwrap_or(now), now),
            file,
            new: press::count_new(material, newsletter, &known, now),
            remembered,
            all: OnceLock::new(),
        }
    }
}

fn material(project: &Project) -> Material<'_> {
    Material {
        config: &project.config,
        items: &project.items,
        renderer: &project.renderer,
        templates: &project.templates,
    }
}
