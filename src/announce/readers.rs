//! Who the readers of a newsletter are, by their tags and by what they chose of its topics: people of the database, or of a
//! file whose columns `tags` and `topics` say it.
//!
//! Promises: a file is read in batches, never held whole.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use crate::config::{Audience, Config, Newsletter, Segment};
use crate::digest::Share;
use crate::people::People;
use crate::secrets::Secrets;
use crate::store::recipients::Addressee;
use crate::store::{Store, StoreError};

/// The distinct choices of a newsletter's readers, the most frequent first, what they received elsewhere included; none where it has
/// neither topics nor people who came from another. `store`: if there is a
/// database.
pub async fn choices(
    store: Option<&mut Store>,
    config: &Config,
    newsletter: &Newsletter,
) -> Result<Vec<String>, StoreError> {
    let counted = match (&newsletter.to, store) {
        (Audience::Recipients, Some(store)) => store.choices(&newsletter.name, &newsletter.segment).await?,
        (Audience::File(file), _) if !newsletter.topics.is_empty() => {
            choices_of_file(config, file, &newsletter.segment)
        }
        _ => Vec::new(),
    };
    Ok(counted.into_iter().map(|(topics, _)| topics).collect())
}

/// How many people a newsletter would go to now, but for those whose share is no letter.
pub async fn count(
    store: &mut Store,
    config: &Config,
    newsletter: &Newsletter,
    secrets: &Secrets,
    shares: &[Share],
) -> Result<i64, StoreError> {
    let without: Vec<&str> =
        shares.iter().filter(|share| share.variant.is_none()).map(|share| share.topics.as_str()).collect();
    Ok(match &newsletter.to {
        Audience::Recipients => store.count_readers(&newsletter.name, &newsletter.segment, &without).await?,
        Audience::Address(_) | Audience::HandOver(_) => 1,
        Audience::File(_) => i64::try_from(count_in_file(config, newsletter, secrets, &without)).unwrap_or(i64::MAX),
    })
}

/// How many people of a newsletter's file it goes to, but for those who chose one of `without`.
pub fn count_in_file(config: &Config, newsletter: &Newsletter, secrets: &Secrets, without: &[&str]) -> u64 {
    let Audience::File(file) = &newsletter.to else { return 0 };
    let Ok(mut people) = People::open(&config.root, Path::new(file), secrets) else { return 0 };
    let wanted = |person: &&Addressee| topics(person).is_none_or(|own| !without.contains(&own.as_str()));
    let mut count = 0;
    loop {
        match next_of(&mut people, &newsletter.segment) {
            batch if batch.is_empty() => return count,
            batch if without.is_empty() => count += batch.len() as u64,
            batch => count += batch.iter().filter(wanted).count() as u64,
        }
    }
}

/// How somebody stands in a newsletter's file, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InFile {
    pub belongs: bool,
    /// `None`: everything.
    pub topics: Option<String>,
}

/// Somebody of a newsletter's file, by their number; `None`: they are not in it, or it cannot be read.
pub fn in_file(config: &Config, newsletter: &Newsletter, secrets: &Secrets, recipient: i64) -> Option<InFile> {
    let Audience::File(file) = &newsletter.to else { return None };
    let mut people = People::open(&config.root, Path::new(file), secrets).ok()?;
    loop {
        let batch = people.next_batch();
        if batch.is_empty() {
            return None;
        }
        if let Some(person) = batch.iter().find(|person| person.id == recipient) {
            return Some(InFile { belongs: belongs(person, &newsletter.segment), topics: topics(person) });
        }
    }
}

/// The next people of a file who belong to a segment; empty at the end.
pub(super) fn next_of(people: &mut People, segment: &Segment) -> Vec<Addressee> {
    loop {
        let batch = people.next_batch();
        if batch.is_empty() || *segment == Segment::default() {
            return batch;
        }
        let batch: Vec<Addressee> = batch.into_iter().filter(|person| belongs(person, segment)).collect();
        if !batch.is_empty() {
            return batch;
        }
    }
}

/// People by the variant that they get; who gets no letter is left out, but there is a batch as long as there are people.
pub(super) fn sorted(people: Vec<Addressee>, shares: &[Share]) -> Vec<(i64, Vec<Addressee>)> {
    if people.is_empty() {
        return Vec::new();
    }
    let shares: HashMap<&str, Option<usize>> =
        shares.iter().map(|share| (share.topics.as_str(), share.variant)).collect();
    let mut sorted: Vec<(i64, Vec<Addressee>)> = vec![(0, Vec::new())];
    for person in people {
        let share = topics(&person).and_then(|own| shares.get(own.as_str()).copied()).unwrap_or(Some(0));
        let Some(variant) = share.and_then(|variant| i64::try_from(variant).ok()) else { continue };
        match sorted.iter_mut().find(|(other, _)| *other == variant) {
            Some((_, people)) => people.push(person),
            None => sorted.push((variant, vec![person])),
        }
    }
    sorted
}

fn choices_of_file(config: &Config, file: &str, segment: &Segment) -> Vec<(String, u64)> {
    // Numbers are nobody's business here: any key will do.
    let Ok(mut people) = People::open(&config.root, Path::new(file), &Secrets::from_bytes([0; 32])) else {
        return Vec::new();
    };
    let mut counted: HashMap<String, u64> = HashMap::new();
    loop {
        let batch = next_of(&mut people, segment);
        if batch.is_empty() {
            break;
        }
        for own in batch.iter().filter_map(topics) {
            *counted.entry(own).or_default() += 1;
        }
    }
    let mut choices: Vec<(String, u64)> = counted.into_iter().collect();
    choices.sort_by(|(a, many), (b, more)| more.cmp(many).then_with(|| a.cmp(b)));
    choices
}

fn belongs(person: &Addressee, segment: &Segment) -> bool {
    let tags = column(person, "tags");
    let has = |tag: &String| tags.contains(tag);
    (segment.tags.is_empty() || segment.tags.iter().any(has)) && !segment.not_tags.iter().any(has)
}

/// What somebody of a file chose; `None`: everything.
fn topics(person: &Addressee) -> Option<String> {
    let chosen = column(person, "topics");
    (!chosen.is_empty()).then(|| chosen.join(" "))
}

/// The names in a column of a file, sorted, each once.
fn column(person: &Addressee, name: &str) -> Vec<String> {
    let Ok(Value::Object(fields)) = serde_json::from_str(&person.fields) else { return Vec::new() };
    let text = fields.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).and_then(|(_, value)| value.as_str());
    let separates = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '|');
    let mut names: Vec<String> =
        text.unwrap_or("").split(separates).filter(|name| !name.is_empty()).map(str::to_lowercase).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(fields: &str) -> Addressee {
        Addressee { id: 1, email: "a@example.org".into(), name: None, fields: fields.into() }
    }

    #[test]
    fn a_files_columns_say_tags_and_topics() {
        let own = person(r#"{"Tags":"Elu, referent","topics":"videos evenements;videos","ville":"X"}"#);
        assert_eq!(column(&own, "tags"), ["elu", "referent"]);
        assert_eq!(topics(&own).as_deref(), Some("evenements videos"));
        assert_eq!(topics(&person(r#"{"topics":""}"#)), None);
        let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        let segment = |tags: &[&str], not_tags: &[&str]| Segment { tags: names(tags), not_tags: names(not_tags) };
        assert!(belongs(&own, &segment(&["elu"], &["presse"])));
        assert!(!belongs(&own, &segment(&["el"], &[])));
        assert!(!belongs(&own, &segment(&["elu"], &["referent"])));
    }

    #[test]
    fn people_of_a_file_are_sorted_by_what_they_get() {
        let share = |topics: &str, variant| Share { topics: topics.to_string(), variant };
        let shares = [share("a", Some(2)), share("b", None)];
        let people = ["a", "b", "", "other", "a"].map(|topics| person(&format!(r#"{{"topics":"{topics}"}}"#)));
        let sorted_people = sorted(people.to_vec(), &shares);
        let counts: Vec<_> = sorted_people.iter().map(|(variant, people)| (*variant, people.len())).collect();
        assert_eq!(counts, [(0, 2), (2, 2)]);
        assert_eq!(sorted(vec![person(r#"{"topics":"b"}"#)], &shares), [(0, Vec::new())]);
        assert!(sorted(Vec::new(), &shares).is_empty());
    }
}
