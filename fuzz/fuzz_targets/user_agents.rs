//! Any bytes as a feed reader's name for itself: a short, plain name that is no address, and a number that somebody can have.
#![no_main]

use crieur::web::agents;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let agent = agents::read(bytes);
    assert!((1..=24).contains(&agent.name.len()) && agent.name.is_ascii(), "{}", agent.name);
    assert!(agent.is_known || !agent.name.contains(['@', '.', '/', ' ', '"', '\\']), "{}", agent.name);
    assert!((0..=10_000_000).contains(&agent.subscribers));
    assert!(agent.source.len() <= 32 && agent.source.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    // As services say it, whatever stands around it.
    let text = String::from_utf8_lossy(bytes);
    let said: String = text.chars().filter(|c| !c.is_ascii_digit()).take(100).collect();
    if !["subscriber", "reader"].iter().any(|word| said.to_ascii_lowercase().contains(word)) {
        assert_eq!(agents::read(format!("Reading/1.0 ({said}; 42 subscribers)").as_bytes()).subscribers, 42);
    }
});
