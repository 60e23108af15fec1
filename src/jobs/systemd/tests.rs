//! What systemd 252 printed on a real host, and what nobody would wish it to print.

use super::*;
use proptest::prelude::*;

fn spec(how: SystemdPause, timer: Option<&str>) -> JobSpec {
    JobSpec {
        name: "compact".into(),
        kind: JobKind::Systemd {
            unit: "w.service".into(),
            how,
            timer: timer.map(str::to_owned),
            sudo: Sudo::No,
        },
        timeout: Span::from_secs(5),
    }
}

fn now() -> Timestamp {
    "2026-11-24T00:17:50Z".parse().unwrap()
}

/// A service's block, in the order in which it is printed.
fn service(active: &str, sub: &str, freezer: &str, code: &str, status: &str) -> String {
    format!(
        "Type=simple\nStatusText=compacting 62% of 4 GB\nResult=success\nExecMainCode={code}\nExecMainStatus={status}\n\
         Id=w.service\nLoadState=loaded\nActiveState={active}\nFreezerState={freezer}\nSubState={sub}\n\
         InactiveExitTimestamp=Mon 2026-11-23 20:05:50 UTC\nCanFreeze=yes\nLoadError=\n"
    )
}

fn timer(active: &str) -> String {
    format!(
        "\nResult=success\nId=w.timer\nLoadState=loaded\nActiveState={active}\nFreezerState=running\nSubState=dead\nCanFreeze=no\n"
    )
}

const ARMED: &str =
    "\nId=mailtop-resume:unit.w.service:p7.timer\nLoadState=loaded\nActiveState=active\nSubState=waiting\n";

fn read(how: SystemdPause, with_timer: Option<&str>, shown: &str) -> JobState {
    let spec = spec(how, with_timer);
    let job = Job::of(&spec).unwrap();
    job.seen(b"search 1\n", shown.as_bytes()).unwrap().state(&job, now())
}

#[test]
fn a_running_unit_tells_how_long_and_how_far() {
    let state = read(
        SystemdPause::Freeze,
        None,
        &service("active", "running", "running", "0", "0"),
    );
    assert_eq!(
        (state.state, state.progress, state.running_for),
        (State::Running, Some(62.0), Some(Span::from_mins(252)))
    );
    assert_eq!(&*state.detail, "active (running), status: compacting 62% of 4 GB");
}

#[test]
fn each_state_of_systemd_has_its_meaning() {
    use SystemdPause::{Freeze, Stop};
    for (how, with_timer, shown, want) in [
        (
            Freeze,
            None,
            service("active", "running", "frozen", "0", "0"),
            State::Paused,
        ),
        (
            Freeze,
            None,
            service("active", "running", "freezing", "0", "0"),
            State::Running,
        ),
        (
            Freeze,
            None,
            service("activating", "start", "running", "0", "0"),
            State::Running,
        ),
        (
            Freeze,
            None,
            service("active", "exited", "running", "1", "0"),
            State::Idle,
        ),
        (
            Freeze,
            None,
            service("inactive", "dead", "running", "1", "0"),
            State::Idle,
        ),
        (
            Freeze,
            None,
            service("failed", "failed", "running", "1", "1"),
            State::Failed,
        ),
        // Somebody stopped it, but that is not how this job is paused.
        (
            Freeze,
            None,
            service("failed", "failed", "running", "2", "15"),
            State::Failed,
        ),
        (Freeze, None, service("weird", "x", "running", "0", "0"), State::Unknown),
        // It ended by itself, or somebody stopped it: what is armed was armed for a run that is gone.
        (
            Freeze,
            None,
            service("inactive", "dead", "running", "1", "0") + ARMED,
            State::Idle,
        ),
        (
            Freeze,
            None,
            service("failed", "failed", "running", "2", "15") + ARMED,
            State::Failed,
        ),
        // Stopped without a trace, or never run: nothing shows that it is held.
        (
            Stop,
            None,
            service("inactive", "dead", "running", "0", "0"),
            State::Idle,
        ),
        (
            Stop,
            None,
            service("failed", "failed", "running", "2", "15"),
            State::Paused,
        ),
        (
            Stop,
            None,
            service("failed", "failed", "running", "2", "11"),
            State::Failed,
        ),
        (
            Stop,
            None,
            service("inactive", "dead", "running", "0", "0") + ARMED,
            State::Paused,
        ),
        (
            Stop,
            Some("w.timer"),
            service("inactive", "dead", "running", "0", "0") + &timer("active"),
            State::Idle,
        ),
        (
            Stop,
            Some("w.timer"),
            service("inactive", "dead", "running", "0", "0") + &timer("inactive"),
            State::Paused,
        ),
        (
            Stop,
            Some("w.timer"),
            service("failed", "failed", "running", "2", "15") + &timer("active"),
            State::Idle,
        ),
        (
            Stop,
            Some("w.timer"),
            service("failed", "failed", "running", "1", "1") + &timer("inactive"),
            State::Failed,
        ),
    ] {
        assert_eq!(
            read(how, with_timer, &shown).state,
            want,
            "{how:?} {with_timer:?} {shown}"
        );
    }
}

#[test]
fn a_unit_or_timer_that_is_not_there_is_a_miss_that_names_it() {
    let spec = spec(SystemdPause::Stop, Some("w.timer"));
    let job = Job::of(&spec).unwrap();
    let gone = "Id=w.service\nLoadState=not-found\nActiveState=inactive\nSubState=dead\n";
    let miss = job.seen(b"", gone.as_bytes()).unwrap_err();
    assert_eq!((miss.kind, &*miss.why), (Miss::NotFound, "there is no unit w.service"));
    let there = service("active", "running", "running", "0", "0");
    let miss = job
        .seen(b"", format!("{there}\n{}", gone.replace("service", "timer")).as_bytes())
        .unwrap_err();
    assert_eq!((miss.kind, &*miss.why), (Miss::NotFound, "there is no unit w.timer"));
    assert_eq!(job.seen(b"", there.as_bytes()).unwrap_err().kind, Miss::BadAnswer);
    assert_eq!(job.seen(b"", b"").unwrap_err().kind, Miss::BadAnswer);
}

#[test]
fn a_status_text_cannot_forge_a_state_or_reach_the_screen_raw() {
    let shown = "StatusText=\x1b[2J99% ActiveState=failed\nActiveState=active\nActiveState=failed\nSubState=running\nLoadState=loaded\n";
    let state = read(SystemdPause::Freeze, None, shown);
    assert_eq!((state.state, state.progress), (State::Running, Some(99.0)));
    assert!(state.detail.contains("␛[2J99%"), "{}", state.detail);
}

#[test]
fn a_time_that_is_not_understood_is_not_known() {
    let shown = service("active", "running", "running", "0", "0");
    for odd in ["Mon 2026-11-23 21:05:50 CET", "", "n/a", "Tue 2026-11-24 09:00:00 UTC"] {
        let shown = shown.replace("Mon 2026-11-23 20:05:50 UTC", odd);
        assert_eq!(read(SystemdPause::Freeze, None, &shown).running_for, None, "{odd}");
    }
}

#[test]
fn when_a_run_began_is_read_by_the_time_since_boot_whatever_the_clock_there_says() {
    let spec = spec(SystemdPause::Stop, None);
    let job = Job::of(&spec).unwrap();
    let read = |shown: &str, found: &str| job.seen(found.as_bytes(), shown.as_bytes()).unwrap().state(&job, now());
    let monotonic = |micros: i64| format!("\nInactiveExitTimestampMonotonic={micros}\n");
    let up = "up 5000.25\nsearch 1\n";
    // Its wall clock is an hour ahead.
    let ahead = service("active", "running", "running", "0", "0").replace("20:05:50", "21:05:50");
    let state = read(&(ahead.trim_end().to_owned() + &monotonic(4_000_000_000)), up);
    let ago = Some(Span::from_millis(1_000_250));
    assert_eq!((state.running_for, state.began), (ago, ago));
    // What is over has begun, but does not run; and what was not started since boot has not begun.
    let dead = service("inactive", "dead", "running", "1", "0");
    let state = read(&(dead.trim_end().to_owned() + &monotonic(4_000_000_000)), up);
    assert_eq!((state.running_for, state.began), (None, ago));
    assert_eq!(read(&(dead.trim_end().to_owned() + &monotonic(0)), up).began, None);
    assert_eq!(
        read(&(dead.trim_end().to_owned() + &monotonic(9_000_000_000)), up).began,
        None
    );
}

#[test]
fn a_timer_is_ours_where_what_is_armed_or_what_is_on_record_names_it_and_not_one_like_it() {
    let seen = |does: &str| {
        let spec = spec(SystemdPause::Stop, Some("w.timer"));
        let job = Job::of(&spec).unwrap();
        let shown = format!(
            "does Id=mailtop-resume:unit.w.service:p7.service\ndoes ExecStart={{ path=/usr/bin/systemctl ; argv[]={does} ; }}\ndoes \n\
             {}{}{ARMED}",
            service("inactive", "dead", "running", "1", "0"),
            timer("inactive")
        );
        job.seen(b"search 1\n", shown.as_bytes()).unwrap()
    };
    assert_eq!(seen("systemctl start w.timer").leases.all.len(), 1);
    for (does, ran, want) in [
        ("systemctl start --no-block w.service w.timer", "", true),
        ("systemctl thaw w.service", "", false),
        ("systemctl start x-w.timer w.timer.d", "", false),
        (
            "systemctl thaw w.service",
            "ssh mx1 sudo -n systemctl stop w.timer w.service",
            true,
        ),
        ("systemctl thaw w.service", "ssh mx1 systemctl stop other.timer", false),
    ] {
        assert_eq!(seen(does).timer_is_ours("w.timer", &[ran.into()]), want, "{does} {ran}");
    }
    let odd = r"db\x2dw.timer";
    assert!(names(r"sh -c 'systemctl start '\''db\x2dw.timer'\'''", odd));
    assert!(!names("systemctl start w.timer", odd));
}

#[test]
fn a_pattern_or_an_option_is_not_taken_for_a_unit() {
    for bad in [
        "*",
        "a?.service",
        "[ab].service",
        "--all",
        "",
        "a b.service",
        "x;reboot",
    ] {
        let mut spec = spec(SystemdPause::Freeze, None);
        let JobKind::Systemd { unit, .. } = &mut spec.kind else {
            unreachable!()
        };
        bad.clone_into(unit);
        assert!(Job::of(&spec).is_err(), "{bad}");
    }
}

#[test]
fn a_percentage_is_found_in_words_and_nonsense_is_none() {
    for (text, want) in [
        ("62%", Some(62.0)),
        ("compacting: 62.5 %, 3 h left", Some(62.5)),
        ("900% of 10%", Some(10.0)),
        ("-5%", None),
        ("é7%", Some(7.0)),
        ("NaN%", None),
        ("inf%", None),
        ("1.2.3%", None),
        ("%", None),
        ("62", None),
    ] {
        assert_eq!(percent(text), want, "{text}");
    }
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic_or_keep_more_than_its_bound(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(parse_show(&bytes).len() <= UNITS_MAX);
        let spec = spec(SystemdPause::Stop, Some("w.timer"));
        let _ = Job::of(&spec).unwrap().seen(&bytes, &bytes);
        let _ = percent(&String::from_utf8_lossy(&bytes));
    }
}
