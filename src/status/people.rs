//! Subscribers over time: how many there were at each week's or month's end, and who came and went in it.

use chrono::{Datelike, Days, Months, NaiveDate};

/// Weeks are shown as long as the list is younger than this many.
const WEEKS: u32 = 26;
/// At least as many are shown, so that a young list is not one wide column.
const FEWEST_WEEKS: u64 = 8;
/// Of months, the last two years.
const MONTHS: u32 = 24;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Week,
    Month,
}

/// A week, from its Monday, or a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    pub start: NaiveDate,
    pub joined: i64,
    pub gone: i64,
    /// Subscribers at its end, or now.
    pub level: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverTime {
    pub step: Step,
    /// Without a gap, oldest first, the last one under way; at least one.
    pub periods: Vec<Period>,
}

/// What changed on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    pub day: NaiveDate,
    pub joined: i64,
    pub gone: i64,
}

/// From how many there are `now` and what changed on each day, oldest first; `None`: nobody ever came.
///
/// It is reckoned from now back, so that the end is right whatever was not counted at the beginning.
pub fn over_time(changes: &[Change], now: i64, today: NaiveDate) -> Option<OverTime> {
    let first = changes.first().map(|change| change.day.min(today));
    if first.is_none() && now == 0 {
        return None;
    }
    let first = first.unwrap_or(today);
    let weeks_ago = |weeks: u64| today.checked_sub_days(Days::new(7 * weeks)).unwrap_or(today);
    let (step, from) = if first > weeks_ago(u64::from(WEEKS)) {
        (Step::Week, first.min(weeks_ago(FEWEST_WEEKS - 1)))
    } else {
        (Step::Month, first.max(today.checked_sub_months(Months::new(MONTHS - 1)).unwrap_or(first)))
    };
    let mut periods = Vec::new();
    let mut start = step.start(from);
    let last = step.start(today);
    while start <= last {
        periods.push(Period { start, joined: 0, gone: 0, level: 0 });
        start = step.next(start)?;
    }
    for change in changes {
        let start = step.start(change.day.min(today));
        if let Ok(index) = periods.binary_search_by_key(&start, |period| period.start) {
            periods[index].joined += change.joined;
            periods[index].gone += change.gone;
        }
    }
    let mut level = now;
    for period in periods.iter_mut().rev() {
        period.level = level.max(0);
        level = level - period.joined + period.gone;
    }
    Some(OverTime { step, periods })
}

/// Who came and went in the last `days` days, today included.
pub fn lately(changes: &[Change], days: u64, today: NaiveDate) -> (i64, i64) {
    let from = today.checked_sub_days(Days::new(days - 1)).unwrap_or(today);
    let lately = changes.iter().filter(|change| change.day >= from);
    lately.fold((0, 0), |(joined, gone), change| (joined + change.joined, gone + change.gone))
}

impl Step {
    fn start(self, day: NaiveDate) -> NaiveDate {
        match self {
            Step::Week => day.week(chrono::Weekday::Mon).checked_first_day().unwrap_or(day),
            Step::Month => day.with_day(1).unwrap_or(day),
        }
    }

    fn next(self, start: NaiveDate) -> Option<NaiveDate> {
        match self {
            Step::Week => start.checked_add_days(Days::new(7)),
            Step::Month => start.checked_add_months(Months::new(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn change(text: &str, joined: i64, gone: i64) -> Change {
        Change { day: day(text), joined, gone }
    }

    #[test]
    fn a_young_list_is_told_by_weeks_an_old_one_by_months() {
        let young = over_time(&[change("2026-11-20", 5, 0)], 5, day("2026-11-27")).unwrap();
        assert_eq!((young.step, young.periods.len()), (Step::Week, 8));
        assert_eq!(young.periods.last().unwrap().start, day("2026-11-23"));
        let old = over_time(&[change("2020-01-20", 5, 0)], 5, day("2026-11-27")).unwrap();
        assert_eq!((old.step, old.periods.len()), (Step::Month, 24));
        assert_eq!(old.periods[0].start, day("2024-12-01"));
        let between = over_time(&[change("2026-01-31", 5, 0)], 5, day("2026-11-27")).unwrap();
        assert_eq!((between.step, between.periods.len()), (Step::Month, 11));
    }

    #[test]
    fn the_level_is_reckoned_from_now_back() {
        let changes = [
            change("2026-01-31", 100, 0),
            change("2026-02-01", 10, 4),
            change("2026-02-28", 1, 0),
            change("2026-11-27", 3, 7),
        ];
        let told = over_time(&changes, 103, day("2026-11-27")).unwrap();
        let levels: Vec<i64> = told.periods.iter().map(|period| period.level).collect();
        assert_eq!(levels, [100, 107, 107, 107, 107, 107, 107, 107, 107, 107, 103]);
        assert_eq!((told.periods[1].joined, told.periods[1].gone), (11, 4));
        for pair in told.periods.windows(2) {
            assert_eq!(pair[1].level - pair[0].level, pair[1].joined - pair[1].gone);
        }
    }

    #[test]
    fn a_list_that_was_there_before_it_was_counted_never_falls_below_nothing() {
        let told = over_time(&[change("2026-11-20", 50, 0)], 20, day("2026-11-27")).unwrap();
        assert!(told.periods.iter().all(|period| period.level >= 0));
        assert_eq!(over_time(&[], 0, day("2026-11-27")), None);
        assert_eq!(over_time(&[], 7, day("2026-11-27")).unwrap().periods[0].level, 7);
        // A clock that was ahead.
        let told = over_time(&[change("2027-11-20", 5, 0)], 5, day("2026-11-27")).unwrap();
        assert_eq!(told.periods.last().unwrap().joined, 5);
    }

    #[test]
    fn lately_is_so_many_days_with_today() {
        let changes = [change("2026-10-28", 1, 1), change("2026-10-29", 2, 1), change("2026-11-27", 4, 0)];
        assert_eq!(lately(&changes, 30, day("2026-11-27")), (6, 1));
    }
}
