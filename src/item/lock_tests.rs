use proptest::prelude::*;

use super::*;

fn row(id: &str) -> LockRow {
    let date = "2024-07-25T00:00:00Z".parse().unwrap();
    LockRow {
        id: id.to_string(),
        path: "posts/a.md".to_string(),
        title: "A title".to_string(),
        date,
        body: BodyHash::of("text"),
        url: id.to_string(),
        updated: date,
        plus: 0,
        seen: None,
        gone: None,
    }
}

fn read(text: &str) -> Lock {
    let (lock, problems) = Lock::parse(text, "feeds/items.lock");
    assert!(problems.is_empty(), "{problems:?}");
    lock
}

#[test]
fn a_row_is_a_line_of_its_parts_between_tabs() {
    let mut whole = row("https://example.org/a/");
    whole.title = "Tab\there, a\nbreak and a \\".to_string();
    whole.url = "https://example.org/b/".to_string();
    whole.updated += chrono::Duration::days(1);
    whole.plus = 3;
    whole.seen = Some(whole.date);
    whole.gone = Some(whole.updated);
    let lock = Lock::from_rows(vec![whole]);
    let text = lock.to_text();
    assert_eq!(
        text.lines().last(),
        Some(
            "https://example.org/a/\tposts/a.md\tTab\\there, a\\nbreak and a \\\\\t2024-07-25T00:00:00Z\t831c6831fdc9a309a4c66cc3cb2fa374\t\
             url=https://example.org/b/\tupdated=2024-07-26T00:00:00Z\tplus=3\tseen=2024-07-25T00:00:00Z\tgone=2024-07-26T00:00:00Z"
        )
    );
    assert_eq!(read(&text), lock);
}

#[test]
fn an_id_that_begins_like_a_remark_or_a_merge_mark_is_read_back() {
    let lock = Lock::from_rows(vec![row("#1"), row("<<<<<<< x"), row("=======")]);
    assert_eq!(read(&lock.to_text()), lock);
}

#[test]
fn a_merge_by_union_is_read_whatever_its_order() {
    let ours = Lock::from_rows(vec![row("b"), row("a")]).to_text();
    let theirs = Lock::from_rows(vec![row("c"), row("b")]).to_text();
    let merged = read(&format!("{theirs}{ours}"));
    assert_eq!(merged.rows().iter().map(|row| row.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    let conflict = format!("<<<<<<< ours\r\n{}=======\n{theirs}>>>>>>> theirs\n", ours.replace('\n', "\r\n"));
    assert_eq!(read(&conflict), merged);
}

#[test]
fn rows_of_one_id_that_differ_both_stay_and_count_once() {
    let mut moved = row("a");
    moved.path = "posts/b.md".to_string();
    let mut lock = Lock::from_rows(vec![row("a")]);
    lock.fill_from(&Lock::from_rows(vec![moved.clone(), row("a"), row("z")]));
    assert_eq!(lock.rows(), [row("a"), moved, row("z")]);
    assert_eq!(lock.len(), 2);
}

#[test]
fn a_line_that_cannot_be_read_is_named_and_the_others_are_read() {
    let text = format!("{}oops\n", Lock::from_rows(vec![row("a")]).to_text());
    let (lock, problems) = Lock::parse(&text, "feeds/items.lock");
    assert_eq!(lock.rows(), [row("a")]);
    assert_eq!(problems.0.len(), 1);
    assert!(problems.0[0].to_string().starts_with("feeds/items.lock:4:1: "), "{}", problems.0[0]);
}

proptest! {
    #[test]
    fn no_text_panics(text in "([a-z#\\\\=<\t\n\r]|2024-07-25T00:00:00Z|plus=9|\\PC){0,60}") {
        let (lock, _) = Lock::parse(&text, "x");
        prop_assert_eq!(&Lock::parse(&lock.to_text(), "x").0, &lock);
    }

    #[test]
    fn any_row_is_read_back(id in "[^\0]{1,10}", path in ".{1,10}", title in "(?s).{0,20}") {
        let lock = Lock::from_rows(vec![LockRow { path, title, url: format!("{id}x"), ..row(&id) }]);
        prop_assert_eq!(&Lock::parse(&lock.to_text(), "x").0, &lock);
    }
}
