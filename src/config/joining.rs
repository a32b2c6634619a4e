//! Reads how people join a newsletter by the web service's page: its own keys, and `web.confirmations`.

use std::time::Duration;

use super::reader::{Mapping, Reject};
use super::{Audience, Config, Confirmations, Mailbox, Rate, values};

/// What a newsletter says of joining it.
pub struct Joining {
    pub subscribe: bool,
    pub consent: Option<String>,
    pub consent_version: Option<String>,
    pub confirm_from: Option<Mailbox>,
}

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

impl Default for Confirmations {
    /// Whoever mistypes or loses a letter can ask again, for a few newsletters on one evening, and somebody else's address is not
    /// flooded; an office behind one address can subscribe after a meeting; and a network of robots, with an address each, sends
    /// no more than any mail server bears.
    fn default() -> Self {
        Confirmations {
            per_address: Rate { count: 5, per: DAY },
            per_network: Rate { count: 20, per: HOUR },
            per_newsletter: Rate { count: 200, per: HOUR },
        }
    }
}

/// `confirmations: { per_address: 5/d, per_network: 20/h, per_newsletter: 200/h }`.
pub fn confirmations(section: Mapping<'_>) -> Confirmations {
    let default = Confirmations::default();
    let rate = |text: &str| {
        let help = "write how many letters in which time: `5/d`, `20/h` or `2/min`";
        values::rate(text).map_err(|no| Reject { help: help.to_string(), ..no })
    };
    let read = |key: &str, default: Rate| section.parsed(key, rate).unwrap_or(default);
    let confirmations = Confirmations {
        per_address: read("per_address", default.per_address),
        per_network: read("per_network", default.per_network),
        per_newsletter: read("per_newsletter", default.per_newsletter),
    };
    section.finish();
    confirmations
}

/// `subscribe: open | none`, `consent`, `consent_version`, `confirm_from`.
pub fn read(config: &Config, top: &Mapping<'_>, to: &Audience) -> Joining {
    let given = top.choice("subscribe", &[("open", true), ("none", false)]);
    let known = *to == Audience::Recipients && config.branch().is_none();
    // A letter must be able to name the page that confirms.
    let possible = known && config.web.url.is_some();
    if let (Some(node), Some(true)) = (top.get("subscribe"), given) {
        if !known {
            let help = "write `to: recipients`, with a database that has them, or take `subscribe` out";
            node.problem("nobody-joins", "people can subscribe to `to: recipients` alone", help);
        } else if !possible {
            let message = "nobody can subscribe yet: letters name the page that confirms, and `web.url` is missing";
            node.warning("nobody-joins", message, "add `web.url` to config/crieur.yaml, the web service's address");
        }
    }
    let line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let text = |key: &str| top.text(key).map(|text| line(&text)).filter(|text| !text.is_empty());
    let (consent, consent_version) = (text("consent"), text("consent_version"));
    let confirm_from = top.parsed("confirm_from", values::mailbox);
    let subscribe = given.unwrap_or(true) && possible;
    for key in ["consent", "consent_version", "confirm_from"] {
        if let Some(node) = top.get(key).filter(|_| !subscribe && given != Some(true)) {
            let message = format!("`{key}` changes nothing: nobody subscribes to this newsletter by a page");
            node.warning("unused-key", message, "take it out, or write `subscribe: open`");
        }
    }
    Joining { subscribe, consent, consent_version, confirm_from }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SMALL, read};
    use super::*;

    fn newsletter(web: &str, text: &str) -> (Option<super::super::Newsletter>, String) {
        let text = format!("from: A <a@example.org>\nleave: mailto:a@example.org\n{text}");
        let config = format!("{SMALL}{web}");
        let (config, problems) = read(&[("config/crieur.yaml", &config), ("config/newsletters/a.yaml", &text)]);
        (config.and_then(|config| config.newsletters.into_iter().next()), problems)
    }

    const WEB: &str = "web: { url: \"https://lettre.example.org/\" }\n";

    #[test]
    fn anybody_joins_a_list_of_recipients_where_the_service_has_an_address() {
        for (web, text, open) in [
            (WEB, "", true),
            (WEB, "subscribe: open\n", true),
            (WEB, "subscribe: none\n", false),
            ("", "", false),
            (WEB, "to: list@example.org\n", false),
            (WEB, "to: file:people.csv\n", false),
        ] {
            let (newsletter, problems) = newsletter(web, text);
            let newsletter = newsletter.unwrap_or_else(|| panic!("{problems}"));
            assert_eq!(newsletter.subscribe, open, "{web}{text}");
        }
        let own = "consent: |\n  I want\n  it.\nconsent_version: 2026-03\nconfirm_from: Desk <desk@example.org>\n";
        let (newsletter, problems) = newsletter(WEB, own);
        assert_eq!(problems, "");
        let newsletter = newsletter.expect("a newsletter");
        assert_eq!(newsletter.consent.as_deref(), Some("I want it."));
        assert_eq!(newsletter.consent_version.as_deref(), Some("2026-03"));
        assert_eq!(newsletter.confirm_from.map(|from| from.address).as_deref(), Some("desk@example.org"));
    }

    #[test]
    fn a_list_that_nobody_can_join_says_why() {
        let said = |web: &str, text: &str| newsletter(web, text).1.lines().next().unwrap_or_default().to_string();
        assert_eq!(
            said("", "subscribe: open\n"),
            "Warning[nobody-joins] config/newsletters/a.yaml:3:12: nobody can subscribe yet: letters name the page that confirms, and `web.url` is missing"
        );
        assert_eq!(
            said(WEB, "to: file:people.csv\nsubscribe: open\n"),
            "Error[nobody-joins] config/newsletters/a.yaml:4:12: people can subscribe to `to: recipients` alone"
        );
        assert_eq!(
            said(WEB, "subscribe: none\nconsent: I agree\n"),
            "Warning[unused-key] config/newsletters/a.yaml:4:10: `consent` changes nothing: nobody subscribes to this newsletter by a page"
        );
    }

    #[test]
    fn limits_and_proxies_are_read_and_refused_with_what_would_be_right() {
        let web = "web:\n  url: https://lettre.example.org/\n  trusted_proxies: [127.0.0.1, \"fd00::/8\"]\n  \
                   confirmations: { per_address: 2/d, per_network: 7/h }\n";
        let (config, problems) = read(&[("config/crieur.yaml", &format!("{SMALL}{web}"))]);
        assert_eq!(problems, "");
        let config = config.expect("a configuration");
        assert_eq!(config.web.trusted_proxies.len(), 2);
        assert_eq!(config.web.confirmations.per_address, Rate { count: 2, per: DAY });
        assert_eq!(config.web.confirmations.per_network, Rate { count: 7, per: HOUR });
        assert_eq!(config.web.confirmations.per_newsletter, Confirmations::default().per_newsletter);
        let web = "web:\n  trusted_proxies: [proxy]\n  confirmations: { per_address: many, per_day: 3 }\n";
        let (_, problems) = read(&[("config/crieur.yaml", &format!("{SMALL}{web}"))]);
        for told in [
            "`proxy` is neither an address nor a network",
            "`many` is not a rate",
            "help: write how many letters in which time: `5/d`, `20/h` or `2/min`",
            "there is no key `per_day` in `web.confirmations`",
        ] {
            assert!(problems.contains(told), "{told}: {problems}");
        }
    }
}
