//! An entry's picture, as templates may name it: which one a letter wants, and how large it shows it.
//!
//! Promises: a letter shows converted pictures alone, fitted into a box so low that no empty frame is tall when pictures
//! are blocked. A video or a sound has a still with its mark, drawn where the item has no picture of its own.

use serde_json::{Value, json};

use crate::body::Body;
use crate::config::colour::Colour;
use crate::config::{Images, Newsletter};
use crate::digest::ComposeInput;
use crate::digest::plan::{Plan, Show};
use crate::item::Item;
use crate::pictures::{Fit, Mark, Picture, Source, Wanted};
use crate::problem::{Problem, Problems};

/// The box that a picture is fitted into, in CSS pixels; its file holds twice as many, for screens that show them.
const BOX: (u32, u32) = (208, 117);
const SHARPNESS: u32 = 2;
/// The most that one picture may weigh, in bytes.
const MOST: u64 = 60_000;
/// Under which a letter's logo is asked for: no item's id.
pub const LOGO: &str = "look.logo";
/// The State's blue, which the theme `dsfr` wears.
const STATE_BLUE: Colour = Colour { red: 0x00, green: 0x00, blue: 0x91 };

/// The pictures that a planned letter wants, and the room that they have. Problems are pictures that nobody can convert.
pub fn wanted(input: &ComposeInput<'_>, plan: &Plan<'_>) -> (Vec<Wanted>, Fit, Problems) {
    let newsletter = input.newsletter;
    let fit = Fit {
        width: BOX.0 * SHARPNESS,
        height: BOX.1 * SHARPNESS,
        most_bytes: MOST,
        together: newsletter.weight.pictures,
    };
    let (mut wanted, mut problems) = (Vec::new(), Problems::new());
    if newsletter.images == Images::None {
        return (wanted, fit, problems);
    }
    let accent = accent(newsletter);
    let cards =
        plan.sections.iter().filter(|section| section.show == Show::Card).flat_map(|section| &section.entries);
    for (item, body) in cards.filter_map(|entry| Some((entry.item()?, entry.body()?))) {
        let mark = mark(item, body);
        let file = item.image.as_ref().and_then(|image| image.file.clone());
        if let (Some(image), None) = (&item.image, &file) {
            let message = format!("the letter leaves out a picture that is not in this project: {}", image.url);
            let help = "put its file beside the item or into one of `content.static`: a letter shows smaller copies";
            problems.push(Problem::warning("picture-elsewhere", message).help(help).in_file(item.path()));
        }
        let source = match (file, mark) {
            (Some(file), _) => Source::File(file),
            (None, Some(_)) => Source::Drawn,
            (None, None) => continue,
        };
        wanted.push(Wanted { item: item.id.clone(), path: item.path().to_string(), source, mark, accent });
    }
    (wanted, fit, problems)
}

/// A picture as its letter shows it, in CSS pixels.
pub fn image(picture: &Picture, alt: &str, images: Images) -> Value {
    let (most_wide, most_high) = BOX;
    let by_height = u64::from(most_high) * u64::from(picture.width) / u64::from(picture.height.max(1));
    let width = u64::from(most_wide.min(picture.width)).min(by_height).max(1);
    let height = (width * u64::from(picture.height)).div_ceil(u64::from(picture.width.max(1))).max(1);
    let url = match images {
        Images::Embedded => format!("cid:{}", picture.content_id),
        _ => picture.url.clone(),
    };
    json!({
        "url": url,
        "alt": alt,
        "width": picture.width,
        "height": picture.height,
        "shown_width": width,
        "shown_height": height.min(u64::from(most_high)),
    })
}

/// An item's picture, if the letter has one for it.
pub fn image_of(input: &ComposeInput<'_>, item: &Item) -> Option<Value> {
    let alt = item.image.as_ref().filter(|image| image.file.is_some()).map_or("", |image| image.alt.as_str());
    Some(image(input.pictures?.get(&item.id)?, alt, input.newsletter.images))
}

/// The letter's logo, if it has one that could be converted.
pub fn logo_of(input: &ComposeInput<'_>) -> Option<Value> {
    let alt = input.newsletter.look.logo.as_ref()?.alt.as_deref().unwrap_or(&input.config.site.title);
    Some(image(input.pictures?.get(LOGO)?, alt, input.newsletter.images))
}

/// What is drawn over an item's picture: it is seen or heard, one thing of it alone.
fn mark(item: &Item, body: &Body) -> Option<Mark> {
    match body.embeds.as_slice() {
        [embed] if super::entry::is_sound(embed) => Some(Mark::Sound),
        [_] => Some(Mark::Play),
        [] => item.enclosure.as_ref().and_then(|file| match file.media_type.split('/').next() {
            Some("audio") => Some(Mark::Sound),
            Some("video") => Some(Mark::Play),
            _ => None,
        }),
        _ => None,
    }
}

fn accent(newsletter: &Newsletter) -> (u8, u8, u8) {
    let Colour { red, green, blue } = if newsletter.theme == "dsfr" { STATE_BLUE } else { newsletter.look.accent };
    (red, green, blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_fitted_into_its_box_and_keeps_its_form() {
        let shown = |width, height| {
            let picture = Picture {
                name: "a.png".into(),
                url: "https://site.example.org/a.png".into(),
                content_id: "a@site.example.org".into(),
                width,
                height,
                bytes: 1,
                media_type: "image/png",
                content: [0u8].as_slice().into(),
            };
            let value = image(&picture, "", Images::Hosted);
            (value["shown_width"].as_u64(), value["shown_height"].as_u64())
        };
        assert_eq!(shown(416, 234), (Some(208), Some(117)));
        assert_eq!(shown(117, 234), (Some(58), Some(116)));
        assert_eq!(shown(100, 50), (Some(100), Some(50)));
    }
}
