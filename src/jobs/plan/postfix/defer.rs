//! Defer: mail for some transports or destinations waits in the deferred queue. It goes on ageing there.

use super::super::super::postfix::{census, many};
use super::super::Means;
use super::{Beside, Read, counted};
use crate::domain::Text;
use crate::domain::reading::{Miss, Missed};
use crate::reach::Runner;

impl Read<'_> {
    pub(super) async fn defer(
        &self,
        transports: &[String],
        destinations: &[String],
        runner: &Runner,
    ) -> Result<(Means, Beside), Missed> {
        if let Some(unknown) = transports.iter().find(|t| !self.answer.transports.contains(*t))
            && self.closes()
        {
            let known = self.answer.transports.join(", ");
            return Err(Missed::new(
                Miss::NotFound,
                format!("to {} {}", self.wanted.verb, self.job.spec.name),
                format!("master.cf has no transport {unknown}"),
            )
            .fix(format!("its services of type unix are: {known}")));
        }
        let (census, rules, unknown) = self.count(runner).await?;
        let mut beware: Vec<Text> = unknown.into_iter().collect();
        let mut touches = vec![];
        let messages = match (self.closes(), transports.is_empty()) {
            (_, true) => census.to_destinations,
            (true, false) => census.loose(),
            (false, false) => census.kept,
        };
        let of: Vec<String> = [
            (transports.len(), "transport", "transports"),
            (destinations.len(), "destination", "destinations"),
        ]
        .into_iter()
        .filter(|(n, ..)| *n > 0)
        .map(|(n, one, more)| many(n as u64, one, more))
        .collect();
        touches.push(format!("{}, {}", counted(&census, messages), of.join(", ")).into());
        if self.closes() {
            if !transports.is_empty() {
                touches.push(
                    "which way a message goes is not in a listing: that is all that is queued and not on hold".into(),
                );
            }
            if census.loose_past_at_end > 0 {
                let lifetime = rules.as_ref().map(census::lifetime).unwrap_or_default();
                beware.push(
                    format!(
                        "mail goes on ageing: {} would be past its lifetime of {lifetime} before it ends, and what is of these is returned then",
                        counted(&census, census.loose_past_at_end)
                    )
                    .into(),
                );
            }
            if !transports.is_empty() {
                beware.push(
                    "a flush by anybody (postqueue -f or -i, sendmail -q, ETRN) delivers mail of deferred transports all the same".into(),
                );
            }
            if !destinations.is_empty() {
                beware.push(
                    "sub-domains are other destinations: `.example.com` means all that are below example.com".into(),
                );
                if self.answer.setting("transport_maps").is_some_and(|m| !m.is_empty()) {
                    beware.push(
                        "what transport_maps has for a single address goes before its domain, and is delivered".into(),
                    );
                }
            }
            beware.push("deliveries that are at work end first".into());
        } else {
            touches.push("what was kept is tried when its turn comes (maximal_backoff_time, 67 minutes by default); a flush tries it at once".into());
        }
        let beside = Beside {
            messages: Some(messages),
            is_partial: census.partial.is_some(),
            offers: vec![],
        };
        Ok((self.means(None, None, touches, beware), beside))
    }
}
