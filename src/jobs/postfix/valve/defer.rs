//! Defer: closed when the queue manager that runs read that these transports wait, and no delivery agent of theirs is at
//! work. An agent is started for a delivery only, so one that is younger than the queue manager shows that something was
//! delivered all the same: that is how a flush is seen. Mail that this queue manager itself put off for being of a deferred
//! transport proves it also where main.cf has been changed since.

use std::collections::BTreeSet;

use super::super::answer::{Child, Message};
use super::super::setting::words;
use super::super::{NOWHERE, Ours};
use super::{Answer, Job, Judged, Stand, clock, hidden, messages, unread};

/// What qmgr(8) writes as the reason of such mail.
const DEFERRED: &str = "deferred transport";
/// And after a flush, of mail that goes nowhere.
const UNAVAILABLE: &str = "mail transport unavailable";

/// Whether a reason is that of mail which a valve keeps.
pub(in super::super::super) fn is_kept(reason: &str) -> bool {
    reason.contains(DEFERRED)
}

/// What main.cf says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Written {
    All,
    Some,
    None,
}

pub(super) fn judge(job: &Job<'_>, transports: &[String], destinations: &[String], answer: &Answer) -> Judged {
    let ours = job.ours();
    let missing = answer.missing(&ours);
    let written = if missing.is_empty() {
        Written::All
    } else if ours.iter().any(|o| o.is_in(answer.setting(o.name))) {
        Written::Some
    } else {
        Written::None
    };
    let (Some(since), Some(read), Some(changed)) = (answer.queue_manager(), answer.has_read(), answer.changed) else {
        return Judged::new(Stand::Unclear, hidden(answer));
    };
    let is_agent = |c: &&Child| c.service.as_ref().is_some_and(|s| transports.contains(s));
    let (younger, older): (Vec<&Child>, Vec<&Child>) =
        answer.children.iter().filter(is_agent).partition(|c| c.started > since);
    let kept = kept(answer, destinations, transports.is_empty());
    let of_this_run = kept.iter().filter(|m| m.arrival > since).count();
    let names = transports
        .iter()
        .chain(destinations)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    let rewriters = || answer.children.iter().filter(|c| c.program == "trivial-rewrite");

    if let Some(first) = younger.iter().map(|c| c.started).min() {
        // An open valve has agents, too.
        let at_work: BTreeSet<&str> = younger.iter().filter_map(|c| c.service.as_deref()).collect();
        let agents = format!(
            "{} of {} at work since {}",
            agents(younger.len()),
            at_work.into_iter().collect::<Vec<_>>().join(", "),
            clock(first)
        );
        return match (written, read) {
            (Written::None, true) => Judged::new(Stand::Open, format!("{names} delivered")).and(agents),
            (Written::None, false) => {
                // Whether that is by a flush or because nothing is deferred, mail goes.
                Judged::new(Stand::Partly, format!("{names} delivered")).and(agents)
            }
            (_, _) => Judged::new(Stand::Partly, format!("{names} delivered all the same"))
                .and(agents)
                .beware(
                    "somebody flushed the queue (postqueue -f or -i, sendmail -q, ETRN): mail of deferred transports is tried then",
                ),
        };
    }
    let proof = |found: usize| format!("{} kept for it by the running queue manager", messages(found));
    match (written, read) {
        (Written::None, true) => Judged::new(Stand::Open, format!("{names} not deferred")),
        (Written::Some, true) => Judged::new(
            Stand::Partly,
            format!("main.cf does not have all of it: {} is missing", missing.join(", ")),
        ),
        (Written::All, true) => {
            let late = rewriters().filter(|c| c.started <= changed).count();
            let closed = Judged::new(
                Stand::Closed,
                format!("{names} deferred: read by the queue manager at {}", clock(since)),
            );
            let closed = if transports.is_empty() {
                closed
            } else {
                closed.and("no delivery agent of it at work")
            };
            let closed = closed.and(evidence(answer, &kept, of_this_run));
            let closed = risks(closed, transports, destinations);
            if !older.is_empty() {
                closed
                    .and(format!("{} that had begun before still at it", agents(older.len())))
                    .changing()
            } else if !destinations.is_empty() && late > 0 {
                closed
                    .and(format!("{late} trivial-rewrite processes are from before"))
                    .changing()
            } else {
                closed
            }
        }
        // Destinations are looked up by processes that start anew by themselves.
        (Written::None | Written::Some, false)
            if !destinations.is_empty() && rewriters().any(|c| c.started > changed) =>
        {
            Judged::new(
                Stand::Partly,
                "main.cf was changed, and is read already by what finds the way of mail",
            )
            .beware(unread(answer).unwrap_or_default())
        }
        (Written::None | Written::Some, false) => {
            let unread = unread(answer).unwrap_or_default();
            let words = format!("{unread}: a reload would open this valve");
            if of_this_run > 0 {
                risks(
                    Judged::new(Stand::Closed, format!("{names} deferred: {}", proof(of_this_run))).beware(words),
                    transports,
                    destinations,
                )
            } else {
                Judged::new(
                    Stand::Unclear,
                    format!("whether {names} is deferred is not shown by any message"),
                )
                .beware(format!("{unread}; as it is written, nothing of it is deferred"))
            }
        }
        (Written::All, false) => {
            let unread = unread(answer).unwrap_or_default();
            if of_this_run > 0 {
                risks(
                    Judged::new(Stand::Closed, format!("{names} deferred: {}", proof(of_this_run)))
                        .beware(format!("{unread}; it is deferred in both")),
                    transports,
                    destinations,
                )
            } else {
                Judged::new(
                    Stand::Unclear,
                    format!("whether {names} is deferred is not shown by any message"),
                )
                .beware(format!("{unread}: a reload would close this valve"))
            }
        }
    }
}

/// The messages of the sample that wait for being of a deferred transport. For destinations only, those are of theirs.
fn kept<'a>(answer: &'a Answer, destinations: &[String], only_those: bool) -> Vec<&'a Message> {
    let is = |m: &&Message| {
        m.queue == "deferred"
            && m.recipients.iter().any(|(domain, why)| {
                let of_ours = destinations.iter().any(|d| is_for(d, domain));
                (why.contains(DEFERRED) && (of_ours || !only_those)) || (why.contains(UNAVAILABLE) && of_ours)
            })
    };
    answer.listed.messages.iter().filter(is).collect()
}

/// Whether mail for a domain, in lower case, is meant by a key of transport(5): `.a.test` means what is below `a.test`.
pub(in super::super::super) fn is_for(key: &str, domain: &str) -> bool {
    let key = key.to_ascii_lowercase();
    if key.starts_with('.') {
        domain.ends_with(&key)
    } else {
        domain == key
    }
}

fn evidence(answer: &Answer, kept: &[&Message], of_this_run: usize) -> String {
    if let Some(why) = &answer.listed.trouble {
        return format!("the queue cannot be listed: {why}");
    }
    let sample = if answer.listed.all {
        ""
    } else {
        " among the first that are listed"
    };
    match (kept.len(), of_this_run) {
        (0, _) => format!("no mail for it{sample} shows it yet"),
        (n, 0) => format!("{} kept for it{sample}", messages(n)),
        (n, new) => format!("{} kept for it{sample}, {new} of them came since", messages(n)),
    }
}

fn risks(closed: Judged, transports: &[String], destinations: &[String]) -> Judged {
    let closed = if transports.is_empty() {
        closed
    } else {
        closed.beware("a flush by anybody (postqueue -f or -i, sendmail -q, ETRN) delivers mail of deferred transports all the same")
    };
    if destinations.is_empty() {
        closed
    } else {
        closed.beware("what transport_maps has for a single address goes before its domain")
    }
}

fn agents(n: usize) -> String {
    format!("{n} delivery {}", if n == 1 { "agent" } else { "agents" })
}

/// Whether something of a valve stands in main.cf, ours or another's: then a flush would undo it.
pub(in super::super::super) fn keeps_back(answer: &Answer) -> Option<String> {
    let deferred = answer.setting("defer_transports").map(words).unwrap_or_default();
    if !deferred.is_empty() {
        return Some(format!("defer_transports is {}", deferred.join(", ")));
    }
    let ours = Ours {
        name: "transport_maps",
        value: NOWHERE.into(),
        place: super::super::Place::First,
    };
    let map = answer.setting(ours.name)?;
    map.contains(NOWHERE)
        .then(|| format!("transport_maps sends mail to {NOWHERE}"))
}
