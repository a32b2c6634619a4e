//! What is said of a finding, in French or English: `words/*.yaml`.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The words of one language.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Between a number's whole and its tenths.
    decimal: String,
    /// Short words that findings name.
    terms: BTreeMap<String, String>,
    codes: BTreeMap<String, Said>,
    #[serde(skip)]
    french: bool,
}

/// What is said of one finding.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// What is wrong, without a final full stop.
    pub message: String,
    /// What to do.
    pub help: String,
    /// Why it matters, to whom.
    pub why: String,
}

impl Words {
    /// The words for a letter's language; English where there are no others. A test holds that both files can be read.
    pub fn of(language: &str) -> Words {
        let french = language.split(['-', '_']).next().is_some_and(|primary| primary.eq_ignore_ascii_case("fr"));
        let text = if french { include_str!("words/fr.yaml") } else { include_str!("words/en.yaml") };
        Words { french, ..serde_yaml::from_str(text).unwrap_or_default() }
    }

    pub fn is_french(&self) -> bool {
        self.french
    }

    /// A number with one place after its point.
    pub fn number(&self, number: f64) -> String {
        format!("{number:.1}").replace('.', &self.decimal)
    }

    pub fn term(&self, name: &str) -> String {
        self.terms.get(name).cloned().unwrap_or_else(|| name.to_string())
    }

    /// What is said of a finding with these values.
    pub fn say(&self, code: &str, values: &[(&'static str, String)]) -> Said {
        let said = self.codes.get(code).cloned().unwrap_or_default();
        let fill = |text: String| fill(&text, values);
        Said { message: fill(said.message), help: fill(said.help), why: fill(said.why) }
    }

    #[cfg(test)]
    pub fn codes(&self) -> impl Iterator<Item = (&str, &Said)> {
        self.codes.iter().map(|(code, said)| (code.as_str(), said))
    }
}

/// `{name}` by its value; in one pass, so that a value is never filled in itself.
fn fill(text: &str, values: &[(&'static str, String)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        out.push_str(&rest[..open]);
        let inside = &rest[open + 1..];
        let close = inside.find('}');
        let value = close.and_then(|close| values.iter().find(|(name, _)| *name == &inside[..close]));
        match (close, value) {
            (Some(close), Some((_, value))) => {
                out.push_str(value);
                rest = &inside[close + 1..];
            }
            _ => {
                out.push('{');
                rest = inside;
            }
        }
    }
    out.push_str(rest);
    out
}
