//! When a letter is tried again: after 1, 5, 15 and 60 minutes, then hourly for a day, then every six hours, three days
//! in all.

use chrono::{DateTime, TimeDelta, Utc};

/// The moment of the next try, after `attempts` failed ones, the first of which began at `first`; `None`: enough.
pub fn next(attempts: i64, first: DateTime<Utc>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let day = TimeDelta::days(1);
    let pause = match attempts {
        ..=1 => TimeDelta::minutes(1),
        2 => TimeDelta::minutes(5),
        3 => TimeDelta::minutes(15),
        _ if now - first < day => TimeDelta::hours(1),
        _ => TimeDelta::hours(6),
    };
    let next = now + pause;
    (next <= first + day * 3).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_thin_out_and_end_after_three_days() {
        let first = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let mut now = first;
        let mut pauses = Vec::new();
        let mut attempts = 1;
        while let Some(at) = next(attempts, first, now) {
            pauses.push((at - now).num_minutes());
            now = at;
            attempts += 1;
        }
        assert_eq!(pauses[..5], [1, 5, 15, 60, 60]);
        assert_eq!(pauses.iter().filter(|pause| **pause == 60).count(), 24);
        assert_eq!(pauses.last(), Some(&360));
        assert!(now - first <= TimeDelta::days(3) && now - first > TimeDelta::hours(60));
    }
}
