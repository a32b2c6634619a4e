//! Tokens that travel in letters: the one that leaves a newsletter, and the one that names a returned letter.
//!
//! A third stands on the page of the web service alone: the one that undoes a leaving, bound to the moment of it.
//!
//! All are base32 in lower case without padding (a local part may be folded to lower case on its way), those of
//! letters at most 40 characters, with 96 bits of signature. A leaving token is for one person and one newsletter, holds neither in the
//! clear, never expires, and can do nothing but leave.
//!
//! What letters bear is read with each of the project's keys that is not revoked, all else with the one that signs now.

use data_encoding::BASE32_NOPAD;

use crate::secrets::Secrets;

const LEAVE: &str = "leave";
const BOUNCE: &str = "bounce";
const COME_BACK: &str = "come back";
const STATUS: &str = "status";

/// The token with which one person leaves one newsletter: 32 characters.
pub fn leave(secrets: &Secrets, newsletter: &str, recipient: i64) -> String {
    let recipient = recipient.to_be_bytes();
    let signature = secrets.signature(LEAVE, &[newsletter.as_bytes(), &recipient]);
    write(&[&recipient, &signature])
}

/// Whom a leaving token names, and which of `newsletters`; `None` when we did not write it.
pub fn read_leave<'a>(
    secrets: &Secrets,
    newsletters: impl IntoIterator<Item = &'a str>,
    token: &str,
) -> Option<(&'a str, i64)> {
    let bytes = read(token)?;
    let (recipient, signature) = bytes.split_at_checked(8)?;
    let number = i64::from_be_bytes(recipient.try_into().ok()?);
    newsletters
        .into_iter()
        .find(|newsletter| secrets.signed(LEAVE, &[newsletter.as_bytes(), recipient], signature))
        .map(|newsletter| (newsletter, number))
}

/// The token that undoes one person's leaving of one newsletter at a moment: 45 characters. Whoever reads it looks whether it
/// is too late.
pub fn come_back(secrets: &Secrets, newsletter: &str, recipient: i64, left: i64) -> String {
    let (recipient, left) = (recipient.to_be_bytes(), left.to_be_bytes());
    let signature = secrets.signature(COME_BACK, &[newsletter.as_bytes(), &recipient, &left]);
    write(&[&recipient, &left, &signature])
}

/// Whose leaving a token undoes, of which of `newsletters`, and when that was; `None` when we did not write it.
pub fn read_come_back<'a>(
    secrets: &Secrets,
    newsletters: impl IntoIterator<Item = &'a str>,
    token: &str,
) -> Option<(&'a str, i64, i64)> {
    let bytes = read(token)?;
    let (recipient, rest) = bytes.split_at_checked(8)?;
    let (left, signature) = rest.split_at_checked(8)?;
    let number = i64::from_be_bytes(recipient.try_into().ok()?);
    let moment = i64::from_be_bytes(left.try_into().ok()?);
    newsletters
        .into_iter()
        .find(|newsletter| secrets.signs(COME_BACK, &[newsletter.as_bytes(), recipient, left], signature))
        .map(|newsletter| (newsletter, number, moment))
}

/// The token of one delivery, in the envelope sender: 39 characters.
pub fn bounce(secrets: &Secrets, edition: i64, recipient: i64) -> String {
    let edition = u32::try_from(edition).unwrap_or(u32::MAX).to_be_bytes();
    let recipient = recipient.to_be_bytes();
    let signature = secrets.signature(BOUNCE, &[&edition, &recipient]);
    write(&[&edition, &recipient, &signature])
}

/// Which delivery a bounce token names: edition and recipient; `None` when we did not write it.
pub fn read_bounce(secrets: &Secrets, token: &str) -> Option<(i64, i64)> {
    let bytes = read(token)?;
    let (edition, rest) = bytes.split_at_checked(4)?;
    let (recipient, signature) = rest.split_at_checked(8)?;
    if !secrets.signed(BOUNCE, &[edition, recipient], signature) {
        return None;
    }
    let edition = u32::from_be_bytes(edition.try_into().ok()?);
    Some((i64::from(edition), i64::from_be_bytes(recipient.try_into().ok()?)))
}

/// The operator's token: it shows how things stand, and can change nothing. 20 characters; another key makes another.
pub fn status(secrets: &Secrets) -> String {
    write(&[&secrets.signature(STATUS, &[])])
}

/// Whether a token is the operator's.
pub fn is_status(secrets: &Secrets, token: &str) -> bool {
    secrets.signs(STATUS, &[], &read(token).unwrap_or_default())
}

/// RFC 4648 base32, in lower case, unpadded.
pub(crate) fn write(parts: &[&[u8]]) -> String {
    let mut text = BASE32_NOPAD.encode(&parts.concat());
    text.make_ascii_lowercase();
    text
}

pub(crate) fn read(token: &str) -> Option<Vec<u8>> {
    BASE32_NOPAD.decode(token.trim().to_ascii_uppercase().as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets() -> Secrets {
        Secrets::from_bytes([3; 32])
    }

    /// With these keys, the oldest first.
    fn keys(text: &str) -> Secrets {
        let folder = tempfile::tempdir().unwrap();
        let lines: Vec<String> = text.split(' ').map(|digit| digit.repeat(64)).collect();
        std::fs::write(folder.path().join("key"), lines.join("\n")).unwrap();
        Secrets::load_or_create(folder.path(), None).unwrap()
    }

    #[test]
    fn an_old_key_still_reads_what_letters_bear_and_nothing_else() {
        let (old, new) = (keys("a"), keys("a b"));
        let token = leave(&old, "news", 5);
        assert_eq!(read_leave(&new, ["news"], &token), Some(("news", 5)));
        assert_ne!(leave(&new, "news", 5), token);
        assert_eq!(read_leave(&old, ["news"], &leave(&new, "news", 5)), None);
        assert_eq!(read_bounce(&new, &bounce(&old, 7, 5)), Some((7, 5)));
        assert_eq!(read_come_back(&new, ["news"], &come_back(&old, "news", 5, 9)), None);
        assert_eq!(read_come_back(&new, ["news"], &come_back(&new, "news", 5, 9)), Some(("news", 5, 9)));
        let other = keys("c b");
        assert_eq!(read_leave(&other, ["news"], &leave(&new, "news", 5)), Some(("news", 5)), "the last one signs");
        assert_eq!(read_leave(&other, ["news"], &token), None);
    }

    #[test]
    fn a_leaving_token_names_its_person_and_newsletter_and_is_short() {
        let token = leave(&secrets(), "referents", 123_456_789);
        assert_eq!(token.len(), 32);
        assert!(token.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
        assert_eq!(read_leave(&secrets(), ["news", "referents"], &token), Some(("referents", 123_456_789)));
        assert_eq!(read_leave(&secrets(), ["referents"], &token.to_uppercase()), Some(("referents", 123_456_789)));
    }

    #[test]
    fn a_token_that_was_changed_swapped_or_cut_names_nobody() {
        let token = leave(&secrets(), "referents", 5);
        assert_eq!(read_leave(&secrets(), ["news"], &token), None);
        assert_eq!(read_leave(&Secrets::from_bytes([4; 32]), ["referents"], &token), None);
        for cut in 0..token.len() {
            assert_eq!(read_leave(&secrets(), ["referents"], &token[..cut]), None);
            let mut changed = token.clone().into_bytes();
            changed[cut] = if changed[cut] == b'a' { b'b' } else { b'a' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(read_leave(&secrets(), ["referents"], &changed), None, "{changed}");
        }
        assert_eq!(read_bounce(&secrets(), &token), None);
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(2000))]

        #[test]
        fn any_text_is_read_as_no_token_or_as_the_one_that_it_is(
            text in "[a-z2-7]{0,50}|[A-Z2-7 =]{0,50}|\\PC{0,50}",
            (recipient, left, edition) in (0i64.., 0i64.., 0u32..),
            place in 0usize..32,
            change in "[a-z2-7]",
        ) {
            let secrets = secrets();
            let (leaving, back) = (leave(&secrets, "a", recipient), come_back(&secrets, "a", recipient, left));
            let bounced = bounce(&secrets, i64::from(edition), recipient);
            let mut changed = leaving.clone();
            changed.replace_range(place..=place, &change);
            for text in [&text, &changed, &leaving, &back, &bounced] {
                let plain = text.trim().to_ascii_lowercase();
                assert_eq!(read_leave(&secrets, ["b", "a"], text), (plain == leaving).then_some(("a", recipient)));
                assert_eq!(read_come_back(&secrets, ["b", "a"], text), (plain == back).then_some(("a", recipient, left)));
                let delivery = (plain == bounced).then_some((i64::from(edition), recipient));
                assert_eq!(read_bounce(&secrets, text), delivery);
            }
        }
    }

    #[test]
    fn a_token_that_undoes_is_for_one_person_one_newsletter_and_one_moment() {
        let token = come_back(&secrets(), "referents", 5, 1000);
        assert_eq!(read_come_back(&secrets(), ["news", "referents"], &token), Some(("referents", 5, 1000)));
        assert_eq!(read_come_back(&secrets(), ["news"], &token), None);
        assert_eq!(read_leave(&secrets(), ["referents"], &token), None);
        assert_eq!(read_come_back(&secrets(), ["referents"], &leave(&secrets(), "referents", 5)), None);
        for place in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'a' { b'b' } else { b'a' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(read_come_back(&secrets(), ["referents"], &changed), None, "{changed}");
        }
    }

    #[test]
    fn the_operators_token_is_of_the_last_key_and_no_other_is() {
        let token = status(&secrets());
        assert!(token.len() == 20 && is_status(&secrets(), &token));
        assert!(!is_status(&Secrets::from_bytes([4; 32]), &token));
        for other in
            ["", "a", &leave(&secrets(), "a", 1), &bounce(&secrets(), 1, 1), &token[1..], &format!("{token}aa")]
        {
            assert!(!is_status(&secrets(), other), "{other}");
        }
        assert!(is_status(&keys("1 2"), &status(&keys("2"))) && !is_status(&keys("1 2"), &status(&keys("1"))));
    }

    #[test]
    fn a_bounce_token_names_its_delivery_and_fits_a_local_part() {
        let token = bounce(&secrets(), 12, i64::MAX);
        assert!(token.len() <= 40);
        assert_eq!(read_bounce(&secrets(), &token), Some((12, i64::MAX)));
        assert_eq!(read_leave(&secrets(), ["a"], &token), None);
    }
}
