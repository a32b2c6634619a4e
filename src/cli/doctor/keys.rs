//! The keys that sign: made where the configuration names them, and told as the DNS wants them.

use chrono::Datelike;
use serde_json::{Value, json};

use super::say;
use crate::cli::{Globals, Outcome, Unusable};
use crate::config::{Config, Dkim};
use crate::mail::address::Address;
use crate::mail::dkim::key::{self, KeyError};
use crate::mail::dkim::{Key, Kind};
use crate::problem::{Place, Problem, Problems};

/// A string of a TXT record holds at most so many octets.
const STRING: usize = 255;

/// A record that the DNS should hold.
pub struct Record {
    pub name: String,
    pub value: String,
}

impl Record {
    fn new(dkim: &Dkim, key: &Key) -> Record {
        Record { name: format!("{}._domainkey.{}", dkim.selector, dkim.domain), value: key.record() }
    }

    /// The value in the strings of a zone's file; whoever reads them puts them together again.
    pub fn strings(&self) -> Vec<&str> {
        let mut strings = Vec::new();
        let mut rest = self.value.as_str();
        while !rest.is_empty() {
            // The value is ASCII.
            let (string, behind) = rest.split_at(rest.len().min(STRING));
            strings.push(string);
            rest = behind;
        }
        strings
    }

    fn zone_line(&self) -> String {
        let strings: Vec<String> = self.strings().iter().map(|string| format!("\"{string}\"")).collect();
        format!("{}. IN TXT ( {} )", self.name, strings.join("\n    "))
    }
}

/// The records of the keys that are there.
pub fn records(config: &Config) -> Vec<Record> {
    let keys = config.mail.dkim.iter();
    keys.filter_map(|dkim| Key::read(&dkim.path).ok().map(|key| Record::new(dkim, &key))).collect()
}

pub fn as_json(records: &[Record]) -> Value {
    let one = |record: &Record| json!({ "name": record.name, "type": "TXT", "value": record.value, "strings": record.strings() });
    records.iter().map(one).collect()
}

/// How the records stand in a zone's file, and how to see whether they are there.
pub fn in_words(records: &[Record]) -> String {
    if records.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = records.iter().map(Record::zone_line).collect();
    let checks: Vec<String> = records.iter().map(|record| format!("  dig +short TXT {}", record.name)).collect();
    format!(
        "\nIn the DNS (a web form wants the value in one piece, without quotes and spaces between the strings):\n\n{}\n\n\
         Once it is there, this shows it:\n\n{}",
        lines.join("\n"),
        checks.join("\n")
    )
}

/// Makes the keys that are missing: of `kind` the first one, or, where none is named, RSA first and Ed25519 beside it.
pub fn make(globals: &Globals, config: &Config, kind: Option<Kind>) -> anyhow::Result<Outcome> {
    let configured = !config.mail.dkim.is_empty();
    let wanted = if configured { config.mail.dkim.clone() } else { vec![suggested(globals, config, kind)] };
    let mut missing: Vec<&Dkim> = wanted.iter().filter(|dkim| !dkim.path.exists()).collect();
    let mut there: Vec<Kind> = Vec::new();
    for dkim in wanted.iter().filter(|dkim| dkim.path.exists()) {
        there.extend(Key::read(&dkim.path).ok().map(|key| key.kind()));
    }
    if missing.is_empty() {
        let files: Vec<&str> = wanted.iter().map(|dkim| dkim.key.as_str()).collect();
        let message = format!("{} is there already, and a key is never overwritten", files.join(" and "));
        let help = "for a new key choose a new selector and a new file in `mail.dkim`; keep the old record until the letters signed by it have arrived";
        let problem = Problem::error("dkim-key", message).help(help);
        say(globals, &problem);
        print(globals, &[], &records(config), None)?;
        return Ok(Outcome::NeedsAPerson);
    }
    if kind.is_some() {
        missing.truncate(1);
    }
    let mut made = Vec::new();
    let mut found = Vec::new();
    for dkim in missing {
        let kind = kind.unwrap_or(if there.contains(&Kind::Rsa) { Kind::Ed25519 } else { Kind::Rsa });
        there.push(kind);
        let key = key::make(kind, &dkim.path).map_err(|why| unmade(dkim, &why))?;
        globals.say(format_args!("made {} ({}), for its owner only", dkim.key, kind.name()));
        found.push(Record::new(dkim, &key));
        made.push((dkim, kind));
    }
    let suggestion = (!configured).then(|| {
        let dkim: Vec<String> = made
            .iter()
            .map(|(dkim, _)| {
                format!("  dkim: {{ domain: {}, selector: {}, key: {} }}", dkim.domain, dkim.selector, dkim.key)
            })
            .collect();
        dkim.join("\n")
    });
    print(globals, &made, &found, suggestion.as_deref())?;
    Ok(Outcome::Done)
}

fn print(
    globals: &Globals,
    made: &[(&Dkim, Kind)],
    records: &[Record],
    suggestion: Option<&str>,
) -> anyhow::Result<()> {
    if globals.json {
        let made: Vec<Value> = made
            .iter()
            .map(|(dkim, kind)| {
                json!({ "key": dkim.key, "kind": kind.name(), "domain": dkim.domain, "selector": dkim.selector })
            })
            .collect();
        return globals
            .print_json(&json!({ "made": made, "records": as_json(records), "configuration": suggestion }));
    }
    let mut words = in_words(records).trim_start().to_string();
    if let Some(suggestion) = suggestion {
        words.push_str(&format!("\n\nThen let letters be signed, in config/crieur.yaml:\n\nmail:\n{suggestion}"));
    }
    globals.print(&words)
}

fn unmade(dkim: &Dkim, why: &KeyError) -> Unusable {
    let problem = Problem::error("dkim-key", format!("the key {} cannot be made: {why}", dkim.key));
    Unusable(Problems(vec![
        problem.at(dkim.place.clone()).help("its folder must be one that this user may write to"),
    ]))
}

/// What to call a key that the configuration does not name: the domain that the first newsletter comes from, and the month.
fn suggested(globals: &Globals, config: &Config, kind: Option<Kind>) -> Dkim {
    let from = config.newsletters.first().and_then(|newsletter| Address::parse(&newsletter.from.address).ok());
    let host = || config.site.url.host_str().unwrap_or("localhost").trim_start_matches("www.").to_string();
    let domain = from.map_or_else(host, |from| from.domain().to_string());
    let suffix = if kind == Some(Kind::Ed25519) { "e" } else { "" };
    let selector = format!("c{}{:02}{suffix}", globals.now.year(), globals.now.month());
    let key = format!("var/dkim-{selector}.pem");
    Dkim { domain, selector, path: config.root.join(&key), key, place: Place::file("config/crieur.yaml") }
}
