//! The project's key, and what is derived from it: fingerprints, people's numbers, tokens, Message-IDs.
//!
//! One random key of 32 bytes lies in the `secrets` folder, made on first need in a folder that only its owner may
//! enter; `CRIEUR_KEYS_FILE` names another file instead, which then must exist. Everything is a keyed BLAKE3 hash
//! under a key of its own *purpose*, so that a token made for one thing can do nothing else.
//!
//! Promises: a hash's parts cannot run into each other (each carries its length); tokens are compared in constant time.
//!
//! Where the memory is a branch of the repository, there is no key: nobody's number is in it, and no letter bears a token.
//!
//! BUGS: one key at a time; a key that is replaced makes every old leaving link unreadable, so don't.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use url::Url;

use crate::config::Config;

/// Overrides the file of the key.
pub const KEYS_FILE_VARIABLE: &str = "CRIEUR_KEYS_FILE";

#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    #[error("the key in {path} cannot be read or made: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path} does not hold a key: 64 hexadecimal digits were expected")]
    NotAKey { path: PathBuf },
    #[error("the system gave no random bytes: {0}")]
    Random(String),
}

/// The key in memory. It has no `Debug` and no `Display`: it never reaches a log.
#[derive(Clone)]
pub struct Secrets {
    key: [u8; 32],
}

impl Secrets {
    /// The project's: [`KEYS_FILE_VARIABLE`] names it, or it is in the folder `secrets`, or it is made there.
    pub fn of(config: &Config) -> Result<Secrets, SecretsError> {
        match config.branch() {
            Some(_) => Ok(Secrets::without_secret(&config.site.url)),
            None => Secrets::load_or_create(&config.secrets, named_file().as_deref()),
        }
    }

    /// The project's, for those who only look: none is made.
    pub fn look(config: &Config) -> Result<Option<Secrets>, SecretsError> {
        match config.branch() {
            Some(_) => Ok(Some(Secrets::without_secret(&config.site.url))),
            None => Secrets::load(&config.secrets, named_file().as_deref()),
        }
    }

    /// What stands for a key where nothing must be secret: the same on every machine.
    pub fn without_secret(site: &Url) -> Secrets {
        Secrets {
            key: blake3::derive_key("crieur: no secret, and the same on every machine", site.as_str().as_bytes()),
        }
    }

    /// Reads the key of `folder`, or makes it. `file` (from the environment) is read instead, and never made.
    pub fn load_or_create(folder: &Path, file: Option<&Path>) -> Result<Secrets, SecretsError> {
        if let Some(file) = file {
            return Secrets::read(file);
        }
        let file = folder.join("key");
        if !file.exists() {
            create(folder, &file)?;
        }
        Secrets::read(&file)
    }

    /// Reads the key if there is one, and makes none: for those who only look.
    pub fn load(folder: &Path, file: Option<&Path>) -> Result<Option<Secrets>, SecretsError> {
        match file {
            Some(file) => Secrets::read(file).map(Some),
            None if folder.join("key").exists() => Secrets::read(&folder.join("key")).map(Some),
            None => Ok(None),
        }
    }

    fn read(path: &Path) -> Result<Secrets, SecretsError> {
        let text =
            fs::read_to_string(path).map_err(|source| SecretsError::Io { path: path.to_path_buf(), source })?;
        let bytes = data_encoding::HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes()).unwrap_or_default();
        match <[u8; 32]>::try_from(bytes.as_slice()) {
            Ok(key) => Ok(Secrets { key }),
            Err(_) => Err(SecretsError::NotAKey { path: path.to_path_buf() }),
        }
    }

    /// A key from its bytes: for tests.
    pub fn from_bytes(key: [u8; 32]) -> Secrets {
        Secrets { key }
    }

    /// What the database keeps, to notice another key. It tells nothing about the key.
    pub fn fingerprint(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.hash("fingerprint", &[]).as_bytes()[..16])
    }

    /// The keyed hash of `parts` for one purpose.
    pub fn hash(&self, purpose: &str, parts: &[&[u8]]) -> blake3::Hash {
        let purpose_key = blake3::keyed_hash(&self.key, purpose.as_bytes());
        let mut hasher = blake3::Hasher::new_keyed(purpose_key.as_bytes());
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        hasher.finalize()
    }

    /// The number by which the store knows an address: positive, the same for each spelling of the same address.
    /// 63 bits: among a million people two share one with a probability of 1 in 18 million.
    pub fn recipient_id(&self, email: &str) -> i64 {
        let hash = self.hash("recipient", &[email.trim().to_lowercase().as_bytes()]);
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&hash.as_bytes()[..8]);
        i64::from_be_bytes(bytes) & i64::MAX
    }

    /// The first 12 bytes (96 bits) of a hash: the signature of a token.
    pub fn signature(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 12] {
        let mut signature = [0; 12];
        signature.copy_from_slice(&self.hash(purpose, parts).as_bytes()[..12]);
        signature
    }
}

fn named_file() -> Option<PathBuf> {
    std::env::var_os(KEYS_FILE_VARIABLE).map(PathBuf::from)
}

/// Whether two signatures are the same, in a time that does not depend on where they differ.
pub fn same_signature(a: &[u8; 12], b: &[u8]) -> bool {
    let Ok(b) = <&[u8; 12]>::try_from(b) else { return false };
    a.iter().zip(b).fold(0u8, |difference, (a, b)| difference | (a ^ b)) == 0
}

/// Makes the key's file whole or not at all; of two processes that make one at once, the first wins.
fn create(folder: &Path, file: &Path) -> Result<(), SecretsError> {
    let failed = |source| SecretsError::Io { path: file.to_path_buf(), source };
    make_private_folder(folder).map_err(failed)?;
    let mut key = [0u8; 32];
    getrandom::fill(&mut key).map_err(|error| SecretsError::Random(error.to_string()))?;
    // A temporary file has mode 0600.
    let mut temporary = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    writeln!(temporary, "{}", data_encoding::HEXLOWER.encode(&key)).map_err(failed)?;
    temporary.as_file().sync_all().map_err(failed)?;
    match temporary.persist_noclobber(file) {
        Ok(_) => fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(failed(error.error)),
    }
}

/// Creates a folder, and those above it, for their owner only.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_for_its_owner_only_and_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("var/keys");
        let first = Secrets::load_or_create(&keys, None).unwrap();
        let second = Secrets::load_or_create(&keys, None).unwrap();
        assert_eq!(first.fingerprint(), second.fingerprint());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&keys), mode(&keys.join("key"))), (0o700, 0o600));
        }
    }

    #[test]
    fn a_key_named_by_the_environment_is_never_made() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Secrets::load_or_create(folder.path(), Some(&folder.path().join("absent"))).is_err());
    }

    #[test]
    fn a_file_without_a_key_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("key"), "secret").unwrap();
        assert!(matches!(Secrets::load_or_create(folder.path(), None), Err(SecretsError::NotAKey { .. })));
    }

    #[test]
    fn parts_and_purposes_never_run_into_each_other() {
        let secrets = Secrets::from_bytes([7; 32]);
        assert_ne!(secrets.hash("a", &[b"bc", b"d"]), secrets.hash("a", &[b"b", b"cd"]));
        assert_ne!(secrets.hash("a", &[b"b"]), secrets.hash("b", &[b"b"]));
        assert_eq!(secrets.recipient_id("A@example.org"), secrets.recipient_id(" a@EXAMPLE.org"));
        assert!(secrets.recipient_id("a@example.org") >= 0);
    }
}
