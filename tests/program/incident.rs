//! Incidents from the shell: opened by hand and by a watcher, written to, posted by a program that works, fails or hangs, and
//! read back.

use mailtop::domain::event::Fact;
use mailtop::domain::incident::Entry;
use serde_json::Value;

use super::home::{Done, Home, assert_inert};
use super::watch::Watcher;

const CONFIG: &str = "[[server]]\nname = \"mx1\"\ninterval = \"1s\"\n[[server.imap]]\nurl = \"imap://127.0.0.1:1\"\n";

struct Desk(Home);

impl Desk {
    fn new(incident: &str) -> Self {
        let home = Home::new();
        home.configure(&format!("[incident]\n{incident}\n{CONFIG}"));
        Self(home)
    }
    fn run(&self, args: &[&str]) -> Done {
        self.0.run(&[&["incident"], args].concat())
    }
    fn list(&self) -> Vec<Value> {
        let list = self.run(&["list", "--format", "json"]).exits(0).json();
        list.as_array().unwrap().clone()
    }
    fn show(&self) -> Value {
        let id = self.list()[0]["id"].as_str().unwrap().to_owned();
        self.run(&["show", &id, "--format", "json"]).exits(0).json()
    }
    fn opened(incident: &str) -> Self {
        let desk = Self::new(incident);
        let args = [
            "open",
            "store down",
            "--server",
            "mx1",
            "--layer",
            "store",
            "--number",
            "INC1",
        ];
        desk.run(&args).exits(0);
        desk
    }
}

fn texts(shown: &Value) -> Vec<String> {
    let lines = shown["timeline"].as_array().unwrap();
    lines.iter().map(|l| l["words"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn an_incident_opened_by_hand_is_listed_with_the_members_that_are_promised() {
    let desk = Desk::new("");
    let before = desk.run(&["list"]).exits(0);
    assert_eq!(before.out, "no incidents on record\n");
    assert!(
        before
            .err
            .contains("nothing has been recorded yet: there is no journal at"),
        "{}",
        before.err
    );
    assert_eq!(
        desk.run(&["list", "--format", "json"]).exits(0).json(),
        Value::Array(vec![])
    );
    let none = desk.run(&["show", "INC1"]).exits(3);
    assert!(none.err.contains("there is no incident `INC1`"), "{}", none.err);
    desk.run(&[
        "open",
        "--server",
        "mx1",
        "--server",
        "mx2",
        "--layer",
        "network",
        "--backdate",
        "2026-01-02 10:58",
    ])
    .exits(0);
    let all = desk.list();
    let mut members: Vec<&str> = all[0].as_object().unwrap().keys().map(String::as_str).collect();
    let mut promised = [
        "id",
        "name",
        "number",
        "state",
        "layer",
        "servers",
        "started_at",
        "detected_at",
        "acknowledged_at",
        "restored_at",
        "resolved_at",
    ];
    members.sort_unstable();
    promised.sort_unstable();
    assert_eq!(members, promised);
    assert_eq!(all[0]["name"], "network down on mx1 and mx2");
    assert_eq!(all[0]["started_at"], "2026-01-02T10:58:00.000+00:00");
    assert_eq!(
        (&all[0]["number"], &all[0]["acknowledged_at"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(all[0]["state"], "investigating");
}

#[test]
fn what_people_say_and_do_is_put_on_record_and_read_back_safe_to_show() {
    let desk = Desk::opened("number = \"INC######\"");
    desk.run(&["note", "inc1", "ESC \u{1b}[2J \u{202e}rtl 🚒"]).exits(0);
    desk.run(&["ack", "INC1"]).exits(0);
    desk.run(&["ack", "INC1"]).exits(3);
    desk.run(&["ticket", "INC1", "INC267603", "--affected", "a@example.com"])
        .exits(0);
    desk.run(&["update", "INC267603", "we look into it", "--state", "identified"])
        .exits(0);
    desk.run(&["start", "INC267603", "2026-01-02 10:58"]).exits(0);
    desk.run(&["resolve", "INC267603", "--reason", "the disk was grown"])
        .exits(0);
    let all = desk.list();
    assert_eq!(
        (&all[0]["number"], &all[0]["state"]),
        (&"INC267603".into(), &"resolved".into())
    );
    assert!(all[0]["acknowledged_at"].is_string() && all[0]["resolved_at"].is_string());
    assert_eq!(all[0]["started_at"], "2026-01-02T10:58:00.000+00:00");
    let shown = desk.show();
    let lines = texts(&shown);
    for part in [
        "␛[2J \\u{202e}rtl 🚒",
        "ticket INC267603, affected: a@example.com",
        "we look into it",
        "the disk was grown",
    ] {
        assert!(lines.iter().any(|l| l.contains(part)), "{part}: {lines:#?}");
    }
    assert_eq!(shown["owed"]["overdue"], false, "a closing word is owed: {shown:#}");
    let text = desk.run(&["show", "INC267603"]).exits(0);
    assert_inert("the text", text.out.as_bytes());
    assert!(text.out.contains("start as corrected by"), "{}", text.out);
    let people = desk.run(&["show", "INC267603", "--source", "probe"]).exits(0);
    assert!(!people.out.contains("we look into it"), "{}", people.out);
    desk.run(&["note", "INC9", "x"]).exits(3);
    desk.run(&["note", "INC267603", "  "]).exits(3);
    desk.run(&["start", "INC267603", "2099-01-01 00:00"]).exits(3);
}

#[test]
fn an_update_goes_to_the_program_as_it_was_given_and_is_on_record_with_the_time_of_the_next() {
    let home = Home::new();
    let out = home.path().join("posted");
    home.configure(&format!(
        "[incident]\npublish = [\"sh\", \"-c\", \"cat > {}\"]\n{CONFIG}",
        out.display()
    ));
    let desk = Desk(home);
    desk.run(&["open", "store down", "--number", "INC1"]).exits(0);
    let words = "Mail is delayed.\nNext update at 12:20. 👩‍🚒\n";
    desk.0
        .run_on(
            &["incident", "update", "INC1", "-", "--publish", "--next", "20m"],
            words.as_bytes(),
        )
        .exits(0);
    assert_eq!(std::fs::read_to_string(out).unwrap(), words);
    let lines = texts(&desk.show());
    assert!(
        lines
            .iter()
            .any(|l| l.starts_with("public update (next promised for ") && l.ends_with("Mail is delayed.")),
        "{lines:#?}"
    );
}

#[test]
fn a_draft_is_worded_by_templates_of_ones_own_and_one_that_is_wrong_is_named() {
    let desk = Desk::opened("templates = \"words\"");
    let config = desk.0.path().join(".config/mailtop/words");
    desk.run(&["draft", "INC1"]).exits(3);
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("customer-investigating.txt"), "Dear all: {title}\n").unwrap();
    let own = desk.run(&["draft", "INC1"]).exits(0);
    assert_eq!(own.out, "Dear all: store down\n");
    std::fs::write(config.join("customer-investigating.txt"), "{cause}\n").unwrap();
    let wrong = desk.run(&["draft", "INC1"]).exits(0);
    assert!(
        wrong
            .err
            .contains("customer-investigating.txt:1: there is no field {cause}"),
        "{}",
        wrong.err
    );
    assert!(wrong.out.starts_with("store down\n"), "{}", wrong.out);
    let check = desk.0.run(&["config", "check"]).exits(3);
    assert!(
        check
            .err
            .contains("customer-investigating.txt:1: there is no field {cause}"),
        "{}",
        check.err
    );
}

#[test]
fn a_program_that_fails_is_shown_with_its_words_and_nothing_is_put_on_record() {
    let desk = Desk::opened("publish = [\"sh\", \"-c\", \"echo no route to the status page >&2; exit 7\"]");
    let done = desk.run(&["update", "INC1", "words", "--publish"]).exits(2);
    assert!(
        done.err.contains("exit 7: no route to the status page") && done.err.contains("not on record"),
        "{}",
        done.err
    );
    assert!(!texts(&desk.show()).iter().any(|l| l.contains("public update")));
    let none = Desk::opened("");
    let done = none.run(&["update", "INC1", "words", "--publish"]).exits(3);
    assert!(done.err.contains("set publish ="), "{}", done.err);
}

#[test]
fn what_was_posted_and_cannot_be_put_on_record_says_so_and_what_the_record_cannot_keep_is_not_posted() {
    let home = Home::new();
    let out = home.path().join("posted");
    home.configure(&format!(
        "[incident]\npublish = [\"sh\", \"-c\", \"cat > {}; sleep 1\"]\n{CONFIG}",
        out.display()
    ));
    let desk = Desk(home);
    desk.run(&["open", "store down", "--number", "INC1"]).exits(0);
    let long = "x".repeat(2_001);
    let done = desk.run(&["update", "INC1", &long, "--publish"]).exits(3);
    assert!(done.err.contains("more than 2000 characters"), "{}", done.err);
    assert!(!out.exists(), "nobody was told");
    let (over, journal) = (std::sync::mpsc::channel::<()>(), desk.0.journal());
    let held = std::thread::spawn(move || {
        while !out.exists() {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let db = rusqlite::Connection::open(journal).unwrap();
        db.execute_batch("BEGIN IMMEDIATE").unwrap();
        let _ = over.1.recv();
    });
    let done = desk.run(&["update", "INC1", "words", "--publish"]).exits(3);
    drop(over.0);
    held.join().unwrap();
    assert!(
        done.err.contains("the update WAS POSTED, and is not on record"),
        "{}",
        done.err
    );
    assert!(!texts(&desk.show()).iter().any(|l| l.contains("public update")));
}

#[test]
fn a_program_that_hangs_is_ended_at_its_limit_with_all_that_it_started_and_nothing_is_put_on_record() {
    let home = Home::new();
    let pids = home.path().join("pids");
    let script = format!("echo $$ > {0}; sleep 600 & echo $! >> {0}; wait", pids.display());
    home.configure(&format!(
        "[incident]\npublish = [\"sh\", \"-c\", \"{script}\"]\n{CONFIG}"
    ));
    let desk = Desk(home);
    desk.run(&["open", "store down", "--number", "INC1"]).exits(0);
    let began = std::time::Instant::now();
    let done = desk
        .run(&["update", "INC1", "words", "--publish", "--give-up-after", "1s"])
        .exits(2);
    assert!(began.elapsed().as_secs() < 20);
    for part in [
        "the update is not on record, and whether it was posted is not known",
        "sh -c",
        "1.0s",
    ] {
        assert!(done.err.contains(part), "{part}: {}", done.err);
    }
    assert!(!texts(&desk.show()).iter().any(|l| l.contains("public update")));
    let pids = std::fs::read_to_string(pids).unwrap();
    assert_eq!(pids.lines().count(), 2);
    let runs = |pid: &str| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, s)| !s.starts_with('Z'))
    };
    assert!(!pids.lines().any(runs), "{pids}");
    desk.run(&["update", "INC1", "words", "--publish", "--give-up-after", "0.5"])
        .exits(3);
}

#[test]
fn a_watcher_opens_one_by_what_probes_say_and_a_second_watcher_does_not_open_it_again() {
    let desk = Desk::new("open_after = \"1s\"\nprobes = 2");
    let (mut first, mut second) = (Watcher::start(&desk.0), Watcher::start(&desk.0));
    let opened = |what: &Fact| matches!(what, Fact::Incident(e) if matches!(**e, Entry::Opened(_)));
    let seen = first.until("an incident", |e| opened(&e.what));
    let again = second.until("the same incident", |e| opened(&e.what));
    assert_eq!(seen, again);
    for _ in 0..3 {
        first.until("another probe", |e| matches!(e.what, Fact::Probed(_)));
    }
    let all = desk.list();
    assert_eq!(all.len(), 1, "{all:#?}");
    assert_eq!(
        (&all[0]["layer"], &all[0]["name"]),
        (&"network".into(), &"network down on mx1".into())
    );
    let shown = desk.show();
    assert_eq!(shown["clocks"]["detected"]["from"], "first bad probe of imap on mx1");
    assert_eq!(shown["first_bad_at"], shown["started_at"]);
    assert!(
        texts(&shown).iter().any(|l| l.starts_with("down: network")),
        "{shown:#}"
    );
}
