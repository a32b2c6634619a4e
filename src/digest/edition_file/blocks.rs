//! Markdown as the few blocks that an edition's file is made of, each with its place.
//!
//! Promises: any text; what a letter has no place for is an [`Block::Other`] that says what it is. Nesting beyond what
//! anybody writes is one of these, so that no text exhausts the stack.

use std::iter::Peekable;
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, OffsetIter, Options, Parser, Tag};

const DEEPEST: usize = 24;

/// A block, with the bytes of the text that it takes.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    Heading {
        level: u8,
        words: Vec<Inline>,
        range: Range<usize>,
    },
    Paragraph {
        words: Vec<Inline>,
        range: Range<usize>,
    },
    /// Each line's blocks and its range.
    List {
        lines: Vec<(Vec<Block>, Range<usize>)>,
        range: Range<usize>,
    },
    Quote {
        blocks: Vec<Block>,
        range: Range<usize>,
    },
    /// As written, comments too.
    Html {
        text: String,
        range: Range<usize>,
    },
    /// What it is, in words for a person.
    Other {
        what: &'static str,
        range: Range<usize>,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Inline {
    Text(String),
    Code(String),
    /// A line's end, and one that a person wanted.
    Break {
        hard: bool,
    },
    Emphasis(Vec<Inline>),
    Strong(Vec<Inline>),
    Link {
        url: String,
        words: Vec<Inline>,
        range: Range<usize>,
    },
    Html {
        text: String,
        range: Range<usize>,
    },
    Other {
        what: &'static str,
        range: Range<usize>,
    },
}

/// The blocks of a text.
pub fn read(text: &str) -> Vec<Block> {
    // Tables are asked for to be told apart from words.
    let parser = Parser::new_ext(text, Options::ENABLE_TABLES);
    Reader { text, events: parser.into_offset_iter().peekable() }.blocks(0)
}

/// Plain text, a line's end being a space.
pub fn plain(words: &[Inline]) -> String {
    let mut out = String::new();
    plain_into(words, &mut out);
    out
}

fn plain_into(words: &[Inline], out: &mut String) {
    for inline in words {
        match inline {
            Inline::Text(text) | Inline::Code(text) => out.push_str(text),
            Inline::Break { .. } => out.push(' '),
            Inline::Emphasis(words) | Inline::Strong(words) | Inline::Link { words, .. } => plain_into(words, out),
            Inline::Html { .. } | Inline::Other { .. } => {}
        }
    }
}

struct Reader<'t> {
    text: &'t str,
    events: Peekable<OffsetIter<'t>>,
}

impl Reader<'_> {
    /// Blocks up to the end of what they stand in. Words that stand there bare (a tight list's) are a paragraph.
    fn blocks(&mut self, depth: usize) -> Vec<Block> {
        let mut blocks = Vec::new();
        while let Some((event, range)) = self.events.peek() {
            let range = range.clone();
            match event {
                Event::End(_) => break,
                Event::Start(tag) if is_block(tag) => {
                    let tag = tag.clone();
                    self.events.next();
                    blocks.push(self.block(tag, range, depth));
                }
                Event::Rule => {
                    self.events.next();
                    blocks.push(Block::Other { what: "a rule", range });
                }
                Event::Html(_) => {
                    self.events.next();
                    blocks.push(Block::Html { text: self.text[range.clone()].to_string(), range });
                }
                _ => {
                    let words = self.words(depth, false);
                    let end = self.events.peek().map_or(self.text.len(), |(_, next)| next.end);
                    let range = range.start..last_end(&words).unwrap_or(end).max(range.end);
                    blocks.push(Block::Paragraph { words, range });
                }
            }
        }
        blocks
    }

    /// One block whose start was taken; takes its end.
    fn block(&mut self, tag: Tag<'_>, range: Range<usize>, depth: usize) -> Block {
        if depth >= DEEPEST {
            self.skip();
            return Block::Other { what: "so much of one thing inside another", range };
        }
        let block = match tag {
            Tag::Heading { level, .. } => {
                let level = match level {
                    HeadingLevel::H1 => 1,
                    HeadingLevel::H2 => 2,
                    HeadingLevel::H3 => 3,
                    HeadingLevel::H4 => 4,
                    HeadingLevel::H5 => 5,
                    HeadingLevel::H6 => 6,
                };
                Block::Heading { level, words: self.words(depth, true), range }
            }
            Tag::Paragraph => Block::Paragraph { words: self.words(depth, true), range },
            Tag::BlockQuote(_) => {
                let blocks = self.blocks(depth + 1);
                Block::Quote { blocks, range }
            }
            Tag::List(_) => {
                let mut lines = Vec::new();
                while let Some((Event::Start(Tag::Item), line)) = self.events.peek() {
                    let line = line.clone();
                    self.events.next();
                    let blocks = self.blocks(depth + 1);
                    self.events.next();
                    lines.push((blocks, line));
                }
                Block::List { lines, range }
            }
            Tag::HtmlBlock => {
                self.skip();
                return Block::Html { text: self.text[range.clone()].to_string(), range };
            }
            Tag::CodeBlock(kind) => {
                self.skip();
                let what = match kind {
                    CodeBlockKind::Fenced(_) => "code",
                    CodeBlockKind::Indented => "code (a line that begins with four spaces is)",
                };
                return Block::Other { what, range };
            }
            Tag::Table(_) => {
                self.skip();
                return Block::Other { what: "a table", range };
            }
            _ => {
                self.skip();
                return Block::Other { what: "this", range };
            }
        };
        self.events.next();
        block
    }

    /// Words up to the end of what they stand in, or, where they stand bare, up to the next block.
    fn words(&mut self, depth: usize, closed: bool) -> Vec<Inline> {
        let mut words: Vec<Inline> = Vec::new();
        while let Some((event, _)) = self.events.peek() {
            let is_next_block = match event {
                Event::Start(tag) => is_block(tag),
                Event::Rule | Event::Html(_) => true,
                _ => false,
            };
            if matches!(event, Event::End(_)) || (is_next_block && !closed) {
                break;
            }
            let Some((event, range)) = self.events.next() else { break };
            let inline = match event {
                Event::Text(text) => Inline::Text(text.to_string()),
                Event::Code(text) => Inline::Code(text.to_string()),
                Event::SoftBreak => Inline::Break { hard: false },
                Event::HardBreak => Inline::Break { hard: true },
                Event::InlineHtml(text) | Event::Html(text) => Inline::Html { text: text.to_string(), range },
                Event::Start(_) if depth >= DEEPEST => {
                    self.skip();
                    Inline::Other { what: "so much of one thing inside another", range }
                }
                Event::Start(tag) => {
                    let inline = match tag {
                        Tag::Emphasis => Inline::Emphasis(self.words(depth + 1, true)),
                        Tag::Strong => Inline::Strong(self.words(depth + 1, true)),
                        Tag::Link { dest_url, .. } => {
                            Inline::Link { url: dest_url.to_string(), words: self.words(depth + 1, true), range }
                        }
                        Tag::Image { .. } => {
                            self.skip();
                            words.push(Inline::Other { what: "a picture", range });
                            continue;
                        }
                        _ => {
                            self.skip();
                            words.push(Inline::Other { what: "this", range });
                            continue;
                        }
                    };
                    self.events.next();
                    inline
                }
                _ => Inline::Other { what: "this", range },
            };
            match (words.last_mut(), inline) {
                (Some(Inline::Text(last)), Inline::Text(text)) => last.push_str(&text),
                (_, inline) => words.push(inline),
            }
        }
        words
    }

    /// Passes over everything up to the end of what was begun, and that end.
    fn skip(&mut self) {
        let mut open = 1;
        for (event, _) in self.events.by_ref() {
            match event {
                Event::Start(_) => open += 1,
                Event::End(_) => open -= 1,
                _ => {}
            }
            if open == 0 {
                break;
            }
        }
    }
}

fn last_end(words: &[Inline]) -> Option<usize> {
    match words.last()? {
        Inline::Link { range, .. } | Inline::Html { range, .. } | Inline::Other { range, .. } => Some(range.end),
        _ => None,
    }
}

fn is_block(tag: &Tag<'_>) -> bool {
    !matches!(
        tag,
        Tag::Emphasis
            | Tag::Strong
            | Tag::Strikethrough
            | Tag::Superscript
            | Tag::Subscript
            | Tag::Link { .. }
            | Tag::Image { .. }
    )
}
