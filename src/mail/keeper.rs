//! The keeper of a delivery: it alone speaks with the store while carriers work.
//!
//! It claims rows in batches, hands them out, and answers whoever waits after one commit for all of them. At each beat of
//! its heart it renews the worker's lease, looks for workers that died, and has as many carriers as its share of the
//! connections allows.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};

use super::brakes::{Brake, Brakes};
use super::carry::Carriage;
use super::delivery::{Consignment, Ended, Setting};
use super::job::{Answer, Job, Request, Wants};
use super::judge::Rule;
use super::outcome::Fault;
use super::pace::{Paces, Ready};
use crate::config::OnUncertain;
use crate::store::editions::State;
use crate::store::ledger::{Begin, Desk, Settled, Verdict};
use crate::store::workers::Worker;
use crate::store::{Result, Store};

/// How many rows are claimed at once.
const BATCH: i64 = 200;
/// Between two beats.
const BEAT: Duration = Duration::from_secs(2);

/// A carrier that waits for an answer.
struct Asker {
    carrier: i64,
    begin: Option<Begin>,
    wants: Wants,
    answer: oneshot::Sender<Answer>,
}

/// The one that holds the store while carriers work.
pub(super) struct Keeper<'a> {
    store: &'a mut Store,
    setting: &'a Setting,
    consignment: &'a Consignment,
    worker: &'a Worker,
    worker_id: String,
    paces: Paces,
    /// Claimed, in no carrier's hands.
    ready: VecDeque<Ready>,
    /// Whether the last claim found fewer rows than it asked for.
    drained: bool,
    askers: Vec<Asker>,
    /// Carriers at work, and how many may be.
    at_work: usize,
    may_work: usize,
    /// Of those at work: told that there are too many of them.
    leaving: usize,
    /// Set once no further letter may start.
    ended: Option<Ended>,
    brakes: Option<Brakes>,
    /// The fault for which the last carrier gave up.
    last_fault: Option<Fault>,
}

impl<'a> Keeper<'a> {
    pub async fn new(
        store: &'a mut Store,
        setting: &'a Setting,
        consignment: &'a Consignment,
        worker: &'a Worker,
    ) -> Result<Self> {
        let outcomes = store.first_outcomes(consignment.edition).await?;
        Ok(Keeper {
            store,
            setting,
            consignment,
            worker,
            worker_id: worker.id.to_string(),
            paces: Paces::new(&setting.limits),
            ready: VecDeque::new(),
            drained: false,
            askers: Vec::new(),
            at_work: 0,
            may_work: 0,
            leaving: 0,
            ended: None,
            brakes: outcomes.map(|(accepted, refused)| Brakes { accepted, refused }),
            last_fault: None,
        })
    }

    fn now(&self) -> DateTime<Utc> {
        self.setting.clock.now()
    }

    /// Has carriers deliver what is due, and answers them until the last has gone.
    pub async fn serve(&mut self, progress: &mut dyn FnMut(u64)) -> Result<()> {
        self.fill().await?;
        if !self.has_work() {
            return Ok(());
        }
        let (ask, mut inbox) = mpsc::channel(64);
        let mut carriers = JoinSet::new();
        let mut numbers = 0i64..;
        let mut beat = tokio::time::interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let opens_at = self.paces.opens_at().filter(|_| !self.askers.is_empty());
            let opens_at = opens_at.map_or_else(|| Instant::now() + BEAT, Instant::from_std);
            tokio::select! {
                biased;
                request = inbox.recv() => {
                    let mut requests: Vec<Request> = request.into_iter().collect();
                    // Whoever is about to ask shares the commit.
                    tokio::task::yield_now().await;
                    while let Ok(request) = inbox.try_recv() {
                        requests.push(request);
                    }
                    let settled = self.answer(requests).await?;
                    if settled > 0 {
                        progress(settled);
                    }
                }
                // A carrier that died says nothing: its row stays `sending`, and is uncertain once this worker has gone.
                Some(_) = carriers.join_next() => {
                    self.at_work = carriers.len();
                    self.leaving = self.leaving.saturating_sub(1);
                }
                _ = beat.tick() => {
                    if self.setting.stop.is_asked() {
                        self.ended.get_or_insert(Ended::Interrupted);
                    }
                    self.heartbeat().await?;
                    let wanted = if self.last_fault.is_none() && self.ended.is_none() { self.wanted() } else { 0 };
                    for number in numbers.by_ref().take(wanted.saturating_sub(self.at_work)) {
                        carriers.spawn(self.carriage(number, ask.clone()).work());
                    }
                    self.at_work = carriers.len();
                }
                () = tokio::time::sleep_until(opens_at), if !self.askers.is_empty() => {
                    self.answer(Vec::new()).await?;
                }
            }
            if self.at_work == 0 && inbox.is_empty() {
                if self.last_fault.is_none() {
                    self.fill().await?;
                }
                if !self.has_work() || self.last_fault.is_some() {
                    return Ok(());
                }
                if self.may_work > 0 {
                    beat.reset_immediately();
                }
            }
        }
    }

    fn carriage(&self, number: i64, keeper: mpsc::Sender<Request>) -> Carriage {
        Carriage::new(number, self.setting, Arc::clone(&self.consignment.variants), keeper)
    }

    /// How many carriers there should be.
    fn wanted(&self) -> usize {
        let rows = self.ready.len() + if self.paces.is_waiting() { 1 } else { 0 };
        let all = if self.drained { self.at_work.max(rows) } else { usize::MAX };
        self.may_work.min(all)
    }

    fn has_work(&self) -> bool {
        self.ended.is_none() && (!self.ready.is_empty() || self.paces.is_waiting())
    }

    /// Renews the lease, frees what the dead held, and learns how many connections this worker may have.
    async fn heartbeat(&mut self) -> Result<()> {
        let connections = self.setting.route.carriers(self.setting.connections);
        let limit = i64::try_from(connections).unwrap_or(i64::MAX);
        let wanted = limit.min(i64::try_from(self.ready.len().max(self.at_work).max(1)).unwrap_or(limit));
        let wanted = if self.drained { wanted } else { limit };
        let used = i64::try_from(self.at_work).unwrap_or(limit);
        let now = self.now();
        let share = self.store.heartbeat(self.worker, used, wanted, limit).await?;
        if share.lost {
            self.ended.get_or_insert(Ended::Dismissed);
        }
        self.may_work = usize::try_from(share.may).unwrap_or(0);
        if self.ended.is_none() && !share.alone {
            let buried = self.store.bury_dead(Some(self.worker), now).await?;
            if buried.uncertain > 0 && self.consignment.on_uncertain == OnUncertain::Resend {
                self.store.resend_uncertain(self.consignment.edition, now).await?;
            }
            self.drained &= buried.freed + buried.uncertain == 0;
        }
        Ok(())
    }

    /// Claims the next rows when none is ready.
    async fn fill(&mut self) -> Result<()> {
        if !self.ready.is_empty() || self.ended.is_some() || self.drained {
            return Ok(());
        }
        let batch = self.paces.batch(BATCH);
        let now = self.now();
        let full = self.paces.full();
        let claimed = self.store.claim(self.consignment.edition, &self.worker_id, now, batch, &full).await?;
        self.drained = claimed.is_empty() && full.is_empty();
        self.ready = self.paces.admit(self.store, claimed).await?;
        Ok(())
    }

    /// One commit for all that wait, then their answers. Tells how many rows were settled.
    async fn answer(&mut self, requests: Vec<Request>) -> Result<u64> {
        if self.setting.stop.is_asked() {
            self.ended.get_or_insert(Ended::Interrupted);
        }
        let (rule, now) = (Rule::of(self.consignment), self.now());
        let mut settled = Vec::new();
        for request in requests {
            for (job, outcome) in request.outcomes {
                self.paces.came_back(job.domain.as_ref());
                settled.push(rule.judge(&job.claimed, outcome, now));
            }
            for job in request.returned {
                self.paces.came_back(job.domain.as_ref());
                self.ready.push_front(Ready { claimed: job.claimed, not_before: job.not_before, domain: None });
            }
            if let Some(fault) = request.gave_up {
                self.gave_up(fault).await?;
            }
            if let Some((carrier, answer)) = request.answer {
                self.askers.push(Asker { carrier, begin: request.begin, wants: request.wants, answer });
            }
        }
        // These are due again at once.
        self.drained &= !settled.iter().any(|outcome| matches!(outcome.verdict, Verdict::Untried { .. }));
        let done = settled.len() as u64;
        self.apply_brakes(&settled).await?;
        self.commit(settled).await?;
        Ok(done)
    }

    /// Commits what was settled and what begins, and answers the askers; again for whoever's row was not begun, for its
    /// person left.
    async fn commit(&mut self, mut settled: Vec<Settled>) -> Result<()> {
        loop {
            let askers = std::mem::take(&mut self.askers);
            let mut jobs = Vec::with_capacity(askers.len());
            for asker in &askers {
                jobs.push(self.job_for(asker).await?);
            }
            let begins = askers.iter().filter_map(|asker| asker.begin.clone());
            let mut begins: Vec<Begin> = begins.filter(|_| self.ended.is_none()).collect();
            let asked = begins.len();
            begins.extend(jobs.iter().flatten().filter(|job| job.begun).map(Job::begin));
            let desk = Desk {
                edition: self.consignment.edition,
                newsletter: &self.consignment.head.newsletter,
                worker: &self.worker_id,
                now: self.setting.clock.now(),
            };
            let mut begun = VecDeque::new();
            if !settled.is_empty() || !begins.is_empty() {
                let committed = self.store.settle(desk, &settled, &begins).await?;
                settled.clear();
                begun = committed.begun.into();
                if !committed.employed {
                    self.ended.get_or_insert(Ended::Dismissed);
                } else if !committed.going_on {
                    self.ended.get_or_insert(Ended::Stopped);
                }
            }
            let mut begun_at_once = begun.split_off(asked.min(begun.len()));
            let mut again = false;
            for (asker, job) in askers.into_iter().zip(jobs) {
                let began = match &asker.begin {
                    Some(_) => begun.pop_front().unwrap_or(false),
                    None => false,
                };
                let job = match job {
                    Some(job) if job.begun && !begun_at_once.pop_front().unwrap_or(false) => {
                        // That person left: another row for this carrier.
                        self.paces.came_back(job.domain.as_ref());
                        again = true;
                        if asker.begin.is_none() {
                            self.askers.push(asker);
                            continue;
                        }
                        None
                    }
                    job => job,
                };
                let idle = asker.begin.is_none() && asker.wants != Wants::Nothing && job.is_none();
                if idle && self.ended.is_none() && self.leaving == 0 && self.paces.is_waiting() {
                    // Something will be there for it.
                    self.askers.push(asker);
                    continue;
                }
                // A carrier that is gone leaves its row `sending`: nobody is missed, it is uncertain.
                let _ = asker.answer.send(Answer { began, job: job.map(Box::new) });
            }
            if !again {
                return Ok(());
            }
        }
    }

    /// The next letter for a carrier, if it wants one.
    async fn job_for(&mut self, asker: &Asker) -> Result<Option<Job>> {
        if asker.wants == Wants::Nothing || self.ended.is_some() {
            return Ok(None);
        }
        if asker.begin.is_none() && self.at_work.saturating_sub(self.leaving) > self.may_work {
            self.leaving += 1;
            return Ok(None);
        }
        self.fill().await?;
        let row = match self.paces.unpark(self.store).await? {
            Some(row) => Some(row),
            None => self.ready.pop_front(),
        };
        Ok(row.map(|row| {
            Job::new(self.consignment, &self.setting.secrets, row, asker.carrier, asker.wants == Wants::Begun)
        }))
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

    async fn apply_brakes(&mut self, settled: &[Settled]) -> Result<()> {
        let Some(brakes) = &mut self.brakes else { return Ok(()) };
        match brakes.count(settled) {
            Brake::Holds(reason) if self.ended.is_none() => self.hold(reason).await,
            Brake::Releases if self.ended.is_none() => {
                self.brakes = None;
                self.store.release_brakes(self.consignment.edition).await
            }
            _ => Ok(()),
        }
    }

    /// Gives back what was not begun, and says how it ended.
    pub async fn finish(mut self) -> Result<Ended> {
        let edition = self.consignment.edition;
        self.store.give_back(edition, &self.worker_id).await?;
        let now = self.now();
        let refused = self.brakes.as_ref().is_some_and(|brakes| brakes.refused > 0);
        let everybody_refused = match &self.brakes {
            Some(Brakes { accepted: 0, refused: 1.. }) if self.ended.is_none() => {
                let counts = self.store.counts(edition).await?;
                counts.pending == 0
                    && counts.uncertain == 0
                    && counts.accepted == 0
                    && !self.store.has_suppressed(edition).await?
            }
            _ => false,
        };
        if everybody_refused {
            self.hold("every letter was refused, and not because a mailbox does not exist".to_string()).await?;
        }
        if refused && matches!(self.ended, Some(Ended::Held(_))) {
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
