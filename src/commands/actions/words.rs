//! Actions for people: a line each, or all of one.

use std::io::Write;

use super::told::Told;
use crate::domain::{Span, Text};

/// A line for each.
pub fn lines(all: &[Told], out: &mut Vec<u8>) {
    for t in all {
        let _ = writeln!(
            out,
            "{}  {}  {} {} on {}  {}  {}: {}",
            short(&t.at),
            t.id,
            t.verb,
            t.job,
            t.server,
            outcome(t),
            t.by,
            t.reason
        );
    }
}

/// All of one.
pub fn whole(t: &Told, out: &mut Vec<u8>) {
    let mut line = |head: &str, what: &str| {
        let _ = writeln!(out, "{head:9} {what}");
    };
    line("action", &t.id.to_string());
    line("what", &format!("{} {} on {}", t.verb, t.job, t.server));
    line("outcome", &outcome(t));
    line("when", &t.at);
    line("who", &format!("{} ({})", t.by, t.run_by));
    line("why", &t.reason);
    if let (Some(lasts), Some(ends)) = (t.lasts, &t.ends_at) {
        let armed = if t.armed_on_server {
            "armed on the server"
        } else {
            "not armed on the server"
        };
        line(
            "lasts",
            &format!("{}, until {ends}, {armed}", Span::from_secs_f64(lasts)),
        );
    }
    let each = |line: &mut dyn FnMut(&str, &str), head, all: &[Text]| {
        for text in all {
            line(head, text);
        }
    };
    each(&mut line, "unarmed", t.unarmed.as_slice());
    each(&mut line, "runs", &t.runs);
    each(&mut line, "touches", &t.touches);
    each(&mut line, "beware", &t.beware);
    line("undo", &t.undo);
    if let Some(ran) = &t.ran {
        let exit = ran
            .exit
            .map_or_else(|| "no exit status".to_owned(), |s| format!("exit {s}"));
        let took = Span::from_secs_f64(ran.took_ms / 1e3);
        line("ran", &format!("{exit}, took {took}, ended {}", ran.at));
        each(&mut line, "failed", ran.failed.as_slice());
        if !ran.output.is_empty() {
            line("output", &ran.output);
        }
    }
    if let Some(lost) = &t.lost {
        line("lost", &format!("{}: {}", lost.at, lost.why));
    }
    if let Some(back) = &t.read_back {
        let found = back
            .found
            .as_ref()
            .map(|f| format!(": found {} ({})", f.state, f.detail));
        let why = back.why.as_ref().map(|w| format!(": {w}"));
        let more = found.or(why).unwrap_or_default();
        line("read back", &format!("{}: {}{more}", back.at, back.truth));
    }
    for drift in &t.drifts {
        let (found, expected) = (&drift.found, drift.expected);
        line(
            "drift",
            &format!(
                "{}: expected {expected}{}, found {} ({})",
                drift.at,
                match drift.how {
                    "no-end" => " with its end armed there, and none is",
                    "not-ended" => " as its time was over",
                    "let-go" => " with all that was held, and some was let go",
                    _ => "",
                },
                found.state,
                found.detail
            ),
        );
    }
    if let Some(ended) = &t.ended {
        let by = ended.action.as_ref().map(|id| format!(" by {id}"));
        let found = ended
            .found
            .as_ref()
            .map(|f| format!(": found {} ({})", f.state, f.detail));
        line(
            "ended",
            &format!(
                "{}: {}{}{}",
                ended.at,
                ended.how,
                by.unwrap_or_default(),
                found.unwrap_or_default()
            ),
        );
    }
}

/// `confirmed, expired`; `failed, contradicted`; `outcome unknown, read back later: confirmed`.
fn outcome(t: &Told) -> String {
    let mut words = vec![];
    if t.ran.as_ref().is_some_and(|r| r.failed.is_some()) {
        words.push("failed".to_owned());
    }
    match (&t.lost, &t.read_back) {
        (Some(_), Some(back)) => words.push(format!("outcome unknown, read back later: {}", back.truth)),
        (Some(_), None) => words.push("outcome unknown".to_owned()),
        (None, _) => words.push(t.outcome.to_owned()),
    }
    if !t.drifts.is_empty() {
        words.push("drifted".to_owned());
    }
    words.extend(t.ended.as_ref().map(|e| e.how.to_owned()));
    words.join(", ")
}

/// `2026-11-24 04:12:07 +01:00` of a moment as JSON has it.
fn short(at: &str) -> String {
    let offset = at.len().saturating_sub(6);
    match (at.get(..10), at.get(11..19), at.get(offset..)) {
        (Some(day), Some(time), Some(offset)) => format!("{day} {time} {offset}"),
        _ => at.to_owned(),
    }
}
