//! Which files are anybody's to read: what the project itself publishes under `publish.out`, and nothing else.
//!
//! Promises: an address names a file only as a feed's output, a letter's page, a letter's picture or an event's file; no
//! part of it is empty or begins with a dot; the file, whatever links lead to it, lies under `publish.out`.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;

use crate::config::{Config, Newsletter};
use crate::digest::calendar;

/// What a published file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Atom,
    Rss,
    Json,
    /// A letter's page.
    Page,
    /// A page of the archive.
    Archive,
    Jpeg,
    Png,
    Webp,
    Event,
}

impl Kind {
    pub fn media_type(self) -> &'static str {
        match self {
            Kind::Atom => "application/atom+xml; charset=utf-8",
            Kind::Rss => "application/rss+xml; charset=utf-8",
            Kind::Json => "application/feed+json; charset=utf-8",
            Kind::Page | Kind::Archive => "text/html; charset=utf-8",
            Kind::Jpeg => "image/jpeg",
            Kind::Png => "image/png",
            Kind::Webp => "image/webp",
            Kind::Event => "text/calendar; charset=utf-8",
        }
    }

    /// How long a copy may be used unasked: readers ask for feeds every quarter of an hour at most; a picture's name is its
    /// content's.
    pub fn cache_control(self) -> &'static str {
        match self {
            // A letter gets a next one.
            Kind::Atom | Kind::Rss | Kind::Json | Kind::Archive => "public, max-age=300",
            Kind::Page | Kind::Event => "public, max-age=3600",
            Kind::Jpeg | Kind::Png | Kind::Webp => "public, max-age=31536000, immutable",
        }
    }

    /// Whether packing makes it smaller.
    pub fn is_text(self) -> bool {
        !matches!(self, Kind::Jpeg | Kind::Png | Kind::Webp)
    }
}

/// What the configuration publishes.
#[derive(Clone, Debug)]
pub struct Published {
    out: PathBuf,
    feeds: HashMap<String, Kind>,
    newsletters: Vec<Newsletter>,
    pictures: String,
}

impl Published {
    pub fn of(config: &Config) -> Published {
        let mut feeds = HashMap::new();
        for feed in &config.feeds {
            let outputs = &feed.outputs;
            for (path, kind) in [(&outputs.atom, Kind::Atom), (&outputs.rss, Kind::Rss), (&outputs.json, Kind::Json)]
            {
                if let Some(path) = path {
                    feeds.insert(path.trim_start_matches('/').to_string(), kind);
                }
            }
        }
        Published {
            out: config.root.join(&config.publish.out),
            feeds,
            newsletters: config.newsletters.clone(),
            pictures: config.pictures.folder.clone(),
        }
    }

    /// The folder that is published.
    pub fn folder(&self) -> &Path {
        &self.out
    }

    /// The path under `publish.out` that an address names, and what is there; whether a file is there is another question.
    pub fn find(&self, address: &str) -> Option<(String, Kind)> {
        let path = percent_decode_str(address).decode_utf8().ok()?.into_owned();
        let is_plain = |part: &str| !part.is_empty() && !part.starts_with('.');
        if path.len() > 1000 || path.contains(['\\', '\0']) || !path.split('/').all(is_plain) {
            return None;
        }
        let kind = self.kind(&path)?;
        Some((path, kind))
    }

    /// Whether a path, as a request writes it, is a feed's.
    pub fn is_feed(&self, path: &str) -> bool {
        self.feeds.contains_key(path)
    }

    fn kind(&self, path: &str) -> Option<Kind> {
        if let Some(kind) = self.feeds.get(path) {
            return Some(*kind);
        }
        let below = |folder: &str| path.strip_prefix(folder)?.strip_prefix('/').filter(|name| !name.contains('/'));
        if let Some(name) = below(&self.pictures)
            && let Some((_, ending)) = name.rsplit_once('.')
            && let Some(kind) = picture(ending)
        {
            return Some(kind);
        }
        if below(calendar::FOLDER).is_some_and(|name| name.ends_with(".ics")) {
            return Some(Kind::Event);
        }
        self.newsletters.iter().any(|newsletter| is_page(newsletter, path)).then_some(Kind::Page)
    }

    /// Where the file at a path that was found should lie.
    pub fn place(&self, path: &str) -> PathBuf {
        self.out.join(path)
    }

    /// Where the file at a path that was found lies in truth: `None` when that is elsewhere, or nowhere.
    pub fn file(&self, path: &str) -> Option<PathBuf> {
        let file = fs::canonicalize(self.out.join(path)).ok()?;
        let out = fs::canonicalize(&self.out).ok()?;
        file.starts_with(out).then_some(file)
    }
}

/// What a letter's picture is, by the ending of its name.
pub fn picture(ending: &str) -> Option<Kind> {
    match ending {
        "jpg" => Some(Kind::Jpeg),
        "png" => Some(Kind::Png),
        _ => None,
    }
}

/// Whether a path is that of a letter's page: a number where the pattern has one.
fn is_page(newsletter: &Newsletter, path: &str) -> bool {
    let Some(pattern) = &newsletter.online else { return false };
    let pattern = pattern.replace("{newsletter}", &newsletter.name);
    let Some((before, _)) = pattern.split_once("{number}") else { return false };
    let Some(rest) = path.strip_prefix(before) else { return false };
    let digits: String = rest.chars().take_while(char::is_ascii_digit).take(12).collect();
    digits.parse().is_ok_and(|number| newsletter.online_path(number).as_deref() == Some(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{FeedConfig, FeedContent, Outputs, Select};
    use crate::digest::samples;

    fn published() -> Published {
        let mut config = samples::config();
        config.feeds = vec![FeedConfig {
            name: "a".to_string(),
            id: None,
            title: "A".to_string(),
            description: None,
            outputs: Outputs {
                atom: Some("/feed/feed.xml".to_string()),
                rss: None,
                json: Some("/flux é.json".to_string()),
            },
            select: Select::default(),
            limit: None,
            content: FeedContent::Full,
            hubs: Vec::new(),
        }];
        let online = Some("letters/{newsletter}-{number}.html".to_string());
        config.newsletters = vec![Newsletter { name: "news".to_string(), online, ..samples::newsletter() }];
        Published::of(&config)
    }

    #[test]
    fn what_the_project_publishes_is_found_by_its_address() {
        let published = published();
        for (address, path, kind) in [
            ("feed/feed.xml", "feed/feed.xml", Kind::Atom),
            ("flux%20%C3%A9.json", "flux é.json", Kind::Json),
            ("letters/news-12.html", "letters/news-12.html", Kind::Page),
            ("letters/pictures/0a1b.jpg", "letters/pictures/0a1b.jpg", Kind::Jpeg),
            ("letters/events/fete-0a1b.ics", "letters/events/fete-0a1b.ics", Kind::Event),
        ] {
            assert_eq!(published.find(address), Some((path.to_string(), kind)), "{address}");
        }
    }

    #[test]
    fn nothing_else_is() {
        let published = published();
        for address in [
            "",
            "/",
            "index.html",
            "feed",
            "feed/",
            "feed//feed.xml",
            "feed/../feed/feed.xml",
            "feed/%2e%2e/feed/feed.xml",
            "../config/crieur.yaml",
            "%2e%2e/var/crieur.db",
            "..%2fvar/keys/key",
            "feed%5cfeed.xml",
            "feed/feed.xml%00",
            "feed/.feed.xml.crieur-1",
            "letters/pictures/.0a1b.jpg",
            "letters/pictures/a/b.jpg",
            "letters/pictures/a.html",
            "letters/pictures/",
            "letters/events/a.html",
            "letters/news-.html",
            "letters/news-012.html",
            "letters/news-1.html.bak",
            "letters/news-1x.html",
            "letters/other-1.html",
            "%ff",
        ] {
            assert_eq!(published.find(address), None, "{address}");
        }
    }

    #[test]
    fn a_link_that_leads_elsewhere_leads_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let mut published = published();
        published.out = folder.path().join("public");
        fs::create_dir_all(published.out.join("feed")).unwrap();
        fs::write(folder.path().join("secret"), "x").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(folder.path().join("secret"), published.out.join("feed/feed.xml")).unwrap();
        assert_eq!(published.file("feed/feed.xml"), None);
        fs::write(published.out.join("flux.json"), "x").unwrap();
        assert!(published.file("flux.json").is_some());
    }
}
