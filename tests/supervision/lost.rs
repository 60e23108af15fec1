//! Actions on record whose runner is gone: told once, by one console, and never while the action still runs.

use mailtop::domain::action::{ActionId, Plan, Ran};
use mailtop::domain::event::Fact;
use mailtop::domain::{Name, Span};
use mailtop::engine::hold;
use mailtop::journal::Lease;

use crate::bench::{Bench, Person};

/// A plan as if `by` had put it on record and died.
async fn left_behind(by: &Person, id: &str) -> Plan {
    let plan = Plan {
        id: ActionId(Name::new(id)),
        ..by.plan_pause().await
    };
    by.put(Fact::ActionPlanned(Box::new(plan.clone()))).await;
    plan
}

#[tokio::test]
async fn an_action_whose_runner_died_is_lost_once_and_read_back_by_one_of_two_consoles() {
    let bench = Bench::new();
    let dead = bench.person("eve").await;
    let plan = left_behind(&dead, "20260101T000000.000-1-0001").await;
    bench.set("paused");
    let (mut lin, ada) = (bench.person("lin").await, bench.person("ada").await);
    let engines = [lin.engine(), ada.engine()];
    let lost = lin.wait("it to be lost", 0, |f| matches!(f, Fact::ActionLost(_))).await;
    let Fact::ActionLost(what) = &lin.seen[lost].what else {
        panic!()
    };
    assert!(
        what.id == plan.id
            && what.why.starts_with("eve@bastion:")
            && what.why.contains("before the end of its commands"),
        "{what:?}"
    );
    let back = lin
        .wait("its read-back", lost, |f| matches!(f, Fact::ActionReadBack(_)))
        .await;
    assert_eq!(back, lost + 1, "at once");
    // The other one takes over, and does not say it again.
    let [one, other] = engines;
    let (first, second) = if lin.seen[lost].seen_by == lin.me {
        (one, other)
    } else {
        (other, one)
    };
    first.stop().await;
    lin.looks(3, back).await;
    second.stop().await;
    // It is paused, but what was to end it was never armed.
    assert_eq!(lin.told(&plan.id), ["lost", "contradicted"]);
}

#[tokio::test]
async fn an_action_that_still_runs_elsewhere_is_left_alone_until_its_lock_is_free() {
    let bench = Bench::new();
    let busy = bench.person("eve").await;
    let plan = left_behind(&busy, "20260101T000000.000-1-0002").await;
    let ran = Ran {
        id: plan.id.clone(),
        exit: Some(0),
        output: "".into(),
        took: Span::ZERO,
        failed: None,
    };
    busy.put(Fact::ActionRan(ran)).await;
    let lock = hold::name(&plan.server, &plan.job);
    assert_eq!(busy.journal.lease(lock.clone(), Span::from_mins(5)).await, Lease::Held);
    let mut lin = bench.person("lin").await;
    let engine = lin.engine();
    let at = lin.looks(3, 0).await;
    assert_eq!(lin.told(&plan.id), Vec::<&str>::new());
    busy.journal.release(lock).await;
    let lost = lin
        .wait("it to be lost", at, |f| matches!(f, Fact::ActionLost(_)))
        .await;
    let Fact::ActionLost(what) = &lin.seen[lost].what else {
        panic!()
    };
    assert!(what.why.contains("after its commands"), "{what:?}");
    lin.wait("its read-back", lost, |f| matches!(f, Fact::ActionReadBack(_)))
        .await;
    // It never was paused.
    assert_eq!(lin.told(&plan.id), ["lost", "contradicted"]);
    engine.stop().await;
}

#[tokio::test]
async fn the_next_action_settles_one_that_was_left_behind() {
    let bench = Bench::new();
    let dead = bench.person("eve").await;
    let plan = left_behind(&dead, "20260101T000000.000-1-0003").await;
    let mut lin = bench.person("lin").await;
    let next = lin.plan_pause().await;
    lin.actions.run(&next.id, "once more".into()).await.unwrap();
    lin.wait(
        "its read-back",
        0,
        |f| matches!(f, Fact::ActionReadBack(b) if b.id == next.id),
    )
    .await;
    assert_eq!(lin.told(&plan.id), ["lost", "contradicted"]);
    assert_eq!(lin.told(&next.id), ["planned", "ran", "confirmed"]);
}

#[tokio::test]
async fn who_comes_while_it_is_read_back_is_not_told_that_the_dead_are_at_it() {
    let bench = Bench::new();
    let (dead, reader, lin) = (
        bench.person("eve").await,
        bench.person("ada").await,
        bench.person("lin").await,
    );
    let plan = lin.plan_pause().await;
    left_behind(&dead, "20260101T000000.000-1-0004").await;
    let lock = hold::name(&plan.server, &plan.job);
    assert_eq!(reader.journal.lease(lock, Span::from_mins(5)).await, Lease::Held);
    let why = lin.actions.run(&plan.id, "to drain".into()).await.unwrap_err();
    assert!(
        why.starts_with("ada@bastion:")
            && why.contains(" is reading back what became of the pause that eve@bastion began "),
        "{why}"
    );
    assert_eq!(bench.state(), "running");
}

#[tokio::test]
async fn of_two_that_were_left_behind_only_the_newer_can_be_read_back() {
    let bench = Bench::new();
    let dead = bench.person("eve").await;
    // Both were made before either was on record.
    let (first, second) = (dead.plan_pause().await, dead.plan_pause().await);
    for plan in [&first, &second] {
        dead.put(Fact::ActionPlanned(Box::new(plan.clone()))).await;
    }
    bench.set("paused");
    let mut lin = bench.person("lin").await;
    let engine = lin.engine();
    lin.wait(
        "the newer one's read-back",
        0,
        |f| matches!(f, Fact::ActionReadBack(b) if b.id == second.id),
    )
    .await;
    assert_eq!(lin.told(&first.id), ["lost", "cannot be verified"]);
    assert_eq!(
        lin.told(&second.id),
        ["lost", "contradicted"],
        "paused, and its end was never armed"
    );
    engine.stop().await;
}

#[tokio::test]
async fn a_lost_pause_whose_time_was_over_cannot_be_verified_any_more() {
    let bench = Bench::new();
    let dead = bench.person("eve").await;
    let mut plan = dead.plan_pause().await;
    plan.lasts = Some(Span::from_millis(1));
    dead.put(Fact::ActionPlanned(Box::new(plan.clone()))).await;
    let mut lin = bench.person("lin").await;
    let engine = lin.engine();
    lin.wait("its read-back", 0, |f| matches!(f, Fact::ActionReadBack(_)))
        .await;
    assert_eq!(lin.told(&plan.id), ["lost", "cannot be verified"]);
    engine.stop().await;
}
