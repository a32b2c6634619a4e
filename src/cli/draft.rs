//! `crieur draft`: writes the next edition as a file that a person may edit, or adds to it what came in since; here, or on a
//! branch of its own ([`offer`]).

mod offer;

use serde_json::json;

use super::office::{material, runtime, unknown_newsletter};
use super::remembered::Standing;
use super::{Globals, Outcome, Unusable, remembered, report};
use crate::announce;
use crate::config::{Approve, Config, Newsletter};
use crate::problem::Problems;
use crate::project::Project;
use crate::publish;
use offer::{Offer, Offered, State};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The newsletter: the name of its file in config/newsletters/
    pub newsletter: String,
    /// Commit it on the branch crieur/NEWSLETTER-NUMBER of the repository's remote instead, for a pull request
    #[arg(long)]
    pub offer: bool,
    /// With --offer: what the push tells the forge, once for each; {title}, {body} and {branch} are filled in
    #[arg(long, value_name = "OPTION", requires = "offer")]
    pub push_option: Vec<String>,
}

pub fn run(globals: &Globals, arguments: Args) -> anyhow::Result<Outcome> {
    let (config, problems) = Config::read(&globals.root).map_err(Unusable)?;
    if config.newsletters.iter().all(|newsletter| newsletter.name != arguments.newsletter) {
        return Err(unknown_newsletter(&config, &arguments.newsletter).into());
    }
    let remembered = remembered::read(&config)?;
    let project = Project::of(config, problems, globals.now, remembered.ids.as_ref()).map_err(Unusable)?;
    let Some(newsletter) = project.config.newsletters.iter().find(|one| one.name == arguments.newsletter) else {
        return Err(unknown_newsletter(&project.config, &arguments.newsletter).into());
    };
    let standing = remembered.of_draft(&project, newsletter, globals.now);
    if arguments.offer {
        return offer(globals, &project, newsletter, &standing, &arguments.push_option);
    }
    let name = &newsletter.name;
    let mut told = project.problems.clone();
    let drafted = announce::draft(material(&project), newsletter, &standing.known, standing.number, globals.now);
    let (drafted, state) = match drafted {
        Ok(drafted) => {
            let file = project.config.root.join(&drafted.path);
            let changed = publish::write_if_changed(&file, drafted.text.as_bytes())?;
            let state = match (drafted.existed, changed) {
                (false, _) => "written",
                (true, true) => "added",
                (true, false) => "unchanged",
            };
            (Some(drafted), state)
        }
        Err(mistakes) => {
            told.extend(mistakes);
            (None, "mistakes")
        }
    };
    told.sort();
    report::problems_in_passing(globals, &told);
    if globals.json {
        let added = drafted.as_ref().map(|drafted| items(&drafted.added));
        globals.print_json(&json!({
            "newsletter": name,
            "number": standing.number,
            "path": announce::sheet::path(name, standing.number),
            "state": state,
            "items": added.unwrap_or_default(),
            "problems": report::problems_as_json(&told),
        }))?;
    } else if let Some(drafted) = &drafted {
        let count = counted(drafted.added.len());
        let path = &drafted.path;
        match state {
            "written" if drafted.added.is_empty() => {
                globals.print(&format!("{path}: written, and empty: nothing is new"))?;
            }
            "written" => globals.print(&format!("{path}: written, with {count}"))?,
            "added" => globals.print(&format!("{path}: {count} added at its end, as lines that wait"))?,
            _ => globals.print(&format!("{path}: nothing came in since"))?,
        }
        if state != "unchanged" {
            let then = match newsletter.approve {
                Approve::File => "write `send: now` or a day in it, and `crieur run` sends it",
                Approve::Yes => "`crieur run` freezes it when it is due, and waits for `crieur approve`",
                Approve::No => "write `send: now` in it, and `crieur run` sends it when it is due",
            };
            globals.say(format_args!("rearrange it; `crieur digest {name}` shows its letter; then {then}"));
        }
    }
    Ok(Outcome::needs_a_person_if(told.has_errors()))
}

fn items(added: &[(String, String)]) -> Vec<serde_json::Value> {
    added.iter().map(|(id, title)| json!({ "id": id, "title": title })).collect()
}

fn counted(count: usize) -> String {
    if count == 1 { "1 item".to_string() } else { format!("{count} items") }
}

/// Offers the next edition's file on its branch.
fn offer(
    globals: &Globals,
    project: &Project,
    newsletter: &Newsletter,
    standing: &Standing,
    push_options: &[String],
) -> anyhow::Result<Outcome> {
    let material = material(project);
    let offer = Offer { material, newsletter, standing, now: globals.now, push_options };
    let (offered, mistakes) = match runtime()?.block_on(offer.make())? {
        Ok(offered) => (Some(offered), Problems::new()),
        Err(mistakes) => (None, mistakes),
    };
    let state = offered.as_ref().map_or("mistakes", |offered| offered.state.as_str());
    offer::tell_workflow(&offer, offered.as_ref())?;
    let mut told = project.problems.clone();
    told.extend(mistakes);
    told.sort();
    report::problems_in_passing(globals, &told);
    let path = announce::sheet::path(&newsletter.name, standing.number);
    if globals.json {
        globals.print_json(&json!({
            "newsletter": newsletter.name,
            "number": standing.number,
            "path": path,
            "state": state,
            "branch": offered.as_ref().and_then(|offered| offered.branch.as_deref()),
            "title": offered.as_ref().map(|offered| &offered.title),
            "items": offered.as_ref().map(|offered| items(&offered.added)).unwrap_or_default(),
            "problems": report::problems_as_json(&told),
        }))?;
    } else if let Some(offered) = &offered {
        globals.print(&in_words(offered, newsletter, standing.number, &path))?;
    } else {
        let branch = offer.branch();
        globals.say(format_args!("{branch}: nothing is added while its {path} has mistakes: mend them there"));
    }
    Ok(Outcome::needs_a_person_if(told.has_errors()))
}

fn in_words(offered: &Offered, newsletter: &Newsletter, number: u64, path: &str) -> String {
    let branch = offered.branch.as_deref().unwrap_or_default();
    let count = counted(offered.added.len());
    match offered.state {
        State::Opened => format!("{branch}: new, {path} with {count}: {}", offered.title),
        State::Refreshed if offered.added.is_empty() => {
            format!("{branch}: {path} follows what was changed on the site")
        }
        State::Refreshed => format!("{branch}: {count} added to {path}"),
        State::Unchanged if offered.without_file => {
            format!("{branch}: somebody took {path} away: delete the branch, and it is offered again")
        }
        State::Unchanged => format!("{branch}: nothing came in since"),
        State::NothingNew => format!("{} n° {number}: nothing is new, nothing to offer", newsletter.name),
        State::Merged => format!("{path}: merged, and goes when its `send` says so"),
    }
}
