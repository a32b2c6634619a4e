//! Lists of people: CSV with a header line that names `email`, `name` and whatever else the templates may use.
//!
//! Read in batches, never held whole. Commas, semicolons or tabs separate; a byte order mark is passed over; lines may end
//! in CRLF. Promises: a bad row is named with its line and column and never stops the others; an address that was given
//! before is passed over, with a warning.
//!
//! BUGS: UTF-8 only.

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
use crate::store::recipients::Addressee;

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
    /// Lines by recipient.
    seen: HashMap<i64, u64>,
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
            seen: HashMap::new(),
            problems: Problems::new(),
        })
    }

    /// The next people, up to 500; empty at the end.
    pub fn next_batch(&mut self) -> Vec<Addressee> {
        let mut batch = Vec::new();
        let mut record = ByteRecord::new();
        while batch.len() < BATCH {
            match self.reader.read_byte_record(&mut record) {
                Ok(true) => batch.extend(self.person(&record)),
                Ok(false) => break,
                Err(error) => {
                    self.problems.push(Problem::error("list-unreadable", error.to_string()).in_file(&self.shown));
                    break;
                }
            }
        }
        batch
    }

    fn person(&mut self, record: &ByteRecord) -> Option<Addressee> {
        let line = record.position().map_or(0, csv::Position::line);
        let mut texts = Vec::with_capacity(record.len());
        for (index, field) in record.iter().enumerate() {
            match std::str::from_utf8(field) {
                Ok(text) => texts.push(text),
                Err(error) => {
                    let byte = field.get(error.valid_up_to()).copied().unwrap_or_default();
                    let problem = Problem::error("list-encoding", format!("the byte 0x{byte:02X} is not UTF-8"))
                        .help("save the list again as CSV in UTF-8");
                    self.report(problem, record, index);
                    return None;
                }
            }
        }
        let written = texts.get(self.email).copied().unwrap_or("");
        if written.is_empty() {
            let problem =
                Problem::error("list-address", "this row has no address").help("give it one, or remove the row");
            self.report(problem, record, self.email);
            return None;
        }
        let address = match Address::parse(written) {
            Ok(address) => address.to_string(),
            Err(why) => {
                let problem = Problem::error("list-address", format!("{written:?} is no address: {why}"))
                    .label("no address")
                    .help("correct it, or remove the row; the other rows were taken");
                self.report(problem, record, self.email);
                return None;
            }
        };
        let id = self.secrets.recipient_id(&address);
        if let Some(before) = self.seen.insert(id, line) {
            self.seen.insert(id, before);
            let problem = Problem::warning("list-double", format!("{address} is in line {before} already"))
                .help("the first of the two counts; remove the other");
            self.report(problem, record, self.email);
            return None;
        }
        let name = self.name.and_then(|name| texts.get(name)).filter(|name| !name.is_empty());
        let fields: serde_json::Map<String, serde_json::Value> =
            self.others.iter().filter_map(|(index, key)| Some((key.clone(), (*texts.get(*index)?).into()))).collect();
        Some(Addressee {
            id,
            email: address,
            name: name.map(|name| one_line(name)),
            fields: serde_json::Value::Object(fields).to_string(),
        })
    }

    /// Adds the place of a field to a problem.
    fn report(&mut self, problem: Problem, record: &ByteRecord, field: usize) {
        let position = record.position();
        let line = position.map_or(0, csv::Position::line);
        let at = position.map_or(0, csv::Position::byte) + self.offset;
        let text = self.line_at(at).unwrap_or_default();
        let (column, width) = field_place(&text, self.delimiter, field);
        let line = usize::try_from(line).ok();
        let place = Place { file: self.shown.clone(), line, column: Some(column), width, text: Some(text) };
        self.problems.push(problem.at(place));
    }

    /// The text of the line that begins at a byte: read again, for nothing but problems needs it.
    fn line_at(&self, byte: u64) -> io::Result<String> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(byte))?;
        let mut line = Vec::new();
        BufReader::new(file.take(2000)).read_until(b'\n', &mut line)?;
        Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_string())
    }
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
mod tests {
    use super::*;

    fn read(content: &[u8]) -> Result<(Vec<Addressee>, Problems), Box<Problem>> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("people.csv"), content).unwrap();
        let secrets = Secrets::from_bytes([1; 32]);
        let mut people = People::open(folder.path(), Path::new("people.csv"), &secrets)?;
        let mut all = Vec::new();
        loop {
            let batch = people.next_batch();
            if batch.is_empty() {
                break;
            }
            all.extend(batch);
        }
        Ok((all, people.problems))
    }

    #[test]
    fn semicolons_a_byte_order_mark_and_more_columns_are_read() {
        let text = "\u{feff}Email;Nom;ville\r\nANA@example.org; Ana ;\"Paris; 12e\"\r\nbo@exämple.org;;\r\n";
        let (people, problems) = read(text.as_bytes()).unwrap();
        assert!(problems.is_empty(), "{problems:?}");
        let shown: Vec<_> = people.iter().map(|p| (p.email.as_str(), p.name.as_deref(), p.fields.as_str())).collect();
        assert_eq!(
            shown,
            [
                ("ANA@example.org", Some("Ana"), r#"{"ville":"Paris; 12e"}"#),
                ("bo@xn--exmple-cua.org", None, r#"{"ville":""}"#)
            ]
        );
    }

    #[test]
    fn bad_rows_are_named_with_their_place_and_the_good_ones_are_taken() {
        let text = "name,email\nAna,ana@example.org\nBo,bo at example.org\n\"Cy, the\nsecond\",cy@example.org\nDi\nEd,ANA@example.org\nFy,\"fy@\"\n";
        let (people, problems) = read(text.as_bytes()).unwrap();
        assert_eq!(
            people.iter().map(|p| p.email.as_str()).collect::<Vec<_>>(),
            ["ana@example.org", "cy@example.org"]
        );
        assert_eq!(people[1].name.as_deref(), Some("Cy, the second"));
        let places: Vec<_> = problems
            .iter()
            .map(|p| (p.code, p.place.as_ref().unwrap()))
            .map(|(code, place)| (code, place.line.unwrap(), place.column.unwrap(), place.text.clone().unwrap()))
            .collect();
        assert_eq!(
            places,
            [
                ("list-address", 3, 4, "Bo,bo at example.org".to_string()),
                ("list-address", 6, 3, "Di".to_string()),
                ("list-double", 7, 4, "Ed,ANA@example.org".to_string()),
                ("list-address", 8, 4, "Fy,\"fy@\"".to_string()),
            ]
        );
    }

    #[test]
    fn a_list_that_cannot_be_read_at_all_says_why() {
        assert_eq!(read(b"name,city\nAna,Paris\n").unwrap_err().code, "list-header");
        assert_eq!(read(b"").unwrap_err().code, "list-header");
        assert_eq!(read(b"\xFF\xFEe\0").unwrap_err().code, "list-encoding");
        let (people, problems) = read(b"email,name\na@example.org,Zo\xE9\nb@example.org,Bo\n").unwrap();
        assert_eq!((people.len(), problems.0[0].code), (1, "list-encoding"));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn no_bytes_stop_the_reader(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let _ = read(&bytes);
            let _ = read(&[b"email;name\n".as_slice(), &bytes].concat());
        }
    }

    #[test]
    fn no_name_holds_a_line_break() {
        let (people, _) = read(b"email,name\na@example.org,\"a\r\nBcc: b@example.org\"\n").unwrap();
        assert_eq!(people[0].name.as_deref(), Some("a  Bcc: b@example.org"));
    }
}
