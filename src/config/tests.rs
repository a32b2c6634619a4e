//! The configuration as people write it, right and wrong, and every word that they get back.

use std::fmt::Write;
use std::path::Path;

use super::*;
use crate::problem::Problem;

pub(super) const SMALL: &str =
    "site:\n  url: https://www.example.org\n  title: Exemple\ncontent:\n  paths: [posts]\n";

/// A project's folder with these files, and a folder `posts`.
fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(folder.path().join("posts")).expect("posts");
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("its folder");
        std::fs::write(path, text).expect("the file");
    }
    folder
}

pub(super) fn read(files: &[(&str, &str)]) -> (Option<Config>, String) {
    let folder = project(files);
    let (config, problems) = match Config::read(folder.path()) {
        Ok((config, problems)) => (Some(config), problems),
        Err(problems) => (None, problems),
    };
    (config, problems.iter().map(shown).collect())
}

/// A problem with everything that it says, the caret included.
fn shown(problem: &Problem) -> String {
    let mut out = format!("{:?}[{}] {problem}\n", problem.severity, problem.code);
    if let Some(place) = &problem.place
        && let (Some(text), Some(column)) = (&place.text, place.column)
    {
        let _ = writeln!(out, "  {text}\n  {}{}", " ".repeat(column - 1), "^".repeat(place.width));
    }
    if let Some(help) = &problem.help {
        let _ = writeln!(out, "  help: {help}");
    }
    out
}

#[test]
fn three_keys_are_enough() {
    let (config, problems) = read(&[("config/crieur.yaml", SMALL), ("feeds/news.yaml", "# all defaults\n")]);
    assert_eq!(problems, "");
    let config = config.expect("a configuration");
    assert_eq!(config.site.url.as_str(), "https://www.example.org/");
    assert_eq!(config.site.language, "en");
    assert_eq!(config.content.dates_in, Tz::UTC);
    assert_eq!(config.mail.transport, Transport::Maildir("var/outbox".into()));
    assert_eq!(config.database, "sqlite:var/crieur.db");
    assert_eq!(config.feeds[0].outputs.atom.as_deref(), Some("feed/news.xml"));
    assert_eq!((config.feeds[0].title.as_str(), config.feeds[0].limit), ("Exemple", Some(20)));
}

#[test]
fn the_whole_documented_sample_is_taken() {
    let main = r#"site:
  url: https://www.example.org/
  title: Numérique écoresponsable
  description: La mission
  language: fr
  time_zone: Europe/Paris              # schedules, letters and pages
  author: { name: Equipe, email: contact@example.org, url: https://example.org/a-propos/ }
content:
  paths: [posts]                       # folders or files
  permalink: /posts/{stem}/            # {stem} {slug} {folder} {year} {month} {day}
  dates_in: UTC
  future: publish
  ids: permalink
  static: static
  variables: { metadata: _data/metadata.json }
  markdown: { html: true, breaks: true, linkify: true, typographer: true, indented_code: false,
              quotes: ["«\u00a0", "\u00a0»", "‹\u00a0", "\u00a0›"] }
  shortcodes:
    dailymotion: '<iframe src="https://www.dailymotion.com/embed/video/{{args.[0]}}"></iframe>'
  unknown_shortcode: warn              # warn (leave it out) | fail
publish:
  out: public
mail:
  transport: maildir:var/outbox
  user: lettre
  tls: required
  connections: 8
  rate: 50/s
  bounces_to: bounces@lettre.example.org
  dkim: { domain: lettre.example.org, selector: c1, key: var/dkim.pem }
database: sqlite:var/crieur.db
secrets: var/keys
web:
  listen: 127.0.0.1:8080
  url: https://lettre.example.org/
"#;
    let feed = "id: https://www.example.org/\ntitle: Actualités\n\
        outputs: { atom: feed/feed.xml, rss: feed/rss.xml, json: feed/feed.json }\n\
        select: { tags: [], not_tags: [], series: null, type: null, language: null, folder: null }\n\
        limit: all\ncontent: full\n";
    let newsletter = r#"title: La lettre des référents
from: MiNumEco <lettre@lettre.example.org>
reply_to: contact@example.org
list_id: referents.lettre.example.org
to: recipients
leave: web
schedule: "0 9 1 * *"
missed: send
missed_after: 6h
backlog: skip
select: { tags: [], not_tags: [] }
max_items: 12
surge: 15
approve: no
first_number: 1
subject: "{{newsletter.title}} n° {{edition.number}} : {{edition.headline}}"
theme: plain
images: hosted
wait_for_pages: off
on_uncertain: resend
"#;
    let (config, problems) = read(&[
        ("config/crieur.yaml", main),
        ("feeds/news.yaml", feed),
        ("config/newsletters/referents.yaml", newsletter),
        ("_data/metadata.json", r#"{"title": "T", "a": {"b": 1}}"#),
    ]);
    assert_eq!(problems, "");
    let config = config.expect("a configuration");
    let dkim: Vec<_> = config.mail.dkim.iter().map(|one| [&one.domain, &one.selector, &one.key]).collect();
    assert_eq!(dkim, [["lettre.example.org", "c1", "var/dkim.pem"]]);
    assert_eq!(config.content.variables["metadata"]["a"]["b"], 1);
    assert_eq!(config.content.markdown.quotes[0], "«\u{a0}");
    assert_eq!(config.feeds[0].limit, None);
    let newsletter = &config.newsletters[0];
    assert_eq!((newsletter.approve, &newsletter.leave), (Approve::No, &Leave::Web));
    assert_eq!(newsletter.schedule, Schedule::Cron("0 9 1 * *".into()));
    assert_eq!((newsletter.wait_for_pages, newsletter.missed_after), (None, Duration::hours(6)));
}

#[test]
fn every_mistake_of_a_file_is_named_at_its_place() {
    let main = "site:\n  url: example.org\n  titel: Exemple\n  time_zone: Europe/Pari\ncontent:\n  paths: [posts]\n  \
                future: hide\n  markdown: { html: yes, brakes: true }\nmail:\n  connections: many\n  \
                transport: smtp://mail.example.org:25\n  tls: none\n  rate: fast\ndatabase: git:-x\n";
    let (config, problems) = read(&[("config/crieur.yaml", main)]);
    assert!(config.is_none());
    assert_eq!(
        problems,
        "\
Error[bad-value] config/crieur.yaml:2:8: `example.org` is not a whole web address
    url: example.org
         ^^^^^^^^^^^
  help: write the whole address, for example `https://www.example.org/`
Error[missing-key] config/crieur.yaml:1:1: `site.title` is missing
  site:
  ^^^^
  help: add it, for example `title: Our news`
Error[bad-value] config/crieur.yaml:4:14: there is no time zone `Europe/Pari`
    time_zone: Europe/Pari
               ^^^^^^^^^^^
  help: did you mean `Europe/Paris`?
Error[unknown-key] config/crieur.yaml:3:3: there is no key `titel` in `site`
    titel: Exemple
    ^^^^^
  help: did you mean `title`?
Error[bad-value] config/crieur.yaml:7:11: `content.future` cannot be `hide`
    future: hide
            ^^^^
  help: it can be `publish`, `hold` or `first-seen`
Error[unknown-key] config/crieur.yaml:8:26: there is no key `brakes` in `content.markdown`
    markdown: { html: yes, brakes: true }
                           ^^^^^^
  help: did you mean `breaks`?
Error[mail-in-clear] config/crieur.yaml:12:8: without TLS, letters cross the network to mail.example.org in clear
    tls: none
         ^^^^
  help: write `tls: required`, or, if everything on the way there is yours, `relay: trusted` beside it
Error[wrong-type] config/crieur.yaml:10:16: `mail.connections` must be a whole number from 1 up, not `many`
    connections: many
                 ^^^^
  help: write it in digits, without quotes
Error[bad-value] config/crieur.yaml:13:9: `fast` is not a rate
    rate: fast
          ^^^^
  help: write how many letters in which time: `50/s`, `600/min` or `1000/h`
Error[bad-value] config/crieur.yaml:14:11: `-x` is no name of a branch
  database: git:-x
            ^^^^^^
  help: for example `git:crieur`
"
    );
}

#[test]
fn a_project_without_configuration_is_sent_to_init() {
    let folder = project(&[]);
    let problems = Config::read(folder.path()).expect_err("there is none");
    assert_eq!(
        problems.iter().map(shown).collect::<String>(),
        format!(
            "Error[no-config] there is no config/crieur.yaml in {}\n  \
             help: run `crieur init` in the site's folder to write one, or name the folder with -C\n",
            folder.path().display()
        )
    );
}

#[test]
fn broken_yaml_is_shown_where_it_breaks() {
    let (_, problems) = read(&[("config/crieur.yaml", "site:\n  title: \"Exemple\n  url: x\n")]);
    assert!(problems.starts_with("Error[yaml-syntax] config/crieur.yaml:"), "{problems}");
    let (_, problems) = read(&[("config/crieur.yaml", "site:\n  title: a\n  title: b\n")]);
    assert_eq!(
        problems,
        "Error[duplicate-key] config/crieur.yaml:3:3: the key `title` stands here twice\n    title: b\n    ^^^^^\n  help: keep one of the two\n"
    );
}

#[test]
fn a_missing_folder_is_answered_with_the_nearest_name() {
    let main = SMALL.replace("[posts]", "[posts, post]");
    let (config, problems) = read(&[("config/crieur.yaml", &main)]);
    assert!(config.is_some());
    assert_eq!(
        problems,
        "Error[missing-path] config/crieur.yaml:5:18: there is no `post` in the project's folder\n    paths: [posts, post]\n                   ^^^^\n  help: did you mean `posts`?\n"
    );
}

#[test]
fn two_feeds_never_write_one_file_and_none_leaves_the_folder() {
    let (config, problems) = read(&[
        ("config/crieur.yaml", SMALL),
        ("feeds/a.yaml", "outputs: { atom: feed.xml }\n"),
        ("feeds/b.yaml", "outputs: { atom: feed.xml }\n"),
        ("feeds/c.yaml", "outputs:\n  rss: ../x\n"),
        ("feeds/d.yaml", "outputs: { json: d.json }\n"),
    ]);
    let names: Vec<String> = config.expect("a configuration").feeds.into_iter().map(|feed| feed.name).collect();
    assert_eq!(names, ["d"]);
    assert_eq!(
        problems,
        "\
Error[doubled-output] feeds/b.yaml:1:18: `feed.xml` is already written by another feed or format (a, atom)
  outputs: { atom: feed.xml }
                   ^^^^^^^^
  help: give each feed and each format a file of its own
Error[bad-value] feeds/c.yaml:2:8: `../x` leads out of `publish.out`
    rss: ../x
         ^^^^
  help: write a path inside `publish.out`, for example `feed/feed.xml`
"
    );
}

#[test]
fn a_letter_to_people_has_a_way_out() {
    let (config, problems) = read(&[
        ("config/crieur.yaml", SMALL),
        ("config/newsletters/a.yaml", "from: A <a@example.org>\nleave: list\n"),
        ("config/newsletters/b.yaml", "from: A <a@example.org>\nleave: web\n"),
        ("config/newsletters/c.yaml", "from: A <a@example.org>\nto: list@example.org\n"),
        ("config/newsletters/d.yaml", "from: A <a@example.org>\n"),
    ]);
    let ways: Vec<Leave> = config.expect("a configuration").newsletters.into_iter().map(|n| n.leave).collect();
    assert_eq!(ways, [Leave::List, Leave::Mailto("a@example.org".into())]);
    assert_eq!(
        problems,
        "\
Error[no-way-out] config/newsletters/a.yaml:2:8: personal letters have no list server that lets people leave
  leave: list
         ^^^^
  help: write `leave: web` or `leave: mailto:ADDRESS`; `list` is for `to:` one address, a list server's
Error[no-way-out] config/newsletters/b.yaml:2:8: `leave: web` needs `web.url`, the address of the web service
  leave: web
         ^^^
  help: add `web.url` to config/crieur.yaml, or write `leave: mailto:ADDRESS`
"
    );
}

#[test]
fn the_repository_is_its_own_working_sample() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (config, problems) = Config::read(root).expect("the sample is a configuration");
    assert_eq!(problems.iter().map(shown).collect::<String>(), "");
    assert_eq!(config.content.variables["metadata"]["contact"], "contact@example.org");
    assert_eq!((config.feeds.len(), config.newsletters.len()), (1, 1));
    let newsletter = &config.newsletters[0];
    assert_eq!((newsletter.backlog, &newsletter.schedule), (Backlog::Announce, &Schedule::EachRun));
    assert_eq!(newsletter.to, Audience::File("config/people.sample.csv".into()));
}

#[test]
fn a_newsletters_sections_are_read_in_their_order_with_what_is_wrong_in_them() {
    let newsletter = "from: A <a@example.org>\nagenda: no\nurgent: 3d\nsections:\n                        - { title: Vidéos, mark: 📺, select: { tags: [Vidéo] }, show: line }\n                        - title: Le reste\n";
    let (config, problems) = read(&[("config/crieur.yaml", SMALL), ("config/newsletters/a.yaml", newsletter)]);
    assert_eq!(problems, "");
    let newsletter = &config.expect("a configuration").newsletters[0];
    assert_eq!((newsletter.agenda, newsletter.urgent), (false, Some(Duration::days(3))));
    let [videos, rest] = &newsletter.sections[..] else { panic!("{:?}", newsletter.sections) };
    assert_eq!((videos.title.as_deref(), videos.mark.as_deref(), videos.lines), (Some("Vidéos"), Some("📺"), true));
    assert_eq!(videos.select.tags, ["Vidéo"]);
    assert_eq!((rest.title.as_deref(), &rest.select, rest.lines), (Some("Le reste"), &Select::default(), false));

    let wrong = "from: A <a@example.org>\nsections:\n  - { titel: V, mark: Vidéo, select: { tag: V }, show: list }\n  - { title: B }\n";
    let (_, problems) = read(&[("config/crieur.yaml", SMALL), ("config/newsletters/a.yaml", wrong)]);
    let messages: Vec<&str> = problems.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(
        messages,
        [
            "Error[bad-value] config/newsletters/a.yaml:3:23: `Vidéo` is no mark: screen readers do not say it",
            "Error[unknown-key] config/newsletters/a.yaml:3:40: there is no key `tag` in `sections[0].select`",
            "Error[bad-value] config/newsletters/a.yaml:3:56: `sections[0].show` cannot be `list`",
            "Error[unknown-key] config/newsletters/a.yaml:3:7: there is no key `titel` in `sections[0]`",
            "Warning[section-takes-all] config/newsletters/a.yaml:3:5: this section takes everything, and the sections after it nothing",
        ],
        "{problems}"
    );
}

#[test]
fn a_letters_look_is_checked_setting_by_setting() {
    let of = |look: &str| format!("from: A <a@example.org>\nlook: {look}\n");
    let (config, problems) = read(&[
        ("config/crieur.yaml", SMALL),
        (
            "config/newsletters/a.yaml",
            &of(
                "{ accent: \"#2a6\", font: 'Georgia, \"Times New Roman\"', logo: { path: /img/l.png, alt: Le logo } }",
            ),
        ),
        ("config/newsletters/b.yaml", &of("{ accent: blue, font: \"url(x)\", logo: { path: \"file:///l.png\" } }")),
        (
            "config/newsletters/c.yaml",
            "from: A <a@example.org>\ntheme: dsfr\n\
             look: { brand: \"Ministère\\nde l’Exemple\", service: Valexemple, accent: \"#1f4e79\" }\n",
        ),
        ("config/newsletters/d.yaml", "from: A <a@example.org>\ntheme: dfsr\nlook: { brands: x }\n"),
    ]);
    let newsletters = config.expect("a configuration").newsletters;
    assert_eq!(newsletters.len(), 2);
    let (plain, state) = (&newsletters[0].look, &newsletters[1].look);
    assert_eq!(plain.font, "Georgia, 'Times New Roman', sans-serif");
    assert_eq!(plain.logo.as_ref().and_then(|logo| logo.alt.as_deref()), Some("Le logo"));
    assert_eq!(
        (state.brand.join("|").as_str(), state.service.as_deref()),
        ("Ministère|de l’Exemple", Some("Valexemple"))
    );
    assert_eq!(
        problems,
        "\
Warning[accent-contrast] config/newsletters/a.yaml:2:17: on white, #22aa66 has a contrast of 3.0 to 1, and text needs 4.5
  look: { accent: \"#2a6\", font: 'Georgia, \"Times New Roman\"', logo: { path: /img/l.png, alt: Le logo } }
                  ^^^^^^
  help: words take a darker one of the same hue; write a darker accent to choose it yourself
Error[bad-value] config/newsletters/b.yaml:2:17: `blue` is not a colour
  look: { accent: blue, font: \"url(x)\", logo: { path: \"file:///l.png\" } }
                  ^^^^
  help: write it like \"#1f4e79\", in quotes: # starts a comment
Error[bad-value] config/newsletters/b.yaml:2:29: `url(x)` is not a list of fonts
  look: { accent: blue, font: \"url(x)\", logo: { path: \"file:///l.png\" } }
                              ^^^^^^^^
  help: write installed fonts, the first that is there is taken: \"Georgia, 'Times New Roman', serif\"
Error[bad-value] config/newsletters/b.yaml:2:45: a letter can't show `file:///l.png`
  look: { accent: blue, font: \"url(x)\", logo: { path: \"file:///l.png\" } }
                                              ^^^^^^^^^^^^^^^^^^^^^^^^^
  help: write a path on the site (/img/logo.png), or an address that starts with https://
Warning[unused-key] config/newsletters/c.yaml:3:72: `look.accent` changes nothing: it belongs to `theme: plain`
  look: { brand: \"Ministère\\nde l’Exemple\", service: Valexemple, accent: \"#1f4e79\" }
                                                                         ^^^^^^^^^
  help: take it out, or write `theme: plain`
Error[bad-value] config/newsletters/d.yaml:2:8: `theme` cannot be `dfsr`
  theme: dfsr
         ^^^^
  help: did you mean `dsfr`? It can be `plain` or `dsfr`
Error[unknown-key] config/newsletters/d.yaml:3:9: there is no key `brands` in `look`
  look: { brands: x }
          ^^^^^^
  help: did you mean `brand`?
"
    );
}

#[test]
fn a_list_of_two_keys_is_read_and_their_mistakes_are_named() {
    let with = |dkim: &str| {
        let main = format!(
            "site: {{ url: https://www.example.org/, title: T }}\ncontent: {{ paths: [posts] }}\nmail:\n  dkim:\n{dkim}"
        );
        read(&[("config/crieur.yaml", &main)])
    };
    let (config, problems) = with(
        "    - { domain: Préfecture.example.org, selector: c1, key: var/rsa.pem }\n    - { domain: example.org, selector: 2026.ed, key: /keys/ed.pem }\n",
    );
    assert_eq!(problems, "");
    let dkim = config.expect("a configuration").mail.dkim;
    assert_eq!((dkim[0].domain.as_str(), dkim[1].selector.as_str()), ("xn--prfecture-c4a.example.org", "2026.ed"));
    assert!(dkim[0].path.ends_with("var/rsa.pem") && dkim[0].path != dkim[1].path);
    assert_eq!(dkim[1].path.to_str(), Some("/keys/ed.pem"));
    for (dkim, wrong) in [
        ("    domain: example.org\n    selector: c1\n", "config/crieur.yaml:4:3: `mail.dkim.key` is missing"),
        ("    { domain: localhost, selector: c1, key: k }\n", "`localhost` is not a domain"),
        ("    { domain: example.org, selector: c_1, key: k }\n", "`c_1` is not a selector"),
        ("    { domain: example.org, selector: c1, key: k, bits: 2048 }\n", "there is no key `bits` in `mail.dkim`"),
        (
            "    - { domain: example.org, selector: c, key: a }\n    - { domain: example.org, selector: c, key: b }\n",
            "two keys have the selector `c`",
        ),
        (
            "    - { domain: example.org, selector: a, key: a }\n    - { domain: example.org, selector: b, key: b }\n    - { domain: example.org, selector: c, key: c }\n",
            "crieur.yaml:7:7: a letter has two signatures at most",
        ),
    ] {
        let (config, problems) = with(dkim);
        assert!(config.is_none() && problems.contains(wrong), "{problems}");
    }
}

#[test]
fn how_a_mail_server_is_greeted_and_whom_it_is_believed_by_is_read_and_checked() {
    let main = |mail: &str| {
        format!(
            "site: {{ url: https://www.example.org/, title: T }}\ncontent: {{ paths: [posts] }}\n\
             mail:\n  transport: smtp://mail.example.org:587\n  user: lettre\n{mail}"
        )
    };
    let right = main("  auth: xoauth2\n  hello: lettre.example.org\n  roots: config/roots.pem\n");
    let (config, problems) = read(&[("config/crieur.yaml", &right), ("config/roots.pem", "")]);
    assert_eq!(problems, "");
    let mail = config.expect("a configuration").mail;
    assert_eq!((mail.auth, mail.hello.as_deref()), (Auth::Xoauth2, Some("lettre.example.org")));
    assert_eq!(mail.roots.as_deref(), Some("config/roots.pem"));
    let (_, problems) = read(&[("config/crieur.yaml", &main("  auth: cram\n  hello: a b\n  roots: nowhere.pem\n"))]);
    for words in ["`mail.auth` cannot be `cram`", "`a b` is not a host name", "there is no file `nowhere.pem`"] {
        assert!(problems.contains(words), "{words}: {problems}");
    }
}
