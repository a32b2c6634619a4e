//! `crieur diff`: what subscribers of the published feeds would see of those that would be written now.
//!
//! Promises: writes nothing; differences are no failure. Formats of a feed that differ in the same way are told once.

use std::io::IsTerminal;

use serde_json::json;

use super::{Globals, Outcome, Unusable, remembered, report};
use crate::config::Config;
use crate::feed;
use crate::feed::diff::{Difference, Named};
use crate::preview::changes::{self, Told};
use crate::project::Project;
use crate::published::{self, Against, Compared};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where the published feeds are: a folder, an address (https://…), or `site`: what the site serves now
    /// (default: publish.out)
    #[arg(long, value_name = "DIR|URL|site")]
    pub against: Option<String>,
    /// text, or markdown for a pull request
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// The same as --format markdown
    #[arg(long, conflicts_with = "format")]
    pub markdown: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    Text,
    Markdown,
}

pub fn run(globals: &Globals, arguments: Args) -> anyhow::Result<Outcome> {
    let (config, problems) = Config::read(&globals.root).map_err(Unusable)?;
    let against = Against::of(arguments.against.as_deref(), &config).map_err(anyhow::Error::msg)?;
    let remembered = remembered::read(&config)?;
    let mut project = Project::of(config, problems, globals.now, remembered.ids.as_ref()).map_err(Unusable)?;
    let (feeds, of_bodies) = feed::build_all(&project.config, &project.items, &project.renderer);
    let (compared, of_published) = published::compare(&project.config, &feeds, &project.items, &against);
    let mut told = std::mem::take(&mut project.problems);
    told.extend(of_bodies);
    told.extend(of_published);
    told.sort();
    report::problems_in_passing(globals, &told);
    if globals.json {
        globals.print_json(&json!({
            "against": against.name(),
            "feeds": compared,
            "problems": report::problems_as_json(&told),
        }))?;
    } else if arguments.markdown || arguments.format == Format::Markdown {
        globals.print(&changes::markdown(&compared, &project.config.site.language))?;
    } else {
        let colour =
            std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        globals.print(&in_words(&compared, &against, colour, globals.verbose))?;
    }
    if compared.iter().all(|one| !one.published) && !compared.is_empty() && arguments.against.is_none() {
        globals.say("`--against site` compares with what the site serves now, `--against DIR` with a folder");
    }
    if project.config.feeds.is_empty() {
        globals.say("no feed: write one as feeds/NAME.yaml (`crieur init` does it for you)");
    }
    Ok(Outcome::needs_a_person_if(told.has_errors()))
}

/// How many entries of a kind are named, unless more is asked for.
const NAMED: usize = 8;

fn in_words(compared: &[Compared], against: &Against, colour: bool, everything: bool) -> String {
    let paint = |code: &str, text: &str| {
        if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_string() }
    };
    let mut out = String::new();
    for told in changes::told(compared) {
        let Told { name, formats, first } = told;
        let head = format!("{name} ({})", formats.join(", "));
        let difference = &first.difference;
        if !first.published {
            let count = difference.new.len();
            let entries = if count == 1 { "entry" } else { "entries" };
            out.push_str(&format!(
                "{}\n  not published in {}: {count} {entries}, all new\n",
                paint("1", &head),
                against.name()
            ));
            continue;
        }
        if difference.is_none() {
            out.push_str(&format!("{}\n  nothing changes for its subscribers\n", paint("1", &head)));
            continue;
        }
        out.push_str(&format!("{}\n", paint("1", &head)));
        if !difference.about.is_empty() {
            out.push_str(&format!("  its own {} changes\n", difference.about.join(", ")));
        }
        for Kind { sign, colour, words, entries } in &kinds(difference) {
            if entries.is_empty() {
                continue;
            }
            out.push_str(&format!("  {} {words}\n", entries.len()));
            let shown = if everything { entries.len() } else { NAMED };
            for (title, more) in entries.iter().take(shown) {
                let more = if more.is_empty() { String::new() } else { paint("2", &format!("  {}", visible(more))) };
                out.push_str(&format!("    {}{more}\n", paint(colour, &format!("{sign} {}", visible(title)))));
            }
            if entries.len() > shown {
                out.push_str(&format!("    … and {} more (-v names them)\n", entries.len() - shown));
            }
        }
    }
    out
}

/// Entries that change in the same way.
struct Kind {
    sign: char,
    /// As a terminal takes it.
    colour: &'static str,
    words: &'static str,
    /// Titles, and what to know besides.
    entries: Vec<(String, String)>,
}

fn kinds(difference: &Difference) -> [Kind; 5] {
    let plain = |named: &[Named]| named.iter().map(|one| (one.title.clone(), String::new())).collect();
    let unread = difference.unread.iter().map(|one| (one.entry.title.clone(), format!("was {}", one.was))).collect();
    let changed = difference.changed.iter().map(|one| (one.entry.title.clone(), one.what.join(", "))).collect();
    let kind = |sign, colour, words, entries| Kind { sign, colour, words, entries };
    [
        kind('!', "33", "coming back as unread: their id is another one", unread),
        kind('+', "32", "new", plain(&difference.new)),
        kind('~', "36", "changed", changed),
        kind('-', "31", "gone", plain(&difference.gone)),
        kind('.', "2", "past the feed's limit, as entries go that grow old", plain(&difference.past_limit)),
    ]
}

/// Control characters of somebody's feed must not reach a terminal.
fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}
