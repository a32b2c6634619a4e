//! What a letter weighs: by part, by item, in requests, and what that means for the climate.
//!
//! An item's share of a part is the piece of it that is there for the item alone: in HTML, the largest element that
//! names no other item; in text, from its title to the next one's.
//!
//! The estimate follows the Sustainable Web Design Model, version 4 (2024): energy by the gigabyte transferred, to run
//! and to make what transfers it, times the carbon of a kilowatt-hour. It is an average of the whole internet, not a
//! measurement of this letter: two digits are more than it knows.
//!
//! BUGS: bytes that a mail server stores for years, a gateway that fetches pictures for its own sake, and the time that
//! a screen is lit are not in the model. The grid is the world's; France's emits about a tenth of it.

use serde::Serialize;

use super::look::bare_with_places;
use super::page::Page;
use super::{LetterItem, css};

/// What the model assumes, in kWh for each gigabyte (10⁹ bytes): data centres, networks, devices.
const TO_RUN: [f64; 3] = [0.055, 0.059, 0.080];
const TO_MAKE: [f64; 3] = [0.012, 0.013, 0.081];
/// Grams of CO₂ equivalent for each kWh: the world's average, as the model takes it from Ember.
const GRID: f64 = 494.0;

/// The model's name.
pub const MODEL: &str = "Sustainable Web Design Model, version 4";

/// The method, named as a report must name it.
pub const METHOD: &str = "Sustainable Web Design Model, version 4 (2024): 0.194 kWh/GB to run and 0.106 kWh/GB to make data \
     centres, networks and devices, at 494 g CO2e/kWh (world average, Ember); an order of magnitude, without storage and \
     without the time of reading";

/// A letter's weight, in bytes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    pub html: usize,
    pub text: usize,
    /// The letter's header fields.
    pub header: usize,
    /// What its pictures weigh together, as far as their files are known.
    pub pictures: u64,
    pub items: Vec<ItemWeight>,
    /// What a mail program that shows pictures fetches, each address once.
    pub requests: usize,
    pub carbon: Carbon,
}

/// What one item costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ItemWeight {
    pub id: String,
    pub html_bytes: usize,
    pub text_bytes: usize,
    pub picture_bytes: u64,
}

/// Grams of CO₂ equivalent, rounded to two digits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Carbon {
    pub grams_per_letter: f64,
    /// For the whole list.
    pub grams: f64,
    pub recipients: u64,
    pub method: &'static str,
}

/// The letter whose weight is reported, as one recipient gets it.
pub struct Weighed<'a> {
    pub html: &'a str,
    pub text: &'a str,
    /// The whole letter, encoded.
    pub letter: &'a [u8],
    pub items: &'a [LetterItem<'a>],
    /// Addresses and bytes.
    pub pictures: &'a [(&'a str, Option<u64>)],
    pub recipients: u64,
}

/// Weighs a letter.
pub fn report(weighed: &Weighed<'_>) -> Report {
    let page = Page::read(weighed.html);
    let header = weighed.letter.windows(4).position(|four| four == b"\r\n\r\n");
    let header = header.or_else(|| weighed.letter.windows(2).position(|two| two == b"\n\n")).unwrap_or(0);
    let pictures: u64 = weighed.pictures.iter().filter_map(|(_, bytes)| *bytes).sum();
    Report {
        html: weighed.html.len(),
        text: weighed.text.len(),
        header,
        pictures,
        items: items(weighed, &page),
        requests: loads(&page).len(),
        carbon: carbon(weighed.letter.len() as u64 + pictures, weighed.recipients),
    }
}

/// The estimate for letters of this many bytes, pictures included.
pub fn carbon(bytes: u64, recipients: u64) -> Carbon {
    let energy: f64 = TO_RUN.iter().chain(&TO_MAKE).sum();
    let each = bytes as f64 / 1e9 * energy * GRID;
    Carbon {
        grams_per_letter: two_digits(each),
        grams: two_digits(each * recipients as f64),
        recipients,
        method: METHOD,
    }
}

/// Rounded to two digits, whatever the size.
fn two_digits(number: f64) -> f64 {
    if number <= 0.0 {
        return 0.0;
    }
    let places = 1 - number.log10().floor() as i32;
    // By way of its text: 0.0023, and not 0.0022999999.
    if places >= 0 {
        return format!("{number:.*}", places.unsigned_abs() as usize).parse().unwrap_or(number);
    }
    let step = 10f64.powi(-places);
    (number / step).round() * step
}

/// Every address that is fetched without a click.
fn loads(page: &Page<'_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut add = |address: &str| {
        let is_remote = address.starts_with("http://") || address.starts_with("https://");
        if is_remote && !found.iter().any(|known| known == address) {
            found.push(address.to_string());
        }
    };
    for (id, node, element) in page.elements() {
        for name in ["src", "background", "poster"] {
            element.value(name).into_iter().for_each(&mut add);
        }
        if element.name == "link" {
            element.value("href").into_iter().for_each(&mut add);
        }
        element.value("style").map(css::addresses).into_iter().flatten().for_each(|address| add(&address));
        if element.name == "style" {
            let text = page.text.get(node.range.end..page.element(id).map_or(0, |e| e.end)).unwrap_or("");
            css::addresses(text).iter().for_each(|address| add(address));
        }
    }
    found
}

fn items(weighed: &Weighed<'_>, page: &Page<'_>) -> Vec<ItemWeight> {
    // The element of each item's first link.
    let link = |url: &str| {
        page.elements().find(|(_, _, e)| e.name == "a" && e.value("href") == Some(url)).map(|(id, ..)| id)
    };
    let links: Vec<Option<usize>> = weighed.items.iter().map(|item| link(item.url)).collect();
    let heading = page.elements().find(|(_, _, e)| e.name == "h1").map(|(id, ..)| id);
    let (text, places) = bare_with_places(weighed.text);
    let mut starts = Vec::new();
    let mut from = 0;
    for item in weighed.items {
        let title = super::look::bare(item.title);
        let at = text.get(from..).and_then(|rest| rest.find(&title)).map(|at| from + at);
        from = at.map_or(from, |at| at + title.len());
        starts.push(at.and_then(|at| places.get(at).copied()));
    }
    let end_of_text = weighed.text.find("\n-- \n").unwrap_or(weighed.text.len());
    weighed
        .items
        .iter()
        .enumerate()
        .map(|(index, item)| {
            let block = links.get(index).copied().flatten().map(|own| {
                let others = links.iter().enumerate().filter(|(other, _)| *other != index).filter_map(|(_, id)| *id);
                let outside: Vec<usize> = others.chain(heading).collect();
                block_of(page, own, &outside)
            });
            let text_bytes = starts.get(index).copied().flatten().map_or(0, |start| {
                let next = starts.iter().skip(index + 1).filter_map(|next| *next).find(|next| *next > start);
                next.unwrap_or(end_of_text.max(start)) - start
            });
            let (start, end) = block.unwrap_or((0, 0));
            let picture_bytes = weighed
                .pictures
                .iter()
                .filter(|(url, _)| {
                    page.elements()
                        .any(|(_, node, e)| (start..end).contains(&node.range.start) && e.value("src") == Some(url))
                })
                .filter_map(|(_, bytes)| *bytes)
                .sum();
            ItemWeight { id: item.id.to_string(), html_bytes: end - start, text_bytes, picture_bytes }
        })
        .collect()
}

/// The largest element around `own` that holds none of `outside`.
fn block_of(page: &Page<'_>, own: usize, outside: &[usize]) -> (usize, usize) {
    let mut best = own;
    for (id, element) in page.around(own) {
        let holds_other = outside.iter().any(|other| (id..element.after).contains(other));
        if holds_other || element.name == "body" {
            break;
        }
        best = id;
    }
    let start = page.nodes.get(best).map_or(0, |node| node.range.start);
    (start, page.element(best).map_or(start, |element| element.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_has_two_digits_and_names_its_method() {
        for (number, rounded) in
            [(0.0, 0.0), (0.0148, 0.015), (0.00234, 0.0023), (1.49, 1.5), (12.6, 13.0), (98_765.0, 99_000.0)]
        {
            assert_eq!(two_digits(number), rounded);
        }
        // One gigabyte: 0.3 kWh at 494 g.
        let carbon = carbon(1_000_000, 1_000);
        assert_eq!((carbon.grams_per_letter, carbon.grams, carbon.recipients), (0.15, 150.0, 1_000));
        assert!(carbon.method.starts_with(MODEL));
    }

    #[test]
    fn each_item_is_weighed_by_what_is_there_for_it_alone() {
        let first = "<tr><td><h2><a href=\"https://a.example.org/1\">Un</a></h2><img src=\"https://a.example.org/1.jpg\"></td></tr>";
        let second = "<tr><td><h2><a href=\"https://a.example.org/2\">Deux mots</a></h2></td></tr>";
        let html = format!("<body><h1>La lettre</h1><table>{first}{second}</table></body>");
        let text = "La lettre\n\nUn\nhttps://a.example.org/1\n\nDeux\nmots\nhttps://a.example.org/2\n\n-- \nFin\n";
        let item = |title, url| LetterItem { id: title, title, url, file: None };
        let report = report(&Weighed {
            html: &html,
            text,
            letter: b"From: a\r\nTo: b\r\n\r\nbody",
            items: &[item("Un", "https://a.example.org/1"), item("Deux mots", "https://a.example.org/2")],
            pictures: &[("https://a.example.org/1.jpg", Some(900))],
            recipients: 3,
        });
        let weighed: Vec<_> = report.items.iter().map(|i| (i.html_bytes, i.text_bytes, i.picture_bytes)).collect();
        let lengths = ("Un\nhttps://a.example.org/1\n\n".len(), "Deux\nmots\nhttps://a.example.org/2\n".len());
        assert_eq!(weighed, [(first.len(), lengths.0, 900), (second.len(), lengths.1, 0)]);
        assert_eq!((report.requests, report.pictures, report.header), (1, 900, 14));
        assert_eq!((report.html, report.text), (html.len(), text.len()));
    }
}
