//! The archive of letters: every letter that went out as a web page, a list of them a newsletter, and a feed.
//!
//! [`letter`] makes the page's part and the feed's of a frozen letter, [`pages`] puts it into a page with its neighbours,
//! [`feed`] writes the feeds; [`sent`] reads what all are made of. [`served`] answers the web service's readers from what
//! [`made`] keeps, [`export`] writes the same as files, for a site without the service.
//!
//! Promises: nothing of a recipient is on any page: the places for names and ways out are filled with nothing; only an edition
//! that is being sent or was is there; a newsletter with `archive: none` has nothing here; one that is unlisted is in no
//! list and asks search engines to leave it out. Pages lead to one another by relative addresses: the service's and a
//! site's are the same bytes but for the way home and the absolute addresses.
//!
//! BUGS: a letter's own links and colours are as they were frozen. A picture that is kept no more is shown from where the letter
//! shows it.

pub mod export;
mod feed;
mod letter;
mod made;
mod pages;
mod sent;
pub mod served;

use url::Url;

use super::page::Page;
use crate::config::{Archive, Config, Newsletter};

/// The style sheets of the pages: of lists, and of a letter's page, where no rule may reach the letter.
pub const STYLE: &str = concat!(include_str!("../pages/page.css"), include_str!("../pages/archive.css"));
pub const FRAME_STYLE: &str = include_str!("../pages/edition.css");
/// Parts of the pages that stand beside the lists, by name.
pub const PARTS: [(&str, &str); 3] =
    [("archive.css", STYLE), ("letter.css", FRAME_STYLE), ("archive.svg", super::page::ICON)];

/// How many letters a list shows, and a feed.
const LISTED: usize = 30;
const IN_A_FEED: usize = 20;

/// Where the pages stand.
pub struct Place<'a> {
    pub config: &'a Config,
    pub page: &'a Page,
    /// The address of the list of newsletters; ends in `/`.
    pub root: Url,
    /// Where the site's name leads. `None`: to the service's first page, above the archive.
    pub home: Option<String>,
}

impl Place<'_> {
    /// Where a newsletter's archive begins here; ends in `/`.
    fn of(&self, newsletter: &Newsletter) -> String {
        format!("{}{}", self.root, below(newsletter))
    }

    /// The address by which search engines are to know a newsletter's list, whatever else shows it.
    fn known_as(&self, newsletter: &Newsletter) -> String {
        newsletter.archive_url(&self.config.web).map_or_else(|| self.of(newsletter), String::from)
    }

    /// The one address of an edition for search engines: in the service's archive, which is there for certain; else its page
    /// on the site; else here.
    fn canonical(&self, newsletter: &Newsletter, number: i64) -> String {
        let on_the_site = || {
            let path = newsletter.online_path(u64::try_from(number).ok()?)?;
            self.config.site.url.join(&path).ok().map(String::from)
        };
        match newsletter.archive_url(&self.config.web) {
            Some(archive) => format!("{archive}{number}/"),
            None => on_the_site().unwrap_or_else(|| format!("{}{number}/", self.of(newsletter))),
        }
    }
}

/// A newsletter's folder in the archive; ends in `/`.
fn below(newsletter: &Newsletter) -> String {
    newsletter.archive_path().trim_start_matches("archive/").to_string()
}

/// Those whose archive is in the list of all.
fn public(config: &Config) -> impl Iterator<Item = &Newsletter> {
    config.newsletters.iter().filter(|newsletter| newsletter.archive == Archive::Public)
}
