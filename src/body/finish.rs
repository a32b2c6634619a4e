//! The last pass over a body's tree, with or without raw HTML: embeds, addresses, attributes, characters, and the guard.
//!
//! Promises: every address is absolute, resolved against the item's by the WHATWG rules, or gone; no frame, no event
//! attribute, no style, no picture that only tells who reads; no character that XML 1.0 forbids; no template code
//! outside code (`guard`).
//! BUGS: a tracking picture is known by its size (1 × 1, or none to see); one that is larger passes.

use url::Url;

use super::embed::{self, About};
use super::guard::{self, Found};
use super::tree::{Element, Node};
use super::{Embed, markdown};

/// What the pass knows and what it collects.
pub struct Finisher<'a> {
    pub base: &'a Url,
    pub about: About<'a>,
    pub embeds: Vec<Embed>,
    /// Template code that was taken out.
    pub leaks: Vec<Found>,
    /// Addresses that were not kept.
    pub dropped: Vec<String>,
}

impl<'a> Finisher<'a> {
    pub fn new(base: &'a Url, about: About<'a>) -> Finisher<'a> {
        Finisher { base, about, embeds: Vec::new(), leaks: Vec::new(), dropped: Vec::new() }
    }

    pub fn finish(&mut self, nodes: Vec<Node>) -> Vec<Node> {
        let mut out = Vec::with_capacity(nodes.len());
        for node in nodes {
            self.node(node, false, &mut out);
        }
        out
    }

    fn node(&mut self, node: Node, in_code: bool, out: &mut Vec<Node>) {
        match node {
            Node::Text(text) => guard::push_text(allowed(text), in_code, out, &mut self.leaks),
            Node::Element(element) => self.element(element, in_code, out),
        }
    }

    fn element(&mut self, mut element: Element, in_code: bool, out: &mut Vec<Node>) {
        match element.name.as_str() {
            "iframe" | "object" | "embed" => return self.frame(element, in_code, out),
            "param" | markdown::RAW => return,
            "img" => {
                prefer_lazy_source(&mut element);
                if is_tracker(&element) {
                    return;
                }
            }
            _ => {}
        }
        self.attributes(&mut element);
        if element.name == "img" && element.attribute("src").is_none() && element.attribute("srcset").is_none() {
            // A picture that can't be shown is its text.
            if let Some(alt) = element.attribute("alt").filter(|alt| !alt.is_empty()) {
                out.push(Node::Text(alt.to_string()));
            }
            return;
        }
        let in_code = in_code || matches!(element.name.as_str(), "pre" | "code");
        let children = std::mem::take(&mut element.children);
        let mut kept = Vec::with_capacity(children.len());
        for child in children {
            self.node(child, in_code, &mut kept);
        }
        if element.name == "p" && kept.is_empty() && element.attribute("id").is_none() {
            return;
        }
        if element.name == "p" && kept.iter().any(is_figure) {
            return hoist(element, kept, out);
        }
        if matches!(element.name.as_str(), "span" | "p" | "em" | "strong" | "a" | "b" | "i" | "u" | "small")
            && holds_figure(&kept)
        {
            // No phrase may hold a figure.
            element.name = "div".to_string();
            element.remove("href");
        }
        element.children = kept;
        out.push(element.into());
    }

    /// A frame becomes its figure; what stood in it for those who see no frames is no longer needed.
    fn frame(&mut self, element: Element, in_code: bool, out: &mut Vec<Node>) {
        let written = ["src", "data", "data-src"]
            .iter()
            .filter_map(|name| element.attribute(name))
            .chain(element.children.iter().filter_map(movie_parameter))
            .find(|address| !address.trim().is_empty() && !address.starts_with("about:"));
        let address = written.and_then(|address| self.resolve(address)).and_then(|url| Url::parse(&url).ok());
        let Some(address) = address.filter(|url| matches!(url.scheme(), "http" | "https")) else {
            for child in element.children {
                self.node(child, in_code, out);
            }
            return;
        };
        let mut leaks = Vec::new();
        let title =
            element.attribute("title").map(|title| guard::clean_value(&allowed(title.to_string()), &mut leaks));
        self.leaks.append(&mut leaks);
        let (embed, figure) = embed::embed(&address, title.as_deref(), &self.about);
        self.embeds.push(embed);
        out.push(figure.into());
    }

    fn attributes(&mut self, element: &mut Element) {
        let name = element.name.clone();
        let attributes = std::mem::take(&mut element.attributes);
        for (key, value) in attributes {
            match key.as_str() {
                "href" | "src" | "poster" | "cite" | "longdesc" => match self.resolve(&value) {
                    Some(address) => element.set(&key, address),
                    None => self.dropped.push(value),
                },
                "srcset" => {
                    let sources = self.resolve_sources(&value);
                    if !sources.is_empty() {
                        element.set("srcset", sources);
                    }
                }
                "style" => {
                    if let Some(alignment) = cell_alignment(&name, &value) {
                        element.set("align", alignment);
                    }
                }
                "target" | "data-src" => {}
                key if key.starts_with("on") => {}
                _ => element.attributes.push((key, guard::clean_value(&allowed(value), &mut self.leaks))),
            }
        }
    }

    /// An address as a reader elsewhere needs it, or none.
    fn resolve(&mut self, written: &str) -> Option<String> {
        let written = allowed(written.to_string());
        if guard::has_template_code(&written) {
            self.leaks.push(Found(written));
            return None;
        }
        let url = self.base.join(written.trim()).ok()?;
        let is_known = matches!(
            url.scheme(),
            "http"
                | "https"
                | "mailto"
                | "tel"
                | "ftp"
                | "ftps"
                | "geo"
                | "irc"
                | "ircs"
                | "magnet"
                | "matrix"
                | "sms"
                | "webcal"
                | "xmpp"
        );
        let address: String = url.into();
        // A fragment keeps braces as they are written.
        (is_known && !guard::has_template_code(&address)).then_some(address)
    }

    /// `a.jpg 1x, b.jpg 2x`.
    fn resolve_sources(&mut self, written: &str) -> String {
        let mut out = String::new();
        let mut rest = written.trim_start_matches([' ', ',', '\n', '\t']);
        while !rest.is_empty() {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let (mut address, mut after) = rest.split_at(end);
            let mut descriptor = "";
            if let Some(bare) = address.strip_suffix(',') {
                address = bare.trim_end_matches(',');
            } else {
                let end = after.find(',').unwrap_or(after.len());
                descriptor = after[..end].trim();
                after = &after[end..];
            }
            if let Some(address) = self.resolve(address) {
                if !out.is_empty() {
                    out.push_str(", ");
                }
                // A comma at an address's end would be read as the list's.
                out.push_str(address.trim_end_matches(','));
                if !descriptor.is_empty()
                    && descriptor.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b' '))
                {
                    out.push(' ');
                    out.push_str(descriptor);
                }
            }
            rest = after.trim_start_matches([' ', ',', '\n', '\t', '\r']);
        }
        out
    }
}

/// `<param name="movie" value="ADDRESS">`.
fn movie_parameter(node: &Node) -> Option<&str> {
    let element = node.element().filter(|element| element.name == "param")?;
    let name = element.attribute("name")?.to_ascii_lowercase();
    matches!(name.as_str(), "movie" | "src" | "url").then(|| element.attribute("value")).flatten()
}

/// A lazily loaded picture's real address is in `data-src`.
fn prefer_lazy_source(image: &mut Element) {
    let stands_in = image.attribute("src").is_none_or(|src| src.is_empty() || src.trim_start().starts_with("data:"));
    if let (true, Some(lazy)) = (stands_in, image.attribute("data-src").map(str::to_string)) {
        image.set("src", lazy);
    }
}

/// One pixel, or none to see: there to be fetched, not to be looked at.
fn is_tracker(image: &Element) -> bool {
    let tiny = |name: &str| {
        image.attribute(name).is_some_and(|value| matches!(value.trim().trim_end_matches("px").trim(), "0" | "1"))
    };
    let hidden = image.attribute("style").is_some_and(|style| {
        let style: String = style.to_ascii_lowercase().split_whitespace().collect();
        let has = |declaration: &str| style.split(';').any(|d| d == declaration);
        has("display:none")
            || has("visibility:hidden")
            || ((has("width:1px") || has("width:0") || has("width:0px"))
                && (has("height:1px") || has("height:0") || has("height:0px")))
    });
    hidden || (tiny("width") && tiny("height"))
}

/// The one thing that a style says which has a plain attribute: how a table's cell is aligned.
fn cell_alignment(name: &str, style: &str) -> Option<&'static str> {
    if !matches!(name, "td" | "th") {
        return None;
    }
    let style: String = style.to_ascii_lowercase().split_whitespace().collect();
    ["left", "center", "right"].into_iter().find(|alignment| {
        style.split(';').any(|declaration| declaration.strip_prefix("text-align:") == Some(alignment))
    })
}

fn is_figure(node: &Node) -> bool {
    node.element().is_some_and(|element| element.name == "figure")
}

fn holds_figure(nodes: &[Node]) -> bool {
    nodes.iter().filter_map(Node::element).any(|e| e.name == "figure" || e.name == "div" && holds_figure(&e.children))
}

/// A paragraph with figures in it becomes paragraphs with figures between them.
fn hoist(paragraph: Element, children: Vec<Node>, out: &mut Vec<Node>) {
    let mut part = Element { children: Vec::new(), ..paragraph.clone() };
    let close = |part: &mut Element, out: &mut Vec<Node>| {
        let children = std::mem::take(&mut part.children);
        let says_something = children.iter().any(|c| !c.is_blank() && c.element().is_none_or(|e| e.name != "br"));
        if says_something {
            out.push(Element { children, ..part.clone() }.into());
        }
    };
    for child in children {
        if is_figure(&child) {
            close(&mut part, out);
            out.push(child);
        } else {
            part.children.push(child);
        }
    }
    close(&mut part, out);
}

/// The text without what XML 1.0 forbids, and without the marks that only we may set.
pub fn allowed(text: String) -> String {
    let is_allowed = |c: char| {
        matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
            && !matches!(c, '\u{fffe}' | '\u{ffff}')
    };
    // Bytes below space are rare; what lies at the end of the basic plane starts with 0xEF 0xBF.
    let suspicious = text.bytes().any(|b| (b < 0x20 && !matches!(b, b'\n' | b'\t')) || b == 0xef);
    if suspicious { text.replace("\r\n", "\n").chars().filter(|c| is_allowed(*c)).collect() } else { text }
}
