//! The training run that gives the same weights, to the last bit, on the device and on a PC.
//!
//! It is here because the firmware and the tests on a PC both run it, and this crate is what both are built with.

use minnet::augment::{Augment, random};
use minnet::prelude::*;
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;

/// A digit of one channel, as a convolution takes it.
pub type Image = [[[f32; 1]; 28]; 28];
/// Pixels of a digit.
pub const PIXELS: usize = 28 * 28;

type Layers = seq![
    Conv5x5<1, 4, MaxPool2, Relu>,
    Conv5x5<4, 12, MaxPool2, Relu>,
    Flatten,
    Dropout<20>,
    Dense<192, 10, Softmax>
];

/// A network small enough to be trained in the RAM of a microcontroller.
pub type Small = Net<Image, Layers>;

/// Images in a mini-batch: what fits a RAM of 128 kB beside the demo's inference, with a third to spare.
pub const BATCH: usize = 4;
/// Their memory.
pub type Memory = [f32; BATCH * Small::SAMPLE];
/// Training images.
pub const IMAGES: usize = 200;
/// The learning rate η.
pub const ETA: f32 = 0.1;
/// The strength λ of L2 regularization, divided by the number of training images as in the book's `network2.py`.
pub const LAMBDA: f32 = 0.1;
/// What the random numbers of the weights and of dropout start from.
pub const SEED: u64 = 1;

/// How a run goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    /// How many times it sees the images.
    pub epochs: usize,
    /// How they are changed, each anew each time.
    pub augment: Option<Augment>,
}

/// The images as they are.
pub const PLAIN: Course = Course { epochs: 4, augment: None };
/// The images changed in every way there is.
pub const AUGMENTED: Course = Course {
    epochs: 1,
    augment: Some(Augment { shift: 1.0, rotate: 8.0, scale: 8.0, shear: 5.0, elastic: 1.8, sigma: 4.0 }),
};

/// What came of one epoch's images, each judged, with dropout, just before the step that it was part of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The epoch, counted from 1.
    pub epoch: usize,
    /// The mean cost.
    pub cost: f32,
    /// The share classified rightly.
    pub accuracy: f32,
}

/// Initializes `net`, trains it on `images` in their order, as the course says, and gives the hash of its weights.
pub fn run(
    net: &mut Small,
    memory: &mut Memory,
    images: &[[u8; PIXELS]],
    labels: &[u8],
    course: &Course,
    executor: &impl Executor,
    mut report: impl FnMut(Progress),
) -> u64 {
    let mut rng = XorShiftRng::seed_from_u64(SEED);
    net.initialize(Init::He, &mut rng);
    let mut changed = [0; PIXELS];
    for epoch in 1..=course.epochs {
        let (mut trained, mut cost, mut right) = (0, 0.0, 0);
        for (images, labels) in images.chunks(BATCH).zip(labels.chunks(BATCH)) {
            let mut batch = Small::batch(memory);
            let mut batch = batch.first(images.len().min(labels.len()));
            for (index, (image, &label)) in images.iter().zip(labels).enumerate() {
                let image = match &course.augment {
                    Some(augment) => {
                        let sample = trained + index;
                        augment.apply(image, [28, 28, 1], random(SEED, epoch as u32, sample as u32), &mut changed);
                        &changed
                    }
                    None => image,
                };
                batch.load(index, image, label.into());
            }
            let sgd = Sgd::new(ETA, batch.len()).with_l2(ETA, LAMBDA, IMAGES);
            net.train::<LogLikelihood>(&mut batch, &sgd, &mut rng, executor);
            for index in 0..batch.len() {
                trained += 1;
                cost += batch.cost(index, <LogLikelihood as Cost<Softmax>>::value);
                right += usize::from(batch.is_right(index));
            }
        }
        report(Progress { epoch, cost: cost / trained as f32, accuracy: right as f32 / trained as f32 });
    }
    net.weight_hash()
}
