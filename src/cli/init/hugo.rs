//! A Hugo site: `hugo.toml` (or `config.toml`, in YAML or JSON too), its permalinks, Goldmark's options, its shortcodes.
//!
//! BUGS: `:title` in a permalink is the title's slug, which no file name tells; sites in several languages are read as
//! their first one.

use serde_json::Value;

use super::content;
use super::folder::{Folder, person_of, text_of, value_of};
use super::guess::Guess;
use super::shortcode_templates;

const CONFIGS: [&str; 12] = [
    "hugo.toml",
    "hugo.yaml",
    "hugo.yml",
    "hugo.json",
    "config/_default/hugo.toml",
    "config/_default/hugo.yaml",
    "config/_default/config.toml",
    "config/_default/config.yaml",
    "config.toml",
    "config.yaml",
    "config.yml",
    "config.json",
];

/// The configuration, when the folder is a Hugo site.
pub fn config(folder: &Folder) -> Option<Value> {
    let file = folder.first(&CONFIGS)?;
    let config = folder.data(&file)?;
    (file.contains("hugo.") || value_of(&config, "baseURL").is_some()).then_some(config)
}

pub fn guess(folder: &Folder, config: &Value) -> Guess {
    let mut guess = Guess::new("Hugo");
    let text = |keys: &[&str]| text_of(config, keys);
    let language = text(&["defaultContentLanguage", "languageCode", "locale"]);
    let own =
        |key: &str| language.as_ref().and_then(|language| text_of(config, &[&format!("languages.{language}.{key}")]));
    guess.url = text(&["baseURL"]).filter(|url| url.starts_with("http"));
    guess.title = text(&["title"]).or_else(|| own("title"));
    guess.description = text(&["params.description", "params.subtitle"]).or_else(|| own("params.description"));
    guess.language = text(&["languageCode", "locale"]).or_else(|| own("languageCode")).or_else(|| language.clone());
    if let Some(out) = text(&["publishDir"]) {
        guess.out = out.trim_matches('/').to_string();
    }
    guess.time_zone = text(&["timeZone"]);
    guess.dates_in = if guess.time_zone.is_some() { None } else { Some("UTC") };
    guess.author = person_of(config, &["params.author", "author", "params.authors"]);
    guess.static_folders = match value_of(config, "staticDir") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(String::from).collect(),
        _ => vec!["static".to_string()],
    };
    guess.static_folders.retain(|path| folder.is_dir(path));

    let base = text(&["contentDir"]).unwrap_or_else(|| "content".to_string());
    let files = content::survey(folder, &base);
    guess.paths = content::dated_folders(&files, &base);
    permalink(config, &base, &mut guess, files.iter().any(|file| file.day_in_name));
    if let Some(file) = files.iter().find(|file| file.dated && is_respelled(&file.path, config)) {
        guess.unread_address = Some(format!("how Hugo spells `{}` in an address", file.path));
        guess.note(
            "Hugo spells some files' names differently in their addresses: content.permalink takes them as they are",
        );
    }
    guess.exclude = content::undated(&files, &guess.paths);
    guess.letters = content::letters(&files);
    markdown(config, &mut guess);
    guess.shortcodes = shortcode_templates::hugo(folder);
    guess
}

/// Whether Hugo's address of a file is not its name: small letters, and hyphens for what is no letter or digit.
fn is_respelled(path: &str, config: &Value) -> bool {
    let keeps_capitals = value_of(config, "disablePathToLower").and_then(Value::as_bool).unwrap_or(false);
    path.chars().any(|c| c.is_uppercase() && !keeps_capitals || !(c.is_alphanumeric() || "/._-+~@".contains(c)))
}

fn permalink(config: &Value, base: &str, guess: &mut Guess, day_in_name: bool) {
    // Hugo keeps a day in a file's name, unless its dates are read from there.
    let from_name = value_of(config, "frontmatter.date").is_some_and(|dates| dates.to_string().contains(":filename"));
    let name = if day_in_name && !from_name { "{stem}" } else { "{slug}" };
    let section = |path: &str| path.strip_prefix(base).unwrap_or("").trim_matches('/').to_string();
    let rule = |section: &str| {
        let first = section.split('/').next().unwrap_or("");
        text_of(config, &[&format!("permalinks.{first}"), &format!("permalinks.page.{first}")])
    };
    let ugly = value_of(config, "uglyURLs").and_then(Value::as_bool).unwrap_or(false);
    let end = if ugly { ".html" } else { "/" };
    guess.permalink = match guess.paths.as_slice() {
        [path] => match rule(&section(path)) {
            Some(rule) => from_rule(&rule, &section(path), name, guess),
            None => format!("/{}/{{folder}}/{name}{end}", section(path)),
        },
        [] => format!("/posts/{name}/"),
        paths => {
            let rules: Vec<String> = paths.iter().filter_map(|path| rule(&section(path))).collect();
            guess.paths = vec![base.to_string()];
            match rules.first() {
                Some(rule) => {
                    guess.unread_address = Some("the sections' permalinks".to_string());
                    guess.note("several sections have posts: content.permalink holds the first one's rule");
                    from_rule(&rule.clone(), "{folder}", name, guess)
                }
                None => format!("/{{folder}}/{name}{end}"),
            }
        }
    }
    .replace("//", "/");
}

fn from_rule(rule: &str, section: &str, name: &str, guess: &mut Guess) -> String {
    if rule.contains(":title") {
        guess.unread_address = Some(format!("the titles' slugs in the permalink `{rule}`"));
        guess.note("the permalink holds a title's slug: content.permalink takes the file's name instead");
    }
    let mut permalink = rule.to_string();
    // Longer names first.
    for (hugo, ours) in [
        (":slugorcontentbasename", name),
        (":slugorfilename", name),
        (":contentbasename", "{stem}"),
        (":filename", "{stem}"),
        (":sections", &format!("{section}/{{folder}}")),
        (":section", section),
        (":title", name),
        (":slug", name),
        (":year", "{year}"),
        (":month", "{month}"),
        (":day", "{day}"),
    ] {
        permalink = permalink.replace(hugo, ours);
    }
    // Longer names than those that are known would be read as those.
    let longer = [":yearday", ":monthname", ":weekday", ":sections[", ":sectionslug"];
    if permalink.contains(':') || longer.iter().any(|name| rule.contains(name)) {
        guess.unread_address = Some(format!("the permalink `{rule}`"));
        guess.note(format!("the permalink `{rule}` holds something that is not known: look at content.permalink"));
        permalink = format!("/{section}/{{folder}}/{name}/");
    }
    if permalink.contains('.') || permalink.ends_with('/') { permalink } else { permalink + "/" }
}

/// Goldmark's options: raw HTML is left out unless it is `unsafe`, the typographer and bare links are on.
fn markdown(config: &Value, guess: &mut Guess) {
    let goldmark = value_of(config, "markup.goldmark").cloned().unwrap_or_default();
    let truth = |key: &str, default: bool| match value_of(&goldmark, key) {
        Some(Value::Bool(truth)) => *truth,
        Some(Value::Object(keys)) => !keys.get("disable").and_then(Value::as_bool).unwrap_or(!default),
        _ => default,
    };
    let options = &mut guess.markdown;
    options.html = truth("renderer.unsafe", false);
    options.breaks = truth("renderer.hardWraps", false);
    options.linkify = truth("extensions.linkify", true);
    options.typographer = match value_of(&goldmark, "extensions.typographer") {
        Some(Value::Object(keys)) => !keys.get("disable").and_then(Value::as_bool).unwrap_or(false),
        Some(Value::Bool(truth)) => *truth,
        _ => true,
    };
    for (index, key) in
        ["leftDoubleQuote", "rightDoubleQuote", "leftSingleQuote", "rightSingleQuote"].iter().enumerate()
    {
        if let Some(quote) = text_of(&goldmark, &[&format!("extensions.typographer.{key}")]) {
            options.quotes[index] = entities(&quote);
        }
    }
}

fn entities(text: &str) -> String {
    let known = [
        ("&laquo;", "«"),
        ("&raquo;", "»"),
        ("&lsaquo;", "‹"),
        ("&rsaquo;", "›"),
        ("&nbsp;", "\u{a0}"),
        ("&ldquo;", "“"),
        ("&rdquo;", "”"),
        ("&lsquo;", "‘"),
        ("&rsquo;", "’"),
        ("&bdquo;", "„"),
        ("&sbquo;", "‚"),
    ];
    known.iter().fold(text.to_string(), |text, (entity, character)| text.replace(entity, character))
}
