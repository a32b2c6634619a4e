//! Translates shortcodes that are templates of their own, a file each: Hugo's (Go) and Zola's (Tera).
//!
//! BUGS: loops, variables and functions are not translated.

use super::folder::Folder;
use super::guess::Shortcode;
use super::script::is_word;
use super::shortcodes::{named, tidy, with_default};

/// Those of a folder of templates, a file each, by `translate`.
fn from_folder(folder: &Folder, path: &str, translate: fn(&str) -> Option<String>) -> Vec<Shortcode> {
    let mut shortcodes = Vec::new();
    for name in folder.names(path) {
        let file = format!("{path}/{name}");
        let Some((stem, "html" | "md")) = name.rsplit_once('.') else { continue };
        if let Some(text) = folder.text(&file) {
            let template = translate(&text).map(|template| tidy(&template));
            shortcodes.push(Shortcode { name: stem.to_string(), file, template });
        }
    }
    shortcodes
}

/// Hugo's, from `layouts/shortcodes` (or `layouts/_shortcodes`).
pub fn hugo(folder: &Folder) -> Vec<Shortcode> {
    let mut shortcodes = from_folder(folder, "layouts/shortcodes", from_go);
    shortcodes.extend(from_folder(folder, "layouts/_shortcodes", from_go));
    shortcodes
}

/// Zola's, from `templates/shortcodes`.
pub fn zola(folder: &Folder) -> Vec<Shortcode> {
    from_folder(folder, "templates/shortcodes", from_tera)
}

fn from_go(text: &str) -> Option<String> {
    // What `.` is, inside each open `with`.
    let mut open: Vec<Option<String>> = Vec::new();
    actions(text, &[("{{", "}}")], |action| {
        if action.starts_with("/*") {
            return Some(String::new());
        }
        let (head, rest) = action.split_once(' ').unwrap_or((action, ""));
        Some(match head {
            "end" => open.pop().map(|_| "{{/if}}".to_string())?,
            "else" if rest.is_empty() => "{{else}}".to_string(),
            "with" | "if" => {
                let place = go_place(rest.trim_matches(['(', ')', ' ']))?;
                open.push((head == "with").then(|| place.clone()).or_else(|| open.last().cloned().flatten()));
                format!("{{{{#if {place}}}}}")
            }
            _ => {
                let mut parts = action.split('|').map(str::trim);
                let mut place = parts.next()?.trim_matches(['(', ')']).to_string();
                let mut default = None;
                if let Some(rest) = place.strip_prefix("default ") {
                    let (text, of) = rest.trim().split_once(' ')?;
                    default = Some(text.trim_matches('"').to_string());
                    place = of.trim_matches(['(', ')', ' ']).to_string();
                }
                for filter in parts {
                    match filter.split_once(' ') {
                        Some(("default", text)) => default = Some(text.trim_matches(['"', '`']).to_string()),
                        _ if [
                            "safeHTML",
                            "safeURL",
                            "safeHTMLAttr",
                            "markdownify",
                            "plainify",
                            "htmlEscape",
                            "urlize",
                            ".Page.RenderString",
                            "$.Page.RenderString",
                        ]
                        .contains(&filter) => {}
                        _ => return None,
                    }
                }
                match place.as_str() {
                    "." => with_default(open.iter().rev().flatten().next()?, default.as_deref()),
                    ".Inner" => "{{{inner}}}".to_string(),
                    place => with_default(&go_place(place)?, default.as_deref()),
                }
            }
        })
    })
}

/// `.Get 0`, `.Get "src"`, `.Params.src`.
fn go_place(text: &str) -> Option<String> {
    if text == ".Inner" {
        return Some("inner".to_string());
    }
    if let Some(name) = text.strip_prefix(".Params.").or_else(|| text.strip_prefix("$.Params.")) {
        return name.chars().all(is_word).then(|| named(name));
    }
    let argument = text.strip_prefix("$").unwrap_or(text).strip_prefix(".Get ")?.trim();
    if let Ok(position) = argument.parse::<usize>() {
        return Some(format!("args.[{position}]"));
    }
    let name = argument.strip_prefix(['"', '`'])?.strip_suffix(['"', '`'])?;
    name.chars().all(|c| is_word(c) || c == '-').then(|| named(name))
}

fn from_tera(text: &str) -> Option<String> {
    actions(text, &[("{#", "#}"), ("{{", "}}"), ("{%", "%}")], |action| {
        if action.starts_with('#') {
            return Some(String::new());
        }
        if let Some(statement) = action.strip_prefix('%') {
            let words: Vec<&str> = statement.split_whitespace().collect();
            return match words.as_slice() {
                ["if", name] | ["if", name, "is", "defined"] if name.chars().all(is_word) => {
                    Some(format!("{{{{#if {name}}}}}"))
                }
                ["else"] => Some("{{else}}".to_string()),
                ["endif"] => Some("{{/if}}".to_string()),
                _ => None,
            };
        }
        let mut parts = action.split('|').map(str::trim);
        let name = parts.next().filter(|name| name.chars().all(is_word))?;
        let mut default = None;
        for filter in parts {
            match filter.split_once('(') {
                Some(("default", rest)) => {
                    let value =
                        rest.trim_end_matches(')').trim().strip_prefix("value")?.trim_start().strip_prefix('=')?;
                    default = Some(value.trim().trim_matches(['"', '\'']).to_string());
                }
                _ if ["safe", "escape", "markdown", "markdown(inline=true)", "trim", "urlencode"]
                    .contains(&filter) => {}
                _ => return None,
            }
        }
        Some(if name == "body" { "{{{inner}}}".to_string() } else { with_default(name, default.as_deref()) })
    })
}

/// Replaces each action between its marks, `-` of white space control taken off; a block's or a comment's action keeps
/// its `%` or `#` in front.
fn actions(text: &str, marks: &[(&str, &str)], mut replace: impl FnMut(&str) -> Option<String>) -> Option<String> {
    let mut template = String::new();
    let mut rest = text;
    while let Some((at, (start, end))) =
        marks.iter().filter_map(|mark| rest.find(mark.0).map(|at| (at, *mark))).min_by_key(|(at, _)| *at)
    {
        template.push_str(&rest[..at]);
        let inside = &rest[at + start.len()..];
        let stop = inside.find(end)?;
        let action = inside[..stop].trim_matches(|c: char| c == '-' || c.is_whitespace());
        let kind = &start[1..];
        let action = if kind == "{" { action.to_string() } else { format!("{kind}{action}") };
        template.push_str(&replace(&action)?);
        rest = &inside[stop + end.len()..];
    }
    template.push_str(rest);
    Some(template)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_templates_are_translated_where_they_are_simple() {
        let text = "{{/* a note */}}<figure>\n  <img src=\"{{ .Get \"src\" | safeURL }}\">\n  {{- with .Get \"caption\" }}<p>{{ . }}</p>{{ end -}}\n</figure>{{ .Inner | markdownify }}";
        assert_eq!(
            from_go(text).map(|t| tidy(&t)).as_deref(),
            Some("<figure>\n<img src=\"{{src}}\">\n{{#if caption}}<p>{{caption}}</p>{{/if}}\n</figure>{{{inner}}}")
        );
        assert_eq!(
            from_go("<a href=\"{{ .Get 0 }}\">{{ default \"Lire\" (.Get 1) }}</a>").as_deref(),
            Some("<a href=\"{{args.[0]}}\">{{#if args.[1]}}{{args.[1]}}{{else}}Lire{{/if}}</a>")
        );
        assert_eq!(from_go("{{ range .Params }}x{{ end }}"), None);
        assert_eq!(from_go("{{ $x := .Get 0 }}"), None);
    }

    #[test]
    fn tera_templates_are_translated_where_they_are_simple() {
        let text = "{# note #}<div class=\"{{ class | default(value=\"box\") }}\">{% if title %}<h3>{{ title }}</h3>{% endif %}{{ body | markdown | safe }}</div>";
        assert_eq!(
            from_tera(text).as_deref(),
            Some(
                "<div class=\"{{#if class}}{{class}}{{else}}box{{/if}}\">{{#if title}}<h3>{{title}}</h3>{{/if}}{{{inner}}}</div>"
            )
        );
        assert_eq!(from_tera("{% for x in y %}{% endfor %}"), None);
        assert_eq!(from_tera("{{ config.base_url }}"), None);
    }

    #[test]
    fn any_text_is_survived() {
        for text in ["{{", "{{ .Get }}", "{{ end }}", "}}{{", "{%", "{{ | }}"] {
            from_go(text);
            from_tera(text);
        }
    }
}
