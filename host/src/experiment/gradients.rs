//! The book's `generate_gradient.py`: how fast each hidden layer of a deep network learns, by the length of the mean
//! gradient in its biases.

use super::{Curves, Lab};
use crate::error::Result;
use crate::model;
use minnet::prelude::*;
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use serde::Serialize;

/// Gradient descent over all images at once, watched from the first gradient on.
#[derive(Clone, Debug, Serialize)]
pub struct Gradients {
    /// The network.
    pub depth: Depth,
    /// The first so many of the training images; all if there are fewer.
    pub images: usize,
    /// Steps.
    pub epochs: u32,
    /// The learning rate η.
    pub eta: f32,
    /// The strength λ of L2 regularization, as in `network2.py`.
    pub lambda: f32,
}

/// Hidden layers of 30 neurons each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Depth {
    /// 784-30-30-10.
    Two,
    /// 784-30-30-30-10.
    Three,
    /// 784-30-30-30-30-10.
    Four,
}

/// ‖δ‖ of each hidden layer before each step, δ being the mean over the images.
pub const LAYERS: [&str; 4] = ["hidden layer 1", "hidden layer 2", "hidden layer 3", "hidden layer 4"];

type Digit = [f32; 784];
type Hidden = Dense<30, 30, Sigmoid>;
type Output = Dense<30, 10, Sigmoid>;

impl Depth {
    /// How many hidden layers.
    pub fn layers(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Three => 3,
            Self::Four => 4,
        }
    }
}

impl Gradients {
    pub(super) fn run(&self, seed: u64, lab: &Lab<'_>) -> Result<Curves> {
        match self.depth {
            Depth::Two => self.descend::<seq![Dense<784, 30, Sigmoid>, Hidden, Output]>(seed, lab),
            Depth::Three => self.descend::<seq![Dense<784, 30, Sigmoid>, Hidden, Hidden, Output]>(seed, lab),
            Depth::Four => self.descend::<seq![Dense<784, 30, Sigmoid>, Hidden, Hidden, Hidden, Output]>(seed, lab),
        }
    }

    /// The same work with few steps.
    pub(super) fn quick(self) -> Self {
        Self { epochs: self.epochs.min(10), ..self }
    }

    fn descend<L: Layer<Digit, Activation = Sigmoid>>(&self, seed: u64, lab: &Lab<'_>) -> Result<Curves> {
        let (images, _) = lab.mnist.split().0.split_at(self.images);
        let mut rng = XorShiftRng::seed_from_u64(seed);
        let mut net = model::zeroed::<Digit, L>()?;
        net.initialize(Init::FanIn, &mut rng);
        let mut gradient = model::zeroed::<Digit, L>()?;
        let mut batch = model::batch::<Digit, L>(images.len())?;
        for (sample, (image, label)) in batch.iter_mut().zip(images.iter()) {
            sample.load(image, label);
        }
        let sgd = Sgd::new(self.eta, batch.len()).with_l2(self.eta, self.lambda, batch.len());
        let mut layers = vec![Vec::new(); self.depth.layers()];
        for epoch in 0..self.epochs as usize {
            lab.executor.run(|| {
                gradient.visit_mut(|run| run.fill(0.0));
                net.gradient::<CrossEntropy>(&mut batch, &mut gradient, &mut rng, lab.executor);
                net.train::<CrossEntropy>(&mut batch, &sgd, &mut rng, lab.executor);
            });
            let norms = bias_norms(&gradient);
            for (layer, norm) in layers.iter_mut().zip(&norms) {
                layer.push(*norm);
            }
            if epoch == 0 {
                let hidden = norms.get(..layers.len()).unwrap_or_default();
                lab.observer.line(&format!("Average gradient for the hidden layers: {hidden:?}"));
            }
            lab.observer.progress(epoch + 1, self.epochs as usize);
        }
        Ok(LAYERS.iter().zip(layers).map(|(&name, norms)| (name.into(), norms)).collect())
    }
}

/// The Euclidean length of each layer's biases, the output layer's last.
fn bias_norms<L: Layer<Digit>>(net: &Net<Digit, L>) -> Vec<f64> {
    let (mut norms, mut is_weights) = (Vec::new(), true);
    // A network shows each layer's weights, then its biases.
    net.visit(|run| {
        if !is_weights {
            norms.push(run.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt());
        }
        is_weights = !is_weights;
    });
    norms
}
