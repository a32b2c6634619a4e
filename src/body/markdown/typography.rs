//! markdown-it's typographer: `(c)` → ©, `...` → …, `--` → –, and quotes by the configured pairs.
//!
//! The rules are markdown-it's (`replacements` and `smartquotes`), told as one pass over the inline nodes of a block:
//! code, raw HTML and escaped characters are seen by their neighbours and not touched.

use super::super::tree::{Element, Node};
use super::{RAW, SPECIAL};

/// An inline node as its neighbours see it.
enum Token<'n> {
    Text {
        text: &'n mut String,
        level: usize,
        is_address: bool,
    },
    /// Content that is not touched: its first and last character.
    Fixed {
        first: char,
        last: char,
        level: usize,
    },
    /// A tag: nothing to see, but a level.
    Tag {
        level: usize,
    },
    Break {
        level: usize,
    },
}

impl Token<'_> {
    fn level(&self) -> usize {
        match self {
            Token::Text { level, .. }
            | Token::Fixed { level, .. }
            | Token::Tag { level }
            | Token::Break { level } => *level,
        }
    }
}

/// Replaces in all text under `nodes`.
pub fn replace(nodes: &mut [Node], quotes: &[String; 4]) {
    let mut tokens = Vec::new();
    gather(nodes, 0, false, &mut tokens);
    for token in &mut tokens {
        if let Token::Text { text, is_address: false, .. } = token {
            replace_signs(text);
        }
    }
    replace_quotes(&mut tokens, quotes);
}

fn gather<'n>(nodes: &'n mut [Node], level: usize, in_address: bool, out: &mut Vec<Token<'n>>) {
    for node in nodes {
        match node {
            Node::Text(text) => out.push(Token::Text { text, level, is_address: in_address }),
            Node::Element(element) => match element.name.as_str() {
                "br" => out.push(Token::Break { level }),
                "code" | RAW | SPECIAL => push_fixed(first_text(element), level, out),
                "img" => push_fixed(element.attribute("alt").unwrap_or(""), level, out),
                "sup" => out.push(Token::Tag { level }),
                name => {
                    let in_address = in_address || (name == "a" && is_address(element));
                    out.push(Token::Tag { level });
                    gather(&mut element.children, level + 1, in_address, out);
                    out.push(Token::Tag { level });
                }
            },
        }
    }
}

fn first_text(element: &Element) -> &str {
    match element.children.first() {
        Some(Node::Text(text)) => text,
        _ => "",
    }
}

fn push_fixed(text: &str, level: usize, out: &mut Vec<Token>) {
    match (text.chars().next(), text.chars().next_back()) {
        (Some(first), Some(last)) => out.push(Token::Fixed { first, last, level }),
        _ => out.push(Token::Tag { level }),
    }
}

/// A link that shows its own address: `<https://…>`, or a bare address.
fn is_address(link: &Element) -> bool {
    let (Some(href), [Node::Text(text)]) = (link.attribute("href"), link.children.as_slice()) else { return false };
    href == text || href.strip_prefix("mailto:").or_else(|| href.strip_prefix("http://")) == Some(text)
}

/// `(c) (r) (tm) +- ... ???? ,, -- ---`.
fn replace_signs(text: &mut String) {
    let bytes = text.as_bytes();
    let promising = bytes.windows(2).any(|pair| {
        matches!(pair, b"+-" | b".." | b"--" | b",," | b"??" | b"!!" | b"?!" | b"!?")
            || (pair[0] == b'(' && matches!(pair[1] | 0x20, b'c' | b'r' | b't'))
    });
    if !promising {
        return;
    }
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let at = |index: usize| chars.get(index).copied();
    // What stood before a dash in the text as written: dashes are judged by their neighbours there.
    let mut index = 0;
    while let Some(c) = at(index) {
        let run = chars[index..].iter().take_while(|next| **next == c).count();
        match c {
            '(' => {
                let inside: String = chars[index + 1..].iter().take(3).collect::<String>().to_ascii_lowercase();
                let (sign, length) = match inside.as_str() {
                    s if s.starts_with("c)") => ('©', 3),
                    s if s.starts_with("r)") => ('®', 3),
                    "tm)" => ('™', 4),
                    _ => ('(', 1),
                };
                out.push(sign);
                index += length;
            }
            '+' if at(index + 1) == Some('-') => {
                out.push('±');
                index += 2;
            }
            '.' if run >= 2 => {
                out.push_str(if out.ends_with(['?', '!']) { ".." } else { "…" });
                index += run;
            }
            '?' | '!' => {
                let marks = chars[index..].iter().take_while(|next| matches!(next, '?' | '!')).count();
                // Four or more become three of the last one, as in markdown-it.
                let last = chars[index + marks - 1];
                if marks >= 4 {
                    out.extend([last; 3]);
                } else {
                    out.extend(&chars[index..index + marks]);
                }
                index += marks;
            }
            ',' if run >= 2 => {
                out.push(',');
                index += run;
            }
            '-' => {
                let before = if index == 0 { None } else { at(index - 1) };
                push_dashes(run, before, at(index + run), &mut out);
                index += run;
            }
            c => {
                out.push(c);
                index += 1;
            }
        }
    }
    *text = out;
}

fn push_dashes(run: usize, before: Option<char>, after: Option<char>, out: &mut String) {
    // The end of a line is as good as a blank, and as good as a letter.
    let blank = |c: Option<char>| c.is_none_or(char::is_whitespace);
    let solid = |c: Option<char>| c.is_none_or(|c| c == '\n' || !c.is_whitespace());
    let both = |is: &dyn Fn(Option<char>) -> bool| is(before) && is(after);
    match run {
        3 => out.push('—'),
        2 if both(&blank) || both(&solid) => out.push('–'),
        _ => out.extend(std::iter::repeat_n('-', run)),
    }
}

/// A quotation mark of a text: where, and what it becomes.
struct Mark {
    position: usize,
    becomes: Option<Becomes>,
}

#[derive(Clone, Copy)]
enum Becomes {
    Quote(usize),
    Apostrophe,
}

/// A quotation mark that may open, waiting for its partner.
struct Opened {
    token: usize,
    mark: usize,
    single: bool,
    level: usize,
}

fn replace_quotes(tokens: &mut [Token], quotes: &[String; 4]) {
    let mut marks: Vec<Vec<Mark>> = Vec::with_capacity(tokens.len());
    let mut opened: Vec<Opened> = Vec::new();
    for index in 0..tokens.len() {
        let level = tokens[index].level();
        while opened.last().is_some_and(|o| o.level > level) {
            opened.pop();
        }
        marks.push(Vec::new());
        let Token::Text { text, .. } = &tokens[index] else { continue };
        let mut position = 0;
        while let Some(found) = text[position..].find(['"', '\'']) {
            let at = position + found;
            let single = text.as_bytes()[at] == b'\'';
            position = at + 1;
            let before = match text[..at].chars().next_back() {
                Some(c @ ('"' | '\'')) => marks[index].last().map_or(c, |mark| shown(mark, c, quotes)),
                Some(c) => c,
                None => before(tokens, &marks, index, quotes),
            };
            let after = text[position..].chars().next().unwrap_or_else(|| after(tokens, index));
            let mark = marks[index].len();
            let mut becomes = None;
            let (can_open, can_close) = flanking(before, after, single);
            if !can_open && !can_close {
                becomes = single.then_some(Becomes::Apostrophe);
            } else {
                let partner =
                    can_close.then(|| opened.iter().rposition(|o| o.level == level && o.single == single)).flatten();
                if let Some(partner) = partner {
                    let open = &opened[partner];
                    let first = if single { 2 } else { 0 };
                    if let Some(mark) = marks.get_mut(open.token).and_then(|m| m.get_mut(open.mark)) {
                        mark.becomes = Some(Becomes::Quote(first));
                    }
                    becomes = Some(Becomes::Quote(first + 1));
                    opened.truncate(partner);
                } else if can_open {
                    opened.push(Opened { token: index, mark, single, level });
                } else if single {
                    becomes = Some(Becomes::Apostrophe);
                }
            }
            marks[index].push(Mark { position: at, becomes });
        }
    }
    for (token, marks) in tokens.iter_mut().zip(marks) {
        if let Token::Text { text, .. } = token {
            write_marks(text, &marks, quotes);
        }
    }
}

fn write_marks(text: &mut String, marks: &[Mark], quotes: &[String; 4]) {
    if marks.iter().all(|mark| mark.becomes.is_none()) {
        return;
    }
    let mut out = String::with_capacity(text.len() + marks.len() * 4);
    let mut written = 0;
    for mark in marks {
        let replacement = match mark.becomes {
            Some(Becomes::Quote(which)) => &quotes[which],
            Some(Becomes::Apostrophe) => "’",
            None => continue,
        };
        out.push_str(&text[written..mark.position]);
        out.push_str(replacement);
        written = mark.position + 1;
    }
    out.push_str(&text[written..]);
    *text = out;
}

/// The last character that a mark shows, now.
fn shown(mark: &Mark, written: char, quotes: &[String; 4]) -> char {
    match mark.becomes {
        Some(Becomes::Quote(which)) => quotes[which].chars().next_back().unwrap_or(' '),
        Some(Becomes::Apostrophe) => '’',
        None => written,
    }
}

/// The character before a token's text; a space at the start of a line.
fn before(tokens: &[Token], marks: &[Vec<Mark>], index: usize, quotes: &[String; 4]) -> char {
    for (index, token) in tokens.iter().enumerate().take(index).rev() {
        match token {
            Token::Break { .. } => return ' ',
            Token::Fixed { last, .. } => return *last,
            Token::Text { text, .. } => match (text.chars().next_back(), marks.get(index).and_then(|m| m.last())) {
                (Some(c @ ('"' | '\'')), Some(mark)) => return shown(mark, c, quotes),
                (Some(c), _) => return c,
                (None, _) => {}
            },
            Token::Tag { .. } => {}
        }
    }
    ' '
}

/// The character after a token's text; a space at the end of a line.
fn after(tokens: &[Token], index: usize) -> char {
    for token in tokens.iter().skip(index + 1) {
        match token {
            Token::Break { .. } => return ' ',
            Token::Fixed { first, .. } => return *first,
            Token::Text { text, .. } => match text.chars().next() {
                Some(c) => return c,
                None => continue,
            },
            Token::Tag { .. } => {}
        }
    }
    ' '
}

/// Whether a quotation mark between two characters may open and may close.
fn flanking(before: char, after: char, single: bool) -> (bool, bool) {
    let (before_blank, after_blank) = (is_blank(before), is_blank(after));
    let (before_sign, after_sign) = (is_sign(before), is_sign(after));
    let mut can_open = !after_blank && (!after_sign || before_blank || before_sign);
    let mut can_close = !before_blank && (!before_sign || after_blank || after_sign);
    // 5'11"": the first mark is an inch.
    if after == '"' && !single && before.is_ascii_digit() {
        return (false, false);
    }
    if can_open && can_close {
        can_open = before_sign;
        can_close = after_sign;
    }
    (can_open, can_close)
}

fn is_blank(c: char) -> bool {
    matches!(c, '\t'..='\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}')
}

/// Punctuation and symbols: what is neither a letter, a digit, a blank nor invisible. Beyond the basic plane nothing
/// is: markdown-it sees half a character there.
fn is_sign(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_punctuation();
    }
    let invisible = matches!(c, '\u{80}'..='\u{a0}' | '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}');
    c <= '\u{ffff}' && !invisible && !c.is_alphanumeric() && !c.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn french(text: &str) -> String {
        let quotes = ["«\u{a0}", "\u{a0}»", "‹\u{a0}", "\u{a0}›"].map(str::to_string);
        let mut nodes = [Node::text(text)];
        replace(&mut nodes, &quotes);
        super::super::super::tree::text_content(&nodes)
    }

    #[test]
    fn signs_are_those_of_markdown_it() {
        assert_eq!(french("(c) (R) (tM) (p) +-5 a.. b... ?.... !..."), "© ® ™ (p) ±5 a… b… ?.. !..");
        assert_eq!(french("a -- b, 1--2, a---b, ---- -- x"), "a – b, 1–2, a—b, ---- – x");
        assert_eq!(french("oui????? non!?!?! ,,,"), "oui??? non!!! ,");
    }

    #[test]
    fn quotes_are_the_configured_ones() {
        assert_eq!(
            french(r#"la mission "logiciels libres", l'"amie""#),
            "la mission «\u{a0}logiciels libres\u{a0}», l’«\u{a0}amie\u{a0}»"
        );
        assert_eq!(french(r#"'"a" b'"#), "‹\u{a0}«\u{a0}a\u{a0}» b\u{a0}›");
        assert_eq!(french(r#"5'11"" et 'a"#), "5’11\"\" et 'a");
    }
}
