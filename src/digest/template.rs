//! The letter's templates: the files compiled in, and those of the project's `mail-templates/` in their place.
//!
//! `digest.html.hbs` and `digest.txt.hbs` are the two parts; `partials/NAME.html.hbs` and `partials/NAME.txt.hbs` are
//! known as `{{> NAME}}` in the part of their ending. A project that changes one file keeps the others.
//!
//! Promises: what is wrong with a template is a problem with its file, line and column; a name that a letter does not
//! know is one too (nothing is left empty by a slip of the pen).

use std::collections::BTreeMap;
use std::sync::Arc;

use handlebars::{
    Context, Handlebars, Helper, HelperDef, JsonRender, RenderContext, RenderError, RenderErrorReason, ScopedJson,
    Template,
};
use serde_json::Value;

use super::language::{self, Language};
use super::scan::{Marked, Stamps};
use super::stamp::{Stamped, escape_html};
use crate::config::Config;
use crate::problem::{Place, Problem, Problems, Source};

const FOLDER: &str = "mail-templates";

/// The templates that come with the program, by their names in that folder.
pub const BUILT_IN: [(&str, &str); 9] = [
    ("digest.html.hbs", include_str!("../../mail-templates/digest.html.hbs")),
    ("digest.txt.hbs", include_str!("../../mail-templates/digest.txt.hbs")),
    ("partials/footer.html.hbs", include_str!("../../mail-templates/partials/footer.html.hbs")),
    ("partials/footer.txt.hbs", include_str!("../../mail-templates/partials/footer.txt.hbs")),
    ("partials/item.html.hbs", include_str!("../../mail-templates/partials/item.html.hbs")),
    ("partials/item.txt.hbs", include_str!("../../mail-templates/partials/item.txt.hbs")),
    ("partials/section.html.hbs", include_str!("../../mail-templates/partials/section.html.hbs")),
    ("partials/section.txt.hbs", include_str!("../../mail-templates/partials/section.txt.hbs")),
    ("partials/style.html.hbs", include_str!("../../mail-templates/partials/style.html.hbs")),
];

/// Everything that a letter is made with besides its items; read once for all newsletters.
pub struct Templates {
    pub language: Arc<Language>,
    /// BCP 47, the letters'.
    pub language_tag: String,
    pub html: Part,
    pub text: Part,
    /// What makes them unusable: a letter is not composed with other templates than those that were meant.
    pub broken: Problems,
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
        let mut html = Part::new(&language, escape_html);
        let mut text = Part::new(&language, handlebars::no_escape);
        for (name, source) in read_files(config, &mut problems) {
            let (part, ending) =
                if name.ends_with(".html.hbs") { (&mut html, ".html.hbs") } else { (&mut text, ".txt.hbs") };
            let known = name.trim_end_matches(ending).trim_start_matches("partials/").to_string();
            if let Err(more) = part.add(known, source) {
                problems.extend(more);
            }
        }
        let broken = problems.iter().filter(|p| p.severity == crate::problem::Severity::Error).cloned().collect();
        (Templates { language, language_tag: config.site.language.clone(), html, text, broken }, problems)
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
        self.registry.render("digest", context).map_err(|error| Problems(vec![self.problem(&error)]))
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

/// The built-in files, or the project's in their place, and the project's own partials.
fn read_files(config: &Config, problems: &mut Problems) -> BTreeMap<String, Arc<Source>> {
    let mut files: BTreeMap<String, Arc<Source>> = BUILT_IN
        .iter()
        .map(|(name, text)| (name.to_string(), Source::new(format!("{FOLDER}/{name}"), *text)))
        .collect();
    let folder = config.root.join(FOLDER);
    for below in ["", "partials/"] {
        let Ok(entries) = std::fs::read_dir(folder.join(below)) else { continue };
        for entry in entries.flatten() {
            let name = format!("{below}{}", entry.file_name().to_string_lossy());
            let ours = files.contains_key(&name) || !below.is_empty();
            if !ours || !(name.ends_with(".html.hbs") || name.ends_with(".txt.hbs")) {
                continue;
            }
            let path = format!("{FOLDER}/{name}");
            match std::fs::read_to_string(entry.path()) {
                Ok(text) => {
                    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n");
                    files.insert(name, Source::new(path, text));
                }
                Err(error) => {
                    problems.push(Problem::error("template", format!("it can't be read: {error}")).in_file(path));
                }
            }
        }
    }
    files
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
