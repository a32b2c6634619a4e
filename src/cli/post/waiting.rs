//! What letters that were frozen already wait for, before they are sent: the site's pages, after a deployment; and a web
//! service that knows the key that signs their ways out, after one was added.

use super::Posted;
use crate::announce;
use crate::cli::Globals;
use crate::cli::office::Office;
use crate::config::Leave;
use crate::mail::way_out;
use crate::store::editions::{Edition, State};

impl Posted {
    /// Whether something waits for a mail server or a web service, so that there is no haste.
    pub fn waits(&self) -> bool {
        self.waits.is_some() || matches!(self.lacks_key, Some(Some(_)))
    }

    /// What a command that goes on asks anew.
    pub fn ask_again(&mut self) {
        self.waits = None;
        self.lacks_key = None;
    }

    /// Whether an edition must wait until the web service has the key that signs here. Asked once a command, and only
    /// where there is more than one key: a service that does not answer stops no delivery that has begun.
    pub(super) fn waits_for_key(&mut self, globals: &Globals, office: &Office, edition: &Edition) -> bool {
        let config = &office.config;
        let newsletter = config.newsletters.iter().find(|one| one.name == edition.newsletter);
        let Some(newsletter) = newsletter.filter(|newsletter| newsletter.leave == Leave::Web) else { return false };
        if !office.secrets.changed() || newsletter.to.knows_nobody() {
            return false;
        }
        let problem = self.lacks_key.get_or_insert_with(|| way_out::lacks_key(config, newsletter, &office.secrets));
        let Some(problem) = problem else { return false };
        globals.say(format_args!("{} n° {}: waits: {}", edition.newsletter, edition.number, problem.message));
        if !self.problems.iter().any(|known| known.code == problem.code && known.place == problem.place) {
            self.problems.push(problem.clone());
        }
        true
    }

    /// Whether a letter that nobody has waits until its pages answer; after its newsletter's `wait_for_pages` it is held.
    pub(super) async fn waits_for_deployment(
        &mut self,
        globals: &Globals,
        office: &mut Office,
        edition: &Edition,
    ) -> anyhow::Result<bool> {
        let newsletter = office.config.newsletters.iter().find(|one| one.name == edition.newsletter);
        let Some(limit) = newsletter.and_then(|newsletter| newsletter.wait_for_pages) else { return Ok(false) };
        if !edition.is_untouched() {
            return Ok(false);
        }
        let missing = announce::undeployed(&mut office.store, &office.config, edition).await?;
        if missing.is_empty() {
            return Ok(false);
        }
        let (name, missing) = (format!("{} n° {}", edition.newsletter, edition.number), missing.join(", "));
        if globals.now - edition.composed < limit {
            globals.say(format_args!("{name}: waits for pages that do not answer yet: {missing}"));
        } else {
            let reason = format!("{missing} did not answer in time");
            office.store.move_edition(edition.id, &[State::Sending], State::Held, Some(&reason)).await?;
        }
        Ok(true)
    }
}
