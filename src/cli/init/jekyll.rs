//! A Jekyll site: `_config.yml`, its `_posts`, its permalink style.
//!
//! BUGS: `:categories` in a permalink (in the default one too) is left out; collections other than posts are not read.

use serde_json::Value;

use super::content;
use super::folder::{Folder, person_of, text_of, value_of};
use super::guess::Guess;

/// The configuration, when the folder is a Jekyll site.
pub fn config(folder: &Folder) -> Option<Value> {
    match folder.first(&["_config.yml", "_config.yaml", "_config.toml"]) {
        Some(file) => folder.data(&file).filter(Value::is_object),
        None => folder.is_dir("_posts").then(|| Value::Object(serde_json::Map::new())),
    }
}

pub fn guess(folder: &Folder, config: &Value) -> Guess {
    let mut guess = Guess::new("Jekyll");
    guess.out = "_site".to_string();
    let base = text_of(config, &["baseurl"]).unwrap_or_default();
    let url = text_of(config, &["url"]).filter(|url| url.starts_with("http"));
    guess.url = url.map(|url| format!("{}/{}", url.trim_end_matches('/'), base.trim_matches('/')));
    guess.title = text_of(config, &["title", "name"]);
    guess.description = text_of(config, &["description", "tagline"]);
    guess.language = text_of(config, &["lang", "locale", "language"]).map(|language| language.replace('_', "-"));
    guess.time_zone = text_of(config, &["timezone"]);
    guess.dates_in = None;
    guess.author = person_of(config, &["author"]);
    if let (Some(author), Some(email)) = (&mut guess.author, text_of(config, &["email"]))
        && author.email.is_none()
    {
        author.email = Some(email);
    }
    guess.static_folders = vec![".".to_string()];

    let files = content::survey(folder, "");
    let mut paths: Vec<String> = files
        .iter()
        .filter_map(|file| file.path.find("_posts/").map(|at| file.path[..at + "_posts".len()].to_string()))
        .collect();
    paths.dedup();
    guess.paths = paths;
    guess.permalink = permalink(config, &mut guess);
    let posts: Vec<_> = files.into_iter().filter(|file| file.path.contains("_posts/")).collect();
    guess.letters = content::letters(&posts);
    markdown(config, &mut guess);
    guess
}

fn permalink(config: &Value, guess: &mut Guess) -> String {
    let style = text_of(config, &["collections.posts.permalink", "permalink"]).unwrap_or_else(|| "date".to_string());
    let rule = match style.as_str() {
        "date" => "/:year/:month/:day/:title.html",
        "pretty" => "/:year/:month/:day/:title/",
        "none" => "/:title.html",
        own => own,
    };
    let mut permalink = rule.to_string();
    for (jekyll, ours) in [
        (":categories/", ""),
        (":categories", ""),
        (":output_ext", ".html"),
        (":year", "{year}"),
        (":month", "{month}"),
        (":day", "{day}"),
        (":title", "{slug}"),
        (":slug", "{slug}"),
        (":name", "{slug}"),
    ] {
        permalink = permalink.replace(jekyll, ours);
    }
    if rule.contains(":categories") {
        guess.note("the permalink holds categories: content.permalink leaves them out");
    }
    if permalink.contains(':') || !permalink.contains("{slug}") {
        guess.note(format!("the permalink `{style}` holds something that is not known: look at content.permalink"));
        return "/{year}/{month}/{day}/{slug}.html".to_string();
    }
    format!("/{}", permalink.trim_start_matches('/')).replace("//", "/")
}

/// kramdown's: raw HTML, smart quotes, no bare links.
fn markdown(config: &Value, guess: &mut Guess) {
    let options = &mut guess.markdown;
    options.typographer = true;
    options.breaks = value_of(config, "kramdown.hard_wrap").and_then(Value::as_bool).unwrap_or(false);
    if let Some(quotes) = text_of(config, &["kramdown.smart_quotes"]) {
        let known = [
            ("laquo", "«"),
            ("raquo", "»"),
            ("lsaquo", "‹"),
            ("rsaquo", "›"),
            ("ldquo", "“"),
            ("rdquo", "”"),
            ("lsquo", "‘"),
            ("rsquo", "’"),
            ("apos", "'"),
            ("quot", "\""),
        ];
        let named =
            |name: &str| known.iter().find(|(known, _)| *known == name.trim()).map(|(_, quote)| quote.to_string());
        // kramdown names the single ones first.
        let read: Option<Vec<String>> = quotes.split(',').map(named).collect();
        if let Some([left, right, double_left, double_right]) =
            read.and_then(|read| <[String; 4]>::try_from(read).ok())
        {
            options.quotes = [double_left, double_right, left, right];
        }
    }
}
