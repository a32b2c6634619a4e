use super::*;

fn chosen(selector: &str, page: &str) -> Option<String> {
    Chooser::new(selector).unwrap().choose(page, "Un titre").map(|html| html.trim().to_string())
}

#[test]
fn what_the_selector_finds_is_the_body_and_nothing_around_it() {
    let page = "<!doctype html><title>x</title><main><h1>Un titre</h1><article><div class=content><p>Un <b>corps</b>.</p></div>\
                <div class=related>…</div></article></main>";
    assert_eq!(chosen("article .content", page).as_deref(), Some("<p>Un <b>corps</b>.</p>"));
    // Outermost of nested ones, and each of several.
    let nested = "<div class=a>1<div class=a>2</div></div><div class=a>3</div>";
    assert_eq!(chosen(".a", nested).as_deref(), Some("1<div class=\"a\">2</div>\n3"));
    // Hugo's `.Content`, which is a body already.
    assert_eq!(chosen("body", "<p>Un corps.</p>\n<h2>Deux</h2>").as_deref(), Some("<p>Un corps.</p>\n<h2>Deux</h2>"));
}

#[test]
fn nothing_that_says_anything_is_no_body() {
    assert_eq!(chosen(".none", "<p>a</p>"), None);
    assert_eq!(chosen("article", "<article> <div></div> </article>"), None);
    assert_eq!(chosen("article", "<article><nav>menu</nav></article>"), None);
    assert_eq!(chosen("article", "<article><img src=a.png></article>").as_deref(), Some("<img src=\"a.png\">"));
}

#[test]
fn the_pages_own_chrome_does_not_reach_readers() {
    for (page, body) in [
        ("<a class=\"skip-link\" href=#main>Aller au contenu</a><p>a</p>", "<p>a</p>"),
        ("<h1>Un\n  titre</h1><p>a</p>", "<p>a</p>"),
        ("<h1>Un autre</h1><p>a</p>", "<h1>Un autre</h1><p>a</p>"),
        // markdown-it-anchor's ways, and those of Hugo's themes.
        ("<h2 id=x>X <a class=\"header-anchor\" href=\"#x\">#</a></h2>", "<h2 id=\"x\">X </h2>"),
        (
            "<h2 id=x tabindex=-1><a class=\"header-anchor\" href=\"#x\">X <i>y</i></a></h2>",
            "<h2 id=\"x\" tabindex=\"-1\">X <i>y</i></h2>",
        ),
        (
            "<h2 id=x>X</h2><a class=\"header-anchor\" href=\"#x\"><span class=\"visually-hidden\">Lien vers X</span> <span aria-hidden=\"true\">#</span></a>",
            "<h2 id=\"x\">X</h2>",
        ),
        ("<h2 id=x>X<a href=\"#x\" aria-label=\"Anchor\">¶</a></h2>", "<h2 id=\"x\">X</h2>"),
        ("<h2 id=x>X<a href=\"#x\"><span class=\"sr-only\">Permalink</span></a></h2>", "<h2 id=\"x\">X</h2>"),
        ("<h3 id=x>X<a hidden class=\"anchor\" aria-hidden=\"true\" href=\"#x\">#</a></h3>", "<h3 id=\"x\">X</h3>"),
        ("<p><a href=\"#fn1\">1</a></p>", "<p><a href=\"#fn1\">1</a></p>"),
        ("<h2><a href=\"/ailleurs/\">X</a></h2>", "<h2><a href=\"/ailleurs/\">X</a></h2>"),
        (
            "<div><pre><code>a</code></pre><button class=\"copy\">Copier</button></div>",
            "<div><pre><code>a</code></pre></div>",
        ),
        ("<nav>Sommaire</nav><p>a</p><form><label>Mail</label><input></form>", "<p>a</p>"),
        ("<p>a</p><p hidden>b</p><script>c</script><style>d</style>", "<p>a</p>"),
        (
            "<table class=\"lntable\"><tbody><tr><td class=\"lntd\"><pre><span class=\"lnt\">1</span></pre></td><td class=\"lntd\"><pre>a</pre></td></tr></tbody></table>",
            "<table class=\"lntable\"><tbody><tr><td class=\"lntd\"><pre>a</pre></td></tr></tbody></table>",
        ),
    ] {
        let whole = format!("<article>{page}</article>");
        assert_eq!(chosen("article", &whole).as_deref(), Some(body), "{page}");
    }
}

#[test]
fn any_page_is_survived() {
    let deep = "<div>".repeat(20_000);
    for page in ["", "<", "<article", "<article><b><i></article>", "<table><article>a", &deep] {
        chosen("article, div", page);
    }
}
