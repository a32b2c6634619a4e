//! Uses point one way, and this holds it: which module's files may name which other module.

use std::fs;
use std::path::{Path, PathBuf};

/// Each top-level module, with the ones that its files may use.
const MAY_USE: &[(&str, &[&str])] = &[
    ("problem", &[]),
    ("config", &["problem", "item"]),
    ("item", &["config", "problem"]),
    ("body", &["item", "config", "problem"]),
    ("selection", &["item", "config", "problem"]),
    ("publish", &["feed", "config", "problem"]),
    ("published", &["feed", "item", "config", "problem"]),
    ("schedule", &["config", "problem"]),
    ("feed", &["body", "selection", "item", "config", "problem"]),
    ("pictures", &["item", "config", "problem"]),
    ("digest", &["pictures", "body", "selection", "item", "config", "problem"]),
    ("lint", &["digest", "item", "config", "problem"]),
    ("secrets", &["config", "problem"]),
    ("people", &["mail", "store", "secrets", "config", "problem"]),
    ("git", &["problem"]),
    ("store", &["git", "item", "secrets", "config", "problem"]),
    ("project", &["publish", "digest", "body", "item", "config", "problem"]),
    ("mail", &["digest", "store", "secrets", "config", "problem"]),
    (
        "announce",
        &[
            "pictures",
            "publish",
            "mail",
            "people",
            "schedule",
            "digest",
            "store",
            "body",
            "selection",
            "item",
            "secrets",
            "config",
            "problem",
        ],
    ),
    ("status", &["store", "config", "problem"]),
    (
        "web",
        &[
            "status", "announce", "publish", "mail", "schedule", "feed", "digest", "store", "pictures", "secrets",
            "config", "problem",
        ],
    ),
    (
        "preview",
        &[
            "announce",
            "lint",
            "mail",
            "project",
            "publish",
            "published",
            "schedule",
            "feed",
            "digest",
            "store",
            "selection",
            "item",
            "secrets",
            "config",
            "problem",
        ],
    ),
];

fn rust_files(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with("tests.rs") || name == "tests" {
            continue;
        }
        if path.is_dir() {
            rust_files(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            into.push(path);
        }
    }
}

/// The modules that a file names, in `use crate::…`, `crate::…` and grouped uses, test code left out.
fn used(text: &str) -> Vec<String> {
    let tests = ["\nmod tests {", "\npub(crate) mod tests {"];
    let end = tests.iter().filter_map(|start| text.find(start)).min().unwrap_or(text.len());
    let code = &text[..end];
    let mut found = Vec::new();
    for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for part in line.split("crate::").skip(1) {
            let name: String = part.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            if !name.is_empty() {
                found.push(name);
            }
        }
    }
    found
}

#[test]
fn uses_point_one_way() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let mut wrong = Vec::new();
    let mut checked = 0;
    for file in &files {
        let relative = file.strip_prefix(&source).expect("under src");
        let first = relative.components().next().expect("a name").as_os_str().to_string_lossy().replace(".rs", "");
        let Some((_, allowed)) = MAY_USE.iter().find(|(module, _)| *module == first) else {
            assert!(
                matches!(first.as_str(), "main" | "lib" | "cli"),
                "{first}: a module that this test does not know"
            );
            continue;
        };
        checked += 1;
        let text = fs::read_to_string(file).expect("a readable source");
        for name in used(&text) {
            if name != first && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{} uses {name}", relative.display()));
            }
        }
        // Only delivery and the flow of editions know both the ledger and the wire.
        let path = relative.to_string_lossy();
        if ["mail/smtp", "mail/maildir", "mail/sendmail", "mail/letter", "mail/bounce"]
            .iter()
            .any(|p| path.starts_with(p))
        {
            assert!(!used(&text).iter().any(|name| name == "store"), "{path} must not know the store");
        }
    }
    assert!(checked > 20, "only {checked} files were checked");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
