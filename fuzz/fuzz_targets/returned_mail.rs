//! Any bytes as a message that came back: never a crash, and a delivery is named only by a token of ours.
#![no_main]

use crieur::mail::address::Address;
use crieur::mail::bounce::{self, Meaning, Ours, Whose};
use crieur::mail::token;
use crieur::secrets::Secrets;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let secrets = Secrets::from_bytes([5; 32]);
    let bounces_to = Address::parse("bounces@lettre.example.org").ok();
    // Where the fuzzer writes TOKEN, there is one.
    let token = token::bounce(&secrets, 7, 42);
    let text = String::from_utf8_lossy(bytes).replace("TOKEN", &token);
    let ours = Ours { secrets: &secrets, bounces_to, newsletters: vec!["news"] };
    if let Meaning::Report(report) = bounce::read(text.as_bytes(), None, &ours) {
        if let Whose::Delivery { edition, recipient } = report.whose {
            assert_eq!((edition, recipient), (7, 42));
        }
        assert!(!report.cause.words.chars().any(char::is_control));
    }
});
