//! What is frozen with an edition, and delivering it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{AnnounceError, pictures};
use crate::config::{Newsletter, OnUncertain};
use crate::digest::{Composed, Variant};
use crate::mail::delivery::{self, Consignment, Ended, Setting};
use crate::mail::letter::{Head, Prepared};
use crate::store::Store;
use crate::store::editions::Edition;

/// An edition's content, as the store keeps it: the variants lie beside it, each on its own.
#[derive(Serialize, Deserialize)]
pub struct Frozen {
    pub head: Head,
    pub composed: Composed,
}

impl Frozen {
    /// As JSON: the content and the variants.
    pub fn to_json(&self) -> Result<(String, Vec<String>), serde_json::Error> {
        let variants: Result<Vec<String>, _> = self.composed.variants.iter().map(serde_json::to_string).collect();
        let bare =
            Frozen { head: self.head.clone(), composed: Composed { variants: Vec::new(), ..self.composed.clone() } };
        Ok((serde_json::to_string(&bare)?, variants?))
    }
}

/// Delivers what is due of a frozen edition. The newsletter's configuration may have gone since; the letter has not.
pub async fn deliver_frozen(
    store: &mut Store,
    setting: &Setting,
    newsletter: Option<&Newsletter>,
    edition: &Edition,
    progress: &mut dyn FnMut(u64),
) -> Result<Ended, AnnounceError> {
    let (content, variants) = store.content(edition.id).await?;
    let mut frozen: Frozen = serde_json::from_str(&content)?;
    pictures::fill(store, &mut frozen.composed.pictures).await?;
    let variants: Vec<Variant> = variants.iter().map(|text| serde_json::from_str(text)).collect::<Result<_, _>>()?;
    let prepared = |variant: &Variant| Prepared::carrying(&frozen.head, variant, &frozen.composed.pictures);
    let consignment = Consignment {
        edition: edition.id,
        variants: Arc::new(variants.iter().map(prepared).collect()),
        head: frozen.head,
        on_uncertain: newsletter.map_or(OnUncertain::Resend, |newsletter| newsletter.on_uncertain),
    };
    Ok(delivery::deliver(store, setting, &consignment, progress).await?)
}
