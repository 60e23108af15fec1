//! A record of an outage that is small enough to be read: from 10:58 to 12:30 the store of mbox1 fails while out1 sends, a queue
//! grows and is worked off, a job is paused, people write, and for ten minutes nobody watches.

use mailtop::domain::Timestamp;
use mailtop::domain::event::Event;
use mailtop::domain::incident::debt::Cadence;
use mailtop::journal::bundle::Stretch;
use mailtop::model::Model;
use mailtop::report::series::Series;
use mailtop::report::times::Times;
use mailtop::report::{Report, ranges};
use serde_json::{Value, json};

/// Minutes after Saturday, 21 November 2026, 10:00 UTC.
pub fn t(min: i64) -> Timestamp {
    Timestamp::from_second(1_795_255_200 + min * 60).unwrap()
}
fn at(min: i64) -> String {
    t(min).to_string()
}

/// The words that a hostile or merely foreign hand writes.
pub const HOSTILE: &str = "ESC \u{1b}[2J | *bold* [link](http://x.example/) <img src=x onerror=alert(1)> `tick` @team \u{202e}rtl עברית 👩\u{200d}🚒";

pub fn event(min: i64, about: Value, fact: &str, data: Value) -> Event {
    let mut e =
        json!({"at": at(min), "seen_by": "lin@desk:4711", "about": about, "what": {"fact": fact, "data": data}});
    if e["what"]["data"].is_null() {
        e["what"].as_object_mut().unwrap().remove("data");
    }
    serde_json::from_value(e).unwrap()
}
pub fn said(min: i64, entry: Value) -> Event {
    event(
        min,
        json!({"part": "incident", "incident": "20261121T1058-4fa2"}),
        "incident",
        entry,
    )
}
fn door(server: &str, door: &str) -> Value {
    json!({"part": "door", "server": server, "door": door})
}
fn queue(server: &str) -> Value {
    json!({"part": "queue", "server": server, "queue": "postfix"})
}
pub fn job() -> Value {
    json!({"part": "job", "server": "mbox1", "job": "db-compact"})
}

pub fn watching() -> Event {
    let server = |name: &str, door: Value, queues: Value, jobs: Value| {
        json!({"name": name, "reach": "local", "read_only": false, "every": 60_000_000,
            "limits": {"slow": 1_000_000, "cert_days": 14, "queue_depth": 2_000}, "doors": [door], "queues": queues, "jobs": jobs})
    };
    let imap = json!({"name": "imap", "url": "imaps://probe@mbox1", "protocol": "imap", "role": "mailbox", "anonymous": false});
    let submission = json!({"name": "submission", "url": "submissions://probe@out1", "protocol": "submission", "role": "outbound", "anonymous": false});
    let jobs = json!([{"name": "db-compact", "kind": "systemd", "about": "mail-db-compact.service"}]);
    let roster = json!({
        "servers": [
            server("mbox1", imap, json!([{"name": "postfix", "kind": "postfix"}]), jobs),
            server("out1", submission, json!([]), json!([])),
        ],
        "senders": [
            {"sender": "Impatient Mailer", "gives_up_after": 3_600_000_000_u64, "at_least": null, "tries": null, "source": "its manual"},
            {"sender": "Mailgun", "gives_up_after": 28_800_000_000_u64, "at_least": null, "tries": null, "source": "its help centre"},
        ],
    });
    event(0, json!({"part": "observer"}), "watching", roster)
}

pub fn probed(min: i64, server: &str, name: &str, fails: Option<&str>) -> Event {
    let (url, goal, plan) = match name {
        "imap" => ("imaps://probe@mbox1", "fetch", json!(["tcp", "login", "fetch"])),
        _ => ("submissions://probe@out1", "login", json!(["tcp", "login"])),
    };
    let failure = fails.map(|layer| json!({"layer": layer, "phase": "examine", "code": "SERVERBUG", "text": "Internal error occurred", "hint": null}));
    let report = json!({
        "url": url, "peer": null, "phases": [{"phase": "tcp", "took": 1_000, "ok": true}, {"phase": "login", "took": 6_000, "ok": true}],
        "proved": if fails.is_some() { "login" } else { goal }, "goal": goal, "plan": plan, "failure": failure,
        "tls": null, "greeting": null, "alerts": [], "notes": [],
    });
    event(min, door(server, name), "probed", report)
}

pub fn depth(min: i64, n: u64) -> Event {
    let snapshot = json!({
        "kind": "postfix", "how": "counted", "partial": null, "skipped_lines": 0, "listing": null, "took": 41_000,
        "depth": {"maildrop": 0, "incoming": 0, "active": 0, "deferred": n, "hold": 0, "other": 0},
        "next_listing": 0, "next_look": null, "said": null, "system": "unknown", "cpu": null,
    });
    event(min, queue("mbox1"), "queue-seen", snapshot)
}

fn flow(min: i64, arrived: u64, delivered: u64) -> Event {
    let seen = json!({"source": "log", "from": at(min - 1), "counts": {"arrived": arrived, "delivered": delivered},
        "partial": null, "behind": 0, "took": 5_000});
    event(min, queue("mbox1"), "flow-seen", seen)
}

pub fn job_seen(min: i64, state: &str, armed: Value) -> Event {
    let read = json!({"state": state, "progress": 62.0, "running_for": null, "detail": state, "armed": armed});
    event(min, job(), "job-seen", read)
}

fn planned(min: i64, id: &str, verb: &str) -> Event {
    let plan = json!({
        "id": id, "verb": verb, "server": "mbox1", "job": "db-compact", "runs": ["systemctl freeze mail-db-compact.service"],
        "touches": ["1 unit"], "beware": [], "undo": "systemctl thaw mail-db-compact.service", "armed_on_server": true,
        "lasts": if verb == "pause" { json!(1_800_000_000_u64) } else { Value::Null }, "reason": "drain the backlog first", "by": "lin@bastion",
    });
    event(min, job(), "action-planned", plan)
}

/// The depth at a minute: twenty, then up to 1,860, then down again.
fn deep(min: i64) -> u64 {
    match min {
        ..58 => 20,
        58..=150 => 20 + (min as u64 - 58) * 20,
        _ => 1_860_u64.saturating_sub((min as u64 - 150) * 60).max(20),
    }
}

/// All of it.
pub fn record() -> Vec<Event> {
    let mut all = vec![watching()];
    for min in 0..240 {
        // Nobody watches from 11:40 to 11:50.
        if !(100..110).contains(&min) {
            let failing = (58..150).contains(&min).then_some("store");
            all.push(probed(min, "mbox1", "imap", failing));
            all.push(probed(min, "out1", "submission", None));
            all.push(depth(min, deep(min)));
            all.push(flow(
                min,
                if min < 58 { 20 } else { 25 },
                if failing.is_some() { 5 } else { 60 },
            ));
            all.push(job_seen(
                min,
                if (80..110).contains(&min) { "paused" } else { "running" },
                json!([]),
            ));
        }
        all.extend(at_minute(min));
    }
    all
}

fn at_minute(min: i64) -> Vec<Event> {
    let by = "lin@bastion";
    match min {
        59 => vec![said(
            59,
            json!({
                "entry": "opened", "name": "mailbox store down on mbox1", "how": "rule", "layer": "store", "servers": ["mbox1"],
                "doors": [{"server": "mbox1", "door": "imap", "role": "mailbox", "layer": "store", "first_bad": at(58), "last_good": at(57)}],
                "started": at(58), "last_good": at(57), "lasted": 60_000_000, "stood_before": 20,
            }),
        )],
        63 => vec![said(63, json!({"entry": "acknowledged", "by": by}))],
        64 => vec![
            said(64, json!({"entry": "noted", "text": HOSTILE, "by": "רון@bastion"})),
            said(
                64,
                json!({"entry": "ticket-linked", "ticket": "INC267603", "is": "number", "by": by}),
            ),
            said(
                64,
                json!({"entry": "ticket-linked", "ticket": "T-1 <b>", "affected": ["a@example.com", "Ö|B"], "by": by}),
            ),
        ],
        66 => vec![said(
            66,
            json!({
                "entry": "update-posted", "lines": ["Mailboxes cannot be read.", "", "We are on it. ``` 100% <3"], "by": by, "next_at": at(86),
                "out": {"hook": {"command": "post-status"}},
            }),
        )],
        80 => vec![
            planned(80, "a1", "pause"),
            event(
                80,
                job(),
                "action-ran",
                json!({"id": "a1", "exit": 0, "output": "", "took": 200_000, "failed": null}),
            ),
            event(
                80,
                job(),
                "action-read-back",
                json!({"id": "a1", "truth": {"truth": "confirmed", "at": at(80)}}),
            ),
        ],
        90 => vec![event(
            90,
            job(),
            "action-measured",
            json!({"id": "a1", "queue": "postfix",
            "influence": {"influence": "changed", "before_per_min": 5.0, "after_per_min": 12.0, "ratio": null}}),
        )],
        112 => vec![
            planned(112, "a2", "resume"),
            event(
                112,
                job(),
                "action-ran",
                json!({"id": "a2", "exit": 0, "output": "", "took": 200_000, "failed": null}),
            ),
            event(
                112,
                job(),
                "action-read-back",
                json!({"id": "a2", "truth": {"truth": "unverifiable", "why": "no answer in 5s"}}),
            ),
        ],
        160 => vec![said(
            160,
            json!({"entry": "end-proposed",
            "restored": {"last_bad": at(149), "first_good": at(150), "ago": 600_000_000, "backlog": "clearing"}}),
        )],
        200 => vec![said(
            200,
            json!({"entry": "state", "to": "resolved", "by": by, "why": "the array was rebuilt"}),
        )],
        _ => vec![],
    }
}

/// The report of a record at a minute.
pub fn report(events: &[Event], min: i64) -> Report {
    let id = "20261121T1058-4fa2";
    let mut first = Model::new(None);
    first.apply_all(events);
    let incident = first.incidents().find(|i| i.id.0.as_str() == id).unwrap().clone();
    let (range, during) = ranges(&incident, t(min));
    let stretch = Stretch::of(&incident, t(min));
    assert!(stretch.from <= range.from, "what is drawn is read");
    let (mut model, mut series) = (Model::new(None), Series::new(range, during));
    for e in events {
        model.apply(e);
        series.apply(e);
    }
    let incident = model.incident(&incident.id).unwrap();
    Report::of(incident, &model, series.done(), Cadence::default(), t(min), 0)
}

pub fn times() -> Times {
    Times::new(jiff::tz::TimeZone::UTC, t(0), t(240))
}

/// What is known at a minute.
pub fn model(events: &[Event], min: i64) -> Model {
    let mut model = Model::new(None);
    model.apply_all(events.iter().filter(|e| e.at <= t(min)));
    model
}
