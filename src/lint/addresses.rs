//! Where a letter's addresses lead, and what they would tell about its reader.
//!
//! What is loaded by itself (pictures, styles, fonts) reaches its server before the reader did anything: it must come from
//! the site or be a picture that was written with the letter, and be the same for everybody.

use url::Url;

use super::css;
use super::look::{Look, excerpt};
use super::page::{Attribute, Element};
use super::{At, Finding};

/// Parameters that follow people from a letter to a page.
const TRACKING: [&str; 24] = [
    "fbclid",
    "gclid",
    "dclid",
    "msclkid",
    "yclid",
    "igshid",
    "twclid",
    "ttclid",
    "li_fat_id",
    "mc_eid",
    "mc_cid",
    "mkt_tok",
    "_hsenc",
    "_hsmi",
    "hsctatracking",
    "vero_id",
    "vero_conv",
    "oly_enc_id",
    "oly_anon_id",
    "trackingid",
    "xtor",
    "wickedid",
    "_openstat",
    "trk",
];
/// Their families.
const TRACKING_STARTS: [&str; 4] = ["utm_", "at_medium", "at_campaign", "pk_"];

pub fn check(look: &Look<'_>, findings: &mut Vec<Finding>) {
    let mut check = Check { look, findings };
    for (id, _, element) in look.page.elements() {
        check.element(element);
        for style in look.styles(id) {
            check.style(&style.value, style.range.clone());
        }
    }
    for rule in &look.rules {
        for style in &rule.declarations {
            check.style(&style.value, style.range.clone());
        }
        if let Some(import) = rule.within.last().filter(|at| at.starts_with("@import")) {
            // Written without `url(…)` too.
            let quoted = import.split(['"', '\'']).nth(1).map(str::to_string);
            for address in quoted.into_iter().chain(css::addresses(import)) {
                check.loaded(&address, rule.range.clone(), true);
            }
        }
    }
}

struct Check<'a, 'b> {
    look: &'a Look<'a>,
    findings: &'b mut Vec<Finding>,
}

impl Check<'_, '_> {
    fn element(&mut self, element: &Element) {
        for attribute in &element.attributes {
            let value = attribute.value.trim();
            match (element.name.as_str(), attribute.name.as_str()) {
                ("a" | "area", "href") => self.link(attribute),
                ("form", "action") | ("button" | "input", "formaction") => self.link(attribute),
                ("link", "href") | ("object", "data") => self.loaded(value, attribute.range.clone(), true),
                (_, "src" | "background" | "poster") => {
                    let dot = ["width", "height"].iter().any(|side| {
                        element.value(side).and_then(|n| n.trim().parse::<f64>().ok()).is_some_and(|n| n <= 2.0)
                    });
                    if dot {
                        self.tell("letter-tracker", attribute, value);
                    } else {
                        self.loaded(value, attribute.range.clone(), false);
                    }
                }
                (_, "srcset") => {
                    for candidate in value.split(',').filter_map(|one| one.split_whitespace().next()) {
                        self.loaded(candidate, attribute.range.clone(), false);
                    }
                }
                _ => {}
            }
        }
    }

    fn tell(&mut self, code: &'static str, attribute: &Attribute, address: &str) {
        self.findings.push(Finding::new(code, At::Html(attribute.range.clone())).with("address", excerpt(address)));
    }

    fn style(&mut self, value: &str, range: std::ops::Range<usize>) {
        for address in css::addresses(value) {
            self.loaded(&address, range.clone(), false);
        }
    }

    /// An address that a reader follows or does not.
    fn link(&mut self, attribute: &Attribute) {
        let value = attribute.value.trim();
        let compact: String = value.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
        let scheme = compact.split(':').next().unwrap_or("").to_ascii_lowercase();
        if compact.contains(':') && matches!(scheme.as_str(), "javascript" | "vbscript" | "data") {
            return self.tell("letter-address-script", attribute, value);
        }
        if value.starts_with('#') {
            return;
        }
        let Ok(url) = Url::parse(value) else { return self.tell("letter-address-relative", attribute, value) };
        if self.is_ours(&url) {
            self.own(&url, value, attribute.range.clone());
        }
        let tracking = url.query_pairs().map(|(name, _)| name.into_owned()).find(|name| {
            let name = name.to_ascii_lowercase();
            TRACKING.contains(&name.as_str()) || TRACKING_STARTS.iter().any(|start| name.starts_with(start))
        });
        if let Some(parameter) = tracking {
            let finding = Finding::new("letter-tracking-link", At::Html(attribute.range.clone()));
            self.findings.push(finding.with("address", excerpt(value)).with("parameter", parameter));
        }
    }

    /// An address that a mail program fetches by itself; `code`: it could do more than show a picture.
    fn loaded(&mut self, value: &str, range: std::ops::Range<usize>, code: bool) {
        let found = |code: &'static str| Finding::new(code, At::Html(range.clone())).with("address", excerpt(value));
        if value.starts_with("data:") {
            self.findings.push(found("letter-address-data"));
            return;
        }
        if value.starts_with("cid:") {
            return;
        }
        let url = match Url::parse(value) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => url,
            Ok(_) => return self.findings.push(found("letter-address-script")),
            Err(_) => return self.findings.push(found("letter-address-relative")),
        };
        let identifies = url.query().is_some() || !url.username().is_empty() || url.password().is_some();
        if identifies || code {
            self.findings.push(found("letter-tracker"));
        } else if !self.is_ours(&url) && !self.is_written(&url) {
            self.findings.push(found("letter-foreign-load").with("host", url.host_str().unwrap_or("")));
        }
        if self.is_ours(&url) {
            self.own(&url, value, range);
        } else if url.scheme() == "http" && self.look.letter.site.scheme() == "https" {
            self.findings.push(found("letter-address-http"));
        }
    }

    fn is_ours(&self, url: &Url) -> bool {
        url.host_str().is_some() && url.host_str() == self.look.letter.site.host_str()
    }

    fn is_written(&self, url: &Url) -> bool {
        let hosts = self.look.letter.pictures.iter().filter_map(|picture| Url::parse(picture).ok());
        hosts.into_iter().any(|picture| picture.host_str() == url.host_str())
    }

    /// An address of the site itself: as the site is served, and there.
    fn own(&mut self, url: &Url, value: &str, range: std::ops::Range<usize>) {
        let found = |code: &'static str| Finding::new(code, At::Html(range.clone())).with("address", excerpt(value));
        if url.scheme() == "http" && self.look.letter.site.scheme() == "https" {
            self.findings.push(found("letter-address-http"));
        }
        if self.is_missing(url, value) {
            self.findings.push(found("letter-address-missing"));
        }
    }

    /// Whether an address names a file that the site's static folders should hold and do not.
    fn is_missing(&self, url: &Url, value: &str) -> bool {
        let (config, letter) = (self.look.config, self.look.letter);
        if letter.pictures.contains(&value) || letter.items.iter().any(|item| item.url == value) {
            return false;
        }
        let Some(path) = url.path().strip_prefix(letter.site.path()) else { return false };
        let Some((_, ending)) = path.rsplit('/').next().and_then(|name| name.rsplit_once('.')) else { return false };
        let is_page =
            matches!(ending.to_ascii_lowercase().as_str(), "html" | "htm" | "php" | "aspx" | "xml" | "json" | "ics");
        if is_page || config.content.static_folders.is_empty() {
            return false;
        }
        // Pictures that letters show are written when the letter goes.
        if path.starts_with(config.pictures.folder.trim_matches('/')) {
            return false;
        }
        let path = percent_decoded(path);
        if path.split('/').any(|step| step == "..") {
            return false;
        }
        let folders = config.content.static_folders.iter().map(String::as_str).chain([config.publish.out.as_str()]);
        let mut folders = folders.map(|folder| config.root.join(folder)).filter(|folder| folder.is_dir()).peekable();
        folders.peek().is_some() && !folders.any(|folder| folder.join(&path).exists())
    }
}

/// `%C3%A9` as `é`.
pub fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        let code =
            (*first == b'%').then(|| more.get(..2)).flatten().and_then(|digits| std::str::from_utf8(digits).ok());
        match code.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &more[2..];
            }
            None => {
                bytes.push(*first);
                rest = more;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
