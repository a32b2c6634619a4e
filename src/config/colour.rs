//! Colours as CSS writes them, and how well one is read on another.
//!
//! Follows WCAG 2.2 for luminance and contrast. Another colour of the same hue that can be read is found by moving the
//! lightness alone (HSL), in steps of a hundredth.

use std::fmt;

/// An opaque colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Colour {
    pub red: u8,
    pub green: u8,
    pub blue: u8,
}

/// Where a colour is moved to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Towards {
    Darker,
    Lighter,
}

impl Colour {
    pub const WHITE: Colour = Colour { red: 255, green: 255, blue: 255 };

    /// `#rgb` or `#rrggbb`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Colour> {
        let digits = text.strip_prefix('#')?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let part = |at: usize, width: usize| {
            let value = u8::from_str_radix(digits.get(at..at + width)?, 16).ok()?;
            Some(if width == 1 { value * 17 } else { value })
        };
        let width = match digits.len() {
            3 => 1,
            6 => 2,
            _ => return None,
        };
        Some(Colour { red: part(0, width)?, green: part(width, width)?, blue: part(2 * width, width)? })
    }

    /// WCAG's contrast ratio, from 1 to 21.
    pub fn contrast(self, other: Colour) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn luminance(self) -> f64 {
        let part = |value: u8| {
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(self.red) + 0.7152 * part(self.green) + 0.0722 * part(self.blue)
    }

    /// This colour, or the nearest of its hue that has at least this contrast on each of the grounds; white or black
    /// where none has.
    pub fn readable_on(self, grounds: &[Colour], least: f64, towards: Towards) -> Colour {
        let reads = |colour: Colour| grounds.iter().all(|ground| colour.contrast(*ground) >= least);
        let (hue, saturation, lightness) = self.to_hsl();
        let steps = (0..=100).map(|step| f64::from(step) / 100.0);
        let moved = steps.map(|step| match towards {
            Towards::Darker => (lightness - step).max(0.0),
            Towards::Lighter => (lightness + step).min(1.0),
        });
        let mut candidates = std::iter::once(self).chain(moved.map(|light| Colour::of_hsl(hue, saturation, light)));
        let last = if towards == Towards::Darker { Colour::of_hsl(0.0, 0.0, 0.0) } else { Colour::WHITE };
        candidates.find(|colour| reads(*colour)).unwrap_or(last)
    }

    /// Hue in sixths of the circle, saturation and lightness from 0 to 1.
    fn to_hsl(self) -> (f64, f64, f64) {
        let [red, green, blue] = [self.red, self.green, self.blue].map(|part| f64::from(part) / 255.0);
        let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
        let (lightness, span) = ((most + least) / 2.0, most - least);
        if span == 0.0 {
            return (0.0, 0.0, lightness);
        }
        let hue = if most == red {
            ((green - blue) / span).rem_euclid(6.0)
        } else if most == green {
            (blue - red) / span + 2.0
        } else {
            (red - green) / span + 4.0
        };
        (hue, span / (1.0 - (2.0 * lightness - 1.0).abs()), lightness)
    }

    fn of_hsl(hue: f64, saturation: f64, lightness: f64) -> Colour {
        let chroma = (1.0 - (2.0 * lightness - 1.0).abs()) * saturation;
        let second = chroma * (1.0 - (hue.rem_euclid(2.0) - 1.0).abs());
        let (red, green, blue) = match hue {
            hue if hue < 1.0 => (chroma, second, 0.0),
            hue if hue < 2.0 => (second, chroma, 0.0),
            hue if hue < 3.0 => (0.0, chroma, second),
            hue if hue < 4.0 => (0.0, second, chroma),
            hue if hue < 5.0 => (second, 0.0, chroma),
            _ => (chroma, 0.0, second),
        };
        let part = |value: f64| ((value + lightness - chroma / 2.0).clamp(0.0, 1.0) * 255.0).round() as u8;
        Colour { red: part(red), green: part(green), blue: part(blue) }
    }
}

/// `#rrggbb`
impl fmt::Display for Colour {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(text: &str) -> Colour {
        Colour::parse(text).expect("a colour")
    }

    #[test]
    fn a_colour_is_three_or_six_digits() {
        assert_eq!(colour("#1f4e79").to_string(), "#1f4e79");
        assert_eq!(colour("#fA0").to_string(), "#ffaa00");
        for wrong in ["1f4e79", "#1f4e7", "#1f4e7g", "blue", "#é12", ""] {
            assert_eq!(Colour::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn contrast_is_wcags() {
        let ratio = |a: &str, b: &str| (colour(a).contrast(colour(b)) * 100.0).round() / 100.0;
        assert_eq!(ratio("#000000", "#ffffff"), 21.0);
        assert_eq!(ratio("#767676", "#ffffff"), 4.54);
        assert_eq!(ratio("#ffffff", "#ffffff"), 1.0);
    }

    #[test]
    fn what_cannot_be_read_moves_along_its_own_hue_until_it_can() {
        let night = [colour("#1b1f24"), colour("#262c33")];
        let lighter = colour("#1f4e79").readable_on(&night, 6.0, Towards::Lighter);
        assert!(night.iter().all(|ground| lighter.contrast(*ground) >= 6.0), "{lighter}");
        assert!(lighter.blue > lighter.green && lighter.green > lighter.red, "{lighter} is no blue");
        let darker = colour("#ffcc00").readable_on(&[Colour::WHITE], 4.5, Towards::Darker);
        assert!(darker.contrast(Colour::WHITE) >= 4.5 && darker.blue == 0, "{darker}");
        let good = colour("#000091");
        assert_eq!(good.readable_on(&[Colour::WHITE], 4.5, Towards::Darker), good);
    }

    #[test]
    fn every_colour_becomes_readable_by_day_and_by_night() {
        let (day, night) = ([Colour::WHITE, colour("#f4f5f7")], [colour("#1b1f24"), colour("#262c33")]);
        for red in (0..=255).step_by(51) {
            for (green, blue) in (0..=255u8).step_by(51).flat_map(|g| (0..=255u8).step_by(51).map(move |b| (g, b))) {
                let given = Colour { red, green, blue };
                let (dark, light) =
                    (given.readable_on(&day, 4.5, Towards::Darker), given.readable_on(&night, 6.0, Towards::Lighter));
                assert!(day.iter().all(|ground| dark.contrast(*ground) >= 4.5), "{given}: {dark}");
                assert!(night.iter().all(|ground| light.contrast(*ground) >= 6.0), "{given}: {light}");
            }
        }
    }
}
