//! `crieur send --edition FILE`: freezes an edition that another machine composed with the list that is here, and delivers it;
//! the same file again, it goes on where it stopped.

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use serde_json::json;

use super::office::{Office, material};
use super::post::Posted;
use super::send::{Args, deliver_all};
use super::{Globals, Outcome, Unusable, report};
use crate::announce::{self, Asked, Parcel, ParcelError, Scene, TakenIn};
use crate::config::Newsletter;
use crate::problem::{Problem, Problems};

/// How long another command that composes or delivers is waited for: whoever hands a file over should not have to try again.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(250);

/// Sends the edition that a file holds.
pub async fn send(globals: &Globals, arguments: &Args, file: &Path) -> anyhow::Result<Outcome> {
    let parcel = read(file)?;
    let name = &parcel.composed.newsletter;
    if let Some(asked) = arguments.newsletter.as_ref().filter(|asked| *asked != name) {
        let message = format!("this is an edition of {name}, and {asked} was to be sent");
        return Err(Unusable(Problems(vec![Problem::error("other-newsletter", message)])).into());
    }
    let mut office = Office::open(globals).await?;
    office.needs_people()?;
    let newsletter = office.newsletter(name)?.clone();
    let mut waited = Duration::ZERO;
    let _lock = loop {
        if let Some(lock) = office.lock().await? {
            break lock;
        }
        if waited >= PATIENCE {
            globals.say("another run is at work here: try again later");
            return Ok(Outcome::TryLater);
        }
        tokio::time::sleep(LOOK).await;
        waited += LOOK;
    };
    let outcome = take_in(globals, &mut office, &newsletter, &parcel, arguments).await;
    office.close_after(outcome).await
}

async fn take_in(
    globals: &Globals,
    office: &mut Office,
    newsletter: &Newsletter,
    parcel: &Parcel,
    arguments: &Args,
) -> anyhow::Result<Outcome> {
    let project = office.project(globals).await?;
    let setting = office.setting(globals)?;
    let mut posted = Posted::new(project.problems.clone());
    let scene = Scene { secrets: &office.secrets, material: material(&project), newsletter, now: globals.now };
    let asked = if arguments.dry_run { Asked::DryRun } else { Asked::ByPerson };
    let taken = announce::take_in(&mut office.store, scene, parcel, asked, &mut posted.problems).await?;
    let number = i64::try_from(parcel.composed.number).unwrap_or(i64::MAX);
    match taken {
        TakenIn::Would { state, eligible } => {
            let (name, items) = (&newsletter.name, &parcel.composed.items);
            globals.say(format_args!(
                "{name} n° {number}: {} items to {eligible} people, would be {}",
                items.len(),
                state.as_str()
            ));
            return would(
                globals,
                &posted.problems,
                json!([{
                    "newsletter": name, "number": number, "state": state.as_str(), "reason": null,
                    "items": items.iter().map(|item| &item.id).collect::<Vec<_>>(), "eligible": eligible, "accepted": 0,
                    "refused": 0, "suppressed": 0, "uncertain": 0, "pending": eligible, "deferred": 0, "next_try": null,
                }]),
            );
        }
        TakenIn::Before if arguments.dry_run => {
            globals.say(format_args!("{} n° {number}: is here already", newsletter.name));
            return would(globals, &posted.problems, json!([]));
        }
        TakenIn::Not if arguments.dry_run => return would(globals, &posted.problems, json!([])),
        TakenIn::Not => return posted.conclude(globals, &project.config, &[], None),
        TakenIn::Anew(_) | TakenIn::Before => posted.touch(&newsletter.name, number),
    }
    office.store.bury_dead(None, globals.now).await?;
    posted.show_ahead(globals, office, &setting, newsletter).await?;
    let named = |name: &str| name == newsletter.name;
    posted.deliver(globals, office, &setting, named).await?;
    let editions = deliver_all(globals, office, &setting, &mut posted, named, arguments.wait).await?;
    if taken == TakenIn::Before
        && editions.iter().all(|edition| edition.number != number || edition.counts.pending == 0)
    {
        globals.say(format_args!("{} n° {number}: was sent before", newsletter.name));
    }
    posted.conclude(globals, &project.config, &editions, None)
}

fn would(globals: &Globals, problems: &Problems, editions: serde_json::Value) -> anyhow::Result<Outcome> {
    report::problems_in_passing(globals, problems);
    if globals.json {
        globals.print_json(&json!({ "editions": editions, "problems": report::problems_as_json(problems) }))?;
    }
    Ok(Outcome::needs_a_person_if(problems.has_errors()))
}

/// The edition in a file, or on standard input.
fn read(file: &Path) -> anyhow::Result<Parcel> {
    let mut bytes = Vec::new();
    let name = if file == Path::new("-") {
        std::io::stdin().lock().read_to_end(&mut bytes).context("standard input")?;
        "standard input".to_string()
    } else {
        bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
        file.display().to_string()
    };
    Parcel::read(&bytes).map_err(|error| {
        let (code, help) = match error {
            ParcelError::NotOne => {
                ("no-edition", "hand over the file NEWSLETTER-NUMBER.edition.json as it was written")
            }
            ParcelError::Newer(_) => ("newer-edition", "install here the version of crieur that composed it"),
            ParcelError::Damaged(_) => ("damaged-edition", "fetch it again: nothing of it was sent"),
        };
        let problem = Problem::error(code, format!("{name}: {error}")).help(help);
        Unusable(Problems(vec![problem])).into()
    })
}
