//! The book's largest network, without dropout and with it, on few images: there is most to gain where most is learned
//! by heart.
//!
//! The book: chapter 6, two hidden layers of 1,000 neurons with dropout; here 2,000 images instead of 250,000. It takes
//! about a minute.
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

/// Trains a network on 2,000 images and says how it does, on 5,000 others as it learns, on the test images in the end.
fn learn<L>(mnist: &data::Mnist, executor: &executor::Threads) -> host::error::Result<()>
where
    L: Layer<Image, Activation = Softmax>,
{
    let (training, validation) = mnist.split();
    let ((training, _), (validation, _)) = (training.split_at(2_000), validation.split_at(5_000));
    let hyper = train::Hyper { epochs: 40, eta: 0.1, final_eta: Some(0.01), init: Init::He, ..train::Hyper::default() };
    let mut net = model::zeroed::<Image, L>()?;
    println!("{}", Net::<Image, L>::ARCHITECTURE);
    train::train::<_, _, LogLikelihood>(&mut net, training, validation, &hyper, executor, &mut |event| {
        if let train::Event::Epoch(train::Epoch { epoch, validation: Some(score), .. }) = event
            && epoch % 5 == 0
        {
            println!("epoch {epoch}: {} of {} validation images", score.right, score.images);
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
