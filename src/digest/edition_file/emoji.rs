//! Emoji at the start or the end of a line: what becomes its mark, which screen readers pass over.
//!
//! Promises: a sequence stays whole (skin tones, variation selectors, joined ones, flags, keycaps); text is never cut
//! inside a character.
//!
//! BUGS: an old sign that is text unless a selector says otherwise (`©`, `↗`) is one only with that selector.

const JOINER: char = '\u{200d}';
const AS_EMOJI: char = '\u{fe0f}';

/// The emoji that a text begins with, several and the spaces between them included, and the text after them.
pub fn leading(text: &str) -> (Option<String>, &str) {
    let mut rest = text.trim_start();
    let mut mark = String::new();
    while let Some(length) = sequence(rest) {
        mark.push_str(&rest[..length]);
        rest = rest[length..].trim_start();
    }
    if mark.is_empty() { (None, text) } else { (Some(mark), rest) }
}

/// The text before the emoji that it ends with, and these.
pub fn trailing(text: &str) -> (&str, Option<String>) {
    let end = text.trim_end();
    // Emoji are few: the longest end that is nothing else is looked for from the left.
    let starts = end.char_indices().map(|(at, _)| at).filter(|at| sequence(&end[*at..]).is_some());
    for at in starts {
        let joined = end[..at].ends_with(JOINER);
        if let (Some(mark), "", false) = (leading(&end[at..]).0, leading(&end[at..]).1, joined) {
            return (end[..at].trim_end(), Some(mark));
        }
    }
    (text, None)
}

/// The length of the one emoji that a text begins with.
fn sequence(text: &str) -> Option<usize> {
    let mut length = one(text)?;
    while let Some(next) = text[length..].strip_prefix(JOINER).and_then(one) {
        length += JOINER.len_utf8() + next;
    }
    Some(length)
}

/// An emoji with what belongs to it, joined ones aside.
fn one(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().peekable();
    let (_, first) = chars.next()?;
    let second = chars.peek().map(|(_, second)| *second);
    if first.is_ascii_digit() || first == '#' || first == '*' {
        let keycap = text[1..].strip_prefix(AS_EMOJI).unwrap_or(&text[1..]).strip_prefix('\u{20e3}')?;
        return Some(text.len() - keycap.len());
    }
    if is_regional(first) {
        return second.filter(|second| is_regional(*second)).map(|second| first.len_utf8() + second.len_utf8());
    }
    if !is_emoji(first) && second != Some(AS_EMOJI) {
        return None;
    }
    // A letter with a selector behind it is a letter.
    if first.is_alphanumeric() || first.is_whitespace() || first.is_control() {
        return None;
    }
    while let Some((at, c)) = chars.peek().copied() {
        let belongs = matches!(c, '\u{fe0e}' | AS_EMOJI | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0020}'..='\u{e007f}');
        if !belongs {
            return Some(at);
        }
        chars.next();
    }
    Some(text.len())
}

fn is_regional(c: char) -> bool {
    ('\u{1f1e6}'..='\u{1f1ff}').contains(&c)
}

/// What is drawn as an emoji without being asked to, and the signs that people use as such.
fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{231a}' | '\u{231b}' | '\u{23e9}'..='\u{23f3}' | '\u{23f8}'..='\u{23fa}'
        | '\u{2600}'..='\u{27bf}' | '\u{2b1b}' | '\u{2b1c}' | '\u{2b50}' | '\u{2b55}'
        | '\u{1f000}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_one_emoji_or_several_and_never_a_part_of_one() {
        for (text, mark, rest) in [
            ("📺 En vidéos", "📺", "En vidéos"),
            ("🎓💻 Module", "🎓💻", "Module"),
            ("🎓 💻 Module", "🎓💻", "Module"),
            ("📚Les chiffres", "📚", "Les chiffres"),
            ("☁️ \"Cloud\"", "☁️", "\"Cloud\""),
            ("👩‍🎨 Une charte", "👩‍🎨", "Une charte"),
            ("👩🎨 Une charte", "👩🎨", "Une charte"),
            ("👍🏽 D’accord", "👍🏽", "D’accord"),
            ("🇫🇷 France", "🇫🇷", "France"),
            ("1️⃣ D’abord", "1️⃣", "D’abord"),
            ("🏴󠁧󠁢󠁳󠁣󠁴󠁿 Ecosse", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "Ecosse"),
        ] {
            assert_eq!(leading(text), (Some(mark.to_string()), rest), "{text}");
        }
        for text in ["", "Texte 📺", "1 essai", "#1", "« quoi »", "→ là", "\u{fe0f}x", "é\u{fe0f}"] {
            assert_eq!(leading(text), (None, text), "{text}");
        }
    }

    #[test]
    fn a_mark_may_stand_at_the_end() {
        assert_eq!(trailing("plus sobre ! 🖥️"), ("plus sobre !", Some("🖥️".to_string())));
        assert_eq!(trailing("un 📺 deux 🎓👩‍🎨 "), ("un 📺 deux", Some("🎓👩‍🎨".to_string())));
        assert_eq!(trailing("un 📺 deux"), ("un 📺 deux", None));
        assert_eq!(trailing("📺"), ("", Some("📺".to_string())));
    }
}
