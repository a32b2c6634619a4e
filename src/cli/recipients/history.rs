//! `crieur recipients history ADDRESS`, and `--verify`.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::super::office::Office;
use super::super::{Globals, Outcome};
use super::address_of;
use crate::store::history::{Fault, Head, Remembered, Said};

#[derive(Debug, clap::Args)]
pub struct History {
    #[arg(required_unless_present = "verify")]
    pub address: Option<String>,
    /// Follow the chain of all entries of all people, and say where it does not hold
    #[arg(long, conflicts_with = "address")]
    pub verify: bool,
    /// Together with --verify: the head that it told another time, which must still be in the chain
    #[arg(long, value_name = "NUMBER:HASH", requires = "verify", value_parser = parse_head)]
    pub head: Option<Head>,
}

fn parse_head(text: &str) -> Result<Head, String> {
    let head = text.split_once(':').and_then(|(sequence, hash)| {
        Some(Head { sequence: sequence.parse().ok().filter(|sequence| *sequence > 0)?, hash: hash.to_string() })
    });
    head.ok_or_else(|| "write it as --verify told it: a number, a colon, and a hash".to_string())
}

pub async fn run(globals: &Globals, office: &mut Office, arguments: History) -> anyhow::Result<Outcome> {
    match arguments.address {
        Some(address) => of(globals, office, &address).await,
        None => verify(globals, office, arguments.head.as_ref()).await,
    }
}

async fn of(globals: &Globals, office: &mut Office, address: &str) -> anyhow::Result<Outcome> {
    let address = address_of(address)?.to_string();
    let recipient = office.secrets.recipient_id(&address);
    let entries = office.store.history_of(recipient).await?;
    let erased = office.store.erased_since(recipient).await?;
    if globals.json {
        let entries: Vec<Value> = entries.iter().map(as_json).collect();
        globals.print_json(&json!({ "address": address, "erased": erased.map(rfc3339), "entries": entries }))?;
        return Ok(Outcome::Done);
    }
    let zone = office.config.site.time_zone;
    let shown = |moment: DateTime<Utc>| moment.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string();
    let mut lines = vec![address];
    let unreadable = entries.iter().filter(|entry| entry.said.is_none()).count();
    if let Some(since) = erased {
        lines.push(format!("  erased on {}, and kept away since", shown(since)));
    }
    if unreadable > 0 {
        lines.push(format!("  {unreadable} entries that nobody can read any more: their key was erased"));
    }
    for said in entries.iter().filter_map(|entry| entry.said.as_ref()) {
        lines.push(format!("  {}  {}", shown(said.at), words(said)));
        let more = [("wording", &said.wording), ("version", &said.consent_version), ("topics", &said.topics)];
        for (name, text) in more {
            lines.extend(text.as_ref().map(|text| format!("    {name}: {text}")));
        }
    }
    if entries.is_empty() && erased.is_none() {
        lines.push("  nothing is written down".to_string());
    }
    globals.print(&lines.join("\n"))?;
    Ok(Outcome::Done)
}

/// What happened, to which newsletter, said by whom.
fn words(said: &Said) -> String {
    let what = serde_json::to_value(said.what).ok();
    let what = what.as_ref().and_then(Value::as_str).unwrap_or("?");
    let by = match said.source.as_str() {
        "page" | "web" => "on the web",
        "letter" => "by a letter",
        "operator" => "by the operator",
        "import" => "by an imported list",
        "report" => "by what mail servers said",
        source => source,
    };
    let newsletter = said.newsletter.as_ref().map(|name| format!(" {name},")).unwrap_or_default();
    let mut words = format!("{what}:{newsletter} {by}");
    if let Some(basis) = &said.basis {
        let proof = said.proof.as_ref().map(|proof| format!(" ({proof})")).unwrap_or_default();
        words.push_str(&format!(", {basis}{proof}"));
    }
    if let Some(note) = &said.note {
        words.push_str(&format!(", {note}"));
    }
    words
}

fn as_json(entry: &Remembered) -> Value {
    let mut value = match &entry.said {
        Some(said) => serde_json::to_value(said).unwrap_or_default(),
        None => json!({}),
    };
    if let Some(fields) = value.as_object_mut() {
        if let Some(said) = &entry.said {
            fields.insert("at".to_string(), json!(rfc3339(said.at)));
        }
        fields.insert("readable".to_string(), json!(entry.said.is_some()));
        fields.insert("place".to_string(), json!({ "strand": entry.strand, "sequence": entry.sequence }));
    }
    value
}

async fn verify(globals: &Globals, office: &mut Office, noted: Option<&Head>) -> anyhow::Result<Outcome> {
    let verified = office.store.verify_history(noted).await?;
    let head = match verified.head.sequence {
        0 => None,
        sequence => Some(format!("{sequence}:{}", verified.head.hash)),
    };
    match (&verified.fault, &head) {
        (None, _) if globals.json => {}
        (None, None) => globals.print("nothing is written down yet")?,
        (None, Some(head)) => {
            globals.print(&format!("{} entries, and the chain holds; its head is {head}", verified.entries))?;
        }
        (Some(fault), _) => globals.say(format_args!("the chain does not hold at {}: {}", place(fault), fault.why)),
    }
    if globals.json {
        let fault = verified.fault.as_ref();
        let fault =
            fault.map(|fault| json!({ "strand": fault.strand, "sequence": fault.sequence, "why": fault.why }));
        globals.print_json(
            &json!({ "holds": fault.is_none(), "entries": verified.entries, "head": head, "fault": fault }),
        )?;
    }
    Ok(Outcome::needs_a_person_if(verified.fault.is_some()))
}

fn place(fault: &Fault) -> String {
    match fault.strand {
        0 => format!("entry {}", fault.sequence),
        strand => format!("entry {} of the import {strand}", fault.sequence),
    }
}

fn rfc3339(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}
