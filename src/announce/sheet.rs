//! The file of a newsletter's edition, found and read: `editions/NEWSLETTER-NUMBER.md`.
//!
//! Promises: what came in since its draft is told and not slipped in; a file with a mistake makes no letter.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::config::{Config, Newsletter};
use crate::digest::edition_file::{self, EditionFile, Reading, Release};
use crate::digest::plan::Plan;
use crate::digest::{self, ComposeInput};
use crate::item::Item;
use crate::item::decode::decode;
use crate::problem::{Problem, Problems, Source};
use crate::schedule;

/// The folder of the editions' files, relative to the project's.
pub const FOLDER: &str = "editions";

/// What an edition's file says besides its letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// Relative to the project's folder.
    pub path: String,
    pub release: Release,
    /// How many mistakes keep it from being sent.
    pub mistakes: usize,
    /// Ids and titles of what is new and stands nowhere in it.
    pub came_in: Vec<(String, String)>,
    /// Crossed out, where no letter is left to say so.
    pub declined: Vec<String>,
    /// There is no letter in it, and all that it says is remembered.
    pub is_spent: bool,
}

/// The path of an edition's file.
pub fn path(newsletter: &str, number: u64) -> String {
    format!("{FOLDER}/{newsletter}-{number}.md")
}

/// Whether a person, or a draft, wrote a file for this edition.
pub fn exists(config: &Config, newsletter: &Newsletter, number: u64) -> bool {
    config.root.join(path(&newsletter.name, number)).is_file()
}

/// Numbers of the files that a newsletter has, ascending.
pub fn numbers(config: &Config, newsletter: &str) -> Vec<u64> {
    let Ok(entries) = std::fs::read_dir(config.root.join(FOLDER)) else { return Vec::new() };
    let mut numbers: Vec<u64> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            name.strip_prefix(newsletter)?.strip_prefix('-')?.strip_suffix(".md")?.parse().ok()
        })
        .collect();
    numbers.sort_unstable();
    numbers
}

/// The text of an edition's file; `None`: there is none.
pub fn source(config: &Config, newsletter: &str, number: u64) -> Option<Result<Arc<Source>, Problem>> {
    let path = path(newsletter, number);
    let file: PathBuf = config.root.join(&path);
    match std::fs::read(&file) {
        Ok(bytes) => Some(decoded(path, &bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            let problem = Problem::error("edition-file", format!("it cannot be read: {error}"));
            Some(Err(problem.in_file(path)))
        }
    }
}

/// The text of a file that lies elsewhere than in the project's folder, on another branch say.
pub fn decoded(path: String, bytes: &[u8]) -> Result<Arc<Source>, Problem> {
    decode(bytes, &path).map(|text| Source::new(path, text))
}

/// Reads a file as the one of the input's edition.
pub fn parse<'a>(
    source: &Arc<Source>,
    input: &ComposeInput<'a>,
    shown: &HashSet<String>,
) -> (EditionFile<'a>, Problems) {
    edition_file::read(source, Reading { input, shown, hour: schedule::hour(input.newsletter) })
}

/// What is new, and neither in a file nor among what its draft offered.
pub fn came_in<'a>(file: &EditionFile<'_>, input: &ComposeInput<'a>) -> Vec<&'a Item> {
    let mentioned = file.mentioned();
    digest::new_items(input).into_iter().filter(|item| !mentioned.contains(item.id.as_str())).collect()
}

/// The file of the input's edition: what it says, its letter if there is one in it, and what is wrong with it.
pub fn read<'a>(input: &ComposeInput<'a>, shown: &HashSet<String>) -> Option<(Sheet, Option<Plan<'a>>, Problems)> {
    let name = &input.newsletter.name;
    let path = path(name, input.number);
    let source = match source(input.config, name, input.number)? {
        Ok(source) => source,
        Err(problem) => {
            let sheet = Sheet { path, mistakes: 1, ..Sheet::default() };
            return Some((sheet, None, Problems(vec![problem])));
        }
    };
    let (file, mut problems) = parse(&source, input, shown);
    let named = |item: &&Item| (item.id.clone(), input.renderer.line(item, &item.title));
    let came_in: Vec<(String, String)> = came_in(&file, input).iter().map(named).collect();
    if !came_in.is_empty() {
        let count = came_in.len();
        let items = if count == 1 { "item" } else { "items" };
        let mut titles: Vec<&str> = came_in.iter().map(|(_, title)| title.as_str()).take(3).collect();
        if count > 3 {
            titles.push("…");
        }
        let message = format!("{count} {items} came in since this edition was drafted: {}", titles.join(", "));
        let help =
            format!("`crieur draft {name}` adds them to it, as lines that wait; else they are for the next one");
        problems.push(Problem::warning("edition-came-in", message).help(help).in_file(&path));
    }
    let has_letter = file.has_letter();
    let declined = if has_letter { Vec::new() } else { file.plan.declined.clone() };
    let mistakes = problems.iter().filter(|problem| problem.severity == crate::problem::Severity::Error).count();
    let is_spent = !has_letter && declined.is_empty() && mistakes == 0 && file.release != Release::No;
    let sheet = Sheet { path, release: file.release, mistakes, came_in, declined, is_spent };
    Some((sheet, has_letter.then_some(file.plan), problems))
}
