//! The places of a letter that differ from recipient to recipient.
//!
//! A letter is composed once for everybody. What remains to be said of one person is a *stamp*: the smallest piece of
//! the Handlebars template that names `recipient`, kept as source and evaluated for each. [`Stamped`] is a text with
//! its stamps in their places; `scan` finds them in a template.
//!
//! Promises: only a template makes stamps, an item's text never does. A recipient's values are HTML-escaped in HTML,
//! left as they are in text, and hold no control character in either: a name can't start a header. What a recipient
//! lacks is empty.
//!
//! BUGS: a value is escaped as text. An extra column used as an address (`href="{{recipient.site}}"`) is not checked
//! for `javascript:`; the lists are the operator's own.

use std::collections::{BTreeMap, HashMap};

use handlebars::Handlebars;
use serde::{Deserialize, Serialize};

/// A text with places for one recipient's values.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamped(pub Vec<Piece>);

/// A piece of a [`Stamped`] text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Piece {
    /// The same for everybody, ready to be written.
    Text(String),
    /// Handlebars source that names `recipient` and nothing else.
    Stamp(String),
}

/// What a stamp may name, as `recipient`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StampFields {
    pub name: Option<String>,
    pub email: String,
    pub leave_url: Option<String>,
    /// More columns of the list, by their header.
    #[serde(flatten)]
    pub extra: BTreeMap<String, String>,
}

/// How a recipient's values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// `&`, `<`, `>` and both quotes as entities: the HTML part.
    Html,
    /// As they are: the subject and the text part.
    None,
}

impl Stamped {
    /// A text without stamps.
    pub fn text(text: impl Into<String>) -> Self {
        Stamped(vec![Piece::Text(text.into())])
    }

    /// The text for one recipient. For many of them, build one [`Filler`] and keep it.
    pub fn fill(&self, fields: &StampFields, escape: Escape) -> String {
        Filler::new(&[self], escape).fill(self, fields)
    }

    /// The text for nobody in particular: every stamp evaluated with empty fields, none left.
    pub fn settle(&self, escape: Escape) -> Stamped {
        if self.stamps().next().is_none() {
            return self.clone();
        }
        Stamped::text(self.fill(&StampFields::default(), escape))
    }

    /// The stamps' sources, in their order.
    pub fn stamps(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Stamp(source) => Some(source.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The bytes of the parts that are the same for everybody.
    pub fn fixed_bytes(&self) -> usize {
        self.0.iter().map(|piece| if let Piece::Text(text) = piece { text.len() } else { 0 }).sum()
    }

    pub(super) fn push_text(&mut self, text: &str) {
        match self.0.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            _ if text.is_empty() => {}
            _ => self.0.push(Piece::Text(text.to_string())),
        }
    }
}

/// Evaluates stamps, each compiled once: made for a whole delivery, used from any thread.
#[derive(Clone, Debug)]
pub struct Filler {
    /// A stamp that only names a field needs no template.
    fields: HashMap<String, String>,
    /// `None`: no stamp needs one.
    templates: Option<Handlebars<'static>>,
    escape: Escape,
}

/// What the stamps of one recipient see.
pub struct Seen(handlebars::Context);

impl Filler {
    /// A filler that knows the stamps of these texts.
    pub fn new(texts: &[&Stamped], escape: Escape) -> Self {
        let mut templates: Option<Handlebars> = None;
        let mut fields = HashMap::new();
        for source in texts.iter().flat_map(|text| text.stamps()) {
            if let Some(field) = plain_field(source) {
                fields.insert(source.to_string(), field.to_string());
                continue;
            }
            let templates = templates.get_or_insert_with(|| {
                let mut templates = Handlebars::new();
                templates.register_escape_fn(match escape {
                    Escape::Html => escape_html,
                    Escape::None => handlebars::no_escape,
                });
                templates
            });
            if !templates.has_template(source) {
                // A source that can't be compiled was refused when it was composed; met here all the same (a damaged
                // database), it stays unknown and evaluates to nothing.
                let _ = templates.register_template_string(source, source);
            }
        }
        Filler { fields, templates, escape }
    }

    /// One stamp's text for one recipient; empty for a stamp that this filler was not made for.
    pub fn stamp(&self, source: &str, fields: &StampFields) -> String {
        self.stamp_of(source, fields, &mut None)
    }

    /// The same for one of a letter's many stamps: what they see of this recipient is made once and kept in `seen`.
    pub fn stamp_of(&self, source: &str, fields: &StampFields, seen: &mut Option<Seen>) -> String {
        if let Some(field) = self.fields.get(source) {
            let value = match field.as_str() {
                "name" => fields.name.as_deref(),
                "email" => Some(fields.email.as_str()),
                "leave_url" => fields.leave_url.as_deref(),
                other => fields.extra.get(other).map(String::as_str),
            };
            let value = one_line(value.unwrap_or(""));
            return match self.escape {
                Escape::Html => escape_html(&value),
                Escape::None => value,
            };
        }
        let Some(templates) = &self.templates else { return String::new() };
        if seen.is_none() {
            *seen = handlebars::Context::wraps(context(fields)).ok().map(Seen);
        }
        let rendered = seen.as_ref().and_then(|seen| templates.render_with_context(source, &seen.0).ok());
        rendered.unwrap_or_default()
    }

    /// A whole text for one recipient.
    pub fn fill(&self, text: &Stamped, fields: &StampFields) -> String {
        let mut out = String::with_capacity(text.fixed_bytes() + 64);
        for piece in &text.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Stamp(source) => out.push_str(&self.stamp(source, fields)),
            }
        }
        out
    }
}

/// `{{recipient.FIELD}}` and nothing else.
fn plain_field(source: &str) -> Option<&str> {
    let field = source.strip_prefix("{{recipient.")?.strip_suffix("}}")?;
    (!field.is_empty() && field.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')).then_some(field)
}

/// What a stamp sees. `literal` holds what the text inside a block stamp can't say as itself: `scan` writes
/// `{{{literal.brace}}}` for a brace, so that no item's text is ever read as a template.
fn context(fields: &StampFields) -> serde_json::Value {
    let mut recipient = serde_json::Map::new();
    for (name, value) in &fields.extra {
        recipient.insert(name.clone(), one_line(value).into());
    }
    recipient.insert("email".into(), one_line(&fields.email).into());
    for (name, value) in [("name", &fields.name), ("leave_url", &fields.leave_url)] {
        recipient.insert(name.into(), value.as_deref().map(one_line).into());
    }
    serde_json::json!({
        "recipient": recipient,
        "literal": { "brace": "{", "backslash": "\\", "nothing": "" },
    })
}

/// Control characters, line breaks above all, become spaces.
fn one_line(value: &str) -> String {
    value.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The five characters that HTML needs escaped, in text and in a quoted attribute.
pub(super) fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamped(source: &str) -> Stamped {
        Stamped(vec![Piece::Text("a ".into()), Piece::Stamp(source.into()), Piece::Text(" b".into())])
    }

    fn somebody(name: &str) -> StampFields {
        StampFields { name: Some(name.into()), email: "x@example.org".into(), ..StampFields::default() }
    }

    #[test]
    fn values_are_escaped_in_html_and_only_there() {
        let text = stamped("{{recipient.name}}");
        assert_eq!(text.fill(&somebody("L'<b>"), Escape::Html), "a L&#39;&lt;b&gt; b");
        assert_eq!(text.fill(&somebody("L'<b>"), Escape::None), "a L'<b> b");
        let block = stamped("{{#if recipient.name}}« {{recipient.name}} »{{/if}}");
        assert_eq!(block.fill(&somebody("A&B"), Escape::Html), "a « A&amp;B » b");
        assert_eq!(block.fill(&somebody("A&B"), Escape::None), "a « A&B » b");
    }

    #[test]
    fn a_name_never_starts_a_line() {
        let text = stamped("{{recipient.name}}");
        assert_eq!(text.fill(&somebody("A\r\nBcc: b@example.org"), Escape::None), "a A  Bcc: b@example.org b");
        let block = stamped("{{#if recipient.name}}{{recipient.name}}{{/if}}");
        assert_eq!(block.fill(&somebody("A\r\nB"), Escape::None), "a A  B b");
    }

    #[test]
    fn what_a_recipient_lacks_is_empty_and_other_columns_are_found() {
        let mut fields = somebody("A");
        fields.extra.insert("ministère".into(), "Écologie".into());
        fields.extra.insert("town".into(), "Brest".into());
        assert_eq!(stamped("{{recipient.town}}").fill(&fields, Escape::Html), "a Brest b");
        assert_eq!(stamped("{{recipient.ministère}}").fill(&fields, Escape::Html), "a Écologie b");
        assert_eq!(stamped("{{recipient.leave_url}}").fill(&fields, Escape::Html), "a  b");
        assert_eq!(stamped("{{recipient.unknown}}").settle(Escape::None), Stamped::text("a  b"));
    }

    #[test]
    fn a_value_that_looks_like_a_stamp_is_only_text() {
        let block = stamped("{{#if recipient.name}}{{recipient.name}}{{/if}}");
        assert_eq!(block.fill(&somebody("{{recipient.email}}"), Escape::None), "a {{recipient.email}} b");
    }

    #[test]
    fn it_is_kept_as_json_and_read_back() {
        let text = stamped("{{recipient.name}}");
        let json = serde_json::to_string(&text).expect("plain data");
        assert_eq!(json, r#"[{"text":"a "},{"stamp":"{{recipient.name}}"},{"text":" b"}]"#);
        assert_eq!(serde_json::from_str::<Stamped>(&json).expect("as written"), text);
    }
}
