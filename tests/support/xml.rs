//! A strict XML 1.0 reader: what is not well-formed, or holds a character that XML forbids, is an error.

use quick_xml::escape::unescape;
use quick_xml::events::Event;
use quick_xml::reader::NsReader;

#[derive(Debug, Default)]
pub struct Element {
    /// As written, prefix included.
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    /// Of the element itself, all pieces together.
    pub text: String,
}

impl Element {
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Element> + 'a {
        self.children.iter().filter(move |child| child.name == name)
    }

    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    pub fn text_of(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// The element and everything in it, in document order.
    pub fn descendants(&self) -> Vec<&Element> {
        let mut all = vec![self];
        all.extend(self.children.iter().flat_map(Element::descendants));
        all
    }
}

/// The root element of a document.
pub fn parse(text: &str) -> Result<Element, String> {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..);
    if let Some(character) = text.chars().find(|c| !allowed(*c)) {
        return Err(format!("the forbidden character {:?}", character));
    }
    let mut reader = NsReader::from_str(text);
    let config = reader.config_mut();
    config.check_end_names = true;
    config.check_comments = true;
    config.expand_empty_elements = true;
    config.allow_dangling_amp = false;
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().map_err(|error| error.to_string())? {
            Event::Start(start) => {
                let mut element = Element { name: start.name().as_ref().to_string(), ..Element::default() };
                for attribute in start.attributes().with_checks(true) {
                    let attribute = attribute.map_err(|error| error.to_string())?;
                    let raw: &str = &attribute.value;
                    if raw.contains('<') {
                        return Err(format!("`<` in an attribute of {}", element.name));
                    }
                    let value = unescape(raw).map_err(|error| error.to_string())?.into_owned();
                    element.attributes.push((attribute.key.as_ref().to_string(), value));
                }
                open.push(element);
            }
            Event::End(_) => {
                let element = open.pop().ok_or("an end too many")?;
                open.last_mut().ok_or("an end too many")?.children.push(element);
            }
            Event::Text(piece) => {
                let piece = piece.to_string();
                if piece.contains("]]>") {
                    return Err("]]> in text".into());
                }
                append(&mut open, &piece);
            }
            Event::GeneralRef(reference) => {
                let reference = reference.to_string();
                let piece = unescape(&format!("&{reference};")).map_err(|error| error.to_string())?.into_owned();
                if piece.chars().any(|c| !allowed(c)) {
                    return Err(format!("the forbidden reference &{reference};"));
                }
                append(&mut open, &piece);
            }
            Event::CData(piece) => {
                let piece = piece.to_string();
                append(&mut open, &piece);
            }
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::DocType(_) => {}
            Event::Empty(_) => unreachable!("empty elements are expanded"),
        }
    }
    let mut document = open.pop().ok_or("no document")?;
    match (open.is_empty(), document.children.len()) {
        (true, 1) => Ok(document.children.remove(0)),
        _ => Err(format!("{} elements are open at the end", open.len())),
    }
}

fn append(open: &mut [Element], piece: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(piece);
    }
}
