//! What the site's own generator made of the sources (`content.built`): where each page is, and its HTML.
//!
//! [`Built::read`] takes a list of pages ([`manifest`]) or a folder of them. With a list, an item's address is what the
//! list says; with a folder, it is `content.permalink`'s, and its page must be there. An item without a page is not
//! published ([`unbuilt`]): it never gets an address that the generator did not give it.
//!
//! Promises: front matter, dates and identity come from the sources alone; a list that is missing or is none is an error
//! that nothing goes on after, because every item would change its address at once.
//!
//! BUGS: of several pages of one source the first is taken. A page's `<base>` is not looked at.

mod address;
pub mod manifest;
mod settle;
pub mod unbuilt;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use url::Url;

use super::{Item, decode};
use crate::config::{self, Config};
use crate::problem::Problem;
use manifest::{Address, Kind, List};
use settle::Shift;
use unbuilt::Why;

/// What the generator made, read.
pub struct Built {
    root: PathBuf,
    site: Url,
    /// As the configuration writes it.
    manifest: String,
    what: What,
    /// What is served at the site's root: pages without content in a list are looked up there.
    folder: PathBuf,
    /// How the generator's paths differ from the project's.
    shift: Shift,
    /// When the list was written.
    written: Option<SystemTime>,
}

enum What {
    List(List),
    Folder,
}

impl Built {
    /// Reads what `content.built` names; `None`: it names nothing.
    pub fn read(config: &Config, now: DateTime<Utc>) -> Result<Option<Built>, Problem> {
        let Some(built) = &config.content.built else { return Ok(None) };
        let path = config.root.join(&built.manifest);
        let metadata = std::fs::metadata(&path).map_err(|error| {
            let message = match error.kind() {
                std::io::ErrorKind::NotFound => {
                    format!("there is no `{}`: the site was not built here", built.manifest)
                }
                _ => format!("`{}` cannot be read: {error}", built.manifest),
            };
            Problem::error("manifest", message)
                .help(format!("first {}", how_to_make(&built.manifest)))
                .at(built.place.clone())
        })?;
        let (what, folder) = if metadata.is_dir() {
            (What::Folder, path.clone())
        } else {
            let bytes = std::fs::read(&path).map_err(|error| {
                Problem::error("manifest", format!("`{}` cannot be read: {error}", built.manifest))
                    .help(format!("first {}", how_to_make(&built.manifest)))
                    .at(built.place.clone())
            })?;
            let text = decode::decode(&bytes, &built.manifest)?;
            drop(bytes);
            let mut list = manifest::parse(&text, &built.manifest, now)?;
            if built.body.is_none() {
                list.pages.values_mut().for_each(|page| page.content = None);
            }
            (What::List(list), config.root.join(&config.publish.out))
        };
        Ok(Some(Built {
            root: config.root.clone(),
            site: config.site.url.clone(),
            manifest: built.manifest.clone(),
            what,
            folder,
            shift: Shift::None,
            written: metadata.modified().ok(),
        }))
    }

    /// Addresses come from a list, and not from `content.permalink` and the front matter.
    pub fn says_addresses(&self) -> bool {
        matches!(self.what, What::List(_))
    }

    /// Finds out how the generator's paths differ from the project's, `paths` being those of the content files.
    pub fn settle(&mut self, paths: &[&str]) {
        if let What::List(list) = &self.what {
            self.shift = Shift::between(paths, &list.pages);
        }
    }

    /// Where the page of this source file is, `usual` being what `content.permalink` and the front matter say.
    pub fn address(&self, path: &str, usual: impl FnOnce() -> String) -> Result<String, Why> {
        match &self.what {
            What::List(list) => match list.pages.get(&*self.shift.apply(path)).map(|page| &page.address) {
                Some(Address::At(written)) => address::absolute(&self.site, written, list.kind)
                    .ok_or_else(|| Why::Elsewhere(written.trim().to_string())),
                Some(Address::None) => Err(Why::NoAddress),
                Some(Address::Draft) => Err(Why::Draft),
                Some(Address::NotNow) => Err(Why::NotNow),
                None => Err(Why::Unknown { newer: self.is_older_than(path) }),
            },
            What::Folder => {
                let usual = usual();
                match self.file(&usual) {
                    Some(file) => Ok(self.own_spelling(&file, usual)),
                    None => Err(Why::NoPage(usual)),
                }
            }
        }
    }

    /// The item's page, or its body, as the generator wrote it; where it was looked for, if it is not there.
    pub fn html(&self, item: &Item) -> Result<Cow<'_, str>, String> {
        if let What::List(list) = &self.what
            && let Some(content) = list.pages.get(&*self.shift.apply(item.path())).and_then(|p| p.content.as_deref())
        {
            return Ok(Cow::Borrowed(content));
        }
        let looked_for = || format!("{} in {}", item.url, self.folder.display());
        let file = self.file(&item.url).ok_or_else(looked_for)?;
        let bytes = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(Cow::Owned(String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Items that were edited after the generator ran, in one warning. By what the list says that the generator read, where
    /// it says so; else by the files' times, where some files are older: when all are newer, the list came from elsewhere.
    pub fn outdated(&self, items: &[Item], config: &config::Built) -> Option<Problem> {
        let mut old: Vec<&str> = Vec::new();
        let (mut by_time, mut timed): (Vec<&str>, usize) = (Vec::new(), 0);
        for item in items {
            let page = match &self.what {
                What::List(list) => list.pages.get(&*self.shift.apply(item.path())),
                What::Folder => None,
            };
            if let Some(raw) = page.and_then(|page| page.raw) {
                if raw != item.body_hash {
                    old.push(item.path());
                }
                continue;
            }
            timed += 1;
            let newer = match &self.what {
                What::List(_) => self.is_older_than(item.path()),
                What::Folder => {
                    let time = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
                    let page = self.file(&item.url).and_then(|file| time(&file));
                    time(&self.root.join(item.path())).zip(page).is_some_and(|(source, page)| source > page)
                }
            };
            if newer {
                by_time.push(item.path());
            }
        }
        if by_time.len() < timed {
            old.extend(by_time);
        }
        let (first, more) = (old.first()?, old.len() - 1);
        let what = if more == 0 { first.to_string() } else { format!("{first} and {more} more") };
        let message = format!("`{}` was made before the last change of {what}", self.manifest);
        let help = format!("{}; until then, what it says may be out of date", how_to_make(&self.manifest));
        Some(Problem::warning("built-before", message).help(help).at(config.place.clone()))
    }

    fn file(&self, address: &str) -> Option<PathBuf> {
        address::file_of(&self.folder, &self.site, address)
    }

    /// The page's own spelling of its address (with or without a slash or `index.html`), where it means this very page.
    fn own_spelling(&self, file: &Path, usual: String) -> String {
        let Ok(bytes) = std::fs::read(file) else { return usual };
        let said = address::said_by(&String::from_utf8_lossy(&bytes));
        let base = Url::parse(&usual).ok();
        let said = said.and_then(|said| base?.join(&said).ok());
        let said = said.and_then(|said| address::absolute(&self.site, said.as_str(), Kind::Own));
        match said {
            Some(said) if self.file(&said).as_deref() == Some(file) => said,
            _ => usual,
        }
    }

    /// The source was written after the list.
    fn is_older_than(&self, path: &str) -> bool {
        let source = std::fs::metadata(self.root.join(path)).and_then(|metadata| metadata.modified()).ok();
        source.zip(self.written).is_some_and(|(source, list)| source > list)
    }
}

/// What to do so that the list, or the folder, is there.
fn how_to_make(manifest: &str) -> String {
    match manifest.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending) {
        Some("csv") => format!("let Hugo write it: `hugo list all > {manifest}`"),
        Some("json") => format!(
            "let the generator write it: `npx @11ty/eleventy --to=json > {manifest}`, or build the Hugo site whose \
             template writes it"
        ),
        _ => "build the site".to_string(),
    }
}
