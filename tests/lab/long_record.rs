//! A record of a weekend, made and not seen: servers with a door and a queue each, of which the first two lose their mailbox
//! store an hour after the beginning and have it back an hour before the end.

use mailtop::domain::door::{Protocol, Role};
use mailtop::domain::event::{Event, Fact, ObserverId, Subject};
use mailtop::domain::health::{Failure, Layer, Limits, Phase, PhaseTime, ProbeReport};
use mailtop::domain::incident::fact::{Entry, How, Noted, Opened};
use mailtop::domain::incident::{IncidentId, State, fact::StateSet};
use mailtop::domain::queue::{Depth, How as Read, QueueKind, QueueSnapshot, SystemState};
use mailtop::domain::roster::{Roster, Watched, WatchedDoor, WatchedQueue};
use mailtop::domain::{Name, Span, Timestamp};

/// What is on record.
pub struct Weekend {
    pub servers: usize,
    pub hours: i64,
    pub every: Span,
}

pub const HOUR: Span = Span::from_hours(1);

impl Weekend {
    pub fn begins() -> Timestamp {
        Timestamp::from_second(1_795_255_200).unwrap_or(Timestamp::UNIX_EPOCH)
    }
    pub fn at(s: i64) -> Timestamp {
        Span::from_secs(s).after(Self::begins())
    }
    pub fn ends(&self) -> Timestamp {
        Span::from_hours(self.hours).after(Self::begins())
    }
    pub fn server(i: usize) -> Name {
        Name::new(&format!("mx{i:02}"))
    }
    pub fn id() -> IncidentId {
        IncidentId(Name::new("20261121T1100-0001"))
    }

    /// Servers of these names, as they are watched.
    pub fn watched(names: &[&str]) -> Vec<Watched> {
        let one = Self {
            servers: names.len(),
            hours: 1,
            every: Span::from_secs(10),
        };
        let mut all = one.roster().servers;
        for (watched, name) in all.iter_mut().zip(names) {
            watched.name = Name::new(name);
        }
        all
    }

    fn roster(&self) -> Roster {
        let servers = (0..self.servers)
            .map(|i| Watched {
                name: Self::server(i),
                reach: Some("local".into()),
                read_only: false,
                every: self.every,
                limits: Limits::default(),
                doors: vec![WatchedDoor {
                    name: "imap".into(),
                    url: format!("imaps://probe@mx{i:02}.example.net").into(),
                    protocol: Protocol::Imap,
                    role: Role::Mailbox,
                    anonymous: false,
                }],
                queues: vec![WatchedQueue {
                    budget_permille: 20,
                    name: "postfix".into(),
                    kind: QueueKind::Postfix,
                }],
                jobs: vec![],
            })
            .collect();
        Roster {
            servers,
            ..Roster::default()
        }
    }

    /// All events, in the order of the record.
    pub fn events(&self) -> impl Iterator<Item = Event> + '_ {
        let begin = [
            event(
                Self::begins(),
                Subject::Observer,
                Fact::ObserverStarted {
                    version: "0.1.0".into(),
                },
            ),
            event(Self::begins(), Subject::Observer, Fact::Watching(self.roster())),
        ];
        let rounds = Span::from_hours(self.hours).micros() / self.every.micros().max(1);
        let round = move |n: i64| {
            let at = (self.every * n).after(Self::begins());
            let looks = (0..self.servers).flat_map(move |i| [self.probed(i, at), self.depth(i, n, at)]);
            looks.chain(self.said(n, at))
        };
        begin.into_iter().chain((0..rounds).flat_map(round))
    }

    fn fails(&self, i: usize, at: Timestamp) -> bool {
        i < 2 && at >= HOUR.after(Self::begins()) && at < (Span::ZERO - HOUR).after(self.ends())
    }

    fn probed(&self, i: usize, at: Timestamp) -> Event {
        use Phase::{Examine, Fetch, Greeting, Login, Name, Tcp, Tls};
        let all = [Name, Tcp, Tls, Greeting, Login, Examine, Fetch];
        let fails = self.fails(i, at);
        let took = |(n, phase): (usize, Phase)| PhaseTime {
            phase,
            took: Span::from_micros(900 + (at.as_second().rem_euclid(97) * (n as i64 + 1) * 13)),
            ok: !(fails && phase == Examine),
        };
        let upto = if fails { 6 } else { 7 };
        let report = ProbeReport {
            phases: all.into_iter().take(upto).enumerate().map(took).collect(),
            proved: Some(if fails { Login } else { Fetch }),
            failure: fails.then(|| Failure {
                layer: Layer::Store,
                phase: Examine,
                code: Some("SERVERBUG".into()),
                text: "Internal error occurred".into(),
                hint: None,
            }),
            ..ProbeReport::begun(format!("imaps://probe@mx{i:02}.example.net").into(), all.to_vec())
        };
        let about = Subject::Door {
            server: Self::server(i),
            door: "imap".into(),
        };
        event(at, about, Fact::Probed(Box::new(report)))
    }

    fn depth(&self, i: usize, n: i64, at: Timestamp) -> Event {
        let waits = if self.fails(i, at) {
            n.unsigned_abs()
        } else {
            20 + n.unsigned_abs() % 7
        };
        let about = Subject::Queue {
            server: Self::server(i),
            queue: "postfix".into(),
        };
        let seen = QueueSnapshot {
            kind: QueueKind::Postfix,
            how: Read::Counted,
            depth: Depth {
                deferred: waits,
                ..Depth::default()
            },
            partial: None,
            skipped_lines: 0,
            listing: None,
            took: Span::from_millis(41),
            next_listing: None,
            next_look: None,
            said: None,
            system: SystemState::Unknown,
            cpu: None,
        };
        event(at, about, Fact::QueueSeen(seen))
    }

    /// What people said: the incident, a note every hour, and its end.
    fn said(&self, n: i64, at: Timestamp) -> Option<Event> {
        let passed = Span::between(Self::begins(), at);
        let hour = HOUR.micros() / self.every.micros().max(1);
        let entry = if passed == HOUR {
            Entry::Opened(Box::new(Opened {
                name: "store down on mx00 and mx01".into(),
                how: How::Rule,
                by: None,
                number: None,
                layer: Some(Layer::Store),
                servers: vec![Self::server(0), Self::server(1)],
                doors: vec![],
                started: at,
                last_good: None,
                lasted: None,
                stood_before: Some(40),
            }))
        } else if passed > HOUR && n % hour == hour / 2 {
            let (text, by) = (format!("the note of round {n}").into(), "lin@bastion".into());
            Entry::Noted(Noted { text, by, of: None })
        } else if passed == Span::from_hours(self.hours) - HOUR {
            Entry::State(StateSet {
                to: State::Monitoring,
                by: Some("lin@bastion".into()),
                why: None,
            })
        } else {
            return None;
        };
        let about = Subject::Incident { incident: Self::id() };
        Some(event(at, about, Fact::Incident(Box::new(entry))))
    }
}

fn event(at: Timestamp, about: Subject, what: Fact) -> Event {
    Event {
        at,
        seen_by: ObserverId("lin@bastion:4711".into()),
        about,
        what,
    }
}
