//! What this process has answered since it began, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

use hyper::body::Body;

use super::Service;
use super::answer::Answer;
use super::readers::Readers;
use crate::mail::outcome::Outcome;

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Feed,
    /// Another published file.
    File,
    Page,
    Leave,
    Subscribe,
    Manage,
    Archive,
    Status,
    Health,
}

const KINDS: [(Kind, &str); 9] = [
    (Kind::Feed, "feed"),
    (Kind::File, "file"),
    (Kind::Page, "page"),
    (Kind::Leave, "leave"),
    (Kind::Subscribe, "subscribe"),
    (Kind::Manage, "manage"),
    (Kind::Archive, "archive"),
    (Kind::Status, "status"),
    (Kind::Health, "health"),
];
/// Those that the service gives; 0: any other.
const STATUSES: [u16; 17] = [200, 206, 304, 400, 403, 404, 405, 408, 410, 413, 415, 416, 422, 429, 500, 503, 0];

/// What became of a try to send a letter that a page promised.
const OUTCOMES: [&str; 4] = ["accepted", "refused", "uncertain", "deferred"];

/// Counters that only grow.
#[derive(Default)]
pub struct Counts {
    requests: [[AtomicU64; STATUSES.len()]; KINDS.len()],
    bytes: [AtomicU64; KINDS.len()],
    letters: [AtomicU64; OUTCOMES.len()],
    pub readers: Readers,
}

impl Kind {
    /// By the path below the service's.
    pub fn of(service: &Service, path: &str) -> Kind {
        match path.split('/').next().unwrap_or_default() {
            "" | "web.css" | "web.svg" | "status.css" | "robots.txt" => Kind::Page,
            "healthz" | "readyz" => Kind::Health,
            "leave" | "back" => Kind::Leave,
            "subscribe" | "confirm" => Kind::Subscribe,
            "manage" => Kind::Manage,
            "archive" => Kind::Archive,
            "status" | "metrics" => Kind::Status,
            _ if service.published.is_feed(path) => Kind::Feed,
            _ => Kind::File,
        }
    }

    fn index(self) -> usize {
        KINDS.iter().position(|(kind, _)| *kind == self).unwrap_or(0)
    }
}

impl Counts {
    /// One answer.
    pub fn answered(&self, kind: Kind, answer: &Answer) {
        let status = answer.status().as_u16();
        let status = STATUSES.iter().position(|known| *known == status).unwrap_or(STATUSES.len() - 1);
        self.requests[kind.index()][status].fetch_add(1, Ordering::Relaxed);
        let bytes = answer.body().size_hint().exact().unwrap_or(0);
        self.bytes[kind.index()].fetch_add(bytes, Ordering::Relaxed);
    }

    /// Kind, status (`other`: any that is not foreseen) and number, of those that there were.
    pub fn requests(&self) -> impl Iterator<Item = (&'static str, String, u64)> {
        KINDS.iter().zip(&self.requests).flat_map(|((_, kind), by_status)| {
            STATUSES.iter().zip(by_status).filter_map(move |(status, number)| {
                let number = number.load(Ordering::Relaxed);
                let status = if *status == 0 { "other".to_string() } else { status.to_string() };
                (number > 0).then_some((*kind, status, number))
            })
        })
    }

    /// A try to send a letter that a page promised: a confirmation, say.
    pub fn letter(&self, outcome: &Outcome) {
        let outcome = match outcome {
            Outcome::Accepted(_) => 0,
            Outcome::Refused { .. } => 1,
            Outcome::Unknown(_) => 2,
            Outcome::Deferred(_) | Outcome::Untried(_) => 3,
        };
        self.letters[outcome].fetch_add(1, Ordering::Relaxed);
    }

    /// Outcome and number of tries.
    pub fn letters(&self) -> impl Iterator<Item = (&'static str, u64)> {
        OUTCOMES.iter().zip(&self.letters).map(|(outcome, tries)| (*outcome, tries.load(Ordering::Relaxed)))
    }

    /// Kind and bytes of bodies.
    pub fn bytes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        KINDS.iter().zip(&self.bytes).map(|((_, kind), bytes)| (*kind, bytes.load(Ordering::Relaxed)))
    }
}
