//! What is frozen with an edition, and delivering it.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::parcel::Parcel;
use super::{AnnounceError, hand_over, pictures};
use crate::config::{Audience, Config, Limits, Newsletter, OnUncertain};
use crate::digest::{Composed, Variant};
use crate::mail::delivery::{self, Consignment, Ended, Setting};
use crate::mail::letter::{Head, Prepared};
use crate::mail::transport::Route;
use crate::store::Store;
use crate::store::editions::Edition;

/// An edition's content, as the store keeps it: the variants lie beside it, each on its own.
#[derive(Serialize, Deserialize)]
pub struct Frozen {
    /// Who sends it. `None`: as the configuration says, for a memory that bears no address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<Head>,
    pub composed: Composed,
    /// The folder in which it is handed over to another machine, as the newsletter's file said; `None`: it is sent here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hand_over: Option<String>,
}

impl Frozen {
    /// What is frozen of a letter that was composed `at` this moment.
    pub fn new(config: &Config, newsletter: &Newsletter, at: DateTime<Utc>, composed: Composed) -> Frozen {
        let hand_over = match &newsletter.to {
            Audience::HandOver(folder) => Some(folder.clone()),
            _ => None,
        };
        let head = config.branch().is_none().then(|| Head::new(config, newsletter, at));
        Frozen { head, composed, hand_over }
    }

    /// What stands above its letters; it was composed `at` this moment.
    pub fn head(
        &self,
        config: &Config,
        newsletter: Option<&Newsletter>,
        at: DateTime<Utc>,
    ) -> Result<Head, AnnounceError> {
        match (&self.head, newsletter) {
            (Some(head), _) => Ok(head.clone()),
            (None, Some(newsletter)) => Ok(Head::new(config, newsletter, at)),
            (None, None) => Err(AnnounceError::Headless),
        }
    }

    /// As JSON: the content and the variants.
    pub fn to_json(&self) -> Result<(String, Vec<String>), serde_json::Error> {
        let variants: Result<Vec<String>, _> = self.composed.variants.iter().map(serde_json::to_string).collect();
        let composed = Composed { variants: Vec::new(), ..self.composed.clone() };
        let bare = Frozen { head: self.head.clone(), composed, hand_over: self.hand_over.clone() };
        Ok((serde_json::to_string(&bare)?, variants?))
    }
}

/// Delivers what is due of a frozen edition of this project. The newsletter's configuration may have gone since; the
/// letter has not.
pub async fn deliver_frozen(
    store: &mut Store,
    setting: &Setting,
    config: &Config,
    newsletter: Option<&Newsletter>,
    edition: &Edition,
    progress: &mut dyn FnMut(u64),
) -> Result<Ended, AnnounceError> {
    let (content, variants) = store.content(edition.id).await?;
    let mut frozen: Frozen = serde_json::from_str(&content)?;
    pictures::fill(store, &mut frozen.composed.pictures).await?;
    let variants: Vec<Variant> = variants.iter().map(|text| serde_json::from_str(text)).collect::<Result<_, _>>()?;
    let head = frozen.head(config, newsletter, edition.composed)?;
    let mut setting = setting.clone();
    if let Some(folder) = &frozen.hand_over {
        let file = config.root.join(folder).join(hand_over::name(edition));
        let content = Parcel::pack(edition.composed, &head, &frozen, &variants)?;
        setting.route = Route::HandOver { file, content: content.into() };
        (setting.signer, setting.limits) = (None, Limits::default());
    }
    let prepared = |variant: &Variant| Prepared::carrying(&head, variant, &frozen.composed.pictures);
    let prepared: Vec<Prepared> = variants.iter().map(prepared).collect();
    let consignment = Consignment {
        edition: edition.id,
        variants: Arc::new(prepared),
        head,
        on_uncertain: newsletter.map_or(OnUncertain::Resend, |newsletter| newsletter.on_uncertain),
    };
    Ok(delivery::deliver(store, &setting, &consignment, progress).await?)
}
