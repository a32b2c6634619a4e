//! `/manage/TOKEN/erase`: a page that asks once more, and the end of everything that is held.

use std::sync::Arc;

use hyper::StatusCode;
use serde_json::json;

use super::{known, path};
use crate::web::Service;
use crate::web::answer::Answer;
use crate::web::leave::{About, broken};
use crate::web::stores::NoAnswer;

/// The page that asks once more.
pub async fn ask_to_erase(service: &Arc<Service>, token: &str) -> Answer {
    let person = match known(service, token).await {
        Ok((_, person)) => person,
        Err(refused) => return refused,
    };
    let about = About::site(service);
    let mut lines = about.line_with("erase_who", Some(&person.email));
    lines.extend([about.say("erase_what", &[]), about.say("erase_kept", &[])]);
    let address = path(service, token);
    about.page(
        StatusCode::OK,
        json!({
            "over": about.say("manage_over", &[]), "title": about.say("erase_title", &[]), "lines": lines,
            "form": { "action": format!("{address}/erase"), "button": about.say("erase_button", &[]), "one_click": false },
            "link": { "address": address, "words": about.say("erase_back", &[]) },
        }),
    )
}

/// Erases.
pub async fn erase(service: &Arc<Service>, token: &str) -> Answer {
    let named = match known(service, token).await {
        Ok((named, _)) => named,
        Err(refused) => return refused,
    };
    let (now, working) = (service.clock.now(), service.clone());
    // On its own: whoever hangs up has asked all the same.
    let task =
        tokio::spawn(
            async move { working.stores.with(move |store| Box::pin(store.erase(named.recipient, now))).await },
        );
    match task.await {
        Ok(Ok(_)) => {
            let about = About::site(service);
            let lines = [about.say("erased_what", &[])];
            let title = about.say("erased_title", &[]);
            about.page(
                StatusCode::OK,
                json!({ "over": about.say("manage_over", &[]), "title": title, "lines": lines }),
            )
        }
        Ok(Err(error)) => broken(service, &error),
        Err(_) => broken(service, &NoAnswer::TooLate),
    }
}
