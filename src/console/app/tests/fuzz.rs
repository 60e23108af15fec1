//! Random keys and random answers: no fault, and nothing runs that was not planned, shown and confirmed with a reason.

use std::collections::BTreeSet;

use fastrand::Rng;

use super::*;
use crate::domain::action::{Confirmation, Offer, Release, Unarmed};
use crate::domain::batch::AT_ONCE;
use crate::domain::effect::{Back, Check};

fn keyboard() -> Vec<KeyEvent> {
    let plain = "jkhlgGprRqm?:/n1230ny x+F*Aagu   iiONtsoPeEyYwf<>[{]}GG"
        .chars()
        .map(KeyCode::Char)
        .chain([
            KeyCode::Enter,
            KeyCode::Enter,
            KeyCode::Esc,
            KeyCode::Tab,
            KeyCode::BackTab,
            KeyCode::Up,
            KeyCode::Down,
            KeyCode::Left,
            KeyCode::Right,
            KeyCode::PageUp,
            KeyCode::PageDown,
            KeyCode::Home,
            KeyCode::End,
            KeyCode::Backspace,
            KeyCode::Delete,
            KeyCode::F(1),
        ])
        .map(|c| KeyEvent::new(c, KeyModifiers::NONE));
    let ctrl = "dor"
        .chars()
        .map(|c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL));
    plain.chain(ctrl).collect()
}

/// What the engine might answer to a plan that was asked for.
fn planned(dice: &mut Rng, asked: Effect, n: usize) -> Answer {
    let Effect::Plan {
        server,
        job,
        verb,
        lasts,
        choices,
    } = asked
    else {
        panic!("{asked:?}");
    };
    if dice.u8(..) < 40 {
        let kind = *dice.choice(&[Miss::NotArmed, Miss::Denied]).unwrap();
        let why = Missed::new(kind, "ssh", "no");
        return Answer::NotPlanned { server, job, verb, why };
    }
    let mut plan = fixture::plan(&server, &job, verb, lasts);
    plan.id = ActionId(Name::new(&format!("{n}")));
    plan.choices = choices;
    if choices.unarmed == Unarmed::Allowed {
        plan.unarmed = Some("no systemd".into());
    }
    if dice.bool() {
        plan.confirmation = Confirmation::Name;
    }
    if verb == Verb::Resume && dice.bool() {
        let mut other = choices;
        other.release = match other.release {
            Release::AsItIs => Release::Requeued,
            Release::Requeued => Release::AsItIs,
        };
        plan.offers.push(Offer {
            choices: other,
            words: "another way".into(),
        });
    }
    Answer::Planned(Box::new(plan))
}

/// What might become of a run: refused, or on record as far as it came.
fn outcome(dice: &mut Rng, plan: &Plan) -> Msg {
    if dice.u8(..) < 30 {
        let id = plan.id.clone();
        return Msg::Answer(Answer::NotRun { id, why: "test".into() });
    }
    let truth = match dice.u8(0..4) {
        0 => Truth::Contradicted {
            found: crate::domain::job::JobState::of(crate::domain::job::State::Running, ""),
        },
        1 => Truth::Unverifiable { why: "test".into() },
        _ => Truth::Confirmed { at: now() },
    };
    let mut record = fixture::acted(0, 2, plan.clone(), &plan.reason, truth);
    record.truncate(dice.usize(1..=3));
    Msg::Events(record)
}

/// The name that has to be typed, if one has.
fn first(a: &App) -> String {
    let name = match &a.overlay {
        Some(Overlay::Batch(d)) => d.batch.first(),
        Some(Overlay::Action(d)) => Some(&d.server),
        _ => None,
    };
    name.map(ToString::to_string).unwrap_or_default()
}

fn model(dice: &mut Rng) -> Model {
    match dice.u8(0..8) {
        0 => return fixture::weekend(),
        1 => return fixture::incidents::desk(),
        2 => return fixture::incidents::several(),
        _ => {}
    }
    let jobs: &[&str] = if dice.bool() { &["purge"] } else { &["index", "purge"] };
    let servers = (0..6).map(|i| fixture::watched(&format!("mx{i}"), "queue", jobs));
    let mut watched: Vec<_> = servers.collect();
    watched[3].jobs[0].kind = "postfix".into();
    fixture::watching(watched)
}

/// What the record answers, or that it cannot.
fn past(dice: &mut Rng, number: u64, to: Back, model: &Model, now: Timestamp) -> Msg {
    let at = match to {
        Back::To(at) => at,
        Back::Before(at) => Span::from_secs(-90).after(at),
        Back::After(at) => Span::from_secs(90).after(at),
    };
    if dice.u8(0..9) == 0 {
        return Msg::Past(number, Err("nothing is on record before this".into()));
    }
    let first = Span::from_hours(-30).after(now);
    Msg::Past(
        number,
        Ok(Seen {
            at: at.clamp(first, now),
            model: Box::new(model.clone()),
            first,
            last: now,
            whole: dice.bool(),
            from: first,
            samples_from: None,
            missing: 0,
        }),
    )
}

#[test]
fn no_order_of_keys_makes_a_fault_or_changes_a_server_without_a_reason() {
    let all = keyboard();
    let (mut several, mut ran, mut went) = (0, 0, 0);
    for seed in 0..60 {
        let mut dice = Rng::with_seed(seed);
        let mut a = app(model(&mut dice), (80, 24));
        let mut shown: BTreeSet<ActionId> = BTreeSet::new();
        let mut waiting: Vec<Effect> = Vec::new();
        for i in 0..600 {
            let now = || at(i as i64);
            let effects = match dice.u8(0..50) {
                0 => {
                    let (w, h) = (dice.u16(0..200), dice.u16(0..60));
                    a.update(Msg::Resize(w, h), now())
                }
                1 => a.update(Msg::Paste("mx0".into()), now()),
                2 => a.update(Msg::Resize(80, 24), now()),
                3..20 if !waiting.is_empty() => match waiting.swap_remove(dice.usize(..waiting.len())) {
                    Effect::Run { plan, .. } => a.update(outcome(&mut dice, &plan), now()),
                    Effect::Check { id } => {
                        let checks = vec![Check {
                            what: "x".into(),
                            would: Err("y".into()),
                        }];
                        a.update(Msg::Answer(Answer::Checked { id, checks }), now())
                    }
                    Effect::Past(number, to) => a.update(past(&mut dice, number, to, &a.model.clone(), now()), now()),
                    asked => {
                        let answer = planned(&mut dice, asked, i + seed as usize * 10_000);
                        if let Answer::Planned(plan) = &answer {
                            shown.insert(plan.id.clone());
                        }
                        a.update(Msg::Answer(answer), now())
                    }
                },
                // What dice would hardly ever type.
                20..24 => {
                    let plain = |c| Msg::Key(KeyEvent::new(c, KeyModifiers::NONE));
                    let hand = if a.overlay.is_none() {
                        ['*', 'p', '\n']
                            .map(|c| plain(if c == '\n' { KeyCode::Enter } else { KeyCode::Char(c) }))
                            .to_vec()
                    } else {
                        let name = Msg::Paste(first(&a));
                        vec![
                            Msg::Paste("why".into()),
                            plain(KeyCode::Tab),
                            name,
                            plain(KeyCode::Enter),
                        ]
                    };
                    hand.into_iter().flat_map(|msg| a.update(msg, now())).collect()
                }
                _ => a.update(Msg::Key(*dice.choice(&all).unwrap()), now()),
            };
            let acts = |e: &Effect| matches!(e, Effect::Plan { .. } | Effect::Run { .. });
            assert!(!(a.is_past() && effects.iter().any(acts)), "in the past: {effects:?}");
            went += usize::from(a.is_past());
            for e in &effects {
                if let Effect::Run { plan, reason } = e {
                    ran += 1;
                    assert!(!reason.trim().is_empty() && plan.reason == *reason);
                    assert!(shown.remove(&plan.id), "what was not planned, or ran already: {plan:?}");
                }
            }
            if let Some(Overlay::Batch(d)) = &a.overlay {
                several += d.batch.running();
                assert!(d.batch.running() <= AT_ONCE);
            }
            let waits = |e: &Effect| {
                matches!(
                    e,
                    Effect::Plan { .. } | Effect::Run { .. } | Effect::Check { .. } | Effect::Past(..)
                )
            };
            waiting.extend(effects.into_iter().filter(waits));
            if i % 4 == 0 {
                let _ = crate::console::view::frame(&a, now());
            }
        }
    }
    assert!(
        ran > 40 && several > 40 && went > 40,
        "the dice reached what they are for: {ran} ran, {several} among several, {went} in the past"
    );
}

#[test]
fn a_server_that_is_open_survives_a_terminal_of_any_size() {
    let mut open = weekend();
    enter(&mut open);
    for w in [0, 1, 2, 3, 58, 59, 60, 61] {
        for h in [0, 1, 5, 14, 15, 40] {
            let mut a = open.clone();
            a.update(Msg::Resize(w, h), now());
            let _ = crate::console::view::frame(&a, now());
        }
    }
}
