//! A single neuron learns to give 0 for the input 1, with the quadratic cost and with the cross-entropy.
//!
//! The book: chapter 3, "The cross-entropy cost function". There is no data set: one number goes in, one comes out.
//!
//! `cargo run --release --example 01_neuron`

use minnet::prelude::*;
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;

type Neuron = Net<[f32; 1], Dense<1, 1, Sigmoid>>;

const EPOCHS: usize = 300;
const ETA: f32 = 0.15;

/// Trains a neuron from this weight and bias; gives its output before each epoch, and after the last.
fn learn<C: Cost<Sigmoid>>(weight: f32, bias: f32) -> Vec<f32> {
    let mut net = Neuron::ZERO;
    // A network shows its parameters in runs: here the weight, then the bias.
    let mut start = [weight, bias].into_iter();
    net.visit_mut(|_, run| run.iter_mut().zip(&mut start).for_each(|(place, value)| *place = value));

    let mut memory = [0.0; Neuron::SAMPLE];
    let mut batch = Neuron::batch(&mut memory);
    (batch.input(0)[0], batch.target(0)[0]) = (1.0, 0.0);
    // Only dropout would use it.
    let mut rng = XorShiftRng::seed_from_u64(1);
    let mut ram = [0.0; Neuron::RAM];
    let mut outputs = vec![net.infer(&[1.0], &mut ram)[0]];
    for _ in 0..EPOCHS {
        net.train::<C>(&mut batch, &Sgd::new(ETA, 1), &mut rng, &Serial);
        outputs.push(net.infer(&[1.0], &mut ram)[0]);
    }
    outputs
}

fn main() {
    println!("Output of a neuron that is to give 0, at a learning rate of {ETA}:\n");
    println!("       {:24}  from w = 2, b = 2", "from w = 0.6, b = 0.9");
    println!("epoch  quadratic  cross-entropy  quadratic  cross-entropy");
    let runs = [
        learn::<Quadratic>(0.6, 0.9),
        learn::<CrossEntropy>(0.6, 0.9),
        learn::<Quadratic>(2.0, 2.0),
        learn::<CrossEntropy>(2.0, 2.0),
    ];
    for epoch in [0, 25, 50, 100, 150, 200, 250, EPOCHS] {
        let [a, b, c, d] = runs.each_ref().map(|outputs| outputs[epoch]);
        println!("{epoch:5}  {a:9.2}  {b:13.2}  {c:9.2}  {d:13.2}");
    }
}
