//! What is in a mail system's queue. The pure half turns bytes into counts: `lines` → `feed` → `message` → `tally`, joined in
//! `reader`; `census` compares one listing with the next, `find` looks for single messages. The asking half runs the mail system's own commands by way of [`crate::reach`] (`postfix`). `budget` says
//! when the next look may come. Nothing here knows the console or the journal.

pub mod budget;
pub mod census;
mod feed;
pub mod find;
mod group;
mod hours;
pub mod lines;
mod log;
pub mod message;
mod postfix;
pub mod reader;
pub mod tally;
pub mod top;

use jiff::Timestamp;

use crate::domain::flow::FlowSeen;
use crate::domain::horizon::QueueRules;
use crate::domain::message::{MessagePage, Pick};
use crate::domain::queue::{QueueKind, QueueSnapshot, QueueSource};
use crate::domain::reading::Missed;
use crate::domain::{Span, Text};
use crate::reach::Runner;

pub use budget::{Look, Pace};
pub use census::Census;
pub use feed::Take;
pub use log::LogFollower;
pub use postfix::COUNT_FILES;
pub use reader::ListingReader;

/// A queue as listed.
#[derive(Clone, PartialEq, Debug)]
pub struct Listed {
    /// What is in it.
    pub snapshot: QueueSnapshot,
    /// What happened since the last complete listing that the same census saw.
    pub flow: Option<FlowSeen>,
}

/// Lists every message of a queue: full detail, at a cost that grows with the queue.
///
/// A listing that was cut off (by the time-out, or by the command's end) is a snapshot that says so in `partial`, as
/// long as anything was read; otherwise a [`Missed`]. Ages are told at `now`. With the `census` of this queue, a complete
/// listing also tells what happened since the one before, until the moment at which this one ended.
pub async fn list(
    src: &QueueSource,
    runner: &Runner,
    census: Option<&mut Census>,
    now: Timestamp,
    timeout: Span,
) -> Result<Listed, Missed> {
    match src.kind {
        QueueKind::Postfix => postfix::list(src, runner, census, now, timeout).await,
    }
}

/// Lists the queue and keeps a page of the messages that are asked for: it costs the mail host as much as a listing.
///
/// The end of the listing may be missing as in [`list`]: then `fit` is a lower bound, and the page says so in `partial`.
pub async fn messages(
    src: &QueueSource,
    runner: &Runner,
    pick: &Pick,
    now: Timestamp,
    timeout: Span,
) -> Result<MessagePage, Missed> {
    match src.kind {
        QueueKind::Postfix => postfix::messages(src, runner, pick, now, timeout).await,
    }
}

/// Lists the queue and hands each message on to `take`: it costs the mail host as much as a listing.
///
/// Beside what was taken, why the end of the listing may be missing, as in [`list`]. A message may come twice.
pub async fn each<T: Take + Send>(
    src: &QueueSource,
    runner: &Runner,
    take: T,
    timeout: Span,
) -> Result<(T, Option<Text>), Missed> {
    match src.kind {
        QueueKind::Postfix => postfix::each(src, runner, take, timeout).await,
    }
}

/// How the mail system treats mail that waits, as its configuration says.
///
/// [`crate::domain::reading::Miss::NotFound`] where nobody can be asked: the mail system's program is not there, or the queue is listed by
/// a command of its own.
pub async fn rules(src: &QueueSource, runner: &Runner, timeout: Span) -> Result<QueueRules, Missed> {
    match src.kind {
        QueueKind::Postfix => postfix::rules(src, runner, timeout).await,
    }
}

/// Counts the messages of a queue without reading them: depth only, cheap at any size.
///
/// Needs the right to read the queue directories, which is root's alone by default: [`crate::domain::reading::Miss::Denied`]
/// means that only listings are to be had.
pub async fn count(src: &QueueSource, runner: &Runner, timeout: Span) -> Result<QueueSnapshot, Missed> {
    match src.kind {
        QueueKind::Postfix => postfix::count(src, runner, timeout).await,
    }
}
