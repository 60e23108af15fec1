//! Reports of incidents, and the handover: what is in them, that what was said outside stays words, and that they stay small
//! whatever the record holds.

#![allow(clippy::unwrap_used, clippy::needless_pass_by_value)] // What `json!` makes is handed over where it is made.

mod handover;
mod series;
mod world;

use mailtop::domain::Span;
use mailtop::domain::event::Event;
use mailtop::report::{Report, Shown, html, json, md};
use serde_json::{Value, json};

use world::{HOSTILE, depth, event, probed, record, report, said, t, times};

fn told() -> Report {
    report(&record(), 240)
}

#[test]
fn the_review_has_clocks_impact_what_is_not_known_timeline_updates_tickets_and_actions() {
    insta::assert_snapshot!(md::write(&told(), &times()));
}

#[test]
fn one_that_goes_on_says_what_still_runs_and_that_nobody_looked_lately() {
    let goes_on: Vec<Event> = record().into_iter().filter(|e| e.at <= t(99)).collect();
    let r = report(&goes_on, 119);
    let text = md::write(&r, &times());
    for part in [
        "| Restored | not yet, 1h00m so far |",
        "- When service is good again: it has not been seen so far.",
        "- What happened in the last 20m: nobody looked, as far as the record goes.",
        "- When the backlog is cleared: it has not been seen so far.",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
}

#[test]
fn without_a_probe_nothing_is_said_of_a_role() {
    let quiet: Vec<Event> = record()
        .into_iter()
        .filter(|e| e.about.server().is_none_or(|s| s.as_str() != "out1"))
        .collect();
    let with = md::write(&told(), &times());
    assert!(
        with.contains("- Sending mail was seen working: 82 probes of submission on out1"),
        "{with}"
    );
    let without = md::write(&report(&quiet, 240), &times());
    assert!(!without.contains("seen working"), "{without}");
    assert!(
        without.contains("- Sending mail: no probe of it came through meanwhile."),
        "{without}"
    );
    assert!(
        with.contains("- Mail coming in from other servers: no probe looks at it."),
        "{with}"
    );
}

#[test]
fn an_anonymous_probe_of_a_door_is_no_proof_that_it_works() {
    let greeted: Vec<Event> = record()
        .into_iter()
        .map(|e| {
            let mut json = serde_json::to_value(&e).unwrap();
            if json["about"]["server"] == "out1" {
                json["what"]["data"]["goal"] = "greeting".into();
                json["what"]["data"]["proved"] = "greeting".into();
            }
            serde_json::from_value(json).unwrap()
        })
        .collect();
    let text = md::write(&report(&greeted, 240), &times());
    assert!(!text.contains("Sending mail was seen working"), "{text}");
    assert!(
        text.contains("Sending mail: probes of submission on out1 did not go all the way"),
        "{text}"
    );
}

#[test]
fn no_report_claims_that_nothing_was_lost() {
    let r = told();
    for text in [md::write(&r, &times()), html::write(&r, &times())] {
        let lower = text.to_lowercase();
        assert!(lower.contains("whether mail was lost: servers that could not deliver leave no trace here"));
        assert!(!lower.contains("no mail was lost") && !lower.contains("nothing was lost"));
    }
}

#[test]
fn what_was_said_outside_stays_words_in_markdown() {
    let text = md::write(&told(), &times());
    let line = text.lines().find(|l| l.contains("onerror")).unwrap();
    assert_eq!(
        line,
        "| 2026-11-21 11:04:00 | רון\\@bastion | ESC ␛\\[2J \\| \\*bold\\* \\[link\\](http\\://x.example/) \\<img src=x \
         onerror=alert(1)\\> \\`tick\\` \\@team \\\\u\\{202e\\}rtl עברית 👩\\\\u\\{200d\\}🚒 |"
    );
    // A fence inside an update does not end its block.
    assert!(
        text.contains("````text\nMailboxes cannot be read.\n\nWe are on it. ``` 100% <3\n````\n"),
        "{text}"
    );
    for (words, safe) in [
        ("# no heading", "\\# no heading"),
        ("- no list", "\\- no list"),
        ("1. no list", "1\\. no list"),
        ("12) no list", "12\\) no list"),
        ("  > no quote", "  \\> no quote"),
        ("a - b # c 1. d", "a - b # c 1. d"),
        ("x &amp; y", "x \\&amp; y"),
        // What GitHub links without any mark.
        ("see HTTPS://x.example", "see HTTPS\\://x.example"),
        ("(Www.x.example)", "(Www\\.x.example)"),
        ("at 10:58. awww", "at 10:58. awww"),
    ] {
        assert_eq!(md::escaped(words), safe);
    }
}

#[test]
fn each_row_of_a_markdown_table_has_as_many_cells_as_its_head() {
    let text = md::write(&told(), &times());
    let cells = |l: &str| {
        let mut n = 0;
        let mut escaped = false;
        for c in l.chars() {
            n += usize::from(c == '|' && !escaped);
            escaped = c == '\\' && !escaped;
        }
        n
    };
    let mut head = None;
    let mut rows = 0;
    for line in text.lines() {
        if !line.starts_with('|') {
            head = None;
            continue;
        }
        assert_eq!(cells(line), *head.get_or_insert_with(|| cells(line)), "{line}");
        rows += 1;
    }
    assert!(rows > 25, "{rows}");
}

#[test]
fn what_was_said_outside_stays_words_in_a_page() {
    let page = html::write(&told(), &times());
    let line = page.lines().find(|l| l.contains("onerror")).unwrap();
    assert!(line.contains("<bdi>רון@bastion</bdi>"), "{line}");
    assert!(line.contains("&lt;img src=x onerror=alert(1)&gt;"), "{line}");
    assert!(!page.contains("<img") && !page.contains("<script") && !page.contains("<b>"));
    assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}') && !page.contains('\u{200d}'));
    assert!(
        page.contains("<pre dir=\"auto\">Mailboxes cannot be read.\n\nWe are on it. ``` 100% &lt;3</pre>"),
        "{page}"
    );
    let outside = [
        "http:", "https:", "@import", "url(", "<link", "<iframe", "srcset", "src=\"",
    ];
    let page = page.replace("http://x.example/", "");
    for word in outside {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn the_json_has_the_members_that_are_promised() {
    let out: Value = serde_json::from_slice(&json::write(&told(), &jiff::tz::TimeZone::UTC)).unwrap();
    let members = |v: &Value| v.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    let mut all = vec![format!("report: {}", members(&out))];
    for name in ["clocks", "series"] {
        all.push(format!("{name}: {}", members(&out[name])));
    }
    for name in [
        "roles", "tickets", "updates", "actions", "senders", "absences", "timeline",
    ] {
        all.push(format!("{name}[]: {}", members(&out[name][0])));
    }
    all.push(format!("clocks.restored: {}", members(&out["clocks"]["restored"])));
    all.push(format!("roles[].doors[]: {}", members(&out["roles"][1]["doors"][0])));
    for name in ["depths", "flows", "doors"] {
        all.push(format!("series.{name}[]: {}", members(&out["series"][name][0])));
    }
    insta::assert_snapshot!(all.join("\n"));
    assert_eq!(out["report"], 1);
    assert_eq!(out["clocks"]["outage"]["secs"], 92.0 * 60.0);
    assert_eq!(out["series"]["depths"][0]["peak"], 1_860);
    let note = out["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .find(|l| l["who"] == "רון@bastion")
        .unwrap();
    assert_eq!(
        note["words"],
        HOSTILE
            .replace('\u{1b}', "␛")
            .replace('\u{202e}', "\\u{202e}")
            .replace('\u{200d}', "\\u{200d}")
    );
}

#[test]
fn a_hundred_thousand_events_make_a_page_that_a_browser_can_hold_and_says_what_is_left_out() {
    let mut all = record();
    let opened = all.iter().position(|e| e.at == t(61)).unwrap();
    let mut many: Vec<Event> = Vec::new();
    // A door that comes and goes with each probe, and as many notes as nobody writes.
    for n in 0..50_000 {
        many.push(probed(61, "mbox1", "imap", (n % 2 == 0).then_some("store")));
        many.push(depth(61, 500 + n % 7));
    }
    for n in 0..900 {
        many.push(said(
            61,
            json!({"entry": "noted", "text": format!("note {n} {HOSTILE}"), "by": "lin"}),
        ));
    }
    let tail = all.split_off(opened);
    all.extend(many);
    all.extend(tail);
    let r = report(&all, 240);
    assert!(
        r.left_out > 40_000 && r.timeline.len() > 3_000,
        "{} {}",
        r.left_out,
        r.timeline.len()
    );
    let (page, text) = (html::write(&r, &times()), md::write(&r, &times()));
    assert!(page.len() < 900_000, "{}", page.len());
    assert!(text.lines().count() < 700, "{}", text.lines().count());
    for out in [&page, &text] {
        assert!(out.contains("left out here (probe "), "what is left out is said");
        assert!(
            out.contains("older lines of the fleet&#39;s timeline were too many")
                || out.contains("older lines of the fleet's timeline were too many")
        );
        assert!(out.contains("note 899"), "people come before machines");
    }
}

#[test]
fn of_a_bounded_timeline_nothing_goes_unsaid() {
    let r = told();
    for most in 0..r.timeline.len() + 2 {
        let shown = r.lines(most);
        let (mut lines, mut left) = (0, 0);
        for s in &shown {
            match s {
                Shown::Line(_) => lines += 1,
                Shown::LeftOut(l) => left += l.lines(),
            }
        }
        assert_eq!((lines, lines + left), (most.min(r.timeline.len()), r.timeline.len()));
    }
}

#[test]
fn a_start_that_a_person_moved_before_the_record_begins_is_told_with_what_probes_showed() {
    let mut all = record();
    all.push(said(
        239,
        json!({"entry": "start-corrected", "at": t(-3 * 60).to_string(), "by": "kim"}),
    ));
    let r = report(&all, 240);
    assert!(r.series.range.from <= t(-3 * 60));
    let text = md::write(&r, &times());
    for part in [
        "- **Began:** 2026-11-21 07:00:00, as kim says; last good probe 2026-11-21 10:57:00, first bad 2026-11-21 10:58:00",
        "- What was before the first bad probe: the start is as a person says.",
        "- What was in its first 3h00m: the record begins later.",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    // One of another century is not drawn.
    all.push(said(
        239,
        json!({"entry": "start-corrected", "at": "1999-12-31T23:59:00Z", "by": "kim"}),
    ));
    let r = report(&all, 240);
    assert!(Span::between(r.series.range.from, t(59)) <= Span::from_hours(24 * 8));
    assert!(html::write(&r, &times()).contains("1999-12-31 23:59:00"));
}

#[test]
fn a_record_without_samples_draws_nothing_and_says_why() {
    let only: Vec<Event> = record()
        .into_iter()
        .filter(|e| matches!(e.about, mailtop::domain::event::Subject::Incident { .. }))
        .collect();
    let r = report(&only, 240);
    let page = html::write(&r, &times());
    for part in [
        "No door was probed in this time",
        "No queue was read in this time",
        "What probes and queues said: none of it is on record any more",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("<svg"));
}

#[test]
fn incidents_that_overlap_are_told_each_by_itself() {
    let mut all = record();
    let about = json!({"part": "incident", "incident": "20261121T1130-beef"});
    let opened = json!({"entry": "opened", "name": "queue of mx9", "how": "hand", "by": "kim", "servers": ["mx9"], "started": t(90).to_string()});
    all.push(event(91, about.clone(), "incident", opened));
    all.push(event(
        92,
        about,
        "incident",
        json!({"entry": "noted", "text": "of the other", "by": "kim"}),
    ));
    let text = md::write(&report(&all, 240), &times());
    assert!(
        !text.contains("of the other") && !text.contains("queue of mx9"),
        "{text}"
    );
    assert!(text.contains("the array was rebuilt"));
}
