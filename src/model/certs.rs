//! The certificates of the whole fleet in one list, the one that ends first before the others.

use jiff::Timestamp;

use crate::domain::Name;

use super::Model;

/// The certificate behind one door, as last seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Certificate {
    /// The server.
    pub server: Name,
    /// Its door.
    pub door: Name,
    /// When it ends.
    pub not_after: Timestamp,
    /// Whole days until then, negative once it has ended.
    pub days_left: i64,
    /// Fewer days than the server's limit are left.
    pub soon: bool,
}

/// Every certificate whose end was seen, by its end.
pub fn certificates(model: &Model, now: Timestamp) -> Vec<Certificate> {
    let doors = model.servers().flat_map(|s| s.doors.values().map(move |d| (s, d)));
    let mut all: Vec<Certificate> = doors
        .filter_map(|(s, d)| {
            let not_after = d.cert_ends?;
            let days_left = (not_after.as_second() - now.as_second()).div_euclid(86_400);
            Some(Certificate {
                server: s.name.clone(),
                door: d.name.clone(),
                not_after,
                days_left,
                soon: days_left < s.limits().cert_days,
            })
        })
        .collect();
    all.sort_by(|a, b| (a.not_after, &a.server, &a.door).cmp(&(b.not_after, &b.server, &b.door)));
    all
}
