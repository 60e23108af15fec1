//! Asks a Postfix for its queue: `postqueue -j` for the listing (postqueue(1)), read as counts or for single messages.
//! Beside it: `count` counts the files in the queue directories, `rules` asks for lifetimes and retries, and `trouble` knows
//! what the commands say when they fail.

mod count;
mod rules;
mod trouble;

use std::time::Instant;

use jiff::Timestamp;

use super::Listed;
use super::budget;
use super::census::Census;
use super::feed::{Feed, Take};
use super::find::Finder;
use super::reader::ListingReader;
use crate::domain::argv::Argv;
use crate::domain::message::{MessagePage, Pick};
use crate::domain::queue::{QueueSource, Sudo};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};
use crate::reach::{RunLimits, Runner};

pub use count::COUNT_FILES;
pub(super) use count::count;
pub(super) use rules::rules;
pub(super) use trouble::trouble;
use trouble::{Beside, beside};

/// Bytes kept of a command's error output, and of the count's few lines.
const MAX_OUTPUT: usize = 16 << 10;

fn list_command(src: &QueueSource) -> Argv {
    let argv = src.list.clone().unwrap_or_else(|| {
        let dir = src.config_dir.iter().flat_map(|d| ["-c", d]);
        Argv::new("postqueue", dir.chain(["-j"]))
    });
    with_sudo(src, argv)
}

pub(super) fn with_sudo(src: &QueueSource, argv: Argv) -> Argv {
    match src.sudo {
        Sudo::Yes => argv.under(&["sudo", "-n"]),
        Sudo::No => argv,
    }
}

pub(super) async fn list(
    src: &QueueSource,
    runner: &Runner,
    census: Option<&mut Census>,
    now: Timestamp,
    timeout: Span,
) -> Result<Listed, Missed> {
    let mut reader = census
        .as_ref()
        .map_or_else(|| ListingReader::new(now), |c| c.reader(now));
    let streamed = stream(src, runner, timeout, |chunk| reader.push(chunk)).await;
    let read = reader.finish();
    let mut snapshot = read.snapshot(streamed.took);
    snapshot.partial = streamed.partial(read.tally.messages(), snapshot.partial)?;
    (snapshot.said, snapshot.system) = (streamed.beside.said, streamed.beside.system);
    snapshot.next_listing = Some(budget::rest_after(streamed.took, src.budget_permille));
    let flow = match census {
        Some(census) if snapshot.complete() => census.listed(read, streamed.took.after(now)),
        _ => None,
    };
    Ok(Listed { snapshot, flow })
}

pub(super) async fn messages(
    src: &QueueSource,
    runner: &Runner,
    pick: &Pick,
    now: Timestamp,
    timeout: Span,
) -> Result<MessagePage, Missed> {
    let mut finder = Finder::new(pick.clone());
    let streamed = stream(src, runner, timeout, |chunk| finder.push(chunk)).await;
    let (mut page, lines) = finder.finish(now);
    page.took = streamed.took;
    page.partial = streamed.partial(lines.messages, page.partial)?;
    Ok(page)
}

pub(super) async fn each<T: Take + Send>(
    src: &QueueSource,
    runner: &Runner,
    take: T,
    timeout: Span,
) -> Result<(T, Option<Text>), Missed> {
    let mut feed = Feed::new(take);
    let streamed = stream(src, runner, timeout, |chunk| feed.push(chunk)).await;
    let (took, lines) = feed.finish();
    let partial = streamed.partial(lines.messages, lines.said())?;
    Ok((took, partial))
}

/// A listing that was handed on as it came.
struct Streamed {
    took: Span,
    beside: Beside,
    end: End,
}

/// How it ended.
enum End {
    /// All of it came.
    Seen,
    /// The command succeeded, but the end of its output was not seen.
    Unseen,
    /// It did not come to its end.
    Broken(Missed),
}

async fn stream(src: &QueueSource, runner: &Runner, timeout: Span, on_chunk: impl FnMut(&[u8]) + Send) -> Streamed {
    let argv = list_command(src);
    let limits = RunLimits {
        timeout,
        max_output: MAX_OUTPUT,
    };
    let started = Instant::now();
    let (took, beside, end) = match runner.stream(&argv, limits, on_chunk).await {
        Ok(out) => {
            let end = match (out.ok(), out.unfinished) {
                (true, false) => End::Seen,
                (true, true) => End::Unseen,
                (false, _) => End::Broken(trouble(runner.shown(&argv), &out)),
            };
            (out.took, beside(src, &out), end)
        }
        Err(missed) => (started.elapsed().into(), Beside::default(), End::Broken(missed)),
    };
    Streamed { took, beside, end }
}

impl Streamed {
    /// Why the listing is partial, when it is. Messages that were listed are true; where there are none, or where the host
    /// itself is out of reach, that is the news.
    fn partial(&self, messages: u64, skipped: Option<Text>) -> Result<Option<Text>, Missed> {
        let why = match &self.end {
            End::Seen => return Ok(skipped),
            End::Unseen => "the end of the listing was not seen, there may be more".to_owned(),
            End::Broken(missed) if messages == 0 || missed.kind == Miss::Unreachable => return Err(missed.clone()),
            End::Broken(missed) => format!(
                "the listing ended after {}, there may be more: {}",
                self.took, missed.why
            ),
        };
        let skipped = skipped.map(|s| format!("; {s}")).unwrap_or_default();
        Ok(Some(format!("{why}{skipped}").into()))
    }
}

#[cfg(test)]
mod tests {
    use super::count::count_command;
    use super::*;
    use crate::domain::queue::{LogSource, QueueKind};

    pub(super) fn source() -> QueueSource {
        QueueSource {
            name: "q".into(),
            kind: QueueKind::Postfix,
            config_dir: None,
            list: None,
            count: None,
            sudo: Sudo::No,
            log: LogSource::Auto,
            lifetime: None,
            budget_permille: 20,
        }
    }

    #[test]
    fn another_instance_and_sudo_are_told_to_postqueue_itself() {
        let src = QueueSource {
            config_dir: Some("/etc/postfix-out".into()),
            ..source()
        };
        assert_eq!(list_command(&src).quoted(), "postqueue -c /etc/postfix-out -j");
        let src = QueueSource { sudo: Sudo::Yes, ..src };
        assert_eq!(list_command(&src).quoted(), "sudo -n postqueue -c /etc/postfix-out -j");
        assert_eq!(count_command(&src).args().last().unwrap(), "/etc/postfix-out");
    }

    #[test]
    fn a_command_of_ones_own_is_run_as_it_is() {
        let src = QueueSource {
            list: Some(Argv::new("cat", ["/tmp/l"])),
            count: Some(Argv::new("wc", ["-l"])),
            ..source()
        };
        assert_eq!(list_command(&src).quoted(), "cat /tmp/l");
        assert_eq!(count_command(&src).quoted(), "wc -l");
    }
}
