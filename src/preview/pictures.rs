//! The pictures that a letter or a feed names by their address on the site, shown from this machine's files.
//!
//! Promises: only files that something shown named are handed out, each under a name of its own; an address that leads to
//! no file here is asked of nobody.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use percent_encoding::percent_decode_str;
use url::Url;

use crate::config::Config;
use crate::digest::ShownPicture;
use crate::item::Item;

/// Where each address lies on this machine, and what was asked for so far.
pub struct Pictures {
    site: Url,
    /// Folders that the site serves at its root.
    folders: Vec<PathBuf>,
    /// Files by address, as items name their pictures.
    files: HashMap<String, PathBuf>,
    named: Mutex<BTreeMap<String, Content>>,
    /// Names by address, of pictures that a letter brings.
    brought: Mutex<HashMap<String, String>>,
}

/// Where a picture's bytes are.
#[derive(Clone, Debug)]
pub enum Content {
    File(PathBuf),
    /// Converted for a letter.
    Bytes(Arc<[u8]>),
}

impl Content {
    pub fn read(&self) -> std::io::Result<Vec<u8>> {
        match self {
            Content::File(path) => std::fs::read(path),
            Content::Bytes(bytes) => Ok(bytes.to_vec()),
        }
    }
}

impl Pictures {
    pub fn new(config: &Config, items: &[Item]) -> Pictures {
        let mut folders: Vec<PathBuf> =
            config.content.static_folders.iter().map(|folder| config.root.join(folder)).collect();
        folders.push(config.root.join(&config.publish.out));
        let images = items.iter().filter_map(|item| item.image.as_ref());
        let files = images.filter_map(|image| Some((image.url.clone(), config.root.join(image.file.as_ref()?))));
        Pictures {
            site: config.site.url.clone(),
            folders,
            files: files.collect(),
            named: Mutex::new(BTreeMap::new()),
            brought: Mutex::new(HashMap::new()),
        }
    }

    /// Takes the pictures that a letter brings with it: they are shown before any file of the site.
    pub fn bring(&self, pictures: &[ShownPicture]) {
        let mut brought = held(&self.brought);
        for picture in pictures.iter().filter(|picture| !picture.content.is_empty()) {
            held(&self.named).insert(picture.name.clone(), Content::Bytes(picture.content.clone()));
            brought.insert(picture.url.clone(), picture.name.clone());
            brought.insert(format!("cid:{}", picture.content_id), picture.name.clone());
        }
    }

    /// The name under which a picture is shown; `None`: its file is not here.
    pub fn name(&self, address: &str) -> Option<String> {
        if let Some(name) = held(&self.brought).get(address) {
            return Some(name.clone());
        }
        let path = self.find(address)?;
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("bin").to_lowercase();
        let name = format!("{}.{ending}", &blake3::hash(address.as_bytes()).to_hex()[..16]);
        held(&self.named).insert(name.clone(), Content::File(path));
        Some(name)
    }

    /// What a name that was given stands for.
    pub fn content(&self, name: &str) -> Option<Content> {
        held(&self.named).get(name).cloned()
    }

    /// Every name that was given, with what it stands for.
    pub fn all(&self) -> Vec<(String, Content)> {
        held(&self.named).iter().map(|(name, content)| (name.clone(), content.clone())).collect()
    }

    fn find(&self, address: &str) -> Option<PathBuf> {
        if let Some(path) = self.files.get(address) {
            return path.is_file().then(|| path.clone());
        }
        let url = Url::parse(address).ok()?;
        if url.origin() != self.site.origin() {
            return None;
        }
        let path = url.path().strip_prefix(self.site.path())?;
        let path = PathBuf::from(percent_decode_str(path).decode_utf8().ok()?.as_ref());
        let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        if !plain || !is_picture(&path) {
            return None;
        }
        self.folders.iter().map(|folder| folder.join(&path)).find(|path| path.is_file())
    }
}

/// What a lock guards; a thread that failed while it held it left a whole map.
fn held<T>(lock: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn is_picture(path: &Path) -> bool {
    media_type(path).starts_with("image/")
}

/// By the file's ending.
pub fn media_type(path: &Path) -> &'static str {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("").to_lowercase();
    match ending.as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::samples::config;

    #[test]
    fn only_pictures_below_the_sites_folders_have_a_name() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("static/img")).unwrap();
        for name in ["static/img/à côté.png", "secret.png", "static/img/key.txt"] {
            std::fs::write(folder.path().join(name), if name.contains("côté") { "x" } else { "no" }).unwrap();
        }
        let mut config = config();
        config.root = folder.path().to_path_buf();
        config.content.static_folders = vec!["static".to_string()];
        let pictures = Pictures::new(&config, &[]);
        let name = |path: &str| pictures.name(&format!("https://site.example.org/{path}"));
        let found = name("img/%C3%A0%20c%C3%B4t%C3%A9.png").unwrap();
        assert_eq!(pictures.content(&found).unwrap().read().unwrap(), b"x");
        for path in
            ["img/none.png", "img/%2e%2e/%2e%2e/secret.png", "../secret.png", "img/key.txt", "%2e%2e%2fsecret.png"]
        {
            assert_eq!(name(path), None, "{path}");
        }
        assert_eq!(pictures.name("https://other.example.org/img/x.png"), None);
        assert!(pictures.content("../secret.png").is_none());
    }
}
