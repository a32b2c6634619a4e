//! Reads one YAML file key by key, and remembers everything that is wrong with it.
//!
//! A [`File`] is parsed once. A [`Mapping`] gives out its keys by name and type; what has the wrong type or an
//! impossible value becomes a [`Problem`] with the place of the value, and the caller goes on with a default, so that
//! one run names everything. When a mapping is finished, the keys that nobody asked for are problems too.

use std::cell::RefCell;
use std::sync::Arc;

use serde_yaml::Value;

use super::locate::{Step, locate};
use crate::problem::{Place, Problem, Problems, Source};

/// Why a value cannot be: the words of the problem, and what to do.
pub struct Reject {
    pub message: String,
    pub help: String,
}

/// Shorthand for a [`Reject`].
pub fn reject<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, Reject> {
    Err(Reject { message: message.into(), help: help.into() })
}

/// A parsed file with what was found wrong in it so far.
pub struct File {
    pub source: Arc<Source>,
    root: Value,
    problems: RefCell<Problems>,
}

impl File {
    /// Parses the text; a syntax error is the one problem that ends the reading of a file at once.
    pub fn parse(source: Arc<Source>) -> Result<File, Problems> {
        match serde_yaml::from_str::<Value>(&source.text) {
            Ok(root) => Ok(File { source, root, problems: RefCell::default() }),
            Err(error) => Err(Problems(vec![syntax_problem(&source, &error)])),
        }
    }

    /// The document's mapping; anything else is a problem and reads as an empty one.
    pub fn root(&self) -> Mapping<'_> {
        Mapping::of(self, Vec::new(), Some(&self.root))
    }

    pub fn push(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    pub fn has_errors(&self) -> bool {
        self.problems.borrow().has_errors()
    }

    pub fn into_problems(self) -> Problems {
        self.problems.into_inner()
    }

    fn key_place(&self, path: &[Step]) -> Place {
        self.source.place(locate(&self.source.text, path).key)
    }

    fn value_place(&self, path: &[Step]) -> Place {
        let found = locate(&self.source.text, path);
        self.source.place(if found.value.is_empty() { found.key } else { found.value })
    }
}

fn syntax_problem(source: &Source, error: &serde_yaml::Error) -> Problem {
    let text = error.to_string();
    let message = text.split(" at line ").next().unwrap_or(&text).to_string();
    let problem = Problem::error("yaml-syntax", format!("this file is not YAML: {message}"));
    if let Some(key) = message.split("duplicate entry with key ").nth(1) {
        let key = key.trim_matches('"');
        let written = |line: &&str| line.trim_start().strip_prefix(key).is_some_and(|rest| rest.starts_with(':'));
        let lines = source.text.lines().enumerate().filter(|(_, line)| written(line));
        let place = match lines.last() {
            Some((index, line)) => {
                Place { width: key.chars().count(), ..source.place_at(index + 1, column_of_content(line)) }
            }
            None => Place::file(&source.path),
        };
        return Problem::error("duplicate-key", format!("the key `{key}` stands here twice"))
            .at(place)
            .label("again")
            .help("keep one of the two");
    }
    let problem = problem
        .help("mind the indentation, and quote values that hold `: `, ` #` or start with one of @ ` % & * ! | > { [");
    match error.location() {
        Some(location) => problem.at(source.place_at(location.line(), location.column())),
        None => problem.in_file(&source.path),
    }
}

fn column_of_content(line: &str) -> usize {
    line.chars().take_while(|c| c.is_whitespace()).count() + 1
}

/// A mapping of a file, or the empty one where none was given.
pub struct Mapping<'a> {
    file: &'a File,
    path: Vec<Step>,
    entries: Option<&'a serde_yaml::Mapping>,
    asked: RefCell<Vec<String>>,
}

/// A value of a mapping, with the way to it.
#[derive(Clone)]
pub struct Node<'a> {
    file: &'a File,
    path: Vec<Step>,
    pub value: &'a Value,
}

impl<'a> Mapping<'a> {
    fn of(file: &'a File, path: Vec<Step>, value: Option<&'a Value>) -> Self {
        let entries = match value {
            Some(Value::Mapping(entries)) => Some(entries),
            Some(Value::Null) | None => None,
            Some(other) => {
                file.push(wrong_type(other, "keys with values (`key: value`)").at(file.value_place(&path)));
                None
            }
        };
        Mapping { file, path, entries, asked: RefCell::default() }
    }

    /// Whether the mapping was written at all.
    pub fn is_given(&self) -> bool {
        self.entries.is_some()
    }

    /// The value of a key; an empty one (`key:`) reads as not given.
    pub fn get(&self, key: &str) -> Option<Node<'a>> {
        self.asked.borrow_mut().push(key.to_string());
        let value = self.entries?.get(key)?;
        (!value.is_null()).then(|| Node { file: self.file, path: self.down(key), value })
    }

    fn down(&self, key: &str) -> Vec<Step> {
        let mut path = self.path.clone();
        path.push(Step::Key(key.to_string()));
        path
    }

    /// The dotted name of a key of this mapping.
    pub fn name(&self, key: &str) -> String {
        dotted(&self.down(key))
    }

    pub fn section(&self, key: &str) -> Mapping<'a> {
        match self.get(key) {
            Some(node) => node.mapping(),
            None => Mapping::of(self.file, self.down(key), None),
        }
    }

    /// Text; a number or a truth value is taken as it is written.
    pub fn text(&self, key: &str) -> Option<String> {
        self.get(key)?.text()
    }

    /// Text that must be there.
    pub fn required(&self, key: &str, example: &str) -> Option<String> {
        let node = self.get(key);
        if node.is_none() {
            self.file.push(
                Problem::error("missing-key", format!("`{}` is missing", self.name(key)))
                    .at(self.file.key_place(&self.path))
                    .help(format!("add it, for example `{key}: {example}`")),
            );
        }
        let text = node.clone()?.text()?;
        if text.trim().is_empty() {
            node?.problem("bad-value", "an empty text says nothing", format!("for example `{key}: {example}`"));
            return None;
        }
        Some(text)
    }

    /// Text read further by `read`, whose refusal becomes a problem.
    pub fn parsed<T>(&self, key: &str, read: impl FnOnce(&str) -> Result<T, Reject>) -> Option<T> {
        let node = self.get(key)?;
        let text = node.text()?;
        match read(text.trim()) {
            Ok(value) => Some(value),
            Err(Reject { message, help }) => {
                node.problem("bad-value", message, help);
                None
            }
        }
    }

    /// One of some words. `no` and `off` are also what YAML calls false, `yes` and `on` true.
    pub fn choice<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Option<T> {
        let node = self.get(key)?;
        let said = match node.value {
            Value::Bool(truth) => {
                let same: &[&str] = if *truth { &["yes", "on", "true"] } else { &["no", "off", "false"] };
                words.iter().find(|(word, _)| same.contains(word))
            }
            Value::String(text) => words.iter().find(|(word, _)| word == text),
            _ => None,
        };
        if said.is_none() {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let shown = node.shown();
            let help = match nearest(&shown, names.iter().copied()) {
                Some(name) => format!("did you mean `{name}`? It can be {}", any_of(&names)),
                None => format!("it can be {}", any_of(&names)),
            };
            node.problem("bad-value", format!("`{}` cannot be `{shown}`", self.name(key)), help);
        }
        said.map(|(_, value)| *value)
    }

    pub fn truth(&self, key: &str) -> Option<bool> {
        self.choice(
            key,
            &[("true", true), ("false", false), ("yes", true), ("no", false), ("on", true), ("off", false)],
        )
    }

    /// A whole number from `least` up.
    pub fn number(&self, key: &str, least: u64) -> Option<u64> {
        let node = self.get(key)?;
        match node.value.as_u64() {
            Some(number) if number >= least => Some(number),
            _ => {
                let message =
                    format!("`{}` must be a whole number from {least} up, not `{}`", self.name(key), node.shown());
                node.problem("wrong-type", message, "write it in digits, without quotes");
                None
            }
        }
    }

    /// A list of texts; one text is a list of one.
    pub fn list(&self, key: &str) -> Option<Vec<Node<'a>>> {
        let node = self.get(key)?;
        Some(node.elements())
    }

    pub fn texts(&self, key: &str) -> Vec<String> {
        self.list(key).unwrap_or_default().iter().filter_map(Node::text).collect()
    }

    /// Every key and value, as names that people chose (shortcodes, variables).
    pub fn named(&self) -> Vec<(String, Node<'a>)> {
        let keys = self.entries.into_iter().flatten().filter_map(|(key, _)| scalar_text(key));
        keys.filter_map(|key| self.get(&key).map(|node| (key, node))).collect()
    }

    /// Reports the keys that nobody asked for.
    pub fn finish(self) {
        let asked = self.asked.borrow();
        for (key, _) in self.entries.into_iter().flatten() {
            let name = scalar_text(key).unwrap_or_else(|| "?".to_string());
            if asked.contains(&name) {
                continue;
            }
            let place = self.file.key_place(&self.down(&name));
            let parent = if self.path.is_empty() { String::new() } else { format!(" in `{}`", dotted(&self.path)) };
            let help = match nearest(&name, asked.iter().map(String::as_str)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => {
                    let mut names: Vec<&str> = asked.iter().map(String::as_str).collect();
                    names.sort_unstable();
                    names.dedup();
                    format!("it can hold {}", any_of(&names))
                }
            };
            let problem = Problem::error("unknown-key", format!("there is no key `{name}`{parent}"));
            self.file.push(problem.at(place).label("unknown key").help(help));
        }
    }
}

impl<'a> Node<'a> {
    pub fn text(&self) -> Option<String> {
        let text = scalar_text(self.value);
        if text.is_none() {
            self.file.push(wrong_type(self.value, "a text").at(self.file.value_place(&self.path)));
        }
        text
    }

    pub fn mapping(&self) -> Mapping<'a> {
        Mapping::of(self.file, self.path.clone(), Some(self.value))
    }

    /// The elements of a list; anything else is a list of itself.
    pub fn elements(&self) -> Vec<Node<'a>> {
        match self.value {
            Value::Sequence(values) => values
                .iter()
                .enumerate()
                .map(|(index, value)| {
                    let mut path = self.path.clone();
                    path.push(Step::Index(index));
                    Node { file: self.file, path, value }
                })
                .collect(),
            _ => vec![self.clone()],
        }
    }

    /// The value in a few words, for messages.
    pub fn shown(&self) -> String {
        scalar_text(self.value).unwrap_or_else(|| kind_of(self.value).to_string())
    }

    pub fn place(&self) -> Place {
        self.file.value_place(&self.path)
    }

    /// An error about this value.
    pub fn problem(&self, code: &'static str, message: impl Into<String>, help: impl Into<String>) {
        self.file.push(Problem::error(code, message).at(self.place()).help(help));
    }

    /// A warning about this value.
    pub fn warning(&self, code: &'static str, message: impl Into<String>, help: impl Into<String>) {
        self.file.push(Problem::warning(code, message).at(self.place()).help(help));
    }
}

fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Sequence(_) => "a list",
        Value::Mapping(_) => "keys with values",
        Value::Tagged(_) => "a value with a `!tag`",
    }
}

fn wrong_type(value: &Value, wanted: &str) -> Problem {
    Problem::error("wrong-type", format!("{wanted} must stand here, not {}", kind_of(value)))
        .label(format!("this is {}", kind_of(value)))
        .help(format!("write {wanted}"))
}

fn dotted(path: &[Step]) -> String {
    let mut name = String::new();
    for step in path {
        match step {
            Step::Key(key) if name.is_empty() => name.push_str(key),
            Step::Key(key) => name.push_str(&format!(".{key}")),
            Step::Index(index) => name.push_str(&format!("[{index}]")),
        }
    }
    name
}

/// `` `a`, `b` or `c` ``.
fn any_of(names: &[&str]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => "nothing".to_string(),
    }
}

/// The name that was probably meant: at most a third of its letters differ.
pub fn nearest<'n>(word: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let wanted = word.to_lowercase().replace('-', "_");
    names
        .map(|name| (distance(&wanted, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= name.chars().count().max(3) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Levenshtein's distance, with neighbours that changed places counted once.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let changed = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            row[j] = changed.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(rows[i - 2][j - 2] + 1);
            }
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
