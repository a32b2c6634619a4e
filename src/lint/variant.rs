//! A composed variant as the letter of one recipient: the one place where the lint knows what a letter is made of.

use super::{Letter, LetterItem, lint};
use crate::config::{Config, Leave, Newsletter};
use crate::digest::{AnnouncedItem, Escape, StampFields, Variant};
use crate::item::Item;
use crate::problem::Problems;

/// What a variant's letter looks like to the recipient whom `fields` name.
pub struct Filled {
    pub html: String,
    pub text: String,
    pub subject: String,
}

impl Filled {
    pub fn of(variant: &Variant, fields: &StampFields) -> Filled {
        Filled {
            html: variant.html.fill(fields, Escape::Html),
            text: variant.text.fill(fields, Escape::None),
            subject: variant.subject.fill(fields, Escape::None),
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
    let filled = Filled::of(variant, fields);
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
    let written = own_pictures(&filled.html, config);
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

/// The addresses of the pictures that the program itself writes for letters, as this one names them.
fn own_pictures<'a>(html: &'a str, config: &Config) -> Vec<&'a str> {
    let Ok(folder) = config.site.url.join(&format!("{}/", config.pictures.folder)) else { return Vec::new() };
    let addresses = html.split("src=\"").skip(1).filter_map(|rest| rest.split('"').next());
    addresses.filter(|address| address.starts_with(folder.as_str())).collect()
}
