//! `crieur send`: freezes the next edition and delivers it, whatever the schedule says; again, it goes on where it
//! stopped.

use std::path::PathBuf;

use anyhow::Context;
use serde_json::json;

use super::office::{Office, in_turn, material, runtime};
use super::post::{self, Posted};
use super::{Globals, Outcome, handed_over, report};
use crate::announce::{self, Asked, Known, Scene};
use crate::config::Newsletter;
use crate::mail::address::Address;
use crate::mail::delivery::Setting;
use crate::mail::outcome::Outcome as Tried;
use crate::store::editions::Edition;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The newsletter (default: each)
    pub newsletter: Option<String>,
    /// Send a copy to these addresses only, and remember nothing
    #[arg(long, value_name = "ADDRESS", num_args = 1.., conflicts_with_all = ["dry_run", "wait"])]
    pub test: Vec<String>,
    /// Say what would be sent, and send nothing
    #[arg(long, conflicts_with = "wait")]
    pub dry_run: bool,
    /// Stay until nothing waits for a later try
    #[arg(long)]
    pub wait: bool,
    /// Send the edition that another machine composed and left in this file (`hand_over`); `-`: standard input
    #[arg(long, value_name = "FILE", conflicts_with = "test")]
    pub edition: Option<PathBuf>,
}

pub fn run(globals: &Globals, arguments: Args) -> anyhow::Result<Outcome> {
    runtime()?.block_on(async {
        if let Some(file) = &arguments.edition {
            return handed_over::send(globals, &arguments, file).await;
        }
        in_turn(globals, async || one_turn(globals, &arguments).await).await
    })
}

async fn one_turn(globals: &Globals, arguments: &Args) -> anyhow::Result<Outcome> {
    let mut office = Office::open(globals).await?;
    let newsletters: Vec<Newsletter> = match &arguments.newsletter {
        Some(name) => vec![office.newsletter(name)?.clone()],
        None => office.config.newsletters.clone(),
    };
    let outcome = if arguments.test.is_empty() {
        let Some(_lock) = office.lock().await? else {
            globals.say("another run is at work here: nothing to do");
            if globals.json {
                globals.print_json(&json!({ "editions": [], "problems": [] }))?;
            }
            return Ok(Outcome::Done);
        };
        if arguments.dry_run {
            dry_run(globals, &mut office, &newsletters).await
        } else {
            send(globals, &mut office, &newsletters, arguments.wait).await
        }
    } else {
        test(globals, &mut office, &newsletters, &arguments.test).await
    };
    office.close_after(outcome).await
}

async fn send(
    globals: &Globals,
    office: &mut Office,
    newsletters: &[Newsletter],
    wait: bool,
) -> anyhow::Result<Outcome> {
    let project = office.project(globals).await?;
    let setting = office.setting(globals)?;
    project.save_lock()?;
    office.remember(&project).await?;
    let mut posted = Posted::new(project.problems.clone());
    office.store.bury_dead(None, globals.now).await?;
    for newsletter in newsletters {
        posted.compose(globals, office, material(&project), newsletter, Asked::ByPerson).await?;
        posted.show_ahead(globals, office, &setting, newsletter).await?;
        posted.deliver(globals, office, &setting, |name| name == newsletter.name).await?;
    }
    let named = |name: &str| newsletters.iter().any(|newsletter| newsletter.name == name);
    let editions = deliver_all(globals, office, &setting, &mut posted, named, wait).await?;
    posted.keep(globals, office).await?;
    if !globals.json && editions.is_empty() && !posted.problems.has_errors() {
        globals.say("nothing new: no letter");
    }
    posted.conclude(globals, &project.config, &editions, None)
}

/// Where it is to `wait`, delivers again whenever something is due, until nothing waits for a later try. Gives the editions.
pub async fn deliver_all(
    globals: &Globals,
    office: &mut Office,
    setting: &Setting,
    posted: &mut Posted,
    named: impl Fn(&str) -> bool + Copy,
    wait: bool,
) -> anyhow::Result<Vec<Edition>> {
    let mut editions = posted.editions(office, named).await?;
    while wait && let Some(pause) = post::pause(&editions, setting, posted.waits()) {
        globals.say(format_args!("waiting {} seconds for the next try", pause.as_secs()));
        setting.stop.sleep(pause).await;
        if setting.stop.is_asked() {
            break;
        }
        posted.ask_again();
        posted.deliver(globals, office, setting, named).await?;
        editions = posted.editions(office, named).await?;
    }
    Ok(editions)
}

async fn dry_run(globals: &Globals, office: &mut Office, newsletters: &[Newsletter]) -> anyhow::Result<Outcome> {
    let project = office.project(globals).await?;
    let mut problems = project.problems.clone();
    let mut editions = Vec::new();
    for newsletter in newsletters {
        let scene = Scene { secrets: &office.secrets, material: material(&project), newsletter, now: globals.now };
        for next in announce::next(&mut office.store, scene, Asked::DryRun, &mut problems).await? {
            post::say_next(globals, &project.config, newsletter, &next);
            if let announce::Next::Would { number, items, state, reason, eligible } = next {
                editions.push(json!({
                    "newsletter": newsletter.name, "number": number, "state": state.as_str(), "reason": reason,
                    "items": items, "eligible": eligible, "accepted": 0, "refused": 0, "suppressed": 0,
                    "uncertain": 0, "pending": eligible, "deferred": 0, "next_try": null,
                }));
            }
        }
    }
    problems.sort();
    report::problems_in_passing(globals, &problems);
    if globals.json {
        globals.print_json(&json!({ "editions": editions, "problems": report::problems_as_json(&problems) }))?;
    } else if editions.is_empty() {
        globals.say("nothing new: no letter");
    }
    Ok(Outcome::needs_a_person_if(problems.has_errors()))
}

async fn test(
    globals: &Globals,
    office: &mut Office,
    newsletters: &[Newsletter],
    addresses: &[String],
) -> anyhow::Result<Outcome> {
    let addresses: Vec<Address> = addresses
        .iter()
        .map(|text| {
            Address::parse(text).map_err(anyhow::Error::msg).with_context(|| format!("{text:?} is no address"))
        })
        .collect::<anyhow::Result<_>>()?;
    let project = office.project(globals).await?;
    let setting = office.setting(globals)?;
    let mut problems = project.problems.clone();
    let mut all_left = true;
    let mut results = Vec::new();
    for newsletter in newsletters {
        let number = office.store.next_number(&newsletter.name, newsletter.first_number.cast_signed()).await?;
        let known = Known::of(&mut office.store, &office.config, newsletter).await?;
        let sent =
            announce::send_test(&setting, material(&project), newsletter, &known, number, &addresses, &mut problems)
                .await?;
        let Some(sent) = sent else {
            globals.say(format_args!("{}: nothing new, no letter", newsletter.name));
            continue;
        };
        for (address, outcome) in sent {
            let (word, reply) = match &outcome {
                Tried::Accepted(reply) => ("accepted", reply.as_str()),
                Tried::Refused { reply, .. } => ("refused", reply.as_str()),
                Tried::Deferred(reply) => ("deferred", reply.as_str()),
                Tried::Unknown(reply) => ("uncertain", reply.as_str()),
                Tried::Untried(fault) => ("not sent", fault.words()),
            };
            all_left &= word == "accepted";
            globals.say(format_args!("{}: test copy to {address}: {word}: {reply}", newsletter.name));
            results.push(json!({
                "newsletter": newsletter.name, "address": address.to_string(), "outcome": word, "reply": reply,
            }));
        }
    }
    problems.sort();
    report::problems_in_passing(globals, &problems);
    if globals.json {
        globals.print_json(&json!({
            "editions": [], "test": results, "problems": report::problems_as_json(&problems),
        }))?;
    }
    Ok(Outcome::needs_a_person_if(problems.has_errors() || !all_left))
}
