//! Any text as a generator's list of pages, and as a page: it is a list or a problem at its place, and a body or none.
#![no_main]

use crieur::body::built::Chooser;
use crieur::item::built::manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(problem) = manifest::parse(text, "var/pages.json", Default::default()) {
        assert!(problem.place.is_some() && problem.help.is_some());
    }
    let chooser = Chooser::new("article .content, body").expect("a selector");
    chooser.choose(text, "A title");
});
