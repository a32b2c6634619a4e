//! Reads `topics` and `segment` of a newsletter: what its readers may choose, and which of the people it goes to.

use super::reader::{File, Mapping, Reject, reject};
use super::{Audience, Config, Segment, Select, Topic, select};
use crate::problem::Problem;

/// How many topics a newsletter may offer: a form with more is not read any more.
const MOST: usize = 16;

/// Both.
pub fn read(config: &Config, top: &Mapping<'_>, to: &Audience, file: &File) -> (Vec<Topic>, Segment) {
    (topics(config, top, to, file), segment(config, top, to, file))
}

/// `topics: [{ name, title, select }]`, in the order in which readers see them.
fn topics(config: &Config, top: &Mapping<'_>, to: &Audience, file: &File) -> Vec<Topic> {
    let nodes = top.list("topics").unwrap_or_default();
    let mut topics: Vec<Topic> = Vec::new();
    for node in &nodes {
        let topic = node.mapping();
        if !topic.is_given() {
            continue;
        }
        let given = topic.required("name", "evenements").is_some();
        let name = topic.parsed("name", name).filter(|_| given);
        let title = topic.text("title").map(|title| title.trim().to_string()).filter(|title| !title.is_empty());
        let select = select::read(topic.section("select"));
        let named = topic.get("name");
        topic.finish();
        if select == Select::default() {
            let help = "give it a `select`: what no topic takes goes to everybody anyhow";
            node.problem("topic-takes-all", "this topic takes every item, so that nothing is to choose", help);
        }
        let Some(name) = name else { continue };
        if topics.iter().any(|topic| topic.name == name) {
            let message = format!("two topics are called `{name}`");
            let help = "give this one another name: people's choices are kept under it";
            named.unwrap_or(node.clone()).problem("topic-double", message, help);
            continue;
        }
        topics.push(Topic { title: title.unwrap_or_else(|| name.clone()), name, select });
    }
    if let Some(node) = top.get("topics").filter(|_| nodes.len() > MOST) {
        let message = format!("{} topics are more than anybody reads through: {MOST} at most", nodes.len());
        node.problem("topics-many", message, "let one topic take several tags: `select: { tags: [a, b] }`");
    }
    only_for_known_people(
        config,
        top,
        to,
        "topics",
        "topics need readers that crieur knows: nobody chooses here",
        file,
    );
    topics
}

/// `segment: { tags: […], not_tags: […] }`.
fn segment(config: &Config, top: &Mapping<'_>, to: &Audience, file: &File) -> Segment {
    let section = top.section("segment");
    let read = |key: &str| {
        let mut names = Vec::new();
        for node in section.list(key).unwrap_or_default() {
            match node.text().as_deref().map(str::trim).map(name) {
                Some(Ok(name)) if !names.contains(&name) => names.push(name),
                Some(Err(no)) => node.problem("bad-value", no.message, no.help),
                _ => {}
            }
        }
        names
    };
    let segment = Segment { tags: read("tags"), not_tags: read("not_tags") };
    if let Some(node) = section.list("not_tags").unwrap_or_default().iter().find(|node| {
        node.text().is_some_and(|text| segment.tags.iter().any(|tag| tag == text.trim()) && !segment.tags.is_empty())
    }) {
        node.problem("segment-empty", "this tag is wanted and unwanted", "take it out of one of the two lists");
    }
    section.finish();
    only_for_known_people(config, top, to, "segment", "a segment needs people that crieur knows", file);
    segment
}

/// Whose list is elsewhere chooses nothing here.
fn only_for_known_people(config: &Config, top: &Mapping<'_>, to: &Audience, key: &str, message: &str, file: &File) {
    let Some(node) = top.get(key) else { return };
    // A memory in a branch knows nobody: what is wrong is told of `to` there.
    if !to.knows_nobody() && config.branch().is_none() {
        return;
    }
    let help =
        "take it out here, or write to people: `to: recipients` or `to: file:PATH`, with a database that has them";
    file.push(Problem::error("no-people", message).at(node.place()).help(help));
}

/// A name as the database keeps it: between spaces.
fn name(text: &str) -> Result<String, Reject> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if (1..=40).contains(&text.len()) && text.chars().all(plain) {
        return Ok(text.to_string());
    }
    reject(format!("`{text}` is no name"), "a name is of small letters, digits and hyphens, for example `evenements`")
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SMALL, read};

    const HEAD: &str = "from: A <a@example.org>\nleave: mailto:a@example.org\n";

    fn newsletter(text: &str) -> (Option<super::super::Newsletter>, String) {
        let text = format!("{HEAD}{text}");
        let (config, problems) = read(&[("config/crieur.yaml", SMALL), ("config/newsletters/a.yaml", &text)]);
        (config.and_then(|config| config.newsletters.into_iter().next()), problems)
    }

    #[test]
    fn topics_and_a_segment_are_read() {
        let (newsletter, problems) = newsletter(
            "topics:\n  - { name: evenements, title: Événements, select: { tags: [événement] } }\n  \
             - { name: videos, select: { folder: videos } }\nsegment: { tags: [referent, elu], not_tags: test }\n",
        );
        assert_eq!(problems, "");
        let newsletter = newsletter.expect("a newsletter");
        let topics: Vec<_> = newsletter.topics.iter().map(|topic| (&*topic.name, &*topic.title)).collect();
        assert_eq!(topics, [("evenements", "Événements"), ("videos", "videos")]);
        assert_eq!(newsletter.topics[1].select.folder.as_deref(), Some("videos"));
        assert_eq!(newsletter.segment.tags, ["referent", "elu"]);
        assert_eq!(newsletter.segment.not_tags, ["test"]);
    }

    #[test]
    fn every_mistake_in_topics_and_segments_is_named_at_its_place() {
        let (_, problems) = newsletter(
            "topics:\n  - { name: Événements, select: { tags: [a] } }\n  - { title: B, select: { tags: [b] } }\n  \
             - { name: c, select: { tags: [c] } }\n  - { name: c, select: { tags: [d] } }\n  - { name: e }\n\
             segment: { tags: [a, \"b c\"], not_tags: [a], tag: x }\n",
        );
        let lines: Vec<&str> = problems.lines().filter(|line| line.starts_with("Error")).collect();
        assert_eq!(
            lines,
            [
                "Error[bad-value] config/newsletters/a.yaml:4:13: `Événements` is no name",
                "Error[missing-key] config/newsletters/a.yaml:5:5: `topics[1].name` is missing",
                "Error[topic-double] config/newsletters/a.yaml:7:13: two topics are called `c`",
                "Error[topic-takes-all] config/newsletters/a.yaml:8:5: this topic takes every item, so that nothing is to choose",
                "Error[bad-value] config/newsletters/a.yaml:9:22: `b c` is no name",
                "Error[segment-empty] config/newsletters/a.yaml:9:41: this tag is wanted and unwanted",
                "Error[unknown-key] config/newsletters/a.yaml:9:45: there is no key `tag` in `segment`",
            ]
        );
    }

    #[test]
    fn whose_list_is_elsewhere_has_no_topics_and_no_segment_here() {
        for to in ["to: list@example.org\n", "hand_over: public/letters\n"] {
            let text = format!(
                "from: A <a@example.org>\n{to}topics: [{{ name: a, select: {{ tags: [a] }} }}]\nsegment: {{ tags: [a] }}\n"
            );
            let (_, problems) = read(&[("config/crieur.yaml", SMALL), ("config/newsletters/a.yaml", &text)]);
            assert_eq!(problems.matches("Error[no-people]").count(), 2, "{problems}");
        }
        let branch = format!("{SMALL}database: git:crieur\n");
        let text = "from: A <a@example.org>\nto: list@example.org\nsegment: { tags: [a] }\n";
        let (_, problems) = read(&[("config/crieur.yaml", &branch), ("config/newsletters/a.yaml", text)]);
        assert!(problems.contains("Error[no-people] config/newsletters/a.yaml:3:10"), "{problems}");
    }
}
