//! The workflows of `docs/deploy/`, executed step by step as the forges would.

mod offered;

use std::path::{Path, PathBuf};

use crate::support::flow::{Event, Forge, Run, Source};
use crate::support::{has_program, peer_or_skip};

const MORNING: &str = "2026-03-02T08:00:00Z";
const HOURLY: Event = Event::Schedule("17 5-18 * * *");
const WEEKLY: Event = Event::Schedule("47 3 * * 1");

fn documented(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/deploy").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn write(clone: &Path, path: &str, text: &str) {
    let path = clone.join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, text).expect("a file");
}

fn post(title: &str, day: u32) -> String {
    format!("---\ntitle: {title}\ndate: 2026-03-{day:02}\n---\nDu nouveau de {title}.\n")
}

/// A Hugo site with one post and a letter to a list, and the workflows of both forges as they stand in the documentation.
fn hugo(forge: &Forge, more: &str) -> PathBuf {
    let clone = forge.clone("editor");
    write(&clone, ".github/workflows/crieur.yml", &documented("github-hugo.yml"));
    write(&clone, ".gitlab-ci.yml", &documented("gitlab-hugo.yml"));
    write(&clone, "hugo.toml", &format!("baseURL = '{}'\ntitle = 'Le site'\nlanguageCode = 'fr'\n", forge.url()));
    write(&clone, "layouts/_default/single.html", "<h1>{{ .Title }}</h1>{{ .Content }}");
    write(&clone, "layouts/index.html", "<h1>{{ .Site.Title }}</h1>");
    write(&clone, "content/posts/un.md", &post("Un", 1));
    let state = forge.join("state");
    write(
        &clone,
        "config/crieur.yaml",
        &format!(
            "site: {{ url: '{}', title: Le site, language: fr, time_zone: Europe/Paris }}\n\
             content: {{ paths: [content/posts], permalink: '/posts/{{slug}}/' }}\npublish: {{ out: public }}\n\
             mail: {{ transport: 'maildir:{list}' }}\ndatabase: sqlite:{state}/crieur.db\nsecrets: {state}/keys\n",
            forge.url(),
            list = forge.join("list").display(),
            state = state.display(),
        ),
    );
    write(&clone, "feeds/news.yaml", "title: Nouvelles\noutputs: { atom: feed/feed.xml }\n");
    write(
        &clone,
        "config/newsletters/newsletter.yaml",
        &format!(
            "title: La lettre\nfrom: La rédaction <lettre@example.org>\nto: liste@lists.example.org\nleave: list\n\
             schedule: each-run\nbacklog: announce\nwait_for_pages: 24h\n{more}"
        ),
    );
    clone
}

fn ready(test: &str) -> bool {
    peer_or_skip(test, "hugo", has_program("hugo", "version"))
        && peer_or_skip(test, "python3", has_program("python3", "--version"))
        && peer_or_skip(test, "jq", has_program("jq", "--version"))
}

/// The subjects of the letters that the list has, oldest first.
fn letters(forge: &Forge) -> Vec<String> {
    let entries = std::fs::read_dir(forge.join("list/new")).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let subject = |path: &PathBuf| {
        let bytes = std::fs::read(path).expect("a letter");
        let letter = mail_parser::MessageParser::default().parse(&bytes).expect("a letter");
        letter.subject().expect("a subject").to_string()
    };
    paths.iter().map(subject).collect()
}

fn conclusions(run: &Run) -> Vec<(&str, &str)> {
    run.jobs.iter().map(|job| (job.name.as_str(), job.conclusion)).collect()
}

#[test]
fn a_push_publishes_the_site_with_its_feeds_and_sends_the_letter_once() {
    if !ready("a_push_publishes_the_site_with_its_feeds_and_sends_the_letter_once") {
        return;
    }
    let forge = Forge::new();
    let clone = hugo(&forge, "");
    forge.commit(&clone, "A site");
    forge.github(&Event::Push, MORNING).went_well();
    let feed = forge.page("feed/feed.xml").expect("a feed on the site");
    assert!(feed.contains(&format!("{}posts/un/", forge.url())), "{feed}");
    assert!(forge.page("posts/un/index.html").is_some_and(|page| page.contains("Du nouveau")));
    assert_eq!(letters(&forge), ["La lettre n° 1 : Un"]);
    // The clock strikes, twice more: nothing is new.
    forge.github(&HOURLY, "2026-03-02T09:17:00Z").went_well();
    forge.github(&HOURLY, "2026-03-02T10:17:00Z").went_well();
    assert_eq!(letters(&forge).len(), 1);
    write(&clone, "content/posts/deux.md", &post("Deux", 2));
    forge.commit(&clone, "A second post");
    forge.github(&Event::Push, "2026-03-02T11:00:00Z").went_well();
    assert_eq!(letters(&forge), ["La lettre n° 1 : Un", "La lettre n° 2 : Deux"]);
}

#[test]
fn the_clock_keeps_the_workflow_alive_once_a_week() {
    if !ready("the_clock_keeps_the_workflow_alive_once_a_week") {
        return;
    }
    let forge = Forge::new();
    let clone = hugo(&forge, "");
    forge.commit(&clone, "A site");
    let run = forge.github(&HOURLY, MORNING);
    assert_eq!(run.went_well().job("alive").conclusion, "skipped");
    let run = forge.github(&WEEKLY, "2026-03-09T03:47:00Z");
    assert_eq!(run.went_well().job("alive").conclusion, "success");
    let kept = std::fs::read_to_string(forge.join("kept-alive")).expect("the call that keeps it alive");
    assert_eq!(kept, "crieur.yml\n", "the workflow's own file");
}

#[test]
fn a_mistake_in_one_post_stops_neither_the_site_nor_the_others_and_the_run_is_red() {
    if !ready("a_mistake_in_one_post_stops_neither_the_site_nor_the_others_and_the_run_is_red") {
        return;
    }
    let forge = Forge::new();
    let clone = hugo(&forge, "");
    write(&clone, "content/posts/faux.md", "---\ntitle: Sans date\n---\nQuand ?\n");
    forge.commit(&clone, "A site with a mistake");
    let run = forge.github(&Event::Push, MORNING);
    assert_eq!(run.job("publish").conclusion, "failure", "{}", run.log());
    assert!(run.log().contains("content/posts/faux.md"), "{}", run.log());
    assert!(forge.page("feed/feed.xml").is_some_and(|feed| feed.contains("posts/un/")));
    assert_eq!(letters(&forge), ["La lettre n° 1 : Un"]);
}

#[test]
fn a_configuration_that_cannot_be_used_takes_no_feed_off_the_site() {
    if !ready("a_configuration_that_cannot_be_used_takes_no_feed_off_the_site") {
        return;
    }
    let forge = Forge::new();
    let clone = hugo(&forge, "");
    forge.commit(&clone, "A site");
    forge.github(&Event::Push, MORNING).went_well();
    let feed = forge.page("feed/feed.xml");
    write(&clone, "config/crieur.yaml", "site: { titel: Le site }\n");
    forge.commit(&clone, "A slip");
    let run = forge.github(&Event::Push, "2026-03-03T08:00:00Z");
    assert_eq!(conclusions(&run)[..2], [("site", "success"), ("publish", "failure")], "{}", run.log());
    assert_eq!(forge.page("feed/feed.xml"), feed);
}

#[test]
fn a_mistake_in_a_feeds_file_takes_no_feed_off_the_site() {
    if !ready("a_mistake_in_a_feeds_file_takes_no_feed_off_the_site") {
        return;
    }
    let forge = Forge::new();
    let clone = hugo(&forge, "");
    forge.commit(&clone, "A site");
    forge.github(&Event::Push, MORNING).went_well();
    let feed = forge.page("feed/feed.xml");
    assert!(feed.is_some());
    write(&clone, "feeds/other.yaml", "title: Autres\noutputs: { atom: autres.xml }\n");
    write(&clone, "feeds/news.yaml", "titel: Nouvelles\noutputs: { atom: feed/feed.xml }\n");
    write(&clone, "content/posts/deux.md", &post("Deux", 2));
    forge.commit(&clone, "A slip");
    let run = forge.github(&Event::Push, "2026-03-03T08:00:00Z");
    assert_eq!(run.job("publish").conclusion, "failure", "{}", run.log());
    assert!(run.log().contains("feeds/news.yaml:1:1"), "{}", run.log());
    assert_eq!((forge.page("feed/feed.xml"), forge.page("posts/deux/index.html")), (feed, None));
    assert_eq!(letters(&forge).len(), 1);
}

/// Opens a pull request with a post on a branch of its own.
fn ask_to_merge(forge: &Forge, clone: &Path, text: &str) -> u64 {
    forge.git(clone, &["checkout", "--quiet", "-B", "essai"]);
    write(clone, "content/posts/trois.md", text);
    forge.git(clone, &["add", "--all"]);
    forge.git(clone, &["commit", "--quiet", "--message", "A third post"]);
    forge.git(clone, &["push", "--quiet", "--force", "origin", "essai"]);
    forge.opened("essai", "A third post")
}

#[test]
fn a_pull_request_is_looked_at_and_commented_in_one_place_and_nothing_is_published() {
    if !ready("a_pull_request_is_looked_at_and_commented_in_one_place_and_nothing_is_published") {
        return;
    }
    let forge = Forge::new();
    let clone = hugo(&forge, "");
    forge.commit(&clone, "A site");
    let number = ask_to_merge(&forge, &clone, "---\ntitle: Trois\n---\nSans date.\n");
    let event = Event::PullRequest { number, head: "essai".into(), fork: false };
    let run = forge.github(&event, MORNING);
    assert_eq!((run.job("publish").conclusion, run.job("draft").conclusion), ("skipped", "skipped"));
    assert_eq!(run.job("preview").conclusion, "failure", "{}", run.log());
    assert!(run.log().contains("::error file=content/posts/trois.md"), "{}", run.log());
    assert_eq!(forge.pulls()[0].comments.len(), 1, "{}", run.log());

    ask_to_merge(&forge, &clone, &post("Trois", 3));
    let run = forge.github(&event, "2026-03-03T08:00:00Z");
    run.went_well();
    let pull = &forge.pulls()[0];
    assert_eq!(pull.comments.len(), 1, "the comment is refreshed, not doubled");
    assert!(pull.comments[0].contains("Trois"), "{}", pull.comments[0]);
    assert!(run.job("preview").summary.contains("Trois"), "{}", run.job("preview").summary);
    assert!(run.artifacts.join("letter/index.html").is_file());
    assert_eq!((letters(&forge).len(), forge.page("feed/feed.xml")), (0, None));
}

#[test]
fn a_pull_request_from_a_fork_is_looked_at_with_no_right_and_no_secret() {
    if !ready("a_pull_request_from_a_fork_is_looked_at_with_no_right_and_no_secret") {
        return;
    }
    let mut forge = Forge::new();
    forge.secrets.insert("CRIEUR_SMTP_PASSWORD".into(), "a-password-of-ours".into());
    let clone = hugo(&forge, "");
    forge.commit(&clone, "A site");
    let number = ask_to_merge(&forge, &clone, &post("Trois", 3));
    let run = forge.github(&Event::PullRequest { number, head: "essai".into(), fork: true }, MORNING);
    run.went_well();
    assert!(run.job("preview").summary.contains("Trois"));
    assert!(run.artifacts.join("letter/index.html").is_file());
    assert!(forge.pulls()[0].comments.is_empty());
}

/// A folder of releases with this version of the program, packed as they are published.
pub fn releases(forge: &Forge) -> PathBuf {
    let (folder, target) = (forge.join("releases"), format!("{}-unknown-linux-musl", std::env::consts::ARCH));
    crate::release::pack(
        &forge.join("brought/crieur"),
        &target,
        &folder.join(concat!("v", env!("CARGO_PKG_VERSION"))),
    );
    folder
}

#[test]
fn the_action_brings_the_released_program_and_refuses_one_that_was_changed() {
    let test = "the_action_brings_the_released_program_and_refuses_one_that_was_changed";
    if !(ready(test) && peer_or_skip(test, "curl", has_program("curl", "--version"))) {
        return;
    }
    let mut forge = Forge::new();
    let clone = hugo(&forge, "");
    forge.commit(&clone, "A site");
    let folder = releases(&forge);
    forge.releases = Some(folder.clone());
    let run = forge.github(&Event::Push, MORNING);
    run.went_well();
    assert!(run.log().contains(concat!("crieur ", env!("CARGO_PKG_VERSION"))), "{}", run.log());
    assert_eq!(letters(&forge).len(), 1);

    let version = folder.join(concat!("v", env!("CARGO_PKG_VERSION")));
    for entry in std::fs::read_dir(version).expect("the release") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|ending| ending == "gz") {
            std::fs::write(path, "another program").expect("a file");
        }
    }
    let run = forge.github(&Event::Push, "2026-03-03T08:00:00Z");
    assert_eq!(run.job("publish").conclusion, "failure");
    assert!(run.log().contains("did NOT match"), "{}", run.log());
}

#[test]
fn gitlab_does_the_same_in_its_own_words() {
    let test = "gitlab_does_the_same_in_its_own_words";
    if !(ready(test) && peer_or_skip(test, "curl", has_program("curl", "--version"))) {
        return;
    }
    let mut forge = Forge::new();
    forge.secrets.insert("CRIEUR_GIT_TOKEN".into(), "a-token-of-ours".into());
    let clone = hugo(&forge, "");
    forge.commit(&clone, "A site");
    forge.releases = Some(releases(&forge));
    let run = forge.gitlab(&Source::Push, MORNING);
    run.went_well();
    assert!(forge.page("feed/feed.xml").is_some_and(|feed| feed.contains("posts/un/")), "{}", run.log());
    assert_eq!(letters(&forge), ["La lettre n° 1 : Un"]);
    forge.gitlab(&Source::Schedule, "2026-03-02T09:17:00Z").went_well();
    assert_eq!(letters(&forge).len(), 1);

    let number = ask_to_merge(&forge, &clone, &post("Trois", 3));
    let run = forge.gitlab(&Source::MergeRequest { number, head: "essai".into() }, "2026-03-03T08:00:00Z");
    run.went_well();
    assert_eq!((run.job("pages").conclusion, run.job("preview").conclusion), ("skipped", "success"));
    assert!(run.artifacts.join("preview/preview/index.html").is_file());
    assert_eq!(letters(&forge).len(), 1);
}

#[test]
fn the_workflows_of_two_generators_differ_in_how_the_site_is_built_and_in_nothing_else() {
    for forge in ["github", "gitlab"] {
        let own = |name: &str, out: &str| documented(&format!("{forge}-{name}.yml")).replace(out, "OUT");
        let (eleventy, hugo) = (own("eleventy", "_site"), own("hugo", "public"));
        let lines = |text: &str| {
            text.lines().filter(|line| !line.trim_start().starts_with('#')).map(String::from).collect::<Vec<_>>()
        };
        let (eleventy, hugo) = (lines(&eleventy), lines(&hugo));
        let only = |these: &[String], those: &[String]| {
            these.iter().filter(|line| !those.contains(line)).map(|line| line.trim().to_string()).collect::<Vec<_>>()
        };
        let wanted: [&[&str]; 2] = match forge {
            "github" => [
                &["- uses: actions/setup-node@v5", "node-version: 22", "- run: npm ci", "run: npx @11ty/eleventy"],
                &["- uses: peaceiris/actions-hugo@v3", "hugo-version: latest", "extended: true", "run: hugo"],
            ],
            _ => [
                &["image: node:22", "- npm ci", "- npx @11ty/eleventy"],
                &["image: registry.gitlab.com/pages/hugo/hugo_extended:latest", "- hugo"],
            ],
        };
        assert_eq!(only(&eleventy, &hugo), wanted[0]);
        assert_eq!(only(&hugo, &eleventy), wanted[1]);
    }
}
