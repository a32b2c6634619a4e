//! GitHub's expressions, as far as the project's workflows use them: what stands between `${{` and `}}`.
//!
//! Anything that is not known here is an error with its words: a workflow may not use what its tests do not understand.

use serde_json::{Map, Value};

/// What an expression may name.
pub struct Context {
    /// `github`, `env`, `steps`, `needs`, `inputs`, `secrets`, `runner`, `vars`.
    pub values: Map<String, Value>,
    /// Whether all that came before went well.
    pub success: bool,
    pub cancelled: bool,
}

impl Context {
    /// The value of one expression, without its braces.
    pub fn value(&self, text: &str) -> Result<Value, String> {
        let tokens = tokens(text)?;
        let mut reader = Reader { tokens: &tokens, at: 0, context: self };
        let value = reader.or()?;
        if reader.at < tokens.len() {
            return Err(format!("`{text}` goes on after its end"));
        }
        Ok(value)
    }

    /// What an `if:` says; without one of the functions that look at what came before, it must have gone well.
    pub fn condition(&self, text: Option<&str>) -> Result<bool, String> {
        let Some(text) = text else { return Ok(self.success) };
        let inner = text.trim().strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")).unwrap_or(text);
        let looks = ["success()", "failure()", "always()", "cancelled()"].iter().any(|name| inner.contains(name));
        Ok((looks || self.success) && truth(&self.value(inner)?))
    }

    /// A text with its expressions filled in.
    pub fn fill(&self, text: &str) -> Result<String, String> {
        let mut filled = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${{") {
            filled.push_str(&rest[..start]);
            let end = rest[start..].find("}}").ok_or_else(|| format!("an expression without end in `{text}`"))?;
            filled.push_str(&words(&self.value(&rest[start + 3..start + end])?));
            rest = &rest[start + end + 2..];
        }
        filled.push_str(rest);
        Ok(filled)
    }

    fn name(&self, path: &[String]) -> Result<Value, String> {
        let whole = path.join(".");
        let root = self.values.get(&path[0]).ok_or_else(|| format!("`{whole}`: no context is called that"))?;
        // What an event carries differs by event, and a secret that nobody set is empty; all else must be there.
        let lenient = matches!(path[0].as_str(), "secrets" | "vars") || whole.starts_with("github.event.");
        let mut value = root;
        for (depth, part) in path.iter().enumerate().skip(1) {
            match value.get(part) {
                Some(found) => value = found,
                None if lenient || (depth > 2 && path[2] == "outputs") => return Ok(Value::Null),
                None => return Err(format!("`{whole}`: there is no `{part}`")),
            }
        }
        Ok(value.clone())
    }
}

pub fn words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

/// Texts without regard to case; what is not of one kind, as numbers.
fn equal(left: &Value, right: &Value) -> bool {
    let number = |value: &Value| match value {
        Value::Null => 0.0,
        Value::Bool(truth) => f64::from(u8::from(*truth)),
        Value::Number(number) => number.as_f64().unwrap_or(f64::NAN),
        Value::String(text) if text.is_empty() => 0.0,
        Value::String(text) => text.parse().unwrap_or(f64::NAN),
        _ => f64::NAN,
    };
    match (left, right) {
        (Value::String(left), Value::String(right)) => left.to_lowercase() == right.to_lowercase(),
        _ => number(left) == number(right),
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Sign(&'static str),
    Name(Vec<String>),
    Text(String),
    Number(f64),
}

const SIGNS: [&str; 8] = ["==", "!=", "&&", "||", "!", "(", ")", ","];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else if first == '\'' {
            let end = rest[1..].find('\'').ok_or_else(|| format!("a text without end in `{text}`"))?;
            tokens.push(Token::Text(rest[1..=end].to_string()));
            rest = &rest[end + 2..];
        } else if first.is_ascii_digit() {
            let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
            tokens.push(Token::Number(rest[..end].parse().map_err(|_| format!("`{text}`: no number"))?));
            rest = &rest[end..];
        } else if first.is_ascii_alphabetic() || first == '_' {
            let known = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
            let end = rest.find(|c| !known(c)).unwrap_or(rest.len());
            tokens.push(Token::Name(rest[..end].split('.').map(String::from).collect()));
            rest = &rest[end..];
        } else {
            return Err(format!("`{first}` in `{text}` is not understood"));
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    context: &'a Context,
}

impl Reader<'_> {
    fn takes(&mut self, sign: &'static str) -> bool {
        let found = self.tokens.get(self.at) == Some(&Token::Sign(sign));
        self.at += usize::from(found);
        found
    }

    fn or(&mut self) -> Result<Value, String> {
        let mut left = self.and()?;
        while self.takes("||") {
            let right = self.and()?;
            left = if truth(&left) { left } else { right };
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Value, String> {
        let mut left = self.comparison()?;
        while self.takes("&&") {
            let right = self.comparison()?;
            left = if truth(&left) { right } else { left };
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Value, String> {
        let left = self.one()?;
        if self.takes("==") {
            return Ok(equal(&left, &self.one()?).into());
        }
        if self.takes("!=") {
            return Ok((!equal(&left, &self.one()?)).into());
        }
        Ok(left)
    }

    fn one(&mut self) -> Result<Value, String> {
        if self.takes("!") {
            return Ok((!truth(&self.one()?)).into());
        }
        if self.takes("(") {
            let value = self.or()?;
            return if self.takes(")") { Ok(value) } else { Err("a bracket is not closed".into()) };
        }
        let token = self.tokens.get(self.at).ok_or("the expression ends too early")?.clone();
        self.at += 1;
        match token {
            Token::Text(text) => Ok(text.into()),
            Token::Number(number) => Ok(number.into()),
            Token::Sign(sign) => Err(format!("`{sign}` stands where a value is expected")),
            Token::Name(path) if self.takes("(") => {
                if !self.takes(")") {
                    return Err(format!("{}(…) is not understood", path.join(".")));
                }
                match path.join(".").as_str() {
                    "success" => Ok((self.context.success && !self.context.cancelled).into()),
                    "failure" => Ok((!self.context.success).into()),
                    "always" => Ok(true.into()),
                    "cancelled" => Ok(self.context.cancelled.into()),
                    other => Err(format!("{other}() is not understood")),
                }
            }
            Token::Name(path) => match path.join(".").as_str() {
                "true" => Ok(true.into()),
                "false" => Ok(false.into()),
                "null" => Ok(Value::Null),
                _ => self.context.name(&path),
            },
        }
    }
}

#[test]
fn an_expression_is_read_as_the_forge_reads_it_and_what_is_unknown_is_said() {
    let values = serde_json::json!({
        "github": { "event_name": "push", "event": { "number": 7 } },
        "steps": { "draft": { "outcome": "success", "outputs": { "branch": "crieur/lettre-1" } } },
    });
    let Value::Object(values) = values else { unreachable!() };
    let context = Context { values, success: false, cancelled: false };
    let value = |text: &str| context.value(text);
    assert_eq!(value("github.event_name == 'Push' && github.event.number != 8"), Ok(true.into()));
    assert_eq!(value("github.event.pull_request.draft || 'main'"), Ok("main".into()));
    assert_eq!(value("!(steps.draft.outputs.branch)"), Ok(false.into()));
    assert_eq!(value("steps.draft.outputs.none == ''"), Ok(true.into()));
    assert_eq!(context.fill("a ${{ steps.draft.outputs.branch }} b"), Ok("a crieur/lettre-1 b".into()));
    assert_eq!(context.condition(Some("github.event_name == 'push'")), Ok(false), "something failed before");
    assert_eq!(context.condition(Some("${{ !cancelled() }}")), Ok(true));
    for (text, words) in [
        ("github.evnt_name", "`github.evnt_name`: there is no `evnt_name`"),
        ("hashFiles('a')", "hashFiles(…) is not understood"),
        ("matrix.os", "`matrix.os`: no context is called that"),
        ("a[0]", "`[` in `a[0]` is not understood"),
    ] {
        assert_eq!(value(text), Err(words.to_string()));
    }
}
