//! What forecasts cost. `cargo bench --bench forecast`
//!
//! A thousand servers with eight hours of samples each must take under 50 ms on one core, to be done each second: where the
//! fastest of twenty rounds does not, it ends with 1. (Other work on the machine makes a round slower and never faster.)
//! Seen: 38 ms (median of 20; fastest 35) on one of two virtual cores of an AMD EPYC, with other work on both. Part of it is
//! waiting for memory: the pasts are out of the cache.

#[path = "../tests/lab/dice.rs"]
mod dice;
#[path = "../tests/lab/drains/mod.rs"]
#[allow(dead_code)]
mod drains;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use divan::{Bencher, black_box};
use mailtop::domain::forecast::{Sample, forecast};

const SERVERS: usize = 1_000;
const EIGHT_HOURS: usize = 2_880;

/// What is promised, and in how many rounds.
const MOST_TIME: Duration = Duration::from_millis(50);
const ROUNDS: usize = 20;

fn main() -> ExitCode {
    divan::main();
    let fleet = fleet();
    let round = |_| {
        let start = Instant::now();
        all(&fleet);
        start.elapsed()
    };
    let fastest = (0..ROUNDS).map(round).min().unwrap_or(Duration::MAX);
    let is_held = fastest < MOST_TIME;
    let held = if is_held { "held" } else { "NOT HELD" };
    println!("a thousand servers in {fastest:.1?}: 50 ms {held}");
    u8::from(!is_held).into()
}

fn all(fleet: &[Vec<Sample>]) {
    for samples in fleet {
        black_box(forecast(samples, samples[samples.len() - 1].at));
    }
}

/// Each server's own copy of its past, taken at different moments of different drains.
fn fleet() -> Vec<Vec<Sample>> {
    let drains: Vec<Vec<Sample>> = (0..)
        .map(|seed| drains::drain(seed, drains::Counting::Real).samples)
        .filter(|s| s.len() > EIGHT_HOURS)
        .take(40)
        .collect();
    (0..SERVERS)
        .map(|n| {
            let samples = &drains[n % drains.len()];
            let end = EIGHT_HOURS + (n * 37) % (samples.len() - EIGHT_HOURS);
            samples[end - EIGHT_HOURS..end].to_vec()
        })
        .collect()
}

#[divan::bench(sample_count = 20)]
fn a_thousand_servers(bencher: Bencher) {
    let fleet = fleet();
    bencher.bench_local(|| all(&fleet));
}
