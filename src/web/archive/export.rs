//! The archive as files, for a site without the service; and what a letter's page and its feed's entry are made of, which
//! the service makes in the same way.
//!
//! Promises: a file whose bytes are the same is not touched; what an earlier export of the same newsletters left and this one does
//! not write is removed, and nothing else: the list of what is ours lies beside it, in `.crieur-archive`.
//!
//! BUGS: that the files are served, and `index.html` for its folder, is the deployment's matter.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use url::Url;

use super::feed::{self, Part};
use super::letter::{Beside, Letter};
use super::sent::{Sent, Source};
use super::{PARTS, Place, pages, public, served};
use crate::config::{Archive, Config, Newsletter};
use crate::pictures::webp;
use crate::publish;
use crate::store::{Store, StoreError};
use crate::web::page::Page;

/// What is ours in the folder, a path a line.
const OURS: &str = ".crieur-archive";

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    /// Each newsletter's name, how many letters, and the address of its list.
    pub newsletters: Vec<(String, usize, String)>,
    pub files: usize,
    pub changed: usize,
    pub removed: usize,
}

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{path} cannot be written: {error}")]
    Write { path: String, error: io::Error },
    #[error("{path} cannot be removed: {error}")]
    Remove { path: String, error: io::Error },
}

/// The smaller WebP of a letter's pictures, by the picture's name: its own name, and its bytes.
#[derive(Clone, Debug, Default)]
pub struct Smaller(BTreeMap<String, (String, Vec<u8>)>);

impl Smaller {
    /// All that stands beside the page: the letter's pictures, and these.
    pub fn all(self, source: Source) -> Vec<(String, Vec<u8>)> {
        source.kept.into_iter().filter(|(_, content)| !content.is_empty()).chain(self.0.into_values()).collect()
    }
}

/// Packs a letter's pictures anew, for the web.
pub fn pictures(source: &Source) -> Smaller {
    let smaller = |(name, content): (&String, &Vec<u8>)| {
        let bytes = webp::smaller(content)?;
        let own = format!("{}.webp", &blake3::hash(&bytes).to_hex()[..24]);
        Some((name.clone(), (own, bytes)))
    };
    Smaller(source.kept.iter().filter_map(smaller).collect())
}

/// A letter, as its page and its feed's entry have it.
pub fn letter(place: &Place<'_>, newsletter: &Newsletter, source: &Source, smaller: &Smaller) -> Letter {
    let number = source.edition.number;
    let beside = Beside {
        kept: source.kept.keys().map(String::as_str).collect(),
        webp: smaller.0.iter().map(|(name, (own, _))| (name.as_str(), own.clone())).collect(),
        page: format!("{}{number}/", place.of(newsletter)),
    };
    let page = source.composed.online.as_ref().and_then(|path| place.config.site.url.join(path).ok());
    let online: Vec<String> =
        page.map(String::from).into_iter().chain([place.canonical(newsletter, number)]).collect();
    Letter::of(source, &beside, &online)
}

/// Writes the archive into a folder whose address is `root`: of one newsletter, or of all with the list of them.
pub async fn export(
    store: &mut Store,
    config: &Config,
    only: Option<&Newsletter>,
    out: &Path,
    root: Url,
) -> Result<Exported, ExportError> {
    let page = Page::new();
    let place = Place { config, page: &page, root, home: Some(config.site.url.to_string()) };
    let mut writer = Writer { out, written: BTreeSet::new(), changed: 0 };
    let mut exported = Exported::default();
    let chosen = config.newsletters.iter().filter(|one| only.is_none_or(|only| only.name == one.name));
    let mut listed = Vec::new();
    for newsletter in chosen.filter(|newsletter| newsletter.archive != Archive::None) {
        let sent = Sent::read(store, &newsletter.name).await?;
        of_one(store, &place, newsletter, &sent, &mut writer).await?;
        exported.newsletters.push((newsletter.name.clone(), sent.0.len(), place.of(newsletter)));
        if !sent.0.is_empty() && public(config).any(|public| public.name == newsletter.name) {
            listed.push((newsletter, sent));
        }
    }
    if only.is_none() {
        writer.write("index.html", pages::index(&place, &listed).as_bytes())?;
    }
    for (name, text) in PARTS {
        writer.write(name, text.as_bytes())?;
    }
    exported.files = writer.written.len();
    exported.changed = writer.changed;
    exported.removed = tidy(out, &writer.written, only)?;
    Ok(exported)
}

async fn of_one(
    store: &mut Store,
    place: &Place<'_>,
    newsletter: &Newsletter,
    sent: &Sent,
    writer: &mut Writer<'_>,
) -> Result<(), ExportError> {
    // On disk a folder has the newsletter's name as it is.
    let folder = &newsletter.name;
    let mut lines = BTreeMap::new();
    for edition in &sent.0 {
        let (Some(source), Some((_, near))) = (Source::read(store, edition, true).await?, sent.find(edition.number))
        else {
            continue;
        };
        lines.insert(edition.number, served::line(&source));
        let smaller = pictures(&source);
        let letter = letter(place, newsletter, &source, &smaller);
        let html = pages::letter(place, newsletter, edition, near, &letter);
        writer.write(&format!("{folder}/{}/index.html", edition.number), html.as_bytes())?;
        for (name, bytes) in smaller.all(source) {
            writer.write(&format!("{folder}/{}/{name}", edition.number), &bytes)?;
        }
    }
    for page in 1..=pages::pages(sent.0.len()) {
        let shown = pages::on_page(sent, page).unwrap_or_default();
        let shown: Vec<_> = shown.iter().filter_map(|edition| lines.get(&edition.number).cloned()).collect();
        let html = pages::list(place, newsletter, sent, page, &shown);
        writer.write(&format!("{folder}/{}index.html", pages::page_path(page)), html.as_bytes())?;
    }
    for part in Part::all(sent.0.len()) {
        let mut letters = Vec::new();
        for edition in part.letters(sent).unwrap_or_default() {
            if let Some(source) = Source::read(store, edition, false).await? {
                letters.push((edition, letter(place, newsletter, &source, &Smaller::default())));
            }
        }
        let text = feed::write(place, newsletter, sent, part, &letters);
        writer.write(&format!("{folder}/{}", part.name()), text.as_bytes())?;
    }
    Ok(())
}

struct Writer<'a> {
    out: &'a Path,
    written: BTreeSet<String>,
    changed: usize,
}

impl Writer<'_> {
    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), ExportError> {
        self.changed += usize::from(write(self.out, path, bytes)?);
        self.written.insert(path.to_string());
        Ok(())
    }
}

fn write(out: &Path, path: &str, bytes: &[u8]) -> Result<bool, ExportError> {
    let file = out.join(path);
    publish::write_if_changed(&file, bytes)
        .map_err(|error| ExportError::Write { path: file.display().to_string(), error })
}

/// Removes what an earlier export wrote and this one did not, as far as it is about the same; remembers what is ours.
fn tidy(out: &Path, written: &BTreeSet<String>, only: Option<&Newsletter>) -> Result<usize, ExportError> {
    let before = fs::read_to_string(out.join(OURS)).unwrap_or_default();
    let mut ours = written.clone();
    let mut removed = 0;
    for path in before.lines().filter(|path| !written.contains(*path) && is_inside(path)) {
        let about = only.is_none_or(|only| path.starts_with(&format!("{}/", only.name)));
        if !about {
            ours.insert(path.to_string());
            continue;
        }
        let file = out.join(path);
        match fs::remove_file(&file) {
            Ok(()) => removed += 1,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(ExportError::Remove { path: file.display().to_string(), error }),
        }
        // Its folders, where nothing else is in them.
        let mut folder = PathBuf::from(path);
        while folder.pop() && !folder.as_os_str().is_empty() && fs::remove_dir(out.join(&folder)).is_ok() {}
    }
    let text = ours.into_iter().map(|path| path + "\n").collect::<String>();
    write(out, OURS, text.as_bytes())?;
    Ok(removed)
}

/// A line of the list that names a file in the folder, whoever wrote it.
fn is_inside(path: &str) -> bool {
    !path.is_empty() && path.split('/').all(|part| !part.is_empty() && !part.starts_with('.')) && !path.contains('\\')
}
