//! An incident as it leaves the journal: the clocks of the weekend, its bundle, the files that are written, the handover. Its page
//! is looked at in `page`.

use mailtop::demo::Script;
use mailtop::domain::event::Event;
use mailtop::domain::{Span, Timestamp};
use mailtop::engine::past::Depth;
use mailtop::journal::{Durability, Record, Sqlite, bundle};
use mailtop::model::Model;
use serde_json::{Value, json};

use super::home::{Done, Home, MAILTOP, assert_inert};
use super::lab::{screens, weekend};

/// A home whose journal is the weekend's, its incident by id, and its script.
pub fn weekend() -> (Home, String, Script) {
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
    // To the second; a look that was on its way at a turn is stamped with it.
    assert_eq!((start, restored), (script.failed_at, script.restored_at));
    assert!(at(&out["last_good_at"]) <= start && last_bad <= restored, "{out:#}");
    assert_eq!((at(&out["first_bad_at"]), at(&imap["first_bad_at"])), (start, start));
    let outage = out["clocks"]["outage"]["secs"].as_f64().unwrap();
    assert!((outage - after(start, restored).secs_f64()).abs() < 1.0, "{outage}");
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
