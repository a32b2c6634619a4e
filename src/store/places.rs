//! What goes into a statement: the places of its values, and texts as both databases keep them.

use std::borrow::Cow;

/// A text as both databases keep it: PostgreSQL's hold no NUL.
pub(super) fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// How many rows one statement writes.
pub(super) const ROWS: usize = 50;

/// `($1,$2),($3,$4)`: the numbered places of `rows` rows of `columns` columns, behind `before` others.
pub(super) fn places(rows: usize, columns: usize, before: usize) -> String {
    let mut places = Places { numbered: true, used: before };
    places.rows(rows, columns)
}

/// The places of a statement's values, in their order. SQLite finds a numbered one by looking through all of them, so that
/// long statements cost more a row: there, long ones have places without a number.
pub(super) struct Places {
    numbered: bool,
    used: usize,
}

impl Places {
    pub fn new(postgres: bool) -> Places {
        Places { numbered: postgres, used: 0 }
    }

    pub fn one(&mut self) -> String {
        self.used += 1;
        if self.numbered { format!("${}", self.used) } else { "?".to_string() }
    }

    /// `($1,$2),($3,$4)`: `rows` rows of `columns` columns.
    pub fn rows(&mut self, rows: usize, columns: usize) -> String {
        if !self.numbered {
            self.used += rows * columns;
            let row = format!("({})", vec!["?"; columns].join(","));
            return vec![row; rows].join(",");
        }
        let mut text = String::new();
        for row in 0..rows {
            text.push_str(if row == 0 { "(" } else { ",(" });
            for column in 0..columns {
                if column > 0 {
                    text.push(',');
                }
                text.push_str(&self.one());
            }
            text.push(')');
        }
        text
    }
}
