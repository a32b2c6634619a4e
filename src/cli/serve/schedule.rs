//! The schedule of `serve --with-schedule`: `crieur run`, each minute, in a process of its own.
//!
//! A process of its own, so that what it composes weighs on nobody's answer, and whatever becomes of it leaves the service as
//! it was. It ends by itself when its standard input does: when this process lets it go, or is gone.
//!
//! Promises: one at a time; another `run` or a `worker` elsewhere is no obstacle, for all share the database's locks. Told to
//! stop, it lets the bodies under way end. Its words are this one's, without addresses, and not said again by a run that has
//! nothing else to say than the last one.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use chrono::{SubsecRound, Timelike};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use super::report;
use crate::cli::Globals;
use crate::mail::clock::Clock;
use crate::store::without_addresses;

/// The schedule at work.
pub struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

/// Begins now, and again with each minute of the clock.
pub fn start(globals: &Globals, clock: Clock) -> Running {
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(keep_on(globals.clone(), clock, stopped));
    Running { stop, task }
}

impl Running {
    /// Lets the run under way end, and ends it where that takes longer than `patience`.
    pub async fn stop(self, patience: Duration) {
        let mut task = self.task;
        if self.stop.send(true).is_ok() && timeout(patience, &mut task).await.is_err() {
            // The process goes with the task.
            task.abort();
            let _ = task.await;
        }
    }
}

async fn keep_on(globals: Globals, clock: Clock, mut stopped: watch::Receiver<bool>) {
    let mut said = Said::default();
    while !*stopped.borrow() {
        match begin(&globals, clock) {
            Ok(child) => see_through(child, &mut stopped, &mut said).await,
            Err(error) => said.line(format!("error: what is due cannot be seen to: {error}")),
        }
        said.end();
        tokio::select! {
            () = sleep(until_next_minute(clock)) => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    }
}

fn until_next_minute(clock: Clock) -> Duration {
    let now = clock.now();
    let past = Duration::new(now.second().into(), now.nanosecond());
    // A little more: the command's clock knows whole seconds.
    Duration::from_secs(60).saturating_sub(past) + Duration::from_millis(10)
}

fn begin(globals: &Globals, clock: Clock) -> std::io::Result<Child> {
    let mut command = Command::new(program()?);
    command.arg("-C").arg(&globals.root).arg("--now").arg(clock.now().trunc_subsecs(0).to_rfc3339());
    for (asked, flag) in [(globals.quiet, "--quiet"), (globals.verbose, "--verbose")] {
        if asked {
            command.arg(flag);
        }
    }
    command.args(["run", "--until-input-ends"]);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true).spawn()
}

/// This very program, also where another one has taken its place meanwhile.
fn program() -> std::io::Result<PathBuf> {
    let here = std::env::current_exe()?;
    Ok(if cfg!(target_os = "linux") && !here.exists() { PathBuf::from("/proc/self/exe") } else { here })
}

/// One run, to its end.
async fn see_through(mut child: Child, stopped: &mut watch::Receiver<bool>, said: &mut Said) {
    let mut input = child.stdin.take();
    let Some(errors) = child.stderr.take() else { return };
    let mut lines = BufReader::new(errors).lines();
    loop {
        tokio::select! {
            line = lines.next_line() => match line {
                Ok(Some(line)) => said.line(without_addresses(&line)),
                _ => break,
            },
            // The end of its input tells it to end.
            _ = stopped.wait_for(|stopped| *stopped), if input.is_some() => input = None,
        }
    }
    match child.wait().await {
        Ok(status) if status.code().is_some() || input.is_none() => {}
        Ok(status) => said.line(format!("error: the scheduled run ended before its work did: {status}")),
        Err(error) => said.line(format!("error: nobody knows how the scheduled run ended: {error}")),
    }
}

/// What the runs say: nothing, as long as one says what the last one said.
#[derive(Default)]
struct Said {
    last: Vec<String>,
    now: Vec<String>,
    differs: bool,
}

impl Said {
    fn line(&mut self, line: String) {
        for line in self.news(line) {
            report::line(line);
        }
    }

    /// What is to be said now that a run has said this.
    fn news(&mut self, line: String) -> Vec<String> {
        let differed = self.differs;
        self.differs |= self.last.get(self.now.len()) != Some(&line);
        self.now.push(line);
        let first = if differed { self.now.len() - 1 } else { 0 };
        if self.differs { self.now[first..].to_vec() } else { Vec::new() }
    }

    /// The run has ended.
    fn end(&mut self) {
        self.last = std::mem::take(&mut self.now);
        self.differs = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_last_run_said_is_not_said_again() {
        let mut said = Said::default();
        let mut run = |lines: &[&str]| {
            let news: Vec<String> = lines.iter().flat_map(|line| said.news(line.to_string())).collect();
            said.end();
            news
        };
        assert_eq!(run(&["a", "b"]), ["a", "b"]);
        assert_eq!(run(&["a", "b"]), [""; 0]);
        assert_eq!(run(&["a", "b", "c"]), ["a", "b", "c"]);
        assert_eq!(run(&["a", "d"]), ["a", "d"]);
        assert_eq!(run(&[]), [""; 0]);
        assert_eq!(run(&["a", "d"]), ["a", "d"]);
    }

    #[test]
    fn the_next_run_begins_with_the_next_minute() {
        let at = |text: &str| until_next_minute(Clock::starting(text.parse().unwrap()));
        assert!(at("2026-03-01T08:00:59Z") <= Duration::from_millis(1010));
        assert!(at("2026-03-01T08:00:00Z") > Duration::from_secs(59));
    }
}
