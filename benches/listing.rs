//! A listing of 1,000,000 messages: how fast it is read, beside what else reads it on the same machine in the same run,
//! and what `mailtop queue -` takes of time and memory as a whole program.
//!
//! ```sh
//! cargo bench --bench listing        # peers: Debian packages jq and python3, left out when absent
//! ```
//!
//! Seen on 2 shared virtual cores (AMD EPYC): the usual queue in 1.06 to 1.31 s, the hostile one in 1.6 to 2.2 s, and as a
//! whole program 1.2 to 1.7 s and 61 MB, 1.7 to 2.6 s and 77 MB. A page of single messages takes twice as long as a listing.
#![allow(clippy::expect_used)] // A failure here ends the run, with its words.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use mailtop::domain::message::{Pick, PickBy};
use mailtop::domain::{Span, Timestamp};
use mailtop::queue::ListingReader;
use mailtop::queue::find::Finder;
use tempfile::TempDir;

const MESSAGES: u64 = 1_000_000;
const NOW: i64 = 1_795_442_407;

/// What is promised of the whole program.
const MOST_TIME: Duration = Duration::from_secs(2);
const MOST_MEMORY_KB: u64 = 100_000;

static DIR: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a temporary directory"));
/// Some hundred destinations and reasons that differ in hosts and addresses, as in most deep queues.
static USUAL: LazyLock<PathBuf> = LazyLock::new(|| generate("usual.json", |h, _| h % 750));
/// Every message with a destination, a sender and a reason of its own: the worst for a tally.
static HOSTILE: LazyLock<PathBuf> = LazyLock::new(|| generate("hostile.json", |_, i| i));

fn generate(name: &str, domain: fn(u64, u64) -> u64) -> PathBuf {
    let path = DIR.path().join(name);
    let mut out = BufWriter::new(File::create(&path).expect("a file"));
    for i in 0..MESSAGES {
        let h = (i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 8;
        let (queue, domain) = (
            ["active", "hold", "deferred", "deferred"][(h % 4) as usize],
            domain(h >> 20, i),
        );
        let (a, b, c) = (h >> 8 & 255, h >> 16 & 255, h >> 24 & 255);
        let reason = match h % 5 {
            0 => format!("connect to mx.dest{domain}.example[192.0.2.{a}]:25: Connection timed out"),
            1 => "delivery temporarily suspended: lost connection with mbox1.example[192.0.2.1] while receiving the initial server greeting".to_owned(),
            _ => format!(
                "host mx{}.dest{domain}.example[10.{a}.{b}.{c}] said: 450 4.7.1 <user{i}@dest{domain}.example>: Recipient address rejected: Greylisted (in reply to RCPT TO command)",
                h % 4
            ),
        };
        writeln!(
            out,
            r#"{{"queue_name": "{queue}", "queue_id": "4jY{:06x}{i:06X}z", "arrival_time": {}, "message_size": {}, "forced_expire": false, "sender": "news{}@x.test", "recipients": [{{"address": "user{i}@dest{domain}.example", "delay_reason": "{reason}"}}]}}"#,
            h & 0xff_ffff,
            NOW - (h % 300_000) as i64,
            400 + h % 50_000,
            domain % 100_000,
        )
        .expect("a line");
    }
    out.into_inner().expect("a file").sync_all().expect("a file");
    path
}

fn read(path: &Path) -> u64 {
    let mut reader = ListingReader::new(Timestamp::from_second(NOW).expect("a moment"));
    let (mut file, mut chunk) = (File::open(path).expect("a file"), vec![0; 256 << 10]);
    loop {
        match file.read(&mut chunk).expect("bytes") {
            0 => break,
            n => reader.push(&chunk[..n]),
        }
    }
    let snapshot = black_box(reader.finish().snapshot(Span::ZERO));
    assert!(snapshot.complete());
    snapshot.depth.total()
}

fn messages() -> divan::counter::ItemsCount {
    divan::counter::ItemsCount::new(MESSAGES)
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn usual_queue(bench: divan::Bencher<'_, '_>) {
    let path = USUAL.as_path();
    bench
        .counter(messages())
        .bench_local(|| assert_eq!(read(path), MESSAGES));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn hostile_queue(bench: divan::Bencher<'_, '_>) {
    let path = HOSTILE.as_path();
    bench
        .counter(messages())
        .bench_local(|| assert_eq!(read(path), MESSAGES));
}

/// The search for single messages, by the dearest of what it can be asked for.
#[divan::bench(sample_count = 3, sample_size = 1)]
fn page_of_a_usual_queue(bench: divan::Bencher<'_, '_>) {
    let path = USUAL.as_path();
    let pick = Pick {
        by: PickBy::Reason("connect to …[…]:25: Connection timed out".into()),
        text: "dest7".to_owned(),
        skip: 0,
    };
    bench.counter(messages()).bench_local(|| {
        let mut finder = Finder::new(pick.clone());
        let (mut file, mut chunk) = (File::open(path).expect("a file"), vec![0; 256 << 10]);
        loop {
            match file.read(&mut chunk).expect("bytes") {
                0 => break,
                n => finder.push(&chunk[..n]),
            }
        }
        let (page, lines) = finder.finish(Timestamp::from_second(NOW).expect("a moment"));
        assert_eq!((lines.messages, lines.skipped()), (MESSAGES, 0));
        black_box(page)
    });
}

/// A peer that reads the same file from its standard input and prints how many messages there are.
fn peer(bench: divan::Bencher<'_, '_>, program: &str, args: &[&str]) {
    let there = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !there.is_ok_and(|s| s.success()) {
        eprintln!("left out: {program} is not installed");
        return;
    }
    let path = USUAL.as_path();
    bench.counter(messages()).bench_local(|| {
        let out = Command::new(program)
            .args(args)
            .stdin(File::open(path).expect("a file"))
            .output()
            .expect("a peer");
        assert_eq!(String::from_utf8_lossy(&out.stdout).trim(), MESSAGES.to_string());
    });
}

/// Parses and counts only.
#[divan::bench(sample_count = 1, sample_size = 1)]
fn peer_jq_count(bench: divan::Bencher<'_, '_>) {
    peer(bench, "jq", &["-n", "reduce inputs as $m (0; . + 1)"]);
}

/// Parses, and counts distinct queue IDs and messages by destination: part of what the tally does.
#[divan::bench(sample_count = 1, sample_size = 1)]
fn peer_python_tally(bench: divan::Bencher<'_, '_>) {
    let script = "import sys, json, collections
ids, to = set(), collections.Counter()
for line in sys.stdin:
    m = json.loads(line)
    ids.add(m['queue_id'])
    to.update({r['address'].rpartition('@')[2].lower() for r in m['recipients']})
print(len(ids))";
    peer(bench, "python3", &["-c", script]);
}

/// `cat LISTING | mailtop queue -`: time and peak memory of the program.
fn whole_program(name: &str, path: &Path) {
    let mut cat = Command::new("cat")
        .arg(path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("cat");
    let start = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_mailtop"))
        .args(["queue", "-", "--format", "json"])
        .stdin(cat.stdout.take().expect("a pipe"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("mailtop");
    let status = format!("/proc/{}/status", child.id());
    let mut peak_kb = 0;
    // The kernel keeps the peak itself; it is gone once the program has ended.
    while child.try_wait().expect("a child").is_none() {
        let now = std::fs::read_to_string(&status).unwrap_or_default();
        let line = now.lines().find_map(|l| l.strip_prefix("VmHWM:"));
        let kb = line.and_then(|l| l.trim().trim_end_matches(" kB").parse().ok());
        peak_kb = peak_kb.max(kb.unwrap_or(0));
        std::thread::sleep(Duration::from_millis(2));
    }
    let took = start.elapsed();
    let _ = cat.wait();
    let mut out = String::new();
    child
        .stdout
        .take()
        .expect("a pipe")
        .read_to_string(&mut out)
        .expect("text");
    if !out.starts_with(&format!("{{\"messages\":{MESSAGES},")) {
        println!("left out: this build of mailtop has no working `queue` command");
        return;
    }
    let held = if took <= MOST_TIME && peak_kb <= MOST_MEMORY_KB {
        "held"
    } else {
        "NOT HELD"
    };
    println!(
        "mailtop queue -, {name}: {took:.2?}, peak {} MB: 2 s and 100 MB {held}",
        peak_kb / 1_000
    );
}

fn main() {
    divan::main();
    whole_program("usual queue", &USUAL);
    whole_program("hostile queue", &HOSTILE);
    // A static is not dropped at the end.
    let _ = std::fs::remove_dir_all(DIR.path());
}
