//! How a generator's paths differ from the project's: it may have run in the site's folder inside the project, or in a
//! folder around it.

use std::borrow::Cow;
use std::collections::HashMap;

use super::manifest::Page;

/// From the project's path of a file to the generator's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shift {
    None,
    /// The project's paths begin with this, and the generator's do not.
    Without(String),
    /// The generator's paths begin with this.
    Below(String),
}

/// How many files are asked.
const SAMPLE: usize = 200;
/// How many of the list's files of one name are looked at for each.
const NAMESAKES: usize = 200;

impl Shift {
    /// What fits most of these files, and at least half of those that were asked and have a namesake in the list.
    pub fn between(paths: &[&str], pages: &HashMap<String, Page>) -> Shift {
        if paths.iter().any(|path| pages.contains_key(*path)) {
            return Shift::None;
        }
        let name = |path: &str| path.rsplit('/').next().unwrap_or("").to_string();
        let mut by_name: HashMap<String, Vec<&str>> = HashMap::new();
        for source in pages.keys() {
            by_name.entry(name(source)).or_default().push(source);
        }
        let mut votes: HashMap<(bool, &str), usize> = HashMap::new();
        let mut asked = 0;
        for path in paths.iter().take(SAMPLE) {
            let Some(sources) = by_name.get(&name(path)) else { continue };
            asked += 1;
            for source in sources.iter().take(NAMESAKES) {
                let above = |longer: &'_ str, shorter: &str| {
                    longer.strip_suffix(shorter).filter(|above| above.ends_with('/')).map(str::len)
                };
                if let Some(length) = above(path, source) {
                    *votes.entry((true, &path[..length])).or_default() += 1;
                } else if let Some(length) = above(source, path) {
                    *votes.entry((false, &source[..length])).or_default() += 1;
                }
            }
        }
        let best = votes.into_iter().max_by(|a, b| (a.1, b.0).cmp(&(b.1, a.0)));
        match best.filter(|(_, votes)| votes * 2 >= asked) {
            Some(((true, above), _)) => Shift::Without(above.to_string()),
            Some(((false, above), _)) => Shift::Below(above.to_string()),
            None => Shift::None,
        }
    }

    pub fn apply<'p>(&self, path: &'p str) -> Cow<'p, str> {
        match self {
            Shift::None => Cow::Borrowed(path),
            Shift::Without(above) => Cow::Borrowed(path.strip_prefix(above.as_str()).unwrap_or(path)),
            Shift::Below(above) => Cow::Owned(format!("{above}{path}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::built::manifest::Address;

    fn pages(paths: &[&str]) -> HashMap<String, Page> {
        let page = Page { address: Address::None, content: None, raw: None };
        paths.iter().map(|path| (path.to_string(), page.clone())).collect()
    }

    #[test]
    fn a_generator_that_ran_in_another_folder_is_understood() {
        let list = pages(&["posts/a.md", "posts/b.md", "pages/index.md"]);
        assert_eq!(Shift::between(&["posts/a.md", "posts/new.md"], &list), Shift::None);
        let inside = Shift::between(&["site/posts/a.md", "site/posts/b.md", "site/posts/new.md"], &list);
        assert_eq!(inside, Shift::Without("site/".into()));
        assert_eq!(inside.apply("site/posts/a.md"), "posts/a.md");
        let around = Shift::between(&["a.md", "b.md"], &list);
        assert_eq!(around, Shift::Below("posts/".into()));
        assert_eq!(around.apply("a.md"), "posts/a.md");
        // What has only its name in common tells nothing.
        assert_eq!(Shift::between(&["notes/a.md", "notes/b.md"], &list), Shift::None);
        assert_eq!(Shift::between(&[], &list), Shift::None);
    }
}
