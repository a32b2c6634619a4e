//! The HTML of all pages: one template, filled with what a page says.
//!
//! Promises: what is filled in shows as text, whatever it holds; no script, no style in the page, nothing from elsewhere.

use handlebars::Handlebars;
use serde_json::{Value, json};

use super::words::Words;

pub const STYLE: &str = include_str!("pages/page.css");
pub const ICON: &str = include_str!("pages/icon.svg");
const TEMPLATE: &str = include_str!("pages/page.html.hbs");

/// Fills the template.
pub struct Page {
    registry: Handlebars<'static>,
}

/// What stands on every page.
pub struct Frame<'a> {
    pub words: &'a Words,
    pub site: &'a str,
    /// The path of the service.
    pub base: &'a str,
}

impl Page {
    pub fn new() -> Page {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        // The template is compiled in, and rendered by the tests.
        let parsed = registry.register_template_string("page", TEMPLATE);
        debug_assert!(parsed.is_ok(), "{parsed:?}");
        Page { registry }
    }

    /// A page with these parts; those that are not named are left out.
    pub fn fill(&self, frame: &Frame<'_>, parts: Value) -> String {
        let mut all = json!({
            "language": frame.words.language, "site": frame.site, "base": frame.base, "skip": frame.words.say("skip", &[]),
            "hidden": true, "home": false, "over": null, "title": "", "lines": [], "form": null, "aside": null,
            "letters": null, "feeds": null,
        });
        if let (Some(all), Value::Object(parts)) = (all.as_object_mut(), parts) {
            all.extend(parts);
        }
        let filled = self.registry.render("page", &all);
        debug_assert!(filled.is_ok(), "{filled:?}");
        filled.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_shows_as_text() {
        let words = Words::of("en");
        let evil = "<script>alert(1)</script>\"'&";
        let frame = Frame { words: &words, site: evil, base: "/\"><script>/" };
        let html = Page::new().fill(
            &frame,
            json!({
                "title": evil, "over": evil, "lines": [evil],
                "form": { "action": evil, "button": evil, "one_click": true },
                "aside": { "title": evil, "words": evil, "action": evil, "button": evil },
                "letters": { "title": evil, "all": [{ "language": evil, "title": evil, "rhythm": evil, "last": evil, "address": evil }] },
                "feeds": { "title": evil, "how": evil, "all": [{ "title": evil, "description": evil,
                    "outputs": [{ "format": evil, "address": evil, "media_type": evil }] }] },
            }),
        );
        assert!(!html.contains("<script") && !html.contains("\"'"), "{html}");
        assert!(html.matches("&lt;script&gt;").count() > 15);
    }
}
