//! Posting an update by the configured program: the words on its standard input, bounded in time and output, and its failure
//! told in full.

use crate::domain::argv::Argv;
use crate::domain::effect::Went;
use crate::domain::reading::Miss;
use crate::domain::{Span, Text};
use crate::reach::{Output, RunLimits, feed};

/// A status page that does not answer must not hold the person who posts.
pub const GIVEN_UP_AFTER: Span = Span::from_secs(30);
/// The most that is kept of what the program says.
const MAX_OUTPUT: usize = 16 << 10;
/// The most lines of what the program said that are told.
const LINES: usize = 60;

/// An update that is not known to be posted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Failed {
    /// What is known of it.
    pub went: Went,
    /// What was run and how it ended, then what it said, line by line.
    pub why: Vec<Text>,
}

/// Posts the words. They go out as they were given: only what is put on record is made safe to show.
///
/// # Errors
/// Why they were not taken. A program that was ended before it was done may have posted them before that.
pub async fn post(hook: &Argv, words: &str, give_up_after: Span) -> Result<(), Failed> {
    let limits = RunLimits {
        timeout: give_up_after,
        max_output: MAX_OUTPUT,
    };
    match feed(hook, words.as_bytes(), limits).await {
        Ok(out) if out.ok() => Ok(()),
        Ok(out) => Err(Failed {
            went: out.status.map_or(Went::Unknown, |_| Went::NotPosted),
            why: failed(hook, &out),
        }),
        Err(missed) => Err(Failed {
            went: match missed.kind {
                Miss::TimedOut => Went::Unknown,
                _ => Went::NotPosted,
            },
            why: vec![missed.to_string().into()],
        }),
    }
}

fn failed(hook: &Argv, out: &Output) -> Vec<Text> {
    let status = out
        .status
        .map_or_else(|| "ended by a signal".to_owned(), |s| format!("exit {s}"));
    let bytes = if out.stderr.trim_ascii().is_empty() {
        &out.stdout
    } else {
        &out.stderr
    };
    let mut said: Vec<Text> = bytes
        .trim_ascii()
        .split(|b| *b == b'\n')
        .map(|line| Text::from_bytes(line.trim_ascii_end()))
        .filter(|line| !line.is_empty())
        .collect();
    let more = said.len().saturating_sub(LINES);
    said.truncate(LINES);
    let first = match said.as_slice() {
        [] => format!("{} failed: {status}, and said nothing", hook.quoted()),
        [one] if more == 0 => format!("{} failed: {status}: {one}", hook.quoted()),
        _ => format!("{} failed: {status}:", hook.quoted()),
    };
    let mut all = vec![Text::from(first)];
    if said.len() > 1 || more > 0 {
        all.append(&mut said);
    }
    if more > 0 {
        all.push(format!("… {more} more lines").into());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn posted(script: &str, give_up_after: Span) -> Result<(), Failed> {
        post(&Argv::new("sh", ["-c", script]), "We are looking.\n", give_up_after).await
    }
    async fn told(script: &str) -> Result<(), Vec<String>> {
        let done = posted(script, GIVEN_UP_AFTER).await;
        done.map_err(|f| f.why.iter().map(ToString::to_string).collect())
    }

    #[tokio::test]
    async fn a_program_that_was_ended_may_have_posted_and_one_that_says_it_failed_has_not() {
        let went = |done: Result<(), Failed>| done.map_err(|f| f.went);
        let soon = Span::from_millis(300);
        assert_eq!(went(posted("exit 1", GIVEN_UP_AFTER).await), Err(Went::NotPosted));
        assert_eq!(went(posted("kill -9 $$", GIVEN_UP_AFTER).await), Err(Went::Unknown));
        assert_eq!(went(posted("sleep 60", soon).await), Err(Went::Unknown));
        let none = post(&Argv::new("/no/such", [""; 0]), "x", GIVEN_UP_AFTER).await;
        assert_eq!(went(none), Err(Went::NotPosted));
    }

    #[tokio::test]
    async fn the_words_reach_the_program_and_all_that_it_says_of_a_failure_is_told() {
        assert_eq!(told("grep -q '^We are looking.$'").await, Ok(()));
        let why = told("printf 'no route\\n\\033[31mto the page\\n' >&2; exit 7")
            .await
            .unwrap_err();
        assert!(why[0].ends_with("failed: exit 7:"), "{why:?}");
        assert_eq!(why[1..], ["no route", "␛[31mto the page"]);
        let why = told("exit 1").await.unwrap_err();
        assert!(why[0].ends_with("exit 1, and said nothing"), "{why:?}");
        let why = told("kill -9 $$").await.unwrap_err();
        assert!(why[0].contains("ended by a signal"), "{why:?}");
    }
}
