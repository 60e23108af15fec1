//! A report, and one incident, as JSON: a promise to programs (README.md has the members). What is not known is null.

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::domain::health::Layer;
use crate::domain::incident::clocks::{Clock, Clocks};
use crate::domain::incident::debt::Debt;
use crate::domain::incident::fact::{Out, TicketIs};
use crate::domain::incident::{Incident, IncidentId, Moment, State};
use crate::domain::{Name, Text, Timestamp};
use crate::model::timeline::Line;

use super::series::Said;
use super::{Report, words};

/// The version of a report's members: it grows when one changes its meaning or goes.
const VERSION: u32 = 1;

/// One incident, as `list` has it.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)] // Each is the member of its name.
pub struct Told {
    pub id: IncidentId,
    pub name: Text,
    pub number: Option<Text>,
    pub state: State,
    pub layer: Option<Layer>,
    pub servers: Vec<Name>,
    pub started_at: String,
    pub detected_at: String,
    pub acknowledged_at: Option<String>,
    pub restored_at: Option<String>,
    pub resolved_at: Option<String>,
}

impl Told {
    /// As it is on record.
    pub fn of(i: &Incident, zone: &TimeZone) -> Self {
        let moment = |at: Timestamp| moment(at, zone);
        Self {
            id: i.id.clone(),
            name: i.name().clone(),
            number: i.number.clone(),
            state: i.state,
            layer: i.layer(),
            servers: i.servers.iter().cloned().collect(),
            started_at: moment(i.start().at.at),
            detected_at: moment(i.noticed.at),
            acknowledged_at: i.acknowledged.as_ref().map(|(_, at)| moment(at.at)),
            restored_at: i.restored().map(|at| moment(at.at)),
            resolved_at: i.resolved().map(|at| moment(at.at)),
        }
    }
}

/// With its offset: `2026-11-24T04:12:07.123+01:00`.
pub fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned_datetime(zone.clone())
        .strftime("%Y-%m-%dT%H:%M:%S%.3f%:z")
        .to_string()
}

/// Pretty, with a line end.
pub fn json(value: &impl Serialize, out: &mut Vec<u8>) {
    if serde_json::to_writer_pretty(&mut *out, value).is_ok() {
        out.push(b'\n');
    }
}

/// What `show` adds to that, and a report has, too.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct Known {
    #[serde(flatten)]
    pub incident: Told,
    pub started_by: Option<Text>,
    pub last_good_at: Option<String>,
    pub first_bad_at: Option<String>,
    pub clocks: ClocksTold,
    pub owed: Option<OwedTold>,
    pub tickets: Vec<TicketTold>,
}

/// Clocks.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct ClocksTold {
    pub detected: ClockTold,
    pub acknowledged: ClockTold,
    pub restored: ClockTold,
    pub outage: ClockTold,
    pub peak: Option<PeakTold>,
    pub cleared: Option<ClockTold>,
    pub mail_minutes: Option<u64>,
    pub unseen_secs: f64,
}

/// One clock with its two events.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct ClockTold {
    pub secs: f64,
    pub runs: bool,
    pub from_at: String,
    pub from: Text,
    pub to_at: Option<String>,
    pub to: Option<Text>,
}

/// The peak of a backlog.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct PeakTold {
    pub messages: u64,
    #[serde(flatten)]
    pub clock: ClockTold,
}

/// What the public is owed.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct OwedTold {
    pub words: String,
    pub due_at: String,
    pub overdue: bool,
}

/// A ticket.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct TicketTold {
    pub ticket: Text,
    pub affected: Vec<Text>,
    pub by: Text,
    pub at: String,
    pub is: TicketIs,
}

/// A line of the timeline.
#[derive(Clone, Debug, Serialize)]
#[allow(missing_docs)]
pub struct LineTold {
    pub at: String,
    pub source: &'static str,
    pub who: String,
    pub words: String,
}

impl LineTold {
    /// With all moments in full.
    pub fn of(l: &Line, zone: &TimeZone) -> Self {
        Self {
            at: moment(l.at.at, zone),
            source: l.source.kind().word(),
            who: l.source.words(),
            words: l.words(&|t| moment(t, zone)),
        }
    }
}

impl Known {
    /// As it is on record at `now`.
    pub fn of(i: &Incident, clocks: &Clocks, owed: Option<Debt>, now: Moment, zone: &TimeZone) -> Self {
        let at = |t| moment(t, zone);
        let clock = |c: &Clock| ClockTold {
            secs: c.lasted(now).secs_f64(),
            runs: c.runs(),
            from_at: at(c.from.at.at),
            from: c.from.what.clone(),
            to_at: c.to.as_ref().map(|m| at(m.at.at)),
            to: c.to.as_ref().map(|m| m.what.clone()),
        };
        let start = i.start();
        Self {
            incident: Told::of(i, zone),
            started_by: start.by.clone(),
            last_good_at: start.probes.and_then(|(good, _)| good).map(at),
            first_bad_at: start.probes.map(|(_, bad)| at(bad)),
            clocks: ClocksTold {
                detected: clock(&clocks.detected),
                acknowledged: clock(&clocks.acknowledged),
                restored: clock(&clocks.restored),
                outage: clock(&clocks.outage),
                peak: clocks.peak.as_ref().map(|(n, c)| PeakTold {
                    messages: *n,
                    clock: clock(c),
                }),
                cleared: clocks.cleared.as_ref().map(clock),
                mail_minutes: clocks.mail_minutes,
                unseen_secs: clocks.unseen.secs_f64(),
            },
            owed: owed.map(|d| OwedTold {
                words: d.words(),
                due_at: at(d.at(now.at)),
                overdue: d.is_overdue(),
            }),
            tickets: i
                .tickets
                .iter()
                .map(|(linked, t)| TicketTold {
                    ticket: t.ticket.clone(),
                    affected: t.affected.clone(),
                    by: t.by.clone(),
                    at: at(linked.at),
                    is: t.is,
                })
                .collect(),
        }
    }
}

/// Writes a report.
pub fn write(r: &Report, zone: &TimeZone) -> Vec<u8> {
    let mut out = Vec::new();
    json(&whole(r, zone), &mut out);
    out
}

fn whole(r: &Report, zone: &TimeZone) -> serde_json::Value {
    let at = |t: Timestamp| moment(t, zone);
    let known = Known::of(&r.incident, &r.clocks, r.owed, r.now, zone);
    let rest = serde_json::json!({
        "report": VERSION,
        "made_at": at(r.now.at),
        "made_by": concat!("mailtop ", env!("CARGO_PKG_VERSION")),
        "acknowledged_by": r.incident.acknowledged.as_ref().map(|(by, _)| by),
        "unknown": r.unknown,
        "roles": roles(r, &at),
        "updates": updates(r, &at),
        "actions": actions(r, &at),
        "senders": r.gave_up.as_ref().map(|all| all.iter().map(|(p, gone)| serde_json::json!({
            "sender": p.sender,
            "gives_up_after_secs": p.gives_up_after.secs_f64(),
            "at": at(*gone),
        })).collect::<Vec<_>>()),
        "absences": r.absences.iter().map(|(from, to)| serde_json::json!({
            "from": at(from.at),
            "to": at(to.at),
            "secs": from.until(*to).secs_f64(),
        })).collect::<Vec<_>>(),
        "left_out": r.left_out,
        "skipped": r.skipped,
        "timeline": r.timeline.iter().map(|l| LineTold::of(l, zone)).collect::<Vec<_>>(),
        "series": series(r, &at),
    });
    let mut all = serde_json::to_value(known).unwrap_or_default();
    if let (Some(all), serde_json::Value::Object(rest)) = (all.as_object_mut(), rest) {
        all.extend(rest);
    }
    all
}

fn roles(r: &Report, at: &dyn Fn(Timestamp) -> String) -> Vec<serde_json::Value> {
    let door = |((server, name), door): &(super::series::Key, Option<super::series::Door>)| {
        let seen = door.as_ref();
        serde_json::json!({
            "server": server,
            "door": name,
            "protocol": seen.map(|d| d.protocol.word()),
            "probes": seen.map_or(0, super::series::Door::probes),
            "down": seen.map_or(0, |d| d.down),
            "warn": seen.map_or(0, |d| d.warned),
            "good": seen.map_or(0, |d| d.good),
            "proved": seen.map_or(0, |d| d.proved),
            "missed": seen.map_or(0, |d| d.missed),
            "layers": seen.map(|d| d.layers.keys().map(|l| l.word()).collect::<Vec<_>>()).unwrap_or_default(),
            "first_bad_at": seen.and_then(|d| d.bad).map(|b| at(b.0)),
            "last_bad_at": seen.and_then(|d| d.bad).map(|b| at(b.1)),
            "first_proved_at": seen.and_then(|d| d.seen_good).map(|b| at(b.0)),
            "last_proved_at": seen.and_then(|d| d.seen_good).map(|b| at(b.1)),
        })
    };
    r.roles
        .iter()
        .map(|record| {
            let verdict = match () {
                () if record.failing().count() > 0 => Some("failed"),
                () if record.worked() => Some("worked"),
                () => None,
            };
            serde_json::json!({
                "role": record.role.word(),
                "verdict": verdict,
                "doors": record.doors.iter().map(door).collect::<Vec<_>>(),
            })
        })
        .collect()
}

fn updates(r: &Report, at: &dyn Fn(Timestamp) -> String) -> Vec<serde_json::Value> {
    let one = |(recorded, posted): &(Moment, crate::domain::incident::fact::Posted)| {
        serde_json::json!({
            "posted_at": at(posted.of.unwrap_or(recorded.at)),
            "recorded_at": at(recorded.at),
            "by": posted.by,
            "lines": posted.lines,
            "next_at": posted.next_at.map(at),
            "command": match &posted.out { Out::ByHand => None, Out::Hook { command } => Some(command) },
        })
    };
    r.incident.updates.iter().map(one).collect()
}

fn actions(r: &Report, at: &dyn Fn(Timestamp) -> String) -> Vec<serde_json::Value> {
    let one = |a: &crate::model::Action| {
        serde_json::json!({
            "id": a.plan.id,
            "at": at(a.at),
            "action": a.plan.word(),
            "server": a.plan.server,
            "job": a.plan.job,
            "by": a.plan.by,
            "reason": a.plan.reason,
            "lasts_secs": a.plan.lasts.map(crate::domain::Span::secs_f64),
            "truth": a.read_back.as_ref().map(|_| a.truth().word()),
            "became": words::became(a),
            "measured": words::measured(a),
        })
    };
    r.actions.iter().map(one).collect()
}

/// What the charts draw: a point for each column in which something was read.
fn series(r: &Report, at: &dyn Fn(Timestamp) -> String) -> serde_json::Value {
    let (range, s) = (r.series.range, &r.series);
    let depths = s.depths.iter().map(|((server, queue), d)| {
        let points = d.columns.iter().enumerate().filter_map(|(n, c)| {
            let c = c.as_ref()?;
            Some(serde_json::json!({"at": at(range.begins(n)), "least": c.least, "most": c.most, "joined": c.joined}))
        });
        serde_json::json!({
            "server": server, "queue": queue,
            "peak": d.peak.map(|(n, _)| n), "peak_at": d.peak.map(|(_, t)| at(t)),
            "readings": d.readings, "missed": d.missed, "unseen_secs": d.unseen.secs_f64(),
            "points": points.collect::<Vec<_>>(),
        })
    });
    let flows = s.flows.iter().map(|((server, queue), f)| {
        let points = (0..f.columns.len()).filter_map(|n| {
            let [arrived, worked_off, otherwise] = f.rates(n, range)?.map(|r| (r * 100.0).round() / 100.0);
            Some(serde_json::json!({
                "at": at(range.begins(n)),
                "arrived_per_min": arrived, "worked_off_per_min": worked_off, "otherwise_per_min": otherwise,
            }))
        });
        serde_json::json!({
            "server": server, "queue": queue, "source": f.source, "counts": f.total,
            "counted_secs": f.counted.secs_f64(), "points": points.collect::<Vec<_>>(),
        })
    });
    let doors = s.doors.iter().map(|((server, door), d)| {
        let runs = d.runs().into_iter().map(|(from, until, said)| {
            let (verdict, layer) = match said {
                Said::Good => ("ok", None),
                Said::Warn => ("warn", None),
                Said::Down(layer) => ("down", Some(layer)),
            };
            serde_json::json!({"from": at(range.begins(from)), "until": at(range.begins(until)), "verdict": verdict, "layer": layer})
        });
        serde_json::json!({"server": server, "door": door, "runs": runs.collect::<Vec<_>>()})
    });
    serde_json::json!({
        "from": at(range.from), "until": at(range.until), "column_secs": range.column().secs_f64(),
        "depths": depths.collect::<Vec<_>>(), "flows": flows.collect::<Vec<_>>(), "doors": doors.collect::<Vec<_>>(),
    })
}
