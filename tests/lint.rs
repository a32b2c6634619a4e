//! The lint on the real program: a hostile template is found out, what the project itself writes has nothing to hide.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::support::corpora;
use crate::support::project::Project;

const NEWSLETTER: &str = "title: La lettre\nfrom: L’équipe <lettre@example.org>\nleave: mailto:contact@example.org\n\
                          backlog: announce\nschedule: each-run\nto: file:people.csv\narchive: unlisted\n";

/// Everything that a template can do to its readers, in one.
const HOSTILE: &str = r##"<!DOCTYPE html>
<html>
<head><title>{{subject}}</title>
<link rel="stylesheet" href="https://cdn.example.net/mail.css">
<style>
@import url("https://fonts.example.net/sans.css");
.dark { color: #777777; }
@media (prefers-color-scheme: dark) { body { background-color: #333333 !important; } }
</style></head>
<body style="background-color: #ffffff; color: #aaaaaa;">
<table border="1" style="display: flex;">
<tr><td>{{newsletter.title}}</td><td>{{edition.date}}</td></tr>
<tr><td><table><tr><td><table><tr><td style="font-size: 11px;">Trop petit</td></tr></table></td></tr></table></td></tr>
</table>
<h3>Un sous-titre</h3>
<a href="#suite">La suite de la lettre</a>
<video src="https://www.example.org/film.mp4"></video>
<script>open()</script>
<p hidden onclick="open()">{{{{raw}}}}{{ oublié }}{{{{/raw}}}}</p>
<p>Ελληνικά&#8203;</p><p>مرحبا بكم</p>
{{#each sections}}{{#each entries}}
<a href="{{url}}?utm_source=lettre">Cliquez ici</a> <a href="{{url}}">Cliquez ici</a>
{{/each}}{{/each}}
<a href="/a-propos/">À propos du site</a> <a href="http://www.example.org/">Le site</a> <a href="https://www.example.org/x/"></a>
<a href="javascript:open()">Ouvrir</a>
<img src="https://stats.example.net/open?who={{recipient.email}}" width="1" height="1">
<img src="https://cdn.example.net/logo.png" alt="">
<img src="data:image/png;base64,AA==" alt="" width="9" height="9">
<a href="https://www.example.org/read?who={{recipient.email}}">Lire en ligne</a>
</body>
</html>
"##;

fn project() -> Project {
    let mut project = Project::new()
        .file("config/newsletters/lettre.yaml", NEWSLETTER)
        .file("people.csv", "email,name\nada@example.org,Ada\nbob@example.org,\n")
        .file("posts/un.md", "---\ntitle: Un\ndate: 2026-11-02\n---\n\nDu *texte*.\n")
        .file("posts/deux.md", "---\ntitle: Deux\ndate: 2026-11-20\n---\n\nDu texte.\n");
    project.at("2026-11-24T09:00:00Z");
    project
}

fn codes(problems: &Value) -> BTreeSet<String> {
    let all = problems.as_array().expect("a list").iter();
    all.filter_map(|problem| problem["code"].as_str())
        .filter(|code| code.starts_with("letter-"))
        .map(str::to_string)
        .collect()
}

#[test]
fn a_hostile_template_is_found_out_by_digest_and_check() {
    let project = project().file("mail-templates/digest.html.hbs", HOSTILE);
    let shown = project.json(&["digest"], 1);
    let found = codes(&shown["editions"][0]["problems"]);
    let expected = [
        "letter-address-data",
        "letter-address-http",
        "letter-address-relative",
        "letter-address-script",
        "letter-anchor",
        "letter-attribute",
        "letter-contrast",
        "letter-contrast-dark",
        "letter-direction",
        "letter-element",
        "letter-foreign-load",
        "letter-heading-main",
        "letter-invisible",
        "letter-item-missing",
        "letter-language",
        "letter-language-outer",
        "letter-link-empty",
        "letter-link-vague",
        "letter-no-way-out",
        "letter-other-language",
        "letter-picture-alt",
        "letter-picture-size",
        "letter-small-text",
        "letter-style",
        "letter-style-rule",
        "letter-table-border",
        "letter-table-depth",
        "letter-table-grid",
        "letter-table-role",
        "letter-template-code",
        "letter-token",
        "letter-tracker",
        "letter-tracking-link",
    ];
    assert_eq!(found, expected.iter().map(|code| code.to_string()).collect());
    assert_eq!(codes(&project.json(&["check"], 1)["problems"]), found, "check says the same");
    let report: Value = serde_json::from_str(&project.read("var/digest/lettre/report.json")).expect("JSON");
    assert_eq!(codes(&report["problems"]), found);
    let letter = project.read("var/digest/lettre/letter.html");
    for problem in report["problems"].as_array().expect("a list") {
        assert!(problem["explanation"].as_str().is_some_and(|why| why.len() > 20), "{problem}");
        if problem["file"] == "lettre/letter.html" {
            let line = problem["line"].as_u64().expect("a line") as usize;
            assert!(line >= 1 && line <= letter.lines().count(), "{problem}");
        }
    }
}

#[test]
fn explanations_are_said_to_those_who_ask() {
    let template = "<html lang=\"fr\"><body><h1>La lettre</h1></body></html>";
    let project = project().file("mail-templates/digest.html.hbs", template);
    let why = "= note: C’est un droit";
    let ran = project.crieur(&["check"]);
    assert!(ran.stderr.contains("error[letter-no-way-out]") && !ran.stderr.contains(why), "{}", ran.stderr);
    let ran = project.crieur(&["-v", "check"]);
    assert!(ran.stderr.contains(why), "{}", ran.stderr);
}

#[test]
fn check_looks_at_what_is_new_and_changes_nothing() {
    let project = project();
    project.ok(&["run"]);
    let template = "<html lang=\"fr\"><body><h1>La lettre</h1></body></html>";
    project.write("mail-templates/digest.html.hbs", template);
    assert_eq!(codes(&project.json(&["check"], 0)["problems"]), BTreeSet::new(), "nothing new, no letter");
    project.write("posts/trois.md", "---\ntitle: Trois\ndate: 2026-11-23\n---\n\nDu texte.\n");
    let database = std::fs::read(project.join("var/crieur.db")).expect("a database");
    let missing = project.json(&["check"], 1);
    let missing: Vec<&str> = missing["problems"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|problem| problem["code"] == "letter-item-missing")
        .filter_map(|problem| problem["file"].as_str())
        .collect();
    assert_eq!(missing, ["posts/trois.md"], "what was announced is in no letter");
    assert_eq!(std::fs::read(project.join("var/crieur.db")).expect("a database"), database);
}

#[test]
fn the_weight_is_told_by_item_and_for_the_whole_list() {
    let project = project();
    let shown = project.json(&["digest"], 0);
    let edition = &shown["editions"][0];
    let weight = &edition["weight"];
    assert_eq!(weight["html"], edition["html_bytes"]);
    assert_eq!(weight["text"], edition["text_bytes"]);
    let letter = project.read("var/digest/lettre/letter.eml");
    let header = letter.find("\r\n\r\n").or_else(|| letter.find("\n\n")).expect("a header");
    assert_eq!(weight["header"].as_u64(), Some(header as u64));
    let items = weight["items"].as_array().expect("a list");
    let ids: Vec<&str> = items.iter().filter_map(|item| item["id"].as_str()).collect();
    assert_eq!(ids, ["https://www.example.org/posts/deux/", "https://www.example.org/posts/un/"]);
    for (part, whole) in [("html_bytes", &weight["html"]), ("text_bytes", &weight["text"])] {
        let bytes: Vec<u64> = items.iter().filter_map(|item| item[part].as_u64()).collect();
        assert!(bytes.iter().all(|bytes| *bytes > 40), "{part}: {bytes:?}");
        assert!(bytes.iter().sum::<u64>() < whole.as_u64().expect("a number"), "{part}: {bytes:?}");
    }
    let html = project.read("var/digest/lettre/letter.html");
    assert_eq!(weight["requests"].as_u64(), Some(html.matches("<img ").count() as u64));
    let carbon = &weight["carbon"];
    assert_eq!(carbon["recipients"], 2);
    let each = edition["letter_bytes"].as_f64().expect("a number") / 1e9 * 0.3 * 494.0;
    let told = carbon["grams_per_letter"].as_f64().expect("a number");
    assert!((told - each).abs() < each * 0.06, "{told}, {each}");
    assert!(carbon["method"].as_str().is_some_and(|method| method.contains("version 4")), "{carbon}");
    let words = project.ok(&["digest"]);
    assert!(words.contains(" for 2 recipients (Sustainable Web Design Model, version 4)"), "{words}");
}

/// The letter of a project in both themes: what the lint says of each.
fn in_both_themes(project: &Project, newsletter: &str, arguments: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let plain = project.read(newsletter);
    for theme in ["plain", "dsfr"] {
        let lines = plain.lines().filter(|line| !line.starts_with("theme:") && !line.starts_with("look:"));
        let dressed = format!("{}\ntheme: {theme}\n", lines.collect::<Vec<_>>().join("\n"));
        project.write(newsletter, dressed);
        let ran = project.crieur(&[&["--json"], arguments].concat());
        let shown: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|e| panic!("{e}\n{}", ran.stderr));
        let edition = &shown["editions"][0];
        assert!(edition["html_bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{theme}: {}", ran.stderr);
        for problem in edition["problems"].as_array().expect("a list") {
            let code = problem["code"].as_str().unwrap_or("");
            if code.starts_with("letter-") {
                found.push((code.to_string(), format!("{theme}: {}", problem["message"].as_str().unwrap_or(""))));
            }
        }
    }
    found
}

#[test]
fn the_sample_has_nothing_to_hide() {
    let mut project = Project::empty();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for folder in ["config", "feeds", "sample"] {
        project.copy(&root.join(folder), folder);
    }
    project.at("2026-11-24T09:00:00Z");
    assert_eq!(in_both_themes(&project, "config/newsletters/referents.yaml", &["digest"]), []);
}

#[test]
fn of_the_corpora_the_lint_says_what_their_authors_wrote_and_nothing_else() {
    let Some(corpora) = corpora() else {
        println!("skipped: the lint of the corpora, which are not here");
        return;
    };
    for (folder, permalink) in [("minumeco", "/posts/{stem}/"), ("minumeco-2026", "/actualites/{stem}/")] {
        let mut project = Project::new()
            .file("config/newsletters/lettre.yaml", NEWSLETTER.to_string() + "surge: 40\nmax_items: 20\n");
        project.write("people.csv", "email\nada@example.org\n");
        project.write(
            "config/crieur.yaml",
            project
                .read("config/crieur.yaml")
                .replace("https://www.example.org/", "https://ecoresponsable.numerique.gouv.fr/")
                .replace("/posts/{stem}/", permalink)
                .replace(
                    "content:\n",
                    "content:\n  static: static\n  variables: { metadata: _data/metadata.json }\n",
                ),
        );
        project.write("_data/metadata.json", "{}");
        project.write("static/.keep", "");
        project.copy(&corpora.join(folder), ".");
        project.at("2026-11-24T09:00:00Z");
        let found = in_both_themes(&project, "config/newsletters/lettre.yaml", &["digest"]);
        // Two items of one name and a long title are their authors'; one picture is named and not in the corpus.
        let justified = ["letter-link-same", "letter-subject-long", "letter-picture-size", "letter-address-missing"];
        let other: Vec<_> = found.iter().filter(|(code, _)| !justified.contains(&code.as_str())).collect();
        assert!(other.is_empty(), "{folder}: {other:#?}");
    }
}
