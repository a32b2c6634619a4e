//! What may stand on the command line.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand};

/// Announces a static site's news: as Atom, RSS and JSON feeds, and as a letter by mail.
#[derive(Debug, Parser)]
#[command(
    name = "crieur",
    version,
    propagate_version = true,
    after_help = "A project in four steps:\n  crieur init      look at the site here and write a configuration that fits it\n  \
                  crieur check     read everything, report every problem\n  \
                  crieur digest    see the next letter without sending it\n  \
                  crieur run       what cron calls: write the feeds, send the letters that are due"
)]
pub struct Arguments {
    /// The project's folder: it holds config/crieur.yaml, and relative paths start there
    #[arg(short = 'C', value_name = "DIR", default_value = ".", global = true)]
    pub directory: PathBuf,
    /// Take this moment (RFC 3339) for the present, throughout the command
    #[arg(long, value_name = "RFC3339", global = true, value_parser = parse_now)]
    pub now: Option<DateTime<Utc>>,
    /// Print the result as one JSON document on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: what was passed over, and why
    #[arg(short, long, global = true)]
    pub verbose: bool,
    #[command(subcommand)]
    pub command: Option<Command>,
}

fn parse_now(text: &str) -> Result<DateTime<Utc>, String> {
    DateTime::parse_from_rfc3339(text)
        .map(|moment| moment.with_timezone(&Utc))
        .map_err(|_| "write a moment as 2026-03-01T09:00:00+01:00 or 2026-03-01T08:00:00Z".to_string())
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Look at a site and write a configuration that fits it
    Init(super::init::Args),
    /// Read everything, write and send nothing, report every problem with its line
    Check(super::check::Args),
    /// Write the feeds
    Build(super::build::Args),
    /// Show what subscribers of the published feeds would see
    Diff(super::diff::Args),
    /// Write the next edition as a file that you may rearrange
    Draft(super::draft::Args),
    /// Compose the next letter without sending or remembering anything
    Digest(super::digest::Args),
    /// Look at the next letter and the feeds on a page that follows your files
    Preview(super::preview::Args),
    /// Freeze the next edition and deliver it; again, it goes on where it stopped
    Send(super::send::Args),
    /// What cron calls: build the feeds, then send what is due
    Run(super::run::Args),
    /// Deliver what a shared database holds: start as many as you like, on as many machines
    Worker(super::worker::Args),
    /// Write the letters that were sent as pages, for a site without the web service
    Archive(super::archive::Args),
    /// The web service: published files, leaving with one click
    Serve(super::serve::Args),
    /// Let an edition go that waits for a person's word
    Approve(Edition),
    /// Stop an edition, in the middle of its delivery too
    Stop(Edition),
    /// Go on with an edition that is stopped or held
    Resume(Edition),
    /// Give an edition up for good: nobody else receives it
    Cancel(Cancel),
    /// Say what became of a delivery that was cut off before the server answered
    Resolve(Resolve),
    /// Show where each edition stands
    Status(super::status::Args),
    /// Tell why an address did or did not get each edition
    Explain(Explain),
    /// Look whether this installation can send: keys, mail server, templates, addresses
    Doctor(super::doctor::Args),
    /// Read returned mail: from standard input, or from a Maildir
    Bounces(super::bounces::Args),
    /// Add, import, list, export or remove the people
    #[command(subcommand)]
    Recipients(super::recipients::Command),
}

/// One edition of one newsletter.
#[derive(Debug, Args)]
pub struct Edition {
    /// The newsletter: the name of its file in config/newsletters/
    pub newsletter: String,
    /// The edition's number, as `crieur status` shows it
    pub number: u64,
}

#[derive(Debug, Args)]
pub struct Cancel {
    #[command(flatten)]
    pub edition: Edition,
    /// Its items are new again: the next edition announces them (only where nobody has it yet)
    #[arg(long)]
    pub release: bool,
}

#[derive(Debug, Args)]
pub struct Resolve {
    /// The newsletter: the name of its file in config/newsletters/
    pub newsletter: String,
    /// The edition's number, as `crieur status` shows it
    pub number: u64,
    /// Whose deliveries; all that are uncertain when none is named
    pub addresses: Vec<String>,
    /// They did get it
    #[arg(long, required_unless_present = "resend", conflicts_with = "resend")]
    pub sent: bool,
    /// Send it to them again, under the same Message-ID
    #[arg(long)]
    pub resend: bool,
}

#[derive(Debug, Args)]
pub struct Explain {
    /// The address to explain
    pub address: String,
}
