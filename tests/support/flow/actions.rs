//! What the steps of a workflow find on the runner: the doubles of other people's actions, and of the programs that need a
//! forge or a registry.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::Forge;
use super::forge::copy;
use super::github::Event;
use super::steps::Work;

/// Writes the programs that a job finds before those of this machine.
pub fn programs(forge: &Forge) {
    // The clock is the test's.
    let crieur =
        format!("#!/bin/sh\nexec '{}' ${{FORGE_NOW:+--now \"$FORGE_NOW\"}} \"$@\"\n", env!("CARGO_BIN_EXE_crieur"));
    fs::create_dir_all(forge.join("brought")).expect("a folder");
    forge.program(&forge.join("brought/crieur"), &crieur);
    forge.program(&forge.join("bin/gh"), include_str!("gh.py"));
    let modules = std::env::var("CRIEUR_TEST_NODE_MODULES").unwrap_or_default();
    forge.program(&forge.join("bin/npm"), &include_str!("npm.sh").replace("MODULES", &modules));
}

/// Does what an action would, as far as a test can tell; an error is what it would print.
pub fn double(work: &mut Work<'_>, uses: &str, with: &BTreeMap<String, String>) -> Result<String, String> {
    let (name, version) = uses.split_once('@').unwrap_or((uses, ""));
    let pinned = version.strip_prefix('v').is_some_and(|number| number.starts_with(|c: char| c.is_ascii_digit()));
    assert!(pinned, "{uses}: the action's version is not pinned");
    let input = |key: &str| with.get(key).map(String::as_str);
    let may = |work: &Work<'_>, what: &str| match work.permissions.get(what).map(String::as_str) {
        Some("write") => Ok(()),
        _ => Err(format!("the job lacks the permission {what}: write")),
    };
    match name {
        "actions/checkout" => checkout(work, with),
        "actions/setup-node" | "peaceiris/actions-hugo" => Ok(String::new()),
        "actions/upload-artifact" => {
            let name = input("name").expect("an artifact has a name").to_string();
            upload(work, &name, input("path").expect("a path"))
        }
        "actions/upload-pages-artifact" => upload(work, "github-pages", input("path").expect("a path")),
        "actions/download-artifact" => {
            let from = work.artifacts.join(input("name").expect("an artifact's name"));
            if !from.is_dir() {
                return Err("Unable to download artifact(s): Artifact not found".into());
            }
            copy(&from, &work.workspace.join(input("path").unwrap_or(".")));
            Ok(String::new())
        }
        "actions/deploy-pages" => {
            may(work, "pages")?;
            may(work, "id-token")?;
            let _publishing = work.forge.publishing.lock().expect("nobody panicked");
            let (site, old) = (work.forge.join("site"), work.forge.join("temp/old-site"));
            let _ = fs::remove_dir_all(&old);
            fs::rename(&site, &old).expect("the old site");
            copy(&work.artifacts.join("github-pages"), &site);
            Ok(String::new())
        }
        "crieur/crieur" => match work.forge.releases.clone() {
            None => {
                work.add_path(work.forge.join("brought"));
                Ok(String::new())
            }
            Some(releases) => {
                let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
                let text = fs::read_to_string(folder.join("action.yml")).expect("the action");
                let action: Value = serde_yaml::from_str(&text).expect("YAML");
                let mut with = with.clone();
                with.insert("from".into(), format!("file://{}", releases.display()));
                work.composite(&action, folder, &with)
            }
        },
        other => panic!("the action {other} has no double"),
    }
}

/// What the forges do where a job asks for submodules; git takes none from files of this machine unless it is told to.
pub const SUBMODULES: [&str; 7] =
    ["-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init", "--recursive"];

/// Shallow, unless the workflow asks for more, and with the job's rights left in the clone.
fn checkout(work: &Work<'_>, with: &BTreeMap<String, String>) -> Result<String, String> {
    let unknown =
        with.keys().find(|key| !["fetch-depth", "ref", "submodules", "persist-credentials"].contains(&key.as_str()));
    assert_eq!(unknown, None, "actions/checkout: this input is not understood");
    let depth = with.get("fetch-depth").map_or("1", String::as_str);
    let (reference, branch) = match (with.get("ref"), work.event) {
        (Some(name), _) => (format!("refs/heads/{name}"), Some(name.clone())),
        (None, Event::PullRequest { .. }) => (work.commit.clone(), None),
        (None, _) => (work.commit.clone(), Some("main".to_string())),
    };
    let address = work.forge.repository();
    let git = |arguments: &[&str]| {
        let mut command = Command::new("git");
        command.current_dir(&work.workspace).args(arguments);
        work.surround(&mut command);
        let output = command.output().expect("git runs");
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    };
    git(&["init", "--quiet", "--initial-branch=main"])?;
    git(&["remote", "add", "origin", &address])?;
    let depth = format!("--depth={depth}");
    let mut fetch = vec!["fetch", "--quiet", "--no-tags"];
    if depth != "--depth=0" {
        fetch.push(&depth);
    }
    git(&[&fetch[..], &["origin", &reference]].concat())?;
    match branch {
        Some(branch) => git(&["checkout", "--quiet", "-B", &branch, "FETCH_HEAD"])?,
        None => git(&["checkout", "--quiet", "--detach", "FETCH_HEAD"])?,
    }
    if with.get("submodules").is_some_and(|value| value == "recursive") {
        git(&SUBMODULES)?;
    }
    Ok(String::new())
}

fn upload(work: &Work<'_>, name: &str, path: &str) -> Result<String, String> {
    let from = work.workspace.join(path);
    if !from.is_dir() {
        return Err(format!("No files were found with the provided path: {path}"));
    }
    copy(&from, &work.artifacts.join(name));
    Ok(String::new())
}

/// The commit that a pull request would become: its branch merged into `main`.
pub fn merged(forge: &Forge, number: u64, head: &str) -> String {
    let bare = forge.join("repository.git");
    let tree = forge.git(&bare, &["merge-tree", "--write-tree", "main", head]);
    let identity = ["-c", "user.name=forge", "-c", "user.email=forge@example.org"];
    let commit = ["commit-tree", "-p", "main", "-p", head, "-m", "merge", &tree];
    let commit = forge.git(&bare, &[&identity[..], &commit[..]].concat());
    forge.git(&bare, &["update-ref", &format!("refs/pull/{number}/merge"), &commit]);
    commit
}
