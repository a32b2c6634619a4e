//! The parts of a shown letter: what those get who chose some of its topics, each in files beside the whole one.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

use crate::config::Newsletter;
use crate::digest::weight::Weight;
use crate::digest::{Composed, topics};

/// The whole letter's files.
const WHOLE: &str = "letter";
/// Longer names are none that every system takes.
const LONGEST: usize = 120;

/// One part, as it is shown.
pub struct Part {
    pub file: String,
    /// The choices that come to it.
    pub topics: Vec<String>,
    pub subject: String,
    pub items: Vec<String>,
    pub weight: Weight,
}

impl Part {
    pub fn as_json(&self) -> Value {
        json!({
            "file": self.file,
            "topics": self.topics,
            "subject": self.subject,
            "items": self.items,
            "html_bytes": self.weight.html_bytes,
            "text_bytes": self.weight.text_bytes,
            "letter_bytes": self.weight.letter_bytes,
        })
    }
}

/// What a variant's files are called, `letter` or `letter.TOPICS`, and the choices that come to it.
pub fn named(composed: &Composed, newsletter: &Newsletter, variant: usize) -> (String, Vec<String>) {
    let of_it = composed.shares.iter().filter(|share| share.variant == Some(variant));
    let choices: Vec<String> = of_it.map(|share| share.topics.clone()).collect();
    if variant == 0 {
        return (WHOLE.to_string(), choices);
    }
    // Names that the newsletter has are plain; of the others nobody knows.
    let known = choices.first().and_then(|first| topics::chosen(newsletter, first)).unwrap_or_default().join("+");
    let name = if known.is_empty() || known.len() > LONGEST { format!("part-{variant}") } else { known };
    (format!("{WHOLE}.{name}"), choices)
}

/// The choices for which nothing is in the letter.
pub fn without_a_letter(composed: &Composed) -> Vec<&str> {
    let nothing = composed.shares.iter().filter(|share| share.variant.is_none());
    nothing.map(|share| share.topics.as_str()).collect()
}

/// Removes the files of letters that are not these.
pub fn remove_others(folder: &Path, stems: &[String]) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((stem, "eml" | "html" | "txt")) = name.rsplit_once('.') else { continue };
        let is_ours = stem == WHOLE || stem.starts_with("letter.");
        if is_ours && !stems.iter().any(|one| one == stem) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
