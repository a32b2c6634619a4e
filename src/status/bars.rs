//! Bars: what became of the letters of an edition, or of those to a receiving domain.

use crate::store::editions::Counts;
use crate::store::replies::Replies;

/// A domain of fewer people stands with the others: one of a single person names them.
pub const FEW: i64 = 5;
/// So many domains have a bar of their own.
pub const DOMAINS: usize = 12;
/// Of a bar, in percent: what is there is seen, however little it is.
const LEAST: f64 = 0.9;

/// What can become of a letter, in the order in which a bar shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Accepted,
    Refused,
    Suppressed,
    Uncertain,
    /// Pending: tried before.
    Deferred,
    /// Pending: not tried yet.
    Waiting,
}

impl Kind {
    pub const ALL: [Kind; 6] =
        [Kind::Accepted, Kind::Refused, Kind::Suppressed, Kind::Uncertain, Kind::Deferred, Kind::Waiting];

    /// Its name in words, styles and patterns.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Accepted => "accepted",
            Kind::Refused => "refused",
            Kind::Suppressed => "suppressed",
            Kind::Uncertain => "uncertain",
            Kind::Deferred => "deferred",
            Kind::Waiting => "waiting",
        }
    }
}

/// A part of a bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    pub kind: Kind,
    pub count: i64,
    /// In percent of the bar.
    pub x: f64,
    pub width: f64,
}

/// Letters by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums([i64; 6]);

impl Sums {
    pub fn get(&self, kind: Kind) -> i64 {
        Kind::ALL.iter().zip(self.0).find(|(one, _)| **one == kind).map_or(0, |(_, count)| count)
    }

    pub fn all(&self) -> i64 {
        self.0.iter().sum()
    }

    pub fn add(&mut self, other: &Sums) {
        self.0.iter_mut().zip(other.0).for_each(|(own, other)| *own += other);
    }

    /// The parts of a bar that is as wide as all of them: together 100 %, and none so narrow that it is not seen.
    pub fn segments(&self) -> Vec<Segment> {
        let all = self.all();
        let there: Vec<(Kind, i64)> = Kind::ALL.into_iter().zip(self.0).filter(|(_, count)| *count > 0).collect();
        let mut widths: Vec<f64> =
            there.iter().map(|(_, count)| (*count as f64 * 100.0 / all as f64).max(LEAST)).collect();
        // What the narrow ones got too much the widest gives.
        let excess = widths.iter().sum::<f64>() - 100.0;
        if let Some(widest) = widths.iter_mut().max_by(|a, b| a.total_cmp(b)) {
            *widest -= excess;
        }
        let mut x = 0.0;
        let place = |((kind, count), width)| {
            let segment = Segment { kind, count, x, width };
            x += width;
            segment
        };
        there.into_iter().zip(widths).map(place).collect()
    }
}

impl From<&Counts> for Sums {
    fn from(counts: &Counts) -> Sums {
        Sums([
            counts.accepted,
            counts.refused,
            counts.suppressed,
            counts.uncertain,
            counts.deferred,
            counts.pending - counts.deferred,
        ])
    }
}

impl From<&Replies> for Sums {
    fn from(replies: &Replies) -> Sums {
        Sums([
            replies.accepted,
            replies.refused,
            replies.suppressed,
            replies.uncertain,
            replies.deferred,
            replies.waiting,
        ])
    }
}

/// A domain's bar; without a name: those that stand together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Domain {
    pub name: Option<String>,
    /// How many domains it stands for.
    pub domains: usize,
    pub sums: Sums,
    pub returned: i64,
}

/// The domains with the most letters, then all others together.
pub fn domains(replies: &[Replies]) -> Vec<Domain> {
    let mut named = Vec::new();
    let mut others = Domain::default();
    for one in replies {
        let sums = Sums::from(one);
        if one.people >= FEW && named.len() < DOMAINS && !one.domain.is_empty() {
            named.push(Domain { name: Some(one.domain.clone()), domains: 1, sums, returned: one.returned });
        } else {
            others.domains += 1;
            others.sums.add(&sums);
            others.returned += one.returned;
        }
    }
    if others.domains > 0 {
        named.push(others);
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_full_in_order_and_shows_even_one_letter() {
        for sums in
            [[990_000, 1, 2, 1, 0, 0], [1, 0, 0, 0, 0, 0], [0, 0, 0, 0, 3, 997], [5; 6], [1, 1, 1, 1, 1, 1_000_000]]
        {
            let segments = Sums(sums).segments();
            let mut x = 0.0;
            for segment in &segments {
                assert!((segment.x - x).abs() < 1e-9, "{segments:?}");
                assert!(segment.width >= LEAST && segment.count > 0, "{segments:?}");
                x += segment.width;
            }
            assert!((x - 100.0).abs() < 1e-9, "{segments:?}");
            let order: Vec<Kind> = Kind::ALL.into_iter().filter(|kind| Sums(sums).get(*kind) > 0).collect();
            assert_eq!(segments.iter().map(|segment| segment.kind).collect::<Vec<_>>(), order);
        }
        assert_eq!(Sums::default().segments(), []);
    }

    #[test]
    fn parts_that_are_wide_enough_are_as_wide_as_they_are_many() {
        let widths: Vec<f64> = Sums([50, 25, 0, 0, 0, 25]).segments().iter().map(|segment| segment.width).collect();
        assert_eq!(widths, [50.0, 25.0, 25.0]);
    }

    #[test]
    fn deferred_ones_are_a_part_of_the_pending_ones() {
        let counts = Counts { eligible: 10, accepted: 3, pending: 7, deferred: 2, ..Counts::default() };
        let sums = Sums::from(&counts);
        assert_eq!((sums.get(Kind::Deferred), sums.get(Kind::Waiting), sums.all()), (2, 5, 10));
    }

    #[test]
    fn a_domain_of_few_people_is_not_named() {
        let one = |domain: &str, people| Replies {
            domain: domain.to_string(),
            people,
            accepted: people * 3,
            returned: 1,
            ..Replies::default()
        };
        let mut replies: Vec<Replies> = (0..14).map(|n| one(&format!("d{n}.example.org"), 50 - n)).collect();
        replies.insert(1, one("dupont.example.org", 4));
        replies.push(one("", 90));
        let shown = domains(&replies);
        assert_eq!(shown.len(), DOMAINS + 1);
        let others = shown.last().unwrap();
        // The two that are too many, the one of few people, and what is not known any more.
        assert_eq!((others.name.as_deref(), others.domains, others.returned), (None, 4, 4));
        assert_eq!(others.sums.all(), 3 * (38 + 37 + 4 + 90));
        assert!(shown.iter().all(|domain| domain.name.as_deref() != Some("dupont.example.org")));
        assert_eq!(domains(&[]), []);
    }
}
