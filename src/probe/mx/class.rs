//! What the answers of several resolvers, and the outcomes at several hosts, mean for the domain. Pure.

use std::collections::BTreeSet;

use super::super::class::{failure, name};
use crate::domain::dns::{Mx, Resolver};
use crate::domain::health::{Failure, HostSeen, Layer, Phase, PhaseTime, ProbeReport, Verdict};
use crate::domain::{Span, Text};
use crate::reach::dial::NameError;

/// As many records are told of one answer.
const MOST_TOLD: usize = 6;

/// What one resolver said.
pub struct Answer {
    pub by: Resolver,
    pub said: Result<Vec<Mx>, NameError>,
    pub took: Span,
}

/// What all of them said together.
pub struct Heard {
    /// What is gone by.
    pub answer: Result<Vec<Mx>, NameError>,
    /// How long that took. What the others took is no slowness of the domain.
    pub took: Span,
    /// The resolvers that differ from it.
    pub aside: Vec<Failure>,
}

/// Compares answers as sets. What is gone by is the first answer with records, else the first answer at all, else the first
/// reason why there is none; every resolver that says something else is named with both answers.
pub fn agree(mut answers: Vec<Answer>) -> Heard {
    let rank = |a: &Answer| match &a.said {
        Ok(records) if !records.is_empty() => 0,
        Ok(_) | Err(NameError::NoSuchName(_)) => 1,
        Err(_) => 2,
    };
    let Some(best) = answers.iter().map(rank).min() else {
        return Heard {
            answer: Ok(Vec::new()),
            took: Span::ZERO,
            aside: Vec::new(),
        };
    };
    let at = answers.iter().position(|a| rank(a) == best).unwrap_or_default();
    let first = answers.remove(at);
    // Where none answers there is nothing to differ from.
    let others = answers.iter().filter(|_| best < 2);
    let aside = others.filter_map(|other| differs(&first, other)).collect();
    Heard {
        answer: first.said,
        took: first.took,
        aside,
    }
}

fn differs(first: &Answer, other: &Answer) -> Option<Failure> {
    let set = |a: &Answer| match &a.said {
        Ok(records) => Ok(records.iter().cloned().collect::<BTreeSet<Mx>>()),
        Err(NameError::NoSuchName(_)) => Err(true),
        Err(_) => Err(false),
    };
    let (one, two) = (set(first), set(other));
    if one == two {
        return None;
    }
    let hint = match two {
        Err(false) => "those who ask it find no way to this domain",
        _ => "a zone not transferred yet, a cache, or two views of the domain: those who ask it go elsewhere",
    };
    let text = format!("{}; {}", says(other), says(first));
    Some(failure(Layer::Name, Phase::Name, text, Some(hint)))
}

fn says(a: &Answer) -> String {
    let by = &a.by;
    match &a.said {
        Ok(records) if records.is_empty() => format!("{by} says that there is no MX"),
        Ok(records) => {
            let set: BTreeSet<&Mx> = records.iter().collect();
            let told: Vec<String> = set.iter().take(MOST_TOLD).map(ToString::to_string).collect();
            let more = match set.len().saturating_sub(MOST_TOLD) {
                0 => String::new(),
                n => format!(" and {n} more"),
            };
            format!("{by} says MX {}{more}", told.join(", "))
        }
        Err(NameError::NoSuchName(_)) => format!("{by} says that there is no such name (NXDOMAIN)"),
        Err(NameError::NoAnswer { why, .. }) => format!("{by} gives no answer ({why})"),
        Err(e) => format!("{by}: {e}"),
    }
}

/// No MX: the domain is its own host.
pub fn itself(domain: &str) -> (Vec<Mx>, Vec<Text>) {
    let host = Mx {
        preference: 0,
        host: domain.into(),
    };
    let note = "there is no MX record: the address of the domain itself takes its mail (RFC 5321 5.1)";
    (vec![host], vec![note.into()])
}

/// A null MX. Who watches a domain expects mail for it.
pub fn nowhere(domain: &str) -> Failure {
    failure(
        Layer::Name,
        Phase::Name,
        format!("{domain} takes no mail: its MX record is the null MX"),
        Some("senders return mail for it at once (RFC 7505 4.1)"),
    )
}

/// No answer, or no such domain.
pub fn unanswered(e: &NameError) -> Failure {
    name(e)
}

/// Puts the outcomes at the hosts, in the order in which others try them, into the report of the domain. It is as good as
/// its best host: mail comes in as long as one takes it. Every other host that fails is a trouble beside it.
pub fn fold(report: &mut ProbeReport, asked: Span, hosts: Vec<(Mx, ProbeReport)>) {
    let severity = |r: &ProbeReport| r.failure.as_ref().map_or(Verdict::Ok, |f| f.layer.verdict());
    let Some(least) = hosts.iter().map(|(_, r)| severity(r)).min() else {
        return;
    };
    let best = hosts.iter().position(|(_, r)| severity(r) == least).unwrap_or_default();
    let soonest = hosts.iter().filter_map(|(mx, r)| Some((r.tls.as_ref()?, mx)));
    let soonest = soonest.min_by_key(|(tls, _)| (tls.not_after.is_none(), tls.not_after));
    report.tls = soonest.map(|(tls, _)| tls.clone());
    if let Some((_, mx)) = soonest.filter(|_| hosts.len() > 1) {
        report
            .notes
            .push(format!("of the certificates, that of {} ends first", mx.host).into());
    }
    let alone = hosts.len() == 1;
    for (i, (mx, seen)) in hosts.into_iter().enumerate() {
        let named = |f: &Failure| Failure {
            text: format!("{}: {}", mx.host, f.text).into(),
            ..f.clone()
        };
        report.hosts.push(HostSeen {
            host: mx.host.clone(),
            preference: mx.preference,
            peer: seen.peer.clone(),
            took: seen.total(),
            proved: seen.proved,
            failure: seen.failure.clone(),
        });
        report.aside.extend(seen.aside.iter().map(named));
        let of = |words: &Text| {
            if alone {
                words.clone()
            } else {
                format!("{}: {words}", mx.host).into()
            }
        };
        report.notes.extend(seen.notes.iter().map(of));
        report.alerts.extend(seen.alerts.iter().map(of));
        let failure = seen.failure.as_ref().map(named);
        if i == best {
            report.failure = failure;
            take_road(report, asked, seen);
        } else {
            report.aside.extend(failure);
        }
    }
}

/// The road of the best host is that of the domain; the look-up of the MX records is part of its first phase.
fn take_road(report: &mut ProbeReport, asked: Span, seen: ProbeReport) {
    let (names, others): (Vec<PhaseTime>, Vec<_>) = seen.phases.iter().copied().partition(|p| p.phase == Phase::Name);
    let name = PhaseTime {
        phase: Phase::Name,
        took: names.iter().fold(asked, |sum, p| sum + p.took),
        ok: names.iter().all(|p| p.ok) && seen.failure.as_ref().is_none_or(|f| f.phase != Phase::Name),
    };
    report.phases = [name].into_iter().chain(others).collect();
    report.proved = seen.proved.max(name.ok.then_some(Phase::Name));
    report.goal = report.goal.max(seen.goal);
    report.peer = seen.peer;
    report.held_back = seen.held_back;
    report.greeting = seen.greeting;
    if seen.plan.len() > 1 {
        report.plan = seen.plan;
    }
}

#[cfg(test)]
#[path = "class_tests.rs"]
mod tests;
