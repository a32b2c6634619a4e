//! AUTH (RFC 4954): PLAIN, LOGIN and XOAUTH2. What is said to the server comes from lettre's mechanisms.
//!
//! Promise: nothing that a server makes us show holds the password, not even an answer that repeats it.

use std::time::Duration;

use data_encoding::BASE64;
use lettre::transport::smtp::authentication::{Credentials, DEFAULT_MECHANISMS, Mechanism};

use super::Reply;
use super::hello::{Abilities, Failed};
use super::talk::Talk;
use crate::config::Auth;

/// The longest command line (RFC 5321, section 4.5.3.1.4), without its end.
const COMMAND: usize = 510;

/// Tells the server who we are; a refusal is a fault of ours.
pub(super) async fn authenticate(
    talk: &mut Talk,
    abilities: &Abilities,
    auth: Auth,
    user: &str,
    password: &str,
    limit: Duration,
) -> Result<(), Failed> {
    let wanted: &[Mechanism] = match auth {
        Auth::Auto => DEFAULT_MECHANISMS,
        Auth::Plain => &[Mechanism::Plain],
        Auth::Login => &[Mechanism::Login],
        Auth::Xoauth2 => &[Mechanism::Xoauth2],
    };
    let credentials = Credentials::new(user.to_string(), password.to_string());
    let mut refused = None;
    for mechanism in wanted.iter().copied().filter(|one| abilities.mechanisms.contains(one)) {
        let mut exchange = Exchange { talk, limit, secrets: Vec::new() };
        let reply = exchange.run(mechanism, &credentials).await?;
        if reply.code < 300 {
            return Ok(());
        }
        let reply = exchange.hide(reply);
        // 504: it does not know the mechanism that it named. Any other refusal is final: each try counts against us.
        if reply.code != 504 {
            return Err(Failed::Reply(reply));
        }
        refused = Some(reply);
    }
    let names: Vec<String> = wanted.iter().map(Mechanism::to_string).collect();
    Err(match refused {
        Some(reply) => Failed::Reply(reply),
        None => Failed::Ours(format!("the server takes no password by AUTH {}", names.join(" or "))),
    })
}

struct Exchange<'a> {
    talk: &'a mut Talk,
    limit: Duration,
    /// What was sent of the password, as it was written.
    secrets: Vec<String>,
}

impl Exchange<'_> {
    async fn run(&mut self, mechanism: Mechanism, credentials: &Credentials) -> Result<Reply, Failed> {
        match mechanism {
            Mechanism::Login => {
                let reply = self.talk.ask("AUTH LOGIN", self.limit).await?;
                if reply.code != 334 {
                    return refused(reply);
                }
                // Whatever the server calls them, it asks for the user and then for the password.
                let reply = self.answer(mechanism, credentials, Some("Username")).await?;
                if reply.code != 334 {
                    return refused(reply);
                }
                refused(self.answer(mechanism, credentials, Some("Password")).await?)
            }
            Mechanism::Plain | Mechanism::Xoauth2 => {
                let response = self.response(mechanism, credentials, None)?;
                let mut command = format!("AUTH {mechanism} {response}");
                if command.len() > COMMAND {
                    let reply = self.talk.ask(&format!("AUTH {mechanism}"), self.limit).await?;
                    if reply.code != 334 {
                        return refused(reply);
                    }
                    command = response;
                }
                let mut reply = self.talk.ask(&command, self.limit).await?;
                if mechanism == Mechanism::Xoauth2 && reply.code == 334 {
                    // The challenge says why the token is refused; an empty line asks for the refusal itself.
                    reply = self.talk.ask("", self.limit).await?;
                }
                refused(reply)
            }
        }
    }

    async fn answer(
        &mut self,
        mechanism: Mechanism,
        credentials: &Credentials,
        challenge: Option<&str>,
    ) -> Result<Reply, Failed> {
        let response = self.response(mechanism, credentials, challenge)?;
        Ok(self.talk.ask(&response, self.limit).await?)
    }

    fn response(
        &mut self,
        mechanism: Mechanism,
        credentials: &Credentials,
        challenge: Option<&str>,
    ) -> Result<String, Failed> {
        let response = mechanism.response(credentials, challenge).map_err(|error| Failed::Ours(error.to_string()))?;
        let encoded = BASE64.encode(response.as_bytes());
        self.secrets.push(encoded.clone());
        Ok(encoded)
    }

    fn hide(&self, mut reply: Reply) -> Reply {
        for secret in self.secrets.iter().filter(|secret| !secret.is_empty()) {
            reply.text = reply.text.replace(secret.as_str(), "…");
        }
        reply
    }
}

/// An answer that asks for still more is none that we can go on with.
fn refused(reply: Reply) -> Result<Reply, Failed> {
    if (300..400).contains(&reply.code) {
        return Err(Failed::Ours("the server asks for more than a user and a password".to_string()));
    }
    Ok(reply)
}
