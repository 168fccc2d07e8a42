//! Integer networks: made from float ones, and run on data sets.

use crate::data::Samples;
use crate::error::{Error, Result};
use crate::executor::Threads;
use crate::model;
use crate::train::{self, Score, shuffle};
use minnet::prelude::*;
use minnet::quant::{QuantLayer, Quantized, Ranges, Weights, build, on_grid, weight_step};
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;

/// The widths of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bits {
    /// 8 bits: [`Int8`](minnet::quant::Int8).
    Eight,
    /// 4 bits: [`Int4`](minnet::quant::Int4).
    Four,
}

/// How a network is trained on with its weights on the grid of the integers.
#[derive(Clone, Debug, PartialEq)]
pub struct Finetune {
    /// Passes over the training images; 0 leaves the weights as they are.
    pub epochs: u32,
    /// Images in a mini-batch.
    pub batch: usize,
    /// The learning rate of the first epoch.
    pub eta: f32,
    /// The learning rate of the last epoch, approached in equal ratios.
    pub final_eta: f32,
    /// The seed of the order of the images, and of dropout.
    pub seed: u64,
}

/// Trains a network so that it does well with its weights rounded to those of `W`, and leaves them rounded.
///
/// The forward and backward passes see rounded weights; what they learn goes to weights that are not rounded (the
/// straight-through estimator; Courbariaux et al. 2015). Ends with the epoch of the best validation accuracy, the state
/// before the first epoch counted. `observe` is told of each epoch (0 is the state before), and may not stop it.
///
/// # Errors
/// [`Error::Memory`], [`Error::Diverged`].
pub fn finetune<W: Weights, In: Tensor, L: Layer<In>, C: Cost<L::Activation>>(
    net: &mut Net<In, L>,
    training: Samples<'_>,
    validation: Samples<'_>,
    settings: &Finetune,
    executor: &Threads,
    observe: &mut (dyn FnMut(u32, Score) + Send),
) -> Result<()> {
    let mut rng = XorShiftRng::seed_from_u64(settings.seed);
    let mut batch = model::batch(settings.batch.min(training.len()))?;
    let mut order: Vec<u32> = (0..training.len() as u32).collect();
    let mut grid = Grid::of::<W, In, L>(net);
    let score = |net: &Net<In, L>| executor.run(|| train::evaluate::<In, L, C>(net, validation, executor));

    grid.round::<W, In, L>(net);
    let mut most = score(net)?;
    observe(0, most);
    let mut best = Vec::new();
    train::snapshot(net, &mut best);
    for epoch in 0..settings.epochs {
        let eta = train::between(settings.eta, settings.final_eta, epoch, settings.epochs);
        shuffle(&mut order, &mut rng);
        for indices in order.chunks(batch.len().max(1)) {
            let batch = &mut batch[..indices.len()];
            for (sample, &index) in batch.iter_mut().zip(indices) {
                sample.load(&training.images[index as usize], training.labels[index as usize]);
            }
            executor.run(|| net.train::<C>(batch, &Sgd::new(eta, indices.len()), &mut rng, executor));
            grid.learn(net);
            grid.round::<W, In, L>(net);
        }
        if !grid.weights.iter().all(|weight| weight.is_finite()) {
            return Err(Error::Diverged { epoch: epoch + 1, eta });
        }
        grid.measure::<W>();
        grid.round::<W, In, L>(net);
        let now = score(net)?;
        observe(epoch + 1, now);
        if now.right > most.right {
            most = now;
            train::snapshot(net, &mut best);
        }
    }
    train::restore(net, &best);
    Ok(())
}

/// A network's parameters as they are learned, and the grid that they are rounded to.
struct Grid {
    /// All parameters, not rounded.
    weights: Vec<f32>,
    /// The same, rounded.
    rounded: Vec<f32>,
    /// For each layer, where its weights begin, how many they are, and the value of a step for each of its outputs;
    /// weight i leads to output i modulo their number.
    layers: Vec<(usize, usize, Vec<f32>)>,
}

impl Grid {
    fn of<W: Weights, In: Tensor, L: Layer<In>>(net: &Net<In, L>) -> Self {
        let mut grid = Self { weights: Vec::new(), rounded: Vec::new(), layers: Vec::new() };
        let mut before = None;
        net.visit(|run| {
            // Weights come before biases.
            match before.take() {
                None => before = Some((grid.weights.len(), run.len())),
                Some((start, count)) => grid.layers.push((start, count, vec![0.0; run.len()])),
            }
            grid.weights.extend_from_slice(run);
        });
        grid.measure::<W>();
        grid
    }

    /// Chooses the steps anew.
    fn measure<W: Weights>(&mut self) {
        for (start, count, steps) in &mut self.layers {
            let outputs = steps.len().max(1);
            for (o, step) in steps.iter_mut().enumerate() {
                *step = weight_step::<W>(&|i| self.weights[*start + i * outputs + o], *count / outputs);
            }
        }
    }

    /// Gives the network the rounded weights, and the biases as they are.
    fn round<W: Weights, In: Tensor, L: Layer<In>>(&mut self, net: &mut Net<In, L>) {
        self.rounded.clone_from(&self.weights);
        for (start, count, steps) in &self.layers {
            for row in self.rounded[*start..*start + *count].chunks_mut(steps.len().max(1)) {
                for (weight, step) in row.iter_mut().zip(steps) {
                    *weight = on_grid::<W>(*weight, *step);
                }
            }
        }
        train::restore(net, &self.rounded);
    }

    /// Takes over what the network has learned since it was rounded.
    fn learn<In: Tensor, L: Layer<In>>(&mut self, net: &Net<In, L>) {
        let mut places = self.weights.iter_mut().zip(&self.rounded);
        net.visit(|run| {
            for (learned, (weight, rounded)) in run.iter().zip(places.by_ref()) {
                *weight += learned - rounded;
            }
        });
    }
}

/// The bytes of a network's integer form, its activations' ranges taken from `calibration`.
pub fn quantize<W: Weights, In: Tensor, L: QuantLayer<In, W>>(net: &Net<In, L>, calibration: Samples<'_>) -> Vec<u8> {
    let mut ram = vec![0.0; Net::<In, L>::RAM];
    let mut ranges = Ranges::default();
    for image in calibration.images {
        if let Some(input) = Net::<In, L>::input_in(&mut ram) {
            load_pixels(image, input);
        }
        net.calibrate::<W>(&mut ram, &mut ranges);
    }
    let mut block = Vec::with_capacity(Quantized::<Net<In, L>, W>::FLASH_BYTES);
    build::<In, L, W>(net, &ranges, |word| block.extend_from_slice(&word.to_le_bytes()));
    block
}

/// The logits of each image, in order.
pub fn logits<W: Weights, In: Tensor, L: QuantLayer<In, W>>(
    net: Quantized<'_, Net<In, L>, W>,
    set: Samples<'_>,
    executor: &Threads,
) -> Vec<i16> {
    let mut all = vec![0; set.len() * L::Out::LEN];
    let piece = set.len().div_ceil(executor.threads() * 4).max(1);
    executor.run(|| {
        rayon::scope(|scope| {
            for (images, logits) in set.images.chunks(piece).zip(all.chunks_mut(piece * L::Out::LEN.max(1))) {
                scope.spawn(move |_| {
                    let mut ram = vec![0; Quantized::<Net<In, L>, W>::RAM];
                    for (image, place) in images.iter().zip(logits.chunks_mut(L::Out::LEN.max(1))) {
                        let found = net.infer_pixels_with(image, &mut ram);
                        if found.len() == place.len() {
                            place.copy_from_slice(found);
                        }
                    }
                });
            }
        });
    });
    all
}

/// The outputs of each image, in order, as the float network would give them: the activation of the logits.
pub fn outputs<W: Weights, In: Tensor, L: QuantLayer<In, W>>(
    net: Quantized<'_, Net<In, L>, W>,
    set: Samples<'_>,
    executor: &Threads,
) -> Vec<L::Out> {
    let logits = logits(net, set, executor);
    let output = |logits: &[i16]| {
        let mut output = L::Out::ZERO;
        for (value, &logit) in output.flat_mut().iter_mut().zip(logits) {
            *value = f32::from(logit) * net.step();
        }
        L::Activation::forward(output.flat_mut());
        output
    };
    logits.chunks(L::Out::LEN.max(1)).map(output).collect()
}
