//! Which files a theme is made of.

use std::path::Path;

use serde_json::json;

use super::*;
use crate::digest::samples;
use crate::problem::Severity;

/// A project with these files under `mail-templates/`, and a newsletter of each theme named.
fn read(files: &[(&str, &str)], themes: &[&str]) -> (tempfile::TempDir, Templates, Problems) {
    let folder = tempfile::tempdir().expect("a folder");
    for (path, text) in files {
        let path = folder.path().join(FOLDER).join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a folder");
        std::fs::write(path, text).expect("written");
    }
    let newsletters = themes.iter().map(|theme| named(theme)).collect();
    let config = Config { root: folder.path().to_path_buf(), newsletters, ..samples::config() };
    let (templates, problems) = Templates::read(&config);
    (folder, templates, problems)
}

fn named(theme: &str) -> Newsletter {
    Newsletter { theme: theme.to_string(), ..samples::newsletter() }
}

fn rendered(templates: &Templates, theme: &str) -> String {
    templates.theme(&named(theme)).expect("a theme").html.render(&json!({})).expect("rendered")
}

#[test]
fn a_themes_own_file_comes_before_the_shared_one_and_a_projects_before_the_built_in() {
    let files = [
        ("digest.html.hbs", "{{> who}} {{> what}} {{> font}}"),
        ("partials/who.html.hbs", "all"),
        ("partials/what.html.hbs", "shared"),
        ("dsfr/who.html.hbs", "dsfr"),
        ("plain/font.html.hbs", "Georgia"),
    ];
    let (_folder, templates, problems) = read(&files, &["plain", "dsfr"]);
    assert!(problems.0.is_empty(), "{problems:?}");
    assert_eq!(rendered(&templates, "plain"), "all shared Georgia");
    assert_eq!(rendered(&templates, "dsfr"), "dsfr shared Marianne, Arial, sans-serif");
}

#[test]
fn a_theme_may_have_a_skeleton_and_a_text_of_its_own() {
    let files = [("dsfr/digest.html.hbs", "Le mien"), ("dsfr/footer.txt.hbs", "Fin")];
    let (_folder, templates, problems) = read(&files, &["dsfr"]);
    assert!(problems.0.is_empty(), "{problems:?}");
    assert_eq!(rendered(&templates, "dsfr"), "Le mien");
}

#[test]
fn a_theme_that_is_unknown_is_told_where_it_was_asked_for() {
    let (_folder, templates, _) = read(&[], &["plain"]);
    let problems = templates.theme(&named("fancy")).err().expect("unknown");
    assert_eq!(problems.0[0].message, "there is no theme `fancy`");
    assert_eq!(problems.0[0].help.as_deref(), Some("write one of these: plain, dsfr"));
    assert_eq!(
        problems.0[0].place.as_ref().map(|place| place.file.as_str()),
        Some("config/newsletters/referents.yaml")
    );
}

#[test]
fn a_shared_files_mistake_is_told_once_though_two_themes_use_it() {
    let (_folder, templates, problems) = read(&[("partials/item.html.hbs", "a\n{{#if x}}")], &["plain", "dsfr"]);
    assert_eq!(problems.0.len(), 1, "{problems:?}");
    let place = problems.0[0].place.as_ref().expect("a place");
    assert_eq!((place.file.as_str(), place.line), ("mail-templates/partials/item.html.hbs", Some(2)));
    assert_eq!(templates.broken.0.len(), 1);
}

#[test]
fn a_file_that_no_theme_in_use_reads_is_told_with_the_one_that_takes_its_place() {
    let files = [("partials/style.html.hbs", "p { color: red }"), ("partials/mine.html.hbs", "x")];
    let (_folder, templates, problems) = read(&files, &["plain"]);
    assert_eq!(problems.0.len(), 1, "{problems:?}");
    assert_eq!(problems.0[0].severity, Severity::Warning);
    assert!(problems.0[0].message.contains("mail-templates/plain/style.html.hbs"), "{problems:?}");
    assert!(templates.broken.0.is_empty());
}

#[test]
fn only_what_the_newsletters_name_is_read() {
    let (_folder, templates, _) = read(&[("dsfr/head.html.hbs", "{{#if")], &["plain"]);
    assert!(templates.broken.0.is_empty() && templates.theme(&named("dsfr")).is_err());
}
