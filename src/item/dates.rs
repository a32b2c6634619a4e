//! Dates, in every shape that static site generators accept.
//!
//! `2024-07-25`, `2024/7/5`, `20240725`; with a time after a `T` or spaces, minutes at least; with a zone as `Z`, `-4`,
//! `-0400`, `-04:00`, `UTC`, `EST`, or a name (`Europe/Paris`); `25 July 2024`, `July 25, 2024` and RFC 2822's
//! `Thu, 25 Jul 2024 10:00:00 +0200`; Unix seconds or milliseconds.
//!
//! Promises: a date that names no zone is read in the zone handed in, never in the machine's. A local time that a
//! change of summer time skips means as much later; one that happens twice means the first time.
//!
//! BUGS: names of months and zones are English ones; `CST` and the like are the North American zones of RFC 822.

use chrono::{DateTime, Datelike, Duration, LocalResult, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

/// A moment, and whether only its day was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dated {
    pub instant: DateTime<Utc>,
    pub date_only: bool,
}

/// Reads a date as people write it; `None` when it is not one, or is of no year from 1 to 9999.
pub fn parse(text: &str, zone: Tz) -> Option<Dated> {
    let mut scanner = Scanner { rest: text.trim() };
    if scanner.rest.len() >= 9 && scanner.rest.bytes().all(|byte| byte.is_ascii_digit()) {
        return unix(scanner.rest);
    }
    let date = scanner.date()?;
    scanner.skip_time_separator();
    if scanner.rest.is_empty() {
        return finish(date.and_time(NaiveTime::MIN), None, zone, true);
    }
    let Some(time) = scanner.time() else {
        let offset = scanner.zone(date.and_time(NaiveTime::MIN))?;
        return finish(date.and_time(NaiveTime::MIN), Some(offset), zone, true);
    };
    let local = date.and_time(NaiveTime::MIN) + time;
    scanner.skip_spaces();
    if scanner.rest.is_empty() {
        return finish(local, None, zone, false);
    }
    let offset = scanner.zone(local)?;
    finish(local, Some(offset), zone, false)
}

/// Midnight of a day in a zone.
pub fn day(date: NaiveDate, zone: Tz) -> Option<Dated> {
    finish(date.and_time(NaiveTime::MIN), None, zone, true)
}

/// A file or folder name that begins with a day: `2024-07-25-title`, `2024-07-25_title`, `2024-07-25`; with what
/// follows the day.
pub fn name_with_day(name: &str) -> Option<(NaiveDate, &str)> {
    let bytes = name.as_bytes();
    if bytes.len() < 8 || !bytes[..4].iter().all(u8::is_ascii_digit) || bytes[4] != b'-' {
        return None;
    }
    let mut scanner = Scanner { rest: name };
    let year = scanner.digits(4, 4)?;
    scanner.take(b'-')?;
    let month = scanner.digits(1, 2)?;
    scanner.take(b'-')?;
    let day = scanner.digits(1, 2)?;
    let date = NaiveDate::from_ymd_opt(year as i32, month, day)?;
    match scanner.rest.as_bytes().first() {
        None => Some((date, "")),
        Some(b'-' | b'_' | b' ' | b'.') => Some((date, scanner.rest[1..].trim_start_matches(['-', '_', ' ', '.']))),
        _ => None,
    }
}

/// A day that an address or path spells as three parts in a row, the last such: `…/2024/07/25/…`; or one part that
/// begins with it: `…/2024-07-25-title/…`.
pub fn path_with_day(path: &str) -> Option<NaiveDate> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let number = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        (lengths.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse::<u32>().ok())?
    };
    let spelled = parts.windows(3).rev().find_map(|three| {
        let (year, month, day) = (number(three[0], 4..=4)?, number(three[1], 1..=2)?, number(three[2], 1..=2)?);
        NaiveDate::from_ymd_opt(year as i32, month, day)
    });
    spelled.or_else(|| parts.iter().rev().find_map(|part| Some(name_with_day(part)?.0)))
}

fn unix(digits: &str) -> Option<Dated> {
    let number: i64 = digits.parse().ok()?;
    let instant = match digits.len() {
        9..=11 => DateTime::from_timestamp(number, 0)?,
        12..=14 => DateTime::from_timestamp_millis(number)?,
        _ => return None,
    };
    sane(instant, false)
}

fn sane(instant: DateTime<Utc>, date_only: bool) -> Option<Dated> {
    (1..=9999).contains(&instant.year()).then_some(Dated { instant, date_only })
}

fn finish(local: NaiveDateTime, offset: Option<Duration>, zone: Tz, date_only: bool) -> Option<Dated> {
    let instant = match offset {
        Some(offset) => local.checked_sub_signed(offset)?.and_utc(),
        None => in_zone(local, zone)?,
    };
    sane(instant, date_only)
}

/// A local time as an instant. In a gap, the offset from before it is the one that the author had in mind.
fn in_zone(local: NaiveDateTime, zone: Tz) -> Option<DateTime<Utc>> {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(at) => Some(at.to_utc()),
        LocalResult::Ambiguous(first, second) => Some(first.to_utc().min(second.to_utc())),
        LocalResult::None => {
            let before = zone.offset_from_utc_datetime(&local.checked_sub_signed(Duration::days(1))?);
            let seconds = i64::from(before.fix().local_minus_utc());
            Some(local.checked_sub_signed(Duration::seconds(seconds))?.and_utc())
        }
    }
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// RFC 822's zones, and Western Europe's, which people write too; hours east.
const ZONES: [(&str, i64); 18] = [
    ("z", 0),
    ("utc", 0),
    ("gmt", 0),
    ("ut", 0),
    ("wet", 0),
    ("west", 1),
    ("bst", 1),
    ("cet", 1),
    ("cest", 2),
    ("eet", 2),
    ("est", -5),
    ("edt", -4),
    ("cst", -6),
    ("cdt", -5),
    ("mst", -7),
    ("mdt", -6),
    ("pst", -8),
    ("pdt", -7),
];

struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    fn take(&mut self, byte: u8) -> Option<()> {
        self.rest = (self.rest.as_bytes().first() == Some(&byte)).then(|| &self.rest[1..])?;
        Some(())
    }

    fn skip_spaces(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// A number of `least` to `most` digits.
    fn digits(&mut self, least: usize, most: usize) -> Option<u32> {
        let count = self.rest.bytes().take(most).take_while(u8::is_ascii_digit).count();
        if count < least {
            return None;
        }
        let (digits, rest) = self.rest.split_at(count);
        self.rest = rest;
        digits.parse().ok()
    }

    fn word(&mut self) -> Option<&'a str> {
        let count = self.rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (word, rest) = self.rest.split_at(count);
        self.rest = rest;
        (count > 0).then_some(word)
    }

    fn date(&mut self) -> Option<NaiveDate> {
        let first = *self.rest.as_bytes().first()?;
        if first.is_ascii_alphabetic() {
            return self.date_in_words();
        }
        let count = self.rest.bytes().take_while(u8::is_ascii_digit).count();
        if count == 8 {
            let (year, month, day) = (self.digits(4, 4)?, self.digits(2, 2)?, self.digits(2, 2)?);
            return NaiveDate::from_ymd_opt(year as i32, month, day);
        }
        if count <= 2 {
            return self.day_month_year();
        }
        let year = self.digits(4, 4)?;
        let separator = *self.rest.as_bytes().first()?;
        if !matches!(separator, b'-' | b'/' | b'.') {
            return None;
        }
        self.take(separator)?;
        let month = self.digits(1, 2)?;
        self.take(separator)?;
        let day = self.digits(1, 2)?;
        if self.rest.as_bytes().first().is_some_and(u8::is_ascii_digit) {
            return None;
        }
        NaiveDate::from_ymd_opt(year as i32, month, day)
    }

    /// `25 July 2024`, `25-Jul-2024`.
    fn day_month_year(&mut self) -> Option<NaiveDate> {
        let day = self.digits(1, 2)?;
        self.skip_separators();
        let month = self.month()?;
        self.skip_separators();
        let year = self.digits(4, 4)?;
        NaiveDate::from_ymd_opt(year as i32, month, day)
    }

    /// `Thu, 25 Jul 2024`, `July 25, 2024`.
    fn date_in_words(&mut self) -> Option<NaiveDate> {
        let start = self.rest;
        let word = self.word()?;
        if position(&DAYS, word).is_some() {
            self.skip_separators();
            return self.date();
        }
        self.rest = start;
        let month = self.month()?;
        self.skip_separators();
        let day = self.digits(1, 2)?;
        self.skip_separators();
        let year = self.digits(4, 4)?;
        NaiveDate::from_ymd_opt(year as i32, month, day)
    }

    fn month(&mut self) -> Option<u32> {
        let word = self.word()?;
        Some(position(&MONTHS, word)? as u32 + 1)
    }

    fn skip_separators(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', ',', '-', '.']);
    }

    fn skip_time_separator(&mut self) {
        match self.rest.as_bytes() {
            [b'T' | b't' | b'_', next, ..] if next.is_ascii_digit() => self.rest = &self.rest[1..],
            _ => self.rest = self.rest.trim_start_matches([' ', ',', '\u{a0}', '\u{202f}']),
        }
    }

    /// Hours, minutes, and perhaps seconds, a fraction, and `AM` or `PM`, as a time since midnight. A leap second is
    /// the last second of its minute.
    fn time(&mut self) -> Option<Duration> {
        let start = self.rest;
        let read = self.clock();
        if read.is_none() {
            self.rest = start;
        }
        read
    }

    fn clock(&mut self) -> Option<Duration> {
        let mut hours = self.digits(1, 2)?;
        self.take(b':')?;
        let minutes = self.digits(2, 2)?;
        let mut seconds = 0;
        let mut nanoseconds = 0;
        if self.take(b':').is_some() {
            seconds = self.digits(2, 2)?.min(60);
            if self.take(b'.').is_some() || self.take(b',').is_some() {
                let count = self.rest.bytes().take_while(u8::is_ascii_digit).count();
                let fraction = &self.rest[..count];
                nanoseconds = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
                self.rest = &self.rest[count..];
            }
        }
        let half = self.rest.trim_start();
        let is = |mark: &str| half.get(..2).is_some_and(|two| two.eq_ignore_ascii_case(mark));
        let pm = is("pm");
        if pm || is("am") {
            self.rest = &half[2..];
            hours = hours % 12 + if pm { 12 } else { 0 };
        }
        Self::in_range(hours, minutes, seconds, nanoseconds)
    }

    fn in_range(hours: u32, minutes: u32, seconds: u32, nanoseconds: i64) -> Option<Duration> {
        let midnight = hours == 24 && minutes == 0 && seconds == 0;
        if (hours > 23 && !midnight) || minutes > 59 || seconds > 60 {
            return None;
        }
        let whole = i64::from(hours) * 3600 + i64::from(minutes) * 60 + i64::from(seconds.min(59));
        Some(Duration::seconds(whole) + Duration::nanoseconds(nanoseconds))
    }

    /// A zone to the end of the text, as its distance east of UTC. A name counts as of the local time handed in.
    fn zone(&mut self, local: NaiveDateTime) -> Option<Duration> {
        let text = self.rest.trim();
        if let Some(offset) = offset(text) {
            return Some(offset);
        }
        // `+0200 CEST`, as Go writes it: the number counts.
        if let Some((number, name)) = text.split_once(' ')
            && let Some(offset) = offset(number)
            && name.trim().bytes().all(|b| b.is_ascii_alphabetic())
        {
            return Some(offset);
        }
        let lower = text.to_ascii_lowercase();
        if let Some((_, hours)) = ZONES.iter().find(|(name, _)| *name == lower) {
            return Some(Duration::hours(*hours));
        }
        let zone: Tz = text.trim_matches(['[', ']']).parse().ok()?;
        Some(local - in_zone(local, zone)?.naive_utc())
    }
}

/// `+2`, `-04`, `-0400`, `-04:00`, `+05:30:00`.
fn offset(text: &str) -> Option<Duration> {
    let (sign, rest) = match text.as_bytes().first()? {
        b'+' => (1, &text[1..]),
        b'-' => (-1, &text[1..]),
        _ => return None,
    };
    let mut scanner = Scanner { rest };
    let count = rest.bytes().take_while(u8::is_ascii_digit).count();
    let hours = if count == 3 { scanner.digits(1, 1)? } else { scanner.digits(1, 2)? };
    let _ = scanner.take(b':');
    let minutes = if scanner.rest.is_empty() { 0 } else { scanner.digits(2, 2)? };
    let _ = scanner.take(b':');
    let seconds = if scanner.rest.is_empty() { 0 } else { scanner.digits(2, 2)? };
    if !scanner.rest.is_empty() || hours > 18 || minutes > 59 || seconds > 59 {
        return None;
    }
    Some(Duration::seconds(sign * (i64::from(hours) * 3600 + i64::from(minutes) * 60 + i64::from(seconds))))
}

/// The place of a name, or of its first three letters or more, in a list.
fn position(names: &[&str], word: &str) -> Option<usize> {
    let word = word.to_ascii_lowercase();
    names.iter().position(|name| word.len() >= 3 && name.starts_with(&word) || word == "sept" && *name == "september")
}

#[cfg(test)]
#[path = "dates_tests.rs"]
mod tests;
