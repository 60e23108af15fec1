//! Hold: queued and new mail, and what became too old meanwhile.

use super::*;

#[tokio::test]
async fn hold_keeps_queued_and_new_mail_and_lets_all_of_it_go_on() {
    let Some(postfix) = lab("header_checks = inline:{nothing=DUNNO},\n  inline:{ {x = y z} }\n") else {
        return;
    };
    let spec = valve(&postfix, ValveKind::Hold);
    let (before, dir) = (setting(&postfix, "header_checks"), postfix.conf().display().to_string());
    postfix.fill(3, "a@x.test", "u@far.test");
    postfix.settled(3);
    let open = state(&spec).await;
    assert_eq!((open.state, open.beware.len()), (State::Running, 0), "{open:?}");

    let paused = confirmed(&spec, Verb::Pause).await;
    assert_eq!(paused.plan.messages, Some(3));
    assert!(
        paused.plan.touches[0].contains("3 messages put on hold"),
        "{:?}",
        paused.plan.touches
    );
    let runs = paused
        .plan
        .runs
        .iter()
        .map(mailtop::domain::Text::as_str)
        .rev()
        .take(3)
        .collect::<Vec<_>>();
    assert_eq!(runs[0], format!("postsuper -c {dir} -h ALL"));
    assert_eq!(runs[1], format!("postfix -c {dir} reload"));
    assert!(runs[2].ends_with("{x = y z} }, static:HOLD'"), "{}", runs[2]);

    postfix.fill(1, "a@x.test", "new@far.test");
    let closed = state(&spec).await;
    assert_eq!(closed.state, State::Paused, "{closed:?}");
    assert!(
        closed
            .detail
            .contains("4 messages on hold · 1 message of it came since"),
        "{}",
        closed.detail
    );
    assert_eq!(queued(&postfix, ["hold", "active", "deferred"]), [4, 0, 0]);

    // Somebody lets it go.
    tool(&postfix, "postsuper", &["-H", "ALL"]);
    let drifted = state(&spec).await;
    assert_eq!(drifted.state, State::Running, "{drifted:?}");
    assert!(
        drifted.detail.contains("4 messages are not") && has(&drifted, "postsuper -H"),
        "{drifted:?}"
    );

    // Paused once more it is held again, and main.cf has our part once.
    let again = confirmed(&spec, Verb::Pause).await;
    assert!(
        // But for what is armed.
        !again
            .plan
            .runs
            .iter()
            .any(|r| r.contains("postconf") && !r.contains("mailtop-resume")),
        "{:?}",
        again.plan.runs
    );
    // What the plan says for a person to type does it.
    let resumed = plan(&spec, Verb::Resume).await;
    assert_eq!((resumed.plan.messages, resumed.plan.offers.len()), (Some(4), 0));
    assert!(matches!(run(&spec, &resumed).await, Truth::Confirmed { .. }));
    assert_eq!(setting(&postfix, "header_checks"), before);
    assert_eq!(queued(&postfix, ["hold"]), [0]);
    assert_eq!(state(&spec).await.state, State::Running);
}

#[tokio::test]
async fn held_mail_past_its_lifetime_is_warned_of_and_requeueing_saves_it() {
    // Deferred for good: what leaves the queue was returned.
    let settings = "maximal_queue_lifetime = 4s\nbounce_queue_lifetime = 4s\nqueue_run_delay = 1s\nminimal_backoff_time = 1s\n\
                    maximal_backoff_time = 1s\ndefer_transports = smtp\n\
                    transport_maps = inline:{x.test=discard:}\n";
    let Some(postfix) = lab(settings) else { return };
    let spec = valve(&postfix, ValveKind::Hold);
    // Without a requeue, and with one.
    for release in [Release::AsItIs, Release::Requeued] {
        let paused = confirmed(&spec, Verb::Pause).await;
        assert!(paused.plan.undo.contains("-r ALL hold"), "{}", paused.plan.undo);
        assert!(
            paused.plan.beware.iter().any(|b| b.contains("past its lifetime")),
            "{:?}",
            paused.plan.beware
        );
        postfix.fill(2, "a@x.test", "u@far.test");
        let past = "2 of 2 held messages are past their lifetime of 4";
        let end = Instant::now() + Duration::from_secs(60);
        let resumed = loop {
            let resumed = plan(&spec, Verb::Resume).await;
            assert!(Instant::now() < end, "never past it: {:?}", resumed.plan);
            if resumed.plan.beware.iter().any(|b| b.starts_with(past)) {
                break resumed;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        assert_eq!(resumed.plan.offers[0].choices.release, Release::Requeued);
        assert_eq!(&*resumed.plan.offers[0].words, "requeue: 2 would bounce at once");
        let resumed = if release == Release::Requeued {
            let requeue = plan_as(&spec, Verb::Resume, None, release).await.unwrap();
            assert!(requeue.plan.runs.iter().any(|r| r.ends_with("-r ALL hold")) && requeue.plan.offers.is_empty());
            requeue
        } else {
            resumed
        };
        let ids = held(&postfix);
        assert_eq!(ids.len(), 2);
        let truth = run(&spec, &resumed).await;
        assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}\n{}", postfix.log());
        let tries = |id: &str| {
            postfix
                .log()
                .lines()
                .filter(|l| l.contains(&format!("{id}: from=")) && l.ends_with("(queue active)"))
                .count()
        };
        for id in ids {
            if release == Release::AsItIs {
                postfix.wait_for("it to be returned", || {
                    postfix
                        .log()
                        .contains(&format!("{id}: from=<a@x.test>, status=expired"))
                });
                assert_eq!(tries(&id), 1, "{}", postfix.log());
            } else {
                let new = |log: &str| {
                    log.lines()
                        .find(|l| l.ends_with(&format!("orig_id={id}")))?
                        .split(": ")
                        .nth(1)
                        .map(str::to_owned)
                };
                postfix.wait_for("it to be taken up again", || {
                    // Else pickup would look once a minute; it may be at it.
                    let _ = postfix.command("postkick").args(["public", "pickup", "W"]).status();
                    new(&postfix.log()).is_some()
                });
                let new = new(&postfix.log()).unwrap();
                // Past its lifetime by its arrival, and tried more than once.
                postfix.wait_for("it to live on", || tries(&new) > 1);
            }
        }
    }
}
