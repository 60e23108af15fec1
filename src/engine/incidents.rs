//! What a person at the console says of incidents: put on record in that person's name; an update that a program is to post,
//! only once the program took it.

use jiff::Timestamp;
use tokio::sync::mpsc;

use crate::domain::Text;
use crate::domain::argv::Argv;
use crate::domain::effect::{Answer, Went};
use crate::domain::event::{Fact, Subject};
use crate::domain::incident::fact::Out;
use crate::domain::incident::{IncidentId, Said};
use crate::journal::Handle;

use super::look::Witness;
use super::publish;

/// What it takes to put something on record.
#[derive(Clone)]
pub(super) struct Clerk {
    pub(super) witness: Witness,
    pub(super) journal: Handle,
    /// In whose name.
    pub(super) by: Text,
}

impl Clerk {
    /// Puts it on record; a new incident where none is named.
    pub(super) fn record(&self, incident: Option<IncidentId>, said: Said) {
        let incident = match (incident, &said) {
            (Some(id), _) => id,
            (None, Said::Opened { started, .. }) => IncidentId::new(*started, fastrand::u16(..)),
            // Of no incident nothing can be said.
            (None, _) => return,
        };
        let what = Fact::Incident(Box::new(said.entry(&self.by)));
        let event = self.witness.saw(Subject::Incident { incident }, what);
        self.journal.append(vec![event]);
    }

    /// Puts an update on record that the public has been told already; ends when that is on disk.
    async fn posted(&self, incident: IncidentId, said: Said) -> Result<(), Text> {
        let what = Fact::Incident(Box::new(said.entry(&self.by)));
        let event = self.witness.saw(Subject::Incident { incident }, what);
        self.journal.append_durable(vec![event]).await
    }

    /// Posts an update by the program that the config names now, if it is the one that was shown.
    pub(super) async fn publish(self, hook: Option<Argv>, asked: Asked, answers: mpsc::Sender<Answer>) {
        let Asked {
            incident,
            shown,
            words,
            next_at,
        } = asked;
        let done = match hook.filter(|h| Text::from(h.quoted()) == shown) {
            Some(hook) => publish::post(&hook, &words, publish::GIVEN_UP_AFTER).await,
            None => Err(publish::Failed {
                went: Went::NotPosted,
                why: vec![format!("{shown} is no longer what the config says: look at it again").into()],
            }),
        };
        let answer = match done {
            Ok(()) => {
                let out = Out::Hook { command: shown };
                match self
                    .posted(incident.clone(), Said::Posted { words, next_at, out })
                    .await
                {
                    Ok(()) => Answer::Published { incident },
                    Err(why) => Answer::NotPublished {
                        incident,
                        went: Went::Posted,
                        why: vec![why],
                    },
                }
            }
            Err(publish::Failed { went, why }) => Answer::NotPublished { incident, went, why },
        };
        let _ = answers.send(answer).await;
    }
}

/// An update that is to be posted.
pub(super) struct Asked {
    pub(super) incident: IncidentId,
    /// The program as it was shown.
    pub(super) shown: Text,
    pub(super) words: String,
    pub(super) next_at: Option<Timestamp>,
}
