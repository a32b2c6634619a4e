//! `crieur draft`: writes the next edition as a file that a person may edit, or adds to it what came in since.

use serde_json::json;

use super::office::{material, unknown_newsletter};
use super::{Globals, Outcome, Unusable, remembered, report};
use crate::announce;
use crate::config::{Approve, Config};
use crate::project::Project;
use crate::publish;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// The newsletter: the name of its file in config/newsletters/
    pub newsletter: String,
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
        let added = drafted.as_ref().map(|drafted| {
            let item = |(id, title): &(String, String)| json!({ "id": id, "title": title });
            drafted.added.iter().map(item).collect::<Vec<_>>()
        });
        globals.print_json(&json!({
            "newsletter": name,
            "number": standing.number,
            "path": announce::sheet::path(name, standing.number),
            "state": state,
            "items": added.unwrap_or_default(),
            "problems": report::problems_as_json(&told),
        }))?;
    } else if let Some(drafted) = &drafted {
        let count = match drafted.added.len() {
            1 => "1 item".to_string(),
            count => format!("{count} items"),
        };
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
