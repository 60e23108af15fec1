//! What the mail log tells of a queue's flow, from real logs: files that are rotated and cut, a real Postfix, a real
//! journal over ssh. Postfix and hosts need root; elsewhere it says what it left out.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod lab;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use lab::host::boot_or_leave_out;
use lab::postfix::{Postfix, free_port, missing};
use mailtop::domain::argv::Argv;
use mailtop::domain::flow::{FlowCounts, FlowSeen, FlowSource};
use mailtop::domain::queue::{LogSource, QueueKind, QueueSource, Sudo};
use mailtop::domain::reading::{Miss, Missed};
use mailtop::domain::{Span, Timestamp};
use mailtop::queue::LogFollower;
use mailtop::reach::{Runner, SshTarget};

const TIMEOUT: Span = Span::from_secs(60);

fn source(log: LogSource) -> QueueSource {
    QueueSource {
        name: "lab".into(),
        kind: QueueKind::Postfix,
        config_dir: None,
        list: None,
        count: None,
        sudo: Sudo::No,
        log,
        lifetime: None,
        budget_permille: 20,
    }
}

/// A follower with where it runs and what it counted so far.
struct Follow {
    follower: LogFollower,
    runner: Runner,
    sum: FlowCounts,
    partial: Vec<String>,
    last: Option<Timestamp>,
}

impl Follow {
    fn new(src: &QueueSource, runner: Runner) -> Self {
        Self {
            follower: LogFollower::new(src),
            runner,
            sum: FlowCounts::default(),
            partial: Vec::new(),
            last: None,
        }
    }
    async fn try_read(&mut self) -> Result<FlowSeen, Missed> {
        let now = Timestamp::now();
        let seen = self
            .follower
            .read(&self.runner, now, TIMEOUT)
            .await?
            .expect("it is not off");
        assert_eq!(seen.source, FlowSource::Log);
        // Intervals follow each other without a gap; the first one is empty.
        assert_eq!(seen.from, self.last.unwrap_or(now));
        self.last = Some(now);
        self.sum += seen.counts;
        self.partial.extend(seen.partial.as_ref().map(ToString::to_string));
        Ok(seen)
    }
    async fn read(&mut self) -> FlowSeen {
        self.try_read().await.unwrap()
    }
    /// What was counted since the last time that this was asked, read to the end of the log.
    async fn counted(&mut self) -> FlowCounts {
        while self.read().await.behind > 0 {}
        std::mem::take(&mut self.sum)
    }
}

fn append(file: &Path, text: &str) {
    let mut f = OpenOptions::new().create(true).append(true).open(file).unwrap();
    f.write_all(text.as_bytes()).unwrap();
}

/// A line that counts each time that it is read.
fn deletion(n: u32) -> String {
    format!("Nov 23 14:00:07 mx1 postfix/postsuper[1]: {n:010X}: removed\n")
}

fn removed(n: u64) -> FlowCounts {
    FlowCounts {
        removed: n,
        ..FlowCounts::default()
    }
}

#[tokio::test]
async fn a_file_is_read_on_across_rotation_and_what_is_lost_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("mail log");
    let old = dir.path().join("mail log.1");
    append(&log, &deletion(1));
    let mut f = Follow::new(&source(LogSource::File(log.display().to_string())), Runner::Local);
    assert_eq!(f.counted().await, removed(0), "the first reading sets the start");
    append(&log, &deletion(2));
    // A line that is not whole yet waits.
    append(&log, &deletion(3)[..30]);
    assert_eq!(f.counted().await, removed(1));
    append(&log, &deletion(3)[30..]);

    // Moved aside, still written to, and no new file yet; then one, while the writer still has the old one open.
    fs::rename(&log, &old).unwrap();
    append(&old, &deletion(4));
    assert_eq!(f.counted().await, removed(2));
    append(&log, &deletion(5));
    append(&old, &deletion(6));
    assert_eq!(f.counted().await, removed(2));
    assert_eq!(f.partial, [""; 0]);

    // Cut in place, after a copy was made of it.
    append(&log, &deletion(7));
    fs::File::create(&log).unwrap();
    append(&log, &deletion(8));
    let now = Timestamp::now().strftime("%b %e %H:%M:%S").to_string();
    append(&log, &deletion(9).replace("Nov 23 14:00:07", &now));
    // Line 8 is older than the last reading: it could have been counted before.
    assert_eq!(f.counted().await, removed(1));
    assert_eq!(f.partial.len(), 1);
    assert!(f.partial[0].contains("cut or replaced in place"), "{:?}", f.partial);

    // Rotated twice between two readings.
    append(&log, &deletion(10));
    fs::rename(&log, dir.path().join("mail log.2")).unwrap();
    append(&old, "");
    fs::remove_file(&old).unwrap();
    append(&old, &deletion(11));
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(5);
    OpenOptions::new()
        .append(true)
        .open(&old)
        .unwrap()
        .set_modified(later)
        .unwrap();
    append(&log, &deletion(12));
    assert_eq!(f.counted().await, removed(2));
    assert_eq!(f.partial.len(), 2);
    assert!(f.partial[1].contains("more than once"), "{:?}", f.partial);

    // Compressed before it was read.
    fs::remove_file(&log).unwrap();
    append(&dir.path().join("other"), "");
    append(&log, &deletion(13).replace("Nov 23 14:00:07", &now));
    f.counted().await;
    assert_eq!(f.partial.len(), 3, "{:?}", f.partial);

    fs::remove_dir_all(dir.path()).unwrap();
    assert_eq!(f.try_read().await.unwrap_err().kind, Miss::NotFound);
}

#[tokio::test]
async fn a_long_log_is_read_in_bounded_answers_and_the_processor_time_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    append(&log, &deletion(0));
    let mut f = Follow::new(&source(LogSource::File(log.display().to_string())), Runner::Local);
    f.read().await;
    append(&log, &(1..200_000).map(deletion).collect::<String>());
    let first = f.read().await;
    assert!(first.behind > 0 && first.counts.removed > 10_000);
    assert_eq!((f.counted().await.removed, f.partial.len()), (199_999, 0));
    assert!(first.took > Span::ZERO && first.cpu.is_none_or(|c| c > Span::ZERO));
}

#[tokio::test]
async fn an_observer_s_clock_that_steps_back_makes_an_empty_interval_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    append(&log, &deletion(0));
    let mut f = LogFollower::new(&source(LogSource::File(log.display().to_string())));
    let now = Timestamp::now();
    f.read(&Runner::Local, now, TIMEOUT).await.unwrap();
    append(&log, &deletion(1));
    let back = Span::from_hours(-3).after(now);
    let seen = f.read(&Runner::Local, back, TIMEOUT).await.unwrap().unwrap();
    assert_eq!((seen.from, seen.counts.removed), (back, 1));
    let seen = f.read(&Runner::Local, now, TIMEOUT).await.unwrap().unwrap();
    assert_eq!((seen.from, seen.counts.removed), (back, 0));
}

#[tokio::test]
async fn lines_from_the_future_and_out_of_order_count_and_show_in_the_age() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    append(&log, &deletion(0));
    let mut f = Follow::new(&source(LogSource::File(log.display().to_string())), Runner::Local);
    f.read().await;
    let at = |hours: i64| {
        Span::from_hours(hours)
            .after(Timestamp::now())
            .strftime("%Y-%m-%dT%H:%M:%S+00:00")
            .to_string()
    };
    for (n, hours) in [(1, 2), (2, -5), (3, 3)] {
        append(&log, &deletion(n).replace("Nov 23 14:00:07", &at(hours)));
    }
    let seen = f.read().await;
    assert_eq!(seen.counts, removed(3));
    let age = seen.log_age.unwrap();
    assert!(age < Span::from_mins(-179) && age > Span::from_mins(-181), "{age}");
    assert_eq!(seen.partial, None);
}

#[tokio::test]
async fn a_command_is_given_the_cursor_that_it_told_last() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    append(&log, &deletion(0));
    let script = r#"n=${1:-0}; tail -n +$((n + 1)) "$0"; echo "-- cursor: $(wc -l <"$0")""#;
    let argv = Argv::new("sh", ["-c", script, &log.display().to_string()]);
    let mut f = Follow::new(&source(LogSource::Command(argv)), Runner::Local);
    f.read().await;
    append(&log, &(deletion(1) + &deletion(2)));
    assert_eq!((f.counted().await, f.counted().await), (removed(2), removed(0)));
    // It fails, and says no cursor: nothing moves.
    for (script, kind) in [("echo x; exit 3", Miss::BadAnswer), ("echo x", Miss::BadAnswer)] {
        let mut f = Follow::new(
            &source(LogSource::Command(Argv::new("sh", ["-c", script]))),
            Runner::Local,
        );
        assert_eq!(f.try_read().await.unwrap_err().kind, kind);
    }
    let mut off = LogFollower::new(&source(LogSource::Off));
    assert_eq!(off.read(&Runner::Local, Timestamp::now(), TIMEOUT).await, Ok(None));
}

/// The lab, or the word that it was left out: which is a failure where everything must run.
fn lab(settings: &str) -> Option<Postfix> {
    let Some(why) = missing() else {
        return Some(Postfix::start_with(settings));
    };
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "nothing may be left out with CI=true: {why}"
    );
    eprintln!("left out: {why}");
    None
}

/// What is sent to `ok.test` is delivered, to `no.test` refused, to `gone.test` discarded, elsewhere deferred.
const ROUTES: &str = "transport_maps = inline:{ ok.test=sink:, no.test=error:5.1.1_no, gone.test=discard: }\nbounce_notice_recipient = nobody@gone.test\n";

fn follow(postfix: &Postfix) -> Follow {
    let src = QueueSource {
        config_dir: Some(postfix.conf().display().to_string()),
        ..source(LogSource::Auto)
    };
    Follow::new(&src, Runner::Local)
}

fn send(postfix: &Postfix, to: &[&str]) {
    let to: Vec<_> = to.iter().map(std::ffi::OsStr::new).collect();
    postfix.submit("a@ok.test".as_ref(), &to);
}

/// Messages in its queue, and the names of those that are deferred.
fn queue(postfix: &Postfix) -> (usize, Vec<String>) {
    let text = String::from_utf8_lossy(&postfix.listing().stdout).into_owned();
    let all: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let deferred = all.iter().filter(|m| m["queue_name"] == "deferred");
    let ids = deferred.map(|m| m["queue_id"].as_str().unwrap().to_owned()).collect();
    (all.len(), ids)
}

fn settle(postfix: &Postfix, depth: usize) {
    postfix.wait_for(&format!("{depth} messages to be at rest"), || {
        let text = String::from_utf8_lossy(&postfix.listing().stdout).into_owned();
        let moves = ["maildrop", "incoming", "active"]
            .iter()
            .any(|q| text.contains(&format!("\"queue_name\": \"{q}\"")));
        text.lines().count() == depth && !moves
    });
}

fn super_(postfix: &Postfix, args: &[&str]) {
    assert!(postfix.command("postsuper").args(args).status().unwrap().success());
}

#[tokio::test]
async fn the_log_of_a_real_postfix_is_counted_as_what_really_happened() {
    let Some(postfix) = lab(ROUTES) else { return };
    postfix.add_services("sink unix - n n - - pipe user=nobody argv=/bin/true\n");
    let mut f = follow(&postfix);
    let first = f.read().await;
    assert_eq!((first.counts, first.partial), (FlowCounts::default(), None));

    // Delivered, one with two recipients; refused, whose notices are delivered; discarded; deferred.
    send(&postfix, &["u@ok.test", "v@ok.test"]);
    (0..4).for_each(|_| send(&postfix, &["u@ok.test"]));
    (0..3).for_each(|_| send(&postfix, &["u@no.test", "u@ok.test"]));
    (0..2).for_each(|_| send(&postfix, &["u@gone.test"]));
    postfix.fill(20, "a@ok.test", "u@far.test");
    settle(&postfix, 20);
    let c = f.counted().await;
    let expected = FlowCounts {
        arrived: 5 + 3 + 3 + 2 + 20,
        delivered: 5 + 3,
        bounced: 3,
        discarded: 2,
        recipients: 6 + 3 + 3,
        ..FlowCounts::default()
    };
    assert_eq!(c, expected);
    assert_eq!(c.net(), 20);

    // What an operator does.
    let (_, ids) = queue(&postfix);
    for id in &ids[..5] {
        super_(&postfix, &["-h", id]);
    }
    super_(&postfix, &["-H", &ids[0]]);
    for id in &ids[3..9] {
        super_(&postfix, &["-d", id]);
    }
    for id in &ids[10..13] {
        super_(&postfix, &["-r", id]);
    }
    // Requeued mail waits for the next look into maildrop, which comes with the next local mail.
    send(&postfix, &["u@gone.test"]);
    postfix.wait_for("the requeued mail to come back", || {
        postfix.log().matches(" orig_id=").count() == 3
    });
    settle(&postfix, 14);
    let expected = FlowCounts {
        arrived: 1,
        discarded: 1,
        held: 5,
        released: 1,
        removed: 6,
        requeued: 3,
        ..FlowCounts::default()
    };
    let c = f.counted().await;
    assert_eq!(c, expected);
    assert_eq!(
        (c.exits(), c.net()),
        (1, -6),
        "a queue that shrinks because mail is deleted does not drain"
    );

    // Two are expired by hand; then all that is not held, by age. Their notices are delivered.
    super_(&postfix, &["-e", &ids[13]]);
    super_(&postfix, &["-e", &ids[14]]);
    postfix.set(&["maximal_queue_lifetime=1s"]);
    postfix.wait_for("mail to be old enough", || {
        let _ = postfix.command("postqueue").arg("-f").status();
        queue(&postfix).0 == 2
    });
    settle(&postfix, 2);
    let c = f.counted().await;
    let expected = FlowCounts {
        arrived: 12,
        expired: 12,
        delivered: 12,
        recipients: 12,
        ..FlowCounts::default()
    };
    assert_eq!(c, expected);
    assert_eq!(f.partial, [""; 0]);
    let last = f.read().await;
    let age = last.log_age.unwrap();
    assert!(age >= Span::ZERO && age < Span::from_mins(2), "{age}");
}

#[tokio::test]
async fn mail_that_a_filter_hands_back_is_passed_on_and_refused_mail_never_came() {
    let Some(postfix) = lab(&format!(
        "{ROUTES}message_size_limit = 5000\nheader_checks = regexp:{{ {{/^Subject: reject/ REJECT}}, {{/^Subject: hold/ HOLD}} }}\n"
    )) else {
        return;
    };
    let (port, back) = (free_port(), free_port());
    postfix.add_services(&format!(
        "sink unix - n n - - pipe user=nobody argv=/bin/true\n\
         127.0.0.1:{port} inet n - n - - smtpd -o content_filter=smtp:[127.0.0.1]:{back}\n\
         127.0.0.1:{back} inet n - n - - smtpd -o content_filter= -o myhostname=back.test\n"
    ));
    postfix.wait_for("the other ports to listen", || {
        [port, back]
            .iter()
            .all(|p| std::net::TcpStream::connect(("127.0.0.1", *p)).is_ok())
    });
    let mut f = follow(&postfix);
    f.read().await;
    for _ in 0..4 {
        dialogue(port, "Subject: x\r\n\r\nhello\r\n.\r\n");
    }
    postfix.wait_for("all mail to be gone", || {
        postfix.log().matches(": removed").count() == 8
    });
    let c = f.counted().await;
    let expected = FlowCounts {
        arrived: 8,
        passed_on: 4,
        delivered: 4,
        recipients: 4,
        ..FlowCounts::default()
    };
    assert_eq!(c, expected);

    // Refused by its header after a Message-ID, too large, and a client that goes away in the middle of its message.
    dialogue(
        postfix.port,
        "Message-ID: <1@x>\r\nSubject: reject\r\n\r\nhello\r\n.\r\n",
    );
    dialogue(
        postfix.port,
        &format!("Message-ID: <2@x>\r\n\r\n{}.\r\n", "0123456789\r\n".repeat(1_000)),
    );
    dialogue(postfix.port, "Message-ID: <3@x>\r\n\r\nhello\r\n");
    dialogue(postfix.port, "Subject: hold\r\n\r\nhello\r\n.\r\n");
    postfix.wait_for("the four to be told", || {
        let log = postfix.log();
        [
            "reject: header",
            "size limit exceeded",
            "lost connection after DATA",
            "<3@x>",
            "hold: header",
        ]
        .iter()
        .all(|w| log.contains(w))
    });
    settle(&postfix, 1);
    let expected = FlowCounts {
        arrived: 1,
        held: 1,
        ..FlowCounts::default()
    };
    assert_eq!((f.counted().await, f.partial.len()), (expected, 0), "{}", postfix.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readings_while_a_thousand_messages_pass_miss_none_and_count_none_twice() {
    let Some(postfix) = lab(ROUTES) else { return };
    let mut f = follow(&postfix);
    f.read().await;
    let done = std::sync::atomic::AtomicBool::new(false);
    let readings = std::thread::scope(|scope| {
        let mail = scope.spawn(|| {
            postfix.fill(1_000, "a@ok.test", "u@gone.test");
            postfix.wait_for("all of it to be gone", || {
                postfix.log().matches(": removed").count() == 1_000
            });
            done.store(true, std::sync::atomic::Ordering::SeqCst);
        });
        let readings = tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                let mut readings = 0;
                while !done.load(std::sync::atomic::Ordering::SeqCst) {
                    let counts = f.read().await.counts;
                    readings += u32::from(counts != FlowCounts::default());
                }
                readings
            })
        });
        mail.join().unwrap();
        readings
    });
    assert!(readings > 1, "it was over too soon to be read in parts");
    let expected = FlowCounts {
        arrived: 1_000,
        discarded: 1_000,
        ..FlowCounts::default()
    };
    assert_eq!((f.counted().await, f.partial.len()), (expected, 0));
}

/// Hands in one message by SMTP; without a dot at its end the connection is cut in the middle of it.
fn dialogue(port: u16, content: &str) {
    use std::io::{BufRead, BufReader};
    let mut to = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    let mut from = BufReader::new(to.try_clone().unwrap());
    let mut answer = || from.read_line(&mut String::new()).unwrap();
    answer();
    for said in ["HELO x", "MAIL FROM:<a@ok.test>", "RCPT TO:<u@ok.test>", "DATA"] {
        to.write_all(format!("{said}\r\n").as_bytes()).unwrap();
        answer();
    }
    to.write_all(content.as_bytes()).unwrap();
    if content.ends_with("\r\n.\r\n") {
        answer();
    }
}

#[tokio::test]
async fn a_real_log_that_is_rotated_or_cut_while_mail_goes_on_and_a_second_instance_in_it() {
    let Some(postfix) = lab(ROUTES) else { return };
    postfix.add_services("sink unix - n n - - pipe user=nobody argv=/bin/true\n");
    let other = Postfix::start_with(&format!(
        "syslog_name = postfix-two\nmaillog_file = {}\nmaillog_file_prefixes = {}\n",
        postfix.log_file().display(),
        postfix.dir().display()
    ));
    let mut f = follow(&postfix);
    f.read().await;
    send(&postfix, &["u@ok.test"]);
    other.fill(7, "a@ok.test", "u@far.test");
    postfix.wait_for("its mail to be gone", || {
        postfix.log().matches(" postfix/qmgr").count() > 0 && queue(&postfix).0 == 0
    });
    other.settled(7);
    let one = |n: u64| FlowCounts {
        arrived: n,
        delivered: n,
        recipients: n,
        ..FlowCounts::default()
    };
    let gone = |file: &Path| {
        fs::read_to_string(file)
            .unwrap_or_default()
            .matches(" postfix/qmgr[")
            .count()
    };
    postfix.wait_for("its removal to be logged", || postfix.log().contains(": removed"));
    assert_eq!(
        f.counted().await,
        one(1),
        "the seven of the other instance are not its own"
    );

    // Moved aside: both go on writing to the old file until they are told.
    let old = postfix.dir().join("log.20261123");
    fs::rename(postfix.log_file(), &old).unwrap();
    send(&postfix, &["u@ok.test"]);
    postfix.wait_for("the second removal in the old file", || {
        fs::read_to_string(&old).unwrap().matches(": removed").count() == 2
    });
    assert!(gone(&old) > 0);
    postfix.add_services("");
    send(&postfix, &["u@ok.test"]);
    postfix.wait_for("the new file", || postfix.log().contains(": removed"));
    assert_eq!((f.counted().await, f.partial.len()), (one(2), 0));

    // Cut in place: what came after it counts, and that something may be lost is said.
    fs::copy(postfix.log_file(), postfix.dir().join("log.1")).unwrap();
    OpenOptions::new()
        .write(true)
        .truncate(true)
        .open(postfix.log_file())
        .unwrap();
    send(&postfix, &["u@ok.test"]);
    postfix.wait_for("mail in the cut file", || postfix.log().contains(": removed"));
    assert_eq!((f.counted().await, f.partial.len()), (one(1), 1));
}

#[tokio::test]
async fn the_journal_of_a_real_host_is_read_on_over_ssh_and_a_cut_line_loses_nothing() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    // Lines of Postfix made by logger, which is how they get into the journal: its own programs write to the same socket.
    let log = |lines: &[String]| {
        for l in lines {
            host.sh(&format!(
                "logger --id=7 -p mail.info -t {}",
                mailtop::domain::argv::quote(l).replacen(": ", "' '", 1)
            ));
        }
        host.sh("journalctl --sync");
    };
    let come = |n: u32| format!("postfix/postsuper: {n:010X}: removed");
    log(&[come(0)]);
    let mut f = Follow::new(&source(LogSource::Auto), host.runner());
    f.read().await;
    log(&[
        come(1),
        come(2),
        "postfix/qmgr: 0000000001: removed".into(),
        "postfix-out/postsuper: 0000000003: removed".into(),
    ]);
    let c = f.counted().await;
    assert_eq!((c.removed, c.unexplained), (2, 1));
    assert_eq!(f.counted().await, FlowCounts::default());

    // journald's own rate limit leaves lines out, and says how many with the first line that it takes again.
    let lines = |from: u32, to: u32| {
        let all = (from..to)
            .map(|n| format!("{n:010X}: removed"))
            .collect::<Vec<_>>()
            .join("\\n");
        format!("printf '{all}\\n' | logger --id=7 -p mail.info -t postfix/postsuper")
    };
    host.sh(&format!(
        "systemd-run -q --wait --collect -u postfix-burst -p LogRateLimitIntervalSec=1s -p LogRateLimitBurst=5 sh -c {}",
        mailtop::domain::argv::quote(&format!("{}; sleep 1.2; {}", lines(200, 230), lines(230, 231)))
    ));
    host.sh("journalctl --sync");
    let c = f.counted().await;
    let told = f.partial.drain(..).collect::<String>();
    let left_out = told
        .strip_prefix("the log's own rate limit left out ")
        .map(str::to_owned);
    let left_out: u64 = left_out.and_then(|t| t.split(' ').next()?.parse().ok()).unwrap_or(0);
    assert!(left_out > 0 && c.removed + left_out == 31, "{c:?} {told}");

    // The line is cut while mail goes on.
    host.cut();
    log(&[come(4), come(5)]);
    let now = Timestamp::now();
    let missed = f.follower.read(&f.runner, now, Span::from_secs(3)).await.unwrap_err();
    assert!(matches!(missed.kind, Miss::Unreachable | Miss::TimedOut), "{missed}");
    host.heal();
    log(&[come(6)]);
    let mut tries = 0;
    while let Err(missed) = f.try_read().await {
        tries += 1;
        assert!(tries < 20, "{missed}");
    }
    assert_eq!((std::mem::take(&mut f.sum), f.partial.len()), (removed(3), 0));

    // More than fits into one answer is gone on with, and nothing is counted twice.
    f.follower = f.follower.bounded(1_000);
    log(&(100..140).map(come).collect::<Vec<_>>());
    assert_eq!(f.read().await.behind, 1);
    assert_eq!((f.counted().await, f.partial.len()), (removed(40), 0));

    // The part of the journal in which the last reading ended is thrown away.
    log(&[come(7)]);
    host.sh("journalctl --rotate -q; journalctl --vacuum-time=1us -q; rm -f /var/log/journal/*/*@* /run/log/journal/*/*@*; systemctl restart systemd-journald");
    log(&[come(8)]);
    let c = f.counted().await;
    assert_eq!((c, f.partial.len()), (removed(1), 1), "{:?}", f.partial);

    // A login that may not read the journal is told so, and never sees a quiet log.
    let config = host.dir().join("as-ops");
    let text = fs::read_to_string(host.ssh_config())
        .unwrap()
        .replace("User root", "User ops");
    fs::write(&config, text).unwrap();
    let ops = SshTarget {
        config_file: Some(config),
        control_dir: host.dir().join("o"),
        ..host.target()
    };
    let missed = Follow::new(&source(LogSource::Journal), Runner::ssh(ops))
        .try_read()
        .await
        .unwrap_err();
    assert_eq!(missed.kind, Miss::Denied, "{missed}");
}
