//! `crieur` reads a static site's dated news items and announces them twice: as feeds, and as a letter by mail.
//!
//! The way of an item, which is also the order of the modules:
//!
//! 1. [`item`] reads files into dated, identified items.
//! 2. [`body`] renders each one's body into a safe tree: HTML and plain text.
//! 3. [`selection`] chooses the items of a feed or a newsletter.
//! 4. [`feed`] makes feeds of them, [`digest`] makes editions and letters, with their [`pictures`].
//! 5. [`publish`] writes files; [`announce`] takes a newsletter from *is it due* ([`schedule`]) to delivered ([`mail`]).
//!
//! [`project`] is a project read as one value; [`store`] remembers, [`people`] are read from lists, [`secrets`] sign;
//! [`config`] and [`problem`] are what everybody knows; [`cli`] is arguments in and words out.
//! [`git`] reads and writes other branches of the project's repository. [`published`] sets the feeds beside those that subscribers have.
//! [`preview`] shows the next letters and the feeds on a page of their own, before anybody gets them.
//! [`status`] shows the operator how things stand.
//! [`web`] serves what is published, and lets people subscribe and leave.
//! Everything left of *publish* and *deliver* is pure: values in, values out, with the time handed in.

pub mod announce;
pub mod body;
pub mod cli;
pub mod config;
pub mod digest;
pub mod feed;
pub mod git;
pub mod item;
pub mod lint;
pub mod mail;
pub mod people;
pub mod pictures;
pub mod preview;
pub mod problem;
pub mod project;
pub mod publish;
pub mod published;
pub mod schedule;
pub mod secrets;
pub mod selection;
pub mod status;
pub mod store;
pub mod web;
