//! What an approximate sigmoid and tanh cost: crate `micromath`'s beside the exact ones, on 10,000 images for 5 epochs.
//! On a PC they save nothing; on a microcontroller an activation takes fewer instructions.
//!
//! `cargo run --release --example 10_fast_activations`

use minnet_host::network::Network;
use minnet_host::{data, executor, nets, train};
use std::ops::ControlFlow;

fn main() -> minnet_host::error::Result<()> {
    let mnist = data::Mnist::load(&data::default_directory()?)?;
    let (training, validation) = mnist.split();
    let (training, _) = training.split_at(10_000);
    let executor = executor::Threads::new(0, executor::Vectors::detect())?;
    let hyper = train::Hyper { epochs: 5, eta: 0.3, ..train::Hyper::default() };

    println!("test images right  network");
    for activation in ["sigmoid", "fast-sigmoid", "tanh", "fast-tanh"] {
        let net = nets::find(&format!("784: dense 30 {activation}, dense 10 softmax"), None)?;
        let mut network = Network::zeroed(&net)?;
        let observe = &mut |_: train::Event<'_>| ControlFlow::Continue(());
        train::train(&mut network, net.cost, training, validation, &hyper, &executor, observe)?;
        let score = train::evaluate(&network, net.cost, mnist.test.samples(), &executor)?;
        println!("{:5} of {}    {}", score.right, score.images, net.architecture);
    }
    Ok(())
}
