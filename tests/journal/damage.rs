//! Damaged files, files of others, and files that are taken away.

use std::io::{Read, Seek, SeekFrom, Write};
use std::process::{Command, Stdio};

use mailtop::domain::effect::Recording;
use mailtop::domain::event::{Event, Fact};
use mailtop::journal::{Durability, Record, Sqlite, Trouble};

use crate::support::*;

fn aside(room: &Room) -> Vec<String> {
    room.names().into_iter().filter(|n| n.contains(".damaged-")).collect()
}

#[test]
fn a_file_that_is_no_database_is_moved_aside_and_a_new_one_begun() {
    let room = Room::new();
    std::fs::create_dir_all(room.path().parent().unwrap()).unwrap();
    std::fs::write(room.path(), "this is not a journal\n".repeat(100)).unwrap();
    let (mut db, notice) = Sqlite::open(&room.path(), t(0)).unwrap();
    let notice = notice.unwrap();
    assert!(notice.contains("journal.db.damaged-20270115T080000Z"), "{notice}");
    db.append(&[numbered(1)], Durability::Process).unwrap();
    let old = std::fs::read(room.path().with_file_name("journal.db.damaged-20270115T080000Z")).unwrap();
    assert!(old.starts_with(b"this is not a journal"));
    drop(db);
    // A second one in the same second gets a name of its own.
    std::fs::write(room.path(), "nor is this\n".repeat(100)).unwrap();
    Sqlite::open(&room.path(), t(0)).unwrap().1.unwrap();
    assert_eq!(aside(&room).len(), 2);
}

#[test]
fn a_file_of_another_kind_that_was_named_by_mistake_is_refused_and_left_as_it_is() {
    let room = Room::new();
    let folder = room.path().parent().unwrap().to_owned();
    std::fs::create_dir_all(&folder).unwrap();
    let notes = folder.join("notes.txt");
    for text in ["call the data centre\n".repeat(100), "x".to_owned()] {
        std::fs::write(&notes, &text).unwrap();
        let Err(Trouble::NotOurs(why)) = Sqlite::open(&notes, t(0)).map(drop) else {
            panic!("opened")
        };
        assert!(why.contains("notes.txt"), "{why}");
        assert_eq!(std::fs::read_to_string(&notes).unwrap(), text);
        assert_eq!(room.names(), ["notes.txt"]);
    }
}

#[tokio::test]
async fn a_console_told_to_record_into_a_file_of_another_kind_goes_on_unrecorded_and_says_so() {
    let room = Room::new();
    let notes = room.path().with_file_name("notes.txt");
    std::fs::create_dir_all(notes.parent().unwrap()).unwrap();
    std::fs::write(&notes, "call the data centre\n").unwrap();
    let mut opened = open(&notes, "a").await;
    let Recording::No { why } = opened.recording.borrow().clone() else {
        panic!("recording into notes")
    };
    assert!(why.contains("notes.txt") && why.contains("--journal"), "{why}");
    opened.handle.append(vec![numbered(1)]);
    assert_eq!(receive(&mut opened, 1).await, [numbered(1)]);
    assert!(opened.handle.stop().await.is_err());
    assert_eq!(std::fs::read(&notes).unwrap(), b"call the data centre\n");
}

#[test]
fn a_journal_whose_header_is_gone_is_moved_aside_by_its_name_or_its_log() {
    let room = Room::with(&[numbered(1)]);
    let other = room.path().with_file_name("nights.db");
    for (path, log) in [(room.path(), None), (other.clone(), Some("nights.db-wal"))] {
        std::fs::write(&path, [0; 8192]).unwrap();
        if let Some(log) = log {
            std::fs::write(path.with_file_name(log), "").unwrap();
        }
        assert!(Sqlite::open(&path, t(0)).unwrap().1.is_some(), "{}", path.display());
    }
    // One that still begins as a database is known by that.
    let mut file = std::fs::read(&other).unwrap();
    file[16..].fill(0x5a);
    let third = room.path().with_file_name("third.db");
    std::fs::write(&third, file).unwrap();
    assert!(Sqlite::open(&third, t(0)).unwrap().1.is_some());
}

#[test]
fn a_damaged_page_is_met_when_the_file_is_opened() {
    let room = Room::with(&(0..2_000).map(|n| probed(t(n), n)).collect::<Vec<_>>());
    let mut file = std::fs::OpenOptions::new()
        .read(true)
        .write(true)
        .open(room.path())
        .unwrap();
    let size = file.metadata().unwrap().len();
    file.seek(SeekFrom::Start(size / 2 / 4096 * 4096)).unwrap();
    file.write_all(&[0x5a; 4096]).unwrap();
    drop(file);
    let (mut db, notice) = Sqlite::open(&room.path(), t(0)).unwrap();
    assert!(notice.is_some());
    assert_eq!(all(&mut db), []);
    assert_eq!(aside(&room).len(), 1);
}

#[test]
fn a_file_cut_short_is_moved_aside() {
    let room = Room::with(&(0..500).map(|n| probed(t(n), n)).collect::<Vec<_>>());
    let file = std::fs::OpenOptions::new().write(true).open(room.path()).unwrap();
    file.set_len(file.metadata().unwrap().len() - 5_000).unwrap();
    drop(file);
    assert!(Sqlite::open(&room.path(), t(0)).unwrap().1.is_some());
}

#[test]
fn a_torn_log_costs_the_last_commits_and_no_more() {
    let room = Room::new();
    let mut db = room.sqlite();
    for n in 0..40 {
        db.append(&[numbered(n), probed(t(1), 3)], Durability::Process).unwrap();
    }
    let log = std::fs::read(room.path().with_file_name("journal.db-wal")).unwrap();
    let mut before = 0;
    for tenth in 0..=10 {
        let torn = Room::new();
        std::fs::create_dir_all(torn.path().parent().unwrap()).unwrap();
        std::fs::copy(room.path(), torn.path()).unwrap();
        let cut = &log[..log.len() * tenth / 10];
        std::fs::write(torn.path().with_file_name("journal.db-wal"), cut).unwrap();
        let (mut db, notice) = Sqlite::open(&torn.path(), t(0)).unwrap();
        assert_eq!(notice, None);
        let events = all(&mut db);
        let whole: Vec<Event> = (0..)
            .flat_map(|n| [numbered(n), probed(t(1), 3)])
            .take(events.len())
            .collect();
        assert_eq!(events, whole);
        assert!(events.len().is_multiple_of(2) && events.len() >= before);
        before = events.len();
        db.append(&[numbered(99)], Durability::Process).unwrap();
    }
    assert_eq!(before, 80);
}

#[test]
fn a_journal_of_a_newer_mailtop_is_refused_and_left_as_it_is() {
    let room = Room::with(&[numbered(1)]);
    room.raw().pragma_update(None, "user_version", 99).unwrap();
    let before = std::fs::read(room.path()).unwrap();
    let Err(Trouble::NotOurs(why)) = Sqlite::open(&room.path(), t(0)).map(drop) else {
        panic!("opened")
    };
    assert!(why.contains("newer mailtop"), "{why}");
    assert_eq!(std::fs::read(room.path()).unwrap(), before);
    assert_eq!(aside(&room), [""; 0]);
}

#[test]
fn the_database_of_another_program_is_refused_and_left_as_it_is() {
    let room = Room::new();
    std::fs::create_dir_all(room.path().parent().unwrap()).unwrap();
    room.raw().execute_batch("CREATE TABLE recipe (name TEXT)").unwrap();
    let before = std::fs::read(room.path()).unwrap();
    assert!(matches!(Sqlite::open(&room.path(), t(0)), Err(Trouble::NotOurs(_))));
    assert_eq!(std::fs::read(room.path()).unwrap(), before);
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_lets_events_pass_and_says_so() {
    let room = Room::with(&[numbered(1)]);
    room.raw().pragma_update(None, "user_version", 99).unwrap();
    let mut opened = open(&room.path(), "a").await;
    assert!(no(&opened.recording.borrow()));
    assert!(opened.notices[0].contains("newer mailtop"), "{:?}", opened.notices);
    opened.handle.append(vec![numbered(2)]);
    assert_eq!(receive(&mut opened, 1).await, [numbered(2)]);
    let why = opened
        .handle
        .append_durable(vec![planned(t(0), "a", "j")])
        .await
        .unwrap_err();
    assert!(why.contains("newer mailtop"), "{why}");
    assert!(opened.handle.stop().await.is_err());
}

#[tokio::test]
async fn a_newer_mailtop_that_takes_the_file_over_in_use_is_left_alone() {
    let room = Room::new();
    let mut opened = open(&room.path(), "a").await;
    opened.handle.append_durable(vec![numbered(1)]).await.unwrap();
    room.raw().pragma_update(None, "user_version", 99).unwrap();
    let why = opened.handle.append_durable(vec![numbered(2)]).await.unwrap_err();
    assert!(why.contains("newer mailtop"), "{why}");
    opened.handle.append(vec![numbered(3)]);
    assert_eq!(receive(&mut opened, 2).await, [numbered(1), numbered(3)]);
    let rows: i64 = room
        .raw()
        .query_row("SELECT count(*) FROM event", [], |r| r.get(0))
        .unwrap();
    assert_eq!(rows, 1);
}

#[tokio::test]
async fn recording_begins_when_the_folder_can_be_made_and_takes_up_what_was_shown() {
    let room = Room::new();
    let folder = room.path().parent().unwrap().to_owned();
    std::fs::write(&folder, "in the way").unwrap();
    let mut opened = open(&room.path(), "a").await;
    let Recording::No { why } = opened.recording.borrow().clone() else {
        panic!("recording in a folder that is a file")
    };
    assert!(why.contains("data"), "{why}");
    opened.handle.append(vec![numbered(1), numbered(2)]);
    assert_eq!(receive(&mut opened, 2).await, [numbered(1), numbered(2)]);
    std::fs::remove_file(&folder).unwrap();
    recording(&mut opened.recording, yes).await;
    opened.handle.append(vec![numbered(3)]);
    assert_eq!(receive(&mut opened, 1).await, [numbered(3)], "nothing is shown twice");
    opened.handle.stop().await.unwrap();
    assert_eq!(all(&mut room.sqlite()), [numbered(1), numbered(2), numbered(3)]);
}

#[tokio::test]
async fn a_journal_deleted_in_use_is_begun_anew_and_says_so() {
    let room = Room::new();
    let mut opened = open(&room.path(), "a").await;
    opened.handle.append(vec![numbered(1)]);
    receive(&mut opened, 1).await;
    for name in room.names() {
        std::fs::remove_file(room.path().with_file_name(name)).unwrap();
    }
    let said = receive(&mut opened, 1).await;
    assert!(
        matches!(&said[0].what, Fact::Notice(n) if n.contains("moved or deleted")),
        "{said:?}"
    );
    opened.handle.append(vec![numbered(2)]);
    assert_eq!(receive(&mut opened, 1).await, [numbered(2)]);
    opened.handle.stop().await.unwrap();
    assert_eq!(all(&mut room.sqlite()), [said[0].clone(), numbered(2)]);
}

/// Spoils every page but the first from another process (in ours, closing the file would drop SQLite's locks).
fn spoil(room: &Room) {
    let mut file = std::fs::File::open("/dev/urandom").unwrap();
    let mut noise = vec![0; 64 << 10];
    file.read_exact(&mut noise).unwrap();
    let mut dd = Command::new("dd")
        .arg(format!("of={}", room.path().display()))
        .args(["bs=4096", "seek=1", "conv=notrunc", "status=none", "iflag=fullblock"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    dd.stdin.take().unwrap().write_all(&noise).unwrap();
    assert!(dd.wait().unwrap().success());
}

#[tokio::test]
async fn damage_met_in_use_moves_the_file_aside_and_two_consoles_go_on_in_one_new_file() {
    let room = Room::new();
    let (mut one, mut two) = (open(&room.path(), "one").await, open(&room.path(), "two").await);
    one.handle.append((0..50).map(numbered).collect());
    receive(&mut one, 50).await;
    receive(&mut two, 50).await;
    // A third program with the good pages in its memory: its commit makes the others read the file again.
    let third = room.raw();
    let lease = "INSERT INTO lease (what, holder, until, lasts) VALUES ('x', 'y', 0, 0)";
    third.execute(lease, []).unwrap();
    third
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
        .unwrap();
    spoil(&room);
    third
        .execute("UPDATE lease SET until = 1 WHERE what = 'x'", [])
        .unwrap();
    one.handle.append(vec![numbered(100)]);
    two.handle.append(vec![numbered(200)]);
    let is_there = |seen: &[Event], n| seen.contains(&numbered(n));
    let mut seen = [Vec::new(), Vec::new()];
    for (opened, seen) in [&mut one, &mut two].into_iter().zip(&mut seen) {
        while !(is_there(seen, 100) && is_there(seen, 200)) {
            seen.extend(opened.events.recv().await.unwrap());
        }
    }
    one.handle.stop().await.unwrap();
    two.handle.stop().await.unwrap();
    drop(third);
    let events = all(&mut room.sqlite());
    assert!(is_there(&events, 100) && is_there(&events, 200), "{events:?}");
    assert_eq!(
        aside(&room)
            .iter()
            .filter(|n| !n.ends_with("-wal") && !n.ends_with("-shm"))
            .count(),
        1,
        "{:?}",
        aside(&room)
    );
    assert!(
        events
            .iter()
            .any(|e| matches!(&e.what, Fact::Notice(n) if n.contains(".damaged-"))),
        "{events:?}"
    );
}
