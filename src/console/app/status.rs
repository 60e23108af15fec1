//! The line under the header: what a person must know besides the fleet. The most urgent first.

use jiff::Timestamp;

use crate::console::{view, when};
use crate::domain::Span;
use crate::domain::Text;
use crate::domain::action::Verb;
use crate::domain::effect::{Recording, Role};

use super::{Access, App, Due, Screen};

/// How long a notice stays on the line; the page of notices keeps it longer.
const NOTICE_STAYS: Span = Span::from_mins(10);
/// How long it stands before what is only suspected: it may be the answer to what was just asked for.
const NOTICE_IS_NEWS: Span = Span::from_mins(1);

/// One thing to say.
#[derive(Clone, PartialEq, Debug)]
pub enum Status {
    /// In answer to the last key.
    Said(Text),
    /// The past is shown, or gone to: how, from the fullest words to the fewest.
    Past(Vec<String>),
    /// So many servers are marked.
    Marked(usize),
    /// Events are shown but not recorded.
    NotRecording(Text),
    /// An action of ours runs.
    Acting(String),
    /// An incident, from the fullest words to the fewest, and how urgent what is owed of it is.
    Incident(Vec<String>, Due),
    /// Servers fail together: what they may share, from the fullest words to the fewest.
    Cause(Vec<String>),
    /// A certificate ends soon.
    Certificates(String),
    /// Another console probes.
    Following(Text),
    /// mailtop had to say something, this long ago.
    Notice(Text, String),
    /// Nothing may be changed from here.
    ReadOnly,
    /// Nothing is watched.
    Nothing,
}

impl App {
    /// What the line says at `now`, the most urgent first.
    pub fn status(&self, now: Timestamp) -> Vec<Status> {
        let mut all = Vec::new();
        all.extend(self.said.clone().map(Status::Said));
        all.extend(self.past_words().map(Status::Past));
        let marked = self.fleet.marked().count();
        if marked > 0 && matches!(self.screen, Screen::Fleet) {
            all.push(Status::Marked(marked));
        }
        if let Recording::No { why } = &self.recording {
            all.push(Status::NotRecording(why.clone()));
        }
        let clock = if self.is_past() { self.clock() } else { now };
        for s in &self.mine {
            let doing = match s.verb {
                Verb::Pause => "pausing",
                Verb::Resume => "resuming",
                Verb::Extend => "extending the pause of",
                Verb::Flush => "flushing by",
            };
            let age = when::age(s.at, clock);
            all.push(Status::Acting(format!("{doing} {} on {}, {age}", s.job, s.server)));
        }
        let (urgent, later): (Vec<_>, Vec<_>) = self
            .incident_line(now)
            .into_iter()
            .map(|(forms, due)| Status::Incident(forms, due))
            .partition(|s| !matches!(s, Status::Incident(_, Due::Later)));
        all.extend(urgent);
        let notice = self.notices().pop();
        let notice = notice.filter(|(at, _)| Span::between(*at, now) < NOTICE_STAYS);
        let (news, older): (Vec<_>, Vec<_>) = notice
            .into_iter()
            .partition(|(at, _)| Span::between(*at, now) < NOTICE_IS_NEWS);
        let told = |(at, text): (Timestamp, Text)| Status::Notice(text, when::age(at, now));
        all.extend(news.into_iter().map(told));
        all.extend(later);
        all.extend(view::cause::forms(self, now).into_iter().map(Status::Cause));
        if let Role::Following { holder } = &self.role {
            all.push(Status::Following(holder.clone()));
        }
        all.extend(older.into_iter().map(told));
        all.extend(view::certs::notice(self, now).map(Status::Certificates));
        if self.options.access == Access::ReadOnly {
            all.push(Status::ReadOnly);
        }
        if self.model.servers().next().is_none() && !self.is_past() {
            all.push(Status::Nothing);
        }
        all
    }

    /// Everything that mailtop had to say, oldest first: from the record and from the engine.
    pub fn notices(&self) -> Vec<(Timestamp, Text)> {
        // What this console had to say since is of now.
        let ours = if self.is_past() { &[][..] } else { &self.notices[..] };
        let mut all: Vec<_> = self.model.notices().cloned().chain(ours.iter().cloned()).collect();
        all.sort_by_key(|(at, _)| *at);
        // A notice that came both ways is one notice.
        all.dedup_by(|b, a| a.1 == b.1 && Span::between(a.0, b.0) < Span::from_secs(5));
        all
    }
}
