//! A job that is not as it was last made to be, and pauses that end. Who acts is not who looks: the locks of one process are
//! in its engine.

use mailtop::domain::Span;
use mailtop::domain::action::{Ending, Otherwise, Verb};
use mailtop::domain::event::Fact;
use mailtop::domain::job::State;

use crate::bench::{Bench, Person};

/// Waits for the fact right behind the reading that shows it.
async fn drifted(person: &mut Person, from: usize) -> usize {
    let at = person.wait("drift", from, |f| matches!(f, Fact::Drifted(_))).await;
    let Fact::Drifted(drift) = &person.seen[at].what else {
        panic!("no drift")
    };
    let Fact::JobSeen(before) = &person.seen[at - 1].what else {
        panic!("not behind its reading: {:?}", person.seen[at - 1])
    };
    assert_eq!(&drift.found, before);
    at
}

#[tokio::test]
async fn a_job_that_somebody_else_resumes_is_drift_once_and_is_left_alone() {
    let bench = Bench::new();
    let mut lin = bench.person("lin").await;
    let engine = lin.engine();
    // The action is another console's, of the same journal.
    let ada = bench.person("ada").await;
    let plan = ada.plan_pause().await;
    ada.actions.run(&plan.id, "to drain".into()).await.unwrap();
    let read = lin
        .wait("its read-back", 0, |f| matches!(f, Fact::ActionReadBack(_)))
        .await;
    let quiet = lin.looks(2, read).await;
    bench.set("running");
    let first = drifted(&mut lin, quiet).await;
    let Fact::Drifted(drift) = &lin.seen[first].what else {
        panic!()
    };
    assert_eq!(
        (&drift.id, drift.expected, drift.found.state),
        (&plan.id, State::Paused, State::Running)
    );
    let later = lin.looks(2, first).await;
    assert_eq!(bench.state(), "running", "nothing pauses by itself");
    bench.set("paused");
    let back = lin
        .wait(
            "it to be paused again",
            later,
            |f| matches!(f, Fact::JobSeen(s) if s.state == State::Paused),
        )
        .await;
    bench.set("running");
    drifted(&mut lin, back).await;
    assert_eq!(
        lin.told(&plan.id),
        ["planned", "ran", "confirmed", "drifted", "drifted"]
    );
    engine.stop().await;
}

#[tokio::test]
async fn a_console_that_takes_over_knows_what_was_done_and_what_was_said_of_it() {
    let bench = Bench::new();
    let mut lin = bench.person("lin").await;
    let plan = lin.plan_pause().await;
    lin.actions.run(&plan.id, "to drain".into()).await.unwrap();
    bench.set("running");
    let engine = lin.engine();
    let at = drifted(&mut lin, 0).await;
    engine.stop().await;
    let mut ada = bench.person("ada").await;
    let engine = ada.engine();
    ada.looks(3, 0).await;
    assert_eq!(ada.told(&plan.id), Vec::<&str>::new(), "it was said before");
    // Back as it should be, and again not: seen across another take-over.
    bench.set("paused");
    ada.wait(
        "it to be paused",
        0,
        |f| matches!(f, Fact::JobSeen(s) if s.state == State::Paused),
    )
    .await;
    engine.stop().await;
    bench.set("running");
    let engine = lin.engine();
    drifted(&mut lin, at + 1).await;
    engine.stop().await;
}

#[tokio::test]
async fn a_job_that_ends_while_it_is_paused_is_gone_and_its_pause_with_it() {
    let bench = Bench::new();
    let mut lin = bench.person("lin").await;
    let engine = lin.engine();
    let ada = bench.person("ada").await;
    let plan = ada.plan_pause().await;
    ada.actions.run(&plan.id, "to drain".into()).await.unwrap();
    let read = lin
        .wait("its read-back", 0, |f| matches!(f, Fact::ActionReadBack(_)))
        .await;
    bench.set("idle nothing to do");
    let at = lin.wait("its end", read, |f| matches!(f, Fact::PauseEnded(_))).await;
    let Fact::PauseEnded(ended) = &lin.seen[at].what else {
        panic!()
    };
    assert_eq!(
        (&ended.id, ended.how, ended.found.state),
        (&plan.id, Ending::Gone, State::Idle)
    );
    lin.looks(2, at).await;
    bench.set("running");
    let at = lin.seen.len() - 1;
    lin.looks(2, at).await;
    assert_eq!(lin.told(&plan.id), ["planned", "ran", "confirmed", "ended"]);
    engine.stop().await;
}

#[tokio::test]
async fn a_job_that_is_paused_by_hand_after_a_resume_is_drift() {
    let bench = Bench::new();
    bench.set("paused");
    let mut lin = bench.person("lin").await;
    let engine = lin.engine();
    let ada = bench.person("ada").await;
    let plan = ada.plan(Verb::Resume, None).await.unwrap();
    ada.actions.run(&plan.id, "drained".into()).await.unwrap();
    let read = lin
        .wait("its read-back", 0, |f| matches!(f, Fact::ActionReadBack(_)))
        .await;
    bench.set("what is this");
    let unknown = lin
        .wait(
            "an unknown state",
            read,
            |f| matches!(f, Fact::JobSeen(s) if s.state == State::Unknown),
        )
        .await;
    let unknown = lin.looks(1, unknown).await;
    bench.set("paused");
    let at = drifted(&mut lin, unknown).await;
    let Fact::Drifted(drift) = &lin.seen[at].what else {
        panic!()
    };
    assert_eq!((drift.expected, drift.found.state), (State::Running, State::Paused));
    assert_eq!(lin.told(&plan.id), ["planned", "ran", "confirmed", "drifted"]);
    engine.stop().await;
}

#[tokio::test]
async fn after_a_pause_is_over_by_its_plan_a_job_that_runs_is_no_drift() {
    let bench = Bench::new();
    let mut lin = bench.person("lin").await;
    let engine = lin.engine();
    let ada = bench.person("ada").await;
    let plan = ada.plan(Verb::Pause, Some(Span::from_secs(6))).await.unwrap();
    ada.actions.run(&plan.id, "for a moment".into()).await.unwrap();
    let over = lin.wait("its end", 0, |f| matches!(f, Fact::PauseEnded(_))).await;
    assert_eq!(bench.state(), "running", "by what was armed");
    lin.looks(3, over).await;
    assert_eq!(lin.told(&plan.id), ["planned", "ran", "confirmed", "ended"]);
    engine.stop().await;
}

#[tokio::test]
async fn a_pause_whose_end_is_gone_before_its_time_is_drift_within_an_interval() {
    let bench = Bench::new();
    let mut lin = bench.person("lin").await;
    let engine = lin.engine();
    let ada = bench.person("ada").await;
    let plan = ada.plan_pause().await;
    assert!(plan.armed_on_server, "{plan:?}");
    ada.actions.run(&plan.id, "to drain".into()).await.unwrap();
    let read = lin
        .wait("its read-back", 0, |f| matches!(f, Fact::ActionReadBack(_)))
        .await;
    let quiet = lin.looks(2, read).await;
    assert_eq!(lin.told(&plan.id), ["planned", "ran", "confirmed"]);
    bench.end_watchers();
    let at = drifted(&mut lin, quiet).await;
    let Fact::Drifted(drift) = &lin.seen[at].what else {
        panic!()
    };
    assert_eq!(
        (drift.how, drift.found.state, bench.state()),
        (Otherwise::NoEnd, State::Paused, "paused".to_owned())
    );
    lin.looks(2, at).await;
    assert_eq!(lin.told(&plan.id), ["planned", "ran", "confirmed", "drifted"]);
    engine.stop().await;
}

#[tokio::test]
async fn an_end_that_came_and_resumed_nothing_is_drift() {
    let bench = Bench::new();
    let mut lin = bench.person_whose_resume_is("lin", "exit 1").await;
    let engine = lin.engine();
    let ada = bench.person_whose_resume_is("ada", "exit 1").await;
    let plan = ada.plan(Verb::Pause, Some(Span::from_secs(6))).await.unwrap();
    ada.actions.run(&plan.id, "to drain".into()).await.unwrap();
    let at = drifted(&mut lin, 0).await;
    let Fact::Drifted(drift) = &lin.seen[at].what else {
        panic!()
    };
    assert_eq!(
        (drift.how, drift.expected, bench.state()),
        (Otherwise::NotEnded, State::Running, "paused".to_owned())
    );
    assert!(!lin.told(&plan.id).contains(&"ended"), "{:?}", lin.told(&plan.id));
    engine.stop().await;
}
