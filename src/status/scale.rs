//! Round numbers for the eye, and the places of values between them.

/// An axis from nothing to a round number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scale {
    /// At least 1.
    pub top: i64,
    /// From 0 to the top.
    pub ticks: Vec<i64>,
}

impl Scale {
    /// The shortest axis of two to four equal round steps that holds `most`.
    pub fn to(most: i64) -> Scale {
        let most = most.max(1);
        let mut step = 1_i64;
        loop {
            for factor in [1, 2, 5] {
                let step = step.saturating_mul(factor);
                let steps = most.div_euclid(step) + i64::from(most % step != 0);
                if steps <= 4 || step > i64::MAX / 20 {
                    // A single step says little; one unit cannot be parted.
                    let ticks: Vec<i64> = (0..=steps.min(4)).map(|tick| tick.saturating_mul(step)).collect();
                    return Scale { top: ticks.last().copied().unwrap_or(1).max(1), ticks };
                }
            }
            step = step.saturating_mul(10);
        }
    }

    /// The part of the axis up to a value: 0 to 1, whatever the value.
    pub fn part(&self, value: i64) -> f64 {
        (value as f64 / self.top as f64).clamp(0.0, 1.0)
    }
}

/// How high an axis of columns must be: where one column is more than four times the next one (a whole list was imported,
/// say), the others decide, and that one is cut off.
pub fn without_the_outlier(values: impl IntoIterator<Item = i64>) -> i64 {
    let mut values: Vec<i64> = values.into_iter().collect();
    values.sort_unstable_by(|a, b| b.cmp(a));
    match values.as_slice() {
        [first, second, ..] if *second > 0 && *first > second.saturating_mul(4) => *second,
        [first, ..] => *first,
        [] => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_ends_at_a_round_number_not_far_above_the_most() {
        for (most, ticks) in [
            (0, &[0, 1][..]),
            (1, &[0, 1]),
            (3, &[0, 1, 2, 3]),
            (5, &[0, 2, 4, 6]),
            (9, &[0, 5, 10]),
            (1240, &[0, 500, 1000, 1500]),
            (1_000_000, &[0, 500_000, 1_000_000]),
        ] {
            assert_eq!(Scale::to(most).ticks, ticks, "{most}");
        }
        for most in (0..100_000).step_by(37) {
            let scale = Scale::to(most);
            assert!(scale.top >= most && scale.top <= (most * 5 / 2).max(2), "{most}: {scale:?}");
            assert!((2..=5).contains(&scale.ticks.len()), "{most}: {scale:?}");
        }
        assert!(Scale::to(i64::MAX).top > 0);
    }

    #[test]
    fn a_part_stays_on_the_axis() {
        let scale = Scale::to(10);
        assert_eq!((scale.part(-1), scale.part(5), scale.part(99)), (0.0, 0.5, 1.0));
    }

    #[test]
    fn one_column_does_not_flatten_the_others() {
        assert_eq!(without_the_outlier([3, 1000, 40, 7]), 40);
        assert_eq!(without_the_outlier([100, 40]), 100);
        assert_eq!(without_the_outlier([1000, 0]), 1000);
        assert_eq!(without_the_outlier([]), 0);
    }
}
