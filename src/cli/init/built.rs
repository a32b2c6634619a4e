//! What only the site's generator knows: where `init` finds addresses or shortcodes that cannot be read, it proposes to
//! take them from what the generator makes (`content.built`), with the command that makes it.
//!
//! The proposal is a comment in the configuration: whoever takes it up has the list made first. Where a CI builds the site, and
//! addresses are what cannot be read, the CI makes the list, in a hidden folder of the built site that is not published, and the
//! configuration takes addresses from there.
//!
//! BUGS: the selector is that of the element around the content in the posts' layout, as far as its tags are plain HTML.

use super::folder::Folder;
use super::guess::Guess;

/// The configuration's lines, as comments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// What cannot be read, in words.
    pub because: String,
    pub manifest: String,
    /// Where shortcodes are what cannot be read.
    pub body: Option<String>,
    pub command: String,
    /// The CI makes the list: it is taken up.
    pub taken_up: bool,
}

/// The sample's line, which the proposal replaces.
const SAMPLE: &str = "  # built: ";

/// What to propose for this site; `None`: everything can be read, or its generator has no list.
pub fn propose(folder: &Folder, guess: &Guess) -> Option<Proposal> {
    let taken_up = guess.in_ci && guess.unread_address.is_some();
    let place = if taken_up { format!("{}/.crieur", guess.out) } else { "var".to_string() };
    let (manifest, make, builtin): (_, _, &[&str]) = match guess.generator {
        "Eleventy" => (format!("{place}/pages.json"), "npx @11ty/eleventy --to=json", &[]),
        "Hugo" if taken_up => (format!("{place}/pages.csv"), "hugo list all", &HUGOS),
        "Hugo" => (format!("{place}/pages.csv"), "hugo && hugo list all", &HUGOS),
        _ => return None,
    };
    let mut unread: Vec<String> =
        guess.shortcodes.iter().filter(|s| s.template.is_none()).map(|s| s.name.clone()).collect();
    if guess.generator == "Hugo" {
        for name in used(folder, &guess.paths) {
            let known = builtin.contains(&name.as_str()) || guess.shortcodes.iter().any(|own| own.name == name);
            if !known && !unread.contains(&name) {
                unread.push(name);
            }
        }
    }
    let mut because = guess.unread_address.clone().into_iter().collect::<Vec<String>>();
    if !unread.is_empty() {
        let names: Vec<String> = unread.iter().take(4).map(|name| format!("`{name}`")).collect();
        let more = if unread.len() > 4 { ", …" } else { "" };
        because.push(format!("the shortcodes {}{more}", names.join(", ")));
    }
    (!because.is_empty()).then(|| Proposal {
        because: because.join(", and "),
        command: format!("mkdir -p {place} && {make} > {manifest}"),
        manifest,
        taken_up,
        body: (!unread.is_empty()).then(|| selector(folder, guess.generator)),
    })
}

/// Hugo's shortcodes that bodies are rendered with here.
const HUGOS: [&str; 7] = ["figure", "youtube", "vimeo", "gist", "highlight", "ref", "relref"];

/// The names of the shortcodes that Hugo posts use, sorted.
fn used(folder: &Folder, paths: &[String]) -> Vec<String> {
    let mut names = Vec::new();
    for path in paths {
        for entry in walkdir::WalkDir::new(folder.root.join(path)).sort_by_file_name().into_iter().flatten() {
            let Some(path) = entry.path().strip_prefix(&folder.root).ok().and_then(|path| path.to_str()) else {
                continue;
            };
            let Some(text) = path.ends_with(".md").then(|| folder.text(path)).flatten() else { continue };
            for opening in ["{{<", "{{%"] {
                for (at, _) in text.match_indices(opening) {
                    let rest = text[at + opening.len()..].trim_start().trim_start_matches('/').trim_start();
                    let end = rest.find(|c: char| !(c.is_alphanumeric() || "-_/.".contains(c))).unwrap_or(rest.len());
                    if end > 0 {
                        names.push(rest[..end].to_string());
                    }
                }
            }
        }
    }
    names.sort();
    names.dedup();
    names
}

/// The element around the content in the layout of the posts.
fn selector(folder: &Folder, generator: &str) -> String {
    let (folders, marks): (Vec<String>, &[&str]) = if generator == "Hugo" {
        let themes = folder.names("themes");
        let themes = themes.iter().map(|theme| format!("themes/{theme}/layouts/_default"));
        let own = ["layouts/posts", "layouts/post", "layouts/blog", "layouts/_default", "layouts"].map(String::from);
        (own.into_iter().chain(themes).collect(), &[".Content"])
    } else {
        let own = ["_includes", "_includes/layouts", "src/_includes", "src/_includes/layouts", "_layouts", "layouts"];
        (
            own.map(String::from).into_iter().collect(),
            &["{{ content", "{{content", "{{{ content", "{{{content", "${content"],
        )
    };
    let mut layouts: Vec<String> = folders
        .iter()
        .flat_map(|path| folder.names(path).into_iter().map(move |name| format!("{path}/{name}")))
        .collect();
    let is_posts = |path: &String| {
        let name = path.rsplit('/').next().unwrap_or("");
        ["post", "article", "single", "news", "actu"].iter().any(|word| name.contains(word))
    };
    layouts.retain(|path| generator != "Hugo" || is_posts(path));
    layouts.sort_by_key(|path| !is_posts(path));
    let found = layouts.iter().find_map(|path| {
        let text = folder.text(path)?;
        let at = marks.iter().filter_map(|mark| text.find(mark)).min()?;
        around(&text[..at])
    });
    found.unwrap_or_else(|| "article".to_string())
}

/// The innermost element that is open at a text's end, with the `<article>` or `<main>` that it stands in.
fn around(text: &str) -> Option<String> {
    let mut open: Vec<(String, Option<String>)> = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        rest = after;
        let closes = after.starts_with('/');
        let tag = after.trim_start_matches('/');
        let name: String =
            tag.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        if name.is_empty() || matches!(name.as_str(), "meta" | "link" | "img" | "br" | "hr" | "input" | "source") {
            continue;
        }
        if closes {
            if let Some(at) = open.iter().rposition(|(known, _)| *known == name) {
                open.truncate(at);
            }
            continue;
        }
        let tag = &tag[..tag.find('>').unwrap_or(tag.len())];
        if tag.ends_with('/') {
            continue;
        }
        let value = tag.split_once("class=").map(|(_, value)| value).unwrap_or("");
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or(""),
            _ => value.split([' ', '>']).next().unwrap_or(""),
        };
        let is_plain = |class: &&str| {
            class.starts_with(|c: char| c.is_ascii_alphabetic())
                && class.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        };
        let class =
            if value.contains('{') { None } else { value.split_whitespace().find(is_plain).map(String::from) };
        open.push((name, class));
    }
    let (name, class) = open.last()?;
    let landmark = |name: &str| matches!(name, "article" | "main");
    let outer = open[..open.len() - 1].iter().rev().map(|(name, _)| name.as_str()).find(|name| landmark(name));
    match class {
        Some(class) => Some([outer.unwrap_or(""), &format!(".{class}")].join(" ").trim().to_string()),
        None if landmark(name) => Some(name.clone()),
        None => outer.map(String::from),
    }
}

/// Writes the proposal where the sample has its own line.
pub fn write(text: &mut String, proposal: Option<&Proposal>) {
    let Some(proposal) = proposal else { return };
    let Proposal { because, manifest, command, .. } = proposal;
    let body = proposal.body.as_ref();
    let lines = if proposal.taken_up {
        let more =
            body.map(|body| format!("; `body: {body}` beside it takes bodies from the pages")).unwrap_or_default();
        format!(
            "  # Only the generator knows {because}. Its own list tells it; the CI makes it, and here you do, after the site's build:\n  \
             #   {command}\n  built: {{ manifest: {manifest} }}  # docs/built.md{more}"
        )
    } else {
        let body = body.map(|body| format!(", body: {body}")).unwrap_or_default();
        format!(
            "  # Only the generator knows {because}. Its own list tells it; make it before crieur runs:\n  #   {command}\n  \
             # built: {{ manifest: {manifest}{body} }}"
        )
    };
    let whole: Vec<&str> =
        text.lines().map(|line| if line.starts_with(SAMPLE) { lines.as_str() } else { line }).collect();
    *text = whole.join("\n") + "\n";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_element_around_the_content_is_found() {
        for (layout, selector) in [
            ("<main><article class=\"post\"><h1>T</h1><div class=\"prose e-content\">", Some("article .prose")),
            ("<html><body><main id=x><br><p>a</p>", Some("main")),
            ("<article class='h-entry'>\n{% if x %}<img src=\"a\">{% endif %}\n", Some(".h-entry")),
            ("<article><div class=\"{{ c }}\">", Some("article")),
            ("<div>", None),
            ("é < a", None),
        ] {
            assert_eq!(around(layout).as_deref(), selector, "{layout}");
        }
    }
}
