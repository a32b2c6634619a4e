//! What a request wants of a file: only if it changed, packed or not, a part of it (RFC 9110, sections 8.8, 12.5.3, 13, 14).
//!
//! Promises: If-None-Match stands before If-Modified-Since; a range counts only while the file is still the one it is a
//! part of; several ranges at once are answered with the whole.

use std::time::{Duration, SystemTime};

use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};

/// How a body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    Identity,
    Gzip,
    Brotli,
}

impl Coding {
    /// As Content-Encoding names it.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Coding::Identity => None,
            Coding::Gzip => Some("gzip"),
            Coding::Brotli => Some("br"),
        }
    }
}

/// The strong ETags of a content, whose bytes differ by how they are packed.
pub struct Etags([HeaderValue; 3]);

impl Etags {
    /// `hash`: of the content, in letters and digits.
    pub fn of(hash: &str) -> Etags {
        // Letters and digits always are a header's value.
        let value =
            |ending| HeaderValue::try_from(format!("\"{hash}{ending}\"")).unwrap_or(HeaderValue::from_static(""));
        Etags([value(""), value("-gzip"), value("-br")])
    }

    /// That of the content as it is packed.
    pub fn packed(&self, coding: Coding) -> &HeaderValue {
        match coding {
            Coding::Identity => &self.0[0],
            Coding::Gzip => &self.0[1],
            Coding::Brotli => &self.0[2],
        }
    }
}

/// A part of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Whole,
    /// The first byte and the last.
    Bytes(u64, u64),
    /// There is no such part.
    Beyond,
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The best packing that a request takes, Brotli before gzip where it likes both as much.
pub fn coding(headers: &HeaderMap) -> Coding {
    let mut brotli = None;
    let mut gzip = None;
    let mut any = None;
    let asked = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    for one in asked.flat_map(|value| value.split(',')) {
        let mut parts = one.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let weight: f32 = weight.map_or(1.0, |weight| weight.trim().parse().unwrap_or(0.0));
        match name.as_str() {
            "br" => brotli = Some(weight),
            "gzip" | "x-gzip" => gzip = Some(weight),
            "*" => any = Some(weight),
            _ => {}
        }
    }
    let brotli = brotli.or(any).unwrap_or(0.0);
    let gzip = gzip.or(any).unwrap_or(0.0);
    match () {
        () if brotli > 0.0 && brotli >= gzip => Coding::Brotli,
        () if gzip > 0.0 => Coding::Gzip,
        () => Coding::Identity,
    }
}

/// The ETag that the asker holds and that is still right, if it holds one: whichever packing it was given.
pub fn held<'a>(headers: &HeaderMap, etags: &'a Etags, now: Coding) -> Option<&'a HeaderValue> {
    let asked = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    // Weak comparison: proxies that pack what passes through make strong ETags weak.
    let given = asked.flat_map(|value| value.split(',')).map(|tag| tag.trim());
    let mut known = None;
    for tag in given {
        if tag == "*" || tag.trim_start_matches("W/") == etags.packed(now) {
            return Some(etags.packed(now));
        }
        known = known.or_else(|| etags.0.iter().find(|etag| *etag == tag.trim_start_matches("W/")));
    }
    known
}

/// Whether the asker's copy is still right, by the file's time alone: asked only without If-None-Match.
pub fn is_as_old(headers: &HeaderMap, modified: SystemTime) -> bool {
    if headers.contains_key(header::IF_NONE_MATCH) {
        return false;
    }
    let since = text(headers, header::IF_MODIFIED_SINCE).and_then(|text| httpdate::parse_http_date(text).ok());
    since.is_some_and(|since| whole_seconds(modified) <= since)
}

/// As HTTP's dates can say it.
pub fn whole_seconds(moment: SystemTime) -> SystemTime {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs())
}

/// The part that is wanted of a body of so many bytes, unpacked.
pub fn part(headers: &HeaderMap, length: u64, etags: &Etags, modified: SystemTime) -> Part {
    let Some(range) = text(headers, header::RANGE) else { return Part::Whole };
    if let Some(condition) = text(headers, header::IF_RANGE) {
        let is_etag = condition.starts_with('"') || condition.starts_with("W/");
        let holds = if is_etag {
            etags.packed(Coding::Identity) == condition
        } else {
            httpdate::parse_http_date(condition).is_ok_and(|since| since == whole_seconds(modified))
        };
        if !holds {
            return Part::Whole;
        }
    }
    let Some(range) = range.trim().strip_prefix("bytes=") else { return Part::Whole };
    let Some((first, last)) = range.trim().split_once('-') else { return Part::Whole };
    if range.contains(',') {
        return Part::Whole;
    }
    let number = |text: &str| match text {
        _ if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) => None,
        // One that no file has bytes for.
        _ => Some(text.parse::<u64>().unwrap_or(u64::MAX)),
    };
    match (first.is_empty(), number(first), last.is_empty(), number(last)) {
        (false, Some(first), true, _) if first < length => Part::Bytes(first, length - 1),
        (false, Some(first), false, Some(last)) if first <= last && first < length => {
            Part::Bytes(first, last.min(length - 1))
        }
        (false, Some(first), false, Some(last)) if first > last => Part::Whole,
        (false, Some(_), true, _) | (false, Some(_), false, Some(_)) => Part::Beyond,
        (true, _, false, Some(0)) => Part::Beyond,
        (true, _, false, Some(_)) if length == 0 => Part::Beyond,
        (true, _, false, Some(count)) => Part::Bytes(length - count.min(length), length - 1),
        _ => Part::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(name.clone(), value.parse().unwrap());
        }
        headers
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_asked_a_part_lies_within_the_file(text in "(bytes=)?[0-9,\\-+ a]{0,24}", length in 0u64..40) {
            let mut headers = HeaderMap::new();
            headers.insert(header::RANGE, text.parse().unwrap());
            if let Part::Bytes(first, last) = part(&headers, length, &Etags::of("a"), SystemTime::UNIX_EPOCH) {
                assert!(first <= last && last < length, "{text} of {length}: {first} to {last}");
            }
        }

        #[test]
        fn whatever_stands_in_a_header_is_no_reason_to_fail(bytes in proptest::collection::vec(32u8..=255, 0..40)) {
            let mut headers = HeaderMap::new();
            let Ok(value) = hyper::header::HeaderValue::from_bytes(&bytes) else { return Ok(()) };
            for name in [
                header::ACCEPT_ENCODING, header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::RANGE, header::IF_RANGE,
            ] {
                headers.insert(name, value.clone());
            }
            let _ = (coding(&headers), part(&headers, 10, &Etags::of("a"), SystemTime::UNIX_EPOCH));
            assert!(!is_as_old(&headers, SystemTime::UNIX_EPOCH));
            let etags = Etags::of("a");
            let held = held(&headers, &etags, Coding::Identity);
            assert!(held.is_none() || bytes.contains(&b'*') || bytes.contains(&b'a'));
        }
    }

    #[test]
    fn the_packing_is_the_one_that_the_asker_likes_best() {
        for (asked, coding_is) in [
            ("gzip, deflate, br", Coding::Brotli),
            ("gzip", Coding::Gzip),
            ("GZIP;q=0.5", Coding::Gzip),
            ("br;q=0.1, gzip;q=0.9", Coding::Gzip),
            ("br;q=0, gzip;q=0", Coding::Identity),
            ("*", Coding::Brotli),
            ("*, br;q=0", Coding::Gzip),
            ("identity", Coding::Identity),
            ("", Coding::Identity),
            ("gzip;q=x", Coding::Identity),
        ] {
            assert_eq!(coding(&headers(&[(header::ACCEPT_ENCODING, asked)])), coding_is, "{asked}");
        }
        assert_eq!(coding(&HeaderMap::new()), Coding::Identity);
    }

    #[test]
    fn what_the_asker_holds_is_known_by_its_etag_whatever_its_packing() {
        let etags = Etags::of("a");
        let with = |value, now| {
            let held = held(&headers(&[(header::IF_NONE_MATCH, value)]), &etags, now).cloned();
            held.map(|etag| etag.to_str().unwrap().to_string())
        };
        assert_eq!(with("\"a\"", Coding::Brotli).as_deref(), Some("\"a\""));
        assert_eq!(with("\"x\", W/\"a-gzip\"", Coding::Gzip).as_deref(), Some("\"a-gzip\""));
        assert_eq!(with("\"a\", \"a-br\"", Coding::Brotli).as_deref(), Some("\"a-br\""), "the one it would get");
        assert_eq!(with("*", Coding::Brotli).as_deref(), Some("\"a-br\""));
        for other in ["\"b\"", "a", "", "\"a-br-br\""] {
            assert_eq!(with(other, Coding::Identity), None, "{other}");
        }
        assert_eq!(held(&HeaderMap::new(), &etags, Coding::Identity), None);
    }

    #[test]
    fn a_time_counts_to_the_second_and_only_without_an_etag() {
        let modified = SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_777_900);
        let since = |value| headers(&[(header::IF_MODIFIED_SINCE, value)]);
        assert!(is_as_old(&since("Sun, 06 Nov 1994 08:49:37 GMT"), modified));
        assert!(is_as_old(&since("Sunday, 06-Nov-94 08:49:38 GMT"), modified));
        assert!(!is_as_old(&since("Sun, 06 Nov 1994 08:49:36 GMT"), modified));
        assert!(!is_as_old(&since("yesterday"), modified));
        let both = headers(&[
            (header::IF_NONE_MATCH, "\"b\""),
            (header::IF_MODIFIED_SINCE, "Sun, 06 Nov 1994 08:49:37 GMT"),
        ]);
        assert!(!is_as_old(&both, modified));
    }

    #[test]
    fn a_part_is_one_range_of_the_file_as_it_is_now() {
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let of = |range| part(&headers(&[(header::RANGE, range)]), 10, &Etags::of("a"), modified);
        for (range, is) in [
            ("bytes=0-3", Part::Bytes(0, 3)),
            ("bytes=4-", Part::Bytes(4, 9)),
            ("bytes=-3", Part::Bytes(7, 9)),
            ("bytes=-30", Part::Bytes(0, 9)),
            ("bytes=0-99999999999999999999999", Part::Bytes(0, 9)),
            ("bytes=9-9", Part::Bytes(9, 9)),
            ("bytes=10-", Part::Beyond),
            ("bytes=99999999999999999999999-", Part::Beyond),
            ("bytes=-0", Part::Beyond),
            ("bytes=5-2", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=+1-2", Part::Whole),
            ("bytes=-", Part::Whole),
            ("lines=0-1", Part::Whole),
        ] {
            assert_eq!(of(range), is, "{range}");
        }
        let only_if = |condition| {
            part(
                &headers(&[(header::RANGE, "bytes=0-3"), (header::IF_RANGE, condition)]),
                10,
                &Etags::of("a"),
                modified,
            )
        };
        assert_eq!(only_if("\"a\""), Part::Bytes(0, 3));
        assert_eq!(only_if("Sun, 06 Nov 1994 08:49:37 GMT"), Part::Bytes(0, 3));
        for other in ["\"b\"", "W/\"a\"", "\"a-gzip\"", "Sun, 06 Nov 1994 08:49:38 GMT"] {
            assert_eq!(only_if(other), Part::Whole, "{other}");
        }
        assert_eq!(part(&headers(&[(header::RANGE, "bytes=-3")]), 0, &Etags::of("a"), modified), Part::Beyond);
    }
}
