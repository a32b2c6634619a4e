//! The one id that an item keeps for life, whatever becomes of its file.
//!
//! The id is the front matter's `id`, else the item's address when it was first seen, or a `tag:` address (RFC 4151).
//! [`Lock`] remembers it. A file is known again by its path and something of its content, then by an equal body, then
//! by its path alone, then by equal title and date; else it is new.
//!
//! Promises: no id is ever given twice; a renamed, edited, moved or back-dated item keeps its id and its second in
//! `updated`; what vanished is remembered, and comes back as itself.
//!
//! BUGS: an item renamed *and* rewritten, title or date included, in one step is new: the warning names the vanished
//! one, whose id can be written into the front matter.

use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};

use super::Item;
pub use super::lock::{Lock, LockRow};
use super::plain::one_line;
use crate::config::{Config, Future, Ids};
use crate::problem::{Problem, Problems};

mod matching;

use matching::Known;

/// What identity found out.
#[derive(Clone, Debug, Default)]
pub struct Identified {
    /// To be kept instead of the one handed in.
    pub lock: Lock,
    /// Ids given for the first time.
    pub given: Vec<String>,
    pub moved: Vec<Moved>,
    /// Ids whose file was found missing this time.
    pub vanished: Vec<String>,
    /// The lock differs from the one handed in.
    pub changed: bool,
    pub problems: Problems,
}

/// A known item that stands elsewhere now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub id: String,
    pub from_path: String,
    pub to_path: String,
    pub from_url: String,
    pub to_url: String,
}

impl Moved {
    /// Its readers find it elsewhere; else only its file has another name.
    pub fn address_changed(&self) -> bool {
        self.from_url != self.to_url
    }
}

/// Gives every item its id and its distinct `updated`. An item that claims another's id or address is left out of
/// `items`, with an error.
pub fn identify(items: &mut Vec<Item>, lock: Lock, config: &Config, now: DateTime<Utc>) -> Identified {
    let mut identified = Identified::default();
    leave_out_doubles(items, &lock, config, &mut identified.problems);
    let known = Known::new(&lock, items);
    let matches = known.matches(items, config);
    let Known { groups, chosen, .. } = known;

    let mut taken_ids: HashSet<String> = HashSet::new();
    if matches.of_item.contains(&None) {
        taken_ids.extend(groups.iter().map(|group| lock.rows()[group.start].id.clone()));
    }
    identified.changed = groups.iter().any(|group| group.len() > 1);
    // Rows are moved from the old memory to the new: nearly all stay as they are.
    let mut before: Vec<LockRow> = lock.into_rows();
    let mut rows: Vec<LockRow> = Vec::with_capacity(groups.len().max(items.len()));
    let mut lost: Vec<usize> = Vec::new();
    for (index, _) in matches.taken.iter().enumerate().filter(|(_, taken)| !**taken) {
        let mut row = take(&mut before[chosen[index]]);
        if row.gone.is_none() {
            identified.vanished.push(row.id.clone());
            row.gone = Some(now);
            lost.push(rows.len());
        }
        rows.push(row);
    }
    let first_new = rows.len();

    let mut seconds_before: Vec<i64> = Vec::with_capacity(items.len());
    for (index, item) in items.iter_mut().enumerate() {
        let mut row = match matches.of_item[index] {
            Some(at) => {
                let group = groups[at].clone();
                let seen = before[group.clone()].iter().filter_map(|row| row.seen).min();
                let same = |row: &&LockRow| row.updated == item.updated;
                let plus = [&before[chosen[at]]].into_iter().chain(&before[group]).find(same).map(|row| row.plus);
                let mut row = take(&mut before[chosen[at]]);
                seconds_before.push(row.plus);
                identified.changed |= row.seen != seen;
                (row.seen, row.plus) = (seen, plus.unwrap_or(-1));
                identified.changed |= see(&mut row, item, &mut identified.moved);
                row
            }
            None => {
                let id = new_id(item, config, &mut taken_ids);
                identified.given.push(id.clone());
                warn_of_lost(item, &lost, &rows, &mut identified.problems);
                seconds_before.push(-1);
                new_row(id, item)
            }
        };
        if config.content.future == Future::FirstSeen {
            identified.changed |= first_seen(item, &mut row, now);
        }
        item.id.clone_from(&row.id);
        rows.push(row);
    }
    identified.changed |= !identified.given.is_empty() || !identified.vanished.is_empty();

    distinct_seconds(&mut rows, items, first_new);
    identified.changed |= rows[first_new..].iter().map(|row| row.plus).ne(seconds_before);
    identified.lock = Lock::from_rows(rows);
    identified
}

/// The row itself: what is left in its place is not looked at again.
fn take(row: &mut LockRow) -> LockRow {
    let nothing =
        LockRow { id: String::new(), path: String::new(), title: String::new(), url: String::new(), ..*row };
    std::mem::replace(row, nothing)
}

fn new_row(id: String, item: &Item) -> LockRow {
    LockRow {
        id,
        path: item.path().to_string(),
        title: item.title.clone(),
        date: item.published,
        body: item.body_hash,
        url: item.url.clone(),
        updated: item.updated,
        plus: -1,
        seen: None,
        gone: None,
    }
}

/// Brings a row up to what the item's files say now. Whether that changed it.
fn see(row: &mut LockRow, item: &Item, moved: &mut Vec<Moved>) -> bool {
    let (path, now) = (item.path(), (item.published, item.updated, item.body_hash));
    if row.path == path
        && row.url == item.url
        && row.title == item.title
        && (row.date, row.updated, row.body) == now
        && row.gone.is_none()
    {
        return false;
    }
    if row.path != path || row.url != item.url {
        moved.push(Moved {
            id: row.id.clone(),
            from_path: row.path.clone(),
            to_path: path.to_string(),
            from_url: row.url.clone(),
            to_url: item.url.clone(),
        });
    }
    path.clone_into(&mut row.path);
    row.url.clone_from(&item.url);
    row.title.clone_from(&item.title);
    (row.date, row.updated, row.body) = now;
    row.gone = None;
    true
}

/// Dated ahead when it was first seen, an item is published as of that moment, or as of an earlier date given since.
/// Whether it was first seen now.
fn first_seen(item: &mut Item, row: &mut LockRow, now: DateTime<Utc>) -> bool {
    let is_first = row.seen.is_none() && item.published > now;
    if is_first {
        row.seen = Some(now);
    }
    let Some(seen) = row.seen.filter(|seen| *seen < item.published) else { return is_first };
    if item.updated == item.published {
        item.updated = seen;
    }
    item.published = seen;
    item.date_only = false;
    is_first
}

/// Gives equal instants distinct seconds in `updated`, in the order of the paths; what was given before stays.
fn distinct_seconds(rows: &mut [LockRow], items: &mut [Item], first: usize) {
    let mut taken: HashSet<i64> = HashSet::with_capacity(rows.len());
    let mut later = Vec::new();
    for (index, row) in rows.iter_mut().enumerate() {
        let base = if index >= first { items[index - first].updated } else { row.updated };
        if row.plus >= 0 && taken.insert(base.timestamp() + row.plus) {
            continue;
        }
        if index >= first {
            later.push(index);
        }
    }
    let mut next: HashMap<i64, i64> = HashMap::new();
    for index in later {
        let base = items[index - first].updated.timestamp();
        let plus = next.entry(base).or_insert(0);
        while !taken.insert(base + *plus) {
            *plus += 1;
        }
        rows[index].plus = *plus;
    }
    for (item, row) in items.iter_mut().zip(&rows[first..]) {
        item.updated = item.updated.checked_add_signed(Duration::seconds(row.plus)).unwrap_or(item.updated);
    }
}

/// The id that the front matter asks for. What is no address becomes one below the site's: feeds ask for it.
fn explicit(item: &Item, config: &Config) -> Option<String> {
    if item.id.is_empty() {
        return None;
    }
    let id = one_line(&item.id);
    let scheme = id.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.is_empty()
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    });
    if scheme && !id.contains([' ', '<', '>', '"', '{', '}', '|', '\\', '^', '`']) {
        return Some(id);
    }
    let mut url = config.site.url.clone();
    url.set_fragment(Some(&id));
    Some(url.into())
}

fn new_id(item: &Item, config: &Config, taken: &mut HashSet<String>) -> String {
    let wanted = explicit(item, config).unwrap_or_else(|| match &config.content.ids {
        Ids::Permalink => item.url.clone(),
        Ids::Tag { date } => tag(&item.url, config, date),
    });
    let mut id = wanted.clone();
    let mut number = 2;
    // The address may have been another item's, which took its id along.
    while !taken.insert(id.clone()) {
        id = format!("{wanted}{}{number}", if wanted.contains('#') { "-" } else { "#" });
        number += 1;
    }
    id
}

/// RFC 4151: `tag:HOST,DATE:PATH`.
fn tag(address: &str, config: &Config, date: &str) -> String {
    let host = config.site.url.host_str().unwrap_or("localhost");
    let path = url::Url::parse(address).map(|url| url.path().to_string()).unwrap_or_default();
    format!("tag:{host},{date}:{path}")
}

/// Two files with one address, or one `id`: the one that is known, else the first, stays.
fn leave_out_doubles(items: &mut Vec<Item>, lock: &Lock, config: &Config, problems: &mut Problems) {
    let mut out: HashMap<usize, Problem> = HashMap::new();
    let paths = LazyCell::new(|| lock.rows().iter().map(|row| row.path.as_str()).collect::<HashSet<&str>>());
    let known = |item: &Item| paths.contains(item.path());
    let mut by_url: HashMap<&str, usize> = HashMap::with_capacity(items.len());
    let mut by_id: HashMap<String, usize> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let same_url = by_url.insert(&item.url, index);
        let same_id = explicit(item, config).and_then(|id| by_id.insert(id, index));
        for (is_url, first) in [(true, same_url), (false, same_id)] {
            let Some(first) = first else { continue };
            let later_is_known = known(item) && !known(&items[first]);
            let (kept, left) = if later_is_known { (index, first) } else { (first, index) };
            let what = if is_url { format!("the address {}", item.url) } else { format!("the id `{}`", item.id) };
            let help = if is_url {
                "give one of the two another `slug` or `permalink`"
            } else {
                "delete or change `id` in one of the two"
            };
            let message = format!("{what} is also that of {}: this item is left out", items[kept].path());
            let code = if is_url { "double-address" } else { "double-id" };
            let source = &items[left].source;
            let place = if is_url { source.place(0..3) } else { super::front_matter::place_of(source, "id") };
            out.entry(left).or_insert_with(|| Problem::error(code, message).help(help).at(place));
            if is_url {
                by_url.insert(&item.url, kept);
            } else if let Some(id) = explicit(item, config) {
                by_id.insert(id, kept);
            }
        }
    }
    if out.is_empty() {
        return;
    }
    let mut index = 0;
    items.retain(|_| {
        index += 1;
        match out.remove(&(index - 1)) {
            Some(problem) => {
                problems.push(problem);
                false
            }
            None => true,
        }
    });
}

fn warn_of_lost(item: &Item, lost: &[usize], rows: &[LockRow], problems: &mut Problems) {
    let Some(first) = lost.first().map(|at| &rows[*at]) else { return };
    let mut names: Vec<&str> = lost.iter().take(3).map(|at| rows[*at].path.as_str()).collect();
    let more = format!("{} more", lost.len().saturating_sub(3));
    if lost.len() > 3 {
        names.push(&more);
    }
    let verb = if lost.len() == 1 { "is" } else { "are" };
    problems.push(
        Problem::warning("new-or-moved", format!("this item counts as new, while {} {verb} gone", names.join(", ")))
            .help(format!(
                "if it is the same item, renamed and rewritten, add `id: {}` to its front matter",
                first.id
            ))
            .in_file(item.path()),
    );
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
