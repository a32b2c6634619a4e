//! What is known of somebody, and what a list says of them, put together.

use std::collections::BTreeSet;

use crate::store::recipients::{Basis, Intake, Newcomer};
use crate::store::storable;

/// A row of `recipients`.
#[derive(Clone, PartialEq, Eq)]
pub struct Person {
    pub email: String,
    pub name: Option<String>,
    pub fields: String,
    pub basis: Basis,
    pub tags: String,
}

/// What is known of somebody once a list has been heard.
pub fn merged(intake: &Intake, newcomer: &Newcomer, before: Option<&Person>) -> Person {
    let addressee = &newcomer.addressee;
    let name = addressee.name.as_deref().map(|name| storable(name).into_owned());
    let known_tags = || before.map(|before| before.tags.split_whitespace().map(str::to_string).collect());
    let mut tags: BTreeSet<String> = match &newcomer.tags {
        Some(tags) => tags.iter().cloned().collect(),
        None => known_tags().unwrap_or_default(),
    };
    tags.extend(intake.tags.iter().cloned());
    Person {
        email: addressee.email.clone(),
        name: name.or_else(|| before.and_then(|before| before.name.clone())),
        fields: match before {
            Some(before) if addressee.fields == "{}" => before.fields.clone(),
            _ => addressee.fields.clone(),
        },
        basis: basis(intake, newcomer, before.map(|before| &before.basis)),
        tags: if tags.is_empty() { String::new() } else { format!(" {} ", Vec::from_iter(tags).join(" ")) },
    }
}

fn basis(intake: &Intake, newcomer: &Newcomer, before: Option<&Basis>) -> Basis {
    let stated = newcomer.basis.as_ref().or(intake.restates.then_some(&intake.basis));
    match (before, stated) {
        (None, _) => newcomer.basis.as_ref().unwrap_or(&intake.basis).clone(),
        (Some(before), Some(stated)) if before.kind != "consent" || stated.kind == "consent" => stated.clone(),
        (Some(before), _) => before.clone(),
    }
}
