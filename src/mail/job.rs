//! What a carrier and the keeper say to each other, and the letter that is handed over: a [`Job`].

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::address::Address;
use super::delivery::Consignment;
use super::outcome::{Fault, Outcome};
use super::pace::Ready;
use super::token;
use crate::secrets::Secrets;
use crate::store::ledger::{Begin, Claimed};

/// A letter that may leave so soon is not kept waiting.
const SOON: Duration = Duration::from_millis(5);

/// What a carrier tells the keeper, and asks of it.
#[derive(Default)]
pub(super) struct Request {
    pub outcomes: Vec<(Job, Outcome)>,
    /// Handed out, and not tried: they are free again.
    pub returned: Vec<Job>,
    /// Why no other letter is wanted, if none is.
    pub gave_up: Option<Fault>,
    /// The row whose body would start next.
    pub begin: Option<Begin>,
    pub wants: Wants,
    /// Where the answer is awaited, and by which carrier.
    pub answer: Option<(i64, oneshot::Sender<Answer>)>,
}

/// What a carrier wants of the keeper.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Wants {
    #[default]
    Nothing,
    /// A letter whose envelope can be said, and no more.
    Claimed,
    /// A letter whose row is `sending`, on disk.
    Begun,
}

/// What the keeper answers.
pub(super) struct Answer {
    /// Whether the body may start that was asked for.
    pub began: bool,
    /// The next letter; `None` where one was wanted: no more for this carrier.
    pub job: Option<Box<Job>>,
}

/// A letter to carry.
pub(super) struct Job {
    pub claimed: Claimed,
    pub message_id: String,
    pub leave_url: Option<String>,
    /// The envelope sender.
    pub sender: String,
    /// Names the delivery: what a returned letter is known by.
    pub token: String,
    pub variant: usize,
    /// The number of the carrier that has it.
    pub carrier: i64,
    /// Whether its row is `sending` already.
    pub begun: bool,
    /// It must not leave before.
    pub not_before: Option<Instant>,
    /// Its domain, when that has a limit of its own.
    pub domain: Option<String>,
}

impl Job {
    /// What a carrier needs to carry the letter of a row; `begun`, or at a domain with a limit of its own: its row begins as
    /// it is handed out.
    pub fn new(consignment: &Consignment, secrets: &Secrets, row: Ready, carrier: i64, begun: bool) -> Job {
        let Consignment { edition, head, variants, .. } = consignment;
        let Ready { claimed, not_before, domain } = row;
        let variant = usize::try_from(claimed.variant).unwrap_or(0).min(variants.len().saturating_sub(1));
        let items = variants.get(variant).map(|letter| letter.items.as_slice()).unwrap_or_default();
        let token = token::bounce(secrets, *edition, claimed.recipient);
        let sender = match Address::parse(&head.sender) {
            Ok(sender) if head.sender_tokens => sender.with_detail(&token),
            Ok(sender) => sender.to_string(),
            Err(_) => head.sender.clone(),
        };
        Job {
            message_id: head.message_id(secrets, items, claimed.recipient),
            leave_url: head.leave_url(secrets, claimed.recipient),
            sender,
            token,
            variant,
            carrier,
            begun: begun || domain.is_some(),
            not_before,
            domain,
            claimed,
        }
    }

    pub fn begin(&self) -> Begin {
        Begin { recipient: self.claimed.recipient, connection: self.carrier, message_id: self.message_id.clone() }
    }

    /// Whether it need not be kept waiting.
    pub fn leaves_soon(&self) -> bool {
        self.not_before.is_none_or(|moment| moment <= Instant::now() + SOON)
    }
}
