//! What an outcome means for its row: for good, or when it is tried again.

use chrono::{DateTime, Utc};

use super::delivery::Consignment;
use super::outcome::Outcome;
use super::retry;
use crate::config::OnUncertain;
use crate::store::ledger::{Claimed, Settled, Verdict};

/// An uncertain delivery is sent again at most as often.
const RESENDS: i64 = 2;

/// What an edition's outcomes are judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rule {
    /// An uncertain letter goes again by itself.
    pub resend: bool,
    /// Its recipients are people: an address that does not exist is given up. A list server's never is.
    pub people: bool,
}

impl Rule {
    pub fn of(consignment: &Consignment) -> Rule {
        let resend = consignment.on_uncertain == OnUncertain::Resend;
        Rule { resend, people: consignment.head.list.is_some() }
    }

    /// What becomes of the row.
    pub fn judge(self, claimed: &Claimed, outcome: Outcome, now: DateTime<Utc>) -> Settled {
        let first = claimed.first_try.unwrap_or(now);
        let again = || retry::next(claimed.attempts + 1, first, now);
        let (verdict, reply) = match outcome {
            Outcome::Accepted(reply) => (Verdict::Accepted, reply),
            Outcome::Refused { reply, suppress } => (Verdict::Refused { suppress: suppress && self.people }, reply),
            Outcome::Deferred(reply) => match again() {
                Some(next_try) => (Verdict::Deferred { next_try }, reply),
                None => (Verdict::Refused { suppress: false }, format!("given up after three days: {reply}")),
            },
            Outcome::Unknown(reply) => {
                let next_try = if self.resend && claimed.uncertain < RESENDS { again() } else { None };
                (Verdict::Uncertain { next_try }, format!("no answer after the letter: {reply}"))
            }
            Outcome::Untried(fault) => (Verdict::Untried { next_try: now }, fault.words().to_string()),
        };
        Settled { recipient: claimed.recipient, email: claimed.email.clone(), verdict, reply }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn verdict(rule: Rule, claimed: &Claimed, outcome: Outcome) -> Verdict {
        rule.judge(claimed, outcome, moment(3)).verdict
    }

    fn moment(days: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(days)
    }

    fn claimed(uncertain: i64, first_try: Option<DateTime<Utc>>) -> Claimed {
        Claimed {
            recipient: 1,
            email: "a@example.org".to_string(),
            name: None,
            fields: "{}".to_string(),
            variant: 0,
            attempts: 0,
            uncertain,
            first_try,
        }
    }

    #[test]
    fn a_letter_goes_again_while_there_is_reason_to_and_no_longer() {
        let rule = Rule { resend: true, people: true };
        let soon = moment(3) + TimeDelta::minutes(1);
        let deferred = || Outcome::Deferred("450".to_string());
        assert_eq!(verdict(rule, &claimed(0, None), deferred()), Verdict::Deferred { next_try: soon });
        let late = claimed(0, Some(moment(0)));
        assert_eq!(verdict(rule, &late, deferred()), Verdict::Refused { suppress: false });
        let unknown = || Outcome::Unknown("cut".to_string());
        assert_eq!(verdict(rule, &claimed(1, None), unknown()), Verdict::Uncertain { next_try: Some(soon) });
        assert_eq!(verdict(rule, &claimed(2, None), unknown()), Verdict::Uncertain { next_try: None });
        let hold = Rule { resend: false, ..rule };
        assert_eq!(verdict(hold, &claimed(0, None), unknown()), Verdict::Uncertain { next_try: None });
    }

    #[test]
    fn a_list_servers_address_is_never_given_up() {
        let refused = || Outcome::Refused { reply: "550 5.1.1".to_string(), suppress: true };
        for people in [true, false] {
            let rule = Rule { resend: true, people };
            assert_eq!(verdict(rule, &claimed(0, None), refused()), Verdict::Refused { suppress: people });
        }
    }
}
