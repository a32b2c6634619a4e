//! The project's keys, and what is derived from them: fingerprints, people's numbers, tokens, Message-IDs.
//!
//! Random keys of 32 bytes stand in a [`file`](file), a line each; the first one is made on first need in the folder
//! `secrets`, which only its owner may enter. `CRIEUR_KEYS_FILE` names another file instead, which then must exist.
//!
//! The *first* key gives what can never change: people's numbers, Message-IDs and the fingerprint that the database
//! keeps, keyed BLAKE3 hashes all. The *last* key signs tokens (HMAC-SHA-256, RFC 2104, of which 96 bits are kept). What a
//! letter bears is read with any of the keys that are not revoked, so that old letters keep their ways out; whatever lives
//! for a short while is read with the last one alone.
//!
//! Promises: everything is bound to a *purpose*, so that a token made for one thing can do nothing else; the parts of what is
//! signed cannot run into each other (each carries its length); signatures are compared in constant time.
//!
//! Where the memory is a branch of the repository, there is no key: nobody's number is in it, and no letter bears a token.
//!
//! BUGS: the first key cannot be replaced: whoever has it can tell people's numbers from their addresses.

pub mod file;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ring::hmac;
use url::Url;

use crate::config::Config;

/// Overrides the file of the keys.
pub const KEYS_FILE_VARIABLE: &str = "CRIEUR_KEYS_FILE";

/// So many bytes of an HMAC are a token's signature: 96 bits.
pub const SIGNATURE: usize = 12;

#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    #[error("the key in {path} cannot be read or made: {source}")]
    Io { path: PathBuf, source: io::Error },
    #[error("{path}:{line} does not hold a key: 64 hexadecimal digits were expected")]
    NotAKey { path: PathBuf, line: usize },
    #[error("the last key in {path} is revoked, and another one must sign: `crieur doctor --new-key` adds it")]
    NothingSigns { path: PathBuf },
    #[error("the system gave no random bytes: {0}")]
    Random(String),
}

/// The keys in memory. They have no `Debug` and no `Display`: they never reach a log.
#[derive(Clone)]
pub struct Secrets {
    first: [u8; 32],
    /// Those that still read what letters bear, oldest first.
    earlier: Vec<hmac::Key>,
    last: hmac::Key,
    changed: bool,
}

impl Secrets {
    /// The project's: [`KEYS_FILE_VARIABLE`] names them, or they are in the folder `secrets`, or one is made there.
    pub fn of(config: &Config) -> Result<Secrets, SecretsError> {
        match config.branch() {
            Some(_) => Ok(Secrets::without_secret(&config.site.url)),
            None => Secrets::load_or_create(&config.secrets, file::named().as_deref()),
        }
    }

    /// The project's, for those who only look: none is made.
    pub fn look(config: &Config) -> Result<Option<Secrets>, SecretsError> {
        match config.branch() {
            Some(_) => Ok(Some(Secrets::without_secret(&config.site.url))),
            None => Secrets::load(&config.secrets, file::named().as_deref()),
        }
    }

    /// What stands for a key where nothing must be secret: the same on every machine.
    pub fn without_secret(site: &Url) -> Secrets {
        let context = "crieur: no secret, and the same on every machine";
        Secrets::from_bytes(blake3::derive_key(context, site.as_str().as_bytes()))
    }

    /// Reads the keys of `folder`, or makes the first. `file` (from the environment) is read instead, and never made.
    pub fn load_or_create(folder: &Path, file: Option<&Path>) -> Result<Secrets, SecretsError> {
        if let Some(file) = file {
            return Secrets::read(file);
        }
        let file = folder.join("key");
        if !file.exists() {
            file::create(&file)?;
        }
        Secrets::read(&file)
    }

    /// Reads the keys if there are any, and makes none: for those who only look.
    pub fn load(folder: &Path, file: Option<&Path>) -> Result<Option<Secrets>, SecretsError> {
        match file {
            Some(file) => Secrets::read(file).map(Some),
            None if folder.join("key").exists() => Secrets::read(&folder.join("key")).map(Some),
            None => Ok(None),
        }
    }

    fn read(path: &Path) -> Result<Secrets, SecretsError> {
        let lines = file::read(path)?;
        let mut reading: Vec<[u8; 32]> = lines.iter().filter(|line| !line.revoked).map(|line| line.key).collect();
        // One at least, and the last of them not revoked: that was read.
        let (Some(first), Some(last)) = (lines.first(), reading.pop()) else {
            return Err(SecretsError::NotAKey { path: path.to_path_buf(), line: 1 });
        };
        Ok(Secrets::of_keys(first.key, &reading, last))
    }

    fn of_keys(first: [u8; 32], earlier: &[[u8; 32]], last: [u8; 32]) -> Secrets {
        let key = |bytes: &[u8; 32]| hmac::Key::new(hmac::HMAC_SHA256, bytes);
        Secrets { first, earlier: earlier.iter().map(key).collect(), last: key(&last), changed: first != last }
    }

    /// One key from its bytes: for tests.
    pub fn from_bytes(key: [u8; 32]) -> Secrets {
        Secrets::of_keys(key, &[], key)
    }

    /// How many keys read what letters bear.
    pub fn count(&self) -> usize {
        self.earlier.len() + 1
    }

    /// Whether another key than the first one signs.
    pub fn changed(&self) -> bool {
        self.changed
    }

    /// What the database keeps, to notice another key. It tells nothing about the key.
    pub fn fingerprint(&self) -> String {
        data_encoding::HEXLOWER.encode(&self.hash("fingerprint", &[]).as_bytes()[..16])
    }

    /// The hash of `parts` for one purpose, keyed with the first key: the same for ever.
    pub fn hash(&self, purpose: &str, parts: &[&[u8]]) -> blake3::Hash {
        let purpose_key = blake3::keyed_hash(&self.first, purpose.as_bytes());
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

    /// The signature of `parts` for one purpose, by the last key.
    pub fn signature(&self, purpose: &str, parts: &[&[u8]]) -> [u8; SIGNATURE] {
        sign(&self.last, purpose, parts)
    }

    /// The signatures of `parts` by each key that is not revoked, the last key's first.
    pub fn signatures(&self, purpose: &str, parts: &[&[u8]]) -> impl Iterator<Item = [u8; SIGNATURE]> {
        std::iter::once(&self.last).chain(self.earlier.iter().rev()).map(move |key| sign(key, purpose, parts))
    }

    /// Whether the last key made this signature: for what lives a short while.
    pub fn signs(&self, purpose: &str, parts: &[&[u8]], signature: &[u8]) -> bool {
        same_signature(&self.signature(purpose, parts), signature)
    }

    /// Whether any key that is not revoked made this signature: for what letters bear.
    pub fn signed(&self, purpose: &str, parts: &[&[u8]], signature: &[u8]) -> bool {
        self.signatures(purpose, parts).any(|known| same_signature(&known, signature))
    }
}

/// The first bytes of the HMAC-SHA-256 of a purpose and parts, each behind its length.
fn sign(key: &hmac::Key, purpose: &str, parts: &[&[u8]]) -> [u8; SIGNATURE] {
    let mut context = hmac::Context::with_key(key);
    for part in [purpose.as_bytes()].iter().chain(parts) {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut signature = [0; SIGNATURE];
    signature.copy_from_slice(&context.sign().as_ref()[..SIGNATURE]);
    signature
}

/// Whether two signatures are the same, in a time that does not depend on where they differ.
pub fn same_signature(a: &[u8; SIGNATURE], b: &[u8]) -> bool {
    let Ok(b) = <&[u8; SIGNATURE]>::try_from(b) else { return false };
    // Two values of this type are compared in constant time.
    let padded = |signature: &[u8; SIGNATURE]| {
        let mut bytes = [0; 32];
        bytes[..SIGNATURE].copy_from_slice(signature);
        blake3::Hash::from_bytes(bytes)
    };
    padded(a) == padded(b)
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

    /// With keys of these bytes, the oldest first.
    pub fn of_bytes(keys: &[u8]) -> Secrets {
        let keys: Vec<[u8; 32]> = keys.iter().map(|byte| [*byte; 32]).collect();
        Secrets::of_keys(keys[0], &keys[..keys.len() - 1], keys[keys.len() - 1])
    }

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
    fn parts_and_purposes_never_run_into_each_other() {
        let secrets = Secrets::from_bytes([7; 32]);
        assert_ne!(secrets.hash("a", &[b"bc", b"d"]), secrets.hash("a", &[b"b", b"cd"]));
        assert_ne!(secrets.hash("a", &[b"b"]), secrets.hash("b", &[b"b"]));
        assert_ne!(secrets.signature("a", &[b"bc", b"d"]), secrets.signature("a", &[b"b", b"cd"]));
        assert_ne!(secrets.signature("a", &[b"b"]), secrets.signature("b", &[b"b"]));
        assert_ne!(secrets.signature("a", &[b"b"]), secrets.signature("ab", &[]));
        assert_eq!(secrets.recipient_id("A@example.org"), secrets.recipient_id(" a@EXAMPLE.org"));
        assert!(secrets.recipient_id("a@example.org") >= 0);
    }

    #[test]
    fn a_signature_is_the_beginning_of_an_hmac_sha_256_over_parts_with_their_lengths() {
        // printf '\0\0\0\0\0\0\0\5leave\0\0\0\0\0\0\0\4news' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0707…
        let signature = Secrets::from_bytes([7; 32]).signature("leave", &[b"news"]);
        assert_eq!(data_encoding::HEXLOWER.encode(&signature), "c52b295adcd3a6050aba70f9");
    }

    #[test]
    fn a_new_key_signs_and_the_old_ones_still_read_what_letters_bear() {
        let (before, after) = (of_bytes(&[1]), of_bytes(&[1, 2]));
        assert_eq!(before.fingerprint(), after.fingerprint());
        assert_eq!(before.recipient_id("a@example.org"), after.recipient_id("a@example.org"));
        let (old, new) = (before.signature("leave", &[b"a"]), after.signature("leave", &[b"a"]));
        assert_ne!(old, new);
        assert!(after.signed("leave", &[b"a"], &old) && after.signed("leave", &[b"a"], &new));
        assert!(!after.signs("leave", &[b"a"], &old) && after.signs("leave", &[b"a"], &new));
        assert!(!before.signed("leave", &[b"a"], &new), "who lacks the key knows nothing of it");
        assert!(!after.signed("leave", &[b"a"], &old[..11]) && !after.signed("leave", &[b"a"], b""));
        assert_eq!(after.signatures("leave", &[b"a"]).collect::<Vec<_>>(), [new, old]);
    }

    #[test]
    fn a_key_that_is_revoked_reads_nothing_and_stays_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = ("01".repeat(32), "02".repeat(32));
        fs::write(folder.path().join("key"), format!("{first} revoked\n\n{second}\n")).unwrap();
        let secrets = Secrets::load_or_create(folder.path(), None).unwrap();
        assert_eq!(secrets.fingerprint(), of_bytes(&[1]).fingerprint());
        assert!(secrets.count() == 1 && secrets.changed());
        assert!(!secrets.signed("leave", &[b"a"], &of_bytes(&[1]).signature("leave", &[b"a"])));
        assert!(secrets.signed("leave", &[b"a"], &of_bytes(&[2]).signature("leave", &[b"a"])));
    }
}
