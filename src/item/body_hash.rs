//! A hash of what a body says, by which identity knows it again.
//!
//! Line breaks and the space around a body make no difference.

use std::fmt;
use std::num::NonZeroU128;

/// BLAKE3's first 128 bits; an empty body has none, because empty bodies are not equal bodies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BodyHash(Option<NonZeroU128>);

impl BodyHash {
    pub fn of(body: &str) -> Self {
        let body = body.trim();
        if body.is_empty() {
            return BodyHash(None);
        }
        let hash = if body.contains('\r') {
            blake3::hash(body.replace("\r\n", "\n").as_bytes())
        } else {
            blake3::hash(body.as_bytes())
        };
        let mut first = [0; 16];
        first.copy_from_slice(&hash.as_bytes()[..16]);
        BodyHash(NonZeroU128::new(u128::from_be_bytes(first)))
    }

    /// Reads what `Display` writes. Anything else says nothing of a body: the item is known again by its other signs.
    pub fn read(text: &str) -> Self {
        let written = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        BodyHash(written.then(|| u128::from_str_radix(text, 16).ok()).flatten().and_then(NonZeroU128::new))
    }

    pub fn is_empty(self) -> bool {
        self.0.is_none()
    }
}

impl fmt::Display for BodyHash {
    /// 32 hexadecimal digits, or nothing.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |hash| write!(f, "{hash:032x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_and_space_around_make_no_difference() {
        assert_eq!(BodyHash::of("a\r\nb\n"), BodyHash::of("\n a\nb"));
        assert_ne!(BodyHash::of("a b"), BodyHash::of("a\nb"));
        assert!(BodyHash::of(" \r\n").is_empty());
    }

    #[test]
    fn a_hash_is_read_back_and_what_is_none_says_nothing() {
        let hash = BodyHash::of("The first text.\n");
        assert_eq!(hash.to_string(), blake3::hash(b"The first text.").to_hex()[..32]);
        assert_eq!(BodyHash::read(&hash.to_string()), hash);
        for no_hash in ["", "0123", "+1234567890123456789012345678901", &"é".repeat(16)] {
            assert!(BodyHash::read(no_hash).is_empty(), "{no_hash}");
        }
    }
}
