//! Any text as what a request says: its path names a file under the published folder or none, its range lies within the
//! file, and an ETag is known only when it is one of ours.
#![no_main]

use std::time::{Duration, SystemTime};

use crieur::web::conditions::{self, Coding, Etags, Part};
use crieur::web::published::Published;
use hyper::header::{self, HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;

mod project;

const FIELDS: [header::HeaderName; 5] =
    [header::RANGE, header::IF_RANGE, header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE, header::ACCEPT_ENCODING];

fuzz_target!(|input: (u16, &str)| {
    let (length, text) = input;
    let mut lines = text.split('\n');
    let published = Published::of(&project::project().config);
    if let Some((path, _)) = lines.next().and_then(|path| published.find(path)) {
        assert!(!path.contains(['\\', '\0']) && path.split('/').all(|part| !part.is_empty() && !part.starts_with('.')));
        assert!(published.place(&path).starts_with(published.folder()));
    }
    let mut headers = HeaderMap::new();
    for (number, line) in lines.enumerate() {
        if let Ok(value) = HeaderValue::from_bytes(line.as_bytes()) {
            headers.append(FIELDS[number % FIELDS.len()].clone(), value);
        }
    }
    let etags = Etags::of("0a1b");
    let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
    if let Part::Bytes(first, last) = conditions::part(&headers, u64::from(length), &etags, modified) {
        assert!(first <= last && last < u64::from(length));
    }
    let coding = conditions::coding(&headers);
    assert!(coding == Coding::Identity || headers.contains_key(header::ACCEPT_ENCODING));
    if conditions::held(&headers, &etags, coding).is_some() {
        let given = headers.get_all(header::IF_NONE_MATCH).iter();
        let given: Vec<&str> = given.filter_map(|value| value.to_str().ok()).collect();
        assert!(given.iter().any(|value| value.contains('*') || value.contains("\"0a1b")));
        assert!(!conditions::is_as_old(&headers, modified));
    }
});
