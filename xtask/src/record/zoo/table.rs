//! The tables of models/zoo/README.md and docs/accuracy.md.

use super::super::document::thousands;
use super::cards::PROCESSORS;
use super::{Data, ENTRIES, Form, Record, Run};
use std::collections::BTreeMap;
use std::fmt::Write;

/// Mean and deviation over the seeds, in per cent, and the least and the greatest.
struct Spread {
    seeds: usize,
    mean: f64,
    deviation: f64,
    least: f64,
    greatest: f64,
}

impl Spread {
    fn of(shares: &[f64]) -> Self {
        let count = shares.len().max(1) as f64;
        let mean = shares.iter().sum::<f64>() / count;
        let squares: f64 = shares.iter().map(|share| (share - mean).powi(2)).sum();
        let fold = |of: fn(f64, f64) -> f64, from| shares.iter().copied().fold(from, of);
        Self {
            seeds: shares.len(),
            mean,
            deviation: (squares / (count - 1.0).max(1.0)).sqrt(),
            least: fold(f64::min, f64::INFINITY),
            greatest: fold(f64::max, f64::NEG_INFINITY),
        }
    }
}

impl Record {
    /// The runs of a network on some data.
    pub(super) fn runs<'a>(&'a self, data: &'a str, entry: &'a str) -> impl Iterator<Item = &'a Run> {
        self.runs.iter().filter(move |run| run.data == data && run.entry == entry)
    }

    fn spread(&self, data: &str, entry: &str) -> Option<Spread> {
        let shares: Vec<f64> =
            self.runs(data, entry).map(|run| 100.0 * run.right as f64 / run.images.max(1) as f64).collect();
        (!shares.is_empty()).then(|| Spread::of(&shares))
    }
}

/// What each network is and takes, and the instructions that were foretold, in the order of [`PROCESSORS`].
pub(super) fn cards(record: &Record, foretold: &BTreeMap<&str, [u64; 2]>) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    for entry in &ENTRIES {
        let Some(run) = record.runs("digits", entry.name).next() else { continue };
        let _ = writeln!(text, "\n### {}\n\n```text\n{}\n```\n", entry.name, entry.net.replace(", ", ",\n    "));
        if let Some(Spread { seeds, mean, deviation, least, greatest }) = record.spread("digits", entry.name) {
            let _ = writeln!(
                text,
                "- {mean:.3} % of the test images right, over {seeds} seeds; deviation {deviation:.3}, from {least:.2} to \
                 {greatest:.2}; the file is of seed 1, with {:.2} %",
                100.0 * run.right as f64 / run.images.max(1) as f64
            );
        }
        if let Some(own) = record.together.iter().find(|own| own.entry == entry.name) {
            let share = 100.0 * own.score.right as f64 / own.score.images.max(1) as f64;
            let _ =
                writeln!(text, "- the {} of all seeds together, by the mean of their outputs: {share:.2} %", own.seeds);
        }
        let _ = match entry.form {
            Form::Integers => writeln!(text, "- {} bytes of flash", thousands(run.flash)),
            Form::Floats => writeln!(text, "- {} bytes of floats", thousands(run.flash)),
        };
        if let Some(card) = record.cards.iter().find(|card| card.entry == entry.name) {
            let _ = writeln!(text, "- {} multiplications with a weight", thousands(card.macs));
            let foretold = foretold.get(entry.name).copied().unwrap_or_default();
            for (processor, foretold) in PROCESSORS.into_iter().zip(foretold) {
                let Some(takes) = card.takes.get(processor) else { continue };
                let off = 100.0 * (foretold as f64 / takes[0].max(1) as f64 - 1.0);
                let [instructions, ram, stack] = takes.map(thousands);
                let _ = writeln!(
                    text,
                    "- {processor}: {instructions} instructions ({off:+.1} % foretold), {ram} bytes of RAM, {stack} of stack"
                );
            }
            let same: Vec<_> = card
                .same
                .iter()
                .map(|(board, [same, all])| format!("{} of {} images on {board}", thousands(*same), thousands(*all)))
                .collect();
            let _ = writeln!(text, "- the PC's bits in QEMU: {}", same.join(", "));
        }
        // Others may have kept the machine busy.
        let minutes = record.runs("digits", entry.name).map(|run| run.seconds / 60.0).fold(f64::INFINITY, f64::min);
        let _ = writeln!(
            text,
            "- `cargo xtask zoo {} --again`: {} epochs, {minutes:.0} minutes for the quickest seed",
            entry.name, entry.epochs
        );
    }
    text + "\n"
}

/// Accuracy against bytes, for each data set.
pub(super) fn frontier(record: &Record) -> String {
    let mut text = String::from(
        "\n| network | bytes of flash | data | test images right | deviation | seeds |\n|---|--:|---|--:|--:|--:|\n",
    );
    for data in Data::ALL.map(Data::name) {
        for entry in &ENTRIES {
            let Some(Spread { seeds, mean, deviation, .. }) = record.spread(data, entry.name) else { continue };
            let flash = record.runs(data, entry.name).next().map_or(0, |run| run.flash);
            let (name, flash) = (entry.name, thousands(flash));
            let _ = writeln!(text, "| {name} | {flash} | {data} | {mean:.3} % | {deviation:.3} | {seeds} |");
        }
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(seed: u32, right: u64) -> Run {
        Run {
            data: "digits".into(),
            entry: "2k".into(),
            seed,
            seconds: 60.0,
            weight_hash: String::new(),
            float_right: right,
            right,
            images: 10_000,
            flash: 1_924,
        }
    }

    #[test]
    fn a_row_has_mean_and_deviation_over_the_seeds() {
        let record = Record { runs: vec![run(1, 9_900), run(2, 9_910), run(3, 9_920)], ..Record::default() };
        let text = frontier(&record);
        assert!(text.contains("| 2k | 1,924 | digits | 99.100 % | 0.100 | 3 |"), "{text}");
        let text = cards(&record, &BTreeMap::new());
        assert!(
            text.contains("99.100 % of the test images right, over 3 seeds; deviation 0.100, from 99.00 to 99.20"),
            "{text}"
        );
        assert!(text.contains("60 epochs, 1 minutes for the quickest seed"), "{text}");
    }
}
