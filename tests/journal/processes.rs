//! Several processes at one journal, processes that are killed, and disks that fail. The other processes are this test
//! program itself, started to run [`child`] alone.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use mailtop::domain::Span;
use mailtop::domain::effect::Recording;
use mailtop::domain::event::{Event, Fact, Subject};
use mailtop::journal::{Durability, Lease, Record, Sqlite};

use crate::leases::{by, claim};
use crate::support::*;

/// What the other process does, and with which journal.
const TASK: &str = "JOURNAL_TEST_TASK";
const PATH: &str = "JOURNAL_TEST_PATH";

/// A process at work; killed when the test ends.
struct Other {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Other {
    fn start(task: &str, path: &Path) -> Self {
        Self::start_under(Command::new(std::env::current_exe().unwrap()), task, path)
    }

    fn start_under(mut command: Command, task: &str, path: &Path) -> Self {
        let mut child = command
            .args(["--exact", "processes::child", "--nocapture", "--test-threads=1"])
            .env(TASK, task)
            .env(PATH, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    /// The next thing that it says, or `None` when it has ended.
    fn says(&mut self) -> Option<String> {
        let mut line = String::new();
        while self.out.read_line(&mut line).unwrap() > 0 {
            if let Some(said) = line.trim_end().strip_prefix("says ") {
                return Some(said.to_owned());
            }
            line.clear();
        }
        None
    }

    fn go(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"go\n").unwrap();
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn say(what: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    // The line before is the test harness's, and not ended.
    writeln!(out, "\nsays {what}").unwrap();
    out.flush().unwrap();
}

fn wait_for_go() {
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

/// Not a test: what this program does as the other process.
#[test]
fn child() {
    let (Ok(task), Some(path)) = (std::env::var(TASK), std::env::var_os(PATH)) else {
        return;
    };
    let path = Path::new(&path);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    match task.as_str() {
        "write" => runtime.block_on(write_for_ever(path)),
        "lease" => hold_a_lease(path),
        "full" => runtime.block_on(on_a_full_disk(path)),
        "read-only" => runtime.block_on(on_a_read_only_disk(path)),
        other => panic!("{other}"),
    }
}

async fn write_for_ever(path: &Path) {
    let me = std::process::id();
    let mut opened = open(path, &format!("child {me}")).await;
    for n in 0.. {
        let mine = event(t(0), Subject::Observer, Fact::Notice(format!("{me}/{n}").into()));
        opened.handle.append(vec![mine, probed(t(1), 3)]);
        while let Ok(events) = opened.events.try_recv() {
            for event in events {
                if let Fact::Notice(text) = &event.what {
                    say(text);
                }
            }
        }
        tokio::time::sleep(std::time::Duration::from_micros(300)).await;
    }
}

#[test]
fn kill_9_loses_nothing_that_was_shown() {
    let room = Room::new();
    for round in 0..4 {
        let mut writer = Other::start("write", &room.path());
        let mut shown = Vec::new();
        while shown.len() < 40 + 300 * round {
            shown.push(writer.says().unwrap());
        }
        writer.kill();
        while let Some(more) = writer.says() {
            shown.push(more);
        }
        let recorded: Vec<String> = all(&mut room.sqlite())
            .into_iter()
            .filter_map(|e| match &e.what {
                Fact::Notice(text) => Some(text.to_string()),
                _ => None,
            })
            .collect();
        assert!(shown.iter().all(|s| recorded.contains(s)), "round {round}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_show_each_other_what_they_record() {
    let room = Room::new();
    let mut ours = open(&room.path(), "ours").await;
    let mut theirs = Other::start("write", &room.path());
    assert!(theirs.says().is_some());
    ours.handle.append(vec![numbered(4_711)]);
    let wanted = "number 4711";
    let theirs = tokio::task::spawn_blocking(move || {
        while theirs.says().unwrap() != wanted {}
        theirs
    });
    let mut seen: Vec<Event> = Vec::new();
    while seen.len() < 200 || !seen.contains(&numbered(4_711)) {
        seen.extend(ours.events.recv().await.unwrap());
    }
    theirs.await.unwrap().kill();
    assert_eq!(all(&mut room.sqlite())[..seen.len()], seen);
}

fn hold_a_lease(path: &Path) {
    let mut db = Sqlite::open(path, t(0)).unwrap().0;
    say("ready");
    wait_for_go();
    let name = format!("child {}", std::process::id());
    match claim(&mut db, &name, t(0)) {
        Lease::Held => say("held"),
        Lease::HeldBy { .. } => say("refused"),
    }
    wait_for_go();
}

#[test]
fn a_lease_is_free_at_once_when_its_holder_was_killed() {
    let room = Room::new();
    let mut holder = Other::start("lease", &room.path());
    holder.says().unwrap();
    holder.go();
    assert_eq!(holder.says().as_deref(), Some("held"));
    let mut db = room.sqlite();
    let name = format!("child {}", holder.child.id());
    assert_eq!(claim(&mut db, "us", t(1)), by(&name, t(15)));
    holder.kill();
    assert_eq!(claim(&mut db, "us", t(1)), Lease::Held);
}

#[test]
fn of_two_processes_exactly_one_gets_the_lease() {
    for _ in 0..5 {
        let room = Room::new();
        let mut both = [Other::start("lease", &room.path()), Other::start("lease", &room.path())];
        for other in &mut both {
            assert_eq!(other.says().as_deref(), Some("ready"));
        }
        for other in &mut both {
            other.go();
        }
        let mut said: Vec<String> = both.iter_mut().map(|o| o.says().unwrap()).collect();
        said.sort();
        assert_eq!(said, ["held", "refused"]);
    }
}

/// Starts a child in a mount namespace of its own, with a small file system mounted where the journal goes. What it mounts
/// goes with it.
fn on_a_small_disk(task: &str) {
    let room = Room::new();
    let dir = room.path().parent().unwrap().to_owned();
    std::fs::create_dir_all(&dir).unwrap();
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--mount", "sh", "-ec"])
        .arg("mount -t tmpfs -o size=512k none \"$0\"; exec \"$@\"")
        .arg(&dir)
        .arg(std::env::current_exe().unwrap());
    let mut child = Other::start_under(command, task, &room.path());
    let mut said = Vec::new();
    while let Some(line) = child.says() {
        said.push(line);
    }
    let status = child.child.wait().unwrap();
    if said.is_empty() && std::env::var_os("CI").is_none() {
        println!("LEFT OUT: no mount namespaces here, so no small disk ({status})");
        return;
    }
    assert!(status.success(), "{said:?}");
    assert_eq!(said.last().map(String::as_str), Some("done"));
}

#[test]
fn a_full_disk_stops_the_record_and_not_the_show_and_recording_comes_back_with_the_space() {
    on_a_small_disk("full");
}

async fn on_a_full_disk(path: &Path) {
    say("begun");
    let mut opened = open(path, "a").await;
    opened.handle.append(vec![numbered(0)]);
    receive(&mut opened, 1).await;
    let filler = path.with_file_name("filler");
    let full = std::fs::write(&filler, vec![0; 1 << 20]).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
    let mut n = 0;
    while yes(&opened.recording.borrow()) {
        n += 1;
        opened.handle.append(vec![numbered(n)]);
        assert_eq!(receive(&mut opened, 1).await, [numbered(n)]);
    }
    let Recording::No { why } = opened.recording.borrow().clone() else {
        panic!()
    };
    assert!(why.contains("no space"), "{why}");
    assert!(
        opened
            .handle
            .append_durable(vec![planned(t(0), "a", "j")])
            .await
            .is_err()
    );
    std::fs::remove_file(filler).unwrap();
    recording(&mut opened.recording, yes).await;
    opened.handle.stop().await.unwrap();
    let recorded = all(&mut Sqlite::open(path, t(0)).unwrap().0);
    assert_eq!(recorded, (0..=n).map(numbered).collect::<Vec<_>>());
    say("done");
}

#[test]
fn a_disk_that_turns_read_only_stops_the_record_and_not_the_show() {
    on_a_small_disk("read-only");
}

fn remount(path: &Path, how: &str) {
    let dir = path.parent().unwrap();
    let done = Command::new("mount")
        .args(["-o", &format!("remount,{how}")])
        .arg(dir)
        .status()
        .unwrap();
    assert!(done.success());
}

async fn on_a_read_only_disk(path: &Path) {
    say("begun");
    Sqlite::open(path, t(0))
        .unwrap()
        .0
        .append(&[numbered(0)], Durability::PowerCut)
        .unwrap();
    remount(path, "ro");
    let mut opened = open(path, "a").await;
    assert!(no(&opened.recording.borrow()));
    opened.handle.append(vec![numbered(1)]);
    assert_eq!(receive(&mut opened, 1).await, [numbered(1)]);
    assert_eq!(
        opened.handle.lease("mx1".into(), Span::from_secs(10)).await,
        Lease::Held
    );
    remount(path, "rw");
    recording(&mut opened.recording, yes).await;
    opened.handle.stop().await.unwrap();
    assert_eq!(
        all(&mut Sqlite::open(path, t(0)).unwrap().0),
        [numbered(0), numbered(1)]
    );
    say("done");
}
