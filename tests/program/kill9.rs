//! Maintenance is never stopped for ever: the console that pauses is killed at a random moment, and the unit runs again by
//! itself when the pause is over, nothing stays armed, and the record tells what happened, to the console that is started next.
//!
//! Twelve moments of a pause of 6 seconds, in about two minutes; by hand thirty of 20, in about fifteen, with what was measured:
//! `MAILTOP_TEST_MOMENTS=30 cargo test --test program kill9 -- --nocapture`. `MAILTOP_TEST_SEED` repeats a run.

use std::time::{Duration, Instant};

use mailtop::domain::event::Event;
use mailtop::journal::{Pick, Sqlite};
use serde_json::Value;

use super::home::Home;
use super::lab::host::{Host, boot_or_leave_out};
use super::lab::term::Term;
use dice::Dice;

#[path = "../lab/dice.rs"]
#[allow(dead_code)] // Of the dice only one is thrown here.
mod dice;

const UNIT: &str = "mail-db-compact.service";
/// A unit that works until it is stopped. `beat` grows while it does.
const AT_WORK: &str = "[Service]\nExecStart=/bin/sh -c 'while :; do echo >> /run/beat; sleep 0.1; done'\n";
/// A test waits this long for what must come; it is no measure of anything.
const PATIENCE: Duration = Duration::from_secs(90);

struct Lab {
    host: Host,
    home: Home,
    lasts: u64,
}

/// From when on a moment is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Start,
    Plan,
}

/// How one moment went.
struct Told {
    after: Duration,
    /// What `actions show` says, where the plan came to be on record.
    outcome: String,
    /// From the pause to the unit at work.
    took: Duration,
}

impl Lab {
    fn new(lasts: u64) -> Option<Self> {
        let host = boot_or_leave_out("mx1")?;
        host.unit(UNIT, AT_WORK);
        host.sh(&format!("systemctl start {UNIT}"));
        let home = Home::new();
        home.configure(&format!(
            "[defaults]\ninterval = \"1s\"\ntimeout = \"10s\"\npause_for = \"{lasts}s\"\nssh_config = \"{}\"\n[[server]]\n\
             name = \"mx1\"\nreach = \"ssh:mx1\"\n[[server.job]]\nname = \"compact\"\nkind = \"systemd\"\nunit = \"{UNIT}\"\n",
            host.ssh_config().display()
        ));
        Some(Self { host, home, lasts })
    }
    fn console(&self) -> Term {
        let console = self.home.console(&[], (120, 40));
        console.wait_for("compact ▶ running");
        console
    }
    /// Opens the dialog of a pause, to where only Enter is left.
    fn all_but_enter(&self, console: &mut Term) {
        console.send("p");
        console.wait_for(&format!("Enter pause for {}s", self.lasts));
        console.send("a moment");
        console.wait_for("a moment");
    }
    fn is_at_work(&self) -> bool {
        let lines = || self.host.sh("wc -l < /run/beat").trim().parse::<u64>().unwrap();
        if self.host.show(UNIT, "FreezerState") != "running" {
            return false;
        }
        let before = lines();
        until("two beats or a freeze", || {
            lines() > before + 1 || self.host.show(UNIT, "FreezerState") != "running"
        });
        self.host.show(UNIT, "FreezerState") == "running"
    }
    fn armed(&self) -> String {
        self.host
            .sh("systemctl list-units --plain --no-legend --state=active 'mailtop-resume*'; pgrep -af '^[^ ]*sleep .*mailtop-resume' || :")
    }
    fn newest(&self) -> Option<Value> {
        let list = self.home.run(&["actions", "list", "--format", "json"]);
        list.exits(0).json()["actions"].as_array().unwrap().last().cloned()
    }
    /// When the newest action was put on record.
    fn newest_at(&self) -> Option<jiff::Timestamp> {
        let mut newest = None;
        let fold = &mut |events: Vec<Event>| newest = events.into_iter().next();
        let reader = Sqlite::read_only(&self.home.journal()).unwrap();
        reader.actions(&Pick::default(), fold).unwrap();
        newest.map(|e| e.at)
    }

    /// A pause that nobody kills: how long after Enter its plan was on record, and it was read back.
    fn a_whole_one(&self, console: &mut Term) -> (Duration, Duration) {
        self.all_but_enter(console);
        let (begun, on_the_clock) = (Instant::now(), jiff::Timestamp::now());
        console.send("\r");
        console.wait_for("compact is paused, read back from the server");
        let end = begun.elapsed();
        assert_eq!(self.host.show(UNIT, "FreezerState"), "frozen");
        let at = self.newest().unwrap()["at"]
            .as_str()
            .unwrap()
            .parse::<jiff::Timestamp>()
            .unwrap();
        let planned = Duration::try_from(at.duration_since(on_the_clock)).unwrap_or_default();
        until("the unit to run again", || self.is_at_work());
        console.send("\x1b");
        console.wait("the dialog to be gone", |s| !s.contains('┌'));
        console.wait_for("compact ▶ running");
        (planned, end)
    }

    /// Kills the console that pauses, so long after Enter or after its plan came to be on record.
    fn moment(&self, from: From, wait: Duration, console: &mut Term) -> Told {
        let before = self.newest().map(|a| a["id"].clone());
        let last = self.newest_at();
        self.all_but_enter(console);
        let begun = Instant::now();
        console.send("\r");
        if from == From::Plan {
            until("its plan on record", || self.newest_at() != last);
        }
        // The moment itself: nothing is awaited here.
        std::thread::sleep(wait);
        console.kill();
        let after = begun.elapsed();
        // It may be paused still: who looks next sees that.
        *console = self.home.console(&[], (120, 40));
        until("the unit at work and nothing armed", || {
            self.is_at_work() && self.armed().is_empty()
        });
        let took = begun.elapsed();
        console.wait_for("compact ▶ running");
        let is_new = |a: &Value| Some(&a["id"]) != before.as_ref();
        let Some(first) = self.newest().filter(is_new) else {
            return Told {
                after,
                outcome: "killed before its plan was on record".into(),
                took,
            };
        };
        let id = first["id"].as_str().unwrap();
        let told = || {
            self.home
                .run(&["actions", "show", id, "--format", "json"])
                .exits(0)
                .json()
        };
        until("the record to tell", || {
            let a = told();
            // What was paused and known to be has an end.
            a["read_back"] != Value::Null && (a["outcome"] != "confirmed" || a["ended"] != Value::Null)
        });
        let a = told();
        assert_eq!(a["drifts"], Value::Array(vec![]), "{a:#}");
        if a["outcome"] == "confirmed" {
            assert_eq!(a["ended"]["how"], "expired", "{a:#}");
        }
        // Who was killed before the read-back was on record left that to the console.
        let by_console = a["lost"] != Value::Null;
        let ended = a["ended"]["how"].as_str().map(|h| format!(", {h}")).unwrap_or_default();
        let ran = if a["ran"] == Value::Null {
            ""
        } else {
            ", its commands had ended"
        };
        Told {
            after,
            outcome: format!(
                "{}{}{ran}{ended}",
                if by_console { "outcome unknown, read back: " } else { "" },
                a["outcome"].as_str().unwrap()
            ),
            took,
        }
    }
}

fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(3));
    }
}

#[test]
fn the_console_may_be_killed_at_any_moment_of_a_pause_and_the_unit_runs_again_and_the_record_tells_why() {
    let by_hand: Option<usize> = std::env::var("MAILTOP_TEST_MOMENTS").ok().map(|n| n.parse().unwrap());
    let seed = std::env::var("MAILTOP_TEST_SEED").map_or_else(
        |_| std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs(),
        |s| s.parse().unwrap(),
    );
    eprintln!("MAILTOP_TEST_SEED={seed}");
    let mut dice = Dice::new(seed);
    let (moments, lasts) = by_hand.map_or((12, 6), |n| (n, 20));
    let Some(lab) = Lab::new(lasts) else { return };
    let mut console = lab.console();
    let (planned, end) = lab.a_whole_one(&mut console);
    for n in 0..moments {
        // Of five, one at any time before the plan is on record, one at any time of the pause, and three spread over what comes
        // between, to a little after the read-back: each at random in a part of its own.
        let at = (n as f64 + dice.unit()) / moments as f64;
        let (from, wait) = match n % 5 {
            0 => (From::Start, planned.mul_f64(dice.unit())),
            4 => (From::Plan, Duration::from_secs(lasts).mul_f64(dice.unit())),
            _ => (From::Plan, end.saturating_sub(planned).mul_f64(1.2 * at)),
        };
        let told = lab.moment(from, wait, &mut console);
        eprintln!(
            "killed after {:>5} ms (planned {}, end {}): at work {:.1}s after the start; {}",
            told.after.as_millis(),
            planned.as_millis(),
            end.as_millis(),
            told.took.as_secs_f64(),
            told.outcome
        );
        // A measure, and so for the run by hand only.
        assert!(
            by_hand.is_none() || told.took < Duration::from_secs(25),
            "it took {:?}",
            told.took
        );
    }
}
