//! A small HTML tree: what Markdown, cleaning, embeds and plain text all work on.
//!
//! Promises: [`write`] escapes every text and every value, closes every element, and writes nothing but what the tree
//! holds. A tree is never deeper than [`MAX_DEPTH`], so that walking it by recursion is safe on any thread.
//! BUGS: a tree that was built by hand may hold what HTML forbids (a `<p>` in a `<p>`); nothing here checks it.

/// How deep an element may lie; whoever builds a tree unwraps what lies deeper.
pub const MAX_DEPTH: usize = 128;

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

impl Node {
    pub fn text(text: impl Into<String>) -> Node {
        Node::Text(text.into())
    }

    /// The element, if it is one.
    pub fn element(&self) -> Option<&Element> {
        match self {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        }
    }

    /// Nothing but white space.
    pub fn is_blank(&self) -> bool {
        matches!(self, Node::Text(text) if text.trim_matches([' ', '\n', '\t', '\r']).is_empty())
    }
}

impl From<Element> for Node {
    fn from(element: Element) -> Node {
        Node::Element(element)
    }
}

impl Element {
    pub fn new(name: &str) -> Element {
        Element { name: name.to_string(), ..Element::default() }
    }

    /// The element with one more attribute.
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Element {
        self.attributes.push((name.to_string(), value.into()));
        self
    }

    /// The element with one more child.
    pub fn child(mut self, child: impl Into<Node>) -> Element {
        self.children.push(child.into());
        self
    }

    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Sets an attribute, in its place when it is there already.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        match self.attributes.iter_mut().find(|(n, _)| n == name) {
            Some((_, old)) => *old = value.into(),
            None => self.attributes.push((name.to_string(), value.into())),
        }
    }

    pub fn remove(&mut self, name: &str) {
        self.attributes.retain(|(n, _)| n != name);
    }

    /// Adds a class to those that are there.
    pub fn add_class(&mut self, class: &str) {
        match self.attributes.iter_mut().find(|(n, _)| n == "class") {
            Some((_, old)) => {
                old.push(' ');
                old.push_str(class);
            }
            None => self.attributes.push(("class".to_string(), class.to_string())),
        }
    }
}

/// All text under these nodes, one after the other, with pictures as their alternative texts.
pub fn text_content(nodes: &[Node]) -> String {
    fn gather(nodes: &[Node], out: &mut String) {
        for node in nodes {
            match node {
                Node::Text(text) => out.push_str(text),
                Node::Element(e) if e.name == "img" => out.push_str(e.attribute("alt").unwrap_or("")),
                Node::Element(e) => gather(&e.children, out),
            }
        }
    }
    let mut out = String::new();
    gather(nodes, &mut out);
    out
}

/// Elements that have no content and no end tag.
pub fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Elements that stand on lines of their own.
pub fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "div"
            | "dl"
            | "dt"
            | "figcaption"
            | "figure"
            | "footer"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "li"
            | "main"
            | "nav"
            | "ol"
            | "p"
            | "pre"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "tfoot"
            | "th"
            | "thead"
            | "tr"
            | "ul"
    )
}

/// The nodes as HTML. A line break follows each block, where it means nothing, so that people can read the source.
pub fn write(nodes: &[Node]) -> String {
    let mut out = String::with_capacity(nodes.len() * 64);
    write_nodes(nodes, &mut out);
    out
}

fn write_nodes(nodes: &[Node], out: &mut String) {
    for (index, node) in nodes.iter().enumerate() {
        match node {
            Node::Text(text) => escape_text(text, out),
            Node::Element(element) => {
                write_element(element, out);
                let spaced = matches!(nodes.get(index + 1), Some(Node::Text(next)) if next.starts_with(['\n', ' ']));
                if is_block(&element.name) && !spaced {
                    out.push('\n');
                }
            }
        }
    }
}

fn write_element(element: &Element, out: &mut String) {
    write_start(element, out);
    if is_void(&element.name) {
        return;
    }
    // The parser drops a line break that starts a <pre>: one that is meant needs another before it.
    if element.name == "pre" && matches!(element.children.first(), Some(Node::Text(t)) if t.starts_with('\n')) {
        out.push('\n');
    }
    write_nodes(&element.children, out);
    out.push_str("</");
    out.push_str(&element.name);
    out.push('>');
}

/// `<name a="b">`.
pub fn write_start(element: &Element, out: &mut String) {
    out.push('<');
    out.push_str(&element.name);
    for (name, value) in &element.attributes {
        out.push(' ');
        out.push_str(name);
        out.push_str("=\"");
        escape_value(value, out);
        out.push('"');
    }
    out.push('>');
}

/// Text with `&`, `<` and `>` escaped.
pub fn escape_text(text: &str, out: &mut String) {
    escape(text, out, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        _ => None,
    });
}

/// An attribute's value, for double quotes.
pub fn escape_value(text: &str, out: &mut String) {
    escape(text, out, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'"' => Some("&quot;"),
        _ => None,
    });
}

fn escape(text: &str, out: &mut String, entity: impl Fn(u8) -> Option<&'static str>) {
    let mut written = 0;
    for (index, byte) in text.bytes().enumerate() {
        if let Some(entity) = entity(byte) {
            out.push_str(&text[written..index]);
            out.push_str(entity);
            written = index + 1;
        }
    }
    out.push_str(&text[written..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_escaped() {
        let link = Element::new("a").with("href", "https://example.org/?a=1&b=\"<>").child(Node::text("a < b & c"));
        let html = write(&[Element::new("p").child(link).child(Element::new("br")).into()]);
        assert_eq!(
            html,
            "<p><a href=\"https://example.org/?a=1&amp;b=&quot;&lt;&gt;\">a &lt; b &amp; c</a><br></p>\n"
        );
    }

    #[test]
    fn a_line_break_that_starts_a_pre_survives() {
        assert_eq!(write(&[Element::new("pre").child(Node::text("\na")).into()]), "<pre>\n\na</pre>\n");
    }
}
