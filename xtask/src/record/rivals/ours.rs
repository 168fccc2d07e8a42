//! Our program beside itself, in many short turns: with multiply and add fused, and on two threads.
//!
//! A neighbour on the machine takes speed away for seconds at a time. Turns much shorter than that meet it alike, and
//! the fastest of many do not meet it at all.

use super::contest::{Contestant, Setting, median, take_turns};
use crate::Error;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// Seconds of a turn.
const SECONDS: f64 = 0.1;
/// Turns of each program.
const TURNS: usize = 61;
/// Between two turns: our threads go to sleep after a millisecond.
const PAUSE: Duration = Duration::from_millis(5);

/// What was measured of one network, training: images a second in each turn.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Ours {
    pub(super) network: char,
    pub(super) batch: usize,
    /// One thread.
    pub(super) exact: Vec<f64>,
    /// One thread, with multiply and add fused.
    pub(super) fused: Vec<f64>,
    /// In the exact order again.
    pub(super) two_threads: Vec<f64>,
}

impl Ours {
    /// The networks and batches.
    pub(super) fn all(networks: &str) -> impl Iterator<Item = (char, usize)> {
        networks.chars().flat_map(|network| [10, 64].map(|batch| (network, batch)))
    }

    pub(super) fn measure(root: &Path, network: char, batch: usize) -> Result<Self, Error> {
        let [exact, fused] = [Contestant::ours(root), Contestant::ours_fused(root)];
        let on = |threads| Setting { network, mode: "train".to_owned(), batch, threads };
        let [one, two] = [on(1), on(2)];
        let turns = take_turns(&[(&exact, &one), (&fused, &one), (&exact, &two)], SECONDS, TURNS, PAUSE)?;
        let mut rates = turns.iter().map(|ready| ready.rates().map(f64::round).collect());
        let mut next = || rates.next().unwrap_or_default();
        Ok(Self { network, batch, exact: next(), fused: next(), two_threads: next() })
    }
}

/// One program's rate over another's: in the fastest tenth of the turns, and the median of what the rounds give.
pub(super) fn ratios(ours: &[f64], other: &[f64]) -> [f64; 2] {
    let rounds = ours.iter().zip(other).map(|(ours, other)| ours / other);
    [fastest_tenth(ours) / fastest_tenth(other), median(rounds.collect())]
}

/// The rate that a tenth of the turns reach.
pub(super) fn fastest_tenth(rates: &[f64]) -> f64 {
    let mut rates = rates.to_vec();
    rates.sort_by(|a, b| b.total_cmp(a));
    rates.get(rates.len() / 10).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disturbance_changes_neither_ratio() {
        let exact: Vec<f64> = (0..20).map(|turn| if turn < 7 { 60.0 } else { 100.0 }).collect();
        let fused: Vec<f64> = (0..20).map(|turn| if turn < 6 { 75.0 } else { 125.0 }).collect();
        assert_eq!(ratios(&exact, &fused), [0.8, 0.8]);
    }

    #[test]
    fn without_turns_there_is_no_rate() {
        assert_eq!(fastest_tenth(&[]), 0.0);
        assert_eq!(fastest_tenth(&[3.0, 5.0, 4.0]), 5.0);
    }
}
