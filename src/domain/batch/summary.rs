//! A batch in one sentence.

use super::{Batch, End, Row, RowState};
use crate::domain::Text;

const CONFIRMED: &str = "confirmed";
/// The worst stands behind what went well, and what never began last.
const ORDER: [&str; 10] = [
    CONFIRMED,
    "contradicted",
    "failed",
    "outcome unknown",
    "refused",
    "cannot be verified",
    "under way",
    "waiting",
    "not run",
    "left out",
];

impl Batch {
    /// What became of it in numbers and names: `2 confirmed, 1 failed: mx3 exit status 1, 1 not run: mx4`.
    pub fn summary(&self) -> String {
        let all = |words: fn(&Row) -> Option<(&'static str, String)>| self.rows.iter().filter_map(words);
        let mut said: Vec<(&'static str, Vec<String>)> = Vec::new();
        for (word, who) in all(outcome) {
            match said.iter_mut().find(|(w, _)| *w == word) {
                Some((_, names)) => names.push(who),
                None => said.push((word, vec![who])),
            }
        }
        let order = |word: &str| ORDER.iter().position(|w| *w == word);
        said.sort_by_key(|(word, _)| order(word));
        let part = |(word, who): (&str, Vec<String>)| match word {
            CONFIRMED => format!("{} {word}", who.len()),
            _ => format!("{} {word}: {}", who.len(), who.join(", ")),
        };
        said.into_iter().map(part).collect::<Vec<_>>().join(", ")
    }
}

fn outcome(row: &Row) -> Option<(&'static str, String)> {
    let server = row.server.to_string();
    let with = |why: &Text| format!("{} {why}", row.server);
    Some(match &row.state {
        RowState::Ended(_, End::Confirmed) => (CONFIRMED, server),
        RowState::Ended(_, End::Contradicted { found }) => ("contradicted", format!("{server} found {found}")),
        RowState::Ended(_, End::Failed { why, .. }) => ("failed", with(why)),
        RowState::Ended(_, End::Lost { .. }) => ("outcome unknown", server),
        RowState::Refused(_, why) => ("refused", with(why)),
        RowState::Ended(_, End::Unverifiable { .. }) => ("cannot be verified", server),
        RowState::Running(..) => ("under way", server),
        RowState::Waiting(_) => ("waiting", server),
        RowState::NotRun(..) => ("not run", server),
        RowState::LeftOut(_) | RowState::Cannot(_) => ("left out", server),
        RowState::Planning | RowState::Ready(_) => return None,
    })
}
