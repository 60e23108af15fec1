//! Lines on their way into the counts. Here it is told which of them are of no known form, which one is the newest, and
//! which are older than where the last reading ended, which matters only where a log does not go on where it ended.

use jiff::Timestamp;

use super::count::Count;
use super::line::{HostClock, Line};

/// A longer line is of no program that we count; syslog's own bound is far below.
const LONGEST: usize = 16 << 10;

/// What one reading's lines came to.
#[derive(Debug)]
pub(super) struct Feed<'c> {
    count: &'c mut Count,
    clock: HostClock,
    /// Lines of this instance's programs, as far as one can tell, that were not understood.
    pub(super) unknown: u64,
    /// Lines that whoever keeps the log says it has left out.
    pub(super) suppressed: u64,
    newest: Option<Timestamp>,
}

impl<'c> Feed<'c> {
    pub(super) fn new(count: &'c mut Count, clock: HostClock) -> Self {
        Self {
            count,
            clock,
            unknown: 0,
            suppressed: 0,
            newest: None,
        }
    }

    /// Takes whole lines, each with its newline; those older than `since` are passed over.
    pub(super) fn lines(&mut self, text: &[u8], since: Option<Timestamp>) {
        let mut last = None;
        for line in text.split(|b| *b == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Some(parsed) = (line.len() <= LONGEST).then(|| Line::parse(line)).flatten() else {
                // Lines of other programs go on over several lines at times; ours do not.
                if line.len() > LONGEST || memchr::memmem::find(line, b"postfix/").is_some() {
                    self.unknown += 1;
                }
                continue;
            };
            if let Some(since) = since
                && self.clock.moment(parsed.stamp).is_some_and(|at| at < since)
            {
                continue;
            }
            self.suppressed = self.suppressed.saturating_add(left_out(&parsed));
            self.count.line(&parsed);
            last = Some(parsed.stamp);
        }
        self.newest = last.and_then(|stamp| self.clock.moment(stamp)).or(self.newest);
    }

    /// When the line was written that was read last.
    pub(super) const fn newest(&self) -> Option<Timestamp> {
        self.newest
    }
}

/// How many lines of mail programs a line says were left out: by the rate limit of journald (`Suppressed N messages from UNIT`), or
/// by that of rsyslog: `imuxsock lost N messages from pid P due to rate-limiting`, `imuxsock[pid: P, name: /usr/…/master]: N
/// messages lost due to rate-limiting`, `imjournal: N messages lost due to rate-limiting`. Where the program is told and is
/// another's, nothing of ours was.
fn left_out(line: &Line<'_>) -> u64 {
    let words = |text| memchr::memmem::find(line.text, text).is_some();
    let before_or_after = |mark: &[u8], after: bool| {
        let at = memchr::memmem::find(line.text, mark)?;
        let part = if after {
            &line.text[at + mark.len()..]
        } else {
            &line.text[..at]
        };
        let mut numbers = part.split(|b| !b.is_ascii_digit()).filter(|d| !d.is_empty());
        let digits = if after { numbers.next() } else { numbers.next_back() };
        std::str::from_utf8(digits?).ok()?.parse().ok()
    };
    let number = match line.tag {
        b"systemd-journald" if line.text.starts_with(b"Suppressed ") && words(b"postfix") => {
            before_or_after(b"Suppressed ", true)
        }
        tag if tag.starts_with(b"rsyslogd") && words(b"due to rate-limiting") => {
            if words(b"name: ") && !words(b"postfix") {
                return 0;
            }
            before_or_after(b" messages lost", false).or_else(|| before_or_after(b" lost ", true))
        }
        _ => return 0,
    };
    // A number that cannot be read is one that is not zero.
    number.unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> u64 {
        left_out(&Line::parse(line.as_bytes()).unwrap())
    }

    #[test]
    fn what_the_log_says_that_it_left_out_is_lost_and_what_others_lost_is_not() {
        let journald = "1795442407.123456 mx1 systemd-journald[212]: Suppressed 4812 messages from postfix@-.service";
        assert_eq!(of(journald), 4_812);
        assert_eq!(of(&journald.replace("postfix@-", "nginx")), 0);
        assert_eq!(
            of(&journald.replace("systemd-journald", "postfix/qmgr")),
            0,
            "only journald itself says so"
        );
        let rsyslog = |said: &str| of(&format!("Nov 23 14:00:07 mx1 {said}"));
        assert_eq!(
            rsyslog("rsyslogd-2177: imuxsock lost 513 messages from pid 4711 due to rate-limiting"),
            513
        );
        let named = "rsyslogd: imuxsock[pid: 4711, name: /usr/lib/postfix/sbin/master]: 513 messages lost due to rate-limiting (200 allowed within 5 seconds)";
        assert_eq!(rsyslog(named), 513);
        assert_eq!(rsyslog(&named.replace("postfix/sbin/master", "cron")), 0);
        assert_eq!(
            rsyslog("rsyslogd: imjournal: 90 messages lost due to rate-limiting"),
            90
        );
    }
}
