//! The forge's folder: the repository, the pull requests, the published site, and the programs that its jobs find.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::http::Server;

pub struct Forge {
    folder: TempDir,
    server: Server,
    /// What the repository's owner has set, by name: handed to the steps that ask for them.
    pub secrets: BTreeMap<String, String>,
    /// Where the action finds releases; `None`: the program is simply there.
    pub releases: Option<PathBuf>,
    folders: AtomicUsize,
    /// Whoever holds it publishes the site.
    pub publishing: Mutex<()>,
}

/// A pull request, as `gh` keeps it.
#[derive(Clone, Debug)]
pub struct Pull {
    pub number: u64,
    pub head: String,
    pub title: String,
    pub body: String,
    pub open: bool,
    pub comments: Vec<String>,
}

/// Nobody pushes without the right to: a job has it by its permissions, an editor always.
const HOOK: &str =
    "#!/bin/sh\n[ \"$FORGE_MAY_PUSH\" = yes ] && exit 0\necho 'Permission to push denied' >&2\nexit 1\n";

impl Forge {
    pub fn new() -> Forge {
        let folder = TempDir::new().expect("a folder");
        let at = |path: &str| folder.path().join(path);
        for path in ["site", "pulls", "bin", "temp", "home"] {
            fs::create_dir_all(at(path)).expect("a folder");
        }
        let server = Server::of(&at("site"));
        let forge = Forge {
            folder,
            server,
            secrets: BTreeMap::new(),
            releases: None,
            folders: AtomicUsize::new(0),
            publishing: Mutex::new(()),
        };
        let bare = forge.join("repository.git");
        forge.git(forge.path(), &["init", "--quiet", "--bare", "--initial-branch=main", &bare.to_string_lossy()]);
        // Each job fetches it whole: what packing saves is not worth its time.
        for (key, value) in [
            ("uploadpack.allowAnySHA1InWant", "true"),
            ("receive.advertisePushOptions", "true"),
            ("core.compression", "0"),
            ("pack.window", "0"),
        ] {
            forge.git(&bare, &["config", key, value]);
        }
        forge.program(&bare.join("hooks/pre-receive"), HOOK);
        forge.program(&bare.join("hooks/post-receive"), include_str!("merge_requests.py"));
        super::actions::programs(&forge);
        forge
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn join(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// A folder that no other run has.
    pub fn fresh(&self, name: &str) -> PathBuf {
        self.join(&format!("temp/{name}-{}", self.folders.fetch_add(1, Ordering::Relaxed)))
    }

    /// The repository's address, by which a clone may be shallow.
    pub fn repository(&self) -> String {
        format!("file://{}", self.join("repository.git").display())
    }

    /// The published site's address; it ends in `/`.
    pub fn url(&self) -> String {
        self.server.url("")
    }

    /// What the site serves at a path.
    pub fn page(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.join("site").join(path)).ok()
    }

    /// A file that can be run.
    pub fn program(&self, path: &Path, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        fs::write(path, text).expect("a program");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }

    /// An editor's clone, in a folder of its own, its author named.
    pub fn clone(&self, name: &str) -> PathBuf {
        let folder = self.join(name);
        self.git(self.path(), &["clone", "--quiet", &self.repository(), &folder.to_string_lossy()]);
        self.git(&folder, &["config", "user.name", "Ada Exemple"]);
        self.git(&folder, &["config", "user.email", "ada@example.org"]);
        folder
    }

    /// Everything as it is in the clone's folder, as one commit on `main`, pushed. Gives its name.
    pub fn commit(&self, clone: &Path, message: &str) -> String {
        self.git(clone, &["add", "--all"]);
        self.git(clone, &["commit", "--quiet", "--message", message]);
        self.git(clone, &["push", "--quiet", "origin", "HEAD:main"]);
        self.git(clone, &["rev-parse", "HEAD"])
    }

    /// What the clone lacks of `main`.
    pub fn pull(&self, clone: &Path) {
        self.git(clone, &["pull", "--quiet", "--no-rebase", "--no-edit", "origin", "main"]);
    }

    /// A git command of somebody who may do everything; gives its output.
    pub fn git(&self, folder: &Path, arguments: &[&str]) -> String {
        let output = self.git_command(folder, arguments).output().expect("git runs");
        words("git", arguments, &output)
    }

    fn git_command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command.current_dir(folder).args(arguments).env("FORGE_MAY_PUSH", "yes");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        command
    }

    /// The repository's branches, sorted.
    pub fn branches(&self) -> Vec<String> {
        let names = self.git(&self.join("repository.git"), &["branch", "--format=%(refname:short)"]);
        names.lines().map(String::from).collect()
    }

    /// A file of a branch.
    pub fn file(&self, branch: &str, path: &str) -> Option<String> {
        let name = format!("{branch}:{path}");
        let output = self.git_command(&self.join("repository.git"), &["show", &name]).output().expect("git runs");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// The pull requests, by number.
    pub fn pulls(&self) -> Vec<Pull> {
        let mut pulls: Vec<Pull> = fs::read_dir(self.join("pulls"))
            .expect("a folder")
            .filter_map(|entry| {
                let text = fs::read_to_string(entry.expect("an entry").path()).expect("a pull request");
                let value: Value = serde_json::from_str(&text).expect("JSON");
                let text = |key: &str| value[key].as_str().unwrap_or_default().to_string();
                Some(Pull {
                    number: value["number"].as_u64()?,
                    head: text("headRefName"),
                    title: text("title"),
                    body: text("body"),
                    open: value["state"] == "OPEN",
                    comments: value["comments"]
                        .as_array()?
                        .iter()
                        .map(|one| super::expression::words(&one["body"]))
                        .collect(),
                })
            })
            .collect();
        pulls.sort_by_key(|pull| pull.number);
        pulls
    }

    /// A person opens a pull request for a branch, unless there is one. Gives its number.
    pub fn opened(&self, head: &str, title: &str) -> u64 {
        let pulls = self.pulls();
        if let Some(pull) = pulls.iter().find(|pull| pull.head == head && pull.open) {
            return pull.number;
        }
        let number = pulls.len() as u64 + 1;
        let pull = serde_json::json!({
            "number": number, "headRefName": head, "baseRefName": "main", "title": title, "body": "", "state": "OPEN",
            "isCrossRepository": false, "comments": [],
        });
        fs::write(self.join(&format!("pulls/{number}.json")), serde_json::to_string_pretty(&pull).expect("JSON"))
            .expect("a file");
        number
    }

    /// Merges a branch into `main` as the forge's button does, and closes its pull request.
    pub fn merge(&self, branch: &str) {
        let clone = self.join("temp/merge");
        let _ = fs::remove_dir_all(&clone);
        self.git(self.path(), &["clone", "--quiet", &self.repository(), &clone.to_string_lossy()]);
        let identity = ["-c", "user.name=Ada Exemple", "-c", "user.email=ada@example.org"];
        let name = format!("origin/{branch}");
        self.git(&clone, &[&identity[..], &["merge", "--quiet", "--no-ff", "-m", "Merge", &name]].concat());
        self.git(&clone, &["push", "--quiet", "origin", "HEAD:main"]);
        self.git(&clone, &["push", "--quiet", "origin", "--delete", branch]);
        for pull in self.pulls().iter().filter(|pull| pull.head == branch && pull.open) {
            self.change(pull.number, "\"state\": \"OPEN\"", "\"state\": \"MERGED\"");
        }
    }

    /// A person closes a pull request, and deletes its branch.
    pub fn close(&self, number: u64) {
        let pull = self.pulls().into_iter().find(|pull| pull.number == number).expect("a pull request");
        self.change(number, "\"state\": \"OPEN\"", "\"state\": \"CLOSED\"");
        self.git(&self.join("repository.git"), &["branch", "--quiet", "-D", &pull.head]);
    }

    /// Makes a pull request one of somebody else's copy of the repository.
    pub fn make_foreign(&self, number: u64) {
        self.change(number, "\"isCrossRepository\": false", "\"isCrossRepository\": true");
    }

    fn change(&self, number: u64, from: &str, to: &str) {
        let path = self.join(&format!("pulls/{number}.json"));
        let text = fs::read_to_string(&path).expect("a pull request");
        assert!(text.contains(from), "{from} is not in {text}");
        fs::write(path, text.replace(from, to)).expect("a pull request");
    }
}

/// What a command printed; it must have gone well.
pub fn words(program: &str, arguments: &[&str], output: &Output) -> String {
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{program} {arguments:?}: {said}{wrong}");
    said.trim_end().to_string()
}

/// Copies a folder's files, hidden ones too.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).unwrap_or_else(|error| panic!("{}: {error}", from.display())) {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).expect("a file");
        }
    }
}
