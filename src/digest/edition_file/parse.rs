//! From the blocks of an edition's file to a plan.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::addresses::{Addresses, Found};
use super::blocks::{self, Block, plain};
use super::line::{self, Line, marked, misplaced, squeeze};
use super::mistakes::Mistakes;
use super::prose;
use super::{EditionFile, Reading, front};
use crate::digest::agenda::agenda;
use crate::digest::automatic;
use crate::digest::plan::{Plan, Prose, Section, Show};
use crate::problem::{Problem, Problems, Source};

pub fn read<'a>(source: &Arc<Source>, reading: Reading<'_, 'a>) -> (EditionFile<'a>, Problems) {
    let mut problems = Problems::new();
    let front = front::read(source, &reading, &mut problems);
    let mistakes = Mistakes { source, body_start: front.body_start, problems };
    let mut page = Page {
        addresses: Addresses::new(&reading.input.config.site.url, reading.input.items),
        mistakes,
        reading,
        introduction: None,
        sections: Vec::new(),
        section: Section { show: front.show, ..Section::default() },
        heading: None,
        under_heading: false,
        begun: false,
        waits: false,
        show: front.show,
        later: Vec::new(),
        offered: Vec::new(),
        stands: HashMap::new(),
    };
    for block in blocks::read(&source.text[front.body_start..]) {
        page.block(&block);
    }
    page.close();
    let sections = page.without_bare_headings();
    let (introduction, later) = (page.introduction, page.later);
    let mut plan =
        Plan { number: reading.input.number, subject: front.subject, introduction, sections, ..Plan::default() };
    settle(&mut plan, &later, &page.offered, &reading);
    (plan.agenda, plan.agenda_rest) = agenda(reading.input, &plan.sections);
    let mut problems = page.mistakes.problems;
    let edition = EditionFile { release: front.release, plan, later, offered: page.offered };
    if !edition.has_letter() && edition.later.is_empty() && edition.offered.is_empty() && !problems.has_errors() {
        let message = "this edition is empty: nothing stands in it that a letter could say";
        let help = format!(
            "write a line an entry: `- [Title](address)`; or delete the file, and `crieur draft {}` makes a new one",
            reading.input.newsletter.name
        );
        let end = source.text.trim_end().len();
        problems.push(Problem::error("edition-empty", message).help(help).at(source.place(end..end)));
    }
    (edition, problems)
}

/// What counts as announced with a plan, and what a person crossed out: what the draft offered and stands nowhere. One
/// that only repeats a shown one's videos was never offered as a line, and counts.
fn settle(plan: &mut Plan<'_>, later: &[String], offered: &[String], reading: &Reading<'_, '_>) {
    let input = reading.input;
    plan.counted =
        plan.entries().filter(|entry| !entry.reminder).filter_map(|e| Some(e.item()?.id.clone())).collect();
    for id in offered {
        if later.contains(id) || input.known.contains(id) || plan.items().any(|item| item.id == *id) {
            continue;
        }
        let Some(item) = input.items.iter().find(|item| item.id == *id) else { continue };
        let body = input.renderer.render(item);
        if plan.entries().any(|entry| automatic::shows(entry, &body)) {
            plan.counted.push(id.clone());
        } else {
            plan.declined.push(id.clone());
        }
    }
}

/// A file on its way to a plan.
struct Page<'r, 'a, 's> {
    reading: Reading<'r, 'a>,
    addresses: Addresses<'a>,
    mistakes: Mistakes<'s>,
    introduction: Option<Prose>,
    /// Finished ones, each with the place of its heading, and whether a line under it is not shown on purpose.
    sections: Vec<(Section<'a>, Option<Range<usize>>, bool)>,
    /// The one that is being read.
    section: Section<'a>,
    /// Where its heading stands.
    heading: Option<Range<usize>>,
    under_heading: bool,
    /// A heading or a line was read: what comes is no introduction any more.
    begun: bool,
    /// A line of the section is for later.
    waits: bool,
    show: Show,
    later: Vec<String>,
    offered: Vec<String>,
    /// On which line of the file each item stands.
    stands: HashMap<String, usize>,
}

impl<'a> Page<'_, 'a, '_> {
    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading { level, words, range } => {
                self.close();
                self.begun = true;
                let (mark, title) = marked(&squeeze(&plain(words)));
                if title.is_empty() {
                    self.mistakes.no_words("this heading has no words", range.clone());
                }
                for (what, range) in misplaced(words) {
                    self.mistakes.no_place(what, range);
                }
                for word in words {
                    if let blocks::Inline::Link { range, .. } = word {
                        self.mistakes.no_place("a link", range.clone());
                    }
                }
                let depth = u8::from(*level > 2 && self.under_heading);
                self.under_heading = true;
                let title = Some(title).filter(|title| !title.is_empty());
                self.section = Section { title, mark, show: self.show, depth, ..Section::default() };
                self.heading = Some(range.clone());
            }
            Block::List { lines, .. } => {
                self.begun = true;
                for (blocks, range) in lines {
                    self.line(blocks, range.clone());
                }
            }
            Block::Paragraph { .. } | Block::Quote { .. } => self.words(block),
            Block::Html { text, range } => self.html(text, range),
            Block::Other { what, range } => self.mistakes.no_place(what, range.clone()),
        }
    }

    /// The introduction, a section's note, or, after its entries, words of their own.
    fn words(&mut self, block: &Block) {
        let Some(prose) = prose::of(&[block], &self.addresses, &mut self.mistakes) else { return };
        if !self.begun {
            self.introduction = prose::join(self.introduction.take(), Some(prose));
            return;
        }
        if !self.section.entries.is_empty() {
            let (show, depth) = (self.section.show, self.section.depth);
            self.close();
            self.section = Section { show, depth, ..Section::default() };
        }
        self.section.note = prose::join(self.section.note.take(), Some(prose));
    }

    fn line(&mut self, blocks: &[Block], range: Range<usize>) {
        let read = line::read(blocks, range.clone(), &self.reading, &self.addresses, &mut self.mistakes);
        let id = match &read {
            Some(Line::Entry(entry)) => entry.item().map(|item| item.id.clone()),
            Some(Line::Later(id)) => Some(id.clone()),
            None => None,
        };
        if let Some(id) = id {
            let place = self
                .mistakes
                .source
                .place(self.mistakes.body_start + range.start..self.mistakes.body_start + range.start);
            let number = place.line.unwrap_or(0);
            if let Some(first) = self.stands.get(&id) {
                let message = format!("this item stands twice in this edition, first on line {first}");
                self.mistakes.push(Problem::error("edition-twice", message).help("keep one of the two lines"), range);
                return;
            }
            self.stands.insert(id, number);
        }
        match read {
            Some(Line::Entry(entry)) => self.section.entries.push(entry),
            Some(Line::Later(id)) => {
                self.waits = true;
                self.later.push(id);
            }
            // It was told what is wrong: the heading is not bare for want of lines.
            None => self.waits = true,
        }
    }

    /// A comment: a directive, the list of what was offered, or a remark between people.
    fn html(&mut self, text: &str, range: &Range<usize>) {
        let mut rest = text;
        while let Some(start) = rest.find("<!--") {
            // `<!-->` and `<!--->` are comments too, with nothing inside (CommonMark 0.31, section 6.6).
            let Some(end) = rest[start + 2..].find("-->").map(|end| start + 2 + end) else { break };
            if !rest[..start].trim().is_empty() {
                break;
            }
            self.comment(rest.get(start + 4..end).unwrap_or_default(), range);
            rest = &rest[end + 3..];
        }
        if !rest.trim().is_empty() {
            self.mistakes.no_place("HTML", range.clone());
        }
    }

    fn comment(&mut self, inside: &str, range: &Range<usize>) {
        let mut words = inside.split_whitespace();
        match (words.next(), words.next()) {
            (Some(word), None) => match word.to_lowercase().as_str() {
                "line" | "ligne" => self.section.show = Show::Line,
                "card" | "carte" => self.section.show = Show::Card,
                _ => self.mistakes.unknown_directive(&format!("<!-- {word} -->"), range.clone()),
            },
            (Some(_), Some(_)) => {
                for line in inside.lines().skip(1).map(str::trim) {
                    if let (false, Found::Item(item)) = (line.is_empty(), self.addresses.find(line))
                        && !self.offered.contains(&item.id)
                    {
                        self.offered.push(item.id.clone());
                    }
                }
            }
            _ => {}
        }
    }

    /// The section is read.
    fn close(&mut self) {
        let mut section = std::mem::take(&mut self.section);
        if section.entries.is_empty() {
            // There is nothing to show in lines.
            section.show = Show::Card;
        }
        let (heading, waits) = (self.heading.take(), std::mem::take(&mut self.waits));
        if section.title.is_some() || section.note.is_some() || !section.entries.is_empty() {
            self.sections.push((section, heading, waits));
        }
    }

    /// A heading under which nothing stands is left out, unless smaller ones stand under it.
    fn without_bare_headings(&mut self) -> Vec<Section<'a>> {
        let mut kept: Vec<Section<'a>> = Vec::new();
        for (section, heading, waits) in std::mem::take(&mut self.sections).into_iter().rev() {
            let bare = section.note.is_none() && section.entries.is_empty();
            let has_smaller = kept.last().is_some_and(|next| next.depth > section.depth);
            if !bare || has_smaller {
                kept.push(section);
            } else if let (Some(heading), false) = (heading, waits) {
                let message = "nothing stands under this heading: the letter leaves it out";
                let problem = Problem::warning("edition-heading", message);
                self.mistakes.push(problem.help("delete it, or write what belongs there"), heading);
            }
        }
        kept.reverse();
        kept
    }
}
