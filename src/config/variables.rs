//! Reads the files of `content.variables`: what bodies may name besides their own front matter.
//!
//! A JavaScript module is read as far as it exports a literal; what only running it could tell costs its own key.

use std::path::Path;

use serde_json::{Map, Value};

use super::reader::{Mapping, Node};
use crate::item::object_literal;
use crate::problem::Source;

/// Name → the file's content, and the files' paths. A file that cannot be read is a problem at the place where it is named.
pub fn read(root: &Path, variables: Mapping<'_>) -> (Map<String, Value>, Vec<String>) {
    let (mut read, mut paths) = (Map::new(), Vec::new());
    for (name, node) in variables.named() {
        let Some(path) = node.text() else { continue };
        if let Some(value) = file(root, &path, &node) {
            read.insert(name, value);
        }
        paths.push(path);
    }
    (read, paths)
}

fn file(root: &Path, path: &str, node: &Node<'_>) -> Option<Value> {
    let text = match std::fs::read_to_string(root.join(path)) {
        Ok(text) => text,
        Err(error) => {
            node.problem(
                "missing-path",
                format!("`{path}` cannot be read: {error}"),
                "name a file in the project's folder",
            );
            return None;
        }
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let ending = path.rsplit('.').next().unwrap_or("");
    let parsed = match ending {
        "json" => serde_json::from_str(text).map_err(|error| error.to_string()),
        "yaml" | "yml" => serde_yaml::from_str(text).map_err(|error| error.to_string()),
        "toml" => toml::from_str(text).map_err(|error| error.message().to_string()),
        "js" | "cjs" | "mjs" => return script(path, text, node),
        _ => {
            node.problem(
                "bad-value",
                format!("`{path}` is of no kind that can be read"),
                "it can be .json, .yaml, .toml or .js",
            );
            return None;
        }
    };
    parsed
        .map_err(|error| {
            node.problem("bad-value", format!("`{path}` cannot be understood: {error}"), "mend that file")
        })
        .ok()
}

fn script(path: &str, text: &str, node: &Node<'_>) -> Option<Value> {
    match object_literal::read(&Source::new(path, text)) {
        // A key that is left out costs nothing until a body names it, and is told then.
        Ok(literal) => Some(literal.value),
        Err(problem) => {
            node.problem(
                "bad-value",
                format!("`{path}` cannot be understood: {}", problem.message),
                "say the same in a JSON file",
            );
            None
        }
    }
}
