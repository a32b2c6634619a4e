//! Which episode of its series an item is, and the episodes of a series put together.
//!
//! The front matter's `episode` says it: `1`, `"2"`, `3/4`, `S2E1`, `Épisode 4`, `IV`. Where it says nothing, the title of
//! an item of a series does (`Saison 2 Épisode #1 : …`), else its file's name (`episode-2-les-enjeux.md`), as long as
//! they name one number and do not contradict each other. Without a `series`, nothing is guessed.
//!
//! Promises: pure and total; an item of a series that has no number (its announcement) is no episode: it stands before
//! the first one if it is not newer, else after the last.

use std::cmp::Ordering;

use crate::item::Item;

/// An episode's number, as it is shown and sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Episode {
    pub season: Option<u32>,
    /// `None`: words that hold no number.
    pub number: Option<u32>,
    /// `4`, `3/4`, or the author's own words.
    pub shown: String,
    /// The title says it already.
    pub in_title: bool,
}

/// The episode that an item is; `None` if it is none, or none that can be told.
pub fn episode(item: &Item) -> Option<Episode> {
    if let Some(own) = &item.episode {
        let found = told(own);
        let in_title = found.is_some_and(|found| sole(&item.title).is_some_and(|title| title.agrees(found)));
        return Some(Episode {
            season: found.and_then(|found| found.season),
            number: found.map(|found| found.number),
            shown: found.map_or_else(|| own.trim().to_string(), Found::shown),
            in_title,
        });
    }
    item.series.as_ref()?;
    let (title, name) = (numbers(&item.title), numbers(name(item.path())));
    let found = match (title.as_slice(), name.as_slice()) {
        ([title], [name]) if title.agrees(*name) => Found { season: title.season.or(name.season), ..*title },
        ([title], []) => *title,
        ([], [name]) => *name,
        _ => return None,
    };
    Some(Episode {
        season: found.season,
        number: Some(found.number),
        shown: found.shown(),
        in_title: title.len() == 1,
    })
}

/// The same things with those of one series side by side, at the place of the first of them, in the order in which they
/// are watched.
pub fn together<T>(things: Vec<T>, item: impl Fn(&T) -> Option<&Item>) -> Vec<T> {
    let series =
        |thing: &T| item(thing).and_then(|item| item.series.as_deref()).map(|name| name.trim().to_lowercase());
    let mut groups: Vec<(Option<String>, Vec<T>)> = Vec::new();
    for thing in things {
        let name = series(&thing);
        match groups.iter_mut().find(|(known, _)| known.is_some() && *known == name) {
            Some((_, group)) => group.push(thing),
            None => groups.push((name, vec![thing])),
        }
    }
    for (_, group) in &mut groups {
        if group.len() > 1 {
            in_order(group, &item);
        }
    }
    groups.into_iter().flat_map(|(_, group)| group).collect()
}

fn in_order<T>(group: &mut [T], item: impl Fn(&T) -> Option<&Item>) {
    let episode =
        |thing: &T| item(thing).and_then(episode).and_then(|one| Some((one.season.unwrap_or(0), one.number?)));
    let date = |thing: &T| item(thing).map(|item| (item.published, item.path().to_string()));
    let first = group.iter().filter_map(|thing| Some((episode(thing)?, date(thing)))).min();
    // Announcements, then episodes, then what came after them.
    let place = |thing: &T| match (&first, episode(thing)) {
        (Some((_, first)), None) if date(thing) > *first => 2,
        (_, Some(_)) => 1,
        _ => 0,
    };
    group.sort_by(|a, b| match place(a).cmp(&place(b)).then_with(|| episode(a).cmp(&episode(b))) {
        Ordering::Equal => date(a).cmp(&date(b)),
        other => other,
    });
}

/// A number that a text names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    season: Option<u32>,
    number: u32,
    of: Option<u32>,
}

impl Found {
    fn shown(self) -> String {
        match self.of {
            Some(of) => format!("{}/{of}", self.number),
            None => self.number.to_string(),
        }
    }

    fn agrees(self, other: Found) -> bool {
        self.number == other.number
            && (self.season.is_none() || other.season.is_none() || self.season == other.season)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// In lower case, without accents.
    Letters(String),
    Digits(u32),
    Sign(char),
}

/// What the value of `episode` says: a number alone, or words with one number.
fn told(text: &str) -> Option<Found> {
    let roman = roman(text.trim()).map(|number| Found { season: None, number, of: None });
    let alone = match tokens(text).as_slice() {
        [Token::Digits(number)] => Some((*number, None)),
        [Token::Sign('#'), Token::Digits(number)] => Some((*number, None)),
        [Token::Letters(n), Token::Sign('°' | 'º'), Token::Digits(number)] if n == "n" => Some((*number, None)),
        [Token::Digits(number), Token::Sign('/'), Token::Digits(of)] => Some((*number, Some(*of))),
        [Token::Digits(number), Token::Letters(of), Token::Digits(all)] if ["sur", "of"].contains(&of.as_str()) => {
            Some((*number, Some(*all)))
        }
        _ => None,
    };
    alone.map(|(number, of)| Found { season: None, number, of }).or(roman).or_else(|| sole(text))
}

/// The one number that a text names as an episode's.
fn sole(text: &str) -> Option<Found> {
    match numbers(text).as_slice() {
        [found] => Some(*found),
        _ => None,
    }
}

/// Every number that a text names as an episode's, each once.
fn numbers(text: &str) -> Vec<Found> {
    let tokens = tokens(text);
    let mut found: Vec<Found> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let Token::Letters(word) = token else { continue };
        let season = season_before(&tokens[..at]);
        if !(matches!(word.as_str(), "episode" | "episodes" | "ep") || word == "e" && season.is_some()) {
            continue;
        }
        let mut rest = &tokens[at + 1..];
        while let [Token::Sign('#' | '.' | '-' | '_' | '°' | 'º'), more @ ..] = rest {
            rest = more;
        }
        if let [Token::Letters(n), Token::Sign('°' | 'º'), more @ ..] = rest
            && n == "n"
        {
            rest = more;
        }
        let one = match rest {
            [Token::Digits(number), Token::Sign('/'), Token::Digits(of), ..] => {
                Found { season, number: *number, of: Some(*of) }
            }
            [Token::Digits(number), ..] => Found { season, number: *number, of: None },
            [Token::Letters(word), ..] if word.len() > 1 || word == "i" || word == "v" || word == "x" => {
                // Small letters are words (`mi`, `dix`): Roman numbers are written large.
                match roman_word(text, word) {
                    Some(number) => Found { season, number, of: None },
                    None => continue,
                }
            }
            _ => continue,
        };
        if !found.contains(&one) {
            found.push(one);
        }
    }
    found
}

/// `Saison 2`, `S2` right before.
fn season_before(tokens: &[Token]) -> Option<u32> {
    let mut rest = tokens;
    while let [more @ .., Token::Sign('-' | '_' | ',' | '.' | ':' | '–')] = rest {
        rest = more;
    }
    let [more @ .., Token::Digits(season)] = rest else { return None };
    let mut rest = more;
    while let [more @ .., Token::Sign('#' | '-' | '_')] = rest {
        rest = more;
    }
    matches!(rest, [.., Token::Letters(word)] if ["saison", "season", "s"].contains(&word.as_str()))
        .then_some(*season)
}

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut chars = text.chars().flat_map(char::to_lowercase).map(unaccented).peekable();
    while let Some(c) = chars.next() {
        let mut run = c.to_string();
        if c.is_ascii_digit() {
            while let Some(next) = chars.next_if(char::is_ascii_digit) {
                run.push(next);
            }
            // A number that no series reaches is a date or a code.
            tokens.push(run.parse().ok().filter(|n| *n < 10_000).map_or(Token::Sign('?'), Token::Digits));
        } else if c.is_alphabetic() {
            while let Some(next) = chars.next_if(|next| next.is_alphabetic()) {
                run.push(next);
            }
            tokens.push(Token::Letters(run));
        } else if !c.is_whitespace() && c != '\u{301}' {
            tokens.push(Token::Sign(c));
        }
    }
    tokens
}

fn unaccented(c: char) -> char {
    if matches!(c, 'é' | 'è' | 'ê') { 'e' } else { c }
}

/// The Roman number that stands in capitals in the text as this word.
fn roman_word(text: &str, word: &str) -> Option<u32> {
    let upper = word.to_uppercase();
    text.split(|c: char| !c.is_alphanumeric()).find(|part| **part == *upper).and_then(roman)
}

/// `IV` is 4: capitals alone, in their one right form.
fn roman(text: &str) -> Option<u32> {
    const SIGNS: [(u32, &str); 9] =
        [(100, "C"), (90, "XC"), (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")];
    let written = |mut number: u32| {
        let mut out = String::new();
        for (value, sign) in SIGNS {
            while number >= value {
                out.push_str(sign);
                number -= value;
            }
        }
        out
    };
    if text.is_empty() || text.len() > 8 || !text.bytes().all(|b| b"IVXLC".contains(&b)) {
        return None;
    }
    (1..200).find(|number| written(*number) == text)
}

/// A file's name without its ending; the folder's of an index page.
fn name(path: &str) -> &str {
    let mut parts = path.rsplit('/');
    let file = parts.next().unwrap_or("");
    let stem = file.split('.').next().unwrap_or("");
    if matches!(stem, "index" | "_index") { parts.next().unwrap_or("") } else { stem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::samples::item;

    fn of(stem: &str, title: &str, episode: Option<&str>, published: &str) -> Item {
        let mut item = item(stem, title, published, "");
        item.series = Some("Série".into());
        item.episode = episode.map(str::to_string);
        item
    }

    fn shown(stem: &str, title: &str, own: Option<&str>) -> Option<(Option<u32>, String, bool)> {
        let found = episode(&of(stem, title, own, "2026-11-01T00:00:00Z"))?;
        Some((found.season, found.shown, found.in_title))
    }

    #[test]
    fn an_episodes_number_is_read_in_every_spelling() {
        for (own, season, text) in [
            ("1", None, "1"),
            ("02", None, "2"),
            ("3/4", None, "3/4"),
            ("3 sur 4", None, "3/4"),
            ("S2E1", Some(2), "1"),
            ("s02e03", Some(2), "3"),
            ("Épisode 4", None, "4"),
            ("Saison 2, épisode n° 5", Some(2), "5"),
            ("#6", None, "6"),
            ("IV", None, "4"),
            ("Épisode IV", None, "4"),
            ("bonus", None, "bonus"),
            ("2 bis", None, "2 bis"),
        ] {
            assert_eq!(shown("a", "Titre", Some(own)), Some((season, text.to_string(), false)), "{own}");
        }
    }

    #[test]
    fn a_title_or_a_files_name_tells_where_both_agree() {
        let found = |season, number: &str, in_title| Some((season, number.to_string(), in_title));
        assert_eq!(shown("episode-2-les-enjeux", "Épisode #2 : les enjeux", None), found(None, "2", true));
        assert_eq!(shown("Experts-S2E1-Nom", "Saison 2 Épisode #1 : quelle", None), found(Some(2), "1", true));
        assert_eq!(shown("s2e1_nom", "Épisode #1 : quelle", None), found(Some(2), "1", true));
        assert_eq!(shown("episode2", "Micro Trottoir", None), found(None, "2", false));
        assert_eq!(shown("a", "Épisode 4/5", None), found(None, "4/5", true));
        for (stem, title) in [
            ("episode-2", "Épisode 3 : autre"),
            ("a", "Après l’épisode 1, l’épisode 2"),
            ("a", "L’épisode de chaleur de 2026"),
            ("a", "12 épisodes à revoir"),
            ("2024-07-25-video", "Une vidéo"),
        ] {
            assert_eq!(shown(stem, title, None), None, "{title}");
        }
        let mut alone = of("episode2", "Épisode 2", None, "2026-11-01T00:00:00Z");
        alone.series = None;
        assert_eq!(episode(&alone), None, "no series, no episode");
    }

    #[test]
    fn a_series_stands_together_in_its_order_at_the_place_of_its_newest() {
        let mut items = vec![
            of("d", "Dix", Some("10"), "2026-11-09T00:00:00Z"),
            item("x", "Autre", "2026-11-08T00:00:00Z", ""),
            of("b", "Deux", Some("2"), "2026-11-07T00:00:00Z"),
            of("bonus", "Bonus", None, "2026-11-06T00:00:00Z"),
            of("a", "Un", Some("1"), "2026-11-05T00:00:00Z"),
            of("annonce", "Une série arrive", None, "2026-11-01T00:00:00Z"),
        ];
        items[4].series = Some(" SÉRIE".into());
        let titles: Vec<String> = together(items, |item| Some(item)).iter().map(|item| item.title.clone()).collect();
        assert_eq!(titles, ["Une série arrive", "Un", "Deux", "Dix", "Bonus", "Autre"]);
    }

    #[test]
    fn a_series_without_numbers_is_told_in_the_order_of_its_dates() {
        let items = vec![
            of("b", "Le financement", None, "2026-11-09T00:00:00Z"),
            of("a", "Les enjeux", None, "2026-11-05T00:00:00Z"),
        ];
        let titles: Vec<String> = together(items, |item| Some(item)).iter().map(|item| item.title.clone()).collect();
        assert_eq!(titles, ["Les enjeux", "Le financement"]);
    }
}
