//! `crieur draft --offer`: the next edition's file, as a commit on a branch of its own at the repository's remote, for a person
//! to rearrange in a pull request and to merge.
//!
//! Promises: what is checked out is not touched, and nothing is pushed by force; a file that an editor rearranged on the
//! branch keeps every byte, and gets what came in since; whoever pushes meanwhile is never overwritten. What is in the
//! branch that is checked out, or in the remote's main one, is merged and not offered again.
//!
//! What the program drafted says so in its commit, by which it is known that nobody has changed it since; it is drafted anew, so that
//! what came in stands in its place and a title that was mended is mended there.
//!
//! BUGS: the branch of an edition that went out otherwise stays. A branch whose file somebody deleted is left alone.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context;
use chrono::{DateTime, Utc};

use crate::announce::{self, Drafted, Material, There, sheet};
use crate::cli::remembered::Standing;
use crate::config::{Approve, Newsletter};
use crate::git::{Change, Commit, Pushed, Repository};
use crate::problem::{Problem, Problems, Source};

/// How often it begins again when somebody else pushes to the branch meanwhile.
const TRIES: u32 = 5;
/// What stands before the slash in the branches' names.
const ABOVE: &str = "crieur";
/// What forges take as a title, in characters, with room to spare.
const LONGEST_TITLE: usize = 200;

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The branch is new.
    Opened,
    /// The branch was there, and has one commit more.
    Refreshed,
    Unchanged,
    /// Nothing to announce: there is no branch.
    NothingNew,
    /// The file is in what is checked out.
    Merged,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            State::Opened => "opened",
            State::Refreshed => "refreshed",
            State::Unchanged => "unchanged",
            State::NothingNew => "nothing-new",
            State::Merged => "merged",
        }
    }
}

/// An offered edition.
#[derive(Debug)]
pub struct Offered {
    pub state: State,
    /// The branch that holds it; `None`: there is none.
    pub branch: Option<String>,
    /// A pull request's.
    pub title: String,
    /// What a pull request says to whoever reads it: one paragraph.
    pub body: String,
    /// Ids and titles that are new in the file.
    pub added: Vec<(String, String)>,
    /// The branch is there, and somebody has taken the file away.
    pub without_file: bool,
}

/// Which edition is offered, and how.
pub struct Offer<'a> {
    pub material: Material<'a>,
    pub newsletter: &'a Newsletter,
    pub standing: &'a Standing,
    pub now: DateTime<Utc>,
    /// What the forge is told with the push.
    pub push_options: &'a [String],
}

impl Offer<'_> {
    /// Does it. The inner error: the branch's file has mistakes, and is left as it is.
    pub async fn make(&self) -> anyhow::Result<Result<Offered, Problems>> {
        let repository = Repository::of(&self.material.config.root).await?;
        let path = format!("{}{}", repository.prefix().await?, self.path());
        let head = repository.head().await?;
        for _ in 0..TRIES {
            if let Some(settled) = self.attempt(&repository, &head, &path).await? {
                return Ok(settled);
            }
        }
        anyhow::bail!("{}: somebody else pushes to it all the time: try again later", self.branch())
    }

    /// One try. `None`: somebody else has pushed to the branch meanwhile.
    async fn attempt(
        &self,
        repository: &Repository,
        head: &Commit,
        path: &str,
    ) -> anyhow::Result<Option<Result<Offered, Problems>>> {
        if self.is_merged(repository, head, path).await? {
            return Ok(Some(Ok(self.offered(State::Merged, None, None))));
        }
        let branch = self.branch();
        let tip = repository.fetch(&branch).await?;
        let there = match &tip {
            None => None,
            Some(tip) => match repository.file(tip, path).await? {
                Some(bytes) => Some(bytes),
                None => {
                    let offered = self.offered(State::Unchanged, Some(branch), None);
                    return Ok(Some(Ok(Offered { without_file: true, ..offered })));
                }
            },
        };
        let untouched = match (&tip, &there) {
            (Some(tip), Some(bytes)) => {
                let drafted = drafted_line(bytes);
                repository.message(tip).await?.lines().any(|line| line == drafted)
            }
            _ => true,
        };
        let drafted = match self.draft(there.as_deref(), untouched) {
            Ok(drafted) => drafted,
            Err(mistakes) => return Ok(Some(Err(mistakes))),
        };
        if there.is_none() && drafted.added.is_empty() {
            return Ok(Some(Ok(self.offered(State::NothingNew, None, None))));
        }
        if there.is_none() {
            self.refuse_what_is_not_committed()?;
        }
        if there.as_deref() == Some(drafted.text.as_bytes()) {
            return Ok(Some(Ok(self.offered(State::Unchanged, Some(branch), Some(drafted)))));
        }
        let state = if there.is_some() { State::Refreshed } else { State::Opened };
        let offered = self.offered(state, Some(branch.clone()), Some(drafted.clone()));
        let language = &self.material.templates.language;
        let values = [("path", drafted.path.clone()), ("count", drafted.added.len().to_string())];
        let mut message = match (state, drafted.added.len()) {
            (State::Opened, _) => offered.title.clone(),
            (_, 0) => language.text("offer_mended", &values),
            _ => language.text("offer_more", &values),
        };
        if untouched {
            message.push_str(&format!("\n\n{}\n", drafted_line(drafted.text.as_bytes())));
        }
        let files = BTreeMap::from([(path.to_string(), Some(drafted.text.into_bytes()))]);
        let change = Change { message: &message, now: self.now, files };
        let commit = repository.commit(Some(tip.as_ref().unwrap_or(head)), &change).await?;
        let options = self.options(&offered);
        match repository.push(&commit, tip.as_ref(), &branch, &options).await {
            Ok(Pushed::Done) => Ok(Some(Ok(offered))),
            Ok(Pushed::Overtaken) => Ok(None),
            Err(_) if repository.fetch(ABOVE).await.is_ok_and(|above| above.is_some()) => anyhow::bail!(
                "git has no branch {branch} beside one called {ABOVE}: give that one another name (the memory's may be \
                 `{ABOVE}/state`, there and as `database: git:{ABOVE}/state` in config/crieur.yaml)"
            ),
            Err(error) => Err(error).with_context(|| format!("the branch {branch} cannot be pushed")),
        }
    }

    /// Whether the file is in what is checked out, or in what it will be merged into: a pull request may have been merged
    /// since the checkout.
    async fn is_merged(&self, repository: &Repository, head: &Commit, path: &str) -> anyhow::Result<bool> {
        if repository.file(head, path).await?.is_some() {
            return Ok(true);
        }
        let Some(main) = repository.main_branch().await? else { return Ok(false) };
        let Some(tip) = repository.fetch(&main).await? else { return Ok(false) };
        Ok(tip != *head && repository.file(&tip, path).await?.is_some())
    }

    fn draft(&self, there: Option<&[u8]>, untouched: bool) -> Result<Drafted, Problems> {
        let Standing { known, number, .. } = self.standing;
        let source: Option<Arc<Source>> = there
            .map(|bytes| sheet::decoded(self.path(), bytes))
            .transpose()
            .map_err(|problem| Problems(vec![problem]))?;
        let there = source.as_ref().map(|source| There { source, untouched });
        announce::offer(self.material, self.newsletter, known, *number, self.now, there)
    }

    /// A file that a person has begun here would be passed over.
    fn refuse_what_is_not_committed(&self) -> anyhow::Result<()> {
        if !sheet::exists(self.material.config, self.newsletter, self.standing.number) {
            return Ok(());
        }
        let problem = Problem::error("draft-not-committed", "this draft is here, and in no commit")
            .help("commit it yourself, or move it away: --offer writes it on a branch of its own")
            .in_file(self.path());
        Err(crate::cli::Unusable(Problems(vec![problem])).into())
    }

    fn path(&self) -> String {
        sheet::path(&self.newsletter.name, self.standing.number)
    }

    /// `crieur/NEWSLETTER-NUMBER`, or `crieur-…` where the memory is in a branch `crieur`.
    pub fn branch(&self) -> String {
        // Git has no branch `crieur` beside others below that name.
        let beside = if self.material.config.branch() == Some(ABOVE) { '-' } else { '/' };
        format!("{ABOVE}{beside}{}-{}", self.newsletter.name, self.standing.number)
    }

    fn offered(&self, state: State, branch: Option<String>, drafted: Option<Drafted>) -> Offered {
        let (subject, added) = drafted.map(|drafted| (drafted.subject, drafted.added)).unwrap_or_default();
        let language = &self.material.templates.language;
        let body = if self.newsletter.approve == Approve::File { "offer_merge" } else { "offer_arrange" };
        let body = one_line(&language.text(body, &[("path", format!("`{}`", self.path()))]));
        Offered { state, branch, title: self.title(subject), body, added, without_file: false }
    }

    /// `La lettre n° 3 : Du nouveau`; a subject that names its letter and number already stands for itself.
    fn title(&self, subject: Option<String>) -> String {
        let (letter, number) = (&self.newsletter.title, self.standing.number.to_string());
        let values = |subject: String| [("letter", letter.clone()), ("number", number.clone()), ("subject", subject)];
        let language = &self.material.templates.language;
        let title = match subject {
            Some(subject) if subject.contains(letter) && subject.contains(&number) => subject,
            Some(subject) => language.text("offer_title", &values(subject)),
            None => language.text("offer_title_alone", &values(String::new())),
        };
        let title = one_line(&title);
        match title.char_indices().nth(LONGEST_TITLE) {
            Some((end, _)) => format!("{}…", title.get(..end).unwrap_or_default().trim_end()),
            None => title,
        }
    }

    /// What the forge is told. One that names the title is for a new branch: an editor may have given the pull request
    /// another since.
    fn options(&self, offered: &Offered) -> Vec<String> {
        let is_new = offered.state == State::Opened;
        let branch = offered.branch.as_deref().unwrap_or_default();
        let names_title = |option: &&String| option.contains("{title}") || option.contains("{body}");
        let wanted = self.push_options.iter().filter(|option| is_new || !names_title(option));
        let filled = |option: &String| {
            let option = option.replace("{branch}", branch).replace("{body}", &offered.body);
            option.replace("{title}", &offered.title)
        };
        wanted.map(filled).collect()
    }
}

/// Stands under the message of a commit that holds a draft as the program makes it. It names the draft, so that one that somebody
/// amended is not taken for it.
fn drafted_line(text: &[u8]) -> String {
    let hash = blake3::hash(text).to_hex();
    format!("Drafted-by: crieur {}", hash.get(..16).unwrap_or_default())
}

/// Without line breaks and other signs that steer: it is written into files and arguments.
fn one_line(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Where a GitHub step leaves what later steps take up.
const OUTPUT: &str = "GITHUB_OUTPUT";

/// Tells the steps that follow in a workflow, where there are any. A branch that holds the file is named, be it that the file
/// has mistakes.
pub fn tell_workflow(offer: &Offer<'_>, offered: Option<&Offered>) -> anyhow::Result<()> {
    let Some(file) = std::env::var_os(OUTPUT).filter(|file| !file.is_empty()) else { return Ok(()) };
    let state = offered.map_or("mistakes", |offered| offered.state.as_str());
    let mistaken = offer.offered(State::Unchanged, Some(offer.branch()), None);
    let Offered { branch, title, body, without_file, .. } = offered.unwrap_or(&mistaken);
    let branch = branch.as_deref().filter(|_| !without_file).unwrap_or_default();
    let text = format!("branch={branch}\ntitle={title}\nbody={body}\nstate={state}\n");
    let open = std::fs::OpenOptions::new().create(true).append(true).open(&file);
    open.and_then(|mut open| open.write_all(text.as_bytes())).with_context(|| format!("{OUTPUT} cannot be written"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_into_files_and_arguments_is_one_line() {
        assert_eq!(one_line("La lettre\u{a0}n° 3\nstate=opened\r\u{1b}[1m"), "La lettre\u{a0}n° 3 state=opened [1m");
    }
}
