//! One incident as JSON: a promise to programs. What is not known is null.

use jiff::tz::TimeZone;
use serde::Serialize;

use crate::domain::health::Layer;
use crate::domain::incident::{Incident, IncidentId, State};
use crate::domain::{Name, Text, Timestamp};

/// One incident, as `list` has it.
#[derive(Clone, Debug, Serialize)]
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
