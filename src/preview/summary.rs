//! The short form of the preview, in Markdown for a pull request: what is in each next letter and what is not, when it leaves,
//! what it weighs, what is wrong with it, and what subscribers of the feeds would see.
//!
//! Promises: in the site's language, French or English; renders alike on GitHub and GitLab; what not everybody has to read is
//! folded; titles are plain words, and no e-mail address of anybody can be read (`markdown`).
//!
//! BUGS: what a problem says is English, as everywhere. There is no picture: a comment could show none of the folder's.

use super::markdown::{escaped, folded, linked};
use super::reading::{Desk, Letters};
use super::said;
use super::sheet::Sheet;
use super::words::Words;
use crate::announce::choice::{Choice, Fate};
use crate::config::{Approve, Newsletter};
use crate::digest::edition_file::Release;
use crate::problem::{Problem, Problems, Severity};

/// How many of a kind are named.
const NAMED: usize = 10;

/// One next letter; `sheet` is `None` where there is none.
pub fn letter(
    desk: &Desk,
    newsletter: &Newsletter,
    letters: &Letters,
    sheet: Option<&Sheet>,
    words: &Words,
) -> String {
    let number = sheet.map_or(letters.remembered.number, |sheet| sheet.composed.number).to_string();
    let over = words.say("number", &[("title", &newsletter.title), ("number", &number)]);
    let refused: Vec<&Problem> = letters.next.as_ref().err().into_iter().flat_map(Problems::iter).collect();
    let mut text = format!("\n## {}\n\n", escaped(sheet.map_or(&over, |sheet| &sheet.subject)));
    match sheet {
        Some(sheet) => {
            let mut facts = vec![over, words.say("items", &[("count", &sheet.composed.items.len().to_string())])];
            facts.extend(leaves(desk, newsletter, letters, words));
            facts.extend(letters.file.as_ref().map(|file| words.say("from_file", &[("path", &file.path)])));
            text.push_str(&format!("{}\n\n{}\n\n", escaped(&facts.join(" · ")), weight(newsletter, sheet, words)));
            if letters.new > newsletter.surge && letters.file.is_none() {
                let (new, surge) = (letters.new.to_string(), newsletter.surge.to_string());
                text.push_str(&format!(
                    "⚠️ **{}**\n\n",
                    escaped(&words.say("surge", &[("new", &new), ("surge", &surge)]))
                ));
            }
            for item in &sheet.composed.items {
                text.push_str(&format!("- {}\n", linked(&item.title, &item.url)));
            }
        }
        None if refused.is_empty() => text.push_str(&format!("{}\n", escaped(&words.say("summary_none", &[])))),
        None => {}
    }
    // What came in since has a place of its own below.
    let of_letter = sheet.into_iter().flat_map(|sheet| sheet.problems.iter());
    let problems: Vec<&Problem> =
        refused.iter().copied().chain(of_letter).filter(|problem| problem.code != "edition-came-in").collect();
    let heading = if sheet.is_none() { "summary_errors" } else { "summary_mend" };
    let came_in = letters.file.as_ref().map(|file| file.came_in.as_slice()).unwrap_or_default();
    text.push_str(&errors(&problems, heading, words));
    fold(&mut text, words, "summary_came_in", came_in.iter().map(|(_, title)| escaped(title)).collect());
    let reasoned = |choice: &Choice| {
        let why = match choice.fate {
            Fate::Later => words.say("why_later", &[]),
            _ => said::why(desk, newsletter, letters, choice, words),
        };
        format!("{} — {}", escaped(&choice.title), escaped(&why))
    };
    let plain = |choice: &Choice| escaped(&choice.title);
    let of = |wanted: &dyn Fn(&Fate) -> bool, line: &dyn Fn(&Choice) -> String| -> Vec<String> {
        letters.choices.iter().filter(|choice| wanted(&choice.fate)).map(line).collect()
    };
    let waits = letters.choices.iter().filter(|choice| matches!(choice.fate, Fate::Held(_) | Fate::Later));
    let waits = waits.filter(|choice| came_in.iter().all(|(id, _)| *id != choice.id));
    fold(&mut text, words, "summary_waits", waits.map(reasoned).collect());
    fold(&mut text, words, "summary_declined", of(&|fate| matches!(fate, Fate::Declined), &plain));
    let counted = |fate: &Fate| matches!(fate, Fate::Beyond | Fate::Double);
    fold(&mut text, words, "summary_counted", of(&counted, &reasoned));
    text.push_str(&warnings(&problems, words));
    text
}

/// When it leaves, for somebody who looks at what is not merged yet.
fn leaves(desk: &Desk, newsletter: &Newsletter, letters: &Letters, words: &Words) -> Option<String> {
    let release = letters.file.as_ref().map(|file| file.release);
    if newsletter.approve == Approve::File && release == Some(Release::Now) {
        return Some(words.say("leaves_merged", &[]));
    }
    said::leaves(desk, newsletter, letters, words)
}

/// What is wrong with the site, whichever letter it is; empty where nothing is.
pub fn site(desk: &Desk, words: &Words) -> String {
    let problems: Vec<&Problem> = desk.project.problems.iter().chain(desk.feed_problems.iter()).collect();
    if problems.is_empty() {
        return String::new();
    }
    let heading = escaped(&words.say("remarks_site", &[]));
    format!("\n## {heading}\n{}{}", errors(&problems, "summary_mend", words), warnings(&problems, words))
}

/// The parts, each against what it may weigh.
fn weight(newsletter: &Newsletter, sheet: &Sheet, words: &Words) -> String {
    let part = |name: &str, bytes: u64, budget: u64| {
        let said = words.say("weight_budget", &[("bytes", &words.bytes(bytes)), ("budget", &words.bytes(budget))]);
        let mark = if bytes > budget { "⚠️ " } else { "" };
        format!("{mark}{} {}", escaped(&words.say(name, &[])), escaped(&said))
    };
    let budget = &newsletter.weight;
    let mut parts = vec![part("weight_html", sheet.weight.html as u64, budget.html as u64)];
    let pictures: u64 = sheet.pictures.iter().filter_map(|picture| picture.bytes).sum();
    if !sheet.pictures.is_empty() {
        parts.push(part("weight_pictures", pictures, budget.pictures));
    }
    parts.join(" · ")
}

/// Errors, each with its place and what to do.
pub fn errors(problems: &[&Problem], heading: &str, words: &Words) -> String {
    let errors = of_severity(problems, Severity::Error);
    if errors.is_empty() {
        return String::new();
    }
    let count = errors.len().to_string();
    format!(
        "\n❌ **{}**\n\n{}",
        words.say(heading, &[("count", &count)]),
        listed(errors.iter().map(|one| remark(one)))
    )
}

fn warnings(problems: &[&Problem], words: &Words) -> String {
    let warnings = of_severity(problems, Severity::Warning);
    if warnings.is_empty() {
        return String::new();
    }
    let count = warnings.len().to_string();
    folded(&words.say("summary_warnings", &[("count", &count)]), &listed(warnings.iter().map(|one| remark(one))))
}

fn of_severity<'a>(problems: &[&'a Problem], severity: Severity) -> Vec<&'a Problem> {
    problems.iter().copied().filter(|problem| problem.severity == severity).collect()
}

fn remark(problem: &Problem) -> String {
    let help = problem.help.as_ref().map(|help| format!(" → {help}")).unwrap_or_default();
    escaped(&format!("{problem}{help}"))
}

fn fold(text: &mut String, words: &Words, name: &str, lines: Vec<String>) {
    if !lines.is_empty() {
        let title = words.say(name, &[("count", &lines.len().to_string())]);
        text.push_str(&folded(&title, &listed(lines.into_iter())));
    }
}

fn listed(lines: impl ExactSizeIterator<Item = String>) -> String {
    let more = if lines.len() > NAMED { "- …\n" } else { "" };
    lines.take(NAMED).map(|line| format!("- {line}\n")).collect::<String>() + more
}
