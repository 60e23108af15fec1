//! Intake: closed when nobody listens at the doors of its services. master(8) ends the sessions that are open at a door that
//! it closes.

use super::super::sockets::Door;
use super::{Answer, Job, Judged, Stand, hidden, many, unread};

/// The doors that are meant: those named, or every one.
pub(in super::super::super) fn doors<'a>(job: &Job<'_>, answer: &'a Answer) -> Result<Vec<&'a Door>, String> {
    let mut named = job.services().peekable();
    if named.peek().is_none() {
        return Ok(answer.doors.iter().collect());
    }
    named
        .map(|name| {
            answer
                .doors
                .iter()
                .find(|d| d.service == name)
                .ok_or_else(|| format!("master.cf has no service {name} of type inet"))
        })
        .collect()
}

pub(super) fn judge(job: &Job<'_>, answer: &Answer) -> Judged {
    if !answer.sockets_seen {
        return Judged::new(Stand::Unclear, "who listens cannot be read (/proc/net/tcp)");
    }
    let doors = match doors(job, answer) {
        Ok(doors) if doors.is_empty() => return Judged::new(Stand::Unclear, "master.cf has no service of type inet"),
        Ok(doors) => doors,
        Err(why) => return Judged::new(Stand::Unclear, why),
    };
    if let Some(odd) = doors.iter().find(|d| d.port.is_none()) {
        return Judged::new(
            Stand::Unclear,
            format!("which port {} means cannot be found there", odd.service),
        );
    }
    let (listening, silent): (Vec<&Door>, Vec<&Door>) = doors.iter().copied().partition(|d| d.listens(answer));
    // What nobody is seen to listen at, but where that would be is not known.
    if let Some((door, name)) = silent.iter().find_map(|d| Some((d, d.unknown(answer)?))) {
        return Judged::new(
            Stand::Unclear,
            format!(
                "where {} listens is not known: there is no address of {name} there",
                door.service
            ),
        );
    }
    let names = |doors: &[&Door]| doors.iter().map(|d| d.service.as_str()).collect::<Vec<_>>().join(", ");
    let sessions: u64 = doors.iter().map(|d| d.sessions(answer)).sum();
    let open = many(sessions, "session open", "sessions open");
    let in_file = answer.missing(&job.ours()).is_empty();
    if listening.is_empty() {
        let closed = Judged::new(Stand::Closed, format!("nobody listens at {}", names(&silent))).and(open);
        let closed = match (unread(answer), in_file) {
            (Some(words), false) => closed.beware(format!("{words}: a reload would open this valve")),
            (Some(words), true) => closed.beware(format!("{words}; it is closed in both")),
            (None, false) if answer.queue_manager().is_none() => closed.beware(hidden(answer)),
            (None, false) => {
                closed.beware("main.cf does not close it: something else does, or another program is at fault")
            }
            (None, true) => closed,
        };
        return closed.beware("mail that is handed in on the server itself (sendmail) is still taken");
    }
    let open = if silent.is_empty() {
        Judged::new(Stand::Open, format!("listening at {}", names(&listening))).and(open)
    } else {
        Judged::new(
            Stand::Partly,
            format!("listening at {}, but not at {}", names(&listening), names(&silent)),
        )
        .and(open)
    };
    match unread(answer) {
        Some(words) if in_file => open.beware(format!("{words}: a reload would close this valve")),
        _ => open,
    }
}
