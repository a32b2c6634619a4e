//! A letter's HTML as a list of elements and texts with their places, the way a mail program meets them.
//!
//! What stands in conditional comments for Outlook (`<!--[if mso]>…<![endif]-->`) is part of the list, marked
//! [`Element::outlook`]: its tables are read aloud like all others. What Outlook alone does not see
//! (`<!--[if !mso]><!-->…<!--<![endif]-->`) is marked [`Element::elsewhere`].
//!
//! Promises: nodes are in the order of the text, a parent before its children; nothing here recurses, so that no nesting
//! is too deep; any text gives a page.
//!
//! BUGS: it knows the few end tags that HTML lets people leave out in tables, lists and paragraphs, and no more; letters
//! come out of an HTML parser, which wrote them all.

mod reader;

use std::ops::Range;

use reader::decode;

/// A whole HTML text, read.
pub struct Page<'a> {
    pub text: &'a str,
    pub nodes: Vec<Node>,
}

/// An element or a text.
pub struct Node {
    /// Among the page's nodes.
    pub parent: Option<usize>,
    /// An element's start tag, or the text: bytes of the page's text.
    pub range: Range<usize>,
    pub kind: Kind,
}

pub enum Kind {
    Element(Element),
    Text,
}

pub struct Element {
    /// In lower case.
    pub name: String,
    pub attributes: Vec<Attribute>,
    /// Where the element ends in the page's text, its end tag included.
    pub end: usize,
    /// The first node after this element's own.
    pub after: usize,
    /// It stands in a comment that only Outlook on Windows reads.
    pub outlook: bool,
    /// It stands between comments that hide it from Outlook on Windows.
    pub elsewhere: bool,
}

pub struct Attribute {
    /// In lower case.
    pub name: String,
    /// With its character references resolved.
    pub value: String,
    /// The value as it stands in the page's text; the name where there is no value.
    pub range: Range<usize>,
}

impl Element {
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name == name)
    }

    /// An attribute's value.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.attribute(name).map(|attribute| attribute.value.as_str())
    }

    pub fn classes(&self) -> impl Iterator<Item = &str> {
        self.value("class").unwrap_or("").split_ascii_whitespace()
    }
}

impl<'a> Page<'a> {
    pub fn read(text: &'a str) -> Page<'a> {
        Page { text, nodes: reader::read(text) }
    }

    /// Every element with its number and its start tag's place, in order.
    pub fn elements(&self) -> impl DoubleEndedIterator<Item = (usize, &Node, &Element)> {
        self.nodes.iter().enumerate().filter_map(|(id, node)| match &node.kind {
            Kind::Element(element) => Some((id, node, element)),
            Kind::Text => None,
        })
    }

    /// Every text with its number.
    pub fn texts(&self) -> impl Iterator<Item = (usize, &Node)> {
        self.nodes.iter().enumerate().filter(|(_, node)| matches!(node.kind, Kind::Text))
    }

    pub fn element(&self, id: usize) -> Option<&Element> {
        match &self.nodes.get(id)?.kind {
            Kind::Element(element) => Some(element),
            Kind::Text => None,
        }
    }

    /// The elements around a node, the nearest first.
    pub fn around(&self, id: usize) -> impl Iterator<Item = (usize, &Element)> {
        let mut next = self.nodes.get(id).and_then(|node| node.parent);
        std::iter::from_fn(move || {
            let id = next?;
            next = self.nodes.get(id)?.parent;
            Some((id, self.element(id)?))
        })
    }

    /// The elements right inside of this one.
    pub fn children(&self, id: usize) -> impl Iterator<Item = (usize, &Element)> {
        self.inside(id).filter(move |(child, _)| self.nodes.get(*child).is_some_and(|node| node.parent == Some(id)))
    }

    /// The elements inside of this one, at any depth.
    pub fn inside(&self, id: usize) -> impl Iterator<Item = (usize, &Element)> {
        let after = self.element(id).map_or(id, |element| element.after);
        (id + 1..after).filter_map(|id| Some((id, self.element(id)?)))
    }

    /// A text node's text, its character references resolved.
    pub fn words(&self, node: &Node) -> String {
        decode(self.text.get(node.range.clone()).unwrap_or(""))
    }

    /// All text inside of an element, pictures as their alternative texts; what only Outlook reads left out.
    pub fn text_of(&self, id: usize) -> String {
        let mut out = String::new();
        let after = self.element(id).map_or(id, |element| element.after);
        for (id, node) in self.nodes.iter().enumerate().take(after).skip(id + 1) {
            match &node.kind {
                Kind::Text if !self.is_for_outlook(id) => out.push_str(&self.words(node)),
                Kind::Element(element) if element.name == "img" => out.push_str(element.value("alt").unwrap_or("")),
                _ => {}
            }
        }
        out
    }

    /// Whether a node stands in a comment that only Outlook reads, or in what is no text for people.
    pub fn is_for_outlook(&self, id: usize) -> bool {
        self.element(id).is_some_and(|element| element.outlook)
            || self.around(id).next().is_some_and(|(_, parent)| parent.name == "xml")
            || self.around(id).any(|(_, parent)| matches!(parent.name.as_str(), "style" | "script" | "title" | "xml"))
    }
}

/// Elements without content and end tag.
pub fn is_void(name: &str) -> bool {
    const VOID: [&str; 14] = [
        "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr",
    ];
    VOID.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(html: &str) -> Vec<String> {
        let page = Page::read(html);
        page.nodes
            .iter()
            .enumerate()
            .map(|(id, node)| {
                let depth = "  ".repeat(page.around(id).count());
                match &node.kind {
                    Kind::Element(element) => {
                        let seen = match (element.outlook, element.elsewhere) {
                            (true, _) => " (outlook)",
                            (_, true) => " (elsewhere)",
                            _ => "",
                        };
                        format!("{depth}{}{seen}", element.name)
                    }
                    Kind::Text => format!("{depth}{:?}", page.words(node)),
                }
            })
            .collect()
    }

    #[test]
    fn what_only_outlook_reads_has_its_place_among_the_rest() {
        let html = "<table><tr><td><!--[if mso]><table><tr><td><![endif]--><p>a &lt; b<br>c</p>\
                    <!--[if mso]></td></tr></table><![endif]--></td></tr></table><!--[if !mso]><!--><i>d</i><!--<![endif]-->";
        assert_eq!(
            outline(html),
            [
                "table",
                "  tr",
                "    td",
                "      table (outlook)",
                "        tr (outlook)",
                "          td (outlook)",
                "            p",
                "              \"a < b\"",
                "              br",
                "              \"c\"",
                "i (elsewhere)",
                "  \"d\""
            ]
        );
    }

    #[test]
    fn end_tags_that_html_lets_people_leave_out_are_known() {
        let lines = outline("<ul><li>a<li>b</ul><table><tr><td>c<td>d<tr><td>e</table><p>f<p>g");
        let flat: Vec<&str> = lines.iter().map(|line| line.trim_start()).collect();
        assert_eq!(lines.iter().filter(|line| line.as_str() == "  li").count(), 2);
        assert_eq!(lines.iter().filter(|line| line.as_str() == "  tr").count(), 2);
        assert_eq!(lines.iter().filter(|line| line.as_str() == "    td").count(), 3);
        assert_eq!(lines.iter().filter(|line| line.as_str() == "p").count(), 2);
        assert_eq!(flat.iter().filter(|line| line.starts_with('"')).count(), 7);
    }

    #[test]
    fn attributes_have_their_values_and_places() {
        let html = "<a href='x?a=1&amp;b=2' CLASS=big hidden title=\"é\">t</a>";
        let page = Page::read(html);
        let a = page.element(0).expect("a link");
        let told: Vec<(&str, &str, &str)> =
            a.attributes.iter().map(|a| (a.name.as_str(), a.value.as_str(), &html[a.range.clone()])).collect();
        assert_eq!(
            told,
            [
                ("href", "x?a=1&b=2", "x?a=1&amp;b=2"),
                ("class", "big", "big"),
                ("hidden", "", "hidden"),
                ("title", "é", "é")
            ]
        );
        assert_eq!(&html[..a.end], html);
    }

    #[test]
    fn any_text_gives_a_page() {
        for html in
            ["<", "a<", "<a", "<a href=", "<a href=\"", "<!--", "<!--[if mso]>", "</", "<style>a", "&#x;&", "<é>"]
        {
            let _ = outline(html);
        }
        assert_eq!(outline("1 < 2"), ["\"1 \"", "\"<\"", "\" 2\""]);
    }
}
