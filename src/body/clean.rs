//! Raw HTML made harmless: a body's HTML, whole, through ammonia, and back into a tree.
//!
//! A body is cleaned whole because Markdown may stand between two pieces of raw HTML (`<div>`, a paragraph, `</div>`).
//! Frames and objects pass here: `embed` replaces them; addresses are `finish`'s business.
//!
//! Promises: no script, style sheet, form, SVG or MathML and no event attribute comes out. Elements that lie too deep
//! are unwrapped before parsing, so that hostile nesting costs neither the stack nor quadratic time.

use std::borrow::Cow;
use std::collections::HashMap;

use ammonia::{Builder, UrlRelative};
use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_fragment};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

use super::markdown::RAW;
use super::tree::{Element, MAX_DEPTH, Node, escape_text, is_block, is_void, write_start};

/// The cleaner, built once.
pub struct Cleaner {
    ammonia: Builder<'static>,
}

impl Default for Cleaner {
    fn default() -> Self {
        Cleaner::new()
    }
}

impl Cleaner {
    pub fn new() -> Cleaner {
        let mut ammonia = Builder::default();
        ammonia
            .add_tags([
                "audio",
                "center",
                "details",
                "embed",
                "figcaption",
                "figure",
                "font",
                "iframe",
                "main",
                "object",
                "param",
                "picture",
                "section",
                "source",
                "summary",
                "tfoot",
                "track",
                "u",
                "video",
            ])
            .rm_tags(["map", "area", "font"])
            .add_clean_content_tags([
                "datalist", "math", "noscript", "select", "svg", "template", "textarea", "title", "noembed",
                "noframes", "xmp",
            ])
            .add_generic_attributes(["aria-hidden", "aria-label", "class", "dir", "id", "style"])
            .add_tag_attributes("a", ["type"])
            .add_tag_attributes("audio", ["controls", "loop", "muted", "preload", "src"])
            .add_tag_attributes("details", ["open"])
            .add_tag_attributes("embed", ["height", "src", "type", "width"])
            .add_tag_attributes("iframe", ["data-src", "height", "src", "width"])
            .add_tag_attributes("img", ["data-src", "loading", "longdesc", "sizes", "srcset"])
            .add_tag_attributes("object", ["data", "height", "type", "width"])
            .add_tag_attributes("ol", ["reversed", "type"])
            .add_tag_attributes("li", ["value"])
            .add_tag_attributes("param", ["name", "value"])
            .add_tag_attributes("source", ["media", "sizes", "src", "srcset", "type"])
            .add_tag_attributes("td", ["width"])
            .add_tag_attributes("th", ["width"])
            .add_tag_attributes("time", ["datetime"])
            .add_tag_attributes("track", ["default", "kind", "label", "src", "srclang"])
            .add_tag_attributes("video", ["controls", "height", "loop", "muted", "poster", "preload", "src", "width"])
            .link_rel(None)
            .url_relative(UrlRelative::PassThrough)
            .strip_comments(true);
        Cleaner { ammonia }
    }

    /// Cleans a tree that holds raw HTML.
    pub fn clean(&self, nodes: &[Node]) -> Vec<Node> {
        let mut html = String::new();
        write_with_raw(nodes, &mut html);
        self.clean_html(&html)
    }

    /// Cleans a piece of HTML.
    pub fn clean_html(&self, html: &str) -> Vec<Node> {
        let clean = self.ammonia.clean(&limit_depth(html)).to_string();
        parse(&clean)
    }
}

fn write_with_raw(nodes: &[Node], out: &mut String) {
    for node in nodes {
        match node {
            Node::Text(text) => escape_text(text, out),
            Node::Element(element) if element.name == RAW => {
                if let Some(Node::Text(html)) = element.children.first() {
                    out.push_str(html);
                }
            }
            Node::Element(element) => {
                write_start(element, out);
                if !is_void(&element.name) {
                    if element.name == "pre" {
                        out.push('\n');
                    }
                    write_with_raw(&element.children, out);
                    out.push_str("</");
                    out.push_str(&element.name);
                    out.push('>');
                }
                if is_block(&element.name) {
                    out.push('\n');
                }
            }
        }
    }
}

/// Parses HTML that is clean already.
fn parse(html: &str) -> Vec<Node> {
    let context = html5ever::QualName::new(None, html5ever::ns!(html), html5ever::local_name!("body"));
    let dom = parse_fragment(RcDom::default(), ParseOpts::default(), context, vec![], false).one(html);
    let mut nodes = Vec::new();
    // The document holds the one <html> element that stands for the fragment.
    for root in dom.document.children.borrow().iter() {
        convert(root, 0, &mut nodes);
    }
    nodes
}

fn convert(handle: &Handle, depth: usize, out: &mut Vec<Node>) {
    for child in handle.children.borrow().iter() {
        match &child.data {
            NodeData::Text { contents } => {
                let text = contents.borrow();
                match out.last_mut() {
                    Some(Node::Text(last)) => last.push_str(&text),
                    _ => out.push(Node::Text(text.to_string())),
                }
            }
            NodeData::Element { .. } if depth >= MAX_DEPTH => convert_deep(child, out),
            NodeData::Element { name, attrs, .. } => {
                let mut element = Element::new(&name.local);
                element.attributes =
                    attrs.borrow().iter().map(|a| (a.name.local.to_string(), a.value.to_string())).collect();
                convert(child, depth + 1, &mut element.children);
                out.push(Node::Element(element));
            }
            _ => {}
        }
    }
}

/// The text of what lies too deep for a tree.
fn convert_deep(handle: &Handle, out: &mut Vec<Node>) {
    let mut stack = vec![handle.clone()];
    let mut text = String::new();
    while let Some(node) = stack.pop() {
        if let NodeData::Text { contents } = &node.data {
            text.push_str(&contents.borrow());
        }
        stack.extend(node.children.borrow().iter().rev().cloned());
    }
    out.push(Node::Text(text));
}

/// Most elements that may be open at once before parsing.
const MOST_OPEN: usize = 100;
/// Most of those that the parser opens again in each paragraph.
const MOST_FORMATTING: usize = 24;

/// Leaves out the start tags that nest too deep.
///
/// It counts, by name, start tags that have no end tag yet; names whose end tag is optional don't count, because they
/// close each other. What it leaves out costs an element its tag, never its text.
fn limit_depth(html: &str) -> Cow<'_, str> {
    if html.bytes().filter(|byte| *byte == b'<').count() <= MOST_FORMATTING {
        return Cow::Borrowed(html);
    }
    let mut open: HashMap<String, usize> = HashMap::new();
    let (mut all, mut formatting) = (0, 0);
    let mut left_out = Vec::new();
    let mut position = 0;
    while let Some(found) = html[position..].find('<') {
        let start = position + found;
        let after = &html[start + 1..];
        let (is_end, after) = match after.strip_prefix('/') {
            Some(after) => (true, after),
            None => (false, after),
        };
        let length = after.bytes().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let name = after[..length].to_ascii_lowercase();
        position = start + 1;
        if length == 0
            || is_void(&name)
            || matches!(name.as_str(), "p" | "li" | "dt" | "dd" | "td" | "th" | "tr" | "option")
        {
            continue;
        }
        let is_formatting = matches!(
            name.as_str(),
            "a" | "b"
                | "big"
                | "code"
                | "em"
                | "font"
                | "i"
                | "nobr"
                | "s"
                | "small"
                | "strike"
                | "strong"
                | "tt"
                | "u"
        );
        let count = open.entry(name).or_default();
        if is_end {
            if *count > 0 {
                *count -= 1;
                all -= 1;
                formatting -= usize::from(is_formatting);
            }
        } else if all >= MOST_OPEN || (is_formatting && formatting >= MOST_FORMATTING) {
            let end = html[start..].find('>').map_or(html.len(), |end| start + end + 1);
            left_out.push(start..end);
            position = end;
        } else {
            *count += 1;
            all += 1;
            formatting += usize::from(is_formatting);
        }
    }
    if left_out.is_empty() {
        return Cow::Borrowed(html);
    }
    let mut out = String::with_capacity(html.len());
    let mut written = 0;
    for range in left_out {
        out.push_str(&html[written..range.start]);
        written = range.end;
    }
    out.push_str(&html[written..]);
    Cow::Owned(out)
}
