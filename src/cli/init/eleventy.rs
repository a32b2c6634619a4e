//! An Eleventy site: its configuration script, its data files, the permalink of its posts' folder.
//!
//! BUGS: scripts are read, not run: a folder name, an option or an address that is computed is not seen.

use super::content;
use super::folder::{Folder, person_of, text_of, value_of};
use super::guess::Guess;
use super::script::{Script, calls, definition, text_of_key};
use super::{eleventy_permalink, html_language, shortcodes};
use crate::item::object_literal;
use crate::problem::Source;

const CONFIGS: [&str; 7] = [
    "eleventy.config.js",
    "eleventy.config.mjs",
    "eleventy.config.cjs",
    "eleventy.config.ts",
    ".eleventy.js",
    ".eleventy.cjs",
    ".eleventy.mjs",
];

/// Whether the folder is an Eleventy site.
pub fn is(folder: &Folder) -> bool {
    let in_package = || folder.text("package.json").is_some_and(|text| text.contains("@11ty/eleventy"));
    let data_file = |name: &String| name.contains(".11tydata.");
    folder.first(&CONFIGS).is_some()
        || in_package()
        || ["_data", "src/_data", "content/_data"].iter().any(|path| folder.is_dir(path))
            && !folder.is_file("_config.yml")
        || ["", "posts", "blog", "src/posts", "content/posts"]
            .iter()
            .any(|path| folder.names(path).iter().any(data_file))
}

pub fn guess(folder: &Folder) -> Guess {
    let mut guess = Guess::new("Eleventy");
    let file = folder.first(&CONFIGS);
    let script = script(folder);
    let input = input(folder, &script);
    guess.out = output(folder, &script);
    let data = text_of_key(&script, "data").unwrap_or_else(|| "_data".to_string());
    let data = normal(&format!("{input}/{data}"));
    metadata(folder, &data, &mut guess);
    if guess.language.is_none() {
        guess.language = html_language(folder, &["_includes", "src/_includes", "layouts", "_layouts"]);
    }

    let files = content::survey(folder, &input);
    guess.paths = content::dated_folders(&files, &input);
    eleventy_permalink::find(folder, &input, &files, &mut guess);
    guess.exclude = content::undated(&files, &guess.paths);
    guess.letters = content::letters(&files);
    static_folders(folder, &script, &input, &mut guess);
    markdown(&script, &mut guess);
    guess.shortcodes = shortcodes::from_script(&script, file.as_deref().unwrap_or("eleventy.config.js"));
    more_shortcodes(folder, &script, &mut guess);
    // Else what stands beside the posts would be built as pages.
    guess.beside_posts = input.is_empty();
    guess
}

/// The configuration's text; empty where there is none.
pub fn script(folder: &Folder) -> String {
    folder.first(&CONFIGS).and_then(|file| folder.text(&file)).unwrap_or_default()
}

fn input(folder: &Folder, script: &str) -> String {
    let said = text_of_key(script, "input").or_else(|| option_of_package(folder, "--input="));
    let input = said.map(|input| normal(&input)).unwrap_or_default();
    if folder.is_dir(&input) { input } else { String::new() }
}

/// Where the site is built: what `npm run build` says goes before the configuration.
fn output(folder: &Folder, script: &str) -> String {
    let said = option_of_package(folder, "--output=").or_else(|| text_of_key(script, "output"));
    let output = said.map(|output| normal(&output)).filter(|output| !output.is_empty());
    output.unwrap_or_else(|| "_site".to_string())
}

/// What an option of a script in `package.json` says.
fn option_of_package(folder: &Folder, option: &str) -> Option<String> {
    let text = folder.text("package.json")?;
    let rest = &text[text.find(option)? + option.len()..];
    Some(rest.split(['"', ' ', '\\']).next().unwrap_or("").to_string())
}

/// Takes `.` and `..` out of a relative path.
pub fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Title, address, language and author, from the data files; those that bodies may name are variables.
fn metadata(folder: &Folder, data: &str, guess: &mut Guess) {
    for name in folder.names(data) {
        let Some((stem, "json" | "js" | "cjs" | "mjs" | "yaml" | "yml" | "toml")) = name.rsplit_once('.') else {
            continue;
        };
        let path = format!("{data}/{name}");
        let Some(value) = folder.data(&path).filter(serde_json::Value::is_object) else { continue };
        let known = ["metadata", "meta", "site", "config", "siteconfig", "site_config", "global"];
        if !known.contains(&stem.to_lowercase().as_str()) {
            continue;
        }
        guess.variables.push((stem.to_string(), path));
        let address = text_of(&value, &["url", "siteUrl", "base_url", "baseUrl", "domain", "feed.url"]);
        guess.url = guess.url.take().or(address.filter(|url| url.starts_with("http")));
        guess.title = guess.title.take().or_else(|| text_of(&value, &["title", "name", "siteName", "siteTitle"]));
        guess.description =
            guess.description.take().or_else(|| text_of(&value, &["description", "subtitle", "tagline"]));
        guess.language = guess.language.take().or_else(|| text_of(&value, &["language", "lang", "locale"]));
        guess.author = guess.author.take().or_else(|| person_of(&value, &["author", "authors"]));
    }
    if guess.url.is_none() {
        let package = folder.data("package.json").unwrap_or_default();
        guess.url =
            text_of(&package, &["homepage"]).filter(|url| url.starts_with("http") && !url.contains("github.com"));
    }
}

/// The folders whose files the site serves from its root, by what it copies.
fn static_folders(folder: &Folder, script: &str, input: &str, guess: &mut Guess) {
    let mut found: Vec<String> = Vec::new();
    let root = |path: &str| if path.is_empty() { ".".to_string() } else { path.to_string() };
    for (_, at) in calls(script, |name| name == "addPassthroughCopy") {
        let source = Source::new("script", script);
        let Ok(argument) = object_literal::read_expression(&source, at..script.len()) else { continue };
        let mut copies: Vec<(String, String)> = Vec::new();
        match &argument.value {
            serde_json::Value::String(path) => copies.push((path.clone(), below_input(path, input))),
            serde_json::Value::Object(pairs) => {
                copies.extend(pairs.iter().filter_map(|(from, to)| Some((from.clone(), to.as_str()?.to_string()))));
            }
            _ => {}
        }
        for (from, to) in copies {
            let whole = |path: &str| normal(path.split('*').next().unwrap_or(""));
            let (from, to) = (whole(&from), whole(&to));
            if from.starts_with("node_modules") || !from.is_empty() && !folder.root.join(&from).exists() {
                continue;
            }
            match from.strip_suffix(&to) {
                Some(above) if above.is_empty() || above.ends_with('/') || to.is_empty() => {
                    found.push(root(&normal(above)))
                }
                _ if to.is_empty() => found.push(root(&from)),
                _ => {}
            }
        }
    }
    for usual in ["public", "static"] {
        if found.is_empty() && folder.is_dir(usual) {
            found.push(usual.to_string());
        }
    }
    found.sort();
    found.dedup();
    guess.static_folders = found;
}

/// Where a copied path lands: without the input folder.
fn below_input(path: &str, input: &str) -> String {
    let path = normal(path);
    match path.strip_prefix(input) {
        Some(below) if input.is_empty() || below.starts_with('/') || below.is_empty() => normal(below),
        _ => path,
    }
}

/// markdown-it's options, where the script gives its own; else Eleventy's.
fn markdown(script: &str, guess: &mut Guess) {
    let options = &mut guess.markdown;
    options.indented_code = false;
    let maker = |name: &str| matches!(name.to_lowercase().as_str(), "markdownit" | "markdown_it" | "markdown");
    let source = Source::new("script", script);
    let mut objects = Vec::new();
    for (name, at) in calls(script, |name| maker(name) || name == "set") {
        let mut place = Script::new(script, at);
        place.skip();
        let start = if place.rest().starts_with('{') {
            Some(place.at)
        } else {
            place.word().and_then(|name| definition(script, name))
        };
        let Some(start) = start.filter(|start| script[*start..].starts_with('{')) else { continue };
        if let Ok(object) = object_literal::read_expression(&source, start..script.len()) {
            let own = ["html", "breaks", "linkify", "typographer", "quotes"]
                .iter()
                .any(|key| object.value.get(key).is_some());
            if own {
                // A library of the site's own has markdown-it's defaults, not Eleventy's.
                if maker(name) {
                    options.html = false;
                    options.indented_code = true;
                }
                objects.push(object.value);
            }
        }
    }
    for object in objects {
        let truth = |key: &str, now: bool| value_of(&object, key).and_then(serde_json::Value::as_bool).unwrap_or(now);
        options.html = truth("html", options.html);
        options.breaks = truth("breaks", options.breaks);
        options.linkify = truth("linkify", options.linkify);
        options.typographer = truth("typographer", options.typographer);
        let quotes: Option<Vec<String>> = match object.get("quotes") {
            Some(serde_json::Value::String(text)) => Some(text.chars().map(String::from).collect()),
            Some(serde_json::Value::Array(list)) => {
                list.iter().map(|quote| quote.as_str().map(String::from)).collect()
            }
            _ => None,
        };
        if let Some(quotes) = quotes.and_then(|quotes| <[String; 4]>::try_from(quotes).ok()) {
            options.quotes = quotes;
        }
    }
    for (call, indented) in [("disable", false), ("enable", true)] {
        for (_, at) in calls(script, |name| name == call) {
            let argument = &script[at..script[at..].find(')').map_or(script.len(), |end| at + end)];
            if argument.contains("\"code\"") || argument.contains("'code'") {
                options.indented_code = indented;
            }
        }
    }
}

/// Shortcodes that stand in scripts which the configuration takes in.
fn more_shortcodes(folder: &Folder, script: &str, guess: &mut Guess) {
    for (at, quote) in script.match_indices(['"', '\'']) {
        let Some(path) = script[at + 1..].split(quote).next().filter(|path| path.starts_with("./")) else { continue };
        let path = normal(path);
        let found = [path.clone(), format!("{path}.js"), format!("{path}/index.js")];
        let Some((file, text)) = found.iter().find_map(|file| {
            let script = [".js", ".cjs", ".mjs", ".ts"].iter().any(|ending| file.ends_with(ending));
            script.then(|| folder.text(file)).flatten().map(|text| (file, text))
        }) else {
            continue;
        };
        for shortcode in shortcodes::from_script(&text, file) {
            match guess.shortcodes.iter_mut().find(|known| known.name == shortcode.name) {
                Some(known) if known.template.is_none() => *known = shortcode,
                Some(_) => {}
                None => guess.shortcodes.push(shortcode),
            }
        }
    }
}
