//! `crieur bounces`: reads returned mail, one message from standard input or all that a Maildir holds.
//!
//! From standard input the exit status speaks to the mail server: 0 for whatever could be read, ours or not (what we refuse
//! would be sent back in its turn), and 75 when it is to keep the message and try again: a database that is locked or away, a
//! configuration that cannot be used. From a Maildir it is that of every command.

use std::io::{self, Read};
use std::path::PathBuf;

use serde_json::json;

use super::office::{Office, runtime};
use super::{Globals, Outcome, report, say_why_not};
use crate::mail::address::Address;
use crate::mail::bounce::{self, Kind, Meaning, Ours, Report, Whose};
use crate::mail::mailbox;
use crate::problem::{Problem, Problems};
use crate::store::bounces::{Noted, Returned, Sent};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Read the messages of this Maildir instead of one from standard input
    #[arg(long, value_name = "DIR")]
    pub maildir: Option<PathBuf>,
    /// The address that the message was delivered to (default: ORIGINAL_RECIPIENT, then the message's own fields)
    #[arg(long, value_name = "ADDRESS", conflicts_with = "maildir")]
    pub recipient: Option<String>,
}

/// What was read, by what it meant.
#[derive(Default)]
struct Sums {
    read: u64,
    hard: u64,
    soft: u64,
    delayed: u64,
    arrived: u64,
    complaints: u64,
    feedback: u64,
    left: u64,
    automatic: u64,
    ignored: u64,
    /// Reports that were read before.
    known: u64,
    /// Addresses that get no letter from now on.
    suppressed: u64,
}

pub fn run(globals: &Globals, arguments: Args) -> anyhow::Result<Outcome> {
    match &arguments.maildir {
        Some(folder) => {
            // A folder named on the command line is where the person is, not where the project is.
            let folder = std::path::absolute(folder)?;
            runtime()?.block_on(from_maildir(globals, folder))
        }
        None => {
            let recipient = arguments.recipient.or_else(|| std::env::var("ORIGINAL_RECIPIENT").ok());
            match from_input(globals, recipient.as_deref()) {
                Ok(outcome) => Ok(outcome),
                Err(error) => {
                    say_why_not(globals, &error);
                    Ok(Outcome::TryLater)
                }
            }
        }
    }
}

fn from_input(globals: &Globals, recipient: Option<&str>) -> anyhow::Result<Outcome> {
    let mut input = io::stdin().lock();
    let mut message = Vec::new();
    input.by_ref().take(bounce::LENGTH as u64).read_to_end(&mut message)?;
    // To its end: a server whose pipe breaks takes the message for refused.
    io::copy(&mut input, &mut io::sink())?;
    runtime()?.block_on(async {
        let mut reading = Reading::begin(globals).await?;
        reading.take(&message, recipient).await?;
        reading.end(Problems::new()).await?;
        Ok(Outcome::Done)
    })
}

async fn from_maildir(globals: &Globals, maildir: PathBuf) -> anyhow::Result<Outcome> {
    let mut reading = Reading::begin(globals).await?;
    let mut problems = Problems::new();
    for path in mailbox::messages(&maildir)? {
        let read = match mailbox::read(&path, bounce::LENGTH) {
            Ok(message) => message,
            // Somebody's mail program has moved it: it is read the next time.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                let problem = Problem::error("returned-mail", format!("{} cannot be read: {error}", path.display()));
                problems.push(problem.help("let the user who runs crieur read this Maildir"));
                continue;
            }
        };
        if reading.take(&read, None).await?
            && let Err(error) = mailbox::mark_seen(&maildir, &path)
        {
            let problem = Problem::error("returned-mail", format!("{} cannot be moved: {error}", path.display()));
            problems.push(problem.help("let the user who runs crieur write to this Maildir"));
        }
    }
    reading.end(problems).await
}

struct Reading<'a> {
    globals: &'a Globals,
    office: Office,
    sums: Sums,
}

impl<'a> Reading<'a> {
    async fn begin(globals: &'a Globals) -> anyhow::Result<Reading<'a>> {
        let office = Office::open(globals).await?;
        office.needs_people()?;
        Ok(Reading { globals, office, sums: Sums::default() })
    }

    /// Takes one message in. Tells whether it was for us and is done with.
    async fn take(&mut self, message: &[u8], envelope: Option<&str>) -> anyhow::Result<bool> {
        self.sums.read += 1;
        let config = &self.office.config;
        let ours = Ours {
            secrets: &self.office.secrets,
            bounces_to: config.mail.bounces_to.as_deref().and_then(|address| Address::parse(address).ok()),
            newsletters: config.newsletters.iter().map(|newsletter| newsletter.name.as_str()).collect(),
        };
        match bounce::read(message, envelope, &ours) {
            Meaning::Report(report) => self.note(report).await,
            Meaning::Leave { newsletter, recipient } => {
                let left = self.office.store.leave(recipient, Some(&newsletter), self.globals.now).await?;
                if left > 0 {
                    self.sums.left += 1;
                } else {
                    self.sums.known += 1;
                }
                self.globals.detail(format_args!("somebody leaves {newsletter}"));
                Ok(true)
            }
            Meaning::Automatic => {
                self.sums.automatic += 1;
                self.globals.detail("an automatic answer: left alone");
                Ok(false)
            }
            Meaning::Foreign => {
                self.sums.ignored += 1;
                self.globals.detail("not ours: left alone");
                Ok(false)
            }
        }
    }

    async fn note(&mut self, report: Report) -> anyhow::Result<bool> {
        let Some(sent) = self.sent(&report.whose).await? else {
            self.sums.ignored += 1;
            self.globals.detail("a report on a letter that the ledger does not know: left alone");
            return Ok(false);
        };
        let cause = &report.cause;
        let newsletter = self.office.config.newsletters.iter().find(|one| one.name == sent.newsletter);
        let returned = Returned {
            edition: sent.edition,
            recipient: sent.recipient,
            kind: cause.kind.as_str(),
            policy: cause.status.is_some_and(|status| status.subject == 7),
            words: cause.words.clone(),
            mark: mark(&sent, &report),
            may_suppress: !newsletter.is_some_and(|newsletter| newsletter.to.is_list()),
        };
        let noted = self.office.store.note_returned(&returned, &sent.email, self.globals.now).await?;
        let sum = match (noted, cause.kind) {
            (Noted::Known, _) => &mut self.sums.known,
            (_, Kind::Hard) => &mut self.sums.hard,
            (_, Kind::Soft) => &mut self.sums.soft,
            (_, Kind::Delayed) => &mut self.sums.delayed,
            (_, Kind::Arrived) => &mut self.sums.arrived,
            (_, Kind::Complaint) => &mut self.sums.complaints,
            (_, Kind::Feedback) => &mut self.sums.feedback,
        };
        *sum += 1;
        let given_up = noted == Noted::Suppressed;
        self.sums.suppressed += u64::from(given_up);
        let (whom, kind) = (masked(&sent.email), cause.kind.as_str());
        let after = match noted {
            Noted::Known => ", known",
            Noted::Suppressed => ", given up",
            Noted::Counted => "",
        };
        let status = cause.status.map(|status| format!(" {status}")).unwrap_or_default();
        self.globals.detail(format_args!("{whom}: {kind}{status}{after}"));
        Ok(true)
    }

    /// The delivery that a report names.
    async fn sent(&mut self, whose: &Whose) -> anyhow::Result<Option<Sent>> {
        let store = &mut self.office.store;
        match whose {
            Whose::Delivery { edition, recipient } => Ok(store.sent(*edition, *recipient).await?),
            Whose::Letter { message_id, recipients } => {
                for recipient in recipients {
                    if let Some(sent) = store.sent_as(message_id, *recipient).await? {
                        return Ok(Some(sent));
                    }
                }
                Ok(None)
            }
        }
    }

    async fn end(self, problems: Problems) -> anyhow::Result<Outcome> {
        let Reading { globals, office, sums } = self;
        office.store.close().await?;
        report::problems(&problems, globals.verbose);
        let counted = [
            (sums.hard, "hard"),
            (sums.soft, "soft"),
            (sums.delayed, "delayed"),
            (sums.arrived, "arrived"),
            (sums.complaints, "complaints"),
            (sums.feedback, "other feedback"),
            (sums.left, "left"),
            (sums.automatic, "automatic"),
            (sums.ignored, "not ours"),
            (sums.known, "known already"),
        ];
        let words: Vec<String> =
            counted.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
        let given_up = match sums.suppressed {
            0 => String::new(),
            1 => "; 1 address given up".to_string(),
            many => format!("; {many} addresses given up"),
        };
        let colon = if words.is_empty() { "" } else { ": " };
        globals.say(format_args!("{} read{colon}{}{given_up}", sums.read, words.join(", ")));
        if globals.json {
            globals.print_json(&json!({
                "read": sums.read, "hard": sums.hard, "soft": sums.soft, "delayed": sums.delayed, "arrived": sums.arrived,
                "complaints": sums.complaints, "feedback": sums.feedback, "left": sums.left, "automatic": sums.automatic,
                "ignored": sums.ignored, "known": sums.known, "suppressed": sums.suppressed,
                "problems": report::problems_as_json(&problems),
            }))?;
        }
        Ok(Outcome::needs_a_person_if(problems.has_errors()))
    }
}

/// The same for each copy of a report on one delivery.
fn mark(sent: &Sent, report: &Report) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&sent.edition.to_be_bytes());
    hasher.update(&sent.recipient.to_be_bytes());
    hasher.update(report.mark.as_bytes());
    hasher.finalize().to_hex().to_string()
}

/// `a…@example.org`: what is said here may end in a log.
fn masked(email: &str) -> String {
    match email.rsplit_once('@') {
        Some((local, domain)) => format!("{}…@{domain}", local.chars().next().unwrap_or('…')),
        None => "…".to_string(),
    }
}
