//! What each choice of a newsletter's topics gets of a letter.
//!
//! An item belongs to every topic whose `select` takes it. Whoever chose topics gets the items that belong to one of them, and
//! those that belong to none; a link or a line of words in an edition's file belongs to none either. Choices that come to the
//! same letter share it, and a choice for which nothing is in it gets none. Where the letter gathers what is new, each part is
//! gathered anew, so that `max_items` are shown of what its readers want.
//!
//! Promises: pure; a choice in which no topic of the newsletter is left counts as no choice, and gets everything, so that a topic
//! that was taken away or renamed makes nobody miss anything.
//!
//! BUGS: a person's own subject and introduction stand above every part.

use std::collections::{BTreeMap, BTreeSet};

use super::agenda::{agenda_of, urgent_subject};
use super::automatic::plan_of;
use super::plan::{Plan, Section};
use super::{ComposeInput, Share};
use crate::config::Newsletter;
use crate::item::Item;
use crate::selection;

/// How many letters one edition may consist of, the whole one among them: the choices that the fewest readers made get the
/// whole one where there would be more.
pub const MOST: usize = 64;

/// A letter's parts.
#[derive(Debug, Default)]
pub struct Parted<'a> {
    /// Besides the whole one: variants 1, 2, ….
    pub plans: Vec<Plan<'a>>,
    pub shares: Vec<Share>,
    /// How many choices get the whole letter because there would be too many.
    pub beyond: usize,
}

/// The parts that these choices get, given with the most frequent one first; `received` says what is left out of which.
pub fn parted<'a>(
    input: &ComposeInput<'a>,
    whole: &Plan<'a>,
    choices: &[String],
    received: &BTreeMap<String, BTreeSet<String>>,
) -> Parted<'a> {
    let mut parted = Parted::default();
    let mut shown = vec![shown_by(whole)];
    for topics in choices {
        let (chosen, received) = (chosen(input.newsletter, topics), received.get(topics));
        if chosen.is_none() && received.is_none() {
            continue;
        }
        let takes = |item: &Item| {
            chosen.as_ref().is_none_or(|chosen| takes(input.newsletter, chosen, item))
                && received.is_none_or(|received| !received.contains(&item.id))
        };
        let variant = match part(input, whole, &takes) {
            None => None,
            Some(plan) => {
                let own = shown_by(&plan);
                match shown.iter().position(|other| *other == own) {
                    Some(variant) => Some(variant),
                    None if shown.len() >= MOST => {
                        parted.beyond += 1;
                        Some(0)
                    }
                    None => {
                        shown.push(own);
                        parted.plans.push(plan);
                        Some(parted.plans.len())
                    }
                }
            }
        };
        parted.shares.push(Share { topics: topics.clone(), variant });
    }
    parted
}

/// The topics of a choice that the newsletter has, by name; `None`: everything.
pub fn chosen<'n>(newsletter: &'n Newsletter, topics: &str) -> Option<Vec<&'n str>> {
    let all = newsletter.topics.iter().map(|topic| topic.name.as_str());
    let chosen: Vec<&str> = all.filter(|name| topics.split(' ').any(|topic| topic == *name)).collect();
    (!chosen.is_empty() && chosen.len() < newsletter.topics.len()).then_some(chosen)
}

fn takes(newsletter: &Newsletter, chosen: &[&str], item: &Item) -> bool {
    let mut own = newsletter.topics.iter().filter(|topic| selection::matches(item, &topic.select)).peekable();
    own.peek().is_none() || own.any(|topic| chosen.contains(&topic.name.as_str()))
}

/// What is told of a plan to know whether two are one letter.
fn shown_by<'a>(plan: &Plan<'a>) -> (Vec<&'a str>, Vec<&'a str>, [usize; 3]) {
    let ids = plan.items().map(|item| item.id.as_str()).collect();
    let agenda = plan.agenda.iter().map(|item| item.id.as_str()).collect();
    (ids, agenda, [plan.entries().count(), plan.rest, plan.agenda_rest])
}

/// The part of a letter that `takes` tells; `None`: nothing is left of it.
fn part<'a>(input: &ComposeInput<'a>, whole: &Plan<'a>, takes: &dyn Fn(&Item) -> bool) -> Option<Plan<'a>> {
    if whole.gathered {
        return plan_of(input, takes);
    }
    let sections = sections(&whole.sections, takes);
    let first = sections.iter().flat_map(|section| &section.entries).next()?;
    let subject = match first.item() {
        Some(item) if whole.urgent => Some(urgent_subject(input, item)),
        _ => whole.subject.clone(),
    };
    let (agenda, agenda_rest) = match whole.agenda.is_empty() {
        true => (Vec::new(), 0),
        false => agenda_of(input, &sections, takes),
    };
    Some(Plan { subject, sections, agenda, agenda_rest, ..whole.clone() })
}

/// Without the entries that are not wanted, nor headings that nothing is left under.
fn sections<'a>(whole: &[Section<'a>], takes: &dyn Fn(&Item) -> bool) -> Vec<Section<'a>> {
    let wanted: Vec<Section<'a>> = whole
        .iter()
        .map(|section| {
            let entries = section.entries.iter().filter(|entry| entry.item().is_none_or(takes)).cloned().collect();
            Section { entries, ..section.clone() }
        })
        .collect();
    let is_gone = |index: usize| wanted[index].entries.is_empty() && !whole[index].entries.is_empty();
    let below =
        |index: usize| (index + 1..whole.len()).take_while(move |below| whole[*below].depth > whole[index].depth);
    let stays = |index: usize| {
        // One that has had entries, or stands above some, needs one.
        let needs = !whole[index].entries.is_empty() || below(index).any(|below| !whole[below].entries.is_empty());
        !needs || !is_gone(index) && !wanted[index].entries.is_empty() || below(index).any(|below| !is_gone(below))
    };
    wanted.iter().enumerate().filter(|(index, _)| stays(*index)).map(|(_, section)| section.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::plan::{Entry, Prose, What};
    use super::super::samples::{self, item};
    use super::*;
    use crate::body::{Body, Renderer};
    use crate::config::{Select, Topic};
    use crate::digest::Templates;

    fn tagged(name: &str, tags: &[&str]) -> Item {
        let own = item(name, name, "2026-11-01T00:00:00Z", "");
        Item { id: name.to_string(), tags: tags.iter().map(|tag| tag.to_string()).collect(), ..own }
    }

    fn newsletter() -> Newsletter {
        let topic = |name: &str| Topic {
            name: name.to_string(),
            title: name.to_uppercase(),
            select: Select { tags: vec![name.to_string()], ..Select::default() },
        };
        Newsletter { topics: ["a", "b", "c"].map(topic).to_vec(), ..samples::newsletter() }
    }

    /// The ids that each choice gets of what is new, and how many letters there are.
    fn parts(newsletter: &Newsletter, items: &[Item], choices: &[&str]) -> (Vec<Option<String>>, usize) {
        let config = samples::config();
        let (renderer, _) = Renderer::new(&config);
        let (templates, _) = Templates::read(&config);
        let known = Default::default();
        let input = ComposeInput {
            config: &config,
            newsletter,
            items,
            renderer: &renderer,
            templates: &templates,
            known: &known,
            pictures: None,
            number: 1,
            now: "2026-12-01T08:00:00Z".parse().expect("a time"),
        };
        let whole = super::super::plan_of_new(&input).expect("a letter");
        let choices: Vec<String> = choices.iter().map(|choice| choice.to_string()).collect();
        let received = choices.iter().filter_map(|choice| {
            let ids = choice.split_once('!')?.1.split(',').map(str::to_string);
            Some((choice.clone(), ids.collect()))
        });
        let parted = parted(&input, &whole, &choices, &received.collect());
        let ids = |plan: &Plan<'_>| plan.items().map(|item| item.id.clone()).collect::<Vec<_>>().join(" ");
        let of = |topics: &String| {
            let share = parted.shares.iter().find(|share| share.topics == *topics);
            match share.map(|share| share.variant) {
                None | Some(Some(0)) => Some(ids(&whole)),
                Some(None) => None,
                Some(Some(variant)) => Some(ids(&parted.plans[variant - 1])),
            }
        };
        (choices.iter().map(of).collect(), 1 + parted.plans.len())
    }

    #[test]
    fn a_choice_gets_the_items_of_its_topics_and_those_of_none() {
        let items = [tagged("1", &["a"]), tagged("2", &["b"]), tagged("3", &["a", "b"])];
        let (got, letters) = parts(&newsletter(), &items, &["a", "b", "a b", "c", "a c", "a b c", "gone", "gone a"]);
        let expected =
            [Some("3 1"), Some("3 2"), Some("3 2 1"), None, Some("3 1"), Some("3 2 1"), Some("3 2 1"), Some("3 1")];
        assert_eq!(got, expected.map(|ids| ids.map(str::to_string)));
        assert_eq!(letters, 3, "those who come to the same share it");
        let items = [tagged("1", &["a"]), tagged("2", &[])];
        let (got, letters) = parts(&newsletter(), &items, &["a", "b", "c"]);
        assert_eq!(got, ["2 1", "2", "2"].map(|ids| Some(ids.to_string())));
        assert_eq!(letters, 2);
    }

    #[test]
    fn what_somebody_received_elsewhere_is_left_out_of_their_part() {
        let items = [tagged("1", &["a"]), tagged("2", &["b"]), tagged("3", &["a"])];
        let (got, letters) = parts(&newsletter(), &items, &["!3", "a !3", "!1,2,3", "!9"]);
        let expected = [Some("2 1"), Some("1"), None, Some("3 2 1")];
        assert_eq!(got, expected.map(|ids| ids.map(str::to_string)));
        assert_eq!(letters, 3);
    }

    #[test]
    fn each_part_shows_as_many_items_as_a_letter_may() {
        let items: Vec<Item> = (1..=6).map(|n| tagged(&n.to_string(), &[if n < 4 { "a" } else { "b" }])).collect();
        let newsletter = Newsletter { max_items: 2, ..newsletter() };
        let (got, _) = parts(&newsletter, &items, &["a b c", "a"]);
        assert_eq!(got, ["6 5", "3 2"].map(|ids| Some(ids.to_string())));
    }

    #[test]
    fn the_choices_that_the_fewest_made_get_the_whole_letter_where_there_would_be_too_many() {
        let names: Vec<String> = (0..7).map(|n| format!("t{n}")).collect();
        let topics = names.iter().map(|name| Topic {
            name: name.clone(),
            title: name.clone(),
            select: Select { tags: vec![name.clone()], ..Select::default() },
        });
        let newsletter = Newsletter { topics: topics.collect(), ..samples::newsletter() };
        let items: Vec<Item> = names.iter().map(|name| tagged(name, &[name])).collect();
        let choices: Vec<String> = (1..127u32)
            .map(|set| {
                let chosen = names.iter().enumerate().filter(|(n, _)| set & (1 << n) != 0);
                chosen.map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(" ")
            })
            .collect();
        let choices: Vec<&str> = choices.iter().map(String::as_str).collect();
        let (got, letters) = parts(&newsletter, &items, &choices);
        assert_eq!(letters, MOST);
        assert_eq!(got[0].as_deref(), Some("t0"));
        assert_eq!(got[125].as_deref(), Some("t6 t5 t4 t3 t2 t1 t0"));
    }

    #[test]
    fn headings_that_nothing_is_left_under_go_and_a_persons_words_stay() {
        let (one, two) = (tagged("1", &["a"]), tagged("2", &["b"]));
        let words =
            Entry { what: What::Words, title: Some("words".into()), mark: None, words: None, reminder: false };
        let of = |item| Entry::of(item, Body::default());
        let section = |title: &str, depth, entries| Section {
            title: Some(title.to_string()),
            depth,
            entries,
            ..Section::default()
        };
        let whole = [
            section("gone", 0, vec![of(&two)]),
            section("above", 0, vec![]),
            section("below, gone", 1, vec![of(&two)]),
            section("below", 1, vec![of(&one), of(&two)]),
            section("above nothing", 0, vec![]),
            section("nothing", 1, vec![of(&two)]),
            Section { note: Some(Prose::default()), ..section("said", 0, vec![]) },
            section("words", 0, vec![words, of(&two)]),
        ];
        let newsletter = newsletter();
        let left = sections(&whole, &|item| takes(&newsletter, &["a"], item));
        let titles: Vec<_> = left.iter().map(|section| (section.title.as_deref(), section.entries.len())).collect();
        let expected = [("above", 0), ("below", 1), ("said", 0), ("words", 1)];
        assert_eq!(titles, expected.map(|(title, count)| (Some(title), count)));
    }
}
