//! Shortcodes in their places: what each writes, set into the Markdown around it.

use std::ops::Range;

use super::*;

impl Interpreter<'_> {
    pub(super) fn shortcode(
        &mut self,
        style: Style,
        name: &str,
        written: &str,
        index: usize,
        end: Option<usize>,
        depth: usize,
    ) {
        let range = self.tokens[index].range.clone();
        if !self.expander.shortcodes.knows(name) {
            self.unknown(name, &range, end.is_some());
            if let Some(end) = end {
                self.trim_next = false;
                self.range(index + 1..end, depth + 1);
            }
            return;
        }
        let values = self.arguments(style, written);
        let inner = end.map(|end| self.captured(index + 1..end, depth));
        let language = self.expander.language(self.item);
        let written = self.expander.shortcodes.write(name, &values, inner.as_deref(), &self.surroundings, language);
        let whole = range.start..end.map_or(range.end, |end| self.tokens[end].range.end);
        match written {
            Ok(html) => self.push_html(&html, inner.is_some(), &whole),
            Err(shortcodes::Trouble::Unknown) => {
                let problem =
                    Problem::warning("shortcode-arguments", format!("`{name}` lacks an argument; it is left out"));
                self.report(problem, &range);
            }
            Err(shortcodes::Trouble::Failed(reason)) => {
                let problem =
                    Problem::warning("shortcode-failed", format!("the template of `{name}` failed: {reason}"))
                        .help("mend its template in `content.shortcodes`");
                self.report(problem, &range);
            }
        }
    }

    pub(super) fn arguments(&mut self, style: Style, written: &str) -> Map<String, serde_json::Value> {
        let mut values = Map::new();
        let mut position = 0;
        for argument in arguments(written) {
            let value = match argument.value {
                Written::Quoted(text) => serde_json::Value::String(text),
                Written::Bare(word) => self.bare(style, word),
            };
            match argument.name {
                Some(name) => {
                    values.insert(name.to_string(), value);
                }
                None => {
                    values.insert(position.to_string(), value);
                    position += 1;
                }
            }
        }
        values
    }

    /// A word: to Hugo a text, to Eleventy a value's name, when there is such a value.
    fn bare(&mut self, style: Style, word: &str) -> serde_json::Value {
        if style == Style::Tag || word.parse::<f64>().is_ok() {
            let context = self.context();
            if let Ok(value) = self.expander.expressions.value(word, &context)
                && let Ok(value) = serde_json::to_value(&value)
            {
                return value;
            }
        }
        serde_json::Value::String(word.to_string())
    }

    /// HTML of a shortcode: as a block of its own where the shortcode stands alone on its line, else in the line.
    pub(super) fn push_html(&mut self, html: &str, is_pair: bool, written: &Range<usize>) {
        let before = &self.text[..written.start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let after = &self.text[written.end..];
        let line_end = after.find('\n').unwrap_or(after.len());
        let is_alone = before[line_start..].trim().is_empty() && after[..line_end].trim().is_empty();
        // An empty line would end the HTML; a pair's content may want one.
        let html = if is_pair {
            html.trim().to_string()
        } else {
            html.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(if is_alone {
                "\n"
            } else {
                " "
            })
        };
        if is_alone {
            self.out.truncate(self.out.trim_end_matches([' ', '\t']).len());
            self.new_block();
        }
        let start = self.out.len();
        self.out.push_str(&html);
        self.trusted.push(start..self.out.len());
        if is_alone {
            self.out.push_str("\n\n");
        }
    }

    pub(super) fn new_block(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push_str(if self.out.ends_with('\n') { "\n" } else { "\n\n" });
        }
    }

    pub(super) fn unknown(&mut self, name: &str, range: &Range<usize>, is_pair: bool) {
        let message = match is_pair {
            true => format!("`{name}` is not known; the tags are left out, what they enclose is kept"),
            false => format!("`{name}` is not known; it is left out"),
        };
        let problem = match self.expander.unknown_shortcode {
            UnknownShortcode::Warn => Problem::warning("unknown-shortcode", message),
            UnknownShortcode::Fail => Problem::error("unknown-shortcode", message),
        };
        let problem = problem.help(format!("say what it writes in `content.shortcodes`, under `{name}`"));
        self.report(problem, range);
    }
}
