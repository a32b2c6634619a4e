//! From the content folders to items: each file read on its own, by all processors.
//!
//! Promises: a file opened is read once, with no other system call than opening, reading and closing; the order is the
//! paths'; every file ends as an item, a reason for passing it over, or a problem.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use rayon::prelude::*;

use super::built::Built;
use super::built::unbuilt::{Unbuilt, Why};
use super::dates::{self, Dated};
use super::fields::{Fields, scalar};
use super::images::Images;
use super::inherit::{self, Inheritance};
use super::permalink::{self, Names};
use super::walk::{self, ContentFile, Listings};
use super::{BodyHash, Data, Item, decode, front_matter};
use crate::config::{Config, Future};
use crate::problem::{Problem, Problems, Source, Text};

/// All that the content folders hold.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// Sorted by path. Their ids are empty, or what the front matter's `id` says: `identity` gives them.
    pub items: Vec<Item>,
    /// Files that are no items, and why.
    pub passed_over: Vec<PassedOver>,
    /// Those among them that have no page, with `content.built`.
    pub unbuilt: Vec<Unbuilt>,
    pub problems: Problems,
}

/// A file that is no item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassedOver {
    pub path: String,
    pub reason: String,
}

/// What one file comes to.
#[allow(clippy::large_enum_variant, reason = "nearly all are items, and 10,000 boxes freed leave 10,000 holes")]
enum Outcome {
    Item(Item, Vec<Problem>),
    PassedOver(&'static str),
    Unbuilt(Why),
    Problems(Vec<Problem>),
}

/// How many files' texts share a piece of memory: few enough that they are still at hand when they are looked into.
const BATCH: usize = 24;

thread_local! {
    /// What a file is read into. One a thread: rayon's own `map_init` makes one for every few files.
    static BUFFER: std::cell::RefCell<Vec<u8>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Reads every item of the content folders.
pub fn load(config: &Config, now: DateTime<Utc>) -> Loaded {
    load_built(config, None, now)
}

/// Reads every item, with what the site's generator made of them.
pub fn load_built(config: &Config, mut built: Option<&mut Built>, now: DateTime<Utc>) -> Loaded {
    let mut loaded = Loaded::default();
    let listings = Listings::new(&config.root);
    let mut files = walk::walk(&listings, &config.content.paths, &mut loaded.problems);
    let excluded = |path: &str| {
        let under =
            |folder: &String| path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        config.content.exclude.iter().any(under)
    };
    files.retain(|file| is_markdown(&file.path) && !excluded(&file.path));
    let before = loaded.problems.0.len();
    let inheritance = Inheritance::read(&listings, &files, &mut loaded.problems);
    if built.as_ref().is_some_and(|built| built.says_addresses()) {
        // What a script computes for `permalink` is in the list.
        let computes_addresses = |problem: &Problem| {
            problem.code == "script-value"
                && ["`permalink`", "`eleventyComputed"].iter().any(|key| problem.message.starts_with(key))
        };
        let mut at = 0;
        loaded.problems.0.retain(|problem| {
            at += 1;
            at <= before || !computes_addresses(problem)
        });
    }
    let images = Images::new(&listings, &config.site.url, &config.content.static_folders);
    if let Some(built) = &mut built {
        built.settle(&files.iter().map(|file| file.path.as_str()).collect::<Vec<&str>>());
    }
    let reader = Reader { config, inheritance, images, built: built.as_deref(), now };

    let mut outcomes = Vec::new();
    outcomes.resize_with(files.len(), || Outcome::PassedOver("not read"));
    files.par_chunks(BATCH).zip(outcomes.par_chunks_mut(BATCH)).for_each(|(files, outcomes)| {
        BUFFER.with_borrow_mut(|buffer| reader.batch(files, outcomes, buffer));
    });

    // Item by item where the outcomes stood: there is no second list of all of them.
    let item = |(at, outcome)| match outcome {
        Outcome::Item(item, problems) => {
            loaded.problems.0.extend(problems);
            Some(item)
        }
        Outcome::PassedOver(reason) => {
            let path = files.get(at).map(|file: &ContentFile| file.path.clone()).unwrap_or_default();
            loaded.passed_over.push(PassedOver { path, reason: reason.to_string() });
            None
        }
        Outcome::Unbuilt(why) => {
            let path = files.get(at).map(|file: &ContentFile| file.path.clone()).unwrap_or_default();
            loaded.passed_over.push(PassedOver { path: path.clone(), reason: why.words() });
            loaded.unbuilt.push(Unbuilt { path, why });
            None
        }
        Outcome::Problems(problems) => {
            loaded.problems.0.extend(problems);
            None
        }
    };
    loaded.items = outcomes.into_iter().enumerate().filter_map(item).collect();
    loaded.problems.0.extend(reader.images.missing());
    loaded
}

/// A file's name without its ending.
fn stem(file: &ContentFile) -> &str {
    permalink::stem(file.path.rsplit('/').next().unwrap_or(&file.path))
}

/// Why a file is no item, where its name says so.
fn passed_over_by_name(file: &ContentFile) -> Option<&'static str> {
    let stem = stem(file);
    if file.named {
        return None;
    }
    if stem.eq_ignore_ascii_case("readme") {
        return Some("a README");
    }
    if stem == "_index" || stem.starts_with("_index.") {
        return Some("a folder's index page");
    }
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    (permalink::is_index(stem) && folder == &*file.content).then_some("the index page of a content folder")
}

fn is_markdown(path: &str) -> bool {
    let ending = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending);
    ending.is_some_and(|ending| ["md", "markdown", "mdown"].iter().any(|known| ending.eq_ignore_ascii_case(known)))
}

struct Reader<'a> {
    config: &'a Config,
    inheritance: Inheritance,
    images: Images<'a>,
    built: Option<&'a Built>,
    now: DateTime<Utc>,
}

impl Reader<'_> {
    /// Reads some files, their texts into one piece of memory, then makes of each what it is.
    fn batch(&self, files: &[ContentFile], outcomes: &mut [Outcome], buffer: &mut Vec<u8>) {
        let mut whole = String::with_capacity(BATCH * 3 * 1024);
        let parts: Vec<Result<Range<usize>, Box<Outcome>>> =
            files.iter().map(|file| self.read(file, buffer, &mut whole)).collect();
        whole.shrink_to_fit();
        let whole = Arc::new(whole);
        for ((file, part), outcome) in files.iter().zip(parts).zip(outcomes) {
            *outcome = match part.map(|part| Text::part(&whole, part)) {
                Ok(Some(text)) => self.text(file, stem(file), Source { path: file.path.clone(), text }),
                Ok(None) => Outcome::PassedOver("no text"),
                Err(outcome) => *outcome,
            };
        }
    }

    /// Adds a file's text to the others'; or what the file is without being read, or because it can't be.
    fn read(
        &self,
        file: &ContentFile,
        buffer: &mut Vec<u8>,
        whole: &mut String,
    ) -> Result<Range<usize>, Box<Outcome>> {
        if let Some(reason) = passed_over_by_name(file) {
            return Err(Box::new(Outcome::PassedOver(reason)));
        }
        let bytes = read(&self.config.root.join(&file.path), buffer).map_err(|error| {
            Problem::error("unreadable", format!("this file cannot be read: {}", walk::words(&error)))
                .help("see that the file may be read, or take it out of the content folders")
                .in_file(&file.path)
        });
        let start = whole.len();
        let added = bytes.and_then(|bytes| decode::decode_onto(bytes, &file.path, whole));
        added.map(|()| start..whole.len()).map_err(|problem| Box::new(Outcome::Problems(vec![problem])))
    }

    fn text(&self, file: &ContentFile, stem: &str, source: Source) -> Outcome {
        let front_matter = match front_matter::read(&source) {
            Ok(Some(front_matter)) => front_matter,
            Ok(None) => return without_front_matter(&source),
            Err(problem) => return Outcome::Problems(vec![problem]),
        };
        let inherited = self.inheritance.of(&file.path);
        let mut fields = Fields {
            own: &front_matter.data,
            inherited: &inherited,
            format: front_matter.format,
            source: &source,
            zone: self.config.content.dates_in,
            problems: front_matter.warnings,
        };
        if let Some(reason) = fields.unpublished(self.now) {
            return Outcome::PassedOver(reason);
        }
        if file.path.split('/').any(|folder| folder == "_drafts") {
            return Outcome::PassedOver("a draft: it is in a folder of drafts");
        }

        let below = file.path.strip_prefix(&*file.content).unwrap_or(&file.path).trim_start_matches('/');
        let names = Names::of(below, &file.content);
        let title = fields.text(&["title"]);
        let dated = match fields.date() {
            Ok(Some(dated)) => Ok(dated),
            Ok(None) => self.date_by_name(&fields, &names, below).ok_or(None),
            Err(problem) => Err(Some(problem)),
        };
        let (title, dated) = match (title, dated) {
            (Some(title), Ok(dated)) => (title, dated),
            (_, Err(None)) if permalink::is_index(stem) && !file.named => {
                return Outcome::PassedOver("an index page without a date");
            }
            (title, dated) => {
                let title = title.is_none().then(|| no_title(&fields));
                let date = dated.err().map(|problem| problem.unwrap_or_else(|| no_date(&fields)));
                return Outcome::Problems(title.into_iter().chain(date).collect());
            }
        };
        let mut usual = || permalink::address(self.config, &mut fields, &names, dated.instant);
        let url = match self.built.map(|built| built.address(&file.path, &mut usual)) {
            None => usual(),
            Some(Ok(url)) => url,
            Some(Err(why)) => return Outcome::Unbuilt(why),
        };
        let updated = fields.updated().map_or(dated.instant, |updated| updated.instant);
        let held = self.config.content.future == Future::Hold && dated.instant > self.now;
        let image = self.images.image(&mut fields, &file.path, &url);
        let enclosure = self.images.enclosure(&mut fields, &file.path, &url);
        let id = explicit_id(&fields).unwrap_or_default();
        let summary = fields.text(&["description", "summary", "excerpt"]);
        let (tags, authors) = (fields.tags(), fields.authors());
        let language = fields.text(&["lang", "language", "locale"]).or_else(|| language_by_name(stem));
        let (series, episode, kind) = (fields.series(), fields.text(&["episode"]), fields.text(&["type"]));
        let event = fields.event(self.config.site.time_zone, &url);
        let (register, transcription) = (fields.register(&url), fields.transcription(&url));
        let problems = fields.problems;
        let item = Item {
            id,
            url,
            title,
            summary,
            published: dated.instant,
            date_only: dated.date_only,
            updated,
            tags,
            authors,
            image,
            language,
            series,
            episode,
            kind,
            enclosure,
            event,
            register,
            transcription,
            held_until: held.then_some(dated.instant),
            inherited,
            body_start: front_matter.body_start,
            body_hash: BodyHash::of(&source.text[front_matter.body_start..]),
            built_body: None,
            source: Arc::new(source),
        };
        Outcome::Item(item, problems)
    }

    /// The date that the file's name says, else its folders, else the address in its front matter.
    fn date_by_name(&self, fields: &Fields<'_>, names: &Names<'_>, below: &str) -> Option<Dated> {
        let by_name = dates::name_with_day(names.stem).map(|(day, _)| day);
        let day = by_name.or_else(|| dates::path_with_day(below)).or_else(|| {
            ["path", "permalink", "url", "slug"]
                .iter()
                .find_map(|key| fields.find(&[key]).and_then(|found| dates::path_with_day(found.value.as_str()?)))
        })?;
        dates::day(day, self.config.content.dates_in)
    }
}

/// Opens, reads and closes a file; the buffer serves the next one too, and is only ever grown. What was read.
fn read<'a>(path: &std::path::Path, buffer: &'a mut Vec<u8>) -> std::io::Result<&'a [u8]> {
    let mut file = File::open(path)?;
    // `read_to_end` of a file asks for its length first, which is a system call a file; a buffer with room needs none.
    let mut filled = 0;
    loop {
        if buffer.len() - filled < 4096 {
            buffer.resize((buffer.len() * 2).max(64 * 1024), 0);
        }
        match file.read(&mut buffer[filled..]) {
            Ok(0) => return Ok(&buffer[..filled]),
            Ok(count) => filled += count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn without_front_matter(source: &Source) -> Outcome {
    let trimmed = source.text.trim_start();
    let late = trimmed.len() < source.text.len()
        && ["---", "+++"].iter().any(|fence| trimmed.lines().next().map(str::trim_end) == Some(fence));
    if !late {
        return Outcome::PassedOver("no front matter");
    }
    let at = source.text.len() - trimmed.len();
    Outcome::Problems(vec![
        Problem::warning(
            "front-matter-late",
            "the front matter does not begin on the first line: no generator reads it, and the file is passed over",
        )
        .label("this is where it begins")
        .help("delete what stands before it")
        .at(source.place(at..at + 3)),
    ])
}

fn no_title(fields: &Fields<'_>) -> Problem {
    let place = match fields.own.keys().find(|key| super::fields::same_key(key, "title")) {
        Some(key) => front_matter::place_of(fields.source, key),
        None => fields.source.place(0..3),
    };
    Problem::error("no-title", "this item has no title")
        .label("a `title` was expected")
        .help("add `title: …` to its front matter")
        .at(place)
}

fn no_date(fields: &Fields<'_>) -> Problem {
    Problem::error("no-date", "this item has no date, neither in its front matter nor in its name or folder")
        .label("a `date` was expected")
        .help("add `date: 2024-07-25` to its front matter, or take the file out of the content folders")
        .at(fields.source.place(0..3))
}

fn explicit_id(fields: &Fields<'_>) -> Option<String> {
    let found = fields.find(&["id", "guid"]).filter(|found| found.own)?;
    scalar(found.value).map(|id| super::plain::one_line(&id)).filter(|id| !id.is_empty())
}

/// `post.fr.md`, `index.fr.md`: the languages that Hugo's and Zola's sites name so.
fn language_by_name(stem: &str) -> Option<String> {
    const LANGUAGES: [&str; 40] = [
        "ar", "bg", "br", "ca", "co", "cs", "da", "de", "el", "en", "es", "et", "eu", "fi", "fr", "ga", "gl", "he",
        "hr", "hu", "it", "ja", "ko", "lb", "lt", "lv", "mt", "nl", "no", "oc", "pl", "pt", "ro", "ru", "sk", "sl",
        "sv", "tr", "uk", "zh",
    ];
    let (_, ending) = stem.rsplit_once('.')?;
    let language = ending.split('-').next()?;
    LANGUAGES.contains(&language).then(|| ending.to_string())
}

impl Item {
    /// Front matter over what is inherited, read anew: items stay small because they do not keep it.
    pub fn data(&self) -> Data {
        let mut data = (*self.inherited).clone();
        if let Ok(Some(found)) = front_matter::read(&self.source) {
            inherit::merge(&mut data, found.data);
        }
        data
    }
}

#[cfg(test)]
#[path = "load_tests.rs"]
pub(crate) mod tests;
