//! The forge that a site's repository lives on, and the one file that its CI needs: which forge it is, where the file goes,
//! and what it says for this site. An existing file is never written over.
//!
//! BUGS: a forge is known by its host's name or by its own files in the repository; one that has neither is not seen.

use std::path::Path;

use super::folder::{Folder, text_of};
use super::guess::Guess;
use super::repository::Repository;
use super::workflow::{self, Setting};
use super::{Written, build_step, new_file};

/// Whose CI builds and announces the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Forge {
    Github,
    Gitlab,
    /// No CI: the configuration is for a machine of one's own
    None,
}

/// What else publishes the site, by a word of its workflow.
const PUBLISHERS: [&str; 3] = ["actions/deploy-pages", "actions-gh-pages", "github-pages-deploy-action"];

impl Forge {
    /// The forge that the repository tells of: by its remote's host, else by its files.
    pub fn seen(root: &Path, repository: Option<&Repository>) -> Forge {
        let host = repository.and_then(Repository::host).unwrap_or_default();
        let top = Folder::new(repository.map_or(root, |repository| &repository.top));
        if host == "github.com" {
            Forge::Github
        } else if host.contains("gitlab") || top.is_file(Forge::Gitlab.file()) {
            Forge::Gitlab
        } else if top.is_dir(".github") {
            Forge::Github
        } else {
            Forge::None
        }
    }

    /// As it is named on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Forge::Github => "github",
            Forge::Gitlab => "gitlab",
            Forge::None => "none",
        }
    }

    /// The file that its CI reads, from the repository's top.
    fn file(self) -> &'static str {
        match self {
            Forge::Github => ".github/workflows/crieur.yml",
            Forge::Gitlab => ".gitlab-ci.yml",
            Forge::None => "",
        }
    }
}

/// Writes the CI's file, and gives what it says is to be set once on the forge's page. Where one is there, it is noted how to
/// go on.
pub fn prepare(
    root: &Path,
    repository: Option<&Repository>,
    forge: Forge,
    guess: &mut Guess,
    newsletter: &str,
    done: &mut Written,
) -> anyhow::Result<Vec<String>> {
    let (top, prefix) = repository.map_or((root, ""), |one| (one.top.as_path(), one.prefix.as_str()));
    let folder = Folder::new(root);
    let build = build_step::of(&folder, guess, prefix);
    let branch = repository.map_or("main", |one| &one.branch);
    // A configuration that was there already counts.
    let out = folder.data("config/crieur.yaml").and_then(|config| text_of(&config, &["publish.out"]));
    let out = out.unwrap_or_else(|| guess.out.clone());
    let setting = Setting {
        out: out.trim_matches('/'),
        newsletter,
        branch,
        folder: prefix.trim_end_matches('/'),
        build: &build,
    };
    let text = match forge {
        Forge::Github => workflow::github(guess.generator, &setting),
        Forge::Gitlab => workflow::gitlab(guess.generator, &setting),
        Forge::None => return Ok(Vec::new()),
    };
    let remembers = folder.data("config/crieur.yaml").and_then(|config| text_of(&config, &["database"]));
    if !remembers.is_some_and(|database| database.starts_with("git:")) {
        guess.note(
            "config/crieur.yaml was there, and stays as it is: a CI's runs remember what was announced only with \
             `database: git:crieur/state`, and newsletters whose `to` is a list's address",
        );
    }
    build.notes.into_iter().for_each(|note| guess.note(note));
    // Told from the site's folder, as everything else is.
    let up = "../".repeat(prefix.matches('/').count());
    let (file, path) = (forge.file(), format!("{up}{}", forge.file()));
    if top.join(file).exists() {
        guess.note(match forge {
            Forge::Gitlab => format!(
                "{path} is there, and stays as it is. To go on: rename it (to ci.yml, say), run `crieur init` again, \
                 and add `include: ci.yml` to the new one, without the jobs that build and publish the site"
            ),
            _ => format!("{path} is there, and stays as it is: to have it written anew, take it away and run `crieur init` again"),
        });
        done.kept.push(path);
        return Ok(Vec::new());
    }
    new_file(root, &path, &text, done)?;
    if forge == Forge::Github {
        others_that_publish(&Folder::new(top), &up, guess);
    }
    if repository.is_none() {
        guess.note("this folder is in no git repository yet: `git init`, and a remote on the forge");
    }
    Ok(to_set(&text))
}

/// Two workflows that publish would take the feeds off the site, one after the other.
fn others_that_publish(top: &Folder, up: &str, guess: &mut Guess) {
    let workflows = ".github/workflows";
    for name in top.names(workflows) {
        let is_workflow = name.ends_with(".yml") || name.ends_with(".yaml");
        let path = format!("{workflows}/{name}");
        let publishes = |text: String| PUBLISHERS.iter().any(|word| text.contains(word));
        if is_workflow && path != Forge::Github.file() && top.text(&path).is_some_and(publishes) {
            guess.note(format!(
                "{up}{path} publishes the site as well, without feeds: take it away, {} does it",
                Forge::Github.file()
            ));
        }
    }
}

/// The comment at a file's top that says what is to set once: its heading, and what is indented below it.
fn to_set(text: &str) -> Vec<String> {
    let comment =
        text.lines().map_while(|line| line.strip_prefix('#')).map(|line| line.strip_prefix(' ').unwrap_or(line));
    let from = comment.skip_while(|line| !line.starts_with("To set once"));
    from.take_while(|line| !line.is_empty()).map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_set_once_is_told_from_the_files_own_comment() {
        let text = "# A file.\n#\n# To set once, there:\n#   this: that\n#     more\n#\n# What happens\n\nname: x\n";
        assert_eq!(to_set(text), ["To set once, there:", "  this: that", "    more"]);
        for text in workflow::TEMPLATES {
            assert!(to_set(text).len() > 1, "{text}");
        }
    }
}
