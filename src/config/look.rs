//! Reads what a newsletter says of its letter's look: `theme` and `look`.

use super::colour::Colour;
use super::reader::{Mapping, Node, Reject, reject};

/// The looks that come with the program.
pub const THEMES: [&str; 2] = ["plain", "dsfr"];

/// What a person may set of a theme's look; each theme has its own settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// `plain`: of titles, links and rules.
    pub accent: Colour,
    /// `plain`: a CSS font stack, names with spaces in single quotes; ends in a generic family.
    pub font: String,
    /// `plain`: at the letter's top.
    pub logo: Option<Logo>,
    /// `dsfr`: the lines of the brand block.
    pub brand: Vec<String>,
    /// `dsfr`: the service's name beside the brand block; default: the site's title.
    pub service: Option<String>,
}

/// A picture that stands for the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    /// As the site serves it: `/img/logo.png`, or an address.
    pub path: String,
    /// What it shows, for who does not see it; default: the site's title.
    pub alt: Option<String>,
}

impl Default for Look {
    fn default() -> Self {
        Look {
            accent: Colour { red: 0x1f, green: 0x4e, blue: 0x79 },
            font: "'Segoe UI', 'Helvetica Neue', Helvetica, Arial, sans-serif".to_string(),
            logo: None,
            brand: vec!["République".to_string(), "Française".to_string()],
            service: None,
        }
    }
}

/// The contrast below which WCAG 2.2 AA calls a text hard to read.
const LEAST_CONTRAST: f64 = 4.5;
const GENERIC: [&str; 5] = ["serif", "sans-serif", "monospace", "system-ui", "cursive"];
const LOGO_ENDINGS: [&str; 4] = [".png", ".jpg", ".jpeg", ".gif"];

/// `look: { accent, font, logo, brand, service }`
pub(super) fn read(top: &Mapping<'_>, theme: &str) -> Look {
    let section = top.section("look");
    let default = Look::default();
    let accent = section.parsed("accent", colour);
    if let (Some(accent), Some(node)) = (accent, section.get("accent")) {
        let ratio = accent.contrast(Colour::WHITE);
        if ratio < LEAST_CONTRAST {
            let message = format!("on white, {accent} has a contrast of {ratio:.1} to 1, and text needs 4.5");
            let help = "words take a darker one of the same hue; write a darker accent to choose it yourself";
            node.warning("accent-contrast", message, help);
        }
    }
    let font = section.parsed("font", font);
    let logo = section.get("logo").and_then(|node| logo(&node));
    let brand = section.parsed("brand", brand);
    let service = section.parsed("service", |text| line("service", text));
    for (key, theme_of) in
        [("accent", "plain"), ("font", "plain"), ("logo", "plain"), ("brand", "dsfr"), ("service", "dsfr")]
    {
        if let Some(node) = section.get(key).filter(|_| theme != theme_of) {
            let message = format!("`look.{key}` changes nothing: it belongs to `theme: {theme_of}`");
            node.warning("unused-key", message, format!("take it out, or write `theme: {theme_of}`"));
        }
    }
    section.finish();
    Look {
        accent: accent.unwrap_or(default.accent),
        font: font.unwrap_or(default.font),
        logo,
        brand: brand.unwrap_or(default.brand),
        service,
    }
}

fn colour(text: &str) -> Result<Colour, Reject> {
    match Colour::parse(text) {
        Some(colour) => Ok(colour),
        None => {
            reject(format!("`{text}` is not a colour"), "write it like \"#1f4e79\", in quotes: # starts a comment")
        }
    }
}

/// A font stack that can stand in a style: names, and a generic family at its end.
fn font(text: &str) -> Result<String, Reject> {
    let help = "write installed fonts, the first that is there is taken: \"Georgia, 'Times New Roman', serif\"";
    let mut names = Vec::new();
    for name in text.split(',').map(|name| name.trim().trim_matches(['"', '\'']).trim()) {
        let plain = |c: char| c.is_alphanumeric() || " -_".contains(c);
        if name.is_empty() || !name.chars().all(plain) {
            return reject(format!("`{text}` is not a list of fonts"), help);
        }
        names.push(if name.contains(' ') { format!("'{name}'") } else { name.to_string() });
    }
    if names.last().is_none_or(|last| !GENERIC.contains(&last.as_str())) {
        names.push("sans-serif".to_string());
    }
    Ok(names.join(", "))
}

/// `logo: { path, alt }`, or its path alone.
fn logo(node: &Node<'_>) -> Option<Logo> {
    let logo = if node.value.is_mapping() {
        let mapping = node.mapping();
        let path = mapping.required("path", "/img/logo.png");
        let alt = mapping.text("alt");
        mapping.finish();
        Logo { path: path?, alt }
    } else {
        Logo { path: node.text()?, alt: None }
    };
    let path = logo.path.to_lowercase();
    let address = path.starts_with("https://") || path.starts_with("http://");
    if path.contains("://") && !address {
        let help = "write a path on the site (/img/logo.png), or an address that starts with https://";
        node.problem("bad-value", format!("a letter can't show `{}`", logo.path), help);
        return None;
    }
    if !LOGO_ENDINGS.iter().any(|ending| path.ends_with(ending)) {
        let help = "give a PNG that is about 400 pixels wide";
        node.warning("logo-format", format!("mail programs may not show a logo like `{}`", logo.path), help);
    }
    Some(logo)
}

/// One to four short lines.
fn brand(text: &str) -> Result<Vec<String>, Reject> {
    let lines: Vec<String> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(String::from).collect();
    let help = "write it as the State gives it, a line break between its lines: \"République\\nFrançaise\"";
    if lines.is_empty() || lines.len() > 4 {
        return reject("a brand block has one to four lines", help);
    }
    match lines.iter().find(|line| line.chars().count() > 32) {
        Some(long) => reject(format!("`{long}` is too long for a line of the brand block"), help),
        None => Ok(lines),
    }
}

fn line(key: &str, text: &str) -> Result<String, Reject> {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return reject(format!("`look.{key}` is empty"), "write the service's name, or take the line out");
    }
    Ok(text)
}
