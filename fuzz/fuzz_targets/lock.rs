//! Any text as the items' memory: what is read is written and read back the same.
#![no_main]

use crieur::item::identity::Lock;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (lock, _) = Lock::parse(text, "feeds/items.lock");
    let (again, problems) = Lock::parse(&lock.to_text(), "feeds/items.lock");
    assert!(problems.is_empty());
    assert_eq!(again, lock);
});
