//! `crieur status`: where each edition stands.

use super::{Globals, Outcome};

pub fn run(_globals: &Globals) -> anyhow::Result<Outcome> {
    anyhow::bail!("not yet")
}
