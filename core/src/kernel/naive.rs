//! Every kernel once more as plain loops in the documented order, which the kernels must match to the last bit.

#![allow(clippy::needless_range_loop, reason = "indices as in the formulas")]

use super::vector::{Kernel, Vector};
use super::{conv, dense, device, dropout};
use crate::activation::Function;
use crate::op::{self, Conv, Padding};
use crate::pool::Pooling;
use crate::sgd::Sgd;
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;
use zerocopy::IntoBytes;

extern crate std;
use std::vec;
use std::vec::Vec;

const SGD: [Sgd; 2] = [Sgd { decay: 1.0, rate: 0.03 }, Sgd { decay: 0.97, rate: 0.11 }];

/// Runs a kernel on every width of vectors that this machine has.
fn on_each_width(kernel: impl Kernel + Copy) {
    // Shorter ones take what is too short for these.
    <[f32; 4]>::outline(kernel);
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    super::x86::on_each_width(kernel);
}

/// Numbers between -1 and 1, `zeros` of eight 0.
struct Random(u32);

impl Random {
    fn next(&mut self, zeros: u32) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if self.0 >> 29 < zeros { 0.0 } else { (self.0 << 8) as i32 as f32 / 2f32.powi(31) }
    }

    /// Zeros are so many eighths of the values.
    fn fill<'a>(&mut self, values: impl IntoIterator<Item = &'a mut f32>, zeros: u32) {
        values.into_iter().for_each(|value| *value = self.next(zeros));
    }
}

#[track_caller]
fn assert_same_bits<'a>(ours: impl IntoIterator<Item = &'a f32>, naive: impl IntoIterator<Item = &'a f32>, what: &str) {
    let bits = |values: Vec<&f32>| values.into_iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    let (ours, naive) = (bits(ours.into_iter().collect()), bits(naive.into_iter().collect()));
    assert!(ours == naive, "{what}");
}

#[derive(Clone, Copy, Debug)]
struct Dense {
    inputs: usize,
    outputs: usize,
    images: usize,
}

/// x, z, and the gradients in them.
struct Vectors {
    x: Vec<f32>,
    z: Vec<f32>,
    on_device: Vec<f32>,
    delta: Vec<f32>,
    gradient: Vec<f32>,
}

impl Dense {
    fn op(self) -> op::Dense {
        op::Dense { inputs: self.inputs, outputs: self.outputs, activation: Function::Identity, bits: None }
    }

    /// Some rows of the weights after the others, by panels, as threads sum them.
    fn check_panels<V: Vector>(self, weights: &[f32], bias: &[f32], batch: &[Vectors]) {
        let Self { inputs, outputs, .. } = self;
        let mut sums: Vec<Vec<f32>> = batch.iter().map(|_| vec![0.0; outputs]).collect();
        let middle = dense::PANEL.min(outputs / 2);
        for (rows, columns) in
            [(0..inputs / 3, middle..outputs), (0..inputs / 3, 0..middle), (inputs / 3..inputs, 0..outputs)]
        {
            let images = batch.iter().zip(&mut sums).map(|(image, z)| (&image.x[..], &mut z[columns.clone()]));
            let (mut images, first, panel): (Vec<_>, _, _) = (images.collect(), columns.start, dense::PANEL);
            let (images, scratch) = (&mut images[..], &mut vec![7.0; dense::ROOM][..]);
            V::outline(dense::AddInputs { op: self.op(), weights, inputs: rows, first, panel, images, scratch });
        }
        for (image, z) in batch.iter().zip(&mut sums) {
            dense::add_bias(z, bias);
            assert_same_bits(&*z, &image.z, "forward by panels");
        }
    }

    /// Input gradient and update in one pass, some rows on each thread.
    fn check_one_pass<V: Vector>(self, mut weights: Vec<f32>, updated: &[f32], batch: &[Vectors], sgd: &Sgd) {
        let Self { inputs, outputs, .. } = self;
        let mut gradients: Vec<Vec<f32>> = batch.iter().map(|_| vec![9.0; inputs]).collect();
        let (mut above, mut below) = (Vec::new(), Vec::new());
        for (image, gradient) in batch.iter().zip(&mut gradients) {
            let (these, those) = gradient.split_at_mut(inputs / 2);
            above.push((&image.delta[..], these));
            below.push((&image.delta[..], those));
        }
        let all: Vec<&[f32]> = batch.iter().map(|image| &image.x[..]).collect();
        let (upper, lower) = weights.split_at_mut(inputs / 2 * outputs);
        for (rows, first, images) in [(upper, 0, &mut above), (lower, inputs / 2, &mut below)] {
            let scratch = &mut vec![7.0; dense::update_scratch(outputs, all.len())][..];
            V::outline(dense::InputGradientAndUpdate { rows, outputs, first, inputs: &all, images, sgd, scratch });
        }
        assert_same_bits(&weights, updated, "weights in one pass");
        for (image, gradient) in batch.iter().zip(&gradients) {
            assert_same_bits(gradient, &image.gradient, "input gradient in one pass");
        }
    }
}

impl Kernel for Dense {
    fn run<V: Vector>(self) {
        let Self { inputs, outputs, images } = self;
        let mut random = Random((inputs * outputs + images) as u32);
        let (mut weights, mut bias) = (vec![0.0; inputs * outputs], vec![0.0; outputs]);
        random.fill(&mut weights, 1);
        random.fill(&mut bias, 1);
        let blank = || Vectors {
            x: vec![0.0; inputs],
            z: vec![9.0; outputs],
            on_device: vec![9.0; outputs],
            delta: vec![0.0; outputs],
            gradient: vec![9.0; inputs],
        };
        let mut batch: Vec<Vectors> = (0..images).map(|_| blank()).collect();
        for (number, image) in batch.iter_mut().enumerate() {
            let (many, few) = image.x.split_at_mut(inputs / 2);
            random.fill(many, 0);
            random.fill(few, 6);
            // Three neighbours have no zero, as behind sigmoids.
            let eighths = match number {
                1 => 8,
                3..6 => 0,
                _ => 4,
            };
            random.fill(&mut image.delta, eighths);
            if let Some(x) = image.x.first_mut() {
                *x = 0.0;
            }
        }

        for image in &mut batch {
            device::dense(&weights, &bias, &image.x, &mut image.on_device);
        }
        for group in batch.chunks_mut(dense::IMAGES) {
            for rows in [0..inputs / 3, inputs / 3..inputs] {
                let mut images: Vec<_> = group.iter_mut().map(|image| (&image.x[..], &mut image.z[..])).collect();
                let (weights, bias, images) = (&weights[..], &bias[..], &mut images[..]);
                let scratch = &mut vec![7.0; dense::ROOM][..];
                V::outline(dense::Forward { op: self.op(), weights, bias, inputs: rows, images, scratch });
            }
            let mut images: Vec<_> =
                group.iter_mut().map(|image| (&image.delta[..], &mut image.gradient[..])).collect();
            V::outline(dense::InputGradient { rows: &weights, outputs, images: &mut images });
        }
        for image in &batch {
            let z: Vec<f32> = (0..outputs)
                .map(|j| (0..inputs).fold(0.0, |z, i| z + image.x[i] * weights[i * outputs + j]) + bias[j])
                .collect();
            assert_same_bits(&image.z, &z, "forward");
            assert_same_bits(&image.on_device, &z, "forward on a device");
            let gradient: Vec<f32> = (0..inputs)
                .map(|i| (0..outputs).fold(0.0, |sum, j| sum + image.delta[j] * weights[i * outputs + j]))
                .collect();
            assert_same_bits(&image.gradient, &gradient, "input gradient");
        }
        if batch.len() <= dense::IMAGES {
            self.check_panels::<V>(&weights, &bias, &batch);
        }
        // The inputs and δ as they lie in a mini-batch's memory.
        let stride = inputs + outputs + 3;
        let mut memory = vec![0.0; images * stride];
        for (place, image) in memory.chunks_mut(stride).zip(&batch) {
            place[1..=inputs].copy_from_slice(&image.x);
            place[inputs + 2..inputs + 2 + outputs].copy_from_slice(&image.delta);
        }
        for sgd in SGD {
            let (mut ours, mut by_rows, mut naive) = (weights.clone(), weights.clone(), weights.clone());
            let middle = inputs / 2;
            let (upper, lower) = ours.split_at_mut(middle * outputs);
            let all: Vec<&[f32]> = batch.iter().map(|image| &image.x[..]).collect();
            let deltas: Vec<&[f32]> = batch.iter().map(|image| &image.delta[..]).collect();
            for (rows, first) in [(upper, 0), (lower, middle)] {
                // Half of them with the least scratch, which makes them go by columns.
                let scratch = if first == 0 { dense::update_scratch(outputs, all.len()) } else { dense::LEAST };
                let (inputs, deltas, scratch) = (&all[..], &deltas[..], &mut vec![7.0; scratch][..]);
                V::outline(dense::Update { rows, outputs, first, inputs, deltas, sgd: &sgd, scratch });
            }
            let (rows, memory, delta) = (&mut by_rows[..], &memory[..], inputs + 2);
            V::outline(dense::UpdateRows { rows, outputs, first: 0, memory, stride, input: 1, delta, sgd: &sgd });
            for (number, weight) in naive.iter_mut().enumerate() {
                let (i, j) = (number / outputs, number % outputs);
                let gradient = batch.iter().fold(0.0, |sum, image| sum + image.x[i] * image.delta[j]);
                *weight = *weight * sgd.decay - sgd.rate * gradient;
            }
            assert_same_bits(&by_rows, &naive, "weights, by rows");
            if batch.len() <= dense::ACROSS {
                assert_same_bits(&ours, &naive, "weights");
                self.check_one_pass::<V>(weights.clone(), &naive, &batch, &sgd);
            }

            let (mut ours, mut naive) = (bias.clone(), bias.clone());
            dense::update_bias(&mut ours, batch.iter().map(|image| &image.delta[..]), &sgd);
            for (j, bias) in naive.iter_mut().enumerate() {
                *bias -= sgd.rate * batch.iter().fold(0.0, |sum, image| sum + image.delta[j]);
            }
            assert_same_bits(&ours, &naive, "bias");
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Convolution {
    op: Conv,
    images: usize,
}

/// An image, its map after pooling, and the gradients in them.
struct Maps {
    image: Vec<f32>,
    out: Vec<f32>,
    origins: Vec<u8>,
    delta: Vec<f32>,
    gradient: Vec<f32>,
}

impl Convolution {
    /// For each pooled position by rows: its number, and those of the map's positions in it, by rows.
    fn squares(self) -> impl Iterator<Item = (usize, Vec<(usize, usize)>)> {
        let (columns, height, width) = (self.op.out_width(), self.op.pool_height(), self.op.pool_width());
        (0..self.op.out_height() * columns).map(move |number| {
            let (top, left) = (number / columns * height, number % columns * width);
            (number, (0..height * width).map(|at| (top + at / width, left + at % width)).collect())
        })
    }

    /// The numbers of the pixel values under the position (y, x), in the order of a filter's taps.
    fn window(self, (y, x): (usize, usize)) -> impl Iterator<Item = usize> {
        let Conv { width, channels, filter_width, stride, .. } = self.op;
        (0..self.op.taps()).map(move |tap| {
            let (ky, kx, c) = (tap / (filter_width * channels), tap / channels % filter_width, tap % channels);
            ((y * stride + ky) * width + x * stride + kx) * channels + c
        })
    }

    fn check_forward(self, image: &Maps, weights: &[f32], bias: &[f32], with_origins: bool, what: &str) {
        let filters = self.op.filters;
        for (number, positions) in self.squares() {
            for o in 0..filters {
                let (mut best, mut best_at, mut mean) = (f32::NEG_INFINITY, 0, 0.0);
                for (at, &position) in positions.iter().enumerate() {
                    let terms = self.window(position).zip((o..).step_by(filters));
                    let sum = terms.fold(0.0, |sum, (pixel, weight)| sum + image.image[pixel] * weights[weight]);
                    if sum > best {
                        (best, best_at) = (sum, at);
                    }
                    mean += sum;
                }
                if self.op.pooling == Pooling::Avg2 {
                    (best, best_at) = (mean / positions.len() as f32, 0);
                }
                let out = image.out[number * filters + o];
                assert_eq!(out.to_bits(), (best + bias[o]).to_bits(), "{what} {self:?}");
                let origin = usize::from(image.origins[number * filters + o]);
                assert!(!with_origins || origin == best_at, "position of the greatest {self:?}");
            }
        }
    }

    /// δ of channel `o` by positions, with their places in the map.
    fn deltas(self, image: &Maps, o: usize) -> Vec<(f32, (usize, usize))> {
        let mut deltas = Vec::new();
        for (number, positions) in self.squares() {
            let place = number * self.op.filters + o;
            match self.op.pooling {
                Pooling::Avg2 => {
                    let share = image.delta[place] / positions.len() as f32;
                    deltas.extend(positions.into_iter().map(|position| (share, position)));
                }
                _ => deltas.push((image.delta[place], positions[usize::from(image.origins[place])])),
            }
        }
        deltas
    }

    fn check_input_gradient(self, image: &Maps, weights: &[f32]) {
        let mut gradient = vec![0.0; self.op.inputs()];
        for o in 0..self.op.filters {
            for (delta, position) in self.deltas(image, o) {
                for (pixel, weight) in self.window(position).zip((o..).step_by(self.op.filters)) {
                    gradient[pixel] += delta * weights[weight];
                }
            }
        }
        assert_same_bits(&image.gradient, &gradient, "input gradient");
    }

    fn weight_gradient(self, batch: &[Maps], o: usize) -> Vec<f32> {
        let mut gradient = vec![0.0; self.op.taps()];
        for image in batch {
            for (delta, position) in self.deltas(image, o) {
                for (sum, pixel) in gradient.iter_mut().zip(self.window(position)) {
                    *sum += image.image[pixel] * delta;
                }
            }
        }
        gradient
    }
}

impl Kernel for Convolution {
    fn run<V: Vector>(self) {
        let op = self.op;
        let mut random = Random((op.inputs() * op.filters + self.images) as u32);
        let (mut weights, mut bias) = (vec![0.0; op.weights()], vec![0.0; op.filters]);
        random.fill(&mut weights, 1);
        random.fill(&mut bias, 1);
        let blank = || Maps {
            image: vec![0.0; op.inputs()],
            out: vec![9.0; op.outputs()],
            origins: vec![0; op.outputs()],
            delta: vec![0.0; op.outputs()],
            gradient: vec![9.0; op.inputs()],
        };
        let mut batch: Vec<Maps> = (0..self.images).map(|_| blank()).collect();
        for image in &mut batch {
            random.fill(&mut image.image, 4);
            // Rows without a value, and squares of equal sums.
            image.image[..op.height / 3 * op.width * op.channels].fill(0.0);
            random.fill(&mut image.delta, 4);
        }

        // Without scratch, the kernels of a microcontroller do the work.
        for (with_origins, scratch) in [(false, true), (true, true), (true, false)] {
            let mut scratch = vec![7.0; if scratch { conv::forward_scratch(op) } else { 0 }];
            let mut images: Vec<_> = batch
                .iter_mut()
                .map(|Maps { image, out, origins, .. }| {
                    out.fill(9.0);
                    conv::Image { pixels: image, values: out, origins: with_origins.then_some(origins) }
                })
                .collect();
            let (weights, bias, images, scratch) = (&weights[..], &bias[..], &mut images[..], &mut scratch[..]);
            V::outline(conv::Forward { op, weights, bias, images, scratch });
            batch.iter().for_each(|image| self.check_forward(image, weights, bias, with_origins, "forward"));
        }
        // All that it asks for, and what one filter takes.
        let least = conv::input_gradient_scratch(Conv { filters: 1, ..op });
        for scratch in [conv::input_gradient_scratch(op), least, least - op.inputs()] {
            let mut scratch = vec![7.0; scratch];
            let mut images: Vec<_> = batch
                .iter_mut()
                .map(|Maps { delta, origins, gradient, .. }| {
                    gradient.fill(9.0);
                    conv::Backward { delta, origins, gradient }
                })
                .collect();
            let (weights, images, scratch) = (&weights[..], &mut images[..], &mut scratch[..]);
            V::outline(conv::InputGradient { op, weights, images, scratch });
            batch.iter().for_each(|image| self.check_input_gradient(image, weights));
        }

        // As a mini-batch's memory has them.
        let origins_len = op.outputs().div_ceil(4);
        let stride = 1 + op.inputs() + op.outputs() + origins_len;
        let (input, delta, origins) = (1, 1 + op.inputs(), 1 + op.inputs() + op.outputs());
        let mut memory = vec![0.0; batch.len() * stride];
        for (place, image) in memory.chunks_mut(stride).zip(&batch) {
            place[input..delta].copy_from_slice(&image.image);
            place[delta..origins].copy_from_slice(&image.delta);
            place[origins..].as_mut_bytes()[..op.outputs()].copy_from_slice(&image.origins);
        }
        let samples = conv::Samples { memory: &memory, stride, input, delta, origins };
        for sgd in SGD {
            let (mut ours, mut naive) = (weights.clone(), weights.clone());
            let mut gradients = vec![7.0; op.weights()];
            let middle = op.filters / 2;
            let (some, others) = gradients.split_at_mut(middle * op.taps());
            for (gradients, start) in [(some, 0), (others, middle)] {
                for (gradients, first) in
                    gradients.chunks_mut(conv::FILTERS * op.taps()).zip((start..).step_by(conv::FILTERS))
                {
                    let mut scratch = vec![7.0; conv::gradient_scratch(op, gradients.len() / op.taps())];
                    V::outline(conv::Gradient { op, gradients, first, samples, scratch: &mut scratch });
                    let some = 7.min(op.taps()) * op.filters;
                    let (upper, lower) = ours.split_at_mut(some);
                    for (taps, tap) in [(upper, 0), (lower, some / op.filters)] {
                        V::outline(conv::Step { op, taps, tap, gradients, first, sgd: &sgd });
                    }
                }
            }
            for o in 0..op.filters {
                let gradient = self.weight_gradient(&batch, o);
                for (weight, gradient) in naive.iter_mut().skip(o).step_by(op.filters).zip(gradient) {
                    *weight = *weight * sgd.decay - sgd.rate * gradient;
                }
            }
            assert_same_bits(&ours, &naive, "filters");

            let (mut ours, mut naive) = (bias.clone(), bias.clone());
            conv::update_bias(op, &mut ours, &samples, &sgd);
            for (o, bias) in naive.iter_mut().enumerate() {
                let deltas = batch.iter().flat_map(|image| image.delta.iter().skip(o).step_by(op.filters));
                *bias -= sgd.rate * deltas.fold(0.0, |sum, delta| sum + delta);
            }
            assert_same_bits(&ours, &naive, "bias");
        }
    }
}

#[derive(Clone, Copy)]
struct Dropout {
    images: usize,
    values: usize,
}

impl Kernel for Dropout {
    fn run<V: Vector>(self) {
        const THRESHOLD: u32 = 0x5000_0000;
        let mut random = Random(self.values as u32);
        let mut values = || {
            let mut values = std::vec![0.0; self.values];
            random.fill(&mut values, 1);
            values
        };
        let inputs: Vec<Vec<f32>> = (0..self.images).map(|_| values()).collect();
        let (mut kept, mut outputs) = (inputs.clone(), inputs.clone());
        let seeds: Vec<u64> = (0..self.images as u64).map(|image| 77 * image).collect();
        let places = inputs.iter().zip(&mut kept).zip(&mut outputs).zip(&seeds);
        let mut images: Vec<_> =
            places.map(|(((input, kept), output), &random)| dropout::Image { random, input, kept, output }).collect();
        V::outline(dropout::Forward { images: &mut images, threshold: THRESHOLD });
        let seeds: Vec<u64> = images.iter().map(|image| image.random).collect();
        for (image, input) in inputs.iter().enumerate() {
            let mut rng = XorShiftRng::seed_from_u64(77 * image as u64);
            assert_eq!(seeds[image], rng.next_u64(), "what the next layer's numbers begin from");
            let naive: Vec<f32> = input.iter().map(|_| if rng.next_u32() < THRESHOLD { 0.0 } else { 1.0 }).collect();
            assert_same_bits(&kept[image], &naive, "kept");
            let naive: Vec<f32> = input.iter().zip(naive).map(|(input, kept)| input * kept).collect();
            assert_same_bits(&outputs[image], &naive, "output");
        }
    }
}

#[test]
fn dropout_has_the_numbers_of_plain_loops() {
    for images in [1, 10, 16] {
        for values in [1, 30, 64, 100, 640] {
            on_each_width(Dropout { images, values });
        }
    }
}

#[test]
fn dense_layers_have_the_bits_of_plain_loops() {
    let sizes = [
        (3, 0),
        (0, 5),
        (3, 1),
        (3, 7),
        (16, 10),
        (16, 33),
        (37, 30),
        (37, 33),
        (130, 100),
        (100, 290),
        (290, 512),
        (3, 530),
        (70, 129),
    ];
    for (inputs, outputs) in sizes {
        for images in [1, 3, 10] {
            on_each_width(Dense { inputs, outputs, images });
        }
    }
    // So many images, or inputs, that what they read is packed.
    on_each_width(Dense { inputs: 290, outputs: 512, images: 64 });
    on_each_width(Dense { inputs: 1040, outputs: 10, images: 18 });
    // More images than an update turns, and than share what is read of the weights.
    on_each_width(Dense { inputs: 37, outputs: 10, images: dense::ACROSS + 1 });
    on_each_width(Dense { inputs: 37, outputs: 10, images: dense::IMAGES + 1 });
}

#[test]
fn convolutions_have_the_bits_of_plain_loops() {
    use Pooling::{Avg2, Max2, None};
    let check = |(height, width, channels), filters, (filter_height, filter_width), stride, pooling, images| {
        let (padding, activation) = (Padding::Valid, Function::Identity);
        let op = Conv {
            height,
            width,
            channels,
            filter_height,
            filter_width,
            filters,
            stride,
            padding,
            pooling,
            activation,
            bits: Option::None,
        };
        on_each_width(Convolution { op, images });
    };
    for images in [1, 3, 10] {
        for (image, filters, pooling) in [
            ((5, 5, 1), 1, None),
            ((6, 6, 1), 4, Max2),
            ((8, 10, 1), 20, Max2),
            ((7, 9, 1), 5, None),
            ((8, 8, 1), 5, None),
            ((6, 8, 2), 5, Max2),
            ((7, 6, 3), 20, None),
            ((8, 12, 3), 40, Max2),
            ((8, 8, 20), 4, Max2),
            ((6, 14, 20), 40, Max2),
            ((7, 7, 3), 50, None),
            ((8, 6, 1), 50, Max2),
            ((6, 7, 17), 16, None),
        ] {
            check(image, filters, (5, 5), 1, pooling, images);
        }
    }
    for (image, filters, filter, pooling) in [
        ((6, 8, 1), 6, (3, 3), Max2),
        ((7, 9, 4), 10, (3, 3), None),
        ((1, 20, 3), 8, (1, 5), None),
        ((4, 4, 8), 20, (1, 1), Max2),
        ((9, 8, 1), 3, (2, 7), Max2),
        ((8, 8, 16), 16, (3, 3), Max2),
        ((9, 9, 2), 3, (8, 8), Max2),
        ((12, 12, 1), 5, (9, 9), None),
        ((10, 10, 1), 6, (3, 3), Avg2),
        ((8, 8, 5), 6, (3, 3), Avg2),
        ((1, 16, 3), 8, (1, 5), Max2),
        ((1, 16, 1), 8, (1, 5), Avg2),
        ((9, 5, 2), 4, (2, 5), Max2),
    ] {
        check(image, filters, filter, 1, pooling, 3);
    }
    for (image, filters, filter, stride, pooling) in [
        ((9, 9, 1), 6, (3, 3), 2, Max2),
        ((12, 12, 1), 5, (5, 5), 2, Avg2),
        ((8, 8, 1), 5, (1, 1), 2, None),
        ((12, 11, 3), 7, (3, 3), 2, None),
        ((13, 13, 8), 20, (5, 5), 2, None),
        ((13, 17, 4), 9, (5, 3), 3, None),
        ((10, 10, 2), 3, (2, 2), 4, None),
        ((9, 10, 2), 3, (1, 1), 3, None),
        ((17, 17, 3), 8, (7, 7), 2, Avg2),
        ((1, 40, 3), 8, (1, 9), 4, Max2),
    ] {
        check(image, filters, filter, stride, pooling, 3);
    }
    // More hits than are kept at a time.
    check((24, 24, 1), 4, (5, 5), 1, None, 3);
    check((24, 24, 2), 4, (5, 5), 1, None, 3);
    check((24, 24, 2), 4, (5, 5), 1, Avg2, 3);
    // A row of more positions than hits that are kept.
    check((5, 300, 2), 3, (5, 5), 1, None, 2);
    // More values under a strip than its list can count, and under a filter.
    check((5, 9, 2000), 2, (5, 5), 1, None, 1);
    check((5, 6, 14_000), 1, (5, 5), 1, None, 1);
}
