//! What was made for readers, kept: each page is made once, and anew only when what it is made of is another.
//!
//! Promises: together no more than a bound; what was asked for longest ago goes first.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::web::kept::Content;

/// What all may take together, in bytes.
const MOST: usize = 32 * 1024 * 1024;

#[derive(Default)]
pub struct Made {
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    /// By address: from what it was made, the content, and when it was asked for.
    contents: HashMap<String, (String, Arc<Content>, u64)>,
    weight: usize,
    turn: u64,
}

impl Made {
    /// What was made for this address from just this.
    pub fn get(&self, address: &str, from: &str) -> Option<Arc<Content>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.turn += 1;
        let turn = held.turn;
        let (made_from, content, age) = held.contents.get_mut(address)?;
        if made_from != from {
            return None;
        }
        *age = turn;
        Some(content.clone())
    }

    pub fn put(&self, address: &str, from: &str, content: &Arc<Content>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.turn += 1;
        let turn = held.turn;
        held.weight += content.weight();
        if let Some((_, old, _)) =
            held.contents.insert(address.to_string(), (from.to_string(), content.clone(), turn))
        {
            held.weight -= old.weight();
        }
        while held.weight > MOST {
            let oldest = held.contents.iter().min_by_key(|(_, (_, _, age))| *age).map(|(address, _)| address.clone());
            let Some((_, gone, _)) = oldest.and_then(|address| held.contents.remove(&address)) else { break };
            held.weight -= gone.weight();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn what_is_held_was_made_from_what_there_is_and_stays_within_its_bound() {
        let made = Made::default();
        let content = |size: usize| Arc::new(Content::made(vec![b'x'; size], SystemTime::UNIX_EPOCH, true));
        made.put("a/1/", "one", &content(10));
        assert!(made.get("a/1/", "one").is_some());
        assert!(made.get("a/1/", "two").is_none() && made.get("a/2/", "one").is_none());
        for number in 0..20 {
            made.put(&format!("b/{number}/"), "one", &content(1024 * 1024));
            assert!(made.get("a/1/", "one").is_some());
        }
        let held = made.held.lock().unwrap();
        assert!(held.weight <= MOST && held.contents.len() < 20, "{}", held.contents.len());
        assert!(held.contents.contains_key("b/19/") && !held.contents.contains_key("b/0/"));
        assert_eq!(held.weight, held.contents.values().map(|(_, content, _)| content.weight()).sum::<usize>());
    }
}
