//! The page's HTML: one template, filled with what a reading shows. The same page is served live and written as a file.
//!
//! Every address in it is relative to the page's folder, so that both work; without scripts it is whole, but does not
//! follow the files.

use handlebars::{Context, Handlebars, Helper, HelperDef, JsonRender, RenderContext, RenderError, ScopedJson};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::reading::{Desk, Letters, Which};
use super::said;
use super::sheet::Sheet;
use super::show::SHOWINGS;
use super::words::Words;
use crate::config::{Audience, Newsletter};
use crate::problem::{Problem, Problems, Severity};

pub const STYLE: &str = include_str!("page/page.css");
pub const SCRIPT: &str = include_str!("page/page.js");
pub const ICON: &str = include_str!("page/icon.svg");
const TEMPLATE: &str = include_str!("page/page.html.hbs");
const PROBLEM: &str = include_str!("page/problem.html.hbs");

/// How many remarks about one thing are shown.
const REMARKS: usize = 100;
/// How many items of a group are shown.
const CHOICES: usize = 200;
/// How much of a line is shown beside a mistake, in characters.
const LINE: usize = 160;

/// What is asked of the page.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The first one if there is none of that name.
    pub newsletter: Option<String>,
    pub which: Which,
    /// With a letter an item: which, from 0.
    pub letter: usize,
    /// Served by a running preview; else a file.
    pub live: Option<Live>,
    /// What became of the last test copy.
    pub told: Option<String>,
}

/// What only a running preview has.
#[derive(Clone, Debug)]
pub struct Live {
    pub version: u64,
    /// Without it no test copy is sent.
    pub token: String,
}

/// Fills the template.
pub struct Page {
    registry: Handlebars<'static>,
}

struct Say;

impl HelperDef for Say {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let name = helper.param(0).and_then(|param| param.value().as_str()).unwrap_or("");
        let values: Vec<(&str, String)> =
            helper.hash().iter().map(|(name, value)| (*name, value.value().render())).collect();
        let values: Vec<(&str, &str)> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let language = context.data().get("language").and_then(Value::as_str).unwrap_or("en");
        Ok(ScopedJson::Derived(Value::String(Words::of(language).say(name, &values))))
    }
}

impl Page {
    pub fn new() -> Page {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_helper("say", Box::new(Say));
        // The template is compiled in, and rendered by the tests.
        let parsed =
            registry.register_template_string("page", TEMPLATE).and(registry.register_partial("problem", PROBLEM));
        debug_assert!(parsed.is_ok(), "{parsed:?}");
        Page { registry }
    }

    /// The page of a project that can be read.
    pub fn of_desk(&self, desk: &Desk, ask: &Ask) -> String {
        let words = Words::of(&desk.config().site.language);
        let named = ask.newsletter.as_deref().and_then(|name| desk.newsletter(name));
        let first = || desk.config().newsletters.iter().zip(&desk.newsletters).next();
        let chosen = named.or_else(first);
        self.fill(&desk_context(desk, chosen, ask, &words), ask, &words)
    }

    /// The page of a project that cannot be read.
    pub fn of_problems(&self, problems: &Problems, language: &str, ask: &Ask) -> String {
        let words = Words::of(language);
        let errors: Vec<&Problem> = problems.iter().filter(|p| p.severity == Severity::Error).collect();
        let context = json!({
            "subject": words.say("trouble", &[("count", &errors.len().to_string())]),
            "over": "crieur",
            "facts": [],
            "newsletters": [],
            "trouble": trouble(&errors, &words),
            "nothing": null,
            "letter": null,
            "surge": null,
            "groups": [],
            "weight": null,
            "remarks": [],
            "remarks_count": errors.len(),
            "feeds": [],
            "key": "broken",
            "newsletter": null,
            "which": "next",
            "number": 0,
            "pages": [],
        "address": null,
        });
        self.fill(&context, ask, &words)
    }

    fn fill(&self, context: &Value, ask: &Ask, words: &Words) -> String {
        let mut context = context.clone();
        context["language"] = json!(words.language);
        context["told"] = json!(ask.told);
        context["live"] = match &ask.live {
            Some(live) => json!({ "version": live.version, "token": live.token }),
            None => Value::Null,
        };
        self.registry.render("page", &context).unwrap_or_else(|error| format!("<!DOCTYPE html><pre>{error}</pre>"))
    }
}

impl Default for Page {
    fn default() -> Page {
        Page::new()
    }
}

/// What is written as `%XX` in a part of an address.
const NOT_IN_A_NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A name as a part of an address.
pub fn encoded(name: &str) -> String {
    utf8_percent_encode(name, NOT_IN_A_NAME).to_string()
}

/// Where the page of a newsletter is, in a running preview or among written files.
fn page_address(ask: &Ask, newsletter: &str, which: Which, letter: usize, first: bool) -> String {
    if ask.live.is_none() {
        return file_name(newsletter, letter, first);
    }
    let mut address = format!("./?newsletter={}", encoded(newsletter));
    if which == Which::All {
        address.push_str("&all=1");
    }
    if letter > 0 {
        address.push_str(&format!("&letter={}", letter + 1));
    }
    address
}

/// The name of a written page.
pub fn file_name(newsletter: &str, letter: usize, first: bool) -> String {
    match (first, letter) {
        (true, 0) => "index.html".to_string(),
        (false, 0) => format!("{}.html", encoded(newsletter)),
        (_, letter) => format!("{}-{}.html", encoded(newsletter), letter + 1),
    }
}

/// `next-0`: one letter's part of its documents' addresses.
pub fn letter_name(which: Which, letter: usize) -> String {
    format!("{}-{letter}", if which == Which::All { "all" } else { "next" })
}

fn desk_context(desk: &Desk, chosen: Option<(&Newsletter, &Letters)>, ask: &Ask, words: &Words) -> Value {
    let sheets = chosen.map(|(newsletter, letters)| desk.sheets(newsletter, letters, ask.which));
    let ready = sheets.and_then(|sheets| sheets.as_ref().ok());
    let refused = sheets.and_then(|sheets| sheets.as_ref().err());
    let letter = ask.letter.min(ready.map_or(0, |sheets| sheets.len().saturating_sub(1)));
    let sheet = ready.and_then(|sheets| sheets.get(letter));
    let project = &desk.project.problems;
    let mut errors: Vec<&Problem> = project.iter().filter(|p| p.severity == Severity::Error).collect();
    errors.extend(refused.into_iter().flat_map(|problems| problems.iter()));
    errors.dedup();
    let trouble = if errors.is_empty() { Value::Null } else { trouble(&errors, words) };
    let remarks = remarks(desk, sheet, words);
    let remarks_count: usize = remarks.iter().map(|group| group["count"].as_u64().unwrap_or(0) as usize).sum();
    let newsletters = &desk.config().newsletters;
    let first = |newsletter: &Newsletter| newsletters.first().is_some_and(|first| first.name == newsletter.name);
    let tabs: Vec<Value> = newsletters
        .iter()
        .map(|newsletter| {
            json!({
                "title": newsletter.title,
                "address": page_address(ask, &newsletter.name, Which::Next, 0, first(newsletter)),
                "current": chosen.is_some_and(|(chosen, _)| chosen.name == newsletter.name),
            })
        })
        .collect();
    let mut context = json!({
        "newsletters": tabs,
        "trouble": trouble,
        "nothing": null,
        "letter": null,
        "surge": null,
        "groups": [],
        "weight": null,
        "remarks": remarks,
        "remarks_count": remarks_count,
        "feeds": feeds(desk, words),
        "facts": [],
        "over": desk.config().site.title,
        "subject": words.say("no_newsletter", &[]),
        "newsletter": null,
        "which": if ask.which == Which::All { "all" } else { "next" },
        "number": letter,
        "key": "none",
        "pages": [],
        "address": null,
    });
    let Some((newsletter, letters)) = chosen else {
        context["nothing"] = json!({ "help": words.say("no_newsletter_help", &[]), "link": null });
        return context;
    };
    let number = sheet.map_or(letters.remembered.number, |sheet| sheet.composed.number).to_string();
    context["newsletter"] = json!(newsletter.name);
    context["address"] = json!(newsletter.preview_to.first());
    context["over"] = json!(words.say("number", &[("title", &newsletter.title), ("number", &number)]));
    context["groups"] = said::groups(desk, newsletter, letters, ask.which, letter, words, CHOICES);
    context["facts"] = facts(desk, newsletter, letters, sheet, ask, words);
    if letters.new > newsletter.surge && ask.which == Which::Next {
        let (new, surge) = (letters.new.to_string(), newsletter.surge.to_string());
        context["surge"] = json!(words.say("surge", &[("new", &new), ("surge", &surge)]));
    }
    let files = format!("{}/{}", encoded(&newsletter.name), letter_name(ask.which, letter));
    match sheet {
        Some(sheet) => {
            context["subject"] = json!(desk.project.templates.language.typeset(&sheet.subject));
            context["weight"] = weight(newsletter, letters, sheet, words);
            context["key"] = json!(format!("{files} {}", context["feeds"].as_array().map_or(0, Vec::len)));
            context["letter"] = letter_context(newsletter, sheet, &files);
        }
        None if refused.is_some() => {
            context["subject"] = json!(words.say("trouble", &[("count", &errors.len().to_string())]));
            context["key"] = json!("broken");
        }
        None => {
            let (subject, help) = said::nothing(desk, letters, words);
            context["subject"] = json!(subject);
            let link = (ask.live.is_some() && ask.which == Which::Next)
                .then(|| page_address(ask, &newsletter.name, Which::All, 0, true));
            context["nothing"] = json!({ "help": help, "link": link });
            context["key"] = json!("nothing");
        }
    }
    let count = ready.map_or(0, Vec::len);
    let pages: Vec<Value> = (0..if count > 1 { count } else { 0 })
        .map(|index| {
            json!({
                "number": index + 1,
                "address": page_address(ask, &newsletter.name, ask.which, index, first(newsletter)),
                "label": words.say("letter_of", &[("number", &(index + 1).to_string()), ("count", &count.to_string())]),
                "current": index == letter,
            })
        })
        .collect();
    context["pages"] = json!(pages);
    context
}

fn letter_context(newsletter: &Newsletter, sheet: &Sheet, files: &str) -> Value {
    let sender = newsletter.from.name.clone().unwrap_or_else(|| newsletter.from.address.clone());
    let frames: Vec<Value> = [("wide", 640), ("narrow", 360)]
        .iter()
        .map(|(size, width)| {
            let showings: Vec<Value> = SHOWINGS
                .iter()
                .map(|showing| {
                    json!({
                        "address": format!("letter/{files}/{}.html", showing.name()),
                        "class": showing.name(),
                        "scheme": if showing.dark { "frame_dark" } else { "frame_light" },
                        "pictures": if showing.pictures { "frame_with" } else { "frame_without" },
                    })
                })
                .collect();
            json!({ "size": size, "width": width, "showings": showings })
        })
        .collect();
    json!({
        "sender": sender,
        "initial": sender.chars().find(|c| c.is_alphanumeric()).map_or("✉".to_string(), |c| c.to_uppercase().to_string()),
        "subject": sheet.subject,
        "preheader": sheet.preheader,
        "frames": frames,
        "text": format!("text/{files}.html"),
        "source": format!("source/{files}.html"),
        "eml": format!("letter/{files}.eml"),
    })
}

fn facts(
    desk: &Desk,
    newsletter: &Newsletter,
    letters: &Letters,
    sheet: Option<&Sheet>,
    ask: &Ask,
    words: &Words,
) -> Value {
    let mut facts = Vec::new();
    if let Some(sheet) = sheet {
        let whole = sheet.composed.variants.first().map_or(0, |variant| variant.items.len());
        facts.push(words.say("items", &[("count", &whole.to_string())]));
        if !sheet.composed.shares.is_empty() {
            facts.push(words.say("parts", &[("count", &sheet.composed.variants.len().to_string())]));
        }
    }
    if ask.which == Which::All {
        facts.push(words.say("as_if", &[]));
    } else if let Some(leaves) = said::leaves(desk, newsletter, letters, words) {
        facts.push(leaves);
    }
    if let Some(file) = letters.file.as_ref().filter(|_| ask.which == Which::Next) {
        facts.push(words.say("from_file", &[("path", &file.path)]));
    }
    if let Audience::Address(address) = &newsletter.to {
        facts.push(words.say("to_list", &[("address", address)]));
    }
    json!(facts)
}

fn weight(newsletter: &Newsletter, letters: &Letters, sheet: &Sheet, words: &Words) -> Value {
    let budget = |name: &str, bytes: u64, limit: u64| {
        let said = [("bytes", words.bytes(bytes)), ("budget", words.bytes(limit))];
        let said: Vec<(&str, &str)> = said.iter().map(|(name, value)| (*name, value.as_str())).collect();
        json!({
            "name": words.say(name, &[]), "bytes": bytes, "limit": limit, "high": limit * 8 / 10,
            "over": bytes > limit, "said": words.say("weight_budget", &said),
        })
    };
    let of_pictures: u64 = sheet.pictures.iter().filter_map(|picture| picture.bytes).sum();
    let pictures: Vec<Value> = sheet
        .pictures
        .iter()
        .enumerate()
        .map(|(index, picture)| {
            let number = || words.say("picture_number", &[("number", &(index + 1).to_string())]);
            json!({
                "name": if picture.alternative.is_empty() { number() } else { picture.alternative.clone() },
                "said": picture.bytes.map_or_else(|| words.say("weight_unknown", &[]), |bytes| words.bytes(bytes)),
                "address": picture.name.as_ref().map(|name| format!("picture/{name}")),
            })
        })
        .collect();
    let heaviest =
        sheet.weight.items.iter().map(|item| item.html_bytes as u64 + item.picture_bytes).max().unwrap_or(0);
    let items: Vec<Value> = sheet
        .weight
        .items
        .iter()
        .map(|item| {
            let bytes = item.html_bytes as u64 + item.text_bytes as u64 + item.picture_bytes;
            let title = sheet.composed.items.iter().find(|shown| shown.id == item.id).map(|shown| &shown.title);
            json!({ "name": title, "bytes": bytes, "most": heaviest.max(bytes).max(1), "said": words.bytes(bytes) })
        })
        .collect();
    let recipients = letters.remembered.recipients.filter(|people| *people > 1);
    let all = recipients.map(|people| {
        let said = [("grams", carbon(sheet.weight.carbon.grams, words)), ("count", people.to_string())];
        let said: Vec<(&str, &str)> = said.iter().map(|(name, value)| (*name, value.as_str())).collect();
        words.say("carbon_all", &said)
    });
    let line = |name: &str, said: String| json!({ "name": words.say(name, &[]), "said": said });
    json!({
        "budgets": [
            budget("weight_html", sheet.weight.html as u64, newsletter.weight.html as u64),
            budget("weight_pictures", of_pictures, newsletter.weight.pictures),
        ],
        "lines": [
            line("weight_text", words.bytes(sheet.weight.text as u64)),
            line("weight_letter", words.bytes(sheet.eml.len() as u64)),
            line("weight_requests", sheet.weight.requests.to_string()),
        ],
        "carbon": { "each": carbon(sheet.weight.carbon.grams_per_letter, words), "all": all, "method": sheet.weight.carbon.method },
        "items": items,
        "pictures": pictures,
    })
}

/// Grams, kilograms or milligrams of carbon, as people read them.
fn carbon(grams: f64, words: &Words) -> String {
    let (amount, unit) = match grams {
        grams if grams >= 1000.0 => (grams / 1000.0, "kg"),
        grams if grams < 0.1 => (grams * 1000.0, "mg"),
        grams => (grams, "g"),
    };
    let amount = format!("{}", (amount * 100.0).round() / 100.0);
    let amount = if words.language == "fr" { amount.replace('.', ",") } else { amount };
    words.say("carbon", &[("amount", &amount), ("unit", unit)])
}

fn remarks(desk: &Desk, sheet: Option<&Sheet>, words: &Words) -> Vec<Value> {
    let group = |name: &str, mut problems: Problems| {
        problems.sort();
        let mut all: Vec<&Problem> = problems.iter().collect();
        all.sort_by_key(|problem| problem.severity);
        let shown: Vec<Value> = all.iter().take(REMARKS).map(|problem| problem_context(problem, words)).collect();
        let more = all.len().saturating_sub(REMARKS);
        json!({
            "title": words.say(name, &[]),
            "problems": shown,
            "count": all.len(),
            "more": if more > 0 { json!(words.say("remarks_more", &[("count", &more.to_string())])) } else { Value::Null },
        })
    };
    let of_letter = sheet.map(|sheet| sheet.problems.clone()).unwrap_or_default();
    let mut of_site = desk.project.problems.clone();
    of_site.extend(desk.feed_problems.clone());
    of_site.0.retain(|problem| !of_letter.0.contains(problem));
    let mut groups = Vec::new();
    if sheet.is_some() {
        groups.push(group("remarks_letter", of_letter));
    }
    groups.push(group("remarks_site", of_site));
    groups
}

fn feeds(desk: &Desk, words: &Words) -> Value {
    let configured = desk.config().feeds.iter().zip(&desk.feeds);
    let one = |(index, (config, feed)): (usize, (&crate::config::FeedConfig, &crate::feed::Feed))| {
        let outputs = [("Atom", &feed.atom_url), ("RSS", &feed.rss_url), ("JSON Feed", &feed.json_url)];
        let outputs: Vec<Value> = outputs
            .iter()
            .filter_map(|(format, url)| Some(json!({ "format": format, "url": url.as_ref()? })))
            .collect();
        json!({
            "index": index,
            "title": feed.title,
            "address": format!("feed/{}.html", encoded(&config.name)),
            "entries": words.say("feed_entries", &[("count", &feed.entries.len().to_string())]),
            "outputs": outputs,
            "first": index == 0,
        })
    };
    configured.enumerate().map(one).collect()
}

fn trouble(errors: &[&Problem], words: &Words) -> Value {
    json!({
        "title": words.say("trouble", &[("count", &errors.len().to_string())]),
        "problems": errors.iter().take(REMARKS).map(|problem| problem_context(problem, words)).collect::<Vec<_>>(),
    })
}

/// A problem as the page shows it: the line itself, cut around the mistake.
fn problem_context(problem: &Problem, words: &Words) -> Value {
    let error = problem.severity == Severity::Error;
    let (mut place, mut line) = (Value::Null, Value::Null);
    if let Some(at) = &problem.place {
        let numbers = match (at.line, at.column) {
            (Some(line), Some(column)) => format!(":{line}:{column}"),
            (Some(line), None) => format!(":{line}"),
            _ => String::new(),
        };
        place = json!(format!("{}{numbers}", at.file));
        if let (Some(text), Some(number)) = (&at.text, at.line) {
            let characters: Vec<char> = text.chars().collect();
            let start = at.column.unwrap_or(1).saturating_sub(1).min(characters.len());
            let end = (start + at.width).min(characters.len());
            let from = start.saturating_sub(LINE / 2);
            let to = (from + LINE).min(characters.len()).max(end.min(from + LINE));
            let part =
                |from: usize, to: usize| characters.get(from..to).unwrap_or_default().iter().collect::<String>();
            line = json!({
                "number": number,
                "before": format!("{}{}", if from > 0 { "…" } else { "" }, part(from, start)),
                "marked": part(start, end.min(to)),
                "after": format!("{}{}", part(end.min(to), to), if to < characters.len() { "…" } else { "" }),
            });
        }
    }
    json!({
        "error": error,
        "severity": words.say(if error { "error" } else { "warning" }, &[]),
        "code": problem.code,
        "message": problem.message,
        "label": problem.label,
        "help": problem.help,
        "why": problem.explanation,
        "place": place,
        "line": line,
    })
}
