//! Keys that sign letters: read from PEM, made, and told to the world as a DNS record.
//!
//! RSA of 2048 to 4096 bits (RFC 8301 has verifiers refuse less than 1024, and senders use 2048 or more) and Ed25519
//! (RFC 8463). The signing is `ring`'s: on a processor without AVX-512 it signs as often a second as aws-lc does, and it
//! is in the program already. `ring` makes no RSA keys: the `rsa` crate does, and does nothing else here (its advisory,
//! RUSTSEC-2023-0071, is about using a key where somebody can measure the time).
//!
//! Promises: a key has no `Debug` and reaches no log; a key's file is made for its owner only, whole or not at all, and
//! never over another.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use data_encoding::BASE64;
use ring::rand::SystemRandom;
use ring::rsa;
use ring::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;

use crate::secrets::make_private_folder;

/// The two kinds of signature that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// RSA of 2048 bits: every receiver knows it.
    Rsa,
    /// Ed25519: small and quick; not every receiver knows it, so that it goes beside an RSA key.
    Ed25519,
}

impl Kind {
    /// As a DNS record's `k=` names it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Rsa => "rsa",
            Kind::Ed25519 => "ed25519",
        }
    }
}

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("it cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("others on this machine may read or change it (mode {0:03o})")]
    Open(u32),
    #[error("it holds no private key in PEM (`-----BEGIN PRIVATE KEY-----`)")]
    NoPem,
    #[error("its RSA key is too small: receivers refuse less than 1024 bits, and senders must use 2048 at least")]
    TooSmall,
    #[error("its key is neither RSA (2048 to 4096 bits) nor Ed25519: {0}")]
    Other(String),
    #[error("the system gave no random bytes")]
    Random,
    #[error("a key could not be made: {0}")]
    Making(String),
}

impl KeyError {
    /// No file stands there.
    pub fn is_absent(&self) -> bool {
        matches!(self, KeyError::Io(error) if error.kind() == io::ErrorKind::NotFound)
    }
}

/// A private key.
pub enum Key {
    Rsa(Box<rsa::KeyPair>),
    Ed25519(Ed25519KeyPair),
}

impl Key {
    /// Reads a key's file, which strangers on this machine must not be able to read, and its group not to change.
    pub fn read(path: &Path) -> Result<Key, KeyError> {
        let pem = fs::read(path)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(path)?.permissions().mode() & 0o777;
            if mode & 0o027 != 0 {
                return Err(KeyError::Open(mode));
            }
        }
        Key::from_pem(&pem)
    }

    /// A key in PEM: PKCS#8, or the older PKCS#1 for RSA.
    pub fn from_pem(pem: &[u8]) -> Result<Key, KeyError> {
        match PrivateKeyDer::from_pem_slice(pem) {
            Ok(PrivateKeyDer::Pkcs8(der)) => Key::from_pkcs8(der.secret_pkcs8_der()),
            Ok(PrivateKeyDer::Pkcs1(der)) => {
                rsa::KeyPair::from_der(der.secret_pkcs1_der()).map(|pair| Key::Rsa(Box::new(pair))).map_err(rejected)
            }
            Ok(_) => Err(KeyError::Other("an elliptic curve that DKIM does not know".to_string())),
            Err(_) => Err(KeyError::NoPem),
        }
    }

    fn from_pkcs8(der: &[u8]) -> Result<Key, KeyError> {
        // Without the public half beside it too, as OpenSSL writes it.
        match (Ed25519KeyPair::from_pkcs8_maybe_unchecked(der), rsa::KeyPair::from_pkcs8(der)) {
            (Ok(pair), _) => Ok(Key::Ed25519(pair)),
            (_, Ok(pair)) => Ok(Key::Rsa(Box::new(pair))),
            (_, Err(why)) => Err(rejected(why)),
        }
    }

    pub fn kind(&self) -> Kind {
        match self {
            Key::Rsa(_) => Kind::Rsa,
            Key::Ed25519(_) => Kind::Ed25519,
        }
    }

    /// `a=` of a signature.
    pub fn algorithm(&self) -> &'static str {
        match self {
            Key::Rsa(_) => "rsa-sha256",
            Key::Ed25519(_) => "ed25519-sha256",
        }
    }

    /// RSA: of how many bits.
    pub fn bits(&self) -> Option<usize> {
        match self {
            Key::Rsa(pair) => Some(pair.public().modulus_len() * 8),
            Key::Ed25519(_) => None,
        }
    }

    /// Signs; the same text gives the same signature. `None`: the system has no random bytes for RSA's blinding, or the
    /// signature did not verify.
    pub fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Key::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).ok()?;
                Some(signature)
            }
            // RFC 8463, section 3: what is signed is the hash.
            Key::Ed25519(pair) => {
                let hash = ring::digest::digest(&ring::digest::SHA256, text);
                Some(pair.sign(hash.as_ref()).as_ref().to_vec())
            }
        }
    }

    /// What the DNS record says (RFC 6376, section 3.6.1): `v=DKIM1; k=rsa; p=…`.
    pub fn record(&self) -> String {
        let public = match self {
            Key::Rsa(pair) => subject_public_key(pair.public().as_ref()),
            Key::Ed25519(pair) => pair.public_key().as_ref().to_vec(),
        };
        format!("v=DKIM1; k={}; p={}", self.kind().name(), BASE64.encode(&public))
    }
}

fn rejected(why: ring::error::KeyRejected) -> KeyError {
    match why.to_string().as_str() {
        "TooSmall" => KeyError::TooSmall,
        why => KeyError::Other(why.to_string()),
    }
}

/// SubjectPublicKeyInfo (RFC 8017, appendix A.1; RFC 5280) around an RSAPublicKey.
fn subject_public_key(rsa_public_key: &[u8]) -> Vec<u8> {
    // SEQUENCE { rsaEncryption, NULL }
    const ALGORITHM: [u8; 15] =
        [0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];
    let mut bits = vec![0];
    bits.extend_from_slice(rsa_public_key);
    let mut inside = ALGORITHM.to_vec();
    inside.extend(tagged(0x03, &bits));
    tagged(0x30, &inside)
}

/// A DER element.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.iter().copied().skip_while(|byte| *byte == 0).collect();
    let mut out = vec![tag];
    match significant.as_slice() {
        [] => out.push(0),
        [short] if *short < 0x80 => out.push(*short),
        long => {
            // A length has at most eight bytes.
            out.push(0x80 | long.len() as u8);
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(content);
    out
}

/// Makes a key and writes it to `path`, for its owner only; an existing file is an error (`AlreadyExists`).
pub fn make(kind: Kind, path: &Path) -> Result<Key, KeyError> {
    let pem = generate(kind)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_private_folder(folder)?;
    // A temporary file has mode 0600.
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(pem.as_bytes())?;
    temporary.as_file().sync_all()?;
    temporary.persist_noclobber(path).map_err(|error| error.error)?;
    fs::File::open(folder)?.sync_all()?;
    Key::read(path)
}

/// A new key, as PEM (PKCS#8).
pub fn generate(kind: Kind) -> Result<String, KeyError> {
    let der = match kind {
        Kind::Rsa => generate_rsa()?,
        Kind::Ed25519 => {
            // RFC 8410, section 7: the 32 bytes behind their frame.
            let mut der = b"\x30\x2e\x02\x01\x00\x30\x05\x06\x03\x2b\x65\x70\x04\x22\x04\x20".to_vec();
            let mut seed = [0; 32];
            getrandom::fill(&mut seed).map_err(|_| KeyError::Random)?;
            der.extend_from_slice(&seed);
            der
        }
    };
    let mut pem = "-----BEGIN PRIVATE KEY-----\n".to_string();
    for line in der.chunks(48) {
        pem.push_str(&BASE64.encode(line));
        pem.push('\n');
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    Ok(pem)
}

fn generate_rsa() -> Result<Vec<u8>, KeyError> {
    use ::rsa::pkcs8::EncodePrivateKey;
    // 2048 bits: what every receiver takes, and what fits two strings of a DNS record.
    let key =
        ::rsa::RsaPrivateKey::new(&mut SystemRandomness, 2048).map_err(|why| KeyError::Making(why.to_string()))?;
    let der = key.to_pkcs8_der().map_err(|why| KeyError::Making(why.to_string()))?;
    Ok(der.as_bytes().to_vec())
}

/// The system's random bytes, as the `rsa` crate asks for them.
struct SystemRandomness;

impl ::rsa::rand_core::RngCore for SystemRandomness {
    fn next_u32(&mut self) -> u32 {
        ::rsa::rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        ::rsa::rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        // A system that cannot give random bytes must not give a key: the trait knows no other way to say so.
        getrandom::fill(bytes).expect("the system gives random bytes: without them there is no key to make");
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), ::rsa::rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl ::rsa::rand_core::CryptoRng for SystemRandomness {}
