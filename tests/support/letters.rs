//! The letters that real peers look at: the sample's, two of real sites where the machine has them, and one with every
//! trap, in each theme. Each is composed once for all tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::{corpora, project::Project};

pub const THEMES: [&str; 2] = ["plain", "dsfr"];

pub struct Letter {
    /// The site and the theme.
    pub name: String,
    /// Where letter.html, letter.eml and letter.txt are.
    pub folder: PathBuf,
    /// The site's address, with the folders whose files it serves.
    pub sites: Value,
}

impl Letter {
    pub fn path(&self, ending: &str) -> PathBuf {
        self.folder.join(format!("letter.{ending}"))
    }

    pub fn html(&self) -> String {
        fs::read_to_string(self.path("html")).expect("a letter")
    }

    pub fn site(&self) -> &str {
        self.sites.as_object().and_then(|sites| sites.keys().next()).expect("a site")
    }
}

/// Every letter in every theme.
pub fn all() -> &'static [Letter] {
    static COMPOSED: OnceLock<Vec<Letter>> = OnceLock::new();
    COMPOSED.get_or_init(|| {
        let mut letters = Vec::new();
        for theme in THEMES {
            letters.push(compose("sample", theme, sample(theme)));
            letters.push(compose("traps", theme, traps(theme)));
            if corpora().is_some() {
                letters.push(compose("mini-series", theme, mini_series(theme)));
                letters.push(compose("minumeco-2026", theme, minumeco_2026(theme)));
            }
        }
        if corpora().is_none() {
            println!("skipped: the letters of the corpora, which are not here");
        }
        letters
    })
}

/// Builds, composes, and keeps what came out after the project's folder is gone.
pub fn compose(name: &str, theme: &str, project: Project) -> Letter {
    project.ok(&["build"]);
    project.ok(&["digest"]);
    let name = format!("{name}-{theme}");
    let kept = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("letters").join(&name);
    let _ = fs::remove_dir_all(&kept);
    let mut served = Vec::new();
    for (from, to) in [("public", "public"), ("static", "static"), ("sample/static", "static")] {
        if project.join(from).is_dir() {
            copy(&project.join(from), &kept.join(to));
            served.push(kept.join(to));
        }
    }
    let digests = fs::read_dir(project.join("var/digest")).expect("a digest");
    let folder = digests.flatten().map(|entry| entry.path()).find(|path| path.join("letter.html").exists());
    let folder = folder.expect("a letter");
    copy(&folder, &kept);
    // Sent, it would have its pictures here.
    if folder.join("pictures").is_dir() {
        copy(&folder.join("pictures"), &kept.join("public/letters/pictures"));
        served.push(kept.join("public"));
    }
    let config = project.read("config/crieur.yaml");
    let site = config.split("url: ").nth(1).and_then(|rest| rest.split([' ', ',', '\n']).next()).expect("a site");
    Letter { name, folder: kept, sites: json!({ site: served }) }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        match entry.path().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => fs::copy(entry.path(), to.join(entry.file_name())).map(|_| ()).expect("a copy"),
        }
    }
}

/// The site that the repository brings.
pub fn sample(theme: &str) -> Project {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut project = Project::empty();
    for folder in ["config", "feeds", "sample"] {
        project.copy(&root.join(folder), folder);
    }
    let newsletter = project.read("config/newsletters/referents.yaml");
    assert!(newsletter.contains("theme: plain"), "{newsletter}");
    project
        .write("config/newsletters/referents.yaml", newsletter.replace("theme: plain", &format!("theme: {theme}")));
    project.at("2026-03-02T08:00:00Z");
    project
}

fn newsletter(theme: &str, more: &str) -> String {
    format!(
        "title: La lettre des référents\nfrom: MiNumEco <lettre@lettre.example.org>\nreply_to: contact@example.org\n\
         to: file:config/people.csv\narchive: unlisted\nleave: mailto:contact@example.org\nbacklog: announce\nschedule: each-run\n\
         reason: Vous recevez cette lettre en tant que référent ou référente.\n\
         postal_address: 1 place de l’Exemple, 00000 Valexemple\nsurge: 40\ntheme: {theme}\n{more}"
    )
}

const PEOPLE: &str = "email,name\nada@example.org,Ada Exemple\n";

const MINUMECO: &str = "site:\n  url: https://ecoresponsable.numerique.gouv.fr/\n  title: Numérique écoresponsable\n  language: fr\n  \
     time_zone: Europe/Paris\ncontent:\n  paths: [posts]\n  permalink: PERMALINK\n  dates_in: UTC\n  static: static\n  \
     variables: { metadata: _data/metadata.json }\n  shortcodes:\n    \
     dailymotion: '<iframe src=\"https://www.dailymotion.com/embed/video/{{args.[0]}}\"></iframe>'\n  \
     markdown: { html: true, breaks: true, linkify: true, typographer: true, indented_code: false, \
     quotes: [\"«\\u00a0\", \"\\u00a0»\", \"‹\\u00a0\", \"\\u00a0›\"] }\nmail: { transport: 'maildir:var/outbox' }\n";

const MINI_SERIES_SECTIONS: &str = "sections:\n  - { title: La mini-série des référents, mark: 🎬, select: { folder: posts/videos } }\n  \
     - { title: À écouter, mark: 🎧, select: { folder: posts/podcast } }\n  - { title: Et aussi, mark: 📌 }\n";

const SECTIONS_2026: &str = "sections:\n  - { title: Semaine NumEco 2026, mark: 📅, select: { folder: actus } }\n  \
     - { title: À regarder, mark: 🎬, select: { folder: videos } }\n  - { title: À écouter, mark: 🎧, select: { folder: podcasts } }\n  \
     - { title: Nos lettres, mark: 📬, select: { folder: lettres-information }, show: line }\n";

/// What came out around the four episodes of a series, in the late summer of 2024.
pub fn mini_series(theme: &str) -> Project {
    let mut project = Project::empty()
        .file("config/crieur.yaml", MINUMECO.replace("PERMALINK", "/posts/{stem}/"))
        .file("config/newsletters/referents.yaml", newsletter(theme, MINI_SERIES_SECTIONS))
        .file("config/people.csv", PEOPLE);
    project.copy(&corpora().expect("the corpora").join("minumeco"), ".");
    for entry in fs::read_dir(project.join("posts")).expect("posts").flatten() {
        let path = entry.path();
        let text = fs::read_to_string(&path).expect("a post");
        let date = text.split("\ndate: ").nth(1).and_then(|rest| rest.get(..10)).unwrap_or_default();
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".md") {
            continue;
        }
        if !("2024-07-15".."2024-09-22").contains(&date) {
            fs::remove_file(path).expect("a post to remove");
        } else if let Some(folder) = ["videos", "podcast"].iter().find(|folder| name.contains(*folder)) {
            project.rename(&format!("posts/{name}"), &format!("posts/{folder}/{name}"));
        }
    }
    project.at("2024-09-23T07:00:00Z");
    project
}

/// The same site's layout of 2026: nested folders, large pictures, events, two series.
pub fn minumeco_2026(theme: &str) -> Project {
    let config = MINUMECO
        .replace("PERMALINK", "/actualites/{stem}/")
        .replace("  variables: { metadata: _data/metadata.json }\n", "")
        .replace("  static: static\n", "");
    let mut project = Project::empty()
        .file("config/crieur.yaml", config)
        .file("config/newsletters/referents.yaml", newsletter(theme, SECTIONS_2026))
        .file("config/people.csv", PEOPLE);
    project.copy(&corpora().expect("the corpora").join("minumeco-2026"), ".");
    project.at("2026-03-02T08:00:00Z");
    project
}

/// Items that strain a letter: no picture, no description, long titles and words, other languages, an event.
pub fn traps(theme: &str) -> Project {
    let mut project = Project::new()
        .file("config/newsletters/pieges.yaml", newsletter(theme, ""))
        .file("config/people.csv", PEOPLE)
        .file("posts/long.md", format!("---\ntitle: \"{}\"\ndate: 2026-02-01\n---\nCourt.\n", "Un titre qui dure ".repeat(17)))
        .file(
            "posts/mot.md",
            format!(
                "---\ntitle: Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz\ndate: 2026-02-02\n---\n\
                 Voir https://www.example.org/{} et `{}`.\n",
                "chemin/".repeat(20),
                "mot".repeat(60)
            ),
        )
        .file(
            "posts/arabe.md",
            "---\ntitle: رسالة الشبكة — العدد 3\ndate: 2026-02-03\nlang: ar\ndescription: أخبار الشبكة في 3 نقاط.\n---\nنص.\n",
        )
        .file(
            "posts/hebreu.md",
            "---\ntitle: חדשות הרשת\ndate: 2026-02-04\nlang: he\ndescription: שלוש חדשות מהרשת.\n---\nטקסט.\n",
        )
        .file("posts/vide.md", "---\ntitle: Sans un mot de plus\ndate: 2026-02-05\n---\n")
        .file(
            "posts/evenement.md",
            "---\ntitle: Journée d’essai\ndate: 2026-02-06\nstart: 2026-04-02T09:00:00+02:00\nend: 2026-04-02T12:00:00+02:00\n\
             place: Salle des fêtes de Valexemple\n---\nInscription auprès de l’équipe.\n",
        )
        .file("posts/signes.md", "---\ntitle: \"<b>Gras</b> & « 100 % » d’émotions 🎉 ?\"\ndate: 2026-02-07\n---\nUn *mot*.\n");
    project.at("2026-03-02T08:00:00Z");
    project
}
