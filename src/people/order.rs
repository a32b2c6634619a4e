//! A list read in the order of its people's numbers: a first reading finds whose each row is and where it stands, a second
//! takes the rows from there.
//!
//! Numbers are hashes. In their order each table and index of the database grows along itself, page by page, instead of
//! everywhere at once; and who stands in the list twice stands there in a row, so that nobody is looked for among all that were
//! seen. What is held are 24 bytes a row.
//!
//! Promises: the same people and the same problems as from the first row to the last, the problems by their lines; a row that
//! is another one at the second reading is a problem.
//!
//! BUGS: what is no file (a pipe) can be read once: it goes from its first row to its last.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use csv::ByteRecord;

use super::{BATCH, People, Spot, texts};
use crate::problem::Problem;
use crate::store::recipients::Newcomer;

/// Where a row is, and whose.
struct Row {
    id: i64,
    byte: u64,
    length: u32,
    line: u32,
}

impl Row {
    fn spot(&self) -> Spot {
        Spot { line: self.line.into(), byte: self.byte }
    }
}

/// The second reading.
pub(super) struct Order {
    file: File,
    rows: std::vec::IntoIter<Row>,
    /// Where the last row ends.
    end: u64,
    /// Whom the last row named that was taken, and where it stands.
    last: Option<(i64, Spot)>,
}

impl People {
    /// From here on the list is read in the order of its people's numbers.
    pub fn in_order(mut self) -> People {
        let file = File::open(&self.path).ok().filter(|file| file.metadata().is_ok_and(|about| about.is_file()));
        let Some(file) = file else { return self };
        let mut rows = Vec::new();
        let mut record = ByteRecord::new();
        while self.read(&mut record) {
            let spot = Spot::of(&record);
            let whose = texts(&record).and_then(|texts| self.whose(&texts));
            match whose {
                Ok(None) => {}
                Ok(Some((id, _))) => rows.push(Row {
                    id,
                    byte: spot.byte,
                    length: u32::try_from(self.reader.position().byte() - spot.byte).unwrap_or(u32::MAX),
                    line: u32::try_from(spot.line).unwrap_or(u32::MAX),
                }),
                Err((problem, field)) => self.report(*problem, spot, field),
            }
        }
        rows.sort_unstable_by_key(|row| (row.id, row.byte));
        let end = self.reader.position().byte();
        self.order = Some(Order { file, rows: rows.into_iter(), end, last: None });
        self
    }
}

impl Order {
    pub fn next_newcomers(&mut self, people: &mut People) -> Vec<Newcomer> {
        let mut batch = Vec::new();
        while batch.is_empty() && !self.rows.as_slice().is_empty() {
            self.read(people, &mut batch);
        }
        if batch.is_empty() {
            people.problems.sort();
        }
        batch
    }

    /// Takes the next rows from the file and reads them as one list.
    fn read(&mut self, people: &mut People, batch: &mut Vec<Newcomer>) {
        let mut rows = Vec::with_capacity(BATCH);
        let mut bytes = Vec::new();
        for row in self.rows.by_ref() {
            let begin = bytes.len();
            bytes.resize(begin + row.length as usize, 0);
            let (into, at) = (bytes.get_mut(begin..).unwrap_or_default(), SeekFrom::Start(row.byte + people.offset));
            if self.file.seek(at).and_then(|_| self.file.read_exact(into)).is_err() {
                bytes.truncate(begin);
                people.report(changed(), row.spot(), people.email);
                continue;
            }
            let is_last = row.byte + u64::from(row.length) >= self.end;
            rows.push(row);
            // A quote that is open at the list's end would go on in the next row.
            if is_last || rows.len() == BATCH {
                break;
            }
        }
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .delimiter(people.delimiter)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(bytes.as_slice());
        let mut record = ByteRecord::new();
        for row in rows {
            let spot = row.spot();
            if !reader.read_byte_record(&mut record).unwrap_or(false) {
                people.report(changed(), spot, people.email);
                continue;
            }
            match people.newcomer(&record) {
                Ok(Some(newcomer)) if newcomer.addressee.id == row.id => match self.last {
                    Some((id, before)) if id == row.id => {
                        people.report(people.doubled(&newcomer, before), spot, people.email);
                    }
                    _ => {
                        self.last = Some((row.id, spot));
                        batch.push(newcomer);
                    }
                },
                Ok(_) => people.report(changed(), spot, people.email),
                Err((problem, field)) => people.report(*problem, spot, field),
            }
        }
    }
}

fn changed() -> Problem {
    Problem::error("list-changed", "this row was changed while the list was read").help("import the list once more")
}
