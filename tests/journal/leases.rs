//! Leases on one file: who gets them, and when they are free again.

use std::sync::Barrier;

use mailtop::domain::{Span, Timestamp};
use mailtop::journal::{Change, Changed, Claim, Durability, Lease, Record, Sqlite};

use crate::support::*;

pub fn claim(db: &mut Sqlite, holder: &str, now: Timestamp) -> Lease {
    let claim = Claim {
        what: "mx1".into(),
        holder: who(holder),
        now,
        lasts: Span::from_secs(15),
    };
    match db
        .commit(&[Change::Lease(claim)], Durability::Process)
        .unwrap()
        .remove(0)
    {
        Changed::Lease(lease) => lease,
        other => panic!("{other:?}"),
    }
}

pub fn by(holder: &str, until: Timestamp) -> Lease {
    Lease::HeldBy {
        holder: who(holder),
        until,
    }
}

#[test]
fn a_lease_is_kept_by_renewing_and_free_when_its_time_is_over() {
    let mut db = Sqlite::memory().unwrap();
    assert_eq!(claim(&mut db, "one", t(0)), Lease::Held);
    assert_eq!(claim(&mut db, "two", t(10)), by("one", t(15)));
    assert_eq!(claim(&mut db, "one", t(10)), Lease::Held);
    assert_eq!(claim(&mut db, "two", t(24)), by("one", t(25)));
    assert_eq!(claim(&mut db, "two", t(25)), Lease::Held);
    assert_eq!(claim(&mut db, "one", t(26)), by("two", t(40)));
}

#[test]
fn a_clock_that_was_set_back_does_not_keep_everyone_out() {
    let mut db = Sqlite::memory().unwrap();
    assert_eq!(claim(&mut db, "one", t(86_400)), Lease::Held);
    assert_eq!(claim(&mut db, "two", t(0)), Lease::Held);
    // A holder whose clock is a little ahead is left alone.
    assert_eq!(claim(&mut db, "one", t(-1)), by("two", t(15)));
}

#[test]
fn what_was_taken_over_is_not_given_back_by_the_one_who_lost_it() {
    let mut db = Sqlite::memory().unwrap();
    claim(&mut db, "one", t(0));
    claim(&mut db, "two", t(20));
    let release = Change::Release {
        what: None,
        holder: who("one"),
    };
    db.commit(&[release], Durability::Process).unwrap();
    assert_eq!(claim(&mut db, "three", t(21)), by("two", t(35)));
}

#[test]
fn of_many_who_ask_at_once_exactly_one_gets_it() {
    for round in 0..10 {
        let room = Room::new();
        drop(room.sqlite());
        let start = Barrier::new(4);
        let held = std::thread::scope(|s| {
            let askers: Vec<_> = (0..4)
                .map(|n| {
                    let (room, start) = (&room, &start);
                    s.spawn(move || {
                        let mut db = room.sqlite();
                        start.wait();
                        claim(&mut db, &format!("asker {n}"), t(round)) == Lease::Held
                    })
                })
                .collect();
            askers
                .into_iter()
                .map(|a| a.join().unwrap())
                .filter(|held| *held)
                .count()
        });
        assert_eq!(held, 1);
    }
}
