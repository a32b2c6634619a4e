//! What a screen reader goes by: headings, languages, directions, layout tables, pictures.

use super::look::{Look, excerpt};
use super::page::{Element, Kind};
use super::{At, Finding};

pub fn check(look: &Look<'_>, findings: &mut Vec<Finding>) {
    headings(look, findings);
    languages(look, findings);
    tables(look, findings);
    pictures(look, findings);
}

/// One `h1`, and no step left out on the way down.
fn headings(look: &Look<'_>, findings: &mut Vec<Finding>) {
    let level = |element: &Element| match element.name.as_bytes() {
        [b'h', digit @ b'1'..=b'6'] => Some(usize::from(digit - b'0')),
        _ => None,
    };
    let headings: Vec<_> =
        look.seen().filter_map(|(id, node, e)| Some((id, node.range.clone(), level(e)?))).collect();
    let main: Vec<_> = headings.iter().filter(|(.., level)| *level == 1).collect();
    if main.len() != 1 {
        let place = main.get(1).map_or(start_of_body(look), |(_, range, _)| range.clone());
        let finding = Finding::new("letter-heading-main", At::Html(place));
        findings.push(finding.with("count", main.len().to_string()));
    }
    let mut before = 0;
    for (id, range, level) in headings {
        // The first one may be any: that there is one `h1` is said above.
        if before > 0 && level > before + 1 {
            let finding = Finding::new("letter-heading-step", At::Html(range))
                .with("text", excerpt(&look.page.text_of(id)))
                .with("level", format!("h{level}"))
                .with("before", format!("h{before}"))
                .with("wanted", format!("h{}", before + 1));
            findings.push(finding);
        }
        before = level;
    }
}

fn start_of_body(look: &Look<'_>) -> std::ops::Range<usize> {
    let body = look.page.elements().find(|(_, _, element)| element.name == "body");
    body.map_or(0..1, |(_, node, _)| node.range.clone())
}

fn primary(language: &str) -> String {
    language.split(['-', '_']).next().unwrap_or("").to_ascii_lowercase()
}

/// `lang` on the document, on what holds its text (webmails throw the document away), and on what is in another script.
fn languages(look: &Look<'_>, findings: &mut Vec<Finding>) {
    let wanted = look.letter.language;
    let html = look.page.elements().find(|(_, _, element)| element.name == "html");
    let marked = |element: &Element| element.value("lang").is_some_and(|lang| primary(lang) == primary(wanted));
    if !html.is_some_and(|(_, _, element)| marked(element)) {
        let place = html.map_or(0..1, |(_, node, _)| node.range.clone());
        findings.push(Finding::new("letter-language", At::Html(place)).with("wanted", wanted));
    }
    let outer = look.seen_texts().find_map(|(id, node, text)| {
        let inside: Vec<&Element> = look
            .page
            .around(id)
            .map(|(_, e)| e)
            .take_while(|e| !matches!(e.name.as_str(), "body" | "html"))
            .collect();
        let bare = text.chars().any(char::is_alphanumeric) && inside.iter().all(|e| e.attribute("lang").is_none());
        bare.then(|| {
            look.page.around(id).find(|(_, e)| e.name != "body").map_or(node.range.clone(), |_| node.range.clone())
        })
    });
    if let Some(place) = outer {
        findings.push(Finding::new("letter-language-outer", At::Html(place)).with("wanted", wanted));
    }
    for (id, node, text) in look.seen_texts() {
        let Some(script) = foreign_script(&text) else { continue };
        let own = look.page.around(id).find_map(|(_, element)| element.value("lang"));
        let place = || match look.file_of_title(&text) {
            Some(file) => At::File(file.to_string()),
            None => At::Html(node.range.clone()),
        };
        if !scripts_of(own.unwrap_or(wanted)).contains(&script) {
            findings.push(Finding::new("letter-other-language", place()).with("text", excerpt(&text)));
        }
        if matches!(script, Script::Arabic | Script::Hebrew) {
            let direction = look.page.around(id).find_map(|(_, element)| element.value("dir"));
            if !direction.is_some_and(|dir| dir.eq_ignore_ascii_case("rtl") || dir.eq_ignore_ascii_case("auto")) {
                findings.push(Finding::new("letter-direction", place()).with("text", excerpt(&text)));
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Script {
    Latin,
    Greek,
    Cyrillic,
    Hebrew,
    Arabic,
    Devanagari,
    Thai,
    Georgian,
    Armenian,
    /// Chinese characters and the two kana.
    East,
    Hangul,
}

fn script_of(c: char) -> Option<Script> {
    Some(match c {
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Script::Greek,
        '\u{400}'..='\u{52f}' => Script::Cyrillic,
        '\u{531}'..='\u{587}' => Script::Armenian,
        '\u{590}'..='\u{5ff}' => Script::Hebrew,
        '\u{600}'..='\u{77f}' | '\u{8a0}'..='\u{8ff}' | '\u{fb50}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}' => {
            Script::Arabic
        }
        '\u{900}'..='\u{97f}' => Script::Devanagari,
        '\u{e00}'..='\u{e7f}' => Script::Thai,
        '\u{10a0}'..='\u{10ff}' => Script::Georgian,
        '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' => Script::East,
        '\u{ac00}'..='\u{d7af}' => Script::Hangul,
        _ => return None,
    })
}

/// The other script that a text holds a word of; a Greek letter or two in a formula are no word.
fn foreign_script(text: &str) -> Option<Script> {
    let mut counts: Vec<(Script, usize)> = Vec::new();
    for script in text.chars().filter_map(script_of) {
        match counts.iter_mut().find(|(known, _)| *known == script) {
            Some((_, count)) => *count += 1,
            None => counts.push((script, 1)),
        }
    }
    counts
        .into_iter()
        .find(|(script, count)| *count >= if *script == Script::East { 1 } else { 3 })
        .map(|(script, _)| script)
}

fn scripts_of(language: &str) -> &'static [Script] {
    match primary(language).as_str() {
        "ar" | "fa" | "ur" | "ps" | "ku" => &[Script::Arabic],
        "he" | "yi" => &[Script::Hebrew],
        "ru" | "uk" | "bg" | "sr" | "be" | "mk" | "kk" | "ky" => &[Script::Cyrillic],
        "el" => &[Script::Greek],
        "zh" | "ja" => &[Script::East],
        "ko" => &[Script::Hangul, Script::East],
        "hi" | "mr" | "ne" => &[Script::Devanagari],
        "th" => &[Script::Thai],
        "ka" => &[Script::Georgian],
        "hy" => &[Script::Armenian],
        _ => &[Script::Latin],
    }
}

/// Layout tables that a screen reader would announce. NVDA in Outlook goes by their form, whatever their role says: what
/// counts is what Outlook sees.
fn tables(look: &Look<'_>, findings: &mut Vec<Finding>) {
    let in_outlook = |element: &Element, name: &str| element.name == name && !element.elsewhere;
    for (id, node, element) in look.page.elements().filter(|(_, _, element)| element.name == "table") {
        let own = |inner: usize| {
            look.page.around(inner).find(|(_, around)| in_outlook(around, "table")).is_some_and(|(of, _)| of == id)
        };
        let is_data = look.page.inside(id).any(|(inner, e)| e.name == "th" && own(inner));
        if is_data {
            continue;
        }
        let place = || At::Html(node.range.clone());
        if !element.value("role").is_some_and(|role| matches!(role, "presentation" | "none")) {
            findings.push(Finding::new("letter-table-role", place()));
        }
        if element.elsewhere {
            continue;
        }
        let rows = look.page.inside(id).filter(|(inner, e)| in_outlook(e, "tr") && own(*inner));
        let columns: Vec<usize> = rows.map(|(row, _)| columns(look, row)).collect();
        let most = columns.iter().copied().max().unwrap_or(0);
        if columns.len() > 1 && most > 1 {
            let finding = Finding::new("letter-table-grid", place());
            findings.push(finding.with("rows", columns.len().to_string()).with("columns", most.to_string()));
        }
        let depth = 1 + look.page.around(id).filter(|(_, around)| in_outlook(around, "table")).count();
        if depth > 2 {
            findings.push(Finding::new("letter-table-depth", place()).with("depth", depth.to_string()));
        }
        let attribute = element.value("border").is_some_and(|border| !matches!(border.trim(), "0" | "none" | ""));
        if attribute || look.styles(id).iter().any(|style| is_border(&style.name, &style.value)) {
            findings.push(Finding::new("letter-table-border", place()));
        }
    }
}

fn columns(look: &Look<'_>, row: usize) -> usize {
    let cells = look.page.children(row).filter(|(_, cell)| matches!(cell.name.as_str(), "td" | "th"));
    cells.map(|(_, cell)| cell.value("colspan").and_then(|n| n.trim().parse().ok()).unwrap_or(1)).sum()
}

/// Whether a style draws a line around.
fn is_border(name: &str, value: &str) -> bool {
    const SIDES: [&str; 5] = ["border", "border-top", "border-right", "border-bottom", "border-left"];
    SIDES.contains(&name) && !value.split_whitespace().any(|part| matches!(part, "none" | "hidden" | "0" | "0px"))
}

/// An alternative text, an empty one for decoration, and both measures.
fn pictures(look: &Look<'_>, findings: &mut Vec<Finding>) {
    for node in &look.page.nodes {
        let Kind::Element(element) = &node.kind else { continue };
        if element.name != "img" {
            continue;
        }
        let address = excerpt(element.value("src").unwrap_or(""));
        if element.attribute("alt").is_none() {
            let finding = Finding::new("letter-picture-alt", At::Html(node.range.clone()));
            findings.push(finding.with("address", address.as_str()));
        }
        let measure =
            |name: &str| element.value(name).is_some_and(|n| n.trim().trim_end_matches('%').parse::<f64>().is_ok());
        if !measure("width") || !measure("height") {
            findings.push(Finding::new("letter-picture-size", At::Html(node.range.clone())).with("address", address));
        }
    }
}
