//! Intake: nobody listens any more at the doors to the network.

use super::super::super::postfix::{self, many};
use super::super::Means;
use super::{Beside, Read};
use crate::domain::Text;
use crate::domain::reading::{Miss, Missed};

impl Read<'_> {
    pub(super) fn intake(&self) -> Result<(Means, Beside), Missed> {
        let doors = postfix::doors(self.job, &self.answer).map_err(|why| {
            let known: Vec<&str> = self.answer.doors.iter().map(|d| d.service.as_str()).collect();
            Missed::new(Miss::NotFound, "", why).fix(format!("its services of type inet are: {}", known.join(", ")))
        })?;
        let sessions: u64 = doors.iter().map(|d| d.sessions(&self.answer)).sum();
        let names = doors.iter().map(|d| d.service.as_str()).collect::<Vec<_>>().join(", ");
        let services = many(doors.len() as u64, "service", "services");
        let open = many(sessions, "open session", "open sessions");
        let touches = vec![format!("{services}: {names} · {open}").into()];
        let mut beware: Vec<Text> = vec![];
        if self.closes() {
            if sessions > 0 {
                beware.push(format!("{open} cut off in the middle of what they do").into());
            }
            let local: Vec<String> = doors.iter().filter(|d| d.is_local()).map(|d| d.named()).collect();
            if !local.is_empty() {
                beware.push(
                    format!(
                        "{} is for this host only: a content filter may hand mail back there",
                        local.join(", ")
                    )
                    .into(),
                );
            }
            if self
                .answer
                .setting("master_service_disable")
                .is_some_and(|m| m.contains('!'))
            {
                beware.push(
                    "master_service_disable excepts some (!): those stay open, the first that matches counts".into(),
                );
            }
            beware.push("clients are refused, and try again for as long as they care to".into());
            beware.push("mail that is handed in on the server itself (sendmail) is still taken".into());
        }
        let beside = Beside::default();
        Ok((self.means(None, None, touches, beware), beside))
    }
}
