//! An incident as it leaves the journal: the weekend's page in a real browser, the files that are written, and the bundle.

use std::path::Path;

use mailtop::demo::Script;
use mailtop::domain::event::Event;
use mailtop::domain::{Span, Timestamp};
use mailtop::engine::past::Depth;
use mailtop::journal::bundle;
use mailtop::journal::{Durability, Record, Sqlite};
use mailtop::model::Model;
use serde_json::{Value, json};

use super::home::{Done, Home, MAILTOP, assert_inert};
use super::lab::chromium::Browser;
use super::lab::{screens, weekend};

/// What a page may be made of without a browser, as a browser sees it.
const PAGE: &str = include_str!("../lab/page.js");

/// A home whose journal is the weekend's, its incident by id, and its script.
fn weekend() -> (Home, String, Script) {
    let home = Home::new();
    home.write(
        ".local/share/mailtop/journal.db",
        std::fs::read(weekend::journal()).unwrap(),
    );
    let list = home.run(&["incident", "list", "--format", "json"]).exits(0).json();
    let [one] = list.as_array().unwrap().as_slice() else {
        panic!("one incident: {list:#}")
    };
    let started: Timestamp = one["started_at"].as_str().unwrap().parse().unwrap();
    (
        home,
        one["id"].as_str().unwrap().to_owned(),
        Script::weekend_before(started),
    )
}

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

#[test]
fn the_clocks_of_the_weekend_are_those_of_its_script() {
    let (home, id, script) = weekend();
    let out = home
        .run(&["incident", "export", &id, "--format", "json"])
        .exits(0)
        .json();
    let at = |v: &Value| -> Timestamp { v.as_str().unwrap_or_else(|| panic!("{v}")).parse().unwrap() };
    let after = |a: Timestamp, b: Timestamp| Span::between(a, b);
    let (start, restored) = (at(&out["started_at"]), at(&out["restored_at"]));
    let mailbox = out["roles"]
        .as_array()
        .unwrap()
        .iter()
        .find(|r| r["role"] == "mailbox")
        .unwrap();
    let imap = mailbox["doors"]
        .as_array()
        .unwrap()
        .iter()
        .find(|d| d["server"] == "mbox1")
        .unwrap();
    let last_bad = at(&imap["last_bad_at"]);
    // What the script does lies between the two probes on either side of it, which no tolerance can be put in the place of.
    assert!(
        at(&out["last_good_at"]) < script.failed_at && script.failed_at <= start,
        "{start}"
    );
    assert!(
        last_bad <= script.restored_at && script.restored_at <= restored,
        "{last_bad} {restored}"
    );
    assert_eq!((at(&out["first_bad_at"]), at(&imap["first_bad_at"])), (start, start));
    // A look comes each second of this clock, or two while it fails; a second is twenty minutes of it.
    let (late, later) = (after(script.failed_at, start), after(script.restored_at, restored));
    assert!(
        late < Span::from_hours(2) && later < Span::from_hours(3),
        "{late} {later}"
    );
    // Its length was counted, and the stamps were taken: they differ by what two looks at a fast clock do.
    let outage = out["clocks"]["outage"]["secs"].as_f64().unwrap();
    assert!((outage - after(start, restored).secs_f64()).abs() < 60.0, "{outage}");
    assert_eq!((&out["layer"], &out["servers"]), (&"store".into(), &json!(["mbox1"])));
    assert!(out["clocks"]["peak"]["messages"].as_u64() > Some(10_000));
    assert_eq!(mailbox["verdict"], "failed");
    assert!(
        out["unknown"]
            .as_array()
            .unwrap()
            .iter()
            .any(|u| u.as_str().unwrap().starts_with("Sending mail: no probe"))
    );
}

#[test]
fn the_bundle_of_the_weekend_is_read_back_and_knows_the_same_incident() {
    let (home, id, _) = weekend();
    let file = home.path().join("weekend.jsonl");
    home.run(&[
        "incident",
        "export",
        &id,
        "--format",
        "bundle",
        "-o",
        &file.display().to_string(),
    ])
    .exits(0);
    let piped = home
        .run(&["incident", "export", &id, "--format", "bundle"])
        .exits(0)
        .out;
    let (first, rest) = piped.split_once('\n').unwrap();
    assert_eq!(
        rest,
        std::fs::read_to_string(&file).unwrap().split_once('\n').unwrap().1
    );
    let head: Value = serde_json::from_str(first).unwrap();
    assert_eq!(
        (&head["mailtop_bundle"], &head["incident"]),
        (&1.into(), &id.as_str().into())
    );
    let sum = Done::from(home.shell("tail -n +2 weekend.jsonl | sha256sum").output().unwrap()).out;
    assert_eq!(sum.split(' ').next().unwrap(), head["sha256"]);
    let read = bundle::read(&file).unwrap();
    let mut model = Model::new(None);
    model.apply_all(&read.events);
    let incident = model.incidents().next().unwrap();
    assert_eq!((incident.id.0.as_str(), model.servers().count()), (id.as_str(), 6));
    assert!(incident.restored().is_some());
    its_screens_are_those_that_were_live(&home, &read.events);
    // A reader that has had enough is no error.
    let line = format!("{MAILTOP} incident export {id} --format bundle | head -c 100 > /dev/null");
    assert_eq!(Done::from(home.shell(&line).output().unwrap()).err, "");
}

/// At twenty moments of the weekend, each screen.
fn its_screens_are_those_that_were_live(home: &Home, bundled: &[Event]) {
    let mut seen = Vec::new();
    let mut here = Sqlite::open(&home.journal(), Timestamp::now()).unwrap().0;
    here.between(Timestamp::MIN, Timestamp::MAX, &mut |e| {
        seen.push(e);
        Ok(())
    })
    .unwrap();
    let elsewhere = home.path().join("elsewhere.db");
    let mut there = Sqlite::open(&elsewhere, Timestamp::now()).unwrap().0;
    there.append(bundled, Durability::Process).unwrap();
    let mut past = screens::open(&elsewhere);
    let (first, length) = (seen[0].at, Span::between(seen[0].at, seen[seen.len() - 1].at).secs());
    let mut all = std::collections::BTreeSet::new();
    for n in 1..=20 {
        let moment = Span::from_secs(length * (n * 7 % 20 + 1) / 21).after(first);
        let was = screens::live(&seen, moment);
        assert_eq!(
            screens::back(screens::at(&mut past, moment, Depth::Whole)),
            was,
            "at {moment}"
        );
        all.insert(was);
    }
    assert_eq!(all.len(), 20, "they differ among themselves");
}

/// A home with one incident by hand, of a moment before anything was recorded.
fn by_hand() -> Home {
    let home = Home::new();
    home.run(&[
        "incident",
        "open",
        "store down",
        "--server",
        "mx1",
        "--number",
        "INC1",
        "--backdate",
        "2026-01-02 10:58",
    ])
    .exits(0);
    home
}

fn export(home: &Home, format: &str) -> Done {
    home.run(&["incident", "export", "INC1", "--format", format]).exits(0)
}

#[test]
fn a_file_that_is_there_stays_unless_it_is_said_to_go_and_a_new_one_is_whole_or_not_there() {
    let home = by_hand();
    let file = home.write("out.md", "mine\n").display().to_string();
    let args = [
        "incident",
        "export",
        "INC1",
        "--format",
        "md",
        "--output",
        file.as_str(),
    ];
    let refused = home.run(&args).exits(3);
    assert!(
        refused.err.contains("out.md is there already: --force writes over it"),
        "{}",
        refused.err
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine\n");
    let done = home.run(&[&args[..], &["--force"]].concat()).exits(0);
    assert!(done.out.is_empty() && done.err.contains("written to"), "{}", done.err);
    assert!(
        std::fs::read_to_string(&file)
            .unwrap()
            .starts_with("# INC1: store down\n")
    );
    let nowhere = home.path().join("no/where.md").display().to_string();
    let none = home
        .run(&["incident", "export", "INC1", "--format", "md", "-o", &nowhere])
        .exits(3);
    assert!(
        none.err.contains("no/where.md: No such file or directory"),
        "{}",
        none.err
    );
    home.run(&["incident", "export", "INC9", "--format", "md"]).exits(3);
    home.run(&["incident", "export", "INC1"]).exits(3);
    let left: Vec<_> = std::fs::read_dir(home.path())
        .unwrap()
        .map(|f| f.unwrap().file_name())
        .collect();
    assert!(
        left.iter().all(|n| !n.to_string_lossy().starts_with(".tmp")),
        "{left:?}"
    );
}

#[test]
fn words_of_any_kind_come_out_as_words_in_every_form() {
    let home = by_hand();
    let note = "ESC \u{1b}[2J \u{202e}rtl עברית | *b* <script>alert(1)</script> 👩\u{200d}🚒";
    home.run(&["incident", "note", "INC1", note]).exits(0);
    home.run(&["incident", "start", "INC1", "1999-12-31 23:59"]).exits(0);
    let safe = "ESC ␛[2J \\u{202e}rtl עברית | *b* <script>alert(1)</script> 👩\\u{200d}🚒";
    let json = export(&home, "json").json();
    let lines = json["timeline"].as_array().unwrap();
    assert!(lines.iter().any(|l| l["words"] == safe), "{json:#}");
    assert_eq!(json["started_at"], "1999-12-31T23:59:00.000+00:00");
    for format in ["md", "html", "json"] {
        assert_inert(format, export(&home, format).out.as_bytes());
    }
    let page = export(&home, "html").out;
    assert!(
        page.contains("&lt;script&gt;alert(1)&lt;/script&gt;") && !page.contains("<script"),
        "{page}"
    );
    let text = export(&home, "md").out;
    assert!(text.contains("\\<script\\>alert(1)\\</script\\>"), "{text}");
    for said in [
        "no probe looks at it.",
        "no probe shows it.",
        "none of it is on record any more",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn a_handover_of_a_home_in_which_nothing_was_recorded_says_so_and_one_with_a_note_has_it() {
    let home = Home::new();
    assert!(
        home.run(&["handover"])
            .exits(3)
            .err
            .contains("nothing has been recorded there")
    );
    let home = by_hand();
    home.run(&["incident", "note", "INC1", "the spare array is in the cellar"])
        .exits(0);
    let page = home.run(&["handover"]).exits(0).out;
    for part in [
        "INC1, store down: investigating",
        "the spare array is in the cellar",
        "nobody has acknowledged it",
        "INC1: first public update due in ",
    ] {
        assert!(page.contains(part), "{part}:\n{page}");
    }
    assert!(
        home.run(&["handover", "--format", "md"])
            .exits(0)
            .out
            .starts_with("# Handover ")
    );
    let before = home.run(&["handover", "--at", "2026-01-01 00:00"]).exits(0).out;
    assert!(!before.contains("INC1"), "{before}");
}

#[test]
fn a_handover_of_the_weekend_says_what_was_wrong_then_and_that_nothing_is_known_now() {
    let (home, _, script) = weekend();
    let then = Span::from_hours(26).after(script.failed_at).to_string();
    let page = home.run(&["handover", "--at", &then]).exits(0).out;
    for part in [
        "mbox1 down: store SERVERBUG",
        "mbox3 warn: slow",
        "Exchange Server gives up mail for mbox1",
    ] {
        assert!(page.contains(part), "{part}:\n{page}");
    }
    let now = home.run(&["handover"]).exits(0).out;
    assert!(
        now.contains("nothing is known now, last seen") && !now.contains(" ok"),
        "{now}"
    );
    assert!(now.contains("its end was proposed at"), "{now}");
}
