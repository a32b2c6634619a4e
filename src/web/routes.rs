//! What is at an address.
//!
//! Behind a proxy the service may lie below a path (that of `web.url`), whether or not the proxy takes it away: both are
//! understood, and pages name the whole one.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, StatusCode};
use tokio::time::timeout;

use super::answer::{self, Answer};
use super::conditions::{self, Coding, Part};
use super::form::Form;
use super::kept::Content;
use super::page::{ICON, STYLE};
use super::published::Kind;
use super::{Service, archive, client, confirm, counts, leave, manage, moving, status, subscribe};
use crate::mail::way_out;

/// Of a POST: nobody has more to say.
const BODY: usize = 64 * 1024;
/// How long a body may take to come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers one request.
pub async fn answer(service: Arc<Service>, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let path = head.uri.path();
    let below = path.strip_prefix(service.base()).or_else(|| path.strip_prefix('/'));
    let kind = counts::Kind::of(&service, below.unwrap_or(path));
    let is_head = head.method == Method::HEAD;
    // Feeds are most of what is asked for. All else is put aside in a box: its states are kilobytes, which would be moved
    // with each request.
    let answered = match (below, &head.method) {
        (None, _) => answer::nothing_here(),
        (Some(path), &Method::GET | &Method::HEAD) if kind == counts::Kind::Feed => {
            file(&service, path, &head.headers).await
        }
        (Some(path), &Method::GET | &Method::HEAD) => Box::pin(get(&service, path, &head)).await,
        (Some(path), &Method::POST) => Box::pin(post(&service, path, &head, body)).await,
        _ => answer::not_so("GET, HEAD"),
    };
    let answered = answer::finish(answered);
    let answered = if is_head { answer::without_body(answered) } else { answered };
    service.counts.answered(kind, &answered);
    if kind == counts::Kind::Feed && matches!(answered.status(), StatusCode::OK | StatusCode::NOT_MODIFIED) {
        service.counts.readers.saw(below.unwrap_or(path), &head.headers);
    }
    answered
}

/// What was posted, read to its end.
pub struct Posted<'a> {
    head: &'a Parts,
    body: Bytes,
}

impl Posted<'_> {
    /// The form that it is.
    pub fn form(&self) -> Form {
        let media_type = self.head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        Form::read(media_type.unwrap_or_default(), &self.body)
    }

    /// The address of whoever sent it.
    pub fn client(&self, service: &Service) -> IpAddr {
        let peer = self.head.extensions.get::<SocketAddr>().map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), SocketAddr::ip);
        client::address(peer, &self.head.headers, &service.config.web.trusted_proxies)
    }
}

async fn read(body: Incoming) -> Result<Bytes, Answer> {
    match timeout(PATIENCE, Limited::new(body, BODY).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => Err(answer::line(StatusCode::PAYLOAD_TOO_LARGE, "Too much.\n")),
        Err(_) => Err(answer::line(StatusCode::REQUEST_TIMEOUT, "Too late.\n")),
    }
}

async fn get(service: &Arc<Service>, path: &str, head: &Parts) -> Answer {
    let (query, headers) = (head.uri.query(), &head.headers);
    if let Some(answered) = status::answer(service, (path, query), head.extensions.get(), headers).await {
        return answered;
    }
    match path {
        "" => service.home.answer(service).await,
        "healthz" => answer::line(StatusCode::OK, "ok\n"),
        "readyz" => ready(service, query).await,
        "web.css" => part_of_pages("text/css; charset=utf-8", STYLE, headers),
        "status.css" => part_of_pages("text/css; charset=utf-8", crate::status::STYLE, headers),
        "web.svg" => part_of_pages("image/svg+xml", ICON, headers),
        "robots.txt" => answer::line(
            StatusCode::OK,
            "User-agent: *\nDisallow: /leave/\nDisallow: /back/\nDisallow: /confirm/\nDisallow: /manage\nDisallow: /move/\n",
        ),
        "subscribe" => subscribe::list(service).await,
        "manage" => manage::form(service),
        _ => match path.split_once('/') {
            Some(("subscribe", newsletter)) => subscribe::form(service, newsletter).await,
            Some(("confirm", token)) => confirm::ask(service, token).await,
            Some(("move", token)) => moving::show(service, token).await,
            Some(("manage", token)) => match token.split_once('/') {
                None => manage::show(service, token).await,
                Some((token, "data.json")) => manage::data(service, token).await,
                Some((token, "erase")) => manage::ask_to_erase(service, token).await,
                Some(_) => answer::nothing_here(),
            },
            Some(("leave", token)) => leave::ask(service, token).await,
            Some(("back", token)) => leave::ask_back(service, token).await,
            Some(("archive", path)) => archive::served::answer(service, path, headers).await,
            None if path == "archive" => archive::served::moved(service, ""),
            _ => file(service, path, headers).await,
        },
    }
}

/// Of tokens, the address says all: what was posted is not looked at.
async fn post(service: &Arc<Service>, path: &str, head: &Parts, body: Incoming) -> Answer {
    let posted = match read(body).await {
        Ok(body) => &Posted { head, body },
        Err(refused) => return refused,
    };
    match path.split_once('/') {
        Some(("subscribe", newsletter)) => subscribe::ask(service, newsletter, posted).await,
        Some(("confirm", token)) => confirm::confirm(service, token).await,
        Some(("move", token)) => moving::act(service, token).await,
        Some(("manage", token)) => match token.strip_suffix("/erase") {
            None => manage::act(service, token, posted).await,
            Some(token) => manage::erase(service, token).await,
        },
        None if path == "manage" => manage::ask(service, posted).await,
        Some(("leave", token)) => leave::leave(service, token).await,
        Some(("back", token)) => leave::come_back(service, token).await,
        _ => answer::not_so("GET, HEAD"),
    }
}

/// Whether people could leave now. To a question (`?proof=…`) it also proves that it holds the project's key.
async fn ready(service: &Service, query: Option<&str>) -> Answer {
    let looked = service.stores.with(|store| Box::pin(store.newsletter_names())).await;
    if let Err(error) = looked {
        (service.log)(&format!("not ready: {error}"));
        return answer::line(StatusCode::SERVICE_UNAVAILABLE, "not ready\n");
    }
    let proof = query
        .and_then(|query| query.strip_prefix("proof="))
        .and_then(|asked| way_out::proof(&service.secrets, asked));
    let words = proof.map_or_else(|| "ready\n".to_string(), |proof| format!("ready {proof}\n"));
    answer::of(StatusCode::OK, "text/plain; charset=utf-8", words)
}

/// A part of the pages, compiled in.
pub fn part_of_pages(media_type: &'static str, text: &'static str, headers: &HeaderMap) -> Answer {
    let etag = format!("\"{}\"", &blake3::hash(text.as_bytes()).to_hex()[..32]);
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|held| held.as_bytes() == etag.as_bytes());
    let (status, text) = if known { (StatusCode::NOT_MODIFIED, "") } else { (StatusCode::OK, text) };
    let mut answered = answer::of(status, media_type, text);
    answer::set(&mut answered, header::CACHE_CONTROL, "public, max-age=3600");
    put(&mut answered, header::ETAG, &etag);
    answered
}

/// What headers hold is ASCII that we made; anything else is left out.
pub fn put(answered: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answered.headers_mut().insert(name, value);
    }
}

/// A published file.
async fn file(service: &Service, path: &str, headers: &HeaderMap) -> Answer {
    let Some((path, kind)) = service.published.find(path) else { return answer::nothing_here() };
    let (place, allowed) = (service.published.place(&path), || service.published.file(&path));
    let Ok(content) = service.kept.content(&place, kind.is_text(), allowed).await else {
        return answer::nothing_here();
    };
    let mut answered = contents(headers, &content, kind).await;
    if kind == Kind::Page {
        put(&mut answered, header::CONTENT_SECURITY_POLICY, &letter_policy(service, ""));
    }
    answered
}

/// The answer with a content, or a part of it, or with nothing where the asker has it.
pub async fn contents(headers: &HeaderMap, content: &Arc<Content>, kind: Kind) -> Answer {
    let length = content.bytes.len() as u64;
    let part = conditions::part(headers, length, &content.etags, content.modified);
    // A part is one of the plain bytes.
    let wanted = if part == Part::Whole { conditions::coding(headers) } else { Coding::Identity };
    let packed = content.packed(wanted).await;
    let coding = if packed.is_some() { wanted } else { Coding::Identity };

    let held = conditions::held(headers, &content.etags, coding);
    let not_modified = held.is_some() || conditions::is_as_old(headers, content.modified);
    let mut answered = match part {
        _ if not_modified => answer::of(StatusCode::NOT_MODIFIED, kind.media_type(), ""),
        Part::Whole => answer::of(StatusCode::OK, kind.media_type(), packed.unwrap_or_else(|| content.bytes.clone())),
        Part::Bytes(first, last) => {
            let bytes = content.bytes.slice(first as usize..=last as usize);
            let mut answered = answer::of(StatusCode::PARTIAL_CONTENT, kind.media_type(), bytes);
            put(&mut answered, header::CONTENT_RANGE, &format!("bytes {first}-{last}/{length}"));
            answered
        }
        Part::Beyond => {
            let mut answered = answer::line(StatusCode::RANGE_NOT_SATISFIABLE, "There is no such part.\n");
            put(&mut answered, header::CONTENT_RANGE, &format!("bytes */{length}"));
            return answered;
        }
    };
    answer::set(&mut answered, header::CACHE_CONTROL, kind.cache_control());
    answer::set(&mut answered, header::ACCEPT_RANGES, "bytes");
    let headers = answered.headers_mut();
    headers.insert(header::ETAG, held.unwrap_or(content.etags.packed(coding)).clone());
    headers.insert(header::LAST_MODIFIED, content.last_modified.clone());
    if kind.is_text() {
        answer::set(&mut answered, header::VARY, "Accept-Encoding");
    }
    if answered.status() == StatusCode::NOT_MODIFIED {
        answered.headers_mut().remove(header::CONTENT_TYPE);
    } else if let Some(name) = coding.name() {
        answer::set(&mut answered, header::CONTENT_ENCODING, name);
    }
    answered
}

/// A letter's page: its styles stand in its elements, as mail programs want them; its pictures are the site's. It can run
/// nothing, and send nothing. `styles`: where else styles may come from.
pub fn letter_policy(service: &Service, styles: &str) -> String {
    let site = service.config.site.url.origin().ascii_serialization();
    format!(
        "default-src 'none'; style-src {styles}'unsafe-inline'; img-src 'self' {site} https: data:; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'"
    )
}
