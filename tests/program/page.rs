//! The page of an incident as a real browser shows it: its charts and their texts, what it asks for, and whether it can be read.

use std::path::Path;

use mailtop::domain::event::Event;
use mailtop::domain::{Span, Timestamp};
use mailtop::journal::{Durability, Record, Sqlite};
use serde_json::{Value, json};

use super::export::weekend;
use super::home::Home;
use super::lab::chromium::Browser;

/// What can be told of a page from inside it.
const PAGE: &str = include_str!("../lab/page.js");

/// Puts on record what was done to the demo's job at a moment, as an action of it would.
fn paused(home: &Home, at: Timestamp) {
    let about = json!({"part": "job", "server": "mbox1", "job": "db-compact"});
    let event = |fact: &str, data: Value| -> Event {
        let e = json!({"at": at.to_string(), "seen_by": "lin@desk:1", "about": about, "what": {"fact": fact, "data": data}});
        serde_json::from_value(e).unwrap()
    };
    let plan = json!({"id": "a1", "verb": "pause", "server": "mbox1", "job": "db-compact", "runs": ["pause"], "touches": [], "beware": [],
        "undo": "resume", "armed_on_server": true, "lasts": 1_800_000_000_u64, "reason": "drain <first>", "by": "lin@desk"});
    let all = [
        event("action-planned", plan),
        event(
            "action-ran",
            json!({"id": "a1", "exit": 0, "output": "", "took": 1, "failed": null}),
        ),
        event(
            "action-read-back",
            json!({"id": "a1", "truth": {"truth": "confirmed", "at": at.to_string()}}),
        ),
    ];
    let (mut db, _) = Sqlite::open(&home.journal(), Timestamp::now()).unwrap();
    db.append(&all, Durability::Process).unwrap();
}

/// All that is wrong with a page, seen by somebody who prefers this scheme of colours; and what there is on it.
fn look(browser: &mut Browser, page: &Path, scheme: &str) -> (Vec<String>, Value) {
    browser.prefers(scheme);
    browser.open(page);
    let seen = browser.value(PAGE);
    let names = browser.call("Accessibility.getFullAXTree", &json!({}));
    let mut wrong: Vec<String> = Vec::new();
    let mut must = |ok: bool, what: String| {
        if !ok {
            wrong.push(what);
        }
    };
    for faint in seen["faint"].as_array().unwrap() {
        must(false, format!("too faint in {scheme}: {}", faint.as_str().unwrap()));
    }
    must(seen["words"].as_u64() > Some(200), format!("words: {}", seen["words"]));
    must(
        seen["lang"] == "en" && seen["title"] != "",
        format!("{} {}", seen["lang"], seen["title"]),
    );
    let levels: Vec<i64> = seen["headings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|h| h.as_i64().unwrap())
        .collect();
    let in_order = levels.windows(2).all(|w| w[1] - w[0] <= 1);
    let one_h1 = levels.first() == Some(&1) && levels.iter().filter(|l| **l == 1).count() == 1;
    must(in_order && one_h1, format!("headings out of order: {levels:?}"));
    must(
        seen["unscoped"] == 0 && seen["heads"].as_u64() > Some(20),
        format!("heads of tables: {}", seen["unscoped"]),
    );
    must(seen["scripts"] == 0, "a script".to_owned());
    let is_large = |b: &Value, w: f64, h: f64| b["w"].as_f64() >= Some(w) && b["h"].as_f64() >= Some(h);
    for t in seen["tables"].as_array().unwrap() {
        must(t["of"].is_string() && is_large(t, 400.0, 20.0), format!("a table: {t}"));
    }
    for c in seen["charts"].as_array().unwrap() {
        let lines = c["lines"].as_array().unwrap();
        let drawn = lines.iter().any(|l| l.as_f64() > Some(100.0)) || c["bands"].as_u64() > Some(0);
        must(
            is_large(c, 600.0, 80.0) && c["role"] == "img" && drawn,
            format!("a chart: {c}"),
        );
    }
    // What a chart says to who does not see it: when, and figures.
    let images: Vec<&str> = names["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|n| ["img", "image"].contains(&n["role"]["value"].as_str().unwrap_or_default()))
        .map(|n| n["name"]["value"].as_str().unwrap_or_default())
        .collect();
    must(
        images.len() == seen["charts"].as_array().unwrap().len(),
        format!("{} charts are images", images.len()),
    );
    for name in images {
        let says =
            name.len() > 60 && name.contains(" from 20") && name.chars().filter(char::is_ascii_digit).count() > 20;
        must(says, format!("a chart without a text: {name:?}"));
    }
    let asked = browser
        .events
        .iter()
        .filter(|e| e["method"] == "Network.requestWillBeSent");
    let asked: Vec<&str> = asked.map(|e| e["params"]["request"]["url"].as_str().unwrap()).collect();
    let [own] = asked.as_slice() else {
        wrong.push(format!("it asks for more than itself: {asked:?}"));
        return (wrong, seen);
    };
    if *own != format!("file://{}", page.display()) {
        wrong.push(format!("it asks for {own}"));
    }
    (wrong, seen)
}

#[test]
fn the_page_of_the_weekend_is_whole_asks_for_nothing_and_can_be_read_in_light_in_dark_and_on_paper() {
    let Some(mut browser) = Browser::start() else { return };
    let (home, id, script) = weekend();
    paused(&home, Span::from_hours(5).after(script.failed_at));
    home.run(&["incident", "ack", &id]).exits(0);
    home.run(&["incident", "note", &id, "ESC \u{1b}[2J עברית <b>x</b> 👩\u{200d}🚒"])
        .exits(0);
    home.run(&["incident", "update", &id, "Mail is delayed.\nNext update at 12:20."])
        .exits(0);
    let page = home.path().join("page.html");
    let file = page.display().to_string();
    home.run(&["incident", "export", &id, "--format", "html", "--output", &file])
        .exits(0);

    for scheme in ["light", "dark"] {
        let (wrong, seen) = look(&mut browser, &page, scheme);
        assert!(wrong.is_empty(), "{}\n{seen:#}", wrong.join("\n"));
        let ground = seen["ground"]["r"].as_u64().unwrap();
        assert_eq!(ground > 128, scheme == "light", "the ground is of the scheme: {seen:#}");
        let timeline = seen["tables"]
            .as_array()
            .unwrap()
            .iter()
            .find(|t| t["of"] == "timeline")
            .unwrap();
        assert!(timeline["rows"].as_u64() > Some(10), "{timeline}");
        // The band of probes, and depth and flow of each queue.
        assert!(seen["charts"].as_array().unwrap().len() >= 11, "{seen:#}");
        assert_eq!(seen["wide"], false, "nothing is wider than the window");
    }
    let drawn = browser.value(
        "[...document.querySelectorAll('svg')].map(s => [s.querySelectorAll('.mark').length, s.querySelectorAll('.edge').length]).join(' ')",
    );
    let charts = drawn.as_str().unwrap().split(' ');
    assert!(
        charts.clone().all(|c| c == "1,2"),
        "each chart has the pause, the start and the end: {drawn}"
    );
    let printed = browser.call("Page.printToPDF", &json!({"printBackground": false}));
    let pdf = printed["data"].as_str().unwrap();
    assert!(
        pdf.starts_with("JVBERi0") && pdf.len() > 40_000,
        "a PDF of {} characters",
        pdf.len()
    );

    // The same look finds what would be wrong.
    let good = std::fs::read_to_string(&page).unwrap();
    let csp = good.lines().find(|l| l.contains("Content-Security-Policy")).unwrap();
    let image = "<img src=\"http://127.0.0.1:9/logo.png\" alt=\"\"></main>";
    for (what, broken) in [
        (
            "too faint in light: \"",
            good.replacen("--soft: #57606a", "--soft: #a0a6ac", 1),
        ),
        (
            "too faint in light: line depth",
            good.replacen("--depth: #0550ae", "--depth: #c8d8f0", 1),
        ),
        (
            "it asks for more than itself",
            good.replace(csp, "").replace("</main>", image),
        ),
        (
            "a chart without a text",
            good.replace("svg role=\"img\" aria-labelledby", "svg role=\"img\" data-was"),
        ),
        ("headings out of order", good.replace("h2", "h4")),
        ("heads of tables", good.replace(" scope=\"col\"", "")),
    ] {
        assert_ne!(broken, good, "{what}");
        let page = home.write("broken.html", &broken);
        let (wrong, _) = look(&mut browser, &page, "light");
        assert!(wrong.iter().any(|w| w.starts_with(what)), "{what}: {wrong:#?}");
    }
    // Where a page is made to ask although it should not, it forbids that itself.
    let page = home.write("forbidden.html", good.replace("</main>", image));
    let (wrong, _) = look(&mut browser, &page, "light");
    let reached = browser.events.iter().any(|e| {
        e["method"] == "Network.responseReceived"
            && e["params"]["response"]["url"].as_str().unwrap().starts_with("http")
    });
    assert!(!reached, "{wrong:?}");
}
