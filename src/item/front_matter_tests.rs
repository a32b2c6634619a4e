use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn source(text: &str) -> Source {
    Source { path: "posts/a.md".to_string(), text: text.into() }
}

fn data(text: &str) -> Value {
    Value::Object(read(&source(text)).expect("front matter").expect("front matter").data)
}

fn problem(text: &str) -> Problem {
    read(&source(text)).expect_err("a problem")
}

/// `file:line:column: message`, and the help.
fn said(text: &str) -> (String, String) {
    let problem = problem(text);
    (problem.to_string(), problem.help.clone().unwrap_or_default())
}

#[test]
fn every_spelling_says_the_same() {
    let expected = json!({ "title": "Été: one", "tags": ["a", "b"], "draft": false });
    for text in [
        "---\ntitle: 'Été: one'\ntags: [a, b]\ndraft: false\n---\nBody\n",
        "---\r\ntitle: \"Été: one\"\r\ntags:\r\n- a\r\n- b\r\ndraft: false\r\n---\r\nBody\n",
        "--- \ntitle: 'Été: one'\ntags: [a, b]\ndraft: false\n...\nBody\n",
        "+++\ntitle = 'Été: one'\ntags = ['a', 'b']\ndraft = false\n+++\nBody\n",
        "{\n  \"title\": \"Été: one\",\n  \"tags\": [\"a\", \"b\"],\n  \"draft\": false\n}\nBody\n",
        "---json\n{ \"title\": \"Été: one\", \"tags\": [\"a\", \"b\"], \"draft\": false }\n---\nBody\n",
        "---toml\ntitle = 'Été: one'\ntags = ['a', 'b']\ndraft = false\n---\nBody\n",
        "---js\n{ title: `Été: one`, tags: ['a', \"b\"], /* no */ draft: false, }\n---\nBody\n",
    ] {
        let source = source(text);
        let found = read(&source).unwrap().unwrap();
        assert_eq!(Value::Object(found.data), expected, "{text}");
        assert_eq!(&source.text[found.body_start..], "Body\n", "{text}");
    }
}

#[test]
fn header_lines_without_fences_are_front_matter_when_they_say_title_or_date() {
    let text =
        "Title: My: super title\nDate: 2010-12-03 10:20\nTags: a, b\nSummary: Short\n    and long\n\nBody: here\n";
    assert_eq!(
        data(text),
        json!({ "title": "My: super title", "date": "2010-12-03 10:20", "tags": "a, b", "summary": "Short and long" })
    );
    assert_eq!(&text[find(&source(text)).unwrap().unwrap().body_start..], "Body: here\n");
    for none in ["Note: this\n\ntext", "Title of a text\n\ntext", "http://example.org/\n", "", "title:x\n"] {
        assert_eq!(find(&source(none)), Ok(None), "{none}");
    }
}

#[test]
fn what_is_no_front_matter_is_none() {
    for none in
        ["# Title\n---\n", "----\na: b\n----\n", "{{ x }}\n", "{% raw %}\n", "{.class}\n", "text", "---x\n---\n"]
    {
        assert_eq!(find(&source(none)), Ok(None), "{none}");
    }
}

#[test]
fn values_keep_their_kinds_and_dates_stay_text() {
    assert_eq!(
        data(
            "---\na: 2024-07-25\nb: 1.5\nc: ~\nd: yes\ne: {f: [1, -2]}\n1: x\ng: !tag v\nbase: &b {h: 1}\ni: {<<: *b, j: 2}\n---\n"
        ),
        json!({ "a": "2024-07-25", "b": 1.5, "c": null, "d": "yes", "e": { "f": [1, -2] }, "1": "x", "g": "v",
                "base": { "h": 1 }, "i": { "j": 2, "h": 1 } })
    );
    assert_eq!(
        data("+++\na = 2024-07-25T10:00:00Z\nb = 2024-07-25\n[extra]\nc = inf\n+++\n"),
        json!({
        "a": "2024-07-25T10:00:00Z", "b": "2024-07-25", "extra": { "c": "inf" } })
    );
    for empty in ["---\n---\n", "---\n\n# remark\n---\n", "+++\n+++\n", "{}\n"] {
        assert_eq!(data(empty), json!({}), "{empty}");
    }
}

#[test]
fn an_unquoted_colon_is_shown_where_it_stands_with_the_line_quoted() {
    let text = "---\nlayout: post\ntitle: L'énergie : le \"guide\"\n---\n";
    let (message, help) = said(text);
    assert_eq!(message, "posts/a.md:3:18: a value that holds a colon and a space must stand between quotes");
    assert_eq!(help, "quote the value: title: 'L''énergie : le \"guide\"'");
    assert_eq!(problem(text).place.unwrap().text.as_deref(), Some("title: L'énergie : le \"guide\""));
    assert_eq!(said("---\ntitle: One: two\n---\n").1, "quote the value: title: \"One: two\"");
}

#[test]
fn a_quote_that_is_not_closed_or_that_closes_too_early_is_explained() {
    let (message, help) = said("---\ntitle: \"open\ndate: 2024-07-25\n---\n");
    assert!(message.contains("opens a \" that is not closed"), "{message}");
    assert_eq!(help, "close it: title: \"open\"");
    let (message, help) = said("---\ntitle: \"Big\" news\n---\n");
    assert_eq!(message, "posts/a.md:2:14: the text after `title` goes on after its closing \"");
    assert_eq!(help, "quote the whole value: title: '\"Big\" news'");
}

#[test]
fn tabs_marks_and_lines_without_a_colon_are_explained() {
    assert_eq!(said("---\na:\n\tb: c\n---\n").0, "posts/a.md:3:1: a tab stands where YAML allows only spaces");
    let (message, help) = said("---\nauthor: @someone\n---\n");
    assert_eq!(message, "posts/a.md:2:9: a value cannot begin with `@` like this");
    assert_eq!(help, "quote the value: author: \"@someone\"");
    assert_eq!(said("---\ntitle: a\nnonsense\ndate: b\n---\n").0, "posts/a.md:3:1: this line is no `key: value`");
    assert_eq!(said("---\n- a\n- b\n---\n").0, "posts/a.md:2:1: the front matter is not made of `key: value` lines");
    assert_eq!(
        said("---\na: b\u{8}c\n---\n").0,
        "posts/a.md:2:5: the front matter holds U+0008, which no text should"
    );
}

#[test]
fn a_fence_that_is_never_closed_is_a_problem() {
    assert_eq!(
        said("---\ntitle: a\n\nText\n").0,
        "posts/a.md:1:1: the front matter is never closed: there is no second `---` line"
    );
    assert_eq!(said("+++\ntitle = 'a'\n").1, "put a line with only `+++` between the front matter and the text");
    assert!(said("---").0.contains("never closed"));
}

#[test]
fn the_same_key_twice_names_the_second_ones_line() {
    let (message, help) = said("---\ntitle: a\nnested:\n  title: x\ntitle: b\n---\n");
    assert_eq!(message, "posts/a.md:5:1: the key `title` stands twice in the front matter");
    assert_eq!(help, "keep one of the two; the first one is on line 2");
    assert_eq!(said("{\n\"a\": 1,\n\"a\": 2\n}\n").0, "posts/a.md:3:1: the key `a` stands twice in the front matter");
    assert_eq!(
        said("+++\na = 1\nb = 2\na = 3\n+++\n").0,
        "posts/a.md:4:1: the key `a` stands twice in the front matter"
    );
}

#[test]
fn broken_toml_and_json_have_their_place_in_the_file() {
    assert!(
        said("+++\ntitle = x\n+++\n").0.starts_with("posts/a.md:2:9: the front matter is not valid TOML"),
        "{:?}",
        said("+++\ntitle = x\n+++\n")
    );
    assert!(said("{\n  \"é\": 1,\n}\nBody").0.starts_with("posts/a.md:3:"), "{:?}", said("{\n  \"é\": 1,\n}\nBody"));
}

#[test]
fn a_key_is_found_again_in_the_file() {
    let text = "---\n'title': x\nimage:\n  path: title\ndate: soon\n---\n";
    let place = place_of(&source(text), "date");
    assert_eq!((place.line, place.column, place.width), (Some(5), Some(7), 4));
    let place = place_of(&source(text), "title");
    assert_eq!((place.line, place.column), (Some(2), Some(10)));
    assert_eq!(place_of(&source(text), "absent").line, Some(1));
    assert_eq!(place_of(&source("Title: x\nDate: y\n\n"), "date").line, Some(2));
    assert_eq!(place_of(&source("+++\ndate = 'x'\n+++\n"), "date").column, Some(8));
}

#[test]
fn nesting_without_end_is_a_problem_not_a_crash() {
    for text in [
        format!("---\na: {}\n---\n", "[".repeat(50_000)),
        format!("{{\"a\":{}", "[".repeat(50_000)),
        format!("+++\na = {}\n+++\n", "[".repeat(50_000)),
    ] {
        assert!(read(&source(&text)).is_err());
    }
    let bomb = format!(
        "---\na: &a [x,x,x,x,x,x,x,x,x]\n{}---\n",
        (0..9)
            .map(|i| format!(
                "{}: &{} [{}]\n",
                char::from(b'b' + i),
                char::from(b'b' + i),
                vec![format!("*{}", char::from(b'a' + i)); 9].join(",")
            ))
            .collect::<String>()
    );
    assert!(read(&source(&bomb)).is_err());
}

proptest! {
    #[test]
    fn no_text_panics(text in "(---|\\+\\+\\+|\\{|Title: x)?[\n ]?([a-z:\"'\\[\\]{}\t\n #&*!|>%@,=é🎉-]|\\PC){0,60}(\n---\n|\n\\+\\+\\+\n|\\}\n)?") {
        let source = source(&text);
        if let Err(problem) = read(&source) {
            prop_assert!(problem.place.is_some_and(|place| place.line.is_some()));
        }
        let _ = place_of(&source, "a");
    }
}
