//! What mail programs do not do: the table `clients.yaml`, and what it says of an element, an attribute, a style.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::css::Declaration;

/// The table, as its file says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clients {
    /// The day of the facts.
    pub facts: String,
    names: BTreeMap<String, String>,
    elements: BTreeMap<String, Lack>,
    attributes: BTreeMap<String, Lack>,
    styles: Vec<Style>,
    values: Vec<Value>,
}

/// Who lacks a thing, and what that costs a reader.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lack {
    pub lack: Vec<String>,
    pub loss: Loss,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Loss {
    Breaks,
    Degrades,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Style {
    /// May end in `*`.
    name: String,
    /// Only with one of these words, or of these functions (`url(`); empty: any value.
    #[serde(default)]
    values: Vec<String>,
    /// Only with a number below zero.
    #[serde(default)]
    negative: bool,
    /// Not when one of these stands beside it.
    #[serde(default)]
    unless: Vec<String>,
    lack: Vec<String>,
    loss: Loss,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Value {
    value: Option<String>,
    unit: Option<String>,
    lack: Vec<String>,
    loss: Loss,
}

impl Clients {
    /// The table compiled in; a test holds that it can be read.
    pub fn read() -> Clients {
        serde_yaml::from_str(include_str!("clients.yaml")).unwrap_or_default()
    }

    /// Who loses something by this element.
    pub fn element(&self, name: &str) -> Option<&[String]> {
        self.elements.get(name).filter(|lack| lack.loss == Loss::Breaks).map(|lack| lack.lack.as_slice())
    }

    pub fn attribute(&self, name: &str) -> Option<&[String]> {
        self.attributes.get(name).filter(|lack| lack.loss == Loss::Breaks).map(|lack| lack.lack.as_slice())
    }

    /// Who loses something by one of an element's styles; `all` are those of the same attribute.
    pub fn style(&self, own: &Declaration, all: &[Declaration]) -> Option<&[String]> {
        let has_fallback = all.iter().any(|other| other.name == own.name && other.range.start < own.range.start);
        if has_fallback {
            return None;
        }
        let beside = |name: &String| {
            all.iter().any(|other| other.name == *name && (other.name != "background" || has_colour(&other.value)))
        };
        let by_name = self.styles.iter().find(|style| {
            let named = match style.name.strip_suffix('*') {
                Some(start) => own.name.starts_with(start),
                None => own.name == style.name,
            };
            named
                && (style.values.is_empty() || style.values.iter().any(|word| holds(&own.value, word)))
                && (!style.negative || is_negative(&own.value))
                && !(style.name == "background" && has_colour(&own.value))
                && !style.unless.iter().any(beside)
                && own.value != "none"
        });
        if let Some(style) = by_name.filter(|style| style.loss == Loss::Breaks) {
            return Some(&style.lack);
        }
        let by_value = self.values.iter().find(|value| {
            value.value.as_ref().is_some_and(|function| holds(&own.value, function))
                || value.unit.as_ref().is_some_and(|unit| has_unit(&own.value, unit))
        });
        by_value.filter(|value| value.loss == Loss::Breaks).map(|value| value.lack.as_slice())
    }

    /// The names of mail programs, as people know them, in this language.
    pub fn names(&self, clients: &[String], french: bool) -> String {
        let name = |key: &String| {
            let name = self.names.get(key).map_or(key.as_str(), String::as_str);
            match name.split_once(" | ") {
                Some((own, _)) if french => own.to_string(),
                Some((_, other)) => other.to_string(),
                None => name.to_string(),
            }
        };
        clients.iter().map(name).collect::<Vec<_>>().join(", ")
    }
}

/// Whether a value has this word, or calls this function (`url(`).
fn holds(value: &str, word: &str) -> bool {
    if word.ends_with('(') {
        let value = value.to_ascii_lowercase();
        return value.match_indices(word).any(|(at, _)| {
            word == "gradient(" || !value[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '-')
        });
    }
    value.split(|c: char| c.is_whitespace() || c == ',').any(|part| part == word)
}

fn has_colour(value: &str) -> bool {
    value.split_whitespace().any(|part| super::colour::parse(part).is_some())
}

fn is_negative(value: &str) -> bool {
    value.split_whitespace().any(|part| {
        part.strip_prefix('-').is_some_and(|number| {
            number.starts_with(|c: char| c.is_ascii_digit() || c == '.')
                && number.contains(|c: char| ('1'..='9').contains(&c))
        })
    })
}

/// A number with this unit right behind it.
fn has_unit(value: &str, unit: &str) -> bool {
    value.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')' | '/')).any(|part| {
        part.strip_suffix(unit).is_some_and(|number| {
            !number.is_empty() && number.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::css::declarations;

    fn table() -> Clients {
        serde_yaml::from_str(include_str!("clients.yaml")).expect("a table")
    }

    #[test]
    fn the_table_names_no_program_that_it_does_not_know() {
        let table = table();
        assert_eq!(table.facts.len(), 10);
        let lists = table.elements.values().chain(table.attributes.values()).map(|lack| &lack.lack);
        let lists = lists.chain(table.styles.iter().map(|s| &s.lack)).chain(table.values.iter().map(|v| &v.lack));
        for name in lists.flatten() {
            assert!(table.names.contains_key(name), "{name}");
        }
    }

    #[test]
    fn what_breaks_is_told_from_what_degrades() {
        let table = table();
        let lacking = |style: &str| {
            let all = declarations(style, 0);
            let found = all.iter().find_map(|own| table.style(own, &all));
            found.map(|clients| table.names(clients, false))
        };
        let outlook = Some("Outlook (Windows), Orange".to_string());
        assert_eq!(lacking("display: flex"), outlook);
        assert_eq!(lacking("display: block; max-width: 600px; border-radius: 4px; box-shadow: 0 0 2px #000"), None);
        assert_eq!(
            lacking("width: 100%; width: min(100%, 600px)"),
            None,
            "the first holds where the second does not"
        );
        assert_eq!(lacking("font-size: 1.2rem"), outlook);
        assert_eq!(lacking("font-family: rem, Arial; margin: 0 auto"), None);
        assert_eq!(lacking("color: rgba(0, 0, 0, .8)"), outlook);
        assert_eq!(lacking("background-image: url(a.png); background-color: #fff"), None);
        assert_eq!(lacking("background-image: url(a.png)").as_deref(), Some("Outlook (Windows)"));
        assert_eq!(lacking("background: #fff url(a.png)"), None);
        assert_eq!(lacking("background: linear-gradient(red, blue)").as_deref(), Some("Outlook (Windows)"));
        assert_eq!(lacking("margin: -4px 0").as_deref(), Some("Outlook (Windows), Gmail, Outlook.com"));
        assert_eq!(lacking("margin-inline-start: 16px"), None);
        assert_eq!(lacking("transform: none; opacity: .9"), None);
        assert_eq!(lacking("display: none; opacity: 0"), None);
        assert_eq!(table.names(&["all".to_string()], true), "tous les programmes");
    }
}
