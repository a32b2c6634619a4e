//! The HTML of all pages: a layout that all share, and templates that are filled with what a page says.
//!
//! Promises: what is filled in shows as text, whatever it holds, but for a letter's own HTML in its page of the archive; no script,
//! no style in the page but a letter's, nothing from elsewhere.

use handlebars::Handlebars;
use serde_json::{Value, json};

use super::words::Words;

pub const STYLE: &str = include_str!("pages/page.css");
pub const ICON: &str = include_str!("pages/icon.svg");
/// What stands around every page.
const LAYOUT: &str = include_str!("pages/layout.html.hbs");
/// By name; each stands in the layout, but those of the archive, which are files on other sites too.
const TEMPLATES: &[(&str, &str)] = &[
    ("page", include_str!("pages/page.html.hbs")),
    ("subscribe", include_str!("pages/subscribe.html.hbs")),
    ("archive", include_str!("pages/archive.html.hbs")),
    ("edition", include_str!("pages/edition.html.hbs")),
    ("status", include_str!("pages/status.html.hbs")),
    ("manage", include_str!("pages/manage.html.hbs")),
];

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
        // All are compiled in, and rendered by the tests.
        for (name, text) in [("layout", LAYOUT)].iter().chain(TEMPLATES) {
            let parsed = registry.register_template_string(name, text);
            debug_assert!(parsed.is_ok(), "{name}: {parsed:?}");
        }
        Page { registry }
    }

    /// A plain page with these parts; those that are not named are left out.
    pub fn fill(&self, frame: &Frame<'_>, parts: Value) -> String {
        let plain = json!({
            "over": null, "lines": [], "form": null, "link": null, "aside": null, "letters": null, "feeds": null,
            "held": null,
        });
        self.fill_in("page", frame, plain, parts)
    }

    /// A page of the template with this name: `parts`, and those of `defaults` that they do not name. Of the layout it may
    /// say: `title`; `hidden`, whether search engines leave it out; `home`, whether it is the first page;
    /// `style`, a style sheet of its own; `wide`, whether it takes a wide screen.
    pub fn fill_in(&self, template: &str, frame: &Frame<'_>, defaults: Value, parts: Value) -> String {
        let mut all = json!({
            "language": frame.words.language, "site": frame.site, "base": frame.base, "skip": frame.words.say("skip", &[]),
            "hidden": true, "home": false, "title": "", "style": null, "wide": false,
        });
        for parts in [defaults, parts] {
            if let (Some(all), Value::Object(parts)) = (all.as_object_mut(), parts) {
                all.extend(parts);
            }
        }
        let filled = self.registry.render(template, &all);
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
                "letters": { "title": evil, "all": [{ "language": evil, "title": evil, "rhythm": evil, "last": evil, "address": evil,
                    "archive": { "address": evil, "words": evil }, "subscribe": { "address": evil, "words": evil } }] },
                "link": { "address": evil, "words": evil },
                "feeds": { "title": evil, "how": evil, "all": [{ "title": evil, "description": evil,
                    "outputs": [{ "format": evil, "address": evil, "media_type": evil }] }] },
                "held": { "title": evil, "words": evil, "address": evil, "link": evil },
            }),
        );
        assert!(!html.contains("<script") && !html.contains("\"'"), "{html}");
        assert!(html.matches("&lt;script&gt;").count() > 15);
    }
}
