//! An update before it goes out, while a program has it, and when that failed.

use jiff::Timestamp;
use ratatui::text::Line;

use crate::console::app::{PostBy, Posting, Reach};
use crate::console::theme::Role;
use crate::console::when;
use crate::domain::effect::Went;
use crate::domain::incident::Incident;
use crate::domain::incident::draft::For;

use super::dialog::Page;
use super::words;

pub(super) fn title(posting: &Posting, called: &str) -> String {
    match (&posting.reach, &posting.way) {
        (Reach::Shown, PostBy::ByHand) => format!("Put an update of {called} on record"),
        (Reach::Shown, PostBy::Program(_)) => format!("Post an update of {called}"),
        (Reach::Publishing(_), _) => format!("Posting an update of {called}"),
        (Reach::Failed(Went::NotPosted, _), _) => format!("The update of {called} was NOT posted"),
        (Reach::Failed(Went::Unknown, _), _) => format!("Was the update of {called} posted?"),
        (Reach::Failed(Went::Posted, _), _) => format!("The update of {called} WAS POSTED"),
    }
}

pub(super) fn lines(p: &mut Page<'_>, posting: &Posting, incident: Option<&Incident>, now: Timestamp) {
    match &posting.reach {
        Reach::Shown => shown(p, posting, incident, now),
        Reach::Publishing(since) => {
            if let PostBy::Program(program) = &posting.way {
                p.put("runs", program, 4, Role::Text);
            }
            p.put("for", &when::age(*since, now), 1, Role::Text);
            p.put(
                "",
                "it goes on record once the program took it; at most 30s",
                2,
                Role::Dim,
            );
        }
        Reach::Failed(went, why) => {
            for (i, line) in why.iter().enumerate() {
                let role = if i == 0 { Role::Down } else { Role::Text };
                p.put(if i == 0 { "why" } else { "" }, line, 20, role);
            }
            let told = match went {
                Went::NotPosted => "nothing was put on record, and the public was not told",
                Went::Unknown => {
                    "whether it was posted is not known: look at the page. It is not on record; Enter, then ←→, puts on record \
                     that it was"
                }
                Went::Posted => {
                    "the public was told, and it is NOT on record. Enter, and Enter again, puts it on record and posts nothing"
                }
            };
            p.put("", told, 3, Role::Warn);
        }
    }
}

fn shown(p: &mut Page<'_>, posting: &Posting, incident: Option<&Incident>, now: Timestamp) {
    let (how, role) = match &posting.way {
        PostBy::ByHand => ("by hand: say here that you posted it elsewhere".to_owned(), Role::Text),
        PostBy::Program(program) => (format!("runs {program}"), Role::Accent),
    };
    p.put("how", &how, 3, role);
    p.field("next in", &posting.next, true);
    let (words, role) = match posting.next_at(now) {
        Ok(_) => match posting.next_at_shown() {
            Ok(Some(at)) => (
                format!("promised for {}", when::told(at, now, &p.app.options.zone)),
                Role::Ok,
            ),
            Ok(None) => ("no next update is promised".to_owned(), Role::Text),
            Err(why) => (why, Role::Warn),
        },
        Err(why) => (why, Role::Warn),
    };
    p.put("", &words, 2, role);
    if posting.is_edited() {
        p.put(
            "beware",
            "the words are as edited: the time of the next update in them is yours",
            2,
            Role::Warn,
        );
    }
    if posting.whom == For::Technical {
        p.put("beware", "these words are for those who run it", 2, Role::Warn);
    }
    for words in &posting.beware {
        p.put("beware", words, 3, Role::Warn);
    }
    if incident.is_some_and(Incident::is_resolved) {
        p.put("", "it is over: this is the closing update", 1, Role::Dim);
    }
    p.gap();
    let style = p.app.options.theme.style(Role::Text);
    let all = words_of(posting, p.columns);
    p.out.extend(all.into_iter().map(|l| Line::styled(l, style)));
}

fn words_of(posting: &Posting, columns: usize) -> Vec<String> {
    words(&posting.words(), columns)
}
