//! What the letter's look promises, as far as no browser is needed to see it.

use markup5ever_rcdom::Handle;

use crate::support::html::{as_outlook_reads, attribute, find, name, parse, text};
use crate::support::project::Project;

const THEMES: [&str; 2] = ["plain", "dsfr"];

/// A site whose newsletter shows everything that a letter can hold.
fn site(theme: &str, items: usize, more: &str) -> Project {
    let mut project = Project::new()
        .file("people.csv", "email,name\nada@example.org,Ada Exemple\n")
        .file(
            "config/newsletters/lettre.yaml",
            format!(
                "title: La lettre\nfrom: Lettre <lettre@example.org>\nto: file:people.csv\narchive: unlisted\nleave: mailto:leave@example.org\n\
                 backlog: announce\nsurge: 50\ntheme: {theme}\n{more}"
            ),
        )
        .file(
            "posts/evenement.md",
            "---\ntitle: Journée d’essai\ndate: 2026-02-27\nstart: 2026-04-02T09:00:00+02:00\nplace: Valexemple\n---\nVenez.\n",
        )
        .file("posts/arabe.md", "---\ntitle: رسالة الشبكة\ndate: 2026-02-26\nlang: ar\n---\nنص.\n");
    for number in 2..items {
        project.write(
            &format!("posts/n{number:02}.md"),
            format!(
                "---\ntitle: \"Une nouvelle numéro {number}, au titre d’une longueur ordinaire\"\ndate: 2026-01-{:02}\n\
                 tags: [article]\ndescription: \"{}\"\n---\nTexte.\n",
                number + 1,
                "Un résumé de deux lignes, comme on en écrit. ".repeat(3)
            ),
        );
    }
    project.at("2026-03-02T08:00:00Z");
    project
}

fn letter(project: &Project) -> String {
    project.ok(&["digest"]);
    project.read("var/digest/lettre/letter.html")
}

fn all(node: &Handle, wanted: &dyn Fn(&str) -> bool, into: &mut Vec<Handle>) {
    if wanted(name(node)) {
        into.push(node.clone());
    }
    for child in node.children.borrow().iter() {
        all(child, wanted, into);
    }
}

fn elements(html: &str, wanted: &dyn Fn(&str) -> bool) -> Vec<Handle> {
    let mut found = Vec::new();
    all(&parse(html), wanted, &mut found);
    found
}

#[test]
fn a_letter_has_one_title_headings_in_order_and_its_language_where_it_counts() {
    for theme in THEMES {
        let html = letter(&site(
            theme,
            6,
            "sections:\n  - { title: Événements, mark: 🎉, select: { not_tags: [article] } }\n  - { title: Lectures, select: {}, show: line }\n",
        ));
        let headings = elements(&html, &|name| matches!(name, "h1" | "h2" | "h3" | "h4"));
        let levels: Vec<u32> = headings.iter().filter_map(|node| name(node)[1..].parse().ok()).collect();
        assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1, "{theme}: {levels:?}");
        assert!(levels[0] == 1 && levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{theme}: {levels:?}");
        assert!(levels.contains(&3), "{theme}: an entry stands under its section: {levels:?}");
        let roots = elements(&html, &|name| matches!(name, "html" | "table"));
        for root in &roots[..2] {
            assert_eq!(attribute(root, "lang").as_deref(), Some("fr"), "{theme}: {}", name(root));
            assert_eq!(attribute(root, "dir").as_deref(), Some("ltr"), "{theme}: {}", name(root));
        }
        let marks = html.matches("🎉").count();
        assert_eq!(marks, html.matches("<span aria-hidden=\"true\">🎉</span>").count(), "{theme}");
        assert!(marks > 0 && html.contains("dir=\"rtl\"") && html.contains("<ul"), "{theme}");
    }
}

#[test]
fn a_table_has_one_row_or_one_column_and_no_line_at_its_cells_as_outlook_reads_it() {
    for theme in THEMES {
        let html = as_outlook_reads(&letter(&site(theme, 6, "")));
        let page = parse(&html);
        let mut tables = Vec::new();
        all(&page, &|name| name == "table", &mut tables);
        assert!(!tables.is_empty());
        for table in elements(&html, &|name| matches!(name, "table" | "td" | "tr")) {
            let style = attribute(&table, "style").unwrap_or_default();
            let line = style.split(';').any(|part| part.starts_with("border") && !part.ends_with(":0"));
            // The outer one's line is for programs that are not Outlook.
            assert!(!line, "{theme}: <{} style=\"{style}\">", name(&table));
            assert!(attribute(&table, "border").is_none(), "{theme}");
        }
    }
}

#[test]
fn every_colour_and_size_is_at_its_element_and_nothing_is_fetched() {
    for theme in THEMES {
        let html = letter(&site(theme, 6, ""));
        for node in elements(&html, &|name| matches!(name, "p" | "h1" | "h2" | "a" | "li")) {
            if text(&node).trim().is_empty() || name(&node) == "li" {
                continue;
            }
            let style = attribute(&node, "style").unwrap_or_default();
            assert!(style.contains("color:#"), "{theme}: <{}> {}: {style}", name(&node), text(&node));
        }
        let body = find(&parse(&html), "body").expect("a body");
        assert!(attribute(&body, "style").is_some_and(|style| style.contains("background-color:#")), "{theme}");
        for word in ["@font-face", "@import", "<link", "url(", "http-equiv", "<script", "<form", " id=\"", "href=\"#"]
        {
            assert!(!html.contains(word), "{theme}: {word}");
        }
        assert!(html.contains("@media (prefers-color-scheme: dark)") && html.contains("@media (max-width: 599px)"));
        assert!(html.contains("<!--[if mso]>") && html.contains("class=\"preheader\""), "{theme}");
    }
}

#[test]
fn a_letter_of_twelve_items_is_light() {
    for theme in THEMES {
        let html = letter(&site(theme, 12, ""));
        assert!(html.matches("<h2").count() >= 12, "{theme}");
        assert!(html.len() < 25_000, "{theme}: {} bytes", html.len());
    }
}

#[test]
fn the_settings_of_a_look_are_seen_in_the_letter() {
    let more =
        "look: { accent: \"#8a1538\", font: \"Georgia, serif\", logo: { path: /img/logo.png, alt: Le logo } }\n";
    let project = site("plain", 3, more);
    let config = project.read("config/crieur.yaml").replace("content:\n", "content:\n  static: static\n");
    project.write("config/crieur.yaml", config);
    let mut logo = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(120, 60, image::Rgb([138, 21, 56]))
        .write_to(&mut logo, image::ImageFormat::Png)
        .expect("a picture");
    project.write("static/img/logo.png", logo.into_inner());
    let html = letter(&project);
    for part in [
        "color:#8a1538",
        "font-family:Georgia, serif",
        "src=\"https://www.example.org/letters/pictures/",
        "alt=\"Le logo\"",
    ] {
        assert!(html.contains(part), "{part}\n{html}");
    }
    let html = letter(&site("dsfr", 3, "look: { brand: \"Ministère\\nde l’Exemple\", service: Le service }\n"));
    assert!(html.contains("Ministère<br>de l’Exemple") && html.contains(">Le service</a>"), "{html}");
    assert!(!html.contains("<img"), "the brand block is text");
}

#[test]
fn an_accent_that_cannot_be_read_is_told_with_its_contrast_and_words_take_a_darker_one() {
    let project = site("plain", 3, "look: { accent: \"#ffb000\" }\n");
    let checked = project.json(&["check"], 0);
    let told =
        checked["problems"].as_array().expect("a list").iter().find(|problem| problem["code"] == "accent-contrast");
    let message = told.and_then(|problem| problem["message"].as_str()).expect("told");
    assert!(message.contains("1.8 to 1"), "{message}");
    let html = letter(&project);
    assert!(html.contains("solid #ffb000") && !html.contains("color:#ffb000;text"), "{html}");
}

#[test]
fn a_project_changes_one_file_of_a_theme_and_keeps_the_others() {
    let project = site("dsfr", 3, "");
    project
        .write("mail-templates/dsfr/foot.html.hbs", "<tr><td>{{newsletter.sender}} salue.{{> footer}}</td></tr>\n");
    let html = letter(&project);
    assert!(
        html.contains("Lettre salue.") && html.contains("#000091") && html.contains("Ne plus recevoir"),
        "{html}"
    );
}
