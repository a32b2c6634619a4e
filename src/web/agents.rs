//! What a feed reader's `User-Agent` says: which program it is, and for how many people a service fetches.
//!
//! There is no standard; services agreed on words: `Feedly/1.0 (+http://…; 42 subscribers; …)`, `… feed-id:1234 - 7 subscribers`.
//! Kept of it are the program's name, from a list or else the first word, cut short; the number of subscribers; and the
//! service's own number of the feed, which tells two of its lists from each other.
//!
//! BUGS: everybody can claim anything: the numbers are the services' word.

/// What a user agent says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    pub name: String,
    /// The service's own number of the feed; empty: it says none.
    pub source: String,
    /// 0: it says none.
    pub subscribers: i64,
    /// Whether the name is one of our list.
    pub is_known: bool,
}

/// More nobody reads.
const LONGEST: usize = 512;
/// Of a name that is on no list.
const NAME: usize = 24;
const SOURCE: usize = 32;
/// Nobody has more.
const MOST: i64 = 10_000_000;

/// A part of the user agent in lower case, and the name of the program. The first that fits counts.
const KNOWN: &[(&str, &str)] = &[
    ("feedly", "Feedly"),
    ("inoreader", "Inoreader"),
    ("newsblur", "NewsBlur"),
    ("feedbin", "Feedbin"),
    ("theoldreader", "The Old Reader"),
    ("bazqux", "BazQux"),
    ("freshrss", "FreshRSS"),
    ("miniflux", "Miniflux"),
    ("tiny tiny rss", "Tiny Tiny RSS"),
    ("tt-rss", "Tiny Tiny RSS"),
    ("commafeed", "CommaFeed"),
    ("nextcloud-news", "Nextcloud News"),
    ("yarr", "Yarr"),
    ("feedhq", "FeedHQ"),
    ("netvibes", "Netvibes"),
    ("bloglovin", "Bloglovin"),
    ("blogtrottr", "Blogtrottr"),
    ("feedspot", "Feedspot"),
    ("superfeedr", "Superfeedr"),
    ("feedpress", "FeedPress"),
    ("overcast", "Overcast"),
    ("dreamwidth", "Dreamwidth"),
    ("livejournal", "LiveJournal"),
    ("netnewswire", "NetNewsWire"),
    ("reeder", "Reeder"),
    ("unread", "Unread"),
    ("newsboat", "Newsboat"),
    ("rss2email", "rss2email"),
    ("thunderbird", "Thunderbird"),
    ("akregator", "Akregator"),
    ("liferea", "Liferea"),
    ("quiterss", "QuiteRSS"),
    ("rssguard", "RSS Guard"),
    ("fluent reader", "Fluent Reader"),
    ("feeder", "Feeder"),
    ("vivaldi", "Vivaldi"),
    ("feedfetcher-google", "Google"),
    ("slackbot", "Slack"),
    ("feedparser", "feedparser"),
];
/// What stands for the browsers, whichever it is, and for what has no name.
const BROWSERS: &str = "browsers";
const OTHERS: &str = crate::store::readers::OTHERS;

/// Reads one, whatever it holds.
pub fn read(user_agent: &[u8]) -> Agent {
    let text = String::from_utf8_lossy(&user_agent[..user_agent.len().min(LONGEST)]);
    let lower = text.to_ascii_lowercase();
    let known = KNOWN.iter().find(|(part, _)| lower.contains(part)).map(|(_, name)| *name);
    let name = known.map_or_else(|| own_name(&text), str::to_string);
    let is_known = known.is_some() || name == BROWSERS || name == OTHERS;
    Agent { name, source: source(&lower), subscribers: subscribers(&lower), is_known }
}

/// The first product's name, or that in `Mozilla/5.0 (compatible; NAME…)`.
fn own_name(text: &str) -> String {
    let name = product(text);
    if name != "Mozilla" {
        return if name.is_empty() { OTHERS.to_string() } else { name.to_string() };
    }
    let inner = text.split_once("(compatible;").map_or("", |(_, rest)| product(rest.trim_start()));
    if inner.is_empty() || inner == "MSIE" { BROWSERS.to_string() } else { inner.to_string() }
}

/// Letters, digits, `-` and `_`; nothing that may be an address or the name of a host.
fn product(text: &str) -> &str {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let end = text.find(|c| !is_plain(c)).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let is_product = rest.is_empty() || rest.starts_with(['/', ' ', ';', '(', ',', ')']);
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if is_product && is_name { &name[..name.len().min(NAME)] } else { "" }
}

/// `42 subscribers`, `1 subscriber(s)`, `2 readers`.
fn subscribers(lower: &str) -> i64 {
    let words = ["subscriber", "readers", "reader)"];
    words.iter().flat_map(|word| lower.match_indices(word)).find_map(|(at, _)| number_before(lower, at)).unwrap_or(0)
}

fn number_before(text: &str, at: usize) -> Option<i64> {
    let before = text[..at].trim_end_matches([' ', '_']);
    let start = before
        .rfind(|c: char| !c.is_ascii_digit())
        .map_or(0, |last| last + text[last..].chars().next().map_or(1, char::len_utf8));
    // One that no number of ours holds is a lie.
    before[start..].parse::<i64>().ok().filter(|number| (1..=MOST).contains(number))
}

/// `feed-id:1234`, `feed-id=cead6c3a`, `feedid: 7`.
fn source(lower: &str) -> String {
    let found = ["feed-id", "feedid"].iter().find_map(|word| Some(lower.split_once(word)?.1));
    let Some(rest) = found.and_then(|rest| rest.strip_prefix([':', '='])) else { return String::new() };
    rest.trim_start().chars().take_while(char::is_ascii_alphanumeric).take(SOURCE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_services_and_programs_say_is_understood() {
        for (text, name, source, subscribers) in [
            (
                "Feedly/1.0 (+http://www.feedly.com/fetcher.html; 42 subscribers; like FeedFetcher-Google)",
                "Feedly",
                "",
                42,
            ),
            ("Feedbin feed-id:1373 - 142 subscribers", "Feedbin", "1373", 142),
            ("Mozilla/5.0 (compatible; inoreader.com; 114 subscribers)", "Inoreader", "", 114),
            (
                "Mozilla/5.0 (compatible; theoldreader.com; 1 subscribers; feed-id=cead6c3a)",
                "The Old Reader",
                "cead6c3a",
                1,
            ),
            (
                "NewsBlur Feed Fetcher - 27 subscribers - https://www.newsblur.com/site/7/x (\"Mozilla/5.0 (Macintosh)\")",
                "NewsBlur",
                "",
                27,
            ),
            ("Mozilla/5.0 (compatible; BazQux/2.4; +https://bazqux.com/fetcher; 3 subscribers)", "BazQux", "", 3),
            (
                "Overcast/1.0 Podcast Sync (21 subscribers; feed-id=735; +http://overcast.example.org/)",
                "Overcast",
                "735",
                21,
            ),
            (
                "Dreamwidth Studios (webmaster@dreamwidth.org; for https://example.org/; 2 readers)",
                "Dreamwidth",
                "",
                2,
            ),
            ("Some_Online/2.0_(http://example.org;_20_subscribers)", "Some_Online", "", 20),
            ("Aggregator 1.0; on behalf of 3 subscriber(s)", "Aggregator", "", 3),
            ("FreshRSS/1.24.1 (Linux; https://freshrss.org)", "FreshRSS", "", 0),
            ("Mozilla/5.0 (compatible; Miniflux/2.2; +https://miniflux.app)", "Miniflux", "", 0),
            ("Mozilla/5.0 (compatible; Unheard/1.0)", "Unheard", "", 0),
            ("newsboat/2.21.0 (Linux x86_64)", "Newsboat", "", 0),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "browsers", "", 0),
            ("curl/8.14.1", "curl", "", 0),
            ("python-requests/2.32", "python-requests", "", 0),
            ("", "others", "", 0),
            ("bob@example.org", "others", "", 0),
            ("bob.example.org/1.0", "others", "", 0),
            ("99999999999999999999 subscribers", "others", "", 0),
            ("Liar/1 (99999999 subscribers)", "Liar", "", 0),
            ("AVeryLongNameOfAProgramThatNobodyKnows/1", "AVeryLongNameOfAProgramT", "", 0),
        ] {
            let agent = read(text.as_bytes());
            assert_eq!(
                (agent.name.as_str(), agent.source.as_str(), agent.subscribers),
                (name, source, subscribers),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn whatever_it_says_a_name_is_short_and_plain(bytes in proptest::collection::vec(any::<u8>(), 0..700)) {
            let agent = read(&bytes);
            prop_assert!(!agent.name.is_empty() && agent.name.len() <= NAME);
            prop_assert!(agent.name.is_ascii() && !agent.name.contains(['@', '.', '/', '"', '\\']));
            prop_assert!((0..=MOST).contains(&agent.subscribers) && agent.source.len() <= SOURCE);
        }

        #[test]
        fn whatever_stands_around_a_number_it_is_found(before in "[a-z ;(é]{0,20}", number in 1..=MOST, after in ".{0,20}") {
            let said = format!("x {before}; {number} subscribers{after}");
            prop_assert_eq!(read(said.as_bytes()).subscribers, number);
        }
    }
}
