//! `crieur recipients`: the people of newsletters whose list is in the database (`to: recipients`).

mod erase;
mod history;
mod listing;

use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::office::{Office, runtime};
use super::{Globals, Outcome, report};
use crate::config::Audience;
use crate::mail::address::Address;
use crate::mail::header::one_line;
use crate::people::{People, names};
use crate::problem::Problems;
use crate::store::recipients::{Addressee, Basis, Intake, Newcomer, Taken};

/// How many batches are read ahead: as many people as the database takes in at a time.
const AHEAD: usize = 40;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add one person
    Add(Add),
    /// Take people in from a CSV file whose first line names its columns: email, name, tags, topics, basis, proof, and any more
    Import(Import),
    /// Write the people as CSV
    Export(listing::Export),
    /// List the people: all, or those of a newsletter, a state, a tag, a basis, a domain
    List(listing::List),
    /// Take a person off: they count as having left, and no import brings them back
    Remove(Remove),
    /// Erase a person: nothing is left of them but a keyed hash, which keeps the address away
    Erase(erase::Erase),
    /// What was said of a person's subscriptions, when, and on what basis; --verify looks whether it was tampered with
    History(history::History),
}

#[derive(Debug, clap::Args)]
pub struct Add {
    pub address: String,
    #[arg(long)]
    pub name: Option<String>,
    #[command(flatten)]
    pub on: On,
    /// Give them a tag; more than once for several
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Only this topic of the newsletter; more than once for several (default: all of it)
    #[arg(long = "topic", value_name = "TOPIC")]
    pub topics: Vec<String>,
    /// Bring back somebody who has left, at their own wish, or whose address was given up
    #[arg(long)]
    pub again: bool,
    /// Take in somebody who was erased: they ask for it anew
    #[arg(long)]
    pub after_erasure: bool,
}

#[derive(Debug, clap::Args)]
pub struct Import {
    pub file: PathBuf,
    #[command(flatten)]
    pub on: On,
    /// Give all of them a tag; more than once for several
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// The file is the whole list: whoever is not in it is retired
    #[arg(long)]
    pub sync: bool,
}

/// Which newsletter people join, and on what basis.
#[derive(Debug, clap::Args)]
pub struct On {
    /// The newsletter (default: the only one with `to: recipients`)
    #[arg(long, value_name = "NAME")]
    pub newsletter: Option<String>,
    /// Why they may be written to: mission (officials named to a network; the default) or consent (then a proof says where
    /// it is recorded)
    #[arg(long, value_enum)]
    pub basis: Option<BasisKind>,
    /// Where their consent is recorded: a form, a date, a file
    #[arg(long, value_name = "TEXT")]
    pub proof: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum BasisKind {
    Mission,
    Consent,
}

impl BasisKind {
    fn as_str(self) -> &'static str {
        match self {
            BasisKind::Mission => "mission",
            BasisKind::Consent => "consent",
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct Remove {
    pub address: String,
    /// From this newsletter only (default: from all)
    #[arg(long, value_name = "NAME")]
    pub newsletter: Option<String>,
}

pub fn run(globals: &Globals, command: Command) -> anyhow::Result<Outcome> {
    runtime()?.block_on(async {
        let mut office = Office::open(globals).await?;
        office.needs_people()?;
        let outcome = match command {
            Command::Add(arguments) => add(globals, &mut office, arguments).await,
            Command::Import(arguments) => import(globals, &mut office, arguments).await,
            Command::Export(arguments) => listing::export(&mut office, arguments).await,
            Command::List(arguments) => listing::list(globals, &mut office, arguments).await,
            Command::Remove(arguments) => remove(globals, &mut office, arguments).await,
            Command::Erase(arguments) => erase::run(globals, &mut office, arguments).await,
            Command::History(arguments) => history::run(globals, &mut office, arguments).await,
        };
        office.close_after(outcome).await
    })
}

/// The newsletter that was named, or the only one that it can be.
fn newsletter_of(office: &Office, named: Option<&str>) -> anyhow::Result<String> {
    if let Some(name) = named {
        let newsletter = office.newsletter(name)?;
        if newsletter.to != Audience::Recipients {
            bail!(
                "{name} does not write to the people in the database: {} says `to:` something else",
                newsletter.file
            );
        }
        return Ok(name.to_string());
    }
    let names: Vec<&str> = office
        .config
        .newsletters
        .iter()
        .filter(|newsletter| newsletter.to == Audience::Recipients)
        .map(|newsletter| newsletter.name.as_str())
        .collect();
    match names.as_slice() {
        [name] => Ok((*name).to_string()),
        [] => bail!("no newsletter has `to: recipients`: write it in config/newsletters/NAME.yaml"),
        names => bail!("say which newsletter they join: --newsletter {}", names.join(" or --newsletter ")),
    }
}

/// People on the basis that was named, or on a mission.
fn basis(on: &On) -> Basis {
    let kind = match (on.basis, &on.proof) {
        (Some(BasisKind::Consent), _) | (None, Some(_)) => "consent",
        _ => "mission",
    };
    Basis { kind: kind.to_string(), proof: on.proof.as_deref().map(one_line).filter(|proof| !proof.is_empty()) }
}

fn intake(
    globals: &Globals,
    office: &Office,
    on: &On,
    tags: &[String],
    source: &'static str,
) -> anyhow::Result<Intake> {
    let tags =
        names(&tags.join(" ")).map_err(|name| anyhow::anyhow!("{name:?} is no tag: a-z, 0-9 and - make one"))?;
    Ok(Intake {
        newsletter: newsletter_of(office, on.newsletter.as_deref())?,
        basis: basis(on),
        restates: on.basis.is_some() || on.proof.is_some(),
        tags,
        topics: None,
        source,
        revive: false,
        revive_erased: false,
        now: globals.now,
    })
}

/// The names of a newsletter's topics.
fn topics_of(office: &Office, newsletter: &str) -> anyhow::Result<Vec<String>> {
    Ok(office.newsletter(newsletter)?.topics.iter().map(|topic| topic.name.clone()).collect())
}

/// As the database keeps them; `None`: all.
fn topics(office: &Office, newsletter: &str, named: &[String]) -> anyhow::Result<Option<String>> {
    let known = topics_of(office, newsletter)?;
    let named = names(&named.join(" ")).map_err(|name| anyhow::anyhow!("{name:?} is no topic"))?;
    match named.iter().find(|name| !known.contains(name)) {
        Some(name) if known.is_empty() => bail!("{newsletter} has no topics, so that {name:?} is none of them"),
        Some(name) => bail!("{newsletter} has no topic {name:?}: its topics are {}", known.join(", ")),
        None if named.is_empty() => Ok(None),
        None => Ok(Some(named.join(" "))),
    }
}

fn address_of(text: &str) -> anyhow::Result<Address> {
    Address::parse(text).map_err(|why| anyhow::anyhow!("{text:?} is no address: {why}"))
}

async fn add(globals: &Globals, office: &mut Office, arguments: Add) -> anyhow::Result<Outcome> {
    let address = address_of(&arguments.address)?;
    let mut intake = intake(globals, office, &arguments.on, &arguments.tags, "add")?;
    if intake.basis.kind == "consent" && intake.basis.proof.is_none() {
        bail!("a consent needs its proof: say with --proof where it is recorded: a form, a date, a file");
    }
    intake.topics = topics(office, &intake.newsletter, &arguments.topics)?;
    (intake.revive, intake.revive_erased) = (arguments.again || arguments.after_erasure, arguments.after_erasure);
    let mut person = vec![Addressee {
        id: office.secrets.recipient_id(&address.to_string()),
        email: address.to_string(),
        name: arguments.name.as_deref().map(one_line).filter(|name| !name.is_empty()),
        fields: "{}".to_string(),
    }];
    let taken = office.store.take_in(&intake, || std::mem::take(&mut person)).await?;
    if taken.erased > 0 {
        bail!("{address} was erased, and is kept away: only if they ask for it anew themselves, say --after-erasure");
    }
    if taken.left > 0 {
        bail!("{address} has left {}: if they ask to come back themselves, say --again", intake.newsletter);
    }
    let recipient = office.secrets.recipient_id(&address.to_string());
    if arguments.again {
        if office.store.lift_suppression(recipient, globals.now).await? {
            globals.say(format_args!("{address}: letters go there again"));
        }
    } else if let Some((reason, ..)) = office.store.suppression(recipient).await? {
        globals.say(format_args!(
            "{address} is given up ({reason}; see `crieur explain`), and gets no letter: say --again to bring it back"
        ));
    }
    let what = if taken.added > 0 { "added to" } else { "is on" };
    globals.say(format_args!("{address}: {what} {}", intake.newsletter));
    if globals.json {
        globals.print_json(&taken_json(&intake.newsletter, &taken, json!([])))?;
    }
    Ok(Outcome::Done)
}

async fn import(globals: &Globals, office: &mut Office, arguments: Import) -> anyhow::Result<Outcome> {
    let intake = intake(globals, office, &arguments.on, &arguments.tags, "import")?;
    let topics = topics_of(office, &intake.newsletter)?;
    // A file named on the command line is where the person is, not where the project is.
    let here = std::env::current_dir().context("the current folder has no name")?;
    let people = match People::open(&here, &arguments.file, &office.secrets) {
        Ok(people) => people.for_import(&intake.newsletter, topics, intake.basis.clone()),
        Err(problem) => return Err(super::Unusable(Problems(vec![*problem])).into()),
    };
    let (batches, reader) = read_ahead(people);
    let mut taken = office.store.take_in(&intake, || batches.recv().unwrap_or_default()).await?;
    let problems = reader.join().map_err(|_| anyhow::anyhow!("reading the list failed"))?;
    if arguments.sync && problems.has_errors() {
        globals.say("nobody was retired: the file has errors, and a row that cannot be read may be anybody");
    } else if arguments.sync {
        taken.retired = office.store.retire_missing(&intake, taken.import).await?;
    }
    report::problems(&problems, globals.verbose);
    globals.say(format_args!(
        "{}: {} added, {} updated, {} unchanged, {} left before and stay so, {} retired",
        intake.newsletter, taken.added, taken.updated, taken.unchanged, taken.left, taken.retired
    ));
    if taken.erased > 0 {
        globals.say(format_args!("{} were erased, and are kept away: take them out of the file", taken.erased));
    }
    if globals.json {
        globals.print_json(&taken_json(&intake.newsletter, &taken, report::problems_as_json(&problems)))?;
    }
    Ok(Outcome::needs_a_person_if(problems.has_errors()))
}

/// Reads the next people while the database takes in the last ones. What the thread gives is the list's problems.
fn read_ahead(people: People) -> (Receiver<Vec<Newcomer>>, JoinHandle<Problems>) {
    let (sender, batches) = std::sync::mpsc::sync_channel(AHEAD);
    let reader = std::thread::spawn(move || {
        let mut people = people.in_order();
        loop {
            let batch = people.next_newcomers();
            // The end; or nobody takes them in any more.
            if batch.is_empty() || sender.send(batch).is_err() {
                return people.problems;
            }
        }
    });
    (batches, reader)
}

fn taken_json(newsletter: &str, taken: &Taken, problems: Value) -> Value {
    json!({
        "newsletter": newsletter,
        "added": taken.added,
        "updated": taken.updated,
        "unchanged": taken.unchanged,
        "left": taken.left,
        "retired": taken.retired,
        "erased": taken.erased,
        "problems": problems,
    })
}

async fn remove(globals: &Globals, office: &mut Office, arguments: Remove) -> anyhow::Result<Outcome> {
    let address = address_of(&arguments.address)?;
    let recipient = office.secrets.recipient_id(&address.to_string());
    if let Some(name) = &arguments.newsletter {
        office.newsletter(name)?;
    }
    if arguments.newsletter.is_none() && !office.store.knows(recipient).await? {
        bail!("{address} is on no list here");
    }
    let left = match &arguments.newsletter {
        Some(name) => office.store.remove(recipient, Some(name), globals.now).await?,
        None => {
            let mut left = office.store.remove(recipient, None, globals.now).await?;
            // Lists in files have no row yet: the next edition must not go to them either.
            for newsletter in office.config.newsletters.iter().filter(|one| matches!(one.to, Audience::File(_))) {
                left += office.store.remove(recipient, Some(&newsletter.name), globals.now).await?;
            }
            left
        }
    };
    globals.say(format_args!("{address}: taken off {left} newsletters"));
    if globals.json {
        globals.print_json(&json!({ "address": address.to_string(), "left": left }))?;
    }
    Ok(Outcome::Done)
}
