//! The values of the configuration that are more than a word: read from text, refused with what would be right.

use std::str::FromStr;
use std::time::Duration as StdDuration;

use chrono::Duration;
use chrono_tz::Tz;
use url::Url;

use super::reader::{Reject, nearest, reject};
use super::{Audience, Leave, Mailbox, Rate, Schedule, Transport};

type Read<T> = Result<T, Reject>;

/// A site's address: absolute, `http` or `https`, and ending in `/`.
pub fn base_url(text: &str) -> Read<Url> {
    let help = "write the whole address, for example `https://www.example.org/`";
    let Ok(mut url) = Url::parse(text) else { return reject(format!("`{text}` is not a whole web address"), help) };
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return reject(format!("`{text}` is not a web address"), help);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return reject(format!("`{text}` holds `?` or `#`, and nothing can stand under it"), help);
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// Any absolute web address.
pub fn web_address(text: &str) -> Read<String> {
    match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => Ok(text.to_string()),
        _ => reject(format!("`{text}` is not a whole web address"), "it starts with `https://`"),
    }
}

pub fn zone(text: &str) -> Read<Tz> {
    Tz::from_str(text).or_else(|_| {
        let help = match nearest(text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())) {
            Some(name) => format!("did you mean `{name}`?"),
            None => "write it as Region/City, for example `Europe/Paris`, or `UTC`".to_string(),
        };
        reject(format!("there is no time zone `{text}`"), help)
    })
}

/// A language's tag (BCP 47).
pub fn language(text: &str) -> Read<String> {
    let mut parts = text.split('-');
    let first = parts.next().unwrap_or("");
    let primary = (2..=8).contains(&first.len()) && first.chars().all(|c| c.is_ascii_alphabetic());
    let rest = parts.all(|part| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric()));
    if primary && rest {
        return Ok(text.to_string());
    }
    reject(format!("`{text}` is not a language's tag"), "write it as in HTML's `lang`: `fr`, `en`, `pt-BR`")
}

/// `50/s`, `600/min`, `1000/h`.
pub fn rate(text: &str) -> Read<Rate> {
    let help = "write how many letters in which time: `50/s`, `600/min` or `1000/h`";
    let refused = format!("`{text}` is not a rate");
    let Some((count, unit)) = text.split_once('/') else { return reject(refused, help) };
    let seconds = match unit.trim() {
        "s" => 1,
        "min" | "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return reject(refused, help),
    };
    match count.trim().parse::<u32>() {
        Ok(count) if count > 0 => Ok(Rate { count, per: StdDuration::from_secs(seconds) }),
        _ => reject(refused, help),
    }
}

/// `45s`, `30m`, `6h`, `3d`, `2w`, `1y`; a year has 365 days.
pub fn duration(text: &str) -> Read<Duration> {
    let help = "write a number and its unit: `30m`, `6h` or `3d`";
    let refused = format!("`{text}` is not a length of time");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let Ok(number) = digits.trim().parse::<u32>() else { return reject(refused, help) };
    let number = i64::from(number);
    Ok(match text[digits.len()..].trim() {
        "s" => Duration::seconds(number),
        "m" | "min" => Duration::minutes(number),
        "h" => Duration::hours(number),
        "d" => Duration::days(number),
        "w" => Duration::weeks(number),
        "y" => Duration::days(number.saturating_mul(365)),
        _ => return reject(refused, help),
    })
}

/// `80kB`, `1 MB`, `500`: in bytes, a kilobyte having 1000.
pub fn weight(text: &str) -> Read<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim();
    let factor = match text[digits.len()..].trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        _ => 0,
    };
    match digits.parse::<u64>().ok().and_then(|number| number.checked_mul(factor)) {
        Some(bytes) if bytes > 0 => Ok(bytes),
        _ => reject(format!("`{text}` is not a weight"), "write a number and its unit: `80kB` or `1MB`"),
    }
}

/// `off`, or a duration.
pub fn duration_or_off(text: &str) -> Read<Option<Duration>> {
    match text {
        "off" | "no" | "false" => Ok(None),
        _ => duration(text).map(Some).map_err(|no| Reject { help: format!("{}, or `off`", no.help), ..no }),
    }
}

pub fn transport(text: &str) -> Read<Transport> {
    let help = "it can be `maildir:FOLDER`, `smtp://HOST:PORT`, `smtps://HOST:PORT` or `sendmail:`";
    if text == "sendmail:" || text == "sendmail" {
        return Ok(Transport::Sendmail);
    }
    if let Some(folder) = text.strip_prefix("maildir:") {
        return match folder.trim() {
            "" => reject("`maildir:` names no folder", "for example `maildir:var/outbox`"),
            folder => Ok(Transport::Maildir(folder.to_string())),
        };
    }
    let url = match Url::parse(text) {
        Ok(url) if matches!(url.scheme(), "smtp" | "smtps") => url,
        _ => return reject(format!("`{text}` is not a way to send mail"), help),
    };
    let Some(host) = url.host_str().filter(|host| !host.is_empty()) else {
        return reject(format!("`{text}` names no mail server"), help);
    };
    if !url.username().is_empty() || url.password().is_some() {
        return reject(
            "a user or a password stands in the transport",
            "write `mail.user`, and give the password in the environment: CRIEUR_SMTP_PASSWORD or CRIEUR_SMTP_PASSWORD_FILE",
        );
    }
    if !matches!(url.path(), "" | "/") || url.query().is_some() {
        return reject(format!("`{text}` holds more than a host and a port"), help);
    }
    let host = host.trim_matches(['[', ']']).to_string();
    Ok(match url.scheme() {
        "smtps" => Transport::Smtps { host, port: url.port().unwrap_or(465) },
        _ => Transport::Smtp { host, port: url.port().unwrap_or(25) },
    })
}

/// A machine's name, as EHLO says it.
pub fn host_name(text: &str) -> Read<String> {
    let right = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if text.len() > 253 || !text.split('.').all(right) {
        return reject(format!("`{text}` is not a host name"), "for example `mail.example.org`");
    }
    Ok(text.to_string())
}

/// An address that a mail server can be given.
pub fn address(text: &str) -> Read<String> {
    let help = "for example `lettre@example.org`";
    if text.parse::<lettre::Address>().is_err() || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return reject(format!("`{text}` is not a mail address"), help);
    }
    Ok(text.to_string())
}

/// `Name <address>`, `"Name" <address>` or an address alone.
pub fn mailbox(text: &str) -> Read<Mailbox> {
    let help = "write it as `Name <address@example.org>`";
    if text.chars().any(char::is_control) {
        return reject("a name or an address cannot hold a line break", help);
    }
    let Some((name, rest)) = text.split_once('<') else {
        return match address(text) {
            Ok(address) => Ok(Mailbox { name: None, address }),
            Err(no) => reject(no.message, help),
        };
    };
    let Some(inner) = rest.trim_end().strip_suffix('>') else {
        return reject(format!("`{text}` lacks its `>`"), help);
    };
    let address = address(inner.trim()).map_err(|no| Reject { help: help.to_string(), ..no })?;
    let name = name.trim().trim_matches('"').replace("\\\"", "\"");
    Ok(Mailbox { name: (!name.is_empty()).then_some(name), address })
}

/// `recipients`, an address (list mode), or `file:PATH`.
pub fn audience(text: &str) -> Read<Audience> {
    let help = "it can be `recipients`, one address (list mode), or `file:config/people.csv`";
    if text == "recipients" {
        return Ok(Audience::Recipients);
    }
    if let Some(path) = text.strip_prefix("file:") {
        return match path.trim() {
            "" => reject("`file:` names no file", help),
            path => Ok(Audience::File(path.to_string())),
        };
    }
    match address(text) {
        Ok(address) => Ok(Audience::Address(address)),
        Err(_) => reject(format!("`{text}` is nobody to write to"), help),
    }
}

/// `web`, `list`, `mailto:ADDRESS`, or an address on the web.
pub fn leave(text: &str) -> Read<Leave> {
    let help = "it can be `web`, `mailto:ADDRESS`, `list`, or a whole address that starts with `https://`";
    match text {
        "web" => return Ok(Leave::Web),
        "list" => return Ok(Leave::List),
        _ => {}
    }
    if let Some(to) = text.strip_prefix("mailto:") {
        return address(to).map(Leave::Mailto).map_err(|no| Reject { help: help.to_string(), ..no });
    }
    match web_address(text) {
        Ok(url) => Ok(Leave::Url(url)),
        Err(_) => reject(format!("`{text}` is no way out"), help),
    }
}

/// A cron expression, `each-item`, `each-run` or `manual`.
pub fn schedule(text: &str) -> Read<Schedule> {
    match text {
        "each-item" => return Ok(Schedule::EachItem),
        "each-run" => return Ok(Schedule::EachRun),
        "manual" => return Ok(Schedule::Manual),
        _ => {}
    }
    match croner::Cron::from_str(text) {
        Ok(_) => Ok(Schedule::Cron(text.to_string())),
        Err(error) => reject(
            format!("`{text}` is not a schedule: {error}"),
            "write five fields as for cron (minute hour day month weekday), for example \"0 9 1 * *\", or each-item, each-run or manual",
        ),
    }
}

/// A path under the output folder: relative, with `/`, and never out of it.
pub fn output_path(text: &str) -> Read<String> {
    let help = "write a path inside `publish.out`, for example `feed/feed.xml`";
    if text.contains('\\') || text.chars().any(char::is_control) || text.contains(['?', '#']) {
        return reject(format!("`{text}` holds a character that a feed's address cannot have"), help);
    }
    if text.starts_with('/') || text.get(1..2) == Some(":") {
        return reject(format!("`{text}` is not relative to `publish.out`"), help);
    }
    let mut parts = Vec::new();
    for part in text.split('/') {
        match part {
            "." => {}
            ".." => return reject(format!("`{text}` leads out of `publish.out`"), help),
            "" => return reject(format!("`{text}` names no file"), help),
            part => parts.push(part),
        }
    }
    if parts.is_empty() {
        return reject(format!("`{text}` names no file"), help);
    }
    Ok(parts.join("/"))
}

/// A template of an item's address.
pub fn permalink(text: &str) -> Read<String> {
    const NAMES: [&str; 7] = ["stem", "slug", "folder", "path", "year", "month", "day"];
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, more)) = after.split_once('}') else {
            return reject(format!("a `{{` of `{text}` is not closed"), "for example `/posts/{stem}/`");
        };
        if !NAMES.contains(&name) {
            let known = "it can hold {stem} {slug} {folder} {path} {year} {month} {day}";
            let help = match nearest(name, NAMES.into_iter()) {
                Some(near) => format!("did you mean `{{{near}}}`? {known}"),
                None => known.to_string(),
            };
            return reject(format!("`{{{name}}}` is unknown in a permalink"), help);
        }
        rest = more;
    }
    Ok(text.to_string())
}

/// Whether `+` and a token of 39 characters fit behind this address's local part.
pub fn takes_a_token(address: &str) -> bool {
    address.rsplit_once('@').is_some_and(|(local, _)| local.len() + 40 <= 64 && !local.starts_with('"'))
}

/// Whether a host is this machine.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn no<T>(read: Read<T>) -> String {
        match read {
            Ok(_) => "taken".to_string(),
            Err(Reject { message, help }) => format!("{message} / {help}"),
        }
    }

    #[test]
    fn rates_and_durations_are_read_with_their_units() {
        assert_eq!(rate("50/s").ok(), Some(Rate { count: 50, per: StdDuration::from_secs(1) }));
        assert_eq!(rate("600/min").ok(), Some(Rate { count: 600, per: StdDuration::from_secs(60) }));
        assert_eq!(rate("9 / h").ok(), Some(Rate { count: 9, per: StdDuration::from_secs(3600) }));
        assert_eq!(duration("30m").ok(), Some(Duration::minutes(30)));
        assert_eq!(duration("3d").ok(), Some(Duration::days(3)));
        assert_eq!(duration("2y").ok(), Some(Duration::days(730)));
        assert_eq!(duration_or_off("off").ok(), Some(None));
        assert_eq!(
            no(rate("0/s")),
            "`0/s` is not a rate / write how many letters in which time: `50/s`, `600/min` or `1000/h`"
        );
        assert_eq!(
            no(duration("6é")),
            "`6é` is not a length of time / write a number and its unit: `30m`, `6h` or `3d`"
        );
    }

    #[test]
    fn transports_are_read_and_passwords_in_them_refused() {
        assert_eq!(transport("maildir:var/outbox").ok(), Some(Transport::Maildir("var/outbox".into())));
        assert_eq!(transport("smtp://[::1]:2525").ok(), Some(Transport::Smtp { host: "::1".into(), port: 2525 }));
        assert_eq!(
            transport("smtps://mail.example.org").ok(),
            Some(Transport::Smtps { host: "mail.example.org".into(), port: 465 })
        );
        assert_eq!(transport("sendmail:").ok(), Some(Transport::Sendmail));
        assert!(no(transport("smtp://me:secret@mail.example.org")).contains("CRIEUR_SMTP_PASSWORD"));
        assert!(!no(transport("smtp://me:secret@mail.example.org")).contains("secret"));
        assert!(no(transport("pigeon:roof")).starts_with("`pigeon:roof` is not a way to send mail / it can be"));
    }

    #[test]
    fn a_host_name_can_stand_in_a_command() {
        assert_eq!(host_name("lettre-1.example.org").ok().as_deref(), Some("lettre-1.example.org"));
        for name in ["", "a b", "a..b", "-a.org", "a\r\nQUIT", "[192.0.2.1]", "préfecture.org"] {
            assert!(no(host_name(name)).contains("is not a host name"), "{name}");
        }
    }

    #[test]
    fn mailboxes_are_checked() {
        let both = Mailbox { name: Some("La lettre".into()), address: "a@example.org".into() };
        assert_eq!(mailbox("La lettre <a@example.org>").ok(), Some(both.clone()));
        assert_eq!(mailbox("\"La lettre\" <a@example.org>").ok(), Some(both));
        assert_eq!(mailbox("a@example.org").ok(), Some(Mailbox { name: None, address: "a@example.org".into() }));
        assert_eq!(no(mailbox("A <a@>")), "`a@` is not a mail address / write it as `Name <address@example.org>`");
        assert!(
            no(mailbox("A\r\nBcc: b <a@example.org>")).starts_with("a name or an address cannot hold a line break")
        );
    }

    #[test]
    fn outputs_cannot_leave_their_folder() {
        assert_eq!(output_path("./feed/feed.xml").ok().as_deref(), Some("feed/feed.xml"));
        assert_eq!(
            no(output_path("../x")),
            "`../x` leads out of `publish.out` / write a path inside `publish.out`, for example `feed/feed.xml`"
        );
        for path in ["/etc/x", "a/../../x", "C:/x", "a\\b", "", "a/", "."] {
            assert_ne!(no(output_path(path)), "taken", "{path}");
        }
    }

    #[test]
    fn schedules_zones_and_permalinks_say_what_would_be_right() {
        assert_eq!(schedule("0 9 1 * *").ok(), Some(Schedule::Cron("0 9 1 * *".into())));
        assert!(no(schedule("0 9 31")).starts_with("`0 9 31` is not a schedule: "));
        assert_eq!(no(zone("Europe/Pariss")), "there is no time zone `Europe/Pariss` / did you mean `Europe/Paris`?");
        assert!(no(permalink("/{stm}/")).starts_with("`{stm}` is unknown in a permalink / did you mean `{stem}`?"));
        assert_eq!(
            no(language("français")),
            "`français` is not a language's tag / write it as in HTML's `lang`: `fr`, `en`, `pt-BR`"
        );
    }
}
