//! A project in a repository with a remote of its own, for drafts that are offered there.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use super::project::{Project, Ran};

pub const BRANCH: &str = "crieur/lettre-1";
pub const FILE: &str = "editions/lettre-1.md";

/// A project in a repository, and the bare one where it lives.
pub struct Offering {
    pub project: Project,
    pub remote: TempDir,
}

pub fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Ada Exemple", "-c", "user.email=ada@example.org"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .expect("git runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_string()
}

pub fn post(title: &str, day: u32) -> String {
    format!("---\ntitle: \"{title}\"\ndate: 2026-10-{day:02}\n---\n\nDu *texte* de {title}.\n")
}

impl Offering {
    /// Two posts, a newsletter whose file a person has to approve, all of it pushed.
    pub fn new() -> Offering {
        Offering::with("approve: file\n")
    }

    pub fn with(more: &str) -> Offering {
        let remote = TempDir::new().expect("a folder");
        git(remote.path(), &["init", "--quiet", "--bare", "--initial-branch=main"]);
        git(remote.path(), &["config", "receive.advertisePushOptions", "true"]);
        let newsletter = "title: La lettre\nfrom: L’équipe <lettre@example.org>\nto: liste@lists.example.org\nleave: list\n\
                          backlog: announce\nschedule: \"0 9 1 * *\"\n";
        let mut project = Project::new()
            .file("config/newsletters/lettre.yaml", format!("{newsletter}{more}"))
            .file(".gitignore", "var/\n")
            .file("posts/un.md", post("Le un", 2))
            .file("posts/deux.md", post("Le deux", 5));
        project.at("2026-10-20T09:00:00Z");
        git(project.path(), &["init", "--quiet", "--initial-branch=main"]);
        let offering = Offering { project, remote };
        git(offering.project.path(), &["remote", "add", "origin", &offering.address()]);
        offering.publish();
        offering
    }

    pub fn address(&self) -> String {
        format!("file://{}", self.remote.path().display())
    }

    /// Commits everything that is in the checkout, and pushes it.
    pub fn publish(&self) {
        git(self.project.path(), &["add", "--all"]);
        git(self.project.path(), &["commit", "--quiet", "--message", "More"]);
        git(self.project.path(), &["push", "--quiet", "origin", "HEAD:main"]);
    }

    /// What a command left, if anything.
    pub fn publish_quietly(&self) {
        if !git(self.project.path(), &["status", "--porcelain"]).is_empty() {
            self.publish();
        }
    }

    pub fn write_post(&self, name: &str, title: &str, day: u32) {
        self.project.write(&format!("posts/{name}.md"), post(title, day));
        self.publish();
    }

    pub fn offer(&self, state: &str) -> Value {
        let offered = self.project.json(&["draft", "lettre", "--offer"], 0);
        assert_eq!(offered["state"], state, "{offered}");
        offered
    }

    /// As from a clone that was made elsewhere.
    pub fn offer_from(&self, clone: &Path) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crieur"));
        command.current_dir(clone).args(["--now", "2026-10-20T09:00:00Z", "draft", "lettre", "--offer"]);
        Ran::from(command.output().expect("the program"))
    }

    pub fn on(&self, branch: &str) -> String {
        git(self.remote.path(), &["show", &format!("{branch}:{FILE}")]) + "\n"
    }

    pub fn tip(&self, branch: &str) -> String {
        git(self.remote.path(), &["rev-parse", branch])
    }

    pub fn branches(&self) -> Vec<String> {
        let names = git(self.remote.path(), &["branch", "--format=%(refname:short)"]);
        names.lines().map(String::from).collect()
    }

    pub fn clone(&self, arguments: &[&str]) -> TempDir {
        let folder = TempDir::new().expect("a folder");
        git(folder.path(), &[&["clone", "--quiet"], arguments, &[&self.address(), "."]].concat());
        folder
    }

    /// An editor's commit on the branch, made in a browser: the file with another text in the place of one.
    pub fn edit(&self, branch: &str, from: &str, to: &str) -> String {
        let clone = self.clone(&["--branch", branch]);
        let path = clone.path().join(FILE);
        let text = fs::read_to_string(&path).expect("the file");
        assert!(text.contains(from), "{from:?} is not in\n{text}");
        let text = text.replacen(from, to, 1);
        fs::write(&path, &text).expect("a file");
        git(clone.path(), &["commit", "--quiet", "--all", "--message", "Mieux"]);
        git(clone.path(), &["push", "--quiet", "origin", branch]);
        text
    }

    pub fn hook(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.remote.path().join("hooks").join(name);
        fs::write(&path, text).expect("a hook");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
}
