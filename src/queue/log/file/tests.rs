//! The cursor of a file, against a disk in memory that answers as the script does. The script itself is tested in `tests/flows.rs`.

use super::*;
use crate::queue::log::count::Count;
use crate::queue::log::line::HostClock;
use proptest::prelude::*;
use std::fmt::Write;

/// What the script sees: files by inode, the last of them under the log's name.
#[derive(Default)]
struct Disk {
    files: Vec<(u64, Vec<u8>)>,
    is_named: bool,
    next: u64,
    lines: u64,
}

impl Disk {
    fn new() -> Self {
        let mut d = Self::default();
        d.create();
        d
    }
    fn create(&mut self) {
        self.next += 1;
        self.files.push((self.next, Vec::new()));
        self.is_named = true;
    }
    /// One more message, to the file at this place from the end.
    fn log(&mut self, back: usize) {
        self.lines += 1;
        let line = format!(
            "Nov 23 14:00:07 mx1 postfix/postsuper[1]: {:010X}: removed\n",
            self.lines
        );
        let at = self.files.len() - 1 - back.min(self.files.len() - 1);
        self.files[at].1.extend(line.as_bytes());
    }
    /// As the script prints it.
    fn answer(&self, room: usize, cursor: &FileCursor) -> Vec<u8> {
        let args: Vec<String> = cursor.args().collect();
        let named = self.files.last().filter(|_| self.is_named).map(|f| f.0);
        let (mut out, mut room) = (Vec::new(), room + cursor.again() as usize);
        let mut put = |word: &str, inode: u64, from: Option<usize>, bytes: &[u8]| {
            let from = from.unwrap_or(bytes.len().saturating_sub(100));
            let n = bytes.len().saturating_sub(from).min(room);
            room -= n;
            out.extend(format!("{word} {inode} {from} {n} {}\n", bytes.len()).as_bytes());
            out.extend(&bytes[from.min(bytes.len())..][..n]);
            out.push(b'\n');
        };
        let mut at = if cursor.is_new() { None } else { Some(0) };
        let mut gone = String::new();
        for pair in args.chunks(2) {
            let (inode, from) = (pair[0].parse().unwrap(), pair[1].parse().unwrap());
            if Some(inode) == named {
                at = Some(from);
            } else if let Some(f) = self.files.iter().find(|f| f.0 == inode) {
                put("old", inode, Some(from), &f.1);
            } else {
                writeln!(gone, "gone {inode}").unwrap();
            }
        }
        match named {
            Some(inode) => put("now", inode, at, &self.files.last().unwrap().1),
            None => gone.push_str("missing\n"),
        }
        // The order of what is gone does not matter here, as long as it comes before the file that is the log.
        [gone.as_bytes(), &out].concat()
    }
}

fn t(s: i64) -> Timestamp {
    Timestamp::from_second(1_795_442_407 + s).unwrap()
}

struct Follow {
    cursor: FileCursor,
    count: Count,
    lost: Vec<String>,
    counted: u64,
    before: Option<Timestamp>,
}
impl Follow {
    fn new() -> Self {
        Self {
            cursor: FileCursor::default(),
            count: Count::new("postfix"),
            lost: Vec::new(),
            counted: 0,
            before: None,
        }
    }
    /// One reading at second `s`, which may ask twice.
    fn read(&mut self, disk: &Disk, room: usize, s: i64) -> Went {
        let first = self.cursor.is_new();
        let clock = HostClock::parse(&t(s).as_second().to_string(), "+0000").unwrap();
        let went = loop {
            let body = disk.answer(room, &self.cursor);
            let mut feed = Feed::new(&mut self.count, clock);
            let parts = parts(&body).unwrap();
            let went = self.cursor.take(&parts, t(s), self.before, &mut feed, &mut self.lost);
            if went != Went::Again {
                break went;
            }
        };
        self.before = Some(t(s));
        let removed = self.count.take(t(s)).removed;
        self.counted += if first { 0 } else { removed };
        went
    }
}

const ROOM: usize = 1 << 20;

#[test]
fn the_first_reading_sets_the_start_and_counts_nothing() {
    let (mut disk, mut f) = (Disk::new(), Follow::new());
    (0..50).for_each(|_| disk.log(0));
    assert_eq!(f.read(&disk, ROOM, 0), Went::On { behind: 0 });
    disk.log(0);
    f.read(&disk, ROOM, 1);
    f.read(&disk, ROOM, 2);
    assert_eq!((f.counted, f.lost.len()), (1, 0));
}

#[test]
fn a_line_that_is_not_finished_waits() {
    let (mut disk, mut f) = (Disk::new(), Follow::new());
    disk.log(0);
    f.read(&disk, ROOM, 0);
    disk.log(0);
    let rest = disk.files[0].1.split_off(100);
    f.read(&disk, ROOM, 1);
    assert_eq!(f.counted, 0);
    disk.files[0].1.extend(rest);
    f.read(&disk, ROOM, 2);
    assert_eq!(f.counted, 1);
}

#[test]
fn a_file_cut_in_place_is_read_from_its_start_and_what_was_lost_is_said() {
    // Shorter than before, longer than before, and empty.
    for after in [1, 9, 0] {
        let (mut disk, mut f) = (Disk::new(), Follow::new());
        (0..5).for_each(|_| disk.log(0));
        f.read(&disk, ROOM, 0);
        disk.log(0);
        disk.files[0].1.clear();
        (0..after).for_each(|_| disk.log(0));
        f.read(&disk, ROOM, 0);
        assert_eq!((f.counted, f.lost.len()), (after, 1), "{:?}", f.lost);
        disk.log(0);
        f.read(&disk, ROOM, 1);
        assert_eq!((f.counted, f.lost.len()), (after + 1, 1));
    }
}

#[test]
fn a_log_that_was_written_anew_with_its_old_lines_is_not_counted_again() {
    let (mut disk, mut f) = (Disk::new(), Follow::new());
    (0..5).for_each(|_| disk.log(0));
    f.read(&disk, ROOM, 60);
    // An editor saves the file: the same lines, another inode, the old one gone.
    disk.files[0].0 = 77;
    disk.files[0].1.drain(..10);
    f.read(&disk, ROOM, 70);
    assert_eq!((f.counted, f.lost.len()), (0, 1), "{:?}", f.lost);
    // Later lines count whatever their time says.
    disk.log(0);
    f.read(&disk, ROOM, 80);
    assert_eq!((f.counted, f.lost.len()), (1, 1));
}

#[test]
fn an_old_file_that_is_gone_before_its_end_was_read_is_said_and_one_that_was_read_is_not() {
    for (unread, said) in [(1, 1), (0, 0)] {
        let (mut disk, mut f) = (Disk::new(), Follow::new());
        disk.log(0);
        f.read(&disk, ROOM, 0);
        (0..unread).for_each(|_| disk.log(0));
        disk.create();
        if unread == 0 {
            f.read(&disk, ROOM, 1);
        }
        disk.files.remove(0);
        disk.log(0);
        f.read(&disk, ROOM, 2);
        assert_eq!((f.counted, f.lost.len()), (1, said));
    }
}

#[test]
fn an_old_file_is_looked_at_for_a_while_for_writers_that_still_have_it_open() {
    let (mut disk, mut f) = (Disk::new(), Follow::new());
    disk.log(0);
    f.read(&disk, ROOM, 0);
    disk.create();
    f.read(&disk, ROOM, 1);
    disk.log(1);
    f.read(&disk, ROOM, 2);
    assert_eq!((f.counted, f.cursor.spots.len()), (1, 2));
    f.read(&disk, ROOM, 1_000);
    assert_eq!(f.cursor.spots.len(), 1);
}

#[test]
fn between_two_moves_of_a_rotation_there_is_no_file_and_nothing_is_lost() {
    let (mut disk, mut f) = (Disk::new(), Follow::new());
    assert_eq!(f.read(&disk, ROOM, 0), Went::On { behind: 0 });
    disk.is_named = false;
    disk.log(0);
    assert_eq!(f.read(&disk, ROOM, 1), Went::On { behind: 0 });
    disk.create();
    disk.log(0);
    disk.log(1);
    f.read(&disk, ROOM, 2);
    assert_eq!((f.counted, f.lost.len()), (3, 0));
    disk.files.clear();
    disk.is_named = false;
    assert_eq!(f.read(&disk, ROOM, 3), Went::Missing);
}

#[test]
fn a_line_without_end_is_passed_over_and_the_next_one_counts() {
    let (mut disk, mut f) = (Disk::new(), Follow::new());
    disk.log(0);
    f.read(&disk, ROOM, 0);
    for s in 1..4 {
        disk.files[0].1.extend(vec![b'x'; LONGEST + 1]);
        f.read(&disk, ROOM, s);
    }
    disk.files[0]
        .1
        .extend(b"Nov 23 14:00:07 mx1 postfix/qmgr[1]: 80A9C99C004: removed\n");
    disk.log(0);
    f.read(&disk, ROOM, 5);
    assert_eq!((f.counted, f.lost.len()), (1, 1));
}

#[test]
fn an_answer_that_is_shorter_than_it_says_is_not_used() {
    for bad in [
        "now 1 0 5 5\nabc\n",
        "now 1 0 3 3\nabcd",
        "now 1 0 x 3\n",
        "what\n",
        "now 1 0 3 3\nabc",
    ] {
        assert_eq!(parts(bad.as_bytes()), None, "{bad}");
    }
    assert_eq!(
        parts(b"gone 7\nbetween\ndenied 8\nold 1 2 3 9\nab\n\nmissing\nclosed\n").unwrap(),
        [
            Part::Gone(7),
            Part::Between,
            Part::Gone(8),
            Part::Old(Piece {
                inode: 1,
                from: 2,
                size: 9,
                bytes: b"ab\n"
            }),
            Part::Missing,
            Part::Closed
        ]
    );
}

#[derive(Clone, Debug)]
enum Step {
    Log(usize),
    Rotate,
    Move,
    Read(usize),
}

proptest! {
    #[test]
    fn across_rotations_and_bounded_answers_every_line_is_counted_exactly_once(
        steps in prop::collection::vec(prop_oneof![
            6 => (0usize..2).prop_map(Step::Log), 1 => Just(Step::Rotate), 1 => Just(Step::Move),
            3 => (150usize..2_000).prop_map(Step::Read)], 0..60)
    ) {
        let (mut disk, mut f) = (Disk::new(), Follow::new());
        f.read(&disk, ROOM, 0);
        // Two rotations without a reading in between lose a file, which is another test's.
        let (mut last, mut fresh) = (0, false);
        for (s, step) in (1i64..).zip(steps) {
            match step {
                Step::Log(back) => disk.log(if disk.is_named { back } else { 0 }),
                Step::Rotate if fresh => { disk.create(); fresh = false; }
                Step::Move if fresh => { disk.is_named = false; }
                Step::Rotate | Step::Move => {}
                Step::Read(room) => { f.read(&disk, room, s); fresh = true; }
            }
            last = s;
        }
        for s in 1..200 {
            if f.read(&disk, 10_000, last + s) == (Went::On { behind: 0 }) {
                break;
            }
        }
        prop_assert_eq!(&f.lost, &Vec::<String>::new());
        prop_assert_eq!(f.counted, disk.lines);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), head in "(now|old) [0-9]{1,2} [0-9]{1,3} [0-9]{1,2} [0-9]{1,3}\n") {
        let body = [head.as_bytes(), &bytes, b"\n"].concat();
        let mut f = Follow::new();
        let disk = { let mut d = Disk::new(); d.log(0); d };
        f.read(&disk, ROOM, 0);
        let clock = HostClock::parse("1795442407", "+0000").unwrap();
        for part in [parts(&bytes), parts(&body)].into_iter().flatten() {
            let mut feed = Feed::new(&mut f.count, clock);
            let _ = f.cursor.take(&part, t(0), None, &mut feed, &mut f.lost);
        }
    }
}
