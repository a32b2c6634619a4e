//! What real peers say of a letter: browsers, checkers, filters, mail programs. A file a peer, or a question.

mod accessibility;
mod geometry;
mod html_checker;
mod pictures;
mod programs;
mod remote;
mod spam;
mod tables;
mod webmails;
