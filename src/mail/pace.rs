//! How fast letters may leave: slots of a pace that all workers of a database keep together, and domains that take few
//! letters at once or in a time.
//!
//! Slots are reserved for many letters with one statement; a letter whose slot is still to come waits for it, in the
//! carrier that has it or, at a domain with a limit of its own, here, while letters to others go on.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use crate::config::{DomainLimit, Limits, Rate};
use crate::store::ledger::Claimed;
use crate::store::{Result, Store};

/// Slots are reserved for about this long ahead.
const AHEAD: Duration = Duration::from_secs(2);
/// So many letters to a domain with a limit are kept here; the rest stays in the ledger.
const PARKED: usize = 50;

/// A claimed row, with the moment before which it must not leave.
pub(super) struct Ready {
    pub claimed: Claimed,
    pub not_before: Option<Instant>,
    /// Its domain, when that has a limit of its own.
    pub domain: Option<String>,
}

/// The limits of one delivery, and what they keep waiting.
pub(super) struct Paces {
    limits: Limits,
    domains: HashMap<String, Parking>,
}

#[derive(Default)]
struct Parking {
    limit: DomainLimit,
    /// Letters to this domain that carriers have.
    under_way: usize,
    parked: VecDeque<Ready>,
    /// No letter to this domain before.
    closed_until: Option<Instant>,
    /// The next letter has its slot: it comes when the domain opens.
    reserved: bool,
}

impl Paces {
    pub fn new(limits: &Limits) -> Paces {
        let parking = |limit: &DomainLimit| Parking { limit: limit.clone(), ..Parking::default() };
        let domains = limits.domains.iter().map(|(domain, limit)| (domain.clone(), parking(limit))).collect();
        Paces { limits: limits.clone(), domains }
    }

    /// How many rows to claim at once, of `most`.
    pub fn batch(&self, most: i64) -> i64 {
        let fits = |rate: Rate| i64::try_from(AHEAD.as_millis() / interval(rate).as_millis().max(1)).unwrap_or(most);
        self.limits.rate.map_or(most, |rate| fits(rate).clamp(1, most))
    }

    /// The domains of which no more rows should be claimed now.
    pub fn full(&self) -> Vec<String> {
        let full = self.domains.iter().filter(|(_, parking)| parking.parked.len() >= PARKED);
        full.map(|(domain, _)| domain.clone()).collect()
    }

    /// Gives claimed rows their slots; those to domains with limits are parked, the others come back.
    pub async fn admit(&mut self, store: &mut Store, claimed: Vec<Claimed>) -> Result<VecDeque<Ready>> {
        let mut slots = match self.limits.rate {
            Some(rate) => reserve(store, "", claimed.len(), rate).await?,
            None => VecDeque::new(),
        };
        let mut ready = VecDeque::with_capacity(claimed.len());
        for claimed in claimed {
            let domain = claimed.email.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
            let domain = domain.filter(|domain| self.domains.contains_key(domain));
            let row = Ready { claimed, not_before: slots.pop_front(), domain };
            match row.domain.as_ref().and_then(|domain| self.domains.get_mut(domain)) {
                Some(parking) => parking.parked.push_back(row),
                None => ready.push_back(row),
            }
        }
        Ok(ready)
    }

    /// A parked row whose domain takes one now.
    pub async fn unpark(&mut self, store: &mut Store) -> Result<Option<Ready>> {
        for (domain, parking) in &mut self.domains {
            let open = parking.closed_until.is_none_or(|until| until <= Instant::now());
            let few = parking.limit.connections.is_none_or(|most| parking.under_way < most);
            if !open || !few || parking.parked.is_empty() {
                continue;
            }
            if let Some(most) = parking.limit.connections
                && store.under_way_to(domain).await? >= i64::try_from(most).unwrap_or(i64::MAX)
            {
                // Another worker's: it tells nobody when it is through.
                parking.closed_until = Some(Instant::now() + Duration::from_millis(200));
                continue;
            }
            if let (Some(rate), false) = (parking.limit.rate, parking.reserved) {
                let slot = reserve(store, domain, 1, rate).await?.pop_front();
                (parking.closed_until, parking.reserved) = (slot, true);
                if slot.is_some_and(|slot| slot > Instant::now()) {
                    continue;
                }
            }
            let Some(row) = parking.parked.pop_front() else { continue };
            parking.reserved = false;
            parking.under_way += 1;
            return Ok(Some(row));
        }
        Ok(None)
    }

    /// A row came back from its carrier: its letter is through, or was never begun.
    pub fn came_back(&mut self, domain: Option<&String>) {
        if let Some(parking) = domain.and_then(|domain| self.domains.get_mut(domain)) {
            parking.under_way = parking.under_way.saturating_sub(1);
        }
    }

    /// Whether rows are parked.
    pub fn is_waiting(&self) -> bool {
        self.domains.values().any(|parking| !parking.parked.is_empty())
    }

    /// When a parked row may go at the soonest, unless a carrier's return is what it waits for.
    pub fn opens_at(&self) -> Option<Instant> {
        let waiting = self.domains.values().filter(|parking| !parking.parked.is_empty());
        waiting.filter_map(|parking| parking.closed_until).min()
    }
}

/// The time between two letters.
fn interval(rate: Rate) -> Duration {
    rate.per / rate.count.max(1)
}

async fn reserve(store: &mut Store, pace: &str, count: usize, rate: Rate) -> Result<VecDeque<Instant>> {
    // More than a thousand letters a second are let through by the millisecond.
    let step = i64::try_from(interval(rate).as_millis()).unwrap_or(i64::MAX).max(1);
    let now = wall_clock();
    let first = store.reserve(pace, i64::try_from(count).unwrap_or(i64::MAX), step, now).await?;
    let begin = Instant::now() + Duration::from_millis(u64::try_from(first - now).unwrap_or(0));
    let step = Duration::from_millis(step.unsigned_abs());
    Ok((0u32..).take(count).map(|number| begin + step * number).collect())
}

/// Milliseconds since 1970: what workers on several machines share. It paces letters and dates nothing, so that it is read
/// here and not handed in.
fn wall_clock() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
