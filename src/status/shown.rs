//! The parts of the page, as its template takes them.

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::bars::{self, Kind, Sums};
use super::people::{self, Change, OverTime};
use super::rows::{Letter, Rows};
use super::words::Words;
use super::{feeds, svg, tables};
use crate::store::daily;
use crate::store::editions::{Edition, State};

/// So many editions of a newsletter have a bar; more are in the table.
const BARS: usize = 12;
/// So many are in the table.
const IN_TABLE: usize = 60;
/// So many programs have a bar.
const PROGRAMS: usize = 8;
/// What is shown, and in which words.
pub(super) struct Shown<'a> {
    pub rows: &'a Rows,
    pub words: &'a Words,
    pub today: NaiveDate,
}

impl Shown<'_> {
    fn title<'b>(&'b self, newsletter: &'b str) -> &'b str {
        let found = self.rows.letters.iter().find(|letter| letter.name == newsletter);
        found.map_or(newsletter, |letter| &letter.title)
    }

    /// A newsletter's editions, newest first, but for those that were given up.
    fn editions_of<'b>(&'b self, newsletter: &'b str) -> impl Iterator<Item = &'b Edition> {
        let is_of = move |edition: &&Edition| edition.newsletter == newsletter && edition.state != State::Cancelled;
        self.rows.editions.iter().rev().filter(is_of)
    }

    /// Every newsletter, those that no configuration names any more included.
    fn newsletters(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.rows.letters.iter().map(|letter| letter.name.as_str()).collect();
        for edition in &self.rows.editions {
            if !names.contains(&edition.newsletter.as_str()) {
                names.push(&edition.newsletter);
            }
        }
        names
    }

    fn changes(&self, newsletter: &str) -> Vec<Change> {
        let of = self.rows.daily.iter().filter(|daily| daily.newsletter == newsletter);
        of.map(|daily| Change { day: svg::date(daily.day), joined: daily.joined, gone: daily.gone }).collect()
    }

    fn subscribed(&self, newsletter: &str) -> i64 {
        self.rows.subscribed.iter().find(|(name, _)| name == newsletter).map_or(0, |(_, count)| *count)
    }

    /// What is being delivered.
    pub fn under_way(&self) -> Vec<Value> {
        let is_under_way = |edition: &&Edition| edition.state == State::Sending && edition.counts.pending > 0;
        let one = |edition: &Edition| {
            let (words, sums) = (self.words, Sums::from(&edition.counts));
            let number = words.say("number", &[("number", &edition.number.to_string())]);
            let title = format!("{}, {number}", self.title(&edition.newsletter));
            let told = self.told(&sums);
            let said = words.say("told", &[("name", &title), ("what", &told)]);
            let done = edition.counts.eligible - edition.counts.pending;
            json!({
                "id": format!("now-{}", edition.id), "title": title, "state": self.state(edition), "told": told,
                "share": words.percent(done, edition.counts.eligible),
                "bar": svg::bar(&format!("u{}", edition.id), svg::TALL, &sums, &said, words),
            })
        };
        self.rows.editions.iter().filter(is_under_way).map(one).collect()
    }

    /// Where an edition stands, if that is to be said.
    fn state(&self, edition: &Edition) -> Option<String> {
        let (words, counts) = (self.words, &edition.counts);
        let time = |moment: chrono::DateTime<chrono::Utc>| words.moment(moment, self.rows.zone);
        match edition.state {
            State::Sending if counts.pending > 0 => Some(match counts.next_try {
                Some(next) if counts.pending == counts.deferred => words.say("next_try", &[("moment", &time(next))]),
                _ => words.say("sending", &[]),
            }),
            State::Held => Some(words.say("held", &[])),
            State::Composed => Some(match edition.send_at {
                Some(at) => words.say("send_at", &[("moment", &time(at))]),
                None => words.say("waits", &[]),
            }),
            _ => None,
        }
    }

    /// What a person should look at.
    pub fn attention(&self) -> Vec<Value> {
        let mut all = Vec::new();
        for edition in &self.rows.editions {
            let (newsletter, number) = (self.title(&edition.newsletter), edition.number.to_string());
            let command = |verb: &str| format!("crieur {verb} {} {number}", edition.newsletter);
            let mut say = |name: &str, command: String, reason: Option<&str>, count: i64| {
                let count = self.words.number(count);
                let values = [("newsletter", newsletter), ("number", number.as_str()), ("count", count.as_str())];
                all.push(json!({ "words": self.words.say(name, &values), "reason": reason, "command": command }));
            };
            match edition.state {
                State::Held => say("is_held", command("resume"), edition.reason.as_deref(), 0),
                State::Composed if edition.send_at.is_none() => {
                    say("is_composed", command("approve"), edition.reason.as_deref(), edition.counts.eligible);
                }
                _ => {}
            }
            if edition.counts.uncertain > 0 && edition.state != State::Cancelled {
                let name = if edition.counts.uncertain == 1 { "is_uncertain_one" } else { "is_uncertain" };
                say(name, command("resolve"), None, edition.counts.uncertain);
            }
        }
        all
    }

    pub fn tile(&self, letter: &Letter) -> Value {
        let last = self.editions_of(&letter.name).find(|edition| edition.state != State::Composed);
        let (joined, gone) = people::lately(&self.changes(&letter.name), 30, self.today);
        let (count, unit) = if letter.has_people {
            let count = self.subscribed(&letter.name);
            (Some(count), self.words.count("unit_subscribers", count))
        } else {
            let count = last.map(|edition| edition.counts.eligible);
            (count, self.words.count("unit_addressees", count.unwrap_or(2)))
        };
        let last = last.map(|edition| {
            let counts = &edition.counts;
            let reached = self.words.percent(counts.accepted, counts.eligible - counts.suppressed);
            let number = edition.number.to_string();
            let date = self.words.date(edition.composed.with_timezone(&self.rows.zone).date_naive());
            self.words.say("last_edition", &[("number", &number), ("date", &date), ("percent", &reached)])
        });
        json!({
            "title": letter.title,
            "count": count.map_or_else(|| "–".to_string(), |count| self.words.number(count)),
            "unit": unit,
            "change": (letter.has_people && joined + gone > 0).then(|| json!({
                "joined": format!("+{}", self.words.number(joined)), "gone": format!("−{}", self.words.number(gone)),
            })),
            "last": last.unwrap_or_else(|| self.words.say("no_edition", &[])),
        })
    }

    pub fn editions(&self) -> Vec<Value> {
        let mut groups = Vec::new();
        for (place, newsletter) in self.newsletters().into_iter().enumerate() {
            let editions: Vec<&Edition> = self.editions_of(newsletter).take(IN_TABLE).collect();
            if editions.is_empty() {
                continue;
            }
            let rows: Vec<Value> = editions.iter().take(BARS).map(|edition| self.edition(edition)).collect();
            let more = i64::try_from(editions.len().saturating_sub(BARS)).unwrap_or(0);
            let title = self.title(newsletter);
            let caption = self.words.say("editions_table", &[("newsletter", title)]);
            groups.push(json!({
                "id": format!("letter-{place}"), "title": title, "rows": rows,
                "more": (more > 0).then(|| self.words.count("more_editions", more)),
                "table": tables::editions(caption, &editions, self.rows.zone, self.words),
            }));
        }
        groups
    }

    fn edition(&self, edition: &Edition) -> Value {
        let (words, counts) = (self.words, &edition.counts);
        let sums = Sums::from(counts);
        let name = words.say("number", &[("number", &edition.number.to_string())]);
        let title = words.say("told", &[("name", &name), ("what", &self.told(&sums))]);
        let mut notes = Vec::new();
        if counts.reports.returned > 0 {
            notes.push(words.count("came_back", counts.reports.returned));
        }
        if counts.reports.complaints > 0 {
            notes.push(words.count("complained", counts.reports.complaints));
        }
        json!({
            "name": name, "when": words.date(edition.composed.with_timezone(&self.rows.zone).date_naive()),
            "state": self.state(edition), "moving": edition.state == State::Sending && counts.pending > 0,
            "bar": svg::bar(&format!("e{}", edition.id), svg::BAR, &sums, &title, words),
            "sum": words.number(counts.accepted), "of": words.say("of", &[("count", &words.number(counts.eligible))]),
            "notes": notes.join(", "),
        })
    }

    /// All sums in words.
    fn told(&self, sums: &Sums) -> String {
        let there = Kind::ALL.into_iter().filter(|kind| sums.get(*kind) > 0);
        let told: Vec<String> = there.map(|kind| self.words.count(kind.name(), sums.get(kind))).collect();
        if told.is_empty() { self.words.say("nobody", &[]) } else { told.join(", ") }
    }

    pub fn people(&self) -> Vec<Value> {
        let mut plots = Vec::new();
        for (place, letter) in self.rows.letters.iter().filter(|letter| letter.has_people).enumerate() {
            let now = self.subscribed(&letter.name);
            let Some(told) = people::over_time(&self.changes(&letter.name), now, self.today) else { continue };
            let title = self.words.say("people_of", &[("newsletter", &letter.title)]);
            let description = self.description(&told);
            plots.push(json!({
                "id": format!("people-{place}"), "title": letter.title,
                "plot": svg::over_time(&format!("s{place}"), &told, (&title, &description), self.words),
                "table": tables::people(title, &told, self.words),
            }));
        }
        plots
    }

    fn description(&self, told: &OverTime) -> String {
        let sum = |of: fn(&people::Period) -> i64| self.words.number(told.periods.iter().map(of).sum());
        let level = |period: Option<&people::Period>| self.words.number(period.map_or(0, |period| period.level));
        let start = told.periods.first().map(|period| self.words.date(period.start)).unwrap_or_default();
        self.words.say(
            "people_description",
            &[
                ("since", &start),
                ("joined", &sum(|period| period.joined)),
                ("gone", &sum(|period| period.gone)),
                ("first", &level(told.periods.first())),
                ("last", &level(told.periods.last())),
            ],
        )
    }

    pub fn replies(&self) -> Value {
        let domains = bars::domains(&self.rows.replies);
        if domains.is_empty() {
            return Value::Null;
        }
        let rows: Vec<Value> = domains
            .iter()
            .enumerate()
            .map(|(place, domain)| {
                let name = tables::domain_name(domain, self.words);
                let title = self.words.say("told", &[("name", &name), ("what", &self.told(&domain.sums))]);
                let notes =
                    if domain.returned > 0 { self.words.count("came_back", domain.returned) } else { String::new() };
                json!({
                    "name": name, "bar": svg::bar(&format!("d{place}"), svg::BAR, &domain.sums, &title, self.words),
                    "sum": self.words.number(domain.sums.get(Kind::Accepted)),
                    "of": self.words.say("of", &[("count", &self.words.number(domain.sums.all()))]), "notes": notes,
                })
            })
            .collect();
        json!({ "rows": rows, "table": tables::domains(self.words.say("replies_table", &[]), &domains, self.words) })
    }

    pub fn suppressed(&self) -> Option<String> {
        let all: i64 = self.rows.suppressed.iter().map(|(_, count)| count).sum();
        let reason = |(reason, count): &(String, i64)| {
            let known = format!("reason_{}", reason.replace('-', "_"));
            let name =
                if self.words.texts().contains_key(&known) { self.words.say(&known, &[]) } else { reason.clone() };
            format!("{name} ({})", self.words.number(*count))
        };
        let reasons: Vec<String> = self.rows.suppressed.iter().map(reason).collect();
        let (what, reasons) = (self.words.count("suppressed_addresses", all), reasons.join(", "));
        (all > 0).then(|| format!("{}.", self.words.say("told", &[("name", &what), ("what", &reasons)])))
    }

    pub fn feeds(&self) -> Vec<Value> {
        let today = daily::day(self.rows.now);
        let mut plots = Vec::new();
        for (place, feed) in self.rows.feeds.iter().enumerate() {
            let Some(told) = feeds::readers(feed, &self.rows.readers, today) else { continue };
            let title = self.words.say("readers_of", &[("feed", &feed.title)]);
            let now = told.days.last().map_or(0, |day| day.subscribers);
            let fetches =
                told.programs.iter().filter(|program| program.subscribers == 0).map(|program| program.fetches).sum();
            let description = format!(
                "{}, {}.",
                self.words.count("reported_count", now),
                self.words.count("others_lately", fetches)
            );
            let most = told.programs.first().map_or(1, |program| program.subscribers.max(1));
            let program = |(index, one): (usize, &feeds::Program)| {
                let name = tables::program_name(&one.name, self.words);
                let count = self.words.count("subscribers_count", one.subscribers);
                let said = self.words.say("told", &[("name", &name), ("what", &count)]);
                json!({
                    "name": name, "sum": self.words.number(one.subscribers),
                    "bar": svg::measure(&format!("f{place}-{index}"), one.subscribers as f64 / most as f64, &said),
                })
            };
            let programs: Vec<Value> = told
                .programs
                .iter()
                .filter(|one| one.subscribers > 0)
                .take(PROGRAMS)
                .enumerate()
                .map(program)
                .collect();
            let captions =
                ["programs_table", "days_table"].map(|name| self.words.say(name, &[("feed", &feed.title)]));
            plots.push(json!({
                "id": format!("feed-{place}"), "title": feed.title, "said": description, "programs": programs,
                "plot": svg::readers(&format!("r{place}"), &told, (&title, &description), self.words),
                "tables": tables::readers(captions, &told, self.words),
            }));
        }
        plots
    }
}
