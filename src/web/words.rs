//! The words of the pages, in the newsletter's or the site's language: French, else English.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use crate::digest::language::primary;
use crate::status::words::fill;

/// A file a capability.
const FRENCH: &[&str] = &[
    include_str!("pages/fr/common.yaml"),
    include_str!("pages/fr/archive.yaml"),
    include_str!("pages/fr/home.yaml"),
    include_str!("pages/fr/joining.yaml"),
    include_str!("pages/fr/leaving.yaml"),
    include_str!("pages/fr/managing.yaml"),
];
const ENGLISH: &[&str] = &[
    include_str!("pages/en/common.yaml"),
    include_str!("pages/en/archive.yaml"),
    include_str!("pages/en/home.yaml"),
    include_str!("pages/en/joining.yaml"),
    include_str!("pages/en/leaving.yaml"),
    include_str!("pages/en/managing.yaml"),
];

/// One language's words.
#[derive(Clone, Debug)]
pub struct Words {
    /// BCP 47, the page's.
    pub language: &'static str,
    texts: Arc<BTreeMap<String, String>>,
}

/// Read once: they are compiled in, and every page says some.
static READ: LazyLock<[Words; 2]> = LazyLock::new(|| [Words::read("fr", FRENCH), Words::read("en", ENGLISH)]);

impl Words {
    pub fn of(language: &str) -> Words {
        READ[usize::from(primary(language) != "fr")].clone()
    }

    fn read(language: &'static str, files: &[&str]) -> Words {
        // All files are read in the tests.
        let read = |text: &&str| serde_yaml::from_str::<BTreeMap<String, String>>(text).unwrap_or_default();
        Words { language, texts: Arc::new(files.iter().flat_map(read).collect()) }
    }

    /// A text with its places filled in. An unknown name is shown as it is.
    pub fn say(&self, name: &str, values: &[(&str, &str)]) -> String {
        self.texts.get(name).map_or_else(|| name.to_string(), |text| fill(text, values))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::words::tests::say_the_same;

    #[test]
    fn both_languages_say_the_same_things_with_the_same_places() {
        let (french, english) = (Words::of("fr-CA"), Words::of("de"));
        assert!(french.texts.len() > 25);
        say_the_same(&french.texts, &english.texts);
    }

    #[test]
    fn a_value_is_not_looked_at_for_places() {
        assert_eq!(Words::of("en").say("leave_title", &[("newsletter", "{address}")]), "Stop receiving “{address}”?");
    }
}
