//! 5a *publish*: writes files so that a reader sees the old one or the new one, whole, and only where bytes changed.
//!
//! Promises: a file is replaced in one step, its bytes on the disk before its name; a file with the same bytes already
//! is not touched, its times included; an interrupted write leaves nothing behind that the next one does not clear away.
//! BUGS: several files are not replaced at one instant: a reader may see one feed new and the next one old for a moment.
//! A new file takes the place of a symbolic link, not of what it points at.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use crate::config::FeedConfig;
use crate::feed::{self, Feed};

/// One output of one feed, after it was written or found to be there already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Written {
    /// The feed's name: the stem of its file.
    pub feed: String,
    /// `atom`, `rss` or `json`.
    pub format: &'static str,
    /// Where it lies, relative to the project's folder unless it lies elsewhere.
    pub path: String,
    pub entries: usize,
    pub bytes: usize,
    pub changed: bool,
}

/// Writes every output of `feeds` (which are those of `configs`, in order) under `out`, itself relative to `root`.
pub fn feeds(root: &Path, out: &Path, configs: &[FeedConfig], feeds: &[Feed]) -> io::Result<Vec<Written>> {
    type Writer = fn(&Feed) -> String;
    let outputs: Vec<(&FeedConfig, &Feed, &'static str, &str, Writer)> = configs
        .iter()
        .zip(feeds)
        .flat_map(|(config, feed)| {
            let formats: [(&'static str, &Option<String>, Writer); 3] = [
                ("atom", &config.outputs.atom, feed::atom::write),
                ("rss", &config.outputs.rss, feed::rss::write),
                ("json", &config.outputs.json, feed::json::write),
            ];
            formats.into_iter().filter_map(move |(format, path, writer)| {
                path.as_deref().map(|path| (config, feed, format, path, writer))
            })
        })
        .collect();
    outputs
        .par_iter()
        .map(|(config, feed, format, path, writer)| {
            let path = out.join(path.trim_start_matches('/'));
            let bytes = writer(feed);
            Ok(Written {
                feed: config.name.clone(),
                format,
                path: path.to_string_lossy().into_owned(),
                entries: feed.entries.len(),
                bytes: bytes.len(),
                changed: write_if_changed(&root.join(&path), bytes.as_bytes())?,
            })
        })
        .collect()
}

/// Replaces the file at `path`, whole or not at all, its folders made where missing. `false`: it held these bytes.
pub fn write_if_changed(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    if holds(path, bytes)? {
        return Ok(false);
    }
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder)?;
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a file's name"))?;
    let prefix = format!(".{}.crieur-", name.to_string_lossy());
    clear_abandoned(folder, &prefix)?;

    let permissions = match fs::metadata(path) {
        Ok(existing) => existing.permissions(),
        Err(_) => new_file_permissions(),
    };
    let mut builder = tempfile::Builder::new();
    let mut written = builder.prefix(&prefix).permissions(permissions).tempfile_in(folder)?;
    // The lock says "somebody is writing this": it is gone with the process, however that ends.
    written.as_file().lock()?;
    written.write_all(bytes)?;
    written.as_file().sync_all()?;
    written.persist(path).map_err(|error| error.error)?;
    sync_folder(folder)?;
    Ok(true)
}

fn holds(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    match fs::metadata(path) {
        Ok(existing) if existing.len() == bytes.len() as u64 => Ok(fs::read(path)? == bytes),
        Ok(_) => Ok(false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes what killed writers of this very file left in its folder.
fn clear_abandoned(folder: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix)
            && let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            // Another run may have been quicker.
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

#[cfg(unix)]
fn new_file_permissions() -> Permissions {
    use std::os::unix::fs::PermissionsExt;
    // Less the process's umask, as for any file: a web server reads these.
    Permissions::from_mode(0o666)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_bytes_do_not_touch_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feed/feed.xml");
        assert!(write_if_changed(&path, b"one").unwrap());
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        assert!(!write_if_changed(&path, b"one").unwrap());
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), before);
        assert!(write_if_changed(&path, b"two").unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path().join("feed")).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_writer_left_is_cleared_and_what_a_live_one_writes_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feed.xml");
        let (dead, live) = (folder.path().join(".feed.xml.crieur-1"), folder.path().join(".feed.xml.crieur-2"));
        fs::write(&dead, b"half").unwrap();
        let held = File::create(&live).unwrap();
        held.lock().unwrap();
        write_if_changed(&path, b"whole").unwrap();
        assert!(!dead.exists());
        assert!(live.exists());
    }

    #[cfg(unix)]
    #[test]
    fn others_can_read_a_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feed.xml");
        write_if_changed(&path, b"x").unwrap();
        let plain = folder.path().join("plain");
        fs::write(&plain, b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&plain));
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_an_error_and_the_old_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"old").unwrap();
        assert!(write_if_changed(&path.join("feed.xml"), b"new").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"old");
    }
}
