//! What is done to a block's inline nodes once all of them are there: links, typography, attributes.

use super::super::tree::Node;
use super::{RAW, SPECIAL, attributes, linkify, typography};
use crate::config::MarkdownOptions;

/// Finishes `nodes[run..]`, the inline nodes of one block.
pub fn finish(nodes: &mut Vec<Node>, run: usize, options: &MarkdownOptions) {
    if run >= nodes.len() {
        return;
    }
    let mut inline = nodes.split_off(run);
    if options.linkify {
        linkify::link(&mut inline);
    }
    attributes::apply_to_inline(&mut inline);
    if options.typographer {
        typography::replace(&mut inline, &options.quotes);
    }
    dissolve(inline, nodes);
}

/// Puts `nodes` after `out`, specials as the text that they stand for, neighbouring texts as one.
fn dissolve(nodes: Vec<Node>, out: &mut Vec<Node>) {
    for node in nodes {
        match node {
            Node::Element(element) if element.name == SPECIAL => {
                for child in element.children {
                    merge(child, out);
                }
            }
            Node::Element(mut element) if element.name != RAW && !element.children.is_empty() => {
                let children = std::mem::take(&mut element.children);
                dissolve(children, &mut element.children);
                out.push(Node::Element(element));
            }
            node => merge(node, out),
        }
    }
}

fn merge(node: Node, out: &mut Vec<Node>) {
    match (node, out.last_mut()) {
        (Node::Text(text), Some(Node::Text(last))) => last.push_str(&text),
        (node, _) => out.push(node),
    }
}
