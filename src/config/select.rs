//! Reads `select`, which feeds and newsletters share.

use super::Select;
use super::reader::Mapping;

pub fn read(select: Mapping<'_>) -> Select {
    let read = Select {
        tags: select.texts("tags"),
        not_tags: select.texts("not_tags"),
        series: select.text("series"),
        kind: select.text("type"),
        language: select.text("language"),
        not_folders: select.texts("not_folders").iter().map(|folder| folder.trim_matches('/').to_string()).collect(),
        folder: select.text("folder").map(|folder| folder.trim_matches('/').to_string()),
    };
    select.finish();
    read
}
