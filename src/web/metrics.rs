//! What is told to Prometheus: its text format 0.0.4.
//!
//! Promises: no person, no address, no receiving domain; each label has few values. Without the database the process tells of
//! itself, and that the database is away.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::counts::Counts;
use crate::status::Rows;
use crate::status::bars::{Kind, Sums};
use crate::status::feeds;
use crate::store::daily;

pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";
/// So many services of a feed are named.
const SERVICES: usize = 20;

/// All of it; `rows`: what the database says, if it answers.
pub fn text(counts: &Counts, rows: Option<&Rows>) -> String {
    let mut text = Text::default();
    text.family("crieur_build_info", "gauge", "The version that runs; always 1.");
    text.sample("crieur_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
    text.family("crieur_database_up", "gauge", "Whether the database answers.");
    text.sample("crieur_database_up", &[], u8::from(rows.is_some()));
    text.family(
        "crieur_http_requests_total",
        "counter",
        "Answers since the process began, by what was asked for and status.",
    );
    for (kind, status, number) in counts.requests() {
        text.sample("crieur_http_requests_total", &[("kind", kind), ("status", &status)], number);
    }
    text.family("crieur_http_response_bytes_total", "counter", "Bytes of bodies since the process began.");
    for (kind, bytes) in counts.bytes() {
        text.sample("crieur_http_response_bytes_total", &[("kind", kind)], bytes);
    }
    text.family(
        "crieur_letters_tries_total",
        "counter",
        "Tries to send single letters that pages promise (confirmations), since the process began.",
    );
    for (outcome, number) in counts.letters() {
        text.sample("crieur_letters_tries_total", &[("outcome", outcome)], number);
    }
    if let Some(rows) = rows {
        of_the_database(&mut text, rows);
    }
    text.0
}

fn of_the_database(text: &mut Text, rows: &Rows) {
    let mut editions: BTreeMap<(&str, &str), u64> = BTreeMap::new();
    let mut deliveries: BTreeMap<&str, Sums> = BTreeMap::new();
    let mut returned: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for edition in &rows.editions {
        let newsletter = edition.newsletter.as_str();
        *editions.entry((newsletter, edition.state.as_str())).or_default() += 1;
        deliveries.entry(newsletter).or_default().add(&Sums::from(&edition.counts));
        let reports = &edition.counts.reports;
        *returned.entry((newsletter, "hard")).or_default() += reports.hard;
        *returned.entry((newsletter, "soft")).or_default() += reports.returned - reports.hard;
        *returned.entry((newsletter, "complaint")).or_default() += reports.complaints;
    }
    text.family("crieur_editions", "gauge", "Editions by state.");
    for ((newsletter, state), number) in editions {
        text.sample("crieur_editions", &[("newsletter", newsletter), ("state", state)], number);
    }
    text.family(
        "crieur_deliveries",
        "gauge",
        "Letters of all editions by what became of them; deferred and waiting ones are pending.",
    );
    for (newsletter, sums) in deliveries {
        for kind in Kind::ALL {
            text.sample("crieur_deliveries", &[("newsletter", newsletter), ("state", kind.name())], sums.get(kind));
        }
    }
    text.family("crieur_returned", "gauge", "Accepted letters that came back or were complained of.");
    for ((newsletter, kind), number) in returned {
        text.sample("crieur_returned", &[("newsletter", newsletter), ("kind", kind)], number);
    }
    text.family("crieur_subscribers", "gauge", "People subscribed now.");
    for (newsletter, number) in &rows.subscribed {
        text.sample("crieur_subscribers", &[("newsletter", newsletter)], number);
    }
    text.family(
        "crieur_signups_waiting",
        "gauge",
        "People who asked to be on a newsletter and have not confirmed yet.",
    );
    for (newsletter, number) in &rows.asking {
        text.sample("crieur_signups_waiting", &[("newsletter", newsletter)], number);
    }
    text.family(
        "crieur_unanswered",
        "gauge",
        "Forms after which no letter left, for limits or a complaint, in 400 days.",
    );
    for (newsletter, number) in &rows.unanswered {
        text.sample("crieur_unanswered", &[("newsletter", newsletter)], number);
    }
    let mut changes: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    for day in &rows.daily {
        let sums = changes.entry(&day.newsletter).or_default();
        *sums = (sums.0 + day.joined, sums.1 + day.gone);
    }
    text.family("crieur_joined_total", "counter", "People who joined, since the list began.");
    for (newsletter, (joined, _)) in &changes {
        text.sample("crieur_joined_total", &[("newsletter", newsletter)], joined);
    }
    text.family("crieur_left_total", "counter", "People who left, were retired or erased, since the list began.");
    for (newsletter, (_, gone)) in &changes {
        text.sample("crieur_left_total", &[("newsletter", newsletter)], gone);
    }
    text.family("crieur_suppressed_addresses", "gauge", "Addresses that no letter goes to, by reason.");
    for (reason, number) in &rows.suppressed {
        text.sample("crieur_suppressed_addresses", &[("reason", reason)], number);
    }
    text.family("crieur_feed_subscribers", "gauge", "Subscribers as reading services report them.");
    for feed in &rows.feeds {
        let Some(told) = feeds::readers(feed, &rows.readers, daily::day(rows.now)) else { continue };
        for program in told.programs.iter().filter(|program| program.subscribers > 0).take(SERVICES) {
            text.sample(
                "crieur_feed_subscribers",
                &[("feed", &feed.name), ("reader", &program.name)],
                program.subscribers,
            );
        }
    }
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::digest::samples;
    use crate::status::Source;
    use crate::store::readers::Reader;

    #[test]
    fn without_the_database_the_process_tells_of_itself() {
        let told = text(&Counts::default(), None);
        assert!(told.contains("\ncrieur_database_up 0\n"), "{told}");
        assert!(!told.contains("crieur_subscribers"), "{told}");
    }

    #[test]
    fn feeds_of_one_title_are_told_apart() {
        let mut rows = Rows::empty(&samples::config(), DateTime::UNIX_EPOCH);
        for name in ["one", "two"] {
            let path = format!("{name}.xml");
            rows.feeds.push(Source { name: name.to_string(), title: "All".to_string(), paths: vec![path.clone()] });
            rows.readers.push(Reader {
                feed: path,
                day: 0,
                reader: "Feedly".to_string(),
                source: String::new(),
                subscribers: 4,
                fetches: 1,
                is_known: true,
            });
        }
        let told = text(&Counts::default(), Some(&rows));
        for name in ["one", "two"] {
            let line = format!("\ncrieur_feed_subscribers{{feed=\"{name}\",reader=\"Feedly\"}} 4\n");
            assert!(told.contains(&line), "{told}");
        }
    }

    #[test]
    fn a_label_cannot_end_its_line() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }
}
