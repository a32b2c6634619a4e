//! `approve`, `stop`, `resume`, `cancel`, `resolve`: a person's hand on an edition, in the middle of a delivery too. What
//! they say is in the database at once; a delivery under way reads it with its next commit.

use anyhow::bail;
use serde_json::json;

use super::arguments::{Cancel, Edition as Named, Resolve};
use super::office::{Office, in_turn, runtime};
use super::{Globals, Outcome, ledger};
use crate::store::editions::{Edition, State};

pub fn approve(globals: &Globals, edition: Named) -> anyhow::Result<Outcome> {
    turn(globals, edition, &[State::Composed], State::Sending, None, "approved: the next `crieur run` sends it")
}

pub fn stop(globals: &Globals, edition: Named) -> anyhow::Result<Outcome> {
    let from = [State::Sending, State::Composed];
    turn(globals, edition, &from, State::Held, Some("stopped by a person"), "stopped: no other letter starts")
}

pub fn resume(globals: &Globals, edition: Named) -> anyhow::Result<Outcome> {
    turn(globals, edition, &[State::Held], State::Sending, None, "goes on with the next `crieur run`")
}

/// Moves an edition that stands in one of `from`; another one is left as it is, and that is said.
fn turn(
    globals: &Globals,
    named: Named,
    from: &[State],
    to: State,
    reason: Option<&str>,
    words: &str,
) -> anyhow::Result<Outcome> {
    runtime()?.block_on(in_turn(globals, async || {
        let mut office = Office::open(globals).await?;
        let edition = find(&mut office, &named.newsletter, named.number).await?;
        // One that was stopped before its moment waits for it again.
        let early = edition.send_at.is_some_and(|moment| moment > globals.now) && from == [State::Held];
        let (to, words) =
            if early { (State::Composed, "goes by itself at its moment, with a `crieur run`") } else { (to, words) };
        if !office.store.move_edition(edition.id, from, to, reason).await? {
            bail!(
                "{} n° {} is {}: only one that is {} can be turned",
                edition.newsletter,
                edition.number,
                edition.state.as_str(),
                from.iter().map(|state| state.as_str()).collect::<Vec<_>>().join(" or ")
            );
        }
        if to == State::Sending {
            // The process that held it may have died before it took the refusals back that were ours.
            if let Some((0, 1..)) = office.store.first_outcomes(edition.id).await? {
                office.store.take_refusals_back(edition.id, globals.now).await?;
            }
            // A person has looked at it.
            office.store.release_brakes(edition.id).await?;
        }
        tell(globals, office, &named.newsletter, named.number, words).await
    }))
}

pub fn cancel(globals: &Globals, arguments: Cancel) -> anyhow::Result<Outcome> {
    runtime()?.block_on(in_turn(globals, async || {
        let mut office = Office::open(globals).await?;
        let named = &arguments.edition;
        let edition = find(&mut office, &named.newsletter, named.number).await?;
        let counts = &edition.counts;
        let reached = counts.accepted + counts.uncertain;
        if arguments.release && reached > 0 {
            bail!("{reached} people may have this edition already: announcing its items anew would send them twice");
        }
        let from = [State::Composed, State::Sending, State::Held];
        if !office.store.move_edition(edition.id, &from, State::Cancelled, None).await? {
            bail!(
                "{} n° {} is {}: it cannot be given up",
                edition.newsletter,
                edition.number,
                edition.state.as_str()
            );
        }
        office.store.settle_items(edition.id, arguments.release).await?;
        let words = if arguments.release {
            "cancelled: its items are new again"
        } else {
            "cancelled: its items will not be announced again"
        };
        tell(globals, office, &named.newsletter, named.number, words).await
    }))
}

pub fn resolve(globals: &Globals, arguments: Resolve) -> anyhow::Result<Outcome> {
    runtime()?.block_on(in_turn(globals, async || {
        let mut office = Office::open(globals).await?;
        let edition = find(&mut office, &arguments.newsletter, arguments.number).await?;
        let uncertain = office.store.deliveries_in(edition.id, "uncertain").await?;
        let mut chosen = Vec::new();
        if arguments.addresses.is_empty() {
            chosen = uncertain;
        } else {
            for address in &arguments.addresses {
                let id = office.secrets.recipient_id(address);
                match uncertain.iter().find(|(recipient, _)| *recipient == id) {
                    Some(found) => chosen.push(found.clone()),
                    None => bail!("the delivery to {address} is not uncertain: `crieur explain {address}`"),
                }
            }
        }
        for (recipient, address) in &chosen {
            office.store.resolve(edition.id, *recipient, arguments.sent, globals.now).await?;
            globals.detail(format_args!("{address}: {}", if arguments.sent { "sent" } else { "to be sent again" }));
        }
        // An edition that was done but for these is so now; one that sends again is under way.
        office.store.finish_if_done(edition.id, globals.now).await?;
        let what = if arguments.sent { "marked as sent" } else { "to be sent again by the next `crieur run`" };
        let words = format!("{} deliveries {what}", chosen.len());
        tell(globals, office, &arguments.newsletter, arguments.number, &words).await
    }))
}

async fn find(office: &mut Office, newsletter: &str, number: u64) -> anyhow::Result<Edition> {
    let number = i64::try_from(number)?;
    match office.store.edition(newsletter, number).await? {
        Some(edition) => Ok(edition),
        None => {
            bail!("there is no edition n° {number} of {newsletter:?}: `crieur status` lists those that there are")
        }
    }
}

async fn tell(
    globals: &Globals,
    mut office: Office,
    newsletter: &str,
    number: u64,
    words: &str,
) -> anyhow::Result<Outcome> {
    let edition = find(&mut office, newsletter, number).await?;
    office.store.keep(&format!("{newsletter} n° {number}: {}", edition.state.as_str()), globals.now).await?;
    office.store.close().await?;
    globals.say(format_args!("{newsletter} n° {number}: {words}"));
    if globals.json {
        globals.print_json(&json!({ "editions": [ledger::as_json(&edition)] }))?;
    }
    Ok(Outcome::Done)
}
