//! One `git` command: run in the project's folder, bounded in time, its words in English and without secrets.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use url::Url;

use super::{GitError, PATIENCE, Result};

const TOKEN: &str = "CRIEUR_GIT_TOKEN";
const TOKEN_FILE: &str = "CRIEUR_GIT_TOKEN_FILE";
/// Answers git's question for a password from the environment. Forges take any user name with a token; GitHub names this one.
const HELPER: &str =
    "!f() { test \"$1\" = get && printf 'username=x-access-token\\npassword=%s\\n' \"$CRIEUR_GIT_TOKEN\"; }; f";

/// How git is called.
#[derive(Clone)]
pub struct Git {
    folder: PathBuf,
    remote: String,
    token: Option<String>,
}

/// Without the token.
impl std::fmt::Debug for Git {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "git in {} with {}", self.folder.display(), without_user(&self.remote))
    }
}

impl Git {
    pub fn new(folder: &Path) -> Git {
        Git { folder: folder.to_path_buf(), remote: String::new(), token: None }
    }

    /// The remote's name, or its address.
    pub fn remote(&self) -> &str {
        &self.remote
    }

    /// Uses this remote, with the environment's token where there is one and the remote is spoken to over HTTP.
    pub async fn take_token(&mut self, remote: &str) -> Result<()> {
        self.remote = remote.to_string();
        let token = match (std::env::var(TOKEN), std::env::var_os(TOKEN_FILE)) {
            (Ok(token), _) => token,
            (Err(_), Some(file)) => {
                let path = PathBuf::from(file);
                std::fs::read_to_string(&path).map_err(|error| GitError::Token(path, error))?
            }
            (Err(_), None) => return Ok(()),
        };
        let token = token.trim().to_string();
        let address = self.run("remote", &["remote", "get-url", "--push", remote], None).await?;
        if let Ok(mut url) = Url::parse(address.trim())
            && matches!(url.scheme(), "http" | "https")
            && !token.is_empty()
        {
            // Whoever stands in the address would be asked first.
            let _ = url.set_username("");
            let _ = url.set_password(None);
            self.remote = url.to_string();
            self.token = Some(token);
        }
        Ok(())
    }

    /// What it writes, as text.
    pub async fn run(&self, what: &'static str, arguments: &[&str], input: Option<&[u8]>) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.run_bytes(what, arguments, input).await?).into_owned())
    }

    /// What it writes. `what` names the command where it fails.
    pub async fn run_bytes(&self, what: &'static str, arguments: &[&str], input: Option<&[u8]>) -> Result<Vec<u8>> {
        let mut child = self.command(arguments).spawn().map_err(GitError::Missing)?;
        let stdin = child.stdin.take();
        let feeding = async {
            if let (Some(mut stdin), Some(input)) = (stdin, input) {
                // One that ends before it has read everything says why itself.
                let _ = stdin.write_all(input).await;
            }
        };
        let both = async { tokio::join!(feeding, child.wait_with_output()).1 };
        let output = match tokio::time::timeout(PATIENCE, both).await {
            Ok(output) => output.map_err(GitError::Missing)?,
            // Dropped, it is killed.
            Err(_) => return Err(GitError::TooLong { what }),
        };
        if output.status.success() {
            return Ok(output.stdout);
        }
        let said = [output.stderr, output.stdout].concat();
        Err(GitError::Failed { what, words: self.words(&String::from_utf8_lossy(&said)) })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("LC_ALL", "C")
            .env("GIT_TERMINAL_PROMPT", "0")
            // A person's SSH may ask for a passphrase; a program's must not.
            .env("SSH_ASKPASS_REQUIRE", "never")
            .env_remove("GIT_INDEX_FILE")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(token) = &self.token {
            // An empty value takes back what was configured before: other helpers, and what a forge's checkout left.
            let header = format!("http.{}.extraheader", self.host());
            let settings =
                [("credential.helper", ""), ("credential.helper", HELPER), ("http.extraheader", ""), (&header, "")];
            command.env(TOKEN, token).env("GIT_CONFIG_COUNT", settings.len().to_string());
            for (index, (key, value)) in settings.iter().enumerate() {
                command.env(format!("GIT_CONFIG_KEY_{index}"), key).env(format!("GIT_CONFIG_VALUE_{index}"), value);
            }
        }
        command
    }

    /// `https://HOST/` of the remote.
    fn host(&self) -> String {
        let url = Url::parse(&self.remote).ok();
        url.and_then(|url| url.join("/").ok()).map(|url| url.to_string()).unwrap_or_default()
    }

    /// The lines that say what is wrong, in one, without a secret.
    fn words(&self, said: &str) -> String {
        let lines: Vec<String> = said
            .lines()
            .map(|line| line.trim_start_matches("remote:").trim())
            .filter(|line| {
                !line.is_empty() && !line.starts_with("hint:") && *line != "Done" && !line.starts_with("To ")
            })
            .map(without_user)
            .collect();
        let words = lines.join("; ");
        match &self.token {
            Some(token) => words.replace(token.as_str(), "***"),
            None => words,
        }
    }
}

/// A text whose addresses name no user and no password.
fn without_user(text: &str) -> String {
    let mut parts = text.split("://");
    let mut out = parts.next().unwrap_or_default().to_string();
    for part in parts {
        out.push_str("://");
        let end = part.find(['/', ' ', '\'', '"']).unwrap_or(part.len());
        let host = part.get(..end).and_then(|authority| authority.rfind('@')).map_or(0, |at| at + 1);
        out.push_str(part.get(host..).unwrap_or_default());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_hold_neither_a_user_nor_a_token() {
        let git = Git { folder: PathBuf::new(), remote: String::new(), token: Some("s3cret".to_string()) };
        let said = "fatal: unable to access 'https://me:pass@git.example.org/a.git/': no\nhint: try\nremote: s3cret is bad\n";
        assert_eq!(git.words(said), "fatal: unable to access 'https://git.example.org/a.git/': no; *** is bad");
        assert_eq!(without_user("a://b@c/d@e a@b"), "a://c/d@e a@b");
    }
}
