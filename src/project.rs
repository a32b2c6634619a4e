//! One project, read: what every command starts from.
//!
//! Configuration, items with their ids, a renderer and the letters' templates, together with every problem that was met on the way. Reads files;
//! writes one, and only when told: `feeds/items.lock`.

use std::io;
use std::path::Path;

use chrono::{DateTime, Utc};

use crate::body::{Renderer, built};
use crate::config::Config;
use crate::digest::Templates;
use crate::item::Item;
use crate::item::built::{Built, unbuilt};
use crate::item::identity::{self, Identified, Lock};
use crate::item::load::{self, PassedOver};
use crate::problem::{Problem, Problems, Severity};
use crate::publish;

/// Where the ids are kept, relative to the project's folder.
pub const LOCK_PATH: &str = "feeds/items.lock";

/// A project as its files say it is now.
pub struct Project {
    pub config: Config,
    /// Identified, sorted by path.
    pub items: Vec<Item>,
    pub passed_over: Vec<PassedOver>,
    /// What the site's generator decided not to publish: a sentence for each of its reasons.
    pub not_built: Vec<String>,
    pub identified: Identified,
    /// The file of ids says all of them already.
    lock_is_saved: bool,
    pub renderer: Renderer,
    /// Of the letters.
    pub templates: Templates,
    /// Of the configuration, the files and the ids. Bodies report theirs when they are rendered.
    pub problems: Problems,
}

impl Project {
    /// Reads the project in `root`. `remembered` are the ids that a store kept: they fill in what a lock file that was
    /// reset, or never committed, lacks. `Err` is a configuration that cannot be used.
    pub fn read(root: &Path, now: DateTime<Utc>, remembered: Option<&Lock>) -> Result<Project, Problems> {
        let (config, problems) = Config::read(root)?;
        Project::of(config, problems, now, remembered)
    }

    /// The project of a configuration that was read already, with the problems that were found in it. `Err` is a file of
    /// ids that is there and cannot be read, or a list of built pages that cannot be used: to go on would give every item
    /// a new id, or another address.
    pub fn of(
        config: Config,
        mut problems: Problems,
        now: DateTime<Utc>,
        remembered: Option<&Lock>,
    ) -> Result<Project, Problems> {
        let mut generated = Built::read(&config, now).map_err(|problem| with(&problems, problem))?;
        let load = || load::load_built(&config, generated.as_mut(), now);
        let (loaded, lock) = rayon::join(load, || read_lock(&config.root));
        problems.extend(loaded.problems);
        let (mut lock, lock_problems) = lock?;
        problems.extend(lock_problems);
        if let Some(remembered) = remembered {
            lock.fill_from(remembered);
        }
        let mut items = loaded.items;
        let mut not_built = Vec::new();
        if let (Some(generated), Some(named)) = (&generated, &config.content.built) {
            let said = unbuilt::judge(generated, named, &loaded.unbuilt, &items, &lock)
                .map_err(|problem| with(&problems, problem))?;
            problems.extend(said.problems);
            not_built = said.words;
            problems.extend(built::take_bodies(&mut items, generated, named));
            problems.0.extend(generated.outdated(&items, named));
        }
        let mut identified = identity::identify(&mut items, lock, &config, now);
        problems.extend(std::mem::take(&mut identified.problems));
        let lock_is_saved = !identified.changed && remembered.is_none();
        let (renderer, renderer_problems) = Renderer::new(&config);
        problems.extend(renderer_problems);
        let (templates, template_problems) = Templates::read(&config);
        problems.extend(template_problems);
        Ok(Project {
            config,
            items,
            passed_over: loaded.passed_over,
            not_built,
            identified,
            lock_is_saved,
            renderer,
            templates,
            problems,
        })
    }

    /// The files of feeds that cannot be made.
    pub fn lost_feeds(&self) -> impl Iterator<Item = &str> {
        let errors = self.problems.iter().filter(|problem| problem.severity == Severity::Error);
        let mut files: Vec<&str> = errors.filter_map(|problem| Some(problem.place.as_ref()?.file.as_str())).collect();
        files.retain(|file| file.starts_with("feeds/") && *file != LOCK_PATH);
        files.sort_unstable();
        files.dedup();
        files.into_iter()
    }

    /// Writes `feeds/items.lock` where its text changed. Says whether it did.
    pub fn save_lock(&self) -> io::Result<bool> {
        if self.lock_is_saved {
            return Ok(false);
        }
        // Where the branch is the memory, the file is only for those who have committed one.
        let needless = self.identified.lock.is_empty() || self.config.branch().is_some();
        if needless && !self.config.root.join(LOCK_PATH).exists() {
            return Ok(false);
        }
        publish::write_if_changed(&self.config.root.join(LOCK_PATH), self.identified.lock.to_text().as_bytes())
    }
}

/// What was found before, and what nothing goes on after.
fn with(problems: &Problems, last: Problem) -> Problems {
    let mut all = problems.clone();
    all.push(last);
    all
}

fn read_lock(root: &Path) -> Result<(Lock, Problems), Problems> {
    match std::fs::read_to_string(root.join(LOCK_PATH)) {
        Ok(text) => Ok(Lock::parse(&text, LOCK_PATH)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok((Lock::default(), Problems::new())),
        Err(error) => {
            let problem = Problem::error("items-lock", format!("the file of ids cannot be read: {error}"))
                .help("restore it from git: without it, every known item would be announced as new")
                .in_file(LOCK_PATH);
            Err(Problems(vec![problem]))
        }
    }
}
