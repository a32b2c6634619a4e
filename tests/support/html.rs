//! A page as the tree that a browser makes of it.

use html5ever::tendril::TendrilSink;
use html5ever::{ParseOpts, parse_document};
use markup5ever_rcdom::{Handle, NodeData, RcDom};

pub fn parse(page: &str) -> Handle {
    parse_document(RcDom::default(), ParseOpts::default()).one(page).document
}

/// An element's name, in lower case; empty for what is no element.
pub fn name(node: &Handle) -> &str {
    match &node.data {
        NodeData::Element { name, .. } => &name.local,
        _ => "",
    }
}

pub fn attribute(node: &Handle, wanted: &str) -> Option<String> {
    let NodeData::Element { attrs, .. } = &node.data else { return None };
    attrs
        .borrow()
        .iter()
        .find(|attribute| &*attribute.name.local == wanted)
        .map(|attribute| attribute.value.to_string())
}

/// The first element of this name, the node itself included.
pub fn find(node: &Handle, wanted: &str) -> Option<Handle> {
    if name(node) == wanted {
        return Some(node.clone());
    }
    node.children.borrow().iter().find_map(|child| find(child, wanted))
}

/// What a node's text says, in one line.
pub fn text(node: &Handle) -> String {
    fn gather(node: &Handle, into: &mut String) {
        match &node.data {
            NodeData::Text { contents } => into.push_str(&contents.borrow()),
            _ => node.children.borrow().iter().for_each(|child| gather(child, into)),
        }
    }
    let mut gathered = String::new();
    gather(node, &mut gathered);
    gathered.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The page as Outlook on Windows reads it: what stands in its conditional comments is there, and what is hidden from it
/// is not.
pub fn as_outlook_reads(page: &str) -> String {
    let mut seen = String::new();
    let mut rest = page;
    while let Some(start) = rest.find("<!--[if ") {
        seen.push_str(&rest[..start]);
        let comment = &rest[start..];
        let condition_ends = comment.find("]>").expect("a condition ends") + 2;
        let (condition, after) = (&comment[..condition_ends], &comment[condition_ends..]);
        let (closing, for_outlook) = match condition.contains("!mso") {
            true => ("<!--<![endif]-->", false),
            false => ("<![endif]-->", true),
        };
        let length = after.find(closing).unwrap_or_else(|| panic!("{condition} never ends"));
        if for_outlook {
            seen.push_str(&after[..length]);
        }
        rest = &after[length + closing.len()..];
    }
    seen + rest
}
