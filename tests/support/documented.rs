//! What the documentation tells people to write and to type, as they would copy it.

use std::path::Path;

use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// A block of code, the headings that it stands under, and its language.
pub struct Block {
    pub headings: Vec<String>,
    pub language: String,
    pub text: String,
}

/// The blocks of a file of the repository, in their order.
pub fn blocks(path: &str) -> Vec<Block> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut headings: Vec<String> = Vec::new();
    let mut blocks = Vec::new();
    let mut words = String::new();
    let mut language = String::new();
    for event in Parser::new(&text) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                headings.truncate(level as usize - 1);
                words.clear();
            }
            Event::End(TagEnd::Heading(_)) => headings.push(std::mem::take(&mut words)),
            Event::Start(Tag::CodeBlock(kind)) => {
                words.clear();
                language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
            }
            Event::End(TagEnd::CodeBlock) => blocks.push(Block {
                headings: headings.clone(),
                language: std::mem::take(&mut language),
                text: std::mem::take(&mut words),
            }),
            Event::Text(text) | Event::Code(text) => words.push_str(&text),
            _ => {}
        }
    }
    blocks
}

/// The blocks under a heading, in this language.
pub fn under<'a>(blocks: &'a [Block], heading: &str, language: &str) -> Vec<&'a str> {
    let found: Vec<&str> = blocks
        .iter()
        .filter(|block| block.language == language && block.headings.iter().any(|one| one == heading))
        .map(|block| block.text.as_str())
        .collect();
    assert!(!found.is_empty(), "no {language} under {heading}");
    found
}

/// What is typed behind this prompt (`$` anybody, `#` root), line by line.
pub fn typed(blocks: &[Block], heading: &str, prompt: char) -> Vec<String> {
    let consoles = under(blocks, heading, "console").concat();
    let lines = consoles.lines().filter_map(|line| line.strip_prefix(prompt).and_then(|line| line.strip_prefix(' ')));
    lines.map(str::to_string).collect()
}
