//! The feeds as they would be written now, beside those that are published: in a folder, or where the site serves them.
//!
//! Promises: nothing is written; a feed that was never published is no mistake; one that cannot be read is a Problem, and the
//! others are compared all the same.
//!
//! BUGS: a published feed that no configuration writes any more is not known here.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rayon::prelude::*;
use serde::Serialize;
use ureq::tls::{RootCerts, TlsConfig};
use url::Url;

use crate::config::{Config, FeedConfig, is_loopback};
use crate::feed::diff::{self, Difference};
use crate::feed::{self, Feed};
use crate::item::Item;
use crate::problem::{Problem, Problems};

/// How long a site may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// No feed that a reader would take is larger.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Where the published feeds are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Against {
    /// Relative to the project's folder.
    Folder(PathBuf),
    /// The address under which the feeds' paths lie.
    Web(Url),
}

impl Against {
    /// `https://…` is an address, `site` the site's own; anything else is a folder (`./site` is one of that name).
    /// Nothing is where feeds are written.
    pub fn of(text: Option<&str>, config: &Config) -> Result<Against, String> {
        match text {
            None => Ok(Against::Folder(PathBuf::from(&config.publish.out))),
            Some("site") => Ok(Against::Web(config.site.url.clone())),
            Some(text) if text.starts_with("https://") || text.starts_with("http://") => {
                let text = format!("{}/", text.trim_end_matches('/'));
                Url::parse(&text).map(Against::Web).map_err(|error| format!("{text} is no address: {error}"))
            }
            Some(text) => Ok(Against::Folder(PathBuf::from(text))),
        }
    }

    /// As people know it.
    pub fn name(&self) -> String {
        match self {
            Against::Folder(folder) => folder.display().to_string(),
            Against::Web(url) => url.to_string(),
        }
    }
}

/// One output of one feed beside the published one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Compared {
    pub feed: String,
    /// `atom`, `rss` or `json`.
    pub format: &'static str,
    /// The published file's: its path, or its address.
    pub path: String,
    /// `false`: nothing is there, so that everything is new.
    pub published: bool,
    #[serde(flatten)]
    pub difference: Difference,
}

/// Compares every output of `feeds` (which are those of the configuration, in order).
pub fn compare(config: &Config, feeds: &[Feed], items: &[Item], against: &Against) -> (Vec<Compared>, Problems) {
    type Writer = fn(&Feed) -> String;
    let outputs: Vec<(&FeedConfig, &Feed, &'static str, &str, Writer)> = config
        .feeds
        .iter()
        .zip(feeds)
        .flat_map(|(config, feed)| {
            let formats: [(&'static str, &Option<String>, Writer); 3] = [
                ("atom", &config.outputs.atom, feed::atom::write),
                ("rss", &config.outputs.rss, feed::rss::write),
                ("json", &config.outputs.json, feed::json::write),
            ];
            formats.into_iter().filter_map(move |(format, path, writer)| {
                path.as_deref().map(|path| (config, feed, format, path.trim_start_matches('/'), writer))
            })
        })
        .collect();
    let one = |(of, feed, format, path, writer): &(&FeedConfig, &Feed, &'static str, &str, Writer)| {
        let (place, bytes) = fetch(config, against, path);
        let address = config.site.url.join(path).unwrap_or_else(|_| config.site.url.clone());
        let unreadable = |why: String| {
            Problem::error("published-feed", format!("what is published there cannot be compared: {why}"))
                .help("look at it in a browser: feed readers may have no use for it either")
                .in_file(&place)
        };
        let published = bytes.map_err(&unreadable)?;
        // Read back, so that both have gone the same way.
        let now = feed::read::read(writer(feed).as_bytes(), &address).map_err(&unreadable)?;
        let difference = match &published {
            Some(bytes) => {
                let published = feed::read::read(bytes, &address).map_err(&unreadable)?;
                diff::compare(&published, &now, &feed::beyond(of, items))
            }
            None => Difference::all_new(&now),
        };
        let published = published.is_some();
        Ok(Compared { feed: of.name.clone(), format, path: place.clone(), published, difference })
    };
    let all: Vec<Result<Compared, Problem>> = outputs.par_iter().map(one).collect();
    let mut problems = Problems::new();
    let mut compared = Vec::new();
    for result in all {
        match result {
            Ok(one) => compared.push(one),
            Err(problem) => problems.push(problem),
        }
    }
    (compared, problems)
}

/// The published file's place, and its bytes; `None`: nothing is there.
fn fetch(config: &Config, against: &Against, path: &str) -> (String, Result<Option<Vec<u8>>, String>) {
    match against {
        Against::Folder(folder) => {
            let place = folder.join(path);
            let read = match fs::read(config.root.join(&place)) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
                Err(error) => Err(error.to_string()),
            };
            (shown(&place), read)
        }
        Against::Web(base) => match base.join(path) {
            Ok(address) => (address.to_string(), get(&address)),
            Err(error) => (path.to_string(), Err(error.to_string())),
        },
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

/// Asked through the environment's proxy where one is set.
fn get(address: &Url) -> Result<Option<Vec<u8>>, String> {
    let mut settings = ureq::Agent::config_builder()
        // Whom the system trusts: the authority of an administration, or of a proxy that opens TLS, is not in a built-in list.
        .tls_config(TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build())
        .timeout_global(Some(PATIENCE))
        .http_status_as_error(false);
    if is_loopback(address.host_str().unwrap_or_default().trim_matches(['[', ']'])) {
        // What listens on this machine is not behind a proxy.
        settings = settings.proxy(None);
    }
    let agent: ureq::Agent = settings.build().into();
    let mut response = agent.get(address.as_str()).call().map_err(|error| error.to_string())?;
    match response.status().as_u16() {
        200 => {
            let read = response.body_mut().with_config().limit(LARGEST).read_to_vec();
            read.map(Some).map_err(|error| error.to_string())
        }
        404 | 410 => Ok(None),
        status => Err(format!("the site answers {status}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_compare_with_is_a_folder_an_address_or_the_site() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("config")).unwrap();
        let text = "site: { url: https://www.example.org/blog/, title: T }\ncontent: { paths: [.] }\n";
        fs::write(folder.path().join("config/crieur.yaml"), text).unwrap();
        let (config, _) = Config::read(folder.path()).unwrap();
        let of = |text| Against::of(text, &config).map(|against| against.name());
        assert_eq!(of(None).as_deref(), Ok("public"));
        assert_eq!(of(Some("site")).as_deref(), Ok("https://www.example.org/blog/"));
        assert_eq!(of(Some("./site")).as_deref(), Ok("./site"));
        assert_eq!(of(Some("http://127.0.0.1:80")).as_deref(), Ok("http://127.0.0.1/"));
        assert!(of(Some("https://")).is_err());
    }
}
