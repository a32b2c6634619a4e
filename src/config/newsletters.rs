//! Reads `config/newsletters/*.yaml`, one file a newsletter.

use chrono::Duration;

use super::read::folder;
use super::reader::{File, Mapping, reject};
use super::{
    Approve, Archive, Audience, Backlog, Config, Images, Leave, Mailbox, Missed, Newsletter, OnUncertain, Schedule,
    SectionConfig, Select, WeightBudget, joining, look, select, topics, values,
};
use crate::problem::{Place, Problem, Problems};

/// Where a letter's page stands.
const ONLINE: &str = "letters/{newsletter}-{number}.html";
/// Sympa takes what these send for a list server's own, and drops it without a word (its `loop_prevention_regex`).
const DROPPED: [&str; 6] = ["mailer-daemon", "sympa", "listserv", "majordomo", "smartlist", "mailman"];
const SUBJECT: &str = "{{newsletter.title}} n° {{edition.number}} : {{edition.headline}}";

/// The newsletters that can be used, by name.
pub fn read(config: &Config, problems: &mut Problems) -> Vec<Newsletter> {
    let mut newsletters = Vec::new();
    for (name, file) in folder(&config.root, "config/newsletters", problems) {
        let newsletter = newsletter(config, &name, &file);
        if !file.has_errors() {
            newsletters.push(newsletter);
        }
        problems.extend(file.into_problems());
    }
    newsletters
}

fn newsletter(config: &Config, name: &str, file: &File) -> Newsletter {
    let top = file.root();
    let title = top.text("title").unwrap_or_else(|| config.site.title.clone());
    let from = match top.get("from") {
        Some(_) => top.parsed("from", values::mailbox),
        None => Some(default_from(config, file)),
    };
    let from = from.unwrap_or(Mailbox { name: None, address: String::new() });
    let reply_to = top.parsed("reply_to", |text| values::mailbox(text).map(|_| text.to_string()));
    let to = audience(&top);
    warn_of_a_dropped_sender(&top, &to, &from);
    if config.branch().is_some() && !to.knows_nobody() {
        no_people(&top, file);
    }
    let list_id = top.parsed("list_id", list_id);
    let list_id = list_id.or_else(|| config.site.url.host_str().map(|host| format!("{name}.{host}")));
    let leave = leave(config, &top, &to, &from, reply_to.as_deref());
    let joining = joining::read(config, &top, &to);
    let schedule = top.parsed("schedule", values::schedule).unwrap_or(Schedule::Manual);
    let missed = top.choice("missed", &[("send", Missed::Send), ("skip", Missed::Skip)]).unwrap_or(Missed::Send);
    let missed_after = top.parsed("missed_after", values::duration).unwrap_or(Duration::hours(6));
    let backlog = [("skip", Backlog::Skip), ("announce", Backlog::Announce)];
    let backlog = top.choice("backlog", &backlog).unwrap_or(Backlog::Skip);
    let select = select::read(top.section("select"));
    let count =
        |key: &str, default: usize| top.number(key, 1).map_or(default, |n| usize::try_from(n).unwrap_or(default));
    let (max_items, surge) = (count("max_items", 12), count("surge", 15));
    let approve = [("no", Approve::No), ("yes", Approve::Yes), ("file", Approve::File)];
    let approve = top.choice("approve", &approve).unwrap_or(Approve::No);
    let (preview_to, preview_before) = preview(&top);
    let first_number = top.number("first_number", 1).unwrap_or(1);
    let subject = top.parsed("subject", subject).unwrap_or_else(|| SUBJECT.to_string());
    let theme = top.choice("theme", &look::THEMES.map(|theme| (theme, theme))).unwrap_or("plain").to_string();
    let look = look::read(&top, &theme);
    let weight = weight(&top);
    let (archive, online) = archive(&top, &to);
    let images = images(&top, archive);
    let wait_for_pages = top.parsed("wait_for_pages", values::duration_or_off).unwrap_or(None);
    let on_uncertain = [("resend", OnUncertain::Resend), ("hold", OnUncertain::Hold)];
    let on_uncertain = top.choice("on_uncertain", &on_uncertain).unwrap_or(OnUncertain::Resend);
    let reason = top.text("reason");
    let postal_address = top.text("postal_address");
    let sections = sections(&top);
    let agenda = top.truth("agenda").unwrap_or(true);
    let urgent = top.parsed("urgent", values::duration_or_off).unwrap_or(None);
    let (topics, segment) = topics::read(config, &top, &to, file);
    top.finish();
    Newsletter {
        name: name.to_string(),
        file: file.source.path.clone(),
        title,
        from,
        reply_to,
        list_id,
        to,
        leave,
        subscribe: joining.subscribe,
        consent: joining.consent,
        consent_version: joining.consent_version,
        confirm_from: joining.confirm_from,
        schedule,
        missed,
        missed_after,
        backlog,
        select,
        max_items,
        surge,
        approve,
        preview_to,
        preview_before,
        first_number,
        subject,
        theme,
        look,
        images,
        weight,
        online,
        archive,
        wait_for_pages,
        on_uncertain,
        reason,
        postal_address,
        sections,
        agenda,
        urgent,
        topics,
        segment,
    }
}

/// `to: …`, or `hand_over: DIR`.
fn audience(top: &Mapping<'_>) -> Audience {
    let to = top.parsed("to", values::audience);
    let folder = top.parsed("hand_over", |text| match text.trim_end_matches('/') {
        "" => reject("`hand_over` names no folder", "for example `hand_over: public/letters`"),
        folder => Ok(folder.to_string()),
    });
    if let (Some(node), Some(_)) = (top.get("to"), top.get("hand_over")) {
        let help = "take `to` out here: the configuration of the machine that sends says to whom";
        node.problem("hand-over", "an edition that is handed over has no list here", help);
    }
    folder.map(Audience::HandOver).or(to).unwrap_or(Audience::Recipients)
}

/// A letter to people, where the memory is a branch.
fn no_people(top: &Mapping<'_>, file: &File) {
    let message =
        "a memory in a branch of the repository knows nobody: whoever can read it would read who receives the letter";
    let help = "write `to:` the address of a list at a list server, or `hand_over: DIR` for a machine that has the list; \
                with `database: sqlite:PATH` in config/crieur.yaml the people are here";
    match top.get("to") {
        Some(node) => node.problem("no-people", message, help),
        None => file.push(Problem::error("no-people", message).at(Place::file(&file.source.path)).help(help)),
    }
}

/// `letters/{newsletter}-{number}.html`, or `off`.
fn online(text: &str) -> Result<Option<String>, super::reader::Reject> {
    if matches!(text, "off" | "no" | "false") {
        return Ok(None);
    }
    if !text.contains("{number}") {
        let help = format!("for example `{ONLINE}`, or `off`");
        return reject(format!("`{text}` gives every letter the same address: it lacks `{{number}}`"), help);
    }
    values::output_path(text).map(Some)
}

/// `archive: public | unlisted | none`, and `online`, the page on the site that goes with it. Where only one of them is written it
/// says what the other is: a list in a file is a closed circle, unless somebody wrote where its letters are to be read;
/// all other letters announce what anybody may read on the site, and are public.
fn archive(top: &Mapping<'_>, to: &Audience) -> (Archive, Option<String>) {
    let choices = [("public", Archive::Public), ("unlisted", Archive::Unlisted), ("none", Archive::None)];
    let written = top.choice("archive", &choices);
    let page = top.parsed("online", online);
    let archive = match (written, to, &page) {
        (Some(archive), ..) => archive,
        (None, _, Some(None)) => Archive::None,
        (None, Audience::File(_), Some(Some(_))) => Archive::Unlisted,
        (None, Audience::File(_), None) => Archive::None,
        (None, ..) => Archive::Public,
    };
    if let (Some(Archive::None), Some(Some(_)), Some(node)) = (written, &page, top.get("online")) {
        let message = "with `archive: none` no page of a letter is written: `online` says nothing";
        node.warning("archive", message, "take `online` out, or write `archive: unlisted`");
    }
    let page = page.unwrap_or_else(|| Some(ONLINE.to_string())).filter(|_| archive != Archive::None);
    (archive, page)
}

/// `images: hosted | embedded | none`. What stands nowhere on the web has its pictures with it.
fn images(top: &Mapping<'_>, archive: Archive) -> Images {
    let choices = [("hosted", Images::Hosted), ("embedded", Images::Embedded), ("none", Images::None)];
    let written = top.choice("images", &choices);
    match (archive, written, top.get("archive"), top.get("images")) {
        (Archive::None, Some(Images::Hosted), Some(_), Some(node)) => {
            let message = "with `archive: none` the letter's pictures travel in it: hosted, everybody could see them";
            node.warning("archive", message, "write `images: embedded`, or `none`");
            Images::Embedded
        }
        (Archive::None, None, ..) => Images::Embedded,
        (_, written, ..) => written.unwrap_or(Images::Hosted),
    }
}

/// `sections:`, a list of `{ title, mark, select, show }`.
fn sections(top: &Mapping<'_>) -> Vec<SectionConfig> {
    let nodes = top.list("sections").unwrap_or_default();
    let last = nodes.len().saturating_sub(1);
    let mut sections = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        let section = node.mapping();
        let title = section.text("title").map(|title| title.trim().to_string()).filter(|title| !title.is_empty());
        let mark = section.parsed("mark", mark);
        let select = select::read(section.section("select"));
        let lines = section.choice("show", &[("card", false), ("line", true)]).unwrap_or(false);
        section.finish();
        if select == Select::default() && index < last {
            let message = "this section takes everything, and the sections after it nothing";
            let help = "give it a `select`, or put it last";
            node.warning("section-takes-all", message, help);
        }
        sections.push(SectionConfig { title, mark, select, lines });
    }
    sections
}

/// An emoji, or another sign: screen readers pass over it, so that it must not be words.
fn mark(text: &str) -> Result<String, super::reader::Reject> {
    if text.chars().count() > 12 || text.chars().any(|c| c.is_alphanumeric() && !c.is_ascii_digit()) {
        return reject(
            format!("`{text}` is no mark: screen readers do not say it"),
            "write one emoji, words belong to `title`",
        );
    }
    Ok(text.to_string())
}

/// `preview_to: [ADDRESS…]` and `preview_before: 24h`.
fn preview(top: &Mapping<'_>) -> (Vec<String>, Duration) {
    let mut addresses: Vec<String> = Vec::new();
    for node in top.list("preview_to").unwrap_or_default() {
        match values::mailbox(&node.text().unwrap_or_default()) {
            Ok(mailbox) if addresses.contains(&mailbox.address) => {}
            Ok(mailbox) => addresses.push(mailbox.address),
            Err(no) => node.problem("bad-value", no.message, no.help),
        }
    }
    let before = top.parsed("preview_before", values::duration);
    if let (Some(node), true) = (top.get("preview_before"), addresses.is_empty()) {
        let message = "nobody sees the letter ahead: `preview_before` says when, and `preview_to` to whom";
        node.warning("preview", message, "add `preview_to: [ADDRESS]`");
    }
    (addresses, before.unwrap_or(Duration::hours(24)))
}

/// `weight: { html: 80kB, pictures: 300kB }`
fn weight(top: &Mapping<'_>) -> WeightBudget {
    let (section, default) = (top.section("weight"), WeightBudget::default());
    let html = section.parsed("html", values::weight).and_then(|bytes| usize::try_from(bytes).ok());
    let pictures = section.parsed("pictures", values::weight);
    section.finish();
    WeightBudget { html: html.unwrap_or(default.html), pictures: pictures.unwrap_or(default.pictures) }
}

/// The site's author, else an address at the site's host, with a warning: somebody should say who writes.
fn default_from(config: &Config, file: &File) -> Mailbox {
    if let Some(author) = &config.site.author
        && let Some(email) = &author.email
    {
        return Mailbox { name: Some(author.name.clone()), address: email.clone() };
    }
    let host = config.site.url.host_str().unwrap_or("localhost");
    let address = format!("lettre@{}", host.trim_start_matches("www."));
    let message = format!("nobody says who writes: the letters would come from {address}");
    let problem = Problem::warning("missing-key", message).at(Place::file(&file.source.path));
    file.push(problem.help("add `from: Name <address>`, an address that somebody reads"));
    Mailbox { name: Some(config.site.title.clone()), address }
}

fn warn_of_a_dropped_sender(top: &Mapping<'_>, to: &Audience, from: &Mailbox) {
    let local = from.address.split('@').next().unwrap_or_default();
    if to.is_list()
        && DROPPED.iter().any(|name| local.eq_ignore_ascii_case(name))
        && let Some(node) = top.get("from")
    {
        let message = format!("a list server takes what {local}@ sends for its own, and may drop it without a word");
        node.warning("list-drops", message, "write from an address of the newsroom's, one that the list lets send");
    }
}

/// The way out, as given, or the one that fits: a list server's own, the web service, else a letter to the sender.
fn leave(config: &Config, top: &Mapping<'_>, to: &Audience, from: &Mailbox, reply_to: Option<&str>) -> Leave {
    let sender = || {
        let reply_to = reply_to.and_then(|text| values::mailbox(text).ok()).map(|mailbox| mailbox.address);
        Leave::Mailto(reply_to.unwrap_or_else(|| from.address.clone()))
    };
    let default = match (to, &config.web.url) {
        (Audience::Address(_), _) => Leave::List,
        (_, Some(_)) => Leave::Web,
        (_, None) => sender(),
    };
    let given = top.parsed("leave", values::leave);
    let Some(node) = top.get("leave") else { return default };
    match &given {
        Some(Leave::List) if !to.is_list() => {
            let help =
                "write `leave: web` or `leave: mailto:ADDRESS`; `list` is for `to:` one address, a list server's";
            node.problem("no-way-out", "personal letters have no list server that lets people leave", help);
        }
        Some(Leave::Web) if config.branch().is_some() && to.is_list() => {
            let help = "write `leave: list`";
            node.problem("no-way-out", "a memory in a branch has no key that a way out could be signed with", help);
        }
        // The machine that sends knows where its web service is.
        Some(Leave::Web) if !to.knows_nobody() && config.web.url.is_none() => {
            let help = "add `web.url` to config/crieur.yaml, or write `leave: mailto:ADDRESS`";
            node.problem("no-way-out", "`leave: web` needs `web.url`, the address of the web service", help);
        }
        _ => {}
    }
    given.unwrap_or(default)
}

/// RFC 2919: labels with dots between them.
fn list_id(text: &str) -> Result<String, super::reader::Reject> {
    let label = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if text.len() <= 255 && text.contains('.') && text.split('.').all(label) {
        return Ok(text.to_string());
    }
    reject(format!("`{text}` is not a list's name"), "write it like a host name, for example `letter.example.org`")
}

fn subject(text: &str) -> Result<String, super::reader::Reject> {
    match handlebars::Template::compile(text) {
        Ok(_) => Ok(text.to_string()),
        Err(error) => {
            reject(format!("this subject is not a Handlebars template: {}", error.reason()), "close each `{{`")
        }
    }
}
