//! What is wrong with an edition's file, each with its place.

use std::ops::Range;

use crate::problem::{Problem, Problems, Source};

/// The mistakes of one file, found in its body.
pub struct Mistakes<'a> {
    pub source: &'a Source,
    /// Where the body starts: the blocks count from there.
    pub body_start: usize,
    pub problems: Problems,
}

impl Mistakes<'_> {
    /// A mistake at a place of the body.
    pub fn push(&mut self, problem: Problem, range: Range<usize>) {
        let place = self.source.place(self.body_start + range.start..self.body_start + range.end);
        self.problems.push(problem.at(place));
    }

    pub fn no_place(&mut self, what: &str, range: Range<usize>) {
        let help = match what {
            "a picture" => "take it out: an item is shown with its own picture",
            "a list" => "begin its lines at the margin: each is an entry of its own",
            "a link" => "write it as a line of a list: `- [Title](address)`",
            "HTML" => "write it in Markdown, or take it out",
            _ => "take it out: a letter has headings, paragraphs and lists",
        };
        self.push(
            Problem::error("edition-content", format!("a letter has no place for {what} here")).help(help),
            range,
        );
    }

    pub fn no_words(&mut self, message: &str, range: Range<usize>) {
        let problem = Problem::error("edition-words", message).help("write some, or take the line out");
        self.push(problem, range);
    }

    pub fn bad_address(&mut self, url: &str, range: Range<usize>) {
        let message = match url.trim() {
            "" => "this link leads nowhere".to_string(),
            url => format!("a letter cannot lead to `{url}`"),
        };
        let help = "write a whole address: `https://…`, or `mailto:…`; one of this site may begin with `/`";
        self.push(Problem::error("edition-link", message).help(help), range);
    }

    /// A comment where no directive can stand: a remark of one word would be taken for one.
    pub fn remark_inside(&mut self, comment: &str, range: Range<usize>) {
        if comment.trim_start_matches("<!--").trim_end_matches("-->").split_whitespace().count() == 1 {
            self.unknown_directive(comment, range);
        }
    }

    pub fn unknown_directive(&mut self, comment: &str, range: Range<usize>) {
        let message = format!("{} says nothing that is known here", comment.trim());
        let help = "under a heading, `<!-- line -->` shows each entry in one line, `<!-- card -->` with its summary";
        self.push(Problem::error("edition-directive", message).help(help), range);
    }
}
