//! What comes from outside and means harm, or is simply broken: a config full of mistakes, words with escape sequences in
//! them, listings that are cut off or no listings at all.

use std::fs;

use super::home::{Done, Home, assert_inert};
use super::lab::fake_imap::{Fake, Step, answer, say};
use super::lab::term::Term;
use mailtop::domain::door::Security;

const MISTAKES: &str = include_str!("../config/invalid/five-mistakes.toml");

#[test]
fn a_config_with_five_mistakes_reports_all_five_with_their_lines_whatever_reads_it() {
    let home = Home::new();
    home.configure(MISTAKES);
    let reported = |err: &str| {
        let path = home.config().display().to_string();
        for place in [
            "2:1: defaults.intervall",
            "3:11: defaults.timeout",
            "8:7: server[0].imap[0].url",
        ] {
            assert!(err.contains(&format!("{path}:{place}")), "{place}: {err}");
        }
        for place in ["11:8: server[1].name", "13:1: server[1].job[0].pause"] {
            assert!(err.contains(&format!("{path}:{place}")), "{place}: {err}");
        }
        let mistakes: Vec<&str> = err.lines().filter(|l| l.contains("config.toml:")).collect();
        assert_eq!(mistakes.len(), 5, "{err}");
        assert!(
            mistakes.iter().all(|m| m.contains(" — ")),
            "each says what to do: {err}"
        );
    };
    let commands: [&[&str]; 4] = [
        &["config", "check"],
        &["check"],
        &["watch", "--for", "1s"],
        &["pause", "mx1", "reindex", "--yes", "--reason", "x"],
    ];
    for args in commands {
        let done = home.run(args).exits(3);
        reported(&(done.err + &done.out));
    }
    // The console says it too, before it takes the screen.
    let mut console = home.console(&[], (120, 40));
    assert_eq!(console.wait_end(), 3);
    let said = String::from_utf8(console.raw()).unwrap();
    reported(&said.replace('\r', ""));
    assert!(!said.contains("\x1b[?1049h"), "the other screen was taken");
}

/// Sequences that would set the title, hide what follows, and clear the screen, each with a word to find them by. The last
/// is one of those that stand in a single character (U+009B).
const INJECTED: [&str; 3] = ["\x1b]0;INJECTED-T\x07", "\x1b[8mINJECTED-H", "\u{9b}2JINJECTED-C"];

fn injected() -> String {
    INJECTED.concat()
}

/// The same for a JSON string or a TOML string.
fn escaped() -> String {
    injected()
        .replace('\x1b', "\\u001b")
        .replace('\x07', "\\u0007")
        .replace('\u{9b}', "\\u009b")
}

/// Fails if one of the sequences is in these bytes, as it was sent or as an escape that a reader would turn into it; and
/// if not one of the words is there, for then nothing was shown.
fn assert_harmless(what: &str, bytes: &[u8]) {
    let has = |part: &str| memchr::memmem::find(bytes, part.as_bytes()).is_some();
    assert!(has("INJECTED-"), "{what} shows nothing of it");
    for sequence in INJECTED {
        assert!(!has(sequence), "{what} holds {sequence:?}");
    }
    for begin in ["\x1b]0;", "\x1b[8m", "\u{9b}", "\\u001b", "\\u009b", "\\u0007"] {
        assert!(!has(begin), "{what} holds {begin:?}");
    }
}

/// A greeting, a goodbye, a login's refusal and an alert, each with the sequences in it.
async fn fakes() -> [Fake; 3] {
    let words = injected();
    let hello = [
        say(&format!("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] {words} ready")),
        Step::Silent,
    ];
    let bye = [say(&format!("* BYE {words} go away"))];
    let refused = [
        &[
            say("* OK [CAPABILITY IMAP4rev1] well"),
            Step::Read,
            say(&format!("* OK [ALERT] {words} look")),
        ][..],
        &[Step::Answer(format!("NO [AUTHENTICATIONFAILED] {words} no"))],
        &answer("OK bye"),
    ];
    [
        Fake::play(hello).await,
        Fake::play(bye).await,
        Fake::play(refused.concat()).await,
    ]
}

/// A config whose every part answers with the sequences.
fn hostile(home: &Home, fakes: &[Fake; 3]) -> String {
    let words = injected();
    let line = format!(
        "{{\"queue_name\": \"deferred\", \"queue_id\": \"A1\", \"arrival_time\": 1700000000, \"message_size\": 9, \
         \"sender\": \"{e}@x.test\", \"recipients\": [{{\"address\": \"b@{e}\", \"delay_reason\": \"{e} full\"}}]}}\n",
        e = escaped()
    );
    let listing = home.write("listing", line);
    let says = home.write("says", format!("running {words}\n"));
    let complains = home.write("complains", format!("echo '{words}' >&2\nexit 1\n"));
    let port = |n: usize| fakes[n].door(Security::Plain).at.port();
    format!(
        "[defaults]\ninterval = \"1s\"\n\
         [[server]]\nname = \"a\"\nreach = \"local\"\n\
         [[server.imap]]\nname = \"hello\"\nurl = \"imap://127.0.0.1:{}\"\nstarttls = false\n\
         [[server.imap]]\nname = \"bye\"\nurl = \"imap://127.0.0.1:{}\"\nstarttls = false\n\
         [[server.imap]]\nname = \"refused\"\nurl = \"imap://u1@127.0.0.1:{}\"\nstarttls = false\npassword = \"x\"\n\
         [[server.queue]]\nname = \"listed\"\nkind = \"postfix\"\nlist = [\"cat\", \"{listing}\"]\n\
         count = [\"echo\", \"deferred\", \"1\"]\n\
         [[server.queue]]\nname = \"broken\"\nkind = \"postfix\"\nlist = [\"sh\", \"{complains}\"]\n\
         count = [\"sh\", \"{complains}\"]\n\
         [[server.job]]\nname = \"chatty\"\nkind = \"command\"\nstatus = [\"cat\", \"{says}\"]\n\
         pause = [\"sh\", \"{complains}\"]\nresume = [\"true\"]\n\
         [[server.job]]\nname = \"dead\"\nkind = \"command\"\nstatus = [\"sh\", \"{complains}\"]\n\
         pause = [\"true\"]\nresume = [\"true\"]\n",
        port(0),
        port(1),
        port(2),
        listing = listing.display(),
        says = says.display(),
        complains = complains.display(),
    )
}

/// Looks at every pane of the server, and pauses the job whose command complains.
fn look_at_all(console: &mut Term) {
    console.wait("the server to be seen", |s| {
        s.contains("INJECTED-") && s.contains("chatty")
    });
    console.send("\r");
    console.wait_for("SAID AT");
    for door in ["hello", "refused"] {
        console.send("\x1b[C");
        console.wait_for(&format!("‹ {door} ›"));
    }
    console.send("2");
    console.wait_for("‹ broken ›");
    console.send("\x1b[C");
    console.wait("the reasons", |s| s.contains("‹ listed ›") && s.contains("full"));
    console.send("3");
    console.wait("the jobs", |s| s.contains("dead"));
    console.send("p");
    console.wait_for("Enter pause for 30m");
    console.send("why not\r");
    console.wait("its output", |s| s.contains("OUTPUT") && s.contains("exit status 1"));
    console.send("\x1b");
    console.wait("the dialog to be gone", |s| !s.contains('┌'));
}

#[tokio::test(flavor = "multi_thread")]
async fn escape_sequences_from_servers_reach_no_screen_no_journal_and_no_output() {
    let home = Home::new();
    let fakes = fakes().await;
    home.configure(&hostile(&home, &fakes));

    for format in ["text", "json", "nagios"] {
        let done = home.run(&["check", "--format", format]).exits(2);
        let all = done.out + &done.err;
        assert_harmless(format, all.as_bytes());
        assert_inert(format, all.as_bytes());
    }
    let events = home.run(&["watch", "--for", "3s"]).exits(0);
    assert_harmless("watch", events.out.as_bytes());
    assert_inert("watch", events.out.as_bytes());
    for fact in ["probed", "queue-seen", "queue-missed", "job-seen", "job-missed"] {
        let of = |l: &&str| l.contains(&format!("\"fact\":\"{fact}\"")) && l.contains("INJECTED-");
        assert!(
            events.out.lines().any(|l| of(&l)),
            "no {fact} with the words:\n{}",
            events.out
        );
    }

    let mut console = home.console(&[], (120, 40));
    look_at_all(&mut console);
    console.send("q");
    assert_eq!(console.wait_end(), 0);
    assert_harmless("the screen", &console.raw());
    for suffix in ["", "-wal"] {
        let file = home.journal().display().to_string() + suffix;
        if let Ok(bytes) = fs::read(&file)
            && !bytes.is_empty()
        {
            assert_harmless(&file, &bytes);
        }
    }
    let shell = home
        .run(&["pause", "a", "chatty", "--yes", "--reason", "again"])
        .exits(2);
    assert_harmless("pause", (shell.out.clone() + &shell.err).as_bytes());
    assert_inert("pause", (shell.out + &shell.err).as_bytes());
    let log = fs::read(home.path().join(".local/state/mailtop/mailtop.log")).unwrap_or_default();
    assert!(memchr::memchr(0x1b, &log).is_none(), "the log holds an escape");
}

#[test]
fn what_the_user_names_is_shown_without_its_control_characters_too() {
    let home = Home::new();
    let odd = format!("imaps://{}", injected());
    for args in [
        &["check", &*odd][..],
        &["queue", &injected()],
        &["pause", &injected(), "j", "--reason", "x"],
    ] {
        let done = home.run(args).exits(3);
        assert_inert(args[0], done.err.as_bytes());
    }
    home.configure(&format!("[[server]]\nname = \"{}\"\ncolour = 1\n", escaped()));
    let done = home.run(&["check"]).exits(3);
    assert_inert("check", done.err.as_bytes());
}

const LINE: &str = r#"{"queue_name": "deferred", "queue_id": "ID", "arrival_time": 1700000000, "message_size": 404, "sender": "a@x.test", "recipients": [{"address": "u1@far.test", "delay_reason": "no"}]}"#;

/// Five messages, as Postfix lists them.
pub fn listing() -> String {
    (0..5).map(|n| LINE.replace("ID", &format!("A{n}")) + "\n").collect()
}

/// Fails unless it ended with status 1 after it printed so many messages and said that so many lines were skipped.
fn partly(done: Done, messages: u64, skipped: u64) {
    let done = done.exits(1);
    let report = done.json();
    assert_eq!(
        (&report["messages"], &report["skipped_lines"]),
        (&messages.into(), &skipped.into()),
        "{report:#}"
    );
    let lines = if skipped == 1 {
        "1 line skipped".to_owned()
    } else {
        format!("{skipped} lines skipped")
    };
    assert!(done.err.contains(&lines), "{}", done.err);
    assert_inert("its words", done.err.as_bytes());
}

#[test]
fn a_listing_that_is_cut_off_or_no_listing_at_all_is_read_as_far_as_it_goes() {
    let home = Home::new();
    let whole = listing();
    let json = ["queue", "-", "--format", "json"];
    assert_eq!(home.run_on(&json, whole.as_bytes()).exits(0).json()["messages"], 5);

    let cut = &whole.as_bytes()[..whole.len() - 20];
    partly(home.run_on(&json, cut), 4, 1);
    let file = home.write("cut", cut);
    partly(home.run(&["queue", file.to_str().unwrap(), "--format", "json"]), 4, 1);

    // Three kinds of rubbish between the lines.
    let mixed =
        whole.clone() + "postqueue: warning: oops\n{\"queue_id\": 7}\n\u{1b}[2J\n" + &whole.replace("\"A", "\"B");
    partly(home.run_on(&json, mixed.as_bytes()), 10, 3);

    // A compressed file, say: what does not end in a line's end counts as a line too.
    let noise: Vec<u8> = (0..100_000u32)
        .map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    let lines = noise
        .split(|b| *b == b'\n')
        .filter(|l| !l.trim_ascii().is_empty())
        .count() as u64;
    let file = home.write("noise", &noise);
    partly(
        home.run(&["queue", file.to_str().unwrap(), "--format", "json"]),
        0,
        lines,
    );
    let text = home.run(&["queue", file.to_str().unwrap()]).exits(1);
    assert!(text.out.starts_with("at least 0 messages"), "{}", text.out);
    assert_inert("the table", text.out.as_bytes());

    home.run(&["queue", "/nonexistent"]).exits(3);
    home.run(&["queue", home.path().to_str().unwrap()]).exits(3);
}
