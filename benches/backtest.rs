//! How good the forecast is: prints the tables of benches/forecast.md. `cargo bench --bench backtest`
//!
//! On the seeds that its factors were measured on, for whoever works on it: `cargo bench --bench backtest -- tuning`

#[path = "../tests/lab/dice.rs"]
mod dice;
#[path = "../tests/lab/drains/mod.rs"]
#[allow(dead_code)]
mod drains;
#[path = "../tests/lab/score.rs"]
#[allow(dead_code)]
mod score;
#[path = "../tests/lab/table.rs"]
mod table;

use std::ops::Range;

use drains::Counting;

/// The seeds on which its factors were measured.
const TUNING: Range<u64> = 0..3_000;

fn main() {
    let seeds = if std::env::args().any(|a| a == "tuning") {
        TUNING
    } else {
        score::HELD_OUT
    };
    let (real, exact) = (
        score::all_looks(seeds.clone(), Counting::Real),
        score::all_looks(seeds, Counting::Exact),
    );
    print!("{}", table::tables(&real, &exact));
}
