//! How many instructions an inference in integers takes on a microcontroller, foretold.
//!
//! `cargo xtask count` has counted networks of one layer in an emulator, of all kinds and widths; `layers.json` has what it
//! counted. A layer's instructions are a sum over its loops: so many for each turn of each loop. What a turn takes is
//! found by least squares of the relative errors; a network takes what its layers take.

use crate::architecture::Architecture;
use minnet::op::{Conv, Op};
use minnet::pool::Pooling;
use minnet::quant::Width;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A processor whose instructions were counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Processor {
    /// A Cortex-M4, whose integer kernels use its DSP instructions.
    M4,
    /// A Cortex-M0.
    M0,
}

impl Processor {
    /// Both.
    pub const ALL: [Self; 2] = [Self::M4, Self::M0];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::M4 => "Cortex-M4F",
            Self::M0 => "Cortex-M0",
        }
    }

    /// The instructions of an inference of a network whose layers have weights of this width if they have none of their own.
    pub fn instructions(self, architecture: &Architecture, width: Width) -> u64 {
        let mut sum = 0.0;
        for (index, op) in architecture.layers().iter().enumerate() {
            let width = op.bits().unwrap_or(width);
            let prices = PRICES.iter().find(|prices| prices.processor == self && prices.width == width);
            let Some(Prices { each, .. }) = prices else { continue };
            let turns = turns(*op, if index == 0 { op.inputs() } else { 0 }, (self, width));
            sum += turns.iter().zip(each).map(|(turns, price)| turns * price).sum::<f64>();
        }
        sum.max(0.0).round() as u64
    }
}

/// Loops whose turns are counted.
const LOOPS: usize = 25;

/// How often each loop of a layer turns. `bytes` are those that it is given, if it is the network's first.
fn turns(op: Op, bytes: usize, (processor, width): (Processor, Width)) -> [f64; LOOPS] {
    let mut turns = [0.0; LOOPS];
    turns[0] = bytes as f64;
    let mut set = |first: usize, counts: &[usize]| {
        turns.iter_mut().skip(first).zip(counts).for_each(|(place, count)| *place = *count as f64);
    };
    match op {
        Op::Dense(op) => {
            // Outputs are computed four at a time; inputs are taken four at a time, and packed weights forty at a time.
            let (fours, words) = (op.outputs.div_ceil(4), op.inputs.div_ceil(4));
            set(1, &[1, op.outputs * words, fours * words, op.outputs, fours, fours * op.inputs.div_ceil(40)]);
        }
        Op::Conv(op) => {
            // A filter of one column lies in memory as one row.
            let rows = if op.width == 1 && op.filter_width == 1 { 1 } else { op.filter_height };
            let is_pooled = op.pooling != Pooling::None;
            // A Cortex-M0 sums two filters of packed weights at a time.
            let is_two = processor == Processor::M0 && width != Width::Eight && op.channels > 1;
            let filters = if is_two { op.filters.next_multiple_of(2) } else { op.filters };
            let [fours, outputs] = positions(op).map(|count| filters * count);
            if op.channels > 1 {
                let words = op.filter_height * op.filter_width * op.channels.div_ceil(4);
                let [pooled, plain, puts] = if is_pooled { [fours, 0, 0] } else { [0, fours, outputs] };
                set(7, &[1, fours * words, fours * rows, pooled, plain, puts, filters, filters * words]);
                if is_two {
                    set(24, &[fours * rows * parts(words / rows, width)]);
                }
            } else {
                let first = match (is_pooled, op.stride) {
                    (true, _) => 15,
                    (false, 1) => 18,
                    (false, _) => 21,
                };
                set(first, &[fours * op.filter_height * op.filter_width, fours, filters]);
            }
        }
        Op::GlobalAvgPool(_) | Op::Flatten(_) | Op::Dropout(_) => {}
    }
    turns
}

/// The parts of a row of so many words after which such a Cortex-M0 tells the sums of two filters apart
/// (core/src/quant/kernel/thumb1.rs).
fn parts(words: usize, width: Width) -> usize {
    let terms = i32::from(i16::MAX) / 255 / width.limit();
    let most = (terms as usize / 4).clamp(1, words.max(1));
    let part = (1..=most).rev().find(|part| words.is_multiple_of(*part)).unwrap_or(1);
    words / part
}

/// How many times four positions of a map are summed together, and how many outputs they become.
fn positions(op: Conv) -> [usize; 2] {
    let outputs = op.out_height() * op.out_width();
    if op.pooling != Pooling::None {
        return [outputs, outputs];
    }
    let (lines, count) = if op.out_width() == 1 { (1, op.out_height()) } else { (op.out_height(), op.out_width()) };
    [lines * count.div_ceil(4), outputs]
}

/// What a turn of each loop takes.
struct Prices {
    processor: Processor,
    width: Width,
    each: [f64; LOOPS],
}

/// What `cargo xtask count` records.
#[derive(Deserialize)]
struct Record {
    element: String,
    processor: String,
    instructions: BTreeMap<String, u64>,
}

static PRICES: LazyLock<Vec<Prices>> = LazyLock::new(|| {
    let records: Vec<Record> = serde_json::from_str(include_str!("instructions/layers.json")).unwrap_or_default();
    let prices = |record: &Record| {
        let processor = Processor::ALL.into_iter().find(|processor| processor.name() == record.processor)?;
        let width = *Width::ALL.iter().find(|width| width.name() == record.element)?;
        Some(Prices { processor, width, each: fit(record.instructions.iter(), (processor, width)) })
    };
    records.iter().filter_map(prices).collect()
});

/// The prices with the least sum of squares of the relative errors.
fn fit<'a>(counted: impl Iterator<Item = (&'a String, &'a u64)>, on: (Processor, Width)) -> [f64; LOOPS] {
    let mut normal = [[0.0; LOOPS]; LOOPS];
    let mut right = [0.0; LOOPS];
    for (text, &count) in counted {
        let Ok(architecture) = Architecture::parse(text) else { continue };
        let [op] = architecture.layers() else { continue };
        let turns = turns(*op, op.inputs(), on).map(|turns| turns / count as f64);
        for (row, turn) in turns.iter().enumerate() {
            right[row] += turn;
            normal[row].iter_mut().zip(turns).for_each(|(sum, other)| *sum += turn * other);
        }
    }
    solve(normal, right)
}

/// The solution of the normal equations by Cholesky's method. A loop that never turned costs nothing.
fn solve(mut normal: [[f64; LOOPS]; LOOPS], mut right: [f64; LOOPS]) -> [f64; LOOPS] {
    for (i, row) in normal.iter_mut().enumerate() {
        // Of loops that turn alike, the least prices.
        row[i] *= 1.0 + 1e-9;
    }
    for i in 0..LOOPS {
        for j in 0..=i {
            let sum: f64 = (0..j).map(|k| normal[i][k] * normal[j][k]).sum();
            let rest = normal[i][j] - sum;
            normal[i][j] = match (i == j, normal[j][j]) {
                (true, _) => rest.max(0.0).sqrt(),
                (false, 0.0) => 0.0,
                (false, root) => rest / root,
            };
        }
    }
    let divided = |value: f64, root: f64| if root > 0.0 { value / root } else { 0.0 };
    for i in 0..LOOPS {
        let sum: f64 = (0..i).map(|k| normal[i][k] * right[k]).sum();
        right[i] = divided(right[i] - sum, normal[i][i]);
    }
    for i in (0..LOOPS).rev() {
        let sum: f64 = (i + 1..LOOPS).map(|k| normal[k][i] * right[k]).sum();
        right[i] = divided(right[i] - sum, normal[i][i]);
    }
    right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_foretold() {
        let records: Vec<Record> = serde_json::from_str(include_str!("instructions/layers.json")).unwrap();
        let mut seen = 0;
        for record in records {
            let Some(width) = Width::ALL.iter().find(|width| width.name() == record.element) else { continue };
            let processor = Processor::ALL.into_iter().find(|own| own.name() == record.processor).unwrap();
            for (text, count) in record.instructions {
                let found = processor.instructions(&Architecture::parse(&text).unwrap(), *width);
                let error = found as f64 / count as f64 - 1.0;
                seen += 1;
                assert!(error.abs() < 0.12, "{text}, {width:?}, {processor:?}: {found}, {count} counted");
            }
        }
        assert!(seen > 500, "{seen}");
    }
}
