//! What happened between two listings of 1,000,000 messages each: the time for it, and the peak memory of the whole process
//! that read both. Promised: under 1 s and 150 MB.
//!
//! ```sh
//! cargo bench --bench census
//! ```
//!
//! Seen on 2 shared virtual cores (AMD EPYC), whether a tenth, half or all of the second listing was new: flow in 40 to
//! 100 ms, peak 88 MB. It ends with 1 where that is not held.
#![allow(clippy::expect_used)] // A failure here ends the run, with its words.

use std::io::Write;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use mailtop::domain::flow::FlowCounts;
use mailtop::domain::horizon::QueueRules;
use mailtop::domain::{Span, Timestamp};
use mailtop::queue::{Census, ListingReader};

const MESSAGES: u64 = 1_000_000;
const START: i64 = 1_795_442_407;
const DAY: i64 = 86_400;

const MOST_TIME: Duration = Duration::from_secs(1);
const MOST_MEMORY_KB: u64 = 150_000;

/// How many of the first listing are gone by the second: so many have come.
const PARTS: [(&str, u64); 3] = [
    ("as it is after a while: one in ten new", 100_000),
    ("half of it new", 500_000),
    ("all of it new", 1_000_000),
];

/// Message `n` of an endless stream, as `postqueue -j` prints it: one in fifty a bounce, ages up to six days.
fn line(n: u64, into: &mut Vec<u8>) {
    let h = (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 8;
    let (queue, dest) = (
        ["active", "hold", "deferred", "deferred"][(h % 4) as usize],
        (h >> 20) % 750,
    );
    let sender = if h.is_multiple_of(50) {
        "MAILER-DAEMON"
    } else {
        "news@x.test"
    };
    writeln!(
        into,
        r#"{{"queue_name": "{queue}", "queue_id": "4jY{:06x}{n:06X}z", "arrival_time": {}, "message_size": {}, "forced_expire": false, "sender": "{sender}", "recipients": [{{"address": "user{n}@dest{dest}.example", "delay_reason": "connect to mx.dest{dest}.example[192.0.2.{}]:25: Connection timed out"}}]}}"#,
        h & 0xff_ffff,
        START - (h % (6 * DAY as u64)) as i64,
        400 + h % 50_000,
        h >> 8 & 255,
    )
    .expect("a line");
}

/// Reads the messages from `first` on. The listing is made a piece at a time, as it comes from a mail host.
fn read(reader: &mut ListingReader, first: u64) {
    let mut piece = Vec::with_capacity(300 << 10);
    for n in first..first + MESSAGES {
        line(n, &mut piece);
        if piece.len() > 256 << 10 {
            reader.push(&piece);
            piece.clear();
        }
    }
    reader.push(&piece);
}

fn moment(s: i64) -> Timestamp {
    Timestamp::from_second(START + s).expect("a moment")
}

/// Both listings in this process: prints how long the flow between them took, and the peak memory.
fn both(new: u64) {
    let five_days = Span::from_secs(5 * DAY);
    let mut census = Census::default();
    census.rules = Some(QueueRules {
        lifetime: five_days,
        bounce_lifetime: five_days,
        retry: None,
        delay_notice: None,
    });
    let (mut took, mut flow) = (Duration::ZERO, None);
    for (first, s) in [(0, 0), (new, 1_800)] {
        let mut reader = census.reader(moment(s));
        read(&mut reader, first);
        let read = reader.finish();
        assert_eq!(read.snapshot(Span::ZERO).depth.total(), MESSAGES);
        let start = Instant::now();
        flow = census.listed(read, moment(s));
        took = start.elapsed();
    }
    let counts: FlowCounts = flow.expect("a flow").counts;
    assert_eq!((counts.arrived, counts.exits() + counts.otherwise()), (new, new));
    assert!(counts.expired > 0);
    let status = std::fs::read_to_string("/proc/self/status").expect("the kernel's word");
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).expect("a peak");
    println!("{} {}", took.as_micros(), peak.trim().trim_end_matches(" kB"));
}

fn main() -> ExitCode {
    let part = std::env::args().find_map(|a| a.strip_prefix("--new=").and_then(|n| n.parse().ok()));
    if let Some(new) = part {
        both(new);
        return ExitCode::SUCCESS;
    }
    let mut all_held = true;
    for (what, new) in PARTS {
        // A process of its own, whose peak is that of this part alone.
        let out = Command::new(std::env::current_exe().expect("this program"))
            .arg(format!("--new={new}"))
            .output()
            .expect("a part");
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        let mut figures = text.split_whitespace().map(|n| n.parse::<u64>().expect("a figure"));
        let (took, peak_kb) = (
            Duration::from_micros(figures.next().expect("a time")),
            figures.next().expect("a peak"),
        );
        let is_held = took < MOST_TIME && peak_kb < MOST_MEMORY_KB;
        all_held &= is_held;
        let held = if is_held { "held" } else { "NOT HELD" };
        println!(
            "{what}: flow in {took:.0?}, peak {} MB: 1 s and 150 MB {held}",
            peak_kb / 1_000
        );
    }
    u8::from(!all_held).into()
}
