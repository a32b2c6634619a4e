//! What an item's folders hand down: Eleventy's data files, Hugo's cascades, Jekyll's defaults.
//!
//! From the outermost folder to the innermost, so that the nearest word counts: `_config.yml` `defaults` of the
//! project, then in each folder `<folder>.json`, `<folder>.11tydata.json`, `<folder>.11tydata.js` and the `cascade` of
//! `_index.md`; and `<file>.11tydata.json` or `.js` beside the file itself. Tags of all levels add up. The project's own
//! folder has no name that the project decides, so it has no such file.
//!
//! BUGS: a data file's functions, `eleventyComputed` and Hugo's targets by page kind or language are not followed.

use std::collections::HashMap;
use std::fs;
use std::sync::Arc;

use serde_json::Value;

use super::fields::same_key;
use super::front_matter::{self, from_yaml};
use super::walk::{ContentFile, Listings, join};
use super::{Data, decode, object_literal, permalink};
use crate::problem::{Problem, Problems, Source};

/// What each folder and each file inherits; folders without anything share one empty document.
pub struct Inheritance {
    folders: HashMap<String, Arc<Data>>,
    files: HashMap<String, Arc<Data>>,
    defaults: Vec<Scoped>,
    empty: Arc<Data>,
}

/// One of Jekyll's defaults.
struct Scoped {
    path: String,
    kind: String,
    values: Data,
}

impl Inheritance {
    /// Reads what stands in and above the folders of these files.
    pub fn read(listings: &Listings<'_>, files: &[ContentFile], problems: &mut Problems) -> Self {
        let empty = Arc::new(Data::new());
        let mut inheritance =
            Inheritance { folders: HashMap::new(), files: HashMap::new(), defaults: Vec::new(), empty };
        if listings.has_file("_config.yml") {
            inheritance.defaults = jekyll(listings, problems);
        }
        let mut before = None;
        for file in files {
            let folder = parent(&file.path);
            if before != Some(folder) {
                inheritance.folder(listings, folder, problems);
                before = Some(folder);
            }
        }
        for file in files.iter().filter(|file| !inheritance.defaults.is_empty() || has_own_data(listings, &file.path))
        {
            let inherited = inheritance.of_file(listings, &file.path, problems);
            inheritance.files.insert(file.path.clone(), inherited);
        }
        inheritance
    }

    /// What a file inherits.
    pub fn of(&self, path: &str) -> Arc<Data> {
        let known = self.files.get(path).or_else(|| self.folders.get(parent(path)));
        known.unwrap_or(&self.empty).clone()
    }

    fn folder(&mut self, listings: &Listings<'_>, folder: &str, problems: &mut Problems) -> Arc<Data> {
        if let Some(known) = self.folders.get(folder) {
            return known.clone();
        }
        if folder.is_empty() || folder.split('/').next() == Some("..") {
            return self.empty.clone();
        }
        let above = self.folder(listings, parent(folder), problems);
        let mut here = Data::new();
        if let Some(listing) = listings.get(folder) {
            let name = folder.rsplit('/').next().unwrap_or(folder);
            for file in data_files(name) {
                if listing.has_file(&file) {
                    merge(&mut here, data_file(listings, &join(folder, &file), problems));
                }
            }
            for index in listing
                .files
                .iter()
                .filter(|file| permalink::stem(file).starts_with("_index") && file.ends_with(".md"))
            {
                for cascade in cascades(listings, &join(folder, index), problems) {
                    merge(&mut here, cascade);
                }
            }
        }
        let whole = if here.is_empty() {
            above
        } else {
            let mut whole = (*above).clone();
            merge(&mut whole, here);
            Arc::new(whole)
        };
        self.folders.insert(folder.to_string(), whole.clone());
        whole
    }

    fn of_file(&self, listings: &Listings<'_>, path: &str, problems: &mut Problems) -> Arc<Data> {
        let mut whole = Data::new();
        for default in self.defaults.iter().filter(|default| default.applies(path)) {
            merge(&mut whole, default.values.clone());
        }
        let folder = self.folders.get(parent(path)).unwrap_or(&self.empty);
        merge(&mut whole, (**folder).clone());
        for file in own_data_files(path) {
            if listings.has_file(&file) {
                merge(&mut whole, data_file(listings, &file, problems));
            }
        }
        if whole.is_empty() { self.empty.clone() } else { Arc::new(whole) }
    }
}

/// Adds the nearer word to what is known: it counts, but maps are merged key by key and tags add up.
pub fn merge(data: &mut Data, nearer: Data) {
    for (key, value) in nearer {
        match (data.get_mut(&key), value) {
            (Some(Value::Object(known)), Value::Object(value)) => merge(known, value),
            (Some(known), value) if same_key(&key, "tags") => {
                let mut tags = list(std::mem::take(known));
                for tag in list(value) {
                    if !tags.contains(&tag) {
                        tags.push(tag);
                    }
                }
                *known = Value::Array(tags);
            }
            (_, value) => {
                data.insert(key, value);
            }
        }
    }
}

fn list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        Value::Null => Vec::new(),
        Value::String(text) => {
            text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(Value::from).collect()
        }
        other => vec![other],
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The endings of data files' names.
const DATA_FILES: [&str; 5] = [".json", ".11tydata.json", ".11tydata.js", ".11tydata.cjs", ".11tydata.mjs"];

fn data_files(name: &str) -> impl Iterator<Item = String> {
    DATA_FILES.iter().map(move |ending| format!("{name}{ending}"))
}

fn own_data_files(path: &str) -> impl Iterator<Item = String> {
    data_files(permalink::stem(path))
}

fn has_own_data(listings: &Listings<'_>, path: &str) -> bool {
    let Some(listing) = listings.get(parent(path)) else { return false };
    let stem = permalink::stem(path.rsplit('/').next().unwrap_or(path));
    // Nearly no file has one: the first name that could be is looked up, and most folders end the question there.
    let from = listing.files.partition_point(|file| file.as_str() < stem);
    let same_stem = listing.files[from..].iter().map_while(|file| file.strip_prefix(stem));
    same_stem.into_iter().any(|ending| DATA_FILES.contains(&ending))
}

fn read(listings: &Listings<'_>, path: &str, problems: &mut Problems) -> Option<Source> {
    let text = match fs::read(listings.root().join(path)) {
        Ok(bytes) => decode::decode(&bytes, path),
        Err(error) => {
            Err(Problem::error("unreadable", format!("this file cannot be read: {}", super::walk::words(&error)))
                .in_file(path))
        }
    };
    match text {
        Ok(text) => Some(Source { path: path.to_string(), text: text.into() }),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn data_file(listings: &Listings<'_>, path: &str, problems: &mut Problems) -> Data {
    let Some(source) = read(listings, path, problems) else { return Data::new() };
    let read = if path.ends_with(".json") {
        serde_json::from_str(&source.text).map_err(|error| {
            Problem::error("data-file-syntax", format!("this data file is not valid JSON: {error}"))
                .help("mend it: every item of the folder inherits from it")
                .at(source.place_at(error.line(), error.column()))
        })
    } else {
        object_literal::read(&source).map(|literal| {
            problems.0.extend(literal.warnings);
            literal.value
        })
    };
    match read {
        Ok(Value::Object(data)) => data,
        Ok(_) => {
            problems.push(
                Problem::warning("data-file", "this data file holds no object: nothing is inherited from it")
                    .in_file(path),
            );
            Data::new()
        }
        Err(problem) => {
            problems.push(problem);
            Data::new()
        }
    }
}

/// Hugo's `cascade` in a section's front matter: a map, or a list of maps that may be aimed at some pages.
fn cascades(listings: &Listings<'_>, path: &str, problems: &mut Problems) -> Vec<Data> {
    let Some(source) = read(listings, path, problems) else { return Vec::new() };
    if !source.text.contains("cascade") {
        return Vec::new();
    }
    let mut data = match front_matter::read(&source) {
        Ok(Some(found)) => found.data,
        Ok(None) => return Vec::new(),
        Err(problem) => {
            problems.push(problem);
            return Vec::new();
        }
    };
    let cascades = match data.remove("cascade") {
        Some(Value::Object(cascade)) => vec![cascade],
        Some(Value::Array(cascades)) => {
            cascades.into_iter().filter_map(|cascade| cascade.as_object().cloned()).collect()
        }
        _ => Vec::new(),
    };
    cascades.into_iter().filter_map(untargeted).collect()
}

/// A cascade without its aim. One aimed at sections only, or by a pattern of paths, is not for all items.
fn untargeted(mut cascade: Data) -> Option<Data> {
    for key in ["_target", "target"] {
        if let Some(target) = cascade.remove(key) {
            let get = |name: &str| target.get(name).and_then(Value::as_str);
            if get("kind").is_some_and(|kind| kind != "page")
                || get("path").is_some_and(|path| path != "**" && path != "/**")
            {
                return None;
            }
        }
    }
    // `params` is where Hugo keeps what it does not know itself.
    if let Some(Value::Object(params)) = cascade.remove("params") {
        for (key, value) in params {
            cascade.entry(key).or_insert(value);
        }
    }
    Some(cascade)
}

fn jekyll(listings: &Listings<'_>, problems: &mut Problems) -> Vec<Scoped> {
    let path = "_config.yml";
    let Some(source) = read(listings, path, problems) else { return Vec::new() };
    let config = match from_yaml(&source.text) {
        Ok(config) => config,
        Err(error) => {
            let place = error.location().map_or_else(
                || crate::problem::Place::file(path),
                |location| source.place_at(location.line(), location.column()),
            );
            problems.push(
                Problem::warning("data-file-syntax", format!("the defaults in {path} cannot be read: {error}"))
                    .at(place),
            );
            return Vec::new();
        }
    };
    let Some(Value::Array(defaults)) = config.get("defaults") else { return Vec::new() };
    defaults
        .iter()
        .filter_map(|default| {
            let scope = default.get("scope");
            let text = |name: &str| {
                scope.and_then(|scope| scope.get(name)).and_then(Value::as_str).unwrap_or("").to_string()
            };
            let values = default.get("values")?.as_object()?.clone();
            Some(Scoped { path: text("path").trim_matches('/').to_string(), kind: text("type"), values })
        })
        .collect()
}

impl Scoped {
    fn applies(&self, path: &str) -> bool {
        let below = if self.path.contains('*') {
            glob(self.path.as_bytes(), path.as_bytes())
        } else {
            self.path.is_empty()
                || path.strip_prefix(&self.path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let mut folders = parent(path).split('/');
        below
            && match self.kind.as_str() {
                "" => true,
                "posts" => folders.any(|folder| folder == "_posts" || folder == "_drafts"),
                "drafts" => folders.any(|folder| folder == "_drafts"),
                "pages" => !folders.any(|folder| folder.starts_with('_')),
                collection => folders.any(|folder| folder.strip_prefix('_') == Some(collection)),
            }
    }
}

/// A pattern with `*` against the beginning of a path, up to a slash or its end.
fn glob(pattern: &[u8], path: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        if p == pattern.len() && (t == path.len() || path[t] == b'/') {
            return true;
        }
        if p < pattern.len() && pattern[p] == b'*' {
            star = Some((p, t));
            p += 1;
        } else if p < pattern.len() && t < path.len() && pattern[p] == path[t] {
            p += 1;
            t += 1;
        } else if let Some((at, from)) = star.filter(|(_, from)| *from < path.len()) {
            star = Some((at, from + 1));
            p = at + 1;
            t = from + 1;
        } else {
            return false;
        }
    }
}

#[cfg(test)]
#[path = "inherit_tests.rs"]
mod tests;
