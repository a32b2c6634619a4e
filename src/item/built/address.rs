//! A page's address as a generator writes it, made the site's own; and the file of an address in a folder of built pages.
//!
//! Promises: what comes out is an address of the site's host, under its scheme; no file outside the folder is named.

use std::path::{Path, PathBuf};

use percent_encoding::percent_decode_str;
use scraper::{Html, Selector};
use url::Url;

use super::manifest::Kind;
use crate::item::permalink;

/// The whole address; `None`: it is another site's, or no web address.
pub fn absolute(site: &Url, written: &str, kind: Kind) -> Option<String> {
    let written = written.trim();
    match Url::parse(written) {
        Ok(url) => ours(site, url),
        Err(_) if written.starts_with("//") => ours(site, site.join(written).ok()?),
        // Hugo's relative addresses hold the site's own path already, Eleventy's never do.
        Err(_) if kind != Kind::Eleventy && site.path() != "/" && written.starts_with(site.path()) => {
            ours(site, site.join(written).ok()?)
        }
        Err(_) => Some(permalink::join(site, written)),
    }
}

/// The address under the site's own scheme and port, when it is one of the site's host.
fn ours(site: &Url, mut url: Url) -> Option<String> {
    let usual = |url: &Url| url.port().is_none();
    let same = url.host_str().is_some_and(|host| Some(host) == site.host_str())
        && matches!(url.scheme(), "http" | "https")
        && (url.port_or_known_default() == site.port_or_known_default() || usual(&url) && usual(site));
    if !same {
        return None;
    }
    url.set_scheme(site.scheme()).ok()?;
    Some(url.into())
}

/// The file that a server would hand out for this address of the site, `folder` being what it serves at the site's root.
pub fn file_of(folder: &Path, site: &Url, address: &str) -> Option<PathBuf> {
    let url = Url::parse(address).ok()?;
    let below = url.path().strip_prefix(site.path()).unwrap_or(url.path());
    [below, url.path()].iter().find_map(|path| {
        let path = percent_decode_str(path).decode_utf8().ok()?;
        let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
        if parts.iter().any(|part| matches!(*part, "." | "..") || part.contains(['\\', '\0'])) {
            return None;
        }
        let whole = folder.join(parts.join("/"));
        let mut html = whole.clone().into_os_string();
        html.push(".html");
        let page = |path: &PathBuf| path.is_file();
        let itself = (!path.ends_with('/') && !parts.is_empty()).then(|| whole.clone());
        let beside = (!parts.is_empty()).then(|| PathBuf::from(html));
        itself.into_iter().chain([whole.join("index.html")]).chain(beside).find(page)
    })
}

/// What a page says that its address is, as written: `<link rel="canonical">`, else `og:url`.
pub fn said_by(html: &str) -> Option<String> {
    if !html.contains("canonical") && !html.contains("og:url") {
        return None;
    }
    let head = html.find("<body").map_or(html, |body| &html[..body]);
    let document = Html::parse_document(head);
    let first = |selector: &str, attribute: &str| {
        let selector = Selector::parse(selector).ok()?;
        let found = document.select(&selector).next().and_then(|element| element.attr(attribute));
        found.map(str::trim).filter(|address| !address.is_empty()).map(str::to_string)
    };
    first("link[rel~=canonical]", "href").or_else(|| first("meta[property='og:url']", "content"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(url: &str) -> Url {
        Url::parse(url).unwrap()
    }

    #[test]
    fn an_address_is_the_sites_own_or_none() {
        let blog = site("https://www.example.org/blog/");
        for (kind, written, whole) in [
            (Kind::Eleventy, "/posts/a/", Some("https://www.example.org/blog/posts/a/")),
            // A folder of the site that is called as the site's own path.
            (Kind::Eleventy, "/blog/a/", Some("https://www.example.org/blog/blog/a/")),
            (Kind::Own, "/blog/a/", Some("https://www.example.org/blog/a/")),
            (Kind::Own, "/a/", Some("https://www.example.org/blog/a/")),
            (Kind::Own, "a.html", Some("https://www.example.org/blog/a.html")),
            (Kind::Own, "/été/", Some("https://www.example.org/blog/%C3%A9t%C3%A9/")),
            (Kind::Hugo, "https://www.example.org/blog/a/", Some("https://www.example.org/blog/a/")),
            (Kind::Hugo, "http://www.example.org/blog/a/", Some("https://www.example.org/blog/a/")),
            (Kind::Hugo, "//www.example.org/blog/a/", Some("https://www.example.org/blog/a/")),
            (Kind::Hugo, "http://localhost:1313/blog/a/", None),
            (Kind::Hugo, "https://www.example.org:8443/blog/a/", None),
            (Kind::Hugo, "mailto:a@example.org", None),
            (Kind::Hugo, "https://example.org/blog/a/", None),
        ] {
            assert_eq!(absolute(&blog, written, kind).as_deref(), whole, "{written}");
        }
    }

    #[test]
    fn a_page_is_found_as_a_server_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["a/index.html", "b.html", "été/index.html", "index.html", "sub/c/index.html"] {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let found = |site_url: &str, address: &str| {
            let file = file_of(folder.path(), &site(site_url), address)?;
            Some(file.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_string())
        };
        let root = "https://example.org/";
        for (address, file) in [
            ("https://example.org/a/", Some("a/index.html")),
            ("https://example.org/a", Some("a/index.html")),
            ("https://example.org/a/index.html", Some("a/index.html")),
            ("https://example.org/b", Some("b.html")),
            ("https://example.org/b/", Some("b.html")),
            ("https://example.org/b.html", Some("b.html")),
            ("https://example.org/%C3%A9t%C3%A9/", Some("été/index.html")),
            ("https://example.org/", Some("index.html")),
            ("https://example.org/none/", None),
            ("https://example.org/a/..%2f..%2fetc/passwd", None),
            ("https://example.org/%2e%2e/x", None),
        ] {
            assert_eq!(found(root, address).as_deref(), file, "{address}");
        }
        assert_eq!(found("https://example.org/sub/", "https://example.org/sub/a/").as_deref(), Some("a/index.html"));
        assert_eq!(
            found("https://example.org/sub/", "https://example.org/sub/c/").as_deref(),
            Some("sub/c/index.html")
        );
    }

    #[test]
    fn a_page_says_its_address_in_its_head_alone() {
        let said = |html: &str| said_by(html);
        let canonical = "<html><head><meta property='og:url' content='https://example.org/b'>\
                         <link href=' https://example.org/a ' rel='canonical'></head><body>";
        assert_eq!(said(canonical).as_deref(), Some("https://example.org/a"));
        assert_eq!(said("<meta property=og:url content=/b>").as_deref(), Some("/b"));
        assert_eq!(said("<head></head><body><link rel=canonical href=/c>"), None);
        assert_eq!(said("<p>text</p>"), None);
    }
}
