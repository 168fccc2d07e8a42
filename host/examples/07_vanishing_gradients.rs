//! How fast each of four hidden layers would learn at the start, with three activations.
//!
//! The book: chapter 5, "The vanishing gradient problem"; the sigmoid row is its `generate_gradient.py`.
//!
//! `cargo run --release -p host --example 07_vanishing_gradients`

use host::{data, executor, model};
use minnet::prelude::*;
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;

type Input = [f32; 784];
type Deep<A> = seq![Dense<784, 30, A>, Dense<30, 30, A>, Dense<30, 30, A>, Dense<30, 30, A>, Dense<30, 10, Sigmoid>];

const SEEDS: u64 = 10;

/// ‖∂C/∂b‖ of each hidden layer, C being the mean cost of the images; the geometric mean over the seeds.
fn speeds<L>(images: data::Samples<'_>, init: Init, executor: &impl Executor) -> host::error::Result<[f32; 4]>
where
    L: Layer<Input, Activation = Sigmoid>,
{
    let mut logarithms = [0.0; 4];
    let (mut net, mut gradient) = (model::zeroed::<Input, L>()?, model::zeroed::<Input, L>()?);
    let mut batch = model::batch::<Input, L>(images.len())?;
    for (sample, (image, label)) in batch.iter_mut().zip(images.iter()) {
        sample.load(image, label);
    }
    for seed in 1..=SEEDS {
        let mut rng = XorShiftRng::seed_from_u64(seed);
        net.initialize(init, &mut rng);
        gradient.visit_mut(|run| run.fill(0.0));
        net.gradient::<CrossEntropy>(&mut batch, &mut gradient, &mut rng, executor);
        // Runs are weights, biases, weights, biases, ...: each layer's biases hold its mean δ, as BP3 says.
        let mut norms = Vec::new();
        gradient.visit(|run| norms.push(run.iter().map(|value| value * value).sum::<f32>().sqrt()));
        for (logarithm, norm) in logarithms.iter_mut().zip(norms.iter().skip(1).step_by(2)) {
            *logarithm += norm.ln() / SEEDS as f32;
        }
    }
    Ok(logarithms.map(f32::exp))
}

fn main() -> host::error::Result<()> {
    let mnist = data::Mnist::load(&data::default_directory()?)?;
    let (images, _) = mnist.split().0.split_at(1_000);
    let executor = executor::Threads::new(1, executor::Vectors::detect())?;
    println!("Length of the gradient in the biases of 784-30-30-30-30-10, 1,000 images, mean of {SEEDS} seeds:\n");
    println!("activation, start        layer 1  layer 2  layer 3  layer 4  4 over 1");
    for (name, [one, two, three, four]) in [
        ("sigmoid, weights 1/√n_in", speeds::<Deep<Sigmoid>>(images, Init::FanIn, &executor)?),
        ("sigmoid, weights 1      ", speeds::<Deep<Sigmoid>>(images, Init::Large, &executor)?),
        ("tanh, weights 1/√n_in   ", speeds::<Deep<Tanh>>(images, Init::FanIn, &executor)?),
        ("ReLU, weights √(2/n_in) ", speeds::<Deep<Relu>>(images, Init::He, &executor)?),
    ] {
        println!("{name}  {one:7.4}  {two:7.4}  {three:7.4}  {four:7.4}  {:8.1}", four / one);
    }
    Ok(())
}
