//! The next letter offered as a pull request by the forge's clock, rearranged by an editor, merged, and sent as merged.

use std::path::Path;

use super::*;

const APPROVED: &str = "approve: file\n";
const FILE: &str = "editions/newsletter-1.md";
const BRANCH: &str = "crieur/newsletter-1";

/// An editor changes the file in a browser: one text for another. Gives the file.
fn rearrange(forge: &Forge, from: &str, to: &str) -> String {
    let clone = forge.clone("browser");
    forge.git(&clone, &["checkout", "--quiet", BRANCH]);
    let text = std::fs::read_to_string(clone.join(FILE)).expect("the file");
    assert!(text.contains(from), "{from:?} is not in\n{text}");
    let text = text.replacen(from, to, 1);
    std::fs::write(clone.join(FILE), &text).expect("a file");
    forge.git(&clone, &["commit", "--quiet", "--all", "--message", "Mieux"]);
    forge.git(&clone, &["push", "--quiet", "origin", BRANCH]);
    std::fs::remove_dir_all(clone).expect("a folder");
    text
}

fn commit_post(forge: &Forge, clone: &Path, name: &str, title: &str, day: u32) {
    forge.pull(clone);
    write(clone, &format!("content/posts/{name}.md"), &post(title, day));
    forge.commit(clone, title);
}

/// The text of the list's letters, oldest first.
fn texts(forge: &Forge) -> Vec<String> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(forge.join("list/new"))
        .into_iter()
        .flatten()
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let text = |path: &PathBuf| {
        let bytes = std::fs::read(path).expect("a letter");
        let letter = mail_parser::MessageParser::default().parse(&bytes).expect("a letter");
        letter.body_text(0).expect("a text").into_owned()
    };
    paths.iter().map(text).collect()
}

fn states(forge: &Forge) -> Vec<(String, bool)> {
    forge.pulls().into_iter().map(|pull| (pull.head, pull.open)).collect()
}

/// Lets crieur remember in a branch of the repository, in place of a file outside it.
fn remember_in_a_branch(clone: &Path) {
    let path = clone.join("config/crieur.yaml");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    let kept = |line: &&str| !line.starts_with("database:") && !line.starts_with("secrets:");
    let lines: Vec<&str> = text.lines().filter(kept).chain(["database: git:crieur/state"]).collect();
    std::fs::write(path, lines.join("\n") + "\n").expect("the configuration");
}

#[test]
fn the_clock_offers_a_letter_and_what_the_editor_merges_is_what_the_list_gets() {
    if ready("the_clock_offers_a_letter_and_what_the_editor_merges_is_what_the_list_gets") {
        offered_rearranged_merged_and_sent(false);
    }
}

#[test]
fn the_same_with_the_memory_in_a_branch() {
    if ready("the_same_with_the_memory_in_a_branch") {
        offered_rearranged_merged_and_sent(true);
    }
}

fn offered_rearranged_merged_and_sent(in_a_branch: bool) {
    let forge = Forge::new();
    let clone = hugo(&forge, APPROVED);
    if in_a_branch {
        remember_in_a_branch(&clone);
    }
    forge.commit(&clone, "A site");
    let run = forge.github(&HOURLY, MORNING);
    run.went_well();
    assert_eq!((letters(&forge).len(), states(&forge)), (0, vec![(BRANCH.to_string(), true)]), "{}", run.log());
    let pull = &forge.pulls()[0];
    assert_eq!(pull.title, "La lettre n° 1 : Un");
    assert!(pull.body.contains(&format!("`{FILE}`")) && pull.body.contains("fusionnez"), "{}", pull.body);
    assert_eq!(pull.comments.len(), 1);
    assert!(pull.comments[0].contains("posts/un/") && pull.comments[0].contains("draft.zip"), "{}", pull.comments[0]);
    assert!(run.artifacts.join("draft/index.html").is_file());

    // Nothing happened since.
    forge.github(&HOURLY, "2026-03-02T09:17:00Z").went_well();
    assert_eq!(states(&forge).len(), 1);

    // The editor rearranges it, and a post comes in.
    let edited = rearrange(&forge, "- [Un]", "Bonjour à tous.\n\n- [Le tout premier]");
    let number = forge.pulls()[0].number;
    let event = Event::PullRequest { number, head: BRANCH.into(), fork: false };
    let run = forge.github(&event, "2026-03-02T10:00:00Z");
    run.went_well();
    assert_eq!(run.job("draft").conclusion, "skipped");
    assert!(forge.pulls()[0].comments[0].contains("Le tout premier"), "{}", forge.pulls()[0].comments[0]);
    commit_post(&forge, &clone, "deux", "Deux", 2);
    let run = forge.github(&Event::Push, "2026-03-02T11:00:00Z");
    run.went_well();
    let text = forge.file(BRANCH, FILE).expect("the file");
    assert!(text.starts_with(&edited) && text.contains("- plus tard [Deux]"), "{text}");
    let pulls = forge.pulls();
    assert_eq!((pulls.len(), pulls[0].comments.len()), (1, 1), "no second one, no second comment");
    assert!(pulls[0].comments[0].contains("Deux"), "{}", pulls[0].comments[0]);
    assert_eq!(letters(&forge).len(), 0);

    // Merged: it goes as merged, and what waited is offered next.
    forge.merge(BRANCH);
    let run = forge.github(&Event::Push, "2026-03-02T12:00:00Z");
    run.went_well();
    assert_eq!(letters(&forge), ["La lettre n° 1 : Le tout premier"], "{}", run.log());
    let sent = &texts(&forge)[0];
    assert!(sent.contains("Bonjour à tous.") && !sent.contains("Deux"), "{sent}");
    let offered = [(BRANCH.to_string(), false), ("crieur/newsletter-2".to_string(), true)];
    assert_eq!(states(&forge), offered);
    forge.github(&HOURLY, "2026-03-02T13:17:00Z").went_well();
    assert_eq!((letters(&forge).len(), states(&forge).as_slice()), (1, &offered[..]));
    let memory = if in_a_branch { &["crieur/state"][..] } else { &[] };
    assert_eq!(forge.branches(), [&["crieur/newsletter-2"], memory, &["main"]].concat());
}

#[test]
fn a_pull_request_that_somebody_closed_is_not_opened_again() {
    if !ready("a_pull_request_that_somebody_closed_is_not_opened_again") {
        return;
    }
    let forge = Forge::new();
    let clone = hugo(&forge, APPROVED);
    forge.commit(&clone, "A site");
    // Somebody's copy of the repository has a branch of that name: it is not ours.
    let foreign = forge.opened(BRANCH, "A letter of mine");
    forge.make_foreign(foreign);
    forge.github(&HOURLY, MORNING).went_well();
    let pulls = forge.pulls();
    assert_eq!((pulls.len(), pulls[0].comments.len(), pulls[1].comments.len()), (2, 0, 1));
    forge.close(pulls[1].number);
    commit_post(&forge, &clone, "deux", "Deux", 2);
    forge.github(&HOURLY, "2026-03-02T09:17:00Z").went_well();
    forge.github(&HOURLY, "2026-03-02T10:17:00Z").went_well();
    let pulls = forge.pulls();
    assert_eq!((pulls.len(), pulls[1].open), (2, false));
}

#[test]
fn a_post_with_a_mistake_keeps_no_draft_back_and_one_in_the_draft_is_shown_on_it() {
    if !ready("a_post_with_a_mistake_keeps_no_draft_back_and_one_in_the_draft_is_shown_on_it") {
        return;
    }
    let forge = Forge::new();
    let clone = hugo(&forge, APPROVED);
    write(&clone, "content/posts/faux.md", "---\ntitle: Sans date\n---\nQuand ?\n");
    forge.commit(&clone, "A site with a mistake");
    let run = forge.github(&HOURLY, MORNING);
    assert_eq!((run.job("publish").conclusion, run.job("draft").conclusion), ("failure", "success"), "{}", run.log());
    let comment = &forge.pulls()[0].comments[0];
    assert!(comment.contains("content/posts/faux.md"), "{comment}");

    rearrange(&forge, "send: now", "send: demain");
    let run = forge.github(&HOURLY, "2026-03-02T09:17:00Z");
    assert_eq!(run.job("draft").conclusion, "success", "{}", run.log());
    let comment = &forge.pulls()[0].comments[0];
    assert!(comment.contains("editions/newsletter-1.md:4") && comment.contains("demain"), "{comment}");
}

#[test]
fn a_merge_request_is_offered_by_the_push_and_sent_when_it_is_merged() {
    let test = "a_merge_request_is_offered_by_the_push_and_sent_when_it_is_merged";
    if !(ready(test) && peer_or_skip(test, "curl", has_program("curl", "--version"))) {
        return;
    }
    let mut forge = Forge::new();
    forge.secrets.insert("CRIEUR_GIT_TOKEN".into(), "a-token-of-ours".into());
    let clone = hugo(&forge, APPROVED);
    forge.commit(&clone, "A site");
    forge.releases = Some(releases(&forge));
    let run = forge.gitlab(&Source::Schedule, MORNING);
    run.went_well();
    let pulls = forge.pulls();
    assert_eq!(states(&forge), [(BRANCH.to_string(), true)], "{}", run.log());
    assert_eq!(pulls[0].title, "La lettre n° 1 : Un");
    assert!(pulls[0].body.contains(FILE), "{}", pulls[0].body);

    let edited = rearrange(&forge, "- [Un]", "- [Le tout premier]");
    let source = Source::MergeRequest { number: pulls[0].number, head: BRANCH.into() };
    let run = forge.gitlab(&source, "2026-03-02T10:00:00Z");
    run.went_well();
    assert_eq!((run.job("draft").conclusion, run.job("preview").conclusion), ("skipped", "success"));
    let page = std::fs::read_to_string(run.artifacts.join("preview/preview/summary.md")).expect("a summary");
    assert!(page.contains("Le tout premier"), "{page}");
    commit_post(&forge, &clone, "deux", "Deux", 2);
    forge.gitlab(&Source::Push, "2026-03-02T11:00:00Z").went_well();
    assert!(forge.file(BRANCH, FILE).is_some_and(|text| text.starts_with(&edited) && text.contains("[Deux]")));
    assert_eq!(states(&forge).len(), 1);

    forge.merge(BRANCH);
    let run = forge.gitlab(&Source::Push, "2026-03-02T12:00:00Z");
    run.went_well();
    assert_eq!(letters(&forge), ["La lettre n° 1 : Le tout premier"], "{}", run.log());
    assert_eq!(states(&forge), [(BRANCH.to_string(), false), ("crieur/newsletter-2".to_string(), true)]);
    assert!(!run.log().contains("a-token-of-ours"));
}
