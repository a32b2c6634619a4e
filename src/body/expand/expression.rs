//! The value of an expression, by minijinja, with Liquid's spellings translated.
//!
//! BUGS: this is not Nunjucks and not Liquid. What minijinja does not know is said to be not supported, at its place.

use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, ErrorKind, UndefinedBehavior};

/// Evaluates expressions; built once.
pub struct Expressions {
    /// An undefined value is an error: for what is printed.
    strict: Environment<'static>,
    /// An undefined value is false: for conditions.
    lenient: Environment<'static>,
}

/// Why an expression has no value.
#[derive(Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Something that it names is not there.
    Undefined,
    UnknownFilter(String),
    UnknownFunction,
    /// In minijinja's words.
    NotUnderstood(String),
}

impl Expressions {
    /// `base_path` is the path of the site's address, `root` that address without its last slash.
    pub fn new(base_path: &str, root: &str) -> Expressions {
        let mut strict = Environment::new();
        let (path, root) = (base_path.trim_end_matches('/').to_string(), root.trim_end_matches('/').to_string());
        let relative = path.clone();
        let under = move |path: String| under(&relative, &path);
        strict.add_filter("url", under.clone());
        strict.add_filter("relative_url", under);
        strict.add_filter("absolute_url", move |path: String| match path.contains("://") {
            true => path,
            false => format!("{root}/{}", path.trim_start_matches('/')),
        });
        strict.add_filter("upcase", |text: String| text.to_uppercase());
        strict.add_filter("downcase", |text: String| text.to_lowercase());
        strict.add_filter("strip", |text: String| text.trim().to_string());
        strict.add_filter("append", |text: String, end: String| text + &end);
        strict.add_filter("prepend", |text: String, start: String| start + &text);
        strict.add_filter("size", |value: Value| value.len());
        strict.add_filter("date", date);
        strict.add_filter("escape", |text: String| html_escape(&text));
        strict.add_filter("e", |text: String| html_escape(&text));
        strict.add_filter("safe", |value: Value, _: Kwargs| value);
        strict.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        let mut lenient = strict.clone();
        strict.set_undefined_behavior(UndefinedBehavior::Strict);
        lenient.set_undefined_behavior(UndefinedBehavior::Chainable);
        Expressions { strict, lenient }
    }

    /// The text to print for an expression.
    pub fn print(&self, code: &str, context: &Value) -> Result<String, Trouble> {
        printed(&self.value(code, context)?)
    }

    pub fn value(&self, code: &str, context: &Value) -> Result<Value, Trouble> {
        let code = translate(code);
        let value =
            self.strict.compile_expression_owned(code).and_then(|e| e.eval(context.clone())).map_err(trouble)?;
        if value.is_undefined() { Err(Trouble::Undefined) } else { Ok(value) }
    }

    /// Whether a condition holds; what is not defined is not.
    pub fn holds(&self, code: &str, context: &Value) -> Result<bool, Trouble> {
        let code = translate_condition(&translate(code));
        let value =
            self.lenient.compile_expression_owned(code).and_then(|e| e.eval(context.clone())).map_err(trouble)?;
        Ok(value.is_true())
    }
}

fn trouble(error: minijinja::Error) -> Trouble {
    match error.kind() {
        ErrorKind::UndefinedError => Trouble::Undefined,
        ErrorKind::UnknownFilter => Trouble::UnknownFilter(error.detail().unwrap_or("").to_string()),
        ErrorKind::UnknownFunction => Trouble::UnknownFunction,
        kind => Trouble::NotUnderstood(error.detail().map_or_else(|| kind.to_string(), str::to_string)),
    }
}

fn printed(value: &Value) -> Result<String, Trouble> {
    match value.kind() {
        ValueKind::None => Ok(String::new()),
        ValueKind::Seq | ValueKind::Iterable => {
            let parts: Vec<String> = value
                .try_iter()
                .map_err(|_| Trouble::Undefined)?
                .take(1000)
                .map(|part| printed(&part))
                .collect::<Result<_, _>>()?;
            Ok(parts.join(", "))
        }
        // A picture with its text: the picture's address is what a body prints.
        ValueKind::Map => {
            let part = ["path", "src", "url", "name"].iter().filter_map(|key| value.get_attr(key).ok());
            let text = part.into_iter().find_map(|part| part.as_str().map(str::to_string));
            text.ok_or_else(|| Trouble::NotUnderstood("it is not a text".to_string()))
        }
        _ => Ok(value.to_string()),
    }
}

fn under(base: &str, path: &str) -> String {
    if path.starts_with('/') && !path.starts_with("//") && !base.is_empty() && !path.starts_with(&format!("{base}/"))
    {
        format!("{base}{path}")
    } else {
        path.to_string()
    }
}

/// `date` in Liquid's manner: `{{ date | date: "%d/%m/%Y" }}`; without a format the day.
fn date(value: String, format: Option<String>) -> Result<String, minijinja::Error> {
    use chrono::{DateTime, NaiveDate, NaiveDateTime};
    let text = value.trim();
    let moment = DateTime::parse_from_rfc3339(text)
        .map(|moment| moment.naive_local())
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S"))
        .or_else(|_| NaiveDate::parse_from_str(text.get(..10).unwrap_or(text), "%Y-%m-%d").map(|day| day.into()))
        .map_err(|_| minijinja::Error::new(ErrorKind::InvalidOperation, "it is not a date"))?;
    let format = format.unwrap_or_else(|| "%Y-%m-%d".to_string());
    let items: Vec<_> = chrono::format::StrftimeItems::new(&format).collect();
    if items.iter().any(|item| matches!(item, chrono::format::Item::Error)) {
        return Err(minijinja::Error::new(ErrorKind::InvalidOperation, "the date's format is not understood"));
    }
    // A format that names a zone fails here: the value has none.
    let mut out = String::new();
    std::fmt::Write::write_fmt(&mut out, format_args!("{}", moment.format_with_items(items.iter())))
        .map_err(|_| minijinja::Error::new(ErrorKind::InvalidOperation, "the date's format is not understood"))?;
    Ok(out)
}

pub fn html_escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    super::super::tree::escape_value(text, &mut out);
    out.replace('\'', "&#39;")
}

/// The code in pieces: quoted strings, and what stands between them.
fn pieces(code: &str) -> Vec<(bool, &str)> {
    let mut pieces = Vec::new();
    let mut rest = code;
    while let Some(start) = rest.find(['"', '\'']) {
        let quote = &rest[start..start + 1];
        let Some(length) = rest[start + 1..].find(quote) else { break };
        if start > 0 {
            pieces.push((false, &rest[..start]));
        }
        pieces.push((true, &rest[start..start + length + 2]));
        rest = &rest[start + length + 2..];
    }
    if !rest.is_empty() {
        pieces.push((false, rest));
    }
    pieces
}

/// Liquid's `x | filter: a, b` as `x | filter(a, b)`.
fn translate(code: &str) -> String {
    let mut out = String::with_capacity(code.len() + 4);
    let mut after_pipe = false;
    let mut open = false;
    for (quoted, piece) in pieces(code) {
        if quoted {
            out.push_str(piece);
            continue;
        }
        for c in piece.chars() {
            match c {
                '|' => {
                    if open {
                        out.push(')');
                        open = false;
                    }
                    after_pipe = true;
                    out.push('|');
                }
                ':' if after_pipe && !open => {
                    out.push('(');
                    open = true;
                    after_pipe = false;
                }
                '(' | '{' | '[' => {
                    after_pipe = false;
                    out.push(c);
                }
                c => out.push(c),
            }
        }
    }
    if open {
        out.push(')');
    }
    out
}

/// JavaScript's and Liquid's operators as minijinja's.
fn translate_condition(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    for (quoted, piece) in pieces(code) {
        if quoted {
            out.push_str(piece);
            continue;
        }
        let piece = piece
            .replace("===", "==")
            .replace("!==", "!=")
            .replace("<>", "!=")
            .replace("&&", " and ")
            .replace("||", " or ");
        let mut words = Vec::new();
        for word in piece.split(' ') {
            words.push(match word {
                "nil" | "null" => "none",
                "blank" | "empty" => "''",
                word => word,
            });
        }
        let piece = words.join(" ");
        let mut chars = piece.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '!' if chars.peek() != Some(&'=') => out.push_str(" not "),
                c => out.push(c),
            }
        }
    }
    contains(&out)
}

/// Liquid's `a contains b` as `b in a`, in each part between `and` and `or`.
fn contains(code: &str) -> String {
    if !code.contains(" contains ") {
        return code.to_string();
    }
    let mut out = Vec::new();
    for any in code.split(" or ") {
        let all: Vec<String> = any
            .split(" and ")
            .map(|part| match part.split_once(" contains ") {
                Some((whole, part)) => format!("({} in {})", part.trim(), whole.trim()),
                None => part.to_string(),
            })
            .collect();
        out.push(all.join(" and "));
    }
    out.join(" or ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Value {
        Value::from(minijinja::value::Serde(
            serde_json::json!({ "image": "/a.png", "tags": ["a", "b"], "metadata": { "a": { "b": 1 } },
            "picture": { "path": "p.png", "alt": "" }, "nothing": null, "date": "2024-07-25" }),
        ))
    }

    #[test]
    fn expressions_have_values() {
        let expressions = Expressions::new("/base/", "https://example.org/base/");
        for (code, printed) in [
            ("image", "/a.png"),
            ("metadata.a.b", "1"),
            ("\"/x\" | url", "/base/x"),
            ("'x' | absolute_url", "https://example.org/base/x"),
            ("image | upcase", "/A.PNG"),
            ("tags", "a, b"),
            ("picture", "p.png"),
            ("nothing", ""),
            ("image | append: '?a:b|c', 1", "! NotUnderstood"),
            ("image | append: '?a:b|c'", "/a.png?a:b|c"),
            ("date | date: '%d/%m/%Y'", "25/07/2024"),
            ("missing", "! Undefined"),
            ("missing.a.b | upcase", "! Undefined"),
            ("'x' | team_photo", "! UnknownFilter"),
            ("a b c", "! NotUnderstood"),
        ] {
            match expressions.print(code, &context()) {
                Ok(text) => assert_eq!(text, printed, "{code}"),
                Err(trouble) => {
                    let trouble = format!("! {trouble:?}");
                    assert!(printed.starts_with('!') && trouble.starts_with(printed), "{code}: {trouble}");
                }
            }
        }
    }

    #[test]
    fn conditions_hold_as_in_liquid() {
        let expressions = Expressions::new("/", "https://example.org/");
        for (code, holds) in [
            ("missing", false),
            ("missing.a", false),
            ("!missing", true),
            ("image and tags contains 'b'", true),
            ("tags contains 'c' or metadata.a.b === 1", true),
            ("nothing != nil", false),
        ] {
            assert_eq!(expressions.holds(code, &context()), Ok(holds), "{code}");
        }
    }
}
