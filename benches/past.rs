//! Looking back over a record of 35 hours and 20 servers, half a million events: how long it takes to open a console on it,
//! and from a key that goes through time to the painted screen.
//!
//! ```sh
//! cargo bench --bench past
//! ```
//!
//! It fails where opening takes more than half a second, or any step is not painted within a tenth of one.
//!
//! Seen on 2 shared virtual cores (AMD EPYC), nothing else running: opening in 120 ms; 20 jumps all over the record painted after
//! 41 ms in the median and 47 at worst, 120 minutes back one by one after 4 and 45, on after 3 and 7, 16 hours back after 43 and
//! 44, lines of the timeline after 42 and 85; all that is behind a moment (the charts) at most 208 ms after the key.
#![allow(clippy::expect_used)] // A failure here ends the run, with its words.

#[path = "../tests/lab/long_record.rs"]
#[allow(dead_code)] // Not all of it is measured.
mod long_record;

use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use long_record::Weekend;
use mailtop::console::app::{App, AppOptions, Msg, Seen, Travel};
use mailtop::console::view;
use mailtop::domain::effect::Back;
use mailtop::domain::{Span, Text, Timestamp};
use mailtop::engine::past::{self, Of, View};
use mailtop::journal::{Durability, Record, Sqlite};
use mailtop::model::Model;

const WEEKEND: Weekend = Weekend {
    servers: 20,
    hours: 35,
    every: Span::from_secs(10),
};
const OPENING: Duration = Duration::from_millis(500);
const STEP: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    // `cargo test` runs benches too, without this.
    if !std::env::args().any(|a| a == "--bench") {
        return ExitCode::SUCCESS;
    }
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("journal.db");
    let events = write(&file);
    let megabytes = std::fs::metadata(&file).map_or(0, |m| m.len()) / 1_000_000;
    println!(
        "{events} events of {} servers in {} hours, {megabytes} MB",
        WEEKEND.servers, WEEKEND.hours
    );

    let opening = median((0..5).map(|_| open(&file)));
    println!(
        "opening a console on it, to the first picture: {} ms",
        opening.as_millis()
    );
    let mut held = opening <= OPENING;

    let mut looking = Looking::new(&file);
    let minute = Span::from_mins(1);
    let middle = Weekend::at(17 * 3_600);
    let mut report = |name: &str, all: Vec<Took>| {
        let worst = |of: fn(&Took) -> Duration| all.iter().map(of).max().unwrap_or_default();
        let first = worst(|t| t.first);
        println!(
            "{name}: painted after {:.0} ms in the median, {:.0} ms at worst; all that is behind it after {:.0} ms at worst",
            median(all.iter().map(|t| t.first)).as_secs_f64() * 1e3,
            first.as_secs_f64() * 1e3,
            worst(|t| t.whole).as_secs_f64() * 1e3,
        );
        held &= first <= STEP;
    };
    let jumps = (0..20i64).map(|n| looking.go(Weekend::at((n * 7 % 20 + 1) * 6_000)));
    report("20 jumps all over it", jumps.collect());
    looking.go(middle);
    let back = (1..=120i64).map(|n| looking.go((Span::ZERO - minute * n).after(middle)));
    report("120 minutes back, one by one", back.collect());
    let on = (0..120i64).map(|n| looking.go((minute * n - minute * 120).after(middle)));
    report("120 minutes on, one by one", on.collect());
    let hours = (1..=16i64).map(|n| looking.go((Span::ZERO - Span::from_hours(n)).after(middle)));
    report("16 hours back, one by one", hours.collect());
    // The notes of the record come once an hour.
    let mut here = middle;
    // Who asks for the next one looks at a moment.
    looking.go(middle);
    let lines: Vec<Took> = [Back::Before as fn(Timestamp) -> Back, Back::After]
        .into_iter()
        .flat_map(|way| [way; 8])
        .map(|way| {
            let (took, at) = looking.ask(way(here));
            here = at;
            took
        })
        .collect();
    report("8 lines of the timeline back and 8 on", lines);
    if held { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn write(file: &Path) -> usize {
    let (mut db, _) = Sqlite::open(file, WEEKEND.ends()).unwrap_or_else(|t| panic!("a journal: {t:?}"));
    let events: Vec<_> = WEEKEND.events().collect();
    for some in events.chunks(5_000) {
        db.append(some, Durability::Process)
            .unwrap_or_else(|t| panic!("to be written: {t:?}"));
    }
    events.len()
}

fn options() -> AppOptions {
    AppOptions {
        zone: jiff::tz::TimeZone::UTC,
        ..AppOptions::new("weekend")
    }
}

/// As the console does: the last known state and two hours, a model, and a frame.
fn open(file: &Path) -> Duration {
    let begun = Instant::now();
    let (mut db, _) = Sqlite::open(file, WEEKEND.ends()).unwrap_or_else(|t| panic!("a journal: {t:?}"));
    let start = db
        .start_from(Span::from_hours(-2).after(WEEKEND.ends()))
        .unwrap_or_else(|t| panic!("its end: {t:?}"));
    let mut model = Model::new(None);
    model.apply_all(&start.events);
    let mut app = App::new(options(), model);
    app.size = (120, 40);
    std::hint::black_box(view::frame(&app, WEEKEND.ends()));
    begun.elapsed()
}

struct Took {
    /// Until the first picture of the moment.
    first: Duration,
    /// Until the last one.
    whole: Duration,
}

struct Looking {
    app: App,
    ask: mpsc::Sender<past::Ask>,
    told: mpsc::Receiver<Result<View, Text>>,
}

impl Looking {
    fn new(file: &Path) -> Self {
        let (ask, asks) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let of = Of {
            journal: file.to_owned(),
            ..Of::default()
        };
        past::start(of, asks, move |_, view| tell.send(view).is_ok());
        let mut app = App::new(options(), Model::new(None));
        app.size = (120, 40);
        app.past = Some(Travel::replay(Weekend::begins(), false));
        Self { app, ask, told }
    }

    fn go(&mut self, at: Timestamp) -> Took {
        self.ask(Back::To(at)).0
    }

    fn ask(&mut self, to: Back) -> (Took, Timestamp) {
        let begun = Instant::now();
        self.ask.send((0, to)).expect("somebody looks back");
        let mut first = None;
        loop {
            let view = self.told.recv().expect("an answer").expect("a view");
            let (whole, at) = (view.whole, view.at);
            let seen = Seen {
                at: view.at,
                model: Box::new(view.model),
                first: view.extent.first,
                last: view.extent.last,
                whole,
                from: view.from,
                samples_from: view.samples_from,
                missing: view.missing,
            };
            let _ = self.app.update(Msg::Past(0, Ok(seen)), WEEKEND.ends());
            std::hint::black_box(view::frame(&self.app, WEEKEND.ends()));
            let painted = begun.elapsed();
            let first = *first.get_or_insert(painted);
            if whole {
                return (Took { first, whole: painted }, at);
            }
        }
    }
}

fn median(all: impl Iterator<Item = Duration>) -> Duration {
    let mut all: Vec<Duration> = all.collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or_default()
}
