//! The reading itself: a recursive descent over bytes that, where it meets what is no literal, skips to the next comma.

mod skip;

use std::ops::Range;

use serde_json::{Map, Number, Value};

/// A key that is left out.
pub(super) struct Cost {
    pub key: String,
    pub what: &'static str,
    pub range: Range<usize>,
}

/// What is no literal.
pub(super) struct Stop {
    pub what: &'static str,
    pub range: Range<usize>,
}

const DEEPEST: usize = 64;

pub(super) struct Parser<'a> {
    text: &'a str,
    at: usize,
    end: usize,
    depth: usize,
    pub costs: Vec<Cost>,
}

/// Where the exported expression begins.
pub(super) fn find_export(text: &str) -> Option<usize> {
    let mut parser = Parser::new(text, 0..text.len());
    let mut start = None;
    while parser.at < parser.end {
        parser.skip_blanks();
        let at = parser.at;
        if let Some(word) = parser.word() {
            let exported = match word {
                "module" => parser.rest().strip_prefix(".exports").is_some() && parser.after(".exports", true),
                "export" => {
                    parser.skip_blanks();
                    parser.word() == Some("default")
                }
                _ => false,
            };
            if exported {
                start = Some(parser.at);
                break;
            }
            continue;
        }
        if parser.at == at {
            parser.skip_token();
        }
    }
    parser.skip_blanks();
    let start = start.map(|_| parser.at)?;
    // A name instead of a literal: where it is declared.
    match parser.word() {
        Some(name) if !matches!(name, "function" | "async" | "class" | "new" | "true" | "false" | "null") => {
            parser.skip_blanks();
            let alone =
                matches!(parser.peek(), None | Some(b';')) || text[start + name.len()..parser.at].contains('\n');
            Some(alone.then(|| declaration(text, name)).flatten().unwrap_or(start))
        }
        _ => Some(start),
    }
}

fn declaration(text: &str, name: &str) -> Option<usize> {
    let mut parser = Parser::new(text, 0..text.len());
    while parser.at < parser.end {
        parser.skip_blanks();
        let at = parser.at;
        if let Some(word) = parser.word() {
            if matches!(word, "const" | "let" | "var") {
                parser.skip_blanks();
                if parser.word() == Some(name) && parser.after("", true) {
                    parser.skip_blanks();
                    return Some(parser.at);
                }
            }
            continue;
        }
        if parser.at == at {
            parser.skip_token();
        }
    }
    None
}

impl<'a> Parser<'a> {
    pub fn new(text: &'a str, range: Range<usize>) -> Self {
        Parser { text, at: range.start, end: range.end.min(text.len()), depth: 0, costs: Vec::new() }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..self.end]
    }

    fn peek(&self) -> Option<u8> {
        self.rest().bytes().next()
    }

    fn take(&mut self, byte: u8) -> bool {
        let same = self.peek() == Some(byte);
        self.at += usize::from(same);
        same
    }

    /// After a prefix, an equals sign that is no comparison.
    fn after(&mut self, prefix: &str, equals: bool) -> bool {
        self.at += prefix.len();
        self.skip_blanks();
        let rest = self.rest();
        let yes = !equals || (rest.starts_with('=') && !rest.starts_with("==") && !rest.starts_with("=>"));
        self.at += usize::from(yes && equals);
        yes
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
            self.at += rest.len() - trimmed.len();
            if trimmed.starts_with("//") {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else if let Some(comment) = trimmed.strip_prefix("/*") {
                self.at += comment.find("*/").map_or(trimmed.len(), |i| i + 4);
            } else {
                return;
            }
        }
    }

    fn word(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let first = rest.chars().next()?;
        if !(first.is_alphabetic() || first == '_' || first == '$') {
            return None;
        }
        let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
        self.at += length;
        Some(&rest[..length])
    }

    /// A literal that is followed by a comma, a closing bracket or the end; else what it is instead, skipped.
    pub fn value(&mut self) -> Result<Value, Stop> {
        self.skip_blanks();
        let start = self.at;
        let costs = self.costs.len();
        let read = self.literal();
        let after = self.at;
        self.skip_blanks();
        let ends = match self.peek() {
            None | Some(b',' | b'}' | b']' | b';' | b')') => true,
            // At the top, whatever follows on a line of its own is another statement.
            Some(_) => self.depth == 0 && self.text[after..self.at].contains('\n'),
        };
        let what = match read {
            Ok(value) if ends => return Ok(value),
            Ok(_) => "an expression",
            Err(what) => what,
        };
        self.costs.truncate(costs);
        self.at = start;
        self.skip_value();
        Err(Stop { what, range: start..start + self.text[start..self.at].trim_end().len().max(1) })
    }

    fn literal(&mut self) -> Result<Value, &'static str> {
        match self.peek() {
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(quote @ (b'"' | b'\'')) => self.string(quote).map(Value::String),
            Some(b'`') => self.string(b'`').map(Value::String),
            Some(b'0'..=b'9' | b'-' | b'+' | b'.') => self.number(),
            Some(b'(') => Err("a function or an expression"),
            Some(_) => {
                let start = self.at;
                match self.word() {
                    Some("true") => Ok(Value::Bool(true)),
                    Some("false") => Ok(Value::Bool(false)),
                    Some("null" | "undefined") => Ok(Value::Null),
                    Some("function" | "async") => Err("a function"),
                    Some("class") => Err("a class"),
                    Some("new") => Err("a new object"),
                    Some(_) => {
                        self.skip_blanks();
                        let call = self.rest().starts_with('(');
                        let arrow = self.rest().starts_with("=>");
                        self.at = start;
                        Err(if arrow {
                            "a function"
                        } else if call {
                            "a call"
                        } else {
                            "a name"
                        })
                    }
                    None => Err("an expression"),
                }
            }
            None => Err("nothing"),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, &'static str>) -> Result<Value, &'static str> {
        if self.depth >= DEEPEST {
            return Err("nested too deep");
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn array(&mut self) -> Result<Value, &'static str> {
        self.at += 1;
        let mut values = Vec::new();
        loop {
            self.skip_blanks();
            if self.take(b']') {
                return Ok(Value::Array(values));
            }
            if self.peek().is_none() {
                return Err("a list that is not closed");
            }
            values.push(self.value().map_err(|_| "a list that holds more than literals")?);
            self.skip_blanks();
            if !self.take(b',') && self.peek() != Some(b']') {
                return Err("a list that is not closed");
            }
        }
    }

    fn object(&mut self) -> Result<Value, &'static str> {
        self.at += 1;
        let mut map = Map::new();
        loop {
            self.skip_blanks();
            if self.take(b'}') {
                return Ok(Value::Object(map));
            }
            if self.peek().is_none() {
                return Err("an object that is not closed");
            }
            self.member(&mut map);
            self.skip_blanks();
            if !self.take(b',') && self.peek() != Some(b'}') {
                return Err("an object that is not closed");
            }
        }
    }

    fn member(&mut self, map: &mut Map<String, Value>) {
        let start = self.at;
        if let Some(key) = self.key() {
            self.skip_blanks();
            if self.take(b':') {
                match self.value() {
                    Ok(value) => {
                        map.insert(key, value);
                    }
                    Err(stop) => self.costs.push(Cost { key, what: stop.what, range: stop.range }),
                }
                return;
            }
            let what = match self.peek() {
                Some(b',' | b'}') => "a name",
                _ => "a function",
            };
            self.cost(start, what);
            return;
        }
        self.cost(start, if self.text[start..].starts_with("...") { "a spread" } else { "a computed key" });
    }

    fn cost(&mut self, start: usize, what: &'static str) {
        self.at = start;
        self.skip_value();
        // Nothing was skipped over: a stray bracket; the object is told as not closed by its caller.
        let text = self.text[start..self.at].trim_end();
        let key: String = text.chars().take_while(|c| !matches!(c, '(' | ',' | '\n')).take(40).collect();
        self.costs.push(Cost { key: key.trim().to_string(), what, range: start..start + text.len().max(1) });
    }

    fn key(&mut self) -> Option<String> {
        match self.peek()? {
            quote @ (b'"' | b'\'') => self.string(quote).ok(),
            b'0'..=b'9' => self.number().ok().map(|number| number.to_string()),
            _ => self.word().map(str::to_string),
        }
    }

    fn number(&mut self) -> Result<Value, &'static str> {
        let rest = self.rest();
        let negative = rest.starts_with('-');
        let signed = usize::from(negative || rest.starts_with('+'));
        let body = &rest[signed..];
        let mut length = 0;
        for (i, c) in body.char_indices() {
            let exponent_sign = (c == '-' || c == '+') && body[..i].ends_with(['e', 'E']) && !body.starts_with("0x");
            if !(c.is_ascii_alphanumeric() || c == '.' || c == '_' || exponent_sign) {
                break;
            }
            length = i + 1;
        }
        let digits = body[..length].replace('_', "");
        let lower = digits.to_ascii_lowercase();
        let radix = [("0x", 16), ("0o", 8), ("0b", 2)].iter().find(|(prefix, _)| lower.starts_with(prefix));
        let number = match radix {
            Some((prefix, radix)) => i64::from_str_radix(&lower[prefix.len()..], *radix).ok().map(Number::from),
            None => match digits.parse::<i64>() {
                Ok(number) => Some(Number::from(number)),
                Err(_) if digits.bytes().next().is_some_and(|b| b.is_ascii_digit() || b == b'.') => {
                    digits.parse::<f64>().ok().and_then(Number::from_f64)
                }
                Err(_) => None,
            },
        };
        let number = number.ok_or("no number")?;
        self.at += signed + length;
        Ok(Value::Number(match (negative, number.as_i64(), number.as_f64()) {
            (false, ..) => number,
            (true, Some(whole), _) => Number::from(-whole),
            (true, None, float) => float.and_then(|float| Number::from_f64(-float)).ok_or("no number")?,
        }))
    }

    fn string(&mut self, quote: u8) -> Result<String, &'static str> {
        self.at += 1;
        let mut text = String::new();
        let mut units: Vec<u16> = Vec::new();
        loop {
            let rest = self.rest();
            let Some(character) = rest.chars().next() else { return Err("a text that is not closed") };
            if character != '\\' && !units.is_empty() {
                text.push_str(&String::from_utf16_lossy(&std::mem::take(&mut units)));
            }
            self.at += character.len_utf8();
            match character {
                '\\' => self.escape(&mut text, &mut units)?,
                '\n' if quote != b'`' => return Err("a text that is not closed"),
                '$' if quote == b'`' && rest[1..].starts_with('{') => return Err("a text made of expressions"),
                c if c == char::from(quote) => return Ok(text),
                c => text.push(c),
            }
        }
    }

    fn escape(&mut self, text: &mut String, units: &mut Vec<u16>) -> Result<(), &'static str> {
        let Some(character) = self.rest().chars().next() else { return Err("a text that is not closed") };
        self.at += character.len_utf8();
        if character != 'u' && !units.is_empty() {
            text.push_str(&String::from_utf16_lossy(&std::mem::take(units)));
        }
        match character {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            'v' => text.push('\u{b}'),
            '0' => text.push('\0'),
            '\n' => {}
            '\r' => {
                self.take(b'\n');
            }
            'x' => text.push(char::from(self.hex(2)? as u8)),
            'u' if self.take(b'{') => {
                let length = self.rest().find('}').ok_or("a text with a broken escape")?;
                let code = self.hex(length)?;
                self.at += 1;
                text.push(char::from_u32(code).ok_or("a text with a broken escape")?);
            }
            // Two in a row may be one character: they are put together when something else follows.
            'u' => units.push(self.hex(4)? as u16),
            other => text.push(other),
        }
        Ok(())
    }

    fn hex(&mut self, length: usize) -> Result<u32, &'static str> {
        let digits = self.rest().get(..length).ok_or("a text with a broken escape")?;
        let valid = length <= 6 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let code =
            valid.then(|| u32::from_str_radix(digits, 16).ok()).flatten().ok_or("a text with a broken escape")?;
        self.at += length;
        Ok(code)
    }
}
