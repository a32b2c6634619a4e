//! The letter, composed from made-up items.

use std::collections::HashSet;

use super::samples::{config, event, item, newsletter};
use super::*;
use crate::body::Renderer;
use crate::config::{Audience, Config, Leave, Newsletter, Schedule};
use crate::item::{Event, Image, Item};
use crate::problem::Severity;

pub(super) const NOW: &str = "2026-12-01T08:00:00Z";

pub(super) fn editions(
    config: &Config,
    newsletter: &Newsletter,
    items: &[Item],
    known: &[&str],
) -> Result<Vec<Composed>, Problems> {
    let (renderer, _) = Renderer::new(config);
    let (templates, _) = Templates::read(config);
    let known: HashSet<String> = known.iter().map(|id| id.to_string()).collect();
    compose_all(&ComposeInput {
        config,
        newsletter,
        items,
        renderer: &renderer,
        templates: &templates,
        known: &known,
        pictures: None,
        number: 7,
        now: NOW.parse().expect("a time"),
    })
}

pub(super) fn letter(newsletter: &Newsletter, items: &[Item]) -> Composed {
    let mut editions = editions(&config(), newsletter, items, &[]).expect("composed");
    assert_eq!(editions.len(), 1);
    editions.remove(0)
}

pub(super) fn ada() -> StampFields {
    StampFields {
        name: Some("Ada <A>".into()),
        email: "ada@example.org".into(),
        leave_url: Some("mailto:leave@example.org?subject=leave%20T&x=1".into()),
        ..StampFields::default()
    }
}

pub(super) fn html(composed: &Composed) -> String {
    composed.variants[0].html.fill(&ada(), Escape::Html)
}

pub(super) fn text(composed: &Composed) -> String {
    composed.variants[0].text.fill(&ada(), Escape::None)
}

fn three() -> Vec<Item> {
    vec![
        item("a", "Premier article", "2026-11-01T00:00:00Z", "Du *premier*."),
        item("b", "Deuxième : « suite »", "2026-11-20T00:00:00Z", "Du deuxième."),
        item("c", "Troisième", "2026-11-10T00:00:00Z", "Du troisième."),
    ]
}

#[test]
fn a_letter_says_what_is_new_newest_first() {
    let composed = letter(&newsletter(), &three());
    let titles: Vec<&str> = composed.items.iter().map(|item| item.title.as_str()).collect();
    assert_eq!(titles, ["Deuxième : « suite »", "Troisième", "Premier article"]);
    let subject = composed.variants[0].subject.fill(&ada(), Escape::None);
    assert_eq!(subject, "La lettre d’essai n° 7 : Deuxième : « suite »");
    let text = text(&composed);
    insta::assert_snapshot!(text.replace('\u{a0}', "~"), @r"
    La lettre d’essai
    N°~7 · mardi 1er décembre 2026
    Le site d’essai https://site.example.org/

    Bonjour Ada <A>,

    Voici 3 nouveautés, à lire sur Le site d’essai.

    ----------------------------------------

    Deuxième~: «~suite~»
    Vendredi 20 novembre 2026

    Du deuxième.

    https://site.example.org/posts/b/

    ----------------------------------------

    Troisième
    Mardi 10 novembre 2026

    Du troisième.

    https://site.example.org/posts/c/

    ----------------------------------------

    Premier article
    Dimanche 1er novembre 2026

    Du premier.

    https://site.example.org/posts/a/

    ----------------------------------------

    Toutes les actualités sur Le site d’essai
    https://site.example.org/

    -- 
    Vous recevez cette lettre parce que vous figurez sur la liste «~La
    lettre d’essai~».
    Pour ne plus la recevoir~:
    mailto:leave@example.org?subject=leave%20T&x=1

    Envoyée par Équipe d’essai
    Pour nous écrire~: lettre@example.org
    Cette lettre ne mesure ni son ouverture ni vos clics.
    ");
    let (html, text) = (html(&composed), text.replace('\u{a0}', " "));
    for item in &composed.items {
        assert!(html.contains(&format!("href=\"{}\"", item.url)), "{html}");
        assert!(text.contains(&item.title) && text.contains(&item.url), "{text}");
    }
}

#[test]
fn a_letter_is_marked_up_for_every_reader() {
    let html = html(&letter(&newsletter(), &three()));
    assert!(html.contains("<html lang=\"fr\" dir=\"ltr\">"), "{html}");
    for tag in html.split("<table").skip(1).map(|rest| rest.split('>').next().expect("closed")) {
        assert!(tag.contains("role=\"presentation\"") && !tag.contains("border="), "{tag}");
    }
    let outer = html.split("<table").nth(1).expect("a table");
    assert!(outer.split('>').next().expect("closed").contains("lang=\"fr\""), "{outer}");
    assert!(html.find("<meta charset").expect("told") < 100, "{html}");
    assert_eq!(html.matches("<h1").count(), 1);
    assert_eq!(html.matches("<h2").count(), 3);
    assert!(html.contains("@media (prefers-color-scheme: dark)"), "{html}");
    assert!(html.contains("<h1 class=\"title\" style=\""), "{html}");
    assert!(html.contains("Bonjour Ada &lt;A&gt;,"), "{html}");
    assert!(html.contains("href=\"mailto:leave@example.org?subject=leave%20T&amp;x=1\""), "{html}");
    assert!(html.len() < 20_000, "{} bytes", html.len());
}

#[test]
fn a_letter_holds_no_tracker() {
    let mut items = three();
    items[0].image = Some(Image {
        url: "https://site.example.org/a.png".into(),
        alt: "Une image".into(),
        file: None,
        bytes: Some(9),
        media_type: Some("image/png".into()),
        width: Some(800),
        height: Some(400),
    });
    let composed = letter(&newsletter(), &items);
    let html = html(&composed);
    // Every address is the site's own, as its pages have it, or the way out: none was rewritten, none has a query.
    let addresses: Vec<&str> = ["href=\"", "src=\""]
        .iter()
        .flat_map(|start| html.split(start).skip(1))
        .map(|rest| rest.split('"').next().expect("closed"))
        .collect();
    let mut known: Vec<&str> = items.iter().map(|item| item.url.as_str()).collect();
    known.extend([
        "https://site.example.org/",
        "mailto:lettre@example.org",
        "mailto:leave@example.org?subject=leave%20T&amp;x=1",
    ]);
    for address in &addresses {
        assert!(known.contains(address), "{address}");
    }
    assert_eq!(html.matches("<img").count(), 0, "no picture but converted ones, and no pixel");
    for word in ["<link", "@import", "url(", "background=", "@font-face", "<script", "<iframe"] {
        assert!(!html.contains(word), "{word}");
    }
    // What remains to be said of a person is a name and the way out.
    let stamps: Vec<&str> = composed.variants[0].html.stamps().collect();
    assert!(stamps.iter().all(|stamp| stamp.contains("recipient.name") || stamp.contains("recipient.leave_url")));
    assert_eq!(stamps.len(), 2, "{stamps:?}");
}

#[test]
fn an_items_text_never_becomes_a_stamp() {
    let hostile = "{{recipient.email}} \u{10F000}\u{10F001} {{#if recipient.name}}";
    let mut items = vec![item("a", hostile, "2026-11-01T00:00:00Z", "")];
    items[0].summary = Some(hostile.into());
    let plain = letter(&newsletter(), &three());
    let composed = letter(&newsletter(), &items);
    for (variant, plain) in composed.variants.iter().zip(&plain.variants) {
        assert_eq!(variant.subject.stamps().count(), 0);
        assert_eq!(variant.html.stamps().collect::<Vec<_>>(), plain.html.stamps().collect::<Vec<_>>());
        assert_eq!(variant.text.stamps().collect::<Vec<_>>(), plain.text.stamps().collect::<Vec<_>>());
    }
    assert!(!text(&composed).contains("ada@example.org"));
}

#[test]
fn a_list_servers_letter_has_no_stamp_and_says_how_to_leave() {
    let newsletter =
        Newsletter { to: Audience::Address("list@example.org".into()), leave: Leave::List, ..newsletter() };
    let composed = letter(&newsletter, &three());
    let variant = &composed.variants[0];
    for part in [&variant.subject, &variant.html, &variant.text] {
        assert_eq!(part.stamps().count(), 0);
    }
    let text = variant.text.fill(&ada(), Escape::None);
    assert!(text.contains("désabonnez-vous") && !text.contains("Ada"), "{text}");
}

#[test]
fn what_is_known_or_held_is_not_new() {
    let mut items = three();
    items[1].held_until = Some("2026-12-01T09:00:00Z".parse().expect("a time"));
    let known = [items[0].id.as_str()];
    let composed = editions(&config(), &newsletter(), &items, &known).expect("composed").remove(0);
    assert_eq!(composed.counted, [items[2].id.clone()]);
    let all: Vec<&str> = items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(editions(&config(), &newsletter(), &items, &all).expect("composed").len(), 0);
}

#[test]
fn two_items_with_the_same_video_are_one_entry_and_both_count() {
    let video = "<iframe src=\"https://www.dailymotion.com/embed/video/x9368gg\"></iframe>";
    let mut items = three();
    for at in [0, 1] {
        items[at] = item(
            ["a", "b"][at],
            "La vidéo",
            ["2026-11-01T00:00:00Z", "2026-11-20T00:00:00Z"][at],
            &format!("Voici.\n\n{video}\n"),
        );
    }
    let composed = letter(&newsletter(), &items);
    let shown: Vec<&str> = composed.items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(shown, [&items[1].id, &items[2].id]);
    assert_eq!(composed.counted.len(), 3);
    assert!(html(&composed).contains("href=\"https://www.dailymotion.com/video/x9368gg\""));
}

#[test]
fn what_is_beyond_max_items_is_named_by_count_and_counts() {
    let newsletter = Newsletter { max_items: 1, ..newsletter() };
    let composed = letter(&newsletter, &three());
    assert_eq!((composed.items.len(), composed.counted.len()), (1, 3));
    assert!(text(&composed).contains("Et 2 autres nouveautés"), "{}", text(&composed));
    assert!(text(&composed).contains("Voici 3 nouveautés"), "{}", text(&composed));
}

#[test]
fn each_item_has_a_letter_of_its_own_oldest_first() {
    let newsletter = Newsletter { schedule: Schedule::EachItem, ..newsletter() };
    let all = editions(&config(), &newsletter, &three(), &[]).expect("composed");
    let order: Vec<(u64, &str)> = all.iter().map(|one| (one.number, one.items[0].title.as_str())).collect();
    assert_eq!(order, [(7, "Premier article"), (8, "Troisième"), (9, "Deuxième : « suite »")]);
    assert!(all.iter().all(|one| one.items.len() == 1 && one.counted.len() == 1));
}

#[test]
fn an_event_is_told_by_its_start_and_a_past_one_is_not_to_come() {
    let mut items = three();
    items[0].event = Some(Event { place: Some("Valexemple".into()), ..event("2026-12-03T09:00:00Z") });
    items[1].event = Some(event("2026-11-25T09:00:00Z"));
    let text = text(&letter(&newsletter(), &items)).replace('\u{a0}', " ");
    assert!(text.contains("Quand : jeudi 3 décembre 2026 à 10 h\nOù : Valexemple"), "{text}");
    assert!(text.contains("A eu lieu : mercredi 25 novembre 2026 à 10 h"), "{text}");
}

#[test]
fn the_same_input_gives_the_same_letter() {
    assert_eq!(letter(&newsletter(), &three()).variants, letter(&newsletter(), &three()).variants);
}

#[test]
fn a_letter_of_two_hundred_items_stays_under_eighty_kilobytes() {
    let items: Vec<Item> = (0..200)
        .map(|n| {
            let mut item = item(&format!("{n}"), &"Un long titre ".repeat(20), "2026-11-01T00:00:00Z", "");
            item.summary = Some("Un long résumé ".repeat(30));
            item
        })
        .collect();
    let newsletter = Newsletter { max_items: 200, ..newsletter() };
    let composed = letter(&newsletter, &items);
    assert!(html(&composed).len() < 80_000, "{}", html(&composed).len());
    assert_eq!((composed.items.len(), composed.counted.len()), (200, 200));
    assert_eq!(composed.problems.0[0].code, "heavy-letter");
}

#[test]
fn a_letter_that_is_over_its_budget_even_as_titles_is_refused_with_what_to_do() {
    let items: Vec<Item> =
        (0..200).map(|n| item(&format!("{n}"), &"Un long titre ".repeat(60), "2026-11-01T00:00:00Z", "")).collect();
    let newsletter = Newsletter { max_items: 200, ..newsletter() };
    let problems = editions(&config(), &newsletter, &items, &[]).expect_err("refused");
    assert_eq!(problems.0[0].code, "too-heavy-letter");
    assert!(problems.0[0].help.as_deref().is_some_and(|help| help.contains("max_items")));
}

#[test]
fn a_text_parts_lines_are_short_and_its_marks_never_start_one() {
    let mut items = three();
    items[0].summary = Some("Une phrase qui est longue : très longue ! ".repeat(8));
    let text = text(&letter(&newsletter(), &items));
    for line in text.lines() {
        assert!(line.chars().count() <= 72 || line.contains("://"), "{line}");
        assert!(!line.starts_with([':', '!', '?', ';', '»']), "{line}");
    }
}

/// A project whose folder holds one file.
fn project(path: &str, content: &str) -> (tempfile::TempDir, Config) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(path);
    std::fs::create_dir_all(file.parent().expect("below")).expect("made");
    std::fs::write(file, content).expect("written");
    let config = Config { root: folder.path().to_path_buf(), ..config() };
    (folder, config)
}

#[test]
fn a_projects_template_takes_the_place_of_one_file() {
    let (_folder, config) = project("mail-templates/partials/footer.txt.hbs", "Adieu, {{recipient.name}}.\n");
    let composed = editions(&config, &newsletter(), &three(), &[]).expect("composed").remove(0);
    assert!(text(&composed).ends_with("Adieu, Ada <A>.\n"), "{}", text(&composed));
    assert!(html(&composed).contains("Ne plus recevoir cette lettre"));
}

#[test]
fn a_templates_mistake_is_told_with_its_place() {
    for (content, line, column, words) in [
        ("{{newsletter.title}}\n  {{newsletter.titel}}", 2, 3, "`newsletter.titel`"),
        ("{{#if recipient.name}}x{{/if}} {{edition.nombre}}", 1, 32, "`edition.nombre`"),
        ("a\n{{#if x}}", 2, 10, "can be read"),
        ("a {{> nowhere}}", 1, 3, "nowhere"),
        ("a\n b {{say \"nothing\"}}", 2, 4, "nothing"),
        ("{{#if (eq recipient.name site.title)}}{{/if}}", 1, 1, "site.title"),
    ] {
        let (_folder, config) = project("mail-templates/digest.txt.hbs", content);
        let problems = editions(&config, &newsletter(), &three(), &[]).expect_err(content);
        let problem = &problems.0[0];
        let place = problem.place.as_ref().expect("a place");
        assert_eq!((problem.severity, problems.0.len()), (Severity::Error, 1), "{content}");
        assert_eq!(place.file, "mail-templates/digest.txt.hbs");
        assert_eq!((place.line, place.column), (Some(line), Some(column)), "{content}: {}", problem.message);
        assert!(problem.message.contains(words), "{}", problem.message);
    }
}

#[test]
fn a_subjects_mistake_names_the_newsletters_file() {
    let wrong = Newsletter { subject: "{{newsletter.nombre}}".into(), ..newsletter() };
    let problems = editions(&config(), &wrong, &three(), &[]).expect_err("wrong");
    assert_eq!(
        problems.0[0].to_string(),
        "config/newsletters/referents.yaml: the subject can't be used: a letter knows nothing named `newsletter.nombre`"
    );
}

#[test]
fn a_projects_words_change_what_they_name() {
    let (_folder, config) = project("config/languages/fr.yaml", "texts:\n  hello: Salut\n");
    let composed = editions(&config, &newsletter(), &three(), &[]).expect("composed").remove(0);
    assert!(text(&composed).contains("Salut Ada <A>,"), "{}", text(&composed));
    assert!(text(&composed).contains("Voici 3 nouveautés"), "{}", text(&composed));
}

#[test]
fn a_letter_in_another_language_says_nothing_in_french() {
    let mut config = config();
    config.site.language = "en-GB".into();
    let mut items = three();
    items[0].language = Some("ar".into());
    let composed = editions(&config, &newsletter(), &items, &[]).expect("composed").remove(0);
    assert!(text(&composed).contains("Tuesday 1 December 2026"), "{}", text(&composed));
    let cell = html(&composed).split("<td").find(|cell| cell.contains("lang=\"ar\"")).map(str::to_string);
    assert!(cell.is_some_and(|cell| cell.contains("dir=\"rtl\"") && cell.contains("align=\"right\"")));
}

#[test]
fn a_letters_words_stand_out_by_day_and_by_night() {
    use crate::config::colour::Colour;
    let themes = [
        (include_str!("../../mail-templates/plain/style.html.hbs"), super::look::DAY, super::look::NIGHT),
        (
            include_str!("../../mail-templates/dsfr/style.html.hbs"),
            ["#ffffff", "#f6f6f6"].map(of),
            ["#1e1e1e", "#2a2a2a"].map(of),
        ),
    ];
    fn of(text: &str) -> Colour {
        Colour::parse(text).expect("a colour")
    }
    for (style, by_day, by_night) in themes {
        let (day, night) = style.split_once("@media").expect("both");
        for (rules, grounds) in [(day, by_day), (night, by_night)] {
            for ground in grounds {
                assert!(rules.contains(&format!("background-color: {ground}")), "{ground} is no ground of {style}");
            }
            let mut seen = 0;
            for rule in rules.lines() {
                let value = |name: &str| {
                    let found = rule.split(['{', ';']).find_map(|part| part.trim().strip_prefix(name))?;
                    Colour::parse(found.trim().get(..7)?)
                };
                let Some(colour) = value("color:") else { continue };
                // What stands on the band of the State's colour is white.
                let own = value("background-color:").or((colour == Colour::WHITE).then(|| of("#000091")));
                for ground in own.map_or(grounds.to_vec(), |own| vec![own]) {
                    let contrast = colour.contrast(ground);
                    assert!(contrast >= 4.5, "{rule}: {contrast:.1} on {ground}");
                }
                seen += 1;
            }
            assert!(seen >= 3, "{seen} colours");
        }
        for size in day.split("font-size: ").skip(1).filter_map(|rest| rest.split("px").next()?.parse::<u32>().ok()) {
            assert!(
                size >= 14 || day.contains(&format!(".flag {{ margin: 0 0 4px; font-size: {size}px")),
                "{size} px"
            );
        }
    }
}
