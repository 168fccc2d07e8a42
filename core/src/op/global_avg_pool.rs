//! The operator of global average pooling.

use crate::batch::{Images, Place, pair};
use crate::executor::{Executor, split_images};
use crate::text::Text;

/// The mean of each channel of an image: the sum over the positions by rows, divided by their number (Lin, Chen and Yan
/// 2013, "Network in network").
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GlobalAvgPool {
    /// Rows of the image.
    pub height: usize,
    /// Columns of the image.
    pub width: usize,
    /// Channels of the image, and values that it gives.
    pub channels: usize,
}

impl GlobalAvgPool {
    /// Values that it takes.
    pub const fn inputs(self) -> usize {
        self.height * self.width * self.channels
    }

    /// Values that training remembers of one image: the outputs, and the gradient of the cost in them.
    pub const fn saved(self) -> usize {
        2 * self.channels
    }

    /// Its words in the architecture's text.
    pub const fn text(self) -> Text {
        Text::EMPTY.then("globalavgpool")
    }

    /// Where its output lies, given where what it saves begins.
    pub const fn output(self, own: usize) -> Place {
        Place { values: own, gradient: Some(own + self.channels) }
    }

    /// Computes the means of the values at `from`, to `to`.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn infer(self, images: Images, from: usize, to: usize, executor: &impl Executor) {
        split_images(images, self.inputs(), executor, &|mut images| {
            for image in images.iter_mut() {
                let (pixels, means) = pair(image, from, self.inputs(), to, self.channels);
                mean(pixels, means);
            }
        });
    }

    /// Computes the outputs in training.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn forward(self, images: Images, input: Place, own: usize, executor: &impl Executor) {
        self.infer(images, input.values, own, executor);
    }

    /// The gradient in the input, if anybody asks for it: each position gets its share.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn backward(self, images: Images, input: Place, own: usize, executor: &impl Executor) {
        let Some(gradient) = input.gradient else { return };
        split_images(images, self.inputs(), executor, &|mut images| {
            for image in images.iter_mut() {
                let (delta, gradient) = pair(image, own + self.channels, self.channels, gradient, self.inputs());
                share(delta, gradient);
            }
        });
    }
}

#[cfg_attr(target_os = "none", inline(never))]
fn mean(pixels: &[f32], means: &mut [f32]) {
    means.fill(0.0);
    let channels = means.len().max(1);
    for pixel in pixels.chunks_exact(channels) {
        means.iter_mut().zip(pixel).for_each(|(mean, value)| *mean += value);
    }
    let positions = (pixels.len() / channels) as f32;
    means.iter_mut().for_each(|mean| *mean /= positions);
}

#[cfg_attr(target_os = "none", inline(never))]
fn share(delta: &[f32], gradient: &mut [f32]) {
    let channels = delta.len().max(1);
    let positions = (gradient.len() / channels) as f32;
    let mut pixels = gradient.chunks_exact_mut(channels);
    let Some(first) = pixels.next() else { return };
    first.iter_mut().zip(delta).for_each(|(share, delta)| *share = delta / positions);
    pixels.for_each(|pixel| pixel.copy_from_slice(first));
}
