//! Freezing a composed edition with its list, and freezing it anew while nobody has it.

use std::path::Path;

use chrono::{DateTime, Utc};

use super::frozen::Frozen;
use super::{AnnounceError, Material, online, pictures};
use crate::config::{Audience as To, Newsletter};
use crate::digest::Composed;
use crate::people::People;
use crate::problem::{Problem, Problems};
use crate::secrets::Secrets;
use crate::store::Store;
use crate::store::editions::State;
use crate::store::freeze::{Audience, NewEdition};
use crate::store::recipients::Addressee;

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
        pictures,
        pictures_until: scene.now + material.config.pictures.keep,
        composed: at,
        send_at,
        considered,
    };
    let done = match &newsletter.to {
        To::Recipients => write(store, &edition, Audience::Subscribed, in_place_of).await?,
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
            let done = write(store, &edition, Audience::These(&mut || people.next_batch()), in_place_of).await?;
            problems.extend(people.problems);
            done
        }
    };
    if !done && in_place_of.is_none() {
        let problem = Problem::warning("nobody", format!("nobody is on the list of {}", newsletter.name))
            .help(format!("add people: `crieur recipients import FILE --newsletter {}`", newsletter.name));
        problems.push(problem.in_file(&newsletter.file));
    }
    Ok(if done { Freezing::Done } else { Freezing::Nobody })
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

/// How many people are on the list now.
pub(super) async fn count(store: &mut Store, scene: Scene<'_>) -> Result<i64, AnnounceError> {
    Ok(match &scene.newsletter.to {
        To::Recipients => store.count_subscribed(&scene.newsletter.name).await?,
        To::Address(_) | To::HandOver(_) => 1,
        To::File(file) => {
            let mut count = 0;
            if let Ok(mut people) = People::open(&scene.material.config.root, Path::new(file), scene.secrets) {
                loop {
                    let batch = people.next_batch();
                    if batch.is_empty() {
                        break;
                    }
                    count += i64::try_from(batch.len()).unwrap_or(0);
                }
            }
            count
        }
    })
}
