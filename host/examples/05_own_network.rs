//! A network of your own, as a type: define it, train it, save it. A firmware takes the same type.
//!
//! `cargo run --release --example 05_own_network`

use minnet::cost::CostFunction;
use minnet::prelude::*;
use minnet_host::{data, executor, model, network, train};
use std::ops::ControlFlow;
use std::path::Path;

// Change the layers as you like: what does not fit together does not compile.
type Input = [f32; 784];
type Layers = seq![Dense<784, 64, Relu>, Dropout<20>, Dense<64, 10, Softmax>];

fn main() -> minnet_host::error::Result<()> {
    let mnist = data::Mnist::load(&data::default_directory()?)?;
    let (training, validation) = mnist.split();
    let executor = executor::Threads::new(0, executor::Vectors::detect())?;
    let hyper = train::Hyper { epochs: 10, eta: 0.1, init: Init::He, ..train::Hyper::default() };

    let mut net = network::boxed::<Input, Layers>()?;
    let cost = CostFunction::LogLikelihood;
    train::train(&mut *net, cost, training, validation, &hyper, &executor, &mut |event| {
        if let train::Event::Epoch(epoch) = event {
            let right = epoch.validation.map_or(0, |score| score.right);
            println!("epoch {}: {right} of {} validation images", epoch.epoch, validation.len());
        }
        ControlFlow::Continue(())
    })?;
    let score = train::evaluate(&*net, cost, mnist.test.samples(), &executor)?;
    println!("{}: {} of {} test images right", Net::<Input, Layers>::ARCHITECTURE, score.right, score.images);
    model::save(
        Path::new("own.minnet"),
        &net,
        &Metadata { cost: "log-likelihood".try_into().unwrap_or_default(), ..Metadata::default() },
    )
}
