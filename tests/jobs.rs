//! Maintenance jobs on a whole host: real systemd units and commands, paused and resumed over ssh, and read back.

#![allow(clippy::unwrap_used)] // Not every function of a test program is a test.

#[path = "jobs/armed_resume.rs"]
mod armed_resume;
#[path = "jobs/armed_settings.rs"]
mod armed_settings;
#[path = "jobs/faults.rs"]
mod faults;
mod lab;
#[path = "jobs/leases.rs"]
mod leases;
#[path = "jobs/process.rs"]
mod process;
#[path = "jobs/watcher.rs"]
mod watcher;

use std::time::{Duration, Instant};

use jiff::Timestamp;
use lab::host::{Host, boot_or_leave_out};
use mailtop::domain::action::{ActionId, Choices, Ran, Truth, Unarmed, Verb};
use mailtop::domain::argv::Argv;
use mailtop::domain::job::{JobKind, JobSpec, State, SystemdPause};
use mailtop::domain::queue::Sudo;
use mailtop::domain::reading::{Miss, Missed};
use mailtop::domain::{Name, Span};
use mailtop::jobs::{self, Planned, StepKind, Wanted};
use mailtop::reach::{Runner, SshTarget};

const UNIT: &str = "mail-db-compact.service";
const HALF_AN_HOUR: Option<Span> = Some(Span::from_mins(30));

/// A job that works until it is stopped, and says how far it is.
const AT_WORK: &str = "[Service]\nType=notify\nNotifyAccess=all\n\
    ExecStart=/bin/sh -c 'systemd-notify --ready --status=\"compacting: 62%% done\"; while :; do sleep 0.1; done'\n";

fn systemd(unit: &str, how: SystemdPause, timer: Option<&str>, sudo: Sudo) -> JobSpec {
    JobSpec {
        name: "db-compact".into(),
        kind: JobKind::Systemd {
            unit: unit.into(),
            how,
            timer: timer.map(str::to_owned),
            sudo,
        },
        timeout: Span::from_secs(30),
    }
}

fn freezable(host: &Host) -> JobSpec {
    host.unit(UNIT, AT_WORK);
    host.sh(&format!("systemctl start {UNIT}"));
    systemd(UNIT, SystemdPause::Freeze, None, Sudo::No)
}

async fn plan(spec: &JobSpec, runner: &Runner, verb: Verb, lasts: Option<Span>) -> Result<Planned, Missed> {
    choose(spec, runner, verb, lasts, Unarmed::Refused).await
}

/// A plan with a choice of what to do where its end cannot be armed.
async fn choose(
    spec: &JobSpec,
    runner: &Runner,
    verb: Verb,
    lasts: Option<Span>,
    unarmed: Unarmed,
) -> Result<Planned, Missed> {
    let wanted = Wanted {
        id: ActionId(Name::new(&format!("a{}", Timestamp::now().as_microsecond()))),
        verb,
        server: "mx1".into(),
        lasts,
        choices: Choices {
            unarmed,
            ..Choices::default()
        },
        armed_for: None,
        pause_ran: vec![],
        by: "ops@here".into(),
    };
    jobs::plan(spec, runner, wanted, Timestamp::now()).await
}

async fn done(spec: &JobSpec, runner: &Runner, verb: Verb, lasts: Option<Span>) -> (Planned, Ran, Truth) {
    let planned = plan(spec, runner, verb, lasts).await.unwrap();
    let (ran, truth) = run(&planned, spec, runner).await;
    (planned, ran, truth)
}

async fn run(planned: &Planned, spec: &JobSpec, runner: &Runner) -> (Ran, Truth) {
    let ran = jobs::act(planned, runner).await;
    let truth = jobs::read_back_planned(planned, spec, runner, Timestamp::now).await;
    (ran, truth)
}

async fn state(spec: &JobSpec, runner: &Runner) -> State {
    jobs::read(spec, runner, Timestamp::now()).await.unwrap().state
}

/// A runner that is an ordinary login there.
fn as_ops(host: &Host) -> Runner {
    let config = host.dir().join("as-ops");
    let text = std::fs::read_to_string(host.ssh_config()).unwrap();
    std::fs::write(&config, text.replace("User root", "User ops")).unwrap();
    Runner::ssh(SshTarget {
        config_file: Some(config),
        ..host.target()
    })
}

/// The timers that are armed on the host.
fn armed(host: &Host) -> Vec<String> {
    let listed = host.sh("systemctl list-units --plain --no-legend --state=active 'mailtop-resume*.timer'");
    listed
        .lines()
        .filter_map(|l| l.split_whitespace().next())
        .map(str::to_owned)
        .collect()
}

/// How many watchers wait on the host.
fn watchers_on(host: &Host) -> usize {
    let found = host.sh("for p in /proc/[0-9]*; do tr '\\0' '\\n' <$p/cmdline 2>/dev/null | sed -n 3p; done | grep -c '^: mailtop watcher;' || :");
    found.trim().parse().unwrap()
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so().await {
        assert!(Instant::now() < end, "never: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_unit_is_frozen_and_thawed_and_systemd_agrees() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let (runner, spec) = (host.runner(), freezable(&host));
    let now = jobs::read(&spec, &runner, Timestamp::now()).await.unwrap();
    assert_eq!((now.state, now.progress), (State::Running, Some(62.0)), "{now:?}");
    assert!(now.running_for.is_some());

    let (first, ran, truth) = done(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await;
    let ssh = format!("ssh -F {} mx1", host.ssh_config().display());
    assert_eq!(first.plan.runs.len(), 2);
    assert!(
        first.plan.runs[0].starts_with(&format!("{ssh} systemd-run --on-active=1800s ")),
        "{}",
        first.plan.runs[0]
    );
    assert_eq!(*first.plan.runs[1], *format!("{ssh} systemctl freeze {UNIT}"));
    assert!(first.plan.armed_on_server && first.plan.touches[0].ends_with("62% done · progress is kept"));
    assert_eq!((ran.exit, &ran.failed), (Some(0), &None));
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert_eq!(host.show(UNIT, "FreezerState"), "frozen");
    assert_eq!(armed(&host).len(), 1);

    // A second pause replaces the end of the first.
    let (second, ran, truth) = done(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await;
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert_eq!(
        second.steps.iter().map(|s| s.what).collect::<Vec<_>>(),
        [StepKind::Arm, StepKind::Act, StepKind::Disarm]
    );
    let left = armed(&host);
    assert_eq!(left.len(), 1);
    assert!(left[0].contains(second.plan.id.0.as_str()), "{left:?}");

    let (_, ran, truth) = done(&spec, &runner, Verb::Resume, None).await;
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert_eq!(
        (host.show(UNIT, "FreezerState"), armed(&host).len()),
        ("running".to_owned(), 0)
    );
}

#[tokio::test]
async fn an_armed_resume_fires_although_nobody_is_left_to_resume() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let (runner, spec) = (host.runner(), freezable(&host));
    let (_, ran, truth) = done(&spec, &runner, Verb::Pause, Some(Span::from_secs(8))).await;
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    runner.close().await;
    drop(runner);
    host.cut();
    until("it thaws by itself", async || {
        host.show(UNIT, "FreezerState") == "running"
    })
    .await;
    until("its timer is gone", async || armed(&host).is_empty()).await;
}

#[tokio::test]
async fn a_pause_whose_end_cannot_be_armed_is_not_run_and_one_that_fails_leaves_nothing_armed() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let (runner, spec) = (host.runner(), freezable(&host));
    let planned = plan(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await.unwrap();
    host.sh("mv /usr/bin/systemd-run /usr/bin/systemd-run.off");
    let ran = jobs::act(&planned, &runner).await;
    assert!(ran.failed.unwrap().contains("nothing was paused"));
    assert_eq!(host.show(UNIT, "FreezerState"), "running");
    let truth = jobs::read_back(&spec, &runner, Verb::Pause, Timestamp::now).await;
    assert!(matches!(truth, Truth::Contradicted { found } if found.state == State::Running));

    host.sh("mv /usr/bin/systemd-run.off /usr/bin/systemd-run");
    let planned = plan(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await.unwrap();
    host.sh(&format!("systemctl stop {UNIT}"));
    let ran = jobs::act(&planned, &runner).await;
    let failed = ran.failed.unwrap();
    assert!(failed.contains("inactive") && failed.contains("taken back"), "{failed}");
    assert_eq!((ran.exit, armed(&host).len()), (Some(1), 0));
}

#[tokio::test]
async fn what_cannot_be_done_is_said_in_the_plan_already() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let runner = host.runner();
    let gone = systemd("no-such.service", SystemdPause::Freeze, None, Sudo::No);
    let missed = jobs::read(&gone, &runner, Timestamp::now()).await.unwrap_err();
    assert_eq!((missed.kind, missed.fix.is_some()), (Miss::NotFound, true), "{missed}");

    host.unit("once.service", "[Service]\nType=oneshot\nExecStart=/bin/sleep 3600\n");
    host.sh("systemctl start --no-block once.service");
    let once = systemd("once.service", SystemdPause::Freeze, None, Sudo::No);
    until("it runs", async || state(&once, &runner).await == State::Running).await;
    let missed = plan(&once, &runner, Verb::Pause, HALF_AN_HOUR).await.unwrap_err();
    assert!(missed.why.contains("oneshot") && missed.fix.is_some(), "{missed}");
    // The plan was right to refuse.
    assert!(!host.run(&["systemctl", "freeze", "once.service"]).status.success());

    host.sh("systemctl stop once.service; systemctl reset-failed once.service");
    let missed = plan(&once, &runner, Verb::Pause, HALF_AN_HOUR).await.unwrap_err();
    assert!(missed.why.contains("nothing to pause"), "{missed}");
    let missed = plan(&once, &runner, Verb::Resume, None).await.unwrap_err();
    assert!(missed.why.contains("nothing to resume"), "{missed}");
}

#[tokio::test]
async fn a_oneshot_with_a_timer_is_stopped_with_it_and_started_again() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let runner = host.runner();
    host.unit(
        "reindex.service",
        "[Service]\nType=oneshot\nExecStart=/bin/sleep 3600\n",
    );
    host.unit("reindex.timer", "[Timer]\nOnCalendar=weekly\n");
    host.sh("systemctl start reindex.timer; systemctl start --no-block reindex.service");
    let spec = systemd("reindex.service", SystemdPause::Stop, Some("reindex.timer"), Sudo::No);
    until("it runs", async || state(&spec, &runner).await == State::Running).await;

    let (planned, ran, truth) = done(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await;
    assert!(planned.plan.beware.iter().any(|b| b.contains("loses")), "{planned:?}");
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert_eq!(host.show("reindex.timer", "ActiveState"), "inactive");
    assert_eq!(state(&spec, &runner).await, State::Paused);

    let (_, ran, truth) = done(&spec, &runner, Verb::Resume, None).await;
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert_eq!(host.show("reindex.timer", "ActiveState"), "active");
    assert_eq!(
        (host.show("reindex.service", "ActiveState"), armed(&host).len()),
        ("activating".to_owned(), 0)
    );

    // When only its timer waits, only the timer is stopped, and a resume does not start the job out of turn.
    host.sh("systemctl stop reindex.service; systemctl reset-failed reindex.service");
    assert_eq!(state(&spec, &runner).await, State::Idle);
    let (_, _, truth) = done(&spec, &runner, Verb::Pause, Some(Span::from_secs(8))).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    until("its timer is started again", async || {
        host.show("reindex.timer", "ActiveState") == "active"
    })
    .await;
    assert_eq!(host.show("reindex.service", "ActiveState"), "inactive");
}

#[tokio::test]
async fn a_command_job_is_believed_by_its_status_and_not_by_its_exit() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let runner = host.runner();
    host.write("/run/state", "running table 3 of 9\n", 0o644);
    let sh = |script: &str| Argv::new("sh", ["-c", script]);
    let job = |pause: &str| JobSpec {
        name: "reindex".into(),
        kind: JobKind::Command {
            status: Argv::new("cat", ["/run/state"]),
            pause: sh(pause),
            resume: sh("echo running > /run/state"),
            progress: Some(sh("echo 33%")),
        },
        timeout: Span::from_secs(30),
    };
    let liar = job("echo done, all is paused");
    let missed = plan(&liar, &runner, Verb::Pause, None).await.unwrap_err();
    assert!(
        missed.kind == Miss::NotArmed && missed.why.contains("has an end"),
        "{missed}"
    );
    let planned = choose(&liar, &runner, Verb::Pause, None, Unarmed::Allowed)
        .await
        .unwrap();
    let (ran, truth) = run(&planned, &liar, &runner).await;
    assert_eq!((ran.exit, ran.failed), (Some(0), None));
    assert!(planned.plan.beware.iter().any(|b| b.contains("no end is set")) && !planned.plan.is_cancel());
    let Truth::Contradicted { found } = truth else {
        panic!("{truth:?}")
    };
    assert_eq!(
        (found.state, found.progress, &*found.detail),
        (State::Running, Some(33.0), "table 3 of 9")
    );

    let honest = job("echo paused > /run/state");
    let (planned, ran, truth) = done(&honest, &runner, Verb::Pause, Some(Span::from_secs(8))).await;
    assert!(planned.plan.armed_on_server, "{planned:?}");
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    until("its armed resume fires", async || {
        state(&honest, &runner).await == State::Running
    })
    .await;

    let (_, _, truth) = done(&honest, &runner, Verb::Pause, HALF_AN_HOUR).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert_eq!(armed(&host).len(), 1);
    let (_, ran, truth) = done(&honest, &runner, Verb::Resume, None).await;
    assert_eq!((ran.failed, armed(&host).len()), (None, 0));
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
}

#[tokio::test]
async fn an_ordinary_login_pauses_what_sudo_lets_it_and_is_told_what_it_may_not() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    freezable(&host);
    let runner = as_ops(&host);
    let without = systemd(UNIT, SystemdPause::Freeze, None, Sudo::No);
    assert_eq!(state(&without, &runner).await, State::Running);
    let (_, ran, truth) = done(&without, &runner, Verb::Pause, HALF_AN_HOUR).await;
    let failed = ran.failed.unwrap();
    assert!(
        failed.contains("sudo = true") && failed.contains("nothing was paused"),
        "{failed}"
    );
    assert!(matches!(truth, Truth::Contradicted { .. }), "{truth:?}");

    // Neither a timer nor the resume itself: nothing is planned, unless a person says so.
    let with = systemd(UNIT, SystemdPause::Freeze, None, Sudo::Yes);
    let missed = plan(&with, &runner, Verb::Pause, HALF_AN_HOUR).await.unwrap_err();
    assert!(
        missed.kind == Miss::NotArmed && missed.tried.contains("systemd-run") && missed.why.contains("cannot be armed"),
        "{missed}"
    );
    assert!(missed.fix.as_ref().unwrap().contains("NOPASSWD"), "{missed}");
    let rule = |verbs: &[&str]| {
        let all: Vec<_> = verbs.iter().map(|v| format!("/usr/bin/systemctl {v} {UNIT}")).collect();
        let text = format!("ops ALL=(root) NOPASSWD: {}\n", all.join(", "));
        host.write("/etc/sudoers.d/ops", &text, 0o440);
    };
    rule(&["freeze"]);
    let missed = plan(&with, &runner, Verb::Pause, HALF_AN_HOUR).await.unwrap_err();
    // It may be paused, but nothing may end it: that is for a person to choose.
    assert!(
        missed.kind == Miss::NotArmed && missed.why.contains("no timer") && missed.why.contains("no watcher"),
        "{missed}"
    );
    let planned = choose(&with, &runner, Verb::Pause, HALF_AN_HOUR, Unarmed::Allowed)
        .await
        .unwrap();
    assert!(!planned.plan.armed_on_server && planned.plan.lasts == HALF_AN_HOUR);
    let why = planned.plan.unarmed.as_ref().unwrap();
    assert!(why.contains("no timer") && why.contains("no watcher"), "{why}");
    assert!(
        planned.plan.beware.iter().any(|b| b.contains("nothing is armed")),
        "{planned:?}"
    );
    let (ran, truth) = run(&planned, &with, &runner).await;
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert_eq!(watchers_on(&host), 0);

    // What may be resumed is resumed by a watcher, though no timer may be armed.
    rule(&["freeze", "thaw"]);
    let (planned, ran, truth) = done(&with, &runner, Verb::Pause, HALF_AN_HOUR).await;
    assert!(
        planned.plan.armed_on_server && planned.plan.undo.contains("by a watcher"),
        "{planned:?}"
    );
    assert!(
        planned.plan.beware.iter().any(|b| b.contains("a restart of mx1")),
        "{planned:?}"
    );
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert_eq!(watchers_on(&host), 1);
    let (_, ran, truth) = done(&with, &runner, Verb::Resume, None).await;
    assert_eq!((ran.failed, watchers_on(&host)), (None, 0));
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
}
