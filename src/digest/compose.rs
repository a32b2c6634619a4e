//! From new items to a letter with its stamps: selected, rendered, styles inlined, cut at the stamps.
//!
//! Promises: pure, the time handed in: the same input gives the same bytes. The HTML part keeps to the newsletter's
//! budget: a heavier letter says less of each item, and a warning says so; one that is still heavier is refused.
//!
//! BUGS: a mistake in a subject reads its file again, to show the line.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::automatic;
use super::context::{self, Fullness};
use super::look;
use super::plan::Plan;
use super::scan::{Stamps, without_markers};
use super::stamp::escape_html;
use super::template::{Part, Templates};
use super::weight::STAMPS_ROOM;
use super::wrap::wrap;
use super::{AnnouncedItem, Composed, Escape, Piece, ShownPicture, Stamped, Variant};
use crate::body::Renderer;
use crate::config::{self, Config, Newsletter, Schedule};
use crate::item::Item;
use crate::pictures::{Picture, Pictures};
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
    /// Converted before, as [`wanted`](super::wanted) asks; `None`: planning needs none.
    pub pictures: Option<&'a Pictures>,
    /// Ids announced, declined or counted before.
    pub known: &'a HashSet<String>,
    /// This edition's.
    pub number: u64,
    pub now: DateTime<Utc>,
}

/// One edition with everything that is new; without items if nothing is. The schedule is not asked: for a letter an item,
/// see [`compose_all`].
pub fn compose(input: &ComposeInput<'_>) -> Result<Composed, Problems> {
    match automatic::plan(input) {
        Some(plan) => compose_plan(input, &plan),
        None => {
            let newsletter = input.newsletter.name.clone();
            Ok(Composed { newsletter, number: input.number, ..Composed::default() })
        }
    }
}

/// Every edition of what is new, composed: see [`plans`].
pub fn compose_all(input: &ComposeInput<'_>) -> Result<Vec<Composed>, Problems> {
    plans(input).iter().map(|plan| compose_plan(input, plan)).collect()
}

/// Every edition of what is new, in the order in which they go and numbered from `input.number`: none, one, or with
/// `each-item` one an item, oldest first. More new items than `surge` at once are one edition, to be held as one.
pub fn plans<'a>(input: &ComposeInput<'a>) -> Vec<Plan<'a>> {
    match input.newsletter.schedule {
        Schedule::EachItem if automatic::new_items(input).len() <= input.newsletter.surge => {
            automatic::plan_of_each(input)
        }
        _ => automatic::plan(input).into_iter().collect(),
    }
}

/// One planned letter, ready to be frozen.
pub fn compose_plan(input: &ComposeInput<'_>, plan: &Plan<'_>) -> Result<Composed, Problems> {
    if input.templates.broken.has_errors() {
        return Err(input.templates.broken.clone());
    }
    let newsletter = input.newsletter;
    let mut problems = Problems::new();
    let mut fullness = Fullness::Full;
    let mut variant = render(input, plan, fullness)?;
    let limit = newsletter.weight.html;
    let room = limit.saturating_sub(STAMPS_ROOM);
    if variant.html.fixed_bytes() > room {
        fullness = Fullness::Brief;
        variant = render(input, plan, fullness)?;
        let shown = plan.entries().count();
        let message = format!("letter {} would be too heavy: it shows {shown} titles without more", plan.number);
        let help = "lower `max_items`: mail services cut a letter of more than 100 kB, the way out with it";
        let heavy = Problem::warning("heavy-letter", message).help(help).in_file(&newsletter.file);
        if variant.html.fixed_bytes() > room {
            let message = format!(
                "letter {} would weigh {} kB without pictures, and its budget is {} kB: it is not sent",
                plan.number,
                variant.html.fixed_bytes() / 1000,
                limit / 1000
            );
            let help = "lower `max_items`, decline some of its items, or raise `weight.html` (Gmail cuts at 102 kB)";
            let refused = Problem::error("too-heavy-letter", message).help(help).in_file(&newsletter.file);
            return Err(Problems(vec![refused]));
        }
        problems.push(heavy);
    }
    if fullness == Fullness::Full {
        problems.extend(input.pictures.map(|pictures| pictures.problems.clone()).unwrap_or_default());
    }
    for body in plan.entries().filter_map(|entry| entry.body()) {
        problems.extend(body.problems.clone());
    }
    let items: Vec<AnnouncedItem> = plan
        .entries()
        .filter_map(|entry| Some((entry, entry.item()?)))
        .map(|(entry, item)| AnnouncedItem {
            id: item.id.clone(),
            title: entry.title.clone().unwrap_or_else(|| input.renderer.line(item, &item.title)),
            url: item.url.clone(),
        })
        .collect();
    Ok(Composed {
        newsletter: newsletter.name.clone(),
        number: plan.number,
        items,
        counted: plan.counted.clone(),
        declined: plan.declined.clone(),
        urgent: plan.urgent,
        online: newsletter.online_path(plan.number),
        pictures: shown_pictures(input, &variant),
        handed_over: None,
        variants: vec![variant],
        shares: Vec::new(),
        problems,
    })
}

/// The pictures that a variant shows, each once, in its order.
fn shown_pictures(input: &ComposeInput<'_>, variant: &Variant) -> Vec<ShownPicture> {
    let html = variant.html.fill(&Default::default(), Escape::Html);
    let place = |picture: &Picture| {
        let named = |address: &str| html.find(&format!("src=\"{}\"", escape_html(address)));
        named(&picture.url).or_else(|| named(&format!("cid:{}", picture.content_id)))
    };
    let mut shown: Vec<(usize, &Picture)> = input
        .pictures
        .into_iter()
        .flat_map(Pictures::all)
        .filter_map(|picture| Some((place(picture)?, picture)))
        .collect();
    shown.sort_by_key(|(place, _)| *place);
    let shown = shown.into_iter().map(|(_, picture)| picture);
    shown
        .map(|picture| ShownPicture {
            name: picture.name.clone(),
            url: picture.url.clone(),
            content_id: picture.content_id.clone(),
            bytes: picture.bytes,
            media_type: picture.media_type.to_string(),
            content: picture.content.clone(),
        })
        .collect()
}

/// One rendering of the three texts.
fn render(input: &ComposeInput<'_>, plan: &Plan<'_>, fullness: Fullness) -> Result<Variant, Problems> {
    let (templates, newsletter) = (input.templates, input.newsletter);
    let mut context = context::context(input, plan, fullness);
    context["look"] = look::look(input);
    context["edition"]["brief"] = Value::Bool(fullness == Fullness::Brief);
    let subject = match &plan.subject {
        Some(own) => Stamped(vec![Piece::Text(one_line(&without_markers(own)))]),
        None => subject(input, &context).map_err(|problems| of_subject(problems, input))?,
    };
    context["subject"] = Value::String(subject.settle(Escape::None).fill(&Default::default(), Escape::None));
    let theme = templates.theme(newsletter)?;
    let html = html(&theme.html, "digest", &context)?;
    let text = theme.text.render(&context)?;
    let text = split(&theme.text, &wrap(&text), "digest.txt.hbs")?;
    // A list server sends one letter to everybody: nobody's name is in it.
    let settle = |text: Stamped, escape| if newsletter.to.is_list() { text.settle(escape) } else { text };
    Ok(Variant {
        items: plan.items().map(|item| item.id.clone()).collect(),
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
    let line = one_line(&rendered);
    if line.is_empty() {
        return Err(wrong("it is empty"));
    }
    part.split(&line).ok_or_else(|| wrong("a block about `recipient` is torn"))
}

/// Ordinary spaces alone: a list of letters breaks no line here, and people search and filter by what they see.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
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
pub(super) fn html(part: &Part, name: &str, context: &Value) -> Result<Stamped, Problems> {
    let rendered = part.render_as(name, context)?;
    let file = format!("{name}.html.hbs");
    let mut compact = String::with_capacity(rendered.len());
    for line in rendered.lines().map(str::trim).filter(|line| !line.is_empty()) {
        compact.push_str(line);
        compact.push('\n');
    }
    let inliner = css_inline::CSSInliner::options().keep_at_rules(true).load_remote_stylesheets(false).build();
    let inlined = inliner.inline(&compact).map_err(|error| {
        let problem = Problem::error("template", format!("its styles can't be inlined: {error}"));
        Problems(vec![problem.in_file(format!("mail-templates/{file}"))])
    })?;
    if Stamps::markers(&inlined) != Stamps::markers(&compact) {
        let message = "HTML has no place for text where a block about `recipient` stands";
        let help = "let it start and end inside one cell, outside of any tag";
        let problem = Problem::error("template", message).help(help).in_file(format!("mail-templates/{file}"));
        return Err(Problems(vec![problem]));
    }
    split(part, &tight(&after_the_head(&inlined)), &file)
}

/// Without the spaces that the inliner writes into each style: a tenth of a letter.
fn tight(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find(" style=\"") {
        let (before, style) = rest.split_at(start + " style=\"".len());
        let (style, after) = style.split_at(style.find('"').unwrap_or(0));
        out.push_str(before);
        out.push_str(style.replace(": ", ":").trim_end_matches(';'));
        rest = after;
    }
    out.push_str(rest);
    out
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

pub(super) fn split(part: &Part, text: &str, file: &str) -> Result<Stamped, Problems> {
    part.split(text).ok_or_else(|| {
        let message = "a block about `recipient` is torn: its opening and its end are not in order";
        Problems(vec![Problem::error("template", message).in_file(format!("mail-templates/{file}"))])
    })
}
