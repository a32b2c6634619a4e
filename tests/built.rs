//! What the site's generator knows: addresses and bodies from a list of its pages, or from the pages themselves.

use serde_json::{Value, json};

use crate::support::project::Project;

const NOW: &str = "2026-11-24T12:00:00Z";

fn post(title: &str, body: &str) -> String {
    format!("---\ntitle: {title}\ndate: 2026-11-20\n---\n{body}\n")
}

/// A site with two posts, a feed, and `content.built` as given.
fn site(built: &str) -> Project {
    let mut project = Project::new()
        .file("feeds/news.yaml", "outputs: { json: feed.json }\nlimit: all\n")
        .file("posts/un.md", post("Un", "Un *corps*."))
        .file("posts/deux.md", post("Deux", "Un autre."));
    let config = project.read("config/crieur.yaml");
    let built = if built.is_empty() { String::new() } else { format!("  built: {built}\n") };
    project.write("config/crieur.yaml", config.replace("  dates_in: UTC\n", &format!("  dates_in: UTC\n{built}")));
    project.at(NOW);
    project
}

fn list(pages: &[(&str, &str, &str)]) -> String {
    let entry = |(path, url, content): &(&str, &str, &str)| json!({ "inputPath": format!("./{path}"), "url": url, "content": content });
    serde_json::to_string_pretty(&pages.iter().map(entry).collect::<Vec<Value>>()).expect("JSON")
}

/// Address, id and body of each entry of the feed, in the order of the addresses.
fn entries(project: &Project) -> Vec<(String, String, String)> {
    let feed: Value = serde_json::from_str(&project.read("public/feed.json")).expect("JSON");
    let text = |value: &Value| value.as_str().unwrap_or("").to_string();
    let items = feed["items"].as_array().expect("items");
    let mut entries: Vec<_> =
        items.iter().map(|item| (text(&item["url"]), text(&item["id"]), text(&item["content_html"]))).collect();
    entries.sort();
    entries
}

fn addresses(project: &Project) -> Vec<String> {
    entries(project).into_iter().map(|(url, _, _)| url).collect()
}

/// `code: message` of each problem.
fn problems(said: &Value) -> Vec<String> {
    let list = said["problems"].as_array().expect("problems");
    let text = |value: &Value| value.as_str().unwrap_or("").to_string();
    list.iter().map(|problem| format!("{}: {}", text(&problem["code"]), text(&problem["message"]))).collect()
}

#[test]
fn an_address_is_what_the_list_says_and_the_body_what_the_page_shows() {
    let page = |body: &str| {
        format!("<html><body><h1>T</h1><article><div class=content>{body}</div></article></body></html>")
    };
    let project = site("{ manifest: var/pages.json, body: article .content }").file(
        "var/pages.json",
        list(&[
            ("posts/un.md", "/n/un-x/", &page("<p>Bâti, <a href='../b/'>lien</a></p><script>x</script><h2 id=a>A <a class=header-anchor href='#a'>#</a></h2>")),
            ("posts/deux.md", "/n/deux-x/", "<p>nothing there</p>"),
        ]),
    );
    let said = project.json(&["build"], 0);
    assert_eq!(
        entries(&project),
        [
            (
                "https://www.example.org/n/deux-x/".to_string(),
                "https://www.example.org/n/deux-x/".to_string(),
                "<p>Un autre.</p>\n".to_string()
            ),
            (
                "https://www.example.org/n/un-x/".to_string(),
                "https://www.example.org/n/un-x/".to_string(),
                "<p>Bâti, <a href=\"https://www.example.org/n/b/\">lien</a></p>\n<h2 id=\"a\">A </h2>\n".to_string()
            ),
        ]
    );
    assert_eq!(
        problems(&said),
        ["built-body: its built page has nothing at `article .content`: the body is made from the source's Markdown"]
    );
    assert_eq!(said["problems"][0]["file"], "posts/deux.md");
}

#[test]
fn switching_it_on_changes_no_id() {
    let project = site("");
    project.json(&["build"], 0);
    let (before, lock) = (entries(&project), project.read("feeds/items.lock"));
    let config = project.read("config/crieur.yaml");
    project.write(
        "config/crieur.yaml",
        config.replace("content:\n", "content:\n  built: { manifest: var/pages.json, body: p }\n"),
    );
    project.write(
        "var/pages.json",
        list(&[("posts/un.md", "/posts/un/", "<p>Bâti"), ("posts/deux.md", "/posts/deux/", "<p>Aussi")]),
    );
    assert_eq!(problems(&project.json(&["build", "--locked"], 0)), Vec::<String>::new());
    assert_eq!(project.read("feeds/items.lock"), lock);
    let after = entries(&project);
    assert_eq!(after[1].2, "Bâti\n".trim_end());
    let ids = |entries: &[(String, String, String)]| entries.iter().map(|entry| entry.1.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&after), ids(&before));
    // Another address, said by the generator, is a move: the id stays.
    project.write(
        "var/pages.json",
        list(&[("posts/un.md", "/neuf/", "<p>a"), ("posts/deux.md", "/posts/deux/", "<p>b")]),
    );
    project.json(&["build"], 0);
    let moved = entries(&project);
    assert_eq!(
        (moved[0].0.as_str(), moved[0].1.as_str()),
        ("https://www.example.org/neuf/", "https://www.example.org/posts/un/")
    );
}

#[test]
fn an_item_without_a_page_is_not_published_and_gets_no_other_address() {
    let project = site("{ manifest: var/pages.json }")
        .file("posts/sans.md", post("Sans", "…"))
        .file("posts/neuf.md", post("Neuf", "…"));
    let all = "[{\"inputPath\":\"./posts/un.md\",\"url\":\"/n/un/\"},{\"inputPath\":\"./posts/deux.md\",\"url\":\"/n/deux/\"},\
               {\"inputPath\":\"./posts/sans.md\",\"url\":false}]";
    project.write("var/pages.json", all);
    let ran = project.crieur(&["build"]);
    assert_eq!(ran.status, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains(
            "1 item that the generator gives no address (`permalink: false`) is not published: posts/sans.md"
        ),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("1 item without a page in `var/pages.json` is not published: posts/neuf.md"),
        "{}",
        ran.stderr
    );
    assert_eq!(addresses(&project), ["https://www.example.org/n/deux/", "https://www.example.org/n/un/"]);
    assert!(!project.read("feeds/items.lock").contains("neuf"));

    // Published, then gone from the list: left out, with its id kept for when it comes back.
    project.write("var/pages.json", "[{\"inputPath\":\"./posts/un.md\",\"url\":\"/n/un/\"}]");
    let said = problems(&project.json(&["build"], 0));
    assert!(said.contains(&"not-built: this item was published at https://www.example.org/n/deux/, and is not in `var/pages.json` any more: it is left out".to_string()), "{said:#?}");
    assert_eq!(addresses(&project), ["https://www.example.org/n/un/"]);
    project.write("var/pages.json", all);
    project.json(&["build"], 0);
    assert_eq!(addresses(&project), ["https://www.example.org/n/deux/", "https://www.example.org/n/un/"]);
}

#[test]
fn a_list_that_cannot_be_the_sites_stops_everything() {
    let project = site("{ manifest: var/pages.json }");
    for name in ["a", "b", "c"] {
        project.write(&format!("posts/{name}.md"), post(name, name));
    }
    let all: Vec<(String, String)> =
        ["un", "deux", "a", "b", "c"].iter().map(|name| (format!("posts/{name}.md"), format!("/{name}/"))).collect();
    let pages: Vec<(&str, &str, &str)> = all.iter().map(|(path, url)| (path.as_str(), url.as_str(), "")).collect();
    let refused = |what: &str| {
        let feed = project.join("public/feed.json").exists().then(|| project.read("public/feed.json"));
        let ran = project.crieur(&["build"]);
        assert_eq!(ran.status, 2, "{what}: {}", ran.stderr);
        assert_eq!(
            project.join("public/feed.json").exists().then(|| project.read("public/feed.json")),
            feed,
            "{what}"
        );
        ran.stderr
    };
    let said = refused("missing");
    assert!(
        said.contains("there is no `var/pages.json`: the site was not built here")
            && said.contains("npx @11ty/eleventy --to=json > var/pages.json"),
        "{said}"
    );
    assert!(said.contains("config/crieur.yaml:10"), "{said}");
    project.write("var/pages.json", "{\"message\": \"Not found\"}");
    assert!(refused("none").contains("no entry of this list says which file its page is made of"));
    project.write("var/pages.json", list(&[("src/other.md", "/other/", "")]));
    assert!(refused("another site's").contains("`var/pages.json` knows none of the items"));
    let local: Vec<(String, String)> =
        all.iter().map(|(path, url)| (path.clone(), format!("http://localhost:1313{url}"))).collect();
    let local: Vec<(&str, &str, &str)> = local.iter().map(|(path, url)| (path.as_str(), url.as_str(), "")).collect();
    project.write("var/pages.json", list(&local));
    let said = refused("local");
    assert!(
        said.contains("5 items are not at the site's address") && said.contains("http://localhost:1313/"),
        "{said}"
    );
    project.write("var/pages.json", list(&pages));
    project.json(&["build"], 0);
    assert_eq!(addresses(&project).len(), 5);
    // Cut short: most of what was published would vanish at once.
    project.write("var/pages.json", list(&pages[..2]));
    assert!(refused("cut short").contains("lacks 3 of the 5 items that were published"));
}

#[test]
fn a_folder_of_built_pages_says_which_items_there_are() {
    let page = |head: &str, body: &str| {
        format!("<html><head>{head}</head><body><main><nav>x</nav>{body}</main></body></html>")
    };
    let project = site("{ manifest: _site, body: main }")
        .file("posts/sans.md", post("Sans", "…"))
        .file(
            "_site/posts/un/index.html",
            page("<link rel=canonical href='https://www.example.org/posts/un'>", "<p>Un, bâti.</p>"),
        )
        .file(
            "_site/posts/deux/index.html",
            page("<link rel=canonical href='https://www.example.org/'>", "<p>Deux, bâti.</p>"),
        );
    let said = problems(&project.json(&["build"], 0));
    assert_eq!(said, ["not-built: 1 item without a page in `_site` is not published: posts/sans.md"]);
    let entries = entries(&project);
    let seen: Vec<(&str, &str)> = entries.iter().map(|(url, _, body)| (url.as_str(), body.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("https://www.example.org/posts/deux/", "<p>Deux, bâti.</p>\n"),
            // Its own spelling, which leads to the same page; a canonical address that leads elsewhere is not believed.
            ("https://www.example.org/posts/un", "<p>Un, bâti.</p>\n"),
        ]
    );
}

#[test]
fn what_was_edited_after_the_list_was_made_is_said() {
    let project = site("{ manifest: var/pages.json }");
    let pages = json!([
        { "inputPath": "./posts/un.md", "url": "/un/", "rawInput": "Un *corps*.\n" },
        { "inputPath": "./posts/deux.md", "url": "/deux/", "rawInput": "Un autre, avant.\n" },
    ]);
    project.write("var/pages.json", pages.to_string());
    let said = problems(&project.json(&["check"], 0));
    assert_eq!(said, ["built-before: `var/pages.json` was made before the last change of posts/deux.md"]);
}

#[test]
fn a_selector_that_is_none_or_finds_nothing_anywhere_is_an_error_at_its_line() {
    let project = site("{ manifest: var/pages.json, body: 'article >> .x' }");
    let ran = project.crieur(&["check"]);
    assert!(ran.status == 2 && ran.stderr.contains("`article >> .x` is not a CSS selector"), "{}", ran.stderr);
    let project = site("{ manifest: var/pages.json, body: .absent }")
        .file("var/pages.json", list(&[("posts/un.md", "/un/", "<p>a"), ("posts/deux.md", "/deux/", "<p>b")]));
    let said = project.json(&["check"], 1);
    assert_eq!(
        problems(&said),
        ["built-body: no item's body is found; posts/deux.md: its built page has nothing at `.absent`"]
    );
    assert_eq!(said["problems"][0]["line"], 10);
}
