use super::*;
use chrono_tz::{America::Sao_Paulo, Europe::Paris, UTC};
use proptest::prelude::*;

fn read(text: &str) -> Option<String> {
    parse(text, Paris).map(|dated| dated.instant.to_rfc3339())
}

#[test]
fn every_shape_that_generators_accept_is_the_same_instant() {
    for text in [
        "2024-07-25T14:00:00Z",
        "2024-07-25t14:00:00z",
        "2024-07-25T14:00:00.000Z",
        "2024-07-25 14:00:00.999Z",
        "2024-07-25 14:00:00 UTC",
        "2024-07-25 10:00:00 -4",
        "2024-07-25 10:00:00 -04",
        "2024-07-25 10:00:00 -0400",
        "2024-07-25 10:00:00 -400",
        "2024-07-25 10:00:00-04:00",
        "2024-07-25T10:00:00-04:00",
        "2024-07-25T10:00-04:00",
        "2024-07-25  10:00:00   -04:00",
        "2024-07-25 16:00",
        "2024-07-25T16:00:00",
        "2024/07/25 16:00:00",
        "2024-7-25 16:00",
        "20240725 16:00",
        "2024-07-25 4:00 PM",
        "2024-07-25 16:00 Europe/Paris",
        "2024-07-25T16:00:00+02:00[Europe/Paris]",
        "2024-07-25 16:00:00 +0200 CEST",
        "2024-07-25 16:00 CEST",
        "Thu, 25 Jul 2024 16:00:00 +0200",
        "25 July 2024 16:00",
        "July 25, 2024, 16:00",
        "1721916000",
        "1721916000000",
    ] {
        let instant = parse(text.replace("[Europe/Paris]", "").as_str(), Paris).map(|d| d.instant.timestamp());
        assert_eq!(instant, Some(1_721_916_000), "{text}");
    }
}

#[test]
fn a_bare_day_is_midnight_in_the_stated_zone_whatever_the_season() {
    assert_eq!(read("2024-07-25").as_deref(), Some("2024-07-24T22:00:00+00:00"));
    assert_eq!(read(" 2024-01-25 ").as_deref(), Some("2024-01-24T23:00:00+00:00"));
    assert_eq!(parse("2024-07-25", UTC).unwrap().instant.to_rfc3339(), "2024-07-25T00:00:00+00:00");
    assert!(parse("2024-07-25", UTC).unwrap().date_only);
    assert!(!parse("2024-07-25 00:00", UTC).unwrap().date_only);
}

#[test]
fn a_time_that_summer_time_skips_is_as_much_later_and_a_double_one_is_the_first() {
    assert_eq!(read("2024-03-31 02:30").as_deref(), Some("2024-03-31T01:30:00+00:00"));
    assert_eq!(read("2024-10-27 02:30").as_deref(), Some("2024-10-27T00:30:00+00:00"));
    // In São Paulo midnight itself was skipped.
    assert_eq!(parse("2018-11-04", Sao_Paulo).unwrap().instant.to_rfc3339(), "2018-11-04T03:00:00+00:00");
}

#[test]
fn what_is_no_date_is_none() {
    for text in [
        "",
        "soon",
        "2024",
        "2024-07",
        "2024-02-30",
        "2024-13-01",
        "24-07-25",
        "2024-07-25 25:00",
        "2024-07-25 10",
        "2024-07-25 10:00 Mars/Phobos",
        "2024-07-255",
        "2024-07-25T",
        "Last Modified",
        "2024-07-25 10:00 +99:00",
        "0000-01-01",
        "99999999999999999999",
    ] {
        assert_eq!(parse(text, Paris), None, "{text}");
    }
}

#[test]
fn names_and_paths_carry_days() {
    let day = NaiveDate::from_ymd_opt(2024, 7, 25).unwrap();
    assert_eq!(name_with_day("2024-07-25-title"), Some((day, "title")));
    assert_eq!(name_with_day("2024-07-25_title"), Some((day, "title")));
    assert_eq!(name_with_day("2024-7-25-title"), Some((day, "title")));
    assert_eq!(name_with_day("2024-07-25"), Some((day, "")));
    assert_eq!(name_with_day("2024-07-251"), None);
    assert_eq!(name_with_day("18F-guides"), None);
    assert_eq!(path_with_day("blog/2024/07/25/title.md"), Some(day));
    assert_eq!(path_with_day("2024/7/25"), Some(day));
    assert_eq!(path_with_day("blog/2024-07-25-title/index.md"), Some(day));
    assert_eq!(path_with_day("blog/2024/07/title.md"), None);
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,40}") {
        let _ = parse(&text, Paris);
        let _ = name_with_day(&text);
        let _ = path_with_day(&text);
    }

    #[test]
    fn no_text_like_a_date_panics(text in "[0-9T:. +Zz/-]{0,30}") {
        let _ = parse(&text, Sao_Paulo);
        let _ = name_with_day(&text);
    }

    #[test]
    fn a_written_instant_reads_as_itself(seconds in -60_000_000_000i64..250_000_000_000) {
        let instant = DateTime::from_timestamp(seconds, 0).unwrap();
        prop_assert_eq!(parse(&instant.to_rfc3339(), Paris).map(|d| d.instant), Some(instant));
    }
}
