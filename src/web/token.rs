//! Tokens of joining: when a form was shown, and the one that a confirmation's link bears.
//!
//! Both say when, and are signed with it (see [`mail::token`](crate::mail::token)): whoever reads one looks whether that is too
//! long ago. They are read with the key that signs now, and with no earlier one.

use crate::mail::token::{read, write};
use crate::secrets::Secrets;

const FORM_TIME: &str = "form time";
const CONFIRM: &str = "confirm";
const MANAGE: &str = "manage";
const MOVE: &str = "move";

/// That a newsletter's form was shown at a moment: 32 characters.
pub fn form_time(secrets: &Secrets, newsletter: &str, shown: i64) -> String {
    let shown = shown.to_be_bytes();
    write(&[&shown, &secrets.signature(FORM_TIME, &[newsletter.as_bytes(), &shown])])
}

/// When a newsletter's form was shown; `None` when we did not say so.
pub fn read_form_time(secrets: &Secrets, newsletter: &str, token: &str) -> Option<i64> {
    let bytes = read(token)?;
    let (shown, signature) = bytes.split_at_checked(8)?;
    let signs = secrets.signs(FORM_TIME, &[newsletter.as_bytes(), shown], signature);
    signs.then_some(i64::from_be_bytes(shown.try_into().ok()?))
}

/// The token that confirms what somebody asked for at a moment: 45 characters. `kind` is what confirming does.
pub fn confirm(secrets: &Secrets, kind: &str, newsletter: &str, recipient: i64, asked: i64) -> String {
    let (recipient, asked) = (recipient.to_be_bytes(), asked.to_be_bytes());
    let parts = [kind.as_bytes(), newsletter.as_bytes(), &recipient, &asked];
    write(&[&recipient, &asked, &secrets.signature(CONFIRM, &parts)])
}

/// Of which of `newsletters`, whose and from when a token of this kind is; `None` when we did not write it.
pub fn read_confirm<'a>(
    secrets: &Secrets,
    kind: &str,
    newsletters: impl IntoIterator<Item = &'a str>,
    token: &str,
) -> Option<(&'a str, i64, i64)> {
    let bytes = read(token)?;
    let (recipient, rest) = bytes.split_at_checked(8)?;
    let (asked, signature) = rest.split_at_checked(8)?;
    let number = i64::from_be_bytes(recipient.try_into().ok()?);
    let moment = i64::from_be_bytes(asked.try_into().ok()?);
    let signed = |newsletter: &&str| {
        let parts = [kind.as_bytes(), newsletter.as_bytes(), recipient, asked];
        secrets.signs(CONFIRM, &parts, signature)
    };
    newsletters.into_iter().find(signed).map(|newsletter| (newsletter, number, moment))
}

/// The token that opens somebody's own page, asked for at a moment: 45 characters.
pub fn manage(secrets: &Secrets, recipient: i64, asked: i64) -> String {
    let (recipient, asked) = (recipient.to_be_bytes(), asked.to_be_bytes());
    write(&[&recipient, &asked, &secrets.signature(MANAGE, &[&recipient, &asked])])
}

/// Whose page a token opens, and when it was asked for; `None` when we did not write it.
pub fn read_manage(secrets: &Secrets, token: &str) -> Option<(i64, i64)> {
    let bytes = read(token)?;
    let (recipient, rest) = bytes.split_at_checked(8)?;
    let (asked, signature) = rest.split_at_checked(8)?;
    let signs = secrets.signs(MANAGE, &[recipient, asked], signature);
    signs.then_some((number(recipient)?, number(asked)?))
}

/// The token that confirms somebody's new address, asked for at a moment: 58 characters.
pub fn moving(secrets: &Secrets, recipient: i64, to: i64, asked: i64) -> String {
    let (recipient, to, asked) = (recipient.to_be_bytes(), to.to_be_bytes(), asked.to_be_bytes());
    write(&[&recipient, &to, &asked, &secrets.signature(MOVE, &[&recipient, &to, &asked])])
}

/// Who moves where by a token, and when that was asked for; `None` when we did not write it.
pub fn read_moving(secrets: &Secrets, token: &str) -> Option<(i64, i64, i64)> {
    let bytes = read(token)?;
    let (recipient, rest) = bytes.split_at_checked(8)?;
    let (to, rest) = rest.split_at_checked(8)?;
    let (asked, signature) = rest.split_at_checked(8)?;
    let signs = secrets.signs(MOVE, &[recipient, to, asked], signature);
    signs.then_some((number(recipient)?, number(to)?, number(asked)?))
}

fn number(bytes: &[u8]) -> Option<i64> {
    Some(i64::from_be_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::token;

    #[test]
    fn each_token_is_for_one_thing_alone() {
        let (secrets, other) = (Secrets::from_bytes([3; 32]), Secrets::from_bytes([4; 32]));
        let shown = form_time(&secrets, "news", 1000);
        assert_eq!(shown.len(), 32);
        assert_eq!(read_form_time(&secrets, "news", &shown), Some(1000));
        assert_eq!(read_form_time(&secrets, "other", &shown), None);
        assert_eq!(read_form_time(&other, "news", &shown), None);
        let asked = confirm(&secrets, "join", "news", 5, 1000);
        assert_eq!(asked.len(), 45);
        assert_eq!(read_confirm(&secrets, "join", ["other", "news"], &asked), Some(("news", 5, 1000)));
        assert_eq!(read_confirm(&secrets, "join", ["news"], &asked.to_uppercase()), Some(("news", 5, 1000)));
        assert_eq!(read_confirm(&secrets, "move", ["news"], &asked), None);
        assert_eq!(read_confirm(&secrets, "join", ["other"], &asked), None);
        assert_eq!(read_confirm(&other, "join", ["news"], &asked), None);
        assert_eq!(token::read_come_back(&secrets, ["news"], &asked), None);
        assert_eq!(read_confirm(&secrets, "join", ["news"], &token::come_back(&secrets, "news", 5, 1000)), None);
        assert_eq!(token::read_leave(&secrets, ["news"], &shown), None);
        assert_eq!(read_form_time(&secrets, "news", &token::leave(&secrets, "news", 1000)), None);
        let page = manage(&secrets, 5, 1000);
        assert_eq!((page.len(), read_manage(&secrets, &page)), (45, Some((5, 1000))));
        let there = moving(&secrets, 5, 6, 1000);
        assert_eq!((there.len(), read_moving(&secrets, &there)), (58, Some((5, 6, 1000))));
        for (secrets, token) in [(&other, &page), (&secrets, &there), (&secrets, &asked), (&secrets, &shown)] {
            assert_eq!(read_manage(secrets, token), None);
        }
        for (secrets, token) in [(&other, &there), (&secrets, &page), (&secrets, &asked)] {
            assert_eq!(read_moving(secrets, token), None);
        }
        for place in 0..asked.len() {
            let mut changed = asked.clone().into_bytes();
            changed[place] = if changed[place] == b'a' { b'b' } else { b'a' };
            let changed = String::from_utf8(changed).unwrap();
            // The last character's low bits say nothing: it is refused all the same, or the same.
            assert!(read_confirm(&secrets, "join", ["news"], &changed).is_none_or(|_| changed == asked), "{changed}");
            assert_eq!(read_confirm(&secrets, "join", ["news"], &asked[..place]), None);
        }
    }
}
