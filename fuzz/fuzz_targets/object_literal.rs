//! Any text as a JavaScript module.
#![no_main]

use crieur::item::object_literal;
use crieur::problem::Source;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let _ = object_literal::read(&Source { path: "posts/posts.11tydata.js".to_string(), text: text.into() });
});
