//! An answer of a real server (PostgreSQL 15: an index build that a VACUUM and an INSERT wait for), and what is made of it.

use super::*;
use crate::domain::argv::Argv;

const ANSWER: &str = include_str!("fixture.json");

fn db(pause: PostgresPause) -> Postgres {
    Postgres {
        psql: Argv::new("psql", ["-d", "mail"]),
        run_as: None,
        table: None,
        pause,
    }
}

fn settings() -> PostgresPause {
    PostgresPause::Settings {
        pause: vec!["SELECT 1".into()],
        resume: vec!["SELECT 1".into()],
        paused_when: "SELECT true".into(),
    }
}

fn told(answer: &str) -> Told {
    told::parse(answer.as_bytes()).unwrap()
}

/// The answer with some of its words changed.
fn changed(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(ANSWER.to_owned(), |all, (from, to)| {
        assert!(all.contains(from), "{from}");
        all.replace(from, to)
    })
}

const IDLE: &str = r#"{"work": null, "login": "ops", "hidden": 0, "invalid": null, "waiting": 0, "database": "mail", "elsewhere": null}"#;

#[test]
fn two_that_are_at_it_are_both_named_and_have_no_progress_in_common() {
    let db = db(PostgresPause::Cancel);
    let seen = Seen::of(told(ANSWER), &db).unwrap();
    let state = seen.state();
    assert_eq!(
        (state.state, state.progress, state.running_for),
        (
            State::Running,
            None,
            Some(Span::from(std::time::Duration::from_micros(1_435_110)))
        )
    );
    assert_eq!(
        &*state.detail,
        "CREATE INDEX on mail.messages, building index: scanning table, 24 of 5883 blocks, blocks 2 sessions · pid 28291 of dba; \
         VACUUM mail.messages, not at work yet, waits for pid 28291 (dba, active 1.4s) · pid 28340 of dba"
    );
    let [build, vacuum] = &seen.told.work[..] else {
        panic!("{seen:?}")
    };
    assert!((build.percent().unwrap() - 100.0 * 24.0 / 5883.0).abs() < 1e-9 && vacuum.percent().is_none());
    assert_eq!(
        build.backend().unwrap().query.to_string(),
        "2026-11-24T01:26:37.813037Z"
    );
    assert_eq!(
        &*touched(build),
        "CREATE INDEX on mail.messages · pid 28291 of dba, running 1.4s, building index: scanning table, 24 of 5883 blocks, \
         blocks 2 sessions (pid 28340, pid 28341)"
    );
}

#[test]
fn what_is_lost_is_said_for_each_kind_and_what_comes_back_or_must_not_stop_too() {
    let lines = |changes: &[(&str, &str)]| {
        let told = told(&changed(changes));
        lost(&told.work[0])
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("\n")
    };
    let concurrently = lines(&[("\"command\": \"CREATE INDEX\"", "\"command\": \"REINDEX CONCURRENTLY\"")]);
    assert!(
        concurrently.contains("_ccnew") && concurrently.contains("at it for 1.4s"),
        "{concurrently}"
    );
    let hidden = lines(&[
        ("\"command\": \"CREATE INDEX\"", "\"command\": null"),
        ("\"seconds\": 1.43511", "\"seconds\": null"),
    ]);
    assert!(
        !hidden.contains("at it for") && hidden.contains("if it builds an index CONCURRENTLY"),
        "{hidden}"
    );
    let urgent = lines(&[
        ("\"source\": \"index\"", "\"source\": \"vacuum\""),
        ("\"command\": \"CREATE INDEX\"", "\"command\": null"),
        ("\"autovacuum\": false", "\"autovacuum\": true"),
        ("\"wraparound\": false", "\"wraparound\": true"),
        ("\"in_transaction\": null", "\"in_transaction\": 300.0"),
    ]);
    for words in [
        "stays clean",
        "wraparound",
        "autovacuum_naptime",
        "open for 5m, is rolled back",
    ] {
        assert!(urgent.contains(words), "{words}: {urgent}");
    }
}

#[test]
fn the_state_is_what_is_at_it_before_what_its_settings_say_and_never_idle_when_it_cannot_be_seen() {
    let with = |answer: &str, pause: PostgresPause| Seen::of(told(answer), &db(pause)).map(|s| s.state().state);
    let held = format!("{{\"paused\": true}}\n{IDLE}");
    let free = format!("{{\"paused\": false}}\n{IDLE}");
    let blind = IDLE.replace("\"hidden\": 0", "\"hidden\": 3");
    for (answer, pause, want) in [
        (IDLE, PostgresPause::Cancel, State::Idle),
        (&*blind, PostgresPause::Cancel, State::Unknown),
        (ANSWER, PostgresPause::Cancel, State::Running),
        (&*held, settings(), State::Paused),
        (&*free, settings(), State::Idle),
        (&*format!("{{\"paused\": true}}\n{ANSWER}"), settings(), State::Running),
        (&*format!("{{\"paused\": true}}\n{blind}"), settings(), State::Unknown),
    ] {
        assert_eq!(with(answer, pause).unwrap(), want, "{answer}");
    }
    for paused in ["null", "\"t\"", "1"] {
        let missed = with(&format!("{{\"paused\": {paused}}}\n{IDLE}"), settings()).unwrap_err();
        assert!(
            missed.kind == Miss::BadAnswer && missed.why.contains(paused) && missed.fix.is_some(),
            "{missed}"
        );
    }
}

#[test]
fn columns_of_other_versions_and_bytes_of_no_encoding_do_no_harm_and_half_an_answer_is_none() {
    let newer = changed(&[(
        "\"lockers_done\": 0",
        "\"lockers_done\": 0, \"delay_time\": 1.5, \"indexes_total\": 3",
    )]);
    assert_eq!(told(&newer).work.len(), 2);
    let older = changed(&[("\"lockers_done\": 0, ", "")]);
    assert_eq!(told(&older).work.len(), 2);
    let bytes: Vec<u8> = changed(&[("mail.messages", "mail.m#")])
        .bytes()
        .map(|b| if b == b'#' { 0xff } else { b })
        .collect();
    let work = told::parse(&bytes).unwrap().work;
    assert!(touched(&work[0]).contains("mail.m\u{fffd}"), "{:?}", touched(&work[0]));
    for end in [0, 1, 20, 400, ANSWER.len() - 3] {
        let missed = told::parse(&ANSWER.as_bytes()[..end]).unwrap_err();
        assert!(
            missed.kind == Miss::BadAnswer && missed.fix.is_some(),
            "{end}: {missed}"
        );
    }
}
