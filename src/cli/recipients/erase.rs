//! `crieur recipients erase ADDRESS`.

use std::path::Path;

use anyhow::bail;
use serde_json::json;

use super::super::office::Office;
use super::super::{Globals, Outcome};
use super::address_of;
use crate::config::Audience;
use crate::people::People;

#[derive(Debug, clap::Args)]
pub struct Erase {
    pub address: String,
    /// Do it: it cannot be undone
    #[arg(long)]
    pub yes: bool,
}

pub async fn run(globals: &Globals, office: &mut Office, arguments: Erase) -> anyhow::Result<Outcome> {
    let address = address_of(&arguments.address)?.to_string();
    let recipient = office.secrets.recipient_id(&address);
    if !arguments.yes {
        let newsletters = office.store.standing(recipient).await?.len();
        let entries = office.store.history_of(recipient).await?.len();
        bail!(
            "{address}: {newsletters} subscriptions, past and present, and a history of {entries} entries would be gone for \
             good, and no list would take this address in again: say --yes to do it"
        );
    }
    let erased = office.store.erase(recipient, globals.now).await?;
    let files = files_with(office, recipient);
    let under_way = erased.under_way;
    let what = if erased.was_known { "erased" } else { "was not known here" };
    globals.say(format_args!("{address}: {what}, and kept away from now on"));
    if under_way > 0 {
        globals
            .say(format_args!("{under_way} letters are on their way at this moment: the next `run` cleans them up"));
    }
    for file in &files {
        globals.say(format_args!("{file} still names this address, and gets it no letter: take it out there"));
    }
    if globals.json {
        globals.print_json(&json!({
            "address": address, "was_known": erased.was_known, "deliveries": erased.deliveries,
            "under_way": under_way, "files": files,
        }))?;
    }
    Ok(Outcome::Done)
}

/// The lists in files that name somebody.
fn files_with(office: &Office, recipient: i64) -> Vec<String> {
    let mut files = Vec::new();
    for newsletter in &office.config.newsletters {
        let Audience::File(file) = &newsletter.to else { continue };
        // A list that cannot be read is `check`'s to report.
        let Ok(mut people) = People::open(&office.config.root, Path::new(file), &office.secrets) else { continue };
        loop {
            let batch = people.next_batch();
            if batch.iter().any(|person| person.id == recipient) && !files.contains(file) {
                files.push(file.clone());
            }
            if batch.is_empty() {
                break;
            }
        }
    }
    files
}
