//! The program in a real terminal: keys, sizes, hang-ups, panics, silence, and what a `kill -9` leaves behind.
#![allow(clippy::unwrap_used)]

mod lab;

use std::fmt::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use lab::term::Term;

/// A home with a config in it.
struct Home(tempfile::TempDir);

impl Home {
    fn new(config: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = Self(dir);
        std::fs::create_dir_all(home.config().parent().unwrap()).unwrap();
        std::fs::write(home.config(), config).unwrap();
        home
    }
    fn path(&self) -> &Path {
        self.0.path()
    }
    fn config(&self) -> PathBuf {
        self.0.path().join(".config/mailtop/config.toml")
    }
    fn journal(&self) -> PathBuf {
        self.0.path().join(".local/share/mailtop/journal.db")
    }
}

/// A listener that nobody accepts on: the kernel completes the connection, and then nothing ever comes.
fn silent() -> (TcpListener, u16) {
    let l = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = l.local_addr().unwrap().port();
    (l, port)
}

/// A port on which nothing listens.
fn closed() -> u16 {
    silent().1
}

fn one_server(name: &str, port: u16) -> String {
    format!("[[server]]\nname = \"{name}\"\n[[server.imap]]\nurl = \"imaps://127.0.0.1:{port}\"\n")
}

fn with_job(interval: &str) -> String {
    format!(
        "[defaults]\ninterval = \"{interval}\"\n[[server]]\nname = \"here\"\nreach = \"local\"\n\
         [[server.job]]\nname = \"compact\"\nkind = \"command\"\nstatus = [\"sh\", \"-c\", \"cat state 2>/dev/null || echo running\"]\n\
         pause = [\"sh\", \"-c\", \"echo paused > state\"]\nresume = [\"sh\", \"-c\", \"echo running > state\"]\n"
    )
}

#[test]
fn keys_move_open_and_close_and_q_leaves_with_status_0() {
    let home = Home::new(&(one_server("alpha", closed()) + &one_server("beta", closed())));
    let mut t = Term::start(&[], home.path(), (80, 24));
    t.wait_for("beta");
    t.wait("both servers down", |s| s.contains("2 down"));
    t.send("?");
    t.wait_for("Help:");
    t.send("\x1b");
    t.wait("the help to close", |s| s.contains("SERVER "));
    t.send("j\r");
    t.wait("the second server's screen", |s| {
        s.contains("beta") && !s.contains("alpha")
    });
    t.send("\x1b");
    t.wait_for("alpha");
    t.send("/bet\r");
    t.wait("the filter to hold", |s| {
        s.contains("beta") && !s.lines().any(|l| l.contains("alpha ✖") || l.contains("alpha  "))
    });
    t.send("\x1b");
    t.wait_for("alpha");
    t.send("q");
    assert_eq!(t.wait_end(), 0);
}

#[test]
fn the_screen_follows_the_window_down_to_a_word_and_back() {
    let home = Home::new(&one_server("alpha", closed()));
    let mut t = Term::start(&[], home.path(), (80, 24));
    t.wait_for("alpha");
    t.resize(40, 10);
    t.wait_for("60");
    t.resize(60, 15);
    t.wait_for("alpha");
    t.resize(120, 40);
    t.wait("the wide screen", |s| {
        s.lines().next().is_some_and(|l| l.chars().count() > 90)
    });
    t.send("q");
    assert_eq!(t.wait_end(), 0);
}

#[test]
fn an_unchanged_screen_sends_no_bytes() {
    // With no age on the screen nothing changes: a minute passes between ticks of the clock. `--slow` and an interval of an
    // hour keep the servers still.
    let home = Home::new(&format!(
        "[defaults]\ninterval = \"1h\"\n{}",
        one_server("alpha", closed())
    ));
    let t = Term::start(&["--slow"], home.path(), (80, 24));
    t.wait_for("1 down");
    // The ages of a slow screen move every five seconds: between two such moments there is silence.
    let mut quiet = 0;
    let mut last = t.bytes();
    let until = Instant::now() + lab::term::PATIENCE;
    while quiet < 3 {
        assert!(Instant::now() < until, "it never was silent for three seconds");
        std::thread::sleep(Duration::from_secs(1));
        let now = t.bytes();
        quiet = if now == last { quiet + 1 } else { 0 };
        last = now;
    }
}

#[test]
fn a_signal_gives_the_terminal_back_and_ends_in_good_order() {
    let home = Home::new(&one_server("alpha", closed()));
    let mut t = Term::start(&[], home.path(), (80, 24));
    t.wait_for("1 down");
    assert!(
        Command::new("kill")
            .arg(t.pid().to_string())
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(t.wait_end(), 0);
    assert!(
        ends_with_terminal_back(&t.raw()),
        "the alternate screen was left and the cursor shown"
    );
}

#[test]
fn a_closed_terminal_ends_the_program() {
    let home = Home::new(&one_server("alpha", closed()));
    let mut t = Term::start(&[], home.path(), (80, 24));
    t.wait_for("1 down");
    t.hang_up();
    t.wait_end();
    let facts = facts(&home.journal());
    assert!(
        facts.iter().any(|f| f == "observer-stopped"),
        "the journal was flushed and closed: {facts:?}"
    );
}

#[test]
fn sighup_reloads_a_good_config_and_keeps_the_old_one_when_the_new_is_bad() {
    let home = Home::new(&one_server("alpha", closed()));
    let mut t = Term::start(&[], home.path(), (100, 24));
    t.wait_for("alpha");
    std::fs::write(
        home.config(),
        one_server("alpha", closed()) + &one_server("gamma", closed()),
    )
    .unwrap();
    let hup = |t: &Term| {
        assert!(
            Command::new("kill")
                .args(["-HUP", &t.pid().to_string()])
                .status()
                .unwrap()
                .success()
        );
    };
    hup(&t);
    t.wait_for("gamma");
    std::fs::write(home.config(), "[[server]]\nnam = \"x\"\n").unwrap();
    hup(&t);
    t.wait("the old config to stay, and a word on it", |s| {
        s.contains("gamma") && s.contains("bad")
    });
    t.send("q");
    assert_eq!(t.wait_end(), 0);
}

#[test]
fn every_action_that_the_screen_confirmed_is_in_the_journal_after_kill_9() {
    let home = Home::new(&with_job("1s"));
    let mut t = Term::start(&[], home.path(), (80, 24));
    t.wait_for("running");
    t.send("p");
    t.wait_for("Enter pause for 30m");
    t.send("drain first\r");
    t.wait_for("confirmed");
    t.kill();
    let facts = facts(&home.journal());
    for wanted in ["action-planned", "action-ran", "action-read-back"] {
        assert!(facts.iter().any(|f| f == wanted), "{wanted} is missing in {facts:?}");
    }
    // And the next console shows the pause that the last one made.
    let t = Term::start(&[], home.path(), (80, 24));
    t.wait("the pause and who made it", |s| {
        s.contains("paused") && s.contains("confirmed")
    });
}

#[test]
fn a_pause_on_this_host_ends_by_itself_although_who_began_it_was_killed_with_kill_9() {
    // A name of its own: what is armed on this host is armed for all who look after the same job.
    let home = Home::new(&with_job("1s").replace("compact", "killed"));
    let state = || std::fs::read_to_string(home.path().join("state")).unwrap_or_default();
    let until = |what: &str| {
        let end = Instant::now() + lab::term::PATIENCE;
        while state() != what {
            assert!(Instant::now() < end, "never {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    };
    let args = [
        "pause",
        "here",
        "killed",
        "--for",
        "5s",
        "--yes",
        "--reason",
        "drain first",
    ];
    let mut t = Term::start(&args, home.path(), (80, 24));
    until("paused\n");
    t.kill();
    until("running\n");
}

#[test]
fn a_read_only_console_has_no_pause() {
    let home = Home::new(&with_job("1s"));
    let mut t = Term::start(&["--read-only"], home.path(), (80, 24));
    t.wait_for("running");
    t.send("p");
    t.wait_for("read-only");
    assert!(!home.path().join("state").exists());
}

#[test]
fn keys_paint_within_16_ms_while_a_hundred_servers_of_two_hundred_hang() {
    let mut config = String::from("[defaults]\ninterval = \"2s\"\ntimeout = \"2s\"\n");
    let mut kept = Vec::new();
    for n in 0..200 {
        let port = if n % 2 == 0 {
            let (l, port) = silent();
            kept.push(l);
            port
        } else {
            closed()
        };
        let _ = write!(config, "{}", one_server(&format!("s{n:03}"), port));
    }
    let home = Home::new(&config);
    let mut t = Term::start(&[], home.path(), (80, 24));
    t.wait("all two hundred to be judged", |s| s.contains("200 down"));
    let mut took: Vec<Duration> = (0..60)
        .map(|n| {
            let started = Instant::now();
            t.send("?");
            t.wait("the key to paint", |s| s.contains("Help:") == (n % 2 == 0));
            started.elapsed()
        })
        .collect();
    took.sort_unstable();
    let median = took[took.len() / 2];
    let status = std::fs::read_to_string(format!("/proc/{}/status", t.pid())).unwrap();
    let field = |name: &str| -> u64 {
        let line = status.lines().find(|l| l.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let sockets = std::fs::read_dir(format!("/proc/{}/fd", t.pid())).unwrap().count();
    println!(
        "median {median:?}, worst {:?}, rss {} kB, {} threads, {sockets} descriptors",
        took[took.len() - 1],
        field("VmRSS:"),
        field("Threads:")
    );
    assert!(median <= Duration::from_millis(16), "median {median:?}");
    assert!(field("VmRSS:") < 100_000, "resident memory");
    assert!(
        sockets < 200,
        "descriptors: each endpoint has at most one, and only half of them hang"
    );
    t.send("q");
    assert_eq!(t.wait_end(), 0);
    drop(kept);
}

#[test]
fn a_panic_gives_the_terminal_back_and_says_what_happened() {
    const ASKED: &str = "MAILTOP_TEST_PANICS";
    if std::env::var_os(ASKED).is_some() {
        let _tty = mailtop::console::terminal::Tty::enter().unwrap();
        mailtop::console::terminal::install_panic_hook(None);
        panic!("a disk that is not there");
    }
    let me = std::env::current_exe().unwrap();
    let home = tempfile::tempdir().unwrap();
    let args = [
        "--exact",
        "a_panic_gives_the_terminal_back_and_says_what_happened",
        "--nocapture",
    ];
    let mut t = Term::run(me.to_str().unwrap(), &args, home.path(), (80, 24), &[(ASKED, "1")]);
    assert_ne!(t.wait_end(), 0);
    let text = t.wait_for("a disk that is not there");
    assert!(text.contains("pty.rs"), "it names the place:\n{text}");
    assert!(ends_with_terminal_back(&t.raw()));
}

/// The last word on the alternate screen and on the cursor was to give them back.
fn ends_with_terminal_back(raw: &[u8]) -> bool {
    let last = |needle: &[u8]| raw.windows(needle.len()).rposition(|w| w == needle);
    let (left, entered) = (last(b"\x1b[?1049l"), last(b"\x1b[?1049h"));
    let (shown, hidden) = (last(b"\x1b[?25h"), last(b"\x1b[?25l"));
    left.is_some() && left > entered && shown.is_some() && shown > hidden
}

/// The kinds of all facts in a journal, by the program's own journal code.
fn facts(journal: &Path) -> Vec<String> {
    use mailtop::journal::{Record, Sqlite};
    let (db, _) = Sqlite::open(journal, jiff::Timestamp::now())
        .map_err(|t| format!("{t:?}"))
        .unwrap();
    let mut db = db;
    let mut lines = Vec::new();
    db.export_jsonl(jiff::Timestamp::MIN, jiff::Timestamp::MAX, &mut lines)
        .map_err(|t| format!("{t:?}"))
        .unwrap();
    String::from_utf8(lines)
        .unwrap()
        .lines()
        .map(|l| {
            serde_json::from_str::<serde_json::Value>(l).unwrap()["what"]["fact"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}
