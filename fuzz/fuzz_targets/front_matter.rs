//! Any bytes of a file: decoded, its front matter read, or a problem that has its line.
#![no_main]

use crieur::item::{decode, front_matter};
use crieur::problem::Source;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    match decode::decode(bytes, "posts/fuzz.md") {
        Ok(text) => {
            let source = Source { path: "posts/fuzz.md".to_string(), text: text.into() };
            match front_matter::read(&source) {
                Ok(Some(found)) => assert!(source.text.is_char_boundary(found.body_start)),
                Ok(None) => {}
                Err(problem) => assert!(problem.place.is_some_and(|place| place.line.is_some())),
            }
        }
        Err(problem) => assert!(problem.place.is_some_and(|place| place.line.is_some())),
    }
});
