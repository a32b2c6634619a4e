//! A Maildir that others fill: its messages are read, and those that were understood are marked as seen.
//!
//! Promises: nothing is ever deleted or changed; a message that was not understood stays where it is, under its name; one
//! that was goes to `cur` with the flag `S`, over no other message.
//!
//! BUGS: every message is read each time, those seen before too (somebody's mail program may have marked them first): what
//! is old is to be cleared away now and then.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The messages of `new` and `cur`, in the order of their names, which is about that of their arrival.
pub fn messages(maildir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for folder in ["new", "cur"] {
        let folder = maildir.join(folder);
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            // A Maildir that nobody has opened yet may have no `cur`.
            Err(error) if error.kind() == io::ErrorKind::NotFound && folder.ends_with("cur") => continue,
            Err(error) => return Err(io::Error::new(error.kind(), format!("{}: {error}", folder.display()))),
        };
        for entry in entries {
            let entry = entry?;
            if !entry.file_name().to_string_lossy().starts_with('.') && entry.file_type()?.is_file() {
                found.push(entry.path());
            }
        }
    }
    found.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    Ok(found)
}

/// The first `limit` bytes of a message.
pub fn read(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(limit as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Moves a message to `cur`, seen. One that somebody else moved or removed meanwhile is nobody's business any more.
pub fn mark_seen(maildir: &Path, path: &Path) -> io::Result<()> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return Ok(()) };
    let (unique, flags) = name.split_once(":2,").unwrap_or((name, ""));
    if flags.contains('S') && path.parent().is_some_and(|folder| folder.ends_with("cur")) {
        return Ok(());
    }
    let mut flags: Vec<char> = flags.chars().filter(|flag| *flag != 'S').chain(['S']).collect();
    flags.sort_unstable();
    let flags: String = flags.into_iter().collect();
    fs::create_dir_all(maildir.join("cur"))?;
    let seen = maildir.join("cur").join(format!("{unique}:2,{flags}"));
    if seen.exists() {
        return Ok(());
    }
    match fs::rename(path, seen) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        moved => moved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_goes_to_cur_with_its_flags_and_over_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let maildir = folder.path();
        for part in ["new", "cur", "tmp"] {
            fs::create_dir(maildir.join(part)).unwrap();
        }
        for name in ["new/2.a", "cur/1.b:2,RT", "cur/3.c:2,S", "new/4.d", "cur/4.d:2,S", "new/.hidden"] {
            fs::write(maildir.join(name), name).unwrap();
        }
        let found = messages(maildir).unwrap();
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["1.b:2,RT", "2.a", "3.c:2,S", "4.d", "4.d:2,S"]);
        for path in &found {
            mark_seen(maildir, path).unwrap();
        }
        let mut names: Vec<String> = messages(maildir)
            .unwrap()
            .iter()
            .map(|path| path.strip_prefix(maildir).unwrap().to_str().unwrap().to_string())
            .collect();
        names.sort();
        assert_eq!(names, ["cur/1.b:2,RST", "cur/2.a:2,S", "cur/3.c:2,S", "cur/4.d:2,S", "new/4.d"]);
        assert_eq!(fs::read_to_string(maildir.join("new/4.d")).unwrap(), "new/4.d");
        assert!(messages(&maildir.join("absent")).is_err());
    }
}
