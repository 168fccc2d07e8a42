//! What convolutions of all kinds cost beside the book's 5x5: nanoseconds on one thread for a thousand multiplications with
//! a weight, as a table for docs/performance.md. `cargo run --release -p benches --bin convolutions`
//!
//! Ten images; half of an image's values are zero, as behind a ReLU, and half of the gradient in the outputs. Each number is
//! the least of many runs.

use benches::threads;
use host::architecture::Architecture;
use host::executor::Threads;
use minnet::batch::{Images, Place};
use minnet::op::{Conv, Op};
use minnet::prelude::Sgd;
use std::time::{Duration, Instant};

const IMAGES: usize = 10;
/// How long each pass is measured.
const TIME: Duration = Duration::from_millis(400);

/// Convolutions of the same channels, each group of texts beside the first of them.
const GROUPS: [&[&str]; 3] = [
    &[
        "16x16x16: conv5x5 32 relu",
        "14x14x16: conv3x3 32 relu",
        "12x12x16: conv3x3 32 same relu",
        "25x25x16: conv3x3 32 stride 2 relu",
        "12x12x16: conv1x1 32 relu",
        "18x18x16: conv7x7 32 relu",
        "1x152x16: conv1x9 32 relu",
    ],
    &[
        "16x16x16: conv5x5 32 maxpool2 relu",
        "14x14x16: conv3x3 32 maxpool2 relu",
        "14x14x16: conv3x3 32 avgpool2 relu",
        "12x12x32: conv3x3 64 maxpool2 relu",
    ],
    &[
        "28x28x1: conv5x5 16 maxpool2 relu",
        "28x28x1: conv3x3 16 maxpool2 relu",
        "28x28x1: conv7x7 16 stride 2 same relu",
        "1x128x1: conv1x9 16 maxpool2 relu",
    ],
];

fn main() {
    let executor = threads(1);
    println!("| convolution | inference | to 5x5 | training | to 5x5 |\n|---|---|---|---|---|");
    for group in GROUPS {
        let mut first = None;
        for text in group {
            let network = Architecture::parse(text).expect("a network");
            let Some(Op::Conv(op)) = network.layers().first() else { continue };
            // Nobody asks for the gradient in a network's pixels.
            let [inference, training] = measure(*op, op.channels > 1, &executor);
            let [of_inference, of_training] = *first.get_or_insert([inference, training]);
            let (a, b) = (inference / of_inference, training / of_training);
            println!("| `{text}` | {inference:.0} | {a:.2} | {training:.0} | {b:.2} |");
        }
    }
}

/// Nanoseconds for a thousand multiplications of inference, and of a training step.
fn measure(op: Conv, has_gradient: bool, executor: &Threads) -> [f64; 2] {
    let mut random = Random(1);
    let mut weights: Vec<f32> = (0..op.weights()).map(|_| random.next() / 10.0).collect();
    let mut bias: Vec<f32> = (0..op.filters).map(|_| random.next() / 10.0).collect();
    let pixels: Vec<f32> = (0..op.inputs()).map(|_| random.next().max(0.0)).collect();

    let stride = op.padded_inputs() + op.outputs();
    let mut ram = vec![0.0; IMAGES * stride];
    let inference = least(|| {
        // The padding goes into the image's place.
        ram.chunks_mut(stride).for_each(|image| image[..op.inputs()].copy_from_slice(&pixels));
        op.infer(&weights, &bias, Images::new(&mut ram, stride), 0, op.padded_inputs(), executor);
    });

    let own = 2 * op.inputs();
    let stride = (own + op.saved()).next_multiple_of(16);
    let mut memory = vec![0.0; IMAGES * stride];
    memory.chunks_mut(stride).for_each(|image| image[..op.inputs()].copy_from_slice(&pixels));
    let input = Place { values: 0, gradient: has_gradient.then_some(op.inputs()) };
    let forward = least(|| op.forward(&weights, &bias, Images::new(&mut memory, stride), input, own, executor));
    if let Some(delta) = op.output(own).gradient {
        for image in memory.chunks_mut(stride) {
            image[delta..delta + op.outputs()].iter_mut().for_each(|delta| *delta = random.next().max(0.0));
        }
    }
    let backward = least(|| op.backward(&weights, Images::new(&mut memory, stride), input, own, executor));
    let sgd = Sgd { decay: 1.0, rate: 1e-9 };
    let images = Images::new(&mut memory, stride);
    let update = least(|| op.update(&mut weights, &mut bias, &images, input, own, &sgd, executor));
    [inference, forward + backward + update].map(|time| time * 1e12 / (IMAGES * op.macs()) as f64)
}

/// The least seconds of many runs.
fn least(mut run: impl FnMut()) -> f64 {
    let (begin, mut least) = (Instant::now(), f64::MAX);
    while begin.elapsed() < TIME {
        let begin = Instant::now();
        run();
        least = least.min(begin.elapsed().as_secs_f64());
    }
    least
}

/// Numbers between -1 and 1.
struct Random(u32);

impl Random {
    fn next(&mut self) -> f32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (self.0 >> 8) as f32 / (1 << 23) as f32 - 1.0
    }
}
