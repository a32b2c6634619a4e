//! 3 *choose*: which items a feed or a newsletter takes, and in which order.
//!
//! Promises: pure, and total; two items never stand in an order that depends on how the folder was walked.

use crate::config::Select;
use crate::item::Item;

/// Why a selection does not take an item: the first of its conditions that the item fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It has none of the wanted tags.
    Tags,
    /// It has one of the unwanted tags.
    NotTags,
    Series,
    Kind,
    Language,
    Folder,
    /// It lies in one of the unwanted folders.
    NotFolders,
}

/// Whether `select` takes this item. Words are compared without regard to case; a `language` takes its regions along
/// (`fr` takes `fr-CA`); a `folder` is any run of whole folder names on the item's way (`posts/videos`, `videos`).
pub fn matches(item: &Item, select: &Select) -> bool {
    refusal(item, select).is_none()
}

/// Why `select` does not take this item; `None`: it does.
pub fn refusal(item: &Item, select: &Select) -> Option<Refusal> {
    let has = |tag: &String| item.tags.iter().any(|own| same(own, tag));
    let asked = |wanted: &Option<String>, own: &Option<String>| match wanted {
        None => true,
        Some(wanted) => own.as_deref().is_some_and(|own| same(own, wanted)),
    };
    if !select.tags.is_empty() && !select.tags.iter().any(has) {
        return Some(Refusal::Tags);
    }
    if select.not_tags.iter().any(has) {
        return Some(Refusal::NotTags);
    }
    if !asked(&select.series, &item.series) {
        return Some(Refusal::Series);
    }
    if !asked(&select.kind, &item.kind) {
        return Some(Refusal::Kind);
    }
    if !select.language.as_ref().is_none_or(|wanted| speaks(item.language.as_deref(), wanted)) {
        return Some(Refusal::Language);
    }
    if !select.folder.as_ref().is_none_or(|wanted| lies_in(item.path(), wanted)) {
        return Some(Refusal::Folder);
    }
    let unwanted = |unwanted: &String| !unwanted.is_empty() && lies_in(item.path(), unwanted);
    select.not_folders.iter().any(unwanted).then_some(Refusal::NotFolders)
}

/// Newest first; items of one instant in reverse order of their paths.
pub fn newest_first(items: &mut Vec<&Item>) {
    items.sort_unstable_by(|a, b| b.published.cmp(&a.published).then_with(|| b.path().cmp(a.path())));
}

fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.trim(), b.trim());
    a == b || a.to_lowercase() == b.to_lowercase()
}

fn speaks(own: Option<&str>, wanted: &str) -> bool {
    let (own, wanted) = (own.unwrap_or("").trim().to_lowercase(), wanted.trim().to_lowercase());
    own.strip_prefix(&wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_']))
}

fn lies_in(path: &str, folder: &str) -> bool {
    let way = path.rsplit_once('/').map_or("", |(way, _)| way);
    let folder = folder.trim_start_matches("./").trim_matches('/');
    folder.is_empty() || format!("/{way}/").contains(&format!("/{folder}/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::tests::item;

    #[test]
    fn an_empty_selection_takes_everything() {
        assert!(matches(&item("posts/a.md", "A"), &Select::default()));
    }

    #[test]
    fn one_wanted_tag_is_enough_and_one_unwanted_is_too_many() {
        let mut own = item("posts/a.md", "A");
        own.tags = vec!["Vidéo".into(), "réseau".into()];
        let select = |tags: &[&str], not_tags: &[&str]| Select {
            tags: tags.iter().map(|tag| tag.to_string()).collect(),
            not_tags: not_tags.iter().map(|tag| tag.to_string()).collect(),
            ..Select::default()
        };
        assert!(matches(&own, &select(&["VIDÉO", "autre"], &[])));
        assert!(!matches(&own, &select(&["autre"], &[])));
        assert!(!matches(&own, &select(&["vidéo"], &["réseau"])));
    }

    #[test]
    fn a_refusal_names_the_condition() {
        let own = item("posts/a.md", "A");
        let select = Select { series: Some("une".into()), folder: Some("posts".into()), ..Select::default() };
        assert_eq!(refusal(&own, &select), Some(Refusal::Series));
        let select = Select { not_folders: vec!["posts".into()], ..Select::default() };
        assert_eq!(refusal(&own, &select), Some(Refusal::NotFolders));
    }

    #[test]
    fn a_language_takes_its_regions_and_no_other_language() {
        let mut own = item("posts/a.md", "A");
        let french = Select { language: Some("fr".into()), ..Select::default() };
        assert!(!matches(&own, &french));
        own.language = Some("fr-CA".into());
        assert!(matches(&own, &french));
        own.language = Some("fro".into());
        assert!(!matches(&own, &french));
    }

    #[test]
    fn a_folder_is_whole_names_not_a_prefix() {
        let folder = |name: &str| Select { folder: Some(name.into()), ..Select::default() };
        let own = item("posts/videos/2024/a.md", "A");
        let without = |name: &str| Select { not_folders: vec![name.into()], ..Select::default() };
        assert!(!matches(&own, &without("posts")));
        assert!(matches(&own, &without("post")));
        for name in ["posts", "posts/videos/", "videos", "./posts/videos/2024", "/"] {
            assert!(matches(&own, &folder(name)), "{name}");
        }
        for name in ["post", "video", "2024/a.md", "posts/2024"] {
            assert!(!matches(&own, &folder(name)), "{name}");
        }
    }

    #[test]
    fn items_of_one_instant_stand_in_reverse_path_order() {
        let (a, b, mut c) = (item("posts/a.md", "A"), item("posts/b.md", "B"), item("posts/c.md", "C"));
        c.published -= chrono::Duration::days(1);
        let mut items = vec![&c, &a, &b];
        newest_first(&mut items);
        assert_eq!(
            items.iter().map(|item| item.path()).collect::<Vec<_>>(),
            ["posts/b.md", "posts/a.md", "posts/c.md"]
        );
    }
}
