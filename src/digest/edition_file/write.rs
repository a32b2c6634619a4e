//! Writes an edition's file: a draft from a plan, and what came in since at the end of one that is there.
//!
//! Promises: what is written reads back as the same plan; adding to a file touches no line that a person wrote.
//!
//! BUGS: a plan's prose is written from its text: emphasis and links of an introduction that the program itself made
//! would be lost. Automatic plans have none.

use std::fmt::Write;

use crate::body::Renderer;
use crate::digest::language::Language;
use crate::digest::plan::{Entry, Plan, Prose, Show, What};
use crate::item::Item;

/// What a draft says of when it may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendLine {
    /// A person is to write when.
    No,
    Now,
    /// Now, and whoever merges the draft approves it.
    Merge,
}

/// What a draft says besides its plan.
pub struct Draft<'a> {
    pub newsletter: &'a str,
    /// The time zone's name.
    pub zone: &'a str,
    pub send: SendLine,
    /// The subject that the letter would have by itself.
    pub subject: Option<&'a str>,
    pub language: &'a Language,
    pub renderer: &'a Renderer,
    /// New items that the plan does not show: they wait, unless a person takes the word away.
    pub later: &'a [&'a Item],
    /// Ids.
    pub offered: &'a [String],
}

/// A draft of the plan.
pub fn draft(draft: &Draft<'_>, plan: &Plan<'_>) -> String {
    let say = |name: &str| draft.language.text(name, &[]);
    let mut out = String::from("---\n");
    let _ = writeln!(out, "newsletter: {}\nnumber: {}", draft.newsletter, plan.number);
    let (send, how) = match draft.send {
        SendLine::No => ("no ", "draft_how_more"),
        SendLine::Now => ("now", "draft_how_more"),
        SendLine::Merge => ("now", "draft_how_merge"),
    };
    let _ = writeln!(out, "send: {send}                 # no | now | 2026-12-01 | 2026-12-01 09:00 ({})", draft.zone);
    match (&plan.subject, draft.subject) {
        (Some(own), _) => _ = writeln!(out, "subject: {}", quoted(own)),
        (None, Some(usual)) => _ = writeln!(out, "# subject: {}", quoted(usual)),
        (None, None) => {}
    }
    let _ = write!(out, "---\n\n<!-- {}\n{} -->\n", say("draft_how"), say(how));
    if let Some(introduction) = &plan.introduction {
        paragraphs(&mut out, introduction, "");
    }
    for section in &plan.sections {
        if let Some(title) = &section.title {
            let level = if section.depth == 0 { "##" } else { "###" };
            let _ = write!(out, "\n{level} {}{}\n", mark(section.mark.as_deref()), escape(title, true));
        }
        if section.show == Show::Line {
            out.push_str("\n<!-- line -->\n");
        }
        if let Some(note) = &section.note {
            paragraphs(&mut out, note, "");
        }
        if !section.entries.is_empty() {
            out.push('\n');
        }
        for entry in &section.entries {
            out.push_str(&line(entry, draft.renderer));
        }
    }
    proposals(&mut out, draft.later, draft.language, draft.renderer);
    offered(&mut out, draft.offered, draft.language);
    out
}

/// The file with what came in since at its end: lines that wait, and the list of what was offered. What a person wrote
/// stays as it is, to the byte.
pub fn add(text: &str, new: &[&Item], language: &Language, renderer: &Renderer) -> String {
    let mut out = text.to_string();
    if new.is_empty() {
        return out;
    }
    if !out.ends_with('\n') {
        out.push('\n');
    }
    proposals(&mut out, new, language, renderer);
    let ids: Vec<String> = new.iter().map(|item| item.id.clone()).collect();
    offered(&mut out, &ids, language);
    out
}

fn proposals(out: &mut String, items: &[&Item], language: &Language, renderer: &Renderer) {
    if items.is_empty() {
        return;
    }
    let say = |name: &str| language.text(name, &[]);
    let _ = write!(out, "\n## {}\n\n<!-- {} -->\n\n", say("draft_propose"), say("draft_propose_how"));
    for item in items {
        let title = renderer.line(item, &item.title);
        let _ = writeln!(out, "- {} {}", say("draft_later"), link(&title, &item.url));
    }
}

fn offered(out: &mut String, ids: &[String], language: &Language) {
    if ids.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n<!-- {}", language.text("draft_offered", &[]));
    for id in ids {
        // Two hyphens and a bracket would end the comment.
        let _ = writeln!(out, "{}", id.replace("-->", "--%3E"));
    }
    out.push_str("-->\n");
}

fn line(entry: &Entry<'_>, renderer: &Renderer) -> String {
    let mut out = format!("- {}", mark(entry.mark.as_deref()));
    let title = entry.title.clone().unwrap_or_default();
    match &entry.what {
        What::Item { item, .. } => {
            let title = entry.title.clone().unwrap_or_else(|| renderer.line(item, &item.title));
            out.push_str(&link(&title, &item.url));
        }
        What::Link { url } => out.push_str(&link(&title, url)),
        What::Words => out.push_str(&escape(&title, true)),
    }
    out.push('\n');
    if let Some(words) = &entry.words {
        paragraphs(&mut out, words, "  ");
    }
    out
}

fn paragraphs(out: &mut String, prose: &Prose, indent: &str) {
    for line in prose.text.lines().filter(|line| !line.trim().is_empty()) {
        let _ = write!(out, "\n{indent}{}\n", escape(line.trim(), true));
    }
}

fn mark(mark: Option<&str>) -> String {
    mark.map(|mark| format!("{mark} ")).unwrap_or_default()
}

fn link(title: &str, url: &str) -> String {
    // An address with a space or a bracket that has no partner stands between `<` and `>`.
    let plain = !url.contains([' ', '(', ')', '<', '>', '\\']);
    let url = if plain {
        url.to_string()
    } else {
        format!("<{}>", url.replace('<', "%3C").replace('>', "%3E").replace('\\', "%5C"))
    };
    format!("[{}]({url})", escape(title, false))
}

/// The text as Markdown that says it, with no more signs than that needs.
fn escape(text: &str, begins_a_line: bool) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len() + 8);
    let digits = chars.iter().take_while(|c| c.is_ascii_digit()).count();
    for (at, c) in chars.iter().enumerate() {
        let next = chars.get(at + 1);
        let word = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric());
        let before = at.checked_sub(1).and_then(|at| chars.get(at));
        let means_something = match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '|' => true,
            '_' => !(word(before) && word(next)),
            '&' => next.is_some_and(|next| next.is_ascii_alphabetic() || *next == '#'),
            '#' | '+' | '-' | '>' | '=' | '~' => begins_a_line && at == 0,
            '.' | ')' => begins_a_line && digits > 0 && at == digits,
            _ => false,
        };
        if means_something {
            out.push('\\');
        }
        out.push(*c);
    }
    // Signs that close a heading would be taken for its end.
    if begins_a_line && out.ends_with('#') {
        out.insert(out.len() - 1, '\\');
    }
    out
}

/// As YAML takes it between double quotes.
fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_string()).to_string()
}
