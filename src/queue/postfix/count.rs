//! Counts the files in Postfix's queue directories: a script that runs on the mail host, and what its lines mean.

use super::{MAX_OUTPUT, trouble::trouble, with_sudo};
use crate::domain::argv::Argv;
use crate::domain::queue::{Depth, How, QueueKind, QueueSnapshot, QueueSource, SystemState};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};
use crate::reach::{RunLimits, Runner};

/// Counts names, not files: nothing is opened and, where the file system tells a name's type, nothing is looked up.
/// One line a queue: `QUEUE COUNT`, or `QUEUE denied`, or `QUEUE missing`; `QUEUE unreadable` where find met something it
/// could not read, and `QUEUE uncountable` where there is no find or no wc. A further line, `system stopped`, where that
/// is sure: the process in `pid/master.pid` is gone (or dead and not reaped, or another program by now) and nobody holds
/// the file's lock, which Postfix's own master is asked for. A login that may not know prints nothing about it.
/// Last, the processor time of all this: `times` of POSIX sh.
pub const COUNT_FILES: &str = r#"if [ $# -gt 0 ]; then q=$(postconf -c "$1" -h queue_directory); else q=$(postconf -h queue_directory); fi || exit
if read -r p 2>/dev/null <"$q/pid/master.pid"; then
case $p in ''|*[!0-9]*) p= ;; esac
c="(master)" s=S; { read -r x c s x </proc/"$p"/stat; } 2>/dev/null
if [ -n "$p" ] && { ! kill -0 "$p" || [ "$c" != "(master)" ] || [ "$s" = Z ]; } 2>/dev/null; then
if [ $# -gt 0 ]; then d=$(postconf -c "$1" -h daemon_directory) && "$d/master" -c "$1" -t
else d=$(postconf -h daemon_directory) && "$d/master" -t; fi </dev/null >/dev/null 2>&1 && echo system stopped
fi; fi
for n in maildrop incoming active deferred hold; do
if [ ! -d "$q/$n" ]; then [ -x "$q" ] && echo "$n missing" || echo "$n denied"
elif [ ! -r "$q/$n" ] || [ ! -x "$q/$n" ]; then echo "$n denied"
else set -- $({ { find "$q/$n" -type f -print 2>/dev/null; echo $? >&3; } | wc -l 2>/dev/null; } 3>&1)
case $1,$2 in 0,?*) echo "$n $2" ;; 12[67],*|*,) echo "$n uncountable" ;; *) echo "$n unreadable" ;; esac; fi
done
times"#;

pub(super) fn count_command(src: &QueueSource) -> Argv {
    let argv = src.count.clone().unwrap_or_else(|| {
        let dir = src.config_dir.as_deref();
        Argv::new("sh", ["-c", COUNT_FILES, "mailtop-count"].into_iter().chain(dir))
    });
    with_sudo(src, argv)
}

pub(in crate::queue) async fn count(
    src: &QueueSource,
    runner: &Runner,
    timeout: Span,
) -> Result<QueueSnapshot, Missed> {
    let argv = count_command(src);
    let tried: Text = if src.count.is_some() {
        runner.shown(&argv)
    } else {
        runner.shown(&with_sudo(src, Argv::new("count", ["files", "in", "queue_directory"])))
    };
    let limits = RunLimits {
        timeout,
        max_output: MAX_OUTPUT,
    };
    let out = runner.run(&argv, limits).await?;
    if !out.ok() {
        return Err(trouble(tried, &out));
    }
    let counted = parse_counts(&out.stdout);
    let mut partial = counted.trouble(&tried)?;
    if out.unfinished || out.cut {
        partial.get_or_insert_with(|| "the end of the count was not seen".into());
    }
    Ok(QueueSnapshot {
        kind: QueueKind::Postfix,
        how: How::Counted,
        depth: counted.depth,
        partial,
        skipped_lines: counted.skipped,
        listing: None,
        took: out.took,
        next_listing: None,
        next_look: None,
        said: None,
        system: counted.system,
        cpu: counted.cpu,
    })
}

/// What the counting command printed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    depth: Depth,
    /// Lines with a count.
    queues: u64,
    denied: Vec<Text>,
    missing: Vec<Text>,
    /// Directories below which something could not be read.
    unreadable: Vec<Text>,
    /// Directories for which there was no program to count with.
    uncountable: Vec<Text>,
    skipped: u64,
    system: SystemState,
    /// The processor time of the script and of what it ran.
    cpu: Option<Span>,
}

fn parse_counts(stdout: &[u8]) -> Counted {
    let mut got = Counted::default();
    let mut times = Vec::new();
    for line in String::from_utf8_lossy(stdout).lines().filter(|l| !l.trim().is_empty()) {
        if let Some(time) = shell_times(line) {
            times.push(time);
            continue;
        }
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(q), Some("denied"), None) => got.denied.push(q.into()),
            (Some(q), Some("missing"), None) => got.missing.push(q.into()),
            (Some(q), Some("unreadable"), None) => got.unreadable.push(q.into()),
            (Some(q), Some("uncountable"), None) => got.uncountable.push(q.into()),
            (Some("system"), Some("stopped"), None) => got.system = SystemState::Stopped,
            (Some(q), Some(n), None) => match n.parse::<u64>() {
                Ok(n) => {
                    let slot = got.depth.slot(q);
                    *slot = slot.saturating_add(n.min(u64::MAX >> 8));
                    got.queues += 1;
                }
                Err(_) => got.skipped += 1,
            },
            _ => got.skipped += 1,
        }
    }
    // Two lines: the shell itself, and what it ran and waited for.
    if let [shell, children] = times[..] {
        got.cpu = Some(shell + children);
    }
    got
}

/// A line of `times` (POSIX, XCU 2.14): `0m0.07s 0m1.00s`, user and system time.
fn shell_times(line: &str) -> Option<Span> {
    let time = |word: &str| {
        let (minutes, seconds) = word.strip_suffix('s')?.split_once('m')?;
        let plain = |s: &str| s.starts_with(|c: char| c.is_ascii_digit());
        // Some shells print it as the locale has it, with a comma.
        let seconds = Some(seconds).filter(|s| plain(s))?.replace(',', ".").parse().ok()?;
        Some(Span::from_mins(minutes.parse::<u32>().ok()?.into()) + Span::from_secs_f64(seconds))
    };
    let (user, system) = line.trim().split_once(' ')?;
    Some(time(user)? + time(system.trim())?)
}

impl Counted {
    /// What is wrong with it: nothing, something that makes it partial, or everything.
    fn trouble(&self, tried: &Text) -> Result<Option<Text>, Missed> {
        let names = |n: &[Text]| n.iter().map(Text::as_str).collect::<Vec<_>>().join(", ");
        if !self.uncountable.is_empty() {
            let why = format!(
                "find or wc is not there, or does not run: {} not counted",
                names(&self.uncountable)
            );
            return Err(Missed::new(Miss::NotFound, tried.clone(), why)
                .fix("install them, or set a `count` command of your own; listings do not need it"));
        }
        let denied = if self.unreadable.is_empty() {
            (self.queues == 0 && !self.denied.is_empty())
                .then(|| "the queue directories may not be read by this login".to_owned())
        } else {
            Some(format!("find could not read all of {}", names(&self.unreadable)))
        };
        if let Some(why) = denied {
            return Err(Missed::new(Miss::Denied, tried.clone(), why)
                .fix("count as root (`sudo = true`) or with a `count` command of your own; listings do not need it"));
        }
        if self.queues == 0 {
            let why = if self.missing.is_empty() {
                "it printed no line of the form `QUEUE COUNT`"
            } else {
                "there are no queue directories where postconf says"
            };
            return Err(Missed::new(Miss::BadAnswer, tried.clone(), why));
        }
        let mut parts = Vec::new();
        if !self.denied.is_empty() {
            parts.push(format!("not counted, no permission: {}", names(&self.denied)));
        }
        if !self.missing.is_empty() {
            parts.push(format!("not counted, no such directory: {}", names(&self.missing)));
        }
        if self.skipped > 0 {
            parts.push(format!("{} lines not understood", self.skipped));
        }
        Ok((!parts.is_empty()).then(|| parts.join("; ").into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_and_what_could_not_be_counted_is_said() {
        let got = parse_counts(b"maildrop 0\nincoming 1\nactive 2\ndeferred  30\nhold 4\n");
        assert_eq!((got.depth.total(), got.depth.deferred), (37, 30));
        assert_eq!(got.trouble(&"t".into()), Ok(None));
        let got = parse_counts(b"deferred 30\nhold missing\nactive denied\nwhat is this\nx -1\n\n");
        assert_eq!(
            got.trouble(&"t".into()).unwrap().as_deref(),
            Some("not counted, no permission: active; not counted, no such directory: hold; 2 lines not understood")
        );
    }

    #[test]
    fn a_system_is_called_stopped_only_where_the_count_says_so() {
        assert_eq!(parse_counts(b"system stopped\nhold 1\n").system, SystemState::Stopped);
        assert_eq!(parse_counts(b"hold 1\n").system, SystemState::Unknown);
    }

    #[test]
    fn no_count_at_all_is_a_miss_and_never_zero() {
        let kind = |out: &[u8]| parse_counts(out).trouble(&"t".into()).unwrap_err().kind;
        assert_eq!(kind(b"deferred denied\nhold denied\n"), Miss::Denied);
        assert_eq!(kind(b"deferred missing\n"), Miss::BadAnswer);
        assert_eq!(kind(b"hold 0\ndeferred unreadable\n"), Miss::Denied);
        assert_eq!(kind(b"hold 0\ndeferred uncountable\n"), Miss::NotFound);
        assert_eq!(kind(b""), Miss::BadAnswer);
        assert_eq!(kind(b"\xff\xfe\x00"), Miss::BadAnswer);
    }

    #[test]
    fn processor_time_is_read_as_shells_print_it_and_is_unknown_without_both_lines() {
        let cpu = |out: &str| parse_counts(out.as_bytes());
        let dash = cpu("hold 1\n0m0.010000s 0m0.000000s\n0m0.070000s 1m1.000000s\n");
        assert_eq!((dash.cpu, dash.skipped), (Some(Span::from_millis(61_080)), 0));
        let bash = cpu("hold 1\n0m0,002s 0m0,001s\n0m0,003s 0m0,004s\n");
        assert_eq!((bash.cpu, bash.skipped), (Some(Span::from_millis(10)), 0));
        assert_eq!(cpu("hold 1\n0m0.002s 0m0.001s\n").cpu, None);
        assert_eq!(cpu("hold 1\n").cpu, None);
        for odd in ["0m-1s 0m1s", "0minfs 0m1s", "0m1s", "0m1s 0m1s x", "ms ms", "hold 1"] {
            assert_eq!(shell_times(odd), None, "{odd}");
        }
    }
}
