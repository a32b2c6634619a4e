//! Addresses: checked once, where they enter, so that everybody behind may write them into a command or a header.
//!
//! Promises (RFC 5321, section 4.1.2; RFC 6531): a checked address holds no control character and no space outside
//! quotes, its domain is ASCII (IDNA) and in lower case, its local part is at most 64 octets long and kept as written.
//!
//! BUGS: address literals (`a@[192.0.2.1]`) are refused.

use std::fmt;

/// An address that mail can go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    local: String,
    domain: String,
}

impl Address {
    /// Checks an address; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Address, &'static str> {
        let text = text.trim();
        if text.chars().any(char::is_control) {
            return Err("it holds a control character");
        }
        let Some((local, domain)) = text.rsplit_once('@') else { return Err("it holds no @") };
        check_local(local)?;
        if domain.contains(['%', ':', '/', '[']) {
            return Err("what follows the @ is no domain");
        }
        let domain = match is_plain(domain) {
            true => domain.to_string(),
            false => checked(domain).ok_or("what follows the @ is no domain")?,
        };
        if !domain.split('.').all(is_label) {
            return Err("what follows the @ is no domain");
        }
        let labels_fit = domain.split('.').all(|label| !label.is_empty() && label.len() <= 63);
        if !labels_fit || domain.len() > 253 || local.len() + domain.len() > 253 {
            return Err("it is too long, or has an empty part");
        }
        Ok(Address { local: local.to_string(), domain })
    }

    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// Whether the server must know SMTPUTF8 to take it.
    pub fn needs_utf8(&self) -> bool {
        !self.local.is_ascii()
    }

    /// With `+detail` behind the local part, which is how a returned letter names its recipient.
    pub fn with_detail(&self, detail: &str) -> String {
        format!("{}+{detail}@{}", self.local, self.domain)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

/// Whether a domain is one as it stands: most are, and the whole of IDNA costs more than all else that is done for a row of a list.
fn is_plain(domain: &str) -> bool {
    let last = domain.rsplit('.').next().unwrap_or_default();
    domain.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
        && last.starts_with(|c: char| c.is_ascii_lowercase())
        && !domain.contains("xn--")
}

/// Letters, digits and hyphens between them, or nothing. Underscores, too: there are such hosts, and no server minds.
fn is_label(label: &str) -> bool {
    let is_end = |c: char| c.is_ascii_alphanumeric();
    label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        && (label.is_empty() || label.starts_with(is_end) && label.ends_with(is_end))
}

/// A domain in ASCII and in lower case.
fn checked(domain: &str) -> Option<String> {
    match url::Host::parse(domain) {
        Ok(url::Host::Domain(domain)) => Some(domain),
        _ => None,
    }
}

fn check_local(local: &str) -> Result<(), &'static str> {
    if local.is_empty() {
        return Err("nothing stands before the @");
    }
    if local.len() > 64 {
        return Err("more than 64 octets stand before the @");
    }
    if let Some(inside) = local.strip_prefix('"') {
        return check_quoted(inside);
    }
    let atom =
        |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && !c.is_whitespace());
    if local.split('.').all(|part| !part.is_empty() && part.chars().all(atom)) {
        Ok(())
    } else {
        Err("what stands before the @ holds a character, or a dot, that cannot be there without quotes")
    }
}

/// What follows the opening quote, up to the closing one, which must be the last character.
fn check_quoted(inside: &str) -> Result<(), &'static str> {
    let mut characters = inside.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' if characters.as_str().is_empty() => return Ok(()),
            '"' => break,
            '\\' if characters.next().is_none() => break,
            _ => {}
        }
    }
    Err("its quotes do not match")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_plain_domain_is_what_idna_makes_of_it(domain in "([a-z0-9-]{1,8}\\.){0,3}[a-z0-9-]{1,8}|[a-z0-9.]{1,9}") {
            if is_plain(&domain) && domain.split('.').all(|label| !label.is_empty()) {
                prop_assert_eq!(checked(&domain), Some(domain));
            }
        }
    }

    #[test]
    fn numbers_and_other_scripts_are_no_plain_domains() {
        assert!(is_plain("example.org") && is_plain("1.2.a") && is_plain("ab--cd.org"));
        for domain in ["127.1", "1.0x7f", "a.org.", "", "xn--a.org", "a_b.org", "é.org", "EXAMPLE.org"] {
            assert!(!is_plain(domain), "{domain}");
        }
    }

    #[test]
    fn right_addresses_are_taken_however_odd() {
        let longest = format!("{}@example.org", "a".repeat(64));
        for (written, read) in [
            ("a@example.org", "a@example.org"),
            (" A.b+c@EXAMPLE.org ", "A.b+c@example.org"),
            ("o'neill/x=y@example.org", "o'neill/x=y@example.org"),
            ("\"a b\\\"@c\"@example.org", "\"a b\\\"@c\"@example.org"),
            ("a@préfecture.example.org", "a@xn--prfecture-c4a.example.org"),
            ("é@example.org", "é@example.org"),
            ("a@a_b--c.example.org", "a@a_b--c.example.org"),
            (longest.as_str(), longest.as_str()),
        ] {
            assert_eq!(Address::parse(written).map(|address| address.to_string()), Ok(read.to_string()));
        }
        assert!(Address::parse("é@example.org").is_ok_and(|address| address.needs_utf8()));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_taken_can_stand_in_a_command(text in "[\\PC\r\n\0]{0,40}@?[\\PC\r\n]{0,20}") {
            if let Ok(address) = Address::parse(&text) {
                let shown = address.to_string();
                assert!(!shown.chars().any(char::is_control), "{shown:?}");
                assert!(address.domain().is_ascii());
                assert_eq!(Address::parse(&shown), Ok(address));
            }
        }
    }

    #[test]
    fn addresses_that_cannot_be_are_refused() {
        let too_long = format!("{}@example.org", "a".repeat(65));
        for written in [
            "",
            "a",
            "@example.org",
            "a@",
            "a b@example.org",
            "a..b@example.org",
            ".a@example.org",
            "a@exa mple.org",
            "a@-.%41",
            "a@example..org",
            "a\r\nBcc: b@example.org",
            "a\0@example.org",
            "\"a@example.org",
            "\"a\"b\"@example.org",
            "a@[192.0.2.1]",
            "a@*",
            "a@exam~ple.org",
            "a@-example.org",
            "a@example-.org",
            "a@___",
            "<a@example.org>",
            "a,b@example.org",
            too_long.as_str(),
        ] {
            assert!(Address::parse(written).is_err(), "{written:?}");
        }
    }
}
