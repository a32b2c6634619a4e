//! `crieur build --watch`: builds, then again whenever a file that the project reads has changed.
//!
//! Looks at every file's time and size once a second, which works on every file system and needs nobody's help. Ends
//! with the terminal's interrupt; a build that is under way then leaves its files whole, as any other.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::{Args, Globals, Outcome, Unusable, once, report};
use crate::config::Config;

const EVERY: Duration = Duration::from_secs(1);

pub(super) fn run(globals: &Globals, arguments: &Args) -> anyhow::Result<Outcome> {
    let started = Instant::now();
    let mut seen = None;
    loop {
        let state = state(&globals.root);
        if seen.as_ref() != Some(&state) {
            let now = globals.now + started.elapsed();
            match once(globals, arguments, now) {
                Ok(_) => {}
                // Half-written configuration is what editing looks like: say so, and wait for the rest.
                Err(error) => match error.downcast_ref::<Unusable>() {
                    Some(Unusable(problems)) => report::problems(problems, globals.verbose),
                    None => return Err(error),
                },
            }
            // What the build itself wrote (the ids) is no change.
            seen = Some(self::state(&globals.root));
            globals.say("waiting for changes");
        }
        thread::sleep(EVERY);
    }
}

/// Path, time and size of everything that the project reads, folded into one number.
fn state(root: &Path) -> blake3::Hash {
    let mut folders = vec![root.join("config"), root.join("feeds")];
    if let Ok((config, _)) = Config::read(root) {
        let named = config.content.paths.iter().chain(&config.content.static_folders);
        folders.extend(named.map(|path| config.root.join(path)));
        folders.extend(config.content.built.iter().map(|built| config.root.join(&built.manifest)));
    }
    let mut hasher = blake3::Hasher::new();
    for folder in folders {
        for entry in walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            let since = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
            hasher.update(entry.path().as_os_str().as_encoded_bytes());
            hasher.update(&since.unwrap_or_default().as_nanos().to_le_bytes());
            hasher.update(&metadata.len().to_le_bytes());
        }
    }
    hasher.finalize()
}
