//! The brakes of an edition that has just begun: when its first letters are refused, something is wrong with us or with
//! the list, and a person should look before it goes on.

use crate::store::ledger::{Settled, Verdict};

/// So many refusals and nothing else hold the edition.
const ALL: i64 = 20;
/// So many outcomes are looked at; more than a fifth of refusals among them hold the edition.
const FIRST: i64 = 200;

/// What the first outcomes say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Brake {
    Goes,
    /// Why the edition must be held.
    Holds(String),
    /// Enough went well: the brakes are off for good.
    Releases,
}

/// The first outcomes of an edition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brakes {
    pub accepted: i64,
    pub refused: i64,
}

impl Brakes {
    /// Counts what was settled, and says what it means.
    pub fn count(&mut self, settled: &[Settled]) -> Brake {
        let mut words = "";
        for outcome in settled {
            match outcome.verdict {
                Verdict::Accepted => self.accepted += 1,
                Verdict::Refused { .. } => {
                    self.refused += 1;
                    words = &outcome.reply;
                }
                _ => {}
            }
        }
        let Brakes { accepted, refused } = *self;
        let all = accepted + refused;
        if accepted == 0 && refused >= ALL {
            Brake::Holds(format!("the first {refused} letters were all refused: {words}"))
        } else if refused * 5 > FIRST && all <= FIRST + FIRST / 5 {
            Brake::Holds(format!("{refused} of the first {all} letters were refused: {words}"))
        } else if all > FIRST + FIRST / 5 {
            Brake::Releases
        } else {
            Brake::Goes
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(verdict: Verdict, times: usize) -> Vec<Settled> {
        let one = Settled { recipient: 1, email: "a@example.org".to_string(), verdict, reply: "550 no".to_string() };
        vec![one; times]
    }

    #[test]
    fn refusals_alone_hold_an_edition_and_so_do_many_among_the_first() {
        let refused = || Verdict::Refused { suppress: true };
        let mut brakes = Brakes { accepted: 0, refused: 0 };
        assert_eq!(brakes.count(&settled(refused(), 19)), Brake::Goes);
        let held = Brake::Holds("the first 20 letters were all refused: 550 no".to_string());
        assert_eq!(brakes.count(&settled(refused(), 1)), held);

        let mut brakes = Brakes { accepted: 100, refused: 40 };
        assert_eq!(brakes.count(&settled(Verdict::Accepted, 60)), Brake::Goes);
        assert_eq!(
            brakes.count(&settled(refused(), 1)),
            Brake::Holds("41 of the first 201 letters were refused: 550 no".to_string())
        );

        let mut brakes = Brakes { accepted: 240, refused: 0 };
        assert_eq!(brakes.count(&settled(Verdict::Accepted, 1)), Brake::Releases);
    }
}
