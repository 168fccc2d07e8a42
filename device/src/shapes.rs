//! Networks of other shapes than the demo's, small enough for every board, and a training run of made-up images that
//! gives the same weights, to the last bit, as a list of the same layers on a PC.

use minnet::prelude::*;
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;

/// Dropout first, odd sizes, and no convolution.
pub type Dropped = Net<[f32; 13], seq![Dropout<30>, Dense<13, 11, Tanh>, Dense<11, 5, Sigmoid>]>;
/// No pooling.
pub type Unpooled = Net<[[[f32; 2]; 6]; 6], seq![Conv5x5<2, 3, NoPool, Tanh>, Flatten, Dense<12, 3, Softmax>]>;
/// Nothing after the flattening.
pub type Flattened = Net<[[[f32; 1]; 8]; 8], seq![Conv5x5<1, 7, MaxPool2, Sigmoid>, Dropout<10>, Flatten]>;
/// Zeros around the image, and both average poolings.
pub type Averaged = Net<
    [[[f32; 1]; 8]; 8],
    seq![
        Conv<3, 3, 1, 4, AvgPool2, Relu, Same>,
        Conv<3, 3, 4, 5, NoPool, Relu>,
        GlobalAvgPool,
        Dense<5, 3, Softmax>
    ],
>;
/// Strides, and an image that is not square.
pub type Strided = Net<
    [[[f32; 2]; 8]; 9],
    seq![Conv<3, 2, 2, 6, NoPool, Sigmoid, Stride<2>>, Conv<1, 1, 6, 3, MaxPool2, Relu>, Flatten, Dense<12, 3, Sigmoid>],
>;
/// A signal of three channels.
pub type Signal =
    Net<[[[f32; 3]; 16]; 1], seq![Conv<1, 5, 3, 4, MaxPool2, Relu>, Flatten<Steps>, Dense<24, 3, Softmax>]>;

/// What flattens the signal.
pub struct Steps;

impl Flat<[[[f32; 4]; 6]; 1]> for Steps {
    type Vector = [f32; 24];
}

/// Values of memory for the greatest mini-batch here.
pub const MEMORY: usize = IMAGES * Averaged::SAMPLE;
/// Images in a mini-batch.
pub const IMAGES: usize = 3;
const STEPS: usize = 4;
const ETA: f32 = 0.3;

/// Initializes the network, trains it on mini-batches of [`IMAGES`] in `memory`, and gives the hash of its weights.
pub fn run<In: Tensor, L: Layer<In>, C: Cost<L::Activation>>(net: &mut Net<In, L>, memory: &mut [f32]) -> u64 {
    let mut rng = random();
    net.initialize(Init::FanIn, &mut rng);
    let mut batch = Net::<In, L>::batch(memory);
    steps(&mut batch.first(IMAGES), &mut rng, |batch, sgd, rng| net.train::<C>(batch, sgd, rng, &Serial));
    net.weight_hash()
}

/// What the run's random numbers start from, those of the weights first.
pub fn random() -> XorShiftRng {
    XorShiftRng::seed_from_u64(5)
}

/// The steps after the weights are drawn; `train` takes each.
pub fn steps(batch: &mut Batch, rng: &mut XorShiftRng, mut train: impl FnMut(&mut Batch, &Sgd, &mut XorShiftRng)) {
    for _ in 0..STEPS {
        for image in 0..batch.len() {
            for value in batch.input(image) {
                // One in four is 0.
                let number = rng.next_u32();
                *value = if number.is_multiple_of(4) { 0.0 } else { (number >> 8) as f32 / (1 << 23) as f32 - 1.0 };
            }
            let target = batch.target(image);
            let class = rng.next_u32() as usize % target.len().max(1);
            target.iter_mut().enumerate().for_each(|(index, value)| *value = f32::from(index == class));
        }
        let sgd = Sgd::new(ETA, batch.len()).with_l2(ETA, 1.0, 100);
        train(batch, &sgd, rng);
    }
}
