//! The book's `generate_gradient.py`: how fast each hidden layer of a deep network learns, by the length of the mean
//! gradient in its biases.

use super::{Curves, Lab};
use crate::error::Result;
use crate::nets;
use crate::network::Network;
use crate::train::batch_memory;
use minnet::batch::Batch;
use minnet::layer::Parameters;
use minnet::module::{self, Module};
use minnet::prelude::{Init, Sgd};
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

impl Depth {
    /// How many hidden layers.
    pub fn layers(self) -> usize {
        match self {
            Self::Two => 2,
            Self::Three => 3,
            Self::Four => 4,
        }
    }

    /// The network's text.
    fn text(self) -> String {
        format!("784: {}dense 10 sigmoid", "dense 30 sigmoid, ".repeat(self.layers()))
    }
}

impl Gradients {
    /// The same work with few steps.
    pub(super) fn quick(self) -> Self {
        Self { epochs: self.epochs.min(10), ..self }
    }

    pub(super) fn run(&self, seed: u64, lab: &Lab<'_>) -> Result<Curves> {
        let (images, _) = lab.mnist.split().0.split_at(self.images);
        let mut rng = XorShiftRng::seed_from_u64(seed);
        let mut net = Network::zeroed(&nets::find(&self.depth.text(), Some("cross-entropy"))?)?;
        let mut gradient = net.clone();
        net.initialize(Init::FanIn, &mut rng);
        let mut memory = batch_memory(&net, images.len())?;
        let mut batch = Batch::new(&mut memory, net.layout());
        let fill = |image: usize, input: &mut [f32], target: &mut [f32]| {
            images.load(image, input);
            images.load_target(image, target);
        };
        batch.fill(fill, lab.executor);
        let sgd = Sgd::new(self.eta, batch.len()).with_l2(self.eta, self.lambda, batch.len());
        let (cost, activation) = (net.cost(), net.activation());
        let delta = |a: &[f32], y: &[f32], delta: &mut [f32]| cost.delta(activation, a, y, delta);
        let mut layers = vec![Vec::new(); self.depth.layers()];
        for epoch in 0..self.epochs as usize {
            lab.executor.run(|| {
                gradient.parameters_mut().fill(0.0);
                module::gradient(&net, &mut gradient, &delta, &mut batch, &mut rng, lab.executor);
                module::train(&mut net, &delta, &mut batch, &sgd, &mut rng, lab.executor);
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
fn bias_norms(net: &Network) -> Vec<f64> {
    let mut norms = Vec::new();
    net.visit(&mut |kind, run| {
        if kind == Parameters::Biases {
            norms.push(run.iter().map(|&value| f64::from(value) * f64::from(value)).sum::<f64>().sqrt());
        }
    });
    norms
}
