//! Bare addresses in text become links, by linkify-it's rules: `http:`, `https:`, `ftp:`, `mailto:` and `//` anywhere
//! at the start of a word; host names that end in a known name (`example.com`, any country's two letters); e-mail
//! addresses. IP addresses and other names need a scheme.

use super::super::tree::{Element, Node};
use super::{RAW, SPECIAL};

const NAMES: [&str; 17] = [
    "biz", "com", "edu", "gov", "net", "org", "pro", "web", "xxx", "aero", "asia", "coop", "info", "museum", "name",
    "shop", "рф",
];

/// For each first letter, the second letters of the countries' names.
const COUNTRIES: [&str; 26] = [
    "cdefgilmnoqrstuwxz",
    "abdefghijmnorstvwyz",
    "acdfghiklmnoruvwxyz",
    "ejkmoz",
    "cegrstu",
    "ijkmor",
    "abdefghilmnpqrstuwy",
    "kmnrtu",
    "delmnoqrst",
    "emop",
    "eghimnprwyz",
    "abcikrstuvy",
    "acdeghklmnopqrstuvwxyz",
    "acefgilopruz",
    "m",
    "aefghklmnrstwy",
    "a",
    "eosuw",
    "abcdeghijklmnortuvxyz",
    "cdfghjklmnortvwz",
    "agksyz",
    "aceginu",
    "fs",
    "",
    "et",
    "amw",
];

/// Makes links in all text under `nodes` that is not in a link already.
pub fn link(nodes: &mut Vec<Node>) {
    let mut raw_links = 0usize;
    link_in(nodes, &mut raw_links);
}

/// Goes backwards, as markdown-it does: what stands before a raw `</a>` is in a link until its `<a>` is found.
fn link_in(nodes: &mut Vec<Node>, raw_links: &mut usize) {
    for index in (0..nodes.len()).rev() {
        let after_special = index > 0 && matches!(&nodes[index - 1], Node::Element(e) if e.name == SPECIAL);
        match &mut nodes[index] {
            Node::Text(text) if *raw_links == 0 && may_hold(text) => {
                let pieces = split(text, after_special);
                if !pieces.is_empty() {
                    nodes.splice(index..=index, pieces);
                }
            }
            Node::Text(_) => {}
            Node::Element(element) => match element.name.as_str() {
                "a" | "code" | SPECIAL => {}
                RAW => {
                    if let Some(Node::Text(html)) = element.children.first() {
                        let start = html.get(..3).unwrap_or("").to_ascii_lowercase();
                        if start == "</a" {
                            *raw_links += 1;
                        } else if matches!(start.as_str(), "<a>" | "<a " | "<a\n") {
                            *raw_links = raw_links.saturating_sub(1);
                        }
                    }
                }
                _ => link_in(&mut element.children, raw_links),
            },
        }
    }
}

/// A quick look: most texts hold nothing that could be an address.
fn may_hold(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.contains(&b'@')
        || bytes.windows(2).any(|pair| match pair {
            b"//" => true,
            [b'.', after] => after.is_ascii_alphabetic() || *after >= 0x80,
            _ => false,
        })
}

/// The text in pieces, links among them; empty when there is none.
fn split(text: &str, after_special: bool) -> Vec<Node> {
    let chars: Vec<char> = text.chars().collect();
    let mut pieces = Vec::new();
    let mut written = 0;
    let mut position = 0;
    // The rules take what follows a link as a text of its own: `start` is where that one starts.
    let mut start = 0;
    while position < chars.len() {
        let Some(found) = find_at(&chars, start, position) else {
            position += 1;
            continue;
        };
        if !(after_special && position == 0) {
            if written < position {
                pieces.push(Node::Text(chars[written..position].iter().collect()));
            }
            let shown: String = chars[position..found.end].iter().collect();
            let link = Element::new("a").with("href", format!("{}{shown}", found.scheme)).child(Node::Text(shown));
            pieces.push(link.into());
            written = found.end;
        }
        position = found.end;
        start = found.end;
    }
    if !pieces.is_empty() && written < chars.len() {
        pieces.push(Node::Text(chars[written..].iter().collect()));
    }
    pieces
}

struct Found {
    end: usize,
    /// What the address lacks.
    scheme: &'static str,
}

fn find_at(chars: &[char], start: usize, position: usize) -> Option<Found> {
    let before = if position == start { None } else { Some(chars[position - 1]) };
    let at_scheme = before.is_none_or(|c| c != '_' && (is_separator(c) || is_zpcc(c)));
    if at_scheme {
        if let Some(end) = with_scheme(chars, position) {
            return Some(Found { end, scheme: "" });
        }
        if chars[position..].starts_with(&['/', '/'])
            && !matches!(before, Some(':' | '/'))
            && let Some(end) = after_slashes(chars, position + 2, true)
        {
            return Some(Found { end, scheme: "" });
        }
    }
    let at_host = before
        .is_none_or(|c| !matches!(c, '.' | ':' | '/' | '-' | '_' | '@') && (is_host_sign(c) || is_zpcc(c)))
        && !is_host_sign(chars[position]);
    let host = at_host.then(|| fuzzy_host(chars, position, true).map(|end| path(chars, end))).flatten();
    let at_mail = before.is_none_or(|c| is_separator(c) || matches!(c, '"' | '(') || is_zcc(c));
    let mail = at_mail.then(|| mail(chars, position, fuzzy_mail_host)).flatten();
    match (host, mail) {
        (Some(host), Some(mail)) if mail > host => Some(Found { end: mail, scheme: "mailto:" }),
        (Some(host), _) => Some(Found { end: host, scheme: "http://" }),
        (None, Some(mail)) => Some(Found { end: mail, scheme: "mailto:" }),
        (None, None) => None,
    }
}

/// The end, in bytes, of an address with a scheme that starts the text.
pub fn address_length(text: &str) -> Option<usize> {
    let chars: Vec<char> = text.chars().take_while(|c| !is_zcc(*c)).collect();
    let end = with_scheme(&chars, 0)?;
    Some(chars[..end].iter().map(|c| c.len_utf8()).sum())
}

fn with_scheme(chars: &[char], position: usize) -> Option<usize> {
    let has = |name: &str| {
        chars.len() >= position + name.len()
            && chars[position..].iter().zip(name.chars()).all(|(c, n)| c.to_ascii_lowercase() == n)
    };
    for scheme in ["http://", "https://", "ftp://"] {
        if has(scheme) {
            return after_slashes(chars, position + scheme.len(), false);
        }
    }
    if has("mailto:") {
        return mail(chars, position + 7, |chars, at| {
            host(chars, at).map(|(end, _)| end).filter(|end| terminates(chars, *end))
        });
    }
    None
}

/// `user@host:port/path`.
fn after_slashes(chars: &[char], position: usize, needs_dot: bool) -> Option<usize> {
    let word = chars[position..]
        .iter()
        .take_while(|c| !is_zcc(**c) && !matches!(c, '/' | '[' | ']' | '(' | ')' | '@'))
        .count();
    let with_user = (word > 0 && chars.get(position + word) == Some(&'@')).then_some(position + word + 1);
    with_user.into_iter().chain([position]).find_map(|at| {
        let (end, labels) = host(chars, at)?;
        let is_local = chars[at..end].iter().collect::<String>().eq_ignore_ascii_case("localhost");
        if needs_dot && labels < 2 && !is_local {
            return None;
        }
        let end = port(chars, end);
        terminates(chars, end).then(|| path(chars, end))
    })
}

fn mail(chars: &[char], position: usize, host: impl Fn(&[char], usize) -> Option<usize>) -> Option<usize> {
    let is_name =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ';' | ':' | '&' | '=' | '+' | '$' | ',' | '.' | '_');
    if !is_name(*chars.get(position)?) {
        return None;
    }
    let length = chars[position..].iter().take_while(|c| is_name(**c) || **c == '"').count();
    (chars.get(position + length) == Some(&'@')).then(|| host(chars, position + length + 1)).flatten()
}

fn fuzzy_mail_host(chars: &[char], position: usize) -> Option<usize> {
    fuzzy_host(chars, position, false)
}

/// A host that ends in a known name.
fn fuzzy_host(chars: &[char], position: usize, with_port: bool) -> Option<usize> {
    let (end, labels) = host(chars, position)?;
    let last = chars[position..end].rsplit(|c| *c == '.').next().unwrap_or(&[]);
    if labels < 2 || !is_known(last) {
        return None;
    }
    let end = if with_port { port(chars, end) } else { end };
    terminates(chars, end).then_some(end)
}

fn is_known(label: &[char]) -> bool {
    let label: String = label.iter().collect::<String>().to_lowercase();
    if let &[first @ b'a'..=b'z', second] = label.as_bytes() {
        return COUNTRIES[usize::from(first - b'a')].as_bytes().contains(&second);
    }
    NAMES.contains(&label.as_str()) || (label.starts_with("xn--") && label.len() > 4)
}

/// Labels between dots, as many as there are: where they end, and how many.
fn host(chars: &[char], position: usize) -> Option<(usize, usize)> {
    let mut end = position;
    let mut labels = 0;
    loop {
        let at = if labels == 0 { end } else { end + 1 };
        let mut length = chars.get(at..)?.iter().take(64).take_while(|c| **c == '-' || is_letter(**c)).count();
        while length > 0 && chars[at + length - 1] == '-' {
            length -= 1;
        }
        if length == 0 || length > 63 || chars[at] == '-' {
            break;
        }
        end = at + length;
        labels += 1;
        if chars.get(end) != Some(&'.') {
            break;
        }
    }
    (labels > 0).then_some((end, labels))
}

fn port(chars: &[char], end: usize) -> usize {
    if chars.get(end) != Some(&':') {
        return end;
    }
    let digits: String = chars[end + 1..].iter().take(6).take_while(|c| c.is_ascii_digit()).collect();
    match digits.parse::<u32>() {
        Ok(port) if port <= 65535 && digits.len() <= 5 => end + 1 + digits.len(),
        _ => end,
    }
}

/// Whether a host may end here.
fn terminates(chars: &[char], end: usize) -> bool {
    let Some(next) = chars.get(end) else { return true };
    if !(is_separator(*next) || is_zpcc(*next)) {
        return false;
    }
    match (next, chars.get(end + 1)) {
        ('-' | '_', _) => false,
        (':', Some(after)) => !after.is_ascii_digit(),
        ('.', Some('-')) => false,
        ('.', Some(after)) => is_zpcc(*after),
        _ => true,
    }
}

/// The end of the path, query and fragment that start here.
fn path(chars: &[char], start: usize) -> usize {
    if !matches!(chars.get(start), Some('/' | '?' | '#')) {
        return start;
    }
    let mut at = start + 1;
    while let Some(c) = chars.get(at).copied() {
        let next = chars.get(at + 1).copied();
        let goes_on = |also: char| next.is_some_and(|n| !is_zcc(n) && n != also);
        let taken = match c {
            c if is_zcc(c) || is_separator(c) => 0,
            '[' => enclosed(chars, at, ']', 0),
            '(' => enclosed(chars, at, ')', 0),
            '{' => enclosed(chars, at, '}', 0),
            '"' => enclosed(chars, at, '"', 1),
            '\'' => match enclosed(chars, at, '\'', 1) {
                0 => usize::from(next.is_some_and(|n| n == '-' || is_letter(n))),
                length => length,
            },
            ')' | ']' | '}' => 0,
            '.' => {
                let dots = chars[at..].iter().take_while(|c| **c == '.').count();
                let after = chars.get(at + dots);
                if dots >= 2 && after.is_some_and(|a| a.is_ascii_alphanumeric() || matches!(a, '%' | '/' | '&')) {
                    dots + 1
                } else {
                    usize::from(dots == 1 && goes_on('.'))
                }
            }
            '-' => chars[at..].iter().take_while(|c| **c == '-').count(),
            ',' | ';' => usize::from(next.is_some_and(|n| !is_zcc(n))),
            '!' => {
                let marks = chars[at..].iter().take_while(|c| **c == '!').count();
                if chars.get(at + marks).is_some_and(|n| !is_zcc(*n)) { marks } else { 0 }
            }
            '?' => usize::from(goes_on('?')),
            _ => 1,
        };
        if taken == 0 {
            break;
        }
        at += taken;
    }
    // A lone `?` or `#` is no path, a lone `/` is.
    if at == start + 1 && chars[start] != '/' { start } else { at }
}

/// The length of `(…)` without a blank inside; 0 when it does not close.
fn enclosed(chars: &[char], at: usize, close: char, least: usize) -> usize {
    let length = chars[at + 1..].iter().take_while(|c| !is_zcc(**c) && **c != close).count();
    if length >= least && chars.get(at + 1 + length) == Some(&close) { length + 2 } else { 0 }
}

fn is_separator(c: char) -> bool {
    matches!(c, '<' | '>' | '\u{ff5c}')
}

fn is_host_sign(c: char) -> bool {
    matches!(c, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '\u{ff5c}')
}

fn is_letter(c: char) -> bool {
    !is_separator(c) && !is_zpcc(c)
}

/// White space and control characters.
fn is_zcc(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

/// White space, control characters and punctuation (symbols are not).
fn is_zpcc(c: char) -> bool {
    if c.is_ascii() {
        return is_zcc(c)
            || (c.is_ascii_punctuation() && !matches!(c, '$' | '+' | '<' | '=' | '>' | '^' | '`' | '|' | '~'));
    }
    is_zcc(c)
        || matches!(c, '\u{a1}' | '\u{a7}' | '\u{ab}' | '\u{b6}' | '\u{b7}' | '\u{bb}' | '\u{bf}' | '\u{37e}' | '\u{387}'
            | '\u{55a}'..='\u{55f}' | '\u{589}' | '\u{5be}' | '\u{60c}' | '\u{61b}' | '\u{61f}' | '\u{964}' | '\u{965}'
            | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{2043}' | '\u{2045}'..='\u{2051}' | '\u{2053}'..='\u{205e}'
            | '\u{2308}'..='\u{230b}' | '\u{2329}' | '\u{232a}' | '\u{2768}'..='\u{2775}' | '\u{27e6}'..='\u{27ef}'
            | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}' | '\u{30fb}'
            | '\u{ff01}'..='\u{ff03}' | '\u{ff05}'..='\u{ff0a}' | '\u{ff0c}'..='\u{ff0f}' | '\u{ff1a}' | '\u{ff1b}'
            | '\u{ff1f}' | '\u{ff20}' | '\u{ff3b}'..='\u{ff3d}' | '\u{ff3f}' | '\u{ff5b}' | '\u{ff5d}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::tree::write;

    fn linked(text: &str) -> String {
        let mut nodes = vec![Node::text(text)];
        link(&mut nodes);
        write(&nodes).replace("<a href=\"", "[").replace("\">", " ").replace("</a>", "]")
    }

    #[test]
    fn addresses_become_links() {
        assert_eq!(
            linked("(https://example.org/a_(b)?c=d)."),
            "([https://example.org/a_(b)?c=d https://example.org/a_(b)?c=d])."
        );
        assert_eq!(
            linked("voir www.example.org, et example.fr/a."),
            "voir [http://www.example.org www.example.org], et [http://example.fr/a example.fr/a]."
        );
        assert_eq!(linked("à lettre@example.org !"), "à [mailto:lettre@example.org lettre@example.org] !");
    }

    #[test]
    fn what_only_looks_like_an_address_stays_text() {
        for text in ["fin.Début", "fichier.txt", "1.2.3.4", "a.b.c", "http://", "v1.0", "@nom", "crieur.yaml"] {
            assert_eq!(linked(text), text);
        }
    }
}
