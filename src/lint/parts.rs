//! The subject, and the two parts against each other: what one says the other says too, the way out is there and is the
//! reader's own secret, nothing is left over from writing.

use std::collections::HashMap;
use std::ops::Range;

use super::addresses::percent_decoded;
use super::look::{Look, bare, excerpt};
use super::page::Kind;
use super::words::Words;
use super::{At, Finding, LetterItem};

/// Gmail hides what comes after about this many bytes of HTML.
const CLIPPED: usize = 102_000;
/// In characters: more is cut in most lists of letters.
const SUBJECT: usize = 60;
/// Shorter runs of letters and digits are no secret.
const TOKEN: usize = 16;

pub fn check(look: &Look<'_>, words: &Words, findings: &mut Vec<Finding>) {
    subject(look, findings);
    items(look, words, findings);
    way_out(look, words, findings);
    secrets(look, findings);
    left_over(look, findings);
    invisible(look, findings);
    let (bytes, budget) = (look.letter.html.len(), look.letter.budget);
    let limit = if bytes > CLIPPED { CLIPPED } else { budget };
    if bytes > limit {
        let finding = Finding::new("letter-clipped", At::File(look.letter.newsletter_file.to_string()));
        let kilobytes = |bytes: usize| words.number(bytes as f64 / 1000.0);
        findings.push(finding.with("size", kilobytes(bytes)).with("limit", kilobytes(limit)));
    }
}

fn subject(look: &Look<'_>, findings: &mut Vec<Finding>) {
    let subject = look.letter.subject.trim();
    let found = |code| Finding::new(code, At::File(look.letter.newsletter_file.to_string())).with("subject", subject);
    if bare(subject).is_empty() {
        findings.push(found("letter-subject-empty"));
        return;
    }
    let length = subject.chars().count();
    if length > SUBJECT {
        findings.push(found("letter-subject-long").with("count", length.to_string()));
    }
    let letters: Vec<char> = subject.chars().filter(|c| c.is_alphabetic()).collect();
    let capitals = letters.iter().filter(|c| c.is_uppercase()).count();
    if letters.len() >= 8 && capitals * 10 > letters.len() * 7 {
        findings.push(found("letter-subject-capitals"));
    }
    let emoji = count_emoji(subject);
    if emoji > 1 {
        findings.push(found("letter-subject-emoji").with("count", emoji.to_string()));
    }
}

/// Several that are joined to one are one.
fn count_emoji(text: &str) -> usize {
    let (mut count, mut joined) = (0, false);
    for c in text.chars() {
        match c {
            '\u{200d}' => joined = true,
            '\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}' => {}
            '\u{231a}'..='\u{231b}'
            | '\u{23e9}'..='\u{23fa}'
            | '\u{2600}'..='\u{27bf}'
            | '\u{2b50}'
            | '\u{2b55}'
            | '\u{1f000}'..='\u{1faff}' => {
                if !joined {
                    count += 1;
                }
                joined = false;
            }
            _ => joined = false,
        }
    }
    count
}

/// Each item's title and address, in both parts, in one order.
fn items(look: &Look<'_>, words: &Words, findings: &mut Vec<Finding>) {
    let mut html_words = String::new();
    for (_, _, text) in look.seen_texts() {
        html_words.push_str(&bare(&text));
    }
    let text_words = bare(look.letter.text);
    let mut links: HashMap<&str, usize> = HashMap::new();
    for (id, _, element) in look.seen().filter(|(_, _, element)| element.name == "a") {
        links.entry(element.value("href").unwrap_or("")).or_insert(id);
    }
    let mut places: Vec<(&LetterItem<'_>, usize, usize)> = Vec::new();
    for item in look.letter.items {
        let title = bare(item.title);
        let (in_html, in_text) = (links.get(item.url).copied(), address_in(look.letter.text, item.url));
        let place = || match item.file {
            Some(file) => At::File(file.to_string()),
            None => At::File(look.letter.newsletter_file.to_string()),
        };
        let parts = [
            ("html", in_html.is_some() && html_words.contains(&title)),
            ("text", in_text.is_some() && text_words.contains(&title)),
        ];
        for (part, _) in parts.iter().filter(|(_, is_there)| !is_there) {
            let finding = Finding::new("letter-item-missing", place());
            findings.push(finding.with("title", excerpt(item.title)).with("part", words.term(part)));
        }
        if let (Some(html), Some(text)) = (in_html, in_text) {
            places.push((item, html, text.start));
        }
    }
    places.sort_by_key(|(_, html, _)| *html);
    for pair in places.windows(2) {
        if let [(_, _, before), (item, _, after)] = pair
            && after < before
        {
            let place = At::Text(*after..*after + item.url.len());
            findings.push(Finding::new("letter-item-order", place).with("title", excerpt(item.title)));
        }
    }
}

/// Where an address stands in a text, and not only as the start of a longer one.
fn address_in(text: &str, address: &str) -> Option<Range<usize>> {
    if address.is_empty() {
        return None;
    }
    text.match_indices(address).map(|(at, _)| at..at + address.len()).find(|range| {
        let next = text[range.end..].chars().next();
        next.is_none_or(|c| c.is_whitespace() || matches!(c, '>' | ')' | ',' | '.' | ';' | '"' | '»'))
    })
}

/// A letter to a person, or one that names how to leave, says so in both parts.
fn way_out(look: &Look<'_>, words: &Words, findings: &mut Vec<Finding>) {
    let letter = look.letter;
    let parts = match letter.way_out {
        None if !letter.personal => return,
        None => [("html", false), ("text", false)],
        Some(way_out) => {
            let linked = look.seen().any(|(id, _, element)| {
                element.value("href") == Some(way_out) && !bare(&look.page.text_of(id)).is_empty()
            });
            // In words, an address is enough.
            let bare_address = way_out.strip_prefix("mailto:").map(|rest| rest.split('?').next().unwrap_or(rest));
            let told =
                letter.text.contains(way_out) || bare_address.is_some_and(|address| letter.text.contains(address));
            [("html", linked), ("text", told)]
        }
    };
    for (part, _) in parts.iter().filter(|(_, is_there)| !is_there) {
        let finding = Finding::new("letter-no-way-out", At::File(letter.newsletter_file.to_string()));
        findings.push(finding.with("part", words.term(part)));
    }
}

/// What belongs to one person stands in no address but their way out: whoever a letter is forwarded to, or whatever
/// server a link leads to, must not learn it.
fn secrets(look: &Look<'_>, findings: &mut Vec<Finding>) {
    let letter = look.letter;
    if !letter.personal {
        return;
    }
    let token = letter.way_out.and_then(token_of);
    let tells = |text: &str| {
        let text = percent_decoded(text);
        let own = token.as_deref().is_some_and(|token| text.contains(token));
        own || (letter.recipient.contains('@') && text.contains(letter.recipient))
    };
    for node in &look.page.nodes {
        let Kind::Element(element) = &node.kind else { continue };
        for attribute in &element.attributes {
            let is_way_out =
                element.name == "a" && attribute.name == "href" && Some(attribute.value.as_str()) == letter.way_out;
            if !is_way_out && tells(&attribute.value) {
                let finding = Finding::new("letter-token", At::Html(attribute.range.clone()));
                findings.push(finding.with("address", excerpt(&attribute.value)));
            }
        }
    }
    for (at, word) in spaced_words(letter.text) {
        let is_address = word.contains("://") || word.contains("mailto:");
        let is_way_out = letter.way_out.is_some_and(|way_out| word.contains(way_out));
        if is_address && !is_way_out && tells(word) {
            let finding = Finding::new("letter-token", At::Text(at..at + word.len()));
            findings.push(finding.with("address", excerpt(word)));
        }
    }
}

/// The longest run of letters and digits of an address that can be a secret.
fn token_of(address: &str) -> Option<String> {
    let path =
        address.split_once("://").map_or(address, |(_, rest)| rest.split_once('/').map_or("", |(_, path)| path));
    let runs = path.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_'));
    runs.filter(|run| run.len() >= TOKEN).max_by_key(|run| run.len()).map(str::to_string)
}

fn spaced_words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_whitespace().map(move |word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
}

/// Template code that nobody filled in, where it is not shown as code.
fn left_over(look: &Look<'_>, findings: &mut Vec<Finding>) {
    const MARKS: [&str; 3] = ["{{", "{%", "{#"];
    let in_text = |text: &str| MARKS.iter().filter_map(|mark| text.find(mark)).min();
    let told = |text: &str, at: usize| excerpt(&text[at..].chars().take(32).collect::<String>());
    let mut shown_as_code = false;
    for (id, node, text) in look.seen_texts() {
        let Some(at) = in_text(&text) else { continue };
        if look.page.around(id).any(|(_, e)| matches!(e.name.as_str(), "code" | "pre" | "kbd" | "samp")) {
            shown_as_code = true;
            continue;
        }
        findings
            .push(Finding::new("letter-template-code", At::Html(node.range.clone())).with("code", told(&text, at)));
    }
    let text = look.letter.text;
    if let Some(at) = in_text(text).filter(|_| !shown_as_code) {
        findings.push(Finding::new("letter-template-code", At::Text(at..at + 2)).with("code", told(text, at)));
    }
    if let Some(at) = in_text(look.letter.subject) {
        let finding = Finding::new("letter-template-code", At::File(look.letter.newsletter_file.to_string()));
        findings.push(finding.with("code", told(look.letter.subject, at)));
    }
}

/// Characters that nobody sees and some programs read aloud or show as boxes: filling, or what was pasted along.
fn invisible(look: &Look<'_>, findings: &mut Vec<Finding>) {
    let told = |c: char| format!("U+{:04X}", u32::from(c));
    for (id, node) in look.page.texts() {
        if look.page.around(id).any(|(_, e)| matches!(e.name.as_str(), "head" | "style" | "script" | "xml")) {
            continue;
        }
        if let Some(c) = junk(&look.page.words(node)) {
            let finding = Finding::new("letter-invisible", At::Html(node.range.clone()));
            findings.push(finding.with("character", told(c)));
            break;
        }
    }
    let letter = look.letter;
    if let Some(c) = junk(letter.text) {
        let at = letter.text.find(c).unwrap_or(0);
        findings.push(Finding::new("letter-invisible", At::Text(at..at + c.len_utf8())).with("character", told(c)));
    }
    if let Some(c) = junk(letter.subject) {
        let finding = Finding::new("letter-invisible", At::File(letter.newsletter_file.to_string()));
        findings.push(finding.with("character", told(c)));
    }
}

/// The first character that does nothing for a reader. Joiners inside of words and emoji, soft hyphens and marks of
/// direction have their use.
fn junk(text: &str) -> Option<char> {
    let mut before = ' ';
    for c in text.chars() {
        let useless = matches!(c, '\u{34f}' | '\u{180e}' | '\u{200b}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
        let misplaced = matches!(c, '\u{200c}' | '\u{ad}') && (before.is_whitespace() || before == c);
        if useless || misplaced {
            return Some(c);
        }
        before = c;
    }
    None
}
