//! Reads `retention`: how long what is kept of people.

use chrono::Duration;

use super::reader::Mapping;
use super::values;

/// How long what is kept of people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Each delivery of an edition, after its end; then its totals. `None`: for ever.
    pub deliveries: Option<Duration>,
    /// Those who asked to be subscribed and did not confirm.
    pub unconfirmed: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Retention { deliveries: None, unconfirmed: Duration::days(7) }
    }
}

/// `retention: { deliveries, unconfirmed }`.
pub fn read(retention: Mapping<'_>) -> Retention {
    let deliveries = retention.parsed("deliveries", values::duration);
    // Bounces come within days, and count over some weeks: what is forgotten earlier suppresses nobody.
    if let (Some(time), Some(node)) = (deliveries, retention.get("deliveries"))
        && time < Duration::days(30)
    {
        let help = "write 30d or more: what came back is judged by the letters of the last weeks";
        node.problem("bad-value", "deliveries must be kept for 30 days at least", help);
    }
    let unconfirmed = retention.parsed("unconfirmed", values::duration);
    retention.finish();
    Retention { deliveries, unconfirmed: unconfirmed.unwrap_or(Retention::default().unconfirmed) }
}
