//! What is said before a body: MAIL, RCPT and DATA, with what the server's abilities allow to say beside them.

use std::sync::atomic::{AtomicBool, Ordering};

use super::hello::Abilities;
use super::{Fault, Outcome, Reply, about_letter, about_recipient, about_us};
use crate::mail::address::Address;

/// What is said before a body.
#[derive(Clone, Debug)]
pub struct Envelope {
    /// Where the letter comes back to, or nothing.
    pub sender: String,
    pub recipient: Address,
    /// The letter's bytes, its ends of lines included.
    pub bytes: usize,
    /// Whether it holds bytes beyond ASCII.
    pub eight_bit: bool,
    /// What a returned letter names it by (DSN's ENVID), told where the server takes it.
    pub id: Option<String>,
}

/// A command, in the order in which they are said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// RSET: the envelope before was refused when it had already begun.
    Reset,
    Mail,
    Recipient,
    Data,
}

impl Step {
    /// What a refusal at this step says about the letter.
    pub fn refusal(self, reply: &Reply) -> Outcome {
        match self {
            Step::Reset | Step::Mail => Outcome::Untried(about_us(reply)),
            Step::Recipient => about_recipient(reply),
            Step::Data => about_letter(reply),
        }
    }

    /// What becomes of the letter when no answer comes at this step.
    pub fn lost(self, words: String) -> Outcome {
        match self {
            Step::Reset | Step::Mail => Outcome::Untried(Fault::Lost(words)),
            // It counts as a try: a recipient on whom the server hangs up must not come first again and again.
            Step::Recipient | Step::Data => Outcome::Deferred(words),
        }
    }
}

impl Envelope {
    /// Whether this letter can go through this server at all.
    pub(super) fn check(&self, abilities: &Abilities) -> Result<(), Outcome> {
        let refused = |reply: String| Err(Outcome::Refused { reply, suppress: false });
        if self.sender.chars().any(|c| c.is_control() || c == '>' || c == '<') {
            return Err(Outcome::Untried(Fault::Ours("the envelope's sender is no address".to_string())));
        }
        if !self.sender.is_ascii() && !abilities.utf8 {
            let words = "the server takes no sender with letters beyond ASCII (SMTPUTF8)".to_string();
            return Err(Outcome::Untried(Fault::Ours(words)));
        }
        if self.recipient.needs_utf8() && !abilities.utf8 {
            let words = "the server takes no address with letters beyond ASCII before the @ (SMTPUTF8)";
            return refused(words.to_string());
        }
        match abilities.longest {
            Some(longest) if self.bytes > longest => {
                let bytes = self.bytes;
                refused(format!("the letter has {bytes} bytes, and the server takes no more than {longest} (SIZE)"))
            }
            _ => Ok(()),
        }
    }

    /// Writes a command with its end of line.
    pub(super) fn write(&self, step: Step, abilities: &Abilities, out: &mut Vec<u8>) {
        match step {
            Step::Reset => out.extend_from_slice(b"RSET"),
            Step::Mail => self.write_mail(abilities, out),
            Step::Recipient => {
                out.extend_from_slice(b"RCPT TO:<");
                out.extend_from_slice(self.recipient.to_string().as_bytes());
                out.push(b'>');
            }
            Step::Data => out.extend_from_slice(b"DATA"),
        }
        out.extend_from_slice(b"\r\n");
    }

    fn write_mail(&self, abilities: &Abilities, out: &mut Vec<u8>) {
        out.extend_from_slice(b"MAIL FROM:<");
        out.extend_from_slice(self.sender.as_bytes());
        out.push(b'>');
        if abilities.size {
            out.extend_from_slice(format!(" SIZE={}", self.bytes).as_bytes());
        }
        let utf8 = self.recipient.needs_utf8() || !self.sender.is_ascii();
        if (self.eight_bit || utf8) && abilities.eight_bit {
            out.extend_from_slice(b" BODY=8BITMIME");
        }
        if utf8 {
            out.extend_from_slice(b" SMTPUTF8");
        }
        // RFC 3461, section 4.4: at most 100 characters, which are printable ASCII once they are decoded.
        if let Some(id) = self.id.as_ref().filter(|id| abilities.dsn && id.len() <= 100 && !id.is_empty()) {
            out.extend_from_slice(b" ENVID=");
            xtext(id, out);
        }
    }
}

/// RFC 3461, section 4: what could end or divide the parameter is written in hexadecimal.
fn xtext(text: &str, out: &mut Vec<u8>) {
    for byte in text.bytes() {
        match byte {
            b'!'..=b'~' if byte != b'+' && byte != b'=' => out.push(byte),
            _ => out.extend_from_slice(format!("+{byte:02X}").as_bytes()),
        }
    }
}

/// What is known of a server's PIPELINING, shared by all connections to it.
///
/// BUGS: a server is judged by its first groups: one whose connection breaks in the very first is spoken to one command
/// at a time for as long as the process lives.
#[derive(Debug, Default)]
pub struct Pipelining {
    /// It has shown that it cannot.
    off: AtomicBool,
    /// It has answered all of a MAIL, RCPT and DATA that were said at once.
    together: AtomicBool,
    /// It has answered an envelope that was said together with a body's end.
    ahead: AtomicBool,
}

impl Pipelining {
    pub fn is_off(&self) -> bool {
        self.off.load(Ordering::Relaxed)
    }

    pub(super) fn turn_off(&self) {
        self.off.store(true, Ordering::Relaxed);
    }

    pub(super) fn is_proven(&self, ahead: bool) -> bool {
        if ahead { &self.ahead } else { &self.together }.load(Ordering::Relaxed)
    }

    pub(super) fn prove(&self, ahead: bool) {
        if ahead { &self.ahead } else { &self.together }.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(sender: &str, recipient: &str) -> Envelope {
        let recipient = Address::parse(recipient).expect("an address");
        Envelope { sender: sender.to_string(), recipient, bytes: 1234, eight_bit: false, id: None }
    }

    fn written(envelope: &Envelope, abilities: &Abilities) -> String {
        let mut out = Vec::new();
        for step in [Step::Reset, Step::Mail, Step::Recipient, Step::Data] {
            envelope.write(step, abilities, &mut out);
        }
        String::from_utf8(out).expect("UTF-8")
    }

    fn all() -> Abilities {
        Abilities { pipelining: true, eight_bit: true, utf8: true, dsn: true, size: true, ..Abilities::default() }
    }

    #[test]
    fn only_what_was_offered_is_said() {
        let mut envelope = envelope("b+t@example.org", "a@préfecture.example.org");
        envelope.eight_bit = true;
        envelope.id = Some("a+b=c d@example.org".to_string());
        assert_eq!(
            written(&envelope, &Abilities::default()),
            "RSET\r\nMAIL FROM:<b+t@example.org>\r\nRCPT TO:<a@xn--prfecture-c4a.example.org>\r\nDATA\r\n"
        );
        assert_eq!(
            written(&envelope, &all()),
            "RSET\r\nMAIL FROM:<b+t@example.org> SIZE=1234 BODY=8BITMIME ENVID=a+2Bb+3Dc+20d@example.org\r\n\
             RCPT TO:<a@xn--prfecture-c4a.example.org>\r\nDATA\r\n"
        );
        envelope.id = Some("a".repeat(101));
        assert!(!written(&envelope, &all()).contains("ENVID"));
    }

    #[test]
    fn letters_beyond_ascii_need_a_server_that_takes_them() {
        let envelope = envelope("", "é@example.org");
        assert!(written(&envelope, &all()).starts_with("RSET\r\nMAIL FROM:<> SIZE=1234 BODY=8BITMIME SMTPUTF8\r\n"));
        assert!(matches!(envelope.check(&Abilities::default()), Err(Outcome::Refused { suppress: false, .. })));
        assert_eq!(envelope.check(&all()), Ok(()));
    }

    #[test]
    fn a_letter_that_the_server_says_is_too_long_is_not_tried() {
        let envelope = envelope("a@example.org", "b@example.org");
        for (longest, fits) in [(None, true), (Some(1234), true), (Some(1233), false)] {
            assert_eq!(envelope.check(&Abilities { longest, ..all() }).is_ok(), fits, "{longest:?}");
        }
    }

    #[test]
    fn no_sender_can_end_its_command() {
        for sender in ["a@b\r\nRCPT TO:<c@example.org>", "a@b> SIZE=1", "a\0"] {
            let checked = envelope(sender, "b@example.org").check(&all());
            assert!(matches!(checked, Err(Outcome::Untried(Fault::Ours(_)))), "{sender:?}");
        }
    }
}
