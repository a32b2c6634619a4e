//! `scripts/release`: what it packs is what the action and GitLab's lines fetch, the same bytes each time, and never a
//! program that needs the system's libraries. That they take it is shown in `flows`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn release(arguments: &[&str]) -> Output {
    // A commit's time, where there is a commit or none.
    let mut command = Command::new("bash");
    command.arg(repository("scripts/release")).args(arguments).env("SOURCE_DATE_EPOCH", "1772352000");
    command.output().expect("bash runs")
}

/// Packs a program as it is published, into this folder.
pub(crate) fn pack(program: &Path, target: &str, folder: &Path) {
    let (program, folder) = (program.to_str().expect("a path"), folder.to_str().expect("a path"));
    let made = release(&["--pack", program, target, folder]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// What stands behind the words on each line of a file that has them.
fn behind(path: &str, words: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(repository(path)).expect("a file");
    let found: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.split_once(words))
        .map(|(_, rest)| rest.trim_end_matches(" ;;").to_string())
        .collect();
    assert!(!found.is_empty(), "{path} says nothing of {words}");
    found
}

fn shell(script: &str, folder: &Path) -> String {
    let ran = Command::new("bash").args(["-ec", script]).current_dir(folder).output().expect("bash runs");
    assert!(ran.status.success(), "{script}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).expect("text")
}

#[test]
fn the_archives_are_those_that_the_action_and_gitlab_fetch() {
    let script = fs::read_to_string(repository("scripts/release")).expect("the script");
    let made = script.lines().find_map(|line| line.split_once("|| set -- ")).expect("its targets").1;
    let made: BTreeSet<String> = made.split(' ').map(str::to_string).collect();
    assert_eq!(behind("action.yml", " target="), made, "the action's");
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("program"), "a program").expect("a file");
    for target in &made {
        pack(&folder.path().join("program"), target, folder.path());
        let expected = format!("crieur-{VERSION}-{target}.tar.gz");
        for (file, words) in [
            ("action.yml", " archive="),
            ("docs/deploy/gitlab-hugo.yml", "- archive="),
            ("docs/deploy/gitlab-eleventy.yml", "- archive="),
        ] {
            for name in behind(file, words) {
                let script = format!(
                    "uname() {{ echo {}; }}; VERSION={VERSION} CRIEUR_VERSION={VERSION} target={target}; echo {name}",
                    target.split('-').next().expect("a processor")
                );
                assert_eq!(shell(&script, folder.path()).trim(), expected, "{file}");
            }
        }
        assert!(folder.path().join(&expected).is_file());
        shell(&format!("sha256sum --check --strict --quiet {expected}.sha256"), folder.path());
    }
}

#[test]
fn the_same_commit_gives_the_same_bytes_and_one_folder() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = "x86_64-unknown-linux-musl";
    let script = repository("scripts/release");
    for (name, mask, day) in [("one", "022", "2001-01-01"), ("two", "077", "2002-02-02")] {
        let line = format!(
            "umask {mask}; echo program > {name}; touch -d {day} {name}; export SOURCE_DATE_EPOCH=1772352000; \
             {} --pack $PWD/{name} {target} $PWD/out-{name}",
            script.display()
        );
        shell(&line, folder.path());
    }
    let archive = format!("crieur-{VERSION}-{target}.tar.gz");
    let bytes = |name: &str| fs::read(folder.path().join(format!("out-{name}")).join(&archive)).expect("an archive");
    assert!(bytes("one") == bytes("two"));
    let listed = shell(&format!("TZ=UTC tar -tvzf out-one/{archive} --numeric-owner"), folder.path());
    let top = format!("crieur-{VERSION}-{target}/");
    let mut names = Vec::new();
    for line in listed.lines() {
        assert!(line.contains(" 0/0 ") && line.contains("2026-03-01 08:00"), "{line}");
        let (mode, name) = (&line[..10], line.rsplit(' ').next().expect("a name"));
        let name = name.strip_prefix(top.as_str()).unwrap_or_else(|| panic!("{name} is not in {top}"));
        let wanted = match name {
            "" => "drwxr-xr-x",
            "crieur" => "-rwxr-xr-x",
            _ => "-rw-r--r--",
        };
        assert_eq!(mode, wanted, "{line}");
        names.push(name);
    }
    assert_eq!(names, ["", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT", "README.md", "crieur"]);
}

#[test]
fn a_program_that_needs_the_systems_libraries_is_not_released() {
    let ran = release(&["--look", env!("CARGO_BIN_EXE_crieur")]);
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!((ran.status.code(), said.contains("is not static")), (Some(1), true), "{said}");
    assert_eq!(release(&["--what"]).status.code(), Some(1));
}
