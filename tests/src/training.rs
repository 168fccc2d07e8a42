//! The firmware's training run, on this machine.

use device::training::{self, BATCH, Course, IMAGES, Small};
use host::data::{Mnist, default_directory};
use host::network::boxed;
use minnet::prelude::Executor;

/// The hash that the run must give, everywhere. It may change only with the order of arithmetic or the random numbers.
pub const HASH: &str = "2bc3aa4a033f4ba6";

/// The same of the run on changed images.
pub const AUGMENTED_HASH: &str = "11acc30a84b327b1";

/// The hash of the weights after a run that the firmware makes, with the executor given.
pub fn hash(course: &Course, executor: &impl Executor) -> u64 {
    let mnist = Mnist::load(&default_directory().expect("the bundled data")).expect("the bundled data");
    let mut net: Box<Small> = boxed().expect("memory");
    let mut memory = [0.0; BATCH * Small::SAMPLE];
    let labels: Vec<u8> = mnist.train.labels.iter().take(IMAGES).map(|&label| label as u8).collect();
    training::run(&mut net, &mut memory, &mnist.train.images[..IMAGES], &labels, course, executor, |_| {})
}
