//! Every integration test, in one binary: linking is what costs. A file a capability; `support` holds what they share.

mod architecture;
mod corpora;
mod bodies;
mod check;
mod feed_peers;
mod feeds;
mod interrupted;
mod support;
