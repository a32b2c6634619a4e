//! One feed with everything in it, in all three formats, whole.

use std::sync::Arc;

use chrono::{DateTime, TimeZone, Utc};

use super::*;
use crate::item::{BodyHash, Item};
use crate::problem::Source;

/// An item as reading makes one, for the tests that need no more of it than a path and a title.
pub(crate) fn item(path: &str, title: &str) -> Item {
    let stem = path.rsplit('/').next().and_then(|name| name.strip_suffix(".md")).unwrap_or(path);
    let url = format!("https://www.example.org/posts/{stem}/");
    let published = moment(5, 0);
    Item {
        id: url.clone(),
        source: Source::new(path, "---\n---\nUn corps.\n"),
        body_start: 8,
        body_hash: BodyHash::of("Un corps."),
        built_body: None,
        url,
        title: title.to_string(),
        summary: None,
        published,
        date_only: true,
        updated: published,
        tags: Vec::new(),
        authors: Vec::new(),
        image: None,
        language: None,
        series: None,
        episode: None,
        kind: None,
        enclosure: None,
        event: None,
        register: None,
        transcription: None,
        held_until: None,
        inherited: Arc::default(),
    }
}

fn moment(day: u32, second: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2024, 7, day, 0, 0, second).unwrap()
}

pub(crate) fn feed() -> Feed {
    let full = Entry {
        id: "tag:example.org,2024:premier".into(),
        url: "https://www.example.org/posts/premier/".into(),
        title: "Premier & dernier".into(),
        summary: Some("Moins de 5 % < 10 %".into()),
        content_html: Some("<p>L’été ]]&gt; &amp; \u{1f389}</p>\n".into()),
        published: moment(25, 0),
        updated: moment(26, 0),
        authors: vec![Person { name: "A. Exemple".into(), email: Some("a@example.org".into()), url: None }],
        categories: vec!["vidéo".into()],
        language: Some("en".into()),
        picture: Some(Image {
            url: "https://www.example.org/img/a.png".into(),
            alt: "Un graphique".into(),
            file: Some("static/img/a.png".into()),
            bytes: Some(1234),
            media_type: Some("image/png".into()),
            width: Some(640),
            height: Some(480),
        }),
        enclosure: Some(Enclosure {
            url: "https://www.example.org/son.mp3".into(),
            media_type: "audio/mpeg".into(),
            bytes: 99,
        }),
        embeds: vec![Embed {
            url: "https://video.example.org/w/1".into(),
            player: "https://video.example.org/embed/1".into(),
            title: "Le film".into(),
            thumbnail: None,
        }],
    };
    let bare = Entry {
        id: "https://www.example.org/posts/vide/".into(),
        url: "https://www.example.org/posts/vide/".into(),
        title: "Vide".into(),
        summary: None,
        content_html: None,
        published: moment(5, 0),
        updated: moment(5, 1),
        authors: vec![],
        categories: vec![],
        language: None,
        picture: None,
        enclosure: None,
        embeds: vec![],
    };
    Feed {
        id: "https://www.example.org/".into(),
        title: "Le site".into(),
        description: Some("Ce qu’il dit".into()),
        language: "fr".into(),
        home_url: "https://www.example.org/".into(),
        atom_url: Some("https://www.example.org/feed.xml".into()),
        rss_url: Some("https://www.example.org/rss.xml".into()),
        json_url: Some("https://www.example.org/feed.json".into()),
        history: History::default(),
        hubs: vec!["https://hub.example.org/".into()],
        author: Person {
            name: "L’équipe".into(), email: None, url: Some("https://www.example.org/equipe/".into())
        },
        updated: moment(26, 0),
        entries: vec![full, bare],
    }
}

/// Compares with the golden file beside this one; `CRIEUR_REWRITE=1` writes it anew, to be read in the diff.
fn assert_golden(name: &str, written: &str) {
    let path = format!("{}/src/feed/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("CRIEUR_REWRITE").is_some() {
        std::fs::write(&path, written).unwrap();
    }
    assert_eq!(written, std::fs::read_to_string(&path).unwrap(), "{path}");
}

#[test]
fn atom_says_everything() {
    assert_golden("feed.xml", &atom::write(&feed()));
}

#[test]
fn rss_says_the_same() {
    assert_golden("rss.xml", &rss::write(&feed()));
}

#[test]
fn json_says_the_same() {
    assert_golden("feed.json", &json::write(&feed()));
}

#[test]
fn a_feed_without_entries_is_a_feed() {
    let empty = Feed { entries: vec![], ..feed() };
    let atom: atom_syndication::Feed = atom::write(&empty).parse().unwrap();
    assert!(atom.entries.is_empty());
    let rss: ::rss::Channel = rss::write(&empty).parse().unwrap();
    assert!(rss.items.is_empty() && rss.last_build_date.is_none());
    let json: serde_json::Value = serde_json::from_str(&json::write(&empty)).unwrap();
    assert_eq!(json["items"], serde_json::json!([]));
}
