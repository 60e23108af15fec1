//! A weekend as a model, made by hand with fixed times: the fleet that screens are tested and recorded with. Sunday
//! 18:36:04 UTC, thirty-one hours into a store outage.

pub mod doors;
pub mod flows;
pub mod incidents;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::console::app::{App, AppOptions};
use crate::domain::action::{ActionId, Plan, Ran, ReadBack, Truth, Verb};
use crate::domain::door::{Protocol, Role};
use crate::domain::event::{Event, Fact, ObserverId, Subject};
use crate::domain::flow::FlowCounts;
use crate::domain::health::{Failure, Layer, Limits, Phase, PhaseTime, ProbeReport, TlsSeen};
use crate::domain::job::{Armed, JobState, Keeper, State};
use crate::domain::queue::{Depth, Destination, How, Listing, QueueKind, QueueSnapshot, Reason, SystemState};
use crate::domain::reading::{Miss, Missed};
use crate::domain::roster::{Roster, Watched, WatchedDoor, WatchedJob, WatchedQueue};
use crate::domain::{Name, Span};
use crate::model::Model;

/// The moment of the screens.
pub fn now() -> Timestamp {
    at(0)
}
/// So many seconds after it.
pub fn at(s: i64) -> Timestamp {
    Timestamp::from_second(1_795_372_564 + s).unwrap()
}
pub fn me() -> ObserverId {
    ObserverId("lin@bastion:4711".into())
}
pub fn event(s: i64, about: Subject, what: Fact) -> Event {
    Event {
        at: at(s),
        seen_by: me(),
        about,
        what,
    }
}
pub fn door(server: &str) -> Subject {
    Subject::Door {
        server: server.into(),
        door: "imap".into(),
    }
}
pub fn queue(server: &str) -> Subject {
    Subject::Queue {
        server: server.into(),
        queue: "postfix".into(),
    }
}
pub fn job(server: &str, job: &str) -> Subject {
    Subject::Job {
        server: server.into(),
        job: job.into(),
    }
}

/// What is watched on one server.
pub fn watched(name: &str, parts: &str, jobs: &[&str]) -> Watched {
    let has = |p: &str| parts.split(' ').any(|x| x == p);
    Watched {
        name: name.into(),
        reach: has("queue").then(|| format!("ssh:{name}").into()),
        read_only: has("read-only"),
        every: Span::from_secs(10),
        limits: Limits {
            queue_depth: 20_000,
            ..Limits::default()
        },
        doors: has("imap")
            .then(|| WatchedDoor {
                name: "imap".into(),
                url: format!("imaps://probe@{name}.example.net").into(),
                protocol: Protocol::Imap,
                role: Role::Mailbox,
                anonymous: has("anonymous"),
            })
            .into_iter()
            .collect(),
        queues: has("queue")
            .then(|| WatchedQueue {
                budget_permille: 20,
                name: "postfix".into(),
                kind: QueueKind::Postfix,
            })
            .into_iter()
            .collect(),
        jobs: jobs
            .iter()
            .map(|j| WatchedJob {
                name: (*j).into(),
                kind: "systemd".into(),
                about: format!("mail-{j}.service").into(),
            })
            .collect(),
    }
}

pub fn watching(servers: Vec<Watched>) -> Model {
    let mut m = Model::new(Some(me()));
    m.apply(&event(
        -200_000,
        Subject::Observer,
        Fact::Watching(Roster {
            servers,
            senders: flows::senders(),
            ..Roster::default()
        }),
    ));
    m
}

/// A probe whose phases take these milliseconds, to the end or to its failure.
pub fn probe(server: &str, ms: [i64; 7], failure: Option<Failure>) -> Fact {
    let phases = [
        Phase::Name,
        Phase::Tcp,
        Phase::Tls,
        Phase::Greeting,
        Phase::Login,
        Phase::Examine,
        Phase::Fetch,
    ];
    let end = failure.as_ref().map_or(Phase::Logout, |f| f.phase);
    let begun = ProbeReport::begun(format!("imaps://probe@{server}.example.net").into(), phases.to_vec());
    let phases: Vec<PhaseTime> = phases
        .into_iter()
        .zip(ms)
        .filter(|(p, _)| *p <= end)
        .map(|(phase, ms)| PhaseTime {
            phase,
            took: Span::from_millis(ms),
            ok: phase != end,
        })
        .collect();
    Fact::Probed(Box::new(ProbeReport {
        peer: Some("192.0.2.17:993".into()),
        proved: phases.iter().rev().find(|p| p.ok).map(|p| p.phase),
        phases,
        failure,
        tls: Some(TlsSeen {
            version: Some("TLSv1.3".into()),
            not_after: Some(at(61 * 86_400 + 3_600)),
        }),
        greeting: Some(
            "* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ AUTH=PLAIN] Dovecot ready."
                .into(),
        ),
        ..begun
    }))
}
pub fn serverbug() -> Failure {
    Failure {
        layer: Layer::Store,
        phase: Phase::Examine,
        code: Some("SERVERBUG".into()),
        text: "Internal error occurred. Refer to server log for more information. [2026-11-22 18:36:01]".into(),
        hint: Some("login works and the mailbox does not: look at the store behind it".into()),
    }
}
pub fn depth(active: u64, deferred: u64, hold: u64) -> QueueSnapshot {
    QueueSnapshot {
        kind: QueueKind::Postfix,
        how: How::Counted,
        depth: Depth {
            active,
            deferred,
            hold,
            ..Depth::default()
        },
        partial: None,
        skipped_lines: 0,
        listing: None,
        took: Span::from_millis(40),
        next_listing: None,
        next_look: None,
        said: None,
        system: SystemState::Unknown,
        cpu: None,
    }
}
pub fn state(state: State, progress: Option<f64>, running_for: Option<Span>, detail: &str) -> Fact {
    Fact::JobSeen(JobState {
        state,
        progress,
        running_for,
        began: None,
        held: None,
        detail: detail.into(),
        armed: vec![],
        armed_unread: false,
        beware: vec![],
    })
}
/// A resume that is armed on the server and fires in so many seconds.
pub fn armed(secs: i64) -> Armed {
    Armed {
        id: ActionId("earlier".into()),
        keeper: Keeper::Timer,
        fires_in: Some(Span::from_secs(secs)),
        by: Some("lin@bastion".into()),
        why: Some("drain the inbound backlog first".into()),
    }
}
pub fn unreachable(server: &str) -> Missed {
    Missed::new(
        Miss::Unreachable,
        format!("ssh {server} true"),
        "connect to host port 22: No route to host",
    )
    .fix(format!("try `ssh {server}` by hand"))
}

fn listing() -> Listing {
    let d = |domain: &str, messages, ages| Destination {
        domain: domain.into(),
        messages,
        ages,
    };
    let r = |reason: &str, messages| Reason {
        reason: reason.into(),
        messages,
    };
    Listing {
        bytes: 3_148_221_904,
        oldest: Some(at(-113_760)),
        hours: flows::hours(32, 1_506),
        ages: [4_060, 4_020, 7_940, 11_870, 3_400, 2_610, 2_201, 3_904, 5_206, 3_000],
        destinations: vec![
            d(
                "example.net",
                31_204,
                [3_000, 3_000, 6_000, 9_000, 2_000, 1_500, 1_200, 2_004, 2_000, 1_500],
            ),
            d(
                "lists.example.net",
                9_880,
                [900, 880, 1_500, 2_000, 900, 700, 600, 900, 900, 600],
            ),
            d(
                "shop.example.org",
                4_102,
                [160, 140, 440, 870, 500, 410, 401, 500, 381, 300],
            ),
            d("far.test", 1_977, [0, 0, 0, 0, 0, 0, 0, 400, 977, 600]),
            d("日本語.example", 41, [0, 0, 0, 0, 0, 0, 0, 0, 41, 0]),
        ],
        destination_count: 214,
        reasons: vec![
            r("connect to …[…]:lmtp: Connection refused", 28_102),
            r(
                "host …[…] said: 451 4.3.0 <…@…> Temporary internal error (in reply to end of DATA command)",
                17_441,
            ),
            r(
                "host …[…] said: 452 4.2.2 <…@…> Quota exceeded (mailbox for user is full)",
                38,
            ),
        ],
        senders: vec![],
        by_queue: BTreeMap::new(),
    }
}

/// The plan of a pause.
pub fn plan(server: &str, job: &str, verb: Verb, lasts: Option<Span>) -> Plan {
    let pause = verb.lasts();
    let (word, back) = if pause { ("freeze", "thaw") } else { ("thaw", "freeze") };
    let how = match lasts {
        Some(lasts) if pause => format!(" · armed on {server} itself, in {lasts}"),
        _ => " · by hand".to_owned(),
    };
    let arm = format!(
        "ssh {server} systemd-run --on-active=30m --timer-property=AccuracySec=1s --unit=mailtop-thaw-{job} systemctl thaw mail-{job}.service"
    );
    let run = format!("ssh {server} systemctl {word} mail-{job}.service");
    Plan {
        id: ActionId(Name::new(&format!("{verb}-{server}-{job}"))),
        verb,
        server: server.into(),
        job: job.into(),
        runs: match verb {
            Verb::Pause => vec![arm.as_str().into(), run.as_str().into()],
            Verb::Extend => vec![arm.as_str().into()],
            Verb::Resume | Verb::Flush => vec![run.as_str().into()],
        },
        touches: vec!["1 unit, running 4h12m, 62% done; progress is kept".into()],
        beware: if pause {
            vec!["a frozen job keeps its locks: watch the store probe".into()]
        } else {
            vec![]
        },
        undo: format!("systemctl {back} mail-{job}.service{how}").into(),
        armed_on_server: pause,
        choices: crate::domain::action::Choices::default(),
        unarmed: None,
        messages: None,
        confirmation: crate::domain::action::Confirmation::Enter,
        offers: vec![],
        lasts,
        reason: "".into(),
        by: "lin@bastion".into(),
    }
}

/// The record of an action: planned, run, and read back `after` seconds later.
pub fn acted(s: i64, after: i64, plan: Plan, reason: &str, truth: Truth) -> Vec<Event> {
    let about = job(&plan.server, &plan.job);
    let id = plan.id.clone();
    let ran = Ran {
        id: id.clone(),
        exit: Some(0),
        output: "".into(),
        took: Span::from_millis(310),
        failed: None,
    };
    vec![
        event(
            s,
            about.clone(),
            Fact::ActionPlanned(Box::new(Plan {
                reason: reason.into(),
                ..plan
            })),
        ),
        event(s + 1, about.clone(), Fact::ActionRan(ran)),
        event(s + after, about, Fact::ActionReadBack(ReadBack { id, truth })),
    ]
}

/// The fleet of the drawing: one down, one slow and paused, one silent, three well.
pub fn weekend() -> Model {
    let mut m = watching(vec![
        watched("mbox1", "imap queue", &["db-compact", "index-rebuild"]),
        watched("mbox2", "imap queue", &[]),
        watched("mbox3", "imap queue", &["db-compact"]),
        watched("mx1", "imap queue", &[]),
        watched("mx2", "imap queue", &["reindex"]),
        watched("out1", "imap queue read-only", &[]),
    ]);
    mbox1(&mut m);
    mbox3(&mut m);
    well(&mut m, "mbox2", 41, |s| 120 - s / 15);
    flows::mx1(&mut m);
    well(&mut m, "out1", 22, |_| 0);
    mx2(&mut m);
    flows::mbox2(&mut m);
    let notice = Fact::Notice("journal.db was damaged: moved aside to journal.db.damaged-1, a new one begun".into());
    m.apply(&event(-252, Subject::Observer, notice));
    m
}

fn mbox1(m: &mut Model) {
    let good = [1, 1, 9, 1, 6, 3, 2];
    for s in 0..40 {
        m.apply(&event(
            -113_764 - 400 + s * 10,
            door("mbox1"),
            probe("mbox1", good, None),
        ));
    }
    m.apply(&event(
        -113_764,
        door("mbox1"),
        probe("mbox1", [1, 1, 9, 1, 6, 240, 0], Some(serverbug())),
    ));
    for s in (-1_200..=-4).step_by(10) {
        // Nobody looked for two minutes: the console was being moved to another host.
        if !(-420..-290).contains(&s) {
            m.apply(&event(
                s,
                door("mbox1"),
                probe("mbox1", [1, 1, 9, 1, 6, 240, 0], Some(serverbug())),
            ));
        }
    }
    // Slow through the day, faster since the last twenty minutes.
    let total = |s: i64| {
        let recent = 48_211 + (s.max(-1_200) + 10) * 812 / 60;
        (recent + (s + 1_200).min(0) * 66 / 60) as u64
    };
    for s in (-28_800..-600).step_by(60) {
        // Nobody looked for half an hour.
        if !(-8_400..-6_600).contains(&s) {
            m.apply(&event(s, queue("mbox1"), Fact::QueueSeen(depth(0, total(s), 0))));
        }
    }
    let pause = plan("mbox1", "index-rebuild", Verb::Pause, Some(Span::from_hours(1)));
    let resume = plan("mbox1", "index-rebuild", Verb::Resume, None);
    m.apply_all(&acted(
        -20_000,
        4,
        pause,
        "store is slow",
        Truth::Confirmed { at: at(-19_996) },
    ));
    m.apply_all(&acted(
        -16_000,
        4,
        resume,
        "no change seen",
        Truth::Confirmed { at: at(-12) },
    ));
    for s in (-600..-4).step_by(10) {
        let mut seen = depth(20_000, total(s) - 20_007, 7);
        if s == -130 {
            seen.how = How::Listed;
            seen.listing = Some(Box::new(listing()));
            seen.next_listing = Some(Span::from_secs(260));
        }
        let came = total(s) - total(s - 10);
        m.apply(&flows::log(
            s,
            "mbox1",
            FlowCounts {
                arrived: came,
                ..FlowCounts::default()
            },
        ));
        m.apply(&event(s, queue("mbox1"), Fact::QueueSeen(seen)));
    }
    m.apply(&flows::rules("mbox1", Span::from_hours(5 * 24)));
    let running = state(
        State::Running,
        Some(62.0),
        Some(Span::from_mins(252)),
        "active (running)",
    );
    m.apply(&event(-4, job("mbox1", "db-compact"), running));
    m.apply(&event(
        -4,
        job("mbox1", "index-rebuild"),
        state(State::Idle, None, None, "inactive (dead)"),
    ));
    m.apply(&event(
        -4_000,
        Subject::Server { server: "mbox1".into() },
        Fact::Reached(Span::from_millis(380)),
    ));
}

fn mbox3(m: &mut Model) {
    for s in (-7_000..=-5).step_by(10) {
        let slow = if s > -480 { 1_800 } else { 40 };
        let growing = if (-480..-240).contains(&s) {
            200 + (s + 480) * 3
        } else {
            slow
        };
        m.apply(&event(
            s,
            door("mbox3"),
            probe("mbox3", [1, 2, 11, 1, 60, growing, 12], None),
        ));
    }
    for s in (-600..=-5).step_by(10) {
        m.apply(&event(
            s,
            queue("mbox3"),
            Fact::QueueSeen(depth(20, (860 - s * 31 / 60) as u64, 0)),
        ));
    }
    let pause = Plan {
        id: ActionId("earlier".into()),
        ..plan("mbox3", "db-compact", Verb::Pause, Some(Span::from_mins(30)))
    };
    let reason = "drain the inbound backlog first";
    m.apply_all(&acted(-480, 3, pause, reason, Truth::Confirmed { at: at(-12) }));
    let mut frozen = JobState::of(State::Paused, "active (running), freezer frozen");
    (frozen.progress, frozen.running_for) = (Some(31.0), Some(Span::from_mins(118)));
    frozen.armed = vec![armed(1_325)];
    m.apply(&event(-5, job("mbox3", "db-compact"), Fact::JobSeen(frozen)));
}

fn well(m: &mut Model, server: &str, ms: i64, total: impl Fn(i64) -> i64) {
    for s in (-1_200..=-3).step_by(10) {
        m.apply(&event(
            s,
            door(server),
            probe(server, [1, 1, ms / 2, 1, ms / 4, 2, 1], None),
        ));
        m.apply(&event(
            s,
            queue(server),
            Fact::QueueSeen(depth(0, total(s).unsigned_abs(), 0)),
        ));
    }
}

fn mx2(m: &mut Model) {
    for s in (-1_200..=-240).step_by(10) {
        m.apply(&event(s, door("mx2"), probe("mx2", [1, 1, 12, 1, 7, 3, 2], None)));
        m.apply(&event(s, queue("mx2"), Fact::QueueSeen(depth(3, 1_200, 0))));
    }
    for s in (-230..=-6).step_by(10) {
        m.apply(&event(s, queue("mx2"), Fact::QueueMissed(unreachable("mx2"))));
        m.apply(&event(s, job("mx2", "reindex"), Fact::JobMissed(unreachable("mx2"))));
    }
    m.apply(&event(
        -230,
        Subject::Server { server: "mx2".into() },
        Fact::ReachLost(unreachable("mx2")),
    ));
}

/// Names that try to break columns and lines.
pub fn hostile() -> Model {
    let names = [
        "日本語サーバー一号",
        "mx-é\u{301}e\u{301}",
        "👩‍👩‍👧 mail 🚀",
        "a\u{1b}[31mred\r\n",
        "\u{202e}gpj.exe",
        "averylongname.with.dots.example.net",
    ];
    let mut m = watching(
        names
            .iter()
            .map(|n| watched(n, "imap queue", &["コンパクト"]))
            .collect(),
    );
    for (i, n) in names.iter().enumerate() {
        let n = Name::new(n);
        let failure = Failure {
            text: "\u{1b}]0;owned\u{7} 日本語のエラー \u{202e}desrever 👩‍👩‍👧 and a long tail that goes on and on".into(),
            code: Some("FULLWIDTH-ＡＢＣ".into()),
            ..serverbug()
        };
        let failure = (i % 2 == 0).then_some(failure);
        m.apply(&event(-4, door(&n), probe(&n, [1; 7], failure)));
        m.apply(&event(
            -4,
            queue(&n),
            Fact::QueueSeen(depth(1, 10_u64.pow(i as u32 * 2 + 1), 0)),
        ));
        m.apply(&event(
            -4,
            job(&n, "コンパクト"),
            state(State::Running, Some(i as f64 * 20.0), None, "走行中"),
        ));
    }
    m
}

/// Two hundred servers, of which a few are in trouble.
pub fn many() -> Model {
    let name = |i: usize| format!("mx{i:03}");
    let mut m = watching((0..200).map(|i| watched(&name(i), "imap", &[])).collect());
    for i in 0..200 {
        let failure = (i % 67 == 3).then(serverbug);
        let slow = if i % 50 == 9 { 3_000 } else { 2 };
        m.apply(&event(
            -4,
            door(&name(i)),
            probe(&name(i), [1, 1, 9, 1, 6, slow, 2], failure),
        ));
    }
    m
}

/// A console of this size over a model.
pub fn app(model: Model, size: (u16, u16)) -> App {
    let options = AppOptions {
        zone: TimeZone::UTC,
        me: Some(me()),
        ..AppOptions::new("weekend")
    };
    let mut app = App::new(options, model);
    app.size = size;
    app
}

/// The cells of a frame as lines of text; what stands under a wide character is left out.
pub fn text(buf: &ratatui::buffer::Buffer) -> String {
    let mut out = String::new();
    for y in buf.area.top()..buf.area.bottom() {
        let mut skip = 0;
        let mut line = String::new();
        for x in buf.area.left()..buf.area.right() {
            if skip > 0 {
                skip -= 1;
                continue;
            }
            let symbol = buf[(x, y)].symbol();
            skip = crate::console::widget::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
