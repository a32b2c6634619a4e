//! Texts made to fit: cut between words, capitalised.

use unicode_segmentation::UnicodeSegmentation;

/// What no text ends with before a `…`: marks that point at what is gone.
const DANGLING: &str = ",;:.–—-/|·&+«‹“‘\"'(<[{¿¡";

/// At most `most` characters, cut between words and marked with `…`; a single long word is cut anywhere but inside what
/// readers see as one character. A space that never breaks a line is no place to cut.
pub fn cut_at_word(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_string();
    }
    let room = most.saturating_sub(1);
    let breaks = |c: char| c.is_whitespace() && !matches!(c, '\u{a0}' | '\u{202f}' | '\u{2007}');
    let end = text.char_indices().nth(room).map_or(text.len(), |(index, _)| index);
    let start = &text[..end];
    let cut = match start.rfind(breaks) {
        _ if text[end..].starts_with(breaks) => start,
        Some(space) => &start[..space],
        None => {
            let whole = text.grapheme_indices(true).map(|(at, grapheme)| at + grapheme.len());
            &text[..whole.take_while(|at| *at <= end).last().unwrap_or(end)]
        }
    };
    let cut = cut.trim_end_matches(|c: char| c.is_whitespace() || DANGLING.contains(c));
    format!("{cut}…")
}

pub fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_headline_is_cut_between_words() {
        assert_eq!(cut_at_word("court", 60), "court");
        assert_eq!(cut_at_word("un deux trois", 8), "un deux…");
        assert_eq!(cut_at_word("un deux, trois", 9), "un deux…");
        assert_eq!(cut_at_word("anticonstitutionnellement", 10), "anticonst…");
    }

    #[test]
    fn nothing_dangles_before_the_cut() {
        assert_eq!(cut_at_word("Un atelier « réparation » ce soir", 14), "Un atelier…");
        assert_eq!(cut_at_word("Un atelier «\u{a0}réparation\u{a0}» ce soir", 16), "Un atelier…");
        assert_eq!(cut_at_word("Un atelier (gratuit) ce soir", 13), "Un atelier…");
        assert_eq!(cut_at_word("La lettre n°\u{a0}12 est arrivée", 14), "La lettre…");
    }

    #[test]
    fn no_cut_falls_inside_what_readers_see_as_one_character() {
        let family = "👩‍👩‍👧";
        assert_eq!(cut_at_word(&family.repeat(4), 9), format!("{family}…"));
        assert_eq!(cut_at_word(&"e\u{301}".repeat(9), 6), format!("{}…", "e\u{301}".repeat(2)));
        for most in 0..40 {
            let cut = cut_at_word(&family.repeat(9), most);
            assert!(cut.chars().count() <= most.max(family.chars().count() + 1), "{most}: {cut}");
        }
    }
}
