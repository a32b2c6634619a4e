//! The addresses of an Eleventy site's posts: what their folder's data file says, in a text or in a function that puts
//! the page's names into one.
//!
//! BUGS: an address that is computed from anything else is marked, and left to a person.

use super::content::MarkdownFile;
use super::eleventy::normal;
use super::folder::{Folder, text_of};
use super::guess::Guess;
use super::script::{Script, is_word};

/// The address of an item: the posts' folder's own rule, else where Eleventy writes a file by itself.
pub fn find(folder: &Folder, input: &str, files: &[MarkdownFile], guess: &mut Guess) {
    let chosen = |file: &&MarkdownFile| guess.paths.iter().any(|path| file.path.starts_with(path.as_str()));
    let stem = if files.iter().filter(chosen).any(|file| file.day_in_name) { "{slug}" } else { "{stem}" };
    let rules: Vec<Option<String>> = guess.paths.iter().map(|path| rule(folder, input, path, stem)).collect();
    let first = rules.iter().flatten().next().cloned();
    if rules.iter().flatten().any(|rule| Some(rule) != first.as_ref())
        || first.is_some() && rules.iter().any(Option::is_none)
    {
        guess.unread_address = Some("the folders' permalinks".to_string());
        guess.note("the folders of posts have different permalinks: content.permalink holds the first one's");
    }
    if let Some(rule) = first {
        if rule.contains("{?}") {
            guess.unread_address = Some("the posts' permalink, which is computed".to_string());
            guess.note("the posts' permalink holds something that is computed: look at content.permalink");
        }
        guess.permalink = tidy(&rule.replace("{?}", "{slug}"));
        return;
    }
    if guess.paths.iter().any(|path| computes(folder, input, path)) {
        guess.unread_address = Some("the posts' permalink, which is computed".to_string());
        guess.note("the posts' permalink is computed: look at content.permalink");
    }
    // Eleventy keeps a day in a file's name in its own addresses, and takes it out of `fileSlug`.
    guess.permalink = match guess.paths.as_slice() {
        [path] => format!("/{}/{{path}}/", normal(path.strip_prefix(input).unwrap_or(path))),
        [] => "/posts/{stem}/".to_string(),
        _ => {
            guess.paths = vec![if input.is_empty() { ".".to_string() } else { input.to_string() }];
            "/{path}/".to_string()
        }
    };
    guess.permalink = tidy(&guess.permalink);
}

fn tidy(permalink: &str) -> String {
    let mut permalink = format!("/{}", permalink.trim_start_matches('/'));
    while permalink.contains("//") {
        permalink = permalink.replace("//", "/");
    }
    permalink.strip_suffix("index.html").map(String::from).unwrap_or(permalink)
}

/// The permalink that a folder's data file, or one above it, gives its posts.
fn rule(folder: &Folder, input: &str, path: &str, stem: &str) -> Option<String> {
    let mut at = if path == "." { String::new() } else { path.to_string() };
    loop {
        let name = at.rsplit('/').next().unwrap_or("");
        let own = [".11tydata.js", ".11tydata.cjs", ".11tydata.mjs", ".11tydata.json", ".json"];
        for ending in own {
            let file = normal(&format!("{at}/{name}{ending}"));
            let Some(text) = folder.text(&file) else { continue };
            let below = normal(path.strip_prefix(input).unwrap_or(path));
            let found = if ending.ends_with("json") {
                let data = serde_json::from_str(&text).unwrap_or_default();
                text_of(&data, &["permalink", "eleventyComputed.permalink"])
                    .map(|text| from_template(&text, stem, &below))
            } else {
                from_script(&text, stem, &below)
            };
            if found.is_some() {
                return found;
            }
        }
        if at.is_empty() || at == input {
            return None;
        }
        at = at.rsplit_once('/').map_or(String::new(), |(above, _)| above.to_string());
    }
}

/// A script of the posts' folders, or of all pages, that says something of `permalink` or computes data.
fn computes(folder: &Folder, input: &str, path: &str) -> bool {
    let data = |name: &str| name.contains(".11tydata.") && !name.ends_with("json");
    let says = |text: &str| {
        text.match_indices("permalink").any(|(at, _)| {
            let mut script = Script::new(text, at + "permalink".len());
            script.at += usize::from(script.rest().starts_with(['"', '\'']));
            !text[..at].ends_with(is_word) && (script.take(":") || script.take("("))
        })
    };
    let mut at = if path == "." { String::new() } else { path.to_string() };
    loop {
        let scripts =
            folder.names(&at).into_iter().filter(|name| data(name)).map(|name| normal(&format!("{at}/{name}")));
        let all = normal(&format!("{input}/_data/eleventyComputed"));
        let computed = [".js", ".cjs", ".mjs"].map(|ending| format!("{all}{ending}"));
        if scripts.chain(computed).filter_map(|file| folder.text(&file)).any(|text| says(&text)) {
            return true;
        }
        if at.is_empty() || at == input {
            return false;
        }
        at = at.rsplit_once('/').map_or(String::new(), |(above, _)| above.to_string());
    }
}

/// A text with `{{ … }}` in it.
fn from_template(text: &str, stem: &str, below: &str) -> String {
    let mut pattern = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inside, more) = after.split_once("}}").unwrap_or((after, ""));
        pattern.push_str(before);
        pattern.push_str(&place(inside, stem, below));
        rest = more;
    }
    pattern + rest
}

/// What a script says behind `permalink`: a text, or a function that gives one made of texts and the page's names.
fn from_script(text: &str, stem: &str, below: &str) -> Option<String> {
    text.match_indices("permalink").find_map(|(at, _)| {
        let mut script = Script::new(text, at + "permalink".len());
        script.at += usize::from(script.rest().starts_with(['"', '\'']));
        if text[..at].ends_with(is_word) || !(script.take(":") || script.rest().trim_start().starts_with('(')) {
            return None;
        }
        if let Some(plain) = script.string().filter(|plain| plain.contains('/')) {
            return Some(from_template(&plain, stem, below));
        }
        // In a function: the first expression that starts with a path.
        let rest = script.rest();
        let start =
            ["`/", "\"/", "'/", "`${", "\"posts", "`posts"].iter().filter_map(|start| rest.find(start)).min()?;
        pattern(&rest[start..], stem, below)
    })
}

/// Texts, templates and names with `+` between them, as a permalink.
fn pattern(text: &str, stem: &str, below: &str) -> Option<String> {
    let mut script = Script::new(text, 0);
    let mut pattern = String::new();
    loop {
        script.skip();
        if let Some(plain) = script.string() {
            pattern.push_str(&from_template(&plain, stem, below));
        } else if script.rest().starts_with('`') {
            let inside = &script.rest()[1..];
            let end = inside.find('`')?;
            let mut rest = &inside[..end];
            while let Some((before, after)) = rest.split_once("${") {
                let (expression, more) = after.split_once('}')?;
                pattern.push_str(before);
                pattern.push_str(&place(expression, stem, below));
                rest = more;
            }
            pattern.push_str(rest);
            script.at += end + 2;
        } else {
            let rest = script.rest();
            let end = rest.find(['+', ';', '\n', ',', '}']).unwrap_or(rest.len());
            pattern.push_str(&place(&rest[..end], stem, below));
            script.at += end;
        }
        if !script.take("+") {
            return pattern.contains('/').then_some(pattern);
        }
    }
}

/// What an expression over the page says, as a place of `content.permalink`; `{?}` where only running it could tell.
fn place(expression: &str, stem: &str, below: &str) -> String {
    let has = |word: &str| expression.contains(word);
    if has("filePathStem") {
        return format!("/{below}/{{folder}}/{stem}");
    }
    if has("fileSlug") || has("inputPath") {
        return stem.to_string();
    }
    if has("slug") && !has("slugify") {
        return "{slug}".to_string();
    }
    if has("date") || has("Date") {
        let year =
            has("%Y") || has("yyyy") || has("YYYY") || has("getFullYear") || has("getUTCFullYear") || has("year");
        let month = has("%m") || has("MM") || has("getMonth") || has("getUTCMonth") || has("month");
        let day = has("%d") || has("dd") || has("DD") || has("getDate") || has("getUTCDate");
        let parts = [(year, "{year}"), (month, "{month}"), (day, "{day}")];
        let parts: Vec<&str> = parts.iter().filter(|(said, _)| *said).map(|(_, place)| *place).collect();
        if !parts.is_empty() {
            return parts.join(if has("-%m") || has("-MM") { "-" } else { "/" });
        }
    }
    "{?}".to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permalink_is_recognised_in_a_function_or_a_text() {
        let recognised = |text: &str| from_script(text, "{stem}", "posts").map(|rule| tidy(&rule));
        for text in [
            "module.exports = { permalink: function (data) { return `/actualites/${data.page.fileSlug}/`; } };",
            "export default { tags: ['posts'], permalink({ page }) { return `/actualites/${page.fileSlug}/index.html` } }",
            "module.exports = { permalink: (data) => \"/actualites/\" + data.page.fileSlug + \"/\", layout: 'x' }",
            "module.exports = { \"permalink\": \"/actualites/{{ page.fileSlug }}/\" }",
            "module.exports = { eleventyComputed: { permalink: data => { if (data.draft) return false; return `/actualites/${this.slugify(data.page.fileSlug)}/` } } }",
        ] {
            assert_eq!(recognised(text).as_deref(), Some("/actualites/{stem}/"), "{text}");
        }
        let dated = "module.exports = { permalink: d => `/blog/${d.page.date.getFullYear()}/${d.slug}/` }";
        assert_eq!(recognised(dated).as_deref(), Some("/blog/{year}/{slug}/"));
        assert_eq!(recognised("module.exports = { tags: 'posts' }"), None);
    }
}
