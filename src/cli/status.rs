//! `crieur status`: where each edition stands; with `--html` how things stand, as a page; with `--token` where the web service
//! shows the same.

use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use super::office::{Office, runtime};
use super::{Globals, Outcome, ledger};
use crate::config::{Config, Watching};
use crate::mail::token;
use crate::publish;
use crate::secrets::Secrets;
use crate::status::{self, Moves, Rows};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write how things stand as one page to this file: letters, subscribers, servers' replies, feeds' readers
    #[arg(long, value_name = "FILE", conflicts_with = "token")]
    pub html: Option<PathBuf>,
    /// Print the address at which `crieur serve` shows this page, with the token that it asks for
    #[arg(long)]
    pub token: bool,
}

pub fn run(globals: &Globals, arguments: Args) -> anyhow::Result<Outcome> {
    runtime()?.block_on(async {
        let mut office = Office::open(globals).await?;
        if arguments.token {
            office.needs_people()?;
            tell_token(globals, &office.config, &office.secrets)?;
            office.store.close().await?;
            return Ok(Outcome::Done);
        }
        let editions = if let Some(file) = &arguments.html {
            let rows = Rows::read(&mut office.store, &office.config, globals.now).await?;
            write(globals, &rows, file)?;
            rows.editions
        } else {
            let editions = office.store.editions().await?;
            if globals.json {
                let editions: Vec<_> = editions.iter().map(ledger::as_json).collect();
                globals.print_json(&json!({ "editions": editions }))?;
            } else if editions.is_empty() {
                globals.say("no edition yet: `crieur digest` shows the next one, `crieur run` sends what is due");
            } else {
                globals.print(&ledger::as_table(&editions, office.config.site.time_zone))?;
            }
            editions
        };
        let needed = editions.iter().any(ledger::needs_a_person);
        office.store.close().await?;
        Ok(Outcome::needs_a_person_if(needed))
    })
}

/// Writes the page, whole or not at all. A relative path starts where the command was called.
fn write(globals: &Globals, rows: &Rows, file: &Path) -> anyhow::Result<()> {
    let html = status::page(rows, Moves::Never).as_file(&rows.site);
    let changed = publish::write_if_changed(file, html.as_bytes())
        .with_context(|| format!("{} cannot be written", file.display()))?;
    if globals.json {
        globals.print_json(&json!({ "html": file.display().to_string(), "bytes": html.len(), "changed": changed }))
    } else {
        globals.say(format_args!(
            "{}: {} bytes{}",
            file.display(),
            html.len(),
            if changed { "" } else { ", as before" }
        ));
        Ok(())
    }
}

fn tell_token(globals: &Globals, config: &Config, secrets: &Secrets) -> anyhow::Result<()> {
    let token = token::status(secrets);
    // Where only this machine itself is answered, the reverse proxy's address leads nowhere.
    let base = match (config.web.status, &config.web.url) {
        (Watching::Open, Some(url)) => url.to_string(),
        _ => format!("http://{}/", config.web.listen.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]")),
    };
    let url = format!("{base}status/{token}");
    if config.web.status == Watching::None {
        globals.say("`web.status: none`: the service shows this to nobody");
    }
    if globals.json {
        globals.print_json(&json!({ "url": url, "metrics": format!("{base}metrics"), "token": token }))
    } else {
        globals.print(&url)
    }
}
