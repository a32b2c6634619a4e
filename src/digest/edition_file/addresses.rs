//! Which item an address means, however a person spells it.
//!
//! Promises: an item is found by its address, by its id, and by its earliest address where the id tells it; with `http`
//! or `https`, with or without `www.`, the last `/`, `index.html`, a fragment, and what trackers add.

use std::collections::{HashMap, HashSet};

use url::Url;

use crate::item::Item;

/// The items of a site by their addresses.
pub struct Addresses<'a> {
    site: Url,
    items: HashMap<String, &'a Item>,
    /// The folders in which pages of items lie.
    folders: HashSet<String>,
}

/// What a link of the file leads to.
#[derive(Clone, Copy, Debug)]
pub enum Found<'a> {
    Item(&'a Item),
    /// A page of the site where items lie, which no item is.
    Missing,
    /// Elsewhere.
    Outside,
}

impl<'a> Addresses<'a> {
    pub fn new(site: &Url, items: &'a [Item]) -> Addresses<'a> {
        let mut found = Addresses { site: site.clone(), items: HashMap::new(), folders: HashSet::new() };
        // An address that one item has now is not another one's that had it once.
        for item in items {
            let key = found.key(&item.url);
            if let Some((folder, _)) = key.rsplit_once('/') {
                found.folders.insert(folder.to_string());
            }
            found.items.entry(key).or_insert(item);
        }
        for item in items.iter().filter(|item| !item.id.is_empty()) {
            let by_id = found.key(&item.id);
            found.items.entry(by_id).or_insert(item);
            if let Some((_, path)) = item.id.strip_prefix("tag:").and_then(|rest| rest.split_once(':')) {
                let by_path = found.key(path);
                found.items.entry(by_path).or_insert(item);
            }
        }
        found
    }

    pub fn find(&self, url: &str) -> Found<'a> {
        let key = self.key(url);
        match self.items.get(&key) {
            Some(item) => Found::Item(item),
            None if key.rsplit_once('/').is_some_and(|(folder, _)| self.folders.contains(folder)) => Found::Missing,
            None => Found::Outside,
        }
    }

    /// The address as a letter may hold it; an item's is the item's own. `None`: a letter must not lead there.
    pub fn absolute(&self, url: &str) -> Option<String> {
        if url.trim().is_empty() {
            return None;
        }
        let joined = self.site.join(url.trim()).ok()?;
        if !matches!(joined.scheme(), "http" | "https" | "mailto") {
            return None;
        }
        match self.find(url) {
            Found::Item(item) => match joined.fragment() {
                Some(fragment) if !fragment.is_empty() => Some(format!("{}#{fragment}", item.url)),
                _ => Some(item.url.clone()),
            },
            _ => Some(joined.to_string()),
        }
    }

    /// One spelling for all that mean one page.
    fn key(&self, address: &str) -> String {
        let address = address.trim();
        let Ok(url) = self.site.join(address) else { return address.to_string() };
        let Some(host) = url.host_str().filter(|_| matches!(url.scheme(), "http" | "https")) else {
            return address.to_string();
        };
        let path = url.path();
        let path = path.strip_suffix("/index.html").unwrap_or(path).trim_end_matches('/');
        let path = decoded(path);
        let query: Vec<String> = url
            .query_pairs()
            .filter(|(name, _)| !is_tracking(name))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
        format!("{}{port}{path}{query}", host.trim_start_matches("www."))
    }
}

/// `%C3%A9` and `é` are one letter; an address keeps its other signs.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = (*first == b'%').then(|| after.get(..2).and_then(|two| std::str::from_utf8(two).ok())).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| path.to_string())
}

/// What campaign tools and networks add to an address.
fn is_tracking(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    ["utm_", "pk_", "mtm_", "mc_", "at_"].iter().any(|start| name.starts_with(start))
        || matches!(name.as_str(), "fbclid" | "gclid" | "msclkid" | "trackingid" | "xtor" | "igshid")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::samples;

    #[test]
    fn an_item_is_found_however_its_address_is_spelled() {
        let mut items = [
            samples::item("été", "L’été", "2026-01-01T00:00:00Z", ""),
            samples::item("b", "B", "2026-01-01T00:00:00Z", ""),
        ];
        items[1].id = "tag:site.example.org,2024-01-01:/posts/avant/".into();
        let addresses = Addresses::new(&"https://site.example.org/".parse().expect("an address"), &items);
        for spelling in [
            "https://site.example.org/posts/été/",
            "http://www.site.example.org/posts/%C3%A9t%C3%A9",
            "/posts/été/index.html",
            "posts/été/#suite",
            "https://SITE.example.org/posts/été/?utm_source=x&fbclid=y",
        ] {
            assert!(matches!(addresses.find(spelling), Found::Item(item) if item.title == "L’été"), "{spelling}");
        }
        for spelling in ["/posts/b", "/posts/avant/", "tag:site.example.org,2024-01-01:/posts/avant/"] {
            assert!(matches!(addresses.find(spelling), Found::Item(item) if item.title == "B"), "{spelling}");
        }
        assert!(matches!(addresses.find("/posts/c/"), Found::Missing));
        for spelling in [
            "/",
            "/a-propos/",
            "/posts/b/?page=2x/y",
            "https://other.example.org/posts/b/",
            "",
            "mailto:a@example.org",
        ] {
            assert!(!matches!(addresses.find(spelling), Found::Item(_)), "{spelling}");
        }
        assert_eq!(addresses.absolute("/a-propos"), Some("https://site.example.org/a-propos".to_string()));
        assert_eq!(addresses.absolute("javascript:alert(1)"), None);
        assert_eq!(addresses.absolute("/posts/b#x"), Some("https://site.example.org/posts/b/#x".to_string()));
    }
}
