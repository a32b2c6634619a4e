//! Lists of people in files (`to: file:PATH`): there, readable, and out of git.
//!
//! A list of people in a repository is copied to every clone, and stays in its history after they left. One that git
//! tracks is refused; only a sample (`*.sample.csv`) whose addresses all lie in names that nobody can own may be there.
//!
//! BUGS: looks at the file as it is now; a list that was committed once and untracked since is still in the history.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Audience, Config, Newsletter, place_of};
use crate::problem::{Problem, Problems};

/// What is wrong with a newsletter's list of people; nothing for the other kinds of audience.
pub fn check(config: &Config, newsletter: &Newsletter) -> Problems {
    let Audience::File(path) = &newsletter.to else { return Problems::new() };
    let place = place_of(&config.root, &newsletter.file, &["to"]);
    let problems = problems(&config.root, path);
    problems.into_iter().map(|problem| problem.at(place.clone())).collect()
}

fn problems(root: &Path, path: &str) -> Vec<Problem> {
    let addresses = match addresses(&root.join(path)) {
        Ok(addresses) => addresses,
        Err(problem) => return vec![Problem { message: format!("`{path}` {}", problem.message), ..*problem }],
    };
    if path.ends_with(".sample.csv") && addresses.iter().all(|address| is_reserved(address)) {
        return Vec::new();
    }
    match git_tracks(&root.join(path)) {
        Some(true) => {
            let message = format!("git tracks `{path}`: personal data would be in every clone and in its history");
            let help = format!(
                "run `git rm --cached '{path}'`, add it to .gitignore, or keep the people in the database: \
                 `crieur recipients import '{path}'` and `to: recipients`"
            );
            vec![Problem::error("people-in-git", message).help(help)]
        }
        Some(false) => Vec::new(),
        None => {
            let message = format!("nobody can tell whether git tracks `{path}`: git did not answer");
            vec![
                Problem::warning("people-in-git", message)
                    .help("install git, or see to it that the list is not committed"),
            ]
        }
    }
}

/// The addresses of a list; a list without a column `email` is a problem.
fn addresses(path: &Path) -> Result<Vec<String>, Box<Problem>> {
    let refused = |code, message: String, help: &str| Box::new(Problem::error(code, message).help(help));
    let unreadable = |error: std::io::Error| {
        refused("missing-path", format!("cannot be read: {error}"), "name a CSV file in the project's folder")
    };
    let mut source = BufReader::new(File::open(path).map_err(unreadable)?);
    let start = source.fill_buf().map_err(unreadable)?;
    let delimiter = separator(start.split(|b| *b == b'\n').next().unwrap_or_default());
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).trim(csv::Trim::All).from_reader(source);
    let no_table = |error: csv::Error| {
        refused(
            "people-list",
            format!("is not a table: {error}"),
            "write it in UTF-8, with a first line `email,name`",
        )
    };
    let header = reader.headers().map_err(no_table)?;
    let column = header.iter().position(|name| name.trim_start_matches('\u{feff}').eq_ignore_ascii_case("email"));
    let Some(column) = column else {
        return Err(refused("people-list", "has no column `email`".into(), "give it a first line: `email,name`"));
    };
    // A row that is not a row is told, with its line, by what reads the list to write to it.
    Ok(reader.records().flatten().filter_map(|row| row.get(column).map(String::from)).collect())
}

/// What separates the columns of a list's first line: the most frequent of comma, semicolon and tab.
pub fn separator(line: &[u8]) -> u8 {
    let count = |separator: u8| line.iter().filter(|b| **b == separator).count();
    let mut best = b',';
    for candidate in [b';', b'\t'] {
        if count(candidate) > count(best) {
            best = candidate;
        }
    }
    best
}

/// Whether an address lies in a name that is reserved for examples and tests (RFC 2606, RFC 6761).
fn is_reserved(address: &str) -> bool {
    let Some((_, domain)) = address.rsplit_once('@') else { return address.is_empty() };
    let domain = domain.to_ascii_lowercase();
    let labels: Vec<&str> = domain.split('.').collect();
    matches!(labels.as_slice(), [.., "example", "org" | "com" | "net"] | [.., "example" | "test" | "invalid"])
}

/// Whether git tracks a file. `None`: there is a repository, and git did not say.
fn git_tracks(path: &Path) -> Option<bool> {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let (folder, name) = (path.parent()?, path.file_name()?);
    // `safe.directory`: cron may run as somebody else than the owner of the checkout. Without fsmonitor, a repository's
    // own configuration has nothing to start.
    let answer = Command::new("git")
        .args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false", "ls-files", "--error-unmatch", "--"])
        .arg(name)
        .current_dir(folder)
        .env("GIT_LITERAL_PATHSPECS", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let in_repository = || folder.ancestors().any(|above| above.join(".git").exists());
    match answer.map(|status| status.code()) {
        Ok(Some(0)) => Some(true),
        Ok(Some(1)) => Some(false),
        _ if in_repository() => None,
        _ => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git(folder: &Path, arguments: &[&str]) {
        let status = Command::new("git").args(arguments).current_dir(folder).stdout(Stdio::null()).status();
        assert!(status.expect("git").success(), "git {arguments:?}");
    }

    fn codes(root: &Path, path: &str) -> Vec<(&'static str, String)> {
        problems(root, path).into_iter().map(|problem| (problem.code, problem.message)).collect()
    }

    #[test]
    fn a_list_of_people_that_git_tracks_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        let write = |name: &str, text: &str| std::fs::write(root.join(name), text).expect("a file");
        write("people.csv", "email,name\nalix@commune-example.org,Alix\n");
        write("people.sample.csv", "name,Email\nAlix,alix@example.org\nCamille,camille@lists.example.net\n");
        write("real.sample.csv", "email\nalix@example.org\ncamille@commune-example.org\n");
        assert_eq!(codes(root, "people.csv"), []);
        git(root, &["init", "-q"]);
        assert_eq!(codes(root, "people.csv"), []);
        git(root, &["add", "-f", "."]);
        let tracked = |name: &str| {
            vec![(
                "people-in-git",
                format!("git tracks `{name}`: personal data would be in every clone and in its history"),
            )]
        };
        assert_eq!(codes(root, "people.csv"), tracked("people.csv"));
        assert_eq!(codes(root, "real.sample.csv"), tracked("real.sample.csv"));
        assert_eq!(codes(root, "people.sample.csv"), []);
    }

    #[test]
    fn a_list_that_is_no_list_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.csv"), "mail\nx@example.org\n").expect("a file");
        assert_eq!(codes(folder.path(), "a.csv"), [("people-list", "`a.csv` has no column `email`".to_string())]);
        assert_eq!(codes(folder.path(), "b.csv")[0].0, "missing-path");
    }

    #[test]
    fn only_names_that_nobody_can_own_are_samples() {
        for address in ["a@example.org", "a@x.example.com", "a@x.example", "a@b.test", "a@b.invalid"] {
            assert!(is_reserved(address), "{address}");
        }
        for address in ["a@example.fr", "a@notexample.org", "a@example.org.fr", "a@test-example.org", "nobody"] {
            assert!(!is_reserved(address), "{address}");
        }
    }
}
