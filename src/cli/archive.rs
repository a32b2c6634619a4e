//! `crieur archive`: writes the letters that were sent as pages with a feed, for a site without the web service.

use std::path::{Component, Path, PathBuf};

use serde_json::json;
use url::Url;

use super::office::{Office, runtime};
use super::{Globals, Outcome, report};
use crate::config::{Archive, Config};
use crate::problem::{Problem, Problems};
use crate::web::archive::export::{self, Exported};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The newsletter: the name of its file in config/newsletters/; all, and the list of them, when none is named
    pub newsletter: Option<String>,
    /// The folder to write into (default: archive/ under `publish.out`)
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// The address at which that folder will be (default: its place under `publish.out` on the site)
    #[arg(long, value_name = "URL")]
    pub url: Option<Url>,
}

pub fn run(globals: &Globals, arguments: Args) -> anyhow::Result<Outcome> {
    runtime()?.block_on(async {
        let mut office = Office::open(globals).await?;
        let done = archive(globals, &mut office, arguments).await;
        office.close_after(done).await
    })
}

async fn archive(globals: &Globals, office: &mut Office, arguments: Args) -> anyhow::Result<Outcome> {
    let config = office.config.clone();
    let only = arguments.newsletter.as_deref().map(|name| office.newsletter(name).cloned()).transpose()?;
    let published = config.root.join(&config.publish.out);
    let out = match &arguments.out {
        Some(folder) => config.root.join(folder),
        None => published.join("archive"),
    };
    let root = arguments.url.map_or_else(|| address(&config, &published, &out), with_slash);
    let mut problems = office.problems.clone();
    problems.extend(nothing_to_show(&config, only.as_ref().map(|only| only.name.as_str())));
    let exported = export::export(&mut office.store, &config, only.as_ref(), &out, root).await?;
    report::problems_in_passing(globals, &problems);
    if globals.json {
        globals.print_json(&json!({
            "out": out.display().to_string(),
            "newsletters": exported.newsletters.iter().map(|(name, letters, url)| json!({
                "newsletter": name, "letters": letters, "url": url,
            })).collect::<Vec<_>>(),
            "files": exported.files, "changed": exported.changed, "removed": exported.removed,
            "problems": report::problems_as_json(&problems),
        }))?;
    } else {
        globals.print(&in_words(&out, &exported))?;
    }
    Ok(Outcome::Done)
}

fn in_words(out: &Path, exported: &Exported) -> String {
    let mut lines: Vec<String> = exported
        .newsletters
        .iter()
        .map(|(name, letters, url)| {
            let letters = if *letters == 1 { "1 letter".to_string() } else { format!("{letters} letters") };
            format!("{name}: {letters}, at {url}")
        })
        .collect();
    let Exported { files, changed, removed, .. } = exported;
    lines.push(format!("{}: {files} files, {changed} changed, {removed} removed", out.display()));
    lines.join("\n")
}

/// Why there is nothing to write.
fn nothing_to_show(config: &Config, only: Option<&str>) -> Problems {
    let chosen: Vec<_> =
        config.newsletters.iter().filter(|newsletter| only.is_none_or(|only| only == newsletter.name)).collect();
    if chosen.iter().any(|newsletter| newsletter.archive != Archive::None) {
        return Problems::new();
    }
    let (message, file) = match chosen.first() {
        Some(newsletter) => (
            "nobody is to read past letters on the web: there is nothing to write".to_string(),
            newsletter.file.clone(),
        ),
        None => ("there is no newsletter, and no letter to write".to_string(), "config/newsletters".to_string()),
    };
    let help = "write `archive: public`, or `unlisted`, in the newsletter's file";
    Problems(vec![Problem::warning("archive", message).help(help).in_file(file)])
}

/// Where a folder will be on the site: by its place under what is published, else at `archive/`.
fn address(config: &Config, published: &Path, out: &Path) -> Url {
    let absolute = |path: &Path| std::path::absolute(path).map(|path| plain(&path)).unwrap_or_else(|_| plain(path));
    let site = &config.site.url;
    let below = absolute(out).strip_prefix(absolute(published)).ok().map(|path| {
        path.components().map(|part| format!("{}/", part.as_os_str().to_string_lossy())).collect::<String>()
    });
    site.join(below.as_deref().unwrap_or("archive/")).unwrap_or_else(|_| site.clone())
}

/// Without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

fn with_slash(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::samples;

    #[test]
    fn a_folder_under_what_is_published_is_on_the_site_at_the_same_place() {
        let config = samples::config();
        let at = |out: &str| address(&config, Path::new("/srv/site/public"), Path::new(out)).to_string();
        assert_eq!(at("/srv/site/public/archive"), "https://site.example.org/archive/");
        assert_eq!(at("/srv/site/public/lettres/./passées"), "https://site.example.org/lettres/pass%C3%A9es/");
        assert_eq!(at("/srv/site/public"), "https://site.example.org/");
        assert_eq!(at("/tmp/out"), "https://site.example.org/archive/");
        assert_eq!(at("/srv/site/public/../out"), "https://site.example.org/archive/");
        let url = |text: &str| with_slash(text.parse().expect("an address")).to_string();
        assert_eq!(url("https://a.example.org"), "https://a.example.org/");
        assert_eq!(url("https://a.example.org/b"), "https://a.example.org/b/");
    }
}
