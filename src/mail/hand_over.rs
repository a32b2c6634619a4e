//! An edition's file, left where the machine that sends it finds it: there whole, on disk, or not at all.
//!
//! BUGS: that the file is taken from there is the deployment's matter.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::outcome::{Fault, Outcome};

/// Leaves the file, in the place of one that was there.
pub fn leave(file: &Path, content: &[u8]) -> Outcome {
    match write(file, content) {
        Ok(()) => Outcome::Accepted(format!("handed over: {} bytes", content.len())),
        Err(error) => Outcome::Untried(Fault::Down(format!("{}: {error}", file.display()))),
    }
}

fn write(file: &Path, content: &[u8]) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    // Less the process's umask, as for any file: a web server may have to read it, and nobody's address is in it.
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut written = builder.prefix(".edition-").tempfile_in(folder)?;
    written.write_all(content)?;
    written.as_file().sync_all()?;
    written.persist(file).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_left_whole_and_takes_the_place_of_an_older_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a/b.json");
        for content in [b"one".as_slice(), b"two"] {
            assert!(matches!(leave(&file, content), Outcome::Accepted(_)));
            assert_eq!(std::fs::read(&file).unwrap(), content);
        }
        assert_eq!(std::fs::read_dir(folder.path().join("a")).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_a_fault_of_ours_and_waits() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a"), "").unwrap();
        let outcome = leave(&folder.path().join("a/b.json"), b"one");
        assert!(matches!(outcome, Outcome::Untried(Fault::Down(_))), "{outcome:?}");
    }
}
