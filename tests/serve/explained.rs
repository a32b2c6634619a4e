//! Why somebody gets no letter, and what they got before they moved, as `explain` tells the operator.

use super::joining::new_letters;
use super::managing::{asked, asked_to_move};
use super::{project, sent, state};
use crate::support::served::Served;
use crate::support::stores::{Place, on_both_stores};

on_both_stores! {
    explain_tells_what_had_come_through_another_newsletter_and_who_is_outside_a_segment,
    explain_tells_what_went_to_the_address_before,
}

const FORM: &str = "application/x-www-form-urlencoded";

fn explain_tells_what_had_come_through_another_newsletter_and_who_is_outside_a_segment(place: Place) {
    let (mut project, _) = project(&place.line());
    let weekly = project.read("config/newsletters/news.yaml").replace("La lettre d’exemple", "L’hebdo");
    let elected = format!("{weekly}segment: {{ tags: [elu] }}\n");
    project.write("config/newsletters/weekly.yaml", weekly);
    project.write("config/newsletters/elected.yaml", elected.replace("L’hebdo", "Les élus"));
    for (address, tag) in [("bo@example.org", &["--tag", "elu"][..]), ("cy@example.org", &[])] {
        let arguments = [&["recipients", "add", address, "--newsletter", "elected"], tag].concat();
        project.ok(&arguments);
    }
    let served = Served::of(&project);
    project.ok(&["run"]);
    let own = asked(&project, &served, "ana@example.org");
    let got = served.post(&own, FORM, "do=join&newsletter=weekly&instead=news");
    assert_eq!((got.status, state(&project, "ana@example.org", "weekly").as_str()), (200, "subscribed"));
    // The first letter of the week has what the other one told before.
    project.at("2026-03-01T09:00:00Z");
    let before = project.letters("var/outbox").len();
    project.ok(&["run"]);
    assert_eq!(project.letters("var/outbox").len(), before, "nothing new to anybody");
    for (address, newsletter, words, key, value) in [
        (
            "ana@example.org",
            "weekly",
            "weekly n° 1: what is in it had come already through another newsletter (news)",
            "received_through",
            serde_json::json!(["news"]),
        ),
        (
            "cy@example.org",
            "elected",
            "elected n° 1: outside the newsletter's segment",
            "outside_segment",
            serde_json::json!(true),
        ),
    ] {
        let said = project.ok(&["explain", address]);
        assert!(said.contains(words), "{said}");
        let said = project.json(&["explain", address], 0);
        let edition =
            said["editions"].as_array().expect("editions").iter().find(|one| one["newsletter"] == newsletter);
        let edition = edition.unwrap_or_else(|| panic!("{said}"));
        assert_eq!((&edition["state"], &edition[key]), (&"not on its list".into(), &value), "{edition}");
    }
    // Whoever is on no list of it is told nothing of the kind.
    let said = project.json(&["explain", "di@example.org"], 0);
    for edition in said["editions"].as_array().expect("editions").iter().filter(|one| one["newsletter"] != "news") {
        assert_eq!(
            (&edition["received_through"], &edition["outside_segment"]),
            (&serde_json::Value::Null, &false.into())
        );
    }
}

fn explain_tells_what_went_to_the_address_before(place: Place) {
    let (mut project, served) = sent(&place.line());
    let own = asked(&project, &served, "cy@example.org");
    let there = asked_to_move(&project, &served, &own, "cy.new@example.org");
    let before = project.letters("var/outbox").len();
    assert_eq!(served.post(&there, FORM, "").status, 200);
    new_letters(&project, before, 1);
    project.at("2026-03-02T08:00:00Z");
    project.write("posts/deux.md", "---\ntitle: Deux\ndate: 2026-03-02\n---\nDeux.\n");
    project.ok(&["run"]);
    let said = project.ok(&["explain", "cy.new@example.org"]);
    let lines: Vec<&str> = said.lines().filter(|line| line.contains(" n° ")).collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(
        lines[0].starts_with("  news n° 1: accepted at ")
            && lines[0].ends_with(", at the earlier address cy@example.org"),
        "{said}"
    );
    assert!(lines[1].starts_with("  news n° 2: accepted at ") && !lines[1].contains("earlier"), "{said}");
    let said = project.json(&["explain", "cy.new@example.org"], 0);
    let earlier: Vec<_> =
        said["editions"].as_array().expect("editions").iter().map(|one| &one["earlier_address"]).collect();
    assert_eq!(earlier, [&serde_json::json!("cy@example.org"), &serde_json::Value::Null], "{said}");
    assert_eq!(said["moved"], serde_json::Value::Null);
    let said = project.ok(&["explain", "cy@example.org"]);
    assert!(
        said.contains("  moved to cy.new@example.org on 2026-03-01 ") && said.contains("news n° 1: accepted"),
        "{said}"
    );
    assert_eq!(project.json(&["explain", "cy@example.org"], 0)["moved"]["to"], "cy.new@example.org");
}
