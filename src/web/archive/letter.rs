//! A frozen letter as a part of a page, and as the content of a feed's entry.
//!
//! The part of a page is the letter's own HTML, with its styles: the places of a recipient's stamps are filled with nothing,
//! the line that list of letters shows after the subject (which nobody sees) and the link to this very page are left out,
//! what only Outlook reads too; its title is no heading of the first level any more, which is the page's. Pictures are
//! those beside the page, as WebP where that is smaller.
//!
//! The feed's content is what is in it: headings, text, links, lists and pictures, without styles, tables, head and foot.

use std::collections::{BTreeMap, BTreeSet};

use scraper::node::Element;
use scraper::{ElementRef, Html, Node};

use super::sent::Source;
use crate::digest::{Escape, ShownPicture, StampFields};

/// How many characters the titles of its items may take where they stand for it.
const HEADLINE: usize = 180;

/// A letter that went out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    pub subject: String,
    /// What it is about, in a line or two; plain text.
    pub summary: String,
    /// BCP 47.
    pub language: String,
    /// The rules of its `<style>` elements.
    pub styles: String,
    /// The class and the style of its body.
    pub class: String,
    pub style: String,
    /// What is in its body; pictures are named as beside the page.
    pub html: String,
    /// The same for a feed, pictures named alike.
    pub content: String,
}

/// A letter's pictures that stand beside its page.
#[derive(Clone, Debug, Default)]
pub struct Beside<'a> {
    /// Names of those that are kept.
    pub kept: BTreeSet<&'a str>,
    /// Those of which there is a smaller WebP, and its name.
    pub webp: BTreeMap<&'a str, String>,
    /// The address of the page that they stand beside; ends in `/`.
    pub page: String,
}

impl Letter {
    /// `online`: where the letter leads to be read in a browser.
    pub fn of(source: &Source, beside: &Beside<'_>, online: &[String]) -> Letter {
        let nobody = StampFields::default();
        let html = source.variant.html.fill(&nobody, Escape::Html);
        let document = Html::parse_document(&html);
        let mut writer =
            Writer { pictures: &source.composed.pictures, beside, online, feed: false, out: String::new() };
        let (mut styles, mut preheader) = (String::new(), String::new());
        let (mut class, mut style) = (String::new(), String::new());
        for element in document.root_element().descendent_elements() {
            match element.value().name() {
                "style" => {
                    styles.extend(element.text());
                    styles.push('\n');
                }
                "body" => {
                    class = element.value().attr("class").unwrap_or_default().to_string();
                    style = element.value().attr("style").unwrap_or_default().to_string();
                    writer.children(element);
                }
                _ if is(element.value(), &["preheader"]) => preheader = one_line(&element.text().collect::<String>()),
                _ => {}
            }
        }
        let page = std::mem::take(&mut writer.out);
        writer.feed = true;
        if let Some(body) = document.root_element().child_elements().find(|one| one.value().name() == "body") {
            writer.children(body);
        }
        Letter {
            subject: one_line(&source.variant.subject.fill(&nobody, Escape::None)),
            summary: if preheader.is_empty() { headline(source) } else { preheader },
            language: source.variant.language.clone(),
            styles,
            class,
            style,
            html: page,
            content: cleaned(&writer.out),
        }
    }
}

/// The titles of what a letter shows, as many as fit into two lines; `…`: there are more.
pub fn headline(source: &Source) -> String {
    let mut headline = String::new();
    for item in &source.composed.items {
        let title = one_line(&item.title);
        if headline.is_empty() {
            headline = title;
        } else if headline.chars().count() + title.chars().count() + 3 <= HEADLINE {
            headline.push_str(" · ");
            headline.push_str(&title);
        } else {
            headline.push_str(" …");
            break;
        }
    }
    headline
}

fn one_line(text: &str) -> String {
    text.split([' ', '\n', '\t', '\r']).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Whether an element has one of these classes.
fn is(element: &Element, classes: &[&str]) -> bool {
    element.classes().any(|class| classes.contains(&class))
}

struct Writer<'a> {
    pictures: &'a [ShownPicture],
    beside: &'a Beside<'a>,
    online: &'a [String],
    /// For a feed.
    feed: bool,
    out: String,
}

impl Writer<'_> {
    fn children(&mut self, parent: ElementRef<'_>) {
        for child in parent.children() {
            if let Node::Text(text) = child.value() {
                escape(text, &mut self.out);
            } else if let Some(element) = ElementRef::wrap(child) {
                self.element(element);
            }
        }
    }

    fn element(&mut self, node: ElementRef<'_>) {
        let element = node.value();
        let left_out = match element.name() {
            "style" | "script" | "title" | "meta" | "link" | "base" => true,
            "p" => self.only_leads_here(node),
            _ => is(element, &["preheader"]) || (self.feed && is(element, &["head", "band", "foot"])),
        };
        if left_out {
            return;
        }
        let name = if element.name() == "h1" { "p" } else { element.name() };
        if name == "img" {
            self.picture(element);
            return;
        }
        self.start(name, element.attrs());
        if is_void(name) {
            return;
        }
        self.children(node);
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn start<'b>(&mut self, name: &str, attributes: impl Iterator<Item = (&'b str, &'b str)>) {
        self.out.push('<');
        self.out.push_str(name);
        for (name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape(value, &mut self.out);
            self.out.push('"');
        }
        self.out.push('>');
    }

    /// A paragraph that says nothing but where to read the letter in a browser.
    fn only_leads_here(&self, paragraph: ElementRef<'_>) -> bool {
        let link = paragraph.descendent_elements().find(|one| {
            one.value().name() == "a"
                && one.value().attr("href").is_some_and(|address| self.online.iter().any(|own| own == address))
        });
        let text = |element: ElementRef<'_>| one_line(&element.text().collect::<String>());
        link.is_some_and(|link| text(link) == text(paragraph))
    }

    fn picture(&mut self, element: &Element) {
        let address = element.attr("src").unwrap_or_default();
        let shown = self.pictures.iter().find(|picture| {
            address == picture.url || address.strip_prefix("cid:") == Some(picture.content_id.as_str())
        });
        let name = shown.map(|picture| picture.name.as_str());
        let beside = name.filter(|name| self.beside.kept.contains(name));
        // What the letter carried and nobody kept is nowhere.
        if beside.is_none() && address.starts_with("cid:") {
            return;
        }
        let webp = beside.and_then(|name| self.beside.webp.get(name)).filter(|_| !self.feed);
        if let Some(webp) = webp {
            self.out.push_str("<picture><source type=\"image/webp\" srcset=\"");
            escape(webp, &mut self.out);
            self.out.push_str("\">");
        }
        // A feed is read elsewhere.
        let source =
            beside.map(|name| if self.feed { format!("{}{name}", self.beside.page) } else { name.to_string() });
        let source = source.as_deref().unwrap_or(address);
        let attributes = element.attrs().map(|(name, value)| (name, if name == "src" { source } else { value }));
        self.start("img", attributes);
        if webp.is_some() {
            self.out.push_str("</picture>");
        }
    }
}

fn is_void(name: &str) -> bool {
    matches!(name, "area" | "br" | "col" | "embed" | "hr" | "img" | "input" | "param" | "source" | "track" | "wbr")
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{a0}' => out.push_str("&nbsp;"),
            _ => out.push(c),
        }
    }
}

/// Headings, text, links, lists and pictures.
fn cleaned(html: &str) -> String {
    let tags = [
        "a",
        "abbr",
        "b",
        "blockquote",
        "br",
        "code",
        "dd",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "li",
        "ol",
        "p",
        "pre",
        "strong",
        "sub",
        "sup",
        "ul",
    ];
    let mut attributes: std::collections::HashMap<&str, std::collections::HashSet<&str>> = Default::default();
    attributes.insert("a", ["href", "hreflang"].into());
    attributes.insert("img", ["src", "alt", "width", "height"].into());
    let cleaned = ammonia::Builder::default()
        .tags(tags.into())
        .tag_attributes(attributes)
        .generic_attributes(["lang", "dir"].into())
        .url_schemes(["http", "https", "mailto"].into())
        .url_relative(ammonia::UrlRelative::PassThrough)
        .link_rel(None)
        .clean(html)
        .to_string();
    let mut tidy = String::with_capacity(cleaned.len());
    for line in cleaned.lines().map(str::trim).filter(|line| !line.is_empty()) {
        tidy.push_str(line);
        tidy.push('\n');
    }
    tidy
}
