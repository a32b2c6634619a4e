//! `/status`, the operator's page, and `/metrics`, the same in numbers for Prometheus: who may see them, and when they are made
//! anew.
//!
//! Whoever asks shows the operator's token (`Authorization: Bearer TOKEN`, or as the last part of the path) and, unless
//! `web.status: open` says otherwise, asks on this machine itself. Without a token nobody sees anything, on this machine either:
//! behind a reverse proxy that says nothing of whom it speaks for, everybody seems to be here.
//!
//! Promises: to anybody else these addresses are like any other at which there is nothing; tokens are compared in constant
//! time; what came through a proxy that says so is not from here, whatever it says. However often it is asked for, the database is
//! read no more than a tenth of the time.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use hyper::header::{self, HeaderMap};
use serde_json::json;
use tokio::sync::Mutex;

use super::answer::{self, Answer};
use super::page::Frame;
use super::stores::NoAnswer;
use super::words::Words;
use super::{Service, metrics};
use crate::config::Watching;
use crate::mail::token;
use crate::status::{self, Moves, Rows};

/// What was read lately serves at least so long, and ten times as long as the reading took.
const FRESH: Duration = Duration::from_secs(3);
/// Everything, the replies and the sums of old editions too, is read anew after so long, or twenty times as long as that takes.
const WHOLE: Duration = Duration::from_secs(60);
/// What a proxy adds to a request.
const PROXIES: [&str; 5] = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/// What was read last.
#[derive(Default)]
pub struct Read(Mutex<Option<Lately>>);

struct Lately {
    rows: Arc<Rows>,
    /// When, and how long it took; of the last reading, and of the last one of everything.
    last: (Instant, Duration),
    whole: (Instant, Duration),
}

/// Whether what was read then is old, if it is to be read no more than a part of the time.
fn is_old((at, cost): (Instant, Duration), least: Duration, part: u32) -> bool {
    at.elapsed() >= least.max(cost * part)
}

/// What the operator asks for; `None`: nothing of this, or by somebody who must not know that it is here.
pub async fn answer(
    service: &Arc<Service>,
    (path, query): (&str, Option<&str>),
    peer: Option<&SocketAddr>,
    headers: &HeaderMap,
) -> Option<Answer> {
    let (what, token) = path.split_once('/').unwrap_or((path, ""));
    if !matches!(what, "status" | "metrics") || !may_see(service, token, peer, headers) {
        return None;
    }
    let rows = match rows(service).await {
        Ok(rows) => Some(rows),
        Err(words) => {
            (service.log)(&format!("how things stand cannot be told: {words}"));
            None
        }
    };
    let mut answered = match (what, rows) {
        ("metrics", rows) => {
            answer::of(StatusCode::OK, metrics::MEDIA_TYPE, metrics::text(&service.counts, rows.as_deref()))
        }
        (_, Some(rows)) => page(service, &rows, query),
        (_, None) => answer::line(StatusCode::SERVICE_UNAVAILABLE, "The database does not answer.\n"),
    };
    answer::set(&mut answered, header::CACHE_CONTROL, "private, no-store");
    Some(answered)
}

fn may_see(service: &Service, token: &str, peer: Option<&SocketAddr>, headers: &HeaderMap) -> bool {
    let is_here = || {
        let came_through_a_proxy = PROXIES.iter().any(|name| headers.contains_key(*name));
        !came_through_a_proxy && peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback())
    };
    let allowed = match service.config.web.status {
        Watching::None => false,
        Watching::Loopback => is_here(),
        Watching::Open => true,
    };
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let shown = if token.is_empty() { bearer.unwrap_or_default() } else { token };
    // Looked at in each case.
    token::is_status(&service.secrets, shown) && allowed
}

async fn rows(service: &Arc<Service>) -> Result<Arc<Rows>, NoAnswer> {
    let mut read = service.read.0.lock().await;
    if let Some(lately) = &*read
        && !is_old(lately.last, FRESH, 10)
    {
        return Ok(lately.rows.clone());
    }
    let before = read.as_ref().filter(|lately| !is_old(lately.whole, WHOLE, 20));
    let known = before.map(|lately| lately.rows.clone());
    let began = Instant::now();
    let (reading, now) = (service.clone(), service.clock.now());
    let rows = service
        .stores
        .with(move |store| {
            let (reading, known) = (reading.clone(), known.clone());
            Box::pin(async move {
                match known {
                    Some(known) => known.again(store, now).await,
                    None => Rows::read(store, &reading.config, now).await,
                }
            })
        })
        .await?;
    let (rows, last) = (Arc::new(rows), (Instant::now(), began.elapsed()));
    let whole = before.map_or(last, |lately| lately.whole);
    *read = Some(Lately { rows: rows.clone(), last, whole });
    Ok(rows)
}

/// The page. That it moves is said in a field of the header, and a link on it stops it: who reads it slowly, or by ear, must not
/// be interrupted.
fn page(service: &Service, rows: &Rows, query: Option<&str>) -> Answer {
    let moves = if query == Some("still") { Moves::Stopped } else { Moves::ByItself };
    let page = status::page(rows, moves);
    let words = Words::of(page.language);
    let frame = Frame { words: &words, site: &service.config.site.title, base: service.base() };
    let parts = json!({ "title": page.title, "content": page.content, "style": "status.css", "wide": true });
    let mut answered = answer::page(StatusCode::OK, service.page.fill_in("status", &frame, json!({}), parts));
    if let Some(seconds) = page.refresh {
        answered.headers_mut().insert(header::REFRESH, seconds.into());
    }
    answered
}
