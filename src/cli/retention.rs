//! What is not kept for ever, at the end of a run, and now and then while the web service runs.

use std::time::Duration;

use super::Globals;
use super::office::Office;
use crate::config::Retention;
use crate::mail::clock::Clock;
use crate::store::retention::{Keep, Retained};
use crate::store::{Database, Store};
use crate::web::Current;

/// How often the web service looks.
const EVERY: Duration = Duration::from_secs(3600);

/// Forgets what need not be kept any longer.
pub async fn keep(globals: &Globals, office: &mut Office) -> anyhow::Result<()> {
    let retained = office.store.retain(globals.now, of(&office.config.retention)).await?;
    say(globals, retained);
    Ok(())
}

/// The same once an hour, until it is dropped. What fails is tried again the next time.
pub async fn now_and_then(globals: Globals, database: Database, current: Current, clock: Clock) {
    loop {
        tokio::time::sleep(EVERY).await;
        let keep = of(&current.get().config.retention);
        let retained = match Store::open(&database).await {
            Ok(mut store) => {
                let retained = store.retain(clock.now(), keep).await;
                // Closing folds the log; what was done is done.
                let _closed = store.close().await;
                retained
            }
            Err(error) => Err(error),
        };
        match retained {
            Ok(retained) => say(&globals, retained),
            Err(error) => {
                globals.say(crate::store::without_addresses(&format!("old deliveries cannot be reduced: {error}")));
            }
        }
    }
}

fn of(retention: &Retention) -> Keep {
    Keep { deliveries: retention.deliveries, unconfirmed: Some(retention.unconfirmed) }
}

fn say(globals: &Globals, retained: Retained) {
    if retained.editions > 0 {
        globals
            .say(format_args!("{} deliveries of {} editions are totals now", retained.deliveries, retained.editions));
    }
    if retained.unconfirmed > 0 {
        globals.say(format_args!("{} people who did not confirm are forgotten", retained.unconfirmed));
    }
    if retained.erased > 0 {
        globals.detail(format_args!("{} deliveries of people who were erased are cleaned up", retained.erased));
    }
}
