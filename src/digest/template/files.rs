//! The templates' files: which there are, and which of them make one theme.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::Config;
use crate::config::look::THEMES;
use crate::problem::{Problem, Problems, Source};

/// The project's folder of templates.
pub const FOLDER: &str = "mail-templates";
/// Its folder of what every theme uses.
const SHARED: &str = "partials/";

/// The templates that come with the program, by their names in that folder.
pub const BUILT_IN: [(&str, &str); 32] = [
    ("digest.html.hbs", include_str!("../../../mail-templates/digest.html.hbs")),
    ("digest.txt.hbs", include_str!("../../../mail-templates/digest.txt.hbs")),
    ("dsfr/brand.html.hbs", include_str!("../../../mail-templates/dsfr/brand.html.hbs")),
    ("dsfr/card.html.hbs", include_str!("../../../mail-templates/dsfr/card.html.hbs")),
    ("dsfr/edge.html.hbs", include_str!("../../../mail-templates/dsfr/edge.html.hbs")),
    ("dsfr/font.html.hbs", include_str!("../../../mail-templates/dsfr/font.html.hbs")),
    ("dsfr/foot.html.hbs", include_str!("../../../mail-templates/dsfr/foot.html.hbs")),
    ("dsfr/head.html.hbs", include_str!("../../../mail-templates/dsfr/head.html.hbs")),
    ("dsfr/note.html.hbs", include_str!("../../../mail-templates/dsfr/note.html.hbs")),
    ("dsfr/notice_head.html.hbs", include_str!("../../../mail-templates/dsfr/notice_head.html.hbs")),
    ("dsfr/style.html.hbs", include_str!("../../../mail-templates/dsfr/style.html.hbs")),
    ("notice.html.hbs", include_str!("../../../mail-templates/notice.html.hbs")),
    ("notice.txt.hbs", include_str!("../../../mail-templates/notice.txt.hbs")),
    ("partials/agenda.html.hbs", include_str!("../../../mail-templates/partials/agenda.html.hbs")),
    ("partials/agenda.txt.hbs", include_str!("../../../mail-templates/partials/agenda.txt.hbs")),
    ("partials/event.html.hbs", include_str!("../../../mail-templates/partials/event.html.hbs")),
    ("partials/footer.html.hbs", include_str!("../../../mail-templates/partials/footer.html.hbs")),
    ("partials/footer.txt.hbs", include_str!("../../../mail-templates/partials/footer.txt.hbs")),
    ("partials/item.html.hbs", include_str!("../../../mail-templates/partials/item.html.hbs")),
    ("partials/item.txt.hbs", include_str!("../../../mail-templates/partials/item.txt.hbs")),
    ("partials/line.txt.hbs", include_str!("../../../mail-templates/partials/line.txt.hbs")),
    ("partials/note.html.hbs", include_str!("../../../mail-templates/partials/note.html.hbs")),
    ("partials/origin.html.hbs", include_str!("../../../mail-templates/partials/origin.html.hbs")),
    ("partials/section.html.hbs", include_str!("../../../mail-templates/partials/section.html.hbs")),
    ("partials/section.txt.hbs", include_str!("../../../mail-templates/partials/section.txt.hbs")),
    ("plain/card.html.hbs", include_str!("../../../mail-templates/plain/card.html.hbs")),
    ("plain/edge.html.hbs", include_str!("../../../mail-templates/plain/edge.html.hbs")),
    ("plain/font.html.hbs", include_str!("../../../mail-templates/plain/font.html.hbs")),
    ("plain/foot.html.hbs", include_str!("../../../mail-templates/plain/foot.html.hbs")),
    ("plain/head.html.hbs", include_str!("../../../mail-templates/plain/head.html.hbs")),
    ("plain/notice_head.html.hbs", include_str!("../../../mail-templates/plain/notice_head.html.hbs")),
    ("plain/style.html.hbs", include_str!("../../../mail-templates/plain/style.html.hbs")),
];

/// Every file, by its path under [`FOLDER`].
pub struct Files {
    all: BTreeMap<String, Arc<Source>>,
    /// Paths of the project's own.
    own: BTreeSet<String>,
}

impl Files {
    /// The built-in files, or the project's in their place, and the project's own partials.
    pub fn read(config: &Config, problems: &mut Problems) -> Files {
        let mut all: BTreeMap<String, Arc<Source>> = BUILT_IN
            .iter()
            .map(|(name, text)| (name.to_string(), Source::new(format!("{FOLDER}/{name}"), *text)))
            .collect();
        let mut own = BTreeSet::new();
        let folder = config.root.join(FOLDER);
        let themes = THEMES.map(|theme| format!("{theme}/"));
        for below in ["", SHARED].into_iter().chain(themes.iter().map(String::as_str)) {
            let Ok(entries) = std::fs::read_dir(folder.join(below)) else { continue };
            for entry in entries.flatten() {
                let name = format!("{below}{}", entry.file_name().to_string_lossy());
                let ours = all.contains_key(&name) || !below.is_empty();
                if !ours || !(name.ends_with(".html.hbs") || name.ends_with(".txt.hbs")) {
                    continue;
                }
                let path = format!("{FOLDER}/{name}");
                match std::fs::read_to_string(entry.path()) {
                    Ok(text) => {
                        let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
                        if all.get(&name).is_none_or(|built_in| built_in.text != text) {
                            own.insert(name.clone());
                        }
                        all.insert(name, Source::new(path, text));
                    }
                    Err(error) => {
                        problems.push(Problem::error("template", format!("it can't be read: {error}")).in_file(path));
                    }
                }
            }
        }
        Files { all, own }
    }

    /// The files of one theme, by their names without folders.
    pub fn of(&self, theme: &str) -> BTreeMap<&str, &Arc<Source>> {
        self.paths(theme).into_iter().map(|(name, path)| (name, &self.all[path])).collect()
    }

    /// Where each of a theme's files stands: its own folder's come before the shared ones.
    fn paths(&self, theme: &str) -> BTreeMap<&str, &str> {
        let mut chosen = BTreeMap::new();
        for folder in ["", SHARED, &format!("{theme}/")] {
            for path in self.all.keys().filter_map(|path| path.strip_prefix(folder).map(|name| (path, name))) {
                if !path.1.contains('/') {
                    chosen.insert(path.1, path.0.as_str());
                }
            }
        }
        chosen
    }

    /// Shared files of the project that none of these themes reads, because it has one of that name.
    pub fn check(&self, themes: &BTreeSet<&str>, problems: &mut Problems) {
        let chosen: Vec<BTreeMap<&str, &str>> = themes.iter().map(|theme| self.paths(theme)).collect();
        for path in self.own.iter().filter(|path| path.starts_with(SHARED)) {
            let name = path.trim_start_matches(SHARED);
            let theirs: Vec<&str> = chosen.iter().filter_map(|paths| paths.get(name).copied()).collect();
            if let Some(theirs) = theirs.first().filter(|_| !theirs.contains(&path.as_str())) {
                let message = format!("nothing reads this file: {FOLDER}/{theirs} takes its place");
                let help = format!("move what is yours in it to {FOLDER}/{theirs}, or remove it");
                problems.push(Problem::warning("template", message).help(help).in_file(format!("{FOLDER}/{path}")));
            }
        }
    }
}
