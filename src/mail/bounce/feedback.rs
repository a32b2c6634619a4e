//! A feedback report (RFC 5965): a reader told their mail provider what they think of the letter.

use super::mime::{field, field_groups};
use super::{Cause, Kind};

/// A feedback report, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Feedback {
    pub envelope_id: Option<String>,
    /// The letter's envelope sender, which holds its token.
    pub mail_from: Option<String>,
    pub recipients: Vec<String>,
    pub cause: Option<Cause>,
}

pub(super) fn read(content: &[u8]) -> Feedback {
    let text = String::from_utf8_lossy(content);
    // One group; a writer who left an empty line in between meant the same.
    let fields: Vec<(String, String)> = field_groups(&text).into_iter().flatten().collect();
    let word = |name: &str| field(&fields, name).map(|value| value.trim_matches(['<', '>']).to_string());
    let cause = field(&fields, "feedback-type").map(|kind| {
        let kind = kind.split_whitespace().next().unwrap_or("").to_ascii_lowercase();
        let complaint = kind == "abuse";
        let kind = if kind.is_ascii() { kind } else { "other".to_string() };
        Cause {
            kind: if complaint { Kind::Complaint } else { Kind::Feedback },
            status: None,
            words: kind.chars().take(40).collect(),
        }
    });
    let named = fields.iter().filter(|(name, _)| name == "original-rcpt-to");
    Feedback {
        envelope_id: word("original-envelope-id"),
        mail_from: word("original-mail-from"),
        recipients: named.map(|(_, value)| value.trim_matches(['<', '>']).to_string()).collect(),
        cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abuse_is_a_complaint_and_every_other_type_is_only_counted() {
        for (written, kind) in [
            ("abuse", Kind::Complaint),
            ("Abuse (spam)", Kind::Complaint),
            ("not-spam", Kind::Feedback),
            ("fraud", Kind::Feedback),
            ("virus", Kind::Feedback),
            ("", Kind::Feedback),
        ] {
            let text = format!(
                "Feedback-Type: {written}\r\nUser-Agent: x/1\r\nVersion: 1\r\nOriginal-Mail-From: <b+t@example.org>\r\n\
                 Original-Rcpt-To: <a@example.org>\r\n"
            );
            let feedback = read(text.as_bytes());
            assert_eq!(feedback.cause.map(|cause| cause.kind), Some(kind), "{written}");
            assert_eq!(feedback.mail_from.as_deref(), Some("b+t@example.org"));
            assert_eq!(feedback.recipients, ["a@example.org"]);
        }
        assert_eq!(read(b"Version: 1\r\n").cause, None);
    }
}
