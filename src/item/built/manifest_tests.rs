use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<List, Problem> {
    parse(text, "var/pages.json", "2026-11-24T12:00:00Z".parse().unwrap())
}

/// `path → address` of each page, sorted.
fn pages(text: &str) -> Vec<String> {
    let list = read(text).unwrap_or_else(|problem| panic!("{problem:?}"));
    let mut pages: Vec<String> = list
        .pages
        .iter()
        .map(|(path, page)| match &page.address {
            Address::At(address) => format!("{path} → {address}"),
            other => format!("{path} → {other:?}"),
        })
        .collect();
    pages.sort();
    pages
}

const ELEVENTY: &str = r##"[
  {
    "url": "/page/0/",
    "inputPath": "./page.njk",
    "outputPath": "./_site/page/0/index.html",
    "rawInput": "p\n",
    "content": "p\n"
  },
  { "url": "/page/1/", "inputPath": "./page.njk", "outputPath": "./_site/page/1/index.html" },
  { "url": false, "inputPath": "./posts/deux.md", "outputPath": false, "rawInput": "Brouillon\n", "content": "<p>Brouillon</p>" },
  { "url": "/n/2026/un-x/", "inputPath": "./posts/un.md", "rawInput": "Bonjour\n", "content": "<p>Bonjour</p>" }
]
"##;

#[test]
fn eleventys_json_is_read() {
    assert_eq!(pages(ELEVENTY), ["page.njk → /page/0/", "posts/deux.md → None", "posts/un.md → /n/2026/un-x/"]);
    let list = read(ELEVENTY).unwrap();
    assert_eq!(list.kind, Kind::Eleventy);
    let page = &list.pages["posts/un.md"];
    assert_eq!(page.content.as_deref(), Some("<p>Bonjour</p>"));
    assert_eq!(page.raw, Some(BodyHash::of("Bonjour")));
    // One page a line, and what a configuration prints before it.
    let lines = "{\"url\":\"/a/\",\"inputPath\":\"./a.md\"}\n{\"url\":\"/b/\",\"inputPath\":\"./b.md\"}\n";
    assert_eq!(pages(lines), ["a.md → /a/", "b.md → /b/"]);
    assert_eq!(pages(&format!("[11ty] Hello\nLoaded {{ 3 }} things\n{ELEVENTY}")).len(), 3);
    assert_eq!(read("[]").unwrap().pages.len(), 0);
}

#[test]
fn a_list_of_ones_own_is_read() {
    let text = r#"[{"path":"content/a.md","permalink":"https://www.example.org/a/","raw":"A"},
        {"path":"content\\b.md","permalink":"/b/","content":"<p>B</p>","draft":false},
        {"path":"c.md","permalink":"/c/","draft":true},{"path":"d.md"},{"permalink":"/e/"}]"#;
    assert_eq!(
        pages(text),
        ["c.md → Draft", "content/a.md → https://www.example.org/a/", "content/b.md → /b/", "d.md → None"]
    );
    assert_eq!(read(text).unwrap().kind, Kind::Own);
}

#[test]
fn hugos_csv_is_read() {
    let text = "WARN 2026/11/24 something\npath,slug,title,date,expiryDate,publishDate,draft,permalink,kind,section\n\
        content/posts/un.md,,\"Un, \"\"deux\"\"\",2026-11-20T00:00:00+01:00,0001-01-01T00:00:00Z,2026-11-20T00:00:00+01:00,false,https://www.example.org/2026/un/,page,posts\n\
        content/posts/d.md,,D,2026-11-20T00:00:00+01:00,0001-01-01T00:00:00Z,2026-11-20T00:00:00+01:00,true,https://www.example.org/2026/d/,page,posts\n\
        content/posts/f.md,,F,2036-11-20T00:00:00+01:00,0001-01-01T00:00:00Z,2036-11-20T00:00:00+01:00,false,https://www.example.org/2036/f/,page,posts\n\
        content/posts/o.md,,O,2020-11-20T00:00:00+01:00,2021-01-01T00:00:00Z,2020-11-20T00:00:00+01:00,false,https://www.example.org/2020/o/,page,posts\n";
    assert_eq!(
        pages(text),
        [
            "content/posts/d.md → Draft",
            "content/posts/f.md → NotNow",
            "content/posts/o.md → NotNow",
            "content/posts/un.md → https://www.example.org/2026/un/",
        ]
    );
    assert_eq!(read(text).unwrap().kind, Kind::Hugo);
}

#[test]
fn what_is_no_list_is_told_with_its_place() {
    let told = |text: &str| {
        let problem = read(text).expect_err("a problem");
        let place = problem.place.clone().expect("a place");
        (problem.message, place.line, place.text)
    };
    let (message, line, text) =
        told("[\n  { \"url\": \"/a/\", \"inputPath\": \"./a.md\" },\n  { \"url\" \"/b/\" }\n]\n");
    assert_eq!(message, "this list of pages cannot be read: expected `:` at line 3 column 11");
    assert_eq!((line, text.as_deref()), (Some(3), Some("  { \"url\" \"/b/\" }")));
    assert!(told("[11ty] Wrote it\n[\n{ \"url\": 1,,}]").0.starts_with("this list of pages cannot be read"));
    assert_eq!(told("[11ty] Wrote it\n[\n{ \"url\": 1,,}]").1, Some(3));
    assert_eq!(told("[{\"a\":1}]").0, "no entry of this list says which file its page is made of");
    assert_eq!(told("  \n").0, "this list of pages is empty: the generator wrote nothing into it");
    assert_eq!(told("<!doctype html>\n<p>").0, "this is a page, not a list of pages");
    let (message, line, text) = told("Not Found\n");
    assert_eq!(message, "this is no list of pages that is known");
    assert_eq!((line, text.as_deref()), (Some(1), Some("Not Found")));
    let csv = "path,permalink\na.md,/a/\nb.md\n";
    assert_eq!(told(csv).1, Some(3));
    assert_eq!(told("[1, 2]").0, "this is no list of pages that is known");
    assert!(told("[{\"inputPath\":\"a.md\",\"url\":\"/a/\"}, 2]").0.contains("invalid type"));
}

proptest! {
    #[test]
    fn any_text_is_a_list_or_a_problem(text in "\\PC*|[\\[\\]{}\",:\n a-z]{0,60}|path,permalink\n(\\PC*\n)*") {
        match read(&text) {
            Ok(list) => prop_assert!(list.pages.keys().all(|path| !path.contains('\\'))),
            Err(problem) => prop_assert!(problem.place.is_some() && problem.help.is_some()),
        }
    }

    #[test]
    fn what_is_written_is_read_back(rows in proptest::collection::btree_map("[a-z]{1,8}(/[a-zé ]{1,8}){0,2}\\.md", "/[a-z/%é]{0,20}", 0..20)) {
        let entries: Vec<Value> =
            rows.iter().map(|(path, url)| serde_json::json!({ "inputPath": format!("./{path}"), "url": url })).collect();
        let list = read(&serde_json::to_string(&entries).unwrap()).unwrap();
        prop_assert_eq!(list.pages.len(), rows.len());
        for (path, url) in rows {
            prop_assert_eq!(&list.pages[&path].address, &Address::At(url));
        }
    }
}
