//! What a newcomer does who has a site on a forge and nothing else: the commands of the documentation, as they stand there. The
//! forge's CI then runs the file that they wrote.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::flows::releases;
use crate::support::flow::{Event, Forge, Run, SUBMODULES, Source};
use crate::support::starters::{self, write};
use crate::support::{has_program, peer_or_skip};

const NOW: &str = "2026-03-10T08:00:00Z";
const CLOCK: Event = Event::Schedule("17 5-18 * * *");

/// The commands that `docs/deploy.md` gives, one a line.
fn commands() -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/deploy.md");
    let text = std::fs::read_to_string(path).expect("docs/deploy.md");
    let block = text.split("```console\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a console");
    block.lines().filter_map(|line| line.strip_prefix("$ ")).map(String::from).collect()
}

/// Does what the documentation says, in the site's folder, and counts the commands.
fn newcomer(forge: &Forge, site: &Path) {
    let commands = commands();
    assert_eq!(commands.iter().filter(|line| line.starts_with("crieur init")).count(), 1, "{commands:?}");
    assert!(commands.len() <= 3, "{commands:?}");
    for command in &commands {
        // A line is one command, and not several.
        assert!(!command.contains(['&', ';', '|']), "{command}");
        let theirs = std::env::var_os("PATH").unwrap_or_default();
        let path = [forge.join("brought")].into_iter().chain(std::env::split_paths(&theirs));
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir(site)
            .env("PATH", std::env::join_paths(path).expect("a path"))
            .env("HOME", forge.join("home"))
            .env("FORGE_MAY_PUSH", "yes")
            .env("FORGE_NOW", NOW)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .expect("a shell");
        let words = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(output.status.success(), "{command}: {words}");
    }
}

/// The clone of a site that lives at this address, in which nothing of crieur's is yet.
fn clone(forge: &Forge, address: &str, make: impl FnOnce(&Path)) -> PathBuf {
    let seed = forge.clone("before");
    make(&seed);
    forge.commit(&seed, "My site");
    let clone = forge.clone("newcomer");
    if clone.join(".gitmodules").is_file() {
        forge.git(&clone, &SUBMODULES);
    }
    // The address is what the forge is known by; pushes reach the repository that is here.
    forge.git(&clone, &["remote", "set-url", "origin", address]);
    forge.git(&clone, &["remote", "set-url", "--push", "origin", &forge.repository()]);
    clone
}

fn ready(test: &str, generator: &str) -> bool {
    let modules = std::env::var_os("CRIEUR_TEST_NODE_MODULES").map(PathBuf::from);
    let is_there = match generator {
        "hugo" => has_program("hugo", "version"),
        _ => modules.is_some_and(|folder| folder.join("@11ty/eleventy").is_dir()) && has_program("npx", "--version"),
    };
    ["python3", "jq", "curl"].iter().all(|program| peer_or_skip(test, program, has_program(program, "--version")))
        && peer_or_skip(test, generator, is_there)
}

/// Address and title of each entry of the published feed, newest first; each is a page that the generator wrote.
fn entries(forge: &Forge, url: &str) -> Vec<(String, String)> {
    let feed = forge.page("feed/feed.xml").expect("the feed is on the site");
    let feed = feed_rs::parser::parse(feed.as_bytes()).expect("a feed");
    for other in ["feed/rss.xml", "feed/feed.json"] {
        assert!(forge.page(other).is_some(), "{other} is not on the site");
    }
    let entry = |entry: &feed_rs::model::Entry| {
        let (address, title) = (&entry.links[0].href, &entry.title.as_ref().expect("a title").content);
        let below = address.strip_prefix(url).unwrap_or_else(|| panic!("{address} is not under {url}"));
        let page = forge.page(&format!("{}index.html", below.replace("%20", " ")));
        assert!(
            page.is_some_and(|page| page.contains(&format!("<h1>{title}</h1>"))),
            "{address} is no page of {title}"
        );
        (below.to_string(), title.clone())
    };
    feed.entries.iter().map(entry).collect()
}

fn pairs(entries: &[(&str, &str)]) -> Vec<(String, String)> {
    entries.iter().map(|(address, title)| (address.to_string(), title.to_string())).collect()
}

/// The pull request's branch holds the next letter's file, with these titles in it, and nothing was sent.
fn drafted(forge: &Forge, branch: &str, titles: &[(String, String)]) {
    assert!(forge.branches().contains(&branch.to_string()), "{:?}", forge.branches());
    let pulls = forge.pulls();
    let heads: Vec<(&str, bool)> = pulls.iter().map(|pull| (pull.head.as_str(), pull.open)).collect();
    assert_eq!(heads, [(branch, true)], "{pulls:#?}");
    let name = format!("editions/{}.md", branch.trim_start_matches("crieur/"));
    let path = [name.clone(), format!("web/site/{name}")].into_iter().find(|path| forge.file(branch, path).is_some());
    let file = forge.file(branch, &path.expect("the edition's file")).expect("the edition's file");
    for (_, title) in titles {
        assert!(file.contains(title.as_str()), "{title} is not in\n{file}");
        assert!(!file.contains("Later") && !file.contains("Un brouillon"), "{file}");
    }
    assert_eq!(letters(forge), [] as [String; 0]);
}

/// The subjects of the letters that the list has.
fn letters(forge: &Forge) -> Vec<String> {
    let entries = std::fs::read_dir(forge.join("list/new")).into_iter().flatten();
    let subject = |path: PathBuf| {
        let bytes = std::fs::read(path).expect("a letter");
        let letter = mail_parser::MessageParser::default().parse(&bytes).expect("a letter");
        letter.subject().expect("a subject").to_string()
    };
    entries.map(|entry| subject(entry.expect("an entry").path())).collect()
}

/// The newcomer writes where letters go, and merges the draft.
fn goes_on(forge: &Forge, clone: &Path, newsletter: &str, branch: &str) {
    forge.git(clone, &["remote", "set-url", "origin", &forge.repository()]);
    let config = std::fs::read_to_string(clone.join("config/crieur.yaml")).expect("the configuration");
    if config.contains("\n  built: ")
        && let Some(list) = config.lines().find_map(|line| line.trim_start().strip_prefix("#   mkdir "))
    {
        // Where only the generator knows the addresses, its list is made as the configuration says.
        let made =
            Command::new("sh").args(["-ec", &format!("hugo --quiet\nmkdir {list}")]).current_dir(clone).status();
        assert!(made.expect("a shell").success());
    }
    // What is to write is all that there is to say.
    let mut command = Command::new(env!("CARGO_BIN_EXE_crieur"));
    let checked = command.args(["--json", "--now", NOW, "check"]).current_dir(clone).output().expect("crieur runs");
    let checked: serde_json::Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    let problems = checked["problems"].as_array().expect("problems").iter();
    let problems: Vec<_> = problems.map(|problem| (problem["code"].as_str(), problem["severity"].as_str())).collect();
    assert_eq!(problems, [(Some("placeholder"), Some("warning")); 2], "{checked:#}");
    for (path, placeholder, real) in [
        (
            format!("config/newsletters/{newsletter}.yaml"),
            "write-your-list-here@lists.invalid",
            "liste@lists.example.org".to_string(),
        ),
        (
            "config/crieur.yaml".to_string(),
            "smtp://write-your-mail-server-here.invalid:587",
            format!("maildir:{}", forge.join("list").display()),
        ),
    ] {
        let text = std::fs::read_to_string(clone.join(&path)).expect("a configuration");
        assert!(text.contains(placeholder), "{text}");
        write(clone, &path, &text.replace(placeholder, &real));
    }
    forge.commit(clone, "Say where letters go");
    forge.merge(branch);
}

fn site_and_feeds(run: &Run, out: &str) {
    run.went_well();
    let built = run.artifacts.join("pages").join(out);
    assert!(run.artifacts.join("github-pages/feed/feed.xml").is_file() || built.join("feed/feed.xml").is_file());
}

const BILLETS: [(&str, &str); 3] = [
    ("blog/troisieme-billet/", "Le troisième billet"),
    ("blog/deuxieme-billet/", "Le deuxième billet"),
    ("blog/premier-billet/", "Le premier billet"),
];

#[test]
fn an_eleventy_site_on_github_has_feeds_and_a_draft_after_three_commands() {
    let test = "an_eleventy_site_on_github_has_feeds_and_a_draft_after_three_commands";
    if !ready(test, "@11ty/eleventy (npm)") {
        return;
    }
    let forge = Forge::new();
    let permalink = Some("/blog/{{ page.fileSlug }}/index.html");
    let clone =
        clone(&forge, "https://github.com/ada/site.git", |site| starters::eleventy(site, &forge.url(), permalink));
    newcomer(&forge, &clone);
    let run = forge.github(&Event::Push, NOW);
    site_and_feeds(&run, "_site");
    let found = entries(&forge, &forge.url());
    assert_eq!(found, pairs(&BILLETS));
    drafted(&forge, "crieur/lettre-1", &found);
    // The clock strikes: nothing is new.
    forge.github(&CLOCK, "2026-03-10T09:17:00Z").went_well();
    drafted(&forge, "crieur/lettre-1", &found);

    goes_on(&forge, &clone, "lettre", "crieur/lettre-1");
    forge.github(&Event::Push, "2026-03-11T08:00:00Z").went_well();
    assert_eq!(letters(&forge), ["La lettre d'information n° 1 : Le troisième billet"]);
    forge.github(&CLOCK, "2026-03-11T09:17:00Z").went_well();
    assert_eq!(letters(&forge).len(), 1);
}

#[test]
fn an_eleventy_site_on_gitlab_has_feeds_and_a_draft_after_three_commands() {
    let test = "an_eleventy_site_on_gitlab_has_feeds_and_a_draft_after_three_commands";
    if !ready(test, "@11ty/eleventy (npm)") {
        return;
    }
    let mut forge = Forge::new();
    forge.secrets.insert("CRIEUR_GIT_TOKEN".into(), "a-token-of-ours".into());
    forge.releases = Some(releases(&forge));
    let clone =
        clone(&forge, "git@gitlab.example.org:ada/site.git", |site| starters::eleventy(site, &forge.url(), None));
    newcomer(&forge, &clone);
    let run = forge.gitlab(&Source::Push, NOW);
    site_and_feeds(&run, "_site");
    let found = entries(&forge, &forge.url());
    assert_eq!(found, pairs(&BILLETS));
    drafted(&forge, "crieur/lettre-1", &found);
    forge.gitlab(&Source::Schedule, "2026-03-10T09:17:00Z").went_well();
    drafted(&forge, "crieur/lettre-1", &found);

    goes_on(&forge, &clone, "lettre", "crieur/lettre-1");
    forge.gitlab(&Source::Push, "2026-03-11T08:00:00Z").went_well();
    assert_eq!(letters(&forge), ["La lettre d'information n° 1 : Le troisième billet"]);
    forge.gitlab(&Source::Schedule, "2026-03-11T09:17:00Z").went_well();
    assert_eq!(letters(&forge).len(), 1);
}

/// The Hugo site, its theme taken in as Hugo's own introduction tells.
fn hugo(forge: &Forge, site: &Path, second: &str) {
    let theme = forge.join("theme");
    starters::theme(&theme);
    let identity = ["-c", "user.name=Bo Exemple", "-c", "user.email=bo@example.org"];
    for arguments in [&["init", "--quiet"][..], &["add", "--all"], &["commit", "--quiet", "--message", "A theme"]] {
        forge.git(&theme, &[&identity[..], arguments].concat());
    }
    starters::hugo(site, &forge.url(), second);
    let address = format!("file://{}", theme.display());
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &address, "themes/bare"];
    forge.git(site, &add);
}

const WALKS: [(&str, &str); 3] =
    [("posts/map/", "The map"), ("posts/second-walk/", "Second walk"), ("posts/first-walk/", "First walk")];

#[test]
fn a_hugo_site_on_github_has_feeds_and_a_draft_after_three_commands() {
    let test = "a_hugo_site_on_github_has_feeds_and_a_draft_after_three_commands";
    if !ready(test, "hugo") {
        return;
    }
    let forge = Forge::new();
    let clone =
        clone(&forge, "https://github.com/ada/site.git", |site| hugo(&forge, site, "content/posts/Second Walk.md"));
    newcomer(&forge, &clone);
    let run = forge.github(&Event::Push, NOW);
    site_and_feeds(&run, "public");
    let found = entries(&forge, &forge.url());
    assert_eq!(found, pairs(&WALKS));
    drafted(&forge, "crieur/newsletter-1", &found);

    goes_on(&forge, &clone, "newsletter", "crieur/newsletter-1");
    forge.github(&Event::Push, "2026-03-11T08:00:00Z").went_well();
    assert_eq!(letters(&forge), ["A field notebook newsletter #1: The map"]);
}

#[test]
fn a_hugo_site_on_gitlab_has_feeds_and_a_draft_after_three_commands() {
    let test = "a_hugo_site_on_gitlab_has_feeds_and_a_draft_after_three_commands";
    if !ready(test, "hugo") {
        return;
    }
    let mut forge = Forge::new();
    forge.secrets.insert("CRIEUR_GIT_TOKEN".into(), "a-token-of-ours".into());
    forge.releases = Some(releases(&forge));
    let clone = clone(&forge, "https://gitlab.example.org/ada/site.git", |site| {
        hugo(&forge, site, "content/posts/second-walk.md")
    });
    newcomer(&forge, &clone);
    let run = forge.gitlab(&Source::Push, NOW);
    site_and_feeds(&run, "public");
    let found = entries(&forge, &forge.url());
    assert_eq!(found, pairs(&WALKS));
    drafted(&forge, "crieur/newsletter-1", &found);
}

#[test]
fn a_site_in_a_folder_of_the_repository_below_a_path_of_its_host_has_feeds_and_a_draft_too() {
    let test = "a_site_in_a_folder_of_the_repository_below_a_path_of_its_host_has_feeds_and_a_draft_too";
    if !ready(test, "@11ty/eleventy (npm)") {
        return;
    }
    for host in ["github.com", "gitlab.example.org"] {
        let mut forge = Forge::new();
        forge.secrets.insert("CRIEUR_GIT_TOKEN".into(), "a-token-of-ours".into());
        forge.releases = Some(releases(&forge));
        let url = format!("{}carnet/", forge.url());
        let address = format!("https://{host}/ada/site.git");
        let clone = clone(&forge, &address, |top| starters::plain_eleventy(&top.join("web/site"), &url));
        newcomer(&forge, &clone.join("web/site"));
        let push = |now: &str| match host {
            "github.com" => forge.github(&Event::Push, now),
            _ => forge.gitlab(&Source::Push, now),
        };
        push(NOW).went_well();
        let found = entries(&forge, &url);
        assert_eq!(
            found,
            pairs(&[("n/2026/the-second-note/", "The second note"), ("n/2026/the-first-note/", "The first note")])
        );
        let page = forge.page("n/2026/the-first-note/index.html").expect("a page");
        assert!(page.contains("<a href=\"/carnet/\">"), "{page}");
        drafted(&forge, "crieur/newsletter-1", &found);

        // Merged before anybody said where letters go: the site is published, nothing leaves, and it is said what lacks.
        forge.merge("crieur/newsletter-1");
        let run = push("2026-03-11T08:00:00Z");
        let sends = if host == "github.com" { "publish" } else { "send" };
        assert_eq!(run.job(sends).conclusion, "failure", "{}", run.log());
        for place in ["--> config/crieur.yaml:", "--> config/newsletters/newsletter.yaml:"] {
            assert!(run.log().contains(place), "{}", run.log());
        }
        assert_eq!(entries(&forge, &url), found);
        assert_eq!(forge.page("editions/newsletter-1/index.html"), None, "an edition's file is no page");
        assert_eq!(letters(&forge), [] as [String; 0]);
    }
}
