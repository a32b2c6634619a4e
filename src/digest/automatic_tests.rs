//! The letter that nobody arranged: its sections, its series, its events, and what it says of each.

use chrono::Duration;

use super::compose_tests::{NOW, ada, editions, html, letter, text};
use super::samples::{config, event, item, newsletter};
use super::*;
use crate::body::Renderer;
use crate::config::{Newsletter, SectionConfig, Select};
use crate::item::{Event, Item};

fn section(title: &str, tag: &str, lines: bool) -> SectionConfig {
    let select = Select { tags: vec![tag.to_string()], ..Select::default() };
    SectionConfig { title: Some(title.to_string()), mark: Some("🎬".to_string()), select, lines }
}

fn tagged(stem: &str, title: &str, published: &str, tag: &str) -> Item {
    Item { tags: vec![tag.to_string()], ..item(stem, title, published, "Du texte.") }
}

fn happening(stem: &str, title: &str, start: &str) -> Item {
    Item { event: Some(event(start)), ..item(stem, title, "2026-11-20T00:00:00Z", "Venez.") }
}

fn titles(composed: &Composed) -> Vec<&str> {
    composed.items.iter().map(|item| item.title.as_str()).collect()
}

fn subject(composed: &Composed) -> String {
    composed.variants[0].subject.fill(&ada(), Escape::None)
}

/// What stands between these two.
fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let rest = text.split_once(start).unwrap_or_else(|| panic!("{start} in {text}")).1;
    rest.split_once(end).unwrap_or_else(|| panic!("{end} in {rest}")).0
}

#[test]
fn items_go_into_the_first_section_that_takes_them_and_the_others_stand_last() {
    let sections =
        vec![section("Vidéos", "vidéo", false), section("En bref", "brève", true), section("Vide", "rien", false)];
    let newsletter = Newsletter { sections, ..newsletter() };
    let mut both = tagged("c", "Vidéo brève", "2026-11-03T00:00:00Z", "brève");
    both.tags.push("Vidéo".into());
    let items = [
        item("a", "Ni l’une ni l’autre", "2026-11-30T00:00:00Z", "Du texte."),
        tagged("b", "Une brève", "2026-11-02T00:00:00Z", "brève"),
        both,
        tagged("d", "Une vidéo", "2026-11-04T00:00:00Z", "vidéo"),
    ];
    let composed = letter(&newsletter, &items);
    assert_eq!(titles(&composed), ["Une vidéo", "Vidéo brève", "Une brève", "Ni l’une ni l’autre"]);
    assert_eq!(subject(&composed), "La lettre d’essai n° 7 : Une vidéo");
    let text = text(&composed);
    insta::assert_snapshot!(between(&text, "essai.\n", "Toutes les").replace('\u{a0}', "~"), @r"
    ========================================

    🎬 Vidéos

    [Vidéo] Une vidéo
    Mercredi 4 novembre 2026

    Du texte.

    https://site.example.org/posts/d/

    ----------------------------------------

    [Vidéo] Vidéo brève
    Mardi 3 novembre 2026

    Du texte.

    https://site.example.org/posts/c/

    ========================================

    🎬 En bref

    - Une brève
      https://site.example.org/posts/b/

    ========================================

    Et aussi

    Ni l’une ni l’autre
    Lundi 30 novembre 2026

    Du texte.

    https://site.example.org/posts/a/

    ----------------------------------------
    ");
    let html = html(&composed);
    assert!(!html.contains("Vide<") && !text.contains("Vide\n"), "an empty section vanishes");
    assert_eq!(html.matches("aria-hidden=\"true\"").count(), 2, "{html}");
}

#[test]
fn without_a_heading_before_them_the_others_have_none() {
    let sections = vec![section("Vidéos", "vidéo", false)];
    let composed = letter(&Newsletter { sections, ..newsletter() }, &[item("a", "A", "2026-11-30T00:00:00Z", "")]);
    assert!(!text(&composed).contains("Et aussi"));
}

#[test]
fn the_shown_items_are_counted_across_sections() {
    let sections = vec![section("Vidéos", "vidéo", false)];
    let newsletter = Newsletter { sections, max_items: 2, ..newsletter() };
    let items = [
        tagged("a", "Vieille vidéo", "2026-11-01T00:00:00Z", "vidéo"),
        tagged("b", "Vidéo", "2026-11-02T00:00:00Z", "vidéo"),
        item("c", "Article", "2026-11-03T00:00:00Z", ""),
    ];
    let composed = letter(&newsletter, &items);
    assert_eq!(titles(&composed), ["Vidéo", "Article"]);
    assert_eq!(composed.counted.len(), 3);
    assert!(text(&composed).contains("Et une autre nouveauté"));
}

#[test]
fn a_series_stands_together_with_its_numbers() {
    let of = |stem: &str, title: &str, published: &str, episode: Option<&str>| {
        let series = Some("Référents".to_string());
        Item { series, episode: episode.map(str::to_string), ..item(stem, title, published, "Du texte.") }
    };
    let items = [
        of("annonce", "Une série arrive", "2026-11-01T00:00:00Z", None),
        item("x", "Entre-temps", "2026-11-04T00:00:00Z", "Du texte."),
        of("un", "Le réseau", "2026-11-03T00:00:00Z", Some("1")),
        of("deux", "Épisode #2 : les enjeux", "2026-11-05T00:00:00Z", None),
    ];
    let composed = letter(&newsletter(), &items);
    assert_eq!(titles(&composed), ["Une série arrive", "Le réseau", "Épisode #2 : les enjeux", "Entre-temps"]);
    let text = text(&composed).replace('\u{a0}', " ");
    assert!(text.contains("Une série arrive\nSérie « Référents »\n"), "{text}");
    assert!(text.contains("Le réseau\nÉpisode 1 de la série « Référents »\n"), "{text}");
    assert!(text.contains("Épisode #2 : les enjeux\nSérie « Référents »\n"), "said once: {text}");
}

#[test]
fn an_event_says_when_where_and_how_to_come() {
    let mut atelier = happening("atelier", "L’atelier", "2026-12-03T09:00:00Z");
    atelier.register = Some("https://site.example.org/inscription/".into());
    atelier.event = Some(Event {
        place: Some("Salle des fêtes".into()),
        online: true,
        join: Some("https://visio.example.org/a".into()),
        ..event("2026-12-03T09:00:00Z")
    });
    let composed = letter(&newsletter(), &[atelier.clone()]);
    let ics = format!("https://site.example.org/{}", calendar::path(&atelier));
    let text = text(&composed).replace(&ics, "ICS");
    insta::assert_snapshot!(between(&text, "essai.\n", "Toutes les").replace('\u{a0}', "~"), @r"
    ----------------------------------------

    L’atelier
    Quand~: jeudi 3 décembre 2026 à 10~h
    Où~: Salle des fêtes · En ligne
    S’inscrire à «~L’atelier~»~:
    https://site.example.org/inscription/
    Participer en ligne à «~L’atelier~»~:
    https://visio.example.org/a
    Ajouter «~L’atelier~» à votre agenda~:
    ICS

    Venez.

    https://site.example.org/posts/atelier/

    ----------------------------------------
    ");
}

#[test]
fn a_past_event_took_place_and_has_nothing_to_join() {
    let mut past = happening("a", "L’atelier", "2026-11-25T09:00:00Z");
    past.register = Some("https://site.example.org/inscription/".into());
    let composed = letter(&newsletter(), &[past]);
    let text = text(&composed).replace('\u{a0}', " ");
    assert!(text.contains("A eu lieu : mercredi 25 novembre 2026 à 10 h"), "{text}");
    for word in ["Quand", "inscription", ".ics", "Agenda"] {
        assert!(!text.contains(word), "{word}: {text}");
    }
}

#[test]
fn the_agenda_holds_all_that_is_to_come_soonest_first_and_announced_before_or_not() {
    let items = [
        item("a", "Un article", "2026-11-30T00:00:00Z", "Du texte."),
        happening("b", "Dans un mois", "2027-01-05"),
        happening("c", "Demain", "2026-12-02T18:00:00Z"),
        happening("d", "Hier", "2026-11-30"),
    ];
    let known: Vec<&str> = items[1..].iter().map(|item| item.id.as_str()).collect();
    let composed = editions(&config(), &newsletter(), &items, &known).expect("composed").remove(0);
    assert_eq!(titles(&composed), ["Un article"]);
    let text = text(&composed);
    insta::assert_snapshot!(between(&text, "posts/a/\n", "Toutes les").replace('\u{a0}', "~"), @r"
    ========================================

    Agenda

    - mercredi 2 décembre 2026 à 19~h
      Demain
      https://site.example.org/posts/c/
    - mardi 5 janvier 2027
      Dans un mois
      https://site.example.org/posts/b/

    ----------------------------------------
    ");
    let without = Newsletter { agenda: false, ..newsletter() };
    let composed = editions(&config(), &without, &items, &known).expect("composed").remove(0);
    assert!(!self::text(&composed).contains("Agenda"));
}

#[test]
fn an_agenda_that_would_only_repeat_the_letter_is_left_out() {
    let composed = letter(&newsletter(), &[happening("c", "Demain", "2026-12-02T18:00:00Z")]);
    assert!(!text(&composed).contains("Agenda"));
    let many = [
        happening("b", "Dans un mois", "2027-01-05"),
        happening("c", "Demain", "2026-12-02T18:00:00Z"),
        item("a", "Un article", "2026-11-30T00:00:00Z", "Du texte."),
    ];
    assert!(text(&letter(&newsletter(), &many)).contains("Agenda"), "an overview of several");
}

#[test]
fn a_long_agenda_is_cut_and_the_rest_counted() {
    let mut items: Vec<Item> =
        (1..=13).map(|n| happening(&format!("e{n:02}"), &format!("E{n}"), &format!("2026-12-{n:02}"))).collect();
    items.push(item("a", "Un article", "2026-11-30T00:00:00Z", "Du texte."));
    let known: Vec<&str> = items[..13].iter().map(|item| item.id.as_str()).collect();
    let composed = editions(&config(), &newsletter(), &items, &known).expect("composed").remove(0);
    let text = text(&composed);
    assert!(text.contains("E10\n") && !text.contains("E11\n"), "{text}");
    assert!(text.contains("Et 3 autres rendez-vous à venir"), "{text}");
}

/// The urgent letter of these items, the next regular one being due at this moment.
fn urgent_letter(items: &[Item], next: Option<&str>) -> Option<Composed> {
    let config = config();
    let (renderer, _) = Renderer::new(&config);
    let (templates, _) = Templates::read(&config);
    let input = ComposeInput {
        config: &config,
        newsletter: &newsletter(),
        items,
        renderer: &renderer,
        templates: &templates,
        known: &Default::default(),
        pictures: None,
        number: 8,
        now: NOW.parse().expect("a time"),
    };
    let next = next.map(|next| next.parse().expect("a time"));
    let plan = urgent(&input, Duration::days(3), next)?;
    Some(compose_plan(&input, &plan).expect("composed"))
}

#[test]
fn an_event_that_would_be_over_before_the_next_letter_has_a_short_one() {
    let items = [
        item("a", "Un article", "2026-11-30T00:00:00Z", "Du texte."),
        happening("b", "Atelier de réparation", "2026-12-03T09:00:00Z"),
        happening("c", "Plus tard", "2026-12-05T09:00:00Z"),
    ];
    let composed = urgent_letter(&items, Some("2027-01-01T08:00:00Z")).expect("urgent");
    assert_eq!(titles(&composed), ["Atelier de réparation"]);
    assert_eq!(composed.counted, [items[1].id.clone()]);
    assert_eq!(subject(&composed), "Bientôt : Atelier de réparation");
    let (text, html) = (text(&composed).replace('\u{a0}', " "), html(&composed));
    assert!(text.contains("C’est bientôt, et avant notre prochaine lettre."), "{text}");
    assert!(!text.contains("Un article") && !text.contains("Agenda"), "{text}");
    assert!(html.contains("Jeudi 3 décembre 2026 à 10&nbsp;h · Venez."), "the preheader says when: {html}");
    assert!(urgent_letter(&items, None).is_some(), "the editor's clock");
}

#[test]
fn what_is_not_new_not_soon_over_later_or_begun_is_not_urgent() {
    let one = |start: &str, end: Option<&str>, next: &str| {
        let mut item = happening("b", "Atelier", start);
        item.event = Some(Event { end: end.map(|end| event(end).start), ..event(start) });
        urgent_letter(&[item], Some(next)).is_some()
    };
    assert!(one("2026-12-03T09:00:00Z", None, "2026-12-03T10:00:00Z"));
    assert!(!one("2026-12-03T09:00:00Z", None, "2026-12-03T08:00:00Z"), "the regular letter is in time");
    assert!(!one("2026-12-05T09:00:00Z", None, "2027-01-01T08:00:00Z"), "another run will see to it");
    assert!(!one("2026-12-02", Some("2027-01-31"), "2027-01-01T08:00:00Z"), "it is still on then");
    assert!(!one("2026-12-01T07:00:00Z", Some("2026-12-01T10:00:00Z"), "2027-01-01T08:00:00Z"), "it has begun");
    assert!(one("2026-12-01", None, "2027-01-01T08:00:00Z"), "it is today");
}

#[test]
fn a_transcription_is_linked_by_name_where_there_is_one() {
    let said = "Bonjour à vous qui regardez cette vidéo. ".repeat(4);
    let transcribed = |body: &str| {
        let text = text(&letter(&newsletter(), &[item("a", "La vidéo", "2026-11-30T00:00:00Z", body)]));
        text.replace('\u{a0}', " ")
            .contains("Lire la transcription de « La vidéo » :\nhttps://site.example.org/posts/a/\n")
    };
    assert!(transcribed(&format!("{{% transcription \"La vidéo\" %}}\n{said}\n{{% endtranscription %}}\n")));
    assert!(transcribed(&format!("<details><summary>Transcription</summary>\n\n{said}\n\n</details>\n")));
    assert!(!transcribed("<details><summary>Transcription</summary>\n\nÀ venir\n\n</details>\n"));
    assert!(!transcribed("*Transcription*\n\nÀ venir\n"));
}

#[test]
fn what_is_written_from_right_to_left_keeps_its_marks_to_itself() {
    let arabic = "مرحبا، بالعالم!";
    let hebrew = "שלום (עולם)";
    let mut items = [
        item("a", arabic, "2026-11-30T00:00:00Z", "نص."),
        item("b", hebrew, "2026-11-29T00:00:00Z", "טקסט."),
        item("c", "En français", "2026-11-28T00:00:00Z", "Du texte."),
    ];
    items[0].language = Some("ar".into());
    let composed = letter(&newsletter(), &items);
    let (text, html) = (text(&composed), html(&composed));
    for (title, language) in [(arabic, "ar"), (hebrew, "he")] {
        assert!(text.contains(&format!("\u{2068}{title}\u{2069}\n")), "{text}");
        assert!(html.contains(&format!("lang=\"{language}\" dir=\"rtl\"")), "told by its letters: {html}");
    }
    assert!(!text.contains("\u{2068}En"), "{text}");
    assert_eq!(text.matches('\u{2068}').count(), text.matches('\u{2069}').count());
}

#[test]
fn the_line_after_the_subject_says_what_the_subject_does_not() {
    let shown = |items: &[Item]| {
        let html = html(&letter(&newsletter(), items));
        between(&html, "class=\"preheader\"", "</div>").split_once('>').expect("closed").1.to_string()
    };
    let long = "Une phrase qui en dit un peu plus, et assez longtemps pour que l’on doive la couper avant sa fin. Puis une autre.";
    let mut one = item("a", "Un titre", "2026-11-30T00:00:00Z", "");
    one.summary = Some(long.into());
    let said = shown(&[one.clone()]);
    assert!(long.starts_with(said.trim_end_matches('…')) && (90..=110).contains(&said.chars().count()), "{said}");
    let others = [
        one,
        item("b", "Un deuxième", "2026-11-29T00:00:00Z", ""),
        item("c", "Un troisième", "2026-11-28T00:00:00Z", ""),
    ];
    assert!(shown(&others).starts_with("Un deuxième · Un troisième · Une phrase"), "{}", shown(&others));
}

#[test]
fn long_titles_and_bare_items_make_a_whole_letter() {
    for count in [1, 3, 20] {
        let items: Vec<Item> = (0..count)
            .map(|n| item(&format!("i{n}"), &"Un « titre » (long) ".repeat(16), "2026-11-30T00:00:00Z", ""))
            .collect();
        let composed = letter(&Newsletter { max_items: 20, surge: 20, ..newsletter() }, &items);
        assert_eq!(composed.items.len(), count);
        let subject = subject(&composed);
        let headline = subject.strip_prefix("La lettre d’essai n° 7 : ").expect("title and number");
        assert!(headline.chars().count() <= 60 && headline.ends_with('…'), "{headline}");
        assert!(!headline.contains('\u{a0}') && !headline.ends_with(['«', '(']), "{headline}");
        assert!(html(&composed).len() < 80_000);
    }
}

#[test]
fn nothing_but_the_stamps_depends_on_the_recipient() {
    let items =
        [happening("a", "Demain", "2026-12-02T18:00:00Z"), item("b", "B", "2026-11-30T00:00:00Z", "Du texte.")];
    let composed = letter(&newsletter(), &items);
    assert_eq!(composed.variants, letter(&newsletter(), &items).variants, "the same bytes twice");
    let somebody = StampFields {
        name: Some("Bob".into()),
        email: "bob@example.org".into(),
        leave_url: Some("mailto:x".into()),
        ..StampFields::default()
    };
    let variant = &composed.variants[0];
    for (part, escape) in
        [(&variant.html, Escape::Html), (&variant.text, Escape::None), (&variant.subject, Escape::None)]
    {
        let (mut hers, mut his) = (part.fill(&ada(), escape), part.fill(&somebody, escape));
        let filler = Filler::new(&[part], escape);
        for stamp in part.stamps() {
            hers = hers.replacen(&filler.stamp(stamp, &ada()), "*", 1);
            his = his.replacen(&filler.stamp(stamp, &somebody), "*", 1);
        }
        assert_eq!(hers, his);
    }
}
