//! What Postfix's commands say beside their output, and when they fail: classed from texts that Postfix 3.7 printed.

use crate::domain::Text;
use crate::domain::queue::{QueueSource, SystemState};
use crate::domain::reading::{Miss, Missed};
use crate::reach::Output;

/// Lines kept of what a listing said beside itself.
const SAID_LINES: usize = 3;

/// What the mail system said beside a listing.
#[derive(Default)]
pub(super) struct Beside {
    pub(super) said: Option<Text>,
    pub(super) system: SystemState,
}

/// From the words of a listing. As root, postqueue reads a stopped Postfix's queue by itself, warns, and succeeds.
pub(super) fn beside(src: &QueueSource, out: &Output) -> Beside {
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

/// Why a command that ran failed.
pub(in crate::queue) fn trouble(tried: Text, out: &Output) -> Missed {
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
    use super::super::tests::source;
    use super::*;
    use crate::domain::argv::Argv;

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
    }

    #[test]
    fn every_row_of_words_that_is_used_by_number_is_the_right_one() {
        assert_eq!(WORDS[8].0, "not found");
    }
}
