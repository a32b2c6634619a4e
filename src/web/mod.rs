//! The small web service around the letter: the files that the project publishes, leaving with one click, and a page that
//! says what there is.
//!
//! [`server`] listens and keeps its bounds, [`routes`] says what is at an address, [`answer`] what every answer bears.
//! [`published`] tells which files are anybody's to read, [`kept`] holds them with their packed forms, [`conditions`] says
//! what a request wants of them; [`form`] reads what is posted, [`client`] who asks. [`leave`] and [`home`] are the pages, [`page`] their HTML, [`words`] their words;
//! [`stores`] are the connections to the database.
//!
//! Promises: a GET changes nothing; what is answered with 200 to a leaving is on disk; no answer sets a cookie; nothing is
//! logged that names a person, a token included; an error tells a stranger nothing but that there was one.
//!
//! BUGS: no TLS: that is the reverse proxy's. What is configured is read once, when the service starts.

pub mod answer;
pub mod client;
pub mod conditions;
pub mod form;
pub mod home;
pub mod kept;
pub mod leave;
mod page;
pub mod published;
pub mod routes;
pub mod server;
pub mod stores;
mod words;

use std::sync::Arc;

use crate::config::Config;
use crate::mail::clock::Clock;
use crate::secrets::Secrets;
use crate::store::{Database, Store};

/// What all answers are made from.
pub struct Service {
    pub config: Config,
    pub secrets: Secrets,
    pub clock: Clock,
    pub stores: stores::Stores,
    pub published: published::Published,
    pub kept: kept::Kept,
    pub home: home::Home,
    page: page::Page,
    /// Takes what the operator should know, in words that name nobody.
    pub log: Box<dyn Fn(&str) + Send + Sync>,
}

impl Service {
    /// `store` is the first of the connections to `database`, and proof that there is one.
    pub fn new(
        config: Config,
        secrets: Secrets,
        clock: Clock,
        (database, store): (Database, Store),
        log: Box<dyn Fn(&str) + Send + Sync>,
    ) -> Arc<Service> {
        let published = published::Published::of(&config);
        let home = home::Home::of(&config, clock.now());
        let stores = stores::Stores::new(database, store);
        let kept = kept::Kept::new(kept::MOST);
        Arc::new(Service { config, secrets, clock, stores, published, kept, home, page: page::Page::new(), log })
    }

    /// The path of the service's address, which begins and ends with `/`: behind a proxy it may lie below others.
    pub fn base(&self) -> &str {
        self.config.web.url.as_ref().map_or("/", url::Url::path)
    }
}
