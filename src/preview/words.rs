//! The words of the page, in the site's language: French, else English.
//!
//! Dates and moments are the letters' own (`digest::language`).

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::digest::language::primary;

const FRENCH: &str = include_str!("page/fr.yaml");
const ENGLISH: &str = include_str!("page/en.yaml");

/// One language's words.
#[derive(Clone, Debug)]
pub struct Words {
    /// BCP 47, the page's.
    pub language: &'static str,
    texts: BTreeMap<String, Text>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Text {
    Always(String),
    ByCount { one: String, other: String },
}

impl Words {
    /// The words for a site of this language.
    pub fn of(language: &str) -> Words {
        let (language, text) = if primary(language) == "fr" { ("fr", FRENCH) } else { ("en", ENGLISH) };
        // Both files are read in the tests.
        Words { language, texts: serde_yaml::from_str(text).unwrap_or_default() }
    }

    /// A text with its places filled in; `count` chooses between singular and plural. An unknown name is shown as it is.
    pub fn say(&self, name: &str, values: &[(&str, &str)]) -> String {
        let mut said = match self.texts.get(name) {
            None => return name.to_string(),
            Some(Text::Always(text)) => text.clone(),
            Some(Text::ByCount { one, other }) => {
                let count = values.iter().find(|(name, _)| *name == "count").map_or("", |(_, count)| count);
                let singular = count == "1" || (self.language == "fr" && count == "0");
                if singular { one.clone() } else { other.clone() }
            }
        };
        for (name, value) in values {
            said = said.replace(&format!("{{{name}}}"), value);
        }
        said
    }

    /// A number of bytes, as people read it.
    pub fn bytes(&self, bytes: u64) -> String {
        let decimal = |n: f64| {
            let text = if n < 100.0 { format!("{n:.1}") } else { format!("{n:.0}") };
            if self.language == "fr" { text.replace('.', ",") } else { text }
        };
        match bytes {
            0..1000 => self.say("bytes", &[("n", &bytes.to_string())]),
            1000..1_000_000 => self.say("bytes_k", &[("n", &decimal(bytes as f64 / 1000.0))]),
            _ => self.say("bytes_m", &[("n", &decimal(bytes as f64 / 1_000_000.0))]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_say_the_same_things() {
        let (french, english) = (Words::of("fr-CA"), Words::of("de"));
        assert!(french.texts.len() > 50);
        assert_eq!(french.texts.keys().collect::<Vec<_>>(), english.texts.keys().collect::<Vec<_>>());
    }

    #[test]
    fn numbers_choose_their_form() {
        let french = Words::of("fr");
        assert_eq!(french.say("items", &[("count", "0")]), "0 nouvelle");
        assert_eq!(Words::of("en").say("items", &[("count", "0")]), "0 items");
        assert_eq!(french.bytes(12_345), "12,3\u{a0}ko");
        assert_eq!(french.say("number", &[("title", "L"), ("number", "3")]), "L · n°\u{a0}3");
    }
}
