//! The draft of an edition's file: written from what is new, or added to.
//!
//! Promises: remembers and writes nothing; a file that is there keeps every byte that a person wrote.

use chrono::{DateTime, Utc};

use super::press::{self, Known};
use super::{Material, sheet};
use crate::config::Newsletter;
use crate::digest::edition_file::write::{self, Draft};
use crate::digest::plan::Plan;
use crate::digest::{self, Escape, StampFields};
use crate::item::Item;
use crate::problem::Problems;

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
    let path = sheet::path(&newsletter.name, number);
    let (language, renderer) = (&*material.templates.language, material.renderer);
    let named = |item: &&Item| (item.id.clone(), renderer.line(item, &item.title));
    if let Some(source) = sheet::source(material.config, &newsletter.name, number) {
        let source = source.map_err(|problem| Problems(vec![problem]))?;
        let (file, problems) = sheet::parse(&source, &input, &known.shown);
        // An empty one is no mistake here: it is about to be filled.
        if problems.iter().any(|one| one.severity == crate::problem::Severity::Error && one.code != "edition-empty") {
            return Err(problems);
        }
        let new = sheet::came_in(&file, &input);
        let text = write::add(&source.text, &new, language, renderer);
        let added = new.iter().map(named).collect();
        return Ok(Drafted { path, number, text, existed: true, added });
    }
    let plan = digest::plan_of_new(&input).unwrap_or(Plan { number, ..Plan::default() });
    let shown: Vec<&str> = plan.items().map(|item| item.id.as_str()).collect();
    let beyond: Vec<&Item> = digest::new_items(&input)
        .into_iter()
        .filter(|item| !shown.contains(&item.id.as_str()))
        .filter(|item| {
            let body = renderer.render(item);
            !plan.entries().any(|entry| digest::repeats(entry, &body))
        })
        .collect();
    let subject = match digest::compose_plan(&input, &plan) {
        Ok(composed) if !shown.is_empty() => {
            let fields = StampFields::default();
            composed.variants.first().map(|variant| variant.subject.fill(&fields, Escape::None))
        }
        _ => None,
    };
    let text = write::draft(
        &Draft {
            newsletter: &newsletter.name,
            zone: material.config.site.time_zone.name(),
            subject: subject.as_deref(),
            language,
            renderer,
            later: &beyond,
            offered: &plan.counted,
        },
        &plan,
    );
    let added = plan.items().chain(beyond.iter().copied()).map(|item| named(&item)).collect();
    Ok(Drafted { path, number, text, existed: false, added })
}
