use chrono::Duration;
use proptest::prelude::*;

use super::*;
use crate::item::load::tests::{Site, now};

const A: &str = "---\ntitle: Alpha\ndate: 2024-07-25\n---\nThe first text.\n";
const B: &str = "---\ntitle: Beta\ndate: 2024-07-25\n---\nThe second text.\n";

/// A site and what it remembers, from one run to the next.
struct Runs {
    site: Site,
    lock: Lock,
    now: DateTime<Utc>,
}

impl Runs {
    fn new(content: &str, files: &[(&str, &str)]) -> Self {
        let content = format!("  permalink: /{{stem}}/\n{content}");
        Runs { site: Site::new(&content, files), lock: Lock::default(), now: now() }
    }

    /// Reads, identifies, and keeps the lock as its text would.
    fn run(&mut self) -> (Vec<Item>, Identified) {
        let mut items = self.site.load().items;
        let identified = identify(&mut items, self.lock.clone(), &self.site.config, self.now);
        let (lock, problems) = Lock::parse(&identified.lock.to_text(), "feeds/items.lock");
        assert!(problems.is_empty(), "{problems:?}");
        assert_eq!(lock, identified.lock, "the text keeps everything");
        assert_eq!(identified.changed, lock != self.lock, "what is said to have changed has");
        self.lock = lock;
        (items, identified)
    }

    fn ids(&mut self) -> Vec<(String, String)> {
        self.run().0.iter().map(|item| (item.path().to_string(), item.id.clone())).collect()
    }

    fn rename(&self, from: &str, to: &str) {
        let root = self.site.root.path();
        std::fs::create_dir_all(root.join(to).parent().unwrap()).unwrap();
        std::fs::rename(root.join(from), root.join(to)).unwrap();
    }

    fn remove(&self, path: &str) {
        std::fs::remove_file(self.site.root.path().join(path)).unwrap();
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(path, id)| (path.to_string(), id.to_string())).collect()
}

#[test]
fn the_first_id_is_the_address_and_a_second_run_changes_nothing() {
    let mut runs = Runs::new("", &[("posts/a.md", A), ("posts/b.md", B)]);
    let (items, identified) = runs.run();
    assert_eq!(items[0].id, "https://example.org/a/");
    assert_eq!(identified.given, ["https://example.org/a/", "https://example.org/b/"]);
    assert!(identified.changed && identified.problems.is_empty());
    let (_, again) = runs.run();
    assert!(!again.changed && again.given.is_empty() && again.moved.is_empty() && again.vanished.is_empty());
}

#[test]
fn a_renamed_item_keeps_its_id() {
    let mut runs = Runs::new("", &[("posts/a.md", A), ("posts/b.md", B)]);
    runs.run();
    runs.rename("posts/a.md", "posts/new/alpha.md");
    let (items, identified) = runs.run();
    assert_eq!(items[1].path(), "posts/new/alpha.md");
    assert_eq!(items[1].id, "https://example.org/a/");
    assert_eq!(identified.moved.len(), 1);
    assert!(identified.moved[0].address_changed());
    assert!(identified.given.is_empty() && identified.vanished.is_empty() && identified.problems.is_empty());
    let (items, again) = runs.run();
    assert_eq!(items[1].id, "https://example.org/a/");
    assert!(again.moved.is_empty() && !again.changed);
}

#[test]
fn an_item_renamed_and_edited_keeps_its_id_by_title_and_date() {
    let mut runs = Runs::new("", &[("posts/a.md", A), ("posts/b.md", B)]);
    runs.run();
    runs.remove("posts/a.md");
    runs.site.write("posts/alpha.md", A.replace("first text", "first text, corrected"));
    assert_eq!(
        runs.ids(),
        pairs(&[("posts/alpha.md", "https://example.org/a/"), ("posts/b.md", "https://example.org/b/")])
    );
}

#[test]
fn an_edited_back_dated_or_retitled_item_keeps_its_id() {
    let mut runs = Runs::new("", &[("posts/a.md", A)]);
    runs.run();
    runs.site.write("posts/a.md", "---\ntitle: Another\ndate: 2001-01-01\n---\nOther words.\n");
    let (items, identified) = runs.run();
    assert_eq!(items[0].id, "https://example.org/a/");
    assert!(identified.given.is_empty() && identified.moved.is_empty() && identified.changed);
}

#[test]
fn a_changed_permalink_keeps_the_old_id_and_counts_as_moved() {
    let mut runs = Runs::new("", &[("posts/a.md", A), ("posts/b.md", B)]);
    runs.run();
    runs.site.config.content.permalink = "/actualites/{stem}/".to_string();
    let (items, identified) = runs.run();
    assert_eq!(items[0].id, "https://example.org/a/");
    assert_eq!(items[0].url, "https://example.org/actualites/a/");
    assert_eq!(identified.moved.iter().filter(|moved| moved.address_changed()).count(), 2);
    assert_eq!(identified.lock.len(), 2);
}

#[test]
fn two_files_that_swap_names_swap_their_ids() {
    let mut runs = Runs::new("", &[("posts/a.md", A), ("posts/b.md", B)]);
    runs.run();
    runs.site.write("posts/a.md", B);
    runs.site.write("posts/b.md", A);
    assert_eq!(
        runs.ids(),
        pairs(&[("posts/a.md", "https://example.org/b/"), ("posts/b.md", "https://example.org/a/")])
    );
}

#[test]
fn a_new_item_at_an_old_address_gets_another_id() {
    let mut runs = Runs::new("", &[("posts/a.md", A)]);
    runs.run();
    runs.rename("posts/a.md", "posts/z.md");
    runs.site.write("posts/a.md", B);
    assert_eq!(
        runs.ids(),
        pairs(&[("posts/a.md", "https://example.org/a/#2"), ("posts/z.md", "https://example.org/a/")])
    );
}

#[test]
fn a_new_item_beside_a_vanished_one_is_told_how_to_be_it() {
    let mut runs = Runs::new("", &[("posts/a.md", A)]);
    runs.run();
    runs.remove("posts/a.md");
    let other = "---\ntitle: Quite another\ndate: 2024-08-01\n---\nOther words.\n";
    runs.site.write("posts/c.md", other);
    let mut items = runs.site.load().items;
    let identified = identify(&mut items, runs.lock.clone(), &runs.site.config, runs.now);
    assert_eq!(identified.vanished, ["https://example.org/a/"]);
    assert_eq!(identified.problems.0.len(), 1);
    let problem = &identified.problems.0[0];
    assert!(problem.message.contains("posts/a.md"), "{problem}");
    assert!(problem.help.as_ref().unwrap().contains("id: https://example.org/a/"));
    runs.site.write("posts/c.md", other.replace("---\ntitle", "---\nid: https://example.org/a/\ntitle"));
    assert_eq!(runs.ids(), pairs(&[("posts/c.md", "https://example.org/a/")]));
}

#[test]
fn a_vanished_item_is_said_once_and_comes_back_as_itself() {
    let mut runs = Runs::new("", &[("posts/a.md", A), ("posts/b.md", B)]);
    runs.run();
    runs.remove("posts/a.md");
    assert_eq!(runs.run().1.vanished, ["https://example.org/a/"]);
    let (_, again) = runs.run();
    assert!(again.vanished.is_empty() && !again.changed);
    assert_eq!(again.lock.len(), 1);
    runs.now += Duration::days(400);
    runs.site.write("posts/back/alpha.md", A);
    let (items, identified) = runs.run();
    assert_eq!(items[1].id, "https://example.org/a/");
    assert!(identified.given.is_empty());
    assert_eq!(identified.lock.len(), 2);
}

#[test]
fn two_items_with_one_explicit_id_are_an_error_and_the_known_one_stays() {
    let with_id = A.replace("---\ntitle", "---\nid: urn:example:1\ntitle");
    let mut runs = Runs::new("", &[("posts/b.md", &with_id)]);
    runs.run();
    runs.site.write("posts/a.md", &with_id);
    let (items, identified) = runs.run();
    assert_eq!(
        items.iter().map(|item| (item.path(), item.id.as_str())).collect::<Vec<_>>(),
        [("posts/b.md", "urn:example:1")]
    );
    assert_eq!(
        identified.problems.0[0].to_string(),
        "posts/a.md:2:5: the id `urn:example:1` is also that of posts/b.md: this item is left out"
    );
}

#[test]
fn two_items_with_one_address_are_an_error() {
    let mut runs = Runs::new("", &[("posts/a.md", A), ("posts/x/a.md", B)]);
    let (items, identified) = runs.run();
    assert_eq!(items.len(), 1);
    assert_eq!(identified.problems.0[0].code, "double-address");
}

#[test]
fn an_explicit_id_that_is_no_address_becomes_one() {
    let mut runs = Runs::new("", &[("posts/a.md", &A.replace("---\ntitle", "---\nid: 42\ntitle"))]);
    assert_eq!(runs.run().0[0].id, "https://example.org/#42");
}

#[test]
fn tag_addresses_hold_the_date_on_which_the_name_was_ours() {
    let mut runs = Runs::new("  ids: tag\n  tag_date: 2024-01-01\n", &[("posts/a.md", A)]);
    assert_eq!(runs.run().0[0].id, "tag:example.org,2024-01-01:/a/");
}

#[test]
fn equal_instants_get_distinct_seconds_once() {
    let mut runs = Runs::new("  dates_in: UTC\n", &[("posts/b.md", B), ("posts/c.md", &B.replace("Beta", "C"))]);
    let seconds = |runs: &mut Runs| -> Vec<(String, String)> {
        let items = runs.run().0;
        items.iter().map(|item| (item.path().to_string(), item.updated.format("%H:%M:%S").to_string())).collect()
    };
    assert_eq!(seconds(&mut runs), pairs(&[("posts/b.md", "00:00:00"), ("posts/c.md", "00:00:01")]));
    runs.site.write("posts/a.md", A);
    let given = pairs(&[("posts/a.md", "00:00:02"), ("posts/b.md", "00:00:00"), ("posts/c.md", "00:00:01")]);
    assert_eq!(seconds(&mut runs), given);
    assert_eq!(seconds(&mut runs), given);
    // Its day named anew, an item gets a second of that day; `published` never moves.
    runs.site.write("posts/a.md", A.replace("2024-07-25", "2024-07-26"));
    let items = runs.run().0;
    assert_eq!(items[0].updated.to_rfc3339(), "2024-07-26T00:00:00+00:00");
    assert!(items[1..].iter().all(|item| item.published.to_rfc3339() == "2024-07-25T00:00:00+00:00"));
}

#[test]
fn an_edit_alone_does_not_move_updated() {
    let mut runs = Runs::new("", &[("posts/a.md", A), ("posts/b.md", B)]);
    let before: Vec<_> = runs.run().0.iter().map(|item| item.updated).collect();
    runs.site.write("posts/b.md", B.replace("second text", "second text, edited"));
    runs.rename("posts/a.md", "posts/z.md");
    let mut after: Vec<_> = runs.run().0.iter().map(|item| item.updated).collect();
    after.reverse();
    assert_eq!(before, after);
}

#[test]
fn with_first_seen_an_item_dated_ahead_is_published_as_of_the_first_run_for_good() {
    let ahead = A.replace("2024-07-25", "2025-03-12");
    let mut runs = Runs::new("  future: first-seen\n", &[("posts/a.md", &ahead)]);
    let seen = runs.now;
    let item = runs.run().0.remove(0);
    assert_eq!((item.published, item.updated, item.date_only), (seen, seen, false));
    runs.now += Duration::days(100);
    assert_eq!(runs.run().0[0].published, seen);
    runs.site.write("posts/a.md", A);
    assert_eq!(runs.run().0[0].published, "2024-07-24T22:00:00Z".parse::<DateTime<Utc>>().unwrap());
}

#[test]
fn a_reset_file_is_filled_in_from_the_copy() {
    let mut runs = Runs::new("", &[("posts/a.md", A)]);
    runs.run();
    let committed = runs.lock.clone();
    runs.rename("posts/a.md", "posts/alpha.md");
    runs.run();
    runs.site.write("posts/alpha.md", "---\ntitle: All\ndate: 2001-01-01\n---\nof it changed.\n");
    runs.run();
    let copy = runs.lock.clone();
    runs.lock = committed;
    runs.lock.fill_from(&copy);
    assert_eq!(runs.ids(), pairs(&[("posts/alpha.md", "https://example.org/a/")]));
    assert_eq!(runs.lock.rows().len(), 1);
}

#[test]
fn empty_bodies_are_not_equal_bodies() {
    let empty = |title: &str, day: &str| format!("---\ntitle: {title}\ndate: 2024-07-{day}\n---\n");
    let mut runs = Runs::new("", &[("posts/a.md", &empty("A", "01"))]);
    runs.run();
    runs.remove("posts/a.md");
    runs.site.write("posts/b.md", empty("B", "02"));
    assert_eq!(runs.run().1.given, ["https://example.org/b/"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is done to files, no id is given twice, and nothing that only moved or was only edited is new.
    #[test]
    fn ids_are_never_shared_and_never_lost(steps in proptest::collection::vec((0u8..4, 0usize..4, 0usize..6), 1..12)) {
        let mut runs = Runs::new("", &[]);
        for index in 0..4 {
            runs.site.write(&format!("posts/{index}.md"), format!("---\ntitle: T{index}\ndate: 2024-07-25\n---\nText {index}.\n"));
        }
        let mut names: Vec<String> = (0..4).map(|index| format!("posts/{index}.md")).collect();
        runs.run();
        let mut fresh = 0;
        for (kind, which, number) in steps {
            let path = names[which].clone();
            match kind {
                0 => {
                    fresh += 1;
                    names[which] = format!("posts/r{fresh}-{number}.md");
                    runs.rename(&path, &names[which]);
                }
                1 => runs.site.write(&path, format!("---\ntitle: T{which}\ndate: 2024-07-25\n---\nText {which}, edit {number}.\n")),
                2 => runs.site.write(&path, format!("---\ntitle: T{which}\ndate: 20{number}1-01-01\n---\nText {which}.\n")),
                _ => {}
            }
            let (items, identified) = runs.run();
            prop_assert!(identified.given.is_empty(), "{:?}", identified.given);
            for (index, name) in names.iter().enumerate() {
                let item = items.iter().find(|item| item.path() == name).expect("every file is read");
                let expected = format!("https://example.org/{index}/");
                prop_assert_eq!(&item.id, &expected);
            }
            let mut updated: Vec<_> = items.iter().map(|item| item.updated).collect();
            updated.sort();
            updated.dedup();
            prop_assert_eq!(updated.len(), items.len());
        }
    }
}
