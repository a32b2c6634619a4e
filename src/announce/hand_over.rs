//! Handing an edition over, and taking one in: composed where the site is and nobody's address is known, sent by a machine
//! that has the list.
//!
//! Promises: what was handed over once is written again by every build, for as long as its pictures are kept, so that a lost
//! deployment loses no edition, and the folder's list names them, oldest first; on the other machine the same file is sent once, however often it comes, and another
//! content under a number that is there already is not sent at all.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};

use super::freezing::{self, Freezing, Order, Scene};
use super::frozen::Frozen;
use super::next::Asked;
use super::parcel::Parcel;
use super::{AnnounceError, pictures};
use crate::config::{self, Approve, Audience, Config, Leave, Newsletter};
use crate::digest::Variant;
use crate::mail::way_out;
use crate::problem::{Problem, Problems};
use crate::publish;
use crate::store::Store;
use crate::store::editions::{Edition, State};

/// The file that names a folder's editions, a line each: there before the first one is.
pub const LIST: &str = "editions.txt";

/// The name of an edition's file.
pub(super) fn name(edition: &Edition) -> String {
    format!("{}-{}.edition.json", edition.newsletter, edition.number)
}

/// Writes the file of every edition that is being handed over or was, where it is not there, and each folder's list of them.
/// Says how many editions were not there.
pub async fn write_handed_over(
    store: &mut Store,
    config: &Config,
    now: DateTime<Utc>,
) -> Result<usize, AnnounceError> {
    let mut written = 0;
    let mut lists: BTreeMap<String, Vec<(String, i64, String)>> = BTreeMap::new();
    for newsletter in &config.newsletters {
        if let Audience::HandOver(folder) = &newsletter.to {
            lists.entry(folder.clone()).or_default();
        }
    }
    for edition in store.editions().await? {
        let goes = matches!(edition.state, State::Sending | State::Done);
        if !goes || edition.composed + config.pictures.keep <= now {
            continue;
        }
        let (content, variants) = store.content(edition.id).await?;
        let mut frozen: Frozen = serde_json::from_str(&content)?;
        let Some(folder) = frozen.hand_over.clone() else { continue };
        pictures::fill(store, &mut frozen.composed.pictures).await?;
        let variants: Vec<Variant> =
            variants.iter().map(|text| serde_json::from_str(text)).collect::<Result<_, _>>()?;
        let path = config.root.join(&folder).join(name(&edition));
        let newsletter = config.newsletters.iter().find(|one| one.name == edition.newsletter);
        // One whose newsletter is gone, and with it who sends it, is not handed over again.
        let Ok(head) = frozen.head(config, newsletter, edition.composed) else { continue };
        let parcel = Parcel::pack(edition.composed, &head, &frozen, &variants)?;
        written += usize::from(write(&path, &parcel)?);
        let name = name(&edition);
        lists.entry(folder).or_default().push((edition.newsletter, edition.number, name));
    }
    for (folder, mut editions) in lists {
        editions.sort();
        let lines: String = editions.into_iter().map(|(_, _, name)| name + "\n").collect();
        write(&config.root.join(folder).join(LIST), lines.as_bytes())?;
    }
    Ok(written)
}

fn write(path: &Path, bytes: &[u8]) -> Result<bool, AnnounceError> {
    publish::write_if_changed(path, bytes)
        .map_err(|error| AnnounceError::Publish { path: path.display().to_string(), error })
}

/// What became of an edition that came in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenIn {
    /// Frozen with this machine's list.
    Anew(State),
    /// It is here already, from the same file.
    Before,
    /// What a dry run would freeze, and to how many people it would go.
    Would { state: State, eligible: i64 },
    /// Nobody is on the list, or it must not be sent, which was told: nothing is remembered.
    Not,
}

/// Freezes an edition with this machine's list and under its own head, unless it is here already.
pub async fn take_in(
    store: &mut Store,
    scene: Scene<'_>,
    parcel: &Parcel,
    asked: Asked,
    problems: &mut Problems,
) -> Result<TakenIn, AnnounceError> {
    let Scene { material, newsletter, now, .. } = scene;
    let number = i64::try_from(parcel.composed.number).unwrap_or(i64::MAX);
    if let Some(edition) = store.edition(&newsletter.name, number).await? {
        let (content, _) = store.content(edition.id).await?;
        let frozen: Frozen = serde_json::from_str(&content)?;
        if frozen.composed.handed_over == parcel.composed.handed_over {
            return Ok(TakenIn::Before);
        }
        let name = &newsletter.name;
        let message = format!("{name} n° {number} is here already, with another content: nothing is sent");
        let help = "two machines have numbered letters of this newsletter: `first_number` of the one that composes must lie \
                    beyond the last number here";
        problems.push(Problem::error("edition-taken", message).help(help).in_file(&newsletter.file));
        return Ok(TakenIn::Not);
    }
    let mut found = Problems(refusal(material.config, newsletter, parcel).into_iter().collect());
    found.extend(way_out::check(material.config, newsletter));
    found.extend(config::people::check(material.config, newsletter));
    if !newsletter.topics.is_empty() {
        let message =
            "an edition that was handed over goes to everybody whole: nobody here knows which item is of which topic";
        let help = "take `topics` out here, or compose the letters where the people are";
        let place = config::place_of(&material.config.root, &newsletter.file, &["topics"]);
        found.push(Problem::warning("hand-over", message).help(help).at(place));
    }
    let refused = found.has_errors();
    problems.extend(found);
    if refused {
        return Ok(TakenIn::Not);
    }
    let (state, reason) = match newsletter.approve {
        Approve::Yes => (State::Composed, Some("waits for `crieur approve`".to_string())),
        // The edition's file was the approval, where the letter was composed.
        Approve::No | Approve::File => (State::Sending, None),
    };
    if asked == Asked::DryRun {
        return Ok(TakenIn::Would { state, eligible: freezing::count(store, scene, &[]).await? });
    }
    store.start_newsletter(&newsletter.name, &[], now).await?;
    let composed = parcel.composed.clone();
    let order = Order { composed, at: now, state, reason, send_at: None, considered: now };
    Ok(match freezing::freeze(store, scene, order, None, problems).await? {
        Freezing::Done => TakenIn::Anew(state),
        Freezing::Nobody | Freezing::Impossible => TakenIn::Not,
    })
}

/// Why this newsletter cannot send such a letter.
fn refusal(config: &Config, newsletter: &Newsletter, parcel: &Parcel) -> Option<Problem> {
    let at = |key: &str| config::place_of(&config.root, &newsletter.file, &[key]);
    if newsletter.to.knows_nobody() {
        let message =
            format!("an edition that was handed over is a letter to people, and {} has none", newsletter.name);
        let help = "write `to: recipients` or `to: file:PATH` on the machine that sends";
        return Some(Problem::error("hand-over", message).help(help).at(at("to")));
    }
    // What the text says and what the header says are one way.
    let fits = match (&parcel.way_out, &newsletter.leave) {
        (Some(said), Leave::Url(url)) => said == url,
        (None, Leave::Web | Leave::Mailto(_)) => true,
        _ => false,
    };
    if fits {
        return None;
    }
    let said = parcel.way_out.as_deref().unwrap_or("an address of each reader's own");
    let message = format!("the letter says that readers leave by {said}, and `leave` says something else here");
    let help = "write the same `leave` here and where the letter is composed; `web` and `mailto:` go together";
    Some(Problem::error("no-way-out", message).help(help).at(at("leave")))
}
