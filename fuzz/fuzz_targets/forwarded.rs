//! Any text as what reverse proxies and strangers wrote: a peer that is no proxy of ours is the client itself, and whatever
//! a client writes first, the hop that our proxy adds is the one that counts.
#![no_main]

use std::net::IpAddr;

use crieur::config::Network;
use crieur::web::client;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

fn headers(fields: &[(&'static str, String)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.append(HeaderName::from_static(name), value);
        }
    }
    headers
}

fuzz_target!(|input: (u32, &str, &str)| {
    let (number, list, forwarded) = input;
    let trusted: Vec<Network> = ["127.0.0.1", "10.0.0.0/8"].iter().map(|text| text.parse().expect("a network")).collect();
    let (proxy, stranger): (IpAddr, IpAddr) = ([127, 0, 0, 1].into(), [203, 0, 113, 9].into());

    let both = headers(&[("x-forwarded-for", list.to_string()), ("forwarded", forwarded.to_string())]);
    assert_eq!(client::address(stranger, &both, &trusted), stranger);
    let behind = client::address(proxy, &both, &trusted);
    assert!(client::network(behind).contains(behind));

    // Who came to our proxy, as it says: added to the same field, or as another field of the same name.
    let real: IpAddr = number.to_be_bytes().into();
    if !trusted.iter().any(|network| network.contains(real)) {
        let list = HeaderValue::from_bytes(list.as_bytes()).map_or("", |_| list);
        let forwarded = HeaderValue::from_bytes(forwarded.as_bytes()).map_or("", |_| forwarded);
        for fields in [
            &[("x-forwarded-for", format!("{list}, {real}"))][..],
            &[("x-forwarded-for", list.to_string()), ("x-forwarded-for", real.to_string())],
            &[("forwarded", format!("{forwarded}, for={real};proto=https"))],
            &[("forwarded", forwarded.to_string()), ("forwarded", format!("for=\"{real}:4711\""))],
        ] {
            assert_eq!(client::address(proxy, &headers(fields), &trusted), real, "{fields:?}");
        }
    }
});
