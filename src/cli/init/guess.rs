//! What `init` makes out of a site, whatever its generator.

use super::built::Proposal;
use crate::config::{MarkdownOptions, Person};

/// Everything that a configuration needs to know, as far as the site tells.
#[derive(Debug)]
pub struct Guess {
    pub generator: &'static str,
    pub url: Option<String>,
    pub title: Option<String>,
    pub description: Option<String>,
    pub language: Option<String>,
    pub time_zone: Option<String>,
    pub author: Option<Person>,
    pub paths: Vec<String>,
    /// Below the paths, without items.
    pub exclude: Vec<String>,
    pub permalink: String,
    /// Why `permalink` may not be what the generator does, in words.
    pub unread_address: Option<String>,
    /// To take from the generator what cannot be read.
    pub built: Option<Proposal>,
    /// The zone of a date that names none; `None`: the site's.
    pub dates_in: Option<&'static str>,
    pub static_folders: Vec<String>,
    /// Where the site's own pages are written, and the feeds beside them.
    pub out: String,
    /// The generator takes every file of the site's folder for a page, ours too.
    pub beside_posts: bool,
    /// A CI builds and announces the site, and keeps its memory in the repository.
    pub in_ci: bool,
    /// How many dated files there are.
    pub posts: usize,
    /// The address that the site's build must be told, because its configuration does not say it.
    pub address_for_build: Option<String>,
    /// Name and file.
    pub variables: Vec<(String, String)>,
    pub markdown: MarkdownOptions,
    pub shortcodes: Vec<Shortcode>,
    pub letters: Letters,
    /// What a person should look at.
    pub notes: Vec<String>,
}

/// A shortcode of the site's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortcode {
    pub name: String,
    /// The file that defines it.
    pub file: String,
    /// In Handlebars; `None` where only running the site's own code could tell.
    pub template: Option<String>,
}

/// Past letters that stand among the posts: what leaves them out of the letter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Letters {
    pub tags: Vec<String>,
    pub folders: Vec<String>,
}

impl Guess {
    /// A site of which nothing is known yet, with markdown-it's bare options.
    pub fn new(generator: &'static str) -> Self {
        Guess {
            generator,
            url: None,
            title: None,
            description: None,
            language: None,
            time_zone: None,
            author: None,
            paths: Vec::new(),
            exclude: Vec::new(),
            permalink: String::new(),
            unread_address: None,
            built: None,
            dates_in: Some("UTC"),
            static_folders: Vec::new(),
            out: "public".to_string(),
            beside_posts: false,
            in_ci: false,
            posts: 0,
            address_for_build: None,
            variables: Vec::new(),
            markdown: MarkdownOptions {
                html: true,
                breaks: false,
                linkify: false,
                typographer: false,
                indented_code: true,
                quotes: ["“", "”", "‘", "’"].map(String::from),
            },
            shortcodes: Vec::new(),
            letters: Letters::default(),
            notes: Vec::new(),
        }
    }

    pub fn note(&mut self, words: impl Into<String>) {
        self.notes.push(words.into());
    }
}
