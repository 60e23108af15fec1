//! What forecasts cost. `cargo bench --bench forecast`
//!
//! A thousand servers with eight hours of samples each must take under 50 ms on one core, to be done each second.
//! Seen: 41 ms (median of 20) on one of two shared virtual cores.

#[path = "../tests/lab/dice.rs"]
mod dice;
#[path = "../tests/lab/drains.rs"]
#[allow(dead_code)]
mod drains;

use divan::{Bencher, black_box};
use mailtop::domain::forecast::{Sample, forecast};

const SERVERS: usize = 1_000;
const EIGHT_HOURS: usize = 2_880;

fn main() {
    divan::main();
}

/// Each server's own copy of its past, taken at different moments of different drains.
fn fleet() -> Vec<Vec<Sample>> {
    let drains: Vec<Vec<Sample>> = (0..)
        .map(|seed| drains::drain(seed).samples)
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
    bencher.bench_local(|| {
        for samples in &fleet {
            black_box(forecast(samples, samples[samples.len() - 1].at));
        }
    });
}
