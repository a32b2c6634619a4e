//! A site full of mistakes, and every word that is said of it.

use std::path::Path;

use crate::support::project::Project;

#[test]
fn every_mistake_is_shown_like_a_compilers_message_and_the_sound_item_is_published() {
    let project = Project::empty();
    project.copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/content/invalid"), ".");
    project.write("feeds/news.yaml", "outputs: { json: feed.json }\n");
    let checked = project.crieur(&["check"]);
    assert_eq!(checked.status, 1);
    insta::assert_snapshot!(checked.stderr);
    let built = project.json(&["build"], 1);
    assert_eq!(built["feeds"][0]["entries"], 2, "the sound item, and the one whose template code is left out");
    assert!(!project.read("public/feed.json").contains("inconnu"));
}
