//! A preview as a picture: a row for each day on which one looks, a mark for each snapshot that there is then.
//!
//! Plain SVG, with nothing from outside and no scripts. Marks differ in height as well as in colour.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::ToSpan;
use jiff::civil::Date;
use snapwarden_core::inventory::day_of;
use snapwarden_core::preview::{Preview, Why};
use snapwarden_core::retention::tiers::Tier;

use super::show::{HEADS, cells};
use super::{Lived, Row, Variant, counts, days, last_day, words};
use crate::render::clean;

const WIDTH: f64 = 1000.0;
const LEFT: f64 = 104.0;
const RIGHT: f64 = 60.0;
const ROW_HEIGHT: f64 = 22.0;
/// Above the rows of a variant: its name, schedule and policy, and the years.
const HEAD_HEIGHT: f64 = 78.0;
/// Above everything: what it is about, and the legend.
const TOP_HEIGHT: f64 = 64.0;
/// Months from the first row to the last.
const MONTHS: i32 = 24;

/// Colours for a light page and for a dark one.
const STYLE: &str = "\
text{font:12px system-ui,sans-serif;fill:#1f2328}.h{font-size:15px;font-weight:600}.q{fill:#59636e}.e{text-anchor:end}\
.p{fill:#ffffff}.g{stroke:#d1d9e0}.n{stroke:#59636e}\
.days{fill:#8b949e}.week{fill:#0969da}.month{fill:#1a7f37}.year{fill:#d4580a}.last{fill:#8250df}.other{fill:#cf222e}\
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.q{fill:#9198a1}.p{fill:#0d1117}.g{stroke:#3d444d}.n{stroke:#9198a1}\
.days{fill:#768390}.week{fill:#4493f8}.month{fill:#3fb950}.year{fill:#f0883e}.last{fill:#ab7df8}.other{fill:#f85149}}";

/// What keeps a snapshot longest: how its mark looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Mark {
    Days,
    Last,
    Week,
    Month,
    Year,
    Other,
}

impl Mark {
    const ALL: [Mark; 6] = [Mark::Days, Mark::Week, Mark::Month, Mark::Year, Mark::Last, Mark::Other];

    fn of(why: &Why) -> Self {
        match (why, why.tier()) {
            (_, Some(Tier::Week)) => Mark::Week,
            (_, Some(Tier::Month)) => Mark::Month,
            (_, Some(Tier::Year)) => Mark::Year,
            (_, Some(Tier::Last)) => Mark::Last,
            (Why::Days, None) => Mark::Days,
            (
                Why::Forever
                | Why::UnreadableRecord
                | Why::Newest
                | Why::Tier(_)
                | Why::OtherTier(..)
                | Why::Evidence(_)
                | Why::Mistyped
                | Why::Closing(_)
                | Why::Other,
                None,
            ) => Mark::Other,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Mark::Days => "days",
            Mark::Last => "last",
            Mark::Week => "week",
            Mark::Month => "month",
            Mark::Year => "year",
            Mark::Other => "other",
        }
    }

    fn words(self) -> &'static str {
        match self {
            Mark::Days => "its days are not over",
            Mark::Last => "among the newest",
            Mark::Week => "first of a week",
            Mark::Month => "first of a month",
            Mark::Year => "first of a year",
            Mark::Other => "KeepForever, or the newest of its volume",
        }
    }

    /// Width and height.
    fn size(self) -> (f64, f64) {
        match self {
            Mark::Days => (1.6, 7.0),
            Mark::Last => (3.0, 7.0),
            Mark::Week => (3.0, 10.0),
            Mark::Month => (3.0, 13.0),
            Mark::Year | Mark::Other => (4.0, 17.0),
        }
    }
}

/// The text of the file: a page where its name ends in .html.
pub(super) fn draw(path: &Path, lived: &Lived<'_>) -> String {
    let svg = svg(lived);
    if path.extension().is_some_and(|ending| ending == "html") { html(lived, &svg) } else { svg }
}

fn svg(lived: &Lived<'_>) -> String {
    let scale = Scale::of(lived);
    let (mut body, mut y) = (String::new(), TOP_HEIGHT);
    for variant in &lived.variants {
        body += &panel(variant, lived, &scale, y);
        y += HEAD_HEIGHT + f64::from(MONTHS + 1) * ROW_HEIGHT;
    }
    let height = y + 14.0;
    let title = escape(&lived.heading());
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n<rect class=\"p\" width=\"{WIDTH}\" height=\"{height}\"/>\n\
         <text class=\"h\" x=\"14\" y=\"26\">{title}</text>\n{}{body}</svg>\n",
        legend()
    )
}

fn legend() -> String {
    let (mut out, mut x) = (String::new(), 14.0);
    for mark in Mark::ALL {
        let (width, height) = mark.size();
        out += &format!(
            "<rect class=\"{}\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"{height}\"/>",
            mark.class(),
            54.0 - height
        );
        out += &format!("<text class=\"q\" x=\"{}\" y=\"52\">{}</text>\n", x + 10.0, mark.words());
        x += 34.0 + f64::from(u32::try_from(mark.words().len()).unwrap_or(0)) * 6.2;
    }
    out
}

/// Where a day lies from left to right.
struct Scale {
    first: Date,
    days: f64,
}

impl Scale {
    /// From the oldest snapshot of any row to the last day.
    fn of(lived: &Lived<'_>) -> Self {
        let previews = lived.variants.iter().map(|variant| &variant.preview);
        let today = day_of(lived.now);
        let oldest =
            previews.flat_map(|preview| preview.on(today).into_iter().map(|(moment, _)| day_of(moment.made))).min();
        let first = oldest.map_or(today, |oldest| oldest.min(today));
        Self { first, days: f64::from((last_day(lived.now) - first).get_days()).max(1.0) }
    }

    fn x(&self, day: Date) -> f64 {
        LEFT + (WIDTH - LEFT - RIGHT) * f64::from((day - self.first).get_days()) / self.days
    }
}

/// The rows of one variant.
fn panel(variant: &Variant, lived: &Lived<'_>, scale: &Scale, top: f64) -> String {
    let name = if lived.variants.len() > 1 { format!("{}; ", clean(&variant.name)) } else { String::new() };
    let lines = [format!("{name}{}", variant.rules.schedule), words::policy(&variant.rules)];
    let bottom = top + HEAD_HEIGHT + f64::from(MONTHS + 1) * ROW_HEIGHT;
    let mut out = String::new();
    for (line, y) in lines.iter().zip([22.0, 40.0]) {
        out += &format!("<text x=\"14\" y=\"{}\">{}</text>\n", top + y, escape(line));
    }
    out += &format!(
        "<text class=\"q\" x=\"14\" y=\"{0}\">at the end of</text><text class=\"q e\" x=\"{1}\" y=\"{0}\">there are</text>\n",
        top + 66.0,
        WIDTH - 14.0
    );
    out += &years(scale, top + 66.0, bottom, last_day(lived.now));
    for month in 0..=MONTHS {
        let day = day_of(lived.now).saturating_add(month.months());
        out += &row(&variant.preview, day, scale, top + HEAD_HEIGHT + f64::from(month) * ROW_HEIGHT);
    }
    out
}

/// A line and a number where a year begins, and the words where it does not lie at the edge.
fn years(scale: &Scale, y: f64, bottom: f64, until: Date) -> String {
    let begins = (scale.first.year()..=until.year()).filter_map(|year| Date::new(year, 1, 1).ok());
    let line = |day: Date| {
        let x = scale.x(day);
        format!(
            "<line class=\"g\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{bottom}\"/><text class=\"q\" x=\"{:.1}\" y=\"{y}\">{}</text>\n",
            y - 10.0,
            x + 4.0,
            day.year()
        )
    };
    begins.filter(|day| *day > scale.first).map(line).collect()
}

fn row(preview: &Preview, day: Date, scale: &Scale, top: f64) -> String {
    let base = top + ROW_HEIGHT - 3.0;
    let (start, end) = (scale.x(scale.first), scale.x(day));
    let mut out = format!("<text class=\"q\" x=\"14\" y=\"{}\">{day}</text>", base - 3.0);
    out += &format!("<line class=\"g\" x1=\"{start:.1}\" x2=\"{end:.1}\" y1=\"{base}\" y2=\"{base}\"/>");
    out +=
        &format!("<line class=\"n\" x1=\"{end:.1}\" x2=\"{end:.1}\" y1=\"{}\" y2=\"{}\"/>\n", base - 4.0, base + 2.0);
    for ((mark, made), (count, words)) in marks(preview, day) {
        let (width, height) = mark.size();
        let x = scale.x(made) - width / 2.0;
        let count = if count == 1 { String::new() } else { format!(" ({count} snapshots)") };
        out += &format!(
            "<rect class=\"{}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width}\" height=\"{height}\">",
            mark.class(),
            base - height
        );
        out += &format!("<title>{made}{count}: {}</title></rect>\n", escape(&words));
    }
    let total = counts(preview, day).total;
    out + &format!("<text class=\"e\" x=\"{}\" y=\"{}\">{total}</text>\n", WIDTH - 14.0, base - 3.0)
}

/// The marks of a day, those that would cover each other as one: how many snapshots, and what keeps the first. What is
/// kept longest is drawn last.
fn marks(preview: &Preview, day: Date) -> BTreeMap<(Mark, Date), (usize, String)> {
    let mut marks = BTreeMap::new();
    for (moment, whys) in preview.on(day) {
        let mark = whys.iter().map(Mark::of).max().unwrap_or(Mark::Other);
        let words = || {
            let whys: Vec<_> = whys.iter().map(ToString::to_string).collect();
            let goes = moment.goes.map_or_else(String::new, |goes| format!("; goes {goes}"));
            format!("{}{goes}", whys.join("; "))
        };
        marks.entry((mark, day_of(moment.made))).or_insert_with(|| (0, words())).0 += 1;
    }
    marks
}

/// A page with the picture and its table.
fn html(lived: &Lived<'_>, svg: &str) -> String {
    let title = escape(&lived.heading());
    let tables: String = lived.variants.iter().map(|variant| table(variant, lived)).collect();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>:root{{color-scheme:light dark}}body{{font:14px system-ui,sans-serif;max-width:1000px;\
         margin:2em auto;padding:0 1em}}svg{{width:100%;height:auto}}td,th{{text-align:right;padding:.2em .8em}}\
         </style>\n</head>\n<body>\n{svg}{tables}</body>\n</html>\n"
    )
}

fn table(variant: &Variant, lived: &Lived<'_>) -> String {
    let cell = |tag: &str, text: &str| format!("<{tag}>{}</{tag}>", escape(text));
    let head: String = HEADS.iter().chain(&["OLDEST"]).map(|head| cell("th", &head.to_lowercase())).collect();
    let row = |(when, day)| {
        let row = Row { day, when, counts: counts(&variant.preview, day) };
        format!("<tr>{}</tr>\n", cells(&row).iter().map(|text| cell("td", text)).collect::<String>())
    };
    let rows: String = days(lived.now).map(row).concat();
    let caption = cell("caption", &clean(&variant.name));
    format!("<table>\n{caption}\n<tr>{head}</tr>\n{rows}</table>\n")
}

/// Fit to stand in XML, whatever a tag holds.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
