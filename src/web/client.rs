//! Who asks: the address of the client, and the network that counts for limits.
//!
//! The address is the peer's. Only where the peer is one of `web.trusted_proxies` does what it wrote count: the hops of
//! `X-Forwarded-For`, or of `Forwarded` (RFC 7239), from the right, as long as they are trusted too; the first that is not is
//! the client. What stands further left anybody can have written.
//!
//! Promises: whoever comes past the proxies is never another than the peer says. Where both fields are there and do
//! not agree, one of them is not the proxy's: neither counts, nor does a hop that is no address. The client is then the nearest
//! one that is certain, a proxy: such requests share one limit, and nobody chooses whose.
//!
//! BUGS: a trusted proxy that passes on what it was sent, and adds nothing, lets anybody be anyone.

use std::borrow::Cow;
use std::net::IpAddr;

use hyper::header::{HeaderMap, HeaderName};

use crate::config::Network;

/// More proxies in a row than this are nobody's.
const HOPS: usize = 32;
/// A household, an office, a server: behind one IPv4 address there are often many people, and its neighbours are strangers;
/// of IPv6 each of them is given 64 bits, and takes any address in there for each request.
const BITS: (u8, u8) = (32, 64);

/// The address of whoever asked.
pub fn address(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    if !is_trusted(client) {
        return client;
    }
    let (listed, forwarded) = (x_forwarded_for(headers), forwarded(headers));
    let hops = match (listed.is_empty(), forwarded.is_empty()) {
        (true, _) => forwarded,
        (false, true) => listed,
        (false, false) if listed == forwarded => listed,
        _ => return client,
    };
    for hop in hops.into_iter().rev().take(HOPS) {
        let Some(hop) = hop else { return client };
        client = hop;
        if !is_trusted(client) {
            break;
        }
    }
    client
}

/// What counts as one place for limits.
pub fn network(client: IpAddr) -> Network {
    let client = client.to_canonical();
    Network::around(client, if client.is_ipv4() { BITS.0 } else { BITS.1 })
}

/// The hops, the last proxy's at the end; `None`: one that is no address.
fn x_forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    values(headers, "x-forwarded-for").flat_map(|value| value.split(',').map(hop).collect::<Vec<_>>()).collect()
}

/// The same of RFC 7239's field. A comma in quotes is in none that a proxy writes, and makes hops that are no address.
fn forwarded(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let one = |element: &str| {
        let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
        hop(value.trim().trim_matches('"'))
    };
    values(headers, "forwarded").flat_map(|value| value.split(',').map(one).collect::<Vec<_>>()).collect()
}

fn values<'a>(headers: &'a HeaderMap, name: &'static str) -> impl Iterator<Item = Cow<'a, str>> {
    // What a stranger wrote that is no text makes their own hop no address, and leaves those that proxies added after it.
    headers.get_all(HeaderName::from_static(name)).iter().map(|value| String::from_utf8_lossy(value.as_bytes()))
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:4711`.
fn hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None => match text.split_once(':') {
            Some((address, port)) if !port.contains(':') => address,
            _ => text,
        },
    };
    address.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    fn of(peer: &str, fields: &[(&'static str, &str)]) -> String {
        let trusted: Vec<Network> =
            ["127.0.0.1", "10.0.0.0/8", "fd00::/8"].iter().map(|text| text.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        address(peer.parse().unwrap(), &headers, &trusted).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_up_to_the_first_that_is_not() {
        const LIST: &str = "x-forwarded-for";
        const NEW: &str = "forwarded";
        for (peer, fields, client) in [
            ("198.51.100.7", &[(LIST, "192.0.2.1")][..], "198.51.100.7"),
            ("198.51.100.7", &[(NEW, "for=192.0.2.1")], "198.51.100.7"),
            ("127.0.0.1", &[], "127.0.0.1"),
            ("127.0.0.1", &[(LIST, "192.0.2.1")], "192.0.2.1"),
            ("::ffff:127.0.0.1", &[(LIST, "192.0.2.1")], "192.0.2.1"),
            ("127.0.0.1", &[(LIST, "203.0.113.9, 192.0.2.1")], "192.0.2.1"),
            ("127.0.0.1", &[(LIST, "203.0.113.9, 192.0.2.1, 10.1.1.1")], "192.0.2.1"),
            ("127.0.0.1", &[(LIST, "203.0.113.9"), (LIST, "192.0.2.1,10.1.1.1")], "192.0.2.1"),
            ("127.0.0.1", &[(LIST, "10.2.2.2, 10.1.1.1")], "10.2.2.2"),
            ("127.0.0.1", &[(LIST, "192.0.2.1, unknown")], "127.0.0.1"),
            ("127.0.0.1", &[(LIST, "192.0.2.1, x, 10.1.1.1")], "10.1.1.1"),
            ("127.0.0.1", &[(LIST, "é, 192.0.2.1")], "192.0.2.1"),
            ("127.0.0.1", &[(NEW, "for=é, for=192.0.2.1;proto=https")], "192.0.2.1"),
            ("127.0.0.1", &[(LIST, "")], "127.0.0.1"),
            ("127.0.0.1", &[(LIST, "192.0.2.1:4711")], "192.0.2.1"),
            ("fd00::1", &[(LIST, "2001:db8::1")], "2001:db8::1"),
            ("fd00::1", &[(LIST, "[2001:db8::1]:4711")], "2001:db8::1"),
            ("127.0.0.1", &[(NEW, "for=203.0.113.9, for=\"[2001:db8::1]:4711\";proto=https")], "2001:db8::1"),
            ("127.0.0.1", &[(NEW, "proto=https; For=192.0.2.1")], "192.0.2.1"),
            ("127.0.0.1", &[(NEW, "for=_hidden")], "127.0.0.1"),
            ("127.0.0.1", &[(NEW, "for=192.0.2.1"), (LIST, "192.0.2.1")], "192.0.2.1"),
            ("127.0.0.1", &[(NEW, "for=192.0.2.1"), (LIST, "203.0.113.9")], "127.0.0.1"),
        ] {
            assert_eq!(of(peer, fields), client, "{peer} {fields:?}");
        }
    }

    #[test]
    fn a_household_is_one_network() {
        let network = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network("192.0.2.77"), "192.0.2.77/32");
        assert_eq!(network("::ffff:192.0.2.77"), "192.0.2.77/32");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::9"));
        assert_ne!(network("2001:db8:1:2::9"), network("2001:db8:1:3::9"));
    }

    proptest::proptest! {
        #[test]
        fn whatever_stands_there_somebody_asked(value in "[ -~]{0,200}", field in 0..2usize) {
            let name = ["x-forwarded-for", "forwarded"][field];
            assert_eq!(of("198.51.100.7", &[(name, &value)]), "198.51.100.7");
            let written = value.replace([' ', '"', '[', ']'], "");
            let client = of("127.0.0.1", &[(name, &value)]);
            let stands_there = written.contains(&client) || value.contains("::") || value.contains(':');
            assert!(client == "127.0.0.1" || stands_there, "{client}: {value}");
        }
    }
}
