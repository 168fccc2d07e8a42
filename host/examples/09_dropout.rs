//! The book's largest network, without dropout and with it, on few images: there is most to gain where most is learned
//! by heart.
//!
//! The book: chapter 6, two hidden layers of 1,000 neurons with dropout; here 2,000 images instead of 250,000. It takes
//! about a minute.
//!
//! `cargo run --release --example 09_dropout`

use minnet::prelude::Init;
use minnet_host::network::Network;
use minnet_host::{data, executor, nets, train};
use std::ops::ControlFlow;

const WITHOUT: &str = "28x28x1: conv5x5 20 maxpool2 relu, conv5x5 40 maxpool2 relu, flatten, \
                       dense 1000 relu, dense 1000 relu, dense 10 softmax";
const WITH: &str = "28x28x1: conv5x5 20 maxpool2 relu, conv5x5 40 maxpool2 relu, flatten, dropout 50, \
                    dense 1000 relu, dropout 50, dense 1000 relu, dropout 50, dense 10 softmax";

/// Trains a network on 2,000 images and says how it does, on 5,000 others as it learns, on the test images in the end.
fn learn(text: &str, mnist: &data::Mnist, executor: &executor::Threads) -> minnet_host::error::Result<()> {
    let (training, validation) = mnist.split();
    let ((training, _), (validation, _)) = (training.split_at(2_000), validation.split_at(5_000));
    let hyper = train::Hyper { epochs: 40, eta: 0.1, final_eta: Some(0.01), init: Init::He, ..train::Hyper::default() };
    let net = nets::find(text, None)?;
    let mut network = Network::zeroed(&net)?;
    println!("{}", net.architecture);
    train::train(&mut network, net.cost, training, validation, &hyper, executor, &mut |event| {
        if let train::Event::Epoch(train::Epoch { epoch, validation: Some(score), .. }) = event
            && epoch % 5 == 0
        {
            println!("epoch {epoch}: {} of {} validation images", score.right, score.images);
        }
        ControlFlow::Continue(())
    })?;
    let score = train::evaluate(&network, net.cost, mnist.test.samples(), executor)?;
    println!("{} of {} test images, by the best epoch\n", score.right, score.images);
    Ok(())
}

fn main() -> minnet_host::error::Result<()> {
    let mnist = data::Mnist::load(&data::default_directory()?)?;
    let executor = executor::Threads::new(0, executor::Vectors::detect())?;
    learn(WITHOUT, &mnist, &executor)?;
    learn(WITH, &mnist, &executor)
}
