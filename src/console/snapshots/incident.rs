//! The desk of incidents: the list, one of them in its panes, what is said of one before it goes on record, and the line on
//! every other screen.

use super::*;
use crate::console::fixture::incidents::{desk, proposed, several, store};
use crate::domain::Text;
use crate::domain::argv::Argv;
use crate::domain::incident::Terms;
use crate::domain::incident::number::Pattern;

fn with(model: Model, size: (u16, u16), keys: &str) -> App {
    let mut app = app(model, size);
    app.options.by = "lin@bastion".into();
    app.options.terms = terms();
    press(&mut app, keys);
    app
}
fn terms() -> Terms {
    Terms {
        publish: Some(Argv::new("/usr/local/bin/post-status", ["--page", "mail"])),
        number: Pattern::parse("INC######").ok(),
        ..Terms::default()
    }
}

#[test]
fn one_incident() {
    at_each_size("incident", |size| with(desk(), size, "i"));
    for size in [(80, 24), (60, 15)] {
        for (pane, key) in [("clocks", "2"), ("draft", "3")] {
            let app = with(desk(), size, &format!("i {key}"));
            assert_snapshot!(format!("incident_{pane}_{}x{}", size.0, size.1), drawn(&app));
        }
    }
    let mut ascii = with(desk(), (120, 40), "i");
    ascii.options.glyphs = Glyphs::Ascii;
    assert_snapshot!("incident_ascii_120x40", drawn(&ascii));
    let mut plain = with(desk(), (80, 24), "i");
    plain.options.theme = Theme::PLAIN;
    let frame = view::frame(&plain, now());
    assert_snapshot!(
        "incident_no_color_80x24",
        format!("{}\n{:?}", text(&frame), frame.content[80 * 2 + 1].style())
    );
}

#[test]
fn the_clocks_of_one_whose_end_is_proposed() {
    assert_snapshot!(
        "incident_proposed_120x40",
        drawn(&with(proposed(), (120, 40), "i 2 PageDown"))
    );
}

#[test]
fn the_page_for_who_takes_over() {
    at_each_size("handover", |size| with(desk(), size, "H"));
}

#[test]
fn the_incidents() {
    at_each_size("incidents", |size| with(several(), size, "i"));
    assert_snapshot!("incidents_none_80x24", drawn(&with(fixture::weekend(), (80, 24), "i")));
}

#[test]
fn the_line_of_an_incident_on_other_screens() {
    at_each_size("incident_owed", |size| with(desk(), size, ""));
    assert_snapshot!("incident_owed_server_80x24", drawn(&with(desk(), (80, 24), "Enter")));
}

#[test]
fn words_that_try_to_break_the_screen() {
    at_each_size("incident_hostile", |size| with(several(), size, "i Down Enter"));
}

#[test]
fn what_is_said_of_one() {
    for (name, keys) in [
        ("note", "i n the Space vendor Space called"),
        ("which", "n"),
        ("ticket", "i Enter t T-90 Tab mail Space room"),
        ("take", "i Enter a"),
        ("state", "i Enter s"),
        ("open", "i O store Space down"),
    ] {
        let model = if name == "note" { desk() } else { several() };
        assert_snapshot!(format!("incident_{name}_80x24"), drawn(&with(model, (80, 24), keys)));
    }
    assert_snapshot!("incident_start_80x24", drawn(&with(desk(), (80, 24), "i o 10:58")));
    assert_snapshot!("incident_resolve_80x24", drawn(&with(desk(), (80, 24), "i R")));
    assert_snapshot!(
        "incident_resolve_proposed_80x24",
        drawn(&with(proposed(), (80, 24), "i R"))
    );
    assert_snapshot!(
        "incident_read_80x24",
        drawn(&with(desk(), (80, 24), "i Down Down Enter"))
    );
}

#[test]
fn the_update_on_its_way() {
    at_each_size("incident_post", |size| with(desk(), size, "i P"));
    at_each_size("incident_edit", |size| with(desk(), size, "i e Down"));
    let mut app = with(desk(), (80, 24), "i P Enter");
    assert_snapshot!("incident_publishing_80x24", drawn(&app));
    let why: Vec<Text> = vec![
        "/usr/local/bin/post-status --page mail failed: exit 7:".into(),
        "POST https://status.example.net/api: 503 Service Unavailable".into(),
        "Retry-After: 120".into(),
    ];
    let incident = store();
    app.update(
        Msg::Answer(Answer::NotPublished {
            incident,
            went: crate::domain::effect::Went::NotPosted,
            why,
        }),
        now(),
    );
    assert_snapshot!("incident_not_posted_80x24", drawn(&app));
}
