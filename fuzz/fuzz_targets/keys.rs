//! Any bytes as the file of the keys: keys, or a word about what is wrong that shows nothing of them.
#![no_main]

use crieur::secrets::Secrets;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = std::env::temp_dir().join(format!("crieur-fuzz-{}.key", std::process::id()));
    std::fs::write(&path, bytes).expect("a file");
    match Secrets::load(&std::env::temp_dir(), Some(&path)) {
        Ok(secrets) => {
            let secrets = secrets.expect("a file that is there");
            let again = Secrets::load(&std::env::temp_dir(), Some(&path)).ok().flatten().expect("the same file");
            assert_eq!(secrets.fingerprint(), again.fingerprint());
            assert!(secrets.recipient_id("ana@example.org") >= 0);
        }
        Err(error) => {
            let said = error.to_string();
            // Of a key, not of what is said anyhow: a fuzzer that watches comparisons writes that into the file itself.
            let is_of_a_key = |word: &&str| word.len() > 20 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
            for word in String::from_utf8_lossy(bytes).split_whitespace().filter(is_of_a_key) {
                assert!(!said.contains(word), "{said}");
            }
        }
    }
});
