//! `mailtop watch`: events as lines, an end that is quiet, and one journal shared by several observers of which only one
//! asks the servers.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use mailtop::domain::door::Security;
use mailtop::domain::event::{Event, Fact, Subject};
use serde_json::Value;

use super::bad_input::listing;
use super::home::{Done, Home, MAILTOP};
use super::lab::dovecot::{Dovecot, Options, PASSWORD, USER};
use super::lab::fake_imap::{Fake, Step, say};

/// A test waits this long for what must come; it is no measure of anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A watcher that goes on, and the lines that it prints as they come.
pub struct Watcher {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Watcher {
    pub fn start(home: &Home) -> Self {
        Self::of(home.command(&["watch"]))
    }
    /// By this command.
    pub fn of(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if tell.send(line).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }
    /// Who it is on the record ends with this.
    fn name(&self) -> String {
        format!(":{}", self.child.id())
    }
    /// Reads on until an event satisfies `good`, and gives it.
    pub fn until(&mut self, what: &str, good: impl FnMut(&Event) -> bool) -> Event {
        self.within(PATIENCE, what, good)
    }
    /// The same, for what takes longer.
    pub fn within(&mut self, patience: Duration, what: &str, mut good: impl FnMut(&Event) -> bool) -> Event {
        let end = Instant::now() + patience;
        loop {
            let line = self.lines.recv_timeout(end.saturating_duration_since(Instant::now()));
            let line = line.unwrap_or_else(|e| panic!("waited for {what} ({e}):\n{}", self.seen.join("\n")));
            let event = event(&line);
            self.seen.push(line);
            if good(&event) {
                return event;
            }
        }
    }
    /// Ends it without a word, and gives all that it printed.
    fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.seen.extend(self.lines.iter());
        std::mem::take(&mut self.seen)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn event(line: &str) -> Event {
    serde_json::from_str(line).unwrap_or_else(|e| panic!("{e} in: {line}"))
}
fn probed(e: &Event) -> bool {
    matches!(e.what, Fact::Probed(_))
}

#[test]
fn events_come_as_lines_of_json_for_as_long_as_was_asked() {
    let Some(dovecot) = Dovecot::start(&Options::default()) else {
        return;
    };
    let home = Home::new();
    let password = home.write("password", PASSWORD).display().to_string();
    let url = format!("imaps://{USER}@127.0.0.1:{}", dovecot.imaps);
    let ca = dovecot.path("ca.pem").display().to_string();
    let args = ["--ca-file", &*ca, "--password-file", &password, "--interval", "1s"];
    let began = Timestamp::now();
    let watch = ["watch", &*url, "--format", "jsonl", "--for", "3s"];
    let done = home.run(&[&watch[..], &args].concat()).exits(0);
    assert!(done.err.is_empty() && done.out.ends_with('\n'), "{}", done.err);
    let events: Vec<Event> = done.out.lines().map(event).collect();
    for (line, e) in done.out.lines().zip(&events) {
        // What a program relies on: the moment, who saw it, what it is about, the fact and its data.
        let value: Value = serde_json::from_str(line).unwrap();
        let members: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(members, ["about", "at", "seen_by", "what"], "{line}");
        assert!(
            value["what"]["fact"].is_string() && value["about"]["part"].is_string(),
            "{line}"
        );
        assert!(e.at >= began && e.at <= Timestamp::now());
    }
    let first = events.iter().map(|e| &e.what).take(2).collect::<Vec<_>>();
    assert!(
        matches!(first[..], [Fact::ObserverStarted { .. }, Fact::Watching(_)]),
        "{first:?}"
    );
    let probes: Vec<_> = events
        .iter()
        .filter_map(|e| if let Fact::Probed(p) = &e.what { Some(p) } else { None })
        .collect();
    // About one a second; a busy machine may make fewer.
    assert!((1..=4).contains(&probes.len()), "{}", done.out);
    assert!(probes.iter().all(|p| p.failure.is_none()), "{}", done.out);
    // What was printed is on the record: the next one begins with knowing it.
    let next = home.run(&[&watch[..], &args].concat()).exits(0);
    assert!(
        !next.out.contains(done.out.lines().nth(1).unwrap()),
        "the past is not told again"
    );
    assert!(home.journal().exists());
}

#[test]
fn a_reader_that_has_had_enough_ends_it_quietly() {
    let home = Home::new();
    home.configure(
        "[defaults]\ninterval = \"1s\"\n[[server]]\nname = \"none\"\n[[server.imap]]\nurl = \"imaps://127.0.0.1:1\"\n",
    );
    let listing = home.write("listing", listing());
    let watch = ("watch --for 1h", "head -n1", "0");
    let check = ("check", "true", "2");
    let queue = (&*format!("queue {} --format json", listing.display()), "true", "0");
    let man = ("man", "head -n1", "0");
    for (args, reader, status) in [watch, check, queue, man] {
        // The status of the program itself is told apart from its reader's.
        let script = format!("{{ {MAILTOP} {args}; echo \"status $?\" > status; }} | {reader}");
        let done = Done::from(home.shell(&script).output().unwrap()).exits(0);
        assert_eq!(done.err, "", "{args}");
        if reader.starts_with("head") {
            assert_eq!(done.out.lines().count(), 1, "{args}: {}", done.out);
        }
        let ended = std::fs::read_to_string(home.path().join("status")).unwrap();
        assert_eq!(ended.trim(), format!("status {status}"), "{args}");
    }
}

/// Seconds between two looks. Half of what a test of two intervals has to spare on a busy machine.
const INTERVAL: i64 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn of_two_on_one_journal_one_asks_both_see_the_same_and_the_other_takes_over() {
    let fake = Fake::play([say("* OK [CAPABILITY IMAP4rev1] ready"), Step::Silent]).await;
    let home = Home::new();
    home.configure(&format!(
        "[defaults]\ninterval = \"{INTERVAL}s\"\n[[server]]\nname = \"mx1\"\n[[server.imap]]\n\
         url = \"imap://127.0.0.1:{}\"\nstarttls = false\n",
        fake.door(Security::Plain).at.port()
    ));
    let mut first = Watcher::start(&home);
    first.until("the first probe", probed);
    let mut second = Watcher::start(&home);
    let me = second.name();
    second.until("its own start", |e| {
        matches!(e.what, Fact::ObserverStarted { .. }) && e.seen_by.0.ends_with(&me)
    });
    let mut console = home.console(&[], (120, 40));
    console.wait("the console to follow", |s| {
        s.contains("showing what") && s.contains(&first.name())
    });
    for _ in 0..3 {
        let other = first.name();
        let e = second.until("what the other one probed", probed);
        assert!(e.seen_by.0.ends_with(&other), "{e:?}");
    }

    let killed = Timestamp::now();
    let name = first.name();
    let mut all = first.kill();
    let after = second.until("its own first probe", |e| probed(e) && !e.seen_by.0.ends_with(&name));
    let took = after.at.duration_since(killed).as_secs_f64();
    assert!(took <= 2.0 * INTERVAL as f64, "it took over after {took} s");
    // The console or the second one may have been quicker, but one of them is the only one.
    let heir = after.seen_by.clone();
    for _ in 0..2 {
        assert_eq!(second.until("more of it", probed).seen_by, heir);
    }
    if heir.0.ends_with(&me) {
        console.wait("the console to follow the heir", |s| s.contains(&me));
    } else {
        console.wait("the console to probe", |s| !s.contains("showing what"));
    }
    console.send("q");
    assert_eq!(console.wait_end(), 0);
    let mut seen = second.kill();

    // Each saw the same lines in the same order, from where both were there to where the first ended. The last line of one
    // that is killed may be cut short.
    if all.last().is_some_and(|l| serde_json::from_str::<Event>(l).is_err()) {
        all.pop();
    }
    let start = all
        .iter()
        .position(|l| *l == seen[0])
        .expect("the first line of the second is on the first's list too");
    let both = all.len() - start;
    assert!(both >= 4, "{all:#?}");
    assert_eq!(all[start..], seen[..both]);
    // Every connection was one probe on the record, but for the one that was under way when its prober was killed.
    all.extend(seen.split_off(both));
    let probes = all.iter().filter(|l| probed(&event(l))).count();
    let connections = fake.connections();
    assert!(
        (probes..=probes + 2).contains(&connections),
        "{probes} probes, {connections} connections"
    );
    // Nobody was told of a server that does not exist.
    let about = |l: &String| {
        matches!(event(l).about, Subject::Observer) || event(l).about.server().is_some_and(|s| **s == *"mx1")
    };
    assert!(all.iter().all(about));
}
