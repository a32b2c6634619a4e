//! An SMTP conversation (RFC 5321) over a stream of our own, made for many letters over one connection.
//!
//! [`hello`] begins it, [`auth`] says who we are, [`tls`] knows whom to believe, [`envelope`] writes what stands before a
//! body, [`converse`] hears what the server makes of it, [`reply`] reads the answers. lettre says the mechanisms' words and the name in EHLO; its connection cannot keep
//! commands in flight, which is why the conversation is ours.
//!
//! Where the server offers PIPELINING (RFC 2920), MAIL, RCPT and DATA are one write, and the next letter's go together
//! with the end of a body: a letter costs one answer time.
//!
//! Promises: TLS, where it is required, stands before a password or a letter is said, and nothing that was said before
//! it is believed; a password never goes over a network in the clear; whatever the server does, a letter has an
//! [`Outcome`], and *unknown* is said only when a body was ended and no whole answer came. A server that offers
//! PIPELINING and cannot do it is spoken to one command at a time, from then on and by all connections, and no letter is
//! lost by finding out.
//!
//! BUGS: a letter with bytes beyond ASCII goes as it is to a server that does not offer 8BITMIME.

mod auth;
mod converse;
mod envelope;
mod hello;
pub mod reply;
mod talk;
mod tls;

use std::sync::Arc;
use std::time::{Duration, Instant};

use converse::Way;
use hello::Abilities;
use reply::Cut;
use talk::Talk;

use super::address::Address;
use super::outcome::{Fault, Outcome, Reply, about_letter, about_recipient, about_us};
use crate::config::{Auth, Tls};

use envelope::Step;
pub use envelope::{Envelope, Pipelining};
pub use tls::Trust;

/// Where the server is and how to talk to it.
#[derive(Clone)]
pub struct Settings {
    pub host: String,
    pub port: u16,
    /// TLS from the first byte (`smtps:`).
    pub implicit_tls: bool,
    pub tls: Tls,
    /// The network to the server is trusted with passwords in the clear.
    pub trusted: bool,
    /// User and password, or access token.
    pub user: Option<(String, String)>,
    pub auth: Auth,
    /// The name that EHLO says; our address by default.
    pub hello: Option<String>,
    pub trust: Arc<Trust>,
    pub patience: Patience,
    /// What all connections have learnt of this server.
    pub pipelining: Arc<Pipelining>,
}

impl Settings {
    /// STARTTLS required, no user, the system's authorities.
    pub fn new(host: &str, port: u16) -> Settings {
        Settings {
            host: host.to_string(),
            port,
            implicit_tls: false,
            tls: Tls::Required,
            trusted: false,
            user: None,
            auth: Auth::Auto,
            hello: None,
            trust: Arc::new(Trust::system()),
            patience: Patience::default(),
            pipelining: Arc::default(),
        }
    }
}

/// How long to wait for a server (RFC 5321, section 4.5.3.2).
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    pub connect: Duration,
    pub command: Duration,
    /// From the first byte of a body to the answer behind its last.
    pub body: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Patience { connect: seconds(30), command: seconds(300), body: seconds(900) }
    }
}

/// An open connection.
pub struct Smtp {
    talk: Talk,
    abilities: Abilities,
    patience: Patience,
    pipelining: Arc<Pipelining>,
    /// Written anew for each letter.
    out: Vec<u8>,
    /// The server waits for a body.
    offered: bool,
    /// An envelope was begun and refused: it must be forgotten first.
    begun: bool,
    broken: bool,
}

/// What became of a body, and of the envelope that went with its end.
#[derive(Clone, Debug)]
pub struct Sent {
    pub outcome: Outcome,
    /// As [`Smtp::offer`] answers; `None` where no envelope was given.
    pub next: Option<Result<(), Outcome>>,
}

impl Smtp {
    /// Connects, greets, secures and authenticates.
    pub async fn open(settings: &Settings) -> Result<Smtp, Fault> {
        let (talk, abilities) = hello::begin(settings).await?;
        Ok(Smtp {
            talk,
            abilities,
            patience: settings.patience,
            pipelining: Arc::clone(&settings.pipelining),
            out: Vec::new(),
            offered: false,
            begun: false,
            broken: false,
        })
    }

    /// Whether the next envelope can go with the end of a body: the server pipelines, and has not shown that it cannot.
    pub fn looks_ahead(&self) -> bool {
        self.abilities.pipelining && !self.pipelining.is_off()
    }

    /// Whether another letter may be tried here.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Says the envelope. `Ok`: the server waits for the body. Otherwise, what became of the letter.
    pub async fn offer(&mut self, envelope: &Envelope) -> Result<(), Outcome> {
        if self.broken || self.offered {
            self.broken = true;
            return Err(Outcome::Untried(Fault::Lost("the connection is not ready for a letter".to_string())));
        }
        envelope.check(&self.abilities)?;
        if !self.looks_ahead() {
            return self.converse(envelope, Way::OneByOne).await;
        }
        self.out.clear();
        self.write_envelope(envelope);
        if let Err(cut) = self.talk.write(&self.out, b"", self.patience.command).await {
            self.broken = true;
            return Err(Step::Mail.lost(cut.words()));
        }
        self.converse(envelope, Way::Together).await
    }

    /// Sends the body of the letter that was offered, whose lines end in CRLF, together with the next letter's envelope.
    pub async fn body(&mut self, letter: Vec<u8>, next: Option<&Envelope>) -> Sent {
        if let Err(outcome) = self.ready().await {
            let lost = |_| Err(Outcome::Untried(Fault::Lost("the connection broke before".to_string())));
            return Sent { outcome, next: next.map(lost) };
        }
        self.offered = false;
        let letter = stuffed(letter);
        self.out.clear();
        if !letter.ends_with(b"\r\n") {
            self.out.extend_from_slice(b"\r\n");
        }
        let before_dot = letter.len() + self.out.len();
        self.out.extend_from_slice(b".\r\n");
        let ahead = next.filter(|next| self.looks_ahead() && next.check(&self.abilities).is_ok());
        if let Some(next) = ahead {
            self.write_envelope(next);
        }
        let began = Instant::now();
        let written = self.talk.write(&letter, &self.out, self.patience.body).await;
        let outcome = match written {
            Ok(()) => {
                let limit = self.patience.body.saturating_sub(began.elapsed());
                let reply = self.talk.reply(limit).await;
                self.judge(reply, true)
            }
            Err(cut) => {
                // Perhaps it said why, before it closed.
                let last = self.talk.reply(self.patience.command.min(Duration::from_secs(5))).await;
                let ended = self.talk.written() > before_dot;
                let outcome = self.judge(last.map_err(|_| cut), ended);
                self.broken = true;
                outcome
            }
        };
        let next = match next {
            None => None,
            Some(_) if self.broken => Some(Err(Outcome::Untried(after(&outcome)))),
            Some(next) if ahead.is_some() => Some(self.converse(next, Way::Ahead).await),
            Some(next) => Some(self.offer(next).await),
        };
        Sent { outcome, next }
    }

    /// The letter that was offered must not go after all. Nothing takes an envelope back once the server waits for a
    /// body: the connection ends without one.
    pub async fn withdraw(&mut self) {
        if self.offered {
            self.offered = false;
            self.broken = true;
            self.talk.end().await;
        }
    }

    /// Sends one letter, whose lines end in CRLF, to one recipient.
    pub async fn deliver(&mut self, sender: &str, recipient: &Address, letter: Vec<u8>) -> Outcome {
        let envelope = Envelope {
            sender: sender.to_string(),
            recipient: recipient.clone(),
            bytes: letter.len(),
            eight_bit: !letter.is_ascii(),
            id: None,
        };
        match self.offer(&envelope).await {
            Ok(()) => self.body(letter, None).await.outcome,
            Err(outcome) => outcome,
        }
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        if !self.broken && !self.offered {
            // The letters are settled: whatever the server answers changes nothing.
            let _ = self.talk.ask("QUIT", Duration::from_secs(5)).await;
        }
    }

    /// Whether the body may begin: an answer that comes before it was asked for would be taken for the body's.
    async fn ready(&mut self) -> Result<(), Outcome> {
        if self.broken || !self.offered {
            self.broken = true;
            return Err(Outcome::Untried(Fault::Lost("no letter was offered".to_string())));
        }
        let words = match self.talk.unasked().await {
            None => return Ok(()),
            Some(Ok(reply)) if reply.code >= 400 => reply.words(),
            Some(Ok(_)) => {
                let way = if self.looks_ahead() { Way::Together } else { Way::OneByOne };
                return Err(self.muddled(way, Step::Data, "the server answers what it was not asked".to_string()));
            }
            Some(Err(cut)) => cut.words(),
        };
        self.broken = true;
        Err(Step::Data.lost(words))
    }

    /// What the answer to a body means. `ended`: its end can have reached the server.
    fn judge(&mut self, reply: Result<Reply, Cut>, ended: bool) -> Outcome {
        match reply {
            Ok(reply) if reply.code >= 400 => {
                self.broken = reply.code == 421;
                about_letter(&reply)
            }
            Ok(reply) if reply.code < 300 && ended => Outcome::Accepted(reply.words()),
            Ok(reply) => {
                self.broken = true;
                if ended { Outcome::Unknown(reply.words()) } else { Outcome::Deferred(reply.words()) }
            }
            Err(cut) => {
                self.broken = true;
                if ended { Outcome::Unknown(cut.words()) } else { Outcome::Deferred(cut.words()) }
            }
        }
    }
}

/// Why the envelope that went with a body was not tried.
fn after(outcome: &Outcome) -> Fault {
    match outcome {
        Outcome::Deferred(words) if words.starts_with("421") => Fault::Busy(words.clone()),
        Outcome::Deferred(words) | Outcome::Unknown(words) => Fault::Lost(words.clone()),
        _ => Fault::Lost("the connection broke".to_string()),
    }
}

/// Doubles the dot that begins a line (RFC 5321, section 4.5.2). Letters of ours have none: this looks, and moves nothing.
fn stuffed(letter: Vec<u8>) -> Vec<u8> {
    let first = letter.starts_with(b".");
    if !first && memchr::memmem::find(&letter, b"\r\n.").is_none() {
        return letter;
    }
    let mut out = Vec::with_capacity(letter.len() + 64);
    if first {
        out.push(b'.');
    }
    let mut copied = 0;
    for line in memchr::memmem::find_iter(&letter, b"\r\n.") {
        let dot = line + 2;
        out.extend_from_slice(letter.get(copied..dot).unwrap_or_default());
        out.push(b'.');
        copied = dot;
    }
    out.extend_from_slice(letter.get(copied..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_that_begin_a_line_are_doubled_and_nothing_else() {
        for (letter, sent) in [
            ("a\r\nb.\r\n", "a\r\nb.\r\n"),
            (".a\r\n.\r\n..b\r\nc", "..a\r\n..\r\n...b\r\nc"),
            ("", ""),
            ("\r\n.", "\r\n.."),
            ("a\n.b\r\n", "a\n.b\r\n"),
        ] {
            assert_eq!(String::from_utf8(stuffed(letter.into())), Ok(sent.to_string()));
        }
    }
}
