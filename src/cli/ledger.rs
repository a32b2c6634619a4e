//! How editions and their ledgers are shown, as JSON and as a table.

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use crate::config::{Config, place_of};
use crate::problem::{Problem, Problems};
use crate::store::editions::{Counts, Edition, State};

/// Longer than a mail server is down for, unless a person does something.
const LONG_WAIT: TimeDelta = TimeDelta::days(1);

/// An edition as the contract's JSON lists it.
pub fn as_json(edition: &Edition) -> Value {
    let counts = &edition.counts;
    json!({
        "newsletter": edition.newsletter,
        "number": edition.number,
        "state": edition.state.as_str(),
        "reason": edition.reason,
        "items": edition.items,
        "send_at": edition.send_at.map(|moment| moment.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        "previewed": edition.previewed.map(|moment| moment.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
        "eligible": counts.eligible,
        "accepted": counts.accepted,
        "refused": counts.refused,
        "suppressed": counts.suppressed,
        "uncertain": counts.uncertain,
        "pending": counts.pending,
        "deferred": counts.deferred,
        "returned": counts.reports.returned,
        "complaints": counts.reports.complaints,
        "next_try": counts.next_try.map(|moment| moment.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)),
    })
}

/// Whether a person should look at an edition.
pub fn needs_a_person(edition: &Edition) -> bool {
    edition.state == State::Held || edition.counts.uncertain > 0
}

/// That an edition waits for the mail server too long: one that is down wakes nobody, one that stays down does.
pub fn long_wait(edition: &Edition, words: &str, config: &Config, now: DateTime<Utc>) -> Problems {
    if now - edition.composed < LONG_WAIT {
        return Problems::new();
    }
    let (name, number) = (&edition.newsletter, edition.number);
    let since = edition.composed.with_timezone(&config.site.time_zone).format("%Y-%m-%d %H:%M");
    let message = format!("{name} n° {number}, frozen on {since}, cannot leave: {words}");
    let place = place_of(&config.root, "config/crieur.yaml", &["mail", "transport"]);
    let help = "look at the mail server, and whether this is its name; every run tries again";
    Problems(vec![Problem::error("mail-server-down", message).help(help).at(place)])
}

/// Editions as a table: a line each, and a line below for what a person should know.
pub fn as_table(editions: &[Edition], zone: Tz) -> String {
    let header =
        ["edition", "state", "composed", "eligible", "accepted", "refused", "suppressed", "uncertain", "pending"];
    let mut rows = vec![header.map(str::to_string)];
    for edition in editions {
        let counts = &edition.counts;
        let composed = edition.composed.with_timezone(&zone).format("%Y-%m-%d %H:%M");
        let mut row = [
            format!("{} n° {}", edition.newsletter, edition.number),
            edition.state.as_str().to_string(),
            composed.to_string(),
        ]
        .to_vec();
        let numbers =
            [counts.eligible, counts.accepted, counts.refused, counts.suppressed, counts.uncertain, counts.pending];
        // An empty place is quicker to pass over than a zero.
        row.extend(numbers.iter().map(|number| if *number == 0 { "-".to_string() } else { number.to_string() }));
        rows.extend(<[String; 9]>::try_from(row));
    }
    let widths: Vec<usize> = (0..header.len())
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut out = String::new();
    for (index, row) in rows.iter().enumerate() {
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let padding = " ".repeat(width - cell.chars().count());
            let cell = if column < 3 { format!("{cell}{padding}") } else { format!("{padding}{cell}") };
            out.push_str(if column == 0 { "" } else { "  " });
            out.push_str(&cell);
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
        if let Some(edition) = index.checked_sub(1).and_then(|index| editions.get(index)) {
            for note in notes(edition, zone) {
                out.push_str(&format!("    {note}\n"));
            }
        }
    }
    out
}

/// What a person should know of an edition, and what to do.
pub fn notes(edition: &Edition, zone: Tz) -> Vec<String> {
    let (newsletter, number, counts) = (&edition.newsletter, edition.number, &edition.counts);
    let mut notes = Vec::new();
    match (edition.state, &edition.reason) {
        (State::Held, reason) => {
            let reason = reason.as_deref().unwrap_or("");
            notes.push(format!("held: {reason}"));
            notes.push(format!("then: crieur resume {newsletter} {number}, or crieur cancel {newsletter} {number}"));
        }
        (State::Composed, reason) => match (edition.send_at, reason) {
            (_, Some(reason)) if !reason.contains("crieur approve") => notes.push(format!("waits: {reason}")),
            (Some(moment), _) => {
                let moment = moment.with_timezone(&zone).format("%Y-%m-%d %H:%M");
                notes.push(format!("goes by itself on {moment}; to keep it back: crieur stop {newsletter} {number}"));
            }
            _ => notes.push(format!("waits for: crieur approve {newsletter} {number}")),
        },
        (_, Some(reason)) => notes.push(reason.clone()),
        _ => {}
    }
    if counts.uncertain > 0 {
        notes.push(format!(
            "{} cut off before the server answered: crieur resolve {newsletter} {number} [ADDRESS…] --sent (or --resend)",
            counts.uncertain
        ));
    }
    notes.extend(reports(counts));
    if let (State::Sending, Some(next)) = (edition.state, counts.next_try) {
        let next = next.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S");
        notes.push(format!("{} wait for another try, the first at {next}", counts.deferred));
    }
    notes
}

/// What was reported of letters that had been accepted.
fn reports(counts: &Counts) -> Vec<String> {
    let reports = &counts.reports;
    let mut notes = Vec::new();
    if reports.returned > 0 {
        let hard = match reports.hard {
            0 => String::new(),
            hard => format!(", {hard} because there is no such mailbox"),
        };
        notes.push(format!("{} of the accepted came back{hard}", reports.returned));
    }
    if reports.refused_by_policy(counts.accepted) {
        notes.push(format!(
            "{} came back refused by policy (5.7.x): that is ours to mend (SPF, DKIM, a blocked address), and gives up nobody",
            reports.policy
        ));
    }
    match reports.complaints {
        0 => {}
        1 => notes.push("1 reader called it spam, and gets no other".to_string()),
        many => notes.push(format!("{many} readers called it spam, and get no other")),
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::bounces::Sums;

    #[test]
    fn the_table_reads_at_a_glance() {
        let edition = |number, state, counts| Edition {
            id: number,
            newsletter: "referents".to_string(),
            number,
            state,
            reason: (state == State::Held).then(|| "too many".to_string()),
            items: vec![],
            composed: "2026-03-01T08:00:00Z".parse().unwrap(),
            send_at: None,
            previewed: None,
            counts,
        };
        let reports = Sums { returned: 2, hard: 1, policy: 0, complaints: 1 };
        let done = Counts { eligible: 12, accepted: 12, reports, ..Counts::default() };
        let held = Counts { eligible: 1300, pending: 1300, ..Counts::default() };
        let table =
            as_table(&[edition(9, State::Done, done), edition(10, State::Held, held)], chrono_tz::Europe::Paris);
        assert_eq!(
            table,
            "\
edition          state  composed          eligible  accepted  refused  suppressed  uncertain  pending
referents n° 9   done   2026-03-01 09:00        12        12        -           -          -        -
    2 of the accepted came back, 1 because there is no such mailbox
    1 reader called it spam, and gets no other
referents n° 10  held   2026-03-01 09:00      1300         -        -           -          -     1300
    held: too many
    then: crieur resume referents 10, or crieur cancel referents 10
"
        );
    }
}
