//! Least privilege on a whole host: an ordinary login with exactly the printed sudo rules does every configured verb, and
//! nothing else, however its commands are bent.

#![allow(clippy::unwrap_used)] // Not every function of a test program is a test.

#[path = "rights/bent.rs"]
mod bent;
#[path = "rights/command.rs"]
mod command;
mod lab;
#[path = "rights/place.rs"]
mod place;
#[path = "rights/valve.rs"]
mod valve;

use std::collections::BTreeSet;

use jiff::Timestamp;
use mailtop::domain::action::{ActionId, Truth, Verb};
use mailtop::domain::argv::Argv;
use mailtop::domain::job::{JobKind, JobSpec, Postgres, PostgresPause, ProcessFind, State};
use mailtop::domain::queue::Sudo;
use mailtop::domain::{Name, Span};
use mailtop::jobs::rights::{self, rules};
use mailtop::jobs::{self, Wanted};
use mailtop::reach::Runner;
use place::{JOBS, Place, sh, within};

async fn done(spec: &JobSpec, runner: &Runner, verb: Verb, lasts: Option<Span>) -> (jobs::Planned, Truth) {
    let wanted = Wanted {
        id: ActionId(Name::new(&format!("a{}", Timestamp::now().as_microsecond()))),
        verb,
        server: "mx1".into(),
        lasts,
        choices: mailtop::domain::action::Choices::default(),
        armed_for: None,
        pause_ran: vec![],
        by: "ops@here".into(),
    };
    let mut planned = jobs::plan(spec, runner, wanted, Timestamp::now()).await.unwrap();
    planned
        .reasoned("it's \"due\"; $(reboot)\n→ später".into(), runner)
        .unwrap();
    let ran = jobs::act(&planned, runner).await;
    assert_eq!(ran.failed, None, "{verb} {}: {planned:?}", spec.name);
    let truth = jobs::read_back(spec, runner, verb, Timestamp::now).await;
    (planned, truth)
}

async fn state(spec: &JobSpec, runner: &Runner) -> State {
    jobs::read(spec, runner, Timestamp::now()).await.unwrap().state
}

#[tokio::test]
async fn with_the_printed_rules_a_login_does_each_configured_verb_and_the_check_agrees() {
    let Some(place) = Place::boot() else { return };
    let runner = place.ops();

    // Without them the check names each verb and what it lacks, and exits 1.
    let checked = place.mailtop(&["config", "sudoers", "mx1", "--check"]);
    assert_eq!(checked.status, Some(1), "{checked:?}");
    for line in [
        "compact: pause lacks /usr/bin/systemctl freeze mail-db-compact.service\n",
        "compact: resume lacks /usr/bin/systemctl thaw mail-db-compact.service\n",
        "compact: extend lacks /usr/bin/systemd-run ^--on-active=",
        "own: pause lacks /usr/bin/systemd-run ^--on-active=",
    ] {
        assert!(checked.out.contains(line), "{line}\n{}", checked.out);
    }
    let compact = place.job("compact");
    let missing = rights::rights(&compact, &runner).await.unwrap();
    assert!(missing.lacks.iter().any(|l| l.verb == Verb::Pause), "{missing:?}");
    assert!(
        rights::rights(&compact, &place.host.runner())
            .await
            .unwrap()
            .lacks
            .is_empty()
    );

    let printed = place.install();
    // A star stands in the expressions for a time and for a text, and nowhere else: no wildcard.
    let plain = ["[1-9][0-9]*m?s", "[A-Za-z0-9+!*/.,:@=_-]+", "[A-Za-z0-9+/]+=*"]
        .iter()
        .fold(printed.clone(), |text, known| text.replace(known, ""));
    assert!(
        printed.contains("[1-9][0-9]*m?s") && !printed.contains("ALL=(ALL") && !plain.contains(['*', '?']),
        "{plain}"
    );
    let checked = place.mailtop(&["config", "sudoers", "mx1", "--check"]);
    assert_eq!(
        (checked.status, &*checked.out),
        (Some(0), "nothing is lacking on mx1\n"),
        "{checked:?}"
    );
    for name in JOBS {
        assert!(
            rights::rights(&place.job(name), &runner)
                .await
                .unwrap()
                .lacks
                .is_empty(),
            "{name}"
        );
    }

    for (name, timer) in [("compact", "mail-db-compact.timer"), ("reindex", "reindex.timer")] {
        let spec = place.job(name);
        place.until_runs(&spec, &runner).await;
        let (planned, truth) = done(&spec, &runner, Verb::Pause, Some(Span::from_mins(30))).await;
        assert!(
            planned.plan.armed_on_server && matches!(truth, Truth::Confirmed { .. }),
            "{name}: {truth:?}"
        );
        assert_eq!(place.host.show(timer, "ActiveState"), "inactive", "{name}");
        assert_eq!(place.armed().len(), 1);
        // A second pause arms anew and takes the first end away.
        let (_, truth) = done(&spec, &runner, Verb::Pause, Some(Span::from_millis(1_800_500))).await;
        assert!(matches!(truth, Truth::Confirmed { .. }), "{name}: {truth:?}");
        assert_eq!(place.armed().len(), 1);
        let (_, truth) = done(&spec, &runner, Verb::Resume, None).await;
        assert!(matches!(truth, Truth::Confirmed { .. }), "{name}: {truth:?}");
        assert_eq!(place.armed(), Vec::<String>::new());
        assert_eq!(place.host.show(timer, "ActiveState"), "active", "{name}");

        // And its armed end does what the rule let through.
        let (_, truth) = done(&spec, &runner, Verb::Pause, Some(Span::from_secs(3))).await;
        assert!(
            matches!(truth, Truth::Confirmed { .. } | Truth::Contradicted { .. }),
            "{name}: {truth:?}"
        );
        place.until_runs(&spec, &runner).await;
    }

    // With only the timer at work, in each way of pausing.
    for (name, unit, timer) in [
        ("compact", "mail-db-compact.service", "mail-db-compact.timer"),
        ("reindex", "reindex.service", "reindex.timer"),
    ] {
        place.host.sh(&format!(
            "systemctl stop {unit}; systemctl reset-failed {unit} || :; systemctl start {timer}"
        ));
        let spec = place.job(name);
        let (_, truth) = done(&spec, &runner, Verb::Pause, Some(Span::from_mins(30))).await;
        assert!(matches!(truth, Truth::Confirmed { .. }), "{name}: {truth:?}");
        let (_, truth) = done(&spec, &runner, Verb::Resume, None).await;
        assert!(!matches!(truth, Truth::Unverifiable { .. }), "{name}: {truth:?}");
        assert_eq!(place.host.show(timer, "ActiveState"), "active", "{name}");
    }

    // A command of the login's own is armed as the login.
    let own = place.job("own");
    assert_eq!(state(&own, &runner).await, State::Running);
    let host = rights::there(std::slice::from_ref(&own), None, &runner, own.timeout)
        .await
        .unwrap();
    let rule = rules(&own, &host)
        .rules
        .into_iter()
        .find(|r| r.program == "systemd-run")
        .unwrap();
    let arm = Argv::new(
        "sudo",
        ["-n", "systemd-run"]
            .map(str::to_owned)
            .into_iter()
            .chain(rule.arguments.sample()),
    );
    let out = runner.run(&arm, within()).await.unwrap();
    assert!(out.ok(), "{out:?}");
    let service = place.armed()[0].replace(".timer", ".service");
    assert_eq!(place.host.show(&service, "User"), place.host.sh("id -u ops").trim());
    let disarm = Argv::new("sudo", ["-n", "systemctl", "stop", &place.armed()[0]]);
    assert!(runner.run(&disarm, within()).await.unwrap().ok());
}

#[tokio::test]
async fn a_password_that_would_be_asked_for_is_a_lack() {
    let Some(place) = Place::boot() else { return };
    place.install();
    // Later than the rules, and so what counts: sudo -l says yes, and sudo would ask.
    place
        .host
        .write("/etc/sudoers.d/zz-all", "ops ALL=(ALL:ALL) ALL\n", 0o440);
    let runner = place.ops();
    let freeze = Argv::new("sudo", ["-n", "-l", "systemctl", "freeze", "mail-db-compact.service"]);
    assert!(runner.run(&freeze, within()).await.unwrap().ok());
    let found = rights::rights(&place.job("compact"), &runner).await.unwrap();
    assert!(found.lacks.iter().any(|l| l.rule.contains("freeze")), "{found:?}");
    // Before them it takes nothing away.
    place.host.sh("mv /etc/sudoers.d/zz-all /etc/sudoers.d/aa-all");
    let found = rights::rights(&place.job("compact"), &runner).await.unwrap();
    assert_eq!(found.lacks, []);
}

#[tokio::test]
async fn what_no_exact_rule_can_allow_is_lacking_all_the_same_until_a_login_may_do_all() {
    let Some(place) = Place::boot() else { return };
    place.install();
    let runner = place.ops();
    let job = |kind| JobSpec {
        name: "beyond".into(),
        kind,
        timeout: Span::from_secs(30),
    };
    let signalled = job(JobKind::Process {
        find: ProcessFind::Pattern(Argv::new("rsync", [""; 0])),
        user: Some("backup".into()),
        sudo: Sudo::Yes,
    });
    let database = job(JobKind::Postgres(Box::new(Postgres {
        psql: Argv::new("psql", ["-d", "mail"]),
        run_as: Some("postgres".into()),
        table: None,
        pause: PostgresPause::Cancel,
    })));
    for (spec, word) in [
        (&signalled, "(backup) kill -STOP"),
        (&database, "(postgres) psql -d mail"),
    ] {
        let needs = rules(spec, &rights::There::usual());
        assert!(needs.rules.is_empty() && !needs.cannot.is_empty(), "{needs:?}");
        let found = rights::rights(spec, &runner).await.unwrap();
        let first = found.lacks.first().unwrap();
        assert!(first.verb == Verb::Pause && first.rule.starts_with(word), "{found:?}");
    }
    place
        .host
        .write("/etc/sudoers.d/zz-all", "ops ALL=(ALL:ALL) NOPASSWD: ALL\n", 0o440);
    for spec in [&signalled, &database] {
        assert_eq!(rights::rights(spec, &runner).await.unwrap().lacks, []);
    }
}

#[tokio::test]
async fn nothing_but_the_configured_verbs_gets_through() {
    let Some(place) = Place::boot() else { return };
    place.install();
    let runner = place.ops();
    runner.run(&sh("mkdir -p bin; printf '#!/bin/sh\\ntouch /tmp/pwned\\n' > bin/systemctl; chmod 755 bin/systemctl; ln -s /bin/sh bin/systemd-run"), within()).await.unwrap();
    let mut tried = 0;
    for attempt in bent::attempts(place.has_text()) {
        let out = runner
            .run(&Argv::new("sudo", attempt.iter().copied()), within())
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        let refused = [
            "a password is required",
            "not allowed",
            "not permitted",
            "may not",
            "unknown user",
            "usage: sudo",
            "invalid option",
        ];
        assert!(
            !out.ok() && refused.iter().any(|r| said.contains(r)),
            "{attempt:?}: {said}"
        );
        tried += 1;
    }
    assert!(tried >= 40, "{tried}");
    assert_eq!(place.armed(), Vec::<String>::new());
    assert_eq!(place.host.show("ssh.service", "ActiveState"), "active");
    assert!(place.host.run(&["test", "-e", "/tmp/pwned"]).status.code() == Some(1));
}

#[tokio::test]
async fn an_argument_that_swallows_its_neighbour_still_runs_nothing_else() {
    let Some(place) = Place::boot() else { return };
    place.install();
    let runner = place.ops();
    let uid = place.host.sh("id -u ops").trim().to_owned();
    let mut let_through = 0;
    for name in JOBS {
        let spec = place.job(name);
        let host = rights::there(std::slice::from_ref(&spec), None, &runner, spec.timeout)
            .await
            .unwrap();
        for rule in rules(&spec, &host).rules.iter().filter(|r| r.program == "systemd-run") {
            // To sudo these are all the same command.
            for vector in bent::same_when_joined(&bent::carrying_text(&rule.arguments.sample())) {
                let words = ["-n".to_owned(), "systemd-run".to_owned()]
                    .into_iter()
                    .chain(vector.iter().cloned());
                let out = runner.run(&Argv::new("sudo", words), within()).await.unwrap();
                let_through += usize::from(!String::from_utf8_lossy(&out.stderr).contains("a password is required"));
                for timer in place.armed() {
                    let service = timer.replace(".timer", ".service");
                    let quoted = mailtop::domain::argv::quote(&service);
                    let shown = place.host.sh(&format!("systemctl show -p User,ExecStart -- {quoted}"));
                    if name == "own" {
                        assert!(shown.contains(&format!("User={uid}\n")), "{vector:?}: {shown}");
                    } else {
                        bent::assert_is_a_resume(&shown, &vector);
                    }
                    place
                        .host
                        .sh(&format!("systemctl stop -- {}", mailtop::domain::argv::quote(&timer)));
                }
            }
        }
    }
    assert!(let_through > 20, "{let_through}");
    assert_eq!(place.host.show("mail-db-compact.service", "FreezerState"), "running");
}

#[tokio::test]
async fn of_all_changes_to_an_allowed_command_only_those_to_another_allowed_one_are_allowed() {
    let Some(place) = Place::boot() else { return };
    place.install();
    let runner = place.ops();
    let mut all = BTreeSet::new();
    let mut allowed = vec![];
    for name in JOBS {
        let spec = place.job(name);
        let host = rights::there(std::slice::from_ref(&spec), None, &runner, spec.timeout)
            .await
            .unwrap();
        for rule in rules(&spec, &host).rules {
            let mut words = vec![rule.program.clone()];
            words.extend(bent::carrying_text(&rule.arguments.sample()));
            allowed.push(words);
        }
    }
    let has_text = place.has_text();
    let own = place.resumes_of("own");
    let mut dice = fastrand::Rng::with_seed(4);
    for words in &allowed {
        all.insert(words.clone());
        for _ in 0..1_000 {
            all.insert(bent::mutated(words, &allowed, &mut dice));
        }
    }
    let all: Vec<Vec<String>> = all.into_iter().collect();
    let uid = place.host.sh("id -u ops").trim().to_owned();
    let answers = place.sudo_lists(&all);
    assert_eq!(answers.len(), all.len());
    let mut yes = 0;
    for (words, answer) in all.iter().zip(&answers) {
        let is_allowed = bent::is_allowed(words, &uid, has_text, &own);
        assert_eq!(*answer, is_allowed, "{words:?}");
        yes += usize::from(*answer);
    }
    assert!(yes >= allowed.len() && yes < all.len() / 2, "{yes} of {}", all.len());
    eprintln!("{} commands, {} variants, {yes} allowed", allowed.len(), all.len());
}
