//! Translates a site's own shortcodes from JavaScript to Handlebars, where they only put their arguments into a text.
//!
//! BUGS: what is computed (a request, a file, a loop) is not translated: such a shortcode is written into the
//! configuration as a comment, for a person to complete.

use super::guess::Shortcode;
use super::script::{Function, Parameter, Script, calls, definition};

/// Eleventy's, from its configuration: `addShortcode("name", (id) => `…${id}…`)`.
pub fn from_script(text: &str, file: &str) -> Vec<Shortcode> {
    let mut shortcodes: Vec<Shortcode> = Vec::new();
    for (call, at) in calls(text, |name| name.starts_with("add") && name.ends_with("Shortcode")) {
        let mut script = Script::new(text, at);
        let Some(name) = script.string().filter(|_| script.take(",")) else { continue };
        if shortcodes.iter().any(|known| known.name == name) {
            continue;
        }
        let template = returned(script, call.contains("Paired")).map(|template| tidy(&template));
        shortcodes.push(Shortcode { name, file: file.to_string(), template });
    }
    shortcodes
}

/// What the function that starts here returns, as a template.
fn returned(mut script: Script<'_>, paired: bool) -> Option<String> {
    let start = script.at;
    let Function { parameters, body } = match script.function() {
        Some(function) => function,
        None => {
            // A name: the function stands elsewhere in the file.
            script.at = start;
            let name = script.word()?;
            script.at = definition(script.text, name)?;
            script.function()?
        }
    };
    script.at = body;
    let block = script.take("{");
    if block && !script.take("return") {
        return None;
    }
    let mut expression = Expression { script, parameters: &parameters, paired };
    let template = expression.sum()?;
    expression.script.take(";");
    let ended =
        if block { expression.script.take("}") } else { expression.script.take(")") || expression.script.take(",") };
    (ended || expression.script.rest().trim().is_empty() || !block).then_some(template)
}

struct Expression<'a> {
    script: Script<'a>,
    parameters: &'a [Parameter],
    paired: bool,
}

impl Expression<'_> {
    /// Texts and parameters with `+` between them.
    fn sum(&mut self) -> Option<String> {
        let mut template = self.operand()?;
        while self.script.take("+") {
            template.push_str(&self.operand()?);
        }
        Some(template)
    }

    fn operand(&mut self) -> Option<String> {
        self.script.skip();
        if self.script.take("(") {
            let inner = self.sum()?;
            return self.script.take(")").then_some(inner);
        }
        if self.script.rest().starts_with('`') {
            return self.template();
        }
        if self.script.rest().starts_with(['"', '\'']) {
            return self.script.string().filter(|text| !text.contains("{{"));
        }
        let name = self.script.word()?;
        if matches!(name, "encodeURIComponent" | "encodeURI" | "String") && self.script.take("(") {
            let inner = self.sum()?;
            return self.script.take(")").then_some(inner);
        }
        let parameter = self.parameters.iter().find(|parameter| parameter.name == name)?;
        if self.script.take("?") {
            let yes = self.sum()?;
            let no = self.script.take(":").then(|| self.sum()).flatten()?;
            let condition = self.place(parameter)?;
            let no = if no.is_empty() { String::new() } else { format!("{{{{else}}}}{no}") };
            return Some(format!("{{{{#if {condition}}}}}{yes}{no}{{{{/if}}}}"));
        }
        let default = if self.script.take("||") || self.script.take("??") {
            Some(self.script.string()?)
        } else {
            parameter.default.clone()
        };
        let next = self.script.rest().trim_start().chars().next().unwrap_or(';');
        if !"+;,)}:".contains(next) && !self.script.rest().trim_start().starts_with("return") {
            // A method, an index, a call: only running it could tell.
            return None;
        }
        let place = self.place(parameter)?;
        if place == "inner" {
            return Some("{{{inner}}}".to_string());
        }
        Some(with_default(&place, default.as_deref()))
    }

    /// How Handlebars names a parameter.
    fn place(&self, parameter: &Parameter) -> Option<String> {
        match (parameter.position, self.paired) {
            (Some(0), true) => Some("inner".to_string()),
            (Some(position), paired) => Some(format!("args.[{}]", position - usize::from(paired))),
            (None, _) => Some(named(&parameter.name)),
        }
    }

    /// A template text: `…${x}…`.
    fn template(&mut self) -> Option<String> {
        let mut template = String::new();
        self.script.at += 1;
        loop {
            let rest = self.script.rest();
            let stop = rest.find(['`', '$', '\\'])?;
            template.push_str(&rest[..stop]);
            self.script.at += stop;
            match &rest[stop..] {
                end if end.starts_with('`') => {
                    self.script.at += 1;
                    break;
                }
                place if place.starts_with("${") => {
                    self.script.at += 2;
                    // Braces of Handlebars must not meet braces of the text.
                    if template.ends_with('{') {
                        return None;
                    }
                    template.push_str(&self.sum()?);
                    if !self.script.take("}") {
                        return None;
                    }
                }
                escape if escape.starts_with('\\') => {
                    let escaped = escape.chars().nth(1)?;
                    template.push(if escaped == 'n' { '\n' } else { escaped });
                    self.script.at += 1 + escaped.len_utf8();
                }
                _ => {
                    template.push('$');
                    self.script.at += 1;
                }
            }
        }
        Some(template)
    }
}

/// `{{x}}`, or the default where there is no x.
pub fn with_default(place: &str, default: Option<&str>) -> String {
    match default {
        Some(default) if !default.is_empty() => {
            format!("{{{{#if {place}}}}}{{{{{place}}}}}{{{{else}}}}{default}{{{{/if}}}}")
        }
        _ => format!("{{{{{place}}}}}"),
    }
}

/// A name as Handlebars takes it.
pub fn named(name: &str) -> String {
    if name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') { name.to_string() } else { format!("[{name}]") }
}

/// Without indentation and blank lines, which would end the HTML in Markdown.
pub fn tidy(template: &str) -> String {
    template.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(text: &str) -> Vec<(String, Option<String>)> {
        from_script(text, "eleventy.config.js").into_iter().map(|s| (s.name, s.template)).collect()
    }

    #[test]
    fn functions_that_only_fill_a_text_are_translated() {
        let text = r#"
module.exports = function (eleventyConfig) {
  // eleventyConfig.addShortcode("old", (x) => `<b>${x}</b>`);
  eleventyConfig.addShortcode("dailymotion", function (id, title = "Vidéo") {
    return `<div>
      <iframe src="https://www.dailymotion.com/embed/video/${id}" title="${title}"></iframe>

    </div>`;
  });
  eleventyConfig.addNunjucksAsyncShortcode("badge", async (label) => '<b>' + label + "</b>");
  eleventyConfig.addPairedShortcode("box", (content, kind) => `<div class="${kind ? `box-${kind}` : "box"}">${content}</div>`);
  eleventyConfig.addShortcode("figure", ({ src, alt }) => `<img src="${src}" alt="${alt}">`);
  eleventyConfig.addShortcode("year", () => `${new Date().getFullYear()}`);
  eleventyConfig.addShortcode("named", named);
  eleventyConfig.addShortcode("imported", elsewhere);
  eleventyConfig.addShortcode("upper", (x) => `${x.toUpperCase()}`);
};
function named(a) { return "<i>" + a + "</i>"; }
"#;
        let found = script(text);
        let template = |text: &str| Some(text.to_string());
        assert_eq!(
            found,
            [
                (
                    "dailymotion".into(),
                    template(
                        "<div>\n<iframe src=\"https://www.dailymotion.com/embed/video/{{args.[0]}}\" title=\"{{#if args.[1]}}{{args.[1]}}{{else}}Vidéo{{/if}}\"></iframe>\n</div>"
                    )
                ),
                ("badge".into(), template("<b>{{args.[0]}}</b>")),
                (
                    "box".into(),
                    template("<div class=\"{{#if args.[0]}}box-{{args.[0]}}{{else}}box{{/if}}\">{{{inner}}}</div>")
                ),
                ("figure".into(), template("<img src=\"{{src}}\" alt=\"{{alt}}\">")),
                ("year".into(), None),
                ("named".into(), template("<i>{{args.[0]}}</i>")),
                ("imported".into(), None),
                ("upper".into(), None),
            ]
        );
    }

    #[test]
    fn any_text_is_survived() {
        for text in [
            "addShortcode(",
            "addShortcode(\"a\",",
            "addShortcode(\"a\", (",
            "addShortcode('a', x => `${",
            "addShortcode('a', ({",
            "é addShortcode('é', é => 'é' + é)",
            "addShortcode(\"a\", function",
        ] {
            script(text);
        }
    }
}
