//! `mailtop forecast`: the forecast on samples from a file or a pipe, as of the last line.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use serde::Serialize;

use crate::domain::forecast::{self, Counts, Drain, Forecast, Sample};
use crate::domain::{Span, Text};

use super::{UNKNOWN, write_out};

/// The longest line that is read as one; what is beyond it makes the line a bad one.
const LONGEST_LINE: u64 = 1_024;
/// Bad lines named one by one; of more, only the number.
const NAMED: usize = 20;

/// Said beside a clear time that nothing but the depth tells.
const DEPTH_ALONE: &str = "by depth alone: expiry or deletion would look the same";

/// `forecast`.
#[derive(Debug, Args)]
pub struct ForecastArgs {
    /// Lines of `unix_seconds,depth[,arrivals,exits[,otherwise[,held]]]`, oldest first; `-` is standard input. Arrivals,
    /// exits (worked off) and otherwise (expired, removed) are cumulative; a field may be empty; a header may come first.
    #[arg(value_name = "FILE", default_value = "-")]
    pub file: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value_t = ForecastFormat::Text)]
    pub format: ForecastFormat,
}

/// How `forecast` prints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ForecastFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Runs it: exit 0, 1 when lines were skipped, 3 when the file cannot be read.
pub fn run(args: &ForecastArgs) -> ExitCode {
    let read = match open(&args.file).and_then(read) {
        Ok(read) => read,
        Err(e) => {
            eprintln!(
                "mailtop: {}: {e}",
                Text::from_bytes(args.file.as_os_str().as_encoded_bytes())
            );
            return UNKNOWN.into();
        }
    };
    for bad in &read.bad {
        eprintln!("mailtop: {bad}");
    }
    if read.skipped > read.bad.len() {
        eprintln!("mailtop: and {} more lines skipped", read.skipped - read.bad.len());
    }
    let report = Report::new(&read);
    let text = match args.format {
        ForecastFormat::Text => report.text(),
        ForecastFormat::Json => report.json(),
    };
    if !write_out(text.as_bytes()) {
        return UNKNOWN.into();
    }
    u8::from(read.skipped > 0).into()
}

fn open(file: &Path) -> io::Result<Box<dyn BufRead>> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    Ok(Box::new(BufReader::new(File::open(file)?)))
}

/// What was read.
#[derive(Debug, Default)]
struct Read {
    /// The newest samples, as many as a forecast looks at.
    samples: VecDeque<Sample>,
    /// All good lines.
    good: usize,
    /// The first bad lines, in words.
    bad: Vec<String>,
    skipped: usize,
}

fn read(mut from: impl BufRead) -> io::Result<Read> {
    let mut read = Read::default();
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        if from.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        if line.len() as u64 == LONGEST_LINE && !line.ends_with(b"\n") {
            from.skip_until(b'\n')?;
            read.skip(number, &format!("longer than {LONGEST_LINE} bytes"));
            continue;
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() || (number == 1 && is_header(text)) {
            continue;
        }
        match parse(text) {
            Ok(sample) => {
                read.good += 1;
                read.samples.push_back(sample);
                if read.samples.len() > forecast::LOOKS_BACK {
                    read.samples.pop_front();
                }
            }
            Err(why) => read.skip(number, &why),
        }
    }
    Ok(read)
}

impl Read {
    fn skip(&mut self, number: u64, why: &str) {
        self.skipped += 1;
        if self.bad.len() < NAMED {
            self.bad.push(format!("line {number} skipped: {why}"));
        }
    }
}

/// A first line of words: its first field begins with a letter and is no number.
fn is_header(line: &str) -> bool {
    let first = line.split(',').next().unwrap_or_default().trim().trim_matches('"');
    first.starts_with(char::is_alphabetic) && first.parse::<f64>().is_err()
}

fn parse(line: &str) -> Result<Sample, String> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    if !matches!(fields.len(), 2 | 4..=6) {
        return Err(format!(
            "{} fields, not unix_seconds,depth[,arrivals,exits[,otherwise[,held]]]",
            fields.len()
        ));
    }
    let shown = |field: &str| Text::bounded(field.as_bytes(), 40);
    let at = fields[0]
        .parse::<f64>()
        .ok()
        .filter(|s| s.is_finite())
        .and_then(|s| Timestamp::from_microsecond((s * 1e6).round() as i64).ok())
        .ok_or_else(|| format!("`{}` is not a time in seconds since 1970", shown(fields[0])))?;
    let count = |n: usize, name: &str| match fields.get(n).copied().unwrap_or_default() {
        "" => Ok(None),
        f => f
            .parse::<u64>()
            .map(Some)
            .map_err(|_| format!("{name} `{}` is not a whole number", shown(f))),
    };
    let depth = count(1, "depth")?.ok_or("there is no depth")?;
    Ok(Sample {
        at,
        depth,
        arrivals: count(2, "arrivals")?,
        exits: count(3, "exits")?,
        otherwise: count(4, "otherwise")?,
        held: count(5, "held")?,
    })
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Report {
    verdict: &'static str,
    eta_s: Option<Eta>,
    net_per_min: Option<f64>,
    in_per_min: Option<f64>,
    out_per_min: Option<f64>,
    samples: usize,
    why: Option<String>,
    /// Only in words.
    #[serde(skip)]
    otherwise_per_min: Option<f64>,
}

/// Seconds from the newest sample until the queue is clear.
#[derive(Debug, Serialize)]
pub(super) struct Eta {
    p10: i64,
    p50: i64,
    p90: i64,
}

/// The verdict as programs have it, the clear times where there are any, and why it is unknown.
pub(super) fn told(drain: Drain) -> (&'static str, Option<Eta>, Option<String>) {
    match drain {
        Drain::Empty => ("empty", None, None),
        Drain::Clears { p10, p50, p90 } => {
            let [p10, p50, p90] = [p10, p50, p90].map(Span::secs);
            ("clears", Some(Eta { p10, p50, p90 }), None)
        }
        Drain::Stalled => ("stalled", None, None),
        Drain::Growing { .. } => ("growing", None, None),
        Drain::Unknown { why } => ("unknown", None, Some(why.to_string())),
    }
}

/// A rate as it is printed for programs: to a thousandth, and no negative zero.
pub(super) fn rounded(rate: Option<f64>) -> Option<f64> {
    rate.map(|r| (r * 1e3).round() / 1e3 + 0.0)
}

impl Eta {
    /// ` in 48m, three times in four between 42m and 55m`: what benches/forecast.md measured at simulated drains, and on the
    /// cautious side of it.
    pub(super) fn words(&self) -> String {
        let span = |s: i64| Span::from_secs(s);
        format!(
            " in {}, three times in four between {} and {}",
            span(self.p50),
            span(self.p10),
            span(self.p90)
        )
    }
}

impl Report {
    fn new(read: &Read) -> Self {
        let now = read.samples.back().map_or(Timestamp::UNIX_EPOCH, |s| s.at);
        let Forecast {
            drain,
            net_per_min,
            in_per_min,
            out_per_min,
            otherwise_per_min,
            counts,
            ..
        } = forecast::forecast(&read.samples, now);
        let (verdict, eta_s, why) = told(drain);
        let disagree = (counts == Counts::Disagree)
            .then(|| "arrivals less exits is not the change of depth: what drains slower is used".to_owned());
        let alone = (counts == Counts::None && eta_s.is_some()).then(|| DEPTH_ALONE.to_owned());
        Self {
            verdict,
            eta_s,
            net_per_min: rounded(net_per_min),
            in_per_min: rounded(in_per_min),
            out_per_min: rounded(out_per_min),
            samples: read.good,
            why: why.or(disagree).or(alone),
            otherwise_per_min: rounded(otherwise_per_min),
        }
    }

    fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|e| format!("{{\"error\":\"{e}\"}}")) + "\n"
    }

    fn text(&self) -> String {
        let mut out = self.verdict.to_owned();
        if let Some(eta) = &self.eta_s {
            out.push_str(&eta.words());
        }
        if let Some(why) = &self.why {
            let _ = write!(out, ": {why}");
        }
        let rate = |r: Option<f64>| r.map_or("?".to_owned(), |r| format!("{r:+.1}"));
        let _ = write!(out, "\nnet {}/min", rate(self.net_per_min));
        if self.in_per_min.is_some() {
            let plain = |r: Option<f64>| r.map_or("?".to_owned(), |r| format!("{r:.1}"));
            let _ = write!(
                out,
                "  in {}/min  out {}/min",
                plain(self.in_per_min),
                plain(self.out_per_min)
            );
        }
        if let Some(gone) = self.otherwise_per_min {
            let _ = write!(out, "  expired or removed {gone:.1}/min");
        }
        let _ = writeln!(out, "  from {} samples", self.samples);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> (Read, Report) {
        let read = read(text.as_bytes()).unwrap();
        let report = Report::new(&read);
        (read, report)
    }
    fn drain(lines: i64) -> String {
        let line = |n| format!("{},{}", 1_800_000_000 + 60 * n, 10_000 - 100 * n);
        (0..lines).map(line).collect::<Vec<_>>().join("\n") + "\n"
    }

    #[test]
    fn a_steady_drain_clears_when_it_runs_out() {
        let (read, report) = of(&drain(30));
        assert_eq!((read.skipped, report.samples, report.verdict), (0, 30, "clears"));
        let eta = report.eta_s.unwrap();
        assert!(eta.p10 <= 71 * 60 && 71 * 60 <= eta.p90, "{eta:?}"); // 7,100 left at 100 a minute
    }

    #[test]
    fn the_json_has_the_members_that_programs_expect() {
        let (_, report) = of(&("time,depth,in,out\n".to_owned() + &drain(3)));
        assert_eq!(
            report.json(),
            "{\"verdict\":\"unknown\",\"eta_s\":null,\"net_per_min\":null,\"in_per_min\":null,\"out_per_min\":null,\
             \"samples\":3,\"why\":\"too few samples in a row yet\"}\n"
        );
    }

    #[test]
    fn bad_lines_are_named_and_skipped() {
        let (read, report) = of("ts,depth\n1,5\nx,6\n3,-1\n4\n5,1,2,3,4,5,6\n\n6,7,8\n7,\u{1b}[2J\nNaN,1\n1e300,1\n");
        assert_eq!((report.samples, read.skipped), (1, 8));
        let named: Vec<&str> = read.bad.iter().map(|b| b.split(' ').nth(1).unwrap()).collect();
        assert_eq!(named, ["3", "4", "5", "6", "8", "9", "10", "11"]);
        assert!(read.bad.iter().all(|b| !b.contains('\u{1b}')), "{:?}", read.bad);
    }

    #[test]
    fn counts_have_two_four_five_or_six_fields_and_one_may_be_empty() {
        let (read, _) = of("1,100\n2,99,5,6\n3,98,5,7,8\n4,97,,,,20\n");
        let s: Vec<_> = read
            .samples
            .iter()
            .map(|s| (s.arrivals, s.exits, s.otherwise, s.held))
            .collect();
        assert_eq!(
            s,
            [
                (None, None, None, None),
                (Some(5), Some(6), None, None),
                (Some(5), Some(7), Some(8), None),
                (None, None, None, Some(20))
            ]
        );
    }

    #[test]
    fn mail_that_expires_is_no_drain_and_is_said_in_words() {
        let line = |n| format!("{},{},0,0,{}", 1_800_000_000 + 60 * n, 10_000 - 100 * n, 100 * n);
        let (_, report) = of(&(0..30).map(line).collect::<Vec<_>>().join("\n"));
        assert_eq!(
            (report.verdict, report.eta_s.is_none(), report.net_per_min),
            ("stalled", true, Some(0.0))
        );
        assert_eq!(
            report.text(),
            "stalled\nnet +0.0/min  in 0.0/min  out 0.0/min  expired or removed 100.0/min  from 30 samples\n"
        );
        assert!(!report.json().contains("otherwise"));
    }

    #[test]
    fn a_fall_that_nobody_counts_is_unknown_and_says_why() {
        let line = |n| format!("{},{},0,0", 1_800_000_000 + 60 * n, 10_000 - 100 * n);
        let (_, report) = of(&(0..30).map(line).collect::<Vec<_>>().join("\n"));
        assert_eq!(
            (report.verdict, report.why.as_deref()),
            ("unknown", Some("the depth and what was counted do not agree"))
        );
    }

    #[test]
    fn a_clear_time_by_depth_alone_says_what_it_takes_for_granted() {
        let (_, report) = of(&drain(30));
        assert_eq!(
            (report.verdict, report.why.as_deref()),
            ("clears", Some("by depth alone: expiry or deletion would look the same"))
        );
        let counted = |n| format!("{},{},0,{}", 1_800_000_000 + 60 * n, 10_000 - 100 * n, 100 * n);
        let (_, report) = of(&(0..30).map(counted).collect::<Vec<_>>().join("\n"));
        assert_eq!((report.verdict, report.why), ("clears", None));
    }

    #[test]
    fn a_header_is_only_the_first_line() {
        assert_eq!(of("unix_seconds,depth\n1,2\n").0.skipped, 0);
        assert_eq!(of("1,2\nunix_seconds,depth\n").0.skipped, 1);
        assert_eq!(of("nan,2\n").0.skipped, 1, "a word that is a number is no header");
    }

    #[test]
    fn endless_lines_and_binary_are_bounded() {
        let mut bytes = vec![b'9'; 5_000_000];
        bytes.extend(b"\n1,2\n");
        bytes.extend([0xff, 0x00, b'\n']);
        let read = read(&bytes[..]).unwrap();
        assert_eq!((read.good, read.skipped), (1, 2));
        let many = super::read("x\n".repeat(1_000).as_bytes()).unwrap();
        assert_eq!((many.skipped, many.bad.len()), (999, NAMED)); // the first is a header
    }

    #[test]
    fn no_lines_at_all_are_unknown_and_not_empty() {
        let (_, report) = of("");
        assert_eq!((report.verdict, report.samples), ("unknown", 0));
        assert!(
            report
                .text()
                .starts_with("unknown: too few samples in a row yet\nnet ?/min"),
            "{}",
            report.text()
        );
    }
}
