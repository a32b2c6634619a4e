//! For each code, a letter that has the fault, next to one that has none.

use std::fs;

use tempfile::TempDir;
use url::Url;

use super::*;

/// A sound letter, and what a test changes of it.
struct Sample {
    html: String,
    text: String,
    subject: String,
    language: String,
    items: Vec<(&'static str, &'static str)>,
    way_out: Option<String>,
    personal: bool,
    budget: usize,
}

const TOKEN: &str = "h3Jk9dQ2xYv7PzR4mN8w";

impl Sample {
    fn new() -> Sample {
        let way_out = format!("https://lettre.example.org/leave/{TOKEN}");
        let html = format!(
            "<!DOCTYPE html>\n<html lang=\"fr\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>La lettre</title>\n<style>@media (prefers-color-scheme: dark) {{ .sheet {{ background-color: #111111 !important; }} \
             .words {{ color: #eeeeee !important; }} }}</style>\n</head>\n<body style=\"margin: 0;\">\n\
             <table role=\"presentation\" class=\"sheet\" lang=\"fr\" width=\"100%\" border=\"0\" style=\"background-color: #ffffff;\">\n\
             <tr><td class=\"words\" style=\"color: #222222; font-size: 16px;\">\n<h1>La lettre</h1>\n<h2><a href=\"https://www.example.org/un/\">Un premier titre</a></h2>\n\
             <p>Des mots.</p>\n<!--here-->\n<h2><a href=\"https://www.example.org/deux/\">Deux : la suite</a></h2>\n\
             <p><a href=\"{way_out}\">Ne plus recevoir cette lettre</a></p>\n</td></tr>\n</table>\n</body>\n</html>\n"
        );
        let text = format!(
            "La lettre\n\nUn premier\ntitre\nhttps://www.example.org/un/\n\nDeux : la suite\nhttps://www.example.org/deux/\n\n-- \n\
             Pour ne plus la recevoir : {way_out}\n"
        );
        Sample {
            html,
            text,
            subject: "La lettre n° 1 : un premier titre".to_string(),
            language: "fr".to_string(),
            items: vec![
                ("Un premier titre", "https://www.example.org/un/"),
                ("Deux : la suite", "https://www.example.org/deux/"),
            ],
            way_out: Some(way_out),
            personal: true,
            budget: 80_000,
        }
    }

    fn put(mut self, html: &str) -> Sample {
        self.html = self.html.replace("<!--here-->", html);
        self
    }

    fn swap(mut self, old: &str, new: &str) -> Sample {
        assert!(self.html.contains(old), "{old}");
        self.html = self.html.replace(old, new);
        self
    }

    fn problems(&self) -> Problems {
        let folder = TempDir::new().expect("a folder");
        for (path, content) in [
            (
                "config/crieur.yaml",
                "site: { url: https://www.example.org/, title: Le site, language: fr }\ncontent: { paths: [posts], static: static }\n",
            ),
            ("static/there.png", "a picture"),
            ("static/a b.pdf", "a paper"),
        ] {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            fs::write(path, content).expect("a file");
        }
        let (config, _) = Config::read(folder.path()).expect("a configuration");
        let site = Url::parse("https://www.example.org/").expect("an address");
        let items: Vec<LetterItem<'_>> = self
            .items
            .iter()
            .map(|(title, url)| LetterItem { id: url, title, url, file: Some("posts/un.md") })
            .collect();
        let letter = Letter {
            newsletter: "lettre",
            newsletter_file: "config/newsletters/lettre.yaml",
            html: &self.html,
            text: &self.text,
            subject: &self.subject,
            language: &self.language,
            items: &items,
            site: &site,
            pictures: &["https://images.example.org/mail/1.jpg"],
            way_out: self.way_out.as_deref(),
            personal: self.personal,
            recipient: "ada@example.org",
            budget: self.budget,
        };
        lint(&letter, &config)
    }

    fn codes(&self) -> Vec<&'static str> {
        self.problems().iter().map(|problem| problem.code).collect()
    }
}

/// Each of these is put into the sound letter and is the only thing wrong with it.
const FAULTS: [(&str, &str); 43] = [
    ("letter-element", "<video width=\"9\" controls></video>"),
    ("letter-element", "<svg></svg>"),
    ("letter-element", "<form><p>Votre avis</p></form>"),
    ("letter-attribute", "<p hidden>Des mots.</p>"),
    ("letter-attribute", "<p onclick=\"x()\">Des mots.</p>"),
    ("letter-style", "<div style=\"display: flex;\"><p>Des mots.</p></div>"),
    ("letter-style", "<p style=\"margin: -8px 0;\">Des mots.</p>"),
    ("letter-anchor", "<a href=\"#sommaire\">Le sommaire</a>"),
    ("letter-contrast", "<p style=\"color: #999999;\" class=\"words\">Gris sur blanc.</p>"),
    (
        "letter-contrast",
        "<table role=\"presentation\" bgcolor=\"#333333\"><tr><td class=\"words\">Sombre sur sombre.</td></tr></table>",
    ),
    (
        "letter-contrast",
        "<p class=\"words\" style=\"background-color: #000091; font-size: 30px; color: #444444\">Grand, et sombre.</p>",
    ),
    ("letter-contrast-dark", "<p style=\"color: #444444;\">Sans règle pour la nuit.</p>"),
    ("letter-small-text", "<p style=\"font-size: 12px;\">Tout petit.</p>"),
    ("letter-small-text", "<p style=\"font-size: 0.8em;\">Tout petit.</p>"),
    ("letter-heading-main", "<h1>Encore un titre</h1>"),
    ("letter-heading-step", "<h4>Trop profond</h4>"),
    ("letter-other-language", "<p>Ελληνικά</p>"),
    ("letter-direction", "<p lang=\"ar\">مرحبا بكم</p>"),
    (
        "letter-link-empty",
        "<a href=\"https://www.example.org/x/\"><img src=\"https://www.example.org/there.png\" alt=\"\" width=\"20\" height=\"20\"></a>",
    ),
    ("letter-link-vague", "<a href=\"https://www.example.org/x/\">Cliquez ici !</a>"),
    ("letter-link-address", "<a href=\"https://www.example.org/x/\">https://www.example.org/x/</a>"),
    ("letter-link-same", "<a href=\"https://www.example.org/x/\">Un premier titre</a>"),
    ("letter-picture-alt", "<img src=\"https://www.example.org/there.png\" width=\"20\" height=\"20\">"),
    ("letter-picture-size", "<img src=\"https://www.example.org/there.png\" alt=\"Un lieu\" width=\"20\">"),
    (
        "letter-table-grid",
        "<table role=\"presentation\"><tr><td>Un</td><td>Deux</td></tr><tr><td>Trois</td></tr></table>",
    ),
    (
        "letter-table-depth",
        "<!--[if mso]><table role=\"presentation\"><tr><td><table role=\"presentation\"><tr><td><![endif]-->a<!--[if mso]></td></tr></table></td></tr></table><![endif]-->",
    ),
    ("letter-table-border", "<table role=\"presentation\" border=\"1\"><tr><td>Un</td></tr></table>"),
    (
        "letter-table-border",
        "<table role=\"presentation\" style=\"border-top: 1px solid #000000;\"><tr><td>Un</td></tr></table>",
    ),
    ("letter-table-role", "<table><tr><td>Un</td></tr></table>"),
    ("letter-address-relative", "<a href=\"/x/\">Une page</a>"),
    ("letter-address-http", "<a href=\"http://www.example.org/x/\">Une page</a>"),
    ("letter-address-missing", "<a href=\"https://www.example.org/gone.pdf\">Un rapport</a>"),
    ("letter-address-script", "<a href=\"java\nscript:alert(1)\">Une page</a>"),
    ("letter-address-data", "<img src=\"data:image/png;base64,AA==\" alt=\"\" width=\"20\" height=\"20\">"),
    ("letter-tracker", "<img src=\"https://www.example.org/there.png?who=1\" alt=\"\" width=\"20\" height=\"20\">"),
    ("letter-tracker", "<img src=\"https://www.example.org/there.png\" alt=\"\" width=\"1\" height=\"1\">"),
    ("letter-tracker", "<ul style=\"list-style-image: url(https://www.example.org/there.png?x)\"><li>Un</li></ul>"),
    ("letter-foreign-load", "<img src=\"https://other.example.org/a.png\" alt=\"\" width=\"20\" height=\"20\">"),
    ("letter-tracking-link", "<a href=\"https://other.example.org/?utm_source=lettre\">Une page</a>"),
    ("letter-token", "<a href=\"https://other.example.org/read/h3Jk9dQ2xYv7PzR4mN8w\">Une page</a>"),
    ("letter-token", "<a href=\"https://other.example.org/?for=ada%40example.org\">Une page</a>"),
    ("letter-template-code", "<p>Bonjour {{ nom }}</p>"),
    ("letter-invisible", "<p>Des\u{200b}mots.</p>"),
];

/// Each of these is put into the sound letter and nothing is wrong with it.
const SOUND: [&str; 17] = [
    "<p style=\"border-radius: 4px; max-width: 600px; margin-inline-start: 8px; opacity: .9;\">Des mots.</p>",
    "<p style=\"width: 100%; width: min(100%, 600px);\">Des mots.</p>",
    "<div style=\"display: none; font-size: 1px; color: #ffffff; opacity: 0;\">Un aperçu</div>",
    "<p class=\"words\" style=\"color: #888888; font-size: 24px;\">Grand.</p>",
    "<h3>Un pas de plus</h3><h2>Et retour</h2>",
    "<p lang=\"ar\" dir=\"rtl\">مرحبا بكم</p>",
    "<p>Une unité : 5 µg, et α ou Ω.</p>",
    "<a href=\"https://www.example.org/x/\"><img src=\"https://www.example.org/there.png\" alt=\"Le plan du lieu\" width=\"20\" height=\"20\"></a>",
    "<a href=\"https://www.example.org/un/\">Un premier titre</a>",
    "<a href=\"https://www.example.org/a%20b.pdf\">Le rapport</a>",
    "<img src=\"https://images.example.org/mail/1.jpg\" alt=\"\" width=\"20\" height=\"20\">",
    "<table role=\"presentation\"><tr><td>Un</td><td>Deux</td></tr></table><table role=\"presentation\"><tr><td>Un</td></tr><tr><td>Deux</td></tr></table>",
    "<table><tr><th>Jour</th><th>Heure</th></tr><tr><td>Lundi</td><td>9 h</td></tr></table>",
    "<a href=\"mailto:contact@example.org\">Nous écrire</a> <a href=\"https://other.example.org/?id=3\">Une page</a>",
    "<p>On écrit <code>{{ nom }}</code> dans un modèle.</p>",
    "<!--[if mso]><style>td { color: red; }</style><table role=\"presentation\"><tr><td><![endif]--><!--[if !mso]><!--><table role=\"presentation\" style=\"border: 1px solid #000000;\"><tr><td><!--<![endif]-->Un</td></tr></table>",
    "<p>👩\u{200d}💻 co\u{ad}opé\u{ad}ra\u{ad}tion</p><!--[if mso]><v:rect style=\"display: flex\"/><![endif]-->",
];

#[test]
fn a_sound_letter_has_no_problem() {
    assert_eq!(Sample::new().codes(), [""; 0]);
    for html in SOUND {
        assert_eq!(Sample::new().put(html).codes(), [""; 0], "{html}");
    }
}

#[test]
fn each_fault_is_found_and_nothing_else() {
    for (code, html) in FAULTS {
        assert_eq!(Sample::new().put(html).codes(), [code], "{html}");
    }
}

#[test]
fn languages_are_marked_where_webmails_keep_them() {
    assert_eq!(Sample::new().swap("<html lang=\"fr\">", "<html lang=\"en\">").codes(), ["letter-language"]);
    assert_eq!(Sample::new().swap(" lang=\"fr\" width", " width").codes(), ["letter-language-outer"]);
}

#[test]
fn rules_that_only_a_style_sheet_holds_are_found() {
    for rule in ["h2 { color: #222222; }", ".words::before { content: \"Nouveau\"; }"] {
        assert_eq!(
            Sample::new().swap("<style>", &format!("<style>{rule} ")).codes(),
            ["letter-style-rule"],
            "{rule}"
        );
    }
    for rule in [
        ".gone { color: red; }",
        "a:hover { color: red; }",
        "[data-ogsc] h2 { color: red; }",
        "td { font-size: 16px; }",
    ] {
        assert_eq!(Sample::new().swap("<style>", &format!("<style>{rule} ")).codes(), [""; 0], "{rule}");
    }
    let imported = Sample::new().swap("<style>", "<style>@import url(https://fonts.example.org/a.css); ");
    assert_eq!(imported.codes(), ["letter-style-rule", "letter-tracker"]);
    let font = Sample::new().swap("<style>", "<style>@font-face { src: url(https://fonts.example.org/a.woff); } ");
    assert_eq!(font.codes(), ["letter-foreign-load"]);
}

#[test]
fn the_subject_is_short_and_quiet() {
    for (code, subject) in [
        ("letter-subject-empty", " "),
        ("letter-subject-long", "Une phrase qui n'en finit pas, et qui dit la même chose deux fois"),
        ("letter-subject-capitals", "URGENT : A LIRE"),
        ("letter-subject-emoji", "🎉 La lettre 🎉"),
        ("letter-template-code", "La lettre {{ number }}"),
        ("letter-invisible", "La lettre\u{feff}"),
    ] {
        assert_eq!(Sample { subject: subject.into(), ..Sample::new() }.codes(), [code], "{subject}");
    }
    for subject in ["👩\u{200d}💻 La lettre", "La lettre de la DINUM", "RGAA"] {
        assert_eq!(Sample { subject: subject.into(), ..Sample::new() }.codes(), [""; 0], "{subject}");
    }
}

#[test]
fn both_parts_say_the_same() {
    let text = Sample::new().text;
    let missing = text.replace("https://www.example.org/un/", "https://www.example.org/unique/");
    let told = Sample { text: missing, ..Sample::new() }.problems();
    let told: Vec<_> = told.iter().map(|p| (p.code, p.place.as_ref().map(|place| place.file.as_str()))).collect();
    assert_eq!(told, [("letter-item-missing", Some("posts/un.md"))]);
    assert_eq!(Sample::new().swap(">Un premier titre<", ">Autre chose<").codes(), ["letter-item-missing"]);
    let turned = "Deux : la suite\nhttps://www.example.org/deux/\n\nUn premier titre\nhttps://www.example.org/un/\n";
    let out = text.split_once("-- \n").expect("an end").1;
    assert_eq!(Sample { text: format!("{turned}-- \n{out}"), ..Sample::new() }.codes(), ["letter-item-order"]);
}

#[test]
fn the_way_out_is_in_both_parts() {
    let way_out = Sample::new().way_out.expect("a way out");
    let nowhere = Sample::new().swap(&way_out, "https://www.example.org/help/");
    assert_eq!(nowhere.codes(), ["letter-no-way-out"]);
    let text = Sample::new().text.replace(&way_out, "");
    assert_eq!(Sample { text, ..Sample::new() }.codes(), ["letter-no-way-out"]);
    assert_eq!(Sample { way_out: None, ..Sample::new() }.codes(), ["letter-no-way-out"; 2], "in neither");
    let list = Sample { way_out: None, personal: false, ..Sample::new() };
    assert_eq!(list.codes(), [""; 0], "a list server sees to it");
    let other = format!("Lire en ligne : https://www.example.org/read?t={TOKEN}\n");
    let told = Sample { text: other + &Sample::new().text, ..Sample::new() };
    assert_eq!(told.codes(), ["letter-token"]);
}

#[test]
fn a_letter_that_would_be_cut_is_found() {
    assert_eq!(Sample { budget: 500, ..Sample::new() }.codes(), ["letter-clipped"]);
    let long = format!("<p>{}</p>", "Des mots. ".repeat(11_000));
    let cut = Sample { budget: 200_000, ..Sample::new() }.put(&long).problems();
    assert!(cut.0[0].message.contains("102,0"), "{}", cut.0[0].message);
}

#[test]
fn every_code_is_tested_here_and_has_its_words_in_both_languages() {
    let here = include_str!("tests.rs");
    let french = words::Words::of("fr-FR");
    let english = words::Words::of("nl");
    for (code, _) in CODES {
        assert!(here.contains(&format!("\"{code}\"")), "{code} has no test");
        for words in [&french, &english] {
            let said = words.codes().find(|(known, _)| *known == code).map(|(_, said)| said);
            let said = said.unwrap_or_else(|| panic!("{code} has no words"));
            assert!(!said.message.is_empty() && !said.help.is_empty() && !said.why.is_empty(), "{code}");
            assert!(!said.message.ends_with('.'), "{code}: {}", said.message);
        }
    }
    assert_eq!(french.codes().count(), CODES.len());
    assert_eq!(english.codes().count(), CODES.len());
    assert!(CODES.is_sorted(), "the codes are in order");
}

#[test]
fn what_is_said_is_said_in_the_letters_language() {
    let mut out = String::new();
    for language in ["fr", "en"] {
        for (code, html) in FAULTS {
            let sample = Sample { language: language.into(), ..Sample::new() }.put(html);
            // The sample says that it is in French: said once, elsewhere.
            for problem in sample.problems().iter().filter(|problem| problem.code == code) {
                out.push_str(&format!("{problem}\n"));
            }
        }
        let words = words::Words::of(language);
        for (code, said) in words.codes() {
            out.push_str(&format!("\n{code}\n  {}\n  {}\n  {}\n", said.message, said.help, said.why));
        }
        out.push('\n');
    }
    insta::assert_snapshot!(out);
}

#[test]
fn a_problem_names_its_line_and_explains_itself() {
    let problems = Sample::new().put("<p>a</p>\n<p><a href=\"https://www.example.org/x/\">ici</a></p>").problems();
    let problem = problems.iter().next().expect("a problem");
    assert_eq!(problem.severity, Severity::Warning);
    assert_eq!(
        problem.message,
        "Le lien « ici » ne dit pas où il mène".replace("« ", "«\u{a0}").replace(" »", "\u{a0}»")
    );
    assert!(problem.explanation.as_deref().is_some_and(|why| why.starts_with("Un lecteur d’écran")));
    let place = problem.place.as_ref().expect("a place");
    assert_eq!((place.file.as_str(), place.line, place.column), ("lettre/letter.html", Some(16), Some(4)));
    assert!(place.text.as_deref().is_some_and(|line| line.starts_with("<p><a href=")));
}
