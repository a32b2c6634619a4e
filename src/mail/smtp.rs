//! An SMTP conversation (RFC 5321), one letter after the other over one connection: lettre's, over a stream of our own.
//!
//! Promises: TLS, where it is required, stands before a password or a letter is said; a password never goes over a
//! network in the clear; whatever the server does, a letter has an [`Outcome`], and *unknown* is said only when the body
//! was begun and no whole answer came.
//!
//! BUGS: MAIL, RCPT and DATA wait for each other's answers (no PIPELINING). EHLO names us by our address.

use std::error::Error as _;
use std::io;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS};
use lettre::transport::smtp::client::{AsyncSmtpConnection, TlsParameters};
use lettre::transport::smtp::extension::{ClientId, Extension};
use lettre::transport::smtp::{Error, response::Response};

use super::address::Address;
use super::outcome::{Fault, Outcome, Reply, about_letter, about_recipient, about_us};
use super::wire::Wire;
use crate::config::Tls;

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
    /// User and password.
    pub user: Option<(String, String)>,
    pub patience: Patience,
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

/// What is said before a body.
#[derive(Clone, Debug)]
pub struct Envelope {
    pub sender: String,
    pub recipient: Address,
    /// Of the letter.
    pub bytes: usize,
    pub eight_bit: bool,
    /// Names the delivery to the server, where it takes that.
    pub id: Option<String>,
}

/// What became of a body, and of the envelope that went with its end.
#[derive(Clone, Debug)]
pub struct Sent {
    pub outcome: Outcome,
    pub next: Option<Result<(), Outcome>>,
}

/// An open connection.
pub struct Smtp {
    connection: AsyncSmtpConnection,
    patience: Patience,
    broken: bool,
}

/// What came instead of a positive reply.
enum Failed {
    Reply(Reply),
    Broken(String),
}

impl Smtp {
    /// Connects, greets, secures and authenticates.
    pub async fn open(settings: &Settings) -> Result<Smtp, Fault> {
        let patience = settings.patience;
        let place = format!("{}:{}", settings.host, settings.port);
        let down = |error: io::Error| Fault::Down(format!("{place}: {error}"));
        let connect = async {
            let wire = Wire::connect(&settings.host, settings.port).await?;
            if settings.implicit_tls { wire.secure(&settings.host).await } else { Ok(wire) }
        };
        let wire = timed(patience.connect, connect).await.map_err(down)?;
        let hello = match wire.local_address().map_err(down)? {
            std::net::SocketAddr::V4(address) => ClientId::Ipv4(*address.ip()),
            std::net::SocketAddr::V6(address) => ClientId::Ipv6(*address.ip()),
        };
        let loopback = wire.peer().ip().is_loopback();
        let greet = AsyncSmtpConnection::connect_with_transport(Box::new(wire), &hello);
        let connection = greeted(patience.command, greet).await.map_err(|failed| failed.fault(&place))?;
        let mut smtp = Smtp { connection, patience, broken: false };
        if !settings.implicit_tls && settings.tls != Tls::None {
            smtp.start_tls(settings, &hello, &place).await?;
        }
        let secure = settings.implicit_tls || smtp.connection.is_encrypted();
        if let Some((user, password)) = &settings.user {
            if !secure && !loopback && !settings.trusted {
                return Err(Fault::Ours(format!("{place}: the password would go over the network in the clear")));
            }
            let credentials = Credentials::new(user.clone(), password.clone());
            let auth = smtp.connection.auth(DEFAULT_MECHANISMS, &credentials);
            greeted(patience.command, auth).await.map_err(|failed| failed.fault(&place))?;
        }
        Ok(smtp)
    }

    async fn start_tls(&mut self, settings: &Settings, hello: &ClientId, place: &str) -> Result<(), Fault> {
        let required = settings.tls == Tls::Required;
        if !self.connection.can_starttls() {
            if required {
                return Err(Fault::Ours(format!(
                    "{place}: the server offers no TLS, and `tls: required` asks for it"
                )));
            }
            return Ok(());
        }
        // Opportunistic TLS hides from those who only listen: a certificate that nobody knows is better than none.
        let parameters = TlsParameters::builder(settings.host.clone())
            .dangerous_accept_invalid_certs(!required)
            .dangerous_accept_invalid_hostnames(!required)
            .build_rustls()
            .map_err(|error| Fault::Ours(format!("{place}: {error}")))?;
        let upgrade = self.connection.starttls(parameters, hello);
        greeted(self.patience.command, upgrade).await.map_err(|failed| failed.fault(place))
    }

    /// Whether a letter's envelope can go out with the end of the body before it.
    pub fn looks_ahead(&self) -> bool {
        false
    }

    /// Sends one letter, whose lines end in CRLF, to one recipient.
    pub async fn deliver(&mut self, sender: &str, recipient: &Address, letter: &[u8]) -> Outcome {
        let (sender, recipient) = (sender.to_string(), recipient.clone());
        let envelope = Envelope { sender, recipient, bytes: letter.len(), eight_bit: !letter.is_ascii(), id: None };
        match self.offer(&envelope).await {
            Ok(()) => self.body(letter.to_vec(), None).await.outcome,
            Err(outcome) => outcome,
        }
    }

    /// Says who sends a letter to whom; then the server waits for its body.
    pub async fn offer(&mut self, envelope: &Envelope) -> Result<(), Outcome> {
        let Envelope { sender, recipient, .. } = envelope;
        let mut parameters = String::new();
        if recipient.needs_utf8() {
            if !self.connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                let reply = "the server takes no address with letters beyond ASCII before the @ (SMTPUTF8)";
                return Err(Outcome::Refused { reply: reply.to_string(), suppress: false });
            }
            parameters.push_str(" SMTPUTF8");
        }
        if envelope.eight_bit && self.connection.server_info().supports_feature(Extension::EightBitMime) {
            parameters.push_str(" BODY=8BITMIME");
        }
        match self.command(format!("MAIL FROM:<{sender}>{parameters}\r\n")).await {
            Ok(_) => {}
            Err(Failed::Reply(reply)) => {
                self.reset().await;
                return Err(Outcome::Untried(about_us(&reply)));
            }
            Err(Failed::Broken(words)) => return Err(Outcome::Untried(Fault::Lost(words))),
        }
        match self.command(format!("RCPT TO:<{recipient}>\r\n")).await {
            Ok(_) => {}
            Err(Failed::Reply(reply)) => {
                self.reset().await;
                return Err(about_recipient(&reply));
            }
            // It counts as a try: a recipient on whom the server hangs up must not come first again and again.
            Err(Failed::Broken(words)) => return Err(Outcome::Deferred(words)),
        }
        match self.command("DATA\r\n".to_string()).await {
            Ok(response) if response.has_code(354) => Ok(()),
            Ok(response) => {
                // Some other positive answer: what would follow is anybody's guess.
                self.broken = true;
                Err(Outcome::Deferred(format!("{} in answer to DATA", response.code())))
            }
            Err(Failed::Reply(reply)) => {
                self.reset().await;
                Err(about_letter(&reply))
            }
            Err(Failed::Broken(words)) => Err(Outcome::Deferred(words)),
        }
    }

    /// Sends the body of the letter that was offered.
    pub async fn body(&mut self, letter: Vec<u8>, _next: Option<&Envelope>) -> Sent {
        let outcome = match greeted(self.patience.body, self.connection.message(&letter)).await {
            Ok(response) if response.code().is_positive() && !response.has_code(354) => {
                Outcome::Accepted(words(&response))
            }
            Ok(response) => {
                self.broken = true;
                Outcome::Unknown(words(&response))
            }
            Err(Failed::Reply(reply)) => {
                self.broken = reply.code == 421;
                about_letter(&reply)
            }
            Err(Failed::Broken(words)) => {
                self.broken = true;
                Outcome::Unknown(words)
            }
        };
        Sent { outcome, next: None }
    }

    /// The letter that was offered stays here: the connection ends without its body.
    pub async fn withdraw(&mut self) {
        self.broken = true;
    }

    /// Whether another letter may be tried here.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Says goodbye.
    pub async fn close(mut self) {
        if !self.broken {
            // The letters are settled: whatever the server answers changes nothing.
            let _ =
                timed(Duration::from_secs(5), async { self.connection.quit().await.map_err(io::Error::other) }).await;
        }
    }

    async fn command(&mut self, command: String) -> Result<Response, Failed> {
        let answer = greeted(self.patience.command, self.connection.command(command)).await;
        match &answer {
            Err(Failed::Broken(_)) => self.broken = true,
            Err(Failed::Reply(reply)) if reply.code == 421 => self.broken = true,
            _ => {}
        }
        answer
    }

    /// Forgets the envelope that was refused, so that the connection can be used again.
    async fn reset(&mut self) {
        if !self.broken && self.command("RSET\r\n".to_string()).await.is_err() {
            self.broken = true;
        }
    }
}

impl Failed {
    /// Before any letter: a refusal is about us, silence means that the server is down.
    fn fault(self, place: &str) -> Fault {
        match self {
            Failed::Reply(reply) => about_us(&reply),
            Failed::Broken(words) => Fault::Down(format!("{place}: {words}")),
        }
    }
}

/// A conversation's step, within its time.
async fn greeted<T>(limit: Duration, step: impl Future<Output = Result<T, Error>>) -> Result<T, Failed> {
    match tokio::time::timeout(limit, step).await {
        Err(_) => Err(Failed::Broken(format!("no answer within {} seconds", limit.as_secs()))),
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(match error.status() {
            Some(code) => {
                let text = error.source().map(ToString::to_string).unwrap_or_default();
                Failed::Reply(Reply { code: code.into(), text })
            }
            None => Failed::Broken(error.to_string()),
        }),
    }
}

async fn timed<T>(limit: Duration, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(limit, step).await.unwrap_or_else(|_| {
        Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} seconds", limit.as_secs())))
    })
}

fn words(response: &Response) -> String {
    Reply { code: response.code().into(), text: response.message().collect::<Vec<_>>().join(" ") }.words()
}
