//! The small web service around the letter: the files that the project publishes, subscribing with a confirmation, leaving with
//! one click, and a page that says what there is.
//!
//! [`server`] listens and keeps its bounds, [`routes`] says what is at an address, [`answer`] what every answer bears.
//! [`published`] tells which files are anybody's to read, [`kept`] holds them with their packed forms, [`conditions`] says
//! what a request wants of them; [`form`] reads what is posted, [`client`] who asks. [`subscribe`] and
//! [`confirm`] are the way in ([`limits`], [`token`]), and [`posting`] sends the letters of it; [`leave`] and [`home`] are the other pages, [`archive`] past letters, [`page`] their HTML, [`words`] their words;
//! [`status`] and [`metrics`] are the operator's, [`counts`] and [`readers`] ([`agents`]) what they count;
//! [`stores`] are the connections to the database.
//!
//! Promises: a GET changes nothing; what is answered with 200 to a confirmation or a leaving is on disk; no answer sets a cookie; nothing is
//! logged that names a person, a token included; an error tells a stranger nothing but that there was one.
//!
//! What is configured can be read anew while it runs ([`Current`]): who asks next is answered by that, and who has asked by
//! what was before.
//!
//! BUGS: no TLS: that is the reverse proxy's.

pub mod agents;
pub mod answer;
pub mod archive;
pub mod client;
pub mod conditions;
pub mod confirm;
pub mod counts;
pub mod form;
pub mod home;
pub mod kept;
pub mod leave;
pub mod limits;
pub mod manage;
pub mod metrics;
pub mod moving;
mod page;
pub mod posting;
pub mod published;
pub mod readers;
pub mod routes;
pub mod server;
pub mod status;
pub mod stores;
pub mod subscribe;
pub mod token;
mod words;

use std::sync::{Arc, PoisonError, RwLock};

use crate::config::Config;
use crate::mail::clock::Clock;
use crate::secrets::Secrets;
use crate::store::{Database, Store};

/// Takes what the operator should know, in words that name nobody.
pub type Log = Box<dyn Fn(&str) + Send + Sync>;

/// What all answers are made from.
pub struct Service {
    pub config: Config,
    pub secrets: Secrets,
    pub clock: Clock,
    pub stores: Arc<stores::Stores>,
    pub published: published::Published,
    pub kept: Arc<kept::Kept>,
    pub home: home::Home,
    /// The letters that pages promise.
    pub posting: posting::Posting,
    pub counts: Arc<counts::Counts>,
    pub read: Arc<status::Read>,
    pub archive: archive::served::Archives,
    page: Arc<page::Page>,
    pub log: Arc<Log>,
}

impl Service {
    /// `store` is the first of the connections to `database`, and proof that there is one.
    pub fn new(
        config: Config,
        secrets: Secrets,
        clock: Clock,
        (database, store): (Database, Store),
        log: Log,
    ) -> Arc<Service> {
        let published = published::Published::of(&config);
        let home = home::Home::of(&config, clock.now());
        let stores = Arc::new(stores::Stores::new(database, store));
        let posting = posting::Posting::of(&config);
        let kept = Arc::new(kept::Kept::new(kept::MOST));
        let (counts, read) = Default::default();
        let (page, log) = (Arc::new(page::Page::new()), Arc::new(log));
        let archive = archive::served::Archives::default();
        Arc::new(Service {
            config,
            secrets,
            clock,
            stores,
            published,
            kept,
            home,
            posting,
            archive,
            counts,
            read,
            page,
            log,
        })
    }

    /// The same service by a configuration and keys that were read anew: what comes of them is made anew, all else goes on.
    pub fn anew(&self, config: Config, secrets: Secrets) -> Arc<Service> {
        Arc::new(Service {
            published: published::Published::of(&config),
            home: home::Home::of(&config, self.clock.now()),
            archive: archive::served::Archives::default(),
            clock: self.clock,
            stores: self.stores.clone(),
            posting: self.posting.anew(&config),
            kept: self.kept.clone(),
            counts: self.counts.clone(),
            // Of another configuration, perhaps.
            read: Arc::default(),
            page: self.page.clone(),
            log: self.log.clone(),
            config,
            secrets,
        })
    }

    /// The path of the service's address, which begins and ends with `/`: behind a proxy it may lie below others.
    pub fn base(&self) -> &str {
        self.config.web.url.as_ref().map_or("/", url::Url::path)
    }
}

/// The service as it is now: each request takes it once, and keeps it to its end.
#[derive(Clone)]
pub struct Current(Arc<RwLock<Arc<Service>>>);

impl Current {
    pub fn new(service: Arc<Service>) -> Current {
        Current(Arc::new(RwLock::new(service)))
    }

    pub fn get(&self) -> Arc<Service> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Who asks from now on is answered by this one.
    pub fn set(&self, service: Arc<Service>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = service;
    }
}
