//! Lists of people: CSV with a header line that names `email`, `name` and whatever else the templates may use.
//!
//! A list that is imported may also say each person's `tags`, `topics`, `basis` and `proof`; one that `recipients export`
//! wrote is understood as a whole, so that who left stays so in another database.
//!
//! Read in batches, never held whole, from its first row to its last or in the [`order`] of its people's numbers. Commas,
//! semicolons or tabs separate; a byte order mark is passed over; lines may end in CRLF. Promises: a bad row is named with its
//! line and column and never stops the others; an address that was given before is passed over, with a warning.
//!
//! BUGS: UTF-8 only.

mod columns;
mod order;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use csv::ByteRecord;

use crate::config::people::separator;
use crate::mail::address::Address;
use crate::mail::header::one_line;
use crate::problem::{Place, Problem, Problems};
use crate::secrets::Secrets;
use crate::store::recipients::{Addressee, Basis, Newcomer};
pub use columns::names;
use columns::{Columns, Said};
use order::Order;

const BATCH: usize = 500;
/// What the column of addresses may be called.
const EMAIL: &[&str] = &["email", "e-mail", "mail", "courriel", "adresse", "address"];
/// What the column of names may be called.
const NAME: &[&str] = &["name", "nom", "full name", "nom complet"];

/// A list under reading.
pub struct People {
    secrets: Secrets,
    path: PathBuf,
    /// As shown to people.
    shown: String,
    reader: csv::Reader<Box<dyn Read + Send>>,
    delimiter: u8,
    /// Bytes before the first one that the CSV reader saw.
    offset: u64,
    email: usize,
    name: Option<usize>,
    /// Other columns, by number.
    others: Vec<(usize, String)>,
    /// Where the list is imported.
    columns: Option<Columns>,
    /// Where it is read in the order of its people's numbers.
    order: Option<Order>,
    /// Where each recipient stands.
    seen: HashMap<i64, Spot>,
    /// What was found so far.
    pub problems: Problems,
}

impl People {
    /// Opens a list and reads its header; the error is the problem with it.
    pub fn open(root: &Path, file: &Path, secrets: &Secrets) -> Result<People, Box<Problem>> {
        let path = root.join(file);
        let shown = file.to_string_lossy().into_owned();
        let unreadable = |error: io::Error| {
            let problem = Problem::error("list-unreadable", format!("the list of people cannot be read: {error}"));
            Box::new(problem.in_file(&shown))
        };
        let mut source = BufReader::new(File::open(&path).map_err(unreadable)?);
        let start = source.fill_buf().map_err(unreadable)?;
        if start.starts_with(&[0xFF, 0xFE]) || start.starts_with(&[0xFE, 0xFF]) {
            let problem = Problem::error("list-encoding", "the list of people is UTF-16");
            return Err(Box::new(problem.help("save it again as CSV in UTF-8").in_file(&shown)));
        }
        let offset = if start.starts_with(&[0xEF, 0xBB, 0xBF]) { 3 } else { 0 };
        let end = start.iter().position(|b| *b == b'\n').unwrap_or(start.len());
        let delimiter = separator(start.get(offset..end).unwrap_or_default());
        source.consume(offset);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(Box::new(source) as Box<dyn Read + Send>);
        let header: Vec<String> = match reader.byte_headers() {
            Ok(header) => header.iter().map(|field| String::from_utf8_lossy(field).trim().to_string()).collect(),
            Err(error) => {
                return Err(Box::new(Problem::error("list-unreadable", error.to_string()).in_file(&shown)));
            }
        };
        let find = |names: &[&str]| header.iter().position(|field| names.contains(&field.to_lowercase().as_str()));
        let Some(email) = find(EMAIL) else {
            let text = String::from_utf8_lossy(&header.join(",").into_bytes()).into_owned();
            let width = text.chars().count().max(1);
            let problem = Problem::error("list-header", "the list has no column of addresses")
                .label("one of these must be `email`")
                .help("begin the file with a line that names its columns: email,name")
                .at(Place { file: shown, line: Some(1), column: Some(1), width, text: Some(text) });
            return Err(Box::new(problem));
        };
        let name = find(NAME).filter(|name| *name != email);
        let others = header
            .into_iter()
            .enumerate()
            .filter(|(index, field)| *index != email && Some(*index) != name && !field.is_empty())
            .collect();
        Ok(People {
            secrets: secrets.clone(),
            path,
            shown,
            reader,
            delimiter,
            offset: offset as u64,
            email,
            name,
            others,
            columns: None,
            order: None,
            seen: HashMap::new(),
            problems: Problems::new(),
        })
    }

    /// The list is imported for a newsletter with such topics: some columns have a meaning of their own, and are not among
    /// the fields. `basis` is that of whom no row tells one; a consent without its proof is a problem.
    pub fn for_import(mut self, newsletter: &str, topics: Vec<String>, basis: Basis) -> People {
        self.columns = Some(Columns::taken_from(&mut self.others, newsletter, topics, basis));
        self
    }

    /// The next people, up to 500; empty at the end.
    pub fn next_batch(&mut self) -> Vec<Addressee> {
        self.next_newcomers().into_iter().map(|newcomer| newcomer.addressee).collect()
    }

    /// The next people with what else an imported list says of them, up to 500; empty at the end.
    pub fn next_newcomers(&mut self) -> Vec<Newcomer> {
        if let Some(mut order) = self.order.take() {
            let batch = order.next_newcomers(self);
            self.order = Some(order);
            return batch;
        }
        let mut batch = Vec::new();
        let mut record = ByteRecord::new();
        while batch.len() < BATCH && self.read(&mut record) {
            let spot = Spot::of(&record);
            match self.newcomer(&record) {
                Ok(None) => {}
                Ok(Some(newcomer)) => match self.seen.get(&newcomer.addressee.id) {
                    Some(before) => self.report(self.doubled(&newcomer, *before), spot, self.email),
                    None => {
                        self.seen.insert(newcomer.addressee.id, spot);
                        batch.push(newcomer);
                    }
                },
                Err((problem, field)) => self.report(*problem, spot, field),
            }
        }
        batch
    }

    /// Reads a row; `false` at the end.
    fn read(&mut self, record: &mut ByteRecord) -> bool {
        self.reader.read_byte_record(record).unwrap_or_else(|error| {
            self.problems.push(Problem::error("list-unreadable", error.to_string()).in_file(&self.shown));
            false
        })
    }

    /// Whom a row names; `None`: it is passed over.
    fn newcomer(&self, record: &ByteRecord) -> Result<Option<Newcomer>, Wrong> {
        let texts = texts(record)?;
        let Some((id, email)) = self.whose(&texts)? else { return Ok(None) };
        let said = self.columns.as_ref().map_or(Ok(Said::default()), |columns| columns.read(&texts))?;
        let name = self.name.and_then(|name| texts.get(name)).filter(|name| !name.is_empty());
        let mut fields: serde_json::Map<String, serde_json::Value> =
            self.others.iter().filter_map(|(index, key)| Some((key.clone(), (*texts.get(*index)?).into()))).collect();
        fields.extend(said.fields);
        let addressee = Addressee {
            id,
            email,
            name: name.map(|name| one_line(name)),
            fields: serde_json::Value::Object(fields).to_string(),
        };
        let Said { tags, topics, basis, left, suppressed, .. } = said;
        Ok(Some(Newcomer { addressee, tags, topics, basis, left, suppressed }))
    }

    /// The number and the address of whoever a row names.
    fn whose(&self, texts: &[&str]) -> Result<Option<(i64, String)>, Wrong> {
        if self.columns.as_ref().is_some_and(|columns| columns.passes_over(texts)) {
            return Ok(None);
        }
        let written = texts.get(self.email).copied().unwrap_or("");
        if written.is_empty() {
            let problem = Problem::error("list-address", "this row has no address");
            return Err((Box::new(problem.help("give it one, or remove the row")), self.email));
        }
        match Address::parse(written) {
            Ok(address) => {
                let email = address.to_string();
                Ok(Some((self.secrets.recipient_id(&email), email)))
            }
            Err(why) => {
                let problem = Problem::error("list-address", format!("{written:?} is no address: {why}"))
                    .label("no address")
                    .help("correct it, or remove the row; the other rows were taken");
                Err((Box::new(problem), self.email))
            }
        }
    }

    /// Adds the place of a field to a problem.
    fn report(&mut self, problem: Problem, spot: Spot, field: usize) {
        let (line, text) = self.row_at(spot);
        let (column, width) = field_place(&text, self.delimiter, field);
        let line = usize::try_from(line).ok();
        let place = Place { file: self.shown.clone(), line, column: Some(column), width, text: Some(text) };
        self.problems.push(problem.at(place));
    }

    fn doubled(&self, newcomer: &Newcomer, before: Spot) -> Problem {
        let (email, (line, _)) = (&newcomer.addressee.email, self.row_at(before));
        Problem::warning("list-double", format!("{email} is in line {line} already"))
            .help("the first of the two counts; remove the other")
    }

    /// The line of a row and its text: read again, for nothing but problems needs it. What cannot be read again (a pipe) has no
    /// text, and of a row behind a CRLF the line before.
    fn row_at(&self, spot: Spot) -> (u64, String) {
        self.read_row_at(spot).unwrap_or((spot.line, String::new()))
    }

    /// The reader says of a row where the one before it ended: the rest of a CRLF and empty lines still lie between.
    fn read_row_at(&self, spot: Spot) -> io::Result<(u64, String)> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(spot.byte + self.offset))?;
        let mut file = BufReader::new(file);
        let mut number = spot.line;
        loop {
            let read = file.fill_buf()?;
            let empty = read.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            number += read[..empty].iter().filter(|byte| **byte == b'\n').count() as u64;
            let is_over = empty < read.len() || read.is_empty();
            file.consume(empty);
            if is_over {
                break;
            }
        }
        let mut line = Vec::new();
        file.take(2000).read_until(b'\n', &mut line)?;
        Ok((number, String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_string()))
    }
}

/// What is wrong with a row, and with which of its fields.
type Wrong = (Box<Problem>, usize);

/// Where a row begins, or the ends of lines before it: line from 1, first byte behind a byte order mark.
#[derive(Clone, Copy)]
struct Spot {
    line: u64,
    byte: u64,
}

impl Spot {
    fn of(record: &ByteRecord) -> Spot {
        let position = record.position();
        Spot { line: position.map_or(0, csv::Position::line), byte: position.map_or(0, csv::Position::byte) }
    }
}

/// A row's fields.
fn texts(record: &ByteRecord) -> Result<Vec<&str>, Wrong> {
    let mut texts = Vec::with_capacity(record.len());
    for (index, field) in record.iter().enumerate() {
        match std::str::from_utf8(field) {
            Ok(text) => texts.push(text),
            Err(error) => {
                let byte = field.get(error.valid_up_to()).copied().unwrap_or_default();
                let problem = Problem::error("list-encoding", format!("the byte 0x{byte:02X} is not UTF-8"));
                return Err((Box::new(problem.help("save the list again as CSV in UTF-8")), index));
            }
        }
    }
    Ok(texts)
}

/// Column from 1 and width, in characters, of a line's field. A field that the line lacks is its end.
fn field_place(line: &str, delimiter: u8, field: usize) -> (usize, usize) {
    let (mut index, mut start, mut quoted) = (0, 0, false);
    let characters: Vec<char> = line.chars().collect();
    for (column, c) in characters.iter().enumerate() {
        if *c == '"' {
            quoted = !quoted;
        } else if *c == char::from(delimiter) && !quoted {
            if index == field {
                return (start + 1, (column - start).max(1));
            }
            index += 1;
            start = column + 1;
        }
    }
    if index == field {
        (start + 1, characters.len().saturating_sub(start).max(1))
    } else {
        (characters.len() + 1, 1)
    }
}

#[cfg(test)]
mod tests;
