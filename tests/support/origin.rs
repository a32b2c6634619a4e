//! A bare repository and clones of it, as a CI makes them, with the program run in each.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::project::Ran;

/// The list's address, which must stand nowhere but in the configuration.
pub const LIST: &str = "liste@lists.example.org";

pub struct Origin {
    folder: TempDir,
}

impl Origin {
    /// A repository whose `main` holds these files.
    pub fn with(files: &[(&str, &str)]) -> Origin {
        let origin = Origin { folder: TempDir::new().expect("a folder") };
        git(origin.path(), &["init", "--quiet", "--bare", "--initial-branch=main", "origin.git"]);
        let editor = origin.path().join("editor");
        git(origin.path(), &["clone", "--quiet", "origin.git", "editor"]);
        for (path, text) in files {
            write(&editor, path, text);
        }
        origin.commit("A site");
        origin
    }

    /// A site with a letter to a list at each run, into a Maildir; `more` is added to the newsletter's file.
    pub fn site(more: &str) -> Origin {
        let origin = Origin::with(&[("posts/un.md", "---\ntitle: Un\ndate: 2026-03-01\n---\nDu nouveau.\n")]);
        origin.configure(&format!("maildir:{}", origin.path().join("list").display()), "");
        write(
            &origin.editor(),
            "config/newsletters/news.yaml",
            &format!(
                "title: La lettre\nfrom: La rédaction <lettre@letters.example.org>\nreply_to: question@letters.example.org\n\
                 to: {LIST}\nleave: list\nschedule: each-run\nbacklog: announce\n{more}"
            ),
        );
        origin.commit("A letter");
        origin
    }

    /// Writes the configuration; `more` is added to it.
    pub fn configure(&self, transport: &str, more: &str) {
        write(
            &self.editor(),
            "config/crieur.yaml",
            &format!(
                "site: {{ url: 'https://www.example.org/', title: Le site, language: fr, time_zone: Europe/Paris }}\n\
                 content: {{ paths: [posts], permalink: '/posts/{{stem}}/' }}\n\
                 mail:\n  transport: '{transport}'\n  tls: none\n{more}database: git:crieur\n"
            ),
        );
        write(&self.editor(), "feeds/news.yaml", "title: Nouvelles\noutputs: { atom: feed/feed.xml }\n");
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The checkout in which a person works.
    pub fn editor(&self) -> PathBuf {
        self.path().join("editor")
    }

    /// Commits all that the person has changed, and pushes it.
    pub fn commit(&self, message: &str) {
        git(&self.editor(), &["add", "--all"]);
        git(&self.editor(), &["commit", "--quiet", "--allow-empty", "--message", message]);
        git(&self.editor(), &["push", "--quiet", "origin", "HEAD:main"]);
    }

    /// A fresh shallow clone, as a CI's job makes one.
    pub fn clone(&self, name: &str) -> PathBuf {
        let address = format!("file://{}", self.path().join("origin.git").display());
        git(self.path(), &["clone", "--quiet", "--depth=1", "--branch=main", &address, name]);
        self.path().join(name)
    }

    /// What the memory's branch says in one file.
    pub fn said(&self, path: &str) -> String {
        git(&self.path().join("origin.git"), &["show", &format!("crieur:{path}")])
    }

    /// All commits of the memory's branch, newest first, with all that each changed.
    pub fn history(&self) -> String {
        git(&self.path().join("origin.git"), &["log", "--patch", "--text", "crieur"])
    }

    /// The subjects of the memory's commits, oldest first.
    pub fn commits(&self) -> Vec<String> {
        let log = git(&self.path().join("origin.git"), &["log", "--reverse", "--format=%s", "crieur"]);
        log.lines().map(str::to_string).collect()
    }

    /// The letters that the list has.
    pub fn letters(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path().join("list/new")).into_iter().flatten();
        entries.map(|entry| fs::read_to_string(entry.expect("an entry").path()).expect("a letter")).collect()
    }
}

/// The program in a clone, at this moment.
pub fn command(clone: &Path, now: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_crieur"));
    command.arg("-C").arg(clone).args(["--now", now]).args(arguments);
    for variable in ["CRIEUR_KEYS_FILE", "CRIEUR_SMTP_PASSWORD", "CRIEUR_GIT_TOKEN", "CRIEUR_GIT_TOKEN_FILE"] {
        command.env_remove(variable);
    }
    command
}

pub fn crieur(clone: &Path, now: &str, arguments: &[&str]) -> Ran {
    Ran::from(command(clone, now, arguments).output().expect("the program starts"))
}

pub fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Camille Exemple", "-c", "user.email=camille@example.org"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .expect("git");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
