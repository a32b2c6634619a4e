//! GitLab's pipelines: which jobs a pipeline has, stage by stage, and what their scripts do.
//!
//! A job's checkout is shallow and at no branch, its own token cannot push, and a merge request's pipeline knows none of the
//! variables that are protected, as on the forge.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

use super::Forge;
use super::actions;
use super::expression::{Context, words};
use super::forge::copy;
use super::github::{Job, Run, Step, only};

pub const FILE: &str = ".gitlab-ci.yml";

/// Why a pipeline runs.
#[derive(Clone, Debug)]
pub enum Source {
    Push,
    Schedule,
    MergeRequest { number: u64, head: String },
}

const KEYS: [&str; 14] = [
    "extends",
    "stage",
    "image",
    "rules",
    "script",
    "before_script",
    "variables",
    "artifacts",
    "needs",
    "resource_group",
    "environment",
    "pages",
    "allow_failure",
    "retry",
];
const GLOBAL: [&str; 3] = ["variables", "stages", "workflow"];

impl Forge {
    /// Runs the pipeline of `main` (or of a merge request's merge), at a moment.
    pub fn gitlab(&self, source: &Source, now: &str) -> Run {
        let artifacts = self.fresh("artifacts");
        fs::create_dir_all(&artifacts).expect("a folder");
        let commit = match source {
            Source::MergeRequest { number, head } => actions::merged(self, *number, head),
            _ => self.git(&self.join("repository.git"), &["rev-parse", "main"]),
        };
        let text = self.file(&commit, FILE).unwrap_or_else(|| panic!("{FILE} is not there"));
        let flow: Value = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{FILE}: {error}"));
        let global = self.variables(source, &commit, &flow);
        let mut run = Run { jobs: Vec::new(), artifacts };
        if chosen(&flow["workflow"]["rules"], &global).is_none() {
            return run;
        }
        let jobs = flow.as_object().expect("a mapping");
        let is_job = |name: &&String| !name.starts_with('.') && !GLOBAL.contains(&name.as_str());
        for stage in flow["stages"].as_array().expect("stages") {
            let of_stage = |name: &&String| whole(&flow, &jobs[name.as_str()])["stage"] == *stage;
            let mut waiting: Vec<&String> = jobs.keys().filter(is_job).filter(of_stage).collect();
            while !waiting.is_empty() {
                let ready = |name: &&String| !needs(&jobs[name.as_str()]).iter().any(|need| waiting.contains(&need));
                let name = waiting.iter().copied().find(ready).expect("jobs need each other");
                waiting.retain(|one| *one != name);
                let job = whole(&flow, &jobs[name]);
                only(&job, name, &KEYS);
                let in_pipeline = |name: &str| rule(&whole(&flow, &jobs[name]), &global).is_some();
                if let Some(missing) = needs(&job).iter().find(|need| in_pipeline(name) && !in_pipeline(need)) {
                    panic!("{name} needs {missing}, which is not in this pipeline");
                }
                let done = self.gitlab_job(name, &job, &run, &global, source, &commit, now);
                run.jobs.push(done);
            }
        }
        let known = |job: &&String| run.jobs.iter().any(|done| done.name == **job);
        assert!(jobs.keys().filter(is_job).all(|name| known(&name)), "a job is of no stage");
        run
    }

    #[allow(clippy::too_many_arguments)]
    fn gitlab_job(
        &self,
        name: &str,
        job: &Value,
        run: &Run,
        global: &BTreeMap<String, String>,
        source: &Source,
        commit: &str,
        now: &str,
    ) -> Job {
        let mut done = Job::skipped(name);
        let all = job.get("needs").is_none();
        let needed = needs(job);
        let waits_for: Vec<&Job> = run.jobs.iter().filter(|one| all || needed.contains(&one.name)).collect();
        let Some(rule) = rule(job, global) else { return done };
        let failed = |job: &&Job| job.conclusion == "failure" || (!all && job.conclusion == "skipped");
        if rule["when"] != "always" && waits_for.iter().any(failed) {
            return done;
        }
        let place = self.fresh(name);
        let workspace = place.join("workspace");
        fs::create_dir_all(&workspace).expect("a folder");
        for arguments in [
            &["init", "--quiet"][..],
            &["remote", "add", "origin", &self.repository()],
            &["fetch", "--quiet", "--no-tags", "--depth=20", "origin", commit],
            &["checkout", "--quiet", "--detach", "FETCH_HEAD"],
        ] {
            self.git(&workspace, arguments);
        }
        match job["variables"]["GIT_SUBMODULE_STRATEGY"].as_str() {
            None => {}
            Some("recursive") => drop(self.git(&workspace, &actions::SUBMODULES)),
            Some(other) => panic!("{name}: submodules: {other} is not understood"),
        }
        for one in waits_for.iter().filter(|one| one.conclusion == "success") {
            let from = run.artifacts.join(&one.name);
            if from.is_dir() {
                copy(&from, &workspace);
            }
        }
        let mut variables = global.clone();
        variables.insert("CI_PROJECT_DIR".into(), workspace.display().to_string());
        variables.insert("CI_JOB_NAME".into(), name.into());
        variables.extend(texts(&job["variables"]));
        if !matches!(source, Source::MergeRequest { .. }) {
            // They have that scope: they are known in its environment alone.
            if job["environment"]["name"] == "letter" {
                variables.extend(self.secrets.clone());
            }
        }
        let lines = ["before_script", "script"].map(|key| job[key].as_array().cloned().unwrap_or_default());
        let script: String = lines.concat().iter().map(|line| words(line) + "\n").collect();
        let output = self
            .gitlab_shell(&workspace, &variables, now)
            .args(["-eo", "pipefail", "-c", &script])
            .output()
            .expect("bash runs");
        let log = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        done.conclusion = if output.status.success() { "success" } else { "failure" };
        done.steps.push(Step { name: "script".into(), conclusion: done.conclusion, log });
        if done.conclusion == "success" || job["artifacts"]["when"] == "always" {
            keep(&job["artifacts"]["paths"], &workspace, &run.artifacts.join(name));
        }
        if done.conclusion == "success" && name == "pages" {
            let _ = fs::remove_dir_all(self.join("site"));
            let folder = job["pages"]["publish"].as_str().expect("the folder that is published");
            copy(&run.artifacts.join(name).join(folder), &self.join("site"));
        }
        done
    }

    fn gitlab_shell(&self, workspace: &Path, variables: &BTreeMap<String, String>, now: &str) -> Command {
        let mut command = Command::new("bash");
        command.current_dir(workspace).env_clear().envs(variables);
        let theirs = std::env::var_os("PATH").unwrap_or_default();
        let path: Vec<PathBuf> = [self.join("bin")].into_iter().chain(std::env::split_paths(&theirs)).collect();
        command.env("PATH", std::env::join_paths(path).expect("a path"));
        command.env("HOME", self.join("home")).env("LANG", "C.UTF-8").env("FORGE", self.path()).env("FORGE_NOW", now);
        command.env("CRIEUR_CHROMIUM", "/bin/false");
        command.env("FORGE_MAY_PUSH", if variables.contains_key("CRIEUR_GIT_TOKEN") { "yes" } else { "no" });
        command
    }

    /// The variables of the forge and of the file.
    fn variables(&self, source: &Source, commit: &str, flow: &Value) -> BTreeMap<String, String> {
        let (name, branch, number, head) = match source {
            Source::Push => ("push", "main", String::new(), ""),
            Source::Schedule => ("schedule", "main", String::new(), ""),
            Source::MergeRequest { number, head } => ("merge_request_event", "", number.to_string(), head.as_str()),
        };
        let mut variables = BTreeMap::new();
        for (key, value) in [
            ("CI", "true"),
            ("GITLAB_CI", "true"),
            ("CI_PIPELINE_SOURCE", name),
            ("CI_COMMIT_BRANCH", branch),
            ("CI_COMMIT_SHA", commit),
            ("CI_DEFAULT_BRANCH", "main"),
            ("CI_MERGE_REQUEST_IID", &number),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", head),
            ("CI_PROJECT_URL", "https://forge.example.org/ada/site"),
        ] {
            variables.insert(key.to_string(), value.to_string());
        }
        variables.extend(texts(&flow["variables"]));
        if let Some(releases) = &self.releases {
            // What a project's own settings say goes before the file.
            variables.insert("CRIEUR_FROM".into(), format!("file://{}", releases.display()));
        }
        variables
    }
}

fn texts(map: &Value) -> BTreeMap<String, String> {
    map.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), words(value))).collect()
}

/// A job with what it extends below it.
fn whole(flow: &Value, job: &Value) -> Value {
    let mut merged: Map<String, Value> = match job["extends"].as_str() {
        Some(name) => whole(flow, flow.get(name).unwrap_or_else(|| panic!("there is no {name} to extend")))
            .as_object()
            .cloned()
            .unwrap_or_default(),
        None => Map::new(),
    };
    merged.extend(job.as_object().cloned().unwrap_or_default());
    merged.into()
}

/// The jobs that a job names as those that it waits for.
fn needs(job: &Value) -> Vec<String> {
    job["needs"].as_array().into_iter().flatten().map(words).collect()
}

/// The rule by which a job is in the pipeline; `None`: it is not.
fn rule(job: &Value, variables: &BTreeMap<String, String>) -> Option<Value> {
    match job.get("rules") {
        Some(rules) => chosen(rules, variables).cloned(),
        None => Some(json!({})),
    }
}

/// The first rule whose condition holds.
fn chosen<'a>(rules: &'a Value, variables: &BTreeMap<String, String>) -> Option<&'a Value> {
    rules.as_array().expect("rules").iter().find(|rule| {
        only(rule, "a rule", &["if", "when"]);
        assert!(rule.get("when").is_none_or(|when| when == "always"), "{rule} is not understood");
        let text = rule["if"].as_str().expect("a condition");
        // The same grammar as the other forge's, but for how a variable and a text are written.
        let text = text.replace('$', "env.").replace('"', "'");
        let values = json!({ "env": variables });
        let context =
            Context { values: values.as_object().cloned().unwrap_or_default(), success: true, cancelled: false };
        context.condition(Some(&text)).unwrap_or_else(|error| panic!("{FILE}: {error}"))
    })
}

/// Keeps what a job's artifacts name, by their paths.
fn keep(paths: &Value, workspace: &Path, to: &Path) {
    for path in paths.as_array().into_iter().flatten().map(words) {
        let from = workspace.join(&path);
        if from.is_dir() {
            copy(&from, &to.join(path));
        }
    }
}
