//! An item's address: `content.permalink` with its places filled in, or what the front matter says in its stead.
//!
//! `{stem}` is the file's name without its ending, as it is; `{slug}` the front matter's, else the stem without a day
//! before it; `{folder}` the file's folder below the content folder; `{path}` folder and stem as Eleventy joins them: a file
//! that is called like its folder is that folder's page; `{year} {month} {day}` the item's date in `content.dates_in`. An `index.md`
//! takes its folder's name as its stem, and the folder above as its folder.
//!
//! Promises: an address is absolute, under the site's, and percent-encoded by the URL standard.
//!
//! BUGS: template code in a permalink is not run; only `{{ page.fileSlug }}` and Jekyll's `:title`, `:slug`, `:year`,
//! `:month` and `:day` are known.

use chrono::{DateTime, Datelike, Utc};
use serde_json::Value;
use url::Url;

use super::dates;
use super::fields::{Fields, Found, scalar};
use super::front_matter::Format;
use crate::config::Config;

/// What a file's path says of its address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names<'a> {
    pub stem: &'a str,
    /// Below the content folder, without slashes at its ends; empty at its root.
    pub folder: &'a str,
}

impl<'a> Names<'a> {
    /// From a path below the content folder, `content` being that folder's own path.
    pub fn of(below: &'a str, content: &'a str) -> Self {
        let (folder, file) = below.rsplit_once('/').unwrap_or(("", below));
        let stem = stem(file);
        if !is_index(stem) {
            return Names { stem, folder };
        }
        if folder.is_empty() {
            let name = content.rsplit('/').next().filter(|name| !name.is_empty() && *name != ".");
            return Names { stem: name.unwrap_or(stem), folder };
        }
        let (above, name) = folder.rsplit_once('/').unwrap_or(("", folder));
        Names { stem: name, folder: above }
    }
}

/// A file's name without its ending.
pub fn stem(file: &str) -> &str {
    file.rsplit_once('.').map_or(file, |(stem, _)| stem)
}

/// `index`, or `index.fr`.
pub fn is_index(stem: &str) -> bool {
    stem.eq_ignore_ascii_case("index")
        || stem.len() <= 8 && stem.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("index."))
}

/// The absolute address of an item's page.
pub fn address(config: &Config, fields: &mut Fields<'_>, names: &Names<'_>, published: DateTime<Utc>) -> String {
    let slug = slug(fields, names.stem);
    let local = published.with_timezone(&config.content.dates_in);
    let folder = || names.folder.split('/').map(segment).collect::<Vec<_>>().join("/");
    let value = |name: &str| {
        Some(match name {
            "stem" => segment(names.stem),
            "slug" | "title" => slug.clone(),
            "folder" => folder(),
            "path" if names.folder.rsplit('/').next() == Some(names.stem) => folder(),
            "path" => format!("{}/{}", folder(), segment(names.stem)),
            "year" => format!("{:04}", local.year()),
            "month" => format!("{:02}", local.month()),
            "day" => format!("{:02}", local.day()),
            _ => return None,
        })
    };
    match own(config, fields, &slug, &value) {
        Some(Own::Path(path)) => join(&config.site.url, &path),
        Some(Own::Address(url)) => url,
        None => join(&config.site.url, &fill(&config.content.permalink, '{', &value)),
    }
}

/// The front matter's slug, else the stem without a day before it.
fn slug(fields: &Fields<'_>, stem: &str) -> String {
    let written = fields.find(&["slug"]).filter(|found| found.own).and_then(|found| scalar(found.value));
    match written {
        Some(slug) => slug.trim().trim_matches('/').split('/').map(segment).collect::<Vec<_>>().join("/"),
        None => match dates::name_with_day(stem) {
            Some((_, rest)) if !rest.is_empty() => segment(rest),
            _ => segment(stem),
        },
    }
}

/// A name as one part of a path: what is not percent-encoding must not be read as such, nor end the path.
fn segment(name: &str) -> String {
    name.replace('%', "%25").replace('\\', "%5C")
}

enum Own {
    /// Below the site's address.
    Path(String),
    Address(String),
}

/// What the file itself says: `permalink` (Eleventy, Jekyll), `url` (Hugo), `path` (Zola).
fn own(config: &Config, fields: &mut Fields<'_>, slug: &str, value: &dyn Fn(&str) -> Option<String>) -> Option<Own> {
    for name in ["permalink", "url", "path"] {
        let Some(found) = fields.find(&[name]).filter(|found| found.own) else { continue };
        let Value::String(text) = found.value else {
            if name == "permalink" {
                not_used(fields, found, "is not a text");
            }
            continue;
        };
        let text = text.trim();
        if let Ok(url) = Url::parse(text) {
            // A whole address elsewhere is what a post points to, not where it is.
            if url.has_host() && url.host() == config.site.url.host() {
                return Some(Own::Address(url.into()));
            }
            continue;
        }
        if name == "path" && fields.format != Format::Toml && !text.starts_with('/') {
            continue;
        }
        let mut path = text.replace("{{ page.fileSlug }}", slug).replace("{{page.fileSlug}}", slug);
        if path.contains(['{', '}']) {
            not_used(fields, found, "holds template code");
            continue;
        }
        if matches!(path.as_str(), "pretty" | "date" | "none" | "ordinal" | "weekdate") {
            continue;
        }
        if path.contains(':') {
            path = fill(&path, ':', value);
            if path.split('/').any(|part| part.starts_with(':')) {
                not_used(fields, found, "holds a place that is not known");
                continue;
            }
        }
        let path = path.strip_suffix("index.html").map(str::to_string).unwrap_or(path);
        // Zola gives its pages a slash at the end whatever `path` says.
        let slash = name == "path" && fields.format == Format::Toml && !path.ends_with('/');
        return Some(Own::Path(if slash { path + "/" } else { path }));
    }
    None
}

fn not_used(fields: &mut Fields<'_>, found: Found<'_>, why: &str) {
    let message = format!("`{}` {why}: the address is made by `content.permalink`", found.key);
    fields.warn(
        found,
        "permalink",
        message,
        "write the address as plain text, or see that `content.permalink` gives the same",
    );
}

/// Fills in `{name}`, or `:name`; a name that is not known stays as it is.
fn fill(pattern: &str, open: char, value: &dyn Fn(&str) -> Option<String>) -> String {
    let mut path = String::with_capacity(pattern.len() + 40);
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once(open) {
        path.push_str(before);
        let (name, behind) = after.split_at(after.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(after.len()));
        let closed = if open == '{' { behind.strip_prefix('}') } else { Some(behind) };
        match closed.zip(value(name)) {
            Some((behind, value)) => {
                path.push_str(&value);
                rest = behind;
            }
            None => {
                path.push(open);
                rest = after;
            }
        }
    }
    path.push_str(rest);
    path
}

/// A path under the site's address; empty parts (an empty `{folder}`) go.
pub fn join(site: &Url, path: &str) -> String {
    let mut whole = site.path().trim_end_matches('/').to_string();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        whole.push('/');
        whole.push_str(part);
    }
    if path.ends_with('/') || path.is_empty() || whole.is_empty() {
        whole.push('/');
    }
    let mut url = site.clone();
    url.set_path(&whole);
    url.into()
}

#[cfg(test)]
#[path = "permalink_tests.rs"]
mod tests;
