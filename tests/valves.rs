//! The valves of a real Postfix: closed, opened, and what happens when somebody interferes. Needs root and Debian's `postfix`;
//! elsewhere it says what it left out.
#![allow(clippy::unwrap_used, clippy::expect_used)] // Not every function of a test program is a test.

#[path = "supervision/bench.rs"]
mod bench;
#[path = "valves/defer.rs"]
mod defer;
#[path = "valves/drift.rs"]
mod drift;
#[path = "valves/hold.rs"]
mod hold;
#[path = "valves/intake.rs"]
mod intake;
#[path = "lab/postfix.rs"]
mod lab;
#[path = "valves/meddling.rs"]
mod meddling;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use lab::{Postfix, missing};
use mailtop::domain::action::{ActionId, Choices, Release, Truth, Unarmed, Verb};
use mailtop::domain::job::{JobKind, JobSpec, JobState, State, Valve, ValveKind};
use mailtop::domain::queue::Sudo;
use mailtop::domain::reading::{Miss, Missed};
use mailtop::domain::{Name, Span, Timestamp};
use mailtop::jobs::{self, Planned, Wanted};
use mailtop::reach::Runner;

const HALF_AN_HOUR: Option<Span> = Some(Span::from_mins(30));
/// Mail is delivered the moment it is tried, into nothing.
const DELIVERS: &str = "default_transport = discard\nrelayhost =\nqueue_run_delay = 1s\nminimal_backoff_time = 1s\n";

/// The lab, or the word that it was left out: which is a failure where everything must run.
fn lab(settings: &str) -> Option<Postfix> {
    let Some(why) = missing() else {
        return Some(Postfix::start_with(settings));
    };
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "nothing may be left out with CI=true: {why}"
    );
    eprintln!("left out: {why}");
    None
}

fn valve(postfix: &Postfix, what: ValveKind) -> JobSpec {
    JobSpec {
        name: "valve".into(),
        kind: JobKind::Postfix(Box::new(Valve {
            config_dir: Some(postfix.conf().display().to_string()),
            what,
            sudo: Sudo::No,
        })),
        timeout: Span::from_secs(60),
    }
}

fn deferring(postfix: &Postfix, transports: &[&str], destinations: &[&str]) -> JobSpec {
    let owned = |all: &[&str]| all.iter().map(|s| (*s).to_owned()).collect();
    let (transports, destinations) = (owned(transports), owned(destinations));
    valve(
        postfix,
        ValveKind::Defer {
            transports,
            destinations,
        },
    )
}

async fn plan_as(spec: &JobSpec, verb: Verb, lasts: Option<Span>, release: Release) -> Result<Planned, Missed> {
    let wanted = Wanted {
        id: ActionId(Name::new(&format!("v{}", Timestamp::now().as_microsecond()))),
        verb,
        server: "mx1".into(),
        lasts: lasts.filter(|_| verb == Verb::Pause),
        // There may be no systemd where this runs.
        choices: Choices {
            unarmed: Unarmed::Allowed,
            release,
        },
        armed_for: None,
        pause_ran: vec![],
        by: "ops@here".into(),
    };
    jobs::plan(spec, &Runner::local(), wanted, Timestamp::now()).await
}

async fn plan(spec: &JobSpec, verb: Verb) -> Planned {
    plan_as(spec, verb, HALF_AN_HOUR, Release::AsItIs).await.unwrap()
}

/// Runs a plan and reads it back.
async fn run(spec: &JobSpec, planned: &Planned) -> Truth {
    let runner = Runner::local();
    let ran = jobs::act(planned, &runner).await;
    assert_eq!(ran.failed, None, "{:?}", planned.plan.runs);
    jobs::read_back_planned(planned, spec, &runner, Timestamp::now).await
}

async fn confirmed(spec: &JobSpec, verb: Verb) -> Planned {
    let planned = plan(spec, verb).await;
    let truth = run(spec, &planned).await;
    assert!(matches!(truth, Truth::Confirmed { .. }), "{verb}: {truth:?}");
    planned
}

async fn state(spec: &JobSpec) -> JobState {
    jobs::read(spec, &Runner::local(), Timestamp::now()).await.unwrap()
}

async fn until(spec: &JobSpec, what: &str, is: impl Fn(&JobState) -> bool) -> JobState {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let state = state(spec).await;
        if is(&state) {
            return state;
        }
        assert!(Instant::now() < end, "never {what}: {state:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn has(state: &JobState, words: &str) -> bool {
    state.beware.iter().any(|b| b.contains(words))
}

fn main_cf(postfix: &Postfix) -> String {
    fs::read_to_string(postfix.conf().join("main.cf")).unwrap()
}

/// What it says of a setting that is written out in main.cf.
fn setting(postfix: &Postfix, name: &str) -> String {
    let out = postfix
        .command("postconf")
        .args(["-n", name])
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    String::from_utf8(out.stdout).unwrap().trim().to_owned()
}

fn tool(postfix: &Postfix, program: &str, args: &[&str]) {
    assert!(
        postfix.command(program).args(args).status().unwrap().success(),
        "{program} {args:?}"
    );
}

/// The queue IDs of what is on hold.
fn held(postfix: &Postfix) -> Vec<String> {
    let text = String::from_utf8(postfix.listing().stdout).unwrap();
    let messages = text
        .lines()
        .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap());
    messages
        .filter(|m| m["queue_name"] == "hold")
        .map(|m| m["queue_id"].as_str().unwrap().to_owned())
        .collect()
}

/// How many messages are listed in each of these queues.
fn queued<const N: usize>(postfix: &Postfix, queues: [&str; N]) -> [usize; N] {
    let text = String::from_utf8(postfix.listing().stdout).unwrap();
    queues.map(|q| text.matches(&format!("\"queue_name\": \"{q}\"")).count())
}
