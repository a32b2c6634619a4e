//! A letter's pictures together: each once, under its own limit, then all of them under theirs.
//!
//! When they are too heavy together, the heaviest are made lighter first, all to one limit, so that no single one pays;
//! what would then be too coarse to look at is left out instead, the heaviest first.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use rayon::prelude::*;

use super::cache::{Cache, Key};
use super::decode::{self, Studio, Unusable};
use super::encode::{self, File};
use super::{CACHE_FOLDER, Fit, Mark, Remember, Source, Wanted, ground, mark, scale};
use crate::problem::{Problem, Problems};

/// A source's longest file, in bytes.
const LONGEST_FILE: u64 = 40_000_000;
/// No picture is made lighter than this to save another.
const LIGHTEST: u64 = 10_000;

/// The files by item, in the order in which they were wanted.
pub struct Made {
    pub files: Vec<(String, File)>,
    pub problems: Problems,
}

/// What is to be made, whoever wants it: two items may show the same.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Job<'a> {
    source: &'a Source,
    mark: Option<Mark>,
    /// Only a drawn one shows it.
    accent: Option<(u8, u8, u8)>,
}

impl<'a> Job<'a> {
    fn of(wanted: &'a Wanted) -> Self {
        let accent = (wanted.source == Source::Drawn).then_some(wanted.accent);
        Job { source: &wanted.source, mark: wanted.mark, accent }
    }
}

/// A file, and what a person should know although there is one.
struct Outcome {
    file: Result<File, Unusable>,
    /// The drawing holds words and no font is there.
    wordless: bool,
}

pub fn make_all(root: &Path, wanted: &[Wanted], fit: Fit, remember: Remember) -> Made {
    let mut jobs: Vec<Job<'_>> = Vec::new();
    let mut place: HashMap<Job<'_>, usize> = HashMap::new();
    for one in wanted {
        let job = Job::of(one);
        place.entry(job).or_insert_with(|| {
            jobs.push(job);
            jobs.len() - 1
        });
    }
    let cache = Cache::open(&root.join(CACHE_FOLDER), remember);
    let studio = Studio::default();
    let make = |job: &Job<'_>, most_bytes: u64| one(root, job, Fit { most_bytes, ..fit }, &cache, &studio);
    let mut outcomes: Vec<Outcome> = jobs.par_iter().map(|job| make(job, fit.most_bytes)).collect();

    let size = |outcome: &Outcome| outcome.file.as_ref().map_or(0, |file| file.content.len() as u64);
    let sizes: Vec<u64> = outcomes.iter().map(size).collect();
    if sizes.iter().sum::<u64>() > fit.together {
        let limit = shared_limit(&sizes, fit.together).max(LIGHTEST);
        jobs.par_iter().zip(&mut outcomes).filter(|(_, outcome)| size(outcome) > limit).for_each(|(job, outcome)| {
            *outcome = make(job, limit);
        });
    }
    let left_out = too_much(&outcomes.iter().map(size).collect::<Vec<_>>(), fit.together);

    let mut made = Made { files: Vec::new(), problems: Problems::new() };
    for one in wanted {
        let index = place[&Job::of(one)];
        let outcome = &outcomes[index];
        if outcome.wordless {
            made.problems.push(wordless(one));
        }
        match &outcome.file {
            Ok(file) if left_out.contains(&index) => made.problems.push(too_heavy(one, file, fit.together)),
            Ok(file) => made.files.push((one.item.clone(), file.clone())),
            Err(why) => made.problems.push(unusable(one, why)),
        }
    }
    cache.tidy();
    made
}

/// One picture, from the cache or made now.
fn one(root: &Path, job: &Job<'_>, fit: Fit, cache: &Cache, studio: &Studio) -> Outcome {
    let nothing = |why: Unusable| Outcome { file: Err(why), wordless: false };
    let path = match job.source {
        Source::File(path) => path,
        Source::Drawn => {
            let still = mark::still(fit, job.accent.unwrap_or_default(), job.mark);
            return Outcome { file: encode::encode(&still, None, fit.most_bytes), wordless: false };
        }
    };
    let bytes = match read(&root.join(path)) {
        Ok(bytes) => bytes,
        Err(why) => return nothing(why),
    };
    let key = Key::new(&bytes, fit, job.mark);
    if let Some(file) = cache.get(&key) {
        return Outcome { file: Ok(file), wordless: false };
    }
    let decoded = match decode::decode(bytes, fit, studio) {
        Ok(decoded) => decoded,
        Err(why) => return nothing(why),
    };
    if decoded.pixels.pixels().all(|pixel| pixel.0[3] < 8) {
        let why = Unusable::Broken("it shows nothing".to_string());
        return Outcome { file: Err(why), wordless: decoded.wordless };
    }
    let scaled = scale::fit(decoded.pixels, fit);
    let settled = ground::settle(scaled);
    let file = match job.mark {
        Some(mark) => encode::encode(&mark::over(settled.flat, mark), None, fit.most_bytes),
        None => encode::encode(&settled.flat, settled.transparent.as_ref(), fit.most_bytes),
    };
    // What lacks its words is made again next time: a font may have come.
    if let (Ok(file), false) = (&file, decoded.wordless) {
        cache.put(&key, file);
    }
    Outcome { file, wordless: decoded.wordless }
}

fn read(path: &Path) -> Result<Vec<u8>, Unusable> {
    let broken = |error: std::io::Error| Unusable::Broken(error.to_string());
    let mut file = std::fs::File::open(path).map_err(broken)?;
    if file.metadata().map_err(broken)?.len() > LONGEST_FILE {
        return Err(Unusable::TooLong);
    }
    let mut bytes = Vec::new();
    file.by_ref().take(LONGEST_FILE).read_to_end(&mut bytes).map_err(broken)?;
    Ok(bytes)
}

/// The limit for each under which all stay under `together`: what light ones do not use, the others share. In whole
/// kilobytes, so that a letter of one picture more or less finds most of its pictures in the cache.
fn shared_limit(sizes: &[u64], together: u64) -> u64 {
    let mut sizes: Vec<u64> = sizes.iter().copied().filter(|size| *size > 0).collect();
    sizes.sort_unstable();
    let mut room = together;
    for (index, size) in sizes.iter().enumerate() {
        let share = room / (sizes.len() - index) as u64;
        if *size > share {
            return share / 1000 * 1000;
        }
        room -= size;
    }
    u64::MAX
}

/// Which of them, the heaviest first, are left out so that the rest stay under `together`. Of two that weigh the same,
/// the later one goes.
fn too_much(sizes: &[u64], together: u64) -> Vec<usize> {
    let mut total: u64 = sizes.iter().sum();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|index| sizes[*index]);
    let mut left_out = Vec::new();
    while total > together
        && let Some(index) = order.pop()
    {
        total -= sizes[index];
        left_out.push(index);
    }
    left_out
}

fn name(wanted: &Wanted) -> &str {
    match &wanted.source {
        Source::File(path) => path,
        Source::Drawn => "the drawn still",
    }
}

fn too_heavy(wanted: &Wanted, file: &File, together: u64) -> Problem {
    let kilobytes = (file.content.len() as u64).div_ceil(1000);
    let message = format!("the letter leaves out {}, which would still weigh {kilobytes} kB", name(wanted));
    let help = format!(
        "show fewer items with pictures, or a plainer picture: those of one letter may weigh {} kB together",
        together / 1000
    );
    Problem::warning("heavy-picture", message).help(help).in_file(&wanted.path)
}

fn wordless(wanted: &Wanted) -> Problem {
    let message = format!("{} holds words, and this machine has no font to write them with", name(wanted));
    let help = "install a font (the package fonts-dejavu-core, say), or turn the words into paths in the drawing";
    Problem::warning("picture-words", message).help(help).in_file(&wanted.path)
}

fn unusable(wanted: &Wanted, why: &Unusable) -> Problem {
    let name = name(wanted);
    let (code, message, help) = match why {
        Unusable::Format(format) => (
            "picture-format",
            format!("the letter leaves out {name}: {format} cannot be converted for mail programs here"),
            "give the item a JPEG, PNG, WebP, GIF or SVG picture",
        ),
        Unusable::Broken(why) => (
            "broken-picture",
            format!("the letter leaves out {name}: the picture cannot be read ({why})"),
            "open the file and save it again, as JPEG or PNG",
        ),
        Unusable::TooManyPixels { width, height } => (
            "huge-picture",
            format!("the letter leaves out {name}: it has {width} × {height} pixels"),
            "make it smaller: a letter shows at most 1200 pixels across",
        ),
        Unusable::TooLong => (
            "huge-picture",
            format!("the letter leaves out {name}: the file is longer than {} MB", LONGEST_FILE / 1_000_000),
            "make it smaller: a letter shows at most 1200 pixels across",
        ),
        Unusable::TooIntricate => (
            "huge-picture",
            format!(
                "the letter leaves out {name}: drawing it takes too long, or its parts lie too deep in each other"
            ),
            "simplify the drawing, or export it as PNG",
        ),
        Unusable::TooHeavy => (
            "heavy-picture",
            format!("the letter leaves out {name}: however small, it stays too heavy"),
            "take a plainer picture",
        ),
    };
    Problem::warning(code, message).help(help).in_file(&wanted.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_ones_leave_their_room_to_heavy_ones() {
        assert_eq!(shared_limit(&[10_000, 60_000, 60_000], 100_000), 45_000);
        assert_eq!(shared_limit(&[10_000, 20_000], 100_000), u64::MAX);
        assert_eq!(shared_limit(&[60_000, 0, 60_000, 60_000], 100_000), 33_000);
    }

    #[test]
    fn the_heaviest_are_left_out_and_of_two_that_weigh_the_same_the_later_one() {
        assert_eq!(too_much(&[10, 30, 20, 30], 90), Vec::<usize>::new());
        assert_eq!(too_much(&[10, 30, 20, 30], 70), [3]);
        assert_eq!(too_much(&[10, 30, 20, 30], 30), [3, 1]);
    }
}
