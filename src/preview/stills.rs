//! `crieur digest --page`: the preview's pages as files, for people who look at a change before it is merged.
//!
//! Every address is relative, pictures lie beside: the folder can be served from anywhere, and asks search engines to leave
//! it out. `summary.md` says the same in short, for a comment on the change.
//!
//! BUGS: what an earlier call wrote and this one does not stays there.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};

use super::documents;
use super::memory::Memory;
use super::page::{self, Ask, Page, file_name, letter_name};
use super::reading::{Desk, Reading, Which};
use super::screenshot::{self, Chromium};
use super::sheet::Sheet;
use super::show::SHOWINGS;
use super::words::Words;
use super::{changes, markdown, summary};
use crate::config::Config;
use crate::problem::{Problem, Problems};
use crate::publish::write_if_changed;
use crate::published::{self, Against};

/// What was written.
#[derive(Debug, Default)]
pub struct Stills {
    /// The pages, relative to the folder.
    pub pages: Vec<String>,
    /// Pictures of letters, relative to the folder.
    pub screenshots: Vec<String>,
    /// Why there is no picture of a letter, or not all of them.
    pub without_screenshots: Option<String>,
    /// Of the published feeds.
    pub problems: Problems,
}

/// Why nothing could be written.
#[derive(Debug, thiserror::Error)]
pub enum StillsError {
    #[error("the project cannot be used")]
    Unusable(Problems),
    #[error("{path} cannot be written: {error}")]
    Write { path: PathBuf, error: io::Error },
}

/// Writes the pages of every newsletter's next letters into `folder`, or of the one that is named. `problems` are the
/// configuration's own. The feeds are compared with those of `against`; `None`: with those that lie where they are written, if
/// any.
pub fn write(
    config: Config,
    problems: Problems,
    only: Option<&str>,
    folder: &Path,
    against: Option<&Against>,
    chromium: Option<&Chromium>,
    now: DateTime<Utc>,
) -> Result<Stills, StillsError> {
    let unusable = |message: String| StillsError::Unusable(Problems(vec![Problem::error("database", message)]));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| unusable(error.to_string()))?;
    let memory = runtime.block_on(Memory::read(&config)).map_err(|error| unusable(error.to_string()))?;
    let desk = Reading::new(1, Ok((config, problems)), Ok(memory), now).desk.map_err(StillsError::Unusable)?;
    Writer { desk: &desk, folder, stills: Stills::default() }.everything(only, against, chromium)
}

struct Writer<'a> {
    desk: &'a Desk,
    folder: &'a Path,
    stills: Stills,
}

impl Writer<'_> {
    fn everything(
        mut self,
        only: Option<&str>,
        against: Option<&Against>,
        chromium: Option<&Chromium>,
    ) -> Result<Stills, StillsError> {
        let desk = self.desk;
        let words = Words::of(&desk.config().site.language);
        self.file("page/page.css", page::STYLE.as_bytes())?;
        self.file("page/page.js", page::SCRIPT.as_bytes())?;
        self.file("page/icon.svg", page::ICON.as_bytes())?;
        let template = Page::new();
        let mut text = format!("# {}\n", markdown::escaped(&words.say("summary_title", &[])));
        let chosen = desk.config().newsletters.iter().zip(&desk.newsletters);
        let chosen = chosen.filter(|(newsletter, _)| only.is_none_or(|name| newsletter.name == name));
        let mut first = true;
        for (newsletter, letters) in chosen {
            let sheets = letters.next.as_ref().map_or(&[] as &[Sheet], Vec::as_slice);
            for letter in 0..sheets.len().max(1) {
                let ask = Ask {
                    newsletter: Some(newsletter.name.clone()),
                    which: Which::Next,
                    letter,
                    live: None,
                    told: None,
                };
                let is_first = desk.config().newsletters.first().is_some_and(|one| one.name == newsletter.name);
                let name = file_name(&newsletter.name, letter, is_first);
                let html = template.of_desk(desk, &ask);
                self.page(&name, &html)?;
                if first && name != "index.html" {
                    self.page("index.html", &html)?;
                }
                first = false;
                if let Some(sheet) = sheets.get(letter) {
                    let files = format!("{}/{}", newsletter.name, letter_name(Which::Next, letter));
                    self.documents(sheet, &files, &words)?;
                    if let Some(chromium) = chromium {
                        self.draw(chromium, &files)?;
                    }
                }
                text.push_str(&summary::letter(desk, newsletter, letters, sheets.get(letter), &words));
            }
        }
        if first {
            let ask = Ask { newsletter: None, which: Which::Next, letter: 0, live: None, told: None };
            self.page("index.html", &template.of_desk(desk, &ask))?;
        }
        for feed in &desk.config().feeds {
            if let Some(document) = desk.feed_document(&feed.name, "../") {
                self.file(&format!("feed/{}.html", feed.name), document.as_bytes())?;
            }
        }
        for (name, content) in desk.pictures.all() {
            if let Ok(bytes) = content.read() {
                self.file(&format!("picture/{name}"), &bytes)?;
            }
        }
        text.push_str(&summary::site(desk, &words));
        text.push_str(&self.feeds(against, &words));
        self.file("summary.md", text.as_bytes())?;
        Ok(self.stills)
    }

    fn documents(&mut self, sheet: &Sheet, files: &str, words: &Words) -> Result<(), StillsError> {
        let language = &self.desk.config().site.language;
        for showing in SHOWINGS {
            let html = sheet.shown(showing, &self.desk.pictures, "../../../");
            let html = html.replacen("<head>", "<head><meta name=\"robots\" content=\"noindex, nofollow\">", 1);
            self.file(&format!("letter/{files}/{}.html", showing.name()), html.as_bytes())?;
        }
        self.file(&format!("letter/{files}.eml"), &sheet.eml)?;
        let text = documents::text(language, &sheet.subject, &sheet.text);
        self.file(&format!("text/{files}.html"), text.as_bytes())?;
        self.file(&format!("source/{files}.html"), documents::source(words, &sheet.eml, &sheet.html).as_bytes())
    }

    /// The letter's four pictures.
    fn draw(&mut self, chromium: &Chromium, files: &str) -> Result<(), StillsError> {
        // The frames name pictures beside: these must be there before.
        for (name, content) in self.desk.pictures.all() {
            if let Ok(bytes) = content.read() {
                self.file(&format!("picture/{name}"), &bytes)?;
            }
        }
        for (size, width) in [("wide", 640), ("narrow", 360)] {
            for scheme in ["light", "dark"] {
                let from = self.folder.join(format!("letter/{files}/{scheme}-with.html"));
                let name = format!("letter/{files}/{size}-{scheme}.png");
                match screenshot::draw(chromium, &from, width, &self.folder.join(&name)) {
                    Ok(()) => self.stills.screenshots.push(name),
                    Err(error) => self.stills.without_screenshots = Some(error.to_string()),
                }
            }
        }
        Ok(())
    }

    /// What subscribers of the feeds would see.
    fn feeds(&mut self, against: Option<&Against>, words: &Words) -> String {
        let config = self.desk.config();
        let here = Against::Folder(PathBuf::from(&config.publish.out));
        let (compared, problems) =
            published::compare(config, &self.desk.feeds, &self.desk.project.items, against.unwrap_or(&here));
        let unreadable = summary::errors(&problems.iter().collect::<Vec<_>>(), "summary_mend", words);
        self.stills.problems = problems;
        if unreadable.is_empty() && against.is_none() && compared.iter().all(|one| !one.published) {
            return String::new();
        }
        format!("\n{}{unreadable}", changes::markdown(&compared, &config.site.language))
    }

    fn page(&mut self, name: &str, html: &str) -> Result<(), StillsError> {
        self.file(name, html.as_bytes())?;
        self.stills.pages.push(name.to_string());
        Ok(())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> Result<(), StillsError> {
        let path = self.folder.join(name);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| write_if_changed(&path, bytes).map(|_| ()))
            .map_err(|error| StillsError::Write { path, error })
    }
}
