//! Accuracy against bytes of flash: Minnet's networks, as docs/zoo.json has them, beside others'. Writes the plot of
//! docs/accuracy.md; `cargo xtask zoo` runs it.

use host::plot::{Chart, Series};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// In part.
#[derive(Deserialize)]
struct Record {
    runs: Vec<Run>,
}

#[derive(Deserialize)]
struct Run {
    data: String,
    entry: String,
    right: u64,
    images: u64,
    flash: u64,
}

/// Bytes and per cent, as BitNetMCU's documentation of 2026 gives them: the best of several configurations.
const BITNETMCU_CONVOLUTIONS: [(f64, f64); 6] =
    [(3.2e3, 98.92), (5.4e3, 99.06), (7.3e3, 99.28), (9.3e3, 99.44), (11.0e3, 99.55), (13.0e3, 99.58)];
/// In KiB there.
const BITNETMCU_DENSE: [(f64, f64); 2] = [(8.1 * 1024.0, 99.25), (9.7 * 1024.0, 99.37)];
/// Public courses' networks of 8,000 to 9,200 parameters in floats, chosen on the test set.
const COURSES: [(f64, f64); 2] = [(32.0e3, 99.4), (36.8e3, 99.5)];

/// Networks of more bytes are not for microcontrollers.
const MOST: u64 = 100_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let docs = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs"));
    let record: Record = serde_json::from_str(&std::fs::read_to_string(docs.join("zoo.json"))?)?;
    let mut entries: BTreeMap<&str, (u64, Vec<f64>)> = BTreeMap::new();
    for run in record.runs.iter().filter(|run| run.data == "digits" && run.flash < MOST) {
        let share = 100.0 * run.right as f64 / run.images.max(1) as f64;
        let (flash, shares) = entries.entry(&run.entry).or_default();
        *flash = run.flash;
        shares.push(share);
    }
    let mean = |shares: &[f64]| shares.iter().sum::<f64>() / shares.len().max(1) as f64;
    let mut own: Vec<_> = entries.values().map(|(flash, shares)| (*flash as f64, mean(shares))).collect();
    own.sort_by(|a, b| a.0.total_cmp(&b.0));
    let series = |label: &str, points: &[(f64, f64)]| Series { label: label.into(), points: points.into() };
    let chart = Chart {
        title: "MNIST's test images that are right, by bytes of flash".into(),
        x_label: "Bytes of the parameters, biases and scales included".into(),
        y_label: "Test accuracy (%)".into(),
        series: vec![
            series("Minnet, mean of the seeds", &own),
            series("BitNetMCU, convolutions: best of several", &BITNETMCU_CONVOLUTIONS),
            series("BitNetMCU, dense: best of several", &BITNETMCU_DENSE),
            series("courses' networks in floats: chosen on the test set", &COURSES),
        ],
        log_x: true,
        ..Chart::default()
    };
    let [svg, png] = chart.save(&docs.join("accuracy"))?;
    println!("{} and {}", svg.display(), png.display());
    Ok(())
}
