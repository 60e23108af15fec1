//! The update as it could be told now: filled from the record by a template each time it is looked at, until a person edits
//! it. From then on it is that person's, and the screen says since when.

use jiff::Timestamp;

use crate::console::app::{App, Overlay};
use crate::console::keymap::Command;
use crate::console::view;
use crate::console::when;
use crate::console::widget::editor::{Editor, Move};
use crate::console::widget::width;
use crate::domain::Text;
use crate::domain::effect::{CopyTo, Effect};
use crate::domain::incident::draft::{For, Stage, Wrong};
use crate::domain::incident::{Incident, IncidentId, lines};

/// What a person chose for the draft of an incident.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Drafting {
    /// Whom it is for.
    pub whom: For,
    /// What it says; how far the incident is when `None`.
    pub stage: Option<Stage>,
    /// The words as edited, and when.
    pub edited: Option<(Timestamp, String)>,
    /// Edited words that were put aside for those from the record.
    aside: Option<(Timestamp, String)>,
}

/// A draft.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    /// The words.
    pub words: String,
    /// Whom it is for.
    pub whom: For,
    /// What it says.
    pub stage: Stage,
    /// When a person edited it.
    pub edited: Option<Timestamp>,
    /// Why the user's own template is not used.
    pub wrong: Option<Wrong>,
}

/// A draft being edited on screen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DraftEditor {
    /// Of which incident.
    pub incident: IncidentId,
    /// The words.
    pub editor: Editor,
    /// As they were before.
    before: String,
}

impl App {
    /// The draft of an incident.
    pub fn draft(&self, incident: &Incident, now: Timestamp) -> Draft {
        let mut chosen = self.drafts.get(&incident.id).cloned().unwrap_or_default();
        if self.is_past() {
            // What was written since is of now.
            chosen.edited = None;
        }
        let stage = chosen.stage.unwrap_or(Stage::State(incident.state));
        let templates = &self.options.terms.templates;
        let (edited, words) = if let Some((at, words)) = chosen.edited {
            (Some(at), words)
        } else {
            let evidence = self.model.evidence(incident, self.options.terms.cadence, now);
            let zone = &self.options.zone;
            let template = templates.get(chosen.whom, stage);
            (None, template.fill(&evidence, &|at| when::told(at, now, zone)))
        };
        Draft {
            words,
            whom: chosen.whom,
            stage,
            edited,
            wrong: templates.wrong_with(chosen.whom, stage).cloned(),
        }
    }

    fn drafting(&mut self, id: &IncidentId) -> &mut Drafting {
        self.drafts.entry(id.clone()).or_default()
    }

    /// Whether it is edited, which a choice of another template would throw away.
    fn holds_edited(&mut self, id: &IncidentId) -> bool {
        let edited = self.drafting(id).edited.is_some();
        if edited {
            self.say("the draft is edited: u takes it from the record again first");
        }
        edited
    }

    pub(super) fn other_stage(&mut self, id: &IncidentId, by: isize) {
        let Some(state) = self.model.incident(id).map(|i| i.state) else {
            return;
        };
        if !self.holds_edited(id) {
            let drafting = self.drafting(id);
            let stage = drafting.stage.unwrap_or(Stage::State(state)).step(by);
            drafting.stage = Some(stage).filter(|s| *s != Stage::State(state));
        }
    }

    pub(super) fn other_readers(&mut self, id: &IncidentId) {
        if !self.holds_edited(id) {
            let drafting = self.drafting(id);
            drafting.whom = drafting.whom.other();
        }
    }

    pub(super) fn unedit(&mut self, id: &IncidentId) {
        let drafting = self.drafting(id);
        let word = if let Some(edited) = drafting.edited.take() {
            drafting.aside = Some(edited);
            "the draft is from the record again; u brings the edited words back"
        } else if let Some(aside) = drafting.aside.take() {
            drafting.edited = Some(aside);
            "the edited words are back"
        } else {
            "the draft is from the record: nobody edited it"
        };
        self.say(word);
    }

    pub(super) fn copy(&mut self, id: &IncidentId, to: CopyTo, now: Timestamp) -> Vec<Effect> {
        let Some(incident) = self.model.incident(id) else {
            return Vec::new();
        };
        let words = self.draft(incident, now).words;
        let plain = |c: &char| c.is_ascii_alphanumeric() || *c == '-';
        let name: String = id.0.chars().filter(plain).collect();
        let file = format!("update-{name}.txt");
        vec![Effect::Copy { words, file, to }]
    }

    /// What became of it. What the line of the screen cuts is among the notices in full.
    pub(in crate::console::app) fn copied(&mut self, what: Text, now: Timestamp) {
        if width(&what) + 2 > usize::from(self.size.0) {
            self.notice(now, what.clone());
        }
        self.say(what);
    }

    pub(super) fn edit(&mut self, id: &IncidentId, now: Timestamp) {
        let Some(incident) = self.model.incident(id) else {
            return;
        };
        let words = self.draft(incident, now).words;
        self.overlay = Some(Overlay::Words(Box::new(DraftEditor {
            incident: id.clone(),
            editor: Editor::new(&words),
            before: words,
        })));
    }

    pub(super) fn edit_elsewhere(&mut self, id: &IncidentId, now: Timestamp) -> Vec<Effect> {
        let Some(incident) = self.model.incident(id) else {
            return Vec::new();
        };
        let words = self.draft(incident, now).words;
        self.edits = Some((id.clone(), words.clone()));
        vec![Effect::Edit(words)]
    }

    /// What the user's own editor left behind.
    pub(in crate::console::app) fn edited_elsewhere(&mut self, words: Result<String, Text>, now: Timestamp) {
        let Some((id, before)) = self.edits.take() else { return };
        match words {
            Ok(words) if words.trim().is_empty() => self.say("nothing was left of it: the draft is as it was"),
            Ok(words) if words == before => self.say("the draft is as it was"),
            Ok(words) => {
                self.drafting(&id).edited = Some((now, words));
                self.say("the draft is as you edited it; P posts it, y copies it");
            }
            Err(why) => self.say(why),
        }
    }

    /// What a command does in the editor.
    pub(in crate::console::app) fn in_words(&mut self, command: Command, now: Timestamp) -> Vec<Effect> {
        let (columns, rows) = view::incident::editor::room(self);
        let Some(Overlay::Words(words)) = &mut self.overlay else {
            return Vec::new();
        };
        let page = rows.saturating_sub(1).max(1) as isize;
        let editor = &mut words.editor;
        match command {
            Command::Open => {
                editor.insert("\n");
            }
            Command::Up => editor.go(Move::Rows(-1), columns),
            Command::Down => editor.go(Move::Rows(1), columns),
            Command::Left => editor.go(Move::Left, columns),
            Command::Right => editor.go(Move::Right, columns),
            Command::PageUp => editor.go(Move::Rows(-page), columns),
            Command::PageDown => editor.go(Move::Rows(page), columns),
            Command::Home => editor.go(Move::First, columns),
            Command::End => editor.go(Move::Last, columns),
            Command::Unedit => {
                let id = self.keep_words(now);
                if let Some(id) = id.filter(|id| self.drafting(id).edited.is_some()) {
                    self.unedit(&id);
                }
            }
            Command::Back => {
                self.keep_words(now);
            }
            _ => {}
        }
        Vec::new()
    }

    /// Closes the editor and keeps its words, if they are others than before; of which incident.
    fn keep_words(&mut self, now: Timestamp) -> Option<IncidentId> {
        let Some(Overlay::Words(words)) = self.overlay.take() else {
            return None;
        };
        let text = words.editor.words();
        if words.editor.is_blank() {
            self.say("nothing was left of it: the draft is as it was");
        } else if text.trim_end() != words.before.trim_end() {
            self.drafting(&words.incident).edited = Some((now, text));
            self.say("the draft is as you edited it; P posts it, y copies it");
        }
        Some(words.incident)
    }

    /// Whether leaving now loses words that a person edited; says so.
    pub(in crate::console::app) fn loses_a_draft(&mut self) -> bool {
        let edited = self.drafts.iter().find(|(_, d)| d.edited.is_some());
        let Some(id) = edited.map(|(id, _)| id.clone()) else {
            return false;
        };
        let called = self
            .model
            .incident(&id)
            .map_or_else(|| id.to_string(), |i| i.called().to_owned());
        self.say(format!(
            "unposted draft of {called}: once more leaves and loses it; Y saves it"
        ));
        true
    }

    /// An edited draft whose words are on record now is done with.
    pub(super) fn draft_posted(&mut self, id: &IncidentId, posted: &[Text]) {
        if let Some(drafting) = self.drafts.get_mut(id)
            && drafting
                .edited
                .as_ref()
                .is_some_and(|(_, words)| lines(words) == posted)
        {
            drafting.edited = None;
        }
    }
}
