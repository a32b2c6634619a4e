//! What a delivery status (RFC 3464) says: what became of the letter, and why, by its enhanced status code (RFC 3463).
//!
//! The status is taken from `Status`; where that is one of those that say nothing (`5.0.0`: Exim writes no other), from
//! the reply that `Diagnostic-Code: smtp; …` quotes, if that begins with a code. Words are shown to people, never searched.

use super::mime::{field, field_groups};
use super::{Cause, Kind};
use crate::mail::outcome::{Enhanced, names_no_mailbox};

/// A status report, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Status {
    /// The envelope's id, as the sender gave it.
    pub envelope_id: Option<String>,
    /// The addresses that it is about, as far as it says.
    pub recipients: Vec<String>,
    pub cause: Option<Cause>,
}

/// What one recipient's group says.
struct Fate {
    kind: Kind,
    code: Option<Enhanced>,
    words: String,
}

pub(super) fn read(content: &[u8]) -> Status {
    let text = String::from_utf8_lossy(content);
    let groups = field_groups(&text);
    let mut status = Status::default();
    let mut fates = Vec::new();
    for group in &groups {
        status.envelope_id = status.envelope_id.or_else(|| field(group, "original-envelope-id").map(str::to_string));
        for name in ["original-recipient", "final-recipient"] {
            status.recipients.extend(field(group, name).map(typed));
        }
        fates.extend(fate(group));
    }
    status.cause = decide(fates);
    status
}

/// `rfc822; a@example.org` without its type.
fn typed(value: &str) -> String {
    value.split_once(';').map_or(value, |(_, address)| address).trim().to_string()
}

fn fate(group: &[(String, String)]) -> Option<Fate> {
    let diagnostic = field(group, "diagnostic-code");
    let written = field(group, "status").and_then(|status| Enhanced::parse(status.split_whitespace().next()?));
    let quoted = || Enhanced::of_reply(diagnostic?.trim().strip_prefix_ignoring_case("smtp;")?.trim());
    let code = match written {
        Some(code) if code.subject != 0 => Some(code),
        // A status that says no more than "failed".
        Some(code) => quoted().filter(|quoted| quoted.class == code.class).or(Some(code)),
        None => quoted(),
    };
    let action = field(group, "action").map(|action| action.split_whitespace().next().unwrap_or("").to_lowercase());
    let kind = match (action.as_deref(), code) {
        (Some("failed"), Some(code)) if names_no_mailbox(code) => Kind::Hard,
        (Some("failed"), _) => Kind::Soft,
        (Some("delayed"), _) => Kind::Delayed,
        (Some("delivered" | "relayed" | "expanded"), _) => Kind::Arrived,
        // No group of a recipient: the first one tells of the message.
        _ => return None,
    };
    let code_words = code.map(|code| code.to_string()).unwrap_or_default();
    let words = match diagnostic.map(typed) {
        Some(words) if words.contains(&code_words) => words,
        Some(words) => format!("{code_words} {words}"),
        None => code_words,
    };
    Some(Fate { kind, code, words: on_one_line(&words) })
}

/// What the letter's recipient is to be thought of: one address may have been made several on its way, and as long as one
/// of these was reached, the mailbox is there.
fn decide(fates: Vec<Fate>) -> Option<Cause> {
    let reached = fates.iter().any(|fate| fate.kind == Kind::Arrived);
    let rank = |fate: &Fate| match fate.kind {
        Kind::Soft => 0,
        Kind::Hard => 1,
        Kind::Delayed => 2,
        _ => 3,
    };
    let worst = fates.into_iter().min_by_key(rank)?;
    let kind = if worst.kind == Kind::Hard && reached { Kind::Soft } else { worst.kind };
    Some(Cause { kind, status: worst.code, words: worst.words })
}

/// A server's words as people read them.
pub(super) fn on_one_line(words: &str) -> String {
    let words: String = words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect();
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

trait StripPrefix {
    fn strip_prefix_ignoring_case(&self, prefix: &str) -> Option<&str>;
}

impl StripPrefix for str {
    fn strip_prefix_ignoring_case(&self, prefix: &str) -> Option<&str> {
        let (start, rest) = self.split_at_checked(prefix.len())?;
        start.eq_ignore_ascii_case(prefix).then_some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(groups: &str) -> Option<(Kind, String, String)> {
        let content = format!("Reporting-MTA: dns; mx.example.org\nOriginal-Envelope-Id: abc\n\n{groups}");
        let status = read(content.as_bytes());
        assert_eq!(status.envelope_id.as_deref(), Some("abc"));
        let cause = status.cause?;
        Some((cause.kind, cause.status.map(|code| code.to_string()).unwrap_or_default(), cause.words))
    }

    #[test]
    fn the_status_says_what_a_failure_means() {
        for (fields, kind, code) in [
            ("Action: failed\nStatus: 5.1.1", Kind::Hard, "5.1.1"),
            ("Action: failed\nStatus: 5.1.1 (no such user)", Kind::Hard, "5.1.1"),
            ("Action: Failed\nStatus: 5.1.10", Kind::Hard, "5.1.10"),
            ("Action: failed (x)\nStatus: 5.2.1", Kind::Hard, "5.2.1"),
            ("Action: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 5.1.1 no", Kind::Soft, "5.2.2"),
            ("Action: failed\nStatus: 5.7.1\nDiagnostic-Code: smtp; 550 user unknown", Kind::Soft, "5.7.1"),
            ("Action: failed\nStatus: 4.4.7\nDiagnostic-Code: smtp; 450 4.1.1 no", Kind::Soft, "4.4.7"),
            ("Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 5.1.1 no", Kind::Hard, "5.1.1"),
            ("Action: failed\nStatus: 5.0.0\nDiagnostic-Code: SMTP; 550-5.1.1 no", Kind::Hard, "5.1.1"),
            ("Action: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; 550 User unknown 5.1.1", Kind::Soft, "5.0.0"),
            ("Action: failed\nStatus: 5.0.0\nDiagnostic-Code: x-unix; 550 5.1.1 no", Kind::Soft, "5.0.0"),
            ("Action: failed\nDiagnostic-Code: smtp; 550 5.1.3 no", Kind::Hard, "5.1.3"),
            ("Action: failed", Kind::Soft, ""),
            ("Action: delayed\nStatus: 4.4.1", Kind::Delayed, "4.4.1"),
            ("Action: relayed\nStatus: 2.0.0", Kind::Arrived, "2.0.0"),
        ] {
            let read = cause(&format!("Final-Recipient: rfc822; a@example.org\n{fields}\n"));
            assert_eq!(read.map(|(kind, code, _)| (kind, code)), Some((kind, code.to_string())), "{fields}");
        }
        assert_eq!(cause("Final-Recipient: rfc822; a@example.org\n"), None);
        assert_eq!(cause("Final-Recipient: rfc822; a@example.org\nAction: eaten\nStatus: 5.1.1\n"), None);
    }

    #[test]
    fn of_several_recipients_the_mildest_failure_counts() {
        let group =
            |action: &str, code: &str| format!("Final-Recipient: rfc822; x\nAction: {action}\nStatus: {code}\n\n");
        let kind = |groups: &[(&str, &str)]| {
            let text: String = groups.iter().map(|(action, code)| group(action, code)).collect();
            cause(&text).map(|(kind, ..)| kind)
        };
        assert_eq!(kind(&[("failed", "5.1.1"), ("failed", "5.1.1")]), Some(Kind::Hard));
        assert_eq!(kind(&[("failed", "5.1.1"), ("failed", "5.2.2")]), Some(Kind::Soft));
        assert_eq!(kind(&[("failed", "5.1.1"), ("delivered", "2.0.0")]), Some(Kind::Soft));
        assert_eq!(kind(&[("delayed", "4.4.1"), ("delivered", "2.0.0")]), Some(Kind::Delayed));
    }

    #[test]
    fn words_are_the_servers_with_the_status_before_them() {
        let words = |fields: &str| cause(&format!("Action: failed\n{fields}")).map(|(_, _, words)| words);
        assert_eq!(
            words("Status: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 <a@example.org>:\n   unknown").as_deref(),
            Some("550 5.1.1 <a@example.org>: unknown")
        );
        assert_eq!(words("Status: 5.1.1\nDiagnostic-Code: x-unix; no\u{7} box").as_deref(), Some("5.1.1 no box"));
    }
}
