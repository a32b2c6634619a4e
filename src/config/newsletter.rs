//! What one newsletter says: `config/newsletters/NAME.yaml`, as [`super::newsletters`] reads it.

use chrono::Duration;
use url::Url;

use super::{Look, Select, Web};

/// `config/newsletters/NAME.yaml`.
#[derive(Clone, Debug)]
pub struct Newsletter {
    pub name: String,
    /// The file that said so, relative to `root`.
    pub file: String,
    pub title: String,
    /// `Name <address>`, checked.
    pub from: Mailbox,
    pub reply_to: Option<String>,
    pub list_id: Option<String>,
    pub to: Audience,
    pub leave: Leave,
    /// Anybody can subscribe by the web service's page.
    pub subscribe: bool,
    /// What they agree to; has a default in each language.
    pub consent: Option<String>,
    /// Under which that is remembered; default: a short hash of it.
    pub consent_version: Option<String>,
    /// Who sends the letter that asks for a confirmation; default: `from`.
    pub confirm_from: Option<Mailbox>,
    pub schedule: Schedule,
    pub missed: Missed,
    pub missed_after: Duration,
    pub backlog: Backlog,
    pub select: Select,
    pub max_items: usize,
    pub surge: usize,
    pub approve: Approve,
    /// Who gets the frozen letter ahead; bare addresses.
    pub preview_to: Vec<String>,
    /// How long ahead, where a moment is known.
    pub preview_before: Duration,
    pub first_number: u64,
    /// A Handlebars template.
    pub subject: String,
    /// One of [`look::THEMES`].
    pub theme: String,
    pub look: Look,
    pub images: Images,
    pub weight: WeightBudget,
    /// Where a sent letter's page stands, under the site and under `publish.out`, with `{newsletter}` and `{number}`;
    /// `None`: it has none.
    pub online: Option<String>,
    pub archive: Archive,
    /// `None`: off.
    pub wait_for_pages: Option<Duration>,
    pub on_uncertain: OnUncertain,
    /// What the letter says of why it came; has a default in each language.
    pub reason: Option<String>,
    /// The sender's postal address, at the letter's end.
    pub postal_address: Option<String>,
    /// The parts of a letter that nobody arranged, in their order; empty: one part, without a heading.
    pub sections: Vec<SectionConfig>,
    /// Whether a letter lists the events to come, announced before or not.
    pub agenda: bool,
    /// An event that begins so soon, and before the next letter, has a short one out of turn. `None`: never.
    pub urgent: Option<Duration>,
    /// What its readers may choose among, in the order in which they see it; empty: everybody gets everything.
    pub topics: Vec<Topic>,
    /// Which of the people on its list it goes to.
    pub segment: Segment,
}

/// Items that a reader may choose, or leave out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topic {
    /// `[a-z0-9-]+`: choices are kept under it.
    pub name: String,
    pub title: String,
    pub select: Select,
}

/// People by their tags; empty: everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// One of these is enough; empty: none is needed.
    pub tags: Vec<String>,
    /// One of these is too many.
    pub not_tags: Vec<String>,
}

/// A part of a letter, with the items that it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionConfig {
    /// `None`: no heading.
    pub title: Option<String>,
    /// An emoji before the title, hidden from screen readers.
    pub mark: Option<String>,
    pub select: Select,
    /// Each item in one line, without summary and picture.
    pub lines: bool,
}

impl Newsletter {
    /// Where the page of this edition stands, under the site's address and under `publish.out`.
    pub fn online_path(&self, number: u64) -> Option<String> {
        let pattern = self.online.as_ref()?;
        Some(pattern.replace("{newsletter}", &self.name).replace("{number}", &number.to_string()))
    }

    /// Where its archive begins below the address of whatever shows it; ends in `/`.
    pub fn archive_path(&self) -> String {
        let name = percent_encoding::utf8_percent_encode(&self.name, percent_encoding::NON_ALPHANUMERIC);
        format!("archive/{name}/").replace("%2D", "-").replace("%5F", "_")
    }

    /// Its archive in the web service. `None`: it has none there.
    pub fn archive_url(&self, web: &Web) -> Option<Url> {
        match self.archive {
            Archive::None => None,
            Archive::Public | Archive::Unlisted => web.url.as_ref()?.join(&self.archive_path()).ok(),
        }
    }

    /// Where a letter sends those who would rather read it in a browser: its page on the site, which needs no service, else
    /// its page in the service's archive.
    pub fn read_online(&self, site: &Url, web: &Web, number: u64) -> Option<Url> {
        match self.online_path(number) {
            Some(path) => site.join(&path).ok(),
            None => self.archive_url(web)?.join(&format!("{number}/")).ok(),
        }
    }
}

/// Who may read the letters that were sent, on the web.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Archive {
    /// Everybody, and search engines.
    Public,
    /// Whoever has the address.
    Unlisted,
    /// Nobody: the letters are in mailboxes alone.
    None,
}

/// What a letter may weigh, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeightBudget {
    /// The HTML part.
    pub html: usize,
    /// Its pictures together.
    pub pictures: u64,
}

impl Default for WeightBudget {
    fn default() -> Self {
        WeightBudget { html: 80_000, pictures: 300_000 }
    }
}

/// A name and an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    pub name: Option<String>,
    pub address: String,
}

/// Who stands in the ledger for the machine that an edition is handed over to: nobody's address.
const MACHINE: &str = "handed-over@machine.invalid";

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The recipients in the database that belong to this newsletter.
    Recipients,
    /// List mode: one letter to one address, a list server's.
    Address(String),
    /// A CSV file, relative to `root`.
    File(String),
    /// Personal letters whose people another machine knows: each edition is a file in this folder, relative to `root`.
    HandOver(String),
}

impl Audience {
    /// List mode carries no personal stamp and no List-* header of ours.
    pub fn is_list(&self) -> bool {
        matches!(self, Audience::Address(_))
    }

    /// Nobody's name or address is needed here to send it: the list is a list server's, or another machine's.
    pub fn knows_nobody(&self) -> bool {
        self.one_address().is_some()
    }

    /// The one address that stands in the ledger where nobody is known: the list's, or that of the machine that has the list.
    pub fn one_address(&self) -> Option<&str> {
        match self {
            Audience::Address(address) => Some(address),
            Audience::HandOver(_) => Some(MACHINE),
            Audience::Recipients | Audience::File(_) => None,
        }
    }
}

/// The way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leave {
    /// The web service's page and RFC 8058.
    Web,
    /// A letter to this address with a signed token in its subject.
    Mailto(String),
    /// The list server sees to it.
    List,
    /// Any other address (`https://…`) that works without us.
    Url(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// A cron expression, in the site's zone, as written and checked.
    Cron(String),
    /// A letter an item, oldest first.
    EachItem,
    /// Whatever is new at each `run`, in one letter: somebody else's clock decides.
    EachRun,
    /// Only by `send`.
    Manual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    Send,
    Skip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backlog {
    Skip,
    Announce,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approve {
    No,
    Yes,
    File,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Images {
    Hosted,
    Embedded,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUncertain {
    Resend,
    Hold,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::samples::newsletter;

    #[test]
    fn a_letter_leads_to_its_page_on_the_site_else_to_the_service() {
        let site: Url = "https://www.example.org/".parse().expect("an address");
        let url = |text: &str| text.parse::<Url>().ok();
        let web = |address: &str| Web { url: url(address), ..crate::digest::samples::config().web };
        let (service, none) = (web("https://lettre.example.org/x/"), web(""));
        let online = Some("l/{newsletter}/{number}.html".to_string());
        let with = |archive, online: &Option<String>| Newsletter {
            name: "les élus-2".into(),
            archive,
            online: online.clone(),
            ..newsletter()
        };
        let said = |letter: &Newsletter, web: &Web| letter.read_online(&site, web, 7).map(String::from);
        let archive = "https://lettre.example.org/x/archive/les%20%C3%A9lus-2/";
        let public = with(Archive::Public, &online);
        assert_eq!(said(&public, &service).as_deref(), Some("https://www.example.org/l/les%20%C3%A9lus-2/7.html"));
        assert_eq!(public.archive_url(&service).map(String::from).as_deref(), Some(archive));
        assert_eq!(public.archive_url(&none), None);
        let unlisted = with(Archive::Unlisted, &None);
        assert_eq!(said(&unlisted, &service), Some(format!("{archive}7/")));
        assert_eq!(said(&unlisted, &none), None);
        let closed = with(Archive::None, &None);
        assert_eq!((said(&closed, &service), closed.archive_url(&service)), (None, None));
    }
}
