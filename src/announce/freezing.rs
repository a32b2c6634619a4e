//! Freezing a composed edition with its list, and freezing it anew while nobody has it.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::frozen::Frozen;
use super::{AnnounceError, Material, online, pictures, readers};
use crate::config::{Audience as To, Newsletter, Segment};
use crate::digest::{Composed, Share};
use crate::people::People;
use crate::problem::{Problem, Problems};
use crate::secrets::Secrets;
use crate::store::Store;
use crate::store::editions::State;
use crate::store::freeze::{Audience, NewEdition};
use crate::store::recipients::Addressee;
use crate::store::shares::Share as Kept;

/// One newsletter, with all that its editions are made of.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    pub secrets: &'a Secrets,
    pub material: Material<'a>,
    pub newsletter: &'a Newsletter,
    pub now: DateTime<Utc>,
}

/// What is to be frozen.
pub(super) struct Order {
    pub composed: Composed,
    /// As of when.
    pub at: DateTime<Utc>,
    pub state: State,
    pub reason: Option<String>,
    pub send_at: Option<DateTime<Utc>>,
    /// The newsletter's moments up to here are seen to with it.
    pub considered: DateTime<Utc>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freezing {
    Done,
    /// Nobody is on the list, or somebody was tried already: nothing is remembered.
    Nobody,
    /// The list cannot be read, which was told.
    Impossible,
}

/// Freezes it; in the place of the edition with that id, if one is given.
pub(super) async fn freeze(
    store: &mut Store,
    scene: Scene<'_>,
    order: Order,
    in_place_of: Option<i64>,
    problems: &mut Problems,
) -> Result<Freezing, AnnounceError> {
    let Scene { secrets, material, newsletter, .. } = scene;
    let Order { composed, at, state, reason, send_at, considered } = order;
    let items = composed.items.iter().map(|item| item.id.clone()).collect();
    let number = i64::try_from(composed.number).unwrap_or(1);
    let (counted, declined) = (composed.counted.clone(), composed.declined.clone());
    // What the letter links to is there before it leaves.
    online::write_events(material, scene.now, &material.config.root.join(&material.config.publish.out))?;
    let pictures = pictures::kept(&composed.pictures);
    let shares = composed.shares.clone();
    let frozen = Frozen::new(material.config, newsletter, at, composed);
    let (content, variants) = frozen.to_json()?;
    let edition = NewEdition {
        newsletter: newsletter.name.clone(),
        number,
        state,
        reason,
        items,
        counted,
        declined,
        content,
        variants,
        shares: kept(&shares),
        pictures,
        pictures_until: scene.now + material.config.pictures.keep,
        composed: at,
        send_at,
        considered,
    };
    let done = match &newsletter.to {
        To::Recipients => {
            let audience = match newsletter.segment == Segment::default() {
                true => Audience::Subscribed,
                false => Audience::Segment(&newsletter.segment),
            };
            write(store, &edition, audience, in_place_of).await?
        }
        To::Address(_) | To::HandOver(_) => {
            let email = newsletter.to.one_address().unwrap_or_default();
            let mut list = vec![Addressee {
                id: secrets.recipient_id(email),
                email: email.to_string(),
                name: None,
                fields: "{}".to_string(),
            }];
            write(store, &edition, Audience::These(&mut || std::mem::take(&mut list)), in_place_of).await?
        }
        To::File(file) => {
            let mut people = match People::open(&material.config.root, Path::new(file), secrets) {
                Ok(people) => people,
                Err(problem) => {
                    problems.push(*problem);
                    return Ok(Freezing::Impossible);
                }
            };
            let mut next = || readers::next_of(&mut people, &newsletter.segment);
            let done = if shares.is_empty() {
                write(store, &edition, Audience::These(&mut next), in_place_of).await?
            } else {
                let mut sorted = || readers::sorted(next(), &shares);
                write(store, &edition, Audience::Sorted(&mut sorted), in_place_of).await?
            };
            problems.extend(people.problems);
            done
        }
    };
    if !done && in_place_of.is_none() {
        let problem = Problem::warning("nobody", format!("nobody is on the list of {}", newsletter.name)).help(
            match newsletter.segment == Segment::default() {
                true => format!("add people: `crieur recipients import FILE --newsletter {}`", newsletter.name),
                false => {
                    "its `segment` takes people by their tags: give them to some, or take another one".to_string()
                }
            },
        );
        problems.push(problem.in_file(&newsletter.file));
    }
    Ok(if done { Freezing::Done } else { Freezing::Nobody })
}

/// As the database keeps them.
fn kept(shares: &[Share]) -> Vec<Kept> {
    let variant = |share: &Share| share.variant.and_then(|variant| i64::try_from(variant).ok());
    shares.iter().map(|share| Kept { topics: share.topics.clone(), variant: variant(share) }).collect()
}

async fn write(
    store: &mut Store,
    edition: &NewEdition,
    audience: Audience<'_>,
    in_place_of: Option<i64>,
) -> Result<bool, AnnounceError> {
    Ok(match in_place_of {
        Some(id) => store.refreeze(id, edition, audience).await?,
        None => store.freeze(edition, audience).await?.is_some(),
    })
}

/// How many people a letter with these shares would go to now.
pub(super) async fn count(store: &mut Store, scene: Scene<'_>, shares: &[Share]) -> Result<i64, AnnounceError> {
    let Scene { secrets, material, newsletter, .. } = scene;
    Ok(readers::count(store, material.config, newsletter, secrets, shares).await?)
}
