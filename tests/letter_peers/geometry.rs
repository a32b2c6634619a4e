//! Where things stand in the letter, as Chromium lays it out.

use serde_json::Value;

use crate::support::browser::{Browser, Look, list};
use crate::support::letters;

/// What a mail gateway puts in front of a letter from outside: about as tall as they come.
pub const BANNER: &str = "<table border=\"0\" cellspacing=\"0\" cellpadding=\"0\" width=\"100%\"><tr><td style=\"height:64px;padding:4px 8px;\
    background-color:#ffeb9c;color:#000000;font-family:Arial,sans-serif;font-size:14px\"><strong>ATTENTION :</strong> ce message \
    provient de l’extérieur de l’organisation. N’ouvrez ni lien ni pièce jointe sans en connaître l’expéditeur.</td></tr></table>";

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

/// The first title of an item that is a link: under the letter's own title, or in a list of lines.
fn first_title(seen: &Value) -> &Value {
    let links = list(&seen["geometry"], "links");
    links.iter().find(|link| link["in_heading"] == true).expect("a title with its link")
}

#[test]
fn with_pictures_blocked_the_first_title_is_on_the_first_screen_and_no_frame_is_tall() {
    let test = "with_pictures_blocked_the_first_title_is_on_the_first_screen_and_no_frame_is_tall";
    let Some(mut browser) = Browser::start(test) else { return };
    let mut faults = Vec::new();
    for letter in letters::all() {
        for (banner, said) in [("", "as it is"), (BANNER, "behind a gateway's banner")] {
            let mut look = Look::at(&letter.path("html"));
            if !banner.is_empty() {
                look = look.banner(banner);
            }
            let seen = browser.look(&look);
            let title = first_title(&seen);
            // A title may be as long as its author likes: its first two lines are what must be there, of 28 pixels each
            // with 22 of words.
            let lines_end = number(&title["y"]) + number(&title["height"]).min(50.0);
            if lines_end > 400.0 {
                faults.push(format!(
                    "{}, {said}: the first title's second line ends at {lines_end} px: {}",
                    letter.name, title["text"]
                ));
            }
            for image in list(&seen["geometry"], "images") {
                assert_eq!(image["loaded"], false, "{image}");
                // Outlook draws the frame as tall as the attribute says, other programs as the browser does.
                let tall = number(&image["height"]).max(image["declared_height"].as_f64().unwrap_or_default());
                if tall > 120.0 {
                    faults.push(format!("{}, {said}: an empty frame of {tall} px: {}", letter.name, image["src"]));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_letter_fits_every_width_from_320_to_640_and_200_percent_of_zoom() {
    let test = "a_letter_fits_every_width_from_320_to_640_and_200_percent_of_zoom";
    let Some(mut browser) = Browser::start(test) else { return };
    let mut faults = Vec::new();
    for letter in letters::all() {
        for served in [true, false] {
            let mut look = Look::at(&letter.path("html")).widths((320..=640).step_by(20));
            if served {
                look = look.pictures(&letter.sites);
            }
            let seen = browser.look(&look);
            assert_eq!(list(&seen, "widths").len(), 17);
            for at in list(&seen, "widths") {
                if number(&at["scroll_width"]) > number(&at["inner_width"]) || !list(at, "beyond").is_empty() {
                    faults.push(format!("{} with pictures {served}: {at}", letter.name));
                    break;
                }
            }
        }
        // Half the width with twice the pixels is what 200 % of zoom makes of 640.
        let zoomed = browser.look(&Look::at(&letter.path("html")).wide(320).scale(2).pictures(&letter.sites));
        let zoomed = &zoomed["geometry"];
        assert_eq!(zoomed["inner_width"], 320);
        if number(&zoomed["scroll_width"]) > 320.0 || !list(zoomed, "cut").is_empty() {
            faults.push(format!(
                "{} at 200 %: {} px wide, cut: {}",
                letter.name, zoomed["scroll_width"], zoomed["cut"]
            ));
        }
        assert_eq!(zoomed["small"], serde_json::json!([]), "{}: text under 14 px", letter.name);
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_picture_of_a_letter_is_there_and_no_wider_than_its_column() {
    let Some(mut browser) = Browser::start("every_picture_of_a_letter_is_there_and_no_wider_than_its_column") else {
        return;
    };
    let mut pictures = 0;
    for letter in letters::all() {
        for width in [640, 360] {
            let seen = browser.look(&Look::at(&letter.path("html")).wide(width).pictures(&letter.sites));
            for image in list(&seen["geometry"], "images") {
                pictures += 1;
                assert_eq!(image["loaded"], true, "{}: {image}", letter.name);
                assert!(image["alt"].is_string(), "{}: {image}", letter.name);
                assert!(
                    number(&image["width"]) <= 600.0 && number(&image["width"]) > 0.0,
                    "{}: {image}",
                    letter.name
                );
                let twice = number(&image["natural_width"]);
                assert!(twice <= 1200.0, "{}: a picture of {twice} px: {}", letter.name, image["src"]);
            }
        }
    }
    assert!(pictures > 20, "only {pictures} were looked at");
}
