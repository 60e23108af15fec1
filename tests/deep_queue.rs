//! A real Postfix with a queue of 100,000 messages, looked at as the load budget has it until two listings are paid for. The
//! waits between looks are not slept but added; the looks themselves, and what they take, are real. Needs root and Debian's
//! `postfix`; elsewhere it says what it left out.
#![allow(clippy::expect_used)] // A failure here ends the run, with its words.

#[path = "lab/postfix.rs"]
mod lab;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use lab::{Postfix, missing};
use mailtop::domain::flow::FlowCounts;
use mailtop::domain::queue::{How, LogSource, QueueKind, QueueSource, Sudo};
use mailtop::domain::{Span, Timestamp};
use mailtop::queue::{self, Census, Look, Pace};
use mailtop::reach::Runner;

const MESSAGES: u64 = 100_000;
/// The share of one core, in thousandths.
const BUDGET: u32 = 20;
const LISTINGS: u32 = 2;
const TIMEOUT: Span = Span::from_secs(120);

/// Names of one file: fewer than any file system allows.
const LINKS: u64 = 25_000;

/// One deferred message becomes many: its file, and the file in which its reason stands, under other queue IDs. Short IDs, whose
/// first letter is the folder that they are in (`hash_queue_depth` 1). Most are links, so that it takes seconds to make and
/// to remove them. Returns the message files that are copies.
fn multiply(queue: &Path) -> Vec<PathBuf> {
    let one = |dir: &str| -> PathBuf {
        let folders = fs::read_dir(queue.join(dir)).expect("a queue").flatten();
        let mut files = folders.flat_map(|f| fs::read_dir(f.path()).into_iter().flatten().flatten());
        files.next().expect("a message").path()
    };
    let copies = |dir: &str| -> Vec<PathBuf> {
        let first = one(dir);
        let meta = fs::metadata(&first).expect("a file");
        let owned = |path: &Path, mode| {
            fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("permissions");
            chown(path, Some(meta.uid()), Some(meta.gid())).expect("an owner");
        };
        for letter in "0123456789ABCDEF".chars() {
            let folder = queue.join(dir).join(letter.to_string());
            fs::create_dir_all(&folder).expect("a folder");
            owned(&folder, 0o700);
        }
        let mut copies: Vec<PathBuf> = Vec::new();
        for n in 0..MESSAGES - 1 {
            let id = format!("{:X}{n:07X}", n % 16);
            let path = queue.join(dir).join(&id[..1]).join(&id);
            match copies.last() {
                Some(copy) if n % LINKS > 0 => fs::hard_link(copy, path).expect("a link"),
                _ => {
                    fs::copy(&first, &path).expect("a copy");
                    owned(&path, meta.mode() & 0o777);
                    copies.push(path);
                }
            }
        }
        copies
    };
    copies("defer");
    copies("deferred")
}

/// showq(8) warns of each file that has had more than one name for a minute. So they all changed just now.
fn changed_now(files: &[PathBuf]) {
    for file in files {
        let permissions = fs::metadata(file).expect("a message").permissions();
        fs::set_permissions(file, permissions).expect("permissions");
    }
}

#[tokio::test]
async fn a_queue_of_100_000_messages_is_looked_at_within_the_load_budget_and_its_depth_is_right_at_every_look() {
    if let Some(why) = missing() {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "nothing may be left out with CI=true: {why}"
        );
        eprintln!("left out: {why}");
        return;
    }
    let postfix = Postfix::start();
    // The queue manager looks at deferred mail when it starts and then no more: nothing moves.
    let set = [
        "queue_run_delay=100d",
        "minimal_backoff_time=100d",
        "maximal_backoff_time=100d",
    ];
    for argv in [&["postconf", "-e", set[0], set[1], set[2]][..], &["postfix", "reload"]] {
        let done = postfix.command(argv[0]).args(&argv[1..]).status();
        assert!(done.expect("a command").success(), "{argv:?}");
    }
    postfix.fill(1, "a@x.test", "u1@far.test");
    postfix.settled(1);
    let files = multiply(&postfix.conf().with_file_name("queue"));

    let src = QueueSource {
        name: "deep".into(),
        kind: QueueKind::Postfix,
        config_dir: Some(postfix.conf().display().to_string()),
        list: None,
        count: None,
        sudo: Sudo::No,
        log: LogSource::Auto,
        lifetime: None,
        budget_permille: BUDGET,
    };
    let mut pace = Pace::new(Span::from_secs(10), BUDGET);
    let start = Timestamp::now();
    let (mut now, mut census) = (start, Census::default());
    let (mut busy, mut cpu, mut listings, mut counts) = (Span::ZERO, Span::ZERO, 0, 0);
    let mut longest_blind = Span::ZERO;
    loop {
        let how = match pace.next(now) {
            Look::Wait(span) => {
                longest_blind = longest_blind.max(span);
                now = span.after(now);
                continue;
            }
            // What the last listing took has been paid for by now.
            Look::List if listings == LISTINGS => break,
            Look::List => How::Listed,
            Look::Count => How::Counted,
        };
        let snapshot = match how {
            How::Listed => {
                changed_now(&files);
                let listed = queue::list(&src, &Runner::Local, Some(&mut census), now, TIMEOUT)
                    .await
                    .expect("a listing");
                assert_eq!(listed.flow.is_some(), listings > 0);
                assert!(
                    listed.flow.is_none_or(|f| f.counts == FlowCounts::default()),
                    "nothing moves"
                );
                let detail = listed.snapshot.listing.as_ref().expect("detail");
                assert_eq!(detail.reasons[0].messages, MESSAGES);
                listings += 1;
                listed.snapshot
            }
            How::Counted => {
                let counted = queue::count(&src, &Runner::Local, TIMEOUT).await.expect("a count");
                cpu = cpu + counted.cpu.expect("the shell tells its times");
                counts += 1;
                counted
            }
        };
        assert_eq!(
            (snapshot.depth.deferred, snapshot.depth.total(), snapshot.partial),
            (MESSAGES, MESSAGES, None),
            "{how:?}"
        );
        busy = busy + snapshot.took;
        now = snapshot.took.after(now);
        pace.ran(how, snapshot.took, now);
    }
    assert!(!postfix.log().contains(" links"), "showq lists them without a word");
    let covered = Span::between(start, now);
    let permille = 1_000.0 * busy.secs_f64() / covered.secs_f64();
    println!(
        "{listings} listings and {counts} counts took {busy} of {covered}: {permille:.1} thousandths of a core; the counts \
         say {cpu} of processor time; at most {longest_blind} without a look"
    );
    assert!(permille <= f64::from(BUDGET), "{permille:.2} thousandths");
    assert!(
        permille >= f64::from(BUDGET) / 4.0,
        "the budget is there to be used: {permille:.2}"
    );
    assert!(
        counts > listings,
        "counts fill in between the listings: {counts} and {listings}"
    );
}
