//! An entry's picture, as templates may name it.

use serde_json::{Value, json};

use crate::item::Image;

/// The box that a picture is fitted into, in CSS pixels: no empty frame is tall when pictures are blocked.
const PICTURE: (u32, u32) = (208, 117);

/// Formats that a mail program can be trusted with; Outlook on Windows shows WebP's alternative text.
pub fn is_mailable(image: &Image) -> bool {
    matches!(image.media_type.as_deref(), None | Some("image/jpeg" | "image/png" | "image/gif" | "image/webp"))
}

pub fn image(image: &Image) -> Value {
    let (most_wide, most_high) = PICTURE;
    let shown = match (image.width, image.height) {
        (Some(width), Some(height)) if width > 0 && height > 0 => {
            let by_height = u64::from(most_high) * u64::from(width) / u64::from(height);
            let shown = u64::from(most_wide.min(width)).min(by_height).max(1);
            Some((shown, (shown * u64::from(height)).div_ceil(u64::from(width)).max(1)))
        }
        _ => None,
    };
    json!({
        "url": image.url,
        "alt": image.alt,
        "width": image.width,
        "height": image.height,
        "shown_width": shown.map_or(Some(u64::from(most_wide)), |(width, _)| Some(width)),
        "shown_height": shown.map(|(_, height)| height),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_fitted_into_its_box_and_keeps_its_form() {
        let shown = |width, height| {
            let value = image(&Image {
                url: "https://site.example.org/a.png".into(),
                alt: String::new(),
                file: None,
                bytes: None,
                media_type: None,
                width: Some(width),
                height: Some(height),
            });
            (value["shown_width"].as_u64(), value["shown_height"].as_u64())
        };
        assert_eq!(shown(1600, 900), (Some(208), Some(117)));
        assert_eq!(shown(500, 1000), (Some(58), Some(116)));
        assert_eq!(shown(100, 50), (Some(100), Some(50)));
    }
}
