//! Leases: who looks at what, so that two consoles of one journal do not ask the servers twice. A lease ends when it is
//! not renewed in time, and at once when its holder was a process of this system that is no more.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::{Claim, Lease};
use crate::domain::event::ObserverId;
use crate::domain::{Name, Span, Timestamp};

/// What is allowed between the clocks of processes, and for a holder that is a little late.
const SLACK: Span = Span::from_secs(2);

/// A process, so that its end can be seen.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Process {
    /// This start of the system and its table of processes: a number means nothing in another one.
    place: String,
    /// Its number.
    pid: i64,
    /// When it began, in ticks since the system did: tells it from a later process of the same number.
    started: i64,
}

impl Process {
    /// This process; `None` on a system that does not tell (anything but Linux), where only time ends a lease.
    fn this() -> Option<Self> {
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let table = std::fs::read_link("/proc/self/ns/pid").ok()?;
        let pid = i64::from(std::process::id());
        Some(Self {
            place: format!("{} {}", boot.trim(), table.display()),
            pid,
            started: started(pid)?,
        })
    }

    /// Whether it is known to have ended. What cannot be seen is not known.
    fn is_gone(&self) -> bool {
        let here = Self::this().is_some_and(|me| me.place == self.place);
        // With /proc mounted `hidepid`, the processes of others look gone, and so does the first one.
        here && started(1).is_some() && started(self.pid) != Some(self.started)
    }
}

/// When a process began (`proc_pid_stat(5)`, field 22); `None` when there is none, or only its exit status is left.
fn started(pid: i64) -> Option<i64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the name in parentheses, and the name may hold anything, parentheses too.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// A lease as it stands in the file.
struct Row {
    holder: ObserverId,
    process: Option<Process>,
    until: i64,
    lasts: i64,
}

impl Row {
    /// Whether another may take it. An end that lies further ahead than the lease lasts was written by a clock that has been
    /// set back since, and would keep everyone out until the clock comes there again.
    fn is_free(&self, now: Timestamp) -> bool {
        let left = self.until.saturating_sub(now.as_microsecond());
        left <= 0
            || left > self.lasts.saturating_add(SLACK.micros())
            || self.process.as_ref().is_some_and(Process::is_gone)
    }
}

/// Who holds a lease at a moment.
pub fn holder(db: &Connection, what: &Name, now: Timestamp) -> rusqlite::Result<Option<ObserverId>> {
    Ok(find(db, what)?.filter(|row| !row.is_free(now)).map(|row| row.holder))
}

fn find(db: &Connection, what: &Name) -> rusqlite::Result<Option<Row>> {
    db.prepare_cached("SELECT holder, place, pid, started, until, lasts FROM lease WHERE what = ?1")?
        .query_row([what.as_str()], |r| {
            let (place, pid, started): (Option<String>, Option<i64>, Option<i64>) = (r.get(1)?, r.get(2)?, r.get(3)?);
            Ok(Row {
                holder: ObserverId(Name::new(&r.get::<_, String>(0)?)),
                process: place
                    .zip(pid)
                    .zip(started)
                    .map(|((place, pid), started)| Process { place, pid, started }),
                until: r.get(4)?,
                lasts: r.get(5)?,
            })
        })
        .optional()
}

/// Takes or renews a lease, or says who has it.
pub fn take(tx: &Transaction<'_>, claim: &Claim) -> rusqlite::Result<Lease> {
    let found = find(tx, &claim.what)?;
    if let Some(row) = found.filter(|row| row.holder != claim.holder && !row.is_free(claim.now)) {
        return Ok(Lease::HeldBy {
            holder: row.holder,
            until: Timestamp::from_microsecond(row.until).unwrap_or(claim.now),
        });
    }
    let me = Process::this();
    tx.prepare_cached(
        "INSERT OR REPLACE INTO lease (what, holder, place, pid, started, until, lasts)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        claim.what.as_str(),
        claim.holder.0.as_str(),
        me.as_ref().map(|p| p.place.as_str()),
        me.as_ref().map(|p| p.pid),
        me.as_ref().map(|p| p.started),
        claim.lasts.after(claim.now).as_microsecond(),
        claim.lasts.micros(),
    ])?;
    Ok(Lease::Held)
}

/// Gives back one lease of a holder, or all of them. What somebody else has taken over meanwhile stays theirs.
pub fn give_back(tx: &Transaction<'_>, what: Option<&Name>, holder: &ObserverId) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM lease WHERE holder = ?1 AND (?2 IS NULL OR what = ?2)")?
        .execute(params![holder.0.as_str(), what.map(Name::as_str)])
        .map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_one_that_ended_is_gone() {
        let me = Process::this().unwrap();
        assert!(!me.is_gone());
        let mut child = std::process::Command::new("cat")
            .stdin(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let other = Process {
            pid: i64::from(child.id()),
            started: started(i64::from(child.id())).unwrap(),
            place: me.place.clone(),
        };
        assert!(!other.is_gone());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(other.is_gone());
        let reused = Process {
            started: me.started - 1,
            ..me.clone()
        };
        assert!(reused.is_gone(), "another process has the number now");
        let elsewhere = Process {
            place: "another boot".into(),
            ..other
        };
        assert!(!elsewhere.is_gone(), "nothing is known of another system");
    }
}
