//! The files that `init` writes: the sample's own text with the site's values put in their places.
//!
//! The sample configuration is what a person reads first, comments and all; so the files of a new project are that text,
//! changed line by line where the site says something else.

use super::built;
use super::guess::{Guess, Shortcode};

const CONFIG: &str = include_str!("../../../config/crieur.yaml");
const NEWSLETTER: &str = include_str!("../../../config/newsletters/referents.yaml");
const FEED: &str = include_str!("../../../feeds/news.yaml");
/// What a person must write anew before a letter leaves: until then it is told where it stands, and nothing is sent. Names in
/// `.invalid` are nobody's (RFC 2606).
const NO_RELAY: &str = "smtp://write-your-mail-server-here.invalid:587";
const NO_LIST: &str = "write-your-list-here@lists.invalid";
/// So many items fit into one letter; more are no news when it begins.
const FIRST_LETTER: usize = 12;
/// The sample's comment about databases, which are several.
const SAMPLES_DATABASE: &str = "# people, editions, and the ledger of deliveries; or postgres://…: many workers share it; or
                                       # git:BRANCH, for letters to a list's address alone: text in a branch, no server";
/// Where the comments of the sample stand.
const COMMENTS_AT: usize = 39;

/// `config/crieur.yaml`.
pub fn config(guess: &Guess) -> String {
    let mut text = CONFIG.to_string();
    let site = "site";
    set(&mut text, site, "url", Some(&scalar(&url(guess))));
    set(&mut text, site, "title", Some(&scalar(&title(guess))));
    set(&mut text, site, "description", guess.description.as_deref().map(scalar).as_deref());
    set(&mut text, site, "language", Some(&language(guess)));
    set(&mut text, site, "time_zone", Some(&time_zone(guess)));
    let author = guess.author.as_ref().map(|author| {
        let pair =
            |name: &str, value: &Option<String>| value.as_ref().map(|value| format!(", {name}: {}", scalar(value)));
        let more = [pair("email", &author.email), pair("url", &author.url)].into_iter().flatten().collect::<String>();
        format!("{{ name: {}{more} }}", scalar(&author.name))
    });
    set(&mut text, site, "author", author.as_deref());

    let content = "content";
    // Where a first post will be.
    let usual = if guess.generator == "Hugo" { "content/posts" } else { "posts" };
    let paths = if guess.paths.is_empty() { vec![usual.to_string()] } else { guess.paths.clone() };
    set(&mut text, content, "paths", Some(&list(&paths)));
    if !guess.exclude.is_empty() {
        insert(
            &mut text,
            content,
            "paths",
            &format!("  exclude: {}", list(&guess.exclude)),
            "pages, which are no items",
        );
    }
    set(&mut text, content, "permalink", Some(&scalar(&guess.permalink)));
    set(&mut text, content, "dates_in", Some(&guess.dates_in.map_or_else(|| time_zone(guess), String::from)));
    set(&mut text, content, "static", Some(&list(&guess.static_folders)));
    let variables: Vec<String> =
        guess.variables.iter().map(|(name, path)| format!("{}: {}", scalar(name), scalar(path))).collect();
    let variables = if variables.is_empty() { "{}".to_string() } else { format!("{{ {} }}", variables.join(", ")) };
    set(&mut text, content, "variables", Some(&variables));
    let options = &guess.markdown;
    let quotes: Vec<String> = options.quotes.iter().map(|quote| quoted(quote)).collect();
    let markdown = format!(
        "{{ html: {}, breaks: {}, linkify: {}, typographer: {}, indented_code: {}, quotes: [{}] }}",
        options.html,
        options.breaks,
        options.linkify,
        options.typographer,
        options.indented_code,
        quotes.join(", ")
    );
    set(&mut text, content, "markdown", Some(&markdown));
    let shortcodes = shortcodes(&guess.shortcodes);
    block(&mut text, content, "shortcodes", &shortcodes);
    set(&mut text, "publish", "out", Some(&guess.out));
    if guess.in_ci {
        set(&mut text, "mail", "transport", Some(NO_RELAY));
        // Beside the drafts, which are `crieur/NEWSLETTER-NUMBER`.
        set(&mut text, "", "database", Some("git:crieur/state"));
        text = text
            .replace(SAMPLES_DATABASE, "# the branch that remembers what was announced, and holds nobody's address")
            .replace(
                "its password: CRIEUR_SMTP_PASSWORD or CRIEUR_SMTP_PASSWORD_FILE",
                "its password: the CI's secret CRIEUR_SMTP_PASSWORD",
            );
    }
    built::write(&mut text, guess.built.as_ref());
    text
}

/// `config/newsletters/….yaml`: once a month, to people, with what is there already counted as announced. In a CI, to a list, by
/// an edition's file that a person merges; what is there is offered in the first one, unless it is too much for a letter.
pub fn newsletter(guess: &Guess) -> String {
    let mut text =
        NEWSLETTER.replace("`crieur digest referents`", &format!("`crieur digest {}`", newsletter_name(guess)));
    let name = title(guess);
    let host = url::Url::parse(&url(guess)).ok().and_then(|url| url.host_str().map(String::from));
    let host = host.unwrap_or_else(|| "example.org".to_string());
    let host = host.trim_start_matches("www.");
    let french = language(guess).starts_with("fr");
    let letter = if french { "La lettre d'information".to_string() } else { format!("{name} newsletter") };
    let author = guess.author.as_ref();
    let address = author.and_then(|author| author.email.clone());
    let from = format!(
        "{} <{}>",
        author.map_or(name.as_str(), |author| &author.name).replace(['<', '>', '"', ','], " "),
        address.clone().unwrap_or_else(|| format!("{}@{host}", newsletter_name(guess)))
    );
    let top = "";
    set(&mut text, top, "title", Some(&scalar(&letter)));
    set(&mut text, top, "from", Some(&scalar(&from)));
    set(&mut text, top, "reply_to", address.as_deref().map(scalar).as_deref());
    set(&mut text, top, "list_id", Some(&format!("{}.{host}", newsletter_name(guess))));
    let leave = address.unwrap_or_else(|| format!("{}@{host}", newsletter_name(guess)));
    let leave = format!("mailto:{leave}");
    let (to, leave) = if guess.in_ci { (NO_LIST, "list") } else { ("recipients", leave.as_str()) };
    set(&mut text, top, "to", Some(to));
    set(&mut text, top, "leave", Some(leave));
    set(&mut text, top, "schedule", Some("\"0 9 1 * *\""));
    set(&mut text, top, "backlog", Some(if begins_with_all(guess) { "announce" } else { "skip" }));
    if guess.in_ci {
        set(&mut text, top, "approve", Some("file"));
        set(&mut text, top, "wait_for_pages", Some("24h"));
    }
    let mut not = list(&guess.letters.tags);
    if !guess.letters.folders.is_empty() {
        not = format!("{not}, not_folders: {}", list(&guess.letters.folders));
    }
    set(&mut text, top, "select", Some(&format!("{{ tags: [], not_tags: {not} }}")));
    if !french {
        set(&mut text, top, "subject", Some("\"{{newsletter.title}} #{{edition.number}}: {{edition.headline}}\""));
    }
    text.replace(
        "what is new at each `crieur run`; once a month: \"0 9 1 * *\"; or each-item, or manual",
        "cron, here once a month; or each-run (of `crieur run`), each-item, manual",
    )
    .replace(
        "the first edition: announce what is already there, or skip it",
        "the first edition: skip what is already there, or announce it",
    )
}

/// Whether the first letter offers what is there already.
pub fn begins_with_all(guess: &Guess) -> bool {
    guess.in_ci && guess.posts <= FIRST_LETTER
}

/// The newsletter's name, which is its file's and a part of its addresses.
pub fn newsletter_name(guess: &Guess) -> &'static str {
    if language(guess).starts_with("fr") { "lettre" } else { "newsletter" }
}

/// `feeds/news.yaml`.
pub fn feed(guess: &Guess) -> String {
    let mut text = FEED.to_string();
    set(&mut text, "", "title", Some(&scalar(&title(guess))));
    text
}

pub fn url(guess: &Guess) -> String {
    let mut url = guess.url.clone().unwrap_or_else(|| "https://www.example.org/".to_string());
    if !url.ends_with('/') {
        url.push('/');
    }
    url
}

fn title(guess: &Guess) -> String {
    guess.title.clone().unwrap_or_else(|| "News".to_string())
}

pub fn language(guess: &Guess) -> String {
    let language = guess.language.as_deref().map(|language| language.replace('_', "-")).unwrap_or_default();
    let good = language.len() >= 2 && language.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    if good { language } else { "en".to_string() }
}

/// The site's own, else the one of the only country where nearly all of a language's sites are.
fn time_zone(guess: &Guess) -> String {
    let known = guess.time_zone.as_deref().filter(|zone| zone.parse::<chrono_tz::Tz>().is_ok());
    match (known, language(guess).as_str()) {
        (Some(zone), _) => zone.to_string(),
        (None, "fr" | "fr-FR") => "Europe/Paris".to_string(),
        (None, _) => "UTC".to_string(),
    }
}

fn shortcodes(shortcodes: &[Shortcode]) -> String {
    let mut lines = String::new();
    for shortcode in shortcodes {
        let name = scalar(&shortcode.name);
        match &shortcode.template {
            None => {
                lines.push_str(&format!("    # {name}: ''   # {} computes it: write its HTML here\n", shortcode.file))
            }
            Some(template) if !template.contains('\n') => {
                lines.push_str(&format!("    {name}: '{}'\n", template.replace('\'', "''")));
            }
            Some(template) => {
                lines.push_str(&format!("    {name}: |-\n"));
                template.lines().for_each(|line| lines.push_str(&format!("      {line}\n")));
            }
        }
    }
    lines
}

/// A text as YAML takes it on one line, in a list or a mapping too.
fn scalar(text: &str) -> String {
    let first = text.chars().next().is_some_and(|c| c.is_alphanumeric() || "/_".contains(c));
    let plain = text.chars().all(|c| c.is_alphanumeric() || " _-./@'’:+{}".contains(c));
    let colon = text.contains(": ") || text.ends_with(':') || text.ends_with(' ');
    // A brace is plain in a permalink, which stands in no list.
    let braces = text.contains(['{', '}']) && !text.starts_with('/');
    let word = serde_yaml::from_str::<serde_yaml::Value>(text).is_ok_and(|value| value.is_string());
    if first && plain && !colon && !braces && word { text.to_string() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    // JSON's texts are YAML's; spaces that no eye tells apart are written out.
    let json = serde_json::Value::String(text.to_string()).to_string();
    json.replace('\u{a0}', "\\u00a0").replace('\u{202f}', "\\u202f")
}

fn list(texts: &[String]) -> String {
    let texts: Vec<String> = texts.iter().map(|text| scalar(text)).collect();
    format!("[{}]", texts.join(", "))
}

/// The line of a key, `section` being a key of the top or empty for the top itself.
fn line_of(text: &str, section: &str, key: &str) -> Option<usize> {
    let indent = if section.is_empty() { "" } else { "  " };
    let start = if section.is_empty() { 0 } else { text.lines().position(|line| line == format!("{section}:"))? + 1 };
    let wanted = format!("{indent}{key}:");
    text.lines()
        .enumerate()
        .skip(start)
        .take_while(|(_, line)| section.is_empty() || line.is_empty() || line.starts_with([' ', '#']))
        .find(|(_, line)| line.starts_with(&wanted))
        .map(|(index, _)| index)
}

/// Writes a value where the sample has its own, its comment kept; without a value the line goes.
fn set(text: &mut String, section: &str, key: &str, value: Option<&str>) {
    let Some(index) = line_of(text, section, key) else { return };
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    let Some(value) = value else {
        lines.remove(index);
        *text = lines.join("\n") + "\n";
        return;
    };
    let line = &lines[index];
    let comment = line.rfind("  # ").or_else(|| line.rfind(" # ")).map(|at| line[at..].trim_start().to_string());
    let indent = if section.is_empty() { "" } else { "  " };
    lines[index] = commented(&format!("{indent}{key}: {value}"), comment.as_deref());
    *text = lines.join("\n") + "\n";
}

fn commented(line: &str, comment: Option<&str>) -> String {
    match comment {
        Some(comment) => format!("{line:<width$}{comment}", width = COMMENTS_AT.max(line.chars().count() + 2)),
        None => line.to_string(),
    }
}

/// A line of its own behind another key's.
fn insert(text: &mut String, section: &str, after: &str, line: &str, comment: &str) {
    let Some(index) = line_of(text, section, after) else { return };
    let mut lines: Vec<String> = text.lines().map(String::from).collect();
    lines.insert(index + 1, commented(line, Some(&format!("# {comment}"))));
    *text = lines.join("\n") + "\n";
}

/// Replaces what is indented below a key.
fn block(text: &mut String, section: &str, key: &str, inside: &str) {
    let Some(index) = line_of(text, section, key) else { return };
    let lines: Vec<&str> = text.lines().collect();
    let end =
        lines[index + 1..].iter().position(|line| !line.starts_with("    ")).map_or(lines.len(), |at| index + 1 + at);
    let mut whole = lines[..=index].join("\n") + "\n";
    whole.push_str(inside);
    whole.push_str(&lines[end..].join("\n"));
    *text = whole + "\n";
}
