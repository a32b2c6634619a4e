//! `crieur recipients`: the people of newsletters whose list is in the database (`to: recipients`).

use std::fs::File;
use std::io::Write;
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
use crate::people::People;
use crate::problem::Problems;
use crate::store::recipients::{Addressee, Basis, Intake, Listed, Taken};

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Add one person
    Add(Add),
    /// Take people in from a CSV file whose first line names its columns: email, name, and any more
    Import(Import),
    /// Write the people as CSV
    Export(Export),
    /// List the people
    List(List),
    /// Take a person off: they count as having left, and no import brings them back
    Remove(Remove),
}

#[derive(Debug, clap::Args)]
pub struct Add {
    pub address: String,
    #[arg(long)]
    pub name: Option<String>,
    #[command(flatten)]
    pub on: On,
    /// Bring back somebody who has left, at their own wish, or whose address was given up
    #[arg(long)]
    pub again: bool,
}

#[derive(Debug, clap::Args)]
pub struct Import {
    pub file: PathBuf,
    #[command(flatten)]
    pub on: On,
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
    /// Why they may be written to: mission (officials named to a network) or consent (then --proof says where it is kept)
    #[arg(long, value_enum, default_value = "mission")]
    pub basis: BasisKind,
    /// Where their consent is recorded: a form, a date, a file
    #[arg(long, value_name = "TEXT", required_if_eq("basis", "consent"))]
    pub proof: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum BasisKind {
    Mission,
    Consent,
}

#[derive(Debug, clap::Args)]
pub struct Export {
    /// Where to write (default: standard output)
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    #[arg(long, value_name = "NAME")]
    pub newsletter: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct List {
    #[arg(long, value_name = "NAME")]
    pub newsletter: Option<String>,
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
            Command::Export(arguments) => export(&mut office, arguments).await,
            Command::List(arguments) => list(globals, &mut office, arguments).await,
            Command::Remove(arguments) => remove(globals, &mut office, arguments).await,
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

fn intake(globals: &Globals, office: &Office, on: &On, source: &'static str, revive: bool) -> anyhow::Result<Intake> {
    let kind = match on.basis {
        BasisKind::Mission => "mission",
        BasisKind::Consent => "consent",
    };
    Ok(Intake {
        newsletter: newsletter_of(office, on.newsletter.as_deref())?,
        basis: Basis { kind: kind.to_string(), proof: on.proof.clone() },
        source,
        revive,
        now: globals.now,
    })
}

fn address_of(text: &str) -> anyhow::Result<Address> {
    Address::parse(text).map_err(|why| anyhow::anyhow!("{text:?} is no address: {why}"))
}

async fn add(globals: &Globals, office: &mut Office, arguments: Add) -> anyhow::Result<Outcome> {
    let address = address_of(&arguments.address)?;
    let intake = intake(globals, office, &arguments.on, "add", arguments.again)?;
    let mut person = vec![Addressee {
        id: office.secrets.recipient_id(&address.to_string()),
        email: address.to_string(),
        name: arguments.name.as_deref().map(one_line).filter(|name| !name.is_empty()),
        fields: "{}".to_string(),
    }];
    let taken = office.store.take_in(&intake, || std::mem::take(&mut person)).await?;
    if taken.left > 0 {
        bail!("{address} has left {}: if they ask to come back themselves, say --again", intake.newsletter);
    }
    let recipient = office.secrets.recipient_id(&address.to_string());
    if arguments.again {
        if office.store.lift_suppression(recipient).await? {
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
    let intake = intake(globals, office, &arguments.on, "import", false)?;
    // A file named on the command line is where the person is, not where the project is.
    let here = std::env::current_dir().context("the current folder has no name")?;
    let people = match People::open(&here, &arguments.file, &office.secrets) {
        Ok(people) => people,
        Err(problem) => return Err(super::Unusable(Problems(vec![*problem])).into()),
    };
    let (batches, reader) = read_ahead(people);
    let mut taken = office.store.take_in(&intake, || batches.recv().unwrap_or_default()).await?;
    let problems = reader.join().map_err(|_| anyhow::anyhow!("reading the list failed"))?;
    if arguments.sync && problems.has_errors() {
        globals.say("nobody was retired: the file has errors, and a row that cannot be read may be anybody");
    } else if arguments.sync {
        taken.retired = office.store.retire_missing(&intake).await?;
    }
    report::problems(&problems, globals.verbose);
    globals.say(format_args!(
        "{}: {} added, {} updated, {} unchanged, {} left before and stay so, {} retired",
        intake.newsletter, taken.added, taken.updated, taken.unchanged, taken.left, taken.retired
    ));
    if globals.json {
        globals.print_json(&taken_json(&intake.newsletter, &taken, report::problems_as_json(&problems)))?;
    }
    Ok(Outcome::needs_a_person_if(problems.has_errors()))
}

/// Reads the next people while the database takes in the last ones. What the thread gives is the list's problems.
fn read_ahead(mut people: People) -> (Receiver<Vec<Addressee>>, JoinHandle<Problems>) {
    let (sender, batches) = std::sync::mpsc::sync_channel(8);
    let reader = std::thread::spawn(move || {
        loop {
            let batch = people.next_batch();
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
        "problems": problems,
    })
}

/// Gives every person and newsletter to `each`, in batches.
async fn walk(
    office: &mut Office,
    newsletter: Option<&str>,
    mut each: impl FnMut(&Listed) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    if let Some(name) = newsletter {
        office.newsletter(name)?;
    }
    let mut after = (String::new(), String::new());
    loop {
        let batch = office.store.list_recipients(newsletter, (&after.0, &after.1), 1000).await?;
        let Some(last) = batch.last() else { return Ok(()) };
        after = (last.addressee.email.clone(), last.newsletter.clone());
        batch.iter().try_for_each(&mut each)?;
    }
}

async fn export(office: &mut Office, arguments: Export) -> anyhow::Result<Outcome> {
    let target: Box<dyn Write> = match &arguments.out {
        Some(path) => Box::new(File::create(path).with_context(|| format!("{} cannot be written", path.display()))?),
        None => Box::new(std::io::stdout().lock()),
    };
    let mut writer = csv::Writer::from_writer(target);
    writer
        .write_record(["email", "name", "newsletter", "state", "basis", "proof", "added", "suppressed", "fields"])
        .map_err(unread)?;
    walk(office, arguments.newsletter.as_deref(), |listed| {
        let row = writer.write_record([
            listed.addressee.email.as_str(),
            listed.addressee.name.as_deref().unwrap_or(""),
            &listed.newsletter,
            &listed.state,
            &listed.basis.kind,
            listed.basis.proof.as_deref().unwrap_or(""),
            &listed.added.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            if listed.suppressed { "1" } else { "0" },
            &listed.addressee.fields,
        ]);
        row.map_err(unread)
    })
    .await?;
    writer.flush().map_err(csv::Error::from).map_err(unread)?;
    Ok(Outcome::Done)
}

/// Of a list that is written to standard output: whoever has read enough may go.
fn unread(error: csv::Error) -> anyhow::Error {
    match error.kind() {
        csv::ErrorKind::Io(io) if io.kind() == std::io::ErrorKind::BrokenPipe => report::NobodyReads.into(),
        _ => error.into(),
    }
}

async fn list(globals: &Globals, office: &mut Office, arguments: List) -> anyhow::Result<Outcome> {
    let mut all = Vec::new();
    let mut lines = String::new();
    walk(office, arguments.newsletter.as_deref(), |listed| {
        let Listed { addressee, basis, added, newsletter, state, suppressed } = listed;
        if globals.json {
            let fields: Value = serde_json::from_str(&addressee.fields).unwrap_or_default();
            all.push(json!({
                "email": addressee.email, "name": addressee.name, "fields": fields, "newsletter": newsletter,
                "state": state, "suppressed": suppressed, "basis": basis.kind, "proof": basis.proof,
                "added": added.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
            }));
        } else {
            let name = addressee.name.as_deref().map(|name| format!(" ({name})")).unwrap_or_default();
            let suppressed = if *suppressed { ", suppressed" } else { "" };
            lines
                .push_str(&format!("{}{name}: {newsletter}, {state}{suppressed}, {}\n", addressee.email, basis.kind));
        }
        Ok(())
    })
    .await?;
    if globals.json {
        globals.print_json(&json!({ "recipients": all }))?;
    } else if lines.is_empty() {
        globals.say("nobody yet: `crieur recipients import FILE`");
    } else {
        globals.print(&lines)?;
    }
    Ok(Outcome::Done)
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
        Some(name) => office.store.leave(recipient, Some(name), globals.now).await?,
        None => {
            let mut left = office.store.leave(recipient, None, globals.now).await?;
            // Lists in files have no row yet: the next edition must not go to them either.
            for newsletter in office.config.newsletters.iter().filter(|one| matches!(one.to, Audience::File(_))) {
                left += office.store.leave(recipient, Some(&newsletter.name), globals.now).await?;
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
