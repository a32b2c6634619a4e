//! `crieur worker`: delivers what the database holds, beside `run` and other workers, on any number of machines.
//!
//! It composes nothing and needs no items: it takes the editions that are being sent, delivers what is due, and sleeps
//! until something is. SIGTERM and SIGINT let the bodies under way end, give back the rest, and are no failure. A database
//! that is lost ends it: whatever starts it (systemd, say) starts it again.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};

use super::office::{Office, runtime};
use super::post::Posted;
use super::{Globals, Outcome};
use crate::config::OnUncertain;
use crate::store::editions::Sending;

/// Between two looks at the database.
const LOOK: Duration = Duration::from_secs(2);
/// Before the next try at a mail server that is down.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub struct Args {
    /// End when no edition is being sent any more, or a person must see to what is left
    #[arg(long)]
    pub until_done: bool,
}

pub fn run(globals: &Globals, arguments: Args) -> anyhow::Result<Outcome> {
    runtime()?.block_on(async {
        let mut office = Office::open(globals).await?;
        if let Some(branch) = office.config.branch() {
            bail!("there is nothing to share: the memory is the branch {branch}, and `crieur run` sends what is due");
        }
        let outcome = work(globals, &mut office, arguments.until_done).await.context("the worker stops")?;
        office.store.close().await?;
        Ok(outcome)
    })
}

async fn work(globals: &Globals, office: &mut Office, until_done: bool) -> anyhow::Result<Outcome> {
    let setting = office.setting(globals)?;
    let mut posted = Posted::new(std::mem::take(&mut office.problems));
    let mut looked_before = false;
    while !setting.stop.is_asked() {
        let now = setting.clock.now();
        let buried = office.store.bury_dead(None, now).await?;
        if buried.uncertain > 0 {
            globals.say(format_args!(
                "{} letters were under way when a worker ended: their outcome is uncertain",
                buried.uncertain
            ));
        }
        // Nobody but who takes it up sends again what an earlier worker left uncertain.
        let takes_up = !looked_before || buried.uncertain > 0;
        looked_before = true;
        let sending = office.store.sending().await?;
        let ready: HashSet<String> = sending
            .iter()
            .filter(|one| is_ready(one, now) || (takes_up && one.uncertain && resends(office, one)))
            .map(|one| one.newsletter.clone())
            .collect();
        if !ready.is_empty() {
            posted.ask_again();
            posted.deliver(globals, office, &setting, |name| ready.contains(name)).await?;
            if posted.waits() {
                setting.stop.sleep(PATIENCE).await;
            }
            continue;
        }
        if until_done && !sending.iter().any(|one| one.due.is_some() || one.under_way) {
            break;
        }
        setting.stop.sleep(until_due(&sending, now)).await;
    }
    let editions = posted.editions(office, |_| true).await?;
    let outcome = posted.conclude(globals, &office.config, &editions, None)?;
    Ok(if setting.stop.is_asked() { Outcome::Done } else { outcome })
}

/// Something is due, or all is settled and nobody has said that it is done.
fn is_ready(one: &Sending, now: DateTime<Utc>) -> bool {
    one.due.is_some_and(|due| due <= now) || (one.due.is_none() && !one.under_way && !one.uncertain)
}

fn resends(office: &Office, one: &Sending) -> bool {
    let newsletter = office.config.newsletters.iter().find(|newsletter| newsletter.name == one.newsletter);
    newsletter.is_none_or(|newsletter| newsletter.on_uncertain == OnUncertain::Resend)
}

/// Until the next try, or until it is time to look again: another process may bring work.
fn until_due(sending: &[Sending], now: DateTime<Utc>) -> Duration {
    let due = sending.iter().filter_map(|one| one.due).min();
    let until = due.map_or(LOOK, |due| (due - now).max(TimeDelta::zero()).to_std().unwrap_or(LOOK));
    // The ledger's times are whole seconds.
    until.min(LOOK) + Duration::from_millis(20)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sending(due: Option<i64>, under_way: bool, uncertain: bool) -> Sending {
        let due = due.map(|seconds| DateTime::from_timestamp(seconds, 0).expect("a moment"));
        Sending { newsletter: "news".to_string(), due, under_way, uncertain }
    }

    #[test]
    fn a_worker_takes_what_is_due_or_only_lacks_the_last_word() {
        let now = DateTime::from_timestamp(100, 0).expect("a moment");
        assert!(is_ready(&sending(Some(100), true, false), now));
        assert!(!is_ready(&sending(Some(101), false, false), now));
        assert!(!is_ready(&sending(None, true, false), now), "others are at it");
        assert!(!is_ready(&sending(None, false, true), now), "a person is waited for");
        assert!(is_ready(&sending(None, false, false), now));
    }

    #[test]
    fn it_sleeps_until_something_is_due_and_never_long() {
        let now = DateTime::from_timestamp(100, 0).expect("a moment");
        assert_eq!(until_due(&[], now), LOOK + Duration::from_millis(20));
        assert_eq!(until_due(&[sending(Some(101), false, false)], now), Duration::from_millis(1020));
        assert_eq!(until_due(&[sending(Some(9000), false, false)], now), LOOK + Duration::from_millis(20));
    }
}
