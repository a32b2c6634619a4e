//! What the project's folder says: `config/crieur.yaml`, `feeds/*.yaml`, `config/newsletters/*.yaml`.
//!
//! Read once, checked whole, handed down as values; there is no global. An unknown key, a wrong type or an impossible
//! value is a [`Problem`](crate::problem::Problem) with its line, all of them in one go. What is optional has its
//! default filled in here, so that nobody else knows defaults.

mod built;
pub mod colour;
mod content_paths;
mod dkim;
mod feeds;
mod joining;
mod limits;
mod locate;
pub mod look;
mod network;
mod newsletter;
mod newsletters;
pub mod people;
pub mod placeholders;
mod read;
mod reader;
mod retention;
mod select;
#[cfg(test)]
mod tests;
mod topics;
mod values;
mod variables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chrono::Duration;
use chrono_tz::Tz;
use url::Url;

use crate::problem::{Place, Problems};

pub use look::Look;
pub use network::Network;
pub use newsletter::{
    Approve, Archive, Audience, Backlog, Images, Leave, Mailbox, Missed, Newsletter, OnUncertain, Schedule,
    SectionConfig, Segment, Topic, WeightBudget,
};
pub use retention::Retention;
pub use values::is_loopback;

/// Everything that one project says.
#[derive(Clone, Debug)]
pub struct Config {
    /// The project's folder (`-C`); every relative path starts here.
    pub root: PathBuf,
    pub site: Site,
    pub content: Content,
    pub publish: Publish,
    pub pictures: Pictures,
    pub mail: Mail,
    /// `sqlite:PATH`, `postgres://…` or `git:BRANCH`, as written; relative paths start at `root`.
    pub database: String,
    /// The folder of keys (`secrets`), absolute; `CRIEUR_KEYS_FILE` overrides it.
    pub secrets: PathBuf,
    pub web: Web,
    pub retention: Retention,
    /// By file stem, sorted.
    pub feeds: Vec<FeedConfig>,
    /// By file stem, sorted.
    pub newsletters: Vec<Newsletter>,
}

impl Config {
    /// The branch of the repository that is the project's memory (`database: git:BRANCH`).
    pub fn branch(&self) -> Option<&str> {
        self.database.strip_prefix("git:")
    }
}

#[derive(Clone, Debug)]
pub struct Site {
    /// Ends in `/`.
    pub url: Url,
    pub title: String,
    pub description: Option<String>,
    /// BCP 47, default `fr`… the language of the sample; `en` when not given.
    pub language: String,
    pub time_zone: Tz,
    pub author: Option<Person>,
}

/// An author as a feed names one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    pub email: Option<String>,
    pub url: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Content {
    /// Folders or files, relative to `root`.
    pub paths: Vec<String>,
    /// Folders or files below them that hold no items.
    pub exclude: Vec<String>,
    /// An item's address under the site: `{stem} {slug} {folder} {path} {year} {month} {day}`.
    pub permalink: String,
    /// The zone of a date that names none.
    pub dates_in: Tz,
    pub future: Future,
    pub ids: Ids,
    /// What the site serves at its root, relative to `root`.
    pub static_folders: Vec<String>,
    /// What bodies may name besides their own front matter, read from the files named.
    pub variables: serde_json::Map<String, serde_json::Value>,
    /// Where they were read, relative to `root`.
    pub variable_files: Vec<String>,
    pub markdown: MarkdownOptions,
    /// Handlebars by name; the built-in ones are added by `body::expand`.
    pub shortcodes: BTreeMap<String, String>,
    pub unknown_shortcode: UnknownShortcode,
    /// What the site's generator made, where items take their addresses and bodies from it.
    pub built: Option<Built>,
}

/// Where what the site's generator made is to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// A list of pages or a folder of them, relative to `root`.
    pub manifest: String,
    /// The CSS selector of an item's body in its page, checked; `None`: bodies are made from the sources.
    pub body: Option<String>,
    /// Where the configuration names the manifest.
    pub place: Place,
    /// Where it names the body.
    pub body_place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Future {
    /// As any other item.
    Publish,
    /// Left out until their date.
    Hold,
    /// Published with the moment at which they were first seen as their date.
    FirstSeen,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ids {
    /// The item's address when it was first seen.
    Permalink,
    /// `tag:HOST,DATE:PATH` (RFC 4151), `tag_date` being a date on which the name was ours: `2024-01-01`.
    Tag { date: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownShortcode {
    Warn,
    Fail,
}

/// markdown-it's options, by its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MarkdownOptions {
    pub html: bool,
    pub breaks: bool,
    pub linkify: bool,
    pub typographer: bool,
    pub indented_code: bool,
    /// Opening and closing double quotes, opening and closing single ones.
    pub quotes: [String; 4],
}

#[derive(Clone, Debug)]
pub struct Publish {
    /// Relative to `root`.
    pub out: String,
}

/// Of the letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pictures {
    /// Under `publish.out` and under the site's address; no `/` at its ends.
    pub folder: String,
    /// How long after its composition the pictures of a letter stay there.
    pub keep: Duration,
}

impl Default for Pictures {
    fn default() -> Self {
        Pictures { folder: "letters/pictures".to_string(), keep: Duration::days(2 * 365) }
    }
}

#[derive(Clone, Debug)]
pub struct Mail {
    pub transport: Transport,
    pub user: Option<String>,
    pub tls: Tls,
    /// `relay: trusted`: `tls: none` is allowed beyond loopback.
    pub relay_trusted: bool,
    /// How the password is told.
    pub auth: Auth,
    /// The name that EHLO says. Default: our address.
    pub hello: Option<String>,
    /// A PEM file of authorities, relative to `root`, that are believed in place of the system's.
    pub roots: Option<String>,
    pub connections: usize,
    pub limits: Limits,
    /// The envelope sender; each letter adds its token. Default: the newsletter's `from`.
    pub bounces_to: Option<String>,
    /// No: the relay takes no `+` in the envelope sender, and a returned letter is known by its Message-ID.
    pub bounce_tokens: bool,
    /// The keys that sign letters, at most two; none: the relay signs, or nobody.
    pub dkim: Vec<Dkim>,
}

/// A key that signs letters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dkim {
    /// In ASCII, in lower case.
    pub domain: String,
    pub selector: String,
    /// The key's file as written, and with the project's folder before it.
    pub key: String,
    pub path: PathBuf,
    /// Where the configuration says so.
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A Maildir, relative to `root`.
    Maildir(String),
    Smtp {
        host: String,
        port: u16,
    },
    Smtps {
        host: String,
        port: u16,
    },
    Sendmail,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    Required,
    Opportunistic,
    None,
}

/// The mechanism of AUTH.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Auth {
    /// PLAIN where it is offered, LOGIN otherwise.
    #[default]
    Auto,
    Plain,
    Login,
    /// The password is an access token.
    Xoauth2,
}

/// At most `count` letters in each `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub count: u32,
    pub per: std::time::Duration,
}

#[derive(Clone, Debug)]
pub struct Web {
    pub listen: String,
    /// Ends in `/`; needed by `leave: web`.
    pub url: Option<Url>,
    /// The reverse proxies whose word on who asks is believed.
    pub trusted_proxies: Vec<Network>,
    pub confirmations: Confirmations,
    pub status: Watching,
}

/// Who may see how things stand (`web.status`), with the operator's token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Watching {
    /// Whoever asks on this machine itself.
    #[default]
    Loopback,
    /// Whoever asks.
    Open,
    /// Nobody.
    None,
}

/// How many letters the forms of pages send at most, of all newsletters together but the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmations {
    pub per_address: Rate,
    /// The network of whoever asks.
    pub per_network: Rate,
    pub per_newsletter: Rate,
}

/// How letters may leave, for all workers of one database together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    pub rate: Option<Rate>,
    /// After so many letters a connection is renewed.
    pub letters_per_connection: Option<u32>,
    /// By receiving domain, in lower case.
    pub domains: BTreeMap<String, DomainLimit>,
}

/// What one receiving domain takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DomainLimit {
    /// Letters at once.
    pub connections: Option<usize>,
    pub rate: Option<Rate>,
}

/// Which items a feed or a newsletter takes; everything empty takes all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Select {
    /// One of these at least.
    pub tags: Vec<String>,
    /// None of these.
    pub not_tags: Vec<String>,
    pub series: Option<String>,
    pub kind: Option<String>,
    pub language: Option<String>,
    pub folder: Option<String>,
    /// None of these.
    pub not_folders: Vec<String>,
}

/// `feeds/NAME.yaml`.
#[derive(Clone, Debug)]
pub struct FeedConfig {
    pub name: String,
    /// `None`: the feed's own address.
    pub id: Option<String>,
    pub title: String,
    pub description: Option<String>,
    pub outputs: Outputs,
    pub select: Select,
    /// `None`: all.
    pub limit: Option<usize>,
    pub content: FeedContent,
    /// WebSub hubs.
    pub hubs: Vec<String>,
}

/// Paths under `publish.out` and under the site's address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outputs {
    pub atom: Option<String>,
    pub rss: Option<String>,
    pub json: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedContent {
    Full,
    Summary,
}

impl Config {
    /// Reads the project in `root`. Without a configuration that can be used at all it is `Err`, with every problem
    /// found; a newsletter or feed with an error is left out, and its problems are among those returned.
    pub fn read(root: &Path) -> Result<(Config, Problems), Problems> {
        read::read(root)
    }
}

/// Where a key of one of the configuration's files stands, or the nearest place to it; read again from the file, for
/// problems that are found after it was read.
pub fn place_of(root: &Path, file: &str, keys: &[&str]) -> Place {
    let steps: Vec<locate::Step> = keys.iter().map(|key| locate::Step::from(*key)).collect();
    let Ok(source) = read::read_source(root, file) else { return Place::file(file) };
    let found = locate::locate(&source.text, &steps);
    source.place(if found.value.is_empty() { found.key } else { found.value })
}
