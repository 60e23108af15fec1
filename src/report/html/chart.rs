//! The charts of a page, as SVG: depths, flows, and what probes said as a band for each door, all over one time. A class says
//! what a stroke is and the style sheet how it looks, so that light, dark and paper have their own colours. What a colour says
//! a dash or a height says, too.

use std::fmt::Write as _;

use crate::domain::Span;

use super::super::series::{COLUMNS, Depths, Door, FlowsOf, Key, Said};
use super::super::times::{Times, grouped};
use super::super::{Report, part, words};
use super::{escaped, outside};

/// Units of the drawing.
const WIDTH: f64 = 960.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 8.0;
const TOP: f64 = 34.0;
const PLOT: f64 = 140.0;
const FOOT: f64 = 24.0;
/// A door: its name and its band.
const ROW: f64 = 36.0;
const BAND: f64 = 14.0;
/// Charts of this many queues at most, and bands of this many doors: those of the incident's own servers first.
const QUEUES: usize = 12;
const DOORS: usize = 40;
/// A word in a band needs so much room for each letter.
const LETTER: f64 = 7.5;

/// All charts, each a figure with its caption.
pub fn all(r: &Report, times: &Times, out: &mut String) {
    bands(r, times, out);
    let queues = own_first(r, r.series.depths.keys().chain(r.series.flows.keys()));
    for (n, key) in queues.iter().take(QUEUES).enumerate() {
        let _ = writeln!(out, "<h3>{}</h3>", outside(&part(key)));
        if let Some(d) = r.series.depths.get(key) {
            depth(n, d, r, times, out);
        }
        if let Some(f) = r.series.flows.get(key) {
            flow(n, f, r, times, out);
        }
    }
    left_out(queues.len(), QUEUES, "queues", out);
    if queues.is_empty() {
        out.push_str("<p>No queue was read in this time: there is no depth to draw.</p>\n");
    }
}

fn left_out(all: usize, most: usize, what: &str, out: &mut String) {
    if all > most {
        let _ = writeln!(out, "<p class=\"soft\">{} more {what} are not drawn.</p>", all - most);
    }
}

fn own_first<'a>(r: &Report, keys: impl Iterator<Item = &'a Key>) -> Vec<&'a Key> {
    let mut all: Vec<&Key> = keys.collect();
    all.sort();
    all.dedup();
    all.sort_by_key(|k| !r.incident.servers.contains(&k.0));
    all
}

fn x(share: f64) -> f64 {
    LEFT + share.clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
}
fn column_x(column: usize) -> f64 {
    x(column as f64 / COLUMNS as f64)
}

/// A figure: the drawing, named by its caption, and the caption.
fn figure(id: &str, height: f64, drawing: &str, caption: &str, out: &mut String) {
    let _ = write!(
        out,
        "<figure>\n<figcaption id=\"{id}\">{caption}</figcaption>\n\
         <div class=\"chart\" tabindex=\"0\" role=\"group\" aria-labelledby=\"{id}\">\
         <svg role=\"img\" aria-labelledby=\"{id}\" viewBox=\"0 0 {WIDTH} {height}\">\n{drawing}</svg></div>\n</figure>\n"
    );
}

/// The time under a drawing, and what happened at which time: dashed lines with the numbers of actions, and full ones where
/// the incident began and was over.
fn over_time(r: &Report, times: &Times, bottom: f64, out: &mut String) {
    let range = r.series.range;
    let step = step(Span::between(range.from, range.until).secs());
    let mut at = times.first_step(range.from, step);
    while at <= range.until {
        let x = x(range.share(at));
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>\
             <text class=\"soft\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            bottom + 16.0,
            escaped(&times.tick(at))
        );
        at = Span::from_secs(step).after(at);
    }
    let edges = [
        ("began", Some(r.incident.start().at.at)),
        ("service good", r.incident.restored().map(|m| m.at)),
    ];
    let mut last_label: f64 = f64::MIN;
    for (word, at) in edges
        .into_iter()
        .filter_map(|(w, at)| Some((w, at?)))
        .filter(|(_, at)| range.holds(*at))
    {
        let x = x(range.share(at));
        let _ = writeln!(
            out,
            "<line class=\"edge\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"14\" y2=\"{bottom}\"/>"
        );
        if x - last_label > 80.0 {
            let (anchor, by) = if x > WIDTH - 90.0 {
                ("end", -4.0)
            } else {
                ("start", 4.0)
            };
            let _ = writeln!(
                out,
                "<text class=\"soft\" x=\"{:.1}\" y=\"12\" text-anchor=\"{anchor}\">{word}</text>",
                x + by
            );
            last_label = x;
        }
    }
    let mut last_number = f64::MIN;
    for (n, a) in r.actions.iter().enumerate() {
        let x = x(range.share(a.at));
        let _ = writeln!(
            out,
            "<line class=\"mark\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"28\" y2=\"{bottom}\"/>"
        );
        if x - last_number > 14.0 {
            let _ = writeln!(
                out,
                "<text x=\"{x:.1}\" y=\"26\" text-anchor=\"middle\">{}</text>",
                n + 1
            );
            last_number = x;
        }
    }
}

/// Seconds between two labels under a chart of this many seconds: eight labels at most.
fn step(secs: i64) -> i64 {
    const STEPS: [i64; 13] = [
        60, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
    ];
    STEPS.into_iter().find(|s| secs / s <= 8).unwrap_or(secs / 8 + 1)
}

/// The top of an axis, and the step of its labels: one, two or five times a power of ten.
fn scale(most: f64) -> (f64, f64) {
    let raw = (most.max(1.0)) / 4.0;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|s| *s >= raw)
        .unwrap_or(raw);
    let step = step.max(1.0);
    ((most / step).ceil().max(1.0) * step, step)
}

/// Lines across with their numbers; gives what turns a value into its height.
fn up(most: f64, out: &mut String) -> impl Fn(f64) -> f64 + use<> {
    let (top, step) = scale(most);
    let y = move |v: f64| TOP + PLOT * (1.0 - (v / top).clamp(0.0, 1.0));
    let mut v = 0.0;
    while v <= top + step / 2.0 {
        let line = y(v);
        let class = if v == 0.0 { "axis" } else { "grid" };
        let _ = writeln!(
            out,
            "<line class=\"{class}\" x1=\"{LEFT}\" x2=\"{:.0}\" y1=\"{line:.1}\" y2=\"{line:.1}\"/>\
             <text class=\"soft\" x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            line + 4.0,
            grouped(v as u64)
        );
        v += step;
    }
    y
}

fn depth(n: usize, d: &Depths, r: &Report, times: &Times, out: &mut String) {
    let mut svg = String::new();
    let most = d.peak.map_or(0, |(n, _)| n);
    let y = up(most as f64, &mut svg);
    over_time(r, times, TOP + PLOT, &mut svg);
    let _ = writeln!(svg, "<path class=\"depth\" d=\"{}\"/>", depth_path(d, &y));
    let caption = outside(&words::depth_figures(d, r, times));
    figure(&format!("depth-{n}"), TOP + PLOT + FOOT, &svg, &caption, out);
}

/// The line of a depth: within a column by way of its least and its most, broken where a reading did not hold until the next.
fn depth_path(d: &Depths, y: &dyn Fn(f64) -> f64) -> String {
    let mut path = String::new();
    let mut drawing = false;
    for (column, c) in d.columns.iter().enumerate().filter_map(|(n, c)| Some((n, c.as_ref()?))) {
        let x = f64::midpoint(column_x(column), column_x(column + 1));
        let mut go = |v: u64, to: char| {
            let _ = write!(path, "{to}{x:.1} {:.1}", y(v as f64));
        };
        go(c.first, if c.joined && drawing { 'L' } else { 'M' });
        drawing = true;
        if c.least < c.first.min(c.last) {
            go(c.least, 'L');
        }
        if c.most > c.first.max(c.last) {
            go(c.most, 'L');
        }
        // A reading by itself is a point: a line of no length has round ends.
        path.push_str("l0.01 0");
        if c.last != c.first {
            let _ = write!(path, "L{x:.1} {:.1}", y(c.last as f64));
        }
    }
    path
}

fn flow(n: usize, f: &FlowsOf, r: &Report, times: &Times, out: &mut String) {
    let range = r.series.range;
    let rates: Vec<Option<[f64; 3]>> = (0..COLUMNS).map(|c| f.rates(c, range)).collect();
    let most = rates.iter().flatten().flatten().fold(0.0, |a: f64, b| a.max(*b));
    let mut svg = String::new();
    let y = up(most, &mut svg);
    over_time(r, times, TOP + PLOT, &mut svg);
    let otherwise = f.total.otherwise() > 0;
    let kinds = [("in", true), ("out", true), ("gone", otherwise)];
    for (which, (class, _)) in kinds.iter().enumerate().filter(|(_, (_, drawn))| *drawn) {
        let _ = writeln!(svg, "<path class=\"{class}\" d=\"{}\"/>", rate_path(&rates, which, &y));
    }
    let legend = [("in", "comes in"), ("out", "worked off"), ("gone", "expired, removed")];
    let mut at = LEFT + 4.0;
    for (class, word) in legend.into_iter().filter(|(class, _)| *class != "gone" || otherwise) {
        let _ = writeln!(
            svg,
            "<path class=\"{class}\" d=\"M{at:.0} {y1}h24\"/><text x=\"{:.0}\" y=\"{:.0}\">{word}, a minute</text>",
            at + 30.0,
            TOP + PLOT + FOOT + 14.0,
            y1 = TOP + PLOT + FOOT + 10.0
        );
        at += 190.0;
    }
    let caption = outside(&words::flow_figures(f, r, times));
    figure(&format!("flow-{n}"), TOP + PLOT + FOOT + 20.0, &svg, &caption, out);
}

fn rate_path(rates: &[Option<[f64; 3]>], which: usize, y: &dyn Fn(f64) -> f64) -> String {
    let mut path = String::new();
    let mut drawing = false;
    for (column, rate) in rates.iter().enumerate() {
        let Some(rate) = rate else {
            drawing = false;
            continue;
        };
        let (from, v) = (column_x(column), y(rate[which]));
        let _ = write!(path, "{}{from:.1} {v:.1}", if drawing { 'L' } else { 'M' });
        let _ = write!(path, "H{:.1}", column_x(column + 1));
        drawing = true;
    }
    path
}

/// What probes said: full height and the layer's word where a door was down, half where it had trouble, a thin line where it was
/// good, nothing where nobody saw it.
fn bands(r: &Report, times: &Times, out: &mut String) {
    let keys = own_first(r, r.series.doors.keys());
    if keys.is_empty() {
        out.push_str("<p>No door was probed in this time: there is no band to draw.</p>\n");
        return;
    }
    let doors: Vec<(&Key, &Door)> = keys
        .iter()
        .take(DOORS)
        .filter_map(|k| Some((*k, r.series.doors.get(*k)?)))
        .collect();
    let bottom = TOP + doors.len() as f64 * ROW;
    out.push_str("<h3>Probes</h3>\n");
    let mut svg = String::new();
    over_time(r, times, bottom, &mut svg);
    for (n, (key, door)) in doors.iter().enumerate() {
        let top = TOP + n as f64 * ROW;
        let _ = writeln!(
            svg,
            "<text x=\"{:.0}\" y=\"{:.1}\">{}</text>",
            LEFT + 2.0,
            top + 13.0,
            escaped(&part(key))
        );
        band(door, top + 18.0, &mut svg);
    }
    let mut caption = format!(
        "Probes of each door from {} to {}: full height is down, with the failing layer; half height is trouble; a thin line is \
         good; nothing is not known.<ul>",
        escaped(&times.stamp(r.series.range.from)),
        escaped(&times.stamp(r.series.range.until))
    );
    for (key, door) in &doors {
        let _ = write!(caption, "<li>{}</li>", outside(&words::door_figures(key, door, times)));
    }
    caption.push_str("</ul>");
    figure("probes", bottom + FOOT, &svg, &caption, out);
    left_out(keys.len(), DOORS, "doors", out);
}

fn band(door: &Door, top: f64, out: &mut String) {
    for (from, until, said) in door.runs() {
        let (x, width) = (column_x(from), column_x(until) - column_x(from));
        let (class, height) = match said {
            Said::Down(_) => ("down", BAND),
            Said::Warn => ("warn", BAND / 2.0),
            Said::Good => ("ok", 3.0),
        };
        let _ = writeln!(
            out,
            "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height}\"/>",
            top + BAND - height
        );
        if let Said::Down(layer) = said
            && layer.word().len() as f64 * LETTER + 8.0 < width
        {
            let _ = writeln!(
                out,
                "<text class=\"on-down\" x=\"{:.1}\" y=\"{:.1}\">{layer}</text>",
                x + 4.0,
                top + BAND - 3.0
            );
        }
    }
}
