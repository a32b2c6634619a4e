//! The contents of published files, held in memory with their packed forms: each is read, hashed and packed once.
//!
//! Promises: a file that was replaced is read anew at the next request (its identity, length and time are looked at each
//! time); together the contents take no more than a bound, the least recently asked for going first; a file larger than an
//! eighth of the bound is read for each request and packed for none.
//!
//! BUGS: a file that is changed in place, within the clock's grain and to the same length, is not noticed: what crieur writes
//! it replaces.

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use hyper::body::Bytes;
use hyper::header::HeaderValue;
use tokio::sync::OnceCell;

use super::conditions::{Coding, Etags};

/// What all contents may take together, in bytes.
pub const MOST: usize = 64 * 1024 * 1024;
/// Less is not worth packing.
const LEAST: usize = 256;
/// Of Brotli's eleven: the last two cost ten times as much for a twentieth.
const BROTLI: i32 = 9;
/// No published file is larger.
const LARGEST: u64 = 64 * 1024 * 1024;

/// A file's content.
pub struct Content {
    pub bytes: Bytes,
    /// Of 128 bits of a hash.
    pub etags: Etags,
    pub modified: SystemTime,
    /// The same, as a header says it.
    pub last_modified: HeaderValue,
    identity: Identity,
    gzip: OnceCell<Option<Bytes>>,
    brotli: OnceCell<Option<Bytes>>,
    packs: bool,
}

/// By which a file that was replaced is told from its predecessor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity {
    /// The disk's, and the file's on it.
    number: (u64, u64),
    length: u64,
    modified: SystemTime,
}

impl Identity {
    fn of(metadata: &Metadata) -> io::Result<Identity> {
        #[cfg(unix)]
        let number = {
            use std::os::unix::fs::MetadataExt;
            (metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let number = (0, 0);
        Ok(Identity { number, length: metadata.len(), modified: metadata.modified()? })
    }
}

impl Content {
    fn new(bytes: Vec<u8>, identity: Identity, packs: bool) -> Content {
        let etags = Etags::of(&blake3::hash(&bytes).to_hex()[..32]);
        // A date always is a header's value.
        let last_modified = HeaderValue::try_from(httpdate::fmt_http_date(identity.modified));
        Content {
            bytes: bytes.into(),
            etags,
            modified: identity.modified,
            last_modified: last_modified.unwrap_or(HeaderValue::from_static("")),
            identity,
            gzip: OnceCell::new(),
            brotli: OnceCell::new(),
            packs,
        }
    }

    /// Of no file: what was made, of this moment.
    pub fn made(bytes: Vec<u8>, modified: SystemTime, packs: bool) -> Content {
        let identity = Identity { number: (0, 0), length: bytes.len() as u64, modified };
        Content::new(bytes, identity, packs)
    }

    /// The bytes in this packing; `None`: it would not make them smaller.
    pub async fn packed(self: &Arc<Self>, coding: Coding) -> Option<Bytes> {
        if !self.packs || self.bytes.len() < LEAST {
            return None;
        }
        let (cell, pack): (_, Pack) = match coding {
            Coding::Identity => return None,
            Coding::Gzip => (&self.gzip, gzip),
            Coding::Brotli => (&self.brotli, brotli),
        };
        let make = || async {
            let bytes = self.bytes.clone();
            let packed = tokio::task::spawn_blocking(move || pack(&bytes)).await.ok()?.ok()?;
            (packed.len() < self.bytes.len()).then(|| packed.into())
        };
        cell.get_or_init(make).await.clone()
    }

    /// At most: the packed forms are smaller than the content.
    pub fn weight(&self) -> usize {
        let forms = if self.packs { 3 } else { 1 };
        self.bytes.len() * forms + 1024
    }
}

type Pack = fn(&[u8]) -> io::Result<Vec<u8>>;

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    writer.write_all(bytes)?;
    writer.finish()
}

fn brotli(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams { quality: BROTLI, ..Default::default() };
    brotli::BrotliCompress(&mut io::Cursor::new(bytes), &mut packed, &parameters)?;
    Ok(packed)
}

/// All contents that are held.
pub struct Kept {
    most: usize,
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    contents: HashMap<PathBuf, (Arc<Content>, u64)>,
    weight: usize,
    /// Counts the requests: the contents' ages.
    turn: u64,
}

impl Kept {
    pub fn new(most: usize) -> Kept {
        Kept { most, held: Mutex::default() }
    }

    /// The content of a file as it is now. `allowed` says where a file that is not held lies in truth, if it may be read: what
    /// is held was allowed, and is the same file still.
    pub async fn content(
        &self,
        path: &Path,
        packs: bool,
        allowed: impl FnOnce() -> Option<PathBuf>,
    ) -> io::Result<Arc<Content>> {
        // A look at a file's times takes a microsecond.
        let identity = Identity::of(&std::fs::metadata(path)?)?;
        if let Some(content) = self.known(path, identity) {
            return Ok(content);
        }
        let file = allowed().ok_or(io::ErrorKind::NotFound)?;
        let most = self.most / 8;
        let content = tokio::task::spawn_blocking(move || read(&file, packs, most)).await??;
        let content = Arc::new(content);
        if content.weight() <= most {
            self.keep(path, &content);
        }
        Ok(content)
    }

    fn known(&self, path: &Path, identity: Identity) -> Option<Arc<Content>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.turn += 1;
        let turn = held.turn;
        let (content, age) = held.contents.get_mut(path)?;
        if content.identity != identity {
            return None;
        }
        *age = turn;
        Some(content.clone())
    }

    fn keep(&self, path: &Path, content: &Arc<Content>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = held.turn;
        held.weight += content.weight();
        if let Some((old, _)) = held.contents.insert(path.to_path_buf(), (content.clone(), turn)) {
            held.weight -= old.weight();
        }
        while held.weight > self.most {
            let oldest = held.contents.iter().min_by_key(|(_, (_, age))| *age).map(|(path, _)| path.clone());
            let Some((gone, _)) = oldest.and_then(|path| held.contents.remove(&path)) else { break };
            held.weight -= gone.weight();
        }
    }
}

/// Reads a file; what it is at that moment, not what it was before.
fn read(path: &Path, packs: bool, most: usize) -> io::Result<Content> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return Err(io::ErrorKind::NotFound.into());
    }
    let identity = Identity::of(&metadata)?;
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    file.take(LARGEST).read_to_end(&mut bytes)?;
    let packs = packs && bytes.len() * 3 + 1024 <= most;
    Ok(Content::new(bytes, identity, packs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    async fn held(kept: &Kept, path: &Path, packs: bool) -> io::Result<Arc<Content>> {
        kept.content(path, packs, || Some(path.to_path_buf())).await
    }

    fn wait<T>(work: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
    }

    #[test]
    fn a_content_is_read_once_and_anew_when_its_file_was_replaced() {
        wait(async {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("feed.xml");
            crate::publish::write_if_changed(&path, b"one").unwrap();
            let kept = Kept::new(MOST);
            let first = held(&kept, &path, true).await.unwrap();
            let again = held(&kept, &path, true).await.unwrap();
            assert!(Arc::ptr_eq(&first, &again));
            crate::publish::write_if_changed(&path, b"two").unwrap();
            let second = held(&kept, &path, true).await.unwrap();
            assert_eq!(&second.bytes[..], b"two");
            assert_ne!(first.etags.packed(Coding::Identity), second.etags.packed(Coding::Identity));
            fs::remove_file(&path).unwrap();
            assert!(held(&kept, &path, true).await.is_err());
            assert!(held(&kept, folder.path(), true).await.is_err(), "a folder");
        });
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_elsewhere_since_is_asked_about_again() {
        wait(async {
            let folder = tempfile::tempdir().unwrap();
            let (link, one, other) =
                (folder.path().join("link"), folder.path().join("one"), folder.path().join("other"));
            fs::write(&one, "same").unwrap();
            fs::write(&other, "same").unwrap();
            std::os::unix::fs::symlink(&one, &link).unwrap();
            let kept = Kept::new(MOST);
            assert!(kept.content(&link, true, || Some(one.clone())).await.is_ok());
            assert!(kept.content(&link, true, || None).await.is_ok(), "the same file still");
            fs::remove_file(&link).unwrap();
            std::os::unix::fs::symlink(&other, &link).unwrap();
            assert!(kept.content(&link, true, || None).await.is_err());
        });
    }

    #[test]
    fn what_is_held_stays_within_its_bound_and_the_oldest_goes_first() {
        wait(async {
            let folder = tempfile::tempdir().unwrap();
            let kept = Kept::new(80_000);
            let path = |n: usize| folder.path().join(format!("{n}"));
            for n in 0..20 {
                fs::write(path(n), vec![b'a' + n as u8; 8_000]).unwrap();
                held(&kept, &path(n), false).await.unwrap();
                held(&kept, &path(0), false).await.unwrap();
            }
            {
                let held = kept.held.lock().unwrap();
                assert!(held.weight <= 80_000, "{}", held.weight);
                assert_eq!(held.weight, held.contents.values().map(|(content, _)| content.weight()).sum::<usize>());
                assert!(held.contents.contains_key(&path(0)) && held.contents.contains_key(&path(19)));
                assert!(!held.contents.contains_key(&path(1)));
            }
            fs::write(path(99), vec![b'x'; 50_000]).unwrap();
            assert_eq!(held(&kept, &path(99), true).await.unwrap().bytes.len(), 50_000);
            assert!(!kept.held.lock().unwrap().contents.contains_key(&path(99)), "too large to be held");
        });
    }

    #[test]
    fn packed_forms_unpack_to_the_same_and_are_left_out_where_they_win_nothing() {
        wait(async {
            let folder = tempfile::tempdir().unwrap();
            let text = "<entry>Une nouvelle, é</entry>\n".repeat(300).into_bytes();
            fs::write(folder.path().join("text"), &text).unwrap();
            fs::write(folder.path().join("short"), b"short").unwrap();
            let kept = Kept::new(MOST);
            let content = held(&kept, &folder.path().join("text"), true).await.unwrap();
            let gzip = content.packed(Coding::Gzip).await.unwrap();
            let mut unpacked = Vec::new();
            flate2::read::GzDecoder::new(&gzip[..]).read_to_end(&mut unpacked).unwrap();
            assert_eq!(unpacked, text);
            let brotli = content.packed(Coding::Brotli).await.unwrap();
            let mut unpacked = Vec::new();
            brotli::BrotliDecompress(&mut io::Cursor::new(&brotli[..]), &mut unpacked).unwrap();
            assert_eq!(unpacked, text);
            assert!(gzip.len() < text.len() / 4 && brotli.len() < text.len() / 4);
            assert_eq!(content.packed(Coding::Brotli).await.unwrap().as_ptr(), brotli.as_ptr(), "made once");
            let short = held(&kept, &folder.path().join("short"), true).await.unwrap();
            assert_eq!(short.packed(Coding::Gzip).await, None);
        });
    }
}
