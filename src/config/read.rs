//! Reads the project's folder into a [`Config`]: `config/crieur.yaml` here, the feeds and the newsletters beside it.
//!
//! An error in `config/crieur.yaml` makes the whole configuration unusable: going on with a default where somebody
//! wrote something else could announce everything twice, or to the wrong people. An error in a feed's or a
//! newsletter's file costs that feed or newsletter alone. Everything is read in any case, so that one run names all.

use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use url::Url;

use super::reader::{File, Mapping, Node, reject};
use super::{
    Auth, Config, Content, Future, Ids, Mail, MarkdownOptions, Network, Person, Pictures, Publish, Site, Tls,
    UnknownShortcode, Watching, Web, built, content_paths, dkim, feeds, joining, newsletters, retention, values,
    variables,
};
use crate::problem::{Problem, Problems, Source};

/// The configuration's own file, relative to the project's folder.
pub const CONFIG_FILE: &str = "config/crieur.yaml";

pub fn read(root: &Path) -> Result<(Config, Problems), Problems> {
    let mut problems = Problems::new();
    let file = match read_source(root, CONFIG_FILE) {
        Ok(source) => File::parse(source)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let message = format!("there is no {CONFIG_FILE} in {}", root.display());
            let help = "run `crieur init` in the site's folder to write one, or name the folder with -C";
            return Err(Problems(vec![Problem::error("no-config", message).help(help)]));
        }
        Err(error) => return Err(Problems(vec![unreadable(CONFIG_FILE, &error)])),
    };
    let mut config = main_file(root, &file);
    let usable = !file.has_errors();
    problems.extend(file.into_problems());
    problems.extend(content_paths::check(&config));
    config.feeds = feeds::read(&config, &mut problems);
    config.newsletters = newsletters::read(&config, &mut problems);
    if usable { Ok((config, problems)) } else { Err(problems) }
}

/// Reads a file as UTF-8, without its byte order mark.
pub(super) fn read_source(root: &Path, path: &str) -> std::io::Result<std::sync::Arc<Source>> {
    let text = std::fs::read_to_string(root.join(path))?;
    Ok(Source::new(path, text.strip_prefix('\u{feff}').unwrap_or(&text)))
}

pub(super) fn unreadable(path: &str, error: &std::io::Error) -> Problem {
    Problem::error("unreadable", format!("this file cannot be read: {error}"))
        .in_file(path)
        .help("it must be a text file in UTF-8 that this user may read")
}

/// The YAML files of a folder as parsed files, by name; broken ones are problems.
pub(super) fn folder(root: &Path, folder: &str, problems: &mut Problems) -> Vec<(String, File)> {
    let Ok(listing) = std::fs::read_dir(root.join(folder)) else { return Vec::new() };
    let mut names: Vec<String> = listing.flatten().filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.retain(|name| !name.starts_with('.') && (name.ends_with(".yaml") || name.ends_with(".yml")));
    names.sort();
    let mut files: Vec<(String, File)> = Vec::new();
    for name in names {
        let path = format!("{folder}/{name}");
        let stem = name.rsplit_once('.').map_or(name.as_str(), |(stem, _)| stem).to_string();
        if files.iter().any(|(taken, _)| *taken == stem) {
            let problem = Problem::error("doubled-name", format!("two files are called `{stem}`")).in_file(path);
            problems.push(problem.help("rename or remove one of them"));
            continue;
        }
        match read_source(root, &path) {
            Ok(source) => match File::parse(source) {
                Ok(file) => files.push((stem, file)),
                Err(broken) => problems.extend(broken),
            },
            Err(error) => problems.push(unreadable(&path, &error)),
        }
    }
    files
}

fn main_file(root: &Path, file: &File) -> Config {
    let top = file.root();
    let site = site(top.section("site"));
    let content = content(root, top.section("content"), site.time_zone);
    let mail = mail(root, top.section("mail"));
    let publish = top.section("publish");
    let out = publish.parsed("out", |text| match text.trim_end_matches('/') {
        "" => reject("`publish.out` names no folder", "for example `out: public`"),
        folder => Ok(folder.to_string()),
    });
    publish.finish();
    let pictures = pictures(top.section("pictures"));
    let web = web(top.section("web"));
    let retention = retention::read(top.section("retention"));
    let database = top.parsed("database", database).unwrap_or_else(|| "sqlite:var/crieur.db".to_string());
    let secrets = root.join(top.text("secrets").unwrap_or_else(|| "var/keys".to_string()));
    top.finish();
    Config {
        root: root.to_path_buf(),
        site,
        content,
        publish: Publish { out: out.unwrap_or_else(|| "public".to_string()) },
        pictures,
        mail,
        database,
        secrets: absolute(&secrets),
        web,
        retention,
        feeds: Vec::new(),
        newsletters: Vec::new(),
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

fn site(site: Mapping<'_>) -> Site {
    // Stands in where the address is missing, so that the rest can still be checked; never handed out.
    let nowhere = || Url::parse("http://nowhere.invalid/").expect("a constant address is well formed");
    let url = site.required("url", "https://www.example.org/");
    let checked = url.and_then(|_| site.parsed("url", values::base_url));
    let title = site.required("title", "Our news");
    let description = site.text("description");
    let language = site.parsed("language", values::language).unwrap_or_else(|| "en".to_string());
    let time_zone = site.parsed("time_zone", values::zone).unwrap_or(Tz::UTC);
    let author = person(&site);
    site.finish();
    Site {
        url: checked.unwrap_or_else(nowhere),
        title: title.unwrap_or_default(),
        description,
        language,
        time_zone,
        author,
    }
}

/// `{ name, email, url }`, or a name alone.
fn person(site: &Mapping<'_>) -> Option<Person> {
    let node = site.get("author")?;
    if let Some(name) = node.value.as_str() {
        return Some(Person { name: name.to_string(), email: None, url: None });
    }
    let author = node.mapping();
    let name = author.required("name", "The team");
    let email = author.parsed("email", values::address);
    let url = author.parsed("url", values::web_address);
    author.finish();
    Some(Person { name: name?, email, url })
}

fn content(root: &Path, content: Mapping<'_>, site_zone: Tz) -> Content {
    if content.get("paths").is_none() {
        content.required("paths", "[posts]");
    }
    let paths: Vec<String> =
        content.texts("paths").iter().map(|path| path.trim_end_matches('/').to_string()).collect();
    let exclude = content.texts("exclude").iter().map(|path| path.trim_matches('/').to_string()).collect();
    let permalink = content.parsed("permalink", values::permalink).unwrap_or_else(|| default_permalink(&paths));
    let dates_in = content.parsed("dates_in", values::zone).unwrap_or(site_zone);
    let future = [("publish", Future::Publish), ("hold", Future::Hold), ("first-seen", Future::FirstSeen)];
    let future = content.choice("future", &future).unwrap_or(Future::Publish);
    let ids = ids(&content);
    let static_folders = match content.list("static") {
        Some(nodes) => {
            nodes.iter().filter_map(|node| node.text()).map(|f| f.trim_end_matches('/').to_string()).collect()
        }
        None => vec!["static".to_string()],
    };
    let (variables, variable_files) = variables::read(root, content.section("variables"));
    let markdown = markdown(content.section("markdown"));
    let shortcodes = content.section("shortcodes");
    let named = shortcodes.named();
    let shortcodes = named.into_iter().filter_map(|(name, node)| Some((name, node.text()?))).collect();
    let unknown = [("warn", UnknownShortcode::Warn), ("fail", UnknownShortcode::Fail)];
    let unknown_shortcode = content.choice("unknown_shortcode", &unknown).unwrap_or(UnknownShortcode::Warn);
    let built = built::read(&content);
    content.finish();
    Content {
        paths,
        exclude,
        permalink,
        dates_in,
        future,
        ids,
        static_folders,
        variables,
        variable_files,
        markdown,
        shortcodes,
        unknown_shortcode,
        built,
    }
}

/// Where most generators put a file of a content folder: under the folder's name.
fn default_permalink(paths: &[String]) -> String {
    match paths {
        [path] => {
            let name = path.rsplit('/').next().unwrap_or("").trim_start_matches('_');
            if name.contains('.') { "/{folder}/{stem}/".to_string() } else { format!("/{name}/{{folder}}/{{stem}}/") }
        }
        _ => "/{folder}/{stem}/".to_string(),
    }
}

fn ids(content: &Mapping<'_>) -> Ids {
    let date = content.parsed("tag_date", |text| {
        let whole = [4, 7, 10].contains(&text.len());
        let padded = format!("{text}{}", "2000-01-01".get(text.len()..).unwrap_or(""));
        match chrono::NaiveDate::parse_from_str(&padded, "%Y-%m-%d") {
            Ok(_) if whole => Ok(text.to_string()),
            _ => reject(
                format!("`{text}` is not a date"),
                "write a day on which the site's name was yours: `2024-01-01`",
            ),
        }
    });
    match content.choice("ids", &[("permalink", false), ("tag", true)]) {
        Some(true) => match date {
            Some(date) => Ids::Tag { date },
            None if content.get("tag_date").is_some() => Ids::Permalink,
            None => {
                if let Some(node) = content.get("ids") {
                    let help = "add `tag_date: 2024-01-01`, a day on which the site's name was yours (RFC 4151)";
                    node.problem("missing-key", "`ids: tag` needs `content.tag_date`", help);
                }
                Ids::Permalink
            }
        },
        _ => Ids::Permalink,
    }
}

fn markdown(markdown: Mapping<'_>) -> MarkdownOptions {
    let options = MarkdownOptions {
        html: markdown.truth("html").unwrap_or(true),
        breaks: markdown.truth("breaks").unwrap_or(false),
        linkify: markdown.truth("linkify").unwrap_or(false),
        typographer: markdown.truth("typographer").unwrap_or(false),
        indented_code: markdown.truth("indented_code").unwrap_or(true),
        quotes: quotes(&markdown).unwrap_or_else(|| ["“", "”", "‘", "’"].map(String::from)),
    };
    markdown.finish();
    options
}

/// Four texts, or one text of four characters, as markdown-it takes them.
fn quotes(markdown: &Mapping<'_>) -> Option<[String; 4]> {
    let node = markdown.get("quotes")?;
    let texts: Vec<String> = match node.value.as_str() {
        Some(text) => text.chars().map(String::from).collect(),
        None => node.elements().iter().filter_map(|element| element.text()).collect(),
    };
    let quotes = <[String; 4]>::try_from(texts).ok();
    if quotes.is_none() {
        let help = "write the opening and closing double quotes, then the single ones: [\"“\", \"”\", \"‘\", \"’\"]";
        node.problem("bad-value", "`content.markdown.quotes` must hold four quotes", help);
    }
    quotes
}

fn pictures(pictures: Mapping<'_>) -> Pictures {
    let folder = pictures.parsed("folder", |text| values::output_path(text.trim_end_matches('/')));
    let keep = pictures.parsed("keep", values::duration);
    pictures.finish();
    let default = Pictures::default();
    Pictures { folder: folder.unwrap_or(default.folder), keep: keep.unwrap_or(default.keep) }
}

fn mail(root: &Path, mail: Mapping<'_>) -> Mail {
    use super::Transport::{Maildir, Smtp, Smtps};
    let transport = mail.parsed("transport", values::transport).unwrap_or(Maildir("var/outbox".to_string()));
    let user = mail.text("user");
    let relay_trusted = mail.choice("relay", &[("trusted", true), ("untrusted", false)]).unwrap_or(false);
    let words = [("required", Tls::Required), ("opportunistic", Tls::Opportunistic), ("none", Tls::None)];
    let tls = mail.choice("tls", &words).unwrap_or(Tls::Required);
    if let (Tls::None, Smtp { host, .. }, Some(node)) = (tls, &transport, mail.get("tls"))
        && !values::is_loopback(host)
        && !relay_trusted
    {
        let help = "write `tls: required`, or, if everything on the way there is yours, `relay: trusted` beside it";
        node.problem("mail-in-clear", format!("without TLS, letters cross the network to {host} in clear"), help);
    }
    if let (Tls::None, Smtps { .. }, Some(node)) = (tls, &transport, mail.get("tls")) {
        node.problem("bad-value", "`smtps://` is TLS from the first byte", "take `tls` out, or write `smtp://`");
    }
    let mechanisms =
        [("auto", Auth::Auto), ("plain", Auth::Plain), ("login", Auth::Login), ("xoauth2", Auth::Xoauth2)];
    let auth = mail.choice("auth", &mechanisms).unwrap_or_default();
    let hello = mail.parsed("hello", values::host_name);
    let roots = mail.text("roots");
    if let (Some(file), Some(node)) = (&roots, mail.get("roots"))
        && !root.join(file).is_file()
    {
        let help = "write the path of a PEM file, from the project's folder, or take `roots` out: the system's serve";
        node.problem("bad-value", format!("there is no file `{file}`"), help);
    }
    let connections = mail.number("connections", 1).map_or(8, |n| usize::try_from(n).unwrap_or(usize::MAX));
    if let (true, Some(node)) = (connections > 200, mail.get("connections")) {
        node.problem(
            "bad-value",
            "no mail server takes more than 200 connections from one sender",
            "8 is a good start",
        );
    }
    let limits = super::limits::read(&mail);
    let bounces_to = mail.parsed("bounces_to", values::address);
    let bounce_tokens = mail.truth("bounce_tokens").unwrap_or(true);
    if let (true, Some(address), Some(node)) = (bounce_tokens, &bounces_to, mail.get("bounces_to"))
        && !values::takes_a_token(address)
    {
        let help = "choose a shorter one, or write `bounce_tokens: no` beside it";
        node.problem(
            "bad-value",
            "with its token, what stands before the @ would be longer than 64 characters",
            help,
        );
    }
    let dkim = dkim::read(root, &mail);
    mail.finish();
    Mail {
        transport,
        user,
        tls,
        relay_trusted,
        auth,
        hello,
        roots,
        connections,
        limits,
        bounces_to,
        bounce_tokens,
        dkim,
    }
}

fn web(web: Mapping<'_>) -> Web {
    let listen = web.parsed("listen", |text| match text.parse::<std::net::SocketAddr>() {
        Ok(_) => Ok(text.to_string()),
        Err(_) => reject(format!("`{text}` is not an address to listen on"), "for example `127.0.0.1:8080`"),
    });
    let url = web.parsed("url", values::base_url);
    let trusted_proxies = web.list("trusted_proxies").unwrap_or_default().iter().filter_map(network).collect();
    let confirmations = joining::confirmations(web.section("confirmations"));
    let watching = [("loopback", Watching::Loopback), ("open", Watching::Open), ("none", Watching::None)];
    let status = web.choice("status", &watching).unwrap_or_default();
    web.finish();
    Web {
        listen: listen.unwrap_or_else(|| "127.0.0.1:8080".to_string()),
        url,
        trusted_proxies,
        confirmations,
        status,
    }
}

/// An address, or a network.
fn network(node: &Node<'_>) -> Option<Network> {
    let text = node.text()?;
    let network = text.trim().parse();
    if network.is_err() {
        let help = "write the proxy's own address, for example `127.0.0.1`, or its network: `10.0.0.0/8`";
        node.problem("bad-value", format!("`{text}` is neither an address nor a network"), help);
    }
    network.ok()
}

/// What `git check-ref-format --branch` takes, and nothing that a command line or a refspec would read otherwise.
fn is_branch_name(text: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty() && !part.starts_with(['.', '-']) && !part.ends_with('.') && !part.ends_with(".lock")
    };
    let letter = |c: char| c.is_alphanumeric() || "-_./".contains(c);
    text.chars().all(letter) && !text.contains("..") && text != "HEAD" && text.split('/').all(part)
}

fn database(text: &str) -> Result<String, super::reader::Reject> {
    let help =
        "write `sqlite:PATH`, for example `sqlite:var/crieur.db`, or `postgres://USER@HOST/NAME`, or `git:BRANCH`";
    if let Some(path) = text.strip_prefix("sqlite:") {
        return match path.trim_start_matches("//").trim() {
            "" => reject("`sqlite:` names no file", help),
            path => Ok(format!("sqlite:{path}")),
        };
    }
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return match url::Url::parse(text) {
            Ok(url) if url.has_host() && url.path().len() > 1 => Ok(text.to_string()),
            _ => reject("this names no PostgreSQL database", "write `postgres://USER@HOST/NAME`"),
        };
    }
    if let Some(branch) = text.strip_prefix("git:") {
        return match is_branch_name(branch) {
            true => Ok(text.to_string()),
            false => reject(format!("`{branch}` is no name of a branch"), "for example `git:crieur`"),
        };
    }
    reject(format!("`{text}` is not a database"), help)
}
