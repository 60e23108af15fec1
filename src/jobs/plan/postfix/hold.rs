//! Hold: what is queued and what comes in is put on hold. Held mail does not expire, but what is past its lifetime when it is
//! released bounces at its next try (postsuper(1), `-H`): then it is requeued, which gives it a new queue file.

use super::super::super::postfix::Stand;
use super::super::super::postfix::census::{self, Census};
use super::super::Means;
use super::{Beside, Read, counted, plain};
use crate::domain::Text;
use crate::domain::action::{Choices, Offer, Release};
use crate::domain::reading::Missed;
use crate::reach::Runner;

impl Read<'_> {
    pub(super) async fn hold(&self, runner: &Runner) -> Result<(Means, Beside), Missed> {
        let (census, rules, unknown) = self.count(runner).await?;
        let mut beware: Vec<Text> = unknown.into_iter().collect();
        let mut beside = Beside::default();
        let mut touches = vec![];
        let lifetime = rules.as_ref().map(census::lifetime).unwrap_or_default();
        let mut release = self.wanted.choices.release;
        if self.closes() {
            beside.messages = Some(census.loose());
            touches.push(
                format!(
                    "{} put on hold: {}",
                    counted(&census, census.loose()),
                    by_queue(&census)
                )
                .into(),
            );
            if census.held > 0 && self.judged.stand != Stand::Closed {
                beware.push(
                    format!(
                        "{} on hold before: what ends this pause releases {} too",
                        counted(&census, census.held),
                        if census.held == 1 { "it" } else { "them" }
                    )
                    .into(),
                );
            }
            let outlived = self
                .wanted
                .lasts
                .zip(rules.as_ref())
                .is_some_and(|(l, r)| l >= r.bounce_lifetime);
            if census.past_at_end > 0 || outlived {
                let which = if census.past_at_end > 0 {
                    format!(
                        "{} of {} would be past",
                        census.past_at_end,
                        counted(&census, census.all())
                    )
                } else {
                    "what comes in meanwhile may be past".to_owned()
                };
                beware.push(
                    format!(
                        "{which} its lifetime of {lifetime} when it ends: released as it is that bounces at the next try, so what ends it requeues all that is on hold"
                    )
                    .into(),
                );
                release = Release::Requeued;
            }
            beware.extend(self.answer.unchecked.iter().map(|way| {
                Text::from(format!(
                    "mail that comes in by {way} is not held: no header checks there"
                ))
            }));
            beware.push("bounces and notices that Postfix makes itself are not held".into());
        } else {
            beside.messages = Some(census.held);
            touches.push(format!("{} released from hold", counted(&census, census.held)).into());
            if census.held_past > 0 {
                let words = format!(
                    "{} of {} held messages are past their lifetime of {lifetime}: released as they are they bounce at once",
                    plain(census.held_past),
                    plain(census.held)
                );
                if release == Release::AsItIs {
                    beware.push(words.into());
                    let choices = Choices {
                        release: Release::Requeued,
                        ..self.wanted.choices
                    };
                    let words = format!("requeue: {} would bounce at once", plain(census.held_past)).into();
                    beside.offers.push(Offer { choices, words });
                }
            }
            touches.push(if release == Release::Requeued {
                "requeued: each gets a new queue file and a new lifetime, and is taken up within a minute".into()
            } else {
                "released: each is tried at the next queue run (queue_run_delay, 5 minutes by default)".into()
            });
        }
        if release == Release::Requeued {
            beware
                .push("requeued mail gets new queue IDs, and passes content_filter and address rewriting again".into());
        }
        let hold = self.job.tool("postsuper", ["-h", "ALL"]);
        let release = match release {
            Release::AsItIs => self.job.tool("postsuper", ["-H", "ALL"]),
            Release::Requeued => self.job.tool("postsuper", ["-r", "ALL", "hold"]),
        };
        Ok((self.means(Some(hold), Some(release), touches, beware), beside))
    }
}

fn by_queue(census: &Census) -> String {
    [
        (census.incoming, "incoming"),
        (census.active, "active"),
        (census.deferred, "deferred"),
    ]
    .map(|(n, queue)| format!("{} {queue}", plain(n)))
    .join(", ")
}
