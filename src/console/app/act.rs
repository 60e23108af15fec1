//! What `p`, `r`, `+` and a flush fall on: one job of the server that is meant, or of every server that is marked. They
//! say why it cannot be, ask which job, or open the dialog.

use jiff::Timestamp;

use crate::domain::Name;
use crate::domain::action::Verb;
use crate::domain::effect::Effect;
use crate::domain::job::State;
use crate::model::{Job, Server};

use super::{Access, App, Overlay, Pane, Pick, Screen};

impl App {
    /// On the marked servers where the fleet is shown and any are marked, else on the one that is meant.
    pub(super) fn act(&mut self, verb: Verb, now: Timestamp) -> Vec<Effect> {
        if self.options.access == Access::ReadOnly {
            self.say(format!(
                "this console is read-only, so nothing can be {} from it: start it without --read-only",
                verb.past()
            ));
            return Vec::new();
        }
        let marked: Vec<Name> = match self.screen {
            Screen::Fleet => self.fleet.marked().cloned().collect(),
            _ => Vec::new(),
        };
        match &marked[..] {
            [] => {}
            [one] => return self.act_on(one.clone(), verb, now),
            _ => return self.act_on_several(verb, &marked, now),
        }
        let name = match &self.screen {
            Screen::Incidents(_) => None,
            Screen::Incident(_) => match self.of_incident() {
                Ok(name) => Some(name),
                Err(why) => {
                    self.say(why);
                    return Vec::new();
                }
            },
            _ => self.current(now),
        };
        let Some(name) = name else {
            self.say("no server is selected");
            return Vec::new();
        };
        self.act_on(name, verb, now)
    }

    /// The server of the incident that is shown: of several, none is meant by a key alone.
    fn of_incident(&self) -> Result<Name, String> {
        let incident = self.incident_meant();
        let servers: Vec<&Name> = incident
            .iter()
            .flat_map(|i| &i.servers)
            .filter(|s| self.model.server(s).is_some())
            .collect();
        match servers.as_slice() {
            [one] => Ok((*one).clone()),
            [] => Err("no server of this incident is watched here".to_owned()),
            _ => {
                let names: Vec<&str> = servers.iter().take(6).map(|s| s.as_str()).collect();
                Err(format!("which of {}? choose it on the fleet (Esc)", names.join(", ")))
            }
        }
    }

    fn act_on(&mut self, name: Name, verb: Verb, now: Timestamp) -> Vec<Effect> {
        let Some(server) = self.model.server(&name) else {
            return Vec::new();
        };
        if server.read_only() {
            self.say(format!(
                "{name} is read-only in the config (read_only = true), so nothing can be {} on it",
                verb.past()
            ));
            return Vec::new();
        }
        let all: Vec<(&Job, Result<(), String>)> = server
            .jobs
            .values()
            .map(|j| (j, eligible(server, j, verb, now)))
            .collect();
        let jobs: Vec<Name> = all
            .iter()
            .filter(|(_, fits)| fits.is_ok())
            .map(|(j, _)| j.name.clone())
            .collect();
        let under = match &self.screen {
            Screen::Server(view) if view.pane == Pane::Jobs => view.job(server),
            _ => None,
        };
        let under = under.and_then(|name| all.iter().find(|(j, _)| j.name == *name));
        let (chosen, refused) = match under {
            // A flush means the queue, whichever job the cursor is on.
            Some((_, Err(_))) if verb == Verb::Flush => (None, None),
            Some((j, Ok(()))) => (Some(j.name.clone()), None),
            Some((_, Err(why))) => (None, Some(why.clone())),
            None => (None, None),
        };
        let why_none = refused.or_else(|| {
            jobs.is_empty().then(|| match &all[..] {
                [(_, Err(why))] => why.clone(),
                [] | [_] => format!("{name} has no maintenance job to {verb}: add a [[server.job]] to the config"),
                _ => none_fits(&name, verb),
            })
        });
        // From here on the hands have chosen this server.
        self.fleet.select(Some(name.clone()));
        if let Some(why) = why_none {
            self.say(why);
            return Vec::new();
        }
        match (chosen, &jobs[..]) {
            (Some(job), _) => self.open_action(name, job, verb),
            (None, [job]) => self.open_action(name, job.clone(), verb),
            (None, _) => {
                self.overlay = Some(Overlay::Pick(Pick {
                    server: name,
                    verb,
                    jobs,
                    at: 0,
                }));
                Vec::new()
            }
        }
    }
}

/// Whether a verb means anything for a job as it is known now. What is not known is left to the plan, which reads it.
pub(super) fn eligible(server: &Server, job: &Job, verb: Verb, now: Timestamp) -> Result<(), String> {
    match verb {
        Verb::Pause | Verb::Resume => Ok(()),
        Verb::Extend => {
            let reading = job.state.reading(now, server.good_for());
            match reading.fresh().map(|s| s.state) {
                Some(State::Paused | State::Unknown) | None => Ok(()),
                Some(other) => Err(format!(
                    "{} on {} is {other}, not paused: there is no pause to extend; p pauses it",
                    job.name, server.name
                )),
            }
        }
        Verb::Flush => match &job.watched {
            Some(w) if &*w.kind == "postfix" => Ok(()),
            Some(w) => Err(format!(
                "{} on {} is a {} job: only a job of kind postfix can be flushed",
                job.name, server.name, w.kind
            )),
            None => Err(format!("what {} on {} is, is not known", job.name, server.name)),
        },
    }
}

fn none_fits(server: &Name, verb: Verb) -> String {
    match verb {
        Verb::Flush => format!("{server} has no job of kind postfix, so nothing here can be flushed"),
        _ => format!("no job on {server} is paused: there is no pause to extend"),
    }
}
