//! The workflows of `docs/deploy/`, which are compiled in, with a site's own settings in the places of theirs.

use super::build_step::BuildStep;

const GITHUB_ELEVENTY: &str = include_str!("../../../docs/deploy/github-eleventy.yml");
const GITHUB_HUGO: &str = include_str!("../../../docs/deploy/github-hugo.yml");
const GITLAB_ELEVENTY: &str = include_str!("../../../docs/deploy/gitlab-eleventy.yml");
const GITLAB_HUGO: &str = include_str!("../../../docs/deploy/gitlab-hugo.yml");
#[cfg(test)]
pub const TEMPLATES: [&str; 4] = [GITHUB_ELEVENTY, GITHUB_HUGO, GITLAB_ELEVENTY, GITLAB_HUGO];

/// What differs from site to site.
pub struct Setting<'a> {
    /// The folder that the generator writes, in the site's folder.
    pub out: &'a str,
    pub newsletter: &'a str,
    pub branch: &'a str,
    /// The site's folder in the repository, without slashes at its ends.
    pub folder: &'a str,
    pub build: &'a BuildStep,
}

impl Setting<'_> {
    /// A path of the site's, as seen from the repository's top.
    fn below(&self, path: &str) -> String {
        format!("{}/{path}", self.folder).trim_start_matches('/').to_string()
    }
}

/// `.github/workflows/crieur.yml`.
pub fn github(generator: &str, setting: &Setting<'_>) -> String {
    let (template, out) = if generator == "Eleventy" { (GITHUB_ELEVENTY, "_site") } else { (GITHUB_HUGO, "public") };
    // The steps that build the site stand between its checkout and its upload.
    let text = between(
        template,
        "          persist-credentials: false\n",
        "      - uses: actions/upload-artifact@",
        &setting.build.github,
    );
    let mut text = text.replace(&format!("  SITE: {out} "), &format!("  SITE: {} ", setting.below(setting.out)));
    text = shared(&text, setting);
    if setting.build.submodules {
        text = text.replacen(
            "          persist-credentials: false\n",
            "          persist-credentials: false\n          submodules: recursive\n",
            1,
        );
    }
    if setting.folder.is_empty() {
        return text;
    }
    let defaults = format!(
        "    runs-on: ubuntu-latest\n    defaults:\n      run:\n        working-directory: {}\n",
        setting.folder
    );
    let mut whole = String::new();
    for job in text.split_inclusive("\n\n") {
        // A job without a checkout has no such folder.
        let job = if job.contains("actions/checkout@") {
            job.replace("    runs-on: ubuntu-latest\n", &defaults)
                .replace("          path: preview\n", &format!("          path: {}\n", setting.below("preview")))
        } else {
            job.to_string()
        };
        whole.push_str(&job);
    }
    whole
}

/// `.gitlab-ci.yml`.
pub fn gitlab(generator: &str, setting: &Setting<'_>) -> String {
    let (template, out) = if generator == "Eleventy" { (GITLAB_ELEVENTY, "_site") } else { (GITLAB_HUGO, "public") };
    let mut job = format!("  image: {}\n", setting.build.image);
    if setting.build.submodules {
        job.push_str("  variables:\n    GIT_SUBMODULE_STRATEGY: recursive\n");
    }
    job.push_str("  script:\n");
    if !setting.folder.is_empty() {
        job.push_str(&format!("    - cd {}\n", setting.folder));
    }
    setting.build.gitlab.iter().for_each(|line| job.push_str(&format!("    - {line}\n")));
    let text = between(template, "\nsite:\n  stage: site\n", "  artifacts:\n", &job);
    let own = setting.below(setting.out);
    let text = text
        .replace(&format!("paths: [{out}]"), &format!("paths: [{own}]"))
        .replace(&format!("publish: {out}\n"), &format!("publish: {own}\n"))
        .replace(&format!("- test -d {out} "), &format!("- test -d {} ", setting.out));
    let text = shared(&text, setting);
    if setting.folder.is_empty() {
        return text;
    }
    text.replace("    - cd \"$CI_PROJECT_DIR\"\n", &format!("    - cd \"$CI_PROJECT_DIR/{}\"\n", setting.folder))
        .replace("paths: [preview/]", &format!("paths: [{}]", setting.below("preview/")))
}

/// What both files say alike.
fn shared(text: &str, setting: &Setting<'_>) -> String {
    let text = text.replace("NEWSLETTER: newsletter ", &format!("NEWSLETTER: {} ", setting.newsletter));
    if setting.branch == "main" { text } else { whole_word(&text, "main", setting.branch) }
}

/// Puts another text between two marks, the first of which stays, as the second does.
fn between(text: &str, start: &str, end: &str, other: &str) -> String {
    let Some(from) = text.find(start).map(|at| at + start.len()) else { return text.to_string() };
    let Some(to) = text[from..].find(end).map(|at| from + at) else { return text.to_string() };
    [&text[..from], other, &text[to..]].concat()
}

fn whole_word(text: &str, word: &str, other: &str) -> String {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "_-".contains(c));
    let mut whole = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let inside = is_part(before.chars().next_back()) || is_part(after.chars().next());
        whole.push_str(before);
        whole.push_str(if inside { word } else { other });
        rest = after;
    }
    whole + rest
}
