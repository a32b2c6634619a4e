//! How letters leave: into a Maildir, through `sendmail`, or over SMTP; or, all of an edition in one file, to the machine that
//! sends them. One [`Carrier`] carries one letter at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::address::Address;
use super::hand_over;
use super::maildir::Maildir;
use super::outcome::{Fault, Outcome};
use super::sendmail::Sendmail;
use super::smtp::{Envelope, Patience, Sent, Settings, Smtp, Trust};
use crate::config::{Mail, Transport};

/// Where letters go, with all that is needed to open any number of carriers.
#[derive(Clone)]
pub enum Route {
    Maildir(PathBuf),
    Sendmail(Sendmail),
    Smtp(Settings),
    /// To another machine: this file, whatever letter is carried.
    HandOver {
        file: PathBuf,
        content: Arc<[u8]>,
    },
}

/// What the environment adds to the configuration.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `CRIEUR_SMTP_PASSWORD`, or what `CRIEUR_SMTP_PASSWORD_FILE` holds.
    pub password: Option<String>,
    /// `CRIEUR_SENDMAIL`.
    pub sendmail: Option<PathBuf>,
}

impl Environment {
    /// Reads the process's own; a password's file that cannot be read is an error that names it.
    pub fn read() -> Result<Environment, String> {
        let password = match (std::env::var("CRIEUR_SMTP_PASSWORD"), std::env::var_os("CRIEUR_SMTP_PASSWORD_FILE")) {
            (Ok(password), _) => Some(password),
            (Err(_), Some(file)) => {
                let text = std::fs::read_to_string(&file)
                    .map_err(|error| format!("{}: {error}", Path::new(&file).display()))?;
                Some(text.trim_end_matches(['\r', '\n']).to_string())
            }
            (Err(_), None) => None,
        };
        let sendmail = std::env::var_os(super::sendmail::SENDMAIL_VARIABLE).map(PathBuf::from);
        Ok(Environment { password, sendmail })
    }
}

impl Route {
    /// The route that the configuration names.
    pub fn new(root: &Path, mail: &Mail, environment: &Environment) -> Result<Route, String> {
        let smtp = |host: &str, port: u16, implicit_tls: bool| {
            let user = match (&mail.user, &environment.password) {
                (None, _) => None,
                (Some(user), Some(password)) => Some((user.clone(), password.clone())),
                (Some(user), None) => {
                    return Err(format!(
                        "mail.user is {user:?}, but neither CRIEUR_SMTP_PASSWORD nor CRIEUR_SMTP_PASSWORD_FILE is set"
                    ));
                }
            };
            Ok(Route::Smtp(Settings {
                host: host.trim_matches(['[', ']']).to_string(),
                port,
                implicit_tls,
                tls: mail.tls,
                trusted: mail.relay_trusted,
                user,
                auth: mail.auth,
                hello: mail.hello.clone(),
                trust: Arc::new(match &mail.roots {
                    Some(file) => Trust::file(&root.join(file)).map_err(|error| format!("mail.roots: {error}"))?,
                    None => Trust::system(),
                }),
                patience: Patience::default(),
                pipelining: Arc::default(),
            }))
        };
        match &mail.transport {
            Transport::Maildir(folder) => Ok(Route::Maildir(root.join(folder))),
            Transport::Sendmail => Ok(Route::Sendmail(Sendmail::new(environment.sendmail.clone()))),
            Transport::Smtp { host, port } => smtp(host, *port, false),
            Transport::Smtps { host, port } => smtp(host, *port, true),
        }
    }

    /// How many carriers are of use at once: a Maildir's letters all wait for one disk.
    pub fn carriers(&self, connections: usize) -> usize {
        match self {
            Route::Maildir(_) => connections.clamp(1, 4),
            Route::Sendmail(_) | Route::Smtp(_) => connections.max(1),
            Route::HandOver { .. } => 1,
        }
    }

    pub async fn open(&self) -> Result<Carrier, Fault> {
        Ok(match self {
            Route::Maildir(folder) => Carrier::Maildir(Maildir::open(folder)?),
            Route::Sendmail(sendmail) => Carrier::Sendmail(sendmail.clone()),
            Route::Smtp(settings) => Carrier::Smtp(Box::new(Smtp::open(settings).await?)),
            Route::HandOver { file, content } => Carrier::HandOver { file: file.clone(), content: content.clone() },
        })
    }
}

/// An open way out.
pub enum Carrier {
    Maildir(Maildir),
    Sendmail(Sendmail),
    Smtp(Box<Smtp>),
    HandOver { file: PathBuf, content: Arc<[u8]> },
}

impl Carrier {
    /// Whether a letter's envelope can go out with the end of the body before it.
    pub fn looks_ahead(&self) -> bool {
        matches!(self, Carrier::Smtp(smtp) if smtp.looks_ahead())
    }

    /// Says what comes before a body; what has no conversation takes any.
    pub async fn offer(&mut self, envelope: &Envelope) -> Result<(), Outcome> {
        match self {
            Carrier::Maildir(_) | Carrier::Sendmail(_) | Carrier::HandOver { .. } => Ok(()),
            Carrier::Smtp(smtp) => smtp.offer(envelope).await,
        }
    }

    /// Hands over the letter that was offered, and offers the next one with its end.
    pub async fn body(&mut self, envelope: &Envelope, letter: Vec<u8>, next: Option<&Envelope>) -> Sent {
        match self {
            Carrier::Smtp(smtp) => smtp.body(letter, next).await,
            Carrier::Maildir(_) | Carrier::Sendmail(_) | Carrier::HandOver { .. } => {
                Sent { outcome: self.deliver(&envelope.sender, &envelope.recipient, letter).await, next: None }
            }
        }
    }

    /// The letter that was offered stays here after all.
    pub async fn withdraw(&mut self) {
        if let Carrier::Smtp(smtp) = self {
            smtp.withdraw().await;
        }
    }

    /// Hands one letter over, whose lines end in CRLF.
    pub async fn deliver(&mut self, sender: &str, recipient: &Address, letter: Vec<u8>) -> Outcome {
        match self {
            Carrier::Maildir(maildir) => {
                let maildir = maildir.clone();
                let waiting_for_the_disk = tokio::task::spawn_blocking(move || maildir.deliver(&letter));
                waiting_for_the_disk.await.unwrap_or_else(|error| Outcome::Unknown(error.to_string()))
            }
            Carrier::Sendmail(sendmail) => sendmail.deliver(sender, &recipient.to_string(), &letter).await,
            Carrier::Smtp(smtp) => smtp.deliver(sender, recipient, letter).await,
            Carrier::HandOver { file, content } => hand_over::leave(file, content),
        }
    }

    /// Whether it can carry another letter.
    pub fn is_broken(&self) -> bool {
        match self {
            Carrier::Maildir(_) | Carrier::Sendmail(_) | Carrier::HandOver { .. } => false,
            Carrier::Smtp(smtp) => smtp.is_broken(),
        }
    }

    pub async fn close(self) {
        if let Carrier::Smtp(smtp) = self {
            smtp.close().await;
        }
    }
}
