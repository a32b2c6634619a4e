//! The draft of an edition's file: written from what is new, or added to.
//!
//! Promises: remembers and writes nothing; a file that is there keeps every byte that a person wrote. One that is offered
//! ([`offer`]) and that nobody has touched is drafted anew, so that what came in stands in its place.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::press::{self, Known};
use super::{Material, sheet};
use crate::config::{Approve, Newsletter};
use crate::digest::edition_file::EditionFile;
use crate::digest::edition_file::write::{self, Draft, SendLine};
use crate::digest::plan::Plan;
use crate::digest::{self, ComposeInput, Escape, StampFields};
use crate::item::Item;
use crate::problem::{Problems, Severity, Source};

/// A file as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drafted {
    /// Relative to the project's folder.
    pub path: String,
    pub number: u64,
    pub text: String,
    /// It was there.
    pub existed: bool,
    /// Ids and titles that are new in it: shown, or as lines that wait.
    pub added: Vec<(String, String)>,
    /// What it shows, in the subject's words; `None`: no letter is in it.
    pub subject: Option<String>,
}

/// The next edition's file. Err: it is there, and has mistakes; adding to it could offer what it says already.
pub fn draft(
    material: Material<'_>,
    newsletter: &Newsletter,
    known: &Known,
    number: u64,
    now: DateTime<Utc>,
) -> Result<Drafted, Problems> {
    let input = press::input(material, newsletter, known, number, now);
    match sheet::source(material.config, &newsletter.name, number) {
        None => Ok(anew(material, &input, SendLine::No)),
        Some(source) => {
            let source = source.map_err(|problem| Problems(vec![problem]))?;
            let file = readable(&source, &input, known)?;
            Ok(added_to(material, &input, &source, &file))
        }
    }
}

/// A file that was offered before.
#[derive(Clone, Copy, Debug)]
pub struct There<'a> {
    pub source: &'a Arc<Source>,
    /// Nobody has changed it since it was drafted.
    pub untouched: bool,
}

/// The next edition's file as it is offered: whoever merges it approves it, so it says `send: now`. Err as with [`draft`].
pub fn offer(
    material: Material<'_>,
    newsletter: &Newsletter,
    known: &Known,
    number: u64,
    now: DateTime<Utc>,
    there: Option<There<'_>>,
) -> Result<Drafted, Problems> {
    let input = press::input(material, newsletter, known, number, now);
    let send = if newsletter.approve == Approve::File { SendLine::Merge } else { SendLine::Now };
    let Some(There { source, untouched }) = there else { return Ok(anew(material, &input, send)) };
    if untouched {
        let drafted = anew(material, &input, send);
        // Empty, it would be no offer.
        if !drafted.added.is_empty() {
            let (file, _) = sheet::parse(source, &input, &known.shown);
            let added = sheet::came_in(&file, &input).iter().map(|item| named(material, item)).collect();
            return Ok(Drafted { existed: true, added, ..drafted });
        }
    }
    let file = readable(source, &input, known)?;
    Ok(added_to(material, &input, source, &file))
}

/// A file without a mistake.
fn readable<'a>(source: &Arc<Source>, input: &ComposeInput<'a>, known: &Known) -> Result<EditionFile<'a>, Problems> {
    let (file, problems) = sheet::parse(source, input, &known.shown);
    // An empty one is no mistake here: it is about to be filled.
    if problems.iter().any(|one| one.severity == Severity::Error && one.code != "edition-empty") {
        return Err(problems);
    }
    Ok(file)
}

fn added_to<'a>(
    material: Material<'_>,
    input: &ComposeInput<'a>,
    source: &Source,
    file: &EditionFile<'a>,
) -> Drafted {
    let new = sheet::came_in(file, input);
    Drafted {
        path: sheet::path(&input.newsletter.name, input.number),
        number: input.number,
        text: write::add(&source.text, &new, &material.templates.language, material.renderer),
        existed: true,
        added: new.iter().map(|item| named(material, item)).collect(),
        subject: subject(input, &file.plan),
    }
}

fn anew(material: Material<'_>, input: &ComposeInput<'_>, send: SendLine) -> Drafted {
    let renderer = material.renderer;
    let plan = digest::plan_of_new(input).unwrap_or(Plan { number: input.number, ..Plan::default() });
    let shown: Vec<&str> = plan.items().map(|item| item.id.as_str()).collect();
    let beyond: Vec<&Item> = digest::new_items(input)
        .into_iter()
        .filter(|item| !shown.contains(&item.id.as_str()))
        .filter(|item| {
            let body = renderer.render(item);
            !plan.entries().any(|entry| digest::repeats(entry, &body))
        })
        .collect();
    let subject = if shown.is_empty() { None } else { subject(input, &plan) };
    let text = write::draft(
        &Draft {
            newsletter: &input.newsletter.name,
            zone: material.config.site.time_zone.name(),
            send,
            subject: subject.as_deref(),
            language: &material.templates.language,
            renderer,
            later: &beyond,
            offered: &plan.counted,
        },
        &plan,
    );
    Drafted {
        path: sheet::path(&input.newsletter.name, input.number),
        number: input.number,
        text,
        existed: false,
        added: plan.items().chain(beyond.iter().copied()).map(|item| named(material, item)).collect(),
        subject,
    }
}

fn named(material: Material<'_>, item: &Item) -> (String, String) {
    (item.id.clone(), material.renderer.line(item, &item.title))
}

fn subject(input: &ComposeInput<'_>, plan: &Plan<'_>) -> Option<String> {
    plan.entries().next()?;
    let composed = digest::compose_plan(input, plan).ok()?;
    composed.variants.first().map(|variant| variant.subject.fill(&StampFields::default(), Escape::None))
}
