//! An item's picture and enclosure: found on disk, measured, and given the address under which the site serves them.
//!
//! A relative path is looked up beside the item first, then in `content.static`; one that begins with `/` in
//! `content.static` only. Sizes come from the file's header alone, each file's once. What is missing is gathered
//! (`missing`), because a folder that is not there is one mistake, however many items name it.
//!
//! BUGS: a picture that only the site's generator makes (another size or format) is not known here.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::sync::{Mutex, RwLock};

use serde_json::Value;
use url::Url;

use super::fields::{Fields, Found, scalar};
use super::plain::plain;
use super::walk::{Listings, join, normalise};
use super::{Enclosure, Image};
use crate::problem::Problem;

mod measure;
mod missing;

pub use measure::Measured;
use measure::media_type_of_name;
use missing::{Lack, Missing, Sought};

/// Where pictures are looked up, and what was measured so far.
pub struct Images<'a> {
    listings: &'a Listings<'a>,
    site: &'a Url,
    static_folders: Vec<String>,
    /// Some static folder exists: what stands in none of them is missing.
    complete: bool,
    measured: RwLock<HashMap<String, Measured>>,
    missing: Mutex<Missing>,
}

/// A path in front matter, resolved.
struct Target {
    url: String,
    file: Option<String>,
    /// It is the site's own, so that its file should be there.
    missing: bool,
}

impl<'a> Images<'a> {
    pub fn new(listings: &'a Listings<'a>, site: &'a Url, static_folders: &[String]) -> Self {
        let static_folders: Vec<String> = static_folders.iter().map(|folder| normalise(folder)).collect();
        let complete = static_folders.iter().any(|folder| listings.get(folder).is_some());
        let (measured, missing) = (RwLock::default(), Mutex::default());
        Images { listings, site, static_folders, complete, measured, missing }
    }

    /// The warnings about files that are not there, once all items were asked for theirs.
    pub fn missing(self) -> Vec<Problem> {
        self.missing.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).problems()
    }

    /// The item's picture, under any generator's key.
    pub fn image(&self, fields: &mut Fields<'_>, path: &str, url: &str) -> Option<Image> {
        const KEYS: &[&str] = &["image", "images", "cover", "featuredimage", "thumbnail"];
        let found = fields.find(KEYS)?;
        let first = match found.value {
            Value::Array(values) => values.first()?,
            value => value,
        };
        let (written, alt) = match first {
            Value::String(text) => (text.as_str(), None),
            Value::Object(map) => {
                let get = |names: &[&str]| names.iter().find_map(|name| map.get(*name)).and_then(Value::as_str);
                (get(&["path", "src", "url", "image", "file"]).unwrap_or(""), get(&["alt", "title", "description"]))
            }
            // `cover: true` and `hero: false` are a theme's switches, not pictures.
            Value::Bool(_) | Value::Null => return None,
            _ => {
                let message = format!("`{}` is no picture: it is left out", found.key);
                fields.warn(found, "image", message, "write the picture's path, or `path` with `alt`");
                return None;
            }
        };
        let written = written.trim();
        if written.is_empty() {
            return None;
        }
        if written.contains("{{") || written.contains("{%") {
            let message = format!("`{}` holds template code: the picture is left out", found.key);
            fields.warn(found, "image", message, "write the picture's path as plain text");
            return None;
        }
        let alt = match alt {
            Some(alt) => plain(alt),
            None => fields
                .find(&["imagealt", "alt"])
                .and_then(|found| scalar(found.value))
                .map(|alt| plain(&alt))
                .unwrap_or_default(),
        };
        let target = self.target(written, path, url)?;
        if target.missing {
            self.warn_missing(fields, found, written, "picture");
        }
        let measured = target.file.as_deref().map(|file| self.measure(file)).unwrap_or_default();
        Some(Image {
            media_type: measured.media_type.or_else(|| media_type_of_name(&target.url).map(str::to_string)),
            url: target.url,
            alt,
            file: target.file,
            bytes: measured.bytes,
            width: measured.width,
            height: measured.height,
        })
    }

    /// The item's enclosure, with its true length, without which no feed takes one.
    pub fn enclosure(&self, fields: &mut Fields<'_>, path: &str, url: &str) -> Option<Enclosure> {
        let found = fields.find(&["enclosure"])?;
        let (written, media_type, bytes) = match found.value {
            Value::String(text) => {
                // WordPress and Jekyll write address, length and type on lines of one text.
                let mut lines = text.split_whitespace();
                (lines.next().unwrap_or("").to_string(), None, lines.next().and_then(|length| length.parse().ok()))
            }
            Value::Object(map) => {
                let get = |names: &[&str]| names.iter().find_map(|name| map.get(*name)).and_then(scalar);
                let bytes = get(&["bytes", "length", "size"]).and_then(|bytes| bytes.trim().parse::<u64>().ok());
                (
                    get(&["url", "src", "path", "href", "file"]).unwrap_or_default(),
                    get(&["type", "media_type", "mime"]),
                    bytes,
                )
            }
            _ => (String::new(), None, None),
        };
        let target = (!written.is_empty()).then(|| self.target(&written, path, url)).flatten();
        let Some(target) = target else {
            fields.warn(
                found,
                "enclosure",
                "`enclosure` names no file: it is left out".to_string(),
                "write its `url`, `type` and `bytes`",
            );
            return None;
        };
        if target.missing {
            self.warn_missing(fields, found, &written, "file");
        }
        let on_disk = target.file.as_deref().and_then(|file| self.measure(file).bytes);
        let media_type = media_type.or_else(|| media_type_of_name(&target.url).map(str::to_string));
        match (on_disk.or(bytes), media_type) {
            (Some(bytes), Some(media_type)) => Some(Enclosure { url: target.url, media_type, bytes }),
            (bytes, _) => {
                let lacking = if bytes.is_none() { "length" } else { "type" };
                let message = format!("the {lacking} of the `enclosure` cannot be told: it is left out");
                fields.warn(found, "enclosure", message, "write its `url`, `type` (audio/mpeg, say) and `bytes`");
                None
            }
        }
    }

    fn warn_missing(&self, fields: &Fields<'_>, found: Found<'_>, written: &str, what: &'static str) {
        let mut missing = self.missing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        missing.add(what, written, &fields.source.path, || {
            let beside = !written.starts_with('/');
            let static_folders = (!beside || self.complete).then(|| self.static_folders.join(", "));
            Lack {
                written: written.to_string(),
                sought: Sought { beside, static_folders },
                place: fields.place(found),
            }
        });
    }

    fn target(&self, written: &str, path: &str, url: &str) -> Option<Target> {
        let page = || Url::parse(url).ok();
        let absolute = match written {
            _ if written.starts_with("//") => self.site.join(written).ok(),
            _ if written.contains(':') => Url::parse(written).ok(),
            _ => None,
        };
        if let Some(address) = absolute {
            if !matches!(address.scheme(), "http" | "https") {
                return None;
            }
            let own = address.host() == self.site.host();
            let file = own.then(|| self.in_static(address.path())).flatten();
            return Some(Target { url: address.into(), file, missing: false });
        }
        let relative = written.split(['?', '#']).next().unwrap_or(written);
        if !written.starts_with('/') {
            let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
            if let Some(file) = self.existing(&normalise(&join(folder, relative))) {
                return Some(Target {
                    url: page()?.join(&encoded(written)).ok()?.into(),
                    file: Some(file),
                    missing: false,
                });
            }
        }
        let file = self.in_static(relative);
        let missing = file.is_none() && (self.complete || !written.starts_with('/'));
        // What is nowhere has, if it is relative, the address that the page itself would ask for.
        let url = if file.is_some() || written.starts_with('/') {
            self.site.join(encoded(written).trim_start_matches("./").trim_start_matches('/')).ok()?
        } else {
            page()?.join(&encoded(written)).ok()?
        };
        Some(Target { url: url.into(), file, missing })
    }

    fn in_static(&self, path: &str) -> Option<String> {
        let base = self.site.path().trim_end_matches('/');
        let below = path.strip_prefix(base).filter(|rest| rest.starts_with('/')).unwrap_or(path);
        let below = below.trim_start_matches('/');
        self.static_folders.iter().find_map(|folder| self.existing(&normalise(&join(folder, below))))
    }

    /// The file, by its name as written, else percent-decoded; never one above the project's folder.
    fn existing(&self, path: &str) -> Option<String> {
        if path.starts_with("..") || path.starts_with('/') {
            return None;
        }
        if self.listings.has_file(path) {
            return Some(path.to_string());
        }
        let decoded = path.contains('%').then(|| decode(path)).flatten()?;
        self.listings.has_file(&decoded).then_some(decoded)
    }

    fn measure(&self, file: &str) -> Measured {
        if let Some(known) = self.measured.read().ok().and_then(|known| known.get(file).cloned()) {
            return known;
        }
        let measured = open(&self.listings.root().join(file)).unwrap_or_default();
        if let Ok(mut known) = self.measured.write() {
            known.insert(file.to_string(), measured.clone());
        }
        measured
    }
}

fn open(path: &std::path::Path) -> Option<Measured> {
    let mut file = File::open(path).ok()?;
    let bytes = file.metadata().ok()?.len();
    let mut head = Vec::with_capacity(1024);
    Read::by_ref(&mut file).take(1024).read_to_end(&mut head).ok()?;
    file.seek(SeekFrom::Start(0)).ok()?;
    let mut measured = measure::header(&head, &mut BufReader::with_capacity(1024, file));
    measured.bytes = Some(bytes);
    if measured.media_type.is_none() {
        measured.media_type = media_type_of_name(&path.to_string_lossy()).map(str::to_string);
    }
    Some(measured)
}

/// A literal `%` that begins no escape would be read as one.
fn encoded(path: &str) -> String {
    let bytes = path.as_bytes();
    let escape = |at: usize| bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit));
    let mut out = String::with_capacity(path.len());
    for (at, character) in path.char_indices() {
        if character == '%' && !escape(at) { out.push_str("%25") } else { out.push(character) }
    }
    out
}

fn decode(path: &str) -> Option<String> {
    let bytes = path.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape =
            path.get(at + 1..at + 3).filter(|_| bytes[at] == b'%').and_then(|two| u8::from_str_radix(two, 16).ok());
        out.push(escape.unwrap_or(bytes[at]));
        at += if escape.is_some() { 3 } else { 1 };
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
#[path = "images_tests.rs"]
mod tests;
