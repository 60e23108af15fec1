//! What is said of the whole fleet: each role, what fails together, and which certificates end.

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::Span;
use crate::domain::health::Verdict;
use crate::model::cause::{Cause, Suspect, User, causes};
use crate::model::{self, Model, RoleHealth};

/// What concerns more than one server.
#[derive(Debug, Serialize)]
pub struct Fleet {
    /// The roles that are watched.
    roles: Vec<RoleReport>,
    /// What may stand behind failures: suggestions, never verdicts.
    causes: Vec<CauseReport>,
    /// Every certificate that was seen, the one that ends first before the others.
    certificates: Vec<CertificateReport>,
}

#[derive(Debug, Serialize)]
struct RoleReport {
    role: &'static str,
    verdict: Verdict,
    doors: usize,
    down: usize,
    unknown: usize,
    /// Mail systems that are stopped: down for inbound and outbound beside the doors.
    stopped: usize,
    /// `null` where every door was proved to its end.
    as_far_as: Option<&'static str>,
    #[serde(skip)]
    health: RoleHealth,
}

#[derive(Debug, Serialize)]
struct CauseReport {
    /// What is suggested: `auth-backend`, `resolver`, …, or `credential` of one server.
    suspect: &'static str,
    layer: &'static str,
    servers: Vec<String>,
    /// Of how many servers that could fail so.
    of: usize,
    doors: Vec<DoorOf>,
    /// When the first of them began to fail, and within how many seconds the others did; `null` when the first look found it.
    since: Option<String>,
    within_s: Option<i64>,
    words: String,
}

#[derive(Debug, Serialize)]
struct DoorOf {
    server: String,
    door: String,
}

#[derive(Debug, Serialize)]
struct CertificateReport {
    server: String,
    door: String,
    days_left: i64,
    not_after: String,
    #[serde(skip)]
    soon: bool,
}

impl Fleet {
    /// From the model; a reading is good for at least so long.
    pub fn of(model: &Model, now: Timestamp, good_for: Span) -> Self {
        let role = |r: RoleHealth| RoleReport {
            role: r.role.word(),
            verdict: r.verdict(),
            doors: r.doors,
            down: r.down,
            unknown: r.unknown,
            stopped: r.stopped,
            as_far_as: r.as_far_as,
            health: r,
        };
        let certificates = model::certificates(model, now).into_iter().map(|c| CertificateReport {
            server: c.server.to_string(),
            door: c.door.to_string(),
            days_left: c.days_left,
            not_after: c.not_after.to_string(),
            soon: c.soon,
        });
        Self {
            roles: model::roles(model, now, good_for).into_iter().map(role).collect(),
            causes: causes(model, now, good_for).into_iter().map(CauseReport::of).collect(),
            certificates: certificates.collect(),
        }
    }

    /// The lines that stand above the verdict: what fails together, and the certificates that end soon.
    pub fn text(&self) -> Vec<String> {
        let mut out = Vec::new();
        for c in &self.causes {
            out.push(format!("▲ {}", c.words));
            if c.servers.len() > 1 {
                out.push(format!("    {}", c.servers.join(" ")));
            }
        }
        let soon: Vec<&CertificateReport> = self.certificates.iter().filter(|c| c.soon).collect();
        if !soon.is_empty() {
            out.push("▲ certificates that end soon".to_owned());
        }
        out.extend(soon.into_iter().map(|c| {
            let when = match c.days_left {
                1 => "1 day".to_owned(),
                d if d < 0 => "ended".to_owned(),
                d => format!("{d} days"),
            };
            format!("    {when:>8}  {}  {} {}", c.not_after, c.server, c.door)
        }));
        out
    }

    /// `inbound ✖ down · mailboxes ✔ ok`, where more than one role is watched.
    pub fn closing(&self) -> Option<String> {
        let told = |r: &RoleReport| {
            let symbol = super::words::symbol(r.verdict);
            format!("{} {symbol} {}", r.health.role.plural(), r.health)
        };
        let all: Vec<String> = self.roles.iter().map(told).collect();
        (all.len() > 1).then(|| all.join(" · "))
    }
}

impl CauseReport {
    fn of(cause: Cause) -> Self {
        match cause {
            Cause::Shared(s) => {
                let n = format!("{} of {}", s.servers.len(), s.of);
                let when = match s.onset {
                    Some(o) => format!(" since {}, within {}", o.first, o.within),
                    None => String::new(),
                };
                let words = match s.suspect {
                    Suspect::OwnClock => {
                        format!("certificates are not valid yet on {n} servers: {}", s.suspect.words())
                    }
                    other => format!("one cause? {} fails on {n} servers{when}: {}", s.layer, other.words()),
                };
                let door = |(server, door): (crate::domain::Name, crate::domain::Name)| DoorOf {
                    server: server.to_string(),
                    door: door.to_string(),
                };
                Self {
                    suspect: s.suspect.word(),
                    layer: s.layer.word(),
                    servers: s.servers.iter().map(ToString::to_string).collect(),
                    of: s.of,
                    doors: s.doors.into_iter().map(door).collect(),
                    since: s.onset.map(|o| o.first.to_string()),
                    within_s: s.onset.map(|o| o.within.secs()),
                    words,
                }
            }
            Cause::Refused(r) => {
                let server = r.server.to_string();
                let (door, works) = (&r.door, &r.works);
                let words = match r.user {
                    User::Same => {
                        format!("{server}: the account, not the server: {works} lets it in and {door} does not")
                    }
                    User::Other => {
                        format!("{server}: the account of {door}, not the server: that of {works} is let in")
                    }
                };
                Self {
                    suspect: "credential",
                    layer: "credential",
                    doors: vec![DoorOf {
                        server: server.clone(),
                        door: door.to_string(),
                    }],
                    servers: vec![server],
                    of: 1,
                    since: None,
                    within_s: None,
                    words,
                }
            }
        }
    }
}
