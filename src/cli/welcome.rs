//! `crieur` alone: what to do next, in this folder.

use super::{Globals, Outcome};

pub fn run(globals: &Globals) -> anyhow::Result<Outcome> {
    let configured = globals.root.join("config/crieur.yaml").is_file();
    let next = if configured {
        "This folder has a configuration. Next:\n\
         \x20 crieur check      read everything, report every problem\n\
         \x20 crieur build      write the feeds\n\
         \x20 crieur digest     see the next letter without sending it\n\
         \x20 crieur run        write the feeds and send what is due: the line for cron\n\
         \x20 crieur status     where each edition stands"
    } else {
        "There is no config/crieur.yaml here. Next:\n\
         \x20 crieur init       look at the site in this folder and write a configuration that fits it\n\
         \x20 crieur -C DIR …   if the project is elsewhere"
    };
    globals.print(&format!(
        "crieur announces a static site's news: as feeds, and as a letter by mail.\n\n{next}\n\ncrieur --help tells everything."
    ))?;
    Ok(Outcome::Done)
}
