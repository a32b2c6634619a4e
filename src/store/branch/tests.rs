use std::path::Path;
use std::process::Command;

use super::*;
use crate::store::Database;
use crate::store::editions::State as Stands;
use crate::store::freeze::{Audience, NewEdition};
use crate::store::newsletters::moment;
use crate::store::pictures::KeptPicture;
use crate::store::recipients::Addressee;
use crate::store::tests::wait;

const LIST: &str = "liste@lists.example.org";

fn git(folder: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A repository and two clones of it.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        git(folder.path(), &["init", "--quiet", "--bare", "origin.git"]);
        git(folder.path(), &["clone", "--quiet", "origin.git", "one"]);
        std::fs::write(folder.path().join("one/post.md"), "text").unwrap();
        git(&folder.path().join("one"), &["add", "--all"]);
        git(&folder.path().join("one"), &["commit", "--quiet", "--message", "A site"]);
        git(&folder.path().join("one"), &["push", "--quiet", "origin", "HEAD:main"]);
        git(folder.path(), &["clone", "--quiet", "--branch", "main", "origin.git", "two"]);
        Place { folder }
    }

    fn database(&self, clone: &str) -> Database {
        Database::Branch(Branch {
            root: self.folder.path().join(clone),
            name: "crieur".to_string(),
            lists: Lists::from([("a".to_string(), (7, LIST.to_string()))]),
            timeless: BTreeSet::from(["a".to_string()]),
        })
    }

    async fn open(&self, clone: &str) -> Store {
        Store::open(&self.database(clone)).await.unwrap()
    }

    fn shown(&self, path: &str) -> String {
        git(&self.folder.path().join("origin.git"), &["show", &format!("crieur:{path}")])
    }
}

async fn freeze(store: &mut Store, number: i64, reason: Option<&str>) -> i64 {
    let edition = NewEdition {
        newsletter: "a".to_string(),
        number,
        state: Stands::Sending,
        reason: reason.map(str::to_string),
        items: vec!["https://www.example.org/un/".to_string()],
        counted: vec!["https://www.example.org/un/".to_string(), "deux".to_string()],
        declined: vec![],
        content: r#"{"composed":{"number":1,"z":[],"a":{}}}"#.to_string(),
        variants: vec![r#"{"html":["<p>é\n\"x\"</p>"]}"#.to_string()],
        shares: Vec::new(),
        pictures: vec![KeptPicture {
            name: "b.png".into(),
            media_type: "image/png".into(),
            content: vec![0, 255, 10],
        }],
        pictures_until: moment(90_000),
        composed: moment(5000),
        send_at: None,
        considered: moment(4000),
    };
    let mut list = vec![Addressee { id: 7, email: LIST.into(), name: None, fields: "{}".into() }];
    store.freeze(&edition, Audience::These(&mut || std::mem::take(&mut list))).await.unwrap().unwrap()
}

#[test]
fn what_one_clone_pushed_the_other_knows_and_the_text_bears_no_address() {
    wait(async {
        let place = Place::new();
        assert!(Store::look(&place.database("one")).await.unwrap().is_none(), "there is no branch yet");
        let mut one = place.open("one").await;
        assert!(one.is_branch());
        one.start_newsletter("a", &["alt\tund\\neu".to_string()], moment(100)).await.unwrap();
        one.remember_items("b\tx\na\ty\n").await.unwrap();
        let id = freeze(&mut one, 1, Some("550 <liste@lists.example.org> unknown")).await;
        let before = (one.editions().await.unwrap(), one.content(id).await.unwrap());
        assert!(one.keep("a first time", moment(6000)).await.unwrap());
        assert!(!one.keep("nothing new", moment(6001)).await.unwrap());
        let mut two = place.open("two").await;
        let after = two.editions().await.unwrap();
        assert_eq!(after[0].counts, before.0[0].counts);
        assert_eq!(two.content(after[0].id).await.unwrap(), before.1);
        assert_eq!(two.items_text().await.unwrap(), "a\ty\nb\tx\n");
        assert_eq!(two.announcements("a").await.unwrap(), one.announcements("a").await.unwrap());
        assert_eq!(two.kept_picture("b.png").await.unwrap().unwrap().content, [0, 255, 10]);
        assert_eq!(place.shown("items.lock"), "a\ty\nb\tx\n");
        let all = git(&place.folder.path().join("origin.git"), &["archive", "crieur"]);
        assert!(!all.contains(LIST) && all.contains("550 <(an address)> unknown"));
        // What stands in the checkouts is as it was.
        assert_eq!(git(&place.folder.path().join("one"), &["status", "--porcelain"]), "");
        assert_eq!(git(&place.folder.path().join("one"), &["branch", "--list"]).trim(), "* main");
    });
}

#[test]
fn of_two_one_sends_and_the_other_is_overtaken() {
    wait(async {
        let place = Place::new();
        let mut one = place.open("one").await;
        one.start_newsletter("a", &[], moment(100)).await.unwrap();
        one.keep("begun", moment(100)).await.unwrap();
        let mut two = place.open("two").await;
        for store in [&mut one, &mut two] {
            freeze(store, 1, None).await;
        }
        one.keep_sending("a", 1, moment(5000)).await.unwrap();
        assert!(two.keep_sending("a", 1, moment(5000)).await.unwrap_err().is_overtaken());
        assert!(place.shown("editions/a-1/edition.yaml").contains("state: sending\n  since: 1970-01-01T01:23:20Z"));
        // Who looks again sees that somebody is at it, and leaves it alone as long as that can be.
        let mut two = place.open("two").await;
        let id = two.editions().await.unwrap()[0].id;
        assert!(two.is_sent_elsewhere(id).await.unwrap());
        assert!(!two.can_be_tried(id, true, moment(6000)).await.unwrap());
        two.bury_dead(None, moment(5000) + LEASE).await.unwrap();
        assert!(two.is_sent_elsewhere(id).await.unwrap());
        let buried = two.bury_dead(None, moment(5001) + LEASE).await.unwrap();
        assert_eq!(buried.uncertain, 1);
        assert!(!two.is_sent_elsewhere(id).await.unwrap());
        assert!(two.can_be_tried(id, true, moment(9000)).await.unwrap());
        assert!(!two.can_be_tried(id, false, moment(9000)).await.unwrap());
    });
}

#[test]
fn an_outcome_is_joined_with_what_others_pushed_meanwhile() {
    wait(async {
        let place = Place::new();
        let mut one = place.open("one").await;
        one.start_newsletter("a", &[], moment(100)).await.unwrap();
        let id = freeze(&mut one, 1, None).await;
        one.keep_sending("a", 1, moment(5000)).await.unwrap();
        let mut two = place.open("two").await;
        two.remember_items("new\tline\n").await.unwrap();
        let theirs = two.editions().await.unwrap()[0].id;
        two.move_edition(theirs, &[Stands::Sending], Stands::Held, Some("stopped by a person")).await.unwrap();
        two.keep("stopped", moment(5001)).await.unwrap();
        sqlx::query("UPDATE deliveries SET state = 'accepted', attempts = 1, reply = '250 ok'")
            .execute(&mut one.connection)
            .await
            .unwrap();
        one.finish_if_done(id, moment(5002)).await.unwrap();
        assert!(one.keep_outcome("a", 1, moment(5002)).await.unwrap_err().is_overtaken());
        let mut three = place.open("two").await;
        let edition = &three.editions().await.unwrap()[0];
        assert_eq!((edition.state, edition.counts.accepted), (Stands::Held, 1));
        assert_eq!(three.items_text().await.unwrap(), "new\tline\n");
    });
}

#[test]
fn moments_that_no_timetable_asks_for_are_no_reason_to_push() {
    wait(async {
        let place = Place::new();
        let mut one = place.open("one").await;
        one.start_newsletter("a", &[], moment(100)).await.unwrap();
        one.keep("begun", moment(100)).await.unwrap();
        one.consider("a", moment(200)).await.unwrap();
        assert!(!one.keep("considered", moment(200)).await.unwrap());
    });
}

#[test]
fn a_branch_of_something_else_or_a_text_that_cannot_be_read_is_refused_with_its_place() {
    wait(async {
        let place = Place::new();
        let Database::Branch(mut branch) = place.database("one") else { panic!("a branch") };
        branch.name = "main".to_string();
        let error = Store::open(&Database::Branch(branch)).await.err().unwrap();
        assert!(error.to_string().contains("the branch main holds other things"), "{error}");
        let mut one = place.open("one").await;
        one.start_newsletter("a", &[], moment(100)).await.unwrap();
        freeze(&mut one, 1, None).await;
        one.keep("begun", moment(100)).await.unwrap();
        let two = place.folder.path().join("two");
        git(&two, &["fetch", "--quiet", "origin", "crieur"]);
        git(&two, &["checkout", "--quiet", "FETCH_HEAD"]);
        std::fs::write(two.join("editions/a-1/edition.yaml"), "state: sendin\n").unwrap();
        git(&two, &["commit", "--quiet", "--all", "--message", "A slip"]);
        git(&two, &["push", "--quiet", "origin", "HEAD:crieur"]);
        let error = Store::open(&place.database("one")).await.err().unwrap().to_string();
        assert!(error.contains("the branch crieur: editions/a-1/edition.yaml: missing field"), "{error}");
    });
}

#[test]
fn an_edition_whose_newsletter_names_no_list_any_more_is_held() {
    wait(async {
        let place = Place::new();
        let mut one = place.open("one").await;
        one.start_newsletter("a", &[], moment(100)).await.unwrap();
        freeze(&mut one, 1, None).await;
        one.keep("begun", moment(100)).await.unwrap();
        let Database::Branch(mut branch) = place.database("two") else { panic!("a branch") };
        branch.lists.clear();
        let mut two = Store::open(&Database::Branch(branch)).await.unwrap();
        let edition = &two.editions().await.unwrap()[0];
        assert_eq!(edition.state, Stands::Held);
        assert!(edition.reason.as_deref().is_some_and(|reason| reason.contains("put it back")));
    });
}

#[test]
fn a_remote_that_cannot_be_asked_stops_whoever_writes_and_not_who_looks() {
    wait(async {
        let place = Place::new();
        let mut one = place.open("one").await;
        one.start_newsletter("a", &[], moment(100)).await.unwrap();
        one.keep("begun", moment(100)).await.unwrap();
        git(&place.folder.path().join("one"), &["remote", "set-url", "origin", "../nowhere.git"]);
        assert!(matches!(Store::open(&place.database("one")).await, Err(StoreError::Git(_))));
        let mut looking = Store::look(&place.database("one")).await.unwrap().unwrap();
        assert!(looking.is_stale() && looking.newsletter("a").await.unwrap().is_some());
        git(&place.folder.path().join("one"), &["remote", "remove", "origin"]);
        assert!(Store::look(&place.database("one")).await.unwrap().is_none());
    });
}
