//! Answers of the script, and what they are judged to be.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::*;
use crate::domain::Span;
use crate::domain::job::{JobState, State};

/// A job of this valve, of the usual instance.
pub(super) fn spec(what: ValveKind) -> JobSpec {
    JobSpec {
        name: "valve".into(),
        kind: JobKind::Postfix(Box::new(Valve {
            config_dir: None,
            what,
            sudo: Sudo::No,
        })),
        timeout: Span::from_secs(30),
    }
}

fn smtp() -> ValveKind {
    ValveKind::Defer {
        transports: vec!["smtp".into()],
        destinations: vec![],
    }
}

/// What a Postfix answers that runs since second 1,000 of its host, whose main.cf was changed at `changed` seconds after or
/// before that.
fn answer(set: &str, changed: i64, children: &[(&str, &str, i64)], rest: &str) -> String {
    let start = 1_795_491_000;
    let mut text = format!(
        "uid 0\nat postconf /usr/sbin/postconf\nchanged {}.25\nchanged {}\nmaster 7\n",
        start + changed,
        start - 900
    );
    for line in set.lines() {
        writeln!(text, "set {line}").unwrap();
    }
    let all = [("qmgr", "qmgr -l -t unix -u", 0)]
        .into_iter()
        .chain(children.iter().copied());
    for (i, (program, ..)) in all.clone().enumerate() {
        let born = 100_000 + 100 * all.clone().nth(i).unwrap().2;
        writeln!(text, "child {} {born} {program}", 20 + i).unwrap();
    }
    text += "==> /dev/null <==\n\n";
    for (i, (_, command, _)) in all.enumerate() {
        writeln!(text, "==> /proc/{}/cmdline <==\n{command} ", 20 + i).unwrap();
    }
    format!("{text}hz 100\nnow {}.500000000 1100.50\n{rest}end\n", start + 100)
}

fn mail(queue: &str, at: i64, to: &str, why: &str) -> String {
    let arrival = 1_795_491_000 + at;
    serde_json::json!({"queue_name": queue, "queue_id": format!("{queue}{at}"), "arrival_time": arrival, "message_size": 9,
        "sender": "a@x", "recipients": [{"address": to, "delay_reason": why}]})
    .to_string()
        + "\n"
}

fn judged(what: &ValveKind, text: &str) -> JobState {
    let spec = spec(what.clone());
    let job = Job::of(&spec).unwrap();
    job.judge(&answer::parse(text.as_bytes()).unwrap()).state()
}

#[test]
fn processes_are_told_by_the_service_that_they_serve_and_by_when_they_began() {
    let text = answer("", -5, &[("smtp", "smtp -n relay -t unix -u", 7)], "listed 0\n");
    let got = answer::parse(text.as_bytes()).unwrap();
    assert_eq!((got.has_read(), got.master), (Some(true), Master::Runs));
    let relay = &got.children[1];
    assert_eq!((&*relay.program, relay.service.as_deref()), ("smtp", Some("relay")));
    assert_eq!(relay.started.as_second(), 1_795_491_007);
    assert_eq!(got.programs["postconf"], "/usr/sbin/postconf");
}

#[test]
fn a_deferred_transport_is_closed_only_by_what_the_running_postfix_shows() {
    let ours = "defer_transports = lmtp, smtp\n";
    let (none, agent) = (&[][..], &[("smtp", "smtp -t unix -u", 3)][..]);
    let (listed, kept) = (
        "listed 0\n",
        mail("deferred", 5, "u@a", "deferred transport") + "listed 0\n",
    );
    let old = mail("deferred", -5, "u@a", "deferred transport") + "listed 0\n";
    for (set, changed, children, rest, want, words) in [
        (ours, -5, none, listed, State::Paused, "read by the queue manager"),
        (
            ours,
            -5,
            none,
            &kept,
            State::Paused,
            "1 message kept for it, 1 of them came since",
        ),
        (
            ours,
            -5,
            agent,
            &kept,
            State::Running,
            "1 delivery agent of smtp at work",
        ),
        // Written, and not read: what this queue manager did itself is proof, what another one did is none.
        (ours, 50, none, listed, State::Unknown, "not shown by any message"),
        (ours, 50, none, &old, State::Unknown, "not shown by any message"),
        (
            ours,
            50,
            none,
            &kept,
            State::Paused,
            "kept for it by the running queue manager",
        ),
        ("", -5, none, &kept, State::Running, "smtp not deferred"),
        (
            "",
            50,
            none,
            &kept,
            State::Paused,
            "kept for it by the running queue manager",
        ),
        ("", 50, none, listed, State::Unknown, "not shown by any message"),
        ("", 50, agent, &kept, State::Running, "delivered"),
        (
            "defer_transports = smtpx\n",
            -5,
            none,
            listed,
            State::Running,
            "not deferred",
        ),
    ] {
        let got = judged(&smtp(), &answer(set, changed, children, rest));
        assert_eq!(got.state, want, "{set:?} {changed} {got:?}");
        assert!(got.detail.contains(words), "{words}: {got:?}");
        let unread = got.beware.iter().any(|b| b.contains("has not been read"));
        assert_eq!(unread, changed > 0 && children.is_empty(), "{got:?}");
    }
}

#[test]
fn a_part_of_what_is_to_be_deferred_is_not_a_closed_valve() {
    let both = ValveKind::Defer {
        transports: vec!["smtp".into(), "lmtp".into()],
        destinations: vec![],
    };
    let got = judged(&both, &answer("defer_transports = lmtp\n", -5, &[], "listed 0\n"));
    assert_eq!(
        (got.state, &*got.detail),
        (State::Running, "main.cf does not have all of it: smtp is missing")
    );
}

#[test]
fn hold_is_closed_only_while_nothing_is_outside_hold() {
    let ours = "header_checks = static:HOLD\n";
    let held = mail("hold", -11, "u@a", "") + &mail("hold", 9, "u@a", "") + &mail("maildrop", 9, "u@a", "");
    let (held, out) = (
        held.clone() + "listed 0\n",
        held + &mail("deferred", 1, "u@a", "x") + "listed 0\n",
    );
    let stale = &[("cleanup", "cleanup -z -t unix -u", -20)][..];
    let fresh = &[("cleanup", "cleanup -z -t unix -u", 2)][..];
    for (set, children, rest, want, words) in [
        (
            ours,
            &[][..],
            &*held,
            State::Paused,
            "2 messages on hold · 1 message of it came since",
        ),
        (ours, fresh, &held, State::Paused, "2 messages on hold"),
        (
            ours,
            stale,
            &held,
            State::Unknown,
            "1 cleanup processes were there before",
        ),
        (
            ours,
            &[][..],
            &out,
            State::Running,
            "1 message is not: 1 deferred · 2 messages on hold",
        ),
        (
            "",
            &[][..],
            &held,
            State::Running,
            "new mail is not held · 2 messages on hold",
        ),
        ("", &[][..], "listed 0\n", State::Running, "nothing is on hold"),
        (
            ours,
            &[][..],
            "postqueue: fatal: no\nlisted 69\n",
            State::Unknown,
            "postqueue: fatal: no",
        ),
        (ours, &[][..], "", State::Unknown, "cannot be listed"),
    ] {
        let got = judged(&ValveKind::Hold, &answer(set, -10, children, rest));
        assert_eq!(got.state, want, "{got:?}");
        assert!(got.detail.contains(words), "{words}: {got:?}");
    }
}

#[test]
fn a_listing_that_is_cut_is_told_as_a_lower_bound() {
    let many: String = (0..500).map(|i| mail("hold", i, "u@a", "")).collect();
    let text = answer("header_checks = static:HOLD\n", -1_000, &[], &(many + "listed 141\n"));
    let got = judged(&ValveKind::Hold, &text);
    assert_eq!(got.state, State::Paused);
    assert!(got.detail.contains("at least 500 messages on hold"), "{got:?}");
}

#[test]
fn intake_is_closed_only_when_nobody_listens() {
    let all = ValveKind::Intake { services: vec![] };
    let doors = "face all\ninet smtp 25 \ninet 127.0.0.1:10025 10025 127.0.0.1,\nsockets seen\n";
    let ours = "master_service_disable = inet\n";
    for (what, changed, rest, want, words) in [
        (
            &all,
            -5,
            String::new(),
            State::Paused,
            "nobody listens at smtp, 127.0.0.1:10025",
        ),
        (
            &all,
            -5,
            "listen 00000000:0019 9\nopen 0100007F:0019 3\n".into(),
            State::Running,
            "listening at smtp, but not at 127.0.0.1:10025 · 3 sessions open",
        ),
        (
            &all,
            5,
            "listen 00000000:0019 9\nlisten 0100007F:2729 8\n".into(),
            State::Running,
            "listening at smtp, 127.0.0.1:10025",
        ),
    ] {
        let got = judged(what, &answer(ours, changed, &[], &(doors.to_owned() + &rest)));
        assert_eq!(got.state, want, "{got:?}");
        assert!(got.detail.contains(words), "{words}: {got:?}");
    }
    let blind = judged(&all, &answer(ours, -5, &[], "face all\ninet smtp 25 \n"));
    assert_eq!(blind.state, State::Unknown);
    let odd = judged(&all, &answer(ours, -5, &[], "face all\ninet odd ? \nsockets seen\n"));
    assert!(odd.state == State::Unknown && odd.detail.contains("odd"), "{odd:?}");
    // Where a name leads is not known, so neither is who listens there.
    for rest in [
        "face all\ninet gone.test:25 25 ?gone.test,\nsockets seen\n",
        "face ?gone.test\ninet smtp 25 \nsockets seen\n",
        "face ?gone.test\ninet smtp 25 \nsockets seen\nlisten 00000000:0019 9\n",
    ] {
        let lost = judged(&all, &answer(ours, -5, &[], rest));
        assert!(
            lost.state == State::Unknown && lost.detail.contains("gone.test"),
            "{lost:?}"
        );
    }
    let local = "face ?gone.test\ninet 127.0.0.1:25 25 127.0.0.1,\nsockets seen\n";
    assert_eq!(judged(&all, &answer(ours, -5, &[], local)).state, State::Paused);
}

#[test]
fn a_name_that_is_not_found_there_is_told_as_such() {
    use std::os::unix::fs::PermissionsExt;
    let bin = tempfile::tempdir().unwrap();
    // As Postfix's own tool and the resolver of a host whose name server is down would answer.
    for (name, script) in [
        (
            "postconf",
            "case \"$*\" in *queue_directory*) echo /nowhere ;; *inet_interfaces*) echo mail.gone.test, 127.0.0.1 ;;\n\
             *-M*) echo 'smtp inet n - n - - smtpd'; echo 'door.gone.test:26 inet n - n - - smtpd' ;; esac",
        ),
        ("getent", "case $1 in services) echo smtp 25/tcp ;; *) exit 2 ;; esac"),
    ] {
        let file = bin.path().join(name);
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!("{}:{}", bin.path().display(), std::env::var("PATH").unwrap());
    let out = std::process::Command::new("sh")
        .args(["-c", LOOK, "sh", "", "network", ""])
        .env("PATH", path)
        .output()
        .unwrap();
    let answer = answer::parse(&out.stdout).unwrap();
    assert_eq!((answer.nameless.len(), answer.faces.len()), (1, 1), "{answer:?}");
    let unknown: Vec<_> = answer.doors.iter().map(|d| d.unknown(&answer)).collect();
    assert_eq!(unknown, [Some("mail.gone.test"), Some("door.gone.test")]);
}

#[test]
fn what_is_not_shown_is_unknown_and_a_postfix_that_is_down_is_said_to_be() {
    let ours = "defer_transports = smtp\n";
    let whole = answer(ours, -5, &[], "listed 0\n");
    let without = |what: &str| {
        let kept: Vec<&str> = whole.lines().filter(|l| !l.starts_with(what)).collect();
        judged(&smtp(), &(kept.join("\n") + "\n")).state
    };
    assert_eq!(without("nothing of it"), State::Paused);
    for gone in ["changed", "child", "hz", "now"] {
        assert_eq!(without(gone), State::Unknown, "{gone}");
    }
    let hidden = whole.replace("master 7", "master hidden");
    assert_eq!(judged(&smtp(), &hidden.replace("qmgr", "other")).state, State::Unknown);
    assert_eq!(
        judged(&smtp(), &whole.replace("master 7", "master none")).state,
        State::Failed
    );
    // One of the two files whose change is not known may be the newer.
    assert_eq!(
        judged(&smtp(), &whole.replacen("changed ", "changed ?", 1)).state,
        State::Unknown
    );
}

#[test]
fn an_answer_without_its_end_is_none() {
    let whole = answer("", -5, &[], "listed 0\n");
    assert!(answer::parse(whole.as_bytes()).is_ok());
    assert!(answer::parse(whole.strip_suffix("end\n").unwrap().as_bytes()).is_err());
    assert!(answer::parse(b"").is_err() && answer::parse(b"end\n").is_err());
    let fatal = answer::parse(b"uid 0\nfatal postconf: fatal: open /x/main.cf\nend\n").unwrap();
    assert_eq!(fatal.fatal.as_deref(), Some("postconf: fatal: open /x/main.cf"));
}

#[test]
fn each_valve_writes_its_own_words() {
    let ours = |what| {
        let spec = spec(what);
        let ours = Job::of(&spec).unwrap().ours();
        ours.into_iter()
            .map(|o| format!("{}={}", o.name, o.value))
            .collect::<Vec<_>>()
    };
    assert_eq!(ours(ValveKind::Hold), ["header_checks=static:HOLD"]);
    assert_eq!(
        ours(ValveKind::Defer {
            transports: vec!["smtp".into(), "lmtp".into()],
            destinations: vec!["A.test".into(), ".b.test".into()],
        }),
        [
            "defer_transports=smtp,lmtp,mailtop-paused",
            "transport_maps=inline:{a.test=mailtop-paused:,.b.test=mailtop-paused:}"
        ]
    );
    assert_eq!(
        ours(ValveKind::Intake { services: vec![] }),
        ["master_service_disable=inet"]
    );
    let some = vec!["smtp.inet".into(), "127.0.0.1:10025/inet".into(), "submission".into()];
    assert_eq!(
        ours(ValveKind::Intake { services: some }),
        ["master_service_disable=smtp/inet,127.0.0.1:10025/inet,submission/inet"]
    );
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(lines in prop::collection::vec(prop_oneof![
        "(uid|child|changed|now|hz|set|listed|face|inet|listen|open|holds|master|==> /proc/)[ 0-9a-zA-Z:/.,=-]{0,30}",
        "[^\\n]{0,40}",
        Just(mail("hold", 1, "u@a", "x").trim().to_owned()),
    ], 0..40)) {
        let text = format!("uid 0\n{}\nend\n", lines.join("\n"));
        for what in [ValveKind::Hold, smtp(), ValveKind::Intake { services: vec![] }] {
            if let Ok(answer) = answer::parse(text.as_bytes()) {
                let spec = spec(what);
                let _ = Job::of(&spec).unwrap().judge(&answer).state();
            }
        }
    }
}
