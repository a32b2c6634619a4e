//! `crieur preview`: the editor's page on this machine, until it is interrupted.

use anyhow::Context;
use serde_json::json;

use super::{Globals, Outcome};
use crate::mail::clock::Clock;
use crate::preview;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to listen on this machine; 0: any port that is free
    #[arg(long, value_name = "N", default_value_t = 8844)]
    pub port: u16,
}

pub fn run(globals: &Globals, arguments: Args) -> anyhow::Result<Outcome> {
    let root =
        globals.root.canonicalize().with_context(|| format!("{} cannot be entered", globals.root.display()))?;
    let ready = |address: std::net::SocketAddr| {
        let url = format!("http://{address}/");
        let printed = if globals.json { globals.print_json(&json!({ "url": url })) } else { globals.print(&url) };
        globals.say("follows your files; stop it with Ctrl-C");
        printed.map_err(std::io::Error::other)
    };
    preview::run(&root, arguments.port, Clock::starting(globals.now), ready)
        .with_context(|| format!("the preview cannot listen on port {} (try `--port 0`)", arguments.port))?;
    Ok(Outcome::Done)
}
