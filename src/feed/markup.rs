//! Bodies as feeds may hold them: what readers strip anyway, and the W3C validator warns of, is left out.
//!
//! A body is safe already. Here go ARIA attributes, styles beyond colours and alignment, and `controls`, which the
//! validator takes for a risk; a video or a sound is followed by a plain link to its file, so that it can be played
//! wherever the reader shows no controls of its own, or drops the element.

use crate::body::tree::{Element, Node};

/// Style properties with values that no reader need fear.
const PROPERTIES: &[&str] = &[
    "background-color",
    "color",
    "font-size",
    "font-style",
    "font-weight",
    "height",
    "text-align",
    "text-decoration",
    "text-indent",
    "vertical-align",
    "white-space",
    "width",
];

/// Makes the nodes fit.
pub(super) fn fit(nodes: &mut Vec<Node>) {
    let mut at = 0;
    while let Some(node) = nodes.get_mut(at) {
        at += 1;
        let Node::Element(element) = node else { continue };
        element.attributes.retain_mut(|(name, value)| match name.as_str() {
            "controls" | "role" => false,
            "style" => {
                *value = plain_style(value);
                !value.is_empty()
            }
            _ => !name.starts_with("aria-"),
        });
        fit(&mut element.children);
        if let Some(link) = link_to_file(element) {
            nodes.insert(at, link);
            at += 1;
        }
    }
}

/// The declarations that pass, as they were.
fn plain_style(style: &str) -> String {
    let passes = |declaration: &&str| {
        declaration.split_once(':').is_some_and(|(property, value)| {
            let value = value.trim();
            PROPERTIES.contains(&property.trim().to_ascii_lowercase().as_str())
                && !value.is_empty()
                && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"#%. ".contains(&byte))
        })
    };
    style.split(';').map(str::trim).filter(passes).collect::<Vec<_>>().join("; ")
}

fn link_to_file(element: &Element) -> Option<Node> {
    if element.name != "video" && element.name != "audio" {
        return None;
    }
    let of_source = || {
        element.children.iter().find_map(|child| match child {
            Node::Element(source) if source.name == "source" => attribute(source, "src"),
            _ => None,
        })
    };
    let address = attribute(element, "src").or_else(of_source)?;
    let name = address.split(['?', '#']).next()?.rsplit('/').find(|part| !part.is_empty())?;
    Some(Node::Element(Element {
        name: "a".into(),
        attributes: vec![("href".into(), address.to_string())],
        children: vec![Node::Text(name.to_string())],
    }))
}

fn attribute<'a>(element: &'a Element, name: &str) -> Option<&'a str> {
    element.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::tree::write;

    fn element(name: &str, attributes: &[(&str, &str)], children: Vec<Node>) -> Node {
        let attributes = attributes.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        Node::Element(Element { name: name.into(), attributes, children })
    }

    #[test]
    fn a_video_keeps_a_way_to_be_played_where_controls_are_stripped() {
        let source = element("source", &[("src", "https://example.org/a/film.mp4?x=1")], vec![]);
        let mut nodes =
            vec![element("p", &[], vec![element("video", &[("controls", ""), ("muted", "")], vec![source])])];
        fit(&mut nodes);
        assert_eq!(
            write(&nodes),
            "<p><video muted=\"\"><source src=\"https://example.org/a/film.mp4?x=1\"></video>\
             <a href=\"https://example.org/a/film.mp4?x=1\">film.mp4</a></p>\n"
        );
    }

    #[test]
    fn styles_that_place_or_load_go_and_alignment_stays() {
        let style =
            "text-align: center; position:fixed; background:url(x); COLOR:#ff0000; width: calc(1px); margin: -9px";
        let mut nodes = vec![
            element("b", &[("style", style), ("aria-label", "x"), ("class", "y")], vec![]),
            element("i", &[("style", "top:0")], vec![]),
        ];
        fit(&mut nodes);
        assert_eq!(write(&nodes), "<b style=\"text-align: center; COLOR:#ff0000\" class=\"y\"></b><i></i>");
    }
}
