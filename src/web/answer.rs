//! An answer: its status, its body, and what every answer bears so that browsers do no more with it than they should.
//!
//! Promises: no cookie, no name of a server, nothing of what went wrong.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};

pub type Answer = Response<Full<Bytes>>;

/// Of the service's own pages: its style sheet, its forms, and nothing else.
pub const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// Of what is no page.
pub const NOTHING_POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// An answer with these bytes. A policy that somebody sets afterwards stands instead.
pub fn of(status: StatusCode, media_type: &'static str, bytes: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(bytes.into()));
    // Room for what nearly every answer bears, at once.
    answer.headers_mut().reserve(16);
    *answer.status_mut() = status;
    set(&mut answer, header::CONTENT_TYPE, media_type);
    set(&mut answer, header::CACHE_CONTROL, "no-store");
    answer
}

/// A page of ours.
pub fn page(status: StatusCode, html: String) -> Answer {
    let mut answer = of(status, "text/html; charset=utf-8", html);
    set(&mut answer, header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
    set(&mut answer, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(&mut answer, HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    answer
}

/// A line for machines.
pub fn line(status: StatusCode, words: &'static str) -> Answer {
    of(status, "text/plain; charset=utf-8", words)
}

pub fn nothing_here() -> Answer {
    line(StatusCode::NOT_FOUND, "There is nothing here.\n")
}

/// Another method is meant.
pub fn not_so(allowed: &'static str) -> Answer {
    let mut answer = line(StatusCode::METHOD_NOT_ALLOWED, "Not in this way.\n");
    set(&mut answer, header::ALLOW, allowed);
    answer
}

pub fn set(answer: &mut Answer, name: HeaderName, value: &'static str) {
    answer.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// What every answer bears, where it does not say otherwise itself.
pub fn finish(mut answer: Answer) -> Answer {
    let headers = answer.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, NOTHING_POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    answer
}

/// The same answer to a HEAD: as long, and without its body.
pub fn without_body(answer: Answer) -> Answer {
    use hyper::body::Body;
    let (mut head, body) = answer.into_parts();
    if let Some(length) = body.size_hint().exact()
        && head.status != StatusCode::NOT_MODIFIED
    {
        head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    Response::from_parts(head, Full::default())
}
