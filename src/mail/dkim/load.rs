//! From the configuration to a [`Signer`]: reads the keys' files, and says what a person must mend.
//!
//! BUGS: whether two domains that are neither the same nor above one another belong to one organisation is told without
//! the list of public suffixes: those that share two labels do, unless these look like a country's (`co.uk`, `gouv.fr`).

use super::key::{Key, KeyError};
use super::{DomainKey, Signer};
use crate::config::{Config, Dkim, place_of};
use crate::mail::address::Address;
use crate::problem::{Problem, Problems, Severity};

/// The signer of a project's letters; `None`: its configuration names no key. A key that cannot be used is an error: what
/// should be signed must not leave without.
pub fn signer(config: &Config) -> Result<Option<Signer>, Problems> {
    let (mut keys, mut problems) = (Vec::new(), Problems::new());
    for dkim in &config.mail.dkim {
        match Key::read(&dkim.path) {
            Ok(key) => keys.push(DomainKey { domain: dkim.domain.clone(), selector: dkim.selector.clone(), key }),
            Err(why) => problems.push(unusable(dkim, &why)),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok((!keys.is_empty()).then(|| Signer::new(keys)))
}

/// What `check` says: as [`signer`], but that a key which is not there is a warning, for keys belong to no repository, and
/// may be elsewhere rightly; and whether receivers will take the signature for the sender's.
pub fn check(config: &Config) -> Problems {
    let mut problems = signer(config).err().unwrap_or_default();
    for problem in &mut problems.0 {
        if problem.code == ABSENT {
            problem.severity = Severity::Warning;
        }
    }
    for newsletter in &config.newsletters {
        let Ok(from) = Address::parse(&newsletter.from.address) else { continue };
        let Some(first) = config.mail.dkim.first() else { continue };
        if config.mail.dkim.iter().any(|dkim| aligned(from.domain(), &dkim.domain)) {
            continue;
        }
        let message = format!(
            "letters from {} are signed by {}, which is another organisation's domain to receivers (DMARC)",
            from.domain(),
            first.domain
        );
        let place = place_of(&config.root, &newsletter.file, &["from"]);
        let help = "let `from` and `mail.dkim` name the same domain, or one under the other";
        problems.push(Problem::warning("dkim-not-aligned", message).at(place).help(help));
    }
    problems
}

const ABSENT: &str = "no-dkim-key";

fn unusable(dkim: &Dkim, why: &KeyError) -> Problem {
    let file = &dkim.key;
    let (code, message, help) = match why {
        why if why.is_absent() => {
            let message = format!("there is no key to sign letters with: {file} does not exist");
            (
                ABSENT,
                message,
                "`crieur doctor --new-dkim-key` makes it, and says what to write in the DNS".to_string(),
            )
        }
        KeyError::Open(_) => ("dkim-key", format!("{file} cannot sign letters: {why}"), format!("chmod 600 {file}")),
        KeyError::TooSmall | KeyError::NoPem | KeyError::Other(_) => {
            let help = "give it a new name, and let `crieur doctor --new-dkim-key` make one";
            ("dkim-key", format!("{file} cannot sign letters: {why}"), help.to_string())
        }
        _ => {
            let help = "it must be a file that this user may read".to_string();
            ("dkim-key", format!("{file} cannot sign letters: {why}"), help)
        }
    };
    Problem::error(code, message).at(dkim.place.clone()).help(help)
}

/// Whether a signature of `domain` counts for a letter from `from` under DMARC's relaxed alignment.
pub fn aligned(from: &str, domain: &str) -> bool {
    let under = |below: &str, above: &str| below.strip_suffix(above).is_some_and(|rest| rest.ends_with('.'));
    if from == domain || under(from, domain) || under(domain, from) {
        return true;
    }
    let common: Vec<&str> =
        from.rsplit('.').zip(domain.rsplit('.')).take_while(|(a, b)| a == b).map(|(label, _)| label).collect();
    const SECOND_LEVELS: [&str; 18] = [
        "ac", "asso", "co", "com", "edu", "gob", "gouv", "gov", "gv", "mil", "net", "nhs", "nom", "or", "org",
        "police", "prd", "sch",
    ];
    match common.as_slice() {
        [] | [_] => false,
        [country, second] => !(country.len() == 2 && SECOND_LEVELS.contains(second)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_counts_for_its_own_organisation() {
        for (from, domain, counts) in [
            ("example.org", "example.org", true),
            ("lettre.example.org", "example.org", true),
            ("example.org", "lettre.example.org", true),
            ("lettre.example.org", "mail.example.org", true),
            ("example.org", "example.net", false),
            ("notexample.org", "example.org", false),
            ("a.gouv.fr", "b.gouv.fr", false),
            ("x.a.gouv.fr", "y.a.gouv.fr", true),
            ("a.co.uk", "b.co.uk", false),
        ] {
            assert_eq!(aligned(from, domain), counts, "{from} {domain}");
        }
    }
}
