//! `crieur doctor`: can this installation send? And `--new-dkim-key`: the key that signs letters, and its DNS record; and
//! `--new-key`: another of the project's own, which sign the ways out.
//!
//! Looks at the project's key, the keys that sign, the mail server (connects, says EHLO, secures, authenticates, and says
//! goodbye: no letter is sent), the DNS (keys, SPF, DMARC), and of each newsletter the templates, the addresses and the way out. Makes and changes nothing.
//!
//! BUGS: a mail server that takes our password may still refuse our letters: `crieur send NEWSLETTER --test ADDRESS` shows it.

mod domain;
mod keys;
mod new_key;
mod server;

use serde_json::{Value, json};

use super::office::{material, runtime};
use super::{Globals, Outcome, Unusable, report};
use crate::announce::press;
use crate::config::{Audience, Config, Newsletter, people, placeholders};
use crate::digest::Composed;
use crate::mail::dkim::{self, Key, Kind};
use crate::mail::letter::Head;
use crate::mail::way_out;
use crate::people::People;
use crate::problem::{Problem, Problems, Severity};
use crate::project::Project;
use crate::secrets::{Secrets, file as key_file};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Make the key that signs letters where the configuration names it, and print its DNS record
    #[arg(long, value_enum, value_name = "KIND", num_args = 0..=1, default_missing_value = "default")]
    pub new_dkim_key: Option<NewKey>,
    /// Add a key to the project's own, which signs the ways out from then on; those of old letters still work
    #[arg(long, conflicts_with = "new_dkim_key")]
    pub new_key: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum NewKey {
    /// 2048 bits: every receiver knows it
    Rsa,
    /// Small and quick; goes beside an RSA key, for not every receiver knows it
    Ed25519,
    /// RSA for the first key that is missing, Ed25519 for one beside it
    #[value(hide = true)]
    Default,
}

impl NewKey {
    fn kind(self) -> Option<Kind> {
        match self {
            NewKey::Rsa => Some(Kind::Rsa),
            NewKey::Ed25519 => Some(Kind::Ed25519),
            NewKey::Default => None,
        }
    }
}

/// How a thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Ok,
    Warning,
    Error,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Error => "error",
        }
    }
}

/// One thing that was looked at.
struct Finding {
    /// What it was about: `key`, `dkim`, `server`, `newsletter NAME`.
    subject: String,
    state: State,
    message: String,
    help: Option<String>,
}

impl Finding {
    fn new(subject: impl Into<String>, state: State, message: impl Into<String>) -> Finding {
        Finding { subject: subject.into(), state, message: message.into(), help: None }
    }

    fn help(self, help: impl Into<String>) -> Finding {
        Finding { help: Some(help.into()), ..self }
    }

    fn of(subject: &str, problem: &Problem) -> Finding {
        let state = if problem.severity == Severity::Error { State::Error } else { State::Warning };
        Finding { help: problem.help.clone(), ..Finding::new(subject, state, problem.to_string()) }
    }

    fn as_json(&self) -> Value {
        json!({ "subject": self.subject, "state": self.state.word(), "message": self.message, "help": self.help })
    }

    fn in_words(&self) -> String {
        let mut words = format!("{:<8}{}: {}", self.state.word(), self.subject, self.message);
        if let Some(help) = &self.help {
            words.push_str(&format!("\n        → {help}"));
        }
        words
    }
}

pub fn run(globals: &Globals, arguments: Args) -> anyhow::Result<Outcome> {
    let (config, problems) = Config::read(&globals.root).map_err(Unusable)?;
    if let Some(kind) = arguments.new_dkim_key {
        return keys::make(globals, &config, kind.kind());
    }
    if arguments.new_key {
        return new_key::add(globals, &config);
    }
    let mut findings = Vec::new();
    for problem in problems.iter().filter(|problem| problem.severity == Severity::Error) {
        findings.push(Finding::of("configuration", problem));
    }
    let secrets = the_key(&config, &mut findings);
    findings.extend(signing(&config));
    findings.extend(runtime()?.block_on(async {
        let mut findings = server::look(&config).await;
        findings.extend(domain::look(&config).await);
        findings
    }));
    let project = Project::of(config, problems, globals.now, None).map_err(Unusable)?;
    for newsletter in &project.config.newsletters {
        findings.extend(of_newsletter(globals, &project, newsletter, &secrets));
    }
    if project.config.newsletters.is_empty() {
        let finding = Finding::new("newsletters", State::Warning, "there is none, and so nothing to send");
        findings.push(finding.help("write one as config/newsletters/NAME.yaml (`crieur init` does it for you)"));
    }
    let records = keys::records(&project.config);
    if globals.json {
        let findings: Vec<Value> = findings.iter().map(Finding::as_json).collect();
        globals.print_json(&json!({ "checks": findings, "records": keys::as_json(&records) }))?;
    } else {
        let shown = findings.iter().filter(|finding| !globals.quiet || finding.state == State::Error);
        let lines: Vec<String> = shown.map(Finding::in_words).collect();
        if !lines.is_empty() {
            globals.print(&lines.join("\n"))?;
        }
        if !globals.quiet {
            globals.print(&keys::in_words(&records))?;
        }
    }
    Ok(Outcome::needs_a_person_if(findings.iter().any(|finding| finding.state == State::Error)))
}

/// The project's own key, from which tokens and Message-IDs come. Without one, a stand-in to look at letters with.
fn the_key(config: &Config, findings: &mut Vec<Finding>) -> Secrets {
    if config.branch().is_some() {
        findings.push(Finding::new(
            "key",
            State::Ok,
            "none is needed: the memory is a branch, and no letter bears a token",
        ));
        return Secrets::without_secret(&config.site.url);
    }
    match Secrets::look(config) {
        Ok(Some(secrets)) => {
            let path = key_file::path_of(config);
            findings.push(match key_file::too_open(config) {
                Some(problem) => Finding::of("key", &problem),
                None => {
                    let count = match secrets.count() {
                        1 => String::new(),
                        count => format!(", and holds {count} keys of which the last signs"),
                    };
                    Finding::new("key", State::Ok, format!("{} is its owner's alone{count}", path.display()))
                }
            });
            return secrets;
        }
        Ok(None) => findings.push(Finding::new("key", State::Ok, "none yet: the first letter makes it")),
        Err(why) => findings.push(Finding::new("key", State::Error, why.to_string())),
    }
    Secrets::from_bytes([0; 32])
}

/// The keys that sign.
fn signing(config: &Config) -> Vec<Finding> {
    if config.mail.dkim.is_empty() {
        let message = "letters are not signed here: that is left to the mail server (no `mail.dkim`)";
        return vec![Finding::new("dkim", State::Ok, message)];
    }
    // A key that is missing is an error here: this is where letters leave.
    let unusable = dkim::load::signer(config).err().unwrap_or_default();
    let mut findings: Vec<Finding> = unusable.iter().map(|problem| Finding::of("dkim", problem)).collect();
    for problem in dkim::load::check(config).iter().filter(|problem| problem.code == "dkim-not-aligned") {
        findings.push(Finding::of("dkim", problem));
    }
    for one in &config.mail.dkim {
        if let Ok(key) = Key::read(&one.path) {
            let bits = key.bits().map(|bits| format!(" of {bits} bits")).unwrap_or_default();
            let message = format!("{} signs for {} ({}{bits})", one.key, one.domain, key.kind().name());
            findings.push(Finding::new("dkim", State::Ok, message));
        }
    }
    findings
}

/// Whether a newsletter's letter can be written, and those it goes to can be reached and can leave.
fn of_newsletter(globals: &Globals, project: &Project, newsletter: &Newsletter, secrets: &Secrets) -> Vec<Finding> {
    let config = &project.config;
    let subject = format!("newsletter {}", newsletter.name);
    let mut findings = Vec::new();
    match press::trial(material(project), newsletter, &[], globals.now) {
        Ok(Composed { variants, .. }) if variants.is_empty() => {
            findings.push(Finding::new(&subject, State::Ok, "no item yet to try its letter with"));
        }
        Ok(_) => findings.push(Finding::new(&subject, State::Ok, "its letter can be written")),
        Err(problems) => findings.extend(errors(&problems).map(|problem| Finding::of(&subject, problem))),
    }
    let way_out = way_out::check(config, newsletter);
    let unwritten = placeholders::check(config, newsletter);
    for problem in people::check(config, newsletter).iter().chain(way_out.iter()).chain(unwritten.iter()) {
        findings.push(Finding::of(&subject, problem));
    }
    if let Audience::HandOver(folder) = &newsletter.to {
        findings.push(Finding::new(
            &subject,
            State::Ok,
            format!("its editions are files in {folder}/, for another machine to send"),
        ));
    }
    if way_out.is_empty() && !newsletter.to.knows_nobody() {
        let way = match Head::new(config, newsletter, globals.now).leave_url(secrets, 0) {
            Some(url) => url.split(['?', '#']).next().unwrap_or_default().to_string(),
            None => "elsewhere".to_string(),
        };
        let way = way.split("/leave/").next().unwrap_or_default();
        findings.push(Finding::new(&subject, State::Ok, format!("readers can leave: {way}")));
    }
    if let Audience::File(path) = &newsletter.to {
        findings.extend(of_list(config, path, &subject, secrets));
    }
    findings
}

fn errors(problems: &Problems) -> impl Iterator<Item = &Problem> {
    problems.iter().filter(|problem| problem.severity == Severity::Error)
}

/// The addresses of a list.
fn of_list(config: &Config, path: &str, subject: &str, secrets: &Secrets) -> Vec<Finding> {
    let mut people = match People::open(&config.root, std::path::Path::new(path), secrets) {
        Ok(people) => people,
        Err(problem) => return vec![Finding::of(subject, &problem)],
    };
    let mut count = 0;
    loop {
        let batch = people.next_batch();
        if batch.is_empty() {
            break;
        }
        count += batch.len();
    }
    let refused = errors(&people.problems).count();
    let addresses = if count == 1 { "1 address".to_string() } else { format!("{count} addresses") };
    if refused == 0 {
        return vec![Finding::new(subject, State::Ok, format!("{addresses} in {path}"))];
    }
    let mut findings: Vec<Finding> =
        errors(&people.problems).take(5).map(|problem| Finding::of(subject, problem)).collect();
    let message = format!("{addresses} in {path}, and {refused} that nothing can be sent to");
    findings.push(Finding::new(subject, State::Error, message).help("correct or remove these lines"));
    findings
}

/// What went wrong, in a sentence for `report`.
fn say(globals: &Globals, problem: &Problem) {
    report::problems(&Problems(vec![problem.clone()]), globals.verbose);
}
