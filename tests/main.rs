//! Every integration test, in one binary: linking is what costs. A file a capability; `support` holds what they share.

mod architecture;
mod bodies;
mod check;
mod corpora;
mod delivery;
mod digest;
mod feed_peers;
mod feeds;
mod init;
mod interrupted;
mod invalid;
mod kept_pictures;
mod killed;
mod letter;
mod letter_peers;
mod letter_pictures;
mod lint;
mod markdown_it;
mod online;
mod pictures;
mod postfix;
mod preview;
mod recipients;
mod run_flow;
mod support;
mod themes;
