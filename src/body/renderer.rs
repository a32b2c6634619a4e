//! The way of one body, from what the author wrote to a [`Body`].
//!
//! An item whose body the site's generator made (`built`) starts at step 3.
//!
//! 1. `expand` replaces template code.
//! 2. `markdown` makes the tree.
//! 3. `clean` cleans it, when it holds raw HTML.
//! 4. `finish` makes addresses absolute, replaces frames, and takes out what must not be read elsewhere.

use url::Url;

use super::clean::Cleaner;
use super::embed::About;
use super::expand::Expander;
use super::finish::{Finisher, allowed};
use super::guard::{self, Found};
use super::tree::{Node, text_content};
use super::{Body, markdown};
use crate::config::{Config, MarkdownOptions};
use crate::item::Item;
use crate::problem::{Problem, Problems};

/// How many pieces of template code that nobody understood are told of one body.
const MAX_LEAKS: usize = 20;

/// Everything that rendering needs, made once for all items.
pub struct Renderer {
    site_url: Url,
    language: String,
    markdown: MarkdownOptions,
    cleaner: Cleaner,
    expander: Expander,
}

impl Renderer {
    /// A renderer for this configuration; the problems are those of its shortcodes.
    pub fn new(config: &Config) -> (Renderer, Problems) {
        let (expander, problems) = Expander::new(config);
        let renderer = Renderer {
            site_url: config.site.url.clone(),
            language: config.site.language.clone(),
            markdown: config.content.markdown.clone(),
            cleaner: Cleaner::new(),
            expander,
        };
        (renderer, problems)
    }

    /// Renders an item's body. It never fails: what can't be shown is left out, and said in the body's problems.
    pub fn render(&self, item: &Item) -> Body {
        if let Some(html) = &item.built_body {
            return self.render_html(item, html);
        }
        let expanded = self.expander.body(item);
        let mut problems = expanded.problems;
        let parsed = markdown::parse(&expanded.text, &expanded.trusted, &self.markdown, &note_prefix(&item.url));
        let nodes = if parsed.has_raw { self.cleaner.clean(&parsed.nodes) } else { parsed.nodes };
        let mut body = self.finish(item, nodes);
        problems.extend(std::mem::take(&mut body.problems));
        Body { problems, ..body }
    }

    /// Makes HTML that is the body of an item fit to be read elsewhere: what `render` does after Markdown.
    pub fn render_html(&self, item: &Item, html: &str) -> Body {
        self.finish(item, self.cleaner.clean_html(html))
    }

    fn finish(&self, item: &Item, nodes: Vec<Node>) -> Body {
        let base = Url::parse(&item.url).unwrap_or_else(|_| self.site_url.clone());
        let about = About {
            title: &item.title,
            image: item.image.as_ref().map(|image| image.url.as_str()),
            language: item.language.as_deref().unwrap_or(&self.language),
        };
        let mut finisher = Finisher::new(&base, about);
        let nodes = finisher.finish(nodes);
        let problems = finisher.leaks.iter().take(MAX_LEAKS).map(|found| leak(item, found)).collect();
        Body { nodes, embeds: finisher.embeds, problems }
    }

    /// A title or a summary as a reader may see it: one line of plain text, without template code.
    pub fn line(&self, item: &Item, text: &str) -> String {
        let expanded = self.expander.line(item, text);
        let text = match expanded.trusted.is_empty() {
            true => expanded.text.into_owned(),
            false => text_content(&self.cleaner.clean_html(&expanded.text)),
        };
        let text = guard::clean_value(&allowed(text), &mut Vec::new());
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// What makes footnotes' ids this item's own.
fn note_prefix(url: &str) -> String {
    blake3::hash(url.as_bytes()).to_hex()[..8].to_string()
}

/// Template code that nobody understood, at its place in the file if it stands there as it was found.
fn leak(item: &Item, found: &Found) -> Problem {
    let problem =
        Problem::warning("template-code", format!("template code that is not understood was left out: {}", found.0))
            .help("write it as code (`…`) to show it, or remove it");
    match item.body().find(&found.0) {
        Some(at) => {
            let start = item.body_start + at;
            problem.at(item.source.place(start..start + found.0.len()))
        }
        None => problem.in_file(item.path()),
    }
}
