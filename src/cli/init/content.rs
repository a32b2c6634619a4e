//! Finds the folders that hold a site's dated Markdown, and the past letters among them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use walkdir::WalkDir;

use super::folder::{Folder, text_of, value_of};
use super::guess::Letters;

/// Folders that hold no content, or are written by a generator.
const PASSED_OVER: [&str; 22] = [
    "node_modules",
    "_site",
    "public",
    "output",
    "dist",
    "build",
    "target",
    "vendor",
    "themes",
    "var",
    "config",
    "feeds",
    "mail-templates",
    "_includes",
    "_layouts",
    "_data",
    "_drafts",
    "archetypes",
    "layouts",
    "templates",
    "test",
    "tests",
];
/// Folders whose children are sections, and that are no section themselves.
const HOLDERS: [&str; 8] = ["", "src", "content", "site", "docs", "input", "app", "collections"];

/// A Markdown file, as far as its first lines tell.
#[derive(Clone, Debug)]
pub struct MarkdownFile {
    /// Relative to the site's folder, with `/`.
    pub path: String,
    pub dated: bool,
    /// The file's own name starts with a day.
    pub day_in_name: bool,
    pub has_slug: bool,
    pub tags: Vec<String>,
}

/// Every Markdown file below `base` that is not an index page.
pub fn survey(folder: &Folder, base: &str) -> Vec<MarkdownFile> {
    let start = folder.root.join(base);
    let kept = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() == 0
            || !(name.starts_with('.') || entry.file_type().is_dir() && PASSED_OVER.contains(&name.as_ref()))
    };
    let mut files = Vec::new();
    for entry in WalkDir::new(&start).sort_by_file_name().into_iter().filter_entry(kept).flatten() {
        let Ok(relative) = entry.path().strip_prefix(&folder.root) else { continue };
        let Some(path) = relative.to_str().map(|path| path.replace('\\', "/")) else { continue };
        let name = path.rsplit('/').next().unwrap_or(&path);
        let Some((stem, "md" | "markdown" | "mdx")) = name.rsplit_once('.') else { continue };
        let lower = stem.to_lowercase();
        // Hugo keeps a post in a folder as `index.md`; `_index` and a readme are never items.
        let index = lower == "index" && path.matches('/').count() <= base.matches('/').count() + 1;
        if !entry.file_type().is_file() || index || lower == "_index" || lower == "readme" || lower == "changelog" {
            continue;
        }
        files.extend(folder.text(&path).map(|text| look(path, &text)));
    }
    files
}

/// The dated files below the paths.
pub fn posts(folder: &Folder, paths: &[String]) -> Vec<MarkdownFile> {
    let bases = paths.iter().map(|path| if path == "." { "" } else { path });
    bases.flat_map(|base| survey(folder, base)).filter(|file| file.dated).collect()
}

fn look(path: String, text: &str) -> MarkdownFile {
    let name = path.rsplit('/').next().unwrap_or("");
    let day_in_name = starts_with_day(name);
    let front = front_matter(text);
    let data = parse(text, front).unwrap_or(Value::Null);
    let is_date = |line: &str| {
        let key: String =
            line.trim_start().trim_start_matches('"').chars().take_while(|c| c.is_alphanumeric()).collect();
        matches!(key.to_lowercase().as_str(), "date" | "publishdate" | "publisheddate" | "pubdate")
    };
    MarkdownFile {
        dated: front.is_some_and(|front| front.lines().any(is_date)) || day_in_name && front.is_some(),
        day_in_name,
        has_slug: text_of(&data, &["slug"]).is_some(),
        tags: tags(&data),
        path,
    }
}

/// `2024-07-25-…`
fn starts_with_day(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.len() > 10
        && bytes[..10]
            .iter()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { *byte == b'-' } else { byte.is_ascii_digit() })
}

/// The front matter's text: between fences, or header lines up to the first blank one.
fn front_matter(text: &str) -> Option<&str> {
    for fence in ["---", "+++"] {
        if let Some(rest) = text.strip_prefix(fence) {
            return rest.find(&format!("\n{fence}")).map(|end| &rest[..end]);
        }
    }
    if text.starts_with('{') {
        return text.find("\n}").map(|end| &text[..end + 2]);
    }
    let header = text.split("\n\n").next().unwrap_or("");
    let is_header = |line: &str| {
        line.split_once(": ").is_some_and(|(key, _)| key.chars().all(|c| c.is_alphanumeric() || c == '_'))
    };
    (header.lines().count() > 0 && header.lines().all(is_header)).then_some(header)
}

fn parse(text: &str, front: Option<&str>) -> Option<Value> {
    match text.get(..3)? {
        "---" => serde_yaml::from_str(front?).ok(),
        "+++" => toml::from_str(front?).ok(),
        _ => serde_yaml::from_str(front?).ok(),
    }
}

fn tags(data: &Value) -> Vec<String> {
    let keys = ["tags", "categories", "taxonomies.tags", "taxonomies.categories", "category"];
    let values = keys.iter().filter_map(|key| value_of(data, key));
    let mut tags = Vec::new();
    for value in values {
        match value {
            Value::String(text) => tags.extend(text.split(',').map(|tag| tag.trim().to_string())),
            Value::Array(values) => tags.extend(values.iter().filter_map(Value::as_str).map(String::from)),
            _ => {}
        }
    }
    tags
}

/// The folders below `base` whose Markdown is dated.
pub fn dated_folders(files: &[MarkdownFile], base: &str) -> Vec<String> {
    choose(files, base, true)
}

fn choose(files: &[MarkdownFile], folder: &str, holder: bool) -> Vec<String> {
    let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    let below: Vec<&MarkdownFile> = files.iter().filter(|file| file.path.starts_with(&prefix)).collect();
    let mostly_dated = |files: &[&MarkdownFile]| {
        let dated = files.iter().filter(|file| file.dated).count();
        dated > 0 && dated * 2 >= files.len()
    };
    let direct: Vec<&MarkdownFile> =
        below.iter().copied().filter(|f| !f.path[prefix.len()..].contains('/')).collect();
    if if holder { mostly_dated(&direct) } else { mostly_dated(&below) } {
        return vec![if folder.is_empty() { ".".to_string() } else { folder.to_string() }];
    }
    let children: BTreeSet<&str> =
        below.iter().filter_map(|file| file.path[prefix.len()..].split_once('/').map(|(child, _)| child)).collect();
    let is_holder =
        |name: &str| HOLDERS.contains(&name) || name.len() == 2 || name.len() == 5 && name.as_bytes()[2] == b'-';
    children.into_iter().flat_map(|child| choose(files, &format!("{prefix}{child}"), is_holder(child))).collect()
}

/// What below the paths holds Markdown without dates: pages, which are no items.
pub fn undated(files: &[MarkdownFile], paths: &[String]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for path in paths {
        let prefix = if path == "." { String::new() } else { format!("{path}/") };
        let below: Vec<&MarkdownFile> = files.iter().filter(|file| file.path.starts_with(&prefix)).collect();
        for file in below.iter().filter(|file| !file.dated) {
            let child = file.path[prefix.len()..].split('/').next().unwrap_or("");
            let child = format!("{prefix}{child}");
            let inside = |other: &&&MarkdownFile| other.path.starts_with(&format!("{child}/"));
            let whole = !below.iter().filter(inside).any(|other| other.dated);
            let left_out = if whole { child } else { file.path.clone() };
            if !found.contains(&left_out) {
                found.push(left_out);
            }
        }
    }
    found
}

/// The past letters among the posts, told by the names of tags and folders.
pub fn letters(files: &[MarkdownFile]) -> Letters {
    let mut letters = Letters::default();
    let mut untagged: BTreeMap<&str, bool> = BTreeMap::new();
    for file in files.iter().filter(|file| file.dated) {
        let own: Vec<&String> = file.tags.iter().filter(|tag| is_letter(tag)).collect();
        for tag in &own {
            if !letters.tags.contains(*tag) {
                letters.tags.push((*tag).clone());
            }
        }
        let way = file.path.rsplit_once('/').map_or("", |(way, _)| way);
        if let Some(folder) = way.split('/').find(|name| is_letter(name)) {
            *untagged.entry(folder).or_default() |= own.is_empty();
        }
    }
    letters.folders =
        untagged.into_iter().filter(|(_, needed)| *needed).map(|(folder, _)| folder.to_string()).collect();
    letters
}

fn is_letter(name: &str) -> bool {
    let name = name.to_lowercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let has = |known: &[&str]| words.iter().any(|word| known.contains(word));
    has(&["newsletter", "newsletters", "infolettre", "infolettres"])
        || has(&["lettre", "lettres"]) && (words.len() == 1 || has(&["info", "infos", "information", "informations"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, dated: bool, tags: &[&str]) -> MarkdownFile {
        let tags = tags.iter().map(|tag| tag.to_string()).collect();
        MarkdownFile { path: path.to_string(), dated, day_in_name: false, has_slug: false, tags }
    }

    #[test]
    fn dated_folders_are_found_and_pages_are_not() {
        let files = [
            file("content/posts/2024/a.md", true, &[]),
            file("content/posts/draft.md", false, &[]),
            file("content/blog/b.md", true, &[]),
            file("content/pages/about.md", false, &[]),
            file("notes.md", false, &[]),
        ];
        assert_eq!(dated_folders(&files, ""), ["content/blog", "content/posts"]);
        assert_eq!(dated_folders(&files, "content"), ["content/blog", "content/posts"]);
        assert_eq!(dated_folders(&[file("a.md", true, &[])], ""), ["."]);
        assert_eq!(undated(&files, &["content".to_string()]), ["content/posts/draft.md", "content/pages"]);
    }

    #[test]
    fn past_letters_are_told_by_tag_or_folder() {
        let files = [
            file("posts/lettres-information/5.md", true, &["Lettre d'information"]),
            file("posts/newsletters/6.md", true, &[]),
            file("posts/lettres-modernes/7.md", true, &["Lettres modernes"]),
        ];
        let letters = letters(&files);
        assert_eq!(letters.tags, ["Lettre d'information"]);
        assert_eq!(letters.folders, ["newsletters"]);
    }

    #[test]
    fn a_date_is_found_in_any_front_matter() {
        for text in [
            "---\ntitle: A\ndate: 2024-01-01\n---\n",
            "+++\ndate = 2024-01-01\n+++\n",
            "Title: A\nDate: 2024-01-01\n\nText",
            "{\n\"date\": \"2024-01-01\"\n}\n",
        ] {
            assert!(look("a.md".into(), text).dated, "{text:?}");
        }
        assert!(!look("a.md".into(), "Some text about a date: never\n").dated);
        assert!(look("2024-01-01-a.md".into(), "---\ntitle: A\n---\n").dated);
    }
}
