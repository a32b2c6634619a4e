//! Looks into a JavaScript configuration without running it: which functions are called with what, and what a function
//! returns when that is a text with its parameters in it.
//!
//! BUGS: knows nothing of regular expressions; what is computed is answered with `None`.

/// A place in a script.
#[derive(Clone, Copy)]
pub struct Script<'a> {
    pub text: &'a str,
    pub at: usize,
}

/// A function's parameters, and where its body starts.
pub struct Function {
    pub parameters: Vec<Parameter>,
    pub body: usize,
}

/// A parameter, taken by its position or, where the function takes an object apart, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: String,
    /// `None`: by name.
    pub position: Option<usize>,
    pub default: Option<String>,
}

impl<'a> Script<'a> {
    pub fn new(text: &'a str, at: usize) -> Self {
        Script { text, at }
    }

    pub fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// Skips blanks and comments.
    pub fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let blank = rest.len() - rest.trim_start().len();
            let comment = match &rest[blank..] {
                line if line.starts_with("//") => line.find('\n').unwrap_or(line.len()),
                block if block.starts_with("/*") => block.find("*/").map_or(block.len(), |end| end + 2),
                _ => 0,
            };
            self.at += blank + comment;
            if comment == 0 {
                return;
            }
        }
    }

    /// Takes a word or a sign that stands next.
    pub fn take(&mut self, sign: &str) -> bool {
        self.skip();
        let taken = self.rest().starts_with(sign);
        let word = sign.ends_with(|c: char| c.is_alphanumeric());
        let cut = word && self.rest()[if taken { sign.len() } else { 0 }..].starts_with(is_word);
        if taken && !cut {
            self.at += sign.len();
        }
        taken && !cut
    }

    pub fn word(&mut self) -> Option<&'a str> {
        self.skip();
        let rest = self.rest();
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        self.at += length;
        (length > 0 && !rest.starts_with(|c: char| c.is_ascii_digit())).then(|| &rest[..length])
    }

    /// A text in single or double quotes, or a template without places.
    pub fn string(&mut self) -> Option<String> {
        self.skip();
        let quote = self.rest().chars().next().filter(|c| "\"'`".contains(*c))?;
        let mut text = String::new();
        let mut characters = self.rest().char_indices().skip(1);
        while let Some((at, c)) = characters.next() {
            match c {
                c if c == quote => {
                    self.at += at + 1;
                    return Some(text);
                }
                '\\' => match characters.next()?.1 {
                    'n' => text.push('\n'),
                    't' => text.push(' '),
                    'x' | 'u' => return None,
                    '\n' => {}
                    other => text.push(other),
                },
                '$' if quote == '`' && self.rest()[at..].starts_with("${") => return None,
                c => text.push(c),
            }
        }
        None
    }

    /// A function's head: `function (a, b)`, `async (a) =>`, `a =>`; leaves the place at its body.
    pub fn function(&mut self) -> Option<Function> {
        self.take("async");
        let named = self.take("function");
        if named {
            self.word();
        }
        let parameters = if self.take("(") { self.parameters()? } else { vec![self.parameter(0)?] };
        if !named && !self.take("=>") {
            return None;
        }
        self.skip();
        Some(Function { parameters, body: self.at })
    }

    /// Behind `(`, up to `)`.
    fn parameters(&mut self) -> Option<Vec<Parameter>> {
        let mut parameters = Vec::new();
        let mut position = 0;
        while !self.take(")") {
            if self.take("{") {
                while !self.take("}") {
                    parameters.push(Parameter { position: None, ..self.parameter(0)? });
                    self.take(",");
                }
                if self.take("=") && !(self.take("{") && self.take("}")) {
                    return None;
                }
            } else {
                parameters.push(self.parameter(position)?);
            }
            position += 1;
            if !self.take(",") && !self.rest().starts_with(')') {
                return None;
            }
        }
        Some(parameters)
    }

    fn parameter(&mut self, position: usize) -> Option<Parameter> {
        let name = self.word()?.to_string();
        let default =
            if !self.rest().trim_start().starts_with("=>") && self.take("=") { Some(self.string()?) } else { None };
        Some(Parameter { name, position: Some(position), default })
    }
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

/// Where each call of a function whose name `wanted` accepts has its first argument; comments left out.
pub fn calls(text: &str, wanted: impl Fn(&str) -> bool) -> Vec<(&str, usize)> {
    let mut found = Vec::new();
    let mut script = Script::new(text, 0);
    while script.at < text.len() {
        script.skip();
        let before = script.at;
        if let Some(name) = script.word()
            && wanted(name)
            && script.take("(")
        {
            found.push((name, script.at));
        }
        if script.at == before {
            script.at += script.rest().chars().next().map_or(1, char::len_utf8);
        }
    }
    found
}

/// The text behind `key:`, the first one whose value is a plain text.
pub fn text_of_key(text: &str, key: &str) -> Option<String> {
    text.match_indices(key).find_map(|(at, _)| {
        let before = text[..at].trim_end_matches(['"', '\'']).chars().next_back();
        let mut script = Script::new(text, at + key.len());
        script.at += usize::from(script.rest().starts_with(['"', '\'']));
        (!before.is_some_and(is_word) && script.take(":")).then(|| script.string()).flatten()
    })
}

/// The rest of a script from where a function or a value of this name is defined.
pub fn definition(text: &str, name: &str) -> Option<usize> {
    for (at, _) in text.match_indices(name) {
        let before = text[..at].trim_end();
        let whole = !text[..at].ends_with(is_word) && !text[at + name.len()..].starts_with(is_word);
        if whole && before.ends_with("function") {
            return Some(before.len() - "function".len());
        }
        let mut script = Script::new(text, at + name.len());
        if whole && ["const", "let", "var"].iter().any(|word| before.ends_with(word)) && script.take("=") {
            script.skip();
            return Some(script.at);
        }
    }
    None
}
