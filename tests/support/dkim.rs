//! Two verifiers that others wrote, opendkim and Python's dkimpy, asked about a folder of letters at once.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{has_program, peer_or_skip};

/// Letters to verify, and the DNS that they are verified by.
pub struct Letters {
    folder: TempDir,
    count: usize,
}

/// What a verifier said of each signature of a letter, by the letter's name: `pass`, or why not.
pub type Said = BTreeMap<String, Vec<String>>;

impl Letters {
    /// `records`: name and value of each.
    pub fn new(records: &[(String, String)]) -> Letters {
        let folder = TempDir::new().expect("a folder");
        fs::create_dir(folder.path().join("letters")).expect("a folder");
        let lines: String = records.iter().map(|(name, value)| format!("{name} {value}\n")).collect();
        fs::write(folder.path().join("dns"), lines).expect("the records");
        Letters { folder, count: 0 }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Puts a letter there; its lines may end in LF. Gives its name.
    pub fn add(&mut self, letter: &[u8]) -> String {
        let name = format!("{:04}", self.count);
        self.count += 1;
        fs::write(self.path("letters").join(&name), with_crlf(letter)).expect("a letter");
        name
    }

    pub fn len(&self) -> usize {
        self.count
    }

    /// opendkim's word, one process for all letters; `None`: it is not there, and the test that asks is skipped.
    pub fn opendkim(&self, test: &str) -> Option<Said> {
        if !peer_or_skip(test, "opendkim", has_program("opendkim", "-V")) {
            return None;
        }
        let dns = self.path("dns");
        fs::write(self.path("conf"), format!("Mode v\nTestPublicKeys {}\n", dns.display())).expect("a configuration");
        let names: Vec<String> = (0..self.count).map(|number| format!("{number:04}")).collect();
        let run = Command::new("opendkim")
            .current_dir(self.path("letters"))
            .args(["-x", "../conf", "-v", "-v", "-v", "-t", &names.join(",")])
            .output()
            .expect("opendkim runs");
        let out = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
        let mut said = Said::new();
        let mut signatures = Vec::new();
        for line in out.lines() {
            let line = line.trim_start();
            // One of these for each signature, then a line that names the letter.
            if let Some(result) = line.strip_prefix("dkim=") {
                let quoted = result.split('"').nth(1);
                signatures
                    .push(if result.starts_with("pass") { "pass" } else { quoted.unwrap_or(result) }.to_string());
            } else if let Some((name, what)) = line.strip_prefix("opendkim: ").and_then(|rest| rest.split_once(": "))
                && names.iter().any(|one| one == name)
                && what.starts_with("verification (")
            {
                said.insert(name.to_string(), std::mem::take(&mut signatures));
            }
        }
        assert_eq!(said.len(), self.count, "{}", out.chars().take(3000).collect::<String>());
        Some(said)
    }

    /// dkimpy's word; `None` as above.
    pub fn dkimpy(&self, test: &str) -> Option<Said> {
        let present = Command::new("python3").args(["-c", "import dkim, nacl"]).output();
        if !peer_or_skip(test, "dkimpy and pynacl", present.is_ok_and(|out| out.status.success())) {
            return None;
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/verify_dkim.py");
        let run = Command::new("python3").arg(script).arg(self.path("letters")).arg(self.path("dns")).output();
        let run = run.expect("python3 runs");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let lines = String::from_utf8(run.stdout).expect("JSON");
        let said: Said = lines
            .lines()
            .map(|line| {
                let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
                let signatures = line["signatures"].as_array().expect("a list").iter();
                let words = signatures.map(|one| match one {
                    serde_json::Value::Bool(true) => "pass".to_string(),
                    serde_json::Value::Bool(false) => "fail".to_string(),
                    other => other.as_str().unwrap_or("?").to_string(),
                });
                (line["letter"].as_str().expect("a name").to_string(), words.collect())
            })
            .collect();
        assert_eq!(said.len(), self.count);
        Some(said)
    }
}

/// A letter as it travels.
pub fn with_crlf(letter: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(letter.len() + letter.len() / 40);
    for (index, byte) in letter.iter().enumerate() {
        if *byte == b'\n' && (index == 0 || letter[index - 1] != b'\r') {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}
