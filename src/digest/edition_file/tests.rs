//! What a person writes, and what is read.

use std::collections::HashSet;
use std::sync::LazyLock;

use chrono::{DateTime, NaiveTime, Utc};
use proptest::prelude::*;

use super::write::{Draft, SendLine, draft};
use super::*;
use crate::body::Renderer;
use crate::config::{Config, Newsletter};
use crate::digest::Templates;
use crate::digest::plan::{Entry, Prose, Section, Show, What};
use crate::digest::samples;
use crate::item::Item;

/// A site of five items, and what its letters are made with.
struct Desk {
    config: Config,
    newsletter: Newsletter,
    items: Vec<Item>,
    renderer: Renderer,
    templates: Templates,
    known: HashSet<String>,
    shown: HashSet<String>,
}

/// One for many cases: making it costs more than they do.
static DESK: LazyLock<Desk> = LazyLock::new(Desk::new);

impl Desk {
    fn new() -> Desk {
        let config = samples::config();
        let items = ["a", "b", "c", "d", "e"]
            .map(|stem| samples::item(stem, &format!("L’article {stem}"), "2026-11-02T00:00:00Z", "Du texte."));
        let (renderer, _) = Renderer::new(&config);
        let (templates, _) = Templates::read(&config);
        let newsletter = samples::newsletter();
        Desk {
            config,
            newsletter,
            items: items.to_vec(),
            renderer,
            templates,
            known: HashSet::new(),
            shown: HashSet::new(),
        }
    }

    fn now() -> DateTime<Utc> {
        "2026-11-24T09:00:00Z".parse().expect("a moment")
    }

    fn read(&self, text: &str) -> (EditionFile<'_>, Problems) {
        let input = ComposeInput {
            config: &self.config,
            newsletter: &self.newsletter,
            items: &self.items,
            renderer: &self.renderer,
            templates: &self.templates,
            pictures: None,
            known: &self.known,
            number: 7,
            now: Desk::now(),
        };
        let hour = NaiveTime::from_hms_opt(9, 0, 0).expect("an hour");
        let source = Source::new("editions/referents-7.md", text);
        read(&source, Reading { input: &input, shown: &self.shown, hour })
    }

    /// Reads a body without mistakes.
    fn body(&self, body: &str) -> EditionFile<'_> {
        let (edition, problems) = self.read(&with_front_matter(body));
        assert!(problems.is_empty(), "{problems:#?}");
        edition
    }

    /// A body's mistakes: `line:column code`.
    fn mistakes(&self, body: &str) -> Vec<String> {
        let (_, problems) = self.read(&with_front_matter(body));
        told(&problems)
    }
}

fn with_front_matter(body: &str) -> String {
    format!("---\nnewsletter: referents\nnumber: 7\nsend: no\n---\n{body}")
}

fn told(problems: &Problems) -> Vec<String> {
    let place = |problem: &crate::problem::Problem| {
        let place = problem.place.clone().expect("a place");
        format!("{}:{} {}", place.line.expect("a line"), place.column.expect("a column"), problem.code)
    };
    problems.iter().map(place).collect()
}

/// An entry in one line of words.
fn shown(entry: &Entry<'_>) -> String {
    let what = match &entry.what {
        What::Item { item, .. } => item.url.rsplit('/').nth(1).unwrap_or_default().to_string(),
        What::Link { url } => url.clone(),
        What::Words => "-".to_string(),
    };
    let mark = entry.mark.as_deref().unwrap_or("");
    let title = entry.title.as_deref().unwrap_or("=");
    let words = entry.words.as_ref().map(|words| format!(" | {}", words.html)).unwrap_or_default();
    format!("{mark}[{title}]({what}){}{words}", if entry.reminder { " again" } else { "" })
}

fn entries(edition: &EditionFile<'_>) -> Vec<String> {
    edition.plan.entries().map(shown).collect()
}

#[test]
fn an_edition_is_read_as_a_person_wrote_it() {
    let mut desk = Desk::new();
    desk.shown.insert("https://site.example.org/posts/c/".into());
    let edition = desk.body(
        "
Bonjour à *tous*, voici [le site](/).

> Une citation.

## 📺 En vidéos

<!-- line -->
Un mot avant.

- [L’article a](https://site.example.org/posts/a/)
- 🎓💻 [Un autre titre](/posts/b): **mes** mots, et [un lien](https://other.example.org/x)
* plus tard [L’article d](https://site.example.org/posts/d/)

### Études

1. [Ailleurs](<https://other.example.org/une page>) — à lire
2. Une ligne de mots 🖥️
3. [📚 Rappel](http://site.example.org/posts/c/?utm_source=lettre)

   Un paragraphe.

   Et un autre.

## La suite

- <https://site.example.org/posts/e/>

Au revoir.

<!-- Une remarque entre nous. -->
",
    );
    let introduction = edition.plan.introduction.as_ref().expect("an introduction");
    assert_eq!(
        introduction.html,
        "<p>Bonjour à <em>tous</em>, voici <a href=\"https://site.example.org/\">le site</a>.</p>\n\
         <blockquote><p>Une citation.</p></blockquote>"
    );
    assert_eq!(introduction.text, "Bonjour à tous, voici le site (https://site.example.org/).\nUne citation.");
    let headings: Vec<_> = edition
        .plan
        .sections
        .iter()
        .map(|section| (section.mark.as_deref(), section.title.as_deref(), section.depth, section.show))
        .collect();
    assert_eq!(
        headings,
        [
            (Some("📺"), Some("En vidéos"), 0, Show::Line),
            (None, Some("Études"), 1, Show::Card),
            (None, Some("La suite"), 0, Show::Card),
            (None, None, 0, Show::Card),
        ]
    );
    assert_eq!(edition.plan.sections[0].note.as_ref().map(|note| note.text.as_str()), Some("Un mot avant."));
    assert_eq!(edition.plan.sections[3].note.as_ref().map(|note| note.text.as_str()), Some("Au revoir."));
    assert_eq!(
        entries(&edition),
        [
            "[=](a)",
            "🎓💻[Un autre titre](b) | <p><strong>mes</strong> mots, et <a href=\"https://other.example.org/x\">un lien</a></p>",
            "[Ailleurs](https://other.example.org/une%20page) | <p>à lire</p>",
            "🖥️[Une ligne de mots](-)",
            "📚[Rappel](c) again | <p>Un paragraphe.</p>\n<p>Et un autre.</p>",
            "[=](e)",
        ]
    );
    let id = |stem: &str| format!("https://site.example.org/posts/{stem}/");
    assert_eq!(edition.later, [id("d")]);
    assert_eq!(edition.plan.counted, [id("a"), id("b"), id("e")]);
    assert!(edition.plan.declined.is_empty());
}

#[test]
fn what_was_offered_and_stands_nowhere_is_declined_and_what_waits_is_not() {
    let desk = Desk::new();
    let offered: String = ["a", "b", "c", "d"].map(|s| format!("https://site.example.org/posts/{s}/\n")).concat();
    let body = format!("- [A](/posts/a/)\n- later [B](/posts/b/)\n\n<!-- Offered before:\n{offered}-->\n");
    let edition = desk.body(&body);
    let id = |stem: &str| format!("https://site.example.org/posts/{stem}/");
    assert_eq!(edition.plan.declined, [id("c"), id("d")]);
    assert_eq!((edition.plan.counted.clone(), edition.later.clone()), (vec![id("a")], vec![id("b")]));
    let nothing = desk.body(&format!("<!-- Offered before:\n{offered}-->\n"));
    assert!(!nothing.has_letter());
    assert_eq!(nothing.plan.declined.len(), 4);
}

#[test]
fn one_that_repeats_a_shown_ones_video_counts_with_it() {
    let mut desk = Desk::new();
    let body = "<iframe src=\"https://www.dailymotion.com/embed/video/x1\"></iframe>";
    for stem in ["v", "w"] {
        desk.items.push(samples::item(stem, stem, "2026-11-02T00:00:00Z", body));
    }
    let edition = desk.body("- [V](/posts/v/)\n\n<!-- Offered before:\n/posts/v/\n/posts/w/\n-->\n");
    assert_eq!(edition.plan.counted.len(), 2);
    assert!(edition.plan.declined.is_empty());
}

#[test]
fn lines_are_read_however_people_write_them() {
    let desk = Desk::new();
    let line = |text: &str| {
        let edition = desk.body(&format!("{text}\n"));
        entries(&edition).join("\n")
    };
    for (written, read) in [
        ("- [L’article a](/posts/a/)", "[=](a)"),
        ("+ **[L’article a](/posts/a/)**", "[=](a)"),
        ("- [](/posts/a/)", "[=](a)"),
        ("- https://site.example.org/posts/a/", "[=](a)"),
        ("- 📺 https://site.example.org/posts/a/, à voir", "📺[=](a) | <p>à voir</p>"),
        ("- À voir : https://other.example.org/x.", "[À voir :](https://other.example.org/x)"),
        ("- Vidéo : [la suite](/posts/a/)", "[Vidéo : la suite](a)"),
        ("- [L’article a](/posts/a/) 📺", "📺[=](a)"),
        ("- [L’article a](/posts/a/).", "[=](a)"),
        ("- [L’article a](/posts/a/)\u{a0}: des mots", "[=](a) | <p>des mots</p>"),
        ("- [L’article a](/posts/a/)\n  des mots\n  encore", "[=](a) | <p>des mots encore</p>"),
        ("- [L’article a](/posts/a/)  \n  des mots", "[=](a) | <p>des mots</p>"),
        ("- [L’article a](/posts/a/) - des mots", "[=](a) | <p>des mots</p>"),
        ("- [L’article a][1]\n\n[1]: /posts/a/ \"Un titre\"", "[=](a)"),
        ("- [L’[autre] *a*](/posts/a/)", "[L’[autre] a](a)"),
        ("- 📚Les chiffres de l’impact", "📚[Les chiffres de l’impact](-)"),
        ("- Later this year: [the talk](/posts/a/)", "[Later this year: the talk](a)"),
        ("- [Écrire](mailto:a@example.org)", "[Écrire](mailto:a@example.org)"),
        ("- a < b & c &amp; `d`", "[a < b & c & d](-)"),
    ] {
        assert_eq!(line(written), read, "{written}");
    }
    for later in ["later", "Later", "plus tard", "Plus tard :", "📺 later", "later 📺"] {
        let edition = desk.body(&format!("- {later} [L’article a](/posts/a/) 📺 : des mots\n"));
        assert_eq!(edition.later.len(), 1, "{later}");
    }
}

#[test]
fn a_mistake_is_told_with_its_place() {
    let desk = Desk::new();
    for (body, mistakes) in [
        ("", vec!["5:4 edition-empty"]),
        ("- [A](/posts/a/)\n- [A](/posts/a/)\n", vec!["7:1 edition-twice"]),
        ("- [A](/posts/a/)\n- later <http://site.example.org/posts/a>\n", vec!["7:1 edition-twice"]),
        ("- [A](/posts/aa/)\n", vec!["6:3 edition-item"]),
        ("- later [A](https://other.example.org/)\n", vec!["6:9 edition-later"]),
        ("- [A](javascript:x)\n", vec!["6:3 edition-link"]),
        ("- [A]()\n", vec!["6:3 edition-link"]),
        ("- 📺\n", vec!["6:1 edition-words"]),
        ("- https://other.example.org/\n", vec!["6:1 edition-words"]),
        ("## 📺\n\n- x\n", vec!["6:1 edition-words"]),
        ("x ![A](a.png)\n\n- x\n", vec!["6:3 edition-content"]),
        ("- ![A](a.png) x\n", vec!["6:3 edition-content"]),
        ("<div>x</div>\n\n- x\n", vec!["6:1 edition-content"]),
        ("- x<br>\n", vec!["6:4 edition-content"]),
        ("| a |\n|---|\n| b |\n\n- x\n", vec!["6:1 edition-content"]),
        ("    x\n\n- x\n", vec!["6:5 edition-content"]),
        ("- x\n  - y\n", vec!["7:3 edition-content"]),
        ("- # x\n", vec!["6:3 edition-content"]),
        ("<!-- lines -->\n- x\n", vec!["6:1 edition-directive"]),
        ("## [A](/posts/a/)\n\n- x\n", vec!["6:4 edition-content"]),
        ("## A\n\n## B\n\n- x\n", vec!["6:1 edition-heading"]),
        ("***\n\n- x\n", vec!["6:1 edition-content"]),
        ("<!-->\n\n- x\n", vec![]),
        ("<!--->\n\n- x\n", vec![]),
        ("<!-->}-<!\n\n- x\n", vec!["6:1 edition-content"]),
    ] {
        assert_eq!(desk.mistakes(body), mistakes, "{body}");
    }
}

#[test]
fn the_front_matter_is_checked() {
    let desk = Desk::new();
    let front = |text: &str| told(&desk.read(&format!("{text}\n- x\n")).1);
    assert_eq!(front(""), ["1:1 edition-front-matter"]);
    assert_eq!(
        front("---\nnewsletter: referents\nnumber: 7\nsend: now\nsubject: Un sujet\nshow: line\n---"),
        [""; 0]
    );
    assert_eq!(front("---\nnumber: 7\n---"), ["1:1 edition-front-matter", "1:1 edition-front-matter"]);
    assert_eq!(
        front("---\nnewsletter: autre\nnumber: 8\nsend: demain\nsubject: \"{{x}}\"\nshow: all\nsubjet: x\n---"),
        [
            "2:13 edition-front-matter",
            "3:9 edition-front-matter",
            "4:7 edition-front-matter",
            "5:10 edition-front-matter",
            "6:7 edition-front-matter",
            "7:1 unknown-key",
        ]
    );
    assert_eq!(front("---\nnewsletter: referents\nnumber: 7\nsend: 2026-11-22\n---"), ["4:7 edition-front-matter"]);
    let read = |send: &str| {
        let text = format!("---\nnewsletter: referents\nnumber: 7\nsend: {send}\nsubject: Un  sujet\n---\n- x\n");
        let (edition, problems) = desk.read(&text);
        assert!(problems.is_empty(), "{problems:#?}");
        assert_eq!(edition.plan.subject.as_deref(), Some("Un sujet"));
        edition.release
    };
    assert_eq!((read("no"), read("false"), read("now")), (Release::No, Release::No, Release::Now));
    assert_eq!(read("2026-12-01"), Release::At("2026-12-01T08:00:00Z".parse().expect("a moment")));
}

/// A plan as values that compare, without what is rendered.
fn as_text(plan: &Plan<'_>) -> Vec<String> {
    let prose = |prose: &Option<Prose>| prose.as_ref().map(|prose| prose.text.clone());
    let mut lines = vec![format!("{:?} {:?}", plan.subject, prose(&plan.introduction))];
    for section in &plan.sections {
        let head = (&section.title, &section.mark, section.show, section.depth, prose(&section.note));
        lines.push(format!("{head:?}"));
        lines.extend(section.entries.iter().map(shown));
    }
    lines
}

fn words() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-zé0-9]{1,6}",
        Just("*x*".to_string()),
        Just("_y_".to_string()),
        Just("[z](u)".to_string()),
        Just("1.".to_string()),
        Just("- ".to_string()),
        Just("#".to_string()),
        Just("&amp;".to_string()),
        Just("<b>".to_string()),
        Just("`c`".to_string()),
        Just("\\".to_string()),
        Just("a|b".to_string()),
        Just("!".to_string()),
        Just("~~".to_string()),
        Just("===".to_string()),
    ];
    proptest::collection::vec(piece, 1..5)
        .prop_map(|pieces| pieces.join(" ").split_whitespace().collect::<Vec<_>>().join(" "))
        .prop_filter("words", |text| text.chars().any(char::is_alphanumeric))
}

fn mark_of() -> impl Strategy<Value = Option<String>> {
    prop_oneof![Just(None), Just(Some("📺".to_string())), Just(Some("👩‍🎨☁️".to_string()))]
}

fn paragraph_of() -> impl Strategy<Value = Option<Prose>> {
    proptest::option::of(
        words().prop_map(|text| Prose { html: format!("<p>{}</p>", crate::digest::stamp::escape_html(&text)), text }),
    )
}

proptest! {
    #[test]
    fn any_text_gives_an_edition_or_problems(text in "\\PC*", body in "([-*#>\\[\\]()<!`:_~|\n ]|later|/posts/a/|📺|---|é|https://x){0,60}") {
        let desk = &*DESK;
        desk.read(&text);
        desk.read(&with_front_matter(&body));
    }

    #[test]
    fn a_plan_that_is_written_reads_the_same(
        subject in proptest::option::of(words()),
        introduction in paragraph_of(),
        sections in proptest::collection::vec(
            (words(), mark_of(), any::<bool>(), any::<bool>(), paragraph_of(),
             proptest::collection::vec((0..7usize, words(), mark_of(), paragraph_of(), any::<bool>()), 1..4)),
            1..4,
        ),
    ) {
        let desk = &*DESK;
        let mut plan = Plan { number: 7, subject, introduction, ..Plan::default() };
        let mut used = HashSet::new();
        for (index, (title, mark, line, under, note, lines)) in sections.into_iter().enumerate() {
            let mut section = Section {
                title: Some(title),
                mark,
                show: if line { Show::Line } else { Show::Card },
                depth: u8::from(under && index > 0),
                note,
                entries: Vec::new(),
            };
            for (which, title, mark, words, retitled) in lines {
                let what = match desk.items.get(which) {
                    Some(item) if used.insert(which) => {
                        What::Item { item, body: Box::new(desk.renderer.render(item)) }
                    }
                    Some(_) => What::Words,
                    None => What::Link { url: "https://other.example.org/a_(b)?c=1".into() },
                };
                let title = (retitled || !matches!(what, What::Item { .. })).then_some(title);
                section.entries.push(Entry { what, title, mark, words, reminder: false });
            }
            plan.sections.push(section);
        }
        let text = draft(
            &Draft {
                newsletter: "referents",
                zone: "Europe/Paris",
                send: SendLine::No,
                subject: None,
                language: &desk.templates.language,
                renderer: &desk.renderer,
                later: &[],
                offered: &[],
            },
            &plan,
        );
        let (read, problems) = desk.read(&text);
        prop_assert!(problems.is_empty(), "{text}\n{problems:#?}");
        prop_assert_eq!(as_text(&read.plan), as_text(&plan), "{}", text);
    }
}

#[test]
fn adding_touches_nothing_that_a_person_wrote() {
    let desk = Desk::new();
    let text = with_front_matter("\r\n- [A](/posts/a/)\n\n<!-- Offered:\n/posts/a/\n-->");
    let new: Vec<&Item> = desk.items[1..3].iter().collect();
    let added = write::add(&text, &new, &desk.templates.language, &desk.renderer);
    assert!(added.starts_with(&text));
    let (edition, problems) = desk.read(&added);
    assert!(problems.is_empty(), "{problems:#?}");
    assert_eq!((edition.later.len(), edition.offered.len()), (2, 3));
    assert!(edition.plan.declined.is_empty());
    assert_eq!(write::add(&text, &[], &desk.templates.language, &desk.renderer), text);
    let _: Arc<Source> = Source::new("x", "");
}
