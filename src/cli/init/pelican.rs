//! A Pelican site: `pelicanconf.py`, line by line, and the addresses of its articles.
//!
//! BUGS: the settings are read, not run: only `NAME = 'text'` is seen. Pelican makes a slug of the title; a file that names
//! none gets its own name instead.

use super::content;
use super::folder::Folder;
use super::guess::Guess;
use crate::config::Person;

pub fn is(folder: &Folder) -> bool {
    folder.is_file("pelicanconf.py")
}

pub fn guess(folder: &Folder) -> Guess {
    let mut guess = Guess::new("Pelican");
    guess.out = "output".to_string();
    let settings = folder.text("pelicanconf.py").unwrap_or_default();
    let published = folder.text("publishconf.py").unwrap_or_default();
    let text = |name: &str| setting(&settings, name);
    let url = setting(&published, "SITEURL").or_else(|| text("SITEURL"));
    guess.url = url.filter(|url| url.starts_with("http"));
    guess.title = text("SITENAME");
    guess.description = text("SITESUBTITLE");
    guess.language = text("DEFAULT_LANG");
    guess.time_zone = text("TIMEZONE");
    guess.dates_in = None;
    guess.author = text("AUTHOR").map(|name| Person { name, email: None, url: None });

    let base = text("PATH").unwrap_or_else(|| "content".to_string());
    let base = base.trim_start_matches("./").trim_matches('/').to_string();
    guess.static_folders = vec![base.clone()];
    let files = content::survey(folder, &base);
    guess.paths = content::dated_folders(&files, &base);
    if guess.paths.len() > 1 {
        guess.paths = vec![base.clone()];
    }
    guess.exclude = content::undated(&files, &guess.paths);
    guess.letters = content::letters(&files);
    let rule = text("ARTICLE_URL").or_else(|| text("ARTICLE_SAVE_AS")).unwrap_or_else(|| "{slug}.html".to_string());
    guess.permalink = permalink(&rule, &mut guess);
    if files.iter().any(|file| file.dated && !file.has_slug) {
        guess.note("articles without a slug of their own take their file's name in addresses, where Pelican takes their title");
    }
    guess
}

/// `NAME = 'text'`, the last one.
fn setting(settings: &str, name: &str) -> Option<String> {
    let lines = settings.lines().rev();
    lines.filter_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix('=')).find_map(|value| {
        let value = value.trim().trim_start_matches(['u', 'r', '(']);
        let quote = value.chars().next().filter(|c| "\"'".contains(*c))?;
        let end = value[1..].find(quote)?;
        Some(value[1..1 + end].to_string()).filter(|text| !text.is_empty())
    })
}

fn permalink(rule: &str, guess: &mut Guess) -> String {
    let mut permalink = rule.trim_end_matches("index.html").to_string();
    for (pelican, ours) in [
        ("{date:%Y/%m/%d}", "{year}/{month}/{day}"),
        ("{date:%Y}", "{year}"),
        ("{date:%m}", "{month}"),
        ("{date:%d}", "{day}"),
    ] {
        permalink = permalink.replace(pelican, ours);
    }
    let known = ["{year}", "{month}", "{day}", "{slug}"]
        .iter()
        .fold(permalink.clone(), |rest, known| rest.replace(known, ""));
    if known.contains('{') {
        guess.note(format!("the address `{rule}` holds something that is not known: look at content.permalink"));
        return "/{slug}.html".to_string();
    }
    format!("/{}", permalink.trim_start_matches('/'))
}
