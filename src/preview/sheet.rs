//! One letter as a person looks at it: its parts filled in for somebody who does not exist, what it weighs, and what there
//! is to say of it.

use super::pictures::Pictures;
use super::show::{self, Showing};
use crate::announce::stand_in;
use crate::config::Newsletter;
use crate::digest::weight::pictures as pictures_of;
use crate::digest::{self, Composed, Escape};
use crate::lint::weight::{self, Report, Weighed};
use crate::lint::{self, LetterItem};
use crate::mail::letter::{Head, Prepared};
use crate::problem::Problems;
use crate::project::Project;
use crate::secrets::Secrets;

use chrono::{DateTime, Utc};

/// A letter, ready to be looked at.
pub struct Sheet {
    pub composed: Composed,
    pub subject: String,
    /// What a mail program shows beside the subject.
    pub preheader: String,
    pub html: String,
    pub text: String,
    /// The whole letter, encoded.
    pub eml: Vec<u8>,
    pub weight: Report,
    pub pictures: Vec<ShownPicture>,
    pub problems: Problems,
}

/// A picture of a letter.
pub struct ShownPicture {
    pub url: String,
    pub bytes: Option<u64>,
    /// Under which the page shows it, if its file is here.
    pub name: Option<String>,
    /// Empty: decoration.
    pub alternative: String,
}

impl Sheet {
    /// `None`: a letter that says nothing.
    pub fn new(
        project: &Project,
        newsletter: &Newsletter,
        mut composed: Composed,
        secrets: &Secrets,
        pictures: &Pictures,
        recipients: Option<u64>,
        now: DateTime<Utc>,
    ) -> Option<Sheet> {
        let mut problems = std::mem::take(&mut composed.problems);
        pictures.bring(&composed.pictures);
        let variant = composed.variants.first()?;
        let head = Head::new(&project.config, newsletter, now);
        let fields = stand_in(newsletter, &head, variant, secrets);
        let message_id = head.message_id(secrets, &variant.items, secrets.recipient_id(&fields.email));
        let eml = Prepared::carrying(&head, variant, &composed.pictures).write(&message_id, &fields);
        let html = variant.html.fill(&fields, Escape::Html);
        let text = variant.text.fill(&fields, Escape::None);
        let (config, items) = (&project.config, &project.items);
        problems.extend(lint::of_variant(config, newsletter, &composed.items, items, variant, &fields));
        // What only a part of the letter shows is not in the whole.
        let in_whole = |picture: &digest::ShownPicture| {
            composed.variants.len() == 1 || html.contains(&picture.url) || html.contains(&picture.content_id)
        };
        let pictures_of_whole = composed.pictures.iter().filter(|picture| in_whole(picture)).cloned().collect();
        let shown: Vec<ShownPicture> = pictures_of(&Composed { pictures: pictures_of_whole, ..Composed::default() })
            .into_iter()
            .map(|picture| ShownPicture {
                name: pictures.name(&picture.url),
                alternative: alternative(&html, &picture.url),
                url: picture.url,
                bytes: picture.bytes,
            })
            .collect();
        let named: Vec<LetterItem<'_>> = composed
            .items
            .iter()
            .filter(|item| variant.items.contains(&item.id))
            .map(|item| LetterItem { id: &item.id, title: &item.title, url: &item.url, file: None })
            .collect();
        let of_pictures: Vec<(&str, Option<u64>)> =
            shown.iter().map(|picture| (picture.url.as_str(), picture.bytes)).collect();
        let weight = weight::report(&Weighed {
            html: &html,
            text: &text,
            letter: &eml,
            items: &named,
            pictures: &of_pictures,
            recipients: recipients.unwrap_or(1),
        });
        Some(Sheet {
            subject: variant.subject.fill(&fields, Escape::None),
            preheader: preheader(&html),
            text,
            weight,
            pictures: shown,
            html,
            eml,
            problems,
            composed,
        })
    }

    /// The letter's HTML for one showing.
    pub fn shown(&self, showing: Showing, pictures: &Pictures, up: &str) -> String {
        show::letter(&self.html, showing, pictures, up)
    }
}

/// The alternative text of the picture of this address.
fn alternative(html: &str, address: &str) -> String {
    let source = format!("src=\"{}\"", address.replace('&', "&amp;"));
    let tag = html.find(&source).map(|at| {
        let start = html[..at].rfind('<').unwrap_or(at);
        let end = html[at..].find('>').map_or(html.len(), |end| at + end);
        &html[start..end]
    });
    let alternative = tag.and_then(|tag| tag.split_once(" alt=\"")).and_then(|(_, rest)| rest.split('"').next());
    unescape(alternative.unwrap_or_default())
}

/// The text of the element that a letter hides before its first line for mail programs' lists.
fn preheader(html: &str) -> String {
    let Some(at) = html.find("class=\"preheader\"") else { return String::new() };
    let text = html[at..].split_once('>').and_then(|(_, rest)| rest.split_once("</")).map_or("", |(text, _)| text);
    let text: String = text.split('<').map(|part| part.split_once('>').map_or(part, |(_, after)| after)).collect();
    let text = unescape(&text);
    text.chars().filter(|c| !is_filler(*c)).collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What letters put behind a preheader so that nothing else shows there.
fn is_filler(c: char) -> bool {
    matches!(c, '\u{34f}' | '\u{200c}' | '\u{200b}' | '\u{feff}' | '\u{ad}' | '\u{2007}')
}

fn unescape(text: &str) -> String {
    text.replace("&nbsp;", "\u{a0}")
        .replace("&zwnj;", "")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#x27;", "'")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preheader_is_read_as_people_see_it() {
        let html =
            "<body><div class=\"preheader\" style=\"a\">L&#x27;une &amp; l’autre\u{200c}&nbsp;\u{200c} </div><p>";
        assert_eq!(preheader(html), "L'une & l’autre");
        assert_eq!(preheader("<p>"), "");
    }

    #[test]
    fn a_picture_is_known_by_its_alternative_text() {
        let html = "<p><img src=\"b\" alt=\"\"><img alt=\"L&#x27;une\" src=\"https://e.org/?a&amp;b\" width=\"1\">";
        assert_eq!(alternative(html, "https://e.org/?a&b"), "L'une");
        assert_eq!(alternative(html, "b"), "");
    }
}
