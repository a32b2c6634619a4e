//! A single letter that is no edition: what it says stands in `notice.html.hbs` and `notice.txt.hbs`, in the newsletter's look.
//!
//! A template may name: `site{url,title}`, `look`, `language`, `direction`, `start`, `subject`, `preheader`, `title`, `lines`,
//! `button{url,words,copy}` (or null), `after`, `foot`, `colon`. All of it is plain text.
//!
//! Promises: no picture, and nothing else from elsewhere; what is filled in shows as text, whatever it holds.

use serde_json::{Value, json};

use super::compose::{html, one_line, split};
use super::language;
use super::look;
use super::scan::without_markers;
use super::template::Templates;
use super::wrap::wrap;
use super::{Stamped, Variant};
use crate::config::{Config, Newsletter};
use crate::problem::Problems;

/// What a single letter says, in its language's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    /// BCP 47.
    pub language: String,
    pub subject: String,
    /// What a list of letters shows after the subject.
    pub preheader: String,
    pub title: String,
    /// Paragraphs before the button.
    pub lines: Vec<String>,
    pub button: Option<Button>,
    /// Paragraphs after it.
    pub after: Vec<String>,
    /// Who sends this, and why, in small.
    pub foot: Vec<String>,
    /// What stands between words and an address in plain text.
    pub colon: String,
}

/// The one thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    pub url: String,
    pub words: String,
    /// Before the address, written out for those whose mail program shows no button.
    pub copy: String,
}

/// Puts the words into a newsletter's templates.
pub fn notice(
    config: &Config,
    templates: &Templates,
    newsletter: &Newsletter,
    words: &Words,
) -> Result<Variant, Problems> {
    if templates.broken.has_errors() {
        return Err(templates.broken.clone());
    }
    let mut look = look::of(config, newsletter, Value::Null);
    look["button"] =
        Value::from(if newsletter.theme == "dsfr" { "#000091" } else { look["ink"].as_str().unwrap_or("#14181d") });
    let plain = |text: &str| without_markers(text);
    let all = |texts: &[String]| texts.iter().map(|text| plain(text)).collect::<Vec<_>>();
    let button = words.button.as_ref().map(
        |button| json!({ "url": plain(&button.url), "words": plain(&button.words), "copy": plain(&button.copy) }),
    );
    let context = json!({
        "site": { "url": config.site.url.as_str(), "title": plain(&config.site.title) },
        "look": look,
        "language": words.language,
        "direction": language::direction(&words.language),
        "start": if language::direction(&words.language) == "rtl" { "right" } else { "left" },
        "subject": one_line(&plain(&words.subject)),
        "preheader": plain(&words.preheader),
        "title": plain(&words.title),
        "lines": all(&words.lines),
        "button": button,
        "after": all(&words.after),
        "foot": all(&words.foot),
        "colon": words.colon,
    });
    let theme = templates.theme(newsletter)?;
    let text = theme.text.render_as("notice", &context)?;
    Ok(Variant {
        items: Vec::new(),
        subject: Stamped::text(one_line(&plain(&words.subject))),
        html: html(&theme.html, "notice", &context)?,
        text: split(&theme.text, &wrap(&text), "notice.txt.hbs")?,
        language: words.language.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::look::THEMES;
    use crate::digest::{Escape, StampFields, samples};

    fn words(text: &str) -> Words {
        let text = text.to_string();
        Words {
            language: "fr".to_string(),
            subject: text.clone(),
            preheader: text.clone(),
            title: text.clone(),
            lines: vec![text.clone(), text.clone()],
            button: Some(Button {
                url: "https://lettre.example.org/confirm/x".to_string(),
                words: text.clone(),
                copy: text.clone(),
            }),
            after: vec![text.clone()],
            foot: vec![text],
            colon: " :".to_string(),
        }
    }

    #[test]
    fn a_notice_has_the_look_of_each_theme_and_shows_whatever_it_says_as_text() {
        for theme in THEMES {
            let newsletter = Newsletter { theme: theme.to_string(), ..samples::newsletter() };
            let mut config = samples::config();
            config.site.title = "<b>Site</b> {{recipient.email}}".to_string();
            config.newsletters = vec![newsletter.clone()];
            let (templates, problems) = Templates::read(&config);
            assert!(problems.is_empty(), "{problems:?}");
            let evil = "<script>alert(1)</script> \"'& {{recipient.email}} {{{site}}}";
            let made = notice(&config, &templates, &newsletter, &words(evil)).unwrap();
            let fields = StampFields { email: "ana@example.org".to_string(), ..StampFields::default() };
            let html = made.html.fill(&fields, Escape::Html);
            assert!(!html.contains("<script") && !html.contains("<b>Site") && !html.contains("ana@"), "{html}");
            assert!(html.matches("&lt;script&gt;").count() >= 8, "{html}");
            assert!(
                html.contains("href=\"https://lettre.example.org/confirm/x\"") && !html.contains("<img"),
                "{html}"
            );
            let text = made.text.fill(&fields, Escape::None);
            assert!(text.contains("https://lettre.example.org/confirm/x\n") && !text.contains("ana@"), "{text}");
            assert!(made.subject.fill(&fields, Escape::None).contains("<script>alert(1)</script> \"'&"));
            let without = Words { button: None, after: Vec::new(), ..words("x") };
            let made = notice(&config, &templates, &newsletter, &without).unwrap();
            assert!(!made.html.fill(&fields, Escape::Html).contains("confirm"));
        }
    }
}
