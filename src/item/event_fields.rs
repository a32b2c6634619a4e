//! From front matter to an event, and to the addresses where people register and read a transcription.

use chrono::NaiveTime;
use chrono_tz::Tz;
use serde_json::Value;
use url::Url;

use super::dates::Dated;
use super::fields::{Fields, scalar, truth};
use super::{Event, Moment};
use crate::problem::{Problem, Severity};

impl Fields<'_> {
    /// Only `start` makes an event. `site_zone` is where its readers are; the dates are read in `self.zone`.
    pub fn event(&mut self, site_zone: Tz, url: &str) -> Option<Event> {
        let mut read = |names: &[&str]| match self.dated(names) {
            Ok(dated) => dated,
            Err(problem) => {
                self.problems.push(Problem { severity: Severity::Warning, ..problem });
                None
            }
        };
        let (start, end) = (read(&["start"])?, read(&["end"]));
        let zone = self.zone;
        let midnight_in = |dated: &Dated, zone: Tz| dated.instant.with_timezone(&zone).time() == NaiveTime::MIN;
        let midnight = |dated: &Dated| dated.date_only || midnight_in(dated, zone) || midnight_in(dated, site_zone);
        let day = |dated: &Dated| {
            let zone = if midnight_in(dated, zone) || dated.date_only { zone } else { site_zone };
            Moment::Day(dated.instant.with_timezone(&zone).date_naive())
        };
        let in_days = start.date_only || midnight(&start) && end.as_ref().is_none_or(midnight);
        let start = if in_days { day(&start) } else { Moment::At(start.instant) };
        let end = end.map(|end| match end.date_only || in_days && midnight(&end) {
            true => day(&end),
            false => Moment::At(end.instant),
        });
        let early = end.is_some_and(|end| match (start, end) {
            (Moment::At(start), Moment::At(end)) => end < start,
            _ => end.day(site_zone) < start.day(site_zone),
        });
        if early && let Some(found) = self.find(&["end"]) {
            let message = format!("`{}` is before the start: it is left out", found.key);
            self.warn(found, "bad-date", message, "write when the event is over, or its last day");
        }
        let place = self.text(&["place", "location", "lieu"]);
        let by_key = self.find(&["online", "enligne", "visio"]).map(|found| found.value);
        // A place that is an address on the web is where people meet online.
        let (place, mut join) = match place.as_deref().and_then(|place| web_address(place, None)) {
            Some(join) => (None, Some(join)),
            None => (place, None),
        };
        let by_key = by_key.filter(|value| truth(value) != Some(false));
        join = by_key.and_then(Value::as_str).and_then(|text| web_address(text, Some(url))).or(join);
        let named = place.as_deref().map(str::to_lowercase);
        let only_online =
            named.is_some_and(|place| ["en ligne", "online", "visio", "visioconférence"].contains(&&*place));
        Some(Event {
            start,
            end: end.filter(|_| !early),
            online: by_key.is_some() || join.is_some() || only_online,
            place: place.filter(|_| !only_online),
            join,
        })
    }

    /// Where people register, as an absolute address.
    pub fn register(&mut self, url: &str) -> Option<String> {
        let found = self.find(&["registration", "inscription", "register"])?;
        let text = scalar(found.value)?;
        match web_address(&text, Some(url)) {
            Some(address) => Some(address),
            None if truth(found.value) == Some(false) => None,
            None => {
                self.unusual(found, "an address (https://… or mailto:…)");
                None
            }
        }
    }

    /// Where the transcription is: at the address that is given, or in the item (`true`, or the text itself).
    pub fn transcription(&mut self, url: &str) -> Option<String> {
        let found = self.find(&["transcription", "transcript"])?;
        match truth(found.value) {
            Some(false) => None,
            Some(true) => Some(url.to_string()),
            None => {
                let text = found.value.as_str().map(str::trim)?;
                let one_word = !text.contains(char::is_whitespace);
                let address = web_address(text, Some(url)).filter(|_| one_word && text.contains(['/', '.', ':']));
                Some(address.unwrap_or_else(|| url.to_string()))
            }
        }
    }
}

/// An address that a reader can open, absolute; against `base` where it is relative.
fn web_address(text: &str, base: Option<&str>) -> Option<String> {
    let text = text.trim();
    if text.contains(char::is_whitespace) {
        return None;
    }
    if text.contains('@') && !text.contains([':', '/']) {
        return Url::parse(&format!("mailto:{text}")).ok().filter(|_| base.is_some()).map(String::from);
    }
    let url = match base.and_then(|base| Url::parse(base).ok()) {
        // A lone word is no address: `true`, `soon`.
        Some(base) if text.contains(['/', '.', ':']) => base.join(text).ok()?,
        _ => Url::parse(text).ok()?,
    };
    matches!(url.scheme(), "http" | "https" | "mailto").then(|| url.into())
}

#[cfg(test)]
#[path = "event_fields_tests.rs"]
mod tests;
