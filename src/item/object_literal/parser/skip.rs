//! Passing over what is no literal: a function, a call, an expression, to the end of its value.

use super::Parser;

impl Parser<'_> {
    /// To the comma or the closing bracket that ends the value, whatever it is.
    pub(super) fn skip_value(&mut self) {
        let mut open = 0usize;
        let mut before = b'(';
        while self.at < self.end {
            self.skip_blanks();
            let Some(byte) = self.peek() else { return };
            match byte {
                b',' | b';' if open == 0 => return,
                b')' | b']' | b'}' if open == 0 => return,
                b'(' | b'[' | b'{' => open += 1,
                b')' | b']' | b'}' => open -= 1,
                b'/' if before.is_ascii_punctuation()
                    && !matches!(before, b')' | b']' | b'}' | b'"' | b'\'' | b'`' | b'_' | b'$') =>
                {
                    self.skip_regex();
                    before = b')';
                    continue;
                }
                _ => {}
            }
            before = byte;
            self.skip_token();
        }
    }

    /// A text, a word, or one character.
    pub(super) fn skip_token(&mut self) {
        match self.peek() {
            Some(quote @ (b'"' | b'\'')) => self.skip_quoted(quote),
            Some(b'`') => self.skip_template(),
            _ => {
                if self.word().is_none() {
                    self.at += self.rest().chars().next().map_or(0, char::len_utf8);
                }
            }
        }
    }

    pub(super) fn skip_quoted(&mut self, quote: u8) {
        let mut escaped = false;
        let rest = self.rest();
        for (i, byte) in rest.bytes().enumerate().skip(1) {
            if !escaped && (byte == quote || byte == b'\n') {
                self.at += i + 1;
                return;
            }
            escaped = !escaped && byte == b'\\';
        }
        self.at = self.end;
    }

    /// A template string, the expressions in it and the template strings in those, without recursion.
    pub(super) fn skip_template(&mut self) {
        let mut braces: Vec<usize> = Vec::new();
        let mut inside = true;
        self.at += 1;
        while self.at < self.end {
            let rest = self.rest();
            if inside {
                if rest.starts_with('\\') {
                    self.at += 1;
                    self.at += self.rest().chars().next().map_or(0, char::len_utf8);
                } else if rest.starts_with("${") {
                    braces.push(0);
                    inside = false;
                    self.at += 2;
                } else {
                    let closes = rest.starts_with('`');
                    self.at += rest.chars().next().map_or(0, char::len_utf8);
                    if closes {
                        if braces.is_empty() {
                            return;
                        }
                        inside = false;
                    }
                }
                continue;
            }
            self.skip_blanks();
            match self.peek() {
                Some(b'`') => {
                    inside = true;
                    self.at += 1;
                }
                Some(b'{') => {
                    if let Some(open) = braces.last_mut() {
                        *open += 1;
                    }
                    self.at += 1;
                }
                Some(b'}') => {
                    self.at += 1;
                    match braces.last_mut() {
                        Some(open) if *open > 0 => *open -= 1,
                        _ => {
                            braces.pop();
                            inside = true;
                        }
                    }
                }
                Some(quote @ (b'"' | b'\'')) => self.skip_quoted(quote),
                _ => self.at += self.rest().chars().next().map_or(0, char::len_utf8),
            }
        }
    }

    fn skip_regex(&mut self) {
        let mut escaped = false;
        let mut class = false;
        let rest = self.rest();
        for (i, byte) in rest.bytes().enumerate().skip(1) {
            match byte {
                b'\n' => {
                    self.at += i;
                    return;
                }
                b'/' if !escaped && !class => {
                    self.at += i + 1;
                    return;
                }
                b'[' if !escaped => class = true,
                b']' if !escaped => class = false,
                _ => {}
            }
            escaped = !escaped && byte == b'\\';
        }
        self.at = self.end;
    }
}
