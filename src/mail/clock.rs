//! The clock of one command: it begins at the moment that the command was given, and goes at the usual pace.

use std::time::Instant;

use chrono::{DateTime, TimeDelta, Utc};

/// Tells the time from a given beginning, so that `--now` sets the clock of retries too.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    began: DateTime<Utc>,
    at: Instant,
}

impl Clock {
    pub fn starting(began: DateTime<Utc>) -> Clock {
        Clock { began, at: Instant::now() }
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.began + TimeDelta::from_std(self.at.elapsed()).unwrap_or(TimeDelta::zero())
    }
}
