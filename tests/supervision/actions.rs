//! Two people on one journal, plans that are stale, dry runs, and commands that print what they should not.

use std::collections::BTreeSet;

use mailtop::domain::Span;
use mailtop::domain::action::{ActionId, Choices, Truth, Unarmed, Verb};
use mailtop::domain::text::MAX_SAID;
use mailtop::reach::Runner;

use crate::bench::Bench;

#[tokio::test]
async fn of_two_people_who_press_p_together_one_pauses_and_the_other_is_told_who_is_at_it() {
    let bench = Bench::new();
    // The pause goes on until it may end.
    let gate = bench.path("gate");
    let made = std::process::Command::new("mkfifo").arg(&gate).status().unwrap();
    assert!(made.success());
    let dir = bench.path("");
    let pause = format!("cat {}; echo paused > {}state", gate.display(), dir.display());
    let (lin, mut ada) = (
        bench.person_who_pauses_by("lin", &pause).await,
        bench.person("ada").await,
    );
    let (hers, his) = (lin.plan_pause().await, ada.plan_pause().await);
    let running = {
        let (actions, id) = (lin.actions.clone(), hers.id.clone());
        tokio::spawn(async move { actions.run(&id, "to drain".into()).await })
    };
    ada.wait("her plan on record", 0, |f| {
        matches!(f, mailtop::domain::event::Fact::ActionPlanned(_))
    })
    .await;
    let why = ada.actions.run(&his.id, "to drain as well".into()).await.unwrap_err();
    assert!(
        why.starts_with("lin@bastion began to pause compact on mx1 ")
            && why.ends_with(" ago and is still at it: nothing ran"),
        "{why}"
    );
    // The same console, another dialog.
    let again = lin.plan_pause().await;
    let why = lin.actions.run(&again.id, "twice".into()).await.unwrap_err();
    assert!(why.starts_with("lin@bastion began to pause compact on mx1 "), "{why}");
    // A plan that is made while hers is under way may be of before or after.
    let stale = ada.plan_pause().await;
    std::fs::write(&gate, "").unwrap();
    let outcome = running.await.unwrap().unwrap();
    assert!(matches!(outcome.truth, Truth::Confirmed { .. }), "{outcome:?}");
    assert_eq!(bench.state(), "paused");
    let why = ada.actions.run(&stale.id, "now me".into()).await.unwrap_err();
    assert!(why.starts_with("lin@bastion paused it "), "{why}");
    let fresh = ada.plan_pause().await;
    let ran = ada.actions.run(&fresh.id, "now me".into()).await;
    assert!(ran.is_ok(), "{ran:?}");
    assert_eq!(ada.told(&his.id), Vec::<&str>::new(), "nothing of his ran");
}

#[tokio::test]
async fn a_plan_made_before_another_action_ran_is_refused_and_says_whose_it_was() {
    let bench = Bench::new();
    let (lin, ada) = (bench.person("lin").await, bench.person("ada").await);
    let (stale, hers) = (ada.plan_pause().await, lin.plan_pause().await);
    lin.actions.run(&hers.id, "to drain".into()).await.unwrap();
    bench.set("running");
    let why = ada.actions.run(&stale.id, "to drain".into()).await.unwrap_err();
    assert!(
        why.starts_with("lin@bastion paused it ") && why.ends_with(" ago: look at it again"),
        "{why}"
    );
    assert_eq!(bench.state(), "running", "nothing ran");
    let fresh = ada.plan_pause().await;
    ada.actions.run(&fresh.id, "to drain".into()).await.unwrap();
    assert_eq!(bench.state(), "paused");
    // The lock was given back each time, by both.
    let resume = lin.plan(Verb::Resume, None).await.unwrap();
    lin.actions.run(&resume.id, "drained".into()).await.unwrap();
    assert_eq!(bench.state(), "running");
}

#[tokio::test]
async fn a_dry_run_tries_everything_and_changes_nothing() {
    let bench = Bench::new();
    let (lin, ada) = (bench.person("lin").await, bench.person("ada").await);
    let plan = lin.plan_pause().await;
    let checks = lin.actions.check(&plan.id).await;
    let said: Vec<String> = checks.iter().map(|c| format!("{}: {:?}", c.what, c.would)).collect();
    assert!(checks.iter().all(|c| c.would.is_ok()), "{said:#?}");
    let whats: Vec<&str> = checks.iter().map(|c| &*c.what).collect();
    assert!(whats.contains(&"sh is there"), "{whats:?}");
    assert_eq!(
        whats[whats.len() - 3..],
        [
            "compact is as it was",
            "the record can be written",
            "nobody else acts on compact"
        ]
    );
    assert_eq!(bench.state(), "running");

    // It is something else now, and was acted on.
    let hers = ada.plan_pause().await;
    ada.actions.run(&hers.id, "to drain".into()).await.unwrap();
    let bad: Vec<String> = lin
        .actions
        .check(&plan.id)
        .await
        .into_iter()
        .filter_map(|c| c.would.err())
        .map(|t| t.to_string())
        .collect();
    assert_eq!(
        bad[0],
        "it was running when the plan was made, and is paused now: look at it again"
    );
    assert!(
        bad.len() == 2 && bad[1].starts_with("ada@bastion paused it "),
        "{bad:?}"
    );
    let unknown = lin.actions.check(&ActionId("no such".into())).await;
    assert!(unknown.len() == 1 && unknown[0].would.is_err(), "{unknown:?}");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_found_by_a_dry_run() {
    let bench = Bench::new();
    let mut lin = bench.person("lin").await;
    let mailtop::domain::job::JobKind::Command { pause, .. } = &mut lin.server.jobs[0].kind else {
        panic!("not a command")
    };
    *pause = mailtop::domain::argv::Argv::new("/no/such/program", [""; 0]);
    let plan = lin.plan_pause().await;
    let checks = lin.actions.check(&plan.id).await;
    let bad: Vec<&str> = checks.iter().filter(|c| c.would.is_err()).map(|c| &*c.what).collect();
    assert_eq!(bad, ["/no/such/program is there"]);
}

#[tokio::test]
async fn what_a_command_prints_is_bounded_and_harmless_on_record() {
    let bench = Bench::new();
    let state = bench.path("state");
    let pause = format!(
        "echo paused > {}; printf \"\\033[2J\\007\\377\\302\\233\"; head -c 100000000 /dev/zero; yes | head -c 100000000",
        state.display()
    );
    let mut lin = bench.person_who_pauses_by("lin", &pause).await;
    let plan = lin.plan_pause().await;
    let outcome = lin.actions.run(&plan.id, "to drain".into()).await.unwrap();
    // What arms the end says something first.
    let output = &outcome.ran.output;
    assert!(
        output.contains("␛[2J␇\\xff") && output.contains("\\u{9b}"),
        "{output:.60}"
    );
    assert!(output.chars().count() <= MAX_SAID + 1, "{}", output.chars().count());
    assert!(!output.chars().any(char::is_control));
    // Past 64 MiB nobody reads on, which ends it (SIGPIPE). It had paused before, so the end of the pause stays armed.
    let failed = outcome.ran.failed.as_ref().unwrap();
    assert!(
        failed.contains("status 141") && failed.ends_with("found paused all the same, so its armed end stays"),
        "{failed}"
    );
    assert!(matches!(outcome.truth, Truth::Confirmed { .. }), "{:?}", outcome.truth);
    let at = lin
        .wait("its output on record", 0, |f| {
            matches!(f, mailtop::domain::event::Fact::ActionRan(_))
        })
        .await;
    let mailtop::domain::event::Fact::ActionRan(ran) = &lin.seen[at].what else {
        panic!("not ran")
    };
    assert_eq!(ran, &outcome.ran);
}

#[tokio::test]
async fn a_command_that_hangs_is_ended_and_the_action_has_failed() {
    let bench = Bench::new();
    let pid = bench.path("pid");
    let mut lin = bench
        .person_who_pauses_by("lin", &format!("echo $$ > {}; exec sleep 3600", pid.display()))
        .await;
    lin.server.jobs[0].timeout = Span::from_secs(2);
    let plan = lin.plan_pause().await;
    let outcome = lin.actions.run(&plan.id, "to drain".into()).await.unwrap();
    assert!(
        outcome.ran.failed.is_some() && outcome.ran.exit.is_none(),
        "{outcome:?}"
    );
    assert!(matches!(outcome.truth, Truth::Contradicted { .. }), "{outcome:?}");
    let pid = std::fs::read_to_string(pid).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "it still runs: {stat}");
}

#[tokio::test]
async fn a_thousand_plans_are_kept_and_have_names_of_their_own() {
    let bench = Bench::new();
    let lin = bench.person("lin").await;
    let (server, local) = (&lin.server, Runner::local());
    let choices = Choices {
        unarmed: Unarmed::Allowed,
        ..Choices::default()
    };
    let job = "compact".into();
    let plans = futures::future::join_all((0..1_000).map(|_| {
        lin.actions
            .plan(server, Some(&local), &job, Verb::Resume, None, choices)
    }))
    .await;
    let ids: BTreeSet<ActionId> = plans.into_iter().map(|p| p.unwrap().id).collect();
    assert_eq!(ids.len(), 1_000);
    let first = ids.first().unwrap();
    assert!(
        lin.actions
            .run(first, "the first is still at hand".into())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn a_plan_that_was_made_for_another_state_is_not_run() {
    let bench = Bench::new();
    let lin = bench.person("lin").await;
    let plan = lin.plan_pause().await;
    // It ends by itself before Enter.
    bench.set("idle nothing to do");
    let why = lin.actions.run(&plan.id, "to drain".into()).await.unwrap_err();
    assert!(
        why.starts_with("nothing ran: it was running when the plan was made, and is idle now"),
        "{why}"
    );
    assert_eq!(bench.state(), "idle nothing to do");
    // What cannot be read is not known to be as it was.
    bench.set("running");
    let plan = lin.plan_pause().await;
    std::fs::remove_file(bench.path("state")).unwrap();
    let why = lin.actions.run(&plan.id, "to drain".into()).await.unwrap_err();
    assert!(why.starts_with("nothing ran: "), "{why}");
    assert!(!bench.path("state").exists());
}

#[tokio::test]
async fn what_could_only_be_paused_after_its_end_is_not_paused() {
    let bench = Bench::new();
    let lin = bench.person("lin").await;
    let plan = lin.plan(Verb::Pause, Some(Span::from_millis(1))).await.unwrap();
    assert!(plan.armed_on_server, "{plan:?}");
    let outcome = lin.actions.run(&plan.id, "for a moment".into()).await.unwrap();
    let failed = outcome.ran.failed.unwrap();
    assert!(
        failed.contains("comes before it could be paused") && failed.contains("taken back"),
        "{failed}"
    );
    assert_eq!((bench.state(), bench.watchers()), ("running".to_owned(), 0));
}

#[tokio::test]
async fn a_pause_whose_end_is_gone_before_it_is_done_is_taken_back() {
    let bench = Bench::new();
    // Somebody takes it away meanwhile, as its coming would.
    let dir = bench.path("").display().to_string();
    let script = format!(
        "echo paused > {dir}state\nfor f in $(grep -ls 'mailtop watcher' /proc/[0-9]*/cmdline); do\n\
         if grep -qs {dir} $f; then p=${{f#/proc/}}; p=${{p%/*}}; kill -TERM -$p; fi; done\n"
    );
    std::fs::write(bench.path("pause.sh"), script).unwrap();
    let lin = bench.person_who_pauses_by("lin", &format!("sh {dir}pause.sh")).await;
    let plan = lin.plan_pause().await;
    let outcome = lin.actions.run(&plan.id, "to drain".into()).await.unwrap();
    let failed = outcome.ran.failed.as_deref().unwrap_or_default();
    assert!(
        failed.contains("nothing would have ended it") && failed.contains("taken back"),
        "{outcome:?}"
    );
    assert!(matches!(outcome.truth, Truth::Contradicted { .. }), "{outcome:?}");
    assert_eq!(bench.state(), "running");
}
