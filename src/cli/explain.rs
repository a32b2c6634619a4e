//! `crieur explain`: why an address did or did not get each edition.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::arguments::Explain;
use super::office::{Office, runtime};
use super::{Globals, Outcome};
use crate::announce::readers;
use crate::config::{Config, Segment};
use crate::mail::address::Address;
use crate::store::bounces::Told;
use crate::store::explain::{Explained, NOT_KEPT, PassedOver, Why};

pub fn run(globals: &Globals, arguments: Explain) -> anyhow::Result<Outcome> {
    let address = match Address::parse(&arguments.address) {
        Ok(address) => address.to_string(),
        Err(why) => anyhow::bail!("{:?} is no address: {why}", arguments.address),
    };
    runtime()?.block_on(async {
        let mut office = Office::open(globals).await?;
        let recipient = office.secrets.recipient_id(&address);
        let standing = office.store.standing(recipient).await?;
        let suppression = office.store.suppression(recipient).await?;
        let deliveries = office.store.explain(recipient).await?;
        let told = office.store.told(recipient).await?;
        let mut passed_over = office.store.passed_over(recipient, &segments(&office.config)).await?;
        for newsletter in &office.config.newsletters {
            // Whoever left a list in a file stands in it still.
            let is_told = standing.iter().any(|(name, ..)| *name == newsletter.name);
            let listed = readers::in_file(&office.config, newsletter, &office.secrets, recipient);
            if let Some(listed) = listed.filter(|_| !is_told) {
                let (belongs, topics) = (listed.belongs, listed.topics.as_deref());
                let more = office.store.passed_over_in_file(recipient, &newsletter.name, belongs, topics).await?;
                passed_over.extend(more);
            }
        }
        let moved = office.store.moved_to(recipient).await?;
        let erased = office.store.erased_since(recipient).await?;
        let history = office.store.history_of(recipient).await?;
        office.store.close().await?;
        let zone = office.config.site.time_zone;
        let shown = |moment: DateTime<Utc>| moment.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S").to_string();
        let rfc3339 = |moment: DateTime<Utc>| moment.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        if globals.json {
            let standing: Vec<Value> = standing
                .iter()
                .map(|(newsletter, state, since)| {
                    json!({ "newsletter": newsletter, "state": state, "since": rfc3339(*since) })
                })
                .collect();
            let suppressed = suppression
                .as_ref()
                .map(|(reason, reply, at)| json!({ "reason": reason, "reply": reply, "at": rfc3339(*at) }));
            let editions: Vec<Value> = deliveries
                .iter()
                .map(|(newsletter, number, delivery)| match delivery {
                    None => {
                        let why = why(&passed_over, newsletter, *number);
                        json!({
                            "newsletter": newsletter,
                            "number": number,
                            "state": "not on its list",
                            "nothing_for_topics": match why { Some(Why::Topics(topics)) => Some(topics), _ => None },
                            "received_through": match why { Some(Why::Received(through)) => Some(through), _ => None },
                            "outside_segment": why == Some(&Why::Segment),
                        })
                    }
                    Some(delivery) => json!({
                        "newsletter": newsletter,
                        "number": number,
                        "state": delivery.state,
                        "attempts": delivery.attempts,
                        "uncertain": delivery.uncertain,
                        "at": rfc3339(delivery.updated),
                        "next_try": (delivery.state == "pending").then(|| rfc3339(delivery.next_try)),
                        "reply": delivery.reply,
                        "message_id": delivery.message_id,
                        "earlier_address": delivery.earlier,
                        "reports": of(&told, newsletter, *number)
                            .map(|one| json!({ "kind": one.kind, "reply": one.words, "at": rfc3339(one.at) }))
                            .collect::<Vec<_>>(),
                    }),
                })
                .collect();
            globals.print_json(&json!({
                "address": address, "newsletters": standing, "suppressed": suppressed, "editions": editions,
                "erased": erased.map(rfc3339), "history": history.len(),
                "moved": moved.map(|(to, at)| json!({ "to": to, "at": rfc3339(at) })),
            }))?;
            return Ok(Outcome::Done);
        }
        let mut lines = vec![address.clone()];
        for (newsletter, state, since) in &standing {
            lines.push(format!("  {newsletter}: {state} since {}", shown(*since)));
        }
        if let Some(since) = erased {
            lines.push(format!("  was erased on {}: no list takes this address in", shown(since)));
        } else if let Some((to, at)) = moved {
            lines.push(format!("  moved to {to} on {}", shown(at)));
        } else if standing.is_empty() {
            lines.push("  is on no newsletter's list in the database".to_string());
        }
        if let Some((reason, reply, at)) = &suppression {
            let reply = reply.as_deref().unwrap_or("");
            lines.push(format!("  suppressed since {} ({reason}): {reply}", shown(*at)));
        }
        if !history.is_empty() {
            lines.push(format!("  history: {} entries; see `crieur recipients history {address}`", history.len()));
        }
        for (newsletter, number, delivery) in &deliveries {
            lines.push(match delivery {
                None => {
                    let why = why(&passed_over, newsletter, *number);
                    format!("  {newsletter} n° {number}: {}", why_not(why))
                }
                Some(delivery) => format!("  {newsletter} n° {number}: {}", words(delivery, shown)),
            });
            lines.extend(of(&told, newsletter, *number).map(|report| {
                let at = shown(report.at);
                let words = &report.words;
                match report.kind.as_str() {
                    "hard" | "soft" => format!("    returned: {words}, on {at}"),
                    "complaint" => format!("    its reader called it spam, on {at}"),
                    kind => format!("    {kind}: {words}, on {at}"),
                }
            }));
        }
        globals.print(&(lines.join("\n") + "\n"))?;
        Ok(Outcome::Done)
    })
}

/// The newsletters' segments, of those that have one.
fn segments(config: &Config) -> BTreeMap<String, Segment> {
    let all = config.newsletters.iter().filter(|one| one.segment != Segment::default());
    all.map(|one| (one.name.clone(), one.segment.clone())).collect()
}

/// Why an edition had no letter for somebody on its newsletter.
fn why<'a>(passed_over: &'a [PassedOver], newsletter: &str, number: i64) -> Option<&'a Why> {
    let of = passed_over.iter().find(|one| one.newsletter == newsletter && one.number == number);
    of.map(|one| &one.why)
}

fn why_not(why: Option<&Why>) -> String {
    match why {
        Some(Why::Topics(topics)) => format!("nothing in it is of the topics chosen ({topics})"),
        Some(Why::Received(through)) => {
            format!("what is in it had come already through another newsletter ({})", through.join(", "))
        }
        Some(Why::Segment) => "outside the newsletter's segment".to_string(),
        None => "was not on its list when it was frozen".to_string(),
    }
}

/// What was reported of one edition.
fn of<'a>(told: &'a [Told], newsletter: &'a str, number: i64) -> impl Iterator<Item = &'a Told> {
    told.iter().filter(move |one| one.newsletter == newsletter && one.number == number)
}

fn words(delivery: &Explained, shown: impl Fn(DateTime<Utc>) -> String) -> String {
    let at = shown(delivery.updated);
    let reply = delivery.reply.as_deref().unwrap_or("");
    let edition = delivery.edition_state.as_str();
    let mut words = match delivery.state.as_str() {
        "pending" if delivery.attempts == 0 && edition != "sending" => format!("not tried: the edition is {edition}"),
        "pending" if delivery.attempts == 0 => "not tried yet".to_string(),
        "pending" => format!("tried {} times, again at {}: {reply}", delivery.attempts, shown(delivery.next_try)),
        "claimed" | "sending" => format!("under way since {at}"),
        NOT_KEPT => format!("no delivery is kept of it; it was reduced to totals on {at}"),
        state => format!("{state} at {at}: {reply}"),
    };
    if delivery.uncertain > 0 && delivery.state != "uncertain" {
        words.push_str(&format!(" (may have come {} times more: the answer was cut off)", delivery.uncertain));
    }
    if let Some(message_id) = &delivery.message_id {
        words.push_str(&format!(" {message_id}"));
    }
    if let Some(address) = &delivery.earlier {
        words.push_str(&format!(", at the earlier address {address}"));
    }
    words
}
