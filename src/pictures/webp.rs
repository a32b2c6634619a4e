//! A letter's picture as WebP, for the web: mail programs do not all show it.
//!
//! Promises: not a pixel changes; what would not be smaller is left as it is.
//!
//! BUGS: without loss alone: a photograph (JPEG) was written with loss already, and stays what it is.

use image::codecs::webp::WebPEncoder;
use image::{ExtendedColorType, ImageFormat};

/// The same picture as WebP; `None`: it would not be smaller.
pub fn smaller(content: &[u8]) -> Option<Vec<u8>> {
    if image::guess_format(content).ok()? != ImageFormat::Png {
        return None;
    }
    let picture = image::load_from_memory_with_format(content, ImageFormat::Png).ok()?;
    let (width, height) = (picture.width(), picture.height());
    let mut bytes = Vec::new();
    let encoder = WebPEncoder::new_lossless(&mut bytes);
    let rgba = picture.into_rgba8();
    let written = if rgba.pixels().all(|pixel| pixel.0[3] == 255) {
        let rgb: Vec<u8> = rgba.pixels().flat_map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2]]).collect();
        encoder.encode(&rgb, width, height, ExtendedColorType::Rgb8)
    } else {
        encoder.encode(rgba.as_raw(), width, height, ExtendedColorType::Rgba8)
    };
    written.ok()?;
    (bytes.len() < content.len()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use image::{Rgba, RgbaImage};

    use super::*;

    fn png(picture: &RgbaImage) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    #[test]
    fn a_drawing_is_smaller_and_the_same() {
        for alpha in [255, 90] {
            let drawing = RgbaImage::from_fn(240, 120, |x, y| {
                let disc = (i64::from(x) - 120).pow(2) + (i64::from(y) - 60).pow(2) < 2500;
                if disc { Rgba([0, 0, (x / 2) as u8, alpha]) } else { Rgba([250, 250, 240, 255]) }
            });
            let original = png(&drawing);
            let webp = smaller(&original).expect("smaller");
            assert!(webp.len() < original.len());
            assert_eq!(image::load_from_memory(&webp).unwrap().into_rgba8(), drawing);
        }
    }

    #[test]
    fn a_photograph_and_what_is_no_picture_stay_as_they_are() {
        let mut jpeg = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(20, 20).write_to(&mut jpeg, ImageFormat::Jpeg).unwrap();
        assert_eq!(smaller(jpeg.get_ref()), None);
        assert_eq!(smaller(b"no picture"), None);
        assert_eq!(smaller(b"\x89PNG\r\n\x1a\nbroken"), None);
    }
}
