//! Domains among the targets: in place of each stand the hosts that its records name, with the doors that are there.

use super::options::Said;
use super::{Target, mistake};
use crate::config::address::DoorAddress;
use crate::config::mistake::{Mistake, Wrong};
use crate::domain::dns::{Doors, Offer, Resolver, SERVICES};
use crate::domain::door::Place;
use crate::domain::{Span, Text};

/// What is to be asked for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The domain, in lower case and without the root's dot.
    pub domain: &'a str,
    /// The DNS servers to ask; none: the system's.
    pub resolvers: &'a [Resolver],
    /// The longest that one question may take.
    pub timeout: Span,
}

/// What a reader should know of how the doors of domains were found.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Told {
    /// Where the records say something else than that a door is there.
    pub notes: Vec<Text>,
    /// The questions that got no answer, and why: doors may be missing.
    pub unanswered: Vec<Text>,
}

/// Puts the hosts of each domain in its place. A host that two domains name stands there once.
pub(super) fn found(
    targets: Vec<Target>,
    said: &Said,
    find: impl Fn(&Ask<'_>) -> Doors,
    mistakes: &mut Vec<Mistake>,
) -> (Vec<Target>, Told) {
    let mut told = Told::default();
    let mut out = Vec::new();
    for target in targets {
        let Target::Domain(domain) = target else {
            out.push(target);
            continue;
        };
        let doors = find(&Ask {
            domain: &domain,
            resolvers: &said.base.defaults.resolvers,
            timeout: said.base.timeout,
        });
        if doors.offers.is_empty() {
            mistakes.push(mistake(&domain, nothing(&doors)));
        }
        for offer in doors.offers {
            add(&mut out, &domain, offer);
        }
        told.notes.extend(doors.notes);
        told.unanswered.extend(doors.unanswered);
    }
    (out, told)
}

fn add(targets: &mut Vec<Target>, domain: &str, offer: Offer) {
    let address = DoorAddress {
        protocol: offer.protocol,
        security: offer.security,
        at: Place::tcp(&*offer.host, offer.port),
        user: None,
    };
    let there = targets.iter_mut().find_map(|t| match t {
        Target::Host { host, doors, .. } if *host == offer.host => Some(doors),
        _ => None,
    });
    match there {
        Some(doors) if doors.contains(&address) => {}
        Some(doors) => doors.push(address),
        None => targets.push(Target::Host {
            domain: domain.to_owned(),
            host: offer.host,
            doors: vec![address],
        }),
    }
}

/// No door at all: what was asked, and what came of it.
fn nothing(doors: &Doors) -> Wrong {
    let asked: Vec<&str> = SERVICES.iter().map(|s| s.label).collect();
    let why: Vec<&str> = doors.unanswered.iter().chain(&doors.notes).map(|t| &**t).collect();
    let why = if why.is_empty() {
        "it has none of these records".to_owned()
    } else {
        why.join("; ")
    };
    Wrong::new(
        format!(
            "no door was found; asked were MX, A and AAAA of it, and SRV of {}: {why}",
            asked.join(", ")
        ),
        "check the name and the resolver (--resolver), or name a door that you know: imaps://HOST, smtp://HOST",
    )
}
