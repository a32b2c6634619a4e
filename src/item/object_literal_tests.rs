use proptest::prelude::*;
use serde_json::json;

use super::*;

fn source(text: &str) -> Source {
    Source { path: "posts/posts.11tydata.js".to_string(), text: text.into() }
}

fn value(text: &str) -> Value {
    let literal = read(&source(text)).expect("a literal");
    assert_eq!(literal.warnings, [], "{text}");
    literal.value
}

#[test]
fn every_way_to_export_a_literal_is_read() {
    for text in [
        "module.exports = { a: 1 };",
        "export default { a: 1 }",
        "// module.exports = { b: 2 }\n/* x */ module.exports={a:1}",
        "const url = \"https://example.org/\";\nexport default {\n  a: 1,\n};\n",
        "const data = { a: 1 };\nmodule.exports = data;",
        "let data = { a: 1 }\nexport default data\n",
        "'use strict'\nmodule.exports = {\n 'a': 1 }\nfunction f() { return {}; }",
    ] {
        assert_eq!(value(text), json!({ "a": 1 }), "{text}");
    }
    assert_eq!(value("module.exports = ['a', null]"), json!(["a", null]));
}

#[test]
fn every_literal_is_read() {
    assert_eq!(
        value(
            r#"module.exports = {
                text: "it's \"é\" \u00e9\x41\u{1F389}\uD83C\uDF89\n", 'quoted-key': 'a\'b', template: `two
lines`, 3: -1.5e3, hex: 0xFF, big: 1_000, point: .5, yes: true, no: false, nothing: null, undef: undefined,
                list: [1, [2,], {a: 'b'},], $dollar: {}, // remark, with: comma
                last: "x", /* and */
            }"#
        ),
        json!({
            "text": "it's \"é\" éA🎉🎉\n", "quoted-key": "a'b", "template": "two\nlines", "3": -1500.0, "hex": 255, "big": 1000,
            "point": 0.5, "yes": true, "no": false, "nothing": null, "undef": null, "list": [1, [2], { "a": "b" }],
            "$dollar": {}, "last": "x"
        })
    );
}

#[test]
fn what_only_running_could_tell_costs_its_own_key() {
    let text = r#"const x = 1;
export default {
  tags: ["posts"],
  permalink: ({ page }) => `/actualites/${page.fileSlug}/`,
  f: function (a, b) { return { c: "}" } },
  method(data) { return data.a ? [1, 2] : "}" },
  async later() {},
  ...spread,
  [computed]: 1,
  shorthand,
  called: require("./x.js"),
  made: new Date("2024-07-25"),
  sum: "a" + "b",
  regex: /[/}"]/g,
  template: `a ${x ? `b }` : "}"} c`,
  list: [1, x],
  layout: "post.njk",
}"#;
    let literal = read(&source(text)).unwrap();
    assert_eq!(literal.value, json!({ "tags": ["posts"], "layout": "post.njk" }));
    let keys: Vec<String> =
        literal.warnings.iter().map(|warning| warning.message.split('`').nth(1).unwrap().to_string()).collect();
    assert_eq!(
        keys,
        [
            "permalink",
            "f",
            "method",
            "async later",
            "...spread",
            "[computed]: 1",
            "shorthand",
            "called",
            "made",
            "sum",
            "regex",
            "template",
            "list"
        ]
    );
    assert_eq!(
        literal.warnings[0].to_string(),
        "posts/posts.11tydata.js:4:14: `permalink` is a function or an expression, which only running the script could tell: it is left out"
    );
}

#[test]
fn a_script_that_exports_no_literal_is_a_warning() {
    for text in [
        "",
        "export const a = 1",
        "module.exports = function () { return {} }",
        "module.exports = () => ({})",
        "export default { a: 1",
        "{a:1}",
    ] {
        let problem = read(&source(text)).expect_err(text);
        assert_eq!(problem.code, "script-not-a-literal", "{text}");
    }
}

#[test]
fn nesting_without_end_does_not_overflow() {
    for open in ["[", "{a:", "({", "`${"] {
        let text = format!("export default {{ a: {}", open.repeat(30_000));
        let _ = read(&source(&text));
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "(module.exports = |export default |const x = )?([a-c:\"'`\\[\\](){}\n ,/*.$=\\\\0-9ux+-]|\\PC){0,60}") {
        let _ = read(&source(&text));
    }

    #[test]
    fn json_is_read_as_itself(text in "[^\u{2028}\u{2029}]{0,20}", number in any::<i32>(), flag in any::<bool>()) {
        let json = json!({ "a": text, "b": [number, flag, null], "c": { "d": {} } });
        prop_assert_eq!(value(&format!("export default {json}")), json);
    }
}
