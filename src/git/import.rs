//! The two streams that git speaks: what `fast-import` reads, what `cat-file --batch` writes.

use super::{Change, Commit, Files, GitError, Result};

/// Who commits, unless the environment names somebody.
const NAME: &str = "crieur";

/// A commit, as `git fast-import` reads it (git-fast-import(1), INPUT FORMAT).
pub fn text(reference: &str, parent: Option<&Commit>, change: &Change<'_>) -> Vec<u8> {
    let of_environment = |name: &str| std::env::var(name).ok().filter(|text| !text.contains(['<', '>', '\n']));
    let name = of_environment("GIT_COMMITTER_NAME").unwrap_or_else(|| NAME.to_string());
    // No address where none is given: a program has none.
    let email = of_environment("GIT_COMMITTER_EMAIL").unwrap_or_default();
    let mut out = format!("commit {reference}\ncommitter {name} <{email}> {} +0000\n", change.now.timestamp());
    out.push_str(&format!("data {}\n{}\n", change.message.len(), change.message));
    if let Some(parent) = parent {
        out.push_str(&format!("from {}\n", parent.0));
    }
    let mut out = out.into_bytes();
    for (path, content) in &change.files {
        let path = quoted(path);
        match content {
            None => out.extend(format!("D {path}\n").into_bytes()),
            Some(content) => {
                out.extend(format!("M 100644 inline {path}\ndata {}\n", content.len()).into_bytes());
                out.extend(content);
                out.push(b'\n');
            }
        }
    }
    out.extend(b"\ndone\n");
    out
}

/// A path, in quotes where it could be read as something else.
fn quoted(path: &str) -> String {
    if !path.starts_with('"') && !path.contains(['\n', '\\']) {
        return path.to_string();
    }
    format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// The contents that `git cat-file --batch` wrote, by the paths for which they were asked.
pub fn read_batch(told: &[u8], wanted: &[(String, String)]) -> Result<Files> {
    let broken = |what: &str| GitError::Failed { what: "cat-file", words: format!("it wrote {what}") };
    let mut rest = told;
    let mut files = Files::new();
    for (path, name) in wanted {
        let end = rest.iter().position(|byte| *byte == b'\n').ok_or_else(|| broken("too little"))?;
        let head = String::from_utf8_lossy(rest.get(..end).unwrap_or_default()).into_owned();
        let size = head.rsplit_once(' ').and_then(|(_, size)| size.parse::<usize>().ok());
        let size = size.ok_or_else(|| broken(&format!("{head:?} of {path} ({name})")))?;
        let content = rest.get(end + 1..end + 1 + size).ok_or_else(|| broken("too little"))?;
        files.insert(path.clone(), content.to_vec());
        rest = rest.get(end + size + 2..).unwrap_or_default();
    }
    Ok(files)
}
