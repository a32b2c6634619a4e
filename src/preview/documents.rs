//! What stands in the page's other frames: the letter as text, its source, and a feed as a reader shows it.

use super::page::encoded;
use super::pictures::Pictures;
use super::show::with_pictures;
use super::words::Words;
use crate::digest::language::{Language, direction};
use crate::feed::{Entry, Feed};

use chrono_tz::Tz;

const STYLE: &str = include_str!("page/document.css");

/// A document of its own, with the styles of all of them.
fn document(language: &str, title: &str, class: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"{}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width, initial-scale=1\"><meta name=\"robots\" content=\"noindex, nofollow\">\
         <meta name=\"color-scheme\" content=\"light dark\"><base target=\"_blank\"><title>{}</title><style>{STYLE}</style></head>\n\
         <body class=\"{class}\">\n{body}\n</body></html>\n",
        escape(language),
        escape(title)
    )
}

/// The letter's text part, as a mail program shows it: its addresses are links.
pub fn text(language: &str, title: &str, text: &str) -> String {
    let mut body = String::from("<main><pre>");
    for line in text.lines() {
        for (index, word) in line.split(' ').enumerate() {
            if index > 0 {
                body.push(' ');
            }
            let (address, rest) = split_address(word);
            match address {
                Some(address) => {
                    let address = escape(address);
                    body.push_str(&format!("<a href=\"{address}\">{address}</a>{}", escape(rest)));
                }
                None => body.push_str(&escape(word)),
            }
        }
        body.push('\n');
    }
    body.push_str("</pre></main>");
    document(language, title, "text", &body)
}

fn split_address(word: &str) -> (Option<&str>, &str) {
    if !(word.starts_with("https://") || word.starts_with("http://") || word.starts_with("mailto:")) {
        return (None, word);
    }
    let end = word.trim_end_matches(['.', ',', ';', ')', '»', '>']).len();
    (word.get(..end), word.get(end..).unwrap_or_default())
}

/// The letter's header and its HTML, coloured; a line of the source is a line here.
pub fn source(words: &Words, eml: &[u8], html: &str) -> String {
    let head = String::from_utf8_lossy(eml);
    let head = head.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n", "\n");
    let mut body = format!("<main><pre class=\"head\">{}</pre><pre class=\"lines\">", escape(&head));
    let mut state = State::Text;
    for line in html.lines() {
        body.push_str("<span class=\"line\">");
        coloured(line, &mut state, &mut body);
        body.push_str("</span>");
    }
    body.push_str("</pre></main>");
    document(words.language, &words.say("frame_source", &[]), "source", &body)
}

/// Where in HTML a line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Text,
    Comment,
    Tag,
    /// In a value, up to this quote.
    Value(char),
}

fn coloured(line: &str, state: &mut State, out: &mut String) {
    let mut rest = line;
    while !rest.is_empty() {
        let (class, end, next) = match *state {
            State::Text if rest.starts_with("<!--") => ("", 0, State::Comment),
            State::Text if rest.starts_with('<') => ("", 0, State::Tag),
            State::Text => ("", rest.find('<').unwrap_or(rest.len()), State::Text),
            State::Comment => match rest.find("-->") {
                Some(at) => ("c", at + 3, State::Text),
                None => ("c", rest.len(), State::Comment),
            },
            State::Tag => match rest.find(['>', '"', '\'']) {
                Some(at) if rest[at..].starts_with('>') => ("t", at + 1, State::Text),
                Some(at) => ("t", at, State::Value(rest[at..].chars().next().unwrap_or('"'))),
                None => ("t", rest.len(), State::Tag),
            },
            State::Value(quote) => {
                let inside = usize::from(rest.starts_with(quote));
                match rest[inside..].find(quote) {
                    Some(at) => ("v", inside + at + 1, State::Tag),
                    None => ("v", rest.len(), State::Value(quote)),
                }
            }
        };
        let part = &rest[..end];
        if !part.is_empty() {
            match class {
                "" => out.push_str(&escape(part)),
                class => out.push_str(&format!("<span class=\"{class}\">{}</span>", escape(part))),
            }
        }
        rest = &rest[end..];
        *state = next;
    }
}

/// A feed's entries in full, one below the other. `up` leads from the frame's address to the page's folder.
pub fn feed(feed: &Feed, words: &Words, language: &Language, zone: Tz, pictures: &Pictures, up: &str) -> String {
    let mut body = format!("<header><h1>{}</h1>", escape(&feed.title));
    if let Some(description) = &feed.description {
        body.push_str(&format!("<p>{}</p>", escape(description)));
    }
    body.push_str("</header><main>");
    if feed.entries.is_empty() {
        body.push_str(&format!("<p class=\"none\">{}</p>", escape(&words.say("feed_empty", &[]))));
    }
    let shown = |address: &str| pictures.name(address).map(|name| format!("{up}picture/{}", encoded(&name)));
    for entry in &feed.entries {
        let date = language.date(entry.published.with_timezone(&zone).date_naive());
        let authors: Vec<&str> = entry.authors.iter().map(|author| author.name.as_str()).collect();
        let mut line = vec![words.say("published", &[("date", &date)])];
        line.extend((!authors.is_empty()).then(|| authors.join(", ")));
        line.extend((!entry.categories.is_empty()).then(|| entry.categories.join(", ")));
        body.push_str(&format!(
            "<article{}><h2><a href=\"{}\">{}</a></h2><p class=\"about\">{}</p>",
            language_of(entry),
            escape(&entry.url),
            escape(&entry.title),
            escape(&line.join(" · "))
        ));
        match (&entry.content_html, &entry.summary) {
            (Some(html), _) => {
                body.push_str("<div class=\"content\">");
                body.push_str(&with_pictures(html, shown));
                body.push_str("</div>");
            }
            (None, Some(summary)) => body.push_str(&format!("<p>{}</p>", escape(summary))),
            (None, None) => {}
        }
        body.push_str("</article>");
    }
    body.push_str("</main>");
    document(&feed.language, &feed.title, "feed", &body)
}

fn language_of(entry: &Entry) -> String {
    match &entry.language {
        Some(tag) => format!(" lang=\"{}\" dir=\"{}\"", escape(tag), direction(tag)),
        None => String::new(),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_a_text_are_links_without_the_mark_behind_them() {
        let shown = text("fr", "T", "Voir https://e.org/?a=1&b=2. <b>\n");
        assert!(shown.contains(
            "<pre>Voir <a href=\"https://e.org/?a=1&amp;b=2\">https://e.org/?a=1&amp;b=2</a>. &lt;b&gt;\n</pre>"
        ));
    }

    #[test]
    fn a_source_is_shown_as_it_is_whatever_it_holds() {
        let mut state = State::Text;
        let mut shown = String::new();
        for line in ["é<p title=\"a>", "b\" x>é</p><!-- <i>", "--> &amp;<"] {
            coloured(line, &mut state, &mut shown);
            shown.push('\n');
        }
        assert_eq!(
            shown,
            "é<span class=\"t\">&lt;p title=</span><span class=\"v\">&quot;a&gt;</span>\n\
             <span class=\"v\">b&quot;</span><span class=\"t\"> x&gt;</span>é<span class=\"t\">&lt;/p&gt;</span>\
             <span class=\"c\">&lt;!-- &lt;i&gt;</span>\n\
             <span class=\"c\">--&gt;</span> &amp;amp;<span class=\"t\">&lt;</span>\n"
        );
    }
}
