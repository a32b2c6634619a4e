//! The way of each newsletter in one command: its next edition, then the delivery of all that is frozen and not done.

mod waiting;

use std::collections::BTreeSet;

use anyhow::Context;
use chrono::TimeDelta;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::office::Office;
use super::{Globals, Outcome, ledger, report};
use crate::announce::{self, Asked, Material, Next, Scene, Tended, Wait};
use crate::config::{Config, Newsletter, OnUncertain};
use crate::mail::delivery::{Ended, Setting};
use crate::mail::outcome::Outcome as Tried;
use crate::problem::{Problem, Problems};
use crate::store::editions::{Edition, State};

/// What one command did to editions.
#[derive(Default)]
pub struct Posted {
    pub problems: Problems,
    /// The editions that were touched: newsletter and number.
    touched: BTreeSet<(String, i64)>,
    /// What the mail server said, or did not, for which something waits: it is asked once a run, not by each edition anew.
    waits: Option<String>,
    /// Whether the web service lacks the key that signs here, once it was asked.
    lacks_key: Option<Option<Problem>>,
    /// The site was deployed since the letters were frozen: their pages must answer, where `wait_for_pages` says so.
    pub after_deployment: bool,
    /// The branch did not take an outcome: nothing more is sent, nor pushed.
    outcome_is_lost: bool,
}

impl Posted {
    /// Nothing yet, but for the problems that are known.
    pub fn new(problems: Problems) -> Posted {
        Posted { problems, ..Posted::default() }
    }

    /// An edition that the command is about.
    pub fn touch(&mut self, newsletter: &str, number: i64) {
        self.touched.insert((newsletter.to_string(), number));
    }

    /// Sees to a newsletter's editions that wait, and asks for its next one.
    pub async fn compose(
        &mut self,
        globals: &Globals,
        office: &mut Office,
        material: Material<'_>,
        newsletter: &Newsletter,
        asked: Asked,
    ) -> anyhow::Result<()> {
        let scene = Scene { secrets: &office.secrets, material, newsletter, now: globals.now };
        for (number, tended) in announce::tend(&mut office.store, scene, &mut self.problems).await? {
            self.touched.insert((newsletter.name.clone(), number));
            say_tended(globals, newsletter, number, tended, material.config);
        }
        for next in announce::next(&mut office.store, scene, asked, &mut self.problems).await? {
            say_next(globals, material.config, newsletter, &next);
            if let Next::Frozen { number, .. } = next {
                self.touched.insert((newsletter.name.clone(), number));
            }
        }
        Ok(())
    }

    /// Sends a newsletter's frozen letters ahead to those who want to see them first.
    pub async fn show_ahead(
        &mut self,
        globals: &Globals,
        office: &mut Office,
        setting: &Setting,
        newsletter: &Newsletter,
    ) -> anyhow::Result<()> {
        for edition in office.store.open_editions().await? {
            if !announce::wants_preview(newsletter, &edition) {
                continue;
            }
            // Of two runs one shows it.
            office.store.keep(&format!("{} n° {}: frozen", edition.newsletter, edition.number), globals.now).await?;
            // What it shows is there before it leaves; its own page is only once everybody may read it.
            let published = office.config.root.join(&office.config.publish.out);
            announce::write_kept_pictures(&mut office.store, &office.config, &published, globals.now).await?;
            for (address, outcome) in
                announce::send_ahead(&mut office.store, setting, &office.config, newsletter, &edition).await?
            {
                let name = format!("{} n° {}", edition.newsletter, edition.number);
                match outcome {
                    Tried::Accepted(_) => globals.say(format_args!("{name}: preview to {address}")),
                    Tried::Refused { reply, .. } => {
                        let message = format!("the preview of {name} to {address} was refused: {reply}");
                        let problem = Problem::warning("preview", message).in_file(&newsletter.file);
                        self.problems.push(problem.help("look at `preview_to`"));
                    }
                    Tried::Deferred(words) | Tried::Unknown(words) => {
                        globals.say(format_args!("{name}: the preview to {address} may not have arrived: {words}"));
                    }
                    Tried::Untried(fault) => {
                        let words = fault.words();
                        globals.say(format_args!("{name}: the preview to {address} has not left: {words}"));
                    }
                }
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
            if setting.stop.is_asked() || self.outcome_is_lost {
                break;
            }
            if edition.state != State::Sending || !which(&edition.newsletter) {
                continue;
            }
            self.touched.insert((edition.newsletter.clone(), edition.number));
            if self.waits_for_key(globals, office, &edition) {
                continue;
            }
            let name = format!("{} n° {}", edition.newsletter, edition.number);
            self.deliver_one(globals, office, setting, edition).await.context(name)?;
        }
        Ok(())
    }

    async fn deliver_one(
        &mut self,
        globals: &Globals,
        office: &mut Office,
        setting: &Setting,
        edition: Edition,
    ) -> anyhow::Result<()> {
        let name = format!("{} n° {}", edition.newsletter, edition.number);
        if let Some(words) = self.waits.clone() {
            say_ended(globals, &edition, &Ended::Waits(words.clone()));
            self.problems.extend(ledger::long_wait(&edition, &words, &office.config, globals.now));
            return Ok(());
        }
        if office.store.is_sent_elsewhere(edition.id).await? {
            globals.say(format_args!("{name}: another run is sending it"));
            return Ok(());
        }
        if self.after_deployment && self.waits_for_deployment(globals, office, &edition).await? {
            return Ok(());
        }
        // Before the first letter leaves: it names this page, and shows these pictures.
        let published = office.config.root.join(&office.config.publish.out);
        announce::write_page(&mut office.store, &office.config, &edition, &published).await?;
        announce::write_kept_pictures(&mut office.store, &office.config, &published, globals.now).await?;
        let newsletter = office.config.newsletters.iter().find(|one| one.name == edition.newsletter);
        if office.store.is_branch() {
            let resends = newsletter.is_none_or(|newsletter| newsletter.on_uncertain == OnUncertain::Resend);
            if !office.store.can_be_tried(edition.id, resends, setting.clock.now()).await? {
                say_ended(globals, &edition, &Ended::Tried);
                return Ok(());
            }
            office.store.keep_sending(&edition.newsletter, edition.number, setting.clock.now()).await?;
        }
        let bar = progress_bar(globals, &edition);
        let progress = &mut |settled| bar.inc(settled);
        let ended =
            announce::deliver_frozen(&mut office.store, setting, &office.config, newsletter, &edition, progress)
                .await;
        bar.finish_and_clear();
        let ended = ended?;
        match office.store.keep_outcome(&edition.newsletter, edition.number, setting.clock.now()).await {
            Err(error) if !error.is_overtaken() => {
                let message = format!("{name} may have left, and what became of it is not in the branch: {error}");
                let help = "a run that comes later takes it as uncertain; `crieur resolve` says what is true";
                self.problems.push(Problem::error("outcome-not-kept", message).help(help));
                self.outcome_is_lost = true;
                return Ok(());
            }
            kept => kept?,
        }
        let after = office.store.edition(&edition.newsletter, edition.number).await?.unwrap_or(edition);
        anyhow::ensure!(after.counts.balance(), "its ledger does not balance");
        say_ended(globals, &after, &ended);
        if let Ended::Waits(words) = ended {
            self.problems.extend(ledger::long_wait(&after, &words, &office.config, globals.now));
            self.waits = Some(words);
        }
        Ok(())
    }

    /// What happened to the editions that were touched, as the memory's commit says it; `None`: nothing.
    pub async fn in_words(&self, office: &mut Office) -> anyhow::Result<Option<String>> {
        let mut words = Vec::new();
        for (newsletter, number) in &self.touched {
            let state = match office.store.edition(newsletter, *number).await?.map(|edition| edition.state) {
                Some(State::Composed | State::Sending) | None => "frozen",
                Some(state) => state.as_str(),
            };
            words.push(format!("{newsletter} n° {number}: {state}"));
        }
        Ok(Some(words.join(", ")).filter(|words| !words.is_empty()))
    }

    /// Pushes what else changed, where the memory is a branch.
    pub async fn keep(&self, globals: &Globals, office: &mut Office) -> anyhow::Result<()> {
        if !self.outcome_is_lost {
            office.store.keep("after a run", globals.now).await?;
        }
        Ok(())
    }

    /// Says what a person should know of the editions, and of what was found wrong; prints the result. `feeds`: what was
    /// written of them, where that is part of it.
    pub fn conclude(
        &mut self,
        globals: &Globals,
        config: &Config,
        editions: &[Edition],
        feeds: Option<Value>,
    ) -> anyhow::Result<Outcome> {
        for edition in editions {
            for note in ledger::notes(edition, config.site.time_zone) {
                globals.say(format_args!("{} n° {}: {note}", edition.newsletter, edition.number));
            }
        }
        self.problems.sort();
        report::problems_in_passing(globals, &self.problems);
        if globals.json {
            let mut result = json!({});
            if let Some(feeds) = feeds {
                result["feeds"] = feeds;
            }
            result["editions"] = editions.iter().map(ledger::as_json).collect();
            result["problems"] = report::problems_as_json(&self.problems);
            globals.print_json(&result)?;
        }
        let needed = self.problems.has_errors() || editions.iter().any(ledger::needs_a_person);
        Ok(Outcome::needs_a_person_if(needed))
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
        Next::WaitsForFile { number, path, wait, came_in } => {
            let mut words = wait_in_words(name, path, *wait, config);
            if *came_in > 0 {
                let what = if *came_in == 1 { "1 item is".into() } else { format!("{came_in} items are") };
                words.push_str(&format!("; {what} not in it: `crieur draft {name}` adds what came in since"));
            }
            globals.say(format_args!("{name} n° {number}: {words}"));
        }
        Next::Frozen { number, items, send_at: Some(send_at), .. } => {
            let moment = local(*send_at, config);
            globals.say(format_args!("{name} n° {number}: {items} items, frozen: it goes by itself on {moment}"));
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

fn say_tended(globals: &Globals, newsletter: &Newsletter, number: i64, tended: Tended, config: &Config) {
    let name = &newsletter.name;
    let words = match tended {
        Tended::Anew => "its file or its items changed: frozen anew".to_string(),
        Tended::Goes { anew: true } => {
            "its file or its items changed: frozen anew, and its moment has come".to_string()
        }
        Tended::Goes { anew: false } => {
            return globals.detail(format_args!("{name} n° {number}: its moment has come"));
        }
        Tended::Kept(wait) => wait_in_words(name, &announce::sheet::path(name, number.unsigned_abs()), wait, config),
        Tended::Empty => "nothing is left in it: cancelled".to_string(),
    };
    globals.say(format_args!("{name} n° {number}: {words}"));
}

fn wait_in_words(newsletter: &str, path: &str, wait: Wait, config: &Config) -> String {
    match wait {
        Wait::Missing => format!("waits for {path}: `crieur draft {newsletter}` writes it"),
        Wait::AtWork { mistakes: 0 } => format!("waits: {path} says `send: no`"),
        Wait::AtWork { mistakes } => {
            let mistakes = if mistakes == 1 { "1 mistake".into() } else { format!("{mistakes} mistakes") };
            format!("waits: {path} says `send: no`, and has {mistakes} (`crieur check` shows them)")
        }
        Wait::Until(moment) => format!("waits until {}, as {path} says", local(moment, config)),
    }
}

fn local(moment: chrono::DateTime<chrono::Utc>, config: &Config) -> impl std::fmt::Display {
    moment.with_timezone(&config.site.time_zone).format("%Y-%m-%d %H:%M")
}

fn say_ended(globals: &Globals, edition: &Edition, ended: &Ended) {
    let name = format!("{} n° {}", edition.newsletter, edition.number);
    let counts = &edition.counts;
    match ended {
        Ended::Waits(words) => globals.say(format_args!("{name}: waits for the mail server: {words}")),
        Ended::Interrupted => globals.say(format_args!("{name}: stopped by a signal: the next run goes on")),
        Ended::Dismissed => globals.say(format_args!("{name}: other workers took this one for dead, and go on")),
        Ended::Tried | Ended::Held(_) | Ended::Stopped => {}
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
