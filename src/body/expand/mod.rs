//! Template code in a body replaced by what it stands for, before Markdown is read.
//!
//! 1. `scan` finds the code, in the spelling of Eleventy, Jekyll, Hugo, Zola.
//! 2. `interpret` runs it: conditions, loops and assignments itself, each expression by minijinja (`expression`), each
//!    shortcode by its template (`shortcodes`).
//! 3. `blocks` replaces `:::` containers and `???` details.
//!
//! Promises: what is not known is left out, with a problem that has its line and column in the file; a body without
//! template code is not copied; time and output are bounded, whatever a loop says.
//! BUGS: `include`, `link`, `ref` and whatever else needs the site's other pages is not known.

mod blocks;
mod expression;
mod interpret;
mod scan;
mod shortcodes;

use std::borrow::Cow;
use std::ops::Range;

use minijinja::value::{Serde, Value};
use serde_json::{Map, json};

use self::expression::Expressions;
use self::interpret::Interpreter;
use self::shortcodes::Shortcodes;
use super::edits;
use super::markdown::code_ranges;
use crate::config::{Config, MarkdownOptions, UnknownShortcode};
use crate::item::Item;
use crate::problem::Problems;

/// What replaces template code; built once.
pub struct Expander {
    expressions: Expressions,
    shortcodes: Shortcodes,
    unknown_shortcode: UnknownShortcode,
    variables: Map<String, serde_json::Value>,
    site: serde_json::Value,
    language: String,
    markdown: MarkdownOptions,
}

/// A body's text, expanded.
pub struct Expanded<'t> {
    pub text: Cow<'t, str>,
    /// What shortcodes wrote, sorted.
    pub trusted: Vec<Range<usize>>,
    pub problems: Problems,
}

impl Expander {
    pub fn new(config: &Config) -> (Expander, Problems) {
        let (shortcodes, problems) = Shortcodes::new(&config.content.shortcodes);
        let site = &config.site;
        let root = site.url.as_str().trim_end_matches('/');
        let expander = Expander {
            expressions: Expressions::new(site.url.path(), root),
            shortcodes,
            unknown_shortcode: config.content.unknown_shortcode,
            variables: config.content.variables.clone(),
            site: json!({
                "url": root, "baseurl": site.url.path().trim_end_matches('/'), "title": site.title,
                "description": site.description, "language": site.language, "lang": site.language,
            }),
            language: site.language.clone(),
            markdown: config.content.markdown.clone(),
        };
        (expander, problems)
    }

    /// Expands an item's body.
    pub fn body<'t>(&self, item: &'t Item) -> Expanded<'t> {
        let text = item.body();
        let has_code = text.contains("{{") || text.contains("{%") || text.contains("{#");
        let has_blocks = blocks::may_hold(text);
        if !has_code && !has_blocks {
            let expanded = Expanded { text: Cow::Borrowed(text), trusted: Vec::new(), problems: Problems::new() };
            return with_plain_line_breaks(expanded);
        }
        let mut expanded = match has_code {
            true => self.run(item, text, item.body_start, &code_ranges(text, &self.markdown)),
            false => Expanded { text: Cow::Borrowed(text), trusted: Vec::new(), problems: Problems::new() },
        };
        expanded = with_plain_line_breaks(expanded);
        if blocks::may_hold(&expanded.text) {
            let found = blocks::find(&expanded.text, &code_ranges(&expanded.text, &self.markdown));
            if !found.is_empty() {
                let (text, mut trusted) = edits::apply(&expanded.text, &expanded.trusted, &found);
                if !self.markdown.html {
                    // The lines that were written are HTML of ours.
                    let mut shift = 0isize;
                    for edit in &found {
                        let start = edit.range.start.saturating_add_signed(shift);
                        trusted.push(start..start + edit.with.len());
                        shift += edit.with.len() as isize - edit.range.len() as isize;
                    }
                    trusted.sort_by_key(|range| range.start);
                }
                expanded.text = Cow::Owned(text);
                expanded.trusted = trusted;
            }
        }
        expanded
    }

    /// Expands a title or a summary: there is no code to leave alone in it.
    pub fn line<'t>(&self, item: &Item, text: &'t str) -> Expanded<'t> {
        if !text.contains("{{") && !text.contains("{%") {
            return Expanded { text: Cow::Borrowed(text), trusted: Vec::new(), problems: Problems::new() };
        }
        self.run(item, text, usize::MAX, &[])
    }

    fn run<'t>(&self, item: &Item, text: &'t str, offset: usize, code: &[Range<usize>]) -> Expanded<'t> {
        let tokens = scan::scan(text, code);
        let surroundings = self.surroundings(item);
        let mut context = self.variables.clone();
        if let Some(serde_json::Value::Object(data)) = surroundings.get("item") {
            context.extend(data.clone());
        }
        for key in ["page", "site"] {
            if let Some(value) = surroundings.get(key) {
                context.insert(key.to_string(), value.clone());
            }
        }
        let mut interpreter =
            Interpreter::new(self, item, text, offset, code, &tokens, surroundings, Value::from(Serde(context)));
        interpreter.run();
        let (text, trusted, problems) = interpreter.finish();
        Expanded { text: Cow::Owned(text), trusted, problems }
    }

    /// What every template may name.
    fn surroundings(&self, item: &Item) -> Map<String, serde_json::Value> {
        let data = item.data();
        let mut page = data.clone();
        page.insert("url".to_string(), json!(item.url));
        page.insert("title".to_string(), json!(item.title));
        page.insert("date".to_string(), json!(item.published.format("%Y-%m-%d %H:%M:%S").to_string()));
        let mut surroundings = Map::new();
        surroundings.insert("item".to_string(), serde_json::Value::Object(data));
        surroundings.insert("page".to_string(), serde_json::Value::Object(page));
        surroundings.insert("site".to_string(), self.site.clone());
        surroundings
    }

    fn language<'a>(&'a self, item: &'a Item) -> &'a str {
        item.language.as_deref().unwrap_or(&self.language)
    }
}

/// Line breaks as Markdown's reader wants them.
fn with_plain_line_breaks(expanded: Expanded<'_>) -> Expanded<'_> {
    if !expanded.text.contains('\r') {
        return expanded;
    }
    let returns: Vec<edits::Edit> =
        expanded.text.match_indices("\r\n").map(|(at, _)| edits::Edit::new(at..at + 1, "")).collect();
    let (text, trusted) = edits::apply(&expanded.text, &expanded.trusted, &returns);
    Expanded { text: Cow::Owned(text.replace('\r', "\n")), trusted, problems: expanded.problems }
}
