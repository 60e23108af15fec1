//! Asks a Postfix for its queue: `postqueue -j` for the listing, files in the queue directories for the count
//! (postqueue(1), postconf(5)). What the commands say when they fail is classed here, from texts that Postfix 3.7 printed.

use std::time::Instant;

use jiff::Timestamp;

use super::budget;
use super::reader::ListingReader;
use crate::domain::argv::Argv;
use crate::domain::queue::{Depth, How, QueueKind, QueueSnapshot, QueueSource, Sudo, SystemState};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};
use crate::reach::{Output, RunLimits, Runner};

/// Bytes kept of a command's error output, and of the count's few lines.
const MAX_OUTPUT: usize = 16 << 10;

/// Lines kept of what a listing said beside itself.
const SAID_LINES: usize = 3;

/// Counts names, not files: nothing is opened and, where the file system tells a name's type, nothing is looked up.
/// One line a queue: `QUEUE COUNT`, or `QUEUE denied`, or `QUEUE missing`; `QUEUE unreadable` where find met something it
/// could not read, and `QUEUE uncountable` where there is no find or no wc. A further line, `system stopped`, where that
/// is sure: the process in `pid/master.pid` is gone (or dead and not reaped, or another program by now) and nobody holds
/// the file's lock, which Postfix's own master is asked for. A login that may not know prints nothing about it.
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
done"#;

fn list_command(src: &QueueSource) -> Argv {
    let argv = src.list.clone().unwrap_or_else(|| {
        let dir = src.config_dir.iter().flat_map(|d| ["-c", d]);
        Argv::new("postqueue", dir.chain(["-j"]))
    });
    with_sudo(src, argv)
}

fn count_command(src: &QueueSource) -> Argv {
    let argv = src.count.clone().unwrap_or_else(|| {
        let dir = src.config_dir.as_deref();
        Argv::new("sh", ["-c", COUNT_FILES, "mailtop-count"].into_iter().chain(dir))
    });
    with_sudo(src, argv)
}

fn with_sudo(src: &QueueSource, argv: Argv) -> Argv {
    match src.sudo {
        Sudo::Yes => argv.under(&["sudo", "-n"]),
        Sudo::No => argv,
    }
}

pub(super) async fn list(
    src: &QueueSource,
    runner: &Runner,
    now: Timestamp,
    timeout: Span,
) -> Result<QueueSnapshot, Missed> {
    let argv = list_command(src);
    let tried = runner.shown(&argv);
    let limits = RunLimits {
        timeout,
        max_output: MAX_OUTPUT,
    };
    let started = Instant::now();
    let mut reader = ListingReader::new(now);
    let ran = runner.stream(&argv, limits, |chunk| reader.push(chunk)).await;
    let read = reader.finish();
    let beside = ran.as_ref().map_or(Beside::default(), |out| beside(src, out));
    let unfinished = ran.as_ref().is_ok_and(|out| out.ok() && out.unfinished);
    let (took, trouble) = match ran {
        Ok(out) if out.ok() => (out.took, None),
        Ok(out) => (out.took, Some(trouble(tried, &out))),
        Err(missed) => (started.elapsed().into(), Some(missed)),
    };
    let mut snapshot = read.snapshot(took);
    (snapshot.said, snapshot.system) = (beside.said, beside.system);
    if let Some(missed) = trouble {
        // Messages that were listed are true. Where the host itself is out of reach, that is the news.
        if read.tally.messages() == 0 || missed.kind == Miss::Unreachable {
            return Err(missed);
        }
        snapshot.partial = Some(cut_short(&missed, took, snapshot.partial));
    } else if unfinished {
        let skipped = snapshot.partial.map(|s| format!("; {s}")).unwrap_or_default();
        snapshot.partial = Some(format!("the end of the listing was not seen, there may be more{skipped}").into());
    }
    snapshot.next_listing = Some(budget::rest_after(took, src.budget_permille));
    Ok(snapshot)
}

/// What the mail system said beside a listing.
#[derive(Default)]
struct Beside {
    said: Option<Text>,
    system: SystemState,
}

/// From the words of a listing. As root, postqueue reads a stopped Postfix's queue by itself, warns, and succeeds.
fn beside(src: &QueueSource, out: &Output) -> Beside {
    let stderr = String::from_utf8_lossy(&out.stderr);
    // A login's shell and ssh speak here too. A command of one's own speaks under names that we do not know.
    let lines: Vec<_> = (stderr.lines().map(str::trim))
        .filter(|l| !l.is_empty() && (src.list.is_some() || l.starts_with("postqueue:")))
        .collect();
    let stopped = lines.iter().any(|l| l.to_lowercase().contains("mail system is down"));
    let first = &lines[..lines.len().min(SAID_LINES)];
    Beside {
        // What a failed listing said is told with its failure.
        said: (out.ok() && !first.is_empty()).then(|| first.join("; ").into()),
        system: if stopped {
            SystemState::Stopped
        } else {
            SystemState::Unknown
        },
    }
}

/// Why a listing that did not come to its end is partial.
fn cut_short(missed: &Missed, took: Span, skipped: Option<Text>) -> Text {
    let skipped = skipped.map(|s| format!("; {s}")).unwrap_or_default();
    format!(
        "the listing ended after {took}, there may be more: {}{skipped}",
        missed.why
    )
    .into()
}

pub(super) async fn count(src: &QueueSource, runner: &Runner, timeout: Span) -> Result<QueueSnapshot, Missed> {
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
}

fn parse_counts(stdout: &[u8]) -> Counted {
    let mut got = Counted::default();
    for line in String::from_utf8_lossy(stdout).lines().filter(|l| !l.trim().is_empty()) {
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
    got
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

/// What the words of a failed command mean: words to look for, the kind of miss, what to do.
const WORDS: [(&str, Miss, &str); 10] = [
    (
        "mail system is down",
        Miss::BadAnswer,
        "start Postfix; as root, postqueue reads the queue of a stopped Postfix too, and the files can be counted",
    ),
    (
        "not allowed to view the mail queue",
        Miss::Denied,
        "add this login to authorized_mailq_users in main.cf, or set `sudo = true`",
    ),
    (
        "unauthorized configuration directory",
        Miss::Denied,
        "name the directory in alternate_config_directories (or multi_instance_directories) in the default main.cf, or set `sudo = true`",
    ),
    (
        "password is required",
        Miss::Denied,
        "allow the command in sudoers without a password (NOPASSWD)",
    ),
    (
        "a terminal is required",
        Miss::Denied,
        "allow the command in sudoers without a password (NOPASSWD)",
    ),
    (
        "is not in the sudoers file",
        Miss::Denied,
        "allow the command in sudoers without a password (NOPASSWD)",
    ),
    (
        "is not allowed to execute",
        Miss::Denied,
        "allow the command in sudoers without a password (NOPASSWD)",
    ),
    (
        "ermission denied",
        Miss::Denied,
        "set `sudo = true`, or use a login that may read the queue",
    ),
    (
        "not found",
        Miss::NotFound,
        "is Postfix installed there? Another listing program can be set with `list`",
    ),
    (
        "open /etc/postfix/main.cf",
        Miss::NotFound,
        "is Postfix configured there?",
    ),
];

fn trouble(tried: Text, out: &Output) -> Missed {
    let stderr = String::from_utf8_lossy(&out.stderr);
    let known = WORDS.iter().find(|(words, ..)| stderr.contains(words));
    let lines = || stderr.lines().rev().map(str::trim).filter(|l| !l.is_empty());
    // The line that is known, or the last that is not a warning: `fatal:` ends Postfix's programs.
    let line = (known.and_then(|(words, ..)| lines().find(|l| l.contains(words))))
        .or_else(|| lines().find(|l| !l.contains("warning:")))
        .unwrap_or_default();
    let ended = match out.status {
        Some(n) => format!("it ended with status {n}"),
        None => "it was ended by a signal".to_owned(),
    };
    let why = if line.is_empty() {
        ended
    } else {
        format!("{line} ({ended})")
    };
    match (known, out.status) {
        (Some((_, kind, fix)), _) => Missed::new(*kind, tried, why).fix(*fix),
        (None, Some(127)) => {
            let (_, kind, fix) = WORDS[8];
            Missed::new(kind, tried, why).fix(fix)
        }
        (None, _) => Missed::new(Miss::BadAnswer, tried, why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> QueueSource {
        QueueSource {
            name: "q".into(),
            kind: QueueKind::Postfix,
            config_dir: None,
            list: None,
            count: None,
            sudo: Sudo::No,
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
    fn the_words_of_a_failed_command_tell_the_kind_of_miss() {
        for (status, stderr, kind) in [
            (
                69,
                "postqueue: fatal: Queue report unavailable - mail system is down",
                Miss::BadAnswer,
            ),
            (
                77,
                "postqueue: fatal: User bob(1000) is not allowed to view the mail queue",
                Miss::Denied,
            ),
            (1, "sudo: a password is required", Miss::Denied),
            (127, "sh: 1: exec: postqueue: not found", Miss::NotFound),
            (127, "", Miss::NotFound),
            (1, "something else", Miss::BadAnswer),
        ] {
            let out = Output {
                status: Some(status),
                stderr: stderr.into(),
                ..Output::default()
            };
            let missed = trouble("postqueue -j".into(), &out);
            assert_eq!(missed.kind, kind, "{stderr}");
            assert!(missed.why.contains(stderr), "{missed}");
        }
    }

    #[test]
    fn what_is_said_beside_a_listing_is_kept_when_it_is_the_mail_systems() {
        let with = |src: &QueueSource, stderr: &str| {
            let out = Output {
                status: Some(0),
                stderr: stderr.into(),
                ..Output::default()
            };
            let b = beside(src, &out);
            (b.said.map(|s| s.to_string()), b.system)
        };
        let down = "postqueue: warning: Mail system is down -- accessing queue directly";
        let (own, src) = (
            QueueSource {
                list: Some(Argv::new("lq", ["-j"])),
                ..source()
            },
            source(),
        );
        let shell = "bash: warning: setlocale: LC_ALL: cannot change locale";
        assert_eq!(
            with(&src, &format!("{shell}\n{down}\n")),
            (Some(down.to_owned()), SystemState::Stopped)
        );
        assert_eq!(with(&src, shell), (None, SystemState::Unknown));
        assert_eq!(
            with(&own, " w1\n\nw2\nw3\nw4\n"),
            (Some("w1; w2; w3".to_owned()), SystemState::Unknown)
        );
        assert_eq!(parse_counts(b"system stopped\nhold 1\n").system, SystemState::Stopped);
        assert_eq!(parse_counts(b"hold 1\n").system, SystemState::Unknown);
    }

    #[test]
    fn every_row_of_words_that_is_used_by_number_is_the_right_one() {
        assert_eq!(WORDS[8].0, "not found");
    }
}
