//! 4b *compose*, its pictures: what an item shows, converted to what every mail program can show.
//!
//! 1. [`decode`] reads a file into pixels: `decode` for JPEG, PNG, WebP and a GIF's first frame, `drawing` for SVG.
//! 2. `scale` fits it into the letter's box, `ground` settles what lies under its transparent places, `mark` draws a play
//!    mark or a sound's over it, or a still where there is no picture.
//! 3. `encode` writes the lightest JPEG or PNG that is good enough; `cache` remembers it under `var/pictures`.
//! 4. [`prepare`] does it for a whole letter at once, and sees to the weight of all together.
//! 5. [`webp`] writes a letter's picture once more, smaller, for its page in the archive.
//!
//! Promises: the same input gives the same bytes on one machine, cache or not; any file gives a picture or a warning
//! that says what to do; a picture is named by its content, holds no metadata of its source (a photograph's place, say),
//! and nothing is fetched: an SVG's own links to files and addresses are ignored.
//!
//! BUGS: colour profiles are not applied: a photograph in a wide gamut turns out a little pale. AVIF and JPEG XL are
//! not read. An SVG's words need the system's fonts: another machine may write them in another face; where there are
//! none at all they are left out, with a warning. A drawing that takes too long is given up, but its thread only ends
//! with the process. An animation is its first frame.

mod cache;
mod decode;
mod drawing;
mod encode;
mod ground;
mod mark;
mod scale;
pub mod webp;
mod weigh;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use crate::config::Config;
use crate::problem::Problems;

/// The folder of what was converted before, relative to the project's.
pub const CACHE_FOLDER: &str = "var/pictures";
/// No picture is wider: twice the width of a letter.
const WIDEST: u32 = 1200;

/// One converted picture, named by its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Of its content: `3f9c….jpg`.
    pub name: String,
    /// Absolute: under the site's address and `pictures.folder`.
    pub url: String,
    /// By which a letter that carries the picture names it, after `cid:`.
    pub content_id: String,
    /// Of the file, in pixels.
    pub width: u32,
    pub height: u32,
    pub bytes: u64,
    pub media_type: &'static str,
    pub content: Arc<[u8]>,
}

/// Where a picture comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// Relative to the project's folder.
    File(String),
    /// From nowhere: a neutral still in the accent's colour.
    Drawn,
}

/// What is drawn over a still.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mark {
    /// A video's: a triangle.
    Play,
    /// A sound's: its wave.
    Sound,
}

/// One item's picture, as a letter wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The item's id.
    pub item: String,
    /// The item's file, for problems.
    pub path: String,
    pub source: Source,
    pub mark: Option<Mark>,
    /// Red, green, blue.
    pub accent: (u8, u8, u8),
}

/// The room that pictures have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fit {
    /// The box of each, in pixels of the file; a picture keeps its form, and is never scaled up.
    pub width: u32,
    pub height: u32,
    /// Of each, in bytes.
    pub most_bytes: u64,
    /// Of all of one letter, in bytes.
    pub together: u64,
}

/// Whether conversions are remembered for the next time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remember {
    Yes,
    /// Earlier ones are used, nothing is written.
    No,
}

/// The pictures of one letter.
#[derive(Clone, Debug, Default)]
pub struct Pictures {
    by_item: HashMap<String, String>,
    by_name: BTreeMap<String, Picture>,
    /// Warnings: which pictures are left out, and what to do.
    pub problems: Problems,
}

impl Pictures {
    /// No picture at all.
    pub fn none() -> Self {
        Pictures::default()
    }

    pub fn get(&self, item_id: &str) -> Option<&Picture> {
        self.by_name.get(self.by_item.get(item_id)?)
    }

    /// Each once, by name.
    pub fn all(&self) -> impl Iterator<Item = &Picture> {
        self.by_name.values()
    }
}

/// Whether this is the content that the name stands for.
pub fn is_named(name: &str, content: &[u8]) -> bool {
    let kind = name.rsplit_once('.').and_then(|(_, ending)| encode::Kind::of_ending(ending));
    kind.is_some_and(|kind| encode::name_of(content, kind) == name)
}

/// Converts the pictures of one letter, several at a time, and remembers them.
pub fn prepare(config: &Config, wanted: &[Wanted], fit: Fit) -> Pictures {
    prepare_and(config, wanted, fit, Remember::Yes)
}

/// [`prepare`], writing nothing where `remember` says so.
pub fn prepare_and(config: &Config, wanted: &[Wanted], fit: Fit, remember: Remember) -> Pictures {
    let fit = Fit { width: fit.width.clamp(1, WIDEST), height: fit.height.max(1), ..fit };
    let made = weigh::make_all(&config.root, wanted, fit, remember);
    let mut pictures = Pictures { problems: made.problems, ..Pictures::none() };
    let folder = format!("{}/", config.pictures.folder);
    let host = config.site.url.host_str().unwrap_or("localhost");
    for (item, file) in made.files {
        let picture = || Picture {
            name: file.name.clone(),
            url: config.site.url.join(&format!("{folder}{}", file.name)).map(String::from).unwrap_or_default(),
            content_id: format!("{}@{host}", file.name),
            width: file.width,
            height: file.height,
            bytes: file.content.len() as u64,
            media_type: file.kind.media_type(),
            content: file.content.clone(),
        };
        pictures.by_name.entry(file.name.clone()).or_insert_with(picture);
        pictures.by_item.insert(item, file.name.clone());
    }
    pictures
}
