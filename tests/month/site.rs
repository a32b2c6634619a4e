//! The site whose month is played: its repository on a forge, its posts from the corpus, and what its visitors, its feeds'
//! subscribers and its list can see after each run of the workflow.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::flow::{Event, Forge, Run};
use crate::support::project::Ran;
use crate::support::rules;
use crate::support::smtp::{PASSWORD, USER};

pub const LIST: &str = "referents@lists.example.org";
/// The branch that remembers.
pub const MEMORY: &str = "crieur/state";
pub const REPLY_TO: &str = "question@letters.example.org";
pub const HOURLY: Event = Event::Schedule("17 5-18 * * *");

/// In the place of Eleventy, for the corpus has the site's posts and nothing of what builds them: a page for each, at its address.
const GENERATOR: &str = r#"#!/bin/sh
[ "$*" = "@11ty/eleventy" ] || { echo "npx: $* is not understood" >&2; exit 1; }
find posts -type f | while IFS= read -r file; do
  name=${file##*/}
  case "$name" in
    *.md) mkdir -p "_site/actualites/${name%.md}" && echo "<!doctype html><title>${name%.md}</title>" > "_site/actualites/${name%.md}/index.html" ;;
    *) cp "$file" _site/ ;;
  esac
done
"#;

pub struct Site {
    pub forge: Forge,
    /// The checkout of who writes the posts.
    pub editor: PathBuf,
    posts: PathBuf,
    /// Everything that the runs printed.
    pub logs: String,
    /// Everything that could ever be read on the site, and in a pull request.
    pub pages: BTreeSet<String>,
}

/// A letter, as the list has it.
#[derive(Clone, Debug)]
pub struct Letter {
    pub subject: String,
    pub text: String,
    date: i64,
}

impl Letter {
    /// The posts that it shows, by the last part of their addresses, in its order.
    pub fn shows(&self) -> Vec<String> {
        let mut shown = Vec::new();
        for part in self.text.split("/actualites/").skip(1) {
            let stem = part.split('/').next().unwrap_or_default().to_string();
            if !shown.contains(&stem) {
                shown.push(stem);
            }
        }
        shown
    }
}

impl Site {
    /// The repository, with these of the corpus's posts.
    pub fn new(corpora: &Path, posts: &[&str]) -> Site {
        let forge = Forge::new();
        forge.program(&forge.join("bin/npx"), GENERATOR);
        let editor = forge.clone("editor");
        let corpus = corpora.join("minumeco-2026/posts");
        let mut site = Site { forge, editor, posts: corpus, logs: String::new(), pages: BTreeSet::new() };
        site.forge.secrets.insert("CRIEUR_SMTP_PASSWORD".into(), PASSWORD.into());
        let workflow = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/deploy/github-eleventy.yml");
        let workflow = fs::read_to_string(workflow).expect("the documented workflow");
        site.write(".github/workflows/crieur.yml", &workflow);
        // Nothing is fetched from a registry: the packages are those that are here, and the generator asks for none.
        site.forge.program(&site.forge.join("bin/npm"), "#!/bin/sh\n[ \"$*\" = ci ] && [ -f package-lock.json ]\n");
        site.write("package.json", "{\"devDependencies\": {\"@11ty/eleventy\": \"^3.0.0\"}}\n");
        site.write("package-lock.json", "{}\n");
        site.write(".gitignore", "_site/\nnode_modules/\nvar/\n");
        site.write(
            "feeds/news.yaml",
            "title: Actualités\nlimit: all\noutputs: { atom: feed/feed.xml, rss: feed/rss.xml, json: feed/feed.json }\n",
        );
        site.send_by(&format!("maildir:{}", site.forge.join("list").display()));
        site.approve("no");
        for path in posts {
            site.add(path, |text| text);
        }
        site.forge.commit(&site.editor, "A site");
        site
    }

    /// Writes how letters leave.
    pub fn send_by(&self, transport: &str) {
        self.write(
            "config/crieur.yaml",
            &format!(
                "site: {{ url: '{}', title: Numérique écoresponsable, language: fr, time_zone: Europe/Paris }}\n\
                 content:\n  paths: [posts]\n  permalink: /actualites/{{stem}}/\n  dates_in: UTC\n  shortcodes:\n    \
                 dailymotion: '<iframe src=\"https://geo.dailymotion.com/player.html?video={{{{args.[0]}}}}\"></iframe>'\n    \
                 transcription: '{{{{{{inner}}}}}}'\n\
                 publish: {{ out: _site }}\nmail:\n  transport: '{transport}'\n  tls: none\n  user: {USER}\n\
                 database: git:{MEMORY}\n",
                self.forge.url()
            ),
        );
    }

    /// Writes who lets a letter go.
    pub fn approve(&self, approve: &str) {
        self.write(
            "config/newsletters/newsletter.yaml",
            &format!(
                "title: La lettre\nfrom: La mission <lettre@letters.example.org>\nreply_to: {REPLY_TO}\n\
                 to: {LIST}\nleave: list\nschedule: \"0 9 * * 3\"\nurgent: 5d\napprove: {approve}\nwait_for_pages: 24h\n"
            ),
        );
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.editor.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }

    /// The text of a post in the corpus.
    pub fn corpus(&self, path: &str) -> String {
        fs::read_to_string(self.posts.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Copies a post of the corpus with what lies beside it, `change` done to its text.
    pub fn add(&self, path: &str, change: impl FnOnce(String) -> String) {
        let text = self.corpus(path);
        let picture = text.lines().find_map(|line| line.trim().strip_prefix("path: "));
        let folder = Path::new(path).parent().expect("a folder");
        let named = picture.map(|picture| folder.join(picture));
        if let Some(named) = named.filter(|named| self.posts.join(named).is_file()) {
            let to = self.editor.join("posts").join(&named);
            fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
            fs::copy(self.posts.join(&named), to).expect("a picture");
        }
        self.write(&format!("posts/{path}"), &change(text));
    }

    pub fn change(&self, path: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.editor.join(path)).expect("a file");
        assert!(text.contains(from), "{from:?} is not in\n{text}");
        self.write(path, &text.replacen(from, to, 1));
    }

    /// What the editor has changed, as one commit on what `main` is by now.
    pub fn commit(&self, message: &str) {
        self.forge.git(&self.editor, &["add", "--all"]);
        self.forge.git(&self.editor, &["commit", "--quiet", "--message", message]);
        self.forge.pull(&self.editor);
        self.forge.git(&self.editor, &["push", "--quiet", "origin", "HEAD:main"]);
    }

    /// How many posts are on `main`.
    fn posts(&self) -> usize {
        let names =
            self.forge.git(&self.forge.join("repository.git"), &["ls-tree", "-r", "--name-only", "main", "posts"]);
        names.lines().filter(|name| name.trim_end_matches('"').ends_with(".md")).count()
    }

    /// Runs the workflow; afterwards the feeds on the site must be valid, and have every post.
    pub fn run(&mut self, event: &Event, now: &str) -> Run {
        let run = self.forge.github(event, now);
        self.took(&run);
        run
    }

    /// The workflow must go well, whatever it does.
    pub fn goes_well(&mut self, event: &Event, now: &str) -> Run {
        let run = self.run(event, now);
        run.went_well();
        run
    }

    /// What a run that was done elsewhere left.
    pub fn took(&mut self, run: &Run) {
        self.logs.push_str(&run.log());
        for job in &run.jobs {
            self.logs.push_str(&job.summary);
        }
        for pull in self.forge.pulls() {
            self.pages.extend([pull.title, pull.body].into_iter().chain(pull.comments));
        }
        self.look_at_the_feeds();
        for path in pages_in(&self.forge.join("site")) {
            let text = String::from_utf8_lossy(&fs::read(&path).expect("a page")).into_owned();
            self.pages.insert(text);
        }
    }

    fn look_at_the_feeds(&self) {
        let page = |path: &str| self.forge.page(path).unwrap_or_else(|| panic!("{path} is not on the site"));
        for path in ["feed/feed.xml", "feed/rss.xml"] {
            let text = page(path);
            // What was valid stays so.
            if !self.pages.contains(&text) {
                assert_eq!(rules::complaints(&text), [""; 0], "{path}");
            }
            let feed = feed_rs::parser::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{path}: {error}"));
            let ids: BTreeSet<&str> = feed.entries.iter().map(|entry| entry.id.as_str()).collect();
            assert_eq!((ids.len(), feed.entries.len()), (self.posts(), self.posts()), "{path}");
            for entry in &feed.entries {
                let address = entry.links[0].href.strip_prefix(&self.forge.url()).expect("an address of the site");
                assert!(self.forge.page(&format!("{address}index.html")).is_some(), "{path} names {address}");
            }
        }
        let feed: Value = serde_json::from_str(&page("feed/feed.json")).expect("JSON");
        assert_eq!(feed["items"].as_array().map(Vec::len), Some(self.posts()));
    }

    /// The Atom feed's id and title of the post at this address.
    pub fn entry(&self, stem: &str) -> (String, String) {
        let text = self.forge.page("feed/feed.xml").expect("a feed");
        let feed = feed_rs::parser::parse(text.as_bytes()).expect("a feed");
        let address = format!("{}actualites/{stem}/", self.forge.url());
        let entry = feed.entries.into_iter().find(|entry| entry.links[0].href == address).expect("an entry");
        (entry.id, entry.title.expect("a title").content)
    }

    /// The list's letters, oldest first.
    pub fn letters(&self) -> Vec<Letter> {
        let entries = fs::read_dir(self.forge.join("list/new")).into_iter().flatten();
        let mut letters: Vec<Letter> = entries
            .map(|entry| {
                let bytes = fs::read(entry.expect("an entry").path()).expect("a letter");
                let letter = mail_parser::MessageParser::default().parse(&bytes).expect("a letter");
                Letter {
                    subject: letter.subject().expect("a subject").to_string(),
                    text: letter.body_text(0).expect("a text").into_owned(),
                    date: letter.date().expect("a date").to_timestamp(),
                }
            })
            .collect();
        letters.sort_by_key(|letter| letter.date);
        letters
    }

    /// The subjects of the list's letters, oldest first.
    pub fn subjects(&self) -> Vec<String> {
        self.letters().into_iter().map(|letter| letter.subject).collect()
    }

    /// The subjects of the memory's commits, oldest first.
    pub fn memory(&self) -> Vec<String> {
        let log = self.forge.git(&self.forge.join("repository.git"), &["log", "--reverse", "--format=%s", MEMORY]);
        log.lines().map(str::to_string).collect()
    }

    /// The program, called by a person in their checkout.
    pub fn person(&mut self, now: &str, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_crieur"));
        command.current_dir(&self.editor).args(["--now", now]).args(arguments);
        command.env("FORGE_MAY_PUSH", "yes").env_remove("CRIEUR_GIT_TOKEN").env_remove("CRIEUR_GIT_TOKEN_FILE");
        let ran = Ran::from(command.output().expect("the program starts"));
        self.logs.push_str(&ran.stdout);
        self.logs.push_str(&ran.stderr);
        ran
    }

    /// Which pull requests there are: their branches, and whether they are open.
    pub fn pulls(&self) -> Vec<(String, bool)> {
        self.forge.pulls().into_iter().map(|pull| (pull.head, pull.open)).collect()
    }

    /// Somebody changes a file of a branch in the browser. Gives the file as it is then.
    pub fn rearrange(&self, branch: &str, path: &str, change: impl FnOnce(String) -> String) -> String {
        let clone = self.forge.clone("browser");
        self.forge.git(&clone, &["checkout", "--quiet", branch]);
        let text = change(fs::read_to_string(clone.join(path)).expect("the file"));
        fs::write(clone.join(path), &text).expect("a file");
        self.forge.git(&clone, &["commit", "--quiet", "--all", "--message", "Mieux"]);
        self.forge.git(&clone, &["push", "--quiet", "origin", branch]);
        fs::remove_dir_all(clone).expect("a folder");
        text
    }
}

/// What can be read on the site, pictures aside.
fn pages_in(folder: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            pages.extend(pages_in(&entry));
        } else if entry
            .extension()
            .is_some_and(|ending| ["html", "xml", "json", "ics", "txt"].iter().any(|one| ending == *one))
        {
            pages.push(entry);
        }
    }
    pages
}
