//! The short form of the preview, in Markdown for a pull request: what is in each next letter and what is not, when it leaves,
//! what it weighs, what is wrong with it, and what subscribers of the feeds would see.
//!
//! Promises: in the site's language, French or English; renders alike on GitHub and GitLab; what not everybody has to read is
//! folded; titles are plain words; no e-mail address of anybody.

use super::page::encoded;
use super::reading::{Desk, Letters};
use super::said;
use super::sheet::Sheet;
use super::words::Words;
use crate::announce::choice::{Choice, Fate};
use crate::config::Newsletter;
use crate::problem::{Problem, Problems, Severity};

/// How many of a kind are named.
const NAMED: usize = 10;

/// One next letter; `sheet` is `None` where there is none. `drawn`: its pictures, relative to the summary.
pub fn letter(
    desk: &Desk,
    newsletter: &Newsletter,
    letters: &Letters,
    sheet: Option<&Sheet>,
    drawn: &[String],
    words: &Words,
) -> String {
    let number = sheet.map_or(letters.remembered.number, |sheet| sheet.composed.number).to_string();
    let over = words.say("number", &[("title", &newsletter.title), ("number", &number)]);
    let project = desk.project.problems.iter();
    let refused = letters.next.as_ref().err().into_iter().flat_map(Problems::iter);
    let of_letter = sheet.into_iter().flat_map(|sheet| sheet.problems.iter());
    // What came in since has a place of its own below.
    let problems = project.chain(refused).chain(of_letter).filter(|problem| problem.code != "edition-came-in");
    let (errors, warnings): (Vec<&Problem>, Vec<&Problem>) =
        problems.partition(|problem| problem.severity == Severity::Error);
    let mut text = match sheet {
        Some(sheet) => format!("\n## {}\n\n", escaped(&sheet.subject)),
        None => format!("\n## {}\n\n", escaped(&over)),
    };
    match sheet {
        Some(sheet) => {
            let mut facts = vec![over, words.say("items", &[("count", &sheet.composed.items.len().to_string())])];
            facts.extend(said::leaves(desk, newsletter, letters, words));
            facts.push(format!("HTML {}", words.bytes(sheet.weight.html as u64)));
            facts.push(format!("{} {}", words.say("weight_pictures", &[]), words.bytes(sheet.weight.pictures)));
            text.push_str(&format!("{}\n\n", escaped(&facts.join(" · "))));
            for item in &sheet.composed.items {
                text.push_str(&format!("- {}\n", linked(&item.title, &item.url)));
            }
        }
        None if errors.is_empty() => text.push_str(&format!("{}\n", escaped(&words.say("summary_none", &[])))),
        None => {}
    }
    if !errors.is_empty() {
        let count = errors.len().to_string();
        text.push_str(&format!(
            "\n❌ **{}**\n\n{}",
            words.say("summary_errors", &[("count", &count)]),
            remarks(&errors)
        ));
    }
    let came_in = letters.file.as_ref().map(|file| file.came_in.as_slice()).unwrap_or_default();
    fold(&mut text, words, "summary_came_in", came_in.iter().map(|title| escaped(title)).collect());
    let of = |wanted: &dyn Fn(&Choice) -> bool| -> Vec<String> {
        letters.choices.iter().filter(|choice| wanted(choice)).map(|choice| escaped(&choice.title)).collect()
    };
    let waits = |choice: &Choice| matches!(choice.fate, Fate::Held(_) | Fate::Later);
    fold(&mut text, words, "summary_waits", of(&|choice| waits(choice) && !came_in.contains(&choice.title)));
    let out = |choice: &Choice| matches!(choice.fate, Fate::Declined | Fate::Beyond | Fate::Double);
    fold(&mut text, words, "summary_out", of(&out));
    if !warnings.is_empty() {
        let count = warnings.len().to_string();
        text.push_str(&folded(&words.say("summary_warnings", &[("count", &count)]), &remarks(&warnings)));
    }
    if !drawn.is_empty() {
        let pictures: String = drawn.iter().map(|picture| shown(picture)).collect();
        text.push_str(&folded(&words.say("summary_pictures", &[]), &pictures));
    }
    text
}

fn shown(picture: &str) -> String {
    let address: Vec<String> = picture.split('/').map(encoded).collect();
    let name = picture.rsplit('/').next().unwrap_or_default().trim_end_matches(".png");
    format!("![{name}]({})\n", address.join("/"))
}

fn fold(text: &mut String, words: &Words, name: &str, lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    let title = words.say(name, &[("count", &lines.len().to_string())]);
    let mut list: String = lines.iter().take(NAMED).map(|line| format!("- {line}\n")).collect();
    if lines.len() > NAMED {
        list.push_str("- …\n");
    }
    text.push_str(&folded(&title, &list));
}

/// Something that opens at a click. Both forges read Markdown inside when empty lines are around it.
pub fn folded(title: &str, content: &str) -> String {
    let title = without_addresses(title).replace('&', "&amp;").replace('<', "&lt;");
    format!("\n<details><summary>{title}</summary>\n\n{content}\n</details>\n")
}

fn remarks(problems: &[&Problem]) -> String {
    let mut lines: String =
        problems.iter().take(NAMED).map(|problem| format!("- {}\n", escaped(&problem.to_string()))).collect();
    if problems.len() > NAMED {
        lines.push_str("- …\n");
    }
    lines
}

/// A title that leads to its page.
pub fn linked(title: &str, url: &str) -> String {
    if url.starts_with("https://") || url.starts_with("http://") {
        return format!("[{}](<{}>)", escaped(title), url.replace(['<', '>', ' ', '\n'], ""));
    }
    escaped(title)
}

/// Plain words in Markdown, on one line.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in without_addresses(text).chars() {
        if "\\`*_[]<>|#!~&@".contains(character) {
            out.push('\\');
        }
        out.push(character);
    }
    out
}

/// The words on one line, e-mail addresses made unreadable: a pull request may be public.
fn without_addresses(text: &str) -> String {
    let word = |word: &str| {
        let Some((before, after)) = word.split_once('@') else { return word.to_string() };
        let part = |c: char| c.is_alphanumeric() || "._%+-".contains(c);
        let start =
            before.rfind(|c| !part(c)).map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
        let end = after.find(|c: char| !part(c)).unwrap_or(after.len());
        let (name, host) = (&before[start..], &after[..end]);
        if name.is_empty() || !host.trim_end_matches('.').contains('.') {
            return word.to_string();
        }
        format!("{}…@…{}", &before[..start], &after[end..])
    };
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_plain_words_in_markdown() {
        assert_eq!(escaped("a *b*\n[c](d) <script> @all"), "a \\*b\\* \\[c\\](d) \\<script\\> \\@all");
        assert_eq!(linked("a", "javascript:1"), "a");
    }

    #[test]
    fn an_address_of_anybody_is_not_readable() {
        assert_eq!(without_addresses("de «ada.l@example.org», à tous"), "de «…@…», à tous");
        assert_eq!(without_addresses("<a@b.example.org>"), "<…@…>");
        assert_eq!(without_addresses("5 @ 3, @all, a@b"), "5 @ 3, @all, a@b");
    }
}
