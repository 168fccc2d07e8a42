//! Dropout's random numbers, and what they drop.

use super::turn::columns;
use super::vector::{Kernel, Vector, compiled_once};
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;

/// Images whose random numbers are made side by side. A microcontroller has one.
pub(crate) const IMAGES: usize = if cfg!(target_os = "none") { 1 } else { 16 };
/// Values of an image that are decided before the next image's.
const RUN: usize = 64;

/// An image's part in a dropout.
pub(crate) struct Image<'a> {
    /// What its random numbers begin from; the next layer's begin from what is left here.
    pub(crate) random: u64,
    pub(crate) input: &'a [f32],
    /// 1 where a value stays and 0 where it falls.
    pub(crate) kept: &'a mut [f32],
    pub(crate) output: &'a mut [f32],
}

/// Drops the values whose random number is below `threshold`. At most [`IMAGES`] images, all of one length.
///
/// An image's numbers are those of an `XorShiftRng` (Marsaglia's xorshift128) seeded from its `random`: the first two
/// are the next seed, the others decide. All images' generators go forward together, so that vectors run across them.
pub(crate) struct Forward<'a, 'b> {
    pub(crate) images: &'a mut [Image<'b>],
    pub(crate) threshold: u32,
}

impl Kernel for Forward<'_, '_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        forward(self.images, self.threshold);
    }
}

compiled_once!(Forward<'_, '_>);

#[inline(always)]
fn forward(images: &mut [Image], threshold: u32) {
    let mut generators = Generators::new(images);
    let len = images.first().map_or(0, |image| image.input.len());
    for first in (0..len).step_by(RUN) {
        let mut staying = [[0.0; IMAGES]; RUN];
        for staying in staying.iter_mut().take(len - first) {
            for (staying, number) in staying.iter_mut().zip(generators.next()) {
                *staying = if number < threshold { 0.0 } else { 1.0 };
            }
        }
        turn(&staying, images, first);
        for image in images.iter_mut() {
            let values = image.input.iter().zip(image.kept.iter()).zip(image.output.iter_mut());
            for ((input, kept), output) in values.skip(first).take(RUN) {
                *output = input * kept;
            }
        }
    }
}

/// Writes each image's part of `staying` to its `kept`, from `first` on.
#[inline(always)]
fn turn(staying: &[[f32; IMAGES]; RUN], images: &mut [Image], first: usize) {
    for (rows, first) in staying.as_chunks::<4>().0.iter().zip((first..).step_by(4)) {
        columns(rows.each_ref().map(|row| row.as_slice()), |image, values| {
            if let Some(place) = images.get_mut(image).and_then(|image| image.kept.get_mut(first..)) {
                place.iter_mut().zip(values).for_each(|(place, value)| *place = value);
            }
        });
    }
}

/// The generators of all images. What a xorshift128 remembers is the last four numbers it gave, of which the first
/// two have been used here.
struct Generators([[u32; IMAGES]; 4]);

impl Generators {
    #[inline(always)]
    fn new(images: &mut [Image]) -> Self {
        let mut numbers = [[0; IMAGES]; 4];
        for (number, image) in images.iter_mut().enumerate() {
            let mut rng = XorShiftRng::seed_from_u64(image.random);
            let [seed, words] = [rng.next_u64(), rng.next_u64()];
            image.random = seed;
            for (of_all, word) in numbers.iter_mut().zip([seed, seed >> 32, words, words >> 32]) {
                if let Some(place) = of_all.get_mut(number) {
                    *place = word as u32;
                }
            }
        }
        Self(numbers)
    }

    /// The next number of each image.
    #[inline(always)]
    fn next(&mut self) -> [u32; IMAGES] {
        let [x, y, z, w] = self.0;
        let mut next = [0; IMAGES];
        for ((next, x), w) in next.iter_mut().zip(x).zip(w) {
            let t = x ^ (x << 11);
            *next = w ^ (w >> 19) ^ t ^ (t >> 8);
        }
        self.0 = [y, z, w, next];
        z
    }
}
