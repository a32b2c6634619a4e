//! Delivering an edition: the one place where letters and the ledger meet.
//!
//! One keeper holds the store; each carrier (a connection) asks it for a letter, and brings the last one's outcome along.
//! The keeper takes together whoever waits, and answers them after one commit that records all their outcomes and begins
//! all their next rows: a carrier never starts a body before the last one's outcome is on disk, and the commits are shared.
//!
//! Promises: every row that this edition's list holds ends in a state that is told; a fault that is ours holds the
//! edition and empties no list; a server that is down leaves every row for the next run.
//!
//! BUGS: the limit of letters in a time is each process's own; a new process begins it anew.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::address::Address;
use super::carry::{Answer, Job, Pace, Request, carry};
use super::clock::Clock;
use super::letter::{Head, Prepared};
use super::outcome::{Fault, Outcome};
use super::retry;
use super::token;
use super::transport::Route;
use crate::config::OnUncertain;
use crate::config::Rate;
use crate::secrets::Secrets;
use crate::store::editions::State;
use crate::store::ledger::{Begin, Claimed, Settled, Verdict};
use crate::store::{Result, Store};

/// How many rows are claimed at once.
const BATCH: i64 = 100;
/// An uncertain delivery is sent again at most as often.
const RESENDS: i64 = 2;

/// What delivering needs to know, for all editions.
#[derive(Clone)]
pub struct Setting {
    pub route: Route,
    pub secrets: Secrets,
    pub connections: usize,
    pub rate: Option<Rate>,
    pub clock: Clock,
}

/// One edition, ready to go.
pub struct Consignment {
    pub edition: i64,
    pub head: Head,
    /// By number; shared by the carriers.
    pub variants: Arc<Vec<Prepared>>,
    pub on_uncertain: OnUncertain,
}

/// How a delivery ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All that could be tried was tried; what is left waits for its next try, or for a person.
    Tried,
    /// The server is down, or busy: the rest waits for the next run.
    Waits(String),
    /// A person must mend something.
    Held(String),
    /// A person stopped or cancelled the edition.
    Stopped,
}

/// Delivers what is due of one edition. `progress` hears how many rows were settled since it last heard.
pub async fn deliver(
    store: &mut Store,
    setting: &Setting,
    consignment: &Consignment,
    progress: &mut dyn FnMut(u64),
) -> Result<Ended> {
    if consignment.on_uncertain == OnUncertain::Resend {
        store.resend_uncertain(consignment.edition, setting.clock.now()).await?;
    }
    let mut keeper = Keeper::new(store, setting, consignment).await?;
    keeper.fill().await?;
    if !keeper.ready.is_empty() {
        keeper.serve(progress).await?;
    }
    keeper.finish().await
}

/// The one that holds the store while carriers work.
struct Keeper<'a> {
    store: &'a mut Store,
    setting: &'a Setting,
    consignment: &'a Consignment,
    worker: String,
    /// Claimed, not begun.
    ready: VecDeque<Claimed>,
    /// Set once no further letter may start.
    ended: Option<Ended>,
    /// Accepted and refused so far, while the brakes are on.
    outcomes: Option<(i64, i64)>,
    /// The fault for which the last carrier gave up.
    last_fault: Option<Fault>,
}

impl<'a> Keeper<'a> {
    async fn new(store: &'a mut Store, setting: &'a Setting, consignment: &'a Consignment) -> Result<Self> {
        let outcomes = store.first_outcomes(consignment.edition).await?;
        let worker = format!("{}", std::process::id());
        Ok(Keeper {
            store,
            setting,
            consignment,
            worker,
            ready: VecDeque::new(),
            ended: None,
            outcomes,
            last_fault: None,
        })
    }

    fn now(&self) -> DateTime<Utc> {
        self.setting.clock.now()
    }

    /// Claims the next rows when none is ready.
    async fn fill(&mut self) -> Result<()> {
        if self.ready.is_empty() && self.ended.is_none() {
            let now = self.now();
            self.ready = self.store.claim(self.consignment.edition, &self.worker, now, BATCH).await?.into();
        }
        Ok(())
    }

    /// Starts the carriers and answers them until the last has gone.
    async fn serve(&mut self, progress: &mut dyn FnMut(u64)) -> Result<()> {
        let (ask, mut inbox) = mpsc::channel(64);
        let pace = Arc::new(Pace::new(self.setting.rate));
        let mut carriers = JoinSet::new();
        let wanted = self.setting.route.carriers(self.setting.connections).min(self.ready.len());
        for number in (0i64..).take(wanted) {
            let route = self.setting.route.clone();
            carriers.spawn(carry(
                number,
                route,
                Arc::clone(&self.consignment.variants),
                Arc::clone(&pace),
                ask.clone(),
            ));
        }
        drop(ask);
        while let Some(first) = inbox.recv().await {
            let mut requests = vec![first];
            // Whoever is about to ask shares the commit.
            tokio::task::yield_now().await;
            while let Ok(request) = inbox.try_recv() {
                requests.push(request);
            }
            self.answer(requests, progress).await?;
        }
        while carriers.join_next().await.is_some() {}
        Ok(())
    }

    /// One commit for all that wait, then their answers.
    async fn answer(&mut self, mut requests: Vec<Request>, progress: &mut dyn FnMut(u64)) -> Result<()> {
        let mut settled = Vec::new();
        for request in &mut requests {
            if let Some((claimed, outcome)) = request.outcome.take() {
                settled.push(self.judge(&claimed, outcome));
            }
            if let Some(fault) = request.gave_up.take() {
                self.gave_up(fault).await?;
            }
        }
        self.check_outcomes(&settled).await?;
        let done = settled.len() as u64;
        let mut waiting: VecDeque<(i64, oneshot::Sender<Answer>)> =
            requests.into_iter().filter_map(|r| r.answer).collect();
        loop {
            let mut jobs = Vec::new();
            for (carrier, _) in &waiting {
                self.fill().await?;
                match (&self.ended, self.ready.pop_front()) {
                    (None, Some(claimed)) => jobs.push(self.job(claimed, *carrier)),
                    _ => break,
                }
            }
            let begins: Vec<Begin> = jobs.iter().map(Job::begin).collect();
            let now = self.now();
            let edition = self.consignment.edition;
            let committed = self.store.settle(edition, &self.worker, &settled, &begins, now).await?;
            settled.clear();
            if !committed.going_on && self.ended.is_none() {
                self.ended = Some(Ended::Stopped);
            }
            let nothing_left = jobs.is_empty();
            let mut still_waiting = VecDeque::new();
            let mut begun = jobs.into_iter().zip(committed.begun);
            for (carrier, answer) in waiting {
                match begun.next() {
                    // A carrier that is gone leaves its row `sending`: nobody is missed, it is uncertain.
                    Some((job, true)) => drop(answer.send(Answer::Letter(Box::new(job)))),
                    // That person left: another row for this carrier.
                    _ => still_waiting.push_back((carrier, answer)),
                }
            }
            waiting = still_waiting;
            if nothing_left || waiting.is_empty() {
                break;
            }
        }
        for (_, carrier) in waiting {
            let _ = carrier.send(Answer::End);
        }
        if done > 0 {
            progress(done);
        }
        Ok(())
    }

    fn job(&self, claimed: Claimed, carrier: i64) -> Job {
        let Consignment { edition, head, variants, .. } = self.consignment;
        let variant = usize::try_from(claimed.variant).unwrap_or(0).min(variants.len().saturating_sub(1));
        let items = variants.get(variant).map(|letter| letter.items.as_slice()).unwrap_or_default();
        let secrets = &self.setting.secrets;
        let sender = match Address::parse(&head.sender) {
            Ok(sender) if head.sender_tokens => {
                sender.with_detail(&token::bounce(secrets, *edition, claimed.recipient))
            }
            Ok(sender) => sender.to_string(),
            Err(_) => head.sender.clone(),
        };
        Job {
            message_id: head.message_id(secrets, items, claimed.recipient),
            leave_url: head.leave_url(secrets, claimed.recipient),
            sender,
            variant,
            carrier,
            claimed,
        }
    }

    /// What an outcome means for the row.
    fn judge(&self, claimed: &Claimed, outcome: Outcome) -> Settled {
        let now = self.now();
        let first = claimed.first_try.unwrap_or(now);
        let again = || retry::next(claimed.attempts + 1, first, now);
        let (verdict, reply) = match outcome {
            Outcome::Accepted(reply) => (Verdict::Accepted, reply),
            Outcome::Refused { reply, suppress } => {
                let suppress = suppress && self.consignment.head.list.is_some();
                (Verdict::Refused { suppress }, reply)
            }
            Outcome::Deferred(reply) => match again() {
                Some(next_try) => (Verdict::Deferred { next_try }, reply),
                None => (Verdict::Refused { suppress: false }, format!("given up after three days: {reply}")),
            },
            Outcome::Unknown(reply) => {
                let resend = self.consignment.on_uncertain == OnUncertain::Resend && claimed.uncertain < RESENDS;
                let next_try = if resend { again() } else { None };
                (Verdict::Uncertain { next_try }, format!("no answer after the letter: {reply}"))
            }
            Outcome::Untried(fault) => (Verdict::Untried { next_try: now }, fault.words().to_string()),
        };
        Settled { recipient: claimed.recipient, email: claimed.email.clone(), verdict, reply }
    }

    /// A carrier has gone. A fault of ours ends all; otherwise the others go on.
    async fn gave_up(&mut self, fault: Fault) -> Result<()> {
        if let (Fault::Ours(words), None) = (&fault, &self.ended) {
            self.hold(words.clone()).await?;
        }
        self.last_fault = Some(fault);
        Ok(())
    }

    async fn hold(&mut self, reason: String) -> Result<()> {
        let edition = self.consignment.edition;
        self.store.move_edition(edition, &[State::Sending], State::Held, Some(&reason)).await?;
        self.ended = Some(Ended::Held(reason));
        Ok(())
    }

    /// The first 20 outcomes all refusals, or more than a fifth of the first 200: something is wrong with us or with the
    /// list, and a person should look before it goes on.
    async fn check_outcomes(&mut self, settled: &[Settled]) -> Result<()> {
        let Some((mut accepted, mut refused)) = self.outcomes else { return Ok(()) };
        for outcome in settled {
            match outcome.verdict {
                Verdict::Accepted => accepted += 1,
                Verdict::Refused { .. } => refused += 1,
                _ => {}
            }
        }
        self.outcomes = Some((accepted, refused));
        if self.ended.is_some() {
            return Ok(());
        }
        let last = settled.iter().rev().find(|outcome| matches!(outcome.verdict, Verdict::Refused { .. }));
        let words = last.map(|outcome| outcome.reply.clone()).unwrap_or_default();
        if accepted == 0 && refused >= 20 {
            self.hold(format!("the first {refused} letters were all refused: {words}")).await?;
        } else if refused > 40 && accepted + refused <= 240 {
            let all = accepted + refused;
            self.hold(format!("{refused} of the first {all} letters were refused: {words}")).await?;
        } else if accepted + refused > 240 {
            self.store.release_brakes(self.consignment.edition).await?;
            self.outcomes = None;
        }
        Ok(())
    }

    /// Gives back what was not begun, and says how it ended.
    async fn finish(mut self) -> Result<Ended> {
        let edition = self.consignment.edition;
        self.store.give_back(edition, &self.worker).await?;
        let now = self.now();
        let everybody_refused = match self.outcomes {
            Some((0, refused)) if refused > 0 && self.ended.is_none() => {
                let counts = self.store.counts(edition).await?;
                counts.pending == 0 && counts.uncertain == 0 && !self.store.has_suppressed(edition).await?
            }
            _ => false,
        };
        if everybody_refused {
            self.hold("every letter was refused, and not because a mailbox does not exist".to_string()).await?;
        }
        if self.outcomes.is_some_and(|(_, refused)| refused > 0) && matches!(self.ended, Some(Ended::Held(_))) {
            self.store.take_refusals_back(edition, now).await?;
        }
        if let Some(ended) = self.ended {
            return Ok(ended);
        }
        self.store.finish_if_done(edition, now).await?;
        // Carriers that gave up leave rows whose time had come.
        let counts = self.store.counts(edition).await?;
        let left = counts.due.is_some_and(|due| due <= now);
        Ok(match self.last_fault {
            Some(fault) if left => Ended::Waits(fault.words().to_string()),
            _ => Ended::Tried,
        })
    }
}

/// The time that a delivery may take between two letters when the server asks for patience.
pub(super) fn pause(strikes: u32) -> Duration {
    Duration::from_millis(500) * 2u32.saturating_pow(strikes.min(6))
}
