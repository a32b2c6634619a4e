//! Shortcodes: the project's own (Handlebars, by name) and those that are built in.
//!
//! A template sees `args.[0]`, `args.name`, `inner` (what a pair encloses), `item` (the front matter), `page` and `site`;
//! arguments are escaped, `inner` is not.

use std::collections::BTreeMap;

use handlebars::Handlebars;
use serde_json::{Map, Value, json};

use super::super::tree::{escape_text, escape_value};
use crate::problem::{Problem, Problems};

pub struct Shortcodes {
    templates: Handlebars<'static>,
}

/// Why a shortcode wrote nothing.
pub enum Trouble {
    Unknown,
    /// In the words of the template engine.
    Failed(String),
}

impl Shortcodes {
    pub fn new(configured: &BTreeMap<String, String>) -> (Shortcodes, Problems) {
        let mut templates = Handlebars::new();
        let mut problems = Problems::new();
        for (name, template) in configured {
            // What a pair encloses is the author's own Markdown and HTML.
            let template = template.replace("{{inner}}", "{{{inner}}}").replace("{{ inner }}", "{{{inner}}}");
            let template = template.replace("{{{{inner}}}}", "{{{inner}}}");
            if let Err(error) = templates.register_template_string(name, template) {
                let problem = Problem::error(
                    "shortcode-template",
                    format!("the template of the shortcode `{name}` is not Handlebars: {}", error.reason()),
                )
                .help("see `content.shortcodes`: arguments are `{{args.[0]}}` and `{{args.name}}`, a pair's content is `{{inner}}`")
                .in_file("config/crieur.yaml");
                problems.push(problem);
            }
        }
        (Shortcodes { templates }, problems)
    }

    pub fn knows(&self, name: &str) -> bool {
        self.templates.has_template(name) || is_built_in(name)
    }

    /// What the shortcode writes. `surroundings` holds `item`, `page` and `site`.
    pub fn write(
        &self,
        name: &str,
        arguments: &Map<String, Value>,
        inner: Option<&str>,
        surroundings: &Map<String, Value>,
        language: &str,
    ) -> Result<String, Trouble> {
        if self.templates.has_template(name) {
            let mut data = surroundings.clone();
            data.insert("args".to_string(), Value::Object(arguments.clone()));
            data.insert("inner".to_string(), json!(inner.unwrap_or("")));
            return self.templates.render(name, &data).map_err(|error| Trouble::Failed(error.reason().to_string()));
        }
        built_in(name, arguments, inner, language).ok_or(Trouble::Unknown)
    }
}

fn is_built_in(name: &str) -> bool {
    matches!(name, "dailymotion" | "youtube" | "vimeo" | "transcription" | "figure" | "details" | "gist")
}

fn built_in(name: &str, arguments: &Map<String, Value>, inner: Option<&str>, language: &str) -> Option<String> {
    let argument = |keys: &[&str]| {
        let value = keys.iter().find_map(|key| arguments.get(*key))?;
        let text = match value {
            Value::String(text) => text.trim().to_string(),
            value => value.to_string(),
        };
        (!text.is_empty()).then_some(text)
    };
    let inner = inner.map(str::trim).unwrap_or("");
    match name {
        "dailymotion" => {
            video(argument(&["0", "id", "url"])?, "https://www.dailymotion.com/embed/video/", argument(&["title"]))
        }
        "youtube" => {
            video(argument(&["0", "id", "url"])?, "https://www.youtube-nocookie.com/embed/", argument(&["title"]))
        }
        "vimeo" => video(argument(&["0", "id", "url"])?, "https://player.vimeo.com/video/", argument(&["title"])),
        "transcription" => {
            let word = if language.starts_with("fr") { "Transcription" } else { "Transcript" };
            let colon = if language.starts_with("fr") { "\u{a0}: " } else { ": " };
            let of =
                argument(&["0", "title", "name"]).map(|of| format!("{colon}{}", escaped(&of))).unwrap_or_default();
            Some(format!("<details><summary>{word}{of}</summary>\n\n{inner}\n\n</details>"))
        }
        "details" => {
            let word = if language.starts_with("fr") { "Détails" } else { "Details" };
            let summary = argument(&["summary", "title", "0"]).unwrap_or_else(|| word.to_string());
            Some(format!("<details><summary>{}</summary>\n\n{inner}\n\n</details>", escaped(&summary)))
        }
        "figure" => {
            let mut image = format!("<img src=\"{}\"", value(&argument(&["src", "0"])?));
            let alt = argument(&["alt"]).or_else(|| argument(&["caption"])).unwrap_or_default();
            image.push_str(&format!(" alt=\"{}\"", value(&alt)));
            for key in ["width", "height"] {
                if let Some(size) = argument(&[key]) {
                    image.push_str(&format!(" {key}=\"{}\"", value(&size)));
                }
            }
            image.push('>');
            if let Some(link) = argument(&["link"]) {
                image = format!("<a href=\"{}\">{image}</a>", value(&link));
            }
            let caption: Vec<String> = [
                argument(&["title"]).map(|title| format!("<strong>{}</strong>", escaped(&title))),
                argument(&["caption"]).map(|caption| escaped(&caption)),
                argument(&["attr"]).map(|attribution| escaped(&attribution)),
            ]
            .into_iter()
            .flatten()
            .collect();
            let caption = match caption.is_empty() {
                true => String::new(),
                false => format!("<figcaption>{}</figcaption>", caption.join(" ")),
            };
            Some(format!("<figure>{image}{caption}</figure>"))
        }
        "gist" => {
            let address = format!("https://gist.github.com/{}/{}", argument(&["0"])?, argument(&["1"])?);
            Some(format!("<p><a href=\"{0}\">{0}</a></p>", value(&address)))
        }
        _ => None,
    }
}

/// A frame, which `embed` makes a figure of; `id` may be a whole address.
fn video(id: String, player: &str, title: Option<String>) -> Option<String> {
    let address = if id.contains("://") { id } else { format!("{player}{id}") };
    let title = title.map(|title| format!(" title=\"{}\"", value(&title))).unwrap_or_default();
    Some(format!("<iframe src=\"{}\"{title}></iframe>", value(&address)))
}

fn value(text: &str) -> String {
    let mut out = String::new();
    escape_value(text, &mut out);
    out
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    escape_text(text, &mut out);
    out
}

/// One argument as it is written.
#[derive(Debug, PartialEq, Eq)]
pub struct Argument<'t> {
    /// `None`: by its position.
    pub name: Option<&'t str>,
    pub value: Written<'t>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Written<'t> {
    /// Without its quotation marks.
    Quoted(String),
    /// A word: a number, a name of a value, or a text, as the generator has it.
    Bare(&'t str),
}

/// `"a" "b"`, `"a", b="c"`, `(a="b", c=1)`.
pub fn arguments(text: &str) -> Vec<Argument<'_>> {
    let mut rest = text.strip_prefix('(').map_or(text, |inside| inside.strip_suffix(')').unwrap_or(inside));
    let mut arguments = Vec::new();
    let separates = |c: char| c.is_whitespace() || c == ',';
    loop {
        rest = rest.trim_start_matches(separates);
        if rest.is_empty() {
            return arguments;
        }
        let mut name = None;
        let word =
            rest.find(|c: char| separates(c) || matches!(c, '=' | ':' | '"' | '\'' | '`')).unwrap_or(rest.len());
        let after = rest[word..].trim_start();
        if word > 0 && after.starts_with(['=', ':']) && !after.starts_with("==") && !rest[word..].starts_with("://") {
            name = Some(&rest[..word]);
            rest = after[1..].trim_start();
        }
        let (value, after) = match rest.chars().next() {
            Some(quote @ ('"' | '\'' | '`')) => match quoted(&rest[1..], quote) {
                Some((value, after)) => (Written::Quoted(value), after),
                None => (Written::Quoted(rest[1..].to_string()), ""),
            },
            _ => {
                let end = rest.find(separates).unwrap_or(rest.len());
                (Written::Bare(&rest[..end]), &rest[end..])
            }
        };
        arguments.push(Argument { name, value });
        rest = after;
    }
}

/// The text up to a closing mark that no backslash stands before.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut chars = text.char_indices();
    while let Some((index, c)) = chars.next() {
        match c {
            '\\' if quote != '`' => match chars.next() {
                Some((_, 'n')) => out.push('\n'),
                Some((_, c)) => out.push(c),
                None => return None,
            },
            c if c == quote => return Some((out, &text[index + c.len_utf8()..])),
            c => out.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_in_every_spelling() {
        let read = |text: &str| {
            let parts: Vec<String> = arguments(text)
                .iter()
                .map(|argument| {
                    let value = match &argument.value {
                        Written::Quoted(value) => format!("'{value}'"),
                        Written::Bare(value) => value.to_string(),
                    };
                    argument.name.map_or(value.clone(), |name| format!("{name}={value}"))
                })
                .collect();
            parts.join(" ")
        };
        assert_eq!(read(r#""a b" 'c'"#), "'a b' 'c'");
        assert_eq!(read(r#""a", b="c\"d", e = 1"#), "'a' b='c\"d' e=1");
        assert_eq!(read(r#"(id="x", autoplay=true)"#), "id='x' autoplay=true");
        assert_eq!(read("go https://example.org/a `r\\n`"), "go https://example.org/a 'r\\n'");
        assert_eq!(read(r#""open"#), "'open'");
    }
}
