//! What a theme may name as `look`: the newsletter's settings, and the colours that follow from them.
//!
//! `accent` is as set, for rules and surfaces; `ink` is the same or darker, for words by day; `night` is lighter, for
//! words on a dark ground. `font` is a CSS font stack. `logo` has what an entry's picture has, or is null. `brand` is a
//! list of lines, `service` a name.

use serde_json::{Value, json};

use super::{ComposeInput, context};
use crate::config::colour::{Colour, Towards};
use crate::config::{Config, Newsletter};

/// What `plain` writes on, by day and by night: its style's grounds, which a test compares.
pub(super) const DAY: [Colour; 2] = [Colour::WHITE, Colour { red: 0xf3, green: 0xf4, blue: 0xf6 }];
pub(super) const NIGHT: [Colour; 2] =
    [Colour { red: 0x1d, green: 0x21, blue: 0x26 }, Colour { red: 0x2a, green: 0x2f, blue: 0x36 }];
/// AA by day; more by night, where thin letters glare.
const BY_DAY: f64 = 4.5;
const BY_NIGHT: f64 = 6.5;

/// The look of this newsletter's letters.
pub fn look(input: &ComposeInput<'_>) -> Value {
    of(input.config, input.newsletter, context::logo_of(input).unwrap_or(Value::Null))
}

/// The same with this logo, or without one: null.
pub fn of(config: &Config, newsletter: &Newsletter, logo: Value) -> Value {
    let (site, look) = (&config.site, &newsletter.look);
    json!({
        "accent": look.accent.to_string(),
        "ink": look.accent.readable_on(&DAY, BY_DAY, Towards::Darker).to_string(),
        "night": look.accent.readable_on(&NIGHT, BY_NIGHT, Towards::Lighter).to_string(),
        "font": look.font,
        "logo": logo,
        "brand": look.brand,
        "service": look.service.as_deref().unwrap_or(&site.title),
    })
}
