//! axe-core reads the letter, as Chromium shows it.

use crate::support::browser::{Browser, Look, list};
use crate::support::letters;

/// The rules of axe-core that are off, each with the reason.
pub const OFF: [(&str, &str); 2] = [
    (
        "landmark-one-main",
        "a webmail shows the letter inside a page that has its main landmark: a second one would be a fault there",
    ),
    ("region", "the same: what holds the letter is the landmark"),
];

#[test]
fn axe_finds_no_fault_in_a_letter_light_and_dark_wide_and_narrow() {
    let Some(mut browser) = Browser::start("axe_finds_no_fault_in_a_letter_light_and_dark_wide_and_narrow") else {
        return;
    };
    let mut faults = Vec::new();
    for letter in letters::all() {
        for (width, dark) in [(640, false), (640, true), (360, false), (360, true)] {
            let look = Look::at(&letter.path("html")).wide(width).dark(dark).pictures(&letter.sites);
            let seen = browser.look(&look.axe_without(&OFF.map(|(rule, _)| rule)));
            let passes: Vec<&str> = list(&seen, "passes").iter().filter_map(|rule| rule.as_str()).collect();
            for rule in ["color-contrast", "html-has-lang", "heading-order", "link-name", "image-alt"] {
                let needed = rule != "image-alt" || !list(&seen["geometry"], "images").is_empty();
                assert!(
                    !needed || passes.contains(&rule) || !list(&seen, "violations").is_empty(),
                    "{rule} was not tried"
                );
            }
            for rule in list(&seen, "violations") {
                let (id, help) = (&rule["id"], &rule["help"]);
                for node in list(rule, "nodes") {
                    let name = &letter.name;
                    faults.push(format!(
                        "{name}, {width} px, dark {dark}: {id} {help}\n  {}\n  {}",
                        node["html"], node["why"]
                    ));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
