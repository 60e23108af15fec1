//! The connection dies at each place of a pause: in the step that arms its end, between that and the pause, and between the
//! pause and its read-back. Each ends in a true statement, and the job runs again by the armed end at the latest.

use super::*;
use mailtop::jobs::Step;

/// Kills the sshd that serves the very connection by which this runs.
const CUT: &str = "p=$$; while [ \"$(cat /proc/$p/comm)\" != sshd ]; do p=$(awk '/^PPid/ { print $2 }' /proc/$p/status); done; kill -KILL $p";
const SOON: Option<Span> = Some(Span::from_secs(12));

/// A step that ends the connection.
fn cut(after: &str) -> Step {
    Step {
        argv: Argv::new("sh", ["-c", &format!("{after}; {CUT}")]),
        what: StepKind::Act,
        timeout: Span::from_secs(30),
        undo: None,
    }
}

async fn runs_and_nothing_is_armed(host: &Host) {
    until("it runs and nothing is armed", async || {
        host.show(UNIT, "FreezerState") == "running" && armed(host).is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_connection_that_dies_while_the_end_is_armed_leaves_nothing_paused() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let (runner, spec) = (host.runner(), freezable(&host));
    let mut planned = plan(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await.unwrap();
    // Its answer never comes, but it was armed.
    planned.steps[0].argv = cut(&planned.steps[0].argv.quoted()).argv;
    let (ran, truth) = run(&planned, &spec, &runner).await;
    let failed = ran.failed.unwrap();
    assert!(
        failed.contains("nothing was paused") && failed.contains("taken back: "),
        "{failed}"
    );
    assert!(matches!(truth, Truth::Contradicted { found } if found.state == State::Running));
    assert_eq!(
        (host.show(UNIT, "FreezerState"), armed(&host).len()),
        ("running".into(), 0)
    );
}

#[tokio::test]
async fn a_connection_that_dies_between_the_end_and_the_pause_pauses_nothing_and_says_so() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let (runner, spec) = (host.runner(), freezable(&host));
    let mut planned = plan(&spec, &runner, Verb::Pause, SOON).await.unwrap();
    planned.steps.insert(1, cut(":"));
    let (ran, truth) = run(&planned, &spec, &runner).await;
    assert!(ran.failed.is_some() && ran.exit.is_none(), "{ran:?}");
    assert!(matches!(truth, Truth::Contradicted { found } if found.state == State::Running));
    assert_eq!(host.show(UNIT, "FreezerState"), "running");
    runs_and_nothing_is_armed(&host).await;

    // The cable is out from there on: nothing is known, and nothing is claimed.
    let spec = JobSpec {
        timeout: Span::from_secs(3),
        ..spec
    };
    let mut planned = plan(&spec, &runner, Verb::Pause, SOON).await.unwrap();
    let rest = planned.steps.split_off(1);
    assert_eq!(jobs::act(&planned, &runner).await.failed, None);
    host.cut();
    planned.steps = rest;
    let (ran, truth) = run(&planned, &spec, &runner).await;
    assert!(ran.failed.is_some() && ran.exit.is_none(), "{ran:?}");
    assert!(matches!(truth, Truth::Unverifiable { .. }), "{truth:?}");
    runs_and_nothing_is_armed(&host).await;
}

#[tokio::test]
async fn a_connection_that_dies_between_the_pause_and_its_read_back_is_no_confirmation_and_no_end_of_the_end() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let (runner, spec) = (host.runner(), freezable(&host));
    // The one connection: the next look opens another, and finds all as it was asked to be.
    let mut planned = plan(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await.unwrap();
    planned.steps.push(cut(":"));
    let (ran, truth) = run(&planned, &spec, &runner).await;
    assert!(ran.failed.is_some(), "{ran:?}");
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert_eq!(
        (host.show(UNIT, "FreezerState"), armed(&host).len()),
        ("frozen".into(), 1)
    );
    let (_, ran, _) = done(&spec, &runner, Verb::Resume, None).await;
    assert_eq!(ran.failed, None);

    // sshd itself and all of its connections.
    let planned = plan(&spec, &runner, Verb::Pause, SOON).await.unwrap();
    assert_eq!(jobs::act(&planned, &runner).await.failed, None);
    host.kill_sshd();
    let truth = jobs::read_back_planned(&planned, &spec, &runner, Timestamp::now).await;
    assert!(matches!(truth, Truth::Unverifiable { .. }), "{truth:?}");
    runs_and_nothing_is_armed(&host).await;
    host.start_sshd();
    until("it is read again", async || {
        jobs::read(&spec, &runner, Timestamp::now())
            .await
            .is_ok_and(|s| s.state == State::Running && s.armed.is_empty())
    })
    .await;
}
