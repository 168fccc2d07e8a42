//! The backpropagation tutorial's example: a sigmoid network 2-2-1 learns XOR from its four points, all at once.

use super::{Curves, Lab};
use crate::error::Result;
use crate::network::zeroed;
use minnet::prelude::*;
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use serde::Serialize;

/// How XOR is learned.
#[derive(Clone, Debug, Serialize)]
pub struct Xor {
    /// Networks that are trained, each from a seed of its own.
    pub starts: u32,
    /// Steps of gradient descent over the four points.
    pub steps: u32,
    /// The learning rate η.
    pub eta: f32,
}

/// After each step, the networks that give all four points rightly, rounded to 0 or 1.
pub const SOLVED: &str = "networks that solve it";

/// What the first network that solves it gives in the end for the points of [`POINTS`], in their order.
pub const OUTPUTS: [&str; 4] = ["output for (0, 0)", "output for (1, 0)", "output for (0, 1)", "output for (1, 1)"];

/// The inputs and what is wanted.
const POINTS: [([f32; 2], f32); 4] = [([0.0, 0.0], 0.0), ([1.0, 0.0], 1.0), ([0.0, 1.0], 1.0), ([1.0, 1.0], 0.0)];

type Network = Net<[f32; 2], seq![Dense<2, 2, Sigmoid>, Dense<2, 1, Sigmoid>]>;

impl Xor {
    pub(super) fn run(&self, seed: u64, lab: &Lab<'_>) -> Result<Curves> {
        let mut solved = vec![0.0; self.steps as usize];
        let mut shown = None;
        for start in 0..u64::from(self.starts) {
            let outputs = self.learn((seed - 1) * u64::from(self.starts) + start + 1, &mut solved)?;
            if is_right(&outputs) || shown.is_none() {
                shown = shown.filter(is_right).or(Some(outputs));
            }
            lab.observer.progress(start as usize + 1, self.starts as usize);
        }
        let outputs = shown.unwrap_or_default();
        lab.observer.line("Input\tOutput\tQuantized");
        for (([a, b], _), output) in POINTS.iter().zip(outputs) {
            lab.observer.line(&format!("[{a}, {b}]\t{output:.4}\t[{}]", u8::from(output > 0.5)));
        }
        let mut curves = Curves::from([(SOLVED.into(), solved)]);
        curves.extend(OUTPUTS.iter().zip(outputs).map(|(&name, output)| (name.into(), vec![f64::from(output)])));
        Ok(curves)
    }

    /// Trains one network, counts the steps after which it is right, and gives its outputs.
    fn learn(&self, seed: u64, solved: &mut [f64]) -> Result<[f32; 4]> {
        let mut rng = XorShiftRng::seed_from_u64(seed);
        let mut net = Network::ZERO;
        net.initialize(Init::Large, &mut rng);
        let mut memory = zeroed(POINTS.len() * Network::SAMPLE)?;
        let mut batch = Network::batch(&mut memory);
        for (image, (input, target)) in POINTS.iter().enumerate() {
            batch.input(image).copy_from_slice(input);
            batch.target(image).copy_from_slice(&[*target]);
        }
        let sgd = Sgd::new(self.eta, POINTS.len());
        let mut ram = [0.0; Network::RAM];
        let mut outputs = [0.0; 4];
        for count in solved {
            net.train::<CrossEntropy>(&mut batch, &sgd, &mut rng, &Serial);
            outputs = POINTS.map(|(input, _)| net.infer(&input, &mut ram)[0]);
            *count += f64::from(u8::from(is_right(&outputs)));
        }
        Ok(outputs)
    }
}

fn is_right(outputs: &[f32; 4]) -> bool {
    POINTS.iter().zip(outputs).all(|((_, target), output)| (*output > 0.5) == (*target > 0.5))
}
