//! What the benches share: the four networks that are measured everywhere, real digits, and a training step.

use host::data::{Mnist, default_directory};
use host::executor::{Threads, Vectors};
use minnet::prelude::*;
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use std::sync::LazyLock;

/// A digit as an image of one channel.
pub type Image = [[[f32; 1]; 28]; 28];
/// A digit as a vector.
pub type Vector = [f32; 784];

/// 784-100-10.
pub type A = seq![Dense<784, 100, Sigmoid>, Dense<100, 10, Softmax>];
/// One convolution, sigmoid.
pub type B = seq![Conv5x5<1, 20, MaxPool2, Sigmoid>, Flatten, Dense<2880, 100, Sigmoid>, Dense<100, 10, Softmax>];
/// Two convolutions, ReLU.
pub type C = seq![
    Conv5x5<1, 20, MaxPool2, Relu>,
    Conv5x5<20, 40, MaxPool2, Relu>,
    Flatten,
    Dense<640, 100, Relu>,
    Dense<100, 10, Softmax>
];
/// Two convolutions, two dense layers of 1000, dropout of half.
pub type D = seq![
    Conv5x5<1, 20, MaxPool2, Relu>,
    Conv5x5<20, 40, MaxPool2, Relu>,
    Flatten,
    Dropout<50>,
    Dense<640, 1000, Relu>,
    Dropout<50>,
    Dense<1000, 1000, Relu>,
    Dropout<50>,
    Dense<1000, 10, Softmax>
];

/// The real digits.
pub static MNIST: LazyLock<Mnist> =
    LazyLock::new(|| Mnist::load(&default_directory().expect("the bundled data")).expect("the bundled data"));

/// `threads` threads with the widest vectors.
pub fn threads(threads: usize) -> Threads {
    Threads::new(threads, Vectors::detect()).expect("threads")
}

/// A network that has learned a little, so that as many of its ReLUs are switched off as in real training.
pub fn trained<In: Tensor, L: Layer<In>>(executor: &Threads) -> Box<Net<In, L>>
where
    LogLikelihood: Cost<L::Activation>,
{
    let mut net = host::model::zeroed().expect("memory");
    let mut batch = host::model::batch(10).expect("memory");
    let mut rng = XorShiftRng::seed_from_u64(1);
    Net::initialize(&mut net, Init::He, &mut rng);
    executor.run(|| {
        for step in 0..300 {
            load(&mut batch, step * 10, executor);
            net.train::<LogLikelihood>(&mut batch, &Sgd::new(0.03, 10), &mut rng, executor);
        }
    });
    net
}

/// Fills a mini-batch with the training images from `first` on.
pub fn load<In: Tensor, L: Layer<In>>(batch: &mut [Sample<In, L>], first: usize, executor: &impl Executor) {
    let image = |number: usize| {
        let index = (first + number) % MNIST.train.len();
        (&MNIST.train.images[index][..], MNIST.train.labels[index])
    };
    load_batch(batch, image, executor);
}
