//! What mail programs do not do: elements, attributes, styles, rules that stay in a style sheet, anchors.
//!
//! Rules for wide, narrow or dark screens (`@media`) and those that one program alone reads (`[data-ogsc]`, `:hover`) are
//! there to add something: they are left in peace. A plain rule that was not written into its elements is lost wherever
//! style sheets are.

use super::clients::Clients;
use super::css;
use super::look::{Look, excerpt};
use super::words::Words;
use super::{At, Finding};

pub fn check(look: &Look<'_>, words: &Words, findings: &mut Vec<Finding>) {
    let clients = Clients::read();
    let names = |lack: &[String]| clients.names(lack, words.is_french());
    let dated = |finding: Finding| finding.with("facts", clients.facts.as_str());
    for (id, node, element) in look.page.elements() {
        // What only Outlook reads is written for Outlook.
        if element.outlook {
            continue;
        }
        let refresh =
            element.name == "meta" && element.value("http-equiv").is_some_and(|v| v.eq_ignore_ascii_case("refresh"));
        let everybody = ["all".to_string()];
        let lack = if refresh { Some(&everybody[..]) } else { clients.element(&element.name) };
        if let Some(lack) = lack {
            let finding = Finding::new("letter-element", At::Html(node.range.clone()));
            findings.push(dated(finding.with("element", element.name.as_str()).with("clients", names(lack))));
        }
        for attribute in &element.attributes {
            let handler = attribute.name.starts_with("on");
            let lack = if handler { Some(&everybody[..]) } else { clients.attribute(&attribute.name) };
            if let Some(lack) = lack {
                let finding = Finding::new("letter-attribute", At::Html(attribute.range.clone()));
                findings.push(dated(finding.with("attribute", attribute.name.as_str()).with("clients", names(lack))));
            }
        }
        for style in look.styles(id) {
            if let Some(lack) = clients.style(style, look.styles(id)) {
                let finding = Finding::new("letter-style", At::Html(style.range.clone()));
                let told = excerpt(&format!("{}: {}", style.name, style.value));
                findings.push(dated(finding.with("style", told).with("clients", names(lack))));
            }
        }
        let href = element.attribute("href").filter(|_| matches!(element.name.as_str(), "a" | "area"));
        if let Some(href) = href.filter(|href| href.value.trim().starts_with('#')) {
            findings.push(
                Finding::new("letter-anchor", At::Html(href.range.clone())).with("address", href.value.as_str()),
            );
        }
        if element.name == "style" && look.page.around(id).any(|(_, around)| around.name == "body") {
            let finding = Finding::new("letter-style-rule", At::Html(node.range.clone()));
            findings.push(finding.with("rule", "<style>"));
        }
    }
    for rule in &look.rules {
        let name = if rule.selectors.is_empty() {
            rule.within.last().cloned().unwrap_or_default()
        } else {
            rule.selectors.clone()
        };
        if name.starts_with("@import") || (rule.within.is_empty() && is_lost(look, rule)) || adds_text(rule) {
            let finding = Finding::new("letter-style-rule", At::Html(rule.range.clone()));
            findings.push(finding.with("rule", excerpt(&name)));
        }
    }
}

/// Whether one of the rule's styles is missing in an element that it is for.
fn is_lost(look: &Look<'_>, rule: &css::Rule) -> bool {
    look.seen().any(|(id, _, element)| {
        !element.outlook
            && css::matches(&rule.selectors, &look.page, id).is_some()
            && rule.declarations.iter().any(|style| {
                let own_program = style.name.starts_with("mso-") || style.name.starts_with('-');
                !own_program && look.style(id, &style.name).is_none()
            })
    })
}

/// Words that only a style sheet says.
fn adds_text(rule: &css::Rule) -> bool {
    rule.declarations.iter().any(|style| {
        style.name == "content" && style.value.trim_matches(['"', '\'']).chars().any(char::is_alphanumeric)
    })
}
