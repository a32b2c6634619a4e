//! A carrier: one connection that asks the keeper for a letter, carries it, and brings its outcome back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, mpsc, oneshot};

use super::address::Address;
use super::delivery::pause;
use super::letter::Prepared;
use super::outcome::{Fault, Outcome};
use super::transport::{Carrier, Route};
use crate::config::Rate;
use crate::digest::StampFields;
use crate::store::ledger::{Begin, Claimed};

/// After so many faults in a row a carrier gives up.
const STRIKES: u32 = 3;

/// What a carrier tells the keeper.
pub(super) struct Request {
    /// The last letter's.
    pub outcome: Option<(Claimed, Outcome)>,
    /// Why no other letter is wanted, if none is.
    pub gave_up: Option<Fault>,
    /// Where the next letter is awaited, and by which carrier.
    pub answer: Option<(i64, oneshot::Sender<Answer>)>,
}

/// What the keeper answers.
pub(super) enum Answer {
    Letter(Box<Job>),
    End,
}

/// A letter to carry: its row is `sending`, on disk.
pub(super) struct Job {
    pub claimed: Claimed,
    pub message_id: String,
    pub leave_url: Option<String>,
    /// The envelope sender.
    pub sender: String,
    pub variant: usize,
    /// The number of the carrier that has it.
    pub carrier: i64,
}

impl Job {
    pub fn begin(&self) -> Begin {
        Begin { recipient: self.claimed.recipient, connection: self.carrier, message_id: self.message_id.clone() }
    }
}

/// At most so many letters in a time, for all carriers together: one letter each so often.
pub(super) struct Pace {
    interval: Duration,
    next: Mutex<Instant>,
}

impl Pace {
    pub fn new(rate: Option<Rate>) -> Pace {
        let interval = rate.map_or(Duration::ZERO, |rate| rate.per / rate.count.max(1));
        Pace { interval, next: Mutex::new(Instant::now()) }
    }

    async fn wait(&self) {
        if self.interval.is_zero() {
            return;
        }
        let slot = {
            let mut next = self.next.lock().await;
            let slot = (*next).max(Instant::now());
            *next = slot + self.interval;
            slot
        };
        tokio::time::sleep_until(slot.into()).await;
    }
}

/// Carries letters until the keeper has none left, or the connection cannot go on.
pub(super) async fn carry(
    number: i64,
    route: Route,
    letters: Arc<Vec<Prepared>>,
    pace: Arc<Pace>,
    keeper: mpsc::Sender<Request>,
) {
    let mut strikes = 0;
    let mut carrier: Option<Carrier> = None;
    let mut outcome = None;
    loop {
        let mut open = match carrier.take() {
            Some(open) => open,
            None => match route.open().await {
                Ok(open) => open,
                Err(fault) => {
                    if matches!(fault, Fault::Busy(_)) && strikes + 1 < STRIKES {
                        strikes += 1;
                        tokio::time::sleep(pause(strikes)).await;
                        continue;
                    }
                    return give_up(&keeper, outcome, fault).await;
                }
            },
        };
        pace.wait().await;
        let Some(job) = ask(&keeper, number, outcome.take()).await else { return open.close().await };
        let result = send(&mut open, &letters, &job).await;
        match &result {
            Outcome::Accepted(_) => strikes = 0,
            Outcome::Untried(fault @ Fault::Ours(_)) => {
                let fault = fault.clone();
                give_up(&keeper, Some((job.claimed, result)), fault).await;
                return open.close().await;
            }
            Outcome::Untried(_) => strikes += 1,
            _ if open.is_broken() => strikes += 1,
            _ => {}
        }
        if strikes >= STRIKES {
            let fault = match &result {
                Outcome::Untried(fault) => fault.clone(),
                Outcome::Deferred(words) | Outcome::Unknown(words) => Fault::Lost(words.clone()),
                _ => Fault::Lost("the connection broke".to_string()),
            };
            give_up(&keeper, Some((job.claimed, result)), fault).await;
            return open.close().await;
        }
        let busy = matches!(result, Outcome::Untried(_));
        if busy || open.is_broken() {
            // On disk before the time that a new connection takes.
            let told = Request { outcome: Some((job.claimed, result)), gave_up: None, answer: None };
            if keeper.send(told).await.is_err() {
                return;
            }
            if busy {
                tokio::time::sleep(pause(strikes)).await;
            }
            open.close().await;
        } else {
            outcome = Some((job.claimed, result));
            carrier = Some(open);
        }
    }
}

async fn ask(keeper: &mpsc::Sender<Request>, number: i64, outcome: Option<(Claimed, Outcome)>) -> Option<Job> {
    let (answer, answered) = oneshot::channel();
    keeper.send(Request { outcome, gave_up: None, answer: Some((number, answer)) }).await.ok()?;
    match answered.await {
        Ok(Answer::Letter(job)) => Some(*job),
        Ok(Answer::End) | Err(_) => None,
    }
}

async fn give_up(keeper: &mpsc::Sender<Request>, outcome: Option<(Claimed, Outcome)>, fault: Fault) {
    // A keeper that has gone has left the row `sending`, on disk: it will be uncertain.
    let _ = keeper.send(Request { outcome, gave_up: Some(fault), answer: None }).await;
}

async fn send(carrier: &mut Carrier, letters: &[Prepared], job: &Job) -> Outcome {
    let refused = |reply: &str| Outcome::Refused { reply: reply.to_string(), suppress: false };
    let Some(letter) = letters.get(job.variant) else { return refused("the edition has no such variant") };
    let recipient = match Address::parse(&job.claimed.email) {
        Ok(recipient) => recipient,
        Err(why) => return refused(&format!("no address: {why}")),
    };
    let fields = StampFields {
        name: job.claimed.name.clone().filter(|name| !name.is_empty()),
        email: recipient.to_string(),
        leave_url: job.leave_url.clone(),
        extra: serde_json::from_str::<BTreeMap<String, String>>(&job.claimed.fields).unwrap_or_default(),
    };
    let letter = letter.write(&job.message_id, &fields);
    carrier.deliver(&job.sender, &recipient, letter).await
}
