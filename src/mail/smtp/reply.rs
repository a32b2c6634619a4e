//! A server's replies (RFC 5321, section 4.2), read line by line from what has arrived.
//!
//! Promises: half a line, or half a reply, is no reply; a line and a reply have a limit; what is no reply at all
//! (`nonsense`) is told apart from what has not come yet. Lines that end in a bare LF are taken.

use std::io;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::{Instant, timeout_at};

use crate::mail::outcome::Reply;
use crate::mail::wire::Wire;

/// The longest line that is read (RFC 5321 asks for 512 octets).
const LINE: usize = 4096;
/// The longest reply.
const REPLY: usize = 65_536;

/// What the bytes so far are.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A whole reply, and how many bytes it took.
    Whole(Reply, usize),
    /// The beginning of one.
    Half,
    Nonsense,
}

/// Why there is no reply.
#[derive(Debug)]
pub enum Cut {
    /// The stream ended, or broke.
    Ended(String),
    /// Nothing, or not all of it, in time.
    Silent(Duration),
    /// Something that is no reply.
    Nonsense(String),
}

impl Cut {
    pub fn words(&self) -> String {
        match self {
            Cut::Ended(words) | Cut::Nonsense(words) => words.clone(),
            Cut::Silent(limit) => format!("no answer within {} seconds", limit.as_secs()),
        }
    }
}

/// Reads the first reply.
pub fn parse(bytes: &[u8]) -> Parsed {
    let mut text = String::new();
    let mut code = None;
    let mut used = 0;
    loop {
        let rest = bytes.get(used..).unwrap_or_default();
        let Some(end) = memchr::memchr(b'\n', rest) else {
            // Its CR may be there already.
            let too_long = rest.len() > LINE + 1 || used > REPLY;
            let begins_wrong = rest.first().is_some_and(|byte| !byte.is_ascii_digit());
            return if too_long || begins_wrong { Parsed::Nonsense } else { Parsed::Half };
        };
        let line = rest.get(..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let [hundreds @ b'2'..=b'5', tens @ b'0'..=b'9', ones @ b'0'..=b'9', more @ ..] = line else {
            return Parsed::Nonsense;
        };
        let number = [hundreds, tens, ones].iter().fold(0, |sum, digit| sum * 10 + u16::from(**digit - b'0'));
        if *code.get_or_insert(number) != number || line.len() > LINE || used > REPLY {
            return Parsed::Nonsense;
        }
        used += end + 1;
        let (last, words) = match more {
            [b'-', words @ ..] => (false, words),
            [b' ', words @ ..] => (true, words),
            [] => (true, &[][..]),
            _ => return Parsed::Nonsense,
        };
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&String::from_utf8_lossy(words));
        if last {
            return Parsed::Whole(Reply { code: number, text }, used);
        }
    }
}

/// What has arrived and was not yet read.
#[derive(Debug, Default)]
pub struct Replies {
    bytes: Vec<u8>,
    used: usize,
}

impl Replies {
    /// The next reply, which must be whole within its time however it trickles in.
    pub async fn next(&mut self, wire: &mut Wire, limit: Duration) -> Result<Reply, Cut> {
        let mut deadline = None;
        loop {
            match parse(self.bytes.get(self.used..).unwrap_or_default()) {
                Parsed::Whole(reply, used) => {
                    self.used += used;
                    return Ok(reply);
                }
                Parsed::Nonsense => return Err(Cut::Nonsense("what the server said is no SMTP reply".to_string())),
                Parsed::Half => {}
            }
            self.bytes.drain(..self.used);
            self.used = 0;
            self.bytes.reserve(1024);
            let deadline = *deadline.get_or_insert_with(|| Instant::now() + limit);
            match timeout_at(deadline, wire.read(&mut self.bytes)).await {
                Err(_) => return Err(Cut::Silent(limit)),
                Ok(Err(error)) => return Err(Cut::Ended(broken(&error))),
                Ok(Ok(0)) if self.bytes.is_empty() => {
                    return Err(Cut::Ended("the server closed the connection".to_string()));
                }
                Ok(Ok(0)) => {
                    return Err(Cut::Ended(
                        "the server closed the connection in the middle of an answer".to_string(),
                    ));
                }
                Ok(Ok(_)) => {}
            }
        }
    }

    /// What has arrived although nothing was asked. Waits for nothing.
    pub async fn unasked(&mut self, wire: &mut Wire) -> Option<Result<Reply, Cut>> {
        if !self.has_more() {
            self.bytes.clear();
            self.used = 0;
            match wire.read(&mut self.bytes).now_or_never()? {
                Err(error) => return Some(Err(Cut::Ended(broken(&error)))),
                Ok(0) => return Some(Err(Cut::Ended("the server closed the connection".to_string()))),
                Ok(_) => {}
            }
        }
        Some(self.next(wire, Duration::from_secs(1)).await)
    }

    /// Whether more has arrived than was asked for so far.
    pub fn has_more(&self) -> bool {
        self.used < self.bytes.len()
    }
}

fn broken(error: &io::Error) -> String {
    format!("the connection broke: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(code: u16, text: &str, used: usize) -> Parsed {
        Parsed::Whole(Reply { code, text: text.to_string() }, used)
    }

    #[test]
    fn a_reply_is_read_whole_or_not_at_all() {
        for (bytes, parsed) in [
            ("250 ok\r\n", whole(250, "ok", 8)),
            ("250 ok\n354 go", whole(250, "ok", 7)),
            ("250\r\n", whole(250, "", 5)),
            ("250-a\r\n250-b c\r\n250 d\r\n220", whole(250, "a\nb c\nd", 23)),
            ("", Parsed::Half),
            ("2", Parsed::Half),
            ("250 ok", Parsed::Half),
            ("250 ok\r", Parsed::Half),
            ("250-ok\r\n", Parsed::Half),
            ("250-ok\r\n250", Parsed::Half),
            ("250-ok\r\n550 no\r\n", Parsed::Nonsense),
            ("HTTP/1.1 400 Bad", Parsed::Nonsense),
            ("25 ok\r\n", Parsed::Nonsense),
            ("2500 ok\r\n", Parsed::Nonsense),
            ("150 ok\r\n", Parsed::Nonsense),
            ("650 ok\r\n", Parsed::Nonsense),
            ("\r\n", Parsed::Nonsense),
        ] {
            assert_eq!(parse(bytes.as_bytes()), parsed, "{bytes:?}");
        }
    }

    #[test]
    fn a_line_and_a_reply_have_a_limit() {
        assert_eq!(parse(format!("250 {}", "a".repeat(5000)).as_bytes()), Parsed::Nonsense);
        assert_eq!(parse(format!("250 {}\r\n", "a".repeat(5000)).as_bytes()), Parsed::Nonsense);
        let endless = "250-and so on\r\n".repeat(10_000);
        assert_eq!(parse(endless.as_bytes()), Parsed::Nonsense);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_and_a_reply_never_takes_more_than_there_is(bytes: Vec<u8>) {
            if let Parsed::Whole(reply, used) = parse(&bytes) {
                assert!(used <= bytes.len() && (200..600).contains(&reply.code));
            }
        }

        #[test]
        fn a_reply_reads_the_same_however_it_is_cut(text in "[2-5][0-9]{2}[ -][a-z]{0,5}\r?\n[2-5][0-9]{2} [a-z]{0,5}\r\n") {
            let bytes = text.as_bytes();
            if let Parsed::Whole(reply, used) = parse(bytes) {
                for end in 0..used {
                    assert_eq!(parse(&bytes[..end]), Parsed::Half, "{end} of {text:?}");
                }
                assert_eq!(parse(&bytes[..used]), Parsed::Whole(reply, used));
            }
        }
    }
}
