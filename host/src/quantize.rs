//! Integer networks: made from float ones, and run on data sets.

use crate::architecture::Architecture;
use crate::data::Sample;
use crate::description::Description;
use crate::error::{Error, Result};
use crate::executor::Threads;
use crate::file::write_atomically;
use crate::network::Network;
use crate::samples::Samples;
use crate::train::{self, Outputs, Score, batch_memory, check, shuffle};
use minnet::batch::{Batch, Images, Layout};
use minnet::cost::CostFunction;
use minnet::executor::{Alone, Executor};
use minnet::model::{self, Metadata, ModelError};
use minnet::module::{self, Module};
use minnet::normalization::Normalization;
use minnet::op::Op;
use minnet::prelude::argmax;
use minnet::quant::{
    self, Calibration, Input, QuantizedList, Width, Word, build, note, on_grid, ram_words, weight_step,
};
use minnet::sgd::Sgd;
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use std::ops::Range;
use std::path::Path;

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

/// Trains a network so that it does well with its weights rounded to those of `width`, and leaves them rounded.
///
/// The forward and backward passes see rounded weights; what they learn goes to weights that are not rounded (the
/// straight-through estimator; Courbariaux et al. 2015). Ends with the epoch of the best validation accuracy, the state
/// before the first epoch counted. `observe` is told of each epoch (0 is the state before), and may not stop it.
///
/// # Errors
/// [`Error::Memory`], [`Error::Sizes`], [`Error::Diverged`].
pub fn finetune(
    net: &mut Network,
    width: Width,
    training: Samples<'_>,
    validation: Samples<'_>,
    settings: &Finetune,
    executor: &Threads,
    observe: &mut (dyn FnMut(u32, Score) + Send),
) -> Result<()> {
    check(net, training)?;
    let mut rng = XorShiftRng::seed_from_u64(settings.seed);
    let mut memory = batch_memory(net, settings.batch.clamp(1, training.len().max(1)))?;
    let mut order: Vec<u32> = (0..training.len() as u32).collect();
    let mut grid = Grid::of(net, width);
    let (cost, activation, layout) = (net.cost(), net.activation(), net.layout());
    let delta = |a: &[f32], y: &[f32], delta: &mut [f32]| cost.delta(activation, a, y, delta);
    let score = |net: &Network| executor.run(|| train::evaluate(net, cost, validation, executor));

    grid.round(net);
    let mut most = score(net)?;
    observe(0, most);
    let mut best = net.parameters().to_vec();
    for epoch in 0..settings.epochs {
        let eta = train::between(settings.eta, settings.final_eta, epoch, settings.epochs);
        shuffle(&mut order, &mut rng);
        let mut batch = Batch::new(&mut memory, layout);
        for indices in order.chunks(batch.len().max(1)) {
            let mut batch = batch.first(indices.len());
            for (place, &index) in indices.iter().enumerate() {
                training.load(index as usize, batch.input(place));
                training.load_target(index as usize, batch.target(place));
            }
            let sgd = Sgd::new(eta, indices.len());
            executor.run(|| module::train(net, &delta, &mut batch, &sgd, &mut rng, executor));
            grid.learn(net);
            grid.round(net);
        }
        if !grid.weights.iter().all(|weight| weight.is_finite()) {
            return Err(Error::Diverged { epoch: epoch + 1, eta, why: String::new(), flag: "--eta" });
        }
        grid.measure();
        grid.round(net);
        let now = score(net)?;
        observe(epoch + 1, now);
        if validation.is_empty() || now.is_better(&most) {
            most = now;
            best.copy_from_slice(net.parameters());
        }
    }
    net.parameters_mut().copy_from_slice(&best);
    Ok(())
}

/// A network's parameters as they are learned, and the grid that they are rounded to.
struct Grid {
    /// All parameters, not rounded.
    weights: Vec<f32>,
    /// The same, rounded.
    rounded: Vec<f32>,
    layers: Vec<GridLayer>,
}

/// Where a layer's weights lie among all parameters, and what they are rounded to.
struct GridLayer {
    weights: Range<usize>,
    width: Width,
    /// For each output the value of a unit; weight i leads to output i modulo their number.
    steps: Vec<f32>,
}

impl Grid {
    fn of(net: &Network, width: Width) -> Self {
        let mut grid = Self { weights: net.parameters().to_vec(), rounded: Vec::new(), layers: Vec::new() };
        let mut start = 0;
        for op in net.architecture().layers() {
            if op.weights() > 0 {
                let (weights, width) = (start..start + op.weights(), op.bits().unwrap_or(width));
                grid.layers.push(GridLayer { weights, width, steps: vec![0.0; op.biases()] });
            }
            start += op.parameters();
        }
        grid.measure();
        grid
    }

    /// Chooses the steps anew.
    fn measure(&mut self) {
        for GridLayer { weights, width, steps } in &mut self.layers {
            let (weights, outputs) = (&self.weights[weights.clone()], steps.len().max(1));
            for (o, step) in steps.iter_mut().enumerate() {
                *step = weight_step(&|i| weights[o + i * outputs], weights.len() / outputs, *width);
            }
        }
    }

    /// Gives the network the rounded weights, and the biases as they are.
    fn round(&mut self, net: &mut Network) {
        self.rounded.clone_from(&self.weights);
        for GridLayer { weights, width, steps } in &self.layers {
            for row in self.rounded[weights.clone()].chunks_mut(steps.len().max(1)) {
                for (weight, step) in row.iter_mut().zip(steps) {
                    *weight = on_grid(*weight, *step, *width);
                }
            }
        }
        net.parameters_mut().copy_from_slice(&self.rounded);
    }

    /// Takes over what the network has learned since it was rounded.
    fn learn(&mut self, net: &Network) {
        for ((weight, learned), rounded) in self.weights.iter_mut().zip(net.parameters()).zip(&self.rounded) {
            *weight += learned - rounded;
        }
    }
}

/// Of the weights of inputs that are 0 in all samples, makes none greater than the greatest of the others that lead to the same
/// output: what is never used must not make the units of the others coarse.
fn clip_unused(outputs: usize, weights: &mut [f32], calibration: Samples<'_>) {
    let mut input = vec![0.0; weights.len() / outputs.max(1)];
    let mut is_used = vec![false; input.len()];
    for sample in 0..calibration.len() {
        calibration.load(sample, &mut input);
        is_used.iter_mut().zip(&input).for_each(|(used, value)| *used |= *value != 0.0);
    }
    let mut greatest = vec![0.0_f32; outputs];
    for (row, _) in weights.chunks_exact(outputs.max(1)).zip(&is_used).filter(|(_, used)| **used) {
        greatest.iter_mut().zip(row).for_each(|(greatest, weight)| *greatest = greatest.max(weight.abs()));
    }
    for (row, _) in weights.chunks_exact_mut(outputs.max(1)).zip(&is_used).filter(|(_, used)| !**used) {
        row.iter_mut().zip(&greatest).for_each(|(weight, greatest)| *weight = weight.clamp(-greatest, *greatest));
    }
}

/// Bytes of flash that an architecture takes in integers, if its input is pixels.
pub fn flash_bytes(architecture: &Architecture, width: Width) -> usize {
    quant::words(architecture.layers(), width) * size_of::<Word>()
}

/// Bytes of RAM that an inference takes in integers.
pub fn ram_bytes(architecture: &Architecture, width: Width) -> usize {
    ram_words(architecture.layers(), width) * size_of::<u32>()
}

/// The same on a Cortex-M0 or M0+.
pub fn ram_bytes_m0(architecture: &Architecture, width: Width) -> usize {
    quant::ram_words_of(architecture.layers(), width, true) * size_of::<u32>()
}

/// A network in integers on the heap.
#[derive(Clone, Debug)]
pub struct Integers {
    architecture: Architecture,
    width: Width,
    words: Vec<Word>,
}

impl Integers {
    /// The network of this architecture in the bytes of a model file's block.
    ///
    /// # Errors
    /// Those of [`QuantizedList::new`].
    pub fn new(architecture: Architecture, width: Width, block: Vec<u8>) -> std::result::Result<Self, ModelError> {
        QuantizedList::new(architecture.layers(), width, &block)?;
        let words = block.as_chunks().0.to_vec();
        Ok(Self { architecture, width, words })
    }

    /// The integer form of a network, the ranges of its activations taken from `calibration`.
    ///
    /// # Errors
    /// [`Error::Sizes`], and [`Error::Quantize`] if there is none.
    pub fn of(net: &Network, width: Width, calibration: Samples<'_>, executor: &Threads) -> Result<Self> {
        check(net, calibration)?;
        let ops = net.architecture().layers();
        let (input, greatest) = ranges(net, calibration, executor)?;
        let mut parameters = net.parameters().to_vec();
        if let [Op::Dense(first), ..] = ops {
            clip_unused(first.outputs, parameters.get_mut(..first.weights()).unwrap_or_default(), calibration);
        }
        let calibration = Calibration { input, greatest: &greatest };
        let mut words = vec![Word::default(); quant::words(ops, width) + input.words()];
        build(ops, &parameters, calibration, width, &mut words).map_err(|cause| Error::Quantize { cause })?;
        // What is written is read again by the same checks.
        let network = QuantizedList::new(ops, width, words.as_flattened());
        network.map_err(|cause| Error::Integers { cause })?;
        Ok(Self { architecture: net.architecture().clone(), width, words })
    }

    /// On which share of these samples, from 0 to 1, its greatest output is that of the float network that it was made of; 1
    /// where numbers are to be told, or if there are no samples.
    ///
    /// # Errors
    /// [`Error::Memory`] and [`Error::Sizes`].
    pub fn agreement(&self, net: &Network, set: Samples<'_>, executor: &Threads) -> Result<f64> {
        if set.are_numbers() || set.is_empty() {
            return Ok(1.0);
        }
        let (floats, integers) = (train::outputs(net, set, executor)?, self.outputs(set, executor)?);
        let same = floats.iter().zip(integers.iter()).filter(|(float, integer)| argmax(float) == argmax(integer));
        Ok(same.count() as f64 / set.len() as f64)
    }

    /// Its architecture.
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The width of the weights of layers that have none of their own.
    pub fn width(&self) -> Width {
        self.width
    }

    /// The network, to run.
    ///
    /// # Panics
    /// Never: it was checked when it was made.
    pub fn list(&self) -> QuantizedList<'_> {
        QuantizedList::new(self.architecture.layers(), self.width, self.words.as_flattened())
            .unwrap_or_else(|error| unreachable!("a network that was checked: {error}"))
    }

    /// Bytes of flash that it takes.
    pub fn flash_bytes(&self) -> usize {
        self.words.as_flattened().len()
    }

    /// Bytes of RAM that an inference takes.
    pub fn ram_bytes(&self) -> usize {
        ram_bytes(&self.architecture, self.width)
    }

    /// The logits of each image, in order, [`outputs`](Architecture::outputs) of each.
    ///
    /// # Errors
    /// [`Error::Sizes`].
    pub fn logits(&self, set: Samples<'_>, executor: &Threads) -> Result<Vec<i16>> {
        crate::train::check_sizes(self.architecture.inputs(), self.architecture.outputs(), set)?;
        let (list, classes) = (self.list(), self.architecture.outputs());
        let mut all = vec![0; set.len() * classes];
        let piece = set.len().div_ceil(executor.threads() * 4).max(1);
        executor.run(|| {
            rayon::scope(|scope| {
                for (images, logits) in set.chunks(piece).zip(all.chunks_mut(piece * classes.max(1))) {
                    let list = &list;
                    scope.spawn(move |_| {
                        let mut ram = vec![0; ram_words(list.ops(), list.width())];
                        let mut bytes = vec![0; images.shape().values()];
                        for (image, place) in logits.chunks_mut(classes.max(1)).enumerate() {
                            images.load_bytes(image, list.input(), &mut bytes);
                            let found = list.infer_pixels_with(&bytes, &mut ram);
                            if found.len() == place.len() {
                                place.copy_from_slice(found);
                            }
                        }
                    });
                }
            });
        });
        Ok(all)
    }

    /// The outputs of each image, in order, as the float network would give them.
    ///
    /// # Errors
    /// [`Error::Sizes`].
    pub fn outputs(&self, set: Samples<'_>, executor: &Threads) -> Result<Outputs> {
        let (list, classes) = (self.list(), self.architecture.outputs());
        let logits = self.logits(set, executor)?;
        let mut values = vec![0.0; logits.len()];
        for (logits, values) in logits.chunks(classes.max(1)).zip(values.chunks_mut(classes.max(1))) {
            list.outputs(logits, values);
        }
        Ok(Outputs::new(values, classes))
    }

    /// The share of the samples' values that lie beyond what its input reaches: they become the least or the greatest byte.
    pub fn clipped(&self, set: Samples<'_>) -> f64 {
        let Input { step, zero } = self.list().input();
        let reach = |byte: f32| (byte - f32::from(zero)) * step;
        let within = reach(-0.5)..=reach(255.5);
        let mut input = vec![0.0; set.shape().values()];
        let mut count = 0;
        for index in 0..set.len() {
            set.load(index, &mut input);
            count += input.iter().filter(|value| !within.contains(*value)).count();
        }
        count as f64 / (set.len() * input.len()).max(1) as f64
    }

    /// Measures it on a set of images.
    ///
    /// # Errors
    /// [`Error::Sizes`].
    pub fn evaluate(&self, cost: CostFunction, set: Samples<'_>, executor: &Threads) -> Result<Score> {
        Ok(train::score(&self.outputs(set, executor)?, cost, set))
    }

    /// Writes a model file, whole or not at all.
    ///
    /// # Errors
    /// Those of [`write_atomically`].
    pub fn save(&self, path: &Path, metadata: &Metadata, description: &Description) -> Result<()> {
        let (architecture, block) = (self.architecture.to_string(), self.words.as_flattened());
        let encoded = description.encode();
        let description = model::Description::parse(&encoded).unwrap_or_default();
        write_atomically(path, |file| {
            model::write_quantized(&architecture, self.width, block, metadata, description, |bytes| {
                file.write_all(bytes)
            })
        })
    }
}

/// What the network takes, and the greatest output of each layer, over some images.
fn ranges(net: &Network, calibration: Samples<'_>, executor: &Threads) -> Result<(Input, Vec<f32>)> {
    let mut greatest = vec![0.0; net.layers().ops().len()];
    let (stride, Layout { inputs, .. }) = (net.ram().max(1), net.layout());
    let mut memory = vec![0.0; stride];
    let (mut least, mut most) = (0.0_f32, 0.0_f32);
    for image in 0..calibration.len() {
        calibration.load(image, &mut memory[..inputs]);
        (least, most) = memory[..inputs].iter().fold((least, most), |(least, most), &v| (least.min(v), most.max(v)));
        let mut places = greatest.iter_mut();
        net.layers().infer_seen(Images::new(&mut memory, stride), &Alone(executor), |op, images, output| {
            if let (Some(place), Some(image)) = (places.next(), images.iter_mut().next()) {
                note(place, &image[output..output + op.outputs()]);
            }
        });
    }
    // Pixels keep their step, whatever the images have of them.
    let input = match calibration.normalization() {
        Normalization::PIXELS if matches!(calibration.view().values(), Sample::Bytes(_)) => Input::PIXELS,
        _ => Input::of_range(least, most).ok_or(Error::InputRange { least, most })?,
    };
    Ok((input, greatest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits;
    use crate::executor::Vectors;
    use crate::nets;
    use crate::train::tests::twenty_images;
    use minnet::init::Init;

    #[test]
    fn a_batch_of_no_images_is_one_of_one() {
        let (images, labels) = twenty_images();
        let set = digits(&images, &labels);
        let executor = Threads::new(1, Vectors::detect()).unwrap();
        let net = nets::find("784-10", None).unwrap();
        let [none, one] = [0, 1].map(|batch| {
            let mut network = Network::zeroed(&net).unwrap();
            network.initialize(Init::FanIn, &mut XorShiftRng::seed_from_u64(1));
            let settings = Finetune { epochs: 2, batch, eta: 0.01, final_eta: 0.001, seed: 1 };
            finetune(&mut network, Width::Eight, set, set, &settings, &executor, &mut |_, _| ()).unwrap();
            network.weight_hash()
        });
        assert_eq!(none, one);
    }

    #[test]
    fn a_weight_that_is_never_used_costs_nothing() {
        let (images, labels) = twenty_images();
        let set = digits(&images, &labels);
        let executor = Threads::new(1, Vectors::detect()).unwrap();
        let net = nets::find("784-10", None).unwrap();
        let mut network = Network::zeroed(&net).unwrap();
        network.initialize(Init::FanIn, &mut XorShiftRng::seed_from_u64(1));
        let plain = Integers::of(&network, Width::Eight, set, &executor).unwrap();
        // The first pixel has ink in no image.
        network.parameters_mut()[..10].fill(1000.0);
        let clipped = Integers::of(&network, Width::Eight, set, &executor).unwrap();
        let [before, after] = [&plain, &clipped].map(|integers| integers.outputs(set, &executor).unwrap());
        assert!(before.iter().flatten().zip(after.iter().flatten()).all(|(a, b)| (a - b).abs() < 0.02));
        assert_eq!(clipped.agreement(&network, set, &executor).unwrap(), 1.0);
        let mut other = network.clone();
        other.initialize(Init::FanIn, &mut XorShiftRng::seed_from_u64(2));
        assert!(clipped.agreement(&other, set, &executor).unwrap() < 1.0);
    }

    #[test]
    fn weights_that_no_integers_can_be_are_refused_at_once() {
        let (images, labels) = twenty_images();
        let set = digits(&images, &labels);
        let executor = Threads::new(1, Vectors::detect()).unwrap();
        let net = nets::find("784-10", None).unwrap();
        for weight in [1e30, 1e-45] {
            let mut network = Network::zeroed(&net).unwrap();
            network.parameters_mut().fill(weight);
            match Integers::of(&network, Width::Eight, set, &executor) {
                Ok(integers) => {
                    let block = integers.words.as_flattened().to_vec();
                    Integers::new(integers.architecture, Width::Eight, block).unwrap();
                }
                Err(Error::Quantize { .. } | Error::Integers { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
}
