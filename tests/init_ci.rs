//! `crieur init` in a repository that lives on a forge: the CI's one file, adapted to the site, and a configuration that needs
//! no machine.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::project::Project;

/// Git in the project's folder, nobody's settings in it.
fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.current_dir(folder).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let output = command.output().expect("git runs");
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_string()
}

/// A repository whose remote is at this address, with a branch of this name.
fn repository(project: Project, address: &str, branch: &str) -> Project {
    git(project.path(), &["init", "--quiet", &format!("--initial-branch={branch}"), "."]);
    if !address.is_empty() {
        git(project.path(), &["remote", "add", "origin", address]);
    }
    project
}

fn eleventy() -> Project {
    Project::empty()
        .file("eleventy.config.js", "export default function () {}\n")
        .file(
            "_data/metadata.json",
            r#"{ "title": "Le carnet", "url": "https://carnet.example.org/", "language": "fr" }"#,
        )
        .file("package.json", r#"{ "devDependencies": { "@11ty/eleventy": "^3.0.0" } }"#)
        .file("package-lock.json", "{}")
        .file("posts/un.md", "---\ntitle: Un\ndate: 2026-03-01\n---\nDu nouveau.\n")
}

fn hugo() -> Project {
    Project::empty()
        .file("hugo.toml", "baseURL = 'https://carnet.example.org/'\ntitle = 'Carnet'\nlanguageCode = 'en-us'\n")
        .file("content/posts/un.md", "---\ntitle: Un\ndate: 2026-03-01\n---\nDu nouveau.\n")
}

const GITHUB: &str = ".github/workflows/crieur.yml";
const GITLAB: &str = ".gitlab-ci.yml";
const AT_GITHUB: &str = "git@github.com:ada/site.git";
const AT_GITLAB: &str = "https://gitlab.example.org/ada/site.git";

/// A file of `docs/deploy/`.
fn documented(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/deploy").join(name);
    std::fs::read_to_string(path).expect("a documented workflow")
}

/// The lines in which two texts differ: first those that only the first has, then the others.
fn differences(these: &str, those: &str) -> Vec<String> {
    let only = |sign: &'static str, these: &str, those: &str| {
        let others: Vec<String> = those.lines().map(String::from).collect();
        let lines = these.lines().filter(move |line| !others.iter().any(|other| other == line));
        lines.map(|line| format!("{sign}{}", line.split(" #").next().unwrap_or(line).trim())).collect::<Vec<_>>()
    };
    [only("-", these, those), only("+", those, these)].concat()
}

fn notes(said: &Value) -> Vec<&str> {
    said["notes"].as_array().expect("notes").iter().filter_map(Value::as_str).collect()
}

#[test]
fn the_forge_is_seen_from_the_remote_or_its_files_and_no_other_writes_a_file() {
    for (project, forge, file) in [
        (repository(eleventy(), AT_GITHUB, "main"), "github", GITHUB),
        (repository(hugo(), AT_GITLAB, "main"), "gitlab", GITLAB),
        (repository(hugo().file(".github/dependabot.yml", "version: 2\n"), "", "main"), "github", GITHUB),
        (hugo().file(".github/dependabot.yml", "version: 2\n"), "github", GITHUB),
        (repository(hugo(), "https://git.example.org/ada/site.git", "main"), "none", ""),
        (hugo(), "none", ""),
    ] {
        let said = project.json(&["init"], 0);
        assert_eq!(said["forge"], forge, "{said:#}");
        let written = said["written"].as_array().expect("files");
        let is_ci = |path: &&Value| **path == GITHUB || **path == GITLAB;
        let expected: &[&str] = if file.is_empty() { &[] } else { &[file] };
        assert_eq!(written.iter().filter(is_ci).collect::<Vec<_>>(), expected, "{said:#}");
        let option = notes(&said).iter().any(|note| note.contains("`--forge github`"));
        assert_eq!(option, file.is_empty(), "{said:#}");
    }
    let said = repository(hugo(), AT_GITHUB, "main").json(&["init", "--forge", "none"], 0);
    assert_eq!(
        (said["forge"].as_str(), notes(&said).iter().any(|note| note.contains("--forge"))),
        (Some("none"), false)
    );
}

#[test]
fn the_file_is_the_documented_one_where_the_site_is_as_documented() {
    for (project, forge, file, documented_as) in [
        (eleventy(), "github", GITHUB, "github-eleventy.yml"),
        (eleventy(), "gitlab", GITLAB, "gitlab-eleventy.yml"),
        (hugo(), "github", GITHUB, "github-hugo.yml"),
        (hugo(), "gitlab", GITLAB, "gitlab-hugo.yml"),
    ] {
        let said = project.json(&["init", "--forge", forge], 0);
        let name = if documented_as.contains("eleventy") { "lettre" } else { "newsletter" };
        let expected = documented(documented_as).replace("NEWSLETTER: newsletter ", &format!("NEWSLETTER: {name} "));
        assert_eq!(project.read(file), expected);
        assert!(said["to_set"][0].as_str().is_some_and(|line| line.starts_with("To set once, on the ")), "{said:#}");
    }
}

#[test]
fn the_configuration_is_for_a_letter_without_a_machine_and_says_what_a_person_must_write() {
    let project = repository(eleventy(), AT_GITHUB, "main");
    project.json(&["init"], 0);
    let config = project.read("config/crieur.yaml");
    for line in [
        "\n  out: _site ",
        "\n  transport: smtp://write-your-mail-server-here.invalid:587  #",
        "\n  # user: lettre                       # its password: the CI's secret CRIEUR_SMTP_PASSWORD\n",
        "\ndatabase: git:crieur/state             # the branch that remembers what was announced, and holds nobody's address\nsecrets: ",
    ] {
        assert!(config.contains(line), "{line:?} is not in\n{config}");
    }
    let letter = project.read("config/newsletters/lettre.yaml");
    for line in [
        "\nto: write-your-list-here@lists.invalid  #",
        "\nleave: list  ",
        "\nbacklog: announce  ",
        "\napprove: file  ",
        "\nwait_for_pages: 24h  ",
    ] {
        assert!(letter.contains(line), "{line:?} is not in\n{letter}");
    }
    assert_eq!(project.read(".gitignore"), "/var/\n/config/*.csv\n!/config/*.sample.csv\n/_site/\nnode_modules/\n");
    // The drafts of letters are no pages of a site that takes every file for one.
    assert_eq!(project.read(".eleventyignore"), "/editions/\n/mail-templates/\n");
}

#[test]
fn more_posts_than_a_letter_holds_are_no_news() {
    let project = repository(hugo(), AT_GITHUB, "main");
    for number in 0..12 {
        project.write(
            &format!("content/posts/{number}.md"),
            format!("---\ntitle: {number}\ndate: 2026-03-01\n---\nA.\n"),
        );
    }
    let said = project.json(&["init"], 0);
    assert!(project.read("config/newsletters/newsletter.yaml").contains("\nbacklog: skip  "));
    assert!(
        notes(&said).iter().any(|note| note.starts_with("the 13 posts that are there count as announced")),
        "{said:#}"
    );
}

#[test]
fn the_site_is_built_as_its_own_folder_says() {
    for (project, forge, documented_as, expected) in [
        (
            eleventy().file("package.json", r#"{ "scripts": { "build": "npx @11ty/eleventy" } }"#),
            "github",
            "github-eleventy.yml",
            vec!["-run: npx @11ty/eleventy", "+run: npm run build"],
        ),
        (
            eleventy().file("package.json", r#"{ "scripts": { "build": "eleventy" } }"#),
            "gitlab",
            "gitlab-eleventy.yml",
            vec!["-- npx @11ty/eleventy", "+- npm run build"],
        ),
        // Eleventy's own configuration tells the folder, and no one tells the base path.
        (
            eleventy()
                .file("eleventy.config.js", "export const config = { dir: { output: 'public' } };\n")
                .file("_data/metadata.json", r#"{ "url": "https://ada.example.org/project/", "language": "fr" }"#)
                .file(".nvmrc", "v20.11\n"),
            "github",
            "github-eleventy.yml",
            vec![
                "-SITE: _site",
                "-node-version: 22",
                "-run: npx @11ty/eleventy",
                "+SITE: public",
                "+node-version-file: .nvmrc",
                "+run: npx @11ty/eleventy --pathprefix=/project/",
            ],
        ),
        (
            eleventy()
                .file("eleventy.config.js", "export const config = { pathPrefix: '/project/' };\n")
                .file("_data/metadata.json", r#"{ "url": "https://ada.example.org/project/", "language": "fr" }"#),
            "github",
            "github-eleventy.yml",
            vec![],
        ),
        (
            hugo()
                .file(".hugo-version", "0.128.0\n")
                .file("package.json", "{}")
                .file(".gitmodules", "[submodule \"themes/a\"]\n"),
            "github",
            "github-hugo.yml",
            vec![
                "-hugo-version: latest",
                "+submodules: recursive",
                "+hugo-version: \"0.128.0\"",
                "+- run: npm install",
            ],
        ),
        (
            hugo().file("hugo.toml", "baseURL = 'https://example.org/'\nlanguageCode = 'en-us'\n"),
            "github",
            "github-hugo.yml",
            vec!["-run: hugo", "+run: hugo --baseURL https://ada.github.io/site/"],
        ),
    ] {
        let project = repository(project, AT_GITHUB, "main");
        let said = project.json(&["init", "--forge", forge], 0);
        let file = if forge == "github" { GITHUB } else { GITLAB };
        let documented = documented(documented_as).replace("NEWSLETTER: newsletter ", "NEWSLETTER: lettre ");
        let documented = if documented_as.contains("hugo") {
            documented.replace(": lettre ", ": newsletter ")
        } else {
            documented
        };
        assert_eq!(differences(&documented, &project.read(file)), expected, "{said:#}");
    }
    let below = r#"{ "url": "https://ada.example.org/project/", "language": "fr" }"#;
    for (build, command, noted) in [
        ("npx @11ty/eleventy --quiet", "npm run build -- --pathprefix=/project/", false),
        ("eleventy && postcss css", "npm run build", true),
    ] {
        let project = eleventy()
            .file("eleventy.config.js", "export const config = {\n\t// pathPrefix: \"/\",\n};\n")
            .file("_data/metadata.json", below)
            .file("package.json", format!("{{ \"scripts\": {{ \"build\": \"{build}\" }} }}"));
        let said = project.json(&["init", "--forge", "github"], 0);
        assert!(project.read(GITHUB).contains(&format!("\n        run: {command}\n")), "{}", project.read(GITHUB));
        assert_eq!(notes(&said).iter().any(|note| note.contains("`--pathprefix=/project/`")), noted, "{said:#}");
    }
    let project = repository(hugo().file("static/CNAME", "carnet.example.org\n"), AT_GITHUB, "main");
    project.write("hugo.toml", "baseURL = 'https://example.org/'\nlanguageCode = 'en-us'\n");
    project.json(&["init"], 0);
    assert!(project.read(GITHUB).contains("\n        run: hugo --baseURL https://carnet.example.org/\n"));
    for (lock, step) in [
        ("pnpm-lock.yaml", "\n      - run: corepack enable\n      - run: pnpm install --frozen-lockfile\n"),
        ("yarn.lock", "\n      - run: corepack enable\n      - run: yarn install --frozen-lockfile\n"),
    ] {
        let project = eleventy().file(lock, "");
        project.remove("package-lock.json");
        project.json(&["init", "--forge", "github"], 0);
        assert!(project.read(GITHUB).contains(step), "{}", project.read(GITHUB));
    }
    // Without a lock `npm ci` refuses to start.
    let project = eleventy();
    project.remove("package-lock.json");
    project.json(&["init", "--forge", "github"], 0);
    assert!(project.read(GITHUB).contains("\n      - run: npm install\n"), "{}", project.read(GITHUB));
}

#[test]
fn another_branch_and_a_site_in_a_folder_of_the_repository_are_minded() {
    let top = repository(Project::empty(), AT_GITHUB, "trunk");
    let site = eleventy();
    top.copy(site.path(), "web/site");
    let said = top.json(&["init", "web/site"], 0);
    assert!(
        said["written"].as_array().is_some_and(|paths| paths.contains(&"../../.github/workflows/crieur.yml".into())),
        "{said:#}"
    );
    let text = top.read(GITHUB);
    let flow: Value = serde_yaml::from_str(&text).expect("YAML");
    assert_eq!(flow["on"]["push"]["branches"], serde_json::json!(["trunk"]));
    assert_eq!(flow["env"]["SITE"], "web/site/_site");
    for (name, job) in flow["jobs"].as_object().expect("jobs") {
        let steps = job["steps"].as_array().expect("steps");
        let has =
            |uses: &str| steps.iter().any(|step| step["uses"].as_str().is_some_and(|own| own.starts_with(uses)));
        let folder = if has("actions/checkout@") { serde_json::json!("web/site") } else { Value::Null };
        assert_eq!(job["defaults"]["run"]["working-directory"], folder, "{name}");
    }
    let uploaded = flow["jobs"]["preview"]["steps"]
        .as_array()
        .expect("steps")
        .iter()
        .find(|step| step["with"]["name"] == "letter");
    assert_eq!(uploaded.expect("the letter")["with"]["path"], "web/site/preview");

    top.json(&["init", "web/site", "--forge", "gitlab"], 0);
    let text = top.read(GITLAB);
    let flow: Value = serde_yaml::from_str(&text).expect("YAML");
    assert_eq!(flow["site"]["script"][0], "cd web/site");
    for job in ["site", "pages"] {
        assert_eq!(flow[job]["artifacts"]["paths"], serde_json::json!(["web/site/_site"]));
    }
    assert_eq!(flow["pages"]["pages"]["publish"], "web/site/_site");
    assert_eq!(flow["preview"]["artifacts"]["paths"], serde_json::json!(["web/site/preview/"]));
    assert_eq!(
        flow[".crieur"]["before_script"].as_array().and_then(|lines| lines.last()),
        Some(&"cd \"$CI_PROJECT_DIR/web/site\"".into())
    );
}

#[test]
fn every_generator_has_a_file_that_a_forge_can_read_and_its_build_is_to_look_at() {
    for (site, build, out) in [
        ("jekyll", "jekyll build", "_site"),
        ("pelican", "pelican content --output output --settings publishconf.py", "output"),
        ("zola", "/tmp/zola build", "public"),
        ("plain", "echo 'How is this site built? Write its commands here.' && exit 1", "public"),
    ] {
        let project = Project::empty();
        project.copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/content/sites").join(site), ".");
        let said = project.json(&["init", "--forge", "github"], 0);
        let flow: Value = serde_yaml::from_str(&project.read(GITHUB)).expect("YAML");
        let steps = flow["jobs"]["site"]["steps"].as_array().expect("steps");
        let step = steps.iter().find(|step| step["name"] == "Build the site").expect("the build");
        assert_eq!((&step["run"], &flow["env"]["SITE"]), (&build.into(), &out.into()), "{site}");
        assert!(notes(&said).iter().any(|note| note.contains("the job `site`")), "{said:#}");
        project.json(&["init", "--forge", "gitlab"], 0);
        let flow: Value = serde_yaml::from_str(&project.read(GITLAB)).expect("YAML");
        assert_eq!(flow["site"]["script"].as_array().and_then(|lines| lines.last()), Some(&build.into()), "{site}");
        assert_eq!(flow["pages"]["pages"]["publish"], out, "{site}");
    }
}

#[test]
fn a_file_that_is_there_stays_and_it_is_said_how_to_go_on() {
    let project = repository(hugo().file(GITLAB, "mine: { script: [make] }\n"), "", "main");
    let said = project.json(&["init"], 0);
    assert_eq!(
        (said["forge"].as_str(), project.read(GITLAB).as_str()),
        (Some("gitlab"), "mine: { script: [make] }\n")
    );
    assert!(said["kept"].as_array().is_some_and(|kept| kept.contains(&GITLAB.into())), "{said:#}");
    assert!(
        notes(&said).iter().any(|note| note.starts_with(".gitlab-ci.yml is there") && note.contains("include: ")),
        "{said:#}"
    );

    // A configuration that is there counts: its folder, its newsletter; and what it lacks is said.
    let project = repository(hugo(), AT_GITHUB, "main")
        .file("config/crieur.yaml", "publish: { out: built }\ndatabase: sqlite:var/crieur.db\n")
        .file("config/newsletters/nouvelles.yaml", "to: liste@lists.example.org\n");
    let said = project.json(&["init"], 0);
    let flow: Value = serde_yaml::from_str(&project.read(GITHUB)).expect("YAML");
    assert_eq!(flow["env"], serde_json::json!({ "SITE": "built", "NEWSLETTER": "nouvelles" }));
    assert!(notes(&said).iter().any(|note| note.contains("`database: git:crieur/state`")), "{said:#}");

    let pages = "jobs: { deploy: { steps: [{ uses: actions/deploy-pages@v4 }] } }\n";
    let project = repository(hugo().file(GITHUB, "mine\n").file(".github/workflows/pages.yml", pages), "", "main");
    let said = project.json(&["init"], 0);
    assert_eq!(project.read(GITHUB), "mine\n");
    assert!(notes(&said).iter().any(|note| note.starts_with(".github/workflows/crieur.yml is there")), "{said:#}");
    // Another workflow that publishes would take the feeds off the site.
    project.remove(GITHUB);
    let said = project.json(&["init"], 0);
    assert!(
        notes(&said).iter().any(|note| note.starts_with(".github/workflows/pages.yml publishes the site as well")),
        "{said:#}"
    );
}

#[test]
fn what_was_written_is_known_to_git_and_nothing_is_staged() {
    let project = repository(eleventy().file("own.txt", "mine\n"), AT_GITHUB, "main");
    let words = project.ok(&["init"]);
    let first = words.lines().next().unwrap_or_default();
    assert!(
        first.ends_with(": looks like Eleventy; GitHub's CI announces it (or `--forge none`: a machine of yours)."),
        "{words}"
    );
    assert!(words.contains("\n  git commit --all --message \"Announce the news\"\n  git push\n"), "{words}");
    assert!(words.contains("\nTo set once, on the repository's page:\n  Settings > Pages"), "{words}");
    let status = git(project.path(), &["status", "--porcelain", "--untracked-files=all"]);
    assert!(status.lines().any(|line| line == " A config/crieur.yaml"), "{status}");
    assert!(status.lines().any(|line| line == "?? own.txt"), "{status}");
    assert_eq!(git(project.path(), &["diff", "--cached", "--name-only", "--diff-filter=M"]), "");
}

#[test]
fn addresses_that_only_the_generator_knows_are_taken_from_its_list_which_the_ci_makes() {
    let project = eleventy().file("posts/posts.11tydata.js", "export default { permalink: (d) => slug(d) };\n");
    project.json(&["init", "--forge", "github"], 0);
    let config = project.read("config/crieur.yaml");
    assert!(config.contains("\n  built: { manifest: _site/.crieur/pages.json }  #"), "{config}");
    let flow: Value = serde_yaml::from_str(&project.read(GITHUB)).expect("YAML");
    let steps = flow["jobs"]["site"]["steps"].as_array().expect("steps");
    let commands: Vec<&str> = steps.iter().filter_map(|step| step["run"].as_str()).collect();
    assert_eq!(
        commands,
        [
            "npm ci",
            "npx @11ty/eleventy",
            "mkdir -p _site/.crieur && npx @11ty/eleventy --to=json > _site/.crieur/pages.json"
        ]
    );
}
