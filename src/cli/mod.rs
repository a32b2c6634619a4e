//! The command line: arguments in, words out. One file a command; nothing here decides what an item or a letter is.
//!
//! Words, progress and problems go to standard error; a command's result goes to standard output, as words or, with
//! `--json`, as one JSON document. Exit status: 0 done, nothing to do, or waiting for a later try; 1 a person should
//! look; 2 it could not run (usage, configuration, keys, database).

pub mod archive;
mod arguments;
pub mod bounces;
pub mod build;
pub mod check;
pub mod diff;
pub mod digest;
pub mod doctor;
pub mod draft;
pub mod editions;
pub mod explain;
mod handed_over;
pub mod init;
mod ledger;
mod office;
mod post;
pub mod preview;
pub mod recipients;
mod remembered;
pub mod report;
mod retention;
pub mod run;
pub mod send;
pub mod serve;
pub mod status;
mod welcome;
pub mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, SubsecRound, Utc};
use clap::Parser;

pub use arguments::{Arguments, Command};

use crate::store::without_addresses;

/// What every command is told.
#[derive(Clone, Debug)]
pub struct Globals {
    /// The project's folder.
    pub root: PathBuf,
    /// The clock of the whole command.
    pub now: DateTime<Utc>,
    pub json: bool,
    pub quiet: bool,
    pub verbose: bool,
    /// Nobody's address stands in what is said: whoever can read the repository can read its CI's logs.
    pub hides_addresses: Arc<AtomicBool>,
}

impl Globals {
    /// Says a line to the person at the terminal, on standard error, unless they asked for quiet.
    pub fn say(&self, words: impl std::fmt::Display) {
        if !self.quiet {
            report::line(self.shown(words));
        }
    }

    /// Says what only `-v` wants to hear.
    pub fn detail(&self, words: impl std::fmt::Display) {
        if self.verbose {
            report::line(self.shown(words));
        }
    }

    /// The words, without addresses where they are to be hidden.
    pub fn shown(&self, words: impl std::fmt::Display) -> String {
        let words = words.to_string();
        if self.hides_addresses.load(Ordering::Relaxed) { without_addresses(&words) } else { words }
    }

    /// Lists the items that wait for their date, with the moment at which each will appear, in the site's zone; and those
    /// that the site's generator does not publish.
    pub fn say_what_is_held(&self, project: &crate::project::Project) {
        project.not_built.iter().for_each(|words| self.say(words));
        let zone = project.config.site.time_zone;
        for item in &project.items {
            if let Some(until) = item.held_until {
                let moment = until.with_timezone(&zone).format("%Y-%m-%d %H:%M");
                self.say(format_args!("{}: held, appears on {moment} ({zone})", item.path()));
            }
        }
    }

    /// Prints a command's result on standard output, as one JSON document.
    pub fn print_json(&self, value: &serde_json::Value) -> anyhow::Result<()> {
        report::print(&self.shown(serde_json::to_string_pretty(value)?))
    }

    /// Prints a command's result on standard output, as words.
    pub fn print(&self, words: &str) -> anyhow::Result<()> {
        report::print(words)
    }
}

/// How a command that could run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// An error among the problems, an edition held, a delivery left uncertain.
    NeedsAPerson,
    /// Said to a mail server that handed a message over: keep it, and try again.
    TryLater,
}

impl Outcome {
    pub fn needs_a_person_if(needed: bool) -> Self {
        if needed { Outcome::NeedsAPerson } else { Outcome::Done }
    }
}

/// EX_TEMPFAIL of sysexits.h, as Postfix, Exim and OpenSMTPD understand it.
const TRY_LATER: u8 = 75;

/// The configuration (or the keys, or the database) cannot be used: its problems are the message, and 2 the status.
#[derive(Debug, thiserror::Error)]
#[error("the project's configuration cannot be used")]
pub struct Unusable(pub crate::problem::Problems);

/// Runs the command that the arguments name.
pub fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version go to standard output and are no failure; nothing is left to do if printing fails.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let globals = Globals {
        root: arguments.directory,
        // Whole seconds: all that RSS and a database's times can say, so that every output says the same moment.
        now: arguments.now.unwrap_or_else(Utc::now).trunc_subsecs(0),
        json: arguments.json,
        quiet: arguments.quiet,
        verbose: arguments.verbose,
        hides_addresses: Arc::default(),
    };
    let result = match arguments.command {
        None => welcome::run(&globals),
        Some(Command::Init(arguments)) => init::run(&globals, arguments),
        Some(Command::Check(arguments)) => check::run(&globals, arguments),
        Some(Command::Build(arguments)) => build::run(&globals, arguments),
        Some(Command::Digest(arguments)) => digest::run(&globals, arguments),
        Some(Command::Preview(arguments)) => preview::run(&globals, arguments),
        Some(Command::Diff(arguments)) => diff::run(&globals, arguments),
        Some(Command::Draft(arguments)) => draft::run(&globals, arguments),
        Some(Command::Send(arguments)) => send::run(&globals, arguments),
        Some(Command::Run(arguments)) => run::run(&globals, arguments),
        Some(Command::Worker(arguments)) => worker::run(&globals, arguments),
        Some(Command::Archive(arguments)) => archive::run(&globals, arguments),
        Some(Command::Serve(arguments)) => serve::run(&globals, arguments),
        Some(Command::Approve(edition)) => editions::approve(&globals, edition),
        Some(Command::Stop(edition)) => editions::stop(&globals, edition),
        Some(Command::Resume(edition)) => editions::resume(&globals, edition),
        Some(Command::Cancel(edition)) => editions::cancel(&globals, edition),
        Some(Command::Resolve(arguments)) => editions::resolve(&globals, arguments),
        Some(Command::Status(arguments)) => status::run(&globals, arguments),
        Some(Command::Explain(arguments)) => explain::run(&globals, arguments),
        Some(Command::Doctor(arguments)) => doctor::run(&globals, arguments),
        Some(Command::Bounces(arguments)) => bounces::run(&globals, arguments),
        Some(Command::Recipients(command)) => recipients::run(&globals, command),
    };
    match result {
        Ok(Outcome::Done) => ExitCode::SUCCESS,
        Ok(Outcome::NeedsAPerson) => ExitCode::from(1),
        Ok(Outcome::TryLater) => ExitCode::from(TRY_LATER),
        Err(error) => {
            if error.is::<report::NobodyReads>() {
                return ExitCode::SUCCESS;
            }
            say_why_not(&globals, &error);
            ExitCode::from(2)
        }
    }
}

/// Says why a command could not run.
fn say_why_not(globals: &Globals, error: &anyhow::Error) {
    match error.downcast_ref::<Unusable>() {
        Some(Unusable(problems)) => {
            report::problems(problems, globals.verbose);
            if globals.json {
                let _ = globals.print_json(&serde_json::json!({ "problems": report::problems_as_json(problems) }));
            }
        }
        None => report::line(globals.shown(format_args!("error: {error:#}"))),
    }
}
