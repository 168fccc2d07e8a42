//! A convolution beside a dense layer: fewer weights, more digits right; and what its filters have come to look for.
//!
//! The book: chapter 6, "Introducing convolutional networks"; here with 5 filters, on 10,000 images for 5 epochs.
//!
//! `cargo run --release --example 08_convolution`

use minnet::prelude::Init;
use minnet_host::network::Network;
use minnet_host::{data, executor, nets, train};
use std::ops::ControlFlow;

const FULLY: &str = "784: dense 30 relu, dense 10 softmax";
const CONVOLUTIONAL: &str = "28x28x1: conv5x5 5 maxpool2 relu, flatten, dense 10 softmax";

/// Trains a network, says how it does, and gives it back.
fn learn(text: &str, mnist: &data::Mnist, executor: &executor::Threads) -> minnet_host::error::Result<Network> {
    let (training, validation) = mnist.split();
    let (training, _) = training.split_at(10_000);
    let hyper = train::Hyper { epochs: 5, eta: 0.1, init: Init::He, ..train::Hyper::default() };
    let net = nets::find(text, None)?;
    let mut network = Network::zeroed(&net)?;
    let (parameters, macs) = (net.architecture.parameters(), net.architecture.macs());
    println!("{}\n{parameters} parameters, {macs} multiplications an image", net.architecture);
    train::train(&mut network, net.cost, training, validation, &hyper, executor, &mut |event| {
        if let train::Event::Epoch(epoch) = event {
            let right = epoch.validation.map_or(0, |score| score.right);
            println!("epoch {}: {right} of {} validation images", epoch.epoch, validation.len());
        }
        ControlFlow::Continue(())
    })?;
    println!();
    Ok(network)
}

fn main() -> minnet_host::error::Result<()> {
    let mnist = data::Mnist::load(&data::default_directory()?)?;
    let executor = executor::Threads::new(0, executor::Vectors::detect())?;
    learn(FULLY, &mnist, &executor)?;
    let network = learn(CONVOLUTIONAL, &mnist, &executor)?;

    println!("The five filters (# wants ink, . wants none):\n");
    // The first weights are the convolution's: by rows, columns, the one channel, and the five filters.
    for row in network.parameters()[..5 * 5 * 5].chunks(5 * 5) {
        for filter in 0..5 {
            let mark = |weights: &[f32]| match weights[filter] {
                weight if weight > 0.2 => "# ",
                weight if weight < -0.2 => ". ",
                _ => "  ",
            };
            print!("{}    ", row.chunks(5).map(mark).collect::<String>());
        }
        println!();
    }
    Ok(())
}
