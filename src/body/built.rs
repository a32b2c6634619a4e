//! Bodies from built pages: what stands at `content.built.body` in an item's page, without what belongs to the page and
//! not to the text.
//!
//! Taken out are skip links, the signs that link to a heading, buttons that copy code, line numbers of code, navigation,
//! forms, what is hidden, scripts and styles, and the item's own title. All elements that the selector finds are the
//! body, one after the other, the outermost of nested ones. The rest of the way is that of any raw HTML (`clean`, `finish`).
//!
//! BUGS: page chrome is known by the names that generators and their themes give it; what has a name of its own passes, and
//! can be left out by a narrower selector.

use std::sync::Arc;

use rayon::prelude::*;
use scraper::{ElementRef, Html, Node, Selector};

use crate::config;
use crate::item::Item;
use crate::item::built::Built;
use crate::problem::{Problem, Problems};

/// What goes with all that is in it.
const CHROME: &str = "script, style, template, nav, [role=navigation], form, button, dialog, clipboard-copy, \
    .skip, .skip-link, .skip-links, .skiplink, .skip-to-content, .fr-skiplinks, .fr-summary, .fr-breadcrumb, .fr-share, \
    .header-anchor, .heading-anchor, .headerlink, .anchor-link, .anchorjs-link, .td-heading-self-link, .heading-link, \
    .copy-button, .copy-btn, .btn-copy, .copy-code, .copy-code-button, .code-copy, .btn-clipboard, .clipboard, \
    td:has([style*='user-select:none']), [style*='user-select:none'], .lntd:first-child, .lnt, .ln, .lineno, .linenos, .line-numbers-rows, .gutter, \
    [hidden]:not([hidden=until-found]):not([role=tabpanel])";

/// Gives each item the body that its page has at the selector. Where there is none, the source's Markdown stays its body.
pub fn take_bodies(items: &mut [Item], built: &Built, config: &config::Built) -> Problems {
    let mut problems = Problems::new();
    let Some(wanted) = &config.body else { return problems };
    // The configuration was refused if this is no selector.
    let Some(chooser) = Chooser::new(wanted) else { return problems };
    let chosen: Vec<Result<String, String>> = items
        .par_iter()
        .map(|item| {
            let html = built.html(item).map_err(|sought| format!("its built page is not there ({sought})"))?;
            chooser.choose(&html, &item.title).ok_or_else(|| format!("its built page has nothing at `{wanted}`"))
        })
        .collect();
    if chosen.len() > 1 && chosen.iter().all(Result::is_err) {
        let first = chosen.first().and_then(|first| first.as_ref().err()).cloned().unwrap_or_default();
        let path = items.first().map_or("", Item::path);
        problems.push(
            Problem::error("built-body", format!("no item's body is found; {path}: {first}"))
                .help("correct the selector, or build the site first: bodies are made from the sources' Markdown until then")
                .at(config.body_place.clone()),
        );
        return problems;
    }
    for (item, chosen) in items.iter_mut().zip(chosen) {
        match chosen {
            Ok(html) => item.built_body = Some(Arc::from(html)),
            Err(why) => problems.push(
                Problem::warning("built-body", format!("{why}: the body is made from the source's Markdown"))
                    .help("see what the page looks like, and whether content.built.body names its text there too")
                    .in_file(item.path()),
            ),
        }
    }
    problems
}

/// Chooses the body of a page.
pub struct Chooser {
    body: Selector,
    chrome: Selector,
}

impl Chooser {
    /// `None`: this is no CSS selector.
    pub fn new(body: &str) -> Option<Chooser> {
        Some(Chooser { body: Selector::parse(body).ok()?, chrome: Selector::parse(CHROME).ok()? })
    }

    /// What stands at the selector in a page, as HTML; `None`: nothing that says anything. A first-level heading that is
    /// the title is left out.
    pub fn choose(&self, html: &str, title: &str) -> Option<String> {
        choose(self, html, title)
    }
}

fn choose(chooser: &Chooser, html: &str, title: &str) -> Option<String> {
    let mut page = Html::parse_document(html);
    let mut found: Vec<ElementRef<'_>> = Vec::new();
    // In the page's order; nothing is looked for in what was found.
    let mut open = vec![page.root_element()];
    while let Some(element) = open.pop() {
        if chooser.body.matches(&element) {
            found.push(element);
        } else {
            let first = open.len();
            open.extend(element.child_elements());
            open[first..].reverse();
        }
    }
    let roots: Vec<_> = found.iter().map(|element| element.id()).collect();
    let mut out = Vec::new();
    let mut unwrapped = Vec::new();
    for root in found {
        for element in root.descendent_elements().filter(|element| element.id() != root.id()) {
            match element.value().name() {
                "h1" if same_text(&element, title) => out.push(element.id()),
                "a" if links_to_its_heading(&element) => match says_something(&element) {
                    true => unwrapped.push(element.id()),
                    false => out.push(element.id()),
                },
                _ if chooser.chrome.matches(&element) => out.push(element.id()),
                _ => {}
            }
        }
    }
    for id in out {
        if let Some(mut node) = page.tree.get_mut(id) {
            node.detach();
        }
    }
    for id in unwrapped {
        let children: Vec<_> =
            page.tree.get(id).map(|node| node.children().map(|child| child.id()).collect()).unwrap_or_default();
        if let Some(mut node) = page.tree.get_mut(id) {
            for child in children {
                node.insert_id_before(child);
            }
            node.detach();
        }
    }
    let parts: Vec<String> = roots
        .into_iter()
        .filter_map(|id| page.tree.get(id).and_then(ElementRef::wrap))
        .filter(holds_something)
        .map(|element| element.inner_html())
        .collect();
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// A link in a heading that leads to a place of its own page.
fn links_to_its_heading(link: &ElementRef<'_>) -> bool {
    let is_heading = |name: &str| matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6");
    let in_heading = link.ancestors().filter_map(ElementRef::wrap).any(|above| is_heading(above.value().name()));
    in_heading && link.attr("href").is_some_and(|href| href.starts_with('#') && href.len() > 1)
}

/// Classes of words that only screen readers say.
const READER_ONLY: [&str; 5] = ["sr-only", "visually-hidden", "visuallyhidden", "fr-sr-only", "screen-reader-text"];

/// A link's text is a part of the heading, and not only its sign (`#`, `¶`, `§`, a chain) or words for screen readers.
fn says_something(link: &ElementRef<'_>) -> bool {
    let unseen = link.attr("aria-hidden") == Some("true") || link.attr("hidden").is_some();
    let reader_only = |element: ElementRef<'_>| {
        element.attr("aria-hidden") == Some("true")
            || element.value().classes().any(|class| READER_ONLY.contains(&class))
    };
    !unseen
        && link.descendants().any(|node| {
            let says = node.value().as_text().is_some_and(|text| text.chars().any(char::is_alphanumeric));
            let mut above = node.ancestors().take_while(|above| above.id() != link.id()).filter_map(ElementRef::wrap);
            says && !above.any(reader_only)
        })
}

fn same_text(element: &ElementRef<'_>, title: &str) -> bool {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let own: String = element.text().collect();
    !title.is_empty() && words(&own) == words(title)
}

/// Text that is seen, or a picture, a film, a sound, a frame.
fn holds_something(element: &ElementRef<'_>) -> bool {
    element.descendants().any(|node| match node.value() {
        Node::Text(text) => !text.trim().is_empty(),
        Node::Element(element) => {
            matches!(element.name(), "img" | "picture" | "video" | "audio" | "iframe" | "object" | "embed" | "hr")
        }
        _ => false,
    })
}

#[cfg(test)]
#[path = "built_tests.rs"]
mod tests;
