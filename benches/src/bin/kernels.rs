//! What each layer costs: trains network (c) in mini-batches of ten on one thread, an operator at a time, and prints a
//! table for docs/performance.md. `cargo run --release -p benches --bin kernels`

use benches::{C, load, memory, threads, trained};
use minnet::batch::{Batch, Images, Place};
use minnet::module::Module;
use minnet::op::Op;
use minnet::prelude::Sgd;
use std::time::{Duration, Instant};

const BATCH: usize = 10;
const STEPS: usize = 2000;
/// Floating-point operations of a training image of (c), if none is left out.
const FLOP: f64 = 9.222e6;

/// What a layer does in a step.
const WORK: [&str; 4] = ["forward", "slope of the activation", "backward", "update"];

/// A layer, where its input lies in an image's memory, where what it saves begins there, and its parameters.
struct Layer {
    op: Op,
    input: Place,
    saved: usize,
    weights: Vec<f32>,
    biases: Vec<f32>,
    /// How long it took to do each [`WORK`].
    took: [Duration; WORK.len()],
}

fn main() {
    let threads = threads(1);
    let network = trained(C, &threads);
    let (layout, cost) = (network.layout(), network.cost());
    let (mut input, mut saved) = layout.input();
    let mut layers = Vec::new();
    for (op, weights, biases) in network.each_layer() {
        let (weights, biases) = (weights.to_vec(), biases.to_vec());
        layers.push(Layer { op, input, saved, weights, biases, took: [Duration::ZERO; WORK.len()] });
        input = match op {
            Op::Dense(op) => op.output(saved),
            Op::Conv(op) => op.output(saved),
            Op::Flatten(_) => input,
            Op::Dropout(op) => op.output(saved),
            Op::GlobalAvgPool(op) => op.output(saved),
        };
        saved += op.saved();
    }

    let mut memory = memory(&network, BATCH);
    let sgd = Sgd::new(0.001, BATCH);
    let begin = Instant::now();
    for step in 0..STEPS {
        let mut batch = Batch::new(&mut memory, layout);
        load(&mut batch, step * BATCH, &threads);
        let targets: Vec<Vec<f32>> = (0..BATCH).map(|image| batch.target(image).to_vec()).collect();
        let mut images = Images::new(&mut memory, layout.stride());
        for Layer { op, input, saved, weights, biases, took } in &mut layers {
            let (begin, images) = (Instant::now(), images.reborrow());
            match op {
                Op::Dense(op) => op.forward(weights, biases, images, *input, *saved, &threads),
                Op::Conv(op) => op.forward(weights, biases, images, *input, *saved, &threads),
                Op::Flatten(_) => {}
                Op::Dropout(op) => op.forward(images, *input, *saved, &threads),
                Op::GlobalAvgPool(op) => op.forward(images, *input, *saved, &threads),
            }
            took[0] += begin.elapsed();
        }
        for (image, target) in images.iter_mut().zip(&targets) {
            let output = image[layout.output.values..][..layout.outputs].to_vec();
            if let Some(place) = layout.output.gradient {
                cost.delta(network.activation(), &output, target, &mut image[place..place + layout.outputs]);
            }
        }
        for (number, Layer { op, input, saved, weights, took, .. }) in layers.iter_mut().rev().enumerate() {
            let begin = Instant::now();
            match op {
                // The last layer's δ is the cost's.
                _ if number == 0 => {}
                Op::Dense(op) => op.activation_gradient(images.reborrow(), *saved, &threads),
                Op::Conv(op) => op.activation_gradient(images.reborrow(), *saved, &threads),
                Op::Flatten(_) | Op::Dropout(_) | Op::GlobalAvgPool(_) => {}
            }
            took[1] += begin.elapsed();
            let (begin, images) = (Instant::now(), images.reborrow());
            match op {
                Op::Dense(op) => op.backward(weights, images, *input, *saved, &threads),
                Op::Conv(op) => op.backward(weights, images, *input, *saved, &threads),
                Op::Flatten(_) => {}
                Op::Dropout(op) => op.backward(images, *input, *saved, &threads),
                Op::GlobalAvgPool(op) => op.backward(images, *input, *saved, &threads),
            }
            took[2] += begin.elapsed();
        }
        for Layer { op, input, saved, weights, biases, took } in layers.iter_mut().rev() {
            let begin = Instant::now();
            match op {
                Op::Dense(op) => op.update(weights, biases, &images, *input, *saved, &sgd, &threads),
                Op::Conv(op) => op.update(weights, biases, &images, *input, *saved, &sgd, &threads),
                Op::Flatten(_) | Op::Dropout(_) | Op::GlobalAvgPool(_) => {}
            }
            took[3] += begin.elapsed();
        }
    }
    let all = begin.elapsed();

    let microseconds = |time: Duration| 1e6 * time.as_secs_f64() / (STEPS * BATCH) as f64;
    println!("| layer | {} |\n|---|{}", WORK.join(" | "), "---|".repeat(WORK.len()));
    let mut rest = all;
    for Layer { op, took, .. } in layers {
        let columns: Vec<String> = took.iter().map(|time| format!("{:.2}", microseconds(*time))).collect();
        println!("| {} | {} |", op.text(), columns.join(" | "));
        rest = rest.saturating_sub(took.iter().sum());
    }
    println!("\nµs an image; loading images and the rest {:.2}, all {:.2}", microseconds(rest), microseconds(all));
    println!("{:.0} GFLOP/s, if nothing were left out", FLOP / microseconds(all) / 1e3);
}
