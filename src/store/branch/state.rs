//! The memory as a value, and as the branch's files.
//!
//! ```text
//! crieur-memory                    the format's number
//! README.md                        what this branch is, for whoever opens it
//! items.lock                       a line an item, sorted: the ids that were given
//! newsletters/NAME.yaml            since when, and up to which moment its schedule was seen to
//! newsletters/NAME.announced.txt   a line an item, sorted: id, how, edition, when
//! editions/NAME-NUMBER/            edition.yaml (where it stands, and its delivery), letter.json, variant-N.json
//! pictures/                        index.txt (name, media type, until when it is kept), and each picture
//! ```
//!
//! Promises: the same state gives the same bytes; what was written is read back as it was; nobody's address is in it: whom a
//! newsletter goes to, and who sends it, is in the configuration, and a server's words lose the addresses that they repeat.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::text::{field, fold, spread, unfield, without_addresses};
use crate::git::Files;

/// What this version writes, and reads.
const FORMAT: u32 = 1;
/// Tells that a branch, or a folder of it, is ours.
pub const MARKER: &str = "crieur-memory";

const README: &str = "\
# crieur's memory

This branch is written by `crieur`, and belongs to no version of the site. It says which items have an id, what each newsletter \
has announced, and where each letter stands. Nobody's name or address is in it.

Leave it in place: without it, what was announced would be new again. `crieur status` shows what it says; `crieur stop`, \
`resume`, `cancel` and `resolve` change it.
";

/// All that is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Lines of the lock of ids, sorted.
    pub items: Vec<String>,
    pub newsletters: BTreeMap<String, Newsletter>,
    /// By newsletter and number.
    pub editions: BTreeMap<(String, i64), Edition>,
    /// By name.
    pub pictures: BTreeMap<String, Picture>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Newsletter {
    pub started: DateTime<Utc>,
    pub considered: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brake: Option<String>,
    /// Its one address takes no letter any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suppressed: Option<Suppressed>,
    #[serde(skip)]
    pub announced: BTreeMap<String, Announced>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suppressed {
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    /// The number of the edition whose delivery said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edition: Option<i64>,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// announced, counted, backlog, declined
    pub how: String,
    pub edition: Option<i64>,
    pub at: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edition {
    /// composed, sending, done, held, cancelled
    pub state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub composed: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previewed: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished: Option<DateTime<Utc>>,
    /// The first outcome may still hold it.
    pub brakes: bool,
    pub delivery: Delivery,
    pub items: Vec<String>,
    /// JSON.
    #[serde(skip)]
    pub letter: String,
    /// JSON, each.
    #[serde(skip)]
    pub variants: Vec<String>,
}

/// The one row of an edition's ledger: the list's address, which the configuration says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivery {
    /// pending, sending, accepted, refused, suppressed, uncertain
    pub state: String,
    pub since: DateTime<Utc>,
    /// How often a try was begun.
    pub attempts: i64,
    /// How often the outcome of a try stayed unknown.
    pub uncertain: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_try: Option<DateTime<Utc>>,
    pub next_try: DateTime<Utc>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub media_type: String,
    pub until: DateTime<Utc>,
    pub content: Vec<u8>,
}

/// A file of the branch that cannot be read, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    pub path: String,
    pub why: String,
}

impl Unreadable {
    fn new(path: &str, why: impl std::fmt::Display) -> Unreadable {
        Unreadable { path: path.to_string(), why: why.to_string() }
    }
}

impl State {
    /// The files.
    pub fn to_files(&self) -> Files {
        let mut files = Files::new();
        let mut add = |path: String, text: String| files.insert(path, text.into_bytes());
        add(MARKER.into(), format!("{FORMAT}\n"));
        add("README.md".into(), README.into());
        add("items.lock".into(), self.items.iter().map(|line| format!("{line}\n")).collect());
        for (name, newsletter) in &self.newsletters {
            let mut bare = newsletter.clone();
            hide(&mut bare.brake);
            if let Some(suppressed) = &mut bare.suppressed {
                hide(&mut suppressed.reply);
            }
            add(format!("newsletters/{name}.yaml"), yaml(&bare));
            let rows = newsletter.announced.iter().map(|(id, announced)| {
                let edition = announced.edition.map_or_else(|| "-".to_string(), |number| number.to_string());
                format!("{}\t{}\t{edition}\t{}\n", field(id), announced.how, moment(announced.at))
            });
            add(format!("newsletters/{name}.announced.txt"), rows.collect());
        }
        for ((newsletter, number), edition) in &self.editions {
            let folder = format!("editions/{newsletter}-{number}");
            let mut bare = edition.clone();
            hide(&mut bare.reason);
            hide(&mut bare.delivery.reply);
            add(format!("{folder}/edition.yaml"), yaml(&bare));
            add(format!("{folder}/letter.json"), spread(&edition.letter));
            for (variant, text) in edition.variants.iter().enumerate() {
                add(format!("{folder}/variant-{variant}.json"), spread(text));
            }
        }
        if !self.pictures.is_empty() {
            let rows = self
                .pictures
                .iter()
                .map(|(name, one)| format!("{}\t{}\t{}\n", field(name), field(&one.media_type), moment(one.until)));
            add("pictures/index.txt".into(), rows.collect());
        }
        files.extend(self.pictures.iter().map(|(name, one)| (format!("pictures/{name}"), one.content.clone())));
        files
    }

    /// What the files say; files of others are passed over.
    pub fn from_files(files: &Files) -> Result<State, Unreadable> {
        let mut state = State::default();
        let format = text(files, MARKER)?;
        match format.trim().parse::<u32>() {
            Ok(FORMAT) => {}
            Ok(newer) if newer > FORMAT => {
                return Err(Unreadable::new(MARKER, "a newer version of crieur has written it: take that one"));
            }
            _ => return Err(Unreadable::new(MARKER, "it names no format")),
        }
        state.items = lines(files, "items.lock")?.map(str::to_string).collect();
        for path in files.keys() {
            if let Some(name) = path.strip_prefix("newsletters/").and_then(|rest| rest.strip_suffix(".yaml")) {
                let mut newsletter: Newsletter = of_yaml(files, path)?;
                newsletter.announced = announced(files, &format!("newsletters/{name}.announced.txt"))?;
                state.newsletters.insert(name.to_string(), newsletter);
            } else if let Some(folder) = path.strip_suffix("/edition.yaml") {
                let key = folder.strip_prefix("editions/").and_then(|name| name.rsplit_once('-'));
                let key = key.and_then(|(name, number)| Some((name.to_string(), number.parse().ok()?)));
                let key = key.ok_or_else(|| Unreadable::new(path, "its folder is not named NEWSLETTER-NUMBER"))?;
                state.editions.insert(key, edition(files, path, folder)?);
            }
        }
        if files.contains_key("pictures/index.txt") {
            let index = "pictures/index.txt";
            for line in lines(files, index)? {
                let odd = || Unreadable::new(index, format!("a line is not NAME, TYPE, UNTIL: {line:?}"));
                let mut fields = line.split('\t');
                let (Some(name), Some(media_type), Some(until)) = (fields.next(), fields.next(), fields.next())
                else {
                    return Err(odd());
                };
                let until = until.parse().map_err(|_| odd())?;
                let name = unfield(name);
                let path = format!("pictures/{name}");
                let content = files.get(&path).ok_or_else(|| Unreadable::new(&path, "it is gone"))?.clone();
                state.pictures.insert(name, Picture { media_type: unfield(media_type), until, content });
            }
        }
        Ok(state)
    }
}

fn edition(files: &Files, path: &str, folder: &str) -> Result<Edition, Unreadable> {
    let mut edition: Edition = of_yaml(files, path)?;
    if !matches!(edition.state.as_str(), "composed" | "sending" | "done" | "held" | "cancelled") {
        return Err(Unreadable::new(path, format!("there is no state {:?} of an edition", edition.state)));
    }
    let delivery = edition.delivery.state.as_str();
    if !matches!(delivery, "pending" | "sending" | "accepted" | "refused" | "suppressed" | "uncertain") {
        return Err(Unreadable::new(path, format!("there is no state {delivery:?} of a delivery")));
    }
    edition.letter = json(files, &format!("{folder}/letter.json"))?;
    for variant in 0.. {
        let path = format!("{folder}/variant-{variant}.json");
        if !files.contains_key(&path) {
            break;
        }
        edition.variants.push(json(files, &path)?);
    }
    Ok(edition)
}

fn announced(files: &Files, path: &str) -> Result<BTreeMap<String, Announced>, Unreadable> {
    let mut all = BTreeMap::new();
    for line in lines(files, path)? {
        let odd = || Unreadable::new(path, format!("a line is not ID, HOW, EDITION, WHEN: {line:?}"));
        let mut fields = line.split('\t');
        let (Some(id), Some(how), Some(edition), Some(at)) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            return Err(odd());
        };
        let edition = if edition == "-" { None } else { Some(edition.parse().map_err(|_| odd())?) };
        let at = at.parse().map_err(|_| odd())?;
        all.insert(unfield(id), Announced { how: how.to_string(), edition, at });
    }
    Ok(all)
}

fn text<'a>(files: &'a Files, path: &str) -> Result<&'a str, Unreadable> {
    let bytes = files.get(path).ok_or_else(|| Unreadable::new(path, "it is gone"))?;
    std::str::from_utf8(bytes).map_err(|_| Unreadable::new(path, "it is not in UTF-8"))
}

fn lines<'a>(files: &'a Files, path: &str) -> Result<impl Iterator<Item = &'a str>, Unreadable> {
    Ok(text(files, path)?.lines().filter(|line| !line.is_empty()))
}

fn json(files: &Files, path: &str) -> Result<String, Unreadable> {
    let text = text(files, path)?;
    serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| Unreadable::new(path, error))?;
    Ok(fold(text))
}

fn of_yaml<T: DeserializeOwned>(files: &Files, path: &str) -> Result<T, Unreadable> {
    serde_yaml::from_str(text(files, path)?).map_err(|error| Unreadable::new(path, error))
}

/// Plain values: writing them to memory does not fail; were it to, the empty text would be refused by the next reader.
fn yaml<T: Serialize>(value: &T) -> String {
    serde_yaml::to_string(value).unwrap_or_default()
}

fn moment(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

fn hide(text: &mut Option<String>) {
    if let Some(text) = text {
        *text = without_addresses(text);
    }
}
