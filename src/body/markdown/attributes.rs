//! `{.class #id key=value}` after a block's text or after a piece of inline text, as markdown-it-attrs and kramdown
//! (`{: .class}`) have it.
//!
//! Only braces that hold a class, an id or a value are taken; `{braces}` are text. Which attributes reach a reader is
//! `clean`'s to say.

use super::super::tree::{Element, Node};

/// Keys that may be written: nothing here can carry script.
const KEYS: [&str; 12] =
    ["alt", "class", "dir", "height", "hreflang", "id", "lang", "loading", "rel", "target", "title", "width"];

/// Takes attributes at the end of a block's text.
pub fn apply_to_block(element: &mut Element) {
    if element.name == RAW_NAME {
        return;
    }
    let Some(Node::Text(last)) = element.children.last_mut() else { return };
    let Some((start, attributes)) = at_end(last) else { return };
    let only = start == 0;
    last.truncate(last[..start].trim_end_matches([' ', '\n']).len());
    if last.is_empty() {
        element.children.pop();
        // On a line of its own: the line break before it goes too.
        if only && matches!(element.children.last(), Some(Node::Element(e)) if e.name == "br") {
            element.children.pop();
        }
    }
    give(element, attributes);
}

const RAW_NAME: &str = super::RAW;

/// Takes attributes that follow a link, a picture, code or marked text at once.
pub fn apply_to_inline(nodes: &mut [Node]) {
    for index in 1..nodes.len() {
        let (before, after) = nodes.split_at_mut(index);
        let (Some(Node::Element(element)), Some(Node::Text(text))) = (before.last_mut(), after.first_mut()) else {
            continue;
        };
        if !matches!(element.name.as_str(), "a" | "code" | "em" | "img" | "s" | "strong") {
            continue;
        }
        if let Some((length, attributes)) = at_start(text) {
            text.drain(..length);
            give(element, attributes);
        }
    }
    for node in nodes {
        if let Node::Element(element) = node
            && element.children.len() > 1
        {
            apply_to_inline(&mut element.children);
        }
    }
}

fn give(element: &mut Element, attributes: Vec<(String, String)>) {
    for (key, value) in attributes {
        match key.as_str() {
            "class" => element.add_class(&value),
            key if KEYS.contains(&key) => element.set(key, value),
            _ => {}
        }
    }
    if let Some((_, class)) = element.attributes.iter_mut().find(|(key, _)| key == "class") {
        *class = class.trim().to_string();
    }
}

fn at_end(text: &str) -> Option<(usize, Vec<(String, String)>)> {
    let trimmed = text.trim_end();
    if !trimmed.ends_with('}') {
        return None;
    }
    let start = trimmed.rfind('{')?;
    if trimmed[..start].ends_with(['{', '$']) {
        return None;
    }
    Some((start, parse(&trimmed[start + 1..trimmed.len() - 1])?))
}

fn at_start(text: &str) -> Option<(usize, Vec<(String, String)>)> {
    let inside = text.strip_prefix('{')?;
    let end = inside.find('}')?;
    Some((end + 2, parse(&inside[..end])?))
}

/// `.class #id key=value key="a value"`; `None` when anything else is there, or nothing.
fn parse(inside: &str) -> Option<Vec<(String, String)>> {
    let mut rest = inside.strip_prefix(':').unwrap_or(inside).trim();
    let mut attributes = Vec::new();
    while !rest.is_empty() {
        let end = rest.find([' ', '=', '"']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if let Some(value) = after.strip_prefix('=') {
            let (value, after) = match value.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"')?,
                None => value.split_at(value.find(' ').unwrap_or(value.len())),
            };
            if !is_name(word) {
                return None;
            }
            attributes.push((word.to_ascii_lowercase(), value.to_string()));
            rest = after.trim_start();
            continue;
        }
        match word.split_at_checked(1)? {
            (".", name) if is_name(name) => attributes.push(("class".to_string(), name.to_string())),
            ("#", name) if is_name(name) => attributes.push(("id".to_string(), name.to_string())),
            _ => return None,
        }
        rest = after.trim_start();
        if after.starts_with('"') {
            return None;
        }
    }
    (!attributes.is_empty()).then_some(attributes)
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_braces_that_hold_attributes_are_taken() {
        assert_eq!(at_end("Titre {.a #b lang=fr}").map(|(at, a)| (at, a.len())), Some((6, 3)));
        assert!(at_end("un {mot}").is_none());
        assert!(at_end("{{ .a }}").is_none());
        assert!(at_end("{}").is_none());
        assert_eq!(
            parse(": .x title=\"a b\""),
            Some(vec![("class".into(), "x".into()), ("title".into(), "a b".into())])
        );
    }
}
