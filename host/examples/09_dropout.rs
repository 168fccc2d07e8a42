//! The book's largest network, with dropout and without, on few images: where there is most to gain from it.
//!
//! The book: chapter 6, two hidden layers of 1,000 neurons with dropout; here 2,000 images instead of 250,000.
//!
//! `cargo run --release -p host --example 09_dropout`

use host::{data, executor, model, train};
use minnet::prelude::*;
use std::ops::ControlFlow;

type Image = [[[f32; 1]; 28]; 28];
type Without = seq![
    Conv5x5<1, 20, MaxPool2, Relu>, Conv5x5<20, 40, MaxPool2, Relu>, Flatten,
    Dense<640, 1000, Relu>, Dense<1000, 1000, Relu>, Dense<1000, 10, Softmax>
];
type With = seq![
    Conv5x5<1, 20, MaxPool2, Relu>, Conv5x5<20, 40, MaxPool2, Relu>, Flatten, Dropout<50>,
    Dense<640, 1000, Relu>, Dropout<50>, Dense<1000, 1000, Relu>, Dropout<50>, Dense<1000, 10, Softmax>
];

/// Trains a network on the first 2,000 images; gives its score on the validation and on the test images.
fn learn<L>(mnist: &data::Mnist, executor: &executor::Threads) -> host::error::Result<()>
where
    L: Layer<Image, Activation = Softmax>,
{
    let (training, validation) = mnist.split();
    let (training, _) = training.split_at(2_000);
    let hyper =
        train::Hyper { epochs: 15, eta: 0.05, final_eta: Some(0.005), init: Init::He, ..train::Hyper::default() };
    let mut net = model::zeroed::<Image, L>()?;
    println!("{}", Net::<Image, L>::ARCHITECTURE);
    train::train::<_, _, LogLikelihood>(&mut net, training, validation, &hyper, executor, &mut |event| {
        if let train::Event::Epoch(epoch) = event {
            let right = epoch.validation.map_or(0, |score| score.right);
            println!(
                "epoch {}: {right} of {} validation images, {:.1} s",
                epoch.epoch,
                validation.len(),
                epoch.seconds
            );
        }
        ControlFlow::Continue(())
    })?;
    let score = train::evaluate::<_, _, LogLikelihood>(&net, mnist.test.samples(), executor)?;
    println!("{} of {} test images, by the best epoch\n", score.right, score.images);
    Ok(())
}

fn main() -> host::error::Result<()> {
    let mnist = data::Mnist::load(&data::default_directory()?)?;
    let executor = executor::Threads::new(0, executor::Vectors::detect())?;
    learn::<Without>(&mnist, &executor)?;
    learn::<With>(&mnist, &executor)
}
