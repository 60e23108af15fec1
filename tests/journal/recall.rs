//! What the journal tells of a job's actions, and what a reader of the file gets to see.

use mailtop::domain::action::{ActionId, Drift, Otherwise};
use mailtop::domain::event::{Event, Fact};
use mailtop::domain::job::{JobState, State};
use mailtop::journal::{Durability, Pick, Record, Sqlite, open};

use crate::support::{Room, event, job, me, options, t, who};

fn planned(id: &str, at: i64, on: &str) -> Event {
    crate::support::planned(t(at), id, on)
}

fn drifted(id: &str, at: i64, words: &str) -> Event {
    let drift = Drift {
        id: ActionId(id.into()),
        expected: State::Paused,
        how: Otherwise::State,
        found: JobState::of(State::Running, words),
    };
    event(t(at), job("compact"), Fact::Drifted(drift))
}

fn seen(at: i64, words: &str) -> Event {
    event(
        t(at),
        job("compact"),
        Fact::JobSeen(JobState::of(State::Running, words)),
    )
}

#[tokio::test]
async fn what_was_put_in_before_is_told_in_order_and_of_what_comes_again_the_last() {
    let room = Room::new();
    let opened = open(options(&room.path(), me())).await;
    assert_eq!(opened.handle.recall(job("compact")).await, Some(vec![]));
    opened.handle.append(vec![
        planned("a1", 1, "compact"),
        seen(2, "first"),
        planned("b1", 3, "reindex"),
        drifted("a1", 4, "first"),
        seen(5, "last"),
        drifted("a1", 6, "last"),
    ]);
    let told = opened.handle.recall(job("compact")).await.unwrap();
    assert_eq!(
        told,
        [planned("a1", 1, "compact"), seen(5, "last"), drifted("a1", 6, "last")]
    );
    opened
        .handle
        .append((2..40).map(|n| planned(&format!("a{n}"), 10 + n, "compact")).collect());
    let told = opened.handle.recall(job("compact")).await.unwrap();
    assert_eq!(told.len(), 17, "sixteen actions and a reading");
    assert_eq!(told.last(), Some(&planned("a39", 49, "compact")));
    opened.handle.stop().await.unwrap();
    assert_eq!(opened.handle.recall(job("compact")).await, None);
}

#[test]
fn a_reader_sees_the_actions_that_are_asked_for_and_makes_no_file() {
    let room = Room::new();
    assert!(Sqlite::read_only(&room.path()).is_err() && !room.path().exists());
    let mut db = room.sqlite();
    let events = [
        planned("a1", 1, "compact"),
        planned("b1", 2, "reindex"),
        drifted("a1", 3, "running"),
    ];
    db.append(&events, Durability::Process).unwrap();
    let reader = Sqlite::read_only(&room.path()).unwrap();
    let ask = |pick: Pick| {
        let mut found = vec![];
        reader.actions(&pick, &mut |events| found.push(events)).unwrap();
        found
    };
    let [a1, b1, drift] = events;
    assert_eq!(
        ask(Pick::default()),
        [vec![a1.clone(), drift.clone()], vec![b1.clone()]]
    );
    let of_job = Pick {
        job: Some("reindex".into()),
        ..Pick::default()
    };
    assert_eq!(ask(of_job), [vec![b1.clone()]]);
    let later = Pick {
        since: Some(t(2)),
        ..Pick::default()
    };
    assert_eq!(ask(later), [vec![b1]]);
    let elsewhere = Pick {
        server: Some("mx2".into()),
        ..Pick::default()
    };
    assert!(ask(elsewhere).is_empty());
    assert_eq!(reader.action(&ActionId("a1".into())).unwrap(), [a1, drift]);
    assert!(reader.action(&ActionId("none".into())).unwrap().is_empty());
    // Who has it now, while the clock of the claim goes on.
    crate::leases::claim(&mut db, "one", t(0));
    assert_eq!(reader.holder(&"mx1".into(), t(10)).unwrap(), Some(who("one")));
    assert_eq!(reader.holder(&"mx1".into(), t(16)).unwrap(), None);
    assert_eq!(reader.holder(&"mx2".into(), t(10)).unwrap(), None);
}
