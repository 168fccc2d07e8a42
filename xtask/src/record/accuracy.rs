//! What integers cost in accuracy: docs/quantization.md's table, over three seeds.

use super::document::rewrite;
use crate::{Error, host};
use emulator::top;
use serde::Deserialize;
use std::fmt::Write;

const SEEDS: [&str; 3] = ["1", "2", "3"];
/// Epochs that the weights of 4 bits are trained on for.
const FINETUNE: &str = "3";

/// What `host quantize --json` prints, in part.
#[derive(Deserialize)]
struct Quantized {
    float: Scores,
    integer: Scores,
}

#[derive(Deserialize)]
struct Scores {
    validation: Score,
    test: Score,
}

#[derive(Deserialize)]
struct Score {
    right: u64,
    images: u64,
}

impl Score {
    fn percent(&self) -> f64 {
        100.0 * self.right as f64 / self.images.max(1) as f64
    }
}

/// Trains the default network with each seed, makes both integer forms of it, and writes the document.
///
/// # Errors
/// [`emulator::Error::Failed`] where a command fails; [`emulator::Error::Io`] where the document cannot be written.
pub fn accuracy() -> Result<(), Error> {
    let folder = tempfile::tempdir().map_err(Error::io("create", "a temporary folder"))?;
    let path = |name: String| folder.path().join(name).display().to_string();
    // Floats, 8 bits, 4 bits: validation and test accuracy for each seed.
    let mut columns: [Vec<[f64; 2]>; 3] = Default::default();
    for seed in SEEDS {
        let model = path(format!("{seed}.minnet"));
        let _: serde_json::Value = host::json(&["train", "--seed", seed, "--out", &model])?;
        let out = path("integers.minnet".into());
        let eight: Quantized = host::json(&["quantize", &model, "--out", &out])?;
        let four: Quantized = host::json(&["quantize", &model, "--bits", "4", "--finetune", FINETUNE, "--out", &out])?;
        let both = |scores: &Scores| [scores.validation.percent(), scores.test.percent()];
        for (column, scores) in columns.iter_mut().zip([&eight.float, &eight.integer, &four.integer]) {
            column.push(both(scores));
        }
    }
    rewrite(&top().join("docs/quantization.md"), "accuracy", &table(&columns))
}

fn table(columns: &[Vec<[f64; 2]>; 3]) -> String {
    let mut text =
        format!("\n| seed | set | floats | 8 bits | 4 bits, `--finetune {FINETUNE}` |\n|---|---|---|---|---|\n");
    for (set, name) in ["validation", "test"].into_iter().enumerate() {
        let cell = |value: f64| format!("{value:.2} %");
        for (row, seed) in SEEDS.iter().enumerate() {
            let [float, eight, four] = columns.each_ref().map(|column| cell(column[row][set]));
            // Writing to a string does not fail.
            let _ = writeln!(text, "| {seed} | {name} | {float} | {eight} | {four} |");
        }
        let means =
            columns.each_ref().map(|column| column.iter().map(|row| row[set]).sum::<f64>() / column.len() as f64);
        let [float, eight, four] = means;
        let against = |mean: f64| format!("{mean:.2} % ({:+.2})", mean - float);
        let _ = writeln!(text, "| mean | {name} | {float:.2} % | {} | {} |", against(eight), against(four));
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_stands_with_its_difference_from_the_floats() {
        let column = |test: f64| vec![[98.0, test - 0.1], [98.0, test], [98.0, test + 0.1]];
        let text = table(&[column(99.0), column(99.02), column(98.9)]);
        assert!(text.contains("| 1 | test | 98.90 % | 98.92 % | 98.80 % |"), "{text}");
        assert!(text.contains("| mean | test | 99.00 % | 99.02 % (+0.02) | 98.90 % (-0.10) |"), "{text}");
    }
}
