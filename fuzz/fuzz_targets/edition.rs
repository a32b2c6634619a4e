//! Any text as an edition's file: a plan, or problems that have their line; and what has no error says the same when it
//! is read again.
#![no_main]

use std::collections::HashSet;

use chrono::{DateTime, NaiveTime};
use crieur::digest::ComposeInput;
use crieur::digest::edition_file::{self, Reading};
use crieur::problem::Source;
use libfuzzer_sys::fuzz_target;

mod project;

fuzz_target!(|text: &str| {
    let project = project::project();
    let none = HashSet::new();
    let input = ComposeInput {
        config: &project.config,
        newsletter: &project.config.newsletters[0],
        items: &project.items,
        renderer: &project.renderer,
        templates: &project.templates,
        known: &none,
        pictures: None,
        number: 7,
        now: DateTime::from_timestamp(1_795_000_000, 0).expect("a moment"),
    };
    let reading = Reading { input: &input, shown: &none, hour: NaiveTime::from_hms_opt(9, 0, 0).expect("an hour") };
    // As it is, and behind front matter, so that the fuzzer finds the lines.
    for text in [text.to_string(), format!("---\nnewsletter: letter\nnumber: 7\nsend: now\n---\n{text}")] {
        let source = Source::new("editions/letter-7.md", text);
        let (edition, problems) = edition_file::read(&source, reading);
        assert!(problems.iter().all(|problem| problem.place.is_some()));
        assert!(
            edition.has_letter() || !edition.later.is_empty() || !edition.offered.is_empty() || problems.has_errors()
        );
        let (again, _) = edition_file::read(&source, reading);
        assert_eq!(edition.mentioned(), again.mentioned());
    }
});
