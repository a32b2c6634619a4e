//! A newsletter's next edition: whether there is one, and what stands in its way.
//!
//! Where a moment is known (a timetable's, or the one in the edition's file) and somebody wants to see the letter ahead,
//! it is frozen that long before, and goes by itself: `waiting` sees to it.

use chrono::{DateTime, Utc};

use super::freezing::{self, Freezing, Order, Scene};
use super::press::{self, Known, Pressed};
use super::{AnnounceError, Material, pages, sheet};
use crate::config::{Approve, Backlog, Newsletter, people, placeholders};
use crate::digest::Composed;
use crate::digest::edition_file::Release;
use crate::mail::way_out;
use crate::problem::{Problem, Problems};
use crate::schedule::{Due, due};
use crate::store::Store;
use crate::store::editions::State;
use crate::store::newsletters::Memory;

/// Who asks for the next edition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// The cron job: only when it is due.
    BySchedule,
    /// The same, before the site is deployed: its pages are asked for later, before the letter leaves.
    BeforeDeployment,
    /// A person: now.
    ByPerson,
    /// A person who only wants to know: nothing is frozen.
    DryRun,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    NotDue {
        next: Option<DateTime<Utc>>,
    },
    NothingNew,
    /// Nobody is on the list: nothing is remembered.
    Nobody,
    /// These do not answer yet.
    WaitsForPages {
        missing: Vec<String>,
    },
    /// Its edition's file keeps it.
    WaitsForFile {
        number: i64,
        path: String,
        wait: Wait,
        /// How many items are new and not in the file.
        came_in: usize,
    },
    /// It cannot be composed, or must not leave.
    Impossible,
    /// Frozen, in this state, with the reason where a person should look.
    Frozen {
        number: i64,
        items: usize,
        state: State,
        reason: Option<String>,
        /// It goes by itself then.
        send_at: Option<DateTime<Utc>>,
    },
    /// What a dry run would freeze, and to how many people it would go.
    Would {
        number: i64,
        items: Vec<String>,
        state: State,
        reason: Option<String>,
        eligible: i64,
    },
}

/// Why an edition's file keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// There is none.
    Missing,
    /// It says `send: no`, and has so many mistakes.
    AtWork {
        mistakes: usize,
    },
    Until(DateTime<Utc>),
}

/// Composes and freezes a newsletter's next edition, or each of them (`each-item`), where nothing stands in the way.
/// Problems are added to `problems`.
pub async fn next(
    store: &mut Store,
    scene: Scene<'_>,
    asked: Asked,
    problems: &mut Problems,
) -> Result<Vec<Next>, AnnounceError> {
    let Scene { material, newsletter, now, .. } = scene;
    let memory = store.newsletter(&newsletter.name).await?;
    let backlog = if memory.is_none() { backlog(material, newsletter) } else { Vec::new() };
    if memory.is_none() && asked != Asked::DryRun {
        store.start_newsletter(&newsletter.name, &backlog, now).await?;
    }
    let memory = memory.unwrap_or(Memory { considered: now, waiting_since: None, brake: None });
    let number = store.next_number(&newsletter.name, i64::try_from(newsletter.first_number).unwrap_or(1)).await?;
    let has_file = sheet::exists(material.config, newsletter, number.unsigned_abs());
    let mut early = None;
    let mut not_due = None;
    if matches!(asked, Asked::BySchedule | Asked::BeforeDeployment)
        && memory.waiting_since.is_none()
        && let Due::Later { next } = due(newsletter, material.config.site.time_zone, memory.considered, now)
    {
        let previewed = newsletter.approve == Approve::No && !newsletter.preview_to.is_empty();
        let is_new = |moment: DateTime<Utc>| moment > memory.considered && moment - newsletter.preview_before <= now;
        early = next.filter(|moment| previewed && is_new(*moment));
        // The file itself says when, where it is the approval.
        let asks_file = newsletter.approve == Approve::File && has_file;
        if early.is_none() && !asks_file {
            if newsletter.urgent.is_none() {
                return Ok(vec![Next::NotDue { next }]);
            }
            not_due = Some(next);
        }
    }
    let mut known = Known::of(store, material.config, newsletter).await?;
    known.ids.extend(backlog);
    let mut desk = Desk { store, scene, asked, memory, early, problems, urgent: None };
    if let Some(next) = not_due {
        let urgent = desk.urgent(&known, number, next).await?;
        return Ok(vec![urgent.unwrap_or(Next::NotDue { next })]);
    }
    if newsletter.approve == Approve::File && !has_file {
        desk.consider().await?;
        if press::count_new(material, newsletter, &known, now) == 0 {
            return Ok(vec![Next::NothingNew]);
        }
        let path = sheet::path(&newsletter.name, number.unsigned_abs());
        return Ok(vec![Next::WaitsForFile { number, path, wait: Wait::Missing, came_in: 0 }]);
    }
    desk.editions(press::press(material, newsletter, &known, number.unsigned_abs(), now), number).await
}

/// What is there before a newsletter begins, and counts as announced. Whatever the selection says today: an item that is
/// there is no news tomorrow because the selection grew. What is held until its date has not been published yet.
fn backlog(material: Material<'_>, newsletter: &Newsletter) -> Vec<String> {
    match newsletter.backlog {
        Backlog::Announce => Vec::new(),
        Backlog::Skip => {
            material.items.iter().filter(|item| item.held_until.is_none()).map(|item| item.id.clone()).collect()
        }
    }
}

/// One newsletter on the desk.
struct Desk<'a> {
    store: &'a mut Store,
    scene: Scene<'a>,
    asked: Asked,
    memory: Memory,
    /// The timetable's next moment, where the letter is frozen ahead of it.
    early: Option<DateTime<Utc>>,
    problems: &'a mut Problems,
    /// A letter out of turn: how many items are new, its own among them.
    urgent: Option<usize>,
}

impl Desk<'_> {
    /// The short letter of events that cannot wait for the letter of `next`, where there are any. No scheduled moment counts
    /// as considered with it, and while its pages do not answer it is simply asked for again.
    async fn urgent(
        &mut self,
        known: &Known,
        number: i64,
        next: Option<DateTime<Utc>>,
    ) -> Result<Option<Next>, AnnounceError> {
        let Scene { material, newsletter, now, .. } = self.scene;
        let Some(soon) = newsletter.urgent else { return Ok(None) };
        let number = number.unsigned_abs();
        let Some(composed) = press::urgent(material, newsletter, known, number, now, (soon, next)) else {
            return Ok(None);
        };
        let mut composed = match composed {
            Ok(composed) => composed,
            Err(problems) => {
                self.problems.extend(problems);
                return Ok(Some(Next::Impossible));
            }
        };
        self.problems.extend(std::mem::take(&mut composed.problems));
        if newsletter.approve == Approve::File || sheet::exists(material.config, newsletter, number) {
            // The next number is the file's: a person decides what stands in it, and when it goes.
            for item in &composed.items {
                let message =
                    format!("“{}” would be over before the next letter: nobody has announced it", item.title);
                let help = format!(
                    "let {} hold it (`crieur draft {}` writes it) and say `send: now`",
                    sheet::path(&newsletter.name, number),
                    newsletter.name
                );
                self.problems.push(Problem::warning("urgent-event", message).help(help).in_file(&newsletter.file));
            }
            return Ok(None);
        }
        self.urgent = Some(press::count_new(material, newsletter, known, now));
        self.edition(composed, None, false).await.map(Some)
    }

    /// Sees to what the press made.
    async fn editions(&mut self, pressed: Pressed, number: i64) -> Result<Vec<Next>, AnnounceError> {
        let Scene { newsletter, now, .. } = self.scene;
        let sheet = pressed.sheet;
        let kept = |wait: Wait| {
            let (path, came_in) = sheet.as_ref().map(|one| (one.path.clone(), one.came_in.len())).unwrap_or_default();
            Ok(vec![Next::WaitsForFile { number, path, wait, came_in }])
        };
        if let Some(sheet) = &sheet
            && sheet.release == Release::No
            && newsletter.approve != Approve::Yes
        {
            return kept(Wait::AtWork { mistakes: sheet.mistakes });
        }
        let letters = match pressed.letters {
            Ok(letters) => letters,
            Err(problems) => {
                self.problems.extend(problems);
                return Ok(vec![Next::Impossible]);
            }
        };
        let of_file = sheet.as_ref().and_then(|sheet| match sheet.release {
            Release::At(moment) => Some(moment),
            _ => None,
        });
        let go_at = of_file.max(self.early).filter(|moment| *moment > now);
        let ahead = newsletter.approve != Approve::Yes && !newsletter.preview_to.is_empty();
        if let Some(moment) = go_at
            && !(ahead && moment - newsletter.preview_before <= now)
        {
            return kept(Wait::Until(moment));
        }
        self.problems.extend(pressed.warnings);
        if letters.is_empty() {
            let declined = sheet.map(|sheet| sheet.declined).unwrap_or_default();
            if self.asked != Asked::DryRun && !declined.is_empty() {
                self.store.decline(&newsletter.name, &declined, now).await?;
            }
            self.consider().await?;
            return Ok(vec![Next::NothingNew]);
        }
        let mut found = Vec::new();
        for mut composed in letters {
            self.problems.extend(std::mem::take(&mut composed.problems));
            let next = self.edition(composed, go_at, sheet.is_some()).await?;
            let goes_on = matches!(next, Next::Frozen { .. } | Next::Would { .. });
            found.push(next);
            if !goes_on {
                break;
            }
        }
        Ok(found)
    }

    /// Freezes one edition, where nothing stands in its way.
    async fn edition(
        &mut self,
        composed: Composed,
        go_at: Option<DateTime<Utc>>,
        by_a_person: bool,
    ) -> Result<Next, AnnounceError> {
        let Scene { material, newsletter, now, .. } = self.scene;
        let way_out = way_out::check(material.config, newsletter);
        let list = people::check(material.config, newsletter);
        let unwritten = placeholders::check(material.config, newsletter);
        let refused = way_out.has_errors() || list.has_errors() || unwritten.has_errors();
        self.problems.extend(way_out);
        self.problems.extend(list);
        self.problems.extend(unwritten);
        if refused {
            return Ok(Next::Impossible);
        }
        let (mut state, mut reason) = self.brakes(&composed, by_a_person);
        if state != State::Held
            && self.asked != Asked::BeforeDeployment
            && let Some(limit) = newsletter.wait_for_pages
        {
            let missing = pages::missing(material, &composed);
            if !missing.is_empty() && self.urgent.is_some() {
                return Ok(Next::WaitsForPages { missing });
            }
            if !missing.is_empty() {
                let since = match self.asked {
                    Asked::DryRun => self.memory.waiting_since.unwrap_or(now),
                    _ => self.store.wait_for_pages(&newsletter.name, now).await?,
                };
                if now - since < limit {
                    return Ok(Next::WaitsForPages { missing });
                }
                state = State::Held;
                reason = Some(format!("{} did not answer in time", missing.join(", ")));
            }
        }
        let ahead = go_at.is_some() && state == State::Sending;
        let (state, send_at) = if ahead { (State::Composed, go_at) } else { (state, None) };
        let items: Vec<String> = composed.items.iter().map(|item| item.id.clone()).collect();
        let count = items.len();
        let number = i64::try_from(composed.number).unwrap_or(1);
        if self.asked == Asked::DryRun {
            let eligible = freezing::count(self.store, self.scene, &composed.shares).await?;
            return Ok(Next::Would { number, items, state, reason, eligible });
        }
        // Never goes back: one out of turn leaves it where it was.
        let considered = if self.urgent.is_some() {
            self.memory.considered
        } else {
            self.early.map_or(now, |moment| moment.max(now))
        };
        let order = Order { composed, at: now, state, reason: reason.clone(), send_at, considered };
        Ok(match freezing::freeze(self.store, self.scene, order, None, self.problems).await? {
            Freezing::Done => Next::Frozen { number, items: count, state, reason, send_at },
            Freezing::Impossible => Next::Impossible,
            Freezing::Nobody => {
                self.consider().await?;
                Next::Nobody
            }
        })
    }

    /// What holds an edition before anything of it is sent. One that a person arranged is no migration by accident.
    fn brakes(&self, composed: &Composed, by_a_person: bool) -> (State, Option<String>) {
        let (new, surge) = (self.urgent.unwrap_or(composed.counted.len()), self.scene.newsletter.surge);
        if new > surge && !by_a_person {
            let reason = format!(
                "{new} new items at once, and surge is {surge}: look whether a migration made old ones new, then resume or cancel"
            );
            return (State::Held, Some(reason));
        }
        if let Some(reason) = &self.memory.brake {
            return (State::Held, Some(reason.clone()));
        }
        match self.scene.newsletter.approve {
            Approve::Yes => (State::Composed, Some("waits for `crieur approve`".to_string())),
            // The file was the approval.
            Approve::No | Approve::File => (State::Sending, None),
        }
    }

    /// The newsletter's moments up to now are seen to.
    async fn consider(&mut self) -> Result<(), AnnounceError> {
        if self.asked != Asked::DryRun && self.urgent.is_none() {
            self.store.consider(&self.scene.newsletter.name, self.scene.now).await?;
        }
        Ok(())
    }
}
