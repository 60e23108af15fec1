//! A host's mail log as Postfix writes it, with the time stamps of rsyslog (RFC 3339): what came in, what left and how. A
//! try that only put a letter off is left out, as nothing of the demo reads it.

use std::fmt::Write;

use jiff::Timestamp;

use super::host::{Host, Role};
use super::listing::{recipients, write_queue_id, write_recipient, write_sender};
use super::sim::{Entry, Logged};

/// Appends the lines of one entry.
pub fn write_entry(out: &mut String, seed: u64, host: Host, entry: &Entry) {
    let letter = &entry.letter;
    let head = |out: &mut String, program: &str| {
        let at = Timestamp::from_second(entry.at).unwrap_or_default();
        let pid = 1_000 + letter.id % 29_000;
        let _ = write!(
            out,
            "{} {host} postfix/{program}[{pid}]: ",
            at.strftime("%Y-%m-%dT%H:%M:%S+00:00")
        );
        write_queue_id(out, seed, host, letter);
    };
    match entry.what {
        Logged::Came => {
            head(out, "cleanup");
            let _ = writeln!(out, ": message-id=<{}@demo.test>", letter.id);
            return;
        }
        Logged::Expired => {
            head(out, "qmgr");
            out.push_str(": from=<");
            write_sender(out, seed, host, letter);
            out.push_str(">, status=expired, returned to sender\n");
        }
        Logged::Delivered | Logged::Bounced => {
            let (program, relay) = match host.role() {
                Role::Store => ("lmtp", "private/dovecot-lmtp"),
                Role::Relay | Role::Outbound => ("smtp", "next.demo.test[192.0.2.9]:25"),
            };
            let answer = match entry.what {
                Logged::Bounced => "dsn=5.1.1, status=bounced (host said: 550 5.1.1 User unknown)",
                _ => "dsn=2.0.0, status=sent (250 2.0.0 Ok)",
            };
            for n in 0..recipients(seed, letter) {
                head(out, program);
                out.push_str(": to=<");
                write_recipient(out, seed, host, letter, n);
                let delay = entry.at - letter.arrived;
                let _ = writeln!(out, ">, relay={relay}, delay={delay}, delays={delay}/0/0/0, {answer}");
            }
        }
    }
    head(out, "qmgr");
    out.push_str(": removed\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::script::Script;
    use crate::demo::sim::Sim;
    use crate::domain::Span;

    #[test]
    fn what_the_log_says_of_a_day_is_what_happened_in_it() {
        let mut sim = Sim::new(Script::weekend());
        let begins = sim.script().begins;
        for host in [Host::Mbox1, Host::Mx1, Host::Out1] {
            let (before, from) = (sim.census().tally(host), sim.log(host).end());
            let hours = 1 + host.index() as i64;
            sim.advance(Span::from_hours(2 * hours).after(begins));
            let after = sim.census().tally(host);
            let mut text = String::new();
            for entry in sim.log(host).since(from).unwrap() {
                write_entry(&mut text, sim.script().seed, host, entry);
            }
            let lines = |words: &str| text.lines().filter(|l| l.contains(words)).count() as u64;
            assert_eq!(lines("/cleanup["), after.came - before.came, "{host}");
            assert!(after.came > before.came + 1_000, "{host}");
            let gone = |t: crate::demo::sim::Tally| t.delivered + t.bounced + t.expired;
            assert_eq!(lines(": removed"), gone(after) - gone(before), "{host}");
            assert!(lines("status=bounced") >= after.bounced - before.bounced, "{host}");
        }
    }

    #[test]
    fn a_log_that_was_cut_says_so() {
        let mut sim = Sim::new(Script::weekend());
        sim.advance(Span::from_hours(30).after(sim.script().begins));
        let log = sim.log(Host::Mbox1);
        assert!(log.since(0).is_err());
        assert_eq!(log.since(log.end()).unwrap().count(), 0);
        assert_eq!(log.since(log.end() + 5).unwrap().count(), 0);
    }
}
