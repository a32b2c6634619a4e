//! What lies under a picture's transparent places.
//!
//! A letter is white for one reader and dark for the next. A picture keeps its transparency only where its outlines can
//! be told from both; else it is laid on white, and a light one (a white logo) on dark grey, so that it is seen at all.

use image::{Rgba, RgbaImage};

/// The luminances of a letter's grounds, light and dark (`#121212`, as mail programs have it), by WCAG's formula.
const LIGHT: f32 = 1.0;
const DARK: f32 = 0.006;
/// The contrast that WCAG asks of what is not text.
const CONTRAST: f32 = 3.0;
/// The share of a picture's outline that must have it.
const SHARE: f32 = 0.9;
/// From this share on, a picture brings its own ground, and only its corners are round.
const CARD: f32 = 0.75;
const WHITE: [u8; 3] = [255, 255, 255];
const DARK_GREY: [u8; 3] = [0x2b, 0x2b, 0x33];

/// A picture as it can be written.
pub struct Settled {
    /// Opaque.
    pub flat: RgbaImage,
    /// With its transparency, where that stays readable.
    pub transparent: Option<RgbaImage>,
}

pub fn settle(picture: RgbaImage) -> Settled {
    let thinnest = picture.as_raw().chunks_exact(4).map(|pixel| pixel[3]).min();
    if thinnest == Some(255) {
        return Settled { flat: picture, transparent: None };
    }
    if thinnest >= Some(250) {
        return Settled { flat: laid_on(&picture, WHITE), transparent: None };
    }
    let outline = Outline::of(&picture);
    let flat = laid_on(&picture, if outline.is_light() { DARK_GREY } else { WHITE });
    let transparent = outline.stands_on_both().then_some(picture);
    Settled { flat, transparent }
}

/// What is known of the visible pixels beside transparent ones.
struct Outline {
    count: f32,
    told_from_light: f32,
    told_from_dark: f32,
    /// The share of the box around what is visible that is visible.
    filled: f32,
}

impl Outline {
    fn of(picture: &RgbaImage) -> Self {
        let (width, height) = picture.dimensions();
        let visible = |x: u32, y: u32| picture.get_pixel(x, y).0[3] >= 128;
        let mut outline = Outline { count: 0.0, told_from_light: 0.0, told_from_dark: 0.0, filled: 0.0 };
        let (mut seen, mut left, mut right, mut top, mut bottom) = (0u64, width, 0, height, 0);
        for (x, y, pixel) in picture.enumerate_pixels().filter(|(_, _, pixel)| pixel.0[3] >= 128) {
            seen += 1;
            (left, right, top, bottom) = (left.min(x), right.max(x + 1), top.min(y), bottom.max(y + 1));
            let neighbours = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
            if !neighbours.iter().any(|(x, y)| *x < width && *y < height && !visible(*x, *y)) {
                continue;
            }
            let luminance = luminance(pixel);
            outline.count += 1.0;
            outline.told_from_light += f32::from(u8::from(contrast(luminance, LIGHT) >= CONTRAST));
            outline.told_from_dark += f32::from(u8::from(contrast(luminance, DARK) >= CONTRAST));
        }
        let area = u64::from(right.saturating_sub(left)) * u64::from(bottom.saturating_sub(top));
        outline.filled = if area == 0 { 0.0 } else { seen as f32 / area as f32 };
        outline
    }

    fn stands_on_both(&self) -> bool {
        let enough = self.count * SHARE;
        self.count > 0.0 && self.told_from_light >= enough && self.told_from_dark >= enough
    }

    /// Mostly lost on white, and not on dark. A white card with round corners is none: it brings its own ground.
    fn is_light(&self) -> bool {
        self.filled < CARD && self.told_from_light < self.count / 2.0 && self.told_from_dark > self.count / 2.0
    }
}

fn luminance(pixel: &Rgba<u8>) -> f32 {
    let part = |value: u8| {
        let value = f32::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let [red, green, blue, _] = pixel.0;
    0.2126 * part(red) + 0.7152 * part(green) + 0.0722 * part(blue)
}

fn contrast(one: f32, other: f32) -> f32 {
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

fn laid_on(picture: &RgbaImage, ground: [u8; 3]) -> RgbaImage {
    let mut flat = picture.clone();
    for pixel in flat.pixels_mut() {
        let alpha = u32::from(pixel.0[3]);
        for (value, under) in pixel.0.iter_mut().zip(ground) {
            let mixed = u32::from(*value) * alpha + u32::from(under) * (255 - alpha);
            *value = ((mixed + 127) / 255) as u8;
        }
        pixel.0[3] = 255;
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disc of a colour on nothing, with a hole.
    fn ring(colour: [u8; 3]) -> RgbaImage {
        RgbaImage::from_fn(100, 100, |x, y| {
            let far = (i64::from(x) - 50).pow(2) + (i64::from(y) - 50).pow(2);
            let [red, green, blue] = colour;
            Rgba([red, green, blue, if (900..1600).contains(&far) { 255 } else { 0 }])
        })
    }

    fn corner(settled: &Settled) -> [u8; 4] {
        settled.flat.get_pixel(0, 0).0
    }

    #[test]
    fn a_dark_drawing_is_laid_on_white() {
        for colour in [[0, 0, 0], [0, 0, 145]] {
            let settled = settle(ring(colour));
            assert!(settled.transparent.is_none());
            assert_eq!(corner(&settled), [255, 255, 255, 255]);
        }
    }

    #[test]
    fn a_white_drawing_is_laid_on_dark_grey() {
        let settled = settle(ring([255, 255, 255]));
        assert!(settled.transparent.is_none());
        assert_eq!(corner(&settled), [0x2b, 0x2b, 0x33, 255]);
    }

    #[test]
    fn what_can_be_told_from_both_grounds_stays_transparent() {
        let settled = settle(ring([200, 80, 60]));
        assert_eq!(settled.transparent.unwrap().get_pixel(0, 0).0[3], 0);
    }

    #[test]
    fn a_white_card_with_round_corners_is_laid_on_white() {
        let card = RgbaImage::from_fn(100, 60, |x, y| {
            let corner = !(4..96).contains(&x) && !(4..56).contains(&y);
            Rgba([255, 255, 255, if corner { 0 } else { 255 }])
        });
        assert_eq!(corner(&settle(card)), [255, 255, 255, 255]);
    }

    #[test]
    fn half_transparent_is_mixed() {
        let settled = settle(RgbaImage::from_pixel(2, 2, Rgba([0, 0, 0, 128])));
        assert_eq!(corner(&settled), [127, 127, 127, 255]);
    }
}
