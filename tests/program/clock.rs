//! A wall clock that is set while an incident goes on: what people read keeps its stamps, and lengths of time stay right.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use mailtop::domain::Span;
use mailtop::domain::event::Fact;
use mailtop::domain::incident::Entry;
use serde_json::Value;

use super::home::Home;
use super::lab::dovecot::{Dovecot, Options, PASSWORD, USER};
use super::watch::Watcher;

/// libfaketime sets the wall clock of one program and leaves its steady one alone. `None`, said on standard error, where it is not
/// installed (in CI that is a failure).
fn faketime() -> Option<PathBuf> {
    let all = fs::read_dir("/usr/lib").unwrap().flatten();
    let found = all
        .map(|dir| dir.path().join("faketime/libfaketimeMT.so.1"))
        .find(|p| p.exists());
    if found.is_none() {
        assert!(std::env::var_os("CI").is_none(), "left out in CI: no libfaketime");
        eprintln!("left out: no libfaketime");
    }
    found
}

#[test]
fn a_clock_that_goes_an_hour_on_during_an_incident_leaves_its_lengths_right() {
    let Some(lib) = faketime() else { return };
    let Some(dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    let home = Home::new();
    let password = home.write("password", PASSWORD);
    home.configure(&format!(
        "[incident]\nopen_after = \"1s\"\nprobes = 2\ngood_for = \"1s\"\n[defaults]\ninterval = \"1s\"\ntimeout = \"1s\"\n\
         [[server]]\nname = \"mbox1\"\n[[server.imap]]\nurl = \"imaps://{USER}@127.0.0.1:{}\"\nca_file = \"{}\"\npassword_file = \"{}\"\n",
        dovecot.imaps,
        dovecot.path("ca.pem").display(),
        password.display()
    ));
    let ahead = home.write("ahead", "+0");
    let mut watch = home.command(&["watch"]);
    watch
        .env("LD_PRELOAD", lib)
        .env("FAKETIME_TIMESTAMP_FILE", &ahead)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let mut watcher = Watcher::of(watch);
    let begun = Instant::now();
    watcher.until(
        "it to be good",
        |e| matches!(&e.what, Fact::Probed(r) if r.failure.is_none()),
    );
    dovecot.freeze();
    let said = |what: &Fact, is: fn(&Entry) -> bool| matches!(what, Fact::Incident(e) if is(e));
    watcher.until("an incident", |e| said(&e.what, |e| matches!(e, Entry::Opened(_))));
    fs::write(&ahead, "+3600").unwrap();
    let step = watcher.until("the step to be seen", |e| matches!(e.what, Fact::ClockStepped(_)));
    let Fact::ClockStepped(step) = step.what else {
        unreachable!()
    };
    assert!((step.by - Span::from_hours(1)).secs().abs() < 5, "{step:?}");
    watcher.until(
        "it to fail still",
        |e| matches!(&e.what, Fact::Probed(r) if r.failure.is_some()),
    );
    dovecot.thaw();
    let is_end = |e: &Entry| matches!(e, Entry::EndProposed(p) if p.restored.is_some());
    watcher.until("its end to be proposed", |e| said(&e.what, is_end));
    let passed = begun.elapsed().as_secs_f64();

    let list = home.run(&["incident", "list", "--format", "json"]).exits(0).json();
    let id = list[0]["id"].as_str().unwrap().to_owned();
    let shown = home.run(&["incident", "show", &id, "--format", "json"]).exits(0).json();
    let outage = &shown["clocks"]["outage"];
    let stamp = |at: &Value| at.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    let stamped = Span::between(stamp(&outage["from_at"]), stamp(&outage["to_at"]));
    assert!(
        stamped > Span::from_mins(59),
        "the stamps are those of the clock: {shown:#}"
    );
    let lasted = outage["secs"].as_f64().unwrap();
    assert!(lasted > 0.0 && lasted < passed, "{lasted} of {passed}: {shown:#}");
    let told = |l: &Value| l["words"].as_str().unwrap().contains("clock");
    assert!(shown["timeline"].as_array().unwrap().iter().any(told), "{shown:#}");
}
