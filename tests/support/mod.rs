//! What the tests share: projects in folders of their own, and the program run in them.

// Each helper is used by some test, not by every one.
#![allow(dead_code)]

pub mod authority;
pub mod browser;
pub mod dkim;
pub mod dns;
pub mod documented;
pub mod flow;
pub mod html;
pub mod http;
pub mod layered;
pub mod letters;
pub mod mta;
pub mod nginx;
pub mod offering;
pub mod origin;
pub mod pages;
pub mod posted;
pub mod postfix;
pub mod postgres;
pub mod preview;
pub mod project;
pub mod random;
pub mod remembered;
pub mod rich;
pub mod rules;
pub mod screen;
pub mod served;
pub mod sites;
pub mod smtp;
pub mod starters;
pub mod stores;
pub mod sympa;
pub mod terminal;
pub mod webmail;
pub mod xml;

use std::path::PathBuf;
use std::process::Command;

/// The folder of real sites' content, where the machine has it.
pub fn corpora() -> Option<PathBuf> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared/corpora"));
    folder.is_dir().then_some(folder)
}

/// Whether a peer's program is there. When it is not, the test that asked is skipped by name, or, where every peer is
/// required (`CRIEUR_TEST_PEERS=all`), fails.
pub fn peer_or_skip(test: &str, peer: &str, present: bool) -> bool {
    if present {
        return true;
    }
    assert!(
        std::env::var("CRIEUR_TEST_PEERS").as_deref() != Ok("all"),
        "{test} needs {peer}, which every test run with CRIEUR_TEST_PEERS=all must have"
    );
    println!("skipped: {test} needs {peer}");
    false
}

/// Whether a program answers at all.
pub fn has_program(program: &str, argument: &str) -> bool {
    Command::new(program).arg(argument).output().is_ok()
}

pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout.starts_with(b"0\n"))
}
