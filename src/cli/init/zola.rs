//! A Zola site: `config.toml` with `base_url`, its sections, its shortcodes.

use serde_json::Value;

use super::content;
use super::folder::{Folder, person_of, text_of, value_of};
use super::guess::Guess;
use super::shortcode_templates;

/// The configuration, when the folder is a Zola site.
pub fn config(folder: &Folder) -> Option<Value> {
    let config = folder.first(&["zola.toml", "config.toml"]).and_then(|file| folder.data(&file))?;
    (text_of(&config, &["base_url"]).is_some() && value_of(&config, "baseURL").is_none()).then_some(config)
}

pub fn guess(folder: &Folder, config: &Value) -> Guess {
    let mut guess = Guess::new("Zola");
    guess.url = text_of(config, &["base_url"]).filter(|url| url.starts_with("http"));
    guess.title = text_of(config, &["title"]);
    guess.description = text_of(config, &["description"]);
    guess.language = text_of(config, &["default_language"]).or(Some("en".to_string()));
    guess.author = person_of(config, &["author", "extra.author"]);
    guess.static_folders =
        ["static"].iter().filter(|path| folder.is_dir(path)).map(|path| path.to_string()).collect();
    guess.markdown.typographer =
        value_of(config, "markdown.smart_punctuation").and_then(Value::as_bool).unwrap_or(false);

    let files = content::survey(folder, "content");
    guess.paths = content::dated_folders(&files, "content");
    guess.permalink = match guess.paths.as_slice() {
        [path] => format!("/{}/{{folder}}/{{slug}}/", path.strip_prefix("content").unwrap_or("").trim_matches('/')),
        [] => "/blog/{slug}/".to_string(),
        _ => {
            guess.paths = vec!["content".to_string()];
            "/{folder}/{slug}/".to_string()
        }
    }
    .replace("//", "/");
    guess.exclude = content::undated(&files, &guess.paths);
    guess.letters = content::letters(&files);
    guess.shortcodes = shortcode_templates::zola(folder);
    guess
}
