//! What must hold of the simulated world whatever its figures.

use std::collections::HashMap;

use super::*;

fn hours(sim: &Sim, h: i64) -> Timestamp {
    Span::from_hours(h).after(sim.script.begins)
}

fn at_restoration() -> Sim {
    let mut sim = Sim::new(Script::weekend());
    sim.advance(sim.script.restored_at);
    sim
}

/// When the backlog on the way to mailboxes is first below 500.
fn cleared(sim: &mut Sim) -> Span {
    let restored = sim.script.restored_at;
    for min in 0..24 * 60 {
        sim.advance(Span::from_mins(min).after(restored));
        if sim.census().backlog() < 500 {
            return Span::from_mins(min);
        }
    }
    panic!("never cleared: {:?}", sim.census());
}

fn balances(c: &Census) {
    for (host, depth, tally) in &c.queues {
        assert_eq!(
            tally.came,
            tally.delivered + tally.bounced + tally.expired + depth.total(),
            "{host} at {}",
            c.at
        );
    }
    let relayed: u64 = Host::RELAYS.iter().map(|h| c.tally(*h).delivered).sum();
    let taken: u64 = Host::STORES.iter().map(|h| c.tally(*h).came).sum();
    assert_eq!(
        taken,
        relayed + u64::from(HELD),
        "what the relays hand on comes to the stores"
    );
    let accepted: u64 = Host::RELAYS.iter().map(|h| c.tally(*h).came).sum();
    assert_eq!(c.offered, accepted + c.senders_hold + c.senders_gave_up);
}

#[test]
fn no_letter_appears_from_nothing_or_is_lost_in_silence() {
    let mut sim = Sim::new(Script::weekend());
    for h in 0..60 {
        sim.advance(hours(&sim, h));
        balances(&sim.census());
    }
}

#[test]
fn the_outage_fills_the_queues_with_tens_of_thousands_and_the_night_after_empties_them() {
    let mut sim = Sim::new(Script::weekend());
    let before = sim.census();
    assert!(before.backlog() < 300, "{before:?}");
    sim.advance(sim.script.restored_at);
    let peak = sim.census();
    assert!((30_000..90_000).contains(&peak.backlog()), "{peak:?}");
    assert!(peak.depth(Host::Mbox1).total() > 30_000, "{peak:?}");
    assert!(peak.depth(Host::Mx1).total() > 3_000 && peak.depth(Host::Mx2).total() > 3_000);
    assert!(peak.senders_hold > 0 && peak.senders_gave_up > 0, "{peak:?}");
    assert_eq!(peak.depth(Host::Mbox1).hold, u64::from(HELD));
    let took = cleared(&mut sim);
    assert!((Span::from_hours(4)..Span::from_hours(14)).contains(&took), "{took}");
}

#[test]
fn other_hosts_stay_well_but_for_mbox3_while_its_locks_are_contended() {
    let mut sim = Sim::new(Script::weekend());
    let mut most = [0; 6];
    for m in 0..60 * 60 {
        sim.advance(Span::from_mins(m).after(sim.script.begins));
        for h in Host::ALL {
            most[h.index()] = most[h.index()].max(sim.depth(h).total());
        }
    }
    assert!(most[Host::Mbox2.index()] < 400, "{most:?}");
    assert!(most[Host::Out1.index()] < 200, "{most:?}");
    assert!((400..2_000).contains(&most[Host::Mbox3.index()]), "{most:?}");
}

#[test]
fn pausing_the_job_doubles_the_drain_at_least_and_at_once() {
    let running = at_restoration();
    let mut paused = running.clone();
    paused.pause_job().unwrap();
    let drained = |sim: &Sim, from: i64, to: i64| {
        let mut sim = sim.clone();
        sim.advance(Span::from_mins(from).after(sim.script.restored_at));
        let before = sim.depth(Host::Mbox1).total();
        sim.advance(Span::from_mins(to).after(sim.script.restored_at));
        before as i64 - sim.depth(Host::Mbox1).total() as i64
    };
    let (slow, fast) = (drained(&running, 20, 40), drained(&paused, 20, 40));
    assert!(slow > 0 && fast >= 2 * slow, "{slow} running, {fast} paused");

    let mut late = running.clone();
    let at = Span::from_mins(40).after(late.script.restored_at);
    late.advance(at);
    late.pause_job().unwrap();
    let before = late.depth(Host::Mbox1).total();
    late.advance(Span::from_mins(1).after(at));
    let in_a_minute = before as i64 - late.depth(Host::Mbox1).total() as i64;
    assert!(
        in_a_minute as f64 > 2.0 * slow as f64 / 20.0,
        "{in_a_minute} in the first minute"
    );

    let (mut running, mut paused) = (running, paused);
    let (with, without) = (cleared(&mut running), cleared(&mut paused));
    assert!(without * 2 < with, "{with} {without}");
}

#[test]
fn a_paused_job_keeps_its_progress_and_a_resumed_one_goes_on() {
    let mut sim = Sim::new(Script::weekend());
    assert_eq!((sim.job().state(), sim.pause_job()), (State::Idle, Err(NotRunning)));
    sim.advance(hours(&sim, 5));
    let progress = sim.job().progress();
    assert!((9.0..10.0).contains(&progress), "{progress}");
    sim.pause_job().unwrap();
    sim.pause_job().unwrap();
    sim.advance(hours(&sim, 10));
    assert!((sim.job().progress() - progress).abs() < 1e-9);
    assert_eq!(sim.job_status(), format!("paused for 5h00m, {progress:.1}% compacted"));
    sim.resume_job().unwrap();
    sim.resume_job().unwrap();
    sim.advance(hours(&sim, 15));
    assert!(sim.job().progress() > progress + 10.0);
    sim.advance(hours(&sim, 100));
    assert_eq!((sim.job().state(), sim.resume_job()), (State::Idle, Err(NotRunning)));
    assert!((sim.job().progress() - 100.0).abs() < 1e-9);
}

#[test]
fn the_way_to_a_moment_does_not_matter() {
    let end = 40 * 3_600;
    let mut once = Sim::new(Script::weekend());
    once.advance(Span::from_secs(end).after(once.script.begins));
    let mut often = Sim::new(Script::weekend());
    for s in (0..=end).step_by(137) {
        often.advance(Span::from_secs(s).after(often.script.begins));
    }
    often.advance(Span::from_secs(end).after(often.script.begins));
    assert_eq!(once.census(), often.census());
    for h in Host::ALL {
        let sorted = |sim: &Sim| {
            let mut all = sim.letters(h);
            all.sort();
            all
        };
        assert_eq!(sorted(&once), sorted(&often), "{h}");
    }
}

#[test]
fn one_seed_gives_one_world_and_another_seed_another() {
    let run = |seed| {
        let mut script = Script::weekend();
        script.seed = seed;
        let mut sim = Sim::new(script);
        sim.advance(hours(&sim, 6));
        sim.census()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn a_letter_stays_the_same_letter_until_it_leaves() {
    let mut sim = Sim::new(Script::weekend());
    sim.advance(hours(&sim, 6));
    let early: HashMap<u32, Letter> = sim.letters(Host::Mbox1).into_iter().map(|(_, l)| (l.id, l)).collect();
    sim.advance(hours(&sim, 7));
    let late: HashMap<u32, Letter> = sim.letters(Host::Mbox1).into_iter().map(|(_, l)| (l.id, l)).collect();
    assert!(early.len() > 3_000 && late.len() > early.len());
    for (id, was) in &early {
        let is = late
            .get(id)
            .unwrap_or_else(|| panic!("letter {id} left a failed store"));
        assert_eq!(is.arrived, was.arrived);
        assert!(is.tries >= was.tries);
    }
}

#[test]
fn a_store_is_quick_when_idle_slow_under_maintenance_and_fails_in_the_outage() {
    let took = |sim: &Sim, host| {
        (0..50)
            .map(|look| match sim.store(host, look) {
                Store::Serves { examine, fetch } => examine + fetch,
                Store::Fails => panic!("{host} failed"),
            })
            .max()
            .unwrap()
    };
    let mut sim = Sim::new(Script::weekend());
    assert!(took(&sim, Host::Mbox1) < Span::from_millis(30));
    sim.advance(sim.script.job_starts);
    assert!(took(&sim, Host::Mbox1) > Span::from_millis(500));
    sim.advance(sim.script.failed_at);
    assert_eq!(sim.store(Host::Mbox1, 0), Store::Fails);
    assert!(took(&sim, Host::Mbox2) < Span::from_millis(30));
    sim.advance(sim.script.contended_from);
    assert!(took(&sim, Host::Mbox3) > Span::from_secs(1));
    sim.advance(sim.script.restored_at);
    let running = took(&sim, Host::Mbox1);
    sim.pause_job().unwrap();
    let paused = took(&sim, Host::Mbox1);
    assert!(
        running < Span::from_secs(2) && paused * 4 < running,
        "{running} {paused}"
    );
    assert!(took(&sim, Host::Mbox3) < Span::from_millis(30));
}
