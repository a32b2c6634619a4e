//! Brings the single letters on their way that pages promised: the outbox's postman, beside the answers to requests.
//!
//! What a letter says is made only here, so that no answer's time tells whether there is one.
//!
//! It also deletes, each hour, who asked to be subscribed and has not confirmed in time.
//!
//! Promises: a letter whose mail server is down or busy waits, and is tried again until it is of no use any more; the operator
//! is told, in words that name nobody. Several services on one database share the work.
//!
//! BUGS: a letter of which nobody knows whether the server took it is not sent again: whoever asked for it can ask again.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::{Service, confirm, manage, moving};
use crate::config::{Config, Mailbox, Newsletter};
use crate::digest::notice::{self, Words};
use crate::digest::{Templates, Variant};
use crate::mail::address::Address;
use crate::mail::notice::{Notice, PATIENCE, Postman};
use crate::mail::outcome::Outcome;
use crate::store::outbox::Waiting;

/// How often the outbox is looked into when nothing was put there by this process.
const EVERY: Duration = Duration::from_secs(20);
/// The longest between two tries.
const LONGEST: TimeDelta = TimeDelta::hours(1);

/// What letters are made with, and sent by.
pub struct Posting {
    postman: Result<Postman, String>,
    templates: Templates,
    wake: Arc<Notify>,
}

/// What one letter says, and from whom.
pub struct Said<'a> {
    pub words: Words,
    /// In place of the newsletter's.
    pub from: Option<&'a Mailbox>,
}

impl Posting {
    pub fn of(config: &Config) -> Posting {
        let (templates, _) = Templates::read(config);
        Posting { postman: Postman::of(config), templates, wake: Arc::default() }
    }

    /// The same by another configuration: who waits to be woken goes on waiting.
    pub fn anew(&self, config: &Config) -> Posting {
        Posting { wake: self.wake.clone(), ..Posting::of(config) }
    }

    /// A letter was put into the outbox.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Why no letter can leave, if none can.
    pub fn missing(&self) -> Option<String> {
        let broken = self.templates.broken.iter().next().map(ToString::to_string);
        self.postman.as_ref().err().cloned().or(broken)
    }
}

/// Who sees to the outbox, until it is told to stop.
pub struct Office {
    stop: watch::Sender<bool>,
    working: JoinHandle<()>,
}

impl Office {
    /// Begins; `service` gives the service as it is then.
    pub fn open(service: impl Fn() -> Arc<Service> + Send + Sync + 'static) -> Office {
        let (stop, stopped) = watch::channel(false);
        Office { stop, working: tokio::spawn(work(service, stopped)) }
    }

    /// Waits for the letters that are on their way, and no longer than this; what is left stays in the outbox.
    pub async fn close(self, patience: Duration) {
        let _ = self.stop.send(true);
        let _ = tokio::time::timeout(patience, self.working).await;
    }
}

async fn work(service: impl Fn() -> Arc<Service>, mut stopped: watch::Receiver<bool>) {
    let mut complained = false;
    let mut swept: Option<DateTime<Utc>> = None;
    while !*stopped.borrow() {
        let service = service();
        let now = service.clock.now();
        if swept.is_none_or(|at| now - at >= LONGEST) {
            swept = Some(now);
            forget_unconfirmed(&service, now).await;
        }
        // Twice as long as one try takes: nobody else has it meanwhile.
        let lease = TimeDelta::from_std(PATIENCE * 2).unwrap_or(LONGEST);
        let taken = service.stores.with(move |store| Box::pin(store.take_letters(now, lease))).await;
        let pause = match taken {
            Ok(letters) if letters.is_empty() => EVERY,
            Ok(letters) => {
                let sending = letters.into_iter().map(|letter| tokio::spawn(send(service.clone(), letter)));
                for sent in sending.collect::<Vec<_>>() {
                    let _ = sent.await;
                }
                complained = false;
                continue;
            }
            Err(error) => {
                if !complained {
                    (service.log)(&format!("letters that pages promised wait: {error}"));
                }
                complained = true;
                EVERY
            }
        };
        tokio::select! {
            () = service.posting.wake.notified() => {}
            () = tokio::time::sleep(pause) => {}
            _ = stopped.changed() => {}
        }
    }
}

/// Of whoever did not confirm in time, nothing is left.
async fn forget_unconfirmed(service: &Service, now: DateTime<Utc>) {
    let before = now - service.config.retention.unconfirmed.min(confirm::WHILE);
    let forgotten = service.stores.with(move |store| Box::pin(store.forget_unconfirmed(before))).await;
    if let Err(error) = forgotten {
        (service.log)(&format!("who did not confirm in time is deleted later: {error}"));
    }
}

/// What becomes of a letter in the outbox.
#[derive(Clone, Copy)]
enum Then {
    Forget,
    Again(DateTime<Utc>),
}

async fn send(service: Arc<Service>, letter: Waiting) {
    let now = service.clock.now();
    let id = letter.id;
    let then = try_to_send(&service, letter, now).await;
    let written = service
        .stores
        .with(move |store| {
            Box::pin(async move {
                match then {
                    Then::Forget => store.forget_letter(id).await,
                    Then::Again(moment) => store.postpone_letter(id, moment).await,
                }
            })
        })
        .await;
    if let Err(error) = written {
        (service.log)(&format!("what became of a letter could not be written: {error}"));
    }
}

async fn try_to_send(service: &Arc<Service>, letter: Waiting, now: DateTime<Utc>) -> Then {
    let name = letter.newsletter.clone();
    let log = |words: String| (service.log)(&format!("{name}: a letter that a page promised {words}"));
    if letter.expires <= now {
        log("is too old by now: it was never sent".to_string());
        return Then::Forget;
    }
    let again = Then::Again(now + pause(letter.attempts));
    let Some(newsletter) = service.config.newsletters.iter().find(|known| known.name == letter.newsletter) else {
        log("is of a newsletter that is configured no more".to_string());
        return Then::Forget;
    };
    let (Ok(to), Some(said)) = (Address::parse(&letter.email), say(service, newsletter, &letter)) else {
        log("cannot be written".to_string());
        return Then::Forget;
    };
    let postman = match &service.posting.postman {
        Ok(postman) => postman,
        Err(missing) => {
            log(format!("waits: {missing}"));
            return again;
        }
    };
    let Said { words, from } = said;
    let from = from.cloned();
    let made = {
        // Styles are inlined: that is work, and others wait for answers.
        let (service, newsletter) = (service.clone(), newsletter.clone());
        let making = move || notice::notice(&service.config, &service.posting.templates, &newsletter, &words);
        tokio::task::spawn_blocking(making).await
    };
    let made: Variant = match made {
        Ok(Ok(made)) => made,
        Ok(Err(problems)) => {
            let first = problems.iter().next().map(ToString::to_string).unwrap_or_default();
            log(format!("waits, for its template cannot be used: {first}"));
            return again;
        }
        Err(_) => return again,
    };
    let notice = Notice { newsletter, from: from.as_ref(), to: &to, name: None, letter: &made, mark: letter.id };
    let outcome = postman.send(&service.config, &service.secrets, &notice, now).await;
    service.counts.letter(&outcome);
    match outcome {
        Outcome::Accepted(_) => Then::Forget,
        Outcome::Refused { reply, .. } => {
            log(format!("was refused: {reply}"));
            Then::Forget
        }
        Outcome::Unknown(words) => {
            log(format!("was cut off, and may have arrived: {words}"));
            Then::Forget
        }
        Outcome::Deferred(words) => {
            log(format!("waits: {words}"));
            again
        }
        Outcome::Untried(fault) => {
            log(format!("waits: {}", fault.words()));
            again
        }
    }
}

/// What a letter says, by its kind.
fn say<'a>(service: &'a Service, newsletter: &'a Newsletter, letter: &Waiting) -> Option<Said<'a>> {
    match letter.kind.as_str() {
        confirm::KIND => confirm::letter(service, newsletter, letter),
        confirm::SUBSCRIBED => confirm::already(service, newsletter, letter),
        manage::KIND => manage::letter(service, newsletter, letter),
        moving::KIND => moving::letter(service, newsletter, letter),
        moving::TOLD => moving::told(service, newsletter, letter),
        _ => None,
    }
}

/// Half a minute, and twice as long each time.
fn pause(attempts: i64) -> TimeDelta {
    let doubled = 1i32 << attempts.clamp(0, 10);
    (TimeDelta::seconds(30) * doubled).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_come_further_and_further_apart() {
        let pauses: Vec<i64> = [0, 1, 2, 6, 7, 99].iter().map(|attempts| pause(*attempts).num_seconds()).collect();
        assert_eq!(pauses, [30, 60, 120, 1920, 3600, 3600]);
    }
}
