//! How a CI builds the site: the steps for GitHub, the lines for GitLab, by the site's generator and by what its folder says.
//!
//! BUGS: a generator that is not Eleventy or Hugo is built in the way that is usual for it, which is noted; one that is not
//! known has a step that says so, and fails.

use serde_json::Value;

use super::folder::{Folder, text_of, value_of};
use super::guess::Guess;

/// The steps that make the site out of a checkout.
pub struct BuildStep {
    /// Steps in YAML, at their place in the workflow.
    pub github: String,
    /// The image in which GitLab runs the lines.
    pub image: String,
    pub gitlab: Vec<String>,
    /// A theme stands in a repository of its own.
    pub submodules: bool,
    /// What a person should look at.
    pub notes: Vec<String>,
}

/// For a site whose folder in the repository is `prefix`, empty or with a `/` at its end.
pub fn of(folder: &Folder, guess: &Guess, prefix: &str) -> BuildStep {
    let mut step = match guess.generator {
        "Eleventy" => eleventy(folder, guess, prefix),
        "Hugo" => hugo(folder, guess),
        "Jekyll" => jekyll(folder, prefix),
        "Pelican" => pelican(folder),
        "Zola" => zola(),
        _ => unknown(),
    };
    if let Some(list) = guess.built.as_ref().filter(|list| list.taken_up) {
        let line = match step.gitlab.last() {
            Some(build) if build.contains("npx --yes") => {
                list.command.replace("npx @11ty/eleventy", "npx --yes @11ty/eleventy@3")
            }
            _ => list.command.clone(),
        };
        step.github.push_str(&format!(
            "      - name: List its pages, for addresses that only the generator knows\n        run: {line}\n"
        ));
        step.gitlab.push(line);
    }
    step.submodules = folder.is_file(&format!("{}.gitmodules", "../".repeat(prefix.matches('/').count())));
    step
}

fn step(setup: &str, image: impl Into<String>, lines: Vec<String>, notes: Vec<String>) -> BuildStep {
    let mut github = setup.to_string();
    let (last, first) = lines.split_last().map(|(last, first)| (last.as_str(), first)).unwrap_or(("", &[]));
    first.iter().for_each(|line| github.push_str(&format!("      - run: {line}\n")));
    github.push_str(&format!("      - name: Build the site\n        run: {last}\n"));
    BuildStep { github, image: image.into(), gitlab: lines, submodules: false, notes }
}

/// What brings a site's npm packages, by the lock that it has.
fn packages(folder: &Folder) -> Vec<String> {
    let lines: &[&str] = if !folder.is_file("package.json") {
        &[]
    } else if folder.is_file("package-lock.json") || folder.is_file("npm-shrinkwrap.json") {
        &["npm ci"]
    } else if folder.is_file("pnpm-lock.yaml") {
        &["corepack enable", "pnpm install --frozen-lockfile"]
    } else if folder.is_file("yarn.lock") {
        &["corepack enable", "yarn install --frozen-lockfile"]
    } else {
        &["npm install"]
    };
    lines.iter().map(|line| line.to_string()).collect()
}

/// The site's own `npm run build`, if it has one.
fn script(folder: &Folder) -> Option<String> {
    text_of(&folder.data("package.json")?, &["scripts.build"])
}

/// The part of the site's address behind its host: `/` or `/project/`.
fn base(guess: &Guess) -> String {
    let url = guess.url.as_deref().and_then(|url| url::Url::parse(url).ok());
    url.map_or("/".to_string(), |url| format!("{}/", url.path().trim_end_matches('/')))
}

fn eleventy(folder: &Folder, guess: &Guess, prefix: &str) -> BuildStep {
    let mut notes = Vec::new();
    let mut lines = packages(folder);
    let package = folder.data("package.json").unwrap_or_default();
    let depends = ["dependencies", "devDependencies"].iter().any(|key| {
        value_of(&package, key).and_then(Value::as_object).is_some_and(|all| all.contains_key("@11ty/eleventy"))
    });
    let own = script(folder);
    let mut build = match &own {
        Some(_) => "npm run build",
        None if depends => "npx @11ty/eleventy",
        None => "npx --yes @11ty/eleventy@3",
    }
    .to_string();
    let base = base(guess);
    // A line that is commented out says nothing.
    let script = super::eleventy::script(folder);
    let lines_of_code = script.lines().filter(|line| !line.trim_start().starts_with(['/', '*']));
    let says = |line: &str| line.to_lowercase().contains("pathprefix");
    let says_base = own.as_deref().is_some_and(says) || lines_of_code.into_iter().any(says);
    if base != "/" && !says_base {
        match own.as_deref() {
            None => build.push_str(&format!(" --pathprefix={base}")),
            Some(own)
                if own
                    .trim_start_matches("npx ")
                    .split(' ')
                    .next()
                    .is_some_and(|word| word.ends_with("eleventy"))
                    && !own.contains(['&', ';', '|']) =>
            {
                build.push_str(&format!(" -- --pathprefix={base}"));
            }
            Some(_) => notes.push(format!(
                "the site's address is below {base}: see that `npm run build` hands `--pathprefix={base}` to Eleventy"
            )),
        }
    }
    lines.push(build);
    let version = [".nvmrc", ".node-version"].into_iter().find(|file| folder.is_file(file));
    let node = match version {
        Some(file) => format!("node-version-file: {prefix}{file}"),
        None => "node-version: 22".to_string(),
    };
    let number =
        version.and_then(|file| folder.text(file)).map(|text| text.trim().trim_start_matches('v').to_string());
    let number = number.filter(|text| text.starts_with(|c: char| c.is_ascii_digit()));
    let image = format!("node:{}", number.as_deref().unwrap_or("22"));
    step(&format!("      - uses: actions/setup-node@v5\n        with:\n          {node}\n"), image, lines, notes)
}

fn hugo(folder: &Folder, guess: &Guess) -> BuildStep {
    let mut notes = Vec::new();
    let mut lines = packages(folder);
    if !lines.is_empty() {
        notes.push(
            "the site has npm packages: GitLab's image for Hugo has no npm, choose another one there".to_string(),
        );
    }
    lines.push(match &guess.address_for_build {
        // Its own configuration holds none that could be meant.
        Some(url) => format!("hugo --baseURL {url}"),
        None => "hugo".to_string(),
    });
    let netlify = folder.data("netlify.toml").unwrap_or_default();
    let keys = ["build.environment.HUGO_VERSION", "context.production.environment.HUGO_VERSION"];
    let version =
        text_of(&netlify, &keys).or_else(|| folder.text(".hugo-version").map(|text| text.trim().to_string()));
    let version = version.filter(|text| text.starts_with(|c: char| c.is_ascii_digit()));
    let number = version.as_deref().unwrap_or("latest");
    let setup = format!(
        "      - uses: peaceiris/actions-hugo@v3\n        with:\n          hugo-version: {}\n          extended: true\n",
        version.as_ref().map_or("latest".to_string(), |version| format!("\"{version}\""))
    );
    step(&setup, format!("registry.gitlab.com/pages/hugo/hugo_extended:{number}"), lines, notes)
}

fn jekyll(folder: &Folder, prefix: &str) -> BuildStep {
    let mut setup = "      - uses: ruby/setup-ruby@v1\n        with:\n          ruby-version: \"3.3\"\n".to_string();
    let lines = if folder.is_file("Gemfile") {
        ["bundle install", "bundle exec jekyll build"]
    } else {
        ["gem install jekyll", "jekyll build"]
    };
    if !prefix.is_empty() {
        setup.push_str(&format!("          working-directory: {}\n", prefix.trim_end_matches('/')));
    }
    step(&setup, "ruby:3.3", lines.map(String::from).to_vec(), vec![usual("Jekyll")])
}

fn pelican(folder: &Folder) -> BuildStep {
    let setup = "      - uses: actions/setup-python@v6\n        with:\n          python-version: \"3.13\"\n";
    let packages = if folder.is_file("requirements.txt") { "-r requirements.txt" } else { "\"pelican[markdown]\"" };
    let settings = ["publishconf.py", "pelicanconf.py"].into_iter().find(|file| folder.is_file(file));
    let settings = settings.map(|file| format!(" --settings {file}")).unwrap_or_default();
    let lines = vec![format!("pip install {packages}"), format!("pelican content --output output{settings}")];
    step(setup, "python:3.13", lines, vec![usual("Pelican")])
}

fn zola() -> BuildStep {
    let archive =
        "https://github.com/getzola/zola/releases/download/v0.20.0/zola-v0.20.0-x86_64-unknown-linux-gnu.tar.gz";
    let lines = vec![
        format!("curl --fail --silent --show-error --location {archive} | tar -xz -C /tmp"),
        "/tmp/zola build".to_string(),
    ];
    step("", "buildpack-deps:stable-scm", lines, vec![usual("Zola")])
}

fn unknown() -> BuildStep {
    let line = "echo 'How is this site built? Write its commands here.' && exit 1".to_string();
    let note = "how the site is built is not known: write it into the CI's file, in the step `Build the site` of the job `site`";
    step("", "buildpack-deps:stable-scm", vec![line], vec![note.to_string()])
}

fn usual(generator: &str) -> String {
    format!("the CI builds the site as is usual for {generator}: look at the job `site` of its file")
}
