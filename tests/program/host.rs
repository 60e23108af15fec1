//! A whole host over ssh, seen and steered from the console and from the shell: jobs that are frozen, jobs that lie, and a
//! network that is cut.

use serde_json::{Value, json};

use super::home::{Done, Home};
use super::lab::host::{Host, boot_or_leave_out};
use super::lab::term::Term;

const UNIT: &str = "mail-db-compact.service";
/// A unit that works until it is stopped, and says how far it is.
const AT_WORK: &str = "[Service]\nType=notify\nNotifyAccess=all\n\
    ExecStart=/bin/sh -c 'systemd-notify --ready --status=\"compacting: 62%% done\"; while :; do sleep 0.1; done'\n";
const SCREEN: (u16, u16) = (120, 40);

/// A host with a unit at work, and a home whose config names it, a job that lies, and the queue.
struct Lab {
    host: Host,
    home: Home,
}

impl Lab {
    fn new() -> Option<Self> {
        let host = boot_or_leave_out("mx1")?;
        host.unit(UNIT, AT_WORK);
        host.sh(&format!("systemctl start {UNIT}"));
        let home = Home::new();
        home.configure(&format!(
            r#"
[defaults]
interval = "2s"
timeout = "5s"
ssh_config = "{ssh_config}"

[[server]]
name = "mx1"
reach = "ssh:mx1"
[[server.queue]]
kind = "postfix"
[[server.job]]
name = "compact"
kind = "systemd"
unit = "{UNIT}"
[[server.job]]
name = "liar"
kind = "command"
status = ["echo", "running", "table", "3"]
pause = ["echo", "paused, really"]
resume = ["true"]
"#,
            ssh_config = host.ssh_config().display()
        ));
        Some(Self { host, home })
    }
    /// What systemd says of the unit.
    fn freezer(&self) -> String {
        self.host.show(UNIT, "FreezerState")
    }
    /// An action from the shell.
    fn act(&self, args: &[&str]) -> Done {
        self.home.run(args)
    }
}

/// Closes the dialog that is open. What is typed next comes after the wait: an escape and a letter in one go are another key.
fn close(console: &mut Term) {
    console.send("\x1b");
    console.wait("the dialog to be gone", |s| !s.contains('┌'));
}

fn leave(mut console: Term) {
    console.send("q");
    assert_eq!(console.wait_end(), 0);
}

/// The words of a screen in one line, without the frames: where lines are broken does not matter.
fn words(screen: &str) -> String {
    let plain: String = screen
        .chars()
        .map(|c| if ('─'..='╿').contains(&c) { ' ' } else { c })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn p_freezes_a_unit_and_systemd_agrees_and_a_job_that_lies_is_contradicted() {
    let Some(lab) = Lab::new() else { return };
    let mut console = lab.home.console(&[], SCREEN);
    console.wait("both jobs to be read", |s| {
        s.contains("compact ▶ running 62%") && s.contains("liar ▶ running")
    });
    assert_eq!(lab.freezer(), "running");

    console.send("p");
    console.wait_for("Pause: which job on mx1?");
    console.send("\r");
    console.wait("the plan", |s| {
        s.contains("Pause compact on mx1") && s.contains("Enter pause for 30m")
    });
    let plan = words(&console.screen());
    let ssh = format!("ssh -F {} mx1", lab.host.ssh_config().display());
    assert!(
        plan.contains(&format!("{ssh} systemctl freeze {UNIT} touches 1 unit, running")),
        "{plan}"
    );
    assert!(
        plan.contains(&format!("systemctl thaw {UNIT} · armed on mx1 itself, in 30m")),
        "{plan}"
    );
    // Without a reason nothing runs.
    console.send("\r");
    console.wait_for("a reason is required");
    assert_eq!(lab.freezer(), "running");
    console.send("drain the backlog first\r");
    console.wait_for("confirmed");
    console.wait_for("compact is paused, read back from the server");
    assert_eq!(lab.freezer(), "frozen");
    close(&mut console);
    console.wait_for("paused 62%");

    console.send("p");
    console.wait_for("Pause: which job on mx1?");
    console.send("j\r");
    console.wait("the plan", |s| {
        s.contains("Pause liar on mx1") && s.contains("Enter pause for 30m")
    });
    console.send("to see whether it tells the truth\r");
    console.wait_for("contradicted: asked to pause, but found running: table 3");
    console.wait("its words", |s| words(s).contains("paused, really"));
    assert!(
        words(&console.screen()).contains("✖ read back contradicted: found running"),
        "{}",
        console.screen()
    );
    close(&mut console);

    console.send("r");
    console.wait_for("Resume: which job on mx1?");
    console.send("\r");
    console.wait("the plan", |s| {
        s.contains("Resume compact on mx1") && s.contains("Enter resume now")
    });
    console.send("the backlog is gone\r");
    console.wait_for("compact is running, read back from the server");
    assert_eq!(lab.freezer(), "running");
    close(&mut console);
    leave(console);

    // A new console knows what was done, by whom and why.
    let mut console = lab.home.console(&[], SCREEN);
    console.wait_for("compact ▶ running 62%");
    console.send("\r3");
    let jobs = console.wait_for("the backlog is gone");
    assert!(
        jobs.contains("pause failed")
            && jobs.contains("found running")
            && jobs.contains("to see whether it tells the truth"),
        "{jobs}"
    );
}

#[test]
fn from_the_shell_0_is_confirmed_and_nothing_else_is() {
    let Some(lab) = Lab::new() else { return };
    let because = ["--reason", "drain first"];
    let pause = |job: &str, more: &[&str]| lab.act(&[&["pause", "mx1", job], &because[..], more].concat());
    let resume = |job: &str, more: &[&str]| lab.act(&[&["resume", "mx1", job], &because[..], more].concat());

    let dry = pause("compact", &["--dry-run"]).exits(0);
    assert!(
        dry.out.is_empty() && dry.err.contains(&format!("systemctl freeze {UNIT}")),
        "{}",
        dry.err
    );
    // Nobody to ask, and nobody said yes.
    let asked = pause("compact", &[]).exits(3);
    assert!(asked.err.contains("--yes"), "{}", asked.err);
    for args in [
        ["--read-only", "pause", "mx1", "compact", "--yes", "--reason", "x"],
        ["pause", "mx1", "compact", "--yes", "--reason", "x", "--read-only"],
    ] {
        let refused = lab.act(&args).exits(3);
        assert!(refused.err.contains("read-only"), "{}", refused.err);
    }
    assert!(
        lab.act(&["pause", "mx1", "compact", "--yes"])
            .exits(3)
            .err
            .contains("--reason")
    );
    assert!(
        lab.act(&["pause", "mx1", "compact", "--yes", "--reason", " "])
            .exits(3)
            .err
            .contains("reason")
    );
    assert!(
        lab.act(&["pause", "mx9", "compact", "--yes", "--reason", "x"])
            .exits(3)
            .err
            .contains("mx1")
    );
    assert!(
        pause("comapct", &["--yes"])
            .exits(3)
            .err
            .contains("its jobs are: compact, liar")
    );
    assert!(
        resume("compact", &["--for", "5m", "--yes"])
            .exits(3)
            .err
            .contains("--for")
    );
    assert_eq!(lab.freezer(), "running", "nothing of all that ran");

    assert_eq!(pause("compact", &["--for", "10m", "--yes"]).exits(0).out, "confirmed\n");
    assert_eq!(lab.freezer(), "frozen");
    let report = lab.home.run(&["check", "--format", "json"]).exits(0).json();
    let server = &report["servers"][0];
    let job = |name: &str| {
        server["jobs"]
            .as_array()
            .unwrap()
            .iter()
            .find(|j| j["name"] == name)
            .cloned()
            .unwrap()
    };
    assert_eq!(job("compact")["state"], "paused");
    assert_eq!(
        (&job("liar")["state"], &job("liar")["progress"]),
        (&json!("running"), &Value::Null)
    );
    assert_eq!(server["queues"][0]["depth"]["total"], 0, "{report:#}");
    assert_eq!(resume("compact", &["--yes"]).exits(0).out, "confirmed\n");
    assert_eq!(lab.freezer(), "running");

    let lie = pause("liar", &["--yes"]).exits(1);
    assert_eq!(lie.out, "contradicted: found running (table 3)\n");
    lab.host.sh(&format!("systemctl stop {UNIT}"));
    let dead = pause("compact", &["--yes"]).exits(3);
    assert!(dead.err.contains("nothing to pause"), "{}", dead.err);

    // The same by targets alone: the alias of an ssh config is enough to find its queue.
    let config = lab.host.ssh_config();
    let found = lab.home.run(&[
        "check",
        "ssh://mx1",
        "--ssh-config",
        config.to_str().unwrap(),
        "--format",
        "json",
    ]);
    assert_eq!(found.exits(0).json()["servers"][0]["queues"][0]["depth"]["total"], 0);
}

#[test]
fn a_network_that_is_cut_leaves_the_keys_alive_and_the_server_unknown_until_it_heals() {
    let Some(lab) = Lab::new() else { return };
    let mut console = lab.home.console(&[], SCREEN);
    let well = |s: &str| s.contains("mx1") && s.contains("✔ ok") && s.contains("compact ▶ running 62%");
    console.wait("the server to be well", well);

    lab.host.cut();
    // While looks hang, every key is answered: each wait here is for the paint that a key asks for.
    for _ in 0..3 {
        console.send("?");
        console.wait_for("Help: the fleet");
        close(&mut console);
    }
    let unknown = console.wait("the server to be unknown with its age", |s| s.contains("? silent "));
    assert!(
        !unknown.contains("✔ ok") && unknown.contains("? 1 unknown"),
        "{unknown}"
    );
    let age = |s: &str| {
        s.split("? silent ")
            .nth(1)
            .unwrap()
            .split_whitespace()
            .next()
            .unwrap()
            .to_owned()
    };
    let first = age(&unknown);
    console.wait("its age to go on", |s| s.contains("? silent ") && age(s) != first);
    // It says why. Until then both kinds of look have failed, by count and by listing, each after having waited in vain.
    console.wait("why, and half a minute", |s| s.contains("cannot be read, last read 3"));
    // Asking for an action on it is answered too: with why it cannot be planned.
    console.send("p");
    console.wait_for("Pause: which job on mx1?");
    close(&mut console);

    lab.host.heal();
    console.wait("it to recover by itself", well);
    leave(console);
}
