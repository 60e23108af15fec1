//! One verb on three whole hosts from the console: the first alone, a look, then the rest, one of which fails. The screen, the
//! record and what systemd says on each host agree; one key undoes what came about.

use std::time::Duration;

use serde_json::Value;

use super::home::Home;
use super::lab::host::{Host, boot_or_leave_out};
use super::lab::term::Term;

const UNIT: &str = "mail-db-compact.service";
const AT_WORK: &str = "[Service]\nExecStart=/bin/sh -c 'while :; do sleep 0.1; done'\n";
/// A systemctl that does all but freeze.
const NO_FREEZING: &str = "#!/bin/sh\ncase $1 in freeze) echo it does not support freezing >&2; exit 1 ;; esac\nexec /usr/bin/systemctl \"$@\"\n";
/// The console takes an Enter for the rest only after there was time to look at the first.
const A_LOOK: Duration = Duration::from_millis(1_300);

struct Lab {
    hosts: Vec<(String, Host)>,
    home: Home,
}

impl Lab {
    fn new() -> Option<Self> {
        let home = Home::new();
        let mut hosts = vec![];
        for name in ["mx1", "mx2", "mx3"] {
            let host = boot_or_leave_out(name)?;
            host.unit(UNIT, AT_WORK);
            host.sh(&format!("systemctl start {UNIT}"));
            hosts.push((name.to_owned(), host));
        }
        let all = hosts
            .iter()
            .map(|(_, h)| format!("Include {}", h.ssh_config().display()));
        let ssh_config = home.write("ssh_config", all.collect::<Vec<_>>().join("\n"));
        let servers = hosts.iter().map(|(name, _)| {
            format!(
                "[[server]]\nname = \"{name}\"\nreach = \"ssh:{name}\"\n[[server.job]]\nname = \"compact\"\n\
                 kind = \"systemd\"\nunit = \"{UNIT}\"\n"
            )
        });
        let defaults = format!(
            "[defaults]\ninterval = \"1s\"\ntimeout = \"10s\"\nssh_config = \"{}\"\n",
            ssh_config.display()
        );
        home.configure(&(defaults + &servers.collect::<String>()));
        Some(Self { hosts, home })
    }
    fn host(&self, name: &str) -> &Host {
        &self.hosts.iter().find(|(n, _)| n == name).unwrap().1
    }
    /// What systemd says of the unit on each: its state and its freezer's.
    fn units(&self) -> Vec<(String, String)> {
        self.hosts
            .iter()
            .map(|(_, h)| (h.show(UNIT, "ActiveState"), h.show(UNIT, "FreezerState")))
            .collect()
    }
    fn armed(&self, name: &str) -> String {
        self.host(name)
            .sh("systemctl list-units --plain --no-legend --state=active 'mailtop-resume*' | cut -d' ' -f1")
    }
    /// Server, verb, outcome of all that is on record.
    fn record(&self) -> Vec<(String, String, String)> {
        let list = self.home.run(&["actions", "list", "--format", "json"]).exits(0).json();
        let word = |a: &Value, key: &str| a[key].as_str().unwrap_or_default().to_owned();
        let mut all: Vec<_> = list["actions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| (word(a, "server"), word(a, "verb"), word(a, "outcome")))
            .collect();
        all.sort();
        all
    }
}

fn units(of: [(&str, &str); 3]) -> Vec<(String, String)> {
    of.map(|(a, f)| (a.to_owned(), f.to_owned())).to_vec()
}

/// The line of a server in the dialog.
fn row(screen: &str, name: &str) -> String {
    let of_it = |l: &&str| l.trim_start_matches(['│', ' ', '▌']).starts_with(name) && l.contains('│');
    screen.lines().find(of_it).unwrap_or_default().to_owned()
}

fn is_over(screen: &str) -> bool {
    screen.contains("3 of 3 over") || screen.contains("2 of 2 over")
}

fn confirm(console: &mut Term, reason: &str) {
    console.wait("the plans", |s| {
        s.contains("type mx1 to confirm") && s.contains("✔ ready")
    });
    console.send(reason);
    console.send("\t");
    console.send("mx1");
}

#[test]
fn on_three_hosts_the_first_goes_alone_and_the_screen_the_record_and_systemd_agree_on_all() {
    let Some(lab) = Lab::new() else { return };
    let mut console = lab.home.console(&[], (120, 40));
    console.wait("all three to be read", |s| s.matches("▶").count() >= 3);
    console.send("*");
    console.send("p");
    console.wait("three plans", |s| s.matches("✔ ready").count() == 3);
    // After the plan was made, what is to freeze it there stops working.
    lab.host("mx3").write("/usr/local/bin/systemctl", NO_FREEZING, 0o755);
    confirm(&mut console, "before the mail database is mended");
    console.send("\r");

    let seen = console.wait_for("look at it: 1 confirmed");
    assert!(row(&seen, "mx1").contains("✔ confirmed"), "{seen}");
    assert!(
        row(&seen, "mx2").contains("waiting") && row(&seen, "mx3").contains("waiting"),
        "{seen}"
    );
    assert_eq!(
        lab.units(),
        units([("active", "frozen"), ("active", "running"), ("active", "running")])
    );
    assert_eq!(lab.record(), [("mx1".into(), "pause".into(), "confirmed".into())]);

    std::thread::sleep(A_LOOK);
    console.send("\r");
    let seen = console.wait("the end", is_over);
    assert!(row(&seen, "mx2").contains("✔ confirmed"), "{seen}");
    assert!(
        row(&seen, "mx3").contains("✖") && row(&seen, "mx3").contains("failed"),
        "{seen}"
    );
    assert!(seen.contains("over: 2 confirmed, 1 failed: mx3"), "{seen}");
    assert_eq!(
        lab.units(),
        units([("active", "frozen"), ("active", "frozen"), ("active", "running")])
    );
    // A failure is told at once; what came of it is read back for a moment more.
    let record = loop {
        let record = lab.record();
        if record.iter().all(|(_, _, outcome)| outcome != "running") {
            break record;
        }
    };
    assert_eq!(record.len(), 3, "{record:?}");
    assert_eq!(record[0].2, "confirmed");
    assert_eq!(record[1].2, "confirmed");
    assert_eq!(record[2], ("mx3".into(), "pause".into(), "contradicted".into()));
    assert!(lab.armed("mx1").contains("mailtop-resume") && lab.armed("mx2").contains("mailtop-resume"));
    assert_eq!(
        lab.armed("mx3"),
        "",
        "what was armed for a pause that never was is taken back"
    );

    // One key undoes what came about, and only that.
    console.send("u");
    console.wait("two plans", |s| {
        s.contains("Resume") && s.matches("✔ ready").count() == 2
    });
    confirm(&mut console, "it is mended");
    console.send("\r");
    console.wait_for("look at it: 1 confirmed");
    std::thread::sleep(A_LOOK);
    console.send("\r");
    console.wait_for("over: 2 confirmed");
    assert_eq!(
        lab.units(),
        units([("active", "running"), ("active", "running"), ("active", "running")])
    );
    assert_eq!(lab.armed("mx1") + &lab.armed("mx2"), "");
    let resumed = lab.record().iter().filter(|(_, verb, _)| verb == "resume").count();
    assert_eq!(resumed, 2);
}
