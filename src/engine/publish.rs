//! Posting an update by the configured program: the words on its standard input, bounded in time and output, and its failure
//! told in full.

use crate::domain::argv::Argv;
use crate::domain::{Span, Text};
use crate::reach::{Output, RunLimits, feed};

/// A status page that does not answer must not hold the person who posts.
pub const GIVEN_UP_AFTER: Span = Span::from_secs(30);
/// The most that is kept of what the program says.
const MAX_OUTPUT: usize = 16 << 10;
/// The most lines of what the program said that are told.
const LINES: usize = 60;

/// Posts the words. They go out as they were given: only what is put on record is made safe to show.
///
/// # Errors
/// Why they were not taken: what was run and how it ended, then what it said, line by line.
pub async fn post(hook: &Argv, words: &str, give_up_after: Span) -> Result<(), Vec<Text>> {
    let limits = RunLimits {
        timeout: give_up_after,
        max_output: MAX_OUTPUT,
    };
    match feed(hook, words.as_bytes(), limits).await {
        Ok(out) if out.ok() => Ok(()),
        Ok(out) => Err(failed(hook, &out)),
        Err(missed) => Err(vec![missed.to_string().into()]),
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

    async fn told(script: &str) -> Result<(), Vec<String>> {
        let hook = Argv::new("sh", ["-c", script]);
        let done = post(&hook, "We are looking.\n", GIVEN_UP_AFTER).await;
        done.map_err(|all| all.iter().map(ToString::to_string).collect())
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
