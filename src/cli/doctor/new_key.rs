//! `crieur doctor --new-key`: another key behind those that the project has.

use serde_json::json;

use crate::cli::{Globals, Outcome};
use crate::config::Config;
use crate::secrets::{Secrets, file};

/// Adds a key (the first one, where there is none), and says who must be given it.
pub fn add(globals: &Globals, config: &Config) -> anyhow::Result<Outcome> {
    if let Some(branch) = config.branch() {
        globals.say(format_args!("none is needed: the memory is the branch {branch}, and no letter bears a token"));
        return Ok(Outcome::Done);
    }
    let path = file::path_of(config);
    let count = match Secrets::look(config) {
        Ok(None) => Secrets::of(config)?.count(),
        // Also where the last key is revoked, and nothing signs: this mends it.
        _ => file::add_key(&path)?,
    };
    let path = path.display().to_string();
    if globals.json {
        globals.print_json(&json!({ "file": path, "keys": count }))?;
    }
    match count {
        1 => globals.say(format_args!("made {path}, for its owner only: its key signs from now on")),
        _ => globals
            .say(format_args!("added a key to {path}, for its owner only: of its {count} it signs from now on")),
    }
    globals.say("copy the file to every other machine of this project, to those of the web service first");
    globals.say(
        "then let each `crieur serve` read it anew: `systemctl reload`, or `kill -HUP` and its process's number",
    );
    Ok(Outcome::Done)
}
