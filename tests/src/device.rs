//! The firmware's service on this machine, and what is asked of it there and of real firmware alike.

use device::{About, Device, Learning};
use host::device::{Client, Line, Which};
use host::model::File;
use host::nets;
use host::network::Network;
use host::samples::Samples;
use host::train::{Event, Hyper};
use minnet::prelude::*;
use minnet::quant::Quantized;
use std::collections::VecDeque;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;
use wire::{Buffers, Server};

type Image = [[[f32; 1]; 28]; 28];
type Layers = seq![
    Conv5x5<1, 20, MaxPool2, Relu>,
    Conv5x5<20, 40, MaxPool2, Relu>,
    Flatten,
    Dense<640, 100, Relu>,
    Dense<100, 10, Softmax>
];

/// The model that the firmware is built with.
static MODEL: LazyLock<File> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits.minnet");
    File::read(&path).expect("the bundled model")
});

/// Its integer form.
static INTEGERS: LazyLock<File> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/digits-int8.minnet");
    File::read(&path).expect("the bundled model")
});

/// That model's network.
pub fn embedded() -> &'static Net<Image, Layers> {
    MODEL.model().expect("the bundled model").net
}

/// That network in integers.
pub fn integers() -> Quantized<'static, Net<Image, Layers>> {
    INTEGERS.quantized().expect("the bundled model")
}

/// What runs on a microcontroller, here: its memory is never given back.
pub fn server() -> Server<'static, impl wire::Service + Send> {
    let about = About { board: "this machine", flash: 0, ram: 0, stack: &|| 0, ticks: &|| 0 };
    let learning = Box::leak(Box::new(Learning::ZERO));
    let pixels = Box::leak(Box::new([0; wire::image::PIXELS]));
    let device = Device::new(about, embedded(), integers(), &mut [], Some(learning), pixels);
    Server::new(device, Box::leak(Box::new(Buffers::ZERO)))
}

/// A line to [`server`] without a wire. It answers at once; where nothing is to be had, time passes.
pub fn line() -> impl Line {
    Memory { server: server(), sent: VecDeque::new() }
}

struct Memory<S> {
    server: Server<'static, S>,
    sent: VecDeque<u8>,
}

impl<S: wire::Service + Send> Line for Memory<S> {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        bytes.iter().for_each(|&byte| self.sent.extend(self.server.push(byte)));
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], patience: Duration) -> io::Result<usize> {
        let count = self.sent.len().min(buffer.len());
        if count == 0 {
            std::thread::sleep(patience);
        }
        buffer.iter_mut().zip(self.sent.drain(..count)).for_each(|(place, byte)| *place = byte);
        Ok(count)
    }
}

/// Has the device learn from images, and trains the same network here; the hashes of the weights, there and here.
///
/// # Errors
/// What went wrong in the conversation.
pub fn train(client: &mut Client, training: Samples<'_>) -> host::error::Result<[u64; 2]> {
    let hyper = Hyper { epochs: 1, batch: 1, eta: 0.1, lambda: 0.5, ..Hyper::default() };
    client.reset(hyper.seed, &Sgd::new(hyper.eta, 1).with_l2(hyper.eta, hyper.lambda, training.len()))?;
    let executor = host::executor::Threads::new(1, host::executor::Vectors::detect())?;
    let mut net = Network::zeroed(&nets::find("784-30-10", Some("cross-entropy"))?)?;
    let (cost, validation) = (net.cost(), training.split_at(training.len()).1);
    let mut failure = Ok(());
    host::train::train(&mut net, cost, training, validation, &hyper, &executor, &mut |event| {
        if let Event::Batch { images: [index], .. } = event {
            let (image, label) = training.digits().nth(*index as usize).expect("one of the images");
            failure = client.learn(image, label as u8).map(drop);
        }
        if failure.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    failure?;
    Ok([client.hash(Which::Learning)?, net.weight_hash()])
}
