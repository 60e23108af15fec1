//! The cursor of a journal, against one in memory that answers as journalctl does.

use super::*;
use crate::queue::log::count::Count;
use crate::queue::log::line::HostClock;
use proptest::prelude::*;
use std::fmt::Write;

fn entry(n: u64) -> String {
    // Two entries have one stamp.
    format!(
        "{}.000000 mx1 postfix/postsuper[1]: {n:010X}: removed\n",
        1_795_442_400 + n / 2
    )
}

struct Follow {
    cursor: JournalCursor,
    count: Count,
    lost: Vec<String>,
}
impl Follow {
    fn new() -> Self {
        Self {
            cursor: JournalCursor::New,
            count: Count::new("postfix"),
            lost: Vec::new(),
        }
    }
    fn take(&mut self, body: &str) -> (Went, u64) {
        self.take_with(body, false)
    }
    fn take_with(&mut self, body: &str, spoke: bool) -> (Went, u64) {
        let clock = HostClock::parse("1795442600", "+0000").unwrap();
        let mut feed = Feed::new(&mut self.count, clock);
        let before = Timestamp::from_second(1_795_442_401).unwrap();
        let went = (self.cursor).take(
            body.as_bytes(),
            spoke,
            clock.now,
            Some(before),
            &mut feed,
            &mut self.lost,
        );
        (went, self.count.take(clock.now).removed)
    }
    /// What journalctl prints of entries `0..n`, as far as there is room; `from` is the oldest that it still has.
    fn answer(&self, from: u64, n: u64, room: usize) -> String {
        let mut out = String::new();
        let mut last = None;
        for i in from..n {
            let is_in = match &self.cursor {
                JournalCursor::New => true,
                JournalCursor::At { cursor, .. } => cursor.parse::<u64>().unwrap() <= i,
                JournalCursor::Since { stamp, .. } => {
                    // It was received a little later than it was sent, when three more had been sent.
                    entry(i + 3).split('.').next().unwrap() >= stamp.split('.').next().unwrap()
                }
            };
            if is_in {
                out.push_str(&entry(i));
                out.push_str("    and a second line\n");
                last = Some(i);
            }
        }
        if let Some(last) = last {
            writeln!(out, "-- cursor: {last}").unwrap();
        }
        out.push_str("-- ended: 0\n");
        out.truncate(room);
        out
    }
}

#[test]
fn entries_behind_the_cursor_are_counted_and_the_one_at_it_is_not() {
    let mut f = Follow::new();
    let (went, _) = f.take(&f.answer(0, 3, usize::MAX));
    assert_eq!(went, Went::On);
    assert_eq!(f.cursor.args(), ["--cursor=2"]);
    assert_eq!(f.take(&f.answer(0, 3, usize::MAX)), (Went::On, 0));
    assert_eq!(f.take(&f.answer(0, 7, usize::MAX)), (Went::On, 4));
    assert!(f.lost.is_empty());
}

#[test]
fn what_does_not_fit_is_gone_on_with_and_nothing_is_counted_twice() {
    let mut f = Follow::new();
    f.take(&f.answer(0, 1, usize::MAX));
    let mut sum = 0;
    let mut readings = 0;
    loop {
        let (went, n) = f.take(&f.answer(0, 40, 1_200));
        sum += n;
        readings += 1;
        match went {
            Went::Behind => assert!(readings < 40),
            other => break assert_eq!(other, Went::On),
        }
    }
    assert_eq!((sum, f.lost.len()), (39, 0));
    assert!(readings > 3);
    assert_eq!(f.cursor.args(), ["--cursor=39"]);
}

#[test]
fn an_answer_that_ends_within_a_moment_that_was_read_does_not_count_it_again() {
    let mut f = Follow::new();
    // Entries 2 and 3 have one stamp, and both were read.
    f.cursor = JournalCursor::Since {
        stamp: "1795442401.000000".into(),
        line: Some(entry(3).into_bytes()),
    };
    assert_eq!(f.take(&(entry(1) + &entry(2))), (Went::Cramped, 0));
    assert_eq!(f.take(&f.answer(0, 5, usize::MAX)), (Went::On, 1));
    assert_eq!(f.lost.len(), 0);
}

#[test]
fn a_journal_that_lost_the_cursor_says_so_and_counts_what_is_newer() {
    let mut f = Follow::new();
    f.take(&f.answer(0, 4, usize::MAX));
    // Entry 3 is gone; 6, 7, … are left.
    assert_eq!(f.take(&f.answer(6, 9, usize::MAX)), (Went::On, 3));
    assert_eq!(f.lost.len(), 1);
    assert_eq!(f.take(&f.answer(6, 10, usize::MAX)), (Went::On, 1));
    // All is gone, and nothing new has come.
    assert_eq!(f.take(&f.answer(0, 0, usize::MAX)), (Went::On, 0));
    assert_eq!(f.lost.len(), 2);
    assert_eq!(f.take(&f.answer(12, 14, usize::MAX)), (Went::On, 2));
    assert_eq!(f.lost.len(), 2);
}

#[test]
fn an_empty_journal_begins_with_what_comes() {
    let mut f = Follow::new();
    assert_eq!(f.take("-- ended: 1\n"), (Went::On, 0));
    assert_eq!(f.cursor.args(), ["--since=@1795442600"]);
    assert_eq!(f.take("-- ended: 1\n"), (Went::On, 0));
    assert_eq!(f.take(&f.answer(500, 502, usize::MAX)), (Went::On, 2));
}

#[test]
fn a_cursor_that_is_refused_is_a_failure_and_the_next_reading_goes_by_time() {
    let mut f = Follow::new();
    f.take(&f.answer(0, 3, usize::MAX));
    assert_eq!(f.take_with("-- ended: 1\n", true), (Went::Failed, 0));
    assert_eq!(f.cursor.args(), ["--since=@1795442401.000000"]);
    assert_eq!(f.take(&f.answer(0, 5, usize::MAX)), (Went::On, 2));
}

#[test]
fn what_journalctl_does_not_print_is_a_failure() {
    let mut f = Follow::new();
    assert_eq!(f.take("").0, Went::Failed);
    assert_eq!(f.take("-- cursor: \u{1b}\n-- ended: 0\n").0, Went::Failed);
    assert_eq!(f.cursor, JournalCursor::New);
}

#[test]
fn a_command_ends_with_its_cursor() {
    assert_eq!(
        command(b"a\nb\n-- cursor: x y\n"),
        Some((&b"a\nb\n"[..], "x y".to_owned()))
    );
    assert_eq!(command(b"-- cursor: 7"), Some((&b""[..], "7".to_owned())));
    let long = format!("-- cursor: {}\n", "x".repeat(MAX_CURSOR + 1));
    for bad in [
        "",
        "a\n",
        "-- cursor: \n",
        "-- cursor: 1\nb\n",
        "-- cursor: a\u{7}\n",
        &long,
    ] {
        assert_eq!(command(bad.as_bytes()), None, "{bad}");
    }
}

proptest! {
    #[test]
    fn bounded_answers_count_every_entry_once(rooms in prop::collection::vec(150usize..3_000, 1..20), n in 1u64..60) {
        let mut f = Follow::new();
        f.take(&f.answer(0, 1, usize::MAX));
        let mut sum = 0;
        for room in rooms.into_iter().chain([usize::MAX]) {
            sum += f.take(&f.answer(0, n, room)).1;
        }
        prop_assert_eq!((sum, f.lost.len()), (n - 1, 0));
    }

    #[test]
    fn no_bytes_panic(bytes in ".{0,80}", ends in any::<bool>(), cut in any::<bool>()) {
        let mut f = Follow::new();
        f.take(&f.answer(0, 3, if cut { 160 } else { usize::MAX }));
        let end = if ends { "\n-- cursor: 7\n-- ended: 0\n" } else { "\n" };
        f.take(&format!("{bytes}{end}"));
        f.take(&format!("{bytes}{end}"));
        let _ = command(bytes.as_bytes());
    }
}
