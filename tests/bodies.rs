//! Bodies, rendered: the corpora's against what their sites published, and hostile ones against the promises.

use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, Utc};
use crieur::body::tree::{Node, text_content, write};
use crieur::body::{Body, Renderer};
use crieur::config::Config;
use crieur::item::{Item, load_all};
use url::Url;

use crate::support::corpora;
use crate::support::project::Project;

fn now() -> DateTime<Utc> {
    "2026-11-24T08:00:00Z".parse().expect("a moment")
}

const MINUMECO: &str = r#"
site: { url: "https://ecoresponsable.numerique.gouv.fr/", title: Numérique écoresponsable, language: fr, time_zone: Europe/Paris }
content:
  paths: [posts]
  permalink: PERMALINK
  dates_in: UTC
  variables: VARIABLES
  markdown: { html: true, breaks: true, linkify: true, typographer: true, indented_code: false,
              quotes: ["«\u00a0", "\u00a0»", "‹\u00a0", "\u00a0›"] }
"#;

/// The project, its items and its renderer.
struct Rendered {
    items: Vec<Item>,
    renderer: Renderer,
    _project: Project,
}

fn read(corpus: &Path, configuration: &str) -> Rendered {
    let project = Project::empty();
    project.copy(&corpus.join("posts"), "posts");
    if corpus.join("_data").exists() {
        project.copy(&corpus.join("_data"), "_data");
    }
    project.write("config/crieur.yaml", configuration);
    let (config, problems) = Config::read(project.path()).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert!(!problems.has_errors(), "{problems:?}");
    let items = load_all(&config, now()).items;
    let (renderer, problems) = Renderer::new(&config);
    assert!(problems.is_empty(), "{problems:?}");
    Rendered { items, renderer, _project: project }
}

fn minumeco(corpus: &Path) -> Rendered {
    let configuration = MINUMECO.replace("PERMALINK", "/posts/{stem}/");
    read(corpus, &configuration.replace("VARIABLES", "{ metadata: _data/metadata.json }"))
}

/// A tree as one line an element or text, with white space as HTML reads it and embeds taken out.
pub fn outline(nodes: &[Node]) -> String {
    fn gather(nodes: &[Node], depth: usize, out: &mut String) {
        for node in nodes {
            let pad = " ".repeat(depth);
            match node {
                Node::Text(text) => {
                    let words: Vec<&str> = text.split([' ', '\n', '\t']).filter(|word| !word.is_empty()).collect();
                    if !words.is_empty() {
                        let _ = writeln!(out, "{pad}{}", words.join(" "));
                    }
                }
                Node::Element(element) if element.attribute("data-embed").is_some() => {}
                Node::Element(element) => {
                    let mut attributes = element.attributes.clone();
                    attributes.sort();
                    let _ = writeln!(out, "{pad}<{} {attributes:?}>", element.name);
                    gather(&element.children, depth + 1, out);
                }
            }
        }
    }
    let mut out = String::new();
    gather(nodes, 0, &mut out);
    out
}

#[test]
fn the_bodies_of_minumeco_are_those_that_the_site_published() {
    let Some(corpora) = corpora() else { return };
    let rendered = minumeco(&corpora.join("minumeco"));
    let published = std::fs::read(corpora.join("minumeco/expected/feed.xml")).expect("the published feed");
    let published =
        feed_rs::parser::Builder::new().sanitize_content(false).build().parse(&published[..]).expect("a feed");
    assert_eq!(published.entries.len(), 27);
    let mut differ = 0;
    for entry in &published.entries {
        let item = rendered.items.iter().find(|item| item.url == entry.id).expect(&entry.id);
        let ours = rendered.renderer.render(item);
        let theirs = entry.content.as_ref().and_then(|content| content.body.as_deref()).expect("a body");
        let theirs = rendered.renderer.render_html(item, theirs);
        let (ours, theirs) = (outline(&ours.nodes), outline(&theirs.nodes));
        if ours != theirs {
            differ += 1;
            let at = ours.lines().zip(theirs.lines()).take_while(|(a, b)| a == b).count();
            let shown = |text: &str| text.lines().skip(at.saturating_sub(1)).take(4).collect::<Vec<_>>().join("\n  ");
            println!("{}\n ours:\n  {}\n theirs:\n  {}", entry.id, shown(&ours), shown(&theirs));
        }
    }
    assert_eq!(differ, 0, "bodies differ");
}

/// Every promise about what reaches a reader, on one body.
fn assert_fit_to_read(item: &Item, body: &Body) {
    check(&body.nodes, false, item);
    let html = body.html();
    for part in [&html, &body.text()] {
        assert!(
            !part.chars().any(|c| (c < ' ' && !"\n\t\r".contains(c)) || matches!(c, '\u{fffe}' | '\u{ffff}')),
            "{}",
            item.path()
        );
    }
}

fn check(nodes: &[Node], in_code: bool, item: &Item) {
    for node in nodes {
        match node {
            Node::Text(_) if in_code => {}
            Node::Text(text) => {
                for code in ["{{", "{%", ":::"] {
                    assert!(!text.contains(code), "{}: {text}", item.path());
                }
            }
            Node::Element(element) => {
                let name = element.name.as_str();
                let forbidden =
                    ["iframe", "script", "style", "form", "object", "embed", "svg", "math", "input", "button"];
                assert!(!forbidden.contains(&name) && !name.starts_with('#'), "{}: <{name}>", item.path());
                for (key, value) in &element.attributes {
                    assert!(!key.starts_with("on") && key != "style", "{}: {key}", item.path());
                    if ["href", "src", "poster", "cite", "longdesc"].contains(&key.as_str()) {
                        let address = Url::parse(value).unwrap_or_else(|_| panic!("{}: {value}", item.path()));
                        assert!(!["javascript", "data", "vbscript", "file"].contains(&address.scheme()), "{value}");
                    }
                    assert!(!value.contains("{{") && !value.contains("{%"), "{}: {value}", item.path());
                }
                check(&element.children, in_code || name == "code" || name == "pre", item);
            }
        }
    }
}

#[test]
fn no_template_code_reaches_a_reader_of_18f() {
    let Some(corpora) = corpora() else { return };
    let rendered = read(
        &corpora.join("18f"),
        "site: { url: https://18f.gsa.gov/, title: 18F, language: en }\ncontent: { paths: [posts], permalink: \"/{year}/{month}/{day}/{slug}/\" }\n",
    );
    assert!(rendered.items.len() > 490, "{}", rendered.items.len());
    for item in &rendered.items {
        let body = rendered.renderer.render(item);
        assert_fit_to_read(item, &body);
        for problem in body.problems.iter() {
            assert!(problem.place.is_some(), "{problem:?}");
        }
    }
}

#[test]
fn every_video_of_the_site_of_2026_is_a_figure_with_a_link() {
    let Some(corpora) = corpora() else { return };
    let configuration = MINUMECO.replace("PERMALINK", "/actualites/{stem}/").replace("VARIABLES", "{}");
    let rendered = read(&corpora.join("minumeco-2026"), &configuration);
    let mut videos = 0;
    for item in &rendered.items {
        let body = rendered.renderer.render(item);
        assert_fit_to_read(item, &body);
        assert!(body.problems.is_empty(), "{}: {:?}", item.path(), body.problems);
        let written = item.body().matches("{%- dailymotion").count() + item.body().matches("<iframe").count();
        assert_eq!(body.embeds.len(), written, "{}", item.path());
        videos += written;
        let html = body.html();
        for embed in &body.embeds {
            assert!(
                html.contains(&format!("<figure data-embed=\"{}\"><a href=\"{0}\"><img src=\"", embed.url)),
                "{html}"
            );
        }
        assert_eq!(
            html.matches("<details>").count(),
            item.body().matches("{% transcription").count(),
            "{}",
            item.path()
        );
    }
    assert!(videos >= 8, "{videos}");
}

#[test]
fn a_text_is_what_the_tree_says() {
    let body = render(
        "# Titre\n\nUn [lien](/a) et `code`.\n\n- a\n- b\n  1. c\n\n> cité\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n![alt](b.png)\n\n<iframe src=\"https://dai.ly/x1\" title=\"Film\"></iframe>\n",
        "",
    );
    let text = "Titre\n=====\n\nUn lien (https://example.org/a) et code.\n\n- a\n- b\n  1. c\n\n> cité\n\nx | y\n-----\n1 | 2\n\nalt\n\nVidéo : Film (Dailymotion)\nhttps://www.dailymotion.com/video/x1\n";
    assert_eq!(body.text(), text);
    assert_eq!(body.summary(14), "Un lien et…");
    assert!(text_content(&body.nodes).contains("Film"));
    assert_eq!(write(&body.nodes), body.html());
}

/// One body in a project of its own; `more` is configuration under `content`.
fn render(body: &str, more: &str) -> Body {
    let (item, renderer, _project) = project(body, more);
    let body = renderer.render(&item);
    assert_fit_to_read(&item, &body);
    body
}

fn project(body: &str, more: &str) -> (Item, Renderer, Project) {
    let project = Project::empty();
    let configuration = format!(
        "site: {{ url: \"https://example.org/\", title: Essai, language: fr }}\ncontent:\n  paths: [posts]\n{more}\n"
    );
    project.write("config/crieur.yaml", configuration);
    project.write(
        "posts/a.md",
        format!("---\ntitle: Un essai\ndate: 2026-01-02\nimage: /a.png\nkeys: [x, y]\n---\n{body}"),
    );
    let (config, problems) = Config::read(project.path()).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert!(problems.is_empty(), "{problems:?}");
    let item = load_all(&config, now()).items.pop().expect("an item");
    let renderer = Renderer::new(&config).0;
    (item, renderer, project)
}

fn html(body: &str) -> String {
    render(body, "").html()
}

#[test]
fn every_address_is_absolute() {
    let written = html(
        "[a](b.html) [n](#note) <img src=\"/i.png\" srcset=\"/i.png 1x, j.png 2x\"> <video poster=p.jpg src=v.mp4></video> [x](javascript:alert(1)) <a href='data:text/html,x'>d</a>",
    );
    let base = Url::parse("https://example.org/").expect("an address");
    assert!(base.join("b.html").is_ok());
    for part in [
        "/b.html\"",
        "#note\"",
        "srcset=\"https://example.org/i.png 1x, https://example.org/",
        "poster=\"https://example.org/",
        "src=\"https://example.org/",
    ] {
        assert!(written.contains(part), "{part} in {written}");
    }
    assert!(!written.contains("javascript:") && !written.contains("data:"), "{written}");
}

#[test]
fn trackers_scripts_and_forms_go() {
    let written = html(
        "a <img src=\"https://t.example.org/o.gif\" width=1 height=1><script>x()</script><form action=/x>b <input></form><svg><a href=x>c</a></svg><p onclick=x style=\"color:red\">d</p>",
    );
    assert_eq!(written.replace('\n', ""), "<p>a </p>b <p>d</p>");
}

#[test]
fn template_code_is_replaced_or_left_out_with_its_place() {
    let body = render(
        "![]({{ image }}) {{ \"/x\" | url }} {{ missing }}\n\n{% if image %}oui{% else %}non{% endif %}{% for k in keys %} {{ k }}{% endfor %}\n\n{% nope \"a\" %}\n\n`{{ code }}` {% raw %}{{ y }}{% endraw %}\n",
        "",
    );
    let written = body.html();
    assert!(written.contains("<img src=\"https://example.org/a.png\" alt=\"\"> /x</p>"), "{written}");
    assert!(written.contains("oui x y"), "{written}");
    assert!(written.contains("<code>{{ code }}</code> <code>{{ y }}</code>"), "{written}");
    let said: Vec<String> = body.problems.iter().map(|problem| format!("{}: {problem}", problem.code)).collect();
    assert_eq!(
        said,
        [
            "undefined-value: posts/a.md:7:35: `missing` has no value; it is left out",
            "unknown-shortcode: posts/a.md:11:1: `nope` is not known; it is left out",
        ]
    );
}

#[test]
fn shortcodes_are_known_in_every_spelling() {
    let more = "  shortcodes:\n    note: '<div class=\"{{args.kind}}\">{{inner}}</div>'\n    hi: '<b>{{args.[0]}} {{item.title}}</b>'";
    for (written, expected) in [
        ("{% hi \"<i>\" %}", "<p><b>&lt;i&gt; Un essai</b></p>"),
        ("{{< hi you >}}", "<p><b>you Un essai</b></p>"),
        ("{% note kind=\"k\" %}\n\n*a*\n\n{% endnote %}", "<div class=\"k\"><p><em>a</em></p></div>"),
        ("{{< note kind=\"k\" >}}a{{< /note >}}", "<div class=\"k\">a</div>"),
        ("{% note(kind=\"k\") %}a{% end %}", "<div class=\"k\">a</div>"),
        ("{{ hi(\"a\") }}", "<p><b>a Un essai</b></p>"),
    ] {
        let body = render(written, more);
        assert_eq!(body.html().replace('\n', ""), expected, "{written}: {:?}", body.problems);
    }
}

#[test]
fn an_unknown_shortcode_is_an_error_when_so_configured() {
    let body = render("{{< tableau >}}", "  unknown_shortcode: fail");
    assert!(body.problems.has_errors());
}

#[test]
fn html_is_text_when_it_is_switched_off_but_for_shortcodes() {
    let more = "  markdown: { html: false }\n  shortcodes: { b: '<b>x</b>' }";
    let written = render("<div>*a*</div>\n<b>c</b>\n\n{% b %}\n\n:::note\nd\n:::\n", more).html().replace('\n', "");
    assert!(written.contains("&lt;div&gt;<em>a</em>&lt;/div&gt;"), "{written}");
    assert!(written.contains("<b>x</b>") && written.contains("&lt;b&gt;c&lt;/b&gt;"), "{written}");
    assert!(written.contains("<div class=\"note\"><p>d</p></div>"), "{written}");
}

#[test]
fn attributes_in_braces_reach_their_element() {
    let written = html("## Titre {#t .grand}\n\nUn `code`{.x} et [a](b){target=_blank .y}.\n\nFin {onclick=x .z}\n")
        .replace('\n', "");
    assert!(written.contains("<h2 id=\"t\" class=\"grand\">Titre</h2>"), "{written}");
    assert!(written.contains("<code class=\"x\">code</code>") && written.contains("class=\"y\">a</a>"), "{written}");
    assert!(written.contains("<p class=\"z\">Fin</p>"), "{written}");
}

#[test]
fn footnotes_have_ids_of_their_own() {
    let written = html("a[^1] b[^1]\n\n[^1]: Note *x*.\n");
    assert_eq!(written.matches("<sup class=\"footnote-ref\">").count(), 2, "{written}");
    assert!(written.contains("<li id=\"fn-") && written.contains("Note <em>x</em>."), "{written}");
}

#[test]
fn deep_nesting_and_large_bodies_are_bounded() {
    for body in [
        format!("{}a", ">".repeat(10_000)),
        format!("{}a{}", "<div>".repeat(10_000), "</div>".repeat(10_000)),
        "<b><i>".repeat(10_000),
        format!("{}a{}", "*".repeat(5_000), "*".repeat(5_000)),
        "[".repeat(20_000),
        "{{ ".repeat(20_000),
        "{% if x %}".repeat(2_000),
        "\"'".repeat(20_000),
        "<a href=x><table>".repeat(2_000),
        "- ".repeat(3_000),
    ] {
        let body = render(&body, "");
        let _ = (body.text(), body.summary(100));
    }
}

/// Time must grow with the text's length: each of these is 200 kB, and took milliseconds to seconds at most, unoptimised.
#[test]
fn large_bodies_take_no_longer_than_they_are_long() {
    let (item, renderer, _project) = project("", "");
    for piece in [
        "Un paragraphe \"simple\" avec *emphase* et l'apostrophe -- voilà. ",
        "Un paragraphe et https://example.org/a_b.\n\n",
        "<div class=x><p>Un paragraphe <b>gras</b></p></div>\n\n",
        "{{ missing }} et {% if image %}x{% endif %}\n\n",
        "{{ ",
        ":::note\na\n:::\n",
        "    code\n\npara\n\n",
    ] {
        let text = piece.repeat(200_000 / piece.len());
        let item = Item { source: crieur::problem::Source::new("a.md", text), body_start: 0, ..item.clone() };
        let start = std::time::Instant::now();
        let body = renderer.render(&item);
        let _ = body.text();
        println!("{piece:?}: {:?}", start.elapsed());
        assert!(start.elapsed().as_secs() < 30, "{piece:?}: {:?}", start.elapsed());
    }
}

mod any_text {
    use proptest::prelude::*;

    use super::{assert_fit_to_read, project};

    /// Pieces that mean something to somebody, with any text between them.
    fn hostile() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            any::<String>(),
            prop::sample::select(vec![
                "{{",
                "}}",
                "{%",
                "%}",
                "{{<",
                ">}}",
                "{%- raw -%}",
                "{% endraw %}",
                "{% if x %}",
                "{% endif %}",
                "{% for a in keys %}",
                "{% endfor %}",
                ":::",
                "::: note\n",
                "??? note \"t\"\n",
                "    ",
                "\n",
                "\n\n",
                "> ",
                "- ",
                "1. ",
                "| a | b |\n|--|--|\n",
                "```\n",
                "`",
                "*",
                "_",
                "~~",
                "[^1]",
                "[^1]: n\n",
                "[a](",
                ")",
                "![",
                "](javascript:x)",
                "<iframe src=//e.org/v title='{{'>",
                "</iframe>",
                "<script>",
                "</script>",
                "<svg onload=x>",
                "<img src=x onerror=y srcset='a 1x, b'>",
                "<p style='x'>",
                "<a href=\" data:x\">",
                "<div>",
                "</div>",
                "<math><mtext>",
                "<!--",
                "-->",
                "<style>",
                "<template>",
                "\u{0}",
                "\u{8}",
                "\u{fffe}",
                "\u{e0f0}",
                "\u{e0f1}",
                "&#8;",
                "&#123;&#123;",
                "&lbrace;",
                "\\{",
                "{.a}",
                "{#b onclick=x}",
                "\"",
                "'",
                "--",
                "https://e.org/_a_",
                "e.fr",
                "a@b-example.org",
                "\r\n",
            ])
            .prop_map(str::to_string),
        ];
        prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    #[test]
    fn whatever_is_written_what_comes_out_is_fit_to_read() {
        let (item, renderer, _project) = project("", "");
        let config = ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() };
        let mut runner = proptest::test_runner::TestRunner::new(config);
        let outcome = runner.run(&hostile(), |text| {
            let source = crieur::problem::Source::new("posts/a.md", text.as_str());
            let item = crieur::item::Item { source, body_start: 0, ..item.clone() };
            let body = renderer.render(&item);
            assert_fit_to_read(&item, &body);
            let line = renderer.line(&item, &text);
            prop_assert!(!line.contains("{{") && !line.contains("{%") && !line.contains('\n'), "{line:?}");
            prop_assert!(body.summary(40).chars().count() <= 40);
            Ok(())
        });
        outcome.unwrap_or_else(|failure| panic!("{failure}"));
    }
}
