//! `crieur init`: looks at a site and writes a configuration that fits it, never over an existing file.
//!
//! BUGS: a site is read, never run; what its scripts compute is left to a person, and said.

mod build_step;
mod built;
mod content;
mod eleventy;
mod eleventy_permalink;
mod folder;
mod forge;
mod guess;
mod hugo;
mod jekyll;
mod language;
mod pelican;
mod plain;
mod repository;
mod script;
mod shortcode_templates;
mod shortcodes;
mod workflow;
mod write;
mod zola;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use super::{Globals, Outcome};
use crate::digest::template;
use folder::Folder;
use forge::Forge;
use guess::Guess;
use repository::Repository;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The site to look at, and to write into (default: the project's folder)
    pub dir: Option<PathBuf>,
    /// Whose CI builds and announces the site (default: seen from the repository)
    #[arg(long, value_enum)]
    pub forge: Option<Forge>,
}

/// What was written, and what was there already.
#[derive(Default)]
struct Written {
    written: Vec<String>,
    added_to: Vec<String>,
    kept: Vec<String>,
}

pub fn run(globals: &Globals, arguments: Args) -> anyhow::Result<Outcome> {
    let root = arguments.dir.as_ref().map_or_else(|| globals.root.clone(), |dir| globals.root.join(dir));
    anyhow::ensure!(root.is_dir(), "there is no folder {}", root.display());
    let folder = Folder::new(&root);
    let repository = repository::of(&root);
    let forge = arguments.forge.unwrap_or_else(|| Forge::seen(&root, repository.as_ref()));
    let mut guess = look(&folder);
    guess.in_ci = forge != Forge::None;
    guess.posts = content::posts(&folder, &guess.paths).len();
    if guess.language.is_none()
        && let Some(language) = language::of_posts(&folder, &guess.paths)
    {
        guess.language = Some(language.to_string());
        guess.note(format!("the site does not say its language: its posts look like `{language}`"));
    }
    where_pages_are(&folder, &mut guess, forge, repository.as_ref());
    guess.built = built::propose(&folder, &guess);
    say_what_is_missing(&mut guess);
    let mut written = write(&root, &guess)?;
    let newsletter = newsletter(&root, &guess);
    let to_set = forge::prepare(&root, repository.as_ref(), forge, &mut guess, &newsletter, &mut written)?;
    if forge == Forge::None && arguments.forge.is_none() {
        guess.note("no forge was seen: where the CI of one is to announce the news, say `--forge github` or `--forge gitlab`");
    }
    let all: Vec<&String> = [&written.written, &written.added_to, &written.kept].into_iter().flatten().collect();
    let known = guess.in_ci && repository.is_some() && repository::make_known(&root, &all);
    if globals.json {
        globals.print_json(&json!({
            "generator": guess.generator,
            "forge": forge.name(),
            "written": written.written,
            "added_to": written.added_to,
            "kept": written.kept,
            "notes": guess.notes,
            "to_set": to_set,
        }))?;
    } else if !globals.quiet {
        let here = arguments.dir.as_deref().map(|dir| format!(" -C {}", dir.display())).unwrap_or_default();
        let mut words = said(&root, forge, &guess, &written);
        words.push_str(&if guess.in_ci { next_in_ci(&to_set, known) } else { next(&guess, &newsletter, &here) });
        globals.print(&words)?;
    }
    Ok(Outcome::Done)
}

/// The newsletter that the CI is about: the first one that is there.
fn newsletter(root: &Path, guess: &Guess) -> String {
    let names = Folder::new(root).names("config/newsletters");
    let stem = |name: &String| name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")).map(String::from);
    names.iter().find_map(stem).unwrap_or_else(|| write::newsletter_name(guess).to_string())
}

/// The site's address, where its configuration does not say it, or has its generator's example still: that of its `CNAME`,
/// else GitHub Pages' own.
fn where_pages_are(folder: &Folder, guess: &mut Guess, forge: Forge, repository: Option<&Repository>) {
    let url = guess.url.as_deref().and_then(|url| url::Url::parse(url).ok());
    let host = url.as_ref().and_then(|url| url.host_str()).unwrap_or_default();
    let example = matches!(host.trim_start_matches("www."), "example.org" | "example.com" | "example.net");
    if guess.url.is_some() && !example {
        return;
    }
    let files = guess.static_folders.iter().map(|path| format!("{path}/CNAME")).chain(["CNAME".to_string()]);
    let named = files.filter_map(|file| folder.text(&file)).map(|host| format!("https://{}/", host.trim()));
    let named = named.into_iter().find(|url| url::Url::parse(url).is_ok());
    let pages = || repository.and_then(Repository::pages);
    match if forge == Forge::Github { named.or_else(pages) } else { None } {
        Some(pages) => {
            guess.note(format!("the site does not say its address: {pages} is where GitHub Pages puts it"));
            guess.address_for_build = Some(pages.clone());
            guess.url = Some(pages);
        }
        None if example => {
            guess.note("the site's address is its generator's example still: write it there, and as site.url")
        }
        None => {}
    }
}

/// What the site says, by the generator that it is of.
fn look(folder: &Folder) -> Guess {
    if pelican::is(folder) {
        pelican::guess(folder)
    } else if let Some(config) = zola::config(folder) {
        zola::guess(folder, &config)
    } else if eleventy::is(folder) {
        eleventy::guess(folder)
    } else if let Some(config) = hugo::config(folder) {
        hugo::guess(folder, &config)
    } else if let Some(config) = jekyll::config(folder) {
        jekyll::guess(folder, &config)
    } else {
        plain::guess(folder)
    }
}

fn say_what_is_missing(guess: &mut Guess) {
    if guess.url.is_none() {
        guess.note("the site's address is not known: write it as site.url");
    }
    if guess.title.is_none() {
        guess.note("the site's title is not known: write it as site.title");
    }
    if guess.paths.is_empty() {
        guess.note("no folder with dated Markdown was found: name yours in content.paths");
    }
    let file = format!("config/newsletters/{}.yaml", write::newsletter_name(guess));
    if guess.author.as_ref().is_none_or(|author| author.email.is_none()) {
        let keys = if guess.in_ci { "`from`" } else { "`from` and `leave`" };
        guess.note(format!("who writes the letter is not known: write {keys} in {file}"));
    }
    if guess.in_ci {
        guess.note(format!(
            "no letter leaves before you have written the list's address (`to` in {file}) and the mail server (`mail.transport` in \
             config/crieur.yaml); the feeds need neither"
        ));
        if !write::begins_with_all(guess) {
            let posts = guess.posts;
            guess.note(format!(
                "the {posts} posts that are there count as announced: the first letter is offered with the next one (`backlog` in {file})"
            ));
        }
    }
    let computed: Vec<String> =
        guess.shortcodes.iter().filter(|known| known.template.is_none()).map(|known| known.name.clone()).collect();
    if !computed.is_empty() {
        guess.note(format!(
            "shortcodes that compute something wait for their HTML in content.shortcodes: {}",
            computed.join(", ")
        ));
    }
    if let Some(proposal) = &guess.built {
        let note = format!(
            "only the generator knows {}: content.built takes it from there (a comment in config/crieur.yaml says how)",
            proposal.because
        );
        guess.note(note);
    }
    let letters: Vec<String> = guess.letters.tags.iter().chain(&guess.letters.folders).cloned().collect();
    if !letters.is_empty() {
        guess.note(format!("posts that are past letters are left out of the letter: {}", letters.join(", ")));
    }
}

fn write(root: &Path, guess: &Guess) -> anyhow::Result<Written> {
    let mut done = Written::default();
    let mut one = |path: &str, text: &str| new_file(root, path, text, &mut done);
    one("config/crieur.yaml", &write::config(guess))?;
    if !has_yaml(root, "config/newsletters") {
        one(&format!("config/newsletters/{}.yaml", write::newsletter_name(guess)), &write::newsletter(guess))?;
    }
    if !has_yaml(root, "feeds") {
        one("feeds/news.yaml", &write::feed(guess))?;
    }
    for (name, text) in template::BUILT_IN {
        one(&format!("mail-templates/{name}"), text)?;
    }
    lines(root, ".gitattributes", &["/feeds/items.lock merge=union"], &mut done)?;
    let mut ignored = vec!["/var/".to_string(), "/config/*.csv".to_string(), "!/config/*.sample.csv".to_string()];
    if guess.in_ci {
        ignored.extend(made_by_the_ci(root, guess));
    }
    let ignored: Vec<&str> = ignored.iter().map(String::as_str).collect();
    lines(root, ".gitignore", &ignored, &mut done)?;
    if guess.in_ci && guess.generator == "Eleventy" && guess.beside_posts {
        // They are no pages of the site.
        lines(root, ".eleventyignore", &["/editions/", "/mail-templates/"], &mut done)?;
    }
    Ok(done)
}

/// What no commit should hold, since the CI makes it; but for what is ignored already, however it is written.
fn made_by_the_ci(root: &Path, guess: &Guess) -> Vec<String> {
    let folder = Folder::new(root);
    let mut made = vec![format!("/{}/", guess.out)];
    made.extend(folder.is_file("package.json").then(|| "node_modules/".to_string()));
    if guess.generator == "Hugo" {
        made.extend(["/resources/_gen/", ".hugo_build.lock"].map(String::from));
    }
    let ignored = folder.text(".gitignore").unwrap_or_default();
    let plain = |line: &str| line.trim().trim_matches('/').to_string();
    made.retain(|line| !ignored.lines().any(|own| plain(own) == plain(line)));
    made
}

fn has_yaml(root: &Path, folder: &str) -> bool {
    let names = Folder::new(root).names(folder);
    names.iter().any(|name| name.ends_with(".yaml") || name.ends_with(".yml"))
}

/// Writes a file that is not there yet.
fn new_file(root: &Path, path: &str, text: &str, done: &mut Written) -> anyhow::Result<()> {
    let whole = root.join(path);
    if let Some(folder) = whole.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    match std::fs::OpenOptions::new().write(true).create_new(true).open(&whole) {
        Ok(mut file) => {
            file.write_all(text.as_bytes()).with_context(|| format!("{path} cannot be written"))?;
            done.written.push(path.to_string());
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => done.kept.push(path.to_string()),
        Err(error) => return Err(error).with_context(|| format!("{path} cannot be written")),
    }
    Ok(())
}

/// Adds the lines that a file lacks; what it holds stays as it is.
fn lines(root: &Path, path: &str, wanted: &[&str], done: &mut Written) -> anyhow::Result<()> {
    let text = match std::fs::read_to_string(root.join(path)) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return new_file(root, path, &(wanted.join("\n") + "\n"), done);
        }
        Err(error) => return Err(error).with_context(|| format!("{path} cannot be read")),
    };
    let missing: Vec<&str> =
        wanted.iter().copied().filter(|line| !text.lines().any(|own| own.trim() == *line)).collect();
    if missing.is_empty() {
        done.kept.push(path.to_string());
        return Ok(());
    }
    let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    let mut file = std::fs::OpenOptions::new().append(true).open(root.join(path))?;
    file.write_all(format!("{gap}{}\n", missing.join("\n")).as_bytes())?;
    done.added_to.push(path.to_string());
    Ok(())
}

/// `lang="…"` of the first template that has one.
fn html_language(folder: &Folder, folders: &[&str]) -> Option<String> {
    let of_text = |text: String| {
        let rest = &text[text.find("lang=\"")? + "lang=\"".len()..];
        rest.split('"')
            .next()
            .filter(|tag| tag.len() >= 2 && tag.chars().all(|c| c.is_ascii_alphabetic() || c == '-'))
            .map(String::from)
    };
    for path in folders {
        for below in ["", "/layouts"] {
            let path = format!("{path}{below}");
            let mut names = folder.names(&path).into_iter();
            if let Some(found) = names.find_map(|name| folder.text(&format!("{path}/{name}")).and_then(of_text)) {
                return Some(found);
            }
        }
    }
    None
}

fn said(root: &Path, forge: Forge, guess: &Guess, written: &Written) -> String {
    let by = match forge {
        Forge::Github => "; GitHub's CI announces it (or `--forge none`: a machine of yours)",
        Forge::Gitlab => "; GitLab's CI announces it (or `--forge none`: a machine of yours)",
        Forge::None => "",
    };
    let mut words = format!("{}: looks like {}{by}.\n", root.display(), guess.generator);
    for (what, paths) in
        [("wrote    ", &written.written), ("added to ", &written.added_to), ("kept     ", &written.kept)]
    {
        paths.iter().for_each(|path| words.push_str(&format!("  {what} {path}\n")));
    }
    if !guess.notes.is_empty() {
        words.push_str("\nTo look at:\n");
    }
    for note in &guess.notes {
        words.push_str(&format!("  - {note}\n"));
    }
    words
}

fn next(guess: &Guess, name: &str, here: &str) -> String {
    format!(
        "\nNext:\n  crieur{here} check            says what does not fit yet\n  \
         crieur{here} build            writes the feeds into {out}/, after your site's own build\n  \
         crieur{here} digest {name}    composes the next letter, and sends nothing\n  \
         crieur{here} run              does both and sends what is due: for cron; the first run counts what is there as announced\n",
        out = guess.out,
    )
}

/// What the forge's page must be told, and two commands.
fn next_in_ci(to_set: &[String], known: bool) -> String {
    let mut words = String::new();
    if let Some((heading, lines)) = to_set.split_first() {
        words.push_str(&format!("\n{heading}\n"));
        lines.iter().for_each(|line| words.push_str(&format!("{line}\n")));
    }
    words.push_str("\nNext:\n");
    words.push_str(if known { "  git commit --all" } else { "  git add --all && git commit" });
    words.push_str(" --message \"Announce the news\"\n  git push\n");
    words.push_str("Then the CI publishes the site with its feeds, and offers the letter when something is new.\n");
    words
}
