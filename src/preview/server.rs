//! Serves the page on this machine, and nowhere else.
//!
//! Promises: it listens on loopback; a request that names another host is refused (another site's name that was made to
//! lead here shows nothing); a letter is sent only to a POST from the page itself, which alone knows this process's token;
//! no answer may be kept, framed or read by another site; nothing in a letter can run a script.
//!
//! BUGS: whoever else has an account on this machine can look at the page.

use std::convert::Infallible;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path as In, RawQuery, Request, State as With};
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, http};
use futures_util::stream;
use tokio::net::TcpListener;
use tokio::sync::watch;
use url::form_urlencoded;

use super::page::{self, Ask, Live, Page};
use super::pictures::media_type;
use super::reading::{Desk, Reading, Which};
use super::sheet::Sheet;
use super::show::Showing;
use super::words::Words;
use super::{copy, documents};
use crate::config::is_loopback;
use crate::mail::clock::Clock;

/// What all answers are made from.
pub struct Server {
    pub readings: watch::Receiver<Arc<Reading>>,
    pub page: Page,
    /// Only the page knows it.
    pub token: String,
    pub clock: Clock,
    /// Of the last reading that had one: a broken configuration keeps its page's language.
    pub language: std::sync::Mutex<String>,
}

/// Binds to loopback: port 0 is any.
pub async fn bind(port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await
}

/// Answers until the process ends.
pub async fn serve(listener: TcpListener, server: Server) -> std::io::Result<()> {
    let server = Arc::new(server);
    let routes = Router::new()
        .route("/", get(whole_page))
        .route("/page/page.css", get(|| async { plain("text/css; charset=utf-8", page::STYLE) }))
        .route("/page/page.js", get(|| async { plain("text/javascript; charset=utf-8", page::SCRIPT) }))
        .route("/page/icon.svg", get(|| async { plain("image/svg+xml", page::ICON) }))
        .route("/letter/{newsletter}/{letter}/{showing}", get(letter))
        .route("/letter/{newsletter}/{letter}", get(whole_letter))
        .route("/text/{newsletter}/{letter}", get(text))
        .route("/source/{newsletter}/{letter}", get(source))
        .route("/feed/{name}", get(feed))
        .route("/picture/{name}", get(picture))
        .route("/events", get(events))
        .route("/copy", post(send_copy))
        .layer(middleware::from_fn(guard))
        .with_state(server);
    axum::serve(listener, routes).await
}

/// Refuses what does not come to this machine by its own name, and says for all answers what browsers may do with them.
async fn guard(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    if !host.is_some_and(|host| is_this_machine(host, request.uri())) {
        return (StatusCode::MISDIRECTED_REQUEST, "this preview answers on 127.0.0.1 and localhost only\n")
            .into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut set = |name: http::HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(header::CACHE_CONTROL, "no-store");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(http::HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    response
}

fn is_this_machine(host: &str, _: &Uri) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    is_loopback(name)
}

const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
                           frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const FRAME_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; \
                            form-action 'none'; frame-ancestors 'self'";
const PICTURE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

fn plain(media_type: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, media_type)], text).into_response()
}

fn html(policy: &'static str, html: String) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, policy)];
    (headers, html).into_response()
}

fn not_here() -> Response {
    (StatusCode::NOT_FOUND, "there is nothing here now\n").into_response()
}

impl Server {
    fn reading(&self) -> Arc<Reading> {
        self.readings.borrow().clone()
    }

    fn render(&self, query: &str, told: Option<String>) -> String {
        let reading = self.reading();
        let mut ask = Ask {
            newsletter: None,
            which: Which::Next,
            letter: 0,
            live: Some(Live { version: reading.version, token: self.token.clone() }),
            told,
        };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "newsletter" => ask.newsletter = Some(value.into_owned()),
                "all" => ask.which = Which::All,
                "letter" => ask.letter = value.parse::<usize>().unwrap_or(1).saturating_sub(1),
                _ => {}
            }
        }
        let mut language = self.language.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match &reading.desk {
            Ok(desk) => {
                language.clone_from(&desk.config().site.language);
                self.page.of_desk(desk, &ask)
            }
            Err(problems) => self.page.of_problems(problems, &language, &ask),
        }
    }
}

async fn whole_page(With(server): With<Arc<Server>>, RawQuery(query): RawQuery) -> Response {
    html(PAGE_POLICY, server.render(query.as_deref().unwrap_or_default(), None))
}

/// The letter that an address names: `next-0` or `all-0` of a newsletter.
fn with_sheet(
    server: &Server,
    newsletter: &str,
    letter: &str,
    show: impl FnOnce(&Desk, &Sheet) -> Response,
) -> Response {
    let reading = server.reading();
    let Ok(desk) = &reading.desk else { return not_here() };
    let letter = letter.trim_end_matches(".html").trim_end_matches(".eml");
    let (which, number) = match letter.split_once('-') {
        Some(("next", number)) => (Which::Next, number),
        Some(("all", number)) => (Which::All, number),
        _ => return not_here(),
    };
    let Some((newsletter, letters)) = desk.newsletter(newsletter) else { return not_here() };
    let sheets = desk.sheets(newsletter, letters, which).as_ref().ok();
    let sheet = sheets.zip(number.parse::<usize>().ok()).and_then(|(sheets, number)| sheets.get(number));
    match sheet {
        Some(sheet) => show(desk, sheet),
        None => not_here(),
    }
}

async fn letter(
    With(server): With<Arc<Server>>,
    In((newsletter, letter, showing)): In<(String, String, String)>,
) -> Response {
    let Some(showing) = showing.strip_suffix(".html").and_then(Showing::parse) else { return not_here() };
    with_sheet(&server, &newsletter, &letter, |desk, sheet| {
        html(FRAME_POLICY, sheet.shown(showing, &desk.pictures, "../../../"))
    })
}

async fn whole_letter(With(server): With<Arc<Server>>, In((newsletter, letter)): In<(String, String)>) -> Response {
    with_sheet(&server, &newsletter, &letter, |_, sheet| {
        let headers = [
            (header::CONTENT_TYPE, "message/rfc822"),
            (header::CONTENT_DISPOSITION, "attachment; filename=\"letter.eml\""),
        ];
        (headers, sheet.eml.clone()).into_response()
    })
}

async fn text(With(server): With<Arc<Server>>, In((newsletter, letter)): In<(String, String)>) -> Response {
    with_sheet(&server, &newsletter, &letter, |desk, sheet| {
        html(FRAME_POLICY, documents::text(&desk.config().site.language, &sheet.subject, &sheet.text))
    })
}

async fn source(With(server): With<Arc<Server>>, In((newsletter, letter)): In<(String, String)>) -> Response {
    with_sheet(&server, &newsletter, &letter, |desk, sheet| {
        html(FRAME_POLICY, documents::source(&Words::of(&desk.config().site.language), &sheet.eml, &sheet.html))
    })
}

async fn feed(With(server): With<Arc<Server>>, In(name): In<String>) -> Response {
    let reading = server.reading();
    let Ok(desk) = &reading.desk else { return not_here() };
    match desk.feed_document(name.trim_end_matches(".html"), "../") {
        Some(document) => html(FRAME_POLICY, document),
        None => not_here(),
    }
}

async fn picture(With(server): With<Arc<Server>>, In(name): In<String>) -> Response {
    let reading = server.reading();
    let path = reading.desk.as_ref().ok().and_then(|desk| desk.pictures.content(&name));
    let Some(content) = path else { return not_here() };
    let media_type = media_type(std::path::Path::new(&name));
    match tokio::task::spawn_blocking(move || content.read()).await {
        Ok(Ok(bytes)) => {
            let headers = [(header::CONTENT_TYPE, media_type), (header::CONTENT_SECURITY_POLICY, PICTURE_POLICY)];
            (headers, bytes).into_response()
        }
        _ => not_here(),
    }
}

/// Tells the number of each reading, the present one first.
async fn events(With(server): With<Arc<Server>>) -> Response {
    let told = stream::unfold((server.readings.clone(), true), |(mut readings, first)| async move {
        if !first && readings.changed().await.is_err() {
            return None;
        }
        let version = readings.borrow_and_update().version;
        let event = Event::default().event("reading").data(version.to_string());
        Some((Ok::<_, Infallible>(event), (readings, false)))
    });
    Sse::new(told).keep_alive(KeepAlive::default()).into_response()
}

async fn send_copy(With(server): With<Arc<Server>>, headers: HeaderMap, body: Bytes) -> Response {
    let field = |wanted: &str| {
        form_urlencoded::parse(&body)
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.into_owned())
            .unwrap_or_default()
    };
    let reading = server.reading();
    let language = server.language.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
    let words = Words::of(&language);
    let newsletter = field("newsletter");
    let told = if !from_the_page(&headers) || field("token") != server.token {
        return answer(&server, &headers, StatusCode::FORBIDDEN, &newsletter, words.say("copy_stale", &[]));
    } else {
        let which = if field("which") == "all" { Which::All } else { Which::Next };
        let (letter, address) = (field("letter").parse().unwrap_or(0), field("address"));
        let (clock, newsletter) = (server.clock, newsletter.clone());
        // Reading keys and speaking SMTP must not keep the page waiting.
        let sending = tokio::task::spawn_blocking(move || {
            let Ok(desk) = &reading.desk else { return None };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            Some(runtime.block_on(copy::send(desk, &newsletter, which, letter, &address, clock)))
        });
        sending.await.ok().flatten()
    };
    match told {
        Some(told) => {
            let status = if told.sent { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
            answer(&server, &headers, status, &newsletter, told.words)
        }
        None => {
            answer(&server, &headers, StatusCode::UNPROCESSABLE_ENTITY, &newsletter, words.say("copy_nothing", &[]))
        }
    }
}

/// A browser says where a request comes from; only the page itself may ask.
fn from_the_page(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let same_site = text("sec-fetch-site").is_none_or(|site| site == "same-origin");
    let host = text("host").unwrap_or_default();
    same_site && text("origin").is_none_or(|origin| origin == format!("http://{host}"))
}

/// As JSON to the page's script, else as the page with the words in it.
fn answer(server: &Server, headers: &HeaderMap, status: StatusCode, newsletter: &str, told: String) -> Response {
    let json =
        headers.get(header::ACCEPT).is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("json")));
    if json {
        let body = serde_json::json!({ "told": told }).to_string();
        return (status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    }
    let query: String =
        form_urlencoded::Serializer::new(String::new()).append_pair("newsletter", newsletter).finish();
    (status, html(PAGE_POLICY, server.render(&query, Some(told)))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_own_names_are_answered() {
        let uri = Uri::from_static("/");
        for host in ["127.0.0.1:8844", "localhost", "localhost:80", "[::1]:8844", "127.0.0.1"] {
            assert!(is_this_machine(host, &uri), "{host}");
        }
        for host in
            ["example.org:8844", "127.0.0.1.example.org", "localhost.example.org:1", "", "[::2]:1", "10.0.0.1"]
        {
            assert!(!is_this_machine(host, &uri), "{host}");
        }
    }

    #[test]
    fn a_post_of_another_page_is_not_the_pages() {
        let headers = |origin: Option<&'static str>, site: Option<&'static str>| {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static("127.0.0.1:1"));
            if let Some(origin) = origin {
                headers.insert("origin", HeaderValue::from_static(origin));
            }
            if let Some(site) = site {
                headers.insert("sec-fetch-site", HeaderValue::from_static(site));
            }
            headers
        };
        assert!(from_the_page(&headers(Some("http://127.0.0.1:1"), Some("same-origin"))));
        assert!(from_the_page(&headers(None, None)));
        assert!(!from_the_page(&headers(Some("https://example.org"), None)));
        assert!(!from_the_page(&headers(Some("null"), None)));
        assert!(!from_the_page(&headers(None, Some("cross-site"))));
    }
}
