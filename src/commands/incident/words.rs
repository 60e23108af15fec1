//! Incidents for people.

use std::io::Write;

use crate::console::when;
use crate::domain::incident::clocks::{Clock, Clocks};
use crate::domain::incident::debt::Debt;
use crate::domain::incident::{Incident, Moment};
use crate::domain::{Name, Text, Timestamp};
use crate::model::timeline::Line;

use super::Desk;

/// One line: `INC267603  monitoring  mailbox store down on mbox1  since 2026-11-21 10:58:50 +00:00, restored after 35h`.
pub fn line(i: &Incident, desk: &Desk<'_>, out: &mut Vec<u8>) {
    let start = i.start().at;
    let now = Moment::new(desk.now, i.touched.steps);
    let lasted = match i.restored() {
        Some(restored) => format!("restored after {}", start.until(restored)),
        None if i.is_resolved() => "never seen restored".to_owned(),
        None => format!("{} so far", start.until(now)),
    };
    let servers: Vec<&str> = i.servers.iter().map(Name::as_str).collect();
    let number = i.number.as_ref().map(|n| format!("  {n}")).unwrap_or_default();
    let _ = writeln!(
        out,
        "{}{number}  {}  {}  [{}]  since {}, {lasted}",
        i.id,
        i.state,
        i.name(),
        servers.join(" "),
        stamp(start.at, desk),
    );
}

/// All of one.
pub fn whole(
    i: &Incident,
    clocks: &Clocks,
    debt: Option<Debt>,
    lines: &[Line],
    now: Moment,
    desk: &Desk<'_>,
    out: &mut Vec<u8>,
) {
    let mut put = |head: &str, what: &str| {
        let _ = writeln!(out, "{head:12} {what}");
    };
    put("incident", &i.id.to_string());
    if let Some(number) = &i.number {
        put("number", number);
    }
    put("name", i.name());
    put("state", i.state.word());
    put("layer", i.layer().map_or("not known", |l| l.word()));
    let servers: Vec<&str> = i.servers.iter().map(Name::as_str).collect();
    put("servers", &servers.join(" "));
    let start = i.start();
    put("started", &stamp(start.at.at, desk));
    if let Some((good, bad)) = start.probes {
        let good = good.map_or("none on record".to_owned(), |g| stamp(g, desk));
        put(
            "  by probes",
            &format!("last good {good}, first bad {}", stamp(bad, desk)),
        );
    }
    for (head, clock) in [
        ("detected", &clocks.detected),
        ("acknowledged", &clocks.acknowledged),
        ("restored", &clocks.restored),
        ("outage", &clocks.outage),
    ] {
        put(head, &clock_words(clock, now, desk));
    }
    match &clocks.peak {
        Some((n, clock)) => {
            put("peak", &format!("{n} messages, {}", clock_words(clock, now, desk)));
            if let Some(cleared) = &clocks.cleared {
                put("cleared", &clock_words(cleared, now, desk));
            }
            let minutes = clocks
                .mail_minutes
                .map_or("not known: what stood there before was not read".to_owned(), |n| {
                    n.to_string()
                });
            put("mail-minutes", &minutes);
            if clocks.unseen > crate::domain::Span::ZERO {
                put("  unseen", &format!("queues were not read for {}", clocks.unseen));
            }
        }
        None => put("backlog", "not known: no queue was read"),
    }
    put("owed", &debt.map_or("nothing".to_owned(), |d| d.words()));
    for t in i.tickets.iter().map(|(_, t)| t) {
        let affected: Vec<&str> = t.affected.iter().map(Text::as_str).collect();
        put("ticket", format!("{}  {}", t.ticket, affected.join(", ")).trim_end());
    }
    put("timeline", "");
    for line in lines {
        let when = |at: Timestamp| when::near(at, line.at.at, &desk.zone);
        let words = line.words(&when);
        let _ = writeln!(
            out,
            "  {}  {:<20} {words}",
            stamp(line.at.at, desk),
            line.source.words()
        );
    }
}

/// `1m10s, from A (event) to B (event)`.
fn clock_words(clock: &Clock, now: Moment, desk: &Desk<'_>) -> String {
    let from = format!("{} ({})", stamp(clock.from.at.at, desk), clock.from.what);
    let lasted = clock.lasted(now);
    match &clock.to {
        Some(to) => format!("after {lasted}: from {from} to {} ({})", stamp(to.at.at, desk), to.what),
        None => format!("not yet, {lasted} since {from}"),
    }
}

/// `2026-11-21 10:58:50 +00:00`.
fn stamp(at: Timestamp, desk: &Desk<'_>) -> String {
    at.to_zoned_datetime(desk.zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S %:z")
        .to_string()
}
