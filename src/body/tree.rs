//! A small HTML tree: what Markdown, cleaning, embeds and plain text all work on.

/// An element or a piece of text. Comments do not exist here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Element(Element),
    Text(String),
}

/// An HTML element; `name` in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    pub name: String,
    /// In the order in which they are written; values unescaped.
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Node>,
}
