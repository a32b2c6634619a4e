//! Editions that are frozen and wait: for their moment, or for a person's word.
//!
//! While nobody has one, it follows its file and its items: where they say something else now, it is frozen anew, and
//! whoever sees it ahead sees it again. When its moment has come it goes, to whoever is on the list by then.
//!
//! Promises: what waits is composed again as of the moment at which it was frozen, so that time alone changes nothing; a
//! file with a mistake, or that says `send: no`, keeps its edition.
//!
//! BUGS: with `approve: yes`, and nobody who sees it ahead nor a file, an edition stays as it was frozen; a short letter
//! out of turn does always.

use chrono::{DateTime, Utc};

use super::freezing::{self, Freezing, Order, Scene};
use super::frozen::Frozen;
use super::next::Wait;
use super::press::{self, Known};
use super::{AnnounceError, readers, sheet};
use crate::config::Approve;
use crate::digest::Composed;
use crate::digest::edition_file::Release;
use crate::problem::Problems;
use crate::store::Store;
use crate::store::editions::{Edition, State};

/// What became of an edition that waited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tended {
    /// Frozen anew: its file or its items changed.
    Anew,
    /// Its moment has come: it is being sent; `anew`: and changed.
    Goes { anew: bool },
    /// A person is at work on its file, or it must be mended.
    Kept(Wait),
    /// Nothing is left in it: its items are new again, but for what was crossed out.
    Empty,
}

/// Sees to a newsletter's editions that wait. Gives the number of each that something became of.
pub async fn tend(
    store: &mut Store,
    scene: Scene<'_>,
    problems: &mut Problems,
) -> Result<Vec<(i64, Tended)>, AnnounceError> {
    let mut tended = Vec::new();
    for edition in store.open_editions().await? {
        let ours = edition.newsletter == scene.newsletter.name && edition.state == State::Composed;
        if ours
            && edition.is_untouched()
            && let Some(what) = tend_one(store, scene, &edition, problems).await?
        {
            tended.push((edition.number, what));
        }
    }
    Ok(tended)
}

async fn tend_one(
    store: &mut Store,
    scene: Scene<'_>,
    edition: &Edition,
    problems: &mut Problems,
) -> Result<Option<Tended>, AnnounceError> {
    let Scene { material, newsletter, now, .. } = scene;
    let number = edition.number.unsigned_abs();
    let has_file = sheet::exists(material.config, newsletter, number);
    let asks_a_person = newsletter.approve == Approve::Yes;
    if newsletter.preview_to.is_empty() && !has_file && (edition.send_at.is_none() || asks_a_person) {
        return Ok(None);
    }
    let choices = readers::choices(Some(store), material.config, newsletter).await?;
    let known = Known {
        received: store.received(&choices).await?,
        choices,
        ids: store.announced_but_by(&newsletter.name, edition.id).await?,
        shown: store.shown(&newsletter.name, Some(edition.id)).await?,
    };
    let (content, variants) = store.content(edition.id).await?;
    let Frozen { composed: Composed { counted, urgent, handed_over, .. }, .. } = serde_json::from_str(&content)?;
    // What another machine composed, nothing here can compose anew.
    if handed_over.is_some() || (urgent && !has_file) {
        return Ok(None);
    }
    let composed_at = |at: DateTime<Utc>| press::again(material, newsletter, &known, number, &counted, at);
    let pressed = composed_at(edition.composed);
    let release = match &pressed.sheet {
        _ if asks_a_person => Release::No,
        Some(sheet) => sheet.release,
        None if newsletter.approve == Approve::File => Release::No,
        None => Release::Now,
    };
    if release == Release::No && !asks_a_person {
        let path = sheet::path(&newsletter.name, number);
        let reason = if has_file { format!("{path} says `send: no`") } else { format!("{path} is gone") };
        store.schedule_edition(edition.id, edition.send_at, Some(&reason)).await?;
        let mistakes = pressed.sheet.map_or(0, |sheet| sheet.mistakes);
        let wait = if has_file { Wait::AtWork { mistakes } } else { Wait::Missing };
        return Ok(Some(Tended::Kept(wait)));
    }
    let letters = match pressed.letters {
        Ok(letters) => letters,
        Err(mistakes) => {
            problems.extend(mistakes);
            return Ok(None);
        }
    };
    let Some(composed) = letters.into_iter().next() else {
        if store.move_edition(edition.id, &[State::Composed], State::Cancelled, None).await? {
            store.settle_items(edition.id, true).await?;
            let declined = pressed.sheet.map(|sheet| sheet.declined).unwrap_or_default();
            store.decline(&newsletter.name, &declined, now).await?;
        }
        return Ok(Some(Tended::Empty));
    };
    // A file's moment is the approval; with a timetable it is one before which the letter does not go.
    let go_at = match (newsletter.approve, release) {
        (Approve::Yes, _) => None,
        (Approve::File, Release::At(moment)) => Some(moment),
        (Approve::No, Release::At(moment)) => edition.send_at.map(|send_at| send_at.max(moment)),
        (Approve::File, _) => Some(now),
        (Approve::No, _) => edition.send_at,
    };
    let goes = go_at.is_some_and(|moment| moment <= now);
    let frozen = Frozen::new(material.config, newsletter, edition.composed, composed.clone());
    let anew = differs(&frozen, content, variants)?;
    if !anew && !goes {
        if edition.send_at != go_at || (edition.reason.is_some() && !asks_a_person) {
            store.schedule_edition(edition.id, go_at, edition.reason.as_deref().filter(|_| asks_a_person)).await?;
        }
        return Ok(None);
    }
    let (mut composed, at) = match anew {
        false => (composed, edition.composed),
        true => match composed_at(now).letters.map(|letters| letters.into_iter().next()) {
            Ok(Some(fresh)) => (fresh, now),
            Ok(None) => return Ok(None),
            Err(mistakes) => {
                problems.extend(mistakes);
                return Ok(None);
            }
        },
    };
    problems.extend(std::mem::take(&mut composed.problems));
    let (state, send_at) = if goes { (State::Sending, None) } else { (State::Composed, go_at) };
    let reason = edition.reason.clone().filter(|_| asks_a_person);
    let order = Order { composed, at, state, reason, send_at, considered: now };
    if freezing::freeze(store, scene, order, Some(edition.id), problems).await? != Freezing::Done {
        return Ok(None);
    }
    if let (Some(previewed), false) = (edition.previewed, anew) {
        store.mark_previewed(edition.id, previewed).await?;
    }
    Ok(Some(if goes { Tended::Goes { anew } } else { Tended::Anew }))
}

/// Whether a letter says something else than it did when it was frozen. Of one with parts, the whole is looked at, which is what
/// people see ahead: that a reader chose other topics changes nothing of it.
fn differs(frozen: &Frozen, content: String, variants: Vec<String>) -> Result<bool, AnnounceError> {
    let now = frozen.to_json()?;
    if now.1.len() == 1 && variants.len() == 1 {
        return Ok(now != (content, variants));
    }
    let whole = |content: &str, variants: &[String]| -> Result<_, AnnounceError> {
        let mut frozen: Frozen = serde_json::from_str(content)?;
        // What a part shows and the whole letter does not is among these.
        (frozen.composed.items, frozen.composed.pictures) = Default::default();
        Ok((frozen.to_json()?.0, variants.first().cloned()))
    };
    Ok(whole(&now.0, &now.1)? != whole(&content, &variants)?)
}
