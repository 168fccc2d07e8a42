//! A convolution's operator, with the pooling and the activation after it.

use crate::activation::{self, Function};
use crate::batch::{Images, Place, pair};
use crate::executor::{Executor, pieces, split_images, split_rows};
use crate::init::{Fan, Init};
use crate::kernel::conv::{self, FILTERS, Samples};
use crate::pool::Pooling;
use crate::sgd::Sgd;
use crate::text::Text;
use rand_core::Rng;
use zerocopy::IntoBytes;

/// Filters over an image, stride 1, no padding; then the pooling, then the activation: the book's
/// `network3.ConvPoolLayer` and equation 125.
///
/// The weight that leads from channel c of the pixel (y + ky, x + kx) to channel o of the position (y, x) is number
/// ((ky·filter_width + kx)·channels + c)·filters + o.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv {
    /// Rows of the image.
    pub height: usize,
    /// Columns of the image.
    pub width: usize,
    /// Channels of the image.
    pub channels: usize,
    /// Rows of a filter; at most `height`.
    pub filter_height: usize,
    /// Columns of a filter; at most `width`.
    pub filter_width: usize,
    /// Channels that come out.
    pub filters: usize,
    /// What is done to the map before the activation.
    pub pooling: Pooling,
    /// What turns the pooled sums into activations; one that works on each value alone.
    pub activation: Function,
}

impl Conv {
    /// Values that it takes.
    pub const fn inputs(self) -> usize {
        self.height * self.width * self.channels
    }

    /// Rows of the map, before the pooling.
    pub const fn rows(self) -> usize {
        self.height + 1 - self.filter_height
    }

    /// Columns of the map, before the pooling.
    pub const fn columns(self) -> usize {
        self.width + 1 - self.filter_width
    }

    /// Rows of what comes out.
    pub const fn out_height(self) -> usize {
        self.rows() / self.pooling.side()
    }

    /// Columns of what comes out.
    pub const fn out_width(self) -> usize {
        self.columns() / self.pooling.side()
    }

    /// Values that it gives.
    pub const fn outputs(self) -> usize {
        self.out_height() * self.out_width() * self.filters
    }

    /// Weights of one filter: pixels under it times channels.
    pub const fn taps(self) -> usize {
        self.filter_height * self.filter_width * self.channels
    }

    /// How many weights it has.
    pub const fn weights(self) -> usize {
        self.taps() * self.filters
    }

    /// Multiplications with a weight, for one image.
    pub const fn macs(self) -> usize {
        self.rows() * self.columns() * self.weights()
    }

    /// Values that training remembers of one image: the outputs, the gradient of the cost in them, and, four to a value,
    /// the positions that they came from.
    pub const fn saved(self) -> usize {
        2 * self.outputs() + self.outputs().div_ceil(4)
    }

    /// Its words in the architecture's text.
    pub const fn text(self) -> Text {
        let text = Text::EMPTY.then("conv").then_number(self.filter_height).then("x").then_number(self.filter_width);
        self.activation.append(self.pooling.append(text.then(" ").then_number(self.filters)))
    }
}

/// Something of each of at most [`conv::IMAGES`] images.
type Together<T> = heapless::Vec<T, { conv::IMAGES }>;

/// The fewest weights whose step is worth a second thread.
const WEIGHTS: usize = 10_000;

impl Conv {
    /// Draws weights and biases.
    pub fn initialize(self, init: Init, weights: &mut [f32], bias: &mut [f32], rng: &mut impl Rng) {
        // `network3.py` divides by the pool's size even though the pool comes later.
        let (window, square) = (self.filter_height * self.filter_width, self.pooling.side() * self.pooling.side());
        let fan_out = (self.filters * window) as f32 / square as f32;
        init.draw(Fan { fan_in: self.taps(), fan_out, softmax: false }, weights, bias, rng);
    }

    /// Where its output lies, given where what it saves begins.
    pub const fn output(self, own: usize) -> Place {
        Place { values: own, gradient: Some(own + self.outputs()) }
    }

    /// Where the positions lie that its values came from.
    const fn origins(self, own: usize) -> usize {
        own + 2 * self.outputs()
    }

    /// Computes the outputs of inference: from the values at `from` to those at `to`. The executor's threads share the
    /// images, or the rows of a single one.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn infer(
        self,
        weights: &[f32],
        bias: &[f32],
        mut images: Images,
        from: usize,
        to: usize,
        executor: &impl Executor,
    ) {
        if images.len() == 1 || images.len() < executor.threads() {
            for image in images.iter_mut() {
                let (pixels, values) = pair(image, from, self.inputs(), to, self.outputs());
                self.infer_rows(weights, bias, pixels, values, pieces(self.macs(), executor), executor);
            }
            return;
        }
        split_images(images, self.macs(), executor, &|mut images| {
            for mut chunk in images.chunks(conv::IMAGES) {
                let images = chunk.iter_mut().map(|image| {
                    let (pixels, values) = pair(image, from, self.inputs(), to, self.outputs());
                    conv::Image { pixels, values, origins: None }
                });
                self.convolve(weights, bias, &mut images.collect::<Together<_>>(), executor);
            }
        });
    }

    /// Computes the outputs in training.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn forward(
        self,
        weights: &[f32],
        bias: &[f32],
        images: Images,
        input: Place,
        own: usize,
        executor: &impl Executor,
    ) {
        split_images(images, self.macs(), executor, &|mut images| {
            for mut chunk in images.chunks(conv::IMAGES) {
                let images = chunk.iter_mut().map(|image| {
                    let (before, origins) = image.split_at_mut_checked(self.origins(own)).unwrap_or_default();
                    let (pixels, values) = pair(before, input.values, self.inputs(), own, self.outputs());
                    let origins = origins.as_mut_bytes().get_mut(..self.outputs());
                    conv::Image { pixels, values, origins }
                });
                self.convolve(weights, bias, &mut images.collect::<Together<_>>(), executor);
            }
        });
    }

    /// Turns the gradient in the output, ∂C/∂a, into δ = ∂C/∂z, the gradient in the weighted input.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn activation_gradient(self, images: Images, own: usize, executor: &impl Executor) {
        activation::gradient(self.activation, self.outputs(), images, own, executor);
    }

    /// From δ, computes the gradient in the input, if anybody asks for it.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn backward(self, weights: &[f32], images: Images, input: Place, own: usize, executor: &impl Executor) {
        let Some(gradient) = input.gradient else { return };
        let delta = own + self.outputs();
        split_images(images, self.macs(), executor, &|mut images| {
            executor.scratch(conv::input_gradient_scratch(self), |scratch| {
                for mut chunk in images.chunks(conv::IMAGES) {
                    let images = chunk.iter_mut().map(|image| {
                        let (before, origins) = image.split_at_mut_checked(self.origins(own)).unwrap_or_default();
                        let (delta, gradient) = pair(before, delta, self.outputs(), gradient, self.inputs());
                        let origins = origins.as_bytes().get(..self.outputs()).unwrap_or(&[]);
                        conv::Backward { delta, origins, gradient }
                    });
                    let images = &mut images.collect::<Together<_>>();
                    conv::InputGradient { op: self, weights, images, scratch }.on(executor.vectors());
                }
            });
        });
    }

    /// Takes a step down the gradient of the batch's cost.
    #[cfg_attr(target_os = "none", inline(always))]
    #[expect(clippy::too_many_arguments, reason = "as every operator's")]
    pub fn update(
        self,
        weights: &mut [f32],
        bias: &mut [f32],
        images: &Images,
        input: Place,
        own: usize,
        sgd: &Sgd,
        executor: &impl Executor,
    ) {
        let (memory, stride) = images.memory();
        let (input, delta, origins) = (input.values, own + self.outputs(), self.origins(own));
        let samples = Samples { memory, stride, input, delta, origins };
        let pieces = pieces(self.macs() * images.len(), executor);
        let step_pieces = if self.weights() < WEIGHTS { 1 } else { pieces };
        // Threads share the filters for the gradient, and their taps for the step.
        executor.scratch(FILTERS.min(self.filters) * self.taps(), |gradients| {
            let together = (gradients.len() / self.taps().max(1)).clamp(1, FILTERS);
            for first in (0..self.filters).step_by(together) {
                let count = together.min(self.filters - first);
                let gradients = gradients.get_mut(..count * self.taps()).unwrap_or_default();
                // Nothing is written here that another thread will write.
                split_rows(gradients, self.taps(), first, pieces, executor, &|gradients, first| {
                    let filters = gradients.len() / self.taps().max(1);
                    executor.scratch(conv::gradient_scratch(self, filters), |scratch| {
                        conv::Gradient { op: self, gradients, first, samples, scratch }.on(executor.vectors());
                    });
                });
                split_rows(weights, self.filters, 0, step_pieces, executor, &|taps, tap| {
                    conv::Step { op: self, taps, tap, gradients, first, sgd }.on(executor.vectors());
                });
            }
        });
        conv::update_bias(self, bias, &samples, sgd);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn convolve(self, weights: &[f32], bias: &[f32], images: &mut [conv::Image], executor: &impl Executor) {
        let scratch = conv::forward_scratch(self);
        if scratch == 0 {
            // Not by the closure below, which layers would share: then nothing would fold.
            return conv::Forward { op: self, weights, bias, images, scratch: &mut [] }.on(executor.vectors());
        }
        executor.scratch(scratch, |scratch| {
            conv::Forward { op: self, weights, bias, images, scratch }.on(executor.vectors());
        });
    }

    /// The results of some rows of pixels, some of them on each thread.
    #[cfg_attr(target_os = "none", inline(always))]
    fn infer_rows(
        self,
        weights: &[f32],
        bias: &[f32],
        pixels: &[f32],
        values: &mut [f32],
        pieces: usize,
        executor: &impl Executor,
    ) {
        let row = self.width * self.channels;
        let results = (pixels.len() / row.max(1) + 1).saturating_sub(self.filter_height) / self.pooling.side();
        let pieces = pieces.min(results);
        let half = pieces / 2;
        if half == 0 {
            return self.convolve(weights, bias, &mut [conv::Image { pixels, values, origins: None }], executor);
        }
        self.infer_halves(weights, bias, pixels, values, (results * half / pieces, half, pieces), executor);
    }

    /// As [`infer_rows`](Self::infer_rows), cut at a row of results.
    fn infer_halves(
        self,
        weights: &[f32],
        bias: &[f32],
        pixels: &[f32],
        values: &mut [f32],
        (middle, half, pieces): (usize, usize, usize),
        executor: &impl Executor,
    ) {
        let row = self.width * self.channels;
        let (upper, lower) = values.split_at_mut_checked(middle * self.out_width() * self.filters).unwrap_or_default();
        let first = middle * self.pooling.side();
        let (above, below) = (pixels.get(..(first + self.filter_height - 1) * row), pixels.get(first * row..));
        executor.join(
            || self.infer_rows(weights, bias, above.unwrap_or(&[]), upper, half, executor),
            || self.infer_rows(weights, bias, below.unwrap_or(&[]), lower, pieces - half, executor),
        );
    }
}
