//! Ends that are armed on a server, as any console reads them there: who armed them, why, in how long; and what becomes of them
//! when a pause is extended, resumed, or loses its end.

use super::*;
use mailtop::domain::job::{Armed, Keeper};

async fn armed_for(spec: &JobSpec, runner: &Runner) -> Vec<Armed> {
    let state = jobs::read(spec, runner, Timestamp::now()).await.unwrap();
    assert_eq!(state.beware, [], "{state:?}");
    state.armed
}

/// Whether it fires in this time or a little less.
fn is_about(armed: &Armed, end: Span) -> bool {
    armed.fires_in.is_some_and(|f| f <= end && f > end - Span::from_mins(3))
}

#[tokio::test]
async fn another_console_reads_who_armed_a_resume_and_why() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let (runner, unit) = (host.runner(), freezable(&host));
    let command = JobSpec {
        name: "it's ours".into(),
        kind: JobKind::Command {
            status: Argv::new("echo", ["paused"]),
            pause: Argv::new("true", [""; 0]),
            resume: Argv::new("sh", ["-c", "true; $x"]),
            progress: None,
        },
        timeout: Span::from_secs(30),
    };
    let reason = "tables locked: \"$(reboot)\" 50% · ü";
    for spec in [unit, command] {
        let mut planned = plan(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await.unwrap();
        assert!(
            planned.plan.runs[0].contains("--description=mailtop:ops@here: "),
            "{planned:?}"
        );
        planned.reasoned(reason.into(), &runner).unwrap();
        let shown: Vec<_> = planned.steps.iter().map(|s| runner.shown(&s.argv)).collect();
        assert_eq!(planned.plan.runs, shown);
        assert!(shown[0].contains("=mailtop:ops@here:tables_locked=3A_=22=24=28reboot=29=22_50=25_=C2=B7_=C3=BC"));
        let (ran, truth) = run(&planned, &spec, &runner).await;
        assert_eq!(ran.failed, None);
        assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");

        // Another login, which may change nothing.
        let [armed] = &*armed_for(&spec, &as_ops(&host)).await else {
            panic!("not one")
        };
        assert_eq!((&armed.id, armed.keeper), (&planned.plan.id, Keeper::Timer));
        assert_eq!(
            (armed.by.as_deref(), armed.why.as_deref()),
            (Some("ops@here"), Some(reason))
        );
        assert!(is_about(armed, Span::from_mins(30)), "{armed:?}");
    }
}

#[tokio::test]
async fn an_end_is_set_anew_and_what_is_paused_is_not_touched() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let (runner, spec) = (host.runner(), freezable(&host));
    let missed = plan(&spec, &runner, Verb::Extend, HALF_AN_HOUR).await.unwrap_err();
    assert!(missed.why.contains("not paused"), "{missed}");
    let (_, _, truth) = done(&spec, &runner, Verb::Pause, Some(Span::from_mins(10))).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert!(is_about(&armed_for(&spec, &runner).await[0], Span::from_mins(10)));

    let (planned, ran, truth) = done(&spec, &runner, Verb::Extend, HALF_AN_HOUR).await;
    let kinds: Vec<_> = planned.steps.iter().map(|s| s.what).collect();
    assert_eq!(kinds, [StepKind::Arm, StepKind::Disarm]);
    assert!(
        planned
            .plan
            .undo
            .starts_with(&format!("systemctl thaw {UNIT} · armed on mx1")),
        "{planned:?}"
    );
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    let [armed] = &*armed_for(&spec, &runner).await else {
        panic!("not one")
    };
    assert!(
        armed.id == planned.plan.id && is_about(armed, Span::from_mins(30)),
        "{armed:?}"
    );
    assert_eq!(host.show(UNIT, "FreezerState"), "frozen");

    // The new end is one that resumes.
    let (_, ran, truth) = done(&spec, &runner, Verb::Extend, Some(Span::from_secs(10))).await;
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    until("it thaws by itself", async || {
        host.show(UNIT, "FreezerState") == "running"
    })
    .await;
    let missed = plan(&spec, &runner, Verb::Flush, None).await.unwrap_err();
    assert!(missed.why.contains("cannot be flushed"), "{missed}");
}

#[tokio::test]
async fn a_stopped_unit_and_its_timer_come_back_by_an_end_that_was_set_anew() {
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
    let (_, _, truth) = done(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    let (_, ran, truth) = done(&spec, &runner, Verb::Extend, Some(Span::from_secs(10))).await;
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    until("both are back", async || {
        host.show("reindex.timer", "ActiveState") == "active"
            && host.show("reindex.service", "ActiveState") == "activating"
    })
    .await;
}

#[tokio::test]
async fn a_pause_that_lost_its_end_and_a_resume_that_left_one_are_not_confirmed() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let (runner, spec) = (host.runner(), freezable(&host));
    let planned = plan(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await.unwrap();
    assert_eq!(jobs::act(&planned, &runner).await.failed, None);
    // Somebody takes it away.
    host.sh("systemctl stop 'mailtop-resume*.timer'");
    let found = |truth| match truth {
        Truth::Contradicted { found } => found,
        other => panic!("{other:?}"),
    };
    let truth = jobs::read_back_planned(&planned, &spec, &runner, Timestamp::now).await;
    let lost = found(truth);
    assert_eq!((lost.state, lost.armed.len()), (State::Paused, 0));
    assert!(lost.detail.contains("paused, but its end is not armed"), "{lost:?}");
    let recorded = jobs::read_back_recorded(&planned.plan, &spec, &runner, Timestamp::now).await;
    assert_eq!(found(recorded).detail, lost.detail);

    // Another console pauses while this one resumes.
    let resume = plan(&spec, &runner, Verb::Resume, None).await.unwrap();
    let other = plan(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await.unwrap();
    let mut arm = other.clone();
    arm.steps.truncate(1);
    assert_eq!(jobs::act(&arm, &runner).await.failed, None);
    let (ran, truth) = run(&resume, &spec, &runner).await;
    assert_eq!(ran.failed, None);
    let left = found(truth);
    assert_eq!((left.state, left.armed.len()), (State::Running, 1));
    assert!(
        left.detail.contains("still armed") && left.detail.contains(&*other.plan.id.0),
        "{left:?}"
    );

    let (_, ran, truth) = done(&spec, &runner, Verb::Resume, None).await;
    assert_eq!((ran.failed, armed(&host).len()), (None, 0));
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
}

#[tokio::test]
async fn a_timer_that_somebody_switched_off_stays_off_and_one_that_a_pause_switched_off_comes_back() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let (runner, _) = (host.runner(), freezable(&host));
    host.unit("own.timer", &format!("[Timer]\nOnCalendar=weekly\nUnit={UNIT}\n"));
    let spec = systemd(UNIT, SystemdPause::Freeze, Some("own.timer"), Sudo::No);
    let timer = || host.show("own.timer", "ActiveState");
    // Off before the pause: neither its end, nor a new one, nor an early resume starts it.
    let (planned, ran, truth) = done(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await;
    assert!(
        planned.plan.beware.iter().any(|b| b.contains("it stays off")),
        "{planned:?}"
    );
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    for verb in [Verb::Pause, Verb::Extend, Verb::Resume] {
        let (planned, ran, truth) = done(&spec, &runner, verb, HALF_AN_HOUR).await;
        assert!(
            !planned.plan.runs.iter().any(|r| r.contains("own.timer")),
            "{:?}",
            planned.plan.runs
        );
        assert_eq!(ran.failed, None);
        assert!(matches!(truth, Truth::Confirmed { .. }), "{verb}: {truth:?}");
    }
    assert_eq!(
        (timer(), host.show(UNIT, "FreezerState")),
        ("inactive".into(), "running".into())
    );

    // Switched off by the pause, it is known from what is armed.
    host.sh("systemctl start own.timer");
    for verb in [Verb::Pause, Verb::Pause, Verb::Extend, Verb::Resume] {
        let (_, ran, truth) = done(&spec, &runner, verb, HALF_AN_HOUR).await;
        assert_eq!(ran.failed, None);
        assert!(matches!(truth, Truth::Confirmed { .. }), "{verb}: {truth:?}");
        let want = if verb == Verb::Resume { "active" } else { "inactive" };
        assert_eq!(timer(), want, "{verb}");
    }

    // Or, where that is gone, from the record.
    let (pause, _, _) = done(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await;
    host.sh("systemctl stop 'mailtop-resume*.timer'");
    let unknown = plan(&spec, &runner, Verb::Resume, None).await.unwrap();
    assert!(
        unknown.plan.beware.iter().any(|b| b.contains("it stays off")),
        "{unknown:?}"
    );
    let wanted = Wanted {
        id: ActionId(Name::new("r")),
        verb: Verb::Resume,
        server: "mx1".into(),
        lasts: None,
        choices: Choices::default(),
        armed_for: None,
        pause_ran: pause.plan.runs,
        by: "ops@here".into(),
    };
    let known = jobs::plan(&spec, &runner, wanted, Timestamp::now()).await.unwrap();
    let (ran, truth) = run(&known, &spec, &runner).await;
    assert_eq!((ran.failed, timer()), (None, "active".to_owned()));
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
}

#[tokio::test]
async fn what_an_armed_end_starts_lives_on_when_the_end_itself_is_done() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let runner = host.runner();
    host.write(
        "/opt/reindex",
        "#!/bin/sh\ncase $1 in\nstatus) if pgrep -f 'sleep 4711' >/dev/null; then echo running; else echo paused; fi ;;\n\
         pause) pkill -f 'sleep 4711' ;;\nresume) setsid sleep 4711 >/dev/null 2>&1 </dev/null & ;;\nesac\n",
        0o755,
    );
    let reindex = |word: &str| Argv::new("/opt/reindex", [word]);
    let spec = JobSpec {
        name: "reindex".into(),
        kind: JobKind::Command {
            status: reindex("status"),
            pause: reindex("pause"),
            resume: reindex("resume"),
            progress: None,
        },
        timeout: Span::from_secs(30),
    };
    host.sh("/opt/reindex resume");
    let (_, ran, truth) = done(&spec, &runner, Verb::Pause, Some(Span::from_secs(8))).await;
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    until("its end is done", async || {
        let left = host.sh(
            "systemctl list-units --all --plain --no-legend --state=active,activating,deactivating 'mailtop-resume*'",
        );
        left.is_empty()
    })
    .await;
    assert_eq!(state(&spec, &runner).await, State::Running);
}

#[tokio::test]
async fn a_command_behind_sudo_that_hangs_is_said_to_run_there_still() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    freezable(&host);
    host.write("/etc/sudoers.d/ops", "ops ALL=(root) NOPASSWD: ALL\n", 0o440);
    // Where sudo looks first: a freeze that hangs and does not let itself be asked to end.
    host.write(
        "/usr/local/sbin/systemctl",
        "#!/bin/sh\ncase $1 in freeze) trap '' TERM; exec sleep 4712 ;; esac\nexec /usr/bin/systemctl \"$@\"\n",
        0o755,
    );
    let spec = JobSpec {
        timeout: Span::from_secs(5),
        ..systemd(UNIT, SystemdPause::Freeze, None, Sudo::Yes)
    };
    let (_, ran, truth) = done(&spec, &as_ops(&host), Verb::Pause, HALF_AN_HOUR).await;
    let failed = ran.failed.unwrap();
    assert!(failed.contains("it may still run there"), "{failed}");
    assert!(!matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    assert!(host.run(&["pgrep", "-f", "^sleep 4712"]).status.success());
    assert_eq!(armed(&host).len(), 1, "what may still pause it keeps its end");
}

#[tokio::test]
async fn clocks_that_differ_by_an_hour_bend_neither_how_long_a_unit_runs_nor_when_its_end_fires() {
    let Some(host) = boot_or_leave_out("mx1") else { return };
    let (runner, spec) = (host.runner(), freezable(&host));
    let (_, ran, truth) = done(&spec, &runner, Verb::Pause, HALF_AN_HOUR).await;
    assert_eq!(ran.failed, None);
    assert!(matches!(truth, Truth::Confirmed { .. }), "{truth:?}");
    for hours in [0, 1, -1] {
        let ours = Span::from_hours(hours).after(Timestamp::now());
        let state = jobs::read(&spec, &runner, ours).await.unwrap();
        assert!(
            state.running_for.is_some_and(|r| r < Span::from_mins(30)),
            "{hours}: {state:?}"
        );
        assert!(is_about(&state.armed[0], Span::from_mins(30)), "{hours}: {state:?}");
    }
}
