//! What is known of a valve: open, closed, or it cannot be said. Closed is said only of what the running Postfix shows: main.cf
//! alone is no proof, for it may not have been read, or be overruled, or be undone by a flush.

mod defer;
mod hold;
mod intake;

use jiff::Timestamp;

use super::super::Motion;
use super::{Answer, Job, Master};
use crate::domain::Text;
use crate::domain::job::{JobState, State, ValveKind};

pub(in super::super) use self::defer::{is_for, is_kept, keeps_back};
pub(in super::super) use self::intake::doors;

/// How a valve stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in super::super) enum Stand {
    /// Mail goes through, all of it.
    Open,
    /// Some goes through, or what was kept is not let go.
    Partly,
    /// None goes through.
    Closed,
    /// It cannot be said.
    Unclear,
    /// Postfix does not run.
    Down,
}

/// What was found, in words.
#[derive(Debug)]
pub(in super::super) struct Judged {
    pub stand: Stand,
    pub motion: Motion,
    pub detail: Vec<String>,
    pub beware: Vec<Text>,
    /// Messages on hold, where all of them were listed.
    pub held: Option<u64>,
}

impl Judged {
    fn new(stand: Stand, detail: impl Into<String>) -> Self {
        Self {
            stand,
            motion: Motion::Settled,
            detail: vec![detail.into()],
            beware: vec![],
            held: None,
        }
    }
    fn and(mut self, detail: impl Into<String>) -> Self {
        self.detail.push(detail.into());
        self
    }
    fn beware(mut self, words: impl Into<Text>) -> Self {
        self.beware.push(words.into());
        self
    }
    fn changing(mut self) -> Self {
        self.motion = Motion::Changing;
        self
    }

    /// As the state of a job.
    pub fn state(&self) -> JobState {
        let state = match self.stand {
            Stand::Open | Stand::Partly => State::Running,
            Stand::Closed => State::Paused,
            Stand::Unclear => State::Unknown,
            Stand::Down => State::Failed,
        };
        JobState {
            beware: self.beware.clone(),
            held: self.held,
            ..JobState::of(state, self.detail.join(" · "))
        }
    }
}

/// Judges it.
pub(super) fn judge(job: &Job<'_>, answer: &Answer) -> Judged {
    if answer.master == Master::None {
        return Judged::new(Stand::Down, "Postfix does not run: nobody holds the lock of its master");
    }
    match &job.valve.what {
        ValveKind::Hold => hold::judge(job, answer),
        ValveKind::Defer {
            transports,
            destinations,
        } => defer::judge(job, transports, destinations, answer),
        ValveKind::Intake { .. } => intake::judge(job, answer),
    }
}

/// What keeps a reading from saying more.
fn hidden(answer: &Answer) -> String {
    if answer.master == Master::Hidden || answer.children.is_empty() {
        "the processes of Postfix are not shown to this login (hidepid, or another namespace)".to_owned()
    } else if answer.changed.is_none() {
        "when main.cf was changed cannot be read".to_owned()
    } else {
        "no queue manager of it is seen".to_owned()
    }
}

/// `main.cf was changed at 03:12:09Z and has not been read by the running Postfix, there since 02:00:00Z`.
fn unread(answer: &Answer) -> Option<String> {
    let (changed, since) = (answer.changed?, answer.queue_manager()?);
    (since <= changed).then(|| {
        format!(
            "its configuration was changed at {} and has not been read by the running Postfix, which works by what it read at {}",
            clock(changed),
            clock(since)
        )
    })
}

/// The time of day, as the server's log would have it in UTC.
fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%SZ").to_string()
}

/// `1 message`, `12,431 messages`.
pub(in super::super) fn many(n: u64, one: &str, more: &str) -> String {
    let digits = n.to_string();
    let mut grouped = String::new();
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(d);
    }
    format!("{grouped} {}", if n == 1 { one } else { more })
}

fn messages(n: usize) -> String {
    many(n as u64, "message", "messages")
}
