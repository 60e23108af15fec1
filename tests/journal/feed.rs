//! The handle: what is put in comes out when it is recorded, once, in the order of the record, and nobody waits for a disk.

use std::time::Duration;

use mailtop::domain::Span;
use mailtop::domain::effect::Recording;
use mailtop::domain::event::{Event, Fact};
use mailtop::journal::{Durability, Lease, Options, Record};

use crate::support::*;

#[tokio::test]
async fn what_is_put_in_comes_out_and_is_on_disk_by_then() {
    let room = Room::new();
    let mut opened = open(&room.path(), "a").await;
    assert_eq!((opened.initial.len(), opened.notices.len()), (0, 0));
    opened.handle.append(one_of_each());
    assert_eq!(receive(&mut opened, one_of_each().len()).await, one_of_each());
    assert_eq!(all(&mut room.sqlite()), one_of_each());
    assert!(yes(&opened.recording.borrow()));
}

#[tokio::test]
async fn a_plan_is_on_disk_when_the_wait_for_it_ends() {
    let room = Room::new();
    let opened = open(&room.path(), "a").await;
    let plan = planned(t(0), "a1", "compact");
    opened.handle.append_durable(vec![plan.clone()]).await.unwrap();
    assert_eq!(all(&mut room.sqlite()), [plan]);
}

#[tokio::test]
async fn two_consoles_show_the_same_events_in_the_same_order() {
    let room = Room::new();
    let (mut one, mut two) = (open(&room.path(), "one").await, open(&room.path(), "two").await);
    for n in 0..200 {
        let of = if n % 2 == 0 { &one } else { &two };
        of.handle.append(vec![numbered(n)]);
        if n % 17 == 0 {
            tokio::task::yield_now().await;
        }
    }
    let seen = receive(&mut one, 200).await;
    assert_eq!(receive(&mut two, 200).await, seen);
    assert_eq!(all(&mut room.sqlite()), seen);
}

#[tokio::test]
async fn a_console_that_comes_later_begins_where_the_past_ends() {
    let room = Room::new();
    let mut one = open(&room.path(), "one").await;
    one.handle.append((0..10).map(numbered).collect());
    receive(&mut one, 10).await;
    let mut two = open(&room.path(), "two").await;
    one.handle.append((10..20).map(numbered).collect());
    let later = receive(&mut two, 10).await;
    let both: Vec<Event> = two.initial.iter().cloned().chain(later).collect();
    assert_eq!(both, (0..20).map(numbered).collect::<Vec<_>>());
}

#[tokio::test]
async fn stopping_records_what_still_waits() {
    let room = Room::new();
    let opened = open(&room.path(), "a").await;
    for n in 0..5_000 {
        opened.handle.append(vec![numbered(n)]);
    }
    opened.handle.stop().await.unwrap();
    assert_eq!(all(&mut room.sqlite()), (0..5_000).map(numbered).collect::<Vec<_>>());
    assert_eq!(room.names(), ["journal.db"], "closed in good order");
    let why = opened.handle.append_durable(vec![numbered(0)]).await.unwrap_err();
    assert!(why.contains("ended"));
}

#[tokio::test]
async fn dropping_the_last_handle_records_what_still_waits() {
    let room = Room::new();
    let mut opened = open(&room.path(), "a").await;
    opened.handle.append((0..100).map(numbered).collect());
    drop(opened.handle);
    let mut seen = Vec::new();
    while let Some(events) = opened.events.recv().await {
        seen.extend(events);
    }
    assert_eq!(seen, (0..100).map(numbered).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_screen_that_does_not_look_holds_up_nothing_and_misses_nothing() {
    let room = Room::new();
    let mut opened = open(&room.path(), "a").await;
    let writer = open(&room.path(), "b").await;
    for n in 0..600 {
        writer.handle.append_durable(vec![numbered(n)]).await.unwrap();
    }
    let seen = receive(&mut opened, 600).await;
    assert_eq!(seen, (0..600).map(numbered).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_journal_locked_by_another_program_lets_events_pass_and_records_them_later_once() {
    let room = Room::new();
    let mut opened = open(&room.path(), "a").await;
    let other = room.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    opened.handle.append(vec![numbered(1)]);
    assert_eq!(
        receive(&mut opened, 1).await,
        [numbered(1)],
        "shown though not recorded"
    );
    let Recording::No { why } = recording(&mut opened.recording, no).await else {
        panic!()
    };
    assert!(why.contains("locked"), "{why}");
    opened.handle.append(vec![numbered(2)]);
    assert_eq!(receive(&mut opened, 1).await, [numbered(2)]);
    assert!(
        opened
            .handle
            .append_durable(vec![planned(t(0), "a", "j")])
            .await
            .is_err()
    );
    assert_eq!(
        opened.handle.lease("mx1".into(), Span::from_secs(10)).await,
        Lease::Held,
        "nobody to share with"
    );
    other.execute_batch("ROLLBACK").unwrap();
    recording(&mut opened.recording, yes).await;
    opened.handle.append(vec![numbered(3)]);
    assert_eq!(receive(&mut opened, 1).await, [numbered(3)]);
    opened.handle.stop().await.unwrap();
    assert_eq!(
        all(&mut room.sqlite()),
        [1, 2, 3].map(numbered),
        "the plan that was refused is not among them"
    );
}

#[tokio::test]
async fn when_the_queue_is_full_samples_are_lost_and_counted_and_actions_are_not() {
    let room = Room::new();
    let mut opened = open(&room.path(), "a").await;
    let other = room.raw();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    opened.handle.append(vec![sample(0)]);
    recording(&mut opened.recording, no).await;
    opened.handle.append((1..10_000).map(sample).collect());
    opened.handle.append((0..100).map(sample).collect());
    opened.handle.append(vec![ran(t(0), "a1", "compact"), sample(1)]);
    other.execute_batch("ROLLBACK").unwrap();
    recording(&mut opened.recording, yes).await;
    opened.handle.stop().await.unwrap();
    let events = all(&mut room.sqlite());
    let samples = events.iter().filter(|e| matches!(e.what, Fact::Reached(_))).count();
    assert_eq!(samples, 10_000);
    assert!(events.contains(&ran(t(0), "a1", "compact")));
    assert!(
        events
            .iter()
            .any(|e| matches!(&e.what, Fact::Notice(n) if n.starts_with("101 samples"))),
        "{:?}",
        events.last()
    );
}

#[tokio::test]
async fn in_memory_it_works_the_same_and_leaves_nothing() {
    let mut opened = mailtop::journal::open(Options {
        path: None,
        ..options("".as_ref(), me())
    })
    .await;
    opened.handle.append(vec![numbered(1)]);
    assert_eq!(receive(&mut opened, 1).await, [numbered(1)]);
    opened.handle.append_durable(vec![numbered(2)]).await.unwrap();
    assert_eq!(
        opened.handle.lease("mx1".into(), Span::from_secs(10)).await,
        Lease::Held
    );
    opened.handle.stop().await.unwrap();
}

#[tokio::test]
async fn one_of_two_consoles_holds_a_lease_and_the_other_follows_when_it_leaves() {
    let room = Room::new();
    let (one, two) = (open(&room.path(), "one").await, open(&room.path(), "two").await);
    let every = Span::from_mins(10);
    assert_eq!(one.handle.lease("mx1".into(), every).await, Lease::Held);
    let Lease::HeldBy { holder, until } = two.handle.lease("mx1".into(), every).await else {
        panic!("held twice")
    };
    assert_eq!(holder, who("one"));
    assert!(Span::between(mailtop::domain::Timestamp::now(), until) > Span::from_mins(14));
    assert_eq!(two.handle.lease("mx2".into(), every).await, Lease::Held);
    one.handle.release("mx1".into()).await;
    assert_eq!(two.handle.lease("mx1".into(), every).await, Lease::Held);
    two.handle.stop().await.unwrap();
    assert_eq!(one.handle.lease("mx1".into(), every).await, Lease::Held);
    assert_eq!(one.handle.lease("mx2".into(), every).await, Lease::Held);
}

#[tokio::test]
async fn a_caller_is_not_held_up_by_a_disk_that_does_not_answer() {
    let room = Room::new();
    let mut opened = open(&room.path(), "a").await;
    let folder = std::fs::File::open(room.path().parent().unwrap()).unwrap();
    // The writer goes to open a new file, and waits for the lock on the folder for five seconds.
    folder.lock().unwrap();
    std::fs::rename(room.path(), room.path().with_extension("away")).unwrap();
    opened.handle.append(vec![numbered(1)]);
    let mut n = 1;
    while yes(&opened.recording.borrow()) {
        n += 1;
        opened.handle.append(vec![numbered(n)]);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let shown = receive(&mut opened, n as usize).await;
    assert_eq!(shown, (1..=n).map(numbered).collect::<Vec<_>>());
    folder.unlock().unwrap();
    recording(&mut opened.recording, yes).await;
    opened.handle.stop().await.unwrap();
    let recorded = all(&mut room.sqlite());
    assert!(
        (1..=n).all(|n| recorded.iter().filter(|e| **e == numbered(n)).count() == 1),
        "{recorded:?}"
    );
}

#[tokio::test]
async fn events_of_long_ago_are_known_by_their_last_state() {
    let room = Room::with(&[probed(t(-9_000), 1), probed(t(-8_000), 2), probed(t(0), 3)]);
    room.sqlite().append(&[], Durability::Process).unwrap();
    let opened = open(&room.path(), "a").await;
    assert_eq!(opened.initial, [probed(t(-8_000), 2), probed(t(0), 3)]);
}
