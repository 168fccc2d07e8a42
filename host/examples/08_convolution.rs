//! A convolution beside a dense layer: fewer weights, more digits right; and what its filters have come to look for.
//!
//! The book: chapter 6, "Introducing convolutional networks"; here with 5 filters, on 10,000 images for 5 epochs.
//!
//! `cargo run --release -p host --example 08_convolution`

use host::{data, executor, model, train};
use minnet::prelude::*;
use std::ops::ControlFlow;

type Vector = [f32; 784];
type Fully = seq![Dense<784, 30, Relu>, Dense<30, 10, Softmax>];

type Image = [[[f32; 1]; 28]; 28];
type Convolutional = seq![Conv5x5<1, 5, MaxPool2, Relu>, Flatten, Dense<720, 10, Softmax>];

/// Trains a network, says how it does, and gives it back.
fn learn<In: Tensor, L>(mnist: &data::Mnist, executor: &executor::Threads) -> host::error::Result<Box<Net<In, L>>>
where
    L: Layer<In, Activation = Softmax>,
{
    let (training, validation) = mnist.split();
    let (training, _) = training.split_at(10_000);
    let hyper = train::Hyper { epochs: 5, eta: 0.1, init: Init::He, ..train::Hyper::default() };
    let mut net = model::zeroed::<In, L>()?;
    println!("{}", Net::<In, L>::ARCHITECTURE);
    println!("{} parameters, {} multiplications an image", Net::<In, L>::PARAMETERS, Net::<In, L>::MACS);
    train::train::<_, _, LogLikelihood>(&mut net, training, validation, &hyper, executor, &mut |event| {
        if let train::Event::Epoch(epoch) = event {
            let right = epoch.validation.map_or(0, |score| score.right);
            println!("epoch {}: {right} of {} validation images", epoch.epoch, validation.len());
        }
        ControlFlow::Continue(())
    })?;
    println!();
    Ok(net)
}

fn main() -> host::error::Result<()> {
    let mnist = data::Mnist::load(&data::default_directory()?)?;
    let executor = executor::Threads::new(0, executor::Vectors::detect())?;
    learn::<Vector, Fully>(&mnist, &executor)?;
    let net = learn::<Image, Convolutional>(&mnist, &executor)?;

    println!("The five filters (# wants ink, . wants none):\n");
    let mut runs = Vec::new();
    net.visit(|run| runs.push(run.to_vec()));
    // The first run is `Conv5x5::filters`: by rows, columns, the one channel, and the five filters.
    for row in runs[0].chunks(5 * 5) {
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
