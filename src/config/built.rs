//! Reads `content.built`: `{ manifest: FILE, body: SELECTOR }`.
//!
//! BUGS: whether the file is there is looked at when the items are read, not here: `init` and `doctor` need no site that
//! was built.

use super::Built;
use super::reader::{Mapping, reject};

/// What the site's generator made, where it is named at all.
pub fn read(content: &Mapping<'_>) -> Option<Built> {
    let node = content.get("built")?;
    let built = node.mapping();
    let manifest = built.required("manifest", "var/pages.json");
    let place = built.get("manifest").map_or_else(|| node.place(), |manifest| manifest.place());
    let body = built.parsed("body", |text| match scraper::Selector::parse(text) {
        Ok(_) => Ok(text.to_string()),
        Err(_) => reject(
            format!("`{text}` is not a CSS selector"),
            "name the element that holds the text of a page, as a style sheet would: `article .content`",
        ),
    });
    let body_place = built.get("body").map_or_else(|| node.place(), |body| body.place());
    built.finish();
    let manifest = manifest?.trim().trim_end_matches('/').to_string();
    Some(Built { manifest, body, place, body_place })
}
