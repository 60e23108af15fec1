//! Each role of the fleet in one group: symbol, word and colour, in the fullest form that fits.

use jiff::Timestamp;

use crate::console::app::App;
use crate::console::glyphs;
use crate::console::theme::Role as Style;
use crate::console::widget::Cells;
use crate::domain::Span;
use crate::domain::door::Role;
use crate::model::{RoleHealth, roles};

#[derive(Clone, Copy)]
enum Form {
    /// `inbound ✖ down · mailboxes ▲ 1 of 3 down · outbound ✔ ok`
    Full,
    /// `inbound ✖ · mailboxes ▲ 1 of 3 · outbound ✔`
    Middle,
    /// `in ✖ · mail ▲ 1/3 · out ✔`
    Short,
}

/// The group, where more than one role is watched; the shortest form where nothing longer fits in `columns`.
pub fn cells(app: &App, columns: usize, now: Timestamp) -> Option<Cells> {
    let all = roles(&app.model, now, Span::ZERO);
    if all.len() < 2 {
        return None;
    }
    let form = |form| {
        let dot = || Cells::new().put(" · ", app.options.theme.style(Style::Faint));
        all.iter().enumerate().fold(Cells::new(), |line, (i, r)| {
            let line = if i > 0 { line.join(dot()) } else { line };
            line.put(words(r, form), app.options.theme.verdict(r.verdict()))
        })
    };
    let fits = |c: &Cells| c.used() <= columns;
    [Form::Full, Form::Middle]
        .into_iter()
        .map(form)
        .find(fits)
        .or_else(|| Some(form(Form::Short)))
}

fn words(r: &RoleHealth, form: Form) -> String {
    let symbol = glyphs::verdict(r.verdict());
    let share = |between: &str| {
        r.share()
            .map_or(String::new(), |(n, all)| format!(" {n}{between}{all}"))
    };
    // Good only so far is said in every form.
    let how_far = r
        .as_far_as
        .filter(|_| r.verdict() == crate::domain::health::Verdict::Ok);
    let how_far = how_far.map_or(String::new(), |p| format!(" to {}", p.trim_start_matches("the ")));
    match (form, r.role) {
        (Form::Full, role) => format!("{} {symbol} {r}", role.plural()),
        (Form::Middle, role) => format!("{} {symbol}{}{how_far}", role.plural(), share(" of ")),
        (Form::Short, role) => {
            let name = match role {
                Role::Inbound => "in",
                Role::Mailbox => "mail",
                Role::Outbound => "out",
            };
            format!("{name} {symbol}{}{how_far}", share("/"))
        }
    }
}
