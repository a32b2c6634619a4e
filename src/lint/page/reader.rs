//! Reads a page's text into its nodes: tags, texts, and what stands in comments for Outlook.

use std::ops::Range;

use super::{Attribute, Element, Kind, Node, is_void};

/// All nodes of a text.
pub(super) fn read(text: &str) -> Vec<Node> {
    let mut reader = Reader { text, nodes: Vec::new(), open: Vec::new(), elsewhere: false };
    reader.read(0..text.len(), false);
    while let Some(last) = reader.open.pop() {
        reader.close(last, text.len());
    }
    reader.nodes
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
pub(super) fn decode(text: &str) -> String {
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
