//! Which item is which: what the lock remembers, joined to what the files say, from the surest sign to the weakest.
//!
//! Promises: an id has one item at most, and an item one id; nothing is copied to find out, because of 10,000 items
//! nearly all are known by the first sign.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::ops::Range;

use super::explicit;
use crate::config::Config;
use crate::item::lock::{Lock, LockRow};
use crate::item::{BodyHash, Item};

/// What the lock knows, an id's rows together.
pub struct Known<'a> {
    rows: &'a [LockRow],
    /// Of each id, where its rows stand.
    pub groups: Vec<Range<usize>>,
    /// Of each id, the row that fits a file that exists, else the first.
    pub chosen: Vec<usize>,
}

impl<'a> Known<'a> {
    pub fn new(lock: &'a Lock, items: &[Item]) -> Self {
        let rows = lock.rows();
        let mut groups: Vec<Range<usize>> = Vec::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            match groups.last_mut() {
                Some(group) if rows[group.start].id == row.id => group.end = at + 1,
                _ => groups.push(at..at + 1),
            }
        }
        let mut chosen: Vec<usize> = groups.iter().map(|group| group.start).collect();
        if groups.len() < rows.len() {
            let paths: HashSet<&str> = items.iter().map(Item::path).collect();
            for (chosen, group) in chosen.iter_mut().zip(&groups) {
                *chosen = group.clone().find(|at| paths.contains(rows[*at].path.as_str())).unwrap_or(group.start);
            }
        }
        Known { rows, groups, chosen }
    }

    /// For each item, the id that is its own.
    pub fn matches(&self, items: &[Item], config: &Config) -> Matches {
        let mut matches = Matches { of_item: vec![None; items.len()], taken: vec![false; self.groups.len()] };
        let explicit: Vec<(usize, String)> =
            items.iter().enumerate().filter_map(|(index, item)| Some((index, explicit(item, config)?))).collect();
        if !explicit.is_empty() {
            let by_id: HashMap<&str, usize> =
                self.groups.iter().enumerate().map(|(at, group)| (self.rows[group.start].id.as_str(), at)).collect();
            for (index, id) in &explicit {
                if let Some(at) = by_id.get(id.as_str()) {
                    matches.join(*index, *at);
                }
            }
        }
        let says = |body: BodyHash| (!body.is_empty()).then_some(body);
        // From the surest sign to the weakest. A path whose file says something else entirely may have been taken over
        // by another item: an equal body elsewhere comes before the path alone.
        matches.pass(
            self,
            items,
            |row| Some((row.path.as_str(), says(row.body)?)),
            |item| Some((item.path(), says(item.body_hash)?)),
        );
        matches.pass(
            self,
            items,
            |row| Some((row.path.as_str(), row.title.as_str())),
            |item| Some((item.path(), item.title.as_str())),
        );
        matches.pass(
            self,
            items,
            |row| Some((says(row.body)?, row.title.as_str(), row.date.timestamp())),
            |item| Some((says(item.body_hash)?, item.title.as_str(), item.published.timestamp())),
        );
        matches.pass(
            self,
            items,
            |row| Some((says(row.body)?, row.title.as_str())),
            |item| Some((says(item.body_hash)?, item.title.as_str())),
        );
        matches.pass(
            self,
            items,
            |row| Some((says(row.body)?, row.date.timestamp())),
            |item| Some((says(item.body_hash)?, item.published.timestamp())),
        );
        matches.pass(self, items, |row| says(row.body), |item| says(item.body_hash));
        matches.pass(self, items, |row| Some(row.path.as_str()), |item| Some(item.path()));
        matches.pass(
            self,
            items,
            |row| Some((row.title.as_str(), row.date.timestamp())),
            |item| Some((item.title.as_str(), item.published.timestamp())),
        );
        matches
    }
}

pub struct Matches {
    /// Of each item, its group.
    pub of_item: Vec<Option<usize>>,
    /// Of each group, whether it has its item.
    pub taken: Vec<bool>,
}

impl Matches {
    fn join(&mut self, item: usize, group: usize) {
        if self.of_item[item].is_none() && !self.taken[group] {
            self.of_item[item] = Some(group);
            self.taken[group] = true;
        }
    }

    /// Joins items and groups that are left over and have the same key: the first with the first.
    fn pass<'a, K: Eq + Hash>(
        &mut self,
        known: &Known<'a>,
        items: &'a [Item],
        row_key: impl Fn(&'a LockRow) -> Option<K>,
        item_key: impl Fn(&'a Item) -> Option<K>,
    ) {
        if self.of_item.iter().all(Option::is_some) || self.taken.iter().all(|taken| *taken) {
            return;
        }
        // Groups of one key are a chain, the first first: nearly every key has one, which needs no list of its own.
        let mut links: Vec<(usize, Option<usize>)> = Vec::with_capacity(known.rows.len());
        let mut heads: HashMap<K, usize> = HashMap::with_capacity(known.rows.len());
        for (at, group) in known.groups.iter().enumerate().rev().filter(|(at, _)| !self.taken[*at]) {
            for key in known.rows[group.clone()].iter().filter_map(&row_key) {
                let next = heads.insert(key, links.len());
                links.push((at, next));
            }
        }
        for (index, item) in items.iter().enumerate() {
            if self.of_item[index].is_some() {
                continue;
            }
            let Some(head) = item_key(item).and_then(|key| heads.get_mut(&key)) else { continue };
            let mut link = Some(*head);
            while let Some((at, next)) = link.and_then(|at| links.get(at)).copied() {
                if !self.taken[at] {
                    self.join(index, at);
                    break;
                }
                link = next;
            }
            // What was taken on the way stays taken.
            *head = link.unwrap_or(links.len());
        }
    }
}
