//! The site's folder, as `init` looks at it: files read when they are there, data files as one kind of value.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::config::Person;
use crate::item::object_literal;
use crate::problem::Source;

/// Larger files are no configuration.
const LARGEST: u64 = 2_000_000;

/// A site's folder.
pub struct Folder {
    pub root: PathBuf,
}

impl Folder {
    pub fn new(root: &Path) -> Self {
        Folder { root: root.to_path_buf() }
    }

    pub fn is_file(&self, path: &str) -> bool {
        self.root.join(path).is_file()
    }

    pub fn is_dir(&self, path: &str) -> bool {
        self.root.join(path).is_dir()
    }

    /// A file's text, when it is one.
    pub fn text(&self, path: &str) -> Option<String> {
        let path = self.root.join(path);
        let size = std::fs::metadata(&path).ok().filter(|data| data.is_file())?.len();
        let text = (size <= LARGEST).then(|| std::fs::read_to_string(path).ok()).flatten()?;
        Some(text.strip_prefix('\u{feff}').map(String::from).unwrap_or(text))
    }

    /// The first of some files that is there.
    pub fn first(&self, paths: &[&str]) -> Option<String> {
        paths.iter().find(|path| self.is_file(path)).map(|path| path.to_string())
    }

    /// The names in a folder, sorted; empty where there is none.
    pub fn names(&self, path: &str) -> Vec<String> {
        let listing = std::fs::read_dir(self.root.join(path)).into_iter().flatten().flatten();
        let mut names: Vec<String> = listing.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// A data file, by its ending: JSON, YAML, TOML, or a JavaScript module that exports a literal.
    pub fn data(&self, path: &str) -> Option<Value> {
        let text = self.text(path)?;
        match path.rsplit('.').next()? {
            "json" => serde_json::from_str(&text).ok(),
            "yaml" | "yml" => serde_yaml::from_str(&text).ok(),
            "toml" => toml::from_str(&text).ok(),
            "js" | "cjs" | "mjs" => object_literal::read(&Source::new(path, text)).ok().map(|read| read.value),
            _ => None,
        }
    }
}

/// The first of some keys that holds a text, found without regard to case; `a.b` looks inside.
pub fn text_of(data: &Value, keys: &[&str]) -> Option<String> {
    keys.iter().find_map(|key| match value_of(data, key)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_string()),
        _ => None,
    })
}

/// A value by its dotted key, without regard to case.
pub fn value_of<'a>(data: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(data, |value, part| {
        let map: &Map<String, Value> = value.as_object()?;
        map.iter().find(|(name, _)| name.eq_ignore_ascii_case(part)).map(|(_, value)| value)
    })
}

/// An author: a name, or keys that hold one.
pub fn person_of(data: &Value, keys: &[&str]) -> Option<Person> {
    let value = keys.iter().find_map(|key| value_of(data, key))?;
    let whole = |text: Option<String>, good: fn(&str) -> bool| text.filter(|text| good(text));
    match value {
        Value::String(name) if !name.trim().is_empty() => {
            Some(Person { name: name.trim().to_string(), ..Person::default() })
        }
        Value::Object(_) => Some(Person {
            name: text_of(value, &["name", "title"])?,
            email: whole(text_of(value, &["email", "mail"]), |text| text.contains('@')),
            url: whole(text_of(value, &["url", "uri", "link", "website"]), |text| text.starts_with("http")),
        }),
        Value::Array(values) => person_of(&serde_json::json!({ "first": values.first()? }), &["first"]),
        _ => None,
    }
}
