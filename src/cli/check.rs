//! `crieur check`: reads everything, reports every problem, writes and sends nothing.
//!
//! The configuration, every item and its body, every feed's model, each newsletter's next letter as its readers will meet
//! it, and what a delivery would ask before its first letter: a way out that works, and a list of people that is in no
//! repository.

use chrono::{DateTime, Utc};
use rayon::prelude::*;
use serde_json::json;

use super::office::material;
use super::remembered::{self, Remembered};
use super::{Globals, Outcome, Unusable, report};
use crate::announce::{press, sheet, stand_in};
use crate::config::{people, placeholders};
use crate::digest::Composed;
use crate::feed;
use crate::lint;
use crate::mail::dkim;
use crate::mail::letter::Head;
use crate::mail::way_out;
use crate::problem::{Problem, Problems, Severity};
use crate::project::Project;
use crate::secrets::{Secrets, file as key_file};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// How to print the problems; `github` annotates the lines of a pull request
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Let warnings count as errors
    #[arg(long)]
    pub deny_warnings: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Text,
    Json,
    Github,
}

pub fn run(globals: &Globals, arguments: Args) -> anyhow::Result<Outcome> {
    let format = if globals.json { Format::Json } else { arguments.format };
    let project = match Project::read(&globals.root, globals.now, None) {
        Ok(project) => project,
        Err(mut problems) => {
            problems.sort();
            // `main` prints the words, and the document of `--json`.
            if !globals.json && format != Format::Text {
                print(globals, format, &problems, "")?;
            }
            return Err(Unusable(problems).into());
        }
    };
    let mut problems = everything(globals, &project);
    tidy(&mut problems);
    for passed in &project.passed_over {
        globals.detail(format_args!("passed over: {}: {}", passed.path, passed.reason));
    }
    globals.say_what_is_held(&project);
    let config = &project.config;
    let plural = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    let read = format!(
        "{}, {}, {}: {}",
        plural(project.items.len(), "item"),
        plural(config.feeds.len(), "feed"),
        plural(config.newsletters.len(), "newsletter"),
        report::count(&problems)
    );
    print(globals, format, &problems, &read)?;
    let denied = |problem: &Problem| problem.severity == Severity::Error || arguments.deny_warnings;
    Ok(Outcome::needs_a_person_if(problems.iter().any(denied)))
}

fn print(globals: &Globals, format: Format, problems: &Problems, read: &str) -> anyhow::Result<()> {
    match format {
        Format::Text => {
            report::problems(problems, globals.verbose);
            if globals.quiet { Ok(()) } else { globals.print(read) }
        }
        Format::Json => globals.print_json(&json!({ "problems": report::problems_as_json(problems) })),
        Format::Github if problems.is_empty() => Ok(()),
        Format::Github => globals.print(&problems.iter().map(report::as_github).collect::<Vec<_>>().join("\n")),
    }
}

/// Every problem of a project.
fn everything(globals: &Globals, project: &Project) -> Problems {
    let config = &project.config;
    let mut problems = project.problems.clone();
    let bodies: Vec<Problems> = project.items.par_iter().map(|item| project.renderer.render(item).problems).collect();
    bodies.into_iter().for_each(|of_one| problems.extend(of_one));
    problems.extend(feed::build_all(config, &project.items, &project.renderer).1);
    let remembered = remembered::read(config).unwrap_or_else(|error| {
        globals.detail(format_args!("letters are tried with the newest items: {error:#}"));
        Remembered::default()
    });
    problems.extend(letters(globals, project, &remembered));
    problems.extend(edition_files(project, &remembered, globals.now));
    problems.extend(dkim::load::check(config));
    if let Some(problem) = key_file::too_open(config) {
        problems.push(problem);
    }
    for newsletter in &config.newsletters {
        problems.extend(people::check(config, newsletter));
        // An error for whoever sends; until then, everything else works.
        let unwritten = placeholders::check(config, newsletter).0.into_iter();
        problems.extend(
            unwritten.map(|problem| Problem { severity: Severity::Warning, ..problem }).collect::<Problems>(),
        );
        problems.extend(way_out::check(config, newsletter));
    }
    problems
}

/// Each newsletter's next letter, composed and looked over: what the database remembers is not in it; a newsletter that was
/// never seen is tried with its newest items. What a letter has to leave out is left to `digest` to say.
fn letters(globals: &Globals, project: &Project, remembered: &Remembered) -> Problems {
    let config = &project.config;
    // A key that cannot be read is for those who send to complain of.
    let secrets = Secrets::look(config).ok().flatten();
    let secrets = secrets.unwrap_or_else(|| Secrets::from_bytes([0; 32]));
    let mut problems = Problems::new();
    for newsletter in &config.newsletters {
        let trial = || press::trial(material(project), newsletter, remembered.choices(newsletter), globals.now);
        let letter = match remembered.known(newsletter) {
            None => trial(),
            Some(known) => {
                let number = remembered.number(newsletter);
                match press::looked_at(material(project), newsletter, &known, number, globals.now) {
                    Ok(letters) => match letters.into_iter().next() {
                        Some(next) => Ok(next),
                        // Nothing is new: there is a letter's template to try, and no letter to look at.
                        None => trial().map(|_| Composed::default()),
                    },
                    Err(wrong) => Err(wrong),
                }
            }
        };
        match letter {
            Ok(letter) => {
                if !letter.shares.is_empty() {
                    let (name, count) = (&newsletter.name, letter.variants.len());
                    let letters = if count == 1 { "letter" } else { "different letters" };
                    globals.say(format_args!("{name}: {count} {letters}, by the topics that readers chose"));
                }
                for variant in &letter.variants {
                    let fields = stand_in(newsletter, &Head::new(config, newsletter, globals.now), variant, &secrets);
                    let (announced, items) = (&letter.items, &project.items);
                    problems.extend(lint::of_variant(config, newsletter, announced, items, variant, &fields));
                }
            }
            Err(wrong) => problems.extend(wrong),
        }
    }
    problems
}

/// The file of each newsletter's next edition, as far as no letter is needed to judge it. A database that cannot be read is
/// another command's matter: then what the files tell has to do.
fn edition_files(project: &Project, remembered: &Remembered, now: DateTime<Utc>) -> Problems {
    let mut problems = Problems::new();
    if !project.config.root.join(sheet::FOLDER).is_dir() {
        return problems;
    }
    for newsletter in &project.config.newsletters {
        let standing = remembered.of_draft(project, newsletter, now);
        match sheet::source(&project.config, &newsletter.name, standing.number) {
            Some(Ok(source)) => {
                let input = press::input(material(project), newsletter, &standing.known, standing.number, now);
                problems.extend(sheet::parse(&source, &input, &standing.known.shown).1);
            }
            Some(Err(problem)) => problems.push(problem),
            None => {}
        }
    }
    problems
}

/// In the order of the files, each problem once: a body is rendered for itself and for each feed.
fn tidy(problems: &mut Problems) {
    problems.sort();
    let mut seen: Vec<Problem> = Vec::new();
    for problem in problems.0.drain(..) {
        let same_place = seen.iter().rev().take_while(|other| other.place == problem.place);
        if !same_place.into_iter().any(|other| *other == problem) {
            seen.push(problem);
        }
    }
    problems.0 = seen;
}
