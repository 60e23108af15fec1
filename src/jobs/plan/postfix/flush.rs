//! A flush: everything that waits is tried now. It is refused while a valve keeps mail back, for mail of deferred transports is
//! delivered by a flush all the same (postconf(5), `defer_transports`).

use super::super::super::postfix::census::{self, Asked};
use super::super::super::postfix::{self, Job, Master};
use super::super::Means;
use super::{Beside, counted};
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Text, Timestamp};
use crate::reach::Runner;

/// Tries everything that waits, unless a valve keeps some of it back.
pub(super) async fn means(job: &Job<'_>, runner: &Runner) -> Result<(Means, Beside), Missed> {
    let answer = job.ask_for_queue(runner).await?;
    let refused = |why: String| {
        Missed::new(Miss::Denied, "", why)
            .fix("resume what keeps it back first, then flush: or leave it to its own retries")
    };
    if answer.master == Master::None {
        return Err(Missed::new(
            Miss::BadAnswer,
            "",
            "Postfix does not run there: nothing would be tried",
        )
        .fix("start it"));
    }
    if let Some(why) = postfix::keeps_back(&answer) {
        return Err(refused(format!(
            "a flush tries mail of deferred transports all the same, and {why}"
        )));
    }
    let asked = Asked {
        now: answer.now.unwrap_or(Timestamp::UNIX_EPOCH),
        end: None,
        rules: None,
    };
    let census = census::count(job, runner, asked).await?;
    if answer.has_read() != Some(true) && census.kept > 0 {
        return Err(refused(format!(
            "{} kept back as of a deferred transport, and the running Postfix may not have read that this is over: reload it first",
            counted(&census, census.kept)
        )));
    }
    let mut beware: Vec<Text> = vec!["every destination is tried at once, those that do not answer too".into()];
    if census.held > 0 {
        beware.push(format!("{} on hold: a flush leaves that there", counted(&census, census.held)).into());
    }
    if census.deferred == 0 {
        beware.push("nothing is deferred: there may be nothing to try".into());
    }
    let argv = job.with_rights(&job.tool("postqueue", ["-f"]));
    let means = Means {
        acts: vec![(argv, None)],
        back: vec![],
        by_hand: vec![],
        touches: vec![format!("{} deferred, tried now", counted(&census, census.deferred)).into()],
        beware,
        is_paused: false,
    };
    let beside = Beside {
        messages: Some(census.deferred),
        is_partial: census.partial.is_some(),
        offers: vec![],
    };
    Ok((means, beside))
}
