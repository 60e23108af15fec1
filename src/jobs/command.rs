//! A job that is read by the operator's own commands: `status` prints a word of [`State`] first and any detail after it,
//! `progress` prints a percentage. What they print is judged here, and nothing is made up where they are unclear.

use super::limits;
use crate::domain::argv::Argv;
use crate::domain::job::{JobState, State};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Text};
use crate::reach::{Output, Runner};

const WORDS: &str = "print one of running, paused, idle, failed, unknown, then any detail on the same line";

/// Reads the state, and the progress where there is a command for it and the job is at it.
pub(super) async fn ask(
    status: &Argv,
    progress: Option<&Argv>,
    runner: &Runner,
    timeout: Span,
) -> Result<JobState, Missed> {
    let out = runner.run(status, limits(timeout)).await?;
    let mut state = parse_status(&out).map_err(|m| Missed {
        tried: runner.shown(status),
        ..m
    })?;
    if let (Some(argv), State::Running | State::Paused) = (progress, state.state) {
        // Not knowing how far it is does not make the state unknown.
        let out = runner.run(argv, limits(timeout)).await;
        state.progress = out.ok().filter(Output::ok).and_then(|o| parse_progress(&o.stdout));
    }
    Ok(state)
}

/// The first line that is not empty: a word and its detail. A word that is not known is an unknown state that keeps the
/// words; a failing command is believed only when it still printed a known word, as `systemctl is-active` does.
pub(super) fn parse_status(out: &Output) -> Result<JobState, Missed> {
    let line = out
        .stdout
        .split(|b| *b == b'\n')
        .map(<[u8]>::trim_ascii)
        .find(|l| !l.is_empty());
    let missed = |why: String| Missed::new(Miss::BadAnswer, "", why).fix(WORDS);
    let Some(line) = line else {
        return Err(missed(if out.ok() {
            "it printed no state".into()
        } else {
            format!("it {}", super::act::ended(out))
        }));
    };
    let text = Text::bounded(line, 256);
    let (word, detail) = text.split_once(char::is_whitespace).unwrap_or((&text, ""));
    match State::from_word(word.trim_end_matches([':', ','])) {
        Some(state) => Ok(JobState {
            state,
            progress: None,
            running_for: None,
            began: None,
            held: None,
            detail: detail.trim().into(),
            armed: vec![],
            armed_unread: false,
            beware: vec![],
        }),
        None if !out.ok() => Err(missed(format!("it {}", super::act::ended(out)))),
        None => Ok(JobState {
            state: State::Unknown,
            progress: None,
            running_for: None,
            began: None,
            held: None,
            detail: text,
            armed: vec![],
            armed_unread: false,
            beware: vec![],
        }),
    }
}

/// A number from 0 to 100, with or without a percent sign, alone on the first line.
pub(super) fn parse_progress(stdout: &[u8]) -> Option<f64> {
    let line = stdout.split(|b| *b == b'\n').next()?.trim_ascii();
    let number = std::str::from_utf8(line).ok()?;
    let number = number.strip_suffix('%').unwrap_or(number).trim_end();
    let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let value: f64 = number.parse().ok()?;
    (plain && (0.0..=100.0).contains(&value)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(status: i32, stdout: &[u8], stderr: &[u8]) -> Output {
        Output {
            status: Some(status),
            stdout: stdout.to_vec(),
            stderr: stderr.to_vec(),
            ..Output::default()
        }
    }

    #[test]
    fn the_first_word_is_the_state_and_the_rest_is_its_detail() {
        for (stdout, state, detail) in [
            (&b"running 3 of 9 tables\n"[..], State::Running, "3 of 9 tables"),
            (b"\n  Paused\n", State::Paused, ""),
            (b"idle: nothing to do", State::Idle, "nothing to do"),
            (b"unknown", State::Unknown, ""),
            // Words that are not ours are kept and not guessed at.
            (b"stopped at table 3\n", State::Unknown, "stopped at table 3"),
            (b"run\x1b[2Jning x", State::Unknown, "run␛[2Jning x"),
        ] {
            let got = parse_status(&out(0, stdout, b"")).unwrap();
            assert_eq!((got.state, &*got.detail, got.progress), (state, detail, None));
        }
    }

    #[test]
    fn a_failing_command_is_believed_only_with_a_known_word() {
        assert_eq!(parse_status(&out(3, b"idle\n", b"")).unwrap().state, State::Idle);
        for (status, stdout) in [(1, &b"no such database\n"[..]), (1, b""), (0, b"\n \n")] {
            let missed = parse_status(&out(status, stdout, b"boom\x07\n")).unwrap_err();
            assert_eq!(missed.kind, Miss::BadAnswer);
            assert!(missed.fix.is_some() && !missed.why.contains('\x07'), "{missed}");
        }
    }

    #[test]
    fn a_progress_out_of_range_or_out_of_its_mind_is_none() {
        for (stdout, want) in [
            (&b"62\n"[..], Some(62.0)),
            (b" 62.5 %\nmore", Some(62.5)),
            (b"0", Some(0.0)),
            (b"100%", Some(100.0)),
            (b"101", None),
            (b"-1", None),
            (b"NaN", None),
            (b"inf", None),
            (b"1e1", None),
            (b"", None),
            (b"\xff%", None),
            (b"62 of 100", None),
        ] {
            assert_eq!(parse_progress(stdout), want, "{stdout:?}");
        }
    }
}
