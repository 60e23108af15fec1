//! What holds for every valve: what is undone, what others change, which instance is meant, and a flush of ours.

use super::*;

#[tokio::test]
async fn what_a_plan_says_for_its_undoing_undoes_it_to_the_letter() {
    let Some(postfix) = lab(DELIVERS) else { return };
    for (spec, sets) in [
        (valve(&postfix, ValveKind::Hold), vec!["header_checks = static:HOLD"]),
        (
            deferring(&postfix, &["discard"], &["far.test"]),
            vec![
                "defer_transports = discard,mailtop-paused",
                "transport_maps = inline:{far.test=mailtop-paused:}",
            ],
        ),
        (
            valve(&postfix, ValveKind::Intake { services: vec![] }),
            vec!["master_service_disable = inet"],
        ),
    ] {
        let before = main_cf(&postfix);
        let paused = confirmed(&spec, Verb::Pause).await;
        for set in sets {
            assert!(
                main_cf(&postfix).lines().any(|l| l == set),
                "{set}:\n{}",
                main_cf(&postfix)
            );
        }
        let undo = paused.plan.undo.split(" · ").next().unwrap();
        // Its output is not that of a daemon that would hold ours open.
        let undone = Command::new("sh")
            .args(["-c", undo])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(undone.unwrap().success(), "{undo}");
        assert_eq!(main_cf(&postfix), before);
        until(&spec, "open again", |s| s.state == State::Running).await;
    }
}

#[tokio::test]
async fn an_edit_and_a_reload_open_a_valve_and_that_is_seen_at_once() {
    let Some(postfix) = lab(DELIVERS) else { return };
    let spec = deferring(&postfix, &["discard"], &[]);
    confirmed(&spec, Verb::Pause).await;
    postfix.fill(1, "a@x.test", "u@far.test");
    postfix.settled(1);
    tool(&postfix, "postconf", &["-X", "defer_transports"]);
    tool(&postfix, "postfix", &["reload"]);
    // The master process does that when it comes to it.
    until(&spec, "open", |s| s.state == State::Running).await;

    let hold = valve(&postfix, ValveKind::Hold);
    confirmed(&hold, Verb::Pause).await;
    tool(&postfix, "postconf", &["-X", "header_checks"]);
    tool(&postfix, "postfix", &["reload"]);
    assert_eq!(state(&hold).await.state, State::Running);

    let intake = valve(&postfix, ValveKind::Intake { services: vec![] });
    confirmed(&intake, Verb::Pause).await;
    tool(&postfix, "postconf", &["-X", "master_service_disable"]);
    let edited = state(&intake).await;
    assert_eq!(edited.state, State::Paused);
    assert!(has(&edited, "a reload would open this valve"), "{edited:?}");
    tool(&postfix, "postfix", &["reload"]);
    until(&intake, "open", |s| s.state == State::Running).await;
}

#[tokio::test]
async fn a_flush_tries_what_is_deferred_and_says_only_what_it_saw() {
    let Some(postfix) = lab("queue_run_delay = 1h\n") else {
        return;
    };
    let spec = valve(&postfix, ValveKind::Intake { services: vec![] });
    let nothing = plan(&spec, Verb::Flush).await;
    let truth = run(&spec, &nothing).await;
    assert!(
        matches!(&truth, Truth::Unverifiable { why } if why.contains("nothing was deferred")),
        "{truth:?}"
    );
    postfix.fill(2, "a@x.test", "u@far.test");
    postfix.settled(2);
    // Now there is a way for it.
    postfix.set(&["default_transport = discard", "relayhost ="]);
    let planned = plan(&spec, Verb::Flush).await;
    assert_eq!(
        (
            planned.plan.messages,
            planned.plan.runs.len(),
            planned.plan.armed_on_server
        ),
        (Some(2), 1, false)
    );
    let truth = run(&spec, &planned).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    postfix.settled(0);
}

#[tokio::test]
async fn two_instances_on_one_machine_are_not_mixed_up() {
    let (Some(one), Some(two)) = (lab(DELIVERS), lab(DELIVERS)) else {
        return;
    };
    let both = |what: &ValveKind| [valve(&one, what.clone()), valve(&two, what.clone())];
    let untouched = main_cf(&two);
    for what in [
        ValveKind::Hold,
        ValveKind::Defer {
            transports: vec!["discard".into()],
            destinations: vec![],
        },
        ValveKind::Intake { services: vec![] },
    ] {
        let [first, second] = both(&what);
        confirmed(&first, Verb::Pause).await;
        assert_eq!(state(&second).await.state, State::Running, "{what:?}");
        assert_eq!(main_cf(&two), untouched);
        confirmed(&first, Verb::Resume).await;
    }
    two.fill(1, "a@x.test", "u@far.test");
    two.settled(0);
}

#[tokio::test]
async fn a_plan_does_not_undo_what_somebody_changed_after_it_was_made() {
    let Some(postfix) = lab("") else { return };
    let spec = valve(&postfix, ValveKind::Hold);
    let planned = plan(&spec, Verb::Pause).await;
    tool(&postfix, "postconf", &["-e", "header_checks = inline:{nothing=DUNNO}"]);
    let ran = jobs::act(&planned, &Runner::local()).await;
    let failed = ran.failed.unwrap();
    assert!(
        failed.contains("main.cf was changed since the plan was made"),
        "{failed}"
    );
    assert_eq!(
        setting(&postfix, "header_checks"),
        "header_checks = inline:{nothing=DUNNO}"
    );
}
