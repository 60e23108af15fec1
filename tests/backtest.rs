//! Keeps the forecast honest: simulated drains, forecast on their way and held against what then happened, beside the rule
//! that one would use by hand. The drains here are not the ones that the forecast's factors were measured on.
//!
//! The table:       cargo test --test backtest -- --nocapture
//! On tuning seeds: cargo test --test backtest tuning -- --ignored --nocapture
//!
//! What it printed when this was written. Errors are over the looks at which the forecast gives a time:
//!
//! ```text
//! drained  looks  in p10-p90  below  above  p90/p10   error of p50    naive, 2 samples    naive, 5 min   wrong  no time
//!     10%    900       78.6%  10.7%  10.7%     3.44  117.1 min  36%      210.8 min  54%  131.6 min  37%   6.2%    18.0%
//!     25%    900       79.1%   7.2%  13.8%     2.98   60.6 min  27%      151.2 min  51%   66.0 min  31%   2.1%    13.0%
//!     50%    900       80.8%   6.6%  12.6%     2.75   34.8 min  23%       74.4 min  47%   39.4 min  26%   1.0%     8.6%
//!     75%    899       77.3%  10.8%  12.0%     2.55   14.4 min  22%       35.7 min  45%   17.5 min  25%   0.9%     5.9%
//!   >=25%   2699       79.0%   8.2%  12.8%     2.77   30.6 min  24%       73.9 min  47%   35.4 min  27%   1.3%     9.2%
//! ```
//!
//! What is left is mostly what nobody can know: a forecast that was told all arrivals to come and the mean throughput so
//! far, but not when maintenance starts and service stalls, was 18 to 20% off on the same kind of drains.

#[path = "lab/dice.rs"]
mod dice;
#[path = "lab/drains.rs"]
mod drains;
#[path = "lab/score.rs"]
mod score;

use std::ops::Range;

use drains::{Arrivals, Drain, Outage, Seen};
use mailtop::domain::forecast::{self, forecast};
use score::{Look, line};

/// Seeds never looked at while the forecast was made.
const HELD_OUT: Range<u64> = 2_000_000..2_000_900;
/// The first of the seeds that its factors were measured on.
const TUNING: Range<u64> = 0..800;

fn run(seeds: Range<u64>) -> (Vec<Look>, String) {
    let (mut looks, mut kinds) = (Vec::new(), Vec::new());
    for seed in seeds {
        let d = drains::drain(seed);
        let of = score::looks(seed, &d);
        kinds.extend(
            of.iter()
                .map(|_| (d.outage, d.arrivals, d.load > 0.5, d.outage_hours > 8.0)),
        );
        looks.extend(of);
    }
    let mut table = score::table(&looks);
    let mut part = |name: &str, pick: &dyn Fn(usize) -> bool| {
        let of: Vec<&Look> = looks
            .iter()
            .enumerate()
            .filter(|(i, l)| l.percent >= 25 && pick(*i))
            .map(|(_, l)| l)
            .collect();
        score::row(&mut table, name, &of);
    };
    part(">=25%", &|_| true);
    part("depth", &|i| looks[i].seen == Seen::Depth);
    part("counts", &|i| looks[i].seen == Seen::Counts);
    part("poisson", &|i| kinds[i].1 == Arrivals::Poisson);
    part("bursty", &|i| kinds[i].1 == Arrivals::Bursty);
    part("queued", &|i| kinds[i].0 == Outage::Queued);
    part("retries", &|i| kinds[i].0 == Outage::SendersHeld);
    part("busy", &|i| kinds[i].2);
    part("idle", &|i| !kinds[i].2);
    part(">8h", &|i| kinds[i].3);
    part("<8h", &|i| !kinds[i].3);
    (looks, table)
}

#[test]
fn the_forecast_holds_its_floors_on_drains_it_has_never_seen() {
    let (looks, table) = run(HELD_OUT);
    println!("{table}");
    for percent in [25, 50, 75] {
        let l = line(&looks.iter().filter(|l| l.percent == percent).collect::<Vec<_>>());
        assert!(
            (70.0..=90.0).contains(&l.coverage),
            "at {percent}% p10 to p90 held {:.1}%\n{table}",
            l.coverage
        );
        assert!(
            l.below < 20.0 && l.above < 20.0,
            "at {percent}% the interval is lopsided\n{table}"
        );
    }
    let l = line(&looks.iter().filter(|l| l.percent >= 25).collect::<Vec<_>>());
    assert!(
        (70.0..=90.0).contains(&l.coverage),
        "p10 to p90 held {:.1}%\n{table}",
        l.coverage
    );
    assert!(
        l.error_min < l.naive5_min,
        "the slope of five minutes does better\n{table}"
    );
    let halved = l.error_min <= 0.5 * l.naive_min;
    assert!(
        halved,
        "p50 is {:.1} min off, by hand {:.1} min\n{table}",
        l.error_min, l.naive_min
    );
    assert!(l.wrong <= 3.0, "{:.1}% of verdicts are wrong\n{table}", l.wrong);
}

#[test]
fn a_queue_that_only_grows_never_shows_a_clear_time() {
    let (mut looks, mut growing) = (0, 0);
    for seed in HELD_OUT.start..HELD_OUT.start + 120 {
        let d: Drain = drains::growing(seed);
        for n in (3..d.samples.len()).step_by(7) {
            let verdict = forecast(score::history(&d, n), d.samples[n].at).drain;
            assert!(
                !matches!(verdict, forecast::Drain::Clears { .. }),
                "seed {seed} sample {n}: {verdict:?}"
            );
            looks += 1;
            growing += usize::from(matches!(verdict, forecast::Drain::Growing { .. }));
        }
    }
    println!(
        "growing queues: {looks} looks, {:.1}% of them say growing",
        100.0 * f64::from(growing as u32) / f64::from(looks)
    );
    assert!(growing as f64 > 0.8 * f64::from(looks), "{growing} of {looks}");
}

#[test]
#[ignore = "the table of the tuning seeds, for whoever works on the forecast"]
fn tuning_seeds() {
    println!("{}", run(TUNING).1);
}
