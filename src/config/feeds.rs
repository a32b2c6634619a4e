//! Reads `feeds/*.yaml`, one file a feed.

use std::collections::HashMap;

use super::read::folder;
use super::reader::{File, Mapping, Node, reject};
use super::{Config, FeedConfig, FeedContent, Outputs, select, values};
use crate::problem::Problems;

/// The feeds that can be used, by name; of two feeds that would write one file, neither can.
pub fn read(config: &Config, problems: &mut Problems) -> Vec<FeedConfig> {
    let mut feeds = Vec::new();
    let mut writers: HashMap<String, String> = HashMap::new();
    let mut clashing: Vec<String> = Vec::new();
    for (name, file) in folder(&config.root, "feeds", problems) {
        let feed = feed(config, &name, &file, &mut writers, &mut clashing);
        if !file.has_errors() {
            feeds.push(feed);
        }
        problems.extend(file.into_problems());
    }
    feeds.retain(|feed| !clashing.contains(&feed.name));
    feeds
}

fn feed(
    config: &Config,
    name: &str,
    file: &File,
    writers: &mut HashMap<String, String>,
    clashing: &mut Vec<String>,
) -> FeedConfig {
    let top = file.root();
    let id = top.text("id");
    let title = top.text("title").unwrap_or_else(|| config.site.title.clone());
    let description = top.text("description");
    let mut outputs = outputs(name, top.section("outputs"), writers, clashing);
    if !top.section("outputs").is_given() {
        outputs.atom = Some(format!("feed/{name}.xml"));
    }
    let select = select::read(top.section("select"));
    let limit = top.parsed("limit", |text| match text.parse::<usize>() {
        _ if text == "all" => Ok(None),
        Ok(limit) if limit > 0 => Ok(Some(limit)),
        _ => reject(format!("`limit` cannot be `{text}`"), "write how many items the feed shows, or `all`"),
    });
    let content = top.choice("content", &[("full", FeedContent::Full), ("summary", FeedContent::Summary)]);
    let hubs = top.list("hubs").unwrap_or_default();
    let hubs = hubs.iter().filter_map(|node: &Node<'_>| checked(node)).collect();
    top.finish();
    FeedConfig {
        name: name.to_string(),
        id,
        title,
        description,
        outputs,
        select,
        limit: limit.unwrap_or(Some(20)),
        content: content.unwrap_or(FeedContent::Full),
        hubs,
    }
}

fn checked(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    match values::web_address(&text) {
        Ok(url) => Some(url),
        Err(no) => {
            node.problem("bad-value", no.message, no.help);
            None
        }
    }
}

fn outputs(
    name: &str,
    outputs: Mapping<'_>,
    writers: &mut HashMap<String, String>,
    clashing: &mut Vec<String>,
) -> Outputs {
    let mut one = |format: &str| {
        let path = outputs.parsed(format, values::output_path)?;
        let here = format!("{name}, {format}");
        if let Some(other) = writers.insert(path.to_lowercase(), here) {
            if let Some(node) = outputs.get(format) {
                let message = format!("`{path}` is already written by another feed or format ({other})");
                node.problem("doubled-output", message, "give each feed and each format a file of its own");
            }
            clashing.extend(other.split(", ").next().map(String::from));
            return None;
        }
        Some(path)
    };
    let read = Outputs { atom: one("atom"), rss: one("rss"), json: one("json") };
    if outputs.is_given() && outputs.named().is_empty() {
        // `outputs: {}` would be a feed that is never written.
        outputs.required("atom", "feed/feed.xml");
    }
    outputs.finish();
    read
}
