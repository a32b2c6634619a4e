//! Runs a body's template code: text goes through, outputs print, tags do what they say.

mod written;

use std::collections::BTreeMap;
use std::ops::Range;

use minijinja::value::{Serde, Value, merge_maps};
use serde_json::Map;

use super::super::guard;
use super::Expander;
use super::expression::Trouble;
use super::scan::{Kind, Style, Token, partners};
use super::shortcodes::{self, Written, arguments};
use crate::config::UnknownShortcode;
use crate::item::Item;
use crate::problem::{Problem, Problems};

/// How deep pairs may stand in each other.
const MAX_DEPTH: usize = 40;
/// How many tokens a body may run through, loops counted.
const MAX_STEPS: usize = 200_000;
/// How many bytes loops may make of a body, beyond its own length.
const MAX_OUTPUT: usize = 4 << 20;

/// How many problems of one body are told: finding a place takes as long as the file is large.
const MAX_PROBLEMS: usize = 50;

pub struct Interpreter<'a> {
    expander: &'a Expander,
    item: &'a Item,
    text: &'a str,
    /// Where `text` starts in the item's file; `usize::MAX`: it does not stand there.
    offset: usize,
    code: &'a [Range<usize>],
    tokens: &'a [Token<'a>],
    partners: Vec<Option<usize>>,
    surroundings: Map<String, serde_json::Value>,
    base: Value,
    variables: BTreeMap<String, Value>,
    /// `base` under `variables`, made when first asked for.
    context: Option<Value>,
    out: String,
    trusted: Vec<Range<usize>>,
    trim_next: bool,
    steps: usize,
    problems: Problems,
}

impl<'a> Interpreter<'a> {
    #[expect(clippy::too_many_arguments, reason = "it is the one place that puts them together")]
    pub fn new(
        expander: &'a Expander,
        item: &'a Item,
        text: &'a str,
        offset: usize,
        code: &'a [Range<usize>],
        tokens: &'a [Token<'a>],
        surroundings: Map<String, serde_json::Value>,
        base: Value,
    ) -> Interpreter<'a> {
        Interpreter {
            expander,
            item,
            text,
            offset,
            code,
            tokens,
            partners: partners(tokens),
            surroundings,
            base,
            variables: BTreeMap::new(),
            context: None,
            out: String::with_capacity(text.len()),
            trusted: Vec::new(),
            trim_next: false,
            steps: 0,
            problems: Problems::new(),
        }
    }

    pub fn run(&mut self) {
        self.range(0..self.tokens.len(), 0);
    }

    pub fn finish(self) -> (String, Vec<Range<usize>>, Problems) {
        (self.out, self.trusted, self.problems)
    }

    fn range(&mut self, range: Range<usize>, depth: usize) {
        let tokens = self.tokens;
        let mut index = range.start;
        while index < range.end {
            self.steps += 1;
            if self.steps > MAX_STEPS || self.out.len() > self.text.len() + MAX_OUTPUT {
                if self.steps <= MAX_STEPS + 1 {
                    self.steps = MAX_STEPS + 1;
                    let problem =
                        Problem::warning("template-too-long", "the template code makes too much of this body");
                    self.report(problem, &tokens[index].range);
                }
                return;
            }
            let token = &tokens[index];
            if token.trims_before && !self.is_block_shortcode(token) {
                self.out.truncate(self.out.trim_end().len());
                let end = self.out.len();
                self.trusted.retain(|range| range.end <= end);
            }
            let end = match &token.kind {
                Kind::Tag { closes: false, .. } => {
                    self.partners[index].filter(|partner| *partner < range.end && depth < MAX_DEPTH)
                }
                _ => None,
            };
            self.token(index, end, depth);
            let last = &tokens[end.unwrap_or(index)];
            self.trim_next = if last.kind == Kind::Text { false } else { last.trims_after };
            index = end.unwrap_or(index) + 1;
        }
    }

    fn is_block_shortcode(&self, token: &Token) -> bool {
        matches!(&token.kind, Kind::Tag { name, closes: false, .. } if self.expander.shortcodes.knows(name))
    }

    fn token(&mut self, index: usize, end: Option<usize>, depth: usize) {
        let tokens = self.tokens;
        let token = &tokens[index];
        match &token.kind {
            Kind::Text => {
                let text = &self.text[token.range.clone()];
                self.out.push_str(if self.trim_next { text.trim_start() } else { text });
            }
            Kind::Nothing => {}
            Kind::Raw(inside) => self.raw(inside.clone()),
            Kind::Output(code) => self.output(index, code),
            Kind::Tag { closes: true, name, .. } => {
                let problem =
                    Problem::warning("stray-tag", format!("`{name}` ends nothing that was started; it is left out"));
                self.report(problem, &token.range);
            }
            Kind::Tag { style, name, arguments, .. } => self.tag(*style, name, arguments, index, end, depth),
        }
    }

    /// What is to be shown as written: marked, so that the guard shows it as code.
    fn raw(&mut self, inside: Range<usize>) {
        let text = self.text;
        let mut position = inside.start;
        while position < inside.end {
            let rest = &text[position..inside.end];
            let found = guard::find_template_code(rest);
            let Some(found) = found else { break };
            let start = position + found;
            let length = guard::code_length(&text[start..inside.end]);
            self.out.push_str(&text[position..start]);
            let shown = &text[start..start + length];
            if self.code.iter().any(|code| code.contains(&start)) {
                self.out.push_str(shown);
            } else {
                self.out.push(guard::SHOWN.0);
                self.out.push_str(shown);
                self.out.push(guard::SHOWN.1);
            }
            position = start + length;
        }
        self.out.push_str(&text[position..inside.end]);
    }

    fn output(&mut self, index: usize, code: &str) {
        let range = &self.tokens[index].range;
        if let Some((name, arguments)) = call(code)
            && (self.expander.shortcodes.knows(name) || self.is_unknown_call(code))
        {
            return self.shortcode(Style::Hugo, name, arguments, index, None, 0);
        }
        let context = self.context();
        match self.expander.expressions.print(code, &context) {
            Ok(text) => self.out.push_str(&text),
            Err(trouble) => self.trouble(trouble, code, range),
        }
    }

    fn is_unknown_call(&mut self, code: &str) -> bool {
        let context = self.context();
        matches!(self.expander.expressions.value(code, &context), Err(Trouble::UnknownFunction))
    }

    fn tag(
        &mut self,
        style: Style,
        name: &'a str,
        arguments: &'a str,
        index: usize,
        end: Option<usize>,
        depth: usize,
    ) {
        let range = self.tokens[index].range.clone();
        let inside = index + 1..end.unwrap_or(index + 1);
        if style == Style::Hugo && !self.expander.shortcodes.knows(name) && name != "highlight" {
            return self.shortcode(style, name, arguments, index, end, depth);
        }
        match (name, end) {
            ("if" | "unless" | "ifasync", Some(end)) => {
                self.condition(name == "unless", arguments, index, end, depth)
            }
            ("for", Some(end)) => self.repeat(arguments, index, end, depth),
            ("capture", Some(_)) => {
                let captured = self.captured(inside, depth);
                self.set(arguments, Value::from(captured));
            }
            ("set" | "assign", end) => match (arguments.split_once('='), end) {
                (Some((name, code)), _) => {
                    let context = self.context();
                    match self.expander.expressions.value(code.trim(), &context) {
                        Ok(value) => self.set(name.trim(), value),
                        Err(trouble) => self.trouble(trouble, code.trim(), &range),
                    }
                    if end.is_some() {
                        self.range(inside, depth + 1);
                    }
                }
                (None, Some(_)) => {
                    let captured = self.captured(inside, depth);
                    self.set(arguments, Value::from(captured));
                }
                (None, None) => self.unknown(name, &range, false),
            },
            ("highlight", Some(end)) => {
                let code = &self.text[range.end..self.tokens[end].range.start];
                let language = arguments.split([' ', '"', ',']).find(|word| !word.is_empty()).unwrap_or("");
                let longest = code.split(|c| c != '`').map(str::len).max().unwrap_or(0);
                let fence = "`".repeat(longest.max(2) + 1);
                self.new_block();
                self.out.push_str(&format!("{fence}{language}\n{}\n{fence}\n\n", code.trim_matches('\n')));
            }
            (
                "else" | "elsif" | "elif" | "elseif" | "if" | "unless" | "for" | "capture" | "raw" | "comment"
                | "highlight",
                _,
            ) => {
                let problem = Problem::warning("stray-tag", format!("`{name}` stands alone here; it is left out"))
                    .help(format!("is its `end{name}` missing?"));
                self.report(problem, &range);
            }
            _ => self.shortcode(style, name, arguments, index, end, depth),
        }
    }

    /// `if … elsif … else … endif`: runs the first branch whose condition holds.
    fn condition(&mut self, negated: bool, code: &str, index: usize, end: usize, depth: usize) {
        let mut holds = self.holds(code, index) != negated;
        let mut start = index + 1;
        for branch in self.branches(start, end) {
            if holds {
                return self.range(start..branch, depth + 1);
            }
            start = branch + 1;
            holds = match &self.tokens[branch].kind {
                Kind::Tag { name: "else", arguments, .. } if !arguments.starts_with("if ") => true,
                Kind::Tag { arguments, .. } => {
                    let code = arguments.strip_prefix("if ").unwrap_or(arguments);
                    self.holds(code, branch)
                }
                _ => false,
            };
        }
        if holds {
            self.range(start..end, depth + 1);
        }
    }

    /// The `else` tags between `start` and `end` that belong to neither pair inside.
    fn branches(&self, start: usize, end: usize) -> Vec<usize> {
        let mut branches = Vec::new();
        let mut index = start;
        while index < end {
            match &self.tokens[index].kind {
                Kind::Tag { name: "else" | "elsif" | "elif" | "elseif", .. } => branches.push(index),
                _ => index = self.partners[index].filter(|partner| *partner < end).unwrap_or(index),
            }
            index += 1;
        }
        branches
    }

    fn holds(&mut self, code: &str, index: usize) -> bool {
        let context = self.context();
        match self.expander.expressions.holds(code, &context) {
            Ok(holds) => holds,
            Err(trouble) => {
                self.trouble(trouble, code, &self.tokens[index].range.clone());
                false
            }
        }
    }

    /// `for x in list`, with Liquid's `limit:`, `offset:` and `reversed`.
    fn repeat(&mut self, said: &str, index: usize, end: usize, depth: usize) {
        let range = self.tokens[index].range.clone();
        let branches = self.branches(index + 1, end);
        let otherwise = branches.first().copied();
        let body = index + 1..otherwise.unwrap_or(end);
        let Some((names, code)) = said.split_once(" in ") else { return self.unknown("for", &range, true) };
        let names: Vec<&str> = names.split(',').map(str::trim).collect();
        let (mut limit, mut offset, mut reversed) = (usize::MAX, 0, false);
        let mut words = Vec::new();
        for word in code.split(' ') {
            match word.split_once(':') {
                Some(("limit", number)) => limit = number.parse().unwrap_or(usize::MAX),
                Some(("offset", number)) => offset = number.parse().unwrap_or(0),
                _ if word == "reversed" => reversed = true,
                _ => words.push(word),
            }
        }
        let context = self.context();
        let list = match self.expander.expressions.value(&words.join(" "), &context) {
            Ok(value) => value,
            Err(trouble) => return self.trouble(trouble, said, &range),
        };
        let mut values: Vec<Value> =
            list.try_iter().map(|values| values.take(MAX_STEPS).collect()).unwrap_or_default();
        if reversed {
            values.reverse();
        }
        let values: Vec<Value> = values.into_iter().skip(offset).take(limit).collect();
        if values.is_empty() {
            if let Some(otherwise) = otherwise {
                self.range(otherwise + 1..end, depth + 1);
            }
            return;
        }
        let before = self.variables.clone();
        let count = values.len();
        for (nth, value) in values.into_iter().enumerate() {
            if self.steps > MAX_STEPS {
                break;
            }
            match names.as_slice() {
                [key, of] => {
                    let found = list.get_item(&value).unwrap_or_default();
                    self.set(of, found);
                    self.set(key, value);
                }
                [name] => self.set(name, value),
                _ => {}
            }
            let position = minijinja::context! {
                index => nth + 1, index0 => nth, first => nth == 0, last => nth + 1 == count, length => count
            };
            self.set("forloop", position.clone());
            self.set("loop", position);
            self.range(body.clone(), depth + 1);
        }
        self.variables = before;
        self.context = None;
    }

    fn captured(&mut self, inside: Range<usize>, depth: usize) -> String {
        let out = std::mem::take(&mut self.out);
        let trusted = std::mem::take(&mut self.trusted);
        self.trim_next = false;
        self.range(inside, depth + 1);
        self.trusted = trusted;
        std::mem::replace(&mut self.out, out)
    }

    fn set(&mut self, name: &str, value: Value) {
        self.variables.insert(name.trim_matches(['"', '\'', ' ']).to_string(), value);
        self.context = None;
    }

    fn context(&mut self) -> Value {
        let (base, variables) = (&self.base, &self.variables);
        self.context
            .get_or_insert_with(|| match variables.is_empty() {
                true => base.clone(),
                false => merge_maps([Value::from(Serde(variables)), base.clone()]),
            })
            .clone()
    }

    fn trouble(&mut self, trouble: Trouble, code: &str, range: &Range<usize>) {
        let problem = match trouble {
            Trouble::Undefined => Problem::warning("undefined-value", format!("`{code}` has no value; it is left out"))
                .help("give it in the front matter, or name its file in `content.variables`"),
            Trouble::UnknownFilter(_) => Problem::warning("unknown-filter", format!("`{code}` uses a filter that is not known; it is left out"))
                .help("known are url, absolute_url, date, upcase, downcase, default, join, replace and minijinja's other filters"),
            Trouble::UnknownFunction => return self.unknown(code, range, false),
            Trouble::NotUnderstood(reason) => Problem::warning("template-code", format!("`{code}` is not supported ({reason}); it is left out"))
                .help("write it without template code, or as code (`…`) to show it"),
        };
        self.report(problem, range);
    }

    fn report(&mut self, problem: Problem, range: &Range<usize>) {
        if self.problems.0.len() >= MAX_PROBLEMS {
            return;
        }
        let problem = match self.offset.checked_add(range.end) {
            Some(_) => problem.at(self.item.source.place(self.offset + range.start..self.offset + range.end)),
            None => problem.in_file(self.item.path()),
        };
        self.problems.push(problem);
    }
}

/// `name(arguments)` and nothing else.
fn call(code: &str) -> Option<(&str, &str)> {
    let open = code.find('(')?;
    let name = code[..open].trim();
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ':'));
    (is_name && code.ends_with(')')).then(|| (name, &code[open..]))
}
