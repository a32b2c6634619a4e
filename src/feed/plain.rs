//! Text and addresses made fit for every format, once, when the model is built.
//!
//! XML 1.0 forbids some characters altogether, in every spelling; the W3C validator also warns of C1 controls and of
//! U+FFFD, which are what a wrongly decoded file leaves. C1 controls become what Windows-1252 means by these bytes (as
//! HTML does), the others go. A plain title or summary that *looks* like markup would be read as markup by half of the RSS readers,
//! which cannot know: there, angle brackets become ‹ › and the ampersand ＆, in all formats alike.

use std::borrow::Cow;

use url::Url;

use crate::config::Person;

/// The text without any character that a feed may not hold; line breaks become LF, as any XML parser makes them.
pub fn clean(text: &str) -> Cow<'_, str> {
    if is_clean(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => {
                if characters.peek() != Some(&'\n') {
                    clean.push('\n');
                }
            }
            '\t' | '\n' => clean.push(character),
            '\0'..'\u{20}' | '\u{7f}' | '\u{fffd}'..='\u{ffff}' => {}
            '\u{80}'..='\u{9f}' => clean.extend(windows_1252(character)),
            _ => clean.push(character),
        }
    }
    Cow::Owned(clean)
}

/// The same test as `clean`'s, on bytes: bodies are long, and nearly all of them pass.
fn is_clean(bytes: &[u8]) -> bool {
    let forbidden = |(at, byte): (usize, &u8)| match byte {
        b'\t' | b'\n' => false,
        0..0x20 | 0x7f => true,
        0xc2 => bytes.get(at + 1).is_some_and(|next| *next < 0xa0),
        0xef => bytes.get(at + 1) == Some(&0xbf) && bytes.get(at + 2).is_some_and(|next| *next >= 0xbd),
        _ => false,
    };
    !bytes.iter().enumerate().any(forbidden)
}

fn windows_1252(control: char) -> Option<char> {
    const MEANT: [char; 32] = [
        '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“', '”',
        '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
    ];
    MEANT.get((control as usize).wrapping_sub(0x80)).copied().filter(|meant| *meant != '\0')
}

/// One line of plain text that no reader can take for markup.
pub fn line(text: &str) -> String {
    let text = clean(text);
    let one_line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if one_line.contains(['<', '&']) { without_markup_shapes(&one_line) } else { one_line }
}

fn without_markup_shapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len() + 8);
    let mut in_tag = false;
    for (at, character) in text.char_indices() {
        let rest = text.get(at + character.len_utf8()..).unwrap_or("");
        match character {
            '<' if rest.starts_with(|next: char| next.is_ascii_alphabetic() || "/!?".contains(next)) => {
                in_tag = true;
                plain.push('‹');
            }
            '>' if in_tag => {
                in_tag = false;
                plain.push('›');
            }
            '&' if is_reference(rest) => plain.push('＆'),
            _ => plain.push(character),
        }
    }
    plain
}

/// Whether what follows an ampersand could be read as a character reference: `eacute;`, `#39;`, and without its
/// semicolon too, as browsers and the validator do (`&copy`). `R&D` and `AT&T` are none.
fn is_reference(rest: &str) -> bool {
    let name: String =
        rest.chars().take_while(|next| next.is_alphanumeric() || matches!(next, '#' | '_')).take(2).collect();
    name.chars().count() == 2
        || !name.chars().all(char::is_alphabetic)
        || rest[name.len()..].starts_with(';') && !name.is_empty()
}

/// An absolute address, every character that RFC 3986 does not know percent-encoded; `None`: it is not absolute.
pub(super) fn address(text: &str) -> Option<String> {
    let clean = clean(text);
    let url = Url::parse(clean.trim()).ok()?;
    Some(percent_encoded(url.as_str()))
}

/// An id as an address: as given where it is one, else under the feed's own site.
pub(super) fn id(text: &str, home: &str) -> String {
    let clean = clean(text);
    match Url::parse(&clean) {
        Ok(_) => percent_encoded(clean.trim()),
        Err(_) => format!("{home}#{}", percent_encoded(clean.trim()).replace('#', "%23")),
    }
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b";/?:@&=+$.-_!~*'()%,#".contains(&byte) {
            encoded.push(byte as char);
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// A person as feeds may name one; `None`: nameless.
pub(super) fn person(person: &Person) -> Option<Person> {
    let name = line(&person.name);
    if name.is_empty() {
        return None;
    }
    Some(Person {
        name,
        email: person.email.as_deref().filter(|email| is_email(email)).map(str::to_string),
        url: person.url.as_deref().and_then(address).filter(|url| url.starts_with("http")),
    })
}

fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        let plain = |text: &str, more: &str| {
            !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.as_bytes().contains(&byte))
        };
        plain(local, "_-+.'") && plain(domain, "-.") && domain.contains('.') && !domain.ends_with('.')
    })
}

/// Plain text as HTML, for the formats whose field holds HTML.
pub(super) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forbidden_characters_go_and_the_others_stay() {
        assert_eq!(clean("a\u{0}\u{8}\u{b}\u{1f}\u{7f}\u{fffe}\u{ffff}\u{fffd}b\tc\nd"), "ab\tc\nd");
        assert_eq!(clean("l\u{92}été \u{80}\u{81}"), "l’été €");
        assert_eq!(clean("un\r\ndeux\rtrois"), "un\ndeux\ntrois");
        assert!(matches!(clean("« é » 🎉 \u{a0}\u{10ffff}ﬀ"), Cow::Borrowed(_)));
    }

    proptest! {
        #[test]
        fn what_is_cleaned_is_clean(text in any::<String>()) {
            let cleaned = clean(&text).into_owned();
            prop_assert!(is_clean(cleaned.as_bytes()), "{cleaned:?}");
            let allowed = |c: char| matches!(c, '\t' | '\n' | '\u{20}'..='\u{7e}' | '\u{a0}'..='\u{fffc}' | '\u{10000}'..);
            prop_assert!(cleaned.chars().all(allowed));
            prop_assert_eq!(is_clean(text.as_bytes()), text.chars().all(allowed));
        }
    }

    #[test]
    fn a_title_that_looks_like_markup_is_not_markup_in_any_reader() {
        assert_eq!(line("La balise <details>, et </b>"), "La balise ‹details›, et ‹/b›");
        assert_eq!(line("5 < 6 & 7 > 3"), "5 < 6 & 7 > 3");
        assert_eq!(line("&nbsp; &#39; &copy &b2, R&D ; Q&A &"), "＆nbsp; ＆#39; ＆copy ＆b2, R&D ; Q&A &");
        assert_eq!(line("  deux\n lignes\u{8} "), "deux lignes");
    }

    #[test]
    fn addresses_hold_only_what_addresses_may_hold() {
        assert_eq!(
            address("https://example.org/é|[a] b").as_deref(),
            Some("https://example.org/%C3%A9%7C%5Ba%5D%20b")
        );
        assert_eq!(address("/relative"), None);
        assert_eq!(id("tag:example.org,2024:a b", "https://example.org/"), "tag:example.org,2024:a%20b");
        assert_eq!(id("42", "https://example.org/"), "https://example.org/#42");
    }

    #[test]
    fn a_person_keeps_only_what_is_well_formed() {
        let given = Person { name: " Ada\u{8} ".into(), email: Some("not one".into()), url: Some("about".into()) };
        assert_eq!(person(&given), Some(Person { name: "Ada".into(), email: None, url: None }));
        assert_eq!(person(&Person { name: " ".into(), ..Person::default() }), None);
    }
}
