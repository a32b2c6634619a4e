//! The file of the keys: a line a key, 64 hexadecimal digits, the oldest first.
//!
//! A line that says `revoked` behind its key holds one that reads no token any more; the last line may not. Empty lines are
//! passed over.
//!
//! Promises: the file is written whole or not at all, for its owner only; of two processes that make it at once the first
//! wins, of two that add a key each does. A key that is there is never lost.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use tempfile::NamedTempFile;

use super::{KEYS_FILE_VARIABLE, SecretsError, make_private_folder};
use crate::config::Config;
use crate::problem::{Problem, Severity};

/// What stands behind a key that reads no token any more.
const REVOKED: &str = "revoked";

/// A line of the file.
pub(super) struct Line {
    pub key: [u8; 32],
    pub revoked: bool,
}

/// Where a project's keys are: where [`KEYS_FILE_VARIABLE`] says, or in the folder `secrets`.
pub fn path_of(config: &Config) -> PathBuf {
    named().unwrap_or_else(|| config.secrets.join("key"))
}

/// The file that the environment names.
pub(super) fn named() -> Option<PathBuf> {
    std::env::var_os(KEYS_FILE_VARIABLE).map(PathBuf::from)
}

/// The keys of a file: one at least, the last of which may sign.
pub(super) fn read(path: &Path) -> Result<Vec<Line>, SecretsError> {
    let lines = parse(path, &text_of(path)?)?;
    match lines.last() {
        Some(last) if !last.revoked => Ok(lines),
        Some(_) => Err(SecretsError::NothingSigns { path: path.to_path_buf() }),
        None => Err(SecretsError::NotAKey { path: path.to_path_buf(), line: 1 }),
    }
}

fn text_of(path: &Path) -> Result<String, SecretsError> {
    fs::read_to_string(path).map_err(|source| SecretsError::Io { path: path.to_path_buf(), source })
}

fn parse(path: &Path, text: &str) -> Result<Vec<Line>, SecretsError> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(number, line): (usize, &str)| {
        parse_line(line).ok_or_else(|| SecretsError::NotAKey { path: path.to_path_buf(), line: number + 1 })
    };
    lines.map(read).collect()
}

fn parse_line(line: &str) -> Option<Line> {
    let mut words = line.split_whitespace();
    let bytes = HEXLOWER_PERMISSIVE.decode(words.next()?.as_bytes()).ok()?;
    let revoked = match words.next() {
        None => false,
        Some(REVOKED) => true,
        Some(_) => return None,
    };
    (words.next().is_none()).then_some(Line { key: bytes.try_into().ok()?, revoked })
}

/// Makes the file with its first key; one that somebody else made meanwhile stays.
pub(super) fn create(path: &Path) -> Result<(), SecretsError> {
    let failed = |source| SecretsError::Io { path: path.to_path_buf(), source };
    let folder = folder_of(path);
    make_private_folder(&folder).map_err(failed)?;
    let temporary = written(&folder, &format!("{}\n", new_key()?)).map_err(failed)?;
    match temporary.persist_noclobber(path) {
        Ok(_) => sync(&folder).map_err(failed),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error.error)),
    }
}

/// Adds a key behind the others, which signs from now on for whoever reads the file anew. Gives how many there are.
pub fn add_key(path: &Path) -> Result<usize, SecretsError> {
    let failed = |source| SecretsError::Io { path: path.to_path_buf(), source };
    // Where a link leads: it stays one.
    let path = fs::canonicalize(path).map_err(failed)?;
    let folder = folder_of(&path);
    // Held until the end of this function: another one that adds waits, and finds this key there.
    let alone = File::open(&folder).map_err(failed)?;
    alone.lock().map_err(failed)?;
    let before = text_of(&path)?;
    let count = parse(&path, &before)?.len();
    let end = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    let temporary = written(&folder, &format!("{before}{end}{}\n", new_key()?)).map_err(failed)?;
    same_owner(&path, temporary.as_file()).map_err(failed)?;
    temporary.persist(&path).map_err(|error| failed(error.error))?;
    sync(&folder).map_err(failed)?;
    Ok(count + 1)
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

fn new_key() -> Result<String, SecretsError> {
    let mut key = [0u8; 32];
    getrandom::fill(&mut key).map_err(|error| SecretsError::Random(error.to_string()))?;
    Ok(HEXLOWER.encode(&key))
}

/// On disk, under a name of its own. A temporary file has mode 0600.
fn written(folder: &Path, text: &str) -> io::Result<NamedTempFile> {
    let mut temporary = NamedTempFile::new_in(folder)?;
    temporary.write_all(text.as_bytes())?;
    temporary.as_file().sync_all()?;
    Ok(temporary)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Gives a new file to whoever has the old one: root may add a key to another user's.
#[cfg(unix)]
fn same_owner(old: &Path, new: &File) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let (old, ours) = (fs::metadata(old)?, new.metadata()?);
    if (old.uid(), old.gid()) == (ours.uid(), ours.gid()) {
        return Ok(());
    }
    std::os::unix::fs::fchown(new, Some(old.uid()), Some(old.gid()))
}

#[cfg(not(unix))]
fn same_owner(_: &Path, _: &File) -> io::Result<()> {
    Ok(())
}

/// What is wrong with the mode of a project's file of keys: an error where everybody on the machine may read it, or others
/// than its owner may change it; a warning where its group may read it.
pub fn too_open(config: &Config) -> Option<Problem> {
    if config.branch().is_some() {
        return None;
    }
    let path = path_of(config);
    let mode = mode_of(&path)?;
    let severity = match mode {
        mode if mode & 0o027 != 0 => Severity::Error,
        mode if mode & 0o077 != 0 => Severity::Warning,
        _ => return None,
    };
    let message = format!("others than its owner may read the key in {} (mode {mode:03o})", path.display());
    let help = format!("chmod 600 {}", path.display());
    Some(Problem { severity, ..Problem::error("key-open", message).help(help) })
}

#[cfg(unix)]
fn mode_of(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).ok().map(|metadata| metadata.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode_of(_: &Path) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secrets;

    fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, text).unwrap();
        (folder, path)
    }

    #[test]
    fn a_key_is_added_behind_the_others_for_the_owner_only() {
        let (folder, path) = file(&"ab".repeat(32));
        assert_eq!(add_key(&path).unwrap(), 2);
        assert_eq!(add_key(&path).unwrap(), 3);
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[0]), (3, "ab".repeat(32).as_str()));
        assert!(lines[1] != lines[2] && lines.iter().all(|line| line.len() == 64), "{text}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        #[cfg(unix)]
        assert_eq!(mode_of(&path), Some(0o600));
    }

    #[test]
    fn of_those_who_add_a_key_at_once_each_does() {
        let (_folder, path) = file(&"ab".repeat(32));
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| add_key(&path).unwrap());
            }
        });
        assert_eq!(read(&path).unwrap().len(), 9);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_the_file_stays_one() {
        let (folder, path) = file(&"ab".repeat(32));
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert_eq!(add_key(&link).unwrap(), 2);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(read(&path).unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_key_is_named_by_its_line_and_nothing_is_added_to_it() {
        let key = "ab".repeat(32);
        for (text, wrong) in [
            (String::new(), 1),
            ("secret".to_string(), 1),
            (format!("{key}\n\n{key} revoked\n{}\n", "ab".repeat(31)), 4),
            (format!("{key} retired\n"), 1),
            (format!("{key} revoked now\n"), 1),
            (format!("{key}\n{}\n", "é".repeat(32)), 2),
        ] {
            let (folder, path) = file(&text);
            let read = Secrets::load_or_create(folder.path(), None);
            assert!(matches!(read, Err(SecretsError::NotAKey { line, .. }) if line == wrong), "{text}");
            assert!(text.is_empty() || add_key(&path).is_err());
        }
        let (folder, path) = file(&format!("{key}\n{key} revoked\n"));
        assert!(matches!(Secrets::load_or_create(folder.path(), None), Err(SecretsError::NothingSigns { .. })));
        add_key(&path).unwrap();
        assert!(Secrets::load_or_create(folder.path(), None).is_ok());
    }
}
