//! The git repository that a site is in, as `init` sees it by the `git` program: where it starts, where it lives, and which
//! branch is published. New files are made known to git, so that `git diff` shows them and `git commit --all` takes them.
//!
//! Promises: nothing is staged, committed or fetched. Without git, or outside of a repository, there simply is none.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use url::Url;

/// A repository, seen from a folder in it.
#[derive(Clone, Debug)]
pub struct Repository {
    /// The folder that holds `.git`.
    pub top: PathBuf,
    /// The site's folder in it: empty, or with a `/` at its end.
    pub prefix: String,
    /// Where it lives: the address of `origin`, else of the only remote.
    pub address: Option<String>,
    /// The branch that is published.
    pub branch: String,
}

/// The repository that a folder is in.
pub fn of(folder: &Path) -> Option<Repository> {
    let top = git(folder, &["rev-parse", "--show-toplevel"])?;
    let prefix = git(folder, &["rev-parse", "--show-prefix"]).unwrap_or_default();
    let remotes = git(folder, &["remote"]).unwrap_or_default();
    let mut names = remotes.lines();
    let remote = match (names.next(), names.next()) {
        _ if remotes.lines().any(|name| name == "origin") => Some("origin"),
        (Some(only), None) => Some(only),
        _ => None,
    };
    let address = remote.and_then(|remote| git(folder, &["remote", "get-url", remote]));
    Some(Repository { top: PathBuf::from(top), prefix, address, branch: branch(folder, remote) })
}

/// What the remote publishes, as far as it is known here; else `main` or `master`, if there is one; else what is checked out.
fn branch(folder: &Path, remote: Option<&str>) -> String {
    let symbolic = |name: &str| git(folder, &["symbolic-ref", "--quiet", "--short", name]);
    let published = remote.and_then(|remote| {
        let head = symbolic(&format!("refs/remotes/{remote}/HEAD"))?;
        Some(head.strip_prefix(&format!("{remote}/"))?.to_string())
    });
    let is_there =
        |name: &&str| git(folder, &["rev-parse", "--quiet", "--verify", &format!("refs/heads/{name}")]).is_some();
    let usual = || ["main", "master"].into_iter().find(is_there).map(String::from);
    published.or_else(usual).or_else(|| symbolic("HEAD")).unwrap_or_else(|| "main".to_string())
}

/// Makes new files known to git, as ones that a commit will add. False: git was not willing, and the person must add them.
pub fn make_known(root: &Path, files: &[&String]) -> bool {
    let mut arguments = vec!["add", "--intent-to-add", "--"];
    arguments.extend(files.iter().map(|file| file.as_str()));
    git(root, &arguments).is_some()
}

/// What a git command prints, where it goes well.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.current_dir(folder).args(arguments).env("LC_ALL", "C").stdin(Stdio::null()).stderr(Stdio::null());
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim_end_matches('\n').to_string())
}

impl Repository {
    /// The host of its address: `github.com` of `git@github.com:ada/site.git`, too.
    pub fn host(&self) -> Option<String> {
        self.parts().map(|(host, _)| host)
    }

    /// Where GitHub Pages puts its site by itself: `https://ada.github.io/site/`.
    pub fn pages(&self) -> Option<String> {
        let (host, path) = self.parts()?;
        let (owner, name) = path.split_once('/').filter(|(owner, name)| !owner.is_empty() && !name.contains('/'))?;
        let own = format!("{}.github.io", owner.to_lowercase());
        match name.to_lowercase() == own {
            _ if host != "github.com" => None,
            true => Some(format!("https://{own}/")),
            false => Some(format!("https://{own}/{name}/")),
        }
    }

    /// Host and path of the address, whichever way it is written; the path without `.git`.
    fn parts(&self) -> Option<(String, String)> {
        let address = self.address.as_deref()?;
        let (host, path) = match Url::parse(address) {
            Ok(url) if url.has_host() => (url.host_str()?.to_string(), url.path().to_string()),
            Ok(url) if url.scheme() == "file" => return None,
            // As SSH takes it: `git@host:path`.
            _ => {
                let (host, path) = address.split_once(':').filter(|(host, _)| !host.contains('/'))?;
                (host.rsplit('@').next().unwrap_or(host).to_string(), path.to_string())
            }
        };
        let path = path.trim_matches('/');
        Some((host.to_lowercase(), path.strip_suffix(".git").unwrap_or(path).to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Repository {
        Repository {
            top: PathBuf::new(),
            prefix: String::new(),
            address: Some(address.to_string()),
            branch: "main".to_string(),
        }
    }

    #[test]
    fn where_a_repository_lives_is_read_from_any_spelling_of_its_address() {
        for address in [
            "https://github.com/Ada/site.git",
            "https://ada:secret@github.com/Ada/site",
            "git@github.com:Ada/site.git",
            "ssh://git@github.com/Ada/site.git",
        ] {
            assert_eq!(at(address).host().as_deref(), Some("github.com"), "{address}");
            assert_eq!(at(address).pages().as_deref(), Some("https://ada.github.io/site/"), "{address}");
        }
        assert_eq!(at("git@github.com:ada/ada.github.io").pages().as_deref(), Some("https://ada.github.io/"));
        assert_eq!(at("https://gitlab.example.org/a/b/c.git").host().as_deref(), Some("gitlab.example.org"));
        assert_eq!(at("https://gitlab.example.org/a/b.git").pages(), None);
        for address in ["/srv/git/site.git", "../site", "file:///srv/git/site.git"] {
            assert_eq!(at(address).host(), None, "{address}");
        }
    }
}
