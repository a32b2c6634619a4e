//! A composed variant as the letter of one recipient: the one place where the lint knows what a letter is made of.

use super::{Letter, LetterItem, lint};
use crate::config::{Config, Leave, Newsletter};
use crate::digest::weight::{Picture, pictures};
use crate::digest::{AnnouncedItem, Escape, StampFields, Variant};
use crate::item::Item;
use crate::problem::Problems;

/// What a variant's letter looks like to the recipient whom `fields` name.
pub struct Filled {
    pub html: String,
    pub text: String,
    pub subject: String,
    pub pictures: Vec<Picture>,
}

impl Filled {
    pub fn of(variant: &Variant, fields: &StampFields, items: &[Item]) -> Filled {
        Filled {
            html: variant.html.fill(fields, Escape::Html),
            text: variant.text.fill(fields, Escape::None),
            subject: variant.subject.fill(fields, Escape::None),
            pictures: pictures(variant, items),
        }
    }
}

/// Everything that is wrong with a variant's letter, as `fields`' recipient gets it. `announced` are what it shows,
/// `items` the project's.
pub fn of_variant(
    config: &Config,
    newsletter: &Newsletter,
    announced: &[AnnouncedItem],
    items: &[Item],
    variant: &Variant,
    fields: &StampFields,
) -> Problems {
    let filled = Filled::of(variant, fields, items);
    let own = |announced: &AnnouncedItem| items.iter().find(|item| item.id == announced.id);
    let named: Vec<LetterItem<'_>> = announced
        .iter()
        .filter(|announced| variant.items.contains(&announced.id))
        .map(|announced| LetterItem {
            id: &announced.id,
            title: &announced.title,
            url: &announced.url,
            file: own(announced).map(Item::path),
        })
        .collect();
    let written: Vec<&str> = filled
        .pictures
        .iter()
        .filter(|picture| picture.bytes.is_some())
        .map(|picture| picture.url.as_str())
        .collect();
    let personal = !newsletter.to.is_list();
    let of_list = match &newsletter.leave {
        Leave::Url(url) => Some(url.clone()),
        Leave::Mailto(address) => Some(format!("mailto:{address}")),
        _ => None,
    };
    let way_out = if personal { fields.leave_url.as_deref() } else { of_list.as_deref() };
    let letter = Letter {
        newsletter: &newsletter.name,
        newsletter_file: &newsletter.file,
        html: &filled.html,
        text: &filled.text,
        subject: &filled.subject,
        language: &variant.language,
        items: &named,
        site: &config.site.url,
        pictures: &written,
        way_out,
        personal,
        recipient: &fields.email,
        budget: newsletter.weight.html,
    };
    lint(&letter, config)
}
