//! Letters through the machine's `sendmail` command, which every mail server on Unix brings: `-i -f SENDER -- RCPT`.
//!
//! The exit status is what it has to say (`sysexits.h`). `CRIEUR_SENDMAIL` names another program.
//!
//! BUGS: accepted means queued by the local server; what it does then is in its own logs.

use std::path::PathBuf;
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::maildir::with_line_feeds;
use super::outcome::{Fault, Outcome};

/// Names the program to call.
pub const SENDMAIL_VARIABLE: &str = "CRIEUR_SENDMAIL";

/// The command to pipe letters to.
#[derive(Clone, Debug)]
pub struct Sendmail {
    program: PathBuf,
}

impl Sendmail {
    pub fn new(program: Option<PathBuf>) -> Sendmail {
        Sendmail { program: program.unwrap_or_else(|| PathBuf::from("/usr/sbin/sendmail")) }
    }

    pub async fn deliver(&self, sender: &str, recipient: &str, letter: &[u8]) -> Outcome {
        let program = self.program.display();
        let mut child = match Command::new(&self.program)
            .args(["-i", "-f", sender, "--", recipient])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
        {
            Ok(child) => child,
            Err(error) => return Outcome::Untried(Fault::Ours(format!("{program}: {error}"))),
        };
        let mut written = Ok(());
        if let Some(mut input) = child.stdin.take() {
            written = input.write_all(&with_line_feeds(letter)).await;
            if written.is_ok() {
                written = input.shutdown().await;
            }
        }
        let output = match child.wait_with_output().await {
            Ok(output) => output,
            Err(error) => return Outcome::Unknown(format!("{program}: {error}")),
        };
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().next_back().unwrap_or("").trim();
        let words = |what: &str| format!("{program}: {what} {said}").trim().to_string();
        match (output.status.code(), written) {
            (Some(0), Ok(())) => Outcome::Accepted("taken by sendmail".to_string()),
            (Some(0), Err(error)) => Outcome::Unknown(words(&error.to_string())),
            // EX_DATAERR, EX_NOUSER, EX_NOHOST
            (Some(status @ (65 | 67 | 68)), _) => {
                Outcome::Refused { reply: words(&format!("status {status}")), suppress: false }
            }
            // EX_USAGE, EX_NOPERM, EX_CONFIG, and a shell's "cannot run it"
            (Some(status @ (64 | 77 | 78 | 126 | 127)), _) => {
                Outcome::Untried(Fault::Ours(words(&format!("status {status}"))))
            }
            (Some(status), _) => Outcome::Deferred(words(&format!("status {status}"))),
            (None, _) => Outcome::Unknown(words("was killed")),
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::store::tests::wait;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    fn deliver(script: &str) -> (Outcome, String) {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("sendmail");
        fs::write(
            &program,
            format!("#!/bin/sh\n{script}\n").replace("OUT", &folder.path().join("out").to_string_lossy()),
        )
        .unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        let sendmail = Sendmail::new(Some(program.clone()));
        let outcome = wait(sendmail.deliver("b+t@example.org", "-a@example.org", b"A: b\r\n\r\n.\r\nx\r\n"));
        (outcome, fs::read_to_string(folder.path().join("out")).unwrap_or_default())
    }

    #[test]
    fn a_letter_goes_in_whole_and_an_address_is_never_an_option() {
        let (outcome, out) = deliver("echo \"$@\" > OUT; cat >> OUT");
        assert_eq!(outcome, Outcome::Accepted("taken by sendmail".to_string()));
        assert_eq!(out, "-i -f b+t@example.org -- -a@example.org\nA: b\n\n.\nx\n");
    }

    #[test]
    fn the_exit_status_says_whose_fault_it_is() {
        let deliver = |script: &str| deliver(&format!("cat >/dev/null; {script}")).0;
        assert!(
            matches!(deliver("echo full >&2; exit 75"), Outcome::Deferred(words) if words.ends_with("status 75 full"))
        );
        assert!(matches!(deliver("exit 67"), Outcome::Refused { suppress: false, .. }));
        assert!(matches!(deliver("exit 78"), Outcome::Untried(Fault::Ours(_))));
        assert!(matches!(deliver("kill -9 $$"), Outcome::Unknown(_)));
        let absent = Sendmail::new(Some(PathBuf::from("/nonexistent/sendmail")));
        assert!(matches!(wait(absent.deliver("a", "b", b"")), Outcome::Untried(Fault::Ours(_))));
    }
}
