//! Colours as styles write them, and how well one is read on another (WCAG 2.2, 1.4.3).

/// Red, green, blue from 0 to 255, and how much covers what is below, from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Colour {
    pub red: f64,
    pub green: f64,
    pub blue: f64,
    pub cover: f64,
}

impl Colour {
    pub const BLACK: Colour = Colour::of(0x000000);
    pub const WHITE: Colour = Colour::of(0xffffff);

    pub const fn of(number: u32) -> Colour {
        Colour {
            red: ((number >> 16) & 0xff) as f64,
            green: ((number >> 8) & 0xff) as f64,
            blue: (number & 0xff) as f64,
            cover: 1.0,
        }
    }

    /// This colour laid over another.
    pub fn over(self, below: Colour) -> Colour {
        let mix = |own: f64, other: f64| own * self.cover + other * (1.0 - self.cover);
        Colour {
            red: mix(self.red, below.red),
            green: mix(self.green, below.green),
            blue: mix(self.blue, below.blue),
            cover: 1.0,
        }
    }

    /// `#rrggbb`.
    pub fn name(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.red.round() as u8, self.green.round() as u8, self.blue.round() as u8)
    }

    fn luminance(self) -> f64 {
        let linear = |part: f64| {
            let part = part / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(self.red) + 0.7152 * linear(self.green) + 0.0722 * linear(self.blue)
    }
}

/// From 1 (the same) to 21 (black on white).
pub fn contrast(one: Colour, other: Colour) -> f64 {
    let (one, other) = (one.luminance(), other.luminance());
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// A colour as CSS or `bgcolor` write it; `None`: none that is known.
pub fn parse(text: &str) -> Option<Colour> {
    let text = text.trim().to_ascii_lowercase();
    if let Some(digits) = text.strip_prefix('#') {
        return hexadecimal(digits);
    }
    if let Some(inside) = text.strip_prefix("rgba(").or_else(|| text.strip_prefix("rgb(")) {
        let inside = inside.trim_end_matches(')').replace(['/', ','], " ");
        let numbers: Vec<f64> = inside
            .split_ascii_whitespace()
            .enumerate()
            .filter_map(|(index, part)| match part.strip_suffix('%') {
                Some(part) => part.parse::<f64>().ok().map(|n| if index < 3 { n * 2.55 } else { n / 100.0 }),
                None => part.parse().ok(),
            })
            .collect();
        return match numbers.as_slice() {
            [red, green, blue] => Some(Colour { red: *red, green: *green, blue: *blue, cover: 1.0 }),
            [red, green, blue, cover] => {
                Some(Colour { red: *red, green: *green, blue: *blue, cover: cover.clamp(0.0, 1.0) })
            }
            _ => None,
        };
    }
    if text == "transparent" {
        return Some(Colour { cover: 0.0, ..Colour::BLACK });
    }
    NAMED.iter().find(|(name, _)| *name == text).map(|(_, number)| Colour::of(*number))
}

fn hexadecimal(digits: &str) -> Option<Colour> {
    if !digits.is_ascii() {
        return None;
    }
    let long: String = match digits.len() {
        3 | 4 => digits.chars().flat_map(|c| [c, c]).collect(),
        6 | 8 => digits.to_string(),
        _ => return None,
    };
    let number = u32::from_str_radix(&long, 16).ok()?;
    if long.len() == 6 {
        return Some(Colour::of(number));
    }
    Some(Colour { cover: f64::from(number & 0xff) / 255.0, ..Colour::of(number >> 8) })
}

/// The names that people write.
const NAMED: [(&str, u32); 34] = [
    ("black", 0x000000),
    ("white", 0xffffff),
    ("red", 0xff0000),
    ("green", 0x008000),
    ("blue", 0x0000ff),
    ("yellow", 0xffff00),
    ("gray", 0x808080),
    ("grey", 0x808080),
    ("silver", 0xc0c0c0),
    ("maroon", 0x800000),
    ("olive", 0x808000),
    ("lime", 0x00ff00),
    ("aqua", 0x00ffff),
    ("cyan", 0x00ffff),
    ("teal", 0x008080),
    ("navy", 0x000080),
    ("fuchsia", 0xff00ff),
    ("magenta", 0xff00ff),
    ("purple", 0x800080),
    ("orange", 0xffa500),
    ("pink", 0xffc0cb),
    ("brown", 0xa52a2a),
    ("gold", 0xffd700),
    ("beige", 0xf5f5dc),
    ("ivory", 0xfffff0),
    ("darkgray", 0xa9a9a9),
    ("darkgrey", 0xa9a9a9),
    ("lightgray", 0xd3d3d3),
    ("lightgrey", 0xd3d3d3),
    ("darkblue", 0x00008b),
    ("darkred", 0x8b0000),
    ("darkgreen", 0x006400),
    ("whitesmoke", 0xf5f5f5),
    ("lightblue", 0xadd8e6),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrasts_are_those_of_the_standard() {
        let told = |one: &str, other: &str| {
            let ratio = contrast(parse(one).expect(one), parse(other).expect(other));
            (ratio * 100.0).round() / 100.0
        };
        assert_eq!(told("#000", "#fff"), 21.0);
        assert_eq!(told("#767676", "white"), 4.54);
        assert_eq!(told("#777", "white"), 4.48);
        assert_eq!(told("rgb(0, 0, 145)", "#ffffff"), 14.91);
    }

    #[test]
    fn colours_are_read_in_every_form() {
        for (text, name) in [
            ("#ABC", Some("#aabbcc")),
            ("rgb(255 0 0)", Some("#ff0000")),
            ("rgba(0, 0, 0, .5)", Some("#000000")),
            ("rgb(100%, 0%, 0%)", Some("#ff0000")),
            ("Navy", Some("#000080")),
            ("#12345", None),
            ("inherit", None),
        ] {
            assert_eq!(parse(text).map(Colour::name).as_deref(), name, "{text}");
        }
        let half = parse("rgba(0,0,0,.5)").expect("a colour").over(Colour::WHITE);
        assert_eq!(half.name(), "#808080");
    }
}
