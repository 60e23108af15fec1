//! The queue of a real Postfix, read by `check` over its config and by `queue` from a pipe: both count what Postfix counts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::home::Home;
use super::lab::postfix::{self, Postfix};

/// A Postfix; `None`, said on standard error, where this machine cannot (in CI that is a failure).
fn start() -> Option<Postfix> {
    if let Some(why) = postfix::missing() {
        assert!(std::env::var_os("CI").is_none(), "left out in CI: {why}");
        eprintln!("left out: {why}");
        return None;
    }
    Some(Postfix::start())
}

/// What Postfix itself says: the ids of each queue, and how many messages each domain waits for.
struct Truth {
    ids: BTreeMap<String, BTreeSet<String>>,
    domains: BTreeMap<String, u64>,
    listing: Vec<u8>,
}

impl Truth {
    fn of(postfix: &Postfix) -> Self {
        let listing = postfix.listing().stdout;
        let mut ids: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut domains = BTreeMap::new();
        for line in String::from_utf8_lossy(&listing).lines() {
            let message: Value = serde_json::from_str(line).unwrap();
            let text = |member: &str| message[member].as_str().unwrap().to_owned();
            let new = ids.entry(text("queue_name")).or_default().insert(text("queue_id"));
            if !new {
                continue;
            }
            let to = message["recipients"].as_array().unwrap().iter();
            let to: BTreeSet<&str> = to
                .map(|r| r["address"].as_str().unwrap().rsplit_once('@').unwrap().1)
                .collect();
            for domain in to {
                *domains.entry(domain.to_owned()).or_default() += 1;
            }
        }
        Self { ids, domains, listing }
    }
    fn in_queue(&self, queue: &str) -> usize {
        self.ids.get(queue).map_or(0, BTreeSet::len)
    }
    fn total(&self) -> usize {
        self.ids.values().map(BTreeSet::len).sum()
    }
}

#[test]
fn depth_is_the_number_of_distinct_ids_that_postqueue_prints() {
    let Some(postfix) = start() else { return };
    // By hand with more: MAILTOP_TEST_MESSAGES=20000 cargo test --test program queue::
    let messages = std::env::var("MAILTOP_TEST_MESSAGES").map_or(2_000, |n| n.parse().unwrap());
    postfix.fill(messages - 10, "news@shop.test", "u1@far.test");
    postfix.fill(10, "boss@shop.test", "u2@near.test");
    postfix.settled(messages);
    let held: Vec<String> = Truth::of(&postfix).ids["deferred"].iter().take(3).cloned().collect();
    for id in &held {
        assert!(
            postfix
                .command("postsuper")
                .args(["-h", id])
                .status()
                .unwrap()
                .success()
        );
    }
    let truth = Truth::of(&postfix);
    assert_eq!((truth.total(), truth.in_queue("hold")), (messages, 3));

    let home = Home::new();
    let config = |limit: usize| {
        format!(
            "[[server]]\nname = \"mx1\"\nreach = \"local\"\nqueue_depth = {limit}\n\
             [[server.queue]]\nkind = \"postfix\"\nconfig_dir = \"{}\"\n",
            postfix.conf().display()
        )
    };
    home.configure(&config(messages));
    let report = home.run(&["check", "--format", "json"]).exits(0).json();
    let queue = &report["servers"][0]["queues"][0];
    assert_eq!(
        (&queue["kind"], &queue["verdict"], &queue["complete"]),
        (&json!("postfix"), &json!("ok"), &json!(true)),
        "{report:#}"
    );
    let depth = &queue["depth"];
    assert_eq!(depth["total"], truth.total(), "{report:#}");
    for name in ["incoming", "active", "deferred", "hold"] {
        assert_eq!(depth[name], truth.in_queue(name), "{name}: {report:#}");
    }
    assert!((0..600).contains(&queue["oldest_s"].as_i64().unwrap()), "{report:#}");
    let text = home.run(&["check"]).exits(0).out;
    assert!(
        text.contains(&format!("postfix queue  ok  {messages} messages: ")),
        "{text}"
    );

    // One more than is wished for is a warning.
    home.configure(&config(messages - 1));
    let line = home.run(&["check", "--format", "nagios"]).exits(1).out;
    assert_eq!(
        line,
        format!("MAILTOP WARNING - mx1 warn: postfix {messages} messages; 0 ok|'mx1 postfix'={messages};;;0\n")
    );

    the_same_through_a_pipe(&home, &truth);

    // A Postfix that is stopped still has its queue, and says so; a queue that is not there is unknown and not empty.
    postfix.stop();
    let report = home.run(&["check", "--format", "json"]).json();
    let queue = &report["servers"][0]["queues"][0];
    assert!(
        queue["depth"].is_null() || queue["depth"]["total"] == messages,
        "{report:#}"
    );
    home.configure(&config(messages).replace("/conf", "/no-such-conf"));
    let report = home.run(&["check", "--format", "json"]).exits(3).json();
    let queue = &report["servers"][0]["queues"][0];
    assert_eq!(
        (&queue["depth"], &queue["verdict"]),
        (&Value::Null, &json!("unknown")),
        "{report:#}"
    );
    assert!(!queue["missed"].as_str().unwrap().is_empty());
}

fn the_same_through_a_pipe(home: &Home, truth: &Truth) {
    let done = home
        .run_on(&["queue", "-", "--kind", "postfix", "--format", "json"], &truth.listing)
        .exits(0);
    assert!(done.err.is_empty(), "{}", done.err);
    let report = done.json();
    assert_eq!(report["messages"], truth.total(), "{report:#}");
    assert_eq!(
        report["by_queue"],
        json!({"deferred": truth.in_queue("deferred"), "hold": truth.in_queue("hold")})
    );
    let domains = report["destinations"].as_array().unwrap();
    let domains: BTreeMap<String, u64> = domains
        .iter()
        .map(|d| {
            (
                d["domain"].as_str().unwrap().to_owned(),
                d["messages"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(domains, truth.domains);
    let reasons = report["reasons"].as_array().unwrap();
    // Refused at once, or put off because another was: two reasons for two thousand messages, without the port.
    let said = |r: &Value| r["reason"].as_str().unwrap().to_owned();
    assert!((1..=2).contains(&reasons.len()), "{report:#}");
    assert!(
        reasons
            .iter()
            .all(|r| said(r).ends_with("connect to …[…]: Connection refused")),
        "{report:#}"
    );
    assert_eq!(report["skipped_lines"], 0);
    // Nothing named is standard input too, and a file holds what a pipe does.
    let listing = home.write("listing.json", &truth.listing);
    for by in ["destination", "age", "reason", "sender"] {
        let piped = home.run_on(&["queue", "--by", by], &truth.listing).exits(0).out;
        let read = home.run(&["queue", listing.to_str().unwrap(), "--by", by]).exits(0).out;
        let expected = match by {
            "destination" => "far.test",
            "reason" => "Connection refused",
            "sender" => "shop.test",
            _ => "deferred",
        };
        assert!(by == "age" || piped.contains(expected), "{by}: {piped}");
        // Its age grows between the two.
        let head = |out: &str| out.split_once(", oldest").unwrap().0.to_owned();
        assert_eq!(head(&read), head(&piped));
        assert!(
            head(&piped).starts_with(&format!("{} messages", truth.total())),
            "{piped}"
        );
    }
}
