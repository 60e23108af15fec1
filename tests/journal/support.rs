//! Events to record, and a folder to record them in.

use std::path::{Path, PathBuf};

use mailtop::clock::Clock;
use mailtop::domain::action::{ActionId, Plan, Ran, ReadBack, Truth, Verb};
use mailtop::domain::effect::Recording;
use mailtop::domain::event::{Event, Fact, ObserverId, Subject};
use mailtop::domain::health::{Failure, Layer, Phase, PhaseTime, ProbeReport, TlsSeen};
use mailtop::domain::job::{JobState, State};
use mailtop::domain::queue::{Depth, Destination, How, Listing, QueueKind, QueueSnapshot, Reason, SystemState};
use mailtop::domain::reading::{Miss, Missed};
use mailtop::domain::roster::{Roster, Watched};
use mailtop::domain::{Span, Text, Timestamp};
use mailtop::journal::{Durability, Keep, Opened, Options, Record, Sqlite};
use tokio::sync::watch;

/// A second of the test's time.
pub fn t(secs: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + secs).unwrap()
}

pub fn who(name: &str) -> ObserverId {
    ObserverId(name.into())
}

pub fn me() -> ObserverId {
    who("lin@desk:4711")
}

pub fn event(at: Timestamp, about: Subject, what: Fact) -> Event {
    Event {
        at,
        seen_by: me(),
        about,
        what,
    }
}

pub fn server() -> Subject {
    Subject::Server { server: "mx1".into() }
}
pub fn door() -> Subject {
    Subject::Door {
        server: "mx1".into(),
        door: "imap".into(),
    }
}
pub fn queue() -> Subject {
    Subject::Queue {
        server: "mx1".into(),
        queue: "postfix".into(),
    }
}
pub fn job(name: &str) -> Subject {
    Subject::Job {
        server: "mx1".into(),
        job: name.into(),
    }
}

/// An event that says its number.
pub fn numbered(n: u64) -> Event {
    event(t(0), Subject::Observer, Fact::Notice(format!("number {n}").into()))
}

/// A sample that says its number.
pub fn sample(n: i64) -> Event {
    event(t(0), server(), Fact::Reached(Span::from_micros(n)))
}

pub fn report(fetch_ms: i64) -> ProbeReport {
    use Phase::{Examine, Fetch, Greeting, Login, Name, Tcp, Tls};
    let times = [
        (Name, 1_203),
        (Tcp, 877),
        (Tls, 9_432),
        (Greeting, 1_002),
        (Login, 6_120),
        (Examine, 2_044),
    ];
    let mut phases: Vec<PhaseTime> = times.map(|(phase, us)| took(phase, Span::from_micros(us))).to_vec();
    phases.push(took(Fetch, Span::from_millis(fetch_ms)));
    let plan = phases.iter().map(|p| p.phase).collect();
    ProbeReport {
        peer: Some("192.0.2.17:993".into()),
        phases,
        proved: Some(Fetch),
        tls: Some(TlsSeen {
            version: Some("TLSv1.3".into()),
            not_after: Some(t(86_400 * 60)),
        }),
        greeting: Some(
            "* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ AUTH=PLAIN] Dovecot ready."
                .into(),
        ),
        ..ProbeReport::begun("imaps://probe@imap.example.com".into(), plan)
    }
}

fn took(phase: Phase, took: Span) -> PhaseTime {
    PhaseTime { phase, took, ok: true }
}

pub fn probed(at: Timestamp, fetch_ms: i64) -> Event {
    event(at, door(), Fact::Probed(Box::new(report(fetch_ms))))
}

pub fn failed(at: Timestamp) -> Event {
    let failure = Failure {
        layer: Layer::Store,
        phase: Phase::Examine,
        code: Some("SERVERBUG".into()),
        text: "Internal error occurred".into(),
        hint: None,
    };
    let report = ProbeReport {
        failure: Some(failure),
        proved: Some(Phase::Login),
        ..report(9_000)
    };
    event(at, door(), Fact::Probed(Box::new(report)))
}

pub fn missed() -> Missed {
    Missed::new(Miss::TimedOut, "ssh mx1 postqueue -j", "no answer in 5s").fix("look at the network")
}

pub fn depth(at: Timestamp, deferred: u64, listing: Option<Listing>) -> Event {
    let how = if listing.is_some() { How::Listed } else { How::Counted };
    event(
        at,
        queue(),
        Fact::QueueSeen(QueueSnapshot {
            kind: QueueKind::Postfix,
            how,
            depth: Depth {
                deferred,
                ..Depth::default()
            },
            partial: None,
            skipped_lines: 0,
            listing: listing.map(Box::new),
            took: Span::from_millis(41),
            next_listing: Some(Span::from_mins(2)),
            next_look: None,
            said: None,
            system: SystemState::Unknown,
            cpu: None,
        }),
    )
}

pub fn listing() -> Listing {
    Listing {
        bytes: u64::MAX,
        oldest: Some(t(-9_000)),
        destinations: vec![Destination {
            domain: "example.org".into(),
            messages: 31,
            ages: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        }],
        reasons: vec![Reason {
            reason: "connect to #3 \"mx\" \\ 2: Connection timed out".into(),
            messages: 9,
        }],
        by_queue: [("deferred".into(), 31)].into(),
        ..Listing::default()
    }
}

pub fn job_state(state: State) -> JobState {
    JobState {
        state,
        progress: Some(62.5),
        running_for: Some(Span::from_mins(252)),
        began: None,
        held: None,
        detail: "active (running)".into(),
        armed: vec![],
        armed_unread: false,
        beware: vec![],
    }
}

pub fn planned(at: Timestamp, id: &str, job_name: &str) -> Event {
    let plan = Plan {
        id: ActionId(id.into()),
        verb: Verb::Pause,
        server: "mx1".into(),
        job: job_name.into(),
        runs: vec!["ssh mx1 systemctl freeze mail-db-compact.service".into()],
        touches: vec!["1 unit".into()],
        beware: vec![],
        undo: "systemctl thaw mail-db-compact.service".into(),
        armed_on_server: true,
        choices: mailtop::domain::action::Choices::default(),
        unarmed: None,
        messages: None,
        confirmation: mailtop::domain::action::Confirmation::Enter,
        offers: vec![],
        lasts: Some(Span::from_mins(30)),
        reason: "drain first".into(),
        by: "lin@desk".into(),
    };
    event(at, job(job_name), Fact::ActionPlanned(Box::new(plan)))
}

pub fn ran(at: Timestamp, id: &str, job_name: &str) -> Event {
    let ran = Ran {
        id: ActionId(id.into()),
        exit: Some(0),
        output: Text::default(),
        took: Span::from_millis(200),
        failed: None,
    };
    event(at, job(job_name), Fact::ActionRan(ran))
}

pub fn read_back(at: Timestamp, id: &str, job_name: &str) -> Event {
    let read = ReadBack {
        id: ActionId(id.into()),
        truth: Truth::Contradicted {
            found: job_state(State::Running),
        },
    };
    event(at, job(job_name), Fact::ActionReadBack(read))
}

pub fn roster() -> Roster {
    Roster {
        servers: vec![Watched {
            name: "mx1".into(),
            reach: Some("ssh:mx1".into()),
            read_only: false,
            every: Span::from_secs(10),
            limits: mailtop::domain::health::Limits::default(),
            doors: vec![],
            queues: vec![],
            jobs: vec![],
        }],
        senders: vec![],
        canaries: vec![],
    }
}

/// One event of every kind.
pub fn one_of_each() -> Vec<Event> {
    vec![
        event(
            t(0),
            Subject::Observer,
            Fact::ObserverStarted {
                version: "0.1.0".into(),
            },
        ),
        event(t(1), Subject::Observer, Fact::Watching(roster())),
        probed(t(2), 5),
        failed(t(3)),
        event(t(4), door(), Fact::ProbeMissed(missed())),
        depth(t(5), 31, None),
        depth(t(6), 31, Some(listing())),
        event(t(7), queue(), Fact::QueueMissed(missed())),
        event(t(8), job("compact"), Fact::JobSeen(job_state(State::Paused))),
        event(t(9), job("compact"), Fact::JobMissed(missed())),
        event(t(10), server(), Fact::Reached(Span::from_micros(-7))),
        event(t(11), server(), Fact::ReachLost(missed())),
        planned(t(12), "a1", "compact"),
        ran(t(13), "a1", "compact"),
        read_back(t(14), "a1", "compact"),
        event(t(15), Subject::Observer, Fact::Notice("a word".into())),
        event(t(16), Subject::Observer, Fact::ObserverStopped),
        event(
            t(17),
            Subject::Incident {
                incident: mailtop::domain::incident::IncidentId("20261121T1058-4fa2".into()),
            },
            Fact::Incident(Box::new(mailtop::domain::incident::Entry::Acknowledged(
                mailtop::domain::incident::fact::Acknowledged { by: "lin@desk".into() },
            ))),
        ),
    ]
}

/// A folder that goes away with the test, and the journal's name in it.
pub struct Room {
    dir: tempfile::TempDir,
}

impl Room {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("data/journal.db")
    }
    pub fn sqlite(&self) -> Sqlite {
        let (db, notice) = Sqlite::open(&self.path(), t(0)).unwrap();
        assert_eq!(notice, None);
        db
    }
    /// The file as any other program sees it.
    pub fn raw(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }
    /// A journal with these events, closed.
    pub fn with(events: &[Event]) -> Self {
        let room = Self::new();
        room.sqlite().append(events, Durability::Process).unwrap();
        room
    }
    /// The names of the files beside the journal.
    pub fn names(&self) -> Vec<String> {
        names(self.path().parent().unwrap())
    }
}

pub fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|f| f.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Everything on the record.
pub fn all(db: &mut Sqlite) -> Vec<Event> {
    let batch = db.since(mailtop::journal::Cursor::START, 1_000_000).unwrap();
    batch.events.into_iter().map(|(_, e)| e).collect()
}

pub fn options(path: &Path, who: ObserverId) -> Options {
    Options {
        path: Some(path.to_owned()),
        from: t(-3_600),
        keep: Keep {
            // The test's time is far from the clock's: nothing is old.
            raw: Span::from_hours(24 * 365 * 100),
            minutes: Span::from_hours(24 * 365 * 100),
        },
        me: who,
        clock: Clock::System,
    }
}

pub async fn open(path: &Path, name: &str) -> Opened {
    mailtop::journal::open(options(path, who(name))).await
}

/// Waits for so many events.
pub async fn receive(opened: &mut Opened, n: usize) -> Vec<Event> {
    let mut got = Vec::new();
    while got.len() < n {
        got.extend(opened.events.recv().await.unwrap());
    }
    got
}

/// Waits until it is so; what is said then.
pub async fn recording(status: &mut watch::Receiver<Recording>, is: fn(&Recording) -> bool) -> Recording {
    status.wait_for(is).await.unwrap().clone()
}

pub fn no(r: &Recording) -> bool {
    *r != Recording::Yes
}
pub fn yes(r: &Recording) -> bool {
    *r == Recording::Yes
}
