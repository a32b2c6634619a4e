//! The letter's templates: the files compiled in, and those of the project's `mail-templates/` in their place.
//!
//! `digest.html.hbs` and `digest.txt.hbs` are the two parts, `notice.html.hbs` and `notice.txt.hbs` those of single letters; `partials/NAME.html.hbs` and `partials/NAME.txt.hbs` are
//! known as `{{> NAME}}` in the part of their ending. A folder named after a theme holds what that theme has of its own:
//! its file takes the place of the shared one of the same name. A project's file takes the place of the built-in one of
//! the same path; a project that changes one file keeps the others.
//!
//! Promises: what is wrong with a template is a problem with its file, line and column; a name that a letter does not
//! know is one too (nothing is left empty by a slip of the pen).

mod files;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use handlebars::{
    Context, Handlebars, Helper, HelperDef, JsonRender, RenderContext, RenderError, RenderErrorReason, ScopedJson,
    Template,
};
use serde_json::Value;

use files::Files;
pub use files::{BUILT_IN, FOLDER};

use super::language::{self, Language};
use super::scan::{Marked, Stamps};
use super::stamp::{Stamped, escape_html};
use crate::config::{Config, Newsletter, look};
use crate::problem::{Place, Problem, Problems, Source};

/// Everything that a letter is made with besides its items; read once for all newsletters.
pub struct Templates {
    pub language: Arc<Language>,
    /// BCP 47, the letters'.
    pub language_tag: String,
    /// By name: those that the newsletters name.
    themes: BTreeMap<String, Theme>,
    /// What makes them unusable: a letter is not composed with other templates than those that were meant.
    pub broken: Problems,
}

/// The templates of one look.
pub struct Theme {
    pub html: Part,
    pub text: Part,
}

/// The templates of one part of a letter, ready to render.
pub struct Part {
    registry: Handlebars<'static>,
    stamps: Stamps,
    sources: BTreeMap<String, (Arc<Source>, Marked)>,
}

impl Templates {
    /// Reads the project's own templates and words over those compiled in. The problems are also kept.
    pub fn read(config: &Config) -> (Templates, Problems) {
        let mut problems = Problems::new();
        let language = Arc::new(read_language(config, &mut problems));
        let files = Files::read(config, &mut problems);
        let mut used: BTreeSet<&str> =
            config.newsletters.iter().map(|newsletter| newsletter.theme.as_str()).collect();
        if used.is_empty() {
            used.insert(look::THEMES[0]);
        }
        files.check(&used, &mut problems);
        let mut themes = BTreeMap::new();
        for name in used.iter().filter(|name| look::THEMES.contains(name)) {
            let mut theme =
                Theme { html: Part::new(&language, escape_html), text: Part::new(&language, handlebars::no_escape) };
            for (file, source) in files.of(name) {
                let added = match file.strip_suffix(".html.hbs") {
                    Some(known) => theme.html.add(known.to_string(), source.clone()),
                    None => theme.text.add(file.trim_end_matches(".txt.hbs").to_string(), source.clone()),
                };
                // A file that two themes share is told once.
                let more = added.err().into_iter().flat_map(|more| more.0);
                let new: Vec<Problem> = more.filter(|problem| !problems.0.contains(problem)).collect();
                problems.0.extend(new);
            }
            themes.insert(name.to_string(), theme);
        }
        let broken = problems.iter().filter(|p| p.severity == crate::problem::Severity::Error).cloned().collect();
        (Templates { language, language_tag: config.site.language.clone(), themes, broken }, problems)
    }

    /// The templates of a newsletter's look.
    pub fn theme(&self, newsletter: &Newsletter) -> Result<&Theme, Problems> {
        self.themes.get(&newsletter.theme).ok_or_else(|| {
            let message = format!("there is no theme `{}`", newsletter.theme);
            let help = format!("write one of these: {}", look::THEMES.join(", "));
            Problems(vec![Problem::error("template", message).help(help).in_file(&newsletter.file)])
        })
    }

    /// A part of its own for a subject's template, which stands in a newsletter's file.
    pub fn subject(&self, template: &str, file: &str) -> Result<Part, Problems> {
        let mut part = Part::new(&self.language, handlebars::no_escape);
        part.add("digest".to_string(), Source::new(file, template))?;
        Ok(part)
    }
}

impl Part {
    fn new(language: &Arc<Language>, escape: fn(&str) -> String) -> Self {
        let mut registry = Handlebars::new();
        registry.set_strict_mode(true);
        registry.register_escape_fn(escape);
        registry.register_helper("say", Box::new(Say(language.clone())));
        Part { registry, stamps: Stamps::default(), sources: BTreeMap::new() }
    }

    fn add(&mut self, name: String, source: Arc<Source>) -> Result<(), Problems> {
        let wrong =
            |place: Place, message: String| Err(Problems(vec![Problem::error("template", message).at(place)]));
        if let Err(error) = Template::compile(&source.text) {
            let (line, column) = error.pos().unwrap_or((1, 1));
            let problem = Problem::error("template", "this is not a template that can be read")
                .label(first_words(&error.reason().to_string()))
                .help("close every `{{`, and every block: `{{#if x}}…{{/if}}`")
                .at(source.place_at(line, column));
            return Err(Problems(vec![problem]));
        }
        let marked = match self.stamps.mark(&source.text) {
            Ok(marked) => marked,
            Err(error) => return wrong(source.place(error.range), error.message),
        };
        if let Err(error) = self.registry.register_template_string(&name, &marked.text) {
            return wrong(Place::file(&source.path), error.reason().to_string());
        }
        self.sources.insert(name, (source, marked));
        Ok(())
    }

    /// Renders the part, its stamps still markers.
    pub fn render(&self, context: &Value) -> Result<String, Problems> {
        self.render_as("digest", context)
    }

    /// Renders another of the files that stand beside those of `digest`.
    pub fn render_as(&self, name: &str, context: &Value) -> Result<String, Problems> {
        self.registry.render(name, context).map_err(|error| Problems(vec![self.problem(&error)]))
    }

    /// The rendered text with its stamps; `None` if a stamp's block was torn.
    pub fn split(&self, rendered: &str) -> Option<Stamped> {
        self.stamps.split(rendered)
    }

    fn problem(&self, error: &RenderError) -> Problem {
        let message = match error.reason() {
            RenderErrorReason::MissingVariable(Some(name)) => format!("a letter knows nothing named `{name}`"),
            RenderErrorReason::PartialNotFound(name) => format!("there is no partial `{name}` in {FOLDER}/partials/"),
            RenderErrorReason::HelperNotFound(name) => format!("there is no helper `{name}`"),
            reason => reason.to_string(),
        };
        let mut problem = Problem::error("template", message);
        if let Some((source, marked)) = error.template_name.as_ref().and_then(|name| self.sources.get(name)) {
            problem.place = Some(match (error.line_no, error.column_no) {
                (Some(line), Some(column)) => {
                    let at = marked.source_offset(line, column);
                    source.place(at..at + 2)
                }
                _ => Place::file(&source.path),
            });
        }
        problem
    }
}

/// What the parser says before it lists every rule that might have matched.
fn first_words(reason: &str) -> String {
    let reason = reason.strip_prefix("invalid handlebars syntax: ").unwrap_or(reason);
    if reason.starts_with("expected escape") {
        "the template goes wrong before here".to_string()
    } else {
        reason.to_string()
    }
}

/// `{{say "rest" count=rest}}`: a text of the language's file.
struct Say(Arc<Language>);

impl HelperDef for Say {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let name = helper.param(0).and_then(|param| param.value().as_str()).unwrap_or("");
        let values: Vec<(&str, String)> =
            helper.hash().iter().map(|(name, value)| (*name, value.value().render())).collect();
        match self.0.say(name, &values) {
            Some(text) => Ok(ScopedJson::Derived(Value::String(text))),
            None => Err(RenderErrorReason::Other(format!("the language's file has no text `{name}`")).into()),
        }
    }
}

/// The words of the site's language: built in, with the project's over them.
fn read_language(config: &Config, problems: &mut Problems) -> Language {
    let name = language::primary(&config.site.language);
    let path = format!("config/languages/{name}.yaml");
    let own = std::fs::read_to_string(config.root.join(&path)).ok();
    let built_in = language::BUILT_IN.iter().find(|(known, _)| *known == name);
    if built_in.is_none() && own.is_none() {
        let message = format!("there are no words for letters in `{name}`: they are in English");
        problems
            .push(Problem::warning("language", message).help(format!("write {path}, like config/languages/en.yaml")));
    }
    let text = built_in.map_or(language::BUILT_IN[1].1, |(_, text)| *text);
    let base: Value = serde_yaml::from_str(text).unwrap_or_default();
    if let Some(own) = own {
        match overlay(base.clone(), &own) {
            Ok(language) => return language,
            Err((error, location)) => {
                let place = match location {
                    Some((line, column)) => Source::new(path, own).place_at(line, column),
                    None => Place::file(path),
                };
                problems.push(Problem::error("language", error).at(place));
            }
        }
    }
    // The built-in files are whole, which a test holds.
    serde_json::from_value(base).expect("a built-in language file has all its keys")
}

type Located = (String, Option<(usize, usize)>);

fn overlay(mut base: Value, own: &str) -> Result<Language, Located> {
    let over: Value = serde_yaml::from_str(own).map_err(|error| {
        (error.to_string(), error.location().map(|location| (location.line(), location.column())))
    })?;
    if over.is_object() {
        language::merge(&mut base, over);
    }
    serde_json::from_value(base).map_err(|error| (error.to_string(), None))
}

#[cfg(test)]
mod tests;
