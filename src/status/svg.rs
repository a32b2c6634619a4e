//! The plots as inline SVG: places along a plot are in percent, so that it is as wide as its column and its text as large as
//! the page's; what is beside it (the numbers of an axis) hangs over on the left, where the page leaves room.
//!
//! Promises: nothing but shapes, text and classes; no style and no script within, so that a policy that allows neither lets
//! it be. Each plot is one picture with a name and a description.

use std::fmt::Write;

use handlebars::html_escape;

use super::bars::Sums;
use super::feeds::Readers;
use super::people::{OverTime, Period, Step};
use super::scale::{Scale, without_the_outlier};
use super::words::Words;
use chrono::{Datelike, NaiveDate};

/// How high a bar is, in pixels; and one that stands alone.
pub const BAR: u32 = 18;
pub const TALL: u32 = 30;
/// Room above a plot for a value.
const TOP: f64 = 22.0;

/// What distinguishes the parts of a bar besides their colours: once a page.
pub fn patterns() -> String {
    let pattern = |name: &str, size: u32, shapes: &str| {
        format!(
            "<pattern id=\"p-{name}\" width=\"{size}\" height=\"{size}\" patternUnits=\"userSpaceOnUse\">\
             <rect class=\"{name}\" width=\"{size}\" height=\"{size}\"/>{shapes}</pattern>"
        )
    };
    let shapes = [
        pattern("accepted", 8, ""),
        pattern("refused", 8, "<path class=\"mark\" d=\"M-2 2l4-4M0 8l8-8M6 10l4-4\"/>"),
        pattern("suppressed", 6, "<path class=\"mark\" d=\"M0 3h6\"/>"),
        pattern(
            "uncertain",
            8,
            "<circle class=\"dot\" cx=\"2\" cy=\"2\" r=\"1.5\"/><circle class=\"dot\" cx=\"6\" cy=\"6\" r=\"1.5\"/>",
        ),
        pattern("deferred", 7, "<path class=\"mark\" d=\"M3.5 0v7\"/>"),
        pattern("waiting", 8, "<circle class=\"mute\" cx=\"4\" cy=\"4\" r=\"1\"/>"),
    ];
    format!(
        "<svg class=\"patterns\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>{}</defs></svg>",
        shapes.concat()
    )
}

/// A sample of a part's look, for the legend.
pub fn swatch(name: &str) -> String {
    format!(
        "<svg class=\"swatch\" width=\"28\" height=\"16\" aria-hidden=\"true\"><rect width=\"28\" height=\"16\" rx=\"3\" fill=\"url(#p-{name})\"/></svg>"
    )
}

/// A bar of all its parts.
pub fn bar(id: &str, height: u32, sums: &Sums, title: &str, words: &Words) -> String {
    let mut parts = String::new();
    for segment in sums.segments() {
        let name = segment.kind.name();
        let said = words.count(name, segment.count);
        let _ = write!(
            parts,
            "<rect class=\"part\" x=\"{}%\" width=\"{}%\" height=\"{height}\" fill=\"url(#p-{name})\"><title>{}</title></rect>",
            round(segment.x),
            round(segment.width),
            html_escape(&said)
        );
    }
    format!(
        "<svg class=\"bar\" width=\"100%\" height=\"{height}\" role=\"img\" aria-labelledby=\"{id}\"><title id=\"{id}\">{}</title>{parts}</svg>",
        html_escape(title)
    )
}

/// A bar beside others of its kind: as long as its part of the longest.
pub fn measure(id: &str, part: f64, title: &str) -> String {
    format!(
        "<svg class=\"bar thin\" width=\"100%\" height=\"10\" role=\"img\" aria-labelledby=\"{id}\"><title id=\"{id}\">{}</title>\
         <rect class=\"line-colour\" width=\"{}%\" height=\"10\" rx=\"3\"/></svg>",
        html_escape(title),
        round((part * 100.0).max(0.6))
    )
}

/// Subscribers as a line, and below it who joined (up) and who left (down).
pub fn over_time(id: &str, told: &OverTime, (title, description): (&str, &str), words: &Words) -> String {
    const LEVEL: f64 = 150.0;
    const HALF: f64 = 46.0;
    let zero = TOP + LEVEL + 40.0 + HALF;
    let mut plot = Plot::new(told.periods.len());
    let levels: Vec<i64> = told.periods.iter().map(|period| period.level).collect();
    plot.line(&levels, TOP, LEVEL, words);
    let scale = Scale::to(without_the_outlier(told.periods.iter().flat_map(|period| [period.joined, period.gone])));
    // Few leave where many come: what is below has the same scale, and no more room than it needs.
    let most_gone = Scale::to(told.periods.iter().map(|period| period.gone).max().unwrap_or(0)).top.min(scale.top);
    let below = (HALF * scale.part(most_gone)).max(6.0);
    plot.tick(zero - HALF, &format!("+{}", words.number(scale.top)));
    if below >= 14.0 {
        plot.tick(zero + below, &format!("−{}", words.number(most_gone)));
    }
    for (index, period) in told.periods.iter().enumerate() {
        plot.column(index, period.joined, &scale, (zero, -HALF), "joined", words);
        plot.column(index, period.gone, &scale, (zero, HALF), "gone", words);
    }
    plot.ground(zero);
    let bottom = zero + below;
    plot.labels(bottom + 20.0, |index| label(&told.periods, index, told.step, words));
    for (index, period) in told.periods.iter().enumerate() {
        let said = [
            match told.step {
                Step::Week => words.say("week_of", &[("date", &words.date(period.start))]),
                Step::Month => words.month_and_year(period.start),
            },
            words.count("subscribers_count", period.level),
            words.count("joined_count", period.joined),
            words.count("gone_count", period.gone),
        ];
        plot.hit(index, bottom, &said.join(", "));
    }
    plot.finish(id, bottom + 42.0, title, description)
}

/// The subscribers that services report, and below them the fetches of everybody else.
pub fn readers(id: &str, told: &Readers, (title, description): (&str, &str), words: &Words) -> String {
    const LINE: f64 = 120.0;
    const COLUMNS: f64 = 60.0;
    let mut plot = Plot::new(told.days.len());
    let subscribers: Vec<i64> = told.days.iter().map(|day| day.subscribers).collect();
    let mut bottom = 0.0;
    if subscribers.iter().any(|count| *count > 0) {
        plot.line(&subscribers, TOP, LINE, words);
        bottom = TOP + LINE;
    }
    let most = without_the_outlier(told.days.iter().map(|day| day.fetches));
    if most > 0 {
        let scale = Scale::to(most);
        bottom += TOP + COLUMNS + 8.0;
        plot.tick(bottom - COLUMNS, &words.number(scale.top));
        plot.tick(bottom, "0");
        for (index, day) in told.days.iter().enumerate() {
            plot.column(index, day.fetches, &scale, (bottom, -COLUMNS), "fetches", words);
        }
        plot.ground(bottom);
    }
    let dates: Vec<NaiveDate> = told.days.iter().map(|day| date(day.day)).collect();
    plot.labels(bottom + 20.0, |index| Some((format!("{} {}", dates[index].day(), words.month(dates[index])), None)));
    for (index, day) in told.days.iter().enumerate() {
        let said = [
            words.date(dates[index]),
            words.count("subscribers_count", day.subscribers),
            words.count("fetches_count", day.fetches),
        ];
        plot.hit(index, bottom, &said.join(", "));
    }
    plot.finish(id, bottom + 30.0, title, description)
}

/// The day with a number.
pub fn date(day: i64) -> NaiveDate {
    chrono::DateTime::from_timestamp(day.saturating_mul(86_400), 0)
        .map(|moment| moment.date_naive())
        .unwrap_or_default()
}

/// A period's name below it, and its year.
fn label(periods: &[Period], index: usize, step: Step, words: &Words) -> Option<(String, Option<String>)> {
    let start = periods.get(index)?.start;
    match step {
        Step::Week => Some((format!("{} {}", start.day(), words.month(start)), None)),
        Step::Month => Some((words.month(start), Some(start.year().to_string()))),
    }
}

/// A plot of columns side by side, being drawn.
struct Plot {
    columns: usize,
    shapes: String,
}

impl Plot {
    fn new(columns: usize) -> Plot {
        Plot { columns: columns.max(1), shapes: String::new() }
    }

    /// The middle of a column, in percent.
    fn middle(&self, index: usize) -> f64 {
        (index as f64 + 0.5) * 100.0 / self.columns as f64
    }

    /// A number of the axis, beside its height.
    fn tick(&mut self, y: f64, text: &str) {
        let _ = write!(self.shapes, "<text class=\"tick\" x=\"-8\" y=\"{}\" dy=\".35em\">{text}</text>", round(y));
    }

    /// Where columns stand.
    fn ground(&mut self, y: f64) {
        let y = round(y);
        let _ = write!(self.shapes, "<line class=\"ground\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>");
    }

    /// A line on a scale of its own, from `top` down `height`; the last value stands at its end.
    fn line(&mut self, values: &[i64], top: f64, height: f64, words: &Words) {
        let scale = Scale::to(values.iter().copied().max().unwrap_or(0));
        let place = |value: i64| height * (1.0 - scale.part(value));
        for tick in &scale.ticks {
            let y = round(top + place(*tick));
            let class = if *tick == 0 { "ground" } else { "grid" };
            let _ = write!(self.shapes, "<line class=\"{class}\" x2=\"100%\" y1=\"{y}\" y2=\"{y}\"/>");
            self.tick(top + place(*tick), &words.number(*tick));
        }
        let points: Vec<String> = values
            .iter()
            .enumerate()
            .map(|(index, value)| format!("{} {}", round(self.middle(index) * 10.0), round(place(*value))))
            .collect();
        let (first, last) = (round(self.middle(0) * 10.0), round(self.middle(values.len().saturating_sub(1)) * 10.0));
        let _ = write!(
            self.shapes,
            "<svg y=\"{top}\" width=\"100%\" height=\"{height}\" viewBox=\"0 0 1000 {height}\" preserveAspectRatio=\"none\" class=\"stretched\">\
             <path class=\"area\" d=\"M{first} {height}L{}L{last} {height}Z\"/>\
             <path class=\"line\" vector-effect=\"non-scaling-stroke\" d=\"M{}\"/></svg>",
            points.join("L"),
            points.join("L"),
        );
        if let Some(value) = values.last() {
            let (x, y) = (round(self.middle(values.len() - 1)), top + place(*value));
            let _ = write!(
                self.shapes,
                "<circle class=\"end\" cx=\"{x}%\" cy=\"{}\" r=\"4.5\"/><text class=\"value\" x=\"{x}%\" y=\"{}\" text-anchor=\"end\">{}</text>",
                round(y),
                round(y - 11.0),
                words.number(*value)
            );
        }
    }

    /// A column from `ground` up (`height` is below nothing) or down; one that is beyond the scale is cut off, and says so.
    fn column(
        &mut self,
        index: usize,
        value: i64,
        scale: &Scale,
        (ground, height): (f64, f64),
        class: &str,
        words: &Words,
    ) {
        if value <= 0 {
            return;
        }
        let length = (scale.part(value) * height.abs()).max(2.0);
        let width = 66.0 / self.columns as f64;
        let (x, y) = (self.middle(index) - width / 2.0, if height < 0.0 { ground - length } else { ground });
        let _ = write!(
            self.shapes,
            "<rect class=\"{class}\" x=\"{}%\" y=\"{}\" width=\"{}%\" height=\"{}\"/>",
            round(x),
            round(y),
            round(width),
            round(length)
        );
        if value > scale.top {
            let y = if height < 0.0 { ground + height - 5.0 } else { ground + height + 14.0 };
            let (anchor, arrow) = (anchor(self.middle(index)), if height < 0.0 { '↑' } else { '↓' });
            let _ = write!(
                self.shapes,
                "<text class=\"beyond\" x=\"{}%\" y=\"{}\" text-anchor=\"{anchor}\">{arrow}\u{a0}{}</text>",
                round(self.middle(index)),
                round(y),
                words.number(value)
            );
        }
    }

    /// Names below the columns, and what they have in common below those: few enough for a phone, and more where there is room.
    fn labels(&mut self, y: f64, name: impl Fn(usize) -> Option<(String, Option<String>)>) {
        let few = [1, 2, 4, 6, 12, 14, 28, 56].into_iter().find(|step| self.columns <= step * 4).unwrap_or(112);
        let more = (few / 2).max(1);
        let mut said_below: Option<String> = None;
        // The last one is named, and the others by their distance to it.
        for index in 0..self.columns {
            let distance = self.columns - 1 - index;
            let class = match distance {
                _ if distance.is_multiple_of(few) => "label",
                _ if distance.is_multiple_of(more) => "label more",
                _ => continue,
            };
            let Some((text, below)) = name(index) else { continue };
            let (x, anchor) = (round(self.middle(index)), anchor(self.middle(index)));
            // Under those that every screen shows, and where it is another than before.
            let below = below.filter(|_| class == "label").filter(|below| said_below.as_ref() != Some(below));
            said_below = below.clone().or(said_below);
            let below =
                below.map_or_else(String::new, |below| format!("<tspan x=\"{x}%\" dy=\"1.15em\">{below}</tspan>"));
            let _ = write!(
                self.shapes,
                "<text class=\"{class}\" x=\"{x}%\" y=\"{}\" text-anchor=\"{anchor}\">{}{below}</text>",
                round(y),
                html_escape(&text)
            );
        }
    }

    /// What a pointer over a column is told.
    fn hit(&mut self, index: usize, height: f64, text: &str) {
        let width = 100.0 / self.columns as f64;
        let _ = write!(
            self.shapes,
            "<rect class=\"hit\" x=\"{}%\" width=\"{}%\" height=\"{}\"><title>{}</title></rect>",
            round(width * index as f64),
            round(width),
            round(height),
            html_escape(text)
        );
    }

    fn finish(self, id: &str, height: f64, title: &str, description: &str) -> String {
        format!(
            "<svg class=\"plot\" width=\"100%\" height=\"{}\" role=\"img\" aria-labelledby=\"{id}\" aria-describedby=\"{id}-d\">\
             <title id=\"{id}\">{}</title><desc id=\"{id}-d\">{}</desc>{}</svg>",
            round(height),
            html_escape(title),
            html_escape(description),
            self.shapes
        )
    }
}

/// So that a text near an end does not stand out.
fn anchor(percent: f64) -> &'static str {
    match percent {
        ..8.0 => "start",
        ..90.0 => "middle",
        _ => "end",
    }
}

/// Two decimals at most.
fn round(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_string()
}
