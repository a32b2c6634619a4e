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

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Duration, Utc};
use rayon::prelude::*;

use super::Item;
pub use super::lock::{Lock, LockRow};
use super::plain::one_line;
use crate::config::{Config, Future, Ids};
use crate::problem::{Problem, Problems};

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
pub fn identify(items: &mut Vec<Item>, lock: &Lock, config: &Config, now: DateTime<Utc>) -> Identified {
    let mut identified = Identified::default();
    leave_out_doubles(items, lock, config, &mut identified.problems);

    let bodies: Vec<String> = items.par_iter().with_min_len(64).map(|item| body_hash(item.body())).collect();
    let known = Known::new(lock, items);
    let matches = known.matches(items, &bodies, config);

    let mut rows: Vec<LockRow> = Vec::with_capacity(known.groups.len().max(items.len()));
    let mut taken_ids: HashSet<String> = known.groups.iter().map(|group| group[0].id.clone()).collect();
    let matched: HashSet<usize> = matches.iter().flatten().copied().collect();
    let mut lost: Vec<&LockRow> = Vec::new();
    for (index, group) in known.groups.iter().enumerate().filter(|(index, _)| !matched.contains(index)) {
        let row = known.chosen[index].unwrap_or(group[0]);
        if row.gone.is_none() {
            identified.vanished.push(row.id.clone());
            lost.push(row);
        }
        rows.push(LockRow { gone: row.gone.or(Some(now)), ..row.clone() });
    }

    for (index, item) in items.iter_mut().enumerate() {
        let (written, written_updated) = (item.published, item.updated);
        let group = matches[index].map(|at| (&known.groups[at], known.chosen[at].unwrap_or(known.groups[at][0])));
        let mut row = LockRow {
            id: String::new(),
            path: item.path().to_string(),
            title: item.title.clone(),
            date: written,
            body: bodies[index].clone(),
            url: item.url.clone(),
            updated: written_updated,
            plus: -1,
            seen: None,
            gone: None,
        };
        match group {
            Some((group, before)) => {
                row.id = before.id.clone();
                row.seen = group.iter().filter_map(|row| row.seen).min();
                let same = |other: &&&LockRow| other.updated == written_updated;
                row.plus = [before].iter().chain(group.iter()).find(same).map_or(-1, |row| row.plus);
                if before.path != row.path || before.url != row.url {
                    identified.moved.push(Moved {
                        id: row.id.clone(),
                        from_path: before.path.clone(),
                        to_path: row.path.clone(),
                        from_url: before.url.clone(),
                        to_url: row.url.clone(),
                    });
                }
            }
            None => {
                row.id = new_id(item, config, &mut taken_ids);
                identified.given.push(row.id.clone());
                warn_of_lost(item, &lost, &mut identified.problems);
            }
        }
        if config.content.future == Future::FirstSeen {
            first_seen(item, &mut row, now);
        }
        item.id = row.id.clone();
        rows.push(row);
    }

    let first_new = rows.len() - items.len();
    distinct_seconds(&mut rows, items, first_new);
    identified.lock = Lock::from_rows(rows);
    identified.changed = identified.lock != *lock;
    identified
}

/// Dated ahead when it was first seen, an item is published as of that moment, or as of an earlier date given since.
fn first_seen(item: &mut Item, row: &mut LockRow, now: DateTime<Utc>) {
    if row.seen.is_none() && item.published > now {
        row.seen = Some(now);
    }
    let Some(seen) = row.seen.filter(|seen| *seen < item.published) else { return };
    if item.updated == item.published {
        item.updated = seen;
    }
    item.published = seen;
    item.date_only = false;
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

/// What the lock knows, an id's rows together.
struct Known<'a> {
    groups: Vec<Vec<&'a LockRow>>,
    /// Of each group, the row that fits a file that exists, if one does.
    chosen: Vec<Option<&'a LockRow>>,
}

impl<'a> Known<'a> {
    fn new(lock: &'a Lock, items: &[Item]) -> Self {
        let paths: HashSet<&str> = items.iter().map(Item::path).collect();
        let mut groups: Vec<Vec<&LockRow>> = Vec::new();
        for row in lock.rows() {
            match groups.last_mut() {
                Some(group) if group[0].id == row.id => group.push(row),
                _ => groups.push(vec![row]),
            }
        }
        let chosen =
            groups.iter().map(|group| group.iter().find(|row| paths.contains(row.path.as_str())).copied()).collect();
        Known { groups, chosen }
    }

    /// For each item, the group that is its own.
    fn matches(&self, items: &[Item], bodies: &[String], config: &Config) -> Vec<Option<usize>> {
        let mut matches = Matches { of_item: vec![None; items.len()], taken: vec![false; self.groups.len()] };
        let explicit: Vec<Option<String>> = items.iter().map(|item| explicit(item, config)).collect();
        let by_id: HashMap<&str, usize> =
            self.groups.iter().enumerate().map(|(at, group)| (group[0].id.as_str(), at)).collect();
        for (index, id) in explicit.iter().enumerate() {
            if let Some(at) = id.as_deref().and_then(|id| by_id.get(id)) {
                matches.join(index, *at);
            }
        }
        let date = |at: DateTime<Utc>| at.timestamp().to_string();
        let has_body = |row: &LockRow| !row.body.is_empty();
        // From the surest sign to the weakest. A path whose file says something else entirely may have been taken over
        // by another item: an equal body elsewhere comes before the path alone.
        matches.pass(
            self,
            items,
            |row| has_body(row).then(|| [row.path.clone(), row.body.clone()]),
            |index, item| Some([item.path().to_string(), bodies[index].clone()]),
        );
        matches.pass(
            self,
            items,
            |row| Some([row.path.clone(), row.title.clone()]),
            |_, item| Some([item.path().to_string(), item.title.clone()]),
        );
        matches.pass(
            self,
            items,
            |row| has_body(row).then(|| [row.body.clone(), row.title.clone(), date(row.date)]),
            |index, item| Some([bodies[index].clone(), item.title.clone(), date(item.published)]),
        );
        matches.pass(
            self,
            items,
            |row| has_body(row).then(|| [row.body.clone(), row.title.clone()]),
            |index, item| Some([bodies[index].clone(), item.title.clone()]),
        );
        matches.pass(
            self,
            items,
            |row| has_body(row).then(|| [row.body.clone(), date(row.date)]),
            |index, item| Some([bodies[index].clone(), date(item.published)]),
        );
        matches.pass(
            self,
            items,
            |row| has_body(row).then(|| [row.body.clone()]),
            |index, _| Some([bodies[index].clone()]),
        );
        matches.pass(self, items, |row| Some([row.path.clone()]), |_, item| Some([item.path().to_string()]));
        matches.pass(
            self,
            items,
            |row| Some([row.title.clone(), date(row.date)]),
            |_, item| Some([item.title.clone(), date(item.published)]),
        );
        matches.of_item
    }
}

struct Matches {
    of_item: Vec<Option<usize>>,
    taken: Vec<bool>,
}

impl Matches {
    fn join(&mut self, item: usize, group: usize) {
        if self.of_item[item].is_none() && !self.taken[group] {
            self.of_item[item] = Some(group);
            self.taken[group] = true;
        }
    }

    /// Joins items and groups that are left over and have the same key: the first with the first.
    fn pass<const N: usize>(
        &mut self,
        known: &Known<'_>,
        items: &[Item],
        row_key: impl Fn(&LockRow) -> Option<[String; N]>,
        item_key: impl Fn(usize, &Item) -> Option<[String; N]>,
    ) {
        if self.of_item.iter().all(Option::is_some) || self.taken.iter().all(|taken| *taken) {
            return;
        }
        let mut groups: HashMap<[String; N], Vec<usize>> = HashMap::new();
        for (at, group) in known.groups.iter().enumerate().rev().filter(|(at, _)| !self.taken[*at]) {
            for key in group.iter().filter_map(|row| row_key(row)) {
                groups.entry(key).or_default().push(at);
            }
        }
        for (index, item) in items.iter().enumerate() {
            if self.of_item[index].is_some() {
                continue;
            }
            let Some(candidates) = item_key(index, item).and_then(|key| groups.get_mut(&key)) else { continue };
            while let Some(at) = candidates.pop() {
                if !self.taken[at] {
                    self.join(index, at);
                    break;
                }
            }
        }
    }
}

/// A hash of what the body says: line breaks and the space around it make no difference. Empty for an empty one.
fn body_hash(body: &str) -> String {
    let body = body.trim();
    if body.is_empty() {
        return String::new();
    }
    let mut hasher = blake3::Hasher::new();
    if body.contains('\r') {
        hasher.update(body.replace("\r\n", "\n").as_bytes());
    } else {
        hasher.update(body.as_bytes());
    }
    hasher.finalize().to_hex()[..32].to_string()
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
    let known: HashSet<&str> = lock.rows().iter().map(|row| row.path.as_str()).collect();
    let mut by_claim: BTreeMap<(bool, String), usize> = BTreeMap::new();
    let mut out: HashMap<usize, Problem> = HashMap::new();
    for (index, item) in items.iter().enumerate() {
        let claims = [(true, Some(item.url.clone())), (false, explicit(item, config))];
        for (is_url, claim) in claims {
            let Some(claim) = claim else { continue };
            let Some(&first) = by_claim.get(&(is_url, claim.clone())) else {
                by_claim.insert((is_url, claim), index);
                continue;
            };
            let later_is_known = known.contains(item.path()) && !known.contains(items[first].path());
            let (kept, left) = if later_is_known { (index, first) } else { (first, index) };
            let what = if is_url { format!("the address {claim}") } else { format!("the id `{}`", item.id) };
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
            by_claim.insert((is_url, claim), kept);
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

fn warn_of_lost(item: &Item, lost: &[&LockRow], problems: &mut Problems) {
    let Some(first) = lost.first() else { return };
    let mut names: Vec<&str> = lost.iter().take(3).map(|row| row.path.as_str()).collect();
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
