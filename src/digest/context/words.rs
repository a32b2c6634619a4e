//! Texts made to fit: cut between words, capitalised.

/// At most `most` characters, cut between words and marked with `…`; a single long word is cut anywhere.
pub fn cut_at_word(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_string();
    }
    let start: String = text.chars().take(most.saturating_sub(1)).collect();
    let next_is_space = text.chars().nth(most.saturating_sub(1)).is_some_and(char::is_whitespace);
    let cut = match start.rfind(char::is_whitespace) {
        Some(space) if !next_is_space => &start[..space],
        _ => &start,
    };
    format!("{}…", cut.trim_end_matches(|c: char| c.is_whitespace() || ",;:–—-".contains(c)))
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
}
