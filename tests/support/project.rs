//! A project in a folder of its own, and the program run in it: a test that reads as a sentence.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

pub struct Project {
    folder: TempDir,
    now: Option<String>,
}

/// What a command printed and how it ended.
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Project {
    /// An empty folder.
    pub fn empty() -> Self {
        Project { folder: TempDir::new().expect("a temporary folder"), now: None }
    }

    /// A site with a configuration that names nothing but what must be named, and no newsletter.
    pub fn new() -> Self {
        Project::empty().file(
            "config/crieur.yaml",
            "site:\n  url: https://www.example.org/\n  title: Le site\n  language: fr\n  time_zone: Europe/Paris\n\
             content:\n  paths: [posts]\n  permalink: /posts/{stem}/\n  dates_in: UTC\nmail:\n  transport: maildir:var/outbox\n",
        )
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn join(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Writes a file, its folders included.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.join(path);
        fs::create_dir_all(path.parent().expect("a parent folder")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.write(path, content);
        self
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    pub fn remove(&self, path: &str) {
        fs::remove_file(self.join(path)).expect("a file to remove");
    }

    pub fn rename(&self, from: &str, to: &str) {
        let to = self.join(to);
        fs::create_dir_all(to.parent().expect("a parent folder")).expect("a folder");
        fs::rename(self.join(from), to).expect("a file to rename");
    }

    /// Copies a folder's files into the project.
    pub fn copy(&self, from: &Path, to: &str) {
        for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
            let entry = entry.expect("an entry");
            let target = format!("{to}/{}", entry.file_name().to_string_lossy());
            if entry.file_type().expect("a type").is_dir() {
                self.copy(&entry.path(), &target);
            } else {
                self.write(&target, fs::read(entry.path()).expect("a readable file"));
            }
        }
    }

    /// Every command from here on runs at this moment.
    pub fn at(&mut self, now: &str) -> &mut Self {
        self.now = Some(now.to_string());
        self
    }

    /// The command, ready to be started in this project.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crieur"));
        command.arg("-C").arg(self.path());
        if let Some(now) = &self.now {
            command.args(["--now", now]);
        }
        command.args(arguments);
        for variable in [
            "CRIEUR_KEYS_FILE",
            "CRIEUR_SMTP_PASSWORD",
            "CRIEUR_SMTP_PASSWORD_FILE",
            "CRIEUR_DATABASE_PASSWORD",
            "CRIEUR_DATABASE_PASSWORD_FILE",
            "CRIEUR_GIT_TOKEN",
            "CRIEUR_GIT_TOKEN_FILE",
        ] {
            command.env_remove(variable);
        }
        command
    }

    /// Runs the program here.
    pub fn crieur(&self, arguments: &[&str]) -> Ran {
        Ran::from(self.command(arguments).output().expect("the program starts"))
    }

    /// Runs it with `--json`, expects this exit status, and gives what it printed.
    pub fn json(&self, arguments: &[&str], status: i32) -> Value {
        let mut all = vec!["--json"];
        all.extend_from_slice(arguments);
        let ran = self.crieur(&all);
        assert_eq!(ran.status, status, "{arguments:?}\n{}\n{}", ran.stdout, ran.stderr);
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {}\n{}", ran.stdout, ran.stderr))
    }

    /// Runs it, expects exit status 0, and gives what it printed on standard output.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let ran = self.crieur(arguments);
        assert_eq!(ran.status, 0, "{arguments:?}\n{}\n{}", ran.stdout, ran.stderr);
        ran.stdout
    }

    /// The letters that a Maildir of the project holds, in the order of their names.
    pub fn letters(&self, maildir: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.join(maildir).join("new")) else { return Vec::new() };
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        paths.iter().map(|path| String::from_utf8_lossy(&fs::read(path).expect("a letter")).into_owned()).collect()
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Ran {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
