//! `crieur digest`: the next letter, without sending or remembering anything.
//!
//! It is composed, headed and encoded by what `send` uses, from what the database remembers; so what it shows is, byte
//! for byte but for the recipient's stamps, what `send` sends at the same moment.

mod parts;
mod weighing;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::office::{material, unknown_newsletter};
use super::remembered::{self, Remembered, Standing};
use super::{Globals, Outcome, Unusable, report};
use crate::announce::{self, press, stand_in};
use crate::config::{Backlog, Config, Newsletter};
use crate::digest::weight::Weight;
use crate::digest::{Composed, Escape, StampFields, Variant};
use crate::lint;
use crate::mail::letter::{Head, Prepared};
use crate::preview::screenshot::{CHROMIUM_VARIABLE, Chromium};
use crate::preview::stills::{self, StillsError};
use crate::problem::Problems;
use crate::project::Project;
use crate::publish;
use crate::published::Against;
use crate::secrets::Secrets;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The newsletter (default: each)
    pub newsletter: Option<String>,
    /// Where to write (default: var/digest)
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Also write the preview's pages there, to be looked at before a change is merged
    #[arg(long, value_name = "DIR")]
    pub page: Option<PathBuf>,
    /// With --page: where the published feeds are that the summary compares with: a folder, an address, or `site`
    #[arg(long, value_name = "DIR|URL|site", requires = "page")]
    pub against: Option<String>,
}

/// One newsletter's next edition, as it is shown.
struct Shown {
    newsletter: String,
    number: u64,
    subject: String,
    composed: Composed,
    weight: Weight,
    /// What it weighs in detail; `None`: no letter.
    report: Option<lint::weight::Report>,
    /// What those get who chose some of the topics.
    parts: Vec<parts::Part>,
    problems: Problems,
}

pub fn run(globals: &Globals, arguments: Args) -> anyhow::Result<Outcome> {
    let (config, problems) = Config::read(&globals.root).map_err(Unusable)?;
    let wanted = arguments.newsletter.as_deref();
    if let Some(name) = wanted.filter(|name| config.newsletters.iter().all(|newsletter| newsletter.name != *name)) {
        return Err(unknown_newsletter(&config, name).into());
    }
    // Before the first letter there may be no key; the stand-in's way out needs one that nothing else has.
    let secrets = Secrets::look(&config)?;
    let secrets = secrets.unwrap_or_else(|| Secrets::from_bytes([0; 32]));
    let remembered = remembered::read(&config)?;
    let of_config = problems.clone();
    let project = Project::of(config, problems, globals.now, remembered.ids.as_ref()).map_err(Unusable)?;
    let out = project.config.root.join(arguments.out.as_deref().unwrap_or(Path::new("var/digest")));
    let mut told = project.problems.clone();
    let mut editions = Vec::new();
    for newsletter in &project.config.newsletters {
        if wanted.is_some_and(|name| newsletter.name != name) {
            continue;
        }
        let shown = show(globals, &project, newsletter, &remembered, &secrets, &out)?;
        told.extend(shown.problems.clone());
        editions.push(shown);
    }
    if project.config.newsletters.is_empty() {
        globals
            .say("there is no newsletter: write one as config/newsletters/NAME.yaml (`crieur init` does it for you)");
    }
    told.sort();
    if !globals.quiet {
        report::problems_in_passing(globals, &told);
    }
    let page = match &arguments.page {
        Some(folder) => Some(pages(globals, &project.config, of_config, &arguments, folder)?),
        None => None,
    };
    if globals.json {
        let editions: Vec<Value> = editions.iter().map(as_json).collect();
        let mut result = json!({ "editions": editions, "problems": report::problems_as_json(&told) });
        if let Some(page) = page {
            result["page"] = page;
        }
        globals.print_json(&result)?;
    } else {
        for shown in &editions {
            globals.print(&in_words(shown, &out))?;
        }
    }
    // The process ends now: the system takes the memory back faster than item by item.
    std::mem::forget(project);
    Ok(Outcome::needs_a_person_if(told.has_errors()))
}

/// Writes the preview's pages, and says what could not be drawn. Gives what was written, as the contract's JSON names it.
fn pages(
    globals: &Globals,
    config: &Config,
    problems: Problems,
    arguments: &Args,
    folder: &Path,
) -> anyhow::Result<Value> {
    let folder = config.root.join(folder);
    let only = arguments.newsletter.as_deref();
    let against = arguments.against.as_deref();
    let against = against.map(|text| Against::of(Some(text), config)).transpose().map_err(anyhow::Error::msg)?;
    let chromium = Chromium::find(std::env::var_os(CHROMIUM_VARIABLE), std::env::var_os("PATH"));
    let written =
        stills::write(config.clone(), problems, only, &folder, against.as_ref(), chromium.as_ref(), globals.now);
    let written = written.map_err(|error| match error {
        StillsError::Unusable(problems) => anyhow::Error::from(Unusable(problems)),
        error => error.into(),
    })?;
    globals.say(format_args!("{}: {} pages", folder.display(), written.pages.len()));
    report::problems_in_passing(globals, &written.problems);
    if let Some(why) = &written.without_screenshots {
        globals.say(format_args!("not every picture of a letter was drawn: {why}"));
    } else if chromium.is_none() {
        globals
            .say(format_args!("no picture of a letter: there is no Chromium here (name one in {CHROMIUM_VARIABLE})"));
    }
    Ok(json!({ "folder": folder, "pages": written.pages, "screenshots": written.screenshots }))
}

/// Composes a newsletter's next edition and writes its files.
fn show(
    globals: &Globals,
    project: &Project,
    newsletter: &Newsletter,
    remembered: &Remembered,
    secrets: &Secrets,
    out: &Path,
) -> anyhow::Result<Shown> {
    let Standing { known, number, begins } = remembered.of(project, newsletter, globals.now);
    if begins && newsletter.backlog == Backlog::Skip {
        let words = "`backlog: skip`: what is there now will count as announced at the first `crieur run`";
        globals.say(format_args!("{}: nothing to announce yet ({words})", newsletter.name));
    }
    let new = press::count_new(material(project), newsletter, &known, globals.now);
    if new > newsletter.surge {
        let words = "`send` would hold it for a person to look";
        globals.say(format_args!(
            "{}: {new} new items at once, surge is {}: {words}",
            newsletter.name, newsletter.surge
        ));
    }
    // With a letter an item, the first of them is the next.
    let letters = press::letters(material(project), newsletter, &known, number, globals.now);
    let composed = letters.map(|editions| editions.into_iter().next().unwrap_or_default());
    let (mut composed, mut problems) = match composed {
        Ok(composed) => (composed, Problems::new()),
        Err(problems) => (Composed::default(), problems),
    };
    problems.extend(std::mem::take(&mut composed.problems));
    let mut shown = Shown {
        newsletter: newsletter.name.clone(),
        number,
        subject: String::new(),
        weight: Weight { html_bytes: 0, text_bytes: 0, letter_bytes: 0 },
        report: None,
        parts: Vec::new(),
        composed,
        problems,
    };
    let folder = out.join(&newsletter.name);
    let context = || format!("{} cannot be written", folder.display());
    fs::create_dir_all(&folder).with_context(context)?;
    let mut stems = Vec::new();
    for (index, variant) in shown.composed.variants.iter().enumerate() {
        let (stem, topics) = parts::named(&shown.composed, newsletter, index);
        let filled = Filled::of(project, newsletter, secrets, globals.now, &shown.composed, variant);
        let (announced, items) = (&shown.composed.items, &project.items);
        let found = lint::of_variant(&project.config, newsletter, announced, items, variant, &filled.fields);
        for problem in found.0 {
            if !shown.problems.iter().any(|other| *other == problem) {
                shown.problems.push(problem);
            }
        }
        for (ending, bytes) in
            [("eml", &filled.letter[..]), ("html", filled.html.as_bytes()), ("txt", filled.text.as_bytes())]
        {
            publish::write_if_changed(&folder.join(format!("{stem}.{ending}")), bytes).with_context(context)?;
        }
        if index == 0 {
            let people = weighing::people(project, newsletter, remembered, secrets);
            let Filled { html, text, letter, .. } = &filled;
            shown.report = Some(weighing::report(&shown.composed, html, text, letter, people));
            (shown.subject, shown.weight) = (filled.subject, filled.weight);
        } else {
            let (subject, weight, items) = (filled.subject, filled.weight, variant.items.clone());
            shown.parts.push(parts::Part { file: format!("{stem}.html"), topics, subject, items, weight });
        }
        stems.push(stem);
    }
    if !stems.is_empty() {
        // For looking at: the letter names them by the addresses that they will have.
        announce::write_pictures(&shown.composed.pictures, &folder.join("pictures")).with_context(context)?;
    }
    // An earlier letter left here would be taken for the next one.
    parts::remove_others(&folder, &stems).with_context(context)?;
    let report = serde_json::to_string_pretty(&as_json(&shown))? + "\n";
    publish::write_if_changed(&folder.join("report.json"), report.as_bytes()).with_context(context)?;
    Ok(shown)
}

/// A variant as the letter of somebody who does not exist.
struct Filled {
    fields: StampFields,
    subject: String,
    html: String,
    text: String,
    letter: Vec<u8>,
    weight: Weight,
}

impl Filled {
    fn of(
        project: &Project,
        newsletter: &Newsletter,
        secrets: &Secrets,
        now: DateTime<Utc>,
        composed: &Composed,
        variant: &Variant,
    ) -> Filled {
        let head = Head::new(&project.config, newsletter, now);
        let fields = stand_in(newsletter, &head, variant, secrets);
        let message_id = head.message_id(secrets, &variant.items, secrets.recipient_id(&fields.email));
        let letter = Prepared::carrying(&head, variant, &composed.pictures).write(&message_id, &fields);
        Filled {
            subject: variant.subject.fill(&fields, Escape::None),
            html: variant.html.fill(&fields, Escape::Html),
            text: variant.text.fill(&fields, Escape::None),
            weight: Weight::of(variant, &fields, &letter),
            letter,
            fields,
        }
    }
}

fn as_json(shown: &Shown) -> Value {
    let images: Vec<Value> =
        shown.composed.pictures.iter().map(|picture| json!({ "url": picture.url, "bytes": picture.bytes })).collect();
    let mut value = json!({
        "newsletter": shown.newsletter,
        "number": shown.number,
        "subject": shown.subject,
        "items": shown.composed.items,
        "html_bytes": shown.weight.html_bytes,
        "text_bytes": shown.weight.text_bytes,
        "letter_bytes": shown.weight.letter_bytes,
        "images": images,
        "weight": shown.report,
        "problems": report::problems_as_json(&shown.problems),
    });
    if !shown.composed.shares.is_empty() {
        value["parts"] = shown.parts.iter().map(parts::Part::as_json).collect();
        value["no_letter_for"] = parts::without_a_letter(&shown.composed).into();
    }
    value
}

fn in_words(shown: &Shown, out: &Path) -> String {
    let name = &shown.newsletter;
    if shown.composed.variants.is_empty() {
        let why =
            if shown.problems.has_errors() { "the letter cannot be composed" } else { "nothing new, no letter" };
        return format!("{name}: {why}");
    }
    let mut words = format!("{name} n° {}: {}\n", shown.number, shown.subject);
    for item in &shown.composed.items {
        words.push_str(&format!("  - {}\n", item.title));
    }
    let beyond = shown.composed.counted.len() - shown.composed.items.len().min(shown.composed.counted.len());
    if beyond > 0 {
        words.push_str(&format!("  and {beyond} more that count as announced\n"));
    }
    let kilobytes = |bytes: usize| format!("{:.1} kB", bytes as f64 / 1000.0);
    let weight = &shown.weight;
    words.push_str(&format!("  HTML {}, text {}", kilobytes(weight.html_bytes), kilobytes(weight.text_bytes)));
    let pictures: u64 = shown.composed.pictures.iter().map(|picture| picture.bytes).sum();
    if !shown.composed.pictures.is_empty() {
        let pictures = kilobytes(usize::try_from(pictures).unwrap_or(usize::MAX));
        words.push_str(&format!(", {} pictures of {pictures} together", shown.composed.pictures.len()));
    }
    if let Some(report) = &shown.report {
        words.push_str(&format!("\n  {}", weighing::in_words(report)));
    }
    words.push_str(&format!("\n  {}", out.join(name).join("letter.html").display()));
    for part in &shown.parts {
        words.push_str(&format!("\n  {}: {}", out.join(name).join(&part.file).display(), part.subject));
    }
    for topics in parts::without_a_letter(&shown.composed) {
        words.push_str(&format!("\n  nothing in it for those who chose {topics}: they get no letter"));
    }
    words
}
