//! The way of each newsletter in one command: its next edition, then the delivery of all that is frozen and not done.

use std::collections::BTreeSet;

use anyhow::Context;
use chrono::TimeDelta;
use indicatif::{ProgressBar, ProgressStyle};

use super::office::Office;
use super::{Globals, ledger};
use crate::announce::{self, Asked, Material, Next};
use crate::config::{Config, Newsletter};
use crate::mail::delivery::{Ended, Setting};
use crate::problem::Problems;
use crate::store::editions::{Edition, State};

/// What one command did to editions.
#[derive(Default)]
pub struct Posted {
    pub problems: Problems,
    /// The editions that were touched: newsletter and number.
    touched: BTreeSet<(String, i64)>,
    /// Something waits for the server.
    pub waits: bool,
}

impl Posted {
    /// Nothing yet, but for the problems that are known.
    pub fn new(problems: Problems) -> Posted {
        Posted { problems, ..Posted::default() }
    }

    /// Asks a newsletter for its next edition.
    pub async fn compose(
        &mut self,
        globals: &Globals,
        office: &mut Office,
        material: Material<'_>,
        newsletter: &Newsletter,
        asked: Asked,
    ) -> anyhow::Result<()> {
        let found = announce::next(
            &mut office.store,
            &office.secrets,
            material,
            newsletter,
            asked,
            globals.now,
            &mut self.problems,
        )
        .await?;
        for next in found {
            say_next(globals, material.config, newsletter, &next);
            if let Next::Frozen { number, .. } = next {
                self.touched.insert((newsletter.name.clone(), number));
            }
        }
        Ok(())
    }

    /// Delivers what is due of every edition that is being sent: of one newsletter, or of those that `which` names.
    pub async fn deliver(
        &mut self,
        globals: &Globals,
        office: &mut Office,
        setting: &Setting,
        which: impl Fn(&str) -> bool,
    ) -> anyhow::Result<()> {
        for edition in office.store.open_editions().await? {
            if edition.state != State::Sending || !which(&edition.newsletter) {
                continue;
            }
            self.touched.insert((edition.newsletter.clone(), edition.number));
            let newsletter = office.config.newsletters.iter().find(|one| one.name == edition.newsletter);
            // Before the first letter leaves: it names this page, and shows these pictures.
            let published = office.config.root.join(&office.config.publish.out);
            announce::write_page(&mut office.store, &edition, &published).await?;
            announce::write_kept_pictures(&mut office.store, &office.config, &published, globals.now).await?;
            let bar = progress_bar(globals, &edition);
            let ended = announce::deliver_frozen(&mut office.store, setting, newsletter, &edition, &mut |settled| {
                bar.inc(settled);
            })
            .await;
            bar.finish_and_clear();
            let ended = ended.with_context(|| format!("{} n° {}", edition.newsletter, edition.number))?;
            let after = office.store.edition(&edition.newsletter, edition.number).await?.unwrap_or(edition);
            anyhow::ensure!(
                after.counts.balance(),
                "the ledger of {} n° {} does not balance",
                after.newsletter,
                after.number
            );
            self.waits |= matches!(ended, Ended::Waits(_));
            say_ended(globals, &after, &ended);
        }
        Ok(())
    }

    /// The editions that were touched, or are not finished, oldest first.
    pub async fn editions(&self, office: &mut Office, which: impl Fn(&str) -> bool) -> anyhow::Result<Vec<Edition>> {
        let mut editions = office.store.open_editions().await?;
        editions.retain(|edition| which(&edition.newsletter));
        for (newsletter, number) in &self.touched {
            let listed = editions.iter().any(|one| one.newsletter == *newsletter && one.number == *number);
            if !listed && let Some(edition) = office.store.edition(newsletter, *number).await? {
                editions.push(edition);
            }
        }
        editions.sort_by_key(|edition| (edition.composed, edition.id));
        Ok(editions)
    }
}

/// Says what a person should know of each edition, and what to do.
pub fn say_notes(globals: &Globals, config: &Config, editions: &[Edition]) {
    for edition in editions {
        for note in ledger::notes(edition, config.site.time_zone) {
            globals.say(format_args!("{} n° {}: {note}", edition.newsletter, edition.number));
        }
    }
}

/// How long to wait for the next try, when something waits for one.
pub fn pause(editions: &[Edition], setting: &Setting, waits: bool) -> Option<std::time::Duration> {
    let now = setting.clock.now();
    let waiting = editions.iter().filter(|edition| edition.state == State::Sending);
    let due = waiting.filter_map(|edition| edition.counts.due).min()?;
    let pause = (due - now).max(if waits { TimeDelta::seconds(60) } else { TimeDelta::zero() });
    // Whole seconds: the ledger's times are.
    Some(pause.to_std().unwrap_or_default() + std::time::Duration::from_millis(50))
}

fn progress_bar(globals: &Globals, edition: &Edition) -> ProgressBar {
    if globals.quiet || globals.json {
        return ProgressBar::hidden();
    }
    let length = edition.counts.pending.unsigned_abs();
    let style = ProgressStyle::with_template("{msg} {wide_bar} {pos}/{len} {eta}");
    // Drawn on standard error, and only on a terminal.
    let bar = ProgressBar::new(length).with_message(format!("{} n° {}", edition.newsletter, edition.number));
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

pub fn say_next(globals: &Globals, config: &Config, newsletter: &Newsletter, next: &Next) {
    let name = &newsletter.name;
    match next {
        Next::NotDue { next: Some(next) } => {
            let next = next.with_timezone(&config.site.time_zone).format("%Y-%m-%d %H:%M");
            globals.detail(format_args!("{name}: not due before {next}"));
        }
        Next::NotDue { next: None } => {
            globals.detail(format_args!("{name}: sent by hand, with `crieur send {name}`"))
        }
        Next::NothingNew => globals.detail(format_args!("{name}: nothing new")),
        Next::Nobody | Next::Impossible => {}
        Next::WaitsForPages { missing } => {
            globals.say(format_args!("{name}: waits for pages that do not answer yet: {}", missing.join(", ")));
        }
        Next::Frozen { number, items, .. } => {
            globals.detail(format_args!("{name} n° {number}: composed of {items} items, and frozen"));
        }
        Next::Would { number, items, state, reason, eligible } => {
            let reason = reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
            let (items, state) = (items.len(), state.as_str());
            globals.say(format_args!(
                "{name} n° {number}: {items} items to {eligible} people, would be {state}{reason}"
            ));
        }
    }
}

fn say_ended(globals: &Globals, edition: &Edition, ended: &Ended) {
    let name = format!("{} n° {}", edition.newsletter, edition.number);
    let counts = &edition.counts;
    if let Ended::Waits(words) = ended {
        globals.say(format_args!("{name}: waits for the mail server: {words}"));
    }
    let mut sums = vec![format!("{} of {} accepted", counts.accepted, counts.eligible)];
    for (number, what) in [
        (counts.refused, "refused"),
        (counts.suppressed, "suppressed"),
        (counts.uncertain, "uncertain"),
        (counts.pending, "pending"),
    ] {
        if number > 0 {
            sums.push(format!("{number} {what}"));
        }
    }
    globals.say(format_args!("{name}: {}, {}", edition.state.as_str(), sums.join(", ")));
}
