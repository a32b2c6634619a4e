//! Whether every text can be read: its colour on its ground, as the styles go down the tree (WCAG 2.2, 1.4.3), by day and
//! with the rules for a dark screen; and its size.
//!
//! BUGS: a text on a picture is taken to stand on the colour below it; where there is only the picture, it is not looked at.

use std::collections::HashSet;

use super::colour::{self, Colour, contrast};
use super::css::{self, Declaration};
use super::look::{Look, excerpt};
use super::page::{Element, Kind};
use super::words::Words;
use super::{At, Finding};

/// In CSS pixels: smaller is hard to read for many.
const SMALLEST: f64 = 14.0;
/// From here on, and from 18.66 in bold, letters are large: less contrast will do.
const LARGE: f64 = 24.0;
const LARGE_BOLD: f64 = 18.66;

/// How a text looks.
#[derive(Clone, Copy)]
struct Looks {
    colour: Colour,
    /// `None`: on a picture.
    ground: Option<Colour>,
    size: f64,
    bold: bool,
}

pub fn check(look: &Look<'_>, words: &Words, findings: &mut Vec<Finding>) {
    find(look, words, false, findings);
    if look.rules.iter().any(|rule| rule.is_for_dark()) {
        find(look, words, true, findings);
    }
}

fn find(look: &Look<'_>, words: &Words, dark: bool, findings: &mut Vec<Finding>) {
    let follows = dark
        && look.page.elements().any(|(_, _, element)| {
            element.name == "meta"
                && element.value("name") == Some("color-scheme")
                && element.value("content").is_some_and(|schemes| schemes.contains("dark"))
        });
    // What a program shows where a letter says nothing.
    let (colour, ground) =
        if follows { (Colour::WHITE, Colour::of(0x121212)) } else { (Colour::BLACK, Colour::WHITE) };
    let link = if follows { Colour::of(0x9e9eff) } else { Colour::of(0x0000ee) };
    let start = Looks { colour, ground: Some(ground), size: 16.0, bold: false };
    let mut all: Vec<Looks> = Vec::with_capacity(look.page.nodes.len());
    let (mut pairs, mut sizes) = (HashSet::new(), HashSet::new());
    for (id, node) in look.page.nodes.iter().enumerate() {
        let around = node.parent.and_then(|parent| all.get(parent)).copied().unwrap_or(start);
        let looks = match &node.kind {
            Kind::Text => around,
            Kind::Element(element) => own(look, id, element, around, link, dark),
        };
        all.push(looks);
        if look.is_hidden(id) {
            continue;
        }
        let text = match &node.kind {
            Kind::Text => look.page.words(node),
            // Shown where pictures are blocked.
            Kind::Element(element) if element.name == "img" => element.value("alt").unwrap_or("").to_string(),
            Kind::Element(_) => continue,
        };
        if !text.chars().any(char::is_alphanumeric) || looks.size < 2.0 {
            continue;
        }
        if !dark && looks.size < SMALLEST - 0.05 && sizes.insert(looks.size.to_bits()) {
            let finding = Finding::new("letter-small-text", At::Html(node.range.clone()));
            findings.push(finding.with("text", excerpt(&text)).with("size", words.number(looks.size)));
        }
        let Some(ground) = looks.ground else { continue };
        let (colour, large) =
            (looks.colour.over(ground), looks.size >= LARGE || (looks.bold && looks.size >= LARGE_BOLD));
        let wanted = if large { 3.0 } else { 4.5 };
        let ratio = contrast(colour, ground);
        if ratio < wanted && pairs.insert((colour.name(), ground.name(), large)) {
            let code = if dark { "letter-contrast-dark" } else { "letter-contrast" };
            // Never rounded up to what is wanted.
            let finding = Finding::new(code, At::Html(node.range.clone()))
                .with("text", excerpt(&text))
                .with("ratio", words.number((ratio * 10.0).floor() / 10.0))
                .with("wanted", words.number(wanted))
                .with("colour", colour.name())
                .with("ground", ground.name());
            findings.push(finding);
        }
    }
}

fn own(look: &Look<'_>, id: usize, element: &Element, around: Looks, link: Colour, dark: bool) -> Looks {
    let mut looks = around;
    match element.name.as_str() {
        "h1" => looks.size *= 2.0,
        "h2" => looks.size *= 1.5,
        "h3" => looks.size *= 1.17,
        "h5" => looks.size *= 0.83,
        "h6" => looks.size *= 0.67,
        "small" | "sub" | "sup" => looks.size *= 0.83,
        "a" if element.attribute("href").is_some() => looks.colour = link,
        _ => {}
    }
    looks.bold |= matches!(element.name.as_str(), "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "b" | "strong" | "th");
    let lay = |ground: Option<Colour>, colour: Colour| match ground {
        Some(below) => Some(colour.over(below)),
        None => (colour.cover >= 1.0).then_some(colour),
    };
    if let Some(colour) = element.value("bgcolor").and_then(colour::parse) {
        looks.ground = lay(looks.ground, colour);
    }
    if let Some(colour) = element.value(if element.name == "body" { "text" } else { "color" }).and_then(colour::parse)
    {
        looks.colour = colour;
    }
    let (mut plain, mut pictured) = (None, element.attribute("background").is_some());
    for style in effective(look, id, dark) {
        match style.name.as_str() {
            "color" if style.value == "inherit" => looks.colour = around.colour,
            "color" => looks.colour = colour::parse(&style.value).unwrap_or(looks.colour),
            "background-color" | "background" => {
                if style.name == "background" {
                    pictured = style.value.contains("url(") || style.value.contains("gradient(");
                }
                plain = colour_in(&style.value).or(plain);
            }
            "background-image" => pictured = style.value != "none",
            "font-size" => looks.size = size(&style.value, around.size).unwrap_or(looks.size),
            "font" => {
                looks.size =
                    style.value.split([' ', '/']).find_map(|part| size(part, around.size)).unwrap_or(looks.size);
                looks.bold = is_bold(&style.value).unwrap_or(looks.bold);
            }
            "font-weight" => looks.bold = is_bold(&style.value).unwrap_or(looks.bold),
            _ => {}
        }
    }
    match plain {
        Some(colour) => looks.ground = lay(looks.ground, colour),
        None if pictured => looks.ground = None,
        None => {}
    }
    looks
}

/// The styles that hold for an element, the weakest first.
fn effective<'a>(look: &'a Look<'_>, id: usize, dark: bool) -> Vec<&'a Declaration> {
    let own = look.styles(id);
    if !dark {
        return own.iter().collect();
    }
    let (mut weak, mut strong): (Vec<(_, &Declaration)>, Vec<(_, &Declaration)>) = (Vec::new(), Vec::new());
    for rule in look.rules.iter().filter(|rule| rule.is_for_dark()) {
        if let Some(weight) = css::matches(&rule.selectors, &look.page, id) {
            for style in &rule.declarations {
                if style.important { &mut strong } else { &mut weak }.push((weight, style));
            }
        }
    }
    // Stable: of two that weigh the same, the later one holds.
    weak.sort_by_key(|(weight, _)| *weight);
    strong.sort_by_key(|(weight, _)| *weight);
    let weak = weak.into_iter().map(|(_, style)| style);
    weak.chain(own).chain(strong.into_iter().map(|(_, style)| style)).collect()
}

/// The colour of a `background`.
fn colour_in(value: &str) -> Option<Colour> {
    if let Some(colour) = colour::parse(value) {
        return Some(colour);
    }
    let functions = ["rgba(", "rgb("].iter().find_map(|name| {
        let start = value.find(name)?;
        // A gradient's colours are no ground.
        (!value[..start].contains("gradient("))
            .then(|| colour::parse(&value[start..start + value[start..].find(')')? + 1]))?
    });
    functions.or_else(|| {
        let outside = value.split("gradient(").next().unwrap_or("");
        outside.split_whitespace().find_map(colour::parse)
    })
}

fn is_bold(value: &str) -> Option<bool> {
    value.split_whitespace().find_map(|word| match word {
        "bold" | "bolder" => Some(true),
        "normal" | "lighter" => Some(false),
        number => number.parse::<u32>().ok().map(|weight| weight >= 600),
    })
}

/// A length in CSS pixels.
fn size(value: &str, around: f64) -> Option<f64> {
    let named = match value {
        "xx-small" => 9.0,
        "x-small" => 10.0,
        "small" => 13.0,
        "medium" => 16.0,
        "large" => 18.0,
        "x-large" => 24.0,
        "xx-large" => 32.0,
        "smaller" => around * 0.83,
        "larger" => around * 1.2,
        _ => 0.0,
    };
    if named > 0.0 {
        return Some(named);
    }
    let digits = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    let number: f64 = digits.parse().ok()?;
    Some(match &value[digits.len()..] {
        "px" => number,
        "pt" => number * 4.0 / 3.0,
        "em" => number * around,
        "rem" => number * 16.0,
        "%" => number * around / 100.0,
        "" if number == 0.0 => 0.0,
        _ => return None,
    })
}
