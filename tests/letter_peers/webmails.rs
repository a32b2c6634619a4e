//! The letter in a French webmail: without `<style>`, ARIA, `lang`, ids and anchors, it looks and reads the same.

use serde_json::{Value, json};

use crate::support::browser::{Browser, Look, list};
use crate::support::letters;
use crate::support::webmail::filtered;

/// A key of each heading or link, in order.
fn told(seen: &Value, what: &str, keys: &[&str]) -> Vec<Value> {
    let list = list(&seen["geometry"], what).iter();
    list.map(|one| keys.iter().map(|key| one[*key].clone()).collect()).collect()
}

#[test]
fn a_french_webmail_shows_the_same_letter() {
    let Some(mut browser) = Browser::start("a_french_webmail_shows_the_same_letter") else { return };
    for letter in letters::all() {
        let (html, name) = (letter.html(), &letter.name);
        let page = filtered(&html);
        for gone in ["<style", "aria-", "role=", "class=", "id=\"", "href=\"#", "<!--"] {
            assert!(!page.contains(gone), "{name}: the filter leaves {gone}");
        }
        assert!(!html.contains("href=\"#"), "{name}: an anchor, which leads out of the letter there");
        for width in [640, 360] {
            let whole = browser.look(&Look::at(&letter.path("html")).wide(width).pictures(&letter.sites));
            let look = Look::at_page(&page).wide(width).pictures(&letter.sites).axe_only("color-contrast");
            let seen = browser.look(&look);
            assert_eq!(
                told(&seen, "headings", &["level", "text"]),
                told(&whole, "headings", &["level", "text"]),
                "{name}"
            );
            assert!(list(&seen["geometry"], "headings").len() > 3, "{name}");
            assert_eq!(told(&seen, "links", &["text", "href"]), told(&whole, "links", &["text", "href"]), "{name}");
            let text = |seen: &Value| {
                let text = seen["geometry"]["text"].as_str().unwrap_or_default().to_string();
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            };
            assert_eq!(text(&seen), text(&whole), "{name}: every word, and no hidden one shown");
            let fits = (&seen["geometry"]["scroll_width"], &seen["geometry"]["beyond"], &seen["geometry"]["small"]);
            assert_eq!(fits, (&json!(width), &json!([]), &json!([])), "{name} at {width} px");
            assert_eq!(list(&seen, "violations"), [] as [Value; 0], "{name}: contrast of the inlined styles");
            assert!(list(&seen, "passes").contains(&json!("color-contrast")), "{name}: contrast was tried");
            // Laid out by inlined styles alone, it is the same letter and not a bare column of words.
            let column = |seen: &Value| list(&seen["geometry"], "headings")[0]["width"].as_f64().unwrap_or_default();
            assert!(
                (column(&seen) - column(&whole)).abs() < 60.0,
                "{name}: {} and {}",
                column(&seen),
                column(&whole)
            );
        }
    }
}
