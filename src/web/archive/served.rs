//! The archive in the web service.
//!
//! What went out is looked up in the database every twenty seconds at most, whoever asks; a page is made once, and again when a
//! next letter comes. Making one (reading the letter, packing its pictures anew) happens beside the threads that answer, one at a
//! time.
//!
//! Promises: an address that no page has costs no more than a look at what is known.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;
use url::Url;

use super::feed::{self, Part};
use super::letter::{Letter, headline};
use super::made::Made;
use super::pages::{self, Line};
use super::sent::{Neighbours, Sent, Source};
use super::{PARTS, Place, export};
use crate::config::{Archive, Config, Newsletter};
use crate::digest::{Escape, StampFields};
use crate::store::archive::SentEdition;
use crate::store::{Store, StoreError};
use crate::web::answer::{self, Answer};
use crate::web::kept::Content;
use crate::web::published::{self, Kind};
use crate::web::stores::NoAnswer;
use crate::web::{Service, leave, routes};

/// How long what went out is taken as known.
const FRESH: Duration = Duration::from_secs(20);

/// What is known and made.
#[derive(Default)]
pub struct Archives {
    sent: tokio::sync::Mutex<HashMap<String, (Instant, Arc<Sent>)>>,
    /// By edition, as long as it was composed at that moment.
    lines: Mutex<HashMap<i64, Line>>,
    /// The names of what stands beside a letter's page, by edition.
    beside: Mutex<HashMap<i64, Arc<Vec<String>>>>,
    made: Made,
    /// One at a time: making takes a processor.
    making: tokio::sync::Mutex<()>,
}

/// What an address names.
enum Asked<'a> {
    Index,
    List(&'a Newsletter, usize),
    Feed(&'a Newsletter, Part),
    Letter(&'a Newsletter, i64),
    Picture(&'a Newsletter, i64, &'a str),
    /// The address lacks its last `/`.
    Moved,
}

/// What cannot be answered: the database is away, or holds what cannot be read.
type Answered<T> = Result<T, NoAnswer>;
/// `None`: there is no such page.
type Found = Answered<Option<Arc<Content>>>;

/// Answers what lies below `archive/`.
pub async fn answer(service: &Arc<Service>, path: &str, headers: &HeaderMap) -> Answer {
    if let Some((name, text)) = PARTS.iter().find(|(name, _)| *name == path) {
        let media_type = if name.ends_with(".svg") { "image/svg+xml" } else { "text/css; charset=utf-8" };
        return routes::part_of_pages(media_type, text, headers);
    }
    let Ok(decoded) = percent_decode_str(path).decode_utf8() else { return answer::nothing_here() };
    let Some(asked) = asked(&service.config, &decoded) else { return answer::nothing_here() };
    let newsletter = match &asked {
        Asked::Moved => return moved(service, path),
        Asked::Index => None,
        Asked::List(of, _) | Asked::Feed(of, _) | Asked::Letter(of, _) | Asked::Picture(of, ..) => Some(*of),
    };
    let kind = match &asked {
        Asked::Feed(..) => Kind::Atom,
        Asked::Picture(.., name) => picture(name).unwrap_or(Kind::Png),
        _ => Kind::Archive,
    };
    let content = match content(service, &asked, &decoded).await {
        Ok(Some(content)) => content,
        Ok(None) => return answer::nothing_here(),
        Err(error) => return leave::broken(service, &error),
    };
    let mut answered = routes::contents(headers, &content, kind).await;
    if kind == Kind::Archive {
        let policy = match asked {
            Asked::Letter(..) => routes::letter_policy(service, "'self' "),
            _ => answer::PAGE_POLICY.to_string(),
        };
        routes::put(&mut answered, header::CONTENT_SECURITY_POLICY, &policy);
    }
    if newsletter.is_some_and(|newsletter| newsletter.archive == Archive::Unlisted) {
        answer::set(&mut answered, HeaderName::from_static("x-robots-tag"), "noindex");
    }
    answered
}

/// The same address with a `/` at its end.
pub fn moved(service: &Service, path: &str) -> Answer {
    let slash = if path.is_empty() { "" } else { "/" };
    let mut answered = answer::line(StatusCode::PERMANENT_REDIRECT, "It ends with a slash.\n");
    routes::put(&mut answered, header::LOCATION, &format!("{}archive/{path}{slash}", service.base()));
    answer::set(&mut answered, header::CACHE_CONTROL, "public, max-age=300");
    answered
}

fn asked<'a>(config: &'a Config, path: &'a str) -> Option<Asked<'a>> {
    if path.is_empty() {
        return Some(Asked::Index);
    }
    let (name, rest) = path.split_once('/').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let newsletter = config.newsletters.iter().find(|one| one.name == name && one.archive != Archive::None)?;
    let Some(rest) = rest else { return Some(Asked::Moved) };
    let number = |text: &str| {
        let number: i64 = text.parse().ok()?;
        (number >= 0 && number.to_string() == text).then_some(number)
    };
    let page = |text: &str| {
        let page: usize = text.strip_prefix("page-")?.parse().ok()?;
        (page > 1 && format!("page-{page}") == text).then_some(page)
    };
    if rest.is_empty() {
        return Some(Asked::List(newsletter, 1));
    }
    if let Some(part) = Part::of(rest) {
        return Some(Asked::Feed(newsletter, part));
    }
    match rest.split_once('/') {
        None => (number(rest).is_some() || page(rest).is_some()).then_some(Asked::Moved),
        Some((folder, "")) => match (number(folder), page(folder)) {
            (Some(number), _) => Some(Asked::Letter(newsletter, number)),
            (None, Some(page)) => Some(Asked::List(newsletter, page)),
            (None, None) => None,
        },
        Some((folder, name)) => {
            picture(name)?;
            Some(Asked::Picture(newsletter, number(folder)?, name))
        }
    }
}

fn picture(name: &str) -> Option<Kind> {
    match name.rsplit_once('.')? {
        (_, "webp") => Some(Kind::Webp),
        (_, ending) => published::picture(ending),
    }
}

/// The content at an address; `None`: there is none.
async fn content(service: &Arc<Service>, asked: &Asked<'_>, path: &str) -> Found {
    match asked {
        Asked::Moved => Ok(None),
        Asked::Index => index(service, path).await,
        Asked::List(newsletter, page) => list(service, newsletter, *page, path).await,
        Asked::Feed(newsletter, part) => a_feed(service, newsletter, *part, path).await,
        Asked::Letter(newsletter, number) => {
            let sent = sent(service, newsletter).await?;
            let Some((edition, near)) = sent.find(*number) else { return Ok(None) };
            a_letter(service, newsletter, edition, near, path).await
        }
        Asked::Picture(newsletter, number, name) => {
            let sent = sent(service, newsletter).await?;
            let Some((edition, near)) = sent.find(*number) else { return Ok(None) };
            let from = version(edition);
            if let Some(content) = service.archive.made.get(path, &from) {
                return Ok(Some(content));
            }
            let known = locked(&service.archive.beside).get(&edition.id).cloned();
            if known.is_some_and(|known| known.iter().all(|known| known != name)) {
                return Ok(None);
            }
            let folder = path.strip_suffix(name).unwrap_or(path);
            make_letter(service, newsletter, (edition, near), folder, (path, &from)).await
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a letter's page, or a picture, is made from.
fn version(edition: &SentEdition) -> String {
    format!("{} {}", edition.id, edition.composed.timestamp())
}

fn version_of_list(sent: &Sent) -> String {
    let mut hasher = blake3::Hasher::new();
    for edition in &sent.0 {
        hasher.update(format!("{} {};", edition.number, version(edition)).as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

fn moment(edition: Option<&SentEdition>) -> SystemTime {
    edition.map_or(SystemTime::UNIX_EPOCH, |edition| edition.composed.into())
}

/// What went out of a newsletter.
async fn sent(service: &Service, newsletter: &Newsletter) -> Answered<Arc<Sent>> {
    let mut known = service.archive.sent.lock().await;
    if let Some((at, sent)) = known.get(&newsletter.name)
        && at.elapsed() < FRESH
    {
        return Ok(sent.clone());
    }
    let name = newsletter.name.clone();
    let read = service
        .stores
        .with(move |store| {
            let name = name.clone();
            Box::pin(async move { Sent::read(store, &name).await })
        })
        .await?;
    let sent = Arc::new(read);
    known.insert(newsletter.name.clone(), (Instant::now(), sent.clone()));
    Ok(sent)
}

/// What a letter is made of.
async fn source(service: &Service, edition: &SentEdition, with_pictures: bool) -> Answered<Option<Source>> {
    let edition = edition.clone();
    service
        .stores
        .with(move |store: &mut Store| {
            let edition = edition.clone();
            Box::pin(async move { Source::read(store, &edition, with_pictures).await })
        })
        .await
}

/// Makes something beside the threads that answer.
async fn beside<T: Send + 'static>(
    service: &Arc<Service>,
    make: impl FnOnce(&Place<'_>) -> T + Send + 'static,
) -> Answered<T> {
    let service = service.clone();
    let made = tokio::task::spawn_blocking(move || make(&place(&service))).await;
    made.map_err(|error| NoAnswer::Store(StoreError::Content(error.to_string())))
}

/// Where the service's archive stands: below its address, else below the site's, for who reads the feed must have one.
fn place(service: &Service) -> Place<'_> {
    let config = &service.config;
    let url: &Url = config.web.url.as_ref().unwrap_or(&config.site.url);
    let root = url.join("archive/").unwrap_or_else(|_| url.clone());
    Place { config, page: &service.page, root, home: None }
}

fn keep(
    service: &Service,
    path: &str,
    from: &str,
    bytes: Vec<u8>,
    modified: SystemTime,
    packs: bool,
) -> Arc<Content> {
    let content = Arc::new(Content::made(bytes, modified, packs));
    service.archive.made.put(path, from, &content);
    content
}

/// What was made of the same letters before, or what is made of them now. Many ask at once when a letter goes out: whoever
/// waited takes what was made meanwhile.
async fn made(
    service: &Arc<Service>,
    path: &str,
    from: &str,
    make: impl Future<Output = Answered<(String, SystemTime)>>,
) -> Found {
    if let Some(content) = service.archive.made.get(path, from) {
        return Ok(Some(content));
    }
    let _turn = service.archive.making.lock().await;
    if let Some(content) = service.archive.made.get(path, from) {
        return Ok(Some(content));
    }
    let (text, modified) = make.await?;
    Ok(Some(keep(service, path, from, text.into_bytes(), modified, true)))
}

async fn index(service: &Arc<Service>, path: &str) -> Found {
    let mut all = Vec::new();
    for newsletter in super::public(&service.config) {
        let sent = sent(service, newsletter).await?;
        if !sent.0.is_empty() {
            all.push((newsletter, Sent::clone(&sent)));
        }
    }
    let from = all.iter().map(|(_, sent)| version_of_list(sent)).collect::<String>();
    let make = async {
        let last = all.iter().filter_map(|(_, sent)| sent.last()).map(|last| moment(Some(last))).max();
        Ok((pages::index(&place(service), &all), last.unwrap_or(SystemTime::UNIX_EPOCH)))
    };
    made(service, path, &from, make).await
}

async fn list(service: &Arc<Service>, newsletter: &Newsletter, page: usize, path: &str) -> Found {
    let sent = sent(service, newsletter).await?;
    let Some(editions) = pages::on_page(&sent, page) else { return Ok(None) };
    let make = async {
        let mut lines = Vec::new();
        for edition in editions {
            let known = locked(&service.archive.lines).get(&edition.id).cloned();
            if let Some(line) = known.filter(|line| line.composed == edition.composed) {
                lines.push(line);
            } else if let Some(source) = source(service, edition, false).await? {
                let line = line(&source);
                locked(&service.archive.lines).insert(edition.id, line.clone());
                lines.push(line);
            }
        }
        Ok((pages::list(&place(service), newsletter, &sent, page, &lines), moment(sent.last())))
    };
    made(service, path, &version_of_list(&sent), make).await
}

/// What a list says of a letter.
pub(super) fn line(source: &Source) -> Line {
    let subject = source.variant.subject.fill(&StampFields::default(), Escape::None);
    Line {
        number: source.edition.number,
        composed: source.edition.composed,
        subject: subject.split_whitespace().collect::<Vec<_>>().join(" "),
        headline: headline(source),
        language: source.variant.language.clone(),
    }
}

async fn a_feed(service: &Arc<Service>, newsletter: &Newsletter, part: Part, path: &str) -> Found {
    let sent = sent(service, newsletter).await?;
    let Some(editions) = part.letters(&sent) else { return Ok(None) };
    let make = async {
        let last = moment(editions.first().copied());
        let mut sources = Vec::new();
        for edition in editions {
            sources.extend(source(service, edition, false).await?);
        }
        let (newsletter, all) = (newsletter.clone(), sent.clone());
        let text = beside(service, move |place| {
            let letters: Vec<(&SentEdition, Letter)> = sources
                .iter()
                .map(|source| (&source.edition, export::letter(place, &newsletter, source, &Default::default())))
                .collect();
            feed::write(place, &newsletter, &all, part, &letters)
        });
        Ok((text.await?, last))
    };
    made(service, path, &version_of_list(&sent), make).await
}

async fn a_letter(
    service: &Arc<Service>,
    newsletter: &Newsletter,
    edition: &SentEdition,
    near: Neighbours,
    path: &str,
) -> Found {
    let from = version_of_page(edition, near);
    match service.archive.made.get(path, &from) {
        Some(content) => Ok(Some(content)),
        None => make_letter(service, newsletter, (edition, near), path, (path, &from)).await,
    }
}

fn version_of_page(edition: &SentEdition, near: Neighbours) -> String {
    format!("{} {:?} {:?}", version(edition), near.previous, near.next)
}

/// Makes a letter's page and the pictures beside it; `path` is the page's, `wanted` which of them is asked for, and what it is
/// made from.
async fn make_letter(
    service: &Arc<Service>,
    newsletter: &Newsletter,
    (edition, near): (&SentEdition, Neighbours),
    path: &str,
    wanted: (&str, &str),
) -> Found {
    let _turn = service.archive.making.lock().await;
    if let Some(content) = service.archive.made.get(wanted.0, wanted.1) {
        return Ok(Some(content));
    }
    let from = version_of_page(edition, near);
    let Some(source) = source(service, edition, true).await? else { return Ok(None) };
    let (newsletter, of) = (newsletter.clone(), edition.clone());
    let (html, files) = beside(service, move |place| {
        let files = export::pictures(&source);
        let letter = export::letter(place, &newsletter, &source, &files);
        (pages::letter(place, &newsletter, &of, near, &letter), files.all(source))
    })
    .await?;
    let names = files.iter().map(|(name, _)| name.clone()).collect();
    locked(&service.archive.beside).insert(edition.id, Arc::new(names));
    for (name, bytes) in files {
        keep(service, &format!("{path}{name}"), &version(edition), bytes, moment(Some(edition)), false);
    }
    let page = keep(service, path, &from, html.into_bytes(), moment(Some(edition)), true);
    Ok(if wanted.0 == path { Some(page) } else { service.archive.made.get(wanted.0, wanted.1) })
}
