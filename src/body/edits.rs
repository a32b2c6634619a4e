//! Changes to a text, applied in one go, with the ranges that shall follow them.

use std::borrow::Cow;
use std::ops::Range;

/// Replaces a range of a text.
pub struct Edit {
    pub range: Range<usize>,
    pub with: Cow<'static, str>,
}

impl Edit {
    pub fn new(range: Range<usize>, with: impl Into<Cow<'static, str>>) -> Edit {
        Edit { range, with: with.into() }
    }
}

/// The text with the edits, which must be sorted and apart; `ranges`, sorted too, are moved along.
pub fn apply(text: &str, ranges: &[Range<usize>], edits: &[Edit]) -> (String, Vec<Range<usize>>) {
    let mut out = String::with_capacity(text.len() + edits.iter().map(|edit| edit.with.len()).sum::<usize>());
    let mut written = 0;
    for edit in edits {
        out.push_str(&text[written..edit.range.start]);
        out.push_str(&edit.with);
        written = edit.range.end;
    }
    out.push_str(&text[written..]);
    let mut index = 0;
    let mut shift = 0isize;
    let mut moved = |position: usize| {
        while let Some(edit) = edits.get(index).filter(|edit| edit.range.end <= position) {
            shift += edit.with.len() as isize - edit.range.len() as isize;
            index += 1;
        }
        position.saturating_add_signed(shift)
    };
    let ranges = ranges.iter().map(|range| moved(range.start)..moved(range.end)).collect();
    (out, ranges)
}
