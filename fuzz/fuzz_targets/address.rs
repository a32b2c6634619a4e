//! Any text as an address: what is taken can stand in an SMTP command and in a header, and is read back as itself.
#![no_main]

use crieur::mail::address::Address;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(address) = Address::parse(text) else { return };
    let written = address.to_string();
    assert!(!written.chars().any(char::is_control), "{written:?}");
    assert!(address.domain().is_ascii() && address.domain().contains(|c: char| c.is_ascii_alphanumeric()));
    assert_eq!(Address::parse(&written).as_ref(), Ok(&address));
    assert!(!address.with_detail("token").contains(['\r', '\n']));
});
