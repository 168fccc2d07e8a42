//! What the benches share: the five networks that are measured everywhere, real digits, and a training step.

use host::data::{Mnist, default_directory};
use host::executor::{Threads, Vectors};
use host::nets;
use host::network::{Network, zeroed};
use minnet::batch::Batch;
use minnet::module::Module;
use minnet::prelude::{Executor, Init, Sgd};
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use std::sync::LazyLock;

/// 784-100-10.
pub const A: &str = "784: dense 100 sigmoid, dense 10 softmax";
/// One convolution, sigmoid.
pub const B: &str = "28x28x1: conv5x5 20 maxpool2 sigmoid, flatten, dense 100 sigmoid, dense 10 softmax";
/// Two convolutions, ReLU.
pub const C: &str =
    "28x28x1: conv5x5 20 maxpool2 relu, conv5x5 40 maxpool2 relu, flatten, dense 100 relu, dense 10 softmax";
/// Two convolutions, two dense layers of 1000, dropout of half.
pub const D: &str = "28x28x1: conv5x5 20 maxpool2 relu, conv5x5 40 maxpool2 relu, flatten, dropout 50, \
                     dense 1000 relu, dropout 50, dense 1000 relu, dropout 50, dense 10 softmax";

/// Three convolutions of 3x3, ReLU.
pub const E: &str = "28x28x1: conv3x3 16 relu, conv3x3 32 maxpool2 relu, conv3x3 64 maxpool2 relu, flatten, \
                     dense 10 softmax";

/// The real digits.
pub static MNIST: LazyLock<Mnist> =
    LazyLock::new(|| Mnist::load(&default_directory().expect("the bundled data")).expect("the bundled data"));

/// `threads` threads with the widest vectors.
pub fn threads(threads: usize) -> Threads {
    Threads::new(threads, Vectors::detect()).expect("threads")
}

/// The network of a name or a text, all zeros.
pub fn network(text: &str) -> Network {
    Network::zeroed(&nets::find(text, None).expect("a network")).expect("memory")
}

/// Memory for a mini-batch of so many images.
pub fn memory(network: &Network, images: usize) -> Vec<f32> {
    zeroed(network.layout().stride() * images).expect("memory")
}

/// A network that has learned a little, so that as many of its ReLUs are switched off as in real training.
pub fn trained(text: &str, executor: &Threads) -> Network {
    let mut network = network(text);
    let mut memory = memory(&network, 10);
    let mut rng = XorShiftRng::seed_from_u64(1);
    network.initialize(Init::He, &mut rng);
    let sgd = Sgd::new(0.03, 10);
    executor.run(|| {
        for step in 0..300 {
            train(&mut network, &mut memory, step * 10, &sgd, &mut rng, executor);
        }
    });
    network
}

/// A training step as the library takes it, with a mini-batch of the training images from `first` on.
pub fn train(
    network: &mut Network,
    memory: &mut [f32],
    first: usize,
    sgd: &Sgd,
    rng: &mut XorShiftRng,
    executor: &impl Executor,
) {
    let mut batch = Batch::new(memory, network.layout());
    load(&mut batch, first, executor);
    network.train(&mut batch, sgd, rng, executor);
}

/// Fills a mini-batch with the training images from `first` on.
pub fn load(batch: &mut Batch<'_>, first: usize, executor: &impl Executor) {
    let all = MNIST.train.samples();
    let fill = |number: usize, input: &mut [f32], target: &mut [f32]| {
        let index = (first + number) % all.len();
        all.load(index, input);
        all.load_target(index, target);
    };
    batch.fill(fill, executor);
}
