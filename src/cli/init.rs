//! `crieur init`: looks at a site and writes a configuration that fits it, never over an existing file.
//!
//! BUGS: a site is read, never run; what its scripts compute is left to a person, and said.

mod built;
mod content;
mod eleventy;
mod eleventy_permalink;
mod folder;
mod guess;
mod hugo;
mod jekyll;
mod language;
mod pelican;
mod plain;
mod script;
mod shortcode_templates;
mod shortcodes;
mod write;
mod zola;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;

use super::{Globals, Outcome};
use crate::digest::template;
use folder::Folder;
use guess::Guess;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The site to look at, and to write into (default: the project's folder)
    pub dir: Option<PathBuf>,
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
    let mut guess = look(&folder);
    if guess.language.is_none()
        && let Some(language) = language::of_posts(&folder, &guess.paths)
    {
        guess.language = Some(language.to_string());
        guess.note(format!("the site does not say its language: its posts look like `{language}`"));
    }
    guess.built = built::propose(&folder, &guess);
    say_what_is_missing(&mut guess);
    let written = write(&root, &guess)?;
    if globals.json {
        globals.print_json(&json!({
            "generator": guess.generator,
            "written": written.written,
            "added_to": written.added_to,
            "kept": written.kept,
            "notes": guess.notes,
        }))?;
    } else if !globals.quiet {
        globals.print(&words(&root, &guess, &written, arguments.dir.as_deref()))?;
    }
    Ok(Outcome::Done)
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
    if guess.author.as_ref().is_none_or(|author| author.email.is_none()) {
        let file = format!("config/newsletters/{}.yaml", write::newsletter_name(guess));
        guess.note(format!("who writes the letter is not known: write `from` and `leave` in {file}"));
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
    lines(root, ".gitignore", &["/var/", "/config/*.csv", "!/config/*.sample.csv"], &mut done)?;
    Ok(done)
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

fn words(root: &Path, guess: &Guess, written: &Written, dir: Option<&Path>) -> String {
    let mut words = format!("{}: looks like {}.\n", root.display(), guess.generator);
    for path in &written.written {
        words.push_str(&format!("  wrote     {path}\n"));
    }
    for path in &written.added_to {
        words.push_str(&format!("  added to  {path}\n"));
    }
    for path in &written.kept {
        words.push_str(&format!("  kept      {path}\n"));
    }
    if !guess.notes.is_empty() {
        words.push_str("\nTo look at:\n");
    }
    for note in &guess.notes {
        words.push_str(&format!("  - {note}\n"));
    }
    let here = dir.map(|dir| format!(" -C {}", dir.display())).unwrap_or_default();
    let name = write::newsletter_name(guess);
    words.push_str(&format!(
        "\nNext:\n  crieur{here} check            says what does not fit yet\n  \
         crieur{here} build            writes the feeds into {out}/, after your site's own build\n  \
         crieur{here} digest {name}    composes the next letter, and sends nothing\n  \
         crieur{here} run              does both and sends what is due: for cron; the first run counts what is there as announced\n",
        out = guess.out,
    ));
    words
}
