use super::*;
use crate::domain::action::Verb;
use crate::domain::door::{Protocol, Role};
use crate::domain::forecast::{Drain, Why};
use crate::domain::health::{Failure, Layer, Limits, Phase, PhaseTime, ProbeReport, Verdict};
use crate::domain::job::{JobState, State};
use crate::domain::queue::{Depth, How, QueueKind, QueueSnapshot, SystemState};
use crate::domain::reading::{Miss, Missed};
use crate::domain::roster::{Watched, WatchedDoor, WatchedJob, WatchedQueue};

mod canary;
mod doors;
mod drain;
mod horizon;
mod incident;
mod incident_looks;
mod influence;
mod log;
mod standing;

pub(super) fn t(s: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + s).unwrap()
}
fn me() -> ObserverId {
    ObserverId("lin@bastion:1".into())
}
pub(super) fn event(s: i64, about: Subject, what: Fact) -> Event {
    Event {
        at: t(s),
        seen_by: me(),
        about,
        what,
    }
}
fn roster(names: &[&str]) -> Roster {
    let server = |n: &&str| Watched {
        name: (**n).into(),
        reach: Some("local".into()),
        read_only: false,
        every: Span::from_secs(10),
        limits: Limits::default(),
        doors: vec![WatchedDoor {
            name: "imap".into(),
            url: "imaps://p@h".into(),
            protocol: Protocol::Imap,
            role: Role::Mailbox,
            anonymous: false,
        }],
        queues: vec![WatchedQueue {
            budget_permille: 20,
            name: "postfix".into(),
            kind: QueueKind::Postfix,
        }],
        jobs: vec![WatchedJob {
            name: "compact".into(),
            kind: "systemd".into(),
            about: "c.service".into(),
        }],
    };
    Roster {
        servers: names.iter().map(server).collect(),
        senders: vec![],
        canaries: vec![],
    }
}
pub(super) fn watching(names: &[&str]) -> Model {
    let mut m = Model::new(Some(me()));
    m.apply(&event(0, Subject::Observer, Fact::Watching(roster(names))));
    m
}
fn door(server: &str) -> Subject {
    Subject::Door {
        server: server.into(),
        door: "imap".into(),
    }
}
pub(super) fn queue(server: &str) -> Subject {
    Subject::Queue {
        server: server.into(),
        queue: "postfix".into(),
    }
}
fn job(server: &str) -> Subject {
    Subject::Job {
        server: server.into(),
        job: "compact".into(),
    }
}
fn probed(ms: i64, failure: Option<Layer>) -> Fact {
    let failure = failure.map(|layer| Failure {
        layer,
        phase: Phase::Examine,
        code: Some("SERVERBUG".into()),
        text: "x".into(),
        hint: None,
    });
    Fact::Probed(Box::new(ProbeReport {
        phases: vec![PhaseTime {
            phase: Phase::Examine,
            took: Span::from_millis(ms),
            ok: failure.is_none(),
        }],
        proved: Some(if failure.is_some() { Phase::Login } else { Phase::Fetch }),
        failure,
        ..ProbeReport::begun("imaps://p@h".into(), vec![Phase::Fetch])
    }))
}
pub(super) fn depth(n: u64) -> Fact {
    Fact::QueueSeen(QueueSnapshot {
        kind: QueueKind::Postfix,
        how: How::Counted,
        depth: Depth {
            deferred: n,
            ..Depth::default()
        },
        partial: None,
        skipped_lines: 0,
        listing: None,
        took: Span::ZERO,
        next_listing: None,
        next_look: None,
        said: None,
        system: SystemState::Unknown,
        cpu: None,
    })
}
fn state(state: State) -> Fact {
    Fact::JobSeen(JobState {
        state,
        progress: Some(62.0),
        running_for: None,
        began: None,
        held: None,
        detail: "".into(),
        armed: vec![],
        armed_unread: false,
        beware: vec![],
    })
}
pub(super) fn missed() -> Missed {
    Missed::new(Miss::Unreachable, "ssh a true", "no route")
}
fn all_well(m: &mut Model, server: &str, s: i64) {
    for (about, what) in [
        (door(server), probed(18, None)),
        (queue(server), depth(10)),
        (job(server), state(State::Running)),
    ] {
        m.apply(&event(s, about, what));
    }
}

#[test]
fn a_server_is_ok_only_while_everything_watched_is_fresh_and_good() {
    let mut m = watching(&["a"]);
    let verdict = |m: &Model, s: i64| m.server("a").unwrap().verdict(t(s));
    assert_eq!(verdict(&m, 0), Verdict::Unknown, "nothing seen yet");
    m.apply(&event(1, door("a"), probed(18, None)));
    assert_eq!(verdict(&m, 1), Verdict::Unknown, "the queue is not known");
    all_well(&mut m, "a", 2);
    assert_eq!(verdict(&m, 2), Verdict::Ok);
    assert_eq!(verdict(&m, 32), Verdict::Ok);
    assert_eq!(verdict(&m, 33), Verdict::Unknown, "older than three looks");
}

#[test]
fn a_missed_queue_is_unknown_and_never_zero() {
    let mut m = watching(&["a"]);
    for s in [-20, -10, 0, 10] {
        all_well(&mut m, "a", s);
    }
    assert!(m.server("a").unwrap().net_per_min(t(10)).is_some());
    m.apply(&event(20, queue("a"), Fact::QueueMissed(missed())));
    let row = &rows(&m, t(20))[0];
    assert_eq!(
        (row.verdict, row.depth, row.outlook.map(|o| o.drain)),
        (Verdict::Unknown, None, Some(Drain::Unknown { why: Why::Stale }))
    );
    assert_eq!(row.headline, Headline::Unread);
}

#[test]
fn without_a_door_a_server_is_silent_only_when_nothing_of_it_is_read_any_more() {
    let mut m = Model::new(Some(me()));
    let mut watched = roster(&["a"]);
    watched.servers[0].doors.clear();
    m.apply(&event(0, Subject::Observer, Fact::Watching(watched)));
    let headline = |m: &Model, s: i64| rows(m, t(s))[0].headline.clone();
    assert_eq!(headline(&m, 0), Headline::NotSeen);
    m.apply(&event(1, queue("a"), depth(10)));
    m.apply(&event(1, job("a"), state(State::Running)));
    m.apply(&event(4, queue("a"), Fact::QueueMissed(missed())));
    assert_eq!(headline(&m, 5), Headline::Unread, "the job was read just now");
    m.apply(&event(5, job("a"), Fact::JobMissed(missed())));
    assert_eq!(headline(&m, 9), Headline::Silent(Span::from_secs(8)));
}

#[test]
fn the_worst_server_comes_first_and_the_rest_by_name() {
    let mut m = watching(&["a", "b", "c", "d"]);
    for s in ["a", "b", "c", "d"] {
        all_well(&mut m, s, 0);
    }
    m.apply(&event(1, door("d"), probed(9, Some(Layer::Store))));
    m.apply(&event(1, door("c"), probed(1_900, None)));
    m.apply(&event(1, queue("b"), Fact::QueueMissed(missed())));
    let names: Vec<_> = rows(&m, t(1)).iter().map(|r| r.server.name.to_string()).collect();
    assert_eq!(names, ["d", "c", "b", "a"]);
    assert_eq!(
        count(&m, t(1)),
        Count {
            down: 1,
            warn: 1,
            unknown: 1,
            ok: 1
        }
    );
    assert_eq!(rows(&m, t(1))[1].headline, Headline::Slow);
}

#[test]
fn an_outage_begins_with_its_first_bad_probe_and_a_new_layer_begins_anew() {
    let mut m = watching(&["a"]);
    all_well(&mut m, "a", 0);
    for s in [10, 20, 30] {
        m.apply(&event(s, door("a"), probed(9, Some(Layer::Store))));
    }
    assert_eq!(rows(&m, t(30))[0].since, Some(t(10)));
    m.apply(&event(40, door("a"), probed(9, Some(Layer::Network))));
    assert_eq!(rows(&m, t(40))[0].since, Some(t(40)));
    assert_eq!(m.server("a").unwrap().doors["imap"].last_good, Some(t(0)));
    m.apply(&event(50, door("a"), probed(9, None)));
    assert_eq!(rows(&m, t(50))[0].since, None);
}

#[test]
fn another_observers_roster_does_not_change_what_i_watch() {
    let mut m = watching(&["a"]);
    let other = Event {
        seen_by: ObserverId("kim@bastion:2".into()),
        ..event(1, Subject::Observer, Fact::Watching(roster(&["z"])))
    };
    m.apply(&other);
    m.apply(&event(2, door("z"), probed(1, None)));
    assert!(m.server("a").is_some() && m.server("z").is_none());
    let mut replay = Model::new(None);
    replay.apply(&other);
    assert!(replay.server("z").is_some());
}

#[test]
fn a_record_without_a_roster_still_shows_what_it_holds() {
    let mut m = Model::new(None);
    m.apply(&event(2, door("z"), probed(1, None)));
    assert_eq!(m.server("z").unwrap().verdict(t(2)), Verdict::Ok);
}

#[test]
fn an_action_goes_from_requested_to_its_truth_and_its_pause_runs_down() {
    let mut m = watching(&["a"]);
    all_well(&mut m, "a", 0);
    let id = ActionId("1".into());
    let plan = Plan {
        id: id.clone(),
        verb: Verb::Pause,
        server: "a".into(),
        job: "compact".into(),
        runs: vec![],
        touches: vec![],
        beware: vec![],
        undo: "".into(),
        armed_on_server: true,
        choices: crate::domain::action::Choices::default(),
        unarmed: None,
        messages: None,
        confirmation: crate::domain::action::Confirmation::Enter,
        offers: vec![],
        lasts: Some(Span::from_mins(30)),
        reason: "drain".into(),
        by: "lin".into(),
    };
    m.apply(&event(1, job("a"), Fact::ActionPlanned(Box::new(plan))));
    assert_eq!(m.action(&id).unwrap().truth(), Truth::Requested);
    m.apply(&event(
        2,
        job("a"),
        Fact::ActionReadBack(ReadBack {
            id: id.clone(),
            truth: Truth::Confirmed { at: t(2) },
        }),
    ));
    for s in [2, 60] {
        m.apply(&event(s, job("a"), state(State::Paused)));
    }
    assert_eq!(m.action(&id).unwrap().truth().word(), "confirmed");
    let line = rows(&m, t(61))[0].job.clone().unwrap();
    assert_eq!(
        (line.state, line.pause_left),
        (State::Paused, Some(Span::from_mins(29)))
    );
}

#[test]
fn what_another_observer_sees_of_another_thing_by_the_same_name_is_not_mine() {
    let mut m = watching(&["a"]);
    let kim = ObserverId("kim@bastion:2".into());
    let mut theirs = roster(&["a"]);
    theirs.servers[0].reach = Some("ssh:elsewhere".into());
    let by_kim = |s, about, what| Event {
        seen_by: kim.clone(),
        ..event(s, about, what)
    };
    m.apply(&by_kim(1, Subject::Observer, Fact::Watching(theirs)));
    m.apply(&by_kim(2, queue("a"), depth(7)));
    assert_eq!(m.server("a").unwrap().depth(t(2)), None);
    // The same thing, watched read-only, is mine too.
    let mut same = roster(&["a"]);
    same.servers[0].read_only = true;
    m.apply(&by_kim(3, Subject::Observer, Fact::Watching(same)));
    m.apply(&by_kim(4, queue("a"), depth(7)));
    assert_eq!(m.server("a").unwrap().depth(t(4)), Some(7));
}

#[test]
fn a_door_that_moved_to_another_address_begins_anew() {
    let mut m = watching(&["a"]);
    all_well(&mut m, "a", 0);
    assert_eq!(m.server("a").unwrap().verdict(t(0)), Verdict::Ok);
    let mut moved = roster(&["a"]);
    moved.servers[0].doors[0].url = "imaps://p@elsewhere".into();
    m.apply(&event(1, Subject::Observer, Fact::Watching(moved)));
    assert_eq!(m.server("a").unwrap().verdict(t(1)), Verdict::Unknown);
    m.apply(&event(2, door("a"), probed(1, None)));
    assert_eq!(
        m.server("a").unwrap().verdict(t(2)),
        Verdict::Unknown,
        "a late report of the old address"
    );
}

#[test]
fn a_pause_past_its_end_is_a_warning_until_it_is_resumed() {
    let mut m = watching(&["a"]);
    let plan = Plan {
        id: ActionId("1".into()),
        verb: Verb::Pause,
        server: "a".into(),
        job: "compact".into(),
        runs: vec![],
        touches: vec![],
        beware: vec![],
        undo: "".into(),
        armed_on_server: false,
        choices: crate::domain::action::Choices::default(),
        unarmed: None,
        messages: None,
        confirmation: crate::domain::action::Confirmation::Enter,
        offers: vec![],
        lasts: Some(Span::from_mins(1)),
        reason: "drain".into(),
        by: "lin".into(),
    };
    m.apply(&event(0, job("a"), Fact::ActionPlanned(Box::new(plan))));
    let paused_at = |m: &mut Model, s| {
        all_well(m, "a", s);
        m.apply(&event(s, job("a"), state(State::Paused)));
        rows(m, t(s))[0].headline.clone()
    };
    assert_eq!(paused_at(&mut m, 59), Headline::Ok);
    assert_eq!(paused_at(&mut m, 61), Headline::PauseOverdue);
    assert_eq!(m.server("a").unwrap().verdict(t(61)), Verdict::Warn);
    m.apply(&event(62, job("a"), state(State::Running)));
    assert_eq!(m.server("a").unwrap().verdict(t(62)), Verdict::Ok);
}

#[test]
fn a_queue_that_the_budget_lets_us_see_rarely_stays_known_until_its_next_look_is_late() {
    let mut m = watching(&["a"]);
    let Fact::QueueSeen(mut rare) = depth(500) else {
        unreachable!()
    };
    rare.next_look = Some(Span::from_secs(135));
    m.apply(&event(0, queue("a"), Fact::QueueSeen(rare)));
    let known = |s| m.server("a").unwrap().depth(t(s));
    assert_eq!((known(135), known(165), known(166)), (Some(500), Some(500), None));
}

#[test]
fn a_stopped_mail_system_is_down_however_short_its_queue_is() {
    let mut m = watching(&["a"]);
    all_well(&mut m, "a", 0);
    let Fact::QueueSeen(mut stopped) = depth(3) else {
        unreachable!()
    };
    stopped.system = crate::domain::queue::SystemState::Stopped;
    m.apply(&event(1, queue("a"), Fact::QueueSeen(stopped)));
    let row = &rows(&m, t(1))[0];
    assert_eq!(
        (row.verdict, row.headline.clone()),
        (Verdict::Down, Headline::QueueStopped)
    );
}
