//! The letter in mail programs: Thunderbird on a screen, mutt in a terminal.

use crate::support::letters;
use crate::support::screen::{Screen, Shot};
use crate::support::terminal::{Terminal, as_page};

/// The background colours that a letter's own styles name, each once.
fn backgrounds(html: &str) -> Vec<[u8; 3]> {
    let mut found = Vec::new();
    for rest in html.split("<body").nth(1).unwrap_or_default().split("background-color:").skip(1) {
        let Some(rest) = rest.trim_start().strip_prefix('#') else { continue };
        let byte = |at: usize| rest.get(at..at + 2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        if let (Some(red), Some(green), Some(blue)) = (byte(0), byte(2), byte(4))
            && !found.contains(&[red, green, blue])
        {
            found.push([red, green, blue]);
        }
    }
    found
}

#[test]
fn thunderbird_shows_a_letter_in_its_colours() {
    const TEST: &str = "thunderbird_shows_a_letter_in_its_colours";
    for letter in letters::all().iter().filter(|letter| letter.name.starts_with("sample")) {
        let Some(mut screen) = Screen::start(TEST, 800, 1000) else { return };
        if !screen.thunderbird(TEST, &letter.path("eml"), "La lettre des référents n° 1") {
            return;
        }
        let colours = backgrounds(&letter.html());
        assert!(colours.len() > 1, "{}: {colours:?}", letter.name);
        // The page's and the sheet's: each covers a good part of the window.
        let enough = |shot: &Shot| colours[..2].iter().all(|colour| shot.count(*colour) > 20_000);
        let shot = screen.shot(enough);
        assert!(
            enough(&shot),
            "{}: {:?}",
            letter.name,
            colours.iter().map(|colour| (colour, shot.count(*colour))).collect::<Vec<_>>()
        );
        let dark = |pixel: &&[u8; 3]| pixel.iter().all(|part| *part < 100);
        assert!(shot.pixels.iter().filter(dark).count() > 2_000, "{}: no words", letter.name);
    }
}

#[test]
fn mutt_shows_a_letters_text_as_it_was_written() {
    const TEST: &str = "mutt_shows_a_letters_text_as_it_was_written";
    for letter in letters::all().iter().filter(|letter| letter.name.starts_with("sample")) {
        let Some(terminal) = Terminal::mutt(TEST, &letter.path("eml"), 90, 400) else { return };
        let shown = terminal.shows("Subject: La lettre des référents n° 1");
        let text = std::fs::read_to_string(letter.path("txt")).expect("a text part");
        let lines = text.lines().map(str::trim_end).filter(|line| !line.is_empty() && line.chars().count() < 90);
        let missing: Vec<&str> = lines.filter(|line| !shown.contains(line)).collect();
        assert!(missing.is_empty(), "{}: {missing:#?}\n{shown}", letter.name);
        assert!(as_page(&shown).contains("La lettre des référents"));
    }
}
