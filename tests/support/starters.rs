//! Sites as newcomers have them: one with the layout of Eleventy's blog starter, one as `hugo new site` makes it. Every file and
//! word is made up here.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Writes a file of a site, its folders included.
pub fn write(site: &Path, path: &str, text: &str) {
    let path = site.join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

const CONFIG: &str = r##"export default async function (eleventyConfig) {
	eleventyConfig.addPreprocessor("drafts", "*", (data) => {
		if (data.draft) {
			return false;
		}
	});
	eleventyConfig.addPassthroughCopy({ "./public/": "/" });
	eleventyConfig.addCollection("recent", (api) => api.getFilteredByTag("posts").reverse());
	eleventyConfig.addFilter("isoDay", (date) => date.toISOString().slice(0, 10));
	eleventyConfig.addFilter("head", (list, count) => list.slice(0, count));
	eleventyConfig.addShortcode("currentBuildDate", () => new Date().toISOString());
}

export const config = {
	templateFormats: ["md", "njk", "html", "11ty.js"],
	markdownTemplateEngine: "njk",
	htmlTemplateEngine: "njk",
	dir: { input: "content", includes: "../_includes", data: "../_data", output: "_site" },
	pathPrefix: "PREFIX",
};
"##;

const BASE: &str = "<!doctype html>\n<html lang=\"{{ metadata.language }}\">\n<head><meta charset=\"utf-8\"><title>{{ title or metadata.title }}</title></head>\n\
    <body>\n<header><a href=\"{{ '/' | url }}\">{{ metadata.title }}</a></header>\n<main id=\"main\">{{ content | safe }}</main>\n\
    <footer>{% currentBuildDate %}</footer>\n</body>\n</html>\n";

const POST: &str = "---\nlayout: layouts/base.njk\n---\n<h1>{{ title }}</h1>\n<ul class=\"about\"><li><time>{{ page.date | isoDay }}</time></li></ul>\n{{ content | safe }}\n";

/// An Eleventy site at this address, which ends in `/`. `permalink`: what the posts' folder says of their addresses.
pub fn eleventy(site: &Path, url: &str, permalink: Option<&str>) {
    let prefix = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_string()));
    write(site, "eleventy.config.js", &CONFIG.replace("PREFIX", &prefix.unwrap_or_default()));
    write(
        site,
        "package.json",
        "{\n\t\"name\": \"le-carnet\",\n\t\"private\": true,\n\t\"type\": \"module\",\n\t\"scripts\": { \"build\": \"npx @11ty/eleventy\", \
         \"start\": \"npx @11ty/eleventy --serve --quiet\" },\n\t\"devDependencies\": { \"@11ty/eleventy\": \"^3.1.0\" }\n}\n",
    );
    write(site, "package-lock.json", "{ \"name\": \"le-carnet\", \"lockfileVersion\": 3, \"packages\": {} }\n");
    write(site, ".gitignore", "_site/\nnode_modules/\n");
    write(
        site,
        "_data/metadata.js",
        &format!(
            "export default {{\n\ttitle: \"Le carnet d'Alix\",\n\turl: \"{url}\",\n\tlanguage: \"fr\",\n\tdescription: \"Un carnet inventé.\",\n\t\
             author: {{\n\t\tname: \"Alix Exemple\",\n\t\temail: \"alix@example.org\",\n\t\turl: \"{url}about/\",\n\t}},\n}};\n"
        ),
    );
    write(site, "_includes/layouts/base.njk", BASE);
    write(site, "_includes/layouts/post.njk", POST);
    let permalink = permalink.map(|text| format!("\tpermalink: \"{text}\",\n")).unwrap_or_default();
    write(
        site,
        "content/blog/blog.11tydata.js",
        &format!("export default {{\n\ttags: [\"posts\"],\n\tlayout: \"layouts/post.njk\",\n{permalink}}};\n"),
    );
    write(site, "content/content.11tydata.js", "export default {\n\tlayout: \"layouts/base.njk\",\n};\n");
    let list = "<ol>{% for post in collections.recent | head(3) %}<li><a href=\"{{ post.url | url }}\">{{ post.data.title }}</a></li>{% endfor %}</ol>\n";
    write(site, "content/index.njk", &format!("---\ntitle: Accueil\n---\n<h1>Les derniers billets</h1>\n{list}"));
    write(
        site,
        "content/blog.njk",
        "---\ntitle: Billets\npermalink: /blog/index.html\n---\n<h1>Tous les billets</h1>\n",
    );
    write(site, "content/about.md", "---\ntitle: À propos\n---\n# Qui écrit\n\nPersonne, ce carnet est inventé.\n");
    // What the starter writes with a plugin: crieur's feed takes its place.
    write(
        site,
        "content/feed.njk",
        "---\npermalink: /feed/feed.xml\nlayout: false\neleventyExcludeFromCollections: true\n---\n<feed xmlns=\"http://www.w3.org/2005/Atom\"/>\n",
    );
    write(site, "public/css/page.css", "main { max-width: 40em; }\n");
    write(
        site,
        "public/img/pot.svg",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"40\" height=\"20\"><rect width=\"40\" height=\"20\"/></svg>\n",
    );
    for (path, text) in [
        (
            "content/blog/premier-billet.md",
            "---\ntitle: Le premier billet\ndescription: On commence.\ndate: 2026-02-01\ntags: [\"carnet\"]\n---\nUn mot pour *commencer* le carnet, et les suivants.\n\n## Et après\n\nLa suite est dans [un autre](/blog/deuxieme-billet/).\n",
        ),
        (
            "content/blog/deuxieme-billet.md",
            "---\ntitle: Le deuxième billet\ndate: 2026-02-10\ntags:\n  - carnet\n  - essais\n---\nDu code, comme il en faut :\n\n```js\nlet pot = 1;\n```\n\nEt le titre : {{ metadata.title }}.\n",
        ),
        (
            "content/blog/troisieme-billet/troisieme-billet.md",
            "---\ntitle: Le troisième billet\ndate: 2026-02-20\n---\nIl est dans le dossier de son nom.\n\n![Un pot](/img/pot.svg)\n",
        ),
        ("content/blog/brouillon.md", "---\ntitle: Un brouillon\ndate: 2026-02-25\ndraft: true\n---\nPas encore.\n"),
    ] {
        write(site, path, text);
    }
}

/// A theme for Hugo, in a folder of its own.
pub fn theme(folder: &Path) {
    write(
        folder,
        "layouts/_default/baseof.html",
        "<!doctype html><html lang=\"en\"><body><main>{{ block \"main\" . }}{{ end }}</main></body></html>\n",
    );
    write(
        folder,
        "layouts/_default/single.html",
        "{{ define \"main\" }}<article><h1>{{ .Title }}</h1>{{ .Content }}</article>{{ end }}\n",
    );
    write(
        folder,
        "layouts/_default/list.html",
        "{{ define \"main\" }}<h1>{{ .Title }}</h1>{{ range .Pages }}<a href=\"{{ .Permalink }}\">{{ .Title }}</a>{{ end }}{{ end }}\n",
    );
}

/// A Hugo site at this address: what Hugo makes, and what its owner adds; its theme is to come as `themes/bare`. `second`: the
/// file of the second post.
pub fn hugo(site: &Path, url: &str, second: &str) {
    let made =
        Command::new("hugo").args(["new", "site", "--force", "."]).current_dir(site).output().expect("hugo runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let config = fs::read_to_string(site.join("hugo.toml")).or_else(|_| fs::read_to_string(site.join("config.toml")));
    let config = config.expect("the configuration that hugo made");
    let own = |line: &str| match line.split(' ').next() {
        Some("baseURL") => format!("baseURL = '{url}'"),
        Some("title") => "title = 'A field notebook'".to_string(),
        _ => line.to_string(),
    };
    let name = if site.join("hugo.toml").is_file() { "hugo.toml" } else { "config.toml" };
    write(site, name, &(config.lines().map(own).collect::<Vec<_>>().join("\n") + "\ntheme = 'bare'\n"));
    for (path, text) in [
        ("content/about.md", "---\ntitle: About\n---\nA made-up notebook.\n"),
        (
            "content/posts/first-walk.md",
            "---\ntitle: \"First walk\"\ndate: 2026-02-01T10:00:00Z\ntags: [walks]\n---\nThe pond is *quiet*.\n",
        ),
        (second, "+++\ntitle = \"Second walk\"\ndate = 2026-02-10\n+++\nThe pond is not quiet: \"frogs\".\n"),
        ("content/posts/map/index.md", "---\ntitle: The map\ndate: 2026-02-20\n---\nDrawn [here](pond.svg).\n"),
        ("content/posts/later.md", "---\ntitle: Later\ndate: 2026-02-25\ndraft: true\n---\nNot yet.\n"),
    ] {
        write(site, path, text);
    }
    write(
        site,
        "content/posts/map/pond.svg",
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"40\" height=\"20\"/>\n",
    );
}

/// An Eleventy site that takes every file of its folder for a page, computes its posts' addresses, and says nothing of where in its
/// host it is.
pub fn plain_eleventy(site: &Path, url: &str) {
    write(site, "eleventy.config.js", "export default function () {}\n");
    write(
        site,
        "package.json",
        "{ \"type\": \"module\", \"devDependencies\": { \"@11ty/eleventy\": \"^3.1.0\" } }\n",
    );
    write(
        site,
        "_data/site.json",
        &format!("{{ \"title\": \"Field notes\", \"url\": \"{url}\", \"language\": \"en\" }}\n"),
    );
    write(
        site,
        "_includes/post.njk",
        "<!doctype html>\n<html lang=\"en\"><body><a href=\"{{ '/' | url }}\">Home</a><main><h1>{{ title }}</h1>{{ content | safe }}</main></body></html>\n",
    );
    write(
        site,
        "notes/notes.11tydata.js",
        "export default {\n\tlayout: \"post.njk\",\n\tpermalink(data) {\n\t\treturn `/n/${data.page.date.getUTCFullYear()}/${this.slugify(data.title)}/`;\n\t},\n};\n",
    );
    write(site, "notes/a.md", "---\ntitle: The first note\ndate: 2026-02-01\n---\nQuiet.\n");
    write(site, "notes/b.md", "---\ntitle: The second note\ndate: 2026-02-02\n---\nNot quiet.\n");
}
