//! Letters into a Maildir: written in `tmp`, made durable, then moved to `new`; a letter is there whole or not at all.
//!
//! File names are unique, whichever carrier, process or machine leaves the letter, and tell nothing about the recipient. Lines end in LF there, as mail programs expect of files.
//!
//! BUGS: the folder must be on one file system, which can rename and fsync.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::outcome::{Fault, Outcome};

/// An open Maildir.
#[derive(Clone, Debug)]
pub struct Maildir {
    folder: PathBuf,
    /// Counts the letters left, so that their names sort in this order.
    letters: Arc<AtomicU64>,
}

impl Maildir {
    /// Makes the folders that are missing, for their owner only.
    pub fn open(folder: &Path) -> Result<Maildir, Fault> {
        for part in ["tmp", "new", "cur"] {
            crate::secrets::make_private_folder(&folder.join(part))
                .map_err(|error| Fault::Down(format!("{}: {error}", folder.display())))?;
        }
        Ok(Maildir { folder: folder.to_path_buf(), letters: Arc::default() })
    }

    /// Leaves a letter, whose lines end in CRLF.
    pub fn deliver(&self, letter: &[u8]) -> Outcome {
        let name = match unique_name(self.letters.fetch_add(1, Ordering::Relaxed)) {
            Ok(name) => name,
            Err(error) => return Outcome::Untried(Fault::Down(format!("the system gave no random bytes: {error}"))),
        };
        let (temporary, new) = (self.folder.join("tmp").join(&name), self.folder.join("new").join(&name));
        if let Err(error) = write_durably(&temporary, &with_line_feeds(letter)) {
            // What cannot be removed either is no letter yet: it never left `tmp`.
            let _ = fs::remove_file(&temporary);
            return Outcome::Untried(Fault::Down(format!("{}: {error}", self.folder.display())));
        }
        if let Err(error) = fs::rename(&temporary, &new) {
            let _ = fs::remove_file(&temporary);
            return Outcome::Untried(Fault::Down(format!("{}: {error}", new.display())));
        }
        match File::open(self.folder.join("new")).and_then(|folder| folder.sync_all()) {
            Ok(()) => Outcome::Accepted("left in the Maildir".to_string()),
            Err(error) => Outcome::Unknown(format!("{}: {error}", self.folder.display())),
        }
    }
}

/// A letter as a file: its CRLF become LF.
pub fn with_line_feeds(letter: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(letter.len());
    for (index, byte) in letter.iter().enumerate() {
        if *byte != b'\r' || letter.get(index + 1) != Some(&b'\n') {
            out.push(*byte);
        }
    }
    out
}

/// `SECONDS.M…P…Q…R….crieur`, sorting in the order in which letters were left. The machine's own clock, not the command's. Two
/// carriers may well leave their first letters in one microsecond, and two machines have one process number: of two letters
/// with one name one would be lost, so that it ends in 64 random bits.
fn unique_name(count: u64) -> Result<String, getrandom::Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut random = [0; 8];
    getrandom::fill(&mut random)?;
    let random = u64::from_be_bytes(random);
    let (seconds, micros, process) = (now.as_secs(), now.subsec_micros(), std::process::id());
    Ok(format!("{seconds}.M{micros:06}P{process:07}Q{count:07}R{random:016x}.crieur"))
}

fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_lie_in_new_each_under_its_own_name() {
        let folder = tempfile::tempdir().unwrap();
        let maildir = Maildir::open(&folder.path().join("outbox")).unwrap();
        for _ in 0..20 {
            assert!(matches!(maildir.deliver(b"A: b\r\n\r\nbody\r\n"), Outcome::Accepted(_)));
        }
        let names = |part: &str| fs::read_dir(folder.path().join("outbox").join(part)).unwrap().count();
        assert_eq!((names("new"), names("tmp"), names("cur")), (20, 0, 0));
        let first = fs::read_dir(folder.path().join("outbox/new")).unwrap().next().unwrap().unwrap().path();
        assert_eq!(fs::read(first).unwrap(), b"A: b\n\nbody\n");
    }

    #[test]
    fn carriers_that_leave_their_first_letters_at_once_give_them_names_of_their_own() {
        let names = std::sync::Mutex::new(std::collections::HashSet::new());
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let mine: Vec<String> = (0..20_000).map(|_| unique_name(0).unwrap()).collect();
                    names.lock().unwrap().extend(mine);
                });
            }
        });
        assert_eq!(names.into_inner().unwrap().len(), 80_000);
    }

    #[test]
    fn a_folder_that_cannot_be_waits_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(matches!(Maildir::open(&folder.path().join("file/outbox")), Err(Fault::Down(_))));
    }
}
