//! The editor's page: the next letters as they will arrive, and the feeds as a reader shows them, following the files.
//!
//! 1. [`watch`] notices that a file was saved, and reads the project again: a [`Reading`] (`memory`: what the database
//!    knows; `sheet`: one letter; `pictures`: its pictures, from this machine).
//! 2. [`page`] makes HTML of it, in the site's language (`words`, `said`); `show` and `documents` make what its frames hold.
//! 3. [`server`] hands it out on this machine, tells it of each new reading, and sends a test copy (`copy`).
//!
//! [`stills`] writes the same pages as files, with pictures of the letters where Chromium is at hand ([`screenshot`]), and
//! says the same in short for a pull request (`summary`), with what subscribers of the feeds would see ([`changes`]).
//!
//! Promises: the letter shown is the one that `send` would send now; nothing is written but what a test copy needs, and no
//! lock is held; what cannot be read is shown with its line, and mends itself when the file is mended.

pub mod changes;
mod copy;
mod documents;
mod markdown;
mod memory;
pub mod page;
mod pictures;
mod reading;
mod said;
pub mod screenshot;
mod server;
mod sheet;
mod show;
pub mod stills;
mod summary;
mod watch;
mod words;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

pub use reading::{Desk, Reading, Which};

use crate::mail::clock::Clock;

/// Serves the page of the project in `root` until the process ends. `ready` is told where it listens.
pub fn run(
    root: &Path,
    port: u16,
    clock: Clock,
    ready: impl FnOnce(SocketAddr) -> std::io::Result<()>,
) -> std::io::Result<()> {
    let mut random = [0; 24];
    getrandom::fill(&mut random).map_err(|error| std::io::Error::other(error.to_string()))?;
    let mut follower = watch::Follower::new(root, clock)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = runtime.block_on(server::bind(port))?;
    let address = listener.local_addr()?;
    // The first one always differs from none.
    let Some(first) = follower.read() else { return Ok(()) };
    let language = first.desk.as_ref().map_or("en", |desk| &desk.config().site.language).to_string();
    let (tell, readings) = tokio::sync::watch::channel(Arc::new(first));
    std::thread::spawn(move || {
        loop {
            follower.wait();
            if let Some(reading) = follower.read() {
                tell.send_replace(Arc::new(reading));
            }
        }
    });
    ready(address)?;
    let server = server::Server {
        readings,
        page: page::Page::new(),
        token: data_encoding::HEXLOWER.encode(&random),
        clock,
        language: Mutex::new(language),
    };
    runtime.block_on(server::serve(listener, server))
}
