//! What the DNS says of the domains that letters come from.

use std::collections::BTreeSet;

use super::{Finding, State};
use crate::config::{Config, Transport};
use crate::mail::address::Address;
use crate::mail::dkim::Key;
use crate::mail::dns::{self, Dns, Verdict};

/// Names a DNS server to ask instead of the system's: `127.0.0.1:5353`. The one that serves the zone answers at once what
/// others will see later.
pub const SERVER_VARIABLE: &str = "CRIEUR_DNS";

/// Asks for keys, SPF and DMARC. Letters that stay in a Maildir need none of them.
pub async fn look(config: &Config) -> Vec<Finding> {
    if matches!(config.mail.transport, Transport::Maildir(_)) || config.newsletters.is_empty() {
        return Vec::new();
    }
    let server = match std::env::var(SERVER_VARIABLE).map(|text| text.parse()) {
        Ok(Ok(server)) => Some(server),
        Ok(Err(_)) => {
            let message = format!("{SERVER_VARIABLE} is no address with a port");
            return vec![Finding::new("dns", State::Error, message).help("for example 192.0.2.53:53")];
        }
        Err(_) => None,
    };
    let mut findings = Vec::new();
    let asked = match Dns::new(server) {
        Ok(dns) => ask(&dns, config, &mut findings).await,
        Err(why) => Err(why),
    };
    if let Err(why) = asked {
        let message = format!("the DNS cannot be asked: {why}");
        let help =
            format!("keys, SPF and DMARC were not looked at; {SERVER_VARIABLE}=ADDRESS:PORT names another server");
        findings.push(Finding::new("dns", State::Warning, message).help(help));
    }
    findings
}

async fn ask(dns: &Dns, config: &Config, findings: &mut Vec<Finding>) -> Result<(), String> {
    for one in &config.mail.dkim {
        let Ok(key) = Key::read(&one.path) else { continue };
        let name = format!("{}._domainkey.{}", one.selector, one.domain);
        let verdict = dns::dkim(&dns.texts(&name).await?, &key.record());
        findings.push(finding(&name, verdict, "put the record below into the zone, and wait until it is seen"));
    }
    let domain = |address: &str| Address::parse(address).ok().map(|address| address.domain().to_string());
    let froms: BTreeSet<String> = config.newsletters.iter().filter_map(|one| domain(&one.from.address)).collect();
    let senders = match &config.mail.bounces_to {
        Some(address) => domain(address).into_iter().collect(),
        None => froms.clone(),
    };
    for sender in senders {
        let verdict = dns::spf(&dns.texts(&sender).await?);
        findings.push(finding(
            &sender,
            verdict,
            "let it name the servers that letters leave by: `v=spf1 mx -all`, say",
        ));
    }
    for from in froms {
        let mut verdict = None;
        let names = dns::dmarc_names(&from);
        let mut at = names.first().cloned().unwrap_or_default();
        for name in names {
            verdict = dns::dmarc(&dns.texts(&name).await?);
            if verdict.is_some() {
                at = name;
                break;
            }
        }
        let none = || Verdict::Doubtful("there is no DMARC record: large receivers want one".to_string());
        findings.push(finding(
            &at,
            verdict.unwrap_or_else(none),
            "begin with `v=DMARC1; p=none; rua=mailto:ADDRESS`",
        ));
    }
    Ok(())
}

fn finding(subject: &str, verdict: Verdict, help: &str) -> Finding {
    let subject = format!("dns {subject}");
    match verdict {
        Verdict::Good(words) => Finding::new(subject, State::Ok, words),
        Verdict::Doubtful(words) => Finding::new(subject, State::Warning, words).help(help),
        Verdict::Bad(words) => Finding::new(subject, State::Error, words).help(help),
    }
}
