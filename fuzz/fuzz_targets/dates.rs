//! Any text as a date, in a zone whose midnights summer time has skipped, and as a file's name.
#![no_main]

use chrono_tz::America::Sao_Paulo;
use crieur::item::dates;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(dated) = dates::parse(text, Sao_Paulo) {
        let again = dates::parse(&dated.instant.to_rfc3339(), Sao_Paulo).expect("what is written is read");
        assert_eq!(again.instant, dated.instant);
    }
    let _ = dates::name_with_day(text);
    let _ = dates::path_with_day(text);
});
