//! Files that items name and that are not there: gathered while all processors read, said once at the end.
//!
//! Up to [`ONE_BY_ONE`] items that lack a file in one folder, as they write it (`./images/`, `/img/`), are a warning
//! each. More have one cause, most likely: they are one warning, at the first one's line, which counts them and names
//! the next few.
//!
//! Promises: the same items give the same warnings, whichever was read first.

use std::collections::HashMap;

use crate::problem::{Place, Problem};

/// How many items that lack a file in one folder are told one by one.
const ONE_BY_ONE: usize = 3;
/// How many are named where they are told together.
const NAMED: usize = 10;

/// What is missing, by what it is (a picture, a file) and by the folder in which it was looked for, as written.
#[derive(Default)]
pub struct Missing {
    groups: HashMap<(&'static str, String), Group>,
}

#[derive(Default)]
struct Group {
    count: usize,
    /// The first few by path, sorted.
    first: Vec<(String, Lack)>,
}

/// One item's missing file.
pub struct Lack {
    /// As the item writes it.
    pub written: String,
    /// Where it was looked for.
    pub sought: Sought,
    pub place: Place,
}

/// Where a file was looked for.
pub struct Sought {
    pub beside: bool,
    /// The static folders, in words, if it was looked for there.
    pub static_folders: Option<String>,
}

impl Missing {
    /// An item, by its path, lacks a file. Where and how is only asked for the few that will be named.
    pub fn add(&mut self, what: &'static str, written: &str, path: &str, lack: impl FnOnce() -> Lack) {
        let folder = written.rfind('/').map_or("", |slash| &written[..=slash]);
        let group = match self.groups.iter_mut().find(|((kind, known), _)| *kind == what && known == folder) {
            Some((_, group)) => group,
            None => self.groups.entry((what, folder.to_string())).or_default(),
        };
        group.count += 1;
        let at = group.first.partition_point(|(known, _)| known.as_str() <= path);
        if at < NAMED {
            group.first.truncate(NAMED - 1);
            group.first.insert(at, (path.to_string(), lack()));
        }
    }

    /// The warnings, in the order of the first item of each folder.
    pub fn problems(self) -> Vec<Problem> {
        let mut groups: Vec<_> = self.groups.into_iter().collect();
        groups.sort_by(|(a, one), (b, other)| {
            let path = |group: &Group| group.first.first().map(|(path, _)| path.clone());
            (path(one), a).cmp(&(path(other), b))
        });
        groups.into_iter().flat_map(|((what, folder), group)| group.problems(what, &folder)).collect()
    }
}

impl Group {
    fn problems(self, what: &str, folder: &str) -> Vec<Problem> {
        if self.count <= ONE_BY_ONE {
            return self.first.into_iter().map(|(_, lack)| lack.problem(what)).collect();
        }
        let mut first = self.first.into_iter();
        let Some((_, lack)) = first.next() else { return Vec::new() };
        let folder = if folder.is_empty() { String::new() } else { format!(" in `{folder}`") };
        let count = in_thousands(self.count);
        let message = format!("{count} items name {what}s{folder} that are not {}", lack.sought.in_words("them"));
        let mut next: Vec<String> = first.map(|(path, _)| path).collect();
        let more = self.count - 1 - next.len();
        if more > 0 {
            next.push(format!("{} more", in_thousands(more)));
        }
        let last = next.pop().unwrap_or_default();
        let help = format!(
            "put the files there, or mend the paths; {SERVED}; after this come {} and {last}",
            next.join(", ")
        );
        vec![Problem::warning("missing-file", message).label("the first of them").help(help).at(lack.place)]
    }
}

const SERVED: &str = "`content.static` names the folders that the site serves";

impl Lack {
    fn problem(self, what: &str) -> Problem {
        let message = format!("the {what} `{}` is not {}", self.written, self.sought.in_words("the item"));
        Problem::warning("missing-file", message)
            .help(format!("put the file there, or mend the path; {SERVED}"))
            .at(self.place)
    }
}

impl Sought {
    fn in_words(&self, whom: &str) -> String {
        match (self.beside, &self.static_folders) {
            (true, Some(folders)) => format!("beside {whom}, nor in {folders}"),
            (true, None) => format!("beside {whom}"),
            (false, folders) => format!("in {}", folders.as_deref().unwrap_or("the static folders")),
        }
    }
}

/// `1,234`.
fn in_thousands(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(numbers: impl Iterator<Item = usize>) -> Vec<Problem> {
        let mut missing = Missing::default();
        for number in numbers {
            let path = format!("posts/{number:04}.md");
            missing.add("picture", &format!("./images/{number}.png"), &path.clone(), || Lack {
                written: format!("./images/{number}.png"),
                sought: Sought { beside: true, static_folders: Some("static".to_string()) },
                place: Place::file(path),
            });
        }
        missing.problems()
    }

    #[test]
    fn a_few_missing_pictures_are_a_warning_each_and_many_are_one_that_counts_them() {
        let few: Vec<String> = missing(0..3).iter().map(ToString::to_string).collect();
        let one = |number| {
            format!("posts/000{number}.md: the picture `./images/{number}.png` is not beside the item, nor in static")
        };
        assert_eq!(few, [one(0), one(1), one(2)]);
        let many = missing(0..1234);
        assert_eq!(many.len(), 1);
        assert_eq!(
            many[0].to_string(),
            "posts/0000.md: 1,234 items name pictures in `./images/` that are not beside them, nor in static"
        );
        let help = many[0].help.as_deref().unwrap_or_default();
        assert!(help.ends_with("after this come posts/0001.md, posts/0002.md, posts/0003.md, posts/0004.md, posts/0005.md, posts/0006.md, posts/0007.md, posts/0008.md, posts/0009.md and 1,224 more"), "{help}");
        let help = missing(0..4)[0].help.clone().unwrap_or_default();
        assert!(help.ends_with("after this come posts/0001.md, posts/0002.md and posts/0003.md"), "{help}");
    }

    #[test]
    fn the_warning_is_the_same_whichever_item_was_read_first() {
        assert_eq!(missing((0..50).rev()), missing(0..50));
        assert_eq!(missing((25..50).chain(0..25)), missing(0..50));
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([4, 999, 1000, 1234567].map(in_thousands), ["4", "999", "1,000", "1,234,567"]);
    }
}
