//! `crieur run`: the cron job. It builds the feeds, then sees to every newsletter that is due, then to what is due for
//! another try; it never waits for a later one.

use std::path::Path;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::office::{Office, in_turn, is_overtaken, material, runtime};
use super::post::Posted;
use super::{Globals, Outcome, Unusable, build, retention};
use crate::announce::{self, Asked};
use crate::mail::delivery::Stop;
use crate::project::Project;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only the feeds, or only the letters
    #[arg(long, value_enum)]
    pub stage: Option<Stage>,
    /// End as SIGTERM would have it, when standard input does: whoever started this is gone
    #[arg(long, hide = true)]
    pub until_input_ends: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Stage {
    Build,
    Send,
}

pub fn run(globals: &Globals, arguments: Args) -> anyhow::Result<Outcome> {
    let done = runtime()?.block_on(in_turn(globals, async || one_turn(globals, &arguments).await));
    match done {
        Err(error) if is_overtaken(&error) => {
            globals.say("other runs keep writing to the branch: what is due is theirs");
            say_nothing_done(globals)
        }
        done => done,
    }
}

async fn one_turn(globals: &Globals, arguments: &Args) -> anyhow::Result<Outcome> {
    let mut office = Office::open(globals).await?;
    // Kept until the end of the process, however it ends.
    let Some(_lock) = office.lock().await? else {
        globals.say("another run is at work here: nothing to do");
        return say_nothing_done(globals);
    };
    let outcome = work(globals, &mut office, arguments).await;
    office.close_after(outcome).await
}

fn say_nothing_done(globals: &Globals) -> anyhow::Result<Outcome> {
    if globals.json {
        globals.print_json(&json!({ "feeds": [], "editions": [], "problems": [] }))?;
    }
    Ok(Outcome::Done)
}

async fn work(globals: &Globals, office: &mut Office, arguments: &Args) -> anyhow::Result<Outcome> {
    let stage = arguments.stage;
    let project = office.project(globals).await?;
    if stage == Some(Stage::Build) {
        refuse_lost_feeds(globals, &project)?;
    }
    office.remember(&project).await?;
    let material = material(&project);
    let mut posted = Posted::new(project.problems.clone());
    posted.after_deployment = stage == Some(Stage::Send);
    let mut feeds = Value::Array(Vec::new());
    let mut editions = Vec::new();
    if stage != Some(Stage::Send) {
        let (written, problems) = build::publish_feeds(&project, Path::new(&project.config.publish.out))?;
        posted.problems.extend(problems);
        for file in written.iter().filter(|file| file.changed) {
            let entries = if file.entries == 1 { "entry" } else { "entries" };
            globals.say(format_args!("{}: {} {entries}, written", file.path, file.entries));
        }
        feeds = build::as_json(&written);
        let out = project.config.root.join(&project.config.publish.out);
        announce::write_events(material, globals.now, &out)?;
        if stage == Some(Stage::Build) {
            for newsletter in &project.config.newsletters {
                posted.compose(globals, office, material, newsletter, Asked::BeforeDeployment).await?;
            }
            // Before anything of them is written: whoever was overtaken begins again.
            let what = posted.in_words(office).await?;
            office.store.keep(what.as_deref().unwrap_or("before the site is published"), globals.now).await?;
            editions = posted.editions(office, |_| true).await?;
        }
        announce::write_pages(&mut office.store, &project.config, DateTime::<Utc>::UNIX_EPOCH, &out).await?;
        announce::write_kept_pictures(&mut office.store, &project.config, &out, globals.now).await?;
        announce::write_handed_over(&mut office.store, &project.config, globals.now).await?;
    } else {
        project.save_lock()?;
    }
    if stage != Some(Stage::Build) {
        let setting = office.setting(globals)?;
        if arguments.until_input_ends {
            stop_at_the_end_of_input(setting.stop.clone());
        }
        let uncertain = office.store.bury_dead(None, globals.now).await?.uncertain;
        if uncertain > 0 {
            globals.say(format_args!(
                "{uncertain} letters were under way when the last run ended: their outcome is uncertain"
            ));
        }
        for newsletter in &project.config.newsletters {
            posted.compose(globals, office, material, newsletter, Asked::BySchedule).await?;
            posted.show_ahead(globals, office, &setting, newsletter).await?;
            posted.deliver(globals, office, &setting, |name| name == newsletter.name).await?;
        }
        let known = |name: &str| project.config.newsletters.iter().any(|newsletter| newsletter.name == name);
        posted.deliver(globals, office, &setting, |name| !known(name)).await?;
        editions = posted.editions(office, |_| true).await?;
        posted.keep(globals, office).await?;
        retention::keep(globals, office).await?;
    }
    posted.conclude(globals, &project.config, &editions, Some(feeds))
}

/// Asks the deliveries to stop when nobody holds the other end of standard input any more.
fn stop_at_the_end_of_input(stop: Stop) {
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        stop.ask();
    });
}

/// What is built here replaces what is published: without a feed that cannot be made, its subscribers would lose it.
fn refuse_lost_feeds(globals: &Globals, project: &Project) -> anyhow::Result<()> {
    let lost: Vec<&str> = project.lost_feeds().collect();
    if lost.is_empty() {
        return Ok(());
    }
    globals.say(format_args!(
        "{}: a feed that cannot be made: nothing is written, so that none is lost",
        lost.join(", ")
    ));
    let mut problems = project.problems.clone();
    problems.sort();
    Err(Unusable(problems).into())
}
