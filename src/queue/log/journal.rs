//! A log that is the systemd journal, read by its cursor; and a command of one's own that keeps to the same form: lines,
//! and at the end `-- cursor: CURSOR`. journalctl is told to begin with the entry at the cursor, which is compared with what
//! was read last: that the journal still has it is then seen and not hoped for (and journalctl before version 256 passes
//! over one entry too many when asked for those after it). What is more than one answer may hold is gone on with by time.

use jiff::Timestamp;

use super::feed::Feed;
use super::line::Line;

/// Arguments: the most bytes to print, and journalctl's own. Beside what mail programs say, that journald suppressed some of
/// it (`SD_MESSAGE_JOURNAL_DROPPED` of sd-messages.h; its rate limit is in journald.conf(5)).
pub(super) const JOURNAL: &str = r#"m=$1; shift
echo "clock $(date '+%s %z')"
{ journalctl -q --no-pager -o short-unix --show-cursor "$@" SYSLOG_FACILITY=2 + MESSAGE_ID=a596d6fe7bfa4994828e72309e95d61e; echo "-- ended: $?"; } | head -c "$m"
echo; echo end; times"#;

/// Arguments: a command.
pub(super) const COMMAND: &str = r#"echo "clock $(date '+%s %z')"
"$@" || exit
echo; echo end; times"#;

/// Entries of its end that are looked at at first, for what they tell of messages that are being delivered.
const AT_FIRST: &str = "200";
/// The longest cursor that is kept.
const MAX_CURSOR: usize = 4 << 10;

/// Where the last reading of a journal ended.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(super) enum JournalCursor {
    /// Nothing read yet.
    #[default]
    New,
    /// At an entry, whose first line was this.
    At { cursor: String, line: Vec<u8> },
    /// Behind an entry whose first line was this, to be looked for from this moment on, as `--since=@` takes it. Lines are
    /// stamped with the moment in which they were sent, and `--since` goes by the one in which they were received, a little
    /// later: so entries from before are printed too, and are told by their place and not by their stamp. Without a line:
    /// all from this moment on.
    Since { stamp: String, line: Option<Vec<u8>> },
}

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Went {
    /// To the end.
    On,
    /// Not all of it fitted.
    Behind,
    /// There was no room for more than was read before.
    Cramped,
    /// journalctl failed, or it is not what it prints.
    Failed,
}

impl JournalCursor {
    /// What journalctl is told.
    pub(super) fn args(&self) -> Vec<String> {
        match self {
            Self::New => vec!["-n".into(), AT_FIRST.into()],
            Self::At { cursor, .. } => vec![format!("--cursor={cursor}")],
            Self::Since { stamp, .. } => vec![format!("--since=@{stamp}")],
        }
    }

    /// Takes what was printed. `before` is the host's time of the last reading; `spoke` is whether journalctl complained.
    pub(super) fn take(
        &mut self,
        body: &[u8],
        spoke: bool,
        now: Timestamp,
        before: Option<Timestamp>,
        feed: &mut Feed<'_>,
        lost: &mut Vec<String>,
    ) -> Went {
        let Some(printed) = Printed::parse(body) else {
            return Went::Failed;
        };
        // It ends with 1 without a word where there is nothing to show.
        if spoke && printed.status.is_some_and(|s| s != b"0") {
            self.doubt();
            return Went::Failed;
        }
        if let Some(seen) = self.seen_again(&printed) {
            feed.lines(&printed.lines[seen..].concat(), None);
        } else {
            // The stamp of what was read last is the best that is left to go by.
            let is_new = |l: &[u8]| match &*self {
                Self::Since { stamp, .. } => stamp_of(l).is_some_and(|at| at > stamp.as_bytes()),
                _ => true,
            };
            let new: Vec<&[u8]> = printed.lines.iter().copied().filter(|l| is_new(l)).collect();
            if printed.status.is_none() && new.is_empty() {
                return Went::Cramped;
            }
            lost.push("the journal has nothing any more of where the last reading ended".into());
            feed.lines(&new.concat(), before);
        }
        self.move_on(&printed, now);
        if printed.status.is_some() {
            Went::On
        } else {
            Went::Behind
        }
    }

    /// How many of the lines were read before; `None` when what was read last is not among them.
    fn seen_again(&self, printed: &Printed<'_>) -> Option<usize> {
        match self {
            Self::New | Self::Since { line: None, .. } => Some(0),
            Self::At { line, .. } => {
                let first = printed.lines.iter().position(|l| stamp_of(l).is_some())?;
                (printed.lines[first] == line.as_slice()).then_some(first + 1)
            }
            Self::Since { line: Some(line), .. } => printed
                .lines
                .iter()
                .rposition(|l| *l == line.as_slice())
                .map(|at| at + 1),
        }
    }

    fn move_on(&mut self, printed: &Printed<'_>, now: Timestamp) {
        let since = |stamp: &[u8], line: Option<&[u8]>| Self::Since {
            stamp: String::from_utf8_lossy(stamp).into_owned(),
            line: line.map(<[u8]>::to_vec),
        };
        let last = printed.last().and_then(|l| Some((l, stamp_of(l)?)));
        let next = match (&*self, &printed.cursor, last) {
            (_, Some(cursor), Some((line, _))) => Self::At {
                cursor: cursor.clone(),
                line: line.to_vec(),
            },
            (_, _, Some((line, at))) => since(at, Some(line)),
            // Nothing at all is there, or nothing any more: what comes from now on is new.
            (Self::At { line, .. } | Self::Since { line: Some(line), .. }, _, None) => match stamp_of(line) {
                Some(at) => since(at, None),
                None => since(now.as_second().to_string().as_bytes(), None),
            },
            (Self::New, _, None) => since(now.as_second().to_string().as_bytes(), None),
            (Self::Since { line: None, .. }, _, None) => return,
        };
        *self = next;
    }

    /// A cursor that journalctl does not take is of no use: then by time, behind the line that was read last.
    fn doubt(&mut self) {
        if let Self::At { line, .. } = self
            && let Some(stamp) = stamp_of(line)
        {
            *self = Self::Since {
                stamp: String::from_utf8_lossy(stamp).into_owned(),
                line: Some(line.clone()),
            };
        }
    }
}

/// What journalctl printed.
struct Printed<'a> {
    /// Whole lines, each with its newline. An entry with several has its further ones indented.
    lines: Vec<&'a [u8]>,
    cursor: Option<String>,
    /// What it ended with; `None` when there was no room for all that it had to say.
    status: Option<&'a [u8]>,
}

impl<'a> Printed<'a> {
    fn parse(body: &'a [u8]) -> Option<Self> {
        let whole = memchr::memrchr(b'\n', body).map_or(&body[..0], |at| &body[..=at]);
        let mut lines: Vec<&[u8]> = whole.split_inclusive(|b| *b == b'\n').collect();
        let mut pop = |mark: &[u8]| lines.pop_if(|l| l.starts_with(mark));
        let status = pop(b"-- ended: ").map(|l| l[b"-- ended: ".len()..].trim_ascii());
        let cursor = match status.and_then(|_| pop(b"-- cursor: ")) {
            Some(line) => Some(cursor_of(line)?),
            None => None,
        };
        let printed = Self { lines, cursor, status };
        (status.is_some() || printed.last().is_some()).then_some(printed)
    }
    /// The first line of the last entry.
    fn last(&self) -> Option<&'a [u8]> {
        self.lines.iter().rev().copied().find(|l| stamp_of(l).is_some())
    }
}

fn stamp_of(line: &[u8]) -> Option<&[u8]> {
    Line::parse(line.trim_ascii_end()).map(|l| l.stamp)
}

/// The cursor that a line tells: printable, and not too long to be handed back.
fn cursor_of(line: &[u8]) -> Option<String> {
    let cursor = std::str::from_utf8(line.strip_prefix(b"-- cursor: ")?).ok()?.trim();
    let fits = !cursor.is_empty() && cursor.len() <= MAX_CURSOR && !cursor.chars().any(char::is_control);
    fits.then(|| cursor.to_owned())
}

/// Takes what a command printed: the lines, and the cursor of its last line. `None` when there is no cursor at its end.
pub(super) fn command(body: &[u8]) -> Option<(&[u8], String)> {
    let body = body.trim_ascii_end();
    let at = memchr::memrchr(b'\n', body).map_or(0, |at| at + 1);
    Some((&body[..at], cursor_of(&body[at..])?))
}

#[cfg(test)]
mod tests;
