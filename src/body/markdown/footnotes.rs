//! Footnotes: numbered in the order in which they are first named, listed at the end of the body.
//!
//! Promises: ids are the same for the same item and differ from every other item's, so that several bodies can stand
//! on one page. A note that nobody names is left out; a name without a note stays as text.

use std::collections::HashMap;

use super::super::tree::{Element, Node};

pub struct Footnotes {
    prefix: String,
    /// Labels in the order in which they are first named, with how often they are.
    named: Vec<(String, usize)>,
    numbers: HashMap<String, usize>,
    notes: HashMap<String, Vec<Node>>,
}

impl Footnotes {
    pub fn new(prefix: &str) -> Footnotes {
        Footnotes { prefix: prefix.to_string(), named: Vec::new(), numbers: HashMap::new(), notes: HashMap::new() }
    }

    /// What stands in the text where a note is named.
    pub fn reference(&mut self, label: &str) -> Node {
        let named = &mut self.named;
        let number = *self.numbers.entry(label.to_string()).or_insert_with(|| {
            named.push((label.to_string(), 0));
            named.len()
        });
        let Some((_, count)) = self.named.get_mut(number - 1) else { return Node::text("") };
        *count += 1;
        let link = Element::new("a")
            .with("href", format!("#fn-{}-{number}", self.prefix))
            .with("id", reference_id(&self.prefix, number, *count))
            .child(Node::text(format!("[{number}]")));
        Element::new("sup").with("class", "footnote-ref").child(link).into()
    }

    pub fn define(&mut self, label: &str, nodes: Vec<Node>) {
        self.notes.entry(label.to_string()).or_insert(nodes);
    }

    /// The list of all notes that are named.
    pub fn section(mut self) -> Option<Node> {
        let mut list = Element::new("ol").with("class", "footnotes-list");
        for (index, (label, count)) in self.named.iter().enumerate() {
            let number = index + 1;
            let mut nodes = self.notes.remove(label).unwrap_or_default();
            let backs = (1..=*count).flat_map(|nth| {
                let id = reference_id(&self.prefix, number, nth);
                let back = Element::new("a").with("href", format!("#{id}")).with("class", "footnote-backref");
                [Node::text(" "), back.child(Node::text("↩\u{fe0e}")).into()]
            });
            match nodes.last_mut() {
                Some(Node::Element(last)) if last.name == "p" => last.children.extend(backs),
                _ => nodes.extend(backs),
            }
            let item = Element::new("li").with("id", format!("fn-{}-{number}", self.prefix));
            list.children.push(Element { children: nodes, ..item }.into());
        }
        if list.children.is_empty() {
            return None;
        }
        Some(Element::new("section").with("class", "footnotes").child(list).into())
    }
}

fn reference_id(prefix: &str, number: usize, nth: usize) -> String {
    match nth {
        1 => format!("fnref-{prefix}-{number}"),
        nth => format!("fnref-{prefix}-{number}-{nth}"),
    }
}
