//! Looking for a network that does well within a budget: what may be tried, and which of it is worth longer training.
//!
//! Candidates are drawn at random, each as large as the budget allows. All are trained for a few epochs, the better third
//! for three times as many, and so on: successive halving (Jamieson and Talwalkar 2016), with thirds. The validation
//! samples judge; test samples are never read.

use crate::architecture::{Architecture, Shape};
use crate::instructions::Processor;
use crate::quantize::{flash_bytes, ram_bytes, ram_bytes_m0};
use minnet::quant::{self, Width};
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// What a network may take, as integers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// Bytes of flash for the parameters.
    pub flash: usize,
    /// Bytes of RAM for an inference.
    pub ram: Option<usize>,
    /// Instructions of an inference, on [`processor`](Self::processor).
    pub instructions: Option<u64>,
    /// Whose instructions are foretold.
    pub processor: Processor,
}

/// What a network takes, as integers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Needs {
    /// Bytes of flash for the parameters.
    pub flash: usize,
    /// Bytes of RAM for an inference.
    pub ram: usize,
    /// Foretold instructions of an inference.
    pub instructions: u64,
}

impl Needs {
    /// Those of a network, of 8 bits where a layer has no width of its own.
    pub fn of(architecture: &Architecture, processor: Processor) -> Self {
        Self {
            flash: flash_bytes(architecture, Width::Eight),
            ram: match processor {
                Processor::M4 => ram_bytes(architecture, Width::Eight),
                Processor::M0 => ram_bytes_m0(architecture, Width::Eight),
            },
            instructions: processor.instructions(architecture, Width::Eight),
        }
    }

    /// Whether a budget has room for it.
    fn fit(&self, budget: &Budget) -> bool {
        self.flash <= budget.flash
            && budget.ram.is_none_or(|ram| self.ram <= ram)
            && budget.instructions.is_none_or(|most| self.instructions <= most)
    }
}

/// What the data are like, as far as a network's form depends on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Task {
    /// What a sample is.
    pub shape: Shape,
    /// Classes, or numbers.
    pub outputs: usize,
    /// Whether numbers are to be learned.
    pub are_numbers: bool,
    /// Whether samples are pictures of bytes, which can be changed while training.
    pub are_pictures: bool,
}

/// A network and the settings that it is trained with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The network's text.
    pub net: String,
    /// The learning rate of AdamW.
    pub eta: f32,
    /// How pictures are changed.
    pub augment: Option<String>,
    /// What it takes.
    pub needs: Needs,
}

/// Draws so many candidates, each another; fewer if the budget has no room for so many.
pub fn draw(task: Task, budget: &Budget, count: usize, seed: u64) -> Vec<Candidate> {
    let mut random = Random(XorShiftRng::seed_from_u64(seed));
    let mut found: Vec<Candidate> = Vec::new();
    for _ in 0..200 * count {
        if found.len() == count {
            break;
        }
        let sketch = Sketch::draw(task, &mut random);
        let Some((net, needs)) = sketch.largest(budget) else { continue };
        if found.iter().any(|other| other.net == net) {
            continue;
        }
        let eta = random.among(&[0.005, 0.007, 0.01, 0.014, 0.02]);
        let augment = task.are_pictures.then(|| random.among(&AUGMENTS)).filter(|text| !text.is_empty());
        found.push(Candidate { net, eta, augment: augment.map(str::to_owned), needs });
    }
    found
}

/// How pictures are changed: not at all, a little, more, and much.
const AUGMENTS: [&str; 4] = [
    "",
    "shift 1, rotate 4, scale 4, shear 3, elastic 1",
    "shift 1, rotate 8, scale 8, shear 5, elastic 1.8",
    "shift 2, rotate 10, scale 10, shear 6, elastic 3",
];

/// Random choices.
struct Random(XorShiftRng);

impl Random {
    fn below(&mut self, count: usize) -> usize {
        ((u64::from(self.0.next_u32()) * count as u64) >> 32) as usize
    }

    fn among<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// A layer of a [`Sketch`].
struct Layer {
    /// Its text before the number, and behind it.
    before: String,
    behind: String,
    /// How many there are at scale 1.
    units: f64,
    /// A number of filters that is no multiple of it costs as much as one that is.
    multiple: usize,
}

/// A network but for its size.
struct Sketch {
    input: Shape,
    layers: Vec<Layer>,
    last: String,
}

impl Sketch {
    fn draw(task: Task, random: &mut Random) -> Self {
        let Task { shape, outputs, are_numbers, .. } = task;
        // One width for most layers; the first and the last may have more bits.
        let inner = random.among(&[Width::Two, Width::Two, Width::Ternary, Width::Three, Width::Four]);
        let [first, outer] = [0; 2].map(|_| random.among(&[inner, Width::Four]));
        let mut layers = Vec::new();
        let dense = |units: f64, width: Width| Layer {
            before: "dense ".into(),
            behind: format!(" relu {}", width.name()),
            units,
            multiple: 2,
        };
        match shape {
            Shape::Vector(_) => {
                for number in 0..1 + random.below(3) {
                    let units = 32.0 * random.among(&[0.5, 0.7, 1.0]);
                    layers.push(dense(units, if number == 0 { first } else { inner }));
                }
            }
            Shape::Image { height, width, .. } => {
                let is_signal = height == 1 || width == 1;
                let filter = |side: usize| match (height, width) {
                    (1, _) => format!("conv1x{side}"),
                    (_, 1) => format!("conv{side}x1"),
                    _ => format!("conv{side}x{side}"),
                };
                let side = random.among(if is_signal { &[5, 9] } else { &[3, 5] });
                let halve = |random: &mut Random, all: &[&'static str]| {
                    if is_signal { " stride 2 same" } else { random.among(all) }
                };
                let mut conv = |side: usize, behind: &str, units: f64, width: Width| {
                    let behind = format!("{behind} relu {}", width.name());
                    layers.push(Layer { before: filter(side) + " ", behind, units, multiple: 4 });
                };
                conv(side, halve(random, &[" maxpool2", " stride 2"]), 8.0, first);
                let mut units = 8.0 * random.among(&[1.5, 2.0, 3.0]);
                let side = if is_signal { 5 } else { 3 };
                let all = [" maxpool2", " same maxpool2", " stride 2", " stride 2 same"];
                conv(side, halve(random, &all), units, inner);
                for _ in 0..random.below(3) {
                    units *= random.among(&[1.0, 1.3, 1.6]);
                    conv(side, random.among(&["", " same"]), units, inner);
                }
                layers.push(Layer { before: "flatten".into(), behind: String::new(), units: 0.0, multiple: 1 });
                if random.below(2) == 0 {
                    layers.push(dense(random.among(&[16.0, 24.0, 32.0]), inner));
                }
            }
        }
        let last = format!("dense {outputs} {} {}", if are_numbers { "" } else { "softmax" }, outer.name());
        Self { input: shape, layers, last }
    }

    /// Its text, so many times as wide as it was drawn.
    fn text(&self, scale: f64) -> String {
        let mut text = format!("{}: ", self.input);
        for Layer { before, behind, units, multiple } in &self.layers {
            text += before;
            if *units > 0.0 {
                let count = (units * scale / *multiple as f64).round().max(1.0) as usize * multiple;
                text += &count.to_string();
            }
            text += behind;
            text += ", ";
        }
        text + &self.last
    }

    /// The widest that the budget has room for, and what it takes; none if that is no network, or a sorry one.
    fn largest(&self, budget: &Budget) -> Option<(String, Needs)> {
        let mut best = None;
        for step in 0..40 {
            // From a quarter on, by a tenth each.
            let Ok(architecture) = Architecture::parse(&self.text(0.25 * 1.1_f64.powi(step))) else { break };
            if quant::check(architecture.layers()).is_err() {
                break;
            }
            let needs = Needs::of(&architecture, budget.processor);
            if !needs.fit(budget) {
                break;
            }
            best = Some((architecture.to_string(), needs));
        }
        // What leaves most of the flash empty is for another budget.
        best.filter(|(_, needs)| needs.flash >= budget.flash / 2)
    }
}

/// What came of training a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    /// The share of validation samples that are right; of numbers, the root mean square error less than zero.
    pub score: f64,
    /// The mean cost of the validation samples.
    pub cost: f64,
}

impl Judgement {
    /// Which of two is better; one that failed is worse than any.
    pub fn compare(one: Option<Self>, other: Option<Self>) -> Ordering {
        let key = |judgement: Option<Self>| judgement.map_or((f64::NEG_INFINITY, f64::INFINITY), |j| (j.score, j.cost));
        let ((score, cost), (others, others_cost)) = (key(one), key(other));
        others.total_cmp(&score).then(cost.total_cmp(&others_cost))
    }
}

/// A round: who is trained, and for how many epochs.
#[derive(Clone, Debug, PartialEq)]
pub struct Round {
    /// Passes over the training samples.
    pub epochs: u32,
    /// Candidates by their numbers, the best so far first.
    pub trials: Vec<usize>,
}

/// Of those that a round trains, this part goes on.
const PART: usize = 3;

/// The rounds as far as they are known: the last of them is not done, or it is the last of all. `found` says what a round
/// found of a candidate, if it is done.
pub fn rounds(candidates: usize, epochs: u32, found: impl Fn(usize, u32) -> Option<Option<Judgement>>) -> Vec<Round> {
    let mut rounds = vec![Round { epochs, trials: (0..candidates).collect() }];
    while let Some(Round { epochs, trials }) = rounds.last() {
        let (epochs, count) = (*epochs, trials.len());
        let Some(mut judged) =
            trials.iter().map(|&trial| Some((trial, found(trial, epochs)?))).collect::<Option<Vec<_>>>()
        else {
            break;
        };
        judged.sort_by(|a, b| Judgement::compare(a.1, b.1));
        let better: Vec<usize> = judged.into_iter().map(|(trial, _)| trial).take(count.div_ceil(PART)).collect();
        if count <= 1 {
            break;
        }
        rounds.push(Round { epochs: epochs.saturating_mul(PART as u32), trials: better });
    }
    rounds
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGITS: Task = Task {
        shape: Shape::Image { height: 28, width: 28, channels: 1 },
        outputs: 10,
        are_numbers: false,
        are_pictures: true,
    };

    #[test]
    fn candidates_fill_the_budget_and_stay_within_it() {
        let budget = Budget { flash: 3200, ram: Some(4000), instructions: Some(700_000), processor: Processor::M0 };
        let candidates = draw(DIGITS, &budget, 20, 1);
        assert_eq!(candidates.len(), 20);
        assert_eq!(candidates, draw(DIGITS, &budget, 20, 1));
        for Candidate { net, needs, .. } in &candidates {
            assert!(needs.fit(&budget) && needs.flash >= 1600, "{net}: {needs:?}");
            assert_eq!(*needs, Needs::of(&Architecture::parse(net).unwrap(), Processor::M0));
        }
        let nets: std::collections::BTreeSet<_> = candidates.iter().map(|candidate| &candidate.net).collect();
        assert_eq!(nets.len(), 20);
    }

    #[test]
    fn there_are_candidates_for_signals_vectors_and_numbers() {
        let budget = Budget { flash: 5000, ram: None, instructions: None, processor: Processor::M4 };
        for (shape, are_numbers, last) in [
            (Shape::Vector(13), true, "dense 2 "),
            (Shape::Image { height: 1, width: 128, channels: 3 }, false, "dense 2 softmax"),
            (Shape::Image { height: 128, width: 1, channels: 3 }, false, "dense 2 softmax"),
            (Shape::Image { height: 32, width: 32, channels: 3 }, false, "dense 2 softmax"),
        ] {
            let task = Task { shape, outputs: 2, are_numbers, are_pictures: false };
            let candidates = draw(task, &budget, 5, 1);
            assert_eq!(candidates.len(), 5, "{shape}");
            assert!(candidates.iter().all(|own| own.net.contains(last) && own.augment.is_none()), "{candidates:?}");
        }
    }

    #[test]
    fn too_little_flash_has_no_candidates() {
        let budget = Budget { flash: 50, ram: None, instructions: None, processor: Processor::M4 };
        assert_eq!(draw(DIGITS, &budget, 5, 1), []);
    }

    #[test]
    fn the_better_third_goes_on() {
        let judged = |score| Some(Some(Judgement { score, cost: 0.1 }));
        // Candidate 4 failed; 6 is the best.
        let found = |trial: usize, epochs: u32| match (trial, epochs) {
            (4, 2) => Some(None),
            (_, 2) => judged(trial as f64),
            (5, 6) => judged(9.0),
            (6, 6) => judged(8.0),
            _ => None,
        };
        let round = |epochs, trials: &[usize]| Round { epochs, trials: trials.into() };
        assert_eq!(rounds(7, 2, found), [round(2, &[0, 1, 2, 3, 4, 5, 6]), round(6, &[6, 5, 3])]);
        let found = |trial, epochs| if epochs == 18 { None } else { found(trial, epochs).or(judged(0.0)) };
        assert_eq!(rounds(7, 2, found)[2..], [round(18, &[5])]);
        assert_eq!(rounds(7, 2, |trial, epochs| found(trial, epochs).or(judged(0.0))).len(), 3);
        assert_eq!(rounds(7, 2, |_, _| None).len(), 1);
    }
}
