//! What stands on servers by their own word: leases and who armed them, no end armed, drift, a pause that ended by itself,
//! an outcome unknown, rules that are missing; and the dialog with all that it may ask for.

use super::*;
use crate::domain::action::{
    Choices, Confirmation, Drift, Ending, Lack, Lost, Offer, Otherwise, PauseEnded, Plan, Release, Rights, Unarmed,
};
use crate::domain::effect::Check;
use crate::domain::job::{Armed, Keeper};
use crate::domain::reading::Miss;

fn paused(armed: Vec<Armed>, beware: &[&str]) -> Fact {
    let mut state = JobState::of(State::Paused, "active (running), freezer frozen");
    state.armed = armed;
    state.beware = beware.iter().map(|b| (*b).into()).collect();
    Fact::JobSeen(state)
}
fn by(who: Option<&str>, why: Option<&str>, secs: Option<i64>, keeper: Keeper) -> Armed {
    Armed {
        keeper,
        fires_in: secs.map(Span::from_secs),
        by: who.map(Into::into),
        why: why.map(Into::into),
        ..fixture::armed(0)
    }
}
/// Servers whose jobs each stand in another way; nothing but readings is known of most.
fn standing(size: (u16, u16)) -> App {
    let names = ["drifted", "ended", "leased", "lost", "open", "watcher"];
    let servers = names.iter().map(|n| fixture::watched(n, "imap", &["purge"])).collect();
    let mut m = fixture::watching(servers);
    for n in names {
        m.apply(&fixture::event(
            -3,
            fixture::door(n),
            fixture::probe(n, [1, 1, 9, 1, 6, 3, 2], None),
        ));
    }
    let mut see = |n: &str, s: i64, what: Fact| m.apply(&fixture::event(s, fixture::job(n, "purge"), what));
    let kim = by(Some("kim@bastion"), Some("drain first"), Some(1_325), Keeper::Timer);
    see("leased", -5, paused(vec![kim.clone()], &["a queue run would undo it"]));
    see(
        "watcher",
        -5,
        paused(vec![by(Some("kim@bastion"), None, Some(65), Keeper::Watcher)], &[]),
    );
    see("open", -5, paused(vec![], &[]));
    let running = fixture::state(State::Running, Some(62.0), None, "active (running)");
    for n in ["drifted", "ended", "lost"] {
        let plan = fixture::plan(n, "purge", Verb::Pause, Some(Span::from_mins(30)));
        let ago = if n == "ended" { 1_830 } else { 60 };
        let mut record = fixture::acted(-ago, 3, plan, "drain first", Truth::Confirmed { at: at(-40) });
        if n == "lost" {
            record.remove(1);
        }
        for e in record {
            see(n, e.at.as_second() - now().as_second(), e.what);
        }
    }
    let id = |n: &str| fixture::plan(n, "purge", Verb::Pause, None).id;
    see("drifted", -5, running.clone());
    see(
        "drifted",
        -48,
        Fact::Drifted(Drift {
            id: id("drifted"),
            expected: State::Paused,
            how: Otherwise::State,
            found: JobState::of(State::Running, "active (running)"),
        }),
    );
    see("ended", -5, running.clone());
    see(
        "ended",
        -12,
        Fact::PauseEnded(PauseEnded {
            id: id("ended"),
            how: Ending::Expired,
            found: JobState::of(State::Running, "active (running)"),
        }),
    );
    see("lost", -5, paused(vec![kim], &[]));
    see(
        "lost",
        -50,
        Fact::ActionLost(Lost {
            id: id("lost"),
            why: "lin@bastion:4711 is gone".into(),
        }),
    );
    see(
        "open",
        -5,
        Fact::RightsSeen(Rights {
            lacks: vec![Lack {
                verb: Verb::Pause,
                rule: "/usr/bin/systemctl freeze mail-purge.service".into(),
            }],
        }),
    );
    app(m, size)
}
fn jobs_of(n: &str, size: (u16, u16)) -> App {
    let mut app = standing(size);
    press(&mut app, &format!("/{n} Enter Enter 3"));
    app
}

#[test]
fn the_fleet_says_what_each_server_says_of_its_pauses() {
    at_each_size("standing", standing);
    let mut plain = standing((80, 24));
    plain.options.theme = Theme::PLAIN;
    assert_snapshot!("fleet_no_color_80x24", super::marked(&plain));
    let mut ascii = standing((80, 24));
    ascii.options.glyphs = Glyphs::Ascii;
    assert_snapshot!("fleet_ascii_80x24", drawn(&ascii));
}

#[test]
fn the_jobs_say_who_armed_what_and_what_became_of_it() {
    for (server, words) in [
        ("leased", "‖ 22m left, armed by kim@bastion: drain first"),
        ("leased", "▲ a queue run would undo it"),
        (
            "watcher",
            "1m left, armed by kim@bastion (a watcher: a restart of the host ends it)",
        ),
        ("open", "▲ no end armed: somebody has to resume it"),
        (
            "open",
            "▲ pause lacks a sudo rule: /usr/bin/systemctl freeze mail-purge.service",
        ),
        ("open", "`mailtop config sudoers open`"),
        ("drifted", "▲ drift: found running 12s after it was paused"),
        ("drifted", "mailtop does not pause it again"),
        ("ended", "pause ended by itself 12s ago (found running)"),
        (
            "lost",
            "? outcome unknown: lin@bastion:4711 is gone, read back: confirmed 40s ago",
        ),
    ] {
        let screen = drawn(&jobs_of(server, (120, 24)));
        let screen = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(screen.contains(words), "{server}: {words}\n{screen}");
    }
    for server in ["drifted", "open", "lost"] {
        for size in [(80, 24), (60, 15)] {
            assert_snapshot!(
                format!("jobs_{server}_{}x{}", size.0, size.1),
                drawn(&jobs_of(server, size))
            );
        }
    }
}

#[test]
fn each_way_to_be_otherwise_is_said_in_its_own_words() {
    for (how, state, words) in [
        (
            Otherwise::NoEnd,
            State::Paused,
            "still paused, but its end is no longer armed there",
        ),
        (
            Otherwise::NotEnded,
            State::Paused,
            "its time was over, and it was found paused still",
        ),
        (Otherwise::LetGo, State::Paused, "mail that was held is gone from hold"),
    ] {
        let mut a = jobs_of("drifted", (120, 24));
        let id = fixture::plan("drifted", "purge", Verb::Pause, None).id;
        let drift = Drift {
            id,
            expected: State::Paused,
            how,
            found: JobState::of(state, "as read"),
        };
        let drifted = fixture::event(0, fixture::job("drifted", "purge"), Fact::Drifted(drift));
        a.update(Msg::Events(vec![drifted]), now());
        let screen = drawn(&a).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(screen.contains(words), "{words}\n{screen}");
    }
}

#[test]
fn a_lease_runs_down_by_the_moment_it_was_read_and_a_leftover_one_is_no_pause() {
    let mut a = jobs_of("watcher", (120, 24));
    let later = |a: &App, s| text(&view::frame(a, at(s)));
    assert!(later(&a, 10).contains("50s left"), "{}", later(&a, 10));
    let mut soon = JobState::of(State::Paused, "frozen");
    soon.armed = vec![by(Some("kim"), None, Some(2), Keeper::Timer)];
    let seen = fixture::event(0, fixture::job("watcher", "purge"), Fact::JobSeen(soon));
    a.update(Msg::Events(vec![seen]), now());
    assert!(later(&a, 4).contains("‖ ends now, armed by kim"), "{}", later(&a, 4));
    let left = by(Some("kim"), None, Some(300), Keeper::Timer);
    let mut state = JobState::of(State::Running, "active (running)");
    state.armed = vec![left];
    let seen = fixture::event(0, fixture::job("watcher", "purge"), Fact::JobSeen(state));
    a.update(Msg::Events(vec![seen]), now());
    let screen = drawn(&a);
    assert!(
        screen.contains("a resume is still armed, in 5m, armed by kim") && !screen.contains(" left"),
        "{screen}"
    );
}

fn dialog(size: (u16, u16), key: &str, change: impl Fn(&mut Plan)) -> App {
    let mut app = app(fixture::weekend(), size);
    press(&mut app, &format!("j{key}"));
    let verb = match key {
        "r" => Verb::Resume,
        "+" => Verb::Extend,
        _ => Verb::Pause,
    };
    let mut plan = fixture::plan("mbox3", "db-compact", verb, verb.lasts().then(|| Span::from_mins(30)));
    change(&mut plan);
    app.update(Msg::Answer(Answer::Planned(Box::new(plan))), now());
    app
}
fn ctrl(app: &mut App, c: char) {
    app.update(Msg::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL)), now());
}
fn large(size: (u16, u16)) -> App {
    let mut app = dialog(size, "p", |p| {
        p.confirmation = Confirmation::Name;
        p.messages = Some(12_431);
    });
    press(&mut app, "drain Tab mbo Enter");
    app
}
fn tried(size: (u16, u16)) -> App {
    let mut app = dialog(size, "p", |_| {});
    ctrl(&mut app, 'd');
    let check = |what: &str, would: Result<&str, &str>| Check {
        what: what.into(),
        would: would.map(Into::into).map_err(Into::into),
    };
    let checks = vec![
        check(
            "ssh mbox3 sudo -n -l systemctl freeze mail-db-compact.service",
            Ok("allowed"),
        ),
        check("ssh mbox3 sudo -n -l systemd-run", Err("a password is required")),
    ];
    let id = fixture::plan("mbox3", "db-compact", Verb::Pause, None).id;
    app.update(Msg::Answer(Answer::Checked { id, checks }), now());
    app
}
fn not_armed(size: (u16, u16)) -> App {
    let mut app = app(fixture::weekend(), size);
    press(&mut app, "jp");
    let why = Missed::new(
        Miss::NotArmed,
        "ssh mbox3 systemd-run --version",
        "no systemd there, and no at",
    )
    .fix("install at, or choose to pause with no armed end");
    let not = Answer::NotPlanned {
        server: "mbox3".into(),
        job: "db-compact".into(),
        verb: Verb::Pause,
        why,
    };
    app.update(Msg::Answer(not), now());
    app
}

#[test]
fn the_dialog_with_all_that_it_may_ask_for() {
    at_each_size("dialog_name", large);
    at_each_size("dialog_tried", tried);
    at_each_size("dialog_not_armed", not_armed);
    let mut unarmed = not_armed((80, 24));
    ctrl(&mut unarmed, 'o');
    let mut plan = fixture::plan("mbox3", "db-compact", Verb::Pause, Some(Span::from_mins(30)));
    (plan.choices.unarmed, plan.armed_on_server) = (Unarmed::Allowed, false);
    plan.unarmed = Some("no systemd there, and no at".into());
    plan.runs.remove(0);
    plan.undo = "ssh mbox3 systemctl thaw mail-db-compact.service · by hand".into();
    unarmed.update(Msg::Answer(Answer::Planned(Box::new(plan))), now());
    assert_snapshot!("unarmed_80x24", drawn(&unarmed));
    let offer = |p: &mut Plan| {
        p.offers = vec![Offer {
            choices: Choices {
                release: Release::Requeued,
                ..Choices::default()
            },
            words: "requeue: 412 would bounce at once".into(),
        }];
    };
    for size in [(80, 24), (60, 15)] {
        let name = format!("ways_{}x{}", size.0, size.1);
        assert_snapshot!(name, drawn(&dialog(size, "r", offer)));
    }
    assert_snapshot!("extend_80x24", drawn(&dialog((80, 24), "+", |_| {})));
}
