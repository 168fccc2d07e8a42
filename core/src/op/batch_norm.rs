//! The operator of batch normalization, while a network is trained. A trained one has none: it is folded into the layer
//! before it.

use crate::activation::{self, Function};
use crate::batch::{Images, Place, pair};
use crate::executor::{Executor, split_images};
use crate::kernel::math;
use crate::kernel::vector::{Kernel, Vector, compiled_once};
use crate::sgd::Sgd;

/// Takes the mean off each channel and divides it by its deviation, both over all images and positions of a mini-batch
/// (Ioffe and Szegedy 2015); then adds a bias that is trained, and applies the activation. There is no trained factor: after
/// a ReLU it is the next layer's weights' business.
///
/// Its parameters are, for each channel, the bias, then the running mean, then the running variance, which inference takes;
/// and how many mini-batches those have seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm {
    /// Positions of an image; 1 after a dense layer.
    pub positions: usize,
    /// Channels; the values of a position lie together.
    pub channels: usize,
    /// What turns what is normalized into activations; one that works on each value alone.
    pub activation: Function,
}

/// What is added to a variance, so that none is 0.
const EPSILON: f32 = 1e-5;
/// The least share that a mini-batch has in the running means.
const SHARE: f32 = 0.01;

impl BatchNorm {
    /// Values that it takes and gives.
    pub const fn values(self) -> usize {
        self.positions * self.channels
    }

    /// How many parameters it has.
    pub const fn parameters(self) -> usize {
        3 * self.channels + 1
    }

    /// Values that training remembers of one image: the outputs, the gradient of the cost in them, and for each channel
    /// four numbers.
    pub const fn saved(self) -> usize {
        2 * self.values() + 4 * self.channels
    }

    /// Where its output lies, given where what it saves begins.
    pub const fn output(self, own: usize) -> Place {
        Place { values: own, gradient: Some(own + self.values()) }
    }

    /// Biases of 0; statistics of no mini-batch.
    pub fn initialize(self, parameters: &mut [f32]) {
        parameters.fill(0.0);
        parameters.get_mut(2 * self.channels..3 * self.channels).unwrap_or_default().fill(1.0);
    }

    /// For each channel the factor and the number to be added that inference comes to.
    pub fn affine(self, parameters: &[f32]) -> impl Iterator<Item = [f32; 2]> {
        let part = |number: usize| parameters.get(number * self.channels..).unwrap_or(&[]).iter().take(self.channels);
        part(0).zip(part(1)).zip(part(2)).map(|((bias, mean), variance)| {
            let factor = factor(*variance);
            [factor, bias - mean * factor]
        })
    }

    /// Normalizes the values at `place`, where they lie, by the running statistics.
    pub fn infer(self, parameters: &[f32], mut images: Images, place: usize) {
        for image in images.iter_mut() {
            let values = image.get_mut(place..place + self.values()).unwrap_or_default();
            for (channel, [factor, shift]) in self.affine(parameters).enumerate() {
                for value in values.iter_mut().skip(channel).step_by(self.channels) {
                    *value = *value * factor + shift;
                }
            }
            self.activation.forward(values);
        }
    }

    /// Computes the outputs in training; with the running statistics if they are `frozen`.
    pub fn forward(
        self,
        parameters: &[f32],
        mut images: Images,
        input: Place,
        own: usize,
        frozen: bool,
        executor: &impl Executor,
    ) {
        let input = input.values;
        if frozen {
            let (mean, variance) = self.running(parameters);
            for image in images.iter_mut() {
                let statistics = self.statistics(image, own);
                copy(statistics.0, mean);
                statistics.1.iter_mut().zip(variance).for_each(|(place, variance)| *place = factor(*variance));
            }
        } else {
            split_images(images.reborrow(), 2 * self.values(), executor, &|images| {
                Statistics { op: self, images, input, own }.on(executor.vectors());
            });
            self.join_statistics(images.reborrow(), own);
        }
        let bias = parameters.get(..self.channels).unwrap_or(&[]);
        split_images(images, 2 * self.values(), executor, &|images| {
            Normalize { op: self, bias, images, input, own }.on(executor.vectors());
        });
    }

    /// Turns the gradient in the output, ∂C/∂a, into δ = ∂C/∂z, the gradient in what the activation takes.
    pub fn activation_gradient(self, images: Images, own: usize, executor: &impl Executor) {
        activation::gradient(self.activation, self.values(), images, own, executor);
    }

    /// From δ, computes the bias's gradient, and the gradient in the input if anybody asks for it: through the mean and
    /// the deviation too, unless they are `frozen`.
    pub fn backward(self, mut images: Images, input: Place, own: usize, frozen: bool, executor: &impl Executor) {
        let count = images.len();
        split_images(images.reborrow(), 2 * self.values(), executor, &|images| {
            GradientSums { op: self, images, input: input.values, own }.on(executor.vectors());
        });
        self.join_gradient_sums(images.reborrow(), own);
        let share = if frozen { 0.0 } else { 1.0 / (count * self.positions).max(1) as f32 };
        if input.gradient.is_some() {
            split_images(images, 2 * self.values(), executor, &|images| {
                InputGradient { op: self, images, input, own, share }.on(executor.vectors());
            });
        }
    }

    /// Takes a step down the gradient of the batch's cost, and takes its statistics in unless they are `frozen`.
    pub fn update(self, parameters: &mut [f32], images: &Images, own: usize, sgd: &Sgd, frozen: bool) {
        let (memory, _) = images.memory();
        let part = |number: usize| memory.get(own + 2 * self.values() + number * self.channels..).unwrap_or(&[]);
        let (biases, rest) = parameters.split_at_mut_checked(self.channels).unwrap_or_default();
        for (bias, gradient) in biases.iter_mut().zip(part(2)) {
            *bias = sgd.bias(*bias, *gradient);
        }
        let values = images.len() * self.positions;
        let (running, count) = rest.split_at_mut_checked(2 * self.channels).unwrap_or_default();
        // A single value has no deviation.
        let (Some(count), false) = (count.first_mut(), frozen || values < 2) else { return };
        *count += 1.0;
        let share = (1.0 / *count).max(SHARE);
        let (means, variances) = running.split_at_mut_checked(self.channels).unwrap_or_default();
        for (running, mean) in means.iter_mut().zip(part(0)) {
            *running += share * (mean - *running);
        }
        for (running, factor) in variances.iter_mut().zip(part(1)) {
            let variance = (1.0 / (factor * factor) - EPSILON) * (values as f32 / (values - 1) as f32);
            *running += share * (variance - *running);
        }
    }

    /// The running means and variances.
    fn running(self, parameters: &[f32]) -> (&[f32], &[f32]) {
        let running = parameters.get(self.channels..3 * self.channels).unwrap_or(&[]);
        running.split_at_checked(self.channels).unwrap_or_default()
    }

    /// An image's two numbers for each channel that belong to the forward pass: in the end the batch's mean, and what
    /// values are multiplied by.
    fn statistics(self, image: &mut [f32], own: usize) -> (&mut [f32], &mut [f32]) {
        self.two_parts(image, own + 2 * self.values())
    }

    /// An image's two numbers for each channel that belong to the backward pass: in the end the batch's sums of δ, and of
    /// δ times what was normalized.
    fn gradient_sums(self, image: &mut [f32], own: usize) -> (&mut [f32], &mut [f32]) {
        self.two_parts(image, own + 2 * self.values() + 2 * self.channels)
    }

    fn two_parts(self, image: &mut [f32], start: usize) -> (&mut [f32], &mut [f32]) {
        let parts = image.get_mut(start..start + 2 * self.channels).unwrap_or_default();
        parts.split_at_mut_checked(self.channels).unwrap_or_default()
    }

    /// From each image's mean and sum of squares about it, makes the batch's: the images in order, so that threads change
    /// no bit (Chan, Golub and LeVeque 1979).
    fn join_statistics(self, images: Images, own: usize) {
        let values = (images.len() * self.positions).max(1) as f32;
        let (mut first, mut others) = images.split_at(1);
        let Some(first) = first.iter_mut().next() else { return };
        let (means, squares) = self.statistics(first, own);
        for (before, image) in (1..).zip(others.iter_mut()) {
            let (own_means, own_squares) = self.statistics(image, own);
            let share = 1.0 / (before + 1) as f32;
            let weight = (self.positions * before) as f32 * share;
            let all = means.iter_mut().zip(squares.iter_mut()).zip(own_means.iter().zip(own_squares.iter()));
            for ((mean, square), (own_mean, own_square)) in all {
                let difference = own_mean - *mean;
                *mean += difference * share;
                *square += own_square + difference * difference * weight;
            }
        }
        squares.iter_mut().for_each(|square| *square = factor(*square / values));
        for image in others.iter_mut() {
            let (own_means, factors) = self.statistics(image, own);
            copy(own_means, means);
            copy(factors, squares);
        }
    }

    /// Adds each image's sums to the first one's, in order, and gives them to all.
    fn join_gradient_sums(self, images: Images, own: usize) {
        let (mut first, mut others) = images.split_at(1);
        let Some(first) = first.iter_mut().next() else { return };
        let sums = self.gradient_sums(first, own);
        let add = |sums: &mut [f32], more: &[f32]| sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        for image in others.iter_mut() {
            let more = self.gradient_sums(image, own);
            add(sums.0, more.0);
            add(sums.1, more.1);
        }
        for image in others.iter_mut() {
            let all = self.gradient_sums(image, own);
            copy(all.0, sums.0);
            copy(all.1, sums.1);
        }
    }
}

/// Copies as many values as there are.
fn copy(to: &mut [f32], from: &[f32]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}

/// What values of a variance are multiplied by.
fn factor(variance: f32) -> f32 {
    1.0 / math::sqrt(variance + EPSILON)
}

/// Each image's mean and sum of squares about it.
struct Statistics<'a> {
    op: BatchNorm,
    images: Images<'a>,
    input: usize,
    own: usize,
}

impl Kernel for Statistics<'_> {
    #[inline(always)]
    fn run<V: Vector>(mut self) {
        let Self { op, input, own, .. } = self;
        for image in self.images.iter_mut() {
            let (x, statistics) = pair(image, input, op.values(), own + 2 * op.values(), 2 * op.channels);
            let (means, squares) = statistics.split_at_mut_checked(op.channels).unwrap_or_default();
            means.fill(0.0);
            squares.fill(0.0);
            for position in x.chunks_exact(op.channels.max(1)) {
                means.iter_mut().zip(position).for_each(|(mean, x)| *mean += x);
            }
            let positions = op.positions as f32;
            means.iter_mut().for_each(|mean| *mean /= positions);
            for position in x.chunks_exact(op.channels.max(1)) {
                for ((square, mean), x) in squares.iter_mut().zip(means.iter()).zip(position) {
                    *square += (x - mean) * (x - mean);
                }
            }
        }
    }
}

/// Each image's outputs, given the batch's statistics.
struct Normalize<'a> {
    op: BatchNorm,
    bias: &'a [f32],
    images: Images<'a>,
    input: usize,
    own: usize,
}

impl Kernel for Normalize<'_> {
    #[inline(always)]
    fn run<V: Vector>(mut self) {
        let Self { op, bias, input, own, .. } = self;
        for image in self.images.iter_mut() {
            let (x, saved) = pair(image, input, op.values(), own, op.saved());
            let (outputs, rest) = saved.split_at_mut_checked(op.values()).unwrap_or_default();
            let statistics = rest.get(op.values()..op.values() + 2 * op.channels).unwrap_or(&[]);
            let (means, factors) = statistics.split_at_checked(op.channels).unwrap_or_default();
            let positions = x.chunks_exact(op.channels.max(1)).zip(outputs.chunks_exact_mut(op.channels.max(1)));
            for (x, outputs) in positions {
                let channels = means.iter().zip(factors).zip(bias);
                for ((output, x), ((mean, factor), bias)) in outputs.iter_mut().zip(x).zip(channels) {
                    *output = (x - mean) * factor + bias;
                }
            }
            op.activation.forward(outputs);
        }
    }
}

/// Each image's sums of δ, and of δ times what was normalized.
struct GradientSums<'a> {
    op: BatchNorm,
    images: Images<'a>,
    input: usize,
    own: usize,
}

impl Kernel for GradientSums<'_> {
    #[inline(always)]
    fn run<V: Vector>(mut self) {
        let Self { op, input, own, .. } = self;
        for image in self.images.iter_mut() {
            let (x, saved) = pair(image, input, op.values(), own, op.saved());
            let (_, rest) = saved.split_at_mut_checked(op.values()).unwrap_or_default();
            let (delta, rest) = rest.split_at_mut_checked(op.values()).unwrap_or_default();
            let (statistics, sums) = rest.split_at_mut_checked(2 * op.channels).unwrap_or_default();
            let (means, factors) = statistics.split_at_checked(op.channels).unwrap_or_default();
            let (of_delta, of_product) = sums.split_at_mut_checked(op.channels).unwrap_or_default();
            of_delta.fill(0.0);
            of_product.fill(0.0);
            for (x, delta) in x.chunks_exact(op.channels.max(1)).zip(delta.chunks_exact(op.channels.max(1))) {
                let sums = of_delta.iter_mut().zip(of_product.iter_mut());
                for ((x, delta), (sums, (mean, factor))) in x.iter().zip(delta).zip(sums.zip(means.iter().zip(factors)))
                {
                    *sums.0 += delta;
                    *sums.1 += delta * ((x - mean) * factor);
                }
            }
        }
    }
}

/// Each image's gradient in the input.
struct InputGradient<'a> {
    op: BatchNorm,
    images: Images<'a>,
    input: Place,
    own: usize,
    /// 1 over the values of a channel; 0 if the statistics are constants.
    share: f32,
}

impl Kernel for InputGradient<'_> {
    #[inline(always)]
    fn run<V: Vector>(mut self) {
        let Self { op, input: Place { values, gradient }, own, share, .. } = self;
        let Some(gradient) = gradient else { return };
        for image in self.images.iter_mut() {
            let (before, saved) = image.split_at_mut_checked(own).unwrap_or_default();
            let (x, gradient) = pair(before, values, op.values(), gradient, op.values());
            let delta = saved.get(op.values()..2 * op.values()).unwrap_or(&[]);
            let numbers = saved.get(2 * op.values()..op.saved()).unwrap_or(&[]);
            let (statistics, sums) = numbers.split_at_checked(2 * op.channels).unwrap_or_default();
            let (means, factors) = statistics.split_at_checked(op.channels).unwrap_or_default();
            let (of_delta, of_product) = sums.split_at_checked(op.channels).unwrap_or_default();
            let step = op.channels.max(1);
            let positions = x.chunks_exact(step).zip(delta.chunks_exact(step)).zip(gradient.chunks_exact_mut(step));
            for ((x, delta), gradient) in positions {
                let channels = means.iter().zip(factors).zip(of_delta.iter().zip(of_product));
                for (((x, delta), gradient), ((mean, factor), sums)) in x.iter().zip(delta).zip(gradient).zip(channels)
                {
                    let normalized = (x - mean) * factor;
                    *gradient = factor * (delta - share * (sums.0 + normalized * sums.1));
                }
            }
        }
    }
}

compiled_once!(Statistics<'_>, Normalize<'_>, GradientSums<'_>, InputGradient<'_>);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::Batch;
    use crate::cost::CostFunction;
    use crate::executor::Serial;
    use crate::init::Init;
    use crate::list::{self, List};
    use crate::module::{self, Module};
    use crate::op::{Conv, Dense, Op, Padding, Stage};
    use crate::pool::Pooling;
    use rand_core::{Rng, SeedableRng};
    use rand_xorshift::XorShiftRng;

    const CONV: Conv = Conv {
        height: 6,
        width: 5,
        channels: 1,
        filter_height: 3,
        filter_width: 2,
        filters: 2,
        stride: 1,
        padding: Padding::Valid,
        pooling: Pooling::Max2,
        activation: Function::Identity,
        bits: None,
    };
    const OPS: [Stage; 6] = [
        Stage::Op(Op::Conv(CONV)),
        Stage::BatchNorm(BatchNorm { positions: 4, channels: 2, activation: Function::Tanh }),
        Stage::Op(Op::Flatten(8)),
        Stage::Op(Op::Dense(Dense { inputs: 8, outputs: 3, activation: Function::Identity, bits: None })),
        Stage::BatchNorm(BatchNorm { positions: 1, channels: 3, activation: Function::Sigmoid }),
        Stage::Op(Op::Dense(Dense { inputs: 3, outputs: 2, activation: Function::Sigmoid, bits: None })),
    ];
    const COUNT: usize = 12 + 2 + 7 + 24 + 3 + 10 + 6 + 2;
    const IMAGES: usize = 5;
    type Parameters<const N: usize> = heapless::Vec<f32, N>;
    type Net = List<&'static [Stage], Parameters<COUNT>>;
    type Memory = [f32; 2048];

    fn zeros<const N: usize>() -> Parameters<N> {
        [0.0; N].into_iter().collect()
    }

    fn number(rng: &mut impl Rng) -> f32 {
        rng.next_u32() as f32 / (1u64 << 31) as f32 - 1.0
    }

    /// A network, and memory for its mini-batch.
    fn start() -> (Net, Memory) {
        let mut rng = XorShiftRng::seed_from_u64(3);
        let mut net = List::new(&OPS[..], zeros()).unwrap();
        net.initialize(Init::FanIn, &mut rng);
        // Biases that are not all alike.
        net.visit_mut(&mut |kind, run| {
            if kind == crate::layer::Parameters::Biases {
                run.iter_mut().for_each(|bias| *bias = 0.5 * number(&mut rng));
            }
        });
        let mut memory = [0.0; 2048];
        let mut batch = Batch::new(&mut memory, list::layout(&OPS));
        for image in 0..IMAGES {
            batch.input(image).iter_mut().for_each(|place| *place = number(&mut rng));
            batch.target(image).iter_mut().for_each(|place| *place = number(&mut rng).abs());
        }
        (net, memory)
    }

    fn delta(a: &[f32], y: &[f32], delta: &mut [f32]) {
        CostFunction::Quadratic.delta(Function::Sigmoid, a, y, delta);
    }

    /// The mean cost of the mini-batch, as training has it.
    fn cost(net: &Net, memory: &mut Memory) -> f64 {
        let mut all = Batch::new(memory, list::layout(&OPS));
        let mut batch = all.first(IMAGES);
        net.forward(batch.images.reborrow(), &Serial);
        let cost = |image| f64::from(batch.cost(image, |a, y| CostFunction::Quadratic.value(a, y)));
        (0..IMAGES).map(cost).sum::<f64>() / IMAGES as f64
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let (mut net, mut memory) = start();
        for is_frozen in [false, true] {
            if is_frozen {
                // Statistics that are not the mini-batch's.
                net.visit_mut(&mut |kind, run| {
                    if kind == crate::layer::Parameters::Statistics {
                        run.iter_mut().enumerate().for_each(|(index, value)| *value = 0.2 + 0.1 * index as f32);
                    }
                });
                net.freeze();
            }
            let mut gradient = net.clone();
            gradient.parameters_mut().fill(0.0);
            let mut rng = XorShiftRng::seed_from_u64(1);
            let mut all = Batch::new(&mut memory, list::layout(&OPS));
            module::gradient(&net, &mut gradient, &delta, &mut all.first(IMAGES), &mut rng, &Serial);
            let (mut greatest, step) = (0.0_f64, 0.01);
            let statistics = [14 + 2..14 + 7, 21 + 27 + 3..21 + 27 + 10];
            for index in (0..COUNT).filter(|index| !statistics.iter().any(|range| range.contains(index))) {
                let mut cost_at = |value| {
                    let mut moved = net.clone();
                    moved.parameters_mut()[index] += value;
                    cost(&moved, &mut memory)
                };
                let expected = (cost_at(step) - cost_at(-step)) / f64::from(2.0 * step);
                let found = f64::from(gradient.parameters()[index]);
                assert!((found - expected).abs() < 2e-4, "{is_frozen} {index}: {found}, not {expected}");
                greatest = greatest.max(found.abs());
            }
            assert!(greatest > 0.02, "{greatest}");
        }
    }

    #[test]
    fn channels_are_normalized_and_inference_comes_to_the_same() {
        let norm = BatchNorm { positions: 3, channels: 2, activation: Function::Identity };
        let ops = [Stage::BatchNorm(norm)];
        let mut net = List::new(&ops[..], zeros::<7>()).unwrap();
        let mut rng = XorShiftRng::seed_from_u64(1);
        net.initialize(Init::He, &mut rng);
        net.parameters_mut()[..2].copy_from_slice(&[0.5, -2.0]);
        let mut memory = [0.0; 400];
        let mut all = Batch::new(&mut memory, list::layout(&ops));
        let mut batch = all.first(10);
        for image in 0..10 {
            for pixel in batch.input(image).chunks_exact_mut(2) {
                pixel.copy_from_slice(&[100.0 + 3.0 * number(&mut rng), 0.01 * number(&mut rng)]);
            }
        }
        net.forward(batch.images.reborrow(), &Serial);
        for channel in 0..2 {
            let values = || (0..10).flat_map(|image| [0, 2, 4].map(|place| batch.output(image)[place + channel]));
            let mean = values().sum::<f32>() / 30.0;
            let variance = values().map(|value| (value - mean) * (value - mean)).sum::<f32>() / 30.0;
            assert!((mean - [0.5, -2.0][channel]).abs() < 1e-4, "{mean}");
            // ε is a third of the second channel's variance.
            assert!((variance - [1.0, 0.77][channel]).abs() < 0.05, "{variance}");
        }
        // After one mini-batch the running statistics are its own.
        let no_step = Sgd { decay: 1.0, rate: 0.0 };
        net.update(&batch.images, &no_step, &Serial);
        for image in 0..10 {
            let output: [f32; 6] = batch.output(image).try_into().unwrap();
            let mut values: [f32; 6] = (*batch.input(image)).try_into().unwrap();
            norm.infer(net.parameters(), Images::new(&mut values, 6), 0);
            for (value, output) in values.iter().zip(output) {
                // The running variance is that of all, of which the mini-batch is a sample.
                assert!((value - output).abs() < 0.06, "{value}, not {output}");
            }
        }
        // Means go on slowly.
        let before = net.parameters()[2];
        for _ in 0..200 {
            net.update(&batch.images, &no_step, &Serial);
        }
        assert!((net.parameters()[2] - before).abs() < 1e-3 && net.parameters()[6] == 201.0);
    }

    #[test]
    fn hostile_lists_do_no_harm() {
        for (positions, channels) in [(0, 0), (0, 3), (3, 0), (1, 1)] {
            let ops = [Stage::BatchNorm(BatchNorm { positions, channels, activation: Function::Relu }); 2];
            let mut parameters = [0.0; 64];
            let mut net = List::new(&ops[..], &mut parameters[..list::parameters(&ops)]).unwrap();
            let mut memory = [1.0; 400];
            let mut all = Batch::new(&mut memory, list::layout(&ops));
            let mut rng = XorShiftRng::seed_from_u64(1);
            net.initialize(Init::He, &mut rng);
            for images in [0, 1, 3] {
                let sgd = Sgd::new(0.1, images);
                module::train(&mut net, &delta, &mut all.first(images), &sgd, &mut rng, &Serial);
            }
            assert!(net.parameters().iter().all(|value| value.is_finite()));
        }
    }
}
