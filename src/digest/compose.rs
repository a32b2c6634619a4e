//! From new items to a letter with its stamps: selected, rendered, styles inlined, cut at the stamps.
//!
//! Promises: pure, the time handed in: the same input gives the same bytes. An HTML part stays under 80 kB: a heavier
//! letter says less of each item, then shows fewer of them, and a warning says so.
//!
//! BUGS: a single item is shown however heavy it is. A mistake in a subject reads its file again, to show the line.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::context::{self, Fullness};
use super::edition::{self, Edition};
use super::scan::Stamps;
use super::template::{Part, Templates};
use super::weight::{HTML_LIMIT, IMAGES_LIMIT, STAMPS_ROOM};
use super::wrap::wrap;
use super::{AnnouncedItem, Composed, Escape, Stamped, Variant};
use crate::body::Renderer;
use crate::config::{self, Config, Images, Newsletter, Schedule};
use crate::item::Item;
use crate::problem::{Problem, Problems};

/// All that an edition is made of.
#[derive(Clone, Copy)]
pub struct ComposeInput<'a> {
    pub config: &'a Config,
    pub newsletter: &'a Newsletter,
    /// Identified.
    pub items: &'a [Item],
    pub renderer: &'a Renderer,
    pub templates: &'a Templates,
    /// Ids announced, declined or counted before.
    pub known: &'a HashSet<String>,
    /// This edition's.
    pub number: u64,
    pub now: DateTime<Utc>,
}

/// One edition with everything that is new; without items if nothing is. The schedule is not asked: for a letter an item,
/// see [`compose_all`].
pub fn compose(input: &ComposeInput<'_>) -> Result<Composed, Problems> {
    match edition::edition(input) {
        Some(edition) => compose_edition(input, &edition),
        None => {
            let newsletter = input.newsletter.name.clone();
            Ok(Composed { newsletter, number: input.number, ..Composed::default() })
        }
    }
}

/// Every edition of what is new, in the order in which they go and numbered from `input.number`: none, one, or with
/// `each-item` one an item, oldest first. More new items than `surge` at once are one edition, to be held as one.
pub fn compose_all(input: &ComposeInput<'_>) -> Result<Vec<Composed>, Problems> {
    let editions = match input.newsletter.schedule {
        Schedule::EachItem if edition::new_items(input).len() <= input.newsletter.surge => {
            edition::edition_of_each(input)
        }
        _ => edition::edition(input).into_iter().collect(),
    };
    let numbered = editions.iter().zip(input.number..);
    numbered.map(|(edition, number)| compose_edition(&ComposeInput { number, ..*input }, edition)).collect()
}

fn compose_edition(input: &ComposeInput<'_>, edition: &Edition<'_>) -> Result<Composed, Problems> {
    if input.templates.broken.has_errors() {
        return Err(input.templates.broken.clone());
    }
    let mut problems = Problems::new();
    let (left_out, picture_problems) = without_picture(input, &edition.entries);
    let mut shown = edition.entries.len();
    let mut fullness = Fullness::Full;
    let mut variant = render(input, edition, &left_out, fullness, shown)?;
    let room = HTML_LIMIT - STAMPS_ROOM;
    while variant.html.fixed_bytes() > room {
        match fullness {
            Fullness::Full => fullness = Fullness::Brief,
            Fullness::Brief if shown > 1 => {
                let fitting = shown * room / variant.html.fixed_bytes();
                shown = fitting.clamp(1, shown - 1);
            }
            Fullness::Brief => break,
        }
        variant = render(input, edition, &left_out, fullness, shown)?;
    }
    let newsletter = input.newsletter;
    if fullness == Fullness::Brief {
        let message = format!("letter {} would be too heavy: it shows {shown} titles without more", input.number);
        let help = "lower `max_items`: mail services cut a letter of more than 100 kB, the way out with it";
        problems.push(Problem::warning("heavy-letter", message).help(help).in_file(&newsletter.file));
    }
    let entries = &edition.entries[..shown];
    if fullness == Fullness::Full {
        problems.extend(picture_problems);
    }
    if newsletter.images == Images::Embedded {
        let message = "pictures can't travel inside a letter yet: this one has none";
        problems.push(Problem::warning("images", message).help("write `images: hosted`").in_file(&newsletter.file));
    }
    if newsletter.theme != "plain" {
        let message = format!("there is no theme `{}` yet: the letter has the plain one", newsletter.theme);
        problems.push(Problem::warning("theme", message).in_file(&newsletter.file));
    }
    for entry in entries {
        problems.extend(entry.body.problems.clone());
    }
    let items: Vec<AnnouncedItem> = entries
        .iter()
        .map(|entry| AnnouncedItem {
            id: entry.item.id.clone(),
            title: input.renderer.line(entry.item, &entry.item.title),
            url: entry.item.url.clone(),
        })
        .collect();
    Ok(Composed {
        newsletter: newsletter.name.clone(),
        number: input.number,
        items,
        counted: edition.counted.clone(),
        variants: vec![variant],
        problems,
    })
}

/// One rendering of the three texts.
fn render(
    input: &ComposeInput<'_>,
    edition: &Edition<'_>,
    left_out: &HashSet<String>,
    fullness: Fullness,
    shown: usize,
) -> Result<Variant, Problems> {
    let (templates, newsletter) = (input.templates, input.newsletter);
    let mut context = context::context(input, edition, left_out, fullness, shown);
    let subject = subject(input, &context).map_err(|problems| of_subject(problems, input))?;
    context["subject"] = Value::String(subject.settle(Escape::None).fill(&Default::default(), Escape::None));
    let html = html(&templates.html, &context)?;
    let text = templates.text.render(&context)?;
    let text = split(&templates.text, &wrap(&text), "digest.txt.hbs")?;
    // A list server sends one letter to everybody: nobody's name is in it.
    let settle = |text: Stamped, escape| if newsletter.to.is_list() { text.settle(escape) } else { text };
    Ok(Variant {
        items: edition.entries.iter().take(shown).map(|entry| entry.item.id.clone()).collect(),
        subject: settle(subject, Escape::None),
        html: settle(html, Escape::Html),
        text: settle(text, Escape::None),
        language: templates.language_tag.clone(),
    })
}

/// The subject: one line.
fn subject(input: &ComposeInput<'_>, context: &Value) -> Result<Stamped, Problems> {
    let part = input.templates.subject(&input.newsletter.subject, &input.newsletter.file)?;
    let wrong = |message: &str| Problems(vec![Problem::error("subject", message)]);
    let rendered = part.render(context)?;
    // Ordinary spaces alone: a list of letters breaks no line here, and people search and filter by what they see.
    let line = rendered.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.is_empty() {
        return Err(wrong("it is empty"));
    }
    part.split(&line).ok_or_else(|| wrong("a block about `recipient` is torn"))
}

/// Problems of a subject, at its place in the newsletter's file.
fn of_subject(problems: Problems, input: &ComposeInput<'_>) -> Problems {
    let place = config::place_of(&input.config.root, &input.newsletter.file, &["subject"]);
    let told = |problem: Problem| Problem {
        message: format!("the subject can't be used: {}", problem.message),
        ..problem.at(place.clone())
    };
    problems.0.into_iter().map(told).collect()
}

/// The HTML part: styles inlined, `@media` rules kept, indentation gone.
fn html(part: &Part, context: &Value) -> Result<Stamped, Problems> {
    let rendered = part.render(context)?;
    let mut compact = String::with_capacity(rendered.len());
    for line in rendered.lines().map(str::trim).filter(|line| !line.is_empty()) {
        compact.push_str(line);
        compact.push('\n');
    }
    let inliner = css_inline::CSSInliner::options().keep_at_rules(true).load_remote_stylesheets(false).build();
    let inlined = inliner.inline(&compact).map_err(|error| {
        let problem = Problem::error("template", format!("its styles can't be inlined: {error}"));
        Problems(vec![problem.in_file("mail-templates/digest.html.hbs")])
    })?;
    if Stamps::markers(&inlined) != Stamps::markers(&compact) {
        let message = "HTML has no place for text where a block about `recipient` stands";
        let help = "let it start and end inside one cell, outside of any tag";
        let problem = Problem::error("template", message).help(help).in_file("mail-templates/digest.html.hbs");
        return Err(Problems(vec![problem]));
    }
    split(part, &after_the_head(&inlined), "digest.html.hbs")
}

/// The rules that stay are put first by the inliner; what names the characters and the title has to stand before them.
fn after_the_head(html: &str) -> String {
    let moved = html.find("<head><style>").and_then(|head| {
        let start = head + "<head>".len();
        let end = start + html[start..].find("</style>")? + "</style>".len();
        let close = end + html[end..].find("</head>")?;
        Some([&html[..start], "\n", html[end..close].trim(), "\n", &html[start..end], "\n", &html[close..]].concat())
    });
    moved.unwrap_or_else(|| html.to_string())
}

fn split(part: &Part, text: &str, file: &str) -> Result<Stamped, Problems> {
    part.split(text).ok_or_else(|| {
        let message = "a block about `recipient` is torn: its opening and its end are not in order";
        Problems(vec![Problem::error("template", message).in_file(format!("mail-templates/{file}"))])
    })
}

/// Ids of the items whose picture this letter leaves out, and why: mail programs can't show it, or it would make the
/// letter's pictures weigh more than their limit. The heaviest go first.
fn without_picture(input: &ComposeInput<'_>, entries: &[edition::Entry<'_>]) -> (HashSet<String>, Problems) {
    let (mut left_out, mut problems) = (HashSet::new(), Problems::new());
    if input.newsletter.images != Images::Hosted {
        return (left_out, problems);
    }
    let mut known: Vec<(u64, &Item)> = Vec::new();
    for (item, image) in entries.iter().filter_map(|entry| Some((entry.item, entry.item.image.as_ref()?))) {
        if context::is_mailable(image) {
            known.push((image.bytes.unwrap_or(0), item));
            continue;
        }
        let message = format!("the letter leaves out a picture that mail programs can't show: {}", image.url);
        let help = "give the item a JPEG or PNG picture";
        problems.push(Problem::warning("picture-format", message).help(help).in_file(item.path()));
        left_out.insert(item.id.clone());
    }
    // Stable: of two that weigh the same, the later one goes first.
    known.sort_by_key(|(bytes, _)| *bytes);
    let mut total: u64 = known.iter().map(|(bytes, _)| bytes).sum();
    while let Some((bytes, item)) = known.pop().filter(|_| total > IMAGES_LIMIT) {
        total -= bytes;
        let message = format!("the letter leaves out this item's picture, which weighs {} kB", bytes / 1000);
        let help = format!("make it smaller: the pictures of a letter may weigh {} kB together", IMAGES_LIMIT / 1000);
        problems.push(Problem::warning("heavy-picture", message).help(help).in_file(item.path()));
        left_out.insert(item.id.clone());
    }
    (left_out, problems)
}
