//! The steps of one of GitHub's jobs: what each sees, does, and leaves for those after it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

use super::Forge;
use super::actions;
use super::expression::{Context, words};
use super::github::{Event, REPOSITORY, Step, only};

/// One job at work.
pub struct Work<'a> {
    pub forge: &'a Forge,
    pub event: &'a Event,
    pub commit: String,
    pub workspace: PathBuf,
    pub temp: PathBuf,
    pub artifacts: PathBuf,
    /// `contents: write`, and so on.
    pub permissions: BTreeMap<String, String>,
    /// In which folder of the workspace scripts run, unless a step says another one.
    pub(super) folder: String,
    pub(super) now: String,
    pub(super) path: Vec<PathBuf>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) steps: Map<String, Value>,
    pub(super) needs: Value,
    pub(super) inputs: Value,
    pub(super) success: bool,
    pub(super) log: Vec<Step>,
}

impl Work<'_> {
    /// Does one step, if its condition holds.
    pub fn step(&mut self, step: &Value) {
        only(
            step,
            "a step",
            &["name", "id", "if", "uses", "with", "run", "env", "shell", "working-directory", "continue-on-error"],
        );
        let title = step["name"].as_str().or(step["uses"].as_str()).or(step["run"].as_str()).unwrap_or_default();
        let name = self.fill(title);
        let id = step["id"].as_str().map(String::from);
        if !self.holds(step["if"].as_str()) {
            self.log.push(Step { name, conclusion: "skipped", log: String::new() });
            return self.remember(id, "skipped", "skipped", json!({}));
        }
        let outer = self.env.clone();
        let own = self.fill_all(&step["env"]);
        self.env.extend(own.clone());
        let (went_well, log) = match step["uses"].as_str() {
            Some(uses) => {
                let with = self.fill_all(&step["with"]);
                match actions::double(self, uses, &with) {
                    Ok(log) => (true, log),
                    Err(log) => (false, log),
                }
            }
            None => self.script(step),
        };
        // What a step's own environment said ends with it; what it wrote for the others stays.
        self.env = outer;
        let outputs = self.take_files();
        let forgiven = step["continue-on-error"] == true;
        let (outcome, conclusion) = match (went_well, forgiven) {
            (true, _) => ("success", "success"),
            (false, true) => ("failure", "success"),
            (false, false) => ("failure", "failure"),
        };
        self.success &= conclusion == "success";
        self.log.push(Step { name, conclusion: outcome, log });
        self.remember(id, outcome, conclusion, outputs);
    }

    /// Does the steps of an action of ours, with these inputs.
    pub fn composite(
        &mut self,
        action: &Value,
        folder: &Path,
        with: &BTreeMap<String, String>,
    ) -> Result<String, String> {
        assert_eq!(action["runs"]["using"], "composite");
        let inputs = action["inputs"].as_object().expect("inputs");
        let given = |(name, input): (&String, &Value)| {
            let value = with.get(name).cloned().unwrap_or_else(|| words(&input["default"]));
            (name.clone(), Value::from(value))
        };
        let unknown = with.keys().find(|name| !inputs.contains_key(*name));
        assert_eq!(unknown, None, "the action has no such input");
        // A job's defaults do not reach into an action.
        let outer = (
            std::mem::replace(&mut self.inputs, Value::Object(inputs.iter().map(given).collect())),
            self.steps.clone(),
            std::mem::take(&mut self.folder),
        );
        self.env.insert("GITHUB_ACTION_PATH".into(), folder.display().to_string());
        let before = (self.success, self.log.len());
        for step in action["runs"]["steps"].as_array().expect("steps") {
            assert!(
                step["uses"].is_string() || step["shell"].is_string(),
                "a composite action's step must name its shell"
            );
            self.step(step);
        }
        let went_well = self.success;
        self.success = before.0;
        (self.inputs, self.steps, self.folder) = outer;
        let log = self.log.drain(before.1..).map(|step| step.log).collect::<String>();
        if went_well { Ok(log) } else { Err(log) }
    }

    fn script(&self, step: &Value) -> (bool, String) {
        let script = self.fill(step["run"].as_str().expect("a step runs or uses something"));
        let mut command = Command::new("bash");
        match step["shell"].as_str() {
            // What the forge does where nothing is said.
            None => command.args(["-e", "-c", &script]),
            Some("bash") => command.args(["--noprofile", "--norc", "-eo", "pipefail", "-c", &script]),
            Some(other) => panic!("the shell {other} is not understood"),
        };
        let folder = step["working-directory"].as_str().map_or(self.folder.clone(), |folder| self.fill(folder));
        command.current_dir(self.workspace.join(folder));
        self.surround(&mut command);
        let output = command.output().expect("bash runs");
        let log = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        (output.status.success(), log)
    }

    /// The environment that a job's programs see: the forge's, the workflow's, and nothing of this machine's.
    pub fn surround(&self, command: &mut Command) {
        command.env_clear();
        let own = [self.forge.join("bin")].into_iter();
        let theirs = std::env::var_os("PATH").unwrap_or_default();
        let path = self.path.iter().rev().cloned().chain(own).chain(std::env::split_paths(&theirs));
        command.env("PATH", std::env::join_paths(path).expect("a path"));
        command.env("HOME", self.forge.join("home")).env("LANG", "C.UTF-8");
        let github = self.github();
        for name in [
            "event_name",
            "ref",
            "ref_name",
            "sha",
            "repository",
            "run_id",
            "server_url",
            "workspace",
            "head_ref",
            "base_ref",
        ] {
            command.env(format!("GITHUB_{}", name.to_uppercase()), words(&github[name]));
        }
        command.env("CI", "true").env("GITHUB_ACTIONS", "true");
        // A letter's pictures are drawn in tests of their own, and take seconds.
        command.env("CRIEUR_CHROMIUM", "/bin/false");
        command.env("RUNNER_TEMP", &self.temp).env("RUNNER_OS", "Linux").env("RUNNER_ARCH", arch());
        for name in ["output", "env", "path"] {
            command.env(format!("GITHUB_{}", name.to_uppercase()), self.temp.join(name));
        }
        command.env("GITHUB_STEP_SUMMARY", self.temp.join("summary"));
        let may = |what: &str| self.permissions.get(what).is_some_and(|right| right == "write");
        command.env("FORGE_MAY_PUSH", if may("contents") { "yes" } else { "no" });
        let rights = self.permissions.iter().map(|(what, right)| format!("{what}:{right}"));
        command.env("FORGE_RIGHTS", rights.collect::<Vec<_>>().join(" "));
        command.env("FORGE", self.forge.path()).env("FORGE_NOW", &self.now);
        command.envs(&self.env);
    }

    pub fn add_path(&mut self, folder: PathBuf) {
        self.path.push(folder);
    }

    /// What the step wrote into the files that are for it; gives its outputs.
    fn take_files(&mut self) -> Value {
        let taken = |name: &str| {
            let path = self.temp.join(name);
            let text = fs::read_to_string(&path).unwrap_or_default();
            let _ = fs::remove_file(path);
            text
        };
        let (env, path, output) = (taken("env"), taken("path"), taken("output"));
        self.env.extend(pairs(&env));
        self.path.extend(path.lines().map(PathBuf::from));
        Value::Object(pairs(&output).into_iter().map(|(name, value)| (name, value.into())).collect())
    }

    fn remember(&mut self, id: Option<String>, outcome: &str, conclusion: &str, outputs: Value) {
        if let Some(id) = id {
            self.steps.insert(id, json!({ "outcome": outcome, "conclusion": conclusion, "outputs": outputs }));
        }
    }

    fn github(&self) -> Value {
        let (name, event, reference) = match self.event {
            Event::Push => ("push", json!({}), "refs/heads/main".to_string()),
            Event::Schedule(line) => ("schedule", json!({ "schedule": line }), "refs/heads/main".to_string()),
            Event::PullRequest { number, head, fork } => {
                let owner = if *fork { "bob/site" } else { REPOSITORY };
                let pull = json!({ "number": number, "head": { "ref": head, "repo": { "full_name": owner } } });
                (
                    "pull_request",
                    json!({ "number": number, "pull_request": pull }),
                    format!("refs/pull/{number}/merge"),
                )
            }
        };
        let of_pull = |value: &str| if name == "pull_request" { value.to_string() } else { String::new() };
        json!({
            "event_name": name,
            "event": event,
            "ref": reference,
            "ref_name": reference.trim_start_matches("refs/heads/").trim_start_matches("refs/"),
            "sha": self.commit,
            "repository": REPOSITORY,
            "run_id": "1",
            "server_url": "https://forge.example.org",
            "workspace": self.workspace,
            "token": "token-of-the-job",
            "head_ref": of_pull(event["pull_request"]["head"]["ref"].as_str().unwrap_or_default()),
            "base_ref": of_pull("main"),
            "action_repository": "crieur/crieur",
        })
    }

    fn context(&self) -> Context {
        let is_fork = matches!(self.event, Event::PullRequest { fork: true, .. });
        let secrets = if is_fork { json!({}) } else { json!(self.forge.secrets) };
        let values = json!({
            "github": self.github(),
            "env": self.env,
            "steps": self.steps,
            "needs": self.needs,
            "inputs": self.inputs,
            "secrets": secrets,
            "runner": { "temp": self.temp, "os": "Linux", "arch": arch() },
        });
        let Value::Object(values) = values else { unreachable!("it was written as an object") };
        Context { values, success: self.success, cancelled: false }
    }

    pub(super) fn holds(&self, condition: Option<&str>) -> bool {
        self.context().condition(condition).unwrap_or_else(|error| panic!("if: {error}"))
    }

    pub(super) fn fill(&self, text: &str) -> String {
        self.context().fill(text).unwrap_or_else(|error| panic!("{error}"))
    }

    pub(super) fn fill_all(&self, map: &Value) -> BTreeMap<String, String> {
        let entries = map.as_object().into_iter().flatten();
        entries.map(|(key, value)| (key.clone(), self.fill(&words(value)))).collect()
    }
}

fn arch() -> &'static str {
    if cfg!(target_arch = "aarch64") { "ARM64" } else { "X64" }
}

/// `NAME=VALUE`, and `NAME<<END` with lines up to `END`.
fn pairs(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some((name, end)) = line.split_once("<<") {
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != end).collect();
            pairs.push((name.to_string(), value.join("\n")));
        } else if let Some((name, value)) = line.split_once('=') {
            pairs.push((name.to_string(), value.to_string()));
        }
    }
    pairs
}
