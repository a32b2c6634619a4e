//! The memory's branch on a remote that asks who one is: a token from the environment, over HTTP, by git's own server.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::support::origin::{Origin, command, git};
use crate::support::project::Ran;
use crate::support::{has_program, peer_or_skip};

const TOKEN: &str = "a-token-of-letters-and-4-digits";
const MORNING: &str = "2026-03-02T08:00:00Z";

/// The server, for as long as the value lives.
struct Server {
    process: Child,
    port: String,
}

impl Server {
    fn of(origin: &Origin) -> Server {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/git_http.py");
        let mut process = Command::new("python3")
            .arg(script)
            .arg(origin.path())
            .arg(TOKEN)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let mut port = String::new();
        let told = process.stdout.take().expect("its output");
        BufReader::new(told).read_line(&mut port).expect("its port");
        Server { process, port: port.trim().to_string() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_token_from_the_environment_or_a_file_opens_the_branch_and_is_never_said() {
    if !peer_or_skip(
        "a_token_from_the_environment_or_a_file_opens_the_branch",
        "python3",
        has_program("python3", "--version"),
    ) {
        return;
    }
    let origin = Origin::site("");
    let server = Server::of(&origin);
    git(&origin.path().join("origin.git"), &["config", "http.receivepack", "true"]);
    let clone = origin.clone("one");
    // As a forge's checkout may leave it: with the user of somebody who may not push.
    let address = format!("http://reader:wrong@127.0.0.1:{}/origin.git", server.port);
    git(&clone, &["remote", "set-url", "origin", &address]);
    let run = |name: &str, value: &str| {
        let mut command = command(&clone, MORNING, &["-v", "run"]);
        command.env(name, value).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_TRACE_CURL", "0");
        Ran::from(command.output().expect("it runs"))
    };
    for (name, value) in [("CRIEUR_GIT_TOKEN", "another-token"), ("NO_TOKEN", "")] {
        let ran = run(name, value);
        assert_eq!(ran.status, 2, "{}", ran.stderr);
        assert!(
            ran.stderr.contains("git ls-remote") && ran.stderr.contains("Authentication failed"),
            "{}",
            ran.stderr
        );
        assert!(!ran.stderr.contains("another-token") && !ran.stderr.contains("wrong"), "{}", ran.stderr);
    }
    assert!(origin.letters().is_empty());
    let ran = run("CRIEUR_GIT_TOKEN", TOKEN);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert_eq!(origin.letters().len(), 1);
    let file = origin.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).expect("the token's file");
    let again = run("CRIEUR_GIT_TOKEN_FILE", &file.to_string_lossy());
    assert_eq!(again.status, 0, "{}", again.stderr);
    assert_eq!(origin.letters().len(), 1);
    // Neither what was said nor what git keeps of the checkout holds it.
    assert!(!format!("{}{}{}{}", ran.stdout, ran.stderr, again.stdout, again.stderr).contains(TOKEN));
    let config = std::fs::read_to_string(clone.join(".git/config")).expect("the checkout's configuration");
    assert!(config.contains("reader:wrong") && !config.contains(TOKEN), "{config}");
    assert!(!origin.history().contains(TOKEN));
}
