//! A letter, looked at once: its page, its styles, what of it is hidden. What every check starts from.

use super::Letter;
use super::css::{self, Declaration, Rule};
use super::page::{Element, Kind, Node, Page};
use crate::config::Config;

pub struct Look<'a> {
    pub letter: &'a Letter<'a>,
    pub config: &'a Config,
    pub page: Page<'a>,
    /// Of every `<style>`, in order.
    pub rules: Vec<Rule>,
    /// Each node's own `style`.
    pub inline: Vec<Vec<Declaration>>,
    /// Nodes that no reader sees or hears: `display: none`, the head, what only Outlook's markup needs.
    pub hidden: Vec<bool>,
}

impl<'a> Look<'a> {
    pub fn at(letter: &'a Letter<'a>, config: &'a Config) -> Look<'a> {
        let page = Page::read(letter.html);
        let mut rules = Vec::new();
        let mut inline: Vec<Vec<Declaration>> = Vec::with_capacity(page.nodes.len());
        let mut hidden: Vec<bool> = Vec::with_capacity(page.nodes.len());
        for (id, node) in page.nodes.iter().enumerate() {
            let in_hidden = node.parent.is_some_and(|parent| hidden.get(parent).copied().unwrap_or(false));
            let (styles, own) = match &node.kind {
                Kind::Element(element) => {
                    let styles = element.attribute("style").map_or_else(Vec::new, |style| {
                        let text = letter.html.get(style.range.clone()).unwrap_or("");
                        css::declarations(&without_references(text), style.range.start)
                    });
                    let own = !is_seen(element, &styles);
                    (styles, own)
                }
                Kind::Text => {
                    if node
                        .parent
                        .and_then(|parent| page.element(parent))
                        .is_some_and(|e| e.name == "style" && !e.outlook)
                    {
                        let text = letter.html.get(node.range.clone()).unwrap_or("");
                        rules.extend(css::rules(text, node.range.start));
                    }
                    (Vec::new(), page.is_for_outlook(id))
                }
            };
            hidden.push(in_hidden || own);
            inline.push(styles);
        }
        Look { letter, config, page, rules, inline, hidden }
    }

    pub fn is_hidden(&self, id: usize) -> bool {
        self.hidden.get(id).copied().unwrap_or(false)
    }

    pub fn styles(&self, id: usize) -> &[Declaration] {
        self.inline.get(id).map_or(&[], Vec::as_slice)
    }

    /// The last value of a style in an element's own attribute.
    pub fn style(&self, id: usize, name: &str) -> Option<&str> {
        self.styles(id).iter().rev().find(|style| style.name == name).map(|style| style.value.as_str())
    }

    /// Every element that a reader meets.
    pub fn seen(&self) -> impl Iterator<Item = (usize, &Node, &Element)> {
        self.page.elements().filter(|(id, ..)| !self.is_hidden(*id))
    }

    /// Every text that a reader meets, its references resolved.
    pub fn seen_texts(&self) -> impl Iterator<Item = (usize, &Node, String)> {
        self.page.texts().filter(|(id, _)| !self.is_hidden(*id)).map(|(id, node)| (id, node, self.page.words(node)))
    }

    /// The number of an item's file among the letter's items, for a text that is its title.
    pub fn file_of_title(&self, text: &str) -> Option<&str> {
        let wanted = bare(text);
        self.letter.items.iter().find(|item| bare(item.title) == wanted).and_then(|item| item.file)
    }
}

/// The quotes of an attribute's value as themselves, every place where it was.
fn without_references(text: &str) -> String {
    let mut out = text.to_string();
    for (reference, character) in [("&quot;", '"'), ("&apos;", '\''), ("&#39;", '\''), ("&#34;", '"'), ("&amp;", '&')]
    {
        if out.contains(reference) {
            out = out.replace(reference, &format!("{character:<width$}", width = reference.len()));
        }
    }
    out
}

fn is_seen(element: &Element, styles: &[Declaration]) -> bool {
    let off = styles.iter().rev().find(|style| style.name == "display").is_some_and(|style| style.value == "none");
    !off && !matches!(element.name.as_str(), "head" | "style" | "script" | "title" | "template" | "xml")
}

/// A text without its spaces and without what nobody sees: what two writings of one title have in common.
pub fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !is_invisible(*c)).collect()
}

/// A text as [`bare`] gives it, with where each of its bytes stood.
pub fn bare_with_places(text: &str) -> (String, Vec<usize>) {
    let (mut out, mut places) = (String::with_capacity(text.len()), Vec::with_capacity(text.len()));
    for (at, c) in text.char_indices().filter(|(_, c)| !c.is_whitespace() && !is_invisible(*c)) {
        out.push(c);
        places.resize(out.len(), at);
    }
    (out, places)
}

/// Characters that take no place.
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The start of a text, on one line, for a message.
pub fn excerpt(text: &str) -> String {
    const MOST: usize = 48;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MOST) {
        Some((cut, _)) => format!("{}…", line[..cut].trim_end()),
        None => line,
    }
}
