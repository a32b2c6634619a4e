//! GitHub's workflows: which jobs an event starts, and in which order.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::Forge;
use super::actions;
use super::expression::words;
use super::steps::Work;

pub const FILE: &str = ".github/workflows/crieur.yml";
pub const REPOSITORY: &str = "ada/site";

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Something was pushed to `main`.
    Push,
    /// The clock, by which of its lines.
    Schedule(&'static str),
    /// A branch that asks to be merged; from somebody else's copy of the repository, or from this one.
    PullRequest { number: u64, head: String, fork: bool },
}

/// What became of it.
pub struct Run {
    pub jobs: Vec<Job>,
    /// A folder an artifact.
    pub artifacts: PathBuf,
}

pub struct Job {
    pub name: String,
    /// `success`, `failure` or `skipped`.
    pub conclusion: &'static str,
    pub steps: Vec<Step>,
    pub summary: String,
    outputs: Value,
}

impl Job {
    pub fn skipped(name: &str) -> Job {
        Job {
            name: name.into(),
            conclusion: "skipped",
            steps: Vec::new(),
            summary: String::new(),
            outputs: json!({}),
        }
    }
}

pub struct Step {
    pub name: String,
    pub conclusion: &'static str,
    pub log: String,
}

impl Run {
    pub fn job(&self, name: &str) -> &Job {
        self.jobs.iter().find(|job| job.name == name).unwrap_or_else(|| panic!("no job is called {name}"))
    }

    /// Everything that the steps printed, their names before it.
    pub fn log(&self) -> String {
        let steps = |job: &Job| {
            let one = |step: &Step| format!("== {}: {} ({})\n{}", job.name, step.name, step.conclusion, step.log);
            job.steps.iter().map(one).collect::<String>()
        };
        self.jobs.iter().map(steps).collect()
    }

    /// Every job went well, or had no reason to start.
    pub fn went_well(&self) -> &Run {
        assert!(self.jobs.iter().all(|job| job.conclusion != "failure"), "{}", self.log());
        self
    }
}

impl Forge {
    /// Runs the workflow of `main` (or of a pull request's merge) for an event, at a moment.
    pub fn github(&self, event: &Event, now: &str) -> Run {
        let artifacts = self.fresh("artifacts");
        fs::create_dir_all(&artifacts).expect("a folder");
        let bare = self.join("repository.git");
        let commit = match event {
            Event::PullRequest { number, head, .. } => actions::merged(self, *number, head),
            _ => self.git(&bare, &["rev-parse", "main"]),
        };
        let text = self.file(&commit, FILE).unwrap_or_else(|| panic!("{FILE} is not there"));
        let flow: Value = serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{FILE}: {error}"));
        only(&flow, "the workflow", &["name", "on", "permissions", "concurrency", "env", "jobs"]);
        let mut run = Run { jobs: Vec::new(), artifacts };
        if !starts(&flow["on"], event) {
            return run;
        }
        assert!(flow["concurrency"]["group"].is_string(), "two runs of the workflow may overlap");
        let jobs = flow["jobs"].as_object().expect("jobs");
        while run.jobs.len() < jobs.len() {
            let names = |job: &Value| match &job["needs"] {
                Value::String(one) => vec![one.clone()],
                Value::Array(list) => list.iter().map(words).collect(),
                _ => Vec::new(),
            };
            let is_done = |name: &String| run.jobs.iter().any(|done| done.name == *name);
            let ready = jobs.iter().find(|(name, job)| !is_done(name) && names(job).iter().all(is_done));
            let (name, job) = ready.expect("a job that waits for no other");
            let done = self.job(&flow, name, job, &names(job), &run, event, &commit, now);
            run.jobs.push(done);
        }
        run
    }

    #[allow(clippy::too_many_arguments)]
    fn job(
        &self,
        flow: &Value,
        name: &str,
        job: &Value,
        needs: &[String],
        run: &Run,
        event: &Event,
        commit: &str,
        now: &str,
    ) -> Job {
        let keys = [
            "name",
            "needs",
            "if",
            "runs-on",
            "permissions",
            "defaults",
            "environment",
            "steps",
            "env",
            "outputs",
            "timeout-minutes",
        ];
        only(job, name, &keys);
        only(&job["defaults"], "defaults", &["run"]);
        only(&job["defaults"]["run"], "defaults.run", &["working-directory"]);
        let place = self.fresh(name);
        let (workspace, temp) = (place.join("workspace"), place.join("temp"));
        fs::create_dir_all(&workspace).expect("a folder");
        fs::create_dir_all(&temp).expect("a folder");
        let needed: Vec<&Job> = needs.iter().map(|name| run.job(name)).collect();
        let outcome = |job: &&Job| (job.name.clone(), json!({ "result": job.conclusion, "outputs": job.outputs }));
        let mut work = Work {
            forge: self,
            event,
            commit: commit.to_string(),
            workspace,
            temp,
            artifacts: run.artifacts.clone(),
            permissions: permissions(flow, job, event),
            folder: words(&job["defaults"]["run"]["working-directory"]),
            now: now.to_string(),
            path: Vec::new(),
            env: BTreeMap::new(),
            steps: Map::new(),
            needs: Value::Object(needed.iter().map(outcome).collect()),
            inputs: json!({}),
            success: needed.iter().all(|job| job.conclusion == "success"),
            log: Vec::new(),
        };
        let mut done = Job::skipped(name);
        if !work.holds(job["if"].as_str()) {
            return done;
        }
        work.success = true;
        for from in [&flow["env"], &job["env"]] {
            let more = work.fill_all(from);
            work.env.extend(more);
        }
        let steps = job["steps"].as_array().expect("steps");
        let ids = steps.iter().filter_map(|step| step["id"].as_str());
        // A step that has not run yet has no outcome and no output.
        work.steps =
            ids.map(|id| (id.to_string(), json!({ "outputs": {}, "outcome": "", "conclusion": "" }))).collect();
        for step in steps {
            work.step(step);
        }
        if let Some(outputs) = job["outputs"].as_object() {
            done.outputs = outputs
                .iter()
                .map(|(key, value)| (key.clone(), work.fill(&words(value)).into()))
                .collect::<Map<_, _>>()
                .into();
        }
        done.conclusion = if work.success { "success" } else { "failure" };
        done.summary = fs::read_to_string(work.temp.join("summary")).unwrap_or_default();
        done.steps = work.log;
        done
    }
}

/// Whether the event is one of those that start the workflow.
fn starts(on: &Value, event: &Event) -> bool {
    only(on, "on", &["push", "schedule", "pull_request", "workflow_dispatch"]);
    match event {
        Event::Push => on["push"]["branches"].as_array().is_some_and(|names| names.iter().any(|name| name == "main")),
        Event::Schedule(line) => {
            let known = on["schedule"].as_array().is_some_and(|lines| lines.iter().any(|one| one["cron"] == **line));
            assert!(known, "the schedule has no line {line}");
            true
        }
        Event::PullRequest { .. } => on.get("pull_request").is_some(),
    }
}

/// A job has what it asks for, else what the workflow asks for; one from a fork may only read.
fn permissions(flow: &Value, job: &Value, event: &Event) -> BTreeMap<String, String> {
    let asked =
        job.get("permissions").or(flow.get("permissions")).expect("permissions are stated, never the default ones");
    let map = asked.as_object().expect("permissions one by one");
    let is_fork = matches!(event, Event::PullRequest { fork: true, .. });
    let right = |value: &Value| if is_fork { "read".to_string() } else { words(value) };
    map.iter().map(|(what, value)| (what.clone(), right(value))).collect()
}

/// That a mapping has no key but these: what is not understood must not be passed over.
pub fn only(map: &Value, what: &str, known: &[&str]) {
    for key in map.as_object().into_iter().flatten().map(|(key, _)| key) {
        assert!(known.contains(&key.as_str()), "{what}: the key `{key}` is not understood");
    }
}
