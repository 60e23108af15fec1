//! `mailtop replay` in a terminal: a journal at one of its incidents, a bundle elsewhere, and what is neither.

use super::export::weekend;
use super::home::Home;

#[test]
fn the_incident_of_the_weekend_is_seen_again_from_the_journal_and_from_its_bundle_elsewhere() {
    let (home, id, _) = weekend();
    let seen = |console: &mut super::lab::term::Term| {
        // Two minutes before it began, all was well.
        console.wait("the moment before", |s| {
            s.contains("◀ Sat 10:58:00") && s.contains("✔ ok")
        });
        console.send("}");
        console.wait_for("◀ Sat 11:00:00");
        console.wait_for("SERVERBUG");
        // Nothing can be done to it.
        console.send("p");
        console.wait_for("this is a record");
        console.send("g");
        console.wait_for("Show the fleet as it was");
        console.send("Sun 22:30\r");
        console.wait_for("◀ Sun 22:30:00");
        console.send("i");
        console.wait("the incident", |s| {
            s.contains("mailbox store down") && s.contains("timeline")
        });
        console.send("E");
        console.wait_for("this is a record");
        console.send("q");
        assert_eq!(console.wait_end(), 0);
    };
    let before = std::fs::read(home.journal()).unwrap();
    seen(&mut home.console(&["replay", &id], (80, 24)));
    assert_eq!(
        std::fs::read(home.journal()).unwrap(),
        before,
        "a replay writes nothing"
    );

    let bundle = home.path().join("weekend.bundle");
    let out = bundle.display().to_string();
    home.run(&["incident", "export", &id, "--format", "bundle", "--output", &out])
        .exits(0);
    let elsewhere = Home::new();
    seen(&mut elsewhere.console(&["replay", &out], (80, 24)));
    assert!(!elsewhere.journal().exists(), "what is shown is not recorded");

    // Played, it comes by itself to where the store fails.
    let mut played = elsewhere.console(&["replay", &out, "--at", "Sat 10:55", "--speed", "600"], (80, 24));
    played.wait_for("played ×600");
    played.wait_for("SERVERBUG");
    played.send("q");
    assert_eq!(played.wait_end(), 0);
}

#[test]
fn what_is_no_record_is_said_with_what_was_tried() {
    let home = Home::new();
    assert!(home.run(&["replay"]).exits(3).err.contains("no journal at"));
    let none = home.run(&["replay", "./nowhere.db"]).exits(3);
    assert!(none.err.contains("./nowhere.db: there is no such file"), "{}", none.err);
    let text = home.write("notes.txt", "not a record");
    let wrong = home.run(&["replay", &text.display().to_string()]).exits(3);
    assert!(
        wrong.err.contains("notes.txt is neither a journal nor a bundle"),
        "{}",
        wrong.err
    );
    let folder = home.run(&["replay", "."]).exits(3);
    assert!(folder.err.contains(". is a folder"), "{}", folder.err);
    let cut = home.write("cut.bundle", "{\"mailtop_bundle\":1,");
    let wrong = home.run(&["replay", &cut.display().to_string()]).exits(3);
    assert!(wrong.err.contains("cut.bundle:1: the file is cut off"), "{}", wrong.err);
    home.run(&["incident", "open", "by hand"]).exits(0);
    let unknown = home.run(&["replay", "INC1"]).exits(3);
    assert!(unknown.err.contains("there is no incident `INC1`"), "{}", unknown.err);
    let when = home.run(&["replay", "--at", "noon"]).exits(3);
    assert!(when.err.contains("--at noon: noon is no time of day"), "{}", when.err);
}
