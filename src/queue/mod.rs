//! What is in a mail system's queue. The pure half turns bytes into counts: `lines` → `message` → `tally`, joined in
//! `reader`. The asking half runs the mail system's own commands by way of [`crate::reach`] (`postfix`). `budget` says
//! when the next look may come. Nothing here knows the console or the journal.

pub mod budget;
pub mod lines;
pub mod message;
mod postfix;
pub mod reader;
pub mod tally;
pub mod top;

use jiff::Timestamp;

use crate::domain::Span;
use crate::domain::queue::{QueueKind, QueueSnapshot, QueueSource};
use crate::domain::reading::Missed;
use crate::reach::Runner;

pub use budget::{Look, Pace};
pub use postfix::COUNT_FILES;
pub use reader::ListingReader;

/// Lists every message of a queue: full detail, at a cost that grows with the queue.
///
/// A listing that was cut off (by the time-out, or by the command's end) is a snapshot that says so in `partial`, as
/// long as anything was read; otherwise a [`Missed`]. Ages are told at `now`.
pub async fn list(src: &QueueSource, runner: &Runner, now: Timestamp, timeout: Span) -> Result<QueueSnapshot, Missed> {
    match src.kind {
        QueueKind::Postfix => postfix::list(src, runner, now, timeout).await,
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
