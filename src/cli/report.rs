//! How problems and words reach a person: like a compiler's messages on a terminal, as JSON, as GitHub annotations.

use std::io::{IsTerminal, Write};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value, json};

use crate::problem::{Place, Problem, Problems, Severity};

/// A line on standard error. A closed standard error is nobody's problem.
pub fn line(words: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{words}");
}

/// Whoever read our output went away: no failure of ours. Another pipe that breaks (a database's, a mail server's) is one.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads the output any more")]
pub struct NobodyReads;

/// Text on standard output, with a final line break.
pub fn print(words: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let end = if words.ends_with('\n') { "" } else { "\n" };
    let written =
        out.write_all(words.as_bytes()).and_then(|()| out.write_all(end.as_bytes())).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Err(NobodyReads.into()),
        written => Ok(written?),
    }
}

/// Every problem on standard error, in a compiler's form, and how many there were.
/// With `explained`, why each of them matters.
pub fn problems(problems: &Problems, explained: bool) {
    if !problems.is_empty() {
        print_problems(problems, explained);
        line(count(problems));
    }
}

fn print_problems(problems: &Problems, explained: bool) {
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let mut text = String::new();
    for problem in problems.iter() {
        text.push_str(&as_text(problem, colour, explained));
        text.push_str("\n\n");
    }
    if !text.is_empty() {
        line(text.trim_end_matches('\n'));
        line("");
    }
}

/// What a command that has other work than `check` says of the problems it met: every error; of the warnings, the first
/// few of each kind and how many more there are (all with `-v`, none with `-q`).
pub fn problems_in_passing(globals: &super::Globals, all: &Problems) {
    const OF_A_KIND: usize = 3;
    let mut shown = Problems::new();
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for problem in all.iter() {
        if problem.severity == Severity::Warning {
            if globals.quiet {
                continue;
            }
            let index = kinds.iter().position(|(code, _)| *code == problem.code).unwrap_or_else(|| {
                kinds.push((problem.code, 0));
                kinds.len() - 1
            });
            kinds[index].1 += 1;
            if kinds[index].1 > OF_A_KIND && !globals.verbose {
                continue;
            }
        }
        shown.push(problem.clone());
    }
    print_problems(&shown, globals.verbose);
    let mut hidden = false;
    for (code, count) in kinds.iter().filter(|(_, count)| *count > OF_A_KIND && !globals.verbose) {
        line(format_args!("… and {} more of {code}", count - OF_A_KIND));
        hidden = true;
    }
    if !shown.is_empty() {
        let hint = if hidden { " (`crieur check` shows them all)" } else { "" };
        line(format_args!("{}{hint}", count(if globals.quiet { &shown } else { all })));
    }
}

/// `2 errors, 1 warning`.
pub fn count(problems: &Problems) -> String {
    let errors = problems.iter().filter(|p| p.severity == Severity::Error).count();
    let warnings = problems.iter().count() - errors;
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match (errors, warnings) {
        (0, 0) => "no problem".to_string(),
        (0, w) => plural(w, "warning"),
        (e, 0) => plural(e, "error"),
        (e, w) => format!("{}, {}", plural(e, "error"), plural(w, "warning")),
    }
}

/// One problem as a compiler would print it, with its explanation if that is asked for.
pub fn as_text(problem: &Problem, colour: bool, explained: bool) -> String {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    // Control characters of a broken file must not reach a terminal.
    let message = visible(&problem.message);
    let label = problem.label.as_deref().map(visible);
    let help = problem.help.as_deref().map(visible);
    let place = problem.place.as_ref();
    let shown = place.and_then(|place| place.text.as_deref()).map(visible);
    let title = level.primary_title(message.as_str()).id(problem.code);
    let mut group = Group::with_title(title);
    match (place, &shown) {
        (Some(Place { file, line: Some(line), column: Some(column), width, .. }), Some(text)) => {
            let (window, skipped) = window(text, *column);
            let start = byte_offset(window, column - skipped - 1);
            let end =
                byte_offset(window, column - skipped - 1 + width).max(start + usize::from(start < window.len()));
            let mut annotation = AnnotationKind::Primary.span(start..end);
            if let Some(label) = label.as_deref() {
                annotation = annotation.label(label);
            }
            group =
                group.element(Snippet::source(window).line_start(*line).path(file.as_str()).annotation(annotation));
        }
        (Some(place), _) => {
            let mut origin = annotate_snippets::Origin::path(place.file.as_str());
            if let Some(line) = place.line {
                origin = origin.line(line);
            }
            group = group.element(origin);
        }
        (None, _) => {}
    }
    if let Some(help) = help.as_deref() {
        group = group.element(Level::HELP.message(help));
    }
    let explanation = problem.explanation.as_deref().filter(|_| explained).map(visible);
    if let Some(explanation) = explanation.as_deref() {
        group = group.element(Level::NOTE.message(explanation));
    }
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    renderer.render(&[group])
}

/// Of a very long line, the part around the column: what stands before and after helps nobody.
fn window(text: &str, column: usize) -> (&str, usize) {
    const WIDTH: usize = 160;
    let length = text.chars().count();
    if length <= WIDTH {
        return (text, 0);
    }
    let skipped = column.saturating_sub(WIDTH / 2).min(length - WIDTH);
    let start = byte_offset(text, skipped);
    let end = byte_offset(text, skipped + WIDTH);
    (&text[start..end], skipped)
}

fn byte_offset(text: &str, characters: usize) -> usize {
    text.char_indices().nth(characters).map_or(text.len(), |(offset, _)| offset)
}

fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{FFFD}' } else { c }).collect()
}

/// The contract's form: severity, code, message, help, explanation, file, line, column.
pub fn problems_as_json(problems: &Problems) -> Value {
    problems
        .iter()
        .map(|problem| {
            let place = problem.place.as_ref();
            json!({
                "severity": problem.severity,
                "code": problem.code,
                "message": problem.message,
                "help": problem.help,
                "explanation": problem.explanation,
                "file": place.map(|p| &p.file),
                "line": place.and_then(|p| p.line),
                "column": place.and_then(|p| p.column),
            })
        })
        .collect()
}

/// GitHub's workflow commands: `::error file=…,line=…::message`.
pub fn as_github(problem: &Problem) -> String {
    let kind = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let data = |text: &str| text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A");
    let property = |text: &str| data(text).replace(':', "%3A").replace(',', "%2C");
    let mut properties = Vec::new();
    if let Some(place) = &problem.place {
        properties.push(format!("file={}", property(&place.file)));
        if let Some(line) = place.line {
            properties.push(format!("line={line}"));
        }
        if let Some(column) = place.column {
            properties.push(format!("col={column}"));
        }
    }
    properties.push(format!("title={}", property(problem.code)));
    let mut message = problem.message.clone();
    if let Some(help) = &problem.help {
        message.push_str(". ");
        message.push_str(help);
    }
    format!("::{kind} {}::{}", properties.join(","), data(&message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Source;

    #[test]
    fn a_problem_is_shown_like_a_compilers_message() {
        let source = Source::new("posts/été.md", "---\ntitle: Un é: deux\n---\n");
        let at = source.text.find(": deux").expect("in the text");
        let problem = Problem::error("front-matter-syntax", "a value holds a colon")
            .at(source.place(at..at + 1))
            .label("expected a quoted value")
            .help("write title: \"Un é: deux\"");
        assert_eq!(
            as_text(&problem, false, false),
            "error[front-matter-syntax]: a value holds a colon\n --> posts/été.md:2:12\n  |\n\
             2 | title: Un é: deux\n  |            ^ expected a quoted value\n  |\n  = help: write title: \"Un é: deux\""
        );
    }

    #[test]
    fn a_caret_past_the_end_of_an_empty_line_is_shown_too() {
        let problem = Problem::error("x", "ended early").at(Source::new("a.md", "").place(0..0));
        assert!(as_text(&problem, false, false).contains("--> a.md:1:1"));
    }

    #[test]
    fn github_lines_escape_what_would_end_them() {
        let problem = Problem::warning("c", "50 %\nand more").in_file("a,b.md");
        assert_eq!(as_github(&problem), "::warning file=a%2Cb.md,title=c::50 %25%0Aand more");
    }
}
