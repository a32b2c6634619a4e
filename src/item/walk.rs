//! The content folders: which files there are, each folder listed once, for everybody who asks what stands in it.
//!
//! Paths are relative to the project's folder, with `/`. Promises: the same tree gives the same order; a loop of
//! symbolic links ends; what cannot be listed is a problem.
//!
//! BUGS: a file whose name is not UTF-8 is a problem, not an item: no address could name it.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, RwLock};

use crate::problem::{Problem, Problems};

/// The names in one folder.
#[derive(Debug, Default)]
pub struct Listing {
    /// Sorted.
    pub files: Vec<String>,
    /// Sorted.
    pub folders: Vec<String>,
}

impl Listing {
    pub fn has_file(&self, name: &str) -> bool {
        self.files.binary_search_by(|file| file.as_str().cmp(name)).is_ok()
    }
}

/// Folders' listings, each read when it is first asked for. `None`: there is no such folder.
#[derive(Debug)]
pub struct Listings<'a> {
    root: &'a Path,
    known: RwLock<HashMap<String, Option<Arc<Listing>>>>,
}

impl<'a> Listings<'a> {
    pub fn new(root: &'a Path) -> Self {
        Listings { root, known: RwLock::default() }
    }

    pub fn root(&self) -> &'a Path {
        self.root
    }

    /// A folder's listing, relative to the project's folder; the problems of reading it go unsaid.
    pub fn get(&self, folder: &str) -> Option<Arc<Listing>> {
        if let Some(known) = self.known.read().ok().and_then(|known| known.get(folder).cloned()) {
            return known;
        }
        let listing = list(&self.root.join(folder), folder, &mut Problems::new()).map(Arc::new);
        self.keep(folder, listing)
    }

    /// Whether a file stands there.
    pub fn has_file(&self, path: &str) -> bool {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        self.get(folder).is_some_and(|listing| listing.has_file(name))
    }

    fn keep(&self, folder: &str, listing: Option<Arc<Listing>>) -> Option<Arc<Listing>> {
        if let Ok(mut known) = self.known.write() {
            known.insert(folder.to_string(), listing.clone());
        }
        listing
    }
}

/// One file of the content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentFile {
    pub path: String,
    /// The entry of `content.paths` that it was found through, as a folder; for a file named itself, its own folder.
    pub content: Arc<str>,
    /// It is named in `content.paths` itself.
    pub named: bool,
}

/// Folders that generators keep for themselves, or write.
const NOT_CONTENT: [&str; 8] =
    ["node_modules", "_site", "_includes", "_layouts", "_sass", "_data", "__pycache__", "_build"];
/// Deeper than any tree that people keep; symbolic links can make a tree without end.
const DEEPEST: usize = 40;

/// Every file below the content paths, sorted by path, and each folder once in `listings`.
pub fn walk(listings: &Listings<'_>, paths: &[String], problems: &mut Problems) -> Vec<ContentFile> {
    let mut files = Vec::new();
    for written in paths {
        let path = normalise(written);
        let absolute = listings.root().join(&path);
        match fs::metadata(&absolute) {
            Ok(metadata) if metadata.is_dir() => {
                let content: Arc<str> = path.as_str().into();
                folder(listings, &path, &content, 0, &mut files, problems);
            }
            Ok(_) => {
                let content = path.rsplit_once('/').map_or("", |(folder, _)| folder).into();
                files.push(ContentFile { path, content, named: true });
            }
            // What is not there at all is a mistake of the configuration, which says so at its line.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => problems.push(
                Problem::error(
                    "content-path",
                    format!("`{written}`, which `content.paths` names, cannot be read: {}", words(&error)),
                )
                .help("name folders or files that exist, relative to the project's folder")
                .in_file("config/crieur.yaml"),
            ),
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files.dedup_by(|a, b| a.path == b.path);
    files
}

fn folder(
    listings: &Listings<'_>,
    path: &str,
    content: &Arc<str>,
    depth: usize,
    files: &mut Vec<ContentFile>,
    problems: &mut Problems,
) {
    let Some(listing) = list(&listings.root().join(path), path, problems).map(Arc::new) else { return };
    listings.keep(path, Some(listing.clone()));
    files.extend(listing.files.iter().map(|name| ContentFile {
        path: join(path, name),
        content: content.clone(),
        named: false,
    }));
    for name in &listing.folders {
        if name.starts_with('.') || NOT_CONTENT.contains(&name.as_str()) {
            continue;
        }
        if depth >= DEEPEST {
            problems.push(
                Problem::warning("content-depth", "folders are nested too deep here: what is below is not read")
                    .in_file(path),
            );
            continue;
        }
        folder(listings, &join(path, name), content, depth + 1, files, problems);
    }
}

fn list(absolute: &Path, path: &str, problems: &mut Problems) -> Option<Listing> {
    let shown = if path.is_empty() { "." } else { path };
    let entries = match fs::read_dir(absolute) {
        Ok(entries) => entries,
        Err(error) => {
            problems.push(
                Problem::error("content-path", format!("this folder cannot be listed: {}", words(&error)))
                    .in_file(shown),
            );
            return None;
        }
    };
    let mut listing = Listing::default();
    for entry in entries.flatten() {
        let Ok(kind) = entry.file_type() else { continue };
        let name = match entry.file_name().into_string() {
            Ok(name) => name,
            Err(name) => {
                let shown = join(path, &name.to_string_lossy());
                problems.push(
                    Problem::error("file-name", "this file's name is not UTF-8: no address could name it")
                        .help("rename it")
                        .in_file(shown),
                );
                continue;
            }
        };
        let (is_file, is_dir) = if kind.is_symlink() {
            match fs::metadata(entry.path()) {
                Ok(target) => (target.is_file(), target.is_dir()),
                Err(_) => {
                    let shown = join(path, &name);
                    problems.push(
                        Problem::warning("broken-link", "this link leads to no file")
                            .help("mend or delete it")
                            .in_file(shown),
                    );
                    (false, false)
                }
            }
        } else {
            (kind.is_file(), kind.is_dir())
        };
        if is_dir {
            listing.folders.push(name);
        } else if is_file {
            listing.files.push(name);
        }
    }
    listing.files.sort_unstable();
    listing.folders.sort_unstable();
    Some(listing)
}

/// An I/O error in words, without the number that the system adds.
pub fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

/// A folder's path and a name below it.
pub fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") }
}

/// A path without `.`, `..` and doubled slashes, as far as it can be: `..` at its start stays.
pub fn normalise(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split(['/', '\\']) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if path.starts_with('/') { format!("/{joined}") } else { joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_made_simple() {
        assert_eq!(normalise("./posts//2024/../img/a.png"), "posts/img/a.png");
        assert_eq!(normalise("."), "");
        assert_eq!(normalise("../site/posts/"), "../site/posts");
        assert_eq!(normalise("/srv/posts/"), "/srv/posts");
    }

    #[test]
    fn a_tree_is_walked_in_order_once_and_a_missing_path_is_left_to_the_configuration() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["posts/b", "posts/.git", "posts/node_modules"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        for file in ["posts/z.md", "posts/b/a.md", "posts/.git/x.md", "posts/node_modules/y.md", "one.md"] {
            fs::write(root.path().join(file), "").unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("..", root.path().join("posts/b/.loop")).unwrap();
        let mut problems = Problems::new();
        let listings = Listings::new(root.path());
        let paths = ["posts", "posts/b/", "one.md", "gone"].map(str::to_string);
        let found: Vec<String> = walk(&listings, &paths, &mut problems).into_iter().map(|file| file.path).collect();
        assert_eq!(found, ["one.md", "posts/b/a.md", "posts/z.md"]);
        assert_eq!(problems, Problems::new());
    }
}
