//! Every kernel once more as plain loops in the documented order, which the kernels must match to the last bit.

#![allow(clippy::needless_range_loop, reason = "indices as in the formulas")]

use super::conv5x5::{self, Filter, Output};
use super::{dense, device, dropout, vector::Vector};
use crate::executor::Kernel;
use crate::pool::{MaxPool2, NoPool, Pool};
use crate::sgd::Sgd;
use core::marker::PhantomData;
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;

extern crate std;
use std::vec::Vec;

const SGD: [Sgd; 2] = [Sgd { decay: 1.0, rate: 0.03 }, Sgd { decay: 0.97, rate: 0.11 }];

/// Runs a kernel on every width of vectors that this machine has.
fn on_each_width(kernel: impl Kernel + Copy) {
    kernel.run::<[f32; 4]>();
    kernel.run::<[f32; 2]>();
    kernel.run::<[f32; 1]>();
    #[cfg(target_arch = "x86_64")]
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
    assert!(!ours.is_empty() && ours == naive, "{what}");
}

#[derive(Clone, Copy)]
struct Dense<const IN: usize, const OUT: usize> {
    images: usize,
}

/// x, z, and the gradients in them.
struct Vectors<const IN: usize, const OUT: usize> {
    x: [f32; IN],
    z: [f32; OUT],
    on_device: [f32; OUT],
    delta: [f32; OUT],
    gradient: [f32; IN],
}

impl<const IN: usize, const OUT: usize> Dense<IN, OUT> {
    /// Some rows of the weights after the others, by panels, as threads sum them.
    fn check_panels<V: Vector>(weights: &[[f32; OUT]; IN], bias: &[f32; OUT], batch: &[Vectors<IN, OUT>]) {
        let mut outputs: Vec<[f32; OUT]> = batch.iter().map(|_| [0.0; OUT]).collect();
        for (rows, columns) in [(0..IN / 3, dense::PANEL..OUT), (0..IN / 3, 0..dense::PANEL), (IN / 3..IN, 0..OUT)] {
            let images = batch.iter().zip(&mut outputs).map(|(image, z)| (&image.x, &mut z[columns.clone()]));
            dense::add_panels::<V, IN, OUT>(weights, rows, columns.start, &mut images.collect::<Vec<_>>());
        }
        for (image, z) in batch.iter().zip(&mut outputs) {
            dense::add_bias(z, bias);
            assert_same_bits(&*z, &image.z, "forward by panels");
        }
    }

    /// Input gradient and update in one pass, some rows on each thread.
    fn check_one_pass<V: Vector>(
        mut weights: [[f32; OUT]; IN],
        updated: &[[f32; OUT]; IN],
        batch: &[Vectors<IN, OUT>],
        sgd: &Sgd,
    ) {
        let mut gradients: Vec<[f32; IN]> = batch.iter().map(|_| [9.0; IN]).collect();
        let (mut above, mut below) = (Vec::new(), Vec::new());
        for (image, gradient) in batch.iter().zip(&mut gradients) {
            let (these, those) = gradient.split_at_mut(IN / 2);
            above.push((&image.x, &image.delta, these));
            below.push((&image.x, &image.delta, those));
        }
        let (upper, lower) = weights.split_at_mut(IN / 2);
        dense::input_gradient_and_update::<V, IN, OUT>(upper, 0, &mut above, sgd);
        dense::input_gradient_and_update::<V, IN, OUT>(lower, IN / 2, &mut below, sgd);
        assert_same_bits(weights.as_flattened(), updated.as_flattened(), "weights in one pass");
        for (image, gradient) in batch.iter().zip(&gradients) {
            assert_same_bits(gradient, &image.gradient, "input gradient in one pass");
        }
    }
}

impl<const IN: usize, const OUT: usize> Kernel for Dense<IN, OUT> {
    fn run<V: Vector>(self) {
        let mut random = Random((IN * OUT + self.images) as u32);
        let (mut weights, mut bias) = ([[0.0; OUT]; IN], [0.0; OUT]);
        random.fill(weights.as_flattened_mut(), 1);
        random.fill(&mut bias, 1);
        let blank =
            || Vectors { x: [0.0; IN], z: [9.0; OUT], on_device: [9.0; OUT], delta: [0.0; OUT], gradient: [9.0; IN] };
        let mut batch: Vec<Vectors<IN, OUT>> = (0..self.images).map(|_| blank()).collect();
        for (number, image) in batch.iter_mut().enumerate() {
            let (many, few) = image.x.split_at_mut(IN / 2);
            random.fill(many, 0);
            random.fill(few, 6);
            // Three neighbours have no zero, as behind sigmoids.
            let eighths = match number {
                1 => 8,
                3..6 => 0,
                _ => 4,
            };
            random.fill(&mut image.delta, eighths);
            image.x[0] = 0.0;
        }

        for image in &mut batch {
            device::dense(&weights, &bias, &image.x, &mut image.on_device);
        }
        for inputs in [0..IN / 3, IN / 3..IN] {
            dense::forward::<V, _, IN, OUT>(&weights, &bias, inputs, &mut batch, |image| (&image.x, &mut image.z));
        }
        dense::input_gradient::<V, _, OUT>(&weights, &mut batch, |image| (&image.delta, &mut image.gradient));
        for image in &batch {
            let z = core::array::from_fn::<_, OUT, _>(|j| {
                (0..IN).fold(0.0, |z, i| z + image.x[i] * weights[i][j]) + bias[j]
            });
            assert_same_bits(&image.z, &z, "forward");
            assert_same_bits(&image.on_device, &z, "forward on a device");
            let gradient = weights.map(|row| (0..OUT).fold(0.0, |sum, j| sum + image.delta[j] * row[j]));
            assert_same_bits(&image.gradient, &gradient, "input gradient");
        }
        if OUT >= dense::WIDE {
            Self::check_panels::<V>(&weights, &bias, &batch);
        }
        for sgd in SGD {
            let (mut ours, mut by_rows, mut naive) = (weights, weights, weights);
            let middle = IN / 2;
            let (upper, lower) = ours.split_at_mut(middle);
            for (rows, first) in [(upper, 0), (lower, middle)] {
                dense::update::<V, _, IN, OUT>(rows, first, &batch, |image| (&image.x, &image.delta), &sgd);
            }
            dense::update_rows::<V, _, IN, OUT>(&mut by_rows, 0, &batch, |image| (&image.x, &image.delta), &sgd);
            for (i, row) in naive.iter_mut().enumerate() {
                for (j, weight) in row.iter_mut().enumerate() {
                    let gradient = batch.iter().fold(0.0, |sum, image| sum + image.x[i] * image.delta[j]);
                    *weight = *weight * sgd.decay - sgd.rate * gradient;
                }
            }
            assert_same_bits(ours.as_flattened(), naive.as_flattened(), "weights");
            assert_same_bits(by_rows.as_flattened(), naive.as_flattened(), "weights, by rows");
            if batch.len() <= dense::IMAGES {
                Self::check_one_pass::<V>(weights, &naive, &batch, &sgd);
            }

            let (mut ours, mut naive) = (bias, bias);
            dense::update_bias(&mut ours, &batch, |image| &image.delta, &sgd);
            for (j, bias) in naive.iter_mut().enumerate() {
                *bias -= sgd.rate * batch.iter().fold(0.0, |sum, image| sum + image.delta[j]);
            }
            assert_same_bits(&ours, &naive, "bias");
        }
    }
}

#[derive(Clone, Copy)]
struct Conv<P, const H: usize, const W: usize, const C: usize, const O: usize> {
    images: usize,
    pool: PhantomData<P>,
}

/// An image, its map after pooling, and the gradients in them.
struct Maps<const H: usize, const W: usize, const C: usize> {
    image: [[[f32; C]; W]; H],
    out: Vec<f32>,
    which: Vec<u8>,
    delta: Vec<f32>,
    gradient: [[[f32; C]; W]; H],
}

impl<P: Pool, const H: usize, const W: usize, const C: usize, const O: usize> Conv<P, H, W, C, O> {
    /// For each pooled position by rows: its number, and those of the map's positions in it, by rows.
    fn squares() -> impl Iterator<Item = (usize, Vec<(usize, usize)>)> {
        let width = (W - 4) / P::POOLING.side();
        (0..(H - 4) / P::POOLING.side() * width).map(move |number| {
            let (top, left) = (number / width * P::POOLING.side(), number % width * P::POOLING.side());
            (
                number,
                (0..P::POOLING.side() * P::POOLING.side())
                    .map(|at| (top + at / P::POOLING.side(), left + at % P::POOLING.side()))
                    .collect(),
            )
        })
    }

    fn check_forward(image: &Maps<H, W, C>, filters: &[[[[f32; O]; C]; 5]; 5], bias: &[f32; O], with_which: bool) {
        for (number, positions) in Self::squares() {
            for o in 0..O {
                let (mut best, mut best_at) = (f32::NEG_INFINITY, 0);
                for (at, &(y, x)) in positions.iter().enumerate() {
                    let mut sum = 0.0;
                    for ky in 0..5 {
                        for kx in 0..5 {
                            for c in 0..C {
                                sum += image.image[y + ky][x + kx][c] * filters[ky][kx][c][o];
                            }
                        }
                    }
                    if sum > best {
                        (best, best_at) = (sum, at);
                    }
                }
                assert_eq!(image.out[number * O + o].to_bits(), (best + bias[o]).to_bits(), "forward");
                assert!(!with_which || usize::from(image.which[number * O + o]) == best_at, "position of the greatest");
            }
        }
    }

    /// δ of channel `o` by positions, with their places in the map.
    fn deltas(image: &Maps<H, W, C>, o: usize) -> Vec<(f32, (usize, usize))> {
        Self::squares()
            .map(|(number, positions)| {
                (image.delta[number * O + o], positions[usize::from(image.which[number * O + o])])
            })
            .collect()
    }

    fn check_input_gradient(image: &Maps<H, W, C>, filters: &[[[[f32; O]; C]; 5]; 5]) {
        let mut gradient = [[[0.0; C]; W]; H];
        for o in 0..O {
            for (delta, (y, x)) in Self::deltas(image, o) {
                for ky in 0..5 {
                    for kx in 0..5 {
                        for c in 0..C {
                            gradient[y + ky][x + kx][c] += delta * filters[ky][kx][c][o];
                        }
                    }
                }
            }
        }
        let (ours, naive) = (image.gradient.as_flattened(), gradient.as_flattened());
        assert_same_bits(ours.as_flattened(), naive.as_flattened(), "input gradient");
    }

    fn weight_gradient(batch: &[Maps<H, W, C>], o: usize) -> Filter<C> {
        let mut gradient = [[[0.0; C]; 5]; 5];
        for image in batch {
            for (delta, (y, x)) in Self::deltas(image, o) {
                for (ky, row) in gradient.iter_mut().enumerate() {
                    for (kx, tap) in row.iter_mut().enumerate() {
                        for (c, sum) in tap.iter_mut().enumerate() {
                            *sum += image.image[y + ky][x + kx][c] * delta;
                        }
                    }
                }
            }
        }
        gradient
    }
}

impl<P: Pool, const H: usize, const W: usize, const C: usize, const O: usize> Kernel for Conv<P, H, W, C, O> {
    fn run<V: Vector>(self) {
        let mut random = Random((H * W * C * O + self.images) as u32);
        let (mut filters, mut bias) = ([[[[0.0; O]; C]; 5]; 5], [0.0; O]);
        random.fill(filters.as_flattened_mut().as_flattened_mut().as_flattened_mut(), 1);
        random.fill(&mut bias, 1);
        let outputs = (H - 4) / P::POOLING.side() * ((W - 4) / P::POOLING.side()) * O;
        let blank = || Maps {
            image: [[[0.0; C]; W]; H],
            out: std::vec![9.0; outputs],
            which: std::vec![0; outputs],
            delta: std::vec![0.0; outputs],
            gradient: [[[9.0; C]; W]; H],
        };
        let mut batch: Vec<Maps<H, W, C>> = (0..self.images).map(|_| blank()).collect();
        for image in &mut batch {
            random.fill(image.image.as_flattened_mut().as_flattened_mut(), 4);
            // Rows without a value, and squares of equal sums.
            image.image[..H / 3].as_flattened_mut().as_flattened_mut().fill(0.0);
            random.fill(&mut image.delta, 4);
        }

        for with_which in [false, true] {
            for image in &mut batch {
                let which = with_which.then_some(&mut image.which[..]);
                let mut out = Output { values: &mut image.out, which };
                device::convolve::<P, H, W, C, O>(&image.image, &filters, &bias, &mut out);
                Self::check_forward(image, &filters, &bias, with_which);
                image.out.fill(9.0);
            }
            conv5x5::forward::<V, _, P, H, W, C, O>(&filters, &bias, &mut batch, |image| {
                let which = with_which.then_some(&mut image.which[..]);
                (&image.image, Output { values: &mut image.out, which })
            });
            batch.iter().for_each(|image| Self::check_forward(image, &filters, &bias, with_which));
        }
        conv5x5::input_gradient::<V, _, P, H, W, C, O>(&filters, &mut batch, |image| {
            (&image.delta, &image.which, &mut image.gradient)
        });
        batch.iter().for_each(|image| Self::check_input_gradient(image, &filters));

        for sgd in SGD {
            let (mut ours, mut naive) = (filters, filters);
            let mut gradients: [Option<Filter<C>>; O] = [const { None }; O];
            let (some, others) = gradients.split_at_mut(O / 2);
            for (gradients, first) in [(some, 0), (others, O / 2)] {
                conv5x5::gradient::<V, _, P, H, W, C, O>(gradients, first, &batch, |image| {
                    (&image.image, &image.delta, &image.which)
                });
                let taps = ours.as_flattened_mut().as_flattened_mut();
                let (upper, lower) = taps.split_at_mut(7);
                conv5x5::step::<V, C, O>(upper, 0, gradients, first, &sgd);
                conv5x5::step::<V, C, O>(lower, 7, gradients, first, &sgd);
            }
            let naive_gradients: Vec<_> = (0..O).map(|o| Self::weight_gradient(&batch, o)).collect();
            for (tap, weights) in naive.as_flattened_mut().iter_mut().enumerate() {
                for (weights, c) in weights.iter_mut().zip(0..) {
                    for (weight, gradient) in weights.iter_mut().zip(&naive_gradients) {
                        *weight = *weight * sgd.decay - sgd.rate * gradient[tap / 5][tap % 5][c];
                    }
                }
            }
            let (ours, naive) = (ours.as_flattened().as_flattened(), naive.as_flattened().as_flattened());
            assert_same_bits(ours.as_flattened(), naive.as_flattened(), "filters");

            let (mut ours, mut naive) = (bias, bias);
            conv5x5::update_bias(&mut ours, &batch, |image| &image.delta, &sgd);
            for (o, bias) in naive.iter_mut().enumerate() {
                let deltas = batch.iter().flat_map(|image| Self::deltas(image, o));
                *bias -= sgd.rate * deltas.fold(0.0, |sum, (delta, _)| sum + delta);
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
        let mut seeds: Vec<u64> = (0..self.images as u64).map(|image| 77 * image).collect();
        let places = inputs.iter().zip(&mut kept).zip(&mut outputs).zip(&mut seeds);
        let mut images: Vec<_> =
            places.map(|(((input, kept), output), random)| dropout::Image { random, input, kept, output }).collect();
        dropout::forward(&mut images, THRESHOLD);
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
    macro_rules! check {
        ($($inputs:literal x $outputs:literal),*) => {
            for images in [1, 3, 10] {
                $(on_each_width(Dense::<$inputs, $outputs> { images });)*
            }
        };
    }
    let check = || {
        check!(3 x 1, 3 x 7, 16 x 10, 16 x 33, 37 x 30, 37 x 33, 130 x 100, 100 x 290, 290 x 512, 3 x 530);
        // So many images, or inputs, that what they read is packed.
        on_each_width(Dense::<290, 512> { images: 64 });
        on_each_width(Dense::<1040, 10> { images: 18 });
        // More images than an update turns, and than share what is read of the weights.
        on_each_width(Dense::<37, 10> { images: dense::ACROSS + 1 });
        on_each_width(Dense::<37, 10> { images: dense::IMAGES + 1 });
    };
    // The larger ones do not fit in the stack that a test is given.
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(check);
    assert!(thread.is_ok_and(|thread| thread.join().is_ok()));
}

#[test]
fn convolutions_have_the_bits_of_plain_loops() {
    macro_rules! check {
        ($($height:literal x $width:literal x $channels:literal to $filters:literal $pool:ty),*) => {
            for images in [1, 3, 10] {
                $(on_each_width(Conv::<$pool, $height, $width, $channels, $filters> { images, pool: PhantomData });)*
            }
        };
    }
    check!(
        5 x 5 x 1 to 1 NoPool, 6 x 6 x 1 to 4 MaxPool2, 8 x 10 x 1 to 20 MaxPool2, 7 x 9 x 1 to 5 NoPool,
        8 x 8 x 1 to 5 NoPool, 6 x 8 x 2 to 5 MaxPool2, 7 x 6 x 3 to 20 NoPool, 8 x 12 x 3 to 40 MaxPool2,
        8 x 8 x 20 to 4 MaxPool2, 6 x 14 x 20 to 40 MaxPool2, 7 x 7 x 3 to 50 NoPool,
        8 x 6 x 1 to 50 MaxPool2, 6 x 7 x 17 to 16 NoPool
    );
    // More hits than are kept at a time.
    on_each_width(Conv::<NoPool, 24, 24, 1, 4> { images: 3, pool: PhantomData });
}
