//! `crieur status`: where each edition stands.

use serde_json::json;

use super::office::{Office, runtime};
use super::{Globals, Outcome, ledger};

pub fn run(globals: &Globals) -> anyhow::Result<Outcome> {
    runtime()?.block_on(async {
        let mut office = Office::open(globals).await?;
        let editions = office.store.editions().await?;
        if globals.json {
            let editions: Vec<_> = editions.iter().map(ledger::as_json).collect();
            globals.print_json(&json!({ "editions": editions }))?;
        } else if editions.is_empty() {
            globals.say("no edition yet: `crieur digest` shows the next one, `crieur run` sends what is due");
        } else {
            globals.print(&ledger::as_table(&editions, office.config.site.time_zone))?;
        }
        let needed = editions.iter().any(ledger::needs_a_person);
        office.store.close().await?;
        Ok(Outcome::needs_a_person_if(needed))
    })
}
