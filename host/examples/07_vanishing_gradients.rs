//! How fast each of four hidden layers would learn at the start, with three activations.
//!
//! The book: chapter 5, "The vanishing gradient problem"; the sigmoid row is its `generate_gradient.py`.
//!
//! `cargo run --release --example 07_vanishing_gradients`

use minnet::batch::Batch;
use minnet::layer::Parameters;
use minnet::module::{self, Module};
use minnet::prelude::{Executor, Init};
use minnet_host::network::Network;
use minnet_host::{data, executor, nets, samples, train};
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;

const SEEDS: u64 = 10;

/// ‖∂C/∂b‖ of each hidden layer, C being the mean cost of the images; the geometric mean over the seeds.
fn speeds(
    activation: &str,
    init: Init,
    images: samples::Samples<'_>,
    executor: &impl Executor,
) -> minnet_host::error::Result<[f32; 4]> {
    let text = format!("784: {}dense 10 sigmoid", format!("dense 30 {activation}, ").repeat(4));
    let mut net = Network::zeroed(&nets::find(&text, Some("cross-entropy"))?)?;
    let mut gradient = net.clone();
    let mut memory = train::batch_memory(&net, images.len())?;
    let mut batch = Batch::new(&mut memory, net.layout());
    let fill = |place: usize, input: &mut [f32], target: &mut [f32]| {
        images.load(place, input);
        images.load_target(place, target);
    };
    batch.fill(fill, executor);
    let (cost, last) = (net.cost(), net.activation());
    let delta = |a: &[f32], y: &[f32], delta: &mut [f32]| cost.delta(last, a, y, delta);
    let mut logarithms = [0.0; 4];
    for seed in 1..=SEEDS {
        let mut rng = XorShiftRng::seed_from_u64(seed);
        net.initialize(init, &mut rng);
        gradient.parameters_mut().fill(0.0);
        module::gradient(&net, &mut gradient, &delta, &mut batch, &mut rng, executor);
        // Each layer's biases hold its mean δ, as BP3 says.
        let mut logarithms = logarithms.iter_mut();
        gradient.visit(&mut |kind, run| {
            if kind == Parameters::Biases
                && let Some(logarithm) = logarithms.next()
            {
                *logarithm += run.iter().map(|value| value * value).sum::<f32>().sqrt().ln() / SEEDS as f32;
            }
        });
    }
    Ok(logarithms.map(f32::exp))
}

fn main() -> minnet_host::error::Result<()> {
    let mnist = data::Mnist::load(&data::default_directory()?)?;
    let (images, _) = mnist.split().0.split_at(1_000);
    let executor = executor::Threads::new(1, executor::Vectors::detect())?;
    println!("Length of the gradient in the biases of 784-30-30-30-30-10, 1,000 images, mean of {SEEDS} seeds:\n");
    println!("activation, start        layer 1  layer 2  layer 3  layer 4  4 over 1");
    for (name, [one, two, three, four]) in [
        ("sigmoid, weights 1/√n_in", speeds("sigmoid", Init::FanIn, images, &executor)?),
        ("sigmoid, weights 1      ", speeds("sigmoid", Init::Large, images, &executor)?),
        ("tanh, weights 1/√n_in   ", speeds("tanh", Init::FanIn, images, &executor)?),
        ("ReLU, weights √(2/n_in) ", speeds("relu", Init::He, images, &executor)?),
    ] {
        println!("{name}  {one:7.4}  {two:7.4}  {three:7.4}  {four:7.4}  {:8.1}", four / one);
    }
    Ok(())
}
