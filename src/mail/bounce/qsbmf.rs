//! qmail's notices (QSBMF): not MIME, but of a fixed form. The body's first paragraph begins with `Hi. This is the`; each
//! paragraph that begins with `<ADDRESS>:` is a failure, and may end with its status as `(#5.1.1)`; a paragraph that
//! begins with `-` ends them, and the returned letter follows.
//!
//! BUGS: a notice that another program forwarded under a sender of its own is not known: only what no one sent is read.

use super::status::on_one_line;
use super::{Cause, Kind};
use crate::mail::outcome::{Enhanced, names_no_mailbox};

/// A notice, read.
pub(super) struct Notice<'a> {
    pub recipients: Vec<String>,
    pub cause: Cause,
    /// The returned letter, or as much of it as there is.
    pub returned: &'a [u8],
}

/// So much is looked at for the failures.
const LENGTH: usize = 64 * 1024;

pub(super) fn read(body: &[u8]) -> Option<Notice<'_>> {
    if !body.trim_ascii_start().starts_with(b"Hi. This is the") {
        return None;
    }
    let text = String::from_utf8_lossy(body.get(..LENGTH).unwrap_or(body));
    let text = text.replace("\r\n", "\n");
    let mut recipients = Vec::new();
    let mut causes = Vec::new();
    for paragraph in text.split("\n\n").skip(1) {
        let paragraph = paragraph.trim_matches('\n');
        if paragraph.starts_with('-') {
            break;
        }
        let Some((address, reason)) = paragraph.strip_prefix('<').and_then(|rest| rest.split_once(">:")) else {
            continue;
        };
        recipients.push(address.to_string());
        let code = reason.trim_end().strip_suffix(')').and_then(|reason| Some(reason.rsplit_once("(#")?.1));
        let code = code.and_then(Enhanced::parse);
        let hard = code.is_some_and(names_no_mailbox);
        let kind = if hard { Kind::Hard } else { Kind::Soft };
        causes.push(Cause { kind, status: code, words: on_one_line(reason) });
    }
    let cause = causes.into_iter().min_by_key(|cause| cause.kind == Kind::Hard)?;
    Some(Notice { recipients, cause, returned: behind_the_line(body) })
}

/// What follows the paragraph that begins with `-`.
fn behind_the_line(body: &[u8]) -> &[u8] {
    let mut position = 0;
    let mut line_seen = false;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        position += line.len();
        if line.starts_with(b"-") {
            line_seen = true;
        } else if line_seen && line.trim_ascii().is_empty() {
            return body.get(position..).unwrap_or_default();
        }
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTICE: &str = "Hi. This is the qmail-send program at mx.example.org.\n\
        I'm afraid I wasn't able to deliver your message to the following addresses.\n\
        This is a permanent error; I've given up. Sorry it didn't work out.\n\n\
        <ana@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n\
        --- Below this line is a copy of the message.\n\n\
        Return-Path: <lettre@example.org>\nMessage-ID: <x@example.org>\n\nbody\n";

    #[test]
    fn a_notice_names_the_address_its_status_and_the_letter() {
        let notice = read(NOTICE.as_bytes()).unwrap();
        assert_eq!(notice.recipients, ["ana@example.org"]);
        assert_eq!(notice.cause.kind, Kind::Hard);
        assert!(notice.returned.starts_with(b"Return-Path: <lettre@example.org>"));
        let crlf = NOTICE.replace('\n', "\r\n").replace("(#5.1.1)", "(#5.2.2)");
        let notice = read(crlf.as_bytes()).unwrap();
        assert_eq!(notice.cause.kind, Kind::Soft);
        assert_eq!(notice.cause.words, "Sorry, no mailbox here by that name. (#5.2.2)");
    }

    #[test]
    fn what_has_not_its_form_is_no_notice() {
        assert!(read(b"Hi Ana. This is the letter\n\n<a@example.org>:\n5.1.1\n").is_none());
        assert!(read(b"Hi. This is the qmail-send program\n\nno failure 5.1.1\n").is_none());
        let elsewhere = NOTICE.replace("by that name. (#5.1.1)", "(#5.1.1) by that name.");
        assert_eq!(read(elsewhere.as_bytes()).unwrap().cause.kind, Kind::Soft);
    }
}
