//! What came back: a message that reached the envelope sender of our letters, or the address by which people leave.
//!
//! [`read`] tells what a message means, from its bytes alone: a report of a mail server (RFC 3464, or qmail's own form),
//! a reader's complaint (RFC 5965), somebody who leaves, an automatic answer (RFC 3834), or nothing of ours.
//!
//! Promises: *whose* letter came back is told by what we signed, wherever it stands: the token in the address, the same
//! token as the envelope's id, or the letter's Message-ID, which is a keyed hash. *Why* is told by the report's status.
//! Neither is searched for in text, so that an answer that quotes `550 5.1.1` is no bounce. Whatever the bytes, no crash.
//!
//! BUGS: whoever has a letter whole, because its reader passed it on, has its token too, and can say of it what its reader's
//! server could. What lies deeper than a report's own parts (a report that somebody forwarded) is not looked at.

mod automatic;
mod feedback;
mod mime;
mod qsbmf;
mod status;

use self::mime::Entity;
use super::address::Address;
use super::outcome::Enhanced;
use super::token;
use crate::secrets::Secrets;

/// So many bytes of a message are looked at; behind them only a returned letter's pictures can stand.
pub const LENGTH: usize = 10 * 1024 * 1024;

/// By what we know our own.
pub struct Ours<'a> {
    pub secrets: &'a Secrets,
    /// `mail.bounces_to`.
    pub bounces_to: Option<Address>,
    /// The newsletters' names.
    pub newsletters: Vec<&'a str>,
}

/// What a message means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// A report on a letter of ours.
    Report(Report),
    /// Somebody leaves a newsletter.
    Leave { newsletter: String, recipient: i64 },
    /// No person wrote it, and it reports nothing: an out-of-office answer, say.
    Automatic,
    /// Nothing of ours.
    Foreign,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub whose: Whose,
    pub cause: Cause,
    /// The same for each copy of this report.
    pub mark: String,
}

/// Whose letter came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    Delivery {
        edition: i64,
        recipient: i64,
    },
    /// The letter of this Message-ID, to one of these people.
    Letter {
        message_id: String,
        recipients: Vec<i64>,
    },
}

/// What came back, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub kind: Kind,
    pub status: Option<Enhanced>,
    /// The server's, on one line.
    pub words: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The mailbox does not exist.
    Hard,
    /// Every other failure.
    Soft,
    /// Not yet delivered: the server goes on trying.
    Delayed,
    /// It arrived, or went further.
    Arrived,
    /// The reader called it spam.
    Complaint,
    /// The reader, or their provider, said something else of it.
    Feedback,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Hard => "hard",
            Kind::Soft => "soft",
            Kind::Delayed => "delayed",
            Kind::Arrived => "arrived",
            Kind::Complaint => "complaint",
            Kind::Feedback => "feedback",
        }
    }
}

/// What a report says, wherever it was written.
#[derive(Default)]
struct Found {
    cause: Option<Cause>,
    envelope_id: Option<String>,
    /// Where the letter's envelope sender is told.
    senders: Vec<String>,
    /// The addresses that the report is about.
    recipients: Vec<String>,
    message_id: Option<String>,
}

/// What a message means. `envelope`: the address that it was delivered to, where the mail server tells.
pub fn read(bytes: &[u8], envelope: Option<&str>, ours: &Ours<'_>) -> Meaning {
    let message = Entity::read(bytes.get(..LENGTH).unwrap_or(bytes));
    let is_report = is_report(&message);
    let found = if is_report { read_report(&message) } else { read_notice(&message) };
    if let Some(Found { cause: Some(cause), .. }) = &found
        && let Some(whose) = whose(&message, envelope, &found, ours)
    {
        return Meaning::Report(Report { whose, cause: cause.clone(), mark: mark(&message) });
    }
    if is_report {
        // A report on mail that is not ours, or a receipt.
        return if found.is_some_and(|found| found.cause.is_some()) { Meaning::Foreign } else { Meaning::Automatic };
    }
    if let Some((newsletter, recipient)) = leaves(&message.subject(), ours) {
        return Meaning::Leave { newsletter, recipient };
    }
    if automatic::is_automatic(&message) { Meaning::Automatic } else { Meaning::Foreign }
}

/// Whether a message is a report. OpenSMTPD writes its own as `multipart/mixed`: with a report's parts, and from nobody.
fn is_report(message: &Entity<'_>) -> bool {
    match message.media_type().as_str() {
        "multipart/report" => true,
        "multipart/mixed" if from_nobody(message) => {
            message.parts().iter().any(|part| part.media_type() == "message/delivery-status")
        }
        _ => false,
    }
}

/// Nothing says that somebody sent it.
fn from_nobody(message: &Entity<'_>) -> bool {
    message.raw("Return-Path").is_none_or(|path| path.trim() == "<>")
}

fn read_report(message: &Entity<'_>) -> Option<Found> {
    let mut found = Found::default();
    for part in message.parts() {
        match part.media_type().as_str() {
            "message/delivery-status" | "message/global-delivery-status" if found.cause.is_none() => {
                let status = status::read(&part.content());
                found.cause = status.cause;
                found.envelope_id = status.envelope_id;
                found.recipients.extend(status.recipients);
            }
            "message/feedback-report" if found.cause.is_none() => {
                let feedback = feedback::read(&part.content());
                found.cause = feedback.cause;
                found.envelope_id = feedback.envelope_id;
                found.senders.extend(feedback.mail_from);
                found.recipients.extend(feedback.recipients);
            }
            "message/rfc822" | "message/global" | "text/rfc822-headers" | "message/global-headers" => {
                found.returned(&Entity::read(&part.content()));
            }
            _ => {}
        }
    }
    Some(found)
}

/// qmail's form, which no person and no program sends but as a bounce: from nobody.
fn read_notice(message: &Entity<'_>) -> Option<Found> {
    if !from_nobody(message) || message.media_type() != "text/plain" {
        return None;
    }
    let notice = qsbmf::read(message.body)?;
    let mut found = Found { cause: Some(notice.cause), recipients: notice.recipients, ..Found::default() };
    found.returned(&Entity::read(notice.returned));
    Some(found)
}

impl Found {
    /// What the letter's own header tells.
    fn returned(&mut self, letter: &Entity<'_>) {
        self.senders.extend(letter.addresses("Return-Path"));
        self.recipients.extend(letter.addresses("To"));
        self.message_id = self.message_id.take().or_else(|| letter.raw("Message-ID"));
    }
}

/// Whose letter a report is about: by what we signed.
fn whose(message: &Entity<'_>, envelope: Option<&str>, found: &Option<Found>, ours: &Ours<'_>) -> Option<Whose> {
    let found = found.as_ref()?;
    let own = envelope.map(str::to_string).into_iter().chain(delivered_to(message));
    let tokens = own.chain(found.senders.iter().cloned()).filter_map(|address| token_of(&address, ours));
    let signed = tokens.chain(found.envelope_id.clone());
    for token in signed {
        if let Some((edition, recipient)) = token::read_bounce(ours.secrets, &token) {
            return Some(Whose::Delivery { edition, recipient });
        }
    }
    let message_id = found.message_id.clone().filter(|id| id.starts_with('<') && id.len() < 300)?;
    let recipients = found.recipients.iter().take(20).filter_map(|address| Address::parse(address).ok());
    let recipients: Vec<i64> = recipients.map(|address| ours.secrets.recipient_id(&address.to_string())).collect();
    (!recipients.is_empty()).then_some(Whose::Letter { message_id, recipients })
}

/// The addresses at which a message arrived, as the servers on its way wrote them down.
fn delivered_to(message: &Entity<'_>) -> Vec<String> {
    let names = ["X-Original-To", "Delivered-To", "Envelope-To", "X-Envelope-To", "To"];
    names.iter().flat_map(|name| message.addresses(name)).take(50).collect()
}

/// The token in an address that is `bounces_to` with a detail.
fn token_of(address: &str, ours: &Ours<'_>) -> Option<String> {
    let bounces_to = ours.bounces_to.as_ref()?.to_string();
    let (local, domain) = bounces_to.rsplit_once('@')?;
    let (written, written_domain) = address.trim().rsplit_once('@')?;
    let (base, token) = written.rsplit_once('+')?;
    (base.eq_ignore_ascii_case(local) && written_domain.eq_ignore_ascii_case(domain)).then(|| token.to_string())
}

/// The newsletter and the person of a leaving token in a subject, wherever it stands in it. Whoever writes it holds it, a
/// program that writes it for its user included: that a message calls itself automatic does not keep anybody on a list.
fn leaves(subject: &str, ours: &Ours<'_>) -> Option<(String, i64)> {
    let subject: String = subject.chars().take(1000).collect::<String>().replace("%20", " ");
    let words = subject.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| word.len() == 32);
    let found =
        words.take(8).find_map(|word| token::read_leave(ours.secrets, ours.newsletters.iter().copied(), word));
    found.map(|(newsletter, recipient)| (newsletter.to_string(), recipient))
}

/// The same for each copy of a message: its Message-ID, or what it says.
fn mark(message: &Entity<'_>) -> String {
    match message.raw("Message-ID").filter(|id| !id.is_empty()) {
        Some(id) => id,
        None => blake3::hash(message.body).to_hex().to_string(),
    }
}

#[cfg(test)]
mod tests;
