//! The beginning of a conversation: greeting, EHLO (or HELO), STARTTLS, and a password where there is one.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use lettre::transport::smtp::authentication::Mechanism;
use lettre::transport::smtp::extension::ClientId;

use super::auth::authenticate;
use super::reply::Cut;
use super::talk::Talk;
use super::{Fault, Reply, Settings, about_us};
use crate::config::Tls;
use crate::mail::wire::Wire;

/// What the server says that it can do, in its answer to EHLO.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Abilities {
    pub pipelining: bool,
    pub eight_bit: bool,
    pub utf8: bool,
    pub start_tls: bool,
    pub dsn: bool,
    pub size: bool,
    /// The longest letter, in bytes, where it names one.
    pub longest: Option<usize>,
    pub mechanisms: Vec<Mechanism>,
}

impl Abilities {
    /// Reads the answer to EHLO, whose first line is a greeting.
    pub fn read(reply: &Reply) -> Abilities {
        let mut abilities = Abilities::default();
        for line in reply.text.lines().skip(1) {
            // Some old servers write `AUTH=PLAIN`.
            let mut words = line.split([' ', '\t', '=']).filter(|word| !word.is_empty());
            match words.next().unwrap_or_default().to_ascii_uppercase().as_str() {
                "PIPELINING" => abilities.pipelining = true,
                "8BITMIME" => abilities.eight_bit = true,
                "SMTPUTF8" => abilities.utf8 = true,
                "STARTTLS" => abilities.start_tls = true,
                "DSN" => abilities.dsn = true,
                "SIZE" => {
                    abilities.size = true;
                    abilities.longest = words.next().and_then(|size| size.parse().ok()).filter(|size| *size > 0);
                }
                "AUTH" => {
                    for word in words {
                        let known = [Mechanism::Plain, Mechanism::Login, Mechanism::Xoauth2];
                        abilities
                            .mechanisms
                            .extend(known.into_iter().filter(|one| one.to_string().eq_ignore_ascii_case(word)));
                    }
                }
                _ => {}
            }
        }
        abilities
    }
}

/// Why a conversation did not begin.
pub(super) enum Failed {
    Reply(Reply),
    Cut(Cut),
    Stream(io::Error),
    Handshake(io::Error),
    Ours(String),
}

impl From<Cut> for Failed {
    fn from(cut: Cut) -> Failed {
        Failed::Cut(cut)
    }
}

impl Failed {
    /// Before any letter: a refusal is about us, silence means that the server is down.
    fn fault(self, settings: &Settings) -> Fault {
        let place = format!("{}:{}", settings.host, settings.port);
        match self {
            Failed::Reply(reply) => about_us(&reply),
            Failed::Cut(cut) => Fault::Down(format!("{place}: {}", cut.words())),
            Failed::Stream(error) => Fault::Down(format!("{place}: {error}")),
            Failed::Handshake(error) => Fault::Down(format!("{place}: TLS: {error}")),
            Failed::Ours(words) => Fault::Ours(format!("{place}: {words}")),
        }
    }
}

/// Connects, greets, secures and authenticates.
pub(super) async fn begin(settings: &Settings) -> Result<(Talk, Abilities), Fault> {
    let opportunistic = settings.tls == Tls::Opportunistic && !settings.implicit_tls;
    let begun = match attempt(settings, settings.tls != Tls::None).await {
        // No password goes this way: `attempt` sees to it.
        Err(Failed::Handshake(_)) if opportunistic => attempt(settings, false).await,
        other => other,
    };
    begun.map_err(|failed| failed.fault(settings))
}

async fn attempt(settings: &Settings, start_tls: bool) -> Result<(Talk, Abilities), Failed> {
    let patience = settings.patience;
    let connect = Wire::connect(&settings.host, settings.port);
    let wire = in_time(patience.connect, connect).await.map_err(Failed::Stream)?;
    let mut talk = Talk::new(wire);
    if settings.implicit_tls {
        let config = settings.trust.required().map_err(Failed::Ours)?;
        talk = in_time(patience.connect, talk.secure(&settings.host, config)).await.map_err(Failed::Handshake)?;
    }
    positive(talk.reply(patience.command).await?)?;
    let mut abilities = hello(&mut talk, settings).await?;
    if !settings.implicit_tls && start_tls {
        (talk, abilities) = secure(talk, abilities, settings).await?;
    }
    if let Some((user, password)) = &settings.user {
        if !talk.is_secure() && !talk.peer().ip().is_loopback() && !settings.trusted {
            return Err(Failed::Ours("the password would go over the network in the clear".to_string()));
        }
        authenticate(&mut talk, &abilities, settings.auth, user, password, patience.command).await?;
    }
    Ok((talk, abilities))
}

/// EHLO, or HELO where that is not known.
async fn hello(talk: &mut Talk, settings: &Settings) -> Result<Abilities, Failed> {
    let name = match (&settings.hello, talk.local()) {
        (Some(name), _) => ClientId::Domain(name.clone()),
        (None, SocketAddr::V4(address)) => ClientId::Ipv4(*address.ip()),
        (None, SocketAddr::V6(address)) => ClientId::Ipv6(*address.ip()),
    };
    let limit = settings.patience.command;
    let reply = talk.ask(&format!("EHLO {name}"), limit).await?;
    if matches!(reply.code, 500 | 502) {
        positive(talk.ask(&format!("HELO {name}"), limit).await?)?;
        return Ok(Abilities::default());
    }
    Ok(Abilities::read(&positive(reply)?))
}

async fn secure(mut talk: Talk, abilities: Abilities, settings: &Settings) -> Result<(Talk, Abilities), Failed> {
    let required = settings.tls == Tls::Required;
    if !abilities.start_tls {
        if required {
            return Err(Failed::Ours("the server offers no TLS, and `tls: required` asks for it".to_string()));
        }
        return Ok((talk, abilities));
    }
    let reply = talk.ask("STARTTLS", settings.patience.command).await?;
    if reply.code >= 400 && reply.code != 421 && !required {
        return Ok((talk, abilities));
    }
    positive(reply)?;
    let trust = &settings.trust;
    let config = if required { trust.required() } else { trust.opportunistic() }.map_err(Failed::Ours)?;
    let handshake = talk.secure(&settings.host, config);
    let mut talk = in_time(settings.patience.connect, handshake).await.map_err(Failed::Handshake)?;
    // What was said before TLS may be somebody else's words.
    let abilities = hello(&mut talk, settings).await?;
    Ok((talk, abilities))
}

pub(super) fn positive(reply: Reply) -> Result<Reply, Failed> {
    if reply.code < 300 { Ok(reply) } else { Err(Failed::Reply(reply)) }
}

async fn in_time<T>(limit: Duration, step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(limit, step).await.unwrap_or_else(|_| {
        Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {} seconds", limit.as_secs())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Abilities {
        Abilities::read(&Reply { code: 250, text: text.to_string() })
    }

    #[test]
    fn what_a_server_offers_is_read_as_old_and_new_ones_write_it() {
        let abilities = read(
            "mx.example.org hello PIPELINING\nSIZE 10240000\n8bitmime\nSMTPUTF8\nSTARTTLS\nDSN\nPIPELINING\n\
             AUTH GSSAPI LOGIN xoauth2\nAUTH=PLAIN",
        );
        assert_eq!(abilities.longest, Some(10_240_000));
        assert!(abilities.pipelining && abilities.size && abilities.eight_bit && abilities.utf8);
        assert!(abilities.start_tls && abilities.dsn);
        assert_eq!(abilities.mechanisms, [Mechanism::Login, Mechanism::Xoauth2, Mechanism::Plain]);
    }

    #[test]
    fn the_greeting_of_a_server_is_no_offer() {
        assert_eq!(read("PIPELINING STARTTLS"), Abilities::default());
        assert_eq!(read("mx\nSIZE 0\nXSTARTTLS"), Abilities { size: true, ..Abilities::default() });
    }
}
