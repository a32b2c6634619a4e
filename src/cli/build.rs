//! `crieur build`: writes the feeds.
//!
//! Promises: a file whose bytes would be the same is not touched; each file is replaced whole or not at all; a feed
//! that was published stays when the items of this run have errors of their own. The ids are kept before they are
//! published.

mod watch;

use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::office::{material, runtime};
use super::{Globals, Outcome, Unusable, report};
use crate::announce;
use crate::config::Config;
use crate::feed;
use crate::item::identity::Lock;
use crate::problem::{Problem, Problems};
use crate::project::{LOCK_PATH, Project};
use crate::publish::{self, Written};
use crate::store::{Database, Store};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to write (default: publish.out)
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Fail where an id would be given, moved or lost
    #[arg(long)]
    pub locked: bool,
    /// Stay, and build again whenever a file of the project changes
    #[arg(long)]
    pub watch: bool,
}

pub fn run(globals: &Globals, arguments: Args) -> anyhow::Result<Outcome> {
    if arguments.watch {
        return watch::run(globals, &arguments);
    }
    once(globals, &arguments, globals.now)
}

/// One build, and what it has to say.
fn once(globals: &Globals, arguments: &Args, now: DateTime<Utc>) -> anyhow::Result<Outcome> {
    let (config, problems) = Config::read(&globals.root).map_err(Unusable)?;
    let mut memory = Memory::open(&config)?;
    let remembered = memory.as_mut().map(Memory::ids).transpose()?;
    let mut project = Project::of(config, problems, now, remembered.as_ref()).map_err(Unusable)?;
    if arguments.locked {
        let unsettled = unsettled(&project);
        if !unsettled.is_empty() {
            return tell(globals, &[], unsettled);
        }
    }
    let out = arguments.out.as_deref().unwrap_or(Path::new(&project.config.publish.out));
    let (written, problems) = publish_feeds(&project, out)?;
    if !project.config.newsletters.is_empty() {
        announce::write_events(material(&project), now, &project.config.root.join(out))?;
    }
    if let Some(mut memory) = memory {
        memory.publish_letters(&project.config, &project.config.root.join(out), now)?;
        memory.close()?;
    }
    for passed_over in &project.passed_over {
        globals.detail(format_args!("{}: passed over: {}", passed_over.path, passed_over.reason));
    }
    globals.say_what_is_held(&project);
    let mut all = std::mem::take(&mut project.problems);
    all.extend(problems);
    let outcome = tell(globals, &written, all);
    if !arguments.watch {
        // The process ends now: the system takes the memory back faster than item by item.
        std::mem::forget(project);
    }
    outcome
}

/// Keeps the ids, then writes every feed under `out` (relative to the project's folder). The problems are the bodies'.
pub fn publish_feeds(project: &Project, out: &Path) -> anyhow::Result<(Vec<Written>, Problems)> {
    project.save_lock().with_context(|| format!("{LOCK_PATH} cannot be written"))?;
    let (feeds, problems) = feed::build_all(&project.config, &project.items, &project.renderer);
    let written = publish::feeds(&project.config.root, out, &project.config.feeds, &feeds)
        .with_context(|| format!("the feeds cannot be written to {}", out.display()))?;
    Ok((written, problems))
}

/// The feeds as the contract's JSON lists them.
pub fn as_json(written: &[Written]) -> Value {
    let one = |file: &Written| {
        json!({
            "feed": file.feed,
            "format": file.format,
            "path": file.path,
            "entries": file.entries,
            "bytes": file.bytes,
            "changed": file.changed,
        })
    };
    written.iter().map(one).collect()
}

fn tell(globals: &Globals, written: &[Written], mut problems: Problems) -> anyhow::Result<Outcome> {
    problems.sort();
    report::problems_in_passing(globals, &problems);
    if globals.json {
        globals.print_json(&json!({ "feeds": as_json(written), "problems": report::problems_as_json(&problems) }))?;
    } else {
        for file in written {
            let state = if file.changed { "written" } else { "as it was" };
            let entries = if file.entries == 1 { "entry" } else { "entries" };
            globals.say(format_args!("{}: {} {entries}, {} bytes, {state}", file.path, file.entries, file.bytes));
        }
        if written.is_empty() && !problems.has_errors() {
            globals.say("no feed: write one as feeds/NAME.yaml (`crieur init` does it for you)");
        }
    }
    Ok(Outcome::needs_a_person_if(problems.has_errors()))
}

/// Whatever would change in the file of ids, each as an error.
fn unsettled(project: &Project) -> Problems {
    let identified = &project.identified;
    let given = identified.given.iter().map(|id| format!("an id would be given: {id}"));
    let moved = identified
        .moved
        .iter()
        .map(|moved| format!("an item moved: {} was {} and would be {}", moved.id, moved.from_path, moved.to_path));
    let lost = identified.vanished.iter().map(|id| format!("an item is gone: {id}"));
    let help = "run `crieur build` without --locked, look at what changed in feeds/items.lock, and commit it";
    given
        .chain(moved)
        .chain(lost)
        .map(|message| Problem::error("not-locked", message).help(help).in_file(LOCK_PATH))
        .collect()
}

/// The database, where there is one: it holds the ids that a checkout that nobody commits from remembers by, and the
/// letters that were sent.
struct Memory {
    runtime: Runtime,
    store: Store,
}

impl Memory {
    fn open(config: &Config) -> anyhow::Result<Option<Memory>> {
        let database = Database::of(config)?;
        let runtime = runtime()?;
        if let Database::Branch(_) = database {
            let store = match runtime.block_on(Store::look(&database)) {
                Err(error) if error.is_unreachable_branch() => {
                    report::line(format_args!(
                        "{database} cannot be asked, so letters that were sent are not written: {error}"
                    ));
                    None
                }
                looked => looked?,
            };
            return Ok(store.map(|store| Memory { runtime, store }));
        }
        // One that was never used stays unmade, or empty.
        if runtime.block_on(Store::is_there(&database))? {
            let store = runtime
                .block_on(Store::open(&database))
                .with_context(|| format!("the database {database} cannot be read"))?;
            return Ok(Some(Memory { runtime, store }));
        }
        Ok(None)
    }

    fn ids(&mut self) -> anyhow::Result<Lock> {
        let text = self.runtime.block_on(self.store.items_text()).context("the database cannot be read")?;
        Ok(Lock::parse(&text, LOCK_PATH).0)
    }

    /// Writes what letters that were sent leave on the site.
    fn publish_letters(&mut self, config: &Config, out: &Path, now: DateTime<Utc>) -> anyhow::Result<()> {
        let since = DateTime::<Utc>::UNIX_EPOCH;
        self.runtime.block_on(announce::write_pages(&mut self.store, config, since, out))?;
        self.runtime.block_on(announce::write_kept_pictures(&mut self.store, config, out, now))?;
        Ok(())
    }

    fn close(self) -> anyhow::Result<()> {
        Ok(self.runtime.block_on(self.store.close())?)
    }
}
