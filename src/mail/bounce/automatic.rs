//! Whether a program answered (RFC 3834): never a bounce, never a person who wants something.

use super::mime::Entity;

/// The fields that answering programs write beside, or instead of, `Auto-Submitted`.
const FIELDS: &[&str] =
    &["X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Auto-Response-Suppress", "X-Vacation"];

pub(super) fn is_automatic(message: &Entity<'_>) -> bool {
    let says = |name: &str| message.raw(name).map(|value| value.trim().to_ascii_lowercase());
    let first_word = |value: &str| value.split([';', ' ', '(']).next().unwrap_or("").to_string();
    // Before all others: what says that a person wrote it.
    if let Some(submitted) = says("Auto-Submitted") {
        return first_word(&submitted) != "no";
    }
    let precedence = says("Precedence").unwrap_or_default();
    let from_nobody = says("Return-Path").is_some_and(|path| path == "<>");
    from_nobody
        || matches!(first_word(&precedence).as_str(), "auto_reply" | "auto-reply" | "bulk" | "junk" | "list")
        || FIELDS.iter().any(|name| message.raw(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answering_programs_are_known_by_their_fields() {
        for (fields, automatic) in [
            ("Auto-Submitted: auto-replied", true),
            ("auto-submitted: Auto-Replied (vacation); owner-email=\"a@example.org\"", true),
            ("Auto-Submitted: auto-generated", true),
            ("Auto-Submitted: no\nPrecedence: bulk", false),
            ("Precedence: auto_reply", true),
            ("Precedence: bulk", true),
            ("Precedence: first-class", false),
            ("X-Auto-Response-Suppress: All", true),
            ("X-Autoreply: yes", true),
            ("Return-Path: <>", true),
            ("Return-Path: <a@example.org>", false),
            ("Subject: Out of office: 550 5.1.1", false),
        ] {
            let message = format!("From: a@example.org\n{fields}\n\nI am away.\n");
            assert_eq!(is_automatic(&Entity::read(message.as_bytes())), automatic, "{fields}");
        }
    }
}
