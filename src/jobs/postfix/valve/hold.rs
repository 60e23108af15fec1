//! Hold: closed when nothing that is queued is outside hold, and what comes in goes there. cleanup(8) puts it there, as the
//! main.cf says that it read when it started; it lives for a minute or two, so a change of main.cf is soon at work
//! without a reload.

use super::{Answer, Job, Judged, Stand, clock, hidden, messages, unread};

pub(super) fn judge(job: &Job<'_>, answer: &Answer) -> Judged {
    if let Some(why) = &answer.listed.trouble {
        return Judged::new(Stand::Unclear, format!("the queue cannot be listed: {why}"));
    }
    let listed = &answer.listed;
    let count = |queues: &[&str]| listed.messages.iter().filter(|m| queues.contains(&&*m.queue)).count();
    let outside = count(&["incoming", "active", "deferred"]);
    let held = count(&["hold"]);
    let least = if listed.all { "" } else { "at least " };
    let held_words = format!("{least}{} on hold", messages(held));
    let in_file = answer.missing(&job.ours()).is_empty();
    let Some(changed) = answer.changed else {
        return Judged::new(Stand::Unclear, hidden(answer)).and(held_words);
    };
    let stale = answer
        .children
        .iter()
        .filter(|c| c.program == "cleanup" && c.started <= changed)
        .count();

    if !in_file {
        let open = if held > 0 {
            // What came after the change was held by something else: a check of the operator's own, a milter.
            let left = listed.messages.iter().any(|m| m.queue == "hold" && m.arrival < changed);
            let stand = if left { Stand::Partly } else { Stand::Open };
            Judged::new(stand, "new mail is not held").and(held_words)
        } else {
            Judged::new(Stand::Open, "new mail is not held, and nothing is on hold")
        };
        if stale > 0 {
            return open.beware(format!(
                "main.cf was changed at {}, and {stale} cleanup processes still work by what they read before: a reload ends them",
                clock(changed)
            ));
        }
        return open;
    }
    if outside > 0 {
        let which: Vec<String> = ["incoming", "active", "deferred"]
            .iter()
            .map(|q| (count(&[q]), q))
            .filter(|(n, _)| *n > 0)
            .map(|(n, q)| format!("{n} {q}"))
            .collect();
        return Judged::new(
            Stand::Partly,
            format!("new mail is held, but {least}{} not: {}", are(outside), which.join(", ")),
        )
        .and(held_words)
        .beware("mail is outside hold: somebody released it (postsuper -H or -r), or it came in by a way that checks no headers");
    }
    if stale > 0 {
        let words = format!(
            "{stale} cleanup processes were there before main.cf was changed at {}: what they do with new mail is not shown",
            clock(changed)
        );
        return Judged::new(Stand::Unclear, words).and(held_words).changing();
    }
    let since = listed
        .messages
        .iter()
        .filter(|m| m.queue == "hold" && m.arrival >= changed)
        .count();
    let new = if since > 0 {
        format!("{least}{} of it came since {}", messages(since), clock(changed))
    } else {
        format!(
            "none came since {}; every cleanup that starts reads that new mail is to be held",
            clock(changed)
        )
    };
    let mut closed = Judged::new(
        Stand::Closed,
        format!("nothing that is queued is outside hold, {held_words}"),
    )
    .and(new);
    // Some that are gone from here are how it is seen that somebody let them go, though they were delivered before this look.
    closed.held = listed.all.then_some(held as u64);
    let closed = match unread(answer) {
        Some(words) => closed.beware(format!("{words}; it still holds new mail")),
        None => closed,
    };
    closed.beware("postsuper -H or -r by anybody lets it go at once")
}

fn are(n: usize) -> String {
    format!("{} {}", messages(n), if n == 1 { "is" } else { "are" })
}
