//! Tells a site's language from its posts, where its configuration does not say: by the small words of each.

use super::content::posts;
use super::folder::Folder;

/// Words that a text of the language is full of, and one of the others is not.
const SMALL_WORDS: [(&str, [&str; 6]); 5] = [
    ("fr", ["le", "les", "des", "et", "est", "dans"]),
    ("en", ["the", "and", "of", "is", "to", "with"]),
    ("de", ["der", "die", "und", "das", "ist", "mit"]),
    ("es", ["el", "los", "y", "del", "una", "por"]),
    ("it", ["il", "gli", "di", "che", "della", "per"]),
];
/// So many posts tell enough.
const POSTS: usize = 30;

/// The language that outnumbers every other three times.
pub fn of_posts(folder: &Folder, paths: &[String]) -> Option<&'static str> {
    let mut texts = String::new();
    for path in paths {
        for file in posts(folder, std::slice::from_ref(path)).into_iter().take(POSTS) {
            texts.extend(folder.text(&file.path));
            texts.push('\n');
        }
    }
    of_text(&texts)
}

fn of_text(text: &str) -> Option<&'static str> {
    let mut counts: Vec<(usize, &'static str)> = SMALL_WORDS.iter().map(|(language, _)| (0, *language)).collect();
    for word in text.split(|c: char| !c.is_alphabetic()) {
        for (count, (_, words)) in counts.iter_mut().zip(&SMALL_WORDS) {
            count.0 += usize::from(words.contains(&word));
        }
    }
    counts.sort();
    let [.., (second, _), (first, language)] = counts.as_slice() else { return None };
    (*first >= 10 && *first >= second * 3).then_some(language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_is_told_by_its_small_words_or_not_at_all() {
        let french = "Les gestes et les mots dans le site : le but est simple, des idées et des actes. ".repeat(3);
        assert_eq!(of_text(&french), Some("fr"));
        assert_eq!(of_text(&"The aim of the site is to go on with the work and the words. ".repeat(3)), Some("en"));
        assert_eq!(of_text("Bonjour"), None);
    }
}
