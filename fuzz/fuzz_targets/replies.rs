//! Any bytes as a mail server's answers: what is read is whole, no half of it is, and it is shown on one line.
#![no_main]

use crieur::mail::smtp::reply::{Parsed, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Parsed::Whole(reply, used) = parse(bytes) else { return };
    assert!((200..600).contains(&reply.code) && (4..=bytes.len()).contains(&used));
    assert!(bytes[..used].ends_with(b"\n"));
    assert_eq!(parse(&bytes[..used - 1]), Parsed::Half);
    assert!(!reply.words().chars().any(char::is_control));
});
