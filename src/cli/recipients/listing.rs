//! `crieur recipients list` and `export`.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::super::office::Office;
use super::super::{Globals, Outcome, report};
use super::BasisKind;
use crate::mail::address::Address;
use crate::store::listing::{Filter, Listed, Standing};

#[derive(Debug, clap::Args)]
pub struct Export {
    /// Where to write (default: standard output)
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[arg(long, value_name = "NAME")]
    pub newsletter: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct List {
    #[arg(long, value_name = "NAME")]
    pub newsletter: Option<String>,
    /// Only those who stand so
    #[arg(long, value_enum)]
    pub state: Option<State>,
    /// Only those who have this tag
    #[arg(long, value_name = "TAG")]
    pub tag: Option<String>,
    /// Only those who are there on this basis
    #[arg(long, value_enum)]
    pub basis: Option<BasisKind>,
    /// Only addresses at this domain
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum State {
    /// On the list, and letters go there
    Subscribed,
    Left,
    /// Not on the last list that was imported with --sync
    Retired,
    /// No letter goes there: it came back, or its reader complained
    Suppressed,
    /// Asked to be subscribed on the web, and has not confirmed
    Unconfirmed,
}

impl State {
    fn standing(self) -> Standing {
        match self {
            State::Subscribed => Standing::Subscribed,
            State::Left => Standing::Left,
            State::Retired => Standing::Retired,
            State::Suppressed => Standing::Suppressed,
            State::Unconfirmed => Standing::Unconfirmed,
        }
    }
}

/// Gives every person and newsletter that is asked for to `each`, in batches.
async fn walk(
    office: &mut Office,
    filter: &Filter,
    mut each: impl FnMut(&[Listed]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if let Some(name) = &filter.newsletter {
        office.newsletter(name)?;
    }
    office.store.list_people(filter, |people| each(&people)).await
}

pub async fn export(office: &mut Office, arguments: Export) -> anyhow::Result<Outcome> {
    let target: Box<dyn Write> = match &arguments.out {
        Some(path) => Box::new(File::create(path).with_context(|| format!("{} cannot be written", path.display()))?),
        None => Box::new(std::io::stdout().lock()),
    };
    let mut writer = csv::Writer::from_writer(target);
    let header =
        ["email", "name", "newsletter", "state", "basis", "proof", "added", "suppressed", "tags", "topics", "fields"];
    writer.write_record(header).map_err(unread)?;
    let filter = Filter { newsletter: arguments.newsletter, ..Filter::default() };
    walk(office, &filter, |batch| {
        for listed in batch {
            let row = writer.write_record([
                listed.addressee.email.as_str(),
                listed.addressee.name.as_deref().unwrap_or(""),
                &listed.newsletter,
                &listed.state,
                &listed.basis.kind,
                listed.basis.proof.as_deref().unwrap_or(""),
                &rfc3339(listed.added),
                listed.suppressed.as_deref().unwrap_or(""),
                &listed.tags.join(" "),
                listed.topics.as_deref().unwrap_or(""),
                &listed.addressee.fields,
            ]);
            row.map_err(unread)?;
        }
        Ok(())
    })
    .await?;
    writer.flush().map_err(csv::Error::from).map_err(unread)?;
    Ok(Outcome::Done)
}

/// Of a list that is written to standard output: whoever has read enough may go.
fn unread(error: csv::Error) -> anyhow::Error {
    match error.kind() {
        csv::ErrorKind::Io(io) if io.kind() == std::io::ErrorKind::BrokenPipe => report::NobodyReads.into(),
        _ => error.into(),
    }
}

pub async fn list(globals: &Globals, office: &mut Office, arguments: List) -> anyhow::Result<Outcome> {
    let domain = match arguments.domain.as_deref().map(|domain| domain.trim_start_matches('@')) {
        Some(domain) => match Address::parse(&format!("somebody@{domain}")) {
            Ok(address) => address.to_string().rsplit_once('@').map(|(_, domain)| domain.to_string()),
            Err(why) => anyhow::bail!("{domain:?} is no domain: {why}"),
        },
        None => None,
    };
    let filter = Filter {
        newsletter: arguments.newsletter,
        state: arguments.state.map(State::standing),
        tag: arguments.tag,
        basis: arguments.basis.map(|basis| basis.as_str().to_string()),
        domain,
    };
    let zone = office.config.site.time_zone;
    let day = |moment: DateTime<Utc>| moment.with_timezone(&zone).format("%Y-%m-%d").to_string();
    let mut all = Vec::new();
    let mut count = 0;
    walk(office, &filter, |batch| {
        if globals.json {
            all.extend(batch.iter().map(as_json));
            return Ok(());
        }
        let mut table: Vec<[String; 7]> = Vec::with_capacity(batch.len() + 1);
        if count == 0 {
            table.push(["ADDRESS", "NAME", "NEWSLETTER", "STATE", "SINCE", "BASIS", "TAGS"].map(str::to_string));
        }
        count += batch.len();
        table.extend(batch.iter().map(|listed| row(listed, day)));
        globals.print(aligned(&table).trim_end_matches('\n'))
    })
    .await?;
    if globals.json {
        globals.print_json(&json!({ "recipients": all }))?;
    } else if count == 0 && filter == Filter::default() {
        globals.say("nobody yet: `crieur recipients import FILE`");
    } else if count == 0 {
        globals.say("nobody");
    }
    Ok(Outcome::Done)
}

fn row(listed: &Listed, day: impl Fn(DateTime<Utc>) -> String) -> [String; 7] {
    let state = match &listed.suppressed {
        Some(reason) => format!("{} ({reason})", listed.state),
        None => listed.state.clone(),
    };
    let newsletter = match &listed.topics {
        Some(topics) => format!("{} ({topics})", listed.newsletter),
        None => listed.newsletter.clone(),
    };
    [
        listed.addressee.email.clone(),
        listed.addressee.name.clone().unwrap_or_default(),
        newsletter,
        state,
        day(listed.since),
        listed.basis.kind.clone(),
        listed.tags.join(" "),
    ]
}

/// Columns below each other, two spaces apart; of a thousand people at a time.
fn aligned(table: &[[String; 7]]) -> String {
    let mut widths = [0; 7];
    for row in table {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    for row in table {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths).filter(|(_, width)| *width > 0) {
            line.push_str(&format!("{cell:width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn as_json(listed: &Listed) -> Value {
    let Listed { addressee, basis, tags, added, newsletter, state, since, topics, suppressed } = listed;
    let fields: Value = serde_json::from_str(&addressee.fields).unwrap_or_default();
    let topics: Option<Vec<&str>> = topics.as_deref().map(|topics| topics.split(' ').collect());
    json!({
        "email": addressee.email, "name": addressee.name, "fields": fields, "tags": tags, "newsletter": newsletter,
        "state": state, "since": rfc3339(*since), "topics": topics, "suppressed": suppressed.is_some(),
        "suppressed_for": suppressed, "basis": basis.kind, "proof": basis.proof, "added": rfc3339(*added),
    })
}

fn rfc3339(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}
