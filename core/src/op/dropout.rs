//! The operator of dropout.

use crate::batch::{self, Images, Place};
use crate::executor::{Executor, split_images};
use crate::kernel::dropout;
use crate::text::Text;

/// In training, sets each value to 0 with a probability of `percent` in a hundred. In inference, multiplies each by the
/// probability that it would have stayed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// Values that it takes and gives.
    pub values: usize,
    /// How many in a hundred fall; at most 99.
    pub percent: u8,
}

impl Dropout {
    /// A random number below this drops a value.
    pub(crate) const fn threshold(self) -> u32 {
        ((self.percent as u64 * (1 << 32)) / 100) as u32
    }

    /// The probability that a value stays.
    pub const fn staying(self) -> f32 {
        (100 - self.percent) as f32 / 100.0
    }

    /// Values that training remembers of one image: the outputs, the gradient of the cost in them, and for each value 1
    /// if it stayed and 0 if it fell.
    pub const fn saved(self) -> usize {
        3 * self.values
    }

    /// Its words in the architecture's text.
    pub const fn text(self) -> Text {
        Text::EMPTY.then("dropout ").then_number(self.percent as usize)
    }
}

/// How many multiplications take as long as one random number.
const WORK: usize = 4;

impl Dropout {
    /// Where its output lies, given where what it saves begins.
    pub const fn output(self, own: usize) -> Place {
        Place { values: own, gradient: Some(own + self.values) }
    }

    /// Multiplies the values at `place` by the probability that they stay.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn infer(self, mut images: Images, place: usize) {
        for image in images.iter_mut() {
            for value in image.get_mut(place..place + self.values).unwrap_or_default() {
                *value *= self.staying();
            }
        }
    }

    /// Computes the outputs in training: drops.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn forward(self, images: Images, input: Place, own: usize, executor: &impl Executor) {
        split_images(images, WORK * self.values, executor, &|mut images| {
            for mut chunk in images.chunks(dropout::IMAGES) {
                let mut together = heapless::Vec::<dropout::Image, { dropout::IMAGES }>::new();
                for image in chunk.iter_mut() {
                    let random = batch::random(image);
                    let (before, saved) = image.split_at_mut_checked(own).unwrap_or_default();
                    let (output, rest) = saved.split_at_mut_checked(self.values).unwrap_or_default();
                    let kept = rest.get_mut(self.values..2 * self.values).unwrap_or_default();
                    let input = before.get(input.values..input.values + self.values).unwrap_or(&[]);
                    // There is room for as many as the chunk has.
                    let _ = together.push(dropout::Image { random, input, kept, output });
                }
                dropout::Forward { images: &mut together, threshold: self.threshold() }.on(executor.vectors());
                let mut states = [0; dropout::IMAGES];
                states.iter_mut().zip(&together).for_each(|(state, image)| *state = image.random);
                drop(together);
                chunk.iter_mut().zip(states).for_each(|(image, state)| batch::set_random(image, state));
            }
        });
    }

    /// The gradient in the input, if anybody asks for it: that in the output where a value stayed.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn backward(self, images: Images, input: Place, own: usize, executor: &impl Executor) {
        let Some(place) = input.gradient else { return };
        split_images(images, self.values, executor, &|mut images| {
            for image in images.iter_mut() {
                let (before, saved) = image.split_at_mut_checked(own).unwrap_or_default();
                let gradient = before.get_mut(place..place + self.values).unwrap_or_default();
                let delta = saved.get(self.values..2 * self.values).unwrap_or(&[]);
                let kept = saved.get(2 * self.values..).unwrap_or(&[]);
                for ((gradient, delta), kept) in gradient.iter_mut().zip(delta).zip(kept) {
                    *gradient = delta * kept;
                }
            }
        });
    }
}
