//! Checks that the folders and files that the configuration names are there, and names the nearest ones that are.

use std::path::Path;

use super::read::CONFIG_FILE;
use super::reader::nearest;
use super::{Config, place_of};
use crate::problem::{Problem, Problems};

/// What of `content.paths` is not there.
pub fn check(config: &Config) -> Problems {
    let mut problems = Problems::new();
    for (index, path) in config.content.paths.iter().enumerate() {
        if config.root.join(path).exists() {
            continue;
        }
        let place = place_of(&config.root, CONFIG_FILE, &["content", "paths", &index.to_string()]);
        let problem = Problem::error("missing-path", format!("there is no `{path}` in the project's folder"));
        let help = match nearest_path(&config.root, path) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name the folders that hold the news items, relative to the project's folder".to_string(),
        };
        problems.push(problem.at(place).help(help));
    }
    problems
}

/// Follows the path as far as it goes, and takes the most similar name where it ends.
fn nearest_path(root: &Path, path: &str) -> Option<String> {
    let mut there = String::new();
    for part in path.split('/') {
        let next = if there.is_empty() { part.to_string() } else { format!("{there}/{part}") };
        if root.join(&next).exists() {
            there = next;
            continue;
        }
        let listing = std::fs::read_dir(root.join(&there)).ok()?;
        let mut names: Vec<String> =
            listing.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        let near = nearest(part, names.iter().map(String::as_str))?;
        return Some(if there.is_empty() { near.to_string() } else { format!("{there}/{near}") });
    }
    None
}
