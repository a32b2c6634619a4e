//! What French webmails leave of a letter: a filter that takes away what La Poste, SFR or Orange take away, all at once.
//!
//! From what is published of them (caniemail's tables): La Poste and the telephone programs of SFR and Orange know no
//! `<style>` and no class; Orange drops `lang`, `role` and ARIA, and `dir` from tables and cells; SFR's anchors lead
//! away from the letter. The document itself is gone everywhere: the body's content stands in a `<div>` of the webmail's page.

use html5ever::serialize::{SerializeOpts, TraversalScope, serialize};
use markup5ever_rcdom::{Handle, NodeData, SerializableHandle};

use super::html::{find, name, parse};

/// The letter in a webmail's page.
pub fn filtered(letter: &str) -> String {
    // Held to the end: a tree falls apart with its root.
    let document = parse(letter);
    let body = find(&document, "body").expect("a body");
    strip(&body);
    let mut content = Vec::new();
    let options = SerializeOpts { traversal_scope: TraversalScope::ChildrenOnly(None), ..SerializeOpts::default() };
    serialize(&mut content, &SerializableHandle::from(body), options).expect("written");
    format!(
        "<!DOCTYPE html>\n<html lang=\"fr\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Messagerie</title></head>\n<body style=\"margin:0;font:14px Arial,sans-serif;background-color:#ffffff;color:#000000\">\n\
         <div>{}</div>\n</body></html>\n",
        String::from_utf8(content).expect("text")
    )
}

fn strip(node: &Handle) {
    let gone = |child: &Handle| {
        matches!(name(child), "style" | "link" | "meta" | "title" | "script")
            || matches!(child.data, NodeData::Comment { .. })
    };
    node.children.borrow_mut().retain(|child| !gone(child));
    if let NodeData::Element { attrs, .. } = &node.data {
        let in_table = matches!(name(node), "table" | "tbody" | "tr" | "td");
        attrs.borrow_mut().retain(|attribute| {
            let key: &str = &attribute.name.local;
            let anchor = key == "href" && attribute.value.starts_with('#');
            let named = matches!(key, "id" | "name" | "class" | "lang" | "role") || key.starts_with("aria-");
            let gone = anchor || named || (in_table && key == "dir");
            !gone
        });
    }
    node.children.borrow().iter().for_each(strip);
}
