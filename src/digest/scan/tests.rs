use handlebars::Handlebars;
use serde_json::json;

use super::*;
use crate::digest::{Escape, StampFields};

/// The template's text for one name, by the long way: marked, rendered, split, filled.
fn letter(template: &str, context: serde_json::Value, name: Option<&str>) -> String {
    let mut stamps = Stamps::default();
    let marked = stamps.mark(template).expect("a good template");
    let mut registry = Handlebars::new();
    registry.register_escape_fn(handlebars::no_escape);
    let rendered = registry.render_template(&marked.text, &context).expect("renders");
    let fields = StampFields { name: name.map(str::to_string), email: "a@example.org".into(), ..Default::default() };
    stamps.split(&rendered).expect("whole").fill(&fields, Escape::None)
}

/// What Handlebars itself says, the recipient in its context.
fn plainly(template: &str, mut context: serde_json::Value, name: Option<&str>) -> String {
    context["recipient"] = json!({ "name": name, "email": "a@example.org" });
    let mut registry = Handlebars::new();
    registry.register_escape_fn(handlebars::no_escape);
    registry.render_template(template, &context).expect("renders")
}

#[test]
fn a_letter_by_stamps_says_what_the_template_says() {
    let context = || json!({ "title": "T", "items": [{ "title": "one" }, { "title": "two" }], "yes": true });
    for template in [
        "{{#if recipient.name}}Bonjour {{recipient.name}},{{else}}Bonjour,{{/if}} voici {{title}}",
        "a\n{{#if recipient.name}}\nb {{title}}\n{{else}}\nc\n\n{{/if}}\nd",
        "a\n  {{#if recipient.name}}\n\n  b\n  {{/if}}\nd",
        "{{#each items}}{{title}} {{../recipient.name}} {{@root.recipient.email}};{{/each}}",
        "{{#each items}}{{#if ../recipient.name}}{{title}}{{else}}-{{/if}};{{/each}}",
        "{{#with recipient}}<{{name}}{{#if email}} {{email}}{{/if}}>{{/with}} {{title}}",
        "{{#if yes}}{{#if recipient.name}}{{#each items}}{{title}}{{/each}}{{/if}}{{/if}}",
        "{{#if recipient.name}}1{{else if recipient.email}}2{{else}}3{{/if}}",
        "a  {{~#if recipient.name~}}  b  {{~else~}} c {{~/if~}}  d",
        "{{{recipient.name}}} {{&recipient.name}} {{~ recipient.name ~}} x",
        "{{#unless recipient.name}}nobody{{^}}{{recipient.name}}{{/unless}}",
        "\\{{recipient.name}} {{! recipient.name }}{{!-- {{recipient.name}} --}}x",
        "{{#if (eq recipient.name \"}}\")}}odd{{else}}even{{/if}}",
    ] {
        for name in [Some("Ada"), None, Some("}}")] {
            assert_eq!(letter(template, context(), name), plainly(template, context(), name), "{template}");
        }
    }
}

#[test]
fn an_items_text_never_becomes_a_stamp() {
    let hostile = "{{recipient.name}} {{{ \\{{x}} \\\\ {{#if recipient.email}}";
    let context = json!({ "title": hostile });
    assert_eq!(letter("{{title}}|{{recipient.name}}", context.clone(), Some("A")), format!("{hostile}|A"));
    let inside = "{{#if recipient.name}}{{title}}{{recipient.name}}{{/if}}";
    assert_eq!(letter(inside, context, Some("A")), format!("{hostile}A"));
    assert_eq!(without_markers("a\u{10F000}b\u{10FFFD}"), "ab\u{10FFFD}");
}

#[test]
fn the_smallest_block_is_the_stamp() {
    let mut stamps = Stamps::default();
    let source = "{{#if a}}x{{#if recipient.name}}Bonjour {{recipient.name}},{{else}}Bonjour,{{/if}}y{{/if}}";
    let marked = stamps.mark(source).expect("a good template").text;
    assert!(marked.starts_with("{{#if a}}x") && marked.ends_with("y{{/if}}"), "{marked}");
    let rendered = marked.replace("{{#if a}}", "").replace("{{/if}}", "");
    let split = stamps.split(&rendered).expect("whole");
    assert_eq!(split.0.len(), 3, "{split:?}");
    assert!(matches!(&split.0[1], Piece::Stamp(s) if s.starts_with("{{#if recipient.name}}")), "{split:?}");
}

#[test]
fn what_cannot_be_told_apart_is_refused_with_its_place() {
    for (source, place) in [
        ("ab{{> x name=recipient.name}}", 2),
        ("{{#if (and recipient.name title)}}{{/if}}", 0),
        ("{{#if title}}{{else if recipient.name}}{{/if}}", 0),
        ("{{#if recipient.name}}{{else if title}}{{/if}}", 22),
    ] {
        let error = Stamps::default().mark(source).expect_err(source);
        assert_eq!(error.range.start, place, "{source}: {}", error.message);
    }
}

#[test]
fn a_torn_block_is_noticed() {
    let mut stamps = Stamps::default();
    let marked = stamps.mark("{{#if recipient.name}}a{{/if}}").expect("good").text;
    let torn: String = marked.chars().rev().collect();
    assert_eq!(stamps.split(&torn), None);
    assert_eq!(Stamps::markers(&marked), [0, 1]);
}

#[test]
fn a_place_in_the_marked_text_is_told_in_the_source() {
    let source = "é {{#if recipient.name}}\n{{recipient.name}} x {{bad}}\n{{/if}}\n{{worse}}";
    let marked = Stamps::default().mark(source).expect("good");
    for word in ["{{bad", "{{worse"] {
        let at = marked.text.find(word).expect("there");
        let line = marked.text[..at].matches('\n').count() + 1;
        let column = marked.text[..at].rsplit('\n').next().expect("a line").chars().count() + 1;
        assert_eq!(marked.source_offset(line, column), source.find(word).expect("there"));
    }
}
