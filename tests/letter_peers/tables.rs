//! Tables that a screen reader in Outlook does not announce: NVDA passes over those of one row or one column alone.

use markup5ever_rcdom::Handle;

use crate::support::html::{as_outlook_reads, attribute, find, name, parse, text};
use crate::support::letters;

/// Every table below a node that is wrong, each with how.
fn wrong_tables(node: &Handle, depth: usize, seen: &mut usize, into: &mut Vec<String>) {
    let inside = depth + usize::from(name(node) == "table");
    if name(node) == "table" {
        *seen += 1;
        let words: String = text(node).chars().take(60).collect();
        let mut rows = Vec::new();
        rows_of(node, &mut rows);
        let columns = rows.iter().map(columns_of).max().unwrap_or_default();
        if rows.len() > 1 && columns > 1 {
            into.push(format!("{} rows of {columns} columns: {words}", rows.len()));
        }
        if inside > 2 {
            into.push(format!("{inside} deep: {words}"));
        }
        if attribute(node, "role").as_deref() != Some("presentation") {
            into.push(format!("role {:?}: {words}", attribute(node, "role")));
        }
        if attribute(node, "border").is_some_and(|border| border != "0") {
            into.push(format!("border {:?}: {words}", attribute(node, "border")));
        }
        for told in ["summary", "caption", "th"] {
            if attribute(node, told).is_some() || find(node, told).is_some() {
                into.push(format!("{told}, which is for tables of data: {words}"));
            }
        }
    }
    for child in node.children.borrow().iter() {
        wrong_tables(child, inside, seen, into);
    }
}

/// A table's own rows, those of tables inside it left out.
fn rows_of(node: &Handle, into: &mut Vec<Handle>) {
    for child in node.children.borrow().iter() {
        match name(child) {
            "tr" => into.push(child.clone()),
            "table" => {}
            _ => rows_of(child, into),
        }
    }
}

fn columns_of(row: &Handle) -> usize {
    let cells = row.children.borrow();
    let spans = cells.iter().filter(|cell| matches!(name(cell), "td" | "th")).map(|cell| {
        let span = attribute(cell, "colspan").and_then(|span| span.parse::<usize>().ok());
        span.unwrap_or(1)
    });
    spans.sum()
}

#[test]
fn tables_of_a_letter_have_one_row_or_one_column_at_most_two_deep_as_outlook_reads_it() {
    let mut faults = Vec::new();
    for letter in letters::all() {
        let html = letter.html();
        assert!(html.contains("<!--[if "), "{}: there is no branch for Outlook", letter.name);
        for (reader, page) in [("Outlook", as_outlook_reads(&html)), ("others", html)] {
            let (mut seen, mut wrong) = (0, Vec::new());
            wrong_tables(&parse(&page), 0, &mut seen, &mut wrong);
            assert!(seen > 0, "{}: no table at all", letter.name);
            wrong.sort();
            wrong.dedup();
            faults.extend(wrong.into_iter().map(|fault| format!("{} for {reader}: {fault}", letter.name)));
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn what_is_meant_for_outlook_is_seen_by_outlook_alone() {
    let page = "a<!--[if mso]>b<![endif]-->c<!--[if !mso]><!-->d<!--<![endif]-->e";
    assert_eq!(as_outlook_reads(page), "abce");
    assert_eq!(text(&parse(page)), "acde");
}
