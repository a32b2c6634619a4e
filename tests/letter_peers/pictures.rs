//! Draws the pictures that docs/letter.md shows, when it is asked to; and holds that page and pictures fit together.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::browser::{Browser, Look};
use crate::support::letters::{self, Letter};
use crate::support::screen::{Screen, Shot};
use crate::support::terminal::{Terminal, as_page};
use crate::support::webmail::filtered;
use crate::support::{corpora, has_program};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/pictures");
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/letter.md");

/// A picture weighs no more, in bytes.
const HEAVIEST: u64 = 150_000;

/// Where a picture of this name goes.
fn picture(name: &str) -> PathBuf {
    Path::new(FOLDER).join(format!("{name}.png"))
}

/// Takes away colours that nobody misses, the more the heavier the picture is.
fn lighten(path: &Path) {
    for colours in ["128", "64", "32"] {
        let done = Command::new("pngquant").args(["--force", "--strip", "--ext", ".png", colours]).arg(path).status();
        assert!(done.expect("pngquant runs").success(), "{}", path.display());
        if fs::metadata(path).expect("a picture").len() <= HEAVIEST {
            return;
        }
    }
    panic!("{} stays over {HEAVIEST} bytes: show less of the letter", path.display());
}

/// The letter in Chromium: wide and narrow, light and dark, with its pictures and with pictures blocked.
fn draw_in_chromium(browser: &mut Browser, letter: &Letter) {
    for (width, at_most) in [(640, 1500), (360, 1500)] {
        for dark in [false, true] {
            for blocked in [false, true] {
                let light = if dark { "dark" } else { "light" };
                let with = if blocked { "-blocked" } else { "" };
                let path = picture(&format!("{}-{width}-{light}{with}", letter.name));
                let look = Look::at(&letter.path("html")).wide(width).dark(dark).screenshot(&path, at_most);
                browser.look(&if blocked { look } else { look.pictures(&letter.sites) });
                lighten(&path);
            }
        }
        let path = picture(&format!("{}-{width}-webmail", letter.name));
        let look = Look::at_page(&filtered(&letter.html())).wide(width).pictures(&letter.sites);
        browser.look(&look.screenshot(&path, at_most));
        lighten(&path);
    }
}

/// The letter in Thunderbird, as it first comes, and with the pictures that it brings.
fn draw_in_thunderbird(letter: &Letter, name: &str) {
    let mut screen = Screen::start("the pictures", 760, 1000).expect("a screen");
    assert!(screen.thunderbird("the pictures", &letter.path("eml"), "La lettre des référents n° 1"));
    let dark = |pixel: &&[u8; 3]| pixel.iter().all(|part| *part < 100);
    screen.shot(|shot: &Shot| shot.pixels.iter().filter(dark).count() > 8_000);
    // Once more after it had the time to lay the pictures out.
    std::thread::sleep(std::time::Duration::from_secs(2));
    let path = picture(name);
    screen.save(&path);
    lighten(&path);
}

/// The letter's text in mutt.
fn draw_in_mutt(browser: &mut Browser, letter: &Letter) {
    let terminal = Terminal::mutt("the pictures", &letter.path("eml"), 84, 46).expect("mutt");
    let shown = terminal.shows("Subject: La lettre des référents n° 1");
    let path = picture(&format!("{}-mutt", letter.name));
    browser.look(&Look::at_page(&as_page(&shown)).wide(730).screenshot(&path, 900));
    lighten(&path);
}

fn prepare() {
    assert!(corpora().is_some(), "the corpora are needed");
    assert!(has_program("pngquant", "--version"), "pngquant is needed");
    fs::create_dir_all(FOLDER).expect("a folder");
}

#[test]
#[ignore = "writes docs/pictures: run it by name when the themes change, and look at what it drew"]
fn draw_the_pictures_of_the_letter_in_a_browser() {
    prepare();
    let mut browser = Browser::start("the pictures").expect("Chromium");
    let shown = |letter: &&Letter| letter.name.starts_with("mini") || letter.name.starts_with("minumeco");
    for letter in letters::all().iter().filter(shown) {
        draw_in_chromium(&mut browser, letter);
    }
}

#[test]
#[ignore = "writes docs/pictures: run it by name when the themes change, and look at what it drew"]
fn draw_the_pictures_of_the_letter_in_thunderbird() {
    prepare();
    for theme in letters::THEMES {
        let name = format!("mini-series-{theme}");
        let letter = letters::all().iter().find(|letter| letter.name == name).expect("the letter");
        draw_in_thunderbird(letter, &format!("{name}-thunderbird-blocked"));
        let project = letters::mini_series(theme);
        let file = "config/newsletters/referents.yaml";
        project.write(file, project.read(file) + "images: embedded\n");
        let whole = letters::compose("mini-series-embedded", theme, project);
        draw_in_thunderbird(&whole, &format!("{name}-thunderbird"));
    }
}

#[test]
#[ignore = "writes docs/pictures: run it by name when the themes change, and look at what it drew"]
fn draw_the_picture_of_the_letter_in_mutt() {
    prepare();
    let mut browser = Browser::start("the pictures").expect("Chromium");
    let letter = letters::compose("mini-series", "dsfr", letters::mini_series("dsfr"));
    draw_in_mutt(&mut browser, &letter);
}

#[test]
fn the_page_of_the_letter_shows_every_picture_with_words_for_it_and_none_is_heavy() {
    let page = fs::read_to_string(PAGE).expect("docs/letter.md");
    let mut named = BTreeSet::new();
    for part in page.split("![").skip(1) {
        let (words, rest) = part.split_once("](").expect("an address after the words");
        let (address, _) = rest.split_once(')').expect("its end");
        assert!(words.chars().count() > 20, "{address}: {words:?} says little of what is seen");
        named.insert(address.strip_prefix("pictures/").expect("under docs/pictures").to_string());
    }
    let entries = fs::read_dir(FOLDER).expect("docs/pictures").map(|entry| entry.expect("an entry"));
    let there: BTreeSet<String> = entries
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            assert!(entry.metadata().expect("its size").len() <= HEAVIEST, "{name} is over {HEAVIEST} bytes");
            name
        })
        .collect();
    assert_eq!(named, there);
}
