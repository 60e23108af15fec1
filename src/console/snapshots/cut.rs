//! The line to a mail host is cut for two minutes while its queue drains: what the screen shows after it.

use super::*;
use crate::domain::Span;
use crate::domain::event::{Event, Fact};
use crate::domain::flow::FlowCounts;
use crate::domain::forecast::Drain;
use crate::domain::reading::{Miss, Missed};

/// In ten seconds: thirty more go than come.
const EACH: FlowCounts = FlowCounts {
    arrived: 10,
    delivered: 40,
    recipients: 40,
    bounced: 0,
    expired: 0,
    removed: 0,
    discarded: 0,
    passed_on: 0,
    unexplained: 0,
    requeued: 0,
    held: 0,
    released: 0,
};
/// Since when it is looked at, and the looks between which none got through: seconds before now.
const FROM: i64 = -10_800;
const CUT: std::ops::Range<i64> = -600..-480;

/// What a watcher writes down at a look of `s`.
fn look(s: i64) -> Vec<Event> {
    let queue = || fixture::queue("mbox1");
    if CUT.contains(&s) {
        let missed = || Missed::new(Miss::Unreachable, "ssh mbox1", "no answer in 15s");
        return vec![
            fixture::event(s, queue(), Fact::FlowMissed(missed())),
            fixture::event(s, queue(), Fact::QueueMissed(missed())),
        ];
    }
    // The log is read on from where it ended: the first reading after the cut holds all that happened in it.
    let since = if s == CUT.end { CUT.start - 10 } else { s - 10 };
    let times = (s - since).unsigned_abs() / 10;
    let counts = FlowCounts {
        arrived: EACH.arrived * times,
        delivered: EACH.delivered * times,
        recipients: EACH.recipients * times,
        ..EACH
    };
    let mut log = fixture::flows::log(s, "mbox1", counts);
    if let Fact::FlowSeen(seen) = &mut log.what {
        seen.from = fixture::at(since);
    }
    let depth = 40_000 - (s - FROM).unsigned_abs() * 3;
    vec![
        log,
        fixture::event(s, queue(), Fact::QueueSeen(fixture::depth(0, depth, 0))),
    ]
}

#[test]
fn a_line_that_is_cut_for_two_minutes_leaves_a_gap_in_the_chart_and_no_spike_after_it() {
    let watched = fixture::watched("mbox1", "queue", &[]);
    let mut app = app(fixture::watching(vec![watched]), (80, 24));
    press(&mut app, "Enter 2");
    for s in (FROM..CUT.end).step_by(10) {
        app.update(Msg::Events(look(s)), fixture::at(s));
    }
    let during = text(&view::frame(&app, fixture::at(CUT.end - 1)));
    assert!(
        during.contains("flow not known") && !during.contains("clears "),
        "{during}"
    );
    for s in (CUT.end..=0).step_by(10) {
        app.update(Msg::Events(look(s)), fixture::at(s));
        let screen = text(&view::frame(&app, fixture::at(s)));
        assert!(screen.contains("in 60/m  delivered 240/m"), "{s}: {screen}");
        let queue = &app.model.server("mbox1").unwrap().queues["postfix"];
        let f = queue.forecast(fixture::at(s), Span::from_secs(10));
        assert!(f.net_per_min.is_none_or(|net| (net + 180.0).abs() < 5.0), "{s}: {f:?}");
        if let Drain::Clears { p10, p90, .. } = f.drain {
            let truth = Span::from_secs((40_000 - (s - FROM) * 3) / 3);
            assert!((p10..=p90).contains(&truth), "{s}: {f:?} for {truth}");
        }
    }
    let screen = drawn(&app);
    assert!(screen.contains("clears "), "{screen}");
    let bottom = screen.lines().rfind(|l| l.contains('█')).unwrap();
    let is_bar = |c: char| ('▁'..='█').contains(&c);
    let past = &bottom[bottom.find(is_bar).unwrap()..bottom.rfind(is_bar).unwrap()];
    assert_eq!(past.matches(' ').count(), 1, "one column of five minutes: {screen}");
    assert_snapshot!("after_a_cut_80x24", screen);
}
