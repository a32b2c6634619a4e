//! (to come)
pub mod way_out;
