//! A carrier: one connection that asks the keeper for a letter, carries it, and brings its outcome back.
//!
//! Where the server pipelines, the next letter's envelope goes out together with the end of a body: one answer time a
//! letter. Its row is only claimed until then; it begins with the commit that has the outcome of the letter before.
//! Elsewhere a row begins when it is handed out.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::address::Address;
use super::delivery::{Setting, Stop, pause, signed};
use super::dkim::Signer;
use super::job::{Answer, Job, Request, Wants};
use super::letter::Prepared;
use super::outcome::{Fault, Outcome};
use super::smtp::{Envelope, Sent};
use super::transport::{Carrier, Route};
use crate::digest::StampFields;
use crate::store::ledger::Begin;

/// After so many faults in a row a carrier gives up.
const STRIKES: u32 = 3;

/// A letter that is written, with what is said before it.
struct Written {
    job: Job,
    envelope: Envelope,
    letter: Vec<u8>,
}

/// One carrier's work.
pub(super) struct Carriage {
    number: i64,
    route: Route,
    letters: Arc<Vec<Prepared>>,
    signer: Option<Arc<Signer>>,
    /// After so many letters a connection is renewed.
    letters_per_connection: Option<u32>,
    stop: Stop,
    keeper: mpsc::Sender<Request>,
    open: Option<Carrier>,
    /// How many letters went over this connection.
    carried: u32,
    /// Not told yet.
    outcomes: Vec<(Job, Outcome)>,
    /// The next letter, in hand.
    held: Option<Job>,
    /// To be given back.
    returned: Vec<Job>,
    strikes: u32,
}

/// Why a carrier goes home.
enum Home {
    /// The keeper has no letter for it, or has gone.
    NoMore,
    GaveUp(Fault),
}

impl Carriage {
    pub fn new(
        number: i64,
        setting: &Setting,
        letters: Arc<Vec<Prepared>>,
        keeper: mpsc::Sender<Request>,
    ) -> Carriage {
        Carriage {
            number,
            route: setting.route.clone(),
            letters,
            signer: setting.signer.clone(),
            letters_per_connection: setting.limits.letters_per_connection,
            stop: setting.stop.clone(),
            keeper,
            open: None,
            carried: 0,
            outcomes: Vec::new(),
            held: None,
            returned: Vec::new(),
            strikes: 0,
        }
    }

    /// Carries letters until the keeper has none left, or the connection cannot go on.
    pub async fn work(mut self) {
        let fault = loop {
            match self.one_connection().await {
                Ok(()) => {}
                Err(Home::NoMore) => break None,
                Err(Home::GaveUp(fault)) => break Some(fault),
            }
        };
        if let Some(job) = self.held.take() {
            let words = fault.as_ref().map_or("stopped", Fault::words).to_string();
            match job.begun {
                true => self.outcomes.push((job, Outcome::Untried(Fault::Lost(words)))),
                false => self.returned.push(job),
            }
        }
        // A keeper that has gone has left the row `sending`, on disk: it will be uncertain.
        let _ = self.tell(fault).await;
        self.hang_up().await;
    }

    /// Opens a connection and carries letters over it until it is used up.
    async fn one_connection(&mut self) -> Result<(), Home> {
        if self.open.is_none() {
            match self.route.open().await {
                Ok(carrier) => self.open = Some(carrier),
                Err(fault) => return self.strike(fault, true).await,
            }
            self.carried = 0;
        }
        let job = match self.held.take() {
            Some(job) => job,
            None => {
                let wants = if self.looks_ahead() { Wants::Claimed } else { Wants::Begun };
                let answer = self.ask(None, wants).await.ok_or(Home::NoMore)?;
                *answer.job.ok_or(Home::NoMore)?
            }
        };
        if let (false, Some(moment)) = (job.leaves_soon(), job.not_before) {
            self.tell(None).await?;
            self.stop.sleep_until(moment).await;
            if self.stop.is_asked() {
                self.held = Some(job);
                return Err(Home::NoMore);
            }
        }
        let Some(written) = self.write(job).map_err(Home::GaveUp)? else { return Ok(()) };
        let Some(carrier) = &mut self.open else { return Ok(()) };
        match carrier.offer(&written.envelope).await {
            Ok(()) => self.bodies(written).await,
            Err(outcome) => self.refused(written.job, outcome).await,
        }
    }

    /// The server waits for this letter's body: sends it, and the one whose envelope went with its end, and so on.
    async fn bodies(&mut self, mut written: Written) -> Result<(), Home> {
        loop {
            let mut next = None;
            // One that is begun already is at a domain with a limit: waiting for another one's turn would be for its own.
            if !written.job.begun {
                let ahead = self.looks_ahead() && !self.is_used_up(1);
                let wants = if ahead { Wants::Claimed } else { Wants::Nothing };
                let answer = self.ask(Some(written.job.begin()), wants).await.ok_or(Home::NoMore)?;
                self.held = answer.job.map(|job| *job);
                if !answer.began {
                    // That person left, or somebody stopped it: the server gets no body, and we another connection.
                    self.withdraw().await;
                    return Ok(());
                }
                if let Some(job) = self.held.take_if(|job| !job.begun && job.leaves_soon()) {
                    next = match self.write(job) {
                        Ok(next) => next,
                        Err(fault) => {
                            self.outcomes.push((written.job, Outcome::Untried(fault.clone())));
                            self.withdraw().await;
                            return Err(Home::GaveUp(fault));
                        }
                    };
                }
            }
            let Some(carrier) = &mut self.open else { return Ok(()) };
            let Written { job, envelope, letter } = written;
            let Sent { outcome, next: answered } =
                carrier.body(&envelope, letter, next.as_ref().map(|next| &next.envelope)).await;
            self.carried += 1;
            let outcome = self.landed(job, outcome);
            match (next, answered) {
                (Some(next), Some(Ok(()))) if outcome.is_none() => {
                    written = next;
                    continue;
                }
                (Some(next), Some(Err(Outcome::Untried(fault)))) => {
                    self.held = Some(next.job);
                    return self.strike(fault, false).await;
                }
                (Some(next), Some(Err(refusal))) => self.refused(next.job, refusal).await?,
                (Some(next), Some(Ok(())) | None) => self.held = Some(next.job),
                (None, _) => {}
            }
            return match outcome {
                Some(fault) => self.strike(fault, false).await,
                None => {
                    if self.is_used_up(0) {
                        self.tell(None).await?;
                        self.hang_up().await;
                    }
                    Ok(())
                }
            };
        }
    }

    /// Takes down what became of a body. Gives the fault when the connection cannot go on.
    fn landed(&mut self, job: Job, outcome: Outcome) -> Option<Fault> {
        let broken = self.open.as_ref().is_none_or(Carrier::is_broken);
        let fault = match &outcome {
            Outcome::Accepted(_) => {
                self.strikes = 0;
                broken.then(|| Fault::Lost("the connection broke".to_string()))
            }
            Outcome::Untried(fault) => Some(fault.clone()),
            Outcome::Deferred(words) | Outcome::Unknown(words) | Outcome::Refused { reply: words, .. } => {
                broken.then(|| Fault::Lost(words.clone()))
            }
        };
        self.outcomes.push((job, outcome));
        fault
    }

    /// The envelope of this letter was not taken.
    async fn refused(&mut self, job: Job, outcome: Outcome) -> Result<(), Home> {
        match self.landed(job, outcome) {
            Some(fault) => self.strike(fault, false).await,
            None => Ok(()),
        }
    }

    /// A fault of the connection: after a few in a row, or one that a person must mend, the carrier gives up.
    async fn strike(&mut self, fault: Fault, opening: bool) -> Result<(), Home> {
        self.strikes += 1;
        let patient = match fault {
            Fault::Ours(_) => false,
            Fault::Down(_) => !opening && self.strikes < STRIKES,
            Fault::Busy(_) | Fault::Lost(_) => self.strikes < STRIKES,
        };
        if !patient {
            return Err(Home::GaveUp(fault));
        }
        // On disk before the time that a new connection takes.
        self.tell(None).await?;
        self.hang_up().await;
        if opening || matches!(fault, Fault::Busy(_)) {
            tokio::time::sleep(pause(self.strikes)).await;
        }
        Ok(())
    }

    fn looks_ahead(&self) -> bool {
        self.open.as_ref().is_some_and(Carrier::looks_ahead)
    }

    /// Whether the connection has carried as many letters as it should, when `more` are still to come.
    fn is_used_up(&self, more: u32) -> bool {
        self.letters_per_connection.is_some_and(|most| self.carried + more >= most)
    }

    /// Writes the letter; what can't be written is refused, what can't be signed is a fault of ours.
    fn write(&mut self, job: Job) -> Result<Option<Written>, Fault> {
        let refused = |reply: &str| Outcome::Refused { reply: reply.to_string(), suppress: false };
        let Some(letter) = self.letters.get(job.variant) else {
            self.outcomes.push((job, refused("the edition has no such variant")));
            return Ok(None);
        };
        let recipient = match Address::parse(&job.claimed.email) {
            Ok(recipient) => recipient,
            Err(why) => {
                let outcome = refused(&format!("no address: {why}"));
                self.outcomes.push((job, outcome));
                return Ok(None);
            }
        };
        let extra = match job.claimed.fields.as_str() {
            "{}" => BTreeMap::new(),
            fields => serde_json::from_str::<BTreeMap<String, String>>(fields).unwrap_or_default(),
        };
        let fields = StampFields {
            name: job.claimed.name.clone().filter(|name| !name.is_empty()),
            email: recipient.to_string(),
            leave_url: job.leave_url.clone(),
            extra,
        };
        let letter = letter.write(&job.message_id, &fields);
        let letter = match signed(self.signer.as_deref(), letter) {
            Ok(letter) => letter,
            Err(fault) => {
                self.held = Some(job);
                return Err(fault);
            }
        };
        let envelope = Envelope {
            sender: job.sender.clone(),
            recipient,
            bytes: letter.len(),
            eight_bit: !letter.is_ascii(),
            id: Some(job.token.clone()),
        };
        Ok(Some(Written { job, envelope, letter }))
    }

    /// Brings the outcomes, and waits for the answer; `None`: the keeper has gone.
    async fn ask(&mut self, begin: Option<Begin>, wants: Wants) -> Option<Answer> {
        let (answer, answered) = oneshot::channel();
        let outcomes = std::mem::take(&mut self.outcomes);
        let answer = Some((self.number, answer));
        self.keeper.send(Request { outcomes, begin, wants, answer, ..Request::default() }).await.ok()?;
        answered.await.ok()
    }

    /// Brings the outcomes, and asks for nothing.
    async fn tell(&mut self, gave_up: Option<Fault>) -> Result<(), Home> {
        let outcomes = std::mem::take(&mut self.outcomes);
        let returned = std::mem::take(&mut self.returned);
        let mut request = Request { outcomes, returned, ..Request::default() };
        request.gave_up = gave_up;
        if request.outcomes.is_empty() && request.returned.is_empty() && request.gave_up.is_none() {
            return Ok(());
        }
        self.keeper.send(request).await.map_err(|_| Home::NoMore)
    }

    /// The letter that was offered stays here: the connection ends without it.
    async fn withdraw(&mut self) {
        if let Some(carrier) = &mut self.open {
            carrier.withdraw().await;
        }
        self.hang_up().await;
    }

    async fn hang_up(&mut self) {
        if let Some(carrier) = self.open.take() {
            carrier.close().await;
        }
    }
}
