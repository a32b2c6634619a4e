//! The pictures that a letter or a feed names by their address on the site, shown from this machine's files.
//!
//! Promises: only files that something shown named are handed out, each under a name of its own; an address that leads to
//! no file here is asked of nobody.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};
use std::sync::Mutex;

use percent_encoding::percent_decode_str;
use url::Url;

use crate::config::Config;
use crate::item::Item;

/// Where each address lies on this machine, and what was asked for so far.
pub struct Pictures {
    root: PathBuf,
    site: Url,
    /// Folders that the site serves at its root.
    folders: Vec<PathBuf>,
    /// Files by address, as items name their pictures.
    files: HashMap<String, PathBuf>,
    named: Mutex<BTreeMap<String, PathBuf>>,
}

impl Pictures {
    pub fn new(config: &Config, items: &[Item]) -> Pictures {
        let mut folders: Vec<PathBuf> =
            config.content.static_folders.iter().map(|folder| config.root.join(folder)).collect();
        folders.push(config.root.join(&config.publish.out));
        let images = items.iter().filter_map(|item| item.image.as_ref());
        let files = images.filter_map(|image| Some((image.url.clone(), config.root.join(image.file.as_ref()?))));
        Pictures {
            root: config.root.clone(),
            site: config.site.url.clone(),
            folders,
            files: files.collect(),
            named: Mutex::new(BTreeMap::new()),
        }
    }

    /// The name under which a picture is shown; `None`: its file is not here.
    pub fn name(&self, address: &str) -> Option<String> {
        let path = self.find(address)?;
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("bin").to_lowercase();
        let name = format!("{}.{ending}", &blake3::hash(address.as_bytes()).to_hex()[..16]);
        self.named.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(name.clone(), path);
        Some(name)
    }

    /// The file of a name that was given.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        self.named.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get(name).cloned()
    }

    /// Every name that was given, with its file.
    pub fn all(&self) -> Vec<(String, PathBuf)> {
        let named = self.named.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        named.iter().map(|(name, path)| (name.clone(), path.clone())).collect()
    }

    /// How a file is called where people know it: relative to the project's folder.
    pub fn shown_path(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().replace('\\', "/")
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
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        let mut config = config();
        config.root = folder.path().to_path_buf();
        config.content.static_folders = vec!["static".to_string()];
        let pictures = Pictures::new(&config, &[]);
        let name = |path: &str| pictures.name(&format!("https://site.example.org/{path}"));
        let found = name("img/%C3%A0%20c%C3%B4t%C3%A9.png").unwrap();
        assert_eq!(pictures.file(&found).unwrap(), folder.path().join("static/img/à côté.png"));
        for path in
            ["img/none.png", "img/%2e%2e/%2e%2e/secret.png", "../secret.png", "img/key.txt", "%2e%2e%2fsecret.png"]
        {
            assert_eq!(name(path), None, "{path}");
        }
        assert_eq!(pictures.name("https://other.example.org/img/x.png"), None);
        assert_eq!(pictures.file("../secret.png"), None);
    }
}
