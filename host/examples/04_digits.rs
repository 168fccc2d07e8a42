//! The book's first program: stochastic gradient descent, written out, teaches 784-30-10 to read digits.
//!
//! The book: chapter 1, `network.py` with mini-batches of 10 and η = 3.0; here for 10 epochs instead of 30.
//!
//! `cargo run --release --example 04_digits`

use minnet::batch::Batch;
use minnet::module::Module;
use minnet::prelude::{Init, Sgd, argmax};
use minnet_host::network::Network;
use minnet_host::{data, executor, nets, train};
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;

const NETWORK: &str = "784: dense 30 sigmoid, dense 10 sigmoid";
const EPOCHS: usize = 10;
const BATCH: usize = 10;
const ETA: f32 = 3.0;

fn main() -> minnet_host::error::Result<()> {
    let mnist = data::Mnist::load(&data::default_directory()?)?;
    let (training, validation) = mnist.split();
    let executor = executor::Threads::new(1, executor::Vectors::detect())?;
    let mut rng = XorShiftRng::seed_from_u64(1);

    let mut net = Network::zeroed(&nets::find(NETWORK, Some("quadratic"))?)?;
    net.initialize(Init::Large, &mut rng);
    let mut memory = train::batch_memory(&net, BATCH)?;
    let mut batch = Batch::new(&mut memory, net.layout());
    let mut order: Vec<usize> = (0..training.len()).collect();
    for epoch in 0..EPOCHS {
        shuffle(&mut order, &mut rng);
        for indices in order.chunks(BATCH) {
            let mut batch = batch.first(indices.len());
            for (place, &index) in indices.iter().enumerate() {
                training.load(index, batch.input(place));
                training.load_target(index, batch.target(place));
            }
            net.train(&mut batch, &Sgd::new(ETA, indices.len()), &mut rng, &executor);
        }
        let score = train::evaluate(&net, net.cost(), validation, &executor)?;
        println!("Epoch {epoch}: {} / {}", score.right, score.images);
    }

    let score = train::evaluate(&net, net.cost(), mnist.test.samples(), &executor)?;
    println!(
        "\nOn the test images: {} / {}. The first ten of them, and what the network says:",
        score.right, score.images
    );
    let (ten, _) = mnist.test.samples().split_at(10);
    for ((_, label), output) in ten.digits().zip(train::outputs(&net, ten, &executor)?.iter()) {
        println!("a {label} is taken for a {} {:.2?}", argmax(output), output);
    }
    Ok(())
}

/// Puts the order in a random one (Fisher and Yates).
fn shuffle(order: &mut [usize], rng: &mut impl Rng) {
    for last in (1..order.len()).rev() {
        order.swap(last, rng.next_u32() as usize % (last + 1));
    }
}
