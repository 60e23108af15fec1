//! A bundle of an incident: what a model needs to see it again, there and back, and every way in which a file can be wrong.

use mailtop::domain::event::{Event, Fact, Subject};
use mailtop::domain::incident::fact::{Noted, StateSet};
use mailtop::domain::incident::{Entry, Incident, IncidentId, State};
use mailtop::domain::roster::WatchedDoor;
use mailtop::journal::bundle::{self, Bundle, Stretch};
use mailtop::journal::{Record, Sqlite};
use mailtop::model::Model;

use crate::support::{Room, depth, event, failed, planned, probed, roster, t};

fn about(id: &str, at: i64, entry: Entry) -> Event {
    let incident = IncidentId(id.into());
    event(t(at), Subject::Incident { incident }, Fact::Incident(Box::new(entry)))
}
fn opened(id: &str, at: i64) -> Event {
    let json =
        serde_json::json!({"entry": "opened", "name": "store down", "servers": ["mx1"], "started": t(at).to_string()});
    about(id, at, serde_json::from_value(json).unwrap())
}
fn note(id: &str, at: i64, text: &str) -> Event {
    let noted = Noted {
        text: text.into(),
        by: "lin".into(),
        of: None,
    };
    about(id, at, Entry::Noted(noted))
}
fn resolved(id: &str, at: i64) -> Event {
    let set = StateSet {
        to: State::Resolved,
        by: Some("lin".into()),
        why: None,
    };
    about(id, at, Entry::State(set))
}

const HOUR: i64 = 3_600;

/// A record in which an incident lasts from 10 h to 12 h, with what was before and comes after.
fn record() -> Vec<Event> {
    let mut watched = roster();
    watched.servers[0].doors.push(WatchedDoor {
        name: "imap".into(),
        url: "imaps://probe@imap.example.com".into(),
        protocol: mailtop::domain::door::Protocol::Imap,
        role: mailtop::domain::door::Role::Mailbox,
        anonymous: false,
    });
    let mut all = vec![
        event(t(0), Subject::Observer, Fact::Watching(watched)),
        probed(t(1), 5),
        planned(t(2), "a1", "compact"),
        opened("other", 8 * HOUR),
        depth(t(8 * HOUR), 3, None),
        probed(t(9 * HOUR + 60), 5),
        depth(t(9 * HOUR + 60), 31, None),
        failed(t(10 * HOUR)),
        opened("i1", 10 * HOUR),
    ];
    all.extend((1..60).map(|n| failed(t(10 * HOUR + n * 60))));
    all.extend((1..60).map(|n| depth(t(10 * HOUR + n * 60), 31 + n as u64, None)));
    all.extend([
        note("i1", 11 * HOUR, "ESC \u{1b}[2J, \u{202e}rtl and 🚒"),
        probed(t(11 * HOUR + 60), 5),
        resolved("i1", 12 * HOUR),
        probed(t(14 * HOUR), 5),
        note("i1", 40 * HOUR, "said afterwards"),
        note("other", 41 * HOUR, "not of it"),
    ]);
    all
}

fn incident(db: &Sqlite, id: &str) -> Incident {
    let mut model = Model::new(None);
    model.apply_all(&db.incidents().unwrap());
    model.incident(&IncidentId(id.into())).unwrap().clone()
}

/// The record as a file, and as what was read from it again.
fn made() -> (Room, Vec<u8>, Bundle) {
    let room = Room::with(&record());
    let mut db = Sqlite::read_only(&room.path()).unwrap();
    let stretch = Stretch::of(&incident(&db, "i1"), t(50 * HOUR));
    assert_eq!((stretch.from, stretch.until), (t(9 * HOUR), t(13 * HOUR)));
    let mut bytes = Vec::new();
    let header = bundle::write(&mut db, &stretch, &mut bytes).unwrap();
    let read = bundle::read_from("i1.jsonl", &mut bytes.as_slice()).unwrap();
    assert_eq!(read.header, header);
    (room, bytes, read)
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|b| [b >> 4, b & 15])
        .map(|d| char::from_digit(d.into(), 16).unwrap())
        .collect()
}

fn refused(bytes: &[u8]) -> String {
    bundle::read_from("i1.jsonl", &mut &*bytes).unwrap_err().to_string()
}

#[test]
fn a_bundle_holds_what_was_known_at_its_beginning_and_all_up_to_its_end_in_the_order_of_the_record() {
    let (_room, _, read) = made();
    let wanted: Vec<Event> = record()
        .into_iter()
        .filter(|e| {
            e.at < t(13 * HOUR)
                || e.about
                    == Subject::Incident {
                        incident: IncidentId("i1".into()),
                    }
        })
        .collect();
    assert_eq!(read.events, wanted);
    assert_eq!(read.header.events, wanted.len() as u64);
    assert_eq!(read.header.incident, IncidentId("i1".into()));
}

#[test]
fn a_model_of_the_bundle_knows_the_incident_as_one_of_the_journal_does() {
    let (room, _, read) = made();
    let known = |events: &[Event]| {
        let mut model = Model::new(None);
        model.apply_all(events);
        model
    };
    let mut db = Sqlite::read_only(&room.path()).unwrap();
    let (ours, theirs) = (known(&read.events), known(&db.start_from(t(9 * HOUR)).unwrap().events));
    let now = t(12 * HOUR + 60);
    let id = IncidentId("i1".into());
    let (a, b) = (ours.incident(&id).unwrap(), theirs.incident(&id).unwrap());
    assert_eq!(a, b);
    assert_eq!(ours.timeline(a, now), theirs.timeline(b, now));
    assert!(ours.timeline(a, now).len() > 4);
    assert!(ours.server("mx1").unwrap().queues.is_empty(), "by its own roster");
}

#[test]
fn the_digest_is_the_one_that_sha256sum_gives() {
    let (_room, bytes, read) = made();
    let first = bytes.iter().position(|b| *b == b'\n').unwrap() + 1;
    let digest = openssl::sha::sha256(&bytes[first..]);
    assert_eq!(*read.header.sha256, hex(&digest));
}

#[test]
fn an_incident_that_goes_on_is_written_up_to_now() {
    let room = Room::with(&[opened("i1", 0), note("i1", HOUR, "x")]);
    let mut db = Sqlite::read_only(&room.path()).unwrap();
    let stretch = Stretch::of(&incident(&db, "i1"), t(2 * HOUR));
    assert_eq!(stretch.until, t(2 * HOUR));
    let header = bundle::write(&mut db, &stretch, &mut Vec::new()).unwrap();
    assert_eq!((header.events, header.skipped), (2, 0));
}

#[test]
fn a_row_that_cannot_be_read_is_counted_and_left_out() {
    let room = Room::with(&record());
    let broken = "UPDATE event SET numbers = numbers || ' 7' WHERE id = (SELECT min(id) FROM event WHERE kind = 3)";
    assert_eq!(room.raw().execute(broken, []).unwrap(), 1);
    let mut db = Sqlite::read_only(&room.path()).unwrap();
    let stretch = Stretch {
        from: t(0),
        ..Stretch::of(&incident(&db, "i1"), t(50 * HOUR))
    };
    assert_eq!(bundle::write(&mut db, &stretch, &mut Vec::new()).unwrap().skipped, 1);
}

#[test]
fn a_file_that_is_cut_off_says_in_which_line_and_how_much_is_there() {
    let (_room, bytes, read) = made();
    let all = read.header.events;
    let why = refused(&bytes[..bytes.len() - 20]);
    let whole = all - 1;
    assert_eq!(
        why,
        format!(
            "i1.jsonl:{}: the file is cut off in this line: {whole} of {all} events are there",
            all + 1
        )
    );
    let last = bytes[..bytes.len() - 1].iter().rposition(|b| *b == b'\n').unwrap();
    let why = refused(&bytes[..=last]);
    assert_eq!(
        why,
        format!("i1.jsonl:{all}: the file is cut off after this line: {whole} of {all} events are there")
    );
    assert_eq!(
        refused(&bytes[..60]),
        "i1.jsonl:1: the file is cut off in its first line"
    );
    assert!(refused(b"").starts_with("i1.jsonl:1: the file is empty"));
    // Wherever it is cut, it is never taken for whole.
    for end in (0..bytes.len()).step_by(211) {
        refused(&bytes[..end]);
    }
}

#[test]
fn a_file_that_was_changed_is_refused_with_the_line_where_that_shows() {
    let (_room, bytes, read) = made();
    let text = String::from_utf8(bytes).unwrap();
    let why = refused(text.replace("rtl and", "rtl or").as_bytes());
    assert!(
        why.contains("are not as they were written") && why.contains("SHA-256"),
        "{why}"
    );
    let why = refused(text.replacen("{\"at\":", "{\"at\":!", 3).as_bytes());
    assert!(
        why.starts_with("i1.jsonl:2: this is no event: expected value (column "),
        "{why}"
    );
    let why = refused(format!("{text}{}", text.lines().last().unwrap()).as_bytes());
    assert!(why.contains("cut off in this line"), "{why}");
    let why = refused(format!("{text}{}\n", text.lines().last().unwrap()).as_bytes());
    let all = read.header.events;
    assert_eq!(
        why,
        format!(
            "i1.jsonl:{}: there is more than the {all} events that its first line counts",
            all + 2
        )
    );
    let why = refused(text.replace('\n', "\r\n").as_bytes());
    assert!(why.starts_with("i1.jsonl:2: its line ends were changed"), "{why}");
}

#[test]
fn a_file_of_another_kind_or_of_a_newer_version_is_told_as_such() {
    let (room, bytes, _) = made();
    let text = String::from_utf8(bytes).unwrap();
    for foreign in ["hello\n", "{\"a\":1}\n", "[]\n", "\u{1b}]0;x\u{7}\n", "\n"] {
        assert!(
            refused(foreign.as_bytes()).starts_with("i1.jsonl:1: this is no bundle"),
            "{foreign:?}"
        );
    }
    let why = refused(
        text.replacen("\"mailtop_bundle\":1", "\"mailtop_bundle\":2", 1)
            .as_bytes(),
    );
    assert!(
        why.starts_with("i1.jsonl:1: mailtop 0.1.0 wrote this in a newer format"),
        "{why}"
    );
    let why = refused(text.replacen("\"event_format\":1", "\"event_format\":9", 1).as_bytes());
    assert!(why.contains("newer format than this one reads (1/9, not 1/1)"), "{why}");
    let why = refused(text.replacen("\"until\"", "\"untold\"", 1).as_bytes());
    let lacks = "i1.jsonl:1: the first line of a bundle lacks something: missing field `until` (column ";
    assert!(why.starts_with(lacks), "{why}");
    assert!(!bundle::is_one(&room.path()));
    let why = bundle::read(&room.path()).unwrap_err().to_string();
    assert!(
        why.ends_with("journal.db:1: this is an SQLite file, perhaps a journal, and no bundle"),
        "{why}"
    );
    let why = bundle::read(&room.path().join("no")).unwrap_err().to_string();
    assert!(why.contains("journal.db/no: Not a directory"), "{why}");
    let file = room.path().with_file_name("i1.jsonl");
    std::fs::write(&file, &text).unwrap();
    assert!(bundle::is_one(&file));
    bundle::read(&file).unwrap();
}

#[test]
fn what_stands_in_a_bundle_is_made_safe_to_show_when_it_is_read() {
    let (room, bytes, _) = made();
    drop(room);
    let text = String::from_utf8(bytes).unwrap();
    let (head, rest) = text.split_once('\n').unwrap();
    let hostile = rest.replace("rtl and", "\\u001b]52;c;x\\u0007 \u{202e}");
    let digest = hex(&openssl::sha::sha256(hostile.as_bytes()));
    let mut head: serde_json::Value = serde_json::from_str(head).unwrap();
    head["sha256"] = digest.into();
    let read = bundle::read_from("x", &mut format!("{head}\n{hostile}").as_bytes()).unwrap();
    let all = serde_json::to_string(&read.events).unwrap();
    assert!(all.contains("␛]52;c;x␇") && !all.contains("\\u001b") && !all.contains('\u{202e}'));
}

#[test]
fn a_stretch_begins_before_what_probes_showed_even_if_a_person_says_that_it_began_later() {
    let room = Room::with(&record());
    let db = Sqlite::read_only(&room.path()).unwrap();
    let mut i = incident(&db, "i1");
    i.corrected = Some((t(-HOUR), "lin".into(), i.noticed));
    let now = t(50 * HOUR);
    assert_eq!(Stretch::of(&i, now).from, t(-2 * HOUR));
    i.corrected = None;
    i.backlog.cleared = Some(mailtop::domain::incident::Moment::plain(t(20 * HOUR)));
    assert_eq!(Stretch::of(&i, now).until, t(21 * HOUR));
    assert_eq!(Stretch::of(&i, t(15 * HOUR)).until, t(15 * HOUR));
}
