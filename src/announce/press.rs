//! The next letters of a newsletter, composed: what `run`, `send`, `digest`, `check`, `preview` and a test copy all show
//! is made here, so that they cannot differ. Each is planned by the edition's file where there is one (`sheet`), else by
//! itself.
//!
//! Promises: nothing is remembered; the same state and `now` give the same bytes.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Duration, Utc};

use super::sheet::{self, Sheet};
use super::{AnnounceError, Material, readers};
use crate::config::{Approve, Config, Images, Newsletter};
use crate::digest::plan::Plan;
use crate::digest::topics;
use crate::digest::{self, ComposeInput, Composed};
use crate::item::Item;
use crate::pictures::{self, Pictures, Remember, Source, Wanted};
use crate::problem::{Problem, Problems};
use crate::selection::{matches, newest_first};
use crate::store::Store;

/// What a newsletter must not announce by itself any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Announced, counted, declined, or there before the newsletter began.
    pub ids: HashSet<String>,
    /// Of these, what an earlier letter showed: shown again, it is a repeat.
    pub shown: HashSet<String>,
    /// What its readers chose of its topics, the most frequent choice first: each has its part of a letter.
    pub choices: Vec<String>,
    /// What those received who came from another newsletter, by their choice.
    pub received: BTreeMap<String, BTreeSet<String>>,
}

impl From<HashSet<String>> for Known {
    fn from(ids: HashSet<String>) -> Known {
        Known { ids, ..Known::default() }
    }
}

impl Known {
    /// What the database remembers.
    pub async fn of(store: &mut Store, config: &Config, newsletter: &Newsletter) -> Result<Known, AnnounceError> {
        let choices = readers::choices(Some(store), config, newsletter).await?;
        let received = store.received(&choices).await?;
        let name = &newsletter.name;
        Ok(Known { ids: store.announced(name).await?, shown: store.shown(name, None).await?, choices, received })
    }
}

/// What the press made of a newsletter's state.
pub struct Pressed {
    /// In the order in which they go and numbered on: none, one, or with `each-item` one an item. None is empty.
    pub letters: Result<Vec<Composed>, Problems>,
    /// What the next edition's file says, if there is one that counts.
    pub sheet: Option<Sheet>,
    /// Of a file without a letter; a letter's are its own.
    pub warnings: Problems,
}

/// Every letter of what is new, in the order in which they go and numbered from `number`: none, one, or with `each-item`
/// one an item. None is without an item.
pub fn letters(
    material: Material<'_>,
    newsletter: &Newsletter,
    known: &Known,
    number: u64,
    now: DateTime<Utc>,
) -> Result<Vec<Composed>, Problems> {
    press(material, newsletter, known, number, now).letters
}

/// The same letters for those who write nothing: a picture that was never converted is, and is not kept.
pub fn looked_at(
    material: Material<'_>,
    newsletter: &Newsletter,
    known: &Known,
    number: u64,
    now: DateTime<Utc>,
) -> Result<Vec<Composed>, Problems> {
    press_and(&input(material, newsletter, known, number, now), known, Remember::No).letters
}

/// The next letters, with what the edition's file says.
pub fn press(
    material: Material<'_>,
    newsletter: &Newsletter,
    known: &Known,
    number: u64,
    now: DateTime<Utc>,
) -> Pressed {
    press_and(&input(material, newsletter, known, number, now), known, Remember::Yes)
}

fn press_and(input: &ComposeInput<'_>, known: &Known, remember: Remember) -> Pressed {
    let newsletter = input.newsletter;
    let found = sheet::read(input, &known.shown);
    // One that says nothing (any more) does not stand in the way of what came in since.
    let found = found.filter(|(sheet, ..)| newsletter.approve == Approve::File || !sheet.is_spent);
    let Some((sheet, plan, problems)) = found else {
        let letters = digest::plans(input).iter().map(|plan| compose(input, plan, known, remember)).collect();
        return Pressed { letters, sheet: None, warnings: Problems::new() };
    };
    let mut warnings = Problems::new();
    let letters = match plan {
        _ if problems.has_errors() => Err(problems),
        None => {
            warnings = problems;
            Ok(Vec::new())
        }
        Some(plan) => compose(input, &plan, known, remember).map(|mut composed| {
            composed.problems.extend(problems);
            vec![composed]
        }),
    };
    Pressed { letters, sheet: Some(sheet), warnings }
}

/// The short letter of the new events that begin within `soon`, and would be over before `next`; `None`: there is none.
pub fn urgent(
    material: Material<'_>,
    newsletter: &Newsletter,
    known: &Known,
    number: u64,
    now: DateTime<Utc>,
    (soon, next): (Duration, Option<DateTime<Utc>>),
) -> Option<Result<Composed, Problems>> {
    let input = input(material, newsletter, known, number, now);
    digest::urgent(&input, soon, next).map(|plan| compose(&input, &plan, known, Remember::Yes))
}

/// A letter that was composed before, composed again as of the same moment from what its file and its items say now: the
/// same, if nothing changed. `known`: without what it announces itself; `counted`: that.
pub fn again(
    material: Material<'_>,
    newsletter: &Newsletter,
    known: &Known,
    number: u64,
    counted: &[String],
    now: DateTime<Utc>,
) -> Pressed {
    if sheet::exists(material.config, newsletter, number) {
        return press(material, newsletter, known, number, now);
    }
    // What came in since waits for the next one.
    let others = material.items.iter().map(|item| &item.id).filter(|id| !counted.contains(id));
    let ids = known.ids.iter().chain(others).cloned().collect();
    press(material, newsletter, &Known { ids, ..known.clone() }, number, now)
}

/// How many items are new: what `surge` looks at.
pub fn count_new(material: Material<'_>, newsletter: &Newsletter, known: &Known, now: DateTime<Utc>) -> usize {
    digest::new_items(&input(material, newsletter, known, newsletter.first_number, now)).len()
}

/// The letter of a newsletter's newest items, announced or not, with the parts that these choices get: what its templates cannot
/// say is found when they say it.
pub fn trial(
    material: Material<'_>,
    newsletter: &Newsletter,
    choices: &[String],
    now: DateTime<Utc>,
) -> Result<Composed, Problems> {
    let known = Known { choices: choices.to_vec(), ..Known::default() };
    newest(material, newsletter, &known, newsletter.first_number, now, Remember::No)
}

/// The letter as if nobody had been told of anything: of as many items as one shows. Without items, if there are none.
pub fn as_if_new(
    material: Material<'_>,
    newsletter: &Newsletter,
    number: u64,
    now: DateTime<Utc>,
) -> Result<Composed, Problems> {
    newest(material, newsletter, &Known::default(), number, now, Remember::Yes)
}

fn newest(
    material: Material<'_>,
    newsletter: &Newsletter,
    known: &Known,
    number: u64,
    now: DateTime<Utc>,
    remember: Remember,
) -> Result<Composed, Problems> {
    let mut newest: Vec<&Item> = material.items.iter().filter(|item| matches(item, &newsletter.select)).collect();
    newest_first(&mut newest);
    let items: Vec<Item> = newest.into_iter().take(newsletter.max_items.max(1)).cloned().collect();
    let material = Material { items: &items, ..material };
    let input = input(material, newsletter, known, number, now);
    match digest::plans(&input).first() {
        Some(plan) => compose(&input, plan, known, remember),
        None => Ok(Composed { newsletter: newsletter.name.clone(), ..Composed::default() }),
    }
}

/// One planned letter, with the parts of it that readers chose, the pictures of each converted first.
fn compose(
    input: &ComposeInput<'_>,
    plan: &Plan<'_>,
    known: &Known,
    remember: Remember,
) -> Result<Composed, Problems> {
    let (of_whole, pictures) = converted(input, plan, remember);
    let mut composed = digest::compose_plan(&ComposeInput { pictures: Some(&pictures), ..*input }, plan)?;
    if known.choices.is_empty() {
        return Ok(composed);
    }
    let parted = topics::parted(input, plan, &known.choices, &known.received);
    for part in &parted.plans {
        let (wanted, ..) = digest::wanted(input, part);
        // A part may show what the whole letter has no room for.
        let own = wanted.iter().any(|one| !of_whole.contains(one)).then(|| converted(input, part, remember).1);
        let pictures = Some(own.as_ref().unwrap_or(&pictures));
        composed.join(digest::compose_plan(&ComposeInput { pictures, ..*input }, part)?);
    }
    if parted.beyond > 0 {
        let message = format!(
            "readers chose their topics in too many ways: {} of them get the whole letter {}, for {} are written at most",
            parted.beyond,
            plan.number,
            topics::MOST
        );
        let help = "offer fewer topics: one of them can take several tags";
        composed.problems.push(Problem::warning("topics-many", message).help(help).in_file(&input.newsletter.file));
    }
    composed.shares = parted.shares;
    Ok(composed)
}

/// What a planned letter shows, converted.
fn converted(input: &ComposeInput<'_>, plan: &Plan<'_>, remember: Remember) -> (Vec<Wanted>, Pictures) {
    let (mut wanted, fit, problems) = digest::wanted(input, plan);
    let (logo, missing) = logo(input.config, input.newsletter);
    wanted.extend(logo);
    let mut pictures = pictures::prepare_and(input.config, &wanted, fit, remember);
    pictures.problems.extend(problems);
    pictures.problems.extend(missing);
    (wanted, pictures)
}

/// A newsletter's logo, where the site's files have it.
fn logo(config: &Config, newsletter: &Newsletter) -> (Option<Wanted>, Problems) {
    let Some(logo) = newsletter.look.logo.as_ref().filter(|_| newsletter.images != Images::None) else {
        return (None, Problems::new());
    };
    let path = logo.path.trim_start_matches('/');
    let inside = !path.split('/').any(|part| part == "..");
    let files = config.content.static_folders.iter().map(|folder| format!("{}/{path}", folder.trim_end_matches('/')));
    let Some(file) = files.filter(|_| inside).find(|file| config.root.join(file).is_file()) else {
        let problem =
            Problem::warning("missing-file", format!("the logo `{}` is not among the site's files", logo.path))
                .help("write its path as the site serves it; `content.static` names the folders that it serves");
        return (None, Problems(vec![problem.in_file(&newsletter.file)]));
    };
    let wanted = Wanted {
        item: digest::LOGO.to_string(),
        path: newsletter.file.clone(),
        source: Source::File(file),
        mark: None,
        accent: (0, 0, 0),
    };
    (Some(wanted), Problems::new())
}

/// What a newsletter's letters are composed of.
pub fn input<'a>(
    material: Material<'a>,
    newsletter: &'a Newsletter,
    known: &'a Known,
    number: u64,
    now: DateTime<Utc>,
) -> ComposeInput<'a> {
    let Material { config, items, renderer, templates } = material;
    ComposeInput { config, newsletter, items, renderer, templates, known: &known.ids, pictures: None, number, now }
}
