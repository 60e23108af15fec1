//! Reading back what became of a valve, or of a flush. A valve is open or closed by what the running Postfix does; of a flush
//! only what it leaves behind can be seen.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::super::Motion;
use super::{Answer, Job, Judged, Stand};
use crate::domain::Text;
use crate::domain::action::{Truth, Verb};
use crate::domain::job::{JobSpec, JobState};
use crate::domain::reading::Missed;
use crate::reach::Runner;

/// Between two looks while it settles.
const LOOKS: Duration = Duration::from_millis(200);

/// How what was found compares with what was asked.
enum Match {
    Yes,
    No(JobState),
    Unclear(Text),
}

/// Looks until it is as asked, for `settle` at most. `deferred` is how many were deferred before a flush, where that is known.
pub(in super::super) async fn read_back(
    spec: &JobSpec,
    runner: &Runner,
    verb: Verb,
    deferred: Option<u64>,
    settle: Duration,
    clock: impl Fn() -> Timestamp,
) -> Truth {
    let until = Instant::now() + settle;
    loop {
        let matched = match once(spec, runner, verb, deferred).await {
            Ok(matched) => matched,
            Err(missed) => Match::Unclear(missed.to_string().into()),
        };
        let over = Instant::now() + LOOKS >= until;
        match matched {
            Match::Yes => return Truth::Confirmed { at: clock() },
            Match::No(found) if over => return Truth::Contradicted { found },
            Match::Unclear(why) if over => return Truth::Unverifiable { why },
            _ => tokio::time::sleep(LOOKS).await,
        }
    }
}

async fn once(spec: &JobSpec, runner: &Runner, verb: Verb, deferred: Option<u64>) -> Result<Match, Missed> {
    let job = Job::of(spec)?;
    if verb == Verb::Flush {
        // Only a look at the queue tells, which a valve of the network has no need of.
        let answer = job.ask_for_queue(runner).await?;
        return Ok(flushed(&answer, deferred));
    }
    let judged = job.judge(&job.ask(runner).await?);
    Ok(compare(verb, &judged))
}

fn compare(verb: Verb, judged: &Judged) -> Match {
    let wanted = match verb {
        Verb::Pause | Verb::Extend => Stand::Closed,
        Verb::Resume | Verb::Flush => Stand::Open,
    };
    match judged.stand {
        Stand::Unclear => Match::Unclear(judged.detail.join(" · ").into()),
        stand if stand == wanted && judged.motion == Motion::Settled => Match::Yes,
        stand if stand == wanted => Match::Unclear(format!("still on its way: {}", judged.detail.join(" · ")).into()),
        _ => Match::No(judged.state()),
    }
}

/// A queue run moves what is deferred to the active queue. What fails again at once is soon back.
fn flushed(answer: &Answer, before: Option<u64>) -> Match {
    if let Some(why) = &answer.listed.trouble {
        return Match::Unclear(format!("the queue cannot be listed: {why}").into());
    }
    let count = |queue: &str| answer.listed.messages.iter().filter(|m| m.queue == queue).count() as u64;
    let (active, deferred) = (count("active"), count("deferred"));
    match before {
        Some(0) => Match::Unclear("nothing was deferred, so nothing shows whether the queue was run".into()),
        // That some are active shows nothing: new mail is, too.
        Some(before) if answer.listed.all && deferred < before => Match::Yes,
        _ => Match::Unclear(
            format!(
                "{active} are active, which new mail is too, and {}{deferred} are deferred: they may have been tried and failed \
                 again at once, their reasons tell",
                if answer.listed.all { "" } else { "at least " }
            )
            .into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::answer::{Listed, Message};
    use super::*;

    fn answer(queues: &[&str], all: bool) -> Answer {
        Answer {
            listed: Listed {
                messages: queues
                    .iter()
                    .map(|q| Message {
                        queue: (*q).to_owned(),
                        arrival: Timestamp::UNIX_EPOCH,
                        recipients: vec![],
                    })
                    .collect(),
                all,
                trouble: None,
            },
            ..Answer::default()
        }
    }

    #[test]
    fn a_flush_is_confirmed_only_where_something_moved() {
        let yes = |queues: &[&str], all, before| matches!(flushed(&answer(queues, all), before), Match::Yes);
        assert!(yes(&["active", "deferred"], true, Some(2)));
        assert!(yes(&["deferred"], true, Some(2)));
        assert!(yes(&[], true, Some(1)));
        assert!(!yes(&["deferred", "deferred"], true, Some(2)));
        assert!(!yes(&[], true, Some(0)) && !yes(&["active"], true, Some(0)));
        assert!(!yes(&["deferred"], false, Some(2)), "there are more than were listed");
        assert!(!yes(&[], true, None));
        assert!(
            !yes(&["active"], true, None) && !yes(&["active", "deferred", "deferred"], true, Some(2)),
            "new mail is active, too"
        );
    }
}
