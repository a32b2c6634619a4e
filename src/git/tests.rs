use std::fs;
use std::process::Command;

use super::*;

/// A bare repository with a `main` branch, and clones of it.
struct Forge {
    folder: tempfile::TempDir,
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_string()
}

impl Forge {
    fn new() -> Forge {
        let folder = tempfile::tempdir().unwrap();
        git(folder.path(), &["init", "-q", "--bare", "-b", "main", "bare.git"]);
        git(folder.path(), &["clone", "-q", "bare.git", "first"]);
        let first = folder.path().join("first");
        git(&first, &["checkout", "-q", "-b", "main"]);
        fs::create_dir(first.join("site")).unwrap();
        fs::write(first.join("site/a.md"), "one\n").unwrap();
        for round in 0..3 {
            fs::write(first.join("b"), round.to_string()).unwrap();
            git(&first, &["add", "."]);
            git(&first, &["commit", "-q", "-m", "more"]);
        }
        git(&first, &["push", "-q", "origin", "main"]);
        Forge { folder }
    }

    fn shallow(&self, name: &str) -> PathBuf {
        let address = format!("file://{}", self.folder.path().join("bare.git").display());
        git(self.folder.path(), &["clone", "-q", "--depth=1", &address, name]);
        self.folder.path().join(name)
    }
}

fn change<'a>(message: &'a str, files: &[(&str, Option<&str>)]) -> Change<'a> {
    let content = |text: &&str| text.as_bytes().to_vec();
    let files = files.iter().map(|(path, text)| (path.to_string(), text.as_ref().map(content))).collect();
    Change { message, now: DateTime::UNIX_EPOCH, files }
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

#[test]
fn a_branch_is_made_read_and_added_to_from_shallow_clones_that_stay_as_they_are() {
    let forge = Forge::new();
    let (one, two) = (forge.shallow("one"), forge.shallow("two"));
    fs::write(one.join("b"), "changed, and not committed").unwrap();
    git(&one, &["add", "b"]);
    fs::write(one.join("b"), "changed again").unwrap();
    let before = git(&one, &["status", "--porcelain"]);
    wait(async {
        let first = Repository::of(&one.join("site")).await.unwrap();
        assert_eq!(first.prefix().await.unwrap(), "site/");
        assert_eq!(first.main_branch().await.unwrap().as_deref(), Some("main"));
        assert_eq!(first.fetch("state").await.unwrap(), None);
        let files = [("a/é \"b\".txt", Some("1\n\n")), ("c", Some(""))];
        let made = first.commit(None, &change("Begin", &files)).await.unwrap();
        assert_eq!(first.push(&made, None, "state", &[]).await.unwrap(), Pushed::Done);
        let second = Repository::of(&two).await.unwrap();
        let tip = second.fetch("state").await.unwrap().unwrap();
        assert_eq!(tip, made);
        assert_eq!(second.message(&tip).await.unwrap().trim(), "Begin");
        let read = second.files(&tip, "").await.unwrap();
        assert_eq!(read.keys().collect::<Vec<_>>(), ["a/é \"b\".txt", "c"]);
        assert_eq!(read["a/é \"b\".txt"], b"1\n\n");
        let next = second.commit(Some(&tip), &change("Go on", &[("c", None), ("d", Some("x"))])).await.unwrap();
        assert_eq!(second.push(&next, Some(&tip), "state", &[]).await.unwrap(), Pushed::Done);
        let seen = first.fetch("state").await.unwrap().unwrap();
        assert_eq!(first.files(&seen, "").await.unwrap().into_keys().collect::<Vec<_>>(), ["a/é \"b\".txt", "d"]);
        assert_eq!(first.file(&seen, "d").await.unwrap().as_deref(), Some(b"x".as_slice()));
        assert_eq!(first.file(&seen, "c").await.unwrap(), None);
        assert_eq!(
            first.file(&first.head().await.unwrap(), "site/a.md").await.unwrap().as_deref(),
            Some(&b"one\n"[..])
        );
    });
    assert_eq!(git(&one, &["status", "--porcelain"]), before);
    assert_eq!(git(&one, &["branch", "--all", "--format=%(refname)"]).lines().count(), 3, "no branch more");
    assert_eq!(git(&two, &["rev-parse", "--is-shallow-repository"]), "true");
}

#[test]
fn whoever_pushes_second_is_told_so_be_it_the_branchs_first_commit() {
    let forge = Forge::new();
    let (one, two) = (forge.shallow("one"), forge.shallow("two"));
    wait(async {
        let (one, two) = (Repository::of(&one).await.unwrap(), Repository::of(&two).await.unwrap());
        let first = one.commit(None, &change("one", &[("a", Some("1"))])).await.unwrap();
        let other = two.commit(None, &change("two", &[("a", Some("1"))])).await.unwrap();
        assert_eq!(one.push(&first, None, "state", &[]).await.unwrap(), Pushed::Done);
        assert_eq!(two.push(&other, None, "state", &[]).await.unwrap(), Pushed::Overtaken);
        let tip = two.fetch("state").await.unwrap().unwrap();
        let next = one.commit(Some(&first), &change("one", &[("a", Some("2"))])).await.unwrap();
        let late = two.commit(Some(&tip), &change("two", &[("a", Some("3"))])).await.unwrap();
        assert_eq!(one.push(&next, Some(&first), "state", &[]).await.unwrap(), Pushed::Done);
        assert_eq!(two.push(&late, Some(&tip), "state", &[]).await.unwrap(), Pushed::Overtaken);
    });
}

#[test]
fn a_push_that_is_refused_is_no_push_that_came_second_and_says_why() {
    let forge = Forge::new();
    let one = forge.shallow("one");
    let hook = forge.folder.path().join("bare.git/hooks/pre-receive");
    fs::write(&hook, "#!/bin/sh\necho 'this branch is protected' >&2\nexit 1\n").unwrap();
    #[cfg(unix)]
    fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    wait(async {
        let one = Repository::of(&one).await.unwrap();
        let made = one.commit(None, &change("one", &[("a", Some("1"))])).await.unwrap();
        let error = one.push(&made, None, "state", &[]).await.unwrap_err().to_string();
        assert!(error.contains("this branch is protected"), "{error}");
    });
}

#[test]
fn a_folder_without_a_repository_or_a_remote_is_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    wait(async {
        let error = Repository::of(folder.path()).await.unwrap_err();
        assert!(matches!(error, GitError::NoRepository(..)), "{error}");
        git(folder.path(), &["init", "-q"]);
        let error = Repository::of(folder.path()).await.unwrap_err();
        assert!(matches!(error, GitError::NoRemote), "{error}");
    });
}
