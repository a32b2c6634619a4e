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

use std::ops::Range;

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
        let mut reader = Reader { text, nodes: Vec::new(), open: Vec::new(), elsewhere: false };
        reader.read(0..text.len(), false);
        while let Some(last) = reader.open.pop() {
            reader.close(last, text.len());
        }
        Page { text, nodes: reader.nodes }
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

struct Reader<'a> {
    text: &'a str,
    nodes: Vec<Node>,
    /// Of elements that are not closed yet, innermost last.
    open: Vec<usize>,
    /// Outlook does not see what is read now.
    elsewhere: bool,
}

impl Reader<'_> {
    fn read(&mut self, range: Range<usize>, outlook: bool) {
        let mut at = range.start;
        while at < range.end {
            let rest = &self.text[at..range.end];
            let Some(less) = rest.find('<') else {
                self.words(at..range.end);
                break;
            };
            if less > 0 {
                self.words(at..at + less);
            }
            at += less;
            at = self.markup(at, range.end, outlook);
        }
    }

    /// Reads what starts with `<` at `at`, and says where it ends.
    fn markup(&mut self, at: usize, end: usize, outlook: bool) -> usize {
        let rest = &self.text[at..end];
        if rest.starts_with("<!--") {
            let length = rest.find("-->").map_or(rest.len(), |dashes| dashes + 3);
            let inner = rest[4..length].trim_end_matches("-->");
            if let Some(code) = inner.strip_suffix("<![endif]").filter(|_| inner.starts_with("[if"))
                && let Some(open) = code.find("]>")
            {
                self.read(at + 4 + open + 2..at + 4 + code.len(), true);
            } else if inner.starts_with("[if !") {
                self.elsewhere = true;
            } else if inner.starts_with("<![endif]") {
                self.elsewhere = false;
            }
            return at + length;
        }
        if rest.starts_with("<!") || rest.starts_with("<?") {
            return at + rest.find('>').map_or(rest.len(), |close| close + 1);
        }
        let is_end = rest.starts_with("</");
        let name_start = if is_end { 2 } else { 1 };
        let name: String = rest[name_start..]
            .chars()
            .take_while(|c| !c.is_whitespace() && !matches!(c, '>' | '/' | '<'))
            .collect::<String>()
            .to_ascii_lowercase();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            self.words(at..at + 1);
            return at + 1;
        }
        let (attributes, length) = attributes(rest, name_start + name.len(), at);
        let after = at + length;
        if is_end {
            self.end_tag(&name, at, after);
            return after;
        }
        self.imply_ends(&name, at);
        let id = self.nodes.len();
        let raw = matches!(name.as_str(), "style" | "script" | "title" | "textarea");
        let void = is_void(&name);
        let elsewhere = self.elsewhere && !outlook;
        let element = Element { name: name.clone(), attributes, end: after, after: id + 1, outlook, elsewhere };
        let parent = self.open.last().copied();
        self.nodes.push(Node { parent, range: at..after, kind: Kind::Element(element) });
        // Outlook's own elements close themselves; nobody else's do.
        if void || (name.contains(':') && self.text[at..after].ends_with("/>")) {
            return after;
        }
        self.open.push(id);
        if raw {
            let close = find_ignoring_case(&self.text[after..end], &format!("</{name}")).map_or(end, |n| after + n);
            if close > after {
                self.words(after..close);
            }
            return close;
        }
        after
    }

    fn words(&mut self, range: Range<usize>) {
        let parent = self.open.last().copied();
        self.nodes.push(Node { parent, range, kind: Kind::Text });
    }

    fn end_tag(&mut self, name: &str, at: usize, after: usize) {
        let open = &self.open;
        let Some(depth) = open.iter().rposition(|id| self.name(*id) == name) else { return };
        while self.open.len() > depth + 1 {
            if let Some(inner) = self.open.pop() {
                self.close(inner, at);
            }
        }
        if let Some(id) = self.open.pop() {
            self.close(id, after);
        }
    }

    /// Closes what this start tag ends without a word.
    fn imply_ends(&mut self, name: &str, at: usize) {
        let ends: (&[&str], &[&str]) = match name {
            "li" => (&["li"], &["ul", "ol"]),
            "dt" | "dd" => (&["dt", "dd"], &["dl"]),
            "td" | "th" => (&["td", "th"], &["tr", "table"]),
            "tr" => (&["td", "th", "tr"], &["table"]),
            "p" | "div" | "table" | "ul" | "ol" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "hr" => {
                (&["p"], &["td", "div", "li", "table"])
            }
            _ => return,
        };
        let (closed, barriers) = ends;
        let mut depth = None;
        for (index, id) in self.open.iter().enumerate().rev() {
            if barriers.contains(&self.name(*id)) {
                break;
            }
            if closed.contains(&self.name(*id)) {
                depth = Some(index);
            }
        }
        if let Some(depth) = depth {
            while self.open.len() > depth {
                if let Some(id) = self.open.pop() {
                    self.close(id, at);
                }
            }
        }
    }

    fn name(&self, id: usize) -> &str {
        match self.nodes.get(id).map(|node| &node.kind) {
            Some(Kind::Element(element)) => &element.name,
            _ => "",
        }
    }

    fn close(&mut self, id: usize, end: usize) {
        let after = self.nodes.len();
        if let Some(Node { kind: Kind::Element(element), .. }) = self.nodes.get_mut(id) {
            element.end = end;
            element.after = after;
        }
    }
}

/// The attributes of the tag that `tag` starts with, and the tag's length; the tag stands at `offset` of the page.
fn attributes(tag: &str, from: usize, offset: usize) -> (Vec<Attribute>, usize) {
    let bytes = tag.as_bytes();
    let byte = |at: usize| bytes.get(at).copied();
    let mut found = Vec::new();
    let mut at = from;
    loop {
        while byte(at).is_some_and(|b| b.is_ascii_whitespace() || b == b'/') {
            at += 1;
        }
        match byte(at) {
            None => return (found, bytes.len()),
            Some(b'>') => return (found, at + 1),
            _ => {}
        }
        let start = at;
        at += 1;
        while byte(at).is_some_and(|b| !b.is_ascii_whitespace() && !matches!(b, b'=' | b'>' | b'/')) {
            at += 1;
        }
        let name = tag[start..at].to_ascii_lowercase();
        let mut value = start..at;
        let mut next = at;
        while byte(next).is_some_and(|b| b.is_ascii_whitespace()) {
            next += 1;
        }
        let has_value = byte(next) == Some(b'=');
        if has_value {
            next += 1;
            while byte(next).is_some_and(|b| b.is_ascii_whitespace()) {
                next += 1;
            }
            match byte(next) {
                Some(quote @ (b'"' | b'\'')) => {
                    let length = tag[next + 1..].find(quote as char).unwrap_or(tag.len() - next - 1);
                    value = next + 1..next + 1 + length;
                    at = (value.end + 1).min(tag.len());
                }
                _ => {
                    let length = tag[next..].find(|c: char| c.is_ascii_whitespace() || c == '>');
                    value = next..next + length.unwrap_or(tag.len() - next);
                    at = value.end;
                }
            }
        }
        let text = if has_value { decode(&tag[value.clone()]) } else { String::new() };
        found.push(Attribute { name, value: text, range: offset + value.start..offset + value.end });
    }
}

fn find_ignoring_case(text: &str, what: &str) -> Option<usize> {
    text.as_bytes().windows(what.len()).position(|window| window.eq_ignore_ascii_case(what.as_bytes()))
}

/// Text with its character references resolved: numbers, and the names that a serializer writes.
pub fn decode(text: &str) -> String {
    if !text.contains('&') {
        return text.to_string();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let reference = rest.find(';').filter(|end| *end <= 12).map(|end| (&rest[1..end], end + 1));
        match reference.and_then(|(name, length)| Some((referred(name)?, length))) {
            Some((character, length)) => {
                out.push(character);
                rest = &rest[length..];
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    out
}

fn referred(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hexadecimal) => u32::from_str_radix(hexadecimal, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        "zwnj" => '\u{200c}',
        "zwj" => '\u{200d}',
        "shy" => '\u{ad}',
        _ => return None,
    })
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
