//! When and where an event takes place, and when it is over.
//!
//! A front matter names a day or an hour: `start: 2026-03-19`, `start: 2026-03-19 09:30`. A day is a day wherever one
//! stands; an hour is an instant. Midnight is no hour but a day, unless the end names an hour: many tools write a day so.
//!
//! BUGS: an event is one span of time; repeated ones and several hours on several days are words in its body.

use chrono::{DateTime, Days, Duration, LocalResult, NaiveDate, NaiveTime, TimeZone, Utc};
use chrono_tz::Tz;

/// When and where something takes place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub start: Moment,
    /// Never before `start`. A day is that day included.
    pub end: Option<Moment>,
    /// Plain text; `None` for an event that is online alone, or says nothing.
    pub place: Option<String>,
    /// People may take part from where they are.
    pub online: bool,
    /// The absolute address where they do.
    pub join: Option<String>,
}

/// A day, or an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Day(NaiveDate),
    At(DateTime<Utc>),
}

impl Moment {
    /// Its first instant, for people in this zone.
    pub fn begins(self, zone: Tz) -> DateTime<Utc> {
        match self {
            Moment::Day(day) => midnight(day, zone),
            Moment::At(instant) => instant,
        }
    }

    /// The instant at which it is gone: a day's next midnight.
    pub fn over(self, zone: Tz) -> DateTime<Utc> {
        match self {
            Moment::Day(day) => midnight(after(day), zone),
            Moment::At(instant) => instant,
        }
    }

    /// The day on which it lies, for people in this zone.
    pub fn day(self, zone: Tz) -> NaiveDate {
        match self {
            Moment::Day(day) => day,
            Moment::At(instant) => instant.with_timezone(&zone).date_naive(),
        }
    }
}

impl Event {
    /// When it begins, for people in this zone.
    pub fn begins(&self, zone: Tz) -> DateTime<Utc> {
        self.start.begins(zone)
    }

    /// When it is over. One that names no end is over when its day is.
    pub fn over(&self, zone: Tz) -> DateTime<Utc> {
        match self.end {
            Some(end) => end.over(zone),
            None => midnight(after(self.start.day(zone)), zone),
        }
    }

    /// An event that is over is not announced as one to come.
    pub fn is_past(&self, zone: Tz, now: DateTime<Utc>) -> bool {
        self.over(zone) <= now
    }
}

/// The day after; the calendar's last day is its own.
pub fn after(day: NaiveDate) -> NaiveDate {
    day.checked_add_days(Days::new(1)).unwrap_or(day)
}

/// The first instant of a day: where clocks skip midnight, the first that exists.
fn midnight(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let start = day.and_time(NaiveTime::MIN);
    for hours in 0..3 {
        match zone.from_local_datetime(&(start + Duration::hours(hours))) {
            LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => return at.to_utc(),
            LocalResult::None => {}
        }
    }
    start.and_utc()
}

#[cfg(test)]
mod tests {
    use chrono_tz::Europe::Paris;

    use super::*;

    fn at(time: &str) -> Moment {
        Moment::At(time.parse().expect("a time"))
    }

    fn day(day: &str) -> Moment {
        Moment::Day(day.parse().expect("a day"))
    }

    fn is_past(start: Moment, end: Option<Moment>) -> bool {
        let event = Event { start, end, place: None, online: false, join: None };
        event.is_past(Paris, "2026-12-01T12:00:00Z".parse().expect("a time"))
    }

    #[test]
    fn an_event_is_past_when_it_is_over_and_not_before() {
        assert!(!is_past(at("2026-12-01T09:00:00Z"), None), "its day is not over");
        assert!(is_past(at("2026-11-30T09:00:00Z"), None));
        assert!(is_past(at("2026-12-01T09:00:00Z"), Some(at("2026-12-01T11:00:00Z"))));
        assert!(is_past(at("2026-12-01T09:00:00Z"), Some(at("2026-12-01T12:00:00Z"))), "to the instant");
        assert!(!is_past(at("2026-11-30T09:00:00Z"), Some(at("2026-12-02T11:00:00Z"))));
        assert!(!is_past(day("2026-12-01"), None));
        assert!(is_past(day("2026-11-28"), Some(day("2026-11-30"))));
        assert!(!is_past(day("2026-11-28"), Some(day("2026-12-01"))), "its last day is not over");
    }

    #[test]
    fn a_day_begins_and_ends_where_the_readers_are_in_both_seasons() {
        let begins = |d| day(d).begins(Paris).to_rfc3339();
        assert_eq!(begins("2026-12-01"), "2026-11-30T23:00:00+00:00");
        assert_eq!(begins("2026-07-01"), "2026-06-30T22:00:00+00:00");
        let changes = day("2026-03-29");
        assert_eq!(changes.over(Paris) - changes.begins(Paris), Duration::hours(23));
        // Clocks skipped this day's midnight.
        let beirut = day("2022-03-27").begins(chrono_tz::Asia::Beirut);
        assert_eq!(beirut.to_rfc3339(), "2022-03-26T22:00:00+00:00");
    }
}
