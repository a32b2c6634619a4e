//! Asks the DNS for texts, and judges what stands there of a sender: its keys (RFC 6376), its servers (SPF, RFC 7208), and
//! what receivers should do with what is not its own (DMARC, RFC 7489).
//!
//! Only `doctor` asks. The judging is pure.
//!
//! BUGS: whether SPF names the server that letters leave by is not told: that server may be behind another.

use std::net::SocketAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;

/// How long one name server may take for one answer.
const PATIENCE: Duration = Duration::from_secs(3);

/// Somebody to ask.
pub struct Dns {
    resolver: TokioResolver,
}

impl Dns {
    /// Asks this server, or those of the system.
    pub fn new(server: Option<SocketAddr>) -> Result<Dns, String> {
        let mut builder = match server {
            Some(address) => {
                let mut connections = vec![ConnectionConfig::udp(), ConnectionConfig::tcp()];
                connections.iter_mut().for_each(|connection| connection.port = address.port());
                let server = NameServerConfig::new(address.ip(), true, connections);
                let config = ResolverConfig::from_name_servers(vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
            None => TokioResolver::builder_tokio().map_err(|why| why.to_string())?,
        };
        let options = builder.options_mut();
        options.timeout = PATIENCE;
        options.attempts = 1;
        Ok(Dns { resolver: builder.build().map_err(|why| why.to_string())? })
    }

    /// The TXT records of a name, each in one piece; none is no error.
    pub async fn texts(&self, name: &str) -> Result<Vec<String>, String> {
        // The dot keeps the system's own domains away from it.
        let lookup = match self.resolver.txt_lookup(format!("{name}.")).await {
            Ok(lookup) => lookup,
            Err(why) if why.is_no_records_found() || why.is_nx_domain() => return Ok(Vec::new()),
            Err(why) => return Err(why.to_string()),
        };
        let texts = lookup.answers().iter().filter_map(|record| match &record.data {
            RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
            _ => None,
        });
        Ok(texts.collect())
    }
}

/// A record that is not what it should be: what is wrong, and whether letters suffer from it surely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    Good(String),
    Doubtful(String),
    Bad(String),
}

/// A tag of a record like `v=DKIM1; k=rsa; p=…`, its white space taken out.
fn tag(record: &str, name: &str) -> Option<String> {
    record.split(';').find_map(|part| {
        let (found, value) = part.split_once('=')?;
        (found.trim() == name).then(|| value.chars().filter(|c| !c.is_whitespace()).collect())
    })
}

/// Whether the DNS holds this key.
pub fn dkim(texts: &[String], ours: &str) -> Verdict {
    let records: Vec<&String> = texts.iter().filter(|text| tag(text, "p").is_some()).collect();
    match records.as_slice() {
        [] => Verdict::Bad(
            "the DNS does not hold it: receivers find no key, and take the signature for none".to_string(),
        ),
        [_, _, ..] => Verdict::Bad("the DNS holds several keys there, and receivers may take any".to_string()),
        [record] if tag(record, "p").is_some_and(|key| key.is_empty()) => {
            Verdict::Bad("the DNS says that this key is revoked (`p=` is empty)".to_string())
        }
        [record] if tag(record, "p") != tag(ours, "p") => {
            Verdict::Bad("the DNS holds another key there: no signature of ours will hold".to_string())
        }
        [record] if tag(record, "t").is_some_and(|flags| flags.split(':').any(|flag| flag == "y")) => {
            Verdict::Doubtful("it is there, but says that it is only being tested (`t=y`)".to_string())
        }
        [_] => Verdict::Good("the DNS holds it".to_string()),
    }
}

/// What the envelope sender's domain says of the servers that may send for it.
pub fn spf(texts: &[String]) -> Verdict {
    let is_spf = |text: &&String| text.split(' ').next().is_some_and(|word| word.eq_ignore_ascii_case("v=spf1"));
    let records: Vec<&String> = texts.iter().filter(is_spf).collect();
    match records.as_slice() {
        [] => Verdict::Doubtful("there is no SPF record: large receivers want one".to_string()),
        [record] if record.split(' ').any(|word| matches!(word.to_ascii_lowercase().as_str(), "+all" | "all")) => {
            Verdict::Doubtful(format!("SPF lets the whole world send for it: {record}"))
        }
        [record] => Verdict::Good((*record).clone()),
        several => {
            Verdict::Bad(format!("{} SPF records stand there, which receivers take for an error", several.len()))
        }
    }
}

/// Where DMARC may stand for a domain: with itself, then with each one above that is no top-level domain.
pub fn dmarc_names(domain: &str) -> Vec<String> {
    let mut names = vec![format!("_dmarc.{domain}")];
    let mut rest = domain;
    while let Some((_, above)) = rest.split_once('.').filter(|(_, above)| above.contains('.')) {
        names.push(format!("_dmarc.{above}"));
        rest = above;
    }
    names
}

/// The DMARC record among these.
pub fn dmarc(texts: &[String]) -> Option<Verdict> {
    let records: Vec<&String> = texts.iter().filter(|text| tag(text, "v").as_deref() == Some("DMARC1")).collect();
    match records.as_slice() {
        [] => None,
        [record] if tag(record, "p").is_none() => {
            Some(Verdict::Bad(format!("DMARC names no policy (`p=`): {record}")))
        }
        [record] => Some(Verdict::Good((*record).clone())),
        _ => Some(Verdict::Bad("several DMARC records stand there, which receivers take for none".to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| text.to_string()).collect()
    }

    #[test]
    fn a_key_in_the_dns_is_ours_or_is_not() {
        let ours = "v=DKIM1; k=rsa; p=AAAA";
        for (found, good) in [
            (&["v=DKIM1; k=rsa; p=AA AA"][..], "the DNS holds it"),
            (&["something", "p=AAAA"], "the DNS holds it"),
            (&[], "does not hold"),
            (&["v=spf1 -all"], "does not hold"),
            (&["v=DKIM1; p=BBBB"], "another key"),
            (&["v=DKIM1; p="], "revoked"),
            (&["v=DKIM1; p=AAAA", "v=DKIM1; p=BBBB"], "several"),
            (&["v=DKIM1; t=s:y; p=AAAA"], "tested"),
        ] {
            let (Verdict::Good(said) | Verdict::Doubtful(said) | Verdict::Bad(said)) = dkim(&texts(found), ours);
            assert!(said.contains(good), "{found:?}: {said}");
        }
    }

    #[test]
    fn spf_is_one_record_that_does_not_let_everybody_in() {
        assert_eq!(spf(&texts(&["x", "v=spf1 mx -all"])), Verdict::Good("v=spf1 mx -all".to_string()));
        assert!(matches!(spf(&texts(&["v=spf10 all"])), Verdict::Doubtful(_)));
        assert!(matches!(spf(&texts(&["v=spf1 +all"])), Verdict::Doubtful(_)));
        assert!(matches!(spf(&texts(&["v=spf1 -all", "V=SPF1 ~all"])), Verdict::Bad(_)));
    }

    #[test]
    fn dmarc_is_looked_for_upwards() {
        let names = ["_dmarc.a.b.example.org", "_dmarc.b.example.org", "_dmarc.example.org"];
        assert_eq!(dmarc_names("a.b.example.org"), names);
        assert_eq!(dmarc(&texts(&["v=spf1 -all"])), None);
        assert!(matches!(dmarc(&texts(&["v=DMARC1; p=none"])), Some(Verdict::Good(_))));
        assert!(matches!(dmarc(&texts(&["v=DMARC1"])), Some(Verdict::Bad(_))));
    }
}
