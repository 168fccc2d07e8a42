//! A network that learns 1,000 images by heart, and what early stopping and L2 regularization do about it.
//!
//! The book: chapter 3, "Overfitting and regularization" and its hyper-parameters' "early stopping".
//!
//! `cargo run --release --example 06_overfitting`

use minnet::prelude::Init;
use minnet_host::train::{self, Hyper};
use minnet_host::{data, executor, nets, network::Network};
use std::ops::ControlFlow;

fn main() -> minnet_host::error::Result<()> {
    let mnist = data::Mnist::load(&data::default_directory()?)?;
    let (training, validation) = mnist.split();
    let (training, _) = training.split_at(1_000);
    let net = nets::find("784-30-10", Some("cross-entropy"))?;
    let executor = executor::Threads::new(0, executor::Vectors::detect())?;

    let plain = Hyper { epochs: 200, eta: 0.5, init: Init::Large, monitor_training: true, ..Hyper::default() };
    let settings = [
        ("as it is", plain.clone()),
        ("stopped after 20 epochs without a better one", Hyper { patience: Some(20), ..plain.clone() }),
        ("L2, λ = 0.1", Hyper { lambda: 0.1, ..plain.clone() }),
        ("L2, λ = 1", Hyper { lambda: 1.0, ..plain }),
    ];
    for (name, hyper) in settings {
        println!(
            "\n{name}:\nepoch  cost on training  accuracy on training  cost on validation  accuracy on validation"
        );
        let mut network = Network::zeroed(&net)?;
        let observe = &mut |_: train::Event<'_>| ControlFlow::Continue(());
        let history = train::train(&mut network, net.cost, training, validation, &hyper, &executor, observe)?;
        let shown = history.epochs.iter().filter(|epoch| epoch.epoch % 40 == 0 || epoch.epoch == history.chosen);
        let last = history.epochs.last().filter(|epoch| epoch.epoch % 40 != 0 && epoch.epoch != history.chosen);
        for epoch in shown.chain(last) {
            let Some(score) = epoch.validation else { continue };
            println!(
                "{:5}  {:16.4}  {:18.1} %  {:18.4}  {:20.1} %{}",
                epoch.epoch,
                epoch.training.cost,
                100.0 * epoch.training.accuracy(),
                score.cost,
                100.0 * score.accuracy(),
                if epoch.epoch == history.chosen { "  best" } else { "" }
            );
        }
    }
    Ok(())
}
