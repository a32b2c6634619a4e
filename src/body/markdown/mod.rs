//! Markdown as markdown-it writes it, straight into the tree.
//!
//! 1. `prepare` rewrites the few lines that pulldown-cmark and markdown-it read differently (indented code switched
//!    off, raw HTML switched off); most bodies pass untouched.
//! 2. pulldown-cmark parses: CommonMark, tables, strikethrough, footnotes.
//! 3. `inline` goes over each block's text: bare addresses become links (`linkify`), quotes and dashes become
//!    typographic (`typography`), `{.class}` becomes attributes (`attributes`).
//!
//! Raw HTML stands in the tree as [`RAW`] elements, for `clean` to take up as a whole; without any, the tree is done.
//!
//! Promises: time grows with the text's length; nothing lies deeper than [`MAX_DEPTH`](super::tree::MAX_DEPTH).
//! BUGS: markdown-it's inline footnotes (`^[…]`), definition lists and task lists are not known.

mod attributes;
mod footnotes;
mod inline;
mod linkify;
mod prepare;
mod typography;

use std::ops::Range;

use pulldown_cmark::{Alignment, CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd};

use self::footnotes::Footnotes;
use super::tree::{Element, MAX_DEPTH, Node, text_content};
use crate::config::MarkdownOptions;

/// The name of an element that stands for raw HTML, which is its only child's text; never seen outside `body`.
pub const RAW: &str = "#raw";
/// The name of an element that stands for an escaped character or an entity: text that typography leaves alone.
const SPECIAL: &str = "#special";

/// A body's tree before cleaning.
pub struct Parsed {
    pub nodes: Vec<Node>,
    /// Some nodes are [`RAW`].
    pub has_raw: bool,
}

/// Parses `text`. `trusted` are the ranges that shortcodes wrote: HTML there is HTML whatever the options say.
/// `note_prefix` makes footnotes' ids differ from those of the next item on the same page.
pub fn parse(text: &str, trusted: &[Range<usize>], options: &MarkdownOptions, note_prefix: &str) -> Parsed {
    let prepared = prepare::prepare(text, trusted, options);
    let (text, trusted) = prepared.as_ref().map_or((text, trusted), |p| (p.text.as_str(), p.trusted.as_slice()));
    let mut builder = Builder {
        text,
        trusted,
        options,
        stack: vec![Frame::new(Element::default(), Kind::Block)],
        unwrapped: 0,
        alignments: Vec::new(),
        footnotes: Footnotes::new(note_prefix),
        has_raw: false,
    };
    for (event, range) in Parser::new_ext(text, extensions()).into_offset_iter() {
        builder.event(event, range);
    }
    builder.finish()
}

fn extensions() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES
}

/// Byte ranges of `text` that are code: fenced, inline, and indented where that is on. Sorted, none overlapping.
pub fn code_ranges(text: &str, options: &MarkdownOptions) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (event, range) in Parser::new_ext(text, extensions()).into_offset_iter() {
        let is_code = match event {
            Event::Code(_) | Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))) => true,
            Event::Start(Tag::CodeBlock(CodeBlockKind::Indented)) => options.indented_code,
            _ => false,
        };
        if is_code && ranges.last().is_none_or(|last| last.end <= range.start) {
            ranges.push(range);
        }
    }
    ranges
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Block,
    Inline,
    /// `pre > code`: text as it is.
    Code,
    /// The raw HTML of one block.
    Html,
    Image,
    Footnote,
}

/// An element that is still open.
struct Frame {
    element: Element,
    kind: Kind,
    /// Where, among the element's children, its unfinished run of inline nodes starts.
    run: usize,
}

impl Frame {
    fn new(element: Element, kind: Kind) -> Frame {
        Frame { element, kind, run: 0 }
    }
}

struct Builder<'t> {
    text: &'t str,
    trusted: &'t [Range<usize>],
    options: &'t MarkdownOptions,
    stack: Vec<Frame>,
    /// Elements that are open, lie too deep, and are left out (their content is not).
    unwrapped: usize,
    alignments: Vec<Alignment>,
    footnotes: Footnotes,
    has_raw: bool,
}

impl<'t> Builder<'t> {
    fn event(&mut self, event: Event<'t>, range: Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, range),
            Event::End(end) => self.end(end),
            Event::Text(text) => self.text(&text, range),
            Event::Code(code) => self.push(Element::new("code").child(Node::text(&*code)).into()),
            Event::Html(html) => {
                if self.allows_html(&range) {
                    self.push_text(&html);
                } else {
                    self.push_text(html.trim_end());
                }
            }
            Event::InlineHtml(html) => {
                if !self.allows_html(&range) {
                    self.push_special(&html);
                } else if !is_comment(&html) {
                    self.has_raw = true;
                    self.push(raw(html.to_string()));
                }
            }
            Event::SoftBreak => {
                self.trim_line_end();
                if self.options.breaks && self.top().kind != Kind::Image {
                    self.push(Element::new("br").into());
                }
                self.push_text("\n");
            }
            Event::HardBreak => {
                self.trim_line_end();
                if self.top().kind != Kind::Image {
                    self.push(Element::new("br").into());
                }
                self.push_text("\n");
            }
            Event::Rule => {
                self.flush_run();
                self.push(Element::new("hr").into());
                self.close_run();
            }
            Event::FootnoteReference(label) => {
                let reference = self.footnotes.reference(&label);
                self.push(reference);
            }
            Event::InlineMath(text) | Event::DisplayMath(text) => self.push_text(&text),
            Event::TaskListMarker(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'t>, range: Range<usize>) {
        let (element, kind) = match tag {
            Tag::Paragraph => (Element::new("p"), Kind::Block),
            Tag::Heading { level, .. } => (Element::new(&level.to_string()), Kind::Block),
            Tag::BlockQuote(_) => (Element::new("blockquote"), Kind::Block),
            Tag::CodeBlock(kind) => (code_block(&kind), Kind::Code),
            Tag::HtmlBlock => (Element::new(RAW), Kind::Html),
            Tag::List(None) => (Element::new("ul"), Kind::Block),
            Tag::List(Some(1)) => (Element::new("ol"), Kind::Block),
            Tag::List(Some(first)) => (Element::new("ol").with("start", first.to_string()), Kind::Block),
            Tag::Item => (Element::new("li"), Kind::Block),
            Tag::FootnoteDefinition(label) => (Element::new(&label), Kind::Footnote),
            Tag::Table(alignments) => {
                self.alignments = alignments;
                (Element::new("table"), Kind::Block)
            }
            Tag::TableHead => (Element::new("thead"), Kind::Block),
            Tag::TableRow => (Element::new("tr"), Kind::Block),
            Tag::TableCell => (Element::new("td"), Kind::Block),
            Tag::Emphasis => (Element::new("em"), Kind::Inline),
            Tag::Strong => (Element::new("strong"), Kind::Inline),
            // One tilde is a tilde to markdown-it.
            Tag::Strikethrough if self.text[range.start..].starts_with("~~") => (Element::new("s"), Kind::Inline),
            Tag::Strikethrough => {
                self.push_text("~");
                (Element::new("#tilde"), Kind::Inline)
            }
            Tag::Link { link_type, dest_url, title, .. } => {
                let is_mail = link_type == LinkType::Email && !dest_url.starts_with("mailto:");
                let dest_url = if is_mail { format!("mailto:{dest_url}").into() } else { dest_url };
                (titled(Element::new("a").with("href", &*dest_url), &title), Kind::Inline)
            }
            Tag::Image { dest_url, title, .. } => {
                (titled(Element::new("img").with("src", &*dest_url).with("alt", ""), &title), Kind::Image)
            }
            _ => (Element::new("span"), Kind::Inline),
        };
        if matches!(kind, Kind::Block | Kind::Code | Kind::Html | Kind::Footnote) {
            self.flush_run();
        }
        // What must not be unwrapped (it would lose its meaning) takes the last levels.
        let limit = if kind == Kind::Block || kind == Kind::Inline { MAX_DEPTH - 8 } else { MAX_DEPTH - 2 };
        if self.unwrapped > 0 || self.stack.len() >= limit {
            self.unwrapped += 1;
            return;
        }
        self.stack.push(Frame::new(element, kind));
    }

    fn end(&mut self, end: TagEnd) {
        if self.unwrapped > 0 {
            self.unwrapped -= 1;
            return;
        }
        if self.top().kind == Kind::Block {
            self.flush_run();
        }
        let Some(Frame { mut element, kind, .. }) = (self.stack.len() > 1).then(|| self.stack.pop()).flatten() else {
            return;
        };
        match (kind, end) {
            (Kind::Html, _) => {
                let html = text_content(&element.children);
                if self.options.html || !self.trusted.is_empty() {
                    if !is_comment(&html) {
                        self.has_raw = true;
                        self.push(raw(html));
                    }
                } else {
                    self.push(Element::new("p").child(Node::text(html)).into());
                }
            }
            (Kind::Image, _) => {
                let alt = image_text(&element.children);
                element.set("alt", alt);
                element.children.clear();
                self.push(element.into());
            }
            (Kind::Footnote, _) => self.footnotes.define(&element.name, element.children),
            (Kind::Code, _) => {
                let code = Element { name: "code".to_string(), ..element };
                self.push(Element::new("pre").child(code).into());
            }
            (Kind::Inline, TagEnd::Strikethrough) if element.name == "#tilde" => {
                for child in element.children {
                    self.push_merged(child);
                }
                self.push_text("~");
            }
            (_, TagEnd::TableHead) => {
                let row = Element {
                    name: "tr".to_string(),
                    children: std::mem::take(&mut element.children),
                    ..Element::default()
                };
                self.push(element.child(self.row(row, "th")).into());
            }
            (_, TagEnd::TableRow) => {
                let row = self.row(element, "td");
                let table = &mut self.top().element;
                match table.children.last_mut() {
                    Some(Node::Element(body)) if body.name == "tbody" => body.children.push(row.into()),
                    _ => table.children.push(Element::new("tbody").child(row).into()),
                }
            }
            _ => {
                if matches!(end, TagEnd::Paragraph | TagEnd::Heading(_)) {
                    trim(&mut element.children);
                    if element.children.is_empty() && end == TagEnd::Paragraph {
                        self.close_run();
                        return;
                    }
                }
                if kind == Kind::Block {
                    attributes::apply_to_block(&mut element);
                }
                self.push(element.into());
            }
        }
        if matches!(kind, Kind::Block | Kind::Code | Kind::Html | Kind::Footnote) {
            self.close_run();
        }
    }

    /// A table's row with its cells named and aligned.
    fn row(&self, mut row: Element, cell_name: &str) -> Element {
        for (index, cell) in row.children.iter_mut().enumerate() {
            if let Node::Element(cell) = cell {
                cell.name = cell_name.to_string();
                let alignment = match self.alignments.get(index) {
                    Some(Alignment::Left) => "left",
                    Some(Alignment::Center) => "center",
                    Some(Alignment::Right) => "right",
                    _ => continue,
                };
                cell.set("align", alignment);
            }
        }
        row
    }

    /// Text of the source. An entity or an escaped character is kept apart when the typographer would touch it.
    fn text(&mut self, text: &str, range: Range<usize>) {
        let kind = self.top().kind;
        if kind == Kind::Code || kind == Kind::Html || !(self.options.typographer || self.options.linkify) {
            return self.push_text(text);
        }
        let text = if text.starts_with(prepare::MARK) { &text[prepare::MARK.len_utf8()..] } else { text };
        let written = self.text.get(range.clone()).unwrap_or("");
        if text.len() != written.len() && !written.starts_with(prepare::MARK) && written.starts_with('&') {
            return self.push_special(text);
        }
        let backslashes = self.text.as_bytes()[..range.start.min(self.text.len())]
            .iter()
            .rev()
            .take_while(|b| **b == b'\\')
            .count();
        if backslashes % 2 == 1 {
            let first = text.chars().next().map_or(0, char::len_utf8);
            self.push_special(&text[..first]);
            return self.push_text(&text[first..]);
        }
        self.push_text(text);
    }

    fn allows_html(&self, range: &Range<usize>) -> bool {
        self.options.html || self.trusted.iter().any(|t| t.start <= range.start && range.end <= t.end)
    }

    fn top(&mut self) -> &mut Frame {
        self.stack.last_mut().expect("the root is never popped")
    }

    fn push(&mut self, node: Node) {
        self.top().element.children.push(node);
    }

    fn push_merged(&mut self, node: Node) {
        match node {
            Node::Text(text) => self.push_text(&text),
            node => self.push(node),
        }
    }

    fn push_text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        match self.top().element.children.last_mut() {
            Some(Node::Text(last)) => last.push_str(text),
            _ => self.push(Node::text(text)),
        }
    }

    fn push_special(&mut self, text: &str) {
        self.push(Element::new(SPECIAL).child(Node::text(text)).into());
    }

    fn trim_line_end(&mut self) {
        if let Some(Node::Text(last)) = self.top().element.children.last_mut() {
            last.truncate(last.trim_end_matches([' ', '\t']).len());
        }
    }

    /// Finishes the run of inline nodes of the innermost block.
    fn flush_run(&mut self) {
        let options = self.options;
        let frame = self.top();
        if frame.kind == Kind::Block || frame.kind == Kind::Footnote {
            inline::finish(&mut frame.element.children, frame.run, options);
        }
        frame.run = frame.element.children.len();
    }

    /// The next run starts after what was just pushed.
    fn close_run(&mut self) {
        let frame = self.top();
        frame.run = frame.element.children.len();
    }

    fn finish(mut self) -> Parsed {
        while self.stack.len() > 1 {
            self.end(TagEnd::Paragraph);
        }
        self.flush_run();
        let mut nodes = self.stack.pop().map(|frame| frame.element.children).unwrap_or_default();
        nodes.extend(self.footnotes.section());
        Parsed { nodes, has_raw: self.has_raw }
    }
}

fn raw(html: String) -> Node {
    Element::new(RAW).child(Node::Text(html)).into()
}

/// HTML that is one whole comment and nothing else: it goes at once, and costs no cleaning.
fn is_comment(html: &str) -> bool {
    let html = html.trim();
    html.starts_with("<!--") && html.len() >= 7 && html[4..].find("-->").is_some_and(|end| end + 7 == html.len())
}

fn titled(element: Element, title: &str) -> Element {
    if title.is_empty() { element } else { element.with("title", title) }
}

fn code_block(kind: &CodeBlockKind) -> Element {
    let code = Element::new("#code");
    match kind {
        CodeBlockKind::Fenced(info) => match info.split_whitespace().next() {
            Some(language) if !language.starts_with('{') => code.with("class", format!("language-{language}")),
            _ => code,
        },
        CodeBlockKind::Indented => code,
    }
}

/// The alternative text that a picture's label stands for.
fn image_text(nodes: &[Node]) -> String {
    text_content(nodes)
}

/// Removes the white space at both ends of a block.
fn trim(nodes: &mut Vec<Node>) {
    if let Some(Node::Text(text)) = nodes.last_mut() {
        text.truncate(text.trim_end_matches([' ', '\t', '\n']).len());
        if text.is_empty() {
            nodes.pop();
        }
    }
    if let Some(Node::Text(text)) = nodes.first_mut() {
        *text = text.trim_start_matches([' ', '\t', '\n']).to_string();
        if text.is_empty() {
            nodes.remove(0);
        }
    }
}
