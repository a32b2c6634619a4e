//! Values for the tests of this part of the program.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};

use crate::config::*;
use crate::item::{BodyHash, Data, Event, Item, Moment};
use crate::problem::Source;

pub fn newsletter() -> Newsletter {
    Newsletter {
        name: "referents".into(),
        file: "config/newsletters/referents.yaml".into(),
        title: "La lettre d’essai".into(),
        from: Mailbox { name: Some("Équipe d’essai".into()), address: "lettre@example.org".into() },
        reply_to: None,
        list_id: None,
        to: Audience::Recipients,
        leave: Leave::Mailto("leave@example.org".into()),
        subscribe: false,
        consent: None,
        consent_version: None,
        confirm_from: None,
        schedule: Schedule::Manual,
        missed: Missed::Send,
        missed_after: Duration::hours(6),
        backlog: Backlog::Announce,
        select: Select::default(),
        max_items: 12,
        surge: 15,
        approve: Approve::No,
        preview_to: Vec::new(),
        preview_before: Duration::hours(24),
        first_number: 1,
        subject: "{{newsletter.title}} n° {{edition.number}} : {{edition.headline}}".into(),
        theme: "plain".into(),
        look: Look::default(),
        images: Images::Hosted,
        weight: WeightBudget::default(),
        online: None,
        archive: Archive::Public,
        wait_for_pages: None,
        on_uncertain: OnUncertain::Resend,
        reason: None,
        postal_address: None,
        sections: Vec::new(),
        agenda: true,
        urgent: None,
        topics: Vec::new(),
        segment: Segment::default(),
    }
}

pub fn config() -> Config {
    Config {
        root: PathBuf::from("/nowhere"),
        site: Site {
            url: "https://site.example.org/".parse().expect("an address"),
            title: "Le site d’essai".into(),
            description: None,
            language: "fr".into(),
            time_zone: chrono_tz::Europe::Paris,
            author: None,
        },
        content: Content {
            paths: vec!["posts".into()],
            permalink: "/posts/{stem}/".into(),
            dates_in: chrono_tz::UTC,
            future: Future::Publish,
            ids: Ids::Permalink,
            exclude: Vec::new(),
            static_folders: Vec::new(),
            variables: serde_json::Map::new(),
            variable_files: Vec::new(),
            markdown: MarkdownOptions {
                html: true,
                breaks: true,
                linkify: true,
                typographer: true,
                indented_code: false,
                quotes: ["«\u{a0}".into(), "\u{a0}»".into(), "‹\u{a0}".into(), "\u{a0}›".into()],
            },
            shortcodes: BTreeMap::new(),
            unknown_shortcode: UnknownShortcode::Warn,
            built: None,
        },
        publish: Publish { out: "public".into() },
        pictures: Default::default(),
        mail: Mail {
            transport: Transport::Maildir("var/outbox".into()),
            user: None,
            tls: Tls::Required,
            relay_trusted: false,
            auth: Default::default(),
            hello: None,
            roots: None,
            connections: 1,
            limits: Default::default(),
            bounces_to: None,
            bounce_tokens: true,
            dkim: Vec::new(),
        },
        database: "sqlite:var/crieur.db".into(),
        secrets: PathBuf::from("/nowhere/var/keys"),
        web: Web {
            listen: "127.0.0.1:0".into(),
            url: None,
            trusted_proxies: Vec::new(),
            confirmations: Confirmations::default(),
            status: Watching::default(),
        },
        retention: crate::config::Retention::default(),
        feeds: Vec::new(),
        newsletters: Vec::new(),
    }
}

/// An item with a body; `published` as RFC 3339.
pub fn item(stem: &str, title: &str, published: &str, body: &str) -> Item {
    let published: DateTime<Utc> = published.parse().expect("a time");
    let url = format!("https://site.example.org/posts/{stem}/");
    Item {
        id: url.clone(),
        source: Source::new(format!("posts/{stem}.md"), body),
        body_start: 0,
        body_hash: BodyHash::of(body),
        built_body: None,
        url,
        title: title.into(),
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
        inherited: Arc::new(Data::new()),
    }
}

/// An event of one moment: `2026-12-03`, or an instant as RFC 3339.
pub fn event(start: &str) -> Event {
    let start = match start.contains('T') {
        true => Moment::At(start.parse().expect("a time")),
        false => Moment::Day(start.parse().expect("a day")),
    };
    Event { start, end: None, place: None, online: false, join: None }
}
