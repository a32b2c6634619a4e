//! What was converted before: one file a picture under `var/pictures`, named by what it was made from and by what it is.
//!
//! `KEY-WIDTHxHEIGHT-NAME`: the key is a hash of the source's bytes and of all that was asked of it; the name is the
//! picture's own, a hash of its content, so that a torn file is known and made again. Nothing needs the cache: where it
//! can't be read or written, pictures are converted each time.
//!
//! BUGS: how long an entry was not used is told by its file's time, and by the system's clock whatever `--now` says.

use std::collections::HashMap;
use std::fs::{self, File as OpenFile};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use super::encode::{self, File, Kind};
use super::{Fit, Mark, Remember};

/// Part of every key: to be raised when the same input is to give other pixels.
const VERSION: &str = "1";
const DAY: Duration = Duration::from_secs(24 * 3600);
/// An entry not used for so long is dropped.
const UNUSED: Duration = Duration::from_secs(60 * 24 * 3600);
/// Beyond so many, the longest unused are dropped, however new.
const MOST_ENTRIES: usize = 5_000;

/// What a picture is made from: 128 bits of a hash, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    pub fn new(source: &[u8], fit: Fit, mark: Option<Mark>) -> Self {
        let mut hasher = blake3::Hasher::new();
        let mark = match mark {
            None => "none",
            Some(Mark::Play) => "play",
            Some(Mark::Sound) => "sound",
        };
        let asked = format!("{VERSION} {}x{} {} {mark}\n", fit.width, fit.height, fit.most_bytes);
        hasher.update(asked.as_bytes()).update(source);
        Key(hasher.finalize().to_hex()[..32].to_string())
    }
}

pub struct Cache {
    folder: PathBuf,
    /// File names by key.
    entries: HashMap<String, String>,
    remember: Remember,
    grew: AtomicBool,
}

impl Cache {
    /// Lists the folder; one that is not there is empty.
    pub fn open(folder: &Path, remember: Remember) -> Self {
        let names = names(folder).into_iter();
        let entries = names.filter_map(|name| Some((name.split_once('-')?.0.to_string(), name))).collect();
        Cache { folder: folder.to_path_buf(), entries, remember, grew: AtomicBool::new(false) }
    }

    pub fn get(&self, key: &Key) -> Option<File> {
        let entry = self.entries.get(&key.0)?;
        let (kind, width, height, name) = parse(entry)?;
        let path = self.folder.join(entry);
        let content = fs::read(&path).ok()?;
        if encode::name_of(&content, kind) != name {
            return None;
        }
        if self.remember == Remember::Yes {
            touch(&path);
        }
        Some(File::new(content, kind, (width, height)))
    }

    /// Keeps a picture; that it can't is no error.
    pub fn put(&self, key: &Key, file: &File) {
        if self.remember == Remember::No {
            return;
        }
        let entry = format!("{}-{}x{}-{}", key.0, file.width, file.height, file.name);
        let written = || -> std::io::Result<()> {
            fs::create_dir_all(&self.folder)?;
            let mut new = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.folder)?;
            new.write_all(&file.content)?;
            new.persist(self.folder.join(&entry)).map_err(|error| error.error)?;
            Ok(())
        };
        if written().is_ok() {
            self.grew.store(true, Ordering::Relaxed);
        }
    }

    /// Drops what was not used for long, when something new came in.
    pub fn tidy(&self) {
        if !self.grew.load(Ordering::Relaxed) {
            return;
        }
        let now = SystemTime::now();
        let age = |name: &String| {
            let used = fs::metadata(self.folder.join(name)).and_then(|metadata| metadata.modified()).ok()?;
            Some(now.duration_since(used).unwrap_or_default())
        };
        let mut aged: Vec<(Duration, String)> =
            names(&self.folder).into_iter().filter_map(|name| Some((age(&name)?, name))).collect();
        aged.sort();
        for (index, (age, name)) in aged.iter().enumerate() {
            // What a killed writer left is old the next day.
            let abandoned = name.starts_with(".new-") && *age > DAY;
            let known = parse(name).is_some();
            if abandoned || (known && (*age > UNUSED || index >= MOST_ENTRIES)) {
                // Another run may have been quicker.
                let _ = fs::remove_file(self.folder.join(name));
            }
        }
    }
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// Kind, width, height and the picture's own name.
fn parse(entry: &str) -> Option<(Kind, u32, u32, &str)> {
    let mut parts = entry.splitn(3, '-');
    let (_key, size, name) = (parts.next()?, parts.next()?, parts.next()?);
    let (width, height) = size.split_once('x')?;
    let kind = Kind::of_ending(name.rsplit_once('.')?.1)?;
    Some((kind, width.parse().ok()?, height.parse().ok()?, name))
}

/// Says that an entry was used, once a day at most.
fn touch(path: &Path) {
    let now = SystemTime::now();
    let Ok(file) = OpenFile::options().append(true).open(path) else { return };
    let used = file.metadata().and_then(|metadata| metadata.modified());
    if used.is_ok_and(|used| now.duration_since(used).is_ok_and(|age| age > DAY)) {
        let _ = file.set_modified(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIT: Fit = Fit { width: 480, height: 240, most_bytes: 60_000, together: 300_000 };

    fn file(content: &[u8]) -> File {
        File::new(content.to_vec(), Kind::Png, (4, 3))
    }

    fn age(path: &Path, days: u64) {
        let file = OpenFile::options().append(true).open(path).unwrap();
        file.set_modified(SystemTime::now() - days as u32 * DAY).unwrap();
    }

    #[test]
    fn an_entry_is_found_by_what_it_was_made_from() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("var/pictures");
        let key = Key::new(b"source", FIT, None);
        assert_eq!(Cache::open(&folder, Remember::Yes).get(&key), None);
        Cache::open(&folder, Remember::No).put(&key, &file(b"x"));
        assert!(!folder.exists());
        Cache::open(&folder, Remember::Yes).put(&key, &file(b"x"));
        let cache = Cache::open(&folder, Remember::No);
        assert_eq!(cache.get(&key), Some(file(b"x")));
        for other in [
            Key::new(b"other", FIT, None),
            Key::new(b"source", FIT, Some(Mark::Play)),
            Key::new(b"source", Fit { width: 481, ..FIT }, None),
            Key::new(b"source", Fit { most_bytes: 1, ..FIT }, None),
        ] {
            assert_eq!(cache.get(&other), None);
        }
    }

    #[test]
    fn a_torn_entry_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let key = Key::new(b"source", FIT, None);
        Cache::open(folder.path(), Remember::Yes).put(&key, &file(b"whole"));
        let cache = Cache::open(folder.path(), Remember::Yes);
        fs::write(folder.path().join(&cache.entries[&key.0]), b"wh").unwrap();
        assert_eq!(cache.get(&key), None);
    }

    #[test]
    fn what_is_not_used_for_long_is_dropped_and_what_is_used_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (old, used) = (Key::new(b"old", FIT, None), Key::new(b"used", FIT, None));
        let cache = Cache::open(folder.path(), Remember::Yes);
        cache.put(&old, &file(b"old"));
        cache.put(&used, &file(b"used"));
        fs::write(folder.path().join("README"), "not ours").unwrap();
        for name in names(folder.path()) {
            age(&folder.path().join(name), 70);
        }
        let cache = Cache::open(folder.path(), Remember::Yes);
        assert!(cache.get(&used).is_some());
        cache.tidy();
        assert_eq!(names(folder.path()).len(), 3, "nothing new: nothing is dropped");
        cache.put(&Key::new(b"new", FIT, None), &file(b"new"));
        cache.tidy();
        let cache = Cache::open(folder.path(), Remember::Yes);
        assert!(cache.get(&used).is_some() && cache.get(&old).is_none());
        assert!(folder.path().join("README").exists());
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_no_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "x").unwrap();
        let cache = Cache::open(&path.join("pictures"), Remember::Yes);
        cache.put(&Key::new(b"a", FIT, None), &file(b"a"));
        cache.tidy();
    }
}
