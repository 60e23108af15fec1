//! What happens in the demo world, and when: one weekend with an outage, as named moments that tests compare against.

use jiff::Timestamp;

use super::host::Host;
use crate::domain::Span;

/// Saturday, 21 November 2026, 10:00 UTC.
const A_SATURDAY_AT_TEN: i64 = 1_795_255_200;
const WEEK: i64 = 7 * 86_400;

/// One weekend. All moments are on the clock of the demo.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Script {
    /// Everything random follows from it.
    pub seed: u64,
    /// Saturday 10:00: where the clock starts.
    pub begins: Timestamp,
    /// Saturday 10:30: the weekend's maintenance `db-compact` starts on mbox1.
    pub job_starts: Timestamp,
    /// How long that job has to work, pauses left out.
    pub job_work: Span,
    /// Saturday 11:00: the mailbox store of mbox1 fails.
    pub failed_at: Timestamp,
    /// Sunday 22:00: it serves again.
    pub restored_at: Timestamp,
    /// Saturday 20:00: the queue command of mx2 hangs.
    pub silent_from: Timestamp,
    /// Saturday 21:00: it answers that the mail system is down, which is not so either.
    pub refusing_from: Timestamp,
    /// Saturday 22:00: it answers again.
    pub answering_from: Timestamp,
    /// Sunday 12:00: lock contention makes mbox3 slow.
    pub contended_from: Timestamp,
    /// Sunday 20:00: it is over.
    pub contended_until: Timestamp,
    /// When the certificate of mbox2 ends: nine days after the beginning.
    pub certificate_ends: Timestamp,
}

impl Script {
    /// The weekend that tests use: it begins on Saturday, 21 November 2026, 10:00 UTC.
    pub fn weekend() -> Self {
        Self::beginning(Timestamp::from_second(A_SATURDAY_AT_TEN).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// The weekend that began on the last Saturday, 10:00 UTC, at or before `now`.
    pub fn weekend_before(now: Timestamp) -> Self {
        let weeks = (now.as_second() - A_SATURDAY_AT_TEN).div_euclid(WEEK);
        Self::beginning(Span::from_secs(weeks * WEEK).after(Self::weekend().begins))
    }

    fn beginning(begins: Timestamp) -> Self {
        let hour = |h: i64| Span::from_hours(h).after(begins);
        Self {
            seed: 0x6d61_696c_746f_7001,
            begins,
            job_starts: Span::from_mins(30).after(begins),
            job_work: Span::from_hours(46),
            failed_at: hour(1),
            restored_at: hour(36),
            silent_from: hour(10),
            refusing_from: hour(11),
            answering_from: hour(12),
            contended_from: hour(26),
            contended_until: hour(34),
            certificate_ends: hour(9 * 24),
        }
    }

    /// The host whose mailbox store fails.
    pub const FAILS: Host = Host::Mbox1;

    /// When its store fails, and when it serves again.
    pub const fn turns(&self) -> [Timestamp; 2] {
        [self.failed_at, self.restored_at]
    }

    /// Whether the store of mbox1 is failed at that moment.
    pub fn store_failed(&self, at: Timestamp) -> bool {
        (self.failed_at..self.restored_at).contains(&at)
    }

    /// Whether lock contention slows mbox3 at that moment.
    pub fn contended(&self, at: Timestamp) -> bool {
        (self.contended_from..self.contended_until).contains(&at)
    }

    /// How a host's queue command behaves at that moment.
    pub fn queue_command(&self, host: Host, at: Timestamp) -> QueueCommand {
        if host != Host::Mx2 || !(self.silent_from..self.answering_from).contains(&at) {
            QueueCommand::Answers
        } else if at < self.refusing_from {
            QueueCommand::Hangs
        } else {
            QueueCommand::Refuses
        }
    }
}

/// How a host's queue command behaves. The mail flows on regardless.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QueueCommand {
    /// It answers.
    Answers,
    /// It says nothing.
    Hangs,
    /// It says that the mail system is down.
    Refuses,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weekend_is_the_last_one_that_has_begun() {
        let first = Script::weekend();
        assert_eq!(first.begins.to_string(), "2026-11-21T10:00:00Z");
        assert_eq!(Script::weekend_before(first.begins), first);
        let friday_before = Span::from_secs(-1).after(first.begins);
        assert_eq!(
            Script::weekend_before(friday_before).begins.to_string(),
            "2026-11-14T10:00:00Z"
        );
        let years_on = Span::from_hours(24 * 7 * 100 + 5).after(first.begins);
        assert_eq!(
            Span::between(Script::weekend_before(years_on).begins, years_on),
            Span::from_hours(5)
        );
    }

    #[test]
    fn only_the_queue_of_mx2_falls_silent_and_only_for_two_hours() {
        let s = Script::weekend();
        let just_before = |t| Span::from_secs(-1).after(t);
        for (at, want) in [
            (just_before(s.silent_from), QueueCommand::Answers),
            (s.silent_from, QueueCommand::Hangs),
            (s.refusing_from, QueueCommand::Refuses),
            (s.answering_from, QueueCommand::Answers),
        ] {
            assert_eq!(s.queue_command(Host::Mx2, at), want, "{at}");
            assert_eq!(s.queue_command(Host::Mx1, at), QueueCommand::Answers);
        }
    }
}
