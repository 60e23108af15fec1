//! Actions from the shell, and what the record tells of them afterwards. The job is a command on this host whose state is a
//! file.

use std::collections::BTreeSet;
use std::process::{Child, Stdio};

use serde_json::Value;

use super::home::{Done, Home, assert_inert};

/// A home whose config names a job or two.
struct Lab(Home);

fn job(name: &str, dir: &str, pause: &str) -> String {
    format!(
        r#"
[[server.job]]
name = "{name}"
kind = "command"
status = ["cat", "{dir}/state"]
pause = ["sh", "-c", '{pause}']
resume = ["sh", "-c", 'echo running > {dir}/state']
"#
    )
}

impl Lab {
    /// With jobs that are paused by these scripts; `@` stands for the folder.
    fn new(pauses: &[(&str, &str)]) -> Self {
        let home = Home::new();
        home.write("state", "running\n");
        let dir = home.path().display().to_string();
        let jobs: String = pauses
            .iter()
            .map(|(n, p)| job(n, &dir, &p.replace('@', &dir)))
            .collect();
        home.configure(&format!(
            "[defaults]\ninterval = \"1s\"\ntimeout = \"20s\"\n[[server]]\nname = \"mx1\"\nreach = \"local\"\n{jobs}"
        ));
        Self(home)
    }
    fn plain() -> Self {
        Self::new(&[("compact", "echo paused > @/state; echo done")])
    }
    fn pause(&self, more: &[&str]) -> Done {
        let args = ["pause", "mx1", "--unarmed", "--reason", "drain first"];
        self.0.run(&[&args[..], more].concat())
    }
    fn state(&self) -> String {
        std::fs::read_to_string(self.0.path().join("state"))
            .unwrap()
            .trim()
            .to_owned()
    }
    fn list(&self, more: &[&str]) -> Vec<Value> {
        let args = [&["actions", "list", "--format", "json"], more].concat();
        let list = self.0.run(&args).exits(0).json();
        list["actions"].as_array().unwrap().clone()
    }
    /// Starts a pause whose command waits at the gate, and returns once it is there.
    fn pause_at_the_gate(&self) -> Child {
        let args = ["pause", "mx1", "--unarmed", "--yes", "--reason", "drain first"];
        let mut child = self.0.command(&args).stdout(Stdio::piped()).spawn().unwrap();
        while !self.0.path().join("begun").exists() {
            assert_eq!(child.try_wait().unwrap(), None, "it ended before it was there");
            std::thread::yield_now();
        }
        child
    }
}

/// A lab whose pause says that it has begun and waits until it may go on.
fn gated() -> Lab {
    let lab = Lab::new(&[("compact", ": > @/begun; cat @/gate; echo paused > @/state")]);
    // Opening a pipe waits for its other end.
    let gate = lab.0.path().join("gate");
    assert!(
        std::process::Command::new("mkfifo")
            .arg(gate)
            .status()
            .unwrap()
            .success()
    );
    lab
}

#[test]
fn a_dry_run_ends_with_0_when_all_would_do_and_with_2_when_something_would_not() {
    let lab = Lab::plain();
    let dry = lab.pause(&["--dry-run"]).exits(0);
    assert!(
        dry.out.is_empty() && dry.err.contains("ok       sh is there: /"),
        "{}",
        dry.err
    );
    assert!(
        dry.err.contains("ok       compact is as it was: it is running"),
        "{}",
        dry.err
    );
    assert!(dry.err.contains("ok       the record can be written"), "{}", dry.err);
    assert_eq!((lab.state().as_str(), lab.list(&[]).len()), ("running", 0));
    let bad = lab.0.config();
    let text = std::fs::read_to_string(&bad).unwrap();
    std::fs::write(&bad, text.replace("pause = [\"sh\"", "pause = [\"/no/such/sh\"")).unwrap();
    let dry = lab.pause(&["--dry-run"]).exits(2);
    assert!(dry.err.contains("NOT OK   /no/such/sh is there"), "{}", dry.err);
}

#[test]
fn the_job_need_not_be_named_where_there_is_just_one_that_fits() {
    let lab = Lab::plain();
    assert_eq!(lab.pause(&["--yes"]).exits(0).out, "confirmed\n");
    assert_eq!(lab.state(), "paused");
    for verb in ["hold", "release", "flush"] {
        let none = lab.0.run(&[verb, "mx1", "--yes", "--reason", "x"]).exits(3);
        assert!(none.err.contains("mx1 has no job of kind postfix"), "{}", none.err);
        let other = lab.0.run(&[verb, "mx1", "compact", "--yes", "--reason", "x"]).exits(3);
        assert!(
            other.err.contains("compact on mx1 is no job of kind postfix"),
            "{}",
            other.err
        );
    }
    let two = Lab::new(&[("compact", "true"), ("reindex", "true")]);
    let which = two.pause(&["--yes"]).exits(3);
    assert!(which.err.contains("say which: compact, reindex"), "{}", which.err);
    let other = lab.pause(&["--yes", "--confirm", "mx2"]).exits(3);
    assert!(
        other.err.contains("--confirm says mx2, but this is on mx1"),
        "{}",
        other.err
    );
}

#[test]
fn the_record_tells_who_did_what_when_and_why_and_what_became_of_it() {
    let lab = Lab::plain();
    lab.pause(&["--yes", "--for", "10m"]).exits(0);
    lab.0
        .run(&["resume", "mx1", "--yes", "--reason", "drained\u{1b}[2J"])
        .exits(0);
    // From the journal alone.
    lab.0.configure("this is no config");
    let journal = std::fs::read(lab.0.journal()).unwrap();
    let all = lab.list(&[]);
    let [pause, resume] = &all[..] else { panic!("{all:#?}") };
    let members: BTreeSet<&str> = pause.as_object().unwrap().keys().map(String::as_str).collect();
    let promised = [
        "id",
        "verb",
        "server",
        "job",
        "outcome",
        "at",
        "by",
        "run_by",
        "reason",
        "runs",
        "touches",
        "beware",
        "undo",
        "lasts",
        "ends_at",
        "armed_on_server",
        "unarmed",
        "requeued",
        "ran",
        "lost",
        "read_back",
        "ended",
        "drifts",
    ];
    assert_eq!(members, promised.into_iter().collect());
    assert_eq!(
        (&pause["verb"], &pause["outcome"]),
        (&"pause".into(), &"confirmed".into())
    );
    assert_eq!(pause["reason"], "drain first");
    // What arms its end may say something first.
    let output = pause["ran"]["output"].as_str().unwrap();
    assert!(pause["ran"]["exit"] == 0 && output.ends_with("done"), "{pause:#}");
    assert_eq!(pause["lasts"], 600.0);
    assert!(pause["at"].as_str().unwrap().ends_with("+00:00"), "{pause:#}");
    assert!(
        pause["runs"]
            .as_array()
            .unwrap()
            .iter()
            .any(|r| r.as_str().unwrap().contains("echo paused"))
    );
    assert_eq!(
        (&pause["ended"]["how"], &pause["ended"]["action"]),
        (&"resumed".into(), &resume["id"])
    );
    assert_eq!((&resume["verb"], &resume["ended"]), (&"resume".into(), &Value::Null));

    let id = pause["id"].as_str().unwrap();
    let one = lab.0.run(&["actions", "show", id, "--format", "json"]).exits(0).json();
    assert_eq!(&one, pause);
    let text = lab.0.run(&["actions", "show", id]).exits(0).out;
    for words in [
        "outcome   confirmed, resumed\n",
        "why       drain first\n",
        "ran       exit 0, took ",
    ] {
        assert!(text.contains(words), "{words:?} in\n{text}");
    }
    let lines = lab.0.run(&["actions", "list"]).exits(0).out;
    assert!(
        lines.lines().count() == 2 && lines.contains("pause compact on mx1  confirmed, resumed  "),
        "{lines}"
    );
    assert_inert("the list", lines.as_bytes());
    // Another zone, with its offset.
    let berlin = lab
        .0
        .command(&["actions", "list"])
        .env("TZ", "Asia/Kolkata")
        .output()
        .unwrap();
    assert!(String::from_utf8(berlin.stdout).unwrap().contains(" +05:30  "));
    for (more, count) in [
        (&["--server", "mx1", "--job", "compact", "--since", "all"][..], 2),
        (&["--server", "mx2"], 0),
        (&["--job", "reindex"], 0),
        (&["--since", "0s"], 0),
    ] {
        assert_eq!(lab.list(more).len(), count, "{more:?}");
    }
    assert!(
        lab.0
            .run(&["actions", "show", "none"])
            .exits(3)
            .err
            .contains("no action none")
    );
    assert!(
        std::fs::read(lab.0.journal()).unwrap() == journal,
        "reading changed the journal"
    );
    let empty = Home::new();
    assert!(empty.run(&["actions", "list"]).exits(3).err.contains("no journal at"));
    assert!(!empty.journal().exists());
}

#[test]
fn a_second_shell_is_told_who_is_at_it_and_nothing_of_its_runs() {
    let lab = gated();
    let first = lab.pause_at_the_gate();
    assert_eq!(lab.list(&[])[0]["outcome"], "running");
    let second = lab.pause(&["--yes"]).exits(3);
    assert!(
        second.err.contains(" began to pause compact on mx1 ") && second.err.contains("still at it: nothing ran"),
        "{}",
        second.err
    );
    std::fs::write(lab.0.path().join("gate"), "").unwrap();
    Done::from(first.wait_with_output().unwrap()).exits(0);
    assert_eq!(lab.list(&[]).len(), 1);
}

#[test]
fn an_action_whose_shell_was_killed_is_of_unknown_outcome_until_a_console_has_read_it_back() {
    let lab = gated();
    let mut killed = lab.pause_at_the_gate();
    killed.kill().unwrap();
    killed.wait().unwrap();
    // What it started goes on.
    std::fs::write(lab.0.path().join("gate"), "").unwrap();
    let unknown = &lab.list(&[])[0];
    assert_eq!(
        (&unknown["outcome"], &unknown["read_back"]),
        (&"outcome unknown".into(), &Value::Null)
    );
    while lab.state() != "paused" {
        std::thread::yield_now();
    }
    let watched = lab.0.run(&["watch", "--for", "3s"]).exits(0).out;
    assert_eq!(watched.matches("\"action-lost\"").count(), 1, "{watched}");
    let known = &lab.list(&[])[0];
    assert_eq!(known["outcome"], "confirmed", "{known:#}");
    assert!(
        known["lost"]["why"]
            .as_str()
            .unwrap()
            .contains("before the end of its commands")
    );
    let id = known["id"].as_str().unwrap();
    let text = lab.0.run(&["actions", "show", id]).exits(0).out;
    assert!(
        text.contains("outcome   outcome unknown, read back later: confirmed"),
        "{text}"
    );
}
