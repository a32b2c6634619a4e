//! Delivering an edition: the one place where letters and the ledger meet.
//!
//! One [`keeper`](super::keeper) holds the store; each carrier (a connection) asks it for a letter, and brings the last
//! one's outcome along. The keeper takes together whoever waits, and answers them after one commit that records all their
//! outcomes and begins all their next rows: a carrier never starts a body before the last one's outcome is on disk, and
//! the commits are shared. What is said before a body (the envelope) may already be under way meanwhile.
//!
//! Any number of workers may deliver one edition at once, in any number of processes: each claims rows of its own, and
//! they share the limits of connections and of letters in a time. Whoever died is found out, and its rows are free again.
//!
//! Promises: every row that this edition's list holds ends in a state that is told; a fault that is ours holds the
//! edition and empties no list; a server that is down leaves every row for the next run.
//!
//! BUGS: slots of a pace that were reserved by a process that died are lost: two seconds' worth at most.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::clock::Clock;
use super::dkim::Signer;
use super::keeper::Keeper;
use super::letter::{Head, Prepared};
use super::outcome::Fault;
use super::transport::Route;
use crate::config::{Limits, OnUncertain};
use crate::secrets::Secrets;
use crate::store::{Result, Store};

/// What delivering needs to know, for all editions.
#[derive(Clone)]
pub struct Setting {
    pub route: Route,
    pub secrets: Secrets,
    /// For all workers of one database together.
    pub connections: usize,
    pub limits: Limits,
    /// What signs the letters, if we do.
    pub signer: Option<Arc<Signer>>,
    pub clock: Clock,
    pub stop: Stop,
}

/// Asks deliveries to stop as soon as the bodies under way are through: whoever holds a copy may ask.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Sleeps until then, or until it is asked, which it hears within a quarter of a second.
    pub async fn sleep_until(&self, moment: Instant) {
        while Instant::now() < moment && !self.is_asked() {
            tokio::time::sleep_until(moment.min(Instant::now() + Duration::from_millis(250)).into()).await;
        }
    }

    /// Sleeps for so long, or until it is asked.
    pub async fn sleep(&self, time: Duration) {
        self.sleep_until(Instant::now() + time).await;
    }
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
    /// All that could be tried was tried; what is left waits for its next try, for another worker, or for a person.
    Tried,
    /// The server is down, or busy: the rest waits for the next run.
    Waits(String),
    /// A person must mend something.
    Held(String),
    /// A person stopped or cancelled the edition.
    Stopped,
    /// The process was asked to stop.
    Interrupted,
    /// Other workers took this one for dead, and have its rows.
    Dismissed,
}

/// Delivers what is due of one edition. `progress` hears how many rows were settled since it last heard.
pub async fn deliver(
    store: &mut Store,
    setting: &Setting,
    consignment: &Consignment,
    progress: &mut dyn FnMut(u64),
) -> Result<Ended> {
    let now = setting.clock.now();
    let worker = store.hire(&worker_name()).await?;
    store.bury_dead(Some(&worker), now).await?;
    if consignment.on_uncertain == OnUncertain::Resend {
        store.resend_uncertain(consignment.edition, now).await?;
    }
    let mut keeper = Keeper::new(store, setting, consignment, &worker).await?;
    keeper.serve(progress).await?;
    let ended = keeper.finish().await?;
    store.dismiss(worker).await?;
    Ok(ended)
}

/// A letter with its signatures before it. One that cannot be signed is a fault of ours: sent without, it could be refused
/// for that.
pub fn signed(signer: Option<&Signer>, letter: Vec<u8>) -> std::result::Result<Vec<u8>, Fault> {
    let Some(signer) = signer else { return Ok(letter) };
    match signer.sign(&letter) {
        Ok(signatures) => Ok([signatures.as_bytes(), &letter].concat()),
        Err(why) => Err(Fault::Ours(why.to_string())),
    }
}

/// For people who look at the database.
fn worker_name() -> String {
    format!("process {}", std::process::id())
}

/// The time that a delivery may take between two letters when the server asks for patience.
pub(super) fn pause(strikes: u32) -> Duration {
    Duration::from_millis(500) * 2u32.saturating_pow(strikes.min(6))
}
