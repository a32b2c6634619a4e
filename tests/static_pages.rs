//! `crieur digest --page`: the preview as files, for people who look at a change before it is merged.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::browser::program;
use crate::support::peer_or_skip;
use crate::support::preview::Tab;
use crate::support::project::Project;

const NEWSLETTER: &str = "title: La lettre\nfrom: L’équipe <lettre@example.org>\nleave: mailto:contact@example.org\n\
                          backlog: announce\nschedule: each-run\nto: file:people.csv\narchive: unlisted\n";

fn project() -> Project {
    let post = |title: &str, more: &str| {
        format!("---\ntitle: \"{title}\"\ndate: 2026-11-20\n{more}---\n\nDu *texte* de {title}.\n")
    };
    let mut project = Project::new()
        .file("config/newsletters/lettre.yaml", NEWSLETTER)
        .file("config/newsletters/zine.yaml", NEWSLETTER.replace("La lettre", "Le zine"))
        .file("feeds/news.yaml", "outputs: { atom: feed/feed.xml }\n")
        .file("people.csv", "email,name\nada@example.org,Ada\n")
        .file("posts/un.md", post("Un [piège] *ici*", "image: /img/carre.png\n"))
        .file("posts/deux.md", post("Deux", ""));
    project.copy(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/content/valid/static")), "static");
    project.at("2026-11-24T09:00:00Z");
    project
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(one) = folders.pop() {
        for entry in fs::read_dir(one).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found
}

#[test]
fn the_pages_stand_on_their_own_and_ask_to_be_left_out() {
    let project = project();
    let ran = project
        .command(&["--json", "digest", "--page", "var/page"])
        .env("CRIEUR_CHROMIUM", "/nowhere/chromium")
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(0), "{said}");
    assert!(said.contains("not every picture of a letter was drawn: Chromium cannot be started"), "{said}");
    let told: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    assert_eq!(told["page"]["pages"], serde_json::json!(["index.html", "zine.html"]));
    assert_eq!(told["page"]["screenshots"], serde_json::json!([]));
    let folder = project.join("var/page");
    let pages: Vec<PathBuf> =
        files(&folder).into_iter().filter(|path| path.extension().is_some_and(|ending| ending == "html")).collect();
    // Two pages; for each letter four showings, the text and the source; a feed.
    assert_eq!(pages.len(), 2 + 2 * 6 + 1);
    for page in pages {
        let html = fs::read_to_string(&page).expect("a page");
        assert!(html.contains("<meta name=\"robots\" content=\"noindex"), "{}", page.display());
        for attribute in [" src=\"", "<link rel=\"stylesheet\" href=\"", "<link rel=\"icon\" href=\""] {
            for address in html.split(attribute).skip(1).filter_map(|rest| rest.split('"').next()) {
                if address == "data:," || page.to_string_lossy().contains("/source/") {
                    continue;
                }
                let file = page.parent().expect("a folder").join(address);
                assert!(file.is_file(), "{}: {address}", page.display());
            }
        }
    }
    let index = project.read("var/page/index.html");
    assert!(index.contains("href=\"zine.html\"") && !index.contains("name=\"token\""), "{index}");
    let summary = project.read("var/page/summary.md");
    assert!(summary.starts_with("# Aperçu de la lettre\n"), "{summary}");
    assert!(summary.contains("- [Un \\[piège\\] \\*ici\\*](<https://www.example.org/posts/un/>)"), "{summary}");
    assert!(!project.join("var/crieur.db").exists());
}

#[test]
fn without_news_and_without_chromium_there_is_a_page_that_says_so() {
    let project = project();
    project.ok(&["send"]);
    let ran = project
        .command(&["digest", "lettre", "--page", "var/page"])
        .env("PATH", "")
        .env_remove("CRIEUR_CHROMIUM")
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.contains("there is no Chromium here"), "{said}");
    assert!(project.read("var/page/index.html").contains("Rien de nouveau depuis"));
    assert!(project.read("var/page/summary.md").contains("rien de nouveau, pas de lettre"));
}

#[test]
fn chromium_draws_the_letter_wide_and_narrow_light_and_dark() {
    let test = "chromium_draws_the_letter_wide_and_narrow_light_and_dark";
    let Some(chromium) = program("chromium") else {
        peer_or_skip(test, "chromium", false);
        return;
    };
    let project = project();
    let ran = project
        .command(&["--json", "digest", "lettre", "--page", "var/page"])
        .env("CRIEUR_CHROMIUM", chromium)
        .output()
        .expect("the program starts");
    let told: serde_json::Value = serde_json::from_slice(&ran.stdout).expect("JSON");
    let drawn: Vec<String> =
        told["page"]["screenshots"].as_array().expect("a list").iter().map(|name| name.to_string()).collect();
    assert_eq!(drawn.len(), 4, "{drawn:?}\n{}", String::from_utf8_lossy(&ran.stderr));
    let pictures: Vec<image::RgbaImage> = ["wide-light", "wide-dark", "narrow-light", "narrow-dark"]
        .iter()
        .map(|name| {
            let path = project.join(&format!("var/page/letter/lettre/next-0/{name}.png"));
            image::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).to_rgba8()
        })
        .collect();
    let widths: Vec<u32> = pictures.iter().map(|picture| picture.width()).collect();
    assert_eq!(widths, [640, 640, 360, 360]);
    for picture in &pictures {
        assert!((300..3000).contains(&picture.height()), "{}", picture.height());
    }
    let brightness = |picture: &image::RgbaImage| u32::from(picture.get_pixel(2, picture.height() - 3).0[0]);
    assert!(brightness(&pictures[0]) > 200 && brightness(&pictures[1]) < 80);
    // Relative to a pull request it would lead nowhere.
    assert!(!project.read("var/page/summary.md").contains(".png"));
}

#[test]
fn in_a_browser_the_written_page_shows_the_letter_without_a_server() {
    let project = project();
    project.crieur(&["digest", "--page", "var/page"]);
    let url = format!("file://{}", project.join("var/page/index.html").display());
    let test = "in_a_browser_the_written_page_shows_the_letter_without_a_server";
    let Some(mut tab) = Tab::open(test, &url) else { return };
    tab.value("document.getElementById('scheme-dark').click()");
    assert_eq!(tab.value("document.querySelector('.wide .dark-with').checkVisibility()"), true);
    assert_eq!(tab.value("document.querySelector('.wide .light-with').checkVisibility()"), false);
    assert_eq!(tab.violations(), serde_json::json!([]));
    assert_eq!(tab.complaints(), serde_json::json!([]));
}

#[test]
fn the_summary_says_what_is_in_and_out_what_it_weighs_what_is_wrong_and_what_changes() {
    let post = |title: &str, date: &str| format!("---\ntitle: '{title}'\ndate: {date}\n---\n\nDu texte.\n");
    let newsletter = NEWSLETTER.replace("each-run", "\"0 9 1 * *\"") + "approve: file\nmax_items: 4\n";
    let mut project = Project::new()
        .file("config/newsletters/lettre.yaml", newsletter)
        .file("people.csv", "email,name\nada@example.org,Ada\n")
        .file("feeds/news.yaml", "outputs: { atom: feed.xml, json: feed.json }\n")
        .file("posts/un.md", post("Le un | @octocat #12", "2026-10-02"))
        .file("posts/deux.md", post("1. [Deux](x) </details>", "2026-10-05"))
        .file("posts/trois.md", post("@octocat/équipe, GH-3 !4", "2026-10-09"))
        .file("posts/quatre.md", post("Écrire à ada@example.org", "2026-10-10"))
        .file("posts/cinq.md", post("# Cinq `code` https://example.org/@moi", "2026-10-12"))
        .file("posts/demain.md", post("Demain", "2026-12-24"));
    project.write(
        "config/crieur.yaml",
        project.read("config/crieur.yaml").replace("content:\n", "content:\n  future: hold\n"),
    );
    project.at("2026-10-20T09:00:00Z");
    project.ok(&["build", "--out", "published"]);
    project.ok(&["draft", "lettre"]);
    let file = "editions/lettre-1.md";
    let edited: String = project
        .read(file)
        .lines()
        .filter(|line| !line.starts_with("- [@octocat"))
        .map(|line| format!("{line}\n"))
        .collect();
    project.write(file, edited.replace("send: no ", "send: now"));
    project.write("posts/six.md", post("Le six", "2026-10-18"));
    project.write("posts/cinq.md", project.read("posts/cinq.md").replace("Du texte", "Un mot"));
    project.write("posts/faux.md", "---\ntitle: Sans date\n---\nQuand ?\n");
    let ran = project
        .command(&["digest", "--page", "page", "--against", "published"])
        .env("CRIEUR_CHROMIUM", "/nowhere/chromium")
        .output()
        .expect("the program starts");
    assert_eq!(ran.status.code(), Some(1));
    let summary = project.read("page/summary.md");
    assert!(!summary.contains("ada@example.org"));
    insta::assert_snapshot!("a_summary", summary.replace('\u{200b}', "<zero width>"));

    // With a mistake in its file there is no letter, and that is said first.
    project.write(file, project.read(file).replace("send: now", "send: demain"));
    project.crieur(&["digest", "--page", "page", "--against", "published"]);
    let summary = project.read("page/summary.md");
    let letter = summary.split("\n## ").nth(1).expect("a letter");
    assert!(letter.contains("❌ **1 erreur empêche l’envoi**\n\n- editions/lettre-1.md:4:7: "), "{letter}");
}
