//! Tells when a newsletter's next edition is due.
//!
//! An edition is due if a scheduled moment lies in (last considered, now]; several of them make one edition, at the
//! latest of them. Whoever asks remembers `now` as considered once the edition is made, or there was nothing new.
//!
//! A cron expression is read in the site's zone. On the day when clocks go forward, a job at a time that does not exist
//! (02:30) runs once, at the first moment after the gap (03:00). On the day when they go back, a job at a time that
//! exists twice runs once, at the first of the two. A job of every hour or minute (`*`, `*/N`) follows the clock: it
//! leaves the gap out, and runs in both hours that bear one name.
//!
//! BUGS: an expression that never comes true (30 February) is never due, and that is not said here: the configuration's
//! reader checks the expression's form only.

use chrono::{DateTime, NaiveTime, Utc};
use chrono_tz::Tz;
use croner::Cron;

use crate::config::{Missed, Newsletter, Schedule};

/// Whether an edition is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Due {
    /// It is; `moment` is the latest scheduled one, or `now` without a timetable.
    Now { moment: DateTime<Utc> },
    /// It is not; `next` is when it will be, if a timetable says.
    Later { next: Option<DateTime<Utc>> },
}

/// Is an edition due at `now`, if every moment up to `considered` was dealt with?
pub fn due(newsletter: &Newsletter, zone: Tz, considered: DateTime<Utc>, now: DateTime<Utc>) -> Due {
    match &newsletter.schedule {
        Schedule::EachItem | Schedule::EachRun => Due::Now { moment: now },
        Schedule::Manual => Due::Later { next: None },
        Schedule::Cron(expression) => {
            let Ok(cron) = expression.parse::<Cron>() else { return Due::Later { next: None } };
            // With `skip`, what is older than this is as good as considered.
            let oldest = match newsletter.missed {
                Missed::Send => considered,
                // A moment exactly `missed_after` old still counts.
                Missed::Skip => considered.max(now - newsletter.missed_after - chrono::Duration::nanoseconds(1)),
            };
            match last_moment(&cron, zone, now) {
                Some(moment) if moment > oldest => Due::Now { moment },
                _ => Due::Later { next: next_moment(&cron, zone, now) },
            }
        }
    }
}

/// How many editions a timetable foresees in the year after `now`, a few hundred at most; `None`: there is no timetable.
pub fn in_a_year(newsletter: &Newsletter, zone: Tz, now: DateTime<Utc>) -> Option<usize> {
    let Schedule::Cron(expression) = &newsletter.schedule else { return None };
    let cron = expression.parse::<Cron>().ok()?;
    let end = now + chrono::Duration::days(365);
    let following = |moment: &DateTime<Utc>| next_moment(&cron, zone, *moment).filter(|next| *next <= end);
    Some(std::iter::successors(following(&now), following).take(400).count())
}

/// The hour at which a newsletter goes when a person names a day alone: its timetable's if that names one, else nine.
pub fn hour(newsletter: &Newsletter) -> NaiveTime {
    let of_timetable = match &newsletter.schedule {
        Schedule::Cron(expression) => {
            let mut fields = expression.split_whitespace().map(|field| field.parse::<u32>().ok());
            match (fields.next().flatten(), fields.next().flatten()) {
                (Some(minute), Some(hour)) => NaiveTime::from_hms_opt(hour, minute, 0),
                _ => None,
            }
        }
        _ => None,
    };
    of_timetable.or_else(|| NaiveTime::from_hms_opt(9, 0, 0)).unwrap_or_default()
}

/// The latest scheduled moment at or before `now`.
fn last_moment(cron: &Cron, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let found = cron.find_previous_occurrence(&now.with_timezone(&zone), true).ok()?.with_timezone(&Utc);
    // croner looks at whole seconds.
    (found <= now).then_some(found)
}

/// The first scheduled moment after `now`.
fn next_moment(cron: &Cron, zone: Tz, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    Some(cron.find_next_occurrence(&now.with_timezone(&zone), false).ok()?.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use chrono::Duration;
    use chrono_tz::Europe::Paris;

    use super::*;
    use crate::digest::samples::newsletter;

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().expect("a time")
    }

    fn cron(expression: &str) -> Newsletter {
        Newsletter { schedule: Schedule::Cron(expression.into()), ..newsletter() }
    }

    #[test]
    fn a_timetable_says_how_often_in_a_year() {
        let now = at("2026-03-01T00:00:00Z");
        for (expression, times) in [
            ("0 9 1 * *", 12),
            ("0 9 * * 1", 53),
            ("0 9 1,15 * *", 24),
            ("0 9 1 1 *", 1),
            ("0 9 * * *", 365),
            ("* * * * *", 400),
        ] {
            let found = in_a_year(&cron(expression), Paris, now).expect("a timetable");
            assert!(found.abs_diff(times) <= 1, "{expression}: {found}");
        }
        assert_eq!(in_a_year(&Newsletter { schedule: Schedule::EachItem, ..newsletter() }, Paris, now), None);
    }

    /// Every moment at which a `run` each ten minutes, from `from` to `to`, finds an edition due.
    fn moments(newsletter: &Newsletter, from: &str, to: &str) -> Vec<String> {
        let (mut considered, mut now, end) = (at(from), at(from), at(to));
        let mut found = Vec::new();
        while now <= end {
            if let Due::Now { moment } = due(newsletter, Paris, considered, now) {
                found.push(moment.with_timezone(&Paris).format("%m-%d %H:%M%:z").to_string());
                considered = now;
            }
            now += Duration::minutes(10);
        }
        found
    }

    #[test]
    fn a_moment_is_due_once_and_the_next_one_is_told() {
        let monthly = cron("0 9 1 * *");
        let considered = at("2026-11-01T08:00:00Z");
        let next = Some(at("2026-12-01T08:00:00Z"));
        assert_eq!(due(&monthly, Paris, considered, at("2026-11-24T07:00:00Z")), Due::Later { next });
        assert_eq!(due(&monthly, Paris, considered, at("2026-12-01T07:59:59.9Z")), Due::Later { next });
        assert_eq!(
            due(&monthly, Paris, considered, at("2026-12-01T08:00:00Z")),
            Due::Now { moment: at("2026-12-01T08:00:00Z") }
        );
        assert_eq!(
            due(&monthly, Paris, at("2026-12-01T08:00:00Z"), at("2026-12-01T08:00:00.5Z")),
            Due::Later { next: Some(at("2027-01-01T08:00:00Z")) }
        );
    }

    #[test]
    fn a_day_alone_means_the_timetables_hour_or_nine() {
        let hour_of = |expression| hour(&cron(expression)).format("%H:%M").to_string();
        assert_eq!(hour_of("30 7 1 * *"), "07:30");
        assert_eq!(hour_of("0 */2 * * *"), "09:00");
        assert_eq!(hour(&newsletter()).format("%H:%M").to_string(), "09:00");
    }

    #[test]
    fn several_missed_moments_make_one_edition() {
        let daily = cron("0 9 * * *");
        assert_eq!(
            due(&daily, Paris, at("2026-11-01T08:00:00Z"), at("2026-11-24T10:00:00Z")),
            Due::Now { moment: at("2026-11-24T08:00:00Z") }
        );
    }

    #[test]
    fn a_moment_missed_for_too_long_is_skipped_if_so_configured() {
        let daily = Newsletter { missed: Missed::Skip, missed_after: Duration::hours(6), ..cron("0 9 * * *") };
        let considered = at("2026-11-01T08:00:00Z");
        assert_eq!(
            due(&daily, Paris, considered, at("2026-11-24T14:00:00Z")),
            Due::Now { moment: at("2026-11-24T08:00:00Z") }
        );
        assert_eq!(
            due(&daily, Paris, considered, at("2026-11-24T14:00:01Z")),
            Due::Later { next: Some(at("2026-11-25T08:00:00Z")) }
        );
    }

    #[test]
    fn on_the_day_clocks_go_forward_a_job_in_the_gap_runs_once() {
        let found = moments(&cron("30 2 * * *"), "2026-03-28T00:00:00Z", "2026-03-30T12:00:00Z");
        assert_eq!(found, ["03-28 02:30+01:00", "03-29 03:00+02:00", "03-30 02:30+02:00"]);
    }

    #[test]
    fn on_the_day_clocks_go_back_a_job_in_the_doubled_hour_runs_once() {
        let found = moments(&cron("30 2 * * *"), "2026-10-24T00:00:00Z", "2026-10-26T12:00:00Z");
        assert_eq!(found, ["10-24 02:30+02:00", "10-25 02:30+02:00", "10-26 02:30+01:00"]);
    }

    #[test]
    fn a_morning_job_keeps_its_hour_in_both_seasons() {
        let found = moments(&cron("0 9 * * 0"), "2026-03-21T23:00:00Z", "2026-03-30T00:00:00Z");
        assert_eq!(found, ["03-22 09:00+01:00", "03-29 09:00+02:00"]);
        let found = moments(&cron("0 9 * * 0"), "2026-10-17T23:00:00Z", "2026-10-26T00:00:00Z");
        assert_eq!(found, ["10-18 09:00+02:00", "10-25 09:00+01:00"]);
    }

    #[test]
    fn without_a_timetable_it_is_always_or_never_due() {
        let now = at("2026-11-24T08:00:00Z");
        for schedule in [Schedule::EachItem, Schedule::EachRun] {
            let newsletter = Newsletter { schedule, ..newsletter() };
            assert_eq!(due(&newsletter, Paris, now, now), Due::Now { moment: now });
        }
        let manual = Newsletter { schedule: Schedule::Manual, ..newsletter() };
        assert_eq!(due(&manual, Paris, now, now), Due::Later { next: None });
    }
}
