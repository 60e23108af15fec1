//! Drafts of updates: from real servers of which one part fails, so that each claim has a probe behind it; and with templates of
//! one's own that are wrong.

use std::time::{Duration, Instant};

use mailtop::domain::door::{Place, Protocol, Security};
use mailtop::domain::event::Fact;
use mailtop::domain::incident::Entry;

use super::home::Home;
use super::lab::doors::House;
use super::lab::dovecot::{PASSWORD, USER};
use super::watch::Watcher;

/// A test waits this long for what must come; it is no measure of anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// The IMAP door of a house, and its submission door where that is to be watched.
fn config(home: &Home, house: &House, outbound: bool) {
    let ca = house.dovecot.path("ca.pem").display().to_string();
    let password = home.write("password", PASSWORD).display().to_string();
    let door = |protocol, url: &str| {
        let Place::Tcp { port, .. } = house.door(protocol, Security::Tls).at else {
            unreachable!()
        };
        format!(
            "[[server.{protocol}]]\nurl = \"{url}{USER}@127.0.0.1:{port}\"\nca_file = \"{ca}\"\npassword_file = \"{password}\"\n"
        )
    };
    let mut all =
        "[incident]\nopen_after = \"1s\"\nprobes = 2\n[[server]]\nname = \"mail\"\ninterval = \"1s\"\n".to_owned();
    all.push_str(&door(Protocol::Imap, "imaps://"));
    if outbound {
        all.push_str(&door(Protocol::Submission, "submissions://"));
    }
    home.configure(&all);
}

/// The draft once it holds all of these words: a look may be late by a moment.
fn draft(home: &Home, whom: &str, parts: &[&str]) -> String {
    let end = Instant::now() + PATIENCE;
    loop {
        let list = home.run(&["incident", "list", "--format", "json"]).exits(0).json();
        let id = list[0]["id"].as_str().unwrap().to_owned();
        let text = home.run(&["incident", "draft", &id, "--for", whom]).exits(0).out;
        if parts.iter().all(|p| text.contains(p)) {
            return text;
        }
        assert!(Instant::now() < end, "{parts:?} in:\n{text}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

fn opened(watcher: &mut Watcher) {
    watcher.until(
        "an incident",
        |e| matches!(&e.what, Fact::Incident(e) if matches!(**e, Entry::Opened(_))),
    );
}

#[test]
fn with_the_store_failing_and_outbound_good_the_draft_says_both_with_times() {
    let Some(house) = House::start() else { return };
    let home = Home::new();
    config(&home, &house, true);
    let mut watcher = Watcher::start(&home);
    watcher.until(
        "both doors to be good",
        |e| matches!(&e.what, Fact::Probed(r) if r.failure.is_none()),
    );
    house.dovecot.lock_mail();
    opened(&mut watcher);
    let fails = "Reading mail in mailboxes fails since ";
    let works = "Sending mail was seen working at ";
    let text = draft(&home, "customer", &[fails, works]);
    let line = |begins: &str| text.lines().find(|l| l.starts_with(begins)).unwrap().to_owned();
    let shown = home.run(&["incident", "list", "--format", "json"]).json();
    // `2026-11-21T10:58:50…`: the minute stands in the sentence.
    let since = &shown[0]["started_at"].as_str().unwrap()[11..16];
    assert!(
        line(fails).contains(&format!("{since} UTC (IMAP on mail, last seen failing ")),
        "{text}"
    );
    assert!(line(works).contains(" UTC (submission on mail)."), "{text}");
    assert!(
        text.contains("Mail coming in from other servers: not known, no probe looks at it."),
        "{text}"
    );
    let technical = draft(&home, "technical", &[fails, works]);
    assert!(
        technical.contains("layer: store; servers: mail") && technical.contains("the server says: "),
        "{technical}"
    );
    // It stops working: the claim goes with it.
    house.postfix.stop();
    let text = draft(
        &home,
        "customer",
        &["Sending mail cannot be reached from where we look ("],
    );
    assert!(!text.contains("Sending mail was seen working"), "{text}");
}

#[test]
fn without_a_door_of_it_the_draft_does_not_claim_outbound() {
    let Some(house) = House::start() else { return };
    let home = Home::new();
    config(&home, &house, false);
    let mut watcher = Watcher::start(&home);
    watcher.until(
        "the door to be good",
        |e| matches!(&e.what, Fact::Probed(r) if r.failure.is_none()),
    );
    house.dovecot.lock_mail();
    opened(&mut watcher);
    let text = draft(&home, "customer", &["Reading mail in mailboxes fails since "]);
    assert!(
        text.contains("Sending mail: not known, no probe looks at it."),
        "{text}"
    );
    assert!(!text.contains("working"), "{text}");
    // Nor once nobody looks any more.
    drop(watcher);
    let text = draft(&home, "customer", &["Whether it fails now is not known"]);
    assert!(
        text.contains("Reading mail in mailboxes: not known, no probe of it has come through lately."),
        "{text}"
    );
}

#[test]
fn a_template_with_a_field_that_does_not_exist_is_told_by_file_line_and_field_and_the_built_in_one_is_used() {
    let home = Home::new();
    home.run(&["incident", "open", "store down", "--number", "INC1"])
        .exits(0);
    let file = home.write("mine/customer-investigating.txt", "{title}\n\nWe know {cause}.\n");
    let dir = file.parent().unwrap().display().to_string();
    let with = |dir: &str| home.run(&["incident", "draft", "INC1", "--templates", dir]).exits(0);
    let (done, plain) = (with(&dir), home.run(&["incident", "draft", "INC1"]).exits(0));
    let told = format!("{}:3: there is no field {{cause}}: there are ", file.display());
    assert!(
        done.err.contains(&told) && done.err.contains("the built-in template is used"),
        "{}",
        done.err
    );
    assert_eq!(done.out.lines().next(), plain.out.lines().next());
    assert!(done.out.contains("We are looking for the cause."), "{}", done.out);
    home.write("mine/customer-investigating.txt", "Ours: {title}, no mail was lost\n");
    let done = with(&dir);
    assert!(
        done.err.contains(":1: \"no mail was lost\" cannot be said"),
        "{}",
        done.err
    );
    home.write("mine/customer-investigating.txt", "Ours: {title}\n");
    let done = with(&dir);
    assert_eq!((done.out.as_str(), done.err.as_str()), ("Ours: store down\n", ""));
}
