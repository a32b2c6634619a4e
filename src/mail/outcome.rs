//! What became of one try, and what a server's words mean for it.
//!
//! A fault of the letter's recipient is theirs; a fault that is ours (the server refuses *us*, a policy, a blocked
//! address) never empties the list. The suppression rule is the narrow one: an address is given up only when the reply
//! to RCPT says that the mailbox does not exist.

use std::fmt;

/// What became of one try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Accepted(String),
    /// For good; with `suppress`, the mailbox does not exist.
    Refused {
        reply: String,
        suppress: bool,
    },
    /// This recipient, later.
    Deferred(String),
    /// Cut off between the end of the body and the answer: nobody knows.
    Unknown(String),
    /// The recipient was never asked, for a fault of the connection.
    Untried(Fault),
}

/// Why a connection cannot go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The server refuses *us*: a person must mend it.
    Ours(String),
    /// The server asks for patience.
    Busy(String),
    /// The server cannot be reached.
    Down(String),
    /// The connection broke, with nothing under way.
    Lost(String),
}

impl Fault {
    pub fn words(&self) -> &str {
        match self {
            Fault::Ours(words) | Fault::Busy(words) | Fault::Down(words) | Fault::Lost(words) => words,
        }
    }
}

/// A server's negative reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    pub text: String,
}

impl Reply {
    /// As people read it: `550 5.1.1 no such user`, on one line.
    pub fn words(&self) -> String {
        let text: String = self.text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect();
        format!("{} {}", self.code, text.trim()).trim().to_string()
    }

    fn is_permanent(&self) -> bool {
        self.code >= 500
    }

    /// `5.1.1` (RFC 3463), when the text begins with one that agrees with the code.
    fn enhanced(&self) -> Option<Enhanced> {
        let word = self.text.split_whitespace().next()?;
        Enhanced::parse(word).filter(|enhanced| enhanced.class == self.code / 100)
    }
}

/// An enhanced status code (RFC 3463): `5.1.1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enhanced {
    pub class: u16,
    pub subject: u16,
    pub detail: u16,
}

impl Enhanced {
    pub fn parse(word: &str) -> Option<Enhanced> {
        let mut numbers = word.split('.').map(|number| {
            let digits = !number.is_empty() && number.len() <= 3 && number.bytes().all(|b| b.is_ascii_digit());
            if digits { number.parse::<u16>().ok() } else { None }
        });
        match (numbers.next()??, numbers.next()??, numbers.next()??, numbers.next()) {
            (class @ (2 | 4 | 5), subject, detail, None) => Some(Enhanced { class, subject, detail }),
            _ => None,
        }
    }

    /// That of a reply as it came over the wire: `550 5.1.1 no`, or `550-5.1.1 no` of many lines.
    pub fn of_reply(reply: &str) -> Option<Enhanced> {
        let (code, text) = reply.split_at_checked(3)?;
        let code = code.parse::<u16>().ok()?;
        let text = text.strip_prefix([' ', '-'])?;
        Reply { code, text: text.to_string() }.enhanced()
    }
}

impl fmt::Display for Enhanced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// 5.1.1, 5.1.3, 5.1.6, 5.1.10 and 5.2.1 say that the mailbox does not exist, whoever says them: a server that answers, or
/// one that sends the letter back.
pub fn names_no_mailbox(status: Enhanced) -> bool {
    matches!((status.class, status.subject, status.detail), (5, 1, 1 | 3 | 6 | 10) | (5, 2, 1))
}

/// A negative reply to the greeting, EHLO, STARTTLS, AUTH or MAIL: it is about us.
pub fn about_us(reply: &Reply) -> Fault {
    if reply.is_permanent() { Fault::Ours(reply.words()) } else { Fault::Busy(reply.words()) }
}

/// A negative reply to RCPT: it is about the recipient.
pub fn about_recipient(reply: &Reply) -> Outcome {
    if !reply.is_permanent() {
        return Outcome::Deferred(reply.words());
    }
    Outcome::Refused { reply: reply.words(), suppress: refuses_for_good(reply) }
}

/// A negative reply to DATA, or behind the body: about this letter, and never a reason to give an address up.
pub fn about_letter(reply: &Reply) -> Outcome {
    if reply.is_permanent() {
        Outcome::Refused { reply: reply.words(), suppress: false }
    } else {
        Outcome::Deferred(reply.words())
    }
}

/// A status that names no mailbox, or a bare 550 that names no policy.
fn refuses_for_good(reply: &Reply) -> bool {
    const POLICY: &[&str] = &[
        "policy",
        "spam",
        "block",
        "denied",
        "deny",
        "reject",
        "relay",
        "reputation",
        "blacklist",
        "listed",
        "rbl",
        "dnsbl",
        "spf",
        "dkim",
        "dmarc",
        "auth",
        "helo",
        "ehlo",
        "sender",
        "reverse",
        "ptr",
        "ip ",
        "rate",
        "limit",
        "too many",
        "not allowed",
        "not permitted",
        "prohibited",
        "access",
        "banned",
        "abuse",
        "content",
        "quota",
        "full",
    ];
    match reply.enhanced() {
        Some(status) => names_no_mailbox(status),
        None if reply.code == 550 => {
            let text = reply.text.to_lowercase();
            !POLICY.iter().any(|word| text.contains(word))
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(text: &str) -> Reply {
        let (code, text) = text.split_once(' ').unwrap_or((text, ""));
        Reply { code: code.parse().unwrap(), text: text.to_string() }
    }

    #[test]
    fn an_address_is_suppressed_only_when_the_server_says_that_it_does_not_exist() {
        for (text, suppress) in [
            ("550 5.1.1 no such user", true),
            ("550 5.1.10 null MX", true),
            ("553 5.1.3 bad address", true),
            ("550 5.2.1 mailbox disabled", true),
            ("550 No such user here", true),
            ("550", true),
            ("550 5.7.1 no such user, by policy", false),
            ("550 5.7.1 relaying denied", false),
            ("550 Blocked by our reputation service", false),
            ("550 4.1.1 does not agree with the code", true),
            ("552 5.2.2 over quota", false),
            ("551 user not local", false),
            ("554 no", false),
        ] {
            let expected = Outcome::Refused { reply: text.to_string(), suppress };
            assert_eq!(about_recipient(&reply(text)), expected, "{text}");
        }
    }

    #[test]
    fn a_refusal_of_the_letter_suppresses_nobody() {
        let refused = Outcome::Refused { reply: "550 5.1.1 late".to_string(), suppress: false };
        assert_eq!(about_letter(&reply("550 5.1.1 late")), refused);
    }

    #[test]
    fn what_comes_back_before_the_recipient_is_named_is_about_us() {
        assert_eq!(about_us(&reply("554 5.7.1 go away")), Fault::Ours("554 5.7.1 go away".to_string()));
        assert_eq!(about_us(&reply("451 4.7.1 slow down")), Fault::Busy("451 4.7.1 slow down".to_string()));
        assert_eq!(
            about_recipient(&reply("450 4.2.0 greylisted")),
            Outcome::Deferred("450 4.2.0 greylisted".to_string())
        );
    }
}
