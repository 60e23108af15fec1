//! The JSON of `mailtop check`: its members and their types, for every part that was read and for every part that was not.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::check::Lab;
use super::home::assert_inert;
use super::lab::certs::Certificate;

/// The members of an object.
fn members(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Fails unless the object has all members of `promised` and besides them none but those of `more`.
fn shaped(value: &Value, promised: &[&str], more: &[&str]) {
    let has = members(value);
    assert!(promised.iter().all(|m| has.contains(m)), "{promised:?} in {value:#}");
    assert!(has.iter().all(|m| promised.contains(m) || more.contains(m)), "{has:?}");
}

fn door(name: &str, url: &str, rest: &str) -> String {
    format!("[[server.imap]]\nname = \"{name}\"\nurl = \"{url}\"\n{rest}")
}
fn queue(name: &str, listing: &str) -> String {
    format!("[[server.queue]]\nname = \"{name}\"\nkind = \"postfix\"\nlist = [\"cat\", \"{listing}\"]\n")
}
fn job(name: &str, rest: &str) -> String {
    format!("[[server.job]]\nname = \"{name}\"\nkind = \"command\"\npause = [\"true\"]\nresume = [\"true\"]\n{rest}")
}

#[test]
fn the_json_has_the_members_that_are_promised_with_their_types() {
    let Some(lab) = Lab::new(Certificate::Good) else { return };
    let listing = lab.home.write(
        "listing",
        "{\"queue_name\": \"deferred\", \"queue_id\": \"A1\", \"arrival_time\": 1700000000, \"message_size\": 9, \
         \"sender\": \"a@x.test\", \"recipients\": [{\"address\": \"b@y.test\", \"delay_reason\": \"no\"}]}\n",
    );
    let ca = format!("ca_file = \"{}\"\n", lab.ca);
    let password = format!("password_file = \"{}\"\n", lab.password);
    let config = [
        "[[server]]\nname = \"mx\"\nreach = \"local\"\n".to_owned(),
        door("well", &lab.url, &format!("{ca}{password}")),
        door("untrusted", &lab.url, &password),
        door("nobody", "imaps://127.0.0.1:1", ""),
        door("no-secret", &lab.url, &format!("{ca}password_command = [\"false\"]\n")),
        queue("q", &listing.display().to_string()),
        queue("gone", "/nonexistent"),
        job(
            "j",
            "status = [\"echo\", \"running\"]\nprogress = [\"echo\", \"62%\"]\n",
        ),
        job("lost", "status = [\"false\"]\n"),
    ];
    lab.home.configure(&config.concat());
    let done = lab.home.run(&["check", "--format", "json"]).exits(2);
    let report = done.json();
    assert_inert("the JSON", done.out.as_bytes());
    let at: jiff::Timestamp = report["checked_at"].as_str().unwrap().parse().unwrap();
    let fleet = ["roles", "causes", "certificates"];
    shaped(
        &report,
        &[&["checked_at", "verdict", "servers"][..], &fleet].concat(),
        &[],
    );
    for role in report["roles"].as_array().unwrap() {
        let promised = ["role", "verdict", "doors", "down", "unknown"];
        shaped(role, &promised, &["stopped", "as_far_as"]);
    }
    for certificate in report["certificates"].as_array().unwrap() {
        shaped(certificate, &["server", "door", "days_left", "not_after"], &[]);
        let end: jiff::Timestamp = certificate["not_after"].as_str().unwrap().parse().unwrap();
        assert!(end > at && certificate["days_left"] == 30, "{report:#}");
    }
    assert_eq!(report["roles"][0]["doors"], 4, "{report:#}");
    assert_eq!(
        (&report["roles"][0]["down"], &report["roles"][0]["unknown"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(report["certificates"][0]["door"], "well");
    assert!(jiff::Timestamp::now().duration_since(at).as_secs() < 60);
    let server = &report["servers"][0];
    shaped(server, &["name", "verdict", "imap", "queues", "jobs"], &[]);
    let named = |list: &str, name: &str| {
        let all = server[list].as_array().unwrap();
        all.iter()
            .find(|v| v["name"] == name)
            .cloned()
            .unwrap_or_else(|| panic!("{server:#}"))
    };

    let doors = server["imap"].as_array().unwrap();
    assert_eq!(doors.len(), 4, "{report:#}");
    for d in doors {
        let promised = ["url", "verdict", "proved", "layer", "phases", "failure", "tls"];
        shaped(
            d,
            &promised,
            &["name", "role", "aside", "peer", "alerts", "notes", "missed"],
        );
        assert!(d["url"].as_str().unwrap().starts_with("imaps://"));
        for p in d["phases"].as_array().unwrap() {
            shaped(p, &["name", "ms", "ok"], &[]);
            assert!(p["name"].is_string() && p["ms"].is_number() && p["ok"].is_boolean());
        }
        if !d["failure"].is_null() {
            shaped(&d["failure"], &["layer", "phase", "code", "text"], &["hint"]);
            assert!(d["failure"]["code"].is_string() || d["failure"]["code"].is_null());
        }
        if !d["tls"].is_null() {
            shaped(&d["tls"], &["version", "days_left"], &[]);
        }
    }
    let door = |i: usize| {
        let d = &doors[i];
        (
            d["verdict"].as_str().unwrap(),
            d["proved"].as_str(),
            d["layer"].as_str(),
            d["failure"].is_null(),
            d["tls"].is_null(),
        )
    };
    assert_eq!(door(0), ("ok", Some("fetch"), None, true, false), "{report:#}");
    assert_eq!(
        (door(1).0, door(1).1, door(1).2),
        ("down", Some("tcp"), Some("tls")),
        "{report:#}"
    );
    assert_eq!(
        door(2),
        ("down", Some("name"), Some("network"), false, true),
        "{report:#}"
    );
    // Not probed at all: nothing is known, and nothing is made up.
    assert_eq!(door(3), ("unknown", None, None, true, true), "{report:#}");
    assert_eq!(doors[3]["phases"], json!([]));
    assert!(doors[3]["missed"].as_str().unwrap().contains("false"), "{report:#}");

    let q = named("queues", "q");
    shaped(
        &q,
        &["kind", "verdict", "depth", "oldest_s", "complete"],
        &["name", "missed", "said", "forecast", "expire_before_clear"],
    );
    assert_eq!(
        (&q["kind"], &q["verdict"], &q["complete"]),
        (&json!("postfix"), &json!("ok"), &json!(true))
    );
    shaped(
        &q["depth"],
        &["incoming", "active", "deferred", "hold", "total"],
        &["maildrop", "other"],
    );
    assert_eq!(
        (&q["depth"]["deferred"], &q["depth"]["total"], &q["depth"]["hold"]),
        (&json!(1), &json!(1), &json!(0))
    );
    assert!(q["oldest_s"].as_i64().unwrap() > 50_000_000);
    let gone = named("queues", "gone");
    assert_eq!(
        (&gone["verdict"], &gone["depth"], &gone["oldest_s"]),
        (&json!("unknown"), &Value::Null, &Value::Null)
    );
    assert_eq!(gone["complete"], false);

    let j = named("jobs", "j");
    shaped(&j, &["name", "state", "progress"], &["detail", "missed"]);
    assert_eq!((&j["state"], &j["progress"]), (&json!("running"), &json!(62.0)));
    let lost = named("jobs", "lost");
    assert_eq!((&lost["state"], &lost["progress"]), (&json!("unknown"), &Value::Null));
}
